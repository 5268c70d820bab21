/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rules of RFC 9260 that docs/rfc-map.md found untested: tags and initial TSNs (3.3.2, 5.3.1),
 * streams of an INIT ACK (3.3.3), address families (5.1.2), restart (5.2.4 A), COOKIE ACK (5.4).
 */
#include "support/configs.h"
#include "support/run_tests.h"
#include "support/scripted_peer.h"

#include <string.h>

#define SAMPLES 64u

/* Random values: no two alike, and each bit takes both values (missed by chance once in 2^58). */
static void require_random(const uint32_t *values) {
    uint32_t any = 0, all = UINT32_MAX;
    if (engine_env_wraps())
        return; /* there they are not */
    for (unsigned i = 0; i < SAMPLES; i++) {
        any |= values[i];
        all &= values[i];
        for (unsigned k = 0; k < i; k++)
            REQUIRE(values[i] != values[k]);
    }
    REQUIRE(any == UINT32_MAX && all == 0);
}

/* Tags and TSNs of INITs and INIT ACKs. */
static void sample(struct scripted_peer *p, uint32_t *tags, uint32_t *tsns, bool active) {
    for (unsigned i = 0; i < SAMPLES; i++) {
        p->peer_port++;
        if (active) {
            peer_engine_connect(p);
            peer_take_init(p);
        } else {
            peer_init(p, p->peer_tag);
            peer_send(p);
            peer_take_init_ack(p);
        }
        tags[i] = p->engine_tag;
        tsns[i] = p->engine_tsn;
    }
}

START_TEST(s3_3_2_initial_tsn_is_random) {
    uint32_t tags[SAMPLES], tsns[SAMPLES];
    for (unsigned active = 0; active < 2; active++) {
        struct scripted_peer *p = PEER(.configure = quiet);
        sample(p, tags, tsns, active);
        require_random(tsns);
        peer_delete(p);
    }
}
END_TEST

/* A source of randomness that has nothing but zeros for a while. */
struct zeros {
    struct engine_env env;
    struct usctp_random usual;
    unsigned left;
};

static void fill(void *user, void *out, size_t bytes) {
    struct zeros *z = user;
    z->usual.fill(z->usual.user, out, bytes);
    if (bytes == 4 && z->left > 0) {
        z->left--;
        memset(out, 0, bytes);
    }
}

/* The INIT of an engine whose source of randomness gives zeros at first. */
static uint32_t tag_after_zeros(struct zeros *z) {
    static uint8_t memory[65536];
    struct usctp_packet packets[4];
    struct usctp_batch batch = {
        .memory = memory, .memory_bytes = sizeof memory, .packets = packets, .max_packets = 4};
    static struct read_packet read;
    struct usctp_addr ours = {.family = USCTP_FAMILY_IPV4, .ipv4 = {198, 51, 100, 1}},
                      theirs = {.family = USCTP_FAMILY_IPV4, .ipv4 = {198, 51, 100, 2}};
    struct usctp_endpoint_options options = {
        .port = 5001, .addresses = &ours, .address_count = 1, .ipv4 = true};
    struct usctp_engine *engine = usctp_engine_new(&z->env.environment, NULL, SECOND);
    REQUIRE(engine != NULL);
    struct usctp_connect connect = {.endpoint = usctp_endpoint_open(engine, &options),
                                    .addresses = &theirs,
                                    .address_count = 1,
                                    .port = 6002};
    z->left = 6;
    REQUIRE(usctp_assoc_connect(engine, &connect, SECOND) >= 3);
    REQUIRE_EQ(usctp_engine_output(engine, &batch, SECOND), 1);
    REQUIRE(reader_packet(&read, packets[0].data, packets[0].length, true) == NULL);
    REQUIRE_EQ(z->left, 0);
    usctp_engine_delete(engine);
    return read.chunk[0].tag;
}

/* 5.3.1: random, never 0; another one each time; 3.3.3: in the INIT ACK as well. */
START_TEST(s5_3_1_tags) {
    uint32_t tags[SAMPLES], tsns[SAMPLES];
    for (unsigned active = 0; active < 2; active++) {
        struct scripted_peer *p = PEER(.configure = quiet);
        sample(p, tags, tsns, active);
        require_random(tags);
        peer_delete(p);
    }
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_open_active(p);
    uint32_t before = p->engine_tag;
    user_abort(p, "");
    peer_discard(p);
    peer_release(p);
    peer_open_active(p);
    REQUIRE(p->engine_tag != before);
    peer_delete(p);
    static struct zeros z;
    engine_env_init(&z.env, "zeros", 1);
    z.usual = z.env.environment.random;
    z.env.environment.random = (struct usctp_random){.fill = fill, .user = &z};
    REQUIRE(tag_after_zeros(&z) != 0);
    engine_env_require_empty(&z.env);
    engine_env_free(&z.env);
}
END_TEST

/* Requires each parameter to be of a kind that is listed, and once but for addresses and reports.
 */
