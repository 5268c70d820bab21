/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the scripted peer says, its handshakes, and the user of the engine it talks to; see
 * scripted_peer.h.
 */
#include "support/scripted_peer.h"

#include <stdlib.h>
#include <string.h>

#define READ_BYTES (2u * 1024u * 1024u)

void peer_pattern(unsigned sid, unsigned ssn, size_t offset, uint8_t *out, size_t bytes) {
    for (size_t i = 0; i < bytes; i++) {
        size_t at = offset + i;
        out[i] = (uint8_t)(sid * 31u + ssn * 7u + at + at / 251u);
    }
}

/* ---- packets ---- */

struct packet_builder *peer_packet_tag(struct scripted_peer *p, uint32_t tag) {
    builder_start(&p->out, p->peer_port, p->engine_port, tag);
    return &p->out;
}

struct packet_builder *peer_packet(struct scripted_peer *p) {
    return peer_packet_tag(p, p->engine_tag);
}

void peer_send_addresses(struct scripted_peer *p, const struct usctp_addr *from,
                         const struct usctp_addr *to) {
    struct usctp_packet packet;
    memset(&packet, 0, sizeof packet);
    builder_finish(&p->out);
    packet.data = p->out.bytes;
    packet.length = (uint32_t)p->out.used;
    packet.source = *from;
    packet.udp_source = p->options.udp_port;
    packet.udp_destination = p->options.udp_port;
    packet.destination = *to;
    usctp_engine_input(p->engine, &packet, 1, p->now_us);
    peer_pump(p);
}

void peer_send_on(struct scripted_peer *p, unsigned path) {
    peer_send_addresses(p, &p->peer_addr[path], &p->engine_addr[path]);
}

void peer_send(struct scripted_peer *p) {
    peer_send_on(p, 0);
}

void peer_add_data(struct scripted_peer *p, int tsn, unsigned sid, unsigned ssn, unsigned bits,
                   size_t bytes) {
    static uint8_t payload[65536];
    struct builder_data data = {.tsn = p->peer_tsn + (uint32_t)tsn,
                                .ppid = 0,
                                .sid = (uint16_t)sid,
                                .ssn = (uint16_t)ssn,
                                .bits = bits};
    peer_pattern(sid, ssn, 0, payload, bytes);
    builder_data_chunk(&p->out, &data, payload, bytes);
}

void peer_data(struct scripted_peer *p, int tsn, unsigned sid, unsigned ssn, unsigned bits,
               size_t bytes) {
    peer_packet(p);
    peer_add_data(p, tsn, sid, ssn, bits, bytes);
    peer_send(p);
}

void peer_sack_on(struct scripted_peer *p, unsigned path, int cumulative, uint32_t rwnd,
                  const char *gaps) {
    builder_sack(peer_packet(p), p->engine_tsn + (uint32_t)cumulative, rwnd, gaps, NULL, 0);
    peer_send_on(p, path);
}

void peer_sack(struct scripted_peer *p, int cumulative, uint32_t rwnd, const char *gaps) {
    peer_sack_on(p, 0, cumulative, rwnd, gaps);
}

void peer_shutdown(struct scripted_peer *p, int cumulative) {
    builder_shutdown(peer_packet(p), p->engine_tsn + (uint32_t)cumulative);
    peer_send(p);
}

void peer_chunk(struct scripted_peer *p, unsigned type, unsigned flags) {
    builder_chunk(peer_packet(p), type, flags);
    peer_send(p);
}

/* ---- heartbeats ---- */

static void answer_packet(struct scripted_peer *p, struct seen_packet *seen) {
    for (size_t k = 0; k < seen->read.chunk_count; k++) {
        const struct read_chunk *chunk = &seen->read.chunk[k];
        if (seen->taken[k] || chunk->type != WIRE_HEARTBEAT)
            continue;
        seen->taken[k] = true;
        seen->left--;
        if (seen->path < 0 || p->cut[seen->path])
            continue;
        struct packet_builder saved = p->out; /* a script may be in the middle of a packet */
        builder_chunk(peer_packet(p), WIRE_HEARTBEAT_ACK, 0);
        builder_bytes(&p->out, chunk->value, chunk->value_bytes);
        peer_send_on(p, (unsigned)seen->path);
        p->out = saved;
    }
}

void peer_answer_heartbeats(struct scripted_peer *p) {
    p->answering = true;
    for (size_t i = p->first; i < p->seen_count; i++)
        answer_packet(p, p->seen[i]);
    while (p->first < p->seen_count && p->seen[p->first]->left == 0)
        p->first++;
    p->answering = false;
}

/* ---- handshake ---- */

struct packet_builder *peer_init(struct scripted_peer *p, uint32_t tag) {
    struct builder_init init = {.tag = tag,
                                .rwnd = p->options.rwnd,
                                .tsn = p->peer_tsn,
                                .os = p->options.os,
                                .mis = p->options.mis};
    builder_init_chunk(peer_packet_tag(p, 0), WIRE_INIT, &init);
    return &p->out;
}

