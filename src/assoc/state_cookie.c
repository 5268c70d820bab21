/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Writing and opening State Cookies (RFC 9260 5.1.3, 5.1.5 steps 1 and 2).
 *
 * A cookie, in network order, without padding:
 *
 *   32  HMAC-SHA-256 of all that follows, under the key of its time
 *    1  format: 1
 *    8  when it was made, us    8  how long it is good for, us
 *    4  our tag                 4  our initial TSN
 *    4  our tie tag             4  the peer's tie tag
 *    2  our port   2  the peer's port   2  outbound streams   2  inbound streams   2  UDP port
 *    n  the address the INIT came from, n  the one it went to: each a byte for the family, then
 *       4 bytes (IPv4), 16 and 4 of scope (IPv6), 8 (handle), none
 *    2  length of the INIT chunk, and the chunk, which ends the cookie
 *
 * Steps 3 to 7 of 5.1.5 and what a cookie means beside an association (5.2.4) are in handshake.c
 * and handshake_collision.c.
 */
#include "assoc/state_cookie.h"

#include "chunk/init_chunk.h"

#define COOKIE_FORMAT 1u
/* Format, times, tags, ports and streams, the length of the INIT; the addresses are besides. */
#define FIXED_BYTES        (1u + 16u + 16u + 10u + 2u)
#define MOST_ADDRESS_BYTES 21u
#define INIT_LEAST_BYTES   (CHUNK_HEADER_BYTES + INIT_FIXED_BYTES)
#define MOST_COOKIE_BYTES                                                                          \
    (USCTP_MAC_BYTES + FIXED_BYTES + 2u * MOST_ADDRESS_BYTES + COOKIE_MAX_INIT_BYTES)

void cookie_keys_init(struct cookie_keys *keys, struct env *env) {
    memset(keys, 0, sizeof *keys);
    env_random(env, keys->current, sizeof keys->current);
}

void cookie_keys_rotate(struct cookie_keys *keys, struct env *env) {
    memcpy(keys->previous, keys->current, sizeof keys->previous);
    keys->has_previous = true;
    env_random(env, keys->current, sizeof keys->current);
}

static bool make_mac(const uint8_t *cookie, size_t bytes, const uint8_t *key, uint8_t *mac,
                     struct env *env) {
    const struct usctp_crypto *crypto = &env->given.crypto;
    return crypto->hmac_sha256 &&
           crypto->hmac_sha256(crypto->user, key, COOKIE_KEY_BYTES, cookie + USCTP_MAC_BYTES,
                               bytes - USCTP_MAC_BYTES, mac) == 0;
}

/* ---- writing ------------------------------------------------------------------------------ */

static size_t address_bytes(const struct usctp_addr *address) {
    switch (address->family) {
    case USCTP_FAMILY_IPV4:
        return 1 + 4;
    case USCTP_FAMILY_IPV6:
        return 1 + 16 + 4;
    case USCTP_FAMILY_HANDLE:
        return 1 + 8;
    default:
        return 1;
    }
}

static void write_address(struct writer *w, const struct usctp_addr *address) {
    writer_put8(w, (uint8_t)address->family);
    switch (address->family) {
    case USCTP_FAMILY_IPV4:
        writer_put(w, address->ipv4, sizeof address->ipv4);
        break;
    case USCTP_FAMILY_IPV6:
        writer_put(w, address->ipv6, sizeof address->ipv6);
        writer_put32(w, address->scope_id);
        break;
    case USCTP_FAMILY_HANDLE:
        writer_put64(w, address->handle);
        break;
    default:
        break;
    }
}

/* How much of an INIT is kept: all of it, or whole parameters within the limit. */
static uint16_t kept_bytes(const uint8_t *init, uint16_t bytes) {
    if (bytes <= COOKIE_MAX_INIT_BYTES)
        return bytes;
    uint16_t kept = INIT_LEAST_BYTES;
    struct tlv_cursor cursor = tlv_over(init + INIT_LEAST_BYTES, bytes - INIT_LEAST_BYTES);
    struct tlv param;
    while (tlv_next(&cursor, &param) == TLV_ITEM) {
        size_t end = (size_t)(param.value - init) + param.value_bytes;
        if (end > COOKIE_MAX_INIT_BYTES)
            break;
        kept = (uint16_t)end;
    }
    return kept;
}

size_t state_cookie_size(const struct cookie_content *content) {
    size_t init_bytes =
        content->init_bytes < COOKIE_MAX_INIT_BYTES ? content->init_bytes : COOKIE_MAX_INIT_BYTES;
    return USCTP_MAC_BYTES + FIXED_BYTES + address_bytes(&content->source) +
           address_bytes(&content->destination) + init_bytes;
}