static void require_parameters(const struct read_chunk *chunk, const unsigned *kinds,
                               size_t count) {
    size_t at = 0, bytes;
    while (at + 4 <= chunk->params_bytes) {
        unsigned type = load16(chunk->params + at), known = 0;
        for (size_t i = 0; i < count; i++)
            known += kinds[i] == type;
        REQUIRE_EQ(known, 1);
        if (type != 5 && type != 6 && type != 8)
            REQUIRE(reader_param(chunk, type, 1, &bytes) == NULL);
        at += (load16(chunk->params + at + 2) + 3u) & ~3u;
    }
    REQUIRE(at >= chunk->params_bytes);
}

/* 3.3.2, 3.3.3: which parameters we send: no Host Name Address, nothing twice; Supported Address
 * Types (3.3.2.1.5) lists IPv4 and IPv6 and nothing else. */
START_TEST(s3_3_2_parameters_that_are_sent) {
    static const unsigned in_init[] = {5, 6, 9, 12}, in_init_ack[] = {5, 6, 7, 8};
    for (unsigned ipv6 = 0; ipv6 < 4; ipv6++) {
        size_t bytes;
        struct scripted_peer *p = PEER(.configure = quiet, .paths = 2, .ipv6_paths = ipv6);
        peer_engine_connect(p);
        peer_take_init(p);
        require_parameters(&p->took, in_init, 4);
        const uint8_t *types = reader_param(&p->took, 12, 0, &bytes);
        REQUIRE(types != NULL && bytes >= 2);
        for (size_t i = 0; i < bytes; i += 2)
            REQUIRE(load16(types + i) == 5 || load16(types + i) == 6);
        p->peer_port++;
        peer_init(p, p->peer_tag);
        builder_param(&p->out, 0xfff0);
        builder_param(&p->out, 0xfff1);
        peer_send(p);
        peer_take_init_ack(p);
        require_parameters(&p->took, in_init_ack, 4);
        REQUIRE(reader_param(&p->took, 8, 1, &bytes) != NULL);
        peer_delete(p);
    }
}
END_TEST

/* 3.3.2, 3.3.3: OS and MIS of 0 and an a_rwnd below 1500 cannot be asked for. */
START_TEST(s3_3_2_forbidden_values_cannot_be_set) {
    struct usctp_config config;
    usctp_config_defaults(&config);
    REQUIRE_EQ(usctp_config_set(&config, USCTP_TUNABLE_outbound_streams, 0), USCTP_ERR_INVALID);
    REQUIRE_EQ(usctp_config_set(&config, USCTP_TUNABLE_max_inbound_streams, 0), USCTP_ERR_INVALID);
    REQUIRE_EQ(usctp_config_set(&config, USCTP_TUNABLE_receive_buffer_bytes, 1499),
               USCTP_ERR_INVALID);
    REQUIRE_EQ(usctp_config_set(&config, USCTP_TUNABLE_outbound_streams, 1), 0);
    REQUIRE_EQ(usctp_config_set(&config, USCTP_TUNABLE_max_inbound_streams, 1), 0);
    REQUIRE_EQ(config.outbound_streams, 1);
    config.outbound_streams = 0; /* nor past the setter */
    struct engine_env env;
    engine_env_init(&env, "forbidden", 1);
    REQUIRE(usctp_engine_new(&env.environment, &config, SECOND) == NULL);
    engine_env_require_empty(&env);
    engine_env_free(&env);
}
END_TEST

/* 3.3.3: "the value MUST NOT be greater than the MIS value sent in the INIT chunk" */
START_TEST(s3_3_3_outbound_streams_within_the_inits_limit) {
    static const uint16_t limits[] = {1, 3, 9, 10, 11, 65535};
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        struct scripted_peer *p = PEER(.configure = quiet, .mis = limits[i]);
        uint16_t expected = limits[i] < 10 ? limits[i] : 10;
        peer_init(p, p->peer_tag);
        peer_send(p);
        peer_take_init_ack(p);
        REQUIRE_EQ(p->took.os, expected);
        peer_cookie_echo(p);
        peer_send(p);
        peer_take(p, "COOKIE_ACK");
        REQUIRE_EQ(peer_status(p).outbound_streams, expected);
        peer_delete(p);
    }
}
END_TEST

static void add_ipv4(struct scripted_peer *p, unsigned last) {
    const uint8_t address[4] = {203, 0, 113, (uint8_t)last};
    builder_param(&p->out, 5);
    builder_bytes(&p->out, address, sizeof address);
}

static void add_ipv6(struct scripted_peer *p, unsigned last) {
    const uint8_t address[16] = {0x20, 0x01, 0x0d, 0xb8, 0, 9, [15] = (uint8_t)last};
    builder_param(&p->out, 6);
    builder_bytes(&p->out, address, sizeof address);
}

