/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The engine's environment on a real host (see env_host.h).
 */
#include "api/env_host.h"

#include <errno.h>
#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <time.h>

/* Random bytes by the block, as one call for them costs about as much as another. On a page of its
 * own that the kernel empties in a child after fork: what is left there are none. */
struct env_host_store {
    size_t left;
    uint8_t bytes[512];
};

static void *allocate(void *user, size_t bytes) {
    struct env_host *host = user;
    return block_cache_allocate(&host->blocks, bytes);
}

static void release(void *user, void *memory, size_t bytes) {
    struct env_host *host = user;
    block_cache_release(&host->blocks, memory, bytes);
}

static void fill_fresh(void *out, size_t bytes) {
    if (bytes <= INT_MAX && RAND_bytes(out, (int)bytes) == 1)
        return;
    /* Tags and cookie keys must not be guessable: without random numbers there is nothing to go on
     * with. */
    for (size_t done = 0; done < bytes;) {
        ssize_t n = getrandom((char *)out + done, bytes - done, 0);
        if (n > 0)
            done += (size_t)n;
        else if (errno != EINTR)
            abort();
    }
}

/* Each byte is given once, and not kept. */
static void fill(void *user, void *out, size_t bytes) {
    const struct env_host *host = user;
    struct env_host_store *store = host->store;
    if (!store || bytes > sizeof store->bytes) {
        fill_fresh(out, bytes);
        return;
    }
    if (bytes > store->left) {
        fill_fresh(store->bytes, sizeof store->bytes);
        store->left = sizeof store->bytes;
    }
    store->left -= bytes;
    memcpy(out, store->bytes + store->left, bytes);
    memset(store->bytes + store->left, 0, bytes);
}

static struct env_host_store *make_store(void) {
    void *page = mmap(NULL, sizeof(struct env_host_store), PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return NULL;
    if (madvise(page, sizeof(struct env_host_store), MADV_WIPEONFORK) == 0)
        return page;
    munmap(page, sizeof(struct env_host_store));
    return NULL;
}

/* Sets the context up; for the key of the last time, which is most often the same, at once. */
static int begin_mac(struct env_host *host, const uint8_t *key, size_t key_bytes) {
    char digest[] = "SHA256";
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                           OSSL_PARAM_construct_end()};
    if (key_bytes > 0 && key_bytes == host->key_bytes && memcmp(key, host->key, key_bytes) == 0)
        return EVP_MAC_init(host->context, NULL, 0, NULL);
    host->key_bytes = 0;
    if (EVP_MAC_init(host->context, key, key_bytes, params) != 1)
        return 0;
    if (key_bytes <= sizeof host->key) {
        memcpy(host->key, key, key_bytes);
        host->key_bytes = key_bytes;
    }
    return 1;
}

static int hmac_sha256(void *user, const uint8_t *key, size_t key_bytes, const uint8_t *data,
                       size_t data_bytes, uint8_t *out) {
    struct env_host *host = user;
    EVP_MAC_CTX *context = host->context;
    size_t length = 0;
    if (begin_mac(host, key, key_bytes) != 1 || EVP_MAC_update(context, data, data_bytes) != 1 ||
        EVP_MAC_final(context, out, &length, USCTP_MAC_BYTES) != 1)
        return -1;
    return length == USCTP_MAC_BYTES ? 0 : -1;
}

int env_host_init(struct env_host *host, struct usctp_environment *environment) {
    host->key_bytes = 0;
    host->store = NULL;
    host->blocks = (struct block_cache){.kept_bytes = 0};
    host->mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    host->context = host->mac ? EVP_MAC_CTX_new(host->mac) : NULL;
    if (!host->context) {
        env_host_free(host);
        return -ENOMEM;
    }
    host->store = make_store();
    *environment = (struct usctp_environment){
        .allocator = {.allocate = allocate, .release = release, .user = host},
        .random = {.fill = fill, .user = host},
        .crypto = {.hmac_sha256 = hmac_sha256, .user = host},
    };
    return 0;
}

void env_host_free(struct env_host *host) {
    EVP_MAC_CTX_free(host->context);
    EVP_MAC_free(host->mac);
    host->context = NULL;
    host->mac = NULL;
    OPENSSL_cleanse(host->key, sizeof host->key);
    host->key_bytes = 0;
    if (host->store) {
        OPENSSL_cleanse(host->store, sizeof *host->store);
        munmap(host->store, sizeof *host->store);
    }
    host->store = NULL;
    block_cache_free(&host->blocks);
}

uint64_t env_host_now_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec * USCTP_S + (uint64_t)now.tv_nsec / 1000u;
}
