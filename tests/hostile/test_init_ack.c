/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * H35, H37 to H39: INIT ACKs in states that do not wait for one, without what they must have, from
 * and with strange addresses, and with cookies of any size (RFC 9260 3.3.3, 5.1, 5.1.2, 5.2.3, 5.4,
 * 8.5; errata 7148, 7852).
 */
#include "support/hostile.h"

#include <stdlib.h>
#include <string.h>

#define COOKIE_BYTES 64u

static const struct builder_init good_values = {
    .tag = 0x55667788u, .rwnd = 65536, .tsn = 1, .os = 5, .mis = 5};

/* A packet with this tag and INIT ACK; with a cookie. */
static void start_init_ack(struct scripted_peer *p, uint32_t packet_tag,
                           const struct builder_init *values) {
    builder_init_chunk(peer_packet_tag(p, packet_tag), WIRE_INIT_ACK, values);
    peer_add_cookie(p, COOKIE_BYTES);
}

static const struct builder_init bad_values[] = {
    {.tag = 0, .rwnd = 65536, .tsn = 1, .os = 5, .mis = 5},
    {.tag = 0x55667788u, .rwnd = 65536, .tsn = 1, .os = 0, .mis = 5},
    {.tag = 0x55667788u, .rwnd = 65536, .tsn = 1, .os = 5, .mis = 0},
    {.tag = 0x55667788u, .rwnd = 1499, .tsn = 1, .os = 5, .mis = 5},
    {.tag = 0x55667788u, .rwnd = 0, .tsn = 1, .os = 5, .mis = 5},
};
#define BAD_VALUES (sizeof bad_values / sizeof bad_values[0])

/* ---- H35 ---- */

/* The tag is looked at before anything in the chunk is: the TCB survives. */
START_TEST(h35_bad_init_ack_with_a_wrong_tag) {
    EACH_TCB_STATE(state) {
        struct scripted_peer *p = hostile_peer(state);
        const uint32_t wrong[] = {p->engine_tag + 1, ~p->engine_tag, p->peer_tag, 1};
        for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
            for (size_t k = 0; k < BAD_VALUES; k++) {
                start_init_ack(p, wrong[i], &bad_values[k]);
                hostile_drop(p, USCTP_DROP_TAG);
            }
            start_init_ack(p, wrong[i], &good_values);
            hostile_drop(p, USCTP_DROP_TAG);
            peer_packet_tag(p, wrong[i]); /* no cookie either */
            builder_init_chunk(&p->out, WIRE_INIT_ACK, &bad_values[0]);
            hostile_drop(p, USCTP_DROP_TAG);
        }
        /* Tag 0, as an INIT has, is for INITs. */
        start_init_ack(p, 0, &good_values);
        hostile_drop(p, USCTP_DROP_TAG);
        start_init_ack(p, 0, &bad_values[0]);
        hostile_drop(p, USCTP_DROP_TAG);
        hostile_carry_on(p, state); /* in COOKIE-WAIT: with a good INIT ACK and the right tag */
    }
}
END_TEST

/* ---- H37 ---- */

/* 5.2.3: in every other state it is discarded, good or bad. */
START_TEST(h37_init_ack_in_other_states) {
    EACH_TCB_STATE(state) {
        if (state == USCTP_COOKIE_WAIT)
            continue;
        struct scripted_peer *p = hostile_peer(state);
        hostile_good_packet(p);
        hostile_send(p);
        hostile_require_taken(p);
        start_init_ack(p, p->engine_tag, &good_values);
        hostile_drop_chunk(p, COUNTED_SOMEHOW);
        for (size_t k = 0; k < BAD_VALUES; k++) {
            start_init_ack(p, p->engine_tag, &bad_values[k]);
            hostile_drop_chunk(p, COUNTED_SOMEHOW);
        }
        builder_init_chunk(peer_packet(p), WIRE_INIT_ACK, &good_values); /* without a cookie */
        hostile_drop_chunk(p, COUNTED_SOMEHOW);
        peer_init_ack(p); /* the one that was answered before */
        peer_add_cookie(p, COOKIE_BYTES);
        hostile_drop_chunk(p, COUNTED_SOMEHOW);
        hostile_carry_on(p, state);
    }
}
END_TEST

