/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Options 100 to 111 and 122 of level IPPROTO_SCTP: the system calls that libsctp makes of
 * sctp_bindx, sctp_connectx, sctp_peeloff, sctp_getpaddrs and sctp_getladdrs. Programs that are
 * linked with a libsctp of their own, or use the numbers, need them.
 */
#ifndef PRELOAD_PRIVATE_OPTIONS_H
#define PRELOAD_PRIVATE_OPTIONS_H

#include <stdbool.h>
#include <sys/socket.h>

bool private_options_has(int name);
/* As setsockopt and getsockopt; fd is an SCTP socket. Some return an id or a descriptor. */
int private_options_set(int fd, int name, const void *value, socklen_t bytes);
int private_options_get(int fd, int name, void *value, socklen_t *bytes);

#endif
