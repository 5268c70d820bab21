/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * H01 to H04: chunk and parameter lengths that cannot be, and padding (RFC 9260 3.2, 3.2.1, 6.10).
 *
 * Lengths of single parameters (H15) are in test_init.c, of error causes (H79) in test_chunks.c, of
 * DATA in test_data.c.
 */
#include "support/hostile.h"

#include <string.h>

static const unsigned chunk_types[] = {0,   1,   2,    3,    4,   5,   6,    7,   8,
                                       9,   10,  11,   12,   13,  14,  15,   63,  64,
                                       127, 128, 0x80, 0x82, 191, 192, 0xc1, 254, 255};
#define CHUNK_TYPES (sizeof chunk_types / sizeof chunk_types[0])

/* Adds a header of this type and length, followed by `more` bytes of the same. */
static void add_header(struct scripted_peer *p, unsigned type, unsigned length, size_t more) {
    builder_chunk(&p->out, type, 0);
    p->out.chunk_at = 0; /* its length is written here */
    p->out.used -= 2;
    builder_u16(&p->out, length);
    for (size_t i = 0; i < more; i += 4) { /* were it to be read as a chunk: another of length 0 */
        builder_u8(&p->out, type);
        builder_u8(&p->out, 0);
        builder_u16(&p->out, length);
    }
}

/* A packet with nothing but the bad chunk: in each state, with the right tag, as small as can be
 * and larger. */
static void alone(enum usctp_assoc_state state, unsigned type, unsigned length, size_t more) {
    struct scripted_peer *p = hostile_peer(state);
    hostile_good_packet(p);
    hostile_send(p);
    hostile_require_taken(p);
    peer_packet_tag(p, type == WIRE_INIT ? 0 : p->engine_tag);
    add_header(p, type, length, more);
    hostile_drop_chunk(p, COUNTED_SOMEHOW);
    hostile_carry_on(p, state);
}

START_TEST(h01_chunk_length_below_four_alone) {
    EACH_STATE(state) {
        for (size_t i = 0; i < CHUNK_TYPES; i++)
            alone(state, chunk_types[i], (unsigned)i % 4, i % 3 * 8);
    }
}
END_TEST

START_TEST(h01_every_length_below_four) {
    for (unsigned type = 0; type < 256; type++) {
        struct scripted_peer *p = hostile_peer(USCTP_ESTABLISHED);
        for (unsigned length = 0; length < 4; length++) {
            peer_packet(p);
            add_header(p, type, length, 40);
            hostile_drop(p, COUNTED_SOMEHOW);
        }
        hostile_carry_on(p, USCTP_ESTABLISHED);
    }
}
END_TEST

/* What stands before it is processed, what stands behind it is not; the twin's is. */
static void between(enum usctp_assoc_state state, unsigned type, unsigned length) {
    struct scripted_peer *p = hostile_peer(state);
    for (int good = 1; good >= 0; good--) {
        struct hostile_mark m = hostile_mark(p);
        peer_packet(p);
        hostile_add_marker(p, 0);
        if (good) /* a chunk that nobody knows and that is to be skipped */
            add_header(p, 0xbf, 4, 0);
        else
            add_header(p, type, length, 0);
        hostile_add_marker(p, 1);
        hostile_send(p);
        REQUIRE_EQ(hostile_markers(p), good ? 3u : 1u);
        peer_expect_nothing(p);
        hostile_require_unchanged(p, &m, true);
        if (!good)
            REQUIRE_EQ(peer_counters(p).dropped[USCTP_DROP_MALFORMED],
                       m.counters.dropped[USCTP_DROP_MALFORMED] + 1);
    }
    hostile_carry_on(p, state);
}

START_TEST(h01_earlier_chunks_are_kept) {
    EACH_TCB_STATE(state) {
        for (size_t i = 0; i < CHUNK_TYPES; i++)
            for (unsigned length = 0; length < 4; length++)
                between(state, chunk_types[i], length);
    }
}
END_TEST

/* 64 KiB of chunks of length 0: one step. */
START_TEST(h01_sixty_four_kibibytes_of_zero_lengths) {
    EACH_STATE(state) {
        struct scripted_peer *p = hostile_peer(state);
        peer_packet(p);
        add_header(p, WIRE_SACK, 0, 65400);
        hostile_drop_chunk(p, COUNTED_SOMEHOW);
        hostile_carry_on(p, state);
    }
}
END_TEST

/* Out of the blue the walk is the same: no chunk behind it counts, and there is at most one answer.
 */
