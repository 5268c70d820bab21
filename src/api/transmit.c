/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The FIFO of built packets and who sends it (see transmit.h).
 */
#include "api/transmit.h"

#include "api/stack.h"
#include "net/transport.h"

#include <errno.h>
#include <stdlib.h>

enum {
    MAX_ROUNDS = 64,
    GATHER_BYTES = 128000, /* two runs as long as runs get */
    CLOSE_US = 20,         /* messages no further apart come one upon the other */
};

int transmit_init(struct transmit *t, size_t max_run_bytes, uint32_t gather_us) {
    STAILQ_INIT(&t->ready);
    STAILQ_INIT(&t->idle);
    t->max_run_bytes = max_run_bytes;
    t->gather_us = gather_us;
    t->gather_until_us = USCTP_NEVER;
    t->memory = malloc((size_t)TRANSMIT_BURSTS * TRANSMIT_BURST_BYTES);
    t->bursts = calloc(TRANSMIT_BURSTS, sizeof *t->bursts);
    if (!t->memory || !t->bursts) {
        free(t->memory);
        free(t->bursts);
        t->memory = NULL;
        t->bursts = NULL;
        return -ENOMEM;
    }
    for (size_t i = 0; i < TRANSMIT_BURSTS; i++) {
        t->bursts[i].memory = t->memory + i * TRANSMIT_BURST_BYTES;
        STAILQ_INSERT_TAIL(&t->idle, &t->bursts[i], link);
    }
    pthread_mutex_init(&t->sending, NULL);
    pthread_mutex_init(&t->fifo_lock, NULL);
    return 0;
}

void transmit_free(struct transmit *t) {
    if (!t->bursts)
        return;
    pthread_mutex_destroy(&t->sending);
    pthread_mutex_destroy(&t->fifo_lock);
    free(t->memory);
    free(t->bursts);
    t->memory = NULL;
    t->bursts = NULL;
}

/* ---- pulling --------------------------------------------------------------------------------- */

static struct burst *take_idle(struct transmit *t) {
    pthread_mutex_lock(&t->fifo_lock);
    struct burst *burst = STAILQ_FIRST(&t->idle);
    if (burst)
        STAILQ_REMOVE_HEAD(&t->idle, link);
    t->wants_pull = burst == NULL;
    pthread_mutex_unlock(&t->fifo_lock);
    return burst;
}

static void put_idle(struct transmit *t, struct burst *burst) {
    pthread_mutex_lock(&t->fifo_lock);
    STAILQ_INSERT_HEAD(&t->idle, burst, link); /* its memory is warm */
    pthread_mutex_unlock(&t->fifo_lock);
}

static void put_ready(struct transmit *t, struct burst *burst) {
    pthread_mutex_lock(&t->fifo_lock);
    STAILQ_INSERT_TAIL(&t->ready, burst, link);
    atomic_fetch_add(&t->ready_count, 1);
    pthread_mutex_unlock(&t->fifo_lock);
}

static bool fill_burst(struct usctp_stack *stack, struct burst *burst) {
    struct usctp_batch batch = {
        .memory = burst->memory,
        .memory_bytes = TRANSMIT_BURST_BYTES,
        .packets = burst->packets,
        .max_packets = TRANSMIT_BURST_PACKETS,
        .max_run_bytes = stack->transmit.max_run_bytes,
    };
    burst->count = usctp_engine_output(stack->engine, &batch, stack->now_us);
    burst->next = 0;
    burst->offset_bytes = 0;
    return burst->count > 0;
}

/* While the kernel has no room nothing is pulled; once it is time to try again, flush may. */
static uint64_t blocked_until(struct transmit *t, uint64_t now_us) {
    pthread_mutex_lock(&t->fifo_lock);
    if (t->is_blocked && now_us >= t->retry_us)
        t->is_blocked = false;
    uint64_t until_us = t->is_blocked ? t->retry_us : USCTP_NEVER;
    pthread_mutex_unlock(&t->fifo_lock);
    return until_us;
}

bool transmit_may_gather(struct usctp_stack *stack, int32_t assoc) {
    struct transmit *t = &stack->transmit;
    bool is_close = stack->now_us - t->sent_us <= CLOSE_US;
    t->sent_us = stack->now_us;
    if (t->gather_us == 0 || !is_close || stack->now_us >= t->gather_until_us ||
        !usctp_assoc_may_wait(stack->engine, assoc, GATHER_BYTES))
        return false;
    if (t->gather_until_us == USCTP_NEVER)
        t->gather_until_us = stack->now_us + t->gather_us;
    return true;
}

