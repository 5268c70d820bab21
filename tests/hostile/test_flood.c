/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * H21, H52, H99, H104: INITs, cookies, fragments and associations in such numbers that only limits
 * help, and the secrets that make cookies (RFC 9260 5.1, 5.1.3, 6.2, 6.9, 12.2.4).
 */
#include "support/hostile.h"

#include "api/env_host.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- H21 ---- */

/* Puts packets in without looking at what comes out; returns how many come out. */
static size_t put_and_drain(struct scripted_peer *p, const struct usctp_packet *packets,
                            size_t count) {
    static uint8_t memory[65536];
    struct usctp_packet out[64];
    usctp_engine_input(p->engine, packets, count, p->now_us);
    size_t drained = 0;
    for (;;) {
        struct usctp_batch batch = {
            .memory = memory, .memory_bytes = sizeof memory, .packets = out, .max_packets = 64};
        size_t n = usctp_engine_output(p->engine, &batch, p->now_us);
        if (n == 0)
            return drained;
        drained += n;
    }
}

enum { BATCH = 50, BATCHES = 20000 };

/* 1,000,000 INITs of as many sources, 50 in each half of a millisecond: no memory stays, one keyed
 * hash for each that is answered, no more answers than allowed; an association goes on beside them.
 */
START_TEST(h21_init_flood) {
    static uint8_t bytes[BATCH][64];
    struct usctp_packet packets[BATCH];
    struct scripted_peer *p = hostile_peer(USCTP_ESTABLISHED);
    p->env.capture.enabled = false;
    struct hostile_mark m = hostile_mark(p);
    uint64_t macs = p->env.mac_calls, began_us = p->now_us, largest = 0;
    uint16_t peer_port = p->peer_port;
    size_t replies = 0;
    memset(packets, 0, sizeof packets);
    for (unsigned batch = 0; batch < BATCHES; batch++) {
        for (unsigned i = 0; i < BATCH; i++) {
            unsigned n = batch * BATCH + i;
            p->peer_port = (uint16_t)(1 + n % 65000);
            peer_init(p, 1 + n);
            packets[i].length = (uint32_t)hostile_close(p);
            REQUIRE(packets[i].length <= sizeof bytes[i]);
            memcpy(bytes[i], p->out.bytes, packets[i].length);
            packets[i].data = bytes[i];
            packets[i].source = (struct usctp_addr){
                .family = USCTP_FAMILY_IPV4,
                .ipv4 = {10, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n}};
            packets[i].destination = p->engine_addr[0];
        }
        p->peer_port = peer_port;
        p->now_us += 500;
        usctp_engine_advance(p->engine, p->now_us);
        replies += put_and_drain(p, packets, BATCH);
        largest = p->env.live_bytes > largest ? p->env.live_bytes : largest;
    }
    uint64_t rate = p->config.init_acks_per_second;
    uint64_t allowed = (p->now_us - began_us) * rate / SECOND;
    REQUIRE_RANGE(replies, allowed - 2, allowed + rate / 10 + 2);
    REQUIRE_EQ(p->env.mac_calls - macs, replies); /* nothing is spent on the others */
    REQUIRE_EQ(p->env.live_bytes, m.live_bytes);
    REQUIRE_EQ(p->env.live_blocks, m.live_blocks);
    REQUIRE_EQ(largest, m.live_bytes);
    REQUIRE(p->env.peak_bytes - m.live_bytes < 512 * 1024); /* the ring of replies */
    struct usctp_engine_counters now = peer_counters(p);
    REQUIRE_EQ(now.associations, 1);
    REQUIRE_EQ(now.packets_in - m.counters.packets_in, (uint64_t)BATCH * BATCHES);
    REQUIRE_EQ(now.memory_bytes, m.counters.memory_bytes);
    REQUIRE_EQ(now.init_acks - m.counters.init_acks, replies);
    REQUIRE_EQ(now.init_acks_limited - m.counters.init_acks_limited,
               (uint64_t)BATCH * BATCHES - replies);
    REQUIRE_EQ(now.replies, m.counters.replies);
    hostile_carry_on(p, USCTP_ESTABLISHED);
}
END_TEST

