/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RFC 9260 11.1.9, 11.1.13, 7.2.5.1 and 16: what the user may change while an association lives;
 * packets' descriptors; and the runs of equal packets that usctp_engine_output makes when asked to.
 */
#include "support/configs.h"
#include "support/run_tests.h"
#include "support/scripted_peer.h"

#include <string.h>

#define PEER_RWND 1000000u

/* 16: the defaults. */
START_TEST(s16_defaults) {
    struct usctp_config c;
    usctp_config_defaults(&c);
    REQUIRE_EQ(c.size, USCTP_CONFIG_SIZE);
    REQUIRE_EQ(c.rto_initial_us, SECOND);
    REQUIRE_EQ(c.rto_min_us, SECOND);
    REQUIRE_EQ(c.rto_max_us, 60 * SECOND);
    REQUIRE_EQ(c.max_burst, 4);
    REQUIRE_EQ(c.valid_cookie_life_us, 60 * SECOND);
    REQUIRE_EQ(c.association_max_retrans, 10);
    REQUIRE_EQ(c.path_max_retrans, 5);
    REQUIRE_EQ(c.max_init_retransmits, 8);
    REQUIRE_EQ(c.hb_interval_us, 30 * SECOND);
    REQUIRE_EQ(c.hb_max_burst, 1);
    REQUIRE_EQ(c.sack_delay_us, 200 * MS);
    REQUIRE_EQ(c.pf_max_retrans, 0); /* RFC 7829 6 */
}
END_TEST

/* Every tunable: its range is kept on an endpoint, an association and a path. */
START_TEST(ranges) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_open_active(p);
    for (int i = 0; i < USCTP_TUNABLE_COUNT; i++) {
        enum usctp_tunable tunable = (enum usctp_tunable)i;
        const struct usctp_tunable_info *info = usctp_tunable_info(tunable);
        uint64_t value;
        if (info->minimum > 0) {
            REQUIRE(usctp_endpoint_tune(p->engine, p->endpoint, tunable, info->minimum - 1) < 0);
            REQUIRE(usctp_assoc_tune(p->engine, p->assoc, tunable, info->minimum - 1, p->now_us) <
                    0);
            REQUIRE(usctp_path_tune(p->engine, p->assoc, 0, tunable, info->minimum - 1, p->now_us) <
                    0);
        }
        REQUIRE(usctp_endpoint_tune(p->engine, p->endpoint, tunable, info->maximum + 1) < 0);
        REQUIRE(usctp_assoc_tune(p->engine, p->assoc, tunable, info->maximum + 1, p->now_us) < 0);
        REQUIRE(usctp_path_tune(p->engine, p->assoc, 0, tunable, info->maximum + 1, p->now_us) < 0);
        bool of_path = info->scope == USCTP_SCOPE_PATH;
        REQUIRE_EQ(usctp_path_get(p->engine, p->assoc, 0, tunable, &value) == 0, of_path);
        REQUIRE_EQ(usctp_path_tune(p->engine, p->assoc, 0, tunable, info->initial, p->now_us) == 0,
                   of_path);
        bool of_assoc = of_path || info->scope == USCTP_SCOPE_ASSOC;
        REQUIRE_EQ(usctp_assoc_tune(p->engine, p->assoc, tunable, info->initial, p->now_us) == 0,
                   of_assoc);
    }
    peer_delete(p);
}
END_TEST

static void tune_path(struct scripted_peer *p, unsigned path, enum usctp_tunable tunable,
                      uint64_t value) {
    uint32_t index = (uint32_t)usctp_path_find(p->engine, p->assoc, &p->peer_addr[path]);
    uint64_t back;
    REQUIRE_EQ(usctp_path_tune(p->engine, p->assoc, index, tunable, value, p->now_us), 0);
    REQUIRE_EQ(usctp_path_get(p->engine, p->assoc, index, tunable, &back), 0);
    REQUIRE_EQ(back, value);
    peer_pump(p);
}

