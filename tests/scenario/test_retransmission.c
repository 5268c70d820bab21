/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RFC 9260 6.3: the RTO in exact figures, and the timer T3-rtx: when it runs, and what happens when
 * it expires (E1 to E4).
 *
 * Fast retransmit is in test_fast_retransmit.c; what failures do to paths is in
 * test_path_failure.c.
 */
#include "support/configs.h"
#include "support/run_tests.h"
#include "support/scripted_peer.h"

#define PMDCS     1468u /* 1500 - 20 - 12 */
#define PEER_RWND 131072u
#define RTO_MIN   SECOND
#define RTO_INIT  SECOND

/* A round trip of `rtt` us measured with one DATA chunk; `tsn` counts them. */
static void measure(struct scripted_peer *p, int tsn, uint64_t rtt) {
    char pattern[40];
    snprintf(pattern, sizeof pattern, "DATA tsn=%d *", tsn);
    user_send(p, 0, 100);
    peer_take(p, pattern);
    peer_run_for(p, rtt);
    peer_sack(p, tsn, PEER_RWND, "");
}

static uint64_t larger(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

static uint64_t distance(uint64_t a, uint64_t b) {
    return a > b ? a - b : b - a;
}

/* 6.3.1 C2 and C3 from what was known before; the handshake may have been the first measurement. */
static void require_rto(struct scripted_peer *p, const struct usctp_path_status *before,
                        uint64_t rtt) {
    struct usctp_path_status after = peer_path(p, 0);
    uint64_t srtt = rtt, rttvar = rtt / 2;
    if (before->srtt_us != 0 || before->rttvar_us != 0) {
        rttvar = (3 * before->rttvar_us + distance(before->srtt_us, rtt)) / 4;
        srtt = (7 * before->srtt_us + rtt) / 8;
    }
    REQUIRE_RANGE(after.srtt_us, srtt - 1, srtt + 1);
    REQUIRE_RANGE(after.rttvar_us, rttvar - 1, rttvar + 1);
    uint64_t rto = larger(srtt + 4 * rttvar, RTO_MIN);
    REQUIRE_RANGE(after.rto_us, rto - 8, rto + 8);
}

static void long_delay(struct usctp_config *config) {
    eager(config);
    config->rto_initial_us = 3 * SECOND;
    config->rto_max_us = 60 * SECOND;
}

START_TEST(s6_3_1_c2_c3_exact_figures) {
    static const uint64_t rtts[] = {400 * MS, 800 * MS, 100 * MS, 333333, 900 * MS, 1, 700 * MS};
    struct scripted_peer *p = PEER(.configure = long_delay);
    peer_open_active(p);
    for (int i = 0; i < (int)(sizeof rtts / sizeof rtts[0]); i++) {
        struct usctp_path_status before = peer_path(p, 0);
        measure(p, i, rtts[i]);
        peer_discard(p);
        require_rto(p, &before, rtts[i]);
    }
    peer_delete(p);
}
END_TEST

/* C2 worked out: the first measurement of 400 ms gives SRTT 400, RTTVAR 200, RTO 1200 ms; the
 * second of 800 ms gives 450, 250, 1450. */
START_TEST(s6_3_1_worked_example) {
    struct scripted_peer *p = PEER(.configure = long_delay);
    peer_engine_connect(
        p); /* INIT and COOKIE ECHO are retransmitted: nothing can be measured with them (C5) */
    peer_take_init(p);
    peer_wait(p, "INIT *", 4 * SECOND);
    peer_init_ack(p);
    peer_add_cookie(p, 64);
    peer_send(p);
    peer_take(p, "COOKIE_ECHO *");
    peer_wait(p, "COOKIE_ECHO *", 10 * SECOND);
    peer_chunk(p, WIRE_COOKIE_ACK, 0);
    REQUIRE_EQ(peer_path(p, 0).srtt_us, 0);
    measure(p, 0, 400 * MS);
    struct usctp_path_status path = peer_path(p, 0);
    REQUIRE_EQ(path.srtt_us, 400000);
    REQUIRE_EQ(path.rttvar_us, 200000);
    REQUIRE_EQ(path.rto_us, 1200000);
    measure(p, 1, 800 * MS);
    path = peer_path(p, 0);
    REQUIRE_EQ(path.srtt_us, 450000);
    REQUIRE_EQ(path.rttvar_us, 250000);
    REQUIRE_EQ(path.rto_us, 1450000);
    measure(p, 2, 100 * MS);
    path = peer_path(p, 0);
    REQUIRE_RANGE(path.srtt_us, 406249, 406250);
    REQUIRE_RANGE(path.rttvar_us, 274999, 275000);
    REQUIRE_RANGE(path.rto_us, 1506240, 1506250);
    peer_delete(p);
}
END_TEST

/* C1, C6: RTO.Initial before any measurement, RTO.Min as the floor. */
START_TEST(s6_3_1_c1_c6_bounds) {
    struct scripted_peer *p = PEER(.configure = eager);
    peer_engine_connect(p);
    peer_take_init(p);
    REQUIRE_EQ(peer_path(p, 0).rto_us, RTO_INIT);
    peer_init_ack(p);
    peer_add_cookie(p, 64);
    peer_send(p);
    peer_take(p, "COOKIE_ECHO *");
    peer_chunk(p, WIRE_COOKIE_ACK, 0);
    for (int i = 0; i < 20; i++) {
        measure(p, i, 5 * MS);
        REQUIRE_EQ(peer_path(p, 0).rto_us, RTO_MIN);
    }
    peer_delete(p);
}
END_TEST

/* G1: RTTVAR never stays 0. */
START_TEST(s6_3_1_g1_rttvar_is_not_zero) {
    struct scripted_peer *p = PEER(.configure = eager);
    peer_open_active(p);
    for (int i = 0; i < 60; i++)
        measure(p, i, 0);
    REQUIRE(peer_path(p, 0).rttvar_us > 0);
    peer_delete(p);
}
END_TEST

/* C5, Karn: a chunk that was retransmitted measures nothing, and the backed-off RTO stays. */
START_TEST(s6_3_1_c5_karn) {
    struct scripted_peer *p = PEER(.configure = eager);
    peer_open_active(p);
    measure(p, 0, 50 * MS);
    struct usctp_path_status before = peer_path(p, 0);
    user_send(p, 0, 100);
    peer_take(p, "DATA tsn=1 *");
    peer_wait(p, "DATA tsn=1 *", 2 * SECOND);
    REQUIRE_EQ(peer_path(p, 0).rto_us, 2 * before.rto_us);
    peer_run_for(p, 10 * MS);
    peer_sack(p, 1, PEER_RWND, "");
    struct usctp_path_status after = peer_path(p, 0);
    REQUIRE_EQ(after.srtt_us, before.srtt_us);
    REQUIRE_EQ(after.rttvar_us, before.rttvar_us);
    REQUIRE_EQ(after.rto_us, 2 * before.rto_us);
    measure(p, 2, 50 * MS); /* 6.3.3: a new measurement collapses it */
    REQUIRE_EQ(peer_path(p, 0).rto_us, RTO_MIN);
    peer_delete(p);
}
END_TEST

static void send_to(struct scripted_peer *p, unsigned path, int tsn) {
    struct usctp_send send = {.sid = 0, .flags = USCTP_MESSAGE_TO_PATH};
    char pattern[40];
    snprintf(pattern, sizeof pattern, "DATA tsn=%d *", tsn);
    send.path = (uint32_t)usctp_path_find(p->engine, p->assoc, &p->peer_addr[path]);
    REQUIRE_EQ(user_try_send(p, &send, 100), 0);
    peer_take(p, pattern);
    REQUIRE_EQ(p->took_path, (int)path);
}

/* Two paths, the first with RTTs that make its RTO longer than the other's, RTO.Min. TSN 20 is the
 * next. */
static struct scripted_peer *slow_and_fast(void) {
    struct scripted_peer *p =
        PEER(.configure = eager, .rwnd = PEER_RWND, .paths = 2, .connect_to_all = true);
    peer_open_active(p);
    for (int tsn = 0; tsn < 20; tsn++) {
        struct usctp_path_status before = peer_path(p, 0);
        send_to(p, 0, tsn);
        peer_run_for(p, tsn % 2 ? 800 * MS : 400 * MS);
        peer_sack(p, tsn, PEER_RWND, "");
        require_rto(p, &before, tsn % 2 ? 800 * MS : 400 * MS);
    }
    REQUIRE(peer_path(p, 0).rto_us > RTO_MIN + 200 * MS && peer_path(p, 1).rto_us == RTO_MIN);
    return p;
}

/* C5: a chunk above was sent again, which leaves no doubt about the one below: C4 requires the
 * measurement. */
START_TEST(s6_3_1_c4_measured_below_a_retransmission) {
    struct scripted_peer *p = slow_and_fast();
    struct usctp_path_status before = peer_path(p, 0);
    send_to(p, 0, 20);
    send_to(p, 1, 21);
    peer_wait(p, "DATA tsn=21 *", RTO_MIN);
    peer_run_for(p, 150 * MS);
    peer_sack(p, 20, PEER_RWND, "");
    require_rto(p, &before, RTO_MIN + 150 * MS);
    peer_delete(p);
}
END_TEST

/* C5: a chunk below was sent again since: its acknowledgement may be what had to be waited for. */
START_TEST(s6_3_1_c5_not_measured_above_a_retransmission) {
    struct scripted_peer *p = slow_and_fast();
    struct usctp_path_status before = peer_path(p, 0);
    send_to(p, 1, 20);
    send_to(p, 0, 21);
    peer_wait(p, "DATA tsn=20 *", RTO_MIN);
    peer_run_for(p, 150 * MS);
    peer_sack(p, 21, PEER_RWND, "");
    REQUIRE_EQ(peer_path(p, 0).srtt_us, before.srtt_us);
    REQUIRE_EQ(peer_path(p, 0).rttvar_us, before.rttvar_us);
    before = peer_path(p, 0);
    send_to(p, 0, 22); /* sent after it: what was lost is no longer in the way */
    peer_run_for(p, 300 * MS);
    peer_sack(p, 22, PEER_RWND, "");
    require_rto(p, &before, 300 * MS);
    peer_delete(p);
}
END_TEST

/* E2, C7: the timer doubles up to RTO.Max. */
START_TEST(s6_3_3_e2_backoff) {
    static const unsigned waits[] = {1, 2, 4, 8, 16, 32, 60, 60, 60};
    struct scripted_peer *p = PEER(.configure = eager);
    peer_open_active(p);
    user_send(p, 0, 100);
    peer_take(p, "DATA tsn=0 *");
    uint64_t at = p->took_us;
    for (size_t i = 0; i < sizeof waits / sizeof waits[0]; i++) {
        REQUIRE_EQ(peer_path(p, 0).rto_us, waits[i] * SECOND);
        peer_wait(p, "DATA tsn=0 * BE len=100", 61 * SECOND);
        at += waits[i] * SECOND;
        REQUIRE_EQ(p->took_us, at);
        peer_expect_nothing(p);
    }
    REQUIRE_EQ(peer_status(p).counters.t3_expiries, sizeof waits / sizeof waits[0]);
    peer_delete(p);
}
END_TEST

/* E1: ssthresh = max(cwnd / 2, 4 * PMDCS), cwnd = PMDCS (7.2.3). */
START_TEST(s6_3_3_e1_window) {
    struct scripted_peer *p = PEER(.configure = eager);
    peer_open_active(p);
    REQUIRE_EQ(peer_path(p, 0).cwnd_bytes, 4404);
    user_send(p, 0, 100);
    peer_take(p, "DATA tsn=0 *");
    peer_wait(p, "DATA tsn=0 *", 2 * SECOND);
    REQUIRE_EQ(peer_path(p, 0).cwnd_bytes, PMDCS);
    REQUIRE_EQ(peer_path(p, 0).ssthresh_bytes, 4 * PMDCS);
    peer_delete(p);
}
END_TEST

/* E3: of three large chunks the first alone, in one packet; the others when acknowledgements make
 * room. */
START_TEST(s6_3_3_e3_one_packet) {
    struct scripted_peer *p = PEER(.configure = eager);
    peer_open_active(p);
    for (int i = 0; i < 3; i++)
        user_send(p, 0, 1000);
    REQUIRE_EQ(peer_count(p, "DATA *"), 3);
    peer_discard(p);
    peer_run_for(p, SECOND);
    peer_take_packet(p, "DATA tsn=0 * len=1000");
    peer_expect_nothing(p); /* 7.2.3: one packet in flight */
    peer_sack(p, 0, PEER_RWND, "");
    peer_take(p, "DATA tsn=1 * len=1000");
    peer_sack(p, 2, PEER_RWND, "");
    peer_run_for(p, 200 * SECOND);
    peer_expect_none(p, "DATA tsn=0 *");
    REQUIRE_EQ(peer_status(p).unacknowledged_chunks, 0);
    peer_delete(p);
}
END_TEST

/* E3: as many of the earliest as fit one packet: ten of 116 bytes do. */
START_TEST(s6_3_3_e3_bundled) {
    struct scripted_peer *p = PEER(.configure = eager);
    peer_open_active(p);
    for (int i = 0; i < 10; i++)
        user_send(p, 0, 100);
    REQUIRE_EQ(peer_count(p, "DATA *"), 10);
    peer_discard(p);
    peer_run_for(p, SECOND);
    REQUIRE_EQ(peer_count_packets(p), 1);
    REQUIRE_EQ(peer_count(p, "DATA *"), 10);
    peer_delete(p);
}
END_TEST

/* R1: sending more does not restart a running timer. */
START_TEST(s6_3_2_r1_new_data_does_not_restart) {
    struct scripted_peer *p = PEER(.configure = eager);
    peer_open_active(p);
    user_send(p, 0, 100);
    uint64_t at = p->now_us;
    peer_run_for(p, 900 * MS);
    user_send(p, 0, 100);
    peer_discard(p);
    peer_wait(p, "DATA tsn=0 *", SECOND);
    REQUIRE_EQ(p->took_us, at + SECOND);
    peer_delete(p);
}
END_TEST

/* R2: nothing outstanding, no timer. */
START_TEST(s6_3_2_r2_timer_stops) {
    struct scripted_peer *p = PEER(.configure = eager);
    peer_open_active(p);
    for (int i = 0; i < 3; i++)
        user_send(p, 0, 100);
    peer_discard(p);
    peer_run_for(p, 500 * MS);
    peer_sack(p, 2, PEER_RWND, "");
    peer_run_for(p, 300 * SECOND);
    peer_expect_nothing(p);
    REQUIRE_EQ(peer_status(p).counters.t3_expiries, 0);
    peer_delete(p);
}
END_TEST

/* R3: an acknowledgement of the earliest outstanding TSN restarts the timer with the current RTO.
 */
START_TEST(s6_3_2_r3_restart) {
    struct scripted_peer *p = PEER(.configure = eager);
    peer_open_active(p);
    user_send(p, 0, 100);
    peer_run_for(p, 300 * MS);
    user_send(p, 0, 100);
    peer_run_for(p, 400 * MS);
    peer_discard(p);
    peer_sack(p, 0, PEER_RWND, "");
    uint64_t rto = peer_path(p, 0).rto_us, at = p->now_us;
    peer_wait(p, "DATA tsn=1 *", 10 * SECOND);
    REQUIRE_EQ(p->took_us, at + rto);
    peer_delete(p);
}
END_TEST

/* R3 the other way: a SACK that does not acknowledge the earliest TSN leaves the timer alone. */
START_TEST(s6_3_2_r3_no_restart_by_gaps) {
    struct scripted_peer *p = PEER(.configure = eager);
    peer_open_active(p);
    for (int i = 0; i < 3; i++)
        user_send(p, 0, 100);
    uint64_t at = p->now_us;
    peer_discard(p);
    peer_run_for(p, 600 * MS);
    peer_sack(p, -1, PEER_RWND, "3-3");
    peer_run_for(p, 100 * MS);
    peer_sack(p, -1, PEER_RWND, "2-3");
    peer_wait(p, "DATA tsn=0 *", 10 * SECOND);
    REQUIRE_EQ(p->took_us, at + SECOND);
    peer_expect_none(p, "DATA tsn=1 *"); /* acknowledged by gap blocks, not outstanding */
    peer_delete(p);
}
END_TEST

/* 6.2.1 D iii, R4: what a later SACK does not report any more is outstanding again. */
START_TEST(s6_2_1_reneging) {
    struct scripted_peer *p = PEER(.configure = eager);
    peer_open_active(p);
    for (int i = 0; i < 3; i++)
        user_send(p, 0, 100);
    peer_discard(p);
    peer_sack(p, -1, PEER_RWND, "3-3");
    peer_sack(p, 1, PEER_RWND, ""); /* the peer gave up on TSN 2 */
    uint64_t at = p->now_us, rto = peer_path(p, 0).rto_us;
    peer_wait(p, "DATA tsn=2 *", 10 * SECOND);
    REQUIRE_RANGE(p->took_us, at + 1, at + rto);
    peer_sack(p, 2, PEER_RWND, "");
    REQUIRE_EQ(peer_status(p).unacknowledged_chunks, 0);
    peer_delete(p);
}
END_TEST

/* 6.2.1 D i: an old SACK is dropped. */
START_TEST(s6_2_1_old_sack_is_dropped) {
    struct scripted_peer *p = PEER(.configure = eager);
    peer_open_active(p);
    for (int i = 0; i < 3; i++)
        user_send(p, 0, 100);
    peer_discard(p);
    peer_sack(p, 1, PEER_RWND, "");
    uint32_t rwnd = peer_status(p).peer_rwnd_bytes;
    peer_sack(p, 0, 5000, "");
    REQUIRE_EQ(peer_status(p).peer_rwnd_bytes, rwnd);
    REQUIRE_EQ(peer_status(p).unacknowledged_chunks, 1);
    peer_delete(p);
}
END_TEST

static void give_up_soon(struct usctp_config *config) {
    eager(config);
    config->association_max_retrans = 2;
}

/* 8.1: more than Association.Max.Retrans retransmissions in a row, and the peer is unreachable. */
START_TEST(s8_1_association_failure) {
    struct scripted_peer *p =
        PEER(.configure = give_up_soon, .subscribe = USCTP_NOTIFY_ASSOC_CHANGE);
    peer_open_active(p);
    user_send(p, 0, 100);
    peer_take(p, "DATA tsn=0 *");
    uint64_t at = p->took_us;
    peer_wait(p, "DATA tsn=0 *", 10 * SECOND);
    peer_wait(p, "DATA tsn=0 *", 10 * SECOND);
    peer_run_until(p, at + 7 * SECOND - 1);
    REQUIRE(!p->closed);
    peer_run_for(p, 1);
    require_closed(p, USCTP_ERR_UNREACHABLE);
    peer_expect_none(p, "DATA *");
    user_expect_notification(p, USCTP_NOTIFY_ASSOC_CHANGE, USCTP_COMM_LOST);
    peer_delete(p);
}
END_TEST

START_TEST(s8_1_default_is_ten) {
    struct scripted_peer *p = PEER(.configure = eager);
    peer_open_active(p);
    user_send(p, 0, 100);
    uint64_t at = p->now_us;
    peer_run_until(p, at + 363 * SECOND - 1); /* 1+2+4+8+16+32+5*60 */
    REQUIRE_EQ(peer_count(p, "DATA tsn=0 *"), 11);
    REQUIRE(!p->closed);
    peer_run_for(p, 1);
    REQUIRE_EQ(peer_count(p, "DATA tsn=0 *"), 11);
    require_closed(p, USCTP_ERR_UNREACHABLE);
    peer_delete(p);
}
END_TEST

/* 8.1: the counter starts again with each acknowledgement. */
START_TEST(s8_1_acknowledgement_resets_the_counter) {
    struct scripted_peer *p = PEER(.configure = give_up_soon);
    peer_open_active(p);
    for (int tsn = 0; tsn < 10; tsn++) {
        char pattern[40];
        user_send(p, 0, 100);
        snprintf(pattern, sizeof pattern, "DATA tsn=%d *", tsn);
        peer_take(p, pattern);
        peer_wait(p, pattern, 100 * SECOND);
        peer_wait(p, pattern, 100 * SECOND);
        peer_sack(p, tsn, PEER_RWND, "");
    }
    require_state(p, USCTP_ESTABLISHED);
    peer_delete(p);
}
END_TEST

/* 6.1 C: retransmissions go before new data. */
START_TEST(s6_1_c_retransmissions_first) {
    struct scripted_peer *p = PEER(.configure = eager);
    peer_open_active(p);
    for (int i = 0; i < 8; i++)
        user_send(p, 0, 1400);
    size_t first = peer_count(p, "DATA *"); /* as much as cwnd allows */
    REQUIRE_RANGE(first, 3, 4);
    peer_discard(p);
    peer_run_for(p, SECOND);
    peer_take_packet(p, "DATA tsn=0 *");
    int tsn = 1;
    for (int cumulative = 0; cumulative < 7; cumulative++) {
        peer_sack(p, cumulative, PEER_RWND, "");
        while (peer_count_packets(p) >
               0) { /* in the order of TSN: 1, 2, ... of which the first are retransmissions */
            char pattern[40];
            snprintf(pattern, sizeof pattern, "DATA tsn=%d *", tsn++);
            peer_take_packet(p, pattern);
        }
        REQUIRE(tsn > cumulative + 1);
    }
    REQUIRE_EQ(tsn, 8);
    peer_delete(p);
}
END_TEST

/* 11.1.13: RTO bounds that are changed while the association lives. */
START_TEST(s11_1_13_rto_bounds_on_a_living_association) {
    struct scripted_peer *p = PEER(.configure = eager);
    peer_open_active(p);
    measure(p, 0, 50 * MS);
    measure(p, 1, 50 * MS);
    REQUIRE_EQ(peer_path(p, 0).rto_us, RTO_MIN);
    REQUIRE_EQ(usctp_assoc_tune(p->engine, p->assoc, USCTP_TUNABLE_rto_min_us, 100 * MS, p->now_us),
               0);
    measure(p, 2, 50 * MS);
    struct usctp_path_status path = peer_path(p, 0);
    uint64_t rto = larger(path.srtt_us + 4 * path.rttvar_us, 100 * MS);
    REQUIRE_RANGE(path.rto_us, rto - 8, rto + 8);
    REQUIRE(path.rto_us < RTO_MIN);
    REQUIRE_EQ(usctp_assoc_tune(p->engine, p->assoc, USCTP_TUNABLE_rto_min_us, 700 * MS, p->now_us),
               0);
    REQUIRE_EQ(peer_path(p, 0).rto_us, 700 * MS);
    user_send(p, 0, 10);
    peer_discard(p);
    uint64_t at = p->now_us;
    peer_wait(p, "DATA tsn=3 *", 2 * SECOND);
    REQUIRE_EQ(p->took_us, at + 700 * MS);
    peer_delete(p);
}
END_TEST

RUN_TESTS("retransmission (RFC 9260 6.3)", s6_3_1_c2_c3_exact_figures, s6_3_1_worked_example,
          s6_3_1_c1_c6_bounds, s6_3_1_g1_rttvar_is_not_zero, s6_3_1_c5_karn,
          s6_3_1_c4_measured_below_a_retransmission, s6_3_1_c5_not_measured_above_a_retransmission,
          s6_3_3_e2_backoff, s6_3_3_e1_window, s6_3_3_e3_one_packet, s6_3_3_e3_bundled,
          s6_3_2_r1_new_data_does_not_restart, s6_3_2_r2_timer_stops, s6_3_2_r3_restart,
          s6_3_2_r3_no_restart_by_gaps, s6_2_1_reneging, s6_2_1_old_sack_is_dropped,
          s8_1_association_failure, s8_1_default_is_ten, s8_1_acknowledgement_resets_the_counter,
          s6_1_c_retransmissions_first, s11_1_13_rto_bounds_on_a_living_association)
