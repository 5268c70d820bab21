/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * H23, H24, H26 to H28, H41: State Cookies that were altered, are not ours, are too old, come in
 * the wrong place, and stale cookie errors without end (RFC
 * 9260 3.3.2.1.3, 3.3.10.3, 5.1.3, 5.1.5, 5.2.4, 5.2.6).
 *
 * Good cookies that meet an association (H22, H25, H29) are in test_restart.c.
 */
#include "support/hostile.h"

#include <stdlib.h>
#include <string.h>

#define NEW_TAG 0x0badf00du
#define NEW_TSN 77000u

/* A peer in a state, and a cookie that would be good in it: of a handshake, of a collision or of a
 * restart. None in SHUTDOWN-ACK-SENT but from before. */
static struct scripted_peer *with_cookie(enum usctp_assoc_state state,
                                         struct saved_cookie **cookie) {
    struct scripted_peer *p;
    if (state != USCTP_SHUTDOWN_ACK_SENT) {
        p = hostile_peer(state);
        *cookie = hostile_new_cookie(p, NEW_TAG, NEW_TSN);
        return p;
    }
    p = hostile_peer(USCTP_SHUTDOWN_RECEIVED);
    *cookie = hostile_new_cookie(p, NEW_TAG, NEW_TSN);
    peer_sack(p, 0, PEER_RWND, "");
    peer_take(p, "SHUTDOWN_ACK");
    return p;
}

/* The cookie as it is, good. */
static void twin(struct scripted_peer *p, enum usctp_assoc_state state,
                 struct saved_cookie *cookie) {
    hostile_cookie_echo(p, cookie);
    hostile_send(p);
    if (state == USCTP_SHUTDOWN_ACK_SENT) {
        peer_take(p, "SHUTDOWN_ACK");
        peer_take(p, "ERROR causes=[10]"); /* 5.2.4 A */
        require_state(p, USCTP_SHUTDOWN_ACK_SENT);
    } else {
        peer_take(p, "COOKIE_ACK");
        REQUIRE_EQ(p->took_tag, NEW_TAG);
        /* A shutdown that our user has begun goes on from there. */
        REQUIRE_EQ(p->env.state_changes[state][USCTP_ESTABLISHED], 1);
        if (state != USCTP_SHUTDOWN_PENDING && state != USCTP_SHUTDOWN_SENT)
            require_state(p, USCTP_ESTABLISHED);
    }
    free(cookie);
    peer_delete(p);
}

/* ---- H23 ---- */

