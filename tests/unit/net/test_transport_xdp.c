/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sending by AF_XDP over a veth pair of a network namespace of the test's own, whose other end an
 * AF_PACKET socket reads: what the frames are, when the raw socket sends instead, and what is told
 * then. Skipped where namespaces or AF_XDP are not to be had.
 */
#include "net/transport_inside.h"
#include "support/unit_hex.h"
#include "support/unit_net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define SCTP_PROTOCOL 132

/* What the kernel says to further calls that have a ring sent: `kicks` are its own. */
static unsigned kicks = UINT32_MAX;
static int kick_error;

ssize_t sendto(int fd, const void *bytes, size_t n, int flags, __CONST_SOCKADDR_ARG to,
               socklen_t length) {
    const struct sockaddr *name;
    memcpy(&name, &to, sizeof name);
    if (!bytes && !name) {
        if (kicks == 0) {
            errno = kick_error;
            return -1;
        }
        const int least = 32;
        if (kicks != UINT32_MAX && kicks-- > 0)
            (void)setsockopt(fd, 283 /* SOL_XDP */, 9 /* XDP_MAX_TX_SKB_BUDGET */, &least,
                             sizeof least);
    }
    return syscall(SYS_sendto, fd, bytes, n, flags, name, length);
}

static struct transport *a;
static int far = -1; /* sees what arrives at the other end */
static uint8_t data[9000], seen[9000];

static struct transport_options xdp_options(void) {
    struct transport_options options = unit_net_options();
    options.raw = options.xdp = true;
    return options;
}

static int listen_on(const char *device) {
    struct sockaddr_ll name = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(ETH_P_ALL));
    name.sll_ifindex = (int)if_nametoindex(device);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_gt(name.sll_ifindex, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&name, sizeof name), 0);
    return fd;
}

#define NEAR_MAC "02:00:00:00:00:01"
#define FAR_MAC  "02:00:00:00:00:02"

static void setup(void) {
    ck_assert(unit_net_run("ip link del near 2>/dev/null; "
                           "ip link add near numtxqueues 1 numrxqueues 1 mtu 1500 address " NEAR_MAC
                           " type veth peer name far mtu 1500 address " FAR_MAC
                           " && ip link set near up && ip link set far up"
                           " && ip addr add 192.0.2.1/24 dev near"
                           " && ip addr add 2001:db8::1/64 dev near nodad"));
    ck_assert(unit_net_run("ip neigh add 192.0.2.2 lladdr " FAR_MAC " dev near nud permanent"
                           " && ip neigh add 2001:db8::2 lladdr " FAR_MAC
                           " dev near nud permanent"));
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 2654435761u >> 24);
    put16(data, 5001); /* the source port: errors for others' packets are not ours */
    kicks = UINT32_MAX;
    a = unit_net_open(xdp_options());
    ck_assert_int_eq(transport_claim_port(a, get16(data)), 0);
    far = listen_on("far");
}

static void teardown(void) {
    transport_close(a);
    a = NULL;
    close(far);
    unit_hex_free();
}

static struct transport_counters counters(void) {
    struct transport_counters out;
    transport_counters(a, &out);
    return out;
}

static struct usctp_packet packet_to(const char *address, uint32_t length) {
    return (struct usctp_packet){
        .data = data, .length = length, .destination = unit_net_address(address)};
}

static void send_all(const struct usctp_packet *packets, size_t n) {
    uint32_t offset = 0;
    ck_assert_uint_eq(transport_send(a, packets, n, &offset), n);
    ck_assert_uint_eq(offset, 0);
}

/* How many of the transport's packets left by AF_XDP while this one was sent. */
static uint64_t by_xdp(struct usctp_packet packet) {
    uint64_t before = counters().xdp_packets_out;
    send_all(&packet, 1);
    return counters().xdp_packets_out - before;
}

