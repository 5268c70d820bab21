/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RFC 9260 5.1: establishing an association, as either side, and the timers T1-init and T1-cookie.
 *
 * Cookies are in test_cookie.c, parameters in test_init_parameters.c, unexpected set-up chunks in
 * test_unexpected_setup.c.
 */
#include "support/configs.h"
#include "support/run_tests.h"
#include "support/scripted_peer.h"

#include <string.h>

START_TEST(s5_1_passive_handshake) {
    struct scripted_peer *p = PEER(.configure = quiet, .subscribe = USCTP_NOTIFY_ASSOC_CHANGE);
    peer_init(p, p->peer_tag);
    peer_send(p);
    REQUIRE_EQ(peer_count_packets(p), 1);
    peer_take_init_ack(p);
    REQUIRE(p->engine_tag != 0);
    REQUIRE_EQ(p->took.os, 10);        /* outbound_streams */
    REQUIRE_EQ(p->took.mis, 2048);     /* max_inbound_streams */
    REQUIRE_EQ(p->took.rwnd, 1048576); /* 6.2 A: the whole receive buffer */
    peer_cookie_echo(p);
    peer_send(p);
    peer_take_packet(p, "COOKIE_ACK*"); /* 5.1.5 6: the first chunk */
    REQUIRE_EQ(p->took_tag, p->peer_tag);
    REQUIRE(p->endpoint_events & USCTP_EVENT_INCOMING);
    require_state(p, USCTP_ESTABLISHED);
    struct usctp_assoc_status status = peer_status(p);
    REQUIRE_EQ(status.local_tag, p->engine_tag);
    REQUIRE_EQ(status.peer_tag, p->peer_tag);
    REQUIRE_EQ(status.peer_rwnd_bytes, p->options.rwnd);
    REQUIRE_EQ(status.peer_port, p->peer_port);
    REQUIRE_EQ(status.local_port, p->engine_port);
    user_expect_notification(p, USCTP_NOTIFY_ASSOC_CHANGE, USCTP_COMM_UP);
    peer_delete(p);
}
END_TEST

START_TEST(s5_1_active_handshake) {
    struct scripted_peer *p = PEER(.configure = quiet, .subscribe = USCTP_NOTIFY_ASSOC_CHANGE);
    peer_engine_connect(p);
    REQUIRE_EQ(peer_count_packets(p), 1);
    peer_take_init(p);
    REQUIRE(p->engine_tag != 0);
    REQUIRE_EQ(p->took.os, 10);
    REQUIRE_EQ(p->took.mis, 2048);
    REQUIRE_EQ(p->took.rwnd, 1048576);
    require_state(p, USCTP_COOKIE_WAIT);
    peer_init_ack(p);
    peer_add_cookie(p, 40);
    peer_send(p);
    require_state(p, USCTP_COOKIE_ECHOED);
    REQUIRE_EQ(peer_count_packets(p), 1);
    peer_take(p, "COOKIE_ECHO len=40");
    REQUIRE_EQ(p->took_tag, p->peer_tag); /* 8.5.1 D */
    REQUIRE(memcmp(p->took.value, p->cookie, 40) == 0);
    REQUIRE(!peer_saw_event(p, USCTP_EVENT_ESTABLISHED));
    peer_chunk(p, WIRE_COOKIE_ACK, 0);
    require_state(p, USCTP_ESTABLISHED);
    REQUIRE(peer_saw_event(p, USCTP_EVENT_ESTABLISHED));
    user_expect_notification(p, USCTP_NOTIFY_ASSOC_CHANGE, USCTP_COMM_UP);
    peer_expect_nothing(p);
    peer_run_for(p, 10 * SECOND); /* no timer is left */
    peer_expect_nothing(p);
    peer_delete(p);
}
END_TEST

/* 5.1 B: after the INIT ACK there are no resources for the new association. */
START_TEST(s5_1_no_state_before_the_cookie_returns) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_init(p, 1);
    peer_send(p);
    peer_take(p, "INIT_ACK *");
    uint64_t blocks = p->env.live_blocks, bytes = p->env.live_bytes;
    for (uint32_t i = 0; i < 500; i++) {
        p->peer_port = (uint16_t)(10000 + i);
        peer_init(p, 1000 + i);
        peer_send(p);
        peer_take(p, "INIT_ACK *");
        REQUIRE_EQ(p->took_tag, 1000 + i);
    }
    REQUIRE_EQ(p->env.live_blocks, blocks);
    REQUIRE_EQ(p->env.live_bytes, bytes);
    REQUIRE_EQ(peer_counters(p).associations, 0);
    peer_delete(p);
}
END_TEST

