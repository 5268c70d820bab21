/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Transmit records and what acknowledgements do to them (RFC 9260 6.2.1, 6.3.1 C5, 6.3.2, 7.2.4).
 *
 * A SACK is applied in two walks in TSN order: the first acknowledges, the second looks at what
 * the SACK leaves out. What they cost is the number of records up to the highest TSN that this
 * SACK or an earlier one reports in a gap block. Windows, timers and fast recovery are in
 * retransmit.c.
 */
#include "assoc/outstanding.h"

#include <string.h>

#define LEAST_CAPACITY 4u
/* TSNs that are further apart than half their range cannot be told from old ones. */
#define MOST_CAPACITY        (1u << 30)
#define MISSES_TO_RETRANSMIT 3u /* RFC 9260 7.2.4 */

int outstanding_init(struct outstanding *o, uint32_t initial_tsn, struct env *env) {
    (void)env; /* the ring comes with the first reservation: many associations never send */
    memset(o, 0, sizeof *o);
    o->next_tsn = serial_first(initial_tsn);
    o->cumulative = o->next_tsn - 1;
    o->path_count = 1;
    return 0;
}

void outstanding_free(struct outstanding *o, struct send_queue *q, struct env *env) {
    struct outbound_message *message;
    struct record record;
    while ((message = outstanding_pop(o, &record)) != NULL) {
        outbound_message_release(q, message, env);
    }
    outstanding_trim(o, env);
    env_release(env, o->others, (o->path_count - 1) * sizeof *o->others);
    o->others = NULL;
    o->path_count = 1;
}

void outstanding_trim(struct outstanding *o, struct env *env) {
    if (!outstanding_is_empty(o))
        return;
    env_release(env, o->ring, o->capacity * sizeof *o->ring);
    o->ring = NULL;
    o->capacity = 0;
}

int outstanding_set_paths(struct outstanding *o, uint32_t count, struct env *env) {
    if (count <= o->path_count)
        return 0;
    struct flight *others = env_allocate(env, (count - 1) * sizeof *others);
    if (!others)
        return USCTP_ERR_NO_MEMORY;
    if (o->others)
        memcpy(others, o->others, (o->path_count - 1) * sizeof *others);
    env_release(env, o->others, (o->path_count - 1) * sizeof *others);
    o->others = others;
    o->path_count = count;
    return 0;
}

static struct record *slot(const struct outstanding *o, uint64_t tsn) {
    return &o->ring[tsn & (o->capacity - 1)];
}

struct record *outstanding_at(const struct outstanding *o, uint64_t tsn) {
    ASSERT(tsn > o->cumulative && tsn < o->next_tsn);
    return slot(o, tsn);
}

int outstanding_reserve(struct outstanding *o, struct env *env) {
    if (outstanding_count(o) < o->capacity)
        return 0;
    if (o->capacity >= MOST_CAPACITY)
        return USCTP_ERR_NO_MEMORY;
    uint32_t capacity = o->capacity > 0 ? o->capacity * 2 : LEAST_CAPACITY;
    struct record *ring = env_allocate_raw(env, capacity * sizeof *ring);
    if (!ring)
        return USCTP_ERR_NO_MEMORY;
    for (uint64_t tsn = o->cumulative + 1; tsn < o->next_tsn; tsn++) {
        ring[tsn & (capacity - 1)] = *slot(o, tsn);
    }
    env_release(env, o->ring, o->capacity * sizeof *ring);
    o->ring = ring;
    o->capacity = capacity;
    return 0;
}

static void enter_flight(struct outstanding *o, struct record *record) {
    record->state = RECORD_IN_FLIGHT;
    o->in_flight_bytes += record->payload_bytes;
    outstanding_flight_of(o, record->path)->in_flight_bytes += record_chunk_bytes(record);
    outstanding_flight_of(o, record->path)->in_flight_count++;
}

/* Takes a record out of the sums that its state has it in. */
static void leave_state(struct outstanding *o, const struct record *record) {
    if (record->state == RECORD_MARKED) {
        o->marked_count--;
    } else if (record->state == RECORD_IN_FLIGHT) {
        o->in_flight_bytes -= record->payload_bytes;
        outstanding_flight_of(o, record->path)->in_flight_bytes -= record_chunk_bytes(record);
        outstanding_flight_of(o, record->path)->in_flight_count--;
    }
}

static void mark(struct outstanding *o, uint64_t tsn, struct record *record) {
    leave_state(o, record);
    record->state = RECORD_MARKED;
    record->misses = 0;
    if (o->marked_count == 0 || tsn < o->first_marked)
        o->first_marked = tsn;
    o->marked_count++;
}

uint64_t outstanding_add(struct outstanding *o, const struct record *record) {
    ASSERT(outstanding_count(o) < o->capacity && record->path < o->path_count);
    uint64_t tsn = o->next_tsn++;
    struct record *added = slot(o, tsn);
    *added = *record;
    added->misses = 0;
    added->transmissions = 1;
    added->was_fast_retransmitted = false;
    added->message->references++;
    enter_flight(o, added);
    return tsn;
}

