/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * H79, H80, H100: ERROR chunks full of causes, packets full of chunks that want an answer, and
 * chunks of every type that nobody knows (RFC 9260 3.2, 3.3.10, 12.4; RFC 5062 8, 10).
 */
#include "support/hostile.h"

#include <stdlib.h>
#include <string.h>

#define PACKET_BYTES 1480u /* of SCTP, in IPv4 of 1500 bytes */

static unsigned notifications(struct scripted_peer *p) {
    unsigned count = 0;
    while (user_read(p).bytes >= 0)
        count++;
    return count;
}

/* ---- H79 ---- */

/* An ERROR of 16,000 causes: one walk, one notification at most, no change. */
START_TEST(h79_many_causes) {
    static const unsigned codes[] = {0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 0x4001, 0xffff};
    EACH_STATE(state) {
        struct scripted_peer *p = hostile_peer(state);
        for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
            struct hostile_mark m = hostile_mark(p);
            builder_chunk(peer_packet(p), WIRE_ERROR, 0);
            for (unsigned n = 0; n < 16000; n++)
                builder_param(&p->out, codes[i]);
            hostile_send(p);
            if (state == USCTP_CLOSED)
                peer_take_packet(p, "ABORT T=1 causes=[]");
            peer_expect_nothing(p);
            hostile_require_unchanged(p, &m, true);
            if (has_tcb(p))
                REQUIRE(notifications(p) <= 1);
        }
        hostile_carry_on(p, state);
    }
}
END_TEST

/* Causes of lengths that cannot be: the walk ends there. What stands behind the chunk is processed.
 */
START_TEST(h79_lengths_of_causes) {
    static const unsigned lengths[] = {0, 1, 2, 3, 9, 100, 0x7fff, 0xffff};
    EACH_TCB_STATE(state) {
        struct scripted_peer *p = hostile_peer(state);
        for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
            for (unsigned code = 0; code < 15; code++) {
                struct hostile_mark m = hostile_mark(p);
                builder_chunk(peer_packet(p), WIRE_ERROR, 0);
                hostile_add_param(p, code, lengths[i]);
                builder_fill(&p->out, 0, 4);
                hostile_add_marker(p, 3);
                hostile_send(p);
                peer_expect_nothing(p);
                hostile_require_unchanged(p, &m, true);
                REQUIRE_EQ(hostile_markers(p), 1u << 3);
                REQUIRE(hostile_drops(p, &m) >= 1);
            }
        }
        hostile_carry_on(p, state);
    }
}
END_TEST

/* Each cause at every length that fits: it may be read by its meaning, and nothing beyond its end.
 */
START_TEST(h79_every_cause_at_every_length) {
    EACH_TCB_STATE(state) {
        struct scripted_peer *p = hostile_peer(state);
        for (unsigned code = 0; code < 20; code++) {
            if (code == 3 && state == USCTP_COOKIE_ECHOED)
                continue; /* Stale Cookie: H41 */
            for (unsigned bytes = 0; bytes < 12; bytes++) {
                struct hostile_mark m = hostile_mark(p);
                builder_chunk(peer_packet(p), WIRE_ERROR, 0);
                builder_param(&p->out, code);
                builder_fill(&p->out, 0xff, bytes);
                size_t end = p->out.used;
                hostile_close(p);
                hostile_checksum(p, end); /* without the padding */
                hostile_put(p, end, &p->peer_addr[0], &p->engine_addr[0]);
                peer_expect_nothing(p);
                hostile_require_unchanged(p, &m, true);
                REQUIRE(notifications(p) <= 1);
            }
        }
        hostile_carry_on(p, state);
    }
}
END_TEST

/* An ERROR without a cause is none. */
START_TEST(h79_no_cause) {
    EACH_TCB_STATE(state) {
        struct scripted_peer *p = hostile_peer(state);
        struct hostile_mark m = hostile_mark(p);
        builder_chunk(peer_packet(p), WIRE_ERROR, 0);
        hostile_send(p);
        peer_expect_nothing(p);
        hostile_require_unchanged(p, &m, true);
        REQUIRE(notifications(p) <= 1);
        hostile_carry_on(p, state);
    }
}
END_TEST

static void few_notifications(struct usctp_config *config) {
    quiet(config);
    config->max_notifications = 16;
}

