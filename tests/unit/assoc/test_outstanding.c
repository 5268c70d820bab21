/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Transmit records: single rules of RFC 9260 6.2.1, 6.3.1, 6.3.2 and 7.2.4 by hand, failing
 * memory, and the wrap of TSNs. Random SACKs against a model are in test_outstanding_model.c.
 */
#include "assoc/outstanding.h"

#include "support/unit_env.h"

#include <string.h>

#define FIRST 0xfffffffeu /* the third chunk's TSN is 0 */

static struct unit_env unit;
static struct send_queue queue;
static struct outstanding out;
static struct sack_outcome outcome;
static const uint64_t base = ((uint64_t)1 << 32) + FIRST;
static uint64_t now_us;

static void setup(void) {
    unit_env_init(&unit, 1);
    send_queue_init(&queue);
    ck_assert_int_eq(outstanding_init(&out, FIRST, &unit.env), 0);
    ck_assert_int_eq(outstanding_set_paths(&out, 6, &unit.env), 0);
    now_us = 1000;
}

static void teardown(void) {
    ck_assert(outstanding_check(&out));
    outstanding_free(&out, &queue, &unit.env);
    send_queue_free(&queue, &unit.env);
    unit_env_check_empty(&unit);
}

/* Sends n messages of 10 bytes, each in a chunk of 28, one a microsecond. */
static void send(uint32_t n, uint8_t path) {
    for (uint32_t i = 0; i < n; i++) {
        char text[] = "0123456789";
        const struct usctp_slice slice = {text, 10};
        const struct usctp_send to = {.sid = 0};
        ck_assert_int_eq(send_queue_add(&queue, &to, &slice, 1, &unit.env), 0);
        ck_assert_int_eq(send_queue_prepare(&queue, &unit.env), 0);
        ck_assert_int_eq(outstanding_reserve(&out, &unit.env), 0);
        const struct record record = {.message = send_queue_front(&queue),
                                      .payload_bytes = 10,
                                      .path = path,
                                      .sent_us = now_us++};
        uint64_t tsn = out.next_tsn;
        ck_assert_uint_eq(outstanding_add(&out, &record), tsn);
        send_queue_cut(&queue, 10, &unit.env);
    }
}

/* A SACK of the first `acked` TSNs and blocks of offsets, pairs ended by 0. */
static enum sack_verdict sack_with(uint32_t acked, bool in_fast_recovery, const uint16_t *offsets) {
    uint8_t gaps[64];
    struct sack_chunk sack = {.cumulative_tsn = FIRST - 1 + acked, .gaps = gaps};
    for (; offsets && offsets[2 * sack.gap_count]; sack.gap_count++) {
        put16(gaps + 4 * sack.gap_count, offsets[2 * sack.gap_count]);
        put16(gaps + 4 * sack.gap_count + 2, offsets[2 * sack.gap_count + 1]);
    }
    enum sack_verdict verdict =
        outstanding_on_sack(&out, &sack, in_fast_recovery, &outcome, &queue, &unit.env);
    ck_assert(outstanding_check(&out));
    return verdict;
}

static void sack(uint32_t acked, const uint16_t *offsets) {
    ck_assert_int_eq(sack_with(acked, false, offsets), SACK_FINE);
}

/* The records' states, '.' in flight, 'm' marked, 'a' acknowledged. */
static void expect(const char *states) {
    uint64_t tsn = out.cumulative + 1;
    ck_assert_uint_eq(outstanding_count(&out), strlen(states));
    for (; *states; states++, tsn++) {
        static const char letters[] = {
            [RECORD_IN_FLIGHT] = '.', [RECORD_MARKED] = 'm', [RECORD_ACKED] = 'a'};
        ck_assert_int_eq(letters[outstanding_at(&out, tsn)->state], *states);
    }
}

static const uint16_t second[] = {2, 2, 0, 0};
static const uint16_t second_to_third[] = {2, 3, 0, 0};
static const uint16_t second_to_fourth[] = {2, 4, 0, 0};
static const uint16_t second_to_fifth[] = {2, 5, 0, 0};

