/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The retransmission timeout against numbers worked out by hand from RFC 9260 6.3.1 and 6.3.3.
 */
#include "timer/rto.h"

#include "support/unit_env.h"

static const struct rto_limits usual = {.initial_us = 1000000, .min_us = 1000, .max_us = 60000000};

struct step {
    uint64_t rtt_us, srtt_us, rttvar_us, rto_us;
};

START_TEST(follows_c2_and_c3) {
    /* SRTT = 7/8 SRTT + 1/8 R, RTTVAR = 3/4 RTTVAR + 1/4 |SRTT - R|, RTO = SRTT + 4 RTTVAR */
    static const struct step steps[] = {
        {400000, 400000, 200000, 1200000}, /* C2 */
        {200000, 375000, 200000, 1175000}, {375000, 375000, 150000, 975000},
        {1000, 328250, 206000, 1152250},   {3328250, 703250, 904500, 4321250},
    };
    struct rto rto;
    rto_init(&rto, &usual);
    ck_assert_uint_eq(rto.rto_us, 1000000); /* C1 */
    ck_assert(!rto.has_measurement);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        rto_on_measurement(&rto, steps[i].rtt_us, &usual);
        ck_assert(rto.has_measurement);
        ck_assert_uint_eq(rto.srtt_us, steps[i].srtt_us);
        ck_assert_uint_eq(rto.rttvar_us, steps[i].rttvar_us);
        ck_assert_uint_eq(rto.rto_us, steps[i].rto_us);
    }
}
END_TEST

START_TEST(keeps_between_the_limits) {
    struct rto rto;
    rto_init(&rto, &usual);
    rto_on_measurement(&rto, 100, &usual); /* 100 + 4 * 50 */
    ck_assert_uint_eq(rto.rto_us, 1000);   /* C6 */
    rto_init(&rto, &usual);
    rto_on_measurement(&rto, 100000000, &usual);
    ck_assert_uint_eq(rto.rto_us, 60000000); /* C7 */
    rto_init(&rto, &usual);
    rto_on_measurement(&rto, UINT64_MAX, &usual);
    rto_on_measurement(&rto, UINT64_MAX, &usual);
    rto_on_measurement(&rto, 0, &usual);
    ck_assert_uint_eq(rto.rto_us, 60000000);
}
END_TEST

START_TEST(variation_never_is_zero) {
    static const struct rto_limits none = {.initial_us = 1000, .min_us = 1, .max_us = 60000000};
    struct rto rto;
    rto_init(&rto, &none);
    rto_on_measurement(&rto, 0, &none); /* counts as 1 */
    ck_assert_uint_eq(rto.srtt_us, 1);
    ck_assert_uint_eq(rto.rttvar_us, 1); /* G1 */
    ck_assert_uint_eq(rto.rto_us, 5);
    for (int i = 0; i < 20; i++) {
        rto_on_measurement(&rto, 1, &none);
        ck_assert_uint_eq(rto.rttvar_us, 1);
    }
}
END_TEST

START_TEST(backs_off_and_collapses) {
    static const uint64_t seconds[] = {2, 4, 8, 16, 32, 60, 60, 60};
    struct rto rto;
    rto_init(&rto, &usual);
    for (size_t i = 0; i < sizeof seconds / sizeof seconds[0]; i++) {
        rto_back_off(&rto, &usual);
        ck_assert_uint_eq(rto.rto_us, seconds[i] * 1000000);
    }
    rto_on_measurement(&rto, 400000, &usual); /* 6.3.3: collapses */
    ck_assert_uint_eq(rto.rto_us, 1200000);
    rto_back_off(&rto, &usual);
    ck_assert_uint_eq(rto.rto_us, 2400000);
    rto_on_measurement(&rto, 400000, &usual); /* C3 from what was measured: RTTVAR 150000 */
    ck_assert_uint_eq(rto.rto_us, 1000000);
}
END_TEST

START_TEST(takes_new_limits) {
    struct rto rto;
    rto_init(&rto, &usual);
    rto_back_off(&rto, &usual);
    struct rto_limits other = {.initial_us = 300000, .min_us = 1000, .max_us = 900000};
    rto_set_limits(&rto, &other); /* C1: nothing was measured */
    ck_assert_uint_eq(rto.rto_us, 300000);
    rto_on_measurement(&rto, 200000, &other); /* 200000 + 4 * 100000 */
    ck_assert_uint_eq(rto.rto_us, 600000);
    other.max_us = 500000;
    rto_set_limits(&rto, &other);
    ck_assert_uint_eq(rto.rto_us, 500000);
    ck_assert_uint_eq(rto.srtt_us, 200000);
    other.min_us = other.max_us = 700000;
    rto_set_limits(&rto, &other);
    ck_assert_uint_eq(rto.rto_us, 700000);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("rto");
    TCase *tests = tcase_create("rto");
    tcase_add_test(tests, follows_c2_and_c3);
    tcase_add_test(tests, keeps_between_the_limits);
    tcase_add_test(tests, variation_never_is_zero);
    tcase_add_test(tests, backs_off_and_collapses);
    tcase_add_test(tests, takes_new_limits);
    suite_add_tcase(suite, tests);
    return unit_env_run(suite);
}
