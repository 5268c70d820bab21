/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Plays simulations by hand: sim_run --seed N [--count N], or --seeds A-B.
 *
 * With --jobs, or a range, each seed is played in a process of its own worker: what fails, traps or
 * hangs is named with the command that replays it, and the others are played. The totals are
 * printed at the end. What a simulation is stands in support/simulation.h; the test of the same
 * kind is test_simulation.c.
 */
#include "support/simulation.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MOST_JOBS     64u
#define MOST_FAILURES 20u
#define HANG_S        120u /* of one seed: a hundred times the longest */

static const char usage[] =
    "usage: sim_run --seed N [--count N] | --seeds A-B  [--jobs N] [--verbose] [--pcap PREFIX]\n"
    "  --seed N       play seed N\n"
    "  --count N      and the N - 1 that follow it\n"
    "  --seeds A-B    play seeds A to B, also when some fail\n"
    "  --jobs N       in so many processes at once\n"
    "  --verbose      print the scenario, and the packets when it fails\n"
    "  --pcap PREFIX  write PREFIX-host0.pcap and PREFIX-host1.pcap\n";

struct plan {
    struct sim_options sim;
    uint64_t first, last;
    unsigned jobs; /* 0: here, and a failure ends it */
};

/* Shared with the workers. */
static struct shared {
    struct sim_totals totals;
    uint64_t next;               /* seed */
    uint64_t playing[MOST_JOBS]; /* by worker */
} * shared;

static bool parse_range(const char *text, struct plan *plan) {
    char *end;
    plan->first = strtoull(text, &end, 0);
    if (*end != '-')
        return false;
    plan->last = strtoull(end + 1, &end, 0);
    return *end == '\0' && plan->first <= plan->last;
}

static bool parse(struct plan *plan, int argc, char **argv) {
    static const struct option options[] = {
        {"seed", required_argument, NULL, 's'},  {"count", required_argument, NULL, 'n'},
        {"seeds", required_argument, NULL, 'r'}, {"jobs", required_argument, NULL, 'j'},
        {"verbose", no_argument, NULL, 'v'},     {"pcap", required_argument, NULL, 'p'},
        {"help", no_argument, NULL, 'h'},        {NULL, 0, NULL, 0}};
    uint64_t count = 1;
    bool is_range = false;
    int option;
    plan->first = 1;
    while ((option = getopt_long(argc, argv, "s:n:r:j:vp:h", options, NULL)) != -1) {
        switch (option) {
        case 's':
            plan->first = strtoull(optarg, NULL, 0);
            break;
        case 'n':
            count = strtoull(optarg, NULL, 0);
            break;
        case 'r':
            is_range = true;
            if (!parse_range(optarg, plan))
                return false;
            break;
        case 'j':
            plan->jobs = (unsigned)strtoul(optarg, NULL, 0);
            if (plan->jobs == 0 || plan->jobs > MOST_JOBS)
                return false;
            break;
        case 'v':
            plan->sim.verbose = true;
            break;
        case 'p':
            plan->sim.pcap = optarg;
            break;
        case 'h':
            fputs(usage, stdout);
            exit(EXIT_SUCCESS);
        default:
            return false;
        }
    }
    if (is_range && plan->jobs == 0)
        plan->jobs = 1;
    if (!is_range)
        plan->last = plan->first + count - 1;
    return count > 0 && optind == argc;
}

static int play_here(struct plan *plan) {
    bool is_one = plan->first == plan->last;
    for (plan->sim.seed = plan->first; plan->sim.seed <= plan->last; plan->sim.seed++) {
        struct sim_result result = simulation_run(&plan->sim, &shared->totals);
        if (plan->sim.verbose || is_one)
            printf("seed %" PRIu64 ": %" PRIu64 " packets, hash %016" PRIx64 "\n", plan->sim.seed,
                   result.packets, result.hash);
    }
    sim_totals_print(&shared->totals, stdout);
    return EXIT_SUCCESS;
}

/* Plays seeds until there are none left; the process ends at the first that fails. */
static pid_t start_worker(const struct plan *plan, unsigned worker) {
    fflush(NULL);
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    struct sim_options sim = plan->sim;
    while ((sim.seed = __atomic_fetch_add(&shared->next, 1, __ATOMIC_RELAXED)) <= plan->last) {
        shared->playing[worker] = sim.seed;
        alarm(HANG_S);
        simulation_run(&sim, &shared->totals);
    }
    exit(EXIT_SUCCESS);
}

/* Starts the workers, and a new one for each that has met a seed that fails. Returns how many
 * have. */
static unsigned play_apart(const struct plan *plan) {
    pid_t pids[MOST_JOBS];
    unsigned running = 0, failures = 0;
    int status;
    for (unsigned i = 0; i < plan->jobs; i++, running++)
        if ((pids[i] = start_worker(plan, i)) < 0) {
            perror("fork");
            exit(EXIT_FAILURE);
        }
    while (running > 0) {
        pid_t pid = wait(&status);
        unsigned worker = 0;
        while (worker < plan->jobs && pids[worker] != pid)
            worker++;
        if (worker == plan->jobs)
            continue;
        running--;
        if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS)
            continue;
        failures++;
        if (WIFSIGNALED(status))
            fprintf(stderr, "seed %" PRIu64 ": %s; replay with: sim_run --seed %" PRIu64 "\n",
                    shared->playing[worker], strsignal(WTERMSIG(status)), shared->playing[worker]);
        if (failures >= MOST_FAILURES) /* the others stop after the seed that they play */
            __atomic_store_n(&shared->next, plan->last + 1, __ATOMIC_RELAXED);
        else if ((pids[worker] = start_worker(plan, worker)) > 0)
            running++;
    }
    return failures;
}

int main(int argc, char **argv) {
    struct plan plan = {.jobs = 0};
    struct timespec begin, end;
    if (!parse(&plan, argc, argv)) {
        fputs(usage, stderr);
        return EXIT_FAILURE;
    }
    test_without_check = true;
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) {
        perror("mmap");
        return EXIT_FAILURE;
    }
    shared->next = plan.first;
    if (plan.jobs == 0)
        return play_here(&plan);
    clock_gettime(CLOCK_MONOTONIC, &begin);
    unsigned failures = play_apart(&plan);
    clock_gettime(CLOCK_MONOTONIC, &end);
    sim_totals_print(&shared->totals, stdout);
    printf("  %u seeds failed; %.0f s with %u processes\n", failures,
           (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9,
           plan.jobs);
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
