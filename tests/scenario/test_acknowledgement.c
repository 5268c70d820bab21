/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RFC 9260 6.2, 6.7, 3.3.4: when DATA is acknowledged, and what a SACK says.
 */
#include "support/configs.h"
#include "support/run_tests.h"
#include "support/scripted_peer.h"

#include <string.h>

#define ANY_RWND " rwnd=*"

/* ESTABLISHED, with TSN 0 received, acknowledged and read. */
static struct scripted_peer *one_received(void (*configure)(struct usctp_config *), uint32_t tsn) {
    struct scripted_peer *p = PEER(.configure = configure, .tsn = tsn);
    peer_open_passive(p);
    peer_data(p, 0, 0, 0, BIT_BE, 10);
    peer_take(p, "SACK cum=0" ANY_RWND " gaps=[] dups=[]");
    user_expect(p, 0, 0, 10);
    peer_discard(p);
    return p;
}

START_TEST(s6_2_single_packet_within_200_ms) {
    struct scripted_peer *p = one_received(quiet, 0);
    uint64_t at = p->now_us;
    peer_data(p, 1, 0, 1, BIT_BE, 10);
    peer_expect_nothing(p);
    peer_wait(p, "SACK cum=1" ANY_RWND " gaps=[] dups=[]", SECOND);
    REQUIRE_RANGE(p->took_us, at + 1, at + 200 * MS);
    peer_run_for(p, 10 * SECOND);
    peer_expect_nothing(p); /* and once only */
    peer_delete(p);
}
END_TEST

/* The timer counts from the first packet that is not acknowledged. */
START_TEST(s6_2_two_chunks_in_a_packet_are_one_packet) {
    struct scripted_peer *p = one_received(quiet, 0);
    uint64_t at = p->now_us;
    peer_packet(p);
    peer_add_data(p, 1, 0, 1, BIT_BE, 10);
    peer_add_data(p, 2, 0, 2, BIT_BE, 10);
    peer_add_data(p, 3, 0, 3, BIT_BE, 10);
    peer_send(p);
    peer_expect_nothing(p);
    peer_wait(p, "SACK cum=3" ANY_RWND " gaps=[] dups=[]", SECOND);
    REQUIRE_RANGE(p->took_us, at + 1, at + 200 * MS);
    peer_delete(p);
}
END_TEST

START_TEST(s6_2_every_second_packet) {
    struct scripted_peer *p = one_received(quiet, 0);
    for (int tsn = 1; tsn < 21; tsn += 2) {
        char pattern[80];
        peer_data(p, tsn, 0, (unsigned)tsn, BIT_BE, 10);
        peer_expect_nothing(p);
        peer_run_for(p, 10 * MS);
        uint64_t at = p->now_us;
        peer_data(p, tsn + 1, 0, (unsigned)tsn + 1, BIT_BE, 10);
        snprintf(pattern, sizeof pattern, "SACK cum=%d rwnd=* gaps=[] dups=[]", tsn + 1);
        peer_take(p, pattern);
        REQUIRE_EQ(p->took_us, at);
        REQUIRE_EQ(peer_count_packets(p), 0);
    }
    peer_run_for(p, 10 * SECOND);
    peer_expect_nothing(p);
    peer_delete(p);
}
END_TEST

static void delay_500(struct usctp_config *config) {
    quiet(config);
    config->sack_delay_us = 500 * MS;
}

static void delay_0(struct usctp_config *config) {
    quiet(config);
    config->sack_delay_us = 0;
}

START_TEST(s6_2_delay_is_tunable) {
    struct scripted_peer *p = one_received(delay_500, 0);
    uint64_t at = p->now_us;
    peer_data(p, 1, 0, 1, BIT_BE, 10);
    peer_wait(p, "SACK cum=1" ANY_RWND " gaps=[] dups=[]", SECOND);
    REQUIRE_RANGE(p->took_us, at + 200 * MS + 1, at + 500 * MS);
    peer_delete(p);
    p = one_received(delay_0, 0);
    at = p->now_us;
    peer_data(p, 1, 0, 1, BIT_BE, 10);
    peer_take(p, "SACK cum=1" ANY_RWND " gaps=[] dups=[]");
    REQUIRE_EQ(p->took_us, at);
    peer_delete(p);
}
END_TEST

