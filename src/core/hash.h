/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An intrusive chained hash table that doubles as it fills.
 *
 * The caller computes the 64-bit hash and keeps a struct hash_node in what he stores. Insertion
 * cannot fail once the table is made: when it cannot grow it only gets slower.
 */
#ifndef CORE_HASH_H
#define CORE_HASH_H

#include "core/env.h"

struct hash_node {
    struct hash_node *next;
    uint64_t hash;
};

struct hash {
    struct hash_node **buckets;
    size_t bucket_count, count; /* bucket_count: a power of two */
};

int hash_init(struct hash *table, size_t buckets, struct env *env) USCTP_MUST_CHECK;
void hash_free(struct hash *table, struct env *env); /* the nodes are the caller's */
void hash_insert(struct hash *table, struct hash_node *node, uint64_t hash, struct env *env);
void hash_remove(struct hash *table, struct hash_node *node);
/* Spreads the bits of a hash over the buckets. */
static inline size_t hash_bucket(uint64_t hash, size_t bucket_count) {
    uint64_t folded = hash ^ hash >> 32;
    uint64_t spread = folded * 0x9E3779B97F4A7C15u; /* 2^64 / the golden ratio, odd */
    return (size_t)(spread >> 32) & (bucket_count - 1);
}
static inline struct hash_node *hash_with(struct hash_node *node, uint64_t hash) {
    while (node && node->hash != hash) {
        node = node->next;
    }
    return node;
}
/* The first node of this hash, and the next one after `node`; equality beyond the hash is the
 * caller's to check. */
static inline struct hash_node *hash_first(const struct hash *table, uint64_t hash) {
    return hash_with(table->buckets[hash_bucket(hash, table->bucket_count)], hash);
}
static inline struct hash_node *hash_next(const struct hash_node *node) {
    return hash_with(node->next, node->hash);
}

#endif
