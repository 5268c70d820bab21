/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Calls that block, and everything that ends them: signals with and without SA_RESTART (signal(7)),
 * SO_RCVTIMEO and SO_SNDTIMEO, O_NONBLOCK set before, cancellation, close() by another thread, the
 * end of the stack. Each kind of call, by a thread that drives the packets and by one that sleeps
 * beside it, in both drivers; afterwards the stack works.
 *
 * ctest-waits: mostly
 */
#include "api/blocking_test.h"

#include <sys/ioctl.h>

/* ctest-timeout: 300 */

/* ---- signals --------------------------------------------------------------------------------- */

static _Atomic int signals_seen;

static void on_signal(int number) {
    (void)number;
    signals_seen++;
}

/* The test framework has set handlers without SA_RESTART for other signals. */
static void handle(int flags) {
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = flags};
    ck_assert_int_eq(sigaction(SIGUSR1, &action, NULL), 0);
    signals_seen = 0;
    usleep(SETTLE_US);
}

static void signal_until_done(struct scene *s, int number) {
    for (int i = 0; i < BOUND_MS / 5 && !s->is_done; i++) {
        pthread_kill(s->worker, number);
        usleep(5000);
    }
}

START_TEST(interrupted) {
    struct scene s;
    scene_open(&s, _i);
    handle(0);
    scene_start(&s);
    signal_until_done(&s, SIGUSR1);
    bool fails = s.kind != LINGER; /* as Linux: close() has closed */
    scene_join(&s, fails ? -1 : 0, fails ? EINTR : 0);
    scene_close(&s);
}
END_TEST

/* As Linux: a signal ends the lingering of close() whatever its handler. */
static bool lingers(int number) {
    return number % KINDS == LINGER;
}

static void check_restart(int number) {
    struct scene s;
    if (lingers(number))
        return;
    scene_open(&s, number);
    handle(SA_RESTART);
    scene_start(&s);
    for (int i = 0; i < 4; i++) {
        pthread_kill(s.worker, SIGUSR1);
        usleep(5000);
    }
    for (int i = 0; i < BOUND_MS && signals_seen == 0; i++)
        usleep(1000);
    ck_assert_int_gt(signals_seen, 0);
    ck_assert_msg(!s.is_done, "%s", strerror(s.error));
    release(&s);
    scene_close(&s);
}

START_TEST(restarted) {
    check_restart(_i);
}
END_TEST

START_TEST(restarted_without_other_handlers) {
    without_other_handlers();
    check_restart(_i);
}
END_TEST

/* With both kinds of handlers each acts as it was set. */
START_TEST(restarted_then_interrupted) {
    struct scene s;
    struct sigaction action = {.sa_handler = on_signal};
    if (lingers(_i))
        return;
    without_other_handlers();
    scene_open(&s, _i);
    ck_assert_int_eq(sigaction(SIGUSR2, &action, NULL), 0);
    handle(SA_RESTART);
    scene_start(&s);
    for (int i = 0; i < 4; i++) {
        pthread_kill(s.worker, SIGUSR1);
        usleep(5000);
    }
    ck_assert(!s.is_done);
    /* One alone may come while the other's handler runs, and then the call goes on: also in Linux.
     */
    signal_until_done(&s, SIGUSR2);
    scene_join(&s, -1, EINTR);
    sigset_t mask;
    sigprocmask(SIG_BLOCK, NULL, &mask);
    ck_assert_int_eq(sigismember(&mask, SIGUSR1), 0);
    scene_close(&s);
}
END_TEST

/* ---- timeouts, O_NONBLOCK -------------------------------------------------------------------- */

static void set_timeouts(int sd, int us) {
    struct timeval timeout = {.tv_sec = us / 1000000, .tv_usec = us % 1000000};
    ck_assert_int_eq(usctp_setsockopt(sd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout), 0);
    ck_assert_int_eq(usctp_setsockopt(sd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout), 0);
}

