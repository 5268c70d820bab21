/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RFC 9260 5.2.4: a COOKIE ECHO that arrives while there is an association: each row of table 12
 * (actions A to D), what no row lists, and expired cookies.
 *
 * In each name: local tag, peer's tag, tie-tags as the table has them (X differs, M matches, 0
 * unknown).
 */
#include "support/configs.h"
#include "support/run_tests.h"
#include "support/scripted_peer.h"

#include <stdlib.h>
#include <string.h>

#define PEER_RWND   131072u
#define RESTART_TAG 0x0badf00du
#define RESTART_TSN 77000u

struct saved_cookie {
    uint8_t bytes[4096];
    size_t count;
    uint32_t tag, tsn; /* of the INIT ACK it came with */
};

/* Sends INIT with `tag`, takes the INIT ACK. */
static struct saved_cookie *new_cookie(struct scripted_peer *p, uint32_t tag, uint32_t tsn) {
    struct saved_cookie *cookie = calloc(1, sizeof *cookie);
    uint32_t peer_tsn = p->peer_tsn;
    size_t bytes;
    p->peer_tsn = tsn;
    peer_init(p, tag);
    p->peer_tsn = peer_tsn;
    peer_send(p);
    peer_take(p, "INIT_ACK *");
    REQUIRE_EQ(p->took_tag, tag);
    const uint8_t *value = reader_param(&p->took, 7, 0, &bytes);
    REQUIRE(cookie != NULL && value != NULL && bytes <= sizeof cookie->bytes);
    memcpy(cookie->bytes, value, bytes);
    cookie->count = bytes;
    cookie->tag = p->took.tag;
    cookie->tsn = p->took.tsn;
    return cookie;
}

static void echo_cookie(struct scripted_peer *p, const struct saved_cookie *cookie) {
    builder_chunk(peer_packet_tag(p, cookie->tag), WIRE_COOKIE_ECHO, 0);
    builder_bytes(&p->out, cookie->bytes, cookie->count);
    peer_send(p);
}

/* The script's peer is from now on the one that made this cookie's INIT. */
static void become(struct scripted_peer *p, const struct saved_cookie *cookie, uint32_t tag,
                   uint32_t tsn) {
    p->engine_tag = cookie->tag;
    p->engine_tsn = cookie->tsn;
    p->peer_tag = tag;
    p->peer_tsn = tsn;
}

/* ---- A: X X M M ---- */

static void restart_from(enum usctp_assoc_state state) {
    struct scripted_peer *p = PEER(.configure = quiet, .subscribe = USCTP_NOTIFY_ASSOC_CHANGE);
    peer_to_state(p, state);
    struct saved_cookie *cookie = new_cookie(p, RESTART_TAG, RESTART_TSN);
    require_state(p, state);
    echo_cookie(p, cookie);
    peer_take(p, "COOKIE_ACK");
    REQUIRE_EQ(p->took_tag, RESTART_TAG);
    REQUIRE(state == USCTP_ESTABLISHED || p->env.state_changes[state][USCTP_ESTABLISHED] == 1);
    if (state == USCTP_SHUTDOWN_PENDING || state == USCTP_SHUTDOWN_SENT)
        peer_take_if(p, "SHUTDOWN *"); /* the user's wish may go on from ESTABLISHED at once */
    else
        require_state(p, USCTP_ESTABLISHED);
    become(p, cookie, RESTART_TAG, RESTART_TSN);
    struct usctp_assoc_status status = peer_status(p);
    REQUIRE_EQ(status.local_tag, cookie->tag);
    REQUIRE_EQ(status.peer_tag, RESTART_TAG);
    REQUIRE_EQ(status.counters.restarts, 1);
    REQUIRE_EQ(peer_path(p, 0).cwnd_bytes, 4404); /* congestion control begins anew */
    user_expect_notification(p, USCTP_NOTIFY_ASSOC_CHANGE, USCTP_RESTART);
    peer_take_if(p, "DATA tsn=0 *"); /* what was queued before MAY be retained */
    peer_data(p, 0, 2, 0, BIT_BE, 30);
    if (!peer_take_if(p, "SHUTDOWN cum=0"))
        peer_take(p, "SACK cum=0 *");
    user_expect(p, 2, 0, 30); /* stream sequence numbers begin anew */
    peer_delete(p);
    free(cookie);
}

