/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Plays simulations by hand: sim_run --seed N [--count N] [--verbose] [--pcap PREFIX]
 *
 * What a simulation is stands in support/simulation.h. The test of the same kind is
 * test_simulation.c.
 */
#include "support/simulation.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>

static const char usage[] = "usage: sim_run --seed N [--count N] [--verbose] [--pcap PREFIX]\n"
                            "  --seed N       play seed N\n"
                            "  --count N      and the N - 1 that follow it\n"
                            "  --verbose      print the scenario, and the packets when it fails\n"
                            "  --pcap PREFIX  write PREFIX-host0.pcap and PREFIX-host1.pcap\n";

int main(int argc, char **argv) {
    static const struct option options[] = {
        {"seed", required_argument, NULL, 's'}, {"count", required_argument, NULL, 'n'},
        {"verbose", no_argument, NULL, 'v'},    {"pcap", required_argument, NULL, 'p'},
        {"help", no_argument, NULL, 'h'},       {NULL, 0, NULL, 0}};
    struct sim_options sim = {.seed = 1};
    static struct sim_totals totals;
    uint64_t count = 1;
    test_without_check = true;
    int option;
    while ((option = getopt_long(argc, argv, "s:n:vp:h", options, NULL)) != -1) {
        switch (option) {
        case 's':
            sim.seed = strtoull(optarg, NULL, 0);
            break;
        case 'n':
            count = strtoull(optarg, NULL, 0);
            break;
        case 'v':
            sim.verbose = true;
            break;
        case 'p':
            sim.pcap = optarg;
            break;
        case 'h':
            fputs(usage, stdout);
            return EXIT_SUCCESS;
        default:
            fputs(usage, stderr);
            return EXIT_FAILURE;
        }
    }
    for (uint64_t i = 0; i < count; i++, sim.seed++) {
        struct sim_result result = simulation_run(&sim, &totals);
        if (sim.verbose || count == 1)
            printf("seed %" PRIu64 ": %" PRIu64 " packets, hash %016" PRIx64 "\n", sim.seed,
                   result.packets, result.hash);
    }
    sim_totals_print(&totals, stdout);
    return EXIT_SUCCESS;
}
