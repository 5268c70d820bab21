/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The end of a process (see exiting.h).
 *
 * Other threads may still be in calls: those that sleep are left asleep, as the kernel would, one
 * that drives goes on driving, and those that call from now on sleep, too, until a later exit
 * handler closes their descriptor or the process ends. The thread that exits gets ESHUTDOWN.
 */
#include "api/exiting.h"

#include "api/close.h"
#include "api/connection.h"
#include "api/fd_table.h"
#include "api/stack.h"

#include <unistd.h>

enum {
    SILENCE_US = 2000000, /* without a packet: nobody answers */
    LONGEST_US = 10000000,
    LOCK_S = 1,
    TAKES = 1000,
};

static uint64_t linger_us(const struct socket *s) {
    return s->linger.l_onoff && s->linger.l_linger > 0 ? (uint64_t)s->linger.l_linger * USCTP_S : 0;
}

static void begin(struct usctp_stack *stack) {
    struct exiting *e = &stack->exiting;
    struct socket *s;
    uint64_t longest_us = LONGEST_US;
    if (stack->is_foreign || !fd_table_lock_for(&stack->lock, LOCK_S))
        return;
    *e =
        (struct exiting){.has_begun = true, .thread = pthread_self(), .heard_us = stack_now(stack)};
    LIST_FOREACH (s, &stack->sockets, link) {
        longest_us = linger_us(s) > longest_us ? linger_us(s) : longest_us;
        close_give_away(s);
    }
    e->end_us = stack->now_us + longest_us;
    stack_settle(stack);
    pthread_mutex_unlock(&stack->lock);
    transmit_flush(stack);
}

static bool is_over(struct usctp_stack *stack) {
    struct exiting *e = &stack->exiting;
    struct usctp_engine_counters counters;
    usctp_engine_counters(stack->engine, &counters);
    uint64_t now_us = stack_now(stack);
    if (counters.packets_in != e->heard_packets) {
        e->heard_packets = counters.packets_in;
        e->heard_us = now_us;
    }
    return stack->closing_count == 0 || now_us >= e->end_us || now_us - e->heard_us >= SILENCE_US;
}

/* Returns whether there is something to wait for. */
static bool drive(struct usctp_stack *stack) {
    if (!stack->exiting.has_begun)
        return false;
    pthread_mutex_lock(&stack->lock);
    bool waits = !is_over(stack);
    bool drives = waits && loop_take(stack);
    pthread_mutex_unlock(&stack->lock);
    if (drives) {
        stack_drive(stack, 1, 1);
        pthread_mutex_lock(&stack->lock);
        loop_release(stack);
        pthread_mutex_unlock(&stack->lock);
    } else if (waits) {
        usleep(USCTP_MS);
    }
    return waits;
}

static void end(struct usctp_stack *stack) {
    struct connection *a;
    if (!stack->exiting.has_begun)
        return;
    pthread_mutex_lock(&stack->lock);
    while ((a = LIST_FIRST(&stack->connections)) != NULL)
        close_abort(stack, a);
    transmit_pull(stack);
    stack->exiting.is_over = true;
    /* The role is kept: nobody is to drive while other exit handlers take libcrypto down. */
    for (int i = 0; i < TAKES && !loop_take(stack); i++) {
        loop_kick(stack);
        pthread_mutex_unlock(&stack->lock);
        usleep(USCTP_MS);
        pthread_mutex_lock(&stack->lock);
    }
    pthread_mutex_unlock(&stack->lock);
    transmit_finish(stack);
}

void exiting_run(void) {
    struct usctp_stack *stack;
    bool waits = true;
    if (!fd_table_lock_stacks_for(LOCK_S))
        return;
    for (stack = fd_table_first_stack(); stack; stack = fd_table_next_stack(stack))
        begin(stack);
    while (waits) {
        waits = false;
        for (stack = fd_table_first_stack(); stack; stack = fd_table_next_stack(stack))
            waits |= drive(stack);
    }
    for (stack = fd_table_first_stack(); stack; stack = fd_table_next_stack(stack))
        end(stack);
    fd_table_unlock_stacks();
}
