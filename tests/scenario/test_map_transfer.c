/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rules of RFC 9260 that docs/rfc-map.md found untested: sending and acknowledging (6.1, 6.2, 6.3,
 * 6.9) and congestion control (7.2).
 */
#include "support/configs.h"
#include "support/run_tests.h"
#include "support/scripted_peer.h"

#define PMDCS     1468u /* 1500 - 20 - 12 */
#define PEER_RWND 1000000u

static struct scripted_peer *open_with_window(uint32_t rwnd) {
    struct scripted_peer *p = PEER(.configure = eager, .rwnd = rwnd);
    peer_open_active(p);
    return p;
}

/* 6.1 A: "Zero window probing does not affect the calculation of cwnd." */
START_TEST(s6_1_a_probes_leave_the_window_alone) {
    struct scripted_peer *p = open_with_window(1500);
    user_send(p, 0, 1000);
    peer_sack(p, 0, 0, "");
    struct usctp_path_status before = peer_path(p, 0);
    user_send(p, 0, 700);
    peer_discard(p);
    for (int i = 0; i < 6; i++) {
        peer_wait(p, "DATA tsn=1 *", 61 * SECOND);
        peer_sack(p, 0, 0, "");
        REQUIRE_EQ(peer_path(p, 0).cwnd_bytes, before.cwnd_bytes);
        REQUIRE_EQ(peer_path(p, 0).ssthresh_bytes, before.ssthresh_bytes);
    }
    peer_delete(p);
}
END_TEST

/* 6.1, RFC 1122 4.2.3.4: a window that opens by little is not used bit by bit. */
START_TEST(s6_1_sender_avoids_the_silly_window) {
    struct scripted_peer *p = open_with_window(20000);
    user_send(p, 0, 30000);
    int tsn = (int)peer_count(p, "DATA *");
    REQUIRE(tsn > 0);
    peer_discard(p);
    for (uint32_t window = 50; window < 1400; window += 150) {
        peer_sack(p, tsn - 1, window, "");
        peer_expect_nothing(p);
    }
    peer_sack(p, tsn - 1, 1452, ""); /* room for a chunk as large as they come */
    peer_take(p, "DATA * len=1452");
    peer_delete(p);
}
END_TEST

/* 6.1, 7.2.4 (4): T3-rtx starts anew when the earliest outstanding chunk is sent again, and not
 * when another one is. */
START_TEST(s6_1_t3_restarts_with_the_earliest) {
    struct scripted_peer *p = open_with_window(PEER_RWND);
    for (int i = 0; i < 7; i++)
        user_send(p, 0, 100);
    uint64_t start = p->now_us;
    peer_discard(p);
    peer_run_for(p, 600 * MS);
    peer_sack(p, -1, PEER_RWND, "2-2");
    peer_sack(p, -1, PEER_RWND, "2-2 4-4");
    peer_sack(p, -1, PEER_RWND, "2-2 4-5"); /* TSN 0: third miss; TSN 2: second */
    peer_take(p, "DATA tsn=0 *");
    uint64_t rto = peer_path(p, 0).rto_us, again = p->now_us;
    peer_run_for(p, 100 * MS);
    peer_sack(p, -1, PEER_RWND, "2-2 4-6"); /* TSN 2: third */
    peer_take(p, "DATA tsn=2 *");
    peer_expect_nothing(p);
    peer_wait(p, "DATA tsn=0 *", 100 * SECOND);
    REQUIRE_EQ(p->took_us, again + rto);
    REQUIRE(again == start + 600 * MS);
    peer_delete(p);
}
END_TEST

static void bundling(struct usctp_config *config) {
    eager(config);
    config->nodelay = 0;
    config->send_buffer_bytes = 16000000;
}

/* 6.1: "the data sender MUST NOT have more than 2^16 - 1 ordered user messages in the current send
 * window" of a stream: their SSNs would be ambiguous. */
