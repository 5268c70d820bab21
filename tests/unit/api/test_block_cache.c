/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Released blocks come back for the same size, none is given to two, and what is kept is bounded.
 */
#include "api/block_cache.h"

#include <check.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCKS = 300 };

static struct block_cache cache;

static void teardown(void) {
    block_cache_free(&cache);
    ck_assert_uint_eq(cache.kept_bytes, 0);
}

/* Blocks of many sizes, all in use at once, twice: each keeps what was written to all of it. */
START_TEST(blocks_are_apart) {
    uint8_t *blocks[BLOCKS];
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < BLOCKS; i++) {
            blocks[i] = block_cache_allocate(&cache, 1 + i * 9);
            ck_assert_ptr_nonnull(blocks[i]);
            ck_assert_uint_eq((uintptr_t)blocks[i] % _Alignof(max_align_t), 0);
            memset(blocks[i], (int)(i & 0xff), 1 + i * 9);
        }
        for (size_t i = 0; i < BLOCKS; i++) {
            for (size_t k = 0; k < 1 + i * 9; k++)
                ck_assert_uint_eq(blocks[i][k], i & 0xff);
            block_cache_release(&cache, blocks[i], 1 + i * 9);
        }
    }
}
END_TEST

START_TEST(what_is_kept_is_bounded) {
    const size_t n = 2 * BLOCK_CACHE_MAX_BYTES / 1024;
    void **blocks = malloc(n * sizeof *blocks);
    ck_assert_ptr_nonnull(blocks);
    for (size_t i = 0; i < n; i++) {
        blocks[i] = block_cache_allocate(&cache, 1024);
        ck_assert_ptr_nonnull(blocks[i]);
    }
    for (size_t i = 0; i < n; i++)
        block_cache_release(&cache, blocks[i], 1024);
    ck_assert_uint_le(cache.kept_bytes, BLOCK_CACHE_MAX_BYTES);
    free(blocks);
}
END_TEST

/* Larger ones are the C library's; releasing nothing is allowed, as with free(). */
START_TEST(others_pass_through) {
    const size_t bytes = BLOCK_CACHE_CLASSES * BLOCK_CACHE_STEP_BYTES + 1;
    uint8_t *block = block_cache_allocate(&cache, bytes);
    ck_assert_ptr_nonnull(block);
    memset(block, 1, bytes);
    block_cache_release(&cache, block, bytes);
    block_cache_release(&cache, NULL, 8);
    ck_assert_uint_eq(cache.kept_bytes, 0);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("block_cache");
    TCase *tests = tcase_create("block_cache");
    tcase_add_checked_fixture(tests, NULL, teardown);
    tcase_add_test(tests, blocks_are_apart);
    tcase_add_test(tests, what_is_kept_is_bounded);
    tcase_add_test(tests, others_pass_through);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
