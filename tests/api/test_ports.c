/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who may have a port (RFC 6458 4.1.2, 8.1): wildcard beside specific addresses, SO_REUSEADDR as
 * Linux's SCTP has it, and raw stacks that share a host, in a network namespace of their own: a
 * taken port, a port of the other's ephemeral block, and a refusal for a port that nobody has.
 */
#include "api/api_test.h"

#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

static bool has_namespace, has_raw;
static struct usctp_stack *stack;

static bool add_address(int fd, const char *alias, const char *text) {
    struct ifreq request;
    struct sockaddr_in address = {.sin_family = AF_INET};
    memset(&request, 0, sizeof request);
    strcpy(request.ifr_name, alias);
    if (inet_pton(AF_INET, text, &address.sin_addr) != 1)
        return false;
    memcpy(&request.ifr_addr, &address, sizeof address);
    return ioctl(fd, SIOCSIFADDR, &request) == 0;
}

/* Moves into a namespace with lo, which has three addresses. */
static void enter_namespace(void) {
    struct ifreq request;
    memset(&request, 0, sizeof request);
    strcpy(request.ifr_name, "lo");
    request.ifr_flags = IFF_UP;
    int fd = unshare(CLONE_NEWNET) ? -1 : socket(AF_INET, SOCK_DGRAM, 0);
    has_namespace = fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &request) == 0 &&
                    add_address(fd, "lo:1", "127.0.0.2") && add_address(fd, "lo:2", "127.0.0.3");
    if (fd >= 0)
        close(fd);
    fd = has_namespace ? socket(AF_INET, SOCK_RAW, IPPROTO_SCTP) : -1;
    has_raw = fd >= 0;
    if (fd >= 0)
        close(fd);
}

static void setup(void) {
    stack = new_stack(DRIVER_THREAD);
}

static void teardown(void) {
    usctp_stack_delete(stack);
}

static int bound(struct usctp_stack *of, const char *address, uint16_t port, bool reuse) {
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(port)};
    int on = reuse, sd = new_socket(of);
    ck_assert_int_eq(inet_pton(AF_INET, address, &name.sin_addr), 1);
    ck_assert_int_eq(usctp_setsockopt(sd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), 0);
    if (usctp_bind(sd, (struct sockaddr *)&name, sizeof name) == 0)
        return sd;
    int error = errno;
    usctp_close(sd);
    errno = error;
    return -1;
}

static int connected(struct usctp_stack *from, const char *address, uint16_t port) {
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in own = loopback(0);
    int sd = new_socket(from);
    ck_assert_int_eq(inet_pton(AF_INET, address, &name.sin_addr), 1);
    /* One path, and a source that is in none of the peer's networks but this. */
    ck_assert_int_eq(usctp_bind(sd, (struct sockaddr *)&own, sizeof own), 0);
    set_peer_udp_port(sd, usctp_stack_udp_port(stack));
    if (usctp_connect(sd, (struct sockaddr *)&name, sizeof name) == 0)
        return sd;
    int error = errno;
    usctp_close(sd);
    errno = error;
    return -1;
}

static void expect_accept(int listener, int silent) {
    ck_assert_int_ne(wait_for(listener, POLLIN) & POLLIN, 0);
    ck_assert_int_eq(ready_now(silent) & POLLIN, 0);
    int sd = usctp_accept(listener, NULL, NULL);
    ck_assert_int_ge(sd, 0);
    usctp_close(sd);
}

START_TEST(specific_before_wildcard) {
    struct usctp_stack *peer = new_stack(DRIVER_THREAD);
    int any = bound(stack, "0.0.0.0", 5001, false);
    int first = bound(stack, "127.0.0.1", 5001, false);
    int second = bound(stack, "127.0.0.2", 5001, false);
    ck_assert(any >= 0 && first >= 0 && second >= 0);
    ck_assert_errno(bound(stack, "0.0.0.0", 5001, false), EADDRINUSE);
    ck_assert_errno(bound(stack, "127.0.0.2", 5001, false), EADDRINUSE);
    ck_assert(usctp_listen(any, 4) == 0 && usctp_listen(first, 4) == 0);
    int a = connected(peer, "127.0.0.1", 5001);
    ck_assert_int_ge(a, 0);
    expect_accept(first, any);
    int b = connected(peer, "127.0.0.3", 5001);
    ck_assert_int_ge(b, 0);
    expect_accept(any, first);
    /* Bound to the very address, it does not listen: the wildcard does. */
    int c = connected(peer, "127.0.0.2", 5001);
    ck_assert_int_ge(c, 0);
    expect_accept(any, first);
    ck_assert_int_eq(usctp_close(first), 0);
    int d = connected(peer, "127.0.0.1", 5001);
    ck_assert_int_ge(d, 0);
    expect_accept(any, second);
    usctp_stack_delete(peer);
}
END_TEST