struct packet_builder *peer_init_ack(struct scripted_peer *p) {
    struct builder_init init = {.tag = p->peer_tag,
                                .rwnd = p->options.rwnd,
                                .tsn = p->peer_tsn,
                                .os = p->options.os,
                                .mis = p->options.mis};
    builder_init_chunk(peer_packet(p), WIRE_INIT_ACK, &init);
    return &p->out;
}

void peer_add_addresses(struct scripted_peer *p, unsigned first, unsigned count) {
    for (unsigned i = first; i < first + count; i++) {
        const struct usctp_addr *a = &p->peer_addr[i];
        bool ipv4 = a->family == USCTP_FAMILY_IPV4;
        builder_param(&p->out, ipv4 ? 5 : 6);
        builder_bytes(&p->out, ipv4 ? a->ipv4 : a->ipv6, ipv4 ? 4 : 16);
    }
}

void peer_add_cookie(struct scripted_peer *p, size_t bytes) {
    REQUIRE(bytes <= sizeof p->cookie);
    p->cookie_bytes = bytes;
    for (size_t i = 0; i < bytes; i++)
        p->cookie[i] = (uint8_t)(0xc0u + i);
    builder_param(&p->out, 7);
    builder_bytes(&p->out, p->cookie, bytes);
}

static void remember_init(struct scripted_peer *p) {
    p->engine_tag = p->took.tag;
    p->engine_tsn = p->took.tsn;
    p->engine_rwnd = p->took.rwnd;
}

void peer_take_init(struct scripted_peer *p) {
    peer_take(p, "INIT *");
    REQUIRE_EQ(p->took_tag, 0); /* RFC 9260 8.5.1 A */
    remember_init(p);
}

void peer_take_init_ack(struct scripted_peer *p) {
    size_t bytes;
    peer_take(p, "INIT_ACK *");
    REQUIRE_EQ(p->took_tag, p->peer_tag);
    remember_init(p);
    const uint8_t *cookie = reader_param(&p->took, 7, 0, &bytes);
    REQUIRE(cookie != NULL && bytes <= sizeof p->cookie);
    memcpy(p->cookie, cookie, bytes);
    p->cookie_bytes = bytes;
}

void peer_cookie_echo(struct scripted_peer *p) {
    builder_chunk(peer_packet(p), WIRE_COOKIE_ECHO, 0);
    builder_bytes(&p->out, p->cookie, p->cookie_bytes);
}

void peer_engine_connect(struct scripted_peer *p) {
    struct usctp_connect connect;
    memset(&connect, 0, sizeof connect);
    connect.endpoint = p->endpoint;
    connect.addresses = p->peer_addr;
    connect.address_count = p->options.connect_to_all ? p->paths : 1;
    connect.port = p->peer_port;
    connect.udp_port = p->options.udp_port;
    p->assoc = usctp_assoc_connect(p->engine, &connect, p->now_us);
    REQUIRE(p->assoc >= 3);
    peer_pump(p);
}

void peer_open_active(struct scripted_peer *p) {
    peer_to_state(p, USCTP_ESTABLISHED);
}

void peer_open_passive(struct scripted_peer *p) {
    peer_init(p, p->peer_tag);
    if (p->paths > 1)
        peer_add_addresses(p, 0, p->paths);
    peer_send(p);
    peer_take_init_ack(p);
    peer_cookie_echo(p);
    peer_send(p);
    peer_take(p, "COOKIE_ACK");
    REQUIRE(p->assoc >= 3);
    require_state(p, USCTP_ESTABLISHED);
}

static void handshake_active(struct scripted_peer *p, enum usctp_assoc_state state) {
    peer_engine_connect(p);
    peer_take_init(p);
    if (state == USCTP_COOKIE_WAIT)
        return;
    peer_init_ack(p);
    if (p->paths > 1)
        peer_add_addresses(p, 0, p->paths);
    peer_add_cookie(p, 64);
    peer_send(p);
    peer_take(p, "COOKIE_ECHO len=64");
    REQUIRE_EQ(p->took_tag, p->peer_tag);
    REQUIRE(memcmp(p->took.value, p->cookie, 64) == 0);
    if (state == USCTP_COOKIE_ECHOED)
        return;
    peer_chunk(p, WIRE_COOKIE_ACK, 0);
    require_state(p, USCTP_ESTABLISHED);
}