/* 5.1.2: the INIT ACK goes where the INIT came from. */
START_TEST(s5_1_2_init_ack_goes_to_the_source) {
    struct scripted_peer *p = PEER(.configure = quiet, .paths = 2, .ipv6_paths = 2);
    for (unsigned path = 0; path < 2; path++) {
        peer_init(p, p->peer_tag);
        peer_add_addresses(p, 0, 2);
        peer_send_on(p, path);
        peer_take_init_ack(p);
        REQUIRE_EQ(p->took_path, (int)path);
    }
    peer_delete(p);
}
END_TEST

static void require_param(const struct read_chunk *chunk, unsigned type, const uint8_t *value,
                          size_t bytes) {
    size_t found_bytes;
    for (unsigned i = 0; i < 40; i++) {
        const uint8_t *found = reader_param(chunk, type, i, &found_bytes);
        if (!found)
            break;
        if (found_bytes == bytes && memcmp(found, value, bytes) == 0)
            return;
    }
    test_fail(__FILE__, __LINE__, "an address parameter is missing");
}

/* 3.3.2.1, 3.3.3: a multi-homed endpoint lists its addresses, of both families. */
START_TEST(s5_1_addresses_are_listed) {
    struct scripted_peer *p = PEER(.configure = quiet, .paths = 3, .ipv6_paths = 4);
    peer_init(p, p->peer_tag);
    peer_send(p);
    peer_take_init_ack(p);
    require_param(&p->took, 5, p->engine_addr[0].ipv4, 4);
    require_param(&p->took, 5, p->engine_addr[1].ipv4, 4);
    require_param(&p->took, 6, p->engine_addr[2].ipv6, 16);
    peer_engine_connect(p);
    peer_take_init(p);
    require_param(&p->took, 5, p->engine_addr[0].ipv4, 4);
    require_param(&p->took, 5, p->engine_addr[1].ipv4, 4);
    require_param(&p->took, 6, p->engine_addr[2].ipv6, 16);
    peer_delete(p);
}
END_TEST

/* 4 note 2, 5.1.6, 6.3.3 E2: INIT again after 1, 2, 4 ... 60 s, Max.Init.Retransmits (8) times,
 * then the user is told. */
START_TEST(s5_1_t1_init_backs_off_and_gives_up) {
    static const unsigned waits[8] = {1, 2, 4, 8, 16, 32, 60, 60};
    struct scripted_peer *p = PEER(.configure = quiet, .subscribe = USCTP_NOTIFY_ASSOC_CHANGE);
    peer_engine_connect(p);
    peer_take_init(p);
    uint32_t tag = p->engine_tag, tsn = p->engine_tsn;
    uint64_t at = p->took_us;
    for (unsigned i = 0; i < 8; i++) {
        peer_wait(p, "INIT *", 70 * SECOND);
        at += waits[i] * SECOND;
        REQUIRE_EQ(p->took_us, at);
        REQUIRE_EQ(p->took.tag, tag); /* the same INIT */
        REQUIRE_EQ(p->took.tsn, tsn);
        REQUIRE_EQ(p->took_tag, 0);
        require_state(p, USCTP_COOKIE_WAIT);
    }
    peer_run_until(p, at + 60 * SECOND - 1);
    REQUIRE(!p->closed);
    peer_run_for(p, 1);
    peer_expect_nothing(p);
    require_closed(p, USCTP_ERR_TIMED_OUT);
    user_expect_notification(p, USCTP_NOTIFY_ASSOC_CHANGE, USCTP_CANT_START);
    peer_release(p);
    peer_delete(p);
}
END_TEST

