/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The common header (RFC 9260 3.1) and the checksum's place in it (6.8).
 *
 * The walk over the chunks behind it is chunk.c's; whom a packet belongs to is decided in
 * src/assoc.
 */
#include "chunk/packet.h"

#include "core/crc32c.h"

enum { PORT_SOURCE = 0, PORT_DESTINATION = 2, TAG = 4, CHECKSUM = 8 };

enum packet_verdict packet_open(const uint8_t *packet, size_t bytes, bool check_checksum,
                                struct packet_header *header) {
    *header = (struct packet_header){0};
    if (bytes < PACKET_HEADER_BYTES)
        return PACKET_SHORT;
    header->source_port = get16(packet + PORT_SOURCE);
    header->destination_port = get16(packet + PORT_DESTINATION);
    header->tag = get32(packet + TAG);
    if (bytes < PACKET_HEADER_BYTES + 4)
        return PACKET_SHORT;
    /* RFC 9260 6.8: the checksum is looked at before anything else that was received. */
    if (check_checksum && get32(packet + CHECKSUM) != crc32c_of_packet(packet, bytes)) {
        return PACKET_BAD_CHECKSUM;
    }
    /* RFC 9260 3.1: neither port is ever 0. */
    if (header->source_port == 0 || header->destination_port == 0)
        return PACKET_BAD_PORT;
    return PACKET_OK;
}

void packet_begin(struct writer *w, const struct packet_header *header) {
    uint8_t *packet = writer_take(w, PACKET_HEADER_BYTES);
    if (!packet)
        return;
    put16(packet + PORT_SOURCE, header->source_port);
    put16(packet + PORT_DESTINATION, header->destination_port);
    put32(packet + TAG, header->tag);
    put32(packet + CHECKSUM, 0);
}

void packet_finish(uint8_t *packet, size_t bytes) {
    put32(packet + CHECKSUM, crc32c_of_packet(packet, bytes));
}
