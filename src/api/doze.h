/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Packets that wake nobody: while whoever drives a stack with AF_XDP naps (loop_pause_us), the
 * packet sockets are not in the epoll set. He looks when he wakes anyway, and whoever sends, on
 * this host or in the interrupt of a device, is spared a wake-up for each packet.
 */
#ifndef API_DOZE_H
#define API_DOZE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

struct epoll_event;
struct usctp_stack;

enum { DOZE_SOCKETS = 4 };

struct doze {
    pthread_mutex_t lock;
    _Atomic bool is_on; /* the sockets are out of the set */
    size_t socket_count;
    int sockets[DOZE_SOCKETS]; /* in the order of their tags (turn.h) */
};

/* When the sockets are in the set. */
void doze_init(struct usctp_stack *stack);
void doze_free(struct usctp_stack *stack);
/* Before a nap. Without AF_XDP nothing is done, as it does not help there. */
void doze_begin(struct usctp_stack *stack);
/*
 * Before waiting on the set. Writes the events of sockets that are out of it and have something,
 * and leaves them there; if none has, they are back in it. Returns how many there are, DOZE_SOCKETS
 * + 1 at most.
 */
int doze_look(struct usctp_stack *stack, struct epoll_event *events);
/* Has them back in the set in any case, for who waits on it already. */
void doze_end(struct usctp_stack *stack);

#endif
