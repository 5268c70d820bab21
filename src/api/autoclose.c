/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Idle associations (see autoclose.h).
 *
 * A socket's list of associations has the least recently active one first, so that its head alone
 * says when to look. Data that moved without a call of the application (retransmissions, parts of a
 * large message) is known to the engine, which is asked when the head seems idle.
 */
#include "api/autoclose.h"

#include "api/connection.h"
#include "api/stack.h"

static uint64_t idle_us(const struct socket *s) {
    return (uint64_t)s->autoclose_s * USCTP_S;
}

void autoclose_set(struct socket *s, uint32_t seconds) {
    struct usctp_stack *stack = atomic_load_explicit(&s->stack, memory_order_relaxed);
    struct connection *a;
    if (s->autoclose_s != 0)
        LIST_REMOVE(s, autoclose_link);
    s->autoclose_s = seconds;
    if (seconds == 0)
        return;
    LIST_INSERT_HEAD(&stack->autoclosing, s, autoclose_link);
    TAILQ_FOREACH (a, &s->connections, of_socket)
        a->active_us = stack->now_us;
}

static void close_or_wait(struct usctp_stack *stack, struct connection *a, uint64_t idle_us) {
    struct usctp_assoc_status status;
    bool is_up = connection_status(a, &status) && status.state == USCTP_ESTABLISHED;
    bool is_done = is_up && status.unacknowledged_chunks == 0 && status.unsent_bytes == 0;
    if (!is_done || a->is_write_shut) {
        connection_touch(a, stack->now_us);
    } else if (status.data_us + idle_us > stack->now_us) {
        connection_touch(a, status.data_us);
    } else {
        a->is_write_shut = true;
        connection_touch(a, stack->now_us);
        usctp_assoc_shutdown(stack->engine, a->id, stack->now_us);
    }
}

static void run_socket(struct usctp_stack *stack, struct socket *s) {
    struct connection *a;
    /* Each that is looked at goes to the end of the list with a later time: the walk ends. */
    while ((a = TAILQ_FIRST(&s->connections)) != NULL && a->active_us + idle_us(s) <= stack->now_us)
        close_or_wait(stack, a, idle_us(s));
}

void autoclose_run(struct usctp_stack *stack) {
    struct socket *s;
    LIST_FOREACH (s, &stack->autoclosing, autoclose_link)
        run_socket(stack, s);
}

uint64_t autoclose_deadline_us(const struct usctp_stack *stack) {
    uint64_t soonest_us = USCTP_NEVER;
    const struct socket *s;
    LIST_FOREACH (s, &stack->autoclosing, autoclose_link) {
        const struct connection *a = TAILQ_FIRST(&s->connections);
        if (a && a->active_us + idle_us(s) < soonest_us)
            soonest_us = a->active_us + idle_us(s);
    }
    return soonest_us;
}
