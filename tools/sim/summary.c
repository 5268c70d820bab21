/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The summary of a run.
 */
#include "sim/summary.h"

#include "common/address.h"
#include "common/names.h"

#include <inttypes.h>
#include <string.h>

enum { MAX_NAME_BYTES = 100 };

static void put(json_t *object, const char *key, uint64_t value) {
    json_object_set_new(object, key, json_integer((json_int_t)value));
}

/* ---- from the world ---- */

#define COUNTERS(X)                                                                                \
    X(packets_out)                                                                                 \
    X(data_chunks_out)                                                                             \
    X(retransmitted_chunks)                                                                        \
    X(fast_retransmits)                                                                            \
    X(t3_expiries)                                                                                 \
    X(t1_expiries)                                                                                 \
    X(t2_expiries)                                                                                 \
    X(sacks_out)                                                                                   \
    X(duplicate_tsns)                                                                              \
    X(zero_window_probes)                                                                          \
    X(failovers)                                                                                   \
    X(returns)                                                                                     \
    X(restarts)                                                                                    \
    X(collisions)                                                                                  \
    X(partial_deliveries)

static void put_counters(const struct world *w, unsigned host, json_t *object) {
    struct usctp_assoc_counters total, one;
    memset(&total, 0, sizeof total);
    for (uint32_t i = 0; i < w->conversation_count; i++) {
        conversation_counters(w, &w->conversations[i], host, &one);
#define ADD(name) total.name += one.name;
        COUNTERS(ADD)
#undef ADD
    }
#define PUT(name) put(object, #name, total.name);
    COUNTERS(PUT)
#undef PUT
}

/* What a host's users sent, and what of it arrived. */
static json_t *sender_json(const struct world *w, unsigned host) {
    uint64_t messages = 0, delivered = 0, outstanding = 0, told = 0, bytes = 0, delivered_bytes = 0,
             latency_sum_us = 0;
    uint64_t latency_max_us = 0, gap_us = 0, gap_end_us = 0, first_us = USCTP_NEVER, last_us = 0;
    json_t *object = json_object();
    for (uint32_t i = 0; i < w->conversation_count; i++) {
        const struct direction *d = &w->conversations[i].from[host];
        messages += d->next;
        delivered += d->delivered_messages;
        outstanding += d->outstanding;
        told += w->conversations[i].told[host];
        bytes += d->sent_bytes;
        delivered_bytes += d->delivered_bytes;
        latency_sum_us += d->latency_sum_us;
        latency_max_us = d->latency_max_us > latency_max_us ? d->latency_max_us : latency_max_us;
        last_us = d->last_delivery_us > last_us ? d->last_delivery_us : last_us;
        if (d->next > 0 && d->first_sent_us < first_us)
            first_us = d->first_sent_us;
        if (d->gap_us > gap_us) {
            gap_us = d->gap_us;
            gap_end_us = d->gap_end_us;
        }
    }
    uint64_t time_us = last_us > first_us ? last_us - first_us : 0;
    put(object, "messages_sent", messages);
    put(object, "messages_delivered", delivered);
    put(object, "messages_lost", messages - delivered - outstanding);
    put(object, "bytes_sent", bytes);
    put(object, "bytes_delivered", delivered_bytes);
    put(object, "goodput_bits_per_s",
        time_us > 0 ? (uint64_t)((double)delivered_bytes * 8e6 / (double)time_us) : 0);
    put(object, "latency_mean_us", delivered > 0 ? latency_sum_us / delivered : 0);
    put(object, "latency_max_us", latency_max_us);
    put(object, "gap_us", gap_us);
    put(object, "gap_end_us", gap_end_us);
    put(object, "host_restarts", w->host[host].restarts);
    put(object, "restart_notifications", told);
    put(object, "packets_missed", w->host[host].missed);
    put_counters(w, host, object);
    return object;
}

static json_t *link_json(const struct world *w, unsigned from, unsigned path) {
    const struct simulated_link_counters *c = simulated_link_counters(w->network.link[from][path]);
    json_t *object = json_object();
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < w->conversation_count; i++)
        bytes += w->conversations[i].from[from].path_bytes[path];
    put(object, "bytes_delivered", bytes);
    put(object, "offered", c->offered);
    put(object, "delivered", c->delivered);
    put(object, "lost", c->lost);
    put(object, "cut", c->cut);
    put(object, "queue_drops", c->queue_drops);
    put(object, "too_big", c->too_big);
    put(object, "duplicated", c->duplicated);
    put(object, "corrupted", c->corrupted);
    put(object, "reordered", c->reordered);
    return object;
}

