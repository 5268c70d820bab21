/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RFC 9260 9.1, 3.3.7, 3.3.10, 3.2, 12.4: ABORT, ERROR, and chunks nobody knows.
 *
 * T bit and tags are in test_out_of_the_blue.c, ABORT in each state in test_state_diagram.c.
 */
#include "support/configs.h"
#include "support/run_tests.h"
#include "support/scripted_peer.h"

#include <string.h>

#define PEER_RWND 131072u

START_TEST(s9_1_user_abort) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_open_active(p);
    user_send(p, 0, 100);
    peer_discard(p);
    user_abort(p, "no more");
    peer_take_packet(p, "ABORT T=0 causes=[12(\"no more\")]");
    REQUIRE_EQ(p->took_tag, p->peer_tag);
    peer_run_for(p, 100 * SECOND);
    peer_expect_nothing(p); /* the data is gone */
    require_closed(p, USCTP_ERR_ABORTED);
    peer_release(p);
    peer_data(p, 0, 0, 0, BIT_BE, 10); /* what comes now is out of the blue */
    peer_take(p, "ABORT T=1 *");
    REQUIRE_EQ(p->took_tag, p->engine_tag);
    peer_delete(p);
}
END_TEST

START_TEST(s9_1_user_abort_without_reason) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_open_active(p);
    user_abort(p, "");
    peer_take_packet(p, "ABORT T=0 causes=[12(\"\")]");
    peer_delete(p);
}
END_TEST

/* 9.1: the peer's reason reaches the user. */
START_TEST(s9_1_reason_reaches_the_user) {
    struct scripted_peer *p = PEER(.configure = quiet, .subscribe = USCTP_NOTIFY_ASSOC_CHANGE);
    peer_open_active(p);
    builder_chunk(peer_packet(p), WIRE_ABORT, 0);
    builder_param(&p->out, 12);
    builder_bytes(&p->out, "sorry", 5);
    peer_send(p);
    require_closed(p, USCTP_ERR_RESET);
    struct usctp_notification n =
        user_expect_notification(p, USCTP_NOTIFY_ASSOC_CHANGE, USCTP_COMM_LOST);
    REQUIRE_EQ(n.error, 12);
    bool found = false;
    for (size_t i = 0; i + 5 <= n.data_bytes; i++)
        found = found || memcmp(n.data + i, "sorry", 5) == 0;
    REQUIRE(found);
    peer_delete(p);
}
END_TEST

/* 3.3.7: what stands before the ABORT is processed, what stands behind it is not. */
START_TEST(s3_3_7_chunks_around_abort) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_open_active(p);
    user_send(p, 0, 100);
    peer_discard(p);
    peer_packet(p);
    builder_chunk(&p->out, WIRE_ABORT, 0);
    builder_chunk(&p->out, WIRE_HEARTBEAT, 0);
    builder_param(&p->out, 1);
    builder_u32(&p->out, 1);
    peer_send(p);
    require_closed(p, USCTP_ERR_RESET);
    peer_expect_nothing(p);
    peer_delete(p);
}
END_TEST

/* 3.3.7: an ABORT with a format error is silently discarded. */
START_TEST(s3_3_7_format_error) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_open_active(p);
    builder_chunk(peer_packet(p), WIRE_ABORT, 0);
    builder_u16(&p->out, 12);
    builder_u16(&p->out, 3); /* a cause shorter than its header */
    peer_send(p);
    peer_expect_nothing(p);
    require_state(p, USCTP_ESTABLISHED);
    builder_chunk(peer_packet(p), WIRE_ABORT, 0);
    builder_u16(&p->out, 12);
    builder_u16(&p->out, 100); /* and one that is longer than the chunk */
    peer_send(p);
    peer_expect_nothing(p);
    require_state(p, USCTP_ESTABLISHED);
    peer_delete(p);
}
END_TEST

/* 3.3.10: an ERROR is not fatal. */
START_TEST(s3_3_10_error_is_not_fatal) {
    struct scripted_peer *p = PEER(.configure = quiet, .subscribe = USCTP_NOTIFY_REMOTE_ERROR);
    peer_open_active(p);
    for (unsigned cause = 1; cause < 20; cause++) {
        builder_chunk(peer_packet(p), WIRE_ERROR, 0);
        builder_param(&p->out, cause);
        builder_u32(&p->out, 0);
        peer_send(p);
        peer_expect_nothing(p);
        require_state(p, USCTP_ESTABLISHED);
    }
    struct usctp_notification n = user_expect_notification(p, USCTP_NOTIFY_REMOTE_ERROR, -1);
    REQUIRE_EQ(n.error, 1);
    peer_delete(p);
}
END_TEST

/* 3.2: unknown chunks, by their two highest bits; DATA before and behind. */
static void unknown_chunk(unsigned type, bool reported, bool continues) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_open_active(p);
    peer_packet(p);
    peer_add_data(p, 0, 0, 0, BIT_BE, 10);
    builder_chunk(&p->out, type, 0x5a);
    builder_bytes(&p->out, "unknown", 7);
    peer_add_data(p, 1, 0, 1, BIT_BE, 20);
    peer_send(p);
    user_expect(p, 0, 0, 10);
    if (continues)
        user_expect(p, 0, 1, 20);
    else
        user_expect_nothing(p);
    if (reported) {
        size_t bytes;
        peer_take(p, "ERROR causes=[6(*)]");
        const uint8_t *chunk = reader_param(&p->took, 6, 0, &bytes);
        REQUIRE(bytes == 11 || bytes == 12); /* complete, with or without padding */
        REQUIRE_EQ(chunk[0], type);
        REQUIRE_EQ(chunk[1], 0x5a);
        REQUIRE_EQ(load16(chunk + 2), 11);
        REQUIRE(memcmp(chunk + 4, "unknown", 7) == 0);
    }
    peer_expect_none(p, "ERROR *");
    peer_expect_none(p, "ABORT *");
    require_state(p, USCTP_ESTABLISHED);
    peer_delete(p);
}

