/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Transmit records and what acknowledgements do to them (RFC 9260 6.2.1, 6.3.1 C5, 6.3.2, 7.2.4).
 *
 * What the last SACK's gap blocks acknowledged is remembered as blocks, so that a SACK costs its
 * own blocks, what is newly acknowledged, missed or taken back, and nothing for the rest. Windows,
 * timers and fast recovery are in retransmit.c.
 */
#include "assoc/outstanding.h"

#include <string.h>

#define LEAST_CAPACITY 4u
/* TSNs that are further apart than half their range cannot be told from old ones. */
#define MOST_CAPACITY        (1u << 30)
#define LEAST_GAPS           4u
#define MISSES_TO_RETRANSMIT 3u /* RFC 9260 7.2.4 */

int outstanding_init(struct outstanding *o, uint32_t initial_tsn, struct env *env) {
    (void)env; /* the window comes with the first reservation: many associations never send */
    memset(o, 0, sizeof *o);
    o->next_tsn = serial_first(initial_tsn);
    o->cumulative = o->next_tsn - 1;
    o->path_count = 1;
    return 0;
}

static size_t window_bytes(uint32_t path_count) {
    return sizeof(struct window) + path_count * sizeof(struct flight);
}

void outstanding_free(struct outstanding *o, struct send_queue *q, struct env *env) {
    struct outbound_message *message;
    struct record record;
    while ((message = outstanding_pop(o, &record)) != NULL) {
        outbound_message_release(q, message, env);
    }
    outstanding_trim(o, env);
    o->path_count = 1;
}

void outstanding_trim(struct outstanding *o, struct env *env) {
    struct window *w = o->window;
    if (!w || !outstanding_is_empty(o))
        return;
    env_release(env, w->ring, w->capacity * sizeof *w->ring);
    env_release(env, w->gaps, w->gap_capacity * sizeof *w->gaps);
    env_release(env, w, window_bytes(o->path_count));
    o->window = NULL;
}

int outstanding_set_paths(struct outstanding *o, uint32_t count, struct env *env) {
    if (count <= o->path_count)
        return 0;
    if (o->window) {
        struct window *w = env_allocate(env, window_bytes(count));
        if (!w)
            return USCTP_ERR_NO_MEMORY;
        memcpy(w, o->window, window_bytes(o->path_count));
        env_release(env, o->window, window_bytes(o->path_count));
        o->window = w;
    }
    o->path_count = count;
    return 0;
}

int outstanding_reserve(struct outstanding *o, struct env *env) {
    if (!o->window)
        o->window = env_allocate(env, window_bytes(o->path_count));
    struct window *w = o->window;
    if (!w)
        return USCTP_ERR_NO_MEMORY;
    if (outstanding_count(o) < w->capacity)
        return 0;
    if (w->capacity >= MOST_CAPACITY)
        return USCTP_ERR_NO_MEMORY;
    uint32_t capacity = w->capacity > 0 ? w->capacity * 2 : LEAST_CAPACITY;
    struct record *ring = env_allocate_raw(env, capacity * sizeof *ring);
    if (!ring)
        return USCTP_ERR_NO_MEMORY;
    for (uint64_t tsn = o->cumulative + 1; tsn < o->next_tsn; tsn++) {
        ring[tsn & (capacity - 1)] = *outstanding_slot(w, tsn);
    }
    env_release(env, w->ring, w->capacity * sizeof *ring);
    w->ring = ring;
    w->capacity = capacity;
    return 0;
}

static void enter_flight(struct window *w, uint64_t tsn, struct record *record) {
    struct flight *flight = &w->flights[record->path];
    record->state = RECORD_IN_FLIGHT;
    w->in_flight_bytes += record->payload_bytes;
    flight->in_flight_bytes += record_chunk_bytes(record);
    flight->in_flight_count++;
    if (tsn < flight->first)
        flight->first = tsn;
    if (tsn < w->first_countable)
        w->first_countable = tsn;
}

/* Takes a record out of the sums that its state has it in. */
static void leave_state(struct window *w, const struct record *record) {
    if (record->state == RECORD_MARKED) {
        w->marked_count--;
    } else if (record->state == RECORD_IN_FLIGHT) {
        w->in_flight_bytes -= record->payload_bytes;
        w->flights[record->path].in_flight_bytes -= record_chunk_bytes(record);
        w->flights[record->path].in_flight_count--;
    }
}

