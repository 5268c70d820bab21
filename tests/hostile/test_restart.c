/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * H22, H25, H29: INITs and good cookies that meet an association, in every state, once and again
 * (RFC 9260 5.2.1, 5.2.2, 5.2.4 and its table 12, 9.2; RFC 5062 3).
 */
#include "support/hostile.h"

#include <stdlib.h>
#include <string.h>

#define NEW_TAG 0x0badf00du
#define NEW_TSN 77000u

static bool contains(const uint8_t *bytes, size_t count, uint32_t value) {
    for (size_t i = 0; i + 4 <= count; i++)
        if (load32(bytes + i) == value)
            return true;
    return false;
}

/* ---- H22 ---- */

/* INIT ACK, and the TCB is as it was; what the cookie is good for is in H25. */
START_TEST(h22_same_addresses) {
    EACH_TCB_STATE(state) {
        struct scripted_peer *p = hostile_peer(state);
        for (unsigned lists = 0; lists < 2; lists++) {
            peer_init(p, NEW_TAG);
            if (lists)
                peer_add_addresses(p, 0, 1);
            if (state == USCTP_SHUTDOWN_ACK_SENT) { /* 9.2 */
                hostile_answered(p, "SHUTDOWN_ACK");
                hostile_require_reply_to(p, p->peer_tag);
                continue;
            }
            hostile_answered(p, "INIT_ACK *");
            hostile_require_reply_to(p, NEW_TAG);
            bool forming = state <= USCTP_COOKIE_ECHOED;
            REQUIRE_EQ(p->took.tag == p->engine_tag, forming); /* 5.2.1, 5.2.2: new or the same */
        }
        hostile_carry_on(p, state);
    }
}
END_TEST

/* RFC 5062 3.3: tie-tags are nonces; no tag of the association can be read in the cookie. */
START_TEST(h22_tie_tags_are_nonces) {
    EACH_OPEN_STATE(state) {
        if (state == USCTP_SHUTDOWN_ACK_SENT)
            continue;
        struct scripted_peer *p = hostile_peer(state);
        struct saved_cookie *cookie = hostile_new_cookie(p, NEW_TAG, NEW_TSN);
        REQUIRE(
            contains(cookie->bytes, cookie->count, NEW_TAG)); /* the search finds what is there */
        REQUIRE(!contains(cookie->bytes, cookie->count, p->engine_tag));
        REQUIRE(!contains(cookie->bytes, cookie->count, p->peer_tag));
        free(cookie);
        hostile_carry_on(p, state);
    }
}
END_TEST

static void new_address(enum usctp_assoc_state state, bool listed, bool from_it) {
    struct scripted_peer *p = hostile_peer_with(state, (struct peer_options){0});
    const struct usctp_addr added = {.family = USCTP_FAMILY_IPV4, .ipv4 = {203, 0, 113, 7}};
    struct hostile_mark m = hostile_mark(p);
    peer_init(p, NEW_TAG);
    peer_add_addresses(p, 0, 1);
    if (listed) {
        builder_param(&p->out, 5);
        builder_bytes(&p->out, added.ipv4, 4);
    }
    hostile_put(p, hostile_close(p), from_it ? &added : &p->peer_addr[0], &p->engine_addr[0]);
    bool is_ack_sent = state == USCTP_SHUTDOWN_ACK_SENT;
    if (is_ack_sent) {
        peer_take_packet(p, "SHUTDOWN_ACK");
    } else if (state == USCTP_COOKIE_WAIT) {
        /* 5.2.1: INIT ACK, to an address that our user gave. */
        if (peer_take_if(p, "INIT_ACK *"))
            REQUIRE_EQ(p->took_path, 0);
    } else {
        peer_take_packet(p, "ABORT T=0 causes=[11]");
        REQUIRE_EQ(p->took_tag, NEW_TAG);
        size_t bytes;
        const uint8_t *list = reader_param(&p->took, 11, 0, &bytes);
        const uint8_t expected[8] = {0, 5, 0, 8, 203, 0, 113, 7};
        REQUIRE(list != NULL);
        REQUIRE_EQ(bytes, sizeof expected);
        REQUIRE(memcmp(list, expected, sizeof expected) == 0);
    }
    peer_expect_nothing(p);
    hostile_require_unchanged(p, &m, is_ack_sent);
    hostile_carry_on(p, state);
}

