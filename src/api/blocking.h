/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Blocked callers. One drives the packets (loop.h); the others sleep, each on a word of his own,
 * until what he wants is there or he is to drive.
 *
 * As in the kernel: O_NONBLOCK, SO_RCVTIMEO and SO_SNDTIMEO are the descriptor's and are looked at
 * when a call begins to wait; a signal's handler without SA_RESTART ends the call with EINTR, one
 * with it does not unless a timeout is set (signal(7)); a thread may be cancelled while it waits,
 * and holds nothing then; close() by another thread ends the wait with EBADF.
 */
#ifndef API_BLOCKING_H
#define API_BLOCKING_H

#include "api/loop.h"

/*
 * Blocks the caller until his socket, or its association `assoc` where he wants room or a set-up,
 * has what he wants, perhaps a little longer or shorter: he looks again, also for whether the
 * association is still there (c->outcome tells why it ended). The stack is locked before and after,
 * not in between. Returns 0, -EAGAIN (the descriptor is non-blocking, or the time is over), -EINTR,
 * -ESHUTDOWN (the stack ends), -EBADF (the socket was closed meanwhile).
 */
int blocking_wait(struct call *c, enum loop_want want, int32_t assoc);
/* Sleeps while the process exits. Returns -EBADF or -ESHUTDOWN, if ever. */
int blocking_stay(struct call *c);

#endif
