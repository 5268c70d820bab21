/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A process that ends with its sockets open: by return from main, by exit() in any thread and in a
 * signal handler. Its peers see SHUTDOWN, or ABORT where SO_LINGER or unread data ask for it (RFC
 * 6458 4.1.6, 8.1.4), after everything that was sent; and the end of the process is bounded.
 *
 * The process is this program, started anew with the name of what it is to do.
 */
#include "api/api_test.h"

#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>

/* ctest-timeout: 240 */

enum { STATUS = 42, MUCH_BYTES = 400000, BLOCK_BYTES = 1000 };

extern char **environ;

/* ---- the process that ends ------------------------------------------------------------------- */

struct self {
    const char *what;
    int driver;
    struct usctp_stack *stack;
    int sd;
    struct sockaddr_in peer;
};

static struct self self; /* for handlers */

static bool is_to(const char *what) {
    return strcmp(self.what, what) == 0;
}

static void send_much(void) {
    static const char block[BLOCK_BYTES];
    int room = MUCH_BYTES * 2;
    usctp_setsockopt(self.sd, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    for (int i = 0; i < MUCH_BYTES / BLOCK_BYTES; i++)
        if (usctp_send(self.sd, block, sizeof block, 0) != sizeof block)
            _exit(10);
}

static void *leave(void *argument) {
    (void)argument;
    exit(STATUS);
}

static void *receive(void *argument) {
    char byte;
    usctp_recv(*(int *)argument, &byte, 1, 0);
    _exit(11); /* it is not to come back */
}

static void *send_for_ever(void *argument) {
    static const char block[BLOCK_BYTES];
    while (usctp_send(*(int *)argument, block, sizeof block, 0) > 0)
        ;
    _exit(12);
}

static void *take(void *argument) {
    usctp_accept(*(int *)argument, NULL, NULL);
    _exit(15);
}

static void block_threads(void) {
    pthread_t threads[4];
    static int other, listener;
    listener = new_listener(self.stack);
    pthread_create(&threads[0], NULL, receive, &self.sd);
    pthread_create(&threads[1], NULL, receive, &self.sd);
    pthread_create(&threads[2], NULL, take, &listener);
    if (!is_to("be blocked sending"))
        return;
    other = dup(self.sd);
    pthread_create(&threads[3], NULL, send_for_ever, &other);
}

static void on_alarm(int number) {
    (void)number;
    exit(STATUS);
}

static void be_interrupted(void) {
    struct usctp_engine_counters counters;
    signal(SIGALRM, on_alarm);
    ualarm(20000, 0);
    for (;;) /* the lock is held now and then */
        usctp_stack_counters(self.stack, &counters);
}

static void set_up(void) {
    struct linger abortive = {.l_onoff = 1};
    if (is_to("abort"))
        usctp_setsockopt(self.sd, SOL_SOCKET, SO_LINGER, &abortive, sizeof abortive);
    if (is_to("leave unread"))
        wait_driving(self.sd, POLLIN, self.driver == DRIVER_CALLER ? self.stack : NULL, NULL);
    if (is_to("send much") || is_to("close before"))
        send_much();
    if (is_to("close before"))
        usctp_close(self.sd);
    if (strncmp(self.what, "be blocked", 10) == 0) {
        block_threads();
        usleep(50000);
    }
}

static int end(void) {
    pthread_t thread;
    if (is_to("exit in a thread") && pthread_create(&thread, NULL, leave, NULL) == 0)
        pthread_join(thread, NULL);
    if (is_to("be interrupted"))
        be_interrupted();
    return STATUS;
}

static char **arguments; /* what, driver, port, UDP port */

START_TEST(begin) {
    self = (struct self){.what = arguments[1], .driver = atoi(arguments[2])};
    self.peer = loopback((uint16_t)atoi(arguments[3]));
    self.stack = new_stack(self.driver);
    bool is_many = is_to("be one-to-many");
    self.sd = usctp_socket(self.stack, AF_INET, is_many ? SOCK_SEQPACKET : SOCK_STREAM, 0);
    set_peer_udp_port(self.sd, (uint16_t)atoi(arguments[4]));
    ck_assert_int_eq(usctp_connect(self.sd, (struct sockaddr *)&self.peer, sizeof self.peer), 0);
    if (is_many)
        ck_assert_int_eq(
            usctp_sendto(self.sd, "words", 5, 0, (struct sockaddr *)&self.peer, sizeof self.peer),
            5);
    set_up();
}
END_TEST

/* As a test of its own, so that the helpers may assert; then it ends as it is told. */
static int run_child(void) {
    Suite *suite = suite_create("child");
    TCase *tcase = tcase_create("child");
    SRunner *runner = srunner_create(suite);
    tcase_add_test(tcase, begin);
    suite_add_tcase(suite, tcase);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? end() : 13;
}

/* ---- its peer -------------------------------------------------------------------------------- */

struct scene {
    struct usctp_stack *stack;
    int listener, sd;
    pid_t child;
};

static void scene_open(struct scene *s, const char *what, int driver, int own_driver) {
    char numbers[3][16], program[PATH_MAX];
    *s = (struct scene){.stack = new_stack(own_driver)};
    s->listener = new_listener(s->stack);
    snprintf(numbers[0], sizeof numbers[0], "%d", driver);
    snprintf(numbers[1], sizeof numbers[1], "%d", port_of(s->listener));
    snprintf(numbers[2], sizeof numbers[2], "%d", usctp_stack_udp_port(s->stack));
    char *list[] = {
        (char[]){"test_exit"}, (char *)(uintptr_t)what, numbers[0], numbers[1], numbers[2], NULL};
    /* By its name: under valgrind the kernel's link leads to valgrind. */
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    ck_assert_int_gt(length, 0);
    program[length] = '\0';
    ck_assert_int_eq(posix_spawn(&s->child, program, NULL, NULL, list, environ), 0);
    s->sd = usctp_accept(s->listener, NULL, NULL);
    ck_assert_int_ge(s->sd, 0);
}

static void expect_status(const struct scene *s) {
    int status = 0;
    ck_assert_int_eq(waitpid(s->child, &status, 0), s->child);
    ck_assert_msg(WIFEXITED(status), "ended by signal %d", WTERMSIG(status));
    ck_assert_int_eq(WEXITSTATUS(status), STATUS);
}

static void scene_close(struct scene *s) {
    usctp_close(s->sd);
    usctp_close(s->listener);
    usctp_stack_delete(s->stack);
}

/* Reads to the end, which is SHUTDOWN (0) or ABORT (ECONNRESET). Returns how many bytes came. */
static int read_all(int sd, int error) {
    char block[BLOCK_BYTES];
    int total = 0;
    ssize_t n;
    while ((n = usctp_recv(sd, block, sizeof block, 0)) > 0)
        total += (int)n;
    ck_assert_int_eq((int)n, error == 0 ? 0 : -1);
    ck_assert_int_eq(error == 0 ? 0 : errno, error);
    return total;
}

static void check(const char *what, int driver, int bytes, int error) {
    struct scene s;
    scene_open(&s, what, driver, DRIVER_THREAD);
    if (strcmp(what, "leave unread") == 0)
        ck_assert_int_eq(usctp_send(s.sd, "x", 1, 0), 1);
    ck_assert_int_eq(read_all(s.sd, error), bytes);
    expect_status(&s);
    scene_close(&s);
}

START_TEST(shuts_down) {
    check("return", _i, 0, 0);
    check("exit in a thread", _i, 0, 0);
    check("be one-to-many", _i, 5, 0);
}
END_TEST

START_TEST(aborts) {
    check("abort", _i, 0, ECONNRESET);
    check("leave unread", _i, 0, ECONNRESET);
}
END_TEST

/* What is queued goes out first, also of a socket that was closed just before; the peer takes its
 * time to read. */
START_TEST(sends_what_is_queued) {
    static const char *const what[] = {"send much", "close before"};
    for (int i = 0; i < 2; i++) {
        struct scene s;
        scene_open(&s, what[i], _i, DRIVER_THREAD);
        usleep(300000);
        ck_assert_int_eq(read_all(s.sd, 0), MUCH_BYTES);
        expect_status(&s);
        scene_close(&s);
    }
}
END_TEST

/* Threads that are in calls stay there: they neither keep the process nor see its end. */
START_TEST(other_threads) {
    check("be blocked", _i, 0, 0);
    struct scene s;
    scene_open(&s, "be blocked sending", _i, DRIVER_THREAD);
    usleep(100000);
    read_all(s.sd, 0);
    expect_status(&s);
    scene_close(&s);
}
END_TEST

/* exit() in a handler, wherever the program just was: it ends, in one way or another. */
START_TEST(in_a_handler) {
    struct scene s;
    scene_open(&s, "be interrupted", _i, DRIVER_THREAD);
    expect_status(&s);
    scene_close(&s);
}
END_TEST

/* A peer that does not answer does not keep the process; in the end it is aborted. */
START_TEST(silent_peer) {
    struct scene s;
    scene_open(&s, "return", _i, DRIVER_CALLER);
    expect_status(&s); /* nobody has driven our side meanwhile */
    struct background background;
    background_start(&background, s.stack, DRIVER_CALLER);
    char byte;
    ssize_t n = usctp_recv(s.sd, &byte, 1, 0);
    ck_assert(n == 0 || errno == ECONNRESET); /* SHUTDOWN came first, then the ABORT */
    for (int i = 0; i < BOUND_MS && !(ready_now(s.sd) & POLLHUP); i++)
        usleep(1000);
    ck_assert_int_ne(ready_now(s.sd) & POLLHUP, 0);
    background_stop(&background);
    scene_close(&s);
}
END_TEST

int main(int argc, char **argv) {
    arguments = argv;
    if (argc == 5)
        return run_child();
    Suite *suite = suite_create("exit");
    TCase *tcase = tcase_create("exit");
    tcase_set_timeout(tcase, TEST_SECONDS);
    tcase_add_loop_test(tcase, shuts_down, 0, DRIVERS);
    tcase_add_loop_test(tcase, aborts, 0, DRIVERS);
    tcase_add_loop_test(tcase, sends_what_is_queued, 0, DRIVERS);
    tcase_add_loop_test(tcase, other_threads, 0, DRIVERS);
    if (!UNDER_TSAN) /* it calls that unsafe, and is right */
        tcase_add_loop_test(tcase, in_a_handler, 0, DRIVERS);
    tcase_add_loop_test(tcase, silent_peer, 0, DRIVERS);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
