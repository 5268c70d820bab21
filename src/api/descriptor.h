/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A socket's real descriptor: a pair of AF_UNIX SOCK_SEQPACKET sockets whose kernel state shows the
 * socket's readiness.
 *
 * The application has end a, the stack has end b. Readable: tokens (1-byte messages) lie in a. Not
 * writable: a message of 2048 bytes lies in b and exceeds a's tiny send buffer. End of file,
 * hang-up and error: shutdown and close of b. Functions that take `fd` act on a; only a thread that
 * is inside a call of the application on that very number may call them, because after close() the
 * number may belong to a stranger; where that is doubtful they look first. When a socket is ready
 * is decided in socket.c.
 */
#ifndef API_DESCRIPTOR_H
#define API_DESCRIPTOR_H

#include <stdbool.h>
#include <stdint.h>

struct descriptor {
    int number;            /* a, as far as is known */
    int own;               /* b, or -1 */
    int witness;           /* from end of file on: hangs up when a is closed for good, or -1 */
    uint64_t inode;        /* of a: its identity, whatever its numbers */
    uint32_t tokens;       /* in a */
    bool is_filled;        /* the 2048-byte message lies in b */
    bool is_small;         /* a's send buffer is the smallest: one fill is enough */
    bool is_parked;        /* a 1-byte message lies in b, so that closing b is an error for a */
    bool is_parked_behind; /* another, behind the 2048-byte message */
    bool has_eof;          /* descriptor_show_eof was called; the tokens stay */
    bool has_ended;        /* descriptor_show_end was called */
    bool is_doubtful;      /* the number of the call that runs may have been closed meanwhile */
};

/* Makes the pair, writable. flags: SOCK_NONBLOCK, SOCK_CLOEXEC for a. Returns 0 or a negative
 * errno. */
int descriptor_open(struct descriptor *d, int flags);
/* Closes b, or what has taken its place. */
void descriptor_close(struct descriptor *d);

/* Puts a token into a: readable, and an edge for epoll. */
void descriptor_give_token(struct descriptor *d);
/* Takes all tokens back but some; not after end of file. */
void descriptor_take_tokens(struct descriptor *d, int fd, uint32_t but);
/* Makes a not writable. */
void descriptor_fill(struct descriptor *d, int fd);
/* Makes a writable again. */
void descriptor_drain(struct descriptor *d);
/* Leaves a small message in b that does not touch a's writability. */
void descriptor_park(struct descriptor *d, int fd);

/* IN and RDHUP for good; writability as it is. */
void descriptor_show_eof(struct descriptor *d);
/* IN, OUT, RDHUP and HUP for good. */
void descriptor_show_end(struct descriptor *d);
/* The same, and ERR where a message was parked: b is closed and the witness takes its place.
 * Without descriptors for a witness only the end is shown. */
void descriptor_show_error(struct descriptor *d);

/* Whether the application has closed the last duplicate of a. With neither b nor a witness: whether
 * `number` is a no longer. */
bool descriptor_is_abandoned(struct descriptor *d);
/* Whether fd is still a: known, or found out where it is doubtful. */
bool descriptor_may_touch(struct descriptor *d, int fd);
/* The identity of the socket behind fd: 0 and *inode, -EBADF, or -ENOTSOCK. */
int descriptor_identify(int fd, uint64_t *inode);

#endif
