/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * H05 to H09: packets that are no SCTP packets, or not for us (RFC 9260 3, 3.1, 6.8, 8.4 rule 1),
 * and packets as large as IP can make them.
 */
#include "support/hostile.h"

#include <stdlib.h>
#include <string.h>

/* ---- H05 ---- */

START_TEST(h05_shorter_than_a_header_and_a_chunk) {
    EACH_STATE(state) {
        struct scripted_peer *p = hostile_peer(state);
        hostile_good_packet(p);
        hostile_send(p);
        hostile_require_taken(p);
        for (size_t bytes = 0; bytes < 16; bytes++) {
            hostile_good_packet(p);
            hostile_close(p);
            if (bytes >= 12)
                hostile_checksum(p, bytes);
            hostile_drop_put(p, bytes, &p->peer_addr[0], &p->engine_addr[0], USCTP_DROP_SHORT);
        }
        hostile_carry_on(p, state);
    }
}
END_TEST

/* The same with a tag of 0, as an INIT has. */
START_TEST(h05_short_with_tag_zero) {
    EACH_STATE(state) {
        struct scripted_peer *p = hostile_peer(state);
        for (size_t bytes = 0; bytes < 16; bytes++) {
            peer_init(p, 79);
            hostile_close(p);
            if (bytes >= 12)
                hostile_checksum(p, bytes);
            hostile_drop_put(p, bytes, &p->peer_addr[0], &p->engine_addr[0], USCTP_DROP_SHORT);
        }
        hostile_carry_on(p, state);
    }
}
END_TEST

/* ---- H06 ---- */

static void drop_with_checksum(struct scripted_peer *p, uint32_t crc) {
    hostile_good_packet(p);
    size_t bytes = hostile_close(p);
    REQUIRE(load32(p->out.bytes + 8) != crc);
    for (unsigned i = 0; i < 4; i++)
        p->out.bytes[8 + i] = (uint8_t)(crc >> (24 - 8 * i));
    uint64_t errors = peer_counters(p).dropped[USCTP_DROP_CHECKSUM];
    hostile_drop_put(p, bytes, &p->peer_addr[0], &p->engine_addr[0], USCTP_DROP_CHECKSUM);
    REQUIRE_EQ(peer_counters(p).dropped[USCTP_DROP_CHECKSUM], errors + 1);
}

/* CRC32c with a pseudo-header of IP before it, as TCP's checksum has one and SCTP's has not. */
static uint32_t over_pseudo_header(struct scripted_peer *p, size_t bytes) {
    static uint8_t copy[70000];
    memcpy(copy, p->peer_addr[0].ipv4, 4);
    memcpy(copy + 4, p->engine_addr[0].ipv4, 4);
    const uint8_t rest[4] = {0, 132, (uint8_t)(bytes >> 8), (uint8_t)bytes};
    memcpy(copy + 8, rest, sizeof rest);
    memcpy(copy + 12, p->out.bytes, bytes);
    memset(copy + 12 + 8, 0, 4);
    uint32_t crc = crc32c_bitwise(copy, bytes + 12);
    return (crc & 0xff) << 24 | (crc >> 8 & 0xff) << 16 | (crc >> 16 & 0xff) << 8 | crc >> 24;
}

START_TEST(h06_wrong_checksums) {
    EACH_STATE(state) {
        struct scripted_peer *p = hostile_peer(state);
        hostile_good_packet(p);
        hostile_send(p);
        hostile_require_taken(p);
        hostile_good_packet(p);
        size_t bytes = hostile_close(p);
        uint32_t right = load32(p->out.bytes + 8);
        drop_with_checksum(p, 0); /* nothing was negotiated that allows it */
        drop_with_checksum(p, 0xffffffffu);
        drop_with_checksum(p, ~right);
        drop_with_checksum(p, right << 24 | (right << 8 & 0xff0000u) | (right >> 8 & 0xff00u) |
                                  right >> 24);
        drop_with_checksum(p, over_pseudo_header(p, bytes));
        for (unsigned bit = 0; bit < 32; bit++)
            drop_with_checksum(p, right ^ 1u << bit);
        hostile_carry_on(p, state);
    }
}
END_TEST