static void mark(struct window *w, uint64_t tsn, struct record *record) {
    leave_state(w, record);
    record->state = RECORD_MARKED;
    record->misses = 0;
    if (w->marked_count == 0 || tsn < w->first_marked)
        w->first_marked = tsn;
    w->marked_count++;
}

uint64_t outstanding_add(struct outstanding *o, const struct record *record) {
    struct window *w = o->window;
    ASSERT(w && outstanding_count(o) < w->capacity && record->path < o->path_count);
    uint64_t tsn = o->next_tsn++;
    struct record *added = outstanding_slot(w, tsn);
    *added = *record;
    added->misses = 0;
    added->transmissions = 1;
    added->was_fast_retransmitted = false;
    added->is_ambiguous = false;
    added->message->references++;
    enter_flight(w, tsn, added);
    return tsn;
}

/* RFC 9260 6.3.1 C5: the acknowledgement of what was sent before, this TSN and above, may have
 * waited for its being sent again. */
static void note_ambiguous(struct outstanding *o, uint64_t from) {
    struct range *known = &o->window->ambiguous;
    for (uint64_t tsn = from; tsn < o->next_tsn; tsn++) {
        if (tsn >= known->start && tsn < known->end)
            tsn = known->end - 1;
        else
            outstanding_slot(o->window, tsn)->is_ambiguous = true;
    }
    if (from < known->start || from > known->end)
        known->start = from;
    known->end = o->next_tsn;
}

void outstanding_on_retransmit(struct outstanding *o, uint64_t tsn, uint8_t path,
                               uint8_t path_generation, uint64_t now_us) {
    struct record *record = outstanding_at(o, tsn);
    ASSERT(record->state == RECORD_MARKED && path < o->path_count);
    leave_state(o->window, record);
    record->path = path;
    record->path_generation = path_generation;
    record->sent_us = now_us;
    if (record->transmissions < UINT8_MAX)
        record->transmissions++;
    note_ambiguous(o, tsn);
    enter_flight(o->window, tsn, record);
}

uint64_t outstanding_next_marked(struct outstanding *o, uint64_t from) {
    struct window *w = o->window;
    if (outstanding_marked_count(o) == 0)
        return USCTP_NEVER;
    if (w->first_marked <= o->cumulative)
        w->first_marked = o->cumulative + 1;
    bool from_first = from <= w->first_marked;
    for (uint64_t tsn = from_first ? w->first_marked : from; tsn < o->next_tsn; tsn++) {
        if (outstanding_slot(w, tsn)->state != RECORD_MARKED)
            continue;
        if (from_first)
            w->first_marked = tsn;
        return tsn;
    }
    return USCTP_NEVER;
}

/* ---- acknowledgements --------------------------------------------------------------------- */

/* An acknowledgement that is being applied. */
struct ack {
    struct outstanding *o;
    struct window *w;
    const struct sack_chunk *sack; /* NULL: only the cumulative TSN counts */
    struct sack_outcome *outcome;
    uint64_t cumulative;
    uint64_t highest;     /* TSN that it acknowledges */
    uint64_t highest_new; /* TSN that it newly acknowledges (HTNA), 0: none */
};

/* The i-th gap block, as TSNs. */
static struct range block(const struct ack *ack, uint32_t i) {
    struct sack_gap gap = sack_chunk_gap(ack->sack, i);
    return (struct range){ack->cumulative + gap.start, ack->cumulative + gap.end + 1};
}

/* Is it the earliest of those last sent on its path that were not acknowledged before? It is the
 * first of them that is newly acknowledged. */
static bool is_earliest(const struct ack *ack, uint64_t tsn, uint8_t path) {
    struct flight *flight = &ack->w->flights[path];
    if (flight->first <= ack->o->cumulative)
        flight->first = ack->o->cumulative + 1;
    for (; flight->first < tsn; flight->first++) {
        const struct record *record = outstanding_slot(ack->w, flight->first);
        if (record->state != RECORD_ACKED && record->path == path)
            return false;
    }
    return true;
}

