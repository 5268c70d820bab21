/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The scripted peer's life, its clock, and what it saw; see scripted_peer.h. What it says, the
 * handshakes and the engine's user are in peer_talk.c.
 */
#include "support/scripted_peer.h"

#include <stdlib.h>
#include <string.h>

#define BATCH_BYTES   (256u * 1024u)
#define BATCH_PACKETS 64u
#define PUMP_ROUNDS   1000u

static void make_addr(struct usctp_addr *addr, unsigned path, bool ipv6, unsigned host) {
    memset(addr, 0, sizeof *addr);
    if (ipv6) {
        const uint8_t prefix[6] = {0x20, 0x01, 0x0d, 0xb8, 0, (uint8_t)path};
        addr->family = USCTP_FAMILY_IPV6;
        memcpy(addr->ipv6, prefix, sizeof prefix);
        addr->ipv6[15] = (uint8_t)host;
    } else {
        const uint8_t ipv4[4] = {198, 51, (uint8_t)(100 + path), (uint8_t)host};
        addr->family = USCTP_FAMILY_IPV4;
        memcpy(addr->ipv4, ipv4, sizeof ipv4);
    }
}

static bool same_addr(const struct usctp_addr *a, const struct usctp_addr *b) {
    if (a->family != b->family)
        return false;
    return memcmp(a->ipv6, b->ipv6, a->family == USCTP_FAMILY_IPV4 ? 4 : 16) == 0;
}

static void tell_addresses(struct scripted_peer *p) {
    struct usctp_local_address local[PEER_MAX_PATHS];
    memset(local, 0, sizeof local);
    for (unsigned i = 0; i < p->paths; i++) {
        local[i].address = p->engine_addr[i];
        local[i].interface_index = i + 1;
        local[i].mtu_bytes = p->options.mtu;
        local[i].prefix_bits = p->engine_addr[i].family == USCTP_FAMILY_IPV4 ? 24 : 64;
    }
    REQUIRE_EQ(usctp_engine_local_addresses(p->engine, local, p->paths, p->now_us), 0);
}

static void open_endpoint(struct scripted_peer *p) {
    struct usctp_endpoint_options options;
    memset(&options, 0, sizeof options);
    options.port = p->engine_port;
    options.addresses = p->engine_addr;
    options.address_count = p->paths;
    options.ipv4 = options.ipv6 = true;
    p->endpoint = usctp_endpoint_open(p->engine, &options);
    REQUIRE(p->endpoint >= 3);
    REQUIRE_EQ(usctp_endpoint_subscribe(p->engine, p->endpoint, p->options.subscribe), 0);
    REQUIRE_EQ(usctp_endpoint_listen(p->engine, p->endpoint, 16), 0);
}

static void set_defaults(struct peer_options *options) {
    if (options->paths == 0)
        options->paths = 1;
    if (options->rwnd == 0)
        options->rwnd = 131072;
    if (options->tsn == 0 && !options->tsn_is_set)
        options->tsn = engine_env_wraps() ? 0xfffffffcu : 1000;
    options->near_wrap |= engine_env_wraps();
    if (options->tag == 0)
        options->tag = 0x70656572;
    if (options->os == 0)
        options->os = 10;
    if (options->mis == 0)
        options->mis = 10;
    if (options->mtu == 0)
        options->mtu = 1500;
    if (options->seed == 0)
        options->seed = 1;
}

struct scripted_peer *peer_new(const struct peer_options *options) {
    struct scripted_peer *p = calloc(1, sizeof *p);
    if (!p)
        abort();
    p->options = *options;
    set_defaults(&p->options);
    p->paths = p->options.paths;
    engine_env_init(&p->env, "engine", p->options.seed);
    p->env.near_wrap = p->options.near_wrap;
    usctp_config_defaults(&p->config);
    p->config.pmtu_probing = 0; /* tests of it ask for it */
    if (p->options.configure)
        p->options.configure(&p->config);
    p->now_us = engine_env_clock_us();
    p->engine_port = 5001;
    p->peer_port = 6002;
    p->peer_tag = p->options.tag;
    p->peer_tsn = p->options.tsn;
    for (unsigned i = 0; i < p->paths; i++) {
        bool ipv6 = (p->options.ipv6_paths >> i & 1u) != 0;
        make_addr(&p->engine_addr[i], i, ipv6, 1);
        make_addr(&p->peer_addr[i], i, ipv6, 2);
    }
    p->engine = usctp_engine_new(&p->env.environment, &p->config, p->now_us);
    REQUIRE(p->engine != NULL);
    tell_addresses(p);
    open_endpoint(p);
    peer_pump(p);
    return p;
}

