/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the transport does when the kernel does not take packets: sendmmsg() is this file's own, so
 * that each error can be had at each place of a batch. The order of what goes out, what is given
 * up, what is tried again and how often the kernel is asked.
 */
#include "net/transport_inside.h"
#include "support/unit_net.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 512 };

static struct transport *t;
static uint8_t memory[MOST][64];
static struct usctp_packet packets[MOST];

/* What the kernel answers: to the packet with a number, as often as is said; afterwards it takes
 * it. */
static int errors[MOST];
static unsigned times[MOST];
static unsigned calls, sent_count;
static uint8_t sent[MOST * 2];

int sendmmsg(int fd, struct mmsghdr *messages, unsigned n, int flags) {
    (void)fd;
    ck_assert(flags & MSG_DONTWAIT);
    ck_assert_uint_lt(++calls, 5000);
    for (unsigned i = 0; i < n; i++) {
        const uint8_t *bytes = messages[i].msg_hdr.msg_iov->iov_base;
        unsigned number = bytes[4];
        if (times[number] > 0) {
            if (i > 0)
                return (int)i; /* the error waits for the next call */
            times[number]--;
            errno = errors[number];
            return -1;
        }
        ck_assert_uint_lt(sent_count, sizeof sent);
        sent[sent_count++] = bytes[4];
        messages[i].msg_len = (unsigned)messages[i].msg_hdr.msg_iov->iov_len;
    }
    return (int)n;
}

static void setup(void) {
    struct transport_options options = unit_net_options();
    options.udp = true;
    options.udp_port = 5001;
    t = unit_net_open(options);
    memset(times, 0, sizeof times);
    calls = sent_count = 0;
    for (unsigned i = 0; i < MOST; i++) {
        memset(memory[i], 0, sizeof memory[i]);
        memory[i][4] = (uint8_t)i;
        packets[i] = (struct usctp_packet){.data = memory[i], .length = sizeof memory[i]};
        packets[i].destination = unit_net_address(i % 2 ? "127.0.0.2" : "127.0.0.3");
        packets[i].udp_destination = 5002;
    }
}

static void teardown(void) {
    transport_close(t);
}

static void refuse(unsigned number, int error, unsigned count) {
    errors[number] = error;
    times[number] = count;
}

static size_t offer(size_t first, size_t n) {
    uint32_t offset = 0;
    size_t taken = transport_send(t, packets + first, n, &offset);
    ck_assert_uint_eq(offset, 0);
    return taken;
}

static struct transport_counters counters(void) {
    struct transport_counters out;
    transport_counters(t, &out);
    return out;
}

/* All of first..last went out but `missing` (-1: none), in order. */
static void expect_sent(unsigned first, unsigned last, int missing) {
    unsigned at = 0;
    for (unsigned i = first; i <= last; i++) {
        if ((int)i == missing)
            continue;
        ck_assert_uint_lt(at, sent_count);
        ck_assert_uint_eq(sent[at++], i);
    }
    ck_assert_uint_eq(at, sent_count);
}

static const int no_room[] = {EAGAIN, ENOBUFS, ENOMEM};
static const int refused[] = {ENETUNREACH, EHOSTUNREACH, EPERM,    EINVAL, EADDRNOTAVAIL,
                              ENETDOWN,    EACCES,       EMSGSIZE, EFAULT, EIO};

START_TEST(without_room_the_order_stays) {
    for (unsigned at = 0; at < 10; at += 3) {
        sent_count = calls = 0;
        refuse(at, no_room[_i], 1);
        ck_assert_uint_eq(offer(0, 10), at);
        ck_assert_uint_le(calls, 2); /* once it has said no, it is not asked again */
        ck_assert_uint_gt(transport_send_delay_us(t), 0);
        ck_assert_uint_eq(offer(at, 10 - at), 10 - at);
        expect_sent(0, 9, -1);
    }
    ck_assert_uint_eq(counters().no_room, 4);
    ck_assert_uint_eq(counters().refused, 0);
    ck_assert_uint_eq(counters().packets_out, 40);
}
END_TEST

START_TEST(the_wait_grows_and_ends) {
    uint32_t before = 0;
    refuse(0, no_room[_i], 1000);
    for (unsigned i = 0; i < 10; i++) {
        ck_assert_uint_eq(offer(0, 3), 0);
        uint32_t delay = transport_send_delay_us(t);
        ck_assert_uint_ge(delay, before);
        ck_assert_uint_le(delay, TRANSPORT_SEND_DELAY_MAX_US);
        before = delay;
    }
    ck_assert_uint_eq(before, TRANSPORT_SEND_DELAY_MAX_US);
    refuse(0, 0, 0);
    ck_assert_uint_eq(offer(0, 3), 3);
    ck_assert_uint_eq(transport_send_delay_us(t), TRANSPORT_SEND_DELAY_US);
    expect_sent(0, 2, -1);
}
END_TEST

