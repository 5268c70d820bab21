/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The send queue: order, cutting, SSNs and their wrap, what is charged, failing memory
 * (RFC 9260 6.5, 6.6, 6.9).
 */
#include "assoc/send_queue.h"

#include "support/unit_env.h"

#include <string.h>

static struct unit_env unit;
static struct send_queue queue;

static void setup(void) {
    unit_env_init(&unit, 5);
    send_queue_init(&queue);
}

static void teardown(void) {
    send_queue_free(&queue, &unit.env);
    unit_env_check_empty(&unit);
}

static int add(uint16_t sid, uint32_t flags, char *text) {
    const struct usctp_send send = {.sid = sid, .flags = flags, .ppid = 7, .context = 9, .path = 2};
    const struct usctp_slice slice = {text, strlen(text)};
    return send_queue_add(&queue, &send, &slice, 1, &unit.env);
}

static void prepare(void) {
    ck_assert_int_eq(send_queue_prepare(&queue, &unit.env), 0);
}

START_TEST(gathers_what_was_given) {
    char a[] = "one", b[] = "two";
    const struct usctp_slice slices[] = {{a, 3}, {NULL, 0}, {b, 3}};
    const struct usctp_send send = {
        .sid = 3, .ppid = 7, .context = 9, .flags = USCTP_MESSAGE_TO_PATH, .path = 2};
    ck_assert_int_eq(send_queue_add(&queue, &send, slices, 3, &unit.env), 0);
    memset(a, 'x', sizeof a);
    struct outbound_message *front = send_queue_front(&queue);
    ck_assert_uint_eq(front->bytes, 6);
    ck_assert_mem_eq(front->payload, "onetwo", 6);
    ck_assert_uint_eq(front->sid, 3);
    ck_assert_uint_eq(front->ppid, 7);
    ck_assert_uint_eq(front->context, 9);
    ck_assert_uint_eq(front->path, 2);
    ck_assert(!front->was_sent);
    ck_assert_uint_eq(queue.unsent_bytes, 6);
    ck_assert_uint_eq(queue.charged_bytes, 6);
    ck_assert_uint_eq(queue.message_count, 1);
}
END_TEST

START_TEST(cuts_first_come_first_served) {
    char first[] = "abcdef", second[] = "gh";
    ck_assert_int_eq(add(0, 0, first), 0);
    ck_assert_int_eq(add(1, 0, second), 0);
    struct outbound_message *message = send_queue_front(&queue);
    prepare();
    message->references += 2; /* two records */
    send_queue_cut(&queue, 4, &unit.env);
    ck_assert_ptr_eq(send_queue_front(&queue), message);
    ck_assert(message->was_sent);
    ck_assert_uint_eq(queue.unsent_bytes, 4);
    prepare();
    send_queue_cut(&queue, 2, &unit.env);
    ck_assert_uint_eq(queue.message_count, 1);
    ck_assert_uint_eq(queue.unsent_bytes, 2);
    ck_assert_uint_eq(queue.charged_bytes, 8); /* until the last reference goes */
    ck_assert_uint_eq(message->references, 2);
    outbound_message_release(&queue, message, &unit.env);
    ck_assert_uint_eq(queue.charged_bytes, 8);
    outbound_message_release(&queue, message, &unit.env);
    ck_assert_uint_eq(queue.charged_bytes, 2);
    ck_assert_mem_eq(send_queue_front(&queue)->payload, "gh", 2);
}
END_TEST

/* Sends one message and returns its SSN as prepare announced it. */
static uint16_t send_one(uint16_t sid, uint32_t flags) {
    char text[] = "x";
    unit_env_check(add(sid, flags, text) == 0);
    unit_env_check(send_queue_prepare(&queue, &unit.env) == 0);
    struct outbound_message *message = send_queue_front(&queue);
    uint16_t announced = message->ssn;
    message->references++;
    send_queue_cut(&queue, 1, &unit.env);
    uint16_t ssn = message->ssn;
    unit_env_check(ssn == announced);
    outbound_message_release(&queue, message, &unit.env);
    return ssn;
}

START_TEST(ssns_count_ordered_messages_of_a_stream) {
    ck_assert_uint_eq(send_one(0, 0), 0);
    ck_assert_uint_eq(send_one(65535, 0), 0);
    ck_assert_uint_eq(send_one(0, 0), 1);
    (void)send_one(0, USCTP_MESSAGE_UNORDERED);
    ck_assert_uint_eq(send_one(0, 0), 2);
    ck_assert_uint_eq(send_one(65535, 0), 1);
    for (uint32_t ssn = 3; ssn < 65536; ssn++) {
        unit_env_check(send_one(0, 0) == ssn);
    }
    ck_assert_uint_eq(send_one(0, 0), 0); /* 6.5: 0 comes after 65535 */
    send_queue_reset_ssns(&queue);
    ck_assert_uint_eq(send_one(0, 0), 0);
    ck_assert_uint_eq(send_one(65535, 0), 0);
}
END_TEST