/* A record that was not acknowledged before. */
static void note_acked(struct ack *ack, uint64_t tsn, const struct record *record) {
    struct sack_outcome *outcome = ack->outcome;
    uint32_t path_bit = (uint32_t)1 << record->path;
    if (record->state == RECORD_IN_FLIGHT)
        outcome->alive_paths |= path_bit;
    if ((outcome->acked_paths & path_bit) == 0) {
        outcome->acked_chunk_bytes[record->path] = 0;
        outcome->rtt_sent_us[record->path] = USCTP_NEVER;
        if (is_earliest(ack, tsn, record->path))
            outcome->earliest_acked_paths |= path_bit;
    }
    leave_state(ack->w, record);
    record->message->acked_bytes += record->payload_bytes;
    outcome->newly_acked_bytes += record->payload_bytes;
    outcome->newly_acked_chunks++;
    outcome->acked_paths |= path_bit;
    outcome->acked_chunk_bytes[record->path] += record_chunk_bytes(record);
    if (!record->is_ambiguous) /* RFC 9260 6.3.1 C5 */
        outcome->rtt_sent_us[record->path] = record->sent_us;
    ack->highest_new = tsn;
}

/* Forgets gap blocks that are cumulatively acknowledged. */
static void clip_gaps(struct window *w, uint64_t cumulative) {
    uint32_t gone = 0;
    while (gone < w->gap_count && w->gaps[gone].end <= cumulative + 1)
        gone++;
    if (gone > 0)
        memmove(w->gaps, w->gaps + gone, (w->gap_count - gone) * sizeof *w->gaps);
    w->gap_count -= gone;
    if (w->gap_count > 0 && w->gaps[0].start <= cumulative)
        w->gaps[0].start = cumulative + 1;
}

static void acknowledge_cumulatively(struct ack *ack, struct send_queue *q, struct env *env) {
    struct outstanding *o = ack->o;
    if (o->cumulative == ack->cumulative)
        return;
    while (o->cumulative < ack->cumulative) {
        uint64_t tsn = o->cumulative + 1;
        struct record *record = outstanding_slot(ack->w, tsn);
        if (record->state != RECORD_ACKED)
            note_acked(ack, tsn, record);
        outbound_message_release(q, record->message, env);
        o->cumulative = tsn;
    }
    clip_gaps(ack->w, o->cumulative);
}

/* What its gap blocks acknowledge and those before did not. */
static void acknowledge_gaps(struct ack *ack) {
    struct window *w = ack->w;
    uint32_t known = 0;
    for (uint32_t i = 0; i < ack->sack->gap_count; i++) {
        struct range now = block(ack, i);
        for (uint64_t tsn = now.start; tsn < now.end;) {
            while (known < w->gap_count && w->gaps[known].end <= tsn)
                known++;
            if (known < w->gap_count && w->gaps[known].start <= tsn) {
                tsn = w->gaps[known].end;
                continue;
            }
            struct record *record = outstanding_slot(w, tsn);
            note_acked(ack, tsn, record);
            record->state = RECORD_ACKED;
            tsn++;
        }
    }
}

static void count_miss(struct ack *ack, uint64_t tsn, struct record *record) {
    if (record->misses < UINT8_MAX)
        record->misses++;
    if (record->misses < MISSES_TO_RETRANSMIT)
        return;
    record->was_fast_retransmitted = true;
    ack->outcome->lost_paths |= (uint32_t)1 << record->path;
    ack->outcome->lost_chunks++;
    mark(ack->w, tsn, record);
}

/* RFC 9260 7.2.4: a miss for each chunk below `miss_below` that it leaves out. Those that are ACKED
 * here are taken back afterwards. */
static void count_misses(struct ack *ack, uint64_t miss_below) {
    struct window *w = ack->w;
    uint64_t tsn = ack->cumulative + 1;
    uint64_t countable = 0; /* the first that is left so; TSNs begin far above 0 */
    if (tsn < w->first_countable)
        tsn = w->first_countable;
    for (uint32_t i = 0; i < ack->sack->gap_count && tsn < miss_below; i++) {
        struct range now = block(ack, i);
        for (; tsn < now.start && tsn < miss_below; tsn++) {
            struct record *record = outstanding_slot(w, tsn);
            /* (5): once fast retransmitted, a chunk is left to T3-rtx. */
            if (record->state != RECORD_IN_FLIGHT || record->was_fast_retransmitted)
                continue;
            count_miss(ack, tsn, record);
            if (countable == 0 && record->state == RECORD_IN_FLIGHT)
                countable = tsn;
        }
        if (tsn < now.end)
            tsn = now.end;
    }
    if (countable > 0)
        w->first_countable = countable;
    else if (tsn > w->first_countable)
        w->first_countable = tsn;
}