START_TEST(h01_out_of_the_blue) {
    struct scripted_peer *p = hostile_peer(USCTP_CLOSED);
    for (unsigned length = 0; length < 4; length++) {
        peer_packet(p);
        hostile_add_chunk(p, WIRE_SHUTDOWN_ACK);
        hostile_add_chunk(p, 0xbf); /* the twin */
        hostile_answered(p, "SHUTDOWN_COMPLETE T=1");
        peer_packet(p);
        add_header(p, 0xbf, length, 0);
        hostile_add_chunk(p, WIRE_SHUTDOWN_ACK);
        struct hostile_mark m = hostile_mark(p);
        hostile_send(p);
        peer_expect_none(p, "SHUTDOWN_COMPLETE *"); /* it stands behind */
        hostile_require_silence(p, &m, COUNTED_SOMEHOW, false);
        peer_packet(p);
        hostile_add_chunk(p, WIRE_ABORT);
        add_header(p, 0xbf, length, 0);
        hostile_drop(p, COUNTED_SOMEHOW); /* 8.4 rule 2 */
    }
    hostile_carry_on(p, USCTP_CLOSED);
}
END_TEST

/* ---- H02 ---- */

/* A chunk whose length is right, and too great by `excess` bytes. */
static void partial(enum usctp_assoc_state state, unsigned type, unsigned length) {
    struct scripted_peer *p = hostile_peer(state);
    for (int good = 1; good >= 0; good--) {
        struct hostile_mark m = hostile_mark(p);
        peer_packet(p);
        hostile_add_marker(p, 0);
        if (good)
            hostile_add_marker(p, 1);
        else
            add_header(p, type, length, 12);
        hostile_send(p);
        REQUIRE_EQ(hostile_markers(p), good ? 3u : 1u);
        peer_expect_nothing(p);
        hostile_require_unchanged(p, &m, true);
        if (!good)
            REQUIRE_EQ(peer_counters(p).dropped[USCTP_DROP_MALFORMED],
                       m.counters.dropped[USCTP_DROP_MALFORMED] + 1);
    }
    hostile_carry_on(p, state);
}

START_TEST(h02_partial_chunk_behind_a_whole_one) {
    static const unsigned lengths[] = {17, 20, 1500, 0x7fff, 0x8000, 0xfffc, 0xffff};
    EACH_TCB_STATE(state) {
        for (size_t i = 0; i < CHUNK_TYPES; i++)
            for (size_t k = 0; k < sizeof lengths / sizeof lengths[0]; k++)
                partial(state, chunk_types[i], lengths[k]);
    }
}
END_TEST

START_TEST(h02_partial_chunk_alone) {
    static const unsigned lengths[] = {9, 20, 0xfffc, 0xffff};
    EACH_STATE(state) {
        for (size_t i = 0; i < CHUNK_TYPES; i++)
            alone(state, chunk_types[i], lengths[i % 4], 4);
    }
}
END_TEST

/* Each known chunk, cut short at every byte: a chunk that is not whole is nothing. */
START_TEST(h02_cut_at_every_byte) {
    EACH_TCB_STATE(state) {
        for (unsigned type = 0; type < 15; type++) {
            if (type == WIRE_INIT)
                continue; /* has no tag: below */
            struct scripted_peer *p = hostile_peer(state);
            peer_packet(p);
            hostile_add_marker(p, 3);
            size_t whole = p->out.used;
            hostile_add_chunk(p, type);
            size_t length = p->out.used - p->out.chunk_at;
            size_t end = whole + length;
            hostile_close(p);
            for (size_t bytes = whole + 4; bytes < end; bytes++) {
                struct hostile_mark m = hostile_mark(p);
                hostile_checksum(p, bytes);
                hostile_put(p, bytes, &p->peer_addr[0], &p->engine_addr[0]);
                REQUIRE_EQ(hostile_markers(p), 1u << 3);
                peer_expect_nothing(p);
                hostile_require_unchanged(p, &m, true);
            }
            hostile_carry_on(p, state);
        }
    }
}
END_TEST

START_TEST(h02_init_cut_at_every_byte) {
    EACH_STATE(state) {
        struct scripted_peer *p = hostile_peer(state);
        peer_init(p, 77);
        size_t end = hostile_close(p);
        for (size_t bytes = 12; bytes < end; bytes++) {
            hostile_checksum(p, bytes);
            hostile_drop_put(p, bytes, &p->peer_addr[0], &p->engine_addr[0], COUNTED_SOMEHOW);
        }
        hostile_checksum(p, end); /* whole, it is answered */
        hostile_put(p, end, &p->peer_addr[0], &p->engine_addr[0]);
        peer_take(p, state == USCTP_SHUTDOWN_ACK_SENT ? "SHUTDOWN_ACK" : "INIT_ACK *");
        hostile_carry_on(p, state);
    }
}
END_TEST

/* ---- H03 ---- */

/* An INIT that breaks the rules is dropped or refused: ABORT, T = 0, its own tag (5.1, 8.4 rule 3).
 * Nothing else changes. 9.2: in SHUTDOWN-ACK-SENT an INIT may get the SHUTDOWN ACK again. */
