/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * States, packets and comparisons for the tests of hostile input; see hostile.h.
 */
#include "support/hostile.h"

#include <stdlib.h>
#include <string.h>

#define STEP_US 100u /* before each packet: far less than any timer */

/* ---- states ---- */

struct scripted_peer *hostile_peer_with(enum usctp_assoc_state state, struct peer_options options) {
    if (!options.configure)
        options.configure = quiet;
    options.subscribe |= USCTP_NOTIFY_REMOTE_ERROR;
    struct scripted_peer *p = peer_new(&options);
    p->engine_tag = STRANGE_TAG;
    if (state != USCTP_CLOSED)
        peer_to_state(p, state);
    return p;
}

struct scripted_peer *hostile_peer(enum usctp_assoc_state state) {
    return hostile_peer_with(state, (struct peer_options){0});
}

struct scripted_peer *hostile_passive(enum usctp_assoc_state state) {
    struct scripted_peer *p = PEER(.configure = quiet, .subscribe = USCTP_NOTIFY_REMOTE_ERROR);
    peer_open_passive(p);
    if (state == USCTP_SHUTDOWN_PENDING || state == USCTP_SHUTDOWN_RECEIVED) {
        user_send(p, 0, 100);
        peer_take(p, "DATA tsn=0 *");
    }
    if (state == USCTP_SHUTDOWN_PENDING || state == USCTP_SHUTDOWN_SENT)
        user_shutdown(p);
    if (state == USCTP_SHUTDOWN_RECEIVED || state == USCTP_SHUTDOWN_ACK_SENT)
        peer_shutdown(p, -1);
    require_state(p, state);
    peer_discard(p);
    return p;
}

bool has_tcb(const struct scripted_peer *p) {
    return p->assoc >= 3;
}

/* ---- packets ---- */

void hostile_add_chunk(struct scripted_peer *p, unsigned type) {
    struct packet_builder *b = &p->out;
    const struct builder_data data = {.tsn = p->peer_tsn, .bits = BIT_BE};
    const struct builder_init init = {
        .tag = p->peer_tag, .rwnd = PEER_RWND, .tsn = p->peer_tsn, .os = 5, .mis = 5};
    switch (type) {
    case WIRE_DATA:
        builder_data_chunk(b, &data, "data", 4);
        return;
    case WIRE_INIT:
    case WIRE_INIT_ACK:
        builder_init_chunk(b, type, &init);
        break;
    case WIRE_SACK:
        builder_sack(b, p->engine_tsn - 1, 10000, "", NULL, 0);
        return;
    case WIRE_SHUTDOWN:
        builder_shutdown(b, p->engine_tsn - 1);
        return;
    default:
        builder_chunk(b, type, 0);
    }
    if (type == WIRE_INIT_ACK) {
        builder_param(b, 7);
        builder_fill(b, 0xc0, 64);
    } else if (type == WIRE_HEARTBEAT || type == WIRE_HEARTBEAT_ACK) {
        builder_param(b, 1);
        builder_fill(b, 9, 12);
    } else if (type == WIRE_ERROR) {
        builder_param(b, 1);
        builder_u32(b, 0);
    } else if (type >= 15 || type == WIRE_COOKIE_ECHO || type == 12 || type == 13) {
        builder_fill(b, 3, 8);
    }
}

void hostile_add_param(struct scripted_peer *p, unsigned type, unsigned length) {
    struct packet_builder *b = &p->out;
    builder_param(b, type);
    size_t at = b->param_at;
    b->param_at = 0; /* its length field is written here, not when it is closed */
    b->bytes[at + 2] = (uint8_t)(length >> 8);
    b->bytes[at + 3] = (uint8_t)length;
}

size_t hostile_close(struct scripted_peer *p) {
    builder_finish(&p->out);
    return p->out.used;
}

void hostile_checksum(struct scripted_peer *p, size_t bytes) {
    uint8_t *packet = p->out.bytes;
    memset(packet + 8, 0, 4);
    uint32_t crc = crc32c_bitwise(packet, bytes);
    for (unsigned i = 0; i < 4; i++) /* RFC 9260 appendix A */
        packet[8 + i] = (uint8_t)(crc >> (8 * i));
}

