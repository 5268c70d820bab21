/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Names that exist once among the processes of a host: bound abstract AF_UNIX addresses. They are
 * per network namespace, need no file system and no privilege, and vanish with the process that
 * holds them. What they stand for is in port_claim.c (ports) and host_speaker.c (raw sockets, the
 * speaker).
 */
#ifndef NET_HOST_NAME_H
#define NET_HOST_NAME_H

#include "net/host_namespace.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

/* Writes "usctp/<kind>/<number>" as an abstract address. Returns its length. */
socklen_t host_name_write(struct sockaddr_un *name, const char *kind, uint64_t number);
/* Takes a name with a new socket of the type. Returns the socket, -EADDRINUSE or another negative
 * errno. */
int host_name_take(struct host_namespace *ns, const char *kind, uint64_t number, int type);
/* Whether somebody holds the name with a SOCK_DGRAM socket. `probe` is one without a name; what
 * cannot be found out counts as taken. */
bool host_name_is_taken(int probe, const char *kind, uint64_t number);

#endif
