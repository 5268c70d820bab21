/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The engine that a fuzzer's peer talks to: its life, its clock, its user and its host; see
 * fuzz_peer.h. What the peer says is in fuzz_packet.c.
 */
#include "support/fuzz_peer.h"

#include "support/fuzz_check.h"

#include <stdlib.h>
#include <string.h>

#define BATCH_BYTES   (128u * 1024u)
#define BATCH_PACKETS 32u
#define PUMP_ROUNDS   2000u
#define WAKE_UPS      100000u /* in one stretch of time: what is idle sleeps */
#define MTU           1500u
#define SECOND        ((uint64_t)1000000)

/* ---- life ---- */

static int zero_mac(void *user, const uint8_t *key, size_t key_bytes, const uint8_t *data,
                    size_t data_bytes, uint8_t *out) {
    (void)user, (void)key, (void)key_bytes, (void)data, (void)data_bytes;
    memset(out, 0, USCTP_MAC_BYTES);
    return 0;
}

static struct usctp_addr make_addr(unsigned path, unsigned host) {
    struct usctp_addr addr;
    memset(&addr, 0, sizeof addr);
    if (path % 2 == 1) {
        const uint8_t ipv6[16] = {0x20, 0x01, 0x0d, 0xb8, 0, (uint8_t)path, 0, 0, 0, 0,
                                  0,    0,    0,    0,    0, (uint8_t)host};
        addr.family = USCTP_FAMILY_IPV6;
        memcpy(addr.ipv6, ipv6, sizeof ipv6);
    } else {
        const uint8_t ipv4[4] = {198, 51, (uint8_t)(100 + path), (uint8_t)host};
        addr.family = USCTP_FAMILY_IPV4;
        memcpy(addr.ipv4, ipv4, sizeof ipv4);
    }
    return addr;
}

/* bits: which of the addresses the host has. */
static int tell_addresses(struct fuzz_peer *p, unsigned bits) {
    struct usctp_local_address local[FUZZ_PATHS];
    size_t n = 0;
    memset(local, 0, sizeof local);
    for (unsigned i = 0; i < FUZZ_PATHS; i++) {
        if (!(bits >> i & 1u))
            continue;
        local[n].address = p->engine_addr[i];
        local[n].interface_index = i + 1;
        local[n].mtu_bytes = MTU;
        local[n++].prefix_bits = p->engine_addr[i].family == USCTP_FAMILY_IPV4 ? 24 : 64;
    }
    return usctp_engine_local_addresses(p->engine, local, n, p->now_us);
}

struct fuzz_peer *fuzz_peer_new(uint64_t seed, bool stub_mac) {
    static const struct usctp_endpoint_options options = {.port = 5001, .ipv4 = true, .ipv6 = true};
    struct fuzz_peer *p = calloc(1, sizeof *p);
    if (!p)
        abort();
    test_without_check = true;
    engine_env_init(&p->env, "engine", seed);
    p->env.capture.enabled = getenv("REPLAY_VERBOSE") != NULL;
    p->env.near_wrap = seed % 4 == 3;
    if (stub_mac)
        p->env.environment.crypto.hmac_sha256 = zero_mac;
    usctp_config_defaults(&p->config);
    p->now_us = 1000 * SECOND;
    p->peer_tag = 0x70656572;
    p->peer_tsn = 1000;
    for (unsigned i = 0; i < FUZZ_PATHS; i++)
        p->engine_addr[i] = make_addr(i, 1);
    for (unsigned i = 0; i < FUZZ_ADDRESSES; i++)
        p->peer_addr[i] = make_addr(i, 2);
    p->engine = usctp_engine_new(&p->env.environment, &p->config, p->now_us);
    REQUIRE(p->engine != NULL);
    REQUIRE_EQ(tell_addresses(p, 3), 0);
    p->endpoint = usctp_endpoint_open(p->engine, &options);
    REQUIRE(p->endpoint >= 3);
    REQUIRE_EQ(usctp_endpoint_listen(p->engine, p->endpoint, 8), 0);
    fuzz_peer_pump(p);
    return p;
}

