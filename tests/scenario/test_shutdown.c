/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RFC 9260 9.2: the graceful end: T2-shutdown, T5-shutdown-guard, data on its way in every state,
 * crossing SHUTDOWNs.
 *
 * The arrows of the state diagram have their own file, test_state_diagram.c.
 */
#include "support/configs.h"
#include "support/run_tests.h"
#include "support/scripted_peer.h"
#include "support/two_hosts.h"

#define PEER_RWND 131072u

START_TEST(s9_2_queued_data_goes_first) {
    struct scripted_peer *p = PEER(.configure = eager);
    peer_open_active(p);
    for (int i = 0; i < 8; i++)
        user_send(p, 0, 1400);
    user_shutdown(p);
    require_state(p, USCTP_SHUTDOWN_PENDING);
    int tsn = 0;
    for (int round = 0; round < 20 && tsn < 8; round++) {
        peer_expect_none(p, "SHUTDOWN *");
        while (peer_take_if(p, "DATA *"))
            tsn++;
        peer_sack(p, tsn - 1, PEER_RWND, "");
    }
    REQUIRE_EQ(tsn, 8);
    peer_take(p, "SHUTDOWN cum=-1");
    require_state(p, USCTP_SHUTDOWN_SENT);
    peer_delete(p);
}
END_TEST

/* SHUTDOWN-PENDING retransmits what is lost. */
START_TEST(s9_2_pending_retransmits) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_to_state(p, USCTP_SHUTDOWN_PENDING);
    peer_wait(p, "DATA tsn=0 *", 2 * SECOND);
    peer_wait(p, "DATA tsn=0 *", 3 * SECOND);
    peer_sack(p, 0, PEER_RWND, "");
    peer_take(p, "SHUTDOWN cum=-1");
    peer_delete(p);
}
END_TEST

/* SHUTDOWN-PENDING takes and acknowledges data as before. */
START_TEST(s9_2_pending_receives) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_to_state(p, USCTP_SHUTDOWN_PENDING);
    for (int i = 0; i < 4; i++)
        peer_data(p, i, 0, (unsigned)i, BIT_BE, 50);
    peer_wait(p, "SACK cum=3 *", 200 * MS);
    for (unsigned i = 0; i < 4; i++)
        user_expect(p, 0, i, 50);
    peer_sack(p, 0, PEER_RWND, "");
    peer_take(p, "SHUTDOWN cum=3");
    peer_delete(p);
}
END_TEST

/* T2-shutdown: doubling as in 6.3.3, the cumulative TSN brought up to date. */
START_TEST(s9_2_t2_shutdown_sent) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_to_state(p, USCTP_ESTABLISHED);
    user_shutdown(p);
    peer_take(p, "SHUTDOWN cum=-1");
    uint64_t at = p->took_us;
    for (unsigned wait = 1; wait <= 32; wait *= 2) {
        peer_wait(p, "SHUTDOWN cum=-1", 61 * SECOND);
        at += wait * SECOND;
        REQUIRE_EQ(p->took_us, at);
        peer_expect_nothing(p);
    }
    peer_delete(p);
}
END_TEST

static void give_up_soon(struct usctp_config *config) {
    quiet(config);
    config->association_max_retrans = 2;
}

/* More than Association.Max.Retrans retransmissions: unreachable. */
START_TEST(s9_2_t2_gives_up) {
    static const enum usctp_assoc_state states[] = {USCTP_SHUTDOWN_SENT, USCTP_SHUTDOWN_ACK_SENT};
    for (size_t i = 0; i < 2; i++) {
        const char *pattern = i == 0 ? "SHUTDOWN cum=-1" : "SHUTDOWN_ACK";
        struct scripted_peer *p = PEER(.configure = give_up_soon);
        peer_to_state(p, states[i]);
        uint64_t at = p->now_us;
        peer_wait(p, pattern, 10 * SECOND);
        REQUIRE_EQ(p->took_us, at + SECOND);
        peer_wait(p, pattern, 10 * SECOND);
        REQUIRE_EQ(p->took_us, at + 3 * SECOND);
        peer_run_until(p, at + 7 * SECOND - 1);
        REQUIRE(!p->closed);
        peer_run_for(p, 1);
        require_closed(p, USCTP_ERR_UNREACHABLE);
        peer_expect_none(p, pattern);
        peer_delete(p);
    }
}
END_TEST

