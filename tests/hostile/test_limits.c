/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The limits of usctp/config.h that hold a peer: each is reached, does what its row promises, is
 * counted once, and lets the same thing through below it (RFC 9260 5.1, 6.2, 6.9, 12.2.4, 12.4).
 */
#include "support/hostile.h"

#include <stdlib.h>
#include <string.h>

/* ---- answers to strangers: two buckets ---- */

static void two_rates(struct usctp_config *config) {
    quiet(config);
    config->init_acks_per_second = 50;
    config->replies_per_second = 100;
}

static size_t flood(struct scripted_peer *p, bool with_init) {
    size_t answers = 0;
    for (unsigned i = 0; i < 200; i++) {
        p->peer_port = (uint16_t)(9000 + i);
        if (with_init) {
            peer_init(p, 77 + i);
        } else {
            peer_packet_tag(p, STRANGE_TAG);
            hostile_add_chunk(p, WIRE_HEARTBEAT);
        }
        hostile_send(p);
        answers += peer_count_packets(p);
        peer_discard(p);
    }
    return answers;
}

/* INIT ACKs and other answers do not use up each other's allowance; a keyed hash is spent on none
 * that is not sent. */
START_TEST(each_kind_has_its_rate) {
    struct scripted_peer *p =
        hostile_peer_with(USCTP_CLOSED, (struct peer_options){.configure = two_rates});
    uint64_t macs = p->env.mac_calls;
    struct usctp_engine_counters before = peer_counters(p);
    uint16_t port = p->peer_port;
    REQUIRE_EQ(flood(p, true), 50 / 10 + 1);
    REQUIRE_EQ(p->env.mac_calls - macs, 50 / 10 + 1);
    REQUIRE_EQ(flood(p, false), 100 / 10 + 1);
    struct usctp_engine_counters now = peer_counters(p);
    REQUIRE_EQ(now.init_acks - before.init_acks, 6);
    REQUIRE_EQ(now.init_acks_limited - before.init_acks_limited, 194);
    REQUIRE_EQ(now.replies - before.replies, 11);
    REQUIRE_EQ(now.replies_limited - before.replies_limited, 189);
    peer_run_for(p, SECOND);
    REQUIRE_EQ(flood(p, false), 11);
    REQUIRE_EQ(flood(p, true), 6);
    p->peer_port = port;
    peer_run_for(p, SECOND);
    hostile_carry_on(p, USCTP_CLOSED);
}
END_TEST

/* ---- max_memory_bytes ---- */

enum { CAP_BYTES = 400000, SHORT_BYTES = CAP_BYTES - CAP_BYTES / 8 };

static void small_memory(struct usctp_config *config) {
    quiet(config);
    config->max_memory_bytes = CAP_BYTES;
    config->max_stream_bytes = 1073741824;
}

/* Puts in whole messages of a stream from TSN `tsn` on until one is not taken. Returns its TSN. */
static int fill_with_data(struct scripted_peer *p, int tsn) {
    uint64_t dropped = peer_counters(p).dropped[USCTP_DROP_MEMORY];
    for (; tsn < 1000; tsn++) {
        peer_packet(p);
        peer_add_data(p, tsn, 0, (unsigned)tsn, BIT_BE, 1400);
        hostile_send(p);
        peer_discard(p);
        if (peer_counters(p).dropped[USCTP_DROP_MEMORY] > dropped)
            return tsn;
    }
    test_fail(__FILE__, __LINE__, "memory is never short");
}

/* Nearly all of it is held by what nobody reads: DATA is not taken, messages of the user's are not,
 * associations neither from here nor from there; what fills a gap is. When it has been read, all
 * goes on. */
