/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Calls that block, and everything that ends them: signals with and without SA_RESTART (signal(7)),
 * SO_RCVTIMEO and SO_SNDTIMEO, O_NONBLOCK set before, cancellation, close() by another thread, the
 * end of the stack. Each kind of call, by a thread that drives the packets and by one that sleeps
 * beside it, in both drivers; afterwards the stack works.
 *
 * ctest-waits: mostly
 */
#include "api/api_test.h"

#include <sys/ioctl.h>
#include <sys/wait.h>

/* ctest-timeout: 300 */

enum { RECEIVE, ACCEPT, SEND, CONNECT, LINGER, KINDS };
enum { LEADS, FOLLOWS, ROLES };
enum {
    CASES = DRIVERS * ROLES * KINDS,
    MOMENT_US = 15000,
    SETTLE_US = 50000, /* by then it was noticed which handlers are set */
    LINGER_S = 30
};

/* A thread that blocks in a call, on the client's stack; nobody drives the server's. */
struct scene {
    int kind, driver;
    struct pair pair;
    int sd, listener; /* what is blocked on; a listener of the client's stack */
    pthread_t worker, holder;
    bool has_holder, is_async;
    int holder_fd;
    _Atomic bool is_done;
    ssize_t result;
    int error, took_us;
    struct background background;
};

static ssize_t call(struct scene *s) {
    static const char block[1000];
    struct sockaddr_in name = loopback(s->pair.port);
    char byte;
    switch (s->kind) {
    case RECEIVE:
        return usctp_recv(s->sd, &byte, 1, 0);
    case ACCEPT:
        return usctp_accept(s->sd, NULL, NULL);
    case SEND:
        return usctp_send(s->sd, block, sizeof block, 0);
    case CONNECT:
        return usctp_connect(s->sd, (struct sockaddr *)&name, sizeof name);
    default:
        return usctp_close(s->sd);
    }
}

static void *work(void *argument) {
    struct scene *s = argument;
    struct timespec before, after;
    if (s->is_async)
        pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
    clock_gettime(CLOCK_MONOTONIC, &before);
    s->result = call(s);
    s->error = s->result < 0 ? errno : 0;
    clock_gettime(CLOCK_MONOTONIC, &after);
    s->took_us =
        (int)((after.tv_sec - before.tv_sec) * 1000000 + (after.tv_nsec - before.tv_nsec) / 1000);
    s->is_done = true;
    return NULL;
}

/* Drives the packets for the others. */
static void *hold(void *argument) {
    struct scene *s = argument;
    int sd = usctp_accept(s->holder_fd, NULL, NULL);
    return (void *)(intptr_t)(sd < 0 ? errno : 0);
}

/* Sends until there is no more room. */
static void fill(int sd) {
    static const char block[1000];
    for (int i = 0; i < 10000; i++)
        if (usctp_send(sd, block, sizeof block, MSG_DONTWAIT) < 0)
            break;
    ck_assert_int_eq(errno, EAGAIN);
}

static void prepare_socket(struct scene *s) {
    struct linger linger = {.l_onoff = 1, .l_linger = LINGER_S};
    int small = 8192;
    s->sd = s->pair.client;
    if (s->kind == ACCEPT)
        s->sd = s->listener;
    if (s->kind == ACCEPT || s->kind == CONNECT)
        return;
    ck_assert_int_eq(usctp_setsockopt(s->sd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small), 0);
    pair_connect(&s->pair);
    if (s->kind != RECEIVE)
        fill(s->sd);
    if (s->kind == LINGER)
        ck_assert_int_eq(usctp_setsockopt(s->sd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger), 0);
}

static void scene_open(struct scene *s, int number) {
    *s = (struct scene){.kind = number % KINDS, .driver = number / KINDS / ROLES};
    s->pair = (struct pair){.client = -1, .server = -1};
    s->pair.client_stack = new_stack(s->driver);
    s->pair.server_stack = new_stack(DRIVER_CALLER);
    s->pair.listener = new_listener(s->pair.server_stack);
    s->pair.port = port_of(s->pair.listener);
    s->pair.client = new_socket(s->pair.client_stack);
    set_peer_udp_port(s->pair.client, usctp_stack_udp_port(s->pair.server_stack));
    s->listener = new_listener(s->pair.client_stack);
    s->has_holder = number / KINDS % ROLES == FOLLOWS;
    prepare_socket(s);
    if (s->has_holder) {
        s->holder_fd = new_listener(s->pair.client_stack);
        ck_assert_int_eq(pthread_create(&s->holder, NULL, hold, s), 0);
        usleep(MOMENT_US);
    }
}

