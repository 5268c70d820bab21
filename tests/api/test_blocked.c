/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Blocked calls, and what others do to their sockets and processes meanwhile: shutting a direction
 * down, making room, fork() in a signal handler. What ends them otherwise is in test_blocking.c.
 *
 * ctest-waits: mostly
 */
#include "api/blocking_test.h"

#include <sys/wait.h>

static void shut_by_call(int sd) {
    ck_assert_int_eq(usctp_shutdown(sd, SHUT_WR), 0);
}

static void shut_by_message(int sd) {
    struct sctp_sndinfo info = {.snd_flags = SCTP_EOF};
    ck_assert_int_eq(usctp_sendv(sd, NULL, 0, NULL, 0, &info, sizeof info, USCTP_SENDV_SNDINFO, 0),
                     0);
}

/* Who waits for room learns that none will ever come. */
static void check_shut(int number, void (*shut_it)(int)) {
    struct scene s;
    if (number % KINDS != SEND)
        return;
    signal(SIGPIPE, SIG_IGN);
    scene_open(&s, number);
    scene_start(&s);
    shut_it(s.sd);
    scene_join(&s, -1, EPIPE);
    scene_close(&s);
}

START_TEST(shut_down) {
    check_shut(_i, shut_by_call);
}
END_TEST

START_TEST(shut_down_by_a_message) {
    check_shut(_i, shut_by_message);
}
END_TEST

/* As in the kernel: a larger SO_SNDBUF has room at once. */
START_TEST(given_room) {
    struct scene s;
    int large = 1 << 20;
    if (_i % KINDS != SEND)
        return;
    scene_open(&s, _i);
    scene_start(&s);
    ck_assert_int_eq(usctp_setsockopt(s.sd, SOL_SOCKET, SO_SNDBUF, &large, sizeof large), 0);
    scene_join(&s, 1000, 0);
    scene_close(&s);
}
END_TEST

static _Atomic pid_t forked; /* -1: this is the child */

static void on_fork(int number) {
    pid_t pid = fork();
    (void)number;
    forked = pid == 0 ? -1 : pid;
}

static void *receive_forking(void *argument) {
    struct scene *s = argument;
    char byte;
    s->result = usctp_recv(s->sd, &byte, 1, 0);
    s->error = errno;
    /* Not by _exit: valgrind would miss the memory of threads that a child does not have. */
    if (forked == -1 && s->result == -1 && s->error == EBADF)
        execl("/bin/true", "true", (char *)NULL);
    if (forked == -1)
        _exit(1);
    s->is_done = true;
    return NULL;
}

/* A handler makes a child, and both return to the call: the parent's goes on, the child's ends, as
 * the sockets are unknown there. */
START_TEST(forked_by_a_handler) {
    struct scene s;
    struct sigaction action = {.sa_handler = on_fork, .sa_flags = SA_RESTART};
    int status = -1;
    pid_t ended = 0;
    if (_i % KINDS != RECEIVE)
        return;
    without_other_handlers();
    scene_open(&s, _i);
    ck_assert_int_eq(sigaction(SIGUSR1, &action, NULL), 0);
    forked = 0;
    s.is_done = false;
    ck_assert_int_eq(pthread_create(&s.worker, NULL, receive_forking, &s), 0);
    usleep(SETTLE_US);
    pthread_kill(s.worker, SIGUSR1);
    for (int ms = 0; ms < BOUND_MS && ended == 0; ms++) {
        usleep(1000);
        ended = forked > 0 ? waitpid(forked, &status, WNOHANG) : 0;
    }
    if (ended == 0 && forked > 0)
        kill(forked, SIGKILL);
    ck_assert_int_gt(ended, 0);
    ck_assert_int_eq(status, 0);
    release(&s);
    scene_close(&s);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("blocked");
    add(suite, "shut_down", shut_down);
    add(suite, "shut_down_by_a_message", shut_down_by_a_message);
    add(suite, "given_room", given_room);
    if (!UNDER_TSAN)
        add(suite, "forked_by_a_handler", forked_by_a_handler);
    return run_suite(suite);
}
