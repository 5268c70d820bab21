/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The other forms of sending and receiving: sendto and recvfrom, read and write, sendmmsg and
 * recvmmsg, the older sctp_ functions of RFC 6458 9.7 to 9.11, sctp_sendv's id, sctp_opt_info.
 */
#include "many_test.h"

#include <time.h>

START_TEST(plain_forms) {
    struct pair pair;
    char data[TEXT_BYTES], more[TEXT_BYTES];
    pair_open(&pair, DRIVER_THREAD);
    struct sockaddr_in from, to = loopback(pair.port);
    socklen_t from_bytes = sizeof from;
    ck_assert_int_eq(usctp_write(pair.client, "write", 5), 5);
    ck_assert_int_eq(usctp_read(pair.server, data, sizeof data), 5);
    ck_assert_mem_eq(data, "write", 5);
    struct iovec out[2] = {{.iov_base = "gath", .iov_len = 4}, {.iov_base = "ered", .iov_len = 4}};
    struct iovec in[2] = {{.iov_base = data, .iov_len = 3}, {.iov_base = more, .iov_len = 10}};
    ck_assert_int_eq(usctp_writev(pair.client, out, 2), 8);
    ck_assert_int_eq(usctp_readv(pair.server, in, 2), 8);
    ck_assert_mem_eq(data, "gat", 3);
    ck_assert_mem_eq(more, "hered", 5);
    ck_assert_int_eq(usctp_sendto(pair.client, "to", 2, 0, (struct sockaddr *)&to, sizeof to), 2);
    ck_assert_int_eq(
        usctp_recvfrom(pair.server, data, sizeof data, 0, (struct sockaddr *)&from, &from_bytes),
        2);
    ck_assert_int_eq(from_bytes, sizeof from);
    ck_assert_int_eq(ntohs(from.sin_port), port_of(pair.client));
    pair_close(&pair);
}
END_TEST

START_TEST(several_messages_a_call) {
    enum { N = 5 };
    struct group g;
    char data[N][TEXT_BYTES];
    struct iovec out[N], in[N];
    struct mmsghdr sent[N] = {0}, got[N] = {0};
    struct sockaddr_in names[N], to;
    group_open(&g, DRIVER_THREAD);
    to = loopback(g.port);
    for (int i = 0; i < N; i++) {
        out[i] = (struct iovec){.iov_base = "abcdefgh", .iov_len = (size_t)i + 1};
        sent[i].msg_hdr = (struct msghdr){
            .msg_iov = &out[i], .msg_iovlen = 1, .msg_name = &to, .msg_namelen = sizeof to};
        in[i] = (struct iovec){.iov_base = data[i], .iov_len = TEXT_BYTES};
        got[i].msg_hdr = (struct msghdr){.msg_iov = &in[i],
                                         .msg_iovlen = 1,
                                         .msg_name = &names[i],
                                         .msg_namelen = sizeof names[i]};
    }
    ck_assert_int_eq(usctp_sendmmsg(g.peers[0], sent, N, 0), N);
    for (int i = 0; i < N; i++)
        ck_assert_uint_eq(sent[i].msg_len, (unsigned)i + 1);
    int taken = 0;
    while (taken < N) {
        int n = usctp_recvmmsg(g.server, got + taken, (unsigned)(N - taken), MSG_WAITFORONE, NULL);
        ck_assert_int_gt(n, 0);
        taken += n;
    }
    for (int i = 0; i < N; i++) {
        ck_assert_uint_eq(got[i].msg_len, (unsigned)i + 1);
        ck_assert_mem_eq(data[i], "abcdefgh", (size_t)i + 1);
        ck_assert_int_eq(got[i].msg_hdr.msg_flags & MSG_EOR, MSG_EOR);
        ck_assert_int_eq(ntohs(names[i].sin_port), port_of(g.peers[0]));
    }
    ck_assert_errno(usctp_recvmmsg(g.server, got, N, MSG_DONTWAIT, NULL), EAGAIN);
    /* What fails after the first is left for the next call. */
    struct sockaddr_in nobody = loopback(0);
    sent[1].msg_hdr.msg_name = &nobody;
    ck_assert_int_eq(usctp_sendmmsg(g.peers[0], sent, N, 0), 1);
    ck_assert_errno(usctp_sendmmsg(g.peers[0], sent + 1, 1, 0), EINVAL);
    struct timespec none = {.tv_sec = 0};
    expect_from(g.server, "a", NULL);
    ck_assert_int_eq(usctp_sendmmsg(g.peers[0], sent, 1, 0), 1);
    got[0].msg_hdr.msg_namelen = sizeof names[0];
    ck_assert_int_eq(usctp_recvmmsg(g.server, got, N, 0, &none),
                     1); /* after one the time is over */
    group_close(&g);
}
END_TEST

