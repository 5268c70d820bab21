/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The simulated link: each impairment by its counters and its times, the order of arrival, and that
 * a seed decides every byte. Times are virtual; expected ones are computed by hand from rate and
 * delay.
 */
#include "net/simulated_link.h"

#include <check.h>
#include <stdlib.h>

static struct env env;
static bool memory_is_short;
static uint8_t memory[USCTP_MAX_PACKET_BYTES];

static void *allocate(void *user, size_t bytes) {
    (void)user;
    return memory_is_short ? NULL : malloc(bytes);
}

static void release(void *user, void *block, size_t bytes) {
    (void)user;
    (void)bytes;
    free(block);
}

static void setup(void) {
    memset(&env, 0, sizeof env);
    env.given.allocator.allocate = allocate;
    env.given.allocator.release = release;
    memory_is_short = false;
}

static void teardown(void) {
    ck_assert_uint_eq(env.allocated_bytes, 0);
    ck_assert_uint_eq(env.allocations, 0);
}

static struct simulated_link *link_with(const struct simulated_link_options *options,
                                        uint64_t seed) {
    struct simulated_link *link = simulated_link_new(&env, options, seed);
    ck_assert_ptr_nonnull(link);
    return link;
}

/* A packet of `bytes` bytes over IPv4 whose first four bytes are its number. */
static void send_numbered(struct simulated_link *link, uint32_t number, uint32_t bytes,
                          uint64_t now_us) {
    uint8_t data[2048];
    memset(data, (int)(number & 0xff), sizeof data);
    memcpy(data, &number, 4);
    struct usctp_packet packet = {.data = data, .length = bytes};
    packet.source.family = packet.destination.family = USCTP_FAMILY_IPV4;
    packet.tos = 0xb8;
    packet.not_before_us = 5;
    packet.flags = 0;
    simulated_link_send(link, &packet, now_us);
}

/* Takes the next packet at its time and returns its number. */
static uint32_t take(struct simulated_link *link, uint64_t expected_us) {
    struct usctp_packet packet;
    uint32_t number;
    ck_assert_uint_eq(simulated_link_next(link), expected_us);
    if (expected_us > 0)
        ck_assert(!simulated_link_receive(link, &packet, memory, expected_us - 1));
    ck_assert(simulated_link_receive(link, &packet, memory, expected_us));
    ck_assert_ptr_eq(packet.data, memory);
    memcpy(&number, memory, 4);
    return number;
}

START_TEST(delay_alone_moves_a_packet_unchanged) {
    struct simulated_link_options o = {.delay_us = 10000};
    struct simulated_link *link = link_with(&o, 1);
    ck_assert_uint_eq(simulated_link_next(link), USCTP_NEVER);
    send_numbered(link, 7, 100, 1000);
    struct usctp_packet packet;
    ck_assert(!simulated_link_receive(link, &packet, memory, 10999));
    ck_assert(simulated_link_receive(link, &packet, memory, 11000));
    ck_assert_uint_eq(packet.length, 100);
    ck_assert_uint_eq(packet.segment_size, 0);
    ck_assert_uint_eq(packet.tos, 0xb8);
    ck_assert_uint_eq(packet.not_before_us, 0);
    for (int i = 4; i < 100; i++)
        ck_assert_uint_eq(memory[i], 7);
    ck_assert(!simulated_link_receive(link, &packet, memory, USCTP_NEVER - 1));
    ck_assert_uint_eq(simulated_link_counters(link)->delivered, 1);
    simulated_link_delete(link);
}
END_TEST

START_TEST(rate_spaces_packets) {
    /* 1480 + 20 bytes at 1.5 MB/s: 1000 us each. */
    struct simulated_link_options o = {.rate_bytes_per_s = 1500000, .delay_us = 500};
    struct simulated_link *link = link_with(&o, 1);
    for (uint32_t i = 0; i < 3; i++)
        send_numbered(link, i, 1480, 0);
    ck_assert_uint_eq(take(link, 1500), 0);
    ck_assert_uint_eq(take(link, 2500), 1);
    ck_assert_uint_eq(take(link, 3500), 2);
    send_numbered(link, 9, 1480, 100000); /* idle in between: no credit is saved up */
    ck_assert_uint_eq(take(link, 101500), 9);
    simulated_link_delete(link);
}
END_TEST

