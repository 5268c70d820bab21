/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * usctp-run: runs a program made for the kernel's SCTP over usctp, unchanged.
 *
 * It checks what it is asked for, tells it to the library that is preloaded (src/preload) by the
 * environment, and becomes the program.  What kind of file the program is: run/program.c; --check:
 * run/host_check.c.
 */
#include "common/options.h"
#include "common/report.h"
#include "preload/run_environment.h"
#include "run/host_check.h"
#include "run/program.h"
#include "usctp/usctp.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CODE_CHECK = OPTIONS_OWN, CODE_BESIDE_KERNEL };
enum { EXIT_CANNOT = 126, EXIT_NOT_FOUND = 127 }; /* as env(1) */
enum { SETTINGS_BYTES = 8192, NUMBER_BYTES = 24 };

#define LIBRARY "libusctp-preload.so"

static const char help[] =
    "Usage: usctp-run [OPTIONS] PROGRAM [ARGUMENTS]\n"
    "       usctp-run --check [--udp[=PORT]] [PROGRAM]\n"
    "Runs a program made for the kernel's SCTP over usctp, which is preloaded into it.\n"
    "\n"
    "      --udp[=PORT]            SCTP in UDP (RFC 6951), which needs no privilege: the local "
    "port,\n"
    "                              and the peers' (9899)\n"
    "      --transport KIND        raw; udp: as --udp; xdp: raw packets by AF_XDP, where the\n"
    "                              interface allows it (raw)\n"
    "      --pcap FILE             write every packet; further processes write FILE.PID\n"
    "      --set NAME=VALUE        any tunable of usctp/config.h; --set help lists them\n"
    "      --streams N             outgoing streams to ask for\n"
    "      --rto MIN,INITIAL,MAX   retransmission timeouts in ms (1000,1000,60000)\n"
    "      --sack-delay MS         how long a SACK may be delayed (200); keep it below RTO.Min\n"
    "      --heartbeat MS          HB.interval (30000)\n"
    "      --no-speaker            leave it to others to answer packets for ports that nobody "
    "has\n"
    "      --beside-kernel         raw sockets although the kernel has SCTP of its own\n"
    "      --check                 say what this host has, and whether PROGRAM can be run\n"
    "      --help, --version\n";

static const struct option longs[] = {
    {"udp", optional_argument, NULL, OPTIONS_UDP},
    {"transport", required_argument, NULL, OPTIONS_TRANSPORT},
    {"pcap", required_argument, NULL, OPTIONS_PCAP},
    {"set", required_argument, NULL, OPTIONS_SET},
    {"streams", required_argument, NULL, OPTIONS_STREAMS},
    {"rto", required_argument, NULL, OPTIONS_RTO},
    {"sack-delay", required_argument, NULL, OPTIONS_SACK_DELAY},
    {"heartbeat", required_argument, NULL, OPTIONS_HEARTBEAT},
    {"no-speaker", no_argument, NULL, OPTIONS_NO_SPEAKER},
    {"beside-kernel", no_argument, NULL, CODE_BESIDE_KERNEL},
    {"check", no_argument, NULL, CODE_CHECK},
    {"help", no_argument, NULL, OPTIONS_HELP},
    {"version", no_argument, NULL, OPTIONS_VERSION},
    {NULL, 0, NULL, 0},
};

static void put(const char *name, const char *value) {
    if (setenv(name, value, 1) != 0)
        report_die(EXIT_CANNOT, "out of memory");
}

static void put_number(const char *name, unsigned number) {
    char text[NUMBER_BYTES];
    snprintf(text, sizeof text, "%u", number);
    put(name, text);
}

/* ---- the library ----------------------------------------------------------------------------- */

/* The folder of this program, with the slash. */
static void find_own_folder(char folder[PATH_MAX]) {
    ssize_t n = readlink("/proc/self/exe", folder, PATH_MAX - 1);
    if (n <= 0)
        report_die(EXIT_CANNOT, "cannot find out where usctp-run is: %s", strerror(errno));
    folder[n] = '\0';
    strrchr(folder, '/')[1] = '\0';
}

/* Where it is installed, or where it was built. */
static void find_library(char path[PATH_MAX]) {
    static const char *const places[] = {USCTP_RUN_LIBRARY_FOLDER, "../"};
    char folder[PATH_MAX], place[2 * PATH_MAX];
    find_own_folder(folder);
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        snprintf(place, sizeof place, "%s%s" LIBRARY, folder, places[i]);
        if (realpath(place, path) != NULL && access(path, R_OK) == 0)
            return;
    }
    report_die(EXIT_CANNOT, "cannot find " LIBRARY " beside %s", folder);
}