START_TEST(s6_1_65535_messages_of_a_stream) {
    enum { MESSAGES = 80000, ROOM = 10000000 };
    struct scripted_peer *p = PEER(.configure = bundling, .rwnd = ROOM, .mtu = 9000);
    int tsn = 0;
    peer_open_active(p);
    while (peer_path(p, 0).cwnd_bytes < 20 * MESSAGES) {
        if (peer_status(p).unsent_bytes < 200000)
            user_send(p, 1, 800000);
        peer_sack(p, tsn++, ROOM, "");
        peer_discard(p);
    }
    while (peer_status(p).unacknowledged_chunks > 0) {
        tsn += (int)peer_status(p).unacknowledged_chunks;
        peer_sack(p, tsn - 1, ROOM, "");
    }
    peer_discard(p);
    for (int i = 0; i < MESSAGES; i++) {
        user_send(p, 0, 1);
        if (i % 1000 == 0)
            peer_discard(p);
    }
    REQUIRE_EQ(peer_status(p).unacknowledged_chunks, 65535);
    REQUIRE(peer_path(p, 0).in_flight_bytes < peer_path(p, 0).cwnd_bytes);
    peer_discard(p);
    peer_sack(p, tsn, ROOM, ""); /* one has gone, one may follow */
    REQUIRE_EQ(peer_count(p, "DATA *"), 1);
    REQUIRE_EQ(peer_status(p).unacknowledged_chunks, 65535);
    peer_delete(p);
}
END_TEST

/* 6.1, 6.9: a SACK is owed and the next message fills a packet by itself: both go out, each packet
 * within the PMTU. */
START_TEST(s6_9_room_for_the_sack) {
    for (size_t bytes = 1400; bytes <= 1460; bytes += 4) {
        struct scripted_peer *p = PEER(.configure = quiet);
        peer_open_passive(p);
        peer_data(p, 0, 0, 0, BIT_BE, 10);
        peer_discard(p);
        peer_data(p, 1, 0, 1, BIT_BE, 10);
        user_send(p, 0, bytes);
        peer_take(p, "SACK cum=1 *");
        REQUIRE(p->took_packet.length <= 1480);
        size_t sent = 0;
        while (peer_take_if(p, "DATA *")) {
            sent += p->took.value_bytes - 12;
            REQUIRE(p->took_packet.length <= 1480);
        }
        REQUIRE_EQ(sent, bytes);
        peer_delete(p);
    }
}
END_TEST

/* 6.2, 6.7: as many blocks as fit, also where much does. */
START_TEST(s6_7_gap_blocks_fill_a_large_packet) {
    enum { GAPS = 2300, FIT = (9000 - 20 - 12 - 16) / 4 };
    struct scripted_peer *p = PEER(.configure = quiet, .mtu = 9000);
    peer_open_passive(p);
    for (int i = 0; i < GAPS; i++) {
        peer_discard(p);
        peer_data(p, 2 + 2 * i, 0, 0, BIT_BE | BIT_U, 4);
    }
    REQUIRE_EQ(peer_count_packets(p), 1);
    peer_take(p, "SACK *");
    REQUIRE_EQ(p->took.gap_count, FIT);
    peer_delete(p);
}
END_TEST

/* 6.10, 9.2: SHUTDOWN goes with a SACK, and there are more blocks than fit beside it. */
START_TEST(s6_10_shutdown_beside_a_full_sack) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_to_state(p, USCTP_SHUTDOWN_SENT);
    for (int i = 0; i < 400; i++) {
        peer_discard(p);
        peer_data(p, 2 + 2 * i, 0, 0, BIT_BE | BIT_U, 4);
    }
    peer_take(p, "SHUTDOWN *");
    REQUIRE_RANGE(p->took_packet.length, 1400, 1480);
    peer_take(p, "SACK *");
    REQUIRE_RANGE(p->took_packet.length, 1400, 1480);
    peer_delete(p);
}
END_TEST

