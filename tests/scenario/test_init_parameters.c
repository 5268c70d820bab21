/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RFC 9260 3.2.1, 3.2.2, 3.3.2, 3.3.3, 5.1.2: parameters of INIT and INIT ACK: unknown, missing,
 * forbidden values, addresses.
 */
#include "support/configs.h"
#include "support/run_tests.h"
#include "support/scripted_peer.h"

#include <string.h>

static const uint8_t stuff[8] = {1, 2, 3, 4, 5, 6, 7, 8};

/* An unknown parameter of the kind that its two highest bits say; 5 bytes of value, so that it
 * needs padding. */
static void add_unknown(struct scripted_peer *p, unsigned type) {
    builder_param(&p->out, type);
    builder_bytes(&p->out, stuff, 5);
}

static void require_reported(const struct read_chunk *chunk, unsigned container, unsigned type) {
    size_t bytes;
    const uint8_t *report = reader_param(chunk, container, 0, &bytes);
    REQUIRE(report != NULL);
    REQUIRE(bytes == 9 || bytes == 12); /* the whole TLV, with or without its padding */
    REQUIRE_EQ(load16(report), type);
    REQUIRE_EQ(load16(report + 2), 9);
    REQUIRE(memcmp(report + 4, stuff, 5) == 0);
}

/* 3.2.1: 00 and 01 end the parameters, 10 and 11 do not; 01 and 11 are reported. An address
 * follows, to see which. */
static void unknown_in_init(unsigned type, bool reported, bool continues) {
    struct scripted_peer *p = PEER(.configure = quiet, .paths = 2);
    peer_init(p, p->peer_tag);
    peer_add_addresses(p, 0, 1);
    add_unknown(p, type);
    peer_add_addresses(p, 1, 1);
    peer_send(p);
    peer_take_init_ack(p);
    if (reported)
        require_reported(&p->took, 8, type);
    else
        REQUIRE(reader_param(&p->took, 8, 0, &(size_t){0}) == NULL);
    peer_cookie_echo(p);
    peer_send(p);
    peer_take(p, "COOKIE_ACK");
    REQUIRE_EQ(peer_status(p).path_count, continues ? 2 : 1);
    peer_delete(p);
}

START_TEST(s3_2_1_unknown_parameters_in_init) {
    unknown_in_init(0x3ff0, false, false);
    unknown_in_init(0x7ff0, true, false);
    unknown_in_init(0xbff0, false, true);
    unknown_in_init(0xfff0, true, true);
}
END_TEST

/* 3.2.2: those of an INIT ACK are reported in an ERROR chunk, with the COOKIE ECHO or after the
 * COOKIE ACK. */
static void unknown_in_init_ack(unsigned type, bool reported, bool continues) {
    struct scripted_peer *p = PEER(.configure = quiet, .paths = 2);
    peer_engine_connect(p);
    peer_take_init(p);
    peer_init_ack(p);
    peer_add_cookie(p, 64);
    peer_add_addresses(p, 0, 1);
    add_unknown(p, type);
    peer_add_addresses(p, 1, 1);
    peer_send(p);
    peer_take(p, "COOKIE_ECHO len=64"); /* 3.2.1: in all four cases */
    const struct read_chunk *error = peer_take_if(p, "ERROR *");
    if (reported && error) /* bundled; a packet of its own has to wait */
        REQUIRE_EQ(p->took_us, p->now_us);
    peer_chunk(p, WIRE_COOKIE_ACK, 0);
    if (reported && !error)
        error = peer_take(p, "ERROR *");
    REQUIRE_EQ(error != NULL, reported);
    if (error)
        require_reported(error, 8, type);
    REQUIRE_EQ(peer_status(p).path_count, continues ? 2 : 1);
    peer_delete(p);
}

START_TEST(s3_2_1_unknown_parameters_in_init_ack) {
    unknown_in_init_ack(0x3ff0, false, false);
    unknown_in_init_ack(0x7ff0, true, false);
    unknown_in_init_ack(0xbff0, false, true);
    unknown_in_init_ack(0xfff0, true, true);
}
END_TEST

/* Several at once: each is reported. */
START_TEST(s3_2_2_several_unknown_parameters) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_init(p, p->peer_tag);
    for (unsigned i = 0; i < 5; i++)
        add_unknown(p, 0xfff0 + i);
    peer_send(p);
    peer_take_init_ack(p);
    for (unsigned i = 0; i < 5; i++) {
        size_t bytes;
        const uint8_t *report = reader_param(&p->took, 8, i, &bytes);
        REQUIRE(report != NULL);
        REQUIRE_EQ(load16(report), 0xfff0 + i);
    }
    peer_delete(p);
}
END_TEST

