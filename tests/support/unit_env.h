/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An environment for the tests of single files: memory that is counted and can run out, random
 * numbers of a seed, and a keyed function in place of HMAC.
 *
 * A test's teardown calls unit_env_check_empty. Not for cryptography: the MAC only depends on every
 * byte of key and data.
 */
#ifndef SUPPORT_UNIT_ENV_H
#define SUPPORT_UNIT_ENV_H

#include "core/env.h"

#include <check.h>

struct unit_env {
    struct env env; /* what is tested gets &unit.env */
    uint64_t random_state;
    uint64_t asked;     /* allocations asked for since init */
    uint64_t fail_at;   /* the number of the allocation that fails, from 1; 0: none does */
    bool keeps_failing; /* as do all after it */
    uint64_t live_blocks, live_bytes; /* outstanding, by the allocator's own count */
    bool mac_fails;
    uint64_t macs;
    uint64_t traced;
};

void unit_env_init(struct unit_env *unit, uint64_t seed);
/* The n-th allocation from now fails, once; n = 0: none. */
void unit_env_fail_nth(struct unit_env *unit, uint64_t n);
/* All allocations fail until unit_env_fail_nth(unit, 0). */
void unit_env_fail_all(struct unit_env *unit);
/* Fails the test when anything is still allocated, by the environment's count or the allocator's.
 */
void unit_env_check_empty(const struct unit_env *unit);

/* Random numbers for the test itself, from the same seed. */
uint64_t unit_env_random64(struct unit_env *unit);
/* 0 .. bound-1 */
uint32_t unit_env_below(struct unit_env *unit, uint32_t bound);

/* As ck_assert, for inner loops: Check's own writes down every place it passes. */
#define unit_env_check(condition)                                                                  \
    do {                                                                                           \
        if (!(condition))                                                                          \
            ck_abort_msg("%s", #condition);                                                        \
    } while (0)

/* Runs a suite; main returns what it returns. */
int unit_env_run(Suite *suite);

#endif
