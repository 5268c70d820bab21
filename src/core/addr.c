/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Addresses: equality, hash, scope and kind.
 *
 * IPv4 by RFC 1122 3.2.1.3, RFC 1918 and RFC 3927; IPv6 by RFC 4291 2.4 and RFC 4193. A handle is
 * the embedder's affair: it is unicast, of global scope, and has no IP header. Which addresses an
 * endpoint lists to a peer is decided in src/assoc/address_list.c.
 */
#include "core/addr.h"

#include "core/bytes.h"
#include "core/siphash.h"

static bool is_ipv6_link_local(const uint8_t *ip) {
    return ip[0] == 0xfe && (ip[1] & 0xc0) == 0x80;
}

/* The interface matters to link-local addresses alone; what a caller left there otherwise does not.
 */
static uint32_t scope_id(const struct usctp_addr *a) {
    return a->family == USCTP_FAMILY_IPV6 && is_ipv6_link_local(a->ipv6) ? a->scope_id : 0;
}

/* Writes the address's own bytes, most significant first, into out[16]; returns how many. */
static size_t address_bytes(const struct usctp_addr *a, uint8_t *out) {
    switch (a->family) {
    case USCTP_FAMILY_IPV4:
        memcpy(out, a->ipv4, 4);
        return 4;
    case USCTP_FAMILY_IPV6:
        memcpy(out, a->ipv6, 16);
        return 16;
    case USCTP_FAMILY_HANDLE:
        put64(out, a->handle);
        return 8;
    default:
        return 0;
    }
}

static bool all_zero(const uint8_t *p, size_t bytes) {
    uint8_t any = 0;
    for (size_t i = 0; i < bytes; i++) {
        any |= p[i];
    }
    return any == 0;
}

bool addr_equal(const struct usctp_addr *a, const struct usctp_addr *b) {
    if (a->family != b->family)
        return false;
    switch (a->family) {
    case USCTP_FAMILY_IPV4:
        return memcmp(a->ipv4, b->ipv4, sizeof a->ipv4) == 0;
    case USCTP_FAMILY_IPV6:
        return memcmp(a->ipv6, b->ipv6, sizeof a->ipv6) == 0 && scope_id(a) == scope_id(b);
    case USCTP_FAMILY_HANDLE:
        return a->handle == b->handle;
    default:
        return true;
    }
}

uint64_t addr_hash(const struct usctp_addr *a, uint32_t extra, const uint8_t *key16) {
    uint8_t text[28];
    put32(text, a->family);
    put32(text + 4, extra);
    put32(text + 8, scope_id(a));
    return siphash(key16, text, 12 + address_bytes(a, text + 12));
}

static enum addr_scope ipv4_scope(const uint8_t *ip) {
    if (ip[0] == 127)
        return ADDR_SCOPE_LOOPBACK;
    if (ip[0] == 169 && ip[1] == 254)
        return ADDR_SCOPE_LINK_LOCAL;
    bool is_private =
        ip[0] == 10 || (ip[0] == 172 && (ip[1] & 0xf0) == 16) || (ip[0] == 192 && ip[1] == 168);
    return is_private ? ADDR_SCOPE_PRIVATE : ADDR_SCOPE_GLOBAL;
}

static enum addr_scope ipv6_scope(const uint8_t *ip) {
    if (all_zero(ip, 15) && ip[15] == 1)
        return ADDR_SCOPE_LOOPBACK;
    if (is_ipv6_link_local(ip))
        return ADDR_SCOPE_LINK_LOCAL;
    /* RFC 4193: unique local addresses, fc00::/7, are routed within a site like RFC 1918's. */
    return (ip[0] & 0xfe) == 0xfc ? ADDR_SCOPE_PRIVATE : ADDR_SCOPE_GLOBAL;
}

enum addr_scope addr_scope(const struct usctp_addr *a) {
    if (a->family == USCTP_FAMILY_IPV4)
        return ipv4_scope(a->ipv4);
    if (a->family == USCTP_FAMILY_IPV6)
        return ipv6_scope(a->ipv6);
    return ADDR_SCOPE_GLOBAL;
}

bool addr_is_any(const struct usctp_addr *a) {
    if (a->family == USCTP_FAMILY_IPV4)
        return all_zero(a->ipv4, 4);
    if (a->family == USCTP_FAMILY_IPV6)
        return all_zero(a->ipv6, 16);
    return false;
}

static bool ipv6_is_mapped(const uint8_t *ip) {
    return all_zero(ip, 10) && ip[10] == 0xff && ip[11] == 0xff;
}

bool addr_is_unicast(const struct usctp_addr *a) {
    switch (a->family) {
    case USCTP_FAMILY_IPV4: {
        uint32_t ip = get32(a->ipv4);
        bool is_multicast = ip >> 28 == 0xe, is_broadcast = ip == 0xffffffffu;
        return ip != 0 && !is_multicast && !is_broadcast;
    }
    case USCTP_FAMILY_IPV6:
        return a->ipv6[0] != 0xff && !addr_is_any(a) && !ipv6_is_mapped(a->ipv6);
    case USCTP_FAMILY_HANDLE:
        return true;
    default:
        return false;
    }
}

uint32_t addr_common_bits(const struct usctp_addr *a, const struct usctp_addr *b) {
    uint8_t x[16], y[16];
    if (a->family != b->family)
        return 0;
    size_t bytes = address_bytes(a, x);
    (void)address_bytes(b, y);
    for (uint32_t i = 0; i < bytes; i++) {
        uint32_t difference = (uint32_t)(x[i] ^ y[i]);
        if (difference)
            return 8 * i + (uint32_t)__builtin_clz(difference) - 24;
    }
    return 8 * (uint32_t)bytes;
}

uint32_t addr_header_bytes(const struct usctp_addr *a) {
    if (a->family == USCTP_FAMILY_IPV4)
        return 20;
    return a->family == USCTP_FAMILY_IPV6 ? 40 : 0;
}
