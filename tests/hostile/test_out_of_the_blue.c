/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * H40, H89: packets of no association: RFC 9260 8.4, rules 1 to 8, over every chunk of the packet;
 * how often they are answered; and what a search for ports and tags finds.
 *
 * Lengths of chunks (H01) are in test_tlv.c, addresses (H07) in test_packet.c, ABORTs (H32) in
 * test_tags.c, INITs in test_init.c.
 */
#include "support/hostile.h"

#include <string.h>

/* How the rules answer a packet with these chunks; NULL: not at all. */
static const char *rule(const unsigned *types, size_t count) {
    bool shutdown_ack = false, complete = false, cookie_ack = false;
    for (size_t i = 0; i < count; i++) {
        if (types[i] == WIRE_ABORT)
            return NULL; /* 2 */
        shutdown_ack |= types[i] == WIRE_SHUTDOWN_ACK;
        complete |= types[i] == WIRE_SHUTDOWN_COMPLETE;
        cookie_ack |= types[i] == WIRE_COOKIE_ACK;
    }
    if (types[0] == WIRE_COOKIE_ECHO)
        return NULL; /* 4: the cookie is no good (5.1.5) */
    if (shutdown_ack)
        return "SHUTDOWN_COMPLETE T=1"; /* 5 */
    if (complete || cookie_ack)
        return NULL;              /* 6, 7 */
    return "ABORT T=1 causes=[]"; /* 8 */
}

static void expect_rule(struct scripted_peer *p, const unsigned *types, size_t count) {
    const char *answer = rule(types, count);
    peer_packet(p);
    for (size_t i = 0; i < count; i++)
        hostile_add_chunk(p, types[i]);
    if (!answer) {
        hostile_drop(p, COUNTED_SOMEHOW);
        return;
    }
    uint64_t seen = peer_counters(p).out_of_the_blue;
    hostile_answered(p, answer);
    hostile_require_reply_to(p, STRANGE_TAG);
    REQUIRE_EQ(peer_counters(p).out_of_the_blue, seen + 1);
    REQUIRE_EQ(p->took_packet.length, 16);
}

START_TEST(h40_every_type_alone) {
    struct scripted_peer *p = hostile_peer(USCTP_CLOSED);
    for (unsigned type = 0; type < 256; type++)
        if (type != WIRE_INIT)
            expect_rule(p, &type, 1);
    hostile_carry_on(p, USCTP_CLOSED);
}
END_TEST

/* Every pair of known types and some unknown ones: the rules look at all chunks, the last one of 4
 * bytes too. */
START_TEST(h40_every_pair) {
    static const unsigned types[] = {0,  2,  3,  4,  5,  6,  7,    8,    9,
                                     10, 11, 12, 13, 14, 15, 0x40, 0x80, 0xc1};
    struct scripted_peer *p = hostile_peer(USCTP_CLOSED);
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        for (size_t k = 0; k < sizeof types / sizeof types[0]; k++) {
            const unsigned pair[2] = {types[i], types[k]};
            const unsigned many[4] = {types[i], WIRE_DATA, WIRE_DATA, types[k]};
            expect_rule(p, pair, 2);
            expect_rule(p, many, 4);
        }
    }
    hostile_carry_on(p, USCTP_CLOSED);
}
END_TEST

/* Rule 7: a Stale Cookie among other causes, in the last of several ERRORs. */
START_TEST(h40_stale_cookie_anywhere) {
    struct scripted_peer *p = hostile_peer(USCTP_CLOSED);
    for (unsigned stale = 0; stale < 2; stale++) {
        peer_packet(p);
        hostile_add_chunk(p, WIRE_ERROR);
        hostile_add_chunk(p, WIRE_SACK);
        builder_chunk(&p->out, WIRE_ERROR, 0);
        for (unsigned cause = 0; cause < 20; cause++) {
            builder_param(&p->out, cause == 19 && stale ? 3 : 100 + cause);
            builder_u32(&p->out, 0);
        }
        if (stale)
            hostile_drop(p, USCTP_DROP_OOTB);
        else
            hostile_answered(p, "ABORT T=1 causes=[]");
    }
    hostile_carry_on(p, USCTP_CLOSED);
}
END_TEST

