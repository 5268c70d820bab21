/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RFC 9260 5.1.3 to 5.1.5, 5.2.6: state cookies that are forged, altered, replayed, expired, of
 * another key.
 *
 * A cookie that arrives while there is an association (5.2.4) is in test_unexpected_setup.c.
 */
#include "support/configs.h"
#include "support/run_tests.h"
#include "support/scripted_peer.h"

#include <string.h>

static struct scripted_peer *with_cookie(void (*configure)(struct usctp_config *)) {
    struct scripted_peer *p = PEER(.configure = configure);
    peer_init(p, p->peer_tag);
    peer_send(p);
    peer_take_init_ack(p);
    return p;
}

static void require_accepted(struct scripted_peer *p) {
    peer_cookie_echo(p);
    peer_send(p);
    peer_take(p, "COOKIE_ACK");
    require_state(p, USCTP_ESTABLISHED);
}

static void require_silence(struct scripted_peer *p) {
    peer_expect_nothing(p);
    REQUIRE_EQ(peer_counters(p).associations, 0);
}

/* 5.1.5 2: each byte counts. */
START_TEST(s5_1_5_altered_anywhere) {
    struct scripted_peer *p = with_cookie(quiet);
    for (size_t at = 0; at < p->cookie_bytes; at++) {
        for (unsigned bit = 1; bit < 256; bit *= 16) {
            p->cookie[at] ^= (uint8_t)bit;
            peer_cookie_echo(p);
            peer_send(p);
            require_silence(p);
            p->cookie[at] ^= (uint8_t)bit;
        }
    }
    require_accepted(p);
    peer_delete(p);
}
END_TEST

START_TEST(s5_1_5_truncated_or_extended) {
    struct scripted_peer *p = with_cookie(quiet);
    size_t bytes = p->cookie_bytes;
    for (size_t left = 0; left < bytes; left++) {
        p->cookie_bytes = left;
        peer_cookie_echo(p);
        peer_send(p);
        require_silence(p);
    }
    for (size_t more = 1; more <= 64; more++) {
        p->cookie[bytes + more - 1] = 0;
        p->cookie_bytes = bytes + more;
        peer_cookie_echo(p);
        peer_send(p);
        require_silence(p);
    }
    p->cookie_bytes = bytes;
    require_accepted(p);
    peer_delete(p);
}
END_TEST

START_TEST(s5_1_5_invented) {
    struct scripted_peer *p = with_cookie(quiet);
    uint64_t state = 7;
    for (int i = 0; i < 200; i++) {
        for (size_t at = 0; at < p->cookie_bytes; at++)
            p->cookie[at] = (uint8_t)random_step(&state);
        peer_cookie_echo(p);
        peer_send(p);
        require_silence(p);
    }
    peer_delete(p);
}
END_TEST

/* 5.1.5 3: ports and verification tag belong to the cookie. */
START_TEST(s5_1_5_other_ports) {
    struct scripted_peer *p = with_cookie(quiet);
    p->peer_port++;
    peer_cookie_echo(p);
    peer_send(p);
    require_silence(p);
    p->peer_port--;
    require_accepted(p);
    peer_delete(p);
}
END_TEST

START_TEST(s5_1_5_other_verification_tag) {
    struct scripted_peer *p = with_cookie(quiet);
    uint32_t tag = p->engine_tag;
    const uint32_t wrong[] = {tag + 1, tag ^ 0x80000000u, p->peer_tag, 1};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        p->engine_tag = wrong[i];
        peer_cookie_echo(p);
        peer_send(p);
        require_silence(p);
    }
    p->engine_tag = tag;
    require_accepted(p);
    peer_delete(p);
}
END_TEST

/* 5.1.5 4: valid for Valid.Cookie.Life, 60 s, and not longer. */
START_TEST(s5_1_5_lifetime) {
    struct scripted_peer *p = with_cookie(quiet);
    peer_run_for(p, 59900 * MS);
    require_accepted(p);
    peer_delete(p);
    p = with_cookie(quiet);
    peer_run_for(p, 60 * SECOND + 10 * MS);
    peer_cookie_echo(p);
    peer_send(p);
    size_t bytes;
    peer_take(p, "ERROR causes=[3]");
    REQUIRE_EQ(p->took_tag, p->peer_tag);
    const uint8_t *value = reader_param(&p->took, 3, 0, &bytes);
    REQUIRE_EQ(bytes, 4);
    uint32_t staleness = load32(value); /* 3.3.10.3: 0, or by how much */
    if (staleness != 0)
        REQUIRE_RANGE(staleness, 9000, 11000);
    require_silence(p);
    peer_delete(p);
}
END_TEST

