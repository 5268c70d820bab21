/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Messages (RFC 6458 4.1.8, 5.3, 9.12, 9.13): boundaries, partial reads and partial delivery,
 * ancillary data, flags, bulk in both directions and with several threads.
 */
#include "api/api_test.h"

#include <stdio.h>

static ssize_t receive(int sd, void *data, size_t bytes, int *flags) {
    struct iovec iov = {.iov_base = data, .iov_len = bytes};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
    ssize_t n = usctp_recvmsg(sd, &message, *flags);
    *flags = message.msg_flags;
    return n;
}

START_TEST(boundaries) {
    struct pair pair;
    char buffer[16];
    int flags;
    pair_open(&pair, DRIVER_THREAD);
    ck_assert_int_eq(usctp_send(pair.client, "one", 3, 0), 3);
    ck_assert_int_eq(usctp_send(pair.client, "seven77", 7, MSG_EOR), 7);
    flags = MSG_PEEK;
    ck_assert_int_eq(receive(pair.server, buffer, sizeof buffer, &flags), 3);
    ck_assert_int_eq(flags, MSG_EOR);
    flags = 0;
    ck_assert_int_eq(receive(pair.server, buffer, sizeof buffer, &flags), 3);
    ck_assert_int_eq(flags, MSG_EOR);
    ck_assert_mem_eq(buffer, "one", 3);
    flags = 0;
    ck_assert_int_eq(receive(pair.server, buffer, 5, &flags), 5);
    ck_assert_int_eq(flags, 0); /* the message goes on */
    flags = 0;
    ck_assert_int_eq(receive(pair.server, buffer + 5, 11, &flags), 2);
    ck_assert_int_eq(flags, MSG_EOR);
    ck_assert_mem_eq(buffer, "seven77", 7);
    flags = MSG_DONTWAIT;
    ck_assert_errno(receive(pair.server, buffer, 5, &flags), EAGAIN);
    pair_close(&pair);
}
END_TEST

