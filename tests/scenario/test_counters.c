/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RFC 3873 4: what each counter of the MIB counts and, as often, what it leaves out: duplicates,
 * retransmissions, what means nothing in its state.
 */
#include "support/configs.h"
#include "support/run_tests.h"
#include "support/scripted_peer.h"

#include <string.h>

#define PEER_RWND 1000000u

static struct scripted_peer *open_peer(void) {
    struct scripted_peer *p = PEER(.configure = eager, .rwnd = PEER_RWND);
    peer_open_active(p);
    peer_discard(p);
    return p;
}

/* sctpOutCtrlChunks, sctpInCtrlChunks, sctpActiveEstabs, sctpCurrEstab, sctpAssocT1expireds,
 * sctpAssocStartTime: a handshake of which the first INIT is lost. */
START_TEST(s4_handshake) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_engine_connect(p);
    peer_take_init(p);
    peer_run_for(p, 1500 * MS); /* T1-init */
    peer_take_init(p);
    struct usctp_engine_counters n = peer_counters(p);
    REQUIRE_EQ(n.control_chunks_out, 1);
    REQUIRE_EQ(n.packets_out, 2);
    REQUIRE_EQ(n.established, 0);
    REQUIRE_EQ(peer_status(p).counters.control_chunks_out, 2);
    REQUIRE_EQ(peer_status(p).counters.t1_expiries, 1);
    REQUIRE_EQ(peer_status(p).counters.start_time, 0);
    peer_init_ack(p);
    peer_add_cookie(p, 50);
    peer_send(p);
    peer_take(p, "COOKIE_ECHO *");
    peer_chunk(p, WIRE_COOKIE_ACK, 0);
    peer_chunk(p, WIRE_COOKIE_ACK, 0); /* in ESTABLISHED: means nothing, is dropped */
    n = peer_counters(p);
    REQUIRE_EQ(n.control_chunks_out, 2);
    REQUIRE_EQ(n.control_chunks_in, 2);
    REQUIRE_EQ(n.dropped[USCTP_DROP_STATE], 1);
    REQUIRE_EQ(n.packets_in, 3);
    REQUIRE_EQ(n.active_establishments, 1);
    REQUIRE_EQ(n.passive_establishments, 0);
    REQUIRE_EQ(n.established, 1);
    REQUIRE_EQ(n.out_of_the_blue, 0);
    REQUIRE_EQ(peer_status(p).counters.start_time, n.uptime);
    REQUIRE(n.uptime >= 150);
    peer_delete(p);
}
END_TEST

/* sctpPassiveEstabs; an INIT that sets up an association is not out of the blue, one that nobody
 * waits for is. */
START_TEST(s4_passive) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_open_passive(p);
    struct usctp_engine_counters n = peer_counters(p);
    REQUIRE_EQ(n.passive_establishments, 1);
    REQUIRE_EQ(n.established, 1);
    REQUIRE_EQ(n.out_of_the_blue, 0);
    REQUIRE_EQ(n.control_chunks_in, 2);
    REQUIRE_EQ(n.control_chunks_out, 2);
    REQUIRE_EQ(n.init_acks, 1);
    uint16_t port = p->engine_port;
    p->engine_port = 9;
    peer_init(p, 5);
    peer_send(p);
    p->engine_port = port;
    peer_take(p, "ABORT *");
    REQUIRE_EQ(peer_counters(p).out_of_the_blue, 1);
    REQUIRE_EQ(peer_counters(p).replies, 1);
    peer_delete(p);
}
END_TEST

/* sctpOutOrderChunks, sctpOutUnorderChunks, sctpFragUsrMsgs, sctpAssocRtxChunks,
 * sctpAssocRemAddrRtx. */
