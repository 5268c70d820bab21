/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RFC 9260 5.2: INIT, INIT ACK, COOKIE ECHO and COOKIE ACK where an association exists or is being
 * made: 5.2.1, 5.2.2, 5.2.3, 5.2.5. Each row of table 12 (5.2.4) is in test_cookie_table.c; two
 * engines that collide are in test_collision.c.
 */
#include "support/configs.h"
#include "support/run_tests.h"
#include "support/scripted_peer.h"

#define OTHER_TAG 0x01020304u

/* States of 5.2.2. */
static const enum usctp_assoc_state states_5_2_2[] = {USCTP_ESTABLISHED, USCTP_SHUTDOWN_PENDING,
                                                      USCTP_SHUTDOWN_SENT, USCTP_SHUTDOWN_RECEIVED};
#define STATES_5_2_2 (sizeof states_5_2_2 / sizeof states_5_2_2[0])

static void add_new_address(struct scripted_peer *p) {
    static const uint8_t address[4] = {198, 51, 100, 77};
    builder_param(&p->out, 5);
    builder_bytes(&p->out, address, 4);
}

/* 5.2.1: the INIT ACK repeats the parameters of our INIT; state and T1-init are left alone. */
START_TEST(s5_2_1_init_in_cookie_wait) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_engine_connect(p);
    peer_take_init(p);
    struct read_chunk ours = p->took;
    uint64_t at = p->took_us;
    peer_run_for(p, 400 * MS);
    peer_init(p, OTHER_TAG);
    peer_send(p);
    peer_take(p, "INIT_ACK *");
    REQUIRE_EQ(p->took_tag, OTHER_TAG);
    REQUIRE_EQ(p->took.tag, ours.tag);
    REQUIRE_EQ(p->took.tsn, ours.tsn);
    REQUIRE_EQ(p->took.rwnd, ours.rwnd);
    REQUIRE_EQ(p->took.os, ours.os);
    REQUIRE_EQ(p->took.mis, ours.mis);
    require_state(p, USCTP_COOKIE_WAIT);
    peer_expect_nothing(p);
    peer_wait(p, "INIT *", 2 * SECOND);
    REQUIRE_EQ(p->took_us, at + SECOND);
    REQUIRE_EQ(p->took.tag, ours.tag);
    peer_delete(p);
}
END_TEST

START_TEST(s5_2_1_init_in_cookie_echoed) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_engine_connect(p);
    peer_take_init(p);
    struct read_chunk ours = p->took;
    peer_init_ack(p);
    peer_add_cookie(p, 64);
    peer_send(p);
    peer_take(p, "COOKIE_ECHO *");
    uint64_t at = p->took_us;
    peer_run_for(p, 400 * MS);
    peer_init(p, OTHER_TAG);
    peer_send(p);
    peer_take(p, "INIT_ACK *");
    REQUIRE_EQ(p->took_tag, OTHER_TAG);
    REQUIRE_EQ(p->took.tag, ours.tag);
    REQUIRE_EQ(p->took.tsn, ours.tsn);
    REQUIRE_EQ(p->took.rwnd, ours.rwnd);
    require_state(p, USCTP_COOKIE_ECHOED);
    peer_expect_nothing(p);
    peer_wait(p, "COOKIE_ECHO *", 2 * SECOND);
    REQUIRE_EQ(p->took_us, at + SECOND);
    REQUIRE_EQ(p->took_tag, p->peer_tag); /* of the INIT ACK, not of the INIT */
    peer_delete(p);
}
END_TEST

/* 5.2.1: in COOKIE-ECHOED a new address is refused. */
START_TEST(s5_2_1_new_address_in_cookie_echoed) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_to_state(p, USCTP_COOKIE_ECHOED);
    peer_init(p, OTHER_TAG);
    add_new_address(p);
    peer_send(p);
    peer_take(p, "ABORT T=0 causes=[*]");
    REQUIRE_EQ(p->took_tag, OTHER_TAG);
    peer_expect_none(p, "INIT_ACK *");
    require_state(p, USCTP_COOKIE_ECHOED);
    peer_chunk(p, WIRE_COOKIE_ACK, 0);
    require_state(p, USCTP_ESTABLISHED);
    peer_delete(p);
}
END_TEST

/* 5.2.2: INIT ACK with a new tag of our own; nothing of the association changes. */
START_TEST(s5_2_2_init_in_later_states) {
    for (size_t i = 0; i < STATES_5_2_2; i++) {
        struct scripted_peer *p = PEER(.configure = quiet);
        peer_to_state(p, states_5_2_2[i]);
        struct usctp_assoc_status before = peer_status(p);
        peer_init(p, OTHER_TAG);
        peer_send(p);
        peer_take(p, "INIT_ACK *");
        REQUIRE_EQ(p->took_tag, OTHER_TAG);
        REQUIRE(p->took.tag != before.local_tag && p->took.tag != 0);
        REQUIRE_EQ(p->took.os, before.outbound_streams);
        peer_expect_nothing(p);
        struct usctp_assoc_status after = peer_status(p);
        REQUIRE_EQ(after.state, before.state);
        REQUIRE_EQ(after.local_tag, before.local_tag);
        REQUIRE_EQ(after.peer_tag, before.peer_tag);
        REQUIRE_EQ(after.unacknowledged_chunks, before.unacknowledged_chunks);
        REQUIRE_EQ(peer_counters(p).associations, 1);
        peer_delete(p);
    }
}
END_TEST

