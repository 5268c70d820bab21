/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What waits for the user, in order: messages, whole or under partial delivery, and notifications
 * between them (RFC 6458 6).
 *
 * A bookkeeper. A message under partial delivery stays at the head until its end has been read;
 * nothing overtakes it, unless the reader asks for other streams' messages meanwhile.
 */
#ifndef ASSOC_RECEIVE_QUEUE_H
#define ASSOC_RECEIVE_QUEUE_H

#include "assoc/reassembly.h"

/* A notification in the queue; its data follow the struct. */
struct notification_item {
    struct receive_item item;
    struct usctp_notification notification;
    size_t bytes; /* of this allocation */
};

struct receive_queue {
    STAILQ_HEAD(, receive_item) items;
    uint32_t message_count, notification_count;
    uint64_t payload_bytes, overhead_bytes;      /* of the messages held, not yet read */
    struct notification_item *last_notification; /* handed out, freed by the next call */
};

void receive_queue_init(struct receive_queue *q);
void receive_queue_free(struct receive_queue *q, struct env *env);
/* Appends a message; it is the queue's from then on. */
void receive_queue_add(struct receive_queue *q, struct inbound_message *message);
/* A message in the queue (partial delivery) has grown: its payload_bytes has risen by payload_bytes
 * in `fragments` fragments. */
void receive_queue_on_growth(struct receive_queue *q, uint32_t payload_bytes, uint32_t fragments);
/* Queues a notification; its data are copied. Returns 0, USCTP_ERR_NO_MEMORY or USCTP_ERR_LIMIT
 * (max). */
int receive_queue_notify(struct receive_queue *q, const struct usctp_notification *notification,
                         uint32_t max, struct env *env) USCTP_MUST_CHECK;
/* The same ahead of everything else: it tells what became of the message that was being read. */
int receive_queue_notify_first(struct receive_queue *q,
                               const struct usctp_notification *notification,
                               struct env *env) USCTP_MUST_CHECK;
/* True when receive_queue_read would give something without INTERLEAVE. */
bool receive_queue_is_readable(const struct receive_queue *q);
/*
 * Reads as usctp_assoc_receive says, but for cumulative_tsn and source. *finished_partial is set
 * when the end of a message under partial delivery was read. Returns bytes or USCTP_ERR_AGAIN.
 */
int64_t receive_queue_read(struct receive_queue *q, struct usctp_received *received,
                           const struct usctp_slice *slices, size_t n, uint32_t in_flags,
                           struct env *env);
int64_t receive_queue_peek_next(const struct receive_queue *q, struct usctp_received *received);
/* Takes an incomplete message that will get no more (the peer went, or restarted) out; returns
 * whether part of it had been read. */
bool receive_queue_abort_partial(struct receive_queue *q, struct inbound_message *partial,
                                 struct env *env);

#endif
