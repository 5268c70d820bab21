/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The port filter: every port through an interpreter of the instructions it uses, and through the
 * kernel on a datagram socket pair, whose filters see the datagram from its first byte as those of
 * raw sockets do.
 */
#include "net/socket_filter.h"

#include "support/unit_env.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Runs a program over a packet. Only what the builder is meant to write is known here; all else
 * fails the test. */
static uint32_t interpret(const struct sock_filter *program, size_t n, const uint8_t *packet,
                          size_t bytes) {
    uint32_t a = 0, x = 0;
    for (size_t pc = 0, steps = 0; steps < 100; pc++, steps++) {
        unit_env_check(pc < n);
        const struct sock_filter *i = &program[pc];
        size_t at = i->k;
        switch (i->code) {
        case BPF_LDX | BPF_B | BPF_MSH:
            if (at >= bytes)
                return 0;
            x = (packet[at] & 0xfu) * 4;
            break;
        case BPF_LD | BPF_H | BPF_IND:
            at += x;
            /* fall through */
        case BPF_LD | BPF_H | BPF_ABS:
            if (at + 2 > bytes)
                return 0;
            a = (uint32_t)packet[at] << 8 | packet[at + 1];
            break;
        case BPF_JMP | BPF_JGE | BPF_K:
            pc += a >= i->k ? i->jt : i->jf;
            break;
        case BPF_JMP | BPF_JGT | BPF_K:
            pc += a > i->k ? i->jt : i->jf;
            break;
        case BPF_JMP | BPF_JA:
            pc += i->k;
            break;
        case BPF_RET | BPF_K:
            return i->k;
        default:
            ck_abort_msg("instruction 0x%x", i->code);
        }
    }
    ck_abort_msg("more steps than a tree is deep");
    return 0;
}

static size_t make_packet(uint8_t *packet, unsigned header_words, unsigned port) {
    size_t header = header_words * 4;
    memset(packet, 0xee, header + 12);
    if (header > 0)
        packet[0] = (uint8_t)(0x40 | header_words);
    packet[header] = 0x11; /* source port: must not matter */
    packet[header + 1] = 0x22;
    packet[header + 2] = (uint8_t)(port >> 8);
    packet[header + 3] = (uint8_t)port;
    return header + 12;
}

static bool is_in(const struct port_range *ranges, size_t n, unsigned port) {
    for (size_t i = 0; i < n; i++)
        if (port >= ranges[i].first && port <= ranges[i].last)
            return true;
    return false;
}

/* Every port, for IPv6 and for IPv4 with each length of header. */
static void check_all_ports(const struct port_range *ranges, size_t n) {
    static struct sock_filter ipv4[SOCKET_FILTER_MAX_INSTRUCTIONS];
    static struct sock_filter ipv6[SOCKET_FILTER_MAX_INSTRUCTIONS];
    uint8_t packet[100];
    size_t n4 = socket_filter_build(ipv4, ranges, n, true);
    size_t n6 = socket_filter_build(ipv6, ranges, n, false);
    ck_assert_uint_le(n4, SOCKET_FILTER_MAX_INSTRUCTIONS);
    for (unsigned port = 0; port < 65536; port++) {
        bool expected = is_in(ranges, n, port);
        size_t bytes = make_packet(packet, 0, port);
        unit_env_check((interpret(ipv6, n6, packet, bytes) > 0) == expected);
        bytes = make_packet(packet, 5 + port % 11, port);
        unit_env_check((interpret(ipv4, n4, packet, bytes) > 0) == expected);
    }
}

START_TEST(one_port) {
    struct port_range range = {9, 9};
    check_all_ports(&range, 1);
}
END_TEST

START_TEST(nothing_passes_without_ranges) {
    check_all_ports(NULL, 0);
}
END_TEST

START_TEST(edges_of_the_port_space) {
    struct port_range ranges[] = {{0, 1}, {3, 3}, {7, 100}, {32768, 32831}, {65535, 65535}};
    for (size_t n = 1; n <= 5; n++)
        check_all_ports(ranges, n);
}
END_TEST

START_TEST(as_many_ranges_as_may_be) {
    static struct port_range ranges[SOCKET_FILTER_MAX_RANGES];
    for (unsigned i = 0; i < SOCKET_FILTER_MAX_RANGES; i++)
        ranges[i] =
            (struct port_range){(uint16_t)(100 + i * 109), (uint16_t)(100 + i * 109 + i % 3)};
    check_all_ports(ranges, SOCKET_FILTER_MAX_RANGES);
}
END_TEST

