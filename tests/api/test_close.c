/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The end of sockets, stacks and processes (RFC 6458 4.1.6, 4.1.7, 8.1.4): graceful and abortive,
 * lingering, shutdown in one direction, duplicates, plain close(2), usctp_stack_delete, fork, exit.
 */
#include "api/api_test.h"

#include <sys/wait.h>

static void expect_end(int sd) {
    char byte;
    for (int i = 0; i < 3; i++) {
        ssize_t n = usctp_recv(sd, &byte, 1, 0);
        ck_assert_msg(n == 0, "usctp_recv: %zd %s", n, strerror(errno));
    }
}

static int state_of(int sd) {
    struct sctp_status status;
    socklen_t length = sizeof status;
    if (usctp_getsockopt(sd, IPPROTO_SCTP, SCTP_STATUS, &status, &length) != 0)
        return -1;
    return status.sstat_state;
}

static void set_linger(int sd, int seconds) {
    struct linger linger = {.l_onoff = 1, .l_linger = seconds};
    ck_assert_int_eq(usctp_setsockopt(sd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger), 0);
}

static _Atomic int pipe_signals;
static void on_pipe(int number) {
    (void)number;
    pipe_signals++;
}

static void watch_pipe_signals(void) {
    pipe_signals = 0;
    signal(SIGPIPE, on_pipe);
}

START_TEST(graceful) {
    struct pair pair;
    pair_open(&pair, _i);
    ck_assert_int_eq(usctp_send(pair.client, "last", 4, 0), 4);
    struct background background;
    background_start(&background, pair.client_stack, _i);
    ck_assert_int_eq(usctp_close(pair.client), 0);
    pair.client = -1;
    char buffer[8];
    ck_assert_int_eq(usctp_recv(pair.server, buffer, sizeof buffer, 0), 4);
    expect_end(pair.server);
    background_stop(&background);
    watch_pipe_signals();
    errno = 0;
    ck_assert_int_eq(usctp_send(pair.server, "x", 1, MSG_NOSIGNAL), -1);
    ck_assert(errno == EPIPE || errno == ESHUTDOWN);
    ck_assert_int_eq(pipe_signals, 0);
    pair_close(&pair);
}
END_TEST

/* SHUT_WR begins SHUTDOWN, and what the peer has under way is still read. */
START_TEST(half) {
    struct pair pair;
    char buffer[8];
    pair_open(&pair, DRIVER_THREAD);
    ck_assert_int_eq(usctp_send(pair.server, "late", 4, 0), 4);
    ck_assert_int_eq(usctp_shutdown(pair.client, SHUT_WR), 0);
    watch_pipe_signals();
    ck_assert_errno(usctp_send(pair.client, "x", 1, MSG_NOSIGNAL), EPIPE);
    ck_assert_int_eq(pipe_signals, 0);
    ck_assert_errno(usctp_send(pair.client, "x", 1, 0), EPIPE);
    ck_assert_int_eq(pipe_signals, 1);
    ck_assert_int_eq(usctp_recv(pair.client, buffer, sizeof buffer, 0), 4);
    expect_end(pair.server);
    expect_end(pair.client);
    pair_close(&pair);
}
END_TEST

START_TEST(read_half) {
    struct pair pair;
    pair_open(&pair, DRIVER_THREAD);
    set_prompt(pair.client);
    ck_assert_int_eq(usctp_shutdown(pair.client, SHUT_RD), 0);
    expect_end(pair.client);
    for (int i = 0; i < 3000; i++) /* more than the window: it is dropped, not left to fill it */
        ck_assert_int_eq(usctp_send(pair.server, &(char[1000]){0}, 1000, 0), 1000);
    ck_assert_int_eq(usctp_send(pair.client, "x", 1, 0), 1);
    char byte;
    ck_assert_int_eq(usctp_recv(pair.server, &byte, 1, 0), 1);
    expect_end(pair.client);
    pair_close(&pair);
}
END_TEST

START_TEST(abortive) {
    struct pair pair;
    char byte;
    pair_open(&pair, _i);
    set_linger(pair.client, 0);
    ck_assert_int_eq(usctp_close(pair.client), 0);
    pair.client = -1;
    ck_assert_errno(usctp_recv(pair.server, &byte, 1, 0), ECONNRESET);
    expect_end(pair.server);
    watch_pipe_signals();
    ck_assert_errno(usctp_send(pair.server, "x", 1, 0), EPIPE);
    ck_assert_int_eq(pipe_signals, 1);
    pair_close(&pair);
}
END_TEST

