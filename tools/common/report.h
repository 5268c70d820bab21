/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the tools say on stderr: errors, one clear line each, and events with the time since the
 * program began.  Safe to call from any thread.
 */
#ifndef COMMON_REPORT_H
#define COMMON_REPORT_H

#include <stdint.h>

enum { REPORT_FAILED = 1, REPORT_USAGE = 2 }; /* exit statuses */

/* Names the program and starts its clock; before anything else. */
void report_start(const char *program);
/* Microseconds since report_start. */
uint64_t report_elapsed_us(void);
const char *report_program(void);

void report_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void report_die(int status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* A line with the relative time. */
void report_event(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
