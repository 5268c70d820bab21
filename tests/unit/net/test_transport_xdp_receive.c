/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Receiving by AF_XDP: which frames come so, what of a packet is told, what goes to the kernel and
 * so to the raw socket, and what is discarded. Headers by RFC 894, RFC 791 3.1, RFC 8200
 * 3, 4.5, 4.6 and RFC 9260 3.1. Skipped where namespaces, AF_XDP or BPF are not to be had.
 */
#include "core/addr.h"
#include "support/unit_hex.h"
#include "support/unit_net.h"
#include "support/unit_xdp.h"

#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#define RECEIVED 2048 /* frames of 2048 bytes in 4 MiB */

/* ---- what comes ------------------------------------------------------------------------------ */

START_TEST(packets_of_both_families) {
    struct usctp_addr near4 = unit_net_address("192.0.2.1"), far4 = unit_net_address("192.0.2.2");
    ck_assert_int_eq(unit_xdp_way_of(unit_xdp_ipv4(UNIT_XDP_PORT, 100)), BY_XDP);
    ck_assert_uint_eq(unit_got[0].length, 100);
    ck_assert_mem_eq(unit_got[0].data, unit_frame + 34, 100);
    ck_assert(addr_equal(&unit_got[0].source, &far4));
    ck_assert(addr_equal(&unit_got[0].destination, &near4));
    ck_assert_uint_eq(unit_got[0].tos, 0x2b);
    ck_assert_uint_eq(unit_got[0].interface_index, if_nametoindex("near"));
    ck_assert_uint_eq(unit_got[0].udp_source, 0);
    ck_assert_uint_eq(unit_got[0].udp_destination, 0);
    struct usctp_addr near6 = unit_net_address("2001:db8::1"),
                      far6 = unit_net_address("2001:db8::2");
    ck_assert_int_eq(unit_xdp_way_of(unit_xdp_ipv6(UNIT_XDP_PORT, 1460)), BY_XDP);
    ck_assert_uint_eq(unit_got[0].length, 1460);
    ck_assert_mem_eq(unit_got[0].data, unit_frame + 54, 1460);
    ck_assert(addr_equal(&unit_got[0].source, &far6));
    ck_assert(addr_equal(&unit_got[0].destination, &near6));
    ck_assert_uint_eq(unit_got[0].tos, 0x2b);
    ck_assert_uint_eq(unit_got[0].flow_label, 0x12345);
    ck_assert_uint_eq(unit_got[0].interface_index, if_nametoindex("near"));
    ck_assert_uint_eq(unit_net_counters(unit_xdp).packets_in, 2);
    ck_assert_uint_eq(unit_net_counters(unit_xdp).xdp_packets_in, 2);
    ck_assert_uint_eq(unit_net_counters(unit_xdp).bytes_in, 1560);
}
END_TEST

/* A raw socket tells of the same packet just the same. */
START_TEST(as_by_the_raw_socket) {
    struct usctp_packet by_xdp;
    for (unsigned i = 0; i < 2; i++) {
        size_t bytes = i ? unit_xdp_ipv6(UNIT_XDP_PORT, 64) : unit_xdp_ipv4(UNIT_XDP_PORT, 64);
        if (i)
            memcpy(unit_frame + 22, "\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\x09", 16);
        ck_assert_int_eq(unit_xdp_way_of(bytes), BY_XDP);
        by_xdp = unit_got[0];
        unit_xdp_reopen();
        ck_assert_int_eq(unit_xdp_way_of(bytes), BY_RAW); /* nothing has been sent yet */
        ck_assert_uint_eq(unit_got[0].length, by_xdp.length);
        ck_assert(addr_equal(&unit_got[0].source, &by_xdp.source));
        ck_assert(addr_equal(&unit_got[0].destination, &by_xdp.destination));
        ck_assert_uint_eq(unit_got[0].source.scope_id, by_xdp.source.scope_id);
        ck_assert_uint_eq(unit_got[0].destination.scope_id, by_xdp.destination.scope_id);
        ck_assert_uint_eq(unit_got[0].flow_label, by_xdp.flow_label);
        ck_assert_uint_eq(unit_got[0].interface_index, by_xdp.interface_index);
        ck_assert_uint_eq(unit_got[0].tos, by_xdp.tos);
        unit_xdp_speak_so(unit_xdp);
    }
}
END_TEST

