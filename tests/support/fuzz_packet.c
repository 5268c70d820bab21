/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Packets of the fuzzer's peer; see fuzz_peer.h. Every chunk has a form of its own, in which zeros
 * stand for what a sane peer would say.
 */
#include "support/fuzz_peer.h"

#include <string.h>

#define MOST_BYTES 4096u /* of a packet, about */

static const uint16_t sizes[16] = {1,    2,    3,    4,    16,   100,  500,  1000,
                                   1400, 1436, 1452, 1453, 1464, 2000, 3000, 0};
static const uint32_t windows[8] = {131072, 0, 1, 1499, 1500, 3000, 65536, UINT32_MAX};

static uint16_t some_size(struct fuzz_input *in) {
    return sizes[fuzz_u8(in) & 15u];
}

/* A little forth or back. */
static uint32_t some_distance(struct fuzz_input *in) {
    int32_t distance = (int8_t)fuzz_u8(in);
    return (uint32_t)distance;
}

/* Zero or any: most fields are most often right. */
static uint32_t or_any(struct fuzz_input *in, bool any, uint32_t right) {
    return any ? fuzz_u32(in) : right;
}

static void add_raw(struct fuzz_peer *p, struct fuzz_input *in, size_t most) {
    size_t bytes;
    const uint8_t *at = fuzz_take(in, most, &bytes);
    builder_bytes(&p->out, at, bytes);
}

uint32_t fuzz_packet_tag(const struct fuzz_peer *p, unsigned first_type) {
    struct usctp_assoc_status status;
    if (first_type == WIRE_INIT)
        return 0;
    if (first_type == WIRE_COOKIE_ECHO)
        return p->init_ack_tag;
    if (p->assoc != 0 && usctp_assoc_status(p->engine, p->assoc, &status) == 0)
        return status.local_tag;
    return p->engine_tag;
}

/* ---- INIT and INIT ACK ---- */

static void add_address(struct fuzz_peer *p, unsigned index) {
    const struct usctp_addr *a = &p->peer_addr[index % FUZZ_ADDRESSES];
    bool ipv4 = a->family == USCTP_FAMILY_IPV4;
    builder_param(&p->out, ipv4 ? 5 : 6);
    builder_bytes(&p->out, ipv4 ? a->ipv4 : a->ipv6, ipv4 ? 4 : 16);
}

static void add_params(struct fuzz_peer *p, struct fuzz_input *in) {
    static const uint16_t types[16] = {5,      6,      7,      8,      9,      11,     12,     0,
                                       0x8000, 0xc000, 0x4000, 0x3fff, 0x8008, 0xc004, 0x8002, 10};
    for (unsigned count = fuzz_u8(in) & 7u; count > 0; count--) {
        uint8_t kind = fuzz_u8(in);
        if (kind & 0x80) {
            add_address(p, kind);
            continue;
        }
        builder_param(&p->out, types[kind & 15u]);
        if (kind & 0x10)
            builder_bytes(&p->out, p->engine_addr[kind >> 5 & 1u].ipv6, kind & 1u ? 16 : 4);
        else
            add_raw(p, in, kind >> 4);
    }
}

void fuzz_packet_init(struct fuzz_peer *p, unsigned type) {
    const struct builder_init init = {
        .tag = p->peer_tag, .rwnd = 131072, .tsn = p->peer_tsn, .os = 10, .mis = 10};
    builder_init_chunk(&p->out, type, &init);
    for (unsigned i = 0; i < FUZZ_PATHS; i++)
        add_address(p, i);
    if (type != WIRE_INIT_ACK)
        return;
    builder_param(&p->out, 7);
    builder_fill(&p->out, 0xc0, 64);
}

static void add_init(struct fuzz_peer *p, struct fuzz_input *in, unsigned type) {
    uint8_t odd = fuzz_u8(in);
    if (odd == 0) {
        fuzz_packet_init(p, type);
        return;
    }
    if (odd & 0x20)
        p->peer_tag = fuzz_u32(in);
    if (odd & 0x40)
        p->peer_tsn = fuzz_u32(in);
    struct builder_init init = {.tag = p->peer_tag, .rwnd = 131072, .tsn = p->peer_tsn};
    init.rwnd = odd & 1 ? windows[fuzz_u8(in) & 7u] : 131072;
    init.os = (uint16_t)(odd & 2 ? fuzz_u8(in) : 10);
    init.mis = (uint16_t)(odd & 4 ? fuzz_u8(in) : 10);
    builder_init_chunk(&p->out, type, &init);
    if (odd & 8)
        for (unsigned i = 0; i < FUZZ_PATHS; i++)
            add_address(p, i);
    if (type == WIRE_INIT_ACK && !(odd & 0x10)) {
        builder_param(&p->out, 7);
        builder_fill(&p->out, 0xc0, 1u + fuzz_u8(in));
    }
    add_params(p, in);
}

