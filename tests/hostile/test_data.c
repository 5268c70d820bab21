/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * H50, H51, H53 to H55: DATA outside the window, again and again, empty, in fragments that
 * contradict each other, and for streams that there are not (RFC 9260 3.3.1,
 * 6, 6.2, 6.5, 6.7, 6.9).
 *
 * Fragments without end (H52) and floods are in test_flood.c.
 */
#include "support/hostile.h"

#include <stdlib.h>
#include <string.h>

static const enum usctp_assoc_state data_states[] = {USCTP_ESTABLISHED, USCTP_SHUTDOWN_PENDING,
                                                     USCTP_SHUTDOWN_SENT};
#define EACH_DATA_STATE(i) for (size_t i = 0; i < 3; i++)

static void add_fragment(struct scripted_peer *p, int tsn, unsigned sid, unsigned ssn,
                         unsigned bits, unsigned letter, size_t bytes) {
    uint8_t text[200];
    const struct builder_data data = {.tsn = p->peer_tsn + (uint32_t)tsn,
                                      .sid = (uint16_t)sid,
                                      .ssn = (uint16_t)ssn,
                                      .bits = bits};
    memset(text, (int)letter, sizeof text);
    builder_data_chunk(&p->out, &data, text, bytes);
}

static void send_fragment(struct scripted_peer *p, int tsn, unsigned sid, unsigned ssn,
                          unsigned bits, unsigned letter, size_t bytes) {
    peer_packet(p);
    add_fragment(p, tsn, sid, ssn, bits, letter, bytes);
    hostile_send(p);
}

/* Reads all; requires that each message is of one letter. Returns how many there were. */
static unsigned read_unmixed(struct scripted_peer *p) {
    for (unsigned count = 0;; count++) {
        struct user_message message = user_read(p);
        if (message.bytes < 0)
            return count;
        for (int64_t i = 1; i < message.bytes; i++)
            REQUIRE_EQ(message.data[i], message.data[0]);
    }
}

/* ---- H50 ---- */

static void small_buffer(struct usctp_config *config) {
    quiet(config);
    config->receive_buffer_bytes = 20000;
}

/* A TSN that no sender of ours could have reached: dropped, answered by a SACK of what there is. */
START_TEST(h50_beyond_the_window) {
    static const uint32_t far[] = {30000,      100000,     0x10000,    0x1000000,
                                   0x3fffffff, 0x40000000, 0x7ffffff0, 0x7ffffffe};
    EACH_DATA_STATE(i) {
        struct scripted_peer *p =
            hostile_peer_with(data_states[i], (struct peer_options){.configure = small_buffer});
        send_fragment(p, 0, 0, 0, BIT_BE, 'a', 10); /* the twin */
        peer_discard(p);
        for (size_t k = 0; k < sizeof far / sizeof far[0]; k++) {
            struct hostile_mark m = hostile_mark(p);
            uint64_t dropped = peer_status(p).counters.dropped_data_chunks;
            send_fragment(p, (int)far[k], 0, 1, BIT_BE, 'z', 10);
            if (data_states[i] != USCTP_SHUTDOWN_SENT) {
                peer_take(p, "SACK cum=0 * gaps=[] dups=[]");
            } else if (!peer_take_if(p, "SACK cum=0 * gaps=[] dups=[]")) {
                peer_take(p, "SHUTDOWN cum=0"); /* 9.2: acknowledges as well */
            }
            peer_discard(p);
            REQUIRE_EQ(peer_status(p).counters.dropped_data_chunks, dropped + 1);
            REQUIRE_EQ(p->env.live_bytes, m.live_bytes);
            require_state(p, data_states[i]);
        }
        send_fragment(p, 1, 0, 1, BIT_BE, 'b', 10); /* and the next one is taken */
        REQUIRE_EQ(read_unmixed(p), 2);
        peer_delete(p);
    }
}
END_TEST

