/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RFC 9260 6, 6.5, 6.6, 6.9: receiving DATA: order within streams and none between them,
 * reassembly, partial delivery, bad stream identifiers, empty chunks, and states in which DATA is
 * not taken.
 */
#include "support/configs.h"
#include "support/run_tests.h"
#include "support/scripted_peer.h"

#include <stdlib.h>
#include <string.h>

static struct scripted_peer *open_peer(void (*configure)(struct usctp_config *)) {
    struct scripted_peer *p = PEER(.configure = configure);
    peer_open_passive(p);
    return p;
}

/* Sends bytes [offset, offset + count) of message (sid, ssn) as one chunk. */
static void send_fragment(struct scripted_peer *p, int tsn, unsigned sid, unsigned ssn,
                          unsigned bits, size_t offset, size_t count) {
    static uint8_t payload[65536];
    struct builder_data data = {.tsn = p->peer_tsn + (uint32_t)tsn,
                                .ppid = 0,
                                .sid = (uint16_t)sid,
                                .ssn = (uint16_t)ssn,
                                .bits = bits};
    peer_pattern(sid, ssn, offset, payload, count);
    builder_data_chunk(peer_packet(p), &data, payload, count);
    peer_send(p);
}

START_TEST(s6_6_ordered_within_a_stream) {
    struct scripted_peer *p = open_peer(quiet);
    peer_data(p, 2, 3, 2, BIT_BE, 30);
    peer_data(p, 1, 3, 1, BIT_BE, 20);
    user_expect_nothing(p);
    peer_data(p, 0, 3, 0, BIT_BE, 10);
    user_expect(p, 3, 0, 10);
    user_expect(p, 3, 1, 20);
    user_expect(p, 3, 2, 30);
    user_expect_nothing(p);
    peer_delete(p);
}
END_TEST

/* No head-of-line blocking between streams. */
START_TEST(s6_6_streams_do_not_wait_for_each_other) {
    struct scripted_peer *p = open_peer(quiet);
    peer_data(p, 1, 1, 0, BIT_BE, 11); /* TSN 0, of stream 0, is missing */
    peer_data(p, 2, 2, 0, BIT_BE, 22);
    peer_data(p, 3, 1, 1, BIT_BE, 33);
    user_expect(p, 1, 0, 11);
    user_expect(p, 2, 0, 22);
    user_expect(p, 1, 1, 33);
    peer_data(p, 4, 0, 1, BIT_BE, 44);
    user_expect_nothing(p);
    peer_data(p, 0, 0, 0, BIT_BE, 5);
    user_expect(p, 0, 0, 5);
    user_expect(p, 0, 1, 44);
    peer_delete(p);
}
END_TEST

/* U bit: delivered at once, whatever its SSN field says, and the ordered ones are not disturbed. */
START_TEST(s6_6_unordered) {
    struct scripted_peer *p = open_peer(quiet);
    peer_data(p, 3, 0, 999, BIT_BE | BIT_U, 9);
    user_expect(p, 0, 999, 9);
    peer_data(p, 1, 0, 1, BIT_BE, 20);
    user_expect_nothing(p);
    peer_data(p, 2, 0, 0, BIT_BE | BIT_U, 7);
    user_expect(p, 0, 0, 7);
    peer_data(p, 0, 0, 0, BIT_BE, 10);
    user_expect(p, 0, 0, 10);
    user_expect(p, 0, 1, 20);
    peer_delete(p);
}
END_TEST

/* 6.9: every order in which four fragments can arrive. */
START_TEST(s6_9_reassembly_in_any_order) {
    for (int order = 0; order < 256; order++) {
        int t[4] = {order & 3, order >> 2 & 3, order >> 4 & 3, order >> 6 & 3};
        if (t[0] == t[1] || t[0] == t[2] || t[0] == t[3] || t[1] == t[2] || t[1] == t[3] ||
            t[2] == t[3])
            continue;
        for (unsigned u = 0; u < 2; u++) {
            struct scripted_peer *p = open_peer(quiet);
            for (int i = 0; i < 4; i++) {
                unsigned bits =
                    (t[i] == 0 ? BIT_B : 0u) | (t[i] == 3 ? BIT_E : 0u) | (u ? BIT_U : 0u);
                user_expect_nothing(p);
                send_fragment(p, t[i], 5, 0, bits, (size_t)t[i] * 100, 100);
            }
            user_expect(p, 5, 0, 400);
            user_expect_nothing(p);
            peer_delete(p);
        }
    }
}
END_TEST

