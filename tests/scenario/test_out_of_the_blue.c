/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RFC 9260 8.4, rules 1 to 8, for packets of no association; 8.5 and 8.5.1 A to E for verification
 * tags.
 */
#include "support/configs.h"
#include "support/run_tests.h"
#include "support/scripted_peer.h"

#include <string.h>

#define BLUE_TAG 0x0b1ce0b1u

static struct scripted_peer *blue(void) {
    struct scripted_peer *p = PEER(.configure = quiet);
    p->engine_tag = BLUE_TAG;
    return p;
}

/* Adds a chunk of this type with a body that such a chunk has. */
static void add_chunk(struct scripted_peer *p, unsigned type) {
    struct packet_builder *b = &p->out;
    static const struct builder_data data = {.tsn = 5, .bits = BIT_BE};
    switch (type) {
    case WIRE_DATA:
        builder_data_chunk(b, &data, "data", 4);
        return;
    case WIRE_SACK:
        builder_sack(b, 7, 10000, "", NULL, 0);
        return;
    case WIRE_SHUTDOWN:
        builder_shutdown(b, 7);
        return;
    default:
        builder_chunk(b, type, 0);
    }
    if (type == WIRE_HEARTBEAT || type == WIRE_HEARTBEAT_ACK) {
        builder_param(b, 1);
        builder_fill(b, 9, 12);
    } else if (type == WIRE_ERROR) {
        builder_param(b, 1);
        builder_u32(b, 0);
    } else if (type >= 15 || type == WIRE_COOKIE_ECHO) {
        builder_fill(b, 3, 8);
    }
}

static void blue_chunk(struct scripted_peer *p, unsigned type) {
    peer_packet(p);
    add_chunk(p, type);
    peer_send(p);
}

static void require_abort(struct scripted_peer *p) {
    peer_take_packet(p, "ABORT T=1 causes=[*]");
    REQUIRE_EQ(p->took_tag, BLUE_TAG);
    REQUIRE_EQ(p->took_path, 0);
    REQUIRE(memcmp(p->took_packet.source.ipv4, p->engine_addr[0].ipv4, 4) == 0);
    REQUIRE_EQ(load16(p->took_packet.data + 2), p->peer_port);
    peer_expect_nothing(p);
}

/* Rule 8. */
START_TEST(s8_4_rule_8_abort) {
    static const unsigned types[] = {WIRE_DATA,
                                     WIRE_SACK,
                                     WIRE_HEARTBEAT,
                                     WIRE_HEARTBEAT_ACK,
                                     WIRE_SHUTDOWN,
                                     WIRE_ERROR,
                                     WIRE_INIT_ACK,
                                     20,
                                     0x83,
                                     0xc1,
                                     0x45};
    struct scripted_peer *p = blue();
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (types[i] == WIRE_INIT_ACK) {
            peer_init_ack(p);
            peer_add_cookie(p, 64);
            peer_send(p);
        } else {
            blue_chunk(p, types[i]);
        }
        require_abort(p);
    }
    REQUIRE_EQ(peer_counters(p).associations, 0);
    REQUIRE_EQ(peer_counters(p).out_of_the_blue, sizeof types / sizeof types[0]);
    peer_delete(p);
}
END_TEST