/* One bit of the packet is wrong, anywhere. */
START_TEST(h06_a_bit_flipped_anywhere) {
    EACH_STATE(state) {
        struct scripted_peer *p = hostile_peer(state);
        hostile_good_packet(p);
        size_t bytes = hostile_close(p);
        for (size_t bit = 0; bit < 8 * bytes; bit++) {
            p->out.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
            hostile_drop_put(p, bytes, &p->peer_addr[0], &p->engine_addr[0], USCTP_DROP_CHECKSUM);
            p->out.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        hostile_carry_on(p, state);
    }
}
END_TEST

/* RFC 1071's sum and Adler-32, which SCTP had once. */
START_TEST(h06_other_algorithms) {
    struct scripted_peer *p = hostile_peer(USCTP_ESTABLISHED);
    hostile_good_packet(p);
    size_t bytes = hostile_close(p);
    uint32_t a = 1, b = 0, sum = 0;
    memset(p->out.bytes + 8, 0, 4);
    for (size_t i = 0; i < bytes; i++) {
        a = (a + p->out.bytes[i]) % 65521;
        b = (b + a) % 65521;
    }
    for (size_t i = 0; i < bytes; i += 2)
        sum += load16(p->out.bytes + i);
    drop_with_checksum(p, b << 16 | a);
    drop_with_checksum(p, (~((sum & 0xffffu) + (sum >> 16)) & 0xffffu) << 16);
    hostile_carry_on(p, USCTP_ESTABLISHED);
}
END_TEST

/* ---- H07 ---- */

static struct usctp_addr ipv4(unsigned a, unsigned b, unsigned c, unsigned d) {
    return (struct usctp_addr){.family = USCTP_FAMILY_IPV4,
                               .ipv4 = {(uint8_t)a, (uint8_t)b, (uint8_t)c, (uint8_t)d}};
}

static struct usctp_addr ipv6(unsigned first, unsigned second, unsigned last) {
    return (struct usctp_addr){.family = USCTP_FAMILY_IPV6,
                               .ipv6 = {(uint8_t)first, (uint8_t)second, [15] = (uint8_t)last}};
}

static void from_and_to(struct scripted_peer *p, const struct usctp_addr *strange) {
    hostile_good_packet(p);
    size_t bytes = hostile_close(p);
    hostile_drop_put(p, bytes, strange, &p->engine_addr[0], USCTP_DROP_ADDRESS);
    hostile_drop_put(p, bytes, &p->peer_addr[0], strange, USCTP_DROP_ADDRESS);
    hostile_drop_put(p, bytes, strange, strange, USCTP_DROP_ADDRESS);
    peer_init(p, 80);
    bytes = hostile_close(p);
    hostile_drop_put(p, bytes, strange, &p->engine_addr[0], USCTP_DROP_ADDRESS);
    hostile_drop_put(p, bytes, &p->peer_addr[0], strange, USCTP_DROP_ADDRESS);
}

START_TEST(h07_not_unicast) {
    const struct usctp_addr strange[] = {
        ipv4(0, 0, 0, 0),         ipv4(224, 0, 0, 1),       ipv4(232, 1, 1, 1),
        ipv4(239, 255, 255, 255), ipv4(255, 255, 255, 255), ipv6(0, 0, 0),
        ipv6(0xff, 0x02, 1),      ipv6(0xff, 0x0e, 1),      ipv6(0xff, 0x05, 0x99)};
    EACH_STATE(state) {
        struct scripted_peer *p = hostile_peer(state);
        hostile_good_packet(p);
        hostile_send(p);
        hostile_require_taken(p);
        for (size_t i = 0; i < sizeof strange / sizeof strange[0]; i++)
            from_and_to(p, &strange[i]);
        hostile_carry_on(p, state);
    }
}
END_TEST

/* The broadcast address of a network that the host is in: 198.51.100.0/24. */
START_TEST(h07_directed_broadcast) {
    const struct usctp_addr broadcast = ipv4(198, 51, 100, 255);
    EACH_STATE(state) {
        struct scripted_peer *p = hostile_peer(state);
        hostile_good_packet(p);
        hostile_drop_put(p, hostile_close(p), &p->peer_addr[0], &broadcast, USCTP_DROP_ADDRESS);
        hostile_carry_on(p, state);
    }
}
END_TEST

/* ---- H08 ---- */

START_TEST(h08_port_zero) {
    EACH_STATE(state) {
        struct scripted_peer *p = hostile_peer(state);
        hostile_good_packet(p);
        hostile_send(p);
        hostile_require_taken(p);
        for (unsigned which = 1; which < 4; which++) {
            hostile_good_packet(p);
            if (which & 1)
                memset(p->out.bytes, 0, 2);
            if (which & 2)
                memset(p->out.bytes + 2, 0, 2);
            hostile_drop(p, USCTP_DROP_PORT);
            peer_init(p, 81);
            if (which & 1)
                memset(p->out.bytes, 0, 2);
            if (which & 2)
                memset(p->out.bytes + 2, 0, 2);
            hostile_drop(p, USCTP_DROP_PORT);
        }
        hostile_carry_on(p, state);
    }
}
END_TEST

/* ---- H09 ---- */

static void roomy(struct usctp_config *config) {
    quiet(config);
    config->max_control_chunks = 1024;
    config->max_notifications = 8192;
}

/* What came in one piece of 65,512 bytes is what came in many: the same chunks, processed alike. */
START_TEST(h09_large_packet_of_data) {
    for (int joined = 0; joined < 2; joined++) {
        struct scripted_peer *p = hostile_peer(USCTP_ESTABLISHED);
        peer_packet(p);
        hostile_add_marker(p, 1);
        for (int i = 0; i < 46; i++) {
            if (!joined && i > 0)
                peer_packet(p);
            peer_add_data(p, i, (unsigned)i % 10, (unsigned)i / 10, BIT_BE, 1400);
            if (!joined)
                hostile_send(p);
        }
        if (joined) {
            REQUIRE(p->out.used > 65000);
            hostile_send(p);
        }
        peer_wait(p, "SACK cum=45 * gaps=[] dups=[]", SECOND);
        REQUIRE_EQ(usctp_assoc_subscribe(p->engine, p->assoc, 0), 0);
        REQUIRE_EQ(peer_status(p).unread_bytes, 46 * 1400);
        struct user_message first = user_read(p); /* the marker came before the data */
        REQUIRE((first.info.flags & USCTP_MESSAGE_NOTIFICATION) != 0);
        for (unsigned i = 0; i < 46; i++)
            user_expect(p, i % 10, i / 10, 1400);
        user_expect_nothing(p);
        peer_delete(p);
    }
}
END_TEST

/* 5,000 control chunks in one packet. */
START_TEST(h09_large_packet_of_control_chunks) {
    EACH_TCB_STATE(state) {
        struct scripted_peer *p =
            hostile_peer_with(state, (struct peer_options){.configure = roomy});
        struct hostile_mark m = hostile_mark(p);
        peer_packet(p);
        for (unsigned i = 0; i < 5000; i++)
            hostile_add_marker(p, 2);
        REQUIRE(p->out.used > 60000);
        hostile_send(p);
        peer_expect_nothing(p);
        hostile_require_unchanged(p, &m, true);
        unsigned heard = 0;
        while (user_read(p).bytes >= 0)
            heard++;
        REQUIRE_EQ(heard, 5000);
        hostile_carry_on(p, state);
    }
}
END_TEST

/* An INIT of 64 KiB of parameters that are to be skipped, and the handshake that follows. */
START_TEST(h09_large_init) {
    for (unsigned large = 0; large < 2; large++) {
        struct scripted_peer *p = hostile_peer(USCTP_CLOSED);
        peer_init(p, p->peer_tag);
        builder_param(&p->out, 0xbfff);
        builder_fill(&p->out, 0xab, large ? 65400 : 8);
        hostile_send(p);
        peer_take_init_ack(p);
        REQUIRE_EQ(peer_counters(p).associations, 0);
        peer_cookie_echo(p);
        hostile_send(p);
        peer_take_packet(p, "COOKIE_ACK");
        hostile_carry_on(p, USCTP_ESTABLISHED);
    }
}
END_TEST

/* One DATA chunk as large as a packet can hold. */
START_TEST(h09_largest_chunk) {
    struct scripted_peer *p = hostile_peer(USCTP_ESTABLISHED);
    peer_data(p, 0, 0, 0, BIT_BE, 65484); /* 12 + 16 + 65484 = 65512 */
    REQUIRE_EQ(p->out.used, 65512);
    peer_take(p, "SACK cum=0 *");
    user_expect(p, 0, 0, 65484);
    peer_delete(p);
}
END_TEST

/* A run of packets that a transport hands up joined is the packets one by one, whatever the size of
 * a segment. */
START_TEST(h09_joined_packets) {
    for (uint32_t segment = 0; segment < 200; segment++) {
        struct scripted_peer *p = hostile_peer(USCTP_ESTABLISHED);
        static uint8_t run[4096];
        size_t used = 0;
        for (int i = 0; i < 4; i++) {
            peer_packet(p);
            peer_add_data(p, i, 0, (unsigned)i, BIT_BE, 100);
            size_t bytes = hostile_close(p);
            REQUIRE_EQ(bytes, 128);
            memcpy(run + used, p->out.bytes, bytes);
            used += bytes;
        }
        uint8_t *copy = malloc(used);
        REQUIRE(copy != NULL);
        memcpy(copy, run, used);
        struct usctp_packet packet = {.data = copy,
                                      .length = (uint32_t)used,
                                      .segment_size = segment,
                                      .source = p->peer_addr[0],
                                      .destination = p->engine_addr[0]};
        uint64_t before = peer_counters(p).packets_in;
        usctp_engine_input(p->engine, &packet, 1, p->now_us);
        free(copy);
        peer_pump(p);
        if (segment == 128) {
            for (unsigned i = 0; i < 4; i++)
                user_expect(p, 0, i, 100);
        } else {
            user_expect_nothing(p);
            REQUIRE_EQ(peer_counters(p).packets_in - before,
                       segment ? (used + segment - 1) / segment : 1);
        }
        peer_delete(p);
    }
}
END_TEST

RUN_TESTS("H05-H09: packets", h05_shorter_than_a_header_and_a_chunk, h05_short_with_tag_zero,
          h06_wrong_checksums, h06_a_bit_flipped_anywhere, h06_other_algorithms, h07_not_unicast,
          h07_directed_broadcast, h08_port_zero, h09_large_packet_of_data,
          h09_large_packet_of_control_chunks, h09_large_init, h09_largest_chunk, h09_joined_packets)
