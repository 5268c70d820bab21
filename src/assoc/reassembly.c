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
#define LEAST_STREAMS 8u
/* How many separate ranges of finished TSNs are remembered; the lowest is forgotten first. */
#define MOST_FINISHED_RANGES 256u

#define STREAM_COUNT 65536u

/* A fragment on its way in, and what it touches. */
struct arrival {
    struct fragment *fragment;
    uint16_t sid, ssn;
    bool has_begin, has_end, is_unordered;
    struct inbound_message *before, *after; /* runs that end right below and start right above it */
};

/* ---- memory ------------------------------------------------------------------------------- */

int reassembly_init(struct reassembly *r, struct env *env) {
    memset(r, 0, sizeof *r);
    uint8_t key[8];
    env_random(env, key, sizeof key);
    r->hash_key = get64(key);
    if (hash_init(&r->runs_by_start, LEAST_BUCKETS, env))
        return USCTP_ERR_NO_MEMORY;
    if (hash_init(&r->runs_by_end, LEAST_BUCKETS, env)) {
        hash_free(&r->runs_by_start, env);
        return USCTP_ERR_NO_MEMORY;
    }
    return 0;
}

void inbound_message_delete(struct inbound_message *message, struct env *env) {
    struct fragment *fragment;
    while ((fragment = STAILQ_FIRST(&message->fragments)) != NULL) {
        STAILQ_REMOVE_HEAD(&message->fragments, link);
        reassembly_discard(fragment, env);
    }
    env_release(env, message, sizeof *message);
}

static void delete_all(struct inbound_messages *messages, struct env *env) {
    struct inbound_message *message;
    while ((message = STAILQ_FIRST(messages)) != NULL) {
        STAILQ_REMOVE_HEAD(messages, link);
        inbound_message_delete(message, env);
    }
}

void reassembly_free(struct reassembly *r, struct env *env) {
    for (size_t i = 0; i < r->runs_by_start.bucket_count; i++) {
        struct hash_node *node = r->runs_by_start.buckets[i];
        while (node) {
            struct hash_node *next = node->next;
            inbound_message_delete(container_of(node, struct inbound_message, by_start), env);
            node = next;
        }
    }
    hash_free(&r->runs_by_start, env);
    hash_free(&r->runs_by_end, env);
    for (uint32_t sid = 0; sid < r->stream_capacity; sid++) {
        if (r->streams[sid])
            delete_all(&r->streams[sid]->waiting, env);
        env_release(env, r->streams[sid], sizeof *r->streams[sid]);
    }
    env_release(env, r->streams, r->stream_capacity * sizeof(struct inbound_stream *));
    env_release(env, r->spare, sizeof *r->spare);
    ranges_free(&r->finished, env);
    memset(r, 0, sizeof *r);
}

static bool make_stream(struct reassembly *r, uint16_t sid, struct env *env) {
    if (sid >= r->stream_capacity) {
        uint32_t capacity = r->stream_capacity > 0 ? r->stream_capacity : LEAST_STREAMS;
        while (capacity <= sid) {
            capacity *= 2;
        }
        ASSERT(capacity <= STREAM_COUNT);
        struct inbound_stream **streams =
            env_allocate(env, capacity * sizeof(struct inbound_stream *));
        if (!streams)
            return false;
        if (r->stream_capacity > 0)
            memcpy(streams, r->streams, r->stream_capacity * sizeof(struct inbound_stream *));
        env_release(env, r->streams, r->stream_capacity * sizeof(struct inbound_stream *));
        r->streams = streams;
        r->stream_capacity = capacity;
    }
    if (r->streams[sid])
        return true;
    struct inbound_stream *stream = env_allocate(env, sizeof *stream);
    if (!stream)
        return false;
    stream->sid = sid;
    STAILQ_INIT(&stream->waiting);
    r->streams[sid] = stream;
    return true;
}

static bool make_spare(struct reassembly *r, struct env *env) {
    if (!r->spare)
        r->spare = env_allocate_raw(env, sizeof *r->spare);
    return r->spare != NULL;
}

