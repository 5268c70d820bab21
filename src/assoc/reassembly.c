/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Joining fragments and ordering messages (RFC 9260 6.5, 6.6, 6.9).
 *
 * Incomplete runs are in two hash tables, by the TSN they start with and by the one after their
 * last, so that a fragment finds its neighbours at once. Everything is checked before anything
 * changes: a fragment that contradicts its neighbours leaves no trace. Which TSNs are new is known
 * by received_tsn.c, and what a peer may make us hold is limited in receive_data.c.
 */
#include "assoc/reassembly.h"

#include "core/serial.h"

#define LEAST_BUCKETS 4u

/* A fragment on its way in, and what it touches. */
struct arrival {
    uint64_t tsn;
    struct fragment *fragment; /* or NULL: a chunk that is no part of a message */
    uint16_t sid, ssn;
    bool has_begin, has_end, is_unordered;
    struct inbound_message *before, *after; /* runs that end right below and start right above it */
};

/* ---- memory ------------------------------------------------------------------------------- */

static void free_held(struct reassembly *r, struct env *env) {
    struct held *held = r->held;
    if (!held)
        return;
    hash_free(&held->runs_by_start, env);
    hash_free(&held->runs_by_end, env);
    hash_free(&held->waiting, env);
    hash_free(&held->streams, env);
    env_release(env, held->spare_stream, sizeof *held->spare_stream);
    env_release(env, held->spare, sizeof *held->spare);
    env_release(env, held, sizeof *held);
    r->held = NULL;
}

static bool has_tables(const struct reassembly *r) {
    return r->held && r->held->streams.buckets;
}

/* The tables, for the first that is not handed on at once. */
static bool make_tables(struct held *held, struct env *env) {
    uint8_t key[8];
    if (held->streams.buckets)
        return true;
    env_random(env, key, sizeof key);
    held->hash_key = get64(key);
    /* The one that is asked for comes last. */
    if (!hash_init(&held->runs_by_start, LEAST_BUCKETS, env) &&
        !hash_init(&held->runs_by_end, LEAST_BUCKETS, env) &&
        !hash_init(&held->waiting, LEAST_BUCKETS, env) &&
        !hash_init(&held->streams, LEAST_BUCKETS, env))
        return true;
    hash_free(&held->runs_by_start, env);
    hash_free(&held->runs_by_end, env);
    hash_free(&held->waiting, env);
    return false;
}

void reassembly_trim(struct reassembly *r, struct env *env) {
    if (r->held && r->held->runs_by_start.count == 0 && r->held->waiting.count == 0)
        free_held(r, env);
}

void inbound_message_delete(struct inbound_message *message, struct env *env) {
    struct fragment *fragment;
    while ((fragment = STAILQ_FIRST(&message->fragments)) != NULL) {
        STAILQ_REMOVE_HEAD(&message->fragments, link);
        reassembly_discard(fragment, env);
    }
    env_release(env, message, sizeof *message);
}

/* A node of a table that finds messages by by_start. */
static void delete_message(struct hash_node *node, struct env *env) {
    inbound_message_delete(container_of(node, struct inbound_message, by_start), env);
}

static void delete_stream(struct hash_node *node, struct env *env) {
    env_release(env, container_of(node, struct held_stream, by_sid), sizeof(struct held_stream));
}

static void delete_all(const struct hash *table, void (*delete)(struct hash_node *, struct env *),
                       struct env *env) {
    for (size_t i = 0; i < table->bucket_count; i++)
        for (struct hash_node *node = table->buckets[i], *next; node; node = next) {
            next = node->next;
            delete (node, env);
        }
}

void reassembly_free(struct reassembly *r, struct env *env) {
    if (r->held) {
        delete_all(&r->held->runs_by_start, delete_message, env);
        delete_all(&r->held->waiting, delete_message, env);
        delete_all(&r->held->streams, delete_stream, env);
        free_held(r, env);
    }
    ssn_table_free(&r->next_ssns, env);
    memset(r, 0, sizeof *r);
}

/* Makes all that a fragment may need: one that is a whole message, and is its stream's next, holds
 * nothing up. */
