/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * usctp_connect, usctp_connectx, usctp_getpeername (RFC 6458 4.1.5, 4.1.9, 9.9).
 */
#include "api/connect.h"

#include "api/bind.h"
#include "api/events.h"
#include "api/stack.h"
#include "core/addr.h"

#include <errno.h>

void connect_forget(struct socket *s, struct usctp_stack *stack) {
    if (s->connection)
        connection_delete(stack, s->connection);
    s->connection = NULL;
    s->is_readable = s->is_read_shut = false;
    s->error = 0;
}

static int check_peer(const struct socket *s, const struct address_list *peer) {
    if (peer->port == 0)
        return -EINVAL;
    for (size_t i = 0; i < peer->count; i++) {
        if (!addr_is_unicast(&peer->addresses[i]))
            return -EINVAL;
        if (s->v6only && peer->addresses[i].family == USCTP_FAMILY_IPV4)
            return -EINVAL;
    }
    return 0;
}

static int check_state(const struct socket *s) {
    switch (s->state) {
    case SOCKET_FRESH:
        return 0;
    case SOCKET_CONNECTING:
        return -EALREADY;
    case SOCKET_GONE:
        return -EBADF;
    case SOCKET_LISTENING:
    case SOCKET_CONNECTED:
    case SOCKET_ENDED:
        break;
    }
    return -EISCONN;
}

static int start(struct socket *s, struct usctp_stack *stack, const struct address_list *peer,
                 sctp_assoc_t *id_out) {
    struct usctp_connect connect = {
        .endpoint = s->endpoint,
        .addresses = peer->addresses,
        .address_count = peer->count,
        .port = peer->port,
        .udp_port = s->encapsulation_port,
    };
    int32_t id = usctp_assoc_connect(stack->engine, &connect, stack->now_us);
    if (id < 0)
        return socket_errno(id);
    s->connection = connection_new(stack, id, s->endpoint);
    if (!s->connection) {
        usctp_assoc_release(stack->engine, id, stack->now_us);
        return -ENOMEM;
    }
    s->connection->socket = s;
    if (id_out)
        *id_out = id;
    s->state = SOCKET_CONNECTING;
    s->is_write_shut = false;
    s->is_full = false;
    return 0;
}

int connect_start(struct call *c, const struct address_list *peer, sctp_assoc_t *id) {
    struct socket *s = c->socket;
    int error = check_state(s);
    if (error == 0)
        error = check_peer(s, peer);
    if (error == 0)
        error = bind_automatically(s);
    if (error != 0)
        return error;
    connect_forget(s, c->stack);
    return start(s, c->stack, peer, id);
}

int connect_finish(struct call *c) {
    struct socket *s = c->socket;
    while (s->state == SOCKET_CONNECTING) {
        int error = loop_wait(c, WANT_CONNECTED);
        if (error == -EAGAIN)
            return -EINPROGRESS;
        if (error != 0)
            return error;
    }
    return s->state == SOCKET_FRESH || s->error != 0 ? -socket_take_error(c) : 0;
}

static int connect_to(struct call *c, const struct address_list *peer, sctp_assoc_t *id) {
    int error = connect_start(c, peer, id);
    return error != 0 ? error : connect_finish(c);
}

int usctp_connect(int sd, const struct sockaddr *address, socklen_t length) {
    struct call c;
    struct address_list peer = {.count = 1};
    int error = call_enter(&c, sd);
    if (error != 0) {
        errno = -error;
        return -1;
    }
    error = sockaddr_read(address, length, c.socket->domain, &peer.addresses[0], &peer.port);
    if (error == 0)
        error = connect_to(&c, &peer, NULL);
    return (int)call_leave(&c, error);
}

int usctp_connectx(int sd, const struct sockaddr *addresses, int count, sctp_assoc_t *id) {
    struct call c;
    struct address_list peer;
    int error = call_enter(&c, sd);
    if (error != 0) {
        errno = -error;
        return -1;
    }
    error = sockaddr_read_packed(addresses, count, c.socket->domain, &peer);
    if (error == 0)
        error = connect_to(&c, &peer, id);
    return (int)call_leave(&c, error);
}

static int give_peer(struct call *c, struct sockaddr *address, socklen_t *length) {
    struct socket *s = c->socket;
    struct usctp_assoc_status status;
    struct usctp_path_status path;
    if (!s->connection || s->state == SOCKET_FRESH || s->state == SOCKET_CONNECTING)
        return -ENOTCONN;
    if (usctp_assoc_status(c->stack->engine, s->connection->id, &status) != 0 ||
        usctp_path_status(c->stack->engine, s->connection->id, status.primary_path, &path) != 0)
        return -ENOTCONN;
    sockaddr_give(&path.address, status.peer_port, s->domain == AF_INET6 && s->is_mapped, address,
                  length);
    return 0;
}

int usctp_getpeername(int sd, struct sockaddr *address, socklen_t *length) {
    struct call c;
    int error = address && length ? call_enter(&c, sd) : -EFAULT;
    if (error != 0) {
        errno = -error;
        return -1;
    }
    return (int)call_leave(&c, give_peer(&c, address, length));
}