/* What an Ethernet adds to a short packet is no part of it (RFC 894). */
START_TEST(padding) {
    unit_xdp_ipv4(UNIT_XDP_PORT, 16);
    ck_assert_int_eq(unit_xdp_way_of(60), BY_XDP);
    ck_assert_uint_eq(unit_got[0].length, 16);
    unit_xdp_ipv6(UNIT_XDP_PORT, 12);
    ck_assert_int_eq(unit_xdp_way_of(70), BY_XDP);
    ck_assert_uint_eq(unit_got[0].length, 12);
}
END_TEST

START_TEST(many_at_once) {
    size_t count = 0, n;
    for (unsigned round = 0; round < 3; round++) {
        /* More than there are frames: the last ones are lost, as in a full socket buffer. */
        size_t bytes = unit_xdp_ipv4(UNIT_XDP_PORT, 40);
        for (unsigned i = 0; i < RECEIVED + 50; i++) {
            put32(unit_frame + 34 + 4, i);
            unit_xdp_inject(bytes);
            if (i % 64 == 0)
                usleep(1000); /* a busy machine has a backlog of 1,000 packets */
        }
        usleep(20 * 1000);
        for (count = 0; (n = transport_receive(unit_xdp, unit_got, 64)) > 0; count += n)
            for (size_t i = 0; i < n; i++)
                ck_assert_uint_eq(get32(unit_got[i].data + 4), count + i);
        /* But for the 64 that were handed out last, all of them have come back. */
        ck_assert_uint_ge(count, RECEIVED - 64);
        ck_assert_uint_le(count, RECEIVED);
    }
    ck_assert_int_eq(unit_xdp_way_of(unit_xdp_ipv4(UNIT_XDP_PORT, 40)), BY_XDP);
    ck_assert_uint_eq(unit_net_counters(unit_xdp).xdp_memory_bytes,
                      XDP_RING_FRAMES * XDP_RING_SMALL_FRAME + XDP_RING_RECEIVE_BYTES);
}
END_TEST

START_TEST(who_waits_is_woken) {
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event;
    size_t sockets = transport_packet_sockets(unit_xdp);
    transport_watch_xdp(unit_xdp, epoll, 77);
    ck_assert_int_eq(epoll_wait(epoll, &event, 1, 0), 0);
    unit_xdp_inject(unit_xdp_ipv4(UNIT_XDP_PORT, 40));
    ck_assert_int_eq(epoll_wait(epoll, &event, 1, 10000), 1);
    ck_assert_uint_eq(event.data.u64, 77);
    ck_assert_uint_eq(transport_receive_ready(unit_xdp, 0, 0, unit_got, 64), 0);
    ck_assert_uint_eq(transport_receive_ready(unit_xdp, 1u << sockets, 0, unit_got, 64), 1);
    ck_assert_int_eq(epoll_wait(epoll, &event, 1, 0), 0);
    transport_doze_xdp(unit_xdp);
    unit_xdp_inject(unit_xdp_ipv4(UNIT_XDP_PORT, 40));
    ck_assert_int_eq(epoll_wait(epoll, &event, 1, 0), 0);
    ck_assert(transport_has_xdp_packets(unit_xdp));
    transport_rouse_xdp(unit_xdp);
    ck_assert_int_eq(epoll_wait(epoll, &event, 1, 10000), 1);
    ck_assert_uint_eq(transport_receive_ready(unit_xdp, 1u << sockets, 0, unit_got, 64), 1);
    ck_assert(!transport_has_xdp_packets(unit_xdp));
    transport_watch_xdp(unit_xdp, -1, 0);
    unit_xdp_inject(unit_xdp_ipv4(UNIT_XDP_PORT, 40));
    ck_assert_int_eq(epoll_wait(epoll, &event, 1, 0), 0);
    close(epoll);
}
END_TEST