static bool make_ready(struct reassembly *r, uint16_t sid, uint16_t ssn, uint8_t flags,
                       struct env *env) {
    bool is_ordered = (flags & DATA_FLAG_U) == 0;
    bool is_whole = (flags & DATA_FLAG_B) && (flags & DATA_FLAG_E);
    if (is_ordered && ssn_table_prepare(&r->next_ssns, sid, env))
        return false;
    if (!r->held)
        r->held = env_allocate(env, sizeof *r->held);
    struct held *held = r->held;
    if (held && !held->spare)
        held->spare = env_allocate_raw(env, sizeof *held->spare);
    if (!held || !held->spare)
        return false;
    if (is_whole && (!is_ordered || ssn == ssn_table_get(&r->next_ssns, sid)))
        return true;
    if (!make_tables(held, env))
        return false;
    if (is_ordered && !held->spare_stream)
        held->spare_stream = env_allocate_raw(env, sizeof *held->spare_stream);
    return !is_ordered || held->spare_stream;
}

/* Is what reassembly_prepare made still there? Another fragment may have used it up. */
static bool has_spares(const struct reassembly *r) {
    return r->held && r->held->spare && (!has_tables(r) || r->held->spare_stream);
}

struct fragment *reassembly_prepare(struct reassembly *r, const struct data_chunk *data,
                                    uint64_t tsn, uint8_t path, struct env *env) {
    if (!make_ready(r, data->sid, data->ssn, data->flags, env))
        return NULL;
    struct fragment *fragment = env_allocate_raw(env, sizeof *fragment + data->payload_bytes);
    if (!fragment)
        return NULL;
    *fragment = (struct fragment){
        .tsn = tsn,
        .ppid = data->ppid,
        .payload_bytes = data->payload_bytes,
        .flags = data->flags,
        .path = path,
    };
    if (data->payload_bytes > 0)
        memcpy(fragment->payload, data->payload, data->payload_bytes);
    return fragment;
}

void reassembly_discard(struct fragment *fragment, struct env *env) {
    if (fragment)
        env_release(env, fragment, sizeof *fragment + fragment->payload_bytes);
}

uint32_t inbound_message_overhead(const struct inbound_message *message) {
    return (uint32_t)(sizeof *message + message->fragment_count * sizeof(struct fragment));
}

/* ---- runs --------------------------------------------------------------------------------- */

/* Spreads a key over 64 bits under a secret. */
static uint64_t mix(const struct held *held, uint64_t key) {
    uint64_t x = key ^ held->hash_key;
    x = (x ^ x >> 32) * 0xD6E8FEB86659FD93u;
    x = (x ^ x >> 29) * 0xA0761D6478BD642Fu;
    return x ^ x >> 32;
}

static struct inbound_message *find_by_start(const struct held *held, uint64_t tsn) {
    struct hash_node *node = hash_first(&held->runs_by_start, mix(held, tsn));
    for (; node; node = hash_next(node)) {
        struct inbound_message *run = container_of(node, struct inbound_message, by_start);
        if (run->start == tsn)
            return run;
    }
    return NULL;
}

static struct inbound_message *find_by_end(const struct held *held, uint64_t tsn) {
    struct hash_node *node = hash_first(&held->runs_by_end, mix(held, tsn));
    for (; node; node = hash_next(node)) {
        struct inbound_message *run = container_of(node, struct inbound_message, by_end);
        if (run->end == tsn)
            return run;
    }
    return NULL;
}

static uint64_t waiting_key(uint16_t sid, uint16_t ssn) {
    return (uint64_t)sid << 16 | ssn;
}

static struct inbound_message *find_waiting(const struct held *held, uint16_t sid, uint16_t ssn) {
    struct hash_node *node = hash_first(&held->waiting, mix(held, waiting_key(sid, ssn)));
    for (; node; node = hash_next(node)) {
        struct inbound_message *m = container_of(node, struct inbound_message, by_start);
        if (m->sid == sid && m->ssn == ssn)
            return m;
    }
    return NULL;
}

