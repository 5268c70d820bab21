/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RFC 9260 4, figure 3: one test for each arrow of the state diagram, and for its notes.
 */
#include "support/configs.h"
#include "support/run_tests.h"
#include "support/scripted_peer.h"

static const enum usctp_assoc_state live_states[] = {
    USCTP_COOKIE_WAIT,   USCTP_COOKIE_ECHOED,     USCTP_ESTABLISHED,      USCTP_SHUTDOWN_PENDING,
    USCTP_SHUTDOWN_SENT, USCTP_SHUTDOWN_RECEIVED, USCTP_SHUTDOWN_ACK_SENT};
#define LIVE_STATES (sizeof live_states / sizeof live_states[0])

static uint64_t changes(const struct scripted_peer *p, enum usctp_assoc_state from,
                        enum usctp_assoc_state to) {
    return p->env.state_changes[from][to];
}

START_TEST(closed_receive_init_stays_closed) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_init(p, p->peer_tag);
    peer_send(p);
    peer_take_init_ack(p);
    REQUIRE(p->cookie_bytes > 32);
    REQUIRE_EQ(peer_counters(p).associations, 0);
    peer_run_for(p, 100 * SECOND); /* no timer: nothing is sent again */
    peer_expect_nothing(p);
    peer_delete(p);
}
END_TEST

START_TEST(closed_associate_to_cookie_wait) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_engine_connect(p);
    require_state(p, USCTP_COOKIE_WAIT);
    peer_take_init(p);
    peer_wait(p, "INIT *", SECOND); /* T1-init runs */
    peer_delete(p);
}
END_TEST

START_TEST(closed_receive_cookie_echo_to_established) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_open_passive(p);
    REQUIRE_EQ(peer_counters(p).associations, 1);
    REQUIRE_EQ(peer_counters(p).passive_establishments, 1);
    peer_delete(p);
}
END_TEST

START_TEST(cookie_wait_receive_init_ack_to_cookie_echoed) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_to_state(p, USCTP_COOKIE_ECHOED);
    REQUIRE_EQ(changes(p, USCTP_COOKIE_WAIT, USCTP_COOKIE_ECHOED), 1);
    peer_wait(p, "COOKIE_ECHO *", SECOND); /* T1-cookie runs */
    peer_run_for(p, 100 * SECOND);
    peer_expect_none(p, "INIT *"); /* T1-init does not */
    peer_delete(p);
}
END_TEST

START_TEST(cookie_echoed_receive_cookie_ack_to_established) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_to_state(p, USCTP_ESTABLISHED);
    REQUIRE_EQ(changes(p, USCTP_COOKIE_ECHOED, USCTP_ESTABLISHED), 1);
    REQUIRE_EQ(peer_counters(p).active_establishments, 1);
    peer_run_for(p, 100 * SECOND); /* T1-cookie stopped */
    peer_expect_nothing(p);
    peer_delete(p);
}
END_TEST

START_TEST(any_receive_abort_to_closed) {
    for (size_t i = 0; i < LIVE_STATES; i++) {
        struct scripted_peer *p = PEER(.configure = quiet);
        peer_to_state(p, live_states[i]);
        peer_chunk(p, WIRE_ABORT, 0);
        require_closed(p,
                       live_states[i] == USCTP_COOKIE_WAIT || live_states[i] == USCTP_COOKIE_ECHOED
                           ? USCTP_ERR_REFUSED
                           : USCTP_ERR_RESET);
        peer_run_for(p, 200 * SECOND);
        peer_expect_nothing(p); /* 3.3.7: no answer, and no timer is left */
        peer_release(p);
        peer_delete(p);
    }
}
END_TEST

START_TEST(any_abort_to_closed) {
    for (size_t i = 0; i < LIVE_STATES; i++) {
        struct scripted_peer *p = PEER(.configure = quiet);
        peer_to_state(p, live_states[i]);
        user_abort(p, "enough");
        if (live_states[i] == USCTP_COOKIE_WAIT) {
            peer_take_if(p, "ABORT *"); /* whose tag nobody knows: useless, not forbidden */
        } else {
            peer_take(p, "ABORT T=0 causes=[12(\"enough\")]");
            REQUIRE_EQ(p->took_tag, p->peer_tag);
        }
        require_closed(p, USCTP_ERR_ABORTED);
        peer_run_for(p, 200 * SECOND);
        peer_expect_nothing(p);
        peer_release(p);
        peer_delete(p);
    }
}
END_TEST

START_TEST(established_shutdown_to_shutdown_pending) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_to_state(p, USCTP_SHUTDOWN_PENDING);
    REQUIRE_EQ(changes(p, USCTP_ESTABLISHED, USCTP_SHUTDOWN_PENDING), 1);
    peer_expect_none(p, "SHUTDOWN *"); /* DATA is outstanding */
    peer_delete(p);
}
END_TEST