/* ---- what is the kernel's -------------------------------------------------------------------- */

static int open_stranger(int family) {
    int fd = socket(family, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_SCTP);
    ck_assert_int_ge(fd, 0);
    return fd;
}

/* How many packets another raw socket of the host has got. */
static unsigned count_stranger(int fd) {
    uint8_t bytes[4096];
    unsigned n = 0;
    usleep(5 * 1000);
    while (recv(fd, bytes, sizeof bytes, 0) > 0)
        n++;
    return n;
}

START_TEST(ports_of_others) {
    int ipv4 = open_stranger(AF_INET), ipv6 = open_stranger(AF_INET6);
    ck_assert_int_eq(unit_xdp_way_of(unit_xdp_ipv4(UNIT_XDP_PORT, 40)), BY_XDP);
    ck_assert_int_eq(unit_xdp_way_of(unit_xdp_ipv6(UNIT_XDP_PORT, 40)), BY_XDP);
    ck_assert_uint_eq(count_stranger(ipv4) + count_stranger(ipv6), 0);
    ck_assert_int_eq(unit_xdp_way_of(unit_xdp_ipv4(UNIT_XDP_OTHER_PORT, 40)), NOT_AT_ALL);
    ck_assert_int_eq(unit_xdp_way_of(unit_xdp_ipv6(UNIT_XDP_OTHER_PORT, 40)), NOT_AT_ALL);
    ck_assert_uint_eq(count_stranger(ipv4), 1);
    ck_assert_uint_eq(count_stranger(ipv6), 1);
    ck_assert_int_eq(transport_claim_port(unit_xdp, UNIT_XDP_OTHER_PORT), 0);
    ck_assert_int_eq(unit_xdp_way_of(unit_xdp_ipv4(UNIT_XDP_OTHER_PORT, 40)), BY_XDP);
    ck_assert_int_eq(transport_claim_port(unit_xdp, 65535), 0);
    ck_assert_int_eq(unit_xdp_way_of(unit_xdp_ipv6(65535, 40)), BY_XDP);
    transport_release_port(unit_xdp, UNIT_XDP_OTHER_PORT);
    transport_release_port(unit_xdp, 65535);
    ck_assert_int_eq(unit_xdp_way_of(unit_xdp_ipv4(UNIT_XDP_OTHER_PORT, 40)), NOT_AT_ALL);
    ck_assert_int_eq(unit_xdp_way_of(unit_xdp_ipv6(65535, 40)), NOT_AT_ALL);
    ck_assert_uint_eq(count_stranger(ipv4), 1);
    ck_assert_uint_eq(count_stranger(ipv6), 1);
    close(ipv4);
    close(ipv6);
}
END_TEST

START_TEST(fragments_arrive) {
    uint8_t whole[400];
    unit_xdp_ipv4(UNIT_XDP_PORT, sizeof whole);
    memcpy(whole, unit_frame + 34, sizeof whole);
    put16(unit_frame + 16, 20 + 200);
    put16(unit_frame + 20, 0x2000); /* more follow */
    unit_xdp_seal();
    ck_assert_int_eq(unit_xdp_way_of(34 + 200), NOT_AT_ALL);
    memcpy(unit_frame + 34, whole + 200, 200);
    put16(unit_frame + 20, 200 / 8);
    unit_xdp_seal();
    ck_assert_int_eq(unit_xdp_way_of(34 + 200), BY_RAW);
    ck_assert_uint_eq(unit_got[0].length, sizeof whole);
    ck_assert_mem_eq(unit_got[0].data, whole, sizeof whole);
    /* IPv6: a fragment header of an only fragment. */
    size_t bytes = unit_xdp_ipv6(UNIT_XDP_PORT, 48);
    memmove(unit_frame + 62, unit_frame + 54, 48);
    memcpy(unit_frame + 54, "\x84\0\0\0\0\0\0\x07", 8);
    unit_frame[20] = 44;
    put16(unit_frame + 18, 56);
    ck_assert_int_eq(unit_xdp_way_of(bytes + 8), BY_RAW);
    ck_assert_uint_eq(unit_got[0].length, 48);
}
END_TEST