START_TEST(action_a_restart) {
    restart_from(USCTP_ESTABLISHED);
    restart_from(USCTP_SHUTDOWN_PENDING);
    restart_from(USCTP_SHUTDOWN_SENT);
    restart_from(USCTP_SHUTDOWN_RECEIVED);
}
END_TEST

/* Our own TSNs and SSNs begin anew as well; old chunks are not mixed in. */
START_TEST(action_a_restart_with_data_outstanding) {
    struct scripted_peer *p = PEER(.configure = eager);
    peer_to_state(p, USCTP_ESTABLISHED);
    for (int i = 0; i < 3; i++)
        user_send(p, 0, 500);
    peer_data(p, 0, 1, 0, BIT_BE, 10);
    peer_data(p, 2, 1, 2, BIT_BE, 10); /* held: SSN 1 is missing */
    peer_discard(p);
    struct saved_cookie *cookie = new_cookie(p, RESTART_TAG, RESTART_TSN);
    echo_cookie(p, cookie);
    peer_take(p, "COOKIE_ACK");
    become(p, cookie, RESTART_TAG, RESTART_TSN);
    user_expect(p, 1, 0, 10); /* received before the restart */
    int tsn = 0;
    while (peer_take_if(
        p, "DATA *")) { /* retained or not: from the new initial TSN, with SSNs from 0 */
        REQUIRE_EQ(p->took.tsn, cookie->tsn + (uint32_t)tsn);
        REQUIRE_EQ(p->took.ssn, tsn);
        tsn++;
    }
    if (tsn > 0)
        peer_sack(p, tsn - 1, PEER_RWND, "");
    user_send(p, 0, 60);
    peer_take(p, "DATA * len=60");
    REQUIRE_EQ(p->took.tsn, cookie->tsn + (uint32_t)tsn);
    REQUIRE_EQ(p->took.ssn, tsn);
    REQUIRE_EQ(p->took_tag, RESTART_TAG);
    peer_data(p, 0, 1, 0, BIT_BE, 11);
    user_expect(p, 1, 0, 11);
    peer_data(p, 1, 1, 1, BIT_BE, 12);
    user_expect(p, 1, 1, 12);
    user_expect_nothing(p); /* the held one is gone */
    peer_delete(p);
    free(cookie);
}
END_TEST

/* Old packets have the old tag. */
START_TEST(action_a_old_tag_is_dead) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_to_state(p, USCTP_ESTABLISHED);
    uint32_t old = p->engine_tag;
    struct saved_cookie *cookie = new_cookie(p, RESTART_TAG, RESTART_TSN);
    echo_cookie(p, cookie);
    peer_discard(p);
    become(p, cookie, RESTART_TAG, RESTART_TSN);
    builder_chunk(peer_packet_tag(p, old), WIRE_ABORT, 0);
    peer_send(p);
    require_state(p, USCTP_ESTABLISHED);
    peer_expect_nothing(p);
    peer_delete(p);
    free(cookie);
}
END_TEST

/* 6.4, 5.4 rule 2: COOKIE ACK goes where the COOKIE ECHO came from; only the address of the INIT
 * ACK is confirmed. */
START_TEST(action_a_restart_on_another_path) {
    struct scripted_peer *p = PEER(.paths = 2, .connect_to_all = true, .hold_heartbeats = true);
    peer_open_active(p);
    peer_discard(p);
    p->peer_tsn = RESTART_TSN;
    peer_init(p, RESTART_TAG);
    peer_add_addresses(p, 0, 2);
    peer_send_on(p, 1);
    p->peer_tag = RESTART_TAG;
    peer_take_init_ack(p);
    REQUIRE_EQ(p->took_path, 1);
    for (int round = 0; round < 3; round++) { /* action A, then D */
        peer_cookie_echo(p);
        peer_send_on(p, 1);
        peer_take(p, "COOKIE_ACK");
        REQUIRE_EQ(p->took_path, 1);
        REQUIRE_EQ(p->took_tag, RESTART_TAG);
    }
    REQUIRE_EQ(peer_path(p, 1).state, USCTP_PATH_STATE_ACTIVE);
    REQUIRE_EQ(peer_path(p, 0).state, USCTP_PATH_STATE_UNCONFIRMED);
    user_send(p, 0, 100);
    peer_take(p, "DATA tsn=0 *");
    REQUIRE_EQ(p->took_path, 1);
    peer_sack_on(p, 1, 0, PEER_RWND, "");
    p->options.hold_heartbeats = false; /* now the probes are answered */
    peer_run_for(p, 10 * SECOND);
    REQUIRE_EQ(peer_path(p, 0).state, USCTP_PATH_STATE_ACTIVE);
    REQUIRE_EQ(peer_path(p, 1).state, USCTP_PATH_STATE_ACTIVE);
    peer_delete(p);
}
END_TEST

