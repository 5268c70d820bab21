/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * H30 to H34: ABORT, SHUTDOWN COMPLETE and SHUTDOWN ACK with every tag and T bit in every state
 * (RFC 9260 3.3.7, 8.4, 8.5.1 B, C, E, 9.1, 9.2).
 */
#include "support/hostile.h"

#include <string.h>

enum whose { OURS, PEERS, NOBODYS, OURS_AND_ONE, ZERO, WHOSE_COUNT };

static uint32_t tag_of(const struct scripted_peer *p, unsigned whose) {
    switch (whose) {
    case OURS:
        return p->engine_tag;
    case PEERS:
        return p->peer_tag;
    case OURS_AND_ONE:
        return p->engine_tag + 1;
    case ZERO:
        return 0;
    default:
        return STRANGE_TAG;
    }
}

/* 8.5.1 B, C: ours without the T bit, the peer's with it. In COOKIE-WAIT the peer's is not known.
 */
static bool tag_is_good(enum usctp_assoc_state state, unsigned whose, unsigned t) {
    return whose == OURS ? t == 0 : whose == PEERS && t != 0 && state != USCTP_COOKIE_WAIT;
}

/* ---- H30 ---- */

static int error_of_abort(enum usctp_assoc_state state) {
    return state <= USCTP_COOKIE_ECHOED ? USCTP_ERR_REFUSED : USCTP_ERR_RESET;
}

static void require_aborted(struct scripted_peer *p, enum usctp_assoc_state state) {
    peer_expect_nothing(p); /* H32: it is never answered */
    require_closed(p, error_of_abort(state));
    peer_run_for(p, 200 * SECOND);
    peer_expect_nothing(p);
    peer_release(p);
    peer_delete(p);
}

START_TEST(h30_abort_with_every_tag) {
    EACH_TCB_STATE(state) {
        for (unsigned whose = 0; whose < WHOSE_COUNT; whose++) {
            for (unsigned flags = 0; flags < 256; flags += 85) { /* 0, 0x55, 0xaa, 0xff */
                struct scripted_peer *p = hostile_peer(state);
                builder_chunk(peer_packet_tag(p, tag_of(p, whose)), WIRE_ABORT, flags);
                if (tag_is_good(state, whose, flags & BIT_T)) { /* reserved bits are ignored */
                    hostile_send(p);
                    require_aborted(p, state);
                } else {
                    hostile_drop(p, USCTP_DROP_TAG);
                    hostile_carry_on(p, state);
                }
            }
        }
    }
}
END_TEST

/* Each bit of the tag counts. */
START_TEST(h30_tags_of_one_other_bit) {
    EACH_TCB_STATE(state) {
        struct scripted_peer *p = hostile_peer(state);
        for (unsigned bit = 0; bit < 32; bit++) {
            builder_chunk(peer_packet_tag(p, p->engine_tag ^ 1u << bit), WIRE_ABORT, 0);
            hostile_drop(p, USCTP_DROP_TAG);
            builder_chunk(peer_packet_tag(p, p->peer_tag ^ 1u << bit), WIRE_ABORT, BIT_T);
            hostile_drop(p, USCTP_DROP_TAG);
        }
        builder_chunk(peer_packet(p), WIRE_ABORT, 0);
        hostile_send(p);
        require_aborted(p, state);
    }
}
END_TEST

/* The rule is the ABORT's wherever it stands in the packet: with a good T bit and tag what stands
 * before it is processed, with another the whole packet is dropped. */
START_TEST(h30_abort_behind_other_chunks) {
    EACH_TCB_STATE(state) {
        for (unsigned good = 0; good < 2; good++) {
            struct scripted_peer *p = hostile_peer(state);
            peer_packet(p);
            hostile_add_marker(p, 4);
            builder_chunk(&p->out, WIRE_ABORT, good ? 0 : BIT_T);
            if (good) {
                hostile_send(p);
                REQUIRE_EQ(hostile_markers(p), 1u << 4);
                require_aborted(p, state);
            } else {
                hostile_drop(p, USCTP_DROP_TAG);
                REQUIRE_EQ(hostile_markers(p), 0);
                hostile_carry_on(p, state);
            }
        }
    }
}
END_TEST

/* ---- H31 ---- */

