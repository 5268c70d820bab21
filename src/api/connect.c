/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * usctp_connect, usctp_connectx, usctp_getpeername (RFC 6458 4.1.5, 4.1.9, 9.9).
 */
#include "api/connect.h"

#include "api/bind.h"
#include "api/connection.h"
#include "api/events.h"
#include "api/privilege.h"
#include "api/stack.h"
#include "api/user_memory.h"
#include "core/addr.h"
#include "core/bytes.h"
#include "net/transport.h"

#include <errno.h>
#include <stdlib.h>

void connect_forget(struct socket *s, struct usctp_stack *stack) {
    connection_delete(stack, connection_only(s));
    s->is_read_shut = false;
    s->error = 0;
    if (s->is_many) /* what was begun to be read is of some other association */
        return;
    free(s->remainder.data);
    s->remainder = (struct remainder){.data = NULL};
}

static bool is_broadcast(struct usctp_stack *stack, const struct usctp_addr *address) {
    size_t n;
    const struct usctp_local_address *list = transport_addresses(stack->transport, &n);
    if (address->family != USCTP_FAMILY_IPV4)
        return false;
    uint32_t ipv4 = get32(address->ipv4);
    for (size_t i = 0; i < n; i++) {
        if (list[i].address.family != USCTP_FAMILY_IPV4 || list[i].prefix_bits == 0 ||
            list[i].prefix_bits > 30)
            continue;
        if (ipv4 == (get32(list[i].address.ipv4) | UINT32_MAX >> list[i].prefix_bits))
            return true;
    }
    return ipv4 == UINT32_MAX;
}

static int check_peer(const struct socket *s, struct usctp_stack *stack,
                      const struct address_list *peer) {
    if (peer->port == 0)
        return -EINVAL;
    for (size_t i = 0; i < peer->count; i++) {
        if (is_broadcast(stack, &peer->addresses[i]))
            return -EACCES; /* connect(2) */
        if (!addr_is_unicast(&peer->addresses[i]))
            return -EINVAL;
        if (s->v6only && peer->addresses[i].family == USCTP_FAMILY_IPV4)
            return -EINVAL;
    }
    return s->endpoint != 0 ? privilege_check_port(stack, s->port) : 0;
}

/* Without a way to any of the peer's addresses there is nothing to wait for. */
static int check_route(struct usctp_stack *stack, const struct address_list *peer) {
    int error = 0;
    for (size_t i = 0; i < peer->count; i++) {
        struct usctp_addr source = {.family = USCTP_FAMILY_NONE};
        uint32_t mtu_bytes, interface_index;
        error = transport_route(stack->transport, &peer->addresses[i], &source, &mtu_bytes,
                                &interface_index);
        if (error != -ENETUNREACH && error != -EHOSTUNREACH)
            return 0;
    }
    return error;
}

/* As Linux: one-to-many, a second association with a peer is refused for each of its addresses. */
static int check_known(const struct socket *s, struct usctp_stack *stack,
                       const struct address_list *peer) {
    for (size_t i = 0; s->endpoint != 0 && i < peer->count; i++) {
        int32_t id = usctp_assoc_find(stack->engine, s->endpoint, &peer->addresses[i], peer->port);
        const struct connection *a = id > 0 ? connection_of(s, id) : NULL;
        if (a)
            return a->is_established ? -EISCONN : -EALREADY;
        if (id > 0) /* peeled off, or closing */
            return -EADDRNOTAVAIL;
    }
    return 0;
}