/* A in SHUTDOWN-ACK-SENT: no new association; SHUTDOWN ACK again, and ERROR with cause 10. */
START_TEST(action_a_in_shutdown_ack_sent) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_to_state(p, USCTP_SHUTDOWN_RECEIVED);
    struct saved_cookie *cookie = new_cookie(p, RESTART_TAG, RESTART_TSN);
    peer_sack(p, 0, PEER_RWND, "");
    peer_take(p, "SHUTDOWN_ACK");
    echo_cookie(p, cookie);
    peer_take(p, "SHUTDOWN_ACK");
    peer_take(p, "ERROR causes=[10]");
    peer_expect_nothing(p);
    require_state(p, USCTP_SHUTDOWN_ACK_SENT);
    REQUIRE_EQ(peer_status(p).counters.restarts, 0);
    peer_delete(p);
    free(cookie);
}
END_TEST

/* ---- B: M X A A, M 0 A A ---- */

/* M 0: in COOKIE-WAIT the peer's tag is not known yet. */
START_TEST(action_b_peer_tag_unknown) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_to_state(p, USCTP_COOKIE_WAIT);
    struct saved_cookie *cookie = new_cookie(p, RESTART_TAG, RESTART_TSN);
    REQUIRE_EQ(cookie->tag, p->engine_tag); /* 5.2.1 */
    echo_cookie(p, cookie);
    peer_take(p, "COOKIE_ACK");
    REQUIRE_EQ(p->took_tag, RESTART_TAG);
    require_state(p, USCTP_ESTABLISHED);
    REQUIRE_EQ(peer_status(p).peer_tag, RESTART_TAG);
    become(p, cookie, RESTART_TAG, RESTART_TSN);
    peer_data(p, 0, 0, 0, BIT_BE, 10);
    peer_take(p, "SACK cum=0 *");
    peer_run_for(p, 100 * SECOND); /* T1-init stopped */
    peer_expect_nothing(p);
    peer_delete(p);
    free(cookie);
}
END_TEST

/* M X in COOKIE-ECHOED: the peer has a new tag; T1-cookie stops. */
START_TEST(action_b_in_cookie_echoed) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_to_state(p, USCTP_COOKIE_ECHOED);
    struct saved_cookie *cookie = new_cookie(p, RESTART_TAG, RESTART_TSN);
    REQUIRE_EQ(cookie->tag, p->engine_tag);
    echo_cookie(p, cookie);
    peer_take(p, "COOKIE_ACK");
    REQUIRE_EQ(p->took_tag, RESTART_TAG);
    require_state(p, USCTP_ESTABLISHED);
    become(p, cookie, RESTART_TAG, RESTART_TSN);
    peer_run_for(p, 100 * SECOND);
    peer_expect_nothing(p);
    user_send(p, 0, 10);
    peer_take(p, "DATA tsn=0 *");
    REQUIRE_EQ(p->took_tag, RESTART_TAG);
    peer_data(p, 0, 0, 0, BIT_BE, 10);
    peer_take(p, "SACK cum=0 *");
    peer_delete(p);
    free(cookie);
}
END_TEST