void peer_to_state(struct scripted_peer *p, enum usctp_assoc_state state) {
    handshake_active(p, state);
    bool with_data = state == USCTP_SHUTDOWN_PENDING || state == USCTP_SHUTDOWN_RECEIVED;
    if (with_data) {
        user_send(p, 0, 100);
        peer_take(p, "DATA tsn=0 *");
    }
    if (state == USCTP_SHUTDOWN_PENDING || state == USCTP_SHUTDOWN_SENT)
        user_shutdown(p);
    if (state == USCTP_SHUTDOWN_SENT)
        peer_take(p, "SHUTDOWN cum=-1");
    if (state == USCTP_SHUTDOWN_RECEIVED || state == USCTP_SHUTDOWN_ACK_SENT)
        peer_shutdown(p, -1);
    if (state == USCTP_SHUTDOWN_ACK_SENT)
        peer_take(p, "SHUTDOWN_ACK");
    require_state(p, state);
    if (!p->options.hold_heartbeats) /* there may be probes, for the script */
        peer_expect_nothing(p);
}

/* ---- the engine's user ---- */

int user_try_send(struct scripted_peer *p, const struct usctp_send *send, size_t bytes) {
    static uint8_t payload[READ_BYTES];
    REQUIRE(bytes <= sizeof payload);
    peer_pattern(send->sid, (unsigned)p->messages_sent, 0, payload, bytes);
    struct usctp_slice slice = {payload, bytes};
    int error = usctp_assoc_send(p->engine, p->assoc, send, &slice, 1, p->now_us);
    if (error == 0)
        p->messages_sent++;
    peer_pump(p);
    return error;
}

void user_send(struct scripted_peer *p, unsigned sid, size_t bytes) {
    struct usctp_send send;
    memset(&send, 0, sizeof send);
    send.sid = (uint16_t)sid;
    REQUIRE_EQ(user_try_send(p, &send, bytes), 0);
}

static uint8_t read_buffer[READ_BYTES];

struct user_message user_read_piece(struct scripted_peer *p, size_t room) {
    struct user_message message;
    struct usctp_slice slice = {read_buffer, room};
    memset(&message, 0, sizeof message);
    message.data = read_buffer;
    message.bytes = usctp_assoc_receive(p->engine, p->assoc, &message.info, &slice, 1, 0);
    usctp_assoc_received(p->engine, p->assoc, p->now_us);
    peer_pump(p);
    return message;
}

struct user_message user_read(struct scripted_peer *p) {
    struct user_message message;
    size_t used = 0;
    memset(&message, 0, sizeof message);
    message.data = read_buffer;
    for (;;) {
        struct usctp_slice slice = {read_buffer + used, READ_BYTES - used};
        int64_t n = usctp_assoc_receive(p->engine, p->assoc, &message.info, &slice, 1, 0);
        if (n < 0) { /* also in the middle of a message that is delivered in parts */
            message.bytes = used > 0 ? (int64_t)used : n;
            break;
        }
        used += (size_t)n;
        message.bytes = (int64_t)used;
        if (message.info.flags & (USCTP_MESSAGE_END | USCTP_MESSAGE_NOTIFICATION))
            break;
    }
    usctp_assoc_received(p->engine, p->assoc, p->now_us);
    peer_pump(p);
    return message;
}

void user_expect(struct scripted_peer *p, unsigned sid, unsigned ssn, size_t bytes) {
    static uint8_t expected[READ_BYTES];
    struct user_message message = user_read(p);
    REQUIRE_EQ(message.bytes, bytes);
    REQUIRE((message.info.flags & USCTP_MESSAGE_NOTIFICATION) == 0);
    REQUIRE_EQ(message.info.sid, sid);
    if (!(message.info.flags & USCTP_MESSAGE_UNORDERED))
        REQUIRE_EQ(message.info.ssn, ssn);
    peer_pattern(sid, ssn, 0, expected, bytes);
    REQUIRE(memcmp(message.data, expected, bytes) == 0);
}

void user_expect_nothing(struct scripted_peer *p) {
    struct user_message message = user_read(p);
    REQUIRE_EQ(message.bytes, USCTP_ERR_AGAIN);
}

struct usctp_notification user_expect_notification(struct scripted_peer *p, uint32_t kind,
                                                   int change) {
    for (;;) {
        struct user_message message = user_read(p);
        if (message.bytes < 0)
            test_fail(__FILE__, __LINE__, "no notification of kind %u, change %d", kind, change);
        if (!(message.info.flags & USCTP_MESSAGE_NOTIFICATION))
            continue;
        const struct usctp_notification *n = &message.info.notification;
        if (n->kind == kind && (change < 0 || n->change == (uint32_t)change))
            return *n;
    }
}

void user_shutdown(struct scripted_peer *p) {
    REQUIRE_EQ(usctp_assoc_shutdown(p->engine, p->assoc, p->now_us), 0);
    peer_pump(p);
}

void user_abort(struct scripted_peer *p, const char *reason) {
    size_t bytes = strlen(reason);
    REQUIRE_EQ(usctp_assoc_abort(p->engine, p->assoc, (const uint8_t *)reason, bytes, p->now_us),
               0);
    peer_pump(p);
}