START_TEST(counts_what_is_in_flight) {
    send(2, 0);
    send(1, 5);
    ck_assert_uint_eq(outstanding_in_flight_bytes(&out), 30);
    ck_assert_uint_eq(outstanding_flight(&out, 0)->in_flight_bytes, 56); /* 16 + 10, padded to 28 */
    ck_assert_uint_eq(outstanding_flight(&out, 0)->in_flight_count, 2);
    ck_assert_uint_eq(outstanding_flight(&out, 5)->in_flight_bytes, 28);
    sack(1, second);
    expect(".a");
    ck_assert_uint_eq(outcome.newly_acked_bytes, 20);
    ck_assert_uint_eq(outcome.newly_acked_chunks, 2);
    ck_assert_uint_eq(outcome.acked_paths, 1u << 0 | 1u << 5);
    ck_assert_uint_eq(outcome.acked_chunk_bytes[0], 28);
    ck_assert_uint_eq(outcome.acked_chunk_bytes[5], 28);
    ck_assert(outcome.cumulative_advanced);
    ck_assert_uint_eq(outstanding_in_flight_bytes(&out), 10);
    ck_assert_uint_eq(outstanding_flight(&out, 5)->in_flight_count, 0);
    ck_assert_uint_eq(queue.charged_bytes, 20); /* the gap's message is kept: it may be reneged */
    sack(3, NULL);
    ck_assert(outstanding_is_empty(&out));
    ck_assert_uint_eq(outcome.newly_acked_chunks, 1);
    ck_assert_uint_eq(queue.charged_bytes, 0);
}
END_TEST

START_TEST(third_miss_marks_once) {
    send(6, 3);
    sack(0, second);
    sack(0, second_to_third);
    expect(".aa...");
    ck_assert_uint_eq(outcome.lost_paths, 0);
    sack(0, second_to_fourth);
    expect("maaa..");
    ck_assert_uint_eq(outcome.lost_paths, 1u << 3);
    ck_assert_uint_eq(outcome.lost_chunks, 1);
    ck_assert_uint_eq(outstanding_marked_count(&out), 1);
    ck_assert_uint_eq(outstanding_next_marked(&out, base), base);
    outstanding_on_retransmit(&out, base, 4, 1, 2000);
    expect(".aaa..");
    ck_assert_uint_eq(outstanding_flight(&out, 4)->in_flight_count, 1);
    ck_assert_uint_eq(outstanding_at(&out, base)->transmissions, 2);
    /* 7.2.4 (5): from now on only T3-rtx */
    for (uint16_t end = 5; end <= 6; end++) {
        const uint16_t more[] = {2, end, 0, 0};
        sack(0, more);
    }
    for (int i = 0; i < 4; i++) {
        send(1, 3);
        const uint16_t more[] = {2, (uint16_t)(7 + i), 0, 0};
        sack(0, more);
    }
    ck_assert_int_eq(outstanding_at(&out, base)->state, RECORD_IN_FLIGHT);
    ck_assert_uint_eq(outstanding_mark_path(&out, 4), 1);
    ck_assert_int_eq(outstanding_at(&out, base)->state, RECORD_MARKED);
}
END_TEST

START_TEST(misses_count_below_the_highest_newly_acknowledged) {
    send(6, 0);
    const uint16_t fourth[] = {4, 4, 0, 0}, both[] = {2, 2, 4, 4, 0, 0};
    sack(0, fourth);
    ck_assert_uint_eq(outstanding_at(&out, base)->misses, 1);
    ck_assert_uint_eq(outstanding_at(&out, base + 2)->misses, 1);
    sack(0, fourth); /* nothing new: no misses */
    ck_assert_uint_eq(outstanding_at(&out, base)->misses, 1);
    sack(0, both); /* the second is new: only what is below it is missing once more */
    ck_assert_uint_eq(outstanding_at(&out, base)->misses, 2);
    ck_assert_uint_eq(outstanding_at(&out, base + 2)->misses, 1);
    /* In Fast Recovery, with the cumulative TSN advancing: all that is reported missing. */
    const uint16_t rest[] = {3, 3, 0, 0};
    ck_assert_int_eq(sack_with(1, true, rest), SACK_FINE); /* 2 is reneged here, too */
    ck_assert_uint_eq(outstanding_at(&out, base + 2)->misses, 2);
    ck_assert_uint_eq(outstanding_at(&out, base + 1)->misses, 1);
    ck_assert_int_eq(sack_with(1, true, rest), SACK_FINE); /* not advancing */
    ck_assert_uint_eq(outstanding_at(&out, base + 2)->misses, 2);
    ck_assert_int_eq(sack_with(2, false, (const uint16_t[]){2, 2, 0, 0}), SACK_FINE);
    ck_assert_uint_eq(outstanding_at(&out, base + 2)->misses, 2);
}
END_TEST