static bool is_sctp(const uint8_t *frame, size_t bytes) {
    if (bytes < 54)
        return false;
    return (get16(frame + 12) == ETH_P_IP && frame[23] == SCTP_PROTOCOL) ||
           (get16(frame + 12) == ETH_P_IPV6 && frame[20] == SCTP_PROTOCOL);
}

/* The next frame with SCTP that arrives at the other end, into seen[]. Returns its size. */
static size_t next_frame(void) {
    for (unsigned tries = 0; tries < 100; tries++) {
        ck_assert(unit_net_wait(far));
        ssize_t bytes = recv(far, seen, sizeof seen, 0);
        if (bytes > 0 && is_sctp(seen, (size_t)bytes))
            return (size_t)bytes;
    }
    ck_abort_msg("no frame came");
    return 0;
}

/* Whether another one has arrived. */
static bool is_more(void) {
    usleep(20 * 1000);
    for (;;) {
        ssize_t bytes = recv(far, seen, sizeof seen, 0);
        if (bytes < 0)
            return false;
        if (is_sctp(seen, (size_t)bytes))
            return true;
    }
}

static const char *notice(void) {
    static char line[TRANSPORT_NOTICE_BYTES];
    return transport_next_notice(a, line) ? line : NULL;
}

static void reopen(struct transport_options options) {
    transport_close(a);
    a = unit_net_open(options);
}

/* Past the time that an answer of the kernel's tables is believed. */
static void forget_answers(void) {
    usleep(1100 * 1000);
}

START_TEST(frames_of_both_families) {
    struct usctp_packet packet = packet_to("192.0.2.2", 28);
    packet.tos = 0x2a;
    packet.hop_limit = 7;
    ck_assert_uint_eq(by_xdp(packet), 1);
    ck_assert_uint_eq(next_frame(), 62);
    unit_hex_equal(seen, 34,
                   "020000000002 020000000001 0800"
                   "452a0030 00004000 0784ef1c c0000201 c0000202");
    ck_assert_mem_eq(seen + 34, data, 28);
    packet = packet_to("2001:db8::2", 1460);
    packet.tos = 0x2a;
    packet.hop_limit = 9;
    packet.flow_label = 0x12345;
    packet.source = unit_net_address("2001:db8::1");
    ck_assert_uint_eq(by_xdp(packet), 1);
    ck_assert_uint_eq(next_frame(), 1514);
    unit_hex_equal(seen, 54,
                   "020000000002 020000000001 86dd 62a12345 05b48409"
                   "20010db8000000000000000000000001 20010db8000000000000000000000002");
    ck_assert_mem_eq(seen + 54, data, 1460);
    ck_assert_ptr_null(notice());
}
END_TEST

/* As the raw socket would: net.ipv4.ip_default_ttl, the device's hop limit, the route's own. */
START_TEST(hop_limits_of_the_host) {
    ck_assert(unit_net_run("echo 77 >/proc/sys/net/ipv4/ip_default_ttl"
                           " && echo 55 >/proc/sys/net/ipv6/conf/near/hop_limit"));
    reopen(xdp_options());
    ck_assert_uint_eq(by_xdp(packet_to("192.0.2.2", 40)), 1);
    next_frame();
    ck_assert_uint_eq(seen[22], 77);
    ck_assert_uint_eq(by_xdp(packet_to("2001:db8::2", 40)), 1);
    next_frame();
    ck_assert_uint_eq(seen[21], 55);
    ck_assert(unit_net_run("ip route add 198.51.100.0/24 via 192.0.2.2 hoplimit 33"));
    ck_assert_uint_eq(by_xdp(packet_to("198.51.100.9", 40)), 1);
    next_frame();
    ck_assert_uint_eq(seen[22], 33);
    ck_assert(unit_net_run("echo 64 >/proc/sys/net/ipv4/ip_default_ttl"));
}
END_TEST