static int check_state(const struct socket *s, struct usctp_stack *stack,
                       const struct address_list *peer) {
    if (s->is_many && (s->state == SOCKET_FRESH || s->state == SOCKET_LISTENING))
        return check_known(s, stack, peer);
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

/* RFC 6458 8.1.12: sin6_flowinfo sets the path's flow label too. */
static void set_flow_labels(struct usctp_stack *stack, int32_t id,
                            const struct address_list *peer) {
    for (size_t i = 0; i < peer->count; i++) {
        int path = peer->flow_labels[i] != 0
                       ? usctp_path_find(stack->engine, id, &peer->addresses[i])
                       : -1;
        if (path >= 0)
            usctp_path_tune(stack->engine, id, (uint32_t)path, USCTP_TUNABLE_flow_label,
                            peer->flow_labels[i], stack->now_us);
    }
}

/* Returns the association's id or a negative errno. */
static int start(struct socket *s, struct usctp_stack *stack, const struct address_list *peer) {
    struct usctp_connect connect = {
        .endpoint = s->endpoint,
        .addresses = peer->addresses,
        .address_count = peer->count,
        .port = peer->port,
        .udp_port = s->encapsulation_port,
    };
    int32_t id = usctp_assoc_connect(stack->engine, &connect, stack->now_us);
    if (id == USCTP_ERR_EXISTS) /* another socket's, with this port and peer */
        return -EADDRINUSE;
    if (id < 0)
        return socket_errno(id);
    struct connection *a = connection_new(stack, id, s->endpoint);
    if (!a) {
        usctp_assoc_release(stack->engine, id, stack->now_us);
        return -ENOMEM;
    }
    connection_attach(a, s);
    set_flow_labels(stack, id, peer);
    if (!s->is_many)
        s->state = SOCKET_CONNECTING;
    return id;
}

static const enum usctp_tunable init_tunables[] = {
    USCTP_TUNABLE_outbound_streams, USCTP_TUNABLE_max_inbound_streams,
    USCTP_TUNABLE_max_init_retransmits, USCTP_TUNABLE_max_init_timeout_us};
enum { INIT_TUNABLES = sizeof init_tunables / sizeof init_tunables[0] };

/* With ancillary SCTP_INIT data: as the endpoint would have it, for this association only (RFC
 * 6458 5.3.1). */
static int start_with_init(struct socket *s, struct usctp_stack *stack,
                           const struct address_list *peer, const struct sctp_initmsg *init) {
    const uint64_t wanted[INIT_TUNABLES] = {init->sinit_num_ostreams, init->sinit_max_instreams,
                                            init->sinit_max_attempts,
                                            (uint64_t)init->sinit_max_init_timeo * USCTP_MS};
    int result = 0;
    for (size_t i = 0; i < INIT_TUNABLES && result == 0; i++)
        if (wanted[i] != 0)
            result = socket_errno(
                usctp_endpoint_tune(stack->engine, s->endpoint, init_tunables[i], wanted[i]));
    if (result == 0)
        result = start(s, stack, peer);
    for (size_t i = 0; i < INIT_TUNABLES; i++)
        usctp_endpoint_tune(stack->engine, s->endpoint, init_tunables[i],
                            usctp_config_get(s->config, init_tunables[i]));
    return result;
}

int connect_start(struct call *c, const struct address_list *peer,
                  const struct sctp_initmsg *init) {
    struct socket *s = c->socket;
    int error = check_state(s, c->stack, peer);
    if (error == 0)
        error = check_peer(s, c->stack, peer);
    if (error == 0)
        error = check_route(c->stack, peer);
    if (error == 0)
        error = bind_automatically(s, peer->port);
    if (error != 0)
        return error;
    connect_forget(s, c->stack);
    return init ? start_with_init(s, c->stack, peer, init) : start(s, c->stack, peer);
}

/* One-to-one: why the attempt failed is the socket's error, unless somebody else has taken that, or
 * even begun another attempt. */
static int outcome(struct call *c, int32_t id) {
    struct socket *s = c->socket;
    const struct connection *a = connection_of(s, id);
    bool has_failed = s->is_many ? !a || a->has_ended : !a || s->state == SOCKET_FRESH;
    int error = s->is_many || s->state == SOCKET_CONNECTING ? 0 : socket_take_error(c);
    if (error == 0 && has_failed)
        error = c->outcome != 0 ? c->outcome : ECONNREFUSED;
    return -error;
}

int connect_finish(struct call *c, int32_t id) {
    const struct connection *a;
    while ((a = connection_of(c->socket, id)) != NULL && !a->is_established && !a->has_ended) {
        int error = blocking_wait(c, WANT_CONNECTED, id);
        if (error == -EAGAIN)
            return -EINPROGRESS;
        if (error != 0)
            return error;
    }
    return outcome(c, id);
}

int connect_to(struct call *c, const struct address_list *peer, sctp_assoc_t *id_out) {
    int32_t id = connect_start(c, peer, NULL);
    if (id < 0)
        return id;
    /* RFC 6458 9.9: told at once, for those who do not wait. */
    int error = id_out ? user_memory_write(id_out, &id, sizeof id) : 0;
    return error != 0 ? error : connect_finish(c, id);
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
    if (error == -EAFNOSUPPORT && address->sa_family == AF_UNSPEC)
        error = -EOPNOTSUPP; /* as Linux: no dissolving, which connect(2) has for it */
    if (error == 0)
        peer.flow_labels[0] = sockaddr_flow_label(address);
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
    error = sockaddr_copy_packed(addresses, count, c.socket->domain, &peer);
    if (error == 0)
        error = connect_to(&c, &peer, id);
    return (int)call_leave(&c, error);
}

static int give_peer(const struct call *c, struct sockaddr *address, socklen_t *length) {
    const struct socket *s = c->socket;
    const struct connection *a = connection_only(s);
    struct usctp_addr primary;
    if (!a || s->state == SOCKET_FRESH || s->state == SOCKET_CONNECTING ||
        !connection_primary(a, &primary))
        return -ENOTCONN;
    sockaddr_give(&primary, a->peer_port, s->domain == AF_INET6 && s->is_mapped, address, length);
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
