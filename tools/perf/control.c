/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Control messages between client and server, and the clocks that both read.
 */
#include "perf/perf.h"

#include "common/report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static const char *const mode_names[] = {
    [PERF_BULK] = "bulk",     [PERF_PING] = "ping", [PERF_CONNECT] = "connect",
    [PERF_REPORT] = "report", [PERF_IDLE] = "idle",
};

const char *perf_mode_name(enum perf_mode mode) {
    return mode_names[mode];
}

int perf_mode_of(const json_t *hello) {
    const char *name = json_string_value(json_object_get(hello, "mode"));
    if (name == NULL || json_integer_value(json_object_get(hello, "usctp-perf")) != 1)
        return -1;
    for (size_t i = 0; i < sizeof mode_names / sizeof mode_names[0]; i++)
        if (strcmp(name, mode_names[i]) == 0)
            return (int)i;
    return -1;
}

static int send_with(struct link *link, int sd, const void *bytes, size_t length, uint32_t ppid) {
    while (link_send(sd, bytes, length, 0, ppid) < 0) {
        if (errno != EAGAIN && errno != EINTR)
            return -1;
        if (link_step(link, sd, POLLOUT, LINK_FOREVER) != 0)
            return -1;
    }
    return 0;
}

int perf_send(struct link *link, int sd, const void *bytes, size_t length) {
    return send_with(link, sd, bytes, length, 0);
}

int perf_control_send(struct link *link, int sd, json_t *message) {
    char *text = message != NULL ? json_dumps(message, JSON_COMPACT) : NULL;
    json_decref(message);
    if (text == NULL)
        report_die(REPORT_FAILED, "out of memory");
    int result = send_with(link, sd, text, strlen(text), PERF_CONTROL_PPID);
    int error = errno;
    free(text);
    errno = error;
    return result;
}

json_t *perf_control_parse(const void *bytes, size_t length) {
    return json_loadb(bytes, length, 0, NULL);
}

json_t *perf_count_json(const struct perf_count *count) {
    return json_pack("{sIsIsIsfsf}", "bytes", (json_int_t)count->bytes, "messages",
                     (json_int_t)count->messages, "associations", (json_int_t)count->associations,
                     "seconds", count->seconds, "cpu_s", count->cpu_s);
}

int perf_count_parse(json_t *message, struct perf_count *count) {
    json_int_t bytes, messages, associations;
    if (json_unpack(message, "{sIsIsIsFsF}", "bytes", &bytes, "messages", &messages, "associations",
                    &associations, "seconds", &count->seconds, "cpu_s", &count->cpu_s) != 0)
        return -1;
    count->bytes = (uint64_t)bytes;
    count->messages = (uint64_t)messages;
    count->associations = (uint64_t)associations;
    return 0;
}

bool perf_is_clock_due(uint64_t messages, size_t message_bytes) {
    return messages >= 16 || messages * message_bytes >= 1024;
}

double perf_cpu_s(void) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

uint64_t perf_now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
