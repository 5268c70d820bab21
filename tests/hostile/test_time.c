/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * H101, H102: clocks that jump, microseconds that pass 2^31, 2^32 and beyond, round trips of no
 * time; TSNs and stream sequence numbers that wrap while packets are lost (RFC
 * 9260 1.6, 6.3.1, 6.5).
 */
#include "support/hostile.h"

#include <string.h>

static const uint64_t origins_us[] = {
    1000 * SECOND,       1ull << 31,   1ull << 32, (1ull << 31) * 1000,
    (1ull << 32) * 1000, (1ull << 53), 1ull << 62,
};
#define ORIGINS (sizeof origins_us / sizeof origins_us[0])

/* An engine whose clock stands `before_us` before one of the origins. */
static struct scripted_peer *before(size_t origin, uint64_t before_us,
                                    struct peer_options options) {
    struct scripted_peer *p = hostile_peer_with(USCTP_CLOSED, options);
    uint64_t at_us = origins_us[origin] - before_us;
    if (at_us > p->now_us) { /* nothing waits for anything */
        p->now_us = at_us;
        peer_pump(p);
        peer_expect_nothing(p);
    }
    return p;
}

/* ---- H101 ---- */

/* T1, T2 and T3, across the origin: neither early nor late. */
START_TEST(h101_timers_across_a_wrap) {
    for (size_t i = 0; i < ORIGINS; i++) {
        for (uint64_t ms = 1; ms < 2000; ms += 333) {
            struct scripted_peer *p = before(i, ms * MS, (struct peer_options){0});
            uint64_t began_us = p->now_us;
            peer_to_state(p, USCTP_COOKIE_WAIT);
            peer_run_until(p, began_us + SECOND - 1);
            peer_expect_nothing(p);
            peer_run_until(p, began_us + SECOND);
            peer_take_packet(p, "INIT *");
            peer_run_until(p, began_us + 3 * SECOND - 1);
            peer_expect_nothing(p);
            peer_run_until(p, began_us + 3 * SECOND);
            peer_take_packet(p, "INIT *");
            hostile_carry_on(p, USCTP_COOKIE_WAIT);
            p = before(i, ms * MS, (struct peer_options){0});
            began_us = p->now_us;
            peer_to_state(p, USCTP_SHUTDOWN_PENDING); /* DATA is out: T3 */
            peer_run_until(p, began_us + SECOND - 1);
            peer_expect_nothing(p);
            peer_run_until(p, began_us + SECOND);
            peer_take(p, "DATA tsn=0 *");
            hostile_carry_on(p, USCTP_SHUTDOWN_PENDING);
        }
    }
}
END_TEST

/* Nobody advances the engine for an hour, or a thousand years: what was due happens once, and time
 * goes on from there. */
START_TEST(h101_clock_jumps) {
    static const uint64_t jumps_us[] = {3600 * SECOND,       86400 * SECOND,
                                        1ull << 31,          1ull << 32,
                                        (1ull << 32) * 1000, 31556952000ull * SECOND};
    EACH_TCB_STATE(state) {
        for (size_t i = 0; i < sizeof jumps_us / sizeof jumps_us[0]; i++) {
            struct scripted_peer *p = hostile_peer(state);
            bool waits = state != USCTP_ESTABLISHED; /* a timer of the association's runs */
            p->now_us += jumps_us[i];
            peer_pump(p);
            REQUIRE(peer_count_packets(p) <= 1); /* no burst for the time that was slept through */
            if (!p->closed)
                REQUIRE_EQ(peer_count_packets(p), waits);
            uint64_t next_us = usctp_engine_next_deadline(p->engine);
            REQUIRE(next_us > p->now_us);
            if (waits && !p->closed) /* the next RTO, doubled */
                REQUIRE(next_us - p->now_us <= 60 * SECOND);
            peer_discard(p);
            if (p->closed) /* T5, the guard of the shutdown, was among what was due */
                REQUIRE(state == USCTP_SHUTDOWN_SENT || state == USCTP_SHUTDOWN_ACK_SENT);
            if (p->closed)
                peer_delete(p);
            else
                hostile_carry_on(p, state);
        }
    }
}
END_TEST

