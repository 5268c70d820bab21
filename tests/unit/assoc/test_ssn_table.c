/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SSNs of streams against an array of all 65,536, and what they cost.
 */
#include "assoc/ssn_table.h"

#include "support/unit_env.h"

#include <string.h>

static struct unit_env unit;
static struct ssn_table table;
static uint16_t model[65536];

static void setup(void) {
    unit_env_init(&unit, 5);
    memset(&table, 0, sizeof table);
    memset(model, 0, sizeof model);
}

static void teardown(void) {
    ssn_table_free(&table, &unit.env);
    unit_env_check_empty(&unit);
}

static void use(uint16_t sid) {
    unit_env_check(ssn_table_prepare(&table, sid, &unit.env) == 0);
    model[sid]++;
    ++*ssn_table_at(&table, sid);
}

static void compare(void) {
    for (uint32_t sid = 0; sid < 65536; sid++)
        unit_env_check(ssn_table_get(&table, (uint16_t)sid) == model[sid]);
}

START_TEST(agrees_with_an_array) {
    compare();
    for (uint32_t i = 0; i < 40000; i++)
        use((uint16_t)(unit_env_below(&unit, 65536) >> unit_env_below(&unit, 16)));
    use(65535);
    compare();
    ssn_table_reset(&table);
    memset(model, 0, sizeof model);
    compare();
}
END_TEST

/* What the highest stream costs is not what all would. */
START_TEST(streams_that_are_not_used_cost_little) {
    use(2);
    ck_assert_uint_eq(unit.env.allocated_bytes, 0);
    use(9);
    ck_assert_uint_le(unit.env.allocated_bytes, 64);
    use(65534);
    ck_assert_uint_le(unit.env.allocated_bytes, 33 * 1024);
    for (uint32_t sid = 0; sid < 65535; sid++)
        use((uint16_t)sid);
    ck_assert_uint_le(unit.env.allocated_bytes, (33 + 128) * 1024);
    compare();
}
END_TEST

START_TEST(without_memory_nothing_changes) {
    use(20);
    unit_env_fail_nth(&unit, 1);
    ck_assert_int_eq(ssn_table_prepare(&table, 1000, &unit.env), USCTP_ERR_NO_MEMORY);
    unit_env_fail_nth(&unit, 2);
    ck_assert_int_eq(ssn_table_prepare(&table, 1000, &unit.env), USCTP_ERR_NO_MEMORY);
    compare();
    unit_env_fail_nth(&unit, 0);
    use(1000);
    compare();
}
END_TEST

int main(void) {
    Suite *suite = suite_create("ssn_table");
    TCase *tests = tcase_create("ssn_table");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, agrees_with_an_array);
    tcase_add_test(tests, streams_that_are_not_used_cost_little);
    tcase_add_test(tests, without_memory_nothing_changes);
    suite_add_tcase(suite, tests);
    return unit_env_run(suite);
}
