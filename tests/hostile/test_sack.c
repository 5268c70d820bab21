/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * H44 to H49, H98: SACKs that lie: about what was never sent, the past, gaps, duplicates, what was
 * never received, what was given up again, and a window that never opens (RFC 9260 3.3.4, 6.1
 * A, 6.2.1, 6.7, 7.2.1, 7.2.2, 12.4).
 */
#include "support/hostile.h"

#include <stdlib.h>
#include <string.h>

#define PMDCS 1468u /* 1500 - 20 - 12 */

static const enum usctp_assoc_state sack_states[] = {USCTP_ESTABLISHED, USCTP_SHUTDOWN_PENDING,
                                                     USCTP_SHUTDOWN_RECEIVED};
#define EACH_SACK_STATE(i) for (size_t i = 0; i < 3; i++)

/* With `chunks` DATA chunks of 100 bytes in flight, then brought to the state. */
static struct scripted_peer *with_flight(enum usctp_assoc_state state, unsigned chunks) {
    struct scripted_peer *p = hostile_peer_with(
        USCTP_ESTABLISHED, (struct peer_options){.configure = eager, .rwnd = 1000000});
    for (unsigned i = 0; i < chunks; i++)
        user_send(p, i % 10, 100);
    if (state == USCTP_SHUTDOWN_PENDING)
        user_shutdown(p);
    if (state == USCTP_SHUTDOWN_RECEIVED)
        peer_shutdown(p, -1);
    peer_discard(p);
    require_state(p, state);
    REQUIRE_EQ(peer_status(p).unacknowledged_chunks, chunks);
    return p;
}

/* A SACK from numbers: offsets of blocks as on the wire. */
static void build_sack(struct scripted_peer *p, int cumulative, uint32_t rwnd,
                       const uint16_t (*blocks)[2], size_t count) {
    builder_chunk(peer_packet(p), WIRE_SACK, 0);
    builder_u32(&p->out, p->engine_tsn + (uint32_t)cumulative);
    builder_u32(&p->out, rwnd);
    builder_u16(&p->out, (unsigned)count);
    builder_u16(&p->out, 0);
    for (size_t i = 0; i < count; i++) {
        builder_u16(&p->out, blocks[i][0]);
        builder_u16(&p->out, blocks[i][1]);
    }
}

/* All that was sent is acknowledged, and the association goes where it was going. */
static void finish(struct scripted_peer *p, unsigned chunks) {
    enum usctp_assoc_state state = peer_status(p).state;
    peer_discard(p);
    peer_sack(p, (int)chunks - 1, PEER_RWND, "");
    REQUIRE_EQ(peer_status(p).unacknowledged_chunks, 0);
    REQUIRE_EQ(peer_status(p).in_flight_bytes, 0);
    if (state == USCTP_SHUTDOWN_PENDING)
        peer_take(p, "SHUTDOWN *");
    else if (state == USCTP_SHUTDOWN_RECEIVED)
        peer_take(p, "SHUTDOWN_ACK");
    else
        require_state(p, USCTP_ESTABLISHED);
    peer_delete(p);
}

/* ---- H44 ---- */

static void require_abort(struct scripted_peer *p) {
    peer_take_packet(p, "ABORT T=0 causes=[*]");
    hostile_require_reply_to(p, p->peer_tag);
    peer_expect_nothing(p);
    require_closed(p, USCTP_ERR_PROTOCOL);
    peer_run_for(p, 200 * SECOND);
    peer_expect_nothing(p);
    peer_delete(p);
}

START_TEST(h44_cumulative_beyond_what_was_sent) {
    static const int64_t beyond[] = {1, 2, 100, 65535, 65536, 0x40000000, 0x7ffffffc};
    EACH_SACK_STATE(i) {
        struct scripted_peer *p = with_flight(sack_states[i], 3);
        finish(p, 3); /* the twin: the highest */
        for (size_t k = 0; k < sizeof beyond / sizeof beyond[0]; k++) {
            p = with_flight(sack_states[i], 3);
            peer_sack(p, (int)(2 + beyond[k]), PEER_RWND, "");
            require_abort(p);
        }
    }
}
END_TEST