static int connect_to(const struct pair *pair) {
    struct sockaddr_in name = loopback(pair->port);
    int sd = new_socket(pair->client_stack);
    set_peer_udp_port(sd, usctp_stack_udp_port(pair->server_stack));
    ck_assert_int_eq(usctp_connect(sd, (struct sockaddr *)&name, sizeof name), 0);
    return sd;
}

/* Reset while they wait for accept(): one that the listener holds already, and those behind it.
 * Nobody hears of them, and the listener goes on. */
START_TEST(reset_before_accept) {
    struct pair pair;
    int reset[3];
    pair_stacks(&pair, DRIVER_THREAD);
    for (int i = 0; i < 3; i++)
        reset[i] = connect_to(&pair);
    ck_assert_int_eq(wait_for(pair.listener, POLLIN), POLLIN);
    for (int i = 0; i < 3; i++) {
        set_linger(reset[i], 0);
        ck_assert_int_eq(usctp_close(reset[i]), 0);
    }
    struct usctp_engine_counters counters = {.associations = 1};
    for (int ms = 0; counters.associations > 0 && ms < BOUND_MS; ms++) {
        usleep(1000);
        ck_assert_int_eq(usctp_stack_counters(pair.server_stack, &counters), 0);
    }
    ck_assert_uint_eq(counters.associations, 0);
    set_nonblocking(pair.listener, true);
    ck_assert_errno(usctp_accept(pair.listener, NULL, NULL), EAGAIN);
    ck_assert_int_eq(ready_now(pair.listener), 0);
    set_nonblocking(pair.listener, false);
    pair_connect(&pair);
    char byte = 'x';
    ck_assert_int_eq(usctp_send(pair.client, &byte, 1, 0), 1);
    ck_assert_int_eq(usctp_recv(pair.server, &byte, 1, 0), 1);
    pair_close(&pair);
}
END_TEST

/* What had arrived before the ABORT is read first. */
START_TEST(data_before_reset) {
    struct pair pair;
    char buffer[8];
    pair_open(&pair, DRIVER_THREAD);
    ck_assert_int_eq(usctp_send(pair.client, "data", 4, 0), 4);
    ck_assert_int_ne(wait_for(pair.server, POLLIN) & POLLIN, 0);
    set_linger(pair.client, 0);
    usctp_close(pair.client);
    pair.client = -1;
    ck_assert_int_ne(wait_for(pair.server, 0) & POLLHUP, 0);
    ck_assert_int_eq(usctp_recv(pair.server, buffer, sizeof buffer, 0), 4);
    ck_assert_errno(usctp_recv(pair.server, buffer, sizeof buffer, 0), ECONNRESET);
    expect_end(pair.server);
    pair_close(&pair);
}
END_TEST

/* As Linux: closing over unread data is an ABORT. */
START_TEST(unread_data_aborts) {
    struct pair pair;
    char byte;
    pair_open(&pair, DRIVER_THREAD);
    ck_assert_int_eq(usctp_send(pair.client, "unread", 6, 0), 6);
    ck_assert_int_ne(wait_for(pair.server, POLLIN) & POLLIN, 0);
    usctp_close(pair.server);
    pair.server = -1;
    ck_assert_errno(usctp_recv(pair.client, &byte, 1, 0), ECONNRESET);
    pair_close(&pair);
}
END_TEST

START_TEST(linger_waits) {
    struct pair pair;
    pair_open(&pair, DRIVER_THREAD);
    ck_assert_int_eq(usctp_send(pair.client, "x", 1, 0), 1);
    set_linger(pair.client, 5);
    ck_assert_int_eq(usctp_close(pair.client), 0);
    pair.client = -1;
    /* The peer has answered with SHUTDOWN ACK, or more: that is what the client had waited for. */
    int state = state_of(pair.server);
    ck_assert(state == SCTP_SHUTDOWN_ACK_SENT || state == -1);
    char byte;
    ck_assert_int_eq(usctp_recv(pair.server, &byte, 1, 0), 1);
    expect_end(pair.server);
    pair_close(&pair);
}
END_TEST

/* Lingering ends with its time; the association goes on closing. */
START_TEST(linger_is_bounded) {
    struct pair pair;
    pair_open(&pair, DRIVER_CALLER); /* nobody drives the server */
    ck_assert_int_eq(usctp_send(pair.client, "x", 1, 0), 1);
    set_linger(pair.client, 1);
    ck_assert_int_eq(usctp_close(pair.client), 0);
    pair.client = -1;
    pair_close(&pair);
}
END_TEST

