/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The network namespace that a stack lives in: that of the thread which made it. Other threads,
 * which may be in others, use the stack too; what must be made in its namespace later, the sockets
 * that hold names (host_name.h), is made here. Packet sockets and netlink are made with the stack.
 *
 * A thread of the namespace makes what it needs. One of another goes there and comes back, where
 * it may (CAP_SYS_ADMIN), or takes one of a few spare sockets, which the next thread of the
 * namespace replaces: the I/O thread is one.
 */
#ifndef NET_HOST_NAMESPACE_H
#define NET_HOST_NAMESPACE_H

#include <stdbool.h>

#define HOST_NAMESPACE_SPARES      4u  /* to begin with */
#define HOST_NAMESPACE_MOST_SPARES 64u /* where they are used */

struct host_namespace;

/* That of the calling thread; spares only for who will want sockets. Returns 0 or a negative
 * errno. */
int host_namespace_new(struct host_namespace **out, bool with_spares);
void host_namespace_delete(struct host_namespace *ns);
/* Whether a socket belongs to it; also where the kernel cannot say (before Linux 5.14). */
bool host_namespace_has(const struct host_namespace *ns, int fd);
/* Makes an AF_UNIX socket of a type, non-blocking. Returns it or a negative errno: -EPERM for a
 * thread of another namespace that may not go there, when no spare is left. */
int host_namespace_socket(struct host_namespace *ns, int type);
/* Makes a socket of any kind there, non-blocking, as a thread of it or one that may go there.
 * Returns it or a negative errno: -EPERM for others, too. For any thread at any time. */
int host_namespace_open(const struct host_namespace *ns, int domain, int type, int protocol);
/* Has something done there, as host_namespace_open makes its socket. Returns what that returns, or
 * a negative errno. */
int host_namespace_run(const struct host_namespace *ns, int (*work)(void *argument),
                       void *argument);
/* Whether a spare is missing that host_namespace_refill, in a thread of the namespace, replaces. */
bool host_namespace_is_short(const struct host_namespace *ns);
/* Twice as many as before. */
void host_namespace_refill(struct host_namespace *ns);
/* The first port that everybody may bind there (net.ipv4.ip_unprivileged_port_start). */
int host_namespace_unprivileged_port(const struct host_namespace *ns);

#endif
