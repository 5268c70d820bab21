/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The options that usctp-cat and usctp-perf share: where from, over what, and every tunable of
 * usctp/config.h.  A program puts OPTIONS_LONG into its getopt_long table and offers what it does
 * not know itself to options_take.
 */
#ifndef COMMON_OPTIONS_H
#define COMMON_OPTIONS_H

#include "usctp/config.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>

struct tool_options {
    bool udp;
    bool xdp;          /* raw, by AF_XDP */
    uint16_t udp_port; /* with udp: a client's peer's port, a listener's own */
    const char *bind;  /* local hosts, or NULL */
    const char *pcap;  /* capture file, or NULL */
    const char *trace; /* JSON lines, or NULL */
    bool stats, stats_json;
    unsigned verbosity;
    bool streams_given;
    bool no_speaker; /* leave packets for nobody's ports unanswered */
    struct usctp_config config;
};

enum options_code {
    OPTIONS_UDP = 256,
    OPTIONS_BIND,
    OPTIONS_PCAP,
    OPTIONS_TRACE,
    OPTIONS_STATS,
    OPTIONS_STREAMS,
    OPTIONS_RTO,
    OPTIONS_SACK_DELAY,
    OPTIONS_HEARTBEAT,
    OPTIONS_SET,
    OPTIONS_NO_SPEAKER,
    OPTIONS_TRANSPORT,
    OPTIONS_HELP,
    OPTIONS_VERSION,
    OPTIONS_OWN, /* the first code of a program's own */
};

/* clang-format off */
#define OPTIONS_LONG                                                                               \
    {"udp", optional_argument, NULL, OPTIONS_UDP},                                                 \
    {"transport", required_argument, NULL, OPTIONS_TRANSPORT},                                     \
    {"bind", required_argument, NULL, OPTIONS_BIND},                                               \
    {"pcap", required_argument, NULL, OPTIONS_PCAP},                                               \
    {"trace", required_argument, NULL, OPTIONS_TRACE},                                             \
    {"stats", optional_argument, NULL, OPTIONS_STATS},                                             \
    {"streams", required_argument, NULL, OPTIONS_STREAMS},                                         \
    {"rto", required_argument, NULL, OPTIONS_RTO},                                                 \
    {"sack-delay", required_argument, NULL, OPTIONS_SACK_DELAY},                                   \
    {"heartbeat", required_argument, NULL, OPTIONS_HEARTBEAT},                                     \
    {"set", required_argument, NULL, OPTIONS_SET},                                                 \
    {"no-speaker", no_argument, NULL, OPTIONS_NO_SPEAKER},                                         \
    {"verbose", no_argument, NULL, 'v'},                                                           \
    {"help", no_argument, NULL, OPTIONS_HELP},                                                     \
    {"version", no_argument, NULL, OPTIONS_VERSION}
/* clang-format on */

/* What --help says of them. */
extern const char options_help[];

void options_init(struct tool_options *options);
/*
 * Takes an option; returns false for a code that is not one of these.  A bad argument ends the
 * program with one line, and so do --version and, with `help` printed, --help.
 */
bool options_take(struct tool_options *options, int code, const char *argument, const char *help);
/* A number between minimum and maximum, or the end of the program; `what` names it. */
uint64_t options_number(const char *text, uint64_t minimum, uint64_t maximum, const char *what);
/* --set help: prints every tunable and ends the program. */
_Noreturn void options_list_tunables(void);
/* After the last option: what does not fit together. */
void options_check(const struct tool_options *options);
/* Ends the program where getopt_long has found fault (it has said so). */
_Noreturn void options_bad(void);

#endif
