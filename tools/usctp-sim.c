/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * usctp-sim: two hosts with the real engine, the network between them and its users, in virtual
 * time.
 *
 * This file holds the command line; the parts are in tools/sim/, what all tools need is in
 * tools/common/.  docs/usctp-sim.md tells of scenarios.
 */
#include "common/options.h"
#include "common/report.h"
#include "sim/crowd.h"
#include "sim/quantity.h"
#include "sim/summary.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char help[] =
    "Usage: usctp-sim [OPTION]... [SCENARIO]\n"
    "\n"
    "Plays a scenario (a file, - for standard input, or flags alone) with the real engine in\n"
    "virtual time, checks that everything arrives and that every rule is kept, and says how it\n"
    "went. The same seed gives the same bytes in every output. Exit status 1 when something did\n"
    "not arrive or a rule was broken; a line then says how to see it again.\n"
    "\n"
    "  -s, --seed N            seed (1)\n"
    "      --runs N            as many runs with the seeds that follow, one line each\n"
    "      --seconds N         traffic for N seconds of virtual time\n"
    "      --path 'KEY VALUE, ...'      add a path; with N: in front, change path N\n"
    "      --traffic 'KEY VALUE, ...'   add traffic\n"
    "      --scenario 'KEY VALUE, ...'  what stands before all sections\n"
    "      --set [a:|b:]NAME=VALUE      any tunable of usctp/config.h; --set help lists them\n"
    "      --json              the summary as JSON\n"
    "      --print NAME,...    these values of it only, as a.goodput_bits_per_s, paths.0.a.lost\n"
    "      --series FILE       CSV: cwnd, flight, RTO and goodput of each path and interval\n"
    "      --trace FILE        what both engines do as JSON lines\n"
    "      --pcap FILE         every packet as host a sends and receives it\n"
    "      --pcap-b FILE       as host b does\n"
    "      --associations N    no scenario: N associations between two engines, up to 1,000,000,\n"
    "                          and what each costs; with --seed, --set and --json alone\n"
    "  -q, --quiet             no summary\n"
    "  -v, --verbose           how long it took, on stderr\n"
    "      --help, --version\n"
    "\n"
    "Keys of a path (each but address, interface and icmp may have a or b behind it, for what\n"
    "that host sends alone; \"at TIME\" before one makes it happen then):\n"
    "  rate 10Mbit | unlimited   delay 10ms   jitter 2ms   loss 1%   burst 0.1% 20% (begin, end)\n"
    "  reorder 1% 5ms   duplicate 1%   corrupt 1%   queue 100   mtu 1500   cut 10s [30s]\n"
    "  address a 10.0.0.1   interface 1500   icmp on|off\n"
    "Keys of traffic:\n"
    "  from a|b   size 1000 | 100 10kB   rate bulk | 2Mbit   streams 1   unordered 10%\n"
    "  total 10MB   start 0   stop 30s\n"
    "Keys of hosts (and any tunable; both hosts', or one's: --set b:restart='10s 12s'):\n"
    "  read bulk | 250kB   restart 10s [12s] (all it knows is lost; when it is back)\n"
    "Keys before all sections:\n"
    "  seed 1   duration 60s   limit 1h   interval 100ms   associations 1   spread 10s\n";

