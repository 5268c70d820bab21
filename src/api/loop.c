/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who drives the packets (see loop.h): the role, who is woken to take it, and the I/O thread.
 * Blocked callers are in blocking.c.
 */
#include "api/loop.h"

#include "api/stack.h"
#include "api/turn.h"
#include "net/high_number.h"
#include "net/transport.h"

#include <errno.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum {
    THREAD_STACK_BYTES = 256 * 1024,
    PARK_TICK_NS = 1000000, /* how long the role lies free before the I/O thread takes it again */
};

/* ---- descriptors ----------------------------------------------------------------------------- */

static int add(struct loop *loop, int fd, uint64_t tag) {
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = tag};
    if (fd < 0 || epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
        return -errno;
    return 0;
}

static int watch_transport(struct usctp_stack *stack) {
    int fds[16];
    size_t n = transport_descriptors(stack->transport, fds, sizeof fds / sizeof fds[0]);
    size_t packet_sockets = transport_packet_sockets(stack->transport);
    for (size_t i = 0; i < n; i++) {
        int error =
            add(&stack->loop, fds[i], i < packet_sockets ? TURN_TAG_PACKETS + i : TURN_TAG_HOST);
        if (error != 0)
            return error;
    }
    transport_watch_xdp(stack->transport, stack->loop.epoll_fd, TURN_TAG_PACKETS + packet_sockets);
    return 0;
}

int loop_init(struct usctp_stack *stack) {
    struct loop *loop = &stack->loop;
    pthread_condattr_t attributes;
    TAILQ_INIT(&loop->followers);
    loop->armed_us = USCTP_NEVER;
    loop->nap_us = stack->config->nap_us;
    loop->busy_poll_us = stack->config->busy_poll_us;
    loop->packets = calloc(LOOP_PACKETS, sizeof *loop->packets);
    loop->epoll_fd = high_number_move(epoll_create1(EPOLL_CLOEXEC));
    loop->timer_fd = high_number_move(timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC));
    loop->wake_fd = high_number_move(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&loop->parked, &attributes);
    pthread_condattr_destroy(&attributes);
    if (!loop->packets)
        return -ENOMEM;
    if (loop->epoll_fd < 0 || loop->timer_fd < 0 || loop->wake_fd < 0)
        return -EMFILE;
    int error = add(loop, loop->timer_fd, TURN_TAG_TIMER);
    if (error == 0)
        error = add(loop, loop->wake_fd, TURN_TAG_WAKE);
    if (error == 0)
        error = watch_transport(stack);
    if (error == 0)
        doze_init(stack);
    return error;
}

static void close_one(struct loop *loop, int *fd) {
    if (*fd < 0)
        return;
    if (*fd != loop->epoll_fd)
        epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, *fd, NULL);
    close(*fd);
    *fd = -1;
}

void loop_free(struct usctp_stack *stack) {
    struct loop *loop = &stack->loop;
    int fds[16];
    size_t n = stack->transport ? transport_descriptors(stack->transport, fds, 16) : 0;
    if (stack->transport)
        transport_watch_xdp(stack->transport, -1, 0);
    for (size_t i = 0; i < n && loop->epoll_fd >= 0; i++)
        epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, fds[i], NULL);
    close_one(loop, &loop->timer_fd);
    close_one(loop, &loop->wake_fd);
    close_one(loop, &loop->epoll_fd);
    signals_free(&loop->handlers);
    free(loop->packets);
    loop->packets = NULL;
    pthread_cond_destroy(&loop->parked);
    doze_free(stack);
}

void loop_kick(struct usctp_stack *stack) {
    uint64_t one = 1;
    /* A full counter is a wake-up too. */
    if (write(stack->loop.wake_fd, &one, sizeof one) < 0)
        return;
}

void loop_arm(struct usctp_stack *stack, uint64_t deadline_us) {
    struct loop *loop = &stack->loop;
    if (deadline_us >= loop->armed_us)
        return;
    if (deadline_us == 0)
        deadline_us = 1; /* 0 would disarm it */
    struct itimerspec when = {.it_value = {.tv_sec = (time_t)(deadline_us / USCTP_S),
                                           .tv_nsec = (long)(deadline_us % USCTP_S) * 1000}};
    if (timerfd_settime(loop->timer_fd, TFD_TIMER_ABSTIME, &when, NULL) == 0)
        loop->armed_us = deadline_us;
}