static json_t *path_json(const struct world *w, unsigned number) {
    const struct scenario_path *path = &w->scenario->paths[number];
    char text[ADDRESS_TEXT_BYTES];
    json_t *object = json_object();
    json_object_set_new(object, "address_a", json_string(address_text(&path->address[0], text)));
    json_object_set_new(object, "address_b", json_string(address_text(&path->address[1], text)));
    json_object_set_new(object, "a", link_json(w, 0, number));
    json_object_set_new(object, "b", link_json(w, 1, number));
    return object;
}

static json_t *associations_json(const struct world *w) {
    uint64_t established = 0, reopened = 0, shut_down = 0, failed = 0, established_us = 0;
    json_t *object = json_object();
    for (uint32_t i = 0; i < w->conversation_count; i++) {
        const struct conversation *c = &w->conversations[i];
        established += c->established;
        reopened += c->reopened;
        established_us = c->established_us > established_us ? c->established_us : established_us;
        if (c->error[0] != 0 || c->error[1] != 0)
            failed++;
        else if (conversation_is_over(c))
            shut_down++;
    }
    put(object, "opened", w->opened_count);
    put(object, "reopened", reopened);
    put(object, "established", established);
    put(object, "established_last_us", established_us);
    put(object, "shut_down", shut_down);
    put(object, "failed", failed);
    return object;
}

json_t *summary_json(const struct world *w, enum world_result result, const char *why) {
    static const char *const results[] = {"delivered", "not delivered", "violated"};
    json_t *summary = json_object(), *paths = json_array();
    put(summary, "seed", w->scenario->seed);
    json_object_set_new(summary, "result", json_string(results[result]));
    json_object_set_new(summary, "why", json_string(why));
    put(summary, "virtual_us", world_time_us(w));
    put(summary, "steps", w->steps);
    put(summary, "packets", w->packets);
    json_object_set_new(summary, "associations", associations_json(w));
    json_object_set_new(summary, "a", sender_json(w, 0));
    json_object_set_new(summary, "b", sender_json(w, 1));
    for (unsigned i = 0; i < w->scenario->path_count; i++)
        json_array_append_new(paths, path_json(w, i));
    json_object_set_new(summary, "paths", paths);
    return summary;
}

/* ---- to people ---- */

static const json_t *find(const json_t *from, const char *name, size_t length) {
    char part[MAX_NAME_BYTES];
    while (from != NULL && length > 0) {
        size_t n = 0;
        while (n < length && name[n] != '.')
            n++;
        if (n == 0 || n >= sizeof part)
            return NULL;
        memcpy(part, name, n);
        part[n] = '\0';
        if (json_is_array(from))
            from = part[0] >= '0' && part[0] <= '9' && n == 1
                       ? json_array_get(from, (size_t)(part[0] - '0'))
                       : NULL;
        else
            from = json_object_get(from, part);
        name += n < length ? n + 1 : n;
        length -= n < length ? n + 1 : n;
    }
    return from;
}

static uint64_t number(const json_t *from, const char *name) {
    return (uint64_t)json_integer_value(find(from, name, strlen(name)));
}

struct row {
    const char *title, *name;
    uint64_t divisor; /* with three decimals, unless 1 */
};

static void print_rows(const json_t *summary, const struct row *rows, size_t count, FILE *to) {
    const json_t *side[2] = {json_object_get(summary, "a"), json_object_get(summary, "b")};
    fprintf(to, "%-34s %14s %14s\n", "", "from a", "from b");
    for (size_t i = 0; i < count; i++) {
        uint64_t values[2] = {number(side[0], rows[i].name), number(side[1], rows[i].name)};
        if (values[0] == 0 && values[1] == 0 && i > 1)
            continue;
        fprintf(to, "%-34s", rows[i].title);
        for (unsigned h = 0; h < 2; h++)
            if (rows[i].divisor == 1)
                fprintf(to, " %14" PRIu64, values[h]);
            else
                fprintf(to, " %10" PRIu64 ".%03" PRIu64, values[h] / rows[i].divisor,
                        values[h] % rows[i].divisor * 1000 / rows[i].divisor);
        fputc('\n', to);
    }
}

