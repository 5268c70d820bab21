/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One-to-many style sockets (RFC 6458 3): associations that come by themselves, by a send and by
 * connect(); which of them a send means; whose turn it is to be read; how they end.
 */
#include "many_test.h"

START_TEST(a_send_sets_up) {
    struct group g;
    struct got got;
    group_open(&g, _i);
    sctp_assoc_t id;
    ck_assert_int_eq(send_text(g.peers[0], g.port, "question"), 8);
    id = expect_from(g.server, "question", &got);
    ck_assert_int_gt(id, SCTP_ALL_ASSOC);
    ck_assert_int_eq(got.from.sin_family, AF_INET);
    ck_assert_int_eq(ntohs(got.from.sin_port), port_of(g.peers[0]));
    ck_assert(got.flags & MSG_EOR);
    ck_assert_int_eq(send_by_id(g.server, id, 0, "answer"), 6);
    id = expect_from(g.peers[0], "answer", &got);
    ck_assert_int_eq(ntohs(got.from.sin_port), g.port);
    ck_assert_int_eq(usctp_getassocid(g.peers[0], (struct sockaddr *)&got.from), id);
    /* The peer's address names the association as well. */
    ck_assert_int_eq(send_text(g.peers[0], g.port, "again"), 5);
    expect_from(g.server, "again", &got);
    ck_assert_int_eq(
        usctp_sendto(g.server, "bye", 3, 0, (struct sockaddr *)&got.from, sizeof got.from), 3);
    ck_assert_int_eq(expect_from(g.peers[0], "bye", NULL), id);
    ck_assert_int_eq(count_of(g.server), 1);
    group_close(&g);
}
END_TEST

/* Each association announces itself, with the id that its messages have. */
START_TEST(notifications_name_their_association) {
    const uint16_t types[] = {SCTP_ASSOC_CHANGE};
    struct group g;
    struct got got;
    group_open(&g, DRIVER_THREAD);
    want_events(g.server, types, 1);
    sctp_assoc_t ids[PEERS];
    for (int i = 0; i < PEERS; i++) {
        ck_assert_int_eq(send_text(g.peers[i], g.port, "hello"), 5);
        ids[i] = expect_change(g.server, SCTP_COMM_UP);
        ck_assert_int_eq(expect_from(g.server, "hello", &got), ids[i]);
        for (int k = 0; k < i; k++)
            ck_assert_int_ne(ids[k], ids[i]);
    }
    /* RFC 6458 3.1.5: ended one by one; the others stay. */
    ck_assert_int_eq(send_by_id(g.server, ids[1], SCTP_EOF, ""), 0);
    ck_assert_int_eq(expect_change(g.server, SCTP_SHUTDOWN_COMP), ids[1]);
    ck_assert_int_eq(count_of(g.server), PEERS - 1);
    ck_assert_errno(send_by_id(g.server, ids[1], 0, "late"), EPIPE);
    ck_assert_int_eq(send_by_id(g.server, ids[0], 0, "still here"), 10);
    expect_from(g.peers[0], "still here", NULL);
    want_events(g.peers[2], types, 1);
    ck_assert_int_eq(send_by_id(g.server, ids[2], SCTP_ABORT, "because"), 7);
    const union sctp_notification *note = expect_note(g.peers[2], SCTP_ASSOC_CHANGE, &got);
    ck_assert_int_eq(note->sn_assoc_change.sac_state, SCTP_COMM_LOST);
    /* RFC 9260 3.3.10.12: the ABORT chunk carries cause 12 with the text. */
    ck_assert_int_eq(got.bytes, (ssize_t)sizeof(struct sctp_assoc_change) + 4 + 4 + 7);
    ck_assert_mem_eq(note->sn_assoc_change.sac_info + 8, "because", 7);
    ck_assert_int_eq(expect_change(g.server, SCTP_COMM_LOST), ids[2]);
    ck_assert_int_eq(count_of(g.server), 1);
    group_close(&g);
}
END_TEST

