/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Chunks in general (RFC 9260 3.2): types, flags, the walk over a packet's chunks, and what to do
 * with unknown ones.
 *
 * Each family of chunks has its file: init_chunk, data_chunk, sack_chunk, and control_chunk for
 * those that are little more than a header. Parameters are in param.h, error causes in cause.h, the
 * common header in packet.h.
 */
#ifndef CHUNK_CHUNK_H
#define CHUNK_CHUNK_H

#include "core/bytes.h"

enum chunk_type {
    CHUNK_DATA = 0,
    CHUNK_INIT = 1,
    CHUNK_INIT_ACK = 2,
    CHUNK_SACK = 3,
    CHUNK_HEARTBEAT = 4,
    CHUNK_HEARTBEAT_ACK = 5,
    CHUNK_ABORT = 6,
    CHUNK_SHUTDOWN = 7,
    CHUNK_SHUTDOWN_ACK = 8,
    CHUNK_ERROR = 9,
    CHUNK_COOKIE_ECHO = 10,
    CHUNK_COOKIE_ACK = 11,
    CHUNK_ECNE = 12,
    CHUNK_CWR = 13,
    CHUNK_SHUTDOWN_COMPLETE = 14,
    CHUNK_KNOWN_COUNT = 15, /* one more than the last type of RFC 9260 */
    CHUNK_PAD = 0x84,       /* RFC 4820; received, its two highest bits have it skipped */
};

#define CHUNK_HEADER_BYTES 4u
#define CHUNK_FLAG_T                                                                               \
    0x01u /* ABORT, SHUTDOWN COMPLETE: the tag is the receiver's peer's (8.5.1)                    \
           */

struct chunk {
    uint8_t type, flags;
    uint16_t length; /* header and value, no padding */
    const uint8_t *start, *value;
    uint16_t value_bytes;
};

/* Takes the next chunk of a walk that began with tlv_over after the common header. */
static inline enum tlv_verdict chunk_next(struct tlv_cursor *cursor, struct chunk *chunk) {
    struct tlv item;
    enum tlv_verdict verdict = tlv_next(cursor, &item);
    if (verdict != TLV_ITEM)
        return verdict;
    *chunk = (struct chunk){
        .type = (uint8_t)(item.type >> 8),
        .flags = (uint8_t)item.type,
        .length = item.length,
        .start = item.start,
        .value = item.value,
        .value_bytes = item.value_bytes,
    };
    return TLV_ITEM;
}

/* What the two highest bits of an unknown type ask for (3.2). */
static inline bool chunk_unknown_is_skipped(uint8_t type) {
    return (type & 0x80u) != 0;
}
static inline bool chunk_unknown_is_reported(uint8_t type) {
    return (type & 0x40u) != 0;
}

/* Looks a packet over before anything is done with it: 8.4 and 8.5 decide on this alone. */
struct chunk_summary {
    uint32_t count; /* chunks that are whole */
    uint8_t first_type;
    uint8_t first_flags;
    bool malformed; /* the walk stopped at an impossible length */
    bool has_init, has_init_ack, has_abort, has_shutdown_ack, has_shutdown_complete,
        has_cookie_echo, has_cookie_ack;
    bool has_stale_cookie_error;               /* an ERROR chunk with a Stale Cookie cause */
    bool abort_has_t, shutdown_complete_has_t; /* of the first of each */
    struct chunk first;                        /* when count > 0 */
};

/* `chunks` points behind the common header; *summary is all zero. */
void chunk_look_over(const uint8_t *chunks, size_t bytes, struct chunk_summary *summary);
static inline struct chunk_summary chunk_summarize(const uint8_t *chunks, size_t bytes) {
    struct chunk_summary summary = {0};
    chunk_look_over(chunks, bytes, &summary);
    return summary;
}

/* Writes a chunk's header; chunk_end puts the length and pads. Returns where the header is, or NULL
 * when there is no room. */
uint8_t *chunk_begin(struct writer *w, uint8_t type, uint8_t flags);
void chunk_end(struct writer *w, uint8_t *header);
const char *chunk_name(uint8_t type);

#endif
