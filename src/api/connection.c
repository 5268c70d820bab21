/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The associations and listening endpoints that a stack answers for, found by the engine's ids (see
 * socket.h).
 */
#include "api/socket.h"
#include "api/stack.h"
#include "net/transport.h"

#include <stdlib.h>

static uint64_t hash_of(int32_t id) {
    return (uint64_t)(uint32_t)id;
}

struct connection *connection_new(struct usctp_stack *stack, int32_t id, int32_t endpoint) {
    struct connection *a = calloc(1, sizeof *a);
    if (!a)
        return NULL;
    a->id = id;
    a->endpoint = endpoint;
    hash_insert(&stack->by_assoc, &a->node, hash_of(id), &stack->env);
    LIST_INSERT_HEAD(&stack->connections, a, link);
    return a;
}

void connection_delete(struct usctp_stack *stack, struct connection *a) {
    if (!a)
        return;
    usctp_assoc_release(stack->engine, a->id, stack->now_us);
    if (a->port != 0)
        transport_release_port(stack->transport, a->port);
    hash_remove(&stack->by_assoc, &a->node);
    LIST_REMOVE(a, link);
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