START_TEST(s9_2_t2_shutdown_ack_sent) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_to_state(p, USCTP_SHUTDOWN_ACK_SENT);
    uint64_t at = p->now_us;
    for (unsigned wait = 1; wait <= 32; wait *= 2) {
        peer_wait(p, "SHUTDOWN_ACK", 61 * SECOND);
        at += wait * SECOND;
        REQUIRE_EQ(p->took_us, at);
    }
    peer_chunk(p, WIRE_SHUTDOWN_COMPLETE, 0);
    require_closed(p, 0);
    peer_delete(p);
}
END_TEST

/* SHUTDOWN-SENT: each packet with DATA gets a SHUTDOWN at once, and T2 starts anew. */
START_TEST(s9_2_data_in_shutdown_sent) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_to_state(p, USCTP_SHUTDOWN_SENT);
    for (int i = 0; i < 20; i++) {
        char pattern[40];
        peer_run_for(p, 900 * MS);
        peer_expect_nothing(p); /* T2 never expires */
        peer_data(p, i, 0, (unsigned)i, BIT_BE, 100);
        snprintf(pattern, sizeof pattern, "SHUTDOWN cum=%d", i);
        peer_take(p, pattern);
        peer_discard(p);
        user_expect(p, 0, (unsigned)i, 100);
    }
    uint64_t at = p->now_us;
    peer_wait(p, "SHUTDOWN cum=19", 3 * SECOND);
    REQUIRE_EQ(p->took_us, at + SECOND);
    peer_chunk(p, WIRE_SHUTDOWN_ACK, 0);
    peer_take(p, "SHUTDOWN_COMPLETE T=0");
    require_closed(p, 0);
    peer_delete(p);
}
END_TEST

/* With a gap or a duplicate a SACK has to be there too. */
START_TEST(s9_2_gap_in_shutdown_sent) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_to_state(p, USCTP_SHUTDOWN_SENT);
    peer_data(p, 1, 0, 1, BIT_BE, 100);
    peer_take(p, "SHUTDOWN cum=-1");
    peer_take(p, "SACK cum=-1 * gaps=[2-2] dups=[]");
    peer_data(p, 1, 0, 1, BIT_BE, 100);
    peer_take(p, "SHUTDOWN cum=-1");
    peer_take(p, "SACK cum=-1 * gaps=[2-2] dups=[1]");
    peer_data(p, 0, 0, 0, BIT_BE, 100);
    peer_take(p, "SHUTDOWN cum=1");
    user_expect(p, 0, 0, 100);
    user_expect(p, 0, 1, 100);
    peer_delete(p);
}
END_TEST

static void rto_max_2s(struct usctp_config *config) {
    quiet(config);
    config->rto_max_us = 2 * SECOND;
    config->association_max_retrans = 200;
}

/* T5-shutdown-guard: 5 * RTO.Max after the first SHUTDOWN the end comes by ABORT, however much the
 * peer talks. */
START_TEST(s9_2_t5_guard) {
    struct scripted_peer *p = PEER(.configure = rto_max_2s);
    peer_to_state(p, USCTP_SHUTDOWN_SENT);
    uint64_t at = p->now_us;
    for (int i = 0; i < 19; i++) {
        peer_run_for(p, 500 * MS);
        peer_data(p, i, 0, (unsigned)i, BIT_BE, 10);
        peer_expect_none(p, "ABORT *");
    }
    peer_wait(p, "ABORT T=0 *", 2 * SECOND);
    REQUIRE_EQ(p->took_us, at + 10 * SECOND);
    REQUIRE_EQ(p->took_tag, p->peer_tag);
    REQUIRE(p->closed && p->closed_error != 0);
    peer_delete(p);
}
END_TEST

static void few_errors(struct usctp_config *config) {
    config->rto_max_us = 2 * SECOND;
    config->association_max_retrans = 5;
    config->path_max_retrans = 5;
}

/* HEARTBEATs are answered and DATA never is: 8.1 counts no errors then, and the association stays;
 * but a shutdown ends all the same. */
