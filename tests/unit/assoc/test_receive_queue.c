/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The receive queue: notifications between messages, reads in pieces, peeks, partial delivery,
 * charges (RFC 6458 3, 5.3.6, 6). Random messages are in test_reassembly.c.
 */
#include "assoc/receive_queue.h"

#include "support/unit_env.h"

#include <string.h>

static struct unit_env unit;
static struct reassembly reassembly;
static struct received_tsn received;
static struct receive_queue queue;
static struct usctp_received info;
static uint8_t memory[64];
static uint16_t sid = 6; /* of what arrives */
static uint64_t next_tsn;

static void setup(void) {
    unit_env_init(&unit, 4);
    memset(&reassembly, 0, sizeof reassembly);
    receive_queue_init(&queue);
    received_tsn_init(&received, 100, 0);
    next_tsn = received.cumulative + 1;
}

static void teardown(void) {
    receive_queue_free(&queue, &unit.env);
    reassembly_free(&reassembly, &unit.env);
    received_tsn_free(&received, &unit.env);
    unit_env_check_empty(&unit);
}

/* A chunk with a text comes in; what is whole goes to the queue. */
static void arrive(const char *text, uint8_t flags, uint16_t ssn) {
    struct inbound_messages deliverable = STAILQ_HEAD_INITIALIZER(deliverable);
    struct data_chunk data = {.tsn = (uint32_t)next_tsn,
                              .ppid = 51,
                              .sid = sid,
                              .ssn = ssn,
                              .flags = flags,
                              .payload = (const uint8_t *)text,
                              .payload_bytes = (uint16_t)strlen(text)};
    struct fragment *fragment = reassembly_prepare(&reassembly, &data, next_tsn++, 4, &unit.env);
    struct inbound_message *partial = reassembly.partial;
    uint32_t bytes = partial ? partial->payload_bytes : 0;
    unit_env_check(received_tsn_add(&received, data.tsn, &unit.env) == 0);
    ck_assert_int_eq(
        reassembly_add(&reassembly, fragment, &data, &received, &deliverable, &unit.env),
        REASSEMBLY_OK);
    if (partial && partial->payload_bytes > bytes)
        receive_queue_on_growth(&queue, partial->payload_bytes - bytes, 1);
    struct inbound_message *m;
    while ((m = STAILQ_FIRST(&deliverable)) != NULL) {
        STAILQ_REMOVE_HEAD(&deliverable, link);
        receive_queue_add(&queue, m);
    }
}

static void whole(const char *text, uint16_t ssn) {
    arrive(text, DATA_FLAG_B | DATA_FLAG_E, ssn);
}

static void start_partial(void) {
    struct inbound_message *m = reassembly_start_partial(&reassembly, next_tsn - 1, 1, &unit.env);
    ck_assert_ptr_nonnull(m);
    receive_queue_add(&queue, m);
}

static int64_t read_up_to(size_t bytes, uint32_t flags) {
    memset(memory, 0, sizeof memory);
    memset(&info, 0xee, sizeof info);
    const struct usctp_slice slice = {memory, bytes};
    return receive_queue_read(&queue, &info, &slice, 1, flags, &unit.env);
}

/* Whether data, not a notification, can be read. */
static bool has_more(void) {
    struct usctp_received next;
    return receive_queue_read(&queue, &next, NULL, 0, USCTP_MESSAGE_PEEK, &unit.env) >= 0 &&
           !(next.flags & USCTP_MESSAGE_NOTIFICATION);
}

static void expect_text(size_t room, const char *text, uint32_t flags) {
    ck_assert_int_eq(read_up_to(room, 0), (int64_t)strlen(text));
    ck_assert_str_eq((const char *)memory, text);
    ck_assert_uint_eq(info.flags, flags | (has_more() ? USCTP_MESSAGE_MORE : 0u));
    ck_assert_uint_eq(info.sid, 6);
    ck_assert_uint_eq(info.ppid, 51);
    ck_assert_uint_eq(info.path, 4);
}

static int notify(uint32_t value, const char *data) {
    const struct usctp_notification notification = {.kind = USCTP_NOTIFY_ADAPTATION,
                                                    .value = value,
                                                    .data = (const uint8_t *)data,
                                                    .data_bytes = data ? strlen(data) : 0};
    return receive_queue_notify(&queue, &notification, 3, &unit.env);
}

START_TEST(nothing_is_there_at_first) {
    ck_assert(!receive_queue_is_readable(&queue));
    ck_assert_int_eq(read_up_to(10, 0), USCTP_ERR_AGAIN);
    ck_assert_int_eq(receive_queue_peek_next(&queue, &info), USCTP_ERR_AGAIN);
    ck_assert(!receive_queue_abort_partial(&queue, NULL, &unit.env));
}
END_TEST

