/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two engines with simulated links between them; see two_hosts.h.
 */
#include "support/two_hosts.h"

#include <stdlib.h>
#include <string.h>

#define BATCH_BYTES   (512u * 1024u)
#define BATCH_PACKETS 64u
#define PUMP_ROUNDS   100000u
#define INPUT_PACKETS 16u

static void make_addr(struct usctp_addr *addr, unsigned path, bool ipv6, unsigned host) {
    memset(addr, 0, sizeof *addr);
    if (ipv6) {
        const uint8_t prefix[6] = {0x20, 0x01, 0x0d, 0xb8, 0, (uint8_t)path};
        addr->family = USCTP_FAMILY_IPV6;
        memcpy(addr->ipv6, prefix, sizeof prefix);
        addr->ipv6[15] = (uint8_t)(host + 1);
    } else {
        const uint8_t ipv4[4] = {198, 51, (uint8_t)(100 + path), (uint8_t)(host + 1)};
        addr->family = USCTP_FAMILY_IPV4;
        memcpy(addr->ipv4, ipv4, sizeof ipv4);
    }
}

static bool same_addr(const struct usctp_addr *a, const struct usctp_addr *b) {
    if (a->family != b->family)
        return false;
    return memcmp(a->ipv6, b->ipv6, a->family == USCTP_FAMILY_IPV4 ? 4 : 16) == 0;
}

static int path_to(const struct two_hosts *t, unsigned host, const struct usctp_addr *address) {
    for (unsigned i = 0; i < t->paths; i++)
        if (same_addr(&t->host[host].addr[i], address))
            return (int)i;
    return -1;
}

void host_start(struct two_hosts *t, unsigned number) {
    struct host *h = &t->host[number];
    struct usctp_local_address local[HOSTS_MAX_PATHS];
    struct usctp_endpoint_options options;
    h->engine = usctp_engine_new(&h->env.environment, &h->config, t->now_us);
    REQUIRE(h->engine != NULL);
    memset(local, 0, sizeof local);
    memset(&options, 0, sizeof options);
    for (unsigned i = 0; i < t->paths; i++) {
        local[i].address = h->addr[i];
        local[i].interface_index = i + 1;
        local[i].mtu_bytes = t->mtu;
        local[i].prefix_bits = h->addr[i].family == USCTP_FAMILY_IPV4 ? 24 : 64;
    }
    REQUIRE_EQ(usctp_engine_local_addresses(h->engine, local, t->paths, t->now_us), 0);
    options.port = (uint16_t)(HOSTS_PORT + number);
    options.addresses = h->addr;
    options.address_count = t->paths;
    options.ipv4 = options.ipv6 = true;
    h->endpoint = usctp_endpoint_open(h->engine, &options);
    REQUIRE(h->endpoint >= 3);
    REQUIRE_EQ(usctp_endpoint_listen(h->engine, h->endpoint, 16), 0);
    h->assoc = 0;
    h->events = 0;
    h->closed = false;
}

void host_stop(struct two_hosts *t, unsigned number) {
    struct host *h = &t->host[number];
    usctp_engine_delete(h->engine);
    h->engine = NULL;
    engine_env_require_empty(&h->env);
}

struct two_hosts *hosts_new(const struct hosts_options *options) {
    static const char *const names[2] = {"host0", "host1"};
    struct two_hosts *t = calloc(1, sizeof *t);
    if (!t)
        abort();
    t->paths = options->paths ? options->paths : 1;
    t->mtu = options->mtu ? options->mtu : 1500;
    t->now_us = engine_env_clock_us();
    engine_env_init(&t->link_memory, "links", options->seed);
    t->link_env.given = t->link_memory.environment;
    t->link_env.given.trace = NULL;
    for (unsigned h = 0; h < 2; h++) {
        struct host *host = &t->host[h];
        engine_env_init(&host->env, names[h], options->seed * 2 + h + 1);
        host->env.capture.enabled = !options->no_capture;
        host->env.near_wrap = engine_env_wraps();
        host->accepts = true;
        usctp_config_defaults(&host->config);
        if (options->configure)
            options->configure(&host->config);
        for (unsigned i = 0; i < t->paths; i++) {
            struct simulated_link_options link;
            memset(&link, 0, sizeof link);
            link.delay_us = options->delay_us;
            make_addr(&host->addr[i], i, (options->ipv6_paths >> i & 1u) != 0, h);
            t->link[h][i] = simulated_link_new(&t->link_env, &link, options->seed * 16 + h * 8 + i);
            REQUIRE(t->link[h][i] != NULL);
        }
    }
    host_start(t, 0);
    host_start(t, 1);
    return t;
}