START_TEST(reneged_chunks_are_in_flight_again) {
    send(5, 2);
    sack(0, second_to_fifth);
    expect(".aaaa");
    ck_assert_uint_eq(outstanding_in_flight_bytes(&out), 10);
    sack(0, second_to_third); /* 4 and 5 are gone again */
    expect(".aa..");
    ck_assert_uint_eq(outcome.reneged_paths, 1u << 2);
    ck_assert_uint_eq(outcome.newly_acked_chunks, 0);
    ck_assert_uint_eq(outstanding_in_flight_bytes(&out), 30);
    ck_assert_uint_eq(outstanding_at(&out, base + 3)->misses, 1); /* 6.2.1 D iii */
    sack(0, second_to_third);
    ck_assert_uint_eq(outcome.reneged_paths, 0); /* only once */
    sack(2, NULL); /* 3 reneged, by a SACK with a higher cumulative TSN */
    expect("...");
    ck_assert_uint_eq(outcome.reneged_paths, 1u << 2);
    ck_assert_uint_eq(outcome.newly_acked_chunks, 1);
    sack(5, NULL);
    ck_assert_uint_eq(outcome.newly_acked_bytes, 30);
}
END_TEST

START_TEST(shutdown_reneges_nothing) {
    send(5, 2);
    sack(0, second_to_third);
    ck_assert_int_eq(outstanding_on_cumulative(&out, FIRST, &outcome, &queue, &unit.env),
                     SACK_FINE);
    expect("aa..");
    ck_assert_uint_eq(outcome.reneged_paths, 0);
    ck_assert_uint_eq(outcome.newly_acked_chunks, 1);
    ck_assert(outcome.cumulative_advanced);
    ck_assert_int_eq(outstanding_on_cumulative(&out, FIRST - 1, &outcome, &queue, &unit.env),
                     SACK_OLD);
    ck_assert_int_eq(outstanding_on_cumulative(&out, FIRST + 5, &outcome, &queue, &unit.env),
                     SACK_BEYOND);
    expect("aa..");
    sack(3, NULL); /* the gap may still be reneged or acknowledged */
    expect("..");
    ck_assert_int_eq(outstanding_on_cumulative(&out, FIRST + 4, &outcome, &queue, &unit.env),
                     SACK_FINE);
    expect("");
}
END_TEST

START_TEST(old_and_impossible_sacks_change_nothing) {
    send(4, 0);
    sack(2, NULL);
    const uint16_t third[] = {3, 3, 0, 0}, far[] = {1, 1, 60000, 65535, 0, 0};
    ck_assert_int_eq(sack_with(1, false, NULL), SACK_OLD);
    ck_assert_int_eq(sack_with(1, false, far), SACK_OLD); /* H45 */
    ck_assert_int_eq(sack_with(5, false, NULL), SACK_BEYOND);
    ck_assert_int_eq(sack_with(2, false, third), SACK_BEYOND); /* H44 */
    ck_assert_int_eq(sack_with(2, false, far), SACK_BEYOND);
    ck_assert_int_eq(sack_with(0x7fffffff, false, NULL), SACK_BEYOND);
    ck_assert_int_eq(sack_with(0x80000100, false, NULL), SACK_OLD); /* half the range behind */
    expect("..");
    ck_assert_uint_eq(outstanding_in_flight_bytes(&out), 20);
    ck_assert_int_eq(sack_with(2, false, second), SACK_FINE);
    expect(".a");
}
END_TEST

