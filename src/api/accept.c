/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * usctp_listen, usctp_accept, usctp_accept4 (RFC 6458 4.1.3, 4.1.4).
 *
 * The engine holds the backlog but for one association, which events.c takes out beforehand.
 */
#include "api/bind.h"
#include "api/connect.h"
#include "api/connection.h"
#include "api/events.h"
#include "api/fd_table.h"
#include "api/sockaddr.h"
#include "api/stack.h"

#include <errno.h>
#include <unistd.h>

enum { MAX_BACKLOG = 65535 };

static void stop_listening(struct socket *s) {
    socket_set_listener(s, false);
    s->state = SOCKET_FRESH;
}

static int listen_on(struct socket *s, struct usctp_stack *stack, int backlog) {
    if (s->state != SOCKET_FRESH && s->state != SOCKET_LISTENING)
        return -EINVAL;
    if (backlog == 0) { /* RFC 6458 4.1.3: no new associations from now on */
        if (s->state == SOCKET_FRESH)
            return 0;
        if (s->is_many)
            stop_listening(s);
        return socket_errno(usctp_endpoint_listen(stack->engine, s->endpoint, 0));
    }
    int error = bind_automatically(s, 0);
    if (error != 0)
        return error;
    /* As the kernel: a negative backlog is as large as can be; one-to-many sockets have none, as
     * nobody accepts (RFC 6458 3.1.3). */
    bool is_largest = backlog < 0 || backlog > MAX_BACKLOG || s->is_many;
    uint32_t length = is_largest ? MAX_BACKLOG : (uint32_t)backlog;
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

/* Makes the waiting association a socket. Returns its descriptor or a negative errno. */
static int take(struct call *c, int flags) {
    struct socket *listener = c->socket, *s;
    int error = socket_new(c->stack, listener->domain, flags, &s);
    if (error != 0)
        return error;
    int fd = s->descriptor.number;
    struct connection *a = listener->waiting;
    listener->waiting = NULL;
    socket_inherit(c, s);
    connection_attach(a, s);
    s->endpoint = a->endpoint;
    s->port = a->port;
    a->port = 0;
    s->state = a->has_ended ? SOCKET_ENDED : SOCKET_CONNECTED;
    s->error = a->error;
    connection_look(a);
    socket_show(s, fd);
    events_prefetch(listener);
    return fd;
}

static void give_name(int fd, struct sockaddr *address, socklen_t *length) {
    struct usctp_addr primary;
    const struct socket *s = fd_table_find(fd);
    const struct connection *a = connection_only(s);
    if (address && length && connection_primary(a, &primary))
        sockaddr_give(&primary, a->peer_port, s->domain == AF_INET6 && s->is_mapped, address,
                      length);
}

static int accept_on(struct call *c, int flags) {
    struct socket *s = c->socket;
    if (flags & ~(SOCK_NONBLOCK | SOCK_CLOEXEC))
        return -EINVAL;
    if (s->is_many)
        return -EOPNOTSUPP;
    for (;;) {
        if (s->state != SOCKET_LISTENING)
            return -EINVAL;
        if (s->waiting)
            return take(c, flags);
        int error = blocking_wait(c, WANT_READABLE, 0);
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
        give_name(fd, address, length);
    return (int)call_leave(&c, fd);
}

int usctp_accept(int sd, struct sockaddr *address, socklen_t *length) {
    return usctp_accept4(sd, address, length, 0);
}