START_TEST(send_to_all) {
    struct group g;
    group_open(&g, _i);
    struct background drives[PEERS];
    ck_assert_int_eq(send_by_id(g.server, 0, SCTP_SENDALL, "nobody"), 0);
    for (int i = 0; i < PEERS; i++) {
        background_start(&drives[i], g.peer_stacks[i], _i);
        join(&g, i);
    }
    ck_assert_int_eq(count_of(g.server), PEERS);
    struct {
        uint32_t n;
        sctp_assoc_t ids[PEERS];
    } list;
    socklen_t length = sizeof list - 1;
    ck_assert_errno(
        usctp_getsockopt(g.server, IPPROTO_SCTP, SCTP_GET_ASSOC_ID_LIST, &list, &length), EINVAL);
    length = sizeof list;
    ck_assert_int_eq(
        usctp_getsockopt(g.server, IPPROTO_SCTP, SCTP_GET_ASSOC_ID_LIST, &list, &length), 0);
    ck_assert_int_eq(length, 4 + 4 * PEERS);
    ck_assert_int_eq((int)list.n, PEERS);
    ck_assert_int_eq(send_by_id(g.server, list.ids[0], SCTP_SENDALL, "everybody"), 9);
    for (int i = 0; i < PEERS; i++)
        expect_from(g.peers[i], "everybody", NULL);
    for (int i = 0; i < PEERS; i++)
        background_stop(&drives[i]);
    group_close(&g);
}
END_TEST

START_TEST(connecting) {
    struct group g;
    struct sockaddr_in name;
    sctp_assoc_t id = 0, again = 0;
    group_open(&g, DRIVER_THREAD);
    name = loopback(g.port);
    int sd = g.peers[0];
    ck_assert_int_eq(usctp_connect(sd, (struct sockaddr *)&name, sizeof name), 0);
    ck_assert_errno(usctp_connect(sd, (struct sockaddr *)&name, sizeof name), EISCONN);
    ck_assert_errno(usctp_connectx(sd, (struct sockaddr *)&name, 1, &again), EISCONN);
    ck_assert_int_eq(again, 0);
    /* Nobody listens there: the peer refuses, and the socket may be used on. */
    struct sockaddr_in nobody = loopback((uint16_t)(g.port ^ 1));
    ck_assert_errno(usctp_connect(sd, (struct sockaddr *)&nobody, sizeof nobody), ECONNREFUSED);
    ck_assert_int_eq(count_of(sd), 1);
    /* Without waiting, the id is told at once (RFC 6458 9.9). */
    set_nonblocking(g.peers[1], true);
    ck_assert_errno(usctp_connectx(g.peers[1], (struct sockaddr *)&name, 1, &id), EINPROGRESS);
    ck_assert_int_gt(id, 2);
    ck_assert_int_eq(send_by_id(g.peers[1], id, 0, "queued"), 6);
    expect_from(g.server, "queued", NULL);
    group_close(&g);
}
END_TEST

/* What a send set up and nobody took is told by a notification, and then forgotten. */
START_TEST(nobody_there) {
    const uint16_t types[] = {SCTP_ASSOC_CHANGE};
    struct group g;
    group_open(&g, DRIVER_THREAD);
    want_events(g.peers[0], types, 1);
    ck_assert_int_eq(send_text(g.peers[0], g.port ^ 1, "lost"), 4);
    ck_assert_int_gt(expect_change(g.peers[0], SCTP_CANT_STR_ASSOC), 2);
    ck_assert_int_eq(count_of(g.peers[0]), 0);
    ck_assert_int_eq(ready_now(g.peers[0]), POLLOUT);
    ck_assert_int_eq(send_text(g.peers[0], g.port, "found"), 5);
    expect_from(g.server, "found", NULL);
    group_close(&g);
}
END_TEST

