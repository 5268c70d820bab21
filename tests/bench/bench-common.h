/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the programs of this folder share, those of other stacks among them, so that all measure in
 * one way: clocks, percentiles, the end in failure, and how accept.c and usrsctp-accept.c are
 * called and what their servers print. Nothing here knows a stack.
 */
#ifndef BENCH_COMMON_H
#define BENCH_COMMON_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

double bench_now_s(void);
/* Of the whole process, user and system. */
double bench_cpu_s(void);
/* Sorts the samples, one at least, and prints their median and 99th percentile as the last members
 * of a JSON object. */
void bench_print_percentiles(float *samples_us, size_t count);

/* Ends the program with a line on stderr: its name, this, and errno's text. */
_Noreturn void bench_die(const char *what);
/* The same for who has usrsctp's threads running, which exit() would disturb. */
_Noreturn void bench_die_at_once(const char *what);

/* As many descriptors as the process may have. */
void bench_raise_descriptors(void);

/* ---- accept.c, usrsctp-accept.c -------------------------------------------------------------- */

enum { BENCH_PARTS = 8 };

struct bench_accept {
    struct sockaddr_in address;
    unsigned count, under_way;
    bool serves;
};

/* Reads -s ADDRESS COUNT | -c ADDRESS COUNT [UNDER-WAY], and sees to it that the process ends some
 * time, and quietly by SIGTERM. Returns false where that is not what it was called with. */
bool bench_read_accept(struct bench_accept *out, int argc, char **argv);

/* How long each part of `count` associations takes, from the first one on. */
struct bench_parts {
    unsigned count, done, part;
    double begin_s, part_s, cpu_s, parts_s[BENCH_PARTS];
};

/* One more is there. */
void bench_parts_add(struct bench_parts *parts);
void bench_parts_print(const struct bench_parts *parts, const char *program);

#endif
