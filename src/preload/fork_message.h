/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a forked child and the process that has the stack say to each other about one call on a
 * socket of the parent's (parents_socket.h asks, fork_service.h answers).
 *
 * The child sends a descriptor of a new stream socket pair and the socket itself (SCM_RIGHTS) over
 * the control socket; over the stream go a request with its address, control and data bytes, and
 * the reply with those that it has. Both ends are the same program: structures go as they are.
 */
#ifndef PRELOAD_FORK_MESSAGE_H
#define PRELOAD_FORK_MESSAGE_H

#include "preload/libc_calls.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum fork_call {
    FORK_GETSOCKOPT,
    FORK_SETSOCKOPT,
    FORK_GETSOCKNAME,
    FORK_GETPEERNAME,
    FORK_SHUTDOWN,
    FORK_SEND,
    FORK_RECEIVE,
};

enum {
    FORK_ADDRESS_BYTES = sizeof(struct sockaddr_storage),
    FORK_CONTROL_BYTES = 4096,
    FORK_DATA_BYTES = 256 * 1024, /* of a message: more is EMSGSIZE to send, and read in parts */
};

struct fork_request {
    uint32_t call;
    int32_t level, name; /* of an option; name: also how to shut down, and flags of a message */
    /* What follows, in this order; of FORK_RECEIVE and the names: how much room there is. */
    uint32_t address_bytes, control_bytes, data_bytes;
};

struct fork_reply {
    int64_t result;
    int32_t error;                                     /* errno */
    int32_t flags;                                     /* msg_flags */
    uint32_t address_bytes, control_bytes, data_bytes; /* as copied: what follows, in this order */
    uint32_t address_length;                           /* as the call returned it */
};

/* All of it, whatever signals come. Returns whether it was. */
static inline bool fork_write(int fd, const void *bytes, size_t n) {
    const uint8_t *at = bytes;
    while (n > 0) {
        ssize_t sent = libc_send(fd, at, n, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return false;
        at += sent;
        n -= (size_t)sent;
    }
    return true;
}

static inline bool fork_read(int fd, void *bytes, size_t n) {
    uint8_t *at = bytes;
    while (n > 0) {
        ssize_t got = libc_recv(fd, at, n, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        at += got;
        n -= (size_t)got;
    }
    return true;
}

#endif
