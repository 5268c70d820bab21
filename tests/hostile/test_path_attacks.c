/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * H42, H43, H81 to H83, H85: heartbeats that are forged, large or many; addresses of others listed
 * as the peer's: to keep their owners out, or to have them bombed (RFC 9260 5.4, 8.1 to 8.3, 12.4;
 * RFC 5062 2, 5, 6, 10).
 */
#include "support/hostile.h"

#include <stdlib.h>
#include <string.h>

/* ---- H42 ---- */

/* An association of two paths, the second UNCONFIRMED; its HEARTBEAT is taken and not answered. */
static struct scripted_peer *with_unconfirmed(uint8_t *info, size_t *bytes) {
    struct scripted_peer *p = hostile_peer_with(
        USCTP_ESTABLISHED, (struct peer_options){.paths = 2, .hold_heartbeats = true});
    peer_take(p, "HEARTBEAT *");
    REQUIRE_EQ(p->took_path, 1);
    REQUIRE(p->took.value_bytes <= 256);
    memcpy(info, p->took.value, p->took.value_bytes);
    *bytes = p->took.value_bytes;
    REQUIRE_EQ(peer_path(p, 1).state, USCTP_PATH_STATE_UNCONFIRMED);
    return p;
}

/* A HEARTBEAT ACK that is not the answer, on either path: nothing changes. */
static void ignored(struct scripted_peer *p, const uint8_t *value, size_t bytes, unsigned path) {
    builder_chunk(peer_packet(p), WIRE_HEARTBEAT_ACK, 0);
    builder_bytes(&p->out, value, bytes);
    struct hostile_mark m = hostile_mark(p);
    hostile_put(p, hostile_close(p), &p->peer_addr[path], &p->engine_addr[path]);
    hostile_require_silence(p, &m, COUNTED_SOMEHOW, false);
    REQUIRE_EQ(peer_path(p, 1).state, USCTP_PATH_STATE_UNCONFIRMED);
}

static void confirm(struct scripted_peer *p, const uint8_t *value, size_t bytes) {
    builder_chunk(peer_packet(p), WIRE_HEARTBEAT_ACK, 0);
    builder_bytes(&p->out, value, bytes);
    peer_send_on(p, 1);
    REQUIRE_EQ(peer_path(p, 1).state, USCTP_PATH_STATE_ACTIVE);
    REQUIRE_EQ(peer_path(p, 1).heartbeat_acks_in, 1);
}

