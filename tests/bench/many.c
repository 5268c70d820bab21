/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * many NS-A NS-B ADDRESS-A ADDRESS-B SIDE IDLE-SECONDS: one process with a stack in each of two
 * network namespaces, SIDE one-to-many sockets in each, and an association of every one with every
 * one of the other side. Each carries 1 KB there and 1 KB back; all are idle for a while; all are
 * closed. Prints what that took as JSON, and exits with 1 when something did not happen.
 *
 * The program drives both stacks itself: no thread hides its time.
 */
#define _GNU_SOURCE /* setns */
#include "bench-common.h"
#include "usctp/usctp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { MESSAGE_BYTES = 1024, UNDER_WAY = 64, FIRST_PORT = 20000, MAX_SIDE = 1000, EVENTS = 64 };

struct side {
    struct usctp_stack *stack;
    struct in_addr address;
    int sockets[MAX_SIDE];
};

static struct side sides[2];
static unsigned side_count;
static uint64_t asked, answered, echoed;
static int epoll_fd;
static char message[MESSAGE_BYTES];

static double resident_bytes(void) {
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL || fscanf(file, "%*d %ld", &pages) != 1)
        bench_die("statm");
    fclose(file);
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static void watch(int fd, uint64_t what) {
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = what};
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
        bench_die("epoll_ctl");
}

/* ---- stacks ---------------------------------------------------------------------------------- */

static void make_stack(struct side *side, const char *namespace) {
    char path[256];
    struct usctp_config config;
    struct usctp_stack_options options;
    snprintf(path, sizeof path, "/run/netns/%s", namespace);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || setns(fd, CLONE_NEWNET) != 0)
        bench_die(path);
    close(fd);
    usctp_config_defaults(&config);
    config.hb_enabled = 0;
    config.max_associations_per_source = 1000000;
    config.init_acks_per_second = 10000000;
    usctp_stack_options_init(&options);
    options.flags = USCTP_STACK_RAW;
    options.config = &config;
    side->stack = usctp_stack_new(&options);
    if (side->stack == NULL) {
        fprintf(stderr, "many: %s\n", usctp_stack_error());
        exit(1);
    }
}

static struct sockaddr_in address_of(const struct side *side, unsigned index) {
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)(FIRST_PORT + index)),
                                .sin_addr = side->address};
}

static void make_sockets(unsigned number) {
    struct side *side = &sides[number];
    watch(usctp_stack_fd(side->stack), number);
    for (unsigned i = 0; i < side_count; i++) {
        struct sockaddr_in address = address_of(side, i);
        int sd = usctp_socket(side->stack, AF_INET, SOCK_SEQPACKET | SOCK_NONBLOCK, IPPROTO_SCTP);
        if (sd < 0 || usctp_bind(sd, (struct sockaddr *)&address, sizeof address) != 0 ||
            (number == 1 && usctp_listen(sd, 1) != 0))
            bench_die("socket");
        side->sockets[i] = sd;
        watch(sd, 2 + (uint64_t)number * MAX_SIDE + i);
    }
}

/* ---- messages -------------------------------------------------------------------------------- */

static void read_all(unsigned number, int sd) {
    char text[2 * MESSAGE_BYTES];
    struct sockaddr_in from;
    for (;;) {
        socklen_t length = sizeof from;
        ssize_t got = usctp_recvfrom(sd, text, sizeof text, 0, (struct sockaddr *)&from, &length);
        if (got < 0 && errno == EAGAIN)
            return;
        if (got != MESSAGE_BYTES)
            bench_die("receive");
        if (number == 0) {
            answered++;
            continue;
        }
        echoed++;
        if (usctp_sendto(sd, text, MESSAGE_BYTES, 0, (struct sockaddr *)&from, length) < 0)
            bench_die("echo");
    }
}

static void process(unsigned number) {
    for (int round = 0; round < 64 && usctp_stack_process(sides[number].stack) > 0; round++)
        continue;
}