START_TEST(h23_bits_flipped) {
    EACH_STATE(state) {
        struct saved_cookie *cookie;
        struct scripted_peer *p = with_cookie(state, &cookie);
        for (size_t bit = 0; bit < 8 * cookie->count; bit++) {
            cookie->bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
            hostile_cookie_echo(p, cookie);
            hostile_drop(p, USCTP_DROP_COOKIE);
            cookie->bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        twin(p, state, cookie);
    }
}
END_TEST

/* Constant time: as many keyed hashes, wherever the difference lies. */
START_TEST(h23_work_does_not_tell_where) {
    struct saved_cookie *cookie;
    struct scripted_peer *p = with_cookie(USCTP_CLOSED, &cookie);
    uint64_t first = 0;
    for (size_t at = 0; at < cookie->count; at++) {
        uint64_t before = p->env.mac_calls;
        cookie->bytes[at] ^= 0x40;
        hostile_cookie_echo(p, cookie);
        hostile_drop(p, USCTP_DROP_COOKIE);
        cookie->bytes[at] ^= 0x40;
        if (at == 0)
            first = p->env.mac_calls - before;
        REQUIRE_RANGE(first, 1, 2); /* the key of now, and the one before it */
        REQUIRE_EQ(p->env.mac_calls - before, first);
    }
    twin(p, USCTP_CLOSED, cookie);
}
END_TEST

START_TEST(h23_truncated_extended_empty) {
    EACH_STATE(state) {
        struct saved_cookie *cookie;
        struct scripted_peer *p = with_cookie(state, &cookie);
        size_t count = cookie->count;
        for (size_t bytes = 0; bytes < count + 70; bytes++) {
            if (bytes == count)
                continue;
            cookie->count = bytes;
            hostile_cookie_echo(p, cookie);
            hostile_drop(p, USCTP_DROP_COOKIE);
        }
        cookie->count = count;
        builder_chunk(peer_packet_tag(p, cookie->tag), WIRE_COOKIE_ECHO, 0);
        builder_bytes(&p->out, cookie->bytes, count);
        builder_fill(&p->out, 0, 60000);
        hostile_drop(p, USCTP_DROP_COOKIE);
        twin(p, state, cookie);
    }
}
END_TEST

/* Parts of two cookies of ours. */
START_TEST(h23_mixed) {
    struct saved_cookie *cookie;
    struct scripted_peer *p = with_cookie(USCTP_CLOSED, &cookie);
    struct saved_cookie *other = hostile_new_cookie(p, NEW_TAG + 1, NEW_TSN);
    REQUIRE_EQ(other->count, cookie->count);
    for (size_t cut = 1; cut < cookie->count; cut++) {
        struct saved_cookie mixed = *cookie;
        memcpy(mixed.bytes, other->bytes, cut);
        if (memcmp(mixed.bytes, cookie->bytes, cookie->count) == 0 ||
            memcmp(mixed.bytes, other->bytes, cookie->count) == 0)
            continue; /* what follows is the same in both */
        hostile_cookie_echo(p, &mixed);
        hostile_drop(p, USCTP_DROP_COOKIE);
    }
    free(other);
    twin(p, USCTP_CLOSED, cookie);
}
END_TEST

/* 5.1.5 (3): for these ports and this tag. */
START_TEST(h23_other_ports_and_tags) {
    EACH_STATE(state) {
        struct saved_cookie *cookie;
        struct scripted_peer *p = with_cookie(state, &cookie);
        uint16_t peer_port = p->peer_port;
        p->peer_port++;
        hostile_cookie_echo(p, cookie);
        hostile_drop(p, USCTP_DROP_COOKIE);
        p->peer_port = peer_port;
        p->engine_port ^= 1; /* another port of ours, which nobody has */
        hostile_cookie_echo(p, cookie);
        p->engine_port ^= 1;
        hostile_drop(p, USCTP_DROP_COOKIE);
        uint32_t tag = cookie->tag;
        const uint32_t wrong[] = {tag + 1, ~tag, NEW_TAG, p->peer_tag, STRANGE_TAG};
        for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
            cookie->tag = wrong[i];
            hostile_cookie_echo(p, cookie);
            hostile_drop(p, USCTP_DROP_COOKIE);
        }
        cookie->tag = 0; /* 8.5.1 A */
        hostile_cookie_echo(p, cookie);
        hostile_drop(p, COUNTED_SOMEHOW);
        cookie->tag = tag;
        twin(p, state, cookie);
    }
}
END_TEST

/* Another endpoint's port on the same engine, and another engine with other secrets. */
START_TEST(h23_cookie_of_another_endpoint) {
    struct saved_cookie *cookie;
    struct scripted_peer *a = with_cookie(USCTP_CLOSED, &cookie);
    struct scripted_peer *b = hostile_peer_with(USCTP_CLOSED, (struct peer_options){.seed = 99});
    hostile_cookie_echo(b, cookie);
    hostile_drop(b, USCTP_DROP_COOKIE);
    struct usctp_endpoint_options options = {
        .port = 5100, .addresses = a->engine_addr, .address_count = 1, .ipv4 = true};
    int32_t endpoint = usctp_endpoint_open(a->engine, &options);
    REQUIRE(endpoint >= 3);
    REQUIRE_EQ(usctp_endpoint_listen(a->engine, endpoint, 8), 0);
    uint16_t port = a->engine_port;
    a->engine_port = 5100;
    hostile_cookie_echo(a, cookie);
    a->engine_port = port;
    hostile_drop(a, USCTP_DROP_COOKIE);
    hostile_carry_on(b, USCTP_CLOSED);
    twin(a, USCTP_CLOSED, cookie);
}
END_TEST