static void print_path(const json_t *path, size_t index, FILE *to) {
    static const char *const what[] = {"lost",       "cut",       "queue_drops", "too_big",
                                       "duplicated", "corrupted", "reordered"};
    static const char *const words[] = {
        "lost", "cut", "dropped by the queue", "too big", "duplicated", "corrupted", "held back"};
    for (unsigned from = 0; from < 2; from++) {
        const json_t *link = json_object_get(path, from == 0 ? "a" : "b");
        fprintf(to, "path %zu, %s to %s: %" PRIu64 " packets, %" PRIu64 " arrived", index,
                json_string_value(json_object_get(path, from == 0 ? "address_a" : "address_b")),
                json_string_value(json_object_get(path, from == 0 ? "address_b" : "address_a")),
                number(link, "offered"), number(link, "delivered"));
        for (size_t i = 0; i < sizeof what / sizeof what[0]; i++)
            if (number(link, what[i]) > 0)
                fprintf(to, ", %" PRIu64 " %s", number(link, what[i]), words[i]);
        fprintf(to, "; %" PRIu64 " bytes of messages\n", number(link, "bytes_delivered"));
    }
}

void summary_print(const json_t *summary, FILE *to) {
    static const struct row rows[] = {
        {"messages sent", "messages_sent", 1},
        {"messages delivered", "messages_delivered", 1},
        {"  lost by restarts", "messages_lost", 1},
        {"bytes delivered", "bytes_delivered", 1},
        {"goodput, Mbit/s", "goodput_bits_per_s", 1000000},
        {"latency of a message, mean, ms", "latency_mean_us", 1000},
        {"latency of a message, largest, ms", "latency_max_us", 1000},
        {"longest gap in delivery, ms", "gap_us", 1000},
        {"  which ended at, s", "gap_end_us", 1000000},
        {"packets", "packets_out", 1},
        {"DATA chunks", "data_chunks_out", 1},
        {"  retransmitted", "retransmitted_chunks", 1},
        {"fast retransmits", "fast_retransmits", 1},
        {"T3 expiries", "t3_expiries", 1},
        {"T1 expiries", "t1_expiries", 1},
        {"T2 expiries", "t2_expiries", 1},
        {"failovers", "failovers", 1},
        {"returns to the primary path", "returns", 1},
        {"zero window probes", "zero_window_probes", 1},
        {"partial deliveries", "partial_deliveries", 1},
        {"duplicate TSNs", "duplicate_tsns", 1},
        {"restarts of the host", "host_restarts", 1},
        {"  packets that missed it", "packets_missed", 1},
        {"restarts of its peer, found", "restarts", 1},
        {"  told to the user", "restart_notifications", 1},
    };
    const json_t *paths = json_object_get(summary, "paths"), *path;
    uint64_t time_us = number(summary, "virtual_us");
    const char *why = json_string_value(json_object_get(summary, "why"));
    size_t index;
    fprintf(to,
            "seed %" PRIu64 ", %" PRIu64 ".%06" PRIu64 " s, %" PRIu64 " packets, %" PRIu64
            " associations, of which %" PRIu64 " established and %" PRIu64 " shut down\n",
            number(summary, "seed"), time_us / USCTP_S, time_us % USCTP_S,
            number(summary, "packets"), number(summary, "associations.opened"),
            number(summary, "associations.established"), number(summary, "associations.shut_down"));
    print_rows(summary, rows, sizeof rows / sizeof rows[0], to);
    json_array_foreach((json_t *)(uintptr_t)paths, index, path) print_path(path, index, to);
    fprintf(to, "result: %s%s%s\n", json_string_value(json_object_get(summary, "result")),
            why[0] != '\0' ? ": " : "", why);
}

void summary_print_json(const json_t *summary, FILE *to) {
    json_dumpf(summary, to, JSON_INDENT(1));
    fputc('\n', to);
}

bool summary_print_values(const json_t *summary, const char *names, FILE *to) {
    for (unsigned pass = 0; pass < 2; pass++) {
        for (const char *at = names;;) {
            size_t length = strcspn(at, ",");
            const json_t *value = find(summary, at, length);
            if (length == 0 || (!json_is_integer(value) && !json_is_string(value)))
                return false;
            const char *end = at[length] == ',' ? " " : "\n";
            if (pass == 1 && json_is_integer(value))
                fprintf(to, "%" PRId64 "%s", (int64_t)json_integer_value(value), end);
            else if (pass == 1)
                fprintf(to, "%s%s", json_string_value(value), end);
            if (at[length] == '\0')
                break;
            at += length + 1;
        }
    }
    return true;
}