START_TEST(unusual_headers) {
    size_t bytes = unit_xdp_ipv4(UNIT_XDP_PORT, 40); /* with an option: no operation, end of list */
    memmove(unit_frame + 38, unit_frame + 34, 40);
    memcpy(unit_frame + 34, "\x01\0\0\0", 4);
    unit_frame[14] = 0x46;
    put16(unit_frame + 16, 64);
    unit_xdp_seal();
    ck_assert_int_eq(unit_xdp_way_of(bytes + 4), BY_RAW);
    ck_assert_uint_eq(unit_got[0].length, 40);
    bytes = unit_xdp_ipv6(UNIT_XDP_PORT, 40); /* with destination options: PadN */
    memmove(unit_frame + 62, unit_frame + 54, 40);
    memcpy(unit_frame + 54, "\x84\0\x01\x04\0\0\0\0", 8);
    unit_frame[20] = 60;
    put16(unit_frame + 18, 48);
    ck_assert_int_eq(unit_xdp_way_of(bytes + 8), BY_RAW);
    ck_assert_uint_eq(unit_got[0].length, 40);
    bytes = unit_xdp_ipv4(UNIT_XDP_PORT, 8); /* less than a common header */
    ck_assert_int_eq(unit_xdp_way_of(bytes), BY_RAW);
    ck_assert_uint_eq(unit_got[0].length, 8);
}
END_TEST

START_TEST(not_for_this_host) {
    size_t bytes = unit_xdp_ipv4(UNIT_XDP_PORT, 40);
    unit_frame[5] = 9; /* to another Ethernet address */
    ck_assert_int_eq(unit_xdp_way_of(bytes), NOT_AT_ALL);
    unit_xdp_ipv4(UNIT_XDP_PORT, 40);
    unit_frame[33] = 77; /* to 192.0.2.77 */
    unit_xdp_seal();
    ck_assert_int_eq(unit_xdp_way_of(bytes), NOT_AT_ALL);
    unit_xdp_ipv4(UNIT_XDP_PORT, 40);
    memcpy(unit_frame + 30, "\x7f\0\0\x01",
           4); /* to 127.0.0.1, which the kernel does not believe */
    unit_xdp_seal();
    ck_assert_int_eq(unit_xdp_way_of(bytes), NOT_AT_ALL);
    bytes = unit_xdp_ipv6(UNIT_XDP_PORT, 40);
    memcpy(unit_frame + 38, "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\x02\x01",
           16); /* ::ffff:192.0.2.1 */
    ck_assert_int_eq(unit_xdp_way_of(bytes), NOT_AT_ALL);
    ck_assert_uint_eq(unit_net_counters(unit_xdp).xdp_packets_in, 0);
    ck_assert_uint_eq(unit_net_counters(unit_xdp).xdp_packets_bad,
                      1); /* the last: its key is the same */
    bytes = unit_xdp_ipv4(UNIT_XDP_PORT, 40);
    put16(unit_frame + 12, 0x88b5); /* an experimental EtherType */
    ck_assert_int_eq(unit_xdp_way_of(bytes), NOT_AT_ALL);
}
END_TEST

/* The kernel tells of an IPv6 address when it has made it fit for use, which is behind ip's back.
 */
static bool has_refreshed(void) {
    for (int i = 0; i < 5000; i++) {
        if (transport_refresh(unit_xdp))
            return true;
        usleep(1000);
    }
    return false;
}

