/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * usctp_send, usctp_sendmsg, usctp_sendv (RFC 6458 4.1.8, 9.12).
 *
 * A message is queued in the engine, and what may go out is built and sent in the caller's thread
 * on leaving (socket.c).
 */
#include "api/ancillary.h"
#include "api/connect.h"
#include "api/option.h"
#include "api/stack.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* One send: its bytes, and where they go. */
struct request {
    struct usctp_slice slices[IOV_MAX];
    size_t slice_count, bytes;
    struct send_info info;
    const struct sockaddr *names; /* packed */
    int name_count;
    socklen_t name_bytes;         /* of a single one; 0: as its family says */
    const struct msghdr *message; /* for further addresses; may be NULL */
    int flags;
};

static int take_slices(struct request *r, const struct iovec *iov, size_t count) {
    r->slice_count = 0;
    r->bytes = 0;
    if (count > IOV_MAX)
        return -EMSGSIZE;
    if (count > 0 && !iov)
        return -EFAULT;
    for (size_t i = 0; i < count; i++) {
        if (iov[i].iov_len == 0)
            continue;
        if (!iov[i].iov_base)
            return -EFAULT;
        if (iov[i].iov_len > (size_t)SSIZE_MAX - r->bytes)
            return -EINVAL;
        r->slices[r->slice_count++] = (struct usctp_slice){iov[i].iov_base, iov[i].iov_len};
        r->bytes += iov[i].iov_len;
    }
    return 0;
}

static int read_names(const struct request *r, const struct socket *s, struct address_list *list) {
    if (r->name_bytes != 0) {
        list->count = 1;
        return sockaddr_read(r->names, r->name_bytes, s->domain, &list->addresses[0], &list->port);
    }
    return sockaddr_read_packed(r->names, r->name_count, s->domain, list);
}

/* An association may be set up by a send (RFC 6458 4.1.5); the message waits for it in the send
 * buffer. */
static int set_up(struct call *c, const struct request *r) {
    struct address_list peer;
    int error = read_names(r, c->socket, &peer);
    if (error == 0)
        error = ancillary_read_addresses(r->message, c->socket, &peer);
    if (error == 0 && (r->info.flags & (SCTP_EOF | SCTP_ABORT)))
        error = -EINVAL;
    if (error == 0 && r->info.has_init)
        error = option_apply_init(c, &r->info.init);
    return error != 0 ? error : connect_start(c, &peer, NULL);
}

/* The path to the address that a send names (RFC 6458 4.1.8 item 1). */
static int choose_path(struct call *c, const struct request *r, struct usctp_send *send) {
    struct address_list list;
    int error = read_names(r, c->socket, &list);
    if (error != 0)
        return error;
    int path = usctp_path_find(c->stack->engine, c->socket->connection->id, &list.addresses[0]);
    if (path < 0)
        return -EADDRNOTAVAIL;
    send->path = (uint32_t)path;
    send->flags |= USCTP_MESSAGE_TO_PATH;
    return 0;
}

static int check_connected(struct call *c) {
    struct socket *s = c->socket;
    if (s->state == SOCKET_GONE)
        return -EBADF;
    if (s->state != SOCKET_CONNECTED && s->state != SOCKET_CONNECTING)
        return s->error != 0 ? -socket_take_error(c) : -EPIPE;
    return s->is_write_shut ? -EPIPE : 0;
}

/* SCTP_ABORT: the bytes are the reason (RFC 6458 5.3.4). */
static ssize_t abort_with(struct call *c, const struct request *r) {
    uint8_t *reason = NULL;
    size_t used = 0;
    if (r->bytes > 0) {
        reason = malloc(r->bytes);
        if (!reason)
            return -ENOMEM;
        for (size_t i = 0; i < r->slice_count; i++) {
            memcpy(reason + used, r->slices[i].base, r->slices[i].length);
            used += r->slices[i].length;
        }
    }
    int error =
        usctp_assoc_abort(c->stack->engine, c->socket->connection->id, reason, used, c->now_us);
    free(reason);
    return error != 0 ? socket_errno(error) : (ssize_t)used;
}

static ssize_t end_gracefully(struct call *c, const struct request *r) {
    if (r->bytes > 0)
        return -EINVAL;
    int error = usctp_assoc_shutdown(c->stack->engine, c->socket->connection->id, c->now_us);
    if (error != 0)
        return socket_errno(error);
    c->socket->is_write_shut = true;
    return 0;
}

static int queue(struct call *c, const struct request *r, const struct usctp_send *send) {
    struct socket *s = c->socket;
    for (;;) {
        int error = check_connected(c);
        if (error != 0)
            return error;
        error = usctp_assoc_send(c->stack->engine, s->connection->id, send, r->slices,
                                 r->slice_count, c->now_us);
        if (error != USCTP_ERR_AGAIN)
            return socket_errno(error);
        s->is_full = true;
        if (r->flags & MSG_DONTWAIT)
            return -EAGAIN;
        error = loop_wait(c, WANT_WRITABLE);
        if (error != 0)
            return error;
    }
}