/* 3.3.2 notes: reserved parameters of RFC 9260's own table, and those of its extensions, do no
 * harm. */
START_TEST(s3_3_2_known_optional_parameters) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_init(p, p->peer_tag);
    builder_param(&p->out, 12); /* Supported Address Types */
    builder_u16(&p->out, 5);
    builder_u16(&p->out, 6);
    builder_u16(&p->out, 11);       /* must be ignored */
    builder_param(&p->out, 0x8000); /* ECN Capable */
    builder_param(&p->out, 0xc000); /* Forward-TSN-Supported */
    builder_param(&p->out, 0x8008); /* Supported Extensions */
    builder_bytes(&p->out, "\x82\xc0\xc1", 3);
    peer_send(p);
    peer_take_init_ack(p);
    peer_cookie_echo(p);
    peer_send(p);
    peer_take(p, "COOKIE_ACK");
    peer_delete(p);
}
END_TEST

/* 5.1, 3.3.10.2: an INIT ACK without cookie: ABORT with Missing Mandatory Parameter and the INIT
 * ACK's tag. */
START_TEST(s5_1_missing_cookie) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_engine_connect(p);
    peer_take_init(p);
    peer_init_ack(p);
    peer_send(p);
    peer_take(p, "ABORT T=0 causes=[2(n=1,7)]");
    REQUIRE_EQ(p->took_tag, p->peer_tag);
    peer_expect_nothing(p);
    require_closed(p, USCTP_ERR_PROTOCOL);
    peer_delete(p);
}
END_TEST

static struct builder_init good_init(const struct scripted_peer *p) {
    return (struct builder_init){
        .tag = 0x55667788u, .rwnd = 65536, .tsn = p->peer_tsn, .os = 5, .mis = 5};
}

/* 3.3.2: a_rwnd below 1500, OS 0, MIS 0: discarded, ABORT with the Initiate Tag, whatever there is
 * stays as it is. */
static void forbidden_init(enum usctp_assoc_state state, const struct builder_init *init) {
    struct scripted_peer *p = PEER(.configure = quiet);
    if (state != USCTP_CLOSED)
        peer_to_state(p, state);
    builder_init_chunk(peer_packet_tag(p, 0), WIRE_INIT, init);
    peer_send(p);
    if (init->tag != 0) {
        peer_take(p, "ABORT T=0 *");
        REQUIRE_EQ(p->took_tag, init->tag);
    }
    peer_expect_nothing(p);
    if (state != USCTP_CLOSED)
        require_state(p, state);
    peer_delete(p);
}

START_TEST(s3_3_2_forbidden_values_in_init) {
    static const enum usctp_assoc_state states[] = {
        USCTP_CLOSED,           USCTP_COOKIE_WAIT,   USCTP_COOKIE_ECHOED,    USCTP_ESTABLISHED,
        USCTP_SHUTDOWN_PENDING, USCTP_SHUTDOWN_SENT, USCTP_SHUTDOWN_RECEIVED};
    struct scripted_peer *p = PEER(.configure = quiet);
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        struct builder_init init = good_init(p);
        init.rwnd = 1499;
        forbidden_init(states[i], &init);
        init = good_init(p);
        init.os = 0;
        forbidden_init(states[i], &init);
        init = good_init(p);
        init.mis = 0;
        forbidden_init(states[i], &init);
        init = good_init(p);
        init.tag = 0; /* silently */
        forbidden_init(states[i], &init);
    }
    peer_delete(p);
}
END_TEST

START_TEST(s3_3_2_smallest_rwnd_is_good) {
    struct scripted_peer *p = PEER(.configure = quiet, .rwnd = 1500);
    peer_open_passive(p);
    REQUIRE_EQ(peer_status(p).peer_rwnd_bytes, 1500);
    peer_delete(p);
}
END_TEST

/* 3.3.3: in COOKIE-WAIT an INIT ACK with OS 0, MIS 0, tag 0 or (erratum 7148) a_rwnd below 1500
 * destroys the TCB. */
