/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the tests of blocked calls share: a scene with a thread that blocks in one kind of call, and
 * drives the packets or sleeps beside one that does, in both drivers; what gives it what it waits
 * for; and that afterwards the stack works.
 */
#ifndef API_BLOCKING_TEST_H
#define API_BLOCKING_TEST_H

#include "api_test.h"

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

static inline ssize_t call(struct scene *s) {
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

static inline void *work(void *argument) {
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
static inline void *hold(void *argument) {
    struct scene *s = argument;
    int sd = usctp_accept(s->holder_fd, NULL, NULL);
    return (void *)(intptr_t)(sd < 0 ? errno : 0);
}

/* Sends until there is no more room. */
static inline void fill(int sd) {
    static const char block[1000];
    for (int i = 0; i < 10000; i++)
        if (usctp_send(sd, block, sizeof block, MSG_DONTWAIT) < 0)
            break;
    ck_assert_int_eq(errno, EAGAIN);
}

static inline void prepare_socket(struct scene *s) {
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

static inline void scene_open(struct scene *s, int number) {
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

static inline void scene_begin(struct scene *s) {
    s->is_done = false;
    ck_assert_int_eq(pthread_create(&s->worker, NULL, work, s), 0);
}

static inline void scene_start(struct scene *s) {
    scene_begin(s);
    usleep(MOMENT_US);
    ck_assert_msg(!s->is_done, "it does not block: %d %s", (int)s->result, strerror(s->error));
}

static inline void scene_join(struct scene *s, ssize_t result, int error) {
    ck_assert_int_eq(pthread_join(s->worker, NULL), 0);
    ck_assert_int_eq((int)s->result, (int)result);
    ck_assert_int_eq(s->error, error);
}

/* Gives the blocked call what it waits for. */
static inline void release(struct scene *s) {
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
static inline void check_usable(struct scene *s) {
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

static inline void scene_close(struct scene *s) {
    void *error;
    check_usable(s);
    usctp_stack_delete(s->pair.client_stack);
    if (s->has_holder) {
        ck_assert_int_eq(pthread_join(s->holder, &error), 0);
        ck_assert_int_eq((int)(intptr_t)error, ESHUTDOWN);
    }
    usctp_stack_delete(s->pair.server_stack);
}

static inline void without_other_handlers(void) {
    for (int number = 1; number < 32; number++)
        if (number != SIGKILL && number != SIGSTOP)
            signal(number, SIG_DFL);
}

static inline void add(Suite *suite, const char *name, const TTest *test) {
    TCase *tcase = tcase_create(name); /* of its own: CK_RUN_CASE=name */
    tcase_set_timeout(tcase, TEST_SECONDS);
    tcase_add_loop_test(tcase, test, 0, CASES);
    suite_add_tcase(suite, tcase);
}

#endif