/* SCTP_EOF and SCTP_ABORT in a send (RFC 6458 5.3.4). */
static ssize_t send_flag(int sd, uint16_t flag, const char *reason) {
    struct sctp_sndinfo info = {.snd_flags = flag};
    struct iovec iov = {(void *)(uintptr_t)reason, strlen(reason)};
    return usctp_sendv(sd, &iov, 1, NULL, 0, &info, sizeof info, USCTP_SENDV_SNDINFO, MSG_NOSIGNAL);
}

START_TEST(end_by_flag) {
    struct pair pair;
    pair_open(&pair, DRIVER_THREAD);
    ck_assert_errno(send_flag(pair.client, SCTP_EOF, "x"), EINVAL);
    ck_assert_int_eq(send_flag(pair.client, SCTP_EOF, ""), 0);
    expect_end(pair.server);
    expect_end(pair.client);
    pair_close(&pair);
    char byte;
    pair_open(&pair, DRIVER_THREAD);
    ck_assert_int_eq(send_flag(pair.client, SCTP_ABORT, "why"), 3);
    ck_assert_errno(usctp_recv(pair.server, &byte, 1, 0), ECONNRESET);
    expect_end(pair.client);
    pair_close(&pair);
}
END_TEST

/* ---- descriptors ----------------------------------------------------------------------------- */

/* close(2) is as good as usctp_close: the stack sees that the last duplicate is gone. */
START_TEST(plain_close) {
    struct pair pair;
    pair_open(&pair, _i);
    close(pair.client);
    pair.client = -1;
    struct background background;
    background_start(&background, pair.client_stack, _i);
    expect_end(pair.server);
    background_stop(&background);
    pair_close(&pair);
}
END_TEST

static uint64_t endpoints_of(struct usctp_stack *stack) {
    struct usctp_engine_counters counters;
    ck_assert_int_eq(usctp_stack_counters(stack, &counters), 0);
    return counters.endpoints;
}

/* With the hang-up shown the stack has closed its end, and still hears of a plain close(2), by
 * itself; a duplicate keeps the socket. */
START_TEST(plain_close_after_reset) {
    struct pair pair;
    pair_open(&pair, _i);
    uint64_t before = endpoints_of(pair.server_stack);
    set_linger(pair.client, 0);
    ck_assert_int_eq(usctp_close(pair.client), 0);
    pair.client = -1;
    struct usctp_stack *driven = _i == DRIVER_CALLER ? pair.server_stack : NULL;
    ck_assert_int_ne(wait_driving(pair.server, 0, driven, NULL) & POLLERR, 0);
    int copy = dup(pair.server);
    ck_assert_int_eq(close(pair.server), 0);
    pair.server = -1;
    for (int i = 0; i < 5; i++) {
        struct pollfd nothing = {.fd = -1};
        poll(&nothing, 1, 10);
        ck_assert(!driven || usctp_stack_process(driven) >= 0);
    }
    ck_assert_uint_eq(endpoints_of(pair.server_stack), before);
    ck_assert_int_eq(close(copy), 0);
    int waited_ms = 0;
    while (endpoints_of(pair.server_stack) == before && waited_ms < BOUND_MS) {
        struct pollfd own = {.fd = driven ? usctp_stack_fd(driven) : -1, .events = POLLIN};
        waited_ms += 10;
        if (poll(&own, 1, 10) > 0)
            ck_assert_int_ge(usctp_stack_process(driven), 0);
    }
    ck_assert_uint_eq(endpoints_of(pair.server_stack), before - 1);
    pair_close(&pair);
}
END_TEST