/* Code point and flow label go with each packet of the path. */
START_TEST(dscp_and_flow_label) {
    struct scripted_peer *p = PEER(.configure = eager, .rwnd = PEER_RWND, .paths = 2,
                                   .ipv6_paths = 3, .connect_to_all = true);
    peer_open_active(p);
    tune_path(p, 0, USCTP_TUNABLE_dscp, 46);
    tune_path(p, 0, USCTP_TUNABLE_flow_label, 0x12345);
    tune_path(p, 0, USCTP_TUNABLE_hop_limit, 3);
    user_send(p, 0, 100);
    peer_take(p, "DATA tsn=0 *");
    REQUIRE_EQ(p->took_packet.tos, 46 << 2);
    REQUIRE_EQ(p->took_packet.flow_label, 0x12345);
    REQUIRE_EQ(p->took_packet.hop_limit, 3);
    peer_sack(p, 0, PEER_RWND, "");
    uint32_t other = (uint32_t)usctp_path_find(p->engine, p->assoc, &p->peer_addr[1]);
    REQUIRE_EQ(usctp_path_set_primary(p->engine, p->assoc, other, p->now_us), 0);
    user_send(p, 0, 100);
    peer_take(p, "DATA tsn=1 *");
    REQUIRE_EQ(p->took_path, 1);
    REQUIRE_EQ(p->took_packet.tos, 0);
    REQUIRE_EQ(p->took_packet.flow_label, 0);
    REQUIRE_EQ(p->took_packet.hop_limit, 0);
    peer_delete(p);
}
END_TEST

static void marked(struct usctp_config *config) {
    config->dscp = 46;
    config->flow_label = 0x54321;
    config->hop_limit = 9;
}

static void require_marks(const struct scripted_peer *p) {
    REQUIRE_EQ(p->took_packet.tos, 46 << 2);
    REQUIRE_EQ(p->took_packet.flow_label, 0x54321);
    REQUIRE_EQ(p->took_packet.hop_limit, 9);
}

/* RFC 6458 8.1.12: all packets: the INIT ACK, which no association sends, and those after it. */
START_TEST(marks_of_a_listener) {
    struct scripted_peer *p = PEER(.configure = marked);
    peer_init(p, p->peer_tag);
    peer_send(p);
    peer_take_init_ack(p);
    require_marks(p);
    peer_cookie_echo(p);
    peer_send(p);
    peer_take(p, "COOKIE_ACK");
    require_marks(p);
    peer_delete(p);
}
END_TEST

/* A server's code point and flow label go with all that its clients get, the INIT ACK first. */
START_TEST(dscp_of_a_server) {
    struct scripted_peer *p = PEER(.configure = eager, .rwnd = PEER_RWND);
    REQUIRE_EQ(usctp_endpoint_tune(p->engine, p->endpoint, USCTP_TUNABLE_dscp, 46), 0);
    REQUIRE_EQ(usctp_endpoint_tune(p->engine, p->endpoint, USCTP_TUNABLE_flow_label, 0x54321), 0);
    peer_init(p, p->peer_tag);
    peer_send(p);
    peer_take_init_ack(p);
    REQUIRE_EQ(p->took_packet.tos, 46 << 2);
    REQUIRE_EQ(p->took_packet.flow_label, 0x54321);
    peer_cookie_echo(p);
    peer_send(p);
    peer_take_packet(p, "COOKIE_ACK*");
    REQUIRE_EQ(p->took_packet.tos, 46 << 2);
    REQUIRE_EQ(p->took_packet.flow_label, 0x54321);
    peer_delete(p);
}
END_TEST

