/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RFC 9260 6.4, 6.4.1, 8.1, 8.2 and RFC 7829: two paths, of which one fails: retransmission on the
 * other, error counters, potentially failed, inactive, failover, return.
 */
#include "support/configs.h"
#include "support/run_tests.h"
#include "support/scripted_peer.h"
#include "support/two_hosts.h"

#define PEER_RWND 131072u

static void eager_hb(struct usctp_config *config) {
    config->nodelay = 1;
    config->max_burst = 1024;
}

static void without_pf(struct usctp_config *config) {
    eager_hb(config);
    config->pf_enabled = 0;
}

static struct scripted_peer *two_paths(void (*configure)(struct usctp_config *)) {
    struct scripted_peer *p = PEER(.configure = configure, .paths = 2, .connect_to_all = true,
                                   .subscribe = USCTP_NOTIFY_PATH_CHANGE);
    peer_open_active(p);
    return p;
}

/* 6.4, 6.3.3 E4: what times out on one path is retransmitted on the other, with that one's timer.
 */
START_TEST(s6_4_retransmission_on_the_other_path) {
    struct scripted_peer *p = two_paths(eager_hb);
    user_send(p, 0, 100);
    peer_take(p, "DATA tsn=0 *");
    REQUIRE_EQ(p->took_path, 0);
    uint64_t at = p->took_us;
    p->cut[0] = true;
    peer_wait(p, "DATA tsn=0 *", 2 * SECOND);
    REQUIRE_EQ(p->took_us, at + SECOND);
    REQUIRE_EQ(p->took_path, 1);
    REQUIRE_EQ(peer_path(p, 0).in_flight_bytes, 0); /* 6.4: the counts follow the chunk */
    REQUIRE_EQ(peer_path(p, 1).in_flight_bytes, 116);
    REQUIRE_EQ(peer_path(p, 0).error_count, 1);
    REQUIRE_EQ(peer_path(p, 1).error_count, 0);
    REQUIRE_EQ(peer_path(p, 0).rto_us, 2 * SECOND);
    REQUIRE_EQ(peer_path(p, 1).rto_us, SECOND);
    REQUIRE_EQ(peer_path(p, 0).retransmitted_chunks + peer_path(p, 1).retransmitted_chunks, 1);
    peer_sack_on(p, 1, 0, PEER_RWND, "");
    REQUIRE_EQ(peer_status(p).unacknowledged_chunks, 0);
    peer_delete(p);
}
END_TEST

/* RFC 7829 3.2 2, 3: one timeout: potentially failed; new data takes the other path; heartbeats
 * each RTO. */
START_TEST(rfc7829_potentially_failed) {
    struct scripted_peer *p = two_paths(eager_hb);
    p->cut[0] = true;
    user_send(p, 0, 100);
    peer_wait(p, "DATA tsn=0 *", 2 * SECOND);
    peer_wait(p, "DATA tsn=0 *", 2 * SECOND);
    REQUIRE_EQ(p->took_path, 1);
    REQUIRE_EQ(peer_path(p, 0).state, USCTP_PATH_STATE_PF);
    user_expect_notification(p, USCTP_NOTIFY_PATH_CHANGE, USCTP_PATH_POTENTIALLY_FAILED);
    peer_sack_on(p, 1, 0, PEER_RWND, "");
    for (int tsn = 1; tsn < 5; tsn++) {
        user_send(p, 0, 100);
        peer_take(p, "DATA *");
        REQUIRE_EQ(p->took_path, 1);
        peer_sack_on(p, 1, tsn, PEER_RWND, "");
    }
    REQUIRE(peer_status(p).counters.failovers >= 1);
    /* 9: the acknowledgement of what was sent on both paths says nothing about the first */
    REQUIRE_EQ(peer_path(p, 0).state, USCTP_PATH_STATE_PF);
    REQUIRE_EQ(peer_path(p, 0).error_count, 1);
    peer_delete(p);
}
END_TEST

/* RFC 7829 3.2 6, 8: heartbeats at once and then at each timeout; after PMR more, inactive, and
 * heartbeats become rare. */