/* Fragments of two messages of one stream, and of another stream behind them. */
START_TEST(s6_9_messages_behind_each_other) {
    struct scripted_peer *p = open_peer(quiet);
    send_fragment(p, 3, 0, 1, BIT_B, 0, 50);
    send_fragment(p, 4, 0, 1, BIT_E, 50, 50);
    send_fragment(p, 6, 1, 0, BIT_B, 0, 60);
    send_fragment(p, 7, 1, 0, BIT_E, 60, 1);
    user_expect(p, 1, 0, 61);
    send_fragment(p, 1, 0, 0, 0, 20, 20);
    send_fragment(p, 2, 0, 0, BIT_E, 40, 20);
    user_expect_nothing(p);
    send_fragment(p, 0, 0, 0, BIT_B, 0, 20);
    user_expect(p, 0, 0, 60);
    user_expect(p, 0, 1, 100);
    send_fragment(p, 5, 0, 2, BIT_BE, 0, 3);
    user_expect(p, 0, 2, 3);
    peer_delete(p);
}
END_TEST

/* A large message in many fragments, the receive buffer larger than it. */
START_TEST(s6_9_large_message) {
    struct scripted_peer *p = open_peer(quiet);
    size_t total = 200 * 1400 + 123;
    int tsn = 0;
    for (size_t at = 0; at < total; at += 1400) {
        size_t n = total - at < 1400 ? total - at : 1400;
        send_fragment(p, tsn++, 4, 0, (at == 0 ? BIT_B : 0u) | (at + n == total ? BIT_E : 0u), at,
                      n);
    }
    user_expect(p, 4, 0, total);
    peer_delete(p);
}
END_TEST

static void small_buffer(struct usctp_config *config) {
    quiet(config);
    config->receive_buffer_bytes = 20000;
}

static void take_last_rwnd(struct scripted_peer *p, uint32_t *rwnd, int *acknowledged) {
    while (peer_take_if(p, "SACK *")) {
        *rwnd = p->took.rwnd;
        *acknowledged = (int)(p->took.cumulative - p->peer_tsn);
    }
}

/* 6.9: a message larger than the receive buffer is delivered in parts, and does not hang. */
START_TEST(s6_9_partial_delivery) {
    enum { TOTAL = 150000, CHUNK = 1400 };
    static uint8_t expected[TOTAL];
    struct scripted_peer *p = open_peer(small_buffer);
    size_t sent = 0, got = 0;
    uint32_t rwnd = p->engine_rwnd;
    int tsn = 0, acknowledged = -1;
    bool ended = false, first = true;
    REQUIRE_EQ(rwnd, 20000);
    peer_pattern(2, 0, 0, expected, TOTAL);
    for (int round = 0; round < 3000 && !ended; round++) {
        if (sent < TOTAL && rwnd >= CHUNK + (uint32_t)(tsn - 1 - acknowledged) * CHUNK) {
            size_t n = TOTAL - sent < CHUNK ? TOTAL - sent : CHUNK;
            send_fragment(p, tsn++, 2, 0,
                          (sent == 0 ? BIT_B : 0u) | (sent + n == TOTAL ? BIT_E : 0u), sent, n);
            sent += n;
        } else {
            peer_run_for(p, 200 * MS);
            struct user_message piece = user_read_piece(p, 5000);
            if (piece.bytes >= 0) {
                REQUIRE(memcmp(piece.data, expected + got, (size_t)piece.bytes) == 0);
                REQUIRE_EQ(piece.info.sid, 2);
                if (first)
                    REQUIRE((piece.info.flags & USCTP_MESSAGE_INCOMPLETE_BEGIN) == 0);
                first = false;
                got += (size_t)piece.bytes;
                ended = (piece.info.flags & USCTP_MESSAGE_END) != 0;
            }
        }
        take_last_rwnd(p, &rwnd, &acknowledged);
    }
    REQUIRE(ended);
    REQUIRE_EQ(got, TOTAL);
    REQUIRE(peer_status(p).counters.partial_deliveries >= 1);
    peer_delete(p);
}
END_TEST

