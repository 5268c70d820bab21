/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The set of ranges against a naive model (an array of flags) under seeded random operations, with
 * memory that runs out; and its edges by hand.
 */
#include "core/ranges.h"

#include "support/unit_env.h"

#include <string.h>

#define SPAN 400u

static struct unit_env unit;
static struct ranges set;
static bool model[SPAN];
static const uint64_t base = 0x1fffffff0u; /* around a wrap of the 32-bit TSN */

static void setup(void) {
    unit_env_init(&unit, 0x5a5a);
    memset(&set, 0, sizeof set);
    memset(model, 0, sizeof model);
}

static void teardown(void) {
    ranges_free(&set, &unit.env);
    unit_env_check_empty(&unit);
}

static void check_against_model(void) {
    unit_env_check(ranges_check(&set));
    uint32_t runs = 0;
    for (uint32_t i = 0; i < SPAN; i++) {
        unit_env_check(ranges_has(&set, base + i) == model[i]);
        if (!model[i] || (i > 0 && model[i - 1]))
            continue;
        uint32_t end = i;
        while (end < SPAN && model[end]) {
            end++;
        }
        unit_env_check(runs < set.count);
        unit_env_check(set.items[runs].start == base + i);
        unit_env_check(set.items[runs].end == base + end);
        runs++;
    }
    unit_env_check(set.count == runs);
    unit_env_check(!ranges_has(&set, base - 1) && !ranges_has(&set, base + SPAN));
}

static void mark(uint32_t from, uint32_t to, bool value) {
    for (uint32_t i = from; i < to; i++) {
        model[i] = value;
    }
}

/* One random operation on set and model; with memory failing, either both change or none. */
static void step(uint32_t longest) {
    uint32_t from = unit_env_below(&unit, SPAN);
    uint32_t to = from + 1 + unit_env_below(&unit, longest);
    if (to > SPAN)
        to = SPAN;
    uint32_t what = unit_env_below(&unit, 16);
    if (what < 9) {
        if (ranges_add(&set, base + from, base + to, &unit.env) == 0)
            mark(from, to, true);
    } else if (what < 15) {
        if (ranges_remove(&set, base + from, base + to, &unit.env) == 0)
            mark(from, to, false);
    } else {
        uint32_t below = unit_env_below(&unit, 40);
        ranges_remove_below(&set, base + below);
        mark(0, below, false);
    }
}

START_TEST(like_the_model) {
    static const uint32_t longest[] = {1, 3, 20, 150};
    for (int i = 0; i < 4000; i++) {
        step(longest[_i]);
        check_against_model();
    }
}
END_TEST

START_TEST(like_the_model_when_memory_is_short) {
    uint64_t refused = 0;
    for (int i = 0; i < 4000; i++) {
        uint64_t asked = unit.asked;
        if (i % 500 == 0)
            ranges_free(&set, &unit.env), mark(0, SPAN, false);
        if (unit_env_below(&unit, 4))
            unit_env_fail_all(&unit);
        step(2);
        if (unit.fail_at)
            refused += unit.asked - asked;
        unit_env_fail_nth(&unit, 0);
        check_against_model();
    }
    ck_assert_uint_gt(refused, 10);
}
END_TEST

START_TEST(neighbours_melt) {
    ck_assert_int_eq(ranges_add(&set, 10, 12, &unit.env), 0);
    ck_assert_int_eq(ranges_add(&set, 14, 16, &unit.env), 0);
    ck_assert_uint_eq(set.count, 2);
    ck_assert_int_eq(ranges_add(&set, 12, 14, &unit.env), 0);
    ck_assert_uint_eq(set.count, 1);
    ck_assert_uint_eq(set.items[0].start, 10);
    ck_assert_uint_eq(set.items[0].end, 16);
    ck_assert_int_eq(ranges_add(&set, 9, 10, &unit.env), 0);
    ck_assert_int_eq(ranges_add(&set, 16, 17, &unit.env), 0);
    ck_assert_int_eq(ranges_add(&set, 11, 13, &unit.env), 0);
    ck_assert_uint_eq(set.count, 1);
    ck_assert_uint_eq(set.items[0].start, 9);
    ck_assert_uint_eq(set.items[0].end, 17);
    ck_assert_uint_eq(unit.asked, 1);
}
END_TEST

