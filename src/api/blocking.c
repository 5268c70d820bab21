/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Blocked callers (see blocking.h): leading, which is waiting for packets and running the turns,
 * and following, which is sleeping until somebody calls. How signals end a leader's wait is in
 * signals.c.
 */
#include "api/blocking.h"

#include "api/connection.h"
#include "api/fd_table.h"
#include "api/signals.h"
#include "api/stack.h"
#include "api/turn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { MAX_WAIT_MS = 3600 * 1000 };

/* What the application has set on its descriptor. Returns 0, -EAGAIN or -EBADF. */
static int ask_descriptor(struct call *c, enum loop_want want) {
    struct timeval timeout = {0};
    socklen_t length = sizeof timeout;
    int option = want == WANT_READABLE ? SO_RCVTIMEO : SO_SNDTIMEO;
    c->was_asked = true;
    int flags = fcntl(c->fd, F_GETFL);
    if (flags < 0)
        return -EBADF; /* closed since the call began */
    if (flags & O_NONBLOCK)
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

/* Another thread has closed the number that the caller came with; other duplicates may be open. */
static bool is_disowned(const struct call *c) {
    return c->fd >= 0 && fd_table_find(c->fd) != c->socket;
}

/* After a wait the number may belong to a stranger, who is not to be touched. */
static void check_number(struct call *c) {
    if (c->fd >= 0 && is_disowned(c))
        c->fd = -1;
    c->socket->descriptor.is_doubtful = true;
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

/* ---- leading --------------------------------------------------------------------------------- */

static void cancelled_leader(void *argument) {
    struct call *c = argument;
    call_sleeps(false);
    pthread_mutex_lock(&c->stack->lock);
    unpin(c);
    loop_release(c->stack);
    check_number(c);
    call_abandon(c);
}

/* How one waits: a nap first, then looking again and again, then asleep. */
struct wait {
    uint32_t pause_us, busy_us;
    int timeout_ms;
};

static int wait_as_told(struct usctp_stack *stack, struct signals *signals,
                        struct epoll_event *events, const struct wait *wait) {
    int n = 0;
    if (wait->pause_us > 0) {
        doze_begin(stack);
        n = signals_nap(signals, wait->pause_us);
    }
    int came = n == 0 ? doze_look(stack, events) : 0;
    if (came > 0) {
        n = signals_wait(signals, events + came, LOOP_EVENTS - came, 0);
        return n >= 0 ? came + n : n;
    }
    if (n == 0 && wait->busy_us > 0) {
        uint64_t end_us = env_host_now_us() + wait->busy_us;
        do
            n = signals_wait(signals, events, LOOP_EVENTS, 0);
        while (n == 0 && env_host_now_us() < end_us);
    }
    return n != 0 ? n : signals_wait(signals, events, LOOP_EVENTS, wait->timeout_ms);
}

static int wait_for_events(struct call *c, struct signals *signals, struct epoll_event *events,
                           const struct wait *wait) {
    int n;
    pthread_cleanup_push(cancelled_leader, c);
    pthread_cleanup_push(signals_leave, signals);
    call_sleeps(true);
    /* All that it sleeps in are cancellation points. */
    pthread_setcancelstate(c->cancellation.state, NULL);
    n = wait_as_told(c->stack, signals, events, wait);
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    call_sleeps(false);
    pthread_cleanup_pop(0);
    pthread_cleanup_pop(0);
    return n;
}

/* Not beyond a timeout, which goes in whole milliseconds. */
static uint32_t busy_poll_us(const struct call *c, int timeout_ms) {
    uint32_t busy_us = c->stack->loop.busy_poll_us;
    uint64_t left_us = (uint64_t)timeout_ms * USCTP_MS;
    return timeout_ms >= 0 && left_us < busy_us ? (uint32_t)left_us : busy_us;
}

static bool has_to_wait(const struct call *c, enum loop_want want) {
    return !c->stack->is_foreign && !socket_is_ready(c->socket, want, c->awaited) &&
           !is_disowned(c) && !atomic_load(&c->stack->is_ending) && !c->stack->exiting.is_over;
}

/* The peer waits for what there is to send: before the rest of the call, which may take its time.
 * Meanwhile another thread may take what was waited for. */
static void answer_first(struct usctp_stack *stack) {
    if (!transmit_is_due(stack))
        return;
    pthread_mutex_unlock(&stack->lock);
    transmit_flush(stack);
    pthread_mutex_lock(&stack->lock);
}

static int lead(struct call *c, enum loop_want want) {
    struct usctp_stack *stack = c->stack;
    struct epoll_event events[LOOP_EVENTS];
    struct signals signals;
    int result = 0;
    if (want == WANT_READABLE) /* the call may have taken what others still see */
        socket_show(c->socket, c->fd);
    stack->loop.leader = c->socket;
    stack->loop.leader_want = want;
    stack->loop.leader_assoc = c->awaited;
    stack->loop.leader_fd = c->fd;
    signals_enter(&signals, &stack->loop, c->now_us, c->has_deadline);
    while (result == 0 && has_to_wait(c, want)) {
        struct wait wait = {.timeout_ms = remaining_ms(c)};
        if (wait.timeout_ms == 0) {
            result = -EAGAIN;
            break;
        }
        wait.pause_us = want == WANT_READABLE ? loop_pause_us(stack) : 0;
        wait.busy_us = busy_poll_us(c, wait.timeout_ms);
        signals_refresh(&signals, stack->now_us);
        pthread_mutex_unlock(&stack->lock);
        transmit_flush(stack);
        int n = wait_for_events(c, &signals, events, &wait);
        pthread_mutex_lock(&stack->lock);
        if (n > 0)
            turn_run(stack, events, n);
        else if (n == -EINTR)
            result = -EINTR;
        if (n > 0 && !has_to_wait(c, want))
            answer_first(stack);
    }
    loop_release(stack);
    if (signals.is_blocking) {
        pthread_mutex_unlock(&stack->lock); /* a handler may take its time, or not come back */
        call_sleeps(true);
        signals_leave(&signals);
        call_sleeps(false);
        pthread_mutex_lock(&stack->lock);
    }
    return result;
}

/* ---- following ------------------------------------------------------------------------------- */

struct sleeper {
    struct call *call;
    struct follower follower; /* in the lists meanwhile */
};

static void join(struct sleeper *sleeper) {
    struct follower *f = &sleeper->follower;
    TAILQ_INSERT_TAIL(&sleeper->call->stack->loop.followers, f, link);
    TAILQ_INSERT_TAIL(&f->socket->sleepers, f, of_socket);
}

static void quit(struct sleeper *sleeper) {
    struct follower *f = &sleeper->follower;
    TAILQ_REMOVE(&sleeper->call->stack->loop.followers, f, link);
    TAILQ_REMOVE(&f->socket->sleepers, f, of_socket);
}

static void cancelled_follower(void *argument) {
    struct sleeper *sleeper = argument;
    struct call *c = sleeper->call;
    call_sleeps(false);
    pthread_mutex_lock(&c->stack->lock);
    quit(sleeper);
    unpin(c);
    check_number(c);
    call_abandon(c);
}

/* The kernel restarts it after a handler with SA_RESTART exactly if there is no timeout, as it does
 * for sockets. Returns 0 when called, and also for no reason; or -EINTR. */
static int sleep_until_called(struct follower *f, int timeout_ms) {
    struct timespec limit = {.tv_sec = timeout_ms / 1000, .tv_nsec = timeout_ms % 1000 * 1000000L};
    long result = syscall(SYS_futex, &f->is_called, FUTEX_WAIT_PRIVATE, 0,
                          timeout_ms < 0 ? NULL : &limit, NULL, 0);
    return result < 0 && errno == EINTR ? -EINTR : 0;
}

static int sleep_cancellably(struct sleeper *sleeper) {
    struct call *c = sleeper->call;
    int result;
    pthread_cleanup_push(cancelled_follower, sleeper);
    call_sleeps(true);
    pthread_setcancelstate(c->cancellation.state, NULL);
    /* The bare system call is no cancellation point: cancelled at any moment, then, while there is
     * nothing but it. */
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
    result = sleep_until_called(&sleeper->follower, remaining_ms(c));
    pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, NULL);
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    call_sleeps(false);
    pthread_cleanup_pop(0);
    return result;
}

static int follow(struct call *c, enum loop_want want) {
    struct usctp_stack *stack = c->stack;
    struct sleeper self = {
        .call = c,
        .follower = {.socket = c->socket, .want = want, .assoc = c->awaited, .fd = c->fd}};
    if (want != WANT_END)
        socket_show(c->socket, c->fd);
    join(&self);
    pthread_mutex_unlock(&stack->lock);
    transmit_flush(stack);
    int result = sleep_cancellably(&self);
    pthread_mutex_lock(&stack->lock);
    quit(&self);
    if (result == 0 && remaining_ms(c) == 0)
        return -EAGAIN;
    return result;
}

/* ---- both ------------------------------------------------------------------------------------ */

/* Settles, and blocks where that is not enough. */
static int block(struct call *c, enum loop_want want) {
    stack_settle(c->stack);
    if (!has_to_wait(c, want))
        return 0;
    int error = c->was_asked ? 0 : ask_descriptor(c, want);
    if (error != 0)
        return error;
    return loop_take(c->stack) ? lead(c, want) : follow(c, want);
}

static bool is_gone(const struct call *c, enum loop_want want) {
    return want != WANT_END && (c->socket->state == SOCKET_GONE || is_disowned(c));
}

int blocking_wait(struct call *c, enum loop_want want, int32_t assoc) {
    c->awaited = assoc;
    pin(c);
    int result = block(c, want);
    if (c->stack->is_foreign) /* a child that a signal handler has made, back in the call */
        return -EBADF;
    while (result == 0 && c->stack->exiting.has_begun && !is_gone(c, want) &&
           !atomic_load(&c->stack->is_ending))
        result = follow(c, want); /* for good: the process ends */
    unpin(c);
    c->now_us = stack_now(c->stack);
    bool is_closed = is_gone(c, want);
    check_number(c);
    if (atomic_load(&c->stack->is_ending))
        return -ESHUTDOWN;
    return is_closed ? -EBADF : result;
}

int blocking_stay(struct call *c) {
    while (!is_gone(c, WANT_READABLE) && !atomic_load(&c->stack->is_ending))
        (void)follow(c, WANT_READABLE);
    check_number(c);
    return atomic_load(&c->stack->is_ending) ? -ESHUTDOWN : -EBADF;
}
