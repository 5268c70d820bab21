/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * accept -s ADDRESS COUNT | -c ADDRESS COUNT [UNDER-WAY]: COUNT associations that live at the same
 * time, each with a socket of its own on both sides.
 *
 * The server takes them by accept() that blocks, and prints JSON when it has them all: how many a
 * second, the seconds of each eighth, CPU. The client connects without blocking, so many at a time,
 * and then keeps them until it is killed.
 */
#include "bench-common.h"
#include "usctp/usctp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { EVENTS = 64 };

static struct usctp_stack *stack;
static struct bench_accept asked;

static void make_stack(void) {
    struct usctp_config config;
    struct usctp_stack_options options;
    bench_raise_descriptors();
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
    struct bench_parts parts = {.count = asked.count};
    make_stack();
    int listener = usctp_socket(stack, AF_INET, SOCK_STREAM, IPPROTO_SCTP);
    if (listener < 0 ||
        usctp_bind(listener, (struct sockaddr *)&asked.address, sizeof asked.address) != 0 ||
        usctp_listen(listener, (int)asked.count) != 0)
        bench_die("listen");
    while (parts.done < parts.count) {
        if (usctp_accept4(listener, NULL, NULL, SOCK_CLOEXEC) < 0)
            bench_die("accept");
        bench_parts_add(&parts);
    }
    bench_parts_print(&parts, "usctp");
    pause();
}

/* ---- client ---------------------------------------------------------------------------------- */

static void start_one(int epoll_fd) {
    struct epoll_event event = {.events = EPOLLOUT | EPOLLONESHOT};
    int sd = usctp_socket(stack, AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_SCTP);
    if (sd < 0)
        bench_die("socket");
    if (usctp_connect(sd, (struct sockaddr *)&asked.address, sizeof asked.address) != 0 &&
        errno != EINPROGRESS)
        bench_die("connect");
    event.data.fd = sd;
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, sd, &event) != 0)
        bench_die("epoll_ctl");
}

static void connect_all(void) {
    struct epoll_event events[EVENTS], stack_event = {.events = EPOLLIN, .data.fd = -1};
    int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    make_stack();
    if (epoll_fd < 0 ||
        epoll_ctl(epoll_fd, EPOLL_CTL_ADD, usctp_stack_fd(stack), &stack_event) != 0)
        bench_die("epoll");
    unsigned started = 0, done = 0;
    double cpu_s = bench_cpu_s();
    while (done < asked.count) {
        for (; started < asked.count && started - done < asked.under_way; started++)
            start_one(epoll_fd);
        int n = epoll_wait(epoll_fd, events, EVENTS, -1);
        for (int i = 0; i < n; i++)
            if (events[i].data.fd >= 0)
                done++; /* connected: the server counts whether that is so */
            else if (usctp_stack_process(stack) < 0)
                bench_die("process");
    }
    printf("{\"cpu_s\": %.3f}\n", bench_cpu_s() - cpu_s);
    fflush(stdout);
    pause();
}

int main(int argc, char **argv) {
    if (!bench_read_accept(&asked, argc, argv))
        return 2;
    if (asked.serves)
        serve();
    else
        connect_all();
    return 1;
}