START_TEST(reads_a_message_in_pieces) {
    arrive("abc", DATA_FLAG_B, 0);
    arrive("defgh", 0, 0);
    arrive("ij", DATA_FLAG_E, 0);
    whole("next", 1);
    ck_assert_uint_eq(queue.payload_bytes, 14);
    ck_assert_uint_eq(queue.message_count, 2);
    uint64_t overhead_bytes = queue.overhead_bytes;
    expect_text(2, "ab", 0);
    ck_assert_uint_eq(info.tsn, 100);
    ck_assert_uint_eq(queue.payload_bytes, 14); /* the fragment is still held */
    expect_text(4, "cdef", USCTP_MESSAGE_INCOMPLETE_BEGIN);
    ck_assert_uint_eq(info.tsn, 100);
    ck_assert_uint_eq(queue.payload_bytes, 11);
    ck_assert_uint_eq(queue.overhead_bytes, overhead_bytes - sizeof(struct fragment));
    expect_text(2, "gh", USCTP_MESSAGE_INCOMPLETE_BEGIN);
    ck_assert_uint_eq(info.tsn, 101);
    expect_text(60, "ij", USCTP_MESSAGE_INCOMPLETE_BEGIN | USCTP_MESSAGE_END);
    ck_assert_uint_eq(info.ssn, 0);
    expect_text(4, "next", USCTP_MESSAGE_END); /* exactly full is the end, too */
    ck_assert_uint_eq(info.ssn, 1);
    ck_assert_uint_eq(queue.payload_bytes + queue.overhead_bytes + queue.message_count, 0);
    ck_assert_int_eq(read_up_to(4, 0), USCTP_ERR_AGAIN);
}
END_TEST

START_TEST(says_whether_there_is_more) {
    whole("one", 0);
    whole("two", 1);
    ck_assert_int_eq(notify(1, NULL), 0);
    whole("three", 2);
    ck_assert_int_eq(read_up_to(9, USCTP_MESSAGE_PEEK), 3);
    ck_assert_uint_eq(info.flags & USCTP_MESSAGE_MORE, 0); /* it would be "one" itself */
    ck_assert_int_eq(read_up_to(1, 0), 1);
    ck_assert_uint_ne(info.flags & USCTP_MESSAGE_MORE, 0);
    ck_assert_int_eq(read_up_to(9, 0), 2);
    ck_assert_uint_ne(info.flags & USCTP_MESSAGE_MORE, 0);
    ck_assert_int_eq(read_up_to(9, 0), 3);
    ck_assert_uint_eq(info.flags & USCTP_MESSAGE_MORE, 0); /* a notification */
    ck_assert_int_eq(read_up_to(9, 0), 0);
    ck_assert_uint_eq(info.flags, USCTP_MESSAGE_NOTIFICATION);
    ck_assert_int_eq(read_up_to(9, 0), 5);
    ck_assert_uint_eq(info.flags & USCTP_MESSAGE_MORE, 0);
}
END_TEST

START_TEST(fills_slices_one_after_the_other) {
    arrive("abc", DATA_FLAG_B | DATA_FLAG_U, 9);
    arrive("defgh", DATA_FLAG_E | DATA_FLAG_U, 8);
    char a[2], b[4], c[3];
    const struct usctp_slice slices[] = {{NULL, 0}, {a, 2}, {b, 4}, {NULL, 0}, {c, 3}};
    ck_assert_int_eq(receive_queue_read(&queue, &info, slices, 5, 0, &unit.env), 8);
    ck_assert_mem_eq(a, "ab", 2);
    ck_assert_mem_eq(b, "cdef", 4);
    ck_assert_mem_eq(c, "gh", 2);
    ck_assert_uint_eq(info.flags, USCTP_MESSAGE_END | USCTP_MESSAGE_UNORDERED);
}
END_TEST

START_TEST(no_room_takes_nothing) {
    whole("abc", 0);
    ck_assert_int_eq(receive_queue_read(&queue, &info, NULL, 0, 0, &unit.env), 0);
    ck_assert_uint_eq(info.flags, USCTP_MESSAGE_MORE);
    ck_assert_int_eq(read_up_to(0, 0), 0);
    expect_text(10, "abc", USCTP_MESSAGE_END);
}
END_TEST