START_TEST(gather_and_scatter) {
    struct pair pair;
    char a[2], b[3], c[8];
    struct sockaddr_in from;
    struct iovec out[3] = {{"ab", 2}, {NULL, 0}, {"cdefg", 5}};
    struct iovec in[3] = {{a, sizeof a}, {b, sizeof b}, {c, sizeof c}};
    struct msghdr sent = {.msg_iov = out, .msg_iovlen = 3};
    struct msghdr got = {
        .msg_iov = in, .msg_iovlen = 3, .msg_name = &from, .msg_namelen = sizeof from};
    pair_open(&pair, DRIVER_THREAD);
    ck_assert_int_eq(usctp_sendmsg(pair.client, &sent, 0), 7);
    ck_assert_int_eq(usctp_recvmsg(pair.server, &got, 0), 7);
    ck_assert_mem_eq(a, "ab", 2);
    ck_assert_mem_eq(b, "cde", 3);
    ck_assert_mem_eq(c, "fg", 2);
    ck_assert_int_eq(got.msg_namelen, sizeof from);
    ck_assert_int_eq(from.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
    ck_assert_int_eq(ntohs(from.sin_port), port_of(pair.client));
    pair_close(&pair);
}
END_TEST

/* Sends with an SCTP_SNDINFO. */
static ssize_t send_with(int sd, const char *text, struct sctp_sndinfo info) {
    union {
        char bytes[CMSG_SPACE(sizeof(struct sctp_sndinfo))];
        struct cmsghdr align;
    } control = {{0}};
    struct iovec iov = {(void *)(uintptr_t)text, strlen(text)};
    struct msghdr message = {.msg_iov = &iov,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    c->cmsg_level = IPPROTO_SCTP;
    c->cmsg_type = SCTP_SNDINFO;
    c->cmsg_len = CMSG_LEN(sizeof info);
    memcpy(CMSG_DATA(c), &info, sizeof info);
    return usctp_sendmsg(sd, &message, MSG_NOSIGNAL);
}

/* The stack does no byte order conversion of a PPID (RFC 6458 5.3.4); stream, flags and PPID arrive
 * as sent. */
START_TEST(ancillary_data) {
    struct pair pair;
    int on = 1;
    uint32_t context = 77;
    struct sctp_event_subscribe events = {.sctp_data_io_event = 1};
    struct sctp_assoc_value value = {.assoc_value = context};
    char data[16], control[512];
    struct sctp_rcvinfo rcvinfo;
    struct sctp_nxtinfo nxtinfo;
    struct sctp_sndrcvinfo sndrcvinfo;
    bool has_rcvinfo = false, has_nxtinfo = false, has_sndrcvinfo = false;
    pair_open(&pair, DRIVER_THREAD);
    ck_assert_int_eq(usctp_setsockopt(pair.server, IPPROTO_SCTP, SCTP_RECVRCVINFO, &on, sizeof on),
                     0);
    ck_assert_int_eq(usctp_setsockopt(pair.server, IPPROTO_SCTP, SCTP_RECVNXTINFO, &on, sizeof on),
                     0);
    ck_assert_int_eq(
        usctp_setsockopt(pair.server, IPPROTO_SCTP, SCTP_EVENTS, &events, sizeof events), 0);
    ck_assert_int_eq(
        usctp_setsockopt(pair.server, IPPROTO_SCTP, SCTP_CONTEXT, &value, sizeof value), 0);
    ck_assert_int_eq(
        send_with(pair.client, "first", (struct sctp_sndinfo){.snd_sid = 3, .snd_ppid = htonl(51)}),
        5);
    ck_assert_int_eq(send_with(pair.client, "second",
                               (struct sctp_sndinfo){.snd_sid = 9,
                                                     .snd_flags = SCTP_UNORDERED,
                                                     .snd_ppid = 0x01020304}),
                     6);
    /* Wait until both are there. */
    struct usctp_assoc_status status;
    for (int i = 0; i < BOUND_MS; i++) {
        ck_assert_int_eq(usctp_socket_status(pair.server, &status), 0);
        if (status.unread_bytes == 11)
            break;
        usleep(1000);
    }
    struct iovec iov = {data, sizeof data};
    struct msghdr got = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    ck_assert_int_eq(usctp_recvmsg(pair.server, &got, 0), 5);
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&got); c; c = CMSG_NXTHDR(&got, c)) {
        ck_assert_int_eq(c->cmsg_level, IPPROTO_SCTP);
        if (c->cmsg_type == SCTP_RCVINFO)
            memcpy(&rcvinfo, CMSG_DATA(c), sizeof rcvinfo);
        if (c->cmsg_type == SCTP_NXTINFO)
            memcpy(&nxtinfo, CMSG_DATA(c), sizeof nxtinfo);
        if (c->cmsg_type == SCTP_SNDRCV)
            memcpy(&sndrcvinfo, CMSG_DATA(c), sizeof sndrcvinfo);
        has_rcvinfo |= c->cmsg_type == SCTP_RCVINFO;
        has_nxtinfo |= c->cmsg_type == SCTP_NXTINFO;
        has_sndrcvinfo |= c->cmsg_type == SCTP_SNDRCV;
    }
    ck_assert(has_rcvinfo && has_nxtinfo && has_sndrcvinfo);
    ck_assert_int_eq(rcvinfo.rcv_sid, 3);
    ck_assert_int_eq(rcvinfo.rcv_ssn, 0);
    ck_assert_int_eq(rcvinfo.rcv_flags, 0);
    ck_assert_uint_eq(rcvinfo.rcv_ppid, htonl(51));
    ck_assert_uint_eq(rcvinfo.rcv_context, context);
    ck_assert_int_ge(rcvinfo.rcv_assoc_id, 3);
    ck_assert_int_eq(nxtinfo.nxt_sid, 9);
    ck_assert_int_eq(nxtinfo.nxt_flags, SCTP_UNORDERED | USCTP_COMPLETE); /* RFC 6458 5.3.6 */
    ck_assert_uint_eq(nxtinfo.nxt_ppid, 0x01020304);
    ck_assert_uint_eq(nxtinfo.nxt_length, 6);
    ck_assert_int_eq(sndrcvinfo.sinfo_stream, 3);
    ck_assert_uint_eq(sndrcvinfo.sinfo_ppid, htonl(51));
    ck_assert_uint_eq(sndrcvinfo.sinfo_tsn, rcvinfo.rcv_tsn);

    got.msg_controllen = CMSG_LEN(sizeof rcvinfo);
    ck_assert_int_eq(usctp_recvmsg(pair.server, &got, 0), 6);
    ck_assert_int_eq(got.msg_flags, MSG_EOR | MSG_CTRUNC);
    ck_assert_uint_eq(got.msg_controllen, CMSG_LEN(sizeof rcvinfo));
    pair_close(&pair);
}
END_TEST

