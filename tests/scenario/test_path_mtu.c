/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RFC 8899 with its section 6.2 for SCTP, RFC 9260 7.3, RFC 4820: probes for the path MTU, black
 * holes, reports of routers, and what becomes of the data.
 *
 * The script is the network: it answers a probe, or it does not. The search's choice of sizes is
 * tested in unit/pmtu_search.
 */
#include "support/configs.h"
#include "support/run_tests.h"
#include "support/scripted_peer.h"

#include <string.h>

#define PEER_RWND   131072u
#define IPV4_HEADER 20u
#define IPV6_HEADER 40u
#define UDP_HEADER  8u
#define COMMON      12u   /* RFC 9260 3.1 */
#define WHOLE       1452u /* user bytes that fill 1500 over IPv4: 20 + 12 + 16 less */

static void probing(struct usctp_config *config) {
    eager(config);
    config->pmtu_probing = 1;
}

static struct scripted_peer *open_with(struct peer_options options) {
    options.hold_heartbeats = true;
    if (!options.configure)
        options.configure = probing;
    struct scripted_peer *p = peer_new(&options);
    peer_open_active(p);
    peer_expect_nothing(p); /* no probe before there is a reason */
    REQUIRE_EQ(peer_path(p, 0).pmtu_state, USCTP_PMTU_SEARCH_COMPLETE);
    return p;
}
#define OPEN(...) open_with((struct peer_options){__VA_ARGS__})

/* 6.2.1.2, RFC 4820 3: common header, HEARTBEAT, PAD to exactly this size; not to be fragmented. */
static void require_probe(struct scripted_peer *p, size_t headers, size_t ip_bytes) {
    peer_take(p, "HEARTBEAT *");
    const struct usctp_packet *packet = &p->took_packet;
    size_t heartbeat = load16(packet->data + COMMON + 2);
    const uint8_t *pad = packet->data + COMMON + heartbeat;
    REQUIRE_EQ(packet->length + headers, ip_bytes);
    REQUIRE(packet->flags & USCTP_PACKET_PROBE);
    REQUIRE(!(packet->flags & USCTP_PACKET_MAY_FRAGMENT));
    REQUIRE_EQ(heartbeat % 4, 0);
    REQUIRE_EQ(pad[0], 0x84);
    REQUIRE_EQ(pad[1], 0);
    REQUIRE_EQ(load16(pad + 2), packet->length - COMMON - heartbeat);
    for (size_t i = 4; i < load16(pad + 2); i++)
        REQUIRE_EQ(pad[i], 0); /* nothing of our memory */
    struct read_chunk probe = p->took;
    struct usctp_packet whole = p->took_packet;
    int path = p->took_path;
    uint64_t at = p->took_us;
    peer_take(p, "PAD*");
    p->took = probe;
    p->took_packet = whole;
    p->took_path = path;
    p->took_us = at;
}

static void wait_probe(struct scripted_peer *p, size_t headers, size_t ip_bytes,
                       uint64_t limit_us) {
    uint64_t until = p->now_us + limit_us;
    while (peer_count(p, "HEARTBEAT *") == 0) {
        uint64_t next = usctp_engine_next_deadline(p->engine);
        REQUIRE(next <= until);
        peer_run_until(p, next);
    }
    require_probe(p, headers, ip_bytes);
}

/* Puts in the packet that is being built, in UDP (RFC 6951). */
static void send_in_udp(struct scripted_peer *p) {
    builder_finish(&p->out);
    struct usctp_packet packet = {.data = p->out.bytes,
                                  .length = (uint32_t)p->out.used,
                                  .source = p->peer_addr[0],
                                  .destination = p->engine_addr[0],
                                  .udp_source = 9899,
                                  .udp_destination = 9899};
    usctp_engine_input(p->engine, &packet, 1, p->now_us);
    peer_pump(p);
}

/* Answers the HEARTBEAT taken last; xor: into its info's byte `at`. */
static void answer_wrongly(struct scripted_peer *p, size_t at, unsigned xor) {
    uint8_t info[512];
    size_t bytes = p->took.value_bytes;
    unsigned path = (unsigned)p->took_path;
    REQUIRE(bytes <= sizeof info);
    memcpy(info, p->took.value, bytes);
    info[at] ^= (uint8_t) xor ;
    builder_chunk(peer_packet(p), WIRE_HEARTBEAT_ACK, 0);
    builder_bytes(&p->out, info, bytes);
    peer_send_on(p, path);
}

