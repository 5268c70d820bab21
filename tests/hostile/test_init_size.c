/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * H17 to H20, H86: INITs of up to 64 KiB, full of unknown parameters or of addresses, and the size
 * of what they are answered with (RFC 9260 5.1.2, 12.2.4.1, 12.4; RFC 5062 5, 9).
 */
#include "support/hostile.h"

#include <stdlib.h>
#include <string.h>

#define INIT_TAG     0x12345678u
#define PACKET_BYTES 1480u /* of SCTP, in IPv4 of 1500 bytes */
#define LARGEST_INIT 65500u

/* In any state, an INIT gets one packet that fits the path, leaves no memory behind and changes
 * nothing. Returns the reply's size. */
static uint32_t one_small_reply(struct scripted_peer *p) {
    struct hostile_mark m = hostile_mark(p);
    bool is_ack_sent = m.has_tcb && m.status.state == USCTP_SHUTDOWN_ACK_SENT;
    hostile_send(p);
    REQUIRE_EQ(peer_count_packets(p), 1);
    peer_take(p, is_ack_sent ? "SHUTDOWN_ACK" : "INIT_ACK *");
    peer_expect_nothing(p);
    REQUIRE(p->took_packet.length <= PACKET_BYTES);
    hostile_require_unchanged(p, &m, is_ack_sent);
    /* Of an association, no more than its own state may be remembered: the same bytes. */
    REQUIRE_EQ(p->env.live_bytes, m.live_bytes);
    REQUIRE_EQ(p->env.live_blocks, m.live_blocks);
    return p->took_packet.length;
}

static size_t reports(const struct scripted_peer *p) {
    size_t bytes;
    unsigned count = 0;
    while (reader_param(&p->took, 8, count, &bytes))
        count++;
    return count;
}

/* ---- H17 ---- */

static void fill_unknown(struct scripted_peer *p, unsigned type, size_t each) {
    while (p->out.used + 4 + each <= LARGEST_INIT) {
        builder_param(&p->out, type);
        builder_fill(&p->out, 0x77, each);
    }
}

START_TEST(h17_init_full_of_parameters_to_report) {
    static const size_t sizes[] = {0, 1, 4, 60, 400, 1400, 65400};
    EACH_STATE(state) {
        struct scripted_peer *p = hostile_peer(state);
        peer_init(p, INIT_TAG); /* the twin: one is reported */
        builder_param(&p->out, 0xc0aa);
        builder_fill(&p->out, 0x77, 8);
        one_small_reply(p);
        if (state != USCTP_SHUTDOWN_ACK_SENT)
            REQUIRE_EQ(reports(p), 1);
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            peer_init(p, INIT_TAG);
            fill_unknown(p, 0xc0aa, sizes[i]);
            one_small_reply(p);
        }
        peer_init(p, INIT_TAG); /* one, at which the walk stops */
        builder_param(&p->out, 0x40aa);
        builder_fill(&p->out, 0x77, 65400);
        one_small_reply(p);
        hostile_carry_on(p, state);
    }
}
END_TEST

/* The cookie that answers such an INIT is good. */
START_TEST(h17_handshake_with_a_full_init) {
    static const size_t sizes[] = {0, 4, 400, 65400};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct scripted_peer *p = hostile_peer(USCTP_CLOSED);
        peer_init(p, p->peer_tag);
        fill_unknown(p, 0xc0aa, sizes[i]);
        hostile_send(p);
        peer_take_init_ack(p);
        peer_cookie_echo(p);
        hostile_send(p);
        peer_take_packet(p, "COOKIE_ACK");
        hostile_carry_on(p, USCTP_ESTABLISHED);
    }
}
END_TEST

/* An INIT ACK full of them: the COOKIE ECHO goes out, with a report that leaves room for it. */
START_TEST(h17_init_ack_full_of_parameters_to_report) {
    static const size_t sizes[] = {0, 4, 400, 60000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct scripted_peer *p = hostile_peer(USCTP_COOKIE_WAIT);
        peer_init_ack(p);
        peer_add_cookie(p, 64);
        fill_unknown(p, 0xc0aa, sizes[i]);
        hostile_send(p);
        REQUIRE_EQ(peer_count_packets(p), 1);
        peer_take(p, "COOKIE_ECHO len=64");
        REQUIRE(p->took_packet.length <= PACKET_BYTES);
        peer_take_if(p, "ERROR *");
        peer_chunk(p, WIRE_COOKIE_ACK, 0);
        if (peer_take_if(p, "ERROR *"))
            REQUIRE(p->took_packet.length <= PACKET_BYTES);
        hostile_carry_on(p, USCTP_ESTABLISHED);
    }
}
END_TEST

/* ---- H18 ---- */