START_TEST(vector_calls) {
    struct pair pair;
    int on = 1, flags = 0;
    char data[16];
    struct iovec out = {"text", 4}, in = {data, sizeof data};
    struct usctp_sendv_spa spa = {.sendv_flags = USCTP_SEND_SNDINFO_VALID,
                                  .sendv_sndinfo = {.snd_sid = 2, .snd_ppid = 5}};
    struct usctp_recvv_rn info;
    socklen_t info_bytes = sizeof info;
    unsigned type = 99;
    struct sockaddr_in from, peer;
    socklen_t from_bytes = sizeof from;
    pair_stacks(&pair, DRIVER_THREAD);
    ck_assert_int_eq(
        usctp_setsockopt(pair.listener, IPPROTO_SCTP, SCTP_RECVRCVINFO, &on, sizeof on), 0);
    peer = loopback(pair.port);
    /* Sets up the association, too. */
    ck_assert_int_eq(usctp_sendv(pair.client, &out, 1, (struct sockaddr *)&peer, 1, &spa,
                                 sizeof spa, USCTP_SENDV_SPA, 0),
                     4);
    pair.server = usctp_accept(pair.listener, NULL, NULL);
    ck_assert_int_ge(pair.server, 0);
    ck_assert_int_eq(usctp_recvv(pair.server, &in, 1, (struct sockaddr *)&from, &from_bytes, &info,
                                 &info_bytes, &type, &flags),
                     4);
    ck_assert_int_eq(type, USCTP_RECVV_RCVINFO);
    ck_assert_int_eq(info_bytes, sizeof info.recvv_rcvinfo);
    ck_assert_int_eq(info.recvv_rcvinfo.rcv_sid, 2);
    ck_assert_uint_eq(info.recvv_rcvinfo.rcv_ppid, 5);
    ck_assert_int_eq(flags, MSG_EOR);
    ck_assert_int_eq(ntohs(from.sin_port), port_of(pair.client));
    struct sctp_prinfo policy = {.pr_policy = SCTP_PR_SCTP_TTL, .pr_value = 5};
    ck_assert_errno(
        usctp_sendv(pair.client, &out, 1, NULL, 0, &policy, sizeof policy, USCTP_SENDV_PRINFO, 0),
        EOPNOTSUPP);
    ck_assert_errno(usctp_sendv(pair.client, &out, 1, NULL, 0, &spa, 4, USCTP_SENDV_SPA, 0),
                    EINVAL);
    ck_assert_errno(usctp_sendv(pair.client, &out, 1, NULL, 0, &spa, sizeof spa, 5, 0), EINVAL);
    ck_assert_errno(usctp_sendv(pair.client, &out, 1, NULL, 0, NULL, 16, USCTP_SENDV_SNDINFO, 0),
                    EFAULT);
    ck_assert_errno(usctp_sendv(pair.client, &out, -1, NULL, 0, NULL, 0, 0, 0), EINVAL);
    ck_assert_int_eq(usctp_sendv(pair.client, &out, 1, NULL, 0, NULL, 0, USCTP_SENDV_NOINFO, 0), 4);
    pair_close(&pair);
}
END_TEST