static struct held_stream *find_stream(const struct held *held, uint16_t sid) {
    struct hash_node *node = hash_first(&held->streams, mix(held, sid));
    for (; node; node = hash_next(node)) {
        struct held_stream *stream = container_of(node, struct held_stream, by_sid);
        if (stream->sid == sid)
            return stream;
    }
    return NULL;
}

/* What is held of a message changes; reassembly_prepare has seen to it that there is a spare
 * stream.
 */
static void charge(struct held *held, const struct inbound_message *m, int64_t payload_bytes,
                   int64_t overhead, struct env *env) {
    held->payload_bytes += (uint64_t)payload_bytes;
    held->overhead_bytes += (uint64_t)overhead;
    if (m->is_unordered)
        return;
    struct held_stream *stream = find_stream(held, m->sid);
    if (!stream) {
        stream = held->spare_stream;
        ASSERT(stream);
        held->spare_stream = NULL;
        *stream = (struct held_stream){.sid = m->sid};
        hash_insert(&held->streams, &stream->by_sid, mix(held, m->sid), env);
    }
    stream->bytes += (uint64_t)(payload_bytes + overhead);
    if (stream->bytes > 0)
        return;
    hash_remove(&held->streams, &stream->by_sid);
    env_release(env, held->spare_stream, sizeof *stream);
    held->spare_stream = stream;
}

static void charge_all(struct held *held, const struct inbound_message *m, struct env *env) {
    charge(held, m, m->payload_bytes, inbound_message_overhead(m), env);
}

static void discharge(struct held *held, const struct inbound_message *m, struct env *env) {
    charge(held, m, -(int64_t)m->payload_bytes, -(int64_t)inbound_message_overhead(m), env);
}

uint64_t reassembly_stream_bytes(const struct reassembly *r, uint16_t sid) {
    const struct held_stream *stream = has_tables(r) ? find_stream(r->held, sid) : NULL;
    return stream ? stream->bytes : 0;
}

static void enter_run(struct held *held, struct inbound_message *run, struct env *env) {
    hash_insert(&held->runs_by_start, &run->by_start, mix(held, run->start), env);
    hash_insert(&held->runs_by_end, &run->by_end, mix(held, run->end), env);
    charge_all(held, run, env);
}

static void leave_run(struct held *held, struct inbound_message *run, struct env *env) {
    hash_remove(&held->runs_by_start, &run->by_start);
    hash_remove(&held->runs_by_end, &run->by_end);
    discharge(held, run, env);
}

/* The first fragment says what the message is (RFC 9260 3.3.1: a PPID for each message). */
static void begin(struct inbound_message *run, const struct arrival *a) {
    run->has_begin = true;
    run->ppid = a->fragment->ppid;
    run->path = a->fragment->path;
}

static struct inbound_message *start_run(struct held *held, const struct arrival *a) {
    struct inbound_message *run = held->spare;
    held->spare = NULL;
    *run = (struct inbound_message){
        .start = a->fragment->tsn,
        .end = a->fragment->tsn + 1,
        .payload_bytes = a->fragment->payload_bytes,
        .fragment_count = 1,
        .sid = a->sid,
        .ssn = a->ssn,
        .ppid = a->fragment->ppid,
        .path = a->fragment->path,
        .is_unordered = a->is_unordered,
        .has_end = a->has_end,
    };
    STAILQ_INIT(&run->fragments);
    STAILQ_INSERT_TAIL(&run->fragments, a->fragment, link);
    if (a->has_begin)
        begin(run, a);
    return run;
}

static void append(struct inbound_message *run, const struct arrival *a) {
    STAILQ_INSERT_TAIL(&run->fragments, a->fragment, link);
    run->end++;
    run->payload_bytes += a->fragment->payload_bytes;
    run->fragment_count++;
    run->has_end = a->has_end;
}

static void prepend(struct inbound_message *run, const struct arrival *a) {
    STAILQ_INSERT_HEAD(&run->fragments, a->fragment, link);
    run->start--;
    run->payload_bytes += a->fragment->payload_bytes;
    run->fragment_count++;
    if (a->has_begin)
        begin(run, a);
}

