/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The DATA chunk (RFC 9260 3.3.1).
 *
 * Whether its TSN, stream and fragment bits make sense is decided in src/assoc.
 */
#include "chunk/data_chunk.h"

#define FLAGS_DEFINED (DATA_FLAG_E | DATA_FLAG_B | DATA_FLAG_U | DATA_FLAG_I)

bool data_chunk_parse(const struct chunk *chunk, struct data_chunk *out) {
    if (chunk->length < DATA_HEADER_BYTES)
        return false;
    const uint8_t *value = chunk->value;
    *out = (struct data_chunk){
        .tsn = get32(value),
        .sid = get16(value + 4),
        .ssn = get16(value + 6),
        .ppid = get32(value + 8),
        .flags = chunk->flags & FLAGS_DEFINED, /* 3.3.1: the reserved bits are not minded */
        .payload = value + 12,
        .payload_bytes = (uint16_t)(chunk->length - DATA_HEADER_BYTES),
    };
    return true;
}

uint8_t *data_chunk_write(struct writer *w, const struct data_chunk *data) {
    size_t length = DATA_HEADER_BYTES + (size_t)data->payload_bytes;
    if (length > UINT16_MAX)
        w->overflow = true;
    uint8_t *p = writer_take(w, padded4(length));
    if (!p)
        return NULL;
    put32(p + padded4(length) - 4, 0); /* the padding; what is not is written over */
    p[0] = CHUNK_DATA;
    p[1] = data->flags & FLAGS_DEFINED;
    put16(p + 2, (uint16_t)length);
    put32(p + 4, data->tsn);
    put16(p + 8, data->sid);
    put16(p + 10, data->ssn);
    put32(p + 12, data->ppid);
    return p + DATA_HEADER_BYTES;
}
