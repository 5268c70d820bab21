/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Serial numbers (RFC 1982, RFC 9260 1.6): comparison of TSNs and SSNs around their wrap, and
 * unwrapping.
 *
 * Inside, TSNs are unwrapped to 64 bits as soon as a reference near them is known, so that ranges
 * and queues compare plainly; only the wire and the reports to the application have 32 bits.
 */
#ifndef CORE_SERIAL_H
#define CORE_SERIAL_H

#include <stdbool.h>
#include <stdint.h>

static inline bool serial32_lt(uint32_t a, uint32_t b) {
    return (int32_t)(a - b) < 0;
}
static inline bool serial32_lte(uint32_t a, uint32_t b) {
    return (int32_t)(a - b) <= 0;
}
static inline bool serial16_lt(uint16_t a, uint16_t b) {
    return (int16_t)(uint16_t)(a - b) < 0;
}
/* The 64-bit number nearest to `reference` whose low 32 bits are `tsn`. References start at 2^32 +
 * the initial TSN. */
static inline uint64_t serial_unwrap(uint64_t reference, uint32_t tsn) {
    return reference + (uint64_t)(int64_t)(int32_t)(tsn - (uint32_t)reference);
}
/* The reference for a first TSN. */
static inline uint64_t serial_first(uint32_t tsn) {
    return ((uint64_t)1 << 32) + tsn;
}
static inline uint32_t serial_wire(uint64_t unwrapped) {
    return (uint32_t)unwrapped;
}

#endif