/* Appends the run that starts where `run` ends. */
static void join(struct inbound_message *run, struct inbound_message *next, struct env *env) {
    STAILQ_CONCAT(&run->fragments, &next->fragments);
    run->end = next->end;
    run->payload_bytes += next->payload_bytes;
    run->fragment_count += next->fragment_count;
    run->has_end = next->has_end;
    env_release(env, next, sizeof *next);
}

/* ---- contradictions ----------------------------------------------------------------------- */

/* RFC 9260 6.9: the fragments of a message have its stream, its kind and, ordered, its SSN. */
static bool is_same_message(const struct inbound_message *run, const struct arrival *a) {
    return run->sid == a->sid && run->is_unordered == a->is_unordered &&
           (a->is_unordered || run->ssn == a->ssn);
}

/* What has arrived and is in no run here belongs to a message that is whole, or to none. */
static bool fits_before(const struct arrival *a, const struct received_tsn *received) {
    if (!a->before)
        return a->has_begin || !received_tsn_has(received, a->tsn - 1);
    if (a->has_begin || a->before->has_end)
        return a->has_begin && a->before->has_end;
    return is_same_message(a->before, a);
}

static bool fits_after(const struct reassembly *r, const struct arrival *a,
                       const struct received_tsn *received) {
    uint64_t next = a->tsn + 1;
    if (r->partial && r->partial->start == next)
        return a->has_end;
    if (!a->after)
        return a->has_end || !received_tsn_has(received, next);
    if (a->has_end || a->after->has_begin)
        return a->has_end && a->after->has_begin;
    return is_same_message(a->after, a);
}

static bool is_ssn_of_partial(const struct reassembly *r, uint16_t sid, uint16_t ssn) {
    return r->partial && !r->partial->is_unordered && r->partial->sid == sid &&
           r->partial->ssn == ssn;
}

/* RFC 9260 6.5: an SSN goes up by one for each ordered message, so that one that was delivered, or
 * is being delivered, belongs to no other message. To drop the new one would lose data that is
 * acknowledged already, to deliver it would break the order of 6.6: the peer is at fault. */
static bool has_usable_ssn(const struct reassembly *r, const struct arrival *a) {
    if (a->is_unordered)
        return true;
    if (serial16_lt(a->ssn, ssn_table_get(&r->next_ssns, a->sid)))
        return false;
    return !a->has_begin || !is_ssn_of_partial(r, a->sid, a->ssn);
}

/* ---- delivery ----------------------------------------------------------------------------- */

/* A stream's next message has been handed on: so is what waited for that. */
static void advance(struct reassembly *r, uint16_t sid, struct inbound_messages *deliverable,
                    struct env *env) {
    uint16_t *next_ssn = ssn_table_at(&r->next_ssns, sid);
    struct inbound_message *next;
    ++*next_ssn;
    if (!has_tables(r))
        return;
    while ((next = find_waiting(r->held, sid, *next_ssn)) != NULL) {
        hash_remove(&r->held->waiting, &next->by_start);
        discharge(r->held, next, env);
        ++*next_ssn;
        STAILQ_INSERT_TAIL(deliverable, next, link);
    }
}

/* Lets a message wait for its SSN. Returns false when one of that SSN waits already. */
static bool hold(struct reassembly *r, struct inbound_message *message, struct env *env) {
    struct held *held = r->held;
    if (find_waiting(held, message->sid, message->ssn))
        return false;
    hash_insert(&held->waiting, &message->by_start,
                mix(held, waiting_key(message->sid, message->ssn)), env);
    charge_all(held, message, env);
    return true;
}

/* A message is whole and not charged here: hands it on or lets it wait. */
static enum reassembly_verdict complete(struct reassembly *r, struct inbound_message *message,
                                        struct inbound_messages *deliverable, struct env *env) {
    if (message->is_unordered) { /* RFC 9260 6.6: bypasses the order */
        STAILQ_INSERT_TAIL(deliverable, message, link);
        return REASSEMBLY_OK;
    }
    /* Two messages with one SSN may both have begun before one of them was handed up. */
    bool is_twin = is_ssn_of_partial(r, message->sid, message->ssn);
    if (!is_twin && message->ssn == ssn_table_get(&r->next_ssns, message->sid)) {
        STAILQ_INSERT_TAIL(deliverable, message, link);
        advance(r, message->sid, deliverable, env);
        return REASSEMBLY_OK;
    }
    if (!is_twin && hold(r, message, env))
        return REASSEMBLY_OK;
    inbound_message_delete(message, env);
    return REASSEMBLY_VIOLATION;
}

