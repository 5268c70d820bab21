/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * usctp_recv, usctp_recvfrom, usctp_read, usctp_readv, usctp_recvmsg, usctp_recvmmsg, usctp_recvv
 * (RFC 6458 3.1.4, 4.1.8, 9.13). What is read is decided in reading.c; usctp_sctp_recvmsg is in
 * deprecated.c.
 */
#include "api/ancillary.h"
#include "api/reading.h"
#include "api/stack.h"

#include <errno.h>
#include <string.h>
#include <time.h>

static ssize_t failed(int error) {
    errno = -error;
    return -1;
}

/* ---- recvmsg --------------------------------------------------------------------------------- */

/* Of a message, where it came from; of a notification, as Linux, the peer's primary address. */
static void give_source(const struct socket *s, const struct reading *r, struct sockaddr *name,
                        socklen_t *bytes) {
    if (!name || r->assoc == 0 || r->received.source.family == USCTP_FAMILY_NONE) {
        *bytes = 0;
        return;
    }
    sockaddr_give(&r->received.source, r->peer_port, s->domain == AF_INET6 && s->is_mapped, name,
                  bytes);
}

static void give_ancillary(const struct socket *s, const struct reading *r,
                           struct msghdr *message) {
    size_t used = 0;
    struct sctp_nxtinfo nxtinfo;
    struct sctp_rcvinfo rcvinfo;
    struct sctp_sndrcvinfo sndrcvinfo;
    struct usctp_extrcvinfo extrcvinfo;
    if (r->has_data && s->wants_nxtinfo && r->has_next) {
        ancillary_fill_nxtinfo(r, &nxtinfo);
        ancillary_put(message, &used, SCTP_NXTINFO, &nxtinfo, sizeof nxtinfo);
    }
    if (r->has_data && s->wants_rcvinfo) {
        ancillary_fill_rcvinfo(r, &rcvinfo);
        ancillary_put(message, &used, SCTP_RCVINFO, &rcvinfo, sizeof rcvinfo);
    }
    if (r->has_data && r->wants_sndrcv && s->wants_extrcv) {
        ancillary_fill_extrcvinfo(r, &extrcvinfo);
        ancillary_put(message, &used, USCTP_EXTRCV, &extrcvinfo, sizeof extrcvinfo);
    } else if (r->has_data && r->wants_sndrcv) {
        ancillary_fill_sndrcvinfo(r, &sndrcvinfo);
        ancillary_put(message, &used, SCTP_SNDRCV, &sndrcvinfo, sizeof sndrcvinfo);
    }
    message->msg_controllen = used;
}

/* Inside a call: one message, with all that came with it. */
static ssize_t receive_message(struct call *c, struct reading *r, struct msghdr *message,
                               int flags) {
    r->flags = flags;
    int error = reading_take_slices(r, message->msg_iov, message->msg_iovlen);
    if (error == 0 && message->msg_controllen > 0 && !message->msg_control)
        error = -EFAULT;
    ssize_t n = error != 0 ? error : reading_run(c, r);
    if (n < 0)
        return n;
    message->msg_flags = r->message_flags;
    give_source(c->socket, r, message->msg_name, &message->msg_namelen);
    give_ancillary(c->socket, r, message);
    return n;
}

ssize_t usctp_recvmsg(int sd, struct msghdr *message, int flags) {
    struct call c;
    struct reading r;
    if (!message)
        return failed(-EFAULT);
    int error = call_enter_timeless(&c, sd);
    return error != 0 ? failed(error) : call_leave(&c, receive_message(&c, &r, message, flags));
}

ssize_t usctp_recvfrom(int sd, void *data, size_t bytes, int flags, struct sockaddr *from,
                       socklen_t *from_bytes) {
    struct iovec iov = {.iov_base = data, .iov_len = bytes};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1, .msg_name = from};
    if (from && !from_bytes)
        return failed(-EFAULT);
    message.msg_namelen = from ? *from_bytes : 0;
    ssize_t n = usctp_recvmsg(sd, &message, flags);
    if (n >= 0 && from_bytes)
        *from_bytes = message.msg_namelen;
    return n;
}