static void scene_begin(struct scene *s) {
    s->is_done = false;
    ck_assert_int_eq(pthread_create(&s->worker, NULL, work, s), 0);
}

static void scene_start(struct scene *s) {
    scene_begin(s);
    usleep(MOMENT_US);
    ck_assert_msg(!s->is_done, "it does not block: %d %s", (int)s->result, strerror(s->error));
}

static void scene_join(struct scene *s, ssize_t result, int error) {
    ck_assert_int_eq(pthread_join(s->worker, NULL), 0);
    ck_assert_int_eq((int)s->result, (int)result);
    ck_assert_int_eq(s->error, error);
}

/* Gives the blocked call what it waits for. */
static void release(struct scene *s) {
    char block[1000];
    struct sockaddr_in name;
    int sd;
    background_start(&s->background, s->pair.server_stack, DRIVER_CALLER);
    switch (s->kind) {
    case RECEIVE:
        ck_assert_int_eq(usctp_send(s->pair.server, "x", 1, 0), 1);
        break;
    case ACCEPT:
        sd = new_socket(s->pair.server_stack);
        name = loopback(port_of(s->listener));
        set_peer_udp_port(sd, usctp_stack_udp_port(s->pair.client_stack));
        ck_assert_int_eq(usctp_connect(sd, (struct sockaddr *)&name, sizeof name), 0);
        break;
    case SEND:
        while (!s->is_done)
            if (usctp_recv(s->pair.server, block, sizeof block, MSG_DONTWAIT) < 0)
                usleep(1000);
        break;
    case LINGER: /* the server reads all and sees the end */
        while (usctp_recv(s->pair.server, block, sizeof block, 0) > 0)
            ;
        break;
    default: /* CONNECT: it answers, now that it is driven */
        break;
    }
    pthread_join(s->worker, NULL);
    background_stop(&s->background);
    ck_assert_msg(s->result >= 0, "%s", strerror(s->error));
}

/* Whether nothing was left locked, undriven or half done. */
static void check_usable(struct scene *s) {
    struct sockaddr_in name = loopback(s->pair.port);
    char byte = 'y';
    struct linger abortive = {.l_onoff = 1};
    usctp_setsockopt(s->sd, SOL_SOCKET, SO_LINGER, &abortive, sizeof abortive);
    usctp_close(s->sd);
    int sd = new_socket(s->pair.client_stack);
    if (s->pair.server >= 0)
        usctp_close(s->pair.server);
    background_start(&s->background, s->pair.server_stack, DRIVER_CALLER);
    set_peer_udp_port(sd, usctp_stack_udp_port(s->pair.server_stack));
    ck_assert_int_eq(usctp_connect(sd, (struct sockaddr *)&name, sizeof name), 0);
    ck_assert_int_eq(usctp_send(sd, &byte, 1, 0), 1);
    for (bool is_there = false; !is_there;) { /* what the call began may be there, too */
        s->pair.server = usctp_accept(s->pair.listener, NULL, NULL);
        ck_assert_int_ge(s->pair.server, 0);
        if (wait_for(s->pair.server, POLLIN) & POLLIN)
            is_there = usctp_recv(s->pair.server, &byte, 1, MSG_DONTWAIT) == 1 && byte == 'y';
        if (!is_there)
            usctp_close(s->pair.server);
    }
    ck_assert_int_eq(usctp_send(s->pair.server, &byte, 1, 0), 1);
    ck_assert_int_eq(usctp_recv(sd, &byte, 1, 0), 1);
    background_stop(&s->background);
    usctp_close(sd);
}

static void scene_close(struct scene *s) {
    void *error;
    check_usable(s);
    usctp_stack_delete(s->pair.client_stack);
    if (s->has_holder) {
        ck_assert_int_eq(pthread_join(s->holder, &error), 0);
        ck_assert_int_eq((int)(intptr_t)error, ESHUTDOWN);
    }
    usctp_stack_delete(s->pair.server_stack);
}

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

