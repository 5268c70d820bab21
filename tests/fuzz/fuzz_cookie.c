/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a State Cookie may hold when its MAC is right (RFC 9260 5.1.3-5.1.5): the MAC is a stub that
 * always agrees, so that every input reaches the decoder, and then the parser of the INIT in it.
 */
#include "assoc/state_cookie.h"
#include "chunk/init_chunk.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void *allocate(void *user, size_t bytes) {
    (void)user;
    return malloc(bytes);
}

static void release(void *user, void *memory, size_t bytes) {
    (void)user;
    (void)bytes;
    free(memory);
}

static void fill(void *user, void *out, size_t bytes) {
    (void)user;
    memset(out, 7, bytes);
}

static int mac(void *user, const uint8_t *key, size_t key_bytes, const uint8_t *data,
               size_t data_bytes, uint8_t *out) {
    (void)user, (void)key, (void)key_bytes, (void)data, (void)data_bytes;
    memset(out, 0, USCTP_MAC_BYTES);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct env env = {.given = {.allocator = {allocate, release, NULL},
                                .random = {fill, NULL},
                                .crypto = {mac, NULL}}};
    struct cookie_keys keys;
    struct cookie_content content;
    cookie_keys_init(&keys, &env);
    /* The MAC may stand at either end: zeros at both let the input through wherever it is. */
    uint8_t *cookie = calloc(1, size + 2 * USCTP_MAC_BYTES);
    if (!cookie)
        return 0;
    memcpy(cookie + USCTP_MAC_BYTES, data, size);
    for (size_t from = 0; from <= USCTP_MAC_BYTES; from += USCTP_MAC_BYTES) {
        size_t bytes = size + USCTP_MAC_BYTES;
        if (!state_cookie_open(cookie + from, bytes, &keys, &content, &env))
            continue;
        ASSERT(content.init >= cookie + from &&
               content.init + content.init_bytes <= cookie + from + bytes);
        struct tlv_cursor cursor = tlv_over(content.init, content.init_bytes);
        struct chunk chunk;
        struct init_chunk init;
        if (chunk_next(&cursor, &chunk) == TLV_ITEM)
            (void)init_chunk_parse(&chunk, &init);
    }
    free(cookie);
    return 0;
}
