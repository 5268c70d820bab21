/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The search for the path MTU, against RFC 8899: its states (5.2), what ends a search (5.3.1), what
 * reports of routers do (4.6.2); and against a path whose MTU is any number.
 */
#include "assoc/pmtu_search.h"

#include "support/unit_env.h"

#define MIN  512u
#define BASE 1200u /* 5.1.2: RECOMMENDED */
#define MAX  1500u

static const struct pmtu_limits limits = {
    .min_bytes = MIN, .base_bytes = BASE, .max_probes = 3 /* 5.1.2: the default */};
static struct pmtu_search s;

static void begin(uint32_t max) {
    pmtu_search_init(&s, &limits, max);
    pmtu_search_start(&s);
}

static void expect(enum usctp_pmtu_state state, uint32_t plpmtu, uint32_t probed) {
    ck_assert_int_eq(s.state, state);
    ck_assert_uint_eq(s.plpmtu_bytes, plpmtu);
    ck_assert_uint_eq(s.probed_bytes, probed);
    ck_assert(pmtu_search_check(&s));
}

/* Loses the same wish so often. */
static void lose(unsigned times) {
    for (unsigned i = 0; i < times; i++)
        pmtu_search_on_probe_lost(&s);
}

/* Probes over a path that takes so much, until no more is wanted. Returns how many probes. */
static unsigned probe_over(uint32_t mtu) {
    unsigned probes = 0;
    while (s.probed_bytes > 0 && s.state != USCTP_PMTU_ERROR) {
        ck_assert(pmtu_search_check(&s));
        ck_assert_uint_lt(probes++, 60);
        if (s.probed_bytes <= mtu)
            pmtu_search_on_probe_acked(&s);
        else
            pmtu_search_on_probe_lost(&s);
    }
    return probes;
}

START_TEST(begins_with_the_interface) {
    pmtu_search_init(&s, &limits, MAX);
    expect(USCTP_PMTU_DISABLED, MAX, 0);
    pmtu_search_start(&s);
    expect(USCTP_PMTU_SEARCH_COMPLETE, MAX, 0);
    ck_assert(!pmtu_search_can_rise(&s));
    pmtu_search_on_raise(&s); /* nothing is above */
    expect(USCTP_PMTU_SEARCH_COMPLETE, MAX, 0);
}
END_TEST

START_TEST(what_is_assumed_is_confirmed_by_one_probe) {
    begin(MAX);
    pmtu_search_confirm(&s);
    expect(USCTP_PMTU_SEARCHING, MAX, MAX);
    lose(2); /* a lost probe is no sign yet: MAX_PROBES are */
    expect(USCTP_PMTU_SEARCHING, MAX, MAX);
    pmtu_search_on_probe_acked(&s);
    expect(USCTP_PMTU_SEARCH_COMPLETE, MAX, 0);
    pmtu_search_confirm(&s); /* 5.2: no further ones */
    expect(USCTP_PMTU_SEARCH_COMPLETE, MAX, 0);
}
END_TEST

START_TEST(acknowledged_data_confirms) {
    begin(MAX);
    pmtu_search_on_data_acked(&s, MAX - 4);
    pmtu_search_confirm(&s);
    expect(USCTP_PMTU_SEARCHING, MAX, MAX); /* those were smaller */
    pmtu_search_on_data_acked(&s, MAX);
    expect(USCTP_PMTU_SEARCH_COMPLETE, MAX, 0);
    pmtu_search_confirm(&s);
    expect(USCTP_PMTU_SEARCH_COMPLETE, MAX, 0);
}
END_TEST

/* 5.2: a black hole in SEARCHING leads to BASE. */
START_TEST(assumed_and_wrong) {
    begin(MAX);
    pmtu_search_confirm(&s);
    lose(3);
    expect(USCTP_PMTU_BASE, BASE, BASE);
}
END_TEST

START_TEST(black_hole_and_back) {
    begin(MAX);
    pmtu_search_on_black_hole(&s);
    expect(USCTP_PMTU_BASE, BASE, BASE);
    pmtu_search_on_probe_acked(&s);
    expect(USCTP_PMTU_SEARCHING, BASE, MAX); /* mostly it was a false alarm */
    pmtu_search_on_probe_acked(&s);
    expect(USCTP_PMTU_SEARCH_COMPLETE, MAX, 0);
}
END_TEST