/* The Stale Cookie error is for good cookies only: a forged old one gets silence. */
START_TEST(s5_1_5_forged_and_old) {
    struct scripted_peer *p = with_cookie(quiet);
    peer_run_for(p, 61 * SECOND);
    p->cookie[p->cookie_bytes - 1] ^= 1;
    peer_cookie_echo(p);
    peer_send(p);
    require_silence(p);
    peer_delete(p);
}
END_TEST

static void short_life(struct usctp_config *config) {
    quiet(config);
    config->valid_cookie_life_us = 500 * MS;
}

START_TEST(s5_1_5_lifetime_is_tunable) {
    struct scripted_peer *p = with_cookie(short_life);
    peer_run_for(p, 450 * MS);
    require_accepted(p);
    peer_delete(p);
    p = with_cookie(short_life);
    peer_run_for(p, 550 * MS);
    peer_cookie_echo(p);
    peer_send(p);
    peer_take(p, "ERROR causes=[3]");
    require_silence(p);
    peer_delete(p);
}
END_TEST

static void fast_keys(struct usctp_config *config) {
    quiet(config);
    config->cookie_key_life_us = 30 * SECOND;
    config->valid_cookie_life_us = 60 * SECOND;
}

/* 5.1.3: keys change; a cookie of the key before is good for its lifetime. */
START_TEST(s5_1_3_previous_key) {
    for (uint64_t age = 0; age <= 30; age += 5) {
        struct scripted_peer *p = PEER(.configure = fast_keys);
        peer_run_for(p, 29 * SECOND);
        peer_init(p, p->peer_tag);
        peer_send(p);
        peer_take_init_ack(p);
        peer_run_for(p, age * SECOND);
        require_accepted(p);
        peer_delete(p);
    }
}
END_TEST

/* The default: keys of an hour. */
START_TEST(s5_1_3_hourly_key) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_run_for(p, 3599 * SECOND);
    peer_init(p, p->peer_tag);
    peer_send(p);
    peer_take_init_ack(p);
    peer_run_for(p, 30 * SECOND);
    require_accepted(p);
    peer_delete(p);
}
END_TEST

/* 5.1.5 1: a cookie whose key is gone is not ours any more. */
START_TEST(s5_1_5_key_is_gone) {
    struct scripted_peer *p = with_cookie(fast_keys);
    for (int i = 0; i < 10; i++) { /* keys change when they are needed */
        peer_run_for(p, 31 * SECOND);
        peer_init(p, p->peer_tag + 1);
        peer_send(p);
        peer_discard(p);
    }
    peer_cookie_echo(p);
    peer_send(p);
    require_silence(p);
    peer_delete(p);
}
END_TEST

/* Another engine's cookie, same addresses and ports. */
START_TEST(s5_1_5_other_engine) {
    struct scripted_peer *a = with_cookie(quiet);
    struct scripted_peer *b = PEER(.configure = quiet, .seed = 99);
    memcpy(b->cookie, a->cookie, a->cookie_bytes);
    b->cookie_bytes = a->cookie_bytes;
    b->engine_tag = a->engine_tag;
    peer_cookie_echo(b);
    peer_send(b);
    require_silence(b);
    peer_delete(a);
    peer_delete(b);
}
END_TEST

/* 3.3.3.1.1: the cookie is all the state there is: many handshakes can be open, and be finished in
 * any order. */