static void answer(struct scripted_peer *p) {
    answer_wrongly(p, 0, 0);
}

static void require_search(struct scripted_peer *p, enum usctp_pmtu_state state, uint32_t pmtu) {
    REQUIRE_EQ(peer_path(p, 0).pmtu_state, state);
    REQUIRE_EQ(peer_path(p, 0).pmtu_bytes, pmtu);
}

/* A packet of data taken last, quoted by a router. */
static void too_big(struct scripted_peer *p, uint32_t mtu) {
    struct usctp_icmp report = {.kind = USCTP_ICMP_PACKET_TOO_BIG,
                                .destination = p->took_packet.destination,
                                .udp_destination = p->took_packet.udp_destination,
                                .mtu_bytes = mtu,
                                .quoted = p->took_packet.data,
                                .quoted_bytes = 64};
    usctp_engine_icmp(p->engine, &report, p->now_us);
    peer_pump(p);
}

/* 4.3: a packet of full size is lost with two timeouts of T3-rtx: 1 s and 2 s. */
static void fall_into_black_hole(struct scripted_peer *p, int tsn) {
    char pattern[32];
    snprintf(pattern, sizeof pattern, "DATA tsn=%d *", tsn);
    user_send(p, 0, WHOLE);
    peer_take(p, pattern);
    REQUIRE(!(p->took_packet.flags & USCTP_PACKET_MAY_FRAGMENT));
    peer_wait(p, pattern, 1001 * MS);
    REQUIRE(!(p->took_packet.flags & USCTP_PACKET_MAY_FRAGMENT));
    require_probe(p, IPV4_HEADER, 1500); /* is it the size? */
    require_search(p, USCTP_PMTU_SEARCHING, 1500);
    peer_wait(p, pattern, 2001 * MS);
    while (peer_count(p, "HEARTBEAT *") > 1)
        require_probe(p, IPV4_HEADER, 1500);
}

/* The answer to that probe says that it was loss, each time. */
START_TEST(s4_3_answered_probe_clears_the_size) {
    struct scripted_peer *p = OPEN();
    user_send(p, 0, WHOLE);
    for (int i = 0; i < 5; i++) {
        peer_wait(p, "DATA tsn=0 *", 100 * SECOND);
        if (i > 0) {
            require_probe(p, IPV4_HEADER, 1500);
            answer(p);
            require_search(p, USCTP_PMTU_SEARCH_COMPLETE, 1500);
        }
    }
    REQUIRE_EQ(peer_path(p, 0).pmtu_black_holes, 0);
    peer_delete(p);
}
END_TEST

/* 4.3, 5.2: PLPMTU falls to BASE_PLPMTU at once, what is cut may be fragmented (RFC 9260 6.9), a
 * probe of BASE_PLPMTU confirms it, and the search finds what passes. */
START_TEST(s4_3_black_hole) {
    struct scripted_peer *p = OPEN();
    fall_into_black_hole(p, 0);
    require_search(p, USCTP_PMTU_BASE, 1200);
    REQUIRE_EQ(peer_path(p, 0).pmtu_black_holes, 1);
    REQUIRE(p->took_packet.flags & USCTP_PACKET_MAY_FRAGMENT);
    REQUIRE_EQ(p->took.value_bytes - 12, WHOLE);
    require_probe(p, IPV4_HEADER, 1200);
    answer(p);
    require_search(p, USCTP_PMTU_SEARCHING, 1200);
    peer_sack(p, 0, PEER_RWND, "");
    require_probe(p, IPV4_HEADER, 1500); /* what the interface takes, once */
    /* New data keeps to what is known meanwhile. */
    user_send(p, 0, 2000);
    peer_take(p, "DATA tsn=1 * B len=*");
    REQUIRE(p->took_packet.length + IPV4_HEADER <= 1200);
    peer_discard(p);
    peer_sack(p, 2, PEER_RWND, "");
    wait_probe(p, IPV4_HEADER, 1280, 1001 * MS); /* then it climbs */
    answer(p);
    require_search(p, USCTP_PMTU_SEARCHING, 1280);
    peer_delete(p);
}
END_TEST

