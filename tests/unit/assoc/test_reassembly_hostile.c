/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * DATA chunks that contradict each other: B and E in the wrong place, a stream, kind or SSN that
 * changes within a message, an SSN that comes again (RFC 9260 6.5, 6.6, 6.9); and the same around
 * partial delivery.
 */
#include "assoc/reassembly.h"

#include "support/unit_env.h"

#include <stdlib.h>
#include <string.h>

#define B DATA_FLAG_B
#define E DATA_FLAG_E
#define U DATA_FLAG_U

/* A chunk; refused: it contradicts what came before. The first one without flags, SSN and TSN ends
 * a case. */
struct step {
    uint32_t tsn;
    uint8_t flags;
    uint16_t sid, ssn;
    bool is_refused;
};
#define STEPS 6
#define OK    false
#define BAD   true

static const struct step cases[][STEPS] = {
    /* after a whole message one must begin */
    {{1, B | E, 0, 0, OK}, {2, 0, 0, 1, BAD}, {2, E, 0, 1, BAD}, {2, B, 0, 1, OK}},
    {{1, B, 0, 0, OK}, {2, E, 0, 0, OK}, {3, E, 0, 1, BAD}, {3, U, 0, 1, BAD}},
    /* and before it one must end */
    {{2, B | E, 0, 0, OK}, {1, B, 0, 1, BAD}, {1, 0, 0, 1, BAD}, {1, E, 0, 1, OK}},
    {{2, B | E | U, 0, 0, OK}, {1, B, 0, 0, BAD}, {1, B | E, 0, 0, OK}},
    /* two beginnings */
    {{1, B, 0, 0, OK}, {2, B, 0, 0, BAD}, {2, B | E, 0, 1, BAD}, {2, B | E | U, 3, 1, BAD}},
    {{2, B, 0, 0, OK}, {1, B, 0, 0, BAD}, {1, 0, 0, 0, BAD}, {1, E, 0, 0, OK}},
    /* two ends */
    {{2, E, 0, 0, OK}, {3, E, 0, 0, BAD}, {3, 0, 0, 0, BAD}, {3, B, 0, 1, OK}},
    {{3, E, 0, 0, OK}, {2, E, 0, 0, BAD}, {2, 0, 0, 0, OK}, {1, E, 0, 0, BAD}, {1, B, 0, 0, OK}},
    /* the stream changes */
    {{1, B, 0, 0, OK}, {2, E, 1, 0, BAD}, {2, 0, 1, 0, BAD}, {2, E, 0, 0, OK}},
    {{2, E, 1, 0, OK}, {1, B, 0, 0, BAD}, {1, B, 1, 0, OK}},
    {{1, B | U, 0, 0, OK}, {2, E | U, 1, 0, BAD}},
    /* the SSN changes */
    {{1, B, 0, 0, OK}, {2, E, 0, 1, BAD}, {2, E, 0, 0, OK}},
    {{2, 0, 0, 1, OK}, {1, B, 0, 0, BAD}, {3, E, 0, 2, BAD}, {3, E, 0, 1, OK}},
    /* but not in an unordered message, where it means nothing (6.6) */
    {{1, B | U, 0, 5, OK}, {2, U, 0, 9, OK}, {3, E | U, 0, 65000, OK}},
    /* ordered and unordered */
    {{1, B, 0, 0, OK}, {2, E | U, 0, 0, BAD}, {2, E, 0, 0, OK}},
    {{2, E, 0, 0, OK}, {1, B | U, 0, 0, BAD}, {1, B, 0, 0, OK}},
    /* a chunk that would join two messages */
    {{1, B, 0, 0, OK}, {3, E, 0, 1, OK}, {2, 0, 0, 0, BAD}, {2, 0, 0, 1, BAD}, {2, E, 0, 0, BAD}},
    {{1, B, 0, 0, OK}, {3, E, 1, 0, OK}, {2, 0, 1, 0, BAD}, {2, E, 0, 0, BAD}, {2, 0, 0, 0, BAD}},
    {{1, B, 0, 0, OK}, {3, B, 0, 1, OK}, {2, 0, 0, 0, BAD}, {2, E, 0, 0, OK}},
    {{1, E, 0, 0, OK}, {3, E, 0, 1, OK}, {2, 0, 0, 1, BAD}, {2, B, 0, 1, OK}},
    /* an SSN again: delivered, waiting, or older than half the range */
    {{1, B | E, 0, 0, OK}, {2, B | E, 0, 0, BAD}, {2, B, 0, 0, BAD}, {2, B | E, 0, 65535, BAD}},
    {{1, B | E, 0, 5, OK}, {2, B | E, 0, 5, BAD}, {3, B | E, 0, 4, OK}, {4, B | E, 0, 4, BAD}},
    {{1, B, 0, 7, OK}, {2, E, 0, 7, OK}, {3, B, 0, 7, OK}, {4, E, 0, 7, BAD}},
    {{1, B | E, 0, 32767, OK}, {2, B | E, 0, 32768, BAD}, {2, B | E, 1, 32768, BAD}},
    /* neighbours of different messages are as it should be */
    {{2, B | E, 0, 1, OK}, {1, B | E, 0, 0, OK}, {3, B, 0, 2, OK}, {5, B | E, 0, 3, OK}},
};

