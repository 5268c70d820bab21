/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A process that has the stack makes calls for its forked children, on the sockets that they have
 * inherited from it: a thread, which is there from the first fork on that finds a stack.
 */
#ifndef PRELOAD_FORK_SERVICE_H
#define PRELOAD_FORK_SERVICE_H

/* Before a fork of the process that has the stack. Returns the control socket that the child is to
 * ask by, or -1: it cannot be served. */
int fork_service_start(void);
/* In the child: the service is its parent's. */
void fork_service_forget(void);

#endif
