/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * usrsctp-accept -s ADDRESS COUNT | -c ADDRESS COUNT [UNDER-WAY]: what accept.c does, by usrsctp
 * (libusrsctp): COUNT associations that live at the same time, taken by accept().
 *
 * A client of one at a time connects by a call that blocks; of more, without blocking, and hears of
 * each by usrsctp's upcall. Heartbeats and everything else are usrsctp's default.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include <usrsctp.h>

enum { PORT = 5201, PARTS = 8, LIFE_S = 120 };

static struct sockaddr_in address = {.sin_family = AF_INET};
static unsigned count;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static unsigned done;

static void die(const char *what) {
    fprintf(stderr, "usrsctp-accept: %s: %s\n", what, strerror(errno));
    _exit(EXIT_FAILURE);
}

static double clock_s(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static struct socket *open_socket(void) {
    struct socket *socket = usrsctp_socket(AF_INET, SOCK_STREAM, IPPROTO_SCTP, NULL, NULL, 0, NULL);
    if (socket == NULL)
        die("socket");
    return socket;
}

static void serve(void) {
    double begin_s = 0, part_s = 0, cpu_s = 0, parts_s[PARTS];
    struct socket *listener = open_socket();
    if (usrsctp_bind(listener, (struct sockaddr *)&address, sizeof address) < 0 ||
        usrsctp_listen(listener, (int)count) < 0)
        die("listen");
    for (unsigned i = 0, part = 0; i < count; i++) {
        if (usrsctp_accept(listener, NULL, NULL) == NULL)
            die("accept");
        double now_s = clock_s(CLOCK_MONOTONIC);
        if (i == 0) {
            begin_s = part_s = now_s;
            cpu_s = clock_s(CLOCK_PROCESS_CPUTIME_ID);
        }
        if (i + 1 == (unsigned long long)count * (part + 1) / PARTS) {
            parts_s[part++] = now_s - part_s;
            part_s = now_s;
        }
    }
    printf(
        "{\"program\": \"usrsctp\", \"associations_per_s\": %.0f, \"cpu_s\": %.3f, \"parts_s\": [",
        (count - 1) / (part_s - begin_s), clock_s(CLOCK_PROCESS_CPUTIME_ID) - cpu_s);
    for (unsigned part = 0; part < PARTS; part++)
        printf("%s%.4f", part > 0 ? ", " : "", parts_s[part]);
    printf("]}\n");
    fflush(stdout);
    pause();
}

/* ---- client ---------------------------------------------------------------------------------- */

/* Called for each change of a socket, by usrsctp's threads. */
static void on_change(struct socket *socket, void *unused, int flags) {
    (void)unused, (void)flags;
    if ((usrsctp_get_events(socket) & SCTP_EVENT_WRITE) == 0)
        return;
    usrsctp_set_upcall(socket, NULL, NULL);
    pthread_mutex_lock(&lock);
    done++;
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&lock);
}

static void connect_all(unsigned under_way) {
    double cpu_s = clock_s(CLOCK_PROCESS_CPUTIME_ID);
    for (unsigned started = 0; started < count; started++) {
        struct socket *socket = open_socket();
        if (under_way > 1) {
            pthread_mutex_lock(&lock);
            while (started - done >= under_way)
                pthread_cond_wait(&changed, &lock);
            pthread_mutex_unlock(&lock);
            usrsctp_set_non_blocking(socket, 1);
            usrsctp_set_upcall(socket, on_change, NULL);
        }
        if (usrsctp_connect(socket, (struct sockaddr *)&address, sizeof address) < 0 &&
            errno != EINPROGRESS)
            die("connect");
    }
    pthread_mutex_lock(&lock);
    while (under_way > 1 && done < count)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
    printf("{\"cpu_s\": %.3f}\n", clock_s(CLOCK_PROCESS_CPUTIME_ID) - cpu_s);
    fflush(stdout);
    pause();
}

int main(int argc, char **argv) {
    if (argc < 4 || inet_pton(AF_INET, argv[2], &address.sin_addr) != 1)
        return 2;
    alarm(LIFE_S);
    signal(SIGTERM, _exit); /* quietly */
    address.sin_port = htons(PORT);
    count = (unsigned)atoi(argv[3]);
    unsigned under_way = argc > 4 ? (unsigned)atoi(argv[4]) : 1;
    if (count < PARTS || under_way < 1)
        return 2;
    usrsctp_init(0, NULL, NULL);
    if (strcmp(argv[1], "-s") == 0)
        serve();
    else
        connect_all(under_way);
    return 1;
}
