/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A rate with a little to spare: what answers strangers is held to so many packets a second
 * (RFC 9260 8.4, 5.1, 12.4).
 *
 * A bookkeeper: it counts tokens. Who is refused one counts that himself (out_of_the_blue.c).
 */
#ifndef ASSOC_TOKEN_BUCKET_H
#define ASSOC_TOKEN_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

struct token_bucket {
    uint64_t per_second, tokens;
    uint64_t filled_us; /* the time up to which tokens have been put in */
};

/* Full: it holds a tenth of a second's tokens, and one more. */
void token_bucket_init(struct token_bucket *b, uint64_t per_second, uint64_t now_us);
/* Takes a token. Returns false when there is none. */
bool token_bucket_take(struct token_bucket *b, uint64_t now_us);

#endif