START_TEST(timed_out) {
    struct scene s;
    if (lingers(_i)) /* test_close.c */
        return;
    scene_open(&s, _i);
    set_timeouts(s.sd, 3 * MOMENT_US);
    scene_begin(&s);
    scene_join(&s, -1, s.kind == CONNECT ? EINPROGRESS : EAGAIN);
    ck_assert_int_ge(s.took_us, 3 * MOMENT_US);
    /* signal(7): a timeout ends the call also where the handler has SA_RESTART. */
    if (s.kind != CONNECT) {
        set_timeouts(s.sd, BOUND_MS * 1000);
        handle(SA_RESTART);
        scene_start(&s);
        signal_until_done(&s, SIGUSR1);
        scene_join(&s, -1, EINTR);
    }
    scene_close(&s);
}
END_TEST

static void set_mode(int sd, int how, int on) {
    if (how == 0)
        set_nonblocking(sd, on);
    else
        ck_assert_int_eq(ioctl(sd, FIONBIO, &on), 0);
}

START_TEST(nonblocking) {
    struct scene s;
    if (lingers(_i))
        return;
    scene_open(&s, _i);
    for (int how = 0; how < 2 && s.kind != CONNECT; how++) {
        set_mode(s.sd, how, 1);
        ck_assert_errno(call(&s), EAGAIN);
        set_mode(s.sd, how, 0);
        scene_start(&s);
        release(&s);
        if (s.kind == SEND)
            fill(s.sd);
    }
    if (s.kind == CONNECT) {
        set_mode(s.sd, _i % 2, 1);
        ck_assert_errno(call(&s), EINPROGRESS);
        ck_assert_errno(call(&s), EALREADY);
    }
    scene_close(&s);
}
END_TEST

/* ---- cancellation ---------------------------------------------------------------------------- */

static void check_cancel(int number, bool is_async) {
    struct scene s;
    void *result;
    scene_open(&s, number);
    s.is_async = is_async;
    scene_start(&s);
    ck_assert_int_eq(pthread_cancel(s.worker), 0);
    ck_assert_int_eq(pthread_join(s.worker, &result), 0);
    ck_assert_ptr_eq(result, PTHREAD_CANCELED);
    ck_assert(!s.is_done);
    if (s.kind == RECEIVE || s.kind == ACCEPT || s.kind == SEND) { /* the socket is as before */
        s.is_async = false;
        scene_start(&s);
        release(&s);
    }
    scene_close(&s);
}

START_TEST(cancelled) {
    check_cancel(_i, false);
}
END_TEST

START_TEST(cancelled_asynchronously) {
    check_cancel(_i, true);
}
END_TEST

/* ---- close, delete --------------------------------------------------------------------------- */

static void check_close(int number, int (*close_it)(int), bool has_copy) {
    struct scene s;
    if (lingers(number))
        return;
    scene_open(&s, number);
    int copy = has_copy ? dup(s.sd) : -1;
    scene_start(&s);
    ck_assert_int_eq(close_it(s.sd), 0);
    scene_join(&s, -1, EBADF);
    if (has_copy) {
        ck_assert_int_gt(port_of(copy), 0); /* the socket itself lives on */
        ck_assert_int_eq(usctp_close(copy), 0);
    }
    scene_close(&s);
}

START_TEST(closed) {
    check_close(_i, usctp_close, false);
}
END_TEST

START_TEST(closed_plainly) {
    check_close(_i, close, false);
}
END_TEST

START_TEST(closed_with_a_duplicate) {
    check_close(_i, usctp_close, true);
}
END_TEST

/* A plain close(2) of one duplicate of two: the call goes on, and does not touch whoever has the
 * number then. */
START_TEST(number_reused) {
    struct scene s;
    int ends[2];
    char byte = 0;
    if (_i % KINDS != RECEIVE && _i % KINDS != SEND)
        return;
    scene_open(&s, _i);
    int copy = dup(s.sd);
    scene_start(&s);
    usleep(10 * SETTLE_US); /* it is about one that sleeps */
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    ck_assert_int_eq(send(ends[1], "mine", 4, 0), 4);
    ck_assert_int_eq(dup2(ends[0], s.sd), s.sd);
    release(&s);
    ck_assert_int_eq(recv(s.sd, &byte, 1, MSG_DONTWAIT), 1);
    ck_assert_int_eq(byte, 'm');
    ck_assert_int_eq(recv(ends[1], &byte, 1, MSG_DONTWAIT), -1);
    ck_assert_int_eq(usctp_send(copy, "z", 1, MSG_DONTWAIT), 1);
    usctp_close(copy);
    scene_close(&s);
}
END_TEST

