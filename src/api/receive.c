/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * usctp_recv, usctp_recvmsg, usctp_recvv (RFC 6458 4.1.8, 9.13).
 *
 * In this order: what is queued, then once the error that ended the association, then 0 for ever.
 */
#include "api/ancillary.h"
#include "api/events.h"
#include "api/notification.h"
#include "api/stack.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* One receive: where the bytes go, and what came. */
struct reading {
    struct usctp_slice slices[IOV_MAX];
    size_t slice_count;
    int flags;
    int message_flags; /* out: MSG_EOR, MSG_NOTIFICATION, MSG_TRUNC */
    struct usctp_received received;
    bool has_data, has_next; /* `received` is of a message; `next` is filled */
    struct usctp_received next;
    uint32_t next_bytes;
};

static int take_slices(struct reading *r, const struct iovec *iov, size_t count) {
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

static void look_at_next(struct call *c, struct reading *r) {
    r->next = (struct usctp_received){.flags = 0};
    int32_t id = c->socket->connection->id;
    int64_t bytes = usctp_assoc_peek_next(c->stack->engine, id, &r->next);
    r->has_next = bytes >= 0;
    if (!r->has_next)
        return;
    struct notification n;
    bool is_note = r->next.flags & USCTP_MESSAGE_NOTIFICATION;
    if (is_note && notification_make(c->socket, &r->next.notification, &n))
        bytes = (int64_t)(n.head_bytes + n.data_bytes);
    r->next_bytes = bytes > UINT32_MAX ? UINT32_MAX : (uint32_t)bytes;
}

/* Takes a message or notification out of the association's queue. Returns bytes, or -EAGAIN when
 * there is none. */
static ssize_t read_queue(struct call *c, struct reading *r) {
    struct socket *s = c->socket;
    struct usctp_engine *engine = c->stack->engine;
    uint32_t in_flags = r->flags & MSG_PEEK ? USCTP_MESSAGE_PEEK : 0;
    for (;;) {
        int32_t id = s->connection->id;
        if (s->interests.nxtinfo)
            look_at_next(c, r);
        int64_t n =
            usctp_assoc_receive(engine, id, &r->received, r->slices, r->slice_count, in_flags);
        if (n < 0)
            return -EAGAIN;
        if (!(r->received.flags & USCTP_MESSAGE_NOTIFICATION)) {
            r->has_data = true;
            if (r->received.flags & USCTP_MESSAGE_END)
                r->message_flags |= MSG_EOR;
            return (ssize_t)n;
        }
        struct notification notification;
        if (notification_make(s, &r->received.notification, &notification))
            return give_notification(s, r, &notification);
        if (in_flags)
            usctp_assoc_receive(engine, id, &r->received, NULL, 0, 0); /* unwanted: gone */
    }
}

/* What there is to say when nothing is queued. */
static ssize_t read_nothing(struct call *c) {
    struct socket *s = c->socket;
    const struct connection *connection = s->connection;
    if (s->state == SOCKET_GONE)
        return -EBADF;
    if (s->error != 0)
        return -socket_take_error(c);
    if (s->state == SOCKET_FRESH || s->state == SOCKET_LISTENING)
        return -ENOTCONN;
    if (s->state == SOCKET_ENDED || s->is_read_shut)
        return 0;
    return connection && connection->has_peer_shutdown ? 0 : -EAGAIN;
}

static ssize_t read_once(struct call *c, struct reading *r) {
    struct socket *s = c->socket;
    if (s->remainder.data)
        return read_remainder(s, r);
    if (s->connection && !s->is_read_shut) {
        ssize_t n = read_queue(c, r);
        int32_t id = s->connection->id;
        if (!(r->flags & MSG_PEEK)) {
            if (n >= 0)
                usctp_assoc_received(c->stack->engine, id, c->now_us);
            s->is_readable = n >= 0 && events_has_unread(c->stack, id);
        }
        if (n >= 0)
            return n;
        s->is_readable = false;
    }
    return read_nothing(c);
}

static ssize_t receive_on(struct call *c, struct reading *r) {
    if (r->flags & (MSG_OOB | MSG_ERRQUEUE))
        return -EOPNOTSUPP;
    r->message_flags = 0;
    r->has_data = r->has_next = false;
    r->received.flags = 0;
    for (;;) {
        ssize_t n = read_once(c, r);
        if (n != -EAGAIN || (r->flags & MSG_DONTWAIT))
            return n;
        int error = loop_wait(c, WANT_READABLE);
        if (error != 0)
            return error;
    }
}

static ssize_t failed(int error) {
    errno = -error;
    return -1;
}

ssize_t usctp_recv(int sd, void *data, size_t bytes, int flags) {
    struct call c;
    struct reading r;
    if (!data && bytes > 0)
        return failed(-EFAULT);
    int error = call_enter(&c, sd);
    if (error != 0)
        return failed(error);
    r.slices[0] = (struct usctp_slice){data, bytes};
    r.slice_count = bytes > 0;
    r.flags = flags;
    return call_leave(&c, receive_on(&c, &r));
}

/* ---- recvmsg --------------------------------------------------------------------------------- */

static void give_source(struct call *c, const struct reading *r, struct sockaddr *name,
                        socklen_t *bytes) {
    struct usctp_assoc_status status;
    struct socket *s = c->socket;
    if (!name || !r->has_data ||
        usctp_assoc_status(c->stack->engine, s->connection->id, &status) != 0) {
        *bytes = 0;
        return;
    }
    sockaddr_give(&r->received.source, status.peer_port, s->domain == AF_INET6 && s->is_mapped,
                  name, bytes);
}

static void give_ancillary(const struct socket *s, const struct reading *r,
                           struct msghdr *message) {
    size_t used = 0;
    struct sctp_nxtinfo nxtinfo;
    struct sctp_rcvinfo rcvinfo;
    struct sctp_sndrcvinfo sndrcvinfo;
    if (r->has_data && s->interests.nxtinfo && r->has_next) {
        ancillary_fill_nxtinfo(s, &r->next, r->next_bytes, &nxtinfo);
        ancillary_put(message, &used, SCTP_NXTINFO, &nxtinfo, sizeof nxtinfo);
    }
    if (r->has_data && s->interests.rcvinfo) {
        ancillary_fill_rcvinfo(s, &r->received, &rcvinfo);
        ancillary_put(message, &used, SCTP_RCVINFO, &rcvinfo, sizeof rcvinfo);
    }
    if (r->has_data && (s->interests.types & 1u)) {
        ancillary_fill_sndrcvinfo(s, &r->received, &sndrcvinfo);
        ancillary_put(message, &used, SCTP_SNDRCV, &sndrcvinfo, sizeof sndrcvinfo);
    }
    message->msg_controllen = used;
}

ssize_t usctp_recvmsg(int sd, struct msghdr *message, int flags) {
    struct call c;
    struct reading r;
    if (!message)
        return failed(-EFAULT);
    int error = call_enter(&c, sd);
    if (error != 0)
        return failed(error);
    r.flags = flags;
    error = take_slices(&r, message->msg_iov, message->msg_iovlen);
    ssize_t n = error != 0 ? error : receive_on(&c, &r);
    if (n >= 0) {
        message->msg_flags = r.message_flags;
        give_source(&c, &r, message->msg_name, &message->msg_namelen);
        give_ancillary(c.socket, &r, message);
    }
    return call_leave(&c, n);
}

/* ---- recvv ----------------------------------------------------------------------------------- */

/* Which structure tells what came; 0 bytes: none. */
static socklen_t make_info(const struct socket *s, const struct reading *r,
                           struct usctp_recvv_rn *out, unsigned *type) {
    bool has_rcv = r->has_data && s->interests.rcvinfo;
    bool has_nxt = r->has_data && s->interests.nxtinfo && r->has_next;
    memset(out, 0, sizeof *out);
    if (has_rcv)
        ancillary_fill_rcvinfo(s, &r->received, &out->recvv_rcvinfo);
    if (has_nxt)
        ancillary_fill_nxtinfo(s, &r->next, r->next_bytes, &out->recvv_nxtinfo);
    *type = has_rcv && has_nxt ? USCTP_RECVV_RN
            : has_rcv          ? USCTP_RECVV_RCVINFO
            : has_nxt          ? USCTP_RECVV_NXTINFO
                               : USCTP_RECVV_NOINFO;
    if (*type == USCTP_RECVV_NXTINFO)
        memmove(out, &out->recvv_nxtinfo, sizeof out->recvv_nxtinfo);
    static const socklen_t sizes[] = {0, sizeof(struct sctp_rcvinfo), sizeof(struct sctp_nxtinfo),
                                      sizeof(struct usctp_recvv_rn)};
    return sizes[*type];
}

static void give_info(const struct socket *s, const struct reading *r, void *info,
                      socklen_t *info_bytes, unsigned *infotype) {
    struct usctp_recvv_rn made;
    unsigned type;
    socklen_t bytes = make_info(s, r, &made, &type);
    if (!info || !info_bytes || *info_bytes < bytes) {
        bytes = 0;
        type = USCTP_RECVV_NOINFO;
    }
    if (bytes > 0)
        memcpy(info, &made, bytes);
    if (info_bytes)
        *info_bytes = bytes;
    if (infotype)
        *infotype = type;
}

/* NOLINTNEXTLINE(readability-function-size): RFC 6458 9.13 has nine parameters */
ssize_t usctp_recvv(int sd, const struct iovec *iov, int iovcnt, struct sockaddr *from,
                    socklen_t *from_bytes, void *info, socklen_t *info_bytes, unsigned *infotype,
                    int *flags) {
    struct call c;
    struct reading r;
    if (iovcnt < 0)
        return failed(-EINVAL);
    if ((from && !from_bytes) || (info && (!info_bytes || !infotype)) || !flags)
        return failed(-EFAULT);
    int error = call_enter(&c, sd);
    if (error != 0)
        return failed(error);
    r.flags = *flags;
    error = take_slices(&r, iov, (size_t)iovcnt);
    ssize_t n = error != 0 ? error : receive_on(&c, &r);
    if (n >= 0) {
        *flags = r.message_flags;
        if (from_bytes)
            give_source(&c, &r, from, from_bytes);
        give_info(c.socket, &r, info, info_bytes, infotype);
    }
    return call_leave(&c, n);
}