START_TEST(climbs_and_stops_after_max_probes) {
    begin(MAX);
    pmtu_search_on_black_hole(&s);
    pmtu_search_on_probe_acked(&s);
    lose(1);
    ck_assert_uint_gt(s.probed_bytes, BASE);
    ck_assert_uint_lt(s.probed_bytes, MAX);
    uint32_t first = s.probed_bytes;
    pmtu_search_on_probe_acked(&s);
    uint32_t second = s.probed_bytes;
    ck_assert_uint_gt(second, first);
    lose(2);
    expect(USCTP_PMTU_SEARCHING, first, second);
    lose(1); /* 5.3.1: PROBE_COUNT reaches MAX_PROBES */
    expect(USCTP_PMTU_SEARCH_COMPLETE, first, 0);
    ck_assert(pmtu_search_can_rise(&s));
    pmtu_search_on_raise(&s);
    expect(USCTP_PMTU_SEARCHING, first, MAX);
}
END_TEST

/* 5.3.1: PROBE_COUNT counts attempts of any size. */
START_TEST(three_lost_in_a_row_of_any_size) {
    begin(MAX);
    pmtu_search_on_black_hole(&s);
    pmtu_search_on_probe_acked(&s);
    lose(3);
    expect(USCTP_PMTU_SEARCH_COMPLETE, BASE, 0);
}
END_TEST

/* What is found is at most the path's MTU, and no usual size between is missed by more than 80
 * bytes on links up to Ethernet's; the number of probes is bounded (probe_over). */
START_TEST(finds_any_mtu) {
    for (uint32_t mtu = BASE; mtu <= 65535; mtu += mtu < 1600 ? 1 : 97) {
        begin(65535);
        pmtu_search_on_black_hole(&s);
        probe_over(mtu);
        ck_assert_int_eq(s.state, USCTP_PMTU_SEARCH_COMPLETE);
        ck_assert_uint_le(s.plpmtu_bytes, mtu);
        if (mtu <= MAX)
            ck_assert_uint_gt(s.plpmtu_bytes + 81, mtu);
        ck_assert(mtu != 1280 || s.plpmtu_bytes == 1280);
        ck_assert(mtu != 1492 || s.plpmtu_bytes == 1492);
    }
}
END_TEST

START_TEST(base_does_not_pass) {
    begin(MAX);
    pmtu_search_on_black_hole(&s);
    lose(2);
    expect(USCTP_PMTU_BASE, BASE, BASE);
    lose(1);
    expect(USCTP_PMTU_ERROR, MIN, BASE);
    lose(7);
    expect(USCTP_PMTU_ERROR, MIN, BASE);
    ck_assert_uint_eq(s.error_rounds, 7);
    pmtu_search_on_black_hole(&s); /* there is nothing smaller */
    expect(USCTP_PMTU_ERROR, MIN, BASE);
    pmtu_search_on_probe_acked(&s); /* 5.2: BASE_PLPMTU Probe acked */
    expect(USCTP_PMTU_SEARCHING, BASE, MAX);
}
END_TEST

START_TEST(connectivity_is_lost_and_found) {
    begin(MAX);
    pmtu_search_on_black_hole(&s);
    pmtu_search_stop(&s);
    expect(USCTP_PMTU_DISABLED, BASE, 0);
    lose(1);
    pmtu_search_on_black_hole(&s);
    pmtu_search_on_raise(&s);
    pmtu_search_confirm(&s);
    expect(USCTP_PMTU_DISABLED, BASE, 0);
    pmtu_search_start(&s);
    expect(USCTP_PMTU_BASE, BASE, BASE);
    pmtu_search_on_probe_acked(&s);
    lose(1);
    pmtu_search_on_probe_acked(&s);
    uint32_t between = s.plpmtu_bytes;
    pmtu_search_stop(&s);
    pmtu_search_start(&s);
    expect(USCTP_PMTU_SEARCHING, between, MAX);
    pmtu_search_on_probe_acked(&s);
    pmtu_search_stop(&s);
    pmtu_search_start(&s);
    expect(USCTP_PMTU_SEARCH_COMPLETE, MAX, 0);
    pmtu_search_confirm(&s); /* the way may be another */
    expect(USCTP_PMTU_SEARCHING, MAX, MAX);
}
END_TEST

