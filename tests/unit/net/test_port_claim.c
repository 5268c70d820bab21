/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Port claims: nesting, two owners in one process and in two, blocks against single ports, what the
 * filter is told. Runs in a network namespace of its own where it may, since the names are the
 * namespace's.
 */
#include "net/host_name.h"
#include "net/port_claim.h"
#include "support/unit_net.h"

#include <check.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static struct host_namespace *ns;
static struct port_claims *a, *b;

static void setup(void) {
    a = port_claim_new(ns);
    b = port_claim_new(ns);
    ck_assert(a && b);
}

static void teardown(void) {
    port_claim_delete(a);
    port_claim_delete(b);
}

START_TEST(claims_nest) {
    ck_assert_int_eq(port_claim_add(a, 5000), 0);
    ck_assert_int_eq(port_claim_add(a, 5000), 0);
    ck_assert_int_eq(port_claim_add(b, 5000), -EADDRINUSE);
    port_claim_remove(a, 5000);
    ck_assert(port_claim_passes(a, 5000));
    ck_assert_int_eq(port_claim_add(b, 5000), -EADDRINUSE);
    port_claim_remove(a, 5000);
    ck_assert(!port_claim_passes(a, 5000));
    ck_assert_int_eq(port_claim_add(b, 5000), 0);
    ck_assert_int_eq(port_claim_add(a, 5000), -EADDRINUSE);
}
END_TEST

START_TEST(edges_of_the_port_space) {
    ck_assert_int_eq(port_claim_add(a, 0), -EINVAL);
    ck_assert_int_eq(port_claim_add(a, 1), 0);
    ck_assert_int_eq(port_claim_add(a, 65535), 0);
    struct port_range ranges[4];
    ck_assert_uint_eq(port_claim_ranges(a, ranges, 4), 2);
    ck_assert_uint_eq(ranges[0].first, 1);
    ck_assert_uint_eq(ranges[0].last, 1);
    ck_assert_uint_eq(ranges[1].first, 65535);
    ck_assert_uint_eq(ranges[1].last, 65535);
}
END_TEST

START_TEST(another_process_is_refused_until_the_first_is_gone) {
    int ready[2], done[2];
    char byte;
    ck_assert(pipe(ready) == 0 && pipe(done) == 0);
    pid_t child = fork();
    if (child == 0) {
        /* Reachable to the end: it is not given up on purpose. */
        static struct port_claims *volatile own;
        close(done[1]);
        own = port_claim_new(ns);
        byte = own && port_claim_add(own, 5001) == 0 ? 'y' : 'n';
        if (write(ready[1], &byte, 1) == 1 && read(done[0], &byte, 1) >= 0)
            _exit(0); /* without giving anything up */
        _exit(1);
    }
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    ck_assert_int_eq(byte, 'y');
    ck_assert_int_eq(port_claim_add(a, 5001), -EADDRINUSE);
    close(done[1]);
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(port_claim_add(a, 5001), 0);
    close(ready[0]);
    close(ready[1]);
    close(done[0]);
}
END_TEST

START_TEST(ephemeral_ports_come_in_blocks) {
    struct port_range ranges[8];
    int first = port_claim_add_ephemeral(a, 12345);
    ck_assert_int_ge(first, 32768);
    ck_assert_int_le(first, 60999);
    ck_assert_uint_eq(port_claim_ranges(a, ranges, 8), 1);
    ck_assert_uint_eq(ranges[0].first % 64, 0);
    ck_assert_uint_eq(ranges[0].last, ranges[0].first + 63u);
    uint64_t generation = port_claim_generation(a);
    for (unsigned i = 1; i < 64; i++) {
        int port = port_claim_add_ephemeral(a, i * 7919u);
        ck_assert_int_ge(port, ranges[0].first);
        ck_assert_int_le(port, ranges[0].last);
        ck_assert_int_ne(port, first);
    }
    ck_assert_uint_eq(port_claim_generation(a), generation); /* one filter for all of them */
    int next = port_claim_add_ephemeral(a, 12345);
    ck_assert(next < ranges[0].first || next > ranges[0].last);
    ck_assert_uint_gt(port_claim_generation(a), generation);
}
END_TEST

START_TEST(the_seed_chooses) {
    int first = port_claim_add_ephemeral(a, 1000003);
    int second = port_claim_add_ephemeral(b, 777767777);
    ck_assert_int_gt(first, 0);
    ck_assert_int_gt(second, 0);
    ck_assert_int_ne(first / 64, second / 64);
}
END_TEST