/* 4 note 3, 5.1.4: the same for COOKIE ECHO. */
START_TEST(s5_1_4_t1_cookie_backs_off_and_gives_up) {
    static const unsigned waits[8] = {1, 2, 4, 8, 16, 32, 60, 60};
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_engine_connect(p);
    peer_take_init(p);
    peer_init_ack(p);
    peer_add_cookie(p, 64);
    peer_send(p);
    peer_take(p, "COOKIE_ECHO len=64");
    uint64_t at = p->took_us;
    for (unsigned i = 0; i < 8; i++) {
        peer_wait(p, "COOKIE_ECHO len=64", 70 * SECOND);
        at += waits[i] * SECOND;
        REQUIRE_EQ(p->took_us, at);
        REQUIRE(memcmp(p->took.value, p->cookie, 64) == 0);
        require_state(p, USCTP_COOKIE_ECHOED);
    }
    peer_run_until(p, at + 60 * SECOND - 1);
    REQUIRE(!p->closed);
    peer_run_for(p, 1);
    peer_expect_nothing(p);
    require_closed(p, USCTP_ERR_TIMED_OUT);
    peer_delete(p);
}
END_TEST

static void two_tries(struct usctp_config *config) {
    config->hb_enabled = 0;
    config->max_init_retransmits = 2;
    config->rto_initial_us = 300 * MS;
    config->rto_min_us = 100 * MS;
    config->max_init_timeout_us = 500 * MS;
}

/* The tunables behind T1: 300 ms, then 500 ms (bounded), 500 ms, then the end. */
START_TEST(s5_1_t1_init_follows_the_configuration) {
    struct scripted_peer *p = PEER(.configure = two_tries);
    peer_engine_connect(p);
    peer_take_init(p);
    uint64_t at = p->took_us;
    peer_wait(p, "INIT *", SECOND);
    REQUIRE_EQ(p->took_us, at + 300 * MS);
    peer_wait(p, "INIT *", SECOND);
    REQUIRE_EQ(p->took_us, at + 800 * MS);
    peer_run_until(p, at + 1300 * MS - 1);
    REQUIRE(!p->closed);
    peer_run_for(p, 1);
    require_closed(p, USCTP_ERR_TIMED_OUT);
    peer_expect_nothing(p);
    peer_delete(p);
}
END_TEST

/* 5.1: retransmitted INITs use all addresses that the user gave. */
START_TEST(s5_1_t1_init_uses_all_addresses) {
    struct scripted_peer *p = PEER(.configure = quiet, .paths = 2, .connect_to_all = true);
    bool used[2] = {false, false};
    peer_engine_connect(p);
    peer_take_init(p);
    REQUIRE_EQ(p->took_path, 0); /* the first address is the primary one */
    used[0] = true;
    for (unsigned i = 0; i < 3; i++) {
        peer_wait(p, "INIT *", 100 * SECOND);
        used[p->took_path] = true;
    }
    REQUIRE(used[1]);
    peer_delete(p);
}
END_TEST

/* 5.1 C: until the COOKIE ACK, nothing but the packet with the COOKIE ECHO, which may carry DATA.
 */
START_TEST(s5_1_data_waits_for_the_handshake) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_engine_connect(p);
    peer_take_init(p);
    user_send(p, 0, 100);
    user_send(p, 0, 50);
    peer_expect_nothing(p);
    peer_init_ack(p);
    peer_add_cookie(p, 64);
    peer_send(p);
    REQUIRE_EQ(peer_count_packets(p), 1);
    peer_take(p, "COOKIE_ECHO *");
    bool bundled = peer_take_if(p, "DATA tsn=0 sid=0 ssn=0 * BE len=100") != NULL;
    peer_take_if(p, "DATA tsn=1 sid=0 ssn=1 * BE len=50");
    peer_expect_nothing(p);
    peer_chunk(p, WIRE_COOKIE_ACK, 0);
    if (!bundled)
        peer_take(p, "DATA tsn=0 sid=0 ssn=0 * BE len=100");
    peer_sack(p, 0, 131072, "");
    peer_take_if(p, "DATA tsn=1 *");
    peer_sack(p, 1, 131072, "");
    REQUIRE_EQ(peer_status(p).unacknowledged_chunks, 0);
    peer_delete(p);
}
END_TEST