void outstanding_on_retransmit(struct outstanding *o, uint64_t tsn, uint8_t path,
                               uint8_t path_generation, uint64_t now_us) {
    struct record *record = outstanding_at(o, tsn);
    ASSERT(record->state == RECORD_MARKED && path < o->path_count);
    leave_state(o, record);
    record->path = path;
    record->path_generation = path_generation;
    record->sent_us = now_us;
    if (record->transmissions < UINT8_MAX)
        record->transmissions++;
    enter_flight(o, record);
}

uint64_t outstanding_next_marked(struct outstanding *o, uint64_t from) {
    if (o->marked_count == 0)
        return USCTP_NEVER;
    if (o->first_marked <= o->cumulative)
        o->first_marked = o->cumulative + 1;
    bool from_first = from <= o->first_marked;
    for (uint64_t tsn = from_first ? o->first_marked : from; tsn < o->next_tsn; tsn++) {
        if (slot(o, tsn)->state != RECORD_MARKED)
            continue;
        if (from_first)
            o->first_marked = tsn;
        return tsn;
    }
    return USCTP_NEVER;
}

/* ---- acknowledgements --------------------------------------------------------------------- */

/* An acknowledgement that is being applied. */
struct ack {
    struct outstanding *o;
    const struct sack_chunk *sack; /* NULL: only the cumulative TSN counts */
    struct sack_outcome *outcome;
    uint64_t cumulative;
    uint64_t highest;      /* TSN that it acknowledges */
    uint64_t highest_new;  /* TSN that it newly acknowledges (HTNA), 0: none */
    uint64_t resent_us;    /* the latest retransmission of the TSNs walked over so far */
    uint32_t walked_paths; /* bit set: a TSN below is still unacknowledged on that path, or was */
    uint32_t gap;          /* the first block that does not end below the walk */
};

/* Asked for rising TSNs above the cumulative one. */
static bool is_in_gap(struct ack *ack, uint64_t tsn) {
    if (!ack->sack)
        return false;
    uint64_t offset = tsn - ack->cumulative;
    while (ack->gap < ack->sack->gap_count) {
        struct sack_gap gap = sack_chunk_gap(ack->sack, ack->gap);
        if (offset <= gap.end)
            return offset >= gap.start;
        ack->gap++;
    }
    return false;
}

/* A record that was not acknowledged before. */
static void note_acked(struct ack *ack, uint64_t tsn, const struct record *record) {
    struct sack_outcome *outcome = ack->outcome;
    uint32_t path_bit = (uint32_t)1 << record->path;
    if (record->state == RECORD_IN_FLIGHT)
        outcome->alive_paths |= path_bit;
    leave_state(ack->o, record);
    record->message->acked_bytes += record->payload_bytes;
    outcome->newly_acked_bytes += record->payload_bytes;
    outcome->newly_acked_chunks++;
    if ((outcome->acked_paths & path_bit) == 0) {
        outcome->acked_chunk_bytes[record->path] = 0;
        outcome->rtt_sent_us[record->path] = USCTP_NEVER;
    }
    outcome->acked_paths |= path_bit;
    outcome->acked_chunk_bytes[record->path] += record_chunk_bytes(record);
    if ((ack->walked_paths & path_bit) == 0)
        outcome->earliest_acked_paths |= path_bit;
    /* RFC 9260 6.3.1 C5: no measurement by a chunk that was sent twice, or while a TSN up to it
     * was retransmitted after it had been sent: its SACK may have waited for that. */
    if (record->transmissions == 1 && record->sent_us >= ack->resent_us)
        outcome->rtt_sent_us[record->path] = record->sent_us;
    ack->highest_new = tsn;
}

static void note_walked(struct ack *ack, const struct record *record) {
    if (record->state != RECORD_ACKED)
        ack->walked_paths |= (uint32_t)1 << record->path;
    if (record->transmissions > 1 && record->sent_us > ack->resent_us)
        ack->resent_us = record->sent_us;
}

/* The first walk: what it acknowledges, cumulatively and by gap blocks. */
static void acknowledge(struct ack *ack, struct send_queue *q, struct env *env) {
    struct outstanding *o = ack->o;
    while (o->cumulative < ack->cumulative) {
        uint64_t tsn = o->cumulative + 1;
        struct record *record = slot(o, tsn);
        if (record->state != RECORD_ACKED)
            note_acked(ack, tsn, record);
        note_walked(ack, record);
        outbound_message_release(q, record->message, env);
        o->cumulative = tsn;
    }
    /* Later measurements must still know of retransmissions whose records are gone. */
    o->resent_us = ack->resent_us;
    for (uint64_t tsn = ack->cumulative + 1; tsn <= ack->highest; tsn++) {
        struct record *record = slot(o, tsn);
        bool is_new = record->state != RECORD_ACKED && is_in_gap(ack, tsn);
        if (is_new)
            note_acked(ack, tsn, record);
        note_walked(ack, record);
        if (is_new)
            record->state = RECORD_ACKED;
    }
}