/* M X in ESTABLISHED: "stay in ... ESTABLISHED, but update the peer's Verification Tag". */
START_TEST(action_b_in_established) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_to_state(p, USCTP_COOKIE_ECHOED);
    struct saved_cookie *cookie = new_cookie(p, RESTART_TAG, RESTART_TSN);
    peer_chunk(p, WIRE_COOKIE_ACK, 0);
    require_state(p, USCTP_ESTABLISHED);
    REQUIRE_EQ(peer_status(p).peer_tag, p->peer_tag);
    echo_cookie(p, cookie);
    peer_take(p, "COOKIE_ACK");
    REQUIRE_EQ(p->took_tag, RESTART_TAG);
    require_state(p, USCTP_ESTABLISHED);
    REQUIRE_EQ(peer_status(p).peer_tag, RESTART_TAG);
    REQUIRE_EQ(peer_status(p).counters.restarts, 0);
    peer_delete(p);
    free(cookie);
}
END_TEST

/* ---- C: X M 0 0 ---- */

/* Our cookie of before we connected ourselves: silently discarded, nothing changes, timers run on.
 */
START_TEST(action_c_in_cookie_echoed) {
    struct scripted_peer *p = PEER(.configure = quiet);
    struct saved_cookie *cookie = new_cookie(p, p->peer_tag, p->peer_tsn);
    peer_to_state(p, USCTP_COOKIE_ECHOED); /* the peer keeps its tag, we have a new one */
    REQUIRE(p->engine_tag != cookie->tag);
    uint64_t at = p->now_us;
    peer_run_for(p, 500 * MS);
    echo_cookie(p, cookie);
    peer_expect_nothing(p);
    require_state(p, USCTP_COOKIE_ECHOED);
    peer_wait(p, "COOKIE_ECHO *", SECOND);
    REQUIRE_EQ(p->took_us, at + SECOND);
    peer_delete(p);
    free(cookie);
}
END_TEST

START_TEST(action_c_in_established) {
    struct scripted_peer *p = PEER(.configure = quiet);
    struct saved_cookie *cookie = new_cookie(p, p->peer_tag, p->peer_tsn);
    peer_to_state(p, USCTP_ESTABLISHED);
    echo_cookie(p, cookie);
    peer_expect_nothing(p);
    require_state(p, USCTP_ESTABLISHED);
    REQUIRE_EQ(peer_status(p).local_tag, p->engine_tag);
    peer_delete(p);
    free(cookie);
}
END_TEST

/* ---- D: M M A A ---- */

START_TEST(action_d_in_cookie_echoed) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_to_state(p, USCTP_COOKIE_ECHOED);
    struct saved_cookie *cookie =
        new_cookie(p, p->peer_tag, p->peer_tsn); /* a collision: the same tag of the peer's */
    REQUIRE_EQ(cookie->tag, p->engine_tag);
    echo_cookie(p, cookie);
    peer_take(p, "COOKIE_ACK");
    REQUIRE_EQ(p->took_tag, p->peer_tag);
    require_state(p, USCTP_ESTABLISHED);
    peer_run_for(p, 100 * SECOND); /* T1-cookie stopped */
    peer_expect_nothing(p);
    peer_delete(p);
    free(cookie);
}
END_TEST

/* The COOKIE ACK was lost: it is sent again, and data that came in between is not harmed. */
START_TEST(action_d_in_established) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_open_passive(p);
    peer_data(p, 0, 0, 0, BIT_BE, 10);
    peer_discard(p);
    for (int i = 0; i < 3; i++) {
        peer_cookie_echo(p);
        peer_send(p);
        peer_take(p, "COOKIE_ACK");
        REQUIRE_EQ(p->took_tag, p->peer_tag);
        peer_take_if(p, "SACK cum=0 *"); /* may be bundled */
        peer_expect_nothing(p);
        require_state(p, USCTP_ESTABLISHED);
    }
    user_expect(p, 0, 0, 10);
    peer_data(p, 1, 0, 1, BIT_BE, 10);
    user_expect(p, 0, 1, 10);
    REQUIRE_EQ(peer_counters(p).associations, 1);
    peer_delete(p);
}
END_TEST

/* DATA bundled with the repeated COOKIE ECHO is taken. */
START_TEST(action_d_keeps_the_data) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_open_passive(p);
    peer_cookie_echo(p);
    peer_add_data(p, 0, 0, 0, BIT_BE, 25);
    peer_send(p);
    peer_take(p, "COOKIE_ACK");
    peer_take(p, "SACK cum=0 *");
    user_expect(p, 0, 0, 25);
    peer_delete(p);
}
END_TEST