START_TEST(peeking_takes_nothing) {
    whole("abc", 0);
    ck_assert_int_eq(notify(1, NULL), 0);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(read_up_to(10, USCTP_MESSAGE_PEEK), 3);
        ck_assert_str_eq((const char *)memory, "abc");
        ck_assert_uint_eq(info.flags, USCTP_MESSAGE_END);
    }
    ck_assert_int_eq(read_up_to(2, USCTP_MESSAGE_PEEK), 2);
    ck_assert_uint_eq(info.flags, 0);
    expect_text(1, "a", 0);
    ck_assert_int_eq(read_up_to(10, USCTP_MESSAGE_PEEK), 2);
    ck_assert_str_eq((const char *)memory, "bc");
    expect_text(10, "bc", USCTP_MESSAGE_INCOMPLETE_BEGIN | USCTP_MESSAGE_END);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(read_up_to(10, USCTP_MESSAGE_PEEK), 0);
        ck_assert_uint_eq(info.flags, USCTP_MESSAGE_NOTIFICATION);
        ck_assert_uint_eq(info.notification.value, 1);
    }
    ck_assert_int_eq(read_up_to(10, 0), 0);
    ck_assert_int_eq(read_up_to(10, 0), USCTP_ERR_AGAIN);
}
END_TEST

START_TEST(notifications_keep_their_place) {
    char data[] = "chunk";
    whole("one", 0);
    ck_assert_int_eq(notify(7, data), 0);
    memset(data, 'x', sizeof data);
    whole("two", 1);
    ck_assert_int_eq(notify(8, NULL), 0);
    expect_text(10, "one", USCTP_MESSAGE_END);
    ck_assert_uint_eq(queue.notification_count, 2);
    ck_assert_int_eq(read_up_to(10, 0), 0);
    ck_assert_uint_eq(info.flags, USCTP_MESSAGE_NOTIFICATION);
    ck_assert_uint_eq(info.notification.kind, USCTP_NOTIFY_ADAPTATION);
    ck_assert_uint_eq(info.notification.value, 7);
    ck_assert_uint_eq(info.notification.data_bytes, 5);
    ck_assert_mem_eq(info.notification.data, "chunk", 5); /* until the next call */
    ck_assert_uint_eq(queue.notification_count, 1);
    expect_text(10, "two", USCTP_MESSAGE_END);
    ck_assert_int_eq(read_up_to(10, 0), 0);
    ck_assert_uint_eq(info.notification.value, 8);
    ck_assert_ptr_null(info.notification.data);
    ck_assert_uint_eq(queue.notification_count, 0);
}
END_TEST

START_TEST(notifications_are_bounded) {
    for (uint32_t i = 0; i < 3; i++) {
        unit_env_fail_nth(&unit, 1);
        ck_assert_int_eq(notify(i, "data"), USCTP_ERR_NO_MEMORY);
        ck_assert_uint_eq(queue.notification_count, i);
        ck_assert_int_eq(notify(i, "data"), 0);
    }
    ck_assert_int_eq(notify(3, NULL), USCTP_ERR_LIMIT);
    ck_assert_int_eq(read_up_to(10, 0), 0);
    ck_assert_int_eq(notify(3, NULL), 0); /* the one that was handed out does not count */
    ck_assert_int_eq(notify(4, NULL), USCTP_ERR_LIMIT);
}
END_TEST

START_TEST(tells_of_the_message_after_the_next) {
    arrive("ab", DATA_FLAG_B, 0);
    start_partial();
    ck_assert_int_eq(receive_queue_peek_next(&queue, &info), USCTP_ERR_AGAIN);
    ck_assert_int_eq(notify(1, "x"), 0);
    ck_assert_int_eq(receive_queue_peek_next(&queue, &info), 0);
    ck_assert_uint_eq(info.flags, USCTP_MESSAGE_NOTIFICATION);
    arrive("cd", DATA_FLAG_E, 0);
    expect_text(10, "abcd", USCTP_MESSAGE_END);
    whole("four", 1);
    ck_assert_int_eq(receive_queue_peek_next(&queue, &info), 4);
    ck_assert_uint_eq(info.flags, USCTP_MESSAGE_END);
    ck_assert_uint_eq(info.ssn, 1);
    ck_assert_int_eq(read_up_to(10, 0), 0);
    arrive("more", DATA_FLAG_B, 2);
    start_partial();
    ck_assert_int_eq(receive_queue_peek_next(&queue, &info), 4);
    ck_assert_uint_eq(info.flags, 0); /* its length is not known yet */
}
END_TEST

