/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * usctp-cat's turns: a sequence cut into messages, spread over streams and shuffled as SCTP may
 * (the order within a stream stays), comes out as it was.
 */
#include "cat/turns.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { STREAMS = 5, MESSAGES = 400, MAX_BYTES = 37 };

static unsigned char sequence[MESSAGES * MAX_BYTES];
static size_t begins[MESSAGES + 1];

/* Random messages; what a byte is depends on where it is. */
static void make_sequence(void) {
    for (size_t i = 0; i < MESSAGES; i++)
        begins[i + 1] = begins[i] + 1 + (size_t)rand() % MAX_BYTES;
    for (size_t i = 0; i < begins[MESSAGES]; i++)
        sequence[i] = (unsigned char)(i * 131 + i / 251);
}

/* Puts message k in one or two pieces. */
static void put_message(struct turns *turns, size_t k) {
    const unsigned char *at = sequence + begins[k];
    size_t bytes = begins[k + 1] - begins[k], first = (size_t)rand() % bytes;
    if (first > 0)
        ck_assert_int_eq(turns_put(turns, (unsigned)(k % STREAMS), at, first, false, false), 0);
    ck_assert_int_eq(
        turns_put(turns, (unsigned)(k % STREAMS), at + first, bytes - first, true, false), 0);
}

START_TEST(any_interleaving_of_streams) {
    static unsigned char got[sizeof sequence];
    size_t next[STREAMS], used = 0, left = MESSAGES;
    bool marker = false;
    srand((unsigned)_i);
    make_sequence();
    struct turns *turns = turns_new(STREAMS);
    ck_assert_ptr_nonnull(turns);
    for (size_t i = 0; i < STREAMS; i++)
        next[i] = i;
    while (left > 0) {
        size_t stream = (size_t)rand() % STREAMS;
        if (next[stream] < MESSAGES) {
            put_message(turns, next[stream]);
            next[stream] += STREAMS;
            left--;
        }
        size_t room = (size_t)rand() % 100;
        size_t taken = turns_take(turns, got + used, room, &marker);
        ck_assert_uint_le(taken, room);
        used += taken;
        ck_assert(!marker);
    }
    used += turns_take(turns, got + used, sizeof got - used, &marker);
    ck_assert_uint_eq(used, begins[MESSAGES]);
    ck_assert_mem_eq(got, sequence, used);
    ck_assert_uint_eq(turns_held_bytes(turns), 0);
    turns_delete(turns);
}
END_TEST

START_TEST(the_marker_waits_for_its_turn) {
    unsigned char got[8];
    bool marker = false;
    struct turns *turns = turns_new(2);
    ck_assert_int_eq(turns_put(turns, 1, "", 1, true, true), 0);
    ck_assert_uint_eq(turns_take(turns, got, sizeof got, &marker), 0);
    ck_assert(!marker);
    ck_assert_int_eq(turns_put(turns, 0, "ab", 2, true, false), 0);
    ck_assert_uint_eq(turns_take(turns, got, sizeof got, &marker), 2);
    ck_assert(!marker);
    ck_assert_uint_eq(turns_take(turns, got, sizeof got, &marker), 0);
    ck_assert(marker);
    ck_assert_uint_eq(turns_held_bytes(turns), 0);
    turns_delete(turns);
}
END_TEST

START_TEST(limits) {
    static const unsigned char block[1 << 20];
    struct turns *turns = turns_new(2);
    ck_assert_int_eq(turns_put(turns, 2, "x", 1, true, false), -1);
    ck_assert_int_eq(errno, EPROTO);
    for (size_t held = 0; held < TURNS_MAX_HELD_BYTES; held += sizeof block)
        ck_assert_int_eq(turns_put(turns, 1, block, sizeof block, true, false), 0);
    ck_assert_int_eq(turns_put(turns, 1, "x", 1, true, false), -1);
    ck_assert_int_eq(errno, EMSGSIZE);
    turns_delete(turns);
    turns_delete(NULL);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("turns");
    TCase *tests = tcase_create("turns");
    tcase_add_loop_test(tests, any_interleaving_of_streams, 1, 20);
    tcase_add_test(tests, the_marker_waits_for_its_turn);
    tcase_add_test(tests, limits);
    tcase_set_timeout(tests, 60);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