/* Behind what was acknowledged, however far: a duplicate. */
START_TEST(h50_behind_the_window) {
    EACH_DATA_STATE(i) {
        struct scripted_peer *p = hostile_peer(data_states[i]);
        send_fragment(p, 0, 0, 0, BIT_BE, 'a', 10);
        peer_discard(p);
        for (unsigned back = 0; back < 0x7fffffffu; back = back * 5 + 1) {
            struct hostile_mark m = hostile_mark(p);
            send_fragment(p, -(int)back, 0, 1, BIT_BE, 'z', 10);
            peer_take(p, "SACK cum=0 * gaps=[] *"); /* 6.2: at once */
            REQUIRE_EQ(peer_count(p, "SACK *"), 0);
            peer_discard(p);
            REQUIRE_EQ(p->env.live_bytes, m.live_bytes);
        }
        REQUIRE_EQ(read_unmixed(p), 1);
        peer_delete(p);
    }
}
END_TEST

/* The buffer is full: what comes is dropped and not acknowledged (6.2), and nothing beyond is held.
 */
START_TEST(h50_beyond_rwnd) {
    struct scripted_peer *p =
        hostile_peer_with(USCTP_ESTABLISHED, (struct peer_options){.configure = small_buffer});
    uint64_t before = p->env.live_bytes;
    int tsn = 0;
    for (; tsn < 200; tsn++)
        peer_data(p, tsn, 0, (unsigned)tsn, BIT_BE, 1000);
    uint64_t held = peer_status(p).unread_bytes;
    REQUIRE_RANGE(held, 10000, 21000);
    REQUIRE(p->env.live_bytes - before < 4 * 20000 + 65536); /* with the hard cap's room */
    int acknowledged = (int)(held / 1000) - 1;
    peer_discard(p);
    peer_data(p, acknowledged + 1, 0, (unsigned)acknowledged + 1, BIT_BE, 1000);
    peer_take(p, "SACK * gaps=[] *");
    REQUIRE_EQ(p->took.cumulative, p->peer_tsn + (uint32_t)acknowledged);
    REQUIRE_EQ(p->took.rwnd, 0);
    for (int i = 0; i <= acknowledged; i++)
        user_expect(p, 0, (unsigned)i, 1000);
    user_expect_nothing(p);
    peer_discard(p);
    peer_data(p, acknowledged + 1, 0, (unsigned)acknowledged + 1, BIT_BE, 1000); /* the twin */
    user_expect(p, 0, (unsigned)acknowledged + 1, 1000);
    peer_delete(p);
}
END_TEST

/* ---- H51 ---- */

/* Duplicates: one SACK a packet, of no more than 64 of them. */
START_TEST(h51_duplicate_flood) {
    EACH_DATA_STATE(i) {
        struct scripted_peer *p = hostile_peer(data_states[i]);
        for (int tsn = 0; tsn < 5; tsn++)
            send_fragment(p, tsn, 0, (unsigned)tsn, BIT_BE, 'a' + (unsigned)tsn, 10);
        peer_discard(p);
        for (unsigned packet = 0; packet < 50; packet++) {
            struct hostile_mark m = hostile_mark(p);
            peer_packet(p);
            for (int n = 0; n < 1000; n++)
                add_fragment(p, n % 5, 0, (unsigned)n % 5, BIT_BE, 'q', 10);
            hostile_send(p);
            REQUIRE_EQ(peer_count_packets(p), 1);
            REQUIRE_EQ(peer_count(p, "SACK *"), 1);
            peer_take(p, "SACK cum=4 *");
            REQUIRE_RANGE(p->took.dup_count, 1, 64);
            REQUIRE(p->took_packet.length <= 1480);
            peer_discard(p);
            REQUIRE_EQ(p->env.live_bytes, m.live_bytes);
        }
        REQUIRE_EQ(read_unmixed(p), 5);
        peer_delete(p);
    }
}
END_TEST

/* ---- H53 ---- */

