/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A sorted set of half-open ranges of 64-bit numbers: the TSNs above the cumulative one that have
 * arrived.
 *
 * Neighbours are merged. All zero is an empty set, which has no memory of its own.
 */
#ifndef CORE_RANGES_H
#define CORE_RANGES_H

#include "core/env.h"

struct range {
    uint64_t start, end; /* [start, end) */
};

struct ranges {
    struct range *items; /* sorted, disjoint, not adjacent */
    uint32_t count, capacity;
};

/* It is empty then, and may be used again. */
void ranges_free(struct ranges *r, struct env *env);
/* Adds [start, end), start < end. Returns 0, or USCTP_ERR_NO_MEMORY and the set is as it was. */
int ranges_add(struct ranges *r, uint64_t start, uint64_t end, struct env *env) USCTP_MUST_CHECK;
/* Removes everything below `end`. Never fails. */
void ranges_remove_below(struct ranges *r, uint64_t end);
/* Takes [start, end) out. Returns 0 or USCTP_ERR_NO_MEMORY (a range would have been split). */
int ranges_remove(struct ranges *r, uint64_t start, uint64_t end, struct env *env) USCTP_MUST_CHECK;
bool ranges_has(const struct ranges *r, uint64_t value);
/* Sorted, disjoint, not adjacent, none empty: for tests and the simulator. */
bool ranges_check(const struct ranges *r);

#endif
