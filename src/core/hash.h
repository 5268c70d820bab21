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
/* The first node of this hash, and the next one after `node`; equality beyond the hash is the
 * caller's to check. */
struct hash_node *hash_first(const struct hash *table, uint64_t hash);
struct hash_node *hash_next(const struct hash_node *node);

#endif
