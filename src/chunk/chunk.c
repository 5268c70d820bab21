/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What all chunks share (RFC 9260 3.2): the walk, the look over a whole packet, and writing a
 * header whose length is known only at the end.
 *
 * The fields of each chunk are in the family's file; what chunks do to an association is in
 * src/assoc.
 */
#include "chunk/chunk.h"

#include "chunk/cause.h"

static bool has_cause(const struct chunk *chunk, uint16_t code) {
    struct tlv_cursor cursor = tlv_over(chunk->value, chunk->value_bytes);
    struct tlv cause;
    while (tlv_next(&cursor, &cause) == TLV_ITEM) {
        if (cause.type == code)
            return true;
    }
    return false;
}

/* One chunk's part of the summary. */
static void note(struct chunk_summary *summary, const struct chunk *chunk) {
    switch (chunk->type) {
    case CHUNK_INIT:
        summary->has_init = true;
        break;
    case CHUNK_INIT_ACK:
        summary->has_init_ack = true;
        break;
    case CHUNK_ABORT:
        if (!summary->has_abort)
            summary->abort_has_t = (chunk->flags & CHUNK_FLAG_T) != 0;
        summary->has_abort = true;
        break;
    case CHUNK_SHUTDOWN_ACK:
        summary->has_shutdown_ack = true;
        break;
    case CHUNK_ERROR:
        if (has_cause(chunk, CAUSE_STALE_COOKIE))
            summary->has_stale_cookie_error = true;
        break;
    case CHUNK_COOKIE_ECHO:
        summary->has_cookie_echo = true;
        break;
    case CHUNK_COOKIE_ACK:
        summary->has_cookie_ack = true;
        break;
    case CHUNK_SHUTDOWN_COMPLETE:
        if (!summary->has_shutdown_complete) {
            summary->shutdown_complete_has_t = (chunk->flags & CHUNK_FLAG_T) != 0;
        }
        summary->has_shutdown_complete = true;
        break;
    default:
        break;
    }
}

void chunk_look_over(const uint8_t *chunks, size_t bytes, struct chunk_summary *summary) {
    struct tlv_cursor cursor = tlv_over(chunks, bytes);
    struct chunk chunk;
    enum tlv_verdict verdict;
    while ((verdict = chunk_next(&cursor, &chunk)) == TLV_ITEM) {
        if (summary->count == 0) {
            summary->first = chunk;
            summary->first_type = chunk.type;
            summary->first_flags = chunk.flags;
        }
        summary->count++;
        note(summary, &chunk);
    }
    summary->malformed = verdict == TLV_MALFORMED;
}

uint8_t *chunk_begin(struct writer *w, uint8_t type, uint8_t flags) {
    uint8_t *header = writer_take(w, CHUNK_HEADER_BYTES);
    if (!header)
        return NULL;
    header[0] = type;
    header[1] = flags;
    put16(header + 2, CHUNK_HEADER_BYTES);
    return header;
}

/* Where a chunk's parameters or error causes begin, from its header; 0 for one that has none. */
static size_t items_offset(uint8_t type) {
    switch (type) {
    case CHUNK_INIT:
    case CHUNK_INIT_ACK:
        return 20; /* tag, a_rwnd, streams, initial TSN before them */
    case CHUNK_HEARTBEAT:
    case CHUNK_HEARTBEAT_ACK:
    case CHUNK_ABORT:
    case CHUNK_ERROR:
        return CHUNK_HEADER_BYTES;
    default:
        return 0;
    }
}

/* The chunk's length without the padding of its last parameter or cause. */
static size_t length_to_write(const uint8_t *header, size_t bytes) {
    size_t offset = items_offset(header[0]);
    if (offset == 0 || bytes < offset)
        return bytes;
    struct tlv_cursor cursor = tlv_over(header + offset, bytes - offset);
    struct tlv item;
    size_t end = bytes;
    enum tlv_verdict verdict;
    while ((verdict = tlv_next(&cursor, &item)) == TLV_ITEM) {
        end = (size_t)(item.start - header) + item.length;
    }
    return verdict == TLV_END && bytes - end < 4 ? end : bytes;
}

void chunk_end(struct writer *w, uint8_t *header) {
    if (!header || w->overflow)
        return;
    size_t written = (size_t)(w->at - header);
    /* RFC 9260 3.2: the length counts the padding between parameters, not the last one's. */
    size_t length = length_to_write(header, written);
    if (length > UINT16_MAX) {
        w->overflow = true;
        return;
    }
    put16(header + 2, (uint16_t)length);
    size_t padding = padded4(written) - written;
    uint8_t *p = writer_take(w, padding);
    if (p)
        memset(p, 0, padding);
}

const char *chunk_name(uint8_t type) {
    static const char *const names[CHUNK_KNOWN_COUNT] = {
        [CHUNK_DATA] = "DATA",
        [CHUNK_INIT] = "INIT",
        [CHUNK_INIT_ACK] = "INIT ACK",
        [CHUNK_SACK] = "SACK",
        [CHUNK_HEARTBEAT] = "HEARTBEAT",
        [CHUNK_HEARTBEAT_ACK] = "HEARTBEAT ACK",
        [CHUNK_ABORT] = "ABORT",
        [CHUNK_SHUTDOWN] = "SHUTDOWN",
        [CHUNK_SHUTDOWN_ACK] = "SHUTDOWN ACK",
        [CHUNK_ERROR] = "ERROR",
        [CHUNK_COOKIE_ECHO] = "COOKIE ECHO",
        [CHUNK_COOKIE_ACK] = "COOKIE ACK",
        [CHUNK_ECNE] = "ECNE",
        [CHUNK_CWR] = "CWR",
        [CHUNK_SHUTDOWN_COMPLETE] = "SHUTDOWN COMPLETE",
    };
    return type < CHUNK_KNOWN_COUNT ? names[type] : "unknown chunk";
}
