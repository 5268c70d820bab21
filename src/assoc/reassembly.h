/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From DATA chunks to messages (RFC 9260 6.5, 6.6, 6.9): fragments are joined, ordered messages
 * wait for their SSN, and what is complete goes to the receive queue. A message too large to wait
 * for is delivered in pieces (partial delivery, 6.9, RFC 6458 8.1.21).
 *
 * A bookkeeper: it does not see the association. TSNs are unwrapped (received_tsn.h). Fragments of
 * one message have consecutive TSNs, so runs of consecutive fragments are found by the TSN before
 * their first and after their last one.
 */
#ifndef ASSOC_REASSEMBLY_H
#define ASSOC_REASSEMBLY_H

#include "assoc/received_tsn.h"
#include "assoc/ssn_table.h"
#include "chunk/data_chunk.h"
#include "core/hash.h"
#include <sys/queue.h>

/* One DATA chunk's payload. Charged to the association: payload_bytes and sizeof(struct fragment).
 */
struct fragment {
    STAILQ_ENTRY(fragment) link;
    uint64_t tsn;
    uint32_t ppid;
    uint16_t payload_bytes;
    uint8_t flags; /* enum data_flag */
    uint8_t path;
    uint8_t payload[];
};
STAILQ_HEAD(fragments, fragment);

struct inbound_message;

/* A place in the receive queue (receive_queue.h), embedded so that handing a message up cannot
 * fail. */
struct receive_item {
    STAILQ_ENTRY(receive_item) link;
    struct inbound_message *message; /* or NULL: a notification */
};

/* A message, or what there is of it. */
struct inbound_message {
    STAILQ_ENTRY(inbound_message)
    link; /* in a list of deliverable ones */
    struct receive_item item;
    struct hash_node by_start, by_end; /* while it is a run in reassembly; by_start: or waits */
    struct fragments fragments;        /* consecutive TSNs */
    uint64_t start,
        end; /* TSNs [start, end) that were joined so far, also when partly read already */
    uint32_t payload_bytes, fragment_count; /* of the fragments held */
    uint16_t sid, ssn;
    uint32_t ppid;
    uint8_t path;
    bool is_unordered, has_begin, has_end;
    bool is_partial;     /* in the receive queue before its end has come */
    uint32_t read_bytes; /* of the first fragment: receive_queue.c */
    bool was_read;       /* a part has been given to the user */
};
STAILQ_HEAD(inbound_messages, inbound_message);

/* A stream of which ordered messages are held. */
struct held_stream {
    struct hash_node by_sid;
    uint64_t bytes; /* payload and overhead of its runs and of what waits */
    uint16_t sid;
};

/* There while something came lately. */
struct held {
    struct hash runs_by_start, runs_by_end; /* incomplete runs */
    struct hash waiting;                    /* complete messages whose SSN is not yet next */
    struct hash streams;
    uint64_t hash_key; /* peers choose TSNs, streams and SSNs */
    struct held_stream *spare_stream;
    struct inbound_message *spare;          /* for a run that the next fragment may begin */
    uint64_t payload_bytes, overhead_bytes; /* runs and waiting messages */
};

struct reassembly {
    struct held *held; /* or NULL */
    struct ssn_table next_ssns;
    struct inbound_message
        *partial; /* the message under partial delivery, owned by the receive queue until its end */
};

enum reassembly_verdict {
    REASSEMBLY_OK,
    REASSEMBLY_NO_MEMORY, /* nothing has changed */
    REASSEMBLY_VIOLATION, /* fragments that contradict each other: the association is to be aborted
                             (hostile B, E, SSN, U, SID) */
};

/* All zero is an empty one. Gives back what an association that receives nothing needs not have. */
void reassembly_trim(struct reassembly *r, struct env *env);
/* It is empty then, and may be used again. */
void reassembly_free(struct reassembly *r, struct env *env);

/*
 * Copies a chunk into a fragment and makes every allocation that adding it may need. Returns NULL
 * when memory is short. Give the result to reassembly_add or reassembly_discard.
 */
struct fragment *reassembly_prepare(struct reassembly *r, const struct data_chunk *data,
                                    uint64_t tsn, uint8_t path, struct env *env);
void reassembly_discard(struct fragment *fragment, struct env *env);
/*
 * Adds the fragment of `data`. received: what has arrived, this TSN may be among it.
 *
 * Messages that became deliverable are appended to *deliverable, ordered ones in the order
 * of their SSNs; a piece of the message under partial delivery is appended to that message, and so
 * is what had waited behind it: `partial` has more payload_bytes and a higher fragment_count then
 * (receive_queue_on_growth), and with the message's end r->partial is NULL again. The fragment is
 * taken in any case but NO_MEMORY, where it is the caller's still; right after reassembly_prepare
 * that does not happen.
 */
enum reassembly_verdict reassembly_add(struct reassembly *r, struct fragment *fragment,
                                       const struct data_chunk *data,
                                       const struct received_tsn *received,
                                       struct inbound_messages *deliverable, struct env *env);
/* A chunk that is no part of a message, as of a stream that does not exist (6.5): no message may go
 * on over its TSN. */
enum reassembly_verdict reassembly_add_none(const struct reassembly *r, uint64_t tsn,
                                            const struct received_tsn *received);
/*
 * Starts partial delivery of the incomplete message that holds TSN `cumulative`, if it has its
 * beginning, is next in its stream and has at least `bytes` of payload. Returns it (to be appended
 * to the receive queue) or NULL.
 */
struct inbound_message *reassembly_start_partial(struct reassembly *r, uint64_t cumulative,
                                                 uint32_t bytes, struct env *env);
/* Frees a message and its fragments. */
void inbound_message_delete(struct inbound_message *message, struct env *env);
/* Bytes charged for a message beyond its payload. */
uint32_t inbound_message_overhead(const struct inbound_message *message);
/* Payload and overhead that is held here of one stream's ordered messages. */
uint64_t reassembly_stream_bytes(const struct reassembly *r, uint16_t sid);
/* Incomplete messages. */
static inline size_t reassembly_run_count(const struct reassembly *r) {
    return r->held ? r->held->runs_by_start.count : 0;
}
/* What is held here: runs and waiting messages. */
static inline uint64_t reassembly_payload_bytes(const struct reassembly *r) {
    return r->held ? r->held->payload_bytes : 0;
}
static inline uint64_t reassembly_overhead_bytes(const struct reassembly *r) {
    return r->held ? r->held->overhead_bytes : 0;
}
bool reassembly_check(const struct reassembly *r);

#endif
