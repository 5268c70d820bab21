/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * H90, H91: ICMP errors that quote too little, the wrong tag or somebody else's packet, and path
 * MTUs that cannot be (RFC 9260 10, 7.3; RFC 8201 4, RFC 8899 4.6.1).
 *
 * Which ICMP message is which kind (types and codes, IPv6 parameter problems) is decided where they
 * are received: unit/net.
 */
#include "support/hostile.h"

#include <stdlib.h>
#include <string.h>

#define QUOTE_BYTES 20u /* common header, and the first 8 bytes of the first chunk */

struct quote {
    uint8_t bytes[64];
};

static void put16(uint8_t *at, unsigned value) {
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value) {
    put16(at, value >> 16);
    put16(at + 2, value & 0xffff);
}

/* A packet of ours with this tag, and the beginning of its first chunk. */
static struct quote quote_of(const struct scripted_peer *p, uint32_t tag, unsigned type,
                             uint32_t first_word) {
    struct quote q = {{0}};
    put16(q.bytes, p->engine_port);
    put16(q.bytes + 2, p->peer_port);
    put32(q.bytes + 4, tag);
    q.bytes[12] = (uint8_t)type;
    put16(q.bytes + 14, 20);
    put32(q.bytes + 16, first_word);
    return q;
}

static void icmp(struct scripted_peer *p, enum usctp_icmp_kind kind, uint32_t mtu_bytes,
                 const struct usctp_addr *destination, const struct quote *q, size_t bytes) {
    uint8_t *copy = malloc(bytes ? bytes : 1); /* exactly as long, for the sanitizer */
    REQUIRE(copy != NULL);
    memcpy(copy, q->bytes, bytes);
    const struct usctp_icmp error = {.kind = kind,
                                     .destination = *destination,
                                     .mtu_bytes = mtu_bytes,
                                     .quoted = copy,
                                     .quoted_bytes = bytes};
    usctp_engine_icmp(p->engine, &error, p->now_us);
    free(copy);
    peer_pump(p);
}

static const enum usctp_icmp_kind kinds[] = {USCTP_ICMP_UNREACHABLE, USCTP_ICMP_PORT_UNREACHABLE,
                                             USCTP_ICMP_PROTOCOL_UNREACHABLE,
                                             USCTP_ICMP_PACKET_TOO_BIG};

/* Of every kind: nothing happens. */
static void ignored(struct scripted_peer *p, const struct usctp_addr *destination,
                    const struct quote *q, size_t bytes) {
    for (size_t i = 0; i < 4; i++) {
        struct hostile_mark m = hostile_mark(p);
        icmp(p, kinds[i], 700, destination, q, bytes);
        peer_expect_nothing(p);
        hostile_require_unchanged(p, &m, false);
        REQUIRE_EQ(p->env.live_bytes, m.live_bytes);
    }
}

/* The tag that our packets have in this state: 0, of the INIT, in COOKIE-WAIT. */
static struct quote right_quote(const struct scripted_peer *p, enum usctp_assoc_state state) {
    if (state == USCTP_COOKIE_WAIT)
        return quote_of(p, 0, WIRE_INIT, p->engine_tag);
    return quote_of(p, p->peer_tag, WIRE_DATA, 0);
}

/* The twin of all that is ignored: protocol unreachable ends the association like an ABORT (ICMP8).
 */
static void twin(struct scripted_peer *p, enum usctp_assoc_state state) {
    const struct quote q = right_quote(p, state);
    icmp(p, USCTP_ICMP_PROTOCOL_UNREACHABLE, 0, &p->peer_addr[0], &q, QUOTE_BYTES);
    peer_expect_nothing(p);
    REQUIRE(p->closed);
    REQUIRE_EQ(p->closed_error, state <= USCTP_COOKIE_ECHOED ? USCTP_ERR_REFUSED : USCTP_ERR_RESET);
    peer_run_for(p, 300 * SECOND);
    peer_expect_nothing(p);
    peer_release(p);
    peer_delete(p);
}

/* ---- H90 ---- */

START_TEST(h90_quotes_too_little) {
    EACH_TCB_STATE(state) {
        struct scripted_peer *p = hostile_peer(state);
        const struct quote q = right_quote(p, state);
        size_t enough = state == USCTP_COOKIE_WAIT ? 20 : 8; /* ICMP6 */
        for (size_t bytes = 0; bytes < enough; bytes++)
            ignored(p, &p->peer_addr[0], &q, bytes);
        twin(p, state);
    }
}
END_TEST

