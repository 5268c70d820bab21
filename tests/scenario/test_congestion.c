/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RFC 9260 7.2 and 6.1 B, D: the congestion window in slow start, congestion avoidance and after
 * idleness; Max.Burst.
 */
#include "support/configs.h"
#include "support/run_tests.h"
#include "support/scripted_peer.h"

#define PMDCS     1468u
#define PEER_RWND 4000000u

static struct scripted_peer *established(void (*configure)(struct usctp_config *)) {
    struct scripted_peer *p = PEER(.configure = configure, .rwnd = PEER_RWND);
    peer_open_active(p);
    return p;
}

static void require_initial_window(uint32_t mtu, bool ipv6, uint32_t cwnd) {
    struct scripted_peer *p = PEER(.configure = eager, .mtu = mtu, .ipv6_paths = ipv6);
    peer_open_active(p);
    REQUIRE_EQ(peer_path(p, 0).pmtu_bytes, mtu);
    REQUIRE_EQ(peer_path(p, 0).cwnd_bytes, cwnd);
    REQUIRE(peer_path(p, 0).ssthresh_bytes >= p->options.rwnd); /* arbitrarily high */
    peer_delete(p);
}

/* 7.2.1: min(4 * PMDCS, max(2 * PMDCS, 4404)), 4344 for IPv6. */
START_TEST(s7_2_1_initial_window) {
    require_initial_window(1500, false, 4404);
    require_initial_window(1500, true, 4344);
    require_initial_window(9000, false, 2 * 8968);
    require_initial_window(9000, true, 2 * 8948);
    require_initial_window(600, false, 4 * 568);
    require_initial_window(1280, true, 4344);
}
END_TEST

/* 6.1 B: never cwnd + PMDCS or more in flight, and the breach is one packet. */
START_TEST(s6_1_b_window_is_respected) {
    struct scripted_peer *p = established(eager);
    user_send(p, 0, 100000);
    uint32_t flight = peer_path(p, 0).in_flight_bytes;
    REQUIRE_RANGE(flight, 4404 - PMDCS + 1, 4404 + PMDCS - 1);
    REQUIRE_RANGE(peer_count_packets(p), 3, 4);
    peer_delete(p);
}
END_TEST

/* The next round: everything in flight is acknowledged, packet by packet. Returns the bytes that
 * were in flight. */
static uint32_t acknowledge_round(struct scripted_peer *p, int *tsn) {
    int count = (int)peer_count(p, "DATA *");
    uint32_t flight = peer_path(p, 0).in_flight_bytes;
    peer_discard(p);
    peer_run_for(p, 10 * MS);
    for (int i = 0; i < count; i += 2) {
        int last = i + 2 < count ? i + 2 : count;
        peer_sack(p, *tsn + last - 1, PEER_RWND, "");
    }
    *tsn += count;
    return flight;
}

/* 7.2.1: slow start adds at most what was acknowledged; with a full window it does grow. */
START_TEST(s7_2_1_slow_start) {
    struct scripted_peer *p = established(eager);
    int tsn = 0;
    user_send(p, 0, 900000);
    for (int round = 0; round < 4; round++) {
        uint32_t before = peer_path(p, 0).cwnd_bytes;
        uint32_t flight = acknowledge_round(p, &tsn);
        uint32_t after = peer_path(p, 0).cwnd_bytes;
        REQUIRE(after > before);
        REQUIRE(after - before <= flight);
        REQUIRE(after - before >=
                flight / 3); /* L = 1: a PMDCS for each SACK, here of two packets */
    }
    peer_delete(p);
}
END_TEST

/* 7.2.1: a window that is not fully used does not grow. */
START_TEST(s7_2_1_no_growth_when_not_used) {
    struct scripted_peer *p = established(eager);
    for (int tsn = 0; tsn < 20; tsn++) {
        user_send(p, 0, 100);
        peer_run_for(p, 10 * MS);
        peer_sack(p, tsn, PEER_RWND, "");
        peer_discard(p);
    }
    REQUIRE_EQ(peer_path(p, 0).cwnd_bytes, 4404);
    peer_delete(p);
}
END_TEST

/* 7.2.2: above ssthresh, one PMDCS for each round trip and not more. */
START_TEST(s7_2_2_congestion_avoidance) {
    struct scripted_peer *p = established(eager);
    int tsn = 0;
    user_send(p, 0, 1000000);
    peer_discard(p);
    peer_run_for(p, SECOND); /* T3-rtx: ssthresh = 4 PMDCS, cwnd = PMDCS */
    REQUIRE_EQ(peer_path(p, 0).ssthresh_bytes, 4 * PMDCS);
    int last = (int)peer_status(p).unacknowledged_chunks;
    peer_discard(p);
    peer_sack(p, last - 1, PEER_RWND, "");
    tsn = last;
    for (int round = 0; round < 20 && peer_path(p, 0).cwnd_bytes <= 4 * PMDCS; round++)
        acknowledge_round(p, &tsn);
    uint32_t start = peer_path(p, 0).cwnd_bytes;
    REQUIRE(start > 4 * PMDCS && start <= 7 * PMDCS);
    for (int round = 0; round < 10; round++) {
        uint32_t before = peer_path(p, 0).cwnd_bytes;
        acknowledge_round(p, &tsn);
        REQUIRE_RANGE(peer_path(p, 0).cwnd_bytes, before, before + PMDCS);
    }
    REQUIRE_RANGE(peer_path(p, 0).cwnd_bytes, start + 7 * PMDCS, start + 10 * PMDCS);
    peer_delete(p);
}
END_TEST