START_TEST(blocks_and_single_ports_respect_each_other) {
    int port = port_claim_add_ephemeral(a, 99);
    ck_assert_int_gt(port, 0);
    uint16_t neighbour = (uint16_t)(port % 64 == 63 ? port - 1 : port + 1);
    /* The block is a's: a may bind a port of it, b may not. */
    ck_assert_int_eq(port_claim_add(b, neighbour), -EADDRINUSE);
    ck_assert_int_eq(port_claim_add(a, neighbour), 0);
    port_claim_remove(a, neighbour);
    port_claim_remove(a, (uint16_t)port);
    port_claim_delete(a);
    a = port_claim_new(ns);
    /* The other way round: b has a port by name, a's block goes without it. */
    ck_assert_int_eq(port_claim_add(b, neighbour), 0);
    for (unsigned i = 0; i < 63; i++) {
        int got = port_claim_add_ephemeral(a, 99);
        ck_assert_int_eq(got / 64, neighbour / 64);
        ck_assert_int_ne(got, neighbour);
    }
    ck_assert(!port_claim_passes(a, neighbour));
    int elsewhere = port_claim_add_ephemeral(a, 99);
    ck_assert_int_ne(elsewhere / 64, neighbour / 64);
    ck_assert_int_eq(port_claim_add(a, neighbour), -EADDRINUSE);
    port_claim_remove(b, neighbour);
    ck_assert_int_eq(port_claim_add(a, neighbour), 0);
    ck_assert(port_claim_passes(a, neighbour));
}
END_TEST

/* Another process that is awake: it answers for a's blocks. */
static bool answers;

static void *answer(void *unused) {
    (void)unused;
    while (__atomic_load_n(&answers, __ATOMIC_RELAXED)) {
        struct pollfd polled = {.fd = port_claim_descriptor(a), .events = POLLIN};
        if (poll(&polled, 1, 10) > 0)
            port_claim_answer(a);
    }
    return NULL;
}

static int add_while_a_answers(uint16_t port) {
    pthread_t thread;
    answers = true;
    ck_assert_int_eq(pthread_create(&thread, NULL, answer, NULL), 0);
    int result = port_claim_add(b, port);
    __atomic_store_n(&answers, false, __ATOMIC_RELAXED);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    return result;
}

START_TEST(an_unused_port_of_a_block_can_be_had) {
    uint16_t used = (uint16_t)port_claim_add_ephemeral(a, 99);
    uint16_t unused = (uint16_t)(used % 64 == 63 ? used - 1 : used + 1);
    ck_assert(port_claim_passes(a, unused));
    ck_assert_int_eq(add_while_a_answers(used), -EADDRINUSE);
    ck_assert(port_claim_passes(a, used));
    ck_assert_int_eq(add_while_a_answers(unused), 0);
    ck_assert(!port_claim_passes(a, unused));
    ck_assert(port_claim_passes(b, unused));
    ck_assert_int_eq(port_claim_add(a, unused), -EADDRINUSE);
    for (unsigned i = 0; i < 62; i++)
        ck_assert_int_ne(port_claim_add_ephemeral(a, 99), unused);
    /* Given up, it is the block's again once the holder looks. */
    port_claim_reclaim(a);
    ck_assert(!port_claim_passes(a, unused));
    port_claim_remove(b, unused);
    port_claim_reclaim(a);
    ck_assert(port_claim_passes(a, unused));
    ck_assert_int_eq(port_claim_add_ephemeral(a, 99), unused);
    ck_assert_int_eq(add_while_a_answers(unused), -EADDRINUSE);
}
END_TEST

START_TEST(questions_are_not_believed) {
    uint16_t used = (uint16_t)port_claim_add_ephemeral(a, 99);
    uint16_t unused = (uint16_t)(used % 64 == 63 ? used - 1 : used + 1);
    uint16_t elsewhere = (uint16_t)(used ^ 64);
    struct sockaddr_un name, own = {.sun_family = AF_UNIX};
    socklen_t length = host_name_write(&name, "block", used / 64);
    int fd = host_namespace_socket(ns, SOCK_DGRAM);
    char answer = 0, nonsense[100] = "what?";
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&own, sizeof own.sun_family), 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&name, length), 0);
    /* Nobody holds the name of the port; of another block; no question at all. */
    ck_assert_int_eq(send(fd, &unused, sizeof unused, 0), sizeof unused);
    ck_assert_int_eq(send(fd, &elsewhere, sizeof elsewhere, 0), sizeof elsewhere);
    ck_assert_int_eq(send(fd, nonsense, sizeof nonsense, 0), sizeof nonsense);
    ck_assert_int_eq(send(fd, nonsense, 0, 0), 0);
    port_claim_answer(a);
    ck_assert_int_eq(recv(fd, &answer, 1, 0), 1);
    ck_assert_int_eq(answer, 'n');
    ck_assert_int_eq(recv(fd, &answer, 1, 0), -1);
    ck_assert(port_claim_passes(a, unused));
    close(fd);
    /* One that does not listen for the answer. */
    fd = host_namespace_socket(ns, SOCK_DGRAM);
    ck_assert_int_eq(sendto(fd, &unused, sizeof unused, 0, (struct sockaddr *)&name, length),
                     sizeof unused);
    port_claim_answer(a);
    close(fd);
}
END_TEST