START_TEST(s4_data_out) {
    struct scripted_peer *p = open_peer();
    const struct usctp_send unordered = {.sid = 1, .flags = USCTP_MESSAGE_UNORDERED};
    user_send(p, 0, 100);
    user_send(p, 0, 4000); /* 3 chunks: 1452, 1452, 1096 */
    REQUIRE_EQ(user_try_send(p, &unordered, 100), 0);
    REQUIRE_EQ(user_try_send(p, &unordered, 1453), 0);
    peer_pump(p);
    uint64_t sent = peer_count(p, "DATA *");
    REQUIRE_RANGE(sent, 1, 7);
    peer_run_for(p, 1100 * MS); /* T3: what the window takes goes again */
    struct usctp_assoc_counters n = peer_status(p).counters;
    REQUIRE_EQ(n.t3_expiries, 1);
    REQUIRE(n.retransmitted_chunks >= 1);
    REQUIRE_EQ(n.ordered_chunks_out + n.unordered_chunks_out, sent);
    REQUIRE_EQ(n.data_chunks_out, sent + n.retransmitted_chunks);
    for (int round = 0; round < 20; round++) {
        peer_discard(p);
        int last = (int)(peer_status(p).counters.ordered_chunks_out +
                         peer_status(p).counters.unordered_chunks_out) -
                   1;
        peer_sack(p, last, PEER_RWND, "");
    }
    n = peer_status(p).counters;
    struct usctp_engine_counters all = peer_counters(p);
    REQUIRE_EQ(n.ordered_chunks_out, 4);
    REQUIRE_EQ(n.unordered_chunks_out, 3); /* 1453 are two */
    REQUIRE_EQ(all.ordered_chunks_out, 4);
    REQUIRE_EQ(all.unordered_chunks_out, 3);
    REQUIRE_EQ(all.fragmented_messages, 2);
    REQUIRE_EQ(peer_path(p, 0).retransmitted_chunks, n.retransmitted_chunks);
    REQUIRE_EQ(peer_path(p, 0).data_chunks_out, n.data_chunks_out);
    peer_delete(p);
}
END_TEST

/* sctpInOrderChunks, sctpInUnorderChunks, sctpReasmUsrMsgs. */
START_TEST(s4_data_in) {
    struct scripted_peer *p = open_peer();
    peer_data(p, 0, 0, 0, BIT_BE, 10);
    peer_data(p, 0, 0, 0, BIT_BE, 10); /* a duplicate */
    peer_data(p, 1, 0, 1, BIT_B, 10);
    peer_data(p, 3, 0, 1, BIT_E, 10); /* a gap */
    REQUIRE_EQ(peer_counters(p).reassembled_messages, 0);
    peer_data(p, 2, 0, 1, 0, 10);
    peer_data(p, 4, 0, 0, BIT_BE | BIT_U, 10);
    peer_data(p, 5, 0, 0, BIT_B | BIT_U, 10);
    peer_data(p, 6, 0, 0, BIT_E | BIT_U, 10);
    struct usctp_engine_counters all = peer_counters(p);
    struct usctp_assoc_counters n = peer_status(p).counters;
    REQUIRE_EQ(all.ordered_chunks_in, 4);
    REQUIRE_EQ(all.unordered_chunks_in, 3);
    REQUIRE_EQ(all.reassembled_messages, 2);
    REQUIRE_EQ(n.ordered_chunks_in, 4);
    REQUIRE_EQ(n.unordered_chunks_in, 3);
    REQUIRE_EQ(n.duplicate_tsns, 1);
    REQUIRE_EQ(n.out_of_sequence_tsns, 1);
    REQUIRE_EQ(n.data_chunks_in, 8);
    REQUIRE_EQ(n.dropped_data_chunks, 0);
    peer_delete(p);
}
END_TEST

static void small_point(struct usctp_config *config) {
    eager(config);
    config->partial_delivery_point_bytes = 1000;
}

/* A message that is handed up in pieces is reassembled once, with its end. */
START_TEST(s4_partial_delivery) {
    struct scripted_peer *p = PEER(.configure = small_point);
    peer_open_active(p);
    peer_data(p, 0, 0, 0, BIT_B, 1200);
    REQUIRE_EQ(peer_status(p).counters.partial_deliveries, 1);
    peer_data(p, 1, 0, 0, 0, 1200);
    REQUIRE_EQ(peer_counters(p).reassembled_messages, 0);
    peer_data(p, 2, 0, 0, BIT_E, 1200);
    REQUIRE_EQ(peer_counters(p).reassembled_messages, 1);
    peer_delete(p);
}
END_TEST

static void two_reports(struct usctp_config *config) {
    quiet(config);
    config->max_duplicate_reports = 2;
}

