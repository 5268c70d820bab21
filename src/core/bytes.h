/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Network byte order, a bounded writer, and the one strict cursor over type-length-value items.
 *
 * Every TLV of SCTP - chunk, parameter, error cause - is walked by tlv_next (RFC
 * 9260 3.2, 3.2.1, 3.3.10): an item is at least 4 bytes long, lies whole inside what is left, and
 * the step includes its padding, so that the walk always ends. What the types mean is in src/chunk.
 */
#ifndef CORE_BYTES_H
#define CORE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint16_t get16(const uint8_t *p) {
    return (uint16_t)((uint16_t)(p[0] << 8) | p[1]);
}
static inline uint32_t get32(const uint8_t *p) {
    return (uint32_t)get16(p) << 16 | get16(p + 2);
}
static inline uint64_t get64(const uint8_t *p) {
    return (uint64_t)get32(p) << 32 | get32(p + 4);
}
static inline void put16(uint8_t *p, uint16_t v) {
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}
static inline void put32(uint8_t *p, uint32_t v) {
    put16(p, (uint16_t)(v >> 16));
    put16(p + 2, (uint16_t)v);
}
static inline void put64(uint8_t *p, uint64_t v) {
    put32(p, (uint32_t)(v >> 32));
    put32(p + 4, (uint32_t)v);
}

/* Rounds up to a multiple of 4. */
static inline size_t padded4(size_t bytes) {
    return (bytes + 3u) & ~(size_t)3u;
}

/* Memory that is filled from the front. `overflow` is sticky: once set, nothing more is written. */
struct writer {
    uint8_t *start, *at, *end;
    bool overflow;
};

static inline struct writer writer_over(uint8_t *memory, size_t bytes) {
    return (struct writer){memory, memory, memory + bytes, false};
}
static inline size_t writer_used(const struct writer *w) {
    return (size_t)(w->at - w->start);
}
static inline size_t writer_room(const struct writer *w) {
    return (size_t)(w->end - w->at);
}
/* Returns where `bytes` may be written, or NULL. */
static inline uint8_t *writer_take(struct writer *w, size_t bytes) {
    if (w->overflow || writer_room(w) < bytes) {
        w->overflow = true;
        return NULL;
    }
    uint8_t *p = w->at;
    w->at += bytes;
    return p;
}
static inline void writer_put8(struct writer *w, uint8_t v) {
    uint8_t *p = writer_take(w, 1);
    if (p)
        *p = v;
}
static inline void writer_put16(struct writer *w, uint16_t v) {
    uint8_t *p = writer_take(w, 2);
    if (p)
        put16(p, v);
}
static inline void writer_put32(struct writer *w, uint32_t v) {
    uint8_t *p = writer_take(w, 4);
    if (p)
        put32(p, v);
}
static inline void writer_put64(struct writer *w, uint64_t v) {
    uint8_t *p = writer_take(w, 8);
    if (p)
        put64(p, v);
}
static inline void writer_put(struct writer *w, const void *data, size_t bytes) {
    uint8_t *p = writer_take(w, bytes);
    if (p && bytes > 0)
        memcpy(p, data, bytes);
}
/* Writes zeros up to a multiple of 4 from the start. */
static inline void writer_pad4(struct writer *w) {
    size_t used = writer_used(w);
    uint8_t *p = writer_take(w, padded4(used) - used);
    if (p)
        memset(p, 0, padded4(used) - used);
}

/* A type-length-value item, borrowed. For a chunk, `type` is Chunk Type << 8 | Chunk Flags. */
struct tlv {
    uint16_t type;
    uint16_t length;      /* as on the wire: header and value, no padding */
    const uint8_t *start; /* of the header */
    const uint8_t *value;
    uint16_t value_bytes;
};

struct tlv_cursor {
    const uint8_t *at, *end;
};

enum tlv_verdict { TLV_ITEM, TLV_END, TLV_MALFORMED };

static inline struct tlv_cursor tlv_over(const uint8_t *data, size_t bytes) {
    return (struct tlv_cursor){data, bytes ? data + bytes : data};
}
/*
 * Takes the next item. TLV_END: nothing, or fewer than 4 bytes of padding, is left. TLV_MALFORMED:
 * a length below 4 or beyond the end; the cursor stays and the walk must stop. The last item's
 * padding may be missing.
 */
static inline enum tlv_verdict tlv_next(struct tlv_cursor *c, struct tlv *item) {
    size_t left = (size_t)(c->end - c->at);
    if (left < 4)
        return TLV_END;
    uint16_t length = get16(c->at + 2);
    if (length < 4 || length > left)
        return TLV_MALFORMED;
    item->type = get16(c->at);
    item->length = length;
    item->start = c->at;
    item->value = c->at + 4;
    item->value_bytes = (uint16_t)(length - 4);
    size_t step = padded4(length);
    c->at += step < left ? step : left;
    return TLV_ITEM;
}

/* Compares without telling by its time where the first difference is. */
bool bytes_equal_constant_time(const uint8_t *a, const uint8_t *b, size_t bytes);

#endif
