/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RFC 9260 7.2.4: three miss indications, the HTNA rule, Fast Recovery.
 */
#include "support/configs.h"
#include "support/run_tests.h"
#include "support/scripted_peer.h"

#define PMDCS     1468u
#define PEER_RWND 1000000u

/* ESTABLISHED with a congestion window of at least `bytes`, and everything acknowledged; returns
 * the next TSN. */
static int grow_window(struct scripted_peer *p, uint32_t bytes) {
    int tsn = 0;
    for (int round = 0; round < 200 && peer_path(p, 0).cwnd_bytes < bytes; round++) {
        for (int i = 0; i < 40; i++)
            user_send(p, 0, 1452);
        for (int spin = 0;
             spin < 100 && peer_status(p).unacknowledged_chunks + peer_status(p).unsent_bytes > 0;
             spin++) {
            tsn += (int)peer_count(p, "DATA *");
            peer_discard(p);
            peer_run_for(p, MS);
            peer_sack(p, tsn - 1, PEER_RWND, "");
        }
    }
    REQUIRE(peer_path(p, 0).cwnd_bytes >= bytes);
    REQUIRE_EQ(peer_status(p).unacknowledged_chunks, 0);
    peer_discard(p);
    return tsn;
}

/* `count` chunks of 1000 bytes in flight, the first with TSN `first` (those before it are
 * acknowledged). */
static struct scripted_peer *in_flight(int count, int *first) {
    struct scripted_peer *p = PEER(.configure = eager, .rwnd = PEER_RWND);
    peer_open_active(p);
    *first = grow_window(p, 40 * PMDCS);
    for (int i = 0; i < count; i++)
        user_send(p, 0, 1000);
    REQUIRE_EQ(peer_count(p, "DATA *"), (size_t)count);
    peer_discard(p);
    return p;
}

static void expect_data(struct scripted_peer *p, int tsn) {
    char pattern[40];
    snprintf(pattern, sizeof pattern, "DATA tsn=%d *", tsn);
    peer_take(p, pattern);
}

START_TEST(s7_2_4_third_miss_indication) {
    int t;
    struct scripted_peer *p = in_flight(8, &t);
    uint32_t cwnd = peer_path(p, 0).cwnd_bytes;
    peer_sack(p, t - 1, PEER_RWND, "2-2");
    peer_sack(p, t - 1, PEER_RWND, "2-3");
    peer_expect_nothing(p);
    REQUIRE_EQ(peer_status(p).counters.fast_retransmits, 0);
    uint64_t at = p->now_us;
    peer_sack(p, t - 1, PEER_RWND, "2-4");
    expect_data(p, t);
    REQUIRE_EQ(p->took_us, at);
    peer_expect_nothing(p);
    REQUIRE(peer_status(p).counters.fast_retransmits >= 1);
    struct usctp_path_status path = peer_path(p, 0);
    REQUIRE_EQ(path.ssthresh_bytes, path.cwnd_bytes); /* 7.2.3 */
    REQUIRE_RANGE(path.cwnd_bytes, cwnd / 2, cwnd / 2 + 2 * PMDCS);
    peer_sack(p, t + 7, PEER_RWND, "");
    REQUIRE_EQ(peer_status(p).unacknowledged_chunks, 0);
    REQUIRE_EQ(peer_status(p).counters.t3_expiries, 0);
    peer_delete(p);
}
END_TEST

/* A SACK that acknowledges nothing new gives no miss indication. */
START_TEST(s7_2_4_repeated_sack_counts_nothing) {
    int t;
    struct scripted_peer *p = in_flight(8, &t);
    for (int i = 0; i < 10; i++)
        peer_sack(p, t - 1, PEER_RWND, "2-2");
    peer_expect_nothing(p);
    peer_delete(p);
}
END_TEST

/* HTNA: only TSNs below the highest newly acknowledged one are counted. */
START_TEST(s7_2_4_htna) {
    int t;
    struct scripted_peer *p = in_flight(8, &t);
    peer_sack(p, t - 1, PEER_RWND, "4-4");     /* new: t+3; counts t, t+1, t+2 */
    peer_sack(p, t - 1, PEER_RWND, "2-2 4-4"); /* new: t+1; counts t */
    peer_expect_nothing(p);
    peer_sack(p, t - 1, PEER_RWND, "2-2 4-5"); /* new: t+4; counts t (3rd) and t+2 (2nd) */
    expect_data(p, t);
    peer_expect_nothing(p);
    peer_delete(p);
}
END_TEST

