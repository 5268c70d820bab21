/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A program made for the kernel's SCTP, and what a process does around its sockets: it starts
 * others in every way there is, becomes a daemon, closes whatever may be open, makes streams. What
 * it calls of the sockets' own functions is little; run-probe.c has those.
 *
 * Prints one line a check; exit status 0 when all hold.
 */
#include "run-common.h"

#include <fcntl.h>
#include <netinet/sctp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NUMBERS = 5000 }; /* what such programs close, and more than anybody here has */

extern char **environ;

static void alive(const int ends[2]) {
    exchange(ends[0], ends[1]);
    exchange(ends[1], ends[0]);
}

/* -1: any child. */
static void must_succeed(pid_t child) {
    int status = -1;
    pid_t ended = waitpid(child, &status, 0);
    CHECK(ended > 0 && (child == -1 || ended == child));
    CHECK(status == 0);
}

/* ---- other programs -------------------------------------------------------------------------- */

static _Noreturn void become_true(void) {
    execl("/bin/true", "true", (char *)NULL);
    _exit(9);
}

/* What a child of vfork() does with its descriptors is nothing to the parent, whose memory it has.
 */
static void vforks(void) {
    int ends[2];
    char end;
    make_pair(ends);
    int null = open("/dev/null", O_RDONLY);
    pid_t child = vfork(); /* NOLINT: this is what is tested */
    if (child == 0) {
        for (int fd = 3; fd < NUMBERS; fd++)
            close(fd);
        become_true();
    }
    must_succeed(child);
    alive(ends);
    child = vfork(); /* NOLINT */
    if (child == 0) {
        if (close_range(3, ~0u, 0) != 0)
            _exit(8);
        become_true();
    }
    must_succeed(child);
    alive(ends);
    child = vfork(); /* NOLINT */
    if (child == 0) {
        if (dup2(null, ends[0]) != ends[0] || dup2(ends[1], null) != null ||
            fcntl(ends[1], F_DUPFD, 3) < 0 || dup(ends[1]) < 0)
            _exit(8);
        become_true();
    }
    must_succeed(child);
    alive(ends);
    CHECK(read(null, &end, 1) == 0); /* in the parent it is none of the sockets */
    CHECK(close(null) == 0);
    close_pair(ends);
}

static void spawns(void) {
    int ends[2];
    pid_t child = -1;
    char *arguments[] = {"true", NULL}, line[16] = "";
    posix_spawn_file_actions_t actions;
    make_pair(ends);
    CHECK(posix_spawn_file_actions_init(&actions) == 0);
    CHECK(posix_spawn_file_actions_adddup2(&actions, ends[1], 0) == 0);
    CHECK(posix_spawn_file_actions_adddup2(&actions, 2, ends[0]) == 0);
    CHECK(posix_spawn_file_actions_addclose(&actions, ends[1]) == 0);
    CHECK(posix_spawn_file_actions_addclosefrom_np(&actions, 3) == 0);
    CHECK(posix_spawn(&child, "/bin/true", &actions, NULL, arguments, environ) == 0);
    CHECK(posix_spawn_file_actions_destroy(&actions) == 0);
    must_succeed(child);
    alive(ends);
    CHECK(system("exit 0") == 0); /* NOLINT: this is what is tested */
    alive(ends);
    FILE *echo = popen("echo said", "r"); /* NOLINT */
    CHECK(echo && fgets(line, sizeof line, echo) && strcmp(line, "said\n") == 0);
    CHECK(pclose(echo) == 0);
    alive(ends);
    close_pair(ends);
}

/* ---- streams --------------------------------------------------------------------------------- */

/* Each flush is a message; the end of the stream is that of its descriptor. */
static void streams(void) {
    int ends[2], yes = 1;
    char got[32] = "", line[32] = "";
    make_pair(ends);
    CHECK(setsockopt(ends[0], IPPROTO_SCTP, SCTP_NODELAY, &yes, sizeof yes) == 0);
    FILE *file = fdopen(ends[0], "r+");
    CHECK(file && fileno(file) == ends[0]);
    CHECK(fprintf(file, "%s %d", "number", 7) == 8 && fflush(file) == 0);
    CHECK(ready(ends[1], POLLIN) && recv(ends[1], got, sizeof got, MSG_DONTWAIT) == 8);
    CHECK(memcmp(got, "number 7", 8) == 0);
    CHECK(dprintf(ends[0], "plain %d", 8) == 7);
    CHECK(ready(ends[1], POLLIN) && recv(ends[1], got, sizeof got, MSG_DONTWAIT) == 7);
    CHECK(memcmp(got, "plain 8", 7) == 0);
    CHECK(send(ends[1], "one\ntwo\n", 8, 0) == 8 && send(ends[1], "three\n", 6, 0) == 6);
    CHECK(fgets(line, sizeof line, file) && strcmp(line, "one\n") == 0);
    CHECK(fgets(line, sizeof line, file) && strcmp(line, "two\n") == 0);
    CHECK(fgets(line, sizeof line, file) && strcmp(line, "three\n") == 0);
    CHECK(fclose(file) == 0 && fcntl(ends[0], F_GETFD) == -1);
    /* The number is anybody's at once. */
    int listeners = open("/dev/null", O_RDWR), null = open("/dev/null", O_RDWR);
    CHECK(null == ends[0] && write(null, "nothing", 7) == 7);
    CHECK(ready(ends[1], POLLIN) && read(ends[1], got, sizeof got) == 0);
    CHECK(close(null) == 0 && close(listeners) == 0 && close(ends[1]) == 0);
}