/* Every byte of what was sent counts: nonce, address, path. The twin confirms. */
START_TEST(h42_altered_info) {
    uint8_t info[256];
    size_t bytes;
    struct scripted_peer *p = with_unconfirmed(info, &bytes);
    for (size_t bit = 0; bit < 8 * bytes; bit++) {
        info[bit / 8] ^= (uint8_t)(1u << bit % 8);
        ignored(p, info, bytes, bit % 2);
        info[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    confirm(p, info, bytes);
    peer_delete(p);
}
END_TEST

START_TEST(h42_lengths) {
    uint8_t info[256] = {0};
    size_t bytes;
    struct scripted_peer *p = with_unconfirmed(info, &bytes);
    for (size_t n = 0; n < bytes; n++)
        ignored(p, info, n, 1); /* the parameter says more than there is */
    for (size_t n = 4; n < bytes + 40; n++) {
        if (n == bytes)
            continue;
        uint8_t other[300] = {0};
        memcpy(other, info, bytes);
        other[2] = (uint8_t)(n >> 8); /* a parameter of another length */
        other[3] = (uint8_t)n;
        ignored(p, other, n, 1);
    }
    uint8_t other[256];
    memcpy(other, info, bytes);
    other[3] = 3;
    ignored(p, other, bytes, 1);
    confirm(p, info, bytes);
    peer_delete(p);
}
END_TEST

/* Of no HEARTBEAT at all; of another parameter. */
START_TEST(h42_unknown_info) {
    uint8_t info[256];
    size_t bytes;
    struct scripted_peer *p = with_unconfirmed(info, &bytes);
    uint8_t other[256];
    for (unsigned fill = 0; fill < 256; fill += 51) {
        memset(other, (int)fill, sizeof other);
        memcpy(other, info, 4);
        ignored(p, other, bytes, 1);
    }
    confirm(p, info, bytes);
    peer_delete(p);
}
END_TEST

/* An old one, that was right: after the next HEARTBEAT has gone out it confirms nothing and
 * measures nothing. */
START_TEST(h42_old_answer) {
    uint8_t old[256], info[256];
    size_t bytes;
    struct scripted_peer *p = with_unconfirmed(old, &bytes);
    peer_wait(p, "HEARTBEAT *", 5 * SECOND);
    REQUIRE_EQ(p->took_path, 1);
    REQUIRE_EQ(p->took.value_bytes, bytes);
    memcpy(info, p->took.value, bytes);
    REQUIRE(memcmp(old, info, bytes) != 0); /* 5.4: another nonce */
    ignored(p, old, bytes, 1);
    confirm(p, info, bytes);
    peer_delete(p);
}
END_TEST

/* The answer twice: it counts once. */
START_TEST(h42_answer_again) {
    uint8_t info[256];
    size_t bytes;
    struct scripted_peer *p = with_unconfirmed(info, &bytes);
    confirm(p, info, bytes);
    struct usctp_path_status before = peer_path(p, 1);
    peer_run_for(p, 10 * SECOND);
    peer_discard(p);
    builder_chunk(peer_packet(p), WIRE_HEARTBEAT_ACK, 0);
    builder_bytes(&p->out, info, bytes);
    peer_send_on(p, 1);
    REQUIRE_EQ(peer_path(p, 1).heartbeat_acks_in, 1);
    REQUIRE_EQ(peer_path(p, 1).srtt_us, before.srtt_us); /* 10 s were not measured */
    peer_delete(p);
}
END_TEST

/* In states that know no HEARTBEAT of ours, and where nothing was sent. */
START_TEST(h42_in_every_state) {
    EACH_TCB_STATE(state) {
        struct scripted_peer *p = hostile_peer(state);
        for (unsigned n = 0; n < 60; n += 4) {
            struct hostile_mark m = hostile_mark(p);
            builder_chunk(peer_packet(p), WIRE_HEARTBEAT_ACK, 0);
            builder_param(&p->out, 1);
            builder_fill(&p->out, 0, n);
            hostile_send(p);
            hostile_require_silence(p, &m, COUNTED_SOMEHOW, state == USCTP_SHUTDOWN_SENT);
        }
        hostile_carry_on(p, state);
    }
}
END_TEST

/* ---- H43 ---- */

/* A HEARTBEAT of any size: its echo is one packet of the same size, or it is not answered. */
START_TEST(h43_large_heartbeats) {
    static const size_t sizes[] = {0,    1,    4,    100,  1000,  1456, 1460,
                                   1461, 1500, 2000, 9000, 32768, 65480};
    static const enum usctp_assoc_state states[] = {USCTP_ESTABLISHED, USCTP_SHUTDOWN_PENDING,
                                                    USCTP_SHUTDOWN_RECEIVED};
    for (size_t i = 0; i < 3; i++) {
        struct scripted_peer *p = hostile_peer(states[i]);
        for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
            struct hostile_mark m = hostile_mark(p);
            builder_chunk(peer_packet(p), WIRE_HEARTBEAT, 0);
            builder_param(&p->out, 1);
            builder_fill(&p->out, 0x5c, sizes[k]);
            size_t sent = hostile_close(p);
            hostile_put(p, sent, &p->peer_addr[0], &p->engine_addr[0]);
            REQUIRE(peer_count_packets(p) <= 1);
            REQUIRE(peer_count_packets(p) == 1 || sizes[k] > 1456);
            if (peer_take_if(p, "HEARTBEAT_ACK *")) {
                hostile_require_reply_to(p, p->peer_tag);
                REQUIRE_EQ(p->took_packet.length, sent);
                REQUIRE(memcmp(p->took.value, p->out.bytes + 16, 4 + sizes[k]) == 0); /* 8.3 */
            } else {
                REQUIRE_EQ(hostile_drops(p, &m), 1);
            }
            peer_expect_nothing(p);
            hostile_require_unchanged(p, &m, false);
            REQUIRE_EQ(p->env.live_bytes, m.live_bytes);
        }
        hostile_carry_on(p, states[i]);
    }
}
END_TEST

/* A flood of them while nothing can be sent: what waits is bounded and counted. */
START_TEST(h43_heartbeat_flood) {
    struct scripted_peer *p = hostile_peer(USCTP_ESTABLISHED);
    struct hostile_mark m = hostile_mark(p);
    for (unsigned i = 0; i < 1000; i++) {
        builder_chunk(peer_packet(p), WIRE_HEARTBEAT, 0);
        builder_param(&p->out, 1);
        builder_fill(&p->out, i, 1400);
        struct usctp_packet packet = {
            .data = p->out.bytes, .source = p->peer_addr[0], .destination = p->engine_addr[0]};
        packet.length = (uint32_t)hostile_close(p);
        usctp_engine_input(p->engine, &packet, 1, p->now_us); /* output is not pulled */
    }
    REQUIRE(p->env.live_bytes - m.live_bytes <= 32 * 1600); /* max_control_chunks */
    REQUIRE_EQ(peer_status(p).counters.dropped_control_chunks, 1000 - 32);
    peer_pump(p);
    REQUIRE_EQ(peer_count(p, "HEARTBEAT_ACK *"), 32);
    peer_discard(p);
    REQUIRE_EQ(p->env.live_bytes, m.live_bytes);
    hostile_carry_on(p, USCTP_ESTABLISHED);
}
END_TEST

/* An answer that is wanted at an address that is not confirmed may go there (5.4), nothing more. */
START_TEST(h43_heartbeat_from_an_unconfirmed_address) {
    uint8_t info[256];
    size_t bytes;
    struct scripted_peer *p = with_unconfirmed(info, &bytes);
    builder_chunk(peer_packet(p), WIRE_HEARTBEAT, 0);
    builder_param(&p->out, 1);
    builder_fill(&p->out, 3, 40);
    peer_send_on(p, 1);
    peer_take_packet(p, "HEARTBEAT_ACK len=44");
    REQUIRE_EQ(p->took_path, 1); /* 3.3.6: to where it came from */
    REQUIRE_EQ(peer_path(p, 1).state, USCTP_PATH_STATE_UNCONFIRMED);
    peer_expect_nothing(p);
    peer_delete(p);
}
END_TEST

/* ---- H81 ---- */

/* Path 0 is the attacker, who answers; path 1 the victim whose address he lists, who does not. */
static struct scripted_peer *camped(void) {
    struct scripted_peer *p = PEER(.paths = 2);
    p->cut[1] = true;
    peer_init(p, p->peer_tag);
    peer_add_addresses(p, 0, 2);
    peer_send(p);
    peer_take_init_ack(p);
    peer_cookie_echo(p);
    peer_send(p);
    peer_take(p, "COOKIE_ACK");
    REQUIRE_EQ(peer_status(p).path_count, 2);
    REQUIRE_EQ(peer_path(p, 1).state, USCTP_PATH_STATE_UNCONFIRMED);
    return p;
}

/* Looks at what was sent to the victim since *from: HEARTBEATs, and no large ones (RFC 5062 6.3).
 * The attacker answers each as well as he can: he does not see the nonce. */
static unsigned probes_of_victim(struct scripted_peer *p, size_t *from) {
    unsigned probes = 0;
    for (; *from < p->seen_count; (*from)++) {
        const struct seen_packet *seen = p->seen[*from];
        if (seen->path != 1)
            continue;
        const struct read_chunk *chunk = &seen->read.chunk[0];
        uint8_t info[64];
        REQUIRE_EQ(seen->read.chunk_count, 1);
        REQUIRE_EQ(chunk->type, WIRE_HEARTBEAT); /* 5.4 */
        REQUIRE(chunk->value_bytes <= sizeof info);
        probes++;
        memcpy(info, chunk->value, chunk->value_bytes);
        info[6] ^= 1;
        builder_chunk(peer_packet(p), WIRE_HEARTBEAT_ACK, 0);
        builder_bytes(&p->out, info, chunk->value_bytes);
        peer_send_on(p, 1);
    }
    return probes;
}

/* The victim's address stays UNCONFIRMED, is asked once an RTO until it is given up, and gets
 * nothing else. */
START_TEST(h81_camped_address_is_probed) {
    struct scripted_peer *p = camped();
    uint64_t began_us = p->now_us, confirmed_until_us = p->now_us;
    size_t from = 0;
    unsigned probes = 0;
    while (p->now_us - began_us < 130 * SECOND) { /* 1 + 2 + 4 + 8 + 16 + 32 s of RTO, twice */
        probes += probes_of_victim(p, &from);
        peer_run_for(p, SECOND);
        int index = usctp_path_find(p->engine, p->assoc, &p->peer_addr[1]);
        if (index < 0)
            break; /* it is not the peer's any more */
        REQUIRE(peer_path(p, 1).state != USCTP_PATH_STATE_ACTIVE);
        if (peer_path(p, 1).state == USCTP_PATH_STATE_INACTIVE)
            break;
        confirmed_until_us = p->now_us;
    }
    REQUIRE_EQ(probes, p->config.path_max_retrans + 1); /* 8.2 */
    REQUIRE(confirmed_until_us - began_us < 70 * SECOND);
    REQUIRE_EQ(peer_path(p, 0).state, USCTP_PATH_STATE_ACTIVE);
    require_state(p, USCTP_ESTABLISHED); /* 5.4: the association's count is not touched */
    peer_delete(p);
}
END_TEST

/* The victim's own INIT, from its own address and listing another of its own, is refused as long as
 * the address may be the attacker's (5.2.2), and answered when it has turned out that it is not. */
START_TEST(h81_victim_connects) {
    struct scripted_peer *p = camped();
    const struct usctp_addr other = {.family = USCTP_FAMILY_IPV4, .ipv4 = {203, 0, 113, 77}};
    for (unsigned late = 0; late < 2; late++) {
        if (late)
            peer_run_for(p, 600 * SECOND); /* nobody answers the probes */
        require_state(p, USCTP_ESTABLISHED);
        peer_discard(p);
        peer_init(p, 0x71c71c71u);
        builder_param(&p->out, 5);
        builder_bytes(&p->out, p->peer_addr[1].ipv4, 4);
        builder_param(&p->out, 5);
        builder_bytes(&p->out, other.ipv4, 4);
        peer_send_on(p, 1);
        peer_take_packet(p, late ? "INIT_ACK *" : "ABORT T=0 causes=[11*");
        REQUIRE_EQ(p->took_tag, 0x71c71c71u);
        REQUIRE_EQ(p->took_path, 1);
    }
    peer_delete(p);
}
END_TEST

/* ---- H82 ---- */

enum { VICTIMS = 31 };

static struct usctp_addr victim(unsigned i) {
    return (struct usctp_addr){.family = USCTP_FAMILY_IPV4,
                               .ipv4 = {203, 0, 113, (uint8_t)(100 + i)}};
}

static void list_victims(struct scripted_peer *p) {
    for (unsigned i = 0; i < VICTIMS; i++) {
        const struct usctp_addr address = victim(i);
        builder_param(&p->out, 5);
        builder_bytes(&p->out, address.ipv4, 4);
    }
}

/* Packets seen since the last call to others than the peer: HEARTBEATs alone. */
static unsigned packets_to_victims(struct scripted_peer *p, size_t *from) {
    unsigned count = 0;
    for (; *from < p->seen_count; (*from)++) {
        const struct seen_packet *seen = p->seen[*from];
        if (seen->path == 0)
            continue;
        REQUIRE_EQ(seen->read.chunk_count, 1);
        REQUIRE_EQ(seen->read.chunk[0].type, WIRE_HEARTBEAT);
        REQUIRE(seen->packet.length <= 100);
        count++;
    }
    return count;
}

/* 31 addresses of others; then SACKs are withheld: no DATA goes to any of them, and no more than
 * HB.Max.Burst, 1, HEARTBEATs an RTO leave while they are probed. */
START_TEST(h82_bombing) {
    struct scripted_peer *p = PEER(.hold_heartbeats = true);
    peer_init(p, p->peer_tag);
    list_victims(p);
    peer_send(p);
    peer_take_init_ack(p);
    peer_cookie_echo(p);
    size_t from = p->seen_count;
    peer_send(p);
    peer_take(p, "COOKIE_ACK");
    REQUIRE_EQ(peer_status(p).path_count, VICTIMS + 1);
    REQUIRE(packets_to_victims(p, &from) <= 1);
    for (unsigned i = 0; i < 40; i++)
        user_send(p, 0, 1000);
    for (unsigned second = 0; second < VICTIMS; second++) { /* the first round of probes */
        peer_run_for(p, SECOND);
        REQUIRE(packets_to_victims(p, &from) <= second + 2);
    }
    for (unsigned second = 0; second < 300 && !p->closed; second++) {
        peer_run_for(p, SECOND);
        packets_to_victims(p, &from); /* requires that they are HEARTBEATs */
    }
    peer_run_for(p, 3000 * SECOND);
    packets_to_victims(p, &from);
    require_closed(p, USCTP_ERR_UNREACHABLE); /* 8.1: nobody acknowledges */
    peer_delete(p);
}
END_TEST

/* In the first RTO after the handshake: one HEARTBEAT, whatever the number of addresses. */
START_TEST(h82_first_burst) {
    for (unsigned active = 0; active < 2; active++) {
        struct scripted_peer *p = PEER(.hold_heartbeats = true);
        size_t from = 0;
        if (active) {
            peer_engine_connect(p);
            peer_take_init(p);
            peer_init_ack(p);
            peer_add_cookie(p, 64);
            list_victims(p);
            peer_send(p);
            peer_chunk(p, WIRE_COOKIE_ACK, 0);
        } else {
            peer_init(p, p->peer_tag);
            list_victims(p);
            peer_send(p);
            peer_take_init_ack(p);
            peer_cookie_echo(p);
            peer_send(p);
        }
        require_state(p, USCTP_ESTABLISHED);
        peer_run_for(p, 900 * MS);
        REQUIRE_EQ(packets_to_victims(p, &from), p->config.hb_max_burst);
        REQUIRE_EQ(p->config.hb_max_burst, 1);
        peer_delete(p);
    }
}
END_TEST

/* The twin: an address that answers gets DATA when the other fails. */
START_TEST(h82_confirmed_address_gets_data) {
    struct scripted_peer *p = PEER(.paths = 2);
    peer_open_passive(p);
    peer_run_for(p, 5 * SECOND);
    REQUIRE_EQ(peer_path(p, 1).state, USCTP_PATH_STATE_ACTIVE);
    user_send(p, 0, 100);
    peer_take(p, "DATA tsn=0 *");
    REQUIRE_EQ(p->took_path, 0);
    peer_wait(p, "DATA tsn=0 *", 3 * SECOND);
    REQUIRE_EQ(p->took_path, 1);
    peer_delete(p);
}
END_TEST

/* ---- H83 ---- */

/* The cookie again, as long as the association lives: COOKIE ACK and no HEARTBEAT. */
START_TEST(h83_cookie_again_and_again) {
    struct scripted_peer *p = PEER(.hold_heartbeats = true);
    peer_init(p, p->peer_tag);
    list_victims(p);
    peer_send(p);
    peer_take_init_ack(p);
    size_t from = 0;
    for (unsigned i = 0; i < 200; i++) {
        peer_cookie_echo(p);
        peer_send(p);
        peer_take(p, "COOKIE_ACK");
    }
    REQUIRE(packets_to_victims(p, &from) <= 1);
    peer_delete(p);
}
END_TEST

/* When the association is gone it opens another, for its life of at most a minute (5.1.5, H27). */
START_TEST(h83_cookie_after_the_end) {
    struct scripted_peer *p = PEER(.hold_heartbeats = true);
    peer_init(p, p->peer_tag);
    list_victims(p);
    peer_send(p);
    peer_take_init_ack(p);
    size_t from = 0;
    for (unsigned i = 0; i < 12; i++) {
        peer_cookie_echo(p);
        peer_send(p);
        peer_discard(p);
        REQUIRE(packets_to_victims(p, &from) <= 1);
        peer_chunk(p, WIRE_ABORT, 0);
        peer_release(p);
        p->closed = false;
        peer_run_for(p, 4 * SECOND);
        peer_discard(p);
        packets_to_victims(p, &from);
    }
    peer_run_for(p, 13 * SECOND);
    peer_cookie_echo(p);
    peer_send(p);
    peer_take_packet(p, "ERROR causes=[3]");
    REQUIRE_EQ(packets_to_victims(p, &from), 0);
    REQUIRE_EQ(peer_counters(p).associations, 0);
    peer_delete(p);
}
END_TEST

/* ---- H85 ---- */

/* The path's MTU is made small by ICMP, which knows the tag; then a packet that asks for many
 * answers: one packet, no larger than the small MTU, and the rest is dropped. */
START_TEST(h85_small_mtu_and_many_answers) {
    struct scripted_peer *p = hostile_peer(USCTP_ESTABLISHED);
    uint8_t quoted[12] = {0};
    quoted[0] = (uint8_t)(p->engine_port >> 8);
    quoted[1] = (uint8_t)p->engine_port;
    quoted[2] = (uint8_t)(p->peer_port >> 8);
    quoted[3] = (uint8_t)p->peer_port;
    for (unsigned i = 0; i < 4; i++)
        quoted[4 + i] = (uint8_t)(p->peer_tag >> (24 - 8 * i));
    const struct usctp_icmp icmp = {.kind = USCTP_ICMP_PACKET_TOO_BIG,
                                    .destination = p->peer_addr[0],
                                    .mtu_bytes = 600,
                                    .quoted = quoted,
                                    .quoted_bytes = sizeof quoted};
    usctp_engine_icmp(p->engine, &icmp, p->now_us);
    peer_pump(p);
    REQUIRE_EQ(peer_path(p, 0).pmtu_bytes, 600);
    peer_expect_nothing(p);
    peer_packet(p);
    for (unsigned i = 0; i < 300; i++) {
        builder_chunk(&p->out, i % 2 ? WIRE_HEARTBEAT : 0xc1, 0);
        if (i % 2)
            builder_param(&p->out, 1);
        builder_fill(&p->out, i, 100);
    }
    hostile_send(p);
    REQUIRE_EQ(peer_count_packets(p), 1);
    peer_take(p, "*");
    REQUIRE(p->took_packet.length <= 600 - 20);
    peer_run_for(p, SECOND);
    peer_discard(p);
    hostile_carry_on(p, USCTP_ESTABLISHED);
}
END_TEST

RUN_TESTS("H42, H43, H81-H83, H85: paths", h42_altered_info, h42_lengths, h42_unknown_info,
          h42_old_answer, h42_answer_again, h42_in_every_state, h43_large_heartbeats,
          h43_heartbeat_flood, h43_heartbeat_from_an_unconfirmed_address,
          h81_camped_address_is_probed, h81_victim_connects, h82_bombing, h82_first_burst,
          h82_confirmed_address_gets_data, h83_cookie_again_and_again, h83_cookie_after_the_end,
          h85_small_mtu_and_many_answers)