/* ---- adding ------------------------------------------------------------------------------- */

/* The fragment continues the message under partial delivery. */
static void grow_partial(struct reassembly *r, const struct arrival *a,
                         struct inbound_messages *deliverable, struct env *env) {
    struct inbound_message *partial = r->partial;
    append(partial, a);
    if (a->after && !a->has_end) {
        leave_run(r->held, a->after, env);
        join(partial, a->after, env);
    }
    if (!partial->has_end)
        return;
    partial->is_partial = false;
    r->partial = NULL;
    if (!partial->is_unordered)
        advance(r, partial->sid, deliverable, env);
}

/* Enters the fragment into the run before or behind it, both, or one of its own; returns that. */
static struct inbound_message *grow_run(struct held *held, const struct arrival *a,
                                        struct env *env) {
    bool goes_on = a->before && !a->has_begin, is_followed = a->after && !a->has_end;
    struct inbound_message *run = goes_on ? a->before : a->after;
    if (!goes_on && !is_followed) {
        run = start_run(held, a);
        enter_run(held, run, env);
        return run;
    }
    int64_t payload_bytes = run->payload_bytes, overhead = inbound_message_overhead(run);
    if (goes_on) {
        append(run, a);
        if (is_followed) {
            leave_run(held, a->after, env);
            join(run, a->after, env);
        }
        hash_remove(&held->runs_by_end, &run->by_end);
        hash_insert(&held->runs_by_end, &run->by_end, mix(held, run->end), env);
    } else {
        prepend(run, a);
        hash_remove(&held->runs_by_start, &run->by_start);
        hash_insert(&held->runs_by_start, &run->by_start, mix(held, run->start), env);
    }
    charge(held, run, run->payload_bytes - payload_bytes, inbound_message_overhead(run) - overhead,
           env);
    return run;
}

static bool continues_partial(const struct reassembly *r, const struct arrival *a) {
    return r->partial && r->partial->end == a->tsn;
}

static void find_neighbours(const struct reassembly *r, struct arrival *a) {
    if (reassembly_run_count(r) > 0) {
        a->before = find_by_end(r->held, a->tsn);
        a->after = find_by_start(r->held, a->tsn + 1);
    }
    if (continues_partial(r, a))
        a->before = r->partial;
}

enum reassembly_verdict reassembly_add_none(const struct reassembly *r, uint64_t tsn,
                                            const struct received_tsn *received) {
    struct arrival a = {.tsn = tsn, .has_begin = true, .has_end = true};
    find_neighbours(r, &a);
    return fits_before(&a, received) && fits_after(r, &a, received) ? REASSEMBLY_OK
                                                                    : REASSEMBLY_VIOLATION;
}

enum reassembly_verdict reassembly_add(struct reassembly *r, struct fragment *fragment,
                                       const struct data_chunk *data,
                                       const struct received_tsn *received,
                                       struct inbound_messages *deliverable, struct env *env) {
    struct arrival a = {
        .tsn = fragment->tsn,
        .fragment = fragment,
        .sid = data->sid,
        .ssn = data->ssn,
        .has_begin = (fragment->flags & DATA_FLAG_B) != 0,
        .has_end = (fragment->flags & DATA_FLAG_E) != 0,
        .is_unordered = (fragment->flags & DATA_FLAG_U) != 0,
    };
    if (!has_spares(r) && !make_ready(r, a.sid, a.ssn, fragment->flags, env))
        return REASSEMBLY_NO_MEMORY;
    find_neighbours(r, &a);
    if (!fits_before(&a, received) || !fits_after(r, &a, received) || !has_usable_ssn(r, &a)) {
        reassembly_discard(fragment, env);
        return REASSEMBLY_VIOLATION;
    }
    if (continues_partial(r, &a)) {
        grow_partial(r, &a, deliverable, env);
        return REASSEMBLY_OK;
    }
    if (a.has_begin && a.has_end)
        return complete(r, start_run(r->held, &a), deliverable, env);
    struct inbound_message *run = grow_run(r->held, &a, env);
    if (!run->has_begin || !run->has_end)
        return REASSEMBLY_OK;
    leave_run(r->held, run, env);
    return complete(r, run, deliverable, env);
}

