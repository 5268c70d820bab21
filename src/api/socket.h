/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A socket: its descriptor, its associations or accept queue, its options; and the entry to and
 * exit from a call on one.
 *
 * A one-to-many socket has any number of associations, a one-to-one socket at most one: both keep
 * them in the same list and read, write and set options through it (connection.h). Whether it is
 * readable and writable is decided in one place, socket_show, from its state.
 */
#ifndef API_SOCKET_H
#define API_SOCKET_H

#include "api/cancellation.h"
#include "api/descriptor.h"
#include "api/loop.h"
#include "core/hash.h"
#include "usctp/usctp.h"

#include <stdatomic.h>
#include <sys/queue.h>

struct usctp_stack;

/* Of a one-to-many socket only FRESH, LISTENING, ENDED (its stack is no more) and GONE. */
enum socket_state {
    SOCKET_FRESH, /* no association yet, or again none after a failed connect */
    SOCKET_LISTENING,
    SOCKET_CONNECTING,
    SOCKET_CONNECTED,
    SOCKET_ENDED, /* the association has ended; what it received may still be read */
    SOCKET_GONE,  /* closed; waits for the last thread to leave it */
};

/* Part of a notification that did not fit into the reader's buffer. */
struct remainder {
    uint8_t *data; /* malloc */
    size_t bytes, offset_bytes;
};

struct send_defaults {
    uint16_t sid, flags;
    uint32_t ppid, context; /* ppid as the application gave it */
};

/* What the application has set for an association, and on a socket for those to come. */
struct preferences {
    /* Which notifications are wanted: 1 << (type - SCTP_SN_TYPE_BASE); bit 0: SCTP_SNDRCV ancillary
     * data. */
    uint32_t types;
    uint32_t receive_context;
    struct send_defaults send;
    uint8_t pf_exposure; /* SCTP_EXPOSE_POTENTIALLY_FAILED_STATE as set */
    bool has_dscp;       /* by SPP_DSCP, for all paths */
};

struct connection;
TAILQ_HEAD(connection_list, connection);

struct socket {
    _Atomic(struct usctp_stack *)
        stack; /* first; read without the lock; NULL: the stack is no more */
    LIST_ENTRY(socket) link;
    TAILQ_ENTRY(socket) dirty_link;
    bool is_dirty;
    enum socket_state state;
    _Atomic uint32_t users;   /* threads inside a call on it */
    _Atomic uint32_t numbers; /* that the table knows for it */
    struct descriptor descriptor;

    int domain;
    bool is_many;                   /* one-to-many style */
    bool is_peeled;                 /* came from such a one */
    int32_t endpoint;               /* 0: not bound */
    struct hash_node endpoint_node; /* while listening */
    uint16_t port;
    struct usctp_addr bound;            /* first bound address; family NONE: any */
    struct usctp_addr source;           /* of an association, when that was last asked for */
    struct connection_list connections; /* the least recently active first */
    uint32_t connection_count;
    struct connection_list readable; /* in the order of their turns */
    struct connection *held;         /* nothing else is read before its message has ended */
    struct connection *waiting;      /* one-to-one, listening: next for accept() */
    struct remainder remainder;
    struct follower_list sleepers; /* threads in blocking_wait that do not drive */
    int error;                     /* SO_ERROR */
    bool is_full;                  /* a send found no room */
    bool has_news;                 /* something to read has come since the last token was given */
    bool is_read_shut;
    int32_t closing; /* the association that a lingering close() waits for */