void peer_delete(struct scripted_peer *p) {
    usctp_engine_delete(p->engine);
    engine_env_require_empty(&p->env);
    if (p->env.illegal_state_change)
        test_fail(__FILE__, __LINE__, "a change of state that RFC 9260 4 does not know: %s -> %s",
                  state_name(p->env.illegal_from), state_name(p->env.illegal_to));
    engine_env_free(&p->env);
    for (size_t i = 0; i < p->seen_count; i++) {
        free(p->seen[i]->packet.data);
        free(p->seen[i]);
    }
    free(p->seen);
    free(p);
}

/* ---- time ---- */

static void give_routes(struct scripted_peer *p, int32_t assoc) {
    struct usctp_assoc_status status;
    if (usctp_assoc_status(p->engine, assoc, &status) != 0)
        return;
    for (unsigned path = 0; path < status.path_count; path++) {
        struct usctp_path_status ps;
        struct usctp_addr none;
        memset(&none, 0, sizeof none);
        if (usctp_path_status(p->engine, assoc, path, &ps) != 0 || !ps.wants_route)
            continue;
        const struct usctp_addr *source = &none;
        for (unsigned i = 0; i < p->paths; i++)
            if (same_addr(&ps.address, &p->peer_addr[i]))
                source = &p->engine_addr[i];
        REQUIRE_EQ(usctp_path_route(p->engine, assoc, path, source, p->options.mtu, p->now_us), 0);
    }
}

static void accept_association(struct scripted_peer *p) {
    int32_t endpoint = 0;
    if (p->options.do_not_accept)
        return;
    int32_t assoc = usctp_endpoint_accept(p->engine, p->endpoint, &endpoint);
    if (assoc > 0)
        p->assoc = assoc;
}

static bool pump_events(struct scripted_peer *p) {
    struct usctp_event event;
    bool any = false;
    for (unsigned i = 0; usctp_engine_next_event(p->engine, &event) == 1; i++) {
        REQUIRE(i < PUMP_ROUNDS);
        any = true;
        if (event.assoc == 0) {
            p->endpoint_events |= event.what;
            if (event.what & USCTP_EVENT_INCOMING)
                accept_association(p);
            continue;
        }
        if (event.what & USCTP_EVENT_ROUTE)
            give_routes(p, event.assoc);
        if (event.assoc != p->assoc)
            continue;
        p->events |= event.what;
        if (event.what & USCTP_EVENT_CLOSED) {
            p->closed = true;
            p->closed_error = event.error;
        }
    }
    return any;
}

static void note_packet(struct scripted_peer *p, const struct usctp_packet *packet) {
    struct seen_packet *seen = calloc(1, sizeof *seen);
    if (p->seen_count == p->seen_capacity) {
        p->seen_capacity = p->seen_capacity ? p->seen_capacity * 2 : 64;
        p->seen = realloc(p->seen, p->seen_capacity * sizeof *p->seen);
    }
    if (!seen || !p->seen)
        abort();
    p->seen[p->seen_count++] = seen;
    seen->at_us = p->now_us;
    seen->packet = *packet;
    seen->packet.data = malloc(packet->length ? packet->length : 1);
    if (!seen->packet.data)
        abort();
    memcpy(seen->packet.data, packet->data, packet->length);
    seen->path = -1;
    for (unsigned i = 0; i < p->paths; i++)
        if (same_addr(&packet->destination, &p->peer_addr[i]))
            seen->path = (int)i;
    const char *wrong = reader_packet(&seen->read, seen->packet.data, packet->length, true);
    if (wrong)
        test_fail(__FILE__, __LINE__, "the engine sent a packet that RFC 9260 forbids: %s", wrong);
    seen->left = seen->read.chunk_count;
    REQUIRE_EQ(seen->read.source_port, p->engine_port);
    uint32_t header = packet->destination.family == USCTP_FAMILY_IPV4 ? 20 : 40;
    header += packet->udp_destination ? 8 : 0;
    if (!(packet->flags & USCTP_PACKET_MAY_FRAGMENT))
        REQUIRE(packet->length + header <= p->options.mtu);
}

/* A run is packets of one size, the last possibly shorter. */
static void note_run(struct scripted_peer *p, const struct usctp_packet *run) {
    uint32_t segment = run->segment_size ? run->segment_size : run->length;
    REQUIRE(run->length <= segment || run->length <= p->options.run_bytes);
    for (uint32_t at = 0; at < run->length; at += segment) {
        struct usctp_packet packet = *run;
        packet.data = run->data + at;
        packet.length = run->length - at < segment ? run->length - at : segment;
        packet.segment_size = 0;
        note_packet(p, &packet);
    }
}