START_TEST(h44_nothing_was_sent_at_all) {
    struct scripted_peer *p = hostile_peer(USCTP_ESTABLISHED);
    peer_sack(p, -1, PEER_RWND, ""); /* the twin */
    require_state(p, USCTP_ESTABLISHED);
    peer_sack(p, 0, PEER_RWND, "");
    require_abort(p);
}
END_TEST

/* Queued is not sent. */
START_TEST(h44_queued_and_not_sent) {
    struct scripted_peer *p =
        hostile_peer_with(USCTP_ESTABLISHED, (struct peer_options){.configure = eager});
    for (unsigned i = 0; i < 20; i++)
        user_send(p, 0, 1000);
    uint32_t in_flight = peer_status(p).unacknowledged_chunks;
    REQUIRE_RANGE(in_flight, 2, 10); /* the initial window */
    peer_discard(p);
    peer_sack(p, (int)in_flight, PEER_RWND, "");
    require_abort(p);
}
END_TEST

START_TEST(h44_gap_beyond_what_was_sent) {
    static const struct {
        int cumulative;
        uint16_t block[2];
        bool good;
    } cases[] = {{-1, {3, 3}, true},      {-1, {2, 3}, true},      {-1, {4, 4}, false},
                 {-1, {3, 4}, false},     {0, {2, 2}, true},       {0, {3, 3}, false},
                 {2, {2, 2}, false},      {-1, {2, 65535}, false}, {-1, {65535, 65535}, false},
                 {-1, {5, 0x7fff}, false}};
    EACH_SACK_STATE(i) {
        for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
            struct scripted_peer *p = with_flight(sack_states[i], 3); /* TSNs 0, 1, 2 */
            build_sack(p, cases[k].cumulative, PEER_RWND, &cases[k].block, 1);
            hostile_send(p);
            if (cases[k].good) {
                REQUIRE(!p->closed);
                finish(p, 3);
            } else {
                require_abort(p);
            }
        }
    }
}
END_TEST

/* Where SACKs are not processed, a lying one is discarded like any other (6). */
START_TEST(h44_in_other_states) {
    static const enum usctp_assoc_state states[] = {USCTP_COOKIE_WAIT, USCTP_SHUTDOWN_SENT,
                                                    USCTP_SHUTDOWN_ACK_SENT};
    for (size_t i = 0; i < 3; i++) {
        struct scripted_peer *p = hostile_peer(states[i]);
        builder_sack(peer_packet(p), p->engine_tsn + 1000, PEER_RWND, "", NULL, 0);
        hostile_drop_chunk(p, COUNTED_SOMEHOW);
        hostile_carry_on(p, states[i]);
    }
}
END_TEST

/* ---- H45 ---- */

/* Older than the ack point: dropped, with its window, its gaps and its duplicates (6.2.1 D i). */
START_TEST(h45_old_sacks) {
    static const int64_t before[] = {1, 2, 3, 100, 65536, 0x7ffffff0};
    static const uint16_t future[][2] = {{2, 3}, {5, 60000}};
    EACH_SACK_STATE(i) {
        struct scripted_peer *p = with_flight(sack_states[i], 6);
        peer_sack(p, 2, 50000, "");
        peer_discard(p);
        for (size_t k = 0; k < sizeof before / sizeof before[0]; k++) {
            for (size_t blocks = 0; blocks <= 2; blocks++) {
                build_sack(p, (int)(2 - before[k]), 7, future, blocks);
                struct hostile_mark m = hostile_mark(p);
                hostile_send(p);
                peer_expect_nothing(p);
                hostile_require_unchanged(p, &m, false);
                REQUIRE_EQ(peer_status(p).peer_rwnd_bytes, m.status.peer_rwnd_bytes);
            }
        }
        finish(p, 6);
    }
}
END_TEST

