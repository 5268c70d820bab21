/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Cancellation that comes while a thread is inside the library (pthread_cancel(3),
 * pthread_setcancelstate(3)): it waits until the thread leaves, and joining then says
 * PTHREAD_CANCELED, whatever the thread's type was.
 */
#include "api/cancellation.h"

#include <check.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

struct inside {
    int type, state;
    pthread_barrier_t is_in, was_cancelled;
    struct cancellation own;
    bool came_out;
};

static void *stay_inside(void *argument) {
    struct inside *i = argument;
    int state, type;
    pthread_setcanceltype(i->type, NULL);
    pthread_setcancelstate(i->state, NULL);
    cancellation_hold(&i->own);
    pthread_barrier_wait(&i->is_in);
    pthread_barrier_wait(&i->was_cancelled);
    pthread_testcancel();
    cancellation_release(&i->own);
    i->came_out = true;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
    pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &type);
    ck_assert_int_eq(state, i->state);
    ck_assert_int_eq(type, i->type);
    pthread_setcancelstate(i->state, NULL);
    pthread_testcancel();
    return i;
}

static void *result_of(struct inside *i) {
    pthread_t thread;
    void *result = NULL;
    pthread_barrier_init(&i->is_in, NULL, 2);
    pthread_barrier_init(&i->was_cancelled, NULL, 2);
    ck_assert_int_eq(pthread_create(&thread, NULL, stay_inside, i), 0);
    pthread_barrier_wait(&i->is_in);
    ck_assert_int_eq(pthread_cancel(thread), 0);
    pthread_barrier_wait(&i->was_cancelled);
    ck_assert_int_eq(pthread_join(thread, &result), 0);
    return result;
}

START_TEST(asynchronous) {
    struct inside i = {.type = PTHREAD_CANCEL_ASYNCHRONOUS, .state = PTHREAD_CANCEL_ENABLE};
    ck_assert_ptr_eq(result_of(&i), PTHREAD_CANCELED);
    ck_assert(!i.came_out);
}
END_TEST

START_TEST(deferred) {
    struct inside i = {.type = PTHREAD_CANCEL_DEFERRED, .state = PTHREAD_CANCEL_ENABLE};
    ck_assert_ptr_eq(result_of(&i), PTHREAD_CANCELED);
    ck_assert(i.came_out);
}
END_TEST

START_TEST(disabled_by_the_application) {
    struct inside i = {.type = PTHREAD_CANCEL_ASYNCHRONOUS, .state = PTHREAD_CANCEL_DISABLE};
    ck_assert_ptr_eq(result_of(&i), &i);
    ck_assert(i.came_out);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("cancellation");
    TCase *tests = tcase_create("cancellation");
    tcase_add_test(tests, asynchronous);
    tcase_add_test(tests, deferred);
    tcase_add_test(tests, disabled_by_the_application);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