/* ---- when to look -----------------------------------------------------------------------------
 */

uint32_t loop_pause_us(const struct usctp_stack *stack) {
    const struct loop *loop = &stack->loop;
    if (!loop->is_loaded || loop->busy_poll_us > 0)
        return 0;
    uint64_t since_us = env_host_now_us() - loop->drained_us;
    return since_us < loop->nap_us ? loop->nap_us - (uint32_t)since_us : 0;
}

void loop_note_sent(struct usctp_stack *stack) {
    stack->loop.is_loaded = false;
    stack->loop.streak_packets = 0;
}

/* ---- the role -------------------------------------------------------------------------------- */

static bool can_take(const struct loop *loop) {
    return loop->role == ROLE_FREE || (loop->role == ROLE_THREAD && !loop->is_turning);
}

bool loop_take(struct usctp_stack *stack) {
    if (!can_take(&stack->loop))
        return false;
    stack->loop.role = ROLE_CALLER;
    stack->loop.taken++;
    return true;
}

/* ---- who sleeps ------------------------------------------------------------------------------ */

/* He is in the lists, so his memory is there: he leaves them under the lock. */
static void call_one(struct follower *f) {
    if (atomic_exchange(&f->is_called, 1) == 0)
        syscall(SYS_futex, &f->is_called, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

void loop_wake(struct socket *s, int32_t assoc) {
    struct follower *f;
    TAILQ_FOREACH (f, &s->sleepers, of_socket)
        if ((f->want == WANT_WRITABLE || f->want == WANT_CONNECTED) && f->assoc == assoc)
            call_one(f);
}

void loop_wake_reader(struct socket *s) {
    struct follower *f, *first = NULL;
    TAILQ_FOREACH (f, &s->sleepers, of_socket) {
        if (f->want != WANT_READABLE)
            continue;
        if (atomic_load(&f->is_called))
            return;
        if (!first)
            first = f;
    }
    if (first)
        call_one(first);
}

void loop_wake_all(struct socket *s) {
    struct follower *f;
    TAILQ_FOREACH (f, &s->sleepers, of_socket)
        call_one(f);
}

void loop_wake_closed(struct socket *s, int fd) {
    struct usctp_stack *stack = atomic_load_explicit(&s->stack, memory_order_relaxed);
    struct follower *f;
    TAILQ_FOREACH (f, &s->sleepers, of_socket)
        if (f->fd == fd)
            call_one(f);
    if (stack->loop.leader == s && stack->loop.leader_fd == fd)
        loop_kick(stack);
}

void loop_wake_lingering(struct usctp_stack *stack) {
    struct follower *f;
    TAILQ_FOREACH (f, &stack->loop.followers, link)
        if (f->want == WANT_END)
            call_one(f);
}

void loop_forget(struct usctp_stack *stack) {
    struct follower *f;
    TAILQ_FOREACH (f, &stack->loop.followers, link)
        atomic_store(&f->is_called, 1);
}

void loop_hand_on(struct usctp_stack *stack) {
    struct loop *loop = &stack->loop;
    const struct follower *f;
    if (loop->role != ROLE_FREE || TAILQ_EMPTY(&loop->followers))
        return;
    if (loop->has_thread) {
        loop->must_drive = true;
        pthread_cond_signal(&loop->parked);
        return;
    }
    /* One who is called already drives, or comes by here when he leaves. */
    TAILQ_FOREACH (f, &loop->followers, link)
        if (atomic_load(&f->is_called))
            return;
    call_one(TAILQ_FIRST(&loop->followers));
}

void loop_release(struct usctp_stack *stack) {
    struct loop *loop = &stack->loop;
    loop->role = ROLE_FREE;
    loop->leader = NULL;
    /* Packets have to wake the I/O thread, unless that is parked, or who waits on the set. */
    if (!loop->is_parked)
        doze_end(stack);
    if (loop->has_thread && loop->is_parked_for_good)
        pthread_cond_signal(&loop->parked);
    loop_hand_on(stack);
}

/* ---- the I/O thread -------------------------------------------------------------------------- */

static void sleep_on(pthread_cond_t *condition, pthread_mutex_t *lock, long ns) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += ns;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    pthread_cond_timedwait(condition, lock, &until);
}

/*
 * Stays aside while callers drive: a caller that comes back within a tick finds the role where he
 * left it, and nobody was woken for it. While one caller drives for longer there is no ticking
 * either.
 */
static void park(struct usctp_stack *stack) {
    struct loop *loop = &stack->loop;
    loop->is_parked = true;
    while (!atomic_load(&stack->is_ending)) {
        uint64_t taken = loop->taken;
        if (!loop->must_drive)
            sleep_on(&loop->parked, &stack->lock, PARK_TICK_NS);
        if (loop->must_drive && loop->role == ROLE_FREE)
            break;
        loop->must_drive = false; /* somebody else does it */
        if (taken != loop->taken)
            continue;
        if (loop->role == ROLE_FREE)
            break;
        loop->is_parked_for_good = true;
        while (loop->role == ROLE_CALLER && taken == loop->taken && !atomic_load(&stack->is_ending))
            pthread_cond_wait(&loop->parked, &stack->lock);
        loop->is_parked_for_good = false;
    }
    loop->is_parked = loop->must_drive = false;
}

/* The I/O thread's wait. A nap is cut short by nothing: it is shorter than anybody notices. */
static int wait_for_events(struct usctp_stack *stack, struct epoll_event *events,
                           uint32_t pause_us) {
    const struct loop *loop = &stack->loop;
    if (pause_us > 0) {
        const struct timespec nap = {.tv_nsec = (long)pause_us * 1000};
        doze_begin(stack);
        nanosleep(&nap, NULL);
    }
    int n = doze_look(stack, events);
    if (n > 0) {
        int others = epoll_wait(loop->epoll_fd, events + n, LOOP_EVENTS - n, 0);
        return n + (others > 0 ? others : 0);
    }
    if (loop->busy_poll_us > 0) {
        uint64_t end_us = env_host_now_us() + loop->busy_poll_us;
        do
            n = epoll_wait(loop->epoll_fd, events, LOOP_EVENTS, 0);
        while (n == 0 && env_host_now_us() < end_us);
    }
    return n != 0 ? n : epoll_wait(loop->epoll_fd, events, LOOP_EVENTS, -1);
}

static void *run(void *argument) {
    struct usctp_stack *stack = argument;
    struct loop *loop = &stack->loop;
    struct epoll_event events[LOOP_EVENTS];
    pthread_setname_np(pthread_self(), "usctp-io"); /* by itself: that needs no /proc */
    pthread_mutex_lock(&stack->lock);
    while (!atomic_load(&stack->is_ending)) {
        if (loop->role == ROLE_FREE)
            loop->role = ROLE_THREAD;
        uint32_t pause_us = loop_pause_us(stack);
        pthread_mutex_unlock(&stack->lock);
        int n = wait_for_events(stack, events, pause_us);
        pthread_mutex_lock(&stack->lock);
        if (loop->role == ROLE_FREE)
            loop->role = ROLE_THREAD;
        if (loop->role == ROLE_CALLER) {
            /* The wake-up was meant for who took the role; epoll wakes only one. */
            if (n > 0)
                turn_hangups(stack, events, n);
            loop_kick(stack);
            park(stack);
            continue;
        }
        if (n <= 0)
            continue;
        turn_run(stack, events, n);
        pthread_mutex_unlock(&stack->lock);
        transmit_flush(stack);
        pthread_mutex_lock(&stack->lock);
    }
    if (loop->role == ROLE_THREAD)
        loop->role = ROLE_FREE;
    pthread_mutex_unlock(&stack->lock);
    return NULL;
}

int loop_start_thread(struct usctp_stack *stack) {
    pthread_attr_t attributes;
    sigset_t all, before;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, THREAD_STACK_BYTES);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    stack->loop.has_thread = true;
    int error = pthread_create(&stack->loop.thread, &attributes, run, stack);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    if (error != 0) {
        stack->loop.has_thread = false;
        return -error;
    }
    return 0;
}

void loop_stop_thread(struct usctp_stack *stack) {
    struct loop *loop = &stack->loop;
    loop_kick(stack);
    if (!loop->has_thread)
        return;
    pthread_mutex_lock(&stack->lock);
    pthread_cond_broadcast(&loop->parked);
    pthread_mutex_unlock(&stack->lock);
    pthread_join(loop->thread, NULL);
    pthread_mutex_lock(&stack->lock);
    loop->has_thread = false;
    pthread_mutex_unlock(&stack->lock);
}
