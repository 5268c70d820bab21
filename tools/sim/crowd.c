/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A crowd (see crowd.h): E x E one-to-many endpoints, each of a's with one association to each of
 * b's. They are set up, are idle for an hour of virtual time, carry 1 KB each way, are idle again,
 * and are closed.
 *
 * Packets are handed over at once, none is lost. Bytes are counted three ways: as the engine asks
 * for them, as the heap gives them (with its own overhead), and as they stay in memory (RSS).
 */
#include "sim/crowd.h"

#include "api/env_host.h"
#include "common/report.h"
#include "sim/world.h"

#include <jansson.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    FIRST_PORT = 1024,
    IN_STEP = 1024, /* associations that are begun, or used, before the packets move */
    PACKETS = 256,
    MESSAGE_BYTES = 1024,
    IDLE_S = 3600,
    HEAP_HEADER_BYTES = sizeof(size_t)
};
#define OUTPUT_BYTES ((size_t)1 << 20)
#define STEP_US      ((uint64_t)100 * USCTP_MS)
#define START_US     ((uint64_t)1000 * USCTP_S)

struct crowd_host {
    unsigned number;
    struct env_host mac;
    struct usctp_environment environment;
    struct usctp_engine *engine;
    int32_t *endpoints;
    uint64_t random_state;
    uint64_t heap_bytes;
    uint32_t established, received, ended;
};

struct crowd {
    uint32_t count, side; /* associations; endpoints of each host */
    struct crowd_host host[2];
    int32_t *ids; /* of a */
    uint64_t now_us, timers;
    uint8_t *output;
    struct usctp_packet packets[PACKETS];
    json_t *figures;
};

/* What there is at one moment. */
struct footprint {
    uint64_t asked_bytes, heap_bytes, resident_bytes;
};

static const struct usctp_addr addresses[2] = {
    {.family = USCTP_FAMILY_IPV4, .ipv4 = {10, 0, 0, 1}},
    {.family = USCTP_FAMILY_IPV4, .ipv4 = {10, 0, 0, 2}},
};

/* ---- hosts ----------------------------------------------------------------------------------- */

static void *allocate(void *user, size_t bytes) {
    struct crowd_host *host = user;
    void *memory = malloc(bytes);
    if (memory != NULL)
        host->heap_bytes += malloc_usable_size(memory) + HEAP_HEADER_BYTES;
    return memory;
}

static void release(void *user, void *memory, size_t bytes) {
    struct crowd_host *host = user;
    (void)bytes;
    host->heap_bytes -= malloc_usable_size(memory) + HEAP_HEADER_BYTES;
    free(memory);
}

static void fill(void *user, void *out, size_t bytes) {
    struct crowd_host *host = user;
    uint8_t *at = out;
    uint64_t word = 0;
    for (size_t i = 0; i < bytes; i++) {
        if (i % 8 == 0)
            word = world_random(&host->random_state);
        at[i] = (uint8_t)(word >> (8 * (i % 8)));
    }
}

/* Limits that the crowd would meet are raised; everything else is as given. */
static void fit_config(struct usctp_config *config, const struct crowd *c) {
    if (config->max_associations < c->count)
        config->max_associations = c->count;
    config->max_associations_per_source = config->max_associations;
    config->init_acks_per_second = 10000000;
    if (config->reply_ring_packets < IN_STEP)
        config->reply_ring_packets = IN_STEP;
    config->max_memory_bytes = (uint64_t)1 << 40;
}