static void add_ipv4(struct scripted_peer *p, unsigned a, unsigned b, unsigned c, unsigned d) {
    const uint8_t address[4] = {(uint8_t)a, (uint8_t)b, (uint8_t)c, (uint8_t)d};
    builder_param(&p->out, 5);
    builder_bytes(&p->out, address, 4);
}

static void add_ipv6(struct scripted_peer *p, unsigned first, unsigned second, unsigned last) {
    const uint8_t address[16] = {(uint8_t)first, (uint8_t)second, [15] = (uint8_t)last};
    builder_param(&p->out, 6);
    builder_bytes(&p->out, address, 16);
}

static void establish_with_init(struct scripted_peer *p) {
    hostile_send(p);
    peer_take_init_ack(p);
    peer_cookie_echo(p);
    hostile_send(p);
    peer_take(p, "COOKIE_ACK");
    require_state(p, USCTP_ESTABLISHED);
}

/* No address of nobody becomes one of the peer's, and nothing is sent to it. */
START_TEST(h18_addresses_that_are_no_peers) {
    struct scripted_peer *p = hostile_peer(USCTP_CLOSED);
    peer_init(p, p->peer_tag);
    add_ipv4(p, 0, 0, 0, 0);
    add_ipv4(p, 224, 0, 0, 1);
    add_ipv4(p, 239, 1, 2, 3);
    add_ipv4(p, 255, 255, 255, 255);
    add_ipv4(p, 127, 0, 0, 1);
    add_ipv4(p, 127, 255, 0, 1);
    add_ipv4(p, 169, 254, 1, 1);
    add_ipv6(p, 0, 0, 0);
    add_ipv6(p, 0, 0, 1);
    add_ipv6(p, 0xff, 0x02, 1);
    add_ipv6(p, 0xfe, 0x80, 1);
    establish_with_init(p);
    REQUIRE_EQ(peer_status(p).path_count, 1);
    hostile_carry_on(p, USCTP_ESTABLISHED);
}
END_TEST

/* The twin: a good one among them is taken. */
START_TEST(h18_a_good_address_among_them) {
    struct scripted_peer *p = hostile_peer_with(USCTP_CLOSED, (struct peer_options){.paths = 2});
    peer_init(p, p->peer_tag);
    add_ipv4(p, 224, 0, 0, 1);
    peer_add_addresses(p, 1, 1);
    add_ipv6(p, 0xff, 0x02, 1);
    establish_with_init(p);
    REQUIRE_EQ(peer_status(p).path_count, 2);
    REQUIRE(peer_path(p, 1).state == USCTP_PATH_STATE_UNCONFIRMED ||
            peer_path(p, 1).state == USCTP_PATH_STATE_ACTIVE); /* its probe was answered */
    peer_delete(p);
}
END_TEST

static void require_never_sent_to(struct scripted_peer *p, const struct usctp_addr *address) {
    for (size_t i = 0; i < p->seen_count; i++)
        REQUIRE(memcmp(p->seen[i]->packet.destination.ipv4, address->ipv4, 4) != 0 ||
                p->seen[i]->packet.destination.family != USCTP_FAMILY_IPV4);
}

/* An address of ours is not the peer's, who comes from elsewhere: nothing is sent to ourselves. */
START_TEST(h18_our_own_address) {
    for (unsigned same_port = 0; same_port < 2; same_port++) {
        struct scripted_peer *p =
            hostile_peer_with(USCTP_CLOSED, (struct peer_options){.paths = 2});
        if (same_port)
            p->peer_port = p->engine_port;
        peer_init(p, p->peer_tag);
        for (unsigned i = 0; i < 2; i++) {
            builder_param(&p->out, 5);
            builder_bytes(&p->out, p->engine_addr[i].ipv4, 4);
        }
        establish_with_init(p);
        REQUIRE_EQ(peer_status(p).path_count, 1);
        peer_run_for(p, 10 * SECOND);
        require_never_sent_to(p, &p->engine_addr[0]);
        require_never_sent_to(p, &p->engine_addr[1]);
        peer_delete(p);
    }
}
END_TEST

/* Listed by an INIT ACK. */
START_TEST(h18_our_own_address_in_init_ack) {
    struct scripted_peer *p =
        hostile_peer_with(USCTP_COOKIE_WAIT, (struct peer_options){.paths = 2});
    peer_init_ack(p);
    peer_add_cookie(p, 64);
    for (unsigned i = 0; i < 2; i++) {
        builder_param(&p->out, 5);
        builder_bytes(&p->out, p->engine_addr[i].ipv4, 4);
    }
    add_ipv4(p, 224, 0, 0, 1);
    add_ipv4(p, 127, 0, 0, 1);
    hostile_send(p);
    peer_take(p, "COOKIE_ECHO len=64");
    peer_chunk(p, WIRE_COOKIE_ACK, 0);
    REQUIRE_EQ(peer_status(p).path_count, 1);
    peer_run_for(p, 10 * SECOND);
    require_never_sent_to(p, &p->engine_addr[0]);
    require_never_sent_to(p, &p->engine_addr[1]);
    peer_delete(p);
}
END_TEST

