/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The older functions for messages: usctp_sctp_sendmsg, usctp_sctp_recvmsg, usctp_sctp_send,
 * usctp_sctp_sendx (RFC 6458 9.7, 9.8, 9.10, 9.11), over those that replaced them. Their short
 * names are those of the system's own calls.
 */
#include "usctp/usctp.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

static ssize_t failed(int error) {
    errno = error;
    return -1;
}

/* A message with one SCTP_SNDRCV control message, as large as it needs. */
union control {
    struct cmsghdr header;
    uint8_t bytes[CMSG_SPACE(sizeof(struct sctp_sndrcvinfo))];
};

static void put_sndrcv(struct msghdr *message, union control *control,
                       const struct sctp_sndrcvinfo *sinfo) {
    memset(control, 0, sizeof *control);
    message->msg_control = control;
    message->msg_controllen = sizeof *control;
    struct cmsghdr *c = CMSG_FIRSTHDR(message);
    c->cmsg_level = IPPROTO_SCTP;
    c->cmsg_type = SCTP_SNDRCV;
    c->cmsg_len = CMSG_LEN(sizeof *sinfo);
    memcpy(CMSG_DATA(c), sinfo, sizeof *sinfo);
}

static ssize_t send_with(int sd, struct msghdr message, const struct sctp_sndrcvinfo *sinfo,
                         int flags) {
    union control control;
    if (sinfo)
        put_sndrcv(&message, &control, sinfo);
    return usctp_sendmsg(sd, &message, flags);
}

/* NOLINTNEXTLINE(readability-function-size): RFC 6458 9.7 has ten parameters */
ssize_t usctp_sctp_sendmsg(int sd, const void *data, size_t bytes, const struct sockaddr *to,
                           socklen_t to_bytes, uint32_t ppid, uint32_t flags, uint16_t sid,
                           uint32_t time_to_live, uint32_t context) {
    const struct sctp_sndrcvinfo sinfo = {.sinfo_ppid = ppid,
                                          .sinfo_flags = (uint16_t)flags,
                                          .sinfo_stream = sid,
                                          .sinfo_timetolive = time_to_live,
                                          .sinfo_context = context};
    struct iovec iov = {.iov_base = (void *)(uintptr_t)data, .iov_len = bytes};
    struct msghdr message = {.msg_iov = &iov,
                             .msg_iovlen = 1,
                             .msg_name = (void *)(uintptr_t)to,
                             .msg_namelen = to ? to_bytes : 0};
    if (flags > UINT16_MAX)
        return failed(EINVAL);
    return send_with(sd, message, &sinfo, 0);
}

ssize_t usctp_sctp_send(int sd, const void *data, size_t bytes, const struct sctp_sndrcvinfo *sinfo,
                        int flags) {
    struct iovec iov = {.iov_base = (void *)(uintptr_t)data, .iov_len = bytes};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
    return send_with(sd, message, sinfo, flags);
}

/* Sets up an association with several addresses, and sends to it. */
/* NOLINTNEXTLINE(readability-function-size): libsctp's sctp_sendx has seven parameters */
ssize_t usctp_sctp_sendx(int sd, const void *data, size_t bytes, const struct sockaddr *addresses,
                         int count, const struct sctp_sndrcvinfo *sinfo, int flags) {
    struct iovec iov = {.iov_base = (void *)(uintptr_t)data, .iov_len = bytes};
    struct sctp_sndinfo info = {0};
    if (!sinfo)
        return usctp_sendv(sd, &iov, 1, addresses, count, NULL, 0, USCTP_SENDV_NOINFO, flags);
    if (sinfo->sinfo_timetolive != 0)
        return failed(EOPNOTSUPP); /* RFC 3758 */
    info.snd_sid = sinfo->sinfo_stream;
    info.snd_flags = sinfo->sinfo_flags;
    info.snd_ppid = sinfo->sinfo_ppid;
    info.snd_context = sinfo->sinfo_context;
    info.snd_assoc_id = sinfo->sinfo_assoc_id;
    return usctp_sendv(sd, &iov, 1, addresses, count, &info, sizeof info, USCTP_SENDV_SNDINFO,
                       flags);
}

static void take_sndrcv(struct msghdr *message, struct sctp_sndrcvinfo *sinfo) {
    memset(sinfo, 0, sizeof *sinfo);
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
        if (c->cmsg_level == IPPROTO_SCTP && c->cmsg_type == SCTP_SNDRCV)
            memcpy(sinfo, CMSG_DATA(c), sizeof *sinfo);
        /* RFC 6458 9.8: the caller has asked for the longer structure, and gives room for it. */
        if (c->cmsg_level == IPPROTO_SCTP && c->cmsg_type == USCTP_EXTRCV)
            memcpy((void *)sinfo, CMSG_DATA(c), sizeof(struct usctp_extrcvinfo));
    }
}

/* *sinfo is filled while SCTP_EVENTS asks for sctp_data_io_event, else zeroed. */
/* NOLINTNEXTLINE(readability-function-size): RFC 6458 9.8 has seven parameters */
ssize_t usctp_sctp_recvmsg(int sd, void *data, size_t bytes, struct sockaddr *from,
                           socklen_t *from_bytes, struct sctp_sndrcvinfo *sinfo, int *flags) {
    uint8_t control[CMSG_SPACE(sizeof(struct usctp_extrcvinfo)) +
                    CMSG_SPACE(sizeof(struct sctp_rcvinfo)) +
                    CMSG_SPACE(sizeof(struct sctp_nxtinfo))] __attribute__((aligned(8)));
    struct iovec iov = {.iov_base = data, .iov_len = bytes};
    struct msghdr message = {.msg_iov = &iov,
                             .msg_iovlen = 1,
                             .msg_name = from,
                             .msg_control = control,
                             .msg_controllen = sizeof control};
    if (from && !from_bytes)
        return failed(EFAULT);
    message.msg_namelen = from ? *from_bytes : 0;
    ssize_t n = usctp_recvmsg(sd, &message, flags ? *flags : 0);
    if (n < 0)
        return n;
    if (from_bytes)
        *from_bytes = message.msg_namelen;
    if (flags)
        *flags = message.msg_flags;
    if (sinfo)
        take_sndrcv(&message, sinfo);
    return n;
}
