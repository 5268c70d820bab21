/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Driving the packets: a role that one thread at a time holds.
 *
 * A caller that blocks takes the role, waits on the stack's epoll set and runs the turns itself, so
 * that a message goes from the wire to him without a change of thread; other blocked callers sleep
 * in the kernel on their own descriptors. The I/O thread of a stack, where there is one, drives
 * when no caller does: it takes the role when it is woken and finds it free, and steps aside
 * (parks) while callers keep driving. What a turn does is in turn.c.
 */
#ifndef API_LOOP_H
#define API_LOOP_H

#include "usctp/engine.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/queue.h>

struct call;
struct socket;
struct usctp_stack;

enum loop_role { ROLE_FREE, ROLE_CALLER, ROLE_THREAD };

/* What a blocked caller waits for. */
enum loop_want { WANT_READABLE, WANT_WRITABLE, WANT_CONNECTED, WANT_END };

/* A caller asleep: on his own descriptor (WANT_READABLE), on an eventfd (WANT_WRITABLE,
 * WANT_CONNECTED: the descriptor of a one-to-many socket says nothing of a given association), or
 * on the stack's condition (WANT_END). */
struct follower {
    TAILQ_ENTRY(follower) link;
    struct socket *socket;
    enum loop_want want;
    int32_t assoc; /* whose room or set-up he waits for */
    int wake_fd;   /* or -1 */
};

enum { LOOP_EVENTS = 64, LOOP_PACKETS = 64 };

struct loop {
    int epoll_fd, timer_fd, wake_fd;
    uint64_t armed_us; /* what timer_fd is set to */
    enum loop_role role;
    bool is_turning;       /* the holder is inside a turn */
    uint64_t taken;        /* how often a caller took the role */
    uint32_t turns;        /* since the last look at the host's addresses */
    struct socket *leader; /* the socket that the driving caller waits on */
    enum loop_want leader_want;
    int32_t leader_assoc;
    TAILQ_HEAD(, follower) followers;
    struct usctp_packet *packets; /* LOOP_PACKETS of them */

    bool has_thread;
    pthread_t thread;
    pthread_cond_t parked;
    bool is_parked_for_good,
        must_drive; /* the thread waits for a signal; it is to take the role at once */
};

/* Makes the descriptors. Returns 0 or a negative errno. */
int loop_init(struct usctp_stack *stack);
void loop_free(struct usctp_stack *stack);
/* Starts the I/O thread. Returns 0 or a negative errno. */
int loop_start_thread(struct usctp_stack *stack);
/* Ends it; the stack is marked as ending and not locked. */
void loop_stop_thread(struct usctp_stack *stack);

/*
 * Blocks the caller until his socket, or its association `assoc` where he wants room or a set-up,
 * has what he wants, perhaps a little longer or shorter: he looks again, also for whether the
 * association is still there (c->outcome tells why it ended). The stack is locked before and after,
 * not in between. Returns 0, -EAGAIN (the descriptor is non-blocking, or the time is over), -EINTR,
 * -ESHUTDOWN (the stack ends), -EBADF (the socket was closed meanwhile).
 */
int loop_wait(struct call *c, enum loop_want want, int32_t assoc);
/* Takes the role for usctp_stack_process; false when somebody drives already. The stack is locked.
 */
bool loop_take(struct usctp_stack *stack);
/* Gives the role back and sees to it that somebody drives if somebody waits. */
void loop_release(struct usctp_stack *stack);
/* Wakes those who wait for an association's room or set-up; assoc 0: for any of the socket's. */
void loop_wake(struct usctp_stack *stack, const struct socket *s, int32_t assoc);
/* Whether somebody waits for that. */
bool loop_has_waiter(const struct usctp_stack *stack, const struct socket *s, int32_t assoc);
/* Wakes whoever drives. */
void loop_kick(struct usctp_stack *stack);
/* Sets the timer for a moment, if it is not set to an earlier one. */
void loop_arm(struct usctp_stack *stack, uint64_t deadline_us);

#endif
