/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sockets as descriptors of the process: duplicates, numbers, descriptors sent to others
 * (SCM_RIGHTS), fork and exec, the limit of open files.
 */
#include "api/api_test.h"

#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>

enum { LOW_NUMBERS = 1024, MOST_OPEN = 4096, LIMIT = 200 };

static void exchange(int from, int to) {
    char byte = 0;
    ck_assert_int_eq(usctp_send(from, "m", 1, 0), 1);
    ck_assert_int_eq(usctp_recv(to, &byte, 1, 0), 1);
    ck_assert_int_eq(byte, 'm');
}

static void expect_alive(const struct pair *pair) {
    exchange(pair->client, pair->server);
    exchange(pair->server, pair->client);
}

static void expect_end(int sd) {
    char byte;
    ck_assert_int_eq(usctp_recv(sd, &byte, 1, 0), 0);
}

/* ---- duplicates ------------------------------------------------------------------------------ */

/* Every way to a duplicate gives the same socket; the last close of any kind ends it. */
START_TEST(duplicates) {
    struct pair pair;
    int copies[5], other = open("/dev/null", O_RDONLY);
    pair_open(&pair, _i);
    copies[0] = dup(pair.client);
    copies[1] = dup2(pair.client, other); /* in the place of another */
    copies[2] = dup3(pair.client, other + 50, O_CLOEXEC);
    copies[3] = fcntl(pair.client, F_DUPFD, other + 100);
    copies[4] = fcntl(pair.client, F_DUPFD_CLOEXEC, 3000);
    for (int i = 0; i < 5; i++) {
        ck_assert_int_ge(copies[i], 0);
        exchange(copies[i], pair.server);
        exchange(pair.server, copies[i]);
    }
    ck_assert_int_eq(close(pair.client), 0);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(i % 2 ? usctp_close(copies[i]) : close(copies[i]), 0);
    exchange(copies[4], pair.server);
    pair.client = copies[4];
    /* One socket in the place of another ends it. */
    int fresh = new_socket(pair.client_stack);
    struct background background;
    background_start(&background, pair.client_stack, _i);
    ck_assert_int_eq(dup2(fresh, pair.client), pair.client);
    expect_end(pair.server);
    background_stop(&background);
    ck_assert_errno(usctp_send(pair.client, "x", 1, MSG_NOSIGNAL), EPIPE);
    usctp_close(fresh);
    pair_close(&pair);
}
END_TEST

/* What is set on one duplicate holds for all, as for any open file. */
START_TEST(duplicates_share) {
    struct pair pair;
    char byte;
    pair_open(&pair, DRIVER_THREAD);
    int copy = dup(pair.client);
    set_nonblocking(copy, true);
    ck_assert_errno(usctp_recv(pair.client, &byte, 1, 0), EAGAIN);
    ck_assert_int_eq(usctp_send(pair.server, "x", 1, 0), 1);
    ck_assert_int_eq(wait_for(copy, POLLIN) & POLLIN, POLLIN);
    ck_assert_int_eq(usctp_recv(pair.client, &byte, 1, 0), 1);
    ck_assert_int_eq(ready_now(copy), POLLOUT);
    usctp_close(copy);
    exchange(pair.client, pair.server);
    pair_close(&pair);
}
END_TEST

/* ---- other processes ------------------------------------------------------------------------- */

static void send_fd(int channel, int fd) {
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof fd)] = {0};
    struct iovec iov = {(char[]){0}, 1};
    struct msghdr message = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    *c = (struct cmsghdr){
        .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof fd)};
    memcpy(CMSG_DATA(c), &fd, sizeof fd);
    ck_assert_int_eq((int)sendmsg(channel, &message, 0), 1);
}

static int receive_fd(int channel) {
    int fd = -1;
    char byte;
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof fd)];
    struct iovec iov = {&byte, 1};
    struct msghdr message = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    if (recvmsg(channel, &message, 0) == 1 && CMSG_FIRSTHDR(&message))
        memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
    return fd;
}

