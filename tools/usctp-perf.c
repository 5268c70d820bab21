/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * usctp-perf: goodput, round trips and set-ups a second between two hosts.
 *
 * This file holds the command line; the runs are in tools/perf/, what usctp-cat needs too is in
 * tools/common/.
 */
#include "perf/perf.h"

#include "common/report.h"

#include <string.h>

static const char help[] =
    "Usage: usctp-perf -s [OPTION]...\n"
    "       usctp-perf -c HOST[,HOST2...] [OPTION]...\n"
    "\n"
    "Measures SCTP from client to server: goodput (by default), round trips, or set-ups. Several\n"
    "hosts are addresses of one server.\n"
    "\n"
    "  -s, --server            serve clients, one after the other\n"
    "      --one               end after one client\n"
    "  -c, --client HOSTS      measure\n"
    "  -p, --port PORT         SCTP port (5201)\n"
    "  -t, --time SECONDS      how long (10)\n"
    "  -l, --length BYTES      message size (8192; with --ping 64)\n"
    "      --ping              round trips, one after the other\n"
    "      --connect           associations set up and shut down, one after the other\n"
    "      --idle N            N associations that do nothing for the time: memory of both ends,\n"
    "                          CPU time, rate of set-up\n"
    "      --batch N           N messages a call (usctp_sendmmsg, usctp_recvmmsg), 1 to 64\n"
    "      --json              the result as one line of JSON\n"
    "      --thread            an I/O thread drives the stack, not the program's own calls\n"
    "      --poll              sockets that do not block, and poll(2), not calls that wait\n"
    "      --busy-poll         calls that wait look again and again before they sleep\n";

enum {
    OPTION_ONE = OPTIONS_OWN,
    OPTION_PING,
    OPTION_CONNECT,
    OPTION_IDLE,
    OPTION_BATCH,
    OPTION_JSON,
    OPTION_THREAD,
    OPTION_POLL,
    OPTION_BUSY_POLL
};
enum { BUSY_POLL_US = 1000 };
static const struct option long_options[] = {
    OPTIONS_LONG,
    {"server", no_argument, NULL, 's'},
    {"client", required_argument, NULL, 'c'},
    {"port", required_argument, NULL, 'p'},
    {"time", required_argument, NULL, 't'},
    {"length", required_argument, NULL, 'l'},
    {"one", no_argument, NULL, OPTION_ONE},
    {"ping", no_argument, NULL, OPTION_PING},
    {"connect", no_argument, NULL, OPTION_CONNECT},
    {"idle", required_argument, NULL, OPTION_IDLE},
    {"batch", required_argument, NULL, OPTION_BATCH},
    {"json", no_argument, NULL, OPTION_JSON},
    {"thread", no_argument, NULL, OPTION_THREAD},
    {"poll", no_argument, NULL, OPTION_POLL},
    {"busy-poll", no_argument, NULL, OPTION_BUSY_POLL},
    {NULL, 0, NULL, 0},
};

static void take(struct perf_options *options, int code, const char *argument) {
    switch (code) {
    case 's':
        options->server = true;
        break;
    case 'c':
        options->hosts = argument;
        break;
    case 'p':
        options->port = (uint16_t)options_number(argument, 1, 65535, "--port");
        break;
    case 't':
        options->seconds = (unsigned)options_number(argument, 1, 86400, "--time");
        break;
    case 'l':
        options->message_bytes =
            (size_t)options_number(argument, 1, PERF_MAX_MESSAGE_BYTES, "--length");
        break;
    case OPTION_ONE:
        options->one = true;
        break;
    case OPTION_PING:
        options->mode = PERF_PING;
        break;
    case OPTION_CONNECT:
        options->mode = PERF_CONNECT;
        break;
    case OPTION_IDLE:
        options->mode = PERF_IDLE;
        options->associations = (uint32_t)options_number(argument, 1, 1000000, "--idle");
        break;
    case OPTION_BATCH:
        options->batch = (unsigned)options_number(argument, 1, BATCH_MOST, "--batch");
        break;
    case OPTION_JSON:
        options->json = true;
        break;
    case OPTION_THREAD:
        options->threaded = true;
        break;
    case OPTION_POLL:
        options->polled = true;
        break;
    case OPTION_BUSY_POLL:
        usctp_config_set(&options->shared.config, USCTP_TUNABLE_busy_poll_us, BUSY_POLL_US);
        break;
    default:
        if (!options_take(&options->shared, code == 'h' ? OPTIONS_HELP : code, argument, help))
            options_bad();
    }
}

int main(int argc, char **argv) {
    struct perf_options options;
    int code;
    memset(&options, 0, sizeof options);
    options.port = 5201;
    options.seconds = 10;
    options.batch = 1;
    report_start("usctp-perf");
    options_init(&options.shared);
    while ((code = getopt_long(argc, argv, "sc:p:t:l:vh", long_options, NULL)) != -1)
        take(&options, code, optarg);
    if (options.server == (options.hosts != NULL) || optind != argc) {
        report_error("either -s or -c HOST is wanted, and nothing beside options");
        options_bad();
    }
    options_check(&options.shared);
    if (options.message_bytes == 0)
        options.message_bytes = options.mode == PERF_PING ? 64 : 8192;
    if (options.mode == PERF_PING || options.server)
        usctp_config_set(&options.shared.config, USCTP_TUNABLE_nodelay, 1);

    link_catch_signals();
    struct link *link = link_open(&options.shared, options.server ? LINK_LISTENER : LINK_CLIENT,
                                  options.hosts, options.port, options.threaded);
    int status = options.server ? perf_server(link, &options) : perf_client(link, &options);
    if (link_close(link) != 0 && status == 0)
        status = REPORT_FAILED;
    return link_signal() != 0 ? 128 + link_signal() : status;
}
