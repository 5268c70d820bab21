/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Packets on their way out: pulled from the engine under the stack's lock into a FIFO of bursts,
 * and sent by whoever gets the sending lock by trylock.
 *
 * The loser of the trylock leaves; the holder looks at the FIFO again after unlocking, so nothing
 * is left behind. What the kernel has no room for stays at the head, nothing more is pulled
 * meanwhile, and it is offered again when retry_us comes. Locks: the stack's lock, then fifo_lock;
 * the sending lock is only ever tried, with no other lock held.
 */
#ifndef API_TRANSMIT_H
#define API_TRANSMIT_H

#include "usctp/engine.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

struct transport;
struct usctp_stack;

enum { TRANSMIT_BURSTS = 4, TRANSMIT_BURST_PACKETS = 128, TRANSMIT_BURST_BYTES = 256 * 1024 };

/* One filling of a batch. */
struct burst {
    STAILQ_ENTRY(burst) link;
    struct usctp_packet packets[TRANSMIT_BURST_PACKETS];
    size_t count, next;    /* packets; the first not sent */
    uint32_t offset_bytes; /* how much of packets[next], a run, has been sent */
    uint8_t *memory;
};

STAILQ_HEAD(burst_list, burst);

struct transmit {
    pthread_mutex_t sending;
    pthread_mutex_t fifo_lock; /* the rest */
    struct burst_list ready, idle;
    _Atomic uint32_t
        ready_count; /* of ready; to see without the lock that there is nothing to do */
    struct burst *bursts;
    uint8_t *memory;
    size_t max_run_bytes;
    _Atomic bool is_blocked; /* the kernel had no room */
    uint64_t retry_us;       /* when is_blocked */
    bool wants_pull;         /* pulling stopped for want of idle bursts */
    /* Gathering messages into long runs; under the stack's lock. */
    uint32_t gather_us;
    uint64_t sent_us;         /* the last message of the user's */
    uint64_t gather_until_us; /* USCTP_NEVER: nothing waits */
    uint64_t short_sends;     /* how often the kernel had no room */
};

/* Returns 0 or -ENOMEM. */
int transmit_init(struct transmit *t, size_t max_run_bytes, uint32_t gather_us);
void transmit_free(struct transmit *t);
/* Whether what was just sent on an association may wait for more, until t->gather_until_us:
 * messages come one upon the other and plenty is under way. The stack is locked. */
bool transmit_may_gather(struct usctp_stack *stack, int32_t assoc);
/* Pulls what the engine has to send. The stack is locked. Returns when to try again, or
 * USCTP_NEVER. */
uint64_t transmit_pull(struct usctp_stack *stack);
/* Whether there is something to flush. */
bool transmit_is_due(struct usctp_stack *stack);
/* Sends what was pulled. The stack is not locked. */
void transmit_flush(struct usctp_stack *stack);
/* The same before exit(), which would end another thread in the middle of its flush: that one is
 * waited for, a second at most. */
void transmit_finish(struct usctp_stack *stack);

#endif
