/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The transport over raw sockets, in a network namespace of its own: the port filter and claims,
 * both families, large packets, runs, fragmentation, ICMP errors from a second namespace that is a
 * router and a host without SCTP, a full neighbour queue, and life without CAP_NET_RAW. Skipped
 * where raw sockets or namespaces are not to be had.
 */
#include "net/transport_inside.h"
#include "support/unit_net.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PORT_A 5001
#define PORT_B 5002

static char text[256];
static struct transport *a, *b;
static pid_t router;
static uint8_t data[70000];

static struct transport_options raw_options(void) {
    struct transport_options options = unit_net_options();
    options.raw = true;
    return options;
}

static void setup(void) {
    a = unit_net_open(raw_options());
    b = unit_net_open(raw_options());
    ck_assert_int_eq(transport_claim_port(a, PORT_A), 0);
    ck_assert_int_eq(transport_claim_port(b, PORT_B), 0);
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 2654435761u >> 24);
}

static void teardown(void) {
    transport_close(a);
    transport_close(b);
    if (router > 0) {
        kill(router, SIGKILL);
        waitpid(router, NULL, 0);
        router = 0;
    }
}

/* A packet with the ports of a common header and otherwise any bytes. */
static struct usctp_packet packet_to(const char *address, uint16_t port, uint32_t length) {
    struct usctp_packet packet = {.data = data, .length = length};
    packet.destination = unit_net_address(address);
    data[0] = PORT_A >> 8;
    data[1] = PORT_A & 0xff;
    data[2] = (uint8_t)(port >> 8);
    data[3] = (uint8_t)port;
    return packet;
}

static void next_icmp(struct transport *t, struct usctp_icmp *icmp) {
    struct usctp_packet got[4];
    for (unsigned tries = 0; tries < 5000; tries++) {
        transport_receive(t, got, 4);
        if (transport_next_icmp(t, icmp) == 1)
            return;
        usleep(1000);
    }
    ck_abort_msg("no ICMP error came");
}

static void check_one(const char *to, const char *from, uint32_t length) {
    struct usctp_packet got[4], packet = packet_to(to, PORT_B, length);
    packet.tos = 0x2e;
    if (from)
        packet.source = unit_net_address(from);
    unit_net_send(a, &packet, 1);
    ck_assert_uint_eq(unit_net_receive(b, got, 4), 1);
    size_t bytes = packet.destination.family == USCTP_FAMILY_IPV4 ? 4 : 16;
    ck_assert_uint_eq(got[0].length, length);
    ck_assert_mem_eq(got[0].data, data, length);
    ck_assert_uint_eq(got[0].tos, 0x2e);
    ck_assert_uint_eq(got[0].udp_source, 0);
    ck_assert_uint_eq(got[0].udp_destination, 0);
    ck_assert_mem_eq(got[0].destination.ipv6, packet.destination.ipv6, bytes);
    if (from)
        ck_assert_mem_eq(got[0].source.ipv6, packet.source.ipv6, bytes);
    ck_assert_uint_ne(got[0].source.family, USCTP_FAMILY_NONE);
    ck_assert_uint_ne(got[0].interface_index, 0);
}

START_TEST(packets_of_all_sizes) {
    ck_assert(transport_has_raw(a));
    ck_assert_uint_eq(transport_udp_port(a), 0);
    check_one("127.0.0.1", NULL, 12);
    check_one("127.0.0.1", "127.0.0.9", 1452);
    check_one("127.0.0.8", "127.0.0.1", 60000);
    check_one("127.0.0.1", NULL, 65512); /* as much as IPv4 holds */
    check_one("::1", "::1", 12);
    check_one("::1", NULL, 60000);
}
END_TEST

