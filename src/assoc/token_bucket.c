/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tokens come one by one, per_second of them a second; what does not fit is lost.
 */
#include "assoc/token_bucket.h"

#include "usctp/config.h"

static uint64_t capacity(const struct token_bucket *b) {
    return b->per_second / 10 + 1;
}

void token_bucket_init(struct token_bucket *b, uint64_t per_second, uint64_t now_us) {
    *b = (struct token_bucket){.per_second = per_second, .filled_us = now_us};
    b->tokens = capacity(b);
}

static void fill(struct token_bucket *b, uint64_t now_us) {
    uint64_t elapsed_us = now_us > b->filled_us ? now_us - b->filled_us : 0;
    uint64_t missing = capacity(b) - b->tokens;
    /* Long enough for any bucket to be full; and what follows cannot overflow. */
    uint64_t fresh =
        elapsed_us >= 10ull * USCTP_S ? missing + 1 : elapsed_us * b->per_second / USCTP_S;
    if (fresh > missing) {
        b->tokens += missing;
        b->filled_us = now_us;
    } else if (fresh > 0) { /* the part of a token that has come already is kept */
        b->tokens += fresh;
        b->filled_us += (fresh * USCTP_S + b->per_second - 1) / b->per_second;
    }
}

bool token_bucket_take(struct token_bucket *b, uint64_t now_us) {
    fill(b, now_us);
    if (b->tokens == 0)
        return false;
    b->tokens--;
    return true;
}