/* 5.1.5 6, 7: COOKIE ACK first, and DATA that came with the COOKIE ECHO is acknowledged at once. */
START_TEST(s5_1_5_data_with_the_cookie_echo) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_init(p, p->peer_tag);
    peer_send(p);
    peer_take_init_ack(p);
    peer_cookie_echo(p);
    peer_add_data(p, 0, 3, 0, BIT_BE, 77);
    peer_send(p);
    peer_take(p, "COOKIE_ACK");
    peer_take(p, "SACK cum=0 rwnd=* gaps=[] dups=[]");
    peer_expect_nothing(p);
    user_expect(p, 3, 0, 77);
    peer_delete(p);
}
END_TEST

/* 5.1: the first DATA of an association is acknowledged at once. */
START_TEST(s5_1_first_data_is_acknowledged_at_once) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_open_passive(p);
    uint64_t at = p->now_us;
    peer_data(p, 0, 0, 0, BIT_BE, 10);
    peer_take(p, "SACK cum=0 rwnd=* gaps=[] dups=[]");
    REQUIRE_EQ(p->took_us, at);
    peer_delete(p);
}
END_TEST

/* 5.1.4: "MUST immediately send a COOKIE ECHO", however large the cookie; IP may fragment it. */
START_TEST(s5_1_4_large_cookie) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_engine_connect(p);
    peer_take_init(p);
    peer_init_ack(p);
    peer_add_cookie(p, 3000);
    peer_send(p);
    peer_take(p, "COOKIE_ECHO len=3000");
    REQUIRE(memcmp(p->took.value, p->cookie, 3000) == 0);
    REQUIRE(p->took_packet.flags & USCTP_PACKET_MAY_FRAGMENT);
    peer_chunk(p, WIRE_COOKIE_ACK, 0);
    require_state(p, USCTP_ESTABLISHED);
    peer_delete(p);
}
END_TEST

/* 3.2, 3.3.3: an INIT ACK whose last parameter is not padded in the chunk's length, and a cookie of
 * odd length. */
START_TEST(s3_2_odd_cookie_length) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_engine_connect(p);
    peer_take_init(p);
    peer_init_ack(p);
    peer_add_cookie(p, 41);
    peer_send(p);
    peer_take(p, "COOKIE_ECHO len=41");
    REQUIRE(memcmp(p->took.value, p->cookie, 41) == 0);
    peer_delete(p);
}
END_TEST

/* A second association to the same peer is the first one (5.2, 5.1.2 D). */
START_TEST(s5_1_second_connect_is_refused) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_open_active(p);
    struct usctp_connect connect = {.endpoint = p->endpoint,
                                    .addresses = p->peer_addr,
                                    .address_count = 1,
                                    .port = p->peer_port,
                                    .udp_port = 0};
    REQUIRE_EQ(usctp_assoc_connect(p->engine, &connect, p->now_us), USCTP_ERR_EXISTS);
    peer_delete(p);
}
END_TEST

/* 5.1.1: both ends use min(requested, offered) streams. */
START_TEST(s5_1_1_streams_are_the_smaller_number) {
    struct scripted_peer *p = PEER(.configure = quiet, .os = 4, .mis = 3);
    peer_open_active(p);
    struct usctp_assoc_status status = peer_status(p);
    REQUIRE_EQ(status.outbound_streams, 3);
    REQUIRE_EQ(status.inbound_streams, 4);
    user_send(p, 2, 10);
    struct usctp_send send = {.sid = 3};
    REQUIRE_EQ(user_try_send(p, &send, 10), USCTP_ERR_INVALID);
    peer_delete(p);
    p = PEER(.configure = quiet, .os = 4000, .mis = 4000);
    peer_open_passive(p);
    status = peer_status(p);
    REQUIRE_EQ(status.outbound_streams, 10);
    REQUIRE_EQ(status.inbound_streams, 2048);
    peer_delete(p);
}
END_TEST

/* 3.3.2.1.3: a Cookie Preservative does no harm, whatever it asks for. */
START_TEST(s3_3_2_1_3_cookie_preservative) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_init(p, p->peer_tag);
    builder_param(&p->out, 9);
    builder_u32(&p->out, 0xffffffffu);
    peer_send(p);
    peer_take_init_ack(p);
    peer_cookie_echo(p);
    peer_send(p);
    peer_take(p, "COOKIE_ACK");
    peer_delete(p);
}
END_TEST