/* The same with the peer's end of file shown before: it has shut down, and is then reset. */
START_TEST(plain_close_after_eof_and_reset) {
    struct pair pair;
    char block[1000] = {0};
    int small = 8192;
    pair_stacks(&pair, DRIVER_THREAD);
    ck_assert_int_eq(usctp_setsockopt(pair.client, SOL_SOCKET, SO_RCVBUF, &small, sizeof small), 0);
    pair_connect(&pair);
    uint64_t before = endpoints_of(pair.server_stack);
    /* What the peer does not read keeps the association from ending. */
    while (usctp_send(pair.server, block, sizeof block, MSG_DONTWAIT) > 0)
        ;
    ck_assert_int_eq(usctp_shutdown(pair.client, SHUT_WR), 0);
    ck_assert_int_ne(wait_for(pair.server, POLLRDHUP) & POLLRDHUP, 0);
    ck_assert_int_eq(ready_now(pair.server) & (POLLIN | POLLHUP | POLLERR), POLLIN);
    set_linger(pair.client, 0);
    ck_assert_int_eq(usctp_close(pair.client), 0);
    pair.client = -1;
    for (int i = 0; i < BOUND_MS && !(ready_now(pair.server) & POLLHUP); i++)
        usleep(1000);
    ck_assert_int_eq(ready_now(pair.server), POLLIN | POLLOUT | POLLRDHUP | POLLHUP | POLLERR);
    ck_assert_int_eq(close(pair.server), 0);
    pair.server = -1;
    for (int i = 0; i < BOUND_MS && endpoints_of(pair.server_stack) == before; i++)
        usleep(1000);
    ck_assert_uint_eq(endpoints_of(pair.server_stack), before - 1);
    pair_close(&pair);
}
END_TEST

START_TEST(duplicates) {
    struct pair pair;
    char byte;
    pair_open(&pair, DRIVER_THREAD);
    int copy = dup(pair.client);
    ck_assert_int_ge(copy, 0);
    ck_assert_int_eq(usctp_send(copy, "a", 1, 0), 1);
    ck_assert_int_eq(usctp_close(pair.client), 0);
    pair.client = -1;
    ck_assert_int_eq(usctp_recv(pair.server, &byte, 1, 0), 1);
    ck_assert_int_eq(usctp_send(copy, "b", 1, 0), 1);
    ck_assert_int_eq(usctp_recv(pair.server, &byte, 1, 0), 1);
    ck_assert_int_eq(ready_now(pair.server) & POLLRDHUP, 0);
    /* The first number now means something else. */
    int other = new_socket(pair.client_stack);
    ck_assert_int_eq(usctp_send(copy, "c", 1, 0), 1);
    ck_assert_errno(usctp_send(other, "d", 1, MSG_NOSIGNAL), EPIPE);
    ck_assert_int_eq(usctp_close(copy), 0);
    ck_assert_int_eq(usctp_recv(pair.server, &byte, 1, 0), 1);
    expect_end(pair.server);
    ck_assert_errno(usctp_send(copy, "e", 1, 0), EBADF);
    usctp_close(other);
    pair_close(&pair);
}
END_TEST

/* Many sockets made, connected and closed: numbers, ports and memory come back. */
START_TEST(churn) {
    struct pair pair;
    pair_stacks(&pair, DRIVER_THREAD);
    int first = pair.client;
    usctp_close(pair.client);
    for (int i = 0; i < 300; i++) {
        pair.client = new_socket(pair.client_stack);
        ck_assert_int_eq(pair.client, first);
        set_peer_udp_port(pair.client, usctp_stack_udp_port(pair.server_stack));
        pair_connect(&pair);
        if (i % 3 == 0)
            set_linger(pair.client, 0);
        if (i % 3 == 1)
            close(pair.client);
        else
            usctp_close(pair.client);
        usctp_close(pair.server);
    }
    pair.client = pair.server = -1;
    struct usctp_engine_counters counters;
    for (int i = 0; i < BOUND_MS; i++) {
        ck_assert_int_eq(usctp_stack_counters(pair.server_stack, &counters), 0);
        if (counters.associations == 0)
            break;
        usleep(1000);
    }
    ck_assert_uint_eq(counters.associations, 0);
    ck_assert_uint_eq(counters.endpoints, 1);
    pair_close(&pair);
}
END_TEST

/* ---- stacks and processes -------------------------------------------------------------------- */

static void *receive_errno(void *argument) {
    char byte;
    errno = 0;
    ssize_t n = usctp_recv(*(int *)argument, &byte, 1, 0);
    return (void *)(intptr_t)(n < 0 ? errno : 0);
}

