/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RFC 6458 8.1.12, SPP_PMTUD_DISABLE: a path's MTU as the user says (pmtu_discovery,
 * pmtu_fixed_bytes). The search itself is in test_path_mtu.c.
 */
#include "support/configs.h"
#include "support/run_tests.h"
#include "support/scripted_peer.h"

#define PEER_RWND 131072u
#define HEADERS   32u /* IPv4 20, SCTP's common header 12 */
#define DATA      16u /* RFC 9260 3.3.1 */

static void probing(struct usctp_config *config) {
    eager(config);
    config->pmtu_probing = 1;
}

static void fixed_from_the_start(struct usctp_config *config) {
    probing(config);
    config->pmtu_discovery = 0;
    config->pmtu_fixed_bytes = 900;
}

static void tune(struct scripted_peer *p, enum usctp_tunable tunable, uint32_t value) {
    REQUIRE_EQ(usctp_path_tune(p->engine, p->assoc, 0, tunable, value, p->now_us), 0);
    peer_pump(p);
}

static void fix(struct scripted_peer *p, uint32_t bytes) {
    tune(p, USCTP_TUNABLE_pmtu_fixed_bytes, bytes);
    tune(p, USCTP_TUNABLE_pmtu_discovery, 0);
}

/* Sends what is more than a packet takes; the first is full, and a router may cut it. */
static void require_packets_of(struct scripted_peer *p, uint32_t ip_bytes) {
    REQUIRE_EQ(peer_path(p, 0).pmtu_bytes, ip_bytes);
    REQUIRE_EQ(peer_path(p, 0).pmtu_state, USCTP_PMTU_DISABLED);
    REQUIRE_EQ(peer_status(p).fragmentation_point_bytes, ip_bytes - HEADERS - DATA);
    user_send(p, 0, ip_bytes);
    peer_take(p, "DATA *");
    REQUIRE_EQ(p->took_packet.length + 20, ip_bytes);
    REQUIRE(p->took_packet.flags & USCTP_PACKET_MAY_FRAGMENT);
    peer_take(p, "DATA *");
    REQUIRE(p->took_packet.flags & USCTP_PACKET_MAY_FRAGMENT);
}

static void too_big(struct scripted_peer *p, uint32_t mtu) {
    struct usctp_icmp report = {.kind = USCTP_ICMP_PACKET_TOO_BIG,
                                .destination = p->took_packet.destination,
                                .mtu_bytes = mtu,
                                .quoted = p->took_packet.data,
                                .quoted_bytes = 64};
    usctp_engine_icmp(p->engine, &report, p->now_us);
    peer_pump(p);
}

START_TEST(fixed_on_a_living_path) {
    struct scripted_peer *p = PEER(.configure = probing, .hold_heartbeats = true);
    peer_open_active(p);
    fix(p, 1000);
    require_packets_of(p, 1000);
    peer_sack(p, 1, PEER_RWND, "");
    /* No router, no interface and no loss changes it, and nothing is probed. */
    too_big(p, 600);
    REQUIRE_EQ(usctp_path_route(p->engine, p->assoc, 0, NULL, 800, p->now_us), 0);
    require_packets_of(p, 1000);
    peer_run_for(p, 8 * SECOND);
    peer_expect_none(p, "HEARTBEAT *");
    REQUIRE_EQ(peer_path(p, 0).pmtu_bytes, 1000);
    peer_delete(p);
}
END_TEST

START_TEST(larger_than_the_interface) {
    struct scripted_peer *p = PEER(.configure = probing, .hold_heartbeats = true);
    peer_open_active(p);
    fix(p, 4000);
    require_packets_of(p, 4000);
    peer_delete(p);
}
END_TEST

START_TEST(fixed_from_the_first_packet) {
    struct scripted_peer *p = PEER(.configure = fixed_from_the_start, .hold_heartbeats = true);
    peer_open_active(p);
    require_packets_of(p, 900);
    peer_delete(p);
}
END_TEST

/* What is smaller than any path's MTU (RFC 1122 3.3.3) is taken for the smallest. */
START_TEST(too_small) {
    struct scripted_peer *p = PEER(.configure = probing, .hold_heartbeats = true);
    peer_open_active(p);
    fix(p, 100);
    require_packets_of(p, 512);
    peer_delete(p);
}
END_TEST

/* Without a size it stays what it is, until the interface's changes. */
START_TEST(off_without_a_size) {
    struct scripted_peer *p = PEER(.configure = probing, .hold_heartbeats = true);
    peer_open_active(p);
    tune(p, USCTP_TUNABLE_pmtu_discovery, 0);
    require_packets_of(p, 1500);
    peer_sack(p, 1, PEER_RWND, "");
    too_big(p, 600);
    REQUIRE_EQ(peer_path(p, 0).pmtu_bytes, 1500);
    REQUIRE_EQ(usctp_path_route(p->engine, p->assoc, 0, NULL, 1300, p->now_us), 0);
    require_packets_of(p, 1300);
    peer_delete(p);
}
END_TEST

/* Discovery goes on from what the host says. */
START_TEST(on_again) {
    struct scripted_peer *p = PEER(.configure = probing, .hold_heartbeats = true);
    peer_open_active(p);
    fix(p, 700);
    REQUIRE_EQ(usctp_path_route(p->engine, p->assoc, 0, NULL, 1400, p->now_us), 0);
    require_packets_of(p, 700);
    peer_sack(p, 1, PEER_RWND, "");
    tune(p, USCTP_TUNABLE_pmtu_discovery, 1);
    REQUIRE_EQ(peer_path(p, 0).pmtu_bytes, 1400);
    REQUIRE_EQ(peer_path(p, 0).pmtu_state, USCTP_PMTU_SEARCH_COMPLETE);
    tune(p, USCTP_TUNABLE_pmtu_fixed_bytes, 600); /* nothing, while discovery is on */
    REQUIRE_EQ(peer_path(p, 0).pmtu_bytes, 1400);
    user_send(p, 0, 1400 - HEADERS - DATA);
    peer_take(p, "DATA *");
    REQUIRE(!(p->took_packet.flags & USCTP_PACKET_MAY_FRAGMENT));
    too_big(p, 1280); /* and a router is heard again */
    peer_take(p, "HEARTBEAT *");
    peer_delete(p);
}
END_TEST

RUN_TESTS("path MTU by hand (RFC 6458 8.1.12)", fixed_on_a_living_path, larger_than_the_interface,
          fixed_from_the_first_packet, too_small, off_without_a_size, on_again)