/* Rule 1. */
START_TEST(s8_4_rule_1_not_unicast) {
    static const uint8_t strange[][4] = {
        {224, 0, 0, 1}, {239, 1, 2, 3}, {255, 255, 255, 255}, {0, 0, 0, 0}};
    struct scripted_peer *p = blue();
    for (size_t i = 0; i < sizeof strange / sizeof strange[0]; i++) {
        struct usctp_addr addr = p->peer_addr[0];
        memcpy(addr.ipv4, strange[i], 4);
        for (unsigned type = 0; type < 15; type++) {
            peer_packet(p);
            add_chunk(p, type == WIRE_INIT ? WIRE_SACK : type);
            peer_send_addresses(p, &addr, &p->engine_addr[0]);
            peer_expect_nothing(p);
            peer_packet(p);
            add_chunk(p, type == WIRE_INIT ? WIRE_SACK : type);
            peer_send_addresses(p, &p->peer_addr[0], &addr);
            peer_expect_nothing(p);
        }
        peer_init(p, 1234);
        peer_send_addresses(p, &addr, &p->engine_addr[0]);
        peer_expect_nothing(p);
    }
    struct usctp_addr multicast = {.family = USCTP_FAMILY_IPV6,
                                   .ipv6 = {0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};
    blue_chunk(p, WIRE_DATA);
    peer_discard(p);
    peer_packet(p);
    add_chunk(p, WIRE_DATA);
    peer_send_addresses(p, &multicast, &p->engine_addr[0]);
    peer_expect_nothing(p);
    peer_delete(p);
}
END_TEST

/* Rule 2: an ABORT anywhere in the packet. */
START_TEST(s8_4_rule_2_abort_is_not_answered) {
    struct scripted_peer *p = blue();
    for (unsigned flags = 0; flags < 2; flags++) {
        builder_chunk(peer_packet(p), WIRE_ABORT, flags);
        peer_send(p);
        peer_expect_nothing(p);
        peer_packet(p);
        add_chunk(p, WIRE_SACK);
        builder_chunk(&p->out, WIRE_ABORT, flags); /* the last 4 bytes */
        peer_send(p);
        peer_expect_nothing(p);
        peer_packet(p);
        add_chunk(p, WIRE_SHUTDOWN_ACK);
        builder_chunk(&p->out, WIRE_ABORT, flags);
        builder_param(&p->out, 12);
        peer_send(p);
        peer_expect_nothing(p);
    }
    peer_delete(p);
}
END_TEST

/* Rule 3: INIT is answered; where it cannot be accepted, ABORT with its tag and T = 0. */
START_TEST(s8_4_rule_3_init) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_init(p, 77);
    peer_send(p);
    peer_take(p, "INIT_ACK *");
    REQUIRE_EQ(p->took_tag, 77);
    REQUIRE_EQ(usctp_endpoint_listen(p->engine, p->endpoint, 0), 0); /* listens no more */
    peer_init(p, 77);
    peer_send(p);
    peer_take(p, "ABORT T=0 causes=[*]");
    REQUIRE_EQ(p->took_tag, 77);
    peer_expect_nothing(p);
    peer_delete(p);
}
END_TEST

/* An INIT with a verification tag is not processed (8.5.1 A, rule 3). */
START_TEST(s8_5_1_a_init_with_a_tag) {
    struct scripted_peer *p = blue();
    struct builder_init init = {.tag = 77, .rwnd = 65536, .tsn = 1, .os = 5, .mis = 5};
    builder_init_chunk(peer_packet(p), WIRE_INIT, &init);
    peer_send(p);
    peer_expect_none(p, "INIT_ACK *");
    if (peer_take_if(p, "ABORT T=1 *"))
        REQUIRE_EQ(p->took_tag, BLUE_TAG);
    peer_expect_nothing(p);
    peer_delete(p);
}
END_TEST

/* 8.5.1 A: a tag of 0 is for INIT alone in its packet. */
START_TEST(s8_5_1_a_tag_zero) {
    struct scripted_peer *p = blue();
    for (unsigned type = 0; type < 15; type++) {
        if (type == WIRE_INIT || type == WIRE_INIT_ACK)
            continue;
        peer_packet_tag(p, 0);
        add_chunk(p, type);
        peer_send(p);
        peer_expect_nothing(p);
    }
    peer_init(p, 77);
    add_chunk(p, WIRE_DATA);
    peer_send(p);
    peer_expect_nothing(p);
    peer_init(p, 77);
    builder_chunk(&p->out, WIRE_COOKIE_ACK, 0);
    peer_send(p);
    peer_expect_nothing(p);
    peer_packet_tag(p, 0);
    add_chunk(p, WIRE_SACK);
    struct builder_init init = {.tag = 77, .rwnd = 65536, .tsn = 1, .os = 5, .mis = 5};
    builder_init_chunk(&p->out, WIRE_INIT, &init);
    peer_send(p);
    peer_expect_nothing(p);
    peer_delete(p);
}
END_TEST

/* Rule 4: COOKIE ECHO as the first chunk; a bad cookie is silently discarded (5.1.5). Not first:
 * rule 8. */
START_TEST(s8_4_rule_4_cookie_echo) {
    struct scripted_peer *p = blue();
    blue_chunk(p, WIRE_COOKIE_ECHO);
    peer_expect_nothing(p);
    peer_packet(p);
    add_chunk(p, WIRE_COOKIE_ECHO);
    add_chunk(p, WIRE_DATA);
    peer_send(p);
    peer_expect_nothing(p);
    peer_packet(p);
    add_chunk(p, WIRE_SACK);
    add_chunk(p, WIRE_COOKIE_ECHO);
    peer_send(p);
    require_abort(p);
    peer_delete(p);
}
END_TEST