START_TEST(still_connecting) {
    struct group g;
    group_open(&g, DRIVER_CALLER); /* nobody drives the server */
    struct sockaddr_in name = loopback(g.port);
    set_nonblocking(g.peers[0], true);
    ck_assert_errno(usctp_connect(g.peers[0], (struct sockaddr *)&name, sizeof name), EINPROGRESS);
    ck_assert_errno(usctp_connect(g.peers[0], (struct sockaddr *)&name, sizeof name), EALREADY);
    group_close(&g);
}
END_TEST

START_TEST(what_is_of_one_to_one_only) {
    struct usctp_stack *stack = new_stack(DRIVER_CALLER);
    struct sockaddr_in name;
    socklen_t length = sizeof name;
    int type = 0, sd = new_many(stack);
    socklen_t bytes = sizeof type;
    ck_assert_int_eq(ready_now(sd), POLLOUT);
    ck_assert_errno(usctp_accept(sd, NULL, NULL), EOPNOTSUPP);
    ck_assert_errno(usctp_shutdown(sd, SHUT_WR), EOPNOTSUPP);
    ck_assert_errno(usctp_getpeername(sd, (struct sockaddr *)&name, &length), ENOTCONN);
    ck_assert_errno(usctp_recv(sd, &type, sizeof type, MSG_DONTWAIT), EAGAIN);
    ck_assert_errno(usctp_send(sd, "x", 1, MSG_NOSIGNAL), EPIPE);
    ck_assert_int_eq(usctp_getsockopt(sd, SOL_SOCKET, SO_TYPE, &type, &bytes), 0);
    ck_assert_int_eq(type, SOCK_SEQPACKET);
    usctp_close(sd);
    usctp_stack_delete(stack);
}
END_TEST

/* RFC 6458 3.1.3: who does not listen, or no longer does, is not reached. */
START_TEST(listening_can_end) {
    struct group g;
    int on = 0;
    socklen_t length = sizeof on;
    group_open(&g, DRIVER_THREAD);
    struct sockaddr_in name = loopback(g.port);
    join(&g, 0);
    ck_assert_int_eq(usctp_listen(g.server, 0), 0);
    ck_assert_int_eq(usctp_getsockopt(g.server, SOL_SOCKET, SO_ACCEPTCONN, &on, &length), 0);
    ck_assert_int_eq(on, 0);
    ck_assert_errno(usctp_connect(g.peers[1], (struct sockaddr *)&name, sizeof name), ECONNREFUSED);
    ck_assert_int_eq(send_text(g.peers[0], g.port, "old"), 3);
    expect_from(g.server, "old", NULL);
    ck_assert_int_eq(usctp_listen(g.server, 5), 0);
    ck_assert_int_eq(usctp_connect(g.peers[1], (struct sockaddr *)&name, sizeof name), 0);
    group_close(&g);
}
END_TEST

/* RFC 6458 3.1.5: close() is a graceful shutdown of all. */
START_TEST(closing_ends_all) {
    const uint16_t types[] = {SCTP_ASSOC_CHANGE, SCTP_SHUTDOWN_EVENT};
    struct group g;
    struct got got;
    group_open(&g, DRIVER_THREAD);
    for (int i = 0; i < PEERS; i++) {
        sctp_assoc_t id = join(&g, i);
        want_events(g.peers[i], types, 2);
        ck_assert_int_eq(send_by_id(g.server, id, 0, "last words"), 10);
    }
    ck_assert_int_eq(usctp_close(g.server), 0);
    g.server = -1;
    for (int i = 0; i < PEERS; i++) {
        sctp_assoc_t id = expect_from(g.peers[i], "last words", NULL);
        const union sctp_notification *note = expect_note(g.peers[i], SCTP_SHUTDOWN_EVENT, &got);
        ck_assert_int_eq(note->sn_shutdown_event.sse_assoc_id, id);
        ck_assert_int_eq(expect_change(g.peers[i], SCTP_SHUTDOWN_COMP), id);
        ck_assert_int_eq(count_of(g.peers[i]), 0);
        ck_assert_errno(usctp_recv(g.peers[i], &got, 1, MSG_DONTWAIT), EAGAIN);
    }
    group_close(&g);
}
END_TEST