/* 3: the fast retransmission does not wait for the congestion window. */
START_TEST(s7_2_4_ignores_the_window) {
    struct scripted_peer *p = PEER(.configure = eager, .rwnd = PEER_RWND);
    peer_open_active(p);
    for (int i = 0; i < 12; i++)
        user_send(p, 0, 1452); /* fills cwnd, the rest waits */
    int sent = (int)peer_count(p, "DATA *");
    REQUIRE_RANGE(sent, 3, 4);
    peer_discard(p);
    peer_sack(p, -1, PEER_RWND, "2-2");
    sent += (int)peer_count(p, "DATA *");
    peer_sack(p, -1, PEER_RWND, "2-3");
    peer_discard(p);
    REQUIRE(sent >= 4);
    peer_sack(p, -1, PEER_RWND, "2-4");
    expect_data(p, 0);
    peer_delete(p);
}
END_TEST

/* 2, 6: one reduction in each Fast Recovery, however many are lost. */
START_TEST(s7_2_4_one_reduction_in_fast_recovery) {
    int t;
    struct scripted_peer *p = in_flight(12, &t);
    peer_sack(p, t - 1, PEER_RWND, "2-2");
    peer_sack(p, t - 1, PEER_RWND, "2-2 4-4");
    peer_sack(p, t - 1, PEER_RWND, "2-2 4-5"); /* t: third; t+2: second */
    expect_data(p, t);
    uint32_t cwnd = peer_path(p, 0).cwnd_bytes;
    peer_sack(p, t - 1, PEER_RWND, "2-2 4-6"); /* t+2: third */
    expect_data(p, t + 2);
    REQUIRE_EQ(peer_path(p, 0).cwnd_bytes, cwnd);
    REQUIRE_EQ(peer_path(p, 0).ssthresh_bytes, cwnd);
    peer_delete(p);
}
END_TEST

/* In Fast Recovery a SACK that advances the cumulative point counts for all missing TSNs. */
START_TEST(s7_2_4_cumulative_advance_in_fast_recovery) {
    int t;
    struct scripted_peer *p = in_flight(12, &t); /* lost: t and t+8 */
    peer_sack(p, t - 1, PEER_RWND, "2-2");
    peer_sack(p, t - 1, PEER_RWND, "2-3");
    peer_sack(p, t - 1, PEER_RWND, "2-4");
    expect_data(p, t);
    peer_sack(p, t - 1, PEER_RWND, "2-8 10-10"); /* t+8 missing: first */
    peer_sack(p, t - 1, PEER_RWND, "2-8 10-11"); /* second */
    peer_expect_nothing(p);
    peer_sack(p, t + 7, PEER_RWND,
              "2-3"); /* t arrived; nothing above t+8 is new, but the point advances: third */
    expect_data(p, t + 8);
    peer_delete(p);
}
END_TEST

/* 5: a chunk is fast retransmitted once; then it is T3-rtx's. */
START_TEST(s7_2_4_fast_retransmitted_once) {
    int t;
    char gaps[16];
    struct scripted_peer *p = in_flight(12, &t);
    for (int i = 2; i <= 4; i++) {
        snprintf(gaps, sizeof gaps, "2-%d", i);
        peer_sack(p, t - 1, PEER_RWND, gaps);
    }
    expect_data(p, t);
    uint64_t at = p->now_us, rto = peer_path(p, 0).rto_us;
    for (int i = 5; i <= 12; i++) {
        snprintf(gaps, sizeof gaps, "2-%d", i);
        peer_sack(p, t - 1, PEER_RWND, gaps);
    }
    peer_expect_nothing(p);
    char pattern[40];
    snprintf(pattern, sizeof pattern, "DATA tsn=%d *", t);
    peer_wait(p, pattern, 5 * SECOND);
    REQUIRE_EQ(
        p->took_us,
        at + rto); /* 4: the timer restarted when the first outstanding chunk was retransmitted */
    REQUIRE_EQ(peer_status(p).counters.t3_expiries, 1);
    peer_delete(p);
}
END_TEST

/* 6: when the exit point is acknowledged Fast Recovery ends, and the next loss halves the window
 * again. */