START_TEST(stack_delete_ends_calls) {
    struct pair pair;
    pthread_t threads[3];
    void *result;
    char byte;
    pair_open(&pair, _i);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, receive_errno, &pair.server), 0);
    usleep(20000);
    usctp_stack_delete(pair.server_stack);
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], &result);
        ck_assert_int_eq((int)(intptr_t)result, ESHUTDOWN);
    }
    ck_assert_int_ne(ready_now(pair.server) & POLLHUP, 0);
    ck_assert_errno(usctp_recv(pair.server, &byte, 1, 0), ESHUTDOWN);
    ck_assert_errno(usctp_listen(pair.listener, 1), ESHUTDOWN);
    ck_assert_int_eq(usctp_close(pair.server), 0);
    ck_assert_errno(usctp_close(pair.server), EBADF);
    usctp_close(pair.listener);
    /* The peer was told. */
    ck_assert_errno(usctp_recv(pair.client, &byte, 1, 0), ECONNRESET);
    usctp_close(pair.client);
    usctp_stack_delete(pair.client_stack);
}
END_TEST

/* The child has the descriptors, but not the sockets; the parent's go on. */
START_TEST(fork_leaves_the_parent_alone) {
    struct pair pair;
    char byte;
    int status;
    pair_open(&pair, DRIVER_THREAD);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        int ok = usctp_send(pair.client, "x", 1, 0) == -1 && errno == EBADF;
        ok = ok && usctp_close(pair.client) == 0 && fcntl(pair.client, F_GETFD) == -1;
        usctp_stack_delete(pair.client_stack);
        _exit(ok ? 0 : 1);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 0);
    ck_assert_int_eq(usctp_send(pair.client, "y", 1, 0), 1);
    ck_assert_int_eq(usctp_recv(pair.server, &byte, 1, 0), 1);
    usctp_close(pair.client);
    pair.client = -1;
    expect_end(pair.server);
    pair_close(&pair);
}
END_TEST

/* A process that exits without closing: its associations are ended, gracefully if that works. */
START_TEST(exit_ends_associations) {
    int numbers[2], status;
    ck_assert_int_eq(pipe(numbers), 0);
    struct usctp_stack *stack = NULL;
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        uint16_t ports[2];
        if (read(numbers[0], ports, sizeof ports) != (ssize_t)sizeof ports)
            _exit(1);
        stack = new_stack(_i);
        int sd = new_socket(stack);
        struct sockaddr_in name = loopback(ports[0]);
        set_peer_udp_port(sd, ports[1]);
        if (usctp_connect(sd, (struct sockaddr *)&name, sizeof name) != 0)
            _exit(2);
        if (usctp_send(sd, "last words", 10, 0) != 10)
            _exit(3);
        exit(0);
    }
    stack = new_stack(DRIVER_THREAD);
    int listener = new_listener(stack);
    uint16_t ports[2] = {port_of(listener), usctp_stack_udp_port(stack)};
    ck_assert_int_eq(write(numbers[1], ports, sizeof ports), sizeof ports);
    int sd = usctp_accept(listener, NULL, NULL);
    ck_assert_int_ge(sd, 0);
    char buffer[16];
    ck_assert_int_eq(usctp_recv(sd, buffer, sizeof buffer, 0), 10);
    expect_end(sd);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 0);
    usctp_close(sd);
    usctp_close(listener);
    usctp_stack_delete(stack);
    close(numbers[0]);
    close(numbers[1]);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("close");
    TCase *tcase = tcase_create("close");
    tcase_set_timeout(tcase, TEST_SECONDS);
    tcase_add_loop_test(tcase, graceful, 0, DRIVERS);
    tcase_add_test(tcase, half);
    tcase_add_test(tcase, read_half);
    tcase_add_loop_test(tcase, abortive, 0, DRIVERS);
    tcase_add_test(tcase, reset_before_accept);
    tcase_add_test(tcase, data_before_reset);
    tcase_add_test(tcase, unread_data_aborts);
    tcase_add_test(tcase, linger_waits);
    tcase_add_test(tcase, linger_is_bounded);
    tcase_add_test(tcase, end_by_flag);
    tcase_add_loop_test(tcase, plain_close, 0, DRIVERS);
    tcase_add_loop_test(tcase, plain_close_after_reset, 0, DRIVERS);
    tcase_add_test(tcase, plain_close_after_eof_and_reset);
    tcase_add_test(tcase, duplicates);
    tcase_add_test(tcase, churn);
    tcase_add_loop_test(tcase, stack_delete_ends_calls, 0, DRIVERS);
    /* Not under tools that want one process: valgrind, ThreadSanitizer. */
    const char *forks = getenv("CK_FORK");
    if (!forks || strcmp(forks, "no") != 0) {
        tcase_add_test(tcase, fork_leaves_the_parent_alone);
        tcase_add_loop_test(tcase, exit_ends_associations, 0, DRIVERS);
    }
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