void hostile_put(struct scripted_peer *p, size_t bytes, const struct usctp_addr *from,
                 const struct usctp_addr *to) {
    uint8_t *copy = malloc(bytes ? bytes : 1);
    if (!copy)
        abort();
    memcpy(copy, p->out.bytes, bytes);
    struct usctp_packet packet = {
        .data = copy, .length = (uint32_t)bytes, .source = *from, .destination = *to};
    usctp_engine_input(p->engine, &packet, 1, p->now_us);
    memset(copy, 0xdd, bytes); /* it was borrowed for the call */
    free(copy);
    peer_pump(p);
}

void hostile_send(struct scripted_peer *p) {
    hostile_put(p, hostile_close(p), &p->peer_addr[0], &p->engine_addr[0]);
}

/* ---- what happened ---- */

struct hostile_mark hostile_mark(struct scripted_peer *p) {
    struct hostile_mark m;
    memset(&m, 0, sizeof m);
    peer_run_for(p, STEP_US);
    m.has_tcb = has_tcb(p);
    m.closed = p->closed;
    if (m.has_tcb) {
        m.status = peer_status(p);
        for (uint32_t i = 0; i < m.status.path_count; i++)
            REQUIRE_EQ(usctp_path_status(p->engine, p->assoc, i, &m.path[i]), 0);
    }
    m.counters = peer_counters(p);
    m.deadline_us = usctp_engine_next_deadline(p->engine);
    m.live_blocks = p->env.live_blocks;
    m.live_bytes = p->env.live_bytes;
    return m;
}

#define SAME(field) REQUIRE_EQ(now.field, before->field)

static void require_same_path(const struct usctp_path_status now,
                              const struct usctp_path_status *before) {
    SAME(state);
    SAME(udp_port);
    SAME(cwnd_bytes);
    SAME(ssthresh_bytes);
    SAME(in_flight_bytes);
    SAME(pmtu_bytes);
    SAME(srtt_us);
    SAME(rttvar_us);
    SAME(rto_us);
    SAME(error_count);
    SAME(data_chunks_out);
    SAME(retransmitted_chunks);
    SAME(heartbeats_out);
    SAME(heartbeat_acks_in);
}

static void require_same_status(const struct usctp_assoc_status now,
                                const struct usctp_assoc_status *before) {
    SAME(state);
    SAME(peer_port);
    SAME(outbound_streams);
    SAME(inbound_streams);
    SAME(peer_rwnd_bytes);
    SAME(local_rwnd_bytes);
    SAME(unacknowledged_chunks);
    SAME(pending_chunks);
    SAME(unsent_bytes);
    SAME(in_flight_bytes);
    SAME(unread_bytes);
    SAME(path_count);
    SAME(primary_path);
    SAME(data_path);
    SAME(local_tag);
    SAME(peer_tag);
    SAME(has_ended);
    SAME(error);
    SAME(counters.data_chunks_out);
    SAME(counters.retransmitted_chunks);
    SAME(counters.t1_expiries);
    SAME(counters.t2_expiries);
    SAME(counters.t3_expiries);
    SAME(counters.bytes_in);
    SAME(counters.sacks_out);
    SAME(counters.restarts);
    SAME(counters.collisions);
}

void hostile_require_unchanged(struct scripted_peer *p, const struct hostile_mark *m,
                               bool t2_may_restart) {
    REQUIRE_EQ(has_tcb(p), m->has_tcb);
    REQUIRE_EQ(p->closed, m->closed);
    REQUIRE_EQ(peer_counters(p).associations, m->counters.associations);
    uint64_t deadline_us = usctp_engine_next_deadline(p->engine);
    bool has_t2 = m->has_tcb && (m->status.state == USCTP_SHUTDOWN_SENT ||
                                 m->status.state == USCTP_SHUTDOWN_ACK_SENT);
    if (!t2_may_restart || !has_t2)
        REQUIRE_EQ(deadline_us, m->deadline_us);
    else
        REQUIRE(deadline_us != USCTP_NEVER && deadline_us >= m->deadline_us);
    if (!m->has_tcb)
        return;
    require_same_status(peer_status(p), &m->status);
    for (uint32_t i = 0; i < m->status.path_count; i++) {
        struct usctp_path_status path;
        REQUIRE_EQ(usctp_path_status(p->engine, p->assoc, i, &path), 0);
        require_same_path(path, &m->path[i]);
    }
}