static void host_start(struct crowd *c, unsigned number, const struct crowd_options *options) {
    struct crowd_host *host = &c->host[number];
    struct usctp_config config = *options->config[number];
    host->number = number;
    host->random_state = options->seed * 2 + number;
    if (env_host_init(&host->mac, &host->environment) != 0)
        report_die(REPORT_FAILED, "libcrypto has no HMAC-SHA-256");
    host->environment.allocator =
        (struct usctp_allocator){.allocate = allocate, .release = release, .user = host};
    host->environment.random = (struct usctp_random){.fill = fill, .user = host};
    fit_config(&config, c);
    host->engine = usctp_engine_new(&host->environment, &config, c->now_us);
    if (host->engine == NULL)
        report_die(REPORT_FAILED, "host %c: the engine refuses its tunables", "ab"[number]);
    const struct usctp_local_address local = {
        .address = addresses[number], .interface_index = 1, .mtu_bytes = 1500, .prefix_bits = 24};
    if (usctp_engine_local_addresses(host->engine, &local, 1, c->now_us) != 0)
        report_die(REPORT_FAILED, "out of memory");
    host->endpoints = world_memory(c->side, sizeof *host->endpoints);
    for (uint32_t i = 0; i < c->side; i++) {
        const struct usctp_endpoint_options o = {
            .port = (uint16_t)(FIRST_PORT + i), .ipv4 = true, .ipv6 = true};
        host->endpoints[i] = usctp_endpoint_open(host->engine, &o);
        if (host->endpoints[i] < 0 ||
            usctp_endpoint_listen(host->engine, host->endpoints[i], number == 1 ? 65535 : 0) != 0)
            report_die(REPORT_FAILED, "host %c: no endpoint", "ab"[number]);
    }
}

/* ---- packets and events ---------------------------------------------------------------------- */

static void on_readable(struct crowd *c, struct crowd_host *host, int32_t assoc) {
    uint8_t message[MESSAGE_BYTES];
    struct usctp_slice slice = {.base = message, .length = sizeof message};
    struct usctp_received received;
    while (usctp_assoc_receive(host->engine, assoc, &received, &slice, 1, 0) == MESSAGE_BYTES) {
        host->received++;
        const struct usctp_send send = {.sid = 0};
        if (host->number == 1 &&
            usctp_assoc_send(host->engine, assoc, &send, &slice, 1, c->now_us) != 0)
            report_die(REPORT_FAILED, "b cannot answer");
    }
    usctp_assoc_received(host->engine, assoc, c->now_us);
}

static bool take_events(struct crowd *c, struct crowd_host *host) {
    struct usctp_event event;
    bool any = false;
    for (; usctp_engine_next_event(host->engine, &event) == 1; any = true) {
        if (event.assoc == 0) {
            while (usctp_endpoint_accept(host->engine, event.endpoint, NULL) > 0)
                host->established++;
            continue;
        }
        if (event.what & USCTP_EVENT_ROUTE)
            usctp_path_route(host->engine, event.assoc, 0, NULL, 1500, c->now_us);
        if ((event.what & USCTP_EVENT_ESTABLISHED) && host->number == 0)
            host->established++;
        if (event.what & USCTP_EVENT_READABLE)
            on_readable(c, host, event.assoc);
        if (event.what & USCTP_EVENT_CLOSED) {
            host->ended += event.error == 0;
            usctp_assoc_release(host->engine, event.assoc, c->now_us);
        }
    }
    return any;
}

/* From one engine into the other. */
static bool move(struct crowd *c, unsigned from) {
    bool any = false;
    for (;;) {
        struct usctp_batch batch = {.memory = c->output,
                                    .memory_bytes = OUTPUT_BYTES,
                                    .packets = c->packets,
                                    .max_packets = PACKETS};
        size_t n = usctp_engine_output(c->host[from].engine, &batch, c->now_us);
        if (n == 0)
            return any;
        for (size_t i = 0; i < n; i++) {
            c->packets[i].source = addresses[from];
            c->packets[i].hop_limit = 64;
        }
        usctp_engine_input(c->host[1 - from].engine, c->packets, n, c->now_us);
        any = true;
    }
}

static void settle(struct crowd *c) {
    bool any = true;
    while (any) {
        any = move(c, 0);
        any |= take_events(c, &c->host[1]);
        any |= move(c, 1);
        any |= take_events(c, &c->host[0]);
    }
}

static uint64_t next_deadline(const struct crowd *c) {
    uint64_t a = usctp_engine_next_deadline(c->host[0].engine);
    uint64_t b = usctp_engine_next_deadline(c->host[1].engine);
    return a < b ? a : b;
}

/* Lets time pass, and what is due in it happen. */
static void pass(struct crowd *c, uint64_t until_us) {
    uint64_t next_us;
    while ((next_us = next_deadline(c)) <= until_us) {
        if (next_us > c->now_us)
            c->now_us = next_us;
        c->timers++;
        usctp_engine_advance(c->host[0].engine, c->now_us);
        usctp_engine_advance(c->host[1].engine, c->now_us);
        settle(c);
    }
    c->now_us = until_us;
}