START_TEST(s9_2_unacknowledged_for_ever) {
    struct scripted_peer *p = PEER(.configure = few_errors);
    peer_open_active(p);
    user_send(p, 0, 100);
    for (int i = 0; i < 300; i++) {
        peer_run_for(p, 500 * MS);
        peer_answer_heartbeats(p);
        REQUIRE(!p->closed);
    }
    require_state(p, USCTP_ESTABLISHED);
    user_shutdown(p);
    peer_run_for(p, 1 * MS);
    peer_answer_heartbeats(p);
    require_state(p, USCTP_SHUTDOWN_PENDING);
    for (int i = 0; i < 60 && !p->closed; i++) {
        peer_run_for(p, 500 * MS);
        peer_answer_heartbeats(p);
    }
    REQUIRE(p->closed && p->closed_error == USCTP_ERR_TIMED_OUT);
    peer_wait(p, "ABORT T=0 *", 1 * MS);
    peer_delete(p);
}
END_TEST

/* 6.1 A: a peer whose window stays shut is not one that acknowledges nothing, though many of its
 * SACKs are lost. */
START_TEST(s9_2_shut_window_is_waited_for) {
    struct scripted_peer *p = PEER(.configure = few_errors);
    peer_open_active(p);
    user_send(p, 0, 100);
    user_shutdown(p);
    peer_sack(p, -1, 0, "");
    for (int i = 0; i < 60; i++) {
        peer_discard(p);
        while (peer_count(p, "DATA *") == 0)
            peer_run_for(p, 100 * MS);
        peer_answer_heartbeats(p);
        if (i % 2 == 0)
            peer_sack(p, -1, 0, "");
        REQUIRE(!p->closed);
    }
    require_state(p, USCTP_SHUTDOWN_PENDING);
    peer_sack(p, 0, 1000, "");
    peer_take(p, "SHUTDOWN *");
    peer_delete(p);
}
END_TEST

/* SHUTDOWN acknowledges as a SACK does: all outstanding, then SHUTDOWN ACK at once. */
START_TEST(s9_2_shutdown_acknowledges) {
    struct scripted_peer *p = PEER(.configure = eager);
    peer_open_active(p);
    for (int i = 0; i < 3; i++)
        user_send(p, 0, 100);
    peer_discard(p);
    peer_shutdown(p, 1);
    require_state(p, USCTP_SHUTDOWN_RECEIVED);
    REQUIRE_EQ(peer_status(p).unacknowledged_chunks, 1);
    peer_expect_none(p, "SHUTDOWN_ACK");
    peer_shutdown(p, 2);
    peer_take(p, "SHUTDOWN_ACK");
    require_state(p, USCTP_SHUTDOWN_ACK_SENT);
    peer_delete(p);
}
END_TEST

/* 3.3.8: a SHUTDOWN without gap blocks takes nothing back. */
START_TEST(s3_3_8_shutdown_is_no_renege) {
    struct scripted_peer *p = PEER(.configure = eager);
    peer_open_active(p);
    for (int i = 0; i < 3; i++)
        user_send(p, 0, 100);
    peer_discard(p);
    peer_sack(p, -1, PEER_RWND, "2-3");
    peer_shutdown(p, -1);
    peer_run_for(p, 5 * SECOND);
    REQUIRE(peer_count(p, "DATA tsn=0 *") >= 1);
    peer_expect_none(p, "DATA tsn=1 *");
    peer_expect_none(p, "DATA tsn=2 *");
    peer_delete(p);
}
END_TEST

/* But one whose Cumulative TSN Ack stops right before a TSN that a gap block had acknowledged does:
 * had the peer kept it, its Cumulative TSN Ack would be past it. It is sent again (6.2.1 D iii). */
START_TEST(s6_2_1_shutdown_shows_a_renege) {
    struct scripted_peer *p = PEER(.configure = eager);
    peer_open_active(p);
    for (int i = 0; i < 3; i++)
        user_send(p, 0, 100);
    peer_discard(p);
    peer_sack(p, -1, PEER_RWND, "2-3");
    peer_discard(p);
    REQUIRE_EQ(peer_status(p).unacknowledged_chunks, 3);
    peer_shutdown(p, 0); /* TSN 1 is missing, and was acknowledged */
    require_state(p, USCTP_SHUTDOWN_RECEIVED);
    peer_wait(p, "DATA tsn=1 *", 5 * SECOND);
    peer_expect_none(p, "SHUTDOWN_ACK");
    peer_wait(p, "DATA tsn=2 *", 5 * SECOND); /* what followed it counts no more than it */
    peer_sack(p, 2, PEER_RWND, "");
    peer_take(p, "SHUTDOWN_ACK");
    peer_delete(p);
}
END_TEST