/* DATA with a bad cookie goes with it; with the good one it is taken. */
START_TEST(h23_data_with_a_bad_cookie) {
    EACH_STATE(state) {
        if (state == USCTP_SHUTDOWN_ACK_SENT)
            continue;
        struct saved_cookie *cookie;
        struct scripted_peer *p = with_cookie(state, &cookie);
        struct builder_data data = {.tsn = NEW_TSN, .bits = BIT_BE, .sid = 1};
        cookie->bytes[cookie->count - 1] ^= 1;
        hostile_cookie_echo(p, cookie);
        builder_data_chunk(&p->out, &data, "text", 4);
        hostile_drop(p, USCTP_DROP_COOKIE);
        cookie->bytes[cookie->count - 1] ^= 1;
        hostile_cookie_echo(p, cookie);
        builder_data_chunk(&p->out, &data, "text", 4);
        hostile_send(p);
        peer_take(p, "COOKIE_ACK");
        p->peer_tsn = NEW_TSN;
        peer_take(p, "SACK cum=0 *"); /* 5.1.5 (7) */
        struct user_message message;
        do
            message = user_read(p);
        while (message.bytes >= 0 && (message.info.flags & USCTP_MESSAGE_NOTIFICATION));
        REQUIRE_EQ(message.bytes, 4);
        REQUIRE(memcmp(message.data, "text", 4) == 0);
        free(cookie);
        peer_delete(p);
    }
}
END_TEST

/* ---- H24 ---- */

/* No TCB: Stale Cookie, nothing made (5.1.5 (4)). */
START_TEST(h24_expired_without_a_tcb) {
    struct saved_cookie *cookie;
    struct scripted_peer *p = with_cookie(USCTP_CLOSED, &cookie);
    peer_run_for(p, 59 * SECOND); /* the twin, of another port */
    p->peer_port++;
    struct saved_cookie *young = hostile_new_cookie(p, NEW_TAG, NEW_TSN);
    peer_run_for(p, 2 * SECOND);
    hostile_cookie_echo(p, young);
    hostile_send(p);
    peer_take_packet(p, "COOKIE_ACK");
    REQUIRE_EQ(peer_counters(p).associations, 1);
    p->peer_port--;
    p->assoc = 0; /* look at the engine alone */
    struct hostile_mark m = hostile_mark(p);
    hostile_cookie_echo(p, cookie);
    builder_data_chunk(&p->out, &(struct builder_data){.tsn = NEW_TSN, .bits = BIT_BE}, "x", 1);
    hostile_send(p);
    peer_take_packet(p, "ERROR causes=[3]");
    hostile_require_reply_to(p, NEW_TAG);
    size_t bytes;
    REQUIRE(reader_param(&p->took, 3, 0, &bytes) != NULL);
    REQUIRE_EQ(bytes, 4);
    peer_expect_nothing(p);
    hostile_require_unchanged(p, &m, false);
    REQUIRE_EQ(peer_counters(p).dropped[USCTP_DROP_STALE],
               m.counters.dropped[USCTP_DROP_STALE] + 1);
    REQUIRE_EQ(p->env.live_bytes, m.live_bytes);
    free(cookie);
    free(young);
    peer_delete(p);
}
END_TEST

static void short_lived(struct usctp_config *config) {
    quiet(config);
    config->valid_cookie_life_us = 50 * MS; /* before any timer expires */
}

/* A TCB with other tags: Stale Cookie, nothing changed (5.2.4 (3)). */
START_TEST(h24_expired_and_other_tags) {
    EACH_OPEN_STATE(state) {
        struct scripted_peer *p =
            hostile_peer_with(state == USCTP_SHUTDOWN_ACK_SENT ? USCTP_SHUTDOWN_RECEIVED : state,
                              (struct peer_options){.configure = short_lived});
        struct saved_cookie *cookie = hostile_new_cookie(p, NEW_TAG, NEW_TSN);
        if (state == USCTP_SHUTDOWN_ACK_SENT) {
            peer_sack(p, 0, PEER_RWND, "");
            peer_take(p, "SHUTDOWN_ACK");
        }
        peer_run_for(p, 60 * MS);
        struct hostile_mark m = hostile_mark(p);
        hostile_cookie_echo(p, cookie);
        hostile_add_chunk(p, WIRE_DATA);
        hostile_send(p);
        peer_take_packet(p, "ERROR causes=[3]");
        hostile_require_reply_to(p, NEW_TAG);
        peer_expect_nothing(p);
        hostile_require_unchanged(p, &m, false);
        free(cookie);
        hostile_carry_on(p, state);
    }
}
END_TEST

