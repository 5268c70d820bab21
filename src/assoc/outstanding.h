/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What was sent and not yet acknowledged cumulatively: a transmit record for each DATA chunk, and
 * what SACKs say of them (RFC 9260 6.2.1, 6.3.2, 7.2.4).
 *
 * A bookkeeper: it keeps states and byte counts and reports what a SACK did; windows, timers and
 * paths are driven by retransmit.c. Records lie in a ring in TSN order.
 */
#ifndef ASSOC_OUTSTANDING_H
#define ASSOC_OUTSTANDING_H

#include "assoc/send_queue.h"
#include "chunk/sack_chunk.h"
#include "core/ranges.h"
#include "core/serial.h"

enum record_state {
    RECORD_IN_FLIGHT, /* counted in flight */
    RECORD_MARKED,    /* to be retransmitted, not in flight */
    RECORD_ACKED,     /* by a gap block: not in flight, may be reneged */
};

struct record {
    struct outbound_message *message;
    uint64_t sent_us;
    uint32_t transmit_number; /* of the path, when last sent */
    uint32_t offset;
    uint16_t payload_bytes;
    uint16_t ssn;
    uint8_t flags; /* enum data_flag */
    uint8_t state; /* enum record_state */
    uint8_t misses;
    uint8_t path, path_generation; /* last sent to */
    uint8_t transmissions;         /* saturates */
    bool was_fast_retransmitted;
    bool is_ambiguous; /* it or a lower TSN was sent again since it was sent (6.3.1 C5) */
};

/* What is in flight on one path. */
struct flight {
    uint64_t in_flight_bytes; /* chunk bytes: header, payload and padding */
    uint64_t first;           /* no record below it was last sent there and is not acknowledged */
    uint32_t in_flight_count;
};

/* While something was sent lately. */
struct window {
    struct record *ring;
    uint64_t in_flight_bytes; /* payload, all paths */
    uint64_t first_marked;    /* no MARKED record is below it */
    uint64_t first_countable; /* nor one in flight whose misses still count */
    struct range ambiguous;   /* all of these records are, none above, some below */
    struct range *gaps;       /* the ACKED records: rising, apart */
    uint32_t gap_count, gap_capacity;
    uint32_t capacity; /* of the ring: a power of two */
    uint32_t marked_count;
    struct flight flights[]; /* path_count of them */
};

struct outstanding {
    struct window *window; /* NULL: nothing was sent lately */
    uint64_t next_tsn;     /* unwrapped: what the next new chunk gets */
    uint64_t cumulative; /* unwrapped: acknowledged up to it; records are (cumulative, next_tsn) */
    uint32_t path_count; /* that there is room for */
};

enum sack_verdict {
    SACK_FINE,
    SACK_OLD,    /* cumulative below ours: drop (6.2.1 D i) */
    SACK_BEYOND, /* acknowledges what was never sent: ABORT (12.4) */
};

struct sack_outcome {
    bool cumulative_advanced;
    uint64_t newly_acked_bytes; /* payload */
    uint32_t newly_acked_chunks;
    uint32_t acked_paths;          /* bit set: some chunk last sent there was newly acknowledged */
    uint32_t alive_paths;          /* and it had not timed out there (was not MARKED) */
    uint32_t earliest_acked_paths; /* bit set: the earliest outstanding TSN on that path was newly
                                      acknowledged (6.3.2 R3) */
    uint32_t reneged_paths;        /* bit set: a chunk last sent there was taken back (6.3.2 R4) */
    uint32_t
        lost_paths; /* bit set: chunks last sent there were marked by their third miss (7.2.4) */
    uint32_t lost_chunks;
    /* Of the acked_paths only: */
    uint64_t acked_chunk_bytes[USCTP_MAX_ADDRESSES]; /* newly acknowledged per path, as
                                                        in_flight_bytes there */
    uint64_t rtt_sent_us[USCTP_MAX_ADDRESSES]; /* when the latest newly acknowledged chunk of that
                                                  path that may be measured was sent (6.3.1 C5);
                                                  USCTP_NEVER: none */
};