/* ---- not listed: silently discarded ---- */

/* X X 0 0: a cookie of before, with another tag of the peer's. */
START_TEST(unlisted_x_x_0_0) {
    struct scripted_peer *p = PEER(.configure = quiet);
    struct saved_cookie *cookie = new_cookie(p, RESTART_TAG, RESTART_TSN);
    peer_open_passive(p);
    echo_cookie(p, cookie);
    peer_expect_nothing(p);
    require_state(p, USCTP_ESTABLISHED);
    REQUIRE_EQ(peer_status(p).peer_tag, p->peer_tag);
    REQUIRE_EQ(peer_counters(p).associations, 1);
    peer_delete(p);
    free(cookie);
}
END_TEST

/* X X X X: a restart cookie of an association that has meanwhile been restarted by another one. */
START_TEST(unlisted_x_x_x_x) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_to_state(p, USCTP_ESTABLISHED);
    struct saved_cookie *first = new_cookie(p, 0x11111111u, 1);
    struct saved_cookie *second = new_cookie(p, RESTART_TAG, RESTART_TSN);
    echo_cookie(p, second);
    peer_take(p, "COOKIE_ACK");
    peer_discard(p);
    echo_cookie(p, first);
    peer_expect_nothing(p);
    REQUIRE_EQ(peer_status(p).peer_tag, RESTART_TAG);
    REQUIRE_EQ(peer_status(p).counters.restarts, 1);
    peer_delete(p);
    free(first);
    free(second);
}
END_TEST

/* X 0: in COOKIE-WAIT, a cookie of before. */
START_TEST(unlisted_x_0_0_0) {
    struct scripted_peer *p = PEER(.configure = quiet);
    struct saved_cookie *cookie = new_cookie(p, RESTART_TAG, RESTART_TSN);
    peer_to_state(p, USCTP_COOKIE_WAIT);
    echo_cookie(p, cookie);
    peer_expect_nothing(p);
    require_state(p, USCTP_COOKIE_WAIT);
    peer_delete(p);
    free(cookie);
}
END_TEST

/* ---- 5.2.4 steps 2 and 3 ---- */

/* An expired cookie whose tags do not match: ERROR Stale Cookie; the association is untouched. */
START_TEST(step_3_expired_and_other_tags) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_to_state(p, USCTP_ESTABLISHED);
    struct saved_cookie *cookie = new_cookie(p, RESTART_TAG, RESTART_TSN);
    peer_run_for(p, 61 * SECOND);
    echo_cookie(p, cookie);
    peer_take(p, "ERROR causes=[3]");
    peer_expect_nothing(p);
    require_state(p, USCTP_ESTABLISHED);
    REQUIRE_EQ(peer_status(p).peer_tag, p->peer_tag);
    REQUIRE_EQ(peer_status(p).counters.restarts, 0);
    peer_delete(p);
    free(cookie);
}
END_TEST

/* An expired cookie whose tags match is valid (case E of 5.2). */
START_TEST(step_3_expired_and_same_tags) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_open_passive(p);
    peer_run_for(p, 100 * SECOND);
    peer_cookie_echo(p);
    peer_send(p);
    peer_take(p, "COOKIE_ACK");
    peer_expect_nothing(p);
    require_state(p, USCTP_ESTABLISHED);
    peer_delete(p);
}
END_TEST

START_TEST(step_2_altered) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_to_state(p, USCTP_ESTABLISHED);
    struct saved_cookie *cookie = new_cookie(p, RESTART_TAG, RESTART_TSN);
    for (size_t i = 0; i < cookie->count; i += 3) {
        cookie->bytes[i] ^= 0x10;
        echo_cookie(p, cookie);
        peer_expect_nothing(p);
        cookie->bytes[i] ^= 0x10;
    }
    require_state(p, USCTP_ESTABLISHED);
    REQUIRE_EQ(peer_status(p).counters.restarts, 0);
    peer_delete(p);
    free(cookie);
}
END_TEST

