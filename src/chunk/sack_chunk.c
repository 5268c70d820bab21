/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The SACK chunk (RFC 9260 3.3.4).
 *
 * What it acknowledges, and whether it may, is decided in src/assoc.
 */
#include "chunk/sack_chunk.h"

static bool gaps_are_in_order(const struct sack_chunk *sack) {
    uint32_t previous_end = 0;
    for (uint32_t i = 0; i < sack->gap_count; i++) {
        struct sack_gap gap = sack_chunk_gap(sack, i);
        if (gap.start <= previous_end || gap.end < gap.start)
            return false;
        previous_end = gap.end;
    }
    return true;
}

bool sack_chunk_parse(const struct chunk *chunk, struct sack_chunk *out) {
    *out = (struct sack_chunk){0};
    if (chunk->value_bytes < SACK_FIXED_BYTES)
        return false;
    out->cumulative_tsn = get32(chunk->value);
    out->a_rwnd = get32(chunk->value + 4);
    out->gap_count = get16(chunk->value + 8);
    out->duplicate_count = get16(chunk->value + 10);
    if (sack_chunk_size(out->gap_count, out->duplicate_count) != chunk->length)
        return false;
    out->gaps = chunk->value + SACK_FIXED_BYTES;
    out->duplicates = out->gaps + 4 * (size_t)out->gap_count;
    return gaps_are_in_order(out);
}

void sack_chunk_write(struct writer *w, const struct sack_content *content) {
    uint8_t *header = chunk_begin(w, CHUNK_SACK, 0);
    writer_put32(w, content->cumulative_tsn);
    writer_put32(w, content->a_rwnd);
    writer_put16(w, content->gap_count);
    writer_put16(w, content->duplicate_count);
    for (uint32_t i = 0; i < content->gap_count; i++) {
        writer_put16(w, content->gaps[i].start);
        writer_put16(w, content->gaps[i].end);
    }
    for (uint32_t i = 0; i < content->duplicate_count; i++) {
        writer_put32(w, content->duplicates[i]);
    }
    chunk_end(w, header);
}