uint64_t hostile_drops(struct scripted_peer *p, const struct hostile_mark *m) {
    struct usctp_engine_counters now = peer_counters(p);
    uint64_t drops = 0;
    for (unsigned i = 0; i < USCTP_DROP_COUNT; i++)
        drops += now.dropped[i] - m->counters.dropped[i];
    if (!m->has_tcb || !has_tcb(p))
        return drops;
    struct usctp_assoc_status status = peer_status(p);
    drops += status.counters.dropped_control_chunks - m->status.counters.dropped_control_chunks;
    drops += status.counters.dropped_data_chunks - m->status.counters.dropped_data_chunks;
    return drops;
}

void hostile_require_silence(struct scripted_peer *p, const struct hostile_mark *m, unsigned why,
                             bool t2_may_restart) {
    peer_expect_nothing(p);
    hostile_require_unchanged(p, m, t2_may_restart);
    REQUIRE_EQ(peer_counters(p).replies, m->counters.replies);
    REQUIRE_EQ(peer_counters(p).init_acks, m->counters.init_acks);
    REQUIRE_EQ(p->env.live_blocks, m->live_blocks);
    REQUIRE_EQ(p->env.live_bytes, m->live_bytes);
    if (why < USCTP_DROP_COUNT)
        REQUIRE_EQ(peer_counters(p).dropped[why], m->counters.dropped[why] + 1);
    REQUIRE_EQ(hostile_drops(p, m), 1);
}

void hostile_drop_put(struct scripted_peer *p, size_t bytes, const struct usctp_addr *from,
                      const struct usctp_addr *to, unsigned why) {
    struct hostile_mark m = hostile_mark(p);
    hostile_put(p, bytes, from, to);
    hostile_require_silence(p, &m, why, false);
}

void hostile_drop(struct scripted_peer *p, unsigned why) {
    hostile_drop_put(p, hostile_close(p), &p->peer_addr[0], &p->engine_addr[0], why);
}

void hostile_drop_chunk(struct scripted_peer *p, unsigned why) {
    struct hostile_mark m = hostile_mark(p);
    hostile_send(p);
    hostile_require_silence(p, &m, why, m.has_tcb && m.status.state == USCTP_SHUTDOWN_SENT);
}

void hostile_answered(struct scripted_peer *p, const char *pattern) {
    struct hostile_mark m = hostile_mark(p);
    hostile_send(p);
    peer_take_packet(p, pattern);
    peer_expect_nothing(p);
    hostile_require_unchanged(p, &m, m.has_tcb && m.status.state == USCTP_SHUTDOWN_ACK_SENT);
}

void hostile_require_reply_to(struct scripted_peer *p, uint32_t tag) {
    REQUIRE_EQ(p->took_tag, tag);
    REQUIRE_EQ(p->took_path, 0);
    REQUIRE_EQ(load16(p->took_packet.data), p->engine_port);
    REQUIRE_EQ(load16(p->took_packet.data + 2), p->peer_port);
}

/* ---- the other side of each test ---- */

#define MARKER_CAUSE 0x4000u /* a cause code of nobody's */

void hostile_add_marker(struct scripted_peer *p, unsigned n) {
    builder_chunk(&p->out, WIRE_ERROR, 0);
    builder_param(&p->out, MARKER_CAUSE + n);
    builder_u32(&p->out, n);
}

uint32_t hostile_markers(struct scripted_peer *p) {
    uint32_t seen = 0;
    for (;;) {
        struct user_message message = user_read(p);
        if (message.bytes < 0)
            return seen;
        const struct usctp_notification *n = &message.info.notification;
        REQUIRE(message.info.flags & USCTP_MESSAGE_NOTIFICATION);
        if (n->kind == USCTP_NOTIFY_REMOTE_ERROR && n->error >= MARKER_CAUSE &&
            n->error < MARKER_CAUSE + 32) {
            REQUIRE(!(seen >> (n->error - MARKER_CAUSE) & 1u)); /* once */
            seen |= 1u << (n->error - MARKER_CAUSE);
        }
    }
}

void hostile_good_packet(struct scripted_peer *p) {
    peer_packet(p);
    if (has_tcb(p))
        hostile_add_marker(p, 7);
    else
        hostile_add_chunk(p, WIRE_HEARTBEAT);
}