START_TEST(frames_to_a_gateway) {
    ck_assert(unit_net_run("ip neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 dev near nud permanent"
                           " && ip neigh add fe80::9 lladdr 02:00:00:00:00:08 dev near"
                           " nud permanent"
                           " && ip route add 203.0.113.0/24 via 192.0.2.9"
                           " && ip route add 198.51.100.0/24 via inet6 fe80::9 dev near"));
    ck_assert_uint_eq(by_xdp(packet_to("203.0.113.5", 40)), 1);
    next_frame();
    unit_hex_equal(seen, 6, "020000000009");
    unit_hex_equal(seen + 30, 4, "cb007105"); /* the packet's own destination */
    ck_assert_uint_eq(by_xdp(packet_to("198.51.100.5", 40)), 1);
    next_frame();
    unit_hex_equal(seen, 6, "020000000008");
    /* Told of a change, it asks again. */
    ck_assert(unit_net_run("ip route change 203.0.113.0/24 via 192.0.2.2"));
    ck_assert(transport_refresh(a));
    ck_assert_uint_eq(by_xdp(packet_to("203.0.113.5", 40)), 1);
    next_frame();
    unit_hex_equal(seen, 6, "020000000002");
}
END_TEST

START_TEST(neighbours_come_and_change) {
    /* Unknown: the raw socket's packet waits for the kernel's question to be answered. */
    ck_assert_uint_eq(by_xdp(packet_to("192.0.2.3", 40)), 0);
    ck_assert(unit_net_run("ip neigh replace 192.0.2.3 lladdr 02:00:00:00:00:03 dev near"
                           " nud reachable"));
    next_frame();
    usleep(30 * 1000);
    ck_assert_uint_eq(by_xdp(packet_to("192.0.2.3", 40)), 1);
    next_frame();
    unit_hex_equal(seen, 6, "020000000003");
    ck_assert(unit_net_run("ip neigh replace 192.0.2.3 lladdr 02:00:00:00:00:04 dev near"
                           " nud reachable"));
    forget_answers();
    ck_assert_uint_eq(by_xdp(packet_to("192.0.2.3", 40)), 1);
    next_frame();
    unit_hex_equal(seen, 6, "020000000004");
    /* Stale: the kernel gets a packet and makes sure of the neighbour from then on. */
    ck_assert(
        unit_net_run("ip neigh change 192.0.2.3 lladdr 02:00:00:00:00:04 dev near nud stale"));
    forget_answers();
    ck_assert_uint_eq(by_xdp(packet_to("192.0.2.3", 40)), 0);
    next_frame();
    ck_assert(unit_net_run("ip neigh show 192.0.2.3 | grep -q DELAY"));
    usleep(30 * 1000);
    ck_assert_uint_eq(by_xdp(packet_to("192.0.2.3", 40)), 1);
    ck_assert_ptr_null(notice());
}
END_TEST

START_TEST(what_the_kernel_has_to_do) {
    struct usctp_icmp icmp;
    struct usctp_packet packet = packet_to("192.0.2.2", 400); /* a small one gets DF all the same */
    packet.flags = USCTP_PACKET_MAY_FRAGMENT;
    ck_assert_uint_eq(by_xdp(packet), 0);
    next_frame();
    ck_assert_uint_eq(get16(seen + 20) & 0x4000, 0);
    packet = packet_to("192.0.2.2", 1481);
    ck_assert_uint_eq(by_xdp(packet), 0);
    ck_assert_int_eq(transport_next_icmp(a, &icmp), 1);
    ck_assert_int_eq(icmp.kind, USCTP_ICMP_PACKET_TOO_BIG);
    ck_assert_uint_eq(icmp.mtu_bytes, 1500);
    packet.length = 1480;
    ck_assert_uint_eq(by_xdp(packet), 1);
    ck_assert_uint_eq(next_frame(), 1514);
    /* A route has an MTU of its own: the way the raw socket refuses it, too. */
    ck_assert(unit_net_run("ip route add 203.0.113.0/24 via 192.0.2.2 mtu 1300"));
    ck_assert_uint_eq(by_xdp(packet_to("203.0.113.5", 1281)), 0);
    ck_assert_uint_eq(by_xdp(packet_to("203.0.113.5", 1280)), 1);
    ck_assert_ptr_null(notice());
}
END_TEST