/* 6.2: "MUST NOT allow the maximum delay to be configured to be more than 500 ms" */
START_TEST(s6_2_delay_above_500_ms_is_refused) {
    struct usctp_config config;
    usctp_config_defaults(&config);
    REQUIRE_EQ(config.sack_delay_us, 200 * MS);
    REQUIRE_EQ(usctp_config_set(&config, USCTP_TUNABLE_sack_delay_us, 500 * MS), 0);
    REQUIRE_EQ(usctp_config_set(&config, USCTP_TUNABLE_sack_delay_us, 500 * MS + 1),
               USCTP_ERR_INVALID);
}
END_TEST

START_TEST(s6_7_gap_at_once_and_while_it_is_open) {
    struct scripted_peer *p = one_received(quiet, 0);
    peer_data(p, 2, 0, 2, BIT_BE, 10);
    peer_take_packet(p, "SACK cum=0" ANY_RWND " gaps=[2-2] dups=[]");
    peer_data(p, 3, 0, 3, BIT_BE, 10);
    peer_take_packet(p, "SACK cum=0" ANY_RWND " gaps=[2-3] dups=[]");
    peer_data(p, 5, 0, 5, BIT_BE, 10);
    peer_take_packet(p, "SACK cum=0" ANY_RWND " gaps=[2-3 5-5] dups=[]");
    peer_data(p, 1, 0, 1, BIT_BE, 10);
    peer_take_packet(p, "SACK cum=3" ANY_RWND " gaps=[2-2] dups=[]");
    peer_data(p, 4, 0, 4, BIT_BE, 10);
    peer_wait(p, "SACK cum=5" ANY_RWND " gaps=[] dups=[]", 200 * MS);
    peer_run_for(p, 10 * SECOND);
    peer_expect_nothing(p);
    peer_delete(p);
}
END_TEST

/* The example of 3.3.4: TSNs 10, 11, 12, 14, 15, 17. */
START_TEST(s3_3_4_example) {
    struct scripted_peer *p = PEER(.configure = quiet, .tsn = 10);
    static const int arrived[] = {0, 1, 2, 4, 5, 7};
    peer_open_passive(p);
    for (size_t i = 0; i < sizeof arrived / sizeof arrived[0]; i++)
        peer_data(p, arrived[i], 0, (unsigned)arrived[i], BIT_BE, 10);
    peer_take(p, "SACK cum=2" ANY_RWND " gaps=[2-3 5-5] dups=[]");
    REQUIRE_EQ(p->took.cumulative, 12);
    peer_delete(p);
}
END_TEST

START_TEST(s6_2_duplicates_at_once) {
    struct scripted_peer *p = one_received(quiet, 0);
    peer_data(p, 0, 0, 0, BIT_BE, 10);
    peer_take_packet(p, "SACK cum=0" ANY_RWND " gaps=[] dups=[0]");
    peer_data(p, 2, 0, 2, BIT_BE, 10);
    peer_take_packet(p, "SACK cum=0" ANY_RWND
                        " gaps=[2-2] dups=[]"); /* 3.3.4: the list is empty again */
    peer_data(p, 2, 0, 2, BIT_BE, 10);
    peer_take_packet(p, "SACK cum=0" ANY_RWND " gaps=[2-2] dups=[2]");
    user_expect_nothing(p);
    REQUIRE_EQ(peer_status(p).counters.duplicate_tsns, 2);
    peer_delete(p);
}
END_TEST

/* 3.3.4: a TSN that came three times is listed twice. */
START_TEST(s3_3_4_each_duplicate_is_listed) {
    struct scripted_peer *p = one_received(quiet, 0);
    peer_packet(p);
    for (int i = 0; i < 3; i++)
        peer_add_data(p, 1, 0, 1, BIT_BE, 10);
    peer_send(p);
    peer_wait(p, "SACK cum=1" ANY_RWND " gaps=[] dups=[1 1]", 200 * MS);
    user_expect(p, 0, 1, 10);
    user_expect_nothing(p);
    peer_delete(p);
}
END_TEST

START_TEST(s6_2_i_bit_at_once) {
    struct scripted_peer *p = one_received(quiet, 0);
    for (int tsn = 1; tsn < 6; tsn++) {
        char pattern[80];
        peer_data(p, tsn, 0, (unsigned)tsn, BIT_BE | BIT_I, 10);
        snprintf(pattern, sizeof pattern, "SACK cum=%d rwnd=* gaps=[] dups=[]", tsn);
        peer_take_packet(p, pattern);
    }
    peer_delete(p);
}
END_TEST

