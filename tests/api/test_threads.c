/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Many threads at once on the same stacks: connecting, accepting, talking, duplicating and closing
 * in every way, while another thread asks. Meant for ThreadSanitizer as much as for itself.
 */
#include "api/api_test.h"

enum { CLIENTS = 4, ACCEPTORS = 2, ROUNDS = 40, MESSAGES = 5 };

struct scene {
    struct usctp_stack *client_stack, *server_stack;
    int listener;
    uint16_t port;
    _Atomic int accepted, echoed, failed;
    _Atomic bool stops;
};

static void *serve(void *argument) {
    struct scene *scene = argument;
    char buffer[64];
    for (;;) {
        int sd = usctp_accept(scene->listener, NULL, NULL);
        if (sd < 0)
            return NULL; /* the end of the test */
        scene->accepted++;
        ssize_t n;
        while ((n = usctp_recv(sd, buffer, sizeof buffer, 0)) > 0)
            if (usctp_send(sd, buffer, (size_t)n, MSG_NOSIGNAL) != n)
                break;
        if (scene->accepted % 2)
            usctp_close(sd);
        else
            close(sd);
    }
}

static void talk(struct scene *scene, int sd) {
    char buffer[64];
    for (int i = 0; i < MESSAGES; i++) {
        if (usctp_send(sd, "some words", 10, MSG_NOSIGNAL) != 10 ||
            usctp_recv(sd, buffer, sizeof buffer, 0) != 10) {
            scene->failed++;
            return;
        }
        scene->echoed++;
    }
}

static void finish(int sd, int round) {
    struct linger abortive = {.l_onoff = 1, .l_linger = 0};
    char byte;
    if (round % 4 == 0)
        usctp_setsockopt(sd, SOL_SOCKET, SO_LINGER, &abortive, sizeof abortive);
    if (round % 4 == 1) {
        usctp_shutdown(sd, SHUT_WR);
        usctp_recv(sd, &byte, 1, 0);
    }
    if (round % 4 == 2) {
        int copy = dup(sd);
        usctp_close(sd);
        sd = copy;
    }
    if (round % 8 < 4)
        usctp_close(sd);
    else
        close(sd);
}

static void *use(void *argument) {
    struct scene *scene = argument;
    struct sockaddr_in name = loopback(scene->port);
    for (int round = 0; round < ROUNDS; round++) {
        struct sctp_udpencaps encaps = {.sue_port =
                                            htons(usctp_stack_udp_port(scene->server_stack))};
        int on = 1, sd = usctp_socket(scene->client_stack, AF_INET, SOCK_STREAM, 0);
        usctp_setsockopt(sd, IPPROTO_SCTP, SCTP_REMOTE_UDP_ENCAPS_PORT, &encaps, sizeof encaps);
        usctp_setsockopt(sd, IPPROTO_SCTP, SCTP_NODELAY, &on, sizeof on);
        if (usctp_connect(sd, (struct sockaddr *)&name, sizeof name) == 0)
            talk(scene, sd);
        else
            scene->failed++;
        finish(sd, round);
    }
    return NULL;
}

static void *ask(void *argument) {
    struct scene *scene = argument;
    struct usctp_engine_counters counters;
    while (!scene->stops) {
        usctp_stack_counters(scene->client_stack, &counters);
        usctp_stack_counters(scene->server_stack, &counters);
        for (int fd = 0; fd < 40 && !UNDER_TSAN; fd++) { /* whatever they mean just now */
            struct sctp_status status;
            socklen_t length = sizeof status;
            usctp_getsockopt(fd, IPPROTO_SCTP, SCTP_STATUS, &status, &length);
        }
        usleep(1000);
    }
    return NULL;
}

START_TEST(everything_at_once) {
    struct scene scene = {.client_stack = new_stack(_i), .server_stack = new_stack(_i)};
    pthread_t clients[CLIENTS], acceptors[ACCEPTORS], asker;
    struct background background[2];
    scene.listener = new_listener(scene.server_stack);
    scene.port = port_of(scene.listener);
    background_start(&background[0], scene.client_stack, _i);
    background_start(&background[1], scene.server_stack, _i);
    for (int i = 0; i < ACCEPTORS; i++)
        ck_assert_int_eq(pthread_create(&acceptors[i], NULL, serve, &scene), 0);
    for (int i = 0; i < CLIENTS; i++)
        ck_assert_int_eq(pthread_create(&clients[i], NULL, use, &scene), 0);
    ck_assert_int_eq(pthread_create(&asker, NULL, ask, &scene), 0);
    for (int i = 0; i < CLIENTS; i++)
        pthread_join(clients[i], NULL);
    scene.stops = true;
    pthread_join(asker, NULL);
    background_stop(&background[0]);
    background_stop(&background[1]);
    usctp_stack_delete(scene.server_stack);
    for (int i = 0; i < ACCEPTORS; i++)
        pthread_join(acceptors[i], NULL);
    usctp_close(scene.listener);
    usctp_stack_delete(scene.client_stack);
    ck_assert_int_eq(scene.failed, 0);
    ck_assert_int_eq(scene.echoed, CLIENTS * ROUNDS * MESSAGES);
}
END_TEST

/* Stacks come and go while others work. */
static void *make_stacks(void *argument) {
    int driver = *(int *)argument;
    for (int i = 0; i < 10; i++) {
        struct pair pair;
        char byte;
        pair_open(&pair, driver);
        if (usctp_send(pair.client, "x", 1, 0) != 1 || usctp_recv(pair.server, &byte, 1, 0) != 1)
            return NULL;
        pair_close(&pair);
    }
    return argument;
}

START_TEST(many_stacks) {
    pthread_t threads[4];
    int driver = _i;
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, make_stacks, &driver), 0);
    for (int i = 0; i < 4; i++) {
        void *result;
        pthread_join(threads[i], &result);
        ck_assert_ptr_eq(result, &driver);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("threads");
    TCase *tcase = tcase_create("threads");
    tcase_set_timeout(tcase, TEST_SECONDS);
    tcase_add_loop_test(tcase, everything_at_once, 0, DRIVERS);
    tcase_add_loop_test(tcase, many_stacks, 0, DRIVERS);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