/* Tags that match: valid however old it is (5.2.4 (3), action D). */
START_TEST(h24_expired_and_same_tags) {
    EACH_OPEN_STATE(state) {
        struct scripted_peer *p = hostile_passive(state);
        if (state == USCTP_ESTABLISHED)
            peer_run_for(p, 1000 * SECOND);
        struct hostile_mark m = hostile_mark(p);
        peer_cookie_echo(p);
        hostile_send(p);
        peer_take(p, "COOKIE_ACK");
        hostile_require_reply_to(p, p->peer_tag);
        hostile_require_unchanged(p, &m, true);
        peer_discard(p);
        hostile_carry_on(p, state);
    }
}
END_TEST

/* ---- H26 ---- */

static void fast_keys(struct usctp_config *config) {
    quiet(config);
    config->cookie_key_life_us = 20 * SECOND;
    config->valid_cookie_life_us = 60 * SECOND;
}

/* Under the key of now and the one before it: good. Under the one before that: not ours (5.1.5
 * (1)). */
START_TEST(h26_keys_that_were_changed) {
    unsigned good = 0, gone = 0;
    for (unsigned changes = 0; changes < 4; changes++) {
        struct scripted_peer *p =
            hostile_peer_with(USCTP_CLOSED, (struct peer_options){.configure = fast_keys});
        struct saved_cookie *cookie = hostile_new_cookie(p, NEW_TAG, NEW_TSN);
        uint64_t keys = peer_counters(p).cookie_keys;
        for (unsigned i = 0; i < 100 && peer_counters(p).cookie_keys - keys < changes; i++) {
            peer_run_for(p, SECOND);
            p->peer_port++; /* a key changes when one is needed */
            free(hostile_new_cookie(p, NEW_TAG, NEW_TSN));
            p->peer_port--;
        }
        REQUIRE_EQ(peer_counters(p).cookie_keys - keys, changes);
        REQUIRE(p->now_us <= engine_env_clock_us() + 60 * SECOND); /* not too old */
        hostile_cookie_echo(p, cookie);
        if (changes < 2) {
            hostile_send(p);
            peer_take(p, "COOKIE_ACK");
            good++;
        } else {
            hostile_drop(p, USCTP_DROP_COOKIE);
            gone++;
        }
        free(cookie);
        peer_delete(p);
    }
    REQUIRE_EQ(good, 2);
    REQUIRE_EQ(gone, 2);
}
END_TEST

/* ---- H27 ---- */

static void five_seconds(struct usctp_config *config) {
    quiet(config);
    config->valid_cookie_life_us = 5 * SECOND;
}

/* However much more life a Cookie Preservative asks for, there is an end after 60 s. */
START_TEST(h27_cookie_preservative) {
    static const uint32_t asked_ms[] = {0, 1, 0x7fffffffu, 0x80000000u, 0xfffff000u, 0xffffffffu};
    for (size_t i = 0; i < sizeof asked_ms / sizeof asked_ms[0]; i++) {
        for (unsigned late = 0; late < 2; late++) {
            struct scripted_peer *p =
                hostile_peer_with(USCTP_CLOSED, (struct peer_options){.configure = five_seconds});
            peer_init(p, p->peer_tag);
            builder_param(&p->out, 9);
            builder_u32(&p->out, asked_ms[i]);
            hostile_send(p);
            peer_take_init_ack(p);
            peer_run_for(p, late ? 60 * SECOND + 100 * MS : 4900 * MS);
            peer_cookie_echo(p);
            hostile_send(p);
            peer_take_packet(p, late ? "ERROR causes=[3]" : "COOKIE_ACK");
            REQUIRE_EQ(peer_counters(p).associations, late ? 0 : 1);
            peer_delete(p);
        }
    }
}
END_TEST

