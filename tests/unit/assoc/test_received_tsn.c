/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Received TSNs against an array of flags, in seeded random order with duplicates and around the
 * wrap of TSNs; gap blocks, limits and failing memory (RFC 9260 3.3.4, 6.2, 6.7).
 */
#include "assoc/received_tsn.h"

#include "support/unit_env.h"

#define SPAN   500u
#define WINDOW 80u

static struct unit_env unit;
static struct received_tsn received;

static void setup(void) {
    unit_env_init(&unit, 11);
}

static void teardown(void) {
    received_tsn_free(&received, &unit.env);
    unit_env_check_empty(&unit);
}

static void start(uint32_t initial_tsn, uint32_t max_duplicates) {
    received_tsn_init(&received, initial_tsn, max_duplicates);
}

static void add(uint32_t tsn) {
    unit_env_check(received_tsn_classify(&received, tsn, WINDOW, &unit.env) == RECEIVED_NEW);
    unit_env_check(received_tsn_add(&received, tsn, &unit.env) == 0);
}

/* What a receiver that only has flags would report. */
static void check_against(const bool *has, uint32_t initial_tsn) {
    uint32_t cumulative = 0; /* how many from the first on */
    while (has[cumulative]) {
        cumulative++;
    }
    unit_env_check(received_tsn_check(&received));
    unit_env_check((uint32_t)received.cumulative == initial_tsn + cumulative - 1);
    struct sack_gap gaps[SPAN];
    uint32_t count = received_tsn_gaps(&received, gaps, SPAN), seen = 0;
    uint32_t highest = cumulative;
    for (uint32_t i = cumulative; i < SPAN; i++) {
        if (!has[i] || has[i - 1])
            continue;
        uint32_t end = i;
        while (has[end + 1]) {
            end++;
        }
        unit_env_check(seen < count);
        unit_env_check(gaps[seen].start == i - cumulative + 1);
        unit_env_check(gaps[seen].end == end - cumulative + 1);
        highest = end + 1;
        seen++;
    }
    unit_env_check(seen == count);
    unit_env_check(received_tsn_has_gap(&received) == (count > 0));
    unit_env_check((uint32_t)received_tsn_highest(&received) == initial_tsn + highest - 1);
}

static void run_random(uint32_t initial_tsn) {
    bool has[SPAN + 2] = {false};
    uint32_t duplicates = 0, low = 0;
    start(initial_tsn, 16);
    while (low < SPAN) {
        uint32_t offset = low + unit_env_below(&unit, WINDOW + 10);
        offset = unit_env_below(&unit, 8) == 0 ? unit_env_below(&unit, low + 1) : offset;
        if (offset >= SPAN)
            offset = low;
        uint32_t tsn = initial_tsn + offset;
        enum received_verdict verdict = received_tsn_classify(&received, tsn, WINDOW, &unit.env);
        if (has[offset]) {
            unit_env_check(verdict == RECEIVED_DUPLICATE);
            duplicates++;
        } else if (offset >= low + WINDOW) {
            unit_env_check(verdict == RECEIVED_BEYOND);
        } else {
            unit_env_check(verdict == RECEIVED_NEW);
            if (unit_env_below(&unit, 4) == 0)
                unit_env_fail_all(&unit);
            int error = received_tsn_add(&received, tsn, &unit.env);
            unit_env_check(error == 0 || (error == USCTP_ERR_NO_MEMORY && unit.fail_at > 0));
            unit_env_fail_nth(&unit, 0);
            has[offset] = error == 0;
        }
        while (has[low]) {
            low++;
        }
        check_against(has, initial_tsn);
    }
    ck_assert_uint_eq(received.duplicate_count + received.dropped_duplicates, duplicates);
    ck_assert_uint_eq(received.duplicate_count, 16);
    received_tsn_free(&received, &unit.env);
}

START_TEST(agrees_with_flags) {
    static const uint32_t initial[] = {1, 0, 0xffffffff, 0xffffff80, 0x7fffff80, 0x80000000};
    for (size_t i = 0; i < sizeof initial / sizeof initial[0]; i++) {
        run_random(initial[i]);
    }
}
END_TEST

