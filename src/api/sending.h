/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One send: its bytes, and to which association they go (RFC 6458 3.1.4, 4.1.8, 5.3.4). How it is
 * asked for is in send.c.
 */
#ifndef API_SENDING_H
#define API_SENDING_H

#include "api/ancillary.h"
#include "api/connection.h"

#include <limits.h>

struct request {
    size_t slice_count, bytes;
    struct send_info info;
    const struct sockaddr *names; /* packed */
    int name_count;
    socklen_t name_bytes;         /* of a single one; 0: as its family says */
    const struct msghdr *message; /* for further addresses; may be NULL */
    int flags;
    sctp_assoc_t assoc; /* out: the association that was set up, or 0 */
    struct usctp_slice slices[IOV_MAX];
};

/* Makes one without bytes; names, unless NULL, are `count` packed addresses. */
void sending_begin(struct request *r, const struct sockaddr *names, int count, int flags);
/* Returns 0, -EMSGSIZE, -EFAULT or -EINVAL. */
int sending_take_slices(struct request *r, const struct iovec *iov, size_t count);
/* Sends, and waits for room or, one-to-one, for the association. Returns bytes or a negative errno.
 */
ssize_t sending_run(struct call *c, struct request *r);

#endif
