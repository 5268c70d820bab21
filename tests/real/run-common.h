/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the programs run-*.c share, which know nothing of usctp: associations over the loopback, and
 * checks that are counted and printed. What they expect is what Linux does: the same binaries must
 * pass over the kernel's SCTP (test_run_kernel.sh) and under usctp-run (test_run.sh).
 */
#ifndef REAL_RUN_COMMON_H
#define REAL_RUN_COMMON_H

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { WAIT_MS = 10000 };

extern int failures;

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            printf("line %d: not so: %s (errno %d, %s)\n", __LINE__, #condition, errno,            \
                   strerror(errno));                                                               \
            failures++;                                                                            \
        }                                                                                          \
    } while (0)

/* A port of the loopback. Ports are in network order. */
struct sockaddr_in here(uint16_t port);
/* A listener on a port of the loopback that is free. */
int listen_here(int type, uint16_t *port);
/* Whether these events, or one of them, come in a time that is long enough. */
bool ready(int fd, short events);
/* Two ends of an association, blocking. */
void make_pair(int ends[2]);
void close_pair(const int ends[2]);
/* One message there. */
void exchange(int from, int to);
/* Runs a group of checks, prints one line. */
void run(const char *name, void (*check)(void));

#endif