size_t state_cookie_write(uint8_t *out, size_t room, const struct cookie_content *content,
                          const struct cookie_keys *keys, struct env *env) {
    ASSERT(content->init_bytes >= INIT_LEAST_BYTES && content->init[0] == CHUNK_INIT);
    uint16_t init_bytes = kept_bytes(content->init, content->init_bytes);
    struct writer w = writer_over(out, room);
    uint8_t *mac = writer_take(&w, USCTP_MAC_BYTES);
    writer_put8(&w, COOKIE_FORMAT);
    writer_put64(&w, content->created_us);
    writer_put64(&w, content->life_us);
    writer_put32(&w, content->local_tag);
    writer_put32(&w, content->local_initial_tsn);
    writer_put32(&w, content->local_tie_tag);
    writer_put32(&w, content->peer_tie_tag);
    writer_put16(&w, content->local_port);
    writer_put16(&w, content->peer_port);
    writer_put16(&w, content->outbound_streams);
    writer_put16(&w, content->inbound_streams);
    writer_put16(&w, content->udp_port);
    write_address(&w, &content->source);
    write_address(&w, &content->destination);
    writer_put16(&w, init_bytes);
    uint8_t *init = writer_take(&w, init_bytes);
    if (!mac || !init)
        return 0;
    memcpy(init, content->init, init_bytes);
    put16(init + 2, init_bytes); /* the chunk's length, when it was cut */
    return make_mac(out, writer_used(&w), keys->current, mac, env) ? writer_used(&w) : 0;
}

/* ---- opening ------------------------------------------------------------------------------ */

/* Memory that is read from the front. `bad` is sticky: from then on everything reads as zeros. */
struct reader {
    const uint8_t *at, *end;
    bool bad;
};

static const uint8_t *take(struct reader *r, size_t bytes) {
    static const uint8_t zeros[16];
    if (r->bad || (size_t)(r->end - r->at) < bytes) {
        r->bad = true;
        return zeros;
    }
    const uint8_t *p = r->at;
    r->at += bytes;
    return p;
}

static uint16_t take16(struct reader *r) {
    return get16(take(r, 2));
}

static uint32_t take32(struct reader *r) {
    return get32(take(r, 4));
}

static uint64_t take64(struct reader *r) {
    return get64(take(r, 8));
}

static void take_address(struct reader *r, struct usctp_addr *address) {
    memset(address, 0, sizeof *address);
    address->family = *take(r, 1);
    switch (address->family) {
    case USCTP_FAMILY_IPV4:
        memcpy(address->ipv4, take(r, sizeof address->ipv4), sizeof address->ipv4);
        break;
    case USCTP_FAMILY_IPV6:
        memcpy(address->ipv6, take(r, sizeof address->ipv6), sizeof address->ipv6);
        address->scope_id = take32(r);
        break;
    case USCTP_FAMILY_HANDLE:
        address->handle = take64(r);
        break;
    case USCTP_FAMILY_NONE:
        break;
    default:
        r->bad = true;
        break;
    }
}

static bool read_content(struct reader *r, struct cookie_content *out) {
    if (*take(r, 1) != COOKIE_FORMAT)
        return false;
    out->created_us = take64(r);
    out->life_us = take64(r);
    out->local_tag = take32(r);
    out->local_initial_tsn = take32(r);
    out->local_tie_tag = take32(r);
    out->peer_tie_tag = take32(r);
    out->local_port = take16(r);
    out->peer_port = take16(r);
    out->outbound_streams = take16(r);
    out->inbound_streams = take16(r);
    out->udp_port = take16(r);
    take_address(r, &out->source);
    take_address(r, &out->destination);
    out->init_bytes = take16(r);
    if (r->bad || out->init_bytes < INIT_LEAST_BYTES || out->init_bytes != r->end - r->at ||
        out->outbound_streams == 0 || out->inbound_streams == 0)
        return false;
    out->init = r->at;
    return out->init[0] == CHUNK_INIT && get16(out->init + 2) == out->init_bytes;
}

static bool is_ours(const uint8_t *cookie, size_t bytes, const uint8_t *key, struct env *env) {
    uint8_t mac[USCTP_MAC_BYTES];
    return make_mac(cookie, bytes, key, mac, env) &&
           bytes_equal_constant_time(mac, cookie, sizeof mac);
}

bool state_cookie_open(const uint8_t *cookie, size_t bytes, const struct cookie_keys *keys,
                       struct cookie_content *out, struct env *env) {
    memset(out, 0, sizeof *out);
    /* Nothing of another size is ours: it costs no MAC. */
    if (bytes < USCTP_MAC_BYTES + FIXED_BYTES + INIT_LEAST_BYTES || bytes > MOST_COOKIE_BYTES)
        return false;
    /* RFC 9260 5.1.5 (1), (2): under the key of now or the one before it. */
    if (!is_ours(cookie, bytes, keys->current, env) &&
        !(keys->has_previous && is_ours(cookie, bytes, keys->previous, env)))
        return false;
    struct reader r = {cookie + USCTP_MAC_BYTES, cookie + bytes, false};
    if (read_content(&r, out))
        return true;
    memset(out, 0, sizeof *out);
    return false;
}