START_TEST(coarse_ranges_cover_the_fine_ones) {
    struct port_range ranges[] = {{10, 20}, {22, 30}, {100, 110}, {500, 500}, {503, 510}};
    const struct port_range fine[] = {{10, 20}, {22, 30}, {100, 110}, {500, 500}, {503, 510}};
    ck_assert_uint_eq(socket_filter_coarsen(ranges, 5, 5), 5);
    ck_assert_uint_eq(socket_filter_coarsen(ranges, 5, 3), 3);
    ck_assert_uint_eq(ranges[0].first, 10);
    ck_assert_uint_eq(ranges[0].last, 30);
    ck_assert_uint_eq(ranges[1].first, 100);
    ck_assert_uint_eq(ranges[2].first, 500);
    ck_assert_uint_eq(ranges[2].last, 510);
    for (unsigned port = 0; port < 65536; port++)
        if (is_in(fine, 5, port))
            unit_env_check(is_in(ranges, 3, port));
}
END_TEST

START_TEST(short_packets_are_dropped) {
    struct port_range all = {0, 65535};
    struct sock_filter program[16];
    uint8_t packet[100];
    size_t n = socket_filter_build(program, &all, 1, true);
    make_packet(packet, 5, 9);
    ck_assert_uint_eq(interpret(program, n, packet, 0), 0);
    ck_assert_uint_eq(interpret(program, n, packet, 23), 0);
    ck_assert_uint_gt(interpret(program, n, packet, 24), 0);
    packet[0] = 0x4f; /* claims 60 bytes of header */
    ck_assert_uint_eq(interpret(program, n, packet, 61), 0);
}
END_TEST

/* Sends one packet for each port and says which came out of the kernel. */
static bool passes_kernel(const int pair[2], unsigned header_words, unsigned port) {
    uint8_t packet[100], got[100];
    size_t bytes = make_packet(packet, header_words, port);
    unit_env_check(send(pair[0], packet, bytes, 0) == (ssize_t)bytes);
    ssize_t n = recv(pair[1], got, sizeof got, MSG_DONTWAIT);
    if (n < 0)
        return false;
    unit_env_check(n == (ssize_t)bytes); /* whole, not cut */
    return true;
}

START_TEST(the_kernel_agrees) {
    int pair[2];
    static struct port_range ranges[SOCKET_FILTER_MAX_RANGES];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
    for (unsigned i = 0; i < SOCKET_FILTER_MAX_RANGES; i++)
        ranges[i] = (struct port_range){(uint16_t)(50 + i * 100), (uint16_t)(50 + i * 100 + i % 7)};
    size_t counts[] = {0, 1, 2, 5, 63, SOCKET_FILTER_MAX_RANGES};
    for (size_t k = 0; k < sizeof counts / sizeof counts[0]; k++) {
        ck_assert_int_eq(socket_filter_attach(pair[1], ranges, counts[k], true), 0);
        for (unsigned port = 0; port < 65536; port += 7)
            unit_env_check(passes_kernel(pair, 5 + port % 11, port) ==
                           is_in(ranges, counts[k], port));
        ck_assert_int_eq(socket_filter_attach(pair[1], ranges, counts[k], false), 0);
        for (unsigned port = 0; port < 65536; port += 11)
            unit_env_check(passes_kernel(pair, 0, port) == is_in(ranges, counts[k], port));
    }
    ck_assert_int_lt(socket_filter_attach(pair[1], ranges, SOCKET_FILTER_MAX_RANGES + 1, true), 0);
    close(pair[0]);
    close(pair[1]);
    ck_assert_int_lt(socket_filter_attach(-1, ranges, 1, true), 0);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("socket_filter");
    TCase *tests = tcase_create("socket_filter");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, one_port);
    tcase_add_test(tests, nothing_passes_without_ranges);
    tcase_add_test(tests, edges_of_the_port_space);
    tcase_add_test(tests, as_many_ranges_as_may_be);
    tcase_add_test(tests, coarse_ranges_cover_the_fine_ones);
    tcase_add_test(tests, short_packets_are_dropped);
    tcase_add_test(tests, the_kernel_agrees);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