/* Once in SHUTDOWN-RECEIVED the user's own shutdown changes nothing. */
START_TEST(s9_2_user_shutdown_in_shutdown_received) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_to_state(p, USCTP_SHUTDOWN_RECEIVED);
    usctp_assoc_shutdown(p->engine, p->assoc, p->now_us);
    peer_pump(p);
    require_state(p, USCTP_SHUTDOWN_RECEIVED);
    peer_expect_nothing(p);
    peer_sack(p, 0, PEER_RWND, "");
    peer_take(p, "SHUTDOWN_ACK");
    peer_chunk(p, WIRE_SHUTDOWN_COMPLETE, 0);
    require_closed(p, 0);
    peer_delete(p);
}
END_TEST

/* A SHUTDOWN that comes in SHUTDOWN-PENDING: SHUTDOWN-RECEIVED, and no SHUTDOWN of our own. */
START_TEST(s9_2_shutdown_in_pending) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_to_state(p, USCTP_SHUTDOWN_PENDING);
    peer_shutdown(p, -1);
    require_state(p, USCTP_SHUTDOWN_RECEIVED);
    peer_sack(p, 0, PEER_RWND, "");
    peer_take(p, "SHUTDOWN_ACK");
    peer_expect_none(p, "SHUTDOWN *");
    peer_chunk(p, WIRE_SHUTDOWN_COMPLETE, 0);
    require_closed(p, 0);
    peer_delete(p);
}
END_TEST

/* SHUTDOWN in COOKIE-WAIT and COOKIE-ECHOED is silently discarded. */
START_TEST(s9_2_shutdown_while_connecting) {
    static const enum usctp_assoc_state states[] = {USCTP_COOKIE_WAIT, USCTP_COOKIE_ECHOED};
    for (size_t i = 0; i < 2; i++) {
        struct scripted_peer *p = PEER(.configure = quiet);
        peer_to_state(p, states[i]);
        peer_shutdown(p, -1);
        require_state(p, states[i]);
        peer_expect_nothing(p);
        peer_delete(p);
    }
}
END_TEST

/* The user's shutdown while connecting: the end, at once or when the handshake is done. */
START_TEST(s9_2_user_shutdown_while_connecting) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_to_state(p, USCTP_COOKIE_WAIT);
    user_shutdown(p);
    REQUIRE(p->closed);
    peer_run_for(p, 200 * SECOND);
    peer_expect_none(p, "INIT *");
    peer_delete(p);
    p = PEER(.configure = quiet);
    peer_to_state(p, USCTP_COOKIE_ECHOED);
    usctp_assoc_shutdown(p->engine, p->assoc, p->now_us);
    peer_pump(p);
    if (!p->closed) {
        peer_chunk(p, WIRE_COOKIE_ACK, 0);
        peer_take(p, "SHUTDOWN cum=-1");
        peer_chunk(p, WIRE_SHUTDOWN_ACK, 0);
        peer_take(p, "SHUTDOWN_COMPLETE T=0");
    }
    REQUIRE(p->closed);
    peer_delete(p);
}
END_TEST

/* The SHUTDOWN COMPLETE was lost: a repeated SHUTDOWN ACK is out of the blue and gets another. */
START_TEST(s8_4_5_shutdown_complete_again) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_to_state(p, USCTP_SHUTDOWN_SENT);
    peer_chunk(p, WIRE_SHUTDOWN_ACK, 0);
    peer_take(p, "SHUTDOWN_COMPLETE T=0");
    peer_chunk(p, WIRE_SHUTDOWN_ACK, 0);
    peer_take(p, "SHUTDOWN_COMPLETE T=1");
    REQUIRE_EQ(p->took_tag, p->engine_tag);
    peer_release(p);
    peer_chunk(p, WIRE_SHUTDOWN_ACK, 0);
    peer_take(p, "SHUTDOWN_COMPLETE T=1");
    peer_delete(p);
}
END_TEST