/* 5.2.2: with a new address: ABORT with the INIT's tag, and nothing changes. */
START_TEST(s5_2_2_new_address_in_later_states) {
    for (size_t i = 0; i < STATES_5_2_2; i++) {
        struct scripted_peer *p = PEER(.configure = quiet);
        peer_to_state(p, states_5_2_2[i]);
        peer_init(p, OTHER_TAG);
        add_new_address(p);
        peer_send(p);
        peer_take(p, "ABORT T=0 causes=[11]");
        REQUIRE_EQ(p->took_tag, OTHER_TAG);
        size_t bytes;
        const uint8_t *listed = reader_param(&p->took, 11, 0, &bytes);
        REQUIRE_EQ(bytes, 8); /* 3.3.10.11: the TLV, exactly */
        REQUIRE_EQ(load32(listed), 0x00050008u);
        REQUIRE_EQ(load32(listed + 4), 0xc633644du);
        peer_expect_nothing(p);
        require_state(p, states_5_2_2[i]);
        peer_delete(p);
    }
}
END_TEST

/* An INIT from an address that is itself new belongs to the association by the address it lists
 * (5.1.2 D). */
START_TEST(s5_1_2_d_init_from_a_new_source) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_to_state(p, USCTP_ESTABLISHED);
    struct usctp_addr stranger = p->peer_addr[0];
    stranger.ipv4[3] = 66;
    peer_init(p, OTHER_TAG);
    peer_add_addresses(p, 0, 1);
    peer_send_addresses(p, &stranger, &p->engine_addr[0]);
    peer_take(p, "ABORT T=0 causes=[11]");
    REQUIRE_EQ(p->took_tag, OTHER_TAG);
    peer_expect_nothing(p);
    require_state(p, USCTP_ESTABLISHED);
    peer_delete(p);
}
END_TEST

/* 9.2: SHUTDOWN-ACK-SENT answers INIT with SHUTDOWN ACK. */
START_TEST(s9_2_init_in_shutdown_ack_sent) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_to_state(p, USCTP_SHUTDOWN_ACK_SENT);
    peer_init(p, OTHER_TAG);
    peer_send(p);
    peer_take(p, "SHUTDOWN_ACK");
    peer_expect_nothing(p);
    require_state(p, USCTP_SHUTDOWN_ACK_SENT);
    peer_delete(p);
}
END_TEST

/* 5.2.3: INIT ACK is for COOKIE-WAIT. */
START_TEST(s5_2_3_unexpected_init_ack) {
    static const enum usctp_assoc_state states[] = {
        USCTP_COOKIE_ECHOED, USCTP_ESTABLISHED,       USCTP_SHUTDOWN_PENDING,
        USCTP_SHUTDOWN_SENT, USCTP_SHUTDOWN_RECEIVED, USCTP_SHUTDOWN_ACK_SENT};
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        struct scripted_peer *p = PEER(.configure = quiet);
        peer_to_state(p, states[i]);
        p->peer_tag = OTHER_TAG;
        peer_init_ack(p);
        peer_add_cookie(p, 64);
        peer_send(p);
        peer_expect_nothing(p);
        require_state(p, states[i]);
        REQUIRE(peer_status(p).peer_tag != OTHER_TAG);
        peer_delete(p);
    }
}
END_TEST

/* 5.2.5: COOKIE ACK is for COOKIE-ECHOED. */
START_TEST(s5_2_5_unexpected_cookie_ack) {
    static const enum usctp_assoc_state states[] = {
        USCTP_COOKIE_WAIT,   USCTP_ESTABLISHED,       USCTP_SHUTDOWN_PENDING,
        USCTP_SHUTDOWN_SENT, USCTP_SHUTDOWN_RECEIVED, USCTP_SHUTDOWN_ACK_SENT};
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        struct scripted_peer *p = PEER(.configure = quiet);
        peer_to_state(p, states[i]);
        peer_chunk(p, WIRE_COOKIE_ACK, 0);
        peer_expect_nothing(p);
        require_state(p, states[i]);
        peer_delete(p);
    }
}
END_TEST

/* 5.2.1: only an address that the user asked for gets the INIT ACK, and only one that the INIT
 * lists. */
START_TEST(s5_2_1_init_from_an_address_not_asked_for) {
    struct scripted_peer *p = PEER(.configure = quiet, .paths = 2);
    peer_engine_connect(p); /* to address 0 alone */
    peer_take_init(p);
    peer_init(p, OTHER_TAG);
    peer_add_addresses(p, 0, 2);
    peer_send_on(p, 1);
    if (peer_take_if(p, "INIT_ACK *"))
        REQUIRE_EQ(p->took_path, 0);
    require_state(p, USCTP_COOKIE_WAIT);
    peer_delete(p);
}
END_TEST

RUN_TESTS("unexpected set-up chunks (RFC 9260 5.2)", s5_2_1_init_in_cookie_wait,
          s5_2_1_init_in_cookie_echoed, s5_2_1_new_address_in_cookie_echoed,
          s5_2_2_init_in_later_states, s5_2_2_new_address_in_later_states,
          s5_1_2_d_init_from_a_new_source, s9_2_init_in_shutdown_ack_sent,
          s5_2_3_unexpected_init_ack, s5_2_5_unexpected_cookie_ack,
          s5_2_1_init_from_an_address_not_asked_for)
