/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SCTP packets, made byte by byte from RFC 9260 section 3, for peers that are played by a test.
 * Shares no code with src/chunk, so that what the engine parses was not written by its own writer;
 * can also make what no sane peer sends.
 *
 * builder_chunk opens a chunk, builder_param a parameter or error cause inside it; the next of its
 * kind, or builder_finish, closes it: length field, padding, checksum.
 */
#ifndef SUPPORT_PACKET_BUILDER_H
#define SUPPORT_PACKET_BUILDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum wire_chunk { /* RFC 9260 3.2 table 1 */
                  WIRE_DATA = 0,
                  WIRE_INIT = 1,
                  WIRE_INIT_ACK = 2,
                  WIRE_SACK = 3,
                  WIRE_HEARTBEAT = 4,
                  WIRE_HEARTBEAT_ACK = 5,
                  WIRE_ABORT = 6,
                  WIRE_SHUTDOWN = 7,
                  WIRE_SHUTDOWN_ACK = 8,
                  WIRE_ERROR = 9,
                  WIRE_COOKIE_ECHO = 10,
                  WIRE_COOKIE_ACK = 11,
                  WIRE_SHUTDOWN_COMPLETE = 14,
                  WIRE_PAD = 0x84, /* RFC 4820 3 */
};

enum data_bit { BIT_E = 1, BIT_B = 2, BIT_U = 4, BIT_I = 8, BIT_BE = 3 };
#define BIT_T 1u /* ABORT, SHUTDOWN COMPLETE */

struct packet_builder {
    uint8_t bytes[65536];
    size_t used;
    size_t chunk_at, param_at; /* 0: none open */
    bool bad_checksum;         /* leave a wrong checksum */
};

void builder_start(struct packet_builder *b, uint16_t source_port, uint16_t destination_port,
                   uint32_t tag);
void builder_chunk(struct packet_builder *b, unsigned type, unsigned flags);
void builder_param(struct packet_builder *b, unsigned type);
void builder_u8(struct packet_builder *b, unsigned value);
void builder_u16(struct packet_builder *b, unsigned value);
void builder_u32(struct packet_builder *b, uint32_t value);
void builder_bytes(struct packet_builder *b, const void *bytes, size_t count);
void builder_fill(struct packet_builder *b, unsigned value, size_t count);
/* Closes what is open and writes the checksum. */
void builder_finish(struct packet_builder *b);

struct builder_data {
    uint32_t tsn, ppid;
    uint16_t sid, ssn;
    unsigned bits; /* enum data_bit */
};
void builder_data_chunk(struct packet_builder *b, const struct builder_data *data,
                        const void *payload, size_t bytes);
struct builder_init {
    uint32_t tag, rwnd, tsn;
    uint16_t os, mis;
};
/* type: WIRE_INIT or WIRE_INIT_ACK; parameters may follow with builder_param. */
void builder_init_chunk(struct packet_builder *b, unsigned type, const struct builder_init *init);
/* gaps: "2-3 5-5", offsets as on the wire; NULL or "": none. dups: count of duplicate TSNs. */
void builder_sack(struct packet_builder *b, uint32_t cumulative, uint32_t rwnd, const char *gaps,
                  const uint32_t *dups, size_t dup_count);
void builder_shutdown(struct packet_builder *b, uint32_t cumulative);

/* CRC32c, one bit at a time (RFC 9260 appendix A). */
uint32_t crc32c_bitwise(const uint8_t *bytes, size_t count);
uint16_t load16(const uint8_t *p);
uint32_t load32(const uint8_t *p);

#endif
