/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Signals and the caller who drives (see signals.h).
 */
#include "api/signals.h"

#include "api/loop.h"
#include "net/high_number.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { FRESH_US = 20000 }; /* how long what was found out is believed */

static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT};

void signals_init(struct handlers *h) {
    *h = (struct handlers){.fd = -1};
}

void signals_free(struct handlers *h) {
    if (h->fd >= 0)
        close(h->fd);
    h->fd = -1;
}

/* ---- handlers -------------------------------------------------------------------------------- */

static bool has_handler(int number, bool *restarts) {
    struct sigaction action;
    if (sigaction(number, NULL, &action) != 0)
        return false; /* the C library's own */
    *restarts = action.sa_flags & SA_RESTART;
    return action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN;
}

static void read_handlers(struct handlers *h, uint64_t now_us) {
    bool some_restart = false, some_interrupt = false, restarts;
    sigemptyset(&h->handled);
    for (int number = 1; number <= SIGRTMAX; number++)
        if (has_handler(number, &restarts))
            sigaddset(&h->handled, number);
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
        sigdelset(&h->handled, faults[i]);
    for (int number = 1; number <= SIGRTMAX; number++)
        if (sigismember(&h->handled, number) == 1 && has_handler(number, &restarts))
            *(restarts ? &some_restart : &some_interrupt) = true;
    h->kind = !some_interrupt ? SIGNALS_RESTART : some_restart ? SIGNALS_MIXED : SIGNALS_INTERRUPT;
    h->was_read = true;
    h->read_us = now_us;
}

/* Signals that the application has blocked itself are none of ours. Returns whether there is a
 * signalfd for the others. */
static bool watch_signals(struct handlers *h, const sigset_t *before) {
    sigset_t watched = h->handled;
    for (int number = 1; number <= SIGRTMAX; number++)
        if (sigismember(before, number) == 1)
            sigdelset(&watched, number);
    int fd = signalfd(h->fd, &watched, SFD_NONBLOCK | SFD_CLOEXEC);
    if (h->fd < 0)
        h->fd = high_number_move(fd);
    return fd >= 0;
}

void signals_enter(struct signals *s, struct loop *loop, uint64_t now_us, bool has_deadline) {
    struct handlers *h = &loop->handlers;
    if (!h->was_read || now_us - h->read_us > FRESH_US)
        read_handlers(h, now_us);
    *s = (struct signals){.loop = loop, .kind = h->kind, .has_deadline = has_deadline};
    if (s->kind == SIGNALS_RESTART)
        return;
    /* Another thread may have set a handler just now: the signals that were found, then. */
    pthread_sigmask(SIG_BLOCK, &h->handled, &s->before);
    s->is_blocking = true;
    /* A timeout makes them all the same; so does, for want of better, the lack of a descriptor. */
    if (s->kind == SIGNALS_MIXED && (has_deadline || !watch_signals(h, &s->before)))
        s->kind = SIGNALS_INTERRUPT;
}

void signals_refresh(struct signals *s, uint64_t now_us) {
    const struct handlers *h = &s->loop->handlers;
    if (s->kind == SIGNALS_RESTART && now_us - h->read_us > FRESH_US)
        signals_enter(s, s->loop, now_us, s->has_deadline);
}

void signals_leave(void *signals) {
    struct signals *s = signals;
    if (s->is_blocking)
        pthread_sigmask(SIG_SETMASK, &s->before, NULL);
    s->is_blocking = false;
}

/* ---- waiting --------------------------------------------------------------------------------- */

/* A thread may be cancelled in it. AddressSanitizer does not see that its frame is gone then, and
 * would take what it put around its variables for something of the frames that come after. */
#define CANCELLED_IN __attribute__((no_sanitize_address))

/* Lets what is pending be handled. Returns -EINTR if the kernel would not go on after it. */
static int deliver(struct signals *s) {
    sigset_t pending;
    bool interrupts = false, restarts;
    sigpending(&pending);
    for (int number = 1; number <= SIGRTMAX; number++)
        if (sigismember(&pending, number) == 1 && sigismember(&s->before, number) != 1 &&
            has_handler(number, &restarts) && !restarts)
            interrupts = true;
    pthread_sigmask(SIG_SETMASK, &s->before, NULL);
    pthread_sigmask(SIG_BLOCK, &s->loop->handlers.handled, NULL);
    return interrupts ? -EINTR : 0;
}

CANCELLED_IN static int wait_watching(struct signals *s, struct epoll_event *events, int max,
                                      int timeout_ms) {
    struct pollfd both[2] = {{.fd = s->loop->epoll_fd, .events = POLLIN},
                             {.fd = s->loop->handlers.fd, .events = POLLIN}};
    if (poll(both, 2, timeout_ms) < 0)
        return 0; /* one that had no handler when they were read */
    if (both[1].revents && deliver(s) != 0)
        return -EINTR;
    return both[0].revents ? epoll_wait(s->loop->epoll_fd, events, max, 0) : 0;
}

/* A wait was ended by a handler. */
static int interrupted(struct signals *s) {
    if (s->has_deadline)
        return -EINTR;
    /* Perhaps they were set a moment ago. */
    read_handlers(&s->loop->handlers, s->loop->handlers.read_us);
    return s->loop->handlers.kind == SIGNALS_RESTART ? 0 : -EINTR;
}

CANCELLED_IN int signals_nap(struct signals *s, uint32_t us) {
    const struct timespec nap = {.tv_nsec = (long)us * 1000};
    /* Mixed ones wait until somebody looks which they are. */
    bool delivers = s->is_blocking && s->kind != SIGNALS_MIXED;
    if (ppoll(NULL, 0, &nap, delivers ? &s->before : NULL) == 0 || s->kind == SIGNALS_MIXED)
        return 0;
    return interrupted(s);
}

CANCELLED_IN int signals_wait(struct signals *s, struct epoll_event *events, int max,
                              int timeout_ms) {
    int n;
    if (s->kind == SIGNALS_MIXED)
        return wait_watching(s, events, max, timeout_ms);
    if (s->is_blocking)
        n = epoll_pwait(s->loop->epoll_fd, events, max, timeout_ms, &s->before);
    else
        n = epoll_wait(s->loop->epoll_fd, events, max, timeout_ms);
    return n >= 0 ? n : interrupted(s);
}
