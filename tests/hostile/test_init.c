/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * H10 to H16, H36: INITs and INIT ACKs with values and parameters that they must not have, in every
 * state (RFC 9260 3.2.1, 3.3.2, 3.3.3, 5.1, 5.2.1, 5.2.2, 8.5.1 A, 9.2, 12.3).
 *
 * An INIT never changes an association: 5.2.1, 5.2.2. INITs that are large or list addresses (H17
 * to H20) are in test_init_size.c, INIT ACKs in the wrong place (H35, H37) in test_init_ack.c.
 */
#include "support/hostile.h"

#include <string.h>

#define INIT_TAG 0x12345678u

/* How a good INIT is answered in this state: 5.1, 5.2.1, 5.2.2, 9.2. */
static const char *answer_to_init(enum usctp_assoc_state state) {
    return state == USCTP_SHUTDOWN_ACK_SENT ? "SHUTDOWN_ACK" : "INIT_ACK *";
}

static void twin(struct scripted_peer *p, enum usctp_assoc_state state) {
    hostile_answered(p, answer_to_init(state));
    hostile_require_reply_to(p, state == USCTP_SHUTDOWN_ACK_SENT ? p->peer_tag : INIT_TAG);
}

/* The INIT is refused: ABORT, T = 0, its Initiate Tag. 9.2: SHUTDOWN-ACK-SENT has an answer of its
 * own to every INIT. */
static void refused(struct scripted_peer *p, enum usctp_assoc_state state, const char *pattern) {
    struct hostile_mark m = hostile_mark(p);
    hostile_send(p);
    bool again = state == USCTP_SHUTDOWN_ACK_SENT && peer_take_if(p, "SHUTDOWN_ACK") != NULL;
    if (again) {
        hostile_require_reply_to(p, p->peer_tag);
    } else {
        peer_take_packet(p, pattern);
        hostile_require_reply_to(p, INIT_TAG);
    }
    peer_expect_nothing(p);
    hostile_require_unchanged(p, &m, again);
}

/* ---- H10 ---- */

START_TEST(h10_init_with_a_verification_tag) {
    EACH_STATE(state) {
        struct scripted_peer *p = hostile_peer(state);
        peer_init(p, INIT_TAG);
        twin(p, state);
        const uint32_t tags[] = {p->engine_tag, p->peer_tag, INIT_TAG, STRANGE_TAG, 1, 0xffffffffu};
        for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++) {
            peer_init(p, INIT_TAG);
            for (unsigned k = 0; k < 4; k++)
                p->out.bytes[4 + k] = (uint8_t)(tags[i] >> (24 - 8 * k));
            hostile_drop(p, COUNTED_SOMEHOW);
        }
        hostile_carry_on(p, state);
    }
}
END_TEST

/* ---- H11 ---- */

/* Tag 0, and something before or behind the INIT. */
START_TEST(h11_init_is_not_alone) {
    EACH_STATE(state) {
        for (unsigned type = 0; type < 16; type++) {
            struct scripted_peer *p = hostile_peer(state);
            peer_init(p, INIT_TAG);
            twin(p, state);
            peer_init(p, INIT_TAG);
            hostile_add_chunk(p, type);
            hostile_drop(p, COUNTED_SOMEHOW);
            const struct builder_init init = {
                .tag = INIT_TAG, .rwnd = PEER_RWND, .tsn = 1, .os = 5, .mis = 5};
            peer_packet_tag(p, 0);
            hostile_add_chunk(p, type);
            builder_init_chunk(&p->out, WIRE_INIT, &init);
            hostile_drop(p, COUNTED_SOMEHOW);
            hostile_carry_on(p, state);
        }
    }
}
END_TEST

/* With the right tag, what stands before the INIT is processed; the INIT and all behind it are not
 * (12.3). */
START_TEST(h11_chunks_around_an_init) {
    EACH_TCB_STATE(state) {
        struct scripted_peer *p = hostile_peer(state);
        for (int with_init = 0; with_init < 2; with_init++) {
            struct hostile_mark m = hostile_mark(p);
            const struct builder_init init = {
                .tag = INIT_TAG, .rwnd = PEER_RWND, .tsn = 1, .os = 5, .mis = 5};
            peer_packet(p);
            hostile_add_marker(p, 0);
            if (with_init)
                builder_init_chunk(&p->out, WIRE_INIT, &init);
            hostile_add_marker(p, 1);
            hostile_send(p);
            REQUIRE_EQ(hostile_markers(p), with_init ? 1u : 3u);
            peer_expect_nothing(p);
            hostile_require_unchanged(p, &m, true);
            REQUIRE_EQ(hostile_drops(p, &m), with_init);
        }
        hostile_carry_on(p, state);
    }
}
END_TEST

