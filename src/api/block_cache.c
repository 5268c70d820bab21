/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Released blocks that are kept (see block_cache.h).
 */
#include "api/block_cache.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_WATCHED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define IS_WATCHED true
#endif
#endif
#ifndef IS_WATCHED
#define IS_WATCHED false
#endif

static size_t class_of(size_t bytes) {
    return bytes > 0 ? (bytes - 1) / BLOCK_CACHE_STEP_BYTES : 0;
}

static size_t class_bytes(size_t which) {
    return (which + 1) * BLOCK_CACHE_STEP_BYTES;
}

static void *take(struct block_cache *cache, size_t which) {
    void *memory = cache->kept[which];
    memcpy(&cache->kept[which], memory, sizeof memory);
    cache->kept_bytes -= class_bytes(which);
    return memory;
}

void *block_cache_allocate(struct block_cache *cache, size_t bytes) {
    size_t which = class_of(bytes);
    if (which >= BLOCK_CACHE_CLASSES)
        return malloc(bytes);
    return cache->kept[which] ? take(cache, which) : malloc(class_bytes(which));
}

void block_cache_release(struct block_cache *cache, void *memory, size_t bytes) {
    size_t which = class_of(bytes);
    if (IS_WATCHED || !memory || which >= BLOCK_CACHE_CLASSES ||
        cache->kept_bytes + class_bytes(which) > BLOCK_CACHE_MAX_BYTES) {
        free(memory);
        return;
    }
    memcpy(memory, &cache->kept[which], sizeof memory);
    cache->kept[which] = memory;
    cache->kept_bytes += class_bytes(which);
}

void block_cache_free(struct block_cache *cache) {
    for (size_t which = 0; which < BLOCK_CACHE_CLASSES; which++)
        while (cache->kept[which])
            free(take(cache, which));
}