/* 6.2, 6.7: as many gap blocks as fit the PMTU, the lowest ones, in one SACK. */
START_TEST(s6_7_gap_blocks_fill_the_packet) {
    struct scripted_peer *p = one_received(quiet, 0);
    enum { GAPS = 500, FIT = (1500 - 20 - 12 - 16) / 4 };
    for (int i = 0; i < GAPS; i++) {
        peer_discard(p);
        peer_data(p, 2 + 2 * i, 0, (unsigned)(2 + 2 * i), BIT_BE | BIT_U, 4);
    }
    REQUIRE_EQ(peer_count_packets(p), 1);
    peer_take(p, "SACK cum=0 *");
    REQUIRE_EQ(p->took.gap_count, FIT);
    for (unsigned i = 0; i < FIT; i++) {
        REQUIRE_EQ(load16(p->took.value + 12 + 4 * i), 2 + 2 * i);
        REQUIRE_EQ(load16(p->took.value + 14 + 4 * i), 2 + 2 * i);
    }
    peer_delete(p);
}
END_TEST

/* 6.4, 6.7: the SACK goes where the last DATA came from. */
START_TEST(s6_4_sack_goes_to_the_source_of_the_data) {
    struct scripted_peer *p = PEER(.configure = quiet, .paths = 2, .connect_to_all = true);
    peer_open_active(p);
    for (int tsn = 0; tsn < 6; tsn++) {
        unsigned path = (unsigned)tsn % 2;
        peer_packet(p);
        peer_add_data(p, tsn, 0, (unsigned)tsn, BIT_BE | BIT_I, 10);
        peer_send_on(p, path);
        peer_take(p, "SACK *");
        REQUIRE_EQ(p->took_path, (int)path);
    }
    peer_delete(p);
}
END_TEST

/* 6.4: SACKs were lost on path 0, and what they told of is sent again on path 1: a SACK that went
 * to path 0 for ever would stop the association as long as that path is cut. */
START_TEST(s6_4_sack_of_duplicates_follows_them) {
    struct scripted_peer *p = PEER(.configure = quiet, .paths = 2, .connect_to_all = true);
    peer_open_active(p);
    for (int round = 0; round < 4; round++) {
        unsigned path = round == 0 ? 0 : 1;
        peer_packet(p);
        peer_add_data(p, 0, 0, 0, BIT_BE | BIT_I, 10);
        peer_send_on(p, path);
        peer_take(p, "SACK *");
        REQUIRE_EQ(p->took_path, (int)path);
    }
    peer_delete(p);
}
END_TEST

/* 6.1: DATA that goes out takes a delayed SACK with it. */
START_TEST(s6_1_sack_is_bundled_with_data) {
    struct scripted_peer *p = one_received(quiet, 0);
    peer_data(p, 1, 0, 1, BIT_BE, 10);
    peer_expect_nothing(p);
    user_send(p, 0, 100);
    peer_take_packet(p, "SACK cum=1" ANY_RWND " gaps=[] dups=[] | DATA tsn=0 * BE len=100");
    peer_sack(p, 0, 131072, "");
    peer_run_for(p, SECOND);
    peer_expect_nothing(p);
    peer_delete(p);
}
END_TEST

/* 6.1, 6.9: a SACK that would not fit beside a message that goes whole leaves alone, and the
 * message follows at once. */
START_TEST(s6_9_sack_beside_a_message_that_fills_a_packet) {
    struct scripted_peer *p = one_received(quiet, 0);
    uint64_t at = p->now_us;
    peer_data(p, 1, 0, 1, BIT_BE, 10);
    peer_expect_nothing(p);
    user_send(p, 0, 1500 - 20 - 12 - 16);
    peer_take(p, "SACK cum=1 rwnd=* gaps=[] dups=[]");
    REQUIRE_EQ(p->took_us, at);
    peer_take(p, "DATA tsn=0 *");
    REQUIRE_EQ(p->took_us, at);
    peer_delete(p);
}
END_TEST

/* 1.6: TSNs wrap; gaps over the wrap. */
START_TEST(s1_6_tsn_wrap) {
    struct scripted_peer *p = one_received(quiet, 0xfffffffeu);
    peer_data(p, 2, 0, 2, BIT_BE, 10); /* TSN 0 */
    peer_take_packet(p, "SACK cum=0" ANY_RWND " gaps=[2-2] dups=[]");
    REQUIRE_EQ(p->took.cumulative, 0xfffffffeu);
    peer_data(p, 4, 0, 4, BIT_BE, 10);
    peer_take_packet(p, "SACK cum=0" ANY_RWND " gaps=[2-2 4-4] dups=[]");
    peer_data(p, 1, 0, 1, BIT_BE, 10); /* TSN 2^32 - 1 */
    peer_take_packet(p, "SACK cum=2" ANY_RWND " gaps=[2-2] dups=[]");
    REQUIRE_EQ(p->took.cumulative, 0);
    peer_data(p, 0, 0, 0, BIT_BE, 10);
    peer_take_packet(p, "SACK cum=2" ANY_RWND " gaps=[2-2] dups=[0]");
    user_expect(p, 0, 1, 10);
    user_expect(p, 0, 2, 10);
    user_expect_nothing(p);
    peer_delete(p);
}
END_TEST

