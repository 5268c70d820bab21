/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Branching off an association of a one-to-many socket (RFC 6458 9.2).
 */
#ifndef API_PEELOFF_H
#define API_PEELOFF_H

#include "api/socket.h"

/* In a call: gives an association a one-to-one socket of its own. flags: SOCK_NONBLOCK,
 * SOCK_CLOEXEC. Returns its descriptor or -EINVAL, -EBUSY, -EMFILE, -ENOMEM. */
int peeloff_take(struct call *c, sctp_assoc_t id, int flags);

#endif