void hosts_delete(struct two_hosts *t) {
    for (unsigned h = 0; h < 2; h++) {
        struct engine_env *env = &t->host[h].env;
        for (unsigned i = 0; i < t->paths; i++)
            simulated_link_delete(t->link[h][i]);
        if (t->host[h].engine)
            host_stop(t, h);
        if (env->illegal_state_change)
            test_fail(__FILE__, __LINE__,
                      "%s: a change of state that RFC 9260 4 does not know: %s -> %s", env->name,
                      state_name(env->illegal_from), state_name(env->illegal_to));
    }
    engine_env_require_empty(&t->link_memory);
    engine_env_free(&t->host[0].env);
    engine_env_free(&t->host[1].env);
    engine_env_free(&t->link_memory);
    free(t);
}

void hosts_set_links(struct two_hosts *t, const struct simulated_link_options *options) {
    for (unsigned h = 0; h < 2; h++)
        for (unsigned i = 0; i < t->paths; i++)
            simulated_link_set_options(t->link[h][i], options);
}

void hosts_cut(struct two_hosts *t, unsigned path, bool is_cut) {
    simulated_link_cut(t->link[0][path], is_cut);
    simulated_link_cut(t->link[1][path], is_cut);
}

void hosts_drop(struct two_hosts *t, unsigned from, int path, unsigned type, unsigned count) {
    REQUIRE(t->rule_count < HOSTS_MAX_RULES);
    t->rules[t->rule_count++] =
        (struct drop_rule){.from = from, .path = path, .type = type, .count = count};
}

unsigned hosts_dropped(const struct two_hosts *t, size_t rule) {
    return t->rules[rule].dropped;
}

static bool packet_has(const struct usctp_packet *packet, unsigned type) {
    for (size_t at = 12; at + 4 <= packet->length;) {
        size_t length = load16(packet->data + at + 2);
        if (packet->data[at] == type)
            return true;
        if (length < 4)
            return false;
        at += (length + 3u) & ~(size_t)3u;
    }
    return false;
}

static bool rules_drop(struct two_hosts *t, unsigned from, int path,
                       const struct usctp_packet *packet) {
    for (size_t i = 0; i < t->rule_count; i++) {
        struct drop_rule *rule = &t->rules[i];
        if (rule->from != from || (rule->path != ANY_PATH && rule->path != path))
            continue;
        if (rule->type != ANY_CHUNK && !packet_has(packet, rule->type))
            continue;
        if (rule->skip > 0) {
            rule->skip--;
            continue;
        }
        if (rule->dropped < rule->count) {
            rule->dropped++;
            return true;
        }
    }
    return false;
}

static void send_packet(struct two_hosts *t, unsigned from, const struct usctp_packet *packet) {
    int path = path_to(t, 1 - from, &packet->destination);
    struct usctp_packet sent = *packet;
    sent.udp_source = packet->udp_destination;
    t->host[from].packets_out++;
    if (path >= 0 && sent.source.family == USCTP_FAMILY_NONE)
        sent.source = t->host[from].addr[path];
    if (t->hooks.on_packet)
        t->hooks.on_packet(t, from, path, &sent);
    if (path < 0 || rules_drop(t, from, path, &sent))
        return;
    unsigned copies = t->hooks.on_link ? t->hooks.on_link(t, from, (unsigned)path, &sent) : 1;
    for (; copies > 0; copies--)
        simulated_link_send(t->link[from][path], &sent, t->now_us);
}

