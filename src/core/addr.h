/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Addresses: equality, hashing, scope, and which of the host's addresses suits a destination.
 *
 * Scope follows RFC 4291 and RFC 1918/3927; which addresses an endpoint lists to a peer is decided
 * in src/assoc/address_list.c.
 */
#ifndef CORE_ADDR_H
#define CORE_ADDR_H

#include "usctp/engine.h"

enum addr_scope {
    ADDR_SCOPE_LOOPBACK,
    ADDR_SCOPE_LINK_LOCAL,
    ADDR_SCOPE_PRIVATE,
    ADDR_SCOPE_GLOBAL
};

bool addr_equal(const struct usctp_addr *a, const struct usctp_addr *b);
/* Keyed with 16 bytes of secret; equal addresses hash alike. */
uint64_t addr_hash(const struct usctp_addr *a, uint32_t extra, const uint8_t *key16);
enum addr_scope addr_scope(const struct usctp_addr *a);
/* False for what no SCTP packet comes from or goes to: family none, any, multicast, broadcast (RFC
   9260 8.4 rule 1), and for v4-mapped IPv6. */
bool addr_is_unicast(const struct usctp_addr *a);
bool addr_is_any(const struct usctp_addr *a);
/* How many leading bits two addresses of one family share; 0 for different families. */
uint32_t addr_common_bits(const struct usctp_addr *a, const struct usctp_addr *b);
/* Bytes of the IP header: 20, 40, or 0 for a handle. */
uint32_t addr_header_bytes(const struct usctp_addr *a);

#endif