/* While the flood goes on, an association transfers and another can be set up now and then. */
START_TEST(h21_transfer_through_a_flood) {
    struct scripted_peer *p = hostile_peer(USCTP_ESTABLISHED);
    p->env.capture.enabled = false;
    const struct usctp_addr source = {.family = USCTP_FAMILY_IPV4, .ipv4 = {10, 1, 1, 1}};
    for (int round = 0; round < 200; round++) {
        for (unsigned i = 0; i < 20; i++) {
            peer_init(p, 1 + i);
            struct usctp_packet packet = {
                .data = p->out.bytes, .source = source, .destination = p->engine_addr[0]};
            packet.length = (uint32_t)hostile_close(p);
            put_and_drain(p, &packet, 1);
        }
        peer_data(p, round, 0, (unsigned)round, BIT_BE, 500);
        user_expect(p, 0, (unsigned)round, 500);
        peer_run_for(p, 250 * MS); /* a delayed SACK is not forgotten */
        REQUIRE(peer_count(p, "SACK *") >= 1);
        peer_discard(p);
    }
    peer_delete(p);
}
END_TEST

/* Cookies of nobody's: two keyed hashes each at most, and nothing for what is no cookie of ours by
 * its size alone. */
START_TEST(h21_cookie_flood) {
    struct scripted_peer *p = hostile_peer(USCTP_CLOSED);
    p->env.capture.enabled = false;
    struct saved_cookie *cookie = hostile_new_cookie(p, 1, 1);
    struct hostile_mark m = hostile_mark(p);
    uint64_t macs = p->env.mac_calls, random = 3;
    for (unsigned i = 0; i < 5000; i++) {
        struct saved_cookie other = *cookie;
        for (size_t at = 0; at < other.count; at += 8)
            other.bytes[at] ^= (uint8_t)(1 + random_step(&random) % 255);
        hostile_cookie_echo(p, &other);
        hostile_send(p);
    }
    peer_expect_nothing(p);
    REQUIRE(p->env.mac_calls - macs <= 2 * 5000);
    REQUIRE_EQ(p->env.live_bytes, m.live_bytes);
    REQUIRE_EQ(peer_counters(p).dropped[USCTP_DROP_COOKIE] - m.counters.dropped[USCTP_DROP_COOKIE],
               5000);
    free(cookie);
    hostile_carry_on(p, USCTP_CLOSED);
}
END_TEST

/* ---- H52 ---- */

enum { BUFFER_BYTES = 20000, CAP_BYTES = 4 * BUFFER_BYTES + 65535 + 65536 };

static void small_buffer(struct usctp_config *config) {
    quiet(config);
    config->receive_buffer_bytes = BUFFER_BYTES;
}

struct trickle {
    const char *what;
    int step;      /* from TSN to TSN: 2 leaves gaps for ever */
    int first;     /* TSN; 1: 0 never comes */
    unsigned bits; /* of all but the first chunk */
    unsigned first_bits;
    bool other_stream; /* each on another stream */
    bool other_ssn;    /* each with the next SSN, 0 never comes */
};

/* 40,000 chunks of a byte each, of messages that never are whole or that nobody reads: what is held
 * is bounded with all that holding costs, the window that is told shuts, each packet has at most
 * one SACK; the association lives, or was aborted. */
static void trickle(const struct trickle *t) {
    struct scripted_peer *p =
        hostile_peer_with(USCTP_ESTABLISHED, (struct peer_options){.configure = small_buffer});
    p->env.capture.enabled = false;
    uint64_t before = p->env.live_bytes, most = 0;
    uint32_t rwnd = BUFFER_BYTES;
    int tsn = t->first;
    for (unsigned packet = 0; packet < 1000 && !p->closed; packet++) {
        peer_packet(p);
        for (unsigned i = 0; i < 40; i++, tsn += t->step) {
            unsigned n = packet * 40 + i;
            const struct builder_data data = {
                .tsn = p->peer_tsn + (uint32_t)tsn,
                .sid = (uint16_t)(t->other_stream ? n % 10 : 0),
                .ssn = (uint16_t)(t->other_ssn ? n / (t->other_stream ? 10 : 1) + 1 : 0),
                .bits = n == 0 ? t->first_bits : t->bits};
            builder_data_chunk(&p->out, &data, "x", 1);
        }
        hostile_send(p);
        REQUIRE(peer_count(p, "SACK *") <= 1);
        if (peer_take_if(p, "SACK *"))
            rwnd = p->took.rwnd;
        peer_discard(p);
        most = p->env.live_bytes > most ? p->env.live_bytes : most;
    }
    if (most - before > CAP_BYTES)
        test_fail(__FILE__, __LINE__, "%s: %llu bytes are held", t->what,
                  (unsigned long long)(most - before));
    if (!p->closed) {
        REQUIRE(rwnd < BUFFER_BYTES / 2);
        REQUIRE(peer_status(p).counters.dropped_data_chunks > 0);
        require_state(p, USCTP_ESTABLISHED);
        peer_chunk(p, WIRE_ABORT, 0);
    }
    peer_release(p);
    peer_delete(p);
}