START_TEST(tells_when_the_earliest_on_a_path_went) {
    send(1, 0);
    send(2, 1);
    send(1, 0);
    sack(0, second); /* 2: the earliest on path 1 */
    ck_assert_uint_eq(outcome.earliest_acked_paths, 1u << 1);
    sack(0, (const uint16_t[]){2, 2, 4, 4, 0, 0}); /* 4: on path 0, behind 1 */
    ck_assert_uint_eq(outcome.earliest_acked_paths, 0);
    sack(0, second_to_fourth); /* 3: now the earliest on path 1 */
    ck_assert_uint_eq(outcome.earliest_acked_paths, 1u << 1);
    sack(1, NULL);
    ck_assert_uint_eq(outcome.earliest_acked_paths, 1u << 0);
}
END_TEST

START_TEST(earliest_counts_marked_chunks) {
    send(3, 0);
    ck_assert_uint_eq(outstanding_mark_path(&out, 0), 3);
    expect("mmm");
    ck_assert_uint_eq(outstanding_earliest_on_path(&out, 0), USCTP_NEVER);
    outstanding_on_retransmit(&out, base, 1, 0, 5000);
    ck_assert_uint_eq(outstanding_earliest_on_path(&out, 1), base);
    sack(0, second_to_third); /* late, of the first transmissions; both are marked on path 0 */
    ck_assert_uint_eq(outcome.earliest_acked_paths, 1u << 0);
    ck_assert_uint_eq(outstanding_marked_count(&out), 0);
    ck_assert_uint_eq(outstanding_next_marked(&out, 0), USCTP_NEVER);
}
END_TEST

START_TEST(measures_what_was_sent_once) {
    send(4, 0); /* at 1000 .. 1003 */
    sack(2, NULL);
    ck_assert_uint_eq(outcome.rtt_sent_us[0], 1001);
    ck_assert_uint_eq(outcome.acked_paths, 1u << 0);
    ck_assert_uint_eq(outstanding_mark_path(&out, 0), 2);
    outstanding_on_retransmit(&out, base + 2, 0, 0, 2000);
    sack(3, NULL); /* Karn: sent twice */
    ck_assert_uint_eq(outcome.rtt_sent_us[0], USCTP_NEVER);
    outstanding_on_retransmit(&out, base + 3, 0, 0, 2001);
    now_us = 2500;
    send(1, 0);
    sack(5, NULL);
    ck_assert_uint_eq(outcome.rtt_sent_us[0], 2500);
}
END_TEST

/* 6.3.1 C5: no measurement by a chunk when one up to it was retransmitted after it was sent. */
START_TEST(measures_nothing_that_waited_for_a_retransmission) {
    send(3, 0);
    ck_assert_uint_eq(outstanding_mark_path(&out, 0), 3);
    outstanding_on_retransmit(&out, base, 0, 0, 1500);
    sack(2, NULL); /* 2 was sent once, but may have waited for 1 */
    ck_assert_uint_eq(outcome.newly_acked_chunks, 2);
    ck_assert_uint_eq(outcome.rtt_sent_us[0], USCTP_NEVER);
    sack(3, NULL); /* so may 3, though 1 is no more */
    ck_assert_uint_eq(outcome.rtt_sent_us[0], USCTP_NEVER);
    now_us = 1501;
    send(1, 0);
    sack(4, NULL);
    ck_assert_uint_eq(outcome.rtt_sent_us[0], 1501);
}
END_TEST

/* 6.3.1 C4: where C5 allows it, a measurement must be made: a chunk above was sent again, not one
 * up to this one. */