/* The same for a port that nobody has, and for other ports of the peer beside an association. */
START_TEST(h40_beside_an_association) {
    EACH_STATE(state) {
        for (unsigned which = 0; which < 2; which++) {
            struct scripted_peer *p = hostile_peer(state);
            uint16_t engine_port = p->engine_port, peer_port = p->peer_port;
            if (which == 0)
                p->engine_port = 5999;
            else
                p->peer_port++;
            for (unsigned type = 0; type < 16; type++) {
                if (type == WIRE_INIT)
                    continue;
                const char *answer = rule(&type, 1);
                peer_packet(p); /* with the association's own tag */
                hostile_add_chunk(p, type);
                if (answer) {
                    hostile_answered(p, answer);
                    hostile_require_reply_to(p, p->engine_tag);
                } else {
                    hostile_drop(p, COUNTED_SOMEHOW);
                }
            }
            p->engine_port = engine_port;
            p->peer_port = peer_port;
            hostile_carry_on(p, state);
        }
    }
}
END_TEST

/* From an address that is not the peer's: not of the association, whatever the tag says. An
 * attacker who knows the tag but has another address. */
START_TEST(h40_right_tag_from_elsewhere) {
    const struct usctp_addr elsewhere = {.family = USCTP_FAMILY_IPV4, .ipv4 = {203, 0, 113, 5}};
    EACH_OPEN_STATE(state) {
        struct scripted_peer *p = hostile_peer(state);
        for (unsigned type = 0; type < 16; type++) {
            if (type == WIRE_INIT)
                continue;
            struct hostile_mark m = hostile_mark(p);
            peer_packet(p);
            hostile_add_chunk(p, type);
            hostile_put(p, hostile_close(p), &elsewhere, &p->engine_addr[0]);
            const char *answer = rule(&type, 1);
            if (answer)
                peer_take_packet(p, answer);
            peer_expect_nothing(p);
            hostile_require_unchanged(p, &m, false);
        }
        hostile_carry_on(p, state);
    }
}
END_TEST

/* ---- H89 ---- */

static void few_replies(struct usctp_config *config) {
    quiet(config);
    config->replies_per_second = 100;
}

static unsigned scan_for_a_second(struct scripted_peer *p) {
    unsigned answered = 0;
    uint16_t engine_port = p->engine_port;
    for (unsigned ms = 0; ms < 1000; ms++) {
        peer_run_for(p, MS);
        for (unsigned i = 0; i < 5; i++) {
            p->engine_port = (uint16_t)(10000 + ms * 5 + i);
            if (i % 2)
                hostile_good_packet(p);
            else
                peer_init(p, 1234 + i);
            hostile_send(p);
            answered += peer_count_packets(p) > 0;
            peer_discard(p);
        }
    }
    p->engine_port = engine_port;
    return answered;
}

/* A search for ports: answered at the rate that is set, the rest is counted and forgotten; memory
 * stays as it was. */
START_TEST(h89_port_scan) {
    struct scripted_peer *p =
        hostile_peer_with(USCTP_CLOSED, (struct peer_options){.configure = few_replies});
    struct hostile_mark m = hostile_mark(p);
    unsigned first = scan_for_a_second(p), second = scan_for_a_second(p);
    REQUIRE_RANGE(first, 90, 200); /* what was saved up while nobody asked may go at once */
    REQUIRE_RANGE(second, 90, 111);
    struct usctp_engine_counters now = peer_counters(p);
    REQUIRE_EQ(now.replies - m.counters.replies, first + second);
    REQUIRE_EQ(now.replies_limited - m.counters.replies_limited, 10000 - first - second);
    REQUIRE_EQ(p->env.live_bytes, m.live_bytes);
    peer_run_for(p, SECOND); /* and then it answers again */
    hostile_carry_on(p, USCTP_CLOSED);
}
END_TEST

/* A search for the verification tag: 3,000 guesses of every kind, not one of them answered. */
START_TEST(h89_tag_search) {
    EACH_TCB_STATE(state) {
        struct scripted_peer *p = hostile_peer(state);
        uint64_t guess = 17;
        struct hostile_mark m = hostile_mark(p);
        static const unsigned types[] = {0, 3, 4, 5, 6, 7, 9, 11, 0xc1};
        for (unsigned i = 0; i < 3000; i++) {
            uint32_t tag = (uint32_t)random_step(&guess);
            if (tag == p->engine_tag || tag == p->peer_tag || tag == 0)
                continue;
            peer_packet_tag(p, tag);
            hostile_add_chunk(p, types[i % 9]);
            hostile_send(p);
        }
        peer_expect_nothing(p);
        hostile_require_unchanged(p, &m, false);
        REQUIRE(peer_counters(p).dropped[USCTP_DROP_TAG] - m.counters.dropped[USCTP_DROP_TAG] >=
                2990);
        hostile_carry_on(p, state);
    }
}
END_TEST

RUN_TESTS("H40, H89: out of the blue", h40_every_type_alone, h40_every_pair,
          h40_stale_cookie_anywhere, h40_beside_an_association, h40_right_tag_from_elsewhere,
          h89_port_scan, h89_tag_search)
