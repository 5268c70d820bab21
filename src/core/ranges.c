/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A sorted set of ranges in one array: binary search to look up, a memmove to change.
 *
 * Losses leave few ranges, and the ends of the array change most; a peer that sends every second
 * TSN is bounded by what its data is charged (src/assoc), not here. The struct must not be copied:
 * items may point into it.
 */
#include "core/ranges.h"

#include <string.h>

#define LEAST_CAPACITY 4u

void ranges_free(struct ranges *r, struct env *env) {
    env_release(env, r->items, r->capacity * sizeof *r->items);
    memset(r, 0, sizeof *r);
}

/* The first range that ends after `value`, or at it when `touching`; count when none does. */
static uint32_t find_end(const struct ranges *r, uint64_t value, bool touching) {
    uint32_t low = 0, high = r->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        uint64_t end = r->items[middle].end;
        if (end > value || (touching && end == value)) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

/* How many ranges start before `value`, or at it when `touching`. */
static uint32_t find_start(const struct ranges *r, uint64_t value, bool touching) {
    uint32_t low = 0, high = r->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        uint64_t start = r->items[middle].start;
        if (start < value || (touching && start == value)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static int make_room(struct ranges *r, struct env *env) {
    if (r->count < r->capacity)
        return 0;
    if (r->capacity > UINT32_MAX / 2)
        return USCTP_ERR_NO_MEMORY;
    uint32_t capacity = r->capacity < LEAST_CAPACITY / 2 ? LEAST_CAPACITY : r->capacity * 2;
    struct range *items = env_allocate_raw(env, capacity * sizeof *items);
    if (!items)
        return USCTP_ERR_NO_MEMORY;
    if (r->count > 0)
        memcpy(items, r->items, r->count * sizeof *items);
    env_release(env, r->items, r->capacity * sizeof *items);
    r->items = items;
    r->capacity = capacity;
    return 0;
}

static int insert_at(struct ranges *r, uint32_t at, struct range item, struct env *env) {
    int error = make_room(r, env);
    if (error)
        return error;
    memmove(r->items + at + 1, r->items + at, (r->count - at) * sizeof item);
    r->items[at] = item;
    r->count++;
    return 0;
}

/* Drops the ranges from..to-1. */
static void erase(struct ranges *r, uint32_t from, uint32_t to) {
    if (from == to)
        return;
    memmove(r->items + from, r->items + to, (r->count - to) * sizeof *r->items);
    r->count -= to - from;
}

int ranges_add(struct ranges *r, uint64_t start, uint64_t end, struct env *env) {
    ASSERT(start < end);
    /* from..to-1 overlap or touch the new range, and melt into it. */
    uint32_t from = find_end(r, start, true);
    uint32_t to = find_start(r, end, true);
    if (from >= to)
        return insert_at(r, from, (struct range){start, end}, env);
    struct range *first = &r->items[from];
    uint64_t last_end = r->items[to - 1].end;
    if (start < first->start)
        first->start = start;
    first->end = end > last_end ? end : last_end;
    erase(r, from + 1, to);
    return 0;
}

void ranges_remove_below(struct ranges *r, uint64_t end) {
    erase(r, 0, find_end(r, end, false));
    if (r->count > 0 && r->items[0].start < end)
        r->items[0].start = end;
}

int ranges_remove(struct ranges *r, uint64_t start, uint64_t end, struct env *env) {
    if (start >= end)
        return 0;
    uint32_t from = find_end(r, start, false);
    uint32_t to = find_start(r, end, false);
    if (from >= to)
        return 0;
    struct range *first = &r->items[from];
    struct range *last = &r->items[to - 1];
    if (first == last && first->start < start && last->end > end) {
        struct range rest = {end, last->end};
        int error = insert_at(r, to, rest, env); /* may move the items */
        if (!error)
            r->items[from].end = start;
        return error;
    }
    if (last->end > end) {
        last->start = end;
        to--;
    }
    if (from < to && first->start < start) {
        first->end = start;
        from++;
    }
    if (from < to)
        erase(r, from, to);
    return 0;
}

bool ranges_has(const struct ranges *r, uint64_t value) {
    uint32_t at = find_end(r, value, false);
    return at < r->count && r->items[at].start <= value;
}

bool ranges_check(const struct ranges *r) {
    if (r->count > r->capacity)
        return false;
    for (uint32_t i = 0; i < r->count; i++) {
        if (r->items[i].start >= r->items[i].end)
            return false;
        if (i > 0 && r->items[i - 1].end >= r->items[i].start)
            return false;
    }
    return true;
}