static void *receive_two(void *argument) {
    char data[2][TEXT_BYTES];
    struct iovec iov[2] = {{data[0], TEXT_BYTES}, {data[1], TEXT_BYTES}};
    struct mmsghdr got[2] = {{.msg_hdr = {.msg_iov = &iov[0], .msg_iovlen = 1}},
                             {.msg_hdr = {.msg_iov = &iov[1], .msg_iovlen = 1}}};
    return (void *)(intptr_t)usctp_recvmmsg(*(int *)argument, got, 2, 0, NULL);
}

/* The end of a number that one thread came with is no error of the socket, which others have. */
START_TEST(closed_after_the_first_message) {
    struct pair pair;
    pthread_t thread;
    void *taken;
    char byte;
    pair_open(&pair, DRIVER_THREAD);
    int copy = dup(pair.client);
    ck_assert_int_ge(copy, 0);
    ck_assert_int_eq(usctp_send(pair.server, "x", 1, 0), 1);
    ck_assert_int_eq(wait_for(pair.client, POLLIN), POLLIN);
    ck_assert_int_eq(pthread_create(&thread, NULL, receive_two, &pair.client), 0);
    for (int ms = 0; ms < BOUND_MS && (ready_now(copy) & POLLIN); ms++)
        usleep(1000); /* until it waits for the second */
    ck_assert_int_eq(ready_now(copy), POLLOUT);
    ck_assert_int_eq(usctp_close(pair.client), 0);
    ck_assert_int_eq(pthread_join(thread, &taken), 0);
    ck_assert_int_eq((int)(intptr_t)taken, 1);
    ck_assert_errno(usctp_recv(copy, &byte, 1, MSG_DONTWAIT), EAGAIN);
    pair.client = copy;
    pair_close(&pair);
}
END_TEST

START_TEST(older_functions) {
    struct group g;
    struct sctp_event_subscribe events = {.sctp_data_io_event = 1};
    struct sctp_sndrcvinfo info, answer = {.sinfo_stream = 2, .sinfo_ppid = htonl(9)};
    struct sockaddr_in to, from;
    socklen_t from_bytes = sizeof from;
    char data[TEXT_BYTES];
    int flags = 0;
    group_open(&g, DRIVER_THREAD);
    to = loopback(g.port);
    ck_assert_int_eq(usctp_setsockopt(g.server, IPPROTO_SCTP, SCTP_EVENTS, &events, sizeof events),
                     0);
    ck_assert_int_eq(usctp_sctp_sendmsg(g.peers[0], "sendmsg", 7, (struct sockaddr *)&to, sizeof to,
                                        htonl(77), SCTP_UNORDERED, 3, 0, 5),
                     7);
    ck_assert_int_eq(usctp_sctp_recvmsg(g.server, data, sizeof data, (struct sockaddr *)&from,
                                        &from_bytes, &info, &flags),
                     7);
    ck_assert_mem_eq(data, "sendmsg", 7);
    ck_assert_int_eq(flags & MSG_EOR, MSG_EOR);
    ck_assert_int_eq(info.sinfo_stream, 3);
    ck_assert_int_eq((int)ntohl(info.sinfo_ppid), 77);
    ck_assert_int_eq(info.sinfo_flags & SCTP_UNORDERED, SCTP_UNORDERED);
    ck_assert_int_gt(info.sinfo_assoc_id, 2);
    ck_assert_int_eq(ntohs(from.sin_port), port_of(g.peers[0]));
    answer.sinfo_assoc_id = info.sinfo_assoc_id;
    ck_assert_int_eq(usctp_sctp_send(g.server, "send", 4, &answer, 0), 4);
    struct got got;
    expect_from(g.peers[0], "send", &got);
    ck_assert_int_eq(got.info.rcv_sid, 2);
    ck_assert_int_eq((int)ntohl(got.info.rcv_ppid), 9);
    ck_assert_int_eq(usctp_sctp_sendx(g.peers[1], "sendx", 5, (struct sockaddr *)&to, 1, NULL, 0),
                     5);
    flags = 0;
    ck_assert_int_eq(usctp_sctp_recvmsg(g.server, data, sizeof data, NULL, NULL, &info, &flags), 5);
    ck_assert_int_ne(info.sinfo_assoc_id, answer.sinfo_assoc_id);
    /* Partial reliability is an extension of its own. */
    ck_assert_errno(
        usctp_sctp_sendmsg(g.peers[0], "x", 1, (struct sockaddr *)&to, sizeof to, 0, 0, 0, 100, 0),
        EOPNOTSUPP);
    answer.sinfo_flags = 0x8000;
    ck_assert_errno(usctp_sctp_send(g.server, "x", 1, &answer, 0), EINVAL);
    group_close(&g);
}
END_TEST

