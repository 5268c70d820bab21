/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Closing: what becomes of an association whose socket is closed.
 *
 * It is shut down gracefully and lives on without a socket, what still comes for it is discarded,
 * and its port stays claimed until it has ended; or it is aborted, where SO_LINGER says so or data
 * was left unread (RFC 6458 4.1.6, 8.1.4).
 */
#ifndef API_CLOSE_H
#define API_CLOSE_H

#include "api/connection.h"

/* Gives away all that a socket holds in the engine and the transport; closing twice is no harm. */
void close_give_away(struct socket *s);
/* Aborts an association and releases it with its endpoint. */
void close_abort(struct usctp_stack *stack, struct connection *a);
/* Reads and drops what an association received. */
void close_discard(struct usctp_stack *stack, struct connection *a);
/* A closing association has ended. */
void close_finish(struct usctp_stack *stack, struct connection *a);

#endif