/* CLOSED: out of the blue (8.4 rule 8), whatever is in it. */
START_TEST(h37_init_ack_out_of_the_blue) {
    struct scripted_peer *p = hostile_peer(USCTP_CLOSED);
    for (size_t k = 0; k <= BAD_VALUES; k++) {
        start_init_ack(p, STRANGE_TAG, k < BAD_VALUES ? &bad_values[k] : &good_values);
        hostile_answered(p, "ABORT T=1 causes=[]");
        hostile_require_reply_to(p, STRANGE_TAG);
    }
    hostile_carry_on(p, USCTP_CLOSED);
}
END_TEST

static void twin_in_cookie_wait(struct scripted_peer *p) {
    start_init_ack(p, p->engine_tag, &good_values);
    hostile_send(p);
    peer_take_packet(p, "COOKIE_ECHO len=64");
    REQUIRE_EQ(p->took_tag, good_values.tag);
    require_state(p, USCTP_COOKIE_ECHOED);
    peer_delete(p);
}

static void require_given_up(struct scripted_peer *p) {
    peer_expect_nothing(p);
    require_closed(p, USCTP_ERR_PROTOCOL);
    peer_run_for(p, 200 * SECOND); /* no timer is left */
    peer_expect_nothing(p);
    peer_release(p);
    peer_delete(p);
}

/* 5.1, 3.3.10.2. */
START_TEST(h37_without_a_cookie) {
    twin_in_cookie_wait(hostile_peer(USCTP_COOKIE_WAIT));
    struct scripted_peer *p = hostile_peer(USCTP_COOKIE_WAIT);
    builder_init_chunk(peer_packet(p), WIRE_INIT_ACK, &good_values);
    hostile_send(p);
    peer_take_packet(p, "ABORT T=0 causes=[2(n=1,7)]");
    hostile_require_reply_to(p, good_values.tag);
    require_given_up(p);
}
END_TEST

/* 3.3.3, erratum 7148. */
START_TEST(h37_forbidden_values) {
    for (size_t k = 0; k < BAD_VALUES; k++) {
        struct scripted_peer *p = hostile_peer(USCTP_COOKIE_WAIT);
        start_init_ack(p, p->engine_tag, &bad_values[k]);
        hostile_send(p);
        if (bad_values[k].tag == 0) { /* nobody's tag to put in: the T bit */
            peer_take_packet(p, "ABORT T=1 causes=[*]");
            hostile_require_reply_to(p, p->engine_tag);
        } else {
            peer_take_packet(p, "ABORT T=0 causes=[*]");
            hostile_require_reply_to(p, bad_values[k].tag);
        }
        require_given_up(p);
    }
}
END_TEST

/* 6.10: an INIT ACK is alone in its packet. */
START_TEST(h37_bundled_init_ack) {
    for (unsigned type = 0; type < 16; type++) {
        if (type == WIRE_ABORT || type == WIRE_SHUTDOWN_ACK || type == WIRE_COOKIE_ECHO ||
            type == WIRE_INIT)
            continue; /* those have rules of their own */
        for (unsigned before = 0; before < 2; before++) {
            struct scripted_peer *p = hostile_peer(USCTP_COOKIE_WAIT);
            struct hostile_mark m = hostile_mark(p);
            peer_packet(p);
            if (before)
                hostile_add_chunk(p, type);
            builder_init_chunk(&p->out, WIRE_INIT_ACK, &good_values);
            peer_add_cookie(p, COOKIE_BYTES);
            if (!before)
                hostile_add_chunk(p, type);
            hostile_send(p);
            peer_expect_nothing(p);
            hostile_require_unchanged(p, &m, false);
            REQUIRE(hostile_drops(p, &m) >= 1);
            twin_in_cookie_wait(p);
        }
    }
}
END_TEST

/* ---- H38 ---- */

static struct usctp_addr foreign(unsigned last) {
    return (struct usctp_addr){.family = USCTP_FAMILY_IPV4, .ipv4 = {203, 0, 113, (uint8_t)last}};
}

static void add_address(struct scripted_peer *p, const struct usctp_addr *address) {
    builder_param(&p->out, 5);
    builder_bytes(&p->out, address->ipv4, 4);
}

static void put_from(struct scripted_peer *p, const struct usctp_addr *from) {
    hostile_put(p, hostile_close(p), from, &p->engine_addr[0]);
}

