/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a stack is made with: options and tunables of programs built with an older or newer header,
 * UDP sockets handed in, and the I/O thread's name and signals. What needs root, raw sockets and
 * network namespaces: real/placement, unit/transport_raw.
 */
#include "api_test.h"

#include <dirent.h>
#include <stddef.h>
#include <stdio.h>

/* The options as their first version had them. */
#define FIRST_SIZE offsetof(struct usctp_stack_options, udp_ipv4_fd)

static struct usctp_stack_options udp_options(void) {
    struct usctp_stack_options options;
    usctp_stack_options_init(&options);
    options.flags = USCTP_STACK_UDP;
    return options;
}

static void works(const struct usctp_stack_options *options) {
    struct usctp_stack *stack = usctp_stack_new(options);
    ck_assert_msg(stack != NULL, "%s", usctp_stack_error());
    ck_assert_uint_ne(usctp_stack_udp_port(stack), 0);
    usctp_stack_delete(stack);
}

static void fails(const struct usctp_stack_options *options, int error) {
    errno = 0;
    ck_assert_ptr_null(usctp_stack_new(options));
    ck_assert_int_eq(errno, error);
    ck_assert_str_ne(usctp_stack_error(), "");
}

/* ---- versions -------------------------------------------------------------------------------- */

START_TEST(an_older_programs_options) {
    struct usctp_stack_options options = udp_options();
    /* What lies behind the program's own struct is not looked at. */
    options.size = FIRST_SIZE;
    options.udp_ipv4_fd = options.udp_ipv6_fd = 0;
    works(&options);
    memset(&options, 0x5a, sizeof options);
    options.size = offsetof(struct usctp_stack_options, udp_port);
    options.flags = USCTP_STACK_UDP;
    works(&options);
    for (options.size = 0; options.size < offsetof(struct usctp_stack_options, udp_port);
         options.size++)
        fails(&options, EINVAL);
    options = udp_options();
    for (uint32_t i = 1; i < _Alignof(struct usctp_stack_options); i++) {
        options.size = FIRST_SIZE - i; /* half a field */
        fails(&options, EINVAL);
    }
}
END_TEST

START_TEST(a_newer_programs_options) {
    union {
        struct usctp_stack_options options;
        unsigned char bytes[5000];
    } newer = {.bytes = {0}};
    const size_t size = sizeof newer.options + 32;
    usctp_stack_options_init_size(&newer.options, (uint32_t)size);
    newer.options.flags = USCTP_STACK_UDP;
    ck_assert_uint_eq(newer.options.size, size);
    works(&newer.options);
    for (size_t i = sizeof newer.options; i < size; i++) {
        newer.bytes[i] = 1;
        fails(&newer.options, E2BIG);
        newer.bytes[i] = 0;
    }
    newer.bytes[size] = 1; /* behind it */
    works(&newer.options);
    newer.options.size = 4096 + 8;
    fails(&newer.options, E2BIG);
    newer.options.size = UINT32_MAX - 7;
    fails(&newer.options, E2BIG);
}
END_TEST

START_TEST(options_are_filled_as_far_as_there_is_room) {
    struct usctp_stack_options options;
    memset(&options, 0x5a, sizeof options);
    usctp_stack_options_init_size(&options, FIRST_SIZE);
    ck_assert_uint_eq(options.size, FIRST_SIZE);
    ck_assert_uint_eq(options.flags, USCTP_STACK_RAW | USCTP_STACK_THREAD);
    ck_assert_int_eq(options.raw_ipv4_fd, -1);
    ck_assert_int_eq(options.raw_ipv6_fd, -1);
    ck_assert_int_eq(options.udp_ipv4_fd, 0x5a5a5a5a);
    ck_assert_int_eq(options.udp_ipv6_fd, 0x5a5a5a5a);
    usctp_stack_options_init_size(NULL, sizeof options);
    usctp_stack_options_init_size(&options, UINT32_MAX);
    ck_assert_uint_eq(options.size, FIRST_SIZE);
    usctp_stack_options_init(&options);
    ck_assert_uint_eq(options.size, sizeof options);
    ck_assert_int_eq(options.udp_ipv4_fd, -1);
    ck_assert_int_eq(options.udp_ipv6_fd, -1);
    ck_assert_ptr_null(options.config);
    ck_assert_uint_eq(options.mark, 0);
}
END_TEST

