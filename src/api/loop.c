/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who drives the packets (see loop.h): the blocked callers, the I/O thread, and how the role goes
 * from one to the other.
 */
#include "api/loop.h"

#include "api/connection.h"
#include "api/stack.h"
#include "api/turn.h"
#include "net/transport.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum {
    THREAD_STACK_BYTES = 256 * 1024,
    PARK_TICK_NS = 1000000, /* how long the role lies free before the I/O thread takes it again */
    END_TICK_NS = 1000000,
    MAX_WAIT_MS = 3600 * 1000,
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
    for (size_t i = 0; i < n; i++) {
        int error = add(&stack->loop, fds[i], TURN_TAG_TRANSPORT);
        if (error != 0)
            return error;
    }
    return 0;
}

int loop_init(struct usctp_stack *stack) {
    struct loop *loop = &stack->loop;
    pthread_condattr_t attributes;
    TAILQ_INIT(&loop->followers);
    loop->armed_us = USCTP_NEVER;
    loop->packets = calloc(LOOP_PACKETS, sizeof *loop->packets);
    loop->epoll_fd = descriptor_move_high(epoll_create1(EPOLL_CLOEXEC));
    loop->timer_fd =
        descriptor_move_high(timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC));
    loop->wake_fd = descriptor_move_high(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
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
    for (size_t i = 0; i < n && loop->epoll_fd >= 0; i++)
        epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, fds[i], NULL);
    close_one(loop, &loop->timer_fd);
    close_one(loop, &loop->wake_fd);
    close_one(loop, &loop->epoll_fd);
    free(loop->packets);
    loop->packets = NULL;
    pthread_cond_destroy(&loop->parked);
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

static void wake_by_eventfd(const struct follower *f) {
    uint64_t one = 1;
    if (f->wake_fd >= 0 && write(f->wake_fd, &one, sizeof one) < 0)
        return; /* it is full: awake */
}

/* Wakes a follower by what he sleeps on; he finds nothing, and the role free. */
static void wake_follower(struct usctp_stack *stack) {
    struct follower *f = TAILQ_FIRST(&stack->loop.followers);
    if (!f)
        return;
    if (f->want == WANT_READABLE)
        descriptor_give_token(&f->socket->descriptor);
    else if (f->want == WANT_END)
        pthread_cond_broadcast(&stack->changed);
    else
        wake_by_eventfd(f);
}

static bool waits_for(const struct follower *f, const struct socket *s, int32_t assoc) {
    return f->socket == s && (f->want == WANT_WRITABLE || f->want == WANT_CONNECTED) &&
           (assoc == 0 || f->assoc == assoc);
}

void loop_wake(struct usctp_stack *stack, const struct socket *s, int32_t assoc) {
    const struct follower *f;
    TAILQ_FOREACH (f, &stack->loop.followers, link)
        if (waits_for(f, s, assoc))
            wake_by_eventfd(f);
}

bool loop_has_waiter(const struct usctp_stack *stack, const struct socket *s, int32_t assoc) {
    const struct follower *f;
    TAILQ_FOREACH (f, &stack->loop.followers, link)
        if (waits_for(f, s, assoc))
            return true;
    return stack->loop.leader == s && stack->loop.leader_assoc == assoc;
}