static bool pump_output(struct scripted_peer *p) {
    static uint8_t memory[BATCH_BYTES];
    struct usctp_packet packets[BATCH_PACKETS];
    bool any = false;
    for (unsigned round = 0; round < PUMP_ROUNDS; round++) {
        struct usctp_batch batch;
        memset(&batch, 0, sizeof batch);
        batch.memory = memory;
        batch.memory_bytes = sizeof memory;
        batch.packets = packets;
        batch.max_packets = BATCH_PACKETS;
        batch.max_run_bytes = p->options.run_bytes;
        size_t n = usctp_engine_output(p->engine, &batch, p->now_us);
        REQUIRE_EQ(n, batch.count);
        if (n == 0)
            return any;
        any = true;
        for (size_t i = 0; i < n; i++)
            note_run(p, &packets[i]);
    }
    test_fail(__FILE__, __LINE__, "output never ends");
}

void peer_pump(struct scripted_peer *p) {
    for (unsigned round = 0; round < PUMP_ROUNDS; round++) {
        bool due = usctp_engine_next_deadline(p->engine) <= p->now_us;
        if (due)
            usctp_engine_advance(p->engine, p->now_us);
        bool any = pump_events(p);
        any = pump_output(p) || any;
        if (any || due)
            continue;
        if (!p->options.hold_heartbeats && !p->answering)
            peer_answer_heartbeats(p);
        return;
    }
    test_fail(__FILE__, __LINE__, "the engine never comes to rest at one moment");
}

void peer_run_until(struct scripted_peer *p, uint64_t until_us) {
    for (;;) {
        uint64_t next = usctp_engine_next_deadline(p->engine);
        if (next > until_us)
            break;
        REQUIRE(next > p->now_us);
        p->now_us = next;
        peer_pump(p);
    }
    p->now_us = until_us;
    peer_pump(p);
}

void peer_run_for(struct scripted_peer *p, uint64_t us) {
    peer_run_until(p, p->now_us + us);
}

/* ---- what the engine said ---- */

static void print_seen(struct scripted_peer *p, const struct seen_packet *seen, size_t chunk,
                       char *out, size_t size) {
    struct tsn_bases bases = {p->engine_tsn, p->peer_tsn};
    reader_print(&seen->read.chunk[chunk], &bases, out, size);
}

static void take(struct scripted_peer *p, struct seen_packet *seen, size_t chunk) {
    seen->taken[chunk] = true;
    seen->left--;
    p->took = seen->read.chunk[chunk];
    p->took_us = seen->at_us;
    p->took_path = seen->path;
    p->took_tag = seen->read.tag;
    p->took_packet = seen->packet;
    while (p->first < p->seen_count && p->seen[p->first]->left == 0)
        p->first++;
}

const struct read_chunk *peer_take_if(struct scripted_peer *p, const char *pattern) {
    char text[1024];
    for (size_t i = p->first; i < p->seen_count; i++) {
        struct seen_packet *seen = p->seen[i];
        for (size_t k = 0; k < seen->read.chunk_count; k++) {
            if (seen->taken[k])
                continue;
            print_seen(p, seen, k, text, sizeof text);
            if (text_matches(text, pattern)) {
                take(p, seen, k);
                return &p->took;
            }
        }
    }
    return NULL;
}

/* Prints what has not been taken, for the report. */
static void print_rest(struct scripted_peer *p) {
    char text[1024];
    fprintf(stderr, "not taken (TSNs relative):\n");
    for (size_t i = p->first; i < p->seen_count; i++) {
        for (size_t k = 0; k < p->seen[i]->read.chunk_count; k++) {
            if (p->seen[i]->taken[k])
                continue;
            print_seen(p, p->seen[i], k, text, sizeof text);
            fprintf(stderr, "  +%.6f path %d: %s\n",
                    (double)(p->seen[i]->at_us - engine_env_clock_us()) / 1e6, p->seen[i]->path,
                    text);
        }
    }
}

const struct read_chunk *peer_take(struct scripted_peer *p, const char *pattern) {
    const struct read_chunk *chunk = peer_take_if(p, pattern);
    if (!chunk) {
        print_rest(p);
        test_fail(__FILE__, __LINE__, "no chunk like: %s", pattern);
    }
    return chunk;
}