/* Counted like anything that is dropped. */
START_TEST(h45_old_sacks_are_counted) {
    struct scripted_peer *p = with_flight(USCTP_ESTABLISHED, 3);
    peer_sack(p, 1, PEER_RWND, "");
    peer_discard(p);
    build_sack(p, 0, PEER_RWND, NULL, 0);
    hostile_drop_chunk(p, COUNTED_SOMEHOW);
    finish(p, 3);
}
END_TEST

/* ---- H46 ---- */

static void bad_blocks(enum usctp_assoc_state state, const uint16_t (*blocks)[2], size_t count) {
    struct scripted_peer *p = with_flight(state, 12);
    build_sack(p, -1, PEER_RWND, blocks, count);
    hostile_send(p);
    /* Rejected or put in order: nothing is acknowledged cumulatively, nothing ends. */
    REQUIRE(!p->closed);
    require_state(p, state);
    REQUIRE_EQ(peer_status(p).unacknowledged_chunks, 12);
    REQUIRE(peer_status(p).in_flight_bytes <= 12 * 116);
    peer_sack(p, 3, PEER_RWND, "2-3 5-5"); /* the twin */
    REQUIRE_EQ(peer_status(p).unacknowledged_chunks, 8);
    finish(p, 12);
}

START_TEST(h46_gap_blocks_that_cannot_be) {
    static const uint16_t zero[][2] = {{0, 0}}, zero_to[][2] = {{0, 3}}, backward[][2] = {{4, 2}},
                          wide_backward[][2] = {{65535, 2}}, same[][2] = {{2, 3}, {2, 3}},
                          overlap[][2] = {{2, 4}, {3, 6}}, inside[][2] = {{2, 8}, {3, 4}},
                          unsorted[][2] = {{6, 7}, {2, 3}}, touching[][2] = {{2, 3}, {4, 5}},
                          cumulative[][2] = {{1, 3}}, three[][2] = {{2, 2}, {4, 4}, {3, 3}};
    EACH_SACK_STATE(i) {
        bad_blocks(sack_states[i], zero, 1);
        bad_blocks(sack_states[i], zero_to, 1);
        bad_blocks(sack_states[i], backward, 1);
        bad_blocks(sack_states[i], wide_backward, 1);
        bad_blocks(sack_states[i], same, 2);
        bad_blocks(sack_states[i], overlap, 2);
        bad_blocks(sack_states[i], inside, 2);
        bad_blocks(sack_states[i], unsorted, 2);
        bad_blocks(sack_states[i], touching, 2);
        bad_blocks(sack_states[i], cumulative, 1);
        bad_blocks(sack_states[i], three, 3);
    }
}
END_TEST

/* Counts that do not fit the chunk's length: dropped. */
START_TEST(h46_counts_and_length) {
    static const struct {
        unsigned gaps, duplicates;
        size_t words;
    } cases[] = {{1, 0, 0},         {0, 1, 0},     {2, 0, 1},         {1, 1, 1},
                 {65535, 0, 1},     {0, 65535, 2}, {65535, 65535, 3}, {32768, 0, 0},
                 {16384, 16384, 8}, {0x4000, 0, 1}};
    EACH_SACK_STATE(i) {
        struct scripted_peer *p = with_flight(sack_states[i], 4);
        for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
            builder_chunk(peer_packet(p), WIRE_SACK, 0);
            builder_u32(&p->out, p->engine_tsn + 2);
            builder_u32(&p->out, PEER_RWND);
            builder_u16(&p->out, cases[k].gaps);
            builder_u16(&p->out, cases[k].duplicates);
            for (size_t w = 0; w < cases[k].words; w++) {
                builder_u16(&p->out, 2);
                builder_u16(&p->out, 2);
            }
            hostile_drop_chunk(p, USCTP_DROP_MALFORMED);
        }
        for (unsigned bytes = 0; bytes < 12; bytes++) { /* shorter than its fixed part */
            builder_chunk(peer_packet(p), WIRE_SACK, 0);
            builder_fill(&p->out, 0, bytes);
            hostile_drop_chunk(p, USCTP_DROP_MALFORMED);
        }
        finish(p, 4);
    }
}
END_TEST