/* Heartbeats and delayed SACKs after a jump. */
START_TEST(h101_jump_with_heartbeats) {
    struct scripted_peer *p = PEER(.paths = 2, .connect_to_all = true);
    peer_open_active(p);
    peer_data(p, 0, 0, 0, BIT_BE, 10);
    peer_take(p, "SACK cum=0 *");
    peer_data(p, 1, 0, 1, BIT_BE, 10); /* its SACK waits */
    p->now_us += 86400 * SECOND;
    peer_pump(p);
    peer_take(p, "SACK cum=1 *");
    peer_run_for(p, 200 * SECOND);
    REQUIRE(!p->closed);
    REQUIRE_EQ(peer_path(p, 0).state, USCTP_PATH_STATE_ACTIVE);
    REQUIRE_EQ(peer_path(p, 1).state, USCTP_PATH_STATE_ACTIVE);
    peer_delete(p);
}
END_TEST

/* Round trips of no time and of very long ones: RTO within its bounds (6.3.1 C6, C7). */
START_TEST(h101_round_trips) {
    static const uint64_t trips_us[] = {0, 1, 999, 500 * MS, 999 * MS};
    for (size_t i = 0; i < sizeof trips_us / sizeof trips_us[0]; i++) {
        struct scripted_peer *p =
            hostile_peer_with(USCTP_ESTABLISHED, (struct peer_options){.configure = eager});
        for (int tsn = 0; tsn < 40; tsn++) {
            user_send(p, 0, 100);
            peer_run_for(p, trips_us[i]);
            peer_discard(p);
            peer_sack(p, tsn, PEER_RWND, "");
            struct usctp_path_status status = peer_path(p, 0);
            REQUIRE_RANGE(status.rto_us, p->config.rto_min_us, p->config.rto_max_us);
            REQUIRE(status.srtt_us <= SECOND);
            peer_run_for(p, 10 * MS);
        }
        REQUIRE(!p->closed);
        peer_delete(p);
    }
}
END_TEST

/* A SACK that comes an hour late, for data that was sent again: Karn; nothing is measured. */
START_TEST(h101_answer_an_hour_late) {
    struct scripted_peer *p = hostile_peer(USCTP_ESTABLISHED);
    user_send(p, 0, 100);
    peer_discard(p);
    p->now_us += 3600 * SECOND;
    peer_pump(p); /* T3: again */
    peer_discard(p);
    uint64_t srtt_us = peer_path(p, 0).srtt_us;
    peer_sack(p, 0, PEER_RWND, "");
    REQUIRE_EQ(peer_path(p, 0).srtt_us, srtt_us);
    REQUIRE_RANGE(peer_path(p, 0).rto_us, p->config.rto_min_us, p->config.rto_max_us);
    peer_delete(p);
}
END_TEST

/* A cookie across an origin: as old as it is. */
START_TEST(h101_cookie_across_a_wrap) {
    for (size_t i = 0; i < ORIGINS; i++) {
        for (unsigned late = 0; late < 2; late++) {
            struct scripted_peer *p = before(i, 500 * MS, (struct peer_options){0});
            peer_init(p, p->peer_tag);
            peer_send(p);
            peer_take_init_ack(p);
            peer_run_for(p, late ? 60 * SECOND + 10 * MS : 59 * SECOND);
            peer_cookie_echo(p);
            hostile_send(p);
            peer_take_packet(p, late ? "ERROR causes=[3]" : "COOKIE_ACK");
            peer_delete(p);
        }
    }
}
END_TEST

/* The clock stands still, or is told the same time again: nothing expires, nothing is lost. */
START_TEST(h101_clock_stands_still) {
    EACH_TCB_STATE(state) {
        struct scripted_peer *p = hostile_peer(state);
        struct hostile_mark m = hostile_mark(p);
        for (unsigned i = 0; i < 100; i++) {
            usctp_engine_advance(p->engine, p->now_us);
            peer_pump(p);
        }
        peer_expect_nothing(p);
        hostile_require_unchanged(p, &m, false);
        hostile_carry_on(p, state);
    }
}
END_TEST