static void small_stream(struct usctp_config *config) {
    quiet(config);
    config->partial_delivery_point_bytes = 3000;
}

/* While a message is delivered in parts, others of its stream wait behind it. */
START_TEST(s6_9_partial_delivery_keeps_the_order) {
    struct scripted_peer *p = open_peer(small_stream);
    uint8_t expected[9000];
    size_t got = 0;
    peer_pattern(1, 0, 0, expected, sizeof expected);
    for (int i = 0; i < 5; i++)
        send_fragment(p, i, 1, 0, i == 0 ? BIT_B : 0u, (size_t)i * 1000, 1000);
    peer_data(p, 9, 1, 1, BIT_BE, 10);
    for (int i = 5; i < 9; i++) {
        struct user_message piece = user_read_piece(p, 2000);
        if (piece.bytes > 0) {
            REQUIRE(memcmp(piece.data, expected + got, (size_t)piece.bytes) == 0);
            REQUIRE((piece.info.flags & USCTP_MESSAGE_END) == 0);
            got += (size_t)piece.bytes;
        }
        send_fragment(p, i, 1, 0, i == 8 ? BIT_E : 0u, (size_t)i * 1000, 1000);
    }
    for (bool ended = false; !ended;) {
        struct user_message piece = user_read_piece(p, 2000);
        REQUIRE(piece.bytes > 0);
        REQUIRE(memcmp(piece.data, expected + got, (size_t)piece.bytes) == 0);
        got += (size_t)piece.bytes;
        ended = (piece.info.flags & USCTP_MESSAGE_END) != 0;
    }
    REQUIRE_EQ(got, sizeof expected);
    user_expect(p, 1, 1, 10);
    peer_delete(p);
}
END_TEST

/* Reading with little room: the message continues, nothing of it is lost. */
START_TEST(s11_1_7_reading_in_pieces) {
    struct scripted_peer *p = open_peer(quiet);
    uint8_t expected[1000];
    size_t got = 0;
    peer_pattern(0, 0, 0, expected, sizeof expected);
    peer_data(p, 0, 0, 0, BIT_BE, 1000);
    peer_data(p, 1, 0, 1, BIT_BE, 5);
    while (got < 1000) {
        struct user_message piece = user_read_piece(p, 300);
        REQUIRE_EQ(piece.bytes, got < 900 ? 300 : 100);
        REQUIRE(memcmp(piece.data, expected + got, (size_t)piece.bytes) == 0);
        got += (size_t)piece.bytes;
        REQUIRE_EQ((piece.info.flags & USCTP_MESSAGE_END) != 0, got == 1000);
    }
    user_expect(p, 0, 1, 5);
    peer_delete(p);
}
END_TEST

START_TEST(s11_1_7_peek) {
    struct scripted_peer *p = open_peer(quiet);
    uint8_t bytes[100];
    struct usctp_slice slice = {bytes, sizeof bytes};
    struct usctp_received info;
    peer_data(p, 0, 2, 0, BIT_BE, 40);
    for (int i = 0; i < 3; i++) {
        REQUIRE_EQ(usctp_assoc_receive(p->engine, p->assoc, &info, &slice, 1, USCTP_MESSAGE_PEEK),
                   40);
        REQUIRE_EQ(info.sid, 2);
    }
    user_expect(p, 2, 0, 40);
    user_expect_nothing(p);
    peer_delete(p);
}
END_TEST

/* The SSN after 65535 is 0. */
START_TEST(s6_5_ssn_wrap) {
    struct scripted_peer *p = open_peer(quiet);
    unsigned ssn = 0;
    int tsn = 0;
    for (int packet = 0; packet < 1100; packet++) { /* 66,000 messages */
        peer_packet(p);
        for (int i = 0; i < 60; i++)
            peer_add_data(p, tsn + i, 0, (ssn + (unsigned)i) & 0xffffu, BIT_BE, 1);
        peer_send(p);
        peer_discard(p);
        for (int i = 0; i < 60; i++)
            user_expect(p, 0, (ssn + (unsigned)i) & 0xffffu, 1);
        tsn += 60;
        ssn = (ssn + 60) & 0xffffu;
    }
    peer_delete(p);
}
END_TEST