/* From where nobody was asked, and with a wrong tag: nothing becomes of it. */
START_TEST(h38_from_elsewhere_with_a_wrong_tag) {
    const struct usctp_addr elsewhere = foreign(9);
    for (unsigned lists_asked = 0; lists_asked < 2; lists_asked++) {
        struct scripted_peer *p = hostile_peer(USCTP_COOKIE_WAIT);
        struct hostile_mark m = hostile_mark(p);
        start_init_ack(p, p->engine_tag + 1, &good_values);
        if (lists_asked)
            peer_add_addresses(p, 0, 1);
        put_from(p, &elsewhere);
        if (!lists_asked && peer_take_if(p, "ABORT T=1 *")) /* out of the blue */
            REQUIRE_EQ(p->took_tag, p->engine_tag + 1);
        peer_expect_nothing(p);
        hostile_require_unchanged(p, &m, false);
        hostile_carry_on(p, USCTP_COOKIE_WAIT);
    }
}
END_TEST

/* With the right tag, but no address that we know: it cannot be the answer of whom we asked. */
START_TEST(h38_foreign_addresses_only) {
    const struct usctp_addr elsewhere = foreign(9), other = foreign(10);
    for (unsigned listed = 0; listed < 3; listed++) {
        struct scripted_peer *p = hostile_peer(USCTP_COOKIE_WAIT);
        struct hostile_mark m = hostile_mark(p);
        start_init_ack(p, p->engine_tag, &good_values);
        if (listed >= 1)
            add_address(p, &elsewhere);
        if (listed >= 2)
            add_address(p, &other);
        put_from(p, &elsewhere);
        if (peer_take_if(p, "ABORT T=1 *")) /* as out of the blue */
            REQUIRE_EQ(p->took_tag, p->engine_tag);
        peer_expect_nothing(p);
        hostile_require_unchanged(p, &m, false);
        hostile_carry_on(p, USCTP_COOKIE_WAIT);
    }
}
END_TEST

/* From the address that was asked, listing others only: the asked one stays (5.1.2 C) and is the
 * only one that is confirmed (5.4 rule 1). */
START_TEST(h38_asked_address_lists_others) {
    const struct usctp_addr other = foreign(10);
    struct scripted_peer *p =
        hostile_peer_with(USCTP_COOKIE_WAIT, (struct peer_options){.hold_heartbeats = true});
    peer_init_ack(p);
    peer_add_cookie(p, COOKIE_BYTES);
    add_address(p, &other);
    hostile_send(p);
    peer_take(p, "COOKIE_ECHO len=64");
    REQUIRE_EQ(p->took_path, 0);
    REQUIRE_EQ(peer_status(p).path_count, 2);
    REQUIRE_EQ(peer_path(p, 0).state, USCTP_PATH_STATE_ACTIVE);
    REQUIRE_EQ(peer_status(p).primary_path,
               (uint32_t)usctp_path_find(p->engine, p->assoc, &p->peer_addr[0]));
    peer_chunk(p, WIRE_COOKIE_ACK, 0);
    user_send(p, 0, 100);
    peer_take(p, "DATA tsn=0 *");
    REQUIRE_EQ(p->took_path, 0);
    struct usctp_path_status status;
    int index = usctp_path_find(p->engine, p->assoc, &other);
    REQUIRE(index >= 0);
    REQUIRE_EQ(usctp_path_status(p->engine, p->assoc, (uint32_t)index, &status), 0);
    REQUIRE_EQ(status.state, USCTP_PATH_STATE_UNCONFIRMED);
    peer_delete(p);
}
END_TEST

/* From another address of the peer's, listing the one that was asked: good; but the COOKIE ECHO
 * goes to a confirmed address, or with a HEARTBEAT (5.4). */
START_TEST(h38_another_address_lists_the_asked_one) {
    struct scripted_peer *p = hostile_peer_with(
        USCTP_COOKIE_WAIT, (struct peer_options){.paths = 2, .hold_heartbeats = true});
    peer_init_ack(p);
    peer_add_cookie(p, COOKIE_BYTES);
    peer_add_addresses(p, 0, 2);
    hostile_put(p, hostile_close(p), &p->peer_addr[1], &p->engine_addr[1]);
    peer_take(p, "COOKIE_ECHO len=64");
    if (p->took_path != 0) {
        peer_take(p, "HEARTBEAT *");
        REQUIRE_EQ(p->took_path, 1);
    }
    peer_chunk(p, WIRE_COOKIE_ACK, 0);
    require_state(p, USCTP_ESTABLISHED);
    REQUIRE_EQ(peer_path(p, 0).state, USCTP_PATH_STATE_ACTIVE);
    REQUIRE_EQ(peer_path(p, 1).state, USCTP_PATH_STATE_UNCONFIRMED);
    peer_delete(p);
}
END_TEST