START_TEST(rate_above_a_packet_a_microsecond_is_exact) {
    /* 1500 bytes at 3.75 GB/s take 0.4 us: 1000 packets take 400 us. */
    struct simulated_link_options o = {.rate_bytes_per_s = 3750000000u};
    struct simulated_link *link = link_with(&o, 1);
    for (uint32_t i = 0; i < 1000; i++)
        send_numbered(link, i, 1480, 0);
    struct usctp_packet packet;
    uint64_t last = 0;
    while (simulated_link_next(link) != USCTP_NEVER) {
        last = simulated_link_next(link);
        ck_assert(simulated_link_receive(link, &packet, memory, last));
    }
    ck_assert_uint_eq(last, 400);
    simulated_link_delete(link);
}
END_TEST

START_TEST(full_queue_drops_and_empties_with_time) {
    struct simulated_link_options o = {.rate_bytes_per_s = 1500000, .queue_packets = 4};
    struct simulated_link *link = link_with(&o, 1);
    for (uint32_t i = 0; i < 10; i++)
        send_numbered(link, i, 1480, 0);
    ck_assert_uint_eq(simulated_link_counters(link)->queue_drops, 6);
    send_numbered(link, 10, 1480, 2000); /* two have left */
    send_numbered(link, 11, 1480, 2000);
    send_numbered(link, 12, 1480, 2000);
    ck_assert_uint_eq(simulated_link_counters(link)->queue_drops, 7);
    simulated_link_delete(link); /* with packets inside */
}
END_TEST

START_TEST(mtu_counts_headers) {
    struct simulated_link_options o = {.mtu_bytes = 1500};
    struct simulated_link *link = link_with(&o, 1);
    uint8_t data[1600] = {0};
    struct usctp_packet packet = {.data = data, .length = 1480};
    packet.destination.family = USCTP_FAMILY_IPV4;
    simulated_link_send(link, &packet, 0);
    ck_assert_uint_eq(simulated_link_counters(link)->too_big, 0);
    packet.length = 1481;
    simulated_link_send(link, &packet, 0);
    ck_assert_uint_eq(simulated_link_counters(link)->too_big, 1);
    packet.flags = USCTP_PACKET_MAY_FRAGMENT;
    simulated_link_send(link, &packet, 0);
    ck_assert_uint_eq(simulated_link_counters(link)->too_big, 1);
    packet.flags = 0;
    packet.length = 1461;
    packet.destination.family = USCTP_FAMILY_IPV6;
    simulated_link_send(link, &packet, 0);
    ck_assert_uint_eq(simulated_link_counters(link)->too_big, 2);
    packet.length = 1460;
    simulated_link_send(link, &packet, 0);
    ck_assert_uint_eq(simulated_link_counters(link)->too_big, 2);
    packet.udp_destination = 9899; /* 8 bytes of UDP header */
    simulated_link_send(link, &packet, 0);
    ck_assert_uint_eq(simulated_link_counters(link)->too_big, 3);
    simulated_link_delete(link);
}
END_TEST

START_TEST(cut_loses_what_is_offered_only) {
    struct simulated_link_options o = {.delay_us = 100};
    struct simulated_link *link = link_with(&o, 1);
    send_numbered(link, 1, 50, 0);
    simulated_link_cut(link, true);
    send_numbered(link, 2, 50, 10);
    simulated_link_cut(link, false);
    send_numbered(link, 3, 50, 20);
    ck_assert_uint_eq(take(link, 100), 1);
    ck_assert_uint_eq(take(link, 120), 3);
    ck_assert_uint_eq(simulated_link_counters(link)->cut, 1);
    ck_assert_uint_eq(simulated_link_counters(link)->offered, 3);
    simulated_link_delete(link);
}
END_TEST

/* Offers n packets, one a millisecond, and drains the link. */
static void run(struct simulated_link *link, uint32_t n) {
    struct usctp_packet packet;
    for (uint32_t i = 0; i < n; i++)
        send_numbered(link, i, 64, i * 1000u);
    while (simulated_link_next(link) != USCTP_NEVER)
        ck_assert(simulated_link_receive(link, &packet, memory, simulated_link_next(link)));
}

START_TEST(probabilities_are_met) {
    struct simulated_link_options o = {.loss = 0.1,
                                       .duplication = 0.05,
                                       .corruption = 0.02,
                                       .reordering = 0.2,
                                       .reordering_us = 5000};
    struct simulated_link *link = link_with(&o, 42);
    run(link, 20000);
    const struct simulated_link_counters *c = simulated_link_counters(link);
    uint64_t passed = c->offered - c->lost;
    /* Six standard deviations of a binomial each. */
    ck_assert_uint_ge(c->lost, 2000 - 255);
    ck_assert_uint_le(c->lost, 2000 + 255);
    ck_assert_uint_ge(c->duplicated, passed * 5 / 100 - 180);
    ck_assert_uint_le(c->duplicated, passed * 5 / 100 + 180);
    ck_assert_uint_ge(c->corrupted, passed * 2 / 100 - 115);
    ck_assert_uint_le(c->corrupted, passed * 2 / 100 + 115);
    ck_assert_uint_ge(c->reordered, passed * 20 / 100 - 330);
    ck_assert_uint_le(c->reordered, passed * 20 / 100 + 330);
    ck_assert_uint_eq(c->delivered, passed + c->duplicated);
    simulated_link_delete(link);
}
END_TEST

