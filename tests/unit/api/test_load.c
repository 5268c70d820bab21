/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * When whoever drives may nap: packets one by one in a stream, not a few, not runs, not after a
 * pause (config.h: nap_us).
 */
#include "api/turn.h"

#include "api/loop.h"

#include <check.h>

enum { NAP_US = 100, PACKETS = 400 };

static struct usctp_packet packets[LOOP_PACKETS];
static struct loop loop;
static uint64_t now_us;

static void setup(void) {
    loop = (struct loop){.nap_us = NAP_US, .packets = packets};
    now_us = 1000000000;
    for (size_t i = 0; i < LOOP_PACKETS; i++)
        packets[i] = (struct usctp_packet){.length = 1452};
}

/* So many packets in turns of so many, so far apart. */
static void take(size_t count, size_t a_turn, uint64_t apart_us) {
    for (size_t i = 0; i < count; i += a_turn, now_us += apart_us)
        turn_note_load(&loop, a_turn, now_us);
}

START_TEST(a_stream_is_a_load) {
    take(PACKETS, 1, NAP_US / 10);
    ck_assert(loop.is_loaded);
}
END_TEST

START_TEST(in_turns_as_well) {
    take(PACKETS, 8, NAP_US);
    ck_assert(loop.is_loaded);
}
END_TEST

START_TEST(few_are_none) {
    take(PACKETS, 1, NAP_US / 2);
    ck_assert(!loop.is_loaded);
}
END_TEST

/* A gigabyte a second in runs of 64 KB is more than one in 64 us. */
START_TEST(runs_are_none) {
    for (size_t i = 0; i < LOOP_PACKETS; i++) {
        packets[i].length = 44 * 1452;
        packets[i].segment_size = 1452;
    }
    take(PACKETS, 1, NAP_US / 10);
    ck_assert(!loop.is_loaded);
}
END_TEST

START_TEST(a_pause_ends_it) {
    take(PACKETS, 1, NAP_US / 10);
    now_us += 10 * NAP_US;
    take(1, 1, 0);
    ck_assert(!loop.is_loaded);
}
END_TEST

START_TEST(off_is_off) {
    loop.nap_us = 0;
    take(PACKETS, 8, 1);
    ck_assert(!loop.is_loaded);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("load");
    TCase *tcase = tcase_create("load");
    SRunner *runner = srunner_create(suite);
    tcase_add_checked_fixture(tcase, setup, NULL);
    tcase_add_test(tcase, a_stream_is_a_load);
    tcase_add_test(tcase, in_turns_as_well);
    tcase_add_test(tcase, few_are_none);
    tcase_add_test(tcase, runs_are_none);
    tcase_add_test(tcase, a_pause_ends_it);
    tcase_add_test(tcase, off_is_off);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
