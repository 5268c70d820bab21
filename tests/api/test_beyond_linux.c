/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What RFC 6458 has and Linux lacks: messages sent in pieces (8.1.26), the extended receive
 * information (5.3.3), the notification that there are no more (6.1.10), interleaving of streams
 * (8.1.20, level 2).
 */
#include "many_test.h"

static void set_int(int sd, int name, int value) {
    ck_assert_int_eq(usctp_setsockopt(sd, IPPROTO_SCTP, name, &value, sizeof value), 0);
}

static ssize_t send_piece(int sd, sctp_assoc_t id, uint16_t sid, uint16_t flags, const char *text) {
    struct sctp_sndinfo info = {.snd_assoc_id = id, .snd_flags = flags, .snd_sid = sid};
    struct iovec iov = {.iov_base = (void *)(uintptr_t)text, .iov_len = strlen(text)};
    return usctp_sendv(sd, &iov, 1, NULL, 0, &info, sizeof info, USCTP_SENDV_SNDINFO, MSG_NOSIGNAL);
}

START_TEST(explicit_eor) {
    struct group g;
    struct got got;
    int on = 0;
    socklen_t length = sizeof on;
    group_open(&g, DRIVER_THREAD);
    sctp_assoc_t a = join(&g, 0), b = join(&g, 1);
    set_int(g.server, USCTP_EXPLICIT_EOR, 1);
    ck_assert_int_eq(usctp_getsockopt(g.server, IPPROTO_SCTP, USCTP_EXPLICIT_EOR, &on, &length), 0);
    ck_assert_int_eq(on, 1);
    /* Two records at a time, of two associations. */
    ck_assert_int_eq(send_piece(g.server, a, 3, 0, "one, "), 5);
    ck_assert_int_eq(send_piece(g.server, b, 4, 0, "alpha, "), 7);
    ck_assert_int_eq(send_piece(g.server, a, 0, 0, "two, "), 5);
    ck_assert_int_eq(send_piece(g.server, a, 0, USCTP_EOR, "three"), 5);
    expect_from(g.peers[0], "one, two, three", &got);
    ck_assert_int_eq(got.info.rcv_sid, 3); /* as the first piece said */
    ck_assert_errno(receive_now(g.peers[1], &got, 100, MSG_DONTWAIT), EAGAIN);
    /* An empty piece may end a record, but is none. */
    ck_assert_int_eq(send_piece(g.server, b, 0, USCTP_EOR, ""), 0);
    expect_from(g.peers[1], "alpha, ", &got);
    ck_assert_int_eq(got.info.rcv_sid, 4);
    ck_assert_errno(send_piece(g.server, b, 0, USCTP_EOR, ""), EINVAL);
    ck_assert_int_eq(send_piece(g.server, b, 0, USCTP_EOR, "whole"), 5);
    expect_from(g.peers[1], "whole", &got);
    ck_assert_int_eq(got.info.rcv_flags & USCTP_EOR, 0); /* not asked for there */
    /* Nothing is longer than the send buffer. */
    static char large[8192];
    int bytes = 10000;
    memset(large, 'x', sizeof large - 1);
    ck_assert_int_eq(usctp_setsockopt(g.server, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes), 0);
    ck_assert_int_eq(send_piece(g.server, a, 0, 0, large), (ssize_t)sizeof large - 1);
    ck_assert_errno(send_piece(g.server, a, 0, 0, large), EMSGSIZE);
    /* A record that is not ended goes with its association. */
    ck_assert_int_eq(send_by_id(g.server, a, SCTP_ABORT, ""), 0);
    group_close(&g);
}
END_TEST

START_TEST(eor_is_marked) {
    struct group g;
    struct got got;
    group_open(&g, DRIVER_THREAD);
    set_int(g.server, USCTP_EXPLICIT_EOR, 1);
    ck_assert_int_eq(send_text(g.peers[0], g.port, "abcdef"), 6);
    ck_assert_int_eq(receive_now(g.server, &got, 4, 0), 4);
    ck_assert_int_eq(got.info.rcv_flags & USCTP_EOR, 0);
    ck_assert_int_eq(receive_now(g.server, &got, 4, 0), 2);
    ck_assert_int_eq(got.info.rcv_flags & USCTP_EOR, USCTP_EOR);
    ck_assert_int_eq(got.flags & MSG_EOR, MSG_EOR);
    group_close(&g);
}
END_TEST