START_TEST(one_idle_block_is_kept) {
    uint16_t ports[65];
    struct port_range ranges[4];
    for (unsigned i = 0; i < 65; i++) {
        int port = port_claim_add_ephemeral(a, 5);
        ck_assert_int_gt(port, 0);
        ports[i] = (uint16_t)port;
    }
    for (unsigned i = 0; i < 65; i++)
        port_claim_remove(a, ports[i]);
    ck_assert_uint_eq(port_claim_ranges(a, ranges, 4), 1);
    ck_assert_uint_eq(ranges[0].last - ranges[0].first, 63);
    uint64_t generation = port_claim_generation(a);
    int port = port_claim_add_ephemeral(a, 5);
    ck_assert_int_gt(port, 0);
    ck_assert_uint_eq(port_claim_generation(a), generation);
    port_claim_remove(a, (uint16_t)port);
}
END_TEST

START_TEST(every_ephemeral_port_can_be_had) {
    struct port_claims *table = port_claim_new(NULL);
    unsigned count = 0;
    int port;
    while ((port = port_claim_add_ephemeral(table, 4711)) > 0) {
        ck_assert_int_ge(port, 32768);
        ck_assert_int_le(port, 60999);
        count++;
    }
    ck_assert_int_eq(port, -EAGAIN);
    ck_assert_uint_eq(count, 60999 - 32768 + 1);
    port_claim_delete(table);
}
END_TEST

START_TEST(without_raw_sockets_nothing_is_host_wide) {
    struct port_claims *one = port_claim_new(NULL), *two = port_claim_new(NULL);
    ck_assert_int_eq(port_claim_add(one, 5002), 0);
    ck_assert_int_eq(port_claim_add(two, 5002), 0);
    ck_assert_int_eq(port_claim_add(a, 5002), 0);
    port_claim_delete(one);
    port_claim_delete(two);
}
END_TEST

/* A peer tells the stacks of a host apart by their SCTP ports: two in UDP do not get the same. */
START_TEST(stacks_in_udp_share_no_ephemeral_port) {
    struct port_claims *one = port_claim_new_udp(ns), *two = port_claim_new_udp(ns);
    for (uint32_t seed = 1; seed <= 3; seed++) {
        int first = port_claim_add_ephemeral(one, 4711);
        int second = port_claim_add_ephemeral(two, 4711);
        ck_assert_int_gt(first, 0);
        ck_assert_int_gt(second, 0);
        ck_assert_int_ne(first / 64, second / 64);
    }
    ck_assert_int_eq(port_claim_add(two, 4711), 0); /* one of one's choice: as before */
    port_claim_delete(one);
    port_claim_delete(two);
}
END_TEST

/* But one that has taken them all does not keep another from having any. */
START_TEST(udp_goes_on_without_names) {
    struct port_claims *one = port_claim_new_udp(ns), *two = port_claim_new_udp(ns);
    while (port_claim_add_ephemeral(one, 4711) > 0)
        ;
    ck_assert_int_gt(port_claim_add_ephemeral(two, 4711), 0);
    port_claim_delete(one);
    port_claim_delete(two);
}
END_TEST

START_TEST(many_ranges_are_joined) {
    struct port_claims *table = port_claim_new(NULL);
    static struct port_range ranges[SOCKET_FILTER_MAX_RANGES];
    for (unsigned port = 1; port < 4000; port += 2)
        ck_assert_int_eq(port_claim_add(table, (uint16_t)port), 0);
    size_t n = port_claim_ranges(table, ranges, SOCKET_FILTER_MAX_RANGES);
    ck_assert_uint_le(n, SOCKET_FILTER_MAX_RANGES);
    for (size_t i = 1; i < n; i++)
        ck_assert_uint_lt(ranges[i - 1].last, ranges[i].first);
    for (unsigned port = 1; port < 4000; port += 2) {
        bool covered = false;
        for (size_t i = 0; i < n; i++)
            covered |= port >= ranges[i].first && port <= ranges[i].last;
        ck_assert(covered);
    }
    port_claim_delete(table);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("port_claim");
    TCase *tests = tcase_create("port_claim");
    (void)unit_net_enter();
    if (host_namespace_new(&ns, true) != 0)
        return EXIT_FAILURE;
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, claims_nest);
    tcase_add_test(tests, stacks_in_udp_share_no_ephemeral_port);
    tcase_add_test(tests, udp_goes_on_without_names);
    tcase_add_test(tests, edges_of_the_port_space);
    tcase_add_test(tests, another_process_is_refused_until_the_first_is_gone);
    tcase_add_test(tests, ephemeral_ports_come_in_blocks);
    tcase_add_test(tests, the_seed_chooses);
    tcase_add_test(tests, blocks_and_single_ports_respect_each_other);
    tcase_add_test(tests, an_unused_port_of_a_block_can_be_had);
    tcase_add_test(tests, questions_are_not_believed);
    tcase_add_test(tests, one_idle_block_is_kept);
    tcase_add_test(tests, every_ephemeral_port_can_be_had);
    tcase_add_test(tests, without_raw_sockets_nothing_is_host_wide);
    tcase_add_test(tests, many_ranges_are_joined);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    host_namespace_delete(ns);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