static bool is_over(const struct fuzz_peer *p, int32_t assoc) {
    struct usctp_assoc_status status;
    return usctp_assoc_status(p->engine, assoc, &status) != 0 || status.has_ended;
}

/* 8.1, 4, 9.2: a peer that says nothing any more is found out, with heartbeats and times as they
 * are by default. */
static void fall_silent(struct fuzz_peer *p) {
    p->heartbeats_unanswered = true;
    fuzz_peer_run_for(p, 3600 * SECOND);
    if (p->is_tuned)
        return;
    for (unsigned i = 0; i < p->assoc_count; i++)
        REQUIRE(is_over(p, p->all[i]));
}

void fuzz_peer_delete(struct fuzz_peer *p) {
    struct usctp_engine_counters counters;
    p->env.fail_after = UINT64_MAX;
    p->env.fail_for_ever = false;
    fuzz_peer_pump(p);
    fall_silent(p);
    for (unsigned i = 0; i < p->assoc_count; i++)
        usctp_assoc_release(p->engine, p->all[i], p->now_us);
    usctp_endpoint_close(p->engine, p->endpoint, p->now_us);
    p->assoc = 0;
    p->assoc_count = 0;
    fuzz_peer_pump(p);
    usctp_engine_counters(p->engine, &counters);
    if (!p->is_tuned) /* else there may be a shutdown that is still under way */
        REQUIRE_EQ(counters.associations, 0);
    usctp_engine_delete(p->engine);
    engine_env_require_empty(&p->env);
    if (p->env.illegal_state_change)
        test_fail(__FILE__, __LINE__, "a change of state that RFC 9260 4 does not know: %s -> %s",
                  state_name(p->env.illegal_from), state_name(p->env.illegal_to));
    engine_env_free(&p->env);
    free(p);
}

/* ---- the loop ---- */

static void add_assoc(struct fuzz_peer *p, int32_t assoc) {
    if (assoc <= 0)
        return;
    if (p->assoc_count == FUZZ_ASSOCS) {
        usctp_assoc_release(p->engine, p->all[0], p->now_us);
        memmove(p->all, p->all + 1, sizeof p->all - sizeof p->all[0]);
        p->assoc_count--;
    }
    p->all[p->assoc_count++] = assoc;
    p->assoc = assoc;
}

static void give_routes(struct fuzz_peer *p, int32_t assoc) {
    struct usctp_path_status path;
    for (uint32_t i = 0; usctp_path_status(p->engine, assoc, i, &path) == 0; i++) {
        unsigned own = path.address.family == USCTP_FAMILY_IPV6;
        if (path.wants_route)
            REQUIRE_EQ(usctp_path_route(p->engine, assoc, i, &p->engine_addr[own], MTU, p->now_us),
                       0);
    }
}

static bool pump_events(struct fuzz_peer *p) {
    struct usctp_event event;
    unsigned count = 0;
    int32_t endpoint;
    for (; usctp_engine_next_event(p->engine, &event) == 1; count++) {
        REQUIRE(count < PUMP_ROUNDS);
        if (event.assoc == 0 && event.what & USCTP_EVENT_INCOMING)
            add_assoc(p, usctp_endpoint_accept(p->engine, p->endpoint, &endpoint));
        if (event.assoc != 0 && event.what & USCTP_EVENT_ROUTE)
            give_routes(p, event.assoc);
    }
    return count > 0;
}

static void learn(struct fuzz_peer *p, const struct read_chunk *c) {
    size_t bytes;
    switch (c->type) {
    case WIRE_INIT:
        p->engine_tag = c->tag;
        p->sent_tsn = p->acked_tsn = c->tsn - 1;
        break;
    case WIRE_INIT_ACK: {
        p->init_ack_tag = c->tag;
        p->sent_tsn = p->acked_tsn = c->tsn - 1;
        const uint8_t *cookie = reader_param(c, 7, 0, &bytes);
        REQUIRE(cookie != NULL && bytes <= sizeof p->cookie);
        memcpy(p->cookie, cookie, bytes);
        p->cookie_bytes = bytes;
        break;
    }
    case WIRE_HEARTBEAT:
        p->heartbeat_bytes =
            c->value_bytes < sizeof p->heartbeat ? c->value_bytes : sizeof p->heartbeat;
        memcpy(p->heartbeat, c->value, p->heartbeat_bytes);
        break;
    case WIRE_DATA:
        if ((int32_t)(c->tsn - p->sent_tsn) > 0)
            p->sent_tsn = c->tsn;
        break;
    default:
        break;
    }
}

