/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Plays USCTP_SIM_SEEDS seeds (3000 unless set) from USCTP_SIM_FIRST (1) on, and requires that
 * among them everything happened that simulations are for; plays some twice and requires the same
 * bytes. A seed that fails is printed with the command that replays it, and the others are played.
 *
 * ctest-timeout: 900
 */
#include "support/run_tests.h"
#include "support/simulation.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/mman.h>

#define SEEDS_A_TEST 20u /* a failing seed hides the rest of its test */
#define ENOUGH_SEEDS 2000u

static struct sim_totals *totals; /* shared by the processes of the tests */
static uint64_t first_seed = 1, seed_count = 3000;

static uint64_t environment(const char *name, uint64_t otherwise) {
    const char *value = getenv(name);
    return value && *value ? strtoull(value, NULL, 0) : otherwise;
}

START_TEST(seeds_play) {
    for (uint64_t i = 0; i < SEEDS_A_TEST; i++) {
        uint64_t index = (uint64_t)_i * SEEDS_A_TEST + i;
        if (index >= seed_count)
            break;
        struct sim_options options = {.seed = first_seed + index};
        simulation_run(&options, totals);
    }
}
END_TEST

/* Design: one seed and one input give the same bytes, always. */
START_TEST(same_seed_same_bytes) {
    static struct sim_totals unused;
    for (uint64_t seed = first_seed; seed < first_seed + 30; seed++) {
        struct sim_options options = {.seed = seed};
        struct sim_result one = simulation_run(&options, &unused);
        struct sim_result two = simulation_run(&options, &unused);
        if (one.hash != two.hash || one.packets != two.packets)
            test_fail(__FILE__, __LINE__, "seed %" PRIu64 " gives other packets the second time",
                      seed);
    }
}
END_TEST

START_TEST(everything_happened) {
    sim_totals_print(totals, stdout);
    REQUIRE_EQ(totals->seeds, seed_count);
    if (seed_count < ENOUGH_SEEDS)
        return; /* too few to ask for all */
    REQUIRE(totals->t3_expiries > 0);
    REQUIRE(totals->fast_retransmits > 0);
    REQUIRE(totals->failovers > 0);
    REQUIRE(totals->returns > 0);
    REQUIRE(totals->restarts > 0);
    REQUIRE(totals->collisions > 0);
    REQUIRE(totals->zero_window_probes > 0);
    REQUIRE(totals->partial_deliveries > 0);
    REQUIRE(totals->lost > 0 && totals->corrupted > 0 && totals->duplicated > 0 &&
            totals->reordered > 0);
    REQUIRE(totals->cuts > 0 && totals->too_big > 0 && totals->near_wraps > 0);
    REQUIRE(totals->tsn_wraps > 0);
    REQUIRE(totals->ssn_wraps > 0);
    REQUIRE(totals->clock_wraps > 0);
    REQUIRE(totals->t1_expiries > 0 && totals->t2_expiries > 0);
    REQUIRE(totals->heartbeats_answered > 0);
    REQUIRE(totals->aborts > 0);
    REQUIRE(totals->forged > 0 && totals->sleeps > 0 && totals->sleep_ends > 0);
    for (unsigned i = 0; i < SIM_ENDINGS; i++)
        REQUIRE(totals->endings[i] > 0);
    REQUIRE(totals->guard_aborts * 50 <= totals->seeds); /* an exception, not the rule */
}
END_TEST

static void add(Suite *suite, const TTest *test, int times) {
    TCase *one = tcase_create(test->name);
    tcase_set_timeout(one, 300);
    tcase_add_loop_test(one, test, 0, times);
    suite_add_tcase(suite, one);
}

int main(void) {
    first_seed = environment("USCTP_SIM_FIRST", first_seed);
    seed_count = environment("USCTP_SIM_SEEDS", seed_count);
    totals = mmap(NULL, sizeof *totals, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (totals == MAP_FAILED)
        return EXIT_FAILURE;
    Suite *suite = suite_create("simulation");
    add(suite, seeds_play, (int)((seed_count + SEEDS_A_TEST - 1) / SEEDS_A_TEST));
    add(suite, same_seed_same_bytes, 1);
    add(suite, everything_happened, 1);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
