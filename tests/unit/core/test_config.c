/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The tunables: the protocol's defaults as RFC 9260 16 lists them, ranges, names, and structs of
 * another size.
 */
#include "core/config_take.h"
#include "support/unit_env.h"
#include "usctp/config.h"

#include <string.h>

static struct unit_env unit;
static struct usctp_config config;

static void setup(void) {
    unit_env_init(&unit, 4);
    memset(&config, 0x99, sizeof config);
    usctp_config_defaults(&config);
}

static void teardown(void) {
    unit_env_check_empty(&unit);
}

/* RFC 9260 16, the suggested values; 6.2 for the SACK delay. */
START_TEST(defaults_are_the_rfcs) {
    ck_assert_uint_eq(config.size, USCTP_CONFIG_SIZE);
    ck_assert_uint_eq(config.rto_initial_us, 1000000);
    ck_assert_uint_eq(config.rto_min_us, 1000000);
    ck_assert_uint_eq(config.rto_max_us, 60000000);
    ck_assert_uint_eq(config.max_burst, 4);
    ck_assert_uint_eq(config.valid_cookie_life_us, 60000000);
    ck_assert_uint_eq(config.association_max_retrans, 10);
    ck_assert_uint_eq(config.path_max_retrans, 5);
    ck_assert_uint_eq(config.max_init_retransmits, 8);
    ck_assert_uint_eq(config.hb_interval_us, 30000000);
    ck_assert_uint_eq(config.hb_max_burst, 1);
    ck_assert_uint_eq(config.sack_delay_us, 200000);
}
END_TEST

START_TEST(every_row_can_be_set_within_its_range) {
    for (unsigned i = 0; i < USCTP_TUNABLE_COUNT; i++) {
        enum usctp_tunable tunable = (enum usctp_tunable)i;
        const struct usctp_tunable_info *info = usctp_tunable_info(tunable);
        ck_assert_ptr_nonnull(info);
        ck_assert(info->minimum <= info->initial && info->initial <= info->maximum);
        ck_assert_uint_eq(usctp_config_get(&config, tunable), info->initial);
        struct usctp_config others = config;
        ck_assert_int_eq(usctp_config_set(&config, tunable, info->maximum), 0);
        ck_assert_uint_eq(usctp_config_get(&config, tunable), info->maximum);
        ck_assert_int_eq(usctp_config_set(&config, tunable, info->minimum), 0);
        ck_assert_uint_eq(usctp_config_get(&config, tunable), info->minimum);
        ck_assert_int_eq(usctp_config_set(&config, tunable, info->maximum + 1), USCTP_ERR_INVALID);
        ck_assert_int_eq(usctp_config_set(&config, tunable, UINT64_MAX), USCTP_ERR_INVALID);
        if (info->minimum > 0) {
            uint64_t below = info->minimum - 1;
            ck_assert_int_eq(usctp_config_set(&config, tunable, below), USCTP_ERR_INVALID);
        }
        ck_assert_uint_eq(usctp_config_get(&config, tunable), info->minimum);
        ck_assert_int_eq(usctp_config_set(&config, tunable, info->initial), 0);
        ck_assert_mem_eq(&others, &config, sizeof config); /* nothing beside it changed */
    }
}
END_TEST

START_TEST(rows_are_found_by_name) {
    for (unsigned i = 0; i < USCTP_TUNABLE_COUNT; i++) {
        const char *name = usctp_tunable_info((enum usctp_tunable)i)->name;
        size_t length = strlen(name);
        ck_assert_uint_eq(usctp_tunable_by_name(name, length), i);
        ck_assert_uint_ne(usctp_tunable_by_name(name, length - 1), i);
        ck_assert_uint_eq(usctp_tunable_by_name(name, length + 1), USCTP_TUNABLE_COUNT);
    }
    ck_assert_uint_eq(usctp_tunable_by_name("rto_min_us=5", 10), USCTP_TUNABLE_rto_min_us);
    ck_assert_uint_eq(usctp_tunable_by_name("no such one", 11), USCTP_TUNABLE_COUNT);
    ck_assert_uint_eq(usctp_tunable_by_name("", 0), USCTP_TUNABLE_COUNT);
}
END_TEST

START_TEST(rows_say_what_they_are) {
    const struct usctp_tunable_info *info = usctp_tunable_info(USCTP_TUNABLE_path_max_retrans);
    ck_assert_str_eq(info->name, "path_max_retrans");
    ck_assert_str_eq(info->unit, "attempts");
    ck_assert_str_eq(info->section, "RFC 9260 16");
    ck_assert_int_eq(info->scope, USCTP_SCOPE_PATH);
    info = usctp_tunable_info(USCTP_TUNABLE_cookie_key_life_us);
    ck_assert_int_eq(info->scope, USCTP_SCOPE_ENGINE);
}
END_TEST

START_TEST(numbers_that_are_no_tunable) {
    enum usctp_tunable wrong[] = {USCTP_TUNABLE_COUNT,
                                  (enum usctp_tunable)(USCTP_TUNABLE_COUNT + 1),
                                  (enum usctp_tunable) - 1};
    for (size_t i = 0; i < 3; i++) {
        ck_assert_ptr_null(usctp_tunable_info(wrong[i]));
        ck_assert_int_eq(usctp_config_set(&config, wrong[i], 1), USCTP_ERR_INVALID);
        ck_assert_uint_eq(usctp_config_get(&config, wrong[i]), 0);
    }
}
END_TEST