static void refused_or_dropped(struct scripted_peer *p, uint32_t tag) {
    struct hostile_mark m = hostile_mark(p);
    hostile_send(p);
    bool again = m.has_tcb && m.status.state == USCTP_SHUTDOWN_ACK_SENT &&
                 peer_take_if(p, "SHUTDOWN_ACK") != NULL;
    if (again)
        REQUIRE_EQ(p->took_tag, p->peer_tag);
    else if (peer_take_if(p, "ABORT T=0 *"))
        hostile_require_reply_to(p, tag);
    else
        REQUIRE_EQ(hostile_drops(p, &m), 1);
    peer_expect_nothing(p);
    hostile_require_unchanged(p, &m, again);
}

START_TEST(h03_parameter_lengths_in_init) {
    static const unsigned types[] = {0,      1,      5,      6,      7,      8,
                                     9,      11,     12,     0x8000, 0x8008, 0xc000,
                                     0xc006, 0x3fff, 0x7fff, 0xbfff, 0xffff};
    static const unsigned lengths[] = {0, 1, 2, 3, 13, 16, 1000, 0x7fff, 0xfffc, 0xffff};
    EACH_STATE(state) {
        struct scripted_peer *p = hostile_peer(state);
        peer_init(p, 78);
        hostile_add_param(p, 0xbfff, 12); /* the twin: skipped, not reported */
        builder_fill(&p->out, 0, 8);
        hostile_answered(p, state == USCTP_SHUTDOWN_ACK_SENT ? "SHUTDOWN_ACK" : "INIT_ACK *");
        for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
            for (size_t k = 0; k < sizeof lengths / sizeof lengths[0]; k++) {
                peer_init(p, 78);
                hostile_add_param(p, types[i], lengths[k]);
                builder_fill(&p->out, 0, 8);
                refused_or_dropped(p, 78);
            }
        }
        hostile_carry_on(p, state);
    }
}
END_TEST

/* The same in an INIT ACK: with the right tag it ends the attempt or is dropped; nothing is sent
 * but an ABORT with the INIT ACK's tag. */
static void bad_init_ack(unsigned type, unsigned length) {
    struct scripted_peer *p = hostile_peer(USCTP_COOKIE_WAIT);
    struct hostile_mark m = hostile_mark(p);
    peer_init_ack(p);
    peer_add_cookie(p, 64);
    hostile_add_param(p, type, length);
    builder_fill(&p->out, 0, 8);
    hostile_send(p);
    if (peer_take_if(p, "ABORT T=0 *")) {
        hostile_require_reply_to(p, p->peer_tag);
        require_closed(p, USCTP_ERR_PROTOCOL);
        peer_expect_nothing(p);
        peer_delete(p);
    } else {
        hostile_require_silence(p, &m, COUNTED_SOMEHOW, false);
        hostile_carry_on(p, USCTP_COOKIE_WAIT);
    }
}

START_TEST(h03_parameter_lengths_in_init_ack) {
    static const unsigned types[] = {5, 6, 7, 8, 11, 12, 0x8000, 0x8008, 0xbfff, 0xffff};
    static const unsigned lengths[] = {0, 1, 2, 3, 13, 1000, 0xffff};
    struct scripted_peer *p = hostile_peer(USCTP_COOKIE_WAIT);
    peer_init_ack(p); /* the twin */
    peer_add_cookie(p, 64);
    hostile_add_param(p, 0xbfff, 12);
    builder_fill(&p->out, 0, 8);
    hostile_send(p);
    peer_take_packet(p, "COOKIE_ECHO len=64");
    hostile_carry_on(p, USCTP_COOKIE_ECHOED);
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        for (size_t k = 0; k < sizeof lengths / sizeof lengths[0]; k++)
            bad_init_ack(types[i], lengths[k]);
}
END_TEST

/* ---- H04 ---- */

/* The last parameter's padding may be left out, and be counted or not in the chunk's length. */
START_TEST(h04_last_parameter_unpadded) {
    for (unsigned variant = 0; variant < 3; variant++) {
        for (unsigned value = 1; value < 4; value++) {
            struct scripted_peer *p = hostile_peer(USCTP_CLOSED);
            peer_init(p, p->peer_tag);
            builder_param(&p->out, 0xfff0); /* skipped and reported: shows that it was read */
            builder_fill(&p->out, 0xee, value);
            size_t unpadded = p->out.used;
            if (variant == 2) { /* padding counted in the chunk's length */
                p->out.param_at = 0;
                p->out.bytes[unpadded - value - 1] = (uint8_t)(4 + value);
                builder_fill(&p->out, 0, 4 - value);
            }
            size_t bytes = hostile_close(p);
            if (variant == 1) { /* left out of the packet */
                bytes = unpadded;
                hostile_checksum(p, bytes);
            }
            hostile_put(p, bytes, &p->peer_addr[0], &p->engine_addr[0]);
            peer_take_init_ack(p);
            size_t reported;
            const uint8_t *report = reader_param(&p->took, 8, 0, &reported);
            REQUIRE(report != NULL && reported >= 4 + value);
            REQUIRE_EQ(load16(report + 2), 4 + value); /* padding is not counted */
            REQUIRE_EQ(report[4 + value - 1], 0xee);
            peer_cookie_echo(p);
            hostile_send(p);
            peer_take(p, "COOKIE_ACK");
            hostile_carry_on(p, USCTP_ESTABLISHED);
        }
    }
}
END_TEST

