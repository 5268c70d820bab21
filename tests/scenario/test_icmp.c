/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RFC 9260 10: ICMP errors: which are believed (ICMP5, ICMP6), and what they do (ICMP3, ICMP7,
 * ICMP8, ICMP9).
 */
#include "support/configs.h"
#include "support/run_tests.h"
#include "support/scripted_peer.h"

#include <string.h>

/* The packet that the engine sent last, quoted by a router. */
static void icmp(struct scripted_peer *p, enum usctp_icmp_kind kind, size_t bytes, uint32_t mtu) {
    static uint8_t quoted[2000];
    REQUIRE(bytes <= p->took_packet.length && p->took_packet.length <= sizeof quoted);
    memcpy(quoted, p->took_packet.data, p->took_packet.length); /* more than it may look at */
    struct usctp_icmp report = {.kind = kind,
                                .destination = p->took_packet.destination,
                                .udp_destination = 0,
                                .mtu_bytes = mtu,
                                .quoted = quoted,
                                .quoted_bytes = bytes};
    usctp_engine_icmp(p->engine, &report, p->now_us);
    peer_pump(p);
}

static struct scripted_peer *with_data(size_t bytes) {
    struct scripted_peer *p = PEER(.configure = eager);
    peer_open_active(p);
    user_send(p, 0, bytes);
    peer_take(p, "DATA tsn=0 *");
    return p;
}

/* ICMP8: protocol unreachable is an ABORT with the T bit. */
START_TEST(icmp8_protocol_unreachable) {
    struct scripted_peer *p = with_data(100);
    icmp(p, USCTP_ICMP_PROTOCOL_UNREACHABLE, 12, 0);
    REQUIRE(p->closed && p->closed_error != 0);
    peer_expect_nothing(p);
    peer_delete(p);
}
END_TEST

/* ICMP6: not with another verification tag, and not when it is cut off before it. */
START_TEST(icmp6_wrong_tag) {
    struct scripted_peer *p = with_data(100);
    for (size_t bytes = 0; bytes < 8; bytes++) {
        icmp(p, USCTP_ICMP_PROTOCOL_UNREACHABLE, bytes, 0);
        icmp(p, USCTP_ICMP_PACKET_TOO_BIG, bytes, 600);
        require_state(p, USCTP_ESTABLISHED);
        REQUIRE_EQ(peer_path(p, 0).pmtu_bytes, 1500);
    }
    for (unsigned at = 4; at < 8; at++) {
        p->took_packet.data[at] ^= 1;
        icmp(p, USCTP_ICMP_PROTOCOL_UNREACHABLE, 32, 0);
        icmp(p, USCTP_ICMP_PACKET_TOO_BIG, 32, 600);
        require_state(p, USCTP_ESTABLISHED);
        REQUIRE_EQ(peer_path(p, 0).pmtu_bytes, 1500);
        p->took_packet.data[at] ^= 1;
    }
    p->took_packet.data[0] ^= 1; /* another port: ICMP5 */
    icmp(p, USCTP_ICMP_PROTOCOL_UNREACHABLE, 32, 0);
    require_state(p, USCTP_ESTABLISHED);
    memset(p->took_packet.data + 4, 0, 4); /* tag 0 and no INIT */
    p->took_packet.data[0] ^= 1;
    icmp(p, USCTP_ICMP_PROTOCOL_UNREACHABLE, 32, 0);
    require_state(p, USCTP_ESTABLISHED);
    peer_delete(p);
}
END_TEST

/* ICMP6, ICMP8: for an INIT the Initiate Tag has to be quoted, and be ours. */
START_TEST(icmp8_init) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_engine_connect(p);
    peer_take_init(p);
    for (size_t bytes = 0; bytes < 20; bytes++) {
        icmp(p, USCTP_ICMP_PROTOCOL_UNREACHABLE, bytes, 0);
        require_state(p, USCTP_COOKIE_WAIT);
    }
    p->took_packet.data[17] ^= 1;
    icmp(p, USCTP_ICMP_PROTOCOL_UNREACHABLE, 20, 0);
    require_state(p, USCTP_COOKIE_WAIT);
    p->took_packet.data[17] ^= 1;
    icmp(p, USCTP_ICMP_PROTOCOL_UNREACHABLE, 20, 0);
    REQUIRE(p->closed && p->closed_error != 0);
    peer_run_for(p, 100 * SECOND);
    peer_expect_nothing(p);
    peer_delete(p);
}
END_TEST

static void quiet_two(struct usctp_config *config) {
    quiet(config);
    config->rto_initial_us = 1000 * MS;
}

/* What the host itself does not let out: the INIT goes to the next address at once, and when there
 * is none left, that is the outcome. */