static void turn(int timeout_ms) {
    struct epoll_event events[EVENTS];
    int n = epoll_wait(epoll_fd, events, EVENTS, timeout_ms);
    for (int i = 0; i < n; i++) {
        uint64_t what = events[i].data.u64;
        if (what < 2)
            process((unsigned)what);
        else
            read_all((unsigned)((what - 2) / MAX_SIDE),
                     sides[(what - 2) / MAX_SIDE].sockets[(what - 2) % MAX_SIDE]);
    }
}

static void exchange(void) {
    uint64_t all = (uint64_t)side_count * side_count;
    double from_s = bench_cpu_s(), last_answer_s = bench_now_s();
    unsigned quarter = 1;
    printf("\"setup_cpu_quarters_s\": [");
    while (answered < all) {
        uint64_t before = answered;
        for (; asked < all && asked - answered < UNDER_WAY; asked++) {
            struct sockaddr_in to = address_of(&sides[1], (unsigned)(asked % side_count));
            if (usctp_sendto(sides[0].sockets[asked / side_count], message, MESSAGE_BYTES, 0,
                             (struct sockaddr *)&to, sizeof to) < 0)
                bench_die("send");
        }
        turn(100);
        double now_s = bench_now_s();
        if (answered > before)
            last_answer_s = now_s;
        if (now_s - last_answer_s > 30) {
            fprintf(stderr, "many: nothing comes back after %llu of %llu\n",
                    (unsigned long long)answered, (unsigned long long)all);
            exit(1);
        }
        for (; answered >= all * quarter / 4 && quarter <= 4; quarter++) {
            double cpu_s = bench_cpu_s();
            printf("%s%.3f", quarter > 1 ? ", " : "", cpu_s - from_s);
            from_s = cpu_s;
        }
    }
    printf("], ");
}

static uint64_t associations(unsigned number) {
    struct usctp_engine_counters counters;
    if (usctp_stack_counters(sides[number].stack, &counters) != 0)
        bench_die("counters");
    return counters.associations;
}

static void close_all(void) {
    double end_s = bench_now_s() + 120;
    for (unsigned i = 0; i < side_count; i++) {
        usctp_close(sides[0].sockets[i]);
        process(0);
        process(1);
    }
    while (associations(0) + associations(1) > 0 && bench_now_s() < end_s) {
        process(0);
        process(1);
        usleep(100);
    }
    if (associations(0) + associations(1) > 0) {
        fprintf(stderr, "many: %llu associations are left\n",
                (unsigned long long)(associations(0) + associations(1)));
        exit(1);
    }
}

int main(int argc, char **argv) {
    if (argc != 7)
        return 2;
    bench_raise_descriptors();
    side_count = (unsigned)atoi(argv[5]);
    if (side_count < 1 || side_count > MAX_SIDE)
        return 2;
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    for (unsigned i = 0; i < 2; i++) {
        make_stack(&sides[i], argv[1 + i]);
        inet_pton(AF_INET, argv[3 + i], &sides[i].address);
        make_sockets(i);
    }
    double all = (double)side_count * side_count;
    double resident = resident_bytes(), begin_s = bench_now_s();
    printf("{\"associations\": %.0f, ", all);
    exchange();
    double setup_s = bench_now_s() - begin_s;
    printf("\"setup_s\": %.3f, \"bytes_per_association_and_end\": %.0f, ", setup_s,
           (resident_bytes() - resident) / (2 * all));
    for (double end_s = bench_now_s() + 3; bench_now_s() < end_s;)
        turn(100); /* the last SACKs, and what is given back when idle */
    double idle_s = atof(argv[6]), cpu_s = bench_cpu_s();
    for (double end_s = bench_now_s() + idle_s; bench_now_s() < end_s;)
        turn(1000);
    cpu_s = bench_cpu_s() - cpu_s;
    printf("\"idle_cpu_percent\": %.3f, ", 100 * cpu_s / idle_s);
    cpu_s = bench_cpu_s();
    close_all();
    printf("\"close_cpu_s\": %.3f}\n", bench_cpu_s() - cpu_s);
    return echoed == answered && fflush(stdout) == 0 ? 0 : 1;
}