/* 7.2.5.1: another code point may mean another queue: congestion control begins anew. */
START_TEST(s7_2_5_1_dscp_resets_congestion_control) {
    struct scripted_peer *p = PEER(.configure = eager, .rwnd = PEER_RWND);
    peer_open_active(p);
    user_send(p, 0, 100);
    peer_run_for(p, SECOND); /* T3-rtx: cwnd is one PMDCS */
    peer_discard(p);
    peer_sack(p, 0, PEER_RWND, "");
    REQUIRE(peer_path(p, 0).cwnd_bytes < 4404);
    tune_path(p, 0, USCTP_TUNABLE_dscp, 10);
    REQUIRE_EQ(peer_path(p, 0).cwnd_bytes, 4404);
    REQUIRE(peer_path(p, 0).ssthresh_bytes > 100000);
    peer_delete(p);
}
END_TEST

/* 7.2.5.2: the same when the source address of a path changes. */
START_TEST(s7_2_5_2_route_resets_congestion_control) {
    struct scripted_peer *p =
        PEER(.configure = eager, .rwnd = PEER_RWND, .paths = 2, .connect_to_all = true);
    peer_open_active(p);
    user_send(p, 0, 100);
    peer_run_for(p, SECOND);
    peer_discard(p);
    uint32_t cwnd = peer_path(p, 0).cwnd_bytes;
    REQUIRE(cwnd < 4404);
    REQUIRE_EQ(usctp_path_route(p->engine, p->assoc, 0, &p->engine_addr[0], 1500, p->now_us), 0);
    REQUIRE_EQ(peer_path(p, 0).cwnd_bytes, cwnd); /* nothing new */
    REQUIRE_EQ(usctp_path_route(p->engine, p->assoc, 0, &p->engine_addr[1], 1500, p->now_us), 0);
    REQUIRE_EQ(peer_path(p, 0).cwnd_bytes, 4404);
    peer_delete(p);
}
END_TEST

/* A smaller or larger receive buffer (6.2: a_rwnd may change); a larger one is told when the window
 * was small. */
START_TEST(s6_2_receive_buffer) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_open_passive(p);
    peer_data(p, 0, 0, 0, BIT_BE, 10);
    peer_take(p, "SACK *");
    uint32_t rwnd = p->took.rwnd;
    REQUIRE_EQ(usctp_assoc_tune(p->engine, p->assoc, USCTP_TUNABLE_receive_buffer_bytes, 2000000,
                                p->now_us),
               0);
    peer_discard(p);
    peer_data(p, 1, 0, 1, BIT_BE | BIT_I, 10);
    peer_take(p, "SACK *");
    REQUIRE(p->took.rwnd > rwnd + 900000);
    peer_delete(p);
}
END_TEST

/* 11.1.12: the threshold of one path alone. */
START_TEST(s11_1_12_path_threshold) {
    struct scripted_peer *p = PEER(.paths = 3, .connect_to_all = true);
    peer_open_active(p);
    tune_path(p, 1, USCTP_TUNABLE_path_max_retrans, 0);
    p->cut[1] = p->cut[2] = true;
    for (int i = 0; i < 500 && peer_path(p, 1).state != USCTP_PATH_STATE_INACTIVE; i++)
        peer_run_for(p, SECOND);
    REQUIRE_EQ(peer_path(p, 1).state, USCTP_PATH_STATE_INACTIVE);
    REQUIRE_EQ(peer_path(p, 1).error_count, 1);
    REQUIRE(peer_path(p, 2).state != USCTP_PATH_STATE_INACTIVE);
    peer_delete(p);
}
END_TEST