static int grow(struct scripted_peer *p, uint32_t bytes) {
    int tsn = 0;
    for (int i = 0; i < 400; i++) {
        if (peer_path(p, 0).cwnd_bytes < bytes && peer_status(p).unsent_bytes < 100000)
            user_send(p, 0, 200000);
        if (peer_status(p).unacknowledged_chunks + peer_status(p).unsent_bytes == 0)
            break;
        acknowledge_round(p, &tsn);
    }
    REQUIRE(peer_path(p, 0).cwnd_bytes >= bytes);
    peer_discard(p);
    return tsn;
}

/* 7.2.1: without transmission cwnd decays to max(cwnd / 2, 4 * PMDCS) once per RTO; ssthresh
 * remembers it. */
START_TEST(s7_2_1_idle_window_decays) {
    struct scripted_peer *p = established(eager);
    grow(p, 40 * PMDCS);
    uint32_t before = peer_path(p, 0).cwnd_bytes;
    peer_run_for(p, 20 * peer_path(p, 0).rto_us);
    user_send(p, 0, 10);
    REQUIRE_EQ(peer_path(p, 0).cwnd_bytes, 4 * PMDCS);
    REQUIRE_EQ(peer_path(p, 0).ssthresh_bytes, before);
    peer_delete(p);
}
END_TEST

/* One RTO of idleness halves it once. */
START_TEST(s7_2_1_idle_window_halves_once_per_rto) {
    struct scripted_peer *p = established(eager);
    grow(p, 40 * PMDCS);
    uint32_t before = peer_path(p, 0).cwnd_bytes;
    uint64_t rto = peer_path(p, 0).rto_us;
    peer_run_for(p, rto + rto / 2);
    user_send(p, 0, 10);
    REQUIRE_RANGE(peer_path(p, 0).cwnd_bytes, before / 2, before / 2 + 1);
    peer_delete(p);
}
END_TEST

static void burst_4(struct usctp_config *config) {
    eager(config);
    config->max_burst = 4;
}

/* 6.1 D: with nothing acknowledged just now, not more than Max.Burst packets at once, though cwnd
 * allows more. */
START_TEST(s6_1_d_max_burst) {
    struct scripted_peer *p = established(burst_4);
    int tsn = grow(p, 40 * PMDCS);
    (void)tsn;
    peer_run_for(p, 10 * MS);
    user_send(p, 0, 60000);
    REQUIRE_RANGE(peer_count_packets(p), 1, 4);
    peer_delete(p);
}
END_TEST

/* A SACK lets what it acknowledged plus Max.Burst packets out, not the whole window. */
START_TEST(s6_1_d_max_burst_after_a_sack) {
    struct scripted_peer *p = established(burst_4);
    int tsn = grow(p, 40 * PMDCS);
    peer_run_for(p, 10 * MS);
    user_send(p, 0, 100000);
    REQUIRE(peer_count_packets(p) >= 2);
    peer_discard(p);
    peer_sack(p, tsn + 1, PEER_RWND, "");
    REQUIRE_RANGE(peer_count_packets(p), 1, 6);
    peer_delete(p);
}
END_TEST

/* A SACK that finds nothing to send leaves its credit to a user who comes at once, not to one who
 * comes later. */
START_TEST(s6_1_d_credit_waits_for_a_moment) {
    const uint64_t waits_us[] = {0, 500, 3000};
    for (size_t i = 0; i < sizeof waits_us / sizeof waits_us[0]; i++) {
        struct scripted_peer *p = established(burst_4);
        int tsn = grow(p, 40 * PMDCS);
        peer_run_for(p, 10 * MS);
        for (int k = 0; k < 5; k++)
            user_send(p, 0, 2 * (PMDCS - 16));
        peer_sack(p, tsn + 9, PEER_RWND, "");
        peer_discard(p);
        peer_run_for(p, waits_us[i]);
        user_send(p, 0, 60000);
        if (waits_us[i] > 1000)
            REQUIRE_RANGE(peer_count_packets(p), 1, 4);
        else
            REQUIRE_RANGE(peer_count_packets(p), 10, 14); /* what was acknowledged, and Max.Burst */
        peer_discard(p);
        user_send(p, 0, 60000);
        REQUIRE_RANGE(peer_count_packets(p), 1, 4); /* it was used */
        peer_delete(p);
    }
}
END_TEST

/* Queues a message, and asks for no output. */
static void queue(struct scripted_peer *p, size_t bytes) {
    static const uint8_t payload[60000];
    const struct usctp_send send = {.sid = 0};
    const struct usctp_slice slice = {(void *)(uintptr_t)payload, bytes};
    REQUIRE_EQ(usctp_assoc_send(p->engine, p->assoc, &send, &slice, 1, p->now_us), 0);
}