/* 6.2 C: what waits to be reassembled takes room until it is read. */
START_TEST(s6_2_fragments_are_charged) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_open_passive(p);
    uint32_t rwnd = p->engine_rwnd;
    for (int tsn = 0; tsn < 10; tsn++) {
        peer_data(p, tsn, 0, 0, tsn == 0 ? BIT_B | BIT_I : BIT_I, 1000);
        peer_take(p, "SACK *");
        REQUIRE(p->took.rwnd + 1000 <= rwnd);
        rwnd = p->took.rwnd;
        user_expect_nothing(p);
    }
    peer_run_for(p, 10 * SECOND);
    peer_expect_nothing(p);
    peer_data(p, 10, 0, 0, BIT_E | BIT_I, 1000);
    peer_take(p, "SACK *");
    REQUIRE(p->took.rwnd + 1000 <= rwnd); /* whole, but not read */
    peer_delete(p);
}
END_TEST

/* 6.3.1 C4: of chunks sent together the first that is acknowledged is measured, the others are not.
 */
START_TEST(s6_3_1_c4_one_measurement_a_round_trip) {
    struct scripted_peer *p = open_with_window(PEER_RWND);
    for (int i = 0; i < 3; i++)
        user_send(p, 0, 100);
    uint64_t before = peer_path(p, 0).srtt_us;
    peer_run_for(p, 400 * MS);
    peer_sack(p, 0, PEER_RWND, "");
    uint64_t measured = peer_path(p, 0).srtt_us;
    REQUIRE(measured != before);
    peer_run_for(p, 300 * MS);
    peer_sack(p, 1, PEER_RWND, "");
    peer_sack(p, 2, PEER_RWND, "");
    REQUIRE_EQ(peer_path(p, 0).srtt_us, measured);
    user_send(p, 0, 100); /* the next round */
    peer_run_for(p, 10 * MS);
    peer_sack(p, 3, PEER_RWND, "");
    REQUIRE(peer_path(p, 0).srtt_us < measured);
    peer_delete(p);
}
END_TEST

static void slow_timer(struct usctp_config *config) {
    eager(config);
    config->rto_initial_us = config->rto_min_us = 20 * SECOND;
}

/* 6.3.2 R2: with nothing outstanding T3-rtx does not run: it does not expire unseen either. The
 * RTO is so long that its deadline is still to come when the engine has no other one: memory is
 * given back within seconds after the last DATA. */
START_TEST(s6_3_2_r2_timer_is_off) {
    struct scripted_peer *p = PEER(.configure = slow_timer, .rwnd = PEER_RWND);
    peer_open_active(p);
    user_send(p, 0, 100);
    uint64_t rto = peer_path(p, 0).rto_us, expiry = p->now_us + rto;
    REQUIRE_EQ(rto, 20 * SECOND);
    peer_run_for(p, 10 * MS);
    peer_sack(p, 0, PEER_RWND, "");
    peer_run_for(p, 5 * SECOND);
    REQUIRE(p->now_us + 10 * SECOND < expiry);
    REQUIRE(usctp_engine_next_deadline(p->engine) > p->now_us + 60 * SECOND);
    peer_run_for(p, 60 * SECOND);
    REQUIRE_EQ(peer_path(p, 0).rto_us, rto);
    peer_delete(p);
}
END_TEST

/* 7.2.1: ssthresh is arbitrarily high at first: a peer with a small window now may have a large one
 * later, and 7.1 wants slow start at the first transmission. */
START_TEST(s7_2_1_slow_start_whatever_the_peers_window) {
    static const uint32_t windows[] = {1500, 10000, PEER_RWND};
    for (size_t i = 0; i < sizeof windows / sizeof windows[0]; i++) {
        struct scripted_peer *p = PEER(.configure = eager, .rwnd = windows[i], .paths = 2);
        peer_open_active(p);
        for (unsigned path = 0; path < 2; path++)
            REQUIRE(peer_path(p, path).ssthresh_bytes >= 0x40000000);
        peer_delete(p);
    }
}
END_TEST