/* ---- H102 ---- */

/* The peer's TSNs wrap, with gaps and duplicates around the wrap. */
START_TEST(h102_tsn_wrap_while_receiving) {
    static const uint32_t initial[] = {0xffffffffu, 0xfffffffeu, 0xfffffff8u, 0xfffffff1u, 0};
    for (size_t i = 0; i < sizeof initial / sizeof initial[0]; i++) {
        struct scripted_peer *p = hostile_peer_with(
            USCTP_ESTABLISHED, (struct peer_options){.tsn = initial[i], .tsn_is_set = true});
        REQUIRE_EQ(p->peer_tsn, initial[i]);
        for (int tsn = 1; tsn < 16; tsn += 2)
            peer_data(p, tsn, 1, (unsigned)tsn, BIT_BE, 20);
        peer_take(p, "SACK cum=-1 * gaps=[2-2] dups=[]");
        peer_wait(p, "SACK cum=-1 * gaps=[2-2 4-4 6-6 8-8 10-10 12-12 14-14 16-16] dups=[]",
                  SECOND);
        peer_discard(p);
        peer_data(p, 15, 1, 15, BIT_BE, 20);
        peer_take(p, "SACK cum=-1 * dups=[15]");
        for (int tsn = 14; tsn >= 0; tsn -= 2)
            peer_data(p, tsn, 1, (unsigned)tsn, BIT_BE, 20);
        peer_wait(p, "SACK cum=15 * gaps=[] *", SECOND);
        for (unsigned ssn = 0; ssn < 16; ssn++)
            user_expect(p, 1, ssn, 20);
        user_expect_nothing(p);
        peer_discard(p);
        peer_data(p, 3, 1, 3, BIT_BE, 20); /* behind the wrap: a duplicate */
        peer_take(p, "SACK cum=15 * dups=[3]");
        user_expect_nothing(p);
        peer_delete(p);
    }
}
END_TEST

/* A message whose fragments lie on both sides of the wrap, in any order. */
START_TEST(h102_fragments_across_the_wrap) {
    for (int first = 0; first < 8; first++) {
        struct scripted_peer *p = hostile_peer_with(
            USCTP_ESTABLISHED, (struct peer_options){.tsn = 0xfffffffcu, .tsn_is_set = true});
        for (int i = 0; i < 8; i++) {
            int tsn = (first + 3 * i) % 8;
            uint8_t text[50];
            peer_pattern(2, 0, (size_t)tsn * sizeof text, text, sizeof text);
            const struct builder_data data = {.tsn = p->peer_tsn + (uint32_t)tsn,
                                              .sid = 2,
                                              .bits = (tsn == 0 ? BIT_B : 0u) |
                                                      (tsn == 7 ? BIT_E : 0u)};
            builder_data_chunk(peer_packet(p), &data, text, sizeof text);
            hostile_send(p);
        }
        user_expect(p, 2, 0, 400);
        peer_delete(p);
    }
}
END_TEST

