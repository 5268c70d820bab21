/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A socket: its descriptor, its association or accept queue, its options; and the entry to and exit
 * from a call on one.
 *
 * Whether it is readable and writable is decided in one place, socket_show, from its state.
 */
#ifndef API_SOCKET_H
#define API_SOCKET_H

#include "api/descriptor.h"
#include "api/loop.h"
#include "core/hash.h"
#include "usctp/usctp.h"

#include <stdatomic.h>
#include <sys/queue.h>

struct usctp_stack;

enum socket_state {
    SOCKET_FRESH, /* no association yet, or again none after a failed connect */
    SOCKET_LISTENING,
    SOCKET_CONNECTING,
    SOCKET_CONNECTED,
    SOCKET_ENDED, /* the association has ended; what it received may still be read */
    SOCKET_GONE,  /* closed; waits for the last thread to leave it */
};

/* An association of the engine that this stack answers for: a socket's, one waiting for accept(),
 * or one that closes alone. */
struct connection {
    struct hash_node node;
    LIST_ENTRY(connection) link;
    int32_t id, endpoint;
    uint16_t port;         /* claimed for it, 0: by its socket */
    struct socket *socket; /* NULL: closing */
    bool is_established, has_peer_shutdown, has_ended;
    int error; /* an errno, when has_ended */
};

/* Part of a notification that did not fit into the reader's buffer. */
struct remainder {
    uint8_t *data; /* malloc */
    size_t bytes, offset_bytes;
};

/* Which notifications and ancillary data the application wants; a bit for each type of enum
 * sctp_sn_type. */
struct interests {
    uint32_t types; /* 1 << (type - SCTP_SN_TYPE_BASE); bit 0: SCTP_SNDRCV ancillary data */
    bool rcvinfo, nxtinfo;
};

struct send_defaults {
    uint16_t sid, flags;
    uint32_t ppid, context; /* ppid as the application gave it */
};

struct socket {
    _Atomic(struct usctp_stack *)
        stack; /* first; read without the lock; NULL: the stack is no more */
    LIST_ENTRY(socket) link;
    TAILQ_ENTRY(socket) dirty_link;
    bool is_dirty;
    enum socket_state state;
    _Atomic uint32_t users; /* threads inside a call on it */
    struct descriptor descriptor;

    int domain;
    int32_t endpoint;               /* 0: not bound */
    struct hash_node endpoint_node; /* while listening */
    uint16_t port;
    struct usctp_addr bound; /* first bound address; family NONE: any */
    struct connection *connection;
    struct connection *waiting; /* listening: next for accept() */
    struct remainder remainder;
    uint32_t readers; /* threads asleep for WANT_READABLE */
    int error;        /* SO_ERROR */
    bool is_readable; /* the association has something to read */
    bool is_full;     /* a send found no room */
    bool is_read_shut, is_write_shut;
    int32_t closing; /* the association that a lingering close() waits for */

    /* options */
    bool v6only, is_mapped, reuse_address;
    uint8_t interleave;  /* SCTP_FRAGMENT_INTERLEAVE */
    uint8_t pf_exposure; /* SCTP_EXPOSE_POTENTIALLY_FAILED_STATE as set */
    struct linger linger;
    uint16_t encapsulation_port; /* of peers; 0 = none */
    uint32_t receive_context;
    struct interests interests;
    struct send_defaults send_defaults;
    struct usctp_config config; /* for new associations */
};

/* ---- a call on a socket ---------------------------------------------------------------------- */

struct call {
    struct socket *socket;
    struct usctp_stack *stack;
    int fd;
    uint64_t now_us;
    int cancel_state;
    bool has_deadline,
        was_asked; /* loop_wait: a timeout is set; the descriptor's flags were looked at */
    uint64_t deadline_us;
};

/*
 * Finds the socket of fd and locks its stack. Returns 0, or -EBADF, -ENOTSOCK, -ESHUTDOWN (the
 * stack is no more); then there is nothing to leave.
 */
int call_enter(struct call *c, int fd);
/* Sends what is due, shows readiness, unlocks. Returns result, or -1 with errno set when it is a
 * negative errno. */
ssize_t call_leave(struct call *c, ssize_t result);
/* As call_leave with no result, for a thread that is being cancelled. The stack is locked. */
void call_abandon(struct call *c);

/* ---- sockets --------------------------------------------------------------------------------- */

/* Makes a socket with a descriptor, which the table knows. Returns 0 or a negative errno. flags:
 * SOCK_NONBLOCK, SOCK_CLOEXEC. */
int socket_new(struct usctp_stack *stack, int domain, int flags, struct socket **out);
/* Ends it: its association is given away (close.c) and its memory goes when nobody is inside. b is
 * closed, a is not touched. */
void socket_delete(struct socket *s);
/* Cuts it off from a stack that ends: its descriptor shows the end, later calls say ESHUTDOWN. */
void socket_orphan(struct socket *s);
/* Marks it for socket_show at the end of the turn or call. */
void socket_touch(struct socket *s);
/* Brings the descriptor in line with the state. fd: its number in a call of the application, or -1.
 */
void socket_show(struct socket *s, int fd);
/* Shows all that were touched. */
void socket_show_touched(struct usctp_stack *stack);
bool socket_has_readable(const struct socket *s);
/* Whether there is no more to wait for. */
bool socket_is_ready(const struct socket *s, enum loop_want want);
/* Takes the pending error, 0 when there is none. */
int socket_take_error(struct call *c);
/* Closes b after taking it from the epoll set. */
void socket_unwatch(struct socket *s);
/* Looks at a few sockets for whether the application has closed them: b may be closed without a
 * witness. */
void socket_sweep(struct usctp_stack *stack);
/* Translates an enum usctp_error into a negative errno. */
int socket_errno(int error);

/* ---- associations ---------------------------------------------------------------------------- */

struct connection *connection_new(struct usctp_stack *stack, int32_t id, int32_t endpoint);
/* Releases it to the engine, and its port. */
void connection_delete(struct usctp_stack *stack, struct connection *a);
struct connection *connection_find(struct usctp_stack *stack, int32_t id);
/* The socket that listens on an endpoint, or NULL. */
struct socket *socket_find_listener(struct usctp_stack *stack, int32_t endpoint);
void socket_set_listener(struct socket *s, bool listens);

#endif
