/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The associations and listening endpoints that a stack answers for, found by the engine's ids (see
 * connection.h), and which of a socket's associations may be read.
 */
#include "api/connection.h"

#include "api/notification.h"
#include "api/stack.h"
#include "net/transport.h"

#include <stdlib.h>

static uint64_t hash_of(int32_t id) {
    return (uint64_t)(uint32_t)id;
}

struct connection *connection_new(struct usctp_stack *stack, int32_t id, int32_t endpoint) {
    struct usctp_assoc_status status;
    struct connection *a = calloc(1, sizeof *a);
    if (!a)
        return NULL;
    a->id = id;
    a->endpoint = endpoint;
    if (usctp_assoc_status(stack->engine, id, &status) == 0)
        a->peer_port = status.peer_port;
    hash_insert(&stack->by_assoc, &a->node, hash_of(id), &stack->env);
    LIST_INSERT_HEAD(&stack->connections, a, link);
    return a;
}

void connection_delete(struct usctp_stack *stack, struct connection *a) {
    if (!a)
        return;
    connection_detach(a);
    usctp_assoc_release(stack->engine, a->id, stack->now_us);
    if (a->port != 0)
        transport_release_port(stack->transport, a->port);
    hash_remove(&stack->by_assoc, &a->node);
    LIST_REMOVE(a, link);
    free(a->record.data);
    free(a);
}

struct connection *connection_find(struct usctp_stack *stack, int32_t id) {
    struct hash_node *node = hash_first(&stack->by_assoc, hash_of(id));
    for (; node; node = hash_next(node)) {
        struct connection *a = container_of(node, struct connection, node);
        if (a->id == id)
            return a;
    }
    return NULL;
}

static struct usctp_stack *stack_of(const struct socket *s) {
    return atomic_load_explicit(&s->stack, memory_order_relaxed);
}

struct connection *connection_of(const struct socket *s, int32_t id) {
    struct usctp_stack *stack = stack_of(s); /* NULL: the socket is an orphan */
    struct connection *a = connection_only(s);
    if (!a || a->id != id)
        a = id != 0 && stack ? connection_find(stack, id) : NULL;
    return a && a->socket == s && s->waiting != a ? a : NULL;
}

struct connection *connection_only(const struct socket *s) {
    return s->is_many ? NULL : TAILQ_FIRST(&s->connections);
}

bool connection_status(const struct connection *a, struct usctp_assoc_status *status) {
    return a && a->socket && usctp_assoc_status(stack_of(a->socket)->engine, a->id, status) == 0;
}

bool connection_primary(const struct connection *a, struct usctp_addr *address) {
    struct usctp_assoc_status status;
    struct usctp_path_status path;
    if (!connection_status(a, &status) ||
        usctp_path_status(stack_of(a->socket)->engine, a->id, status.primary_path, &path) != 0)
        return false;
    *address = path.address;
    return true;
}

/* ---- a socket's associations ----------------------------------------------------------------- */

void connection_attach(struct connection *a, struct socket *s) {
    a->socket = s;
    a->preferences = s->preferences;
    a->active_us = stack_of(s)->now_us;
    TAILQ_INSERT_TAIL(&s->connections, a, of_socket);
    s->connection_count++;
}

static void set_readable(struct connection *a, bool is_readable) {
    struct socket *s = a->socket;
    if (a->is_readable == is_readable)
        return;
    a->is_readable = is_readable;
    if (is_readable)
        TAILQ_INSERT_TAIL(&s->readable, a, readable_link);
    else
        TAILQ_REMOVE(&s->readable, a, readable_link);
}

void connection_detach(struct connection *a) {
    struct socket *s = a->socket;
    a->socket = NULL;
    if (!s)
        return;
    if (s->waiting == a) {
        s->waiting = NULL;
        return;
    }
    a->socket = s;
    set_readable(a, false);
    a->socket = NULL;
    if (s->held == a)
        s->held = NULL;
    TAILQ_REMOVE(&s->connections, a, of_socket);
    s->connection_count--;
}

/* RFC 6458 6.1.10: a notification was lost, so there are no more until they are asked for anew. */
static void look_for_stop(struct connection *a, struct usctp_engine *engine) {
    struct usctp_assoc_status status;
    if (!(a->preferences.types & NOTIFICATION_STOPPED_BIT) || a->is_stop_due ||
        usctp_assoc_status(engine, a->id, &status) != 0 ||
        status.counters.dropped_notifications == a->dropped_notifications)
        return;
    a->dropped_notifications = status.counters.dropped_notifications;
    a->is_stop_due = true;
    usctp_assoc_subscribe(engine, a->id, notification_kinds(0));
}

uint32_t connection_read_flags(const struct connection *a) {
    return a->socket->interleave == 2 ? USCTP_MESSAGE_INTERLEAVE : 0;
}

void connection_look(struct connection *a) {
    struct usctp_engine *engine = stack_of(a->socket)->engine;
    struct usctp_received next;
    struct notification n;
    uint32_t in_flags = connection_read_flags(a);
    bool is_readable = false;
    while (usctp_assoc_receive(engine, a->id, &next, NULL, 0, in_flags | USCTP_MESSAGE_PEEK) >= 0) {
        is_readable = !(next.flags & USCTP_MESSAGE_NOTIFICATION) ||
                      notification_make(a, &next.notification, &n);
        if (is_readable)
            break;
        usctp_assoc_receive(engine, a->id, &next, NULL, 0, in_flags);
        /* The message that was being read has no end. */
        if (next.notification.kind == USCTP_NOTIFY_PARTIAL_DELIVERY_ABORTED && a->socket->held == a)
            a->socket->held = NULL;
    }
    if (!is_readable && a->has_ended && a->socket->held == a)
        a->socket->held = NULL;
    /* Whoever asked for it may have changed his mind. */
    a->is_dry_due &= (a->preferences.types & notification_bit(SCTP_SENDER_DRY_EVENT)) != 0;
    look_for_stop(a, engine);
    set_readable(a, is_readable || a->is_dry_due || a->is_stop_due);
}

void connection_settle(struct connection *a) {
    connection_look(a);
    connection_finish(a);
}

void connection_finish(struct connection *a) {
    struct socket *s = a->socket;
    socket_touch(s);
    if (s->is_many && a->has_ended && !a->is_readable && a->waiters == 0)
        connection_delete(stack_of(s), a);
}

void connection_unblock(struct connection *a) {
    a->is_full = false;
    a->socket->is_full = false;
    loop_wake(a->socket, a->id);
}

void connection_touch(struct connection *a, uint64_t now_us) {
    struct socket *s = a->socket;
    if (!s || s->autoclose_s == 0)
        return;
    a->active_us = now_us;
    TAILQ_REMOVE(&s->connections, a, of_socket);
    TAILQ_INSERT_TAIL(&s->connections, a, of_socket);
}

/* ---- listening ------------------------------------------------------------------------------- */

struct socket *socket_find_listener(struct usctp_stack *stack, int32_t endpoint) {
    struct hash_node *node = hash_first(&stack->by_endpoint, hash_of(endpoint));
    for (; node; node = hash_next(node)) {
        struct socket *s = container_of(node, struct socket, endpoint_node);
        if (s->endpoint == endpoint)
            return s;
    }
    return NULL;
}

void socket_set_listener(struct socket *s, bool listens) {
    struct usctp_stack *stack = atomic_load_explicit(&s->stack, memory_order_relaxed);
    if (listens)
        hash_insert(&stack->by_endpoint, &s->endpoint_node, hash_of(s->endpoint), &stack->env);
    else
        hash_remove(&stack->by_endpoint, &s->endpoint_node);
}