START_TEST(h53_no_user_data) {
    static const unsigned bits[] = {BIT_BE, BIT_B, BIT_E, 0, BIT_BE | BIT_U, BIT_BE | BIT_I};
    EACH_STATE(state) {
        for (size_t k = 0; k < sizeof bits / sizeof bits[0]; k++) {
            struct scripted_peer *p = hostile_peer(state);
            struct hostile_mark m = hostile_mark(p);
            bool takes_data = state == USCTP_ESTABLISHED || state == USCTP_SHUTDOWN_PENDING ||
                              state == USCTP_SHUTDOWN_SENT;
            send_fragment(p, 0, 0, 0, bits[k], 0, 0);
            if (takes_data) {
                peer_take_packet(p, "ABORT T=0 causes=[9(tsn=0)]");
                hostile_require_reply_to(p, p->peer_tag);
                require_closed(p, USCTP_ERR_PROTOCOL);
                REQUIRE(user_read(p).bytes < 0);
                peer_delete(p);
                continue;
            }
            if (state == USCTP_CLOSED)
                peer_take_packet(p, "ABORT T=1 causes=[]"); /* 8.4 rule 8 */
            peer_expect_nothing(p);
            hostile_require_unchanged(p, &m, false);
            hostile_carry_on(p, state);
        }
    }
}
END_TEST

/* Shorter than its header: no DATA at all. */
START_TEST(h53_shorter_than_its_header) {
    EACH_TCB_STATE(state) {
        struct scripted_peer *p = hostile_peer(state);
        for (unsigned bytes = 0; bytes < 12; bytes++) {
            builder_chunk(peer_packet(p), WIRE_DATA, BIT_BE);
            builder_fill(&p->out, 0, bytes);
            hostile_drop_chunk(p, COUNTED_SOMEHOW);
        }
        hostile_carry_on(p, state);
    }
}
END_TEST

/* ---- H54 ---- */

struct piece {
    int tsn;
    unsigned sid, ssn, bits, letter;
};

/* Fragments that no sender makes: the association is aborted, or they are discarded; no message is
 * ever made of two. `good`: how many messages there would be if all went well. */
static void contradiction(const struct piece *pieces, size_t count, unsigned good) {
    for (unsigned reversed = 0; reversed < 2; reversed++) {
        struct scripted_peer *p = hostile_peer(USCTP_ESTABLISHED);
        for (size_t i = 0; i < count && !p->closed; i++) {
            const struct piece *f = &pieces[reversed ? count - 1 - i : i];
            send_fragment(p, f->tsn, f->sid, f->ssn, f->bits, f->letter, 50);
        }
        if (p->closed) {
            REQUIRE_EQ(p->closed_error, USCTP_ERR_PROTOCOL);
            peer_take(p, "ABORT T=0 causes=[*");
            hostile_require_reply_to(p, p->peer_tag);
        }
        REQUIRE(read_unmixed(p) <= good);
        peer_delete(p);
    }
}

#define CONTRADICTION(good, ...)                                                                   \
    do {                                                                                           \
        static const struct piece pieces[] = {__VA_ARGS__};                                        \
        contradiction(pieces, sizeof pieces / sizeof pieces[0], good);                             \
    } while (0)

START_TEST(h54_the_twins) {
    struct scripted_peer *p = hostile_peer(USCTP_ESTABLISHED);
    send_fragment(p, 0, 0, 0, BIT_B, 'a', 50);
    send_fragment(p, 1, 0, 0, 0, 'a', 50);
    send_fragment(p, 2, 0, 0, BIT_E, 'a', 50);
    send_fragment(p, 4, 0, 1, BIT_E, 'b', 50);
    send_fragment(p, 3, 0, 1, BIT_B, 'b', 50);
    send_fragment(p, 5, 1, 9, BIT_B | BIT_U, 'c', 50);
    send_fragment(p, 6, 1, 9, BIT_E | BIT_U, 'c', 50);
    REQUIRE_EQ(read_unmixed(p), 3);
    require_state(p, USCTP_ESTABLISHED);
    peer_delete(p);
}
END_TEST

