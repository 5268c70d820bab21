/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Notifications (RFC 6458 6.1, 6.2): their layout byte by byte as Linux has it, subscription,
 * order, partial reads.
 */
#include "api/api_test.h"

#include <stddef.h>

static void subscribe(int sd, uint16_t type) {
    struct sctp_event event = {.se_type = type, .se_on = 1};
    ck_assert_int_eq(usctp_setsockopt(sd, IPPROTO_SCTP, SCTP_EVENT, &event, sizeof event), 0);
}

static ssize_t receive(int sd, void *data, size_t bytes, int *flags) {
    struct iovec iov = {.iov_base = data, .iov_len = bytes};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
    ssize_t n = usctp_recvmsg(sd, &message, *flags);
    *flags = message.msg_flags;
    return n;
}

static uint16_t get16(const uint8_t *p) {
    uint16_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static uint32_t get32(const uint8_t *p) {
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

/* Receives a whole notification of a type and checks its header. Returns its length. */
static size_t expect(int sd, uint8_t *data, uint16_t type) {
    int flags = 0;
    ssize_t n = receive(sd, data, 512, &flags);
    ck_assert_int_ge(n, 8);
    ck_assert_int_eq(flags, MSG_NOTIFICATION | MSG_EOR);
    ck_assert_uint_eq(get16(data), type);
    ck_assert_uint_eq(get32(data + 4), (uint32_t)n);
    return (size_t)n;
}

/* COMM_UP on both sides first, SHUTDOWN and SHUTDOWN_COMP at the end, data in between. */
START_TEST(life_of_an_association) {
    struct pair pair;
    uint8_t data[512];
    int flags = 0;
    pair_stacks(&pair, DRIVER_THREAD);
    const int both[] = {pair.client, pair.listener};
    for (int i = 0; i < 2; i++) {
        subscribe(both[i], SCTP_ASSOC_CHANGE);
        subscribe(both[i], SCTP_SHUTDOWN_EVENT);
    }
    pair_connect(&pair);
    struct sctp_rtoinfo rto;
    socklen_t length = sizeof rto;
    ck_assert_int_eq(usctp_getsockopt(pair.client, IPPROTO_SCTP, SCTP_RTOINFO, &rto, &length), 0);
    ck_assert_uint_eq(expect(pair.client, data, 0x8001), 20);
    ck_assert_uint_eq(get16(data + 2), 0);                            /* flags */
    ck_assert_uint_eq(get16(data + 8), 0);                            /* SCTP_COMM_UP */
    ck_assert_uint_eq(get16(data + 10), 0);                           /* error */
    ck_assert_uint_eq(get16(data + 12), 10);                          /* outbound streams */
    ck_assert_uint_eq(get16(data + 14), 10);                          /* inbound streams */
    ck_assert_uint_eq(get32(data + 16), (uint32_t)rto.srto_assoc_id); /* association */
    ck_assert_uint_eq(expect(pair.server, data, 0x8001), 20);
    ck_assert_uint_eq(get16(data + 8), 0);

    ck_assert_int_eq(usctp_send(pair.client, "data", 4, 0), 4);
    ck_assert_int_eq(receive(pair.server, data, sizeof data, &flags), 4);
    ck_assert_int_eq(flags, MSG_EOR);
    ck_assert_int_eq(usctp_shutdown(pair.client, SHUT_WR), 0);
    ck_assert_uint_eq(expect(pair.server, data, 0x8005), 12);
    ck_assert_uint_ge(get32(data + 8), 3);
    ck_assert_int_ne(wait_for(pair.server, 0) & POLLHUP, 0); /* until then a read may give 0 */
    ck_assert_uint_eq(expect(pair.server, data, 0x8001), 20);
    ck_assert_uint_eq(get16(data + 8), 3); /* SCTP_SHUTDOWN_COMP */
    ck_assert_int_eq(usctp_recv(pair.server, data, sizeof data, 0), 0);
    ck_assert_uint_eq(expect(pair.client, data, 0x8001), 20);
    ck_assert_uint_eq(get16(data + 8), 3);
    ck_assert_int_eq(usctp_recv(pair.client, data, sizeof data, 0), 0);
    pair_close(&pair);
}
END_TEST

/* COMM_LOST carries the ABORT chunk: type 6, cause 12 with the reason (RFC 9260 3.3.7, 3.3.10.12).
 */
START_TEST(abort_with_a_reason) {
    struct pair pair;
    uint8_t data[512];
    struct sctp_sndinfo info = {.snd_flags = SCTP_ABORT};
    struct iovec iov = {"bye!", 4};
    pair_stacks(&pair, DRIVER_THREAD);
    subscribe(pair.listener, SCTP_ASSOC_CHANGE);
    pair_connect(&pair);
    expect(pair.server, data, SCTP_ASSOC_CHANGE);
    ck_assert_int_eq(
        usctp_sendv(pair.client, &iov, 1, NULL, 0, &info, sizeof info, USCTP_SENDV_SNDINFO, 0), 4);
    size_t n = expect(pair.server, data, SCTP_ASSOC_CHANGE);
    static const uint8_t chunk[] = {6, 0, 0, 12, 0, 12, 0, 8, 'b', 'y', 'e', '!'};
    ck_assert_uint_eq(get16(data + 8), 1); /* SCTP_COMM_LOST */
    ck_assert_uint_eq(get16(data + 10), 12);
    ck_assert_uint_eq(n, 20 + sizeof chunk);
    ck_assert_mem_eq(data + 20, chunk, sizeof chunk);
    ck_assert_errno(usctp_recv(pair.server, data, sizeof data, 0), ECONNRESET);
    pair_close(&pair);
}
END_TEST

/* A notification that does not fit is read in pieces, each of them marked; the last has MSG_EOR. */
START_TEST(read_in_pieces) {
    struct pair pair;
    uint8_t whole[20], piece[20];
    int flags;
    pair_stacks(&pair, DRIVER_THREAD);
    subscribe(pair.client, SCTP_ASSOC_CHANGE);
    pair_connect(&pair);
    flags = MSG_PEEK;
    ck_assert_int_eq(receive(pair.client, whole, sizeof whole, &flags), 20);
    ck_assert_int_eq(flags, MSG_NOTIFICATION | MSG_EOR);
    for (int at = 0; at < 20; at += 6) {
        int left = 20 - at;
        flags = 0;
        ck_assert_int_eq(receive(pair.client, piece + at, left < 6 ? (size_t)left : 6, &flags),
                         left < 6 ? left : 6);
        ck_assert_int_eq(flags, left <= 6 ? MSG_NOTIFICATION | MSG_EOR : MSG_NOTIFICATION);
        ck_assert_int_eq(ready_now(pair.client) & POLLIN, left <= 6 ? 0 : POLLIN);
    }
    ck_assert_mem_eq(piece, whole, 20);
    pair_close(&pair);
}
END_TEST

/* CANT_STR_ASSOC stays readable after the failed connect(). */
START_TEST(cannot_start) {
    struct pair pair;
    uint8_t data[512];
    pair_stacks(&pair, DRIVER_THREAD);
    usctp_close(pair.listener);
    pair.listener = -1;
    struct sockaddr_in name = loopback(pair.port);
    subscribe(pair.client, SCTP_ASSOC_CHANGE);
    ck_assert_errno(usctp_connect(pair.client, (struct sockaddr *)&name, sizeof name),
                    ECONNREFUSED);
    ck_assert_int_eq(ready_now(pair.client), POLLIN);
    expect(pair.client, data, SCTP_ASSOC_CHANGE);
    ck_assert_uint_eq(get16(data + 8), 4);
    ck_assert_errno(usctp_recv(pair.client, data, sizeof data, 0), ENOTCONN);
    ck_assert_int_eq(ready_now(pair.client), 0);
    pair_close(&pair);
}
END_TEST

/* The rest of a notification that was read in part goes with the failed attempt: a listener is
 * readable while somebody waits, and its accept() does not take the rest for that. */
START_TEST(listen_after_a_rest) {
    struct pair pair;
    uint8_t data[8];
    pair_stacks(&pair, DRIVER_THREAD);
    usctp_close(pair.listener);
    pair.listener = -1;
    struct sockaddr_in name = loopback(pair.port);
    subscribe(pair.client, SCTP_ASSOC_CHANGE);
    ck_assert_errno(usctp_connect(pair.client, (struct sockaddr *)&name, sizeof name),
                    ECONNREFUSED);
    ck_assert_int_eq(usctp_recv(pair.client, data, sizeof data, 0), sizeof data);
    ck_assert_int_eq(ready_now(pair.client), POLLIN);
    ck_assert_int_eq(usctp_listen(pair.client, 1), 0);
    ck_assert_int_eq(ready_now(pair.client), 0);
    set_nonblocking(pair.client, true);
    ck_assert_errno(usctp_accept(pair.client, NULL, NULL), EAGAIN);
    pair_close(&pair);
}
END_TEST

/* RFC 6458 6.1.9: told at once when nothing is under way, and again when all has been acknowledged.
 */
START_TEST(sender_dry) {
    struct pair pair;
    uint8_t data[512];
    pair_open(&pair, DRIVER_THREAD);
    subscribe(pair.client, SCTP_SENDER_DRY_EVENT);
    ck_assert_uint_eq(expect(pair.client, data, 0x8009), 12);
    ck_assert_uint_ge(get32(data + 8), 3);
    ck_assert_int_eq(usctp_send(pair.client, "x", 1, 0), 1);
    ck_assert_uint_eq(expect(pair.client, data, 0x8009), 12);
    pair_close(&pair);
}
END_TEST

/* Who has changed his mind is not told, and nothing is there to be read. */
START_TEST(sender_dry_unsubscribed) {
    struct pair pair;
    struct sctp_event off = {.se_type = SCTP_SENDER_DRY_EVENT};
    char byte;
    pair_open(&pair, DRIVER_THREAD);
    subscribe(pair.client, SCTP_SENDER_DRY_EVENT);
    ck_assert_int_eq(ready_now(pair.client), POLLIN | POLLOUT);
    ck_assert_int_eq(usctp_setsockopt(pair.client, IPPROTO_SCTP, SCTP_EVENT, &off, sizeof off), 0);
    ck_assert_int_eq(ready_now(pair.client), POLLOUT);
    ck_assert_errno(usctp_recv(pair.client, &byte, 1, MSG_PEEK | MSG_DONTWAIT), EAGAIN);
    ck_assert_errno(usctp_recv(pair.client, &byte, 1, MSG_DONTWAIT), EAGAIN);
    pair_close(&pair);
}
END_TEST

/* A confirmed path: sctp_paddr_change is 148 bytes, the address at 8, the state at 136. */
START_TEST(path_change) {
    struct pair pair;
    uint8_t data[512];
    struct sockaddr_in peer[2] = {loopback(0), loopback(0)}, named;
    pthread_t thread;
    pair_stacks(&pair, DRIVER_THREAD);
    usctp_close(pair.listener);
    pair.listener = new_socket(pair.server_stack);
    peer[1].sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
    ck_assert_int_eq(usctp_bindx(pair.listener, (struct sockaddr *)peer, 2, SCTP_BINDX_ADD_ADDR),
                     0);
    ck_assert_int_eq(usctp_listen(pair.listener, 1), 0);
    peer[0].sin_port = peer[1].sin_port = htons(port_of(pair.listener));
    subscribe(pair.client, SCTP_PEER_ADDR_CHANGE);
    ck_assert_int_eq(pthread_create(&thread, NULL, accept_one, &pair), 0);
    /* Only the first is named: the second comes with the INIT ACK and must be confirmed (RFC
     * 9260 5.4). */
    ck_assert_int_eq(usctp_connect(pair.client, (struct sockaddr *)peer, sizeof peer[0]), 0);
    pthread_join(thread, NULL);
    bool confirmed = false;
    for (int i = 0; i < 8 && !confirmed; i++) {
        ck_assert_uint_eq(expect(pair.client, data, 0x8002), 148);
        memcpy(&named, data + 8, sizeof named);
        ck_assert_int_eq(named.sin_family, AF_INET);
        ck_assert_int_eq(named.sin_port, peer[0].sin_port); /* as Linux has it */
        confirmed = get32(data + 136) == SCTP_ADDR_CONFIRMED &&
                    named.sin_addr.s_addr == peer[1].sin_addr.s_addr;
    }
    ck_assert(confirmed);
    ck_assert_uint_eq(named.sin_port, peer[1].sin_port); /* as Linux */
    ck_assert_uint_ge(get32(data + 144), 3);
    struct sctp_prim prim = {0};
    memcpy((char *)&prim + offsetof(struct sctp_prim, ssp_addr), &peer[1], sizeof peer[1]);
    ck_assert_int_eq(
        usctp_setsockopt(pair.client, IPPROTO_SCTP, SCTP_PRIMARY_ADDR, &prim, sizeof prim), 0);
    bool is_primary = false;
    for (int i = 0; i < 8 && !is_primary; i++) {
        ck_assert_uint_eq(expect(pair.client, data, 0x8002), 148);
        memcpy(&named, data + 8, sizeof named);
        is_primary = get32(data + 136) == SCTP_ADDR_MADE_PRIM;
    }
    ck_assert(is_primary);
    ck_assert_uint_eq(named.sin_addr.s_addr, peer[1].sin_addr.s_addr);
    pair_close(&pair);
}
END_TEST

/* Messages that an ABORT leaves behind come back with their parameters. */
START_TEST(send_failed) {
    struct pair pair;
    uint8_t data[512];
    struct sctp_sndinfo info = {.snd_sid = 4,
                                .snd_flags = (uint16_t)(_i ? SCTP_UNORDERED : 0),
                                .snd_ppid = htonl(46),
                                .snd_context = 1234};
    struct iovec iov = {"undelivered", 11};
    struct sctp_rtoinfo rto = {.srto_initial = 10, .srto_min = 10, .srto_max = 20};
    struct sctp_assocparams params = {.sasoc_asocmaxrxt = 1};
    pair_stacks(&pair, DRIVER_CALLER);
    ck_assert_int_eq(usctp_setsockopt(pair.client, IPPROTO_SCTP, SCTP_RTOINFO, &rto, sizeof rto),
                     0);
    ck_assert_int_eq(
        usctp_setsockopt(pair.client, IPPROTO_SCTP, SCTP_ASSOCINFO, &params, sizeof params), 0);
    pair_connect(&pair);
    subscribe(pair.client, SCTP_SEND_FAILED_EVENT);
    /* Nobody drives the server any more: the message is sent and never acknowledged. */
    ck_assert_int_eq(
        usctp_sendv(pair.client, &iov, 1, NULL, 0, &info, sizeof info, USCTP_SENDV_SNDINFO, 0), 11);
    size_t n = expect(pair.client, data, 0x800d);
    ck_assert_uint_eq(n, 32 + 11);
    ck_assert_uint_eq(get16(data + 2), 1); /* SCTP_DATA_SENT */
    ck_assert_uint_eq(get16(data + 12), 4);
    ck_assert_uint_eq(get16(data + 14), _i ? 7 : 3); /* B and E, and U where it was unordered */
    ck_assert_uint_eq(get32(data + 16), htonl(46));
    ck_assert_uint_eq(get32(data + 20), 1234);
    ck_assert_mem_eq(data + 32, "undelivered", 11);
    ck_assert_errno(usctp_recv(pair.client, data, sizeof data, 0), ETIMEDOUT);
    ck_assert_int_eq(usctp_recv(pair.client, data, sizeof data, 0), 0);
    pair_close(&pair);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("notifications");
    TCase *tcase = tcase_create("notifications");
    tcase_set_timeout(tcase, TEST_SECONDS);
    tcase_add_test(tcase, life_of_an_association);
    tcase_add_test(tcase, abort_with_a_reason);
    tcase_add_test(tcase, read_in_pieces);
    tcase_add_test(tcase, cannot_start);
    tcase_add_test(tcase, listen_after_a_rest);
    tcase_add_test(tcase, sender_dry);
    tcase_add_test(tcase, sender_dry_unsubscribed);
    tcase_add_test(tcase, path_change);
    tcase_add_loop_test(tcase, send_failed, 0, 2);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