START_TEST(h52_never_complete) {
    static const struct trickle all[] = {
        {"a message without end", 1, 0, 0, BIT_B, false, false},
        {"an unordered message without end", 1, 0, BIT_U, BIT_B | BIT_U, false, false},
        {"a message without beginning", 1, 1, 0, 0, false, false},
        {"beginnings, with gaps, one stream", 2, 1, BIT_B, BIT_B, false, true},
        {"beginnings, with gaps, all streams", 2, 1, BIT_B, BIT_B, true, true},
        {"unordered beginnings, with gaps", 2, 1, BIT_B | BIT_U, BIT_B | BIT_U, true, false},
        {"ends, with gaps", 2, 1, BIT_E, BIT_E, true, true},
        {"middles, with gaps", 2, 1, 0, 0, true, true},
        {"messages that wait for SSN 0", 1, 0, BIT_BE, BIT_BE, false, true},
        {"messages that wait for SSN 0, all streams", 1, 0, BIT_BE, BIT_BE, true, true},
        {"messages with gaps", 2, 1, BIT_BE, BIT_BE, true, true},
        {"unordered messages that nobody reads", 1, 0, BIT_BE | BIT_U, BIT_BE | BIT_U, false,
         false},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        trickle(&all[i]);
}
END_TEST

/* The twin: the same trickle as whole messages that are read is delivered for ever. */
START_TEST(h52_that_are_read) {
    struct scripted_peer *p =
        hostile_peer_with(USCTP_ESTABLISHED, (struct peer_options){.configure = small_buffer});
    p->env.capture.enabled = false;
    for (int tsn = 0; tsn < 8000; tsn += 40) {
        peer_packet(p);
        for (int i = 0; i < 40; i++)
            peer_add_data(p, tsn + i, 0, (unsigned)(tsn + i) & 0xffffu, BIT_BE, 1);
        hostile_send(p);
        for (int i = 0; i < 40; i++)
            user_expect(p, 0, (unsigned)(tsn + i) & 0xffffu, 1);
        peer_discard(p);
    }
    REQUIRE_EQ(peer_status(p).counters.dropped_data_chunks, 0);
    peer_delete(p);
}
END_TEST

/* ---- H99 ---- */

static void eight_associations(struct usctp_config *config) {
    quiet(config);
    config->max_associations = 8;
}

static void handshake_from(struct scripted_peer *p, uint16_t port) {
    p->peer_port = port;
    peer_init(p, p->peer_tag);
    peer_send(p);
    peer_take_init_ack(p);
    peer_cookie_echo(p);
    hostile_send(p);
}

/* All that there may be: the next is refused, and counted; when one has ended there is room again.
 */
START_TEST(h99_cap_of_the_engine) {
    struct scripted_peer *p =
        hostile_peer_with(USCTP_CLOSED, (struct peer_options){.configure = eight_associations});
    for (uint16_t i = 0; i < 8; i++) {
        handshake_from(p, (uint16_t)(7000 + i));
        peer_take_packet(p, "COOKIE_ACK");
    }
    int32_t last = p->assoc;
    REQUIRE_EQ(peer_counters(p).associations, 8);
    for (uint16_t i = 0; i < 20; i++) {
        p->assoc = 0;
        p->peer_port = (uint16_t)(8000 + i);
        peer_init(p, p->peer_tag);
        peer_send(p);
        if (peer_take_if(p, "INIT_ACK *")) {
            size_t bytes;
            const uint8_t *cookie = reader_param(&p->took, 7, 0, &bytes);
            REQUIRE(cookie != NULL && bytes <= sizeof p->cookie);
            memcpy(p->cookie, cookie, bytes);
            p->cookie_bytes = bytes;
            p->engine_tag = p->took.tag;
            struct hostile_mark m = hostile_mark(p);
            peer_cookie_echo(p);
            hostile_send(p);
            peer_expect_none(p, "COOKIE_ACK");
            REQUIRE(hostile_drops(p, &m) >= 1);
            REQUIRE_EQ(p->env.live_bytes, m.live_bytes);
        }
        peer_take_packet(p, "ABORT T=0 causes=[4]"); /* 5.1: lack of resources */
        REQUIRE_EQ(p->took_tag, p->peer_tag);
        peer_expect_nothing(p);
        REQUIRE_EQ(peer_counters(p).associations, 8);
    }
    REQUIRE_EQ(usctp_assoc_abort(p->engine, last, NULL, 0, p->now_us), 0);
    usctp_assoc_release(p->engine, last, p->now_us);
    peer_pump(p);
    peer_discard(p);
    REQUIRE_EQ(peer_counters(p).associations, 7);
    handshake_from(p, 9000);
    peer_take_packet(p, "COOKIE_ACK");
    peer_delete(p);
}
END_TEST

/* The backlog is full of associations that nobody accepts: refused, counted (5.1). */
START_TEST(h99_backlog) {
    struct scripted_peer *p =
        hostile_peer_with(USCTP_CLOSED, (struct peer_options){.do_not_accept = true});
    struct saved_cookie *cookie = hostile_new_cookie(p, 5, 5); /* of before it was full */
    uint16_t early_port = p->peer_port;
    for (uint16_t i = 0; i < 16; i++) {
        handshake_from(p, (uint16_t)(7000 + i));
        peer_take_packet(p, "COOKIE_ACK");
    }
    uint64_t full = peer_counters(p).backlog_full;
    p->peer_port = 7999;
    peer_init(p, 6);
    hostile_answered(p, "ABORT T=0 causes=[4]");
    REQUIRE_EQ(p->took_tag, 6);
    p->peer_port = early_port;
    hostile_cookie_echo(p, cookie);
    hostile_answered(p, "ABORT T=0 causes=[4]");
    REQUIRE_EQ(p->took_tag, 5);
    REQUIRE_EQ(peer_counters(p).backlog_full, full + 2);
    REQUIRE_EQ(peer_counters(p).associations, 16);
    free(cookie);
    peer_delete(p);
}
END_TEST

/* A peer that says nothing after its cookie is found out by heartbeats (8.1, 8.3), whether it was
 * accepted or still waits: its place in the backlog is free again. */
START_TEST(h99_silent_peers_are_found_out) {
    for (unsigned accept = 0; accept < 2; accept++) {
        struct scripted_peer *p = PEER(.hold_heartbeats = true, .do_not_accept = accept == 0);
        for (uint16_t i = 0; i < 16; i++) {
            handshake_from(p, (uint16_t)(7000 + i));
            peer_take(p, "COOKIE_ACK");
        }
        p->env.capture.enabled = false;
        for (unsigned minute = 0; minute < 60; minute++) {
            peer_run_for(p, 60 * SECOND);
            peer_discard(p);
        }
        if (accept) {
            require_closed(p, USCTP_ERR_UNREACHABLE);
        } else {
            handshake_from(p, 8000);
            peer_take(p, "COOKIE_ACK");
        }
        peer_delete(p);
    }
}
END_TEST

/* ---- H104 ---- */

/* What makes a cookie good is the secret: an engine with the same random numbers takes it, with
 * others not. */
START_TEST(h104_secrets_of_two_engines) {
    for (uint64_t seed = 1; seed < 20; seed++) {
        struct scripted_peer *a = hostile_peer(USCTP_CLOSED); /* its seed is 1 */
        struct scripted_peer *b =
            hostile_peer_with(USCTP_CLOSED, (struct peer_options){.seed = seed});
        struct saved_cookie *cookie = hostile_new_cookie(a, 7, 7);
        hostile_cookie_echo(b, cookie);
        if (seed == 1) {
            hostile_send(b);
            peer_take_packet(b, "COOKIE_ACK");
        } else {
            hostile_drop(b, USCTP_DROP_COOKIE);
        }
        free(cookie);
        peer_delete(a);
        peer_delete(b);
    }
}
END_TEST

struct recorder {
    struct engine_env env;
    struct usctp_random inner;
    uint8_t secrets[16][64];
    size_t count, bytes[16];
};

/* Remembers what was asked for as a key: more than an integer. */
static void record(void *user, void *out, size_t bytes) {
    struct recorder *r = user;
    r->inner.fill(r->inner.user, out, bytes);
    if (bytes < 16 || bytes > 64 || r->count == 16)
        return;
    memcpy(r->secrets[r->count], out, bytes);
    r->bytes[r->count++] = bytes;
}

static bool shows(const struct recorder *r, const uint8_t *packet, size_t bytes) {
    for (size_t s = 0; s < r->count; s++)
        for (size_t at = 0; at + 8 <= bytes; at++)
            for (size_t k = 0; k + 8 <= r->bytes[s]; k++)
                if (memcmp(packet + at, r->secrets[s] + k, 8) == 0)
                    return true;
    return false;
}

/* Not eight bytes of a key go out with a cookie. */
START_TEST(h104_keys_do_not_show) {
    static struct recorder r;
    static uint8_t memory[65536];
    struct packet_builder *b = calloc(1, sizeof *b);
    REQUIRE(b != NULL);
    engine_env_init(&r.env, "engine", 5);
    r.inner = r.env.environment.random;
    r.env.environment.random = (struct usctp_random){record, &r};
    struct usctp_engine *engine = usctp_engine_new(&r.env.environment, NULL, SECOND);
    REQUIRE(engine != NULL && r.count > 0);
    const struct usctp_addr here = {.family = USCTP_FAMILY_IPV4, .ipv4 = {198, 51, 100, 1}};
    const struct usctp_addr there = {.family = USCTP_FAMILY_IPV4, .ipv4 = {198, 51, 100, 2}};
    const struct usctp_endpoint_options options = {
        .port = 5001, .addresses = &here, .address_count = 1, .ipv4 = true};
    int32_t endpoint = usctp_endpoint_open(engine, &options);
    REQUIRE(endpoint >= 3);
    REQUIRE_EQ(usctp_endpoint_listen(engine, endpoint, 4), 0);
    for (uint32_t i = 1; i < 50; i++) {
        const struct builder_init init = {.tag = i, .rwnd = 9000, .os = 1, .mis = 1, .tsn = i};
        builder_start(b, (uint16_t)(6000 + i), 5001, 0);
        builder_init_chunk(b, WIRE_INIT, &init);
        builder_finish(b);
        const struct usctp_packet in = {
            .data = b->bytes, .length = (uint32_t)b->used, .source = there, .destination = here};
        struct usctp_packet out[4];
        struct usctp_batch batch = {
            .memory = memory, .memory_bytes = sizeof memory, .packets = out, .max_packets = 4};
        uint64_t now_us = SECOND + i * 600 * SECOND; /* keys change as well */
        usctp_engine_advance(engine, now_us);
        usctp_engine_input(engine, &in, 1, now_us);
        REQUIRE_EQ(usctp_engine_output(engine, &batch, now_us), 1);
        REQUIRE(!shows(&r, out[0].data, out[0].length));
    }
    REQUIRE(r.count >= 2);                        /* there were several */
    REQUIRE(shows(&r, r.secrets[1], r.bytes[1])); /* the search finds what is there */
    usctp_engine_delete(engine);
    engine_env_require_empty(&r.env);
    engine_env_free(&r.env);
    free(b);
}
END_TEST

/* The host's random numbers: a child after fork, and its parent, go on differently. */
START_TEST(h104_random_numbers_after_fork) {
    struct env_host host;
    struct usctp_environment environment;
    uint8_t first[32], mine[32], childs[32];
    int ends[2];
    memset(&environment, 0, sizeof environment);
    REQUIRE_EQ(env_host_init(&host, &environment), 0);
    environment.random.fill(environment.random.user, first, sizeof first);
    REQUIRE_EQ(pipe(ends), 0);
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        environment.random.fill(environment.random.user, childs, sizeof childs);
        _exit(write(ends[1], childs, sizeof childs) == (ssize_t)sizeof childs ? 0 : 1);
    }
    environment.random.fill(environment.random.user, mine, sizeof mine);
    REQUIRE_EQ(read(ends[0], childs, sizeof childs), sizeof childs);
    int status;
    REQUIRE_EQ(waitpid(child, &status, 0), child);
    REQUIRE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    REQUIRE(memcmp(mine, childs, sizeof mine) != 0);
    REQUIRE(memcmp(mine, first, sizeof mine) != 0);
    close(ends[0]);
    close(ends[1]);
    env_host_free(&host);
}
END_TEST

RUN_TESTS("H21, H52, H99, H104: floods and secrets", h21_init_flood, h21_transfer_through_a_flood,
          h21_cookie_flood, h52_never_complete, h52_that_are_read, h99_cap_of_the_engine,
          h99_backlog, h99_silent_peers_are_found_out, h104_secrets_of_two_engines,
          h104_keys_do_not_show, h104_random_numbers_after_fork)