    /* options */
    bool v6only, is_mapped, reuse_address, reuse_port, keeps_alive, auto_asconf;
    bool is_free_to_bind;  /* IP_FREEBIND */
    uint8_t traffic_class; /* IP_TOS, IPV6_TCLASS as set */
    uint8_t mtu_discover;  /* IP_MTU_DISCOVER as set */
    bool wants_rcvinfo, wants_nxtinfo, wants_extrcv;
    bool explicit_eor;  /* SCTP_EXPLICIT_EOR */
    uint8_t interleave; /* SCTP_FRAGMENT_INTERLEAVE */
    struct linger linger;
    uint32_t autoclose_s;              /* SCTP_AUTOCLOSE, 0 = never */
    LIST_ENTRY(socket) autoclose_link; /* while it is not 0 */
    uint16_t encapsulation_port;       /* of peers; 0 = none */
    struct preferences preferences;    /* of new associations */
    const struct usctp_config *config; /* for new associations; of the stack's pool */
};

/* ---- a call on a socket ---------------------------------------------------------------------- */

/* Which associations an option is about (RFC 6458 7.2); `future`: the socket's own settings. */
struct scope {
    bool future, all;
    struct connection *one; /* or NULL */
};

struct call {
    struct socket *socket;
    struct usctp_stack *stack;
    int fd;
    uint64_t now_us;    /* call_enter_timeless: of an earlier call */
    struct scope scope; /* of an option */
    int32_t sent;       /* the association that a message was sent on, and nothing else done */
    int32_t taken_from; /* reading_settle: the association that was read from */
    int32_t awaited;    /* blocking_wait: the association */
    int outcome;        /* and, when it has ended meanwhile, its errno */
    struct cancellation cancellation;
    bool has_deadline,
        was_asked; /* blocking_wait: a timeout is set; the descriptor's flags were looked at */
    uint64_t deadline_us;
};

/*
 * Finds the socket of fd and locks its stack. Returns 0, or -EBADF, -ENOTSOCK, -ESHUTDOWN (the
 * stack is no more), -EAGAIN (a signal handler calls that has interrupted a call); then there is
 * nothing to leave.
 */
int call_enter(struct call *c, int fd);
/* The same for a call that needs no clock unless it waits or sends. */
int call_enter_timeless(struct call *c, int fd);
/* Sends what is due, shows readiness, unlocks. Returns result, or -1 with errno set when it is a
 * negative errno. */
ssize_t call_leave(struct call *c, ssize_t result);
/* As call_leave with no result, for a thread that is being cancelled. The stack is locked. */
void call_abandon(struct call *c);
/* Around a wait with no lock: signal handlers may call. */
void call_sleeps(bool sleeps);
/* Whether this thread is in a call, and not asleep there. */
bool call_is_inside(void);

/* ---- sockets --------------------------------------------------------------------------------- */

/* Makes a one-to-one socket with a descriptor, which the table knows. Returns 0 or a negative
 * errno. flags: SOCK_NONBLOCK, SOCK_CLOEXEC. */
int socket_new(struct usctp_stack *stack, int domain, int flags, struct socket **out);
/* Takes over what accept() and peeloff() copy from the socket they are called on. */
void socket_inherit(struct call *c, struct socket *s);
/* Sets a tunable for new associations. Returns 0 or a negative errno. */
int socket_tune(struct socket *s, enum usctp_tunable tunable, uint64_t value);
/* Sets all of them, if there is memory. */
void socket_configure(struct socket *s, const struct usctp_config *config);
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
/* Whether there is no more to wait for; assoc: whose room or set-up is waited for. */
bool socket_is_ready(const struct socket *s, enum loop_want want, int32_t assoc);
/* Takes the pending error, 0 when there is none. */
int socket_take_error(struct call *c);
/* Closes b after taking it from the epoll set. */
void socket_unwatch(struct socket *s);
/* Looks at a few sockets for whether the application has closed them: b may be closed without a
 * witness. */
void socket_sweep(struct usctp_stack *stack);
/* Translates an enum usctp_error into a negative errno. */
int socket_errno(int error);

/* The socket that listens on an endpoint, or NULL. */
struct socket *socket_find_listener(struct usctp_stack *stack, int32_t endpoint);
void socket_set_listener(struct socket *s, bool listens);

#endif
