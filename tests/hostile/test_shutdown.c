/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * H76, H77: SHUTDOWNs that lie, that never end, peers that never answer one; DATA and INITs after
 * SHUTDOWN ACK (RFC 9260 6, 9.2, 12.4).
 */
#include "support/hostile.h"

#include <string.h>

static void require_abort(struct scripted_peer *p, int error) {
    peer_take(p, "ABORT T=0 causes=[*]");
    hostile_require_reply_to(p, p->peer_tag);
    peer_expect_nothing(p);
    require_closed(p, error);
    peer_run_for(p, 1000 * SECOND);
    peer_expect_nothing(p);
    peer_delete(p);
}

/* ---- H76 ---- */

/* A SHUTDOWN that acknowledges what was never sent lies as a SACK does (12.4). */
START_TEST(h76_cumulative_beyond_what_was_sent) {
    static const int beyond[] = {1, 2, 1000, 0x40000000};
    static const enum usctp_assoc_state states[] = {USCTP_ESTABLISHED, USCTP_SHUTDOWN_PENDING,
                                                    USCTP_SHUTDOWN_SENT, USCTP_SHUTDOWN_RECEIVED};
    for (size_t i = 0; i < 4; i++) {
        /* SHUTDOWN-PENDING and -RECEIVED have TSN 0 in flight, the others nothing. */
        int highest = i == 1 || i == 3 ? 0 : -1;
        struct scripted_peer *p = hostile_peer(states[i]);
        peer_shutdown(p, highest); /* the twin */
        peer_take(p, "SHUTDOWN_ACK");
        require_state(p, USCTP_SHUTDOWN_ACK_SENT);
        peer_delete(p);
        for (size_t k = 0; k < sizeof beyond / sizeof beyond[0]; k++) {
            p = hostile_peer(states[i]);
            peer_shutdown(p, highest + beyond[k]);
            require_abort(p, USCTP_ERR_PROTOCOL);
        }
    }
}
END_TEST

/* One that acknowledges less than is known: no renege, but a SHUTDOWN all the same (3.3.8). */
START_TEST(h76_old_cumulative) {
    struct scripted_peer *p =
        hostile_peer_with(USCTP_ESTABLISHED, (struct peer_options){.configure = eager});
    user_send(p, 0, 100);
    user_send(p, 0, 100);
    peer_sack(p, 1, PEER_RWND, "");
    peer_discard(p);
    peer_shutdown(p, 0);
    peer_take_packet(p, "SHUTDOWN_ACK");
    hostile_carry_on(p, USCTP_SHUTDOWN_ACK_SENT);
}
END_TEST

/* Of another length than 8, or in COOKIE-WAIT and COOKIE-ECHOED: discarded. */
START_TEST(h76_lengths_and_states) {
    EACH_TCB_STATE(state) {
        struct scripted_peer *p = hostile_peer(state);
        for (unsigned bytes = 0; bytes < 4; bytes++) {
            builder_chunk(peer_packet(p), WIRE_SHUTDOWN, 0);
            builder_fill(&p->out, 0, bytes);
            hostile_drop_chunk(p, COUNTED_SOMEHOW);
        }
        if (state <= USCTP_COOKIE_ECHOED) {
            builder_shutdown(peer_packet(p), p->engine_tsn - 1);
            hostile_drop_chunk(p, COUNTED_SOMEHOW);
        }
        hostile_carry_on(p, state);
    }
}
END_TEST

/* A flood of them: at most one answer each, none kept. In SHUTDOWN-RECEIVED data is outstanding;
 * the SHUTDOWN ACK comes when it is acknowledged. */
START_TEST(h76_shutdown_flood) {
    struct scripted_peer *p = hostile_peer(USCTP_SHUTDOWN_RECEIVED);
    struct hostile_mark m = hostile_mark(p);
    for (unsigned i = 0; i < 1000; i++) {
        builder_shutdown(peer_packet(p), p->engine_tsn - 1);
        hostile_send(p);
        peer_expect_nothing(p);
    }
    REQUIRE_EQ(p->env.live_bytes, m.live_bytes);
    require_state(p, USCTP_SHUTDOWN_RECEIVED);
    peer_sack(p, 0, PEER_RWND, "");
    peer_take(p, "SHUTDOWN_ACK");
    for (unsigned i = 0; i < 1000; i++) {
        builder_shutdown(peer_packet(p), p->engine_tsn);
        hostile_send(p);
        peer_take_packet(p, "SHUTDOWN_ACK");
        peer_expect_nothing(p);
    }
    hostile_carry_on(p, USCTP_SHUTDOWN_ACK_SENT);
}
END_TEST

/* 300 SHUTDOWNs in one packet: one SHUTDOWN ACK. */
START_TEST(h76_many_in_one_packet) {
    EACH_OPEN_STATE(state) {
        struct scripted_peer *p = hostile_peer(state);
        peer_packet(p);
        for (unsigned i = 0; i < 300; i++)
            builder_shutdown(&p->out, p->engine_tsn - 1);
        hostile_send(p);
        bool waits = state == USCTP_SHUTDOWN_PENDING || state == USCTP_SHUTDOWN_RECEIVED;
        if (!waits)
            peer_take_packet(p, "SHUTDOWN_ACK");
        peer_expect_nothing(p);
        hostile_carry_on(p, waits ? USCTP_SHUTDOWN_RECEIVED : USCTP_SHUTDOWN_ACK_SENT);
    }
}
END_TEST