/* Listed, or the source itself: the INIT is refused with the new address named. */
START_TEST(h22_new_address) {
    EACH_TCB_STATE(state) {
        new_address(state, true, false);
        new_address(state, true, true);
        new_address(state, false, true); /* 5.1.2 D: it lists one of the association's */
    }
}
END_TEST

/* A flood of INITs for an association: nothing is kept for any. */
START_TEST(h22_many_inits) {
    EACH_TCB_STATE(state) {
        struct scripted_peer *p = hostile_peer(state);
        struct hostile_mark m = hostile_mark(p);
        for (uint32_t i = 0; i < 500; i++) {
            peer_init(p, NEW_TAG + i);
            hostile_send(p);
            REQUIRE_EQ(peer_count_packets(p), 1);
            peer_discard(p);
        }
        hostile_require_unchanged(p, &m, state == USCTP_SHUTDOWN_ACK_SENT);
        REQUIRE_EQ(p->env.live_bytes, m.live_bytes);
        hostile_carry_on(p, state);
    }
}
END_TEST

/* ---- H25 ---- */

static void drop_cookie(struct scripted_peer *p, const struct saved_cookie *cookie) {
    hostile_cookie_echo(p, cookie);
    hostile_drop(p, USCTP_DROP_COOKIE);
    hostile_cookie_echo(p, cookie);
    hostile_add_chunk(p, WIRE_DATA); /* goes with it */
    hostile_drop(p, USCTP_DROP_COOKIE);
}

/* Cookies of before there was an association: X X 0 0 (not in the table), X M 0 0 (C; in
 * COOKIE-WAIT, where the peer's tag is not known, not in the table). */
START_TEST(h25_cookie_of_before) {
    EACH_TCB_STATE(state) {
        struct scripted_peer *p = hostile_peer(USCTP_CLOSED);
        struct saved_cookie *other = hostile_new_cookie(p, NEW_TAG, NEW_TSN);
        struct saved_cookie *same = hostile_new_cookie(p, p->peer_tag, p->peer_tsn);
        peer_to_state(p, state);
        REQUIRE(same->tag != p->engine_tag && other->tag != p->engine_tag);
        drop_cookie(p, other);
        drop_cookie(p, same);
        free(other);
        free(same);
        hostile_carry_on(p, state);
    }
}
END_TEST

/* The cookies of H25's other rows are good ones: the twin of the drops above. */
static void accepted(struct scripted_peer *p, const struct saved_cookie *cookie, uint32_t tag) {
    hostile_cookie_echo(p, cookie);
    hostile_send(p);
    peer_take(p, "COOKIE_ACK");
    hostile_require_reply_to(p, tag);
}