static void forbidden_init_ack(struct builder_init init) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_engine_connect(p);
    peer_take_init(p);
    builder_init_chunk(peer_packet(p), WIRE_INIT_ACK, &init);
    peer_add_cookie(p, 64);
    peer_send(p);
    if (init.tag == 0) {
        if (peer_take_if(p, "ABORT *")) /* a SHOULD, with the T bit */
            REQUIRE(p->took.flags & BIT_T);
    } else {
        peer_take(p, "ABORT T=0 *");
        REQUIRE_EQ(p->took_tag, init.tag);
    }
    peer_expect_nothing(p);
    require_closed(p, USCTP_ERR_PROTOCOL);
    peer_run_for(p, 100 * SECOND);
    peer_expect_nothing(p);
    peer_delete(p);
}

START_TEST(s3_3_3_forbidden_values_in_init_ack) {
    struct builder_init good = {.tag = 0x55667788u, .rwnd = 65536, .tsn = 1, .os = 5, .mis = 5},
                        bad = good;
    bad.os = 0;
    forbidden_init_ack(bad);
    bad = good;
    bad.mis = 0;
    forbidden_init_ack(bad);
    bad = good;
    bad.rwnd = 1499;
    forbidden_init_ack(bad);
    bad = good;
    bad.tag = 0;
    forbidden_init_ack(bad);
}
END_TEST

/* 8.5, erratum 7852: the verification tag is looked at first; with a wrong one nothing happens. */
START_TEST(s8_5_forbidden_init_ack_with_a_wrong_tag) {
    struct scripted_peer *p = PEER(.configure = quiet);
    struct builder_init bad = {.tag = 0, .rwnd = 0, .tsn = 1, .os = 0, .mis = 0};
    peer_to_state(p, USCTP_COOKIE_WAIT);
    builder_init_chunk(peer_packet_tag(p, p->engine_tag + 1), WIRE_INIT_ACK, &bad);
    peer_send(p);
    peer_expect_nothing(p);
    require_state(p, USCTP_COOKIE_WAIT);
    peer_delete(p);
}
END_TEST

/* 3.3.2.1.4: Host Name Address: ABORT. */
START_TEST(s3_3_2_1_4_host_name) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_init(p, p->peer_tag);
    builder_param(&p->out, 11);
    builder_bytes(&p->out, "host.example", 13);
    peer_send(p);
    peer_take(p, "ABORT T=0 causes=[*]");
    REQUIRE_EQ(p->took_tag, p->peer_tag);
    peer_expect_nothing(p);
    peer_engine_connect(p);
    peer_take_init(p);
    peer_init_ack(p);
    peer_add_cookie(p, 64);
    builder_param(&p->out, 11);
    builder_bytes(&p->out, "host.example", 13);
    peer_send(p);
    peer_take(p, "ABORT T=0 causes=[*]");
    REQUIRE_EQ(p->took_tag, p->peer_tag);
    peer_expect_nothing(p);
    REQUIRE(p->closed);
    peer_delete(p);
}
END_TEST

/* 5.1.2 A: no address parameters: the source address alone. */
START_TEST(s5_1_2_a_source_address_alone) {
    struct scripted_peer *p = PEER(.configure = quiet, .paths = 2);
    peer_init(p, p->peer_tag);
    peer_send_on(p, 1);
    peer_take_init_ack(p);
    peer_cookie_echo(p);
    peer_send_on(p, 1);
    peer_take(p, "COOKIE_ACK");
    REQUIRE_EQ(p->took_path, 1);
    REQUIRE_EQ(peer_status(p).path_count, 1);
    REQUIRE_EQ(peer_path(p, 1).state, USCTP_PATH_STATE_ACTIVE);
    peer_delete(p);
}
END_TEST

/* 5.1.2 C: the listed ones and the source address, each once. */
START_TEST(s5_1_2_c_all_addresses_once) {
    struct scripted_peer *p = PEER(.configure = quiet, .paths = 4, .ipv6_paths = 10);
    peer_init(p, p->peer_tag);
    peer_add_addresses(p, 1, 3);
    peer_add_addresses(p, 2, 2);
    peer_add_addresses(p, 1, 1);
    peer_send(p); /* from address 0, which is not listed */
    peer_take_init_ack(p);
    peer_cookie_echo(p);
    peer_send(p);
    peer_take(p, "COOKIE_ACK");
    REQUIRE_EQ(peer_status(p).path_count, 4);
    for (unsigned i = 0; i < 4; i++)
        peer_path(p, i);
    peer_delete(p);
}
END_TEST