/* 5.3.1: MAX_PROBES lost end a search; 5.1.1: PROBE_TIMER is not below 1 s. A lost probe is no
 * error and no sign of congestion (RFC 8899 3 items 6 and 7). */
START_TEST(s5_3_1_lost_probes) {
    struct scripted_peer *p = OPEN();
    fall_into_black_hole(p, 0);
    peer_sack(p, 0, PEER_RWND, "");
    require_probe(p, IPV4_HEADER, 1200);
    answer(p);
    struct usctp_path_status before = peer_path(p, 0);
    require_probe(p, IPV4_HEADER, 1500);
    uint64_t at = p->took_us;
    wait_probe(p, IPV4_HEADER, 1280, 10 * SECOND);
    REQUIRE_RANGE(p->took_us - at, SECOND, 2 * SECOND);
    wait_probe(p, IPV4_HEADER, 1280, 10 * SECOND);
    peer_run_for(p, 10 * SECOND);
    peer_expect_nothing(p);
    require_search(p, USCTP_PMTU_SEARCH_COMPLETE, 1200);
    struct usctp_path_status after = peer_path(p, 0);
    REQUIRE_EQ(after.error_count, before.error_count);
    REQUIRE_EQ(after.cwnd_bytes, before.cwnd_bytes);
    REQUIRE_EQ(after.ssthresh_bytes, before.ssthresh_bytes);
    REQUIRE_EQ(after.rto_us, before.rto_us);
    REQUIRE_EQ(after.state, USCTP_PATH_STATE_ACTIVE);
    REQUIRE_EQ(after.pmtu_probes_out, 5);
    REQUIRE_EQ(after.pmtu_probe_acks_in, 1);
    peer_delete(p);
}
END_TEST

/* Small packets that are lost say nothing about sizes. */
START_TEST(s4_3_small_packets_are_no_black_hole) {
    struct scripted_peer *p = OPEN();
    user_send(p, 0, 400);
    peer_run_for(p, 8 * SECOND);
    require_search(p, USCTP_PMTU_SEARCH_COMPLETE, 1500);
    peer_expect_none(p, "HEARTBEAT *");
    peer_delete(p);
}
END_TEST

/* Nor does one large packet among those that arrive. */
START_TEST(s4_3_one_loss_is_no_black_hole) {
    struct scripted_peer *p = OPEN();
    for (int tsn = 0; tsn < 6; tsn++) {
        user_send(p, 0, WHOLE);
        wait_probe(p, IPV4_HEADER, 1500, 100 * SECOND); /* at T3-rtx */
        peer_sack(p, tsn, PEER_RWND, ""); /* data says as much as the probe's answer */
        require_search(p, USCTP_PMTU_SEARCH_COMPLETE, 1500);
    }
    peer_run_for(p, 20 * SECOND);
    peer_expect_none(p, "HEARTBEAT *");
    REQUIRE_EQ(peer_path(p, 0).pmtu_black_holes, 0);
    peer_delete(p);
}
END_TEST

/* RFC 9260 6.1 A: a peer that has closed its window drops what probes it, of whatever size. */
START_TEST(s4_3_zero_window_is_no_black_hole) {
    struct scripted_peer *p = OPEN();
    user_send(p, 0, 100);
    peer_sack(p, 0, 0, "");
    user_send(p, 0, WHOLE);
    for (int i = 0; i < 20; i++) {
        peer_run_for(p, 2 * SECOND);
        peer_sack(p, 0, 0, "");
    }
    require_search(p, USCTP_PMTU_SEARCH_COMPLETE, 1500);
    peer_delete(p);
}
END_TEST

/* 5.2: ERROR: BASE_PLPMTU does not pass; the size is MIN_PLPMTU; the base is tried again, less and
 * less often; its acknowledgement begins the search. */
