/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Error causes (RFC 9260 3.3.10): they have the form of parameters.
 *
 * The ERROR or ABORT chunk around them is control_chunk.c's; when they are sent is decided in
 * src/assoc.
 */
#include "chunk/cause.h"

#include "chunk/param.h"

#define MAX_TEXT_BYTES 256u
#define MAX_MISSING    16u /* no chunk has as many mandatory parameters */

void cause_write(struct writer *w, uint16_t code, const void *info, size_t bytes) {
    param_write(w, code, info, bytes);
}

void cause_write_invalid_stream(struct writer *w, uint16_t sid) {
    uint8_t info[4] = {0}; /* 3.3.10.1: the second half is reserved */
    put16(info, sid);
    cause_write(w, CAUSE_INVALID_STREAM, info, sizeof info);
}

void cause_write_missing_parameters(struct writer *w, const uint16_t *types, uint32_t n) {
    uint8_t info[4 + 2 * MAX_MISSING];
    if (n > MAX_MISSING) {
        w->overflow = true;
        return;
    }
    put32(info, n);
    for (uint32_t i = 0; i < n; i++) {
        put16(info + 4 + 2 * i, types[i]);
    }
    cause_write(w, CAUSE_MISSING_PARAMETER, info, 4 + 2 * n);
}

void cause_write_stale_cookie(struct writer *w, uint32_t staleness_us) {
    uint8_t info[4];
    put32(info, staleness_us);
    cause_write(w, CAUSE_STALE_COOKIE, info, sizeof info);
}

void cause_write_no_user_data(struct writer *w, uint32_t tsn) {
    uint8_t info[4];
    put32(info, tsn);
    cause_write(w, CAUSE_NO_USER_DATA, info, sizeof info);
}

void cause_write_violation(struct writer *w, const char *text) {
    size_t bytes = 0;
    while (bytes < MAX_TEXT_BYTES && text[bytes] != '\0') {
        bytes++;
    }
    cause_write(w, CAUSE_PROTOCOL_VIOLATION, text, bytes);
}

bool cause_parse_stale_cookie(const struct tlv *item, uint32_t *staleness_us) {
    if (item->type != CAUSE_STALE_COOKIE || item->value_bytes < 4)
        return false;
    *staleness_us = get32(item->value);
    return true;
}

uint16_t cause_first_code(const uint8_t *value, size_t bytes) {
    struct tlv_cursor cursor = tlv_over(value, bytes);
    struct tlv cause;
    return tlv_next(&cursor, &cause) == TLV_ITEM ? cause.type : 0;
}

const char *cause_name(uint16_t code) {
    static const char *const names[] = {
        [CAUSE_INVALID_STREAM] = "Invalid Stream Identifier",
        [CAUSE_MISSING_PARAMETER] = "Missing Mandatory Parameter",
        [CAUSE_STALE_COOKIE] = "Stale Cookie",
        [CAUSE_OUT_OF_RESOURCE] = "Out of Resource",
        [CAUSE_UNRESOLVABLE_ADDRESS] = "Unresolvable Address",
        [CAUSE_UNRECOGNIZED_CHUNK] = "Unrecognized Chunk Type",
        [CAUSE_INVALID_PARAMETER] = "Invalid Mandatory Parameter",
        [CAUSE_UNRECOGNIZED_PARAMETERS] = "Unrecognized Parameters",
        [CAUSE_NO_USER_DATA] = "No User Data",
        [CAUSE_COOKIE_IN_SHUTDOWN] = "Cookie Received While Shutting Down",
        [CAUSE_RESTART_NEW_ADDRESSES] = "Restart of an Association with New Addresses",
        [CAUSE_USER_ABORT] = "User-Initiated Abort",
        [CAUSE_PROTOCOL_VIOLATION] = "Protocol Violation",
    };
    bool known = code >= CAUSE_INVALID_STREAM && code <= CAUSE_PROTOCOL_VIOLATION;
    return known ? names[code] : "unknown cause";
}