START_TEST(rfc7829_from_pf_to_inactive) {
    struct scripted_peer *p = PEER(.configure = eager_hb, .paths = 2, .connect_to_all = true,
                                   .hold_heartbeats = true, .subscribe = USCTP_NOTIFY_PATH_CHANGE);
    peer_open_active(p);
    user_send(p, 0, 100);
    peer_wait(p, "DATA tsn=0 *", SECOND);
    peer_wait(p, "DATA tsn=0 *", 2 * SECOND);
    peer_sack_on(p, 1, 0, PEER_RWND, "");
    uint64_t last = 0;
    unsigned heartbeats = 0;
    while (peer_path(p, 0).state == USCTP_PATH_STATE_PF && heartbeats < 20) {
        peer_run_for(p, 100 * MS);
        while (peer_take_if(p, "HEARTBEAT *")) {
            if (p->took_path != 0)
                continue;
            if (last != 0)
                REQUIRE(p->took_us - last <=
                        90 * SECOND); /* no HB.interval, only the (doubled) RTO with its jitter */
            last = p->took_us;
            heartbeats++;
        }
    }
    REQUIRE_EQ(peer_path(p, 0).state, USCTP_PATH_STATE_INACTIVE);
    REQUIRE_EQ(peer_path(p, 0).error_count, 6); /* Path.Max.Retrans is 5 */
    REQUIRE_RANGE(heartbeats, 4, 6);
    user_expect_notification(p, USCTP_NOTIFY_PATH_CHANGE, USCTP_PATH_UNREACHABLE);
    require_state(
        p,
        USCTP_ESTABLISHED); /* 8.1: heartbeats of an idle path do not count for the association */
    peer_delete(p);
}
END_TEST

/* RFC 7829 3.2 7, RFC 9260 8.3: a HEARTBEAT ACK brings the path back, and the data with it. */
START_TEST(s8_3_return_to_the_primary_path) {
    struct scripted_peer *p = two_paths(eager_hb);
    p->cut[0] = true;
    int tsn = 0;
    user_send(p, 0, 100);
    peer_run_for(p, 3 * SECOND);
    peer_sack_on(p, 1, tsn++, PEER_RWND, "");
    peer_run_for(p, 200 * SECOND);
    REQUIRE_EQ(peer_path(p, 0).state, USCTP_PATH_STATE_INACTIVE);
    peer_discard(p);
    user_send(p, 0, 100);
    peer_take(p, "DATA *");
    REQUIRE_EQ(p->took_path, 1);
    peer_sack_on(p, 1, tsn++, PEER_RWND, "");
    p->cut[0] = false;
    peer_run_for(p, 200 * SECOND);
    REQUIRE_EQ(peer_path(p, 0).state, USCTP_PATH_STATE_ACTIVE);
    REQUIRE_EQ(peer_path(p, 0).error_count, 0);
    user_expect_notification(p, USCTP_NOTIFY_PATH_CHANGE, USCTP_PATH_AVAILABLE);
    user_send(p, 0, 100);
    peer_take(p, "DATA *");
    REQUIRE_EQ(p->took_path, 0);
    REQUIRE(peer_status(p).counters.returns >= 1);
    peer_delete(p);
}
END_TEST

/* RFC 7829 3.2 10: the acknowledgement of what went to this path alone brings it back from PF. */
START_TEST(rfc7829_spurious_timeout) {
    struct scripted_peer *p =
        PEER(.configure = eager_hb, .paths = 2, .connect_to_all = true, .hold_heartbeats = true);
    peer_open_active(p);
    for (int i = 0; i < 3; i++)
        user_send(p, 0, 1400);
    peer_run_for(p, SECOND); /* T3-rtx: TSN 0 goes to path 1; the others are marked */
    REQUIRE(peer_path(p, 0).error_count >= 1);
    peer_discard(p);
    peer_sack(p, -1, PEER_RWND, "3-3"); /* TSN 2, sent to path 0 only */
    struct usctp_path_status path = peer_path(p, 0);
    if (path.error_count != 0) /* unless it was sent again meanwhile */
        REQUIRE(peer_path(p, 1).data_chunks_out >= 2);
    peer_delete(p);
}
END_TEST

/* RFC 7829 5 (10), as we read it: what arrived before a path was cut both ways, and is acknowledged
 * on the alternate after T3-rtx, does not bring the path back; an acknowledgement on the path does.
 */