/* 11.1.2: requests that make no sense. */
START_TEST(s11_1_2_arguments) {
    struct scripted_peer *p = PEER(.configure = quiet);
    struct usctp_addr addresses[USCTP_MAX_ADDRESSES + 1];
    memset(addresses, 0, sizeof addresses);
    for (unsigned i = 0; i <= USCTP_MAX_ADDRESSES; i++) {
        addresses[i] = p->peer_addr[0];
        addresses[i].ipv4[3] = (uint8_t)(100 + i);
    }
    struct usctp_connect connect = {.endpoint = p->endpoint,
                                    .addresses = addresses,
                                    .address_count = 1,
                                    .port = 0,
                                    .udp_port = 0};
    REQUIRE_EQ(usctp_assoc_connect(p->engine, &connect, p->now_us), USCTP_ERR_INVALID);
    connect.port = 5;
    connect.address_count = 0;
    REQUIRE_EQ(usctp_assoc_connect(p->engine, &connect, p->now_us), USCTP_ERR_INVALID);
    connect.address_count = USCTP_MAX_ADDRESSES + 1;
    REQUIRE_EQ(usctp_assoc_connect(p->engine, &connect, p->now_us), USCTP_ERR_INVALID);
    connect.address_count = 1;
    connect.endpoint = p->endpoint + 1000;
    REQUIRE_EQ(usctp_assoc_connect(p->engine, &connect, p->now_us), USCTP_ERR_NOT_FOUND);
    connect.endpoint = p->endpoint;
    memset(addresses[0].ipv4, 0xe0, 4); /* multicast */
    REQUIRE(usctp_assoc_connect(p->engine, &connect, p->now_us) < 0);
    peer_pump(p);
    peer_expect_nothing(p);
    REQUIRE_EQ(peer_counters(p).associations, 0);
    peer_delete(p);
}
END_TEST

/* The backlog: as many associations wait as the listener wants, not one more. */
START_TEST(backlog) {
    struct scripted_peer *p = PEER(.configure = quiet, .do_not_accept = true);
    REQUIRE_EQ(usctp_endpoint_listen(p->engine, p->endpoint, 3), 0);
    for (unsigned i = 0; i < 5; i++) {
        p->peer_port = (uint16_t)(20000 + i);
        peer_init(p, p->peer_tag);
        peer_send(p);
        if (i >= 3 &&
            peer_take_if(p, "ABORT T=0 *")) /* refused at once, or when the cookie comes */
            continue;
        peer_take_init_ack(p);
        peer_cookie_echo(p);
        peer_send(p);
        if (i < 3)
            peer_take(p, "COOKIE_ACK");
        peer_expect_none(p, "COOKIE_ACK");
        peer_discard(p);
    }
    REQUIRE_EQ(peer_counters(p).associations, 3);
    REQUIRE(peer_counters(p).backlog_full >= 2);
    int32_t endpoint;
    for (unsigned i = 0; i < 3; i++)
        REQUIRE(usctp_endpoint_accept(p->engine, p->endpoint, &endpoint) >= 3);
    REQUIRE_EQ(usctp_endpoint_accept(p->engine, p->endpoint, &endpoint), USCTP_ERR_AGAIN);
    peer_delete(p);
}
END_TEST

RUN_TESTS("handshake", s5_1_passive_handshake, s5_1_active_handshake,
          s5_1_no_state_before_the_cookie_returns, s5_1_2_init_ack_goes_to_the_source,
          s5_1_addresses_are_listed, s5_1_t1_init_backs_off_and_gives_up,
          s5_1_4_t1_cookie_backs_off_and_gives_up, s5_1_t1_init_follows_the_configuration,
          s5_1_t1_init_uses_all_addresses, s5_1_data_waits_for_the_handshake,
          s5_1_5_data_with_the_cookie_echo, s5_1_first_data_is_acknowledged_at_once,
          s5_1_4_large_cookie, s3_2_odd_cookie_length, s5_1_second_connect_is_refused,
          s5_1_1_streams_are_the_smaller_number, s3_3_2_1_3_cookie_preservative, s11_1_2_arguments,
          backlog)