START_TEST(bad_sends) {
    struct pair pair;
    char huge[4096] = {0};
    int small = 2048;
    pair_stacks(&pair, DRIVER_THREAD);
    ck_assert_int_eq(usctp_setsockopt(pair.client, SOL_SOCKET, SO_SNDBUF, &small, sizeof small), 0);
    ck_assert_errno(usctp_send(pair.client, "x", 1, MSG_NOSIGNAL), EPIPE);
    pair_connect(&pair);
    ck_assert_errno(usctp_send(pair.client, huge, sizeof huge, 0), EMSGSIZE);
    ck_assert_errno(usctp_send(pair.client, huge, 0, 0), EINVAL);
    ck_assert_errno(usctp_send(pair.client, NULL, 1, 0), EFAULT);
    ck_assert_errno(usctp_send(pair.client, "x", 1, MSG_OOB), EOPNOTSUPP);
    ck_assert_errno(usctp_sendmsg(pair.client, NULL, 0), EFAULT);
    ck_assert_errno(usctp_recv(pair.client, NULL, 1, 0), EFAULT);
    ck_assert_errno(usctp_recvmsg(pair.client, NULL, 0), EFAULT);
    ck_assert_errno(send_with(pair.client, "x", (struct sctp_sndinfo){.snd_sid = 10}), EINVAL);
    ck_assert_errno(send_with(pair.client, "x", (struct sctp_sndinfo){.snd_flags = 0x400}), EINVAL);
    ck_assert_errno(
        send_with(pair.client, "x", (struct sctp_sndinfo){.snd_flags = SCTP_PR_SCTP_TTL}),
        EOPNOTSUPP);
    /* A control message that claims more than there is. */
    char control[CMSG_SPACE(4)] __attribute__((aligned(8))) = {0};
    struct iovec iov = {"x", 1};
    struct msghdr message = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    c->cmsg_level = IPPROTO_SCTP;
    c->cmsg_type = SCTP_SNDINFO;
    c->cmsg_len = 4096;
    ck_assert_errno(usctp_sendmsg(pair.client, &message, 0), EINVAL);
    c->cmsg_len = CMSG_LEN(4);
    ck_assert_errno(usctp_sendmsg(pair.client, &message, 0), EINVAL);
    /* An address that is none of the peer's. */
    struct sockaddr_in other = loopback(pair.port);
    other.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 9);
    message = (struct msghdr){
        .msg_name = &other, .msg_namelen = sizeof other, .msg_iov = &iov, .msg_iovlen = 1};
    ck_assert_errno(usctp_sendmsg(pair.client, &message, 0), EADDRNOTAVAIL);
    pair_close(&pair);
}
END_TEST

/* ---- bulk ------------------------------------------------------------------------------------ */

struct bulk {
    int sd;
    size_t messages, message_bytes;
    uint64_t sum; /* of all bytes, each times its position */
    bool failed;
};

static uint8_t byte_at(size_t position) {
    return (uint8_t)(position * 31 + position / 257);
}

static void *send_bulk(void *argument) {
    struct bulk *bulk = argument;
    uint8_t *data = malloc(bulk->message_bytes);
    size_t position = 0;
    for (size_t i = 0; i < bulk->messages && !bulk->failed; i++) {
        for (size_t k = 0; k < bulk->message_bytes; k++)
            data[k] = byte_at(position++);
        if (usctp_send(bulk->sd, data, bulk->message_bytes, 0) != (ssize_t)bulk->message_bytes)
            bulk->failed = true;
    }
    free(data);
    return NULL;
}

static void *receive_bulk(void *argument) {
    struct bulk *bulk = argument;
    uint8_t data[16384];
    size_t position = 0, total = bulk->messages * bulk->message_bytes, in_message = 0;
    while (position < total && !bulk->failed) {
        int flags = 0;
        ssize_t n = receive(bulk->sd, data, sizeof data, &flags);
        if (n <= 0)
            bulk->failed = true;
        for (ssize_t k = 0; k < n; k++)
            if (data[k] != byte_at(position++))
                bulk->failed = true;
        in_message += n > 0 ? (size_t)n : 0;
        if ((flags & MSG_EOR) != 0 && in_message != bulk->message_bytes)
            bulk->failed = true;
        if (flags & MSG_EOR)
            in_message = 0;
    }
    return NULL;
}

