/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One turn of the loop (see turn.h).
 */
#include "api/turn.h"

#include "api/autoclose.h"
#include "api/stack.h"
#include "net/transport.h"

#include <unistd.h>

enum {
    REFRESH_TURNS = 64,
    ICMP_ERRORS = 64,
    STREAK_PACKETS = 64, /* so many without an answer are a stream */
    PACKETS_A_NAP = 4,
    IDLE_NAPS = 4,    /* after a pause as long as so many naps a stream begins anew */
    SINGLE_TURNS = 7, /* after one packet came alone */
};

void turn_hangups(struct usctp_stack *stack, const struct epoll_event *events, int n) {
    for (int i = 0; i < n; i++) {
        if (events[i].data.u64 <= TURN_TAG_LAST)
            continue;
        /* The socket may have been deleted, or even made anew, since the event came: sockets stay
         * in memory. */
        struct socket *s = events[i].data.ptr;
        if (atomic_load(&s->stack) != stack || s->state == SOCKET_GONE)
            continue;
        if (descriptor_is_abandoned(&s->descriptor))
            socket_delete(s);
    }
}

struct causes {
    bool host, timer, wake;
    uint32_t readable, failed; /* packet sockets */
};

static struct causes causes_of(const struct epoll_event *events, int n) {
    struct causes causes = {.host = false};
    for (int i = 0; i < n; i++) {
        uint64_t tag = events[i].data.u64;
        causes.host |= tag == TURN_TAG_HOST;
        causes.timer |= tag == TURN_TAG_TIMER;
        causes.wake |= tag == TURN_TAG_WAKE;
        if (tag < TURN_TAG_PACKETS || tag > TURN_TAG_LAST)
            continue;
        causes.readable |= events[i].events & EPOLLIN ? 1u << (tag - TURN_TAG_PACKETS) : 0;
        causes.failed |= events[i].events & EPOLLERR ? 1u << (tag - TURN_TAG_PACKETS) : 0;
    }
    return causes;
}

static void clear_wakers(struct usctp_stack *stack, const struct causes *causes) {
    uint64_t count;
    if (causes->timer && read(stack->loop.timer_fd, &count, sizeof count) == (ssize_t)sizeof count)
        stack->loop.armed_us = USCTP_NEVER;
    /* The last one is for all who wait: it stays. */
    bool is_last = atomic_load(&stack->is_ending);
    if (causes->wake && !is_last && read(stack->loop.wake_fd, &count, sizeof count) < 0)
        return;
}

static void take_errors(struct usctp_stack *stack) {
    struct usctp_icmp icmp;
    for (int i = 0; i < ICMP_ERRORS && transport_next_icmp(stack->transport, &icmp) == 1; i++)
        usctp_engine_icmp(stack->engine, &icmp, stack->now_us);
}

static size_t count_single(const struct loop *loop, size_t received) {
    size_t count = 0;
    for (size_t i = 0; i < received; i++)
        count += loop->packets[i].segment_size == 0 ? 1 : 0;
    return count;
}

void turn_note_load(struct loop *loop, size_t received, uint64_t now_us) {
    if (loop->nap_us == 0)
        return;
    if (now_us - loop->drained_us > (uint64_t)IDLE_NAPS * loop->nap_us) {
        loop->streak_packets = 0;
        loop->is_loaded = false;
    }
    if (loop->streak_packets == 0)
        loop->streak_us = now_us;
    loop->drained_us = now_us;
    loop->streak_packets += count_single(loop, received);
    if (loop->streak_packets < STREAK_PACKETS)
        return;
    uint64_t naps = loop->streak_packets / PACKETS_A_NAP;
    loop->is_loaded = now_us - loop->streak_us <= naps * loop->nap_us;
    loop->streak_packets = 0;
}

/* Without the lock. To learn that there is no second packet costs as much as half the first: where
 * they come one by one, only some turns ask. */
static size_t take_packets(struct usctp_stack *stack, const struct causes *causes) {
    struct loop *loop = &stack->loop;
    size_t wanted = loop->single_turns > 0 ? 1 : LOOP_PACKETS;
    size_t received = transport_receive_ready(stack->transport, causes->readable, causes->failed,
                                              loop->packets, wanted);
    if (wanted == 1)
        loop->single_turns--;
    else if (received == 1)
        loop->single_turns = SINGLE_TURNS;
    return received;
}

void turn_run(struct usctp_stack *stack, const struct epoll_event *events, int n) {
    struct loop *loop = &stack->loop;
    struct causes causes = causes_of(events, n);
    size_t received = 0;
    loop->is_turning = true;
    clear_wakers(stack, &causes);
    if (causes.readable | causes.failed) {
        pthread_mutex_unlock(&stack->lock);
        received = take_packets(stack, &causes);
        pthread_mutex_lock(&stack->lock);
    }
    uint64_t now_us = stack_now(stack);
    if (received > 0) {
        turn_note_load(loop, received, now_us);
        usctp_engine_input(stack->engine, loop->packets, received, now_us);
    }
    if ((causes.readable | causes.failed) || causes.wake)
        take_errors(stack);
    if (causes.wake)
        stack_take_notices(stack);
    /* Packets that were all dropped: perhaps the speaker has just fallen silent. */
    bool were_dropped = causes.readable && received == 0;
    if (causes.host || were_dropped || ++loop->turns >= REFRESH_TURNS)
        stack_refresh(stack);
    turn_hangups(stack, events, n);
    if (usctp_engine_next_deadline(stack->engine) <= now_us)
        usctp_engine_advance(stack->engine, now_us);
    autoclose_run(stack);
    stack_settle(stack);
    loop->is_turning = false;
}
