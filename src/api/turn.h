/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One turn of the loop: packets, ICMP errors, the host's addresses, timers, closed descriptors.
 */
#ifndef API_TURN_H
#define API_TURN_H

#include <stdint.h>
#include <sys/epoll.h>

struct usctp_stack;

/* What an event of the epoll set is about: the host (netlink and the like), the timer, a kick, or a
 * packet socket; any other value is the address of a socket, whose b hung up. */
enum {
    TURN_TAG_HOST = 1,
    TURN_TAG_TIMER = 2,
    TURN_TAG_WAKE = 3,
    TURN_TAG_PACKETS = 4, /* of the first packet socket of the transport; the next ones follow */
    TURN_TAG_LAST = 31
};

/*
 * Does what the events of one epoll_wait say. The caller holds the role; the stack is locked before
 * and after, not while packets are received. What is to be sent is in the FIFO.
 */
void turn_run(struct usctp_stack *stack, const struct epoll_event *events, int n);
/* Sees only to the descriptors that were closed, whose events come once. The stack is locked. */
void turn_hangups(struct usctp_stack *stack, const struct epoll_event *events, int n);

#endif