START_TEST(forbidden_init) {
    struct scripted_peer *p = PEER(.configure = quiet_two, .paths = 2, .connect_to_all = true);
    peer_engine_connect(p);
    peer_take_init(p);
    REQUIRE_EQ(p->took_path, 0);
    icmp(p, USCTP_ICMP_FORBIDDEN, 32, 0);
    require_state(p, USCTP_COOKIE_WAIT);
    peer_take_init(p);
    REQUIRE_EQ(p->took_path, 1);
    REQUIRE_EQ(p->took_us, p->now_us);
    /* That one may yet be answered, whatever is said of the first, after T1-init as well. */
    peer_run_for(p, 1001 * MS);
    peer_take_init(p);
    REQUIRE_EQ(p->took_path, 0);
    icmp(p, USCTP_ICMP_FORBIDDEN, 32, 0);
    peer_take_init(p);
    REQUIRE_EQ(p->took_path, 1);
    icmp(p, USCTP_ICMP_FORBIDDEN, 32, 0);
    REQUIRE(p->closed);
    REQUIRE_EQ(p->closed_error, USCTP_ERR_FORBIDDEN);
    peer_run_for(p, 100 * SECOND);
    peer_expect_nothing(p);
    peer_delete(p);
}
END_TEST

/* Later it is a packet lost: a rule that comes and goes ends nothing that lives. */
START_TEST(forbidden_data) {
    struct scripted_peer *p = with_data(100);
    icmp(p, USCTP_ICMP_FORBIDDEN, 100, 0);
    require_state(p, USCTP_ESTABLISHED);
    peer_wait(p, "DATA tsn=0 *", 1001 * MS);
    peer_delete(p);
}
END_TEST

/* ICMP3, ICMP9: port, host and net unreachable end nothing. */
START_TEST(icmp3_icmp9_unreachable) {
    struct scripted_peer *p = with_data(100);
    for (int i = 0; i < 20; i++)
        icmp(p, USCTP_ICMP_PORT_UNREACHABLE, 32, 0);
    require_state(p, USCTP_ESTABLISHED);
    icmp(p, USCTP_ICMP_UNREACHABLE, 32, 0);
    require_state(p, USCTP_ESTABLISHED);
    peer_sack(p, 0, 131072, "");
    REQUIRE_EQ(peer_status(p).unacknowledged_chunks, 0);
    peer_delete(p);
}
END_TEST

/* ICMP7: packet too big: later packets keep to it; what is already cut may be fragmented by IP
 * (6.9). */
START_TEST(icmp7_packet_too_big) {
    struct scripted_peer *p = with_data(1452);
    icmp(p, USCTP_ICMP_PACKET_TOO_BIG, 64, 1300);
    REQUIRE_EQ(peer_path(p, 0).pmtu_bytes, 1300);
    if (!peer_take_if(p, "DATA tsn=0 *"))
        peer_wait(p, "DATA tsn=0 *", 2 * SECOND);
    REQUIRE_EQ(p->took.value_bytes - 12, 1452); /* 6.9: cannot be cut again */
    REQUIRE(p->took_packet.flags & USCTP_PACKET_MAY_FRAGMENT);
    peer_sack(p, 0, 131072, "");
    user_send(p, 0, 1452);
    peer_take(p, "DATA tsn=1 * B len=*");
    REQUIRE(p->took_packet.length + 20 <= 1300);
    peer_delete(p);
}
END_TEST

/* An MTU that is absurd, or larger than what is known, changes nothing for the worse. */
START_TEST(icmp7_absurd_mtu) {
    static const uint32_t mtus[] = {0,   1,    20,   40,   67,    68,         100,
                                    511, 1500, 1501, 9000, 65535, 4294967295u};
    for (size_t i = 0; i < sizeof mtus / sizeof mtus[0]; i++) {
        struct scripted_peer *p = with_data(1000);
        icmp(p, USCTP_ICMP_PACKET_TOO_BIG, 64, mtus[i]);
        REQUIRE_RANGE(peer_path(p, 0).pmtu_bytes, 512, 1500);
        require_state(p, USCTP_ESTABLISHED);
        peer_discard(p);
        peer_sack(p, 0, 131072, "");
        user_send(p, 0, 10);
        peer_take(p, "DATA * len=10");
        peer_delete(p);
    }
}
END_TEST

RUN_TESTS("ICMP (RFC 9260 10)", icmp8_protocol_unreachable, icmp6_wrong_tag, icmp8_init,
          forbidden_init, forbidden_data, icmp3_icmp9_unreachable, icmp7_packet_too_big,
          icmp7_absurd_mtu)
