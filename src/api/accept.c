/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * usctp_listen, usctp_accept, usctp_accept4 (RFC 6458 4.1.3, 4.1.4).
 *
 * The engine holds the backlog but for one association, which events.c takes out beforehand.
 */
#include "api/bind.h"
#include "api/connect.h"
#include "api/events.h"
#include "api/fd_table.h"
#include "api/sockaddr.h"
#include "api/stack.h"

#include <errno.h>
#include <unistd.h>

enum { MAX_BACKLOG = 65535 };

static int listen_on(struct socket *s, struct usctp_stack *stack, int backlog) {
    if (s->state != SOCKET_FRESH && s->state != SOCKET_LISTENING)
        return -EINVAL;
    if (backlog == 0) { /* RFC 6458 4.1.3: no new associations from now on */
        if (s->state == SOCKET_FRESH)
            return 0;
        return socket_errno(usctp_endpoint_listen(stack->engine, s->endpoint, 0));
    }
    int error = bind_automatically(s);
    if (error != 0)
        return error;
    /* As the kernel: a negative backlog is as large as can be. */
    uint32_t length = backlog < 0 || backlog > MAX_BACKLOG ? MAX_BACKLOG : (uint32_t)backlog;
    error = usctp_endpoint_listen(stack->engine, s->endpoint, length);
    if (error != 0)
        return socket_errno(error);
    if (s->state == SOCKET_LISTENING)
        return 0;
    /* An error of its own would make accept() believe that somebody waits. */
    connect_forget(s, stack);
    s->state = SOCKET_LISTENING;
    socket_set_listener(s, true);
    return 0;
}

int usctp_listen(int sd, int backlog) {
    struct call c;
    int error = call_enter(&c, sd);
    if (error != 0) {
        errno = -error;
        return -1;
    }
    return (int)call_leave(&c, listen_on(c.socket, c.stack, backlog));
}

/* ---- accept ---------------------------------------------------------------------------------- */

/* What Linux copies from the listener. */
static void inherit(struct socket *s, const struct socket *listener) {
    s->bound = listener->bound;
    s->v6only = listener->v6only;
    s->is_mapped = listener->is_mapped;
    s->reuse_address = listener->reuse_address;
    s->pf_exposure = listener->pf_exposure;
    s->interleave = listener->interleave;
    s->linger = listener->linger;
    s->encapsulation_port = listener->encapsulation_port;
    s->receive_context = listener->receive_context;
    s->interests = listener->interests;
    s->send_defaults = listener->send_defaults;
    s->config = listener->config;
}

static void inherit_timeout(const struct call *c, int fd, int option) {
    struct timeval timeout;
    socklen_t length = sizeof timeout;
    if (getsockopt(c->fd, SOL_SOCKET, option, &timeout, &length) != 0)
        return;
    if (timeout.tv_sec == 0 && timeout.tv_usec == 0)
        return;
    setsockopt(fd, SOL_SOCKET, option, &timeout, length);
}

/* Makes the waiting association a socket. Returns its descriptor or a negative errno. */
static int take(struct call *c, int flags) {
    struct socket *listener = c->socket, *s;
    int error = socket_new(c->stack, listener->domain, flags, &s);
    if (error != 0)
        return error;
    int fd = s->descriptor.number;
    struct connection *connection = listener->waiting;
    listener->waiting = NULL;
    inherit(s, listener);
    inherit_timeout(c, fd, SO_RCVTIMEO);
    inherit_timeout(c, fd, SO_SNDTIMEO);
    s->connection = connection;
    connection->socket = s;
    s->endpoint = connection->endpoint;
    s->port = connection->port;
    connection->port = 0;
    s->state = connection->has_ended ? SOCKET_ENDED : SOCKET_CONNECTED;
    s->error = connection->error;
    s->is_readable = events_has_unread(c->stack, connection->id);
    socket_show(s, fd);
    events_prefetch(listener);
    return fd;
}

static void give_name(struct call *c, int fd, struct sockaddr *address, socklen_t *length) {
    struct usctp_path_status path;
    struct usctp_assoc_status status;
    struct socket *s = fd_table_find(fd);
    if (!address || !length || !s->connection)
        return;
    if (usctp_assoc_status(c->stack->engine, s->connection->id, &status) != 0 ||
        usctp_path_status(c->stack->engine, s->connection->id, status.primary_path, &path) != 0)
        return;
    sockaddr_give(&path.address, status.peer_port, s->domain == AF_INET6 && s->is_mapped, address,
                  length);
}

static int accept_on(struct call *c, int flags) {
    struct socket *s = c->socket;
    if (flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC))
        return -EINVAL;
    for (;;) {
        if (s->state != SOCKET_LISTENING)
            return -EINVAL;
        if (s->waiting)
            return take(c, flags);
        socket_show(s, c->fd);
        int error = loop_wait(c, WANT_READABLE);
        if (error != 0)
            return error;
    }
}

int usctp_accept4(int sd, struct sockaddr *address, socklen_t *length, int flags) {
    struct call c;
    int error = address && !length ? -EFAULT : call_enter(&c, sd);
    if (error != 0) {
        errno = -error;
        return -1;
    }
    socket_sweep(c.stack);
    int fd = accept_on(&c, flags);
    if (fd >= 0)
        give_name(&c, fd, address, length);
    return (int)call_leave(&c, fd);
}

int usctp_accept(int sd, struct sockaddr *address, socklen_t *length) {
    return usctp_accept4(sd, address, length, 0);
}
