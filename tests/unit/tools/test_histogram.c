/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * usctp-perf's histogram: quantiles against a sorted array, to the width of a bucket.
 */
#include "perf/histogram.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLES = 5000 };

static struct histogram histogram;

static int compare(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

START_TEST(quantiles_of_samples_of_all_sizes) {
    static const double shares[] = {0, 0.01, 0.5, 0.9, 0.99, 1};
    static uint64_t samples[SAMPLES];
    srand((unsigned)_i);
    memset(&histogram, 0, sizeof histogram);
    for (size_t i = 0; i < SAMPLES; i++) {
        samples[i] = (uint64_t)rand() << 31 >> (rand() % 62);
        histogram_add(&histogram, samples[i]);
    }
    qsort(samples, SAMPLES, sizeof samples[0], compare);
    for (size_t i = 0; i < sizeof shares / sizeof shares[0]; i++) {
        size_t at = (size_t)(shares[i] * SAMPLES);
        double exact = (double)samples[at < SAMPLES ? at : SAMPLES - 1];
        double near = histogram_quantile(&histogram, shares[i]);
        ck_assert_msg(near >= exact * (1 - 1.0 / 64) - 0.5 && near <= exact * (1 + 1.0 / 64) + 0.5,
                      "%f: %f, not %f", shares[i], near, exact);
    }
}
END_TEST

START_TEST(edges) {
    memset(&histogram, 0, sizeof histogram);
    ck_assert(histogram_quantile(&histogram, 0.5) == 0);
    histogram_add(&histogram, 7);
    ck_assert(histogram_quantile(&histogram, 0) == 7);
    ck_assert(histogram_quantile(&histogram, 1) == 7);
    histogram_add(&histogram, UINT64_MAX); /* the last bucket */
    ck_assert(histogram_quantile(&histogram, 1) > 1.8e19);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("histogram");
    TCase *tests = tcase_create("histogram");
    tcase_add_loop_test(tests, quantiles_of_samples_of_all_sizes, 1, 10);
    tcase_add_test(tests, edges);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
