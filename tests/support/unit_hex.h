/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Bytes written by hand, for the tests of what goes over the wire.
 *
 * A text of hexadecimal digits, in which blanks and line ends mean nothing and '#' begins a comment
 * up to the end of its line. Memory is exactly as long as the bytes, so that a sanitizer sees a
 * read past their end, and is given back by unit_hex_free.
 */
#ifndef SUPPORT_UNIT_HEX_H
#define SUPPORT_UNIT_HEX_H

#include "core/bytes.h"

#include <check.h>

struct unit_bytes {
    uint8_t *data;
    size_t count;
};

struct unit_bytes unit_hex(const char *text);
/* `count` bytes of one value, or a copy of `data`. */
struct unit_bytes unit_hex_fill(uint8_t value, size_t count);
struct unit_bytes unit_hex_copy(const void *data, size_t count);
/* Gives back everything made since the last call: for a test's teardown. */
void unit_hex_free(void);

/* Fails, showing both, unless data holds just the bytes of the text. */
void unit_hex_check(const uint8_t *data, size_t count, const char *text, const char *file,
                    int line);
#define unit_hex_equal(data, count, text) unit_hex_check(data, count, text, __FILE__, __LINE__)

/* A writer over a test's own memory, and what it wrote. */
#define UNIT_HEX_WRITER_BYTES 70000u
struct writer unit_hex_writer(void);
#define unit_hex_wrote(w, text)                                                                    \
    do {                                                                                           \
        ck_assert(!(w)->overflow);                                                                 \
        unit_hex_check((w)->start, writer_used(w), text, __FILE__, __LINE__);                      \
    } while (0)

#endif