/* A restart with fewer addresses: the others are gone, what is left works, whichever was the
 * primary one. */
START_TEST(action_a_restart_with_fewer_addresses) {
    for (unsigned left = 1; left < 16; left++) { /* the addresses that the INIT lists */
        struct scripted_peer *p = PEER(.paths = 4, .connect_to_all = true, .ipv6_paths = 4);
        unsigned first = 0, count = 0;
        while (!(left >> first & 1u))
            first++;
        peer_open_active(p);
        peer_discard(p);
        uint32_t last = (uint32_t)usctp_path_find(p->engine, p->assoc, &p->peer_addr[3]);
        REQUIRE_EQ(usctp_path_set_primary(p->engine, p->assoc, last, p->now_us), 0);
        user_send(p, 0, 50);
        peer_discard(p);
        p->peer_tsn = RESTART_TSN;
        peer_init(p, RESTART_TAG);
        for (unsigned i = 0; i < 4; i++) {
            if (left >> i & 1u) {
                peer_add_addresses(p, i, 1);
                count++;
            }
        }
        peer_send_on(p, first);
        p->peer_tag = RESTART_TAG;
        peer_take_init_ack(p);
        peer_cookie_echo(p);
        peer_send_on(p, first);
        peer_take(p, "COOKIE_ACK");
        REQUIRE_EQ(p->took_path, (int)first);
        REQUIRE_EQ(peer_status(p).path_count, count);
        for (unsigned i = 0; i < 4; i++) {
            int found = usctp_path_find(p->engine, p->assoc, &p->peer_addr[i]);
            REQUIRE_EQ(found >= 0 && (uint32_t)found < count, left >> i & 1u);
        }
        peer_run_for(p, 40 * SECOND); /* confirmed, and heartbeats on each */
        uint64_t heartbeats = 0;
        for (unsigned i = 0; i < 4; i++) {
            if (left >> i & 1u) {
                REQUIRE_EQ(peer_path(p, i).state, USCTP_PATH_STATE_ACTIVE);
                heartbeats += peer_path(p, i).heartbeats_out;
            }
        }
        REQUIRE(heartbeats >= count);
        peer_discard(p);
        peer_packet(p);
        peer_add_data(p, 0, 0, 0, BIT_BE, 10);
        peer_send_on(p, first);
        user_expect(p, 0, 0, 10);
        peer_run_for(p, 100 * SECOND);
        REQUIRE(peer_status(p).primary_path < count);
        peer_delete(p);
    }
}
END_TEST

/* Counters and states of paths begin anew too. */
START_TEST(action_a_restart_clears_errors) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_to_state(p, USCTP_ESTABLISHED);
    user_send(p, 0, 100);
    peer_run_for(p, 8 * SECOND);
    REQUIRE(peer_path(p, 0).error_count >= 3);
    peer_discard(p);
    struct saved_cookie *cookie = new_cookie(p, RESTART_TAG, RESTART_TSN);
    echo_cookie(p, cookie);
    peer_take(p, "COOKIE_ACK");
    REQUIRE_EQ(peer_path(p, 0).error_count, 0);
    REQUIRE_EQ(peer_path(p, 0).state, USCTP_PATH_STATE_ACTIVE);
    REQUIRE_EQ(peer_path(p, 0).cwnd_bytes, 4404);
    peer_delete(p);
    free(cookie);
}
END_TEST

RUN_TESTS("COOKIE ECHO with a TCB (RFC 9260 5.2.4, table 12)", action_a_restart,
          action_a_restart_with_data_outstanding, action_a_old_tag_is_dead,
          action_a_restart_on_another_path, action_a_in_shutdown_ack_sent,
          action_b_peer_tag_unknown, action_b_in_cookie_echoed, action_b_in_established,
          action_c_in_cookie_echoed, action_c_in_established, action_d_in_cookie_echoed,
          action_d_in_established, action_d_keeps_the_data, unlisted_x_x_0_0, unlisted_x_x_x_x,
          unlisted_x_0_0_0, step_3_expired_and_other_tags, step_3_expired_and_same_tags,
          step_2_altered, action_a_restart_with_fewer_addresses, action_a_restart_clears_errors)