START_TEST(tunables_of_other_programs) {
    struct usctp_stack_options options = udp_options();
    union {
        struct usctp_config config;
        unsigned char bytes[sizeof(struct usctp_config) + 16];
    } given = {.bytes = {0}};
    struct sctp_rtoinfo rto = {0};
    socklen_t length = sizeof rto;
    options.config = &given.config;
    usctp_config_defaults(&given.config);
    given.config.rto_initial_us = 2 * USCTP_S;
    given.config.rto_max_us = 0; /* out of its range, and not there */
    given.config.size = offsetof(struct usctp_config, rto_max_us);
    struct usctp_stack *stack = usctp_stack_new(&options);
    ck_assert_msg(stack != NULL, "%s", usctp_stack_error());
    int sd = new_socket(stack);
    ck_assert_int_eq(usctp_getsockopt(sd, IPPROTO_SCTP, SCTP_RTOINFO, &rto, &length), 0);
    ck_assert_uint_eq(rto.srto_initial, 2000);
    ck_assert_uint_eq(rto.srto_max, 60000);
    usctp_close(sd);
    usctp_stack_delete(stack);
    given.config.size++;
    fails(&options, EINVAL);
    given.config.size = USCTP_CONFIG_SIZE;
    fails(&options, EINVAL); /* now rto_max_us counts */
    usctp_config_defaults_size(&given.config, sizeof given);
    works(&options);
    given.bytes[USCTP_CONFIG_SIZE] = 1;
    fails(&options, E2BIG);
    given.config.size = 0;
    fails(&options, EINVAL);
}
END_TEST

/* ---- UDP sockets handed in ------------------------------------------------------------------- */

static int udp_socket(int domain) {
    int fd = socket(domain, SOCK_DGRAM, 0);
    ck_assert_int_ge(fd, 0);
    return fd;
}

static int bind_udp(int fd, int domain, uint16_t port) {
    struct sockaddr_in ipv4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    return domain == AF_INET ? bind(fd, (struct sockaddr *)&ipv4, sizeof ipv4)
                             : bind(fd, (struct sockaddr *)&ipv6, sizeof ipv6);
}

static uint16_t bound_port(int fd) {
    struct sockaddr_in6 name = {0};
    socklen_t length = sizeof name;
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&name, &length), 0);
    return ntohs(name.sin6_port);
}

static void set_ipv6_only(int fd) {
    int on = 1;
    ck_assert_int_eq(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on), 0);
}

static bool is_open(int fd) {
    return fcntl(fd, F_GETFD) >= 0;
}

/* Who has it is to close it: the stack once it is made, else the caller. */
static void fails_and_leaves(const struct usctp_stack_options *options, int error) {
    fails(options, error);
    if (options->udp_ipv4_fd >= 0)
        ck_assert(is_open(options->udp_ipv4_fd));
    if (options->udp_ipv6_fd >= 0)
        ck_assert(is_open(options->udp_ipv6_fd));
}

START_TEST(what_is_handed_in_is_used_and_closed) {
    struct usctp_stack_options options = udp_options();
    struct pair pair = {.client = -1, .server = -1};
    char got[8];
    int fds[2] = {udp_socket(AF_INET), udp_socket(AF_INET6)};
    ck_assert_int_eq(bind_udp(fds[0], AF_INET, 0), 0);
    uint16_t port = bound_port(fds[0]);
    options.udp_ipv4_fd = fds[0];
    options.udp_ipv6_fd = fds[1]; /* not bound: to be, to the same port */
    options.flags |= USCTP_STACK_THREAD;
    pair.server_stack = usctp_stack_new(&options);
    ck_assert_msg(pair.server_stack != NULL, "%s", usctp_stack_error());
    ck_assert_uint_eq(usctp_stack_udp_port(pair.server_stack), port);
    ck_assert_uint_eq(bound_port(fds[1]), port);
    pair.client_stack = new_stack(DRIVER_THREAD);
    pair.listener = new_listener(pair.server_stack);
    pair.port = port_of(pair.listener);
    pair.client = new_socket(pair.client_stack);
    set_peer_udp_port(pair.client, port);
    pair_connect(&pair);
    ck_assert_int_eq(usctp_send(pair.client, "hello", 5, 0), 5);
    ck_assert_int_eq(usctp_recv(pair.server, got, sizeof got, 0), 5);
    ck_assert_mem_eq(got, "hello", 5);
    usctp_stack_delete(pair.client_stack);
    usctp_stack_delete(pair.server_stack);
    ck_assert(!is_open(fds[0]) && !is_open(fds[1]));
}
END_TEST