/* Out of the blue, an INIT that follows something is never answered as an INIT. */
START_TEST(h11_bundled_out_of_the_blue) {
    struct scripted_peer *p = hostile_peer(USCTP_CLOSED);
    const struct builder_init init = {
        .tag = INIT_TAG, .rwnd = PEER_RWND, .tsn = 1, .os = 5, .mis = 5};
    for (unsigned type = 0; type < 16; type++) {
        if (type == WIRE_INIT)
            continue;
        peer_packet(p);
        hostile_add_chunk(p, type);
        builder_init_chunk(&p->out, WIRE_INIT, &init);
        hostile_send(p);
        peer_expect_none(p, "INIT_ACK *");
        peer_expect_none(p, "ABORT T=0 *");
        REQUIRE(peer_count_packets(p) <= 1);
        if (peer_take_if(p, "*")) /* as to what stands before it */
            hostile_require_reply_to(p, STRANGE_TAG);
        REQUIRE_EQ(peer_counters(p).associations, 0);
    }
    hostile_carry_on(p, USCTP_CLOSED);
}
END_TEST

/* ---- H12 ---- */

START_TEST(h12_initiate_tag_zero) {
    EACH_STATE(state) {
        struct scripted_peer *p = hostile_peer(state);
        peer_init(p, INIT_TAG);
        twin(p, state);
        peer_init(p, 0);
        hostile_drop(p, COUNTED_SOMEHOW);
        peer_init(p, 0); /* and more that is wrong: still silent */
        hostile_add_param(p, 5, 3);
        hostile_drop(p, COUNTED_SOMEHOW);
        peer_init(p, 0);
        memset(p->out.bytes + 20, 0, 8); /* a_rwnd, OS, MIS */
        hostile_drop(p, COUNTED_SOMEHOW);
        peer_init(p, 0);
        builder_param(&p->out, 11);
        builder_bytes(&p->out, "h", 2);
        hostile_drop(p, COUNTED_SOMEHOW);
        hostile_carry_on(p, state);
    }
}
END_TEST

/* ---- H13 ---- */

START_TEST(h13_forbidden_values) {
    static const struct builder_init bad[] = {
        {.tag = INIT_TAG, .rwnd = 65536, .tsn = 1, .os = 0, .mis = 5},
        {.tag = INIT_TAG, .rwnd = 65536, .tsn = 1, .os = 5, .mis = 0},
        {.tag = INIT_TAG, .rwnd = 65536, .tsn = 1, .os = 0, .mis = 0},
        {.tag = INIT_TAG, .rwnd = 1499, .tsn = 1, .os = 5, .mis = 5},
        {.tag = INIT_TAG, .rwnd = 1, .tsn = 1, .os = 5, .mis = 5},
        {.tag = INIT_TAG, .rwnd = 0, .tsn = 1, .os = 5, .mis = 5},
    };
    static const struct builder_init good = {
        .tag = INIT_TAG, .rwnd = 1500, .tsn = 1, .os = 1, .mis = 1};
    EACH_STATE(state) {
        struct scripted_peer *p = hostile_peer(state);
        builder_init_chunk(peer_packet_tag(p, 0), WIRE_INIT, &good);
        twin(p, state);
        for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
            builder_init_chunk(peer_packet_tag(p, 0), WIRE_INIT, &bad[i]);
            refused(p, state, "ABORT T=0 causes=[*]");
        }
        hostile_carry_on(p, state);
    }
}
END_TEST

/* ---- H14 ---- */

static void add_host_name(struct scripted_peer *p, size_t bytes) {
    builder_param(&p->out, 11);
    builder_fill(&p->out, 'x', bytes > 0 ? bytes - 1 : 0);
    builder_fill(&p->out, 0, bytes > 0 ? 1 : 0);
}

START_TEST(h14_host_name) {
    static const size_t lengths[] = {0, 1, 2, 13, 255, 1400, 60000};
    EACH_STATE(state) {
        struct scripted_peer *p = hostile_peer(state);
        peer_init(p, INIT_TAG);
        twin(p, state);
        for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
            peer_init(p, INIT_TAG);
            add_host_name(p, lengths[i]);
            refused(p, state, "ABORT T=0 causes=[*]");
            REQUIRE(p->took_packet.length <= 1480);
        }
        peer_init(p, INIT_TAG); /* among others */
        peer_add_addresses(p, 0, 1);
        add_host_name(p, 13);
        peer_add_addresses(p, 0, 1);
        refused(p, state, "ABORT T=0 causes=[*]");
        hostile_carry_on(p, state);
    }
}
END_TEST