START_TEST(only_claimed_ports_come_in) {
    struct usctp_packet got[4], packet = packet_to("127.0.0.1", 7777, 100);
    unit_net_send(a, &packet, 1); /* nobody's */
    packet = packet_to("::1", 7777, 100);
    unit_net_send(a, &packet, 1);
    packet = packet_to("127.0.0.1", PORT_A, 100);
    unit_net_send(a, &packet, 1);
    ck_assert_uint_eq(unit_net_receive(a, got, 4), 1); /* to ourselves */
    ck_assert_uint_eq(transport_receive(a, got, 4), 0);
    ck_assert_uint_eq(transport_receive(b, got, 4), 0);
    ck_assert_uint_eq(unit_net_counters(b).foreign, 0); /* the filter stopped it, not we */
    ck_assert_int_eq(transport_claim_port(b, 7777), 0);
    packet = packet_to("127.0.0.1", 7777, 100);
    unit_net_send(a, &packet, 1);
    ck_assert_uint_eq(unit_net_receive(b, got, 4), 1);
    unit_net_send(a, &packet, 1);
    transport_release_port(b, 7777); /* one that was in the queue when the port was given up */
    ck_assert_uint_eq(transport_receive(b, got, 4), 0);
    ck_assert_uint_eq(unit_net_counters(b).foreign, 1);
    unit_net_send(a, &packet, 1);
    ck_assert_uint_eq(transport_receive(b, got, 4), 0);
    ck_assert_uint_eq(unit_net_counters(b).foreign, 1);
}
END_TEST

START_TEST(claims_are_the_hosts) {
    ck_assert_int_eq(transport_claim_port(b, PORT_A), -EADDRINUSE);
    ck_assert_int_eq(transport_claim_port(a, PORT_A), 0);
    transport_release_port(a, PORT_A);
    ck_assert_int_eq(transport_claim_port(b, PORT_A), -EADDRINUSE);
    int port = transport_claim_ephemeral_port(b, 4242);
    ck_assert_int_gt(port, 0);
    ck_assert_int_eq(transport_claim_port(a, (uint16_t)port), -EADDRINUSE);
    struct usctp_packet got[4], packet = packet_to("127.0.0.1", (uint16_t)port, 100);
    unit_net_send(a, &packet, 1);
    ck_assert_uint_eq(unit_net_receive(b, got, 4), 1);
}
END_TEST

START_TEST(runs_are_cut) {
    struct usctp_packet got[TRANSPORT_BATCH], packet = packet_to("127.0.0.1", PORT_B, 500);
    uint32_t length = 500 * 90 + 77;
    for (uint32_t i = 0; i < length; i += 500)
        memcpy(data + i, data, 4);
    packet.length = length;
    packet.segment_size = 500;
    unit_net_send(a, &packet, 1);
    uint32_t total = 0;
    while (total < length) {
        size_t n = unit_net_receive(b, got, TRANSPORT_BATCH);
        for (size_t i = 0; i < n; i++) {
            ck_assert_mem_eq(got[i].data, data + total, got[i].length);
            ck_assert_uint_eq(got[i].length, length - total < 500 ? length - total : 500);
            total += got[i].length;
        }
    }
    ck_assert_uint_eq(unit_net_counters(a).packets_out, 91);
    ck_assert_uint_eq(unit_net_counters(b).packets_in, 91);
    ck_assert_uint_eq(unit_net_counters(a).send_calls, 2); /* 64 + 27 */
}
END_TEST

/*
 * Two links: 10.1.0.1 here, 10.1.0.2 in a namespace that forwards to 10.2.0.0/24 over a link with
 * an MTU of 1300. Nobody there has a raw SCTP socket.
 */
