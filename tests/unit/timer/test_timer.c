/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The heap of timers against an array that is searched, under seeded random operations.
 */
#include "timer/timer.h"

#include "support/unit_env.h"

#define TIMERS 60u

static struct unit_env unit;
static struct timers timers;
static struct timer timer[TIMERS];
static uint64_t model[TIMERS]; /* deadlines; USCTP_NEVER: not running */

static void setup(void) {
    unit_env_init(&unit, 7);
    timers_init(&timers);
    for (uint32_t i = 0; i < TIMERS; i++) {
        timer_init(&timer[i], 3);
        model[i] = USCTP_NEVER;
    }
}

static void teardown(void) {
    timers_free(&timers, &unit.env);
    unit_env_check_empty(&unit);
}

static uint64_t earliest(void) {
    uint64_t first = USCTP_NEVER;
    for (uint32_t i = 0; i < TIMERS; i++) {
        first = model[i] < first ? model[i] : first;
    }
    return first;
}

static void check(void) {
    unit_env_check(timers_check(&timers));
    unit_env_check(timers_next(&timers) == earliest());
    for (uint32_t i = 0; i < TIMERS; i++) {
        unit_env_check(timer_is_running(&timer[i]) == (model[i] != USCTP_NEVER));
        unit_env_check(timer[i].deadline_us == model[i]);
    }
}

static void expire_all(uint64_t now_us) {
    for (;;) {
        uint64_t first = earliest();
        struct timer *expired = timers_expire(&timers, now_us);
        unit_env_check((expired != NULL) == (first <= now_us));
        if (!expired)
            return;
        unit_env_check(expired >= timer && expired < timer + TIMERS && expired->kind == 3);
        unit_env_check(model[expired - timer] == first);
        model[expired - timer] = USCTP_NEVER;
        check();
    }
}

START_TEST(agrees_with_a_search) {
    ck_assert_int_eq(timers_reserve(&timers, TIMERS, &unit.env), 0);
    uint64_t now_us = 0;
    for (uint32_t i = 0; i < 20000; i++) {
        uint32_t which = unit_env_below(&unit, TIMERS);
        uint32_t what = unit_env_below(&unit, 10);
        if (what < 7) {
            model[which] = now_us + unit_env_below(&unit, what < 2 ? 4 : 1000);
            timer_start(&timer[which], &timers, model[which]);
        } else if (what < 8) {
            model[which] = USCTP_NEVER;
            timer_stop(&timer[which], &timers);
        } else if (what < 9) {
            model[which] = USCTP_NEVER;
            timer_start(&timer[which], &timers, USCTP_NEVER);
        } else {
            now_us += unit_env_below(&unit, 300);
            expire_all(now_us);
        }
        check();
    }
    expire_all(UINT64_MAX - 1);
    ck_assert_uint_eq(timers.count, 0);
}
END_TEST

START_TEST(room_is_reserved_or_refused) {
    unit_env_fail_all(&unit);
    ck_assert_int_eq(timers_reserve(&timers, 1, &unit.env), USCTP_ERR_NO_MEMORY);
    ck_assert_uint_eq(timers.reserved, 0);
    unit_env_fail_nth(&unit, 0);
    /* In steps, with running timers that must survive every move of the heap. */
    for (uint32_t i = 0; i < TIMERS; i++) {
        uint32_t before = timers.reserved;
        unit_env_fail_all(&unit);
        int error = timers_reserve(&timers, 1, &unit.env);
        ck_assert(error == 0 || (error == USCTP_ERR_NO_MEMORY && timers.reserved == before));
        unit_env_fail_nth(&unit, 0);
        if (error)
            ck_assert_int_eq(timers_reserve(&timers, 1, &unit.env), 0);
        model[i] = 1000 - i;
        timer_start(&timer[i], &timers, model[i]);
        check();
    }
    ck_assert_int_eq(timers_reserve(&timers, UINT32_MAX, &unit.env), USCTP_ERR_NO_MEMORY);
    for (uint32_t i = 0; i < TIMERS; i++) {
        model[i] = USCTP_NEVER;
        timer_stop(&timer[i], &timers);
        timers_unreserve(&timers, 1);
    }
    check();
    ck_assert_uint_eq(timers.reserved, 0);
}
END_TEST

START_TEST(nothing_runs_at_first) {
    ck_assert_uint_eq(timers_next(&timers), USCTP_NEVER);
    ck_assert_ptr_null(timers_expire(&timers, UINT64_MAX));
    timer_stop(&timer[0], &timers);
    ck_assert(timers_check(&timers));
}
END_TEST

START_TEST(expires_at_its_time_and_not_before) {
    ck_assert_int_eq(timers_reserve(&timers, 2, &unit.env), 0);
    timer_start(&timer[0], &timers, 100);
    timer_start(&timer[1], &timers, 50);
    ck_assert_ptr_null(timers_expire(&timers, 49));
    ck_assert_ptr_eq(timers_expire(&timers, 50), &timer[1]);
    ck_assert_ptr_null(timers_expire(&timers, 99));
    timer_start(&timer[0], &timers, 200); /* moves */
    ck_assert_ptr_null(timers_expire(&timers, 199));
    ck_assert_ptr_eq(timers_expire(&timers, 1000), &timer[0]);
}
END_TEST

START_TEST(freeing_stops_what_runs) {
    ck_assert_int_eq(timers_reserve(&timers, 2, &unit.env), 0);
    timer_start(&timer[0], &timers, 100);
    timers_free(&timers, &unit.env);
    ck_assert(!timer_is_running(&timer[0]));
}
END_TEST

int main(void) {
    Suite *suite = suite_create("timer");
    TCase *tests = tcase_create("timer");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, agrees_with_a_search);
    tcase_add_test(tests, room_is_reserved_or_refused);
    tcase_add_test(tests, nothing_runs_at_first);
    tcase_add_test(tests, expires_at_its_time_and_not_before);
    tcase_add_test(tests, freeing_stops_what_runs);
    suite_add_tcase(suite, tests);
    return unit_env_run(suite);
}