/* What was received before the end can be read after it. */
START_TEST(s9_2_unread_data_survives) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_open_active(p);
    for (int i = 0; i < 3; i++)
        peer_data(p, i, 0, (unsigned)i, BIT_BE, 100);
    peer_discard(p);
    peer_shutdown(p, -1);
    peer_take(p, "SHUTDOWN_ACK");
    peer_chunk(p, WIRE_SHUTDOWN_COMPLETE, 0);
    require_closed(p, 0);
    for (unsigned i = 0; i < 3; i++)
        user_expect(p, 0, i, 100);
    REQUIRE_EQ(user_read(p).bytes, USCTP_ERR_SHUTDOWN);
    peer_release(p);
    peer_delete(p);
}
END_TEST

/* Released with a shutdown begun, the engine finishes alone. */
START_TEST(released_while_shutting_down) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_to_state(p, USCTP_SHUTDOWN_SENT);
    usctp_assoc_release(p->engine, p->assoc, p->now_us);
    peer_pump(p);
    peer_wait(p, "SHUTDOWN cum=-1", 2 * SECOND);
    peer_chunk(p, WIRE_SHUTDOWN_ACK, 0);
    peer_take(p, "SHUTDOWN_COMPLETE T=0");
    REQUIRE_EQ(peer_counters(p).associations, 0);
    peer_delete(p);
}
END_TEST

/* Released alive: aborted. */
START_TEST(released_alive) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_to_state(p, USCTP_ESTABLISHED);
    usctp_assoc_release(p->engine, p->assoc, p->now_us);
    peer_pump(p);
    peer_take(p, "ABORT T=0 *");
    REQUIRE_EQ(p->took_tag, p->peer_tag);
    REQUIRE_EQ(peer_counters(p).associations, 0);
    peer_delete(p);
}
END_TEST

/* ---- two engines ---- */

static void require_graceful(struct two_hosts *t) {
    hosts_run_until(t, hosts_both_closed, 200 * SECOND);
    REQUIRE_EQ(t->host[0].close_error, 0);
    REQUIRE_EQ(t->host[1].close_error, 0);
}

static void shut(struct two_hosts *t, unsigned host) {
    REQUIRE_EQ(usctp_assoc_shutdown(t->host[host].engine, t->host[host].assoc, t->now_us), 0);
}

/* Both shut down at about the same time: SHUTDOWNs cross, SHUTDOWN ACKs cross. */
START_TEST(s9_2_crossing_shutdowns) {
    for (uint64_t late = 0; late <= 40 * MS; late += 2 * MS) {
        struct two_hosts *t = HOSTS(.delay_us = 10 * MS, .configure = quiet);
        hosts_establish(t, false);
        shut(t, 0);
        hosts_run_for(t, late);
        if (!t->host[1].closed && host_state(t, 1) == USCTP_ESTABLISHED)
            shut(t, 1);
        require_graceful(t);
        hosts_delete(t);
    }
}
END_TEST

/* Each chunk of the shutdown lost once, twice, three times. */
START_TEST(s9_2_lost_shutdown_chunks) {
    static const struct {
        unsigned from, type;
    } lost[] = {{0, WIRE_SHUTDOWN}, {1, WIRE_SHUTDOWN_ACK}, {0, WIRE_SHUTDOWN_COMPLETE}};
    for (size_t i = 0; i < 3; i++) {
        for (unsigned count = 1; count <= 3; count++) {
            struct two_hosts *t = HOSTS(.delay_us = 10 * MS, .configure = quiet);
            hosts_establish(t, false);
            hosts_drop(t, lost[i].from, ANY_PATH, lost[i].type, count);
            shut(t, 0);
            require_graceful(t);
            REQUIRE_EQ(hosts_dropped(t, 0), count);
            hosts_delete(t);
        }
    }
}
END_TEST

/* SHUTDOWN once more in SHUTDOWN-RECEIVED and SHUTDOWN-ACK-SENT changes nothing. */
START_TEST(s9_2_shutdown_again) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_to_state(p, USCTP_SHUTDOWN_RECEIVED);
    for (int i = 0; i < 3; i++) {
        peer_shutdown(p, -1);
        require_state(p, USCTP_SHUTDOWN_RECEIVED);
        peer_expect_none(p, "SHUTDOWN*");
    }
    peer_delete(p);
    p = PEER(.configure = quiet);
    peer_to_state(p, USCTP_SHUTDOWN_ACK_SENT);
    for (int i = 0; i < 3; i++) {
        peer_shutdown(p, -1);
        require_state(p, USCTP_SHUTDOWN_ACK_SENT);
        peer_take_if(p, "SHUTDOWN_ACK"); /* its answer may be repeated */
        peer_expect_nothing(p);
    }
    peer_chunk(p, WIRE_SHUTDOWN_COMPLETE, 0);
    require_closed(p, 0);
    peer_delete(p);
}
END_TEST