static struct unit_env unit;
static struct reassembly r;
static struct received_tsn received;
static struct inbound_messages delivered;

static void setup(void) {
    unit_env_init(&unit, 21);
    STAILQ_INIT(&delivered);
    memset(&r, 0, sizeof r);
    received_tsn_init(&received, 1, 0);
}

static void forget_delivered(void) {
    struct inbound_message *m;
    while ((m = STAILQ_FIRST(&delivered)) != NULL) {
        STAILQ_REMOVE_HEAD(&delivered, link);
        inbound_message_delete(m, &unit.env);
    }
}

static void teardown(void) {
    forget_delivered();
    if (r.partial)
        inbound_message_delete(r.partial, &unit.env);
    reassembly_free(&r, &unit.env);
    received_tsn_free(&received, &unit.env);
    unit_env_check_empty(&unit);
}

/* What is taken has arrived. */
static enum reassembly_verdict add(uint32_t tsn, uint8_t flags, uint16_t sid, uint16_t ssn) {
    uint8_t payload[4] = {1, 2, 3, 4};
    struct data_chunk data = {.tsn = tsn,
                              .ppid = tsn,
                              .sid = sid,
                              .ssn = ssn,
                              .flags = flags,
                              .payload = payload,
                              .payload_bytes = 4};
    struct fragment *fragment =
        reassembly_prepare(&r, &data, received_tsn_unwrap(&received, tsn), 1, &unit.env);
    ck_assert_ptr_nonnull(fragment);
    enum reassembly_verdict verdict =
        reassembly_add(&r, fragment, &data, &received, &delivered, &unit.env);
    if (verdict == REASSEMBLY_OK)
        unit_env_check(received_tsn_add(&received, tsn, &unit.env) == 0);
    ck_assert(reassembly_check(&r));
    return verdict;
}

/* The next delivered message must be this one. */
static void expect_delivered(uint32_t start, uint32_t end) {
    struct inbound_message *m = STAILQ_FIRST(&delivered);
    ck_assert_ptr_nonnull(m);
    ck_assert_uint_eq((uint32_t)m->start, start);
    ck_assert_uint_eq((uint32_t)m->end, end);
    ck_assert_uint_eq(m->ppid, start); /* of the first fragment */
    STAILQ_REMOVE_HEAD(&delivered, link);
    inbound_message_delete(m, &unit.env);
}

static struct inbound_message *start_partial(uint32_t cumulative, uint32_t bytes) {
    return reassembly_start_partial(&r, received_tsn_unwrap(&received, cumulative), bytes,
                                    &unit.env);
}

