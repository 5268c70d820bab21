/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * accept -s ADDRESS COUNT | -c ADDRESS COUNT [UNDER-WAY]: COUNT associations that live at the same
 * time, each with a socket of its own on both sides.
 *
 * The server takes them by accept() that blocks, and prints JSON when it has them all: how many a
 * second, the seconds of each eighth, CPU. The client connects without blocking, so many at a time,
 * and then keeps them until it is killed.
 */
#include "usctp/usctp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { PORT = 5201, PARTS = 8, EVENTS = 64, LIFE_S = 120 };

static struct usctp_stack *stack;
static struct sockaddr_in address = {.sin_family = AF_INET};
static unsigned count;

static void die(const char *what) {
    fprintf(stderr, "accept: %s: %s\n", what, strerror(errno));
    exit(1);
}

static double clock_s(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void make_stack(void) {
    struct usctp_config config;
    struct usctp_stack_options options;
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    usctp_config_defaults(&config);
    config.max_associations_per_source = 1000000;
    config.init_acks_per_second = 10000000;
    usctp_stack_options_init(&options);
    options.flags = USCTP_STACK_RAW;
    options.config = &config;
    stack = usctp_stack_new(&options);
    if (stack == NULL) {
        fprintf(stderr, "accept: %s\n", usctp_stack_error());
        exit(1);
    }
}

static void serve(void) {
    double begin_s = 0, part_s = 0, cpu_s = 0, parts_s[PARTS];
    make_stack();
    int listener = usctp_socket(stack, AF_INET, SOCK_STREAM, IPPROTO_SCTP);
    if (listener < 0 || usctp_bind(listener, (struct sockaddr *)&address, sizeof address) != 0 ||
        usctp_listen(listener, (int)count) != 0)
        die("listen");
    for (unsigned i = 0, part = 0; i < count; i++) {
        if (usctp_accept4(listener, NULL, NULL, SOCK_CLOEXEC) < 0)
            die("accept");
        double now_s = clock_s(CLOCK_MONOTONIC);
        if (i == 0) {
            begin_s = part_s = now_s;
            cpu_s = clock_s(CLOCK_PROCESS_CPUTIME_ID);
        }
        if (i + 1 == (uint64_t)count * (part + 1) / PARTS) {
            parts_s[part++] = now_s - part_s;
            part_s = now_s;
        }
    }
    printf("{\"program\": \"usctp\", \"associations_per_s\": %.0f, \"cpu_s\": %.3f, \"parts_s\": [",
           (count - 1) / (part_s - begin_s), clock_s(CLOCK_PROCESS_CPUTIME_ID) - cpu_s);
    for (unsigned part = 0; part < PARTS; part++)
        printf("%s%.4f", part > 0 ? ", " : "", parts_s[part]);
    printf("]}\n");
    fflush(stdout);
    pause();
}

/* ---- client ---------------------------------------------------------------------------------- */

static void start_one(int epoll_fd) {
    struct epoll_event event = {.events = EPOLLOUT | EPOLLONESHOT};
    int sd = usctp_socket(stack, AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_SCTP);
    if (sd < 0)
        die("socket");
    if (usctp_connect(sd, (struct sockaddr *)&address, sizeof address) != 0 && errno != EINPROGRESS)
        die("connect");
    event.data.fd = sd;
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, sd, &event) != 0)
        die("epoll_ctl");
}

static void connect_all(unsigned under_way) {
    struct epoll_event events[EVENTS], stack_event = {.events = EPOLLIN, .data.fd = -1};
    int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    make_stack();
    if (epoll_fd < 0 ||
        epoll_ctl(epoll_fd, EPOLL_CTL_ADD, usctp_stack_fd(stack), &stack_event) != 0)
        die("epoll");
    unsigned started = 0, done = 0;
    double cpu_s = clock_s(CLOCK_PROCESS_CPUTIME_ID);
    while (done < count) {
        for (; started < count && started - done < under_way; started++)
            start_one(epoll_fd);
        int n = epoll_wait(epoll_fd, events, EVENTS, -1);
        for (int i = 0; i < n; i++)
            if (events[i].data.fd >= 0)
                done++; /* connected: the server counts whether that is so */
            else if (usctp_stack_process(stack) < 0)
                die("process");
    }
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
    if (strcmp(argv[1], "-s") == 0)
        serve();
    else
        connect_all(under_way);
    return 1;
}
