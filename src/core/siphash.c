/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SipHash-2-4 with a 128-bit key and a 64-bit result, after Aumasson and Bernstein, "SipHash: a
 * fast short-input PRF" (2012), section 2.
 *
 * The hash tables that use it are hash.c's; the keys are drawn by the engine.
 */
#include "core/siphash.h"

struct state {
    uint64_t v0, v1, v2, v3;
};

static uint64_t rotate_left(uint64_t x, unsigned bits) {
    return x << bits | x >> (64 - bits);
}

static uint64_t get64_little(const uint8_t *p) {
    uint64_t x = 0;
    for (unsigned i = 0; i < 8; i++) {
        x |= (uint64_t)p[i] << (8 * i);
    }
    return x;
}

static void sip_round(struct state *s) {
    s->v0 += s->v1;
    s->v2 += s->v3;
    s->v1 = rotate_left(s->v1, 13) ^ s->v0;
    s->v3 = rotate_left(s->v3, 16) ^ s->v2;
    s->v0 = rotate_left(s->v0, 32);
    s->v2 += s->v1;
    s->v0 += s->v3;
    s->v1 = rotate_left(s->v1, 17) ^ s->v2;
    s->v3 = rotate_left(s->v3, 21) ^ s->v0;
    s->v2 = rotate_left(s->v2, 32);
}

static void absorb(struct state *s, uint64_t word) {
    s->v3 ^= word;
    sip_round(s);
    sip_round(s);
    s->v0 ^= word;
}

uint64_t siphash(const uint8_t *key16, const uint8_t *data, size_t bytes) {
    uint64_t k0 = get64_little(key16), k1 = get64_little(key16 + 8);
    struct state s = {
        k0 ^ 0x736f6d6570736575u,
        k1 ^ 0x646f72616e646f6du,
        k0 ^ 0x6c7967656e657261u,
        k1 ^ 0x7465646279746573u,
    };
    uint64_t last = (uint64_t)bytes << 56;
    for (; bytes >= 8; data += 8, bytes -= 8) {
        absorb(&s, get64_little(data));
    }
    for (size_t i = 0; i < bytes; i++) {
        last |= (uint64_t)data[i] << (8 * i);
    }
    absorb(&s, last);
    s.v2 ^= 0xff;
    for (int i = 0; i < 4; i++) {
        sip_round(&s);
    }
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