/* 6.5: an invalid stream identifier: acknowledged, reported at once, discarded. */
START_TEST(s6_5_invalid_stream) {
    struct scripted_peer *p = open_peer(quiet); /* 10 streams come in */
    peer_data(p, 0, 9, 0, BIT_BE, 10);
    user_expect(p, 9, 0, 10);
    peer_discard(p);
    uint64_t at = p->now_us;
    peer_data(p, 1, 10, 0, BIT_BE, 10);
    peer_take(p, "ERROR causes=[1(sid=10)]");
    REQUIRE_EQ(p->took_us, at);
    if (!peer_take_if(p, "SACK cum=1 *"))
        peer_wait(p, "SACK cum=1 *", 200 * MS);
    user_expect_nothing(p);
    require_state(p, USCTP_ESTABLISHED);
    peer_data(p, 2, 65535, 0, BIT_BE | BIT_U, 10);
    peer_take(p, "ERROR causes=[1(sid=65535)]");
    peer_data(p, 3, 9, 1, BIT_BE, 10);
    user_expect(p, 9, 1, 10);
    peer_delete(p);
}
END_TEST

/* 6.2, 3.3.10.9: DATA without user data: ABORT with cause 9 and its TSN. */
START_TEST(s6_2_no_user_data) {
    struct scripted_peer *p = open_peer(quiet);
    peer_data(p, 0, 0, 0, BIT_BE, 10);
    peer_discard(p);
    peer_data(p, 1, 0, 1, BIT_BE, 0);
    peer_take(p, "ABORT T=0 causes=[9(tsn=1)]");
    REQUIRE_EQ(p->took_tag, p->peer_tag);
    require_closed(p, USCTP_ERR_PROTOCOL);
    peer_expect_nothing(p);
    peer_delete(p);
}
END_TEST

/* 6: states in which DATA is discarded. */
START_TEST(s6_states_that_take_no_data) {
    static const enum usctp_assoc_state states[] = {
        USCTP_COOKIE_WAIT, USCTP_COOKIE_ECHOED, USCTP_SHUTDOWN_RECEIVED, USCTP_SHUTDOWN_ACK_SENT};
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        struct scripted_peer *p = PEER(.configure = quiet);
        peer_to_state(p, states[i]);
        peer_data(p, 0, 0, 0, BIT_BE, 10);
        peer_run_for(p, 300 * MS);
        peer_expect_none(p, "SACK cum=0 *");
        REQUIRE(user_read(p).bytes < 0);
        require_state(p, states[i]);
        peer_delete(p);
    }
}
END_TEST

/* 6: states that take it. */
START_TEST(s6_states_that_take_data) {
    static const enum usctp_assoc_state states[] = {USCTP_ESTABLISHED, USCTP_SHUTDOWN_PENDING,
                                                    USCTP_SHUTDOWN_SENT};
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        struct scripted_peer *p = PEER(.configure = quiet);
        peer_to_state(p, states[i]);
        peer_data(p, 0, 0, 0, BIT_BE, 10);
        user_expect(p, 0, 0, 10);
        require_state(p, states[i]);
        peer_delete(p);
    }
}
END_TEST

/* 3.3.1: the payload protocol identifier is passed on as it is. */
START_TEST(s3_3_1_ppid) {
    struct scripted_peer *p = open_peer(eager);
    struct usctp_send send = {.sid = 1, .ppid = 0x01020304u};
    REQUIRE_EQ(user_try_send(p, &send, 3000), 0);
    for (int i = 0; i < 3; i++) {
        peer_take(p, "DATA *"); /* in each fragment */
        REQUIRE_EQ(p->took.ppid, 0x01020304u);
    }
    struct builder_data data = {
        .tsn = p->peer_tsn, .ppid = 0x05060708u, .sid = 1, .ssn = 0, .bits = BIT_BE};
    builder_data_chunk(peer_packet(p), &data, "x", 1);
    peer_send(p);
    struct user_message message = user_read(p);
    REQUIRE_EQ(message.bytes, 1);
    REQUIRE_EQ(message.info.ppid, 0x05060708u);
    REQUIRE_EQ(message.info.tsn, p->peer_tsn);
    peer_delete(p);
}
END_TEST