/* ---- DATA and SACK ---- */

static void add_data(struct fuzz_peer *p, struct fuzz_input *in) {
    static const uint8_t payload[4096];
    uint8_t odd = fuzz_u8(in);
    uint32_t ahead = odd & 0x80 ? some_distance(in) : 0;
    struct builder_data data = {.tsn = p->peer_tsn + ahead, .bits = BIT_BE};
    if (odd & 0x40)
        data.bits = fuzz_u8(in);
    data.sid = (uint16_t)(odd & 0x20 ? fuzz_u8(in) % 12u : 0);
    data.ssn = (uint16_t)(odd & 0x10 ? (int8_t)fuzz_u8(in) : (int)p->peer_ssn);
    builder_data_chunk(&p->out, &data, payload, sizes[odd & 15u]);
    if (ahead == 0) {
        p->peer_tsn++;
        p->peer_ssn++;
    }
}

static void add_sack(struct fuzz_peer *p, struct fuzz_input *in) {
    uint8_t odd = fuzz_u8(in);
    uint32_t cumulative = odd & 0x80 ? p->acked_tsn + some_distance(in) : p->sent_tsn;
    unsigned gaps = odd >> 3 & 7u, dups = odd & 0x40 ? fuzz_u8(in) & 3u : 0;
    if ((int32_t)(cumulative - p->acked_tsn) > 0 && (int32_t)(p->sent_tsn - cumulative) >= 0)
        p->acked_tsn = cumulative;
    builder_chunk(&p->out, WIRE_SACK, 0);
    builder_u32(&p->out, cumulative);
    builder_u32(&p->out, windows[odd & 7u]);
    builder_u16(&p->out, gaps);
    builder_u16(&p->out, dups);
    unsigned at = 0;
    for (unsigned i = 0; i < gaps; i++) {
        uint8_t gap = fuzz_u8(in);
        unsigned start = at + (gap >> 4) + (gap & 8 ? 0 : 2), end = start + (gap & 7u);
        builder_u16(&p->out, start);
        builder_u16(&p->out, gap == 0xff ? start - 1 : end);
        at = end;
    }
    for (unsigned i = 0; i < dups; i++)
        builder_u32(&p->out, p->acked_tsn - i);
}

/* ---- the rest ---- */

static void add_causes(struct fuzz_peer *p, struct fuzz_input *in) {
    for (unsigned count = fuzz_u8(in) & 3u; count > 0; count--) {
        uint8_t kind = fuzz_u8(in);
        builder_param(&p->out, kind & 15u);
        if ((kind & 15u) == 3) /* stale cookie: microseconds */
            builder_u32(&p->out, fuzz_u32(in));
        else
            add_raw(p, in, kind >> 4);
    }
}

static void add_heartbeat(struct fuzz_peer *p, struct fuzz_input *in, unsigned type) {
    uint8_t odd = fuzz_u8(in);
    builder_chunk(&p->out, type, 0);
    if (type == WIRE_HEARTBEAT_ACK && !(odd & 0x80)) {
        builder_bytes(&p->out, p->heartbeat, p->heartbeat_bytes);
        return;
    }
    builder_param(&p->out, 1);
    builder_fill(&p->out, odd, some_size(in));
}

static void add_cookie(struct fuzz_peer *p, struct fuzz_input *in) {
    uint8_t odd = fuzz_u8(in);
    size_t bytes = p->cookie_bytes;
    builder_chunk(&p->out, WIRE_COOKIE_ECHO, 0);
    if (odd & 0x80)
        bytes = bytes > odd - 128u ? bytes - (odd - 128u) : 0;
    size_t at = p->out.used;
    builder_bytes(&p->out, p->cookie, bytes);
    if (odd & 0x40 && bytes > 0) { /* one byte is another */
        size_t where = fuzz_u16(in) % bytes;
        p->out.bytes[at + where] ^= fuzz_u8(in);
    }
}

