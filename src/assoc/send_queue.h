/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Messages that wait to be sent, and the order in which they go: first come, first served (RFC
 * 9260 6.6, 6.9).
 *
 * A bookkeeper. Fragments are cut when a packet is filled; SSNs are given when a message's first
 * fragment is cut. A message lives until its last fragment is acknowledged or given up: it counts
 * the transmit records that point at it.
 */
#ifndef ASSOC_SEND_QUEUE_H
#define ASSOC_SEND_QUEUE_H

#include "assoc/ssn_table.h"
#include <sys/queue.h>

struct outbound_message {
    STAILQ_ENTRY(outbound_message) link;
    uint32_t bytes;     /* payload */
    uint32_t cut_bytes; /* already in fragments */
    uint32_t acked_bytes;
    uint32_t references; /* transmit records, and one while it is queued */
    uint16_t sid, ssn;
    uint32_t ppid, context;
    uint32_t flags; /* enum usctp_message_flag */
    uint8_t path;   /* with USCTP_MESSAGE_TO_PATH */
    bool was_sent;
    uint8_t payload[];
};

struct send_queue {
    STAILQ_HEAD(outbound_messages, outbound_message) messages;
    uint64_t unsent_bytes;  /* payload not yet cut */
    uint64_t charged_bytes; /* payload of every message not yet freed: what the send buffer holds */
    uint32_t message_count; /* queued */
    struct ssn_table next_ssns;
};

void send_queue_init(struct send_queue *q);
void send_queue_free(
    struct send_queue *q,
    struct env *env); /* messages still referenced by records must be released first */
/* Copies a message in. Returns 0 or USCTP_ERR_NO_MEMORY. n slices of `bytes` in all, > 0. */
int send_queue_add(struct send_queue *q, const struct usctp_send *send,
                   const struct usctp_slice *slices, size_t n, struct env *env) USCTP_MUST_CHECK;
static inline struct outbound_message *send_queue_front(const struct send_queue *q) {
    return STAILQ_FIRST(&q->messages);
}
/* Makes the table of SSNs large enough for the front message; its `ssn` is then the one that it
 * has. Returns 0 or USCTP_ERR_NO_MEMORY. */
int send_queue_prepare(struct send_queue *q, struct env *env) USCTP_MUST_CHECK;
/*
 * Cuts `bytes` off the front message (send_queue_prepare was called): gives it its SSN at the first
 * cut and takes it off the queue at the last. The caller has added a reference for the record that
 * holds the fragment.
 */
void send_queue_cut(struct send_queue *q, uint32_t bytes, struct env *env);
void outbound_message_release(struct send_queue *q, struct outbound_message *message,
                              struct env *env);
/* Takes the first queued message out for a SEND_FAILED report; the caller releases it. NULL when
 * there is none. */
struct outbound_message *send_queue_pop(struct send_queue *q);
/* The same for the first one whose stream is `streams` or above (5.1.1: there are fewer than was
 * hoped for). Nothing of it may be cut. */
struct outbound_message *send_queue_pop_beyond(struct send_queue *q, uint32_t streams);
/* After a restart SSNs start at 0 again (5.2.4.1). */
void send_queue_reset_ssns(struct send_queue *q);

#endif