/* 5.1.2: all addresses of the family that is supported, and not a word about the others. */
START_TEST(s5_1_2_other_family_is_left_out) {
    struct scripted_peer *p = PEER(.configure = quiet, .hold_heartbeats = true);
    peer_init(p, p->peer_tag);
    add_ipv6(p, 1);
    add_ipv4(p, 7);
    add_ipv6(p, 2);
    add_ipv4(p, 8);
    peer_send(p);
    peer_take_init_ack(p);
    REQUIRE(reader_param(&p->took, 8, 0, &(size_t){0}) == NULL);
    peer_cookie_echo(p);
    peer_send(p);
    peer_take(p, "COOKIE_ACK");
    REQUIRE_EQ(peer_status(p).path_count, 3);
    for (unsigned i = 0; i < 3; i++) {
        struct usctp_path_status path;
        REQUIRE_EQ(usctp_path_status(p->engine, p->assoc, i, &path), 0);
        REQUIRE_EQ(path.address.family, USCTP_FAMILY_IPV4);
    }
    peer_run_for(p, 10 * SECOND);
    peer_expect_none(p, "ERROR *");
    peer_expect_none(p, "ABORT *");
    peer_delete(p);
}
END_TEST

/* 5.1.2: a family that Supported Address Types leaves out, but which the INIT is sent by or lists.
 */
static void supported(unsigned type, bool lists_ipv6, bool expect_ipv6) {
    size_t bytes;
    struct scripted_peer *p = PEER(.configure = quiet, .paths = 2, .ipv6_paths = 2);
    peer_init(p, p->peer_tag);
    builder_param(&p->out, 12);
    builder_u16(&p->out, type);
    if (lists_ipv6)
        add_ipv6(p, 1);
    peer_send(p); /* by IPv4 */
    peer_take_init_ack(p);
    REQUIRE_EQ(reader_param(&p->took, 6, 0, &bytes) != NULL, expect_ipv6);
    REQUIRE_EQ(reader_param(&p->took, 5, 0, &bytes) != NULL,
               expect_ipv6); /* a lone one is not listed */
    peer_expect_nothing(p);
    peer_delete(p);
}

START_TEST(s5_1_2_used_families_are_supported) {
    supported(6, false, true);
    supported(5, true, true);
    supported(5, false, false);
}
END_TEST

/* 5.2.4 A: "All the congestion control parameters ... MUST be reset to their initial values" */
START_TEST(s5_2_4_a_congestion_starts_anew) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_open_active(p);
    struct usctp_path_status fresh = peer_path(p, 0);
    user_send(p, 0, 1000);
    peer_run_for(p, 4 * SECOND);
    REQUIRE(peer_path(p, 0).cwnd_bytes < fresh.cwnd_bytes);
    REQUIRE(peer_path(p, 0).ssthresh_bytes < fresh.ssthresh_bytes);
    REQUIRE(peer_path(p, 0).rto_us > fresh.rto_us);
    peer_discard(p);
    p->peer_tsn = 77000;
    peer_init(p, 0x0badf00d);
    peer_send(p);
    p->peer_tag = 0x0badf00d;
    peer_take_init_ack(p);
    peer_cookie_echo(p);
    peer_send(p);
    peer_take(p, "COOKIE_ACK");
    struct usctp_path_status path = peer_path(p, 0);
    REQUIRE_EQ(path.cwnd_bytes, fresh.cwnd_bytes);
    REQUIRE_EQ(path.ssthresh_bytes, fresh.ssthresh_bytes);
    REQUIRE_EQ(path.rto_us, SECOND);
    REQUIRE_EQ(path.srtt_us, 0);
    REQUIRE_EQ(path.in_flight_bytes, 0);
    peer_delete(p);
}
END_TEST

/* 5.4: a COOKIE ECHO from an address that is not confirmed: its COOKIE ACK goes to the one that is,
 * or there with a HEARTBEAT. */
START_TEST(s5_4_cookie_ack_goes_to_a_confirmed_address) {
    struct scripted_peer *p = PEER(.paths = 2, .hold_heartbeats = true);
    peer_init(p, p->peer_tag);
    peer_add_addresses(p, 0, 2);
    peer_send(p);
    peer_take_init_ack(p);
    peer_cookie_echo(p);
    peer_send_on(p, 1);
    REQUIRE_EQ(peer_path(p, 0).state, USCTP_PATH_STATE_ACTIVE);
    REQUIRE_EQ(peer_path(p, 1).state, USCTP_PATH_STATE_UNCONFIRMED);
    for (int round = 0; round < 3; round++) { /* then action D */
        if (peer_path(p, 1).state == USCTP_PATH_STATE_UNCONFIRMED && peer_count_packets(p) > 0 &&
            p->seen[p->first]->path == 1) {
            peer_take_packet(p, "COOKIE_ACK | HEARTBEAT *");
        } else {
            peer_take(p, "COOKIE_ACK");
            REQUIRE_EQ(p->took_path, 0);
        }
        peer_discard(p);
        peer_cookie_echo(p);
        peer_send_on(p, 1);
    }
    peer_delete(p);
}
END_TEST

RUN_TESTS("handshake, by the map (RFC 9260 3.3, 5)", s3_3_2_initial_tsn_is_random, s5_3_1_tags,
          s3_3_2_parameters_that_are_sent, s3_3_2_forbidden_values_cannot_be_set,
          s3_3_3_outbound_streams_within_the_inits_limit, s5_1_2_other_family_is_left_out,
          s5_1_2_used_families_are_supported, s5_2_4_a_congestion_starts_anew,
          s5_4_cookie_ack_goes_to_a_confirmed_address)