START_TEST(reuse_address) {
    int off = 0, on = 1;
    int first = bound(stack, "127.0.0.1", 5001, true);
    ck_assert_int_ge(first, 0);
    ck_assert_errno(bound(stack, "127.0.0.1", 5001, false), EADDRINUSE);
    int second = bound(stack, "127.0.0.1", 5001, true);
    ck_assert_int_ge(second, 0);
    /* One may listen; then no third may come. */
    ck_assert_int_eq(usctp_listen(first, 4), 0);
    ck_assert_errno(usctp_listen(second, 4), EADDRINUSE);
    ck_assert_errno(bound(stack, "127.0.0.1", 5001, true), EADDRINUSE);
    /* The option counts as it stands. */
    ck_assert_int_eq(usctp_close(first), 0);
    ck_assert_int_eq(usctp_setsockopt(second, SOL_SOCKET, SO_REUSEADDR, &off, sizeof off), 0);
    ck_assert_errno(bound(stack, "127.0.0.1", 5001, true), EADDRINUSE);
    ck_assert_int_eq(usctp_setsockopt(second, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), 0);
    first = bound(stack, "127.0.0.1", 5001, true);
    ck_assert_int_ge(first, 0);
    ck_assert_int_eq(usctp_setsockopt(second, SOL_SOCKET, SO_REUSEADDR, &off, sizeof off), 0);
    ck_assert_errno(usctp_listen(first, 4), EADDRINUSE);
    ck_assert_int_eq(usctp_close(second), 0);
    ck_assert_int_eq(usctp_listen(first, 4), 0);
    ck_assert_int_eq(usctp_listen(first, 8), 0);
}
END_TEST

/* A server that is started again while connections of its former life still close. */
START_TEST(reuse_beside_connections) {
    struct usctp_stack *peer = new_stack(DRIVER_THREAD);
    int listener = bound(stack, "127.0.0.1", 5001, true);
    ck_assert_int_eq(usctp_listen(listener, 4), 0);
    int client = connected(peer, "127.0.0.1", 5001);
    ck_assert_int_ge(client, 0);
    int server = usctp_accept(listener, NULL, NULL);
    ck_assert_int_ge(server, 0);
    ck_assert_int_eq(usctp_close(listener), 0);
    listener = bound(stack, "127.0.0.1", 5001, true);
    ck_assert_int_ge(listener, 0);
    ck_assert_int_eq(usctp_listen(listener, 4), 0);
    ck_assert_int_eq(usctp_send(client, "still", 5, 0), 5);
    char buffer[8];
    ck_assert_int_eq(usctp_recv(server, buffer, sizeof buffer, 0), 5);
    usctp_stack_delete(peer);
}
END_TEST

/* ---- raw stacks ------------------------------------------------------------------------------ */

static struct usctp_stack *one, *two;

static struct usctp_stack *raw_stack(uint32_t flags) {
    struct usctp_stack_options options;
    usctp_stack_options_init(&options);
    options.flags = USCTP_STACK_RAW | USCTP_STACK_THREAD | flags;
    struct usctp_stack *made = usctp_stack_new(&options);
    ck_assert_msg(made != NULL, "usctp_stack_new: %s", usctp_stack_error());
    return made;
}

static void raw_teardown(void) {
    usctp_stack_delete(one);
    usctp_stack_delete(two);
    one = two = NULL;
}

/* What connect() says of a port where nobody listens; ETIMEDOUT without an answer. */
static int refusal(struct usctp_stack *from, uint16_t port) {
    struct sockaddr_in name = loopback(port);
    struct sctp_initmsg init = {.sinit_max_attempts = 1, .sinit_max_init_timeo = 200};
    struct sctp_rtoinfo rto = {.srto_initial = 200, .srto_max = 200, .srto_min = 200};
    int sd = new_socket(from);
    ck_assert_int_eq(usctp_setsockopt(sd, IPPROTO_SCTP, SCTP_INITMSG, &init, sizeof init), 0);
    ck_assert_int_eq(usctp_setsockopt(sd, IPPROTO_SCTP, SCTP_RTOINFO, &rto, sizeof rto), 0);
    int result = usctp_connect(sd, (struct sockaddr *)&name, sizeof name);
    int error = result == 0 ? 0 : errno;
    usctp_close(sd);
    return error;
}