START_TEST(runs_are_cut) {
    struct usctp_packet packets[3];
    for (size_t i = 0; i < 3; i++)
        packets[i] = packet_to(i == 1 ? "2001:db8::2" : "192.0.2.2", 4000);
    packets[0].segment_size = packets[1].segment_size = packets[2].segment_size = 1200;
    send_all(packets, 3);
    ck_assert_uint_eq(counters().xdp_packets_out, 12);
    ck_assert_uint_eq(counters().bytes_out, 12000);
    for (size_t i = 0; i < 12; i++) {
        size_t headers = i / 4 == 1 ? 54 : 34, bytes = i % 4 < 3 ? 1200 : 400;
        ck_assert_uint_eq(next_frame(), headers + bytes);
        ck_assert_mem_eq(seen + headers, data + i % 4 * 1200, bytes);
    }
}
END_TEST

START_TEST(more_than_the_ring_holds) {
    struct usctp_packet packets[128];
    size_t total = 0;
    for (size_t i = 0; i < 128; i++)
        packets[i] = packet_to("192.0.2.2", 20);
    for (size_t round = 0; round < 2 * XDP_RING_FRAMES / 128 + 1; round++) {
        send_all(packets, 128);
        for (size_t i = 0; i < 128; i++, total++)
            ck_assert_uint_eq(next_frame(), 54);
    }
    ck_assert_uint_eq(counters().xdp_packets_out, total);
    ck_assert_uint_eq(counters().xdp_memory_bytes, XDP_RING_FRAMES * XDP_RING_SMALL_FRAME);
}
END_TEST

/* Numbered packets of 20 bytes. */
static void number_packets(struct usctp_packet packets[128]) {
    for (size_t i = 0; i < 128; i++) {
        packets[i] = packet_to("192.0.2.2", 20);
        packets[i].data = data + 20 * i;
        put16(packets[i].data + 4, (uint16_t)i);
    }
}

/* Without room for all, what was put into the ring is neither lost nor sent twice, and the order
 * stays. */
START_TEST(the_rest_is_offered_again) {
    struct usctp_packet packets[128];
    uint32_t offset = 0;
    number_packets(packets);
    ck_assert_uint_eq(by_xdp(packet_to("192.0.2.2", 40)), 1);
    next_frame();
    kicks = 1;
    kick_error = EAGAIN;
    size_t taken = transport_send(a, packets, 128, &offset);
    ck_assert_uint_eq(taken, 32); /* as many as the kernel sends in a call */
    ck_assert_uint_eq(transport_send(a, packets + taken, 128 - taken, &offset), 0);
    kicks = 1;
    taken += transport_send(a, packets + taken, 128 - taken, &offset);
    ck_assert_uint_eq(taken, 64);
    kicks = UINT32_MAX;
    send_all(packets + taken, 128 - taken);
    for (unsigned i = 0; i < 128; i++) {
        ck_assert_uint_eq(next_frame(), 54);
        ck_assert_uint_eq(get16(seen + 38), i);
    }
    ck_assert_uint_eq(counters().packets_out, 129);
    ck_assert_uint_eq(counters().no_room, 3);
    ck_assert(!is_more());
}
END_TEST

START_TEST(a_packet_that_never_finds_room) {
    struct usctp_packet packets[128];
    uint32_t offset = 0;
    number_packets(packets);
    kicks = 0;
    kick_error = EAGAIN;
    for (unsigned i = 1; i < TRANSPORT_SEND_TRIES; i++)
        ck_assert_uint_eq(transport_send(a, packets, 4, &offset), 0);
    send_all(packets, 4); /* given up, all to that place */
    ck_assert_uint_eq(counters().refused, 4);
    ck_assert_uint_eq(counters().packets_out, 0);
    kicks = UINT32_MAX;
    /* What lay in the ring leaves after all, and nothing after it is taken for it. */
    send_all(packets + 10, 1);
    ck_assert_uint_eq(counters().packets_out, 1);
    unsigned last = 0;
    for (unsigned i = 0; i < 5; i++) {
        next_frame();
        ck_assert_uint_le(last, get16(seen + 38));
        last = get16(seen + 38);
    }
    ck_assert_uint_eq(last, 10);
    ck_assert(!is_more());
}
END_TEST

