/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reads SCTP packets strictly and prints their chunks (RFC 9260 3); see packet_reader.h.
 */
#include "support/packet_reader.h"
#include "support/packet_builder.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *reader_chunk_name(unsigned type) {
    static const char *const names[] = {
        "DATA",          "INIT",       "INIT_ACK", "SACK",         "HEARTBEAT",
        "HEARTBEAT_ACK", "ABORT",      "SHUTDOWN", "SHUTDOWN_ACK", "ERROR",
        "COOKIE_ECHO",   "COOKIE_ACK", "ECNE",     "CWR",          "SHUTDOWN_COMPLETE"};
    if (type == WIRE_PAD)
        return "PAD";
    return type < sizeof names / sizeof names[0] ? names[type] : "UNKNOWN";
}

bool text_matches(const char *text, const char *pattern) {
    const char *star = NULL, *from = NULL;
    while (*text) {
        if (*pattern == '*') {
            star = ++pattern;
            from = text;
        } else if (*pattern == *text) {
            pattern++;
            text++;
        } else if (star) {
            pattern = star;
            text = ++from;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == 0;
}

static const char *read_init(struct read_chunk *c) {
    const uint8_t *v = c->value;
    if (c->value_bytes < 16)
        return "an INIT of less than 20 bytes";
    c->tag = load32(v);
    c->rwnd = load32(v + 4);
    c->os = load16(v + 8);
    c->mis = load16(v + 10);
    c->tsn = load32(v + 12);
    c->params = v + 16;
    c->params_bytes = c->value_bytes - 16;
    if (c->tag == 0 || c->os == 0 || c->mis == 0 || c->rwnd < 1500)
        return "an INIT with a forbidden value (3.3.2)";
    return NULL;
}

static const char *read_sack(struct read_chunk *c) {
    const uint8_t *v = c->value;
    if (c->value_bytes < 12)
        return "a SACK of less than 16 bytes";
    c->cumulative = load32(v);
    c->rwnd = load32(v + 4);
    c->gap_count = load16(v + 8);
    c->dup_count = load16(v + 10);
    if (c->value_bytes != 12u + 4u * c->gap_count + 4u * c->dup_count)
        return "a SACK whose length does not fit its counts";
    unsigned last = 0;
    for (unsigned i = 0; i < c->gap_count; i++) { /* 3.3.4: isolated, above the cumulative TSN */
        unsigned start = load16(v + 12 + 4 * i), end = load16(v + 14 + 4 * i);
        if (start <= last + 1 || end < start)
            return "gap ack blocks that are not isolated and ascending (3.3.4)";
        last = end;
    }
    return NULL;
}

static const char *read_data(struct read_chunk *c) {
    if (c->value_bytes <= 12)
        return "DATA without user data (3.3.1)";
    if (c->flags & 0xf0)
        return "reserved flags of DATA";
    c->tsn = load32(c->value);
    c->sid = load16(c->value + 4);
    c->ssn = load16(c->value + 6);
    c->ppid = load32(c->value + 8);
    return NULL;
}

/* Walks parameters: each at least 4 bytes, whole, padded with zeros; the last one's padding may lie
 * outside. */
static const char *check_params(const uint8_t *at, size_t bytes) {
    while (bytes > 0) {
        if (bytes < 4)
            return "trailing bytes behind a parameter";
        size_t length = load16(at + 2), step = (length + 3u) & ~(size_t)3u;
        if (length < 4 || length > bytes)
            return "a parameter of impossible length";
        if (step > bytes)
            step = bytes;
        for (size_t i = length; i < step; i++)
            if (at[i] != 0)
                return "parameter padding that is not zero (3.2.1)";
        at += step;
        bytes -= step;
    }
    return NULL;
}

static const char *read_by_type(struct read_chunk *c) {
    const char *wrong = NULL;
    switch (c->type) {
    case WIRE_DATA:
        return read_data(c);
    case WIRE_INIT:
    case WIRE_INIT_ACK:
        wrong = read_init(c);
        break;
    case WIRE_SACK:
        wrong = read_sack(c);
        break;
    case WIRE_HEARTBEAT_ACK: /* an echo (8.3): what is in it is the other side's word */
        c->params = c->value;
        c->params_bytes = c->value_bytes;
        return c->flags != 0 ? "reserved flags that are not zero" : NULL;
    case WIRE_HEARTBEAT:
    case WIRE_ERROR:
    case WIRE_ABORT:
        c->params = c->value;
        c->params_bytes = c->value_bytes;
        if (c->type == WIRE_ERROR && c->value_bytes == 0)
            return "an ERROR without a cause";
        break;
    case WIRE_SHUTDOWN:
        if (c->value_bytes != 4)
            return "a SHUTDOWN whose length is not 8";
        c->cumulative = load32(c->value);
        break;
    case WIRE_SHUTDOWN_ACK:
    case WIRE_COOKIE_ACK:
    case WIRE_SHUTDOWN_COMPLETE:
        if (c->value_bytes != 0)
            return "a chunk that is longer than its header";
        break;
    default:
        break;
    }
    bool may_have_t = c->type == WIRE_ABORT || c->type == WIRE_SHUTDOWN_COMPLETE;
    if (c->type <= WIRE_SHUTDOWN_COMPLETE && (c->flags & ~(may_have_t ? BIT_T : 0u)) != 0)
        return "reserved flags that are not zero";
    return wrong ? wrong : check_params(c->params, c->params_bytes);
}

/* RFC 9260 6.10 and 3: what may stand together in a packet, and in which order. */
static const char *check_bundle(const struct read_packet *p) {
    bool data = false, aborted = false;
    for (size_t i = 0; i < p->chunk_count; i++) {
        unsigned type = p->chunk[i].type;
        bool alone = type == WIRE_INIT || type == WIRE_INIT_ACK || type == WIRE_SHUTDOWN_COMPLETE;
        if (alone && p->chunk_count > 1)
            return "INIT, INIT ACK or SHUTDOWN COMPLETE bundled";
        if ((type == WIRE_COOKIE_ECHO || type == WIRE_COOKIE_ACK) && i > 0)
            return "COOKIE ECHO or COOKIE ACK that is not first";
        if (data && type != WIRE_DATA)
            return "a control chunk behind DATA";
        if (aborted)
            return "a chunk behind ABORT";
        if (type == WIRE_DATA && data && (int32_t)(p->chunk[i].tsn - p->chunk[i - 1].tsn) <= 0)
            return "DATA chunks that are not in increasing order of TSN";
        data = data || type == WIRE_DATA;
        aborted = type == WIRE_ABORT;
        if (type == WIRE_ABORT && data)
            return "DATA bundled with ABORT";
    }
    if (p->chunk_count == 0)
        return "no chunk";
    if ((p->chunk[0].type == WIRE_INIT) != (p->tag == 0))
        return "a verification tag of 0 belongs to INIT, and to nothing else";
    return NULL;
}

static const char *check_header(const uint8_t *bytes, size_t count, bool check_crc) {
    if (count < 12)
        return "shorter than a common header";
    if (count % 4 != 0)
        return "a length that is not a multiple of 4";
    if (load16(bytes) == 0 || load16(bytes + 2) == 0)
        return "port 0";
    if (!check_crc)
        return NULL;
    static uint8_t copy[65536];
    memcpy(copy, bytes, count);
    memset(copy + 8, 0, 4);
    uint32_t crc = crc32c_bitwise(copy, count);
    for (int i = 0; i < 4; i++)
        if (bytes[8 + i] != (uint8_t)(crc >> (8 * i)))
            return "a wrong checksum";
    return NULL;
}

const char *reader_packet(struct read_packet *out, const uint8_t *bytes, size_t count,
                          bool check_crc) {
    out->chunk_count = 0;
    out->tag = 0;
    const char *wrong = check_header(bytes, count, check_crc);
    if (wrong)
        return wrong;
    out->source_port = load16(bytes);
    out->destination_port = load16(bytes + 2);
    out->tag = load32(bytes + 4);
    for (size_t at = 12; at < count;) {
        if (out->chunk_count == READ_MAX_CHUNKS)
            return "more chunks than this reader takes";
        struct read_chunk *c = &out->chunk[out->chunk_count];
        memset(c, 0, sizeof *c);
        if (count - at < 4)
            return "trailing bytes";
        c->type = bytes[at];
        c->flags = bytes[at + 1];
        c->length = load16(bytes + at + 2);
        size_t padded = (c->length + 3u) & ~3u;
        if (c->length < 4 || padded > count - at)
            return "a chunk of impossible length";
        for (size_t i = c->length; i < padded; i++)
            if (bytes[at + i] != 0)
                return "padding that is not zero (3.2)";
        c->value = bytes + at + 4;
        c->value_bytes = c->length - 4u;
        out->chunk_count++;
        if ((wrong = read_by_type(c)) != NULL)
            return wrong;
        at += padded;
    }
    return check_bundle(out);
}

const uint8_t *reader_param(const struct read_chunk *chunk, unsigned type, unsigned index,
                            size_t *bytes) {
    const uint8_t *at = chunk->params;
    size_t left = chunk->params_bytes;
    while (left >= 4) {
        size_t length = load16(at + 2), step = (length + 3u) & ~(size_t)3u;
        if (length < 4 || length > left)
            break;
        if (load16(at) == type && index-- == 0) {
            *bytes = length - 4;
            return at + 4;
        }
        if (step > left)
            break;
        at += step;
        left -= step;
    }
    *bytes = 0;
    return NULL;
}

struct text {
    char *out;
    size_t size, used;
};

static void add(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(struct text *t, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int n = vsnprintf(t->out + t->used, t->size - t->used, format, args);
    va_end(args);
    if (n > 0)
        t->used += (size_t)n < t->size - t->used ? (size_t)n : t->size - t->used - 1;
}

static void add_param(struct text *t, unsigned type, const uint8_t *v, size_t bytes) {
    switch (type) {
    case 5:
        if (bytes == 4)
            add(t, "ipv4:%u.%u.%u.%u", v[0], v[1], v[2], v[3]);
        break;
    case 6:
        add(t, "ipv6:");
        for (size_t i = 0; i + 1 < bytes; i += 2)
            add(t, "%x%s", load16(v + i), i + 2 < bytes ? ":" : "");
        break;
    case 7:
        add(t, "cookie");
        break;
    case 8:
        add(t, "unrecognized:%#06x/%zu", bytes >= 4 ? load16(v) : 0u, bytes);
        break;
    case 9:
        add(t, "preservative");
        break;
    case 12:
        add(t, "supported");
        for (size_t i = 0; i + 1 < bytes; i += 2)
            add(t, ":%u", load16(v + i));
        break;
    default:
        add(t, "%#06x/%zu", type, bytes);
    }
}

static void add_cause(struct text *t, unsigned code, const uint8_t *v, size_t bytes,
                      uint32_t data_base) {
    add(t, "%u", code);
    if (code == 1 && bytes == 4)
        add(t, "(sid=%u)", load16(v));
    else if (code == 2 && bytes >= 6)
        add(t, "(n=%u,%u)", load32(v), load16(v + 4));
    else if (code == 6 && bytes >= 4)
        add(t, "(type=%#04x,len=%zu)", v[0], bytes);
    else if (code == 9 && bytes == 4)
        add(t, "(tsn=%d)", (int32_t)(load32(v) - data_base));
    else if (code == 12)
        add(t, "(\"%.*s\")", (int)bytes, (const char *)v);
}

static void add_tlvs(struct text *t, const struct read_chunk *c, const char *label, bool causes,
                     uint32_t base) {
    add(t, " %s=[", label);
    const uint8_t *at = c->params;
    size_t left = c->params_bytes;
    const char *space = "";
    while (left >= 4) {
        size_t length = load16(at + 2), step = (length + 3u) & ~(size_t)3u;
        if (length < 4 || length > left)
            break;
        add(t, "%s", space);
        if (causes)
            add_cause(t, load16(at), at + 4, length - 4, base);
        else
            add_param(t, load16(at), at + 4, length - 4);
        space = " ";
        if (step >= left)
            break;
        at += step;
        left -= step;
    }
    add(t, "]");
}

static void add_sack(struct text *t, const struct read_chunk *c, uint32_t base) {
    const uint8_t *v = c->value + 12;
    add(t, " cum=%d rwnd=%u gaps=[", (int32_t)(c->cumulative - base), c->rwnd);
    for (unsigned i = 0; i < c->gap_count; i++, v += 4)
        add(t, "%s%u-%u", i ? " " : "", load16(v), load16(v + 2));
    add(t, "] dups=[");
    for (unsigned i = 0; i < c->dup_count; i++, v += 4)
        add(t, "%s%d", i ? " " : "", (int32_t)(load32(v) - base));
    add(t, "]");
}

static void add_data(struct text *t, const struct read_chunk *c, uint32_t base) {
    char bits[5];
    size_t n = 0;
    if (c->flags & BIT_I)
        bits[n++] = 'I';
    if (c->flags & BIT_U)
        bits[n++] = 'U';
    if (c->flags & BIT_B)
        bits[n++] = 'B';
    if (c->flags & BIT_E)
        bits[n++] = 'E';
    bits[n] = 0;
    add(t, " tsn=%d sid=%u ssn=%u ppid=%u %s len=%zu", (int32_t)(c->tsn - base), c->sid, c->ssn,
        c->ppid, n ? bits : "-", c->value_bytes - 12);
}

void reader_print(const struct read_chunk *c, const struct tsn_bases *bases, char *out,
                  size_t size) {
    static const struct tsn_bases zero;
    struct text t = {out, size, 0};
    if (!bases)
        bases = &zero;
    add(&t, "%s", reader_chunk_name(c->type));
    switch (c->type) {
    case WIRE_DATA:
        add_data(&t, c, bases->data);
        break;
    case WIRE_INIT:
    case WIRE_INIT_ACK:
        add(&t, " tag=%u rwnd=%u os=%u mis=%u tsn=%u", c->tag, c->rwnd, c->os, c->mis, c->tsn);
        add_tlvs(&t, c, "params", false, 0);
        break;
    case WIRE_SACK:
        add_sack(&t, c, bases->ack);
        break;
    case WIRE_SHUTDOWN:
        add(&t, " cum=%d", (int32_t)(c->cumulative - bases->ack));
        break;
    case WIRE_ABORT:
        add(&t, " T=%u", c->flags & BIT_T);
        add_tlvs(&t, c, "causes", true, bases->ack);
        break;
    case WIRE_ERROR:
        add_tlvs(&t, c, "causes", true, bases->ack);
        break;
    case WIRE_SHUTDOWN_COMPLETE:
        add(&t, " T=%u", c->flags & BIT_T);
        break;
    case WIRE_HEARTBEAT:
    case WIRE_HEARTBEAT_ACK:
    case WIRE_COOKIE_ECHO:
        add(&t, " len=%zu", c->value_bytes);
        break;
    case WIRE_SHUTDOWN_ACK:
    case WIRE_COOKIE_ACK:
        break;
    default:
        add(&t, " type=%#04x len=%zu", c->type, c->value_bytes);
    }
}
