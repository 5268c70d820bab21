/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ports and local addresses of sockets (RFC 6458 4.1.2, 9.1).
 */
#ifndef API_BIND_H
#define API_BIND_H

#include "api/sockaddr.h"
#include "api/socket.h"

/* Binds a socket that is not bound to every address and a port of the system's choice, but not
 * `unwanted`: who calls that port of his own host would reach himself. Returns 0 or a negative
 * errno, -EAGAIN when no port is free. */
int bind_automatically(struct socket *s, uint16_t unwanted);
/* In a call: what usctp_bindx does. Returns 0 or a negative errno. */
int bind_change(struct call *c, struct address_list *list, bool add);

/* In a call: up to USCTP_MAX_ADDRESSES addresses and their port. Return how many, or -EINVAL. */
typedef int bind_list_get(struct call *c, sctp_assoc_t id, struct usctp_addr *list, uint16_t *port);
bind_list_get bind_peer_addresses, bind_local_addresses;

#endif