/* A run is equal packets one behind the other, the last may be shorter. */
static void send_run(struct two_hosts *t, unsigned from, const struct usctp_packet *run) {
    uint32_t segment = run->segment_size ? run->segment_size : run->length;
    for (uint32_t at = 0; at < run->length; at += segment) {
        struct usctp_packet one = *run;
        one.data = run->data + at;
        one.length = run->length - at < segment ? run->length - at : segment;
        one.segment_size = 0;
        send_packet(t, from, &one);
    }
}

static bool pump_output(struct two_hosts *t, unsigned number) {
    static uint8_t memory[BATCH_BYTES];
    struct usctp_packet packets[BATCH_PACKETS];
    const struct host *h = &t->host[number];
    bool any = false;
    for (unsigned round = 0; round < PUMP_ROUNDS; round++) {
        struct usctp_batch batch;
        memset(&batch, 0, sizeof batch);
        batch.memory = memory;
        batch.memory_bytes = h->batch_bytes ? h->batch_bytes : sizeof memory;
        batch.packets = packets;
        batch.max_packets = h->batch_packets ? h->batch_packets : BATCH_PACKETS;
        batch.max_run_bytes = h->run_bytes;
        size_t n = usctp_engine_output(t->host[number].engine, &batch, t->now_us);
        if (n == 0)
            return any;
        any = true;
        for (size_t i = 0; i < n; i++)
            send_run(t, number, &packets[i]);
    }
    test_fail(__FILE__, __LINE__, "output of host %u never ends", number);
}

static void give_routes(struct two_hosts *t, unsigned number, int32_t assoc) {
    struct host *h = &t->host[number];
    struct usctp_assoc_status status;
    if (usctp_assoc_status(h->engine, assoc, &status) != 0)
        return;
    for (unsigned path = 0; path < status.path_count; path++) {
        struct usctp_path_status ps;
        struct usctp_addr none;
        memset(&none, 0, sizeof none);
        if (usctp_path_status(h->engine, assoc, path, &ps) != 0 || !ps.wants_route)
            continue;
        int at = path_to(t, 1 - number, &ps.address);
        REQUIRE_EQ(usctp_path_route(h->engine, assoc, path, at < 0 ? &none : &h->addr[at], t->mtu,
                                    t->now_us),
                   0);
    }
}

static void on_event(struct two_hosts *t, unsigned number, const struct usctp_event *event) {
    struct host *h = &t->host[number];
    if (event->assoc == 0) {
        int32_t endpoint;
        if ((event->what & USCTP_EVENT_INCOMING) && h->accepts) {
            int32_t assoc = usctp_endpoint_accept(h->engine, h->endpoint, &endpoint);
            if (assoc > 0) {
                h->assoc = assoc;
                h->closed = false;
            }
        }
    } else {
        if (event->what & USCTP_EVENT_ROUTE)
            give_routes(t, number, event->assoc);
        if (event->assoc == h->assoc) {
            h->events |= event->what;
            if (event->what & USCTP_EVENT_CLOSED) {
                h->closed = true;
                h->close_error = event->error;
            }
        }
    }
    if (t->hooks.on_event)
        t->hooks.on_event(t, number, event);
}

static bool receive(struct two_hosts *t, unsigned number) {
    static uint8_t memory[INPUT_PACKETS][USCTP_MAX_PACKET_BYTES];
    struct host *h = &t->host[number];
    struct usctp_packet packets[INPUT_PACKETS];
    size_t most = h->batches ? INPUT_PACKETS : 1;
    bool any = false;
    for (;;) {
        size_t n = 0;
        for (unsigned i = 0; i < t->paths; i++)
            while (n < most && simulated_link_receive(t->link[1 - number][i], &packets[n],
                                                      memory[n], t->now_us))
                n++;
        if (n == 0)
            return any;
        any = true;
        h->packets_in += n;
        if (h->engine && !h->asleep)
            usctp_engine_input(h->engine, packets, n, t->now_us);
    }
}