/* ---- H15 ---- */

START_TEST(h15_address_lengths_in_init) {
    EACH_STATE(state) {
        struct scripted_peer *p = hostile_peer(state);
        for (unsigned type = 5; type <= 6; type++) {
            unsigned right = type == 5 ? 8 : 20;
            for (unsigned length = 4; length <= 40; length++) {
                peer_init(p, INIT_TAG);
                builder_param(&p->out, type);
                if (type == 5 && length == right)
                    builder_bytes(&p->out, p->peer_addr[0].ipv4, 4);
                else
                    builder_fill(&p->out, 0x20, length - 4);
                if (length != right)
                    refused(p, state, "ABORT T=0 causes=[13*]");
                else if (type == 5)
                    twin(p, state);
            }
        }
        hostile_carry_on(p, state);
    }
}
END_TEST

/* The twin of the IPv6 ones. */
START_TEST(h15_good_ipv6_address) {
    struct scripted_peer *p =
        hostile_peer_with(USCTP_CLOSED, (struct peer_options){.paths = 2, .ipv6_paths = 2});
    peer_init(p, p->peer_tag);
    peer_add_addresses(p, 0, 2);
    hostile_send(p);
    peer_take_init_ack(p);
    peer_cookie_echo(p);
    hostile_send(p);
    peer_take(p, "COOKIE_ACK");
    REQUIRE_EQ(peer_status(p).path_count, 2);
    peer_delete(p);
}
END_TEST

START_TEST(h15_address_lengths_in_init_ack) {
    for (unsigned type = 5; type <= 6; type++) {
        for (unsigned length = 4; length <= 24; length++) {
            bool good = length == (type == 5 ? 8 : 20);
            struct scripted_peer *p = hostile_peer(USCTP_COOKIE_WAIT);
            peer_init_ack(p);
            peer_add_cookie(p, 64);
            builder_param(&p->out, type);
            builder_fill(&p->out, 0x20, length - 4);
            hostile_send(p);
            if (good) {
                peer_take(p, "COOKIE_ECHO len=64");
                peer_chunk(p, WIRE_COOKIE_ACK, 0);
                require_state(p, USCTP_ESTABLISHED);
            } else {
                peer_take_packet(p, "ABORT T=0 causes=[13*]");
                hostile_require_reply_to(p, p->peer_tag);
                peer_expect_nothing(p);
                require_closed(p, USCTP_ERR_PROTOCOL);
            }
            peer_delete(p);
        }
    }
}
END_TEST

/* ---- H16 ---- */

static const struct {
    unsigned type;
    bool reported, goes_on;
} kinds[] = {
    {0x3abc, false, false}, {0x7abc, true, false}, {0xbabc, false, true}, {0xfabc, true, true}};

static void require_report(struct scripted_peer *p, unsigned container, unsigned type,
                           bool reported) {
    size_t bytes;
    const uint8_t *report = reader_param(&p->took, container, 0, &bytes);
    REQUIRE_EQ(report != NULL, reported);
    if (report)
        REQUIRE_EQ(load16(report), type);
}

/* The report of a second parameter behind shows whether the walk went on. */
START_TEST(h16_unknown_parameters_in_init) {
    EACH_STATE(state) {
        for (size_t i = 0; i < 4; i++) {
            struct scripted_peer *p = hostile_peer(state);
            peer_init(p, INIT_TAG);
            builder_param(&p->out, kinds[i].type);
            builder_fill(&p->out, 1, 7);
            builder_param(&p->out, 0xffee);
            twin(p, state);
            if (state != USCTP_SHUTDOWN_ACK_SENT) {
                size_t bytes;
                unsigned index = kinds[i].reported ? 1 : 0;
                if (kinds[i].reported)
                    require_report(p, 8, kinds[i].type, true);
                const uint8_t *next = reader_param(&p->took, 8, index, &bytes);
                REQUIRE_EQ(next != NULL, kinds[i].goes_on);
                if (next)
                    REQUIRE_EQ(load16(next), 0xffee);
            }
            hostile_carry_on(p, state);
        }
    }
}
END_TEST

