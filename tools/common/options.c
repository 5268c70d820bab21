/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Shared options.  Times on the command line are milliseconds, but for --set, whose names and units
 * are those of usctp/config.h.
 */
#include "common/options.h"

#include "common/report.h"
#include "usctp/usctp.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char options_help[] =
    "  --udp[=PORT]            SCTP in UDP (RFC 6951), which needs no privilege: the peer's port "
    "for\n"
    "                          a client, the local one for a listener (9899)\n"
    "  --transport KIND        raw; udp: as --udp; xdp: raw packets by AF_XDP, where the\n"
    "                          interface allows it (raw)\n"
    "  --bind ADDR[,ADDR2...]  local addresses (all of the host)\n"
    "  --streams N             outgoing streams to ask for\n"
    "  --rto MIN,INITIAL,MAX   retransmission timeouts in ms (1000,1000,60000)\n"
    "  --sack-delay MS         how long a SACK may be delayed (200); keep it below RTO.Min\n"
    "  --heartbeat MS          HB.interval (30000)\n"
    "  --set NAME=VALUE        any tunable of usctp/config.h; --set help lists them\n"
    "  --no-speaker            leave it to others to answer packets for ports that nobody has\n"
    "  --pcap FILE             write every packet, as the stack sends and receives it\n"
    "  --trace FILE            write what the stack does as JSON lines\n"
    "  --stats[=json]          print all counters on stderr at the end\n"
    "  -v, --verbose           events and path states on stderr; twice: windows, RTO and losses\n"
    "      --help, --version\n";

void options_init(struct tool_options *options) {
    memset(options, 0, sizeof *options);
    usctp_config_defaults(&options->config);
}

uint64_t options_number(const char *text, uint64_t minimum, uint64_t maximum, const char *what) {
    char *end = NULL;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || number < minimum ||
        number > maximum)
        report_die(REPORT_USAGE, "%s must be a number from %" PRIu64 " to %" PRIu64 ", not \"%s\"",
                   what, minimum, maximum, text);
    return number;
}

static void tune(struct tool_options *options, enum usctp_tunable tunable, uint64_t value) {
    const struct usctp_tunable_info *info = usctp_tunable_info(tunable);
    if (usctp_config_set(&options->config, tunable, value) != 0)
        report_die(REPORT_USAGE, "%s must be from %" PRIu64 " to %" PRIu64 " %s, not %" PRIu64,
                   info->name, info->minimum, info->maximum, info->unit, value);
}

static void tune_ms(struct tool_options *options, enum usctp_tunable tunable, const char *text,
                    const char *what) {
    tune(options, tunable, options_number(text, 0, 864000000, what) * USCTP_MS);
}

static void take_rto(struct tool_options *options, const char *argument) {
    static const enum usctp_tunable order[] = {
        USCTP_TUNABLE_rto_min_us, USCTP_TUNABLE_rto_initial_us, USCTP_TUNABLE_rto_max_us};
    char copy[64];
    char *rest = copy;
    if (strlen(argument) >= sizeof copy)
        report_die(REPORT_USAGE, "--rto takes MIN,INITIAL,MAX in ms, not \"%s\"", argument);
    strcpy(copy, argument);
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        const char *part = strsep(&rest, ",");
        if (part == NULL)
            break;
        tune_ms(options, order[i], part, "--rto");
        if (i == 2 && rest == NULL)
            return;
    }
    report_die(REPORT_USAGE, "--rto takes MIN,INITIAL,MAX in ms, not \"%s\"", argument);
}

_Noreturn void options_list_tunables(void) {
    puts("name=default (smallest..largest unit, where it comes from)");
    for (int i = 0; i < (int)USCTP_TUNABLE_COUNT; i++) {
        const struct usctp_tunable_info *row = usctp_tunable_info((enum usctp_tunable)i);
        printf("%s=%" PRIu64 " (%" PRIu64 "..%" PRIu64 " %s%s%s)\n", row->name, row->initial,
               row->minimum, row->maximum, row->unit, row->section[0] != '\0' ? ", " : "",
               row->section);
    }
    exit(0);
}