/* RFC 6458 9.12: addresses of a new peer set up an association, whose id comes back. */
START_TEST(sendv_sets_up) {
    struct group g;
    group_open(&g, DRIVER_THREAD);
    struct sockaddr_in to = loopback(g.port);
    struct iovec iov = {.iov_base = "first", .iov_len = 5};
    struct sctp_sndinfo info = {.snd_sid = 1};
    ck_assert_int_eq(usctp_sendv(g.peers[0], &iov, 1, (struct sockaddr *)&to, 1, &info, sizeof info,
                                 USCTP_SENDV_SNDINFO, 0),
                     5);
    sctp_assoc_t id = info.snd_assoc_id;
    ck_assert_int_gt(id, 2);
    expect_from(g.server, "first", NULL);
    iov = (struct iovec){.iov_base = "second", .iov_len = 6};
    ck_assert_int_eq(
        usctp_sendv(g.peers[0], &iov, 1, NULL, 0, &info, sizeof info, USCTP_SENDV_SNDINFO, 0), 6);
    expect_from(g.server, "second", NULL);
    /* To one of the peer's addresses, or to one that it does not have. */
    info = (struct sctp_sndinfo){.snd_flags = SCTP_ADDR_OVER};
    iov = (struct iovec){.iov_base = "over", .iov_len = 4};
    ck_assert_int_eq(usctp_sendv(g.peers[0], &iov, 1, (struct sockaddr *)&to, 1, &info, sizeof info,
                                 USCTP_SENDV_SNDINFO, 0),
                     4);
    ck_assert_int_eq(info.snd_assoc_id, 0);
    expect_from(g.server, "over", NULL);
    struct usctp_sendv_spa spa = {.sendv_flags = USCTP_SEND_SNDINFO_VALID};
    iov = (struct iovec){.iov_base = "spa", .iov_len = 3};
    ck_assert_int_eq(usctp_sendv(g.peers[1], &iov, 1, (struct sockaddr *)&to, 1, &spa, sizeof spa,
                                 USCTP_SENDV_SPA, 0),
                     3);
    ck_assert_int_gt(spa.sendv_sndinfo.snd_assoc_id, 2);
    expect_from(g.server, "spa", NULL);
    /* A message that sets up cannot end it as well. */
    info = (struct sctp_sndinfo){.snd_flags = SCTP_EOF};
    iov.iov_len = 0;
    ck_assert_errno(usctp_sendv(g.peers[2], &iov, 1, (struct sockaddr *)&to, 1, &info, sizeof info,
                                USCTP_SENDV_SNDINFO, 0),
                    EINVAL);
    group_close(&g);
}
END_TEST

/* Addresses by association, and of the endpoint (RFC 6458 9.3, 9.5). */
START_TEST(addresses) {
    struct group g;
    struct sockaddr *list;
    group_open(&g, DRIVER_THREAD);
    sctp_assoc_t id = join(&g, 0);
    ck_assert_int_ge(usctp_getpaddrs(g.server, id, &list), 1);
    const struct sockaddr_in *name = (const void *)list;
    ck_assert_int_eq(ntohs(name->sin_port), port_of(g.peers[0]));
    usctp_freepaddrs(list);
    ck_assert_errno(usctp_getpaddrs(g.server, id + 7, &list), EINVAL);
    ck_assert_errno(usctp_getpaddrs(g.server, 0, &list), EINVAL);
    ck_assert_int_eq(usctp_getladdrs(g.server, id, &list), 1);
    usctp_freeladdrs(list);
    ck_assert_int_eq(usctp_getladdrs(g.server, 0, &list), 1);
    usctp_freeladdrs(list);
    ck_assert_errno(usctp_getladdrs(g.server, id + 7, &list), EINVAL);
    struct sockaddr_in stranger = loopback(1);
    errno = 0;
    ck_assert_int_eq(usctp_getassocid(g.server, (struct sockaddr *)&stranger), 0);
    ck_assert_int_eq(errno, ENOENT);
    group_close(&g);
}
END_TEST

static Suite *calls_suite(void) {
    Suite *suite = suite_create("calls");
    TCase *tcase = tcase_create("calls");
    tcase_set_timeout(tcase, TEST_SECONDS);
    tcase_add_test(tcase, plain_forms);
    tcase_add_test(tcase, several_messages_a_call);
    tcase_add_test(tcase, closed_after_the_first_message);
    tcase_add_test(tcase, older_functions);
    tcase_add_test(tcase, sendv_sets_up);
    tcase_add_test(tcase, addresses);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void) {
    return run_suite(calls_suite());
}
