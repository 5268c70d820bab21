/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The constant-time comparison, for message authentication codes (RFC 9260 5.1.5: the State
 * Cookie).
 *
 * It is our own because the engine links no cipher library. Everything else about bytes is inline
 * in bytes.h: network order, the writer, and the cursor over type-length-value items.
 */
#include "core/bytes.h"

bool bytes_equal_constant_time(const uint8_t *a, const uint8_t *b, size_t bytes) {
    /* Volatile, or the compiler may leave the loop at the first difference. */
    volatile uint8_t difference = 0;
    for (size_t i = 0; i < bytes; i++) {
        difference = (uint8_t)(difference | (a[i] ^ b[i]));
    }
    return difference == 0;
}