static void add_bad_cause(struct scripted_peer *p, unsigned length) {
    builder_chunk(&p->out, WIRE_ABORT, 0);
    hostile_add_param(p, 12, length);
    builder_fill(&p->out, 'z', 4);
}

/* A format error: silently discarded (3.3.7). */
START_TEST(h31_abort_with_a_format_error) {
    static const unsigned lengths[] = {0, 1, 2, 3, 9, 12, 100, 0x7fff, 0xffff};
    EACH_TCB_STATE(state) {
        struct scripted_peer *p = hostile_peer(state);
        for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
            peer_packet(p);
            add_bad_cause(p, lengths[i]);
            hostile_drop_chunk(p, COUNTED_SOMEHOW);
            peer_packet(p); /* behind a good cause */
            builder_chunk(&p->out, WIRE_ABORT, 0);
            builder_param(&p->out, 13);
            builder_u32(&p->out, 0);
            hostile_add_param(p, 12, lengths[i]);
            builder_fill(&p->out, 'z', 4);
            hostile_drop_chunk(p, COUNTED_SOMEHOW);
        }
        peer_packet(p); /* the twin */
        add_bad_cause(p, 8);
        hostile_send(p);
        require_aborted(p, state);
    }
}
END_TEST

/* What stands behind an ABORT is not looked at. */
START_TEST(h31_chunks_behind_an_abort) {
    EACH_TCB_STATE(state) {
        for (unsigned type = 0; type < 16; type++) {
            if (type == WIRE_INIT || type == WIRE_SHUTDOWN_COMPLETE)
                continue; /* never bundled: 6.10 */
            struct scripted_peer *p = hostile_peer(state);
            builder_chunk(peer_packet(p), WIRE_ABORT, 0);
            hostile_add_marker(p, 1);
            hostile_add_chunk(p, type);
            hostile_add_marker(p, 2);
            hostile_send(p);
            REQUIRE_EQ(hostile_markers(p), 0);
            require_aborted(p, state);
        }
    }
}
END_TEST

/* What stands before it is processed in its order (6.10): a SACK counts, so that what it
 * acknowledges is not reported as lost; the twin without it is. */
START_TEST(h31_sack_before_an_abort) {
    for (unsigned with_sack = 0; with_sack < 2; with_sack++) {
        struct scripted_peer *p = hostile_peer_with(
            USCTP_ESTABLISHED, (struct peer_options){.subscribe = USCTP_NOTIFY_SEND_FAILED});
        user_send(p, 0, 100);
        peer_take(p, "DATA tsn=0 *");
        peer_packet(p);
        if (with_sack)
            builder_sack(&p->out, p->engine_tsn, PEER_RWND, "", NULL, 0);
        builder_chunk(&p->out, WIRE_ABORT, 0);
        hostile_send(p);
        unsigned failed = 0;
        for (;;) {
            struct user_message message = user_read(p);
            if (message.bytes < 0)
                break;
            failed += message.info.notification.kind == USCTP_NOTIFY_SEND_FAILED;
        }
        REQUIRE_EQ(failed, with_sack ? 0 : 1);
        require_aborted(p, USCTP_ESTABLISHED);
    }
}
END_TEST

/* DATA that came before it is the user's, and gets no SACK. */
START_TEST(h31_data_before_an_abort) {
    struct scripted_peer *p = hostile_peer(USCTP_ESTABLISHED);
    peer_packet(p);
    peer_add_data(p, 0, 0, 0, BIT_BE, 30);
    builder_chunk(&p->out, WIRE_ABORT, 0);
    hostile_send(p);
    peer_expect_nothing(p);
    if (peer_status(p).pending_chunks > 0) /* 3.3.7 forbids it to the sender */
        user_expect(p, 0, 0, 30);
    require_aborted(p, USCTP_ESTABLISHED);
}
END_TEST

/* An unknown chunk at which the walk stops (3.2) hides the ABORT behind it; one that is skipped
 * does not. Neither is reported (9.1). */
START_TEST(h31_abort_behind_unknown_chunks) {
    static const unsigned types[] = {15, 0x3f, 0x40, 0x7f, 0x80, 0xbf, 0xc1, 0xff};
    EACH_TCB_STATE(state) {
        for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
            struct scripted_peer *p = hostile_peer(state);
            peer_packet(p);
            hostile_add_chunk(p, types[i]);
            builder_chunk(&p->out, WIRE_ABORT, 0);
            if (types[i] & 0x80) {
                hostile_send(p);
                require_aborted(p, state);
            } else {
                hostile_drop_chunk(p, COUNTED_SOMEHOW);
                hostile_carry_on(p, state);
            }
        }
    }
}
END_TEST