/* On its way in a message a descriptor keeps its socket; it arrives with a number of its own. */
START_TEST(rights) {
    struct pair pair;
    int channel[2];
    pair_open(&pair, _i);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, channel), 0);
    send_fd(channel[0], pair.client);
    int number = pair.client;
    ck_assert_int_eq(usctp_close(pair.client), 0);
    int in_between = open("/dev/null", O_RDONLY); /* takes the number */
    ck_assert_int_eq(in_between, number);
    if (_i == DRIVER_CALLER) /* it would see a hang-up */
        ck_assert_int_ge(usctp_stack_process(pair.client_stack), 0);
    pair.client = receive_fd(channel[1]);
    ck_assert_int_ne(pair.client, number);
    expect_alive(&pair);
    ck_assert_errno(usctp_send(number, "x", 1, 0), ENOTSOCK);
    /* Thrown away on its way it was closed. */
    send_fd(channel[0], pair.client);
    ck_assert_int_eq(close(pair.client), 0);
    pair.client = -1;
    struct background background;
    background_start(&background, pair.client_stack, _i);
    close(channel[1]);
    close(channel[0]);
    expect_end(pair.server);
    background_stop(&background);
    close(in_between);
    pair_close(&pair);
}
END_TEST

static int child_status = -1;

/* Behind the stack's own handler. What the parent's threads know of memory, the child's leak
 * checker does not. */
static void end_child(void) {
    if (child_status >= 0)
        _exit(child_status);
}

static int wait_status(pid_t child) {
    int status = -1;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* A child that closes, and ends by exit() with its handlers: the parent's go on. */
START_TEST(child_closes_and_exits) {
    struct pair pair;
    pair_open(&pair, _i);
    for (int how = 0; how < 4; how++) {
        pid_t child = fork();
        ck_assert_int_ge(child, 0);
        if (child == 0) {
            if (how == 1)
                close(pair.client), close(pair.server), close(pair.listener);
            if (how == 2)
                usctp_close(pair.client), usctp_close(pair.server), usctp_close(pair.listener);
            if (how == 3)
                for (int fd = 3; fd < MOST_OPEN; fd++)
                    close(fd);
            child_status = how;
            exit(99);
        }
        ck_assert_int_eq(wait_status(child), how);
        expect_alive(&pair);
    }
    /* What the parent closes while a child holds it ends with the child, as for any open file. */
    int hold[2];
    ck_assert_int_eq(pipe(hold), 0);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        char byte;
        close(hold[1]);
        _exit(read(hold[0], &byte, 1) == 0 ? 0 : 1);
    }
    usctp_close(pair.client);
    pair.client = -1;
    struct background background;
    background_start(&background, pair.client_stack, _i);
    ck_assert_int_eq(ready_now(pair.server) & POLLRDHUP, 0);
    close(hold[1]);
    ck_assert_int_eq(wait_status(child), 0);
    expect_end(pair.server);
    background_stop(&background);
    close(hold[0]);
    pair_close(&pair);
}
END_TEST

/* A daemon's two forks: the grandchild is as free to have a stack of its own as the child. */
START_TEST(two_forks) {
    struct pair pair;
    pair_open(&pair, _i);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        pid_t grandchild = fork();
        ck_assert_int_ge(grandchild, 0);
        if (grandchild > 0)
            _exit(wait_status(grandchild));
        struct pair own;
        ck_assert_errno(usctp_send(pair.client, "x", 1, 0), EBADF);
        pair_open(&own, DRIVER_THREAD);
        expect_alive(&own);
        pair_close(&own);
        child_status = 7;
        exit(99);
    }
    ck_assert_int_eq(wait_status(child), 7);
    expect_alive(&pair);
    pair_close(&pair);
}
END_TEST

/* In a child every call on a socket of the parent's is EBADF, also on a duplicate made there; a
 * stack of its own works. */