/* ---- H39 ---- */

static void echo_of(size_t bytes) {
    struct scripted_peer *p = hostile_peer(USCTP_COOKIE_WAIT);
    uint8_t *cookie = malloc(bytes ? bytes : 1);
    REQUIRE(cookie != NULL);
    for (size_t i = 0; i < bytes; i++)
        cookie[i] = (uint8_t)(i * 7 + i / 251);
    peer_init_ack(p);
    builder_param(&p->out, 7);
    builder_bytes(&p->out, cookie, bytes);
    hostile_send(p);
    if (p->closed) { /* failed, cleanly: only what cannot leave in one IP packet may */
        REQUIRE(bytes > 60000);
        REQUIRE(peer_count_packets(p) <= 1);
        peer_expect_none(p, "COOKIE_ECHO *");
    } else {
        peer_take(p, "COOKIE_ECHO *");
        REQUIRE_EQ(p->took.value_bytes, bytes);
        REQUIRE(memcmp(p->took.value, cookie, bytes) == 0);
        if (p->took_packet.length > 1480)
            REQUIRE(p->took_packet.flags & USCTP_PACKET_MAY_FRAGMENT);
        REQUIRE(p->took_packet.length <= 65515); /* an IPv4 packet's */
        peer_expect_nothing(p);
        peer_wait(p, "COOKIE_ECHO *", SECOND); /* and again, when T1 expires */
        REQUIRE_EQ(p->took.value_bytes, bytes);
        REQUIRE(memcmp(p->took.value, cookie, bytes) == 0);
        peer_chunk(p, WIRE_COOKIE_ACK, 0);
        require_state(p, USCTP_ESTABLISHED);
        user_send(p, 0, 100);
        peer_take(p, "DATA tsn=0 *");
    }
    free(cookie);
    peer_delete(p);
}

START_TEST(h39_cookies_of_any_size) {
    static const size_t sizes[] = {1,    2,    3,    63,   64,   1000,  1440,  1441,  1463,  1464,
                                   1465, 1500, 2000, 4096, 9000, 16384, 32768, 60000, 65000, 65476};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        echo_of(sizes[i]);
}
END_TEST

/* DATA that waits does not go with a cookie that fills the packet, and is not lost. */
START_TEST(h39_large_cookie_and_data) {
    struct scripted_peer *p = hostile_peer(USCTP_COOKIE_WAIT);
    user_send(p, 0, 500);
    peer_init_ack(p);
    builder_param(&p->out, 7);
    builder_fill(&p->out, 0x44, 20000);
    hostile_send(p);
    peer_take(p, "COOKIE_ECHO *");
    peer_take_if(p, "DATA tsn=0 *");
    peer_expect_nothing(p); /* 5.1 C: no other packet before the COOKIE ACK */
    peer_chunk(p, WIRE_COOKIE_ACK, 0);
    REQUIRE_EQ(peer_status(p).unacknowledged_chunks, 1);
    peer_discard(p);
    peer_sack(p, 0, PEER_RWND, "");
    REQUIRE_EQ(peer_status(p).unacknowledged_chunks, 0);
    peer_delete(p);
}
END_TEST

/* A cookie of no bytes is a State Cookie parameter all the same: an echo, or the attempt ends. */
START_TEST(h39_empty_cookie) {
    struct scripted_peer *p = hostile_peer(USCTP_COOKIE_WAIT);
    peer_init_ack(p);
    builder_param(&p->out, 7);
    hostile_send(p);
    REQUIRE_EQ(peer_count_packets(p), 1);
    if (peer_take_if(p, "COOKIE_ECHO len=0")) {
        require_state(p, USCTP_COOKIE_ECHOED);
    } else {
        peer_take(p, "ABORT T=0 *");
        require_closed(p, USCTP_ERR_PROTOCOL);
    }
    peer_delete(p);
}
END_TEST

RUN_TESTS("H35, H37-H39: INIT ACK", h35_bad_init_ack_with_a_wrong_tag, h37_init_ack_in_other_states,
          h37_init_ack_out_of_the_blue, h37_without_a_cookie, h37_forbidden_values,
          h37_bundled_init_ack, h38_from_elsewhere_with_a_wrong_tag, h38_foreign_addresses_only,
          h38_asked_address_lists_others, h38_another_address_lists_the_asked_one,
          h39_cookies_of_any_size, h39_large_cookie_and_data, h39_empty_cookie)
