/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How waiting callers look for packets and how sends gather (config.h: busy_poll_us, nap_us,
 * gather_us), each stretched so that it is certain to be met: nothing is lost or late for good,
 * and what ends a blocked call ends it also in the midst of a nap or of polling.
 */
#include "api/api_test.h"

#include <limits.h>
#include <stdio.h>

/* ctest-timeout: 300 */

enum { LONG_US = 10000, MESSAGE_BYTES = 2000, STREAM = 3000, ROUND_TRIPS = 300, MOMENT_US = 20000 };

struct settings {
    uint32_t busy_poll_us, nap_us, gather_us;
};

static struct usctp_stack *stack_with(const struct settings *settings, int driver) {
    struct usctp_stack_options options;
    struct usctp_config config;
    usctp_stack_options_init(&options);
    usctp_config_defaults(&config);
    config.busy_poll_us = settings->busy_poll_us;
    config.nap_us = settings->nap_us;
    config.gather_us = settings->gather_us;
    config.nodelay = 1;
    options.flags = USCTP_STACK_UDP | (driver == DRIVER_THREAD ? USCTP_STACK_THREAD : 0u);
    options.config = &config;
    struct usctp_stack *stack = usctp_stack_new(&options);
    ck_assert_msg(stack != NULL, "usctp_stack_new: %s", usctp_stack_error());
    return stack;
}

static void open_with(struct pair *pair, const struct settings *settings, int driver) {
    *pair = (struct pair){.client = -1, .server = -1};
    pair->client_stack = stack_with(settings, driver);
    pair->server_stack = stack_with(settings, driver);
    pair->listener = new_listener(pair->server_stack);
    pair->port = port_of(pair->listener);
    pair->client = new_socket(pair->client_stack);
    set_peer_udp_port(pair->client, usctp_stack_udp_port(pair->server_stack));
    pair_connect(pair);
}

/* ---- streams --------------------------------------------------------------------------------- */

static void fill(uint32_t *message, uint32_t number) {
    for (size_t i = 0; i < MESSAGE_BYTES / sizeof *message; i++)
        message[i] = number + (uint32_t)i;
}

static void *send_stream(void *argument) {
    const struct pair *pair = argument;
    uint32_t message[MESSAGE_BYTES / sizeof(uint32_t)];
    for (uint32_t i = 0; i < STREAM; i++) {
        fill(message, i);
        if (usctp_send(pair->client, message, sizeof message, 0) != (ssize_t)sizeof message)
            return (void *)(intptr_t)errno;
    }
    return NULL;
}

static void check_message(int sd, uint32_t number) {
    uint32_t message[MESSAGE_BYTES / sizeof(uint32_t)], expected[MESSAGE_BYTES / sizeof(uint32_t)];
    ssize_t n = usctp_recv(sd, message, sizeof message, 0);
    ck_assert_msg(n == (ssize_t)sizeof message, "message %u: %zd, %s", number, n, strerror(errno));
    fill(expected, number);
    ck_assert_mem_eq(message, expected, sizeof message);
}

static const struct settings streams[] = {
    {.nap_us = LONG_US},
    {.nap_us = 1, .gather_us = 1},
    {.gather_us = LONG_US},
    {.nap_us = LONG_US, .gather_us = LONG_US},
    {.busy_poll_us = LONG_US, .gather_us = LONG_US},
};
enum { STREAMS = (int)(sizeof streams / sizeof streams[0]) };

/* The sender stops without another call: what still gathers leaves with the turns of the stack. */
START_TEST(stream) {
    struct pair pair;
    struct background background;
    pthread_t sender;
    void *error;
    int driver = _i % DRIVERS;
    open_with(&pair, &streams[_i / DRIVERS], driver);
    ck_assert_int_eq(pthread_create(&sender, NULL, send_stream, &pair), 0);
    background_start(&background, pair.client_stack, driver);
    for (uint32_t i = 0; i < STREAM; i++)
        check_message(pair.server, i);
    ck_assert_int_eq(pthread_join(sender, &error), 0);
    ck_assert_ptr_null(error);
    background_stop(&background);
    pair_close(&pair);
}
END_TEST