START_TEST(s7_2_4_exit_of_fast_recovery) {
    int t;
    struct scripted_peer *p = in_flight(8, &t);
    peer_sack(p, t - 1, PEER_RWND, "2-2");
    peer_sack(p, t - 1, PEER_RWND, "2-3");
    peer_sack(p, t - 1, PEER_RWND, "2-8");
    expect_data(p, t);
    peer_sack(p, t + 7, PEER_RWND, ""); /* the exit point */
    for (int i = 0; i < 8; i++)
        user_send(p, 0, 1000);
    REQUIRE_EQ(peer_count(p, "DATA *"), 8);
    peer_discard(p);
    t += 8;
    uint32_t cwnd = peer_path(p, 0).cwnd_bytes;
    peer_sack(p, t - 1, PEER_RWND, "2-2");
    peer_sack(p, t - 1, PEER_RWND, "2-3");
    peer_sack(p, t - 1, PEER_RWND, "2-4");
    expect_data(p, t);
    REQUIRE_RANGE(peer_path(p, 0).cwnd_bytes, cwnd / 2, cwnd / 2 + PMDCS);
    peer_delete(p);
}
END_TEST

/* 3: as many of the marked chunks as fit one packet, together. */
START_TEST(s7_2_4_bundles_what_fits) {
    struct scripted_peer *p = PEER(.configure = eager, .rwnd = PEER_RWND);
    peer_open_active(p);
    for (int i = 0; i < 10; i++)
        user_send(p, 0, 100);
    REQUIRE_EQ(peer_count(p, "DATA *"), 10);
    peer_discard(p);
    peer_sack(p, -1, PEER_RWND, "4-4"); /* 0, 1, 2 are missing */
    peer_sack(p, -1, PEER_RWND, "4-5");
    peer_expect_nothing(p);
    peer_sack(p, -1, PEER_RWND, "4-6");
    peer_take_packet(p, "DATA tsn=0 * | DATA tsn=1 * | DATA tsn=2 *");
    peer_expect_nothing(p);
    peer_delete(p);
}
END_TEST

/* 6.4: a fast retransmission goes to the address the original went to. */
START_TEST(s6_4_same_destination) {
    struct scripted_peer *p =
        PEER(.configure = eager, .rwnd = PEER_RWND, .paths = 2, .connect_to_all = true);
    peer_open_active(p);
    for (int i = 0; i < 4; i++)
        user_send(p, 0, 1000);
    peer_discard(p);
    peer_sack(p, -1, PEER_RWND, "2-2");
    peer_sack(p, -1, PEER_RWND, "2-3");
    peer_sack(p, -1, PEER_RWND, "2-4");
    expect_data(p, 0);
    REQUIRE_EQ(p->took_path, 0);
    peer_delete(p);
}
END_TEST

/* The TSNs that are missing wrap. */
START_TEST(s1_6_tsn_wrap) {
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct scripted_peer *p =
            PEER(.configure = eager, .rwnd = PEER_RWND, .near_wrap = true, .seed = seed);
        peer_open_active(p);
        REQUIRE(p->engine_tsn >= 0xffffff00u);
        int wrap = (int)(0u - p->engine_tsn); /* TSN 0 */
        int sent = 0, acknowledged = 0;
        while (acknowledged < wrap - 2) {
            user_send(p, 0, 100);
            sent++;
            peer_discard(p);
            peer_sack(p, acknowledged++, PEER_RWND, "");
        }
        for (int i = 0; i < 8; i++)
            user_send(p, 0, 100);
        peer_discard(p);
        peer_sack(p, acknowledged - 1, PEER_RWND, "3-3"); /* missing: 2^32 - 2, 2^32 - 1; here: 0 */
        peer_sack(p, acknowledged - 1, PEER_RWND, "3-4");
        peer_sack(p, acknowledged - 1, PEER_RWND, "3-5");
        REQUIRE_EQ(peer_count(p, "DATA *"), 2);
        expect_data(p, acknowledged);
        expect_data(p, acknowledged + 1);
        peer_sack(p, acknowledged + 7, PEER_RWND, "");
        REQUIRE_EQ(peer_status(p).unacknowledged_chunks, 0);
        peer_run_for(p, 100 * SECOND);
        peer_expect_nothing(p);
        peer_delete(p);
    }
}
END_TEST

RUN_TESTS("fast retransmit (RFC 9260 7.2.4)", s7_2_4_third_miss_indication,
          s7_2_4_repeated_sack_counts_nothing, s7_2_4_htna, s7_2_4_ignores_the_window,
          s7_2_4_one_reduction_in_fast_recovery, s7_2_4_cumulative_advance_in_fast_recovery,
          s7_2_4_fast_retransmitted_once, s7_2_4_exit_of_fast_recovery, s7_2_4_bundles_what_fits,
          s6_4_same_destination, s1_6_tsn_wrap)