/* Rule 5. */
START_TEST(s8_4_rule_5_shutdown_ack) {
    struct scripted_peer *p = blue();
    blue_chunk(p, WIRE_SHUTDOWN_ACK);
    peer_take_packet(p, "SHUTDOWN_COMPLETE T=1");
    REQUIRE_EQ(p->took_tag, BLUE_TAG);
    peer_expect_nothing(p);
    peer_packet(p); /* "contains": also behind another chunk */
    add_chunk(p, WIRE_ERROR);
    add_chunk(p, WIRE_SHUTDOWN_ACK);
    peer_send(p);
    peer_take_packet(p, "SHUTDOWN_COMPLETE T=1");
    REQUIRE_EQ(p->took_tag, BLUE_TAG);
    peer_expect_nothing(p);
    peer_delete(p);
}
END_TEST

/* Rules 6 and 7. */
START_TEST(s8_4_rules_6_7_silence) {
    struct scripted_peer *p = blue();
    blue_chunk(p, WIRE_SHUTDOWN_COMPLETE);
    peer_expect_nothing(p);
    blue_chunk(p, WIRE_COOKIE_ACK);
    peer_expect_nothing(p);
    builder_chunk(peer_packet(p), WIRE_ERROR, 0);
    builder_param(&p->out, 3);
    builder_u32(&p->out, 0);
    peer_send(p);
    peer_expect_nothing(p);
    peer_packet(p);
    add_chunk(p, WIRE_DATA);
    builder_chunk(&p->out, WIRE_COOKIE_ACK, 0);
    peer_send(p);
    peer_expect_nothing(p);
    builder_chunk(peer_packet(p), WIRE_ERROR, 0); /* the second cause */
    builder_param(&p->out, 1);
    builder_u32(&p->out, 0);
    builder_param(&p->out, 3);
    builder_u32(&p->out, 0);
    peer_send(p);
    peer_expect_nothing(p);
    peer_delete(p);
}
END_TEST

/* A port that nobody has: the same rules. */
START_TEST(s8_4_port_of_nobody) {
    struct scripted_peer *p = blue();
    uint16_t open = p->engine_port;
    p->engine_port = 5999;
    peer_init(p, 77);
    peer_send(p);
    peer_take(p, "ABORT T=0 causes=[*]");
    REQUIRE_EQ(p->took_tag, 77);
    blue_chunk(p, WIRE_DATA);
    require_abort(p);
    blue_chunk(p, WIRE_SHUTDOWN_ACK);
    peer_take_packet(p, "SHUTDOWN_COMPLETE T=1");
    p->engine_port = open;
    peer_delete(p);
}
END_TEST

/* What is no SCTP packet gets no answer: 6.8, 3.1. */
START_TEST(s6_8_broken_packets) {
    struct scripted_peer *p = blue();
    peer_packet(p);
    add_chunk(p, WIRE_DATA);
    p->out.bad_checksum = true;
    peer_send(p);
    peer_expect_nothing(p);
    REQUIRE_EQ(peer_counters(p).dropped[USCTP_DROP_CHECKSUM], 1);
    for (uint32_t length = 0; length < 16; length++) { /* no chunk */
        struct usctp_packet packet;
        memset(&packet, 0, sizeof packet);
        peer_packet(p);
        builder_chunk(&p->out, WIRE_HEARTBEAT, 0);
        p->out.used = 12;
        p->out.chunk_at = 0;
        builder_finish(&p->out);
        packet.data = p->out.bytes;
        packet.length = length < 12 ? length : 12;
        packet.source = p->peer_addr[0];
        packet.destination = p->engine_addr[0];
        usctp_engine_input(p->engine, &packet, 1, p->now_us);
        peer_pump(p);
        peer_expect_nothing(p);
    }
    uint16_t port = p->peer_port;
    p->peer_port = 0;
    blue_chunk(p, WIRE_DATA);
    peer_expect_nothing(p);
    peer_init(p, 77);
    peer_send(p);
    peer_expect_nothing(p);
    p->peer_port = port;
    peer_delete(p);
}
END_TEST

/* ---- 8.5: tags of packets for an association ---- */