START_TEST(s5_2_error) {
    struct scripted_peer *p = OPEN();
    fall_into_black_hole(p, 0);
    peer_sack(p, 0, PEER_RWND, "");
    for (int i = 0; i < 3; i++)
        wait_probe(p, IPV4_HEADER, 1200, 10 * SECOND);
    wait_probe(p, IPV4_HEADER, 1200, 10 * SECOND);
    require_search(p, USCTP_PMTU_ERROR, 512);
    user_send(p, 0, 1000);
    peer_take(p, "DATA tsn=1 * B len=*");
    REQUIRE(p->took_packet.length + IPV4_HEADER <= 512);
    peer_discard(p);
    peer_sack(p, 3, PEER_RWND, "");
    uint64_t last = p->now_us, gap = 0;
    for (int i = 0; i < 5; i++) {
        wait_probe(p, IPV4_HEADER, 1200, 300 * SECOND);
        REQUIRE(i < 2 || p->took_us - last > gap);
        gap = p->took_us - last;
        last = p->took_us;
    }
    answer(p);
    require_search(p, USCTP_PMTU_SEARCHING, 1200);
    peer_delete(p);
}
END_TEST

static void raising(struct usctp_config *config) {
    probing(config);
    config->pmtu_raise_us = 60 * SECOND;
}

/* 5.1.1, 5.2: PMTU_RAISE_TIMER begins another search; not on a path on which nothing was sent. */
START_TEST(s5_1_1_raise) {
    struct scripted_peer *p = OPEN(.configure = raising);
    fall_into_black_hole(p, 0);
    peer_sack(p, 0, PEER_RWND, "");
    require_probe(p, IPV4_HEADER, 1200);
    answer(p);
    peer_run_for(p, 5 * SECOND);
    peer_discard(p);
    require_search(p, USCTP_PMTU_SEARCH_COMPLETE, 1200);
    peer_run_for(p, 200 * SECOND);
    peer_expect_nothing(p);
    user_send(p, 0, 10);
    peer_take(p, "DATA tsn=1 *");
    peer_sack(p, 1, PEER_RWND, "");
    wait_probe(p, IPV4_HEADER, 1500, 61 * SECOND);
    answer(p);
    require_search(p, USCTP_PMTU_SEARCH_COMPLETE, 1500);
    user_send(p, 0, WHOLE);
    peer_take(p, "DATA tsn=2 * len=1452");
    peer_sack(p, 2, PEER_RWND, "");
    peer_run_for(p, 600 * SECOND);
    peer_expect_nothing(p);
    peer_delete(p);
}
END_TEST

/* Data that goes on does not put it off. */
START_TEST(s5_1_1_raise_under_load) {
    struct scripted_peer *p = OPEN(.configure = raising);
    user_send(p, 0, WHOLE);
    peer_take(p, "DATA tsn=0 *");
    too_big(p, 1400);
    require_probe(p, IPV4_HEADER, 1200);
    answer(p);
    require_probe(p, IPV4_HEADER, 1400);
    answer(p);
    peer_sack(p, 0, PEER_RWND, "");
    for (int tsn = 1; tsn < 59; tsn++) {
        peer_run_for(p, SECOND);
        peer_discard(p);
        user_send(p, 0, 1352);
        peer_sack(p, tsn, PEER_RWND, "");
    }
    peer_discard(p);
    require_search(p, USCTP_PMTU_SEARCH_COMPLETE, 1400);
    wait_probe(p, IPV4_HEADER, 1500, 3 * SECOND);
    peer_delete(p);
}
END_TEST

static void beating(struct usctp_config *config) {
    config->pmtu_probing = 1;
}

/* An idle path's size is confirmed by one probe beside its first heartbeat, and no more (6.2.1.3:
 * no CONFIRMATION_TIMER). */
START_TEST(idle_path_is_probed_once) {
    struct scripted_peer *p = PEER(.configure = beating);
    peer_open_active(p);
    peer_run_for(p, 20 * SECOND);
    REQUIRE_EQ(peer_path(p, 0).pmtu_probes_out, 0);
    peer_run_for(p, 20 * SECOND);
    REQUIRE_EQ(peer_path(p, 0).pmtu_probes_out, 1);
    REQUIRE_EQ(peer_path(p, 0).pmtu_probe_acks_in, 1);
    peer_run_for(p, 3600 * SECOND);
    REQUIRE_EQ(peer_path(p, 0).pmtu_probes_out, 1);
    REQUIRE(peer_path(p, 0).heartbeats_out > 100);
    peer_delete(p);
}
END_TEST

