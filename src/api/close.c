/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * usctp_close, usctp_shutdown, and what becomes of the association (see close.h; RFC
 * 6458 4.1.6, 4.1.7, 8.1.4).
 */
#include "api/close.h"

#include "api/fd_table.h"
#include "api/stack.h"
#include "net/transport.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { DISCARD_BYTES = 16 * 1024 };

void close_discard(struct usctp_stack *stack, struct connection *a) {
    uint8_t scratch[DISCARD_BYTES];
    struct usctp_slice slice = {.base = scratch, .length = sizeof scratch};
    struct usctp_received received;
    bool took = false;
    while (usctp_assoc_receive(stack->engine, a->id, &received, &slice, 1, 0) >= 0)
        took = true;
    if (took)
        usctp_assoc_received(stack->engine, a->id, stack->now_us);
}

void close_abort(struct usctp_stack *stack, struct connection *a) {
    if (!a->has_ended)
        usctp_assoc_abort(stack->engine, a->id, NULL, 0, stack->now_us);
    connection_delete(stack, a);
}

void close_finish(struct usctp_stack *stack, struct connection *a) {
    stack->closing_count--;
    connection_delete(stack, a);
    pthread_cond_broadcast(&stack->changed);
}

static bool wants_abort(const struct socket *s, struct usctp_stack *stack) {
    struct usctp_assoc_status status;
    if (s->linger.l_onoff && s->linger.l_linger == 0)
        return true;
    if (atomic_load(&stack->is_ending))
        return true;
    /* As Linux: data that nobody will read is told to the sender by an ABORT. */
    return !s->is_read_shut && usctp_assoc_status(stack->engine, s->connection->id, &status) == 0 &&
           status.unread_bytes > 0;
}

static void give_away_connection(struct socket *s, struct usctp_stack *stack) {
    struct connection *a = s->connection;
    s->connection = NULL;
    a->socket = NULL;
    if (a->has_ended) {
        connection_delete(stack, a);
        return;
    }
    s->connection = a;
    bool aborts = wants_abort(s, stack);
    s->connection = NULL;
    if (aborts || usctp_assoc_shutdown(stack->engine, a->id, stack->now_us) != 0) {
        close_abort(stack, a);
        return;
    }
    if (a->port == 0) {
        a->port = s->port;
        s->port = 0;
    }
    stack->closing_count++;
    close_discard(stack, a);
}

void close_give_away(struct socket *s) {
    struct usctp_stack *stack = atomic_load_explicit(&s->stack, memory_order_relaxed);
    if (s->state == SOCKET_LISTENING)
        socket_set_listener(s, false);
    if (s->waiting) {
        int32_t endpoint = s->waiting->endpoint;
        close_abort(stack, s->waiting);
        usctp_endpoint_close(stack->engine, endpoint, stack->now_us);
        s->waiting = NULL;
    }
    if (s->connection)
        give_away_connection(s, stack);
    if (s->endpoint != 0)
        usctp_endpoint_close(stack->engine, s->endpoint, stack->now_us);
    if (s->port != 0)
        transport_release_port(stack->transport, s->port);
    s->endpoint = 0;
    s->port = 0;
    s->is_readable = false;
}

/* ---- close ----------------------------------------------------------------------------------- */

/* A descriptor whose stack is no more, or a parent's in a forked child. */
static int close_orphan(int sd, int error) {
    struct socket *s = fd_table_find(sd);
    struct usctp_stack *stack = s ? atomic_load(&s->stack) : NULL;
    if (!s || (stack && !stack->is_foreign && !atomic_load(&stack->is_ending))) {
        errno = -error;
        return -1;
    }
    bool is_mine = fd_table_clear(sd, s);
    close(sd);
    if (is_mine && !stack && s->descriptor.number == sd && atomic_load(&s->users) == 0)
        fd_table_retire_socket(s);
    return 0;
}

static void linger(struct call *c, int seconds) {
    c->was_asked = true;
    c->has_deadline = true;
    c->deadline_us = c->now_us + (uint64_t)seconds * USCTP_S;
    while (!socket_is_ready(c->socket, WANT_END) && loop_wait(c, WANT_END) == 0)
        ;
}

int usctp_close(int sd) {
    struct call c;
    int error = call_enter(&c, sd);
    if (error != 0)
        return close_orphan(sd, error);
    struct socket *s = c.socket;
    fd_table_clear(sd, s);
    /* The number is free from here on, so nothing may touch it: the rest goes by b. */
    close(sd);
    c.fd = -1;
    if (descriptor_is_abandoned(&s->descriptor)) {
        if (s->connection && !s->connection->has_ended)
            s->closing = s->connection->id;
        int seconds = s->linger.l_onoff ? s->linger.l_linger : 0;
        socket_delete(s);
        if (s->closing != 0 && seconds > 0)
            linger(&c, seconds);
    }
    return (int)call_leave(&c, 0);
}

/* ---- shutdown -------------------------------------------------------------------------------- */

static int shut_write(struct socket *s, struct usctp_stack *stack) {
    if (s->is_write_shut || s->state == SOCKET_ENDED)
        return 0;
    int error = usctp_assoc_shutdown(stack->engine, s->connection->id, stack->now_us);
    if (error != 0)
        return socket_errno(error);
    s->is_write_shut = true;
    s->is_full = false;
    return 0;
}

/* What is queued and what still comes is dropped, so that the peer does not wait for room. */
static void shut_read(struct socket *s, struct usctp_stack *stack) {
    s->is_read_shut = true;
    s->is_readable = false;
    free(s->remainder.data);
    s->remainder = (struct remainder){.data = NULL};
    close_discard(stack, s->connection);
}

int usctp_shutdown(int sd, int how) {
    struct call c;
    int error = call_enter(&c, sd);
    if (error == 0) {
        struct socket *s = c.socket;
        if (how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR)
            error = -EINVAL;
        else if (!s->connection || s->state == SOCKET_FRESH)
            error = -ENOTCONN;
        if (error == 0 && how != SHUT_RD)
            error = shut_write(s, c.stack);
        if (error == 0 && how != SHUT_WR)
            shut_read(s, c.stack);
        return (int)call_leave(&c, error);
    }
    errno = -error;
    return -1;
}
