/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * usctp_peeloff, usctp_peeloff_flags (see peeloff.h).
 *
 * What the association has received and not yet given waits in the engine, so it moves along. A
 * rest of a notification that was being read stays with the socket that was read.
 */
#include "api/peeloff.h"

#include "api/connection.h"
#include "api/stack.h"
#include "net/transport.h"

#include <errno.h>
#include <unistd.h>

static enum socket_state state_of(const struct connection *a) {
    if (a->has_ended)
        return SOCKET_ENDED;
    return a->is_established ? SOCKET_CONNECTED : SOCKET_CONNECTING;
}

/* Gives up a socket that nobody has seen. */
static int undo(struct socket *s, int error) {
    int fd = s->descriptor.number;
    socket_delete(s);
    close(fd);
    return error;
}

static int move(struct call *c, struct connection *a, struct socket *s) {
    struct usctp_stack *stack = c->stack;
    int error = transport_claim_port(stack->transport, c->socket->port);
    if (error != 0)
        return error;
    s->port = c->socket->port; /* released with s from here on */
    int32_t endpoint = usctp_assoc_peel_off(stack->engine, a->id);
    if (endpoint < 0)
        return socket_errno(endpoint);
    socket_inherit(c, s);
    s->endpoint = a->endpoint = endpoint;
    struct usctp_config config;
    if (usctp_assoc_config(stack->engine, a->id, &config) == 0)
        socket_configure(s, &config);
    s->preferences = a->preferences;
    connection_detach(a);
    connection_attach(a, s);
    s->state = state_of(a);
    s->error = a->has_ended ? a->error : 0;
    s->is_full = a->is_full;
    c->socket->is_full = false; /* another that is full says so when it is sent on */
    connection_look(a);
    return 0;
}

int peeloff_take(struct call *c, sctp_assoc_t id, int flags) {
    struct socket *s;
    struct connection *a = connection_of(c->socket, id);
    if (flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC))
        return -EINVAL;
    if (!c->socket->is_many || !a)
        return -EINVAL;
    if (a->waiters > 0)
        return -EBUSY; /* as Linux: somebody waits for it on this socket */
    int error = socket_new(c->stack, c->socket->domain, flags, &s);
    if (error != 0)
        return error;
    s->is_peeled = true;
    error = move(c, a, s);
    if (error != 0)
        return undo(s, error);
    socket_show(s, s->descriptor.number);
    return s->descriptor.number;
}

int usctp_peeloff_flags(int sd, sctp_assoc_t id, unsigned flags) {
    struct call c;
    int error = call_enter(&c, sd);
    if (error != 0) {
        errno = -error;
        return -1;
    }
    return (int)call_leave(&c, peeloff_take(&c, id, (int)flags));
}

int usctp_peeloff(int sd, sctp_assoc_t id) {
    return usctp_peeloff_flags(sd, id, 0);
}