/* 16,000 blocks, all of them old, or all in the wrong order, or all the same. */
START_TEST(h46_sixteen_thousand_blocks) {
    static uint16_t blocks[16000][2];
    EACH_SACK_STATE(i) {
        for (unsigned kind = 0; kind < 3; kind++) {
            for (unsigned k = 0; k < 16000; k++) {
                blocks[k][0] = (uint16_t)(kind == 0 ? 2 : kind == 1 ? 11 - k % 10 : 0);
                blocks[k][1] = blocks[k][0];
            }
            bad_blocks(sack_states[i], (const uint16_t(*)[2])blocks, 16000);
        }
    }
}
END_TEST

/* Blocks in order, thousands of them, beyond what was sent: 12.4 as for one. */
START_TEST(h46_sixteen_thousand_blocks_beyond) {
    static uint16_t blocks[16000][2];
    for (unsigned k = 0; k < 16000; k++)
        blocks[k][0] = blocks[k][1] = (uint16_t)(2 + 2 * k);
    struct scripted_peer *p = with_flight(USCTP_ESTABLISHED, 12);
    build_sack(p, -1, PEER_RWND, (const uint16_t(*)[2])blocks, 16000);
    hostile_send(p);
    require_abort(p);
}
END_TEST

/* ---- H47 ---- */

START_TEST(h47_sixteen_thousand_duplicates) {
    static uint32_t duplicates[16000];
    EACH_SACK_STATE(i) {
        struct scripted_peer *p = with_flight(sack_states[i], 4);
        for (unsigned round = 0; round < 20; round++) {
            for (unsigned k = 0; k < 16000; k++)
                duplicates[k] = p->engine_tsn + (round % 2 ? k * 77777u : 1);
            struct hostile_mark m = hostile_mark(p);
            builder_sack(peer_packet(p), p->engine_tsn - 1, PEER_RWND, "", duplicates, 16000);
            hostile_send(p);
            peer_expect_nothing(p);
            REQUIRE_EQ(p->env.live_bytes, m.live_bytes);
            REQUIRE_EQ(p->env.live_blocks, m.live_blocks);
            REQUIRE_EQ(peer_status(p).unacknowledged_chunks, 4);
        }
        finish(p, 4);
    }
}
END_TEST

/* ---- H48 ---- */

static uint64_t cwnd(struct scripted_peer *p) {
    return peer_path(p, 0).cwnd_bytes;
}

/* How many DATA chunks have left, in all. */
static int sent_chunks(struct scripted_peer *p) {
    return (int)peer_status(p).counters.data_chunks_out;
}

/* All is acknowledged as soon as it was sent, received or not: the window grows by a packet for
 * each SACK and by no more than was acknowledged. */
START_TEST(h48_optimistic_acknowledgement) {
    struct scripted_peer *p = hostile_peer_with(
        USCTP_ESTABLISHED, (struct peer_options){.configure = eager, .rwnd = 4000000});
    for (unsigned i = 0; i < 600; i++)
        user_send(p, 0, 1400);
    uint64_t largest = 0;
    for (unsigned round = 0; round < 30; round++) {
        uint64_t before = cwnd(p);
        uint64_t in_flight = peer_path(p, 0).in_flight_bytes;
        peer_discard(p);
        peer_sack(p, sent_chunks(p) - 1, 4000000, "");
        REQUIRE(cwnd(p) <= before + PMDCS);
        REQUIRE(cwnd(p) <= before + in_flight);
        largest = cwnd(p) > largest ? cwnd(p) : largest;
    }
    REQUIRE(largest > 4404); /* it did grow: the twin */
    peer_delete(p);
}
END_TEST

