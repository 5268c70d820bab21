/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Chunks with at most one field of their own (RFC 9260 3.3.5 to 3.3.13).
 *
 * The error causes inside ERROR and ABORT are cause.c's; the State Cookie's content is src/assoc's.
 */
#include "chunk/control_chunk.h"

#include "chunk/param.h"

void control_chunk_write(struct writer *w, uint8_t type, uint8_t flags, const void *value,
                         size_t bytes) {
    uint8_t *header = chunk_begin(w, type, flags);
    writer_put(w, value, bytes);
    chunk_end(w, header);
}

void control_chunk_write_shutdown(struct writer *w, uint32_t cumulative_tsn) {
    uint8_t value[4];
    put32(value, cumulative_tsn);
    control_chunk_write(w, CHUNK_SHUTDOWN, 0, value, sizeof value);
}

void control_chunk_write_pad(struct writer *w, uint16_t bytes) {
    uint8_t *header = chunk_begin(w, CHUNK_PAD, 0);
    uint8_t *padding = writer_take(w, bytes - CHUNK_HEADER_BYTES);
    if (padding)
        memset(padding, 0, bytes - CHUNK_HEADER_BYTES);
    chunk_end(w, header);
}

void control_chunk_write_heartbeat(struct writer *w, const void *info, size_t bytes) {
    uint8_t *header = chunk_begin(w, CHUNK_HEARTBEAT, 0);
    param_write(w, PARAM_HEARTBEAT_INFO, info, bytes);
    chunk_end(w, header);
}

bool control_chunk_parse_shutdown(const struct chunk *chunk, uint32_t *cumulative_tsn) {
    if (chunk->length != 8)
        return false;
    *cumulative_tsn = get32(chunk->value);
    return true;
}

bool control_chunk_parse_heartbeat(const struct chunk *chunk, const uint8_t **info,
                                   uint16_t *bytes) {
    struct tlv_cursor cursor = tlv_over(chunk->value, chunk->value_bytes);
    struct tlv item;
    while (tlv_next(&cursor, &item) == TLV_ITEM) {
        if (item.type == PARAM_HEARTBEAT_INFO) {
            *info = item.value;
            *bytes = item.value_bytes;
            return true;
        }
        /* RFC 9260 3.2.1: the type says whether to look behind a parameter that is not known. */
        if (!param_unknown_is_skipped(item.type))
            return false;
    }
    return false;
}
