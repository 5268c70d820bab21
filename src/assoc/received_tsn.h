/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which TSNs have arrived: the Cumulative TSN Ack, the gaps above it, and duplicates to report (RFC
 * 9260 3.3.4, 6.2).
 *
 * A bookkeeper: it does not see the association. When a SACK is due is decided in ack.c; the data
 * themselves are in reassembly.c.
 */
#ifndef ASSOC_RECEIVED_TSN_H
#define ASSOC_RECEIVED_TSN_H

#include "chunk/sack_chunk.h"
#include "core/ranges.h"
#include "core/serial.h"

struct received_tsn {
    uint64_t cumulative;  /* unwrapped: every TSN up to it has arrived */
    struct ranges above;  /* what arrived above cumulative + 1 */
    uint32_t *duplicates; /* since the last SACK; room for max_duplicates, made by the first */
    uint32_t duplicate_count, max_duplicates;
    uint32_t dropped_duplicates; /* reports beyond the limit, modulo 2^32 */
};

enum received_verdict {
    RECEIVED_NEW,
    RECEIVED_DUPLICATE, /* noted for the next SACK */
    RECEIVED_BEYOND,    /* further ahead than the window allows */
};

void received_tsn_init(struct received_tsn *r, uint32_t initial_tsn, uint32_t max_duplicates);
void received_tsn_free(struct received_tsn *r, struct env *env);
/* Has this one, unwrapped, arrived? */
bool received_tsn_has(const struct received_tsn *r, uint64_t tsn);
/* Says what a TSN is; only RECEIVED_DUPLICATE changes something (the report). window: how many TSNs
   ahead of the cumulative one are looked at. */
enum received_verdict received_tsn_classify(struct received_tsn *r, uint32_t tsn, uint32_t window,
                                            struct env *env);
/* Enters a TSN that was RECEIVED_NEW. Returns 0 or USCTP_ERR_NO_MEMORY, and then nothing has
 * changed. */
int received_tsn_add(struct received_tsn *r, uint32_t tsn, struct env *env) USCTP_MUST_CHECK;
static inline bool received_tsn_has_gap(const struct received_tsn *r) {
    return r->above.count > 0;
}
/* The highest TSN that arrived, unwrapped. */
uint64_t received_tsn_highest(const struct received_tsn *r);
/* Writes Gap Ack Blocks, lowest first; blocks further than 65,535 from the cumulative TSN are left
 * out. Returns how many. */
uint32_t received_tsn_gaps(const struct received_tsn *r, struct sack_gap *out, uint32_t max);
/* The duplicates have been reported. */
void received_tsn_clear_duplicates(struct received_tsn *r, struct env *env);
bool received_tsn_check(const struct received_tsn *r);

static inline uint64_t received_tsn_unwrap(const struct received_tsn *r, uint32_t tsn) {
    return serial_unwrap(r->cumulative, tsn);
}

#endif