START_TEST(s3_2_unknown_chunks) {
    unknown_chunk(0x3c, false, false);
    unknown_chunk(0x7c, true, false);
    unknown_chunk(0xbc, false, true);
    unknown_chunk(0xfc, true, true);
}
END_TEST

/* 6.10: a partial chunk is dropped, those before it count. */
START_TEST(s6_10_partial_chunk) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_open_active(p);
    peer_packet(p);
    peer_add_data(p, 0, 0, 0, BIT_BE, 10);
    peer_add_data(p, 1, 0, 1, BIT_BE, 100);
    builder_finish(&p->out);
    p->out.used -= 8;
    p->out.chunk_at = 0;
    peer_send(p);
    user_expect(p, 0, 0, 10);
    user_expect_nothing(p);
    require_state(p, USCTP_ESTABLISHED);
    peer_data(p, 1, 0, 1, BIT_BE, 100);
    user_expect(p, 0, 1, 100);
    peer_delete(p);
}
END_TEST

/* Chunk lengths 0 to 3 end the walk. */
START_TEST(s3_2_impossible_length) {
    for (unsigned length = 0; length < 4; length++) {
        struct scripted_peer *p = PEER(.configure = quiet);
        peer_open_active(p);
        peer_packet(p);
        peer_add_data(p, 0, 0, 0, BIT_BE, 10);
        builder_chunk(&p->out, WIRE_SACK, 0);
        size_t at = p->out.chunk_at;
        p->out.chunk_at = 0;
        p->out.bytes[at + 3] = (uint8_t)length;
        builder_u32(&p->out, 0);
        peer_send(p);
        user_expect(p, 0, 0, 10);
        require_state(p, USCTP_ESTABLISHED);
        peer_delete(p);
    }
}
END_TEST

/* 12.4: a SACK for what was never sent: ABORT. */
START_TEST(s12_4_sack_of_the_unsent) {
    static const struct {
        int cumulative;
        const char *gaps;
    } bad[] = {{1, ""}, {100, ""}, {-1, "3-3"}, {0, "2-2"}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct scripted_peer *p = PEER(.configure = quiet);
        peer_open_active(p);
        user_send(p, 0, 100);
        peer_discard(p);
        peer_sack(p, bad[i].cumulative, PEER_RWND, bad[i].gaps);
        peer_take(p, "ABORT T=0 *");
        REQUIRE_EQ(p->took_tag, p->peer_tag);
        require_closed(p, USCTP_ERR_PROTOCOL);
        peer_delete(p);
    }
}
END_TEST

/* A SACK that acknowledges nothing, before anything was sent, is fine. */
START_TEST(s6_2_1_sack_of_nothing) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_open_active(p);
    peer_sack(p, -1, PEER_RWND, "");
    peer_expect_nothing(p);
    require_state(p, USCTP_ESTABLISHED);
    peer_delete(p);
}
END_TEST

/* ERROR chunks are answered by nothing, however strange they are. */
START_TEST(s3_3_10_strange_errors) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_open_active(p);
    for (unsigned length = 0; length < 9; length++) {
        builder_chunk(peer_packet(p), WIRE_ERROR, 0);
        builder_u16(&p->out, 3);
        builder_u16(&p->out, length);
        builder_u32(&p->out, 0);
        peer_send(p);
        peer_expect_none(p, "ERROR *");
        require_state(p, USCTP_ESTABLISHED);
    }
    peer_delete(p);
}
END_TEST

/* What was queued and not sent comes back to the user. */
START_TEST(s11_2_2_send_failure) {
    struct scripted_peer *p = PEER(.configure = eager, .subscribe = USCTP_NOTIFY_SEND_FAILED);
    peer_open_active(p);
    for (uint32_t i = 0; i < 8; i++) {
        struct usctp_send send = {.sid = 0, .context = 100 + i};
        REQUIRE_EQ(user_try_send(p, &send, 1400), 0);
    }
    peer_sack(p, 0, PEER_RWND, "");
    peer_discard(p);
    peer_chunk(p, WIRE_ABORT, 0);
    bool seen[8] = {false};
    for (int i = 1; i < 8; i++) {
        struct usctp_notification n = user_expect_notification(p, USCTP_NOTIFY_SEND_FAILED, -1);
        REQUIRE_RANGE(n.send.context, 101, 107);
        REQUIRE(!seen[n.send.context - 100]);
        seen[n.send.context - 100] = true;
    }
    peer_delete(p);
}
END_TEST

RUN_TESTS("ABORT and ERROR (RFC 9260 9.1, 3.3.7, 3.3.10)", s9_1_user_abort,
          s9_1_user_abort_without_reason, s9_1_reason_reaches_the_user, s3_3_7_chunks_around_abort,
          s3_3_7_format_error, s3_3_10_error_is_not_fatal, s3_2_unknown_chunks, s6_10_partial_chunk,
          s3_2_impossible_length, s12_4_sack_of_the_unsent, s6_2_1_sack_of_nothing,
          s3_3_10_strange_errors, s11_2_2_send_failure)