static bool start_router(void) {
    int ready[2];
    char byte;
    if (pipe(ready))
        return false;
    router = fork();
    if (router == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (unshare(CLONE_NEWNET) == 0 &&
            unit_net_run("ip link set lo up && echo 1 > /proc/sys/net/ipv4/ip_forward && "
                         "echo 1 > /proc/sys/net/ipv6/conf/all/forwarding"))
            (void)!write(ready[1], "y", 1);
        close(ready[1]);
        for (;;)
            pause();
    }
    close(ready[1]);
    bool ok = read(ready[0], &byte, 1) == 1;
    close(ready[0]);
    (void)unit_net_run("ip link del va 2>/dev/null");
    return ok && router > 0 &&
           unit_net_run("ip link add va type veth peer name vb && "
                        "ip link set vb netns %d && ip link set va up && "
                        "ip addr add 10.1.0.1/24 dev va && ip addr add fd01::1/64 dev va nodad && "
                        "ip route add 10.2.0.0/24 via 10.1.0.2 && "
                        "ip -6 route add fd02::/64 via fd01::2",
                        (int)router) &&
           unit_net_run("nsenter -t %d -n sh -c 'ip link set vb up && "
                        "ip addr add 10.1.0.2/24 dev vb && ip addr add fd01::2/64 dev vb nodad && "
                        "ip link add vc type veth peer name vd && ip link set vc mtu 1300 up && "
                        "ip link set vd up && ip addr add 10.2.0.1/24 dev vc && "
                        "ip addr add fd02::1/64 dev vc nodad'",
                        (int)router);
}

static void check_quote(const struct usctp_icmp *icmp, const char *to) {
    struct usctp_addr address = unit_net_address(to);
    ck_assert_uint_eq(icmp->destination.family, address.family);
    ck_assert_mem_eq(icmp->destination.ipv6, address.ipv6,
                     address.family == USCTP_FAMILY_IPV4 ? 4 : 16);
    ck_assert_uint_eq(icmp->udp_destination, 0);
    ck_assert_uint_ge(icmp->quoted_bytes, 12);
    ck_assert_mem_eq(icmp->quoted, data, icmp->quoted_bytes); /* from the common header on */
}

START_TEST(a_router_with_a_small_mtu) {
    struct usctp_icmp icmp;
    ck_assert(start_router());
    transport_refresh(a);
    struct usctp_packet packet = packet_to("10.2.0.9", PORT_B, 1400);
    unit_net_send(a, &packet, 1);
    next_icmp(a, &icmp);
    ck_assert_int_eq(icmp.kind, USCTP_ICMP_PACKET_TOO_BIG);
    ck_assert_uint_eq(icmp.mtu_bytes, 1300);
    check_quote(&icmp, "10.2.0.9");
    struct usctp_addr source = {0};
    uint32_t mtu, index;
    ck_assert_int_eq(transport_route(a, &packet.destination, &source, &mtu, &index), 0);
    ck_assert_uint_eq(mtu, 1500); /* the link's: what the kernel remembers is no limit for probes */
    /* A probe goes out all the same, and gets its answer. */
    packet.flags = USCTP_PACKET_PROBE;
    unit_net_send(a, &packet, 1);
    next_icmp(a, &icmp);
    ck_assert_int_eq(icmp.kind, USCTP_ICMP_PACKET_TOO_BIG);
    packet = packet_to("fd02::9", PORT_B, 1400);
    unit_net_send(a, &packet, 1);
    next_icmp(a, &icmp);
    ck_assert_int_eq(icmp.kind, USCTP_ICMP_PACKET_TOO_BIG);
    ck_assert_uint_eq(icmp.mtu_bytes, 1300);
    check_quote(&icmp, "fd02::9");
    ck_assert_int_eq(transport_next_icmp(b, &icmp), 0);
}
END_TEST

START_TEST(a_host_without_sctp) {
    struct usctp_icmp icmp;
    struct usctp_packet got[4];
    ck_assert(start_router());
    struct usctp_packet packet = packet_to("10.1.0.2", PORT_B, 100);
    unit_net_send(a, &packet, 1);
    next_icmp(a, &icmp);
    ck_assert_int_eq(icmp.kind, USCTP_ICMP_PROTOCOL_UNREACHABLE);
    check_quote(&icmp, "10.1.0.2");
    packet = packet_to("fd01::2", PORT_B, 100);
    unit_net_send(a, &packet, 1);
    next_icmp(a, &icmp);
    ck_assert_int_eq(icmp.kind, USCTP_ICMP_PROTOCOL_UNREACHABLE);
    check_quote(&icmp, "fd01::2");
    /* The kernel told b's sockets, too; the quoted port is not b's. */
    ck_assert_uint_eq(transport_receive(b, got, 4), 0);
    ck_assert_int_eq(transport_next_icmp(b, &icmp), 0);
    ck_assert_uint_eq(unit_net_counters(b).icmp_errors, 0);
    ck_assert_uint_eq(b->errors.received, 2);
}
END_TEST