static void set_buffer(int sd, int option, int bytes) {
    ck_assert_int_eq(usctp_setsockopt(sd, SOL_SOCKET, option, &bytes, sizeof bytes), 0);
}

/* A message sixteen times as large as the receive buffer arrives by partial delivery. */
START_TEST(big_messages) {
    struct pair pair;
    pthread_t thread;
    pair_stacks(&pair, _i);
    set_buffer(pair.client, SO_SNDBUF, 2 << 20);
    set_buffer(pair.listener, SO_RCVBUF, 64 << 10);
    pair_connect(&pair);
    struct background background;
    background_start(&background, pair.client_stack, _i);
    struct bulk out = {.sd = pair.client, .messages = 3, .message_bytes = 1 << 20};
    struct bulk in = {.sd = pair.server, .messages = 3, .message_bytes = 1 << 20};
    ck_assert_int_eq(pthread_create(&thread, NULL, send_bulk, &out), 0);
    receive_bulk(&in);
    pthread_join(thread, NULL);
    background_stop(&background);
    ck_assert(!out.failed);
    ck_assert(!in.failed);
    pair_close(&pair);
}
END_TEST

/* Both directions at once, four threads on two sockets, small buffers. */
START_TEST(both_ways) {
    struct pair pair;
    pthread_t threads[4];
    pair_stacks(&pair, _i);
    set_buffer(pair.client, SO_SNDBUF, 32 << 10);
    set_buffer(pair.listener, SO_SNDBUF, 32 << 10);
    pair_connect(&pair);
    struct bulk bulks[4] = {{pair.client, 400, 5000, 0, false},
                            {pair.server, 400, 5000, 0, false},
                            {pair.server, 700, 3000, 0, false},
                            {pair.client, 700, 3000, 0, false}};
    struct background backgrounds[2];
    background_start(&backgrounds[0], pair.client_stack, _i);
    background_start(&backgrounds[1], pair.server_stack, _i);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(
            pthread_create(&threads[i], NULL, i % 2 ? receive_bulk : send_bulk, &bulks[i]), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    background_stop(&backgrounds[0]);
    background_stop(&backgrounds[1]);
    for (int i = 0; i < 4; i++)
        ck_assert_msg(!bulks[i].failed, "thread %d", i);
    pair_close(&pair);
}
END_TEST

/* Several readers of one socket: each message goes to one of them, and none stays asleep over a
 * message. */
struct readers {
    int sd;
    _Atomic int taken, bytes;
};

static void *read_some(void *argument) {
    struct readers *readers = argument;
    char buffer[64];
    ssize_t n;
    while ((n = usctp_recv(readers->sd, buffer, sizeof buffer, 0)) > 0) {
        readers->taken++;
        readers->bytes += (int)n;
    }
    return NULL;
}

START_TEST(several_readers) {
    struct pair pair;
    pthread_t threads[4];
    enum { MESSAGES = 2000 };
    pair_open(&pair, _i);
    struct readers readers = {.sd = pair.server};
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, read_some, &readers), 0);
    for (int i = 0; i < MESSAGES; i++)
        ck_assert_int_eq(usctp_send(pair.client, "0123456789", 10, 0), 10);
    ck_assert_int_eq(usctp_shutdown(pair.client, SHUT_WR), 0);
    if (_i == DRIVER_CALLER) { /* somebody must drive the client's half */
        char end;
        ck_assert_int_eq(usctp_recv(pair.client, &end, 1, 0), 0);
    }
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    ck_assert_int_eq(readers.taken, MESSAGES);
    ck_assert_int_eq(readers.bytes, MESSAGES * 10);
    pair_close(&pair);
}
END_TEST

static void on_signal(int number) {
    (void)number;
}

static void *disturb(void *argument) {
    pthread_t target = *(pthread_t *)argument;
    usleep(30000);
    pthread_kill(target, SIGUSR1);
    return NULL;
}

