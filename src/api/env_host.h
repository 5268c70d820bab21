/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the engine is given on a real host: malloc's memory, libcrypto's random numbers and
 * HMAC-SHA-256, and the clock.
 */
#ifndef API_ENV_HOST_H
#define API_ENV_HOST_H

#include "api/block_cache.h"
#include "usctp/engine.h"

enum { ENV_HOST_KEY_BYTES = 64 };

/* All of it is used under the stack's lock. */
struct env_host {
    void *mac;     /* EVP_MAC, fetched once */
    void *context; /* EVP_MAC_CTX */
    /* The key that the context is set up with, 0 bytes: none. */
    uint8_t key[ENV_HOST_KEY_BYTES];
    size_t key_bytes;
    struct env_host_store *store; /* random bytes not given yet, or NULL */
    struct block_cache blocks;
};

/* Fetches what is needed from libcrypto and fills *environment, which points to *host. Returns 0 or
 * a negative errno. */
int env_host_init(struct env_host *host, struct usctp_environment *environment);
void env_host_free(struct env_host *host);
/* CLOCK_BOOTTIME, which also counts while the host is suspended. */
uint64_t env_host_now_us(void);

#endif