/* Messages that wait for each other have the bursts that they would have had one by one; none waits
 * while little is under way. */
START_TEST(s6_1_d_waiting_messages_keep_their_bursts) {
    struct scripted_peer *p = established(burst_4);
    (void)grow(p, 60 * PMDCS);
    peer_run_for(p, 10 * MS);
    queue(p, 100);
    REQUIRE(!usctp_assoc_may_wait(p->engine, p->assoc, 64000));
    peer_pump(p);
    for (int i = 0; i < 40 && peer_path(p, 0).in_flight_bytes < 24 * PMDCS; i++)
        user_send(p, 0, 2 * PMDCS);
    REQUIRE(!usctp_assoc_may_wait(p->engine, p->assoc, 64000)); /* nothing does */
    peer_discard(p);
    queue(p, 5000);
    REQUIRE(usctp_assoc_may_wait(p->engine, p->assoc, 64000));
    queue(p, 5000);
    REQUIRE(!usctp_assoc_may_wait(p->engine, p->assoc, 10000));
    REQUIRE(usctp_assoc_may_wait(p->engine, p->assoc, 64000));
    peer_pump(p);
    REQUIRE_RANGE(peer_count_packets(p), 6, 8); /* all, and more than one burst */
    REQUIRE_EQ(peer_status(p).unsent_bytes, 0);
    peer_discard(p);
    user_send(p, 0, 60000);
    REQUIRE_RANGE(peer_count_packets(p), 1, 4);
    REQUIRE(!usctp_assoc_may_wait(p->engine, p->assoc + 1, 64000));
    peer_delete(p);
}
END_TEST

/* 6.1, 7: two engines over a link with a bottleneck: the window finds its size, and all data
   arrives. Nothing is ever sent that 6.1 B forbids: scenario tests above; this one looks at both
   ends of a long transfer. */
START_TEST(s7_2_in_flight_never_exceeds_the_window) {
    struct scripted_peer *p = established(eager);
    int tsn = 0;
    user_send(p, 0, 1000000);
    for (int i = 0; i < 600 && peer_status(p).unsent_bytes > 0; i++) {
        struct usctp_path_status path = peer_path(p, 0);
        REQUIRE(path.in_flight_bytes < path.cwnd_bytes + PMDCS);
        REQUIRE_EQ(path.in_flight_bytes, peer_status(p).in_flight_bytes);
        acknowledge_round(p, &tsn);
    }
    REQUIRE_EQ(peer_status(p).unsent_bytes, 0);
    peer_delete(p);
}
END_TEST

/* 7.2.1: slow start also while cwnd equals ssthresh. */
START_TEST(s7_2_1_slow_start_up_to_ssthresh) {
    struct scripted_peer *p = established(eager);
    user_send(p, 0, 900000);
    peer_discard(p);
    peer_run_for(p, SECOND); /* T3-rtx: ssthresh = 4 PMDCS, cwnd = PMDCS */
    int tsn = (int)peer_status(p).unacknowledged_chunks;
    peer_discard(p);
    peer_sack(p, tsn - 1, PEER_RWND, "");
    for (int i = 0; i < 20 && peer_path(p, 0).cwnd_bytes < 4 * PMDCS; i++) {
        peer_run_for(p, 10 * MS);
        peer_sack(p, tsn, PEER_RWND, ""); /* one chunk at a time: one PMDCS at a time */
        tsn++;
    }
    REQUIRE_EQ(peer_path(p, 0).cwnd_bytes, 4 * PMDCS);
    REQUIRE_EQ(peer_path(p, 0).ssthresh_bytes, 4 * PMDCS);
    REQUIRE(peer_path(p, 0).in_flight_bytes >= 4 * PMDCS);
    peer_run_for(p, 10 * MS);
    peer_sack(p, tsn++, PEER_RWND, "");
    REQUIRE_EQ(peer_path(p, 0).cwnd_bytes, 5 * PMDCS);
    peer_run_for(p, 10 * MS);
    peer_sack(p, tsn++, PEER_RWND, ""); /* now congestion avoidance: nothing for one chunk */
    REQUIRE_EQ(peer_path(p, 0).cwnd_bytes, 5 * PMDCS);
    peer_delete(p);
}
END_TEST

RUN_TESTS("congestion control (RFC 9260 7.2)", s7_2_1_initial_window, s6_1_b_window_is_respected,
          s7_2_1_slow_start, s7_2_1_no_growth_when_not_used, s7_2_2_congestion_avoidance,
          s7_2_1_idle_window_decays, s7_2_1_idle_window_halves_once_per_rto, s6_1_d_max_burst,
          s6_1_d_max_burst_after_a_sack, s6_1_d_credit_waits_for_a_moment,
          s6_1_d_waiting_messages_keep_their_bursts, s7_2_in_flight_never_exceeds_the_window,
          s7_2_1_slow_start_up_to_ssthresh)