/* Each once, however often it is listed, its source too. */
START_TEST(h18_duplicate_addresses) {
    struct scripted_peer *p = hostile_peer_with(USCTP_CLOSED, (struct peer_options){.paths = 3});
    peer_init(p, p->peer_tag);
    for (unsigned i = 0; i < 300; i++)
        peer_add_addresses(p, i % 3, 1);
    establish_with_init(p);
    REQUIRE_EQ(peer_status(p).path_count, 3);
    peer_delete(p);
}
END_TEST

/* ---- H19 ---- */

/* Whatever the INIT's size, the reply is one packet that fits, and its length fields hold. */
START_TEST(h19_reply_to_an_init_of_any_size) {
    struct scripted_peer *p = hostile_peer(USCTP_CLOSED);
    for (size_t bytes = 0; bytes <= 65400; bytes += bytes < 3000 ? 61 : 997) {
        static const unsigned types[] = {0xbfff, 0xffff, 0x7fff, 0x3fff, 5};
        for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
            peer_init(p, INIT_TAG);
            for (unsigned k = 0; types[i] == 5 && k < bytes / 8; k++)
                add_ipv4(p, 10, k / 65536, k / 256 % 256, k % 256);
            if (types[i] != 5) {
                builder_param(&p->out, types[i]);
                builder_fill(&p->out, 0x55, bytes);
            }
            one_small_reply(p);
        }
    }
    hostile_carry_on(p, USCTP_CLOSED);
}
END_TEST

/* With an association, 8,000 new addresses are refused by one ABORT that fits (5.2.1, 5.2.2). */
START_TEST(h19_refusal_of_many_new_addresses) {
    EACH_TCB_STATE(state) {
        if (state == USCTP_COOKIE_WAIT || state == USCTP_SHUTDOWN_ACK_SENT)
            continue; /* those have other answers */
        struct scripted_peer *p = hostile_peer(state);
        for (unsigned count = 1; count <= 8000; count = count * 5 + 1) {
            struct hostile_mark m = hostile_mark(p);
            peer_init(p, INIT_TAG);
            for (unsigned k = 0; k < count; k++)
                add_ipv4(p, 10, 1, k / 256, k % 256);
            hostile_send(p);
            REQUIRE_EQ(peer_count_packets(p), 1);
            peer_take(p, "ABORT T=0 causes=[11*");
            hostile_require_reply_to(p, INIT_TAG);
            REQUIRE(p->took_packet.length <= PACKET_BYTES);
            hostile_require_unchanged(p, &m, false);
            size_t bytes;
            const uint8_t *list = reader_param(&p->took, 11, 0, &bytes);
            REQUIRE(list != NULL && bytes >= 8);
            const uint8_t first[8] = {0, 5, 0, 8, 10, 1, 0, 0}; /* 3.3.10.11: an exact copy */
            REQUIRE(memcmp(list, first, sizeof first) == 0);
        }
        hostile_carry_on(p, state);
    }
}
END_TEST

/* ---- H20 ---- */

static void count_addresses(unsigned listed, unsigned expected, bool is_ack) {
    struct scripted_peer *p = hostile_peer_with(is_ack ? USCTP_COOKIE_WAIT : USCTP_CLOSED,
                                                (struct peer_options){.hold_heartbeats = true});
    if (is_ack) {
        peer_init_ack(p);
        peer_add_cookie(p, 64);
    } else {
        peer_init(p, p->peer_tag);
    }
    for (unsigned k = 0; k < listed; k++)
        add_ipv4(p, 10, 2, k / 256, k % 256);
    if (is_ack) {
        hostile_send(p);
        peer_take(p, "COOKIE_ECHO len=64");
        peer_chunk(p, WIRE_COOKIE_ACK, 0);
        require_state(p, USCTP_ESTABLISHED);
    } else {
        establish_with_init(p);
    }
    REQUIRE_EQ(peer_status(p).path_count, expected);
    peer_path(p, 0); /* the source address is one of them (5.1.2 C) */
    REQUIRE(p->env.live_bytes < 256 * 1024);
    peer_delete(p);
}

START_TEST(h20_addresses_without_number) {
    for (int is_ack = 0; is_ack < 2; is_ack++) {
        count_addresses(0, 1, is_ack);
        count_addresses(3, 4, is_ack);
        count_addresses(31, 32, is_ack);
        count_addresses(32, 32, is_ack);
        count_addresses(33, 32, is_ack);
        count_addresses(1000, 32, is_ack);
        count_addresses(8100, 32, is_ack);
    }
}
END_TEST

