/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The transport over UDP on loopback (no privilege needed): ports, runs with and without
 * segmentation offload, addresses and TOS, ICMP errors that must not disturb others, packets that
 * no socket takes. Raw sockets: test_transport_raw.c.
 */
#include "net/transport_inside.h"
#include "support/unit_net.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char text[256];
static struct transport *a, *b;

static struct transport_options udp_options(uint16_t port) {
    struct transport_options options = unit_net_options();
    options.udp = true;
    options.udp_port = port;
    return options;
}

static void setup(void) {
    a = unit_net_open(udp_options(5001));
    b = unit_net_open(udp_options(5002));
}

static void teardown(void) {
    transport_close(a);
    transport_close(b);
}

static struct usctp_packet packet_to(const char *address, uint16_t port, uint8_t *data,
                                     uint32_t length) {
    struct usctp_packet packet = {.data = data, .length = length};
    packet.destination = unit_net_address(address);
    packet.udp_destination = port;
    return packet;
}

START_TEST(ports) {
    ck_assert_uint_eq(transport_udp_port(a), 5001);
    ck_assert(!transport_has_raw(a));
    struct transport *first = unit_net_open(udp_options(0));
    ck_assert_uint_eq(transport_udp_port(first), 9899);
    struct transport *second = unit_net_open(udp_options(0)); /* an ephemeral one serves */
    ck_assert_uint_ne(transport_udp_port(second), 9899);
    ck_assert_uint_ne(transport_udp_port(second), 0);
    struct transport_options required = udp_options(0);
    struct transport *third = NULL;
    required.udp_port_required = true;
    ck_assert_int_eq(transport_open(&third, &required, text, sizeof text), -EADDRINUSE);
    ck_assert_ptr_null(third);
    ck_assert_ptr_nonnull(strstr(text, "9899"));
    transport_close(first);
    third = unit_net_open(required);
    ck_assert_uint_eq(transport_udp_port(third), 9899);
    transport_close(second);
    transport_close(third);
    struct transport_options nothing = unit_net_options();
    ck_assert_int_eq(transport_open(&third, &nothing, text, sizeof text), -EINVAL);
    int fds[8];
    ck_assert_uint_eq(transport_descriptors(a, fds, 8), 3);
    ck_assert_uint_eq(transport_descriptors(a, fds, 1), 1);
}
END_TEST

/* Who knows which sockets are ready says so, by the numbers of transport_descriptors. */
START_TEST(ready) {
    uint8_t data[100] = {1};
    int fds[8];
    struct usctp_packet got[4], packet = packet_to("127.0.0.1", 5002, data, sizeof data);
    size_t sockets = transport_packet_sockets(b), number = 0;
    ck_assert_uint_eq(sockets, 2);
    ck_assert_uint_ge(transport_descriptors(b, fds, 8), sockets);
    unit_net_send(a, &packet, 1);
    struct pollfd polled[2] = {{.fd = fds[0], .events = POLLIN}, {.fd = fds[1], .events = POLLIN}};
    ck_assert_int_eq(poll(polled, 2, 10000), 1);
    number = polled[1].revents ? 1 : 0;
    ck_assert_uint_eq(transport_receive_ready(b, 0, 0, got, 4), 0);
    ck_assert_uint_eq(transport_receive_ready(b, 1u << (1 - number), 0, got, 4), 0);
    ck_assert_uint_eq(transport_receive_ready(b, 1u << number, 0, got, 4), 1);
    ck_assert_mem_eq(got[0].data, data, sizeof data);
    ck_assert_uint_eq(transport_receive_ready(b, 1u << number, 1u << number, got, 4), 0);
}
END_TEST

