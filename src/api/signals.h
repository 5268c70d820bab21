/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Signals that arrive while a caller drives the packets.
 *
 * The kernel restarts a blocked recv() after a handler that was set with SA_RESTART, and ends it
 * with EINTR after another; with a timeout, after both (signal(7)). epoll_wait() always ends, and
 * does not tell why. So the handlers that the program has set are looked at, now and then. Where
 * none interrupts, there is nothing to do. Where some do, signals with a handler are blocked while
 * the caller works, and come while he waits, so that none is missed; where some interrupt and some
 * restart, they are first seen by a signalfd.
 */
#ifndef API_SIGNALS_H
#define API_SIGNALS_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

struct loop;

enum signals_kind { SIGNALS_RESTART, SIGNALS_INTERRUPT, SIGNALS_MIXED };

/* What was found out last; one for a stack, whoever drives owns it. */
struct handlers {
    bool was_read;
    uint64_t read_us;
    enum signals_kind kind;
    sigset_t handled; /* signals with a handler, but those that a fault raises */
    int fd;           /* the signalfd, or -1 */
};

/* One caller's wait. */
struct signals {
    struct loop *loop;
    enum signals_kind kind;
    bool is_blocking, has_deadline;
    sigset_t before; /* the thread's mask */
};

void signals_init(struct handlers *h);
void signals_free(struct handlers *h);
/* Begins: from here on signals wait, if that is needed. */
void signals_enter(struct signals *s, struct loop *loop, uint64_t now_us, bool has_deadline);
/* Looks again, if that is due. */
void signals_refresh(struct signals *s, uint64_t now_us);
/* As epoll_wait on the stack's set, a cancellation point. Returns -EINTR only if the caller is to
 * see it; 0 for no reason, too. */
int signals_wait(struct signals *s, struct epoll_event *events, int max, int timeout_ms);
/* Sleeps, a cancellation point. Returns -EINTR only if the caller is to see it, else 0. */
int signals_nap(struct signals *s, uint32_t us);
/* Ends: what waited is delivered. Takes a struct signals, for pthread_cleanup_push. */
void signals_leave(void *signals);

#endif