START_TEST(memory) {
    struct scripted_peer *p =
        hostile_peer_with(USCTP_ESTABLISHED, (struct peer_options){.configure = small_memory});
    const struct usctp_addr stranger = {.family = USCTP_FAMILY_IPV4, .ipv4 = {10, 9, 9, 9}};
    const struct usctp_connect connect = {
        .endpoint = p->endpoint, .addresses = &stranger, .address_count = 1, .port = 9};
    const struct usctp_send send = {0};
    struct usctp_engine_counters before = peer_counters(p);
    int first_left = fill_with_data(p, 1); /* 0 is missing */
    REQUIRE(p->env.live_bytes <= SHORT_BYTES);
    REQUIRE(p->env.live_bytes > SHORT_BYTES - 3000);
    REQUIRE_EQ(peer_counters(p).memory_bytes, p->env.live_bytes);
    REQUIRE_EQ(peer_status(p).counters.dropped_data_chunks, 0); /* counted once */

    REQUIRE_EQ(user_try_send(p, &send, 2000), USCTP_ERR_LIMIT);
    REQUIRE_EQ(user_try_send(p, &send, 2000), USCTP_ERR_LIMIT);
    REQUIRE_EQ(peer_counters(p).sends_refused - before.sends_refused, 2);
    REQUIRE_EQ(usctp_assoc_connect(p->engine, &connect, p->now_us), USCTP_ERR_LIMIT);

    uint64_t drops = peer_counters(p).dropped[USCTP_DROP_MEMORY];
    uint16_t port = p->peer_port;
    p->peer_port = 9999;
    peer_init(p, 4321);
    hostile_send(p);
    peer_take_packet(p, "ABORT T=0 causes=[4]"); /* 3.3.10.4 */
    REQUIRE_EQ(p->took_tag, 4321);
    p->peer_port = port;
    REQUIRE_EQ(peer_counters(p).dropped[USCTP_DROP_MEMORY], drops + 1);
    REQUIRE_EQ(peer_counters(p).associations, 1);

    peer_packet(p);
    peer_add_data(p, 0, 0, 0, BIT_BE, 1400); /* the last eighth */
    hostile_send(p);
    char pattern[40];
    snprintf(pattern, sizeof pattern, "SACK cum=%d *", first_left - 1);
    peer_take(p, pattern);
    for (int tsn = 0; tsn < first_left; tsn++)
        user_expect(p, 0, (unsigned)tsn, 1400);
    usctp_assoc_received(p->engine, p->assoc, p->now_us);
    peer_packet(p);
    peer_add_data(p, first_left, 0, (unsigned)first_left, BIT_BE, 1400);
    hostile_send(p);
    user_expect(p, 0, (unsigned)first_left, 1400);
    REQUIRE_EQ(user_try_send(p, &send, 2000), 0);
    REQUIRE(peer_counters(p).memory_peak_bytes <= CAP_BYTES);
    peer_delete(p);
}
END_TEST

/* The cap is one of the whole stack: many handshakes end with a refusal, never above it. */
START_TEST(memory_of_associations) {
    struct scripted_peer *p =
        hostile_peer_with(USCTP_CLOSED, (struct peer_options){.configure = small_memory});
    unsigned refused = 0;
    for (uint16_t i = 0; i < 300 && refused == 0; i++) {
        p->peer_port = (uint16_t)(7000 + i);
        peer_init(p, p->peer_tag);
        peer_send(p);
        if (peer_take_if(p, "ABORT T=0 causes=[4]")) {
            refused++;
            break;
        }
        peer_take_init_ack(p);
        peer_cookie_echo(p);
        hostile_send(p);
        refused += peer_take_if(p, "ABORT T=0 causes=[4]") != NULL;
        peer_discard(p);
        REQUIRE(p->env.live_bytes <= CAP_BYTES);
    }
    REQUIRE_EQ(refused, 1);
    REQUIRE_EQ(peer_counters(p).dropped[USCTP_DROP_MEMORY], 1);
    REQUIRE(peer_counters(p).associations > 5);
    peer_delete(p);
}
END_TEST

/* ---- max_associations_per_source ---- */

static void three_a_source(struct usctp_config *config) {
    quiet(config);
    config->max_associations_per_source = 3;
}

static bool set_up(struct scripted_peer *p, uint16_t port) {
    p->peer_port = port;
    peer_init(p, p->peer_tag);
    peer_send(p);
    if (peer_take_if(p, "ABORT T=0 causes=[4]"))
        return false;
    peer_take_init_ack(p);
    peer_cookie_echo(p);
    hostile_send(p);
    peer_take_packet(p, "COOKIE_ACK");
    return true;
}

START_TEST(associations_of_one_source) {
    struct scripted_peer *p = hostile_peer_with(
        USCTP_CLOSED, (struct peer_options){.configure = three_a_source, .paths = 2});
    for (uint16_t i = 0; i < 3; i++)
        REQUIRE(set_up(p, (uint16_t)(7000 + i)));
    int32_t last = p->assoc;
    REQUIRE(!set_up(p, 7003));
    REQUIRE(!set_up(p, 7004));
    REQUIRE_EQ(peer_counters(p).dropped[USCTP_DROP_LIMIT], 2);
    REQUIRE_EQ(peer_counters(p).associations, 3);
    /* Another source has its own. */
    struct usctp_addr here = p->peer_addr[0];
    p->peer_addr[0] = p->peer_addr[1];
    REQUIRE(set_up(p, 7005));
    p->peer_addr[0] = here;
    /* One that has gone makes room. */
    usctp_assoc_release(p->engine, last, p->now_us);
    peer_pump(p);
    peer_discard(p);
    REQUIRE(set_up(p, 7006));
    REQUIRE(!set_up(p, 7007));
    REQUIRE_EQ(peer_counters(p).dropped[USCTP_DROP_LIMIT], 3);
    peer_delete(p);
}
END_TEST

