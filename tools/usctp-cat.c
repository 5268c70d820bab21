/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * usctp-cat: stdin to the peer, the peer to stdout, over one association.
 *
 * This file holds the command line; tools/cat/transfer.c moves the bytes, tools/common/ is shared
 * with usctp-perf.
 */
#include "cat/transfer.h"
#include "common/link.h"
#include "common/options.h"
#include "common/report.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static const char help[] =
    "Usage: usctp-cat [OPTION]... HOST[,HOST2...] PORT\n"
    "       usctp-cat -l [OPTION]... [ADDR[,ADDR2...]] PORT\n"
    "\n"
    "Sends stdin to an SCTP peer and writes what the peer sends to stdout. Several hosts are\n"
    "addresses of one peer: the association uses all of them, the first is the primary path.\n"
    "\n"
    "SCTP has no half-close. The end of a client's stdin starts the graceful shutdown, in which "
    "all\n"
    "that was sent is acknowledged; the end of a listener's does not: a listener takes one\n"
    "association and ends with it. Exit status 0 means that the shutdown was clean.\n"
    "\n"
    "  -l, --listen            wait for a peer\n"
    "      --both              on both sides: shut down when both stdins have ended\n"
    "      --message BYTES     send messages of this size (what a read gives, up to 65536)\n";

enum { OPTION_BOTH = OPTIONS_OWN, OPTION_MESSAGE };
static const struct option long_options[] = {
    OPTIONS_LONG,
    {"listen", no_argument, NULL, 'l'},
    {"both", no_argument, NULL, OPTION_BOTH},
    {"message", required_argument, NULL, OPTION_MESSAGE},
    {NULL, 0, NULL, 0},
};

struct command {
    struct tool_options shared;
    struct transfer_options transfer;
    const char *hosts;
    uint16_t port;
};

static void parse(struct command *command, int argc, char **argv) {
    int code;
    options_init(&command->shared);
    while ((code = getopt_long(argc, argv, "lvh", long_options, NULL)) != -1) {
        if (code == 'l')
            command->transfer.listening = true;
        else if (code == OPTION_BOTH)
            command->transfer.both = true;
        else if (code == OPTION_MESSAGE)
            command->transfer.message_bytes =
                (size_t)options_number(optarg, 1, TRANSFER_MAX_MESSAGE_BYTES, "--message");
        else if (!options_take(&command->shared, code == 'h' ? OPTIONS_HELP : code, optarg, help))
            options_bad();
    }
    options_check(&command->shared);
    int left = argc - optind;
    if (left < 1 || left > 2 || (left == 1 && !command->transfer.listening)) {
        report_error(command->transfer.listening ? "PORT is wanted after -l, or ADDR and PORT"
                                                 : "HOST and PORT are wanted");
        options_bad();
    }
    command->hosts = left == 2 ? argv[optind] : NULL;
    command->port = (uint16_t)options_number(argv[argc - 1], 1, 65535, "PORT");
}

/* Returns the association's socket, or -1 after a signal. */
static int connect_or_accept(const struct command *command, struct link *link) {
    int sd;
    if (!command->transfer.listening) {
        sd = link_connect(link);
        if (sd < 0 && errno != EINTR)
            link_connect_failed(link, errno);
        return sd;
    }
    int listener = link_listen(link, 1);
    if (command->shared.verbosity > 0)
        report_event("listening on port %u", command->port);
    struct pollfd polled = {.fd = listener, .events = POLLIN};
    do {
        if (link_poll(link, &polled, 1, LINK_FOREVER) < 0)
            return -1;
        sd = link_accept(link, listener);
    } while (sd < 0 && (errno == EAGAIN || errno == ECONNABORTED));
    if (sd < 0)
        report_die(REPORT_FAILED, "cannot accept: %s", strerror(errno));
    usctp_close(listener);
    return sd;
}

int main(int argc, char **argv) {
    struct command command;
    memset(&command, 0, sizeof command);
    report_start("usctp-cat");
    parse(&command, argc, argv);
    link_catch_signals();
    struct link *link =
        link_open(&command.shared, command.transfer.listening ? LINK_LISTENER : LINK_CLIENT,
                  command.hosts, command.port, true);
    int status = REPORT_FAILED;
    int sd = connect_or_accept(&command, link);
    if (sd >= 0) {
        command.transfer.in_turn = command.shared.streams_given;
        status = transfer_run(link, sd, &command.transfer);
    }
    if (link_close(link) != 0 && status == 0)
        status = REPORT_FAILED;
    return link_signal() != 0 ? 128 + link_signal() : status;
}