/* A duplicate is delivered once, also of a message that waits and of one that was read. */
START_TEST(s6_2_duplicates_are_delivered_once) {
    struct scripted_peer *p = open_peer(quiet);
    for (int round = 0; round < 3; round++) {
        peer_data(p, 1, 0, 1, BIT_BE, 20);
        send_fragment(p, 3, 0, 2, BIT_E, 50, 50);
    }
    for (int round = 0; round < 3; round++)
        peer_data(p, 0, 0, 0, BIT_BE, 10);
    user_expect(p, 0, 0, 10);
    user_expect(p, 0, 1, 20);
    peer_data(p, 1, 0, 1, BIT_BE, 20);
    user_expect_nothing(p);
    for (int round = 0; round < 3; round++)
        send_fragment(p, 2, 0, 2, BIT_B, 0, 50);
    user_expect(p, 0, 2, 100);
    user_expect_nothing(p);
    peer_delete(p);
}
END_TEST

/* What is told of a message: also before it is read, and of the one behind it. */
START_TEST(s11_1_7_what_is_told) {
    struct scripted_peer *p = open_peer(quiet);
    struct usctp_received next;
    peer_data(p, 0, 3, 0, BIT_BE, 40);
    REQUIRE_EQ(usctp_assoc_peek_next(p->engine, p->assoc, &next), USCTP_ERR_AGAIN);
    peer_data(p, 1, 4, 0, BIT_BE | BIT_U, 50);
    REQUIRE_EQ(usctp_assoc_peek_next(p->engine, p->assoc, &next), 50);
    REQUIRE_EQ(next.sid, 4);
    REQUIRE_EQ(next.tsn, p->peer_tsn + 1);
    REQUIRE(next.flags & USCTP_MESSAGE_UNORDERED);
    struct user_message message = user_read(p);
    REQUIRE_EQ(message.bytes, 40);
    REQUIRE_EQ(message.info.sid, 3);
    REQUIRE_EQ(message.info.ssn, 0);
    REQUIRE_EQ(message.info.tsn, p->peer_tsn);
    REQUIRE_EQ(message.info.cumulative_tsn, p->peer_tsn + 1);
    REQUIRE(message.info.source.family == USCTP_FAMILY_IPV4);
    REQUIRE(memcmp(message.info.source.ipv4, p->peer_addr[0].ipv4, 4) == 0);
    REQUIRE_EQ(message.info.path, usctp_path_find(p->engine, p->assoc, &p->peer_addr[0]));
    peer_delete(p);
}
END_TEST

/* RFC 4820 3: PAD is ignored whatever is in it, and the chunks behind it are looked at. */
START_TEST(rfc4820_pad_is_skipped) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_open_active(p);
    static const size_t sizes[] = {0, 1, 3, 4, 100, 1400};
    int tsn = 0;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        builder_chunk(peer_packet(p), WIRE_PAD, (unsigned)i);
        builder_fill(&p->out, 0xff, sizes[i]);
        peer_add_data(p, tsn, 0, (unsigned)tsn, BIT_BE | BIT_I, 20);
        tsn++;
        peer_send(p);
        peer_run_for(p, 300 * MS);
        char pattern[32];
        snprintf(pattern, sizeof pattern, "SACK cum=%d *", tsn - 1);
        peer_take(p, pattern);
        peer_expect_nothing(p);
    }
    peer_delete(p);
}
END_TEST

RUN_TESTS("receiving data (RFC 9260 6.5, 6.6, 6.9)", s6_6_ordered_within_a_stream,
          s6_6_streams_do_not_wait_for_each_other, s6_6_unordered, s6_9_reassembly_in_any_order,
          s6_9_messages_behind_each_other, s6_9_large_message, s6_9_partial_delivery,
          s6_9_partial_delivery_keeps_the_order, s11_1_7_reading_in_pieces, s11_1_7_peek,
          s6_5_ssn_wrap, s6_5_invalid_stream, s6_2_no_user_data, s6_states_that_take_no_data,
          s6_states_that_take_data, s3_3_1_ppid, s6_2_duplicates_are_delivered_once,
          s11_1_7_what_is_told, rfc4820_pad_is_skipped)