/* The user's shutdown once more: no state changes, nothing is sent. */
START_TEST(s9_2_user_shutdown_again) {
    static const enum usctp_assoc_state states[] = {USCTP_SHUTDOWN_PENDING, USCTP_SHUTDOWN_SENT,
                                                    USCTP_SHUTDOWN_ACK_SENT};
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        struct scripted_peer *p = PEER(.configure = quiet);
        peer_to_state(p, states[i]);
        usctp_assoc_shutdown(p->engine, p->assoc, p->now_us);
        peer_pump(p);
        require_state(p, states[i]);
        peer_expect_nothing(p);
        peer_delete(p);
    }
}
END_TEST

static void buffer_16k(struct usctp_config *config) {
    quiet(config);
    config->receive_buffer_bytes = 16384;
}

/* Released with a shutdown begun: nobody reads any more, and the peer still has much to say (9.2).
 * It can finish. */
START_TEST(released_and_the_peer_goes_on) {
    struct scripted_peer *p = PEER(.configure = buffer_16k);
    peer_to_state(p, USCTP_SHUTDOWN_SENT);
    usctp_assoc_release(p->engine, p->assoc, p->now_us);
    peer_pump(p);
    for (int i = 0; i < 60; i++) {
        char pattern[40];
        peer_data(p, i, 0, (unsigned)i, BIT_BE, 1000);
        snprintf(pattern, sizeof pattern, "SHUTDOWN cum=%d", i);
        peer_take(p, pattern);
    }
    peer_discard(p);
    peer_chunk(p, WIRE_SHUTDOWN_ACK, 0);
    peer_take(p, "SHUTDOWN_COMPLETE T=0");
    REQUIRE_EQ(peer_counters(p).associations, 0);
    peer_delete(p);
}
END_TEST

/* 9.2: "the reception of any packet from its peer ... SHOULD clear the endpoint's retransmission
 * count". */
START_TEST(s9_2_any_packet_clears_the_count) {
    struct scripted_peer *p = PEER(.configure = give_up_soon);
    peer_to_state(p, USCTP_SHUTDOWN_SENT);
    for (int i = 0; i < 3; i++) {
        for (int k = 0; k < 2; k++) { /* as often as it may */
            peer_wait(p, "SHUTDOWN *", 70 * SECOND);
            peer_discard(p);
        }
        peer_data(p, i, 0, (unsigned)i, BIT_BE, 10);
        peer_take(p, "SHUTDOWN *");
        peer_discard(p);
    }
    require_state(p, USCTP_SHUTDOWN_SENT);
    peer_delete(p);
}
END_TEST

RUN_TESTS("shutdown (RFC 9260 9.2)", s9_2_queued_data_goes_first, s9_2_pending_retransmits,
          s9_2_pending_receives, s9_2_t2_shutdown_sent, s9_2_t2_gives_up, s9_2_t2_shutdown_ack_sent,
          s9_2_data_in_shutdown_sent, s9_2_gap_in_shutdown_sent, s9_2_t5_guard,
          s9_2_unacknowledged_for_ever, s9_2_shut_window_is_waited_for, s9_2_shutdown_acknowledges,
          s3_3_8_shutdown_is_no_renege, s6_2_1_shutdown_shows_a_renege,
          s9_2_user_shutdown_in_shutdown_received, s9_2_shutdown_in_pending,
          s9_2_shutdown_while_connecting, s9_2_user_shutdown_while_connecting,
          s8_4_5_shutdown_complete_again, s9_2_unread_data_survives, released_while_shutting_down,
          released_alive, s9_2_crossing_shutdowns, s9_2_lost_shutdown_chunks, s9_2_shutdown_again,
          s9_2_user_shutdown_again, released_and_the_peer_goes_on, s9_2_any_packet_clears_the_count)