START_TEST(one_family_handed_in) {
    for (int i = 0; i < 2; i++) {
        struct usctp_stack_options options = udp_options();
        int domain = i ? AF_INET6 : AF_INET, fd = udp_socket(domain);
        if (i)
            set_ipv6_only(fd);
        ck_assert_int_eq(bind_udp(fd, domain, 0), 0);
        uint16_t port = bound_port(fd);
        *(i ? &options.udp_ipv6_fd : &options.udp_ipv4_fd) = fd;
        /* Somebody has that port of the other family: the stack goes without it. */
        int other = udp_socket(i ? AF_INET : AF_INET6);
        if (!i)
            set_ipv6_only(other);
        ck_assert_int_eq(bind_udp(other, i ? AF_INET : AF_INET6, port), 0);
        struct usctp_stack *stack = usctp_stack_new(&options);
        ck_assert_msg(stack != NULL, "%s", usctp_stack_error());
        ck_assert_uint_eq(usctp_stack_udp_port(stack), port);
        usctp_stack_delete(stack);
        ck_assert(!is_open(fd) && is_open(other));
        close(other);
    }
}
END_TEST

START_TEST(ports_of_what_is_handed_in) {
    struct usctp_stack_options options = udp_options();
    int fd = udp_socket(AF_INET), other = udp_socket(AF_INET6);
    set_ipv6_only(other);
    ck_assert_int_eq(bind_udp(fd, AF_INET, 0), 0);
    uint16_t port = bound_port(fd);
    options.udp_ipv4_fd = fd;
    options.udp_port = (uint16_t)(port ^ 1);
    fails_and_leaves(&options, EINVAL);
    options.udp_port = 0;
    ck_assert_int_eq(bind_udp(other, AF_INET6, 0), 0);
    options.udp_ipv6_fd = other;
    if (bound_port(other) != port)
        fails_and_leaves(&options, EINVAL);
    options.udp_ipv6_fd = -1;
    close(other);
    /* Bound by the stack, and the port is somebody else's. */
    other = udp_socket(AF_INET);
    options.udp_ipv4_fd = other;
    options.udp_port = port;
    options.flags |= USCTP_STACK_UDP_PORT_REQUIRED;
    fails_and_leaves(&options, EADDRINUSE);
    options.flags &= ~(uint32_t)USCTP_STACK_UDP_PORT_REQUIRED;
    struct usctp_stack *stack = usctp_stack_new(&options); /* another one serves */
    ck_assert_msg(stack != NULL, "%s", usctp_stack_error());
    ck_assert_uint_ne(usctp_stack_udp_port(stack), port);
    ck_assert_uint_eq(usctp_stack_udp_port(stack), bound_port(other));
    usctp_stack_delete(stack);
    close(fd);
}
END_TEST