static void preload(void) {
    char path[PATH_MAX], list[2 * PATH_MAX];
    find_library(path);
    if (strpbrk(path, ": ") != NULL)
        report_die(EXIT_CANNOT, "the dynamic linker takes no path with a blank or a colon: %s",
                   path);
    const char *others = getenv("LD_PRELOAD");
    if (others != NULL && strstr(others, path) != NULL)
        return; /* a usctp-run within a usctp-run */
    int n = snprintf(list, sizeof list, "%s%s%s", path, others != NULL ? ":" : "",
                     others != NULL ? others : "");
    if (n >= (int)sizeof list)
        report_die(EXIT_CANNOT, "LD_PRELOAD is too long");
    put("LD_PRELOAD", list);
}

/* ---- what the library is told ---------------------------------------------------------------- */

/* Every tunable that is not what it would be anyway. */
static void tell_settings(const struct usctp_config *config) {
    char text[SETTINGS_BYTES];
    size_t used = 0;
    for (int i = 0; i < (int)USCTP_TUNABLE_COUNT; i++) {
        const struct usctp_tunable_info *row = usctp_tunable_info((enum usctp_tunable)i);
        uint64_t value = usctp_config_get(config, (enum usctp_tunable)i);
        if (value == row->initial)
            continue;
        int n = snprintf(text + used, sizeof text - used, "%s%s=%" PRIu64, used > 0 ? "," : "",
                         row->name, value);
        used += (size_t)n;
        if (used >= sizeof text)
            report_die(EXIT_CANNOT, "too many settings");
    }
    if (used > 0)
        put(RUN_ENVIRONMENT_SET, text);
}

/* Makes sure of the file before the program runs, and leaves its name free for the first writer. */
static void tell_capture(const char *given) {
    char path[PATH_MAX];
    FILE *file = fopen(given, "we");
    if (file == NULL)
        report_die(EXIT_CANNOT, "cannot write the capture %s: %s", given, strerror(errno));
    fclose(file);
    if (realpath(given, path) == NULL) /* the program may change its folder */
        report_die(EXIT_CANNOT, "cannot write the capture %s: %s", given, strerror(errno));
    unlink(path);
    put(RUN_ENVIRONMENT_PCAP, path);
}

static void tell(const struct tool_options *options, uint32_t flags) {
    unsetenv(RUN_ENVIRONMENT_SET);
    tell_settings(&options->config);
    if (options->udp)
        put_number(RUN_ENVIRONMENT_UDP, options->udp_port);
    else
        unsetenv(RUN_ENVIRONMENT_UDP);
    if (options->no_speaker)
        flags |= USCTP_STACK_NO_SPEAKER;
    if (options->xdp)
        flags |= USCTP_STACK_XDP;
    put_number(RUN_ENVIRONMENT_FLAGS, flags);
    if (options->pcap != NULL)
        tell_capture(options->pcap);
    else
        unsetenv(RUN_ENVIRONMENT_PCAP);
}

/* ---- the program ----------------------------------------------------------------------------- */

/* Its path, or the end. */
static void find_program(const char *name, char path[PATH_MAX]) {
    int error = program_find(name, path);
    if (error != 0)
        report_die(error == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT, "%s: %s", name, strerror(error));
}

static _Noreturn void check(const struct tool_options *options, const char *name) {
    bool can = host_check(options->udp, options->udp_port);
    if (name != NULL) {
        char path[PATH_MAX];
        find_program(name, path);
        const char *why = program_refuses_preload(path);
        printf("%-18s %s%s\n",
               "program:", why != NULL ? "no: " : "yes: ", why != NULL ? why : path);
        can = can && why == NULL;
    }
    exit(can && fflush(stdout) == 0 ? 0 : REPORT_FAILED);
}

static _Noreturn void run(char **arguments) {
    char path[PATH_MAX];
    find_program(arguments[0], path);
    const char *why = program_refuses_preload(path);
    if (why != NULL)
        report_die(EXIT_CANNOT, "%s", why);
    preload();
    execv(path, arguments);
    if (errno == ENOEXEC) /* a script without "#!", as execvp(3) */
        execvp(path, arguments);
    report_die(EXIT_CANNOT, "%s: %s", path, strerror(errno));
}

int main(int argc, char **argv) {
    struct tool_options options;
    bool is_check = false;
    uint32_t flags = 0;
    int code;
    report_start("usctp-run");
    options_init(&options);
    while ((code = getopt_long(argc, argv, "+", longs, NULL)) != -1) {
        if (code == CODE_CHECK) {
            is_check = true;
        } else if (code == CODE_BESIDE_KERNEL) {
            flags |= USCTP_STACK_BESIDE_KERNEL;
        } else if (code == OPTIONS_HELP) {
            fputs(help, stdout);
            return fflush(stdout) == 0 ? 0 : REPORT_FAILED;
        } else if (!options_take(&options, code, optarg, help)) {
            options_bad();
        }
    }
    options_check(&options);
    if (is_check)
        check(&options, argv[optind]);
    if (argv[optind] == NULL) {
        report_error("no program is given");
        options_bad();
    }
    tell(&options, flags);
    run(argv + optind);
}
