/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Driving the packets: a role that one thread at a time holds.
 *
 * A caller that blocks takes the role, waits on the stack's epoll set and runs the turns itself, so
 * that a message goes from the wire to him without a change of thread; other blocked callers sleep
 * (blocking.c). The I/O thread of a stack, where there is one, drives when no caller does: it takes
 * the role when it is woken and finds it free, and steps aside (parks) while callers keep driving.
 * What a turn does is in turn.c.
 */
#ifndef API_LOOP_H
#define API_LOOP_H

#include "api/doze.h"
#include "api/signals.h"
#include "usctp/engine.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/queue.h>

struct call;
struct socket;
struct usctp_stack;

enum loop_role { ROLE_FREE, ROLE_CALLER, ROLE_THREAD };

/* What a blocked caller waits for. */
enum loop_want { WANT_READABLE, WANT_WRITABLE, WANT_CONNECTED, WANT_END };

/*
 * A caller asleep, on a word of his own. Not on his descriptor: a system call that waits on it
 * would keep it open after close(), and the end of its last duplicate is what ends a socket.
 */
struct follower {
    TAILQ_ENTRY(follower) link, of_socket;
    struct socket *socket;
    enum loop_want want;
    int32_t assoc;              /* whose room or set-up he waits for */
    int fd;                     /* what he called with */
    _Atomic uint32_t is_called; /* what he sleeps on; he leaves the lists himself */
};
TAILQ_HEAD(follower_list, follower);

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
    int leader_fd;
    struct follower_list followers;
    struct usctp_packet *packets; /* LOOP_PACKETS of them */
    struct handlers handlers;

    /* When to look for packets again: see loop_pause_us. */
    uint32_t nap_us, busy_poll_us;
    bool is_loaded;
    uint64_t drained_us, streak_us; /* the last packets taken; the first of a streak */
    uint64_t streak_packets;        /* taken since, and none of the user's sent */
    struct doze doze;
    uint32_t single_turns; /* so many more are asked for one packet only */

    bool has_thread;
    pthread_t thread;
    pthread_cond_t parked;
    bool is_parked, is_parked_for_good,
        must_drive; /* the thread waits for a signal; it is to take the role at once */
};

/* Makes the descriptors. Returns 0 or a negative errno. */
int loop_init(struct usctp_stack *stack);
void loop_free(struct usctp_stack *stack);
/* Starts the I/O thread. Returns 0 or a negative errno. */
int loop_start_thread(struct usctp_stack *stack);
/* Ends it; the stack is marked as ending and not locked. */
void loop_stop_thread(struct usctp_stack *stack);

/* Takes the role; false when somebody drives already. The stack is locked. */
bool loop_take(struct usctp_stack *stack);
/* Gives the role back and sees to it that somebody drives if somebody waits. */
void loop_release(struct usctp_stack *stack);
/* Where nobody drives and somebody sleeps, calls one who will. For whoever leaves a call. */
void loop_hand_on(struct usctp_stack *stack);
/* Wakes those who wait for an association's room or set-up. */
void loop_wake(struct socket *s, int32_t assoc);
/* Wakes one who waits to read, unless one is about to look already: he calls the next when he
 * leaves something. */
void loop_wake_reader(struct socket *s);
/* Wakes all who sleep for the socket. */
void loop_wake_all(struct socket *s);
/* The same for one descriptor of it, and whoever drives if it is his. */
void loop_wake_closed(struct socket *s, int fd);
/* Wakes those who wait for the end of an association. */
void loop_wake_lingering(struct usctp_stack *stack);
/* In a forked child: who slept there, and was copied with its thread, is to look up. */
void loop_forget(struct usctp_stack *stack);
/* Wakes whoever drives. */
void loop_kick(struct usctp_stack *stack);
/* How long a driver should sleep before he looks for packets: they come in a stream, and he has
 * just taken what there was. 0: not at all. */
uint32_t loop_pause_us(const struct usctp_stack *stack);
/* The user has sent something: what comes may be the answer, for which nobody is to be late. */
void loop_note_sent(struct usctp_stack *stack);
/* Sets the timer for a moment, if it is not set to an earlier one. */
void loop_arm(struct usctp_stack *stack, uint64_t deadline_us);

#endif
