/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every parser of src/chunk over any bytes: the input is what follows a common header. A parser may
 * refuse; it may not read outside, loop, or hand out a field that lies outside the chunk.
 */
#include "chunk/cause.h"
#include "chunk/control_chunk.h"
#include "chunk/data_chunk.h"
#include "chunk/init_chunk.h"
#include "chunk/sack_chunk.h"
#include "core/env.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require_inside(const struct chunk *chunk, const uint8_t *start, size_t bytes) {
    ASSERT(start >= chunk->value && start + bytes <= chunk->value + chunk->value_bytes);
}

static void parse_init(const struct chunk *chunk) {
    struct init_chunk init;
    if (init_chunk_parse(chunk, &init) != INIT_OK)
        return;
    ASSERT(init.tag != 0 && init.address_count <= USCTP_MAX_ADDRESSES);
    ASSERT(init.outbound_streams > 0 && init.inbound_streams > 0 && init.a_rwnd >= 1500);
    if (init.cookie)
        require_inside(chunk, init.cookie, init.cookie_bytes);
    for (uint32_t i = 0; i < init.unknown_count; i++)
        require_inside(chunk, init.unknown[i].start, init.unknown[i].length);
}

static void parse_causes(const struct chunk *chunk) {
    struct tlv_cursor cursor = tlv_over(chunk->value, chunk->value_bytes);
    struct tlv item;
    uint32_t staleness_us;
    while (tlv_next(&cursor, &item) == TLV_ITEM) {
        require_inside(chunk, item.value, item.value_bytes);
        (void)cause_parse_stale_cookie(&item, &staleness_us);
    }
    (void)cause_first_code(chunk->value, chunk->value_bytes);
}

static void parse(const struct chunk *chunk) {
    struct data_chunk payload;
    struct sack_chunk sack;
    const uint8_t *info;
    uint16_t bytes;
    uint32_t tsn;
    parse_init(chunk);
    parse_causes(chunk);
    if (data_chunk_parse(chunk, &payload))
        require_inside(chunk, payload.payload, payload.payload_bytes);
    if (sack_chunk_parse(chunk, &sack)) {
        require_inside(chunk, sack.gaps, 4u * sack.gap_count);
        require_inside(chunk, sack.duplicates, 4u * sack.duplicate_count);
        for (uint32_t i = 0; i < sack.gap_count; i++)
            ASSERT(sack_chunk_gap(&sack, i).start <= sack_chunk_gap(&sack, i).end);
    }
    if (control_chunk_parse_heartbeat(chunk, &info, &bytes))
        require_inside(chunk, info, bytes);
    (void)control_chunk_parse_shutdown(chunk, &tsn);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct tlv_cursor cursor = tlv_over(data, size);
    struct chunk chunk;
    uint32_t count = 0;
    struct chunk_summary summary = chunk_summarize(data, size);
    for (; chunk_next(&cursor, &chunk) == TLV_ITEM; count++)
        parse(&chunk);
    ASSERT(count == summary.count);
    return 0;
}