void peer_take_packet(struct scripted_peer *p, const char *pattern) {
    char text[4096] = "";
    if (p->first == p->seen_count)
        test_fail(__FILE__, __LINE__, "no packet; expected: %s", pattern);
    struct seen_packet *seen = p->seen[p->first];
    REQUIRE_EQ(seen->left, seen->read.chunk_count);
    for (size_t k = 0; k < seen->read.chunk_count; k++) {
        size_t used = strlen(text);
        if (used + 600 > sizeof text)
            break;
        if (k > 0) {
            strcat(text, " | ");
            used += 3;
        }
        print_seen(p, seen, k, text + used, sizeof text - used);
    }
    if (!text_matches(text, pattern))
        test_fail(__FILE__, __LINE__, "packet is: %s\nexpected: %s", text, pattern);
    for (size_t k = 0; k < seen->read.chunk_count; k++)
        take(p, seen, k);
}

const struct read_chunk *peer_wait(struct scripted_peer *p, const char *pattern,
                                   uint64_t limit_us) {
    uint64_t until = p->now_us + limit_us;
    for (;;) {
        const struct read_chunk *chunk = peer_take_if(p, pattern);
        if (chunk)
            return chunk;
        uint64_t next = usctp_engine_next_deadline(p->engine);
        if (next > until) {
            print_rest(p);
            test_fail(__FILE__, __LINE__, "no chunk like: %s within %llu us", pattern,
                      (unsigned long long)limit_us);
        }
        REQUIRE(next > p->now_us);
        p->now_us = next;
        peer_pump(p);
    }
}

size_t peer_count(struct scripted_peer *p, const char *pattern) {
    char text[1024];
    size_t count = 0;
    for (size_t i = p->first; i < p->seen_count; i++) {
        for (size_t k = 0; k < p->seen[i]->read.chunk_count; k++) {
            if (p->seen[i]->taken[k])
                continue;
            print_seen(p, p->seen[i], k, text, sizeof text);
            count += text_matches(text, pattern);
        }
    }
    return count;
}

size_t peer_count_packets(struct scripted_peer *p) {
    size_t count = 0;
    for (size_t i = p->first; i < p->seen_count; i++)
        count += p->seen[i]->left > 0;
    return count;
}

void peer_expect_nothing(struct scripted_peer *p) {
    if (peer_count_packets(p) == 0)
        return;
    print_rest(p);
    test_fail(__FILE__, __LINE__, "the engine said something, and should not have");
}

void peer_expect_none(struct scripted_peer *p, const char *pattern) {
    if (peer_count(p, pattern) == 0)
        return;
    print_rest(p);
    test_fail(__FILE__, __LINE__, "there is a chunk like: %s", pattern);
}

void peer_discard(struct scripted_peer *p) {
    for (size_t i = p->first; i < p->seen_count; i++)
        p->seen[i]->left = 0;
    p->first = p->seen_count;
}

/* ---- what the engine's user can ask ---- */

struct usctp_assoc_status peer_status(struct scripted_peer *p) {
    struct usctp_assoc_status status;
    memset(&status, 0, sizeof status);
    REQUIRE_EQ(usctp_assoc_status(p->engine, p->assoc, &status), 0);
    return status;
}

struct usctp_path_status peer_path(struct scripted_peer *p, unsigned path) {
    struct usctp_path_status status;
    memset(&status, 0, sizeof status);
    int index = usctp_path_find(p->engine, p->assoc, &p->peer_addr[path]);
    REQUIRE(index >= 0);
    REQUIRE_EQ(usctp_path_status(p->engine, p->assoc, (uint32_t)index, &status), 0);
    return status;
}

struct usctp_engine_counters peer_counters(struct scripted_peer *p) {
    struct usctp_engine_counters counters;
    usctp_engine_counters(p->engine, &counters);
    return counters;
}

void require_state(struct scripted_peer *p, enum usctp_assoc_state state) {
    enum usctp_assoc_state seen = peer_status(p).state;
    if (seen != state)
        test_fail(__FILE__, __LINE__, "the association is in state %s, expected %s",
                  state_name(seen), state_name(state));
}

void require_closed(struct scripted_peer *p, int error) {
    if (!p->closed)
        test_fail(__FILE__, __LINE__, "the association has not ended; it is in state %s",
                  state_name(peer_status(p).state));
    REQUIRE_EQ(p->closed_error, error);
    struct usctp_assoc_status status = peer_status(p);
    REQUIRE(status.has_ended);
    REQUIRE_EQ(status.error, error);
}

void peer_release(struct scripted_peer *p) {
    usctp_assoc_release(p->engine, p->assoc, p->now_us);
    p->assoc = 0;
    peer_pump(p);
    REQUIRE_EQ(peer_counters(p).associations, 0);
}

bool peer_saw_event(struct scripted_peer *p, uint32_t bits) {
    bool saw = (p->events & bits) != 0;
    p->events &= ~bits;
    return saw;
}
