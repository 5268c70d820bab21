/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rules of RFC 9260 that docs/rfc-map.md found untested: error counters and heartbeats (8.1
 * to 8.3), where replies go (6.4), and how many packets answer one (12.4).
 */
#include "support/configs.h"
#include "support/run_tests.h"
#include "support/scripted_peer.h"

#define PEER_RWND 131072u

/* Heartbeats each second or so, an RTO of a second for ever, no RFC 7829. */
static void steady(struct usctp_config *config) {
    config->rto_max_us = SECOND;
    config->hb_interval_us = SECOND;
    config->pf_enabled = 0;
    config->association_max_retrans = 3;
    config->path_max_retrans = 20;
}

static void run_until_errors(struct scripted_peer *p, uint32_t count) {
    for (int i = 0; i < 1500 && peer_path(p, 0).error_count != count; i++)
        peer_run_for(p, 10 * MS);
    REQUIRE_EQ(peer_path(p, 0).error_count, count);
}

/* 8.1, 8.3: three errors, an answer, three more: the association lives; the fourth in a row ends
 * it. */
START_TEST(s8_1_heartbeat_ack_resets_the_counter) {
    struct scripted_peer *p = PEER(.configure = steady);
    peer_open_active(p);
    for (int round = 0; round < 3; round++) {
        p->cut[0] = true;
        run_until_errors(p, 3);
        require_state(p, USCTP_ESTABLISHED);
        p->cut[0] = false;
        run_until_errors(p, 0);
    }
    p->cut[0] = true;
    run_until_errors(p, 3);
    peer_run_for(p, 10 * SECOND);
    require_closed(p, USCTP_ERR_UNREACHABLE);
    peer_delete(p);
}
END_TEST

/* 8.2: the counter of where the chunk was last sent. */
START_TEST(s8_2_acknowledgement_clears_the_paths_counter) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_open_active(p);
    user_send(p, 0, 100);
    peer_run_for(p, 4 * SECOND);
    REQUIRE_EQ(peer_path(p, 0).error_count, 2);
    peer_sack(p, 0, PEER_RWND, "");
    REQUIRE_EQ(peer_path(p, 0).error_count, 0);
    peer_delete(p);
    p = PEER(.configure = quiet, .paths = 2, .connect_to_all = true);
    peer_open_active(p);
    user_send(p, 0, 100);
    peer_run_for(p, 2 * SECOND + 500 * MS); /* path 0, then path 1, then the better of both */
    REQUIRE(peer_path(p, 0).error_count > 0 && peer_path(p, 1).error_count > 0);
    unsigned last = 0;
    while (peer_take_if(p, "DATA tsn=0 *"))
        last = (unsigned)p->took_path;
    peer_sack_on(p, last, 0, PEER_RWND, "");
    REQUIRE_EQ(peer_path(p, last).error_count, 0);
    REQUIRE(peer_path(p, 1 - last).error_count > 0); /* and of no other */
    peer_delete(p);
}
END_TEST

/* 8.2: "only ONE transport address SHOULD be chosen" */
START_TEST(s8_2_one_alternate) {
    struct scripted_peer *p = PEER(.paths = 4, .connect_to_all = true);
    int tsn = 0, chosen = -1;
    peer_open_active(p);
    p->cut[0] = true;
    user_send(p, 0, 100);
    peer_run_for(p, 2 * SECOND);
    peer_discard(p);
    peer_sack_on(p, 1, tsn++, PEER_RWND, "");
    REQUIRE(peer_path(p, 0).state != USCTP_PATH_STATE_ACTIVE);
    for (int i = 0; i < 12; i++) {
        user_send(p, 0, 1000);
        peer_take(p, "DATA *");
        if (chosen < 0)
            chosen = p->took_path;
        REQUIRE(chosen != 0);
        REQUIRE_EQ(p->took_path, chosen);
        peer_sack_on(p, (unsigned)chosen, tsn++, PEER_RWND, "");
    }
    peer_delete(p);
}
END_TEST

/* 8.3: from COOKIE-ECHOED or ESTABLISHED on until SHUTDOWN-SENT or SHUTDOWN-ACK-SENT. */
START_TEST(s8_3_answered_in_these_states) {
    static const enum usctp_assoc_state states[] = {
        USCTP_COOKIE_ECHOED, USCTP_ESTABLISHED, USCTP_SHUTDOWN_PENDING, USCTP_SHUTDOWN_RECEIVED};
    for (size_t i = 0; i <= sizeof states / sizeof states[0]; i++) {
        struct scripted_peer *p = PEER(.configure = quiet);
        if (i < sizeof states / sizeof states[0])
            peer_to_state(p, states[i]);
        else
            peer_open_passive(p);
        builder_chunk(peer_packet(p), WIRE_HEARTBEAT, 0);
        builder_param(&p->out, 1);
        builder_fill(&p->out, 7, 20);
        peer_send(p);
        peer_take_packet(p, "HEARTBEAT_ACK len=24");
        peer_delete(p);
    }
}
END_TEST

