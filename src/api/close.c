/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * usctp_close, usctp_shutdown, and what becomes of the association (see close.h; RFC
 * 6458 4.1.6, 4.1.7, 8.1.4).
 */
#include "api/close.h"

#include "api/connection.h"
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
    loop_wake_lingering(stack);
}

static bool wants_abort(const struct connection *a, struct usctp_stack *stack) {
    const struct socket *s = a->socket;
    struct usctp_assoc_status status;
    if (s->linger.l_onoff && s->linger.l_linger == 0)
        return true;
    if (atomic_load(&stack->is_ending))
        return true;
    /* As Linux: data that nobody will read is told to the sender by an ABORT. */
    return !s->is_read_shut && connection_status(a, &status) && status.unread_bytes > 0;
}

/* It keeps the port claimed while it lives on. */
static void give_away_connection(struct connection *a, struct usctp_stack *stack) {
    uint16_t port = a->socket->port;
    if (a->has_ended) {
        connection_delete(stack, a);
        return;
    }
    if (wants_abort(a, stack) || transport_claim_port(stack->transport, port) != 0) {
        close_abort(stack, a);
        return;
    }
    a->port = port;
    if (usctp_assoc_shutdown(stack->engine, a->id, stack->now_us) != 0) {
        close_abort(stack, a);
        return;
    }
    connection_detach(a);
    stack->closing_count++;
    close_discard(stack, a);
}

void close_give_away(struct socket *s) {
    struct usctp_stack *stack = atomic_load_explicit(&s->stack, memory_order_relaxed);
    struct connection *a;
    if (s->state == SOCKET_LISTENING)
        socket_set_listener(s, false);
    if (s->waiting) {
        int32_t endpoint = s->waiting->endpoint;
        close_abort(stack, s->waiting);
        usctp_endpoint_close(stack->engine, endpoint, stack->now_us);
    }
    while ((a = TAILQ_FIRST(&s->connections)) != NULL)
        give_away_connection(a, stack);
    if (s->endpoint != 0)
        usctp_endpoint_close(stack->engine, s->endpoint, stack->now_us);
    if (s->port != 0)
        transport_release_port(stack->transport, s->port);
    s->endpoint = 0;
    s->port = 0;
}

/* ---- close ----------------------------------------------------------------------------------- */

/* By a signal handler that interrupted a call: what is left to do is done when the stack sees the
 * hang-up. */
static int close_bare(int sd) {
    struct socket *s = fd_table_find(sd);
    if (s)
        fd_table_clear(sd, s);
    return close(sd);
}

/* A descriptor whose stack is no more, or a parent's in a forked child. */
static int close_orphan(int sd, int error) {
    struct socket *s = fd_table_find(sd);
    struct usctp_stack *stack = s ? atomic_load(&s->stack) : NULL;
    if (!s || (stack && error != -ESHUTDOWN && !stack->is_foreign)) {
        errno = -error;
        return -1;
    }
    bool is_mine = fd_table_clear(sd, s);
    close(sd);
    if (stack && !stack->is_foreign) {
        struct cancellation cancellation;
        cancellation_hold(&cancellation);
        pthread_mutex_lock(&stack->lock);
        if (atomic_load(&s->stack) == stack)
            loop_wake_closed(s, sd);
        pthread_mutex_unlock(&stack->lock);
        cancellation_release(&cancellation);
    }
    if (is_mine && !stack && s->descriptor.number == sd && atomic_load(&s->users) == 0)
        fd_table_retire_socket(s);
    return 0;
}

static void linger(struct call *c, int seconds) {
    c->was_asked = true;
    c->has_deadline = true;
    c->deadline_us = c->now_us + (uint64_t)seconds * USCTP_S;
    while (!socket_is_ready(c->socket, WANT_END, 0) && blocking_wait(c, WANT_END, 0) == 0)
        ;
}

int usctp_close(int sd) {
    struct call c;
    int error = call_enter(&c, sd);
    if (error == -EAGAIN)
        return close_bare(sd);
    if (error != 0)
        return close_orphan(sd, error);
    struct socket *s = c.socket;
    fd_table_clear(sd, s);
    /* The number is free from here on, so nothing may touch it: the rest goes by b. */
    close(sd);
    c.fd = -1;
    if (descriptor_is_abandoned(&s->descriptor)) {
        const struct connection *a = connection_only(s); /* one-to-many, as Linux: no lingering */
        s->closing = a && !a->has_ended ? a->id : 0;
        int seconds = s->linger.l_onoff ? s->linger.l_linger : 0;
        socket_delete(s);
        if (s->closing != 0 && seconds > 0)
            linger(&c, seconds);
    } else {
        loop_wake_closed(s, sd);
    }
    return (int)call_leave(&c, 0);
}

/* ---- shutdown -------------------------------------------------------------------------------- */

static int shut_write(struct socket *s, struct usctp_stack *stack) {
    struct connection *a = connection_only(s);
    if (a->is_write_shut || s->state == SOCKET_ENDED)
        return 0;
    int error = usctp_assoc_shutdown(stack->engine, a->id, stack->now_us);
    if (error != 0)
        return socket_errno(error);
    a->is_write_shut = true;
    connection_unblock(a);
    return 0;
}

/* What is queued and what still comes is dropped, so that the peer does not wait for room. */
static void shut_read(struct socket *s, struct usctp_stack *stack) {
    struct connection *a = connection_only(s);
    s->is_read_shut = true;
    free(s->remainder.data);
    s->remainder = (struct remainder){.data = NULL};
    a->is_dry_due = false;
    close_discard(stack, a);
    connection_look(a);
}

static int shut(struct socket *s, struct usctp_stack *stack, int how) {
    int error = 0;
    if (how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR)
        return -EINVAL;
    if (s->is_many)
        return -EOPNOTSUPP;
    if (!connection_only(s) || s->state == SOCKET_FRESH)
        return -ENOTCONN;
    if (how != SHUT_RD)
        error = shut_write(s, stack);
    if (error == 0 && how != SHUT_WR)
        shut_read(s, stack);
    return error;
}

int usctp_shutdown(int sd, int how) {
    struct call c;
    int error = call_enter(&c, sd);
    if (error == 0)
        return (int)call_leave(&c, shut(c.socket, c.stack, how));
    errno = -error;
    return -1;
}
