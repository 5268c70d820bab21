/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the programs of this folder share: bench-common.h tells it.
 */
#define _GNU_SOURCE /* program_invocation_short_name */
#include "bench-common.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { ACCEPT_PORT = 5201, LIFE_S = 120 };

static double clock_s(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

double bench_now_s(void) {
    return clock_s(CLOCK_MONOTONIC);
}

double bench_cpu_s(void) {
    return clock_s(CLOCK_PROCESS_CPUTIME_ID);
}

static int compare(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

void bench_print_percentiles(float *samples_us, size_t count) {
    qsort(samples_us, count, sizeof samples_us[0], compare);
    printf("\"p50_us\": %.1f, \"p99_us\": %.1f}\n", (double)samples_us[count / 2],
           (double)samples_us[count - 1 - count / 100]);
}

static void complain(const char *what) {
    fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, strerror(errno));
}

void bench_die(const char *what) {
    complain(what);
    exit(EXIT_FAILURE);
}

void bench_die_at_once(const char *what) {
    complain(what);
    _exit(EXIT_FAILURE);
}

void bench_raise_descriptors(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* ---- accept.c, usrsctp-accept.c -------------------------------------------------------------- */

bool bench_read_accept(struct bench_accept *out, int argc, char **argv) {
    *out = (struct bench_accept){.address = {.sin_family = AF_INET, .sin_port = htons(ACCEPT_PORT)},
                                 .under_way = 1};
    if (argc < 4 || inet_pton(AF_INET, argv[2], &out->address.sin_addr) != 1)
        return false;
    alarm(LIFE_S);
    signal(SIGTERM, _exit);
    out->serves = strcmp(argv[1], "-s") == 0;
    out->count = (unsigned)atoi(argv[3]);
    if (argc > 4)
        out->under_way = (unsigned)atoi(argv[4]);
    return out->count >= BENCH_PARTS && out->under_way >= 1;
}

void bench_parts_add(struct bench_parts *parts) {
    double now_s = bench_now_s();
    if (parts->done == 0) {
        parts->begin_s = parts->part_s = now_s;
        parts->cpu_s = bench_cpu_s();
    }
    if (++parts->done == (uint64_t)parts->count * (parts->part + 1) / BENCH_PARTS) {
        parts->parts_s[parts->part++] = now_s - parts->part_s;
        parts->part_s = now_s;
    }
}

void bench_parts_print(const struct bench_parts *parts, const char *program) {
    printf("{\"program\": \"%s\", \"associations_per_s\": %.0f, \"cpu_s\": %.3f, \"parts_s\": [",
           program, (parts->count - 1) / (parts->part_s - parts->begin_s),
           bench_cpu_s() - parts->cpu_s);
    for (unsigned part = 0; part < BENCH_PARTS; part++)
        printf("%s%.4f", part > 0 ? ", " : "", parts->parts_s[part]);
    printf("]}\n");
    fflush(stdout);
}