void hostile_require_taken(struct scripted_peer *p) {
    if (has_tcb(p)) {
        REQUIRE_EQ(hostile_markers(p), 1u << 7);
    } else {
        peer_take_packet(p, "ABORT T=1 causes=[]"); /* RFC 9260 8.4 rule 8 */
        hostile_require_reply_to(p, p->engine_tag);
    }
    peer_expect_nothing(p);
}

static void transfer(struct scripted_peer *p) {
    require_state(p, USCTP_ESTABLISHED);
    peer_discard(p);
    peer_data(p, 0, 0, 0, BIT_BE, 50);
    peer_take(p, "SACK cum=0 *");
    user_expect(p, 0, 0, 50);
    user_send(p, 1, 60);
    peer_take(p, "DATA tsn=0 sid=1 ssn=0 *");
    peer_sack(p, 0, PEER_RWND, "");
    REQUIRE_EQ(peer_status(p).in_flight_bytes, 0);
    user_shutdown(p);
    peer_take(p, "SHUTDOWN cum=0");
}

/* The shutdown that we began, or the peer, to its end. */
static void shut_down(struct scripted_peer *p) {
    enum usctp_assoc_state state = peer_status(p).state;
    if (state == USCTP_SHUTDOWN_PENDING || state == USCTP_SHUTDOWN_RECEIVED)
        peer_sack(p, 0, PEER_RWND, "");
    if (state == USCTP_SHUTDOWN_PENDING)
        peer_take(p, "SHUTDOWN *");
    if (state == USCTP_SHUTDOWN_PENDING || state == USCTP_SHUTDOWN_SENT) {
        peer_chunk(p, WIRE_SHUTDOWN_ACK, 0);
        peer_take(p, "SHUTDOWN_COMPLETE T=0");
        REQUIRE_EQ(p->took_tag, p->peer_tag);
    } else {
        if (state == USCTP_SHUTDOWN_RECEIVED)
            peer_take(p, "SHUTDOWN_ACK");
        peer_chunk(p, WIRE_SHUTDOWN_COMPLETE, 0);
    }
    peer_expect_nothing(p);
    require_closed(p, 0);
}

void hostile_carry_on(struct scripted_peer *p, enum usctp_assoc_state state) {
    peer_expect_nothing(p);
    switch (state) {
    case USCTP_CLOSED:
        peer_open_passive(p);
        transfer(p);
        break;
    case USCTP_COOKIE_WAIT:
        peer_init_ack(p);
        peer_add_cookie(p, 64);
        peer_send(p);
        peer_take(p, "COOKIE_ECHO len=64");
        REQUIRE(memcmp(p->took.value, p->cookie, 64) == 0);
        peer_chunk(p, WIRE_COOKIE_ACK, 0);
        transfer(p);
        break;
    case USCTP_COOKIE_ECHOED:
        peer_chunk(p, WIRE_COOKIE_ACK, 0);
        transfer(p);
        break;
    case USCTP_ESTABLISHED:
        transfer(p);
        break;
    case USCTP_SHUTDOWN_PENDING:
    case USCTP_SHUTDOWN_SENT:
    case USCTP_SHUTDOWN_RECEIVED:
    case USCTP_SHUTDOWN_ACK_SENT:
        require_state(p, state);
        break;
    }
    shut_down(p);
    peer_delete(p);
}

/* ---- cookies ---- */

struct saved_cookie *hostile_new_cookie(struct scripted_peer *p, uint32_t tag, uint32_t tsn) {
    struct saved_cookie *cookie = calloc(1, sizeof *cookie);
    uint32_t peer_tsn = p->peer_tsn;
    size_t bytes;
    p->peer_tsn = tsn;
    peer_init(p, tag);
    p->peer_tsn = peer_tsn;
    peer_send(p);
    peer_take_packet(p, "INIT_ACK *");
    hostile_require_reply_to(p, tag);
    const uint8_t *value = reader_param(&p->took, 7, 0, &bytes);
    REQUIRE(cookie != NULL && value != NULL && bytes <= sizeof cookie->bytes);
    memcpy(cookie->bytes, value, bytes);
    cookie->count = bytes;
    cookie->tag = p->took.tag;
    cookie->tsn = p->took.tsn;
    return cookie;
}

void hostile_cookie_echo(struct scripted_peer *p, const struct saved_cookie *cookie) {
    builder_chunk(peer_packet_tag(p, cookie->tag), WIRE_COOKIE_ECHO, 0);
    builder_bytes(&p->out, cookie->bytes, cookie->count);
}