START_TEST(h16_unknown_parameters_in_init_ack) {
    for (size_t i = 0; i < 4; i++) {
        struct scripted_peer *p = hostile_peer(USCTP_COOKIE_WAIT);
        peer_init_ack(p);
        peer_add_cookie(p, 64);
        builder_param(&p->out, kinds[i].type);
        builder_fill(&p->out, 1, 7);
        hostile_send(p);
        peer_take(p, "COOKIE_ECHO len=64"); /* 3.2.1: in all four cases */
        bool early = peer_take_if(p, "ERROR causes=[8]") != NULL;
        if (early)
            require_report(p, 8, kinds[i].type, kinds[i].reported);
        peer_chunk(p, WIRE_COOKIE_ACK, 0);
        if (kinds[i].reported && !early) { /* 3.2.2: not before the COOKIE ACK */
            peer_take(p, "ERROR causes=[8]");
            require_report(p, 8, kinds[i].type, true);
        }
        peer_expect_nothing(p);
        hostile_carry_on(p, USCTP_ESTABLISHED);
    }
}
END_TEST

/* A cookie behind a parameter at which the walk stops is a cookie that is missing (3.2.1). */
START_TEST(h16_stop_before_the_cookie) {
    for (size_t i = 0; i < 4; i++) {
        struct scripted_peer *p = hostile_peer(USCTP_COOKIE_WAIT);
        peer_init_ack(p);
        builder_param(&p->out, kinds[i].type);
        peer_add_cookie(p, 64);
        hostile_send(p);
        if (kinds[i].goes_on) {
            peer_take(p, "COOKIE_ECHO len=64");
        } else {
            peer_take(p, "ABORT T=0 causes=[2(n=1,7)*");
            hostile_require_reply_to(p, p->peer_tag);
            require_closed(p, USCTP_ERR_PROTOCOL);
        }
        peer_delete(p);
    }
}
END_TEST

/* Parameters of extensions that were not offered, of lengths they cannot have: unknown, or refused,
 * and nothing more. */
START_TEST(h16_parameters_of_extensions) {
    static const unsigned types[] = {0x8000, 0x8001, 0x8002, 0x8003, 0x8004, 0x8005, 0x8008,
                                     0xc000, 0xc001, 0xc002, 0xc003, 0xc004, 0xc005, 0xc006};
    EACH_STATE(state) {
        struct scripted_peer *p = hostile_peer(state);
        for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
            for (unsigned bytes = 0; bytes < 14; bytes++) {
                struct hostile_mark m = hostile_mark(p);
                peer_init(p, INIT_TAG);
                builder_param(&p->out, types[i]);
                builder_fill(&p->out, 0x82, bytes);
                hostile_send(p);
                if (!peer_take_if(p, "ABORT T=0 *"))
                    peer_take(p, answer_to_init(state));
                peer_expect_nothing(p);
                hostile_require_unchanged(p, &m, state == USCTP_SHUTDOWN_ACK_SENT);
            }
        }
        hostile_carry_on(p, state);
    }
}
END_TEST

/* ---- H36 ---- */

/* An INIT during the handshake, whatever its tag: INIT ACK with our tag of before, the same state,
 * T1 runs on as it did. */
START_TEST(h36_init_during_the_handshake) {
    for (enum usctp_assoc_state state = USCTP_COOKIE_WAIT; state <= USCTP_COOKIE_ECHOED; state++) {
        struct scripted_peer *p = hostile_peer(state);
        uint64_t began_us = p->now_us;
        const uint32_t tags[] = {INIT_TAG,      p->peer_tag, p->peer_tag + 1,
                                 p->engine_tag, 1,           0xffffffffu};
        peer_run_for(p, 300 * MS);
        for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++) {
            peer_init(p, tags[i]);
            hostile_answered(p, "INIT_ACK *");
            hostile_require_reply_to(p, tags[i]);
            REQUIRE_EQ(p->took.tag, p->engine_tag);
            REQUIRE_EQ(p->took.tsn, p->engine_tsn);
        }
        peer_wait(p, state == USCTP_COOKIE_WAIT ? "INIT *" : "COOKIE_ECHO *", SECOND);
        REQUIRE_EQ(p->took_us, began_us + SECOND); /* RTO.Initial */
        hostile_carry_on(p, state);
    }
}
END_TEST

RUN_TESTS("H10-H16, H36: INIT", h10_init_with_a_verification_tag, h11_init_is_not_alone,
          h11_chunks_around_an_init, h11_bundled_out_of_the_blue, h12_initiate_tag_zero,
          h13_forbidden_values, h14_host_name, h15_address_lengths_in_init, h15_good_ipv6_address,
          h15_address_lengths_in_init_ack, h16_unknown_parameters_in_init,
          h16_unknown_parameters_in_init_ack, h16_stop_before_the_cookie,
          h16_parameters_of_extensions, h36_init_during_the_handshake)