/* SO_RCVTIMEO, O_NONBLOCK and signals act as on any socket. */
START_TEST(blocking_can_be_bounded) {
    struct pair pair;
    char byte;
    struct timeval timeout = {.tv_usec = 20000}, got;
    socklen_t length = sizeof got;
    pthread_t thread, self = pthread_self();
    pair_open(&pair, _i);
    ck_assert_int_eq(
        usctp_setsockopt(pair.client, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout), 0);
    ck_assert_int_eq(usctp_getsockopt(pair.client, SOL_SOCKET, SO_RCVTIMEO, &got, &length), 0);
    ck_assert_int_ge((int)got.tv_usec, 20000);
    ck_assert_errno(usctp_recv(pair.client, &byte, 1, 0), EAGAIN);
    timeout.tv_usec = 0;
    ck_assert_int_eq(
        usctp_setsockopt(pair.client, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout), 0);
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGUSR1, &action, NULL);
    ck_assert_int_eq(pthread_create(&thread, NULL, disturb, &self), 0);
    ck_assert_errno(usctp_recv(pair.client, &byte, 1, 0), EINTR);
    pthread_join(thread, NULL);
    pair_close(&pair);
}
END_TEST

static void *answer_later(void *argument) {
    struct pair *pair = argument;
    usleep(100000);
    usctp_send(pair->server, "x", 1, 0);
    return NULL;
}

START_TEST(restarting_handlers_are_not_seen) {
    struct pair pair;
    char byte;
    pthread_t disturber, answerer, self = pthread_self();
    pair_open(&pair, _i);
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    /* The test framework's own handlers would be seen, too. */
    for (int number = 1; number < 32; number++)
        if (number != SIGKILL && number != SIGSTOP)
            signal(number, SIG_DFL);
    sigaction(SIGUSR1, &action, NULL);
    ck_assert_int_eq(pthread_create(&disturber, NULL, disturb, &self), 0);
    ck_assert_int_eq(pthread_create(&answerer, NULL, answer_later, &pair), 0);
    ck_assert_int_eq(usctp_recv(pair.client, &byte, 1, 0), 1);
    pthread_join(disturber, NULL);
    pthread_join(answerer, NULL);
    pair_close(&pair);
}
END_TEST

static void *receive_for_ever(void *argument) {
    char byte;
    usctp_recv(*(int *)argument, &byte, 1, 0);
    return NULL;
}

/* A thread may be cancelled while it blocks; what it held goes on to others. */
START_TEST(cancellation) {
    struct pair pair;
    pthread_t thread;
    void *result;
    char byte;
    pair_open(&pair, _i);
    ck_assert_int_eq(pthread_create(&thread, NULL, receive_for_ever, &pair.server), 0);
    usleep(20000);
    ck_assert_int_eq(pthread_cancel(thread), 0);
    ck_assert_int_eq(pthread_join(thread, &result), 0);
    ck_assert_ptr_eq(result, PTHREAD_CANCELED);
    ck_assert_int_eq(usctp_send(pair.client, "x", 1, 0), 1);
    ck_assert_int_eq(usctp_recv(pair.server, &byte, 1, 0), 1);
    pair_close(&pair);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("data");
    TCase *tcase = tcase_create("data");
    tcase_set_timeout(tcase, TEST_SECONDS);
    tcase_add_test(tcase, boundaries);
    tcase_add_test(tcase, gather_and_scatter);
    tcase_add_test(tcase, ancillary_data);
    tcase_add_test(tcase, vector_calls);
    tcase_add_test(tcase, bad_sends);
    tcase_add_loop_test(tcase, big_messages, 0, DRIVERS);
    tcase_add_loop_test(tcase, both_ways, 0, DRIVERS);
    tcase_add_loop_test(tcase, several_readers, 0, DRIVERS);
    tcase_add_loop_test(tcase, blocking_can_be_bounded, 0, DRIVERS);
    tcase_add_loop_test(tcase, restarting_handlers_are_not_seen, 0, DRIVERS);
    if (!UNDER_TSAN)
        tcase_add_loop_test(tcase, cancellation, 0, DRIVERS);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
