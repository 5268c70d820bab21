/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RFC 9260 8.3 and 5.4: heartbeats, what they measure, and the confirmation of addresses.
 *
 * What unanswered heartbeats do to a path's state is in test_path_failure.c.
 */
#include "support/configs.h"
#include "support/run_tests.h"
#include "support/scripted_peer.h"

#include <string.h>

#define PEER_RWND 131072u

/* Answers the HEARTBEAT taken last, from the path it went to. */
static void answer(struct scripted_peer *p) {
    uint8_t info[512];
    size_t bytes = p->took.value_bytes;
    unsigned path = (unsigned)p->took_path;
    REQUIRE(bytes <= sizeof info);
    memcpy(info, p->took.value, bytes);
    builder_chunk(peer_packet(p), WIRE_HEARTBEAT_ACK, 0);
    builder_bytes(&p->out, info, bytes);
    peer_send_on(p, path);
}

/* 8.3: HB.interval + RTO +/- 50 % of RTO apart, with jitter. */
START_TEST(s8_3_interval_and_jitter) {
    struct scripted_peer *p = PEER(.hold_heartbeats = true);
    uint64_t last = 0, shortest = UINT64_MAX, longest = 0;
    peer_open_active(p);
    for (int i = 0; i < 40; i++) {
        peer_wait(p, "HEARTBEAT *", 40 * SECOND);
        if (i > 0) {
            uint64_t interval = p->took_us - last;
            REQUIRE_RANGE(interval, 30500 * MS, 31500 * MS);
            shortest = interval < shortest ? interval : shortest;
            longest = interval > longest ? interval : longest;
        }
        last = p->took_us;
        answer(p);
        peer_expect_nothing(p);
        REQUIRE_EQ(peer_path(p, 0).error_count, 0);
    }
    REQUIRE(longest - shortest > 100 * MS || engine_env_wraps()); /* there is jitter */
    peer_delete(p);
}
END_TEST

static void interval_5s(struct usctp_config *config) {
    config->hb_interval_us = 5 * SECOND;
}

START_TEST(s8_3_interval_is_tunable) {
    struct scripted_peer *p = PEER(.hold_heartbeats = true, .configure = interval_5s);
    uint64_t last = 0;
    peer_open_active(p);
    for (int i = 0; i < 10; i++) {
        peer_wait(p, "HEARTBEAT *", 40 * SECOND);
        if (i > 0)
            REQUIRE_RANGE(p->took_us - last, 5500 * MS, 6500 * MS);
        last = p->took_us;
        answer(p);
    }
    peer_delete(p);
}
END_TEST

/* 3.3.5, 5.4: the info is a parameter of type 1 with at least 8 bytes that differ each time. */
START_TEST(s3_3_5_heartbeat_info) {
    struct scripted_peer *p = PEER(.hold_heartbeats = true);
    uint8_t before[512] = {0};
    peer_open_active(p);
    for (int i = 0; i < 5; i++) {
        size_t bytes;
        peer_wait(p, "HEARTBEAT *", 40 * SECOND);
        const uint8_t *info = reader_param(&p->took, 1, 0, &bytes);
        REQUIRE(info != NULL && bytes >= 8 && bytes <= sizeof before);
        REQUIRE(memcmp(info, before, bytes) != 0);
        memcpy(before, info, bytes);
        answer(p);
    }
    peer_delete(p);
}
END_TEST

/* 8.3: a HEARTBEAT ACK measures the round trip. */
START_TEST(s8_3_round_trip) {
    struct scripted_peer *p = PEER(.hold_heartbeats = true);
    peer_open_active(p);
    struct usctp_path_status before = peer_path(p, 0);
    peer_wait(p, "HEARTBEAT *", 40 * SECOND);
    peer_run_for(p, 300 * MS);
    answer(p);
    struct usctp_path_status after = peer_path(p, 0);
    if (before.srtt_us == 0 && before.rttvar_us == 0)
        REQUIRE_EQ(after.srtt_us, 300 * MS);
    else
        REQUIRE_RANGE(after.srtt_us, (7 * before.srtt_us + 300 * MS) / 8 - 1,
                      (7 * before.srtt_us + 300 * MS) / 8 + 1);
    REQUIRE_EQ(after.heartbeat_acks_in, before.heartbeat_acks_in + 1);
    peer_delete(p);
}
END_TEST

