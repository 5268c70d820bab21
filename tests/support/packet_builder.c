/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Writes SCTP packets by hand (RFC 9260 3.1, 3.2, 3.3 and appendix A); see packet_builder.h.
 */
#include "support/packet_builder.h"

#include <stdlib.h>
#include <string.h>

uint16_t load16(const uint8_t *p) {
    return (uint16_t)(p[0] * 256u + p[1]);
}

uint32_t load32(const uint8_t *p) {
    return (uint32_t)load16(p) * 65536u + load16(p + 2);
}

static void store16(uint8_t *p, unsigned value) {
    p[0] = (uint8_t)(value / 256u);
    p[1] = (uint8_t)(value % 256u);
}

/* RFC 9260 appendix A: polynomial 0x1EDC6F41, reflected, all ones before and complemented after. */
uint32_t crc32c_bitwise(const uint8_t *bytes, size_t count) {
    uint32_t crc = 0xffffffffu;
    for (size_t i = 0; i < count; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1u ? (crc >> 1) ^ 0x82f63b78u : crc >> 1;
    }
    return ~crc;
}

void builder_bytes(struct packet_builder *b, const void *bytes, size_t count) {
    if (b->used + count > sizeof b->bytes)
        abort(); /* a mistake of the test's */
    if (count > 0)
        memcpy(b->bytes + b->used, bytes, count);
    b->used += count;
}

void builder_fill(struct packet_builder *b, unsigned value, size_t count) {
    for (size_t i = 0; i < count; i++)
        builder_u8(b, value);
}

void builder_u8(struct packet_builder *b, unsigned value) {
    uint8_t byte = (uint8_t)value;
    builder_bytes(b, &byte, 1);
}

void builder_u16(struct packet_builder *b, unsigned value) {
    uint8_t two[2];
    store16(two, value);
    builder_bytes(b, two, 2);
}

void builder_u32(struct packet_builder *b, uint32_t value) {
    builder_u16(b, value >> 16);
    builder_u16(b, value & 0xffffu);
}

void builder_start(struct packet_builder *b, uint16_t source_port, uint16_t destination_port,
                   uint32_t tag) {
    b->used = b->chunk_at = b->param_at = 0;
    b->bad_checksum = false;
    builder_u16(b, source_port);
    builder_u16(b, destination_port);
    builder_u32(b, tag);
    builder_u32(b, 0);
}

static void pad4(struct packet_builder *b) {
    while (b->used % 4 != 0)
        builder_u8(b, 0);
}

/* The last parameter's padding is not counted in the chunk's length (3.2), so lengths are set
 * before padding. */
static void close_param(struct packet_builder *b) {
    if (b->param_at != 0)
        store16(b->bytes + b->param_at + 2, (unsigned)(b->used - b->param_at));
    b->param_at = 0;
}

static void close_chunk(struct packet_builder *b) {
    close_param(b);
    if (b->chunk_at != 0)
        store16(b->bytes + b->chunk_at + 2, (unsigned)(b->used - b->chunk_at));
    b->chunk_at = 0;
    pad4(b);
}

void builder_chunk(struct packet_builder *b, unsigned type, unsigned flags) {
    close_chunk(b);
    b->chunk_at = b->used;
    builder_u8(b, type);
    builder_u8(b, flags);
    builder_u16(b, 0);
}

void builder_param(struct packet_builder *b, unsigned type) {
    close_param(b);
    pad4(b);
    b->param_at = b->used;
    builder_u16(b, type);
    builder_u16(b, 0);
}

void builder_finish(struct packet_builder *b) {
    close_chunk(b);
    memset(b->bytes + 8, 0, 4);
    uint32_t crc = crc32c_bitwise(b->bytes, b->used);
    if (b->bad_checksum)
        crc ^= 0x01000000u;
    for (int i = 0; i < 4; i++) /* appendix A: the low byte first */
        b->bytes[8 + i] = (uint8_t)(crc >> (8 * i));
}

void builder_data_chunk(struct packet_builder *b, const struct builder_data *data,
                        const void *payload, size_t bytes) {
    builder_chunk(b, WIRE_DATA, data->bits);
    builder_u32(b, data->tsn);
    builder_u16(b, data->sid);
    builder_u16(b, data->ssn);
    builder_u32(b, data->ppid);
    builder_bytes(b, payload, bytes);
}

void builder_init_chunk(struct packet_builder *b, unsigned type, const struct builder_init *init) {
    builder_chunk(b, type, 0);
    builder_u32(b, init->tag);
    builder_u32(b, init->rwnd);
    builder_u16(b, init->os);
    builder_u16(b, init->mis);
    builder_u32(b, init->tsn);
}

void builder_sack(struct packet_builder *b, uint32_t cumulative, uint32_t rwnd, const char *gaps,
                  const uint32_t *dups, size_t dup_count) {
    builder_chunk(b, WIRE_SACK, 0);
    builder_u32(b, cumulative);
    builder_u32(b, rwnd);
    size_t count_at = b->used;
    builder_u16(b, 0);
    builder_u16(b, (unsigned)dup_count);
    unsigned count = 0;
    for (const char *at = gaps; at && *at;) {
        char *end;
        unsigned long start = strtoul(at, &end, 10);
        unsigned long stop = strtoul(end + 1, &end, 10);
        builder_u16(b, (unsigned)start);
        builder_u16(b, (unsigned)stop);
        count++;
        at = *end == ' ' ? end + 1 : end;
    }
    store16(b->bytes + count_at, count);
    for (size_t i = 0; i < dup_count; i++)
        builder_u32(b, dups[i]);
}

void builder_shutdown(struct packet_builder *b, uint32_t cumulative) {
    builder_chunk(b, WIRE_SHUTDOWN, 0);
    builder_u32(b, cumulative);
}