/* ... and where that probe is lost, so is the assumption. Heartbeats keep their own time. */
START_TEST(idle_path_is_narrow) {
    struct scripted_peer *p = PEER(.configure = beating, .hold_heartbeats = true);
    peer_open_active(p);
    uint64_t until = p->now_us + 120 * SECOND;
    while (p->now_us < until) {
        peer_run_for(p, 100 * MS);
        while (peer_take_if(p, "HEARTBEAT *"))
            if (p->took_packet.length + IPV4_HEADER <= 1400)
                answer(p);
        peer_discard(p);
    }
    require_search(p, USCTP_PMTU_SEARCH_COMPLETE, 1400);
    REQUIRE_EQ(peer_path(p, 0).error_count, 0);
    REQUIRE_EQ(peer_path(p, 0).state, USCTP_PATH_STATE_ACTIVE);
    peer_delete(p);
}
END_TEST

/* RFC 6951, 6.2.2.2: the UDP header's 8 bytes are part of the size. */
START_TEST(s6_2_2_udp) {
    struct scripted_peer *p = OPEN();
    builder_chunk(peer_packet(p), WIRE_HEARTBEAT, 0);
    builder_param(&p->out, 1);
    builder_fill(&p->out, 7, 8);
    send_in_udp(p);
    peer_take(p, "HEARTBEAT_ACK*");
    user_send(p, 0, WHOLE - UDP_HEADER);
    peer_take(p, "DATA tsn=0 *");
    REQUIRE_EQ(p->took_packet.udp_destination, 9899);
    REQUIRE_EQ(p->took_packet.length + IPV4_HEADER + UDP_HEADER, 1500);
    peer_run_for(p, 3001 * MS);
    while (peer_take_if(p, "DATA *"))
        ;
    require_probe(p, IPV4_HEADER + UDP_HEADER, 1500);
    require_probe(p, IPV4_HEADER + UDP_HEADER, 1200);
    REQUIRE_EQ(p->took_packet.udp_destination, 9899);
    uint8_t info[64];
    size_t bytes = p->took.value_bytes;
    REQUIRE(bytes <= sizeof info);
    memcpy(info, p->took.value, bytes);
    builder_chunk(peer_packet(p), WIRE_HEARTBEAT_ACK, 0);
    builder_bytes(&p->out, info, bytes);
    send_in_udp(p);
    require_search(p, USCTP_PMTU_SEARCHING, 1200);
    require_probe(p, IPV4_HEADER + UDP_HEADER, 1500);
    peer_delete(p);
}
END_TEST

/* RFC 8200 5: over IPv6 the base is 1280, and no router cuts: what is too large already is made
 * larger than the interface's MTU, so that the host cuts it (docs/decisions/path-mtu-probing.md).
 */
START_TEST(ipv6_base_and_fragments) {
    struct scripted_peer *p = OPEN(.ipv6_paths = 1);
    user_send(p, 0, WHOLE - 20);
    peer_take(p, "DATA tsn=0 *");
    REQUIRE_EQ(p->took_packet.length + IPV6_HEADER, 1500);
    peer_expect_nothing(p);
    peer_run_for(p, 1001 * MS);
    peer_take(p, "DATA tsn=0 *");
    peer_run_for(p, 2001 * MS);
    require_search(p, USCTP_PMTU_BASE, 1280);
    require_probe(p, IPV6_HEADER, 1500);
    require_probe(p, IPV6_HEADER, 1280);
    peer_take_packet(p, "PAD* | DATA tsn=0 *"); /* RFC 9260 6.10: DATA is last */
    REQUIRE(p->took_packet.flags & USCTP_PACKET_MAY_FRAGMENT);
    REQUIRE_RANGE(p->took_packet.length + IPV6_HEADER, 1501, 1504);
    peer_delete(p);
}
END_TEST

