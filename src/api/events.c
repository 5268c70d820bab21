/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Engine events -> sockets (see events.h).
 *
 * A listening socket holds one association out of the engine's backlog, `waiting`, so that it is
 * readable exactly while accept() would give something.
 */
#include "api/events.h"

#include "api/close.h"
#include "api/connection.h"
#include "api/stack.h"
#include "core/addr.h"
#include "net/transport.h"

#include <errno.h>

/* ---- routes ---------------------------------------------------------------------------------- */

static bool contains(const struct usctp_addr *list, int n, const struct usctp_addr *address) {
    for (int i = 0; i < n; i++)
        if (addr_equal(&list[i], address))
            return true;
    return false;
}

/*
 * Finds the source address and MTU for a path: what the host would take, and where that is not an
 * address of the association, the first of those from which the host has a way. First among them is
 * the path's present one, which suits the destination best or is where the peer has written to.
 */
static void find_route(struct usctp_stack *stack, int32_t assoc,
                       const struct usctp_path_status *path, struct usctp_addr *source,
                       uint32_t *mtu_bytes) {
    const struct usctp_addr *destination = &path->address;
    struct usctp_addr local[USCTP_MAX_ADDRESSES];
    uint32_t interface_index;
    *source = (struct usctp_addr){.family = USCTP_FAMILY_NONE};
    *mtu_bytes = 0;
    int error = transport_route(stack->transport, destination, source, mtu_bytes, &interface_index);
    int n = usctp_assoc_local_addresses(stack->engine, assoc, local, USCTP_MAX_ADDRESSES);
    if (n > (int)USCTP_MAX_ADDRESSES)
        n = (int)USCTP_MAX_ADDRESSES;
    if (error == 0 && (n <= 0 || contains(local, n, source)))
        return;
    for (int i = contains(local, n, &path->source) ? -1 : 0; i < n; i++) {
        const struct usctp_addr *candidate = i < 0 ? &path->source : &local[i];
        if (candidate->family != destination->family)
            continue;
        struct usctp_addr from = *candidate;
        uint32_t mtu = 0;
        if (transport_route(stack->transport, destination, &from, &mtu, &interface_index) != 0)
            continue;
        *source = *candidate;
        *mtu_bytes = mtu;
        return;
    }
    if (error != 0)
        *source = (struct usctp_addr){.family = USCTP_FAMILY_NONE};
}

void events_answer_routes(struct usctp_stack *stack, int32_t assoc, bool all) {
    struct usctp_assoc_status status;
    struct usctp_path_status path;
    if (usctp_assoc_status(stack->engine, assoc, &status) != 0)
        return;
    for (uint32_t i = 0; i < status.path_count; i++) {
        struct usctp_addr source;
        uint32_t mtu_bytes;
        if (usctp_path_status(stack->engine, assoc, i, &path) != 0)
            continue;
        if (!all && !path.wants_route)
            continue;
        find_route(stack, assoc, &path, &source, &mtu_bytes);
        usctp_path_route(stack->engine, assoc, i, &source, mtu_bytes, stack->now_us);
    }
}

/* ---- accept queue ---------------------------------------------------------------------------- */

void events_catch_up(struct usctp_stack *stack, struct connection *a) {
    struct usctp_assoc_status status;
    if (usctp_assoc_status(stack->engine, a->id, &status) != 0)
        return;
    a->is_established = true;
    if (status.state == USCTP_SHUTDOWN_RECEIVED || status.state == USCTP_SHUTDOWN_ACK_SENT)
        a->has_peer_shutdown = true;
    if (!status.has_ended || a->has_ended)
        return;
    a->has_ended = true;
    a->error = -socket_errno(status.error);
}

static bool claim(struct usctp_stack *stack, struct socket *listener, struct connection *a) {
    if (transport_claim_port(stack->transport, listener->port) != 0)
        return false;
    a->port = listener->port;
    return true;
}

static void hold(struct usctp_stack *stack, struct socket *listener, int32_t id, int32_t endpoint) {
    struct connection *a = connection_new(stack, id, endpoint);
    if (!a) {
        usctp_assoc_release(stack->engine, id, stack->now_us);
        usctp_endpoint_close(stack->engine, endpoint, stack->now_us);
        return;
    }
    events_catch_up(stack, a);
    if (!claim(stack, listener, a) || (a->has_ended && a->error != 0)) {
        close_abort(stack, a);
        usctp_endpoint_close(stack->engine, endpoint, stack->now_us);
        return;
    }
    a->socket = listener;
    listener->waiting = a;
    socket_touch(listener);
}

/* One-to-many: it is the socket's at once (RFC 6458 3.1.3). */
static void take_in(struct usctp_stack *stack, struct socket *s, int32_t id) {
    struct connection *a = connection_new(stack, id, s->endpoint);
    if (!a) {
        usctp_assoc_release(stack->engine, id, stack->now_us);
        return;
    }
    connection_attach(a, s);
    events_catch_up(stack, a);
    connection_settle(a);
}