/* RFC 9260 6.2.1 D iii: was acknowledged by a gap block and is so no more: one miss. */
static void renege(struct ack *ack, uint64_t from, uint64_t to) {
    for (uint64_t tsn = from; tsn < to; tsn++) {
        struct record *record = outstanding_slot(ack->w, tsn);
        enter_flight(ack->w, tsn, record);
        record->misses = 1;
        record->message->acked_bytes -= record->payload_bytes;
        ack->outcome->reneged_paths |= (uint32_t)1 << record->path;
    }
}

/* What earlier gap blocks acknowledged and these do not. */
static void take_back(struct ack *ack) {
    const struct window *w = ack->w;
    uint32_t i = 0;
    for (uint32_t known = 0; known < w->gap_count; known++) {
        uint64_t tsn = w->gaps[known].start, end = w->gaps[known].end;
        while (tsn < end) {
            while (i < ack->sack->gap_count && block(ack, i).end <= tsn)
                i++;
            struct range now = {end, end};
            if (i < ack->sack->gap_count)
                now = block(ack, i);
            if (tsn < now.start)
                renege(ack, tsn, now.start < end ? now.start : end);
            tsn = now.start < end ? now.end : end;
        }
    }
}

/* Makes room for its gap blocks. Returns false when memory is short. */
static bool reserve_gaps(struct window *w, uint32_t count, struct env *env) {
    if (count <= w->gap_capacity)
        return true;
    uint32_t capacity = w->gap_capacity > 0 ? w->gap_capacity : LEAST_GAPS;
    while (capacity < count)
        capacity *= 2;
    struct range *gaps = env_allocate_raw(env, capacity * sizeof *gaps);
    if (!gaps)
        return false;
    if (w->gap_count > 0)
        memcpy(gaps, w->gaps, w->gap_count * sizeof *gaps);
    env_release(env, w->gaps, w->gap_capacity * sizeof *gaps);
    w->gaps = gaps;
    w->gap_capacity = capacity;
    return true;
}

static void remember_gaps(const struct ack *ack) {
    struct window *w = ack->w;
    w->gap_count = 0;
    for (uint32_t i = 0; i < ack->sack->gap_count; i++)
        w->gaps[w->gap_count++] = block(ack, i);
}

static enum sack_verdict apply(struct ack *ack, bool in_fast_recovery, struct send_queue *q,
                               struct env *env) {
    struct outstanding *o = ack->o;
    /* What it says of a path is written when the path is first met. */
    memset(ack->outcome, 0, offsetof(struct sack_outcome, acked_chunk_bytes));
    if (ack->cumulative < o->cumulative) /* RFC 9260 6.2.1 D i */
        return SACK_OLD;
    if (ack->highest >= o->next_tsn)
        return SACK_BEYOND;
    bool advanced = ack->cumulative > o->cumulative;
    ack->outcome->cumulative_advanced = advanced;
    ack->w = o->window;
    if (!ack->w)
        return SACK_FINE; /* nothing is outstanding */
    acknowledge_cumulatively(ack, q, env);
    /* Without memory for its blocks it is as if it had none, and the last one's still held. */
    if (!ack->sack || !reserve_gaps(ack->w, ack->sack->gap_count, env))
        return SACK_FINE;
    acknowledge_gaps(ack);
    /* RFC 9260 7.2.4: misses count below the highest TSN newly acknowledged; in Fast Recovery,
     * when the cumulative TSN advances, for all that the SACK reports as missing. */
    count_misses(ack, in_fast_recovery && advanced ? ack->highest : ack->highest_new);
    take_back(ack);
    remember_gaps(ack);
    return SACK_FINE;
}

enum sack_verdict outstanding_on_sack(struct outstanding *o, const struct sack_chunk *sack,
                                      bool in_fast_recovery, struct sack_outcome *outcome,
                                      struct send_queue *q, struct env *env) {
    struct ack ack = {.o = o, .sack = sack, .outcome = outcome};
    ack.cumulative = serial_unwrap(o->cumulative, sack->cumulative_tsn);
    ack.highest = ack.cumulative;
    if (sack->gap_count > 0)
        ack.highest += sack_chunk_gap(sack, sack->gap_count - 1u).end;
    return apply(&ack, in_fast_recovery, q, env);
}

enum sack_verdict outstanding_on_cumulative(struct outstanding *o, uint32_t cumulative_tsn,
                                            struct sack_outcome *outcome, struct send_queue *q,
                                            struct env *env) {
    struct ack ack = {.o = o, .outcome = outcome};
    ack.cumulative = serial_unwrap(o->cumulative, cumulative_tsn);
    ack.highest = ack.cumulative;
    return apply(&ack, false, q, env);
}