START_TEST(without_memory_nothing_changes) {
    ck_assert_int_eq(ranges_add(&set, 0, 1, &unit.env), 0);
    for (uint64_t i = 1; set.count < set.capacity; i++)
        ck_assert_int_eq(ranges_add(&set, 10 * i, 10 * i + 1, &unit.env), 0);
    uint32_t count = set.count;
    unit_env_fail_all(&unit);
    ck_assert_int_eq(ranges_add(&set, 1000, 1001, &unit.env), USCTP_ERR_NO_MEMORY);
    ck_assert_int_eq(ranges_add(&set, 1, 9, &unit.env), 0); /* needs none */
    ck_assert_uint_eq(set.count, count);
    ck_assert(!ranges_has(&set, 1000) && ranges_has(&set, 8));
    /* What is between two of one needs a place of its own. */
    ck_assert_int_eq(ranges_remove(&set, 4, 5, &unit.env), USCTP_ERR_NO_MEMORY);
    ck_assert(ranges_has(&set, 4));
    unit_env_fail_nth(&unit, 0);
    ck_assert_int_eq(ranges_remove(&set, 4, 5, &unit.env), 0);
    ck_assert(!ranges_has(&set, 4) && ranges_has(&set, 3) && ranges_has(&set, 5));
    ck_assert(ranges_check(&set));
}
END_TEST

START_TEST(edges) {
    ck_assert(!ranges_has(&set, 0));
    ranges_remove_below(&set, UINT64_MAX);
    ck_assert_int_eq(ranges_remove(&set, 0, UINT64_MAX, &unit.env), 0);
    ck_assert_int_eq(ranges_remove(&set, 5, 5, &unit.env), 0);
    ck_assert_int_eq(ranges_add(&set, 0, UINT64_MAX, &unit.env), 0);
    ck_assert(ranges_has(&set, 0) && ranges_has(&set, UINT64_MAX - 1));
    ck_assert(!ranges_has(&set, UINT64_MAX));
    ranges_remove_below(&set, UINT64_MAX - 1);
    ck_assert_uint_eq(set.count, 1);
    ranges_remove_below(&set, UINT64_MAX);
    ck_assert_uint_eq(set.count, 0);
}
END_TEST

/* Every second TSN of a large window, in an order that inserts everywhere. */
START_TEST(many_ranges) {
    for (uint64_t i = 0; i < 4096; i++) {
        uint64_t tsn = base + 2 * (i * 2731 % 4096);
        unit_env_check(ranges_add(&set, tsn, tsn + 1, &unit.env) == 0);
    }
    ck_assert_uint_eq(set.count, 4096);
    ck_assert(ranges_check(&set));
    for (uint64_t i = 0; i < 4095; i++) {
        uint64_t tsn = base + 1 + 2 * (i * 1366 % 4095);
        unit_env_check(!ranges_has(&set, tsn));
        unit_env_check(ranges_add(&set, tsn, tsn + 1, &unit.env) == 0);
    }
    ck_assert_uint_eq(set.count, 1);
    ck_assert_uint_eq(set.items[0].start, base);
    ck_assert_uint_eq(set.items[0].end, base + 8191);
}
END_TEST

START_TEST(the_check_sees_disorder) {
    struct range wrong[][2] = {
        {{1, 1}, {5, 6}}, {{1, 3}, {3, 4}}, {{1, 4}, {3, 6}}, {{5, 6}, {1, 2}}, {{1, 2}, {4, 3}}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        const struct ranges disorder = {.items = wrong[i], .count = 2, .capacity = 2};
        ck_assert(!ranges_check(&disorder));
    }
    ck_assert(ranges_check(&set));
    struct range far[2] = {{1, 2}, {3, 4}};
    struct ranges too_many = {.items = far, .count = 2, .capacity = 1};
    ck_assert(!ranges_check(&too_many));
}
END_TEST

int main(void) {
    Suite *suite = suite_create("ranges");
    TCase *tests = tcase_create("ranges");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, like_the_model, 0, 4);
    tcase_add_test(tests, like_the_model_when_memory_is_short);
    tcase_add_test(tests, neighbours_melt);
    tcase_add_test(tests, without_memory_nothing_changes);
    tcase_add_test(tests, edges);
    tcase_add_test(tests, many_ranges);
    tcase_add_test(tests, the_check_sees_disorder);
    tcase_set_timeout(tests, 60);
    suite_add_tcase(suite, tests);
    return unit_env_run(suite);
}
