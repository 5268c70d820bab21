/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the tests of the sockets share: stacks over UDP encapsulation on loopback, connected pairs,
 * driving without a thread. No test needs a privilege, and none asserts how long something takes;
 * waits are bounded by BOUND_MS.
 */
#ifndef API_API_TEST_H
#define API_API_TEST_H

#include "usctp/usctp.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { BOUND_MS = 10000, TEST_SECONDS = 60 };

/* The argument of loop tests. */
enum driver { DRIVER_CALLER, DRIVER_THREAD, DRIVERS };

/* ThreadSanitizer knows neither threads after fork() nor what a cancelled thread has locked. */
#if defined(__SANITIZE_THREAD__)
#define UNDER_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define UNDER_TSAN 1
#endif
#endif
#ifndef UNDER_TSAN
#define UNDER_TSAN 0
#endif

/* AddressSanitizer takes the unwinding of a cancelled thread for an overflow now and then. */
#if defined(__SANITIZE_ADDRESS__)
#define UNDER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UNDER_ASAN 1
#endif
#endif
#ifndef UNDER_ASAN
#define UNDER_ASAN 0
#endif

#define ck_assert_errno(call, error)                                                               \
    do {                                                                                           \
        errno = 0;                                                                                 \
        ck_assert_int_eq((int)(call), -1);                                                         \
        ck_assert_int_eq(errno, error);                                                            \
    } while (0)

static inline struct usctp_stack *new_stack(int driver) {
    struct usctp_stack_options options;
    usctp_stack_options_init(&options);
    options.flags = USCTP_STACK_UDP | (driver == DRIVER_THREAD ? USCTP_STACK_THREAD : 0u);
    struct usctp_stack *stack = usctp_stack_new(&options);
    ck_assert_msg(stack != NULL, "usctp_stack_new: %s", usctp_stack_error());
    return stack;
}

static inline int new_socket(struct usctp_stack *stack) {
    int sd = usctp_socket(stack, AF_INET, SOCK_STREAM, IPPROTO_SCTP);
    ck_assert_int_ge(sd, 0);
    return sd;
}