START_TEST(what_cannot_be_handed_in) {
    struct usctp_stack_options options = udp_options();
    int pipes[2], tcp = socket(AF_INET, SOCK_STREAM, 0), one = udp_socket(AF_INET),
                  both = udp_socket(AF_INET6);
    struct sockaddr_in to = loopback(9);
    ck_assert_int_eq(pipe(pipes), 0);
    options.udp_ipv4_fd = pipes[0];
    fails_and_leaves(&options, ENOTSOCK);
    options.udp_ipv4_fd = tcp;
    fails_and_leaves(&options, EINVAL);
    options.udp_ipv4_fd = both;
    fails_and_leaves(&options, EINVAL);
    options.udp_ipv4_fd = one;
    ck_assert_int_eq(connect(one, (struct sockaddr *)&to, sizeof to), 0);
    fails_and_leaves(&options, EINVAL);
    options.udp_ipv4_fd = -1;
    options.udp_ipv6_fd = one;
    fails_and_leaves(&options, EINVAL);
    /* One that takes what comes by IPv4 as well. */
    ck_assert_int_eq(bind_udp(both, AF_INET6, 0), 0);
    options.udp_ipv6_fd = both;
    fails_and_leaves(&options, EINVAL);
    options = udp_options();
    close(one);
    options.udp_ipv4_fd = one;
    fails(&options, EBADF);
    /* A socket that the flags have no use for; raw sockets are checked for their kind first. */
    options.flags = USCTP_STACK_RAW;
    fails(&options, EINVAL);
    options = udp_options();
    options.raw_ipv6_fd = tcp;
    fails(&options, EINVAL);
    ck_assert(is_open(tcp));
    close(tcp);
    close(both);
    close(pipes[0]);
    close(pipes[1]);
}
END_TEST

START_TEST(devices_that_are_none) {
    struct usctp_stack_options options = udp_options();
    options.device = "no-such-device";
    fails(&options, ENODEV);
    options.device = "a-name-that-no-device-can-have-because-it-is-too-long";
    fails(&options, ENODEV);
}
END_TEST

/* Whatever the stack fails for: here its tunables, looked at when its sockets are open. */
START_TEST(what_is_handed_in_comes_back_on_failure) {
    struct usctp_stack_options options = udp_options();
    struct usctp_config config;
    usctp_config_defaults(&config);
    config.max_burst = 0;
    options.config = &config;
    options.udp_ipv4_fd = udp_socket(AF_INET);
    options.udp_ipv6_fd = udp_socket(AF_INET6);
    fails_and_leaves(&options, EINVAL);
    options.config = NULL;
    options.device = "no-such-device";
    fails_and_leaves(&options, ENODEV);
    options.device = NULL;
    works(&options);
    ck_assert(!is_open(options.udp_ipv4_fd) && !is_open(options.udp_ipv6_fd));
}
END_TEST

/* ---- the I/O thread -------------------------------------------------------------------------- */

static bool read_line(const char *task, const char *file, const char *key, char *out, size_t room) {
    char path[400], line[200];
    snprintf(path, sizeof path, "/proc/self/task/%s/%s", task, file);
    FILE *f = fopen(path, "r");
    bool found = false;
    while (f && !found && fgets(line, sizeof line, f)) {
        found = strncmp(line, key, strlen(key)) == 0;
        if (found)
            snprintf(out, room, "%.*s", (int)strcspn(line + strlen(key), "\n"), line + strlen(key));
    }
    if (f)
        fclose(f);
    return found;
}

/* How many threads have the name; *blocked is the signal mask of the last. */
static int count_named(const char *name, unsigned long long *blocked) {
    char text[64];
    int count = 0;
    DIR *tasks = opendir("/proc/self/task");
    ck_assert_ptr_nonnull(tasks);
    for (struct dirent *entry; (entry = readdir(tasks)) != NULL;) {
        if (entry->d_name[0] == '.' || !read_line(entry->d_name, "comm", "", text, sizeof text) ||
            strcmp(text, name) != 0)
            continue;
        count++;
        if (read_line(entry->d_name, "status", "SigBlk:", text, sizeof text))
            *blocked = strtoull(text, NULL, 16);
    }
    closedir(tasks);
    return count;
}