/* 7.2: "a set of the control variables ... for EACH destination address" */
START_TEST(s7_2_windows_are_each_paths_own) {
    struct scripted_peer *p =
        PEER(.configure = eager, .rwnd = PEER_RWND, .paths = 2, .connect_to_all = true);
    peer_open_active(p);
    struct usctp_path_status fresh = peer_path(p, 1);
    user_send(p, 0, 1000);
    peer_run_for(p, SECOND); /* T3-rtx on path 0; sent again on path 1 */
    REQUIRE_EQ(peer_path(p, 0).cwnd_bytes, PMDCS);
    REQUIRE_EQ(peer_path(p, 1).cwnd_bytes, fresh.cwnd_bytes);
    REQUIRE_EQ(peer_path(p, 1).ssthresh_bytes, fresh.ssthresh_bytes);
    peer_sack_on(p, 1, 0, PEER_RWND, "");
    user_send(p, 0, 100000); /* fills path 1's window */
    struct usctp_path_status idle = peer_path(p, 0), busy = peer_path(p, 1);
    REQUIRE(busy.in_flight_bytes >= busy.cwnd_bytes && idle.in_flight_bytes == 0);
    peer_sack_on(p, 1, 2, PEER_RWND, "");
    REQUIRE_EQ(peer_path(p, 1).cwnd_bytes, busy.cwnd_bytes + PMDCS);
    REQUIRE_EQ(peer_path(p, 0).cwnd_bytes, idle.cwnd_bytes);
    REQUIRE_EQ(peer_path(p, 0).ssthresh_bytes, idle.ssthresh_bytes);
    peer_delete(p);
}
END_TEST

/* Slow start up to a window of at least `bytes`; the queue is never empty. Returns the lowest TSN
 * in flight. */
static int grow(struct scripted_peer *p, uint32_t bytes) {
    int tsn = 0;
    for (int round = 0; round < 1000 && peer_path(p, 0).cwnd_bytes < bytes; round++) {
        if (peer_status(p).unsent_bytes < 100000)
            user_send(p, 0, 145200);
        tsn++;
        peer_sack(p, tsn - 1, PEER_RWND, "");
        peer_discard(p);
    }
    REQUIRE(peer_path(p, 0).cwnd_bytes >= bytes);
    return tsn;
}

/* 7.2.4: the SACK with the third miss also acknowledges and advances: first the window grows by
 * that, then it is halved. */
START_TEST(s7_2_4_growth_before_the_reduction) {
    struct scripted_peer *p = open_with_window(PEER_RWND);
    user_send(p, 0, 145200);
    int t = grow(p, 20 * PMDCS); /* t is late, t + 2 is lost */
    peer_sack(p, t - 1, PEER_RWND, "2-2 4-4");
    peer_sack(p, t - 1, PEER_RWND, "2-2 4-5");
    uint32_t before = peer_path(p, 0).cwnd_bytes;
    REQUIRE(peer_path(p, 0).in_flight_bytes >= before);
    peer_sack(p, t + 1, PEER_RWND, "2-4");
    REQUIRE_EQ(peer_status(p).counters.fast_retransmits, 1);
    REQUIRE_EQ(peer_path(p, 0).cwnd_bytes, (before + PMDCS) / 2);
    REQUIRE_EQ(peer_path(p, 0).ssthresh_bytes, (before + PMDCS) / 2);
    peer_delete(p);
}
END_TEST

RUN_TESTS("transfer, by the map (RFC 9260 6, 7)", s6_1_a_probes_leave_the_window_alone,
          s6_1_sender_avoids_the_silly_window, s6_1_t3_restarts_with_the_earliest,
          s6_1_65535_messages_of_a_stream, s6_9_room_for_the_sack,
          s6_7_gap_blocks_fill_a_large_packet, s6_10_shutdown_beside_a_full_sack,
          s6_2_fragments_are_charged, s6_3_1_c4_one_measurement_a_round_trip,
          s6_3_2_r2_timer_is_off, s7_2_1_slow_start_whatever_the_peers_window,
          s7_2_windows_are_each_paths_own, s7_2_4_growth_before_the_reduction)