START_TEST(contradictions_are_refused_and_leave_no_trace) {
    const struct step *step = cases[_i];
    for (int i = 0; i < STEPS && step[i].tsn > 0; i++) {
        uint32_t tsn = 1000 + step[i].tsn;
        size_t runs = reassembly_run_count(&r);
        uint64_t bytes = reassembly_payload_bytes(&r);
        enum reassembly_verdict verdict = add(tsn, step[i].flags, step[i].sid, step[i].ssn);
        ck_assert_msg(verdict == (step[i].is_refused ? REASSEMBLY_VIOLATION : REASSEMBLY_OK),
                      "case %d step %d: verdict %d", _i, i, (int)verdict);
        bool ends_a_twin = step[i].is_refused && step[i].flags == E && step[i].ssn == 7;
        if (step[i].is_refused && !ends_a_twin) {
            ck_assert_uint_eq(reassembly_run_count(&r), runs);
            ck_assert_uint_eq(reassembly_payload_bytes(&r), bytes);
        }
    }
}
END_TEST

START_TEST(partial_delivery_needs_its_conditions) {
    ck_assert_ptr_null(start_partial(10, 1)); /* nothing is there */
    ck_assert_int_eq(add(10, 0, 0, 0), REASSEMBLY_OK);
    ck_assert_ptr_null(start_partial(10, 1)); /* no beginning */
    ck_assert_int_eq(add(9, B, 0, 0), REASSEMBLY_OK);
    ck_assert_ptr_null(start_partial(10, 9)); /* 8 bytes */
    ck_assert_ptr_null(start_partial(9, 1));  /* more has come already */
    ck_assert_int_eq(add(20, B, 1, 1), REASSEMBLY_OK);
    ck_assert_ptr_null(start_partial(20, 1)); /* not next in its stream */
    struct inbound_message *m = start_partial(10, 8);
    ck_assert_ptr_nonnull(m);
    ck_assert_ptr_eq(r.partial, m);
    ck_assert(m->is_partial);
    ck_assert_uint_eq(reassembly_run_count(&r), 1);
    ck_assert_int_eq(add(30, B | U, 1, 0), REASSEMBLY_OK);
    ck_assert_ptr_null(start_partial(30, 1)); /* one at a time */
    ck_assert(reassembly_check(&r));
}
END_TEST

START_TEST(an_unordered_message_may_be_partial) {
    ck_assert_int_eq(add(30, B | U, 1, 77), REASSEMBLY_OK);
    ck_assert_ptr_nonnull(start_partial(30, 1));
    ck_assert_int_eq(add(32, B | E, 1, 0), REASSEMBLY_OK); /* does not wait for it */
    expect_delivered(32, 33);
    struct inbound_message *m = r.partial;
    ck_assert_int_eq(add(31, E | U, 1, 78), REASSEMBLY_OK);
    ck_assert_ptr_null(r.partial);
    ck_assert_int_eq(add(33, B | E, 1, 1), REASSEMBLY_OK);
    expect_delivered(33, 34);
    inbound_message_delete(m, &unit.env);
}
END_TEST

START_TEST(what_contradicts_a_partial_message_is_refused) {
    ck_assert_int_eq(add(10, B, 0, 0), REASSEMBLY_OK);
    ck_assert_ptr_nonnull(start_partial(10, 1));
    static const struct step bad[] = {
        {11, B, 0, 0, BAD}, {11, B | E, 0, 1, BAD},     {11, 0, 1, 0, BAD}, {11, 0, 0, 1, BAD},
        {11, U, 0, 0, BAD}, {9, B, 1, 0, BAD},          {9, 0, 1, 0, BAD},  {50, B | E, 0, 0, BAD},
        {50, B, 0, 0, BAD}, {50, B | E, 0, 65535, BAD},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ck_assert_int_eq(add(bad[i].tsn, bad[i].flags, bad[i].sid, bad[i].ssn),
                         REASSEMBLY_VIOLATION);
    }
    ck_assert_uint_eq(reassembly_run_count(&r), 0);
    ck_assert_uint_eq(r.partial->fragment_count, 1);
    ck_assert_int_eq(add(9, B | E, 1, 0), REASSEMBLY_OK);
    expect_delivered(9, 10);
}
END_TEST

