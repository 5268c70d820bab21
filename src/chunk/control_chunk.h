/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Chunks that are a header and at most one field: HEARTBEAT and its ACK (3.3.5, 3.3.6), SHUTDOWN
 * (3.3.8), SHUTDOWN ACK (3.3.9), COOKIE ECHO (3.3.11), COOKIE ACK (3.3.12), SHUTDOWN COMPLETE
 * (3.3.13), ABORT and ERROR around causes (3.3.7, 3.3.10).
 */
#ifndef CHUNK_CONTROL_CHUNK_H
#define CHUNK_CONTROL_CHUNK_H

#include "chunk/chunk.h"

/* Writes a chunk around some bytes, with padding. */
void control_chunk_write(struct writer *w, uint8_t type, uint8_t flags, const void *value,
                         size_t bytes);
void control_chunk_write_shutdown(struct writer *w, uint32_t cumulative_tsn);
/* PAD of so many bytes in all, zeros (RFC 4820 3); a multiple of 4, at least 4. */
void control_chunk_write_pad(struct writer *w, uint16_t bytes);
/* HEARTBEAT with a Heartbeat Info parameter around `info`. */
void control_chunk_write_heartbeat(struct writer *w, const void *info, size_t bytes);

/* SHUTDOWN's Cumulative TSN Ack. Returns false when the length is not 8. */
bool control_chunk_parse_shutdown(const struct chunk *chunk, uint32_t *cumulative_tsn);
/* The Heartbeat Info of a HEARTBEAT or HEARTBEAT ACK, header excluded. Returns false when it is
 * absent or malformed. */
bool control_chunk_parse_heartbeat(const struct chunk *chunk, const uint8_t **info,
                                   uint16_t *bytes);

#endif