static void take_set(struct tool_options *options, const char *argument) {
    size_t length = strcspn(argument, "=");
    if (strcmp(argument, "help") == 0)
        options_list_tunables();
    enum usctp_tunable tunable = usctp_tunable_by_name(argument, length);
    if (argument[length] != '=')
        report_die(REPORT_USAGE, "--set takes NAME=VALUE, not \"%s\"", argument);
    if (tunable == USCTP_TUNABLE_COUNT)
        report_die(REPORT_USAGE, "no tunable is called \"%.*s\" (--set help lists them)",
                   (int)length, argument);
    const struct usctp_tunable_info *info = usctp_tunable_info(tunable);
    tune(options, tunable,
         options_number(argument + length + 1, info->minimum, info->maximum, info->name));
}

static _Noreturn void finish(const char *text) {
    fputs(text, stdout);
    exit(fflush(stdout) == 0 ? 0 : REPORT_FAILED);
}

static void take_transport(struct tool_options *options, const char *kind) {
    options->xdp = strcmp(kind, "xdp") == 0;
    options->udp = strcmp(kind, "udp") == 0;
    if (options->udp && options->udp_port == 0)
        options->udp_port = USCTP_UDP_PORT;
    if (!options->xdp && !options->udp && strcmp(kind, "raw") != 0)
        report_die(REPORT_USAGE, "--transport takes raw, udp or xdp, not \"%s\"", kind);
}

bool options_take(struct tool_options *options, int code, const char *argument, const char *help) {
    switch (code) {
    case OPTIONS_UDP:
        options->udp = true;
        options->udp_port = USCTP_UDP_PORT;
        if (argument != NULL)
            options->udp_port = (uint16_t)options_number(argument, 1, 65535, "--udp");
        return true;
    case OPTIONS_TRANSPORT:
        take_transport(options, argument);
        return true;
    case OPTIONS_BIND:
        options->bind = argument;
        return true;
    case OPTIONS_PCAP:
        options->pcap = argument;
        return true;
    case OPTIONS_TRACE:
        options->trace = argument;
        return true;
    case OPTIONS_STATS:
        options->stats = true;
        options->stats_json = argument != NULL;
        if (argument != NULL && strcmp(argument, "json") != 0)
            report_die(REPORT_USAGE, "--stats takes json or nothing, not \"%s\"", argument);
        return true;
    case OPTIONS_STREAMS:
        tune(options, USCTP_TUNABLE_outbound_streams,
             options_number(argument, 1, 65535, "--streams"));
        options->streams_given = true;
        return true;
    case OPTIONS_RTO:
        take_rto(options, argument);
        return true;
    case OPTIONS_SACK_DELAY:
        tune_ms(options, USCTP_TUNABLE_sack_delay_us, argument, "--sack-delay");
        return true;
    case OPTIONS_HEARTBEAT:
        tune_ms(options, USCTP_TUNABLE_hb_interval_us, argument, "--heartbeat");
        return true;
    case OPTIONS_SET:
        take_set(options, argument);
        return true;
    case OPTIONS_NO_SPEAKER:
        options->no_speaker = true;
        return true;
    case 'v':
        options->verbosity++;
        return true;
    case OPTIONS_HELP:
        fputs(help, stdout);
        finish(options_help);
    case OPTIONS_VERSION:
        printf("%s (usctp) ", report_program());
        finish(USCTP_TOOL_VERSION "\n");
    default:
        return false;
    }
}

void options_check(const struct tool_options *options) {
    const struct usctp_config *config = &options->config;
    if (options->xdp && options->udp)
        report_die(REPORT_USAGE, "--udp and --transport xdp do not go together");
    if (config->rto_min_us > config->rto_initial_us || config->rto_initial_us > config->rto_max_us)
        report_die(REPORT_USAGE, "the RTO must have MIN <= INITIAL <= MAX");
    /* RFC 9260 6.3.1: a peer that delays its SACK longer than RTO.Min causes timeouts for nothing.
     */
    if (config->sack_delay_us >= config->rto_min_us)
        report_error("warning: the SACK delay is not below RTO.Min; with the same settings at the "
                     "peer, timers would expire for nothing");
}

_Noreturn void options_bad(void) {
    fprintf(stderr, "Try '%s --help'.\n", report_program());
    exit(REPORT_USAGE);
}