/* What usctp_assoc_config says is what was set, and what an endpoint gives its next association. */
START_TEST(settings_are_told) {
    struct scripted_peer *p = PEER(.configure = quiet);
    struct usctp_config c;
    REQUIRE_EQ(
        usctp_endpoint_tune(p->engine, p->endpoint, USCTP_TUNABLE_association_max_retrans, 7), 0);
    REQUIRE_EQ(usctp_endpoint_tune(p->engine, p->endpoint, USCTP_TUNABLE_outbound_streams, 33), 0);
    c.size = sizeof c;
    REQUIRE_EQ(usctp_endpoint_config(p->engine, p->endpoint, &c), 0);
    REQUIRE_EQ(c.association_max_retrans, 7);
    peer_engine_connect(p);
    peer_take_init(p);
    REQUIRE_EQ(p->took.os, 33);
    REQUIRE_EQ(usctp_assoc_tune(p->engine, p->assoc, USCTP_TUNABLE_max_burst, 9, p->now_us), 0);
    REQUIRE_EQ(usctp_assoc_config(p->engine, p->assoc, &c), 0);
    REQUIRE_EQ(c.association_max_retrans, 7);
    REQUIRE_EQ(c.max_burst, 9);
    REQUIRE_EQ(usctp_endpoint_config(p->engine, p->endpoint, &c), 0);
    REQUIRE_EQ(c.max_burst, 4); /* the endpoint's own is untouched */
    peer_delete(p);
}
END_TEST

/* Runs: equal packets to one place are one entry, the last may be shorter, none is longer than
 * asked for. */
START_TEST(runs_of_packets) {
    static uint8_t memory[200000];
    static struct read_packet read;
    struct scripted_peer *p = PEER(.configure = eager, .rwnd = PEER_RWND, .mtu = 600);
    peer_open_active(p);
    static uint8_t bytes[2200];
    struct usctp_send send = {.sid = 0};
    struct usctp_slice slice = {bytes, sizeof bytes};
    REQUIRE_EQ(usctp_assoc_send(p->engine, p->assoc, &send, &slice, 1, p->now_us), 0);
    struct usctp_packet packets[16];
    struct usctp_batch batch;
    memset(&batch, 0, sizeof batch);
    batch.memory = memory;
    batch.memory_bytes = sizeof memory;
    batch.packets = packets;
    batch.max_packets = 16;
    batch.max_run_bytes = 3 * 580;
    size_t entries = usctp_engine_output(p->engine, &batch, p->now_us), found = 0;
    uint32_t tsn = p->engine_tsn;
    REQUIRE(entries >= 1);
    for (size_t i = 0; i < entries; i++) {
        uint32_t segment = packets[i].segment_size ? packets[i].segment_size : packets[i].length;
        REQUIRE(packets[i].length <= batch.max_run_bytes);
        for (uint32_t at = 0; at < packets[i].length; at += segment) {
            uint32_t n = packets[i].length - at < segment ? packets[i].length - at : segment;
            const char *wrong = reader_packet(&read, packets[i].data + at, n, true);
            REQUIRE(wrong == NULL);
            for (size_t k = 0; k < read.chunk_count; k++)
                REQUIRE_EQ(read.chunk[k].tsn, tsn++);
            found++;
        }
    }
    REQUIRE(found >= 4);
    REQUIRE(entries < found); /* some were joined */
    peer_delete(p);
}
END_TEST

/* A route of which the MTU is not known leaves the PMTU alone; a smaller one is taken. */
START_TEST(route_with_unknown_mtu) {
    struct scripted_peer *p = PEER(.configure = eager, .rwnd = PEER_RWND);
    peer_open_active(p);
    REQUIRE_EQ(usctp_path_route(p->engine, p->assoc, 0, &p->engine_addr[0], 0, p->now_us), 0);
    REQUIRE_EQ(peer_path(p, 0).pmtu_bytes, 1500);
    REQUIRE_EQ(usctp_path_route(p->engine, p->assoc, 0, &p->engine_addr[0], 1300, p->now_us), 0);
    REQUIRE_EQ(peer_path(p, 0).pmtu_bytes, 1300);
    peer_delete(p);
}
END_TEST

RUN_TESTS("tunables and packets (RFC 9260 11.1.9-11.1.13, 16)", s16_defaults, ranges,
          dscp_and_flow_label, dscp_of_a_server, marks_of_a_listener,
          s7_2_5_1_dscp_resets_congestion_control, s7_2_5_2_route_resets_congestion_control,
          s6_2_receive_buffer, s11_1_12_path_threshold, settings_are_told, runs_of_packets,
          route_with_unknown_mtu)
