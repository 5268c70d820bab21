/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The veth pair, its frames and what becomes of them (see unit_xdp.h). Headers by RFC 894, RFC 791
 * 3.1, RFC 8200 3 and RFC 9260 3.1.
 */
#include "support/unit_xdp.h"

#include "net/xdp_program.h"
#include "support/unit_hex.h"
#include "support/unit_net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct transport *unit_xdp;
static int far = -1;
uint8_t unit_frame[4200];
struct usctp_packet unit_got[64];

struct transport *unit_xdp_open(void) {
    struct transport_options options = unit_net_options();
    options.raw = options.xdp = options.xdp_receive = true;
    return unit_net_open(options);
}

static int talk_on(const char *device) {
    struct sockaddr_ll name = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    name.sll_ifindex = (int)if_nametoindex(device);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_gt(name.sll_ifindex, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&name, sizeof name), 0);
    return fd;
}

void unit_xdp_speak(struct transport *t) {
    static uint8_t bytes[40];
    struct usctp_packet packet = {
        .data = bytes, .length = sizeof bytes, .destination = unit_net_address("192.0.2.2")};
    put16(bytes, UNIT_XDP_PORT);
    unit_net_send(t, &packet, 1);
}

const char *unit_xdp_notice(struct transport *t) {
    static char line[TRANSPORT_NOTICE_BYTES];
    return transport_next_notice(t, line) ? line : NULL;
}

void unit_xdp_speak_so(struct transport *t) {
    uint64_t before = unit_net_counters(t).xdp_packets_out;
    for (unsigned i = 0; i < 100 && unit_net_counters(t).xdp_packets_out == before; i++) {
        unit_xdp_speak(t);
        usleep(20 * 1000);
    }
    ck_assert_uint_gt(unit_net_counters(t).xdp_packets_out, before);
}

void unit_xdp_make_pair(const char *queues) {
    if (far >= 0)
        close(far);
    ck_assert(unit_net_run("ip link del near 2>/dev/null; "
                           "ip link add near %s mtu 1500 address " UNIT_XDP_MAC
                           " type veth peer name far mtu 1500 address " UNIT_XDP_FAR_MAC
                           " && ip link set near up && ip link set far up"
                           " && ip addr add 192.0.2.1/24 dev near"
                           " && ip addr add 2001:db8::1/64 dev near nodad",
                           queues));
    ck_assert(unit_net_run(
        "ip neigh add 192.0.2.2 lladdr " UNIT_XDP_FAR_MAC " dev near nud permanent"
        " && ip neigh add 2001:db8::2 lladdr " UNIT_XDP_FAR_MAC " dev near nud permanent"));
    far = talk_on("far");
}

void unit_xdp_reopen(void) {
    transport_close(unit_xdp);
    unit_xdp = unit_xdp_open();
    ck_assert_int_eq(transport_claim_port(unit_xdp, UNIT_XDP_PORT), 0);
}

void unit_xdp_setup(void) {
    unit_xdp_make_pair("numtxqueues 1 numrxqueues 1");
    unit_xdp_reopen();
    unit_xdp_speak(unit_xdp);
    ck_assert_ptr_null(unit_xdp_notice(unit_xdp));
}

void unit_xdp_teardown(void) {
    transport_close(unit_xdp);
    unit_xdp = NULL;
    close(far);
    far = -1;
    unit_hex_free();
}

/* ---- frames ---------------------------------------------------------------------------------- */

void unit_xdp_seal(void) {
    uint32_t sum = 0;
    put16(unit_frame + 24, 0);
    for (size_t i = 14; i < 14 + (unit_frame[14] & 0xfu) * 4; i += 2)
        sum += get16(unit_frame + i);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    put16(unit_frame + 24, (uint16_t)~sum);
}

static void put_sctp(size_t at, uint16_t port, size_t bytes) {
    for (size_t i = 0; i < bytes; i++)
        unit_frame[at + i] = (uint8_t)(i * 7 + bytes);
    put16(unit_frame + at, 5002);
    put16(unit_frame + at + 2, port);
}

size_t unit_xdp_ipv4(uint16_t port, size_t bytes) {
    struct unit_bytes headers = unit_hex("020000000001 020000000002 0800"
                                         "45 2b 0000  1234 4000  40 84 0000  c0000202 c0000201");
    memcpy(unit_frame, headers.data, headers.count);
    put16(unit_frame + 16, (uint16_t)(20 + bytes));
    put_sctp(34, port, bytes);
    unit_xdp_seal();
    return 34 + bytes;
}

size_t unit_xdp_ipv6(uint16_t port, size_t bytes) {
    struct unit_bytes headers = unit_hex("020000000001 020000000002 86dd 62b12345 0000 84 40"
                                         "20010db8000000000000000000000002"
                                         "20010db8000000000000000000000001");
    memcpy(unit_frame, headers.data, headers.count);
    put16(unit_frame + 18, (uint16_t)bytes);
    put_sctp(54, port, bytes);
    return 54 + bytes;
}

void unit_xdp_inject(size_t bytes) {
    ck_assert_int_eq(send(far, unit_frame, bytes, 0), (ssize_t)bytes);
}

enum unit_xdp_way unit_xdp_way_to(struct transport *t) {
    struct transport_counters before = unit_net_counters(t), now = before;
    /* What comes comes at once, unless the machine is busy. */
    for (unsigned i = 0; i < 100 && now.xdp_packets_bad == before.xdp_packets_bad; i++) {
        size_t n = transport_receive(t, unit_got, 64);
        now = unit_net_counters(t);
        if (n == 0) {
            usleep(4 * 1000);
            continue;
        }
        ck_assert_uint_eq(n, 1);
        return now.xdp_packets_in > before.xdp_packets_in ? BY_XDP : BY_RAW;
    }
    return NOT_AT_ALL;
}

enum unit_xdp_way unit_xdp_way_of(size_t bytes) {
    unit_xdp_inject(bytes);
    return unit_xdp_way_to(unit_xdp);
}

void unit_xdp_expect_notice(struct transport *t, const char *why) {
    const char *line = unit_xdp_notice(t);
    ck_assert_ptr_nonnull(line);
    ck_assert_msg(strstr(line, " near,") && strstr(line, why), "%s", line);
    ck_assert_ptr_null(unit_xdp_notice(t));
}

/* Whether a program can be loaded here. */
static bool has_bpf(void) {
    struct host_namespace *ns = NULL;
    struct xdp_program *program = NULL;
    if (host_namespace_new(&ns, false))
        return false;
    struct xdp_program_options options = {
        .ns = ns, .interface_index = if_nametoindex("probe"), .limit_bytes = 1500};
    int error = xdp_program_new(&program, &options);
    xdp_program_delete(program);
    host_namespace_delete(ns);
    if (error)
        printf("no XDP program: %s\n", strerror(-error));
    return error == 0;
}

bool unit_xdp_enter(void) {
    if (!unit_net_enter() || !unit_net_has_raw())
        return false;
    int fd = socket(44 /* AF_XDP */, SOCK_RAW | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        printf("no AF_XDP: %s\n", strerror(errno));
        return false;
    }
    close(fd);
    if (!unit_net_run("ip link add probe type veth peer name probe2")) {
        printf("no iproute2, or it may not make veth pairs\n");
        return false;
    }
    bool has = has_bpf();
    return unit_net_run("ip link del probe") && has;
}