START_TEST(a_ring_that_fails) {
    ck_assert_uint_eq(by_xdp(packet_to("192.0.2.2", 40)), 1);
    next_frame();
    kicks = 0;
    kick_error = ENXIO;
    ck_assert_uint_eq(by_xdp(packet_to("192.0.2.2", 44)), 0);
    ck_assert_uint_eq(next_frame(), 34 + 44);
    ck_assert_uint_eq(counters().xdp_memory_bytes, 0);
    ck_assert_uint_eq(by_xdp(packet_to("192.0.2.2", 48)), 0);
    ck_assert_uint_eq(next_frame(), 34 + 48);
    kicks = UINT32_MAX;
    forget_answers();
    for (unsigned i = 0; i < 100 && by_xdp(packet_to("192.0.2.2", 52)) == 0; i++)
        usleep(100 * 1000); /* its queue is free a moment later */
    ck_assert_uint_eq(counters().xdp_packets_out, 2);
    ck_assert_uint_eq(counters().refused, 0);
}
END_TEST

static void expect_notice(const char *device, const char *why) {
    const char *line = notice();
    ck_assert_ptr_nonnull(line);
    ck_assert_msg(strstr(line, device) && strstr(line, why), "%s", line);
    ck_assert_ptr_null(notice());
}

START_TEST(devices_that_are_none) {
    ck_assert_uint_eq(by_xdp(packet_to("127.0.0.1", 40)), 0);
    ck_assert(transport_send_reported(a));
    ck_assert(!transport_send_reported(a));
    expect_notice(" lo,", "loopback");
    ck_assert_uint_eq(by_xdp(packet_to("192.0.2.1", 40)), 0); /* by lo, too: it is told once */
    ck_assert_ptr_null(notice());
    ck_assert(unit_net_run("ip link add name hub type bridge && ip link set hub up"
                           " && ip addr add 198.51.100.1/24 dev hub"
                           " && ip neigh add 198.51.100.2 lladdr " FAR_MAC
                           " dev hub nud permanent"));
    ck_assert_uint_eq(by_xdp(packet_to("198.51.100.2", 40)), 0);
    expect_notice(" hub,", "bridge");
    ck_assert(unit_net_run("ip link add big mtu 9000 type veth peer name big2"
                           " && ip link set big up && ip link set big2 up"
                           " && ip addr add 203.0.113.1/24 dev big"
                           " && ip neigh add 203.0.113.2 lladdr " FAR_MAC
                           " dev big nud permanent"));
    ck_assert_uint_eq(by_xdp(packet_to("203.0.113.2", 40)), 0);
    expect_notice(" big,", "MTU");
    ck_assert(unit_net_run("ip link set big mtu 4082"));
    forget_answers();
    ck_assert_uint_eq(by_xdp(packet_to("203.0.113.2", 40)), 1);
    ck_assert_uint_eq(counters().xdp_memory_bytes, XDP_RING_FRAMES * XDP_RING_LARGE_FRAME);
    ck_assert(unit_net_run("ip link del big && ip link del hub"));
}
END_TEST

START_TEST(marks_and_devices) {
    struct transport_options options = xdp_options();
    options.mark = 5;
    reopen(options);
    expect_notice("AF_XDP", "mark");
    ck_assert_uint_eq(by_xdp(packet_to("192.0.2.2", 40)), 0);
    next_frame();
    options = xdp_options();
    options.device = "near";
    reopen(options);
    expect_notice("AF_XDP", "device");
    ck_assert_uint_eq(by_xdp(packet_to("192.0.2.2", 40)), 0);
    next_frame();
}
END_TEST