START_TEST(duplicates_that_are_not_reported) {
    struct scripted_peer *p = PEER(.configure = two_reports);
    peer_open_active(p);
    peer_packet(p);
    for (int i = 0; i < 6; i++)
        peer_add_data(p, 0, 0, 0, BIT_BE, 10);
    peer_send(p);
    REQUIRE_EQ(peer_status(p).counters.duplicate_tsns, 5);
    REQUIRE_EQ(peer_status(p).counters.unreported_duplicates, 3);
    peer_delete(p);
}
END_TEST

/* sctpCurrEstab is of ESTABLISHED, SHUTDOWN-RECEIVED and SHUTDOWN-PENDING; sctpShutdowns,
 * sctpAborteds. */
START_TEST(s4_states) {
    for (enum usctp_assoc_state s = USCTP_COOKIE_WAIT; s <= USCTP_SHUTDOWN_ACK_SENT; s++) {
        struct scripted_peer *p = PEER(.configure = quiet);
        peer_to_state(p, s);
        REQUIRE_EQ(peer_counters(p).established, s == USCTP_ESTABLISHED ||
                                                     s == USCTP_SHUTDOWN_RECEIVED ||
                                                     s == USCTP_SHUTDOWN_PENDING);
        peer_discard(p);
        user_abort(p, "");
        peer_pump(p);
        REQUIRE_EQ(peer_counters(p).established, 0);
        REQUIRE_EQ(peer_counters(p).aborted, 1);
        REQUIRE_EQ(peer_counters(p).graceful_shutdowns, 0);
        peer_delete(p);
    }
}
END_TEST

START_TEST(s4_graceful) {
    struct scripted_peer *p = open_peer();
    user_shutdown(p);
    peer_pump(p);
    peer_take(p, "SHUTDOWN *");
    peer_run_for(p, 1100 * MS);
    peer_take(p, "SHUTDOWN *"); /* T2: sent again */
    REQUIRE_EQ(peer_status(p).counters.t2_expiries, 1);
    struct usctp_engine_counters before = peer_counters(p);
    peer_chunk(p, WIRE_SHUTDOWN_ACK, 0);
    peer_take(p, "SHUTDOWN_COMPLETE *");
    REQUIRE_EQ(before.control_chunks_out, 3); /* INIT, COOKIE ECHO, SHUTDOWN */
    REQUIRE_EQ(peer_counters(p).control_chunks_out, 4);
    REQUIRE_EQ(peer_counters(p).graceful_shutdowns, 1);
    REQUIRE_EQ(peer_counters(p).aborted, 0);
    peer_delete(p);
}
END_TEST

/* sctpAssocRemAddrRTO, MaxPathRtx, HBActive, Active, StartTime. */
START_TEST(s4_path) {
    struct scripted_peer *p = PEER(.configure = quiet, .paths = 2, .connect_to_all = true);
    peer_open_active(p);
    struct usctp_path_status path = peer_path(p, 0);
    REQUIRE_EQ(path.is_active, 1);
    REQUIRE_EQ(path.has_heartbeats, 2);
    REQUIRE_EQ(path.rto_ms, path.rto_us / 1000);
    REQUIRE_EQ(path.max_retransmissions, 5);
    REQUIRE_EQ(usctp_path_tune(p->engine, p->assoc, 0, USCTP_TUNABLE_path_max_retrans, 1, 0), 0);
    REQUIRE_EQ(usctp_path_tune(p->engine, p->assoc, 0, USCTP_TUNABLE_hb_enabled, 1, p->now_us), 0);
    path = peer_path(p, 0);
    REQUIRE_EQ(path.max_retransmissions, 1);
    REQUIRE_EQ(path.has_heartbeats, 1);
    p->cut[0] = true;
    peer_run_for(p, 200 * SECOND);
    path = peer_path(p, 0);
    REQUIRE_EQ(path.state, USCTP_PATH_STATE_INACTIVE);
    REQUIRE_EQ(path.is_active, 2);
    REQUIRE(path.heartbeats_out > 1);
    peer_delete(p);
}
END_TEST

RUN_TESTS("RFC 3873: counters", s4_handshake, s4_passive, s4_data_out, s4_data_in,
          s4_partial_delivery, duplicates_that_are_not_reported, s4_states, s4_graceful, s4_path)
