/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SCTP packets, taken apart without src/chunk: into structs, and into one line of text a chunk,
 * such as "SACK cum=2 rwnd=1000 gaps=[2-3] dups=[]" or "DATA tsn=0 sid=1 ssn=0 ppid=7 BE len=100".
 *
 * The reader is strict: it also says what RFC 9260 forbids a sender (3, 3.2, 3.3, 6.10): lengths,
 * padding, order, bundling, reserved bits. TSNs are printed as the distance from a base, so that a
 * script need not know random numbers.
 */
#ifndef SUPPORT_PACKET_READER_H
#define SUPPORT_PACKET_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define READ_MAX_CHUNKS 512u

struct read_chunk {
    uint8_t type, flags;
    uint16_t length;      /* as on the wire */
    const uint8_t *value; /* behind the chunk header */
    size_t value_bytes;
    /* by type, else 0 */
    uint32_t tsn, ppid; /* DATA; INIT: initial TSN */
    uint16_t sid, ssn;
    uint32_t tag, rwnd, cumulative; /* INIT, SACK, SHUTDOWN */
    uint16_t os, mis;
    uint16_t gap_count, dup_count;
    const uint8_t *params; /* INIT, HEARTBEAT: parameters; ABORT, ERROR: causes */
    size_t params_bytes;
};

struct read_packet {
    uint16_t source_port, destination_port;
    uint32_t tag;
    size_t chunk_count;
    struct read_chunk chunk[READ_MAX_CHUNKS];
};

struct tsn_bases {
    uint32_t data; /* of DATA's TSN */
    uint32_t ack;  /* of what a SACK or SHUTDOWN acknowledges */
};

/* Reads a packet, whose bytes are borrowed. Returns NULL, or what is wrong with it. */
const char *reader_packet(struct read_packet *out, const uint8_t *bytes, size_t count,
                          bool check_crc);
/* Writes the chunk's line. bases may be NULL: absolute TSNs. */
void reader_print(const struct read_chunk *chunk, const struct tsn_bases *bases, char *out,
                  size_t size);
/* Finds a parameter or cause (`index`-th of its type). Returns its value, or NULL. */
const uint8_t *reader_param(const struct read_chunk *chunk, unsigned type, unsigned index,
                            size_t *bytes);
const char *reader_chunk_name(unsigned type);
/* True when text matches pattern, in which '*' stands for anything. */
bool text_matches(const char *text, const char *pattern);

#endif