/* ---- figures --------------------------------------------------------------------------------- */

static double cpu_s(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static struct footprint measure(const struct crowd *c) {
    struct footprint f = {0};
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL || fscanf(file, "%*d %ld", &pages) != 1)
        report_die(REPORT_FAILED, "cannot read /proc/self/statm");
    fclose(file);
    f.resident_bytes = (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
    for (unsigned i = 0; i < 2; i++) {
        struct usctp_engine_counters counters;
        usctp_engine_counters(c->host[i].engine, &counters);
        f.asked_bytes += counters.memory_bytes;
        f.heap_bytes += c->host[i].heap_bytes;
    }
    return f;
}

static double per_end(const struct crowd *c, uint64_t before, uint64_t after) {
    return ((double)after - (double)before) / (2.0 * c->count);
}

static void tell_memory(struct crowd *c, const char *name, const struct footprint *before) {
    struct footprint now = measure(c);
    json_object_set_new(c->figures, name,
                        json_pack("{sfsfsf}", "asked",
                                  per_end(c, before->asked_bytes, now.asked_bytes), "heap",
                                  per_end(c, before->heap_bytes, now.heap_bytes), "rss",
                                  per_end(c, before->resident_bytes, now.resident_bytes)));
}

static void set_real(struct crowd *c, const char *name, double value) {
    json_object_set_new(c->figures, name, json_real(value));
}

/* ---- the play -------------------------------------------------------------------------------- */

static void begin_one(struct crowd *c, uint32_t index) {
    const struct usctp_connect connect = {.endpoint = c->host[0].endpoints[index / c->side],
                                          .addresses = &addresses[1],
                                          .address_count = 1,
                                          .port = (uint16_t)(FIRST_PORT + index % c->side)};
    c->ids[index] = usctp_assoc_connect(c->host[0].engine, &connect, c->now_us);
    if (c->ids[index] < 0)
        report_die(REPORT_FAILED, "association %u: error %d", index, (int)c->ids[index]);
}

static void send_one(struct crowd *c, uint32_t index) {
    static uint8_t message[MESSAGE_BYTES];
    const struct usctp_send send = {.sid = 0};
    const struct usctp_slice slice = {.base = message, .length = sizeof message};
    if (usctp_assoc_send(c->host[0].engine, c->ids[index], &send, &slice, 1, c->now_us) != 0)
        report_die(REPORT_FAILED, "association %u does not send", index);
}

static void close_one(struct crowd *c, uint32_t index) {
    if (usctp_assoc_shutdown(c->host[0].engine, c->ids[index], c->now_us) != 0)
        report_die(REPORT_FAILED, "association %u does not close", index);
}

/* Does one thing with each, and tells how long each quarter of them took, in CPU time. */
static void with_each(struct crowd *c, const char *name, void (*act)(struct crowd *, uint32_t)) {
    json_t *quarters = json_array();
    double begin_s = cpu_s(), from_s = begin_s;
    for (uint32_t i = 0, quarter = 1; i < c->count; i++) {
        act(c, i);
        bool is_last = i + 1 == c->count;
        if ((i + 1) % IN_STEP == 0 || is_last) {
            settle(c);
            pass(c, c->now_us + STEP_US);
        }
        if (is_last || i + 1 == (uint32_t)((uint64_t)c->count * quarter / 4)) {
            double now_s = cpu_s();
            json_array_append_new(quarters, json_real(now_s - from_s));
            from_s = now_s;
            quarter++;
        }
    }
    set_real(c, name, cpu_s() - begin_s);
    char key[64];
    snprintf(key, sizeof key, "%s_quarters", name);
    json_object_set_new(c->figures, key, quarters);
}

static void be_idle(struct crowd *c, const char *name) {
    c->timers = 0;
    double from_s = cpu_s();
    pass(c, c->now_us + (uint64_t)IDLE_S * USCTP_S);
    json_object_set_new(
        c->figures, name,
        json_pack("{sIsf}", "timers", (json_int_t)c->timers, "cpu_s", cpu_s() - from_s));
}

static bool is_complete(const struct crowd *c) {
    for (unsigned i = 0; i < 2; i++) {
        struct usctp_engine_counters counters;
        const struct crowd_host *host = &c->host[i];
        usctp_engine_counters(host->engine, &counters);
        if (host->established != c->count || host->received != c->count ||
            host->ended != c->count || counters.associations != 0) {
            report_error("host %c: of %u associations %u were set up, %u had their message, %u "
                         "were closed; %llu are left",
                         "ab"[i], c -> count, host -> established, host -> received, host -> ended,
                         (unsigned long long)counters.associations);
            return false;
        }
    }
    return true;
}

static void print_quarters(const json_t *figures, const char *name) {
    char key[64];
    snprintf(key, sizeof key, "%s_quarters", name);
    const json_t *quarters = json_object_get(figures, key);
    printf("%-16s %9.3f s; its quarters:", name, json_real_value(json_object_get(figures, name)));
    for (size_t i = 0; i < json_array_size(quarters); i++)
        printf(" %.3f", json_real_value(json_array_get(quarters, i)));
    printf("\n");
}

static void print_memory(const json_t *figures, const char *name) {
    const json_t *m = json_object_get(figures, name);
    printf("%-16s %6.0f bytes an association and end asked for, %.0f of the heap, %.0f of RSS\n",
           name, json_real_value(json_object_get(m, "asked")),
           json_real_value(json_object_get(m, "heap")), json_real_value(json_object_get(m, "rss")));
}

static void print(const struct crowd *c) {
    const json_t *f = c->figures;
    printf("associations     %9u, %u endpoints by as many\n", c->count, c->side);
    print_quarters(f, "setup_s");
    print_memory(f, "memory_new");
    print_memory(f, "memory_idle");
    const json_t *idle = json_object_get(f, "idle");
    printf("idle             %9.3f s of CPU in an hour, %lld times woken\n",
           json_real_value(json_object_get(idle, "cpu_s")),
           (long long)json_integer_value(json_object_get(idle, "timers")));
    print_quarters(f, "exchange_s");
    print_memory(f, "memory_used");
    print_quarters(f, "close_s");
    printf("left             %9lld bytes, of tables that have grown\n",
           (long long)json_integer_value(json_object_get(f, "left_bytes")));
}

static void play(struct crowd *c) {
    struct footprint before = measure(c);
    with_each(c, "setup_s", begin_one);
    tell_memory(c, "memory_new", &before);
    be_idle(c, "idle");
    tell_memory(c, "memory_idle", &before);
    with_each(c, "exchange_s", send_one);
    be_idle(c, "idle_used");
    tell_memory(c, "memory_used", &before);
    with_each(c, "close_s", close_one);
    pass(c, c->now_us + (uint64_t)IDLE_S * USCTP_S);
    struct footprint after = measure(c);
    json_object_set_new(
        c->figures, "left_bytes",
        json_integer((json_int_t)after.asked_bytes - (json_int_t)before.asked_bytes));
}

bool crowd_run(const struct crowd_options *options) {
    struct crowd *c = world_memory(1, sizeof *c);
    c->count = options->associations;
    while ((uint64_t)c->side * c->side < c->count)
        c->side++;
    c->now_us = START_US;
    c->figures = json_object();
    c->output = world_memory(OUTPUT_BYTES, 1);
    c->ids = world_memory(c->count, sizeof *c->ids);
    memset(c->output, 1, OUTPUT_BYTES); /* resident from now on */
    memset(c->ids, 1, c->count * sizeof *c->ids);
    json_object_set_new(c->figures, "associations", json_integer(c->count));
    for (unsigned i = 0; i < 2; i++)
        host_start(c, i, options);
    play(c);
    bool complete = is_complete(c);
    if (options->json)
        json_dumpf(c->figures, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(6));
    else
        print(c);
    if (options->json)
        printf("\n");
    for (unsigned i = 0; i < 2; i++) {
        usctp_engine_delete(c->host[i].engine);
        env_host_free(&c->host[i].mac);
        free(c->host[i].endpoints);
    }
    json_decref(c->figures);
    free(c->output);
    free(c->ids);
    free(c);
    return complete;
}