/* ACK splitting: a SACK for each of many small chunks makes the window grow by their bytes. */
START_TEST(h48_acknowledgement_splitting) {
    struct scripted_peer *p =
        hostile_peer_with(USCTP_ESTABLISHED, (struct peer_options){.configure = eager});
    for (unsigned i = 0; i < 400; i++)
        user_send(p, 0, 12);
    uint64_t before = cwnd(p);
    int sent = sent_chunks(p);
    REQUIRE(sent > 50);
    peer_discard(p);
    for (int tsn = 0; tsn < sent; tsn++)
        peer_sack(p, tsn, PEER_RWND, "");
    REQUIRE(cwnd(p) <= before + (uint64_t)sent * (12 + 16));
    peer_delete(p);
}
END_TEST

/* The same SACK again and again acknowledges nothing. */
START_TEST(h48_repeated_sacks) {
    EACH_SACK_STATE(i) {
        struct scripted_peer *p = with_flight(sack_states[i], 6);
        peer_sack(p, 1, 1000000, "2-2");
        peer_discard(p);
        uint64_t before = cwnd(p);
        uint64_t deadline_us = usctp_engine_next_deadline(p->engine);
        for (unsigned n = 0; n < 2; n++) { /* a third would be a third miss indication: 7.2.4 */
            peer_run_for(p, 100);
            peer_sack(p, 1, 1000000, "2-2");
            REQUIRE_EQ(cwnd(p), before);
            REQUIRE_EQ(usctp_engine_next_deadline(p->engine), deadline_us);
        }
        finish(p, 6);
    }
}
END_TEST

/* ---- H49 ---- */

/* What a SACK gave up again is in flight again and comes to its end once. */
START_TEST(h49_reneging) {
    EACH_SACK_STATE(i) {
        for (unsigned rounds = 1; rounds < 40; rounds += 13) {
            struct scripted_peer *p = with_flight(sack_states[i], 8);
            uint64_t all = peer_status(p).in_flight_bytes;
            for (unsigned n = 0; n < rounds; n++) {
                peer_sack(p, -1, PEER_RWND, "3-4 6-8");
                REQUIRE_EQ(peer_status(p).unacknowledged_chunks, 8);
                if (n == 0)
                    REQUIRE(peer_status(p).in_flight_bytes < all);
                peer_sack(p, -1, PEER_RWND, n % 2 ? "3-3" : "");               /* given up */
                REQUIRE(usctp_engine_next_deadline(p->engine) != USCTP_NEVER); /* T3: 6.2.1 D iii */
            }
            peer_discard(p);
            peer_run_for(p, 70 * SECOND); /* it is sent again */
            peer_take(p, "DATA tsn=0 *");
            finish(p, 8);
        }
    }
}
END_TEST

/* Reneged chunks, then the end of all: nothing is freed twice, nothing is lost. */
START_TEST(h49_reneging_and_the_end) {
    EACH_SACK_STATE(i) {
        for (unsigned end = 0; end < 4; end++) {
            struct scripted_peer *p = with_flight(sack_states[i], 8);
            peer_sack(p, 0, PEER_RWND, "3-4 6-6");
            peer_sack(p, 0, PEER_RWND, "");
            if (end == 0)
                peer_chunk(p, WIRE_ABORT, 0);
            else if (end == 1)
                user_abort(p, "");
            else if (end == 2)
                peer_run_for(p, 2000 * SECOND); /* nobody answers */
            else
                peer_shutdown(p, 7);
            peer_delete(p);
        }
    }
}
END_TEST

/* Reneged on one path while the other fails. */
START_TEST(h49_reneging_and_path_failure) {
    struct scripted_peer *p = hostile_peer_with(
        USCTP_ESTABLISHED,
        (struct peer_options){.configure = eager, .paths = 2, .connect_to_all = true});
    for (unsigned i = 0; i < 8; i++)
        user_send(p, 0, 100);
    peer_sack(p, -1, PEER_RWND, "3-4 6-6");
    for (unsigned n = 0; n < 9; n++) { /* timeouts move what is outstanding to the other path */
        peer_run_for(p, 3 * SECOND);
        peer_sack(p, -1, PEER_RWND, n % 2 ? "" : "2-3 6-7");
    }
    REQUIRE(!p->closed);
    REQUIRE_EQ(peer_path(p, 0).in_flight_bytes + peer_path(p, 1).in_flight_bytes,
               peer_status(p).in_flight_bytes);
    finish(p, 8);
}
END_TEST