uint64_t transmit_pull(struct usctp_stack *stack) {
    struct transmit *t = &stack->transmit;
    t->gather_until_us = USCTP_NEVER;
    if (!usctp_engine_has_output(stack->engine) && !atomic_load(&t->is_blocked))
        return USCTP_NEVER;
    stack_now(stack); /* a call that only reads has not looked */
    uint64_t retry_us = blocked_until(t, stack->now_us);
    if (retry_us != USCTP_NEVER)
        return retry_us;
    while (usctp_engine_has_output(stack->engine)) {
        struct burst *burst = take_idle(t);
        if (!burst)
            return USCTP_NEVER;
        if (!fill_burst(stack, burst)) {
            put_idle(t, burst);
            return USCTP_NEVER;
        }
        put_ready(t, burst);
    }
    return USCTP_NEVER;
}

/* ---- sending --------------------------------------------------------------------------------- */

static struct burst *first_ready(struct transmit *t) {
    pthread_mutex_lock(&t->fifo_lock);
    struct burst *burst = t->is_blocked ? NULL : STAILQ_FIRST(&t->ready);
    pthread_mutex_unlock(&t->fifo_lock);
    return burst;
}

static void recycle_first(struct transmit *t) {
    pthread_mutex_lock(&t->fifo_lock);
    struct burst *burst = STAILQ_FIRST(&t->ready);
    STAILQ_REMOVE_HEAD(&t->ready, link);
    atomic_fetch_sub(&t->ready_count, 1);
    STAILQ_INSERT_HEAD(&t->idle, burst, link);
    pthread_mutex_unlock(&t->fifo_lock);
}

static uint64_t block(struct usctp_stack *stack) {
    struct transmit *t = &stack->transmit;
    uint64_t retry_us = env_host_now_us() + transport_send_delay_us(stack->transport);
    pthread_mutex_lock(&t->fifo_lock);
    t->is_blocked = true;
    t->retry_us = retry_us;
    t->short_sends++;
    pthread_mutex_unlock(&t->fifo_lock);
    return retry_us;
}

/* With the sending lock. Returns USCTP_NEVER, or when to try again: the kernel had no room. */
static uint64_t send_ready(struct usctp_stack *stack) {
    struct transmit *t = &stack->transmit;
    struct burst *burst;
    while ((burst = first_ready(t)) != NULL) {
        size_t left = burst->count - burst->next;
        size_t sent = transport_send(stack->transport, burst->packets + burst->next, left,
                                     &burst->offset_bytes);
        burst->next += sent;
        if (transport_send_reported(stack->transport))
            loop_kick(stack); /* it may be what somebody waits for */
        if (sent < left)
            return block(stack);
        recycle_first(t);
    }
    return USCTP_NEVER;
}

bool transmit_is_due(struct usctp_stack *stack) {
    return atomic_load(&stack->transmit.ready_count) > 0;
}

void transmit_flush(struct usctp_stack *stack) {
    struct transmit *t = &stack->transmit;
    for (int round = 0; round < MAX_ROUNDS; round++) {
        if (atomic_load(&t->ready_count) == 0 || !first_ready(t))
            return;
        if (pthread_mutex_trylock(&t->sending) != 0)
            return;
        uint64_t retry_us = send_ready(stack);
        pthread_mutex_unlock(&t->sending);
        if (retry_us != USCTP_NEVER) {
            pthread_mutex_lock(&stack->lock);
            loop_arm(stack, retry_us);
            pthread_mutex_unlock(&stack->lock);
            return;
        }
        pthread_mutex_lock(&t->fifo_lock);
        bool wants_pull = t->wants_pull;
        pthread_mutex_unlock(&t->fifo_lock);
        if (!wants_pull)
            continue;
        pthread_mutex_lock(&stack->lock);
        stack_now(stack);
        stack_settle(stack);
        pthread_mutex_unlock(&stack->lock);
    }
    /* Others keep the FIFO full: whoever drives goes on. */
    pthread_mutex_lock(&stack->lock);
    loop_kick(stack);
    pthread_mutex_unlock(&stack->lock);
}

void transmit_finish(struct usctp_stack *stack) {
    struct transmit *t = &stack->transmit;
    struct timespec limit;
    transmit_flush(stack);
    clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_sec++;
    if (pthread_mutex_timedlock(&t->sending, &limit) != 0)
        return;
    (void)send_ready(stack);
    pthread_mutex_unlock(&t->sending);
}