/* 3.3.6, 8.3: a HEARTBEAT comes back unchanged, with whatever else is in it, to where it came from.
 */
START_TEST(s8_3_answer) {
    static const enum usctp_assoc_state states[] = {USCTP_ESTABLISHED, USCTP_SHUTDOWN_PENDING,
                                                    USCTP_SHUTDOWN_RECEIVED};
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        struct scripted_peer *p = PEER(.configure = quiet, .paths = 2, .connect_to_all = true);
        peer_to_state(p, states[i]);
        for (unsigned bytes = 0; bytes < 300; bytes += 7) {
            builder_chunk(peer_packet(p), WIRE_HEARTBEAT, 0);
            builder_param(&p->out, 1);
            for (unsigned k = 0; k < bytes; k++)
                builder_u8(&p->out, k * 3 + (unsigned)i);
            builder_param(&p->out, 0x8123); /* another TLV */
            builder_u32(&p->out, 0xfeedbeefu);
            peer_send_on(p, bytes % 2);
            peer_take_packet(p, "HEARTBEAT_ACK *");
            REQUIRE_EQ(p->took_path, (int)(bytes % 2));
            REQUIRE_EQ(p->took.value_bytes, ((4 + bytes + 3) & ~3u) + 8);
            REQUIRE(memcmp(p->took.value, p->out.bytes + 16, p->took.value_bytes) == 0);
        }
        peer_delete(p);
    }
}
END_TEST

START_TEST(s8_3_disabled) {
    struct scripted_peer *p = PEER(.configure = quiet, .hold_heartbeats = true);
    peer_open_active(p);
    peer_run_for(p, 600 * SECOND);
    peer_expect_nothing(p);
    REQUIRE_EQ(usctp_path_tune(p->engine, p->assoc, 0, USCTP_TUNABLE_hb_enabled, 1, p->now_us), 0);
    peer_wait(p, "HEARTBEAT *", 32 * SECOND);
    answer(p);
    REQUIRE_EQ(usctp_path_tune(p->engine, p->assoc, 0, USCTP_TUNABLE_hb_enabled, 0, p->now_us), 0);
    peer_run_for(p, 600 * SECOND);
    peer_expect_nothing(p);
    peer_delete(p);
}
END_TEST

/* 8.3 D: on demand, also when they are disabled. */
START_TEST(s8_3_on_demand) {
    struct scripted_peer *p = PEER(.configure = quiet, .hold_heartbeats = true);
    peer_open_active(p);
    uint64_t at = p->now_us;
    REQUIRE_EQ(usctp_path_heartbeat(p->engine, p->assoc, 0, p->now_us), 0);
    peer_pump(p);
    peer_take(p, "HEARTBEAT *");
    REQUIRE_EQ(p->took_us, at);
    peer_delete(p);
}
END_TEST

/* 8.3: a path that carries data is not idle. */
START_TEST(s8_3_busy_path_needs_none) {
    struct scripted_peer *p = PEER(.hold_heartbeats = true);
    peer_open_active(p);
    for (int tsn = 0; tsn < 20; tsn++) {
        user_send(p, 0, 100);
        peer_take(p, "DATA *");
        peer_run_for(p, 100 * MS);
        peer_sack(p, tsn, PEER_RWND, "");
        peer_run_for(p, 15 * SECOND);
    }
    peer_expect_none(p, "HEARTBEAT *");
    peer_delete(p);
}
END_TEST

/* 8.3: no heartbeats after SHUTDOWN or SHUTDOWN ACK. */
START_TEST(s8_3_none_while_shutting_down) {
    static const enum usctp_assoc_state states[] = {USCTP_SHUTDOWN_SENT, USCTP_SHUTDOWN_ACK_SENT};
    for (size_t i = 0; i < 2; i++) {
        struct scripted_peer *p = PEER(.hold_heartbeats = true);
        peer_to_state(p, states[i]);
        peer_run_for(p, 200 * SECOND);
        peer_expect_none(p, "HEARTBEAT *");
        peer_delete(p);
    }
}
END_TEST