START_TEST(early_pieces_of_a_partial_message_wait_and_join) {
    ck_assert_int_eq(add(10, B, 0, 0), REASSEMBLY_OK);
    struct inbound_message *m = start_partial(10, 1);
    ck_assert_int_eq(add(15, B | E, 0, 1), REASSEMBLY_OK); /* waits in the stream */
    ck_assert_int_eq(add(16, B, 0, 2), REASSEMBLY_OK);
    ck_assert_int_eq(add(13, 0, 0, 0), REASSEMBLY_OK); /* early */
    ck_assert_int_eq(add(14, E, 0, 0), REASSEMBLY_OK);
    ck_assert_uint_eq(m->fragment_count, 1);
    ck_assert_int_eq(add(11, 0, 0, 0), REASSEMBLY_OK);
    ck_assert_uint_eq(m->fragment_count, 2);
    ck_assert_uint_eq((uint32_t)m->end, 12);
    ck_assert(STAILQ_EMPTY(&delivered));
    ck_assert_int_eq(add(12, 0, 0, 0), REASSEMBLY_OK);
    ck_assert_uint_eq(m->fragment_count, 5);
    ck_assert_uint_eq(m->payload_bytes, 20);
    ck_assert(m->has_end && !m->is_partial);
    ck_assert_ptr_null(r.partial);
    expect_delivered(15, 16);
    ck_assert(STAILQ_EMPTY(&delivered));
    ck_assert_int_eq(add(20, B | E, 0, 0), REASSEMBLY_VIOLATION); /* its SSN is used */
    ck_assert_int_eq(add(17, E, 0, 2), REASSEMBLY_OK);
    expect_delivered(16, 18);
    uint32_t tsn = 10;
    const struct fragment *fragment;
    STAILQ_FOREACH (fragment, &m->fragments, link) {
        ck_assert_uint_eq((uint32_t)fragment->tsn, tsn++);
    }
    inbound_message_delete(m, &unit.env);
}
END_TEST

START_TEST(a_twin_of_a_partial_message_is_refused) {
    ck_assert_int_eq(add(10, B, 0, 0), REASSEMBLY_OK);
    ck_assert_int_eq(add(20, B, 0, 0), REASSEMBLY_OK); /* which of the two is false is not known */
    ck_assert_ptr_nonnull(start_partial(10, 1));
    ck_assert_int_eq(add(21, E, 0, 0), REASSEMBLY_VIOLATION);
    ck_assert(STAILQ_EMPTY(&delivered));
}
END_TEST

START_TEST(waiting_messages_come_in_the_order_of_their_ssns) {
    static const uint16_t ssns[] = {9, 3, 6, 1, 8, 2, 5, 4, 7};
    for (uint32_t i = 0; i < 9; i++) {
        ck_assert_int_eq(add(100 + ssns[i], B | E, 2, ssns[i]), REASSEMBLY_OK);
        ck_assert(STAILQ_EMPTY(&delivered));
    }
    ck_assert_uint_eq(reassembly_payload_bytes(&r), 36);
    ck_assert_int_eq(add(100, B | E, 2, 0), REASSEMBLY_OK);
    for (uint32_t tsn = 100; tsn < 110; tsn++) {
        expect_delivered(tsn, tsn + 1);
    }
    ck_assert_uint_eq(reassembly_payload_bytes(&r), 0);
    ck_assert_uint_eq(reassembly_overhead_bytes(&r), 0);
}
END_TEST

START_TEST(many_holes_are_remembered) {
    for (uint32_t i = 0; i < 5000; i++) {
        unit_env_check(add(2 * i + 2, B | E | U, 0, 0) == REASSEMBLY_OK);
        forget_delivered();
    }
    for (uint32_t tsn = 1; tsn < 10000; tsn += 2) {
        unit_env_check(add(tsn, B, 0, 0) == REASSEMBLY_VIOLATION);
        unit_env_check(add(tsn, E, 0, 0) == REASSEMBLY_VIOLATION);
    }
}
END_TEST

/* A chunk of a stream that does not exist, say: no message goes on over it, whichever came first.
 */
static enum reassembly_verdict add_none(uint32_t tsn) {
    enum reassembly_verdict verdict =
        reassembly_add_none(&r, received_tsn_unwrap(&received, tsn), &received);
    if (verdict == REASSEMBLY_OK)
        unit_env_check(received_tsn_add(&received, tsn, &unit.env) == 0);
    return verdict;
}

