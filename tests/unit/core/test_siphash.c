/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SipHash-2-4 against its authors' values: the example of the paper's appendix A, and from the
 * reference implementation's list, key 00..0f and messages 00, 00 01, ... of growing length.
 */
#include "core/siphash.h"

#include "support/unit_env.h"
#include "support/unit_hex.h"

static struct unit_env unit;
static uint8_t key[16], message[64];

static void setup(void) {
    unit_env_init(&unit, 2);
    for (unsigned i = 0; i < 64; i++) {
        message[i] = (uint8_t)i;
        key[i % 16] = (uint8_t)(i % 16);
    }
}

static void teardown(void) {
    unit_hex_free();
    unit_env_check_empty(&unit);
}

START_TEST(the_papers_example) {
    ck_assert_uint_eq(siphash(key, message, 15), 0xa129ca6149be45e5u);
}
END_TEST

/* Published as bytes, the least significant first. */
START_TEST(the_reference_values) {
    static const struct {
        size_t bytes;
        const char *wanted;
    } values[] = {
        {0, "31 0e 0e dd 47 db 6f 72"}, {1, "fd 67 dc 93 c5 39 f8 74"},
        {2, "5a 4f a9 d9 09 80 6c 0d"}, {3, "2d 7e fb d7 96 66 67 85"},
        {4, "b7 87 71 27 e0 94 27 cf"}, {5, "8d a6 99 cd 64 55 76 18"},
        {6, "ce e3 fe 58 6e 46 c9 cb"}, {7, "37 d1 01 8b f5 00 02 ab"},
        {8, "62 24 93 9a 79 f5 f5 93"},
    };
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        uint8_t out[8];
        put64(out, __builtin_bswap64(siphash(key, message, values[i].bytes)));
        unit_hex_equal(out, 8, values[i].wanted);
    }
}
END_TEST

START_TEST(key_and_length_matter) {
    static const uint8_t zeroes[16];
    uint64_t hash = siphash(key, zeroes, 8);
    ck_assert_uint_ne(hash, siphash(key, zeroes, 9));
    for (unsigned bit = 0; bit < 128; bit++) {
        key[bit / 8] ^= (uint8_t)(1u << bit % 8);
        ck_assert_uint_ne(hash, siphash(key, zeroes, 8));
        key[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("siphash");
    TCase *tests = tcase_create("siphash");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, the_papers_example);
    tcase_add_test(tests, the_reference_values);
    tcase_add_test(tests, key_and_length_matter);
    suite_add_tcase(suite, tests);
    return unit_env_run(suite);
}