static void check_one(const char *to, const char *from) {
    uint8_t data[100];
    struct usctp_packet got[4], packet = packet_to(to, 5002, data, sizeof data);
    memset(data, 0x5a, sizeof data);
    packet.tos = 0xb9; /* EF, ECT(1) */
    packet.source = unit_net_address(from);
    packet.flow_label = 0x12345;
    unit_net_send(a, &packet, 1);
    ck_assert_uint_eq(unit_net_receive(b, got, 4), 1);
    size_t bytes = packet.source.family == USCTP_FAMILY_IPV4 ? 4 : 16;
    ck_assert_uint_eq(got[0].length, sizeof data);
    ck_assert_uint_eq(got[0].segment_size, 0);
    ck_assert_mem_eq(got[0].data, data, sizeof data);
    ck_assert_uint_eq(got[0].udp_source, 5001);
    ck_assert_uint_eq(got[0].udp_destination, 5002);
    ck_assert_uint_eq(got[0].tos, 0xb9);
    ck_assert_uint_eq(got[0].source.family, packet.source.family);
    ck_assert_mem_eq(got[0].source.ipv6, packet.source.ipv6, bytes);
    ck_assert_uint_eq(got[0].destination.family, packet.destination.family);
    ck_assert_mem_eq(got[0].destination.ipv6, packet.destination.ipv6, bytes);
    ck_assert_uint_ne(got[0].interface_index, 0);
    ck_assert_uint_eq(got[0].flow_label, packet.source.family == USCTP_FAMILY_IPV6 ? 0x12345 : 0);
}

START_TEST(addresses_ports_and_tos) {
    check_one("127.0.0.1", "127.0.0.9");
    check_one("127.0.0.7", "127.0.0.1");
    check_one("::1", "::1");
}
END_TEST

/* What a UDP socket of this family receives at 5003. */
static int hops_of(int family, const char *to, uint8_t hop_limit) {
    bool ipv6 = family == AF_INET6;
    uint8_t data[4] = {1}, control[64];
    struct sockaddr_in6 name = {.sin6_family = (sa_family_t)family, .sin6_port = htons(5003)};
    struct usctp_packet packet = packet_to(to, 5003, data, sizeof data);
    struct iovec iov = {data, sizeof data};
    struct msghdr message = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    int on = 1, hops = -1, fd = socket(family, SOCK_DGRAM, 0);
    ck_assert_int_eq(setsockopt(fd, ipv6 ? IPPROTO_IPV6 : IPPROTO_IP,
                                ipv6 ? IPV6_RECVHOPLIMIT : IP_RECVTTL, &on, sizeof on),
                     0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&name, sizeof name), 0);
    packet.hop_limit = hop_limit;
    unit_net_send(a, &packet, 1);
    ck_assert_int_eq(recvmsg(fd, &message, 0), 4);
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    ck_assert_ptr_nonnull(c);
    ck_assert_int_eq(c->cmsg_type, ipv6 ? IPV6_HOPLIMIT : IP_TTL);
    memcpy(&hops, CMSG_DATA(c), sizeof hops);
    close(fd);
    return hops;
}

START_TEST(hop_limit) {
    int hops = 0;
    socklen_t bytes = sizeof hops;
    int fd = socket(AF_INET, SOCK_DGRAM, 0); /* what the host gives by itself */
    ck_assert_int_eq(getsockopt(fd, IPPROTO_IP, IP_TTL, &hops, &bytes), 0);
    close(fd);
    ck_assert_int_eq(hops_of(AF_INET, "127.0.0.1", 7), 7);
    ck_assert_int_eq(hops_of(AF_INET, "127.0.0.1", 0), hops);
    ck_assert_int_eq(hops_of(AF_INET6, "::1", 255), 255);
}
END_TEST

/* Sends a run and checks that its bytes arrive in order and in segments of the right size. */
static void check_run(const char *to, uint32_t segment, uint32_t length) {
    static uint8_t data[200000], collected[200000];
    struct usctp_packet packet = packet_to(to, 5002, data, length);
    struct usctp_packet got[TRANSPORT_BATCH];
    uint32_t total = 0;
    packet.segment_size = segment;
    for (uint32_t i = 0; i < length; i++)
        data[i] = (uint8_t)(i * 2654435761u >> 24);
    struct transport_counters before = unit_net_counters(b);
    unit_net_send(a, &packet, 1);
    while (total < length) {
        size_t n = unit_net_receive(b, got, TRANSPORT_BATCH);
        for (size_t i = 0; i < n; i++) {
            uint32_t each = got[i].segment_size ? got[i].segment_size : got[i].length;
            ck_assert(each == segment || total + got[i].length == length);
            ck_assert_uint_le(total + got[i].length, length);
            memcpy(collected + total, got[i].data, got[i].length);
            total += got[i].length;
        }
    }
    ck_assert_mem_eq(collected, data, length);
    ck_assert_uint_eq(unit_net_counters(b).packets_in - before.packets_in,
                      (length + segment - 1) / segment);
    ck_assert_uint_eq(unit_net_counters(b).bytes_in - before.bytes_in, length);
}