/* ---- 4.6.2 ---- */

START_TEST(reports_that_are_discarded) {
    static const uint32_t absurd[] = {0, 1, 68, MIN - 1, MAX, MAX + 1, 65535, UINT32_MAX};
    begin(MAX);
    for (size_t i = 0; i < sizeof absurd / sizeof absurd[0]; i++) {
        ck_assert(!pmtu_search_on_too_big(&s, absurd[i]));
        expect(USCTP_PMTU_SEARCH_COMPLETE, MAX, 0);
    }
    pmtu_search_on_black_hole(&s);
    ck_assert(!pmtu_search_on_too_big(&s, BASE)); /* not below PROBED_SIZE */
    ck_assert(!pmtu_search_on_too_big(&s, 1400));
    expect(USCTP_PMTU_BASE, BASE, BASE);
}
END_TEST

/* BASE_PLPMTU <= PL_PTB_SIZE < PLPMTU: never directly the PLPMTU; a hint for the search. */
START_TEST(report_between_base_and_the_present_size) {
    begin(MAX);
    ck_assert(pmtu_search_on_too_big(&s, 1333));
    expect(USCTP_PMTU_BASE, BASE, BASE);
    ck_assert(!pmtu_search_on_too_big(&s, 1333)); /* for the next packet that was under way */
    pmtu_search_on_probe_acked(&s);
    expect(USCTP_PMTU_SEARCHING, BASE, 1333);
    pmtu_search_on_probe_acked(&s);
    expect(USCTP_PMTU_SEARCH_COMPLETE, 1333, 0); /* and nothing above was reported to pass */
    pmtu_search_on_raise(&s);
    expect(USCTP_PMTU_SEARCHING, 1333, MAX);
}
END_TEST

/* PLPMTU < PL_PTB_SIZE < PROBED_SIZE: the next search point; PL_PTB_SIZE = PLPMTU ends the search.
 */
START_TEST(report_about_a_probe) {
    begin(MAX);
    pmtu_search_on_black_hole(&s);
    pmtu_search_on_probe_acked(&s);
    ck_assert(pmtu_search_on_too_big(&s, 1404));
    expect(USCTP_PMTU_SEARCHING, BASE, 1404);
    ck_assert(!pmtu_search_on_too_big(&s, 1404));
    ck_assert(pmtu_search_on_too_big(&s, BASE));
    expect(USCTP_PMTU_SEARCH_COMPLETE, BASE, 0);
}
END_TEST

/* PL_PTB_SIZE < BASE_PLPMTU: ERROR; what the router said is tried there. */
START_TEST(report_below_base) {
    begin(MAX);
    ck_assert(pmtu_search_on_too_big(&s, 1006));
    expect(USCTP_PMTU_ERROR, MIN, 1006);
    pmtu_search_on_probe_acked(&s);
    expect(USCTP_PMTU_ERROR, 1006, BASE);
    ck_assert(!pmtu_search_on_too_big(&s, 1006)); /* of the probe of BASE_PLPMTU */
    expect(USCTP_PMTU_ERROR, 1006, BASE);
    ck_assert(pmtu_search_on_too_big(&s, 600)); /* and lower still */
    expect(USCTP_PMTU_ERROR, MIN, 600);
}
END_TEST

START_TEST(report_before_the_start) {
    pmtu_search_init(&s, &limits, MAX);
    ck_assert(pmtu_search_on_too_big(&s, 1400));
    expect(USCTP_PMTU_DISABLED, BASE, 0);
    pmtu_search_start(&s);
    expect(USCTP_PMTU_BASE, BASE, BASE);
    pmtu_search_on_probe_acked(&s);
    expect(USCTP_PMTU_SEARCHING, BASE, 1400);
}
END_TEST

/* ---- the interface ---- */