START_TEST(s8_5_wrong_tag_is_silently_discarded) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_open_active(p);
    uint32_t right = p->engine_tag;
    const uint32_t wrong[] = {right + 1, ~right, p->peer_tag, 1};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        for (unsigned type = 0; type < 15; type++) {
            if (type == WIRE_INIT || type == WIRE_INIT_ACK || type == WIRE_SHUTDOWN_ACK ||
                type == WIRE_COOKIE_ECHO)
                continue;
            peer_packet_tag(p, wrong[i]);
            add_chunk(p, type);
            peer_send(p);
            peer_expect_nothing(p);
            require_state(p, USCTP_ESTABLISHED);
        }
    }
    user_expect_nothing(p);
    p->engine_tag = right;
    peer_data(p, 0, 0, 0, BIT_BE, 10);
    user_expect(p, 0, 0, 10);
    peer_delete(p);
}
END_TEST

/* 8.5.1 B: our tag and T = 0, or the peer's and T = 1. */
START_TEST(s8_5_1_b_abort) {
    for (unsigned which = 0; which < 4; which++) {
        struct scripted_peer *p = PEER(.configure = quiet);
        peer_open_active(p);
        unsigned t = which & 1;
        uint32_t tag = which & 2 ? p->peer_tag : p->engine_tag;
        builder_chunk(peer_packet_tag(p, tag), WIRE_ABORT, t);
        peer_send(p);
        peer_expect_nothing(p);
        if ((which & 2) == (t ? 2u : 0u))
            require_closed(p, USCTP_ERR_RESET);
        else
            require_state(p, USCTP_ESTABLISHED);
        peer_delete(p);
    }
}
END_TEST

/* 8.5.1 C: the same for SHUTDOWN COMPLETE, in SHUTDOWN-ACK-SENT; elsewhere it is ignored. */
START_TEST(s8_5_1_c_shutdown_complete) {
    for (unsigned which = 0; which < 4; which++) {
        struct scripted_peer *p = PEER(.configure = quiet);
        peer_to_state(p, USCTP_SHUTDOWN_ACK_SENT);
        unsigned t = which & 1;
        uint32_t tag = which & 2 ? p->peer_tag : p->engine_tag;
        builder_chunk(peer_packet_tag(p, tag), WIRE_SHUTDOWN_COMPLETE, t);
        peer_send(p);
        peer_expect_nothing(p);
        if ((which & 2) == (t ? 2u : 0u))
            require_closed(p, 0);
        else
            require_state(p, USCTP_SHUTDOWN_ACK_SENT);
        peer_delete(p);
    }
    static const enum usctp_assoc_state states[] = {USCTP_COOKIE_WAIT,   USCTP_COOKIE_ECHOED,
                                                    USCTP_ESTABLISHED,   USCTP_SHUTDOWN_PENDING,
                                                    USCTP_SHUTDOWN_SENT, USCTP_SHUTDOWN_RECEIVED};
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        struct scripted_peer *p = PEER(.configure = quiet);
        peer_to_state(p, states[i]);
        peer_chunk(p, WIRE_SHUTDOWN_COMPLETE, 0);
        builder_chunk(peer_packet_tag(p, p->peer_tag), WIRE_SHUTDOWN_COMPLETE, BIT_T);
        peer_send(p);
        peer_expect_nothing(p);
        require_state(p, states[i]);
        peer_delete(p);
    }
}
END_TEST

/* 8.5.1 E, 9.2: SHUTDOWN ACK in COOKIE-WAIT and COOKIE-ECHOED is out of the blue; the handshake
 * goes on. */
START_TEST(s8_5_1_e_shutdown_ack) {
    static const enum usctp_assoc_state states[] = {USCTP_COOKIE_WAIT, USCTP_COOKIE_ECHOED};
    for (size_t i = 0; i < 2; i++) {
        struct scripted_peer *p = PEER(.configure = quiet);
        peer_to_state(p, states[i]);
        uint64_t at = p->now_us;
        peer_run_for(p, 300 * MS);
        const uint32_t tags[] = {p->engine_tag, 0x99999999u};
        for (size_t k = 0; k < 2; k++) {
            builder_chunk(peer_packet_tag(p, tags[k]), WIRE_SHUTDOWN_ACK, 0);
            peer_send(p);
            peer_take_packet(p, "SHUTDOWN_COMPLETE T=1");
            REQUIRE_EQ(p->took_tag, tags[k]);
            require_state(p, states[i]);
        }
        peer_wait(p, i == 0 ? "INIT *" : "COOKIE_ECHO *", SECOND); /* T1 runs on */
        REQUIRE_EQ(p->took_us, at + SECOND);
        peer_delete(p);
    }
}
END_TEST