/* ---- 5.4: confirmation ---- */

/* Passive: only the address of the INIT ACK is confirmed; the others are probed, and carry nothing
 * else until then. */
START_TEST(s5_4_rule_2_passive) {
    struct scripted_peer *p =
        PEER(.paths = 2, .hold_heartbeats = true, .subscribe = USCTP_NOTIFY_PATH_CHANGE);
    peer_open_passive(p);
    REQUIRE_EQ(peer_path(p, 0).state, USCTP_PATH_STATE_ACTIVE);
    REQUIRE_EQ(peer_path(p, 1).state, USCTP_PATH_STATE_UNCONFIRMED);
    peer_wait(p, "HEARTBEAT *", 3 * SECOND);
    REQUIRE_EQ(p->took_path, 1);
    answer(p);
    REQUIRE_EQ(peer_path(p, 1).state, USCTP_PATH_STATE_ACTIVE);
    struct usctp_notification n =
        user_expect_notification(p, USCTP_NOTIFY_PATH_CHANGE, USCTP_PATH_CONFIRMED);
    REQUIRE(memcmp(n.address.ipv4, p->peer_addr[1].ipv4, 4) == 0);
    peer_delete(p);
}
END_TEST

/* Active: what the user passed is confirmed, what the INIT ACK added is not. */
START_TEST(s5_4_rule_1_active) {
    struct scripted_peer *p = PEER(.paths = 2, .hold_heartbeats = true, .connect_to_all = true);
    peer_open_active(p);
    REQUIRE_EQ(peer_path(p, 0).state, USCTP_PATH_STATE_ACTIVE);
    REQUIRE_EQ(peer_path(p, 1).state, USCTP_PATH_STATE_ACTIVE);
    peer_delete(p);
    p = PEER(.paths = 2, .hold_heartbeats = true);
    peer_open_active(p);
    REQUIRE_EQ(peer_path(p, 0).state, USCTP_PATH_STATE_ACTIVE);
    REQUIRE_EQ(peer_path(p, 1).state, USCTP_PATH_STATE_UNCONFIRMED);
    peer_wait(p, "HEARTBEAT *", 3 * SECOND);
    REQUIRE_EQ(p->took_path, 1);
    peer_delete(p);
}
END_TEST

/* 5.4: nothing but probes goes to an unconfirmed address, not even retransmissions of what the
 * other one loses. */
START_TEST(s5_4_no_data_to_unconfirmed) {
    struct scripted_peer *p = PEER(.paths = 2, .hold_heartbeats = true);
    peer_open_passive(p);
    user_send(p, 0, 100);
    peer_run_for(p, 20 * SECOND);
    peer_data(p, 0, 0, 0, BIT_BE | BIT_I, 10);
    while (peer_take_if(p, "HEARTBEAT *")) {
    }
    size_t others = 0;
    while (peer_take_if(p, "*")) {
        REQUIRE_EQ(p->took_path, 0);
        others++;
    }
    REQUIRE(others >= 3);
    peer_delete(p);
}
END_TEST

