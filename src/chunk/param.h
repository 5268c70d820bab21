/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Parameters in general (RFC 9260 3.2.1): types, unknown ones, addresses.
 *
 * Which parameters an INIT or INIT ACK may carry is in init_chunk.h.
 */
#ifndef CHUNK_PARAM_H
#define CHUNK_PARAM_H

#include "core/bytes.h"
#include "usctp/engine.h"

enum param_type {
    PARAM_HEARTBEAT_INFO = 1,
    PARAM_IPV4 = 5,
    PARAM_IPV6 = 6,
    PARAM_STATE_COOKIE = 7,
    PARAM_UNRECOGNIZED = 8,
    PARAM_COOKIE_PRESERVATIVE = 9,
    PARAM_HOST_NAME = 11,
    PARAM_SUPPORTED_ADDRESS_TYPES = 12,
    PARAM_ECN_CAPABLE = 0x8000,
};

#define PARAM_HEADER_BYTES 4u

static inline bool param_unknown_is_skipped(uint16_t type) {
    return (type & 0x8000u) != 0;
}
static inline bool param_unknown_is_reported(uint16_t type) {
    return (type & 0x4000u) != 0;
}

/* Reads an IPv4 or IPv6 Address parameter. Returns false when its length is not the one its type
 * has (8, 20). */
bool param_address_parse(const struct tlv *item, struct usctp_addr *out);
/* Writes one. Handles write nothing. */
void param_address_write(struct writer *w, const struct usctp_addr *address);
/* Writes a parameter around some bytes, with padding. */
void param_write(struct writer *w, uint16_t type, const void *value, size_t bytes);

#endif