START_TEST(thread_name_and_signals) {
    unsigned long long blocked = 0;
    sigset_t one, before;
    struct timespec now = {0};
    struct usctp_stack *idle = new_stack(DRIVER_CALLER);
    ck_assert_int_eq(count_named("usctp-io", &blocked), 0);
    struct usctp_stack *first = new_stack(DRIVER_THREAD), *second = new_stack(DRIVER_THREAD);
    for (int i = 0; i < BOUND_MS && count_named("usctp-io", &blocked) < 2; i++)
        usleep(1000); /* a thread gives itself its name */
    ck_assert_int_eq(count_named("usctp-io", &blocked), 2);
    for (int number = 1; number < SIGRTMIN; number++) {
        /* Nobody can block these; 32 and 33 are the C library's own (nptl(7)). */
        if (number == SIGKILL || number == SIGSTOP || number >= 32)
            continue;
        ck_assert_msg(blocked >> (number - 1) & 1, "signal %d is not blocked", number);
    }
    for (int number = SIGRTMIN; number < SIGRTMAX; number++) /* the last is valgrind's, under it */
        ck_assert_msg(blocked >> (number - 1) & 1, "signal %d is not blocked", number);
    /* One for the process, which only this thread could take, is left to it. */
    sigemptyset(&one);
    sigaddset(&one, SIGUSR1);
    ck_assert_int_eq(pthread_sigmask(SIG_BLOCK, &one, NULL), 0);
    ck_assert_int_eq(kill(getpid(), SIGUSR1), 0);
    usleep(20000);
    ck_assert_int_eq(sigtimedwait(&one, NULL, &now), SIGUSR1);
    /* The caller's own mask is as it was. */
    ck_assert_int_eq(pthread_sigmask(SIG_UNBLOCK, &one, &before), 0);
    ck_assert(sigismember(&before, SIGUSR1) && !sigismember(&before, SIGUSR2));
    usctp_stack_delete(first);
    usctp_stack_delete(second);
    usctp_stack_delete(idle);
    ck_assert_int_eq(count_named("usctp-io", &blocked), 0);
}
END_TEST

static char told[256];
static int told_count;

static void on_notice(void *user, const char *sentence) {
    ck_assert_ptr_eq(user, told);
    snprintf(told, sizeof told, "%s", sentence);
    told_count++;
}

/* What cannot be had by AF_XDP is had by raw sockets, and told. */
START_TEST(what_the_user_is_told) {
    struct usctp_stack_options options;
    usctp_stack_options_init(&options);
    options.notice = on_notice;
    options.notice_user = told;
    options.flags = USCTP_STACK_XDP | USCTP_STACK_UDP;
    fails(&options, EINVAL);
    ck_assert_int_eq(told_count, 0);
    options.device = "lo";
    options.flags = USCTP_STACK_XDP | USCTP_STACK_NO_SPEAKER;
    struct usctp_stack *stack = usctp_stack_new(&options);
    if (!stack) {
        ck_assert_msg(errno == EPERM || errno == EBUSY, "%s", usctp_stack_error());
        printf("no raw sockets: %s\n", usctp_stack_error());
        return;
    }
    ck_assert_int_eq(told_count, 1);
    ck_assert_msg(strstr(told, "AF_XDP") && strstr(told, "device"), "%s", told);
    usctp_stack_delete(stack);
    options.notice = NULL;
    options.flags |= USCTP_STACK_RAW | USCTP_STACK_UDP;
    works(&options);
    ck_assert_int_eq(told_count, 1);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("placement");
    TCase *tests = tcase_create("placement");
    tcase_set_timeout(tests, TEST_SECONDS);
    tcase_add_test(tests, an_older_programs_options);
    tcase_add_test(tests, a_newer_programs_options);
    tcase_add_test(tests, options_are_filled_as_far_as_there_is_room);
    tcase_add_test(tests, tunables_of_other_programs);
    tcase_add_test(tests, what_is_handed_in_is_used_and_closed);
    tcase_add_test(tests, one_family_handed_in);
    tcase_add_test(tests, ports_of_what_is_handed_in);
    tcase_add_test(tests, what_cannot_be_handed_in);
    tcase_add_test(tests, what_is_handed_in_comes_back_on_failure);
    tcase_add_test(tests, devices_that_are_none);
    tcase_add_test(tests, thread_name_and_signals);
    tcase_add_test(tests, what_the_user_is_told);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
