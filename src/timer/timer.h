/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Timers: deadlines in a heap, so that the next one is at hand and none is ever searched for.
 *
 * A timer is embedded in what it belongs to, which its kind tells how to find from it. Room in the
 * heap is reserved when its owner is made, so that starting a timer cannot fail. What an expiry
 * means is for the owner to say: the heap only hands expired timers out.
 */
#ifndef TIMER_TIMER_H
#define TIMER_TIMER_H

#include "core/env.h"

struct timer {
    uint64_t deadline_us;
    uint32_t slot; /* in the heap, 1 upwards; 0 = not running */
    uint8_t kind;
};

struct timers {
    struct timer **heap; /* heap[1..count] */
    uint32_t count, capacity, reserved;
};

void timers_init(struct timers *timers);
void timers_free(struct timers *timers, struct env *env);
/* Makes room for n more timers. Returns 0 or USCTP_ERR_NO_MEMORY. */
int timers_reserve(struct timers *timers, uint32_t n, struct env *env) USCTP_MUST_CHECK;
void timers_unreserve(struct timers *timers, uint32_t n);
/* The earliest deadline, or USCTP_NEVER. */
uint64_t timers_next(const struct timers *timers);
/* Stops and returns a timer that is due by now_us, earliest first; NULL when there is none. */
struct timer *timers_expire(struct timers *timers, uint64_t now_us);

void timer_init(struct timer *timer, uint8_t kind);
/* Starts it, or moves it when it runs. A deadline of USCTP_NEVER stops it. */
void timer_start(struct timer *timer, struct timers *timers, uint64_t deadline_us);
void timer_stop(struct timer *timer, struct timers *timers);
static inline bool timer_is_running(const struct timer *timer) {
    return timer->slot != 0;
}
/* The heap's order and the slots agree: for tests and the simulator. */
bool timers_check(const struct timers *timers);

#endif
