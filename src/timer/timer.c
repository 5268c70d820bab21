/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A binary heap of pointers to timers, the earliest at heap[1].
 *
 * Each timer knows its slot, so moving and stopping one costs the heap's height. The RFC's timers
 * and what they do when they expire are in src/assoc.
 */
#include "timer/timer.h"

#include <string.h>

#define LEAST_CAPACITY 16u

void timers_init(struct timers *timers) {
    memset(timers, 0, sizeof *timers);
}

void timers_free(struct timers *timers, struct env *env) {
    for (uint32_t slot = 1; slot <= timers->count; slot++) {
        timers->heap[slot]->slot = 0;
    }
    env_release(env, timers->heap, timers->capacity * sizeof(struct timer *));
    timers_init(timers);
}

int timers_reserve(struct timers *timers, uint32_t n, struct env *env) {
    uint64_t needed = (uint64_t)timers->reserved + n + 1; /* heap[0] is not used */
    if (needed > UINT32_MAX / 2)
        return USCTP_ERR_NO_MEMORY;
    if (needed > timers->capacity) {
        uint32_t capacity = timers->capacity > 0 ? timers->capacity : LEAST_CAPACITY;
        while (capacity < needed) {
            capacity += capacity / 4; /* each owner has a part in what is not used */
        }
        struct timer **heap = env_allocate_raw(env, capacity * sizeof(struct timer *));
        if (!heap)
            return USCTP_ERR_NO_MEMORY;
        heap[0] = NULL;
        if (timers->count > 0)
            memcpy(heap + 1, timers->heap + 1, timers->count * sizeof(struct timer *));
        env_release(env, timers->heap, timers->capacity * sizeof(struct timer *));
        timers->heap = heap;
        timers->capacity = capacity;
    }
    timers->reserved += n;
    return 0;
}

void timers_unreserve(struct timers *timers, uint32_t n) {
    ASSERT(n <= timers->reserved && timers->count <= timers->reserved - n);
    timers->reserved -= n;
}

uint64_t timers_next(const struct timers *timers) {
    return timers->count > 0 ? timers->heap[1]->deadline_us : USCTP_NEVER;
}

static void put(struct timers *timers, uint32_t slot, struct timer *timer) {
    timers->heap[slot] = timer;
    timer->slot = slot;
}

static void move_up(struct timers *timers, uint32_t slot, struct timer *timer) {
    while (slot > 1 && timers->heap[slot / 2]->deadline_us > timer->deadline_us) {
        put(timers, slot, timers->heap[slot / 2]);
        slot /= 2;
    }
    put(timers, slot, timer);
}

static void move_down(struct timers *timers, uint32_t slot, struct timer *timer) {
    for (;;) {
        uint32_t child = 2 * slot;
        if (child > timers->count)
            break;
        if (child < timers->count &&
            timers->heap[child + 1]->deadline_us < timers->heap[child]->deadline_us)
            child++;
        if (timers->heap[child]->deadline_us >= timer->deadline_us)
            break;
        put(timers, slot, timers->heap[child]);
        slot = child;
    }
    put(timers, slot, timer);
}

/* Puts a timer where its deadline belongs, from a slot that is free or its own. */
static void settle(struct timers *timers, uint32_t slot, struct timer *timer) {
    if (slot > 1 && timers->heap[slot / 2]->deadline_us > timer->deadline_us) {
        move_up(timers, slot, timer);
    } else {
        move_down(timers, slot, timer);
    }
}

struct timer *timers_expire(struct timers *timers, uint64_t now_us) {
    if (timers->count == 0 || timers->heap[1]->deadline_us > now_us)
        return NULL;
    struct timer *timer = timers->heap[1];
    timer_stop(timer, timers);
    return timer;
}

void timer_init(struct timer *timer, uint8_t kind) {
    *timer = (struct timer){.deadline_us = USCTP_NEVER, .kind = kind};
}

void timer_start(struct timer *timer, struct timers *timers, uint64_t deadline_us) {
    if (deadline_us == USCTP_NEVER) {
        timer_stop(timer, timers);
        return;
    }
    timer->deadline_us = deadline_us;
    if (timer->slot == 0) {
        ASSERT(timers->count < timers->reserved);
        move_up(timers, ++timers->count, timer);
    } else {
        settle(timers, timer->slot, timer);
    }
}

void timer_stop(struct timer *timer, struct timers *timers) {
    timer->deadline_us = USCTP_NEVER;
    if (timer->slot == 0)
        return;
    ASSERT(timer->slot <= timers->count && timers->heap[timer->slot] == timer);
    uint32_t slot = timer->slot;
    struct timer *last = timers->heap[timers->count--];
    timer->slot = 0;
    if (last != timer)
        settle(timers, slot, last);
}

bool timers_check(const struct timers *timers) {
    if (timers->count > timers->reserved)
        return false;
    if (timers->reserved > 0 && timers->reserved >= timers->capacity)
        return false;
    for (uint32_t slot = 1; slot <= timers->count; slot++) {
        const struct timer *timer = timers->heap[slot];
        if (timer->slot != slot || timer->deadline_us == USCTP_NEVER)
            return false;
        if (slot > 1 && timers->heap[slot / 2]->deadline_us > timer->deadline_us)
            return false;
    }
    return true;
}
