/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The stack of a program that knows nothing of usctp: made when its first SCTP socket is, as
 * usctp-run has been told. Another one is made in a forked child that opens sockets of its own.
 */
#ifndef PRELOAD_PROGRAM_STACK_H
#define PRELOAD_PROGRAM_STACK_H

#include "preload/run_environment.h"

#include <stdbool.h>

/* A socket of the program's stack: its descriptor, or -1 and errno. type: with SOCK_NONBLOCK and
 * SOCK_CLOEXEC. */
int program_stack_socket(int domain, int type);
/* Whether fd is an SCTP socket. Says once on stderr when it is a parent's, whose call the child
 * cannot have (parents_socket.h has those that it can). */
bool program_stack_has(int fd);
/* Whether fd is an SCTP socket of the process that this one was forked by. */
bool program_stack_is_parents(int fd);
/* Whether this is a child of vfork(), which has descriptors of its own, and its parent's memory:
 * what becomes of them there is nothing to the parent's sockets. */
bool program_stack_is_borrowed(void);

#endif
