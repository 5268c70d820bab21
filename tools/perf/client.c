/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The client's three runs: as much as goes through, round trips one after the other, associations
 * one after the other.
 */
#include "perf/perf.h"

#include "common/report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct run {
    struct link *link;
    const struct perf_options *options;
    struct perf_progress progress;
    struct perf_result result;
    unsigned char *buffer; /* a message; PERF_BUFFER_BYTES at least */
    uint64_t start_ns, end_ns;
    double cpu_start_s;
};

static _Noreturn void lost(int error) {
    report_die(REPORT_FAILED, "the association is lost: %s", link_error_text(error));
}

static void fail_unless_signal(int error) {
    if (link_signal() == 0)
        lost(error);
}

static void start_clocks(struct run *run) {
    run->start_ns = perf_now_ns();
    run->end_ns = run->start_ns + (uint64_t)run->options->seconds * 1000000000u;
    run->cpu_start_s = perf_cpu_s();
    perf_progress_start(&run->progress, run->options);
}

static void stop_clocks(struct run *run) {
    run->result.client.seconds = (double)(perf_now_ns() - run->start_ns) / 1e9;
    run->result.client.cpu_s = perf_cpu_s() - run->cpu_start_s;
}

static int connect_once(struct run *run) {
    int sd = link_connect(run->link);
    if (sd < 0 && errno != EINTR)
        link_connect_failed(run->link, errno);
    return sd;
}

static int greet(struct run *run, int sd, enum perf_mode mode) {
    return perf_control_send(run->link, sd,
                             json_pack("{siss}", "usctp-perf", 1, "mode", perf_mode_name(mode)));
}

/* Waits for the server's account; *all, if wanted, is the caller's.  Returns 0, or -1 and errno. */
static int receive_all(struct run *run, int sd, json_t **all) {
    struct link_piece piece;
    for (;;) {
        ssize_t got = link_receive(run->link, sd, run->buffer, PERF_BUFFER_BYTES, &piece);
        if (got < 0 && errno == EAGAIN) {
            if (link_step(run->link, sd, POLLIN, LINK_FOREVER) != 0)
                return -1;
        } else if (got <= 0) {
            if (got == 0)
                errno = ECONNRESET;
            return -1;
        } else if (!piece.is_notification && piece.ppid == PERF_CONTROL_PPID) {
            json_t *message = perf_control_parse(run->buffer, (size_t)got);
            int result = perf_count_parse(message, &run->result.server);
            if (all != NULL)
                *all = json_incref(message);
            json_decref(message);
            if (result != 0)
                errno = EPROTO;
            return result;
        }
    }
}

static int receive_account(struct run *run, int sd) {
    return receive_all(run, sd, NULL);
}

static unsigned streams_out(const struct run *run, int sd) {
    struct sctp_status status;
    socklen_t bytes = sizeof status;
    memset(&status, 0, sizeof status);
    if (!run->options->shared.streams_given ||
        usctp_getsockopt(sd, IPPROTO_SCTP, SCTP_STATUS, &status, &bytes) != 0)
        return 1;
    return status.sstat_outstrms > 0 ? status.sstat_outstrms : 1;
}

/* Sends until the time is up.  Returns 0, or -1 and errno. */
static int send_all(struct run *run, int sd, struct batch *batch) {
    struct perf_count *count = &run->result.client;
    unsigned streams = streams_out(run, sd);
    unsigned sid = 0;
    uint64_t since_clock = 0;
    uint64_t now_ns = perf_now_ns();
    for (;;) {
        if (perf_is_clock_due(since_clock, run->options->message_bytes)) {
            now_ns = perf_now_ns();
            perf_progress_show(&run->progress, count, now_ns);
            since_clock = 0;
        }
        if (now_ns >= run->end_ns || link_signal() != 0)
            return 0;
        int sent = batch_send(batch, sd, run->options->message_bytes, sid, streams);
        if (sent > 0) {
            count->bytes += (uint64_t)sent * run->options->message_bytes;
            count->messages += (uint64_t)sent;
            since_clock += (uint64_t)sent;
            sid = (sid + (unsigned)sent) % streams;
            continue;
        }
        if (errno != EAGAIN && errno != EINTR)
            return -1;
        now_ns = perf_now_ns();
        perf_progress_show(&run->progress, count, now_ns);
        int wait_ms = perf_progress_wait_ms(&run->progress, run->end_ns, now_ns);
        if (link_step(run->link, sd, POLLOUT, wait_ms) != 0)
            return -1;
    }
}

static int bulk(struct run *run) {
    int sd = connect_once(run);
    if (sd < 0)
        return REPORT_FAILED;
    struct batch *batch = batch_new(run->options->batch, run->options->message_bytes);
    start_clocks(run);
    if (!run->options->polled)
        link_block(sd);
    int failed =
        greet(run, sd, PERF_BULK) != 0 || send_all(run, sd, batch) != 0 ||
        perf_control_send(run->link, sd,
                          json_pack("{sI}", "end", (json_int_t)run->result.client.messages)) != 0 ||
        receive_account(run, sd) != 0;
    batch_free(batch);
    if (failed) {
        fail_unless_signal(errno);
        link_abort(run->link, sd);
        return REPORT_FAILED;
    }
    stop_clocks(run);
    perf_result_ask(&run->result, sd);
    return link_finish(run->link, sd);
}

