/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory by the embedder's allocator and the count of what is outstanding, random numbers, the
 * trace hook.
 */
#include "core/env.h"

#include "support/unit_env.h"

#include <string.h>

static struct unit_env unit;

static void setup(void) {
    unit_env_init(&unit, 1);
}

static void teardown(void) {
    unit_env_check_empty(&unit);
}

START_TEST(allocated_memory_is_zeroed_and_counted) {
    static const uint8_t zeroes[100];
    void *a = env_allocate(&unit.env, 100);
    void *b = env_allocate_raw(&unit.env, 50);
    ck_assert_ptr_nonnull(a);
    ck_assert_ptr_nonnull(b);
    ck_assert_mem_eq(a, zeroes, 100);
    ck_assert_uint_eq(unit.env.allocations, 2);
    ck_assert_uint_eq(unit.env.allocated_bytes, 150);
    env_release(&unit.env, a, 100);
    ck_assert_uint_eq(unit.env.allocations, 1);
    ck_assert_uint_eq(unit.env.allocated_bytes, 50);
    env_release(&unit.env, b, 50);
    env_release(&unit.env, NULL, 7);
}
END_TEST

START_TEST(no_memory_is_not_counted) {
    unit_env_fail_all(&unit);
    ck_assert_ptr_null(env_allocate(&unit.env, 100));
    ck_assert_ptr_null(env_allocate_raw(&unit.env, 100));
    ck_assert_uint_eq(unit.env.allocations, 0);
    ck_assert_uint_eq(unit.env.allocated_bytes, 0);
}
END_TEST

/* At the limit nothing is asked of the embedder; an eighth before it, it is short. */
START_TEST(a_limit) {
    unit.env.limit_bytes = 800;
    ck_assert_uint_eq(env_left_bytes(&unit.env), 700);
    ck_assert(!env_is_short(&unit.env, 700));
    ck_assert(env_is_short(&unit.env, 701));
    void *a = env_allocate(&unit.env, 700);
    ck_assert_ptr_nonnull(a);
    ck_assert_uint_eq(env_left_bytes(&unit.env), 0);
    ck_assert(env_is_short(&unit.env, 0));
    ck_assert(env_is_short(&unit.env, 1));
    ck_assert_ptr_null(env_allocate(&unit.env, 101));
    ck_assert_uint_eq(unit.env.refusals, 1);
    void *b = env_allocate_raw(&unit.env, 100);
    ck_assert_ptr_nonnull(b);
    ck_assert(env_is_short(&unit.env, 0));
    ck_assert_ptr_null(env_allocate_raw(&unit.env, 0));
    ck_assert_ptr_null(env_allocate_raw(&unit.env, SIZE_MAX));
    ck_assert_uint_eq(unit.env.refusals, 3);
    ck_assert_uint_eq(unit.env.peak_bytes, 800);
    env_release(&unit.env, a, 700);
    env_release(&unit.env, b, 100);
    ck_assert(!env_is_short(&unit.env, 700));
    ck_assert_uint_eq(unit.env.peak_bytes, 800);
    unit.env.limit_bytes = 0; /* none */
    ck_assert_uint_eq(env_left_bytes(&unit.env), UINT64_MAX);
    ck_assert(!env_is_short(&unit.env, SIZE_MAX));
}
END_TEST

START_TEST(nothing_can_be_allocated) {
    void *nothing = env_allocate(&unit.env, 0);
    ck_assert_ptr_nonnull(nothing);
    env_release(&unit.env, nothing, 0);
}
END_TEST

START_TEST(random_numbers_are_the_embedders) {
    struct unit_env same;
    uint8_t a[32], b[32];
    unit_env_init(&same, 1);
    env_random(&unit.env, a, sizeof a);
    for (size_t i = 0; i < sizeof b; i++) {
        env_random(&same.env, b + i, 1);
    }
    ck_assert_mem_eq(a, b, sizeof a);
    env_random(&unit.env, NULL, 0);
    /* A number is made of four bytes, the same way on every machine. */
    env_random(&unit.env, a, 4);
    uint32_t number = (uint32_t)a[0] << 24 | (uint32_t)a[1] << 16 | (uint32_t)a[2] << 8 | a[3];
    ck_assert_uint_eq(env_random32(&same.env), number);
}
END_TEST

static const struct usctp_trace_record *traced;

static void hook(void *user, const struct usctp_trace_record *record) {
    ck_assert_ptr_eq(user, &unit);
    traced = record;
}

START_TEST(the_trace_hook_is_optional) {
    struct usctp_trace_record record = {.kind = USCTP_TRACE_CWND};
    unit.env.given.trace = NULL;
    ck_assert(!env_is_traced(&unit.env));
    env_trace(&unit.env, &record);
    ck_assert_ptr_null(traced);
    unit.env.given.trace = hook;
    ck_assert(env_is_traced(&unit.env));
    env_trace(&unit.env, &record);
    ck_assert_ptr_eq(traced, &record);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("env");
    TCase *tests = tcase_create("env");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, allocated_memory_is_zeroed_and_counted);
    tcase_add_test(tests, no_memory_is_not_counted);
    tcase_add_test(tests, a_limit);
    tcase_add_test(tests, nothing_can_be_allocated);
    tcase_add_test(tests, random_numbers_are_the_embedders);
    tcase_add_test(tests, the_trace_hook_is_optional);
    suite_add_tcase(suite, tests);
    return unit_env_run(suite);
}