/* In every state: one reply, nothing kept. */
START_TEST(h20_many_addresses_in_every_state) {
    EACH_STATE(state) {
        struct scripted_peer *p = hostile_peer(state);
        struct hostile_mark m = hostile_mark(p);
        peer_init(p, INIT_TAG);
        for (unsigned k = 0; k < 8100; k++)
            add_ipv4(p, 10, 3, k / 256, k % 256);
        hostile_send(p);
        REQUIRE_EQ(peer_count_packets(p), 1);
        peer_take(p, "*");
        REQUIRE(p->took_packet.length <= PACKET_BYTES);
        hostile_require_unchanged(p, &m, state == USCTP_SHUTDOWN_ACK_SENT);
        REQUIRE_EQ(p->env.live_bytes, m.live_bytes);
        hostile_carry_on(p, state);
    }
}
END_TEST

/* ---- H86 ---- */

/* What refuses a long INIT is not longer than it. */
START_TEST(h86_refusals_are_not_longer_than_the_init) {
    struct scripted_peer *p = hostile_peer(USCTP_CLOSED);
    for (size_t bytes = 0; bytes <= 65400; bytes = bytes * 3 / 2 + 1) {
        for (unsigned kind = 0; kind < 4; kind++) {
            peer_init(p, INIT_TAG);
            if (kind == 0) /* 3.3.2 */
                memset(p->out.bytes + 24, 0, 2);
            if (kind == 1) { /* 3.3.2.1.4 */
                builder_param(&p->out, 11);
                builder_bytes(&p->out, "h", 2);
            }
            if (kind == 2) { /* a length that cannot be */
                hostile_add_param(p, 5, 5);
                builder_fill(&p->out, 0, 4);
            }
            if (kind == 3) /* a port of nobody's */
                p->out.bytes[3] ^= 0x40;
            builder_param(&p->out, 0xffff);
            builder_fill(&p->out, 0x31, bytes);
            size_t sent = hostile_close(p);
            uint16_t port = p->engine_port;
            p->engine_port = load16(p->out.bytes + 2);
            hostile_put(p, sent, &p->peer_addr[0], &p->engine_addr[0]);
            p->engine_port = port;
            peer_take_packet(p, "ABORT T=0 causes=[*]");
            REQUIRE_EQ(p->took_tag, INIT_TAG);
            REQUIRE(p->took_packet.length <= sent);
            peer_expect_nothing(p);
        }
    }
    hostile_carry_on(p, USCTP_CLOSED);
}
END_TEST

/* An INIT ACK grows with what it must report and what its cookie must hold, not beyond. */
START_TEST(h86_init_ack_is_not_longer_than_a_long_init) {
    struct scripted_peer *p = hostile_peer(USCTP_CLOSED);
    peer_init(p, INIT_TAG);
    uint32_t least = one_small_reply(p);
    for (size_t bytes = 0; bytes <= 65400; bytes += 511) {
        peer_init(p, INIT_TAG);
        builder_param(&p->out, 0xffff);
        builder_fill(&p->out, 0x31, bytes);
        size_t before = p->out.used;
        /* It may hold the INIT twice: in the cookie and as a report. */
        REQUIRE(one_small_reply(p) <= least + 2 * (before - 32) + 16);
    }
    hostile_carry_on(p, USCTP_CLOSED);
}
END_TEST

/* Answers to packets that are not INITs are about as long as what they answer. */
START_TEST(h86_answers_out_of_the_blue) {
    struct scripted_peer *p = hostile_peer(USCTP_CLOSED);
    for (unsigned type = 0; type < 256; type++) {
        for (size_t more = 0; more < 3000; more += 999) {
            peer_packet(p);
            hostile_add_chunk(p, type);
            if (type != WIRE_INIT)
                builder_fill(&p->out, 0, more);
            size_t sent = hostile_close(p);
            hostile_put(p, sent, &p->peer_addr[0], &p->engine_addr[0]);
            REQUIRE(peer_count_packets(p) <= 1);
            if (peer_take_if(p, "*"))
                REQUIRE(p->took_packet.length <= sent);
        }
    }
    hostile_carry_on(p, USCTP_CLOSED);
}
END_TEST

RUN_TESTS("H17-H20, H86: large INITs", h17_init_full_of_parameters_to_report,
          h17_handshake_with_a_full_init, h17_init_ack_full_of_parameters_to_report,
          h18_addresses_that_are_no_peers, h18_a_good_address_among_them, h18_our_own_address,
          h18_our_own_address_in_init_ack, h18_duplicate_addresses,
          h19_reply_to_an_init_of_any_size, h19_refusal_of_many_new_addresses,
          h20_addresses_without_number, h20_many_addresses_in_every_state,
          h86_refusals_are_not_longer_than_the_init, h86_init_ack_is_not_longer_than_a_long_init,
          h86_answers_out_of_the_blue)
