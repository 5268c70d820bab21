/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One turn of the loop: packets, ICMP errors, the host's addresses, timers, closed descriptors.
 */
#ifndef API_TURN_H
#define API_TURN_H

#include <stdint.h>
#include <sys/epoll.h>

struct loop;
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
/*
 * Packets were taken, into loop->packets. Whether they come in a stream that nobody answers
 * (loop_note_sent), four or more in a nap: then whoever drives may nap (loop->is_loaded). Judged
 * anew with every so many packets. Runs of UDP_GRO do not count: they have saved their wake-ups
 * already, and a nap would only keep the peer's window shut.
 */
void turn_note_load(struct loop *loop, size_t received, uint64_t now_us);
/* Sees only to the descriptors that were closed, whose events come once. The stack is locked. */
void turn_hangups(struct usctp_stack *stack, const struct epoll_event *events, int n);

#endif
