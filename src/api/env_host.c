/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The engine's environment on a real host (see env_host.h).
 */
#include "api/env_host.h"

#include <errno.h>
#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

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

static int hmac_sha256(void *user, const uint8_t *key, size_t key_bytes, const uint8_t *data,
                       size_t data_bytes, uint8_t *out) {
    const struct env_host *host = user;
    EVP_MAC_CTX *context = host->context;
    char digest[] = "SHA256";
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                           OSSL_PARAM_construct_end()};
    size_t length = 0;
    if (EVP_MAC_init(context, key, key_bytes, params) != 1 ||
        EVP_MAC_update(context, data, data_bytes) != 1 ||
        EVP_MAC_final(context, out, &length, USCTP_MAC_BYTES) != 1)
        return -1;
    return length == USCTP_MAC_BYTES ? 0 : -1;
}

int env_host_init(struct env_host *host, struct usctp_environment *environment) {
    host->mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    host->context = host->mac ? EVP_MAC_CTX_new(host->mac) : NULL;
    if (!host->context) {
        env_host_free(host);
        return -ENOMEM;
    }
    *environment = (struct usctp_environment){
        .allocator = {.allocate = allocate, .release = release},
        .random = {.fill = fill},
        .crypto = {.hmac_sha256 = hmac_sha256, .user = host},
    };
    return 0;
}

void env_host_free(struct env_host *host) {
    EVP_MAC_CTX_free(host->context);
    EVP_MAC_free(host->mac);
    host->context = NULL;
    host->mac = NULL;
}

uint64_t env_host_now_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec * USCTP_S + (uint64_t)now.tv_nsec / 1000u;
}