/* Ordered: B again, or a new message, before E; E or a middle without B. */
START_TEST(h54_begin_and_end) {
    CONTRADICTION(1, {0, 0, 0, BIT_B, 'a'}, {1, 0, 0, BIT_B, 'b'}, {2, 0, 0, BIT_E, 'b'});
    CONTRADICTION(1, {0, 0, 0, BIT_B, 'a'}, {1, 0, 0, BIT_BE, 'b'}, {2, 0, 0, BIT_E, 'a'});
    CONTRADICTION(1, {0, 0, 0, BIT_B, 'a'}, {1, 0, 1, BIT_BE, 'b'}, {2, 0, 0, BIT_E, 'c'});
    CONTRADICTION(0, {0, 0, 0, BIT_E, 'a'}, {1, 0, 0, BIT_B, 'b'});
    CONTRADICTION(1, {0, 0, 0, BIT_E, 'a'}, {1, 0, 0, BIT_BE, 'b'});
    CONTRADICTION(0, {0, 0, 0, 0, 'a'}, {1, 0, 0, BIT_E, 'b'});
    CONTRADICTION(1, {0, 0, 0, BIT_BE, 'a'}, {1, 0, 1, BIT_E, 'b'});
    CONTRADICTION(1, {0, 0, 0, BIT_BE, 'a'}, {1, 0, 0, 0, 'b'}, {2, 0, 0, BIT_E, 'b'});
    CONTRADICTION(1, {0, 0, 0, BIT_B, 'a'}, {1, 0, 0, BIT_E, 'a'}, {2, 0, 0, BIT_E, 'b'});
}
END_TEST

/* The stream, its sequence number or the U bit changes within the message. */
START_TEST(h54_fields_that_change) {
    CONTRADICTION(0, {0, 0, 0, BIT_B, 'a'}, {1, 0, 1, BIT_E, 'b'});
    CONTRADICTION(0, {0, 0, 0, BIT_B, 'a'}, {1, 1, 0, BIT_E, 'b'});
    CONTRADICTION(0, {0, 0, 0, BIT_B, 'a'}, {1, 0, 0, BIT_E | BIT_U, 'b'});
    CONTRADICTION(0, {0, 0, 0, BIT_B | BIT_U, 'a'}, {1, 0, 0, BIT_E, 'b'});
    CONTRADICTION(0, {0, 0, 0, BIT_B | BIT_U, 'a'}, {1, 1, 0, BIT_E | BIT_U, 'b'});
    CONTRADICTION(0, {0, 0, 0, BIT_B, 'a'}, {1, 0, 7, 0, 'b'}, {2, 0, 0, BIT_E, 'c'});
    CONTRADICTION(0, {0, 0, 0, BIT_B, 'a'}, {1, 2, 0, 0, 'b'}, {2, 0, 0, BIT_E, 'c'});
    CONTRADICTION(0, {0, 0, 65535, BIT_B, 'a'}, {1, 0, 0, BIT_E, 'b'});
}
END_TEST

/* One of them is of a stream that there is not, so that its TSN is acknowledged (6.5): the others
 * would wait for it for ever, and hold the window shut. */
START_TEST(h54_a_stream_that_there_is_not) {
    static const unsigned bits[] = {BIT_B, 0, BIT_E};
    static const int orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                    {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    for (unsigned bad = 0; bad < 3; bad++) {
        for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
            struct scripted_peer *p = hostile_peer(USCTP_ESTABLISHED);
            for (unsigned k = 0; k < 3 && !p->closed; k++) {
                int tsn = orders[i][k];
                send_fragment(p, tsn, tsn == (int)bad ? 99 : 0, 0, bits[tsn], 'a', 50);
            }
            REQUIRE(p->closed);
            REQUIRE_EQ(p->closed_error, USCTP_ERR_PROTOCOL);
            peer_take(p, "ABORT T=0 causes=[13*");
            hostile_require_reply_to(p, p->peer_tag);
            REQUIRE_EQ(read_unmixed(p), 0);
            peer_delete(p);
        }
    }
}
END_TEST