START_TEST(s5_1_3_many_at_once) {
    enum { MANY = 40 };
    static uint8_t cookies[MANY][1024];
    size_t bytes[MANY];
    uint32_t tags[MANY];
    struct scripted_peer *p = PEER(.configure = quiet, .do_not_accept = true);
    for (unsigned i = 0; i < MANY; i++) {
        p->peer_port = (uint16_t)(20000 + i);
        p->peer_tag = 5000 + i;
        peer_init(p, p->peer_tag);
        peer_send(p);
        peer_take_init_ack(p);
        REQUIRE(p->cookie_bytes <= sizeof cookies[i]);
        memcpy(cookies[i], p->cookie, p->cookie_bytes);
        bytes[i] = p->cookie_bytes;
        tags[i] = p->engine_tag;
        for (unsigned k = 0; k < i; k++)
            REQUIRE(tags[k] != tags[i] || engine_env_wraps()); /* 5.3.1 */
    }
    for (unsigned n = 0; n < 10; n++) { /* the backlog is 16 */
        unsigned i = n * 7 % MANY;
        p->peer_port = (uint16_t)(20000 + i);
        p->peer_tag = 5000 + i;
        p->engine_tag = tags[i];
        memcpy(p->cookie, cookies[i], bytes[i]);
        p->cookie_bytes = bytes[i];
        peer_cookie_echo(p);
        peer_send(p);
        peer_take(p, "COOKIE_ACK");
        REQUIRE_EQ(p->took_tag, p->peer_tag);
    }
    REQUIRE_EQ(peer_counters(p).associations, 10);
    peer_delete(p);
}
END_TEST

static void send_stale_error(struct scripted_peer *p) {
    builder_chunk(peer_packet(p), WIRE_ERROR, 0);
    builder_param(&p->out, 3);
    builder_u32(&p->out, 5000);
    peer_send(p);
}

/* 5.2.6: in COOKIE-ECHOED, a new INIT (with a preservative that asks for at most RTT + 1 s), or the
 * end. */
START_TEST(s5_2_6_stale_cookie_error) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_to_state(p, USCTP_COOKIE_ECHOED);
    peer_run_for(p, 300 * MS);
    send_stale_error(p);
    if (p->closed) {
        peer_release(p);
        peer_delete(p);
        return;
    }
    size_t bytes;
    require_state(p, USCTP_COOKIE_WAIT);
    peer_take_init(p);
    const uint8_t *increment = reader_param(&p->took, 9, 0, &bytes);
    if (increment) {
        REQUIRE_EQ(bytes, 4);
        REQUIRE(load32(increment) <= 1300);
    }
    peer_init_ack(p);
    peer_add_cookie(p, 80);
    peer_send(p);
    peer_take(p, "COOKIE_ECHO len=80");
    peer_chunk(p, WIRE_COOKIE_ACK, 0);
    require_state(p, USCTP_ESTABLISHED);
    peer_delete(p);
}
END_TEST

/* 5.2.6: however often the cookie is stale, it ends. */
START_TEST(s5_2_6_stale_for_ever) {
    struct scripted_peer *p = PEER(.configure = quiet);
    peer_to_state(p, USCTP_COOKIE_ECHOED);
    for (int i = 0; i < 50 && !p->closed; i++) {
        send_stale_error(p);
        if (p->closed || !peer_take_if(p, "INIT *"))
            break;
        p->engine_tag = p->took.tag;
        peer_init_ack(p);
        peer_add_cookie(p, 64);
        peer_send(p);
        peer_take(p, "COOKIE_ECHO *");
    }
    peer_run_for(p, 1000 * SECOND); /* or by T1 */
    REQUIRE(p->closed);
    peer_delete(p);
}
END_TEST

/* 5.2.6: in any other state it is silently discarded. */
START_TEST(s5_2_6_stale_cookie_error_elsewhere) {
    static const enum usctp_assoc_state states[] = {
        USCTP_COOKIE_WAIT,   USCTP_ESTABLISHED,       USCTP_SHUTDOWN_PENDING,
        USCTP_SHUTDOWN_SENT, USCTP_SHUTDOWN_RECEIVED, USCTP_SHUTDOWN_ACK_SENT};
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        struct scripted_peer *p = PEER(.configure = quiet);
        peer_to_state(p, states[i]);
        send_stale_error(p);
        require_state(p, states[i]);
        peer_expect_nothing(p);
        peer_delete(p);
    }
}
END_TEST

RUN_TESTS("state cookie (RFC 9260 5.1.3-5.1.5)", s5_1_5_altered_anywhere,
          s5_1_5_truncated_or_extended, s5_1_5_invented, s5_1_5_other_ports,
          s5_1_5_other_verification_tag, s5_1_5_lifetime, s5_1_5_forged_and_old,
          s5_1_5_lifetime_is_tunable, s5_1_3_previous_key, s5_1_3_hourly_key, s5_1_5_key_is_gone,
          s5_1_5_other_engine, s5_1_3_many_at_once, s5_2_6_stale_cookie_error,
          s5_2_6_stale_for_ever, s5_2_6_stale_cookie_error_elsewhere)