/* What was received before the end is read after it. */
START_TEST(ended_with_unread) {
    struct group g;
    struct got got;
    group_open(&g, DRIVER_THREAD);
    sctp_assoc_t id = join(&g, 0);
    ck_assert_int_eq(send_text(g.peers[0], g.port, "one"), 3);
    ck_assert_int_eq(send_text(g.peers[0], g.port, "two"), 3);
    ck_assert_int_eq(usctp_close(g.peers[0]), 0);
    g.peers[0] = -1;
    int living = 0;
    for (int ms = 0; ms < BOUND_MS && living == 0; ms += 10) {
        struct sctp_status status = {.sstat_assoc_id = id};
        socklen_t length = sizeof status;
        living = usctp_getsockopt(g.server, IPPROTO_SCTP, SCTP_STATUS, &status, &length);
        usleep(10000);
    }
    ck_assert_int_eq(living, -1); /* Linux: it has ended, though there is something to read */
    ck_assert_int_eq(expect_from(g.server, "one", &got), id);
    ck_assert_int_ne(got.from_bytes, 0);
    ck_assert_int_eq(count_of(g.server), 1);
    ck_assert_int_eq(expect_from(g.server, "two", &got), id);
    ck_assert_int_ne(got.from_bytes, 0);
    ck_assert_int_eq(count_of(g.server), 0);
    ck_assert_int_eq(ready_now(g.server), POLLOUT);
    group_close(&g);
}
END_TEST

/* Associations have turns, a message each. */
START_TEST(fair_reading) {
    enum { EACH = 5 };
    struct group g;
    struct got got;
    char byte;
    group_open(&g, DRIVER_THREAD);
    sctp_assoc_t ids[PEERS], last = 0;
    for (int i = 0; i < PEERS; i++)
        ids[i] = join(&g, i);
    for (int i = 0; i < PEERS; i++)
        for (int k = 0; k < EACH; k++)
            ck_assert_int_eq(send_text(g.peers[i], g.port, "m"), 1);
    for (int i = 0; i < PEERS; i++) /* all have come */
        for (int ms = 0; ms < BOUND_MS; ms += 5) {
            struct sctp_status status = {.sstat_assoc_id = ids[i]};
            socklen_t length = sizeof status;
            ck_assert_int_eq(
                usctp_getsockopt(g.server, IPPROTO_SCTP, SCTP_STATUS, &status, &length), 0);
            if (status.sstat_penddata == EACH)
                break;
            usleep(5000);
        }
    for (int k = 0; k < EACH * PEERS; k++) {
        sctp_assoc_t id = expect_from(g.server, "m", &got);
        ck_assert_int_ne(id, last);
        last = id;
    }
    ck_assert_errno(usctp_recv(g.server, &byte, 1, MSG_DONTWAIT), EAGAIN);
    group_close(&g);
}
END_TEST

static void set_int(int sd, int name, int value) {
    ck_assert_int_eq(usctp_setsockopt(sd, IPPROTO_SCTP, name, &value, sizeof value), 0);
}

/* A large message whose first part has come and whose rest waits for its sender's stack to be
 * driven. Returns its association. */
static sctp_assoc_t half_a_message(struct group *g, uint8_t *large, size_t bytes) {
    struct sockaddr_in name = loopback(g->port);
    sctp_assoc_t id = join(g, 0);
    struct sctp_sndinfo info = {.snd_sid = 1};
    struct iovec iov = {.iov_base = large, .iov_len = bytes};
    memset(large, 'L', bytes);
    ck_assert_int_eq(usctp_sendv(g->peers[0], &iov, 1, (struct sockaddr *)&name, 1, &info,
                                 sizeof info, USCTP_SENDV_SNDINFO, 0),
                     (ssize_t)bytes);
    return id;
}