static inline struct sockaddr_in loopback(uint16_t port) {
    return (struct sockaddr_in){
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
}

/* Tells a socket under which UDP port its peers are. */
static inline void set_peer_udp_port(int sd, uint16_t udp_port) {
    struct sctp_udpencaps encaps = {.sue_port = htons(udp_port)};
    ck_assert_int_eq(
        usctp_setsockopt(sd, IPPROTO_SCTP, SCTP_REMOTE_UDP_ENCAPS_PORT, &encaps, sizeof encaps), 0);
}

static inline uint16_t port_of(int sd) {
    struct sockaddr_in name;
    socklen_t length = sizeof name;
    ck_assert_int_eq(usctp_getsockname(sd, (struct sockaddr *)&name, &length), 0);
    ck_assert_int_eq(name.sin_family, AF_INET);
    return ntohs(name.sin_port);
}

/* No waiting for more to send, or for a second packet to acknowledge: for tests of many small
 * steps. */
static inline void set_prompt(int sd) {
    int on = 1;
    struct sctp_sack_info sack = {.sack_freq = 1};
    ck_assert_int_eq(usctp_setsockopt(sd, IPPROTO_SCTP, SCTP_NODELAY, &on, sizeof on), 0);
    ck_assert_int_eq(usctp_setsockopt(sd, IPPROTO_SCTP, SCTP_DELAYED_SACK, &sack, sizeof sack), 0);
}

/* Bound to 127.0.0.1, so that the association has one path. */
static inline int new_listener(struct usctp_stack *stack) {
    struct sockaddr_in name = loopback(0);
    int sd = new_socket(stack);
    ck_assert_int_eq(usctp_bind(sd, (struct sockaddr *)&name, sizeof name), 0);
    ck_assert_int_eq(usctp_listen(sd, 16), 0);
    return sd;
}

static inline void set_nonblocking(int sd, bool on) {
    int flags = fcntl(sd, F_GETFL);
    ck_assert_int_eq(fcntl(sd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK), 0);
}

/* Waits for events on a socket, and drives up to two stacks that have no thread. Returns what
 * poll() reports. */
static inline int wait_driving(int sd, short events, struct usctp_stack *a, struct usctp_stack *b) {
    int waited_ms = 0;
    while (waited_ms < BOUND_MS) {
        struct pollfd fds[3] = {{.fd = sd, .events = events}, {.fd = -1}, {.fd = -1}};
        if (a)
            fds[1] = (struct pollfd){.fd = usctp_stack_fd(a), .events = POLLIN};
        if (b)
            fds[2] = (struct pollfd){.fd = usctp_stack_fd(b), .events = POLLIN};
        int n = poll(fds, 3, 100);
        ck_assert_int_ge(n, 0);
        if (n == 0)
            waited_ms += 100;
        if (fds[0].revents)
            return fds[0].revents;
        if (fds[1].revents)
            ck_assert_int_ge(usctp_stack_process(a), 0);
        if (fds[2].revents)
            ck_assert_int_ge(usctp_stack_process(b), 0);
    }
    return 0;
}

static inline int wait_for(int sd, short events) {
    return wait_driving(sd, events, NULL, NULL);
}

static inline int ready_now(int sd) {
    struct pollfd one = {.fd = sd, .events = POLLIN | POLLOUT | POLLRDHUP};
    ck_assert_int_ge(poll(&one, 1, 0), 0);
    return one.revents;
}

/* Two stacks, and a connection between them. */
struct pair {
    struct usctp_stack *client_stack, *server_stack;
    int listener, client, server;
    uint16_t port;
};

static inline void *accept_one(void *argument) {
    struct pair *pair = argument;
    pair->server = usctp_accept(pair->listener, NULL, NULL);
    return NULL;
}

static inline void pair_stacks(struct pair *pair, int driver) {
    *pair = (struct pair){.client = -1, .server = -1};
    pair->client_stack = new_stack(driver);
    pair->server_stack = new_stack(driver);
    pair->listener = new_listener(pair->server_stack);
    pair->port = port_of(pair->listener);
    pair->client = new_socket(pair->client_stack);
    set_peer_udp_port(pair->client, usctp_stack_udp_port(pair->server_stack));
}

/* Connects what pair_stacks made, options set meanwhile included. */
static inline void pair_connect(struct pair *pair) {
    pthread_t thread;
    struct sockaddr_in name = loopback(pair->port);
    ck_assert_int_eq(pthread_create(&thread, NULL, accept_one, pair), 0);
    int result = usctp_connect(pair->client, (struct sockaddr *)&name, sizeof name);
    ck_assert_msg(result == 0, "usctp_connect: %s", strerror(errno));
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_ge(pair->server, 0);
}

static inline void pair_open(struct pair *pair, int driver) {
    pair_stacks(pair, driver);
    pair_connect(pair);
}

static inline void pair_close(struct pair *pair) {
    if (pair->client >= 0)
        usctp_close(pair->client);
    if (pair->server >= 0)
        usctp_close(pair->server);
    if (pair->listener >= 0)
        usctp_close(pair->listener);
    usctp_stack_delete(pair->client_stack);
    usctp_stack_delete(pair->server_stack);
}

/* Drives a stack without a thread while the test's threads do other things than block in it. */
struct background {
    struct usctp_stack *stack;
    pthread_t thread;
    _Atomic bool stops;
};

static inline void *background_run(void *argument) {
    struct background *b = argument;
    while (!b->stops) {
        struct pollfd one = {.fd = usctp_stack_fd(b->stack), .events = POLLIN};
        if (poll(&one, 1, 10) > 0)
            usctp_stack_process(b->stack);
    }
    return NULL;
}

/* Does nothing for a stack that has an I/O thread. */
static inline void background_start(struct background *b, struct usctp_stack *stack, int driver) {
    b->stack = driver == DRIVER_CALLER ? stack : NULL;
    b->stops = false;
    if (b->stack)
        ck_assert_int_eq(pthread_create(&b->thread, NULL, background_run, b), 0);
}

static inline void background_stop(struct background *b) {
    b->stops = true;
    if (b->stack)
        pthread_join(b->thread, NULL);
}

static inline int run_suite(Suite *suite) {
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
