/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A host: an engine with random numbers from the seed, and its packets, events and trace records on
 * their way to those who want them.
 */
#include "sim/world.h"

#include "common/report.h"
#include "core/addr.h"

#include <stdlib.h>
#include <string.h>

enum { PURPOSE_HOST = 1, INPUT_PACKETS = 16, OUTPUT_PACKETS = 64, PUMP_ROUNDS = 100000 };
#define OUTPUT_BYTES ((size_t)512 * 1024)

static void fill(void *user, void *out, size_t bytes) {
    struct host *host = user;
    uint8_t *at = out;
    for (size_t i = 0; i < bytes; i++) { /* byte by byte: the same on every machine */
        if (i % 8 == 0)
            host->random_word = world_random(&host->random_state);
        at[i] = (uint8_t)(host->random_word >> (8 * (i % 8)));
    }
}

static void on_trace(void *user, const struct usctp_trace_record *record) {
    static const char *const names[] = {"a", "b"};
    struct host *host = user;
    struct world *w = host->world;
    bool is_packet =
        record->kind == USCTP_TRACE_PACKET_IN || record->kind == USCTP_TRACE_PACKET_OUT;
    if (is_packet && w->capture[host->number] != NULL)
        capture_packet(w->capture[host->number], record);
    if (w->trace != NULL)
        trace_json_record(w->trace, names[host->number], record);
    if (record->kind == USCTP_TRACE_STATE)
        check_state(w, host->number, record);
    else if (record->kind == USCTP_TRACE_PACKET_OUT)
        check_packet_out(w, host->number, record);
    else if (record->kind == USCTP_TRACE_ASSERT)
        report_error("the engine of host %s stops: %s", names[host->number],
                     record->text != NULL ? record->text : "?");
    if (record->assoc != 0) {
        struct conversation *c = conversation_of(w, host->number, record->assoc);
        if (c != NULL)
            world_touch(w, c);
    }
}

/* The host's addresses, each once: two paths may share one. Returns how many. */
static size_t list_addresses(const struct host *host, struct usctp_local_address *local) {
    const struct scenario *s = host->world->scenario;
    size_t count = 0;
    memset(local, 0, SCENARIO_MAX_PATHS * sizeof *local);
    for (unsigned i = 0; i < s->path_count; i++) {
        const struct usctp_addr *address = &s->paths[i].address[host->number];
        size_t known = 0;
        while (known < count && !addr_equal(&local[known].address, address))
            known++;
        if (known < count)
            continue;
        local[count++] = (struct usctp_local_address){
            .address = *address,
            .interface_index = i + 1,
            .mtu_bytes = s->paths[i].interface_mtu[host->number],
            .prefix_bits = address->family == USCTP_FAMILY_IPV4 ? 24 : 64};
    }
    return count;
}

int32_t host_endpoint(struct host *host, uint32_t port) {
    struct usctp_local_address local[SCENARIO_MAX_PATHS];
    struct usctp_addr addresses[SCENARIO_MAX_PATHS];
    size_t count = list_addresses(host, local);
    for (size_t i = 0; i < count; i++)
        addresses[i] = local[i].address;
    struct usctp_endpoint_options options = {.port = (uint16_t)port,
                                             .addresses = addresses,
                                             .address_count = count,
                                             .ipv4 = true,
                                             .ipv6 = true};
    int32_t endpoint = usctp_endpoint_open(host->engine, &options);
    if (endpoint < 0)
        report_die(REPORT_FAILED, "host %c: no endpoint for port %u (error %d)", "ab"[host->number],
                   (unsigned)port, (int)endpoint);
    return endpoint;
}

/* Gives a host an engine that knows of nothing but addresses and its listener. */
static void boot(struct host *host) {
    struct world *w = host->world;
    unsigned number = host->number;
    host->engine = usctp_engine_new(&host->environment, &w->scenario->config[number], w->now_us);
    if (host->engine == NULL)
        report_die(REPORT_FAILED, "host %c: the engine refuses its tunables", "ab"[number]);
    struct usctp_local_address local[SCENARIO_MAX_PATHS];
    size_t count = list_addresses(host, local);
    if (usctp_engine_local_addresses(host->engine, local, count, w->now_us) != 0)
        report_die(REPORT_FAILED, "out of memory");
    if (number == 0)
        return; /* a's endpoints are its associations' */
    host->listener = host_endpoint(host, WORLD_PORT);
    if (usctp_endpoint_listen(host->engine, host->listener, SCENARIO_MAX_ASSOCIATIONS) != 0)
        report_die(REPORT_FAILED, "host b cannot listen");
    if (w->scenario->has_restarts)
        (void)usctp_endpoint_subscribe(host->engine, host->listener, USCTP_NOTIFY_ASSOC_CHANGE);
}