START_TEST(a_message_keeps_its_ssn_over_its_cuts) {
    char first[] = "abc", second[] = "d";
    ck_assert_int_eq(add(4, 0, first), 0);
    ck_assert_int_eq(add(4, 0, second), 0);
    struct outbound_message *message = send_queue_front(&queue);
    message->references++;
    for (int i = 0; i < 3; i++) {
        prepare();
        ck_assert_uint_eq(message->ssn, 0);
        send_queue_cut(&queue, 1, &unit.env);
    }
    outbound_message_release(&queue, message, &unit.env);
    prepare();
    ck_assert_uint_eq(send_queue_front(&queue)->ssn, 1);
}
END_TEST

START_TEST(what_is_popped_is_the_callers) {
    char first[] = "abcdef", second[] = "gh";
    ck_assert_int_eq(add(0, 0, first), 0);
    ck_assert_int_eq(add(0, 0, second), 0);
    prepare();
    struct outbound_message *message = send_queue_front(&queue);
    message->references++;
    send_queue_cut(&queue, 2, &unit.env);
    ck_assert_ptr_eq(send_queue_pop(&queue), message);
    ck_assert_uint_eq(queue.unsent_bytes, 2);
    ck_assert_uint_eq(queue.charged_bytes, 8);
    outbound_message_release(&queue, message, &unit.env);
    outbound_message_release(&queue, message, &unit.env);
    ck_assert_uint_eq(queue.charged_bytes, 2);
    message = send_queue_pop(&queue);
    outbound_message_release(&queue, message, &unit.env);
    ck_assert_ptr_null(send_queue_pop(&queue));
    ck_assert_uint_eq(queue.charged_bytes, 0);
    ck_assert_uint_eq(queue.unsent_bytes, 0);
    ck_assert_uint_eq(queue.message_count, 0);
}
END_TEST

START_TEST(short_memory_changes_nothing) {
    char text[] = "abc";
    unit_env_fail_nth(&unit, 1);
    ck_assert_int_eq(add(0, 0, text), USCTP_ERR_NO_MEMORY);
    ck_assert_uint_eq(queue.message_count, 0);
    ck_assert_uint_eq(queue.charged_bytes, 0);
    ck_assert_int_eq(add(9, 0, text), 0);
    unit_env_fail_nth(&unit, 1);
    ck_assert_int_eq(send_queue_prepare(&queue, &unit.env), USCTP_ERR_NO_MEMORY);
    ck_assert_uint_eq(queue.next_ssns.page_count, 0);
    prepare();
    const struct usctp_slice huge[] = {{text, UINT32_MAX}, {text, 1}};
    const struct usctp_send send = {0};
    ck_assert_int_eq(send_queue_add(&queue, &send, huge, 2, &unit.env), USCTP_ERR_NO_MEMORY);
}
END_TEST

START_TEST(an_unordered_message_needs_no_ssn) {
    char text[] = "abc";
    ck_assert_int_eq(add(60000, USCTP_MESSAGE_UNORDERED, text), 0);
    unit_env_fail_all(&unit);
    prepare();
    unit_env_fail_nth(&unit, 0);
    ck_assert_uint_eq(queue.next_ssns.page_count, 0);
    struct outbound_message *message = send_queue_front(&queue);
    message->references++;
    send_queue_cut(&queue, 3, &unit.env);
    outbound_message_release(&queue, message, &unit.env);
    prepare(); /* nothing is queued */
}
END_TEST

int main(void) {
    Suite *suite = suite_create("send_queue");
    TCase *tests = tcase_create("send_queue");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, gathers_what_was_given);
    tcase_add_test(tests, cuts_first_come_first_served);
    tcase_add_test(tests, ssns_count_ordered_messages_of_a_stream);
    tcase_add_test(tests, a_message_keeps_its_ssn_over_its_cuts);
    tcase_add_test(tests, what_is_popped_is_the_callers);
    tcase_add_test(tests, short_memory_changes_nothing);
    tcase_add_test(tests, an_unordered_message_needs_no_ssn);
    suite_add_tcase(suite, tests);
    return unit_env_run(suite);
}
