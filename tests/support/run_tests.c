/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Runs a list of Check tests; see run_tests.h.
 */
#include "support/run_tests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HANG_SECONDS                                                                               \
    100 /* far beyond any of them: a test that hangs is named, and the others run */

int run_tests(const char *suite, const TTest *const *tests, size_t count, int argc, char **argv) {
    Suite *all = suite_create(suite);
    size_t added = 0;
    for (size_t i = 0; i < count; i++) {
        if (argc > 1 && !strstr(tests[i]->name, argv[1]))
            continue;
        TCase *one = tcase_create(tests[i]->name);
        tcase_set_timeout(one, HANG_SECONDS);
        tcase_add_test(one, tests[i]);
        suite_add_tcase(all, one);
        added++;
    }
    if (added == 0) {
        fprintf(stderr, "no test of %s is called like %s\n", suite, argc > 1 ? argv[1] : "that");
        return EXIT_FAILURE;
    }
    SRunner *runner = srunner_create(all);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
