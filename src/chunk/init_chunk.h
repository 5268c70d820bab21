/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * INIT and INIT ACK (RFC 9260 3.3.2, 3.3.3): fixed fields, parameters, and which of them are
 * unknown.
 *
 * The parser checks form and collects; what the values mean for the handshake is in
 * src/assoc/handshake.c.
 */
#ifndef CHUNK_INIT_CHUNK_H
#define CHUNK_INIT_CHUNK_H

#include "chunk/chunk.h"
#include "chunk/param.h"

#define INIT_FIXED_BYTES 16u /* after the chunk header */
#define INIT_MAX_UNKNOWN 16u

struct init_chunk {
    uint32_t tag, a_rwnd, initial_tsn;
    uint16_t outbound_streams, inbound_streams;
    struct usctp_addr
        addresses[USCTP_MAX_ADDRESSES]; /* as listed, duplicates dropped, further ones ignored */
    uint32_t address_count, ignored_address_count;
    const uint8_t *cookie; /* INIT ACK's State Cookie; NULL when absent */
    uint16_t cookie_bytes;
    uint32_t cookie_preservative_ms; /* 0: none */
    bool has_supported_types, supports_ipv4, supports_ipv6;
    bool has_host_name;
    bool has_ecn;
    const uint8_t *parameters; /* all of them, after the fixed fields */
    uint16_t parameters_bytes;
    struct {
        const uint8_t
            *start; /* of an unknown parameter that is to be reported (3.2.1), header included */
        uint16_t length;
    } unknown[INIT_MAX_UNKNOWN];
    uint32_t unknown_count;
    struct { /* INIT ACK: what the peer did not know of our INIT */
        const uint8_t *value;
        uint16_t bytes;
    } unrecognized;
};

enum init_verdict {
    INIT_OK,
    INIT_MALFORMED,    /* a length that cannot be: Protocol Violation (3.3.10.13) */
    INIT_ZERO_TAG,     /* 3.3.2: drop; 3.3.3: destroy the association after the tag check */
    INIT_ZERO_STREAMS, /* OS or MIS of 0 */
    INIT_SMALL_WINDOW, /* a_rwnd below 1500 */
    INIT_HOST_NAME,    /* a Host Name Address parameter: ABORT (3.3.2.1.4) */
};

/* Reads the chunk's value, borrowed from the packet. Fills *out as far as it came; a tag is there
   unless MALFORMED with fewer than INIT_FIXED_BYTES. Verdicts other than MALFORMED are by the first
   rule broken in the enumeration's order. */
enum init_verdict init_chunk_parse(const struct chunk *chunk, struct init_chunk *out);

/* What init_chunk_write puts on the wire. */
struct init_content {
    uint32_t tag, a_rwnd, initial_tsn;
    uint16_t outbound_streams, inbound_streams;
    const struct usctp_addr *addresses;
    uint32_t address_count;
    bool lists_supported_types, supports_ipv4, supports_ipv6;
    uint32_t cookie_preservative_ms; /* 0: none */
};

/* Writes INIT or INIT ACK up to and without the cookie and unrecognized parameters, which the
   caller appends with param_write before chunk_end. Returns the header for chunk_end. */
uint8_t *init_chunk_begin(struct writer *w, uint8_t type, const struct init_content *content);

#endif