START_TEST(h90_nothing_quoted) {
    struct scripted_peer *p = hostile_peer(USCTP_ESTABLISHED);
    for (size_t i = 0; i < 4; i++) {
        struct hostile_mark m = hostile_mark(p);
        const struct usctp_icmp error = {.kind = kinds[i], .destination = p->peer_addr[0]};
        usctp_engine_icmp(p->engine, &error, p->now_us);
        hostile_require_unchanged(p, &m, false);
    }
    twin(p, USCTP_ESTABLISHED);
}
END_TEST

/* ICMP6: the tag is the peer's, or 0 with our INIT. */
START_TEST(h90_wrong_tag) {
    EACH_TCB_STATE(state) {
        struct scripted_peer *p = hostile_peer(state);
        const uint32_t wrong[] = {
            p->peer_tag + 1,          ~p->peer_tag, p->engine_tag, STRANGE_TAG, 1,
            p->peer_tag ^ 0x80000000u};
        for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
            const struct quote q = quote_of(p, wrong[i], WIRE_DATA, 0);
            ignored(p, &p->peer_addr[0], &q, QUOTE_BYTES);
            ignored(p, &p->peer_addr[0], &q, 8);
        }
        twin(p, state);
    }
}
END_TEST

START_TEST(h90_tag_zero) {
    EACH_TCB_STATE(state) {
        struct scripted_peer *p = hostile_peer(state);
        struct quote q = quote_of(p, 0, WIRE_INIT, p->engine_tag + 1); /* another INIT's */
        ignored(p, &p->peer_addr[0], &q, QUOTE_BYTES);
        q = quote_of(p, 0, WIRE_INIT, 0);
        ignored(p, &p->peer_addr[0], &q, QUOTE_BYTES);
        q = quote_of(p, 0, WIRE_DATA, p->engine_tag); /* no INIT */
        ignored(p, &p->peer_addr[0], &q, QUOTE_BYTES);
        q = quote_of(p, 0, WIRE_INIT, p->engine_tag); /* too short to tell */
        for (size_t bytes = 8; bytes < 20; bytes++)
            ignored(p, &p->peer_addr[0], &q, bytes);
        twin(p, state);
    }
}
END_TEST

/* ICMP8: about our INIT, when the handshake is past COOKIE-WAIT: it does not end anything. */
START_TEST(h90_late_error_about_the_init) {
    EACH_TCB_STATE(state) {
        if (state == USCTP_COOKIE_WAIT)
            continue;
        struct scripted_peer *p = hostile_peer(state);
        const struct quote q = quote_of(p, 0, WIRE_INIT, p->engine_tag);
        struct hostile_mark m = hostile_mark(p);
        icmp(p, USCTP_ICMP_PROTOCOL_UNREACHABLE, 0, &p->peer_addr[0], &q, QUOTE_BYTES);
        peer_expect_nothing(p);
        hostile_require_unchanged(p, &m, false);
        hostile_carry_on(p, state);
    }
}
END_TEST

/* ICMP3: port unreachable does not concern SCTP over IP. Net and host unreachable end nothing. */
START_TEST(h90_port_and_host_unreachable) {
    EACH_TCB_STATE(state) {
        for (unsigned i = 0; i < 2; i++) {
            struct scripted_peer *p = hostile_peer(state);
            const struct quote q = right_quote(p, state);
            for (unsigned n = 0; n < 50; n++) {
                icmp(p, kinds[i], 0, &p->peer_addr[0], &q, QUOTE_BYTES);
                REQUIRE(!p->closed);
                require_state(p, state);
            }
            hostile_carry_on(p, state);
        }
    }
}
END_TEST

/* ICMP5: somebody else's ports or address. */
START_TEST(h90_of_no_association) {
    EACH_STATE(state) {
        struct scripted_peer *p = hostile_peer(state);
        const struct usctp_addr elsewhere = {.family = USCTP_FAMILY_IPV4, .ipv4 = {203, 0, 113, 5}};
        const struct quote good = right_quote(p, state);
        struct quote q = good;
        if (state == USCTP_CLOSED)
            ignored(p, &p->peer_addr[0], &good, QUOTE_BYTES);
        ignored(p, &elsewhere, &good, QUOTE_BYTES);
        ignored(p, &p->engine_addr[0], &good, QUOTE_BYTES);
        put16(q.bytes, p->engine_port + 1u);
        ignored(p, &p->peer_addr[0], &q, QUOTE_BYTES);
        q = good;
        put16(q.bytes + 2, p->peer_port + 1u);
        ignored(p, &p->peer_addr[0], &q, QUOTE_BYTES);
        q = good;
        put16(q.bytes, p->peer_port); /* the other way round: a packet of the peer's */
        put16(q.bytes + 2, p->engine_port);
        ignored(p, &p->peer_addr[0], &q, QUOTE_BYTES);
        if (state == USCTP_CLOSED)
            hostile_carry_on(p, state);
        else
            twin(p, state);
    }
}
END_TEST

