/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The congestion window against numbers worked out by hand from RFC 9260 7.2.1-7.2.3.
 */
#include "assoc/congestion.h"

#include "support/unit_env.h"

#define RWND 1000000u

static struct congestion c;

static void set(uint64_t cwnd, uint64_t ssthresh, uint64_t partial) {
    c = (struct congestion){
        .cwnd_bytes = cwnd, .ssthresh_bytes = ssthresh, .partial_bytes_acked = partial};
}

static void ack(uint64_t bytes, uint64_t in_flight) {
    congestion_on_acked(
        &c, &(struct congestion_ack){.acked_bytes = bytes, .in_flight_before = in_flight}, 1000);
}

static void expect(uint64_t cwnd, uint64_t ssthresh, uint64_t partial) {
    ck_assert_uint_eq(c.cwnd_bytes, cwnd);
    ck_assert_uint_eq(c.ssthresh_bytes, ssthresh);
    ck_assert_uint_eq(c.partial_bytes_acked, partial);
}

START_TEST(begins_as_7_2_1_says) {
    static const struct {
        uint32_t pmdcs;
        uint64_t ipv4, ipv6;
    } table[] = {
        {500, 2000, 2000},   /* 4 * PMDCS */
        {1086, 4344, 4344},  /* 4 * PMDCS = 4344 */
        {1101, 4404, 4344},  /* 4 * PMDCS = 4404 */
        {1248, 4404, 4344},  /* the floor */
        {1452, 4404, 4344},  /* an Ethernet's */
        {2172, 4404, 4344},  /* 2 * PMDCS = 4344 */
        {2203, 4406, 4406},  /* 2 * PMDCS */
        {8952, 17904, 17904} /* a jumbo frame's */
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        congestion_init(&c, table[i].pmdcs, RWND);
        expect(table[i].ipv4, RWND, 0);
        congestion_init_ipv6(&c, table[i].pmdcs, RWND);
        expect(table[i].ipv6, RWND, 0);
    }
}
END_TEST

START_TEST(slow_start_grows_by_what_was_acknowledged) {
    set(4000, RWND, 0);
    ack(600, 4000);
    expect(4600, RWND, 0);
    ack(3000, 4600); /* at most L = 1 PMDCS */
    expect(5600, RWND, 0);
    ack(1000, 5599); /* the window was not in full use */
    expect(5600, RWND, 0);
    ack(1000, 6200); /* overbooked */
    expect(6600, RWND, 0);
    congestion_on_acked(&c,
                        &(struct congestion_ack){.acked_bytes = 1000,
                                                 .in_flight_before = 6600,
                                                 .cumulative_advanced = true,
                                                 .in_fast_recovery = true},
                        1000);
    expect(6600, RWND, 0);
    set(5000, 5000, 0); /* equal is slow start still */
    ack(1000, 5000);
    expect(6000, 5000, 0);
    ack(1000, 6000); /* and now it is not */
    expect(6000, 5000, 1000);
}
END_TEST

START_TEST(avoidance_grows_once_a_window) {
    set(5000, 4000, 0);
    for (uint64_t i = 1; i <= 4; i++) {
        ack(1000, 5000);
        expect(5000, 4000, i * 1000);
    }
    ack(1200, 5000);
    expect(6000, 4000, 200);
    /* Not in full use: what is acknowledged is counted up to the window and no further. */
    for (uint64_t i = 0; i < 10; i++) {
        ack(1000, 5999);
    }
    expect(6000, 4000, 6000);
    ack(1000, 6000);
    expect(7000, 4000, 1000);
    /* All acknowledged: counting begins again. */
    congestion_on_acked(
        &c,
        &(struct congestion_ack){.acked_bytes = 500, .in_flight_before = 500, .all_acked = true},
        1000);
    expect(7000, 4000, 0);
    /* A SACK that acknowledges nothing here changes nothing. */
    ack(0, 7000);
    expect(7000, 4000, 0);
}
END_TEST

START_TEST(losses_shrink_it) {
    set(20000, RWND, 1234);
    congestion_on_fast_retransmit(&c, 1000);
    expect(10000, 10000, 0);
    congestion_on_fast_retransmit(&c, 1000);
    expect(5000, 5000, 0);
    congestion_on_fast_retransmit(&c, 1000);
    expect(4000, 4000, 0); /* never below 4 * PMDCS */
    set(20000, RWND, 1234);
    congestion_on_timeout(&c, 1000);
    expect(1000, 10000, 0);
    congestion_on_timeout(&c, 1000);
    expect(1000, 4000, 0);
    ack(1000, 1000); /* slow start from one packet */
    expect(2000, 4000, 0);
    /* However short that packet: no other may be in flight beside it, so it fills the window. */
    congestion_on_timeout(&c, 1000);
    ack(700, 700);
    expect(1700, 4000, 0);
    ack(700, 1400); /* and now it does not */
    expect(1700, 4000, 0);
}
END_TEST

START_TEST(rest_takes_it_back) {
    set(20000, RWND, 0);
    congestion_on_idle(&c, 1000);
    expect(10000, 20000, 0); /* ssthresh: the window before the first adjustment */
    congestion_on_idle(&c, 1000);
    expect(5000, 20000, 0);
    congestion_on_idle(&c, 1000);
    expect(4000, 20000, 0);
    congestion_on_idle(&c, 1000);
    expect(4000, 20000, 0);
    ack(1000, 4000);
    expect(5000, 20000, 0);
    congestion_on_idle(&c, 1000); /* after an acknowledgement, a first one again */
    expect(4000, 5000, 0);
    congestion_on_timeout(&c, 1000);
    expect(1000, 4000, 0);
    congestion_on_idle(&c, 1000); /* it does not grow by resting */
    expect(1000, 4000, 0);
}
END_TEST

START_TEST(follows_the_pmdcs) {
    set(1000, 4000, 0);
    congestion_on_pmdcs(&c, 1000, 1400); /* one packet stays one packet */
    expect(1400, 4000, 0);
    congestion_on_pmdcs(&c, 1400, 500);
    expect(500, 4000, 0);
    set(3000, 4000, 10);
    congestion_on_pmdcs(&c, 1000, 500);
    expect(3000, 4000, 10);
    congestion_on_pmdcs(&c, 500, 8000); /* never less than a chunk */
    expect(8000, 4000, 10);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("congestion");
    TCase *tests = tcase_create("congestion");
    tcase_add_test(tests, begins_as_7_2_1_says);
    tcase_add_test(tests, slow_start_grows_by_what_was_acknowledged);
    tcase_add_test(tests, avoidance_grows_once_a_window);
    tcase_add_test(tests, losses_shrink_it);
    tcase_add_test(tests, rest_takes_it_back);
    tcase_add_test(tests, follows_the_pmdcs);
    suite_add_tcase(suite, tests);
    return unit_env_run(suite);
}
