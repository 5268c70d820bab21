/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * usctp-perf: what its files share.
 *
 * The client says in its first message what it will do; the server follows and, at the end, sends
 * back what it has received and the CPU time that it took.  These messages are JSON with a payload
 * protocol identifier of their own.
 */
#ifndef PERF_PERF_H
#define PERF_PERF_H

#include "common/link.h"
#include "common/options.h"
#include "perf/batch.h"
#include "perf/histogram.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PERF_CONTROL_PPID      0x75737001u
#define PERF_MAX_MESSAGE_BYTES (16u << 20)
#define PERF_BUFFER_BYTES      (256u << 10)
#define PERF_UNKNOWN           (-1)

enum perf_mode { PERF_BULK, PERF_PING, PERF_CONNECT, PERF_REPORT, PERF_IDLE };

struct perf_options {
    struct tool_options shared;
    enum perf_mode mode;
    bool server, one, json, threaded, polled;
    const char *hosts;
    uint16_t port;
    unsigned seconds;
    uint32_t associations; /* of PERF_IDLE */
    size_t message_bytes;
    unsigned batch; /* messages a call */
};

struct perf_path {
    char address[ADDRESS_TEXT_BYTES];
    int state; /* Linux's numbers */
    uint32_t cwnd_bytes, srtt_ms, rto_ms, mtu_bytes;
};

/* One side's account of a run. */
struct perf_count {
    uint64_t bytes, messages, associations;
    double seconds, cpu_s;
};

struct perf_result {
    enum perf_mode mode;
    size_t message_bytes;
    struct perf_count client, server;
    struct histogram rtt_ns;
    int64_t retransmitted_chunks; /* or PERF_UNKNOWN */
    struct perf_path paths[USCTP_MAX_ADDRESSES];
    size_t path_count;
};

/* Return exit statuses. */
int perf_client(struct link *link, const struct perf_options *options);
int perf_server(struct link *link, const struct perf_options *options);

/* ---- control.c ------------------------------------------------------------------------------- */

const char *perf_mode_name(enum perf_mode mode);
/* Returns the mode of a first message, or -1. */
int perf_mode_of(const json_t *hello);
/* Sends a control message, and gives it back to jansson.  Returns 0, or -1 and errno. */
int perf_control_send(struct link *link, int sd, json_t *message);
/* Reads one; NULL when it is none. */
json_t *perf_control_parse(const void *bytes, size_t length);
/* Sends a message, waiting for room.  Returns 0, or -1 and errno. */
int perf_send(struct link *link, int sd, const void *bytes, size_t length);
json_t *perf_count_json(const struct perf_count *count);
/* Returns 0, or -1 when something is missing. */
int perf_count_parse(json_t *message, struct perf_count *count);
/* Whether it is time to look at the clock, after so many messages: it costs a good part of a small
   one. */
bool perf_is_clock_due(uint64_t messages, size_t message_bytes);
/* CPU time of this process so far. */
double perf_cpu_s(void);
uint64_t perf_now_ns(void);

/* ---- idle.c ---------------------------------------------------------------------------------- */

/* One side's account of a --idle run. */
struct perf_idle {
    uint32_t associations;
    int *sockets;
    uint64_t resident_bytes, pair_bytes;
    uint64_t begin_ns, quarter_ns, idle_ns;
    double setup_s, setup_cpu_s, idle_s, idle_cpu_s, quarter_s[4];
    unsigned quarters;
};

/* Accepts so many.  Returns 0, or -1 and errno. */
int perf_idle_serve(struct link *link, int listener, uint32_t associations, struct perf_idle *idle);
/* The client has been idle long enough. */
void perf_idle_end(struct perf_idle *idle);
void perf_idle_close(struct perf_idle *idle);
/* Opens them and is idle. */
void perf_idle_connect(struct link *link, const struct perf_options *options,
                       struct perf_idle *idle);
json_t *perf_idle_json(const struct perf_idle *idle);
void perf_idle_print(const struct perf_idle *idle, const json_t *server, bool json);

/* ---- result.c -------------------------------------------------------------------------------- */

/* The lines of a run, one a second; everything so far, not per second. */
struct perf_progress {
    const struct perf_options *options;
    uint64_t start_ns, next_ns, last_ns;
    uint64_t last_bytes, last_messages, last_associations;
};
void perf_progress_start(struct perf_progress *progress, const struct perf_options *options);
/* Prints a line when a second has passed. */
void perf_progress_show(struct perf_progress *progress, const struct perf_count *count,
                        uint64_t now_ns);
/* Milliseconds until the next line or the end, whichever comes first; at least 0. */
int perf_progress_wait_ms(const struct perf_progress *progress, uint64_t end_ns, uint64_t now_ns);

/* Asks the socket for retransmissions and paths. */
void perf_result_ask(struct perf_result *result, int sd);
void perf_result_print(const struct perf_result *result, bool json);
/* The server's own account of one client. */
void perf_server_print(enum perf_mode mode, const struct perf_count *count, bool json);

#endif