/* A, then the same cookie again (D), then one of the time before the restart (X X X X). */
START_TEST(h25_restart_and_replays) {
    for (enum usctp_assoc_state state = USCTP_ESTABLISHED; state <= USCTP_SHUTDOWN_RECEIVED;
         state++) {
        struct scripted_peer *p = hostile_peer(state);
        struct saved_cookie *unused = hostile_new_cookie(p, 0x11111111u, 1);
        struct saved_cookie *restart = hostile_new_cookie(p, NEW_TAG, NEW_TSN);
        uint32_t old_tag = p->engine_tag;
        accepted(p, restart, NEW_TAG);
        REQUIRE_EQ(p->env.state_changes[state][USCTP_ESTABLISHED], 1);
        REQUIRE_EQ(peer_status(p).counters.restarts, 1);
        REQUIRE_EQ(peer_status(p).local_tag, restart->tag);
        p->engine_tag = restart->tag;
        peer_discard(p);
        struct hostile_mark m = hostile_mark(p);
        for (unsigned i = 0; i < 3; i++) { /* D */
            accepted(p, restart, NEW_TAG);
            peer_discard(p);
        }
        hostile_require_unchanged(p, &m, true);
        drop_cookie(p, unused);
        builder_chunk(peer_packet_tag(p, old_tag), WIRE_ABORT, 0);
        hostile_drop(p, USCTP_DROP_TAG);
        REQUIRE_EQ(peer_status(p).counters.restarts, 1);
        REQUIRE_EQ(peer_counters(p).associations, 1);
        free(unused);
        free(restart);
        peer_delete(p);
    }
}
END_TEST

/* B: in COOKIE-WAIT (M 0) and COOKIE-ECHOED (M X); D in COOKIE-ECHOED (M M). Replayed: D. */
START_TEST(h25_collisions_and_replays) {
    for (enum usctp_assoc_state state = USCTP_COOKIE_WAIT; state <= USCTP_COOKIE_ECHOED; state++) {
        for (unsigned same = 0; same < 2; same++) {
            struct scripted_peer *p = hostile_peer(state);
            uint32_t tag = same ? p->peer_tag : NEW_TAG;
            uint32_t tsn = same ? p->peer_tsn : NEW_TSN;
            struct saved_cookie *cookie = hostile_new_cookie(p, tag, tsn);
            REQUIRE_EQ(cookie->tag, p->engine_tag);
            accepted(p, cookie, tag);
            require_state(p, USCTP_ESTABLISHED);
            REQUIRE_EQ(peer_status(p).peer_tag, tag);
            REQUIRE_EQ(peer_status(p).local_tag, cookie->tag);
            struct hostile_mark m = hostile_mark(p);
            for (unsigned i = 0; i < 3; i++) {
                accepted(p, cookie, tag);
                peer_expect_nothing(p);
            }
            hostile_require_unchanged(p, &m, false);
            REQUIRE_EQ(peer_status(p).counters.restarts, 0);
            p->peer_tag = tag;
            p->peer_tsn = tsn;
            free(cookie);
            hostile_carry_on(p, USCTP_ESTABLISHED);
        }
    }
}
END_TEST

/* D in the states behind: the COOKIE ACK was lost, and nothing else changes. */
START_TEST(h25_own_cookie_replayed) {
    EACH_OPEN_STATE(state) {
        struct scripted_peer *p = hostile_passive(state);
        for (unsigned i = 0; i < 3; i++) {
            struct hostile_mark m = hostile_mark(p);
            peer_cookie_echo(p);
            hostile_send(p);
            peer_take(p, "COOKIE_ACK");
            hostile_require_reply_to(p, p->peer_tag);
            peer_discard(p); /* T2's own may come along */
            hostile_require_unchanged(p, &m, true);
        }
        hostile_carry_on(p, state);
    }
}
END_TEST

/* Data that was received is not harmed by a replay, and data bundled with it is taken once. */
START_TEST(h25_replay_with_data) {
    struct scripted_peer *p = hostile_passive(USCTP_ESTABLISHED);
    for (unsigned i = 0; i < 4; i++) {
        peer_cookie_echo(p);
        peer_add_data(p, 0, 0, 0, BIT_BE, 25);
        hostile_send(p);
        peer_take(p, "COOKIE_ACK");
        peer_take(p, "SACK cum=0 *");
    }
    user_expect(p, 0, 0, 25);
    user_expect_nothing(p);
    peer_delete(p);
}
END_TEST

/* The association has ended: within its life the cookie opens another, which is new: with the tags
 * of the cookie and nothing else (5.1.5: no TCB). */