/* Padding that is not zero is ignored (3.2), so is a last chunk's that was left out. */
START_TEST(h04_chunk_padding) {
    EACH_TCB_STATE(state) {
        for (unsigned text = 1; text < 4; text++) {
            struct scripted_peer *p = hostile_peer(state);
            struct hostile_mark m = hostile_mark(p);
            peer_packet(p);
            hostile_add_marker(p, 0);
            builder_chunk(&p->out, 0xbf, 0);
            builder_fill(&p->out, 1, text);
            size_t end = p->out.used;
            hostile_add_marker(p, 1);
            memset(p->out.bytes + end, 0xff, 4 - text);
            hostile_send(p);
            REQUIRE_EQ(hostile_markers(p), 3u);
            hostile_require_unchanged(p, &m, true);
            peer_packet(p);
            hostile_add_marker(p, 0);
            builder_chunk(&p->out, WIRE_ERROR, 0);
            builder_param(&p->out, 0x4000u + 1); /* the text of the marker is not looked at */
            builder_fill(&p->out, 1, text);
            end = p->out.used;
            hostile_close(p);
            hostile_checksum(p, end);
            hostile_put(p, end, &p->peer_addr[0], &p->engine_addr[0]);
            REQUIRE_EQ(hostile_markers(p), 3u);
            hostile_require_unchanged(p, &m, true);
            hostile_carry_on(p, state);
        }
    }
}
END_TEST

/* One to three bytes behind the last chunk are no chunk: ignored. Four to eleven are one that is
 * not whole: dropped, and what stood before is kept. */
START_TEST(h04_trailing_bytes) {
    EACH_TCB_STATE(state) {
        for (size_t more = 1; more < 12; more++) {
            for (unsigned value = 0; value < 256; value += 255) {
                struct scripted_peer *p = hostile_peer(state);
                struct hostile_mark m = hostile_mark(p);
                peer_packet(p);
                hostile_add_marker(p, 5);
                size_t bytes = hostile_close(p) + more;
                builder_fill(&p->out, value, more);
                hostile_checksum(p, bytes);
                hostile_put(p, bytes, &p->peer_addr[0], &p->engine_addr[0]);
                REQUIRE_EQ(hostile_markers(p), 1u << 5);
                peer_expect_nothing(p);
                hostile_require_unchanged(p, &m, true);
                REQUIRE_EQ(hostile_drops(p, &m), more < 4 ? 0 : 1);
                hostile_carry_on(p, state);
            }
        }
    }
}
END_TEST

/* DATA with up to three bytes of padding and more bytes behind: the user sees its own bytes. */
START_TEST(h04_data_padding_is_not_delivered) {
    for (unsigned text = 1; text <= 8; text++) {
        struct scripted_peer *p = hostile_peer(USCTP_ESTABLISHED);
        peer_packet(p);
        peer_add_data(p, 0, 0, 0, BIT_BE, text);
        size_t end = p->out.used, bytes = hostile_close(p);
        memset(p->out.bytes + end, 0xff, bytes - end);
        builder_fill(&p->out, 0xff, 3);
        hostile_checksum(p, bytes + 3);
        hostile_put(p, bytes + 3, &p->peer_addr[0], &p->engine_addr[0]);
        user_expect(p, 0, 0, text);
        user_expect_nothing(p);
        peer_delete(p);
    }
}
END_TEST

RUN_TESTS("H01-H04: lengths and padding", h01_chunk_length_below_four_alone,
          h01_every_length_below_four, h01_earlier_chunks_are_kept,
          h01_sixty_four_kibibytes_of_zero_lengths, h01_out_of_the_blue,
          h02_partial_chunk_behind_a_whole_one, h02_partial_chunk_alone, h02_cut_at_every_byte,
          h02_init_cut_at_every_byte, h03_parameter_lengths_in_init,
          h03_parameter_lengths_in_init_ack, h04_last_parameter_unpadded, h04_chunk_padding,
          h04_trailing_bytes, h04_data_padding_is_not_delivered)
