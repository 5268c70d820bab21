/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The token bucket: never more than the rate and a tenth of a second's tokens, never less than the
 * rate where there is demand, whatever the steps of time.
 */
#include "assoc/token_bucket.h"

#include "support/unit_env.h"

static struct unit_env unit;

static void setup(void) {
    unit_env_init(&unit, 11);
}

static void teardown(void) {
    unit_env_check_empty(&unit);
}

static uint64_t take_all(struct token_bucket *b, uint64_t now_us) {
    uint64_t taken = 0;
    while (token_bucket_take(b, now_us))
        taken++;
    return taken;
}

START_TEST(it_begins_full) {
    struct token_bucket b;
    token_bucket_init(&b, 1000, 5000000);
    ck_assert_uint_eq(take_all(&b, 5000000), 101);
    ck_assert(!token_bucket_take(&b, 5000999));
    ck_assert(token_bucket_take(&b, 5001000));
    ck_assert(!token_bucket_take(&b, 5001000));
}
END_TEST

START_TEST(it_holds_no_more_however_long_it_waits) {
    struct token_bucket b;
    token_bucket_init(&b, 1000, 0);
    take_all(&b, 0);
    ck_assert_uint_eq(take_all(&b, 3600000000u), 101);
    ck_assert_uint_eq(take_all(&b, UINT64_MAX - 1), 101);
}
END_TEST

START_TEST(one_a_second) {
    struct token_bucket b;
    token_bucket_init(&b, 1, 0);
    ck_assert_uint_eq(take_all(&b, 0), 1);
    for (uint64_t s = 1; s < 100; s++) {
        ck_assert(!token_bucket_take(&b, s * 1000000 - 1));
        ck_assert_uint_eq(take_all(&b, s * 1000000), 1);
    }
}
END_TEST

/* A clock that stands still or goes back gives nothing. */
START_TEST(a_clock_that_goes_back) {
    struct token_bucket b;
    token_bucket_init(&b, 10, 1000000);
    take_all(&b, 1000000);
    ck_assert(!token_bucket_take(&b, 0));
    ck_assert(!token_bucket_take(&b, 1000000));
    ck_assert(token_bucket_take(&b, 1100000));
}
END_TEST

/* Parts of a token are not lost, however small the steps. */
START_TEST(the_rate_is_kept) {
    static const uint64_t rates[] = {1, 3, 7, 100, 9999, 10000, 333333, 1000000, 10000000};
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        struct token_bucket b;
        uint64_t now_us = 77, taken = 0;
        token_bucket_init(&b, rates[i], now_us);
        take_all(&b, now_us);
        uint64_t end_us = now_us + 3000000;
        while (now_us < end_us) {
            now_us += 1 + unit_env_below(&unit, 90000); /* less than it takes to fill it */
            if (now_us > end_us)
                now_us = end_us;
            taken += take_all(&b, now_us);
        }
        unit_env_check(taken <= 3 * rates[i]);
        unit_env_check(taken + 1 + rates[i] / 1000 >= 3 * rates[i]);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("token_bucket");
    TCase *tests = tcase_create("token_bucket");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, it_begins_full);
    tcase_add_test(tests, it_holds_no_more_however_long_it_waits);
    tcase_add_test(tests, one_a_second);
    tcase_add_test(tests, a_clock_that_goes_back);
    tcase_add_test(tests, the_rate_is_kept);
    suite_add_tcase(suite, tests);
    return unit_env_run(suite);
}