/* Of a length that it cannot have: refused or left alone; two of them: no more life than one. */
START_TEST(h27_strange_preservatives) {
    struct scripted_peer *p =
        hostile_peer_with(USCTP_CLOSED, (struct peer_options){.configure = five_seconds});
    for (unsigned bytes = 0; bytes < 12; bytes++) {
        peer_init(p, NEW_TAG);
        builder_param(&p->out, 9);
        builder_fill(&p->out, 0xff, bytes);
        hostile_send(p);
        REQUIRE_EQ(peer_count_packets(p), 1);
        if (bytes == 4)
            peer_take(p, "INIT_ACK *");
        else if (!peer_take_if(p, "ABORT T=0 *"))
            peer_take(p, "INIT_ACK *");
    }
    peer_init(p, p->peer_tag);
    for (unsigned i = 0; i < 1000; i++) {
        builder_param(&p->out, 9);
        builder_u32(&p->out, 60000);
    }
    hostile_send(p);
    peer_take_init_ack(p);
    peer_run_for(p, 60 * SECOND + 100 * MS);
    peer_cookie_echo(p);
    hostile_send(p);
    peer_take_packet(p, "ERROR causes=[3]");
    hostile_carry_on(p, USCTP_CLOSED);
}
END_TEST

/* ---- H28 ---- */

/* Out of the blue, behind another chunk: rule 4 does not hold, so what stands first decides. */
START_TEST(h28_not_the_first_chunk) {
    struct saved_cookie *cookie;
    struct scripted_peer *p = with_cookie(USCTP_CLOSED, &cookie);
    peer_packet_tag(p, cookie->tag);
    hostile_add_chunk(p, WIRE_SACK);
    builder_chunk(&p->out, WIRE_COOKIE_ECHO, 0);
    builder_bytes(&p->out, cookie->bytes, cookie->count);
    hostile_answered(p, "ABORT T=1 causes=[]");
    hostile_require_reply_to(p, cookie->tag);
    REQUIRE_EQ(peer_counters(p).associations, 0);
    twin(p, USCTP_CLOSED, cookie);
}
END_TEST

/* With an association: no COOKIE ACK, no restart; the chunk before it counts. */
START_TEST(h28_not_the_first_chunk_with_a_tcb) {
    EACH_OPEN_STATE(state) {
        struct scripted_peer *p = hostile_passive(state);
        struct hostile_mark m = hostile_mark(p);
        peer_packet(p);
        hostile_add_marker(p, 0);
        builder_chunk(&p->out, WIRE_COOKIE_ECHO, 0);
        builder_bytes(&p->out, p->cookie, p->cookie_bytes);
        hostile_send(p);
        REQUIRE_EQ(hostile_markers(p), 1u);
        peer_expect_nothing(p);
        hostile_require_unchanged(p, &m, true);
        REQUIRE_EQ(hostile_drops(p, &m), 1);
        hostile_carry_on(p, state);
    }
}
END_TEST

/* Two in a packet: one association and one COOKIE ACK packet. */
START_TEST(h28_two_cookies) {
    struct saved_cookie *cookie;
    struct scripted_peer *p = with_cookie(USCTP_CLOSED, &cookie);
    struct saved_cookie *other = hostile_new_cookie(p, NEW_TAG + 1, NEW_TSN);
    const struct saved_cookie *second[] = {cookie, other};
    for (size_t i = 0; i < 2; i++) {
        hostile_cookie_echo(p, cookie);
        builder_chunk(&p->out, WIRE_COOKIE_ECHO, 0);
        builder_bytes(&p->out, second[i]->bytes, second[i]->count);
        hostile_send(p);
        peer_take_packet(p, "COOKIE_ACK"); /* the second time: action D */
        REQUIRE_EQ(p->took_tag, NEW_TAG);
        peer_expect_nothing(p);
        REQUIRE_EQ(peer_counters(p).associations, 1);
        REQUIRE_EQ(peer_status(p).peer_tag, NEW_TAG);
        REQUIRE_EQ(peer_status(p).counters.restarts, 0);
    }
    free(cookie);
    free(other);
    peer_delete(p);
}
END_TEST

/* ---- H41 ---- */