START_TEST(nothing_overtakes_a_partial_message) {
    arrive("abc", DATA_FLAG_B, 0);
    start_partial();
    arrive("de", 0, 0);
    next_tsn += 5;
    arrive("other", DATA_FLAG_B | DATA_FLAG_E | DATA_FLAG_U, 0);
    next_tsn -= 6;
    ck_assert_int_eq(notify(1, NULL), 0);
    expect_text(4, "abcd", 0);
    expect_text(10, "e", USCTP_MESSAGE_INCOMPLETE_BEGIN);
    ck_assert(!receive_queue_is_readable(&queue));
    ck_assert_int_eq(read_up_to(10, 0), USCTP_ERR_AGAIN);
    ck_assert_int_eq(read_up_to(10, USCTP_MESSAGE_PEEK), USCTP_ERR_AGAIN);
    ck_assert_uint_eq(queue.message_count, 2);
    ck_assert_uint_eq(queue.payload_bytes, 5); /* "other" */
    arrive("f", DATA_FLAG_E, 0);
    ck_assert(receive_queue_is_readable(&queue));
    expect_text(10, "f", USCTP_MESSAGE_INCOMPLETE_BEGIN | USCTP_MESSAGE_END);
    expect_text(10, "other", USCTP_MESSAGE_END | USCTP_MESSAGE_UNORDERED);
    ck_assert_int_eq(read_up_to(10, 0), 0);
    ck_assert_uint_eq(queue.payload_bytes + queue.overhead_bytes, 0);
}
END_TEST

/* RFC 6458 8.1.20, level 2: who asks for it gets what is of other streams. */
START_TEST(other_streams_overtake_on_demand) {
    const uint32_t on = USCTP_MESSAGE_INTERLEAVE;
    arrive("large", DATA_FLAG_B, 0);
    start_partial();
    ck_assert_int_eq(read_up_to(9, on), 5); /* first what there is of it */
    next_tsn += 10;                         /* chunks between are missing */
    arrive("same", DATA_FLAG_B | DATA_FLAG_E | DATA_FLAG_U, 0);
    ck_assert_int_eq(read_up_to(9, on), USCTP_ERR_AGAIN);
    sid = 7;
    whole("other", 0);
    sid = 6;
    ck_assert_int_eq(read_up_to(9, 0), USCTP_ERR_AGAIN);
    ck_assert_int_eq(read_up_to(9, on | USCTP_MESSAGE_PEEK), 5);
    ck_assert_int_eq(notify(1, NULL), 0);
    ck_assert_int_eq(read_up_to(9, on), 5);
    ck_assert_str_eq((const char *)memory, "other");
    ck_assert_uint_eq(info.sid, 7);
    ck_assert_uint_eq(info.flags, USCTP_MESSAGE_END);
    ck_assert_int_eq(read_up_to(9, on), 0);
    ck_assert_uint_eq(info.flags, USCTP_MESSAGE_NOTIFICATION);
    ck_assert_int_eq(read_up_to(9, on), USCTP_ERR_AGAIN);
    ck_assert_uint_eq(queue.message_count, 2);
    ck_assert_uint_eq(queue.notification_count, 0);
    ck_assert(receive_queue_abort_partial(&queue, reassembly.partial, &unit.env));
    reassembly.partial = NULL;
    expect_text(9, "same", USCTP_MESSAGE_END | USCTP_MESSAGE_UNORDERED);
}
END_TEST

START_TEST(a_partial_message_is_taken_out) {
    for (uint32_t was_read = 0; was_read < 2; was_read++) {
        arrive("abc", DATA_FLAG_B | DATA_FLAG_U, 0);
        start_partial();
        ck_assert_int_eq(notify(1, NULL), 0);
        if (was_read)
            expect_text(2, "ab", USCTP_MESSAGE_UNORDERED);
        ck_assert_int_eq(receive_queue_abort_partial(&queue, reassembly.partial, &unit.env),
                         was_read);
        reassembly.partial = NULL;
        ck_assert_uint_eq(queue.payload_bytes + queue.overhead_bytes + queue.message_count, 0);
        ck_assert_int_eq(read_up_to(10, 0), 0); /* what was behind it */
        ck_assert_uint_eq(info.flags, USCTP_MESSAGE_NOTIFICATION);
        next_tsn += 2;
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("receive_queue");
    TCase *tests = tcase_create("receive_queue");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, nothing_is_there_at_first);
    tcase_add_test(tests, reads_a_message_in_pieces);
    tcase_add_test(tests, says_whether_there_is_more);
    tcase_add_test(tests, fills_slices_one_after_the_other);
    tcase_add_test(tests, no_room_takes_nothing);
    tcase_add_test(tests, peeking_takes_nothing);
    tcase_add_test(tests, notifications_keep_their_place);
    tcase_add_test(tests, notifications_are_bounded);
    tcase_add_test(tests, tells_of_the_message_after_the_next);
    tcase_add_test(tests, nothing_overtakes_a_partial_message);
    tcase_add_test(tests, other_streams_overtake_on_demand);
    tcase_add_test(tests, a_partial_message_is_taken_out);
    suite_add_tcase(suite, tests);
    return unit_env_run(suite);
}