/* A COOKIE ECHO in front of such a hidden ABORT gets no COOKIE ACK (9.1); the next one, which the
 * peer's T1-cookie sends, does (5.2.4 D). */
START_TEST(h31_hidden_abort_behind_a_cookie_echo) {
    struct scripted_peer *p = PEER(.hold_heartbeats = true);
    peer_open_passive(p);
    peer_cookie_echo(p);
    hostile_add_chunk(p, 0x3f);
    builder_chunk(&p->out, WIRE_ABORT, 0);
    peer_send(p);
    peer_expect_nothing(p);
    require_state(p, USCTP_ESTABLISHED);
    peer_cookie_echo(p);
    peer_send(p);
    peer_take(p, "COOKIE_ACK");
    peer_delete(p);
}
END_TEST

/* ---- H32 ---- */

/* No packet with an ABORT is answered, where there is no association either: any tag, anywhere in
 * the packet, whatever is with it. The twin, without it, is. */
START_TEST(h32_abort_out_of_the_blue) {
    struct scripted_peer *p = hostile_peer(USCTP_CLOSED);
    for (unsigned type = 0; type < 256; type++) {
        if (type == WIRE_INIT)
            continue;
        for (unsigned flags = 0; flags < 2; flags++) {
            for (unsigned first = 0; first < 2; first++) {
                peer_packet(p);
                if (first)
                    builder_chunk(&p->out, WIRE_ABORT, flags);
                hostile_add_chunk(p, type);
                if (!first)
                    builder_chunk(&p->out, WIRE_ABORT, flags);
                hostile_drop(p, COUNTED_SOMEHOW);
            }
        }
    }
    peer_packet(p);
    hostile_add_chunk(p, WIRE_SHUTDOWN_ACK);
    builder_chunk(&p->out, WIRE_ABORT, 0);
    builder_param(&p->out, 12);
    builder_fill(&p->out, 'q', 60000);
    hostile_drop(p, COUNTED_SOMEHOW);
    hostile_good_packet(p);
    hostile_send(p);
    hostile_require_taken(p);
    hostile_carry_on(p, USCTP_CLOSED);
}
END_TEST

/* With an association, nor when something before it would be answered. */
START_TEST(h32_what_stands_before_is_not_answered) {
    EACH_TCB_STATE(state) {
        for (unsigned type = 0; type < 16; type++) {
            if (type == WIRE_INIT)
                continue;
            struct scripted_peer *p = hostile_peer(state);
            peer_packet(p);
            hostile_add_chunk(p, type);
            builder_chunk(&p->out, WIRE_ABORT, 0);
            hostile_send(p);
            peer_expect_nothing(p); /* 9.1: no response to any packet with an ABORT */
            peer_run_for(p, 100 * MS);
            peer_expect_nothing(p);
            peer_delete(p);
        }
    }
}
END_TEST

/* ---- H33 ---- */

START_TEST(h33_shutdown_complete) {
    EACH_TCB_STATE(state) {
        for (unsigned whose = 0; whose < WHOSE_COUNT; whose++) {
            for (unsigned t = 0; t < 2; t++) {
                struct scripted_peer *p = hostile_peer(state);
                builder_chunk(peer_packet_tag(p, tag_of(p, whose)), WIRE_SHUTDOWN_COMPLETE, t);
                if (state == USCTP_SHUTDOWN_ACK_SENT && tag_is_good(state, whose, t)) {
                    hostile_send(p);
                    peer_expect_nothing(p);
                    require_closed(p, 0);
                    peer_release(p);
                    peer_delete(p);
                } else if (tag_is_good(state, whose, t)) {
                    hostile_drop_chunk(p, COUNTED_SOMEHOW); /* not in this state */
                    hostile_carry_on(p, state);
                } else {
                    hostile_drop(p, COUNTED_SOMEHOW);
                    hostile_carry_on(p, state);
                }
            }
        }
    }
}
END_TEST

