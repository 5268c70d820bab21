/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * usctp_bind, usctp_bindx, usctp_getsockname, usctp_getladdrs (RFC 6458 4.1.2, 9.1, 9.5).
 *
 * The port is claimed in the transport, so that another process cannot have it, and then bound in
 * the engine.
 */
#include "api/bind.h"

#include "api/connection.h"
#include "api/notification.h"
#include "api/privilege.h"
#include "api/sockaddr.h"
#include "api/stack.h"
#include "core/addr.h"
#include "net/transport.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { EPHEMERAL_ATTEMPTS = 1024 };

static bool is_in_list(struct usctp_stack *stack, const struct usctp_addr *address) {
    size_t n;
    const struct usctp_local_address *list = transport_addresses(stack->transport, &n);
    /* All of 127/8 is the host's own, though only one address of it is listed. */
    if (address->family == USCTP_FAMILY_IPV4 && address->ipv4[0] == 127)
        return true;
    for (size_t i = 0; i < n; i++)
        if (addr_equal(&list[i].address, address))
            return true;
    return false;
}

static bool is_of_host(struct usctp_stack *stack, const struct usctp_addr *address) {
    if (is_in_list(stack, address))
        return true;
    stack_refresh(stack); /* it may be a moment old */
    return is_in_list(stack, address);
}

/* Checks addresses to be bound. A wildcard stands alone, and leaves the list empty. */
static int check_addresses(struct socket *s, struct usctp_stack *stack, struct address_list *list) {
    for (size_t i = 0; i < list->count; i++) {
        const struct usctp_addr *address = &list->addresses[i];
        if (s->v6only && address->family == USCTP_FAMILY_IPV4)
            return -EINVAL;
        if (addr_is_any(address)) {
            if (list->count > 1)
                return -EINVAL;
            list->count = 0;
            return 0;
        }
        if (!s->is_free_to_bind && !is_of_host(stack, address))
            return -EADDRNOTAVAIL;
    }
    return 0;
}

static int open_endpoint(struct socket *s, struct usctp_stack *stack,
                         const struct address_list *list) {
    struct usctp_endpoint_options options = {
        .port = list->port,
        .addresses = list->count > 0 ? list->addresses : NULL,
        .address_count = list->count,
        .ipv4 = s->domain == AF_INET || !s->v6only,
        .ipv6 = s->domain == AF_INET6,
        .config = s->config,
        .reuse = s->reuse_address || s->reuse_port,
    };
    int32_t endpoint = usctp_endpoint_open(stack->engine, &options);
    if (endpoint < 0)
        return socket_errno(endpoint);
    usctp_endpoint_subscribe(stack->engine, endpoint, notification_kinds(s->preferences.types));
    s->endpoint = endpoint;
    s->port = list->port;
    s->bound =
        list->count > 0 ? list->addresses[0] : (struct usctp_addr){.family = USCTP_FAMILY_NONE};
    stack_replenish(stack);
    return 0;
}

static int bind_port(struct socket *s, struct usctp_stack *stack, const struct address_list *list) {
    int error = privilege_check_port(stack, list->port);
    if (error == 0)
        error = transport_claim_port(stack->transport, list->port);
    if (error != 0)
        return error;
    error = open_endpoint(s, stack, list);
    if (error != 0)
        transport_release_port(stack->transport, list->port);
    return error;
}

/* A port may be claimed here and yet be in use: its last association has been given up, but its
 * ABORT is still to be sent. Such ones stay claimed meanwhile, so that the search goes on past
 * them. */
static int bind_any_port(struct socket *s, struct usctp_stack *stack, struct address_list *list,
                         uint16_t unwanted) {
    uint32_t seed;
    uint16_t passed[EPHEMERAL_ATTEMPTS];
    int count = 0, error = -EADDRINUSE;
    stack->env.given.random.fill(stack->env.given.random.user, &seed, sizeof seed);
    while (error == -EADDRINUSE && count < EPHEMERAL_ATTEMPTS) {
        int port = transport_claim_ephemeral_port(stack->transport, seed);
        if (port < 0) {
            error = port == -EAGAIN ? -EADDRINUSE : port;
            break;
        }
        list->port = (uint16_t)port;
        error = list->port == unwanted ? -EADDRINUSE : open_endpoint(s, stack, list);
        if (error != 0)
            passed[count++] = list->port;
    }
    while (count > 0)
        transport_release_port(stack->transport, passed[--count]);
    return error;
}

static int bind_list(struct socket *s, struct usctp_stack *stack, struct address_list *list) {
    int error = check_addresses(s, stack, list);
    if (error != 0)
        return error;
    return list->port != 0 ? bind_port(s, stack, list) : bind_any_port(s, stack, list, 0);
}