static ssize_t send_on(struct call *c, const struct request *r) {
    struct socket *s = c->socket;
    struct usctp_send send = {
        .sid = r->info.sid,
        .ppid = ntohl(r->info.ppid),
        .context = r->info.context,
    };
    if (r->info.flags & SCTP_UNORDERED)
        send.flags |= USCTP_MESSAGE_UNORDERED;
    if (r->info.flags & SCTP_SACK_IMMEDIATELY)
        send.flags |= USCTP_MESSAGE_SACK_IMMEDIATELY;
    int error = ancillary_check_flags(r->info.flags);
    if (error != 0)
        return error;
    if (r->bytes == 0 && !(r->info.flags & (SCTP_EOF | SCTP_ABORT)))
        return -EINVAL;
    bool is_new = s->state == SOCKET_FRESH && r->names;
    error = is_new ? set_up(c, r) : check_connected(c);
    if (error == 0 && r->names && !is_new)
        error = choose_path(c, r, &send);
    if (error != 0)
        return error;
    if (r->info.flags & SCTP_ABORT)
        return abort_with(c, r);
    if (r->info.flags & SCTP_EOF)
        return end_gracefully(c, r);
    error = queue(c, r, &send);
    if (error == 0 && is_new && !(r->flags & MSG_DONTWAIT))
        error = connect_finish(c);
    return error != 0 && error != -EINPROGRESS ? error : (ssize_t)r->bytes;
}

static ssize_t finish(struct call *c, ssize_t result, int flags) {
    bool is_pipe = result == -EPIPE;
    result = call_leave(c, result);
    if (is_pipe && !(flags & MSG_NOSIGNAL)) {
        pthread_kill(pthread_self(), SIGPIPE);
        errno = EPIPE;
    }
    return result;
}

static int check_flags(int flags) {
    return flags & (MSG_OOB | MSG_ERRQUEUE) ? -EOPNOTSUPP : 0;
}

static ssize_t failed(int error) {
    errno = -error;
    return -1;
}

ssize_t usctp_sendmsg(int sd, const struct msghdr *message, int flags) {
    struct call c;
    struct request r;
    if (!message)
        return failed(-EFAULT);
    int error = call_enter(&c, sd);
    if (error != 0)
        return failed(error);
    r.names = message->msg_namelen > 0 ? message->msg_name : NULL;
    r.name_count = 1;
    r.name_bytes = message->msg_namelen;
    r.message = message;
    r.flags = flags;
    ancillary_defaults(c.socket, &r.info);
    error = check_flags(flags);
    if (error == 0)
        error = take_slices(&r, message->msg_iov, message->msg_iovlen);
    if (error == 0)
        error = ancillary_read(message, &r.info);
    return finish(&c, error != 0 ? error : send_on(&c, &r), flags);
}

ssize_t usctp_send(int sd, const void *data, size_t bytes, int flags) {
    struct iovec iov = {.iov_base = (void *)(uintptr_t)data, .iov_len = bytes};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
    return usctp_sendmsg(sd, &message, flags);
}

/* ---- sendv ----------------------------------------------------------------------------------- */

static int take_policy(const struct sctp_prinfo *given) {
    return given->pr_policy == SCTP_PR_SCTP_NONE ? 0 : -EOPNOTSUPP; /* RFC 3758 */
}

static int take_spa(struct send_info *out, const void *info) {
    struct usctp_sendv_spa spa;
    const uint32_t known =
        USCTP_SEND_SNDINFO_VALID | USCTP_SEND_PRINFO_VALID | USCTP_SEND_AUTHINFO_VALID;
    memcpy(&spa, info, sizeof spa);
    if (spa.sendv_flags & ~known)
        return -EINVAL;
    if (spa.sendv_flags & USCTP_SEND_AUTHINFO_VALID)
        return -EOPNOTSUPP;
    if (spa.sendv_flags & USCTP_SEND_SNDINFO_VALID)
        ancillary_take_sndinfo(out, &spa.sendv_sndinfo);
    return spa.sendv_flags & USCTP_SEND_PRINFO_VALID ? take_policy(&spa.sendv_prinfo) : 0;
}

static int take_info(struct send_info *out, const void *info, socklen_t bytes, unsigned type) {
    struct sctp_sndinfo sndinfo;
    struct sctp_prinfo prinfo;
    static const socklen_t sizes[] = {0, sizeof(struct sctp_sndinfo), sizeof(struct sctp_prinfo),
                                      sizeof(struct sctp_authinfo), sizeof(struct usctp_sendv_spa)};
    if (type > USCTP_SENDV_SPA)
        return -EINVAL;
    if (type == USCTP_SENDV_NOINFO)
        return info || bytes != 0 ? -EINVAL : 0;
    if (!info)
        return -EFAULT;
    if (bytes < sizes[type])
        return -EINVAL;
    switch (type) {
    case USCTP_SENDV_SNDINFO:
        memcpy(&sndinfo, info, sizeof sndinfo);
        ancillary_take_sndinfo(out, &sndinfo);
        return 0;
    case USCTP_SENDV_PRINFO:
        memcpy(&prinfo, info, sizeof prinfo);
        return take_policy(&prinfo);
    case USCTP_SENDV_SPA:
        return take_spa(out, info);
    default:
        return -EOPNOTSUPP; /* AUTHINFO: RFC 4895 */
    }
}

/* NOLINTNEXTLINE(readability-function-size): RFC 6458 9.12 has nine parameters */
ssize_t usctp_sendv(int sd, const struct iovec *iov, int iovcnt, const struct sockaddr *addresses,
                    int count, const void *info, socklen_t info_bytes, unsigned infotype,
                    int flags) {
    struct call c;
    struct request r;
    if (iovcnt < 0 || count < 0 || (!addresses && count > 0))
        return failed(-EINVAL);
    int error = call_enter(&c, sd);
    if (error != 0)
        return failed(error);
    r.names = count > 0 ? addresses : NULL;
    r.name_count = count;
    r.name_bytes = 0;
    r.message = NULL;
    r.flags = flags;
    ancillary_defaults(c.socket, &r.info);
    error = check_flags(flags);
    if (error == 0)
        error = take_slices(&r, iov, (size_t)iovcnt);
    if (error == 0)
        error = take_info(&r.info, info, info_bytes, infotype);
    return finish(&c, error != 0 ? error : send_on(&c, &r), flags);
}