START_TEST(h33_shutdown_complete_out_of_the_blue) {
    struct scripted_peer *p = hostile_peer(USCTP_CLOSED);
    for (unsigned t = 0; t < 2; t++) {
        builder_chunk(peer_packet(p), WIRE_SHUTDOWN_COMPLETE, t);
        hostile_drop(p, USCTP_DROP_OOTB); /* 8.4 rule 6 */
    }
    hostile_carry_on(p, USCTP_CLOSED);
}
END_TEST

/* ---- H34 ---- */

/* COOKIE-WAIT, COOKIE-ECHOED: as out of the blue, whatever the tag; the handshake goes on. */
START_TEST(h34_shutdown_ack_in_the_handshake) {
    for (enum usctp_assoc_state state = USCTP_COOKIE_WAIT; state <= USCTP_COOKIE_ECHOED; state++) {
        struct scripted_peer *p = hostile_peer(state);
        for (unsigned whose = 0; whose < ZERO; whose++) {
            builder_chunk(peer_packet_tag(p, tag_of(p, whose)), WIRE_SHUTDOWN_ACK, 0);
            hostile_answered(p, "SHUTDOWN_COMPLETE T=1");
            hostile_require_reply_to(p, tag_of(p, whose));
        }
        builder_chunk(peer_packet_tag(p, 0), WIRE_SHUTDOWN_ACK, 0); /* 8.5.1 A */
        hostile_drop(p, COUNTED_SOMEHOW);
        hostile_carry_on(p, state);
    }
}
END_TEST

/* Where nobody has asked for it: dropped. */
START_TEST(h34_shutdown_ack_that_nobody_waits_for) {
    static const enum usctp_assoc_state states[] = {USCTP_ESTABLISHED, USCTP_SHUTDOWN_PENDING,
                                                    USCTP_SHUTDOWN_RECEIVED};
    for (size_t i = 0; i < 3; i++) {
        struct scripted_peer *p = hostile_peer(states[i]);
        hostile_good_packet(p);
        hostile_send(p);
        hostile_require_taken(p);
        peer_packet(p);
        builder_chunk(&p->out, WIRE_SHUTDOWN_ACK, 0);
        hostile_drop_chunk(p, COUNTED_SOMEHOW);
        for (unsigned whose = PEERS; whose < WHOSE_COUNT; whose++) {
            builder_chunk(peer_packet_tag(p, tag_of(p, whose)), WIRE_SHUTDOWN_ACK, 0);
            hostile_drop(p, COUNTED_SOMEHOW);
        }
        hostile_carry_on(p, states[i]);
    }
}
END_TEST

/* Where it is waited for: with our tag alone. */
START_TEST(h34_shutdown_ack_in_shutdown) {
    for (unsigned i = 0; i < 2; i++) {
        enum usctp_assoc_state state = i ? USCTP_SHUTDOWN_ACK_SENT : USCTP_SHUTDOWN_SENT;
        struct scripted_peer *p = hostile_peer(state);
        for (unsigned whose = PEERS; whose < WHOSE_COUNT; whose++) {
            builder_chunk(peer_packet_tag(p, tag_of(p, whose)), WIRE_SHUTDOWN_ACK, 0);
            hostile_drop(p, USCTP_DROP_TAG);
        }
        builder_chunk(peer_packet(p), WIRE_SHUTDOWN_ACK, 0);
        hostile_send(p);
        peer_take_packet(p, "SHUTDOWN_COMPLETE T=0");
        hostile_require_reply_to(p, p->peer_tag);
        require_closed(p, 0);
        peer_delete(p);
    }
}
END_TEST

RUN_TESTS("H30-H34: tags and T bits", h30_abort_with_every_tag, h30_tags_of_one_other_bit,
          h30_abort_behind_other_chunks, h31_abort_with_a_format_error, h31_chunks_behind_an_abort,
          h31_sack_before_an_abort, h31_data_before_an_abort, h31_abort_behind_unknown_chunks,
          h31_hidden_abort_behind_a_cookie_echo, h32_abort_out_of_the_blue,
          h32_what_stands_before_is_not_answered, h33_shutdown_complete,
          h33_shutdown_complete_out_of_the_blue, h34_shutdown_ack_in_the_handshake,
          h34_shutdown_ack_that_nobody_waits_for, h34_shutdown_ack_in_shutdown)
