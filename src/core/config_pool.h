/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tunables that many share: equal ones are held once, and counted.
 *
 * What is in the pool does not change. To change a tunable, copy, change the copy, take that, and
 * release what was held before.
 */
#ifndef CORE_CONFIG_POOL_H
#define CORE_CONFIG_POOL_H

#include "core/hash.h"

struct config_pool {
    struct hash configs;
};

int config_pool_init(struct config_pool *pool, struct env *env) USCTP_MUST_CHECK;
/* Nobody may hold anything any more. */
void config_pool_free(struct config_pool *pool, struct env *env);
/* Returns what equals *values, a struct of this library's own size, or NULL when memory is short.
 */
const struct usctp_config *config_pool_take(struct config_pool *pool,
                                            const struct usctp_config *values, struct env *env);
/* The same again, for one more holder. */
const struct usctp_config *config_pool_share(const struct usctp_config *held);
/* NULL is fine. */
void config_pool_release(struct config_pool *pool, const struct usctp_config *held,
                         struct env *env);
/* Sets one tunable in place of *held. Returns 0, USCTP_ERR_INVALID or USCTP_ERR_NO_MEMORY, and then
 * nothing has changed. */
int config_pool_set(struct config_pool *pool, const struct usctp_config **held,
                    enum usctp_tunable tunable, uint64_t value, struct env *env) USCTP_MUST_CHECK;

#endif