/* A cookie of before the limit was reached is no way around it. */
START_TEST(an_early_cookie) {
    struct scripted_peer *p =
        hostile_peer_with(USCTP_CLOSED, (struct peer_options){.configure = three_a_source});
    struct saved_cookie *cookie = hostile_new_cookie(p, 5, 5);
    uint16_t port = p->peer_port;
    for (uint16_t i = 0; i < 3; i++)
        REQUIRE(set_up(p, (uint16_t)(7000 + i)));
    p->peer_port = port;
    hostile_cookie_echo(p, cookie);
    hostile_send(p);
    peer_take_packet(p, "ABORT T=0 causes=[4]");
    REQUIRE_EQ(p->took_tag, 5);
    REQUIRE_EQ(peer_counters(p).dropped[USCTP_DROP_LIMIT], 1);
    REQUIRE_EQ(peer_counters(p).associations, 3);
    free(cookie);
    peer_delete(p);
}
END_TEST

/* ---- what an INIT asks for ---- */

static void two_addresses(struct usctp_config *config) {
    quiet(config);
    config->max_peer_addresses = 2;
}

static void add_ipv4(struct scripted_peer *p, unsigned last) {
    const uint8_t address[4] = {203, 0, 113, (uint8_t)last};
    builder_param(&p->out, 5);
    builder_bytes(&p->out, address, 4);
}

START_TEST(peer_addresses) {
    struct scripted_peer *p =
        hostile_peer_with(USCTP_CLOSED, (struct peer_options){.configure = two_addresses});
    peer_init(p, p->peer_tag);
    for (unsigned i = 1; i <= 4; i++)
        add_ipv4(p, i);
    peer_send(p);
    peer_take_init_ack(p);
    peer_cookie_echo(p);
    hostile_send(p);
    peer_take(p, "COOKIE_ACK");
    REQUIRE_EQ(peer_status(p).path_count, 2); /* the packet's source, and the first listed */
    REQUIRE_EQ(peer_counters(p).addresses_ignored, 3);
    struct usctp_path_status path;
    REQUIRE_EQ(usctp_path_status(p->engine, p->assoc, 1, &path), 0);
    REQUIRE_EQ(memcmp(path.address.ipv4, (uint8_t[]){203, 0, 113, 1}, 4), 0);
    peer_delete(p);
}
END_TEST

/* 12.2.4.1: beyond 32 they are not even remembered. */
START_TEST(very_many_peer_addresses) {
    struct scripted_peer *p = hostile_peer(USCTP_CLOSED);
    peer_init(p, p->peer_tag);
    for (unsigned i = 1; i <= 50; i++)
        add_ipv4(p, i);
    peer_send(p);
    peer_take_init_ack(p);
    REQUIRE_EQ(peer_counters(p).addresses_ignored, 50 - USCTP_MAX_ADDRESSES);
    peer_delete(p);
}
END_TEST

static void short_lives(struct usctp_config *config) {
    quiet(config);
    config->valid_cookie_life_us = 10 * SECOND;
    config->max_cookie_life_us = 20 * SECOND;
}