void events_prefetch(struct socket *listener) {
    struct usctp_stack *stack = atomic_load_explicit(&listener->stack, memory_order_relaxed);
    while (!listener->waiting && listener->state == SOCKET_LISTENING) {
        int32_t endpoint = 0;
        int32_t id = usctp_endpoint_accept(stack->engine, listener->endpoint,
                                           listener->is_many ? NULL : &endpoint);
        if (id < 0)
            return;
        if (listener->is_many)
            take_in(stack, listener, id);
        else
            hold(stack, listener, id, endpoint);
    }
}

/* An association that waits for accept() has failed: nobody needs to hear of it. One that ended
 * well still has its data. */
static void on_waiting(struct usctp_stack *stack, struct connection *a) {
    struct socket *listener = a->socket;
    if (!a->has_ended || a->error == 0)
        return;
    int32_t endpoint = a->endpoint;
    connection_delete(stack, a);
    usctp_endpoint_close(stack->engine, endpoint, stack->now_us);
    events_prefetch(listener);
}

/* ---- events ---------------------------------------------------------------------------------- */

static void note(struct connection *a, const struct usctp_event *event) {
    if (event->what & USCTP_EVENT_ESTABLISHED)
        a->is_established = true;
    if (event->what & USCTP_EVENT_PEER_SHUTDOWN)
        a->has_peer_shutdown = true;
    if (event->what & USCTP_EVENT_CLOSED) {
        a->has_ended = true;
        /* An ABORT of our own making (SCTP_ABORT) is no error of this socket. */
        if (event->error == USCTP_ERR_UNREACHABLE)
            a->error = ETIMEDOUT;
        else
            a->error = event->error == USCTP_ERR_ABORTED ? 0 : -socket_errno(event->error);
    }
}

static void connect_failed(struct socket *s, struct usctp_stack *stack, struct connection *a) {
    s->error = a->error != 0 ? a->error : ECONNREFUSED;
    s->state = SOCKET_FRESH;
    if (!a->is_readable) /* else when the socket is used anew: its notification is to be read */
        connection_delete(stack, a);
}

static void one_to_one_ended(struct socket *s, struct usctp_stack *stack, struct connection *a) {
    if (s->state == SOCKET_CONNECTING) {
        connect_failed(s, stack, a);
    } else if (s->state == SOCKET_CONNECTED) {
        s->state = SOCKET_ENDED;
        s->error = a->error;
    }
}

static void on_socket(struct usctp_stack *stack, struct connection *a, uint32_t what) {
    struct socket *s = a->socket;
    bool has_room = what & (USCTP_EVENT_WRITABLE | USCTP_EVENT_PEER_SHUTDOWN) || a->has_ended;
    socket_touch(s);
    if (has_room)
        connection_unblock(a);
    else if (what & USCTP_EVENT_ESTABLISHED)
        loop_wake(s, a->id);
    if (a->is_established && s->state == SOCKET_CONNECTING)
        s->state = SOCKET_CONNECTED;
    if ((what & USCTP_EVENT_READABLE) && s->is_read_shut)
        close_discard(stack, a);
    if (what & USCTP_EVENT_READABLE) {
        s->has_news = true;
        connection_touch(a, stack->now_us);
    }
    bool has_ended = a->has_ended;
    if (has_ended || (what & USCTP_EVENT_READABLE))
        connection_settle(a);
    if (has_ended && !s->is_many)
        one_to_one_ended(s, stack, a);
}

static void on_event(struct usctp_stack *stack, const struct usctp_event *event) {
    if (event->assoc == 0) {
        struct socket *listener = socket_find_listener(stack, event->endpoint);
        if (listener && (event->what & USCTP_EVENT_INCOMING)) {
            listener->has_news = true;
            socket_touch(listener);
            events_prefetch(listener);
        }
        return;
    }
    if (event->what & USCTP_EVENT_ROUTE)
        events_answer_routes(stack, event->assoc, false);
    struct connection *a = connection_find(stack, event->assoc);
    if (!a)
        return; /* in the engine's backlog: it is looked at when it is taken */
    note(a, event);
    if (!a->socket) {
        if (event->what & USCTP_EVENT_READABLE)
            close_discard(stack, a);
        if (a->has_ended)
            close_finish(stack, a);
    } else if (a->socket->waiting == a) {
        on_waiting(stack, a);
    } else {
        on_socket(stack, a, event->what);
    }
}

void events_take(struct usctp_stack *stack) {
    struct usctp_event event;
    while (usctp_engine_next_event(stack->engine, &event) == 1)
        on_event(stack, &event);
}