static void send_stale(struct scripted_peer *p, unsigned length, uint32_t staleness_us) {
    builder_chunk(peer_packet(p), WIRE_ERROR, 0);
    hostile_add_param(p, 3, length);
    uint8_t value[4] = {(uint8_t)(staleness_us >> 24), (uint8_t)(staleness_us >> 16),
                        (uint8_t)(staleness_us >> 8), (uint8_t)staleness_us};
    for (unsigned i = 4; i < length; i++)
        builder_u8(&p->out, i < 8 ? value[i - 4] : 0);
    hostile_send(p);
}

/* Stale, INIT, stale, INIT ...: no more often than Max.Init.Retransmits, and a preservative that
 * asks for the round trip and at most a second (5.2.6). */
START_TEST(h41_stale_for_ever) {
    static const uint32_t staleness[] = {0, 1, 5000000, 0xffffffffu};
    for (size_t i = 0; i < sizeof staleness / sizeof staleness[0]; i++) {
        struct scripted_peer *p = hostile_peer(USCTP_COOKIE_ECHOED);
        unsigned rounds = 0;
        while (!p->closed) {
            REQUIRE(++rounds <= p->config.max_init_retransmits + 1);
            peer_run_for(p, 100 * MS);
            send_stale(p, 8, staleness[i]);
            if (p->closed)
                break;
            require_state(p, USCTP_COOKIE_WAIT);
            peer_take_init(p);
            size_t bytes;
            const uint8_t *increment = reader_param(&p->took, 9, 0, &bytes);
            if (increment)
                REQUIRE(bytes == 4 && load32(increment) <= 1100);
            peer_init_ack(p);
            peer_add_cookie(p, 64);
            peer_send(p);
            peer_take_packet(p, "COOKIE_ECHO len=64");
        }
        REQUIRE(p->closed_error != 0);
        peer_expect_nothing(p);
        peer_run_for(p, 200 * SECOND);
        peer_expect_nothing(p);
        peer_delete(p);
    }
}
END_TEST

/* A cause of 4 bytes, or of an odd length: nothing is read that is not there. It may count as a
 * Stale Cookie error or not. */
START_TEST(h41_lengths_of_the_cause) {
    for (unsigned length = 0; length < 14; length++) {
        struct scripted_peer *p = hostile_peer(USCTP_COOKIE_ECHOED);
        send_stale(p, length, 0xffffffffu);
        REQUIRE(!p->closed);
        if (length == 8)
            require_state(p, USCTP_COOKIE_WAIT); /* the twin */
        if (length < 4)
            require_state(p, USCTP_COOKIE_ECHOED); /* no cause at all */
        hostile_markers(p);
        if (peer_status(p).state == USCTP_COOKIE_WAIT) {
            peer_take_init(p);
            hostile_carry_on(p, USCTP_COOKIE_WAIT);
        } else {
            hostile_carry_on(p, USCTP_COOKIE_ECHOED);
        }
    }
}
END_TEST

/* In any other state it is silently discarded (5.2.6), in CLOSED too (8.4 rule 7). */
START_TEST(h41_in_other_states) {
    EACH_STATE(state) {
        if (state == USCTP_COOKIE_ECHOED)
            continue;
        struct scripted_peer *p = hostile_peer(state);
        for (unsigned length = 4; length < 12; length++) {
            struct hostile_mark m = hostile_mark(p);
            send_stale(p, length, 0xffffffffu);
            peer_expect_nothing(p);
            hostile_require_unchanged(p, &m, true);
        }
        hostile_markers(p);
        hostile_carry_on(p, state);
    }
}
END_TEST

RUN_TESTS("H23, H24, H26-H28, H41: cookies", h23_bits_flipped, h23_work_does_not_tell_where,
          h23_truncated_extended_empty, h23_mixed, h23_other_ports_and_tags,
          h23_cookie_of_another_endpoint, h23_data_with_a_bad_cookie, h24_expired_without_a_tcb,
          h24_expired_and_other_tags, h24_expired_and_same_tags, h26_keys_that_were_changed,
          h27_cookie_preservative, h27_strange_preservatives, h28_not_the_first_chunk,
          h28_not_the_first_chunk_with_a_tcb, h28_two_cookies, h41_stale_for_ever,
          h41_lengths_of_the_cause, h41_in_other_states)
