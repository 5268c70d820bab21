/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lines on stderr.  Each is put together first and written with one call, so that lines of several
 * threads, or of several programs into one pipe, do not mix.
 */
#include "common/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static const char *program_name = "usctp";
static uint64_t started_us;

static uint64_t clock_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

void report_start(const char *program) {
    program_name = program;
    started_us = clock_us();
}

uint64_t report_elapsed_us(void) {
    return clock_us() - started_us;
}

const char *report_program(void) {
    return program_name;
}

static void say(const char *format, va_list arguments) {
    char text[1024];
    vsnprintf(text, sizeof text, format, arguments);
    fprintf(stderr, "%s: %s\n", program_name, text);
}

void report_error(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    say(format, arguments);
    va_end(arguments);
}

_Noreturn void report_die(int status, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    say(format, arguments);
    va_end(arguments);
    exit(status);
}

void report_event(const char *format, ...) {
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    fprintf(stderr, "%8.3f  %s\n", (double)report_elapsed_us() / 1e6, text);
}