ssize_t usctp_recv(int sd, void *data, size_t bytes, int flags) {
    return usctp_recvfrom(sd, data, bytes, flags, NULL, NULL);
}

ssize_t usctp_read(int sd, void *data, size_t bytes) {
    return usctp_recvfrom(sd, data, bytes, 0, NULL, NULL);
}

ssize_t usctp_readv(int sd, const struct iovec *iov, int iovcnt) {
    struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)iov,
                             .msg_iovlen = iovcnt < 0 ? SIZE_MAX : (size_t)iovcnt};
    return usctp_recvmsg(sd, &message, 0);
}

/* ---- recvmmsg -------------------------------------------------------------------------------- */

static uint64_t timeout_end_us(const struct call *c, const struct timespec *timeout) {
    if (!timeout)
        return USCTP_NEVER;
    return c->now_us + (uint64_t)timeout->tv_sec * USCTP_S + (uint64_t)timeout->tv_nsec / 1000;
}

/* Whether what ended a call is an error of the socket, for whoever calls next. That the caller's
 * own number was closed is nobody else's. */
static bool is_sockets(ssize_t result) {
    return result != -EAGAIN && result != -EINTR && result != -EBADF;
}

/* recvmmsg(2): the time is looked at after each message; an error after the first is kept for the
 * next call, unless there was only nothing to read. */
int usctp_recvmmsg(int sd, struct mmsghdr *messages, unsigned count, int flags,
                   struct timespec *timeout) {
    struct call c;
    struct reading r;
    unsigned taken = 0;
    ssize_t n = 0;
    if (!messages)
        return (int)failed(-EFAULT);
    if (timeout && (timeout->tv_sec < 0 || timeout->tv_nsec < 0 || timeout->tv_nsec >= 1000000000))
        return (int)failed(-EINVAL);
    int error = call_enter(&c, sd);
    if (error != 0)
        return (int)failed(error);
    uint64_t end_us = timeout_end_us(&c, timeout);
    while (taken < count && taken < IOV_MAX) {
        n = receive_message(&c, &r, &messages[taken].msg_hdr, flags & ~MSG_WAITFORONE);
        if (n < 0)
            break;
        messages[taken++].msg_len = (unsigned)n;
        if (flags & MSG_WAITFORONE)
            flags |= MSG_DONTWAIT;
        if (timeout && stack_now(c.stack) >= end_us)
            break;
    }
    if (taken > 0 && n < 0 && is_sockets(n) && c.socket->error == 0)
        c.socket->error = (int)-n;
    return (int)call_leave(&c, taken > 0 ? (ssize_t)taken : n);
}

/* ---- recvv ----------------------------------------------------------------------------------- */

/* Which structure tells what came; 0 bytes: none. */
static socklen_t make_info(const struct socket *s, const struct reading *r,
                           struct usctp_recvv_rn *out, unsigned *type) {
    bool has_rcv = r->has_data && s->wants_rcvinfo;
    bool has_nxt = r->has_data && s->wants_nxtinfo && r->has_next;
    memset(out, 0, sizeof *out);
    if (has_rcv)
        ancillary_fill_rcvinfo(r, &out->recvv_rcvinfo);
    if (has_nxt)
        ancillary_fill_nxtinfo(r, &out->recvv_nxtinfo);
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
    int error = call_enter_timeless(&c, sd);
    if (error != 0)
        return failed(error);
    r.flags = *flags;
    error = reading_take_slices(&r, iov, (size_t)iovcnt);
    ssize_t n = error != 0 ? error : reading_run(&c, &r);
    if (n >= 0) {
        *flags = r.message_flags;
        if (from_bytes)
            give_source(c.socket, &r, from, from_bytes);
        give_info(c.socket, &r, info, info_bytes, infotype);
    }
    return call_leave(&c, n);
}