/* A flood that nobody reads is bounded, and what is left out is counted. */
START_TEST(h79_notifications_are_bounded) {
    struct scripted_peer *p =
        hostile_peer_with(USCTP_ESTABLISHED, (struct peer_options){.configure = few_notifications});
    uint64_t before = p->env.live_bytes;
    for (unsigned i = 0; i < 100; i++) {
        builder_chunk(peer_packet(p), WIRE_ERROR, 0);
        builder_param(&p->out, 0x4000);
        builder_fill(&p->out, 0x33, 60000);
        hostile_send(p);
    }
    REQUIRE(p->env.live_bytes - before <= 16 * 66000);
    REQUIRE_EQ(peer_status(p).counters.dropped_notifications, 100 - 16);
    REQUIRE_EQ(notifications(p), 16);
    REQUIRE(p->env.live_bytes - before < 61000); /* the one read last may still be looked at */
    hostile_carry_on(p, USCTP_ESTABLISHED);
}
END_TEST

/* ---- H80 ---- */

/* Chunks that want an answer, as many as fit: one packet of control chunks (12.4), no larger than
 * the path, and what does not fit is dropped. */
static void one_packet(enum usctp_assoc_state state, const unsigned *types, size_t count,
                       size_t each) {
    struct scripted_peer *p = hostile_peer(state);
    struct hostile_mark m = hostile_mark(p);
    peer_packet(p);
    for (unsigned i = 0; i < 300; i++) {
        unsigned type = types[i % count];
        builder_chunk(&p->out, type, 0);
        if (type == WIRE_HEARTBEAT)
            builder_param(&p->out, 1);
        builder_fill(&p->out, i, each);
    }
    hostile_send(p);
    REQUIRE(peer_count_packets(p) <= 1);
    if (state != USCTP_COOKIE_WAIT && state != USCTP_SHUTDOWN_SENT &&
        state != USCTP_SHUTDOWN_ACK_SENT && state != USCTP_COOKIE_ECHOED)
        REQUIRE_EQ(peer_count_packets(p), 1);
    if (peer_take_if(p, "*"))
        REQUIRE(p->took_packet.length <= PACKET_BYTES);
    peer_run_for(p, 400 * MS); /* nor any later */
    peer_discard(p);
    REQUIRE_EQ(peer_counters(p).packets_out - m.counters.packets_out <= 1, true);
    hostile_require_unchanged(p, &m, true);
    hostile_carry_on(p, state);
}

START_TEST(h80_three_hundred_chunks) {
    static const unsigned heartbeats[] = {WIRE_HEARTBEAT}, unknown[] = {0xc1, 0xff},
                          both[] = {WIRE_HEARTBEAT, 0xc7};
    EACH_STATE(state) {
        if (state == USCTP_CLOSED)
            continue;
        for (size_t each = 0; each < 200; each += 66) {
            one_packet(state, heartbeats, 1, each + 4);
            one_packet(state, unknown, 2, each);
            one_packet(state, both, 2, each + 4);
        }
    }
}
END_TEST

/* DATA to an invalid stream in each of 300 chunks: the ERRORs fit one packet, with the SACK. */
START_TEST(h80_three_hundred_invalid_streams) {
    struct scripted_peer *p = hostile_peer(USCTP_ESTABLISHED);
    peer_packet(p);
    for (int i = 0; i < 300; i++)
        peer_add_data(p, i, 10 + (unsigned)i, 0, BIT_BE, 1);
    hostile_send(p);
    REQUIRE_EQ(peer_count_packets(p), 1);
    peer_take(p, "SACK cum=299 *");
    peer_take(p, "ERROR *");
    REQUIRE(p->took_packet.length <= PACKET_BYTES);
    peer_delete(p);
}
END_TEST

/* A packet for which a whole handshake, data, and requests come at once. */
START_TEST(h80_cookie_echo_with_everything) {
    struct scripted_peer *p = hostile_peer(USCTP_CLOSED);
    struct saved_cookie *cookie = hostile_new_cookie(p, p->peer_tag, p->peer_tsn);
    hostile_cookie_echo(p, cookie);
    for (unsigned i = 0; i < 100; i++) {
        builder_chunk(&p->out, WIRE_HEARTBEAT, 0);
        builder_param(&p->out, 1);
        builder_fill(&p->out, i, 40);
        builder_chunk(&p->out, 0xc1, 0);
        builder_fill(&p->out, i, 40);
        peer_add_data(p, (int)i, 0, i, BIT_BE, 40);
    }
    hostile_send(p);
    REQUIRE_EQ(peer_count_packets(p), 1);
    peer_take(p, "COOKIE_ACK");
    REQUIRE(p->took_packet.length <= PACKET_BYTES);
    peer_take(p, "SACK cum=99 *");
    free(cookie);
    peer_delete(p);
}
END_TEST

/* ---- H100 ---- */