/* A server's child may well talk by a stream. */
static void streams_of_children(void) {
    int ends[2];
    char got[16] = "";
    make_pair(ends);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        char line[16] = "";
        FILE *file = fdopen(ends[1], "r+");
        bool is_fine = file && fgets(line, sizeof line, file) && strcmp(line, "ask\n") == 0 &&
                       fputs("answer", file) != EOF && fflush(file) == 0;
        _exit(is_fine ? 0 : 1);
    }
    CHECK(send(ends[0], "ask\n", 4, 0) == 4);
    CHECK(ready(ends[0], POLLIN) && recv(ends[0], got, sizeof got, 0) == 6);
    CHECK(memcmp(got, "answer", 6) == 0);
    must_succeed(child);
    close_pair(ends);
}

/* What a stream holds when the process exits is sent. */
static void streams_at_exit(void) {
    uint16_t port;
    int listener = listen_here(SOCK_STREAM, &port);
    struct sockaddr_in address = here(port);
    char got[16] = "";
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        int fd = socket(AF_INET, SOCK_STREAM, IPPROTO_SCTP);
        FILE *file = fdopen(fd, "w");
        if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0 || !file ||
            fputs("held", file) == EOF)
            _exit(1);
        exit(0);
    }
    int fd = accept(listener, NULL, NULL);
    CHECK(fd >= 0 && read(fd, got, sizeof got) == 4 && memcmp(got, "held", 4) == 0);
    CHECK(read(fd, got, sizeof got) == 0);
    must_succeed(child);
    CHECK(close(fd) == 0 && close(listener) == 0);
}

/* ---- signals --------------------------------------------------------------------------------- */

static int signal_ends[2];
static volatile sig_atomic_t sent_by_handler;

/* send(2) is one of the functions that a handler may call (signal-safety(7)). */
static void send_from_handler(int number) {
    int kept = errno;
    (void)number;
    if (send(signal_ends[0], "handler", 7, MSG_DONTWAIT) == 7)
        sent_by_handler++;
    errno = kept;
}

static void *count_messages(void *count) {
    char got[16];
    while (recv(signal_ends[1], got, sizeof got, 0) > 0)
        ++*(int *)count;
    return NULL;
}

static void set_timer(long us) {
    const struct itimerval timer = {.it_interval = {.tv_usec = us}, .it_value = {.tv_usec = us}};
    CHECK(setitimer(ITIMER_REAL, &timer, NULL) == 0);
}

/* A handler calls wherever the program is in its own calls. */
static void signals(void) {
    struct sigaction action = {.sa_handler = send_from_handler, .sa_flags = SA_RESTART};
    sigset_t alarms;
    pthread_t reader;
    int sent = 0, received = 0;
    unsigned left = alarm(0);
    make_pair(signal_ends);
    sigemptyset(&alarms);
    sigaddset(&alarms, SIGALRM);
    CHECK(pthread_sigmask(SIG_BLOCK, &alarms, NULL) == 0);
    CHECK(pthread_create(&reader, NULL, count_messages, &received) == 0);
    CHECK(pthread_sigmask(SIG_UNBLOCK, &alarms, NULL) == 0);
    CHECK(sigaction(SIGALRM, &action, NULL) == 0);
    set_timer(200);
    while (sent_by_handler < 200)
        sent += send(signal_ends[0], "program", 7, 0) == 7;
    set_timer(0);
    CHECK(sent_by_handler >= 200);
    CHECK(close(signal_ends[0]) == 0);
    CHECK(pthread_join(reader, NULL) == 0);
    CHECK(received == sent + sent_by_handler);
    CHECK(close(signal_ends[1]) == 0);
    CHECK(signal(SIGALRM, SIG_DFL) != SIG_ERR);
    alarm(left);
}

/* ---- daemons --------------------------------------------------------------------------------- */

/* In the two ways that there are, and goes on. */
static void close_everything(void) {
    int ends[2];
    make_pair(ends);
    for (int fd = 3; fd < NUMBERS; fd++)
        close(fd);
    CHECK(fcntl(ends[0], F_GETFD) == -1 && errno == EBADF);
    make_pair(ends);
    alive(ends);
    CHECK(close_range(3, ~0u, 0) == 0);
    CHECK(fcntl(ends[0], F_GETFD) == -1 && errno == EBADF);
    make_pair(ends);
    alive(ends);
    close_pair(ends);
}

/* The daemon's part, once its parent is gone. */
static _Noreturn void daemon_runs(pid_t parent) {
    for (int i = 0; i < WAIT_MS && getppid() == parent; i++)
        usleep(1000);
    failures = 0;
    close_everything();
    fflush(stdout);
    _exit(failures == 0 ? 0 : 1);
}

/* Of two forks, with sockets open before the second. It is the first check, and each process waits
 * for the end of the one before: in UDP one of a host has the port that all peers are called at. */
static void daemons(void) {
    int ends[2];
    CHECK(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0); /* the daemon comes to us, and not to init */
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        pid_t self = getpid();
        make_pair(ends);
        alive(ends);
        if (setsid() < 0)
            _exit(7);
        pid_t daemon = fork();
        if (daemon == 0)
            daemon_runs(self);
        _exit(daemon > 0 && failures == 0 ? 0 : 8);
    }
    must_succeed(child);
    must_succeed(-1);
    CHECK(prctl(PR_SET_CHILD_SUBREAPER, 0) == 0);
}

int main(void) {
    signal(SIGPIPE, SIG_IGN);
    alarm(120);
    run("daemons", daemons);
    run("vforks", vforks);
    run("spawns", spawns);
    run("closing", close_everything);
    run("signals", signals);
    run("streams", streams);
    run("children", streams_of_children);
    run("exit", streams_at_exit);
    printf("%d failures\n", failures);
    return failures == 0 ? 0 : 1;
}
