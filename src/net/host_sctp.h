/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who speaks SCTP on this host, as /proc tells: the kernel, and the raw sockets for protocol 132 of
 * whatever program. Which raw sockets are usctp's own is known to host_speaker.c.
 */
#ifndef NET_HOST_SCTP_H
#define NET_HOST_SCTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether the text of /proc/net/protocols lists SCTP. */
bool host_sctp_is_in_protocols(const char *text);
/* Whether the kernel has SCTP of its own, loaded or built in. A host without /proc says no. */
bool host_sctp_is_in_kernel(void);

/* Opens the list of raw sockets of this thread's network namespace. Returns a descriptor or a
 * negative errno. */
int host_sctp_open_list(bool ipv6);
/* Takes one line of it. Returns whether it is a socket for protocol 132, with its inode. */
bool host_sctp_parse_line(const char *line, uint64_t *inode);
/*
 * Goes through the list and calls visit for each socket for protocol 132, until it says false. Any
 * thread may do so at any time. Returns 0, 1 when visit said false, or a negative errno.
 */
int host_sctp_visit(int list_fd, bool (*visit)(void *user, uint64_t inode), void *user);

#endif
