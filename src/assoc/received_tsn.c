/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Received TSNs: a cumulative point, the ranges above it, and a bounded list of duplicates
 * (RFC 9260 3.3.4, 6.2, 6.7).
 *
 * All comparisons are of unwrapped TSNs. When to send a SACK and how many blocks fit is in ack.c.
 */
#include "assoc/received_tsn.h"

#include <string.h>

void received_tsn_init(struct received_tsn *r, uint32_t initial_tsn, uint32_t max_duplicates) {
    memset(r, 0, sizeof *r);
    r->cumulative = serial_first(initial_tsn) - 1;
    r->max_duplicates = max_duplicates;
}

void received_tsn_free(struct received_tsn *r, struct env *env) {
    ranges_free(&r->above, env);
    env_release(env, r->duplicates, r->max_duplicates * sizeof *r->duplicates);
    memset(r, 0, sizeof *r);
}

/* RFC 9260 6.2: each duplicate that was seen since the last SACK is reported once for each time it
 * came. */
static void note_duplicate(struct received_tsn *r, uint32_t tsn, struct env *env) {
    if (!r->duplicates && r->max_duplicates > 0)
        r->duplicates = env_allocate_raw(env, r->max_duplicates * sizeof *r->duplicates);
    if (r->duplicates && r->duplicate_count < r->max_duplicates)
        r->duplicates[r->duplicate_count++] = tsn;
    else
        r->dropped_duplicates++;
}

bool received_tsn_has(const struct received_tsn *r, uint64_t tsn) {
    return tsn <= r->cumulative || ranges_has(&r->above, tsn);
}

enum received_verdict received_tsn_classify(struct received_tsn *r, uint32_t tsn, uint32_t window,
                                            struct env *env) {
    uint64_t unwrapped = received_tsn_unwrap(r, tsn);
    if (received_tsn_has(r, unwrapped)) {
        note_duplicate(r, tsn, env);
        return RECEIVED_DUPLICATE;
    }
    return unwrapped - r->cumulative > window ? RECEIVED_BEYOND : RECEIVED_NEW;
}

int received_tsn_add(struct received_tsn *r, uint32_t tsn, struct env *env) {
    uint64_t unwrapped = received_tsn_unwrap(r, tsn);
    ASSERT(unwrapped > r->cumulative);
    if (unwrapped > r->cumulative + 1)
        return ranges_add(&r->above, unwrapped, unwrapped + 1, env);
    r->cumulative = unwrapped;
    if (r->above.count > 0 && r->above.items[0].start == unwrapped + 1) {
        r->cumulative = r->above.items[0].end - 1;
        ranges_remove_below(&r->above, r->cumulative + 1);
    }
    return 0;
}

uint64_t received_tsn_highest(const struct received_tsn *r) {
    return r->above.count > 0 ? r->above.items[r->above.count - 1].end - 1 : r->cumulative;
}

uint32_t received_tsn_gaps(const struct received_tsn *r, struct sack_gap *out, uint32_t max) {
    uint32_t count = 0;
    while (count < max && count < r->above.count) {
        uint64_t start = r->above.items[count].start - r->cumulative;
        uint64_t end = r->above.items[count].end - 1 - r->cumulative;
        if (start > UINT16_MAX)
            break;
        if (end > UINT16_MAX)
            end = UINT16_MAX;
        out[count++] = (struct sack_gap){(uint16_t)start, (uint16_t)end};
    }
    return count;
}

void received_tsn_clear_duplicates(struct received_tsn *r, struct env *env) {
    env_release(env, r->duplicates, r->max_duplicates * sizeof *r->duplicates);
    r->duplicates = NULL;
    r->duplicate_count = 0;
}

bool received_tsn_check(const struct received_tsn *r) {
    if (r->duplicate_count > r->max_duplicates || !ranges_check(&r->above))
        return false;
    return r->above.count == 0 || r->above.items[0].start > r->cumulative + 1;
}