static bool pump_host(struct two_hosts *t, unsigned number) {
    struct host *h = &t->host[number];
    struct usctp_event event;
    bool any = receive(t, number);
    if (!h->engine || h->asleep)
        return any;
    if (usctp_engine_next_deadline(h->engine) <= t->now_us) {
        usctp_engine_advance(h->engine, t->now_us);
        any = true;
    }
    for (unsigned i = 0; usctp_engine_next_event(h->engine, &event) == 1; i++) {
        REQUIRE(i < PUMP_ROUNDS);
        any = true;
        on_event(t, number, &event);
    }
    return pump_output(t, number) || any;
}

bool hosts_pump(struct two_hosts *t) {
    bool any = false;
    for (unsigned round = 0; round < PUMP_ROUNDS; round++) {
        bool more = pump_host(t, 0);
        more = pump_host(t, 1) || more;
        if (!more)
            return any;
        any = true;
    }
    test_fail(__FILE__, __LINE__, "the engines never come to rest at one moment");
}

uint64_t hosts_next(const struct two_hosts *t) {
    uint64_t next = USCTP_NEVER;
    for (unsigned h = 0; h < 2; h++) {
        if (t->host[h].engine && !t->host[h].asleep) {
            uint64_t deadline = usctp_engine_next_deadline(t->host[h].engine);
            next = deadline < next ? deadline : next;
        }
        for (unsigned i = 0; i < t->paths; i++) {
            uint64_t arrival = simulated_link_next(t->link[h][i]);
            next = arrival < next ? arrival : next;
        }
    }
    return next;
}

bool hosts_step(struct two_hosts *t, uint64_t limit_us) {
    hosts_pump(t);
    uint64_t next = hosts_next(t);
    t->steps++;
    if (next > limit_us) {
        if (t->now_us < limit_us)
            t->now_us = limit_us;
        hosts_pump(t);
        return false;
    }
    REQUIRE(next > t->now_us);
    t->now_us = next;
    hosts_pump(t);
    return true;
}

void hosts_run_for(struct two_hosts *t, uint64_t us) {
    uint64_t until = t->now_us + us;
    while (hosts_step(t, until)) {
    }
}

void hosts_run_until(struct two_hosts *t, bool (*condition)(struct two_hosts *t), uint64_t us) {
    uint64_t until = t->now_us + us;
    hosts_pump(t);
    while (!condition(t)) {
        if (!hosts_step(t, until) && !condition(t))
            test_fail(__FILE__, __LINE__, "what the test waits for has not come in %llu us",
                      (unsigned long long)us);
    }
}

int32_t host_connect(struct two_hosts *t, unsigned number, unsigned addresses) {
    struct host *h = &t->host[number];
    struct usctp_connect connect;
    memset(&connect, 0, sizeof connect);
    connect.endpoint = h->endpoint;
    connect.addresses = t->host[1 - number].addr;
    connect.address_count = addresses;
    connect.port = (uint16_t)(HOSTS_PORT + 1 - number);
    connect.udp_port = t->udp_port;
    int32_t assoc = usctp_assoc_connect(h->engine, &connect, t->now_us);
    if (assoc > 0)
        h->assoc = assoc;
    return assoc;
}

struct usctp_assoc_status host_status(struct two_hosts *t, unsigned number) {
    struct usctp_assoc_status status;
    memset(&status, 0, sizeof status);
    REQUIRE_EQ(usctp_assoc_status(t->host[number].engine, t->host[number].assoc, &status), 0);
    return status;
}

enum usctp_assoc_state host_state(struct two_hosts *t, unsigned number) {
    if (!t->host[number].engine || t->host[number].assoc == 0)
        return USCTP_CLOSED;
    return host_status(t, number).state;
}

bool hosts_both_established(struct two_hosts *t) {
    return host_state(t, 0) == USCTP_ESTABLISHED && host_state(t, 1) == USCTP_ESTABLISHED;
}

bool hosts_both_closed(struct two_hosts *t) {
    return t->host[0].closed && t->host[1].closed;
}

void hosts_establish(struct two_hosts *t, bool to_all) {
    REQUIRE(host_connect(t, 0, to_all ? t->paths : 1) >= 3);
    hosts_run_until(t, hosts_both_established, 60000000);
}