/* 4.6.2: a router's report is not the PLPMTU, it says what to probe; what was too big is sent again
 * at once, fragmented, and no congestion is seen in it. */
START_TEST(s4_6_2_packet_too_big) {
    struct scripted_peer *p = OPEN();
    user_send(p, 0, WHOLE);
    user_send(p, 0, 100);
    peer_take(p, "DATA tsn=0 *");
    uint32_t cwnd = peer_path(p, 0).cwnd_bytes;
    too_big(p, 1400);
    require_search(p, USCTP_PMTU_BASE, 1200);
    peer_take(p, "DATA tsn=1 *");
    peer_take(p, "DATA tsn=0 *");
    REQUIRE(p->took_packet.flags & USCTP_PACKET_MAY_FRAGMENT);
    peer_expect_none(p, "DATA tsn=1 *"); /* that was small */
    REQUIRE_EQ(peer_path(p, 0).cwnd_bytes, cwnd);
    REQUIRE_EQ(peer_path(p, 0).error_count, 0);
    require_probe(p, IPV4_HEADER, 1200);
    answer(p);
    require_probe(p, IPV4_HEADER, 1400);
    answer(p);
    require_search(p, USCTP_PMTU_SEARCH_COMPLETE, 1400);
    peer_sack(p, 1, PEER_RWND, "");
    peer_expect_nothing(p);
    user_send(p, 0, 3000);
    peer_take(p, "DATA tsn=2 * B len=1352");
    peer_delete(p);
}
END_TEST

/* 4.6.2, of a probe: PLPMTU < PL_PTB_SIZE < PROBED_SIZE: the next search point, at once. */
START_TEST(s4_6_2_packet_too_big_for_a_probe) {
    struct scripted_peer *p = OPEN();
    fall_into_black_hole(p, 0);
    peer_sack(p, 0, PEER_RWND, "");
    require_probe(p, IPV4_HEADER, 1200);
    answer(p);
    require_probe(p, IPV4_HEADER, 1500);
    too_big(p, 1400);
    require_probe(p, IPV4_HEADER, 1400);
    answer(p);
    require_search(p, USCTP_PMTU_SEARCH_COMPLETE, 1400);
    peer_delete(p);
}
END_TEST

/* Without probes: RFC 1191: the report is the PMTU. */
START_TEST(icmp_alone) {
    struct scripted_peer *p = PEER(.configure = eager);
    peer_open_active(p);
    user_send(p, 0, WHOLE);
    peer_take(p, "DATA tsn=0 *");
    too_big(p, 1400);
    require_search(p, USCTP_PMTU_DISABLED, 1400);
    peer_take(p, "DATA tsn=0 *");
    REQUIRE(p->took_packet.flags & USCTP_PACKET_MAY_FRAGMENT);
    peer_run_for(p, 20 * SECOND);
    peer_expect_none(p, "HEARTBEAT *");
    peer_delete(p);
}
END_TEST

/* pmtu_probing on a living path. */
START_TEST(switched_off_and_on) {
    struct scripted_peer *p = OPEN();
    fall_into_black_hole(p, 0);
    peer_sack(p, 0, PEER_RWND, "");
    peer_discard(p);
    REQUIRE_EQ(usctp_path_tune(p->engine, p->assoc, 0, USCTP_TUNABLE_pmtu_probing, 0, p->now_us),
               0);
    peer_run_for(p, 20 * SECOND);
    peer_expect_nothing(p);
    require_search(p, USCTP_PMTU_DISABLED, 1200);
    REQUIRE_EQ(usctp_path_tune(p->engine, p->assoc, 0, USCTP_TUNABLE_pmtu_probing, 1, p->now_us),
               0);
    peer_pump(p);
    require_probe(p, IPV4_HEADER, 1200);
    answer(p);
    require_probe(p, IPV4_HEADER, 1500);
    peer_delete(p);
}
END_TEST

/* 4.1, 4.6.1; 12.4: only the answer to the probe under way counts, with its nonce, path and size.
 */