struct fragment *reassembly_prepare(struct reassembly *r, const struct data_chunk *data,
                                    uint64_t tsn, uint8_t path, struct env *env) {
    bool is_ordered = (data->flags & DATA_FLAG_U) == 0;
    if ((is_ordered && !make_stream(r, data->sid, env)) || !make_spare(r, env))
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

/* Spreads a TSN over 64 bits under a secret. */
static uint64_t mix(const struct reassembly *r, uint64_t tsn) {
    uint64_t x = tsn ^ r->hash_key;
    x = (x ^ x >> 32) * 0xD6E8FEB86659FD93u;
    x = (x ^ x >> 29) * 0xA0761D6478BD642Fu;
    return x ^ x >> 32;
}

static struct inbound_message *find_by_start(const struct reassembly *r, uint64_t tsn) {
    struct hash_node *node = hash_first(&r->runs_by_start, mix(r, tsn));
    for (; node; node = hash_next(node)) {
        struct inbound_message *run = container_of(node, struct inbound_message, by_start);
        if (run->start == tsn)
            return run;
    }
    return NULL;
}

static struct inbound_message *find_by_end(const struct reassembly *r, uint64_t tsn) {
    struct hash_node *node = hash_first(&r->runs_by_end, mix(r, tsn));
    for (; node; node = hash_next(node)) {
        struct inbound_message *run = container_of(node, struct inbound_message, by_end);
        if (run->end == tsn)
            return run;
    }
    return NULL;
}

/* A message is held from now on. */
static void charge(struct reassembly *r, const struct inbound_message *m) {
    uint32_t overhead = inbound_message_overhead(m);
    r->payload_bytes += m->payload_bytes;
    r->overhead_bytes += overhead;
    if (!m->is_unordered)
        r->streams[m->sid]->held_bytes += m->payload_bytes + overhead;
}

static void discharge(struct reassembly *r, const struct inbound_message *m) {
    uint32_t overhead = inbound_message_overhead(m);
    r->payload_bytes -= m->payload_bytes;
    r->overhead_bytes -= overhead;
    if (!m->is_unordered)
        r->streams[m->sid]->held_bytes -= m->payload_bytes + overhead;
}

uint64_t reassembly_stream_bytes(const struct reassembly *r, uint16_t sid) {
    return sid < r->stream_capacity && r->streams[sid] ? r->streams[sid]->held_bytes : 0;
}

static void enter_run(struct reassembly *r, struct inbound_message *run, struct env *env) {
    hash_insert(&r->runs_by_start, &run->by_start, mix(r, run->start), env);
    hash_insert(&r->runs_by_end, &run->by_end, mix(r, run->end), env);
    r->run_count++;
    charge(r, run);
}

static void leave_run(struct reassembly *r, struct inbound_message *run) {
    hash_remove(&r->runs_by_start, &run->by_start);
    hash_remove(&r->runs_by_end, &run->by_end);
    r->run_count--;
    discharge(r, run);
}

/* The first fragment says what the message is (RFC 9260 3.3.1: a PPID for each message). */
static void begin(struct inbound_message *run, const struct arrival *a) {
    run->has_begin = true;
    run->ppid = a->fragment->ppid;
    run->path = a->fragment->path;
}

static void start_run(struct inbound_message *run, const struct arrival *a) {
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

static bool fits_before(const struct reassembly *r, const struct arrival *a) {
    if (!a->before)
        return a->has_begin || !ranges_has(&r->finished, a->fragment->tsn - 1);
    if (a->has_begin || a->before->has_end)
        return a->has_begin && a->before->has_end;
    return is_same_message(a->before, a);
}

static bool fits_after(const struct reassembly *r, const struct arrival *a) {
    uint64_t next = a->fragment->tsn + 1;
    if (r->partial && r->partial->start == next)
        return a->has_end;
    if (!a->after)
        return a->has_end || !ranges_has(&r->finished, next);
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
    if (serial16_lt(a->ssn, r->streams[a->sid]->next_ssn))
        return false;
    return !a->has_begin || !is_ssn_of_partial(r, a->sid, a->ssn);
}

/* ---- delivery ----------------------------------------------------------------------------- */

static void remember_finished(struct reassembly *r, const struct inbound_message *message,
                              struct env *env) {
    if (!r->finished.items) /* not before: one that was not used yet may be copied */
        ranges_init(&r->finished);
    if (r->finished.count >= MOST_FINISHED_RANGES)
        ranges_remove_below(&r->finished, r->finished.items[0].end);
    /* Without memory a contradiction is found later or not: no harm is done to what is held. */
    int forgotten = ranges_add(&r->finished, message->start, message->end, env);
    (void)forgotten;
}

static void deliver_waiting(struct reassembly *r, struct inbound_stream *stream,
                            struct inbound_messages *deliverable) {
    struct inbound_message *next;
    while ((next = STAILQ_FIRST(&stream->waiting)) != NULL && next->ssn == stream->next_ssn) {
        STAILQ_REMOVE_HEAD(&stream->waiting, link);
        discharge(r, next);
        stream->next_ssn++;
        STAILQ_INSERT_TAIL(deliverable, next, link);
    }
}

/* Where a message goes among those that wait: after the one returned (NULL: first). *is_free says
 * whether its SSN is not taken. */
static struct inbound_message *waiting_place(const struct inbound_stream *stream, uint16_t ssn,
                                             bool *is_free) {
    *is_free = true;
    if (STAILQ_EMPTY(&stream->waiting))
        return NULL;
    struct inbound_message *place =
        container_of(stream->waiting.stqh_last, struct inbound_message, link.stqe_next);
    if (serial16_lt(place->ssn, ssn))
        return place;
    place = NULL;
    struct inbound_message *next;
    STAILQ_FOREACH (next, &stream->waiting, link) {
        if (!serial16_lt(next->ssn, ssn))
            break;
        place = next;
    }
    *is_free = !next || next->ssn != ssn;
    return place;
}

/* Lets a message wait for its SSN. Returns false when one of that SSN waits already. */
static bool hold(struct reassembly *r, struct inbound_stream *stream,
                 struct inbound_message *message) {
    bool is_free;
    struct inbound_message *place = waiting_place(stream, message->ssn, &is_free);
    if (!is_free)
        return false;
    if (place) {
        STAILQ_INSERT_AFTER(&stream->waiting, place, message, link);
    } else {
        STAILQ_INSERT_HEAD(&stream->waiting, message, link);
    }
    charge(r, message);
    return true;
}

/* A message is whole and not charged here: hands it on or lets it wait. */
static enum reassembly_verdict complete(struct reassembly *r, struct inbound_message *message,
                                        struct inbound_messages *deliverable, struct env *env) {
    remember_finished(r, message, env);
    if (message->is_unordered) { /* RFC 9260 6.6: bypasses the order */
        STAILQ_INSERT_TAIL(deliverable, message, link);
        return REASSEMBLY_OK;
    }
    struct inbound_stream *stream = r->streams[message->sid];
    /* Two messages with one SSN may both have begun before one of them was handed up. */
    bool is_twin = is_ssn_of_partial(r, message->sid, message->ssn);
    if (!is_twin && message->ssn == stream->next_ssn) {
        STAILQ_INSERT_TAIL(deliverable, message, link);
        stream->next_ssn++;
        deliver_waiting(r, stream, deliverable);
        return REASSEMBLY_OK;
    }
    if (!is_twin && hold(r, stream, message))
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
        leave_run(r, a->after);
        join(partial, a->after, env);
    }
    if (!partial->has_end)
        return;
    partial->is_partial = false;
    r->partial = NULL;
    remember_finished(r, partial, env);
    if (!partial->is_unordered) {
        struct inbound_stream *stream = r->streams[partial->sid];
        stream->next_ssn++;
        deliver_waiting(r, stream, deliverable);
    }
}

/* Enters the fragment into the run before or behind it, both, or one of its own; returns that. */
static struct inbound_message *grow_run(struct reassembly *r, const struct arrival *a,
                                        struct env *env) {
    struct inbound_message *run;
    if (a->before && !a->has_begin) {
        run = a->before;
        leave_run(r, run);
        append(run, a);
        if (a->after && !a->has_end) {
            leave_run(r, a->after);
            join(run, a->after, env);
        }
    } else if (a->after && !a->has_end) {
        run = a->after;
        leave_run(r, run);
        prepend(run, a);
    } else {
        run = r->spare;
        r->spare = NULL;
        start_run(run, a);
    }
    return run;
}

static bool continues_partial(const struct reassembly *r, const struct arrival *a) {
    return r->partial && r->partial->end == a->fragment->tsn;
}

static void find_neighbours(const struct reassembly *r, struct arrival *a) {
    if (r->run_count > 0) {
        a->before = find_by_end(r, a->fragment->tsn);
        a->after = find_by_start(r, a->fragment->tsn + 1);
    }
    if (continues_partial(r, a))
        a->before = r->partial;
}

enum reassembly_verdict reassembly_add(struct reassembly *r, struct fragment *fragment,
                                       uint16_t sid, uint16_t ssn,
                                       struct inbound_messages *deliverable, struct env *env) {
    struct arrival a = {
        .fragment = fragment,
        .sid = sid,
        .ssn = ssn,
        .has_begin = (fragment->flags & DATA_FLAG_B) != 0,
        .has_end = (fragment->flags & DATA_FLAG_E) != 0,
        .is_unordered = (fragment->flags & DATA_FLAG_U) != 0,
    };
    if ((!a.is_unordered && !make_stream(r, sid, env)) || !make_spare(r, env))
        return REASSEMBLY_NO_MEMORY;
    find_neighbours(r, &a);
    if (!fits_before(r, &a) || !fits_after(r, &a) || !has_usable_ssn(r, &a)) {
        reassembly_discard(fragment, env);
        return REASSEMBLY_VIOLATION;
    }
    if (continues_partial(r, &a)) {
        grow_partial(r, &a, deliverable, env);
        return REASSEMBLY_OK;
    }
    struct inbound_message *run = grow_run(r, &a, env);
    if (run->has_begin && run->has_end)
        return complete(r, run, deliverable, env);
    enter_run(r, run, env);
    return REASSEMBLY_OK;
}

struct inbound_message *reassembly_start_partial(struct reassembly *r, uint64_t cumulative,
                                                 uint32_t bytes) {
    if (r->partial || r->run_count == 0)
        return NULL;
    struct inbound_message *run = find_by_end(r, cumulative + 1);
    if (!run || !run->has_begin || run->has_end || run->payload_bytes < bytes)
        return NULL;
    if (!run->is_unordered && r->streams[run->sid]->next_ssn != run->ssn)
        return NULL;
    leave_run(r, run);
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

static bool waiting_is_sane(const struct inbound_stream *stream, uint64_t *payload_bytes,
                            uint64_t *overhead_bytes) {
    uint16_t ssn = stream->next_ssn;
    const struct inbound_message *message;
    STAILQ_FOREACH (message, &stream->waiting, link) {
        if (!serial16_lt(ssn, message->ssn) || !message->has_begin || !message->has_end ||
            message->sid != stream->sid || !fragments_are_sane(message))
            return false;
        ssn = message->ssn;
        *payload_bytes += message->payload_bytes;
        *overhead_bytes += inbound_message_overhead(message);
    }
    return true;
}

bool reassembly_check(const struct reassembly *r) {
    uint64_t payload_bytes = 0, overhead_bytes = 0;
    uint32_t runs = 0;
    for (size_t i = 0; i < r->runs_by_start.bucket_count; i++) {
        const struct hash_node *node = r->runs_by_start.buckets[i];
        for (; node; node = node->next) {
            const struct inbound_message *run =
                container_of(node, struct inbound_message, by_start);
            if (!fragments_are_sane(run) || (run->has_begin && run->has_end) ||
                find_by_start(r, run->start) != run || find_by_end(r, run->end) != run)
                return false;
            payload_bytes += run->payload_bytes;
            overhead_bytes += inbound_message_overhead(run);
            runs++;
        }
    }
    for (uint32_t sid = 0; sid < r->stream_capacity; sid++) {
        if (r->streams[sid] && !waiting_is_sane(r->streams[sid], &payload_bytes, &overhead_bytes))
            return false;
    }
    uint64_t unordered_bytes = payload_bytes + overhead_bytes;
    for (uint32_t sid = 0; sid < r->stream_capacity; sid++)
        unordered_bytes -= reassembly_stream_bytes(r, (uint16_t)sid);
    if (unordered_bytes > payload_bytes + overhead_bytes)
        return false;
    return runs == r->run_count && r->runs_by_end.count == runs &&
           payload_bytes == r->payload_bytes && overhead_bytes == r->overhead_bytes &&
           ranges_check(&r->finished);
}