START_TEST(rfc7829_late_word_on_the_other_path) {
    struct scripted_peer *p =
        PEER(.configure = eager_hb, .paths = 2, .connect_to_all = true, .hold_heartbeats = true);
    char gaps[40];
    int acked = -1;
    peer_open_active(p);
    for (int i = 0; i < 200; i++)
        user_send(p, 0, 1400);
    for (int i = 0; i < 6; i++) { /* a window larger than the other path's */
        peer_discard(p);
        acked = (int)peer_path(p, 0).data_chunks_out - 1;
        peer_sack(p, acked, PEER_RWND, "");
    }
    peer_discard(p);
    int last = (int)peer_path(p, 0).data_chunks_out - 1;
    peer_run_for(p, 1100 * MS); /* T3-rtx: some go to path 1, the last is marked and waits */
    REQUIRE_EQ(peer_path(p, 0).state, USCTP_PATH_STATE_PF);
    REQUIRE(acked + 1 + (int)peer_path(p, 1).data_chunks_out < last - 1);
    peer_discard(p);
    snprintf(gaps, sizeof gaps, "%d-%d", last - acked, last - acked);
    peer_sack_on(p, 1, acked, PEER_RWND, gaps);
    REQUIRE_EQ(peer_path(p, 0).state, USCTP_PATH_STATE_PF);
    snprintf(gaps, sizeof gaps, "%d-%d", last - acked - 1, last - acked);
    peer_sack_on(p, 0, acked, PEER_RWND, gaps);
    REQUIRE_EQ(peer_path(p, 0).state, USCTP_PATH_STATE_ACTIVE);
    REQUIRE_EQ(peer_path(p, 0).error_count, 0);
    peer_delete(p);
}
END_TEST

/* 8.2 without RFC 7829: the primary path is used until its counter exceeds Path.Max.Retrans. */
START_TEST(s8_2_inactive_after_path_max_retrans) {
    struct scripted_peer *p = two_paths(without_pf);
    p->cut[0] = true;
    int tsn = 0;
    unsigned on_primary = 0;
    for (int i = 0; i < 12 && peer_path(p, 0).state == USCTP_PATH_STATE_ACTIVE; i++) {
        char pattern[40];
        snprintf(pattern, sizeof pattern, "DATA tsn=%d *", tsn);
        user_send(p, 0, 100);
        peer_take(p, pattern);
        on_primary += p->took_path == 0;
        peer_wait(p, pattern, 70 * SECOND);
        REQUIRE_EQ(p->took_path, 1);
        peer_sack_on(p, 1, tsn++, PEER_RWND, "");
        peer_discard(p);
    }
    REQUIRE_EQ(peer_path(p, 0).state, USCTP_PATH_STATE_INACTIVE);
    REQUIRE_RANGE(on_primary, 4, 6); /* heartbeats may have counted too */
    REQUIRE(peer_path(p, 0).error_count > 5);
    user_expect_notification(p, USCTP_NOTIFY_PATH_CHANGE, USCTP_PATH_UNREACHABLE);
    user_send(p, 0, 100);
    peer_take(p, "DATA *");
    REQUIRE_EQ(p->took_path, 1);
    require_state(p, USCTP_ESTABLISHED);
    peer_delete(p);
}
END_TEST

/* 8.1: both paths dead: the association fails when its own counter exceeds Association.Max.Retrans.
 */
START_TEST(s8_1_both_paths_dead) {
    struct scripted_peer *p = two_paths(eager_hb);
    p->cut[0] = p->cut[1] = true;
    user_send(p, 0, 100);
    peer_run_for(p, 1500 * SECOND);
    require_closed(p, USCTP_ERR_UNREACHABLE);
    size_t sent = peer_count(p, "DATA tsn=0 *");
    REQUIRE_RANGE(sent, 3, 11);
    peer_delete(p);
}
END_TEST

static void pf_threshold_2(struct usctp_config *config) {
    eager_hb(config);
    config->pf_max_retrans = 2;
}

/* RFC 7829: PotentiallyFailed.Max.Retrans 2: the third timeout. */
START_TEST(rfc7829_pf_threshold) {
    struct scripted_peer *p = two_paths(pf_threshold_2);
    p->cut[0] = true;
    int tsn = 0;
    for (int i = 0; i < 3; i++) {
        REQUIRE_EQ(peer_path(p, 0).state, USCTP_PATH_STATE_ACTIVE);
        char pattern[40];
        snprintf(pattern, sizeof pattern, "DATA tsn=%d *", tsn);
        user_send(p, 0, 100);
        peer_take(p, pattern);
        REQUIRE_EQ(p->took_path, 0);
        peer_wait(p, pattern, 10 * SECOND);
        peer_sack_on(p, 1, tsn++, PEER_RWND, "");
        peer_discard(p);
    }
    REQUIRE_EQ(peer_path(p, 0).state, USCTP_PATH_STATE_PF);
    peer_delete(p);
}
END_TEST