/* RFC 6458 8.1.20. */
START_TEST(interleaving) {
    static uint8_t large[300000];
    struct group g;
    struct got got;
    size_t taken = 0;
    int more;
    group_open(&g, DRIVER_THREAD);
    usctp_close(g.peers[0]); /* once more, on a stack that nobody drives by itself */
    usctp_stack_delete(g.peer_stacks[0]);
    g.peer_stacks[0] = new_stack(DRIVER_CALLER);
    g.peers[0] = new_many(g.peer_stacks[0]);
    set_peer_udp_port(g.peers[0], usctp_stack_udp_port(g.stack));
    set_prompt(g.peers[0]);
    set_int(g.server, SCTP_PARTIAL_DELIVERY_POINT, 1000);
    set_int(g.server, SCTP_FRAGMENT_INTERLEAVE, _i);
    sctp_assoc_t other = join(&g, 1);
    struct background drive;
    background_start(&drive, g.peer_stacks[0], DRIVER_CALLER);
    ck_assert_int_eq(send_text(g.peers[0], g.port, "start"), 5);
    expect_from(g.server, "start", NULL);
    background_stop(&drive);
    sctp_assoc_t id = half_a_message(&g, large, sizeof large);
    do { /* all that there is for now */
        ck_assert_int_ge(receive_now(g.server, &got, 512, 0), 0);
        ck_assert_int_eq(got.info.rcv_assoc_id, id);
        ck_assert(!(got.flags & MSG_EOR));
        taken += (size_t)got.bytes;
        struct pollfd one = {.fd = g.server, .events = POLLIN};
        more = poll(&one, 1, 300);
    } while (more > 0);
    ck_assert_int_eq(send_text(g.peers[1], g.port, "short"), 5);
    if (_i > 0) {
        ck_assert_int_eq(expect_from(g.server, "short", NULL), other);
    } else {
        usleep(50000);
        ck_assert_int_eq(ready_now(g.server) & POLLIN, 0);
        ck_assert_errno(receive_now(g.server, &got, 512, MSG_DONTWAIT), EAGAIN);
    }
    background_start(&drive, g.peer_stacks[0], DRIVER_CALLER);
    do {
        ck_assert_int_ge(receive_now(g.server, &got, sizeof got.text, 0), 0);
        ck_assert_int_eq(got.info.rcv_assoc_id, id);
        taken += (size_t)got.bytes;
    } while (!(got.flags & MSG_EOR));
    ck_assert_int_eq((int)taken, (int)sizeof large);
    if (_i == 0)
        ck_assert_int_eq(expect_from(g.server, "short", NULL), other);
    background_stop(&drive);
    group_close(&g);
}
END_TEST

/* Ancillary SCTP_INIT data are for the association that the message sets up. */
START_TEST(init_of_one_association) {
    struct group g;
    group_open(&g, DRIVER_THREAD);
    struct sockaddr_in name = loopback(g.port);
    struct iovec iov = {.iov_base = "hello", .iov_len = 5};
    union {
        struct cmsghdr header;
        uint8_t bytes[CMSG_SPACE(sizeof(struct sctp_initmsg))];
    } control = {.header = {.cmsg_len = CMSG_LEN(sizeof(struct sctp_initmsg)),
                            .cmsg_level = IPPROTO_SCTP,
                            .cmsg_type = SCTP_INIT}};
    struct sctp_initmsg init = {.sinit_num_ostreams = 77, .sinit_max_instreams = 5}, after;
    struct msghdr message = {.msg_name = &name,
                             .msg_namelen = sizeof name,
                             .msg_iov = &iov,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof control};
    memcpy(CMSG_DATA(&control.header), &init, sizeof init);
    ck_assert_int_eq(usctp_sendmsg(g.peers[0], &message, 0), 5);
    struct sctp_status status = {.sstat_assoc_id = expect_from(g.server, "hello", NULL)};
    socklen_t length = sizeof status;
    ck_assert_int_eq(usctp_getsockopt(g.server, IPPROTO_SCTP, SCTP_STATUS, &status, &length), 0);
    ck_assert_int_eq(status.sstat_instrms, 77);
    ck_assert_int_eq(status.sstat_outstrms, 5);
    length = sizeof after;
    ck_assert_int_eq(usctp_getsockopt(g.peers[0], IPPROTO_SCTP, SCTP_INITMSG, &after, &length), 0);
    ck_assert_int_eq(after.sinit_num_ostreams, 10);
    group_close(&g);
}
END_TEST