enum {
    OPTION_RUNS = OPTIONS_OWN,
    OPTION_SECONDS,
    OPTION_PATH,
    OPTION_TRAFFIC,
    OPTION_SCENARIO,
    OPTION_SET,
    OPTION_JSON,
    OPTION_PRINT,
    OPTION_SERIES,
    OPTION_TRACE,
    OPTION_PCAP,
    OPTION_PCAP_B,
    OPTION_ASSOCIATIONS,
    OPTION_HELP,
    OPTION_VERSION,
};
static const struct option long_options[] = {
    {"seed", required_argument, NULL, 's'},
    {"runs", required_argument, NULL, OPTION_RUNS},
    {"seconds", required_argument, NULL, OPTION_SECONDS},
    {"path", required_argument, NULL, OPTION_PATH},
    {"traffic", required_argument, NULL, OPTION_TRAFFIC},
    {"scenario", required_argument, NULL, OPTION_SCENARIO},
    {"set", required_argument, NULL, OPTION_SET},
    {"json", no_argument, NULL, OPTION_JSON},
    {"print", required_argument, NULL, OPTION_PRINT},
    {"series", required_argument, NULL, OPTION_SERIES},
    {"trace", required_argument, NULL, OPTION_TRACE},
    {"pcap", required_argument, NULL, OPTION_PCAP},
    {"pcap-b", required_argument, NULL, OPTION_PCAP_B},
    {"associations", required_argument, NULL, OPTION_ASSOCIATIONS},
    {"quiet", no_argument, NULL, 'q'},
    {"verbose", no_argument, NULL, 'v'},
    {"help", no_argument, NULL, OPTION_HELP},
    {"version", no_argument, NULL, OPTION_VERSION},
    {NULL, 0, NULL, 0},
};

struct sim_options {
    struct world_outputs outputs;
    const char *print;
    uint64_t runs;
    uint32_t associations; /* of a crowd; 0: a scenario is played */
    bool json, quiet, verbose;
};

/* ---- how to see it again ---- */

static char replay[4096];
static size_t replay_bytes; /* without the seed */

static void replay_add(const char *text, bool quoted) {
    if (replay_bytes + 4 * strlen(text) + 8 > sizeof replay)
        return;
    if (quoted)
        replay[replay_bytes++] = '\'';
    for (; *text != '\0'; text++) {
        if (quoted && *text == '\'')
            replay_bytes += (size_t)sprintf(replay + replay_bytes, "'\\'");
        replay[replay_bytes++] = *text;
    }
    if (quoted)
        replay[replay_bytes++] = '\'';
    replay[replay_bytes] = '\0';
}