START_TEST(shutdown_pending_nothing_outstanding_to_shutdown_sent) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_to_state(p, USCTP_SHUTDOWN_PENDING);
    peer_sack(p, 0, 131072, "");
    peer_take(p, "SHUTDOWN cum=-1");
    require_state(p, USCTP_SHUTDOWN_SENT);
    peer_wait(p, "SHUTDOWN cum=-1", 3 * SECOND); /* T2-shutdown runs */
    peer_delete(p);
}
END_TEST

START_TEST(established_receive_shutdown_to_shutdown_received) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_to_state(p, USCTP_SHUTDOWN_RECEIVED);
    REQUIRE_EQ(changes(p, USCTP_ESTABLISHED, USCTP_SHUTDOWN_RECEIVED), 1);
    peer_expect_none(p, "SHUTDOWN_ACK"); /* DATA is outstanding */
    REQUIRE(peer_saw_event(p, USCTP_EVENT_PEER_SHUTDOWN));
    peer_delete(p);
}
END_TEST

START_TEST(shutdown_received_nothing_outstanding_to_shutdown_ack_sent) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_to_state(p, USCTP_SHUTDOWN_RECEIVED);
    peer_sack(p, 0, 131072, "");
    peer_take(p, "SHUTDOWN_ACK");
    require_state(p, USCTP_SHUTDOWN_ACK_SENT);
    REQUIRE_EQ(changes(p, USCTP_SHUTDOWN_RECEIVED, USCTP_SHUTDOWN_ACK_SENT), 1);
    peer_wait(p, "SHUTDOWN_ACK", 3 * SECOND); /* T2-shutdown runs */
    peer_delete(p);
}
END_TEST

START_TEST(shutdown_sent_receive_shutdown_ack_to_closed) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_to_state(p, USCTP_SHUTDOWN_SENT);
    peer_chunk(p, WIRE_SHUTDOWN_ACK, 0);
    peer_take(p, "SHUTDOWN_COMPLETE T=0"); /* 8.5.1 C: there is a TCB */
    REQUIRE_EQ(p->took_tag, p->peer_tag);
    require_closed(p, 0);
    peer_run_for(p, 400 * SECOND);
    peer_expect_nothing(p);
    peer_release(p);
    peer_delete(p);
}
END_TEST

START_TEST(shutdown_sent_receive_shutdown_to_shutdown_ack_sent) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_to_state(p, USCTP_SHUTDOWN_SENT);
    peer_shutdown(p, -1);
    peer_take(p, "SHUTDOWN_ACK");
    require_state(p, USCTP_SHUTDOWN_ACK_SENT);
    REQUIRE_EQ(changes(p, USCTP_SHUTDOWN_SENT, USCTP_SHUTDOWN_ACK_SENT), 1);
    uint64_t at = p->took_us;
    peer_wait(p, "SHUTDOWN_ACK", 3 * SECOND); /* 9.2: T2-shutdown restarted */
    REQUIRE_EQ(p->took_us, at + SECOND);
    peer_expect_none(p, "SHUTDOWN *");
    peer_delete(p);
}
END_TEST

START_TEST(shutdown_ack_sent_receive_shutdown_complete_to_closed) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_to_state(p, USCTP_SHUTDOWN_ACK_SENT);
    peer_chunk(p, WIRE_SHUTDOWN_COMPLETE, 0);
    require_closed(p, 0);
    peer_run_for(p, 400 * SECOND);
    peer_expect_nothing(p);
    peer_release(p);
    peer_delete(p);
}
END_TEST

START_TEST(shutdown_ack_sent_receive_shutdown_ack_to_closed) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_to_state(p, USCTP_SHUTDOWN_ACK_SENT);
    peer_chunk(p, WIRE_SHUTDOWN_ACK, 0);
    peer_take(p, "SHUTDOWN_COMPLETE T=0");
    REQUIRE_EQ(p->took_tag, p->peer_tag);
    require_closed(p, 0);
    peer_run_for(p, 400 * SECOND);
    peer_expect_nothing(p);
    peer_delete(p);
}
END_TEST

/* Note 1: an invalid cookie is silently discarded; the state stays CLOSED. */
START_TEST(note_1_invalid_cookie) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_init(p, p->peer_tag);
    peer_send(p);
    peer_take_init_ack(p);
    p->cookie[p->cookie_bytes / 2] ^= 1;
    peer_cookie_echo(p);
    peer_send(p);
    peer_expect_nothing(p);
    REQUIRE_EQ(peer_counters(p).associations, 0);
    peer_delete(p);
}
END_TEST