static void without_pf(struct usctp_config *config) {
    config->pf_enabled = 0;
}

/* 8.3: an inactive destination is asked on, "but SHOULD stop increasing the counter". */
START_TEST(s8_3_an_inactive_paths_counter_stops) {
    struct scripted_peer *p = PEER(.configure = without_pf, .paths = 2, .connect_to_all = true);
    peer_open_active(p);
    p->cut[1] = true;
    peer_run_for(p, 1000 * SECOND);
    struct usctp_path_status path = peer_path(p, 1);
    REQUIRE_EQ(path.state, USCTP_PATH_STATE_INACTIVE);
    REQUIRE_EQ(path.error_count, 6);
    peer_run_for(p, 1000 * SECOND);
    REQUIRE_EQ(peer_path(p, 1).error_count, 6);
    REQUIRE(peer_path(p, 1).heartbeats_out > path.heartbeats_out);
    peer_delete(p);
}
END_TEST

/* 6.4: a SHUTDOWN ACK is a reply as well. */
START_TEST(s6_4_shutdown_ack_goes_back) {
    for (unsigned path = 0; path < 2; path++) {
        struct scripted_peer *p = PEER(.configure = quiet, .paths = 2, .connect_to_all = true);
        peer_open_active(p);
        builder_shutdown(peer_packet(p), p->engine_tsn - 1);
        peer_send_on(p, path);
        peer_take(p, "SHUTDOWN_ACK");
        REQUIRE_EQ(p->took_path, (int)path);
        peer_delete(p);
    }
}
END_TEST

static void add_heartbeat(struct scripted_peer *p, size_t bytes) {
    builder_chunk(&p->out, WIRE_HEARTBEAT, 0);
    builder_param(&p->out, 1);
    builder_fill(&p->out, 7, bytes);
}

/* 12.4: an address that is not confirmed gets the HEARTBEAT ACK, and nobody gets a second packet.
 */
START_TEST(s12_4_one_packet_from_an_unconfirmed_address) {
    struct scripted_peer *p = PEER(.configure = quiet, .paths = 2, .hold_heartbeats = true);
    peer_open_active(p);
    peer_discard(p);
    peer_packet(p);
    add_heartbeat(p, 40);
    builder_chunk(&p->out, 0xc1, 0);
    builder_fill(&p->out, 2, 8);
    peer_send_on(p, 1);
    REQUIRE_EQ(peer_count_packets(p), 1);
    peer_take(p, "HEARTBEAT_ACK *");
    peer_delete(p);
}
END_TEST

/* 12.4: what does not fit beside the COOKIE ACK (or SHUTDOWN ACK) is left out. */
START_TEST(s12_4_one_packet_with_the_cookie_ack) {
    for (size_t bytes = 1400; bytes <= 1480; bytes += 4) {
        struct scripted_peer *p = PEER(.configure = quiet);
        peer_open_passive(p);
        peer_cookie_echo(p);
        add_heartbeat(p, bytes);
        peer_send(p);
        REQUIRE_EQ(peer_count_packets(p), 1);
        peer_take(p, "COOKIE_ACK");
        REQUIRE(p->took_packet.length <= 1480); /* 6.10 */
        peer_discard(p);
        peer_packet(p);
        add_heartbeat(p, bytes);
        builder_shutdown(&p->out, p->engine_tsn - 1);
        peer_send(p);
        REQUIRE_EQ(peer_count_packets(p), 1);
        peer_take(p, "SHUTDOWN_ACK");
        REQUIRE(p->took_packet.length <= 1480);
        peer_delete(p);
    }
}
END_TEST

RUN_TESTS("paths and replies, by the map (RFC 9260 6.4, 8, 12.4)",
          s8_1_heartbeat_ack_resets_the_counter, s8_2_acknowledgement_clears_the_paths_counter,
          s8_2_one_alternate, s8_3_answered_in_these_states, s8_3_an_inactive_paths_counter_stops,
          s6_4_shutdown_ack_goes_back, s12_4_one_packet_from_an_unconfirmed_address,
          s12_4_one_packet_with_the_cookie_ack)
