/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The DATA chunk (RFC 9260 3.3.1).
 */
#ifndef CHUNK_DATA_CHUNK_H
#define CHUNK_DATA_CHUNK_H

#include "chunk/chunk.h"

#define DATA_HEADER_BYTES 16u

enum data_flag { DATA_FLAG_E = 1, DATA_FLAG_B = 2, DATA_FLAG_U = 4, DATA_FLAG_I = 8 };

struct data_chunk {
    uint32_t tsn, ppid; /* ppid: in the byte order that the wire has when read by get32 */
    uint16_t sid, ssn;
    uint8_t flags; /* enum data_flag */
    const uint8_t *payload;
    uint16_t payload_bytes; /* 0 is for the caller to refuse (6.2: No User Data) */
};

/* Returns false when the chunk is too short for its fields. */
bool data_chunk_parse(const struct chunk *chunk, struct data_chunk *out);
/* Writes the header of a chunk of payload_bytes and returns where they go, or NULL when it does not
   fit; padding is zeroed. data->payload is not read. */
uint8_t *data_chunk_write(struct writer *w, const struct data_chunk *data);

#endif