/* Note 1: an expired cookie is answered with ERROR; the state stays CLOSED. */
START_TEST(note_1_expired_cookie) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_init(p, p->peer_tag);
    peer_send(p);
    peer_take_init_ack(p);
    peer_run_for(p, 61 * SECOND);
    peer_cookie_echo(p);
    peer_send(p);
    peer_take(p, "ERROR causes=[3]");
    REQUIRE_EQ(p->took_tag, p->peer_tag);
    peer_expect_nothing(p);
    REQUIRE_EQ(peer_counters(p).associations, 0);
    peer_delete(p);
}
END_TEST

/* Note 4: in SHUTDOWN-SENT every received DATA chunk is acknowledged without delay. */
START_TEST(note_4_shutdown_sent_acknowledges_at_once) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_to_state(p, USCTP_SHUTDOWN_SENT);
    for (int tsn = 0; tsn < 5; tsn++) {
        uint64_t at = p->now_us;
        peer_data(p, tsn, 0, (unsigned)tsn, BIT_BE, 100);
        char pattern[40];
        snprintf(pattern, sizeof pattern, "SHUTDOWN cum=%d", tsn);
        peer_take(p, pattern);
        REQUIRE_EQ(p->took_us, at);
        peer_take_if(p, "SACK *");
        peer_run_for(p, 10 * MS);
    }
    for (unsigned ssn = 0; ssn < 5; ssn++)
        user_expect(p, 0, ssn, 100);
    peer_delete(p);
}
END_TEST

/* Notes 5 and 7, 9.2: no new send requests once shutdown has begun, from either side. */
START_TEST(notes_5_7_no_new_sends) {
    static const enum usctp_assoc_state states[] = {USCTP_SHUTDOWN_PENDING, USCTP_SHUTDOWN_SENT,
                                                    USCTP_SHUTDOWN_RECEIVED,
                                                    USCTP_SHUTDOWN_ACK_SENT};
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        struct scripted_peer *p = PEER(.configure = quiet);
        peer_to_state(p, states[i]);
        struct usctp_send send = {.sid = 0};
        REQUIRE_EQ(user_try_send(p, &send, 10), USCTP_ERR_SHUTDOWN);
        require_state(p, states[i]);
        peer_expect_none(p, "DATA *");
        peer_delete(p);
    }
}
END_TEST

/* Note 6: SHUTDOWN-RECEIVED goes on transmitting and retransmitting until all is acknowledged. */
START_TEST(note_6_shutdown_received_transmits_the_rest) {
    struct scripted_peer *p = PEER(.configure = eager);
    peer_to_state(p, USCTP_ESTABLISHED);
    for (int i = 0; i < 8; i++)
        user_send(p, 0, 1400);
    size_t sent = peer_count(p, "DATA *");
    REQUIRE(sent >= 3 && sent < 8); /* the initial cwnd lets no more out */
    peer_discard(p);
    peer_shutdown(p, -1);
    require_state(p, USCTP_SHUTDOWN_RECEIVED);
    peer_wait(p, "DATA tsn=0 *", 3 * SECOND); /* retransmitted by T3-rtx */
    for (int cumulative = 0; cumulative < 8; cumulative++) {
        peer_expect_none(p, "SHUTDOWN_ACK");
        peer_sack(p, cumulative, 131072, "");
    }
    peer_take(p, "DATA tsn=7 *");
    peer_take(p, "SHUTDOWN_ACK");
    require_state(p, USCTP_SHUTDOWN_ACK_SENT);
    peer_delete(p);
}
END_TEST

RUN_TESTS("state diagram (RFC 9260 4)", closed_receive_init_stays_closed,
          closed_associate_to_cookie_wait, closed_receive_cookie_echo_to_established,
          cookie_wait_receive_init_ack_to_cookie_echoed,
          cookie_echoed_receive_cookie_ack_to_established, any_receive_abort_to_closed,
          any_abort_to_closed, established_shutdown_to_shutdown_pending,
          shutdown_pending_nothing_outstanding_to_shutdown_sent,
          established_receive_shutdown_to_shutdown_received,
          shutdown_received_nothing_outstanding_to_shutdown_ack_sent,
          shutdown_sent_receive_shutdown_ack_to_closed,
          shutdown_sent_receive_shutdown_to_shutdown_ack_sent,
          shutdown_ack_sent_receive_shutdown_complete_to_closed,
          shutdown_ack_sent_receive_shutdown_ack_to_closed, note_1_invalid_cookie,
          note_1_expired_cookie, note_4_shutdown_sent_acknowledges_at_once, notes_5_7_no_new_sends,
          note_6_shutdown_received_transmits_the_rest)