static void check_runs(void) {
    check_run("127.0.0.1", 1452, 1452 * 44);
    check_run("127.0.0.1", 1000, 10300);
    check_run("::1", 1432, 1432 * 40 + 4);
    check_run("127.0.0.1", 100, 100 * 200); /* more segments than one call takes */
    check_run("::1", 20000, 60000);
    check_run("127.0.0.1", 40000, 80000); /* two of them exceed an IP packet */
    check_run("127.0.0.1", 300, 301);
}

START_TEST(runs_with_offload) {
    struct packet_socket *s = &a->sockets[WAY_UDP_IPV4];
    if (!s->gso)
        return;
    check_runs();
    ck_assert(s->gso);
    struct transport_counters before = unit_net_counters(a);
    check_run("127.0.0.1", 1452, 1452 * 44);
    ck_assert_uint_eq(unit_net_counters(a).send_calls - before.send_calls, 1);
    ck_assert_uint_eq(unit_net_counters(a).packets_out - before.packets_out, 44);
}
END_TEST

START_TEST(runs_without_offload) {
    int off = 0;
    a->sockets[WAY_UDP_IPV4].gso = a->sockets[WAY_UDP_IPV6].gso = false;
    ck_assert_int_eq(
        setsockopt(b->sockets[WAY_UDP_IPV4].fd, IPPROTO_UDP, 104 /* UDP_GRO */, &off, sizeof off),
        0);
    check_runs();
}
END_TEST

START_TEST(a_run_goes_on_where_it_stopped) {
    uint8_t data[5000];
    struct usctp_packet packet = packet_to("127.0.0.1", 5002, data, sizeof data), got[8];
    uint32_t offset = 2000, total = 0;
    for (unsigned i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i / 1000);
    packet.segment_size = 1000;
    ck_assert_uint_eq(transport_send(a, &packet, 1, &offset), 1);
    ck_assert_uint_eq(offset, 0);
    while (total < 3000) {
        size_t n = unit_net_receive(b, got, 8);
        for (size_t i = 0; i < n; i++) {
            ck_assert_uint_eq(got[i].data[0], 2 + total / 1000);
            total += got[i].length;
        }
    }
    ck_assert_uint_eq(total, 3000);
    offset = 5000; /* nothing is left of it */
    ck_assert_uint_eq(transport_send(a, &packet, 1, &offset), 1);
    ck_assert_uint_eq(transport_receive(b, got, 8), 0);
}
END_TEST

START_TEST(many_packets_of_both_families_keep_their_order) {
    uint8_t data[200][4];
    struct usctp_packet packets[200], got[16];
    uint8_t next[2] = {0, 1};
    for (unsigned i = 0; i < 200; i++) {
        memset(data[i], (int)i, 4);
        packets[i] = packet_to(i % 2 ? "::1" : "127.0.0.1", 5002, data[i], 4);
        packets[i].tos = (uint8_t)(i % 7 == 0 ? 4 : 0);
    }
    unit_net_send(a, packets, 200);
    for (unsigned total = 0; total < 200;) {
        size_t n = unit_net_receive(b, got, 16);
        for (size_t i = 0; i < n; i++) {
            bool ipv6 = got[i].destination.family == USCTP_FAMILY_IPV6;
            for (uint32_t at = 0; at < got[i].length; at += 4) {
                ck_assert_uint_eq(got[i].data[at], next[ipv6]);
                ck_assert_uint_eq(got[i].tos, next[ipv6] % 7 == 0 ? 4 : 0);
                next[ipv6] = (uint8_t)(next[ipv6] + 2);
                total++;
            }
        }
    }
    ck_assert_uint_eq(unit_net_counters(a).packets_out, 200);
    ck_assert_uint_eq(unit_net_counters(a).bytes_out, 800);
}
END_TEST

