/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A stack's network namespace, used by threads that are in another one: with the right to go there
 * and without (network_namespaces(7), setns(2): CAP_SYS_ADMIN).
 */
#include "net/host_namespace.h"

#include "support/unit_net.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct host_namespace *ns;

static void setup(void) {
    ck_assert_int_eq(host_namespace_new(&ns, true), 0);
}

static void teardown(void) {
    host_namespace_delete(ns);
}

static void whereabouts(char out[64]) {
    memset(out, 0, 64);
    ck_assert_int_gt(readlink("/proc/thread-self/ns/net", out, 63), 0);
}

static void check_socket(int fd, int wanted_type) {
    int type = 0, domain = 0;
    socklen_t length = sizeof type;
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length), 0);
    ck_assert_int_eq(getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length), 0);
    ck_assert_int_eq(type, wanted_type);
    ck_assert_int_eq(domain, AF_UNIX);
    ck_assert(fcntl(fd, F_GETFL) & O_NONBLOCK);
    ck_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    ck_assert(host_namespace_has(ns, fd));
}

/* Runs in a thread of its own, in a namespace of its own. */
static void elsewhere(void *(*what)(void *)) {
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, what, NULL), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
}

/* Capabilities are a thread's: the raw system call changes this one's only. */
static void drop_capabilities(void) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};
    ck_assert_int_eq(syscall(SYS_capset, &header, none), 0);
}

START_TEST(at_home) {
    const int types[] = {SOCK_DGRAM, SOCK_SEQPACKET};
    for (size_t i = 0; i < 2; i++) {
        int fd = host_namespace_socket(ns, types[i]);
        check_socket(fd, types[i]);
        close(fd);
    }
    ck_assert(!host_namespace_is_short(ns)); /* no spare was needed */
}
END_TEST

static void *go_there(void *unused) {
    char before[64], after[64];
    ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
    whereabouts(before);
    int own = socket(AF_UNIX, SOCK_DGRAM, 0);
    ck_assert(!host_namespace_has(ns, own));
    close(own);
    const int types[] = {SOCK_DGRAM, SOCK_SEQPACKET};
    for (size_t i = 0; i < 2; i++) {
        int fd = host_namespace_socket(ns, types[i]);
        check_socket(fd, types[i]);
        close(fd);
        whereabouts(after);
        ck_assert_str_eq(before, after);
    }
    ck_assert(!host_namespace_is_short(ns));
    return unused;
}

START_TEST(with_the_right_to_go_there) {
    elsewhere(go_there);
}
END_TEST

static size_t spares; /* that there are */

static void *use_spares(void *unused) {
    char before[64], after[64];
    int fds[HOST_NAMESPACE_MOST_SPARES];
    ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
    drop_capabilities();
    whereabouts(before);
    ck_assert_int_eq(host_namespace_socket(ns, SOCK_SEQPACKET), -EPERM);
    for (size_t i = 0; i < spares; i++) {
        fds[i] = host_namespace_socket(ns, SOCK_DGRAM);
        check_socket(fds[i], SOCK_DGRAM);
        ck_assert(host_namespace_is_short(ns));
    }
    ck_assert_int_eq(host_namespace_socket(ns, SOCK_DGRAM), -EPERM);
    host_namespace_refill(ns); /* not by this one */
    ck_assert_int_eq(host_namespace_socket(ns, SOCK_DGRAM), -EPERM);
    for (size_t i = 0; i < spares; i++)
        close(fds[i]);
    whereabouts(after);
    ck_assert_str_eq(before, after);
    return unused;
}

START_TEST(without) {
    spares = HOST_NAMESPACE_SPARES;
    for (unsigned i = 0; i < 8; i++) {
        elsewhere(use_spares);
        ck_assert(host_namespace_is_short(ns));
        host_namespace_refill(ns);
        ck_assert(!host_namespace_is_short(ns));
        spares = 2 * spares < HOST_NAMESPACE_MOST_SPARES ? 2 * spares : HOST_NAMESPACE_MOST_SPARES;
    }
    elsewhere(use_spares);
}
END_TEST

static void *read_limit(void *unused) {
    ck_assert_int_eq(unshare(CLONE_NEWNET), 0);
    ck_assert_int_eq(host_namespace_unprivileged_port(ns), 81);
    return unused;
}

START_TEST(the_limit_of_ports_is_its_own) {
    if (!unit_net_run("echo 80 >/proc/sys/net/ipv4/ip_unprivileged_port_start"))
        return; /* /proc/sys may be read-only in a container */
    ck_assert_int_eq(host_namespace_unprivileged_port(ns), 80);
    ck_assert(unit_net_run("echo 81 >/proc/sys/net/ipv4/ip_unprivileged_port_start"));
    ck_assert_int_eq(host_namespace_unprivileged_port(ns), 81);
    elsewhere(read_limit);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("host_namespace");
    TCase *tests = tcase_create("host_namespace");
    if (!unit_net_enter())
        return 77;
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, at_home);
    tcase_add_test(tests, with_the_right_to_go_there);
    tcase_add_test(tests, without);
    tcase_add_test(tests, the_limit_of_ports_is_its_own);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
