/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A hash table of counted structs (see config_pool.h), found by their bytes. Padding is zeroed
 * before that, so that equal values have equal bytes.
 */
#include "core/config_pool.h"

#include "core/siphash.h"

#include <string.h>

struct pooled {
    struct usctp_config values;
    struct hash_node node;
    uint64_t holders;
};

/* The keys are our own user's: no secret is needed. */
static const uint8_t key[16];

static uint64_t hash_of(const struct usctp_config *values) {
    return siphash(key, (const uint8_t *)values, sizeof *values);
}

static struct pooled *pooled_of(const struct usctp_config *held) {
    return container_of(held, struct pooled, values);
}

int config_pool_init(struct config_pool *pool, struct env *env) {
    return hash_init(&pool->configs, 4, env);
}

void config_pool_free(struct config_pool *pool, struct env *env) {
    ASSERT(pool->configs.count == 0);
    hash_free(&pool->configs, env);
}

/* What is not a field is zero. */
static void copy_clean(struct usctp_config *out, const struct usctp_config *values) {
    memset(out, 0, sizeof *out);
    out->size = values->size;
#define COPY(name, type, unit, minimum, initial, maximum, scope, section) out->name = values->name;
    USCTP_CONFIG_TABLE(COPY)
#undef COPY
}

const struct usctp_config *config_pool_take(struct config_pool *pool,
                                            const struct usctp_config *values, struct env *env) {
    struct usctp_config clean;
    copy_clean(&clean, values);
    uint64_t hash = hash_of(&clean);
    struct hash_node *node = hash_first(&pool->configs, hash);
    for (; node; node = hash_next(node)) {
        struct pooled *known = container_of(node, struct pooled, node);
        /* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison): copy_clean */
        if (memcmp(&known->values, &clean, sizeof clean) == 0)
            return config_pool_share(&known->values);
    }
    struct pooled *fresh = env_allocate_raw(env, sizeof *fresh);
    if (!fresh)
        return NULL;
    memcpy(&fresh->values, &clean, sizeof clean);
    fresh->holders = 1;
    hash_insert(&pool->configs, &fresh->node, hash, env);
    return &fresh->values;
}

const struct usctp_config *config_pool_share(const struct usctp_config *held) {
    pooled_of(held)->holders++;
    return held;
}

void config_pool_release(struct config_pool *pool, const struct usctp_config *held,
                         struct env *env) {
    if (!held)
        return;
    struct pooled *pooled = pooled_of(held);
    if (--pooled->holders > 0)
        return;
    hash_remove(&pool->configs, &pooled->node);
    env_release(env, pooled, sizeof *pooled);
}

int config_pool_set(struct config_pool *pool, const struct usctp_config **held,
                    enum usctp_tunable tunable, uint64_t value, struct env *env) {
    struct usctp_config changed = **held;
    int error = usctp_config_set(&changed, tunable, value);
    if (error)
        return error;
    const struct usctp_config *taken = config_pool_take(pool, &changed, env);
    if (!taken)
        return USCTP_ERR_NO_MEMORY;
    config_pool_release(pool, *held, env);
    *held = taken;
    return 0;
}