int bind_automatically(struct socket *s, uint16_t unwanted) {
    struct address_list list = {.count = 0};
    if (s->endpoint != 0)
        return 0;
    struct usctp_stack *stack = atomic_load_explicit(&s->stack, memory_order_relaxed);
    int error = bind_any_port(s, stack, &list, unwanted);
    return error == -EADDRINUSE ? -EAGAIN : error; /* no free port is left */
}

int usctp_bind(int sd, const struct sockaddr *address, socklen_t length) {
    struct call c;
    struct address_list list = {.count = 1};
    int error = call_enter(&c, sd);
    if (error != 0) {
        errno = -error;
        return -1;
    }
    error = sockaddr_read(address, length, c.socket->domain, &list.addresses[0], &list.port);
    if (error == 0 && (c.socket->endpoint != 0 || c.socket->state != SOCKET_FRESH))
        error = -EINVAL;
    if (error == 0)
        error = bind_list(c.socket, c.stack, &list);
    return (int)call_leave(&c, error);
}

/* ---- bindx ----------------------------------------------------------------------------------- */

static int change_addresses(struct socket *s, struct usctp_stack *stack, struct address_list *list,
                            bool add) {
    /* An association's own addresses could only change by the ADDIP extension (RFC 5061); those of
     * a one-to-many socket keep theirs. */
    if (s->state == SOCKET_CONNECTING || s->state == SOCKET_CONNECTED)
        return -EOPNOTSUPP;
    if (s->state == SOCKET_ENDED)
        return -EINVAL;
    if (list->port != 0 && list->port != s->port)
        return -EINVAL;
    if (add) {
        int error = check_addresses(s, stack, list);
        if (error != 0)
            return error;
        if (list->count == 0)
            return -EINVAL; /* a wildcard cannot be added to addresses */
    }
    int error = usctp_endpoint_bind(stack->engine, s->endpoint, list->addresses, list->count, add);
    if (error != 0)
        return socket_errno(error);
    struct usctp_addr first;
    if (usctp_endpoint_local_addresses(stack->engine, s->endpoint, &first, 1) > 0)
        s->bound = first;
    return 0;
}

int bind_change(struct call *c, struct address_list *list, bool add) {
    struct socket *s = c->socket;
    if (s->endpoint != 0)
        return change_addresses(s, c->stack, list, add);
    if (!add || s->state != SOCKET_FRESH)
        return -EINVAL;
    return bind_list(s, c->stack, list);
}

int usctp_bindx(int sd, const struct sockaddr *addresses, int count, int flags) {
    struct call c;
    struct address_list list;
    int error = call_enter(&c, sd);
    if (error != 0) {
        errno = -error;
        return -1;
    }
    if (flags != SCTP_BINDX_ADD_ADDR && flags != SCTP_BINDX_REM_ADDR)
        error = -EINVAL;
    if (error == 0)
        error = sockaddr_copy_packed(addresses, count, c.socket->domain, &list);
    if (error == 0)
        error = bind_change(&c, &list, flags == SCTP_BINDX_ADD_ADDR);
    return (int)call_leave(&c, error);
}

/* ---- asking ---------------------------------------------------------------------------------- */

/* Linux: a socket that is bound to any address is told the one that its association sends from,
 * also after that has ended. */
static void look_for_source(struct socket *s, struct usctp_stack *stack) {
    const struct connection *a = TAILQ_FIRST(&s->connections);
    struct usctp_assoc_status status;
    struct usctp_path_status path;
    if (a && usctp_assoc_status(stack->engine, a->id, &status) == 0 &&
        usctp_path_status(stack->engine, a->id, status.primary_path, &path) == 0 &&
        path.source.family != USCTP_FAMILY_NONE)
        s->source = path.source;
}

int usctp_getsockname(int sd, struct sockaddr *address, socklen_t *length) {
    struct call c;
    int error = address && length ? call_enter(&c, sd) : -EFAULT;
    if (error != 0) {
        errno = -error;
        return -1;
    }
    struct socket *s = c.socket;
    struct usctp_addr any = {.family =
                                 s->domain == AF_INET ? USCTP_FAMILY_IPV4 : USCTP_FAMILY_IPV6};
    const struct usctp_addr *own = s->bound.family != USCTP_FAMILY_NONE ? &s->bound : &s->source;
    look_for_source(s, c.stack);
    if (own->family == USCTP_FAMILY_NONE)
        own = &any;
    sockaddr_give(own, s->port, s->domain == AF_INET6 && s->is_mapped, address, length);
    return (int)call_leave(&c, 0);
}

