/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Setting up an association (RFC 6458 4.1.5, 9.9).
 */
#ifndef API_CONNECT_H
#define API_CONNECT_H

#include "api/sockaddr.h"
#include "api/socket.h"

/*
 * Starts an association with the addresses of a peer and does not wait; init, unless NULL, is for
 * this association only. Returns the association's id or -EISCONN, -EALREADY, -EINVAL,
 * -ENETUNREACH, ... A one-to-one socket is CONNECTING afterwards.
 */
int connect_start(struct call *c, const struct address_list *peer, const struct sctp_initmsg *init);
/* Both, and tells the id meanwhile, unless id is NULL. Returns as connect_finish, or -EFAULT. */
int connect_to(struct call *c, const struct address_list *peer, sctp_assoc_t *id);
/* Waits until it is up. Returns 0, -EINPROGRESS (non-blocking, or the time is over), -EINTR, or why
 * it failed. */
int connect_finish(struct call *c, int32_t id);
/* Throws away what is left of an attempt that failed, before the socket does something else: its
 * error, its notification. */
void connect_forget(struct socket *s, struct usctp_stack *stack);

#endif