struct inbound_message *reassembly_start_partial(struct reassembly *r, uint64_t cumulative,
                                                 uint32_t bytes, struct env *env) {
    if (r->partial || reassembly_run_count(r) == 0)
        return NULL;
    struct inbound_message *run = find_by_end(r->held, cumulative + 1);
    if (!run || !run->has_begin || run->has_end || run->payload_bytes < bytes)
        return NULL;
    if (!run->is_unordered && ssn_table_get(&r->next_ssns, run->sid) != run->ssn)
        return NULL;
    leave_run(r->held, run, env);
    run->is_partial = true;
    r->partial = run;
    return run;
}

/* ---- check -------------------------------------------------------------------------------- */

static bool fragments_are_sane(const struct inbound_message *message) {
    uint64_t tsn = message->start;
    uint32_t payload_bytes = 0, count = 0;
    const struct fragment *fragment;
    STAILQ_FOREACH (fragment, &message->fragments, link) {
        bool has_begin = (fragment->flags & DATA_FLAG_B) != 0;
        bool has_end = (fragment->flags & DATA_FLAG_E) != 0;
        if (fragment->tsn != tsn || has_begin != (tsn == message->start && message->has_begin) ||
            has_end != (tsn + 1 == message->end && message->has_end))
            return false;
        payload_bytes += fragment->payload_bytes;
        count++;
        tsn++;
    }
    return tsn == message->end && count == message->fragment_count &&
           payload_bytes == message->payload_bytes && !message->is_partial;
}

/* The sums over a table of messages, found by by_start. Returns false when one is not sane. */
static bool messages_are_sane(const struct reassembly *r, const struct hash *table,
                              bool are_waiting, uint64_t *payload_bytes, uint64_t *overhead_bytes) {
    for (size_t i = 0; i < table->bucket_count; i++)
        for (const struct hash_node *node = table->buckets[i]; node; node = node->next) {
            const struct inbound_message *m = container_of(node, struct inbound_message, by_start);
            bool is_whole = m->has_begin && m->has_end;
            if (!fragments_are_sane(m) || is_whole != are_waiting)
                return false;
            if (are_waiting &&
                (m->is_unordered || !serial16_lt(ssn_table_get(&r->next_ssns, m->sid), m->ssn) ||
                 find_waiting(r->held, m->sid, m->ssn) != m))
                return false;
            if (!are_waiting &&
                (find_by_start(r->held, m->start) != m || find_by_end(r->held, m->end) != m))
                return false;
            *payload_bytes += m->payload_bytes;
            *overhead_bytes += inbound_message_overhead(m);
        }
    return true;
}

/* What the streams hold, or more than all where one holds nothing. */
static uint64_t sum_of_streams(const struct held *held) {
    uint64_t sum = 0;
    for (size_t i = 0; i < held->streams.bucket_count; i++)
        for (const struct hash_node *node = held->streams.buckets[i]; node; node = node->next) {
            uint64_t bytes = container_of(node, struct held_stream, by_sid)->bytes;
            sum += bytes > 0 ? bytes : UINT32_MAX;
        }
    return sum;
}

bool reassembly_check(const struct reassembly *r) {
    uint64_t payload_bytes = 0, overhead_bytes = 0;
    const struct held *held = r->held;
    if (held &&
        (!messages_are_sane(r, &held->runs_by_start, false, &payload_bytes, &overhead_bytes) ||
         !messages_are_sane(r, &held->waiting, true, &payload_bytes, &overhead_bytes) ||
         held->runs_by_start.count != held->runs_by_end.count ||
         sum_of_streams(held) > payload_bytes + overhead_bytes))
        return false;
    return payload_bytes == reassembly_payload_bytes(r) &&
           overhead_bytes == reassembly_overhead_bytes(r);
}