/* A caller built with fewer tunables: what it has no room for is not touched. */
START_TEST(a_smaller_struct) {
    config.size = (uint32_t)offsetof(struct usctp_config, rto_max_us);
    struct usctp_config before = config;
    ck_assert_int_eq(usctp_config_set(&config, USCTP_TUNABLE_rto_max_us, 5000000),
                     USCTP_ERR_INVALID);
    ck_assert_uint_eq(usctp_config_get(&config, USCTP_TUNABLE_rto_max_us), 0);
    config.size += 7; /* not the whole of it */
    before.size += 7;
    ck_assert_int_eq(usctp_config_set(&config, USCTP_TUNABLE_rto_max_us, 5000000),
                     USCTP_ERR_INVALID);
    ck_assert_mem_eq(&before, &config, sizeof config);
    ck_assert_int_eq(usctp_config_set(&config, USCTP_TUNABLE_rto_min_us, 5000), 0);
    ck_assert_uint_eq(config.rto_min_us, 5000);
}
END_TEST

/* An older program's struct, at the end of its memory, is filled with what it has room for. */
START_TEST(defaults_of_a_smaller_struct) {
    const uint32_t size = offsetof(struct usctp_config, valid_cookie_life_us);
    memset(&config, 0x99, sizeof config);
    usctp_config_defaults_size(&config, size);
    ck_assert_uint_eq(config.size, size);
    ck_assert_uint_eq(config.rto_max_us, 60000000);
    ck_assert_uint_eq(config.max_burst, 4);
    const uint8_t *behind = (const uint8_t *)&config + size;
    for (size_t i = 0; i < sizeof config - size; i++)
        ck_assert_uint_eq(behind[i], 0x99);
    usctp_config_defaults_size(&config, 3); /* no room for its size */
    usctp_config_defaults_size(&config, UINT32_MAX);
    ck_assert_uint_eq(config.size, size);
    usctp_config_defaults_size(NULL, 8);
}
END_TEST

START_TEST(a_callers_smaller_struct_is_taken) {
    struct usctp_config taken;
    config.size = offsetof(struct usctp_config, rto_max_us);
    config.rto_min_us = 5000;
    config.rto_max_us = 1; /* beyond its size: no value of the caller's */
    ck_assert_int_eq(config_take(&taken, &config), 0);
    ck_assert_uint_eq(taken.size, USCTP_CONFIG_SIZE);
    ck_assert_uint_eq(taken.rto_min_us, 5000);
    ck_assert_uint_eq(taken.rto_max_us, 60000000);
    ck_assert_uint_eq(taken.max_burst, 4);
    config.size = sizeof config.size; /* nothing at all */
    ck_assert_int_eq(config_take(&taken, &config), 0);
    ck_assert_uint_eq(taken.rto_min_us, 1000000);
    /* Sizes that cut a field are no version's; nor is one that does not hold itself. */
    const size_t cut = offsetof(struct usctp_config, rto_max_us);
    for (uint32_t i = 1; i < 8; i++) {
        config.size = (uint32_t)cut + i;
        ck_assert_int_eq(config_take(&taken, &config), USCTP_ERR_INVALID);
    }
    for (config.size = 0; config.size < 4; config.size++)
        ck_assert_int_eq(config_take(&taken, &config), USCTP_ERR_INVALID);
    usctp_config_defaults(&config);
    config.max_burst = 0; /* out of its range */
    ck_assert_int_eq(config_take(&taken, &config), USCTP_ERR_INVALID);
}
END_TEST

/* A newer program's: what it sets of what is not known here must not be lost unsaid. */
START_TEST(a_callers_larger_struct_is_taken_while_it_says_nothing_new) {
    union {
        struct usctp_config config;
        uint8_t bytes[5000];
    } newer = {.bytes = {0}};
    struct usctp_config taken;
    usctp_config_defaults_size(&newer.config, sizeof newer.config + 64);
    newer.config.max_burst = 9;
    ck_assert_int_eq(config_take(&taken, &newer.config), 0);
    ck_assert_uint_eq(taken.max_burst, 9);
    ck_assert_uint_eq(taken.size, USCTP_CONFIG_SIZE);
    for (size_t i = USCTP_CONFIG_SIZE; i < sizeof newer.config + 64; i++) {
        newer.bytes[i] = 1;
        ck_assert_int_eq(config_take(&taken, &newer.config), USCTP_ERR_TOO_BIG);
        newer.bytes[i] = 0;
    }
    newer.bytes[sizeof newer.config + 64] = 1; /* behind it */
    ck_assert_int_eq(config_take(&taken, &newer.config), 0);
    newer.config.size = 4097;
    ck_assert_int_eq(config_take(&taken, &newer.config), USCTP_ERR_TOO_BIG);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("config");
    TCase *tests = tcase_create("config");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, defaults_are_the_rfcs);
    tcase_add_test(tests, every_row_can_be_set_within_its_range);
    tcase_add_test(tests, rows_are_found_by_name);
    tcase_add_test(tests, rows_say_what_they_are);
    tcase_add_test(tests, numbers_that_are_no_tunable);
    tcase_add_test(tests, a_smaller_struct);
    tcase_add_test(tests, defaults_of_a_smaller_struct);
    tcase_add_test(tests, a_callers_smaller_struct_is_taken);
    tcase_add_test(tests, a_callers_larger_struct_is_taken_while_it_says_nothing_new);
    suite_add_tcase(suite, tests);
    return unit_env_run(suite);
}