/* Ours wrap, some are lost: they are sent again and no window stalls. */
START_TEST(h102_tsn_wrap_while_sending) {
    struct scripted_peer *p = hostile_peer_with(
        USCTP_ESTABLISHED,
        (struct peer_options){.configure = eager, .near_wrap = true, .rwnd = 1000000});
    REQUIRE(p->engine_tsn > 0xfffffe00u); /* the wrap is near */
    enum { MESSAGES = 1200 };
    int acknowledged = -1;
    unsigned queued = 0;
    while (acknowledged < MESSAGES - 1) {
        while (queued < MESSAGES && queued < (unsigned)(acknowledged + 1) + 100) {
            user_send(p, queued % 10, 100);
            queued++;
        }
        int sent = (int)peer_status(p).counters.data_chunks_out -
                   (int)peer_status(p).counters.retransmitted_chunks;
        REQUIRE(sent > acknowledged + 1); /* it does not stall */
        if (sent - acknowledged > 8 && acknowledged % 7 == 0) {
            peer_sack(p, acknowledged, 1000000, "3-4 6-6"); /* a loss; then it is repaired */
            peer_sack(p, acknowledged, 1000000, "3-5 7-7");
            peer_run_for(p, 2 * SECOND);
        }
        acknowledged = sent - 1;
        peer_discard(p);
        peer_sack(p, acknowledged, 1000000, "");
        REQUIRE(!p->closed);
        REQUIRE_EQ(peer_status(p).in_flight_bytes > 0, queued > (unsigned)acknowledged + 1);
    }
    REQUIRE((uint32_t)(p->engine_tsn + MESSAGES) < p->engine_tsn); /* it has wrapped */
    REQUIRE_EQ(peer_status(p).unacknowledged_chunks, 0);
    peer_sack(p, MESSAGES, PEER_RWND, ""); /* the twin of H44, beyond the wrap */
    require_closed(p, USCTP_ERR_PROTOCOL);
    peer_delete(p);
}
END_TEST

/* Old SACKs from before the wrap stay old. */
START_TEST(h102_old_sack_across_the_wrap) {
    struct scripted_peer *p = hostile_peer_with(
        USCTP_ESTABLISHED, (struct peer_options){.configure = eager, .near_wrap = true});
    int to_wrap = (int)(0u - p->engine_tsn);
    REQUIRE_RANGE(to_wrap, 1, 512);
    for (int i = 0; i < to_wrap + 20; i++) {
        user_send(p, 0, 50);
        if (i < to_wrap + 10)
            peer_sack(p, i, PEER_RWND, "");
    }
    peer_discard(p);
    uint32_t unacknowledged = peer_status(p).unacknowledged_chunks;
    REQUIRE_EQ(unacknowledged, 10);
    for (int back = 1; back < to_wrap + 5; back++) {
        peer_sack(p, to_wrap + 9 - back, 3, "2-9");
        REQUIRE_EQ(peer_status(p).unacknowledged_chunks, unacknowledged);
        REQUIRE(peer_status(p).peer_rwnd_bytes > 1000);
    }
    REQUIRE(!p->closed);
    peer_delete(p);
}
END_TEST

/* Stream sequence numbers pass 65535, one in each round late; messages stay in order. */
START_TEST(h102_ssn_wrap_with_loss) {
    struct scripted_peer *p = hostile_peer(USCTP_ESTABLISHED);
    int tsn = 0;
    for (unsigned ssn = 0; ssn < 66000; ssn += 50, tsn += 50) {
        unsigned lost = ssn / 50 % 50;
        peer_packet(p);
        for (unsigned i = 0; i < 50; i++)
            if (i != lost)
                peer_add_data(p, tsn + (int)i, 3, (ssn + i) & 0xffffu, BIT_BE, 4);
        hostile_send(p);
        for (unsigned i = 0; i < lost; i++)
            user_expect(p, 3, (ssn + i) & 0xffffu, 4);
        user_expect_nothing(p);
        peer_data(p, tsn + (int)lost, 3, (ssn + lost) & 0xffffu, BIT_BE, 4);
        for (unsigned i = lost; i < 50; i++)
            user_expect(p, 3, (ssn + i) & 0xffffu, 4);
        user_expect_nothing(p);
        peer_discard(p);
    }
    peer_delete(p);
}
END_TEST

RUN_TESTS("H101, H102: time and wraps", h101_timers_across_a_wrap, h101_clock_jumps,
          h101_jump_with_heartbeats, h101_round_trips, h101_answer_an_hour_late,
          h101_cookie_across_a_wrap, h101_clock_stands_still, h102_tsn_wrap_while_receiving,
          h102_fragments_across_the_wrap, h102_tsn_wrap_while_sending,
          h102_old_sack_across_the_wrap, h102_ssn_wrap_with_loss)