START_TEST(child_calls) {
    struct pair pair;
    pair_open(&pair, _i);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        char byte;
        struct sockaddr_in name = loopback(pair.port);
        int copy = dup(pair.client);
        struct pair own;
        ck_assert_errno(usctp_send(pair.client, "x", 1, 0), EBADF);
        ck_assert_errno(usctp_recv(pair.server, &byte, 1, 0), EBADF);
        ck_assert_errno(usctp_accept(pair.listener, NULL, NULL), EBADF);
        ck_assert_errno(usctp_connect(copy, (struct sockaddr *)&name, sizeof name), EBADF);
        ck_assert_errno(usctp_shutdown(copy, SHUT_RDWR), EBADF);
        ck_assert_errno(usctp_socket(pair.client_stack, AF_INET, SOCK_STREAM, 0), ESHUTDOWN);
        pair_open(&own, DRIVER_THREAD);
        expect_alive(&own);
        pair_close(&own);
        usctp_stack_delete(pair.client_stack);
        child_status = 7;
        exit(99);
    }
    ck_assert_int_eq(wait_status(child), 7);
    expect_alive(&pair);
    pair_close(&pair);
}
END_TEST

/* A program that was started has what is not close-on-exec, and nothing of the stack's. */
START_TEST(exec_gets_no_more) {
    struct pair pair;
    char command[300];
    pair_open(&pair, _i);
    ck_assert_int_eq(fcntl(pair.client, F_SETFD, FD_CLOEXEC), 0);
    int kept = pair.server;
    /* Of the descriptors in /proc/self/fd all that are neither the shell's nor these. */
    snprintf(command, sizeof command,
             "test -e /proc/self/fd/%d && ! test -e /proc/self/fd/%d && "
             "for i in $(seq 1000 1100); do test -e /proc/self/fd/$i && exit 9; done; exit 5",
             kept, pair.client);
    int status = system(command);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 5);
    expect_alive(&pair);
    pair_close(&pair);
}
END_TEST

/* ---- numbers --------------------------------------------------------------------------------- */