START_TEST(fragmentation_is_chosen_by_the_packet) {
    struct usctp_icmp icmp;
    struct usctp_packet packets[5];
    ck_assert(start_router());
    for (unsigned i = 0; i < 5; i++)
        packets[i] = packet_to("10.1.0.2", PORT_B, i % 2 ? 3000 : 1480);
    for (unsigned i = 0; i < 5; i++) /* all may be fragmented but the last large one */
        packets[i].flags = i == 3 ? 0 : USCTP_PACKET_MAY_FRAGMENT;
    unit_net_send(a, packets, 5);
    ck_assert_uint_eq(unit_net_counters(a).packets_out, 4);
    ck_assert_uint_eq(unit_net_counters(a).refused, 1);
    do /* the others have their answers: there is no SCTP at the other end */
        next_icmp(a, &icmp);
    while (icmp.kind == USCTP_ICMP_PROTOCOL_UNREACHABLE);
    ck_assert_int_eq(icmp.kind, USCTP_ICMP_PACKET_TOO_BIG);
    ck_assert_uint_eq(icmp.mtu_bytes, 1500);
    check_quote(&icmp, "10.1.0.2");
    packets[0] = packet_to("fd01::2", PORT_B, 3000);
    packets[1] = packets[0];
    packets[1].flags = USCTP_PACKET_MAY_FRAGMENT;
    unit_net_send(a, packets, 2);
    ck_assert_uint_eq(unit_net_counters(a).packets_out, 5);
    ck_assert_uint_eq(unit_net_counters(a).refused, 2);
}
END_TEST

START_TEST(fragments_arrive_whole) {
    struct usctp_packet got[4], packet = packet_to("127.0.0.1", PORT_B, 3000);
    ck_assert(unit_net_run("ip link set lo mtu 1500"));
    packet.flags = USCTP_PACKET_MAY_FRAGMENT;
    unit_net_send(a, &packet, 1);
    size_t n = unit_net_receive(b, got, 4);
    ck_assert(unit_net_run("ip link set lo mtu 65536"));
    ck_assert_uint_eq(n, 1);
    ck_assert_uint_eq(got[0].length, 3000);
    ck_assert_mem_eq(got[0].data, data, 3000);
}
END_TEST

START_TEST(a_full_queue_takes_the_rest_later) {
    struct transport_options options = raw_options();
    ck_assert(start_router());
    options.send_buffer_bytes = 8192;
    struct transport *t = unit_net_open(options);
    /* Nobody has this address: packets wait for its link-layer address and fill the socket. */
    struct usctp_packet packet = packet_to("10.1.0.99", PORT_B, 60000);
    uint32_t offset = 0;
    packet.segment_size = 1000;
    ck_assert_uint_eq(transport_send(t, &packet, 1, &offset), 0);
    ck_assert_uint_gt(offset, 0);
    ck_assert_uint_lt(offset, 60000);
    ck_assert_uint_eq(offset % 1000, 0);
    ck_assert_uint_eq(unit_net_counters(t).no_room, 1);
    ck_assert_uint_eq(unit_net_counters(t).packets_out, offset / 1000);
    uint32_t before = offset, delay = transport_send_delay_us(t);
    ck_assert_uint_gt(delay, 0);
    ck_assert_uint_eq(transport_send(t, &packet, 1, &offset), 0);
    ck_assert_uint_eq(offset, before);
    ck_assert_uint_gt(transport_send_delay_us(t), delay);
    transport_close(t);
}
END_TEST

static bool drop_privileges(void) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {{0}};
    return syscall(SYS_capset, &header, none) == 0;
}

