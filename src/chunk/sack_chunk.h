/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The SACK chunk (RFC 9260 3.3.4).
 */
#ifndef CHUNK_SACK_CHUNK_H
#define CHUNK_SACK_CHUNK_H

#include "chunk/chunk.h"

#define SACK_FIXED_BYTES 12u /* after the chunk header */

struct sack_chunk {
    uint32_t cumulative_tsn, a_rwnd;
    uint16_t gap_count, duplicate_count;
    const uint8_t *gaps;       /* gap_count pairs of 16-bit offsets, network order */
    const uint8_t *duplicates; /* duplicate_count TSNs, network order */
};

/* One Gap Ack Block: offsets from the Cumulative TSN Ack, both ends included. */
struct sack_gap {
    uint16_t start, end;
};

/* Returns false when counts and length do not fit, or a block is out of order: start of 0, end
   below start, a start not beyond the end before it. */
bool sack_chunk_parse(const struct chunk *chunk, struct sack_chunk *out);
static inline struct sack_gap sack_chunk_gap(const struct sack_chunk *sack, uint32_t i) {
    return (struct sack_gap){get16(sack->gaps + 4 * i), get16(sack->gaps + 4 * i + 2)};
}

struct sack_content {
    uint32_t cumulative_tsn, a_rwnd;
    const struct sack_gap *gaps;
    uint16_t gap_count;
    const uint32_t *duplicates;
    uint16_t duplicate_count;
};
static inline size_t sack_chunk_size(uint32_t gaps, uint32_t duplicates) {
    return CHUNK_HEADER_BYTES + SACK_FIXED_BYTES + 4u * gaps + 4u * duplicates;
}
/* Writes it whole; the overflow flag says when it did not fit. */
void sack_chunk_write(struct writer *w, const struct sack_content *content);

#endif