/* A device that never takes anything must not stop what goes elsewhere. */
START_TEST(a_packet_is_given_up_in_the_end) {
    unsigned tries = 0;
    refuse(1, no_room[_i], 1000000);
    refuse(3, no_room[_i], 1000000);
    size_t at = offer(0, 5);
    ck_assert_uint_eq(at, 1);
    while (at < 5 && tries < 1000) {
        at += offer(at, 5 - at);
        tries++;
    }
    ck_assert_uint_eq(at, 5);
    /* Not before what a busy device needs: a quarter of a second of waits. */
    ck_assert_uint_ge(tries * TRANSPORT_SEND_DELAY_MAX_US, 250000);
    ck_assert_uint_le(tries * TRANSPORT_SEND_DELAY_MAX_US, 1000000);
    /* 3, to the same place, was not waited for. */
    ck_assert_uint_eq(sent_count, 3);
    ck_assert(sent[0] == 0 && sent[1] == 2 && sent[2] == 4);
    ck_assert_uint_eq(counters().refused, 2);
    /* What goes elsewhere is. */
    refuse(4, no_room[_i], 1000);
    ck_assert_uint_eq(offer(3, 2), 1);
    ck_assert_uint_eq(offer(4, 1), 0);
    /* Once something gets through there is patience again. */
    refuse(4, 0, 0);
    ck_assert_uint_eq(offer(5, 1), 1);
    ck_assert_uint_eq(offer(3, 1), 0);
    ck_assert_uint_eq(counters().refused, 3);
}
END_TEST

START_TEST(a_refusal_costs_one_packet) {
    for (unsigned at = 0; at < 10; at += 3) {
        sent_count = calls = 0;
        refuse(at, refused[_i], 1000);
        ck_assert_uint_eq(offer(0, 10), 10);
        expect_sent(0, 9, (int)at);
        ck_assert_uint_le(calls, 5);
        refuse(at, 0, 0);
    }
    ck_assert_uint_eq(counters().refused, 4);
    ck_assert_uint_eq(counters().no_room, 0);
    ck_assert_uint_eq(counters().packets_out, 36);
}
END_TEST

/* A pending ICMP error of another peer's makes one call fail. */
START_TEST(an_error_of_anothers_costs_none) {
    refuse(3, refused[_i], 1);
    refuse(7, ECONNREFUSED, 1);
    ck_assert_uint_eq(offer(0, 10), 10);
    expect_sent(0, 9, -1);
    ck_assert_uint_eq(counters().refused, 0);
}
END_TEST

START_TEST(every_packet_refused) {
    for (unsigned i = 0; i < 200; i++)
        refuse(i, refused[_i], 1000);
    ck_assert_uint_eq(offer(0, 200), 200);
    ck_assert_uint_eq(sent_count, 0);
    ck_assert_uint_le(calls, 400);
    ck_assert_uint_eq(counters().refused, 200);
}
END_TEST

START_TEST(interrupted_is_asked_again) {
    refuse(0, EINTR, 3);
    refuse(5, EINTR, 3);
    ck_assert_uint_eq(offer(0, 10), 10);
    expect_sent(0, 9, -1);
    ck_assert_uint_eq(counters().refused, 0);
}
END_TEST

/* A run whose device cannot cut it goes segment by segment, and one refused segment is one lost. */
START_TEST(runs_are_cut_and_refused_by_the_segment) {
    static uint8_t run[10 * 64];
    uint32_t offset = 0;
    for (unsigned i = 0; i < 10; i++)
        run[i * 64 + 4] = (uint8_t)(100 + i);
    struct usctp_packet packet = packets[0];
    packet.data = run;
    packet.length = sizeof run;
    packet.segment_size = 64;
    refuse(100, EIO, 1); /* the whole run: no segmentation */
    refuse(104, EPERM, 1000);
    refuse(107, ENOBUFS, 1);
    ck_assert_uint_eq(transport_send(t, &packet, 1, &offset), 0);
    ck_assert_uint_eq(offset, 7 * 64);
    ck_assert_uint_eq(transport_send(t, &packet, 1, &offset), 1);
    ck_assert_uint_eq(offset, 0);
    expect_sent(100, 109, 104);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("transport_faults");
    TCase *tests = tcase_create("transport_faults");
    int no_rooms = sizeof no_room / sizeof no_room[0],
        refusals = sizeof refused / sizeof refused[0];
    (void)unit_net_enter();
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 30);
    tcase_add_loop_test(tests, without_room_the_order_stays, 0, no_rooms);
    tcase_add_loop_test(tests, the_wait_grows_and_ends, 0, no_rooms);
    tcase_add_loop_test(tests, a_packet_is_given_up_in_the_end, 0, no_rooms);
    tcase_add_loop_test(tests, a_refusal_costs_one_packet, 0, refusals);
    tcase_add_loop_test(tests, an_error_of_anothers_costs_none, 0, refusals);
    tcase_add_loop_test(tests, every_packet_refused, 0, refusals);
    tcase_add_test(tests, interrupted_is_asked_again);
    tcase_add_test(tests, runs_are_cut_and_refused_by_the_segment);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
