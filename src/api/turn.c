/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One turn of the loop (see turn.h).
 */
#include "api/turn.h"

#include "api/autoclose.h"
#include "api/stack.h"
#include "net/transport.h"

#include <unistd.h>

enum { REFRESH_TURNS = 64, ICMP_ERRORS = 64, WAKERS = 3 };

void turn_hangups(struct usctp_stack *stack, const struct epoll_event *events, int n) {
    for (int i = 0; i < n; i++) {
        if (events[i].data.u64 <= WAKERS)
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
    bool transport, timer, wake;
};

static struct causes causes_of(const struct epoll_event *events, int n) {
    struct causes causes = {false, false, false};
    for (int i = 0; i < n; i++) {
        switch (events[i].data.u64) {
        case TURN_TAG_TRANSPORT:
            causes.transport = true;
            break;
        case TURN_TAG_TIMER:
            causes.timer = true;
            break;
        case TURN_TAG_WAKE:
            causes.wake = true;
            break;
        default:
            break;
        }
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

bool turn_run(struct usctp_stack *stack, const struct epoll_event *events, int n) {
    struct loop *loop = &stack->loop;
    struct causes causes = causes_of(events, n);
    size_t received = 0;
    loop->is_turning = true;
    clear_wakers(stack, &causes);
    if (causes.transport) {
        pthread_mutex_unlock(&stack->lock);
        received = transport_receive(stack->transport, loop->packets, LOOP_PACKETS);
        pthread_mutex_lock(&stack->lock);
    }
    uint64_t now_us = stack_now(stack);
    if (received > 0)
        usctp_engine_input(stack->engine, loop->packets, received, now_us);
    if (causes.transport || causes.wake)
        take_errors(stack);
    /* Something was readable, and it was no packet: perhaps the host's addresses. */
    if ((causes.transport && received == 0) || ++loop->turns >= REFRESH_TURNS)
        stack_refresh(stack);
    turn_hangups(stack, events, n);
    if (usctp_engine_next_deadline(stack->engine) <= now_us)
        usctp_engine_advance(stack->engine, now_us);
    autoclose_run(stack);
    stack_settle(stack);
    loop->is_turning = false;
    return received == LOOP_PACKETS;
}
