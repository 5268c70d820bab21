/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One receive: what is taken out of a socket's queues, and from which of its associations (RFC
 * 6458 3.1.4, 6.1, 8.1.20). How it is handed over is in receive.c.
 */
#ifndef API_READING_H
#define API_READING_H

#include "api/connection.h"

#include <limits.h>

/* Where the bytes go, and what came. */
struct reading {
    struct usctp_slice slices[IOV_MAX];
    size_t slice_count;
    int flags;
    int message_flags;  /* out: MSG_EOR, MSG_NOTIFICATION, MSG_TRUNC */
    sctp_assoc_t assoc; /* out, with the following; 0: nothing to tell of an association */
    uint16_t peer_port;
    uint32_t context;
    bool wants_sndrcv;
    bool marks_end; /* SCTP_EXPLICIT_EOR is on, and the message ends */
    struct usctp_received received;
    bool has_data, has_next; /* `received` is of a message; `next` is filled */
    struct usctp_received next;
    uint32_t next_bytes;
};

/* Returns 0, -EMSGSIZE or -EFAULT. */
int reading_take_slices(struct reading *r, const struct iovec *iov, size_t count);
/* Waits for something to read and reads it. Returns bytes, 0 at the end, or a negative errno. */
ssize_t reading_run(struct call *c, struct reading *r);
/* Tells the engine that something was read, if it was; call_leave does that. */
void reading_settle(struct call *c);

#endif