/* The payload protocol identifier changes: not SCTP's to use (3.3.1), so at most the first one's is
 * told, whichever comes first. */
START_TEST(h54_ppid_that_changes) {
    for (int first = 0; first < 3; first++) {
        struct scripted_peer *p = hostile_peer(USCTP_ESTABLISHED);
        for (int i = 0; i < 3 && !p->closed; i++) {
            int tsn = (first + i) % 3;
            const struct builder_data data = {.tsn = p->peer_tsn + (uint32_t)tsn,
                                              .ppid = 100 + (uint32_t)tsn,
                                              .bits = tsn == 0   ? BIT_B
                                                      : tsn == 2 ? BIT_E
                                                                 : 0u};
            builder_data_chunk(peer_packet(p), &data, "aaaa", 4);
            hostile_send(p);
        }
        struct user_message message = user_read(p);
        if (message.bytes > 0) {
            REQUIRE_EQ(message.bytes, 12);
            REQUIRE_EQ(message.info.ppid, 100);
        } else {
            REQUIRE_EQ(p->closed_error, USCTP_ERR_PROTOCOL);
        }
        peer_delete(p);
    }
}
END_TEST

/* A TSN in between that belongs to another message. */
START_TEST(h54_gap_inside) {
    CONTRADICTION(1, {0, 0, 0, BIT_B, 'a'}, {1, 1, 0, BIT_BE, 'b'}, {2, 0, 0, BIT_E, 'c'});
    CONTRADICTION(1, {0, 0, 0, BIT_B, 'a'}, {1, 1, 0, BIT_BE | BIT_U, 'b'}, {2, 0, 0, BIT_E, 'c'});
    CONTRADICTION(0, {0, 0, 0, BIT_B, 'a'}, {1, 1, 0, BIT_B, 'b'}, {2, 0, 0, BIT_E, 'c'},
                  {3, 1, 0, BIT_E, 'd'});
    CONTRADICTION(0, {0, 0, 0, BIT_B | BIT_U, 'a'}, {1, 1, 0, BIT_B | BIT_U, 'b'},
                  {2, 0, 0, BIT_E | BIT_U, 'c'}, {3, 1, 0, BIT_E | BIT_U, 'd'});
}
END_TEST

/* A gap that stays open: nothing is delivered across it. */
START_TEST(h54_across_a_missing_tsn) {
    struct scripted_peer *p = hostile_peer(USCTP_ESTABLISHED);
    send_fragment(p, 0, 0, 0, BIT_B, 'a', 50);
    send_fragment(p, 2, 0, 0, BIT_E, 'a', 50);
    REQUIRE_EQ(read_unmixed(p), 0);
    send_fragment(p, 1, 0, 0, 0, 'a', 50);
    REQUIRE_EQ(read_unmixed(p), 1);
    peer_delete(p);
}
END_TEST

/* The same SSN twice, both whole: the second cannot be; it is not delivered as if it were the next.
 */
START_TEST(h54_sequence_number_again) {
    struct scripted_peer *p = hostile_peer(USCTP_ESTABLISHED);
    send_fragment(p, 0, 0, 0, BIT_BE, 'a', 50);
    send_fragment(p, 1, 0, 0, BIT_BE, 'b', 50);
    if (!p->closed) {
        send_fragment(p, 2, 0, 1, BIT_BE, 'c', 50);
        REQUIRE_EQ(read_unmixed(p), 2);
    } else {
        REQUIRE_EQ(p->closed_error, USCTP_ERR_PROTOCOL);
        REQUIRE_EQ(read_unmixed(p), 1);
    }
    peer_delete(p);
}
END_TEST

/* Every short sequence of pieces of two messages: whatever it is, no message is mixed, and memory
 * comes back. */