/* Packs addresses into memory of their own. Returns how many, or -ENOMEM. */
static int pack(const struct socket *s, const struct usctp_addr *list, int n, uint16_t port,
                struct sockaddr **out) {
    struct sockaddr_in6 *memory = malloc((size_t)n * sizeof *memory);
    size_t used = 0;
    if (!memory)
        return -ENOMEM;
    for (int i = 0; i < n; i++) {
        struct sockaddr_storage storage;
        socklen_t length =
            sockaddr_write(&list[i], port, s->domain == AF_INET6 && s->is_mapped, &storage);
        memcpy((uint8_t *)memory + used, &storage, length);
        used += length;
    }
    *out = (struct sockaddr *)memory;
    return n;
}

/* One-to-one, ids are ignored (RFC 6458 9.3, 9.5). *out: the association, or NULL with id 0 or
 * without one. */
static int find_association(const struct call *c, sctp_assoc_t id, struct connection **out) {
    *out = c->socket->is_many ? connection_of(c->socket, id) : connection_only(c->socket);
    return c->socket->is_many && id != 0 && !*out ? -EINVAL : 0;
}

int bind_peer_addresses(struct call *c, sctp_assoc_t id, struct usctp_addr *list, uint16_t *port) {
    struct usctp_path_status path;
    struct connection *a;
    int n = 0, error = find_association(c, id, &a);
    if (error != 0 || (c->socket->is_many && !a))
        return -EINVAL;
    for (uint32_t i = 0; a && i < USCTP_MAX_ADDRESSES; i++)
        if (usctp_path_status(c->stack->engine, a->id, i, &path) == 0)
            list[n++] = path.address;
    *port = a ? a->peer_port : 0;
    return n;
}

int bind_local_addresses(struct call *c, sctp_assoc_t id, struct usctp_addr *list, uint16_t *port) {
    struct socket *s = c->socket;
    struct connection *a;
    int n = 0, error = find_association(c, id, &a);
    if (error != 0)
        return error;
    if (a)
        n = usctp_assoc_local_addresses(c->stack->engine, a->id, list, USCTP_MAX_ADDRESSES);
    if (n <= 0 && s->endpoint != 0)
        n = usctp_endpoint_local_addresses(c->stack->engine, s->endpoint, list,
                                           USCTP_MAX_ADDRESSES);
    *port = s->port;
    return n < 0 ? 0 : n > (int)USCTP_MAX_ADDRESSES ? (int)USCTP_MAX_ADDRESSES : n;
}

static int get_addresses(int sd, sctp_assoc_t id, struct sockaddr **out, bind_list_get *get) {
    struct call c;
    struct usctp_addr list[USCTP_MAX_ADDRESSES];
    uint16_t port;
    int error = out ? call_enter(&c, sd) : -EFAULT;
    if (error != 0) {
        errno = -error;
        return -1;
    }
    *out = NULL;
    int n = get(&c, id, list, &port);
    return (int)call_leave(&c, n > 0 ? pack(c.socket, list, n, port, out) : n);
}

int usctp_getpaddrs(int sd, sctp_assoc_t id, struct sockaddr **addresses) {
    return get_addresses(sd, id, addresses, bind_peer_addresses);
}

int usctp_getladdrs(int sd, sctp_assoc_t id, struct sockaddr **addresses) {
    return get_addresses(sd, id, addresses, bind_local_addresses);
}

/* Not in RFC 6458, but in every stack: 0 and ENOENT for a peer that is not known. */
sctp_assoc_t usctp_getassocid(int sd, const struct sockaddr *address) {
    struct call c;
    struct address_list list;
    int error = call_enter(&c, sd);
    if (error != 0) {
        errno = -error;
        return 0;
    }
    int id = sockaddr_copy_packed(address, 1, c.socket->domain, &list);
    if (id == 0 && c.socket->endpoint == 0)
        id = -ENOENT;
    if (id == 0)
        id = usctp_assoc_find(c.stack->engine, c.socket->endpoint, &list.addresses[0], list.port);
    if (id == USCTP_ERR_NOT_FOUND || (id > 0 && !connection_of(c.socket, id)))
        id = -ENOENT;
    id = (int)call_leave(&c, id);
    return id > 0 ? id : 0;
}

/* As lksctp's: bytes of an address of this family in a packed list, 0 for one that is none. */
int usctp_getaddrlen(sa_family_t family) {
    return family == AF_INET    ? (int)sizeof(struct sockaddr_in)
           : family == AF_INET6 ? (int)sizeof(struct sockaddr_in6)
                                : 0;
}

void usctp_freepaddrs(struct sockaddr *addresses) {
    free(addresses);
}

void usctp_freeladdrs(struct sockaddr *addresses) {
    free(addresses);
}