/* Nobody answers our SHUTDOWN: T2 sends it again Association.Max.Retrans times, then it is over. */
START_TEST(h76_shutdown_that_nobody_answers) {
    for (unsigned ack = 0; ack < 2; ack++) {
        struct scripted_peer *p = hostile_peer(ack ? USCTP_SHUTDOWN_ACK_SENT : USCTP_SHUTDOWN_SENT);
        uint64_t began_us = p->now_us;
        while (!p->closed && p->now_us < began_us + 2000 * SECOND)
            peer_run_for(p, SECOND);
        REQUIRE(p->closed);
        REQUIRE(p->now_us - began_us <= 302 * SECOND); /* T5 at the latest */
        REQUIRE_EQ(peer_status(p).counters.t2_expiries <= p->config.association_max_retrans + 1,
                   true);
        size_t again = peer_count(p, ack ? "SHUTDOWN_ACK" : "SHUTDOWN cum=-1");
        REQUIRE_RANGE(again, 5, p->config.association_max_retrans);
        REQUIRE(p->closed_error != 0);
        peer_delete(p);
    }
}
END_TEST

/* A peer that sends DATA for ever and never SHUTDOWN ACK: each packet starts T2 anew, but T5, five
 * times RTO.Max, ends it with an ABORT. */
START_TEST(h76_guard_timer) {
    struct scripted_peer *p = hostile_peer(USCTP_SHUTDOWN_SENT);
    uint64_t began_us = p->now_us;
    int tsn = 0;
    while (!p->closed && p->now_us < began_us + 400 * SECOND) {
        peer_data(p, tsn++, 0, 0, BIT_BE | BIT_U, 10);
        peer_take(p, "SHUTDOWN cum=*");
        REQUIRE_EQ(p->took.cumulative, p->peer_tsn + (uint32_t)tsn - 1);
        peer_discard(p); /* a SACK may be with it */
        REQUIRE(user_read(p).bytes == 10);
        peer_run_for(p, 500 * MS);
    }
    REQUIRE_RANGE(p->now_us - began_us, 300 * SECOND, 301 * SECOND);
    require_abort(p, USCTP_ERR_TIMED_OUT);
}
END_TEST

/* ---- H77 ---- */

/* DATA after our SHUTDOWN ACK: discarded (6). The twin: in SHUTDOWN-SENT it is taken. */
START_TEST(h77_data_after_shutdown_ack) {
    struct scripted_peer *p = hostile_peer(USCTP_SHUTDOWN_SENT);
    peer_data(p, 0, 0, 0, BIT_BE, 10);
    user_expect(p, 0, 0, 10);
    peer_delete(p);
    p = hostile_peer(USCTP_SHUTDOWN_ACK_SENT);
    for (int tsn = -1; tsn < 5; tsn++) {
        peer_packet(p);
        peer_add_data(p, tsn, 0, 0, BIT_BE, 10);
        hostile_drop_chunk(p, COUNTED_SOMEHOW);
        REQUIRE(user_read(p).bytes < 0);
    }
    hostile_carry_on(p, USCTP_SHUTDOWN_ACK_SENT);
}
END_TEST

/* In SHUTDOWN-RECEIVED as well (6). */
START_TEST(h77_data_after_the_peers_shutdown) {
    struct scripted_peer *p = hostile_peer(USCTP_SHUTDOWN_RECEIVED);
    peer_packet(p);
    peer_add_data(p, 0, 0, 0, BIT_BE, 10);
    hostile_drop_chunk(p, COUNTED_SOMEHOW);
    REQUIRE(user_read(p).bytes < 0);
    hostile_carry_on(p, USCTP_SHUTDOWN_RECEIVED);
}
END_TEST

/* An INIT in SHUTDOWN-ACK-SENT, also from an address that it lists one of ours beside: SHUTDOWN ACK
 * again, to the peer that we know, and nothing else (9.2). */
START_TEST(h77_init_in_shutdown_ack_sent) {
    struct scripted_peer *p = hostile_peer(USCTP_SHUTDOWN_ACK_SENT);
    for (uint32_t tag = 1; tag < 6; tag++) {
        peer_init(p, tag);
        hostile_answered(p, "SHUTDOWN_ACK");
        hostile_require_reply_to(p, p->peer_tag);
    }
    const struct usctp_addr elsewhere = {.family = USCTP_FAMILY_IPV4, .ipv4 = {203, 0, 113, 5}};
    struct hostile_mark m = hostile_mark(p);
    peer_init(p, 77);
    peer_add_addresses(p, 0, 1);
    hostile_put(p, hostile_close(p), &elsewhere, &p->engine_addr[0]);
    peer_take_packet(p, "SHUTDOWN_ACK");
    hostile_require_reply_to(p, p->peer_tag);
    hostile_require_unchanged(p, &m, true);
    /* Another port is another association. */
    p->peer_port++;
    peer_init(p, 77);
    hostile_answered(p, "INIT_ACK *");
    REQUIRE_EQ(p->took_tag, 77);
    p->peer_port--;
    hostile_carry_on(p, USCTP_SHUTDOWN_ACK_SENT);
}
END_TEST

RUN_TESTS("H76, H77: shutdown", h76_cumulative_beyond_what_was_sent, h76_old_cumulative,
          h76_lengths_and_states, h76_shutdown_flood, h76_many_in_one_packet,
          h76_shutdown_that_nobody_answers, h76_guard_timer, h77_data_after_shutdown_ack,
          h77_data_after_the_peers_shutdown, h77_init_in_shutdown_ack_sent)