static void *echo(void *argument) {
    const struct pair *pair = argument;
    char byte;
    for (int i = 0; i < ROUND_TRIPS; i++)
        if (usctp_recv(pair->server, &byte, 1, 0) != 1 ||
            usctp_send(pair->server, &byte, 1, 0) != 1)
            return (void *)(intptr_t)errno;
    return NULL;
}

START_TEST(round_trips) {
    struct pair pair;
    pthread_t server;
    void *error;
    open_with(&pair, &streams[_i / DRIVERS], _i % DRIVERS);
    ck_assert_int_eq(pthread_create(&server, NULL, echo, &pair), 0);
    for (int i = 0; i < ROUND_TRIPS; i++) {
        char byte = (char)i;
        ck_assert_int_eq(usctp_send(pair.client, &byte, 1, 0), 1);
        ck_assert_int_eq(usctp_recv(pair.client, &byte, 1, 0), 1);
        ck_assert_int_eq(byte, (char)i);
    }
    ck_assert_int_eq(pthread_join(server, &error), 0);
    ck_assert_ptr_null(error);
    pair_close(&pair);
}
END_TEST

/* How many descriptors an epoll set has (proc(5), fdinfo). */
static int count_watched(int epoll_fd) {
    char line[256];
    int count = 0;
    snprintf(line, sizeof line, "/proc/self/fdinfo/%d", epoll_fd);
    FILE *file = fopen(line, "r");
    ck_assert_ptr_nonnull(file);
    while (fgets(line, sizeof line, file))
        count += strncmp(line, "tfd:", 4) == 0;
    fclose(file);
    return count;
}

/* After a caller's naps packets wake whoever waits by other
 * means, on the stack's descriptor, or on the socket's with an I/O thread, is woken. */
START_TEST(woken_after_naps) {
    struct pair pair;
    struct background background;
    pthread_t sender;
    int driver = _i, fewest = INT_MAX, watched = 0;
    open_with(&pair, &streams[0], driver);
    int fd = driver == DRIVER_THREAD ? pair.server : usctp_stack_fd(pair.server_stack);
    if (driver == DRIVER_CALLER)
        watched = count_watched(fd);
    ck_assert_int_eq(pthread_create(&sender, NULL, send_stream, &pair), 0);
    background_start(&background, pair.client_stack, driver);
    for (uint32_t i = 0; i < STREAM; i++) {
        check_message(pair.server, i);
        if (driver == DRIVER_CALLER && count_watched(fd) < fewest)
            fewest = count_watched(fd);
    }
    ck_assert_int_eq(pthread_join(sender, NULL), 0);
    if (driver == DRIVER_CALLER)
        ck_assert_int_eq(fewest, watched);
    ck_assert_int_eq(usctp_send(pair.client, "x", 1, 0), 1);
    char byte = 0;
    ssize_t n = -1;
    for (int i = 0; i < 1000 && n != 1; i++) {
        struct pollfd polled = {.fd = fd, .events = POLLIN};
        ck_assert_int_eq(poll(&polled, 1, 10000), 1);
        if (driver == DRIVER_CALLER)
            ck_assert_int_ge(usctp_stack_process(pair.server_stack), 0);
        n = usctp_recv(pair.server, &byte, 1, MSG_DONTWAIT);
    }
    background_stop(&background);
    ck_assert_int_eq(n, 1);
    ck_assert_int_eq(byte, 'x');
    pair_close(&pair);
}
END_TEST

/* ---- what ends a wait ------------------------------------------------------------------------ */

struct reader {
    struct pair pair;
    pthread_t thread;
    _Atomic bool is_done;
    ssize_t result;
    int error;
};

/* Reads all there is, so that the wait that follows may begin with a nap. */
static void *read_until_ended(void *argument) {
    struct reader *r = argument;
    char buffer[MESSAGE_BYTES];
    do
        r->result = usctp_recv(r->pair.server, buffer, sizeof buffer, 0);
    while (r->result > 0);
    r->error = errno;
    r->is_done = true;
    return NULL;
}