START_TEST(certain_and_impossible) {
    struct simulated_link_options o = {.loss = 1.0};
    struct simulated_link *link = link_with(&o, 3);
    run(link, 500);
    ck_assert_uint_eq(simulated_link_counters(link)->lost, 500);
    o.loss = 0;
    o.duplication = 1.0;
    simulated_link_set_options(link, &o);
    struct usctp_packet packet;
    send_numbered(link, 8, 64, 600000);
    send_numbered(link, 9, 64, 600000);
    ck_assert_uint_eq(take(link, 600000), 8);
    ck_assert_uint_eq(take(link, 600000), 8);
    ck_assert_uint_eq(take(link, 600000), 9);
    ck_assert_uint_eq(take(link, 600000), 9);
    ck_assert(!simulated_link_receive(link, &packet, memory, 600000));
    simulated_link_delete(link);
}
END_TEST

START_TEST(bursts_lose_runs_of_packets) {
    /* Mean burst 1 / 0.25 = 4 packets; share in a burst 0.01 / (0.01 + 0.25) = 3.8 %. */
    struct simulated_link_options o = {.burst_loss_start = 0.01, .burst_loss_end = 0.25};
    struct simulated_link *link = link_with(&o, 5);
    uint32_t bursts = 0;
    bool was_lost = false;
    struct usctp_packet packet;
    for (uint32_t i = 0; i < 50000; i++) {
        uint64_t lost = simulated_link_counters(link)->lost;
        send_numbered(link, i, 32, i);
        bool is_lost = simulated_link_counters(link)->lost > lost;
        bursts += is_lost && !was_lost;
        was_lost = is_lost;
        simulated_link_receive(link, &packet, memory, i);
    }
    uint64_t lost = simulated_link_counters(link)->lost;
    ck_assert_uint_ge(lost, 1500);
    ck_assert_uint_le(lost, 2350);
    ck_assert_uint_ge(lost, bursts * 3);
    ck_assert_uint_le(lost, bursts * 5);
    simulated_link_delete(link);
}
END_TEST

START_TEST(corruption_changes_one_byte) {
    struct simulated_link_options o = {.corruption = 1.0};
    struct simulated_link *link = link_with(&o, 11);
    uint8_t data[64];
    memset(data, 0x55, sizeof data);
    struct usctp_packet packet = {.data = data, .length = sizeof data};
    packet.flags = USCTP_PACKET_CHECKSUM_VERIFIED;
    for (uint32_t i = 0; i < 200; i++) {
        struct usctp_packet got;
        int changed = 0;
        simulated_link_send(link, &packet, i);
        ck_assert(simulated_link_receive(link, &got, memory, i));
        for (size_t k = 0; k < sizeof data; k++)
            changed += memory[k] != data[k];
        ck_assert_int_eq(changed, 1);
        ck_assert_uint_eq(got.flags, 0); /* nobody vouches for these bytes */
    }
    packet.length = 0; /* nothing to damage */
    simulated_link_send(link, &packet, 300);
    ck_assert_uint_eq(simulated_link_counters(link)->corrupted, 200);
    simulated_link_delete(link);
}
END_TEST

START_TEST(jitter_keeps_the_order_and_stays_in_bounds) {
    struct simulated_link_options o = {.delay_us = 1000, .jitter_us = 700};
    struct simulated_link *link = link_with(&o, 17);
    uint64_t smallest = UINT64_MAX, largest = 0;
    for (uint32_t i = 0; i < 2000; i++)
        send_numbered(link, i, 64, i * 1000u);
    for (uint32_t i = 0; i < 2000; i++) {
        uint64_t at = simulated_link_next(link);
        ck_assert_uint_eq(take(link, at), i);
        uint64_t delay = at - i * 1000u;
        smallest = delay < smallest ? delay : smallest;
        largest = delay > largest ? delay : largest;
    }
    ck_assert_uint_ge(smallest, 1000);
    ck_assert_uint_lt(smallest, 1020);
    ck_assert_uint_le(largest, 1700);
    ck_assert_uint_gt(largest, 1680);
    for (uint32_t i = 0; i < 300; i++) /* closer together than the jitter */
        send_numbered(link, i, 64, 3000000u + i);
    for (uint32_t i = 0; i < 300; i++)
        ck_assert_uint_eq(take(link, simulated_link_next(link)), i);
    simulated_link_delete(link);
}
END_TEST

