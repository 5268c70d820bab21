/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * main() of a Check program: one test case a test, so that one that fails or crashes leaves the
 * others alone.
 */
#ifndef SUPPORT_RUN_TESTS_H
#define SUPPORT_RUN_TESTS_H

#include <check.h>
#include <stddef.h>

/* Runs the tests whose name contains argv[1], or all. Returns the exit status. */
int run_tests(const char *suite, const TTest *const *tests, size_t count, int argc, char **argv);

#define RUN_TESTS(suite, ...)                                                                      \
    int main(int argc, char **argv) {                                                              \
        const TTest *const tests[] = {__VA_ARGS__};                                                \
        return run_tests(suite, tests, sizeof tests / sizeof tests[0], argc, argv);                \
    }

#endif
