/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ports and local addresses of sockets (RFC 6458 4.1.2, 9.1).
 */
#ifndef API_BIND_H
#define API_BIND_H

#include "api/socket.h"

/* Binds a socket that is not bound to every address and a port of the system's choice. Returns 0 or
 * a negative errno. */
int bind_automatically(struct socket *s);

#endif