START_TEST(reordering_lets_later_packets_pass) {
    struct simulated_link_options o = {.reordering = 0.3, .reordering_us = 2500};
    struct simulated_link *link = link_with(&o, 23);
    uint32_t highest = 0, late = 0;
    for (uint32_t i = 0; i < 1000; i++)
        send_numbered(link, i, 64, i * 1000u);
    while (simulated_link_next(link) != USCTP_NEVER) {
        uint64_t at = simulated_link_next(link);
        uint32_t number = take(link, at);
        ck_assert(at == number * 1000u || at == number * 1000u + 2500);
        late += number < highest;
        highest = number > highest ? number : highest;
    }
    ck_assert_uint_gt(late, 100);
    ck_assert_uint_le(late, simulated_link_counters(link)->reordered);
    simulated_link_delete(link);
}
END_TEST

/* A digest of everything that comes out of a link with all impairments on. */
static uint64_t fingerprint(uint64_t seed, double loss) {
    struct simulated_link_options o = {.rate_bytes_per_s = 100000,
                                       .delay_us = 20000,
                                       .jitter_us = 3000,
                                       .loss = loss,
                                       .burst_loss_start = 0.01,
                                       .burst_loss_end = 0.3,
                                       .reordering = 0.1,
                                       .reordering_us = 9000,
                                       .duplication = 0.1,
                                       .corruption = 0.1,
                                       .queue_packets = 20};
    struct simulated_link *link = link_with(&o, seed);
    struct usctp_packet packet;
    uint64_t digest = 14695981039346656037u;
    for (uint32_t i = 0; i < 3000; i++) {
        uint64_t now = i * 900u;
        while (simulated_link_next(link) <= now) {
            digest = (digest ^ simulated_link_next(link)) * 1099511628211u;
            ck_assert(simulated_link_receive(link, &packet, memory, simulated_link_next(link)));
            for (uint32_t k = 0; k < packet.length; k++)
                digest = (digest ^ memory[k]) * 1099511628211u;
        }
        send_numbered(link, i, 40 + i % 50, now);
    }
    simulated_link_delete(link);
    return digest;
}

START_TEST(a_seed_decides_every_byte) {
    ck_assert_uint_eq(fingerprint(99, 0.05), fingerprint(99, 0.05));
    ck_assert_uint_ne(fingerprint(99, 0.05), fingerprint(100, 0.05));
    ck_assert_uint_ne(fingerprint(99, 0.05), fingerprint(99, 0.06));
}
END_TEST

START_TEST(short_memory_is_a_drop) {
    struct simulated_link_options o = {.delay_us = 1};
    memory_is_short = true;
    ck_assert_ptr_null(simulated_link_new(&env, &o, 1));
    memory_is_short = false;
    struct simulated_link *link = link_with(&o, 1);
    memory_is_short = true;
    send_numbered(link, 1, 64, 0);
    memory_is_short = false;
    send_numbered(link, 2, 64, 0);
    ck_assert_uint_eq(take(link, 1), 2);
    ck_assert_uint_eq(simulated_link_counters(link)->queue_drops, 1);
    simulated_link_delete(link);
}
END_TEST

START_TEST(extreme_times_do_not_wrap) {
    struct simulated_link_options o = {.delay_us = UINT64_MAX, .jitter_us = UINT64_MAX};
    struct simulated_link *link = link_with(&o, 1);
    send_numbered(link, 1, 64, 100);
    ck_assert_uint_eq(simulated_link_next(link), USCTP_NEVER - 1);
    simulated_link_delete(link);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("simulated_link");
    TCase *tests = tcase_create("simulated_link");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, delay_alone_moves_a_packet_unchanged);
    tcase_add_test(tests, rate_spaces_packets);
    tcase_add_test(tests, rate_above_a_packet_a_microsecond_is_exact);
    tcase_add_test(tests, full_queue_drops_and_empties_with_time);
    tcase_add_test(tests, mtu_counts_headers);
    tcase_add_test(tests, cut_loses_what_is_offered_only);
    tcase_add_test(tests, probabilities_are_met);
    tcase_add_test(tests, certain_and_impossible);
    tcase_add_test(tests, bursts_lose_runs_of_packets);
    tcase_add_test(tests, corruption_changes_one_byte);
    tcase_add_test(tests, jitter_keeps_the_order_and_stays_in_bounds);
    tcase_add_test(tests, reordering_lets_later_packets_pass);
    tcase_add_test(tests, a_seed_decides_every_byte);
    tcase_add_test(tests, short_memory_is_a_drop);
    tcase_add_test(tests, extreme_times_do_not_wrap);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