/* 12.4: not more than one packet with other chunks than DATA in answer to one packet. */
START_TEST(s12_4_one_packet_in_answer) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_open_active(p);
    peer_packet(p);
    for (int i = 0; i < 20; i++) {
        builder_chunk(&p->out, WIRE_HEARTBEAT, 0);
        builder_param(&p->out, 1);
        builder_fill(&p->out, (unsigned)i, 40);
    }
    for (int i = 0; i < 20; i++) {
        builder_chunk(&p->out, 0xc1, 0);
        builder_fill(&p->out, (unsigned)i, 40);
    }
    peer_send(p);
    REQUIRE(peer_count_packets(p) <= 1);
    peer_delete(p);
}
END_TEST

/* 8.5.1 B in every state in which the peer's tag is known. */
START_TEST(s8_5_1_b_abort_in_every_state) {
    static const enum usctp_assoc_state states[] = {
        USCTP_COOKIE_ECHOED, USCTP_ESTABLISHED,       USCTP_SHUTDOWN_PENDING,
        USCTP_SHUTDOWN_SENT, USCTP_SHUTDOWN_RECEIVED, USCTP_SHUTDOWN_ACK_SENT};
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        struct scripted_peer *p = PEER(.configure = quiet);
        peer_to_state(p, states[i]);
        builder_chunk(peer_packet_tag(p, p->peer_tag), WIRE_ABORT, 0);
        peer_send(p);
        require_state(p, states[i]);
        builder_chunk(peer_packet_tag(p, p->engine_tag), WIRE_ABORT, BIT_T);
        peer_send(p);
        require_state(p, states[i]);
        builder_chunk(peer_packet_tag(p, p->engine_tag + 1), WIRE_ABORT, 0);
        peer_send(p);
        require_state(p, states[i]);
        builder_chunk(peer_packet_tag(p, p->peer_tag), WIRE_ABORT, BIT_T);
        peer_send(p);
        REQUIRE(p->closed);
        peer_run_for(p, 200 * SECOND);
        peer_expect_nothing(p);
        peer_delete(p);
    }
}
END_TEST

/* In COOKIE-WAIT the peer's tag is not known: 0 is not it. */
START_TEST(s8_5_1_b_abort_in_cookie_wait) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_to_state(p, USCTP_COOKIE_WAIT);
    builder_chunk(peer_packet_tag(p, 0), WIRE_ABORT, BIT_T);
    peer_send(p);
    require_state(p, USCTP_COOKIE_WAIT);
    builder_chunk(peer_packet_tag(p, p->engine_tag), WIRE_ABORT, BIT_T);
    peer_send(p);
    require_state(p, USCTP_COOKIE_WAIT);
    peer_chunk(p, WIRE_ABORT, 0);
    require_closed(p, USCTP_ERR_REFUSED);
    peer_expect_nothing(p);
    peer_delete(p);
}
END_TEST

/* 6.8: a transport may vouch for the bytes instead of the checksum. */
START_TEST(s6_8_verified_by_the_transport) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_open_active(p);
    for (unsigned verified = 0; verified < 2; verified++) {
        struct usctp_packet packet;
        memset(&packet, 0, sizeof packet);
        peer_packet(p);
        peer_add_data(p, 0, 0, 0, BIT_BE, 10);
        p->out.bad_checksum = true;
        builder_finish(&p->out);
        packet.data = p->out.bytes;
        packet.length = (uint32_t)p->out.used;
        packet.source = p->peer_addr[0];
        packet.destination = p->engine_addr[0];
        packet.flags = verified ? USCTP_PACKET_CHECKSUM_VERIFIED : 0;
        usctp_engine_input(p->engine, &packet, 1, p->now_us);
        peer_pump(p);
        if (verified)
            user_expect(p, 0, 0, 10);
        else
            user_expect_nothing(p);
    }
    peer_delete(p);
}
END_TEST

RUN_TESTS("out of the blue, verification tags (RFC 9260 8.4, 8.5)", s8_4_rule_8_abort,
          s8_4_rule_1_not_unicast, s8_4_rule_2_abort_is_not_answered, s8_4_rule_3_init,
          s8_5_1_a_init_with_a_tag, s8_5_1_a_tag_zero, s8_4_rule_4_cookie_echo,
          s8_4_rule_5_shutdown_ack, s8_4_rules_6_7_silence, s8_4_port_of_nobody,
          s6_8_broken_packets, s8_5_wrong_tag_is_silently_discarded, s8_5_1_b_abort,
          s8_5_1_c_shutdown_complete, s8_5_1_e_shutdown_ack, s12_4_one_packet_in_answer,
          s8_5_1_b_abort_in_every_state, s8_5_1_b_abort_in_cookie_wait,
          s6_8_verified_by_the_transport)