/* The command line as it was, but for --runs and the seed. */
static void replay_start(int argc, char **argv) {
    for (int i = 0; i < argc; i++) {
        if (strncmp(argv[i], "--runs", 6) == 0) {
            i += argv[i][6] == '\0';
            continue;
        }
        if (i > 0)
            replay_add(" ", false);
        size_t plain = strspn(argv[i], "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                       "0123456789-_=:,./+%");
        replay_add(argv[i], argv[i][plain] != '\0' || plain == 0);
    }
}

static void replay_seed(uint64_t seed) {
    snprintf(replay + replay_bytes, sizeof replay - replay_bytes, " --seed %" PRIu64, seed);
}

/* An engine that finds itself broken stops with a trap. */
static void on_trap(int number) {
    static const char before[] = "usctp-sim: the engine broke a promise; replay with: ";
    (void)!write(STDERR_FILENO, before, sizeof before - 1);
    (void)!write(STDERR_FILENO, replay, strlen(replay));
    (void)!write(STDERR_FILENO, "\n", 1);
    signal(number, SIG_DFL);
    raise(number);
}

/* ---- the command line ---- */

static void read_flag(struct scenario_reader *reader, const char *section, const char *text) {
    if (!scenario_read_flag(reader, section, text))
        report_die(REPORT_USAGE, "%s", reader->error);
}

static void take_path(struct scenario_reader *reader, const char *text) {
    char section[32];
    size_t digits = strspn(text, "0123456789");
    reader->name = "--path";
    if (digits == 0 || digits > 3 || text[digits] != ':') {
        read_flag(reader, "path", text);
        return;
    }
    snprintf(section, sizeof section, "path %.*s", (int)digits, text);
    read_flag(reader, section, text + digits + 1);
}

static void take_set(struct scenario_reader *reader, const char *text) {
    char line[200];
    const char *section = "hosts";
    if (strcmp(text, "help") == 0)
        options_list_tunables();
    if ((text[0] == 'a' || text[0] == 'b') && text[1] == ':') {
        section = text[0] == 'a' ? "host a" : "host b";
        text += 2;
    }
    size_t name = strcspn(text, "=");
    if (text[name] != '=' || strlen(text) >= sizeof line || strchr(text, ',') != NULL)
        report_die(REPORT_USAGE, "--set takes NAME=VALUE, not \"%s\"", text);
    strcpy(line, text);
    line[name] = ' ';
    reader->name = "--set";
    read_flag(reader, section, line);
}

static void take_output(struct sim_options *options, int code, const char *argument) {
    const char **const places[] = {
        [0] = &options->outputs.series,
        [OPTION_TRACE - OPTION_SERIES] = &options->outputs.trace,
        [OPTION_PCAP - OPTION_SERIES] = &options->outputs.pcap[0],
        [OPTION_PCAP_B - OPTION_SERIES] = &options->outputs.pcap[1],
    };
    *places[code - OPTION_SERIES] = argument;
}

static void take(struct sim_options *options, struct scenario_reader *reader, int code,
                 const char *argument) {
    struct scenario *s = reader->scenario;
    switch (code) {
    case 's':
        s->seed = options_number(argument, 0, UINT64_MAX - 1, "--seed");
        break;
    case OPTION_RUNS:
        options->runs = options_number(argument, 1, 1000000000, "--runs");
        break;
    case OPTION_SECONDS:
        s->duration_us = options_number(argument, 1, 86400000, "--seconds") * USCTP_S;
        break;
    case OPTION_PATH:
        take_path(reader, argument);
        break;
    case OPTION_TRAFFIC:
        reader->name = "--traffic";
        read_flag(reader, "traffic", argument);
        break;
    case OPTION_SCENARIO:
        reader->name = "--scenario";
        reader->section = SCENARIO_GLOBAL;
        read_flag(reader, NULL, argument);
        break;
    case OPTION_SET:
        take_set(reader, argument);
        break;
    case OPTION_JSON:
        options->json = true;
        break;
    case OPTION_PRINT:
        options->print = argument;
        break;
    case OPTION_SERIES:
    case OPTION_TRACE:
    case OPTION_PCAP:
    case OPTION_PCAP_B:
        take_output(options, code, argument);
        break;
    case OPTION_ASSOCIATIONS:
        options->associations =
            (uint32_t)options_number(argument, 1, CROWD_MAX_ASSOCIATIONS, "--associations");
        break;
    case 'q':
        options->quiet = true;
        break;
    case 'v':
        options->verbose = true;
        break;
    case OPTION_HELP:
        fputs(help, stdout);
        exit(fflush(stdout) == 0 ? 0 : REPORT_FAILED);
    case OPTION_VERSION:
        printf("usctp-sim (usctp) %s\n", USCTP_TOOL_VERSION);
        exit(fflush(stdout) == 0 ? 0 : REPORT_FAILED);
    default:
        options_bad();
    }
}

static void read_file(struct scenario_reader *reader, const char *name) {
    bool is_input = strcmp(name, "-") == 0;
    FILE *file = is_input ? stdin : fopen(name, "re");
    if (file == NULL)
        report_die(REPORT_USAGE, "cannot read %s: %s", name, strerror(errno));
    reader->name = name;
    if (!scenario_read_file(reader, file))
        report_die(REPORT_USAGE, "%s", reader->error);
    if (!is_input)
        fclose(file);
    reader->line = 0;
}

static const char short_options[] = "s:qv";

/* The file first, wherever it stands: flags change what it says. */
static void read_scenario(struct sim_options *options, struct scenario_reader *reader, int argc,
                          char **argv) {
    int code;
    while ((code = getopt_long(argc, argv, short_options, long_options, NULL)) != -1)
        if (code == '?')
            options_bad();
    if (argc - optind > 1)
        report_die(REPORT_USAGE, "one scenario is wanted, not also \"%s\"", argv[optind + 1]);
    if (optind < argc)
        read_file(reader, argv[optind]);
    optind = 1;
    while ((code = getopt_long(argc, argv, short_options, long_options, NULL)) != -1)
        take(options, reader, code, optarg);
    reader->name = NULL;
    if (!scenario_complete(reader))
        report_die(REPORT_USAGE, "%s", reader->error);
    if (options->runs > 1 && (options->outputs.series != NULL || options->outputs.trace != NULL ||
                              options->outputs.pcap[0] != NULL || options->outputs.pcap[1] != NULL))
        report_die(REPORT_USAGE, "--runs goes without --series, --trace, --pcap and --pcap-b");
}

/* ---- runs ---- */

static void tell(const struct sim_options *options, const json_t *summary) {
    if (options->print != NULL) {
        if (!summary_print_values(summary, options->print, stdout))
            report_die(REPORT_USAGE,
                       "--print: the summary (--json) has no value of that name in "
                       "\"%s\"",
                       options->print);
        return;
    }
    if (options->quiet)
        return;
    if (options->json)
        summary_print_json(summary, stdout);
    else if (options->runs > 1)
        summary_print_values(summary, "seed,result,packets,a.bytes_delivered,b.bytes_delivered",
                             stdout);
    else
        summary_print(summary, stdout);
}

static bool run(const struct sim_options *options, const struct scenario *scenario) {
    char why[320];
    struct timespec from, to;
    replay_seed(scenario->seed);
    clock_gettime(CLOCK_MONOTONIC, &from);
    struct world *w = world_open(scenario, &options->outputs);
    enum world_result result = world_play(w, why);
    clock_gettime(CLOCK_MONOTONIC, &to);
    uint64_t virtual_us = world_time_us(w);
    json_t *summary = summary_json(w, result, why);
    bool complete = world_close(w) == 0;
    tell(options, summary);
    json_decref(summary);
    if (options->verbose) {
        double real_s =
            (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
        report_error("%.3f s of virtual time in %.3f s, %.0f times faster than life",
                     (double)virtual_us / 1e6, real_s, (double)virtual_us / 1e6 / real_s);
    }
    if (result == WORLD_DELIVERED)
        return complete;
    fflush(stdout);
    report_error("%s: %s", result == WORLD_VIOLATED ? "a rule is broken" : "not delivered", why);
    report_error("replay with: %s", replay);
    return false;
}

static int run_crowd(const struct sim_options *options, const struct scenario *scenario) {
    const struct crowd_options crowd = {.associations = options->associations,
                                        .seed = scenario->seed,
                                        .config = {&scenario->config[0], &scenario->config[1]},
                                        .json = options->json};
    return crowd_run(&crowd) && fflush(stdout) == 0 ? 0 : REPORT_FAILED;
}

int main(int argc, char **argv) {
    static struct scenario scenario;
    struct scenario_reader reader;
    struct sim_options options;
    uint64_t failed = 0;
    memset(&options, 0, sizeof options);
    options.runs = 1;
    report_start("usctp-sim");
    scenario_init(&scenario);
    scenario_reader_init(&reader, &scenario, NULL);
    replay_start(argc, argv);
    read_scenario(&options, &reader, argc, argv);
    signal(SIGILL, on_trap);
    signal(SIGTRAP, on_trap);
    if (options.associations > 0)
        return run_crowd(&options, &scenario);
    for (uint64_t i = 0; i < options.runs; i++, scenario.seed++)
        failed += !run(&options, &scenario);
    if (options.runs > 1 && failed > 0)
        report_error("%" PRIu64 " of %" PRIu64 " runs failed", failed, options.runs);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        report_error("cannot write: %s", strerror(errno));
        return REPORT_FAILED;
    }
    return failed > 0 ? REPORT_FAILED : 0;
}