static const struct settings waits[] = {{.nap_us = LONG_US}, {.busy_poll_us = 1000000}};
enum { WAITS = 2 };

static void start_reader(struct reader *r, int number) {
    open_with(&r->pair, &waits[number / DRIVERS], number % DRIVERS);
    r->is_done = false;
    ck_assert_int_eq(pthread_create(&r->thread, NULL, read_until_ended, r), 0);
    ck_assert_ptr_null(send_stream(&r->pair));
    for (int i = 0; i < 10; i++) { /* its SACKs are for a thread without a call */
        if (number % DRIVERS == DRIVER_CALLER)
            usctp_stack_process(r->pair.client_stack);
        usleep(MOMENT_US / 10);
    }
}

static void expect_end(struct reader *r, ssize_t result, int error) {
    ck_assert_int_eq(pthread_join(r->thread, NULL), 0);
    ck_assert_int_eq(r->result, result);
    if (result < 0)
        ck_assert_int_eq(r->error, error);
}

static void on_signal(int number) {
    (void)number;
}

START_TEST(ended_by_a_signal) {
    struct reader r;
    struct sigaction action = {.sa_handler = on_signal};
    ck_assert_int_eq(sigaction(SIGUSR1, &action, NULL), 0);
    start_reader(&r, _i);
    for (int i = 0; i < BOUND_MS && !r.is_done; i++) {
        pthread_kill(r.thread, SIGUSR1);
        usleep(1000);
    }
    expect_end(&r, -1, EINTR);
    pair_close(&r.pair);
}
END_TEST

START_TEST(ended_by_a_timeout) {
    struct reader r;
    struct timeval timeout = {.tv_usec = MOMENT_US};
    open_with(&r.pair, &waits[_i / DRIVERS], _i % DRIVERS);
    ck_assert_int_eq(
        usctp_setsockopt(r.pair.server, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout), 0);
    read_until_ended(&r);
    ck_assert_int_eq(r.result, -1);
    ck_assert_int_eq(r.error, EAGAIN);
    pair_close(&r.pair);
}
END_TEST

START_TEST(ended_by_close) {
    struct reader r;
    start_reader(&r, _i);
    ck_assert_int_eq(usctp_close(r.pair.server), 0);
    expect_end(&r, -1, EBADF);
    r.pair.server = -1;
    pair_close(&r.pair);
}
END_TEST

START_TEST(ended_by_cancellation) {
    struct reader r;
    void *result;
    start_reader(&r, _i);
    ck_assert_int_eq(pthread_cancel(r.thread), 0);
    ck_assert_int_eq(pthread_join(r.thread, &result), 0);
    ck_assert_ptr_eq(result, PTHREAD_CANCELED);
    ck_assert_int_eq(usctp_send(r.pair.server, "x", 1, 0), 1); /* the socket is as before */
    pair_close(&r.pair);
}
END_TEST

static Suite *suite(void) {
    Suite *suite = suite_create("driving");
    TCase *tests = tcase_create("driving");
    tcase_set_timeout(tests, TEST_SECONDS);
    tcase_add_loop_test(tests, stream, 0, STREAMS * DRIVERS);
    tcase_add_loop_test(tests, round_trips, 0, STREAMS * DRIVERS);
    tcase_add_loop_test(tests, woken_after_naps, 0, DRIVERS);
    tcase_add_loop_test(tests, ended_by_a_signal, 0, WAITS * DRIVERS);
    tcase_add_loop_test(tests, ended_by_a_timeout, 0, WAITS * DRIVERS);
    tcase_add_loop_test(tests, ended_by_close, 0, WAITS * DRIVERS);
    if (!UNDER_TSAN)
        tcase_add_loop_test(tests, ended_by_cancellation, 0, WAITS * DRIVERS);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void) {
    return run_suite(suite());
}