START_TEST(stack_deleted) {
    struct scene s;
    void *error;
    scene_open(&s, _i);
    scene_start(&s);
    usctp_stack_delete(s.pair.client_stack);
    bool fails = s.kind != LINGER;
    scene_join(&s, fails ? -1 : 0, fails ? ESHUTDOWN : 0);
    if (s.has_holder) {
        ck_assert_int_eq(pthread_join(s.holder, &error), 0);
        ck_assert_int_eq((int)(intptr_t)error, ESHUTDOWN);
    }
    usctp_stack_delete(s.pair.server_stack);
}
END_TEST

/* ---- several ------------------------------------------------------------------------------------
 */

static void *receive_one(void *argument) {
    char byte;
    return (void *)(intptr_t)usctp_recv(*(int *)argument, &byte, 1, 0);
}

static void expect_byte(pthread_t thread) {
    void *result;
    ck_assert_int_eq(pthread_join(thread, &result), 0);
    ck_assert_int_eq((int)(intptr_t)result, 1);
}

/* Who leaves with what he wanted, perhaps called to drive as well, sees to it that another drives:
 * the last one would sleep for ever. */
START_TEST(role_is_handed_on) {
    struct usctp_stack *mine = new_stack(_i), *peers = new_stack(DRIVER_THREAD);
    int listener = new_listener(peers), here[3], there[3];
    struct sockaddr_in name = loopback(port_of(listener));
    for (int i = 0; i < 3; i++) {
        here[i] = new_socket(mine);
        set_peer_udp_port(here[i], usctp_stack_udp_port(peers));
        ck_assert_int_eq(usctp_connect(here[i], (struct sockaddr *)&name, sizeof name), 0);
        there[i] = usctp_accept(listener, NULL, NULL);
        ck_assert_int_ge(there[i], 0);
        set_prompt(there[i]);
        set_prompt(here[i]);
    }
    for (int round = 0; round < 60; round++) {
        pthread_t threads[3];
        for (int i = 0; i < 3; i++) {
            ck_assert_int_eq(pthread_create(&threads[i], NULL, receive_one, &here[i]), 0);
            usleep(500);
        }
        for (int i = 0; i < 3; i++) {
            int which = (round + i) % 3;
            ck_assert_int_eq(usctp_send(there[which], "x", 1, 0), 1);
            if (i == 0)
                continue;
            expect_byte(threads[which]);
            if (i == 1)
                expect_byte(threads[round % 3]);
        }
    }
    usctp_stack_delete(mine);
    usctp_stack_delete(peers);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("blocking");
    TCase *tcase = tcase_create("role_is_handed_on");
    tcase_set_timeout(tcase, TEST_SECONDS);
    tcase_add_loop_test(tcase, role_is_handed_on, 0, DRIVERS);
    suite_add_tcase(suite, tcase);
    add(suite, "nonblocking", nonblocking);
    add(suite, "closed", closed);
    add(suite, "closed_plainly", closed_plainly);
    add(suite, "closed_with_a_duplicate", closed_with_a_duplicate);
    add(suite, "number_reused", number_reused);
    add(suite, "stack_deleted", stack_deleted);
    if (!UNDER_TSAN) { /* which also puts signals off until a system call that it knows */
        add(suite, "interrupted", interrupted);
        add(suite, "timed_out", timed_out);
        add(suite, "restarted", restarted);
        add(suite, "restarted_without_other_handlers", restarted_without_other_handlers);
        add(suite, "restarted_then_interrupted", restarted_then_interrupted);
        add(suite, "cancelled", cancelled);
        add(suite, "cancelled_asynchronously", cancelled_asynchronously);
    }
    return run_suite(suite);
}