/* A device of one queue has one AF_XDP socket. */
START_TEST(a_queue_that_is_taken) {
    struct transport *first = a;
    ck_assert_uint_eq(by_xdp(packet_to("192.0.2.2", 40)), 1);
    a = unit_net_open(xdp_options());
    const char *line = NULL;
    for (unsigned i = 0; i < 100 && !line; i++) {
        ck_assert_uint_eq(by_xdp(packet_to("192.0.2.2", 40)), 0);
        line = notice();
        usleep(20 * 1000);
    }
    ck_assert_ptr_nonnull(line);
    ck_assert_msg(strstr(line, "near") && strstr(line, "queues"), "%s", line);
    transport_close(first);
    for (unsigned i = 0; i < 100 && by_xdp(packet_to("192.0.2.2", 40)) == 0; i++)
        usleep(100 * 1000);
    ck_assert_uint_gt(counters().xdp_packets_out, 0);
    ck_assert_ptr_null(notice());
}
END_TEST

START_TEST(a_device_that_goes_down_and_away) {
    ck_assert_uint_eq(by_xdp(packet_to("192.0.2.2", 40)), 1);
    ck_assert(unit_net_run("ip link set near down"));
    ck_assert_uint_eq(by_xdp(packet_to("192.0.2.2", 40)), 0);
    ck_assert(unit_net_run("ip link set near up && ip neigh replace 192.0.2.2 lladdr " FAR_MAC
                           " dev near nud permanent"));
    ck_assert(transport_refresh(a));
    forget_answers();
    ck_assert_uint_eq(by_xdp(packet_to("192.0.2.2", 40)), 1);
    ck_assert(unit_net_run("ip link del near"));
    ck_assert_uint_eq(by_xdp(packet_to("192.0.2.2", 40)), 0);
    (void)transport_refresh(a);
    forget_answers();
    ck_assert_uint_eq(by_xdp(packet_to("192.0.2.2", 40)), 0);
    ck_assert_uint_eq(counters().xdp_memory_bytes, 0);
}
END_TEST

START_TEST(a_forked_child_forgets) {
    ck_assert_uint_eq(by_xdp(packet_to("192.0.2.2", 40)), 1);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        transport_forget(a);
        _exit(0);
    }
    int status = 1;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    for (unsigned i = 0; i < 20; i++)
        ck_assert_uint_eq(by_xdp(packet_to("192.0.2.2", 40)), 1);
}
END_TEST

static bool has_xdp(void) {
    int fd = socket(44 /* AF_XDP */, SOCK_RAW | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        printf("no AF_XDP: %s\n", strerror(errno));
        return false;
    }
    close(fd);
    return true;
}

int main(void) {
    if (!unit_net_enter() || !unit_net_has_raw() || !has_xdp())
        return 77;
    if (!unit_net_run("ip link add probe type veth peer name probe2 && ip link del probe")) {
        printf("no iproute2, or it may not make veth pairs\n");
        return 77;
    }
    Suite *suite = suite_create("transport_xdp");
    TCase *tests = tcase_create("xdp");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, frames_of_both_families);
    tcase_add_test(tests, hop_limits_of_the_host);
    tcase_add_test(tests, frames_to_a_gateway);
    tcase_add_test(tests, neighbours_come_and_change);
    tcase_add_test(tests, what_the_kernel_has_to_do);
    tcase_add_test(tests, runs_are_cut);
    tcase_add_test(tests, more_than_the_ring_holds);
    tcase_add_test(tests, the_rest_is_offered_again);
    tcase_add_test(tests, a_packet_that_never_finds_room);
    tcase_add_test(tests, a_ring_that_fails);
    tcase_add_test(tests, devices_that_are_none);
    tcase_add_test(tests, marks_and_devices);
    tcase_add_test(tests, a_queue_that_is_taken);
    tcase_add_test(tests, a_device_that_goes_down_and_away);
    tcase_add_test(tests, a_forked_child_forgets);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