/* RFC 9260 6.2.1 D iii: was acknowledged by a gap block and is so no more: one miss. */
static void renege(struct ack *ack, struct record *record) {
    enter_flight(ack->o, record);
    record->misses = 1;
    record->message->acked_bytes -= record->payload_bytes;
    ack->outcome->reneged_paths |= (uint32_t)1 << record->path;
}

static void count_miss(struct ack *ack, uint64_t tsn, struct record *record) {
    if (record->misses < UINT8_MAX)
        record->misses++;
    /* RFC 9260 7.2.4 (5): once fast retransmitted, a chunk is left to T3-rtx. */
    if (record->misses < MISSES_TO_RETRANSMIT || record->was_fast_retransmitted)
        return;
    record->was_fast_retransmitted = true;
    ack->outcome->lost_paths |= (uint32_t)1 << record->path;
    ack->outcome->lost_chunks++;
    mark(ack->o, tsn, record);
}

/* The second walk: what it leaves out. Misses are counted below the TSN `miss_below`. */
static void find_missing(struct ack *ack, uint64_t miss_below) {
    struct outstanding *o = ack->o;
    uint64_t end = o->highest_gap > ack->highest ? o->highest_gap : ack->highest;
    ack->gap = 0;
    for (uint64_t tsn = ack->cumulative + 1; tsn <= end; tsn++) {
        if (is_in_gap(ack, tsn))
            continue;
        struct record *record = slot(o, tsn);
        if (record->state == RECORD_ACKED) {
            renege(ack, record);
        } else if (record->state == RECORD_IN_FLIGHT && tsn < miss_below) {
            count_miss(ack, tsn, record);
        }
    }
    o->highest_gap = ack->highest;
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
    ack->resent_us = o->resent_us;
    acknowledge(ack, q, env);
    if (ack->sack) {
        /* RFC 9260 7.2.4: misses count below the highest TSN newly acknowledged; in Fast Recovery,
         * when the cumulative TSN advances, for all that the SACK reports as missing. */
        find_missing(ack, in_fast_recovery && advanced ? ack->highest : ack->highest_new);
    }
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
    for (uint64_t tsn = o->cumulative + 1; outstanding_flight_of(o, path)->in_flight_count > 0;
         tsn++) {
        struct record *record = outstanding_at(o, tsn);
        if (record->state != RECORD_IN_FLIGHT || record->path != path)
            continue;
        mark(o, tsn, record);
        marked++;
    }
    return marked;
}

uint32_t outstanding_mark_larger(struct outstanding *o, uint8_t path, uint32_t chunk_bytes) {
    uint32_t marked = 0, left = outstanding_flight_of(o, path)->in_flight_count;
    for (uint64_t tsn = o->cumulative + 1; left > 0; tsn++) {
        struct record *record = outstanding_at(o, tsn);
        if (record->state != RECORD_IN_FLIGHT || record->path != path)
            continue;
        left--;
        if (record_chunk_bytes(record) <= chunk_bytes)
            continue;
        mark(o, tsn, record);
        marked++;
    }
    return marked;
}

uint64_t outstanding_earliest_on_path(const struct outstanding *o, uint8_t path) {
    if (outstanding_flight(o, path)->in_flight_count == 0)
        return USCTP_NEVER;
    uint64_t tsn = o->cumulative + 1;
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
    *record = *slot(o, o->cumulative);
    leave_state(o, record);
    return record->message;
}

bool outstanding_check(const struct outstanding *o) {
    struct flight flights[USCTP_MAX_ADDRESSES - 1] = {0};
    struct outstanding sums = {.others = flights, .path_count = USCTP_MAX_ADDRESSES};
    bool is_sane = o->next_tsn > o->cumulative && outstanding_count(o) <= o->capacity;
    for (uint64_t tsn = o->cumulative + 1; is_sane && tsn < o->next_tsn; tsn++) {
        struct record record = *slot(o, tsn);
        is_sane = record.path < o->path_count && record.state <= RECORD_ACKED && record.message &&
                  record.message->references > 0 && record.transmissions > 0;
        if (!is_sane)
            break;
        if (record.state == RECORD_IN_FLIGHT)
            enter_flight(&sums, &record);
        if (record.state == RECORD_MARKED) {
            sums.marked_count++;
            is_sane = o->first_marked <= tsn;
        }
        if (record.state == RECORD_ACKED && tsn > o->highest_gap)
            is_sane = false;
    }
    if (!is_sane || sums.in_flight_bytes != o->in_flight_bytes ||
        sums.marked_count != o->marked_count)
        return false;
    for (uint32_t path = 0; path < o->path_count; path++) {
        const struct flight *sum = outstanding_flight(&sums, path);
        const struct flight *kept = outstanding_flight(o, path);
        if (sum->in_flight_bytes != kept->in_flight_bytes ||
            sum->in_flight_count != kept->in_flight_count)
            return false;
    }
    return true;
}