int outstanding_init(struct outstanding *o, uint32_t initial_tsn, struct env *env) USCTP_MUST_CHECK;
/* Releases every record's message. */
void outstanding_free(struct outstanding *o, struct send_queue *q, struct env *env);
static inline uint64_t outstanding_count(const struct outstanding *o) {
    return o->next_tsn - o->cumulative - 1;
}
static inline bool outstanding_is_empty(const struct outstanding *o) {
    return outstanding_count(o) == 0;
}
/* Makes room for what is in flight on so many paths; there is always room for one. Returns 0 or
 * USCTP_ERR_NO_MEMORY. */
int outstanding_set_paths(struct outstanding *o, uint32_t count, struct env *env) USCTP_MUST_CHECK;
static inline const struct flight *outstanding_flight(const struct outstanding *o, uint32_t path) {
    static const struct flight none;
    ASSERT(path < o->path_count);
    return o->window ? &o->window->flights[path] : &none;
}
/* Payload in flight on all paths. */
static inline uint64_t outstanding_in_flight_bytes(const struct outstanding *o) {
    return o->window ? o->window->in_flight_bytes : 0;
}
/* Chunks to be retransmitted. */
static inline uint32_t outstanding_marked_count(const struct outstanding *o) {
    return o->window ? o->window->marked_count : 0;
}
/* Gives back what an association that sends nothing needs not have. */
void outstanding_trim(struct outstanding *o, struct env *env);
static inline struct record *outstanding_slot(const struct window *w, uint64_t tsn) {
    return &w->ring[tsn & (w->capacity - 1)];
}
/* The record of a TSN in (cumulative, next_tsn). */
static inline struct record *outstanding_at(const struct outstanding *o, uint64_t tsn) {
    ASSERT(tsn > o->cumulative && tsn < o->next_tsn);
    return outstanding_slot(o->window, tsn);
}
/* Makes room for one more record. Returns 0 or USCTP_ERR_NO_MEMORY. */
int outstanding_reserve(struct outstanding *o, struct env *env) USCTP_MUST_CHECK;
/* Adds a chunk that is being sent now as TSN next_tsn, which is returned; outstanding_reserve was
   called. *record says message (a reference is taken), offset, payload_bytes, ssn, flags, path,
   path_generation, sent_us, transmit_number; the rest is set here. */
uint64_t outstanding_add(struct outstanding *o, const struct record *record);
/* A MARKED chunk is being sent again to `path`. */
void outstanding_on_retransmit(struct outstanding *o, uint64_t tsn, uint8_t path,
                               uint8_t path_generation, uint64_t now_us);
/* The first MARKED TSN at or above `from`, or USCTP_NEVER. */
uint64_t outstanding_next_marked(struct outstanding *o, uint64_t from);
/*
 * Applies a SACK. in_fast_recovery: 7.2.4's rule for misses when the cumulative point advances.
 * Acknowledged messages are released to q.
 */
enum sack_verdict outstanding_on_sack(struct outstanding *o, const struct sack_chunk *sack,
                                      bool in_fast_recovery, struct sack_outcome *outcome,
                                      struct send_queue *q, struct env *env);
/* Applies a SHUTDOWN's cumulative TSN: what gap blocks acknowledged stays acknowledged, and nothing
 * counts as missing. */
enum sack_verdict outstanding_on_cumulative(struct outstanding *o, uint32_t cumulative_tsn,
                                            struct sack_outcome *outcome, struct send_queue *q,
                                            struct env *env);
/* T3-rtx expired on a path: marks every chunk in flight there (6.3.3 E3). Returns how many. */
uint32_t outstanding_mark_path(struct outstanding *o, uint8_t path);
/* The path's MTU has fallen: marks the chunks in flight there that are larger than this, header and
 * padding included. Returns how many. */
uint32_t outstanding_mark_larger(struct outstanding *o, uint8_t path, uint32_t chunk_bytes);
/* The lowest TSN that is in flight on a path, or USCTP_NEVER. */
uint64_t outstanding_earliest_on_path(const struct outstanding *o, uint8_t path);
/* A restart: everything goes back to be sent as new would contradict its TSNs, so the records are
   given up (5.2.4.1). Calls are the caller's to report; takes the lowest record out and returns its
   message (the caller releases it) with the record in *record, NULL when empty. */
struct outbound_message *outstanding_pop(struct outstanding *o, struct record *record);
static inline uint32_t record_chunk_bytes(const struct record *r) {
    return (16u + r->payload_bytes + 3u) & ~3u;
}
bool outstanding_check(const struct outstanding *o);

#endif
