/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Equal tunables are held once, and each holder's change is his own.
 */
#include "core/config_pool.h"

#include "support/unit_env.h"

#include <string.h>

static struct unit_env unit;
static struct config_pool pool;
static struct usctp_config defaults;

static void setup(void) {
    unit_env_init(&unit, 5);
    usctp_config_defaults(&defaults);
    ck_assert_int_eq(config_pool_init(&pool, &unit.env), 0);
}

static void teardown(void) {
    config_pool_free(&pool, &unit.env);
    unit_env_check_empty(&unit);
}

START_TEST(equal_ones_are_one) {
    struct usctp_config dirty;
    memset(&dirty, 0xee, sizeof dirty); /* in its padding */
    dirty.size = defaults.size;
    for (unsigned i = 0; i < USCTP_TUNABLE_COUNT; i++) {
        enum usctp_tunable tunable = (enum usctp_tunable)i;
        ck_assert_int_eq(usctp_config_set(&dirty, tunable, usctp_config_get(&defaults, tunable)),
                         0);
    }
    const struct usctp_config *first = config_pool_take(&pool, &defaults, &unit.env);
    const struct usctp_config *second = config_pool_take(&pool, &dirty, &unit.env);
    ck_assert_ptr_eq(first, second);
    ck_assert_ptr_eq(config_pool_share(first), first);
    for (int i = 0; i < 3; i++)
        config_pool_release(&pool, first, &unit.env);
    ck_assert_uint_eq(pool.configs.count, 0);
    config_pool_release(&pool, NULL, &unit.env);
}
END_TEST

START_TEST(a_change_is_the_holders_own) {
    const struct usctp_config *one = config_pool_take(&pool, &defaults, &unit.env);
    const struct usctp_config *other = config_pool_share(one);
    ck_assert_int_eq(config_pool_set(&pool, &one, USCTP_TUNABLE_nodelay, 1, &unit.env), 0);
    ck_assert_uint_eq(one->nodelay, 1);
    ck_assert_uint_eq(other->nodelay, 0);
    ck_assert_int_eq(config_pool_set(&pool, &other, USCTP_TUNABLE_nodelay, 1, &unit.env), 0);
    ck_assert_ptr_eq(one, other);
    ck_assert_uint_eq(pool.configs.count, 1);
    ck_assert_int_eq(config_pool_set(&pool, &one, USCTP_TUNABLE_nodelay, 2, &unit.env),
                     USCTP_ERR_INVALID);
    unit_env_fail_nth(&unit, 1);
    ck_assert_int_eq(config_pool_set(&pool, &one, USCTP_TUNABLE_nodelay, 0, &unit.env),
                     USCTP_ERR_NO_MEMORY);
    ck_assert_uint_eq(one->nodelay, 1);
    config_pool_release(&pool, one, &unit.env);
    config_pool_release(&pool, other, &unit.env);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("config_pool");
    TCase *tests = tcase_create("config_pool");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, equal_ones_are_one);
    tcase_add_test(tests, a_change_is_the_holders_own);
    suite_add_tcase(suite, tests);
    return unit_env_run(suite);
}