/* 9.1: what would answer a packet that contains an ABORT. SHUTDOWN ACK is left out: where the ABORT
 * stands behind something that ends the packet, a SHUTDOWN in front of it has its effect. */
static bool is_answer(unsigned type) {
    return type == WIRE_ABORT || type == WIRE_ERROR || type == WIRE_HEARTBEAT_ACK ||
           type == WIRE_INIT_ACK || type == WIRE_COOKIE_ACK || type == WIRE_SHUTDOWN_COMPLETE;
}

static void see_packet(struct fuzz_peer *p, const struct usctp_packet *packet) {
    REQUIRE(packet->segment_size == 0 || packet->segment_size >= packet->length);
    const struct read_packet *read = fuzz_check_packet(p->engine, p->assoc, packet, MTU);
    REQUIRE_EQ(read->source_port, 5001);
    for (size_t i = 0; i < read->chunk_count; i++) {
        if (p->may_not_answer && is_answer(read->chunk[i].type))
            test_fail(__FILE__, __LINE__, "%s answers a packet with an ABORT (RFC 9260 9.1)",
                      reader_chunk_name(read->chunk[i].type));
        learn(p, &read->chunk[i]);
    }
}

static bool pump_output(struct fuzz_peer *p) {
    static uint8_t memory[BATCH_BYTES];
    struct usctp_packet packets[BATCH_PACKETS];
    for (unsigned round = 0; round < PUMP_ROUNDS; round++) {
        struct usctp_batch batch = {.memory = memory,
                                    .memory_bytes = sizeof memory,
                                    .packets = packets,
                                    .max_packets = BATCH_PACKETS};
        size_t n = usctp_engine_output(p->engine, &batch, p->now_us);
        REQUIRE_EQ(n, batch.count);
        if (n == 0)
            return round > 0;
        for (size_t i = 0; i < n; i++)
            see_packet(p, &packets[i]);
    }
    test_fail(__FILE__, __LINE__, "output never ends");
}

void fuzz_peer_pump(struct fuzz_peer *p) {
    for (unsigned round = 0; round < PUMP_ROUNDS; round++) {
        bool due = usctp_engine_next_deadline(p->engine) <= p->now_us;
        if (due)
            usctp_engine_advance(p->engine, p->now_us);
        bool any = pump_events(p);
        any = pump_output(p) || any;
        if (any || due)
            continue;
        fuzz_check_engine(p->engine, p->now_us);
        for (unsigned i = 0; i < p->assoc_count; i++)
            fuzz_check_assoc(p->engine, p->all[i]);
        return;
    }
    test_fail(__FILE__, __LINE__, "the engine never comes to rest at one moment");
}

void fuzz_peer_run_for(struct fuzz_peer *p, uint64_t us) {
    uint64_t until_us = p->now_us + us, next;
    unsigned count = 0;
    while ((next = usctp_engine_next_deadline(p->engine)) <= until_us) {
        if (p->is_tuned && count > 2000) /* RTO.Min may be a millisecond */
            break;
        REQUIRE(count++ < WAKE_UPS);
        p->now_us = next;
        fuzz_peer_pump(p);
    }
    p->now_us = until_us;
    fuzz_peer_pump(p);
}

/* ---- states ---- */

static void say(struct fuzz_peer *p, unsigned type) {
    builder_start(&p->out, 6002, 5001, fuzz_packet_tag(p, type));
    if (type == WIRE_INIT || type == WIRE_INIT_ACK)
        fuzz_packet_init(p, type);
    else if (type == WIRE_SHUTDOWN)
        builder_shutdown(&p->out, p->acked_tsn);
    else
        builder_chunk(&p->out, type, 0);
    if (type == WIRE_COOKIE_ECHO)
        builder_bytes(&p->out, p->cookie, p->cookie_bytes);
    builder_finish(&p->out);
    fuzz_packet_put(p, 0, 0, 1);
}