START_TEST(an_error_for_one_peer_does_not_hurt_another) {
    uint8_t data[16] = {0x13, 0x88, 0x17, 0x70, 1, 2, 3, 4};
    struct usctp_packet closed = packet_to("127.0.0.1", 9, data, sizeof data);
    struct usctp_packet open = packet_to("127.0.0.1", 5002, data, sizeof data), got[4];
    struct usctp_icmp icmp;
    for (unsigned i = 0; i < 10; i++) {
        unit_net_send(a, &closed, 1); /* leaves an error pending on the socket */
        unit_net_send(a, &open, 1);
        ck_assert_uint_eq(unit_net_receive(b, got, 4), 1);
    }
    ck_assert_uint_eq(unit_net_counters(a).refused, 0);
    ck_assert_uint_eq(unit_net_counters(a).packets_out, 20);
    /* The same for receiving: the last error is still there when a packet comes. */
    unit_net_send(a, &closed, 1);
    struct usctp_packet back = packet_to("127.0.0.1", 5001, data, sizeof data);
    unit_net_send(b, &back, 1);
    ck_assert_uint_eq(unit_net_receive(a, got, 4), 1);
    ck_assert_uint_eq(transport_receive(a, got, 4), 0);
    for (unsigned i = 0; i < 11; i++) {
        ck_assert_int_eq(transport_next_icmp(a, &icmp), 1);
        ck_assert_int_eq(icmp.kind, USCTP_ICMP_PORT_UNREACHABLE);
        ck_assert_uint_eq(icmp.udp_destination, 9);
        ck_assert_uint_eq(icmp.quoted_bytes, sizeof data);
        ck_assert_mem_eq(icmp.quoted, data, sizeof data);
        ck_assert_mem_eq(icmp.destination.ipv4, closed.destination.ipv4, 4);
    }
    ck_assert_int_eq(transport_next_icmp(a, &icmp), 0);
    ck_assert_uint_eq(unit_net_counters(a).icmp_errors, 11);
    int fds[8];
    size_t n = transport_descriptors(a, fds, 8);
    struct pollfd polled[8];
    for (size_t i = 0; i < n; i++)
        polled[i] = (struct pollfd){.fd = fds[i], .events = POLLIN};
    ck_assert_int_eq(poll(polled, n, 0), 0); /* all is drained */
}
END_TEST

START_TEST(what_no_socket_takes_is_counted_and_does_not_stop_the_rest) {
    uint8_t data[16] = {0};
    struct usctp_packet packets[7], got[4];
    for (unsigned i = 0; i < 7; i++)
        packets[i] = packet_to("127.0.0.1", 5002, data, sizeof data);
    packets[0].udp_destination = 0; /* raw, which is not open */
    packets[1].destination.family = USCTP_FAMILY_HANDLE;
    packets[2].udp_source = 1234;                              /* not our port */
    packets[3].source = unit_net_address("::1");               /* families differ */
    packets[4].destination = unit_net_address("198.51.100.1"); /* no route */
    packets[5].source = unit_net_address("203.0.113.1");       /* not an address of ours */
    unit_net_send(a, packets, 7);
    ck_assert_uint_eq(unit_net_counters(a).refused, 6);
    ck_assert_uint_eq(unit_net_receive(b, got, 4), 1);
    packets[0].udp_destination = 5002;
    packets[0].length = 0;
    unit_net_send(a, packets, 1);
    ck_assert_uint_eq(unit_net_counters(a).refused, 7);
}
END_TEST

START_TEST(udp_source_port_zero_is_dropped) {
    struct usctp_packet got[4];
    uint8_t datagram[8 + 16] = {0, 0, 5002 >> 8, 5002 & 0xff, 0, 24, 0, 0};
    struct sockaddr_in to = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_RAW, IPPROTO_UDP);
    if (fd < 0)
        return; /* needs the privilege to forge */
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(sendto(fd, datagram, sizeof datagram, 0, (struct sockaddr *)&to, sizeof to),
                     (ssize_t)sizeof datagram);
    close(fd);
    for (unsigned i = 0; i < 100 && unit_net_counters(b).foreign == 0; i++) {
        ck_assert_uint_eq(transport_receive(b, got, 4), 0);
        usleep(1000);
    }
    ck_assert_uint_eq(unit_net_counters(b).foreign, 1);
}
END_TEST

