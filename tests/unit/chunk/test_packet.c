/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Opening and finishing a packet (RFC 9260 3.1, 6.8): which verdict wins, and what is too short.
 * The bytes of a whole packet are in tests/wire.
 */
#include "chunk/packet.h"

#include "core/crc32c.h"
#include "support/unit_env.h"
#include "support/unit_hex.h"

static struct unit_env unit;
static struct packet_header header;

static void setup(void) {
    unit_env_init(&unit, 0x9ac);
}

static void teardown(void) {
    unit_hex_free();
    unit_env_check_empty(&unit);
}

/* COOKIE ACK from port 7 to port 9. */
static struct unit_bytes small_packet(void) {
    struct unit_bytes p = unit_hex("0007 0009 01020304 00000000  0b 00 0004");
    packet_finish(p.data, p.count);
    return p;
}

START_TEST(a_finished_packet_opens) {
    struct unit_bytes p = small_packet();
    ck_assert_int_eq(packet_open(p.data, p.count, true, &header), PACKET_OK);
    ck_assert_uint_eq(header.source_port, 7);
    ck_assert_uint_eq(header.destination_port, 9);
    ck_assert_uint_eq(header.tag, 0x01020304);
}
END_TEST

START_TEST(finishing_twice_gives_the_same) {
    struct unit_bytes p = small_packet();
    struct unit_bytes once = unit_hex_copy(p.data, p.count);
    packet_finish(p.data, p.count);
    ck_assert_mem_eq(p.data, once.data, p.count);
}
END_TEST

START_TEST(every_short_packet_is_refused) {
    struct unit_bytes p = small_packet();
    for (size_t bytes = 0; bytes < 16; bytes++) {
        struct unit_bytes part = unit_hex_copy(p.data, bytes);
        ck_assert_int_eq(packet_open(part.data, part.count, true, &header), PACKET_SHORT);
        ck_assert_int_eq(packet_open(part.data, part.count, false, &header), PACKET_SHORT);
    }
}
END_TEST

START_TEST(every_wrong_bit_is_seen) {
    struct unit_bytes p = small_packet();
    for (size_t bit = 0; bit < 8 * p.count; bit++) {
        p.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        ck_assert_int_eq(packet_open(p.data, p.count, true, &header), PACKET_BAD_CHECKSUM);
        p.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    ck_assert_int_eq(packet_open(p.data, p.count, true, &header), PACKET_OK);
}
END_TEST

START_TEST(a_vouched_for_packet_needs_no_checksum) {
    struct unit_bytes p = small_packet();
    p.data[8] ^= 1;
    ck_assert_int_eq(packet_open(p.data, p.count, false, &header), PACKET_OK);
}
END_TEST

/* The checksum first: a port in damaged bytes says nothing. */
START_TEST(port_zero_is_refused) {
    static const struct { uint16_t source, destination; } ports[] = {{0, 9}, {7, 0}, {0, 0}};
    struct unit_bytes p = small_packet();
    put16(p.data, ports[_i].source);
    put16(p.data + 2, ports[_i].destination);
    ck_assert_int_eq(packet_open(p.data, p.count, true, &header), PACKET_BAD_CHECKSUM);
    packet_finish(p.data, p.count);
    ck_assert_int_eq(packet_open(p.data, p.count, true, &header), PACKET_BAD_PORT);
    ck_assert_int_eq(packet_open(p.data, p.count, false, &header), PACKET_BAD_PORT);
    ck_assert_uint_eq(header.tag, 0x01020304);
}
END_TEST

START_TEST(a_header_needs_room) {
    struct packet_header in = {1, 2, 3};
    for (size_t room = 0; room < PACKET_HEADER_BYTES; room++) {
        struct unit_bytes memory = unit_hex_fill(0, room);
        struct writer w = writer_over(memory.data, memory.count);
        packet_begin(&w, &in);
        ck_assert(w.overflow);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("packet");
    TCase *tests = tcase_create("packet");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_finished_packet_opens);
    tcase_add_test(tests, finishing_twice_gives_the_same);
    tcase_add_test(tests, every_short_packet_is_refused);
    tcase_add_test(tests, every_wrong_bit_is_seen);
    tcase_add_test(tests, a_vouched_for_packet_needs_no_checksum);
    tcase_add_loop_test(tests, port_zero_is_refused, 0, 3);
    tcase_add_test(tests, a_header_needs_room);
    suite_add_tcase(suite, tests);
    return unit_env_run(suite);
}