START_TEST(extended_receive_information) {
    struct pair pair;
    struct sctp_event_subscribe events = {.sctp_data_io_event = 1};
    uint8_t control[256] __attribute__((aligned(8)));
    char data[TEXT_BYTES];
    struct iovec iov = {.iov_base = data, .iov_len = sizeof data};
    struct usctp_extrcvinfo info;
    pair_open(&pair, DRIVER_THREAD);
    set_prompt(pair.client);
    ck_assert_int_eq(
        usctp_setsockopt(pair.server, IPPROTO_SCTP, SCTP_EVENTS, &events, sizeof events), 0);
    set_int(pair.server, USCTP_USE_EXT_RCVINFO, 1);
    ck_assert_int_eq(send_piece(pair.client, 0, 1, 0, "first"), 5);
    ck_assert_int_eq(send_piece(pair.client, 0, 2, SCTP_UNORDERED, "second one"), 10);
    struct sctp_status status = {.sstat_penddata = 0};
    for (int ms = 0; ms < BOUND_MS && status.sstat_penddata < 2; ms++) {
        socklen_t length = sizeof status;
        ck_assert_int_eq(usctp_getsockopt(pair.server, IPPROTO_SCTP, SCTP_STATUS, &status, &length),
                         0);
        usleep(1000);
    }
    for (int i = 0; i < 2; i++) {
        struct msghdr message = {.msg_iov = &iov,
                                 .msg_iovlen = 1,
                                 .msg_control = control,
                                 .msg_controllen = sizeof control};
        ck_assert_int_gt(usctp_recvmsg(pair.server, &message, 0), 0);
        struct cmsghdr *c = CMSG_FIRSTHDR(&message);
        ck_assert_ptr_nonnull(c);
        ck_assert_int_eq(c->cmsg_type, USCTP_EXTRCV);
        ck_assert_uint_eq(c->cmsg_len, CMSG_LEN(sizeof info));
        memcpy(&info, CMSG_DATA(c), sizeof info);
        ck_assert_int_eq(info.sinfo_stream, 1 + i);
        ck_assert_int_eq(info.serinfo_next_flags & USCTP_NEXT_MSG_AVAIL, i == 0);
        if (i == 1)
            break;
        ck_assert_int_eq(info.serinfo_next_flags, USCTP_NEXT_MSG_AVAIL | USCTP_NEXT_MSG_ISCOMPLETE |
                                                      USCTP_NEXT_MSG_IS_UNORDERED);
        ck_assert_int_eq(info.serinfo_next_stream, 2);
        ck_assert_uint_eq(info.serinfo_next_length, 10);
    }
    /* RFC 6458 9.8: the older receive gives the longer structure too. */
    ck_assert_int_eq(send_piece(pair.client, 0, 5, 0, "third"), 5);
    memset(&info, 0, sizeof info);
    ck_assert_int_eq(usctp_sctp_recvmsg(pair.server, data, sizeof data, NULL, NULL,
                                        (struct sctp_sndrcvinfo *)(void *)&info, NULL),
                     5);
    ck_assert_int_eq(info.sinfo_stream, 5);
    ck_assert_int_ge(info.sinfo_assoc_id, 3);
    pair_close(&pair);
}
END_TEST

/* Too many notifications: the last one says that there are no more, until they are asked for. */
START_TEST(notifications_stop) {
    enum { PLACES = 4 };
    const uint16_t types[] = {SCTP_SENDER_DRY_EVENT, USCTP_NOTIFICATIONS_STOPPED_EVENT};
    struct pair pair;
    struct got got;
    int notes = 0;
    pair_stacks(&pair, DRIVER_THREAD);
    ck_assert_int_eq(usctp_tune(pair.client, USCTP_TUNABLE_max_notifications, PLACES), 0);
    pair_connect(&pair);
    set_prompt(pair.client);
    set_prompt(pair.server);
    want_events(pair.client, types, 2);
    for (int i = 0; i < PLACES + 3; i++) { /* each acknowledged before the next: dry each time */
        ck_assert_int_eq(usctp_send(pair.client, "m", 1, 0), 1);
        expect_from(pair.server, "m", NULL);
        for (int ms = 0; ms < BOUND_MS; ms++) {
            struct usctp_assoc_status status;
            ck_assert_int_eq(usctp_socket_status(pair.client, &status), 0);
            if (status.unacknowledged_chunks == 0)
                break;
            usleep(1000);
        }
    }
    const union sctp_notification *note = (const void *)got.text;
    do {
        ck_assert_int_gt(receive_now(pair.client, &got, sizeof got.text, 0), 0);
        ck_assert(got.flags & MSG_NOTIFICATION);
    } while (note->sn_header.sn_type == SCTP_SENDER_DRY_EVENT && ++notes < 100);
    ck_assert_int_ge(notes, PLACES);
    ck_assert_int_eq(note->sn_header.sn_type, USCTP_NOTIFICATIONS_STOPPED_EVENT);
    ck_assert_int_eq(note->sn_header.sn_flags, 0);
    ck_assert_int_eq((int)note->sn_header.sn_length, 8);
    ck_assert_int_eq(got.bytes, 8);
    ck_assert_errno(receive_now(pair.client, &got, sizeof got.text, MSG_DONTWAIT), EAGAIN);
    want_events(pair.client, types, 1); /* told at once, as for a new subscriber */
    ck_assert_int_gt(receive_now(pair.client, &got, sizeof got.text, 0), 0);
    ck_assert_int_eq(note->sn_header.sn_type, SCTP_SENDER_DRY_EVENT);
    pair_close(&pair);
}
END_TEST

static int interleave_level(int sd) {
    int level = -1;
    socklen_t length = sizeof level;
    ck_assert_int_eq(usctp_getsockopt(sd, IPPROTO_SCTP, SCTP_FRAGMENT_INTERLEAVE, &level, &length),
                     0);
    return level;
}

START_TEST(interleave_levels) {
    struct usctp_stack *stack = new_stack(DRIVER_CALLER);
    int sd = new_many(stack), bad = 3;
    want_rcvinfo(sd); /* RFC 6458 8.1.20: else level 2 is refused */
    for (int level = 0; level <= 2; level++) {
        set_int(sd, SCTP_FRAGMENT_INTERLEAVE, level);
        ck_assert_int_eq(interleave_level(sd), level);
    }
    ck_assert_errno(usctp_setsockopt(sd, IPPROTO_SCTP, SCTP_FRAGMENT_INTERLEAVE, &bad, sizeof bad),
                    EINVAL);
    usctp_close(sd);
    usctp_stack_delete(stack);
}
END_TEST

static Suite *beyond_suite(void) {
    Suite *suite = suite_create("beyond_linux");
    TCase *tcase = tcase_create("beyond_linux");
    tcase_set_timeout(tcase, TEST_SECONDS);
    tcase_add_test(tcase, explicit_eor);
    tcase_add_test(tcase, eor_is_marked);
    tcase_add_test(tcase, extended_receive_information);
    tcase_add_test(tcase, notifications_stop);
    tcase_add_test(tcase, interleave_levels);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void) {
    return run_suite(beyond_suite());
}
