/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The engine's numbers as words, for people and for JSON: states (RFC 9260 4), states of paths (RFC
 * 7829), timers, chunk types (RFC 9260 3.2), why something ended or was dropped.  A number that has
 * no name is "unknown".
 */
#ifndef COMMON_NAMES_H
#define COMMON_NAMES_H

#include <stdint.h>

const char *names_state(uint64_t state);           /* enum usctp_assoc_state */
const char *names_path_state(uint64_t path_state); /* enum usctp_path_state */
const char *names_pmtu_state(uint64_t state);      /* enum usctp_pmtu_state */
const char *names_timer(uint64_t timer);           /* a of USCTP_TRACE_TIMER */
const char *names_chunk(unsigned type);
const char *names_drop(uint64_t drop); /* enum usctp_drop */
/* How an association ended: 0 or an enum usctp_error. */
const char *names_end(int error);

#endif