static void without_other_handlers(void) {
    for (int number = 1; number < 32; number++)
        if (number != SIGKILL && number != SIGSTOP)
            signal(number, SIG_DFL);
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

static _Atomic pid_t forked; /* -1: this is the child */

static void on_fork(int number) {
    pid_t pid = fork();
    (void)number;
    forked = pid == 0 ? -1 : pid;
}

static void *receive_forking(void *argument) {
    struct scene *s = argument;
    char byte;
    s->result = usctp_recv(s->sd, &byte, 1, 0);
    s->error = errno;
    if (forked == -1)
        _exit(s->result == -1 && s->error == EBADF ? 0 : 1);
    s->is_done = true;
    return NULL;
}

/* A handler makes a child, and both return to the call: the parent's goes on, the child's ends, as
 * the sockets are unknown there. */
START_TEST(forked_by_a_handler) {
    struct scene s;
    struct sigaction action = {.sa_handler = on_fork, .sa_flags = SA_RESTART};
    int status = -1;
    pid_t ended = 0;
    if (_i % KINDS != RECEIVE)
        return;
    without_other_handlers();
    scene_open(&s, _i);
    ck_assert_int_eq(sigaction(SIGUSR1, &action, NULL), 0);
    forked = 0;
    s.is_done = false;
    ck_assert_int_eq(pthread_create(&s.worker, NULL, receive_forking, &s), 0);
    usleep(SETTLE_US);
    pthread_kill(s.worker, SIGUSR1);
    for (int ms = 0; ms < BOUND_MS && ended == 0; ms++) {
        usleep(1000);
        ended = forked > 0 ? waitpid(forked, &status, WNOHANG) : 0;
    }
    if (ended == 0 && forked > 0)
        kill(forked, SIGKILL);
    ck_assert_int_gt(ended, 0);
    ck_assert_int_eq(status, 0);
    release(&s);
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

static void shut_by_call(int sd) {
    ck_assert_int_eq(usctp_shutdown(sd, SHUT_WR), 0);
}

static void shut_by_message(int sd) {
    struct sctp_sndinfo info = {.snd_flags = SCTP_EOF};
    ck_assert_int_eq(usctp_sendv(sd, NULL, 0, NULL, 0, &info, sizeof info, USCTP_SENDV_SNDINFO, 0),
                     0);
}

/* Who waits for room learns that none will ever come. */
static void check_shut(int number, void (*shut_it)(int)) {
    struct scene s;
    if (number % KINDS != SEND)
        return;
    signal(SIGPIPE, SIG_IGN);
    scene_open(&s, number);
    scene_start(&s);
    shut_it(s.sd);
    scene_join(&s, -1, EPIPE);
    scene_close(&s);
}

START_TEST(shut_down) {
    check_shut(_i, shut_by_call);
}
END_TEST

START_TEST(shut_down_by_a_message) {
    check_shut(_i, shut_by_message);
}
END_TEST

/* As in the kernel: a larger SO_SNDBUF has room at once. */
START_TEST(given_room) {
    struct scene s;
    int large = 1 << 20;
    if (_i % KINDS != SEND)
        return;
    scene_open(&s, _i);
    scene_start(&s);
    ck_assert_int_eq(usctp_setsockopt(s.sd, SOL_SOCKET, SO_SNDBUF, &large, sizeof large), 0);
    scene_join(&s, 1000, 0);
    scene_close(&s);
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

static void add(Suite *suite, const char *name, const TTest *test) {
    TCase *tcase = tcase_create(name); /* of its own: CK_RUN_CASE=name */
    tcase_set_timeout(tcase, TEST_SECONDS);
    tcase_add_loop_test(tcase, test, 0, CASES);
    suite_add_tcase(suite, tcase);
}

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
    add(suite, "shut_down", shut_down);
    add(suite, "shut_down_by_a_message", shut_down_by_a_message);
    add(suite, "given_room", given_room);
    add(suite, "stack_deleted", stack_deleted);
    if (!UNDER_TSAN) { /* which also puts signals off until a system call that it knows */
        add(suite, "interrupted", interrupted);
        add(suite, "timed_out", timed_out);
        add(suite, "restarted", restarted);
        add(suite, "forked_by_a_handler", forked_by_a_handler);
        add(suite, "restarted_without_other_handlers", restarted_without_other_handlers);
        add(suite, "restarted_then_interrupted", restarted_then_interrupted);
        add(suite, "cancelled", cancelled);
        add(suite, "cancelled_asynchronously", cancelled_asynchronously);
    }
    return run_suite(suite);
}