static void switchover_0(struct usctp_config *config) {
    eager_hb(config);
    config->primary_switchover_max_retrans = 0;
}

/* RFC 7829 5: with Primary.Switchover.Max.Retrans exceeded the other path becomes the primary one,
 * and stays it. */
START_TEST(rfc7829_primary_switchover) {
    struct scripted_peer *p = two_paths(switchover_0);
    p->cut[0] = true;
    user_send(p, 0, 100);
    peer_run_for(p, 2 * SECOND);
    peer_sack_on(p, 1, 0, PEER_RWND, "");
    REQUIRE_EQ(peer_status(p).primary_path,
               (uint32_t)usctp_path_find(p->engine, p->assoc, &p->peer_addr[1]));
    p->cut[0] = false;
    peer_run_for(p, 200 * SECOND);
    REQUIRE_EQ(peer_path(p, 0).state, USCTP_PATH_STATE_ACTIVE);
    peer_discard(p);
    user_send(p, 0, 100);
    peer_take(p, "DATA *");
    REQUIRE_EQ(p->took_path, 1);
    peer_delete(p);
}
END_TEST

/* 8.3: the heartbeat counter of an idle path; the association's is not touched. */
START_TEST(s8_3_idle_path_fails_alone) {
    struct scripted_peer *p = two_paths(without_pf);
    p->cut[1] = true;
    peer_run_for(p, 1000 * SECOND);
    REQUIRE_EQ(peer_path(p, 1).state, USCTP_PATH_STATE_INACTIVE);
    REQUIRE_EQ(peer_path(p, 0).state, USCTP_PATH_STATE_ACTIVE);
    require_state(p, USCTP_ESTABLISHED);
    user_expect_notification(p, USCTP_NOTIFY_PATH_CHANGE, USCTP_PATH_UNREACHABLE);
    uint64_t before = peer_path(p, 1).heartbeats_out;
    peer_run_for(p, 1000 * SECOND);
    REQUIRE(peer_path(p, 1).heartbeats_out > before); /* it goes on */
    p->cut[1] = false;
    peer_run_for(p, 100 * SECOND);
    REQUIRE_EQ(peer_path(p, 1).state, USCTP_PATH_STATE_ACTIVE);
    peer_delete(p);
}
END_TEST

/* 8.1: heartbeats on the path that is used do count for the association: an idle peer that is gone
 * is noticed. */
START_TEST(s8_1_idle_association_fails) {
    struct scripted_peer *p = PEER(.configure = eager_hb);
    peer_open_active(p);
    p->cut[0] = true;
    peer_run_for(p, 3000 * SECOND);
    require_closed(p, USCTP_ERR_UNREACHABLE);
    peer_delete(p);
}
END_TEST

/* 5.1: COOKIE ECHO too is retransmitted on another address that may be used. */
START_TEST(s5_1_cookie_echo_on_the_other_path) {
    struct scripted_peer *p = PEER(.configure = quiet, .paths = 2, .connect_to_all = true);
    bool used[2] = {false, false};
    peer_to_state(p, USCTP_COOKIE_ECHOED);
    for (int i = 0; i < 3; i++) {
        peer_wait(p, "COOKIE_ECHO *", 100 * SECOND);
        used[p->took_path] = true;
    }
    REQUIRE(used[0] && used[1]);
    peer_delete(p);
}
END_TEST

/* SHUTDOWN and SHUTDOWN ACK too (9.2: "the rules in Section 6.3 MUST be followed"). */
START_TEST(s9_2_shutdown_on_the_other_path) {
    static const enum usctp_assoc_state states[] = {USCTP_SHUTDOWN_SENT, USCTP_SHUTDOWN_ACK_SENT};
    for (size_t i = 0; i < 2; i++) {
        bool used[2] = {false, false};
        struct scripted_peer *p = PEER(.configure = quiet, .paths = 2, .connect_to_all = true);
        peer_to_state(p, states[i]);
        for (int k = 0; k < 3; k++) {
            peer_wait(p, i == 0 ? "SHUTDOWN *" : "SHUTDOWN_ACK", 100 * SECOND);
            used[p->took_path] = true;
        }
        REQUIRE(used[0] && used[1]);
        peer_delete(p);
    }
}
END_TEST

/* ---- two engines ---- */