void host_open(struct world *w, unsigned number) {
    struct host *host = &w->host[number];
    host->world = w;
    host->number = number;
    if (env_host_init(&host->mac, &host->environment) != 0)
        report_die(REPORT_FAILED, "libcrypto has no HMAC-SHA-256");
    host->random_state = world_seed(w, PURPOSE_HOST, number);
    host->environment.random = (struct usctp_random){.fill = fill, .user = host};
    host->environment.trace = on_trace;
    host->environment.trace_user = host;
    boot(host);
}

void host_crash(struct host *host) {
    struct usctp_engine_counters counters;
    restart_lose(host->world, host->number);
    usctp_engine_counters(host->engine, &counters);
    host->refused += counters.dropped[USCTP_DROP_CHECKSUM];
    free(host->by_id);
    host->by_id = NULL;
    host->by_id_count = 0;
    usctp_engine_delete(host->engine);
    host->engine = NULL;
}

void host_reboot(struct host *host) {
    boot(host);
    host->back_us = host->world->now_us;
    host->restarts++;
    restart_return(host->world, host->number);
}

void host_close(struct host *host) {
    usctp_engine_delete(host->engine);
    env_host_free(&host->mac);
    free(host->by_id);
}

void host_remember(struct host *host, int32_t assoc, uint32_t conversation) {
    size_t index = (size_t)assoc;
    if (index >= host->by_id_count) {
        size_t count = index * 2 + 64;
        uint32_t *more = world_memory(count, sizeof *more);
        if (host->by_id_count > 0)
            memcpy(more, host->by_id, host->by_id_count * sizeof *more);
        free(host->by_id);
        host->by_id = more;
        host->by_id_count = count;
    }
    host->by_id[index] = conversation + 1;
}

/* ---- packets ---- */

static bool take_packets(struct host *host) {
    static uint8_t memory[INPUT_PACKETS][USCTP_MAX_PACKET_BYTES];
    struct usctp_packet packets[INPUT_PACKETS];
    bool any = false;
    size_t n;
    while ((n = network_receive(host->world, host->number, packets, memory, INPUT_PACKETS)) > 0) {
        if (host->engine != NULL)
            usctp_engine_input(host->engine, packets, n, host->world->now_us);
        else
            host->missed += n;
        any = true;
    }
    return any;
}

static bool send_packets(struct host *host) {
    static uint8_t memory[OUTPUT_BYTES];
    struct usctp_packet packets[OUTPUT_PACKETS];
    for (unsigned round = 0;; round++) {
        struct usctp_batch batch = {.memory = memory,
                                    .memory_bytes = sizeof memory,
                                    .packets = packets,
                                    .max_packets = OUTPUT_PACKETS};
        size_t n = usctp_engine_output(host->engine, &batch, host->world->now_us);
        for (size_t i = 0; i < n; i++)
            network_send(host->world, host->number, &packets[i]);
        if (n == 0)
            return round > 0;
        if (round == PUMP_ROUNDS) {
            world_violate(host->world, "host %c: output never ends", "ab"[host->number]);
            return true;
        }
    }
}

bool host_pump(struct host *host) {
    struct world *w = host->world;
    struct usctp_event event;
    bool any = take_packets(host);
    if (host->engine == NULL)
        return any;
    if (usctp_engine_next_deadline(host->engine) <= w->now_us) {
        usctp_engine_advance(host->engine, w->now_us);
        any = true;
    }
    for (unsigned round = 0; usctp_engine_next_event(host->engine, &event) == 1; round++) {
        if (round == PUMP_ROUNDS) {
            world_violate(w, "host %c: events never end", "ab"[host->number]);
            break;
        }
        conversation_event(w, host->number, &event);
        any = true;
    }
    return send_packets(host) || any;
}
