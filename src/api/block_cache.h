/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory blocks that were released and wait to be asked for again, by their size.
 *
 * A message is a block or two at either end, and hundreds are taken and given back in turn, which
 * is more than the C library keeps at hand for a thread. What is kept is bounded. Builds with a
 * sanitizer keep nothing, so that it sees every block's end.
 */
#ifndef API_BLOCK_CACHE_H
#define API_BLOCK_CACHE_H

#include <stddef.h>

enum {
    BLOCK_CACHE_STEP_BYTES = 16,
    BLOCK_CACHE_CLASSES = 128, /* up to 2048 bytes: a fragment of an Ethernet packet */
    BLOCK_CACHE_MAX_BYTES = 512 * 1024,
};

struct block_cache {
    void *kept[BLOCK_CACHE_CLASSES]; /* each holds the address of the next */
    size_t kept_bytes;
};

/* As malloc and free; `bytes` is the same for both. */
void *block_cache_allocate(struct block_cache *cache, size_t bytes);
void block_cache_release(struct block_cache *cache, void *memory, size_t bytes);
/* Gives all that is kept back. */
void block_cache_free(struct block_cache *cache);

#endif