static bool all_received(struct two_hosts *t) {
    static uint8_t memory[65536];
    struct usctp_slice slice = {memory, sizeof memory};
    struct usctp_received info;
    uint64_t *total = t->user;
    for (;;) {
        int64_t n = usctp_assoc_receive(t->host[1].engine, t->host[1].assoc, &info, &slice, 1, 0);
        if (n < 0)
            break;
        *total += (uint64_t)n;
    }
    usctp_assoc_received(t->host[1].engine, t->host[1].assoc, t->now_us);
    return *total == 1000000;
}

/* A transfer of 1 MB over the primary path, which is cut in the middle and repaired. */
START_TEST(s6_4_1_failover_and_return) {
    struct two_hosts *t = HOSTS(.paths = 2, .ipv6_paths = 2, .delay_us = 5 * MS);
    static uint8_t bytes[100000];
    uint64_t total = 0;
    t->user = &total;
    hosts_establish(t, false);
    hosts_run_for(t, 5 * SECOND); /* confirmed */
    hosts_set_links(
        t, &(struct simulated_link_options){.delay_us = 5 * MS, .rate_bytes_per_s = 500000});
    for (int i = 0; i < 10; i++) {
        struct usctp_send send = {.sid = 0};
        struct usctp_slice slice = {bytes, sizeof bytes};
        REQUIRE_EQ(
            usctp_assoc_send(t->host[0].engine, t->host[0].assoc, &send, &slice, 1, t->now_us), 0);
    }
    hosts_run_for(t, 500 * MS);
    hosts_cut(t, 0, true);
    hosts_run_for(t, 1500 * MS);
    struct usctp_assoc_status status = host_status(t, 0);
    REQUIRE(status.counters.failovers >= 1);
    REQUIRE(status.data_path != status.primary_path);
    hosts_cut(t, 0, false);
    hosts_run_until(t, all_received, 100 * SECOND);
    hosts_run_for(t, 40 * SECOND);
    status = host_status(t, 0);
    REQUIRE_EQ(status.data_path, status.primary_path);
    REQUIRE(status.counters.returns >= 1);
    REQUIRE(status.counters.t3_expiries >= 1);
    hosts_delete(t);
}
END_TEST

/* An ABORT goes where it may arrive. */
START_TEST(s9_1_abort_on_a_living_path) {
    struct scripted_peer *p = two_paths(eager_hb);
    p->cut[0] = true;
    user_send(p, 0, 100);
    peer_run_for(p, 3 * SECOND);
    peer_sack_on(p, 1, 0, PEER_RWND, "");
    peer_run_for(p, 200 * SECOND);
    REQUIRE_EQ(peer_path(p, 0).state, USCTP_PATH_STATE_INACTIVE);
    peer_discard(p);
    user_abort(p, "over");
    peer_take(p, "ABORT T=0 *");
    REQUIRE_EQ(p->took_path, 1);
    peer_delete(p);
}
END_TEST

/* 6.4: another primary path counts at once, also for what is not DATA, and is told of. */
START_TEST(s6_4_new_primary_without_data) {
    struct scripted_peer *p = two_paths(eager_hb);
    REQUIRE_EQ(peer_status(p).data_path, 0);
    REQUIRE_EQ(peer_path(p, 1).state, USCTP_PATH_STATE_ACTIVE); /* 5.4 rule 1 */
    (void)peer_saw_event(p, USCTP_EVENT_PATH);
    REQUIRE_EQ(usctp_path_set_primary(p->engine, p->assoc, 1, p->now_us), 0);
    peer_pump(p);
    REQUIRE_EQ(peer_status(p).data_path, 1);
    REQUIRE(peer_saw_event(p, USCTP_EVENT_PATH));
    user_shutdown(p);
    peer_take(p, "SHUTDOWN *");
    REQUIRE_EQ(p->took_path, 1);
    peer_delete(p);
}
END_TEST

RUN_TESTS("path failure (RFC 9260 6.4, 8.1, 8.2; RFC 7829)", s6_4_retransmission_on_the_other_path,
          rfc7829_potentially_failed, rfc7829_from_pf_to_inactive, s8_3_return_to_the_primary_path,
          rfc7829_spurious_timeout, rfc7829_late_word_on_the_other_path,
          s8_2_inactive_after_path_max_retrans, s8_1_both_paths_dead, rfc7829_pf_threshold,
          rfc7829_primary_switchover, s8_3_idle_path_fails_alone, s8_1_idle_association_fails,
          s5_1_cookie_echo_on_the_other_path, s9_2_shutdown_on_the_other_path,
          s6_4_1_failover_and_return, s9_1_abort_on_a_living_path, s6_4_new_primary_without_data)