/* The same of an INIT ACK. */
START_TEST(s5_1_2_c_addresses_of_init_ack) {
    struct scripted_peer *p = PEER(.configure = quiet, .paths = 3, .ipv6_paths = 4);
    peer_engine_connect(p);
    peer_take_init(p);
    peer_init_ack(p);
    peer_add_addresses(p, 1, 2);
    peer_add_cookie(p, 64);
    peer_send(p);
    peer_take(p, "COOKIE_ECHO *");
    peer_chunk(p, WIRE_COOKIE_ACK, 0);
    REQUIRE_EQ(peer_status(p).path_count, 3);
    REQUIRE_EQ(peer_status(p).primary_path,
               (uint32_t)usctp_path_find(p->engine, p->assoc, &p->peer_addr[0]));
    peer_delete(p);
}
END_TEST

/* 5.1.2: what is not a unicast address is no address of anybody. */
START_TEST(s8_4_1_strange_addresses_are_skipped) {
    static const uint8_t strange[][4] = {{0, 0, 0, 0}, {224, 0, 0, 1}, {255, 255, 255, 255}};
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_init(p, p->peer_tag);
    for (size_t i = 0; i < 3; i++) {
        builder_param(&p->out, 5);
        builder_bytes(&p->out, strange[i], 4);
    }
    peer_send(p);
    peer_take_init_ack(p);
    peer_cookie_echo(p);
    peer_send(p);
    peer_take(p, "COOKIE_ACK");
    REQUIRE_EQ(peer_status(p).path_count, 1);
    peer_delete(p);
}
END_TEST

/* An INIT that is cut short, at every length: no reply that is not an ABORT, and no harm. */
START_TEST(s3_3_2_truncated_init) {
    struct scripted_peer *p = PEER(.configure = quiet);
    for (unsigned bytes = 0; bytes < 16; bytes++) {
        builder_chunk(peer_packet_tag(p, 0), WIRE_INIT, 0);
        builder_fill(&p->out, 1, bytes);
        peer_send(p);
        peer_expect_none(p, "INIT_ACK *");
        peer_discard(p);
    }
    peer_open_passive(p);
    peer_delete(p);
}
END_TEST

/* 5.1.1: where the peer takes fewer streams than were asked for, the sender uses no more; what the
 * user has queued on others meanwhile is given back to him, the rest goes out. */
START_TEST(s5_1_1_fewer_streams_than_promised) {
    struct scripted_peer *p =
        PEER(.configure = eager, .mis = 2, .subscribe = USCTP_NOTIFY_SEND_FAILED);
    peer_engine_connect(p);
    REQUIRE_EQ(usctp_assoc_subscribe(p->engine, p->assoc, USCTP_NOTIFY_SEND_FAILED), 0);
    peer_take_init(p);
    user_send(p, 5, 10);
    user_send(p, 1, 20);
    user_send(p, 2, 30);
    peer_init_ack(p);
    peer_add_cookie(p, 64);
    peer_send(p);
    peer_take(p, "COOKIE_ECHO *");
    peer_chunk(p, WIRE_COOKIE_ACK, 0);
    peer_take(p, "DATA tsn=0 sid=1 ssn=0 * len=20");
    peer_expect_none(p, "DATA *");
    for (unsigned i = 0; i < 2; i++) {
        struct usctp_notification n = user_expect_notification(p, USCTP_NOTIFY_SEND_FAILED, -1);
        REQUIRE_EQ(n.send.sid, i == 0 ? 5 : 2);
        REQUIRE(!n.was_sent);
    }
    REQUIRE_EQ(peer_status(p).unsent_bytes, 0);
    REQUIRE_EQ(user_try_send(p, &(struct usctp_send){.sid = 2}, 1), USCTP_ERR_INVALID);
    peer_sack(p, 0, 131072, "");
    REQUIRE_EQ(peer_status(p).send_buffer_used_bytes, 0);
    peer_delete(p);
}
END_TEST

RUN_TESTS("INIT and INIT ACK parameters (RFC 9260 3.2.1, 3.3.2, 3.3.3)",
          s3_2_1_unknown_parameters_in_init, s3_2_1_unknown_parameters_in_init_ack,
          s3_2_2_several_unknown_parameters, s3_3_2_known_optional_parameters, s5_1_missing_cookie,
          s3_3_2_forbidden_values_in_init, s3_3_2_smallest_rwnd_is_good,
          s3_3_3_forbidden_values_in_init_ack, s8_5_forbidden_init_ack_with_a_wrong_tag,
          s3_3_2_1_4_host_name, s5_1_2_a_source_address_alone, s5_1_2_c_all_addresses_once,
          s5_1_2_c_addresses_of_init_ack, s8_4_1_strange_addresses_are_skipped,
          s3_3_2_truncated_init, s5_1_1_fewer_streams_than_promised)
