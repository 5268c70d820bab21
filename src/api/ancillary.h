/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ancillary data of sendmsg() and recvmsg() in Linux's layout (RFC 6458 5.3).
 */
#ifndef API_ANCILLARY_H
#define API_ANCILLARY_H

#include "api/reading.h"
#include "api/sockaddr.h"

/* What a send carries besides its bytes. */
struct send_info {
    bool has_info;       /* sid to assoc are given; else the association's defaults hold */
    uint16_t sid, flags; /* enum sctp_sinfo_flags */
    uint32_t ppid;       /* as the application gave it */
    uint32_t context;
    sctp_assoc_t assoc;
    bool has_init;
    struct sctp_initmsg init;
};

void ancillary_take_sndinfo(struct send_info *info, const struct sctp_sndinfo *given);
/* Returns -EOPNOTSUPP for a time to live. */
int ancillary_take_sndrcvinfo(struct send_info *info, const struct sctp_sndrcvinfo *given);
/* Reads the control messages of a send. Returns 0, -EINVAL, or -EOPNOTSUPP for an extension that is
 * not built. */
int ancillary_read(const struct msghdr *message, struct send_info *info);
/* Adds the peer's further addresses that a send to a new peer may name (5.3.9, 5.3.10). Returns 0
 * or -EINVAL. */
int ancillary_read_addresses(const struct msghdr *message, const struct socket *s,
                             struct address_list *peer);
/* Checks the flags of a send. Returns 0, -EINVAL, -EOPNOTSUPP. */
int ancillary_check_flags(uint16_t flags);

void ancillary_fill_rcvinfo(const struct reading *r, struct sctp_rcvinfo *out);
void ancillary_fill_nxtinfo(const struct reading *r, struct sctp_nxtinfo *out);
void ancillary_fill_sndrcvinfo(const struct reading *r, struct sctp_sndrcvinfo *out);
void ancillary_fill_extrcvinfo(const struct reading *r, struct usctp_extrcvinfo *out);
/* Appends a control message to a receive; sets MSG_CTRUNC when there is no room. *used: bytes of
 * msg_control so far. */
void ancillary_put(struct msghdr *message, size_t *used, int type, const void *data, size_t bytes);

#endif