/* One message there and back.  Returns 0, or -1 and errno. */
static int round_trip(struct run *run, int sd) {
    size_t left = run->options->message_bytes;
    struct link_piece piece;
    if (perf_send(run->link, sd, run->buffer, left) != 0)
        return -1;
    while (left > 0) {
        ssize_t got = link_receive(run->link, sd, run->buffer, PERF_BUFFER_BYTES, &piece);
        if (got > 0 && !piece.is_notification)
            left -= (size_t)got < left ? (size_t)got : left;
        if (got > 0)
            continue;
        if (got == 0)
            errno = ECONNRESET;
        if (got == 0 || errno != EAGAIN || link_step(run->link, sd, POLLIN, LINK_FOREVER) != 0)
            return -1;
    }
    return 0;
}

static int ping(struct run *run) {
    struct perf_count *count = &run->result.client;
    int sd = connect_once(run);
    if (sd < 0)
        return REPORT_FAILED;
    start_clocks(run);
    if (!run->options->polled)
        link_block(sd);
    int failed = greet(run, sd, PERF_PING) != 0;
    uint64_t sent_ns = perf_now_ns();
    while (!failed && sent_ns < run->end_ns && link_signal() == 0) {
        failed = round_trip(run, sd) != 0;
        uint64_t back_ns = perf_now_ns();
        if (!failed) {
            histogram_add(&run->result.rtt_ns, back_ns - sent_ns);
            count->messages++;
            count->bytes += run->options->message_bytes;
        }
        perf_progress_show(&run->progress, count, back_ns);
        sent_ns = back_ns;
    }
    failed = failed ||
             perf_control_send(run->link, sd,
                               json_pack("{sI}", "end", (json_int_t)count->messages)) != 0 ||
             receive_account(run, sd) != 0;
    if (failed) {
        fail_unless_signal(errno);
        link_abort(run->link, sd);
        return REPORT_FAILED;
    }
    stop_clocks(run);
    perf_result_ask(&run->result, sd);
    return link_finish(run->link, sd);
}

/* An association that says one thing, or nothing, and ends. */
static int visit(struct run *run, const enum perf_mode *greeting) {
    int sd = connect_once(run);
    if (sd < 0)
        return EINTR;
    if (greeting != NULL && greet(run, sd, *greeting) != 0)
        lost(errno);
    if (greeting != NULL && *greeting == PERF_REPORT) {
        if (receive_account(run, sd) != 0)
            lost(errno);
        perf_result_ask(&run->result, sd);
    }
    return link_finish(run->link, sd);
}

static int connect_run(struct run *run) {
    static const enum perf_mode first = PERF_CONNECT, last = PERF_REPORT;
    if (!run->options->polled)
        link_block_all(run->link);
    int error = visit(run, &first);
    start_clocks(run);
    while (error == 0 && perf_now_ns() < run->end_ns) {
        error = visit(run, NULL);
        run->result.client.associations++;
        perf_progress_show(&run->progress, &run->result.client, perf_now_ns());
    }
    stop_clocks(run);
    return error != 0 ? error : visit(run, &last);
}

static int idle_run(struct run *run) {
    struct perf_idle idle;
    json_t *account = NULL;
    int sd = connect_once(run);
    if (sd < 0)
        return EINTR;
    if (perf_control_send(run->link, sd,
                          json_pack("{sisssI}", "usctp-perf", 1, "mode", perf_mode_name(PERF_IDLE),
                                    "associations", (json_int_t)run->options->associations)) != 0)
        return errno;
    perf_idle_connect(run->link, run->options, &idle);
    if (link_signal() != 0)
        return EINTR;
    if (perf_control_send(run->link, sd, json_pack("{sI}", "end", (json_int_t)0)) != 0 ||
        receive_all(run, sd, &account) != 0)
        return errno;
    perf_idle_print(&idle, json_object_get(account, "idle"), run->options->json);
    json_decref(account);
    perf_idle_close(&idle);
    return link_finish(run->link, sd);
}

int perf_client(struct link *link, const struct perf_options *options) {
    struct run run;
    size_t bytes =
        options->message_bytes > PERF_BUFFER_BYTES ? options->message_bytes : PERF_BUFFER_BYTES;
    memset(&run, 0, sizeof run);
    run.link = link;
    run.options = options;
    run.result.mode = options->mode;
    run.result.message_bytes = options->message_bytes;
    run.result.retransmitted_chunks = PERF_UNKNOWN;
    run.buffer = calloc(1, bytes);
    if (run.buffer == NULL)
        report_die(REPORT_FAILED, "out of memory");
    int error = options->mode == PERF_BULK   ? bulk(&run)
                : options->mode == PERF_PING ? ping(&run)
                : options->mode == PERF_IDLE ? idle_run(&run)
                                             : connect_run(&run);
    free(run.buffer);
    if (link_signal() != 0)
        return REPORT_FAILED;
    if (error != 0)
        lost(error);
    if (options->mode != PERF_IDLE)
        perf_result_print(&run.result, options->json);
    return 0;
}