/* ---- H91 ---- */

static void too_big(struct scripted_peer *p, unsigned path, uint32_t mtu_bytes) {
    const struct quote q = quote_of(p, p->peer_tag, WIRE_DATA, 0);
    icmp(p, USCTP_ICMP_PACKET_TOO_BIG, mtu_bytes, &p->peer_addr[path], &q, QUOTE_BYTES);
}

/* A sensible one is obeyed: the twin. Larger than what the path has: not. */
START_TEST(h91_smaller_and_larger) {
    struct scripted_peer *p = hostile_peer(USCTP_ESTABLISHED);
    REQUIRE_EQ(peer_path(p, 0).pmtu_bytes, 1500);
    static const uint32_t larger[] = {1500, 1501, 9000, 65535, 65536, 0x7fffffff, 0xffffffff};
    for (size_t i = 0; i < sizeof larger / sizeof larger[0]; i++) {
        struct hostile_mark m = hostile_mark(p);
        too_big(p, 0, larger[i]);
        hostile_require_unchanged(p, &m, false);
    }
    too_big(p, 0, 1300);
    REQUIRE_EQ(peer_path(p, 0).pmtu_bytes, 1300);
    too_big(p, 0, 1400);
    REQUIRE_EQ(peer_path(p, 0).pmtu_bytes, 1300);
    hostile_carry_on(p, USCTP_ESTABLISHED);
}
END_TEST

/* So small that no link can be: there is a least MTU (IPv6's is 1280), and data still gets through.
 */
START_TEST(h91_too_small) {
    static const uint32_t small[] = {0, 1, 20, 28, 48, 60, 67, 68, 100, 296};
    for (unsigned ipv6 = 0; ipv6 < 2; ipv6++) {
        for (size_t i = 0; i < sizeof small / sizeof small[0]; i++) {
            struct scripted_peer *p = hostile_peer_with(
                USCTP_ESTABLISHED, (struct peer_options){.configure = eager, .ipv6_paths = ipv6});
            too_big(p, 0, small[i]);
            REQUIRE_RANGE(peer_path(p, 0).pmtu_bytes, ipv6 ? 1280 : 512, 1500);
            user_send(p, 0, 3000);
            size_t sent = 0;
            for (int tsn = 0; sent < 3000; tsn++) {
                const struct read_chunk *chunk = peer_take_if(p, "DATA *");
                if (!chunk) { /* the window */
                    peer_sack(p, tsn - 1, PEER_RWND, "");
                    chunk = peer_take(p, "DATA *");
                }
                sent += chunk->value_bytes - 12;
                REQUIRE(p->took_packet.length + (ipv6 ? 40u : 20u) <= peer_path(p, 0).pmtu_bytes);
            }
            peer_delete(p);
        }
    }
}
END_TEST

/* Before anything is known, and for a path that is not the one it names. */
START_TEST(h91_in_every_state) {
    EACH_TCB_STATE(state) {
        struct scripted_peer *p = hostile_peer(state);
        struct hostile_mark m = hostile_mark(p);
        const struct quote q = right_quote(p, state);
        const struct usctp_addr elsewhere = {.family = USCTP_FAMILY_IPV4, .ipv4 = {203, 0, 113, 5}};
        icmp(p, USCTP_ICMP_PACKET_TOO_BIG, 700, &elsewhere, &q, QUOTE_BYTES);
        hostile_require_unchanged(p, &m, false);
        for (uint32_t mtu = 0; mtu < 1500; mtu += 299)
            icmp(p, USCTP_ICMP_PACKET_TOO_BIG, mtu, &p->peer_addr[0], &q, QUOTE_BYTES);
        REQUIRE(peer_path(p, 0).pmtu_bytes >= 512);
        peer_expect_nothing(p);
        hostile_carry_on(p, state);
    }
}
END_TEST

static void probing(struct usctp_config *config) {
    eager(config);
    config->pmtu_probing = 1;
}

