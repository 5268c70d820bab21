/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reading (see reading.h).
 *
 * In this order: what is queued, then once the error that ended the association, then 0 for ever.
 * The associations of a one-to-many socket have turns, a message each: one that was read and has
 * more goes to the end of the list. A message that comes in parts is read to its end first; where
 * its next part has not come yet, the others wait for it (SCTP_FRAGMENT_INTERLEAVE 0) or do not.
 */
#include "api/reading.h"

#include "api/notification.h"
#include "api/stack.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int reading_take_slices(struct reading *r, const struct iovec *iov, size_t count) {
    r->slice_count = 0;
    if (count > IOV_MAX)
        return -EMSGSIZE;
    if (count > 0 && !iov)
        return -EFAULT;
    for (size_t i = 0; i < count; i++) {
        if (iov[i].iov_len == 0)
            continue;
        if (!iov[i].iov_base)
            return -EFAULT;
        r->slices[r->slice_count++] = (struct usctp_slice){iov[i].iov_base, iov[i].iov_len};
    }
    return 0;
}

/* Copies bytes to where the reader has them, from `offset` on. Returns how many found room. */
static size_t pour(const struct reading *r, size_t offset, const void *data, size_t bytes) {
    size_t poured = 0;
    for (size_t i = 0; i < r->slice_count && poured < bytes; i++) {
        const struct usctp_slice *slice = &r->slices[i];
        if (offset >= slice->length) {
            offset -= slice->length;
            continue;
        }
        size_t room = slice->length - offset;
        size_t step = room < bytes - poured ? room : bytes - poured;
        memcpy((uint8_t *)slice->base + offset, (const uint8_t *)data + poured, step);
        poured += step;
        offset = 0;
    }
    return poured;
}

/* ---- notifications --------------------------------------------------------------------------- */

static ssize_t read_remainder(struct socket *s, struct reading *r) {
    struct remainder *rest = &s->remainder;
    size_t left = rest->bytes - rest->offset_bytes;
    size_t n = pour(r, 0, rest->data + rest->offset_bytes, left);
    r->message_flags |= MSG_NOTIFICATION;
    if (n == left)
        r->message_flags |= MSG_EOR;
    if (r->flags & MSG_PEEK)
        return (ssize_t)n;
    rest->offset_bytes += n;
    if (n == left) {
        free(rest->data);
        *rest = (struct remainder){.data = NULL};
    }
    return (ssize_t)n;
}

/* Keeps what did not fit. Without memory for it the notification ends here, marked as truncated. */
static void keep_rest(struct socket *s, struct reading *r, const struct notification *n,
                      size_t given) {
    size_t whole = n->head_bytes + n->data_bytes;
    uint8_t *data = malloc(whole);
    if (!data) {
        r->message_flags |= MSG_EOR | MSG_TRUNC;
        return;
    }
    memcpy(data, &n->head, n->head_bytes);
    if (n->data_bytes > 0)
        memcpy(data + n->head_bytes, n->data, n->data_bytes);
    s->remainder = (struct remainder){.data = data, .bytes = whole, .offset_bytes = given};
}

static ssize_t give_notification(struct socket *s, struct reading *r,
                                 const struct notification *n) {
    size_t given = pour(r, 0, &n->head, n->head_bytes);
    if (given == n->head_bytes && n->data_bytes > 0)
        given += pour(r, given, n->data, n->data_bytes);
    r->message_flags |= MSG_NOTIFICATION;
    if (given == n->head_bytes + n->data_bytes)
        r->message_flags |= MSG_EOR;
    else if (!(r->flags & MSG_PEEK))
        keep_rest(s, r, n, given);
    return (ssize_t)given;
}

/* ---- reading --------------------------------------------------------------------------------- */

static void look_at_next(const struct connection *a, struct usctp_engine *engine,
                         struct reading *r) {
    r->next = (struct usctp_received){.flags = 0};
    int64_t bytes = usctp_assoc_peek_next(engine, a->id, &r->next);
    r->has_next = bytes >= 0;
    if (!r->has_next)
        return;
    struct notification n;
    bool is_note = r->next.flags & USCTP_MESSAGE_NOTIFICATION;
    if (is_note && notification_make(a, &r->next.notification, &n))
        bytes = (int64_t)(n.head_bytes + n.data_bytes);
    r->next_bytes = bytes > UINT32_MAX ? UINT32_MAX : (uint32_t)bytes;
}

static ssize_t tell_dry(struct connection *a, struct reading *r) {
    const struct usctp_notification dry = {.kind = USCTP_NOTIFY_SENDER_DRY};
    struct notification n;
    if (!(r->flags & MSG_PEEK))
        a->is_dry_due = false;
    if (!notification_make(a, &dry, &n))
        return -EAGAIN;
    return give_notification(a->socket, r, &n);
}

/* RFC 6458 6.1.10: the last one; the application is to ask anew for what it wants. */
static ssize_t tell_stopped(struct connection *a, struct reading *r) {
    struct notification n;
    notification_make_stopped(&n);
    if (!(r->flags & MSG_PEEK)) {
        a->is_stop_due = false;
        a->preferences.types &= 1u | NOTIFICATION_STOPPED_BIT;
    }
    return give_notification(a->socket, r, &n);
}