static int count_open(int from, int to) {
    int n = 0;
    for (int fd = from; fd < to; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

static void set_limit(rlim_t soft) {
    struct rlimit limit;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = soft;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/* What the stack needs for itself leaves the numbers that select() needs to the application. */
START_TEST(low_numbers) {
    struct pair pair;
    struct rlimit limit;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_max <= 2 * LOW_NUMBERS)
        return;
    set_limit(limit.rlim_max);
    int before = count_open(0, LOW_NUMBERS);
    pair_open(&pair, _i);
    ck_assert_int_eq(count_open(0, LOW_NUMBERS), before + 3);
    ck_assert_int_gt(count_open(LOW_NUMBERS, MOST_OPEN), 6);
    if (geteuid() == 0) { /* raw sockets have more to look after */
        struct usctp_stack_options options;
        usctp_stack_options_init(&options);
        options.flags = USCTP_STACK_RAW | USCTP_STACK_BESIDE_KERNEL;
        struct usctp_stack *raw = usctp_stack_new(&options);
        if (raw) {
            int sd = new_listener(raw);
            ck_assert_int_eq(count_open(0, LOW_NUMBERS), before + 4);
            usctp_close(sd);
            usctp_stack_delete(raw);
        }
    }
    pair_close(&pair);
    ck_assert_int_eq(count_open(0, MOST_OPEN), before);
}
END_TEST

/* Takes all descriptors but `left`. */
static int use_up(int *dummies, int left) {
    int n = 0;
    while (n < LIMIT && (dummies[n] = open("/dev/null", O_RDONLY)) >= 0)
        n++;
    ck_assert_int_eq(errno, EMFILE);
    for (; left > 0 && n > 0; left--)
        close(dummies[--n]);
    return n;
}

static void give_back(const int *dummies, int n) {
    while (n > 0)
        close(dummies[--n]);
}

/* With no descriptors left calls fail with EMFILE, and nothing else is lost. */
START_TEST(no_descriptors_left) {
    struct pair pair;
    int dummies[LIMIT], sockets[LIMIT];
    set_limit(LIMIT);
    pair_open(&pair, _i);
    int before = count_open(0, LIMIT);
    for (int left = 0; left < 4; left++) {
        int n = use_up(dummies, left), made = 0;
        while ((sockets[made] = usctp_socket(pair.client_stack, AF_INET, SOCK_STREAM, 0)) >= 0)
            ck_assert_int_lt(++made, LIMIT);
        ck_assert_int_eq(errno, EMFILE);
        ck_assert_int_eq(made, left / 2); /* both ends of a pair */
        while (made > 0)
            usctp_close(sockets[--made]);
        give_back(dummies, n);
        ck_assert_int_eq(count_open(0, LIMIT), before);
    }
    /* An association that cannot be accepted waits until it can. */
    struct background background;
    int client = new_socket(pair.client_stack);
    struct sockaddr_in name = loopback(pair.port);
    set_peer_udp_port(client, usctp_stack_udp_port(pair.server_stack));
    background_start(&background, pair.server_stack, _i);
    ck_assert_int_eq(usctp_connect(client, (struct sockaddr *)&name, sizeof name), 0);
    ck_assert_int_eq(wait_for(pair.listener, POLLIN), POLLIN);
    background_stop(&background);
    int n = use_up(dummies, 0);
    ck_assert_errno(usctp_accept(pair.listener, NULL, NULL), EMFILE);
    ck_assert_errno(usctp_accept(pair.listener, NULL, NULL), EMFILE);
    expect_alive(&pair); /* blocked calls need none */
    give_back(dummies, n);
    int sd = usctp_accept(pair.listener, NULL, NULL);
    ck_assert_int_ge(sd, 0);
    exchange(client, sd);
    usctp_close(sd);
    usctp_close(client);
    pair_close(&pair);
}
END_TEST

/* A stack is made whole, or not at all and says why. */
START_TEST(no_descriptors_for_a_stack) {
    int dummies[LIMIT];
    bool is_made = false;
    set_limit(LIMIT);
    struct pair pair; /* the C library and libcrypto have opened what they need */
    pair_open(&pair, _i);
    pair_close(&pair);
    int before = count_open(0, LIMIT);
    for (int left = 0; !is_made; left++) {
        struct usctp_stack_options options;
        usctp_stack_options_init(&options);
        options.flags = USCTP_STACK_UDP | (_i == DRIVER_THREAD ? USCTP_STACK_THREAD : 0u);
        ck_assert_int_lt(left, 40);
        int n = use_up(dummies, left);
        errno = 0;
        struct usctp_stack *stack = usctp_stack_new(&options);
        int error = errno;
        give_back(dummies, n);
        is_made = stack != NULL;
        if (!is_made) {
            ck_assert_msg(error == EMFILE, "%d left: %s", left, strerror(error));
            ck_assert_int_eq(count_open(0, LIMIT), before);
        } else {
            int sd = new_listener(stack);
            ck_assert_int_gt(port_of(sd), 0);
            usctp_close(sd);
        }
        usctp_stack_delete(stack);
    }
    ck_assert_int_eq(count_open(0, LIMIT), before);
}
END_TEST

int main(void) {
    atexit(end_child);
    Suite *suite = suite_create("descriptors");
    TCase *tcase = tcase_create("descriptors");
    tcase_set_timeout(tcase, TEST_SECONDS);
    tcase_add_loop_test(tcase, duplicates, 0, DRIVERS);
    tcase_add_test(tcase, duplicates_share);
    tcase_add_loop_test(tcase, rights, 0, DRIVERS);
    /* Not under tools that want one process, or have descriptors of their own. */
    const char *forks = getenv("CK_FORK");
    if (!forks || strcmp(forks, "no") != 0) {
        tcase_add_loop_test(tcase, child_closes_and_exits, 0, DRIVERS);
        tcase_add_loop_test(tcase, two_forks, 0, DRIVERS);
        tcase_add_loop_test(tcase, child_calls, 0, DRIVERS);
        tcase_add_loop_test(tcase, exec_gets_no_more, 0, DRIVERS);
        tcase_add_loop_test(tcase, low_numbers, 0, DRIVERS);
        tcase_add_loop_test(tcase, no_descriptors_left, 0, DRIVERS);
        tcase_add_loop_test(tcase, no_descriptors_for_a_stack, 0, DRIVERS);
    }
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