START_TEST(claims_without_raw_sockets) {
    ck_assert_int_eq(transport_claim_port(a, 7), 0);
    ck_assert_int_eq(transport_claim_port(b, 7), 0); /* their UDP ports differ */
    transport_release_port(a, 7);
    int port = transport_claim_ephemeral_port(a, 17);
    ck_assert_int_ge(port, 32768);
    transport_release_port(a, (uint16_t)port);
    ck_assert_int_eq(transport_claim_port(a, 0), -EINVAL);
}
END_TEST

START_TEST(host_side) {
    size_t n;
    const struct usctp_local_address *all = transport_addresses(a, &n);
    ck_assert_uint_ge(n, 1);
    ck_assert_ptr_nonnull(all);
    struct usctp_addr to = unit_net_address("127.0.0.1"), from = {0};
    uint32_t mtu = 0, index = 0;
    ck_assert_int_eq(transport_route(a, &to, &from, &mtu, &index), 0);
    ck_assert_uint_eq(mtu, 65535);
    while (transport_refresh(a))
        ;
}
END_TEST

#define THREAD_PACKETS 2000u

static void *send_many(void *argument) {
    uint8_t payload[64] = {0};
    struct usctp_packet packet = packet_to("127.0.0.1", 5002, payload, sizeof payload);
    struct usctp_packet closed = packet_to("127.0.0.1", 9, payload, sizeof payload);
    (void)argument;
    for (unsigned i = 0; i < THREAD_PACKETS; i++) {
        uint32_t offset = 0;
        (void)transport_send(a, &packet, 1, &offset);
        offset = 0;
        if (i % 64 == 0)
            (void)transport_send(a, &closed, 1, &offset);
    }
    return NULL;
}

static void *receive_many(void *argument) {
    struct usctp_packet got[16];
    bool *stop = argument;
    while (!__atomic_load_n(stop, __ATOMIC_ACQUIRE))
        if (transport_receive(a, got, 16) == 0)
            usleep(100);
    return NULL;
}

/* One thread sends, one receives, one does the rest: what tsan has to say is the result. */
START_TEST(three_threads) {
    pthread_t sender, receiver;
    struct usctp_icmp icmp;
    bool stop = false;
    unsigned errors = 0;
    ck_assert_int_eq(pthread_create(&sender, NULL, send_many, NULL), 0);
    ck_assert_int_eq(pthread_create(&receiver, NULL, receive_many, &stop), 0);
    for (unsigned i = 0; i < 200; i++) {
        ck_assert_int_eq(transport_claim_port(a, (uint16_t)(100 + i)), 0);
        while (transport_next_icmp(a, &icmp) == 1)
            errors++;
        (void)unit_net_counters(a);
        (void)transport_send_delay_us(a);
        transport_release_port(a, (uint16_t)(100 + i));
        usleep(50);
    }
    ck_assert_int_eq(pthread_join(sender, NULL), 0);
    __atomic_store_n(&stop, true, __ATOMIC_RELEASE);
    ck_assert_int_eq(pthread_join(receiver, NULL), 0);
    struct usctp_packet got[4];
    (void)transport_receive(a, got, 4);
    while (transport_next_icmp(a, &icmp) == 1)
        errors++;
    ck_assert_uint_gt(errors, 0);
    ck_assert_uint_ge(unit_net_counters(a).packets_out, THREAD_PACKETS);
}
END_TEST

int main(void) {
    if (!unit_net_enter())
        return 77;
    Suite *suite = suite_create("transport");
    TCase *tests = tcase_create("udp");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, ports);
    tcase_add_test(tests, addresses_ports_and_tos);
    tcase_add_test(tests, hop_limit);
    tcase_add_test(tests, ready);
    tcase_add_test(tests, runs_with_offload);
    tcase_add_test(tests, runs_without_offload);
    tcase_add_test(tests, a_run_goes_on_where_it_stopped);
    tcase_add_test(tests, many_packets_of_both_families_keep_their_order);
    tcase_add_test(tests, an_error_for_one_peer_does_not_hurt_another);
    tcase_add_test(tests, what_no_socket_takes_is_counted_and_does_not_stop_the_rest);
    tcase_add_test(tests, udp_source_port_zero_is_dropped);
    tcase_add_test(tests, claims_without_raw_sockets);
    tcase_add_test(tests, host_side);
    tcase_add_test(tests, three_threads);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