/* Runs a function in a child; true when it returns true there. */
static bool in_child(bool (*function)(void)) {
    int status = -1;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        _exit(function() ? 0 : 1);
    return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

static bool open_without_privilege(void) {
    struct transport_options options = raw_options();
    struct transport *t = NULL;
    if (!drop_privileges() || transport_open(&t, &options, text, sizeof text) != -EPERM || t)
        return false;
    if (!strstr(text, "CAP_NET_RAW") || !strstr(text, "UDP") || !strstr(text, "--udp"))
        return false;
    options.raw = false;
    options.udp = true;
    if (transport_open(&t, &options, text, sizeof text) != 0)
        return false;
    transport_close(t);
    return true;
}

START_TEST(without_the_capability) {
    ck_assert(in_child(open_without_privilege));
}
END_TEST

static bool use_handed_in_sockets(void) {
    struct transport_options options = raw_options();
    struct transport *t = NULL;
    struct usctp_packet got[4];
    uint32_t offset = 0;
    options.raw_ipv4_fd = socket(AF_INET, SOCK_RAW, IPPROTO_SCTP);
    options.raw_ipv6_fd = socket(AF_INET6, SOCK_RAW, IPPROTO_SCTP);
    if (options.raw_ipv4_fd < 0 || options.raw_ipv6_fd < 0 || !drop_privileges() ||
        transport_open(&t, &options, text, sizeof text) != 0 ||
        transport_claim_port(t, 7001) != 0 || transport_claim_port(t, PORT_A) != -EADDRINUSE)
        return false;
    for (unsigned i = 0; i < 2; i++) {
        struct usctp_packet packet = packet_to(i ? "::1" : "127.0.0.1", 7001, 2000);
        packet.flags = i ? 0 : USCTP_PACKET_MAY_FRAGMENT;
        if (transport_send(t, &packet, 1, &offset) != 1 || unit_net_receive(t, got, 4) != 1 ||
            got[0].length != 2000)
            return false;
    }
    transport_close(t);
    return true;
}

static bool use_one_handed_in_socket(void) {
    struct transport_options options = raw_options();
    struct transport *t = NULL;
    options.raw_ipv4_fd = socket(AF_INET, SOCK_RAW, IPPROTO_SCTP);
    if (!drop_privileges() || transport_open(&t, &options, text, sizeof text) != 0)
        return false;
    bool ok = transport_has_raw(t) && t->sockets[WAY_RAW_IPV6].fd < 0;
    transport_close(t);
    return ok;
}

START_TEST(handed_in_sockets) {
    ck_assert(in_child(use_handed_in_sockets));
    ck_assert(in_child(use_one_handed_in_socket));
    struct transport_options options = raw_options();
    struct transport *t = NULL;
    int wrong = socket(AF_INET, SOCK_DGRAM, 0);
    options.raw_ipv4_fd = wrong;
    ck_assert_int_eq(transport_open(&t, &options, text, sizeof text), -EINVAL);
    ck_assert_int_eq(close(wrong), 0); /* still ours */
}
END_TEST

static bool forget_both(void) {
    transport_forget(b);
    transport_forget(a);
    return true;
}

START_TEST(a_forked_child_forgets) {
    struct usctp_packet got[4], packet = packet_to("127.0.0.1", PORT_B, 100);
    unit_net_send(a, &packet, 1);
    ck_assert(in_child(forget_both));
    ck_assert_uint_eq(unit_net_receive(b, got, 4), 1); /* the parent's packet is there still */
    struct transport *c = unit_net_open(raw_options());
    ck_assert_int_eq(transport_claim_port(c, PORT_B), -EADDRINUSE); /* and its claim */
    transport_close(c);
    /* A child that has forgotten does not hold a claim that its parent gives up. */
    int hold[2], ready[2];
    char byte;
    ck_assert(pipe(hold) == 0 && pipe(ready) == 0);
    pid_t child = fork();
    if (child == 0) {
        close(hold[1]);
        transport_forget(a);
        transport_forget(b);
        if (write(ready[1], "y", 1) != 1 || read(hold[0], &byte, 1) < 0)
            _exit(1);
        _exit(0);
    }
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    transport_release_port(b, PORT_B);
    ck_assert_int_eq(transport_claim_port(a, PORT_B), 0);
    close(hold[1]);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    close(hold[0]);
    close(ready[0]);
    close(ready[1]);
}
END_TEST

START_TEST(raw_and_udp_together) {
    struct transport_options options = raw_options();
    options.udp = true;
    struct transport *t = unit_net_open(options);
    int fds[8];
    struct usctp_packet got[4], packets[4];
    /* Four sockets, netlink, and what other processes ask and tell. */
    ck_assert_uint_eq(transport_descriptors(t, fds, 8), 7);
    ck_assert_int_eq(transport_claim_port(t, 8001), 0);
    for (unsigned i = 0; i < 4; i++) {
        packets[i] = packet_to(i & 1 ? "::1" : "127.0.0.1", 8001, 50);
        packets[i].udp_destination = i & 2 ? transport_udp_port(t) : 0;
    }
    unit_net_send(t, packets, 4);
    unsigned seen = 0, total = 0;
    while (total < 4) {
        size_t n = unit_net_receive(t, got, 4);
        for (size_t i = 0; i < n; i++, total++)
            seen |=
                1u << ((got[i].source.family == USCTP_FAMILY_IPV6) + 2 * (got[i].udp_source != 0));
    }
    ck_assert_uint_eq(seen, 15);
    transport_close(t);
}
END_TEST

START_TEST(more_packets_than_a_batch) {
    struct usctp_packet got[TRANSPORT_BATCH], packet = packet_to("127.0.0.1", PORT_B, 40);
    size_t total = 0, n;
    for (unsigned i = 0; i < 300; i++)
        unit_net_send(a, &packet, 1);
    while ((n = transport_receive(b, got, 7)) > 0) {
        ck_assert_uint_le(n, 7);
        total += n;
    }
    ck_assert_uint_eq(total, 300);
    ck_assert_uint_eq(transport_receive(b, got, 0), 0);
}
END_TEST

/* However many there are to be had, what is missing is told. */
START_TEST(too_few_descriptors) {
    struct rlimit before, few;
    struct transport *t = NULL;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    int first = dup(STDIN_FILENO); /* what is open has the numbers below, but for a few */
    close(first);
    for (int left = 0; !t; left++) {
        struct transport_options options = raw_options();
        ck_assert_int_lt(left, 100);
        few = before;
        few.rlim_cur = (rlim_t)(first + left);
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
        int error = transport_open(&t, &options, text, sizeof text);
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
        ck_assert_msg(error == 0 || error == -EMFILE, "%d left: %d: %s", left, error, text);
    }
    transport_close(t);
}
END_TEST

int main(void) {
    if (!unit_net_enter() || !unit_net_has_raw())
        return 77;
    if (!unit_net_run("ip link add probe type veth peer name probe2 && ip link del probe && "
                      "nsenter -t %d -n true",
                      (int)getpid())) {
        printf("no iproute2 or nsenter, or they may not make veth pairs\n");
        return 77;
    }
    Suite *suite = suite_create("transport_raw");
    TCase *tests = tcase_create("raw");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, packets_of_all_sizes);
    tcase_add_test(tests, only_claimed_ports_come_in);
    tcase_add_test(tests, claims_are_the_hosts);
    tcase_add_test(tests, runs_are_cut);
    tcase_add_test(tests, a_router_with_a_small_mtu);
    tcase_add_test(tests, a_host_without_sctp);
    tcase_add_test(tests, fragmentation_is_chosen_by_the_packet);
    tcase_add_test(tests, fragments_arrive_whole);
    tcase_add_test(tests, a_full_queue_takes_the_rest_later);
    tcase_add_test(tests, without_the_capability);
    tcase_add_test(tests, handed_in_sockets);
    tcase_add_test(tests, a_forked_child_forgets);
    tcase_add_test(tests, raw_and_udp_together);
    tcase_add_test(tests, more_packets_than_a_batch);
    tcase_add_test(tests, too_few_descriptors);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
