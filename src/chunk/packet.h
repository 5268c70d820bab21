/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The SCTP common header (RFC 9260 3.1) and the packet around the chunks.
 */
#ifndef CHUNK_PACKET_H
#define CHUNK_PACKET_H

#include "core/bytes.h"

#define PACKET_HEADER_BYTES 12u

struct packet_header {
    uint16_t source_port, destination_port;
    uint32_t tag;
};

enum packet_verdict { PACKET_OK, PACKET_SHORT, PACKET_BAD_CHECKSUM, PACKET_BAD_PORT };

/* Reads the header of a packet. PACKET_SHORT: under 12 bytes, or no chunk header follows. BAD_PORT:
 * a port is 0. */
enum packet_verdict packet_open(const uint8_t *packet, size_t bytes, bool check_checksum,
                                struct packet_header *header);
/* Writes a header with a checksum of zero at the writer's place, which is its start. */
void packet_begin(struct writer *w, const struct packet_header *header);
/* Puts the CRC32c into a finished packet. */
void packet_finish(uint8_t *packet, size_t bytes);

#endif