/* ---- paths, restart, check ---------------------------------------------------------------- */

uint32_t outstanding_mark_path(struct outstanding *o, uint8_t path) {
    uint32_t marked = 0;
    for (uint64_t tsn = o->cumulative + 1; outstanding_flight(o, path)->in_flight_count > 0;
         tsn++) {
        struct record *record = outstanding_at(o, tsn);
        if (record->state != RECORD_IN_FLIGHT || record->path != path)
            continue;
        mark(o->window, tsn, record);
        marked++;
    }
    return marked;
}

uint32_t outstanding_mark_larger(struct outstanding *o, uint8_t path, uint32_t chunk_bytes) {
    uint32_t marked = 0, left = outstanding_flight(o, path)->in_flight_count;
    for (uint64_t tsn = o->cumulative + 1; left > 0; tsn++) {
        struct record *record = outstanding_at(o, tsn);
        if (record->state != RECORD_IN_FLIGHT || record->path != path)
            continue;
        left--;
        if (record_chunk_bytes(record) <= chunk_bytes)
            continue;
        mark(o->window, tsn, record);
        marked++;
    }
    return marked;
}

uint64_t outstanding_earliest_on_path(const struct outstanding *o, uint8_t path) {
    const struct flight *flight = outstanding_flight(o, path);
    if (flight->in_flight_count == 0)
        return USCTP_NEVER;
    uint64_t tsn = flight->first > o->cumulative ? flight->first : o->cumulative + 1;
    for (;; tsn++) {
        const struct record *record = outstanding_at(o, tsn);
        if (record->state == RECORD_IN_FLIGHT && record->path == path)
            return tsn;
    }
}

struct outbound_message *outstanding_pop(struct outstanding *o, struct record *record) {
    if (outstanding_is_empty(o))
        return NULL;
    o->cumulative++;
    *record = *outstanding_slot(o->window, o->cumulative);
    leave_state(o->window, record);
    clip_gaps(o->window, o->cumulative);
    return record->message;
}

/* A record agrees with the bounds and the gap blocks. */
static bool record_is_sane(const struct outstanding *o, uint64_t tsn, const struct record *record) {
    const struct window *w = o->window;
    if (record->path >= o->path_count || record->state > RECORD_ACKED || !record->message ||
        record->message->references == 0 || record->transmissions == 0)
        return false;
    bool is_countable = record->state == RECORD_IN_FLIGHT && !record->was_fast_retransmitted;
    if (is_countable && tsn < w->first_countable)
        return false;
    if (record->state == RECORD_MARKED && tsn < w->first_marked)
        return false;
    if (record->state == RECORD_IN_FLIGHT && tsn < w->flights[record->path].first)
        return false;
    bool is_in_gap = false;
    for (uint32_t i = 0; i < w->gap_count && w->gaps[i].start <= tsn; i++)
        is_in_gap = tsn < w->gaps[i].end;
    return is_in_gap == (record->state == RECORD_ACKED);
}

bool outstanding_check(const struct outstanding *o) {
    const struct window *w = o->window;
    struct flight sums[USCTP_MAX_ADDRESSES] = {0};
    uint64_t in_flight_bytes = 0;
    uint32_t marked = 0;
    if (o->next_tsn <= o->cumulative || o->path_count > USCTP_MAX_ADDRESSES)
        return false;
    if (!w)
        return outstanding_is_empty(o);
    if (outstanding_count(o) > w->capacity)
        return false;
    for (uint64_t tsn = o->cumulative + 1; tsn < o->next_tsn; tsn++) {
        const struct record *record = outstanding_slot(w, tsn);
        if (!record_is_sane(o, tsn, record))
            return false;
        marked += record->state == RECORD_MARKED;
        if (record->state != RECORD_IN_FLIGHT)
            continue;
        in_flight_bytes += record->payload_bytes;
        sums[record->path].in_flight_bytes += record_chunk_bytes(record);
        sums[record->path].in_flight_count++;
    }
    for (uint32_t path = 0; path < o->path_count; path++)
        if (sums[path].in_flight_bytes != w->flights[path].in_flight_bytes ||
            sums[path].in_flight_count != w->flights[path].in_flight_count)
            return false;
    return in_flight_bytes == w->in_flight_bytes && marked == w->marked_count;
}
