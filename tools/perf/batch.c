/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Several messages in one call.  A message each has its room, its ancillary data and its part of
 * the array that the call takes.
 */
#define _GNU_SOURCE /* struct mmsghdr */
#include "perf/batch.h"

#include "common/report.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

union ancillary {
    struct cmsghdr align;
    unsigned char sending[CMSG_SPACE(sizeof(struct sctp_sndinfo))];
    unsigned char receiving[CMSG_SPACE(sizeof(struct sctp_rcvinfo))];
};

struct slot {
    struct iovec part;
    union ancillary ancillary;
};

struct batch {
    unsigned most, count, next; /* received: how many, and how many of them were given */
    size_t room_bytes;
    unsigned char *rooms;
    struct mmsghdr *messages;
    struct slot *slots;
};

struct batch *batch_new(unsigned messages, size_t bytes) {
    struct batch *batch = calloc(1, sizeof *batch);
    if (batch != NULL) {
        batch->most = messages;
        batch->room_bytes = bytes;
        batch->rooms = calloc(messages, bytes);
        batch->messages = calloc(messages, sizeof *batch->messages);
        batch->slots = calloc(messages, sizeof *batch->slots);
    }
    if (batch == NULL || batch->rooms == NULL || batch->messages == NULL || batch->slots == NULL)
        report_die(REPORT_FAILED, "out of memory");
    return batch;
}

void batch_free(struct batch *batch) {
    free(batch->rooms);
    free(batch->messages);
    free(batch->slots);
    free(batch);
}

/* The array for a call. */
static void prepare(struct batch *batch, size_t bytes, size_t ancillary_bytes) {
    for (unsigned i = 0; i < batch->most; i++) {
        struct slot *slot = &batch->slots[i];
        slot->part =
            (struct iovec){.iov_base = batch->rooms + i * batch->room_bytes, .iov_len = bytes};
        batch->messages[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &slot->part,
                                                          .msg_iovlen = 1,
                                                          .msg_control = &slot->ancillary,
                                                          .msg_controllen = ancillary_bytes}};
    }
}

/* ---- receiving ------------------------------------------------------------------------------- */

void batch_forget(struct batch *batch) {
    batch->next = batch->count = 0;
}

static int receive_more(struct batch *batch, int sd) {
    prepare(batch, batch->room_bytes, sizeof batch->slots[0].ancillary.receiving);
    batch_forget(batch);
    int count = usctp_recvmmsg(sd, batch->messages, batch->most, MSG_WAITFORONE, NULL);
    if (count > 0)
        batch->count = (unsigned)count;
    return count;
}

ssize_t batch_receive(struct batch *batch, struct link *link, int sd, const void **data,
                      struct link_piece *piece) {
    struct sctp_rcvinfo info;
    *data = batch->rooms;
    if (batch->most == 1)
        return link_receive(link, sd, batch->rooms, batch->room_bytes, piece);
    if (batch->next == batch->count && receive_more(batch, sd) < 0)
        return -1;
    const struct slot *slot = &batch->slots[batch->next];
    struct mmsghdr *message = &batch->messages[batch->next++];
    struct cmsghdr *header = CMSG_FIRSTHDR(&message->msg_hdr);
    bool has_info = header != NULL && header->cmsg_type == SCTP_RCVINFO;
    if (has_info)
        memcpy(&info, CMSG_DATA(header), sizeof info);
    *data = slot->part.iov_base;
    link_describe(link, *data, message->msg_len, message->msg_hdr.msg_flags,
                  has_info ? &info : NULL, piece);
    return (ssize_t)message->msg_len;
}

/* ---- sending --------------------------------------------------------------------------------- */

int batch_send(struct batch *batch, int sd, size_t bytes, unsigned sid, unsigned streams) {
    if (batch->most == 1)
        return link_send(sd, batch->rooms, bytes, (uint16_t)sid, 0) >= 0 ? 1 : -1;
    bool is_default = streams == 1; /* stream 0, PPID 0: nothing to be told */
    prepare(batch, bytes, is_default ? 0 : sizeof batch->slots[0].ancillary.sending);
    for (unsigned i = 0; i < batch->most && !is_default; i++) {
        struct sctp_sndinfo info;
        struct cmsghdr *header = CMSG_FIRSTHDR(&batch->messages[i].msg_hdr);
        memset(&info, 0, sizeof info);
        info.snd_sid = (uint16_t)((sid + i) % streams);
        header->cmsg_level = IPPROTO_SCTP;
        header->cmsg_type = SCTP_SNDINFO;
        header->cmsg_len = CMSG_LEN(sizeof info);
        memcpy(CMSG_DATA(header), &info, sizeof info);
    }
    return usctp_sendmmsg(sd, batch->messages, batch->most, MSG_NOSIGNAL);
}
