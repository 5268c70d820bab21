/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Taking packet sockets out of the epoll set and back (see doze.h; epoll(7)). The I/O thread may be
 * on its way to the set when a caller takes the role, hence the lock.
 */
#include "api/doze.h"

#include "api/stack.h"
#include "api/turn.h"
#include "net/transport.h"

#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

void doze_init(struct usctp_stack *stack) {
    struct doze *doze = &stack->loop.doze;
    size_t n = transport_packet_sockets(stack->transport);
    pthread_mutex_init(&doze->lock, NULL);
    doze->socket_count = n < DOZE_SOCKETS ? n : DOZE_SOCKETS;
    transport_descriptors(stack->transport, doze->sockets, doze->socket_count);
}

void doze_free(struct usctp_stack *stack) {
    pthread_mutex_destroy(&stack->loop.doze.lock);
}

void doze_begin(struct usctp_stack *stack) {
    struct loop *loop = &stack->loop;
    if (!transport_receives_xdp(stack->transport) ||
        atomic_load_explicit(&loop->doze.is_on, memory_order_relaxed))
        return;
    pthread_mutex_lock(&loop->doze.lock);
    for (size_t i = 0; i < loop->doze.socket_count; i++)
        epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, loop->doze.sockets[i], NULL);
    transport_doze_xdp(stack->transport);
    atomic_store_explicit(&loop->doze.is_on, true, memory_order_relaxed);
    pthread_mutex_unlock(&loop->doze.lock);
}

static struct epoll_event event_of(size_t i, uint32_t events) {
    return (struct epoll_event){.events = events, .data.u64 = TURN_TAG_PACKETS + i};
}

static int ask_sockets(const struct doze *doze, struct epoll_event *events) {
    struct pollfd polled[DOZE_SOCKETS];
    int n = 0;
    for (size_t i = 0; i < doze->socket_count; i++)
        polled[i] = (struct pollfd){.fd = doze->sockets[i], .events = POLLIN};
    if (poll(polled, doze->socket_count, 0) <= 0)
        return 0;
    for (size_t i = 0; i < doze->socket_count; i++) {
        uint32_t found = (polled[i].revents & POLLIN ? (uint32_t)EPOLLIN : 0) |
                         (polled[i].revents & POLLERR ? (uint32_t)EPOLLERR : 0);
        if (found != 0)
            events[n++] = event_of(i, found);
    }
    return n;
}

/* Returns false without the memory for it. */
static bool put_back(struct usctp_stack *stack) {
    struct loop *loop = &stack->loop;
    for (size_t i = 0; i < loop->doze.socket_count; i++) {
        struct epoll_event event = event_of(i, EPOLLIN);
        if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, loop->doze.sockets[i], &event) != 0 &&
            errno != EEXIST)
            return false;
    }
    transport_rouse_xdp(stack->transport);
    atomic_store_explicit(&loop->doze.is_on, false, memory_order_relaxed);
    return true;
}

int doze_look(struct usctp_stack *stack, struct epoll_event *events) {
    struct doze *doze = &stack->loop.doze;
    int cancellation;
    if (!atomic_load_explicit(&doze->is_on, memory_order_relaxed))
        return 0;
    /* A caller may be cancelled where he waits, but not with the lock: poll() and usleep() would
     * let him be. */
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancellation);
    pthread_mutex_lock(&doze->lock);
    int n = ask_sockets(doze, events);
    if (transport_has_xdp_packets(stack->transport))
        events[n++] = event_of(doze->socket_count, EPOLLIN);
    if (n == 0 && !put_back(stack)) {
        usleep(USCTP_MS); /* nobody is woken, so somebody looks */
        events[n++] = event_of(0, EPOLLIN);
    }
    pthread_mutex_unlock(&doze->lock);
    pthread_setcancelstate(cancellation, NULL);
    return n;
}

void doze_end(struct usctp_stack *stack) {
    struct doze *doze = &stack->loop.doze;
    if (!atomic_load_explicit(&doze->is_on, memory_order_relaxed))
        return;
    pthread_mutex_lock(&doze->lock);
    if (!put_back(stack))
        loop_kick(stack); /* he looks, then */
    pthread_mutex_unlock(&doze->lock);
}
