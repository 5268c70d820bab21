/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory back from associations that carry no data for a while.
 *
 * Each that carries some is on the engine's list; a look a second finds those that have not since,
 * takes from them what the next DATA makes anew, and takes them off. One timer does for all, and
 * runs only while the list is not empty.
 */
#include "assoc/association.h"

#define IDLE_US USCTP_S

void idle_watch(struct assoc *a) {
    struct usctp_engine *engine = a->engine;
    a->is_used = true;
    TAILQ_INSERT_TAIL(&engine->used, a, used_link);
    if (!timer_is_running(&engine->idle_timer))
        timer_start(&engine->idle_timer, &engine->timers, engine->now_us + IDLE_US);
}

void idle_forget(struct assoc *a) {
    if (a->is_used)
        TAILQ_REMOVE(&a->engine->used, a, used_link);
    a->is_used = false;
}

void idle_on_timer(struct usctp_engine *engine, uint64_t now_us) {
    struct assoc *a, *next;
    for (a = TAILQ_FIRST(&engine->used); a; a = next) {
        next = TAILQ_NEXT(a, used_link);
        if (a->data_us + IDLE_US > now_us || !outstanding_is_empty(&a->outstanding))
            continue;
        outstanding_trim(&a->outstanding, &engine->env);
        reassembly_trim(&a->reassembly, &engine->env);
        if (!a->reassembly.held)
            idle_forget(a);
    }
    if (!TAILQ_EMPTY(&engine->used))
        timer_start(&engine->idle_timer, &engine->timers, now_us + IDLE_US);
}