static void add_chunk(struct fuzz_peer *p, struct fuzz_input *in, unsigned type) {
    uint32_t odd;
    switch (type) {
    case WIRE_DATA:
        add_data(p, in);
        break;
    case WIRE_INIT:
    case WIRE_INIT_ACK:
        add_init(p, in, type);
        break;
    case WIRE_SACK:
        add_sack(p, in);
        break;
    case WIRE_HEARTBEAT:
    case WIRE_HEARTBEAT_ACK:
        add_heartbeat(p, in, type);
        break;
    case WIRE_SHUTDOWN:
        odd = some_distance(in);
        builder_shutdown(&p->out, odd ? p->acked_tsn + odd : p->sent_tsn);
        break;
    case WIRE_ABORT:
    case WIRE_ERROR:
        builder_chunk(&p->out, type, type == WIRE_ABORT ? fuzz_u8(in) & 1u : 0);
        add_causes(p, in);
        break;
    case WIRE_COOKIE_ECHO:
        add_cookie(p, in);
        break;
    case WIRE_SHUTDOWN_ACK:
    case WIRE_COOKIE_ACK:
    case WIRE_SHUTDOWN_COMPLETE:
        builder_chunk(&p->out, type, type == WIRE_SHUTDOWN_COMPLETE ? fuzz_u8(in) & 1u : 0);
        break;
    default: /* anything: a type, flags, and what follows */
        builder_chunk(&p->out, fuzz_u8(in), fuzz_u8(in));
        add_raw(p, in, fuzz_u8(in) & 63u);
        break;
    }
}

/* ---- putting it in ---- */

/* Does the packet hold an ABORT, as far as its lengths make sense? */
static bool has_abort(const struct packet_builder *b) {
    for (size_t at = 12; at + 4 <= b->used;) {
        size_t length = load16(b->bytes + at + 2);
        if (length < 4 || length > b->used - at)
            return false;
        if (b->bytes[at] == WIRE_ABORT)
            return true;
        at += (length + 3u) & ~(size_t)3u;
    }
    return false;
}

void fuzz_packet_put(struct fuzz_peer *p, unsigned from, unsigned to, unsigned copies) {
    struct usctp_packet packets[4];
    memset(packets, 0, sizeof packets);
    copies = copies < 1 ? 1 : copies > 4 ? 4 : copies;
    for (unsigned i = 0; i < copies; i++) {
        packets[i].data = p->out.bytes;
        packets[i].length = (uint32_t)p->out.used;
        packets[i].source = p->peer_addr[from % FUZZ_ADDRESSES];
        packets[i].destination = p->engine_addr[to % FUZZ_PATHS];
    }
    fuzz_peer_pump(p);
    p->may_not_answer = has_abort(&p->out);
    usctp_engine_input(p->engine, packets, copies, p->now_us);
    fuzz_peer_pump(p);
    p->may_not_answer = false;
}

/* Bends what was built: a length field, the end, the checksum. */
static void bend(struct fuzz_peer *p, struct fuzz_input *in, uint8_t how) {
    struct packet_builder *b = &p->out;
    if (how & 1 && b->used >= 16)
        b->bytes[15] = fuzz_u8(in);
    if (how & 2)
        b->used -= fuzz_u8(in) % (b->used - 11u);
    b->chunk_at = b->param_at = 0;
    if (b->used >= 12) {
        memset(b->bytes + 8, 0, 4);
        uint32_t crc = crc32c_bitwise(b->bytes, b->used);
        for (unsigned i = 0; i < 4; i++)
            b->bytes[8 + i] = (uint8_t)(crc >> (8 * i));
        b->bytes[8] ^= how & 4;
    }
}

static uint32_t some_tag(const struct fuzz_peer *p, struct fuzz_input *in, unsigned first_type) {
    uint8_t kind = fuzz_u8(in);
    if (kind < 208)
        return fuzz_packet_tag(p, first_type);
    switch (kind & 3u) {
    case 0:
        return 0;
    case 1:
        return p->peer_tag;
    case 2:
        return p->init_ack_tag;
    default:
        return or_any(in, true, 0);
    }
}

void fuzz_packet_send(struct fuzz_peer *p, struct fuzz_input *in) {
    uint8_t form = fuzz_u8(in); /* chunks: 2 bits; path: 2; copies: 1; bent: 1; towards: 1 */
    unsigned type = fuzz_u8(in) & 15u;
    builder_start(&p->out, 6002, 5001, some_tag(p, in, type));
    add_chunk(p, in, type);
    for (unsigned more = form & 3u; more > 0 && p->out.used < MOST_BYTES; more--)
        add_chunk(p, in, fuzz_u8(in) & 15u);
    builder_finish(&p->out);
    if (form & 0x20)
        bend(p, in, fuzz_u8(in));
    fuzz_packet_put(p, form >> 2 & 3u, form >> 6 & 1u, form & 0x10 ? 2 : 1);
}

