/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A chained hash table over nodes that live in what the caller stores.
 *
 * Where a peer chooses the keys the caller hashes with siphash.c; here bits are only spread, so
 * that hashes with fixed low bits (ids, steered tags) do not share buckets.
 */
#include "core/hash.h"

#include <string.h>

#define BUCKET_BYTES sizeof(struct hash_node *)

int hash_init(struct hash *table, size_t buckets, struct env *env) {
    memset(table, 0, sizeof *table);
    size_t bucket_count = 1;
    while (bucket_count < buckets) {
        if (bucket_count > SIZE_MAX / 2 / BUCKET_BYTES)
            return USCTP_ERR_NO_MEMORY;
        bucket_count *= 2;
    }
    table->buckets = env_allocate(env, bucket_count * BUCKET_BYTES);
    if (!table->buckets)
        return USCTP_ERR_NO_MEMORY;
    table->bucket_count = bucket_count;
    return 0;
}

void hash_free(struct hash *table, struct env *env) {
    env_release(env, table->buckets, table->bucket_count * BUCKET_BYTES);
    memset(table, 0, sizeof *table);
}

static void grow(struct hash *table, struct env *env) {
    if (table->bucket_count > SIZE_MAX / 2 / BUCKET_BYTES)
        return;
    size_t bucket_count = table->bucket_count * 2;
    struct hash_node **buckets = env_allocate(env, bucket_count * BUCKET_BYTES);
    if (!buckets)
        return;
    for (size_t i = 0; i < table->bucket_count; i++) {
        struct hash_node *next;
        for (struct hash_node *node = table->buckets[i]; node; node = next) {
            struct hash_node **head = &buckets[hash_bucket(node->hash, bucket_count)];
            next = node->next;
            node->next = *head;
            *head = node;
        }
    }
    env_release(env, table->buckets, table->bucket_count * BUCKET_BYTES);
    table->buckets = buckets;
    table->bucket_count = bucket_count;
}

void hash_insert(struct hash *table, struct hash_node *node, uint64_t hash, struct env *env) {
    if (table->count >= table->bucket_count)
        grow(table, env);
    struct hash_node **head = &table->buckets[hash_bucket(hash, table->bucket_count)];
    node->hash = hash;
    node->next = *head;
    *head = node;
    table->count++;
}

void hash_remove(struct hash *table, struct hash_node *node) {
    struct hash_node **at = &table->buckets[hash_bucket(node->hash, table->bucket_count)];
    while (*at && *at != node) {
        at = &(*at)->next;
    }
    ASSERT(*at);
    *at = node->next;
    node->next = NULL;
    table->count--;
}