/* 5.4: the nonce has to be right. */
START_TEST(s5_4_wrong_nonce) {
    struct scripted_peer *p = PEER(.paths = 2, .hold_heartbeats = true);
    uint8_t info[512];
    peer_open_passive(p);
    peer_wait(p, "HEARTBEAT *", 3 * SECOND);
    REQUIRE_EQ(p->took_path, 1);
    size_t bytes = p->took.value_bytes;
    REQUIRE(bytes <= sizeof info);
    memcpy(info, p->took.value, bytes);
    for (size_t at = 4; at < bytes; at++) { /* every byte of it */
        info[at] ^= 0x55;
        builder_chunk(peer_packet(p), WIRE_HEARTBEAT_ACK, 0);
        builder_bytes(&p->out, info, bytes);
        peer_send_on(p, 1);
        info[at] ^= 0x55;
        REQUIRE_EQ(peer_path(p, 1).state, USCTP_PATH_STATE_UNCONFIRMED);
    }
    for (size_t left = 0; left < bytes; left++) { /* and all of it */
        builder_chunk(peer_packet(p), WIRE_HEARTBEAT_ACK, 0);
        builder_bytes(&p->out, info, left);
        if (left >= 4)
            p->out.bytes[p->out.chunk_at + 7] = (uint8_t)left;
        peer_send_on(p, 1);
        REQUIRE_EQ(peer_path(p, 1).state, USCTP_PATH_STATE_UNCONFIRMED);
    }
    builder_chunk(peer_packet(p), WIRE_HEARTBEAT_ACK, 0);
    builder_bytes(&p->out, info, bytes);
    peer_send_on(p, 1);
    REQUIRE_EQ(peer_path(p, 1).state, USCTP_PATH_STATE_ACTIVE);
    peer_delete(p);
}
END_TEST

/* 5.4: HB.Max.Burst (1) packets with HEARTBEAT at each RTO. */
START_TEST(s5_4_hb_max_burst) {
    struct scripted_peer *p = PEER(.paths = 4, .hold_heartbeats = true);
    peer_open_passive(p);
    uint64_t last = 0;
    unsigned at_once = 0;
    for (int i = 0; i < 8; i++) {
        peer_wait(p, "HEARTBEAT *", 10 * SECOND);
        at_once = i > 0 && p->took_us == last ? at_once + 1 : 1;
        REQUIRE_EQ(at_once, 1);
        last = p->took_us;
    }
    peer_delete(p);
}
END_TEST

/* 5.4, 8.2: unanswered probes count against the path, not against the association. */
START_TEST(s5_4_unanswered_probes) {
    struct scripted_peer *p = PEER(.paths = 2, .hold_heartbeats = true);
    peer_open_passive(p);
    for (int i = 0; i < 100; i++) {
        peer_run_for(p, 20 * SECOND);
        while (peer_take_if(p, "HEARTBEAT *"))
            if (p->took_path == 0)
                answer(p);
    }
    require_state(p, USCTP_ESTABLISHED);
    REQUIRE_EQ(peer_path(p, 0).state, USCTP_PATH_STATE_ACTIVE);
    REQUIRE(peer_path(p, 1).state != USCTP_PATH_STATE_ACTIVE);
    REQUIRE(peer_path(p, 1).error_count > 5);
    peer_delete(p);
}
END_TEST

/* 5.4: "not to an UNCONFIRMED address": the user cannot make it primary either. */
START_TEST(s5_4_no_unconfirmed_primary) {
    struct scripted_peer *p = PEER(.paths = 2, .hold_heartbeats = true);
    peer_open_passive(p);
    uint32_t other = (uint32_t)usctp_path_find(p->engine, p->assoc, &p->peer_addr[1]);
    int error = usctp_path_set_primary(p->engine, p->assoc, other, p->now_us);
    user_send(p, 0, 100);
    peer_take(p, "DATA tsn=0 *");
    REQUIRE_EQ(p->took_path, 0);
    if (error == 0) /* accepted for later */
        REQUIRE_EQ(peer_path(p, 1).state, USCTP_PATH_STATE_UNCONFIRMED);
    peer_delete(p);
}
END_TEST

RUN_TESTS("heartbeats and path verification (RFC 9260 8.3, 5.4)", s8_3_interval_and_jitter,
          s8_3_interval_is_tunable, s3_3_5_heartbeat_info, s8_3_round_trip, s8_3_answer,
          s8_3_disabled, s8_3_on_demand, s8_3_busy_path_needs_none, s8_3_none_while_shutting_down,
          s5_4_rule_2_passive, s5_4_rule_1_active, s5_4_no_data_to_unconfirmed, s5_4_wrong_nonce,
          s5_4_hb_max_burst, s5_4_unanswered_probes, s5_4_no_unconfirmed_primary)