/* Addresses come and go. */
START_TEST(addresses_of_the_host) {
    size_t bytes = unit_xdp_ipv4(UNIT_XDP_PORT, 40);
    ck_assert(unit_net_run("ip addr add 192.0.2.77/24 dev near"));
    ck_assert(transport_refresh(unit_xdp));
    unit_frame[33] = 77;
    unit_xdp_seal();
    ck_assert_int_eq(unit_xdp_way_of(bytes), BY_XDP);
    ck_assert(unit_net_run("ip addr del 192.0.2.77/24 dev near"));
    ck_assert(transport_refresh(unit_xdp));
    ck_assert_int_eq(unit_xdp_way_of(bytes), NOT_AT_ALL);
    ck_assert_uint_eq(unit_net_counters(unit_xdp).foreign, 0);
    /* A link-local one may be that of a VLAN of the interface: the kernel says whose it is. */
    bytes = unit_xdp_ipv6(UNIT_XDP_PORT, 40);
    ck_assert(unit_net_run("ip addr add fe80::77/64 dev near nodad"));
    ck_assert(has_refreshed());
    memcpy(unit_frame + 38, "\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\x77", 16);
    ck_assert_int_eq(unit_xdp_way_of(bytes), BY_RAW);
    ck_assert_uint_eq(unit_got[0].destination.scope_id, if_nametoindex("near"));
}
END_TEST

static void expect_bad(size_t bytes) {
    uint64_t before = unit_net_counters(unit_xdp).xdp_packets_bad;
    ck_assert_int_eq(unit_xdp_way_of(bytes), NOT_AT_ALL);
    ck_assert_uint_eq(unit_net_counters(unit_xdp).xdp_packets_bad, before + 1);
}

START_TEST(what_ip_discards) {
    static const char *const sources[] = {"127.0.0.1", "224.0.0.1", "255.255.255.255", "0.0.0.0",
                                          "0.1.2.3"};
    static const char *const sources6[] = {"::", "::1", "ff02::1", "::ffff:192.0.2.2"};
    size_t bytes = unit_xdp_ipv4(UNIT_XDP_PORT, 40);
    unit_frame[24] ^= 1; /* the checksum */
    expect_bad(bytes);
    unit_xdp_ipv4(UNIT_XDP_PORT, 40);
    unit_frame[22] ^= 1; /* what it is of */
    expect_bad(bytes);
    unit_xdp_ipv4(UNIT_XDP_PORT, 40);
    put16(unit_frame + 16, 61); /* more than there is */
    unit_xdp_seal();
    expect_bad(bytes);
    put16(unit_frame + 16, 20); /* nothing */
    unit_xdp_seal();
    expect_bad(bytes);
    put16(unit_frame + 16, 19);
    unit_xdp_seal();
    expect_bad(bytes);
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++) {
        struct usctp_addr source = unit_net_address(sources[i]);
        unit_xdp_ipv4(UNIT_XDP_PORT, 40);
        memcpy(unit_frame + 26, source.ipv4, 4);
        unit_xdp_seal();
        expect_bad(bytes);
    }
    bytes = unit_xdp_ipv6(UNIT_XDP_PORT, 40);
    put16(unit_frame + 18, 41);
    expect_bad(bytes);
    put16(unit_frame + 18, 0);
    expect_bad(bytes);
    for (size_t i = 0; i < sizeof sources6 / sizeof sources6[0]; i++) {
        struct usctp_addr source = unit_net_address(sources6[i]);
        unit_xdp_ipv6(UNIT_XDP_PORT, 40);
        memcpy(unit_frame + 22, source.ipv6, 16);
        expect_bad(bytes);
    }
    ck_assert_uint_eq(unit_net_counters(unit_xdp).packets_in, 0);
    ck_assert_int_eq(unit_xdp_way_of(unit_xdp_ipv4(UNIT_XDP_PORT, 40)), BY_XDP);
}
END_TEST

int main(void) {
    if (!unit_xdp_enter())
        return 77;
    Suite *suite = suite_create("transport_xdp_receive");
    TCase *tests = tcase_create("xdp");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, unit_xdp_setup, unit_xdp_teardown);
    tcase_add_test(tests, packets_of_both_families);
    tcase_add_test(tests, as_by_the_raw_socket);
    tcase_add_test(tests, padding);
    tcase_add_test(tests, many_at_once);
    tcase_add_test(tests, who_waits_is_woken);
    tcase_add_test(tests, ports_of_others);
    tcase_add_test(tests, fragments_arrive);
    tcase_add_test(tests, unusual_headers);
    tcase_add_test(tests, not_for_this_host);
    tcase_add_test(tests, addresses_of_the_host);
    tcase_add_test(tests, what_ip_discards);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