START_TEST(h25_replay_after_the_end) {
    struct scripted_peer *p = hostile_passive(USCTP_ESTABLISHED);
    peer_data(p, 0, 0, 0, BIT_BE, 10);
    peer_discard(p);
    peer_chunk(p, WIRE_ABORT, 0);
    require_closed(p, USCTP_ERR_RESET);
    peer_release(p);
    p->closed = false;
    peer_cookie_echo(p);
    hostile_send(p);
    peer_take_packet(p, "COOKIE_ACK");
    REQUIRE_EQ(peer_counters(p).associations, 1);
    user_expect_nothing(p);
    hostile_carry_on(p, USCTP_ESTABLISHED);
}
END_TEST

/* A restart with fewer streams: those beyond are gone, and nothing is indexed by them. */
START_TEST(h25_restart_with_fewer_streams) {
    struct scripted_peer *p = hostile_peer(USCTP_ESTABLISHED);
    for (unsigned sid = 0; sid < 10; sid++) {
        peer_data(p, (int)sid + 1, sid, 1, BIT_BE, 10); /* SSN 0 and TSN 0 are missing: held */
        user_send(p, sid, 10);
    }
    peer_discard(p);
    p->options.os = p->options.mis = 1;
    struct saved_cookie *cookie = hostile_new_cookie(p, NEW_TAG, NEW_TSN);
    accepted(p, cookie, NEW_TAG);
    p->engine_tag = cookie->tag;
    p->engine_tsn = cookie->tsn;
    p->peer_tag = NEW_TAG;
    p->peer_tsn = NEW_TSN;
    struct usctp_assoc_status status = peer_status(p);
    REQUIRE_EQ(status.inbound_streams, 1);
    REQUIRE_EQ(status.outbound_streams, 1);
    peer_discard(p);
    peer_data(p, 0, 9, 0, BIT_BE, 10);
    peer_take(p, "ERROR causes=[1(sid=9)]");
    peer_data(p, 1, 0, 0, BIT_BE, 10);
    struct usctp_send send = {.sid = 1};
    REQUIRE_EQ(user_try_send(p, &send, 10), USCTP_ERR_INVALID);
    user_send(p, 0, 10);
    free(cookie);
    peer_delete(p);
}
END_TEST

/* ---- H29 ---- */

START_TEST(h29_restart_in_shutdown_ack_sent) {
    struct scripted_peer *p = hostile_peer(USCTP_SHUTDOWN_RECEIVED);
    struct saved_cookie *cookie = hostile_new_cookie(p, NEW_TAG, NEW_TSN);
    peer_sack(p, 0, PEER_RWND, "");
    peer_take(p, "SHUTDOWN_ACK");
    for (unsigned with_data = 0; with_data < 3; with_data++) {
        struct hostile_mark m = hostile_mark(p);
        hostile_cookie_echo(p, cookie);
        if (with_data)
            builder_data_chunk(&p->out, &(struct builder_data){.tsn = NEW_TSN, .bits = BIT_BE}, "x",
                               1);
        hostile_send(p);
        REQUIRE_EQ(peer_count_packets(p), 1);
        peer_take(p, "SHUTDOWN_ACK");
        peer_take(p, "ERROR causes=[10]");
        peer_expect_nothing(p);
        hostile_require_unchanged(p, &m, true);
        REQUIRE_EQ(peer_counters(p).associations, 1);
        REQUIRE(user_read(p).bytes < 0);
    }
    free(cookie);
    hostile_carry_on(p, USCTP_SHUTDOWN_ACK_SENT);
}
END_TEST

RUN_TESTS("H22, H25, H29: restarts and replays", h22_same_addresses, h22_tie_tags_are_nonces,
          h22_new_address, h22_many_inits, h25_cookie_of_before, h25_restart_and_replays,
          h25_collisions_and_replays, h25_own_cookie_replayed, h25_replay_with_data,
          h25_replay_after_the_end, h25_restart_with_fewer_streams,
          h29_restart_in_shutdown_ack_sent)