START_TEST(measures_below_a_retransmission) {
    send(1, 0); /* at 1000 */
    send(2, 1);
    send(1, 0); /* at 1003 */
    ck_assert_uint_eq(outstanding_mark_path(&out, 1), 2);
    outstanding_on_retransmit(&out, base + 2, 1, 0, 1500);
    now_us = 1600;
    send(2, 0);
    sack(1, NULL);
    ck_assert_uint_eq(outcome.rtt_sent_us[0], 1000); /* 3 and 4 wait, 1 does not */
    outstanding_on_retransmit(&out, base + 1, 1, 0, 1700);
    now_us = 1800;
    send(1, 0);
    sack(3, second_to_third); /* 5 and 6 were sent before 2 was sent again */
    ck_assert_uint_eq(outcome.newly_acked_chunks, 4);
    ck_assert_uint_eq(outcome.rtt_sent_us[0], USCTP_NEVER);
    sack(7, NULL);
    ck_assert_uint_eq(outcome.rtt_sent_us[0], 1800);
}
END_TEST

START_TEST(finds_marked_chunks_in_order) {
    send(3, 0);
    send(3, 1);
    send(2, 0);
    ck_assert_uint_eq(outstanding_mark_path(&out, 1), 3);
    ck_assert_uint_eq(outstanding_next_marked(&out, 0), base + 3);
    ck_assert_uint_eq(outstanding_next_marked(&out, base + 4), base + 4);
    ck_assert_uint_eq(outstanding_next_marked(&out, base + 6), USCTP_NEVER);
    outstanding_on_retransmit(&out, base + 3, 0, 0, 9000);
    ck_assert_uint_eq(outstanding_next_marked(&out, 0), base + 4);
    ck_assert_uint_eq(outstanding_mark_path(&out, 0), 6);
    ck_assert_uint_eq(outstanding_next_marked(&out, 0), base);
    sack(4, NULL);
    ck_assert_uint_eq(outstanding_next_marked(&out, 0), base + 4);
    ck_assert_uint_eq(outstanding_marked_count(&out), 4);
}
END_TEST

START_TEST(pops_the_lowest) {
    send(3, 0);
    sack(0, second);
    ck_assert_uint_eq(outstanding_mark_path(&out, 0), 2);
    struct record record;
    for (uint32_t i = 0; i < 3; i++) {
        struct outbound_message *message = outstanding_pop(&out, &record);
        ck_assert_ptr_eq(message, record.message);
        ck_assert_uint_eq(record.sent_us, 1000 + i);
        outbound_message_release(&queue, message, &unit.env);
        ck_assert(outstanding_check(&out));
    }
    ck_assert_ptr_null(outstanding_pop(&out, &record));
    ck_assert_uint_eq(outstanding_marked_count(&out), 0);
}
END_TEST

START_TEST(short_memory_changes_nothing) {
    uint32_t refused = 0;
    for (uint32_t i = 0; i < 100; i++) {
        unit_env_fail_all(&unit);
        int error = outstanding_reserve(&out, &unit.env);
        ck_assert(error == 0 || error == USCTP_ERR_NO_MEMORY);
        refused += error != 0 ? 1 : 0;
        ck_assert(outstanding_check(&out));
        unit_env_fail_nth(&unit, 0);
        send(1, 0);
    }
    ck_assert_uint_ge(refused, 5); /* whenever the ring is full: it doubles */
    for (uint32_t i = 0; i < 100; i++) {
        ck_assert_uint_eq(outstanding_at(&out, base + i)->sent_us, 1000 + i);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("outstanding");
    TCase *tests = tcase_create("outstanding");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, counts_what_is_in_flight);
    tcase_add_test(tests, third_miss_marks_once);
    tcase_add_test(tests, misses_count_below_the_highest_newly_acknowledged);
    tcase_add_test(tests, reneged_chunks_are_in_flight_again);
    tcase_add_test(tests, shutdown_reneges_nothing);
    tcase_add_test(tests, old_and_impossible_sacks_change_nothing);
    tcase_add_test(tests, tells_when_the_earliest_on_a_path_went);
    tcase_add_test(tests, earliest_counts_marked_chunks);
    tcase_add_test(tests, measures_what_was_sent_once);
    tcase_add_test(tests, measures_nothing_that_waited_for_a_retransmission);
    tcase_add_test(tests, measures_below_a_retransmission);
    tcase_add_test(tests, finds_marked_chunks_in_order);
    tcase_add_test(tests, pops_the_lowest);
    tcase_add_test(tests, short_memory_changes_nothing);
    suite_add_tcase(suite, tests);
    return unit_env_run(suite);
}
