/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Error causes (RFC 9260 3.3.10) of ERROR and ABORT chunks: codes, and a writer for each.
 *
 * Each writer appends one cause with padding, and leaves the writer's overflow flag set when there
 * was no room.
 */
#ifndef CHUNK_CAUSE_H
#define CHUNK_CAUSE_H

#include "core/bytes.h"
#include "usctp/engine.h"

enum cause_code {
    CAUSE_INVALID_STREAM = 1,
    CAUSE_MISSING_PARAMETER = 2,
    CAUSE_STALE_COOKIE = 3,
    CAUSE_OUT_OF_RESOURCE = 4,
    CAUSE_UNRESOLVABLE_ADDRESS = 5,
    CAUSE_UNRECOGNIZED_CHUNK = 6,
    CAUSE_INVALID_PARAMETER = 7,
    CAUSE_UNRECOGNIZED_PARAMETERS = 8,
    CAUSE_NO_USER_DATA = 9,
    CAUSE_COOKIE_IN_SHUTDOWN = 10,
    CAUSE_RESTART_NEW_ADDRESSES = 11,
    CAUSE_USER_ABORT = 12,
    CAUSE_PROTOCOL_VIOLATION = 13,
};

/* Any cause around some bytes: UNRECOGNIZED_CHUNK, UNRECOGNIZED_PARAMETERS, UNRESOLVABLE_ADDRESS,
   RESTART_NEW_ADDRESSES, USER_ABORT, PROTOCOL_VIOLATION, and with none OUT_OF_RESOURCE,
   INVALID_PARAMETER, COOKIE_IN_SHUTDOWN. */
void cause_write(struct writer *w, uint16_t code, const void *info, size_t bytes);
void cause_write_invalid_stream(struct writer *w, uint16_t sid);
void cause_write_missing_parameters(struct writer *w, const uint16_t *types, uint32_t n);
void cause_write_stale_cookie(struct writer *w, uint32_t staleness_us);
void cause_write_no_user_data(struct writer *w, uint32_t tsn);
/* Protocol Violation with a text. */
void cause_write_violation(struct writer *w, const char *text);

/* Reads a Stale Cookie cause's measure of staleness. Returns false when it is too short to have
 * one. */
bool cause_parse_stale_cookie(const struct tlv *item, uint32_t *staleness_us);
/* The code of the first cause of an ERROR or ABORT chunk's value, or 0. */
uint16_t cause_first_code(const uint8_t *value, size_t bytes);
const char *cause_name(uint16_t code);

#endif
