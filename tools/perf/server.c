/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The server: clients one after the other.  What an association is for, its first message says; one
 * that says nothing and ends is one of a --connect run.
 */
#include "perf/perf.h"

#include "common/report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A client's run, which is one association, or the many of --connect. */
struct session {
    bool is_open;
    enum perf_mode mode;
    struct perf_count count;
    double cpu_start_s;
    uint64_t first_ns, last_ns, since_clock;
};

struct server {
    struct link *link;
    const struct perf_options *options;
    struct session session;
    struct perf_progress progress;
    struct batch *batch;
    uint64_t served;
    int listener;
    struct perf_idle idle;
};

/* One association. */
struct visit {
    int sd;
    bool greeted, has_end, told;
    uint64_t end_messages;
};

static void open_session(struct server *server, enum perf_mode mode) {
    struct session *session = &server->session;
    memset(session, 0, sizeof *session);
    session->is_open = true;
    session->mode = mode;
    session->cpu_start_s = perf_cpu_s();
    session->first_ns = session->last_ns = perf_now_ns();
    perf_progress_start(&server->progress, server->options);
}

/* Sends the account of the session and prints it.  Returns 0, or -1 and errno. */
static int tell(struct server *server, struct visit *visit) {
    struct session *session = &server->session;
    if (session->mode != PERF_CONNECT)
        session->last_ns = perf_now_ns();
    session->count.seconds = (double)(session->last_ns - session->first_ns) / 1e9;
    session->count.cpu_s = perf_cpu_s() - session->cpu_start_s;
    session->is_open = false;
    server->served++;
    visit->told = true;
    perf_server_print(session->mode, &session->count, server->options->json);
    json_t *account = perf_count_json(&session->count);
    if (session->mode == PERF_IDLE) {
        perf_idle_end(&server->idle);
        json_object_set_new(account, "idle", perf_idle_json(&server->idle));
    }
    return perf_control_send(server->link, visit->sd, account);
}

static int keep_idle(struct server *server, struct visit *visit, json_int_t associations) {
    visit->greeted = true;
    if (associations < 1 || associations > 1000000) {
        errno = EPROTO;
        return -1;
    }
    server->session.count.associations = (uint64_t)associations;
    return perf_idle_serve(server->link, server->listener, (uint32_t)associations, &server->idle);
}

/* Returns 0, or -1 and errno. */
static int on_control(struct server *server, struct visit *visit, const void *data, size_t length) {
    json_t *message = perf_control_parse(data, length);
    const json_t *end = json_object_get(message, "end");
    int mode = perf_mode_of(message);
    bool is_end = json_is_integer(end);
    json_int_t associations = json_integer_value(json_object_get(message, "associations"));
    visit->end_messages = (uint64_t)json_integer_value(end);
    json_decref(message);
    if (is_end && visit->greeted) {
        visit->has_end = true;
    } else if (mode == PERF_REPORT && server->session.is_open) {
        return tell(server, visit);
    } else if (mode >= 0 && mode != PERF_REPORT && !visit->greeted) {
        open_session(server, (enum perf_mode)mode);
        if ((mode == PERF_PING || mode == PERF_BULK) && !server->options->polled)
            link_block(visit->sd);
        if (mode == PERF_IDLE)
            return keep_idle(server, visit, associations);
    } else {
        errno = EPROTO;
        return -1;
    }
    visit->greeted = true;
    return 0;
}

static int on_data(struct server *server, struct visit *visit, const struct link_piece *piece,
                   const void *data, size_t length) {
    struct session *session = &server->session;
    if (!visit->greeted) {
        errno = EPROTO;
        return -1;
    }
    session->count.bytes += length;
    session->count.messages += piece->is_end ? 1 : 0;
    if (perf_is_clock_due(++session->since_clock, length)) {
        session->since_clock = 0;
        session->last_ns = perf_now_ns();
        perf_progress_show(&server->progress, &session->count, session->last_ns);
    }
    if (session->mode == PERF_PING)
        return perf_send(server->link, visit->sd, data, length);
    return 0;
}

/* Receives until the client ends.  Returns 0, or an errno. */
static int serve(struct server *server, struct visit *visit) {
    struct link_piece piece;
    const void *data;
    for (;;) {
        ssize_t got = batch_receive(server->batch, server->link, visit->sd, &data, &piece);
        int failed = 0;
        if (got == 0) /* of the many of --connect nobody waits for the last packet */
            return visit->greeted ? link_await_end(server->link, visit->sd) : 0;
        if (got < 0 && errno == EAGAIN)
            failed = link_step(server->link, visit->sd, POLLIN, LINK_FOREVER);
        else if (got < 0)
            failed = -1;
        else if (piece.is_complete)
            return 0;
        else if (!piece.is_notification && piece.ppid == PERF_CONTROL_PPID)
            failed = on_control(server, visit, data, (size_t)got);
        else if (!piece.is_notification)
            failed = on_data(server, visit, &piece, data, (size_t)got);
        if (failed == 0 && visit->has_end && !visit->told &&
            server->session.count.messages >= visit->end_messages)
            failed = tell(server, visit);
        if (failed != 0)
            return errno;
    }
}

static void visit_once(struct server *server, int sd) {
    struct visit visit = {.sd = sd};
    batch_forget(server->batch);
    int error = serve(server, &visit);
    perf_idle_close(&server->idle);
    if (error == 0) {
        link_close_socket(server->link, sd);
        if (!visit.greeted && server->session.is_open && server->session.mode == PERF_CONNECT) {
            server->session.count.associations++;
            server->session.last_ns = perf_now_ns();
            perf_progress_show(&server->progress, &server->session.count, server->session.last_ns);
        }
        return;
    }
    link_abort(server->link, sd);
    if (error == EPROTO)
        report_error("a client that is no usctp-perf was turned away");
    else if (error != EINTR)
        report_error("a client's association is lost: %s", link_error_text(error));
    server->session.is_open = false;
}

int perf_server(struct link *link, const struct perf_options *options) {
    struct server server;
    memset(&server, 0, sizeof server);
    server.link = link;
    server.options = options;
    server.batch = batch_new(options->batch, PERF_BUFFER_BYTES / options->batch);
    if (!options->polled)
        link_block_all(link);
    int listener = server.listener = link_listen(link, 128);
    if (!options->json) {
        printf("listening on SCTP port %u%s\n", options->port,
               options->shared.udp ? " over UDP" : "");
        fflush(stdout);
    }
    while (link_signal() == 0 && !(options->one && server.served > 0)) {
        int sd = link_accept(link, listener);
        if (sd >= 0)
            visit_once(&server, sd);
        else if (errno == EAGAIN || errno == EINTR)
            link_step(link, listener, POLLIN, LINK_FOREVER);
        else if (errno != ECONNABORTED)
            report_die(REPORT_FAILED, "cannot accept: %s", strerror(errno));
    }
    usctp_close(listener);
    batch_free(server.batch);
    return 0;
}