START_TEST(no_message_goes_on_over_a_chunk_of_none) {
    ck_assert_int_eq(add(10, B, 0, 0), REASSEMBLY_OK);
    ck_assert_int_eq(add_none(11), REASSEMBLY_VIOLATION); /* 10 has no end */
    ck_assert_int_eq(add(21, E, 0, 1), REASSEMBLY_OK);
    ck_assert_int_eq(add_none(20), REASSEMBLY_VIOLATION); /* 21 has no beginning */
    ck_assert_int_eq(add_none(30), REASSEMBLY_OK);
    reassembly_trim(&r, &unit.env);
    ck_assert_int_eq(add_none(31), REASSEMBLY_OK); /* beside each other they are no matter */
    ck_assert_int_eq(add(29, B, 0, 2), REASSEMBLY_VIOLATION);
    ck_assert_int_eq(add(29, 0, 0, 2), REASSEMBLY_VIOLATION);
    ck_assert_int_eq(add(32, E, 0, 2), REASSEMBLY_VIOLATION);
    ck_assert_int_eq(add(29, E, 0, 2), REASSEMBLY_OK);
    ck_assert_int_eq(add(32, B, 0, 3), REASSEMBLY_OK);
    ck_assert_ptr_nonnull(start_partial(10, 1));
    ck_assert_int_eq(add_none(11), REASSEMBLY_VIOLATION);
    ck_assert_int_eq(add_none(9), REASSEMBLY_OK);
}
END_TEST

START_TEST(short_memory_is_told_before_anything_changes) {
    uint8_t payload[4] = {0};
    struct data_chunk data = {
        .sid = 9, .flags = B, .payload = payload, .payload_bytes = sizeof payload};
    /* Pages of SSNs and page, what is held, message, four tables, stream, fragment. */
    for (uint64_t n = 1; n <= 10; n++) {
        unit_env_fail_nth(&unit, 1);
        ck_assert_ptr_null(reassembly_prepare(&r, &data, 5, 0, &unit.env));
        unit_env_fail_nth(&unit, n);
        ck_assert_ptr_null(reassembly_prepare(&r, &data, 5, 0, &unit.env));
        unit_env_fail_nth(&unit, 0);
        reassembly_free(&r, &unit.env);
        unit_env_check_empty(&unit);
        memset(&r, 0, sizeof r);
    }
    uint64_t first_tsn = received_tsn_unwrap(&received, 5);
    /* Two prepared at once: the second may find the spare message used. */
    struct fragment *first = reassembly_prepare(&r, &data, first_tsn, 0, &unit.env);
    struct data_chunk other = data;
    other.ssn = 1;
    struct fragment *second = reassembly_prepare(&r, &other, first_tsn + 4, 0, &unit.env);
    unit_env_fail_all(&unit);
    ck_assert_int_eq(reassembly_add(&r, first, &data, &received, &delivered, &unit.env),
                     REASSEMBLY_OK);
    ck_assert_int_eq(reassembly_add(&r, second, &other, &received, &delivered, &unit.env),
                     REASSEMBLY_NO_MEMORY);
    unit_env_fail_nth(&unit, 0);
    ck_assert_uint_eq(reassembly_run_count(&r), 1);
    ck_assert_int_eq(reassembly_add(&r, second, &other, &received, &delivered, &unit.env),
                     REASSEMBLY_OK);
    reassembly_discard(NULL, &unit.env);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("reassembly_hostile");
    TCase *tests = tcase_create("reassembly_hostile");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, contradictions_are_refused_and_leave_no_trace, 0,
                        sizeof cases / sizeof cases[0]);
    tcase_add_test(tests, partial_delivery_needs_its_conditions);
    tcase_add_test(tests, an_unordered_message_may_be_partial);
    tcase_add_test(tests, what_contradicts_a_partial_message_is_refused);
    tcase_add_test(tests, early_pieces_of_a_partial_message_wait_and_join);
    tcase_add_test(tests, a_twin_of_a_partial_message_is_refused);
    tcase_add_test(tests, waiting_messages_come_in_the_order_of_their_ssns);
    tcase_add_test(tests, many_holes_are_remembered);
    tcase_add_test(tests, no_message_goes_on_over_a_chunk_of_none);
    tcase_add_test(tests, short_memory_is_told_before_anything_changes);
    suite_add_tcase(suite, tests);
    return unit_env_run(suite);
}