/* RFC 5062 6. */
START_TEST(cookie_life) {
    static const struct {
        uint32_t preservative_ms;
        uint64_t life_us;
        unsigned capped;
    } cases[] = {{0, 10 * SECOND, 0},
                 {5000, 15 * SECOND, 0},
                 {10000, 20 * SECOND, 0},
                 {10001, 20 * SECOND, 1},
                 {UINT32_MAX, 20 * SECOND, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (uint64_t late = 0; late < 2; late++) {
            struct scripted_peer *p =
                hostile_peer_with(USCTP_CLOSED, (struct peer_options){.configure = short_lives});
            peer_init(p, p->peer_tag);
            if (cases[i].preservative_ms > 0) {
                builder_param(&p->out, 9);
                builder_u32(&p->out, cases[i].preservative_ms);
            }
            peer_send(p);
            peer_take_init_ack(p);
            REQUIRE_EQ(peer_counters(p).cookie_lives_capped, cases[i].capped);
            peer_run_for(p, cases[i].life_us + late);
            peer_cookie_echo(p);
            peer_send(p);
            peer_take(p, late ? "ERROR causes=[3]" : "COOKIE_ACK");
            peer_delete(p);
        }
}
END_TEST

/* ---- what DATA makes us hold ---- */

static void few_ranges(struct usctp_config *config) {
    quiet(config);
    config->max_gap_ranges = 3;
}

START_TEST(gap_ranges) {
    struct scripted_peer *p =
        hostile_peer_with(USCTP_ESTABLISHED, (struct peer_options){.configure = few_ranges});
    for (int tsn = 2; tsn <= 6; tsn += 2)
        peer_data(p, tsn, 0, (unsigned)tsn, BIT_BE, 10);
    REQUIRE_EQ(peer_status(p).counters.dropped_data_chunks, 0);
    peer_discard(p);
    peer_data(p, 8, 0, 8, BIT_BE, 10);
    peer_take(p, "SACK cum=-1 * gaps=[3-3 5-5 7-7] *");
    REQUIRE_EQ(peer_status(p).counters.dropped_data_chunks, 1);
    peer_data(p, 0, 0, 0, BIT_BE, 10); /* what fills the first gap is taken */
    peer_data(p, 1, 0, 1, BIT_BE, 10);
    user_expect(p, 0, 0, 10);
    user_expect(p, 0, 1, 10);
    user_expect(p, 0, 2, 10);
    REQUIRE_EQ(peer_status(p).counters.dropped_data_chunks, 1);
    REQUIRE_EQ(peer_status(p).counters.out_of_sequence_tsns, 4);
    peer_delete(p);
}
END_TEST

enum { STREAM_BYTES = 6000 };

static void small_streams(struct usctp_config *config) {
    quiet(config);
    config->max_stream_bytes = STREAM_BYTES;
}

/* What waits for its turn on one stream is bounded; another stream, what fills the gap, and the
 * rest of a message that arrives in order are not held up by it. */
START_TEST(bytes_of_a_stream) {
    struct scripted_peer *p =
        hostile_peer_with(USCTP_ESTABLISHED, (struct peer_options){.configure = small_streams});
    int tsn = 1; /* 0 comes late */
    while (peer_status(p).counters.dropped_data_chunks == 0 && tsn < 100) {
        peer_data(p, tsn, 0, (unsigned)tsn, BIT_BE, 1000);
        tsn++;
    }
    int taken = tsn - 2;
    REQUIRE_RANGE(taken, STREAM_BYTES / 1000 - 2, STREAM_BYTES / 1000);
    peer_data(p, tsn - 1, 1, 0, BIT_BE, 1000); /* the same TSN on another stream */
    user_expect(p, 1, 0, 1000);
    peer_data(p, 0, 0, 0, BIT_BE, 1000);
    for (int i = 0; i <= taken; i++)
        user_expect(p, 0, (unsigned)i, 1000);
    REQUIRE_EQ(peer_status(p).counters.dropped_data_chunks, 1);
    /* A message of more than that, in order. */
    unsigned ssn = (unsigned)taken + 1;
    for (int i = 0; i < 10; i++) {
        unsigned bits = (i == 0 ? BIT_B : 0u) | (i == 9 ? BIT_E : 0u);
        uint8_t bytes[1000];
        const struct builder_data data = {
            .tsn = p->peer_tsn + (uint32_t)(tsn + i), .ssn = (uint16_t)ssn, .bits = bits};
        peer_pattern(0, ssn, (size_t)i * 1000, bytes, sizeof bytes);
        builder_data_chunk(peer_packet(p), &data, bytes, sizeof bytes);
        peer_send(p);
    }
    user_expect(p, 0, ssn, 10000);
    REQUIRE_EQ(peer_status(p).counters.dropped_data_chunks, 1);
    peer_delete(p);
}
END_TEST

/* ---- what is sent back ---- */

static void short_echoes(struct usctp_config *config) {
    quiet(config);
    config->max_error_echo_bytes = 100;
}

START_TEST(error_echo) {
    for (unsigned body = 96; body <= 100; body += 4) {
        struct scripted_peer *p =
            hostile_peer_with(USCTP_ESTABLISHED, (struct peer_options){.configure = short_echoes});
        builder_chunk(peer_packet(p), 0xfe, 0); /* to be skipped and reported (3.2) */
        builder_fill(&p->out, 7, body);
        hostile_send(p);
        peer_take(p, "ERROR causes=[6*]");
        REQUIRE_EQ(p->took.value_bytes, 4 + 100); /* the cause's header and what is echoed */
        REQUIRE_EQ(peer_counters(p).error_echoes_cut, body == 96 ? 0 : 1);
        peer_delete(p);
    }
}
END_TEST

RUN_TESTS("the limits of config.h", each_kind_has_its_rate, memory, memory_of_associations,
          associations_of_one_source, an_early_cookie, peer_addresses, very_many_peer_addresses,
          cookie_life, gap_ranges, bytes_of_a_stream, error_echo)
