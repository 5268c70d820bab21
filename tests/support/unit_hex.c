/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Hexadecimal text to bytes, and their comparison: see unit_hex.h.
 */
#include "support/unit_hex.h"

#include <stdio.h>
#include <stdlib.h>

#define MAX_BLOCKS 4096

static void *blocks[MAX_BLOCKS];
static size_t block_count;

static struct unit_bytes keep(uint8_t *data, size_t count) {
    if (block_count == MAX_BLOCKS)
        ck_abort_msg("too many blocks");
    blocks[block_count++] = data;
    return (struct unit_bytes){data, count};
}

static uint8_t *exactly(size_t count) {
    uint8_t *data = malloc(count); /* of no bytes: whatever it is, it may not be read */
    if (!data && count > 0)
        ck_abort_msg("no memory");
    return data;
}

static int digit(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Writes the text's bytes to `out` when there is one; returns how many they are. */
static size_t decode(const char *text, uint8_t *out) {
    size_t digits = 0;
    for (const char *p = text; *p; p++) {
        if (*p == '#') {
            while (p[1] && p[1] != '\n') {
                p++;
            }
            continue;
        }
        if (*p == ' ' || *p == '\n')
            continue;
        int value = digit(*p);
        if (value < 0)
            ck_abort_msg("not hexadecimal: '%c' in %s", *p, text);
        if (out && digits % 2 == 0)
            out[digits / 2] = (uint8_t)(value << 4);
        if (out && digits % 2 == 1)
            out[digits / 2] = (uint8_t)(out[digits / 2] | value);
        digits++;
    }
    if (digits % 2 != 0)
        ck_abort_msg("half a byte in %s", text);
    return digits / 2;
}

struct unit_bytes unit_hex(const char *text) {
    size_t count = decode(text, NULL);
    uint8_t *data = exactly(count);
    if (count > 0)
        decode(text, data);
    return keep(data, count);
}

struct unit_bytes unit_hex_fill(uint8_t value, size_t count) {
    uint8_t *data = exactly(count);
    if (count > 0)
        memset(data, value, count);
    return keep(data, count);
}

struct unit_bytes unit_hex_copy(const void *data, size_t count) {
    uint8_t *copy = exactly(count);
    if (count > 0)
        memcpy(copy, data, count);
    return keep(copy, count);
}

void unit_hex_free(void) {
    while (block_count > 0) {
        free(blocks[--block_count]);
    }
}

static void show(const char *what, const uint8_t *data, size_t count) {
    fprintf(stderr, "%s, %zu bytes:", what, count);
    for (size_t i = 0; i < count && i < 512; i++) {
        fprintf(stderr, "%s%02x", i % 16 == 0 ? "\n  " : i % 4 == 0 ? "  " : " ", data[i]);
    }
    fprintf(stderr, "\n");
}

void unit_hex_check(const uint8_t *data, size_t count, const char *text, const char *file,
                    int line) {
    struct unit_bytes wanted = unit_hex(text);
    if (wanted.count == count && (count == 0 || memcmp(wanted.data, data, count) == 0))
        return;
    show("wanted", wanted.data, wanted.count);
    show("got", data, count);
    ck_abort_msg("%s:%d: other bytes than wanted", file, line);
}

struct writer unit_hex_writer(void) {
    struct unit_bytes memory = unit_hex_fill(0xee, UNIT_HEX_WRITER_BYTES);
    return writer_over(memory.data, memory.count);
}
