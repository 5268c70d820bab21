/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A fuzzer's input, read from the front. What is behind its end reads as zeros, so that a target
 * needs no special case for short inputs.
 */
#ifndef SUPPORT_FUZZ_INPUT_H
#define SUPPORT_FUZZ_INPUT_H

#include <stddef.h>
#include <stdint.h>

struct fuzz_input {
    const uint8_t *at, *end;
};

static inline uint8_t fuzz_u8(struct fuzz_input *in) {
    return in->at < in->end ? *in->at++ : 0;
}

static inline uint16_t fuzz_u16(struct fuzz_input *in) {
    unsigned high = fuzz_u8(in);
    return (uint16_t)(high << 8 | fuzz_u8(in));
}

static inline uint32_t fuzz_u32(struct fuzz_input *in) {
    uint32_t high = fuzz_u16(in);
    return high << 16 | fuzz_u16(in);
}

static inline size_t fuzz_left(const struct fuzz_input *in) {
    return (size_t)(in->end - in->at);
}

/* Takes up to `most` bytes: stores how many, returns where they are. */
static inline const uint8_t *fuzz_take(struct fuzz_input *in, size_t most, size_t *bytes) {
    const uint8_t *at = in->at;
    *bytes = most < fuzz_left(in) ? most : fuzz_left(in);
    in->at += *bytes;
    return at;
}

#endif