static void connect_out(struct fuzz_peer *p, unsigned addresses) {
    const struct usctp_connect connect = {.endpoint = p->endpoint,
                                          .addresses = p->peer_addr,
                                          .address_count = addresses,
                                          .port = 6002};
    add_assoc(p, usctp_assoc_connect(p->engine, &connect, p->now_us));
}

static int send_message(struct fuzz_peer *p, const struct usctp_send *send, size_t bytes) {
    static uint8_t payload[32768];
    const struct usctp_slice slice = {payload, bytes};
    return usctp_assoc_send(p->engine, p->assoc, send, &slice, 1, p->now_us);
}

void fuzz_peer_to_state(struct fuzz_peer *p, enum usctp_assoc_state state, bool is_passive,
                        bool with_data) {
    bool outstanding = state == USCTP_SHUTDOWN_PENDING || state == USCTP_SHUTDOWN_RECEIVED ||
                       (with_data && state == USCTP_ESTABLISHED);
    if (state == USCTP_CLOSED)
        return;
    if (is_passive && state >= USCTP_ESTABLISHED) {
        say(p, WIRE_INIT);
        say(p, WIRE_COOKIE_ECHO);
    } else {
        connect_out(p, 1);
        fuzz_peer_pump(p);
        if (state >= USCTP_COOKIE_ECHOED)
            say(p, WIRE_INIT_ACK);
        if (state >= USCTP_ESTABLISHED)
            say(p, WIRE_COOKIE_ACK);
    }
    if (outstanding)
        REQUIRE_EQ(send_message(p, &(struct usctp_send){.sid = 1}, with_data ? 20000 : 100), 0);
    fuzz_peer_pump(p);
    if (state == USCTP_SHUTDOWN_PENDING || state == USCTP_SHUTDOWN_SENT)
        REQUIRE_EQ(usctp_assoc_shutdown(p->engine, p->assoc, p->now_us), 0);
    if (state == USCTP_SHUTDOWN_RECEIVED || state == USCTP_SHUTDOWN_ACK_SENT)
        say(p, WIRE_SHUTDOWN);
    fuzz_peer_pump(p);
    struct usctp_assoc_status status;
    REQUIRE_EQ(usctp_assoc_status(p->engine, p->assoc, &status), 0);
    REQUIRE_EQ(status.state, state);
}

/* ---- what the user, the host and the clock do ---- */

static void read_some(struct fuzz_peer *p, struct fuzz_input *in) {
    static uint8_t bytes[8192];
    struct usctp_received received;
    const struct usctp_slice slice = {bytes, 1u + 31u * fuzz_u8(in)};
    uint32_t flags = fuzz_u8(in) & 1u ? USCTP_MESSAGE_PEEK : 0;
    for (unsigned i = 0; i < 8; i++) {
        int64_t n = usctp_assoc_receive(p->engine, p->assoc, &received, &slice, 1, flags);
        if (n < 0)
            break;
        REQUIRE(n <= (int64_t)slice.length);
    }
    (void)usctp_assoc_peek_next(p->engine, p->assoc, &received);
    usctp_assoc_received(p->engine, p->assoc, p->now_us);
}

static void tune(struct fuzz_peer *p, struct fuzz_input *in) {
    enum usctp_tunable tunable = (enum usctp_tunable)(fuzz_u8(in) % (USCTP_TUNABLE_COUNT + 1u));
    uint64_t value = (uint64_t)fuzz_u8(in) << (fuzz_u8(in) & 31u);
    uint8_t where = fuzz_u8(in);
    uint64_t got;
    p->is_tuned = true;
    if (tunable == USCTP_TUNABLE_pmtu_default_bytes && value > 9000)
        value = 9000; /* in larger packets are more chunks than the reader takes */
    if (where & 1)
        (void)usctp_assoc_tune(p->engine, p->assoc, tunable, value, p->now_us);
    else if (where & 2)
        (void)usctp_path_tune(p->engine, p->assoc, where >> 6, tunable, value, p->now_us);
    else
        (void)usctp_endpoint_tune(p->engine, p->endpoint, tunable, value);
    (void)usctp_path_get(p->engine, p->assoc, where >> 6, tunable, &got);
}