/* Takes a message or notification out of an association's queue. Returns bytes, or -EAGAIN when
 * there is none. */
static ssize_t read_queue(struct connection *a, struct usctp_engine *engine, struct reading *r) {
    struct socket *s = a->socket;
    uint32_t in_flags = connection_read_flags(a) | (r->flags & MSG_PEEK ? USCTP_MESSAGE_PEEK : 0);
    if (a->is_dry_due && s->held != a) {
        ssize_t n = tell_dry(a, r);
        if (n >= 0)
            return n;
    }
    for (;;) {
        if (s->wants_nxtinfo || s->wants_extrcv)
            look_at_next(a, engine, r);
        int64_t n =
            usctp_assoc_receive(engine, a->id, &r->received, r->slices, r->slice_count, in_flags);
        if (n < 0)
            return a->is_stop_due ? tell_stopped(a, r) : -EAGAIN;
        if (!(r->received.flags & USCTP_MESSAGE_NOTIFICATION)) {
            r->has_data = true;
            if (r->received.flags & USCTP_MESSAGE_END)
                r->message_flags |= MSG_EOR;
            return (ssize_t)n;
        }
        struct notification notification;
        if (notification_make(a, &r->received.notification, &notification))
            return give_notification(s, r, &notification);
        if (r->flags & MSG_PEEK) /* unwanted: gone */
            usctp_assoc_receive(engine, a->id, &r->received, NULL, 0,
                                in_flags & ~(uint32_t)USCTP_MESSAGE_PEEK);
    }
}

/* Whose turn is next. */
static void pass_turn(struct connection *a, const struct reading *r) {
    struct socket *s = a->socket;
    bool is_inside = r->has_data && !(r->message_flags & MSG_EOR);
    if (!(r->received.flags & USCTP_MESSAGE_MORE)) /* then it is readable, and was */
        connection_look(a);
    if (is_inside && (a->is_readable || s->interleave == 0)) {
        s->held = a;
        return;
    }
    if (r->has_data || s->held == a)
        s->held = NULL;
    if (!a->is_readable)
        return;
    TAILQ_REMOVE(&s->readable, a, readable_link);
    TAILQ_INSERT_TAIL(&s->readable, a, readable_link);
}

void reading_settle(struct call *c) {
    if (c->taken_from != 0)
        usctp_assoc_received(c->stack->engine, c->taken_from, c->now_us);
    c->taken_from = 0;
}

/* The peer is told of the room once a call, unless there is none left to read. */
static void note_taken(struct call *c, int32_t id, const struct reading *r) {
    if (c->taken_from != id)
        reading_settle(c);
    c->taken_from = id;
    if (!(r->received.flags & USCTP_MESSAGE_MORE))
        reading_settle(c);
}

static ssize_t read_connection(struct call *c, struct connection *a, struct reading *r) {
    struct usctp_engine *engine = c->stack->engine;
    ssize_t n = read_queue(a, engine, r);
    if (n >= 0) {
        r->assoc = a->id;
        r->peer_port = a->peer_port;
        r->context = a->preferences.receive_context;
        r->wants_sndrcv = a->preferences.types & 1u;
        r->marks_end = a->socket->explicit_eor && (r->message_flags & MSG_EOR);
        if (!r->has_data && !connection_primary(a, &r->received.source))
            r->received.source.family = USCTP_FAMILY_NONE;
    }
    if (!(r->flags & MSG_PEEK)) {
        if (n >= 0)
            note_taken(c, a->id, r);
        pass_turn(a, r);
        connection_finish(a);
    } else {
        connection_settle(a);
    }
    return n;
}

/* What there is to say when nothing is queued. */
static ssize_t read_nothing(struct call *c) {
    struct socket *s = c->socket;
    const struct connection *a = connection_only(s);
    if (s->state == SOCKET_GONE)
        return -EBADF;
    if (s->error != 0)
        return -socket_take_error(c);
    if (s->is_many)
        return s->state == SOCKET_ENDED ? 0 : -EAGAIN;
    if (s->state == SOCKET_FRESH || s->state == SOCKET_LISTENING)
        return -ENOTCONN;
    if (s->state == SOCKET_ENDED || s->is_read_shut)
        return 0;
    return a && a->has_peer_shutdown ? 0 : -EAGAIN;
}

static ssize_t read_once(struct call *c, struct reading *r) {
    struct socket *s = c->socket;
    struct connection *a;
    if (s->remainder.data)
        return read_remainder(s, r);
    while ((a = s->held ? s->held : TAILQ_FIRST(&s->readable)) != NULL && a->is_readable) {
        ssize_t n = read_connection(c, a, r);
        if (n != -EAGAIN)
            return n;
    }
    return read_nothing(c);
}

ssize_t reading_run(struct call *c, struct reading *r) {
    if (r->flags & (MSG_OOB | MSG_ERRQUEUE))
        return -EOPNOTSUPP;
    r->message_flags = 0;
    r->assoc = 0;
    r->has_data = r->has_next = false;
    r->received.flags = 0;
    for (;;) {
        ssize_t n = read_once(c, r);
        if (n != -EAGAIN || (r->flags & MSG_DONTWAIT))
            return n;
        c->now_us = stack_now(c->stack);
        int error = blocking_wait(c, WANT_READABLE, 0);
        if (error != 0)
            return error;
    }
}
