/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An association of the engine that this stack answers for: a socket's, one waiting for accept(),
 * or one that closes alone; and the list of a socket's associations.
 *
 * Who sleeps keeps an association's id and finds it anew afterwards: on a one-to-many socket it may
 * have gone meanwhile.
 */
#ifndef API_CONNECTION_H
#define API_CONNECTION_H

#include "api/socket.h"

/* A message that is sent in pieces (SCTP_EXPLICIT_EOR). */
struct record {
    uint8_t *data; /* malloc; NULL: none is begun */
    size_t bytes, room;
    struct usctp_send send; /* what its first piece said */
};

struct connection {
    struct hash_node node;
    LIST_ENTRY(connection) link;
    TAILQ_ENTRY(connection) of_socket, readable_link;
    int32_t id, endpoint;
    uint16_t port; /* claimed for it, 0: by its socket */
    uint16_t peer_port;
    struct socket *socket; /* NULL: closing */
    bool is_established, has_peer_shutdown, has_ended;
    bool is_readable; /* in its socket's list of those that have something to read */
    bool is_dry_due;  /* to be told first: all is acknowledged (RFC 6458 6.1.9) */
    bool is_stop_due; /* to be told last: notifications were lost (RFC 6458 6.1.10) */
    bool is_full, is_write_shut;
    uint32_t waiters;               /* threads asleep for its room or set-up */
    int error;                      /* an errno, when has_ended */
    uint64_t dropped_notifications; /* that were told of */
    struct record record;           /* what was sent of a message so far */
    uint64_t active_us;             /* user data was last sent or received */
    uint32_t dscp_paths;            /* 1 << index: by SPP_DSCP for this path */
    struct preferences preferences;
};

/* Makes one of no socket. Returns NULL when memory is short. */
struct connection *connection_new(struct usctp_stack *stack, int32_t id, int32_t endpoint);
/* Takes it from its socket and releases it to the engine, and its port. */
void connection_delete(struct usctp_stack *stack, struct connection *a);
struct connection *connection_find(struct usctp_stack *stack, int32_t id);
/* A socket's association by its id, or NULL. */
struct connection *connection_of(const struct socket *s, int32_t id);
/* The association of a one-to-one socket, or NULL. */
struct connection *connection_only(const struct socket *s);

/* How the engine's queue is to be read: USCTP_MESSAGE_INTERLEAVE or 0. */
uint32_t connection_read_flags(const struct connection *a);
/* Makes it one of a socket's, with the socket's preferences. */
void connection_attach(struct connection *a, struct socket *s);
/* Takes it from its socket. */
void connection_detach(struct connection *a);
/* Looks whether it has something that its socket's application wants to read; drops notifications
 * that nobody wants. */
void connection_look(struct connection *a);
/* Looks, and has the socket shown. One of a one-to-many socket that has ended goes with the last
 * that is read: then it is deleted. */
void connection_settle(struct connection *a);
/* The same of one that has been looked at. */
void connection_finish(struct connection *a);
/* It has room for messages, or never will: whoever waits for that looks again. */
void connection_unblock(struct connection *a);
/* User data was sent or received: for SCTP_AUTOCLOSE. */
void connection_touch(struct connection *a, uint64_t now_us);
/* A living or ended association's present state, or false. */
bool connection_status(const struct connection *a, struct usctp_assoc_status *status);
/* The address that is now the primary one, and true. */
bool connection_primary(const struct connection *a, struct usctp_addr *address);

#endif