START_TEST(a_port_is_one_stacks) {
    one = raw_stack(0);
    two = raw_stack(0);
    int sd = bound(one, "127.0.0.1", 5001, true);
    ck_assert_int_ge(sd, 0);
    ck_assert_errno(bound(two, "127.0.0.1", 5001, true), EADDRINUSE);
    ck_assert_errno(bound(two, "127.0.0.2", 5001, true), EADDRINUSE);
    ck_assert_int_eq(usctp_close(sd), 0);
    ck_assert_int_ge(bound(two, "127.0.0.1", 5001, false), 0);
}
END_TEST

START_TEST(a_port_of_the_others_block) {
    one = raw_stack(0);
    two = raw_stack(0);
    int sd = bound(one, "127.0.0.1", 0, false);
    uint16_t used = port_of(sd), unused = (uint16_t)(used % 64 == 63 ? used - 1 : used + 1);
    ck_assert_errno(bound(two, "127.0.0.1", used, false), EADDRINUSE);
    int other = bound(two, "127.0.0.1", unused, false);
    ck_assert_int_ge(other, 0);
    /* And packets for it go to its owner. */
    ck_assert_int_eq(usctp_listen(other, 4), 0);
    struct sockaddr_in name = loopback(unused);
    int client = new_socket(one);
    ck_assert_int_eq(usctp_connect(client, (struct sockaddr *)&name, sizeof name), 0);
    int server = usctp_accept(other, NULL, NULL);
    ck_assert_int_ge(server, 0);
    ck_assert_int_eq(usctp_send(client, "x", 1, 0), 1);
    char byte;
    ck_assert_int_eq(usctp_recv(server, &byte, 1, 0), 1);
}
END_TEST

START_TEST(nobodys_port_is_answered) {
    one = raw_stack(USCTP_STACK_NO_SPEAKER);
    ck_assert_int_eq(refusal(one, 6000), ETIMEDOUT);
    two = raw_stack(0);
    ck_assert_int_eq(refusal(one, 6000), ECONNREFUSED);
    ck_assert_int_eq(refusal(two, 6000), ECONNREFUSED);
    /* For its own it needs no office. */
    int sd = bound(one, "127.0.0.1", 6000, false);
    ck_assert_int_ge(sd, 0);
    ck_assert_int_eq(refusal(two, 6000), ECONNREFUSED);
    usctp_stack_delete(two);
    two = NULL;
    ck_assert_int_eq(refusal(one, 6001), ETIMEDOUT);
}
END_TEST

/* The caller's own port is chosen from some tens: it must not be the one that is called. */
START_TEST(nobody_calls_himself) {
    one = raw_stack(0);
    int sd = bound(one, "127.0.0.1", 0, false);
    uint16_t port = port_of(sd);
    ck_assert_int_eq(usctp_close(sd), 0);
    for (int i = 0; i < 300; i++)
        ck_assert_int_eq(refusal(one, port), ECONNREFUSED);
}
END_TEST

START_TEST(the_office_passes_on) {
    one = raw_stack(0);
    two = raw_stack(0);
    struct usctp_stack *third = raw_stack(USCTP_STACK_NO_SPEAKER);
    usctp_stack_delete(one);
    one = NULL;
    /* The other's thread hears of it; until then there may be silence. */
    int error = 0;
    for (int i = 0; i < 20 && error != ECONNREFUSED; i++)
        error = refusal(third, 6000);
    ck_assert_int_eq(error, ECONNREFUSED);
    usctp_stack_delete(third);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("ports");
    TCase *udp = tcase_create("udp"), *raw = tcase_create("raw");
    enter_namespace();
    tcase_set_timeout(udp, TEST_SECONDS);
    tcase_set_timeout(raw, TEST_SECONDS);
    tcase_add_checked_fixture(udp, setup, teardown);
    tcase_add_checked_fixture(raw, NULL, raw_teardown);
    if (has_namespace)
        tcase_add_test(udp, specific_before_wildcard);
    tcase_add_test(udp, reuse_address);
    tcase_add_test(udp, reuse_beside_connections);
    tcase_add_test(raw, a_port_is_one_stacks);
    tcase_add_test(raw, a_port_of_the_others_block);
    tcase_add_test(raw, nobodys_port_is_answered);
    tcase_add_test(raw, nobody_calls_himself);
    tcase_add_test(raw, the_office_passes_on);
    suite_add_tcase(suite, udp);
    if (has_raw)
        suite_add_tcase(suite, raw);
    else
        puts("not all tested: no network namespace or no raw sockets here");
    return run_suite(suite);
}