/* RFC 6458 8.1.8: idle associations are shut down, busy ones are not. */
START_TEST(autoclose) {
    const uint16_t types[] = {SCTP_ASSOC_CHANGE};
    struct group g;
    group_open(&g, _i);
    int seconds = 1;
    struct background drives[2];
    sctp_assoc_t idle = join(&g, 0), busy = join(&g, 1);
    want_events(g.server, types, 1);
    ck_assert_int_eq(
        usctp_setsockopt(g.server, IPPROTO_SCTP, SCTP_AUTOCLOSE, &seconds, sizeof seconds), 0);
    for (int i = 0; i < 2; i++)
        background_start(&drives[i], g.peer_stacks[i], _i);
    struct got got;
    struct timeval tick = {.tv_usec = 200000};
    ck_assert_int_eq(usctp_setsockopt(g.server, SOL_SOCKET, SO_RCVTIMEO, &tick, sizeof tick), 0);
    for (int i = 0; i < 50 && count_of(g.server) == 2; i++) {
        ck_assert_int_eq(send_text(g.peers[1], g.port, "tick"), 4);
        do { /* the tick, and for a while nothing; or the end of the other */
            if (receive_now(g.server, &got, sizeof got.text, 0) < 0)
                break;
        } while (!(got.flags & MSG_NOTIFICATION) && got.info.rcv_assoc_id == busy);
        if (got.flags & MSG_NOTIFICATION)
            break;
    }
    const union sctp_notification *note = (const void *)got.text;
    ck_assert(got.flags & MSG_NOTIFICATION);
    ck_assert_int_eq(note->sn_assoc_change.sac_state, SCTP_SHUTDOWN_COMP);
    ck_assert_int_eq(note->sn_assoc_change.sac_assoc_id, idle);
    ck_assert_int_eq(count_of(g.server), 1);
    for (int i = 0; i < 2; i++)
        background_stop(&drives[i]);
    group_close(&g);
}
END_TEST

static Suite *many_suite(void) {
    Suite *suite = suite_create("many");
    TCase *tcase = tcase_create("many");
    tcase_set_timeout(tcase, TEST_SECONDS);
    tcase_add_loop_test(tcase, a_send_sets_up, DRIVER_THREAD, DRIVERS);
    tcase_add_test(tcase, notifications_name_their_association);
    tcase_add_loop_test(tcase, send_to_all, DRIVER_THREAD, DRIVERS);
    tcase_add_test(tcase, connecting);
    tcase_add_test(tcase, nobody_there);
    tcase_add_test(tcase, still_connecting);
    tcase_add_test(tcase, what_is_of_one_to_one_only);
    tcase_add_test(tcase, listening_can_end);
    tcase_add_test(tcase, closing_ends_all);
    tcase_add_test(tcase, ended_with_unread);
    tcase_add_test(tcase, fair_reading);
    tcase_add_loop_test(tcase, interleaving, 0, 3);
    tcase_add_test(tcase, init_of_one_association);
    tcase_add_loop_test(tcase, autoclose, DRIVER_THREAD, DRIVERS);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void) {
    return run_suite(many_suite());
}