START_TEST(interface_changes) {
    begin(1280);
    pmtu_search_set_max(&s, MAX); /* nothing spoke against it: as at the start */
    expect(USCTP_PMTU_SEARCH_COMPLETE, MAX, 0);
    pmtu_search_set_max(&s, 1300);
    expect(USCTP_PMTU_SEARCH_COMPLETE, 1300, 0);
    pmtu_search_on_black_hole(&s);
    pmtu_search_set_max(&s, 9000); /* in BASE: found by the search */
    expect(USCTP_PMTU_BASE, BASE, BASE);
    pmtu_search_on_probe_acked(&s);
    expect(USCTP_PMTU_SEARCHING, BASE, 9000);
    pmtu_search_set_max(&s, MAX);
    ck_assert_uint_le(s.probed_bytes, MAX);
    probe_over(1400);
    expect(USCTP_PMTU_SEARCH_COMPLETE, 1400, 0);
    pmtu_search_set_max(&s, 9000); /* the path was narrower: probes say */
    expect(USCTP_PMTU_SEARCHING, 1400, 9000);
    pmtu_search_set_max(&s, 1400);
    expect(USCTP_PMTU_SEARCH_COMPLETE, 1400, 0);
    pmtu_search_set_max(&s, 700); /* below BASE_PLPMTU */
    expect(USCTP_PMTU_SEARCH_COMPLETE, 700, 0);
    pmtu_search_on_black_hole(&s);
    expect(USCTP_PMTU_BASE, 700, 700);
    pmtu_search_on_probe_acked(&s);
    expect(USCTP_PMTU_SEARCH_COMPLETE, 700, 0);
}
END_TEST

/* Whatever comes in whatever order, the sizes stay within their limits. */
START_TEST(any_order_of_events) {
    uint32_t seed = 1;
    begin(MAX);
    for (unsigned i = 0; i < 300000; i++) {
        seed = seed * 1664525u + 1013904223u;
        uint32_t value = 400 + (seed >> 8) % 1700;
        switch (seed >> 28) {
        case 0:
            pmtu_search_on_black_hole(&s);
            break;
        case 1:
            (void)pmtu_search_on_too_big(&s, value);
            break;
        case 2:
            pmtu_search_set_max(&s, value < MIN ? MIN : value);
            break;
        case 3:
            pmtu_search_on_raise(&s);
            break;
        case 4:
            pmtu_search_confirm(&s);
            break;
        case 5:
            pmtu_search_stop(&s);
            break;
        case 6:
            pmtu_search_start(&s);
            break;
        case 7:
            pmtu_search_on_data_acked(&s, value);
            break;
        default:
            if (s.probed_bytes > 0 && (seed & 0x800))
                pmtu_search_on_probe_acked(&s);
            else if (s.probed_bytes > 0)
                pmtu_search_on_probe_lost(&s);
        }
        ck_assert_msg(pmtu_search_check(&s), "after %u events: state %d plpmtu %u probed %u max %u",
                      i, (int)s.state, s.plpmtu_bytes, s.probed_bytes, s.max_bytes);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("pmtu_search");
    TCase *tests = tcase_create("pmtu_search");
    tcase_add_test(tests, begins_with_the_interface);
    tcase_add_test(tests, what_is_assumed_is_confirmed_by_one_probe);
    tcase_add_test(tests, acknowledged_data_confirms);
    tcase_add_test(tests, assumed_and_wrong);
    tcase_add_test(tests, black_hole_and_back);
    tcase_add_test(tests, climbs_and_stops_after_max_probes);
    tcase_add_test(tests, three_lost_in_a_row_of_any_size);
    tcase_add_test(tests, finds_any_mtu);
    tcase_add_test(tests, base_does_not_pass);
    tcase_add_test(tests, connectivity_is_lost_and_found);
    tcase_add_test(tests, reports_that_are_discarded);
    tcase_add_test(tests, report_between_base_and_the_present_size);
    tcase_add_test(tests, report_about_a_probe);
    tcase_add_test(tests, report_below_base);
    tcase_add_test(tests, report_before_the_start);
    tcase_add_test(tests, interface_changes);
    tcase_add_test(tests, any_order_of_events);
    suite_add_tcase(suite, tests);
    return unit_env_run(suite);
}