static bool is_known(unsigned type) {
    return type < 15;
}

/* [marker][unknown][marker]: by the two highest bits, the second is heard of or not, and the chunk
 * is reported or not (3.2). */
static void unknown_chunk(enum usctp_assoc_state state, unsigned type, size_t bytes) {
    struct scripted_peer *p = hostile_peer(state);
    bool reported = (type & 0x40) != 0, goes_on = (type & 0x80) != 0;
    struct hostile_mark m = hostile_mark(p);
    peer_packet(p);
    hostile_add_marker(p, 0);
    builder_chunk(&p->out, type, 0x5a);
    builder_fill(&p->out, 0x66, bytes);
    hostile_add_marker(p, 1);
    hostile_send(p);
    REQUIRE_EQ(hostile_markers(p), goes_on ? 3u : 1u);
    hostile_require_unchanged(p, &m, true);
    REQUIRE(peer_count_packets(p) <= (reported ? 1u : 0u));
    if (state == USCTP_ESTABLISHED || state == USCTP_SHUTDOWN_PENDING ||
        state == USCTP_SHUTDOWN_RECEIVED)
        REQUIRE_EQ(peer_count_packets(p), reported);
    if (peer_take_if(p, "ERROR causes=[6(*)]")) {
        size_t echoed;
        hostile_require_reply_to(p, p->peer_tag);
        REQUIRE(p->took_packet.length <= PACKET_BYTES);
        const uint8_t *echo = reader_param(&p->took, 6, 0, &echoed);
        REQUIRE(echo != NULL && echoed >= 4 && echoed <= 512);
        REQUIRE_EQ(echo[0], type); /* 3.3.10.6: the chunk, with its header */
        REQUIRE_EQ(load16(echo + 2), 4 + bytes);
        for (size_t i = 4; i < echoed && i < 4 + bytes; i++)
            REQUIRE_EQ(echo[i], 0x66);
    }
    peer_expect_nothing(p);
    if (state == USCTP_COOKIE_ECHOED && reported) {
        /* 5.1 C: no other packet before the COOKIE ACK; what was held back may come now. */
        peer_chunk(p, WIRE_COOKIE_ACK, 0);
        peer_take_if(p, "ERROR causes=[6(*)]");
        hostile_carry_on(p, USCTP_ESTABLISHED);
        return;
    }
    hostile_carry_on(p, state);
}

START_TEST(h100_every_unknown_type) {
    for (unsigned type = 0; type < 256; type++)
        if (!is_known(type))
            unknown_chunk(USCTP_ESTABLISHED, type, type % 9);
}
END_TEST

START_TEST(h100_in_every_state) {
    static const unsigned types[] = {15,   0x3f, 0x40, 0x7f, 0x80, 0x81,
                                     0xbf, 0xc0, 0xc1, 0xfe, 0xff};
    EACH_TCB_STATE(state) {
        for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
            unknown_chunk(state, types[i], 8);
    }
}
END_TEST

/* Large ones are not echoed whole. */
START_TEST(h100_large_unknown_chunks) {
    static const size_t sizes[] = {0, 1, 100, 507, 508, 509, 1400, 1500, 9000, 65000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        unknown_chunk(USCTP_ESTABLISHED, 0xc5, sizes[i]);
        unknown_chunk(USCTP_ESTABLISHED, 0x45, sizes[i]);
        unknown_chunk(USCTP_ESTABLISHED, 0x85, sizes[i]);
    }
}
END_TEST

/* Reserved flags of known chunks are ignored (3.2). */
START_TEST(h100_reserved_flags) {
    EACH_TCB_STATE(state) {
        struct scripted_peer *p = hostile_peer(state);
        struct hostile_mark m = hostile_mark(p);
        for (unsigned flags = 0; flags < 256; flags++) {
            builder_chunk(peer_packet(p), WIRE_ERROR, flags);
            builder_param(&p->out, 0x4005);
            hostile_send(p);
            REQUIRE_EQ(hostile_markers(p), 1u << 5);
        }
        peer_expect_nothing(p);
        hostile_require_unchanged(p, &m, true);
        hostile_carry_on(p, state);
    }
}
END_TEST

RUN_TESTS("H79, H80, H100: chunks", h79_many_causes, h79_lengths_of_causes,
          h79_every_cause_at_every_length, h79_no_cause, h79_notifications_are_bounded,
          h80_three_hundred_chunks, h80_three_hundred_invalid_streams,
          h80_cookie_echo_with_everything, h100_every_unknown_type, h100_in_every_state,
          h100_large_unknown_chunks, h100_reserved_flags)