/* ---- a cookie of the peer's own ---- */

static void add_cookie_address(struct fuzz_peer *p, struct fuzz_input *in, bool any,
                               const struct usctp_addr *right) {
    const struct usctp_addr *a = any ? &p->peer_addr[fuzz_u8(in) % FUZZ_ADDRESSES] : right;
    builder_u8(&p->out, a->family);
    builder_bytes(&p->out, a->ipv6, a->family == USCTP_FAMILY_IPV4 ? 4 : 16);
    if (a->family == USCTP_FAMILY_IPV6)
        builder_u32(&p->out, 0);
}

static void add_cookie_init(struct fuzz_peer *p, struct fuzz_input *in, uint8_t odd) {
    static uint8_t outer[MOST_BYTES]; /* it is a chunk within a chunk */
    size_t used = p->out.used, chunk_at = p->out.chunk_at;
    memcpy(outer, p->out.bytes, used);
    builder_start(&p->out, 1, 1, 1);
    add_init(p, in, odd & 1 ? WIRE_INIT_ACK : WIRE_INIT);
    builder_finish(&p->out);
    size_t bytes = load16(p->out.bytes + 14);
    memmove(p->out.bytes + used + 2, p->out.bytes + 12, bytes);
    memcpy(p->out.bytes, outer, used);
    p->out.used = used;
    p->out.chunk_at = chunk_at;
    builder_u16(&p->out, odd & 2 ? fuzz_u16(in) : (uint16_t)bytes);
    p->out.used += bytes;
}

void fuzz_packet_send_cookie(struct fuzz_peer *p, struct fuzz_input *in) {
    uint8_t odd = fuzz_u8(in), fields = fuzz_u8(in);
    struct usctp_assoc_status status = {.local_tag = 0x01020304, .peer_tag = p->peer_tag};
    unsigned from = odd & 0x40 ? fuzz_u8(in) : 0;
    if (p->assoc == 0 || usctp_assoc_status(p->engine, p->assoc, &status) != 0)
        status.local_tag = 0x01020304;
    uint32_t tag = odd & 0x80 ? fuzz_u32(in) : status.local_tag;
    p->init_ack_tag = tag;
    builder_start(&p->out, 6002, 5001, tag);
    builder_chunk(&p->out, WIRE_COOKIE_ECHO, 0);
    builder_fill(&p->out, 0, USCTP_MAC_BYTES);
    builder_u8(&p->out, fields == 0xff ? 2 : 1);
    uint64_t made_us = p->now_us - 1000u * (fields & 1 ? fuzz_u16(in) : 0u);
    builder_u32(&p->out, (uint32_t)(made_us >> 32));
    builder_u32(&p->out, (uint32_t)made_us);
    builder_u32(&p->out, fields & 2 ? fuzz_u32(in) : 0);
    builder_u32(&p->out, 60000000);
    builder_u32(&p->out, tag);
    builder_u32(&p->out, or_any(in, fields & 4, 77));
    builder_u32(&p->out, or_any(in, fields & 8, 0));
    builder_u32(&p->out, or_any(in, fields & 0x10, 0));
    builder_u16(&p->out, fields & 0x20 ? fuzz_u16(in) : 5001u);
    builder_u16(&p->out, fields & 0x20 ? fuzz_u16(in) : 6002u);
    builder_u16(&p->out, fields & 0x40 ? fuzz_u8(in) : 10u);
    builder_u16(&p->out, fields & 0x40 ? fuzz_u8(in) : 10u);
    builder_u16(&p->out, fields & 0x80 ? fuzz_u16(in) : 0u);
    add_cookie_address(p, in, odd & 4, &p->peer_addr[from % FUZZ_ADDRESSES]);
    add_cookie_address(p, in, odd & 8, &p->engine_addr[0]);
    add_cookie_init(p, in, odd);
    for (unsigned more = odd >> 4 & 3u; more > 0 && p->out.used < MOST_BYTES; more--)
        add_chunk(p, in, fuzz_u8(in) & 15u);
    builder_finish(&p->out);
    fuzz_packet_put(p, from, 0, 1);
}