/* ---- H98 ---- */

/* A window shut for ever: probes, further and further apart; as long as they are answered the
 * association lives (6.1 A). */
START_TEST(h98_window_shut_for_ever) {
    struct scripted_peer *p = with_flight(USCTP_ESTABLISHED, 1);
    peer_sack(p, 0, 0, "");
    for (unsigned i = 0; i < 30; i++)
        user_send(p, 0, 1000);
    peer_expect_nothing(p);
    uint64_t last_us = p->now_us, last_gap_us = 0;
    for (unsigned probe = 0; probe < 40; probe++) { /* four times Association.Max.Retrans */
        peer_wait(p, "DATA tsn=1 *", 70 * SECOND);
        peer_expect_nothing(p); /* one, and no more */
        uint64_t gap_us = p->took_us - last_us;
        REQUIRE(gap_us >= 900 * MS); /* not before an RTO */
        REQUIRE(gap_us <= 61 * SECOND);
        REQUIRE(gap_us + 100 * MS >= last_gap_us || last_gap_us > 50 * SECOND);
        last_gap_us = gap_us;
        last_us = p->took_us;
        peer_sack(p, 0, 0, "");
        REQUIRE(!p->closed);
        REQUIRE_EQ(peer_path(p, 0).error_count, 0);
    }
    REQUIRE(last_gap_us > 20 * SECOND); /* the interval has grown */
    REQUIRE_EQ(peer_path(p, 0).state, USCTP_PATH_STATE_ACTIVE);
    REQUIRE(peer_status(p).counters.zero_window_probes >= 1);
    peer_sack(p, 0, PEER_RWND, ""); /* it opens after all */
    peer_take(p, "DATA tsn=1 *");
    peer_delete(p);
}
END_TEST

/* The twin: probes that nobody answers count, and it ends (8.1). */
START_TEST(h98_probes_that_nobody_answers) {
    struct scripted_peer *p = with_flight(USCTP_ESTABLISHED, 1);
    peer_sack(p, 0, 0, "");
    user_send(p, 0, 1000);
    peer_run_for(p, 3000 * SECOND);
    require_closed(p, USCTP_ERR_UNREACHABLE);
    peer_delete(p);
}
END_TEST

/* Windows that cannot be: shrinking below what is in flight, and 2^32 - 1. */
START_TEST(h98_windows_of_any_size) {
    static const uint32_t windows[] = {0, 1, 99, 100, 0x7fffffffu, 0x80000000u, 0xffffffffu, 0};
    struct scripted_peer *p = with_flight(USCTP_ESTABLISHED, 8);
    for (size_t i = 0; i < sizeof windows / sizeof windows[0]; i++) {
        peer_sack(p, (int)i, windows[i], "");
        REQUIRE(!p->closed);
        REQUIRE(peer_status(p).peer_rwnd_bytes <= windows[i]);
    }
    finish(p, 8);
}
END_TEST

RUN_TESTS("H44-H49, H98: SACK", h44_cumulative_beyond_what_was_sent, h44_nothing_was_sent_at_all,
          h44_queued_and_not_sent, h44_gap_beyond_what_was_sent, h44_in_other_states, h45_old_sacks,
          h45_old_sacks_are_counted, h46_gap_blocks_that_cannot_be, h46_counts_and_length,
          h46_sixteen_thousand_blocks, h46_sixteen_thousand_blocks_beyond,
          h47_sixteen_thousand_duplicates, h48_optimistic_acknowledgement,
          h48_acknowledgement_splitting, h48_repeated_sacks, h49_reneging, h49_reneging_and_the_end,
          h49_reneging_and_path_failure, h98_window_shut_for_ever, h98_probes_that_nobody_answers,
          h98_windows_of_any_size)