START_TEST(far_tsns_are_old_or_beyond) {
    start(1000, 4);
    ck_assert_int_eq(received_tsn_classify(&received, 999 + WINDOW, WINDOW, &unit.env),
                     RECEIVED_NEW);
    ck_assert_int_eq(received_tsn_classify(&received, 1000 + WINDOW, WINDOW, &unit.env),
                     RECEIVED_BEYOND);
    ck_assert_int_eq(received_tsn_classify(&received, 999u + 0x7fffffffu, WINDOW, &unit.env),
                     RECEIVED_BEYOND);
    ck_assert_int_eq(received_tsn_classify(&received, 999, WINDOW, &unit.env), RECEIVED_DUPLICATE);
    ck_assert_int_eq(received_tsn_classify(&received, 999u - 0x7fffffffu, WINDOW, &unit.env),
                     RECEIVED_DUPLICATE);
    ck_assert_int_eq(received_tsn_classify(&received, 1000, 0, &unit.env), RECEIVED_BEYOND);
    ck_assert_uint_eq(received.duplicate_count, 2);
}
END_TEST

START_TEST(duplicates_are_listed_as_often_as_they_came) {
    start(50, 3);
    add(50);
    add(52);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(received_tsn_classify(&received, 52, WINDOW, &unit.env),
                         RECEIVED_DUPLICATE);
    }
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(received_tsn_classify(&received, 50, WINDOW, &unit.env),
                         RECEIVED_DUPLICATE);
    }
    ck_assert_uint_eq(received.duplicate_count, 3);
    ck_assert_uint_eq(received.duplicates[0], 52);
    ck_assert_uint_eq(received.duplicates[1], 52);
    ck_assert_uint_eq(received.duplicates[2], 50);
    ck_assert_uint_eq(received.dropped_duplicates, 1);
    received_tsn_clear_duplicates(&received, &unit.env);
    ck_assert_uint_eq(received.duplicate_count, 0);
}
END_TEST

START_TEST(may_list_no_duplicates) {
    start(50, 0);
    add(50);
    ck_assert_int_eq(received_tsn_classify(&received, 50, WINDOW, &unit.env), RECEIVED_DUPLICATE);
    ck_assert_uint_eq(received.duplicate_count, 0);
    ck_assert_uint_eq(received.dropped_duplicates, 1);
}
END_TEST

/* RFC 9260 3.3.4: a block is two offsets of 16 bits from the Cumulative TSN Ack: what lies further
 * away cannot be reported. */
START_TEST(gap_blocks_are_offsets_of_16_bits) {
    start(10, 0);
    struct sack_gap gaps[4];
    uint32_t first = 9 + 65534;
    for (uint32_t tsn = first; tsn < first + 4; tsn++) {
        ck_assert_int_eq(received_tsn_add(&received, tsn, &unit.env), 0);
    }
    ck_assert_int_eq(received_tsn_add(&received, first + 10, &unit.env), 0);
    ck_assert_uint_eq(received_tsn_gaps(&received, gaps, 4), 1);
    ck_assert_uint_eq(gaps[0].start, 65534);
    ck_assert_uint_eq(gaps[0].end, 65535);
    ck_assert_int_eq(received_tsn_add(&received, 12, &unit.env), 0);
    ck_assert_int_eq(received_tsn_add(&received, 13, &unit.env), 0);
    ck_assert_uint_eq(received_tsn_gaps(&received, gaps, 4), 2);
    ck_assert_uint_eq(gaps[0].start, 3);
    ck_assert_uint_eq(gaps[0].end, 4);
    ck_assert_uint_eq(received_tsn_gaps(&received, gaps, 1), 1);
    ck_assert_uint_eq(received_tsn_gaps(&received, gaps, 0), 0);
}
END_TEST

START_TEST(without_memory_duplicates_go_unreported) {
    start(1, 4);
    ck_assert_int_eq(received_tsn_add(&received, 1, &unit.env), 0);
    unit_env_fail_nth(&unit, 1);
    ck_assert_int_eq(received_tsn_classify(&received, 1, WINDOW, &unit.env), RECEIVED_DUPLICATE);
    ck_assert_uint_eq(received.duplicate_count, 0);
    ck_assert_uint_eq(received.dropped_duplicates, 1);
    ck_assert_int_eq(received_tsn_classify(&received, 1, WINDOW, &unit.env), RECEIVED_DUPLICATE);
    ck_assert_uint_eq(received.duplicate_count, 1);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("received_tsn");
    TCase *tests = tcase_create("received_tsn");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, agrees_with_flags);
    tcase_add_test(tests, far_tsns_are_old_or_beyond);
    tcase_add_test(tests, duplicates_are_listed_as_often_as_they_came);
    tcase_add_test(tests, may_list_no_duplicates);
    tcase_add_test(tests, gap_blocks_are_offsets_of_16_bits);
    tcase_add_test(tests, without_memory_duplicates_go_unreported);
    suite_add_tcase(suite, tests);
    return unit_env_run(suite);
}
