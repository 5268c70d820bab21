/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ancillary data (see ancillary.h). PPIDs pass through as the 32 bits that the application has in
 * memory (RFC 6458 5.3.4).
 */
#include "api/ancillary.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

_Static_assert(sizeof(struct usctp_extrcvinfo) == 48, "as RFC 6458 5.3.3 lists its members");
_Static_assert(sizeof(struct usctp_sendv_spa) == 32, "as lksctp's sctp_sendv_spa");
_Static_assert(sizeof(struct usctp_recvv_rn) == 44, "as lksctp's sctp_recvv_rn");

enum {
    KNOWN_FLAGS = SCTP_UNORDERED | SCTP_ADDR_OVER | SCTP_ABORT | SCTP_SACK_IMMEDIATELY |
                  SCTP_SENDALL | SCTP_EOF | USCTP_EOR,
    PARTIAL_RELIABILITY_FLAGS = SCTP_PR_SCTP_MASK | SCTP_PR_SCTP_ALL,
};

int ancillary_check_flags(uint16_t flags) {
    if (flags & PARTIAL_RELIABILITY_FLAGS)
        return -EOPNOTSUPP; /* RFC 3758 */
    return flags & ~KNOWN_FLAGS ? -EINVAL : 0;
}

void ancillary_take_sndinfo(struct send_info *info, const struct sctp_sndinfo *given) {
    info->has_info = true;
    info->sid = given->snd_sid;
    info->flags = given->snd_flags;
    info->ppid = given->snd_ppid;
    info->context = given->snd_context;
    info->assoc = given->snd_assoc_id;
}

int ancillary_take_sndrcvinfo(struct send_info *info, const struct sctp_sndrcvinfo *given) {
    if (given->sinfo_timetolive != 0)
        return -EOPNOTSUPP; /* RFC 3758 */
    info->has_info = true;
    info->sid = given->sinfo_stream;
    info->flags = given->sinfo_flags;
    info->ppid = given->sinfo_ppid;
    info->context = given->sinfo_context;
    info->assoc = given->sinfo_assoc_id;
    return 0;
}

/* ---- sending --------------------------------------------------------------------------------- */

/* Copies the data of a control message. Returns false when it has another length. */
static bool take(const struct cmsghdr *c, void *out, size_t bytes) {
    if (c->cmsg_len != CMSG_LEN(bytes))
        return false;
    memcpy(out, CMSG_DATA(c), bytes);
    return true;
}

static int read_sndrcv(const struct cmsghdr *c, struct send_info *info) {
    struct sctp_sndrcvinfo given;
    return take(c, &given, sizeof given) ? ancillary_take_sndrcvinfo(info, &given) : -EINVAL;
}

static int read_sndinfo(const struct cmsghdr *c, struct send_info *info) {
    struct sctp_sndinfo given;
    if (!take(c, &given, sizeof given))
        return -EINVAL;
    ancillary_take_sndinfo(info, &given);
    return 0;
}

static int read_one(const struct cmsghdr *c, struct send_info *info) {
    struct sctp_prinfo reliability;
    switch (c->cmsg_type) {
    case SCTP_INIT:
        info->has_init = true;
        return take(c, &info->init, sizeof info->init) ? 0 : -EINVAL;
    case SCTP_SNDRCV:
        return read_sndrcv(c, info);
    case SCTP_SNDINFO:
        return read_sndinfo(c, info);
    case SCTP_PRINFO:
        if (!take(c, &reliability, sizeof reliability))
            return -EINVAL;
        return reliability.pr_policy == SCTP_PR_SCTP_NONE ? 0 : -EOPNOTSUPP;
    case SCTP_DSTADDRV4:
    case SCTP_DSTADDRV6:
        return 0; /* ancillary_read_addresses */
    case SCTP_AUTHINFO:
        return -EOPNOTSUPP;
    default:
        return -EINVAL;
    }
}

/* Whether a control message lies whole in its buffer. */
static bool is_whole(const struct msghdr *message, const struct cmsghdr *c) {
    size_t offset = (size_t)((const char *)c - (const char *)message->msg_control);
    return c->cmsg_len >= sizeof *c && c->cmsg_len <= message->msg_controllen - offset;
}

static struct cmsghdr *following(const struct msghdr *message, struct cmsghdr *c) {
    struct msghdr copy = *message; /* glibc's macro wants it without const */
    return CMSG_NXTHDR(&copy, c);
}

int ancillary_read(const struct msghdr *message, struct send_info *info) {
    if (!message->msg_control)
        return 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = following(message, c)) {
        if (!is_whole(message, c))
            return -EINVAL;
        if (c->cmsg_level != IPPROTO_SCTP)
            continue;
        int error = read_one(c, info);
        if (error != 0)
            return error;
    }
    return 0;
}