START_TEST(h54_every_short_sequence) {
    for (unsigned n = 0; n < 8 * 8 * 8 * 8; n++) {
        struct scripted_peer *p = hostile_peer(USCTP_ESTABLISHED);
        for (int tsn = 0; tsn < 4 && !p->closed; tsn++) {
            unsigned kind = n >> 3 * tsn & 7;
            /* A letter for each message that is begun, so that a mixture shows; a piece with no
             * beginning continues the letter before. */
            static unsigned letter;
            if (tsn == 0 || (kind & BIT_B))
                letter = 'a' + (unsigned)tsn;
            send_fragment(p, tsn, 0, 0, (kind & 3u) | (kind & 4u ? BIT_U : 0), letter, 20);
        }
        REQUIRE(read_unmixed(p) <= 4);
        peer_delete(p);
    }
}
END_TEST

/* ---- H55 ---- */

/* One chunk of a stream that there is not, for a state as it is fresh. */
static void invalid_stream(enum usctp_assoc_state state, unsigned sid, unsigned bits) {
    struct scripted_peer *p = hostile_peer(state); /* the peer said that it has 10 streams */
    char text[40];
    peer_data(p, 0, 9, 0, BIT_BE, 10);
    user_expect(p, 9, 0, 10); /* the twin */
    peer_discard(p);
    uint64_t at_us = p->now_us;
    peer_data(p, 1, sid, 0, bits, 10);
    snprintf(text, sizeof text, "ERROR causes=[1(sid=%u)]", sid);
    peer_take(p, text);
    hostile_require_reply_to(p, p->peer_tag);
    REQUIRE_EQ(p->took_us, at_us); /* 6.5: immediately */
    if (state == USCTP_SHUTDOWN_SENT)
        peer_take(p, "SHUTDOWN cum=1"); /* 9.2 */
    else
        peer_wait(p, "SACK cum=1 * gaps=[] dups=[]", 200 * MS);
    user_expect_nothing(p);
    require_state(p, state);
    peer_data(p, 2, 9, 1, BIT_BE, 10); /* and the next one of a stream that there is */
    user_expect(p, 9, 1, 10);
    peer_delete(p);
}

START_TEST(h55_invalid_stream) {
    static const unsigned sids[] = {10, 11, 255, 32767, 32768, 65535};
    static const unsigned bits[] = {BIT_BE, BIT_BE | BIT_U, BIT_B, BIT_E, 0};
    EACH_DATA_STATE(i) {
        for (size_t k = 0; k < sizeof sids / sizeof sids[0]; k++)
            for (size_t b = 0; b < sizeof bits / sizeof bits[0]; b++)
                invalid_stream(data_states[i], sids[k], bits[b]);
    }
}
END_TEST

/* Where DATA is not taken at all, nor is that. */
START_TEST(h55_in_other_states) {
    static const enum usctp_assoc_state states[] = {
        USCTP_COOKIE_WAIT, USCTP_COOKIE_ECHOED, USCTP_SHUTDOWN_RECEIVED, USCTP_SHUTDOWN_ACK_SENT};
    for (size_t i = 0; i < 4; i++) {
        struct scripted_peer *p = hostile_peer(states[i]);
        for (unsigned sid = 0; sid < 65536; sid += 13107) {
            peer_packet(p);
            add_fragment(p, 0, sid, 0, BIT_BE, 'a', 10);
            hostile_drop_chunk(p, COUNTED_SOMEHOW);
        }
        hostile_carry_on(p, states[i]);
    }
}
END_TEST

RUN_TESTS("H50, H51, H53-H55: DATA", h50_beyond_the_window, h50_behind_the_window, h50_beyond_rwnd,
          h51_duplicate_flood, h53_no_user_data, h53_shorter_than_its_header, h54_the_twins,
          h54_begin_and_end, h54_fields_that_change, h54_a_stream_that_there_is_not,
          h54_ppid_that_changes, h54_gap_inside, h54_across_a_missing_tsn,
          h54_sequence_number_again, h54_every_short_sequence, h55_invalid_stream,
          h55_in_other_states)