/* RFC 8899 4.6.2: with probes a report is a hint at most: whatever is reported, in whatever order,
 * by someone who knows the tag, the size stays between the least and the interface's, a report
 * costs at most one probe, and after the last one the search finds the true size again. */
START_TEST(h91_hints_for_probes) {
    struct scripted_peer *p =
        hostile_peer_with(USCTP_ESTABLISHED, (struct peer_options){.configure = probing});
    uint64_t probes = 0;
    for (uint32_t i = 0; i < 400; i++) {
        uint32_t mtu = i * 2654435761u % 1700;
        too_big(p, 0, mtu);
        struct usctp_path_status path = peer_path(p, 0);
        REQUIRE_RANGE(path.pmtu_bytes, 512, 1500);
        REQUIRE(path.pmtu_bytes != mtu || mtu == 512 || mtu == 1200 || path.pmtu_probe_acks_in > 0);
        peer_run_for(p, 1000); /* the peer answers probes */
        path = peer_path(p, 0);
        REQUIRE(path.pmtu_probes_out - probes <= 12);
        probes = path.pmtu_probes_out;
        peer_discard(p);
    }
    peer_run_for(p, 1300 * SECOND);
    peer_discard(p);
    for (int i = 0; i < 3; i++) {
        user_send(p, 0, 10);
        peer_take(p, "DATA *");
        peer_sack(p, i, PEER_RWND, "");
        peer_run_for(p, 700 * SECOND); /* PMTU_RAISE_TIMER */
    }
    REQUIRE_EQ(peer_path(p, 0).pmtu_bytes, 1500);
    REQUIRE_EQ(peer_path(p, 0).error_count, 0);
    peer_discard(p);
    peer_delete(p);
}
END_TEST

/* RFC 6951 5.5: an error about a packet in UDP is none of a path that uses no UDP. */
START_TEST(h91_of_another_encapsulation) {
    struct scripted_peer *p = hostile_peer(USCTP_ESTABLISHED);
    const struct quote q = quote_of(p, p->peer_tag, WIRE_DATA, 0);
    const struct usctp_icmp error = {.kind = USCTP_ICMP_PACKET_TOO_BIG,
                                     .destination = p->peer_addr[0],
                                     .udp_destination = 9899,
                                     .mtu_bytes = 900,
                                     .quoted = q.bytes,
                                     .quoted_bytes = QUOTE_BYTES};
    struct hostile_mark m = hostile_mark(p);
    usctp_engine_icmp(p->engine, &error, p->now_us);
    hostile_require_unchanged(p, &m, false);
    too_big(p, 0, 900);
    REQUIRE_EQ(peer_path(p, 0).pmtu_bytes, 900);
    hostile_carry_on(p, USCTP_ESTABLISHED);
}
END_TEST

/* One path's MTU is not the other's. */
START_TEST(h91_of_one_path) {
    struct scripted_peer *p =
        hostile_peer_with(USCTP_ESTABLISHED, (struct peer_options){.paths = 2});
    too_big(p, 1, 900);
    REQUIRE_EQ(peer_path(p, 0).pmtu_bytes, 1500);
    REQUIRE_EQ(peer_path(p, 1).pmtu_bytes, 900);
    peer_delete(p);
}
END_TEST

/* Data that was cut for the larger MTU may be fragmented by IP, and is not lost (6.9, 7.3). */
START_TEST(h91_data_already_cut) {
    struct scripted_peer *p =
        hostile_peer_with(USCTP_ESTABLISHED, (struct peer_options){.configure = eager});
    for (unsigned i = 0; i < 3; i++)
        user_send(p, 0, 1400);
    peer_discard(p);
    too_big(p, 0, 600);
    peer_wait(p, "DATA tsn=0 *", 5 * SECOND); /* by T3, or at once */
    REQUIRE_EQ(p->took.value_bytes, 12 + 1400);
    REQUIRE(p->took_packet.flags & USCTP_PACKET_MAY_FRAGMENT);
    peer_delete(p);
}
END_TEST

RUN_TESTS("H90, H91: ICMP", h90_quotes_too_little, h90_nothing_quoted, h90_wrong_tag, h90_tag_zero,
          h90_late_error_about_the_init, h90_port_and_host_unreachable, h90_of_no_association,
          h91_smaller_and_larger, h91_too_small, h91_in_every_state, h91_hints_for_probes,
          h91_of_another_encapsulation, h91_of_one_path, h91_data_already_cut)