/* Every initial TSN near the wrap, with everything out of order. */
START_TEST(s1_6_tsn_wrap_in_any_order) {
    for (uint32_t before = 0; before < 12; before++) {
        struct scripted_peer *p = PEER(.configure = quiet, .tsn = 0u - before, .tsn_is_set = true);
        peer_open_passive(p);
        for (int i = 0; i < 12; i++) {
            int tsn = (i * 5) % 12;
            peer_data(p, tsn, 1, (unsigned)tsn, BIT_BE, 20);
        }
        peer_wait(p, "SACK cum=11" ANY_RWND " gaps=[] dups=[]", 200 * MS);
        for (unsigned ssn = 0; ssn < 12; ssn++)
            user_expect(p, 1, ssn, 20);
        peer_delete(p);
    }
}
END_TEST

/* 6.2: not more than one SACK for each packet. */
START_TEST(s6_2_one_sack_a_packet) {
    struct scripted_peer *p = one_received(quiet, 0);
    peer_packet(p);
    peer_add_data(p, 2, 0, 2, BIT_BE | BIT_I, 10);
    peer_add_data(p, 4, 0, 4, BIT_BE | BIT_I, 10);
    peer_add_data(p, 0, 0, 0, BIT_BE | BIT_I, 10);
    peer_send(p);
    REQUIRE_EQ(peer_count(p, "SACK *"), 1);
    peer_take(p, "SACK cum=0" ANY_RWND " gaps=[2-2 4-4] dups=[0]");
    peer_delete(p);
}
END_TEST

/* Packets that arrive together, as an array and as a run: each counts. */
START_TEST(packets_in_a_run) {
    static uint8_t run[200];
    for (unsigned as_array = 0; as_array < 2; as_array++) {
        struct scripted_peer *p = one_received(quiet, 0);
        struct usctp_packet packets[3];
        uint32_t used = 0;
        memset(packets, 0, sizeof packets);
        for (int i = 0; i < 3; i++) { /* the last one is shorter */
            peer_packet(p);
            peer_add_data(p, i + 1, 0, (unsigned)i + 1, BIT_BE, i < 2 ? 8 : 4);
            builder_finish(&p->out);
            REQUIRE(used + p->out.used <= sizeof run);
            memcpy(run + used, p->out.bytes, p->out.used);
            packets[i].data = run + used;
            packets[i].length = (uint32_t)p->out.used;
            packets[i].source = p->peer_addr[0];
            packets[i].destination = p->engine_addr[0];
            used += (uint32_t)p->out.used;
        }
        if (!as_array) {
            packets[0].segment_size = packets[0].length;
            packets[0].length = used;
        }
        usctp_engine_input(p->engine, packets, as_array ? 3 : 1, p->now_us);
        peer_pump(p);
        peer_take_packet(p, "SACK cum=3 rwnd=* gaps=[] dups=[]"); /* two or more packets: at once */
        for (unsigned ssn = 1; ssn <= 3; ssn++)
            user_expect(p, 0, ssn, ssn < 3 ? 8 : 4);
        peer_delete(p);
    }
}
END_TEST

RUN_TESTS("acknowledgement (RFC 9260 6.2, 6.7)", s6_2_single_packet_within_200_ms,
          s6_2_two_chunks_in_a_packet_are_one_packet, s6_2_every_second_packet,
          s6_2_delay_is_tunable, s6_2_delay_above_500_ms_is_refused,
          s6_7_gap_at_once_and_while_it_is_open, s3_3_4_example, s6_2_duplicates_at_once,
          s3_3_4_each_duplicate_is_listed, s6_2_i_bit_at_once, s6_7_gap_blocks_fill_the_packet,
          s6_4_sack_goes_to_the_source_of_the_data, s6_4_sack_of_duplicates_follows_them,
          s6_1_sack_is_bundled_with_data, s6_9_sack_beside_a_message_that_fills_a_packet,
          s1_6_tsn_wrap, s1_6_tsn_wrap_in_any_order, s6_2_one_sack_a_packet, packets_in_a_run)