START_TEST(s4_1_forged_acknowledgements) {
    struct scripted_peer *p = OPEN();
    fall_into_black_hole(p, 0);
    peer_sack(p, 0, PEER_RWND, "");
    require_probe(p, IPV4_HEADER, 1200);
    for (size_t at = 4; at < 36; at++) { /* each byte of the info, whatever it is */
        answer_wrongly(p, at, 1);
        require_search(p, USCTP_PMTU_BASE, 1200);
        REQUIRE_EQ(peer_path(p, 0).pmtu_probe_acks_in, 0);
    }
    answer(p);
    require_search(p, USCTP_PMTU_SEARCHING, 1200);
    answer(p); /* once more: of a probe that is not under way */
    require_search(p, USCTP_PMTU_SEARCHING, 1200);
    require_probe(p, IPV4_HEADER, 1500);
    struct read_chunk late = p->took;
    wait_probe(p, IPV4_HEADER, 1280, 2 * SECOND);
    p->took = late;
    answer(p); /* of a probe that was given up */
    require_search(p, USCTP_PMTU_SEARCHING, 1200);
    REQUIRE_EQ(peer_path(p, 0).pmtu_probe_acks_in, 1);
    peer_delete(p);
}
END_TEST

/* 8.3 of RFC 9260: no HEARTBEAT, and so no probe, once SHUTDOWN is sent. */
START_TEST(no_probes_after_shutdown) {
    struct scripted_peer *p = OPEN();
    fall_into_black_hole(p, 0);
    peer_sack(p, 0, PEER_RWND, "");
    require_probe(p, IPV4_HEADER, 1200);
    user_shutdown(p);
    peer_take(p, "SHUTDOWN *");
    answer(p);
    peer_run_for(p, 3 * SECOND);
    peer_expect_none(p, "HEARTBEAT *");
    require_search(p, USCTP_PMTU_DISABLED, 1200);
    peer_delete(p);
}
END_TEST

static void eager_beating(struct usctp_config *config) {
    probing(config);
    config->hb_enabled = 1;
}

/* Each path has its own MTU (RFC 9260 7.3); a black hole on one leaves the other's. */
START_TEST(s7_3_each_path) {
    struct scripted_peer *p = PEER(.configure = eager_beating, .paths = 2, .connect_to_all = true,
                                   .hold_heartbeats = true);
    peer_open_active(p);
    while (peer_take_if(p, "HEARTBEAT *"))
        answer(p);
    for (int tsn = 0; tsn < 2; tsn++) {
        user_send(p, 0, WHOLE);
        peer_take(p, "DATA *");
        REQUIRE_EQ(p->took_path, 0);
        peer_run_for(p, 1001 * MS);
        peer_take(p, "DATA *");
        REQUIRE_EQ(p->took_path, 1); /* RFC 9260 6.4.1 */
        peer_sack_on(p, 1, tsn, PEER_RWND, "");
        while (peer_take_if(p, "HEARTBEAT *"))
            if (p->took_path == 0 && p->took_packet.length + IPV4_HEADER <= 1200)
                answer(p); /* RFC 7829: it is small, and the path is active again */
    }
    require_search(p, USCTP_PMTU_SEARCHING, 1200);
    REQUIRE_EQ(peer_path(p, 1).pmtu_bytes, 1500);
    REQUIRE_EQ(peer_path(p, 1).pmtu_state, USCTP_PMTU_SEARCH_COMPLETE);
    REQUIRE_EQ(peer_status(p).fragmentation_point_bytes, 1200 - IPV4_HEADER - COMMON - 16);
    peer_delete(p);
}
END_TEST

RUN_TESTS("path MTU (RFC 8899)", s4_3_answered_probe_clears_the_size, s4_3_black_hole,
          s5_3_1_lost_probes, s4_3_small_packets_are_no_black_hole, s4_3_one_loss_is_no_black_hole,
          s4_3_zero_window_is_no_black_hole, s5_2_error, s5_1_1_raise, s5_1_1_raise_under_load,
          idle_path_is_probed_once, idle_path_is_narrow, s6_2_2_udp, ipv6_base_and_fragments,
          s4_6_2_packet_too_big, s4_6_2_packet_too_big_for_a_probe, icmp_alone, switched_off_and_on,
          s4_1_forged_acknowledgements, no_probes_after_shutdown, s7_3_each_path)
