/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * usctp_send, usctp_sendto, usctp_write, usctp_writev, usctp_sendmsg, usctp_sendmmsg, usctp_sendv
 * (RFC 6458 3.1.4, 4.1.8, 9.12). What a send does is in sending.c; usctp_sctp_sendmsg and its like
 * are in deprecated.c.
 */
#include "api/sending.h"
#include "api/stack.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

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

/* Inside a call: one message. */
static ssize_t send_message(struct call *c, struct request *r, const struct msghdr *message,
                            int flags) {
    sending_begin(r, message->msg_namelen > 0 ? message->msg_name : NULL, 1, flags);
    r->name_bytes = message->msg_namelen;
    r->message = message;
    int error = check_flags(flags);
    if (error == 0)
        error = sending_take_slices(r, message->msg_iov, message->msg_iovlen);
    if (error == 0)
        error = ancillary_read(message, &r->info);
    return error != 0 ? error : sending_run(c, r);
}

ssize_t usctp_sendmsg(int sd, const struct msghdr *message, int flags) {
    struct call c;
    struct request r;
    if (!message)
        return failed(-EFAULT);
    int error = call_enter(&c, sd);
    return error != 0 ? failed(error) : finish(&c, send_message(&c, &r, message, flags), flags);
}

ssize_t usctp_sendto(int sd, const void *data, size_t bytes, int flags,
                     const struct sockaddr *address, socklen_t length) {
    struct iovec iov = {.iov_base = (void *)(uintptr_t)data, .iov_len = bytes};
    struct msghdr message = {.msg_iov = &iov,
                             .msg_iovlen = 1,
                             .msg_name = (void *)(uintptr_t)address,
                             .msg_namelen = address ? length : 0};
    return usctp_sendmsg(sd, &message, flags);
}

ssize_t usctp_send(int sd, const void *data, size_t bytes, int flags) {
    return usctp_sendto(sd, data, bytes, flags, NULL, 0);
}

ssize_t usctp_write(int sd, const void *data, size_t bytes) {
    return usctp_sendto(sd, data, bytes, 0, NULL, 0);
}

ssize_t usctp_writev(int sd, const struct iovec *iov, int iovcnt) {
    struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)iov,
                             .msg_iovlen = iovcnt < 0 ? SIZE_MAX : (size_t)iovcnt};
    return usctp_sendmsg(sd, &message, 0);
}

/* sendmmsg(2): what failed is seen by the next call, when something was sent before. */
int usctp_sendmmsg(int sd, struct mmsghdr *messages, unsigned count, int flags) {
    struct call c;
    struct request r;
    unsigned sent = 0;
    ssize_t n = 0;
    if (!messages)
        return (int)failed(-EFAULT);
    int error = call_enter(&c, sd);
    if (error != 0)
        return (int)failed(error);
    while (sent < count && sent < IOV_MAX) {
        n = send_message(&c, &r, &messages[sent].msg_hdr, flags);
        if (n < 0)
            break;
        messages[sent++].msg_len = (unsigned)n;
    }
    return (int)finish(&c, sent > 0 ? (ssize_t)sent : n, flags);
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

/* RFC 6458 9.12: the id of the association that was set up. */
static void tell_assoc(const struct request *r, void *info, unsigned infotype) {
    uint8_t *sndinfo = info;
    if (infotype == USCTP_SENDV_SPA &&
        (((struct usctp_sendv_spa *)info)->sendv_flags & USCTP_SEND_SNDINFO_VALID))
        sndinfo += offsetof(struct usctp_sendv_spa, sendv_sndinfo);
    else if (infotype != USCTP_SENDV_SNDINFO)
        return;
    memcpy(sndinfo + offsetof(struct sctp_sndinfo, snd_assoc_id), &r->assoc, sizeof r->assoc);
}

/* NOLINTNEXTLINE(readability-function-size): RFC 6458 9.12 has nine parameters */
ssize_t usctp_sendv(int sd, const struct iovec *iov, int iovcnt, const struct sockaddr *addresses,
                    int count, void *info, socklen_t info_bytes, unsigned infotype, int flags) {
    struct call c;
    struct request r;
    if (iovcnt < 0 || count < 0)
        return failed(-EINVAL);
    if (!addresses && count > 0)
        return failed(-EFAULT);
    int error = call_enter(&c, sd);
    if (error != 0)
        return failed(error);
    sending_begin(&r, count > 0 ? addresses : NULL, count, flags);
    error = check_flags(flags);
    if (error == 0)
        error = sending_take_slices(&r, iov, (size_t)iovcnt);
    if (error == 0)
        error = take_info(&r.info, info, info_bytes, infotype);
    ssize_t n = error != 0 ? error : sending_run(&c, &r);
    if (r.assoc != 0)
        tell_assoc(&r, info, infotype);
    return finish(&c, n, flags);
}