static void icmp(struct fuzz_peer *p, struct fuzz_input *in) {
    uint8_t kind = fuzz_u8(in), quoted[40];
    struct usctp_icmp report = {.kind = (enum usctp_icmp_kind)(kind & 3u),
                                .destination = p->peer_addr[kind >> 2 & 3u],
                                .mtu_bytes = fuzz_u16(in),
                                .quoted = quoted,
                                .quoted_bytes = kind & 0x80 ? fuzz_u8(in) % 41u : 40};
    builder_start(&p->out, 5001, 6002, kind & 0x10 ? fuzz_u32(in) : p->peer_tag);
    builder_chunk(&p->out, kind & 0x20 ? WIRE_INIT : WIRE_DATA, 0);
    builder_u32(&p->out, p->engine_tag);
    builder_fill(&p->out, 0, 20);
    memcpy(quoted, p->out.bytes, sizeof quoted);
    usctp_engine_icmp(p->engine, &report, p->now_us);
}

static void use(struct fuzz_peer *p, struct fuzz_input *in, uint8_t op) {
    uint8_t n = fuzz_u8(in);
    switch (op % 12u) {
    case 0:
        connect_out(p, 1u + (n & 1u));
        break;
    case 1:
        (void)send_message(p,
                           &(struct usctp_send){.sid = n & 15u,
                                                .flags = (n >> 4 & 3u) | (n >> 2 & 16u),
                                                .path = n >> 7},
                           1u + (size_t)fuzz_u8(in) * 100u);
        break;
    case 2:
        read_some(p, in);
        break;
    case 3:
        (void)usctp_assoc_shutdown(p->engine, p->assoc, p->now_us);
        break;
    case 4:
        (void)usctp_assoc_abort(p->engine, p->assoc, p->cookie, n, p->now_us);
        break;
    case 5:
        tune(p, in);
        break;
    case 6:
        (void)usctp_path_set_primary(p->engine, p->assoc, n & 3u, p->now_us);
        (void)usctp_path_heartbeat(p->engine, p->assoc, n >> 2 & 3u, p->now_us);
        break;
    case 7:
        (void)usctp_assoc_subscribe(p->engine, p->assoc, n);
        (void)usctp_endpoint_subscribe(p->engine, p->endpoint, n);
        break;
    case 8:
        icmp(p, in);
        break;
    case 9:
        (void)tell_addresses(p, n & 3u);
        break;
    case 10:
        p->env.fail_after = n;
        p->env.fail_for_ever = fuzz_u8(in) & 1u;
        break;
    case 11:
        (void)usctp_endpoint_listen(p->engine, p->endpoint, n & 7u);
        break;
    }
    fuzz_peer_pump(p);
}

void fuzz_peer_step(struct fuzz_peer *p, struct fuzz_input *in) {
    uint8_t op = fuzz_u8(in);
    if (op < 160)
        fuzz_packet_send(p, in);
    else if (op < 184)
        fuzz_peer_run_for(p, 1000u * fuzz_u8(in));
    else if (op < 200)
        fuzz_peer_run_for(p, 500000u * fuzz_u8(in));
    else
        use(p, in, op);
    if (op >= 160 && op < 200) /* memory is short for a while only */
        p->env.fail_for_ever = false, p->env.fail_after = UINT64_MAX;
}

void fuzz_peer_cookie_step(struct fuzz_peer *p, struct fuzz_input *in) {
    uint8_t op = fuzz_u8(in);
    if (op < 200)
        fuzz_packet_send_cookie(p, in);
    else if (op < 224)
        fuzz_peer_run_for(p, 100000u * fuzz_u8(in));
    else
        fuzz_packet_send(p, in);
}