void loop_release(struct usctp_stack *stack) {
    struct loop *loop = &stack->loop;
    loop->role = ROLE_FREE;
    loop->leader = NULL;
    bool is_needed = !TAILQ_EMPTY(&loop->followers);
    if (!loop->has_thread) {
        if (is_needed)
            wake_follower(stack);
        return;
    }
    if (is_needed)
        loop->must_drive = true;
    if (is_needed || loop->is_parked_for_good)
        pthread_cond_signal(&loop->parked);
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
    while (!atomic_load(&stack->is_ending)) {
        uint64_t taken = loop->taken;
        sleep_on(&loop->parked, &stack->lock, PARK_TICK_NS);
        if (loop->must_drive && loop->role == ROLE_FREE)
            break;
        if (taken != loop->taken)
            continue;
        if (loop->role == ROLE_FREE)
            break;
        loop->is_parked_for_good = true;
        while (loop->role == ROLE_CALLER && taken == loop->taken && !atomic_load(&stack->is_ending))
            pthread_cond_wait(&loop->parked, &stack->lock);
        loop->is_parked_for_good = false;
    }
    loop->must_drive = false;
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
        pthread_mutex_unlock(&stack->lock);
        int n = epoll_wait(loop->epoll_fd, events, LOOP_EVENTS, -1);
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

/* ---- blocked callers ------------------------------------------------------------------------- */

/* Whether every handler that the program has set restarts system calls; then EINTR is not for the
 * caller to see. */
static bool handlers_restart(void) {
    for (int number = 1; number < SIGRTMAX; number++) {
        struct sigaction action;
        if (sigaction(number, NULL, &action) != 0)
            continue;
        if (action.sa_handler == SIG_DFL || action.sa_handler == SIG_IGN)
            continue;
        if (!(action.sa_flags & SA_RESTART))
            return false;
    }
    return true;
}

static int interrupted(const struct call *c) {
    return !c->has_deadline && handlers_restart() ? 0 : -EINTR;
}

/* What the application has set on its descriptor. Returns 0 or -EAGAIN. */
static int ask_descriptor(struct call *c, enum loop_want want) {
    struct timeval timeout = {0};
    socklen_t length = sizeof timeout;
    int option = want == WANT_READABLE ? SO_RCVTIMEO : SO_SNDTIMEO;
    c->was_asked = true;
    int flags = fcntl(c->fd, F_GETFL);
    if (flags < 0 || (flags & O_NONBLOCK))
        return -EAGAIN;
    if (getsockopt(c->fd, SOL_SOCKET, option, &timeout, &length) != 0)
        return 0;
    uint64_t timeout_us = (uint64_t)timeout.tv_sec * USCTP_S + (uint64_t)timeout.tv_usec;
    c->has_deadline = timeout_us > 0;
    c->deadline_us = c->now_us + timeout_us;
    return 0;
}

static int remaining_ms(const struct call *c) {
    if (!c->has_deadline)
        return -1;
    uint64_t now_us = env_host_now_us();
    if (now_us >= c->deadline_us)
        return 0;
    uint64_t ms = (c->deadline_us - now_us + USCTP_MS - 1) / USCTP_MS;
    return ms > MAX_WAIT_MS ? MAX_WAIT_MS : (int)ms;
}

/* While somebody waits for an association it is not deleted, so that he learns why it ended. */
static void pin(const struct call *c) {
    struct connection *a = connection_of(c->socket, c->awaited);
    if (a)
        a->waiters++;
}

static void unpin(struct call *c) {
    struct connection *a = connection_of(c->socket, c->awaited);
    if (!a)
        return;
    a->waiters--;
    if (!a->has_ended)
        return;
    c->outcome = a->error;
    connection_settle(a);
}

static void cancelled_leader(void *argument) {
    struct call *c = argument;
    pthread_mutex_lock(&c->stack->lock);
    unpin(c);
    loop_release(c->stack);
    call_abandon(c);
}

static int wait_for_events(struct call *c, struct epoll_event *events, int timeout_ms) {
    int n;
    pthread_cleanup_push(cancelled_leader, c);
    pthread_setcancelstate(c->cancel_state, NULL);
    n = epoll_wait(c->stack->loop.epoll_fd, events, LOOP_EVENTS, timeout_ms);
    if (n < 0)
        n = -errno;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    pthread_cleanup_pop(0);
    return n;
}

static int lead(struct call *c, enum loop_want want) {
    struct usctp_stack *stack = c->stack;
    struct epoll_event events[LOOP_EVENTS];
    int result = 0;
    stack->loop.leader = c->socket;
    stack->loop.leader_want = want;
    stack->loop.leader_assoc = c->awaited;
    while (result == 0 && !socket_is_ready(c->socket, want, c->awaited) &&
           !atomic_load(&stack->is_ending)) {
        int timeout_ms = remaining_ms(c);
        if (timeout_ms == 0) {
            result = -EAGAIN;
            break;
        }
        pthread_mutex_unlock(&stack->lock);
        transmit_flush(stack);
        int n = wait_for_events(c, events, timeout_ms);
        pthread_mutex_lock(&stack->lock);
        if (n > 0)
            turn_run(stack, events, n);
        else if (n == -EINTR)
            result = interrupted(c);
    }
    loop_release(stack);
    return result;
}

/* A follower asleep; the address of what follows is kept by the list. */
struct sleeper {
    struct call *call;
    struct follower follower;
};

static void wake_up(struct sleeper *sleeper) {
    struct follower *f = &sleeper->follower;
    if (f->want == WANT_READABLE)
        f->socket->readers--;
    TAILQ_REMOVE(&sleeper->call->stack->loop.followers, f, link);
    if (f->wake_fd >= 0)
        close(f->wake_fd);
}

static void cancelled_follower(void *argument) {
    struct sleeper *sleeper = argument;
    struct call *c = sleeper->call;
    pthread_mutex_lock(&c->stack->lock);
    wake_up(sleeper);
    unpin(c);
    call_abandon(c);
}

/* Sleeps in the kernel: on the caller's own descriptor, which knows its timeout and which signals
 * interrupt, or on the eventfd. Without one the wait is short, and he looks again. */
static int sleep_on_descriptor(struct sleeper *sleeper) {
    struct call *c = sleeper->call;
    const struct follower *f = &sleeper->follower;
    int result;
    char token;
    struct pollfd own = {.fd = f->wake_fd, .events = POLLIN};
    int timeout_ms = f->wake_fd >= 0 ? remaining_ms(c) : 1;
    pthread_cleanup_push(cancelled_follower, sleeper);
    pthread_setcancelstate(c->cancel_state, NULL);
    if (f->want == WANT_READABLE) {
        result = recv(c->fd, &token, 1, MSG_PEEK) < 0 ? -errno : 0;
    } else {
        int n = poll(&own, 1, timeout_ms);
        result = n < 0 ? -errno : n == 0 && remaining_ms(c) == 0 ? -EAGAIN : 0;
    }
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    pthread_cleanup_pop(0);
    return result;
}

static int follow(struct call *c, enum loop_want want) {
    struct usctp_stack *stack = c->stack;
    struct sleeper self = {
        .call = c,
        .follower = {.socket = c->socket, .want = want, .assoc = c->awaited, .wake_fd = -1}};
    int result = 0;
    if (want == WANT_WRITABLE || want == WANT_CONNECTED)
        self.follower.wake_fd = descriptor_move_high(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (want != WANT_END)
        socket_show(c->socket, c->fd);
    TAILQ_INSERT_TAIL(&stack->loop.followers, &self.follower, link);
    if (want == WANT_READABLE)
        c->socket->readers++;
    if (want == WANT_END) {
        sleep_on(&stack->changed, &stack->lock, END_TICK_NS);
        if (remaining_ms(c) == 0)
            result = -EAGAIN;
    } else {
        pthread_mutex_unlock(&stack->lock);
        transmit_flush(stack);
        result = sleep_on_descriptor(&self);
        pthread_mutex_lock(&stack->lock);
    }
    wake_up(&self);
    if (result == -EINTR && want != WANT_READABLE)
        return interrupted(c);
    return result == -EAGAIN || result == -EINTR ? result : 0;
}

/* Settles, and blocks where that is not enough. */
static int block(struct call *c, enum loop_want want) {
    stack_settle(c->stack);
    if (socket_is_ready(c->socket, want, c->awaited))
        return 0;
    int error = c->was_asked ? 0 : ask_descriptor(c, want);
    if (error != 0)
        return error;
    return loop_take(c->stack) ? lead(c, want) : follow(c, want);
}

int loop_wait(struct call *c, enum loop_want want, int32_t assoc) {
    c->awaited = assoc;
    pin(c);
    int result = block(c, want);
    unpin(c);
    c->now_us = stack_now(c->stack);
    if (atomic_load(&c->stack->is_ending))
        return -ESHUTDOWN;
    if (c->socket->state == SOCKET_GONE && want != WANT_END)
        return -EBADF;
    return result;
}