int ancillary_read_addresses(const struct msghdr *message, const struct socket *s,
                             struct address_list *peer) {
    if (!message || !message->msg_control)
        return 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = following(message, c)) {
        if (!is_whole(message, c))
            return -EINVAL;
        if (c->cmsg_level != IPPROTO_SCTP)
            continue;
        struct usctp_addr address = {.family = USCTP_FAMILY_NONE};
        if (c->cmsg_type == SCTP_DSTADDRV4) {
            address.family = USCTP_FAMILY_IPV4;
            if (!take(c, address.ipv4, sizeof address.ipv4))
                return -EINVAL;
        } else if (c->cmsg_type == SCTP_DSTADDRV6) {
            address.family = USCTP_FAMILY_IPV6;
            if (!take(c, address.ipv6, sizeof address.ipv6) || s->domain != AF_INET6)
                return -EINVAL;
        } else {
            continue;
        }
        if (peer->count >= USCTP_MAX_ADDRESSES)
            return -EINVAL;
        peer->flow_labels[peer->count] = 0;
        peer->addresses[peer->count++] = address;
    }
    return 0;
}

/* ---- receiving ------------------------------------------------------------------------------- */

static uint16_t flags_of(const struct usctp_received *received, bool marks_end) {
    unsigned flags = marks_end ? USCTP_EOR : 0; /* erratum 6111 */
    if (received->flags & USCTP_MESSAGE_UNORDERED)
        flags |= SCTP_UNORDERED;
    if (received->flags & USCTP_MESSAGE_NOTIFICATION)
        flags |= SCTP_NOTIFICATION;
    return (uint16_t)flags;
}

void ancillary_fill_rcvinfo(const struct reading *r, struct sctp_rcvinfo *out) {
    memset(out, 0, sizeof *out);
    out->rcv_sid = r->received.sid;
    out->rcv_ssn = r->received.ssn;
    out->rcv_flags = flags_of(&r->received, r->marks_end);
    out->rcv_ppid = htonl(r->received.ppid);
    out->rcv_tsn = r->received.tsn;
    out->rcv_cumtsn = r->received.cumulative_tsn;
    out->rcv_context = r->context;
    out->rcv_assoc_id = r->assoc;
}

void ancillary_fill_nxtinfo(const struct reading *r, struct sctp_nxtinfo *out) {
    memset(out, 0, sizeof *out);
    out->nxt_sid = r->next.sid;
    out->nxt_flags = flags_of(&r->next, false);
    if (r->next.flags & USCTP_MESSAGE_END)
        out->nxt_flags |= USCTP_COMPLETE;
    out->nxt_ppid = htonl(r->next.ppid);
    out->nxt_length = r->next_bytes;
    out->nxt_assoc_id = r->assoc;
}

void ancillary_fill_sndrcvinfo(const struct reading *r, struct sctp_sndrcvinfo *out) {
    memset(out, 0, sizeof *out);
    out->sinfo_stream = r->received.sid;
    out->sinfo_ssn = r->received.ssn;
    out->sinfo_flags = flags_of(&r->received, r->marks_end);
    out->sinfo_ppid = htonl(r->received.ppid);
    out->sinfo_context = r->context;
    out->sinfo_tsn = r->received.tsn;
    out->sinfo_cumtsn = r->received.cumulative_tsn;
    out->sinfo_assoc_id = r->assoc;
}

void ancillary_fill_extrcvinfo(const struct reading *r, struct usctp_extrcvinfo *out) {
    memset(out, 0, sizeof *out);
    out->sinfo_stream = r->received.sid;
    out->sinfo_ssn = r->received.ssn;
    out->sinfo_flags = flags_of(&r->received, r->marks_end);
    out->sinfo_ppid = htonl(r->received.ppid);
    out->sinfo_context = r->context;
    out->sinfo_tsn = r->received.tsn;
    out->sinfo_cumtsn = r->received.cumulative_tsn;
    out->sinfo_assoc_id = r->assoc;
    /* RFC 6458 5.3.3: known only when this message has been read to its end. */
    if (!r->has_next || !(r->message_flags & MSG_EOR))
        return;
    out->serinfo_next_flags = USCTP_NEXT_MSG_AVAIL;
    if (r->next.flags & USCTP_MESSAGE_UNORDERED)
        out->serinfo_next_flags |= USCTP_NEXT_MSG_IS_UNORDERED;
    if (r->next.flags & USCTP_MESSAGE_NOTIFICATION)
        out->serinfo_next_flags |= USCTP_NEXT_MSG_IS_NOTIFICATION;
    if (r->next.flags & USCTP_MESSAGE_END)
        out->serinfo_next_flags |= USCTP_NEXT_MSG_ISCOMPLETE;
    out->serinfo_next_stream = r->next.sid;
    out->serinfo_next_aid = (uint32_t)r->assoc;
    out->serinfo_next_length = r->next_bytes;
    out->serinfo_next_ppid = htonl(r->next.ppid);
}

void ancillary_put(struct msghdr *message, size_t *used, int type, const void *data, size_t bytes) {
    if (!message->msg_control || message->msg_controllen < *used + CMSG_LEN(bytes)) {
        message->msg_flags |= MSG_CTRUNC;
        return;
    }
    uint8_t *at = (uint8_t *)message->msg_control + *used;
    struct cmsghdr header = {
        .cmsg_len = CMSG_LEN(bytes), .cmsg_level = IPPROTO_SCTP, .cmsg_type = type};
    size_t room = message->msg_controllen - *used;
    size_t space = CMSG_SPACE(bytes) < room ? CMSG_SPACE(bytes) : room;
    memset(at, 0, space);
    memcpy(at, &header, sizeof header);
    memcpy(at + CMSG_LEN(0), data, bytes);
    *used += space;
}
