/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Network order, the writer's overflow, the cursor over type-length-value items (RFC 9260 3.2,
 * 3.2.1), the constant-time comparison, and serial numbers (serial.h).
 */
#include "core/bytes.h"

#include "core/serial.h"
#include "support/unit_env.h"
#include "support/unit_hex.h"

static struct unit_env unit;

static void setup(void) {
    unit_env_init(&unit, 0xb17e5);
}

static void teardown(void) {
    unit_hex_free();
    unit_env_check_empty(&unit);
}

START_TEST(numbers_are_in_network_order) {
    uint8_t b[8];
    put16(b, 0x0102);
    unit_hex_equal(b, 2, "01 02");
    put32(b, 0xfffefdfcu);
    unit_hex_equal(b, 4, "ff fe fd fc");
    put64(b, 0x8102030405060708u);
    unit_hex_equal(b, 8, "81 02 03 04 05 06 07 08");
    ck_assert_uint_eq(get16(b), 0x8102);
    ck_assert_uint_eq(get32(b), 0x81020304u);
    ck_assert_uint_eq(get64(b), 0x8102030405060708u);
}
END_TEST

START_TEST(padding_rounds_up_to_four) {
    ck_assert_uint_eq(padded4(0), 0);
    ck_assert_uint_eq(padded4(1), 4);
    ck_assert_uint_eq(padded4(4), 4);
    ck_assert_uint_eq(padded4(65533), 65536);
}
END_TEST

START_TEST(a_writer_writes_what_fits) {
    struct unit_bytes memory = unit_hex_fill(0xee, 16);
    struct writer w = writer_over(memory.data, memory.count);
    writer_put8(&w, 1);
    writer_put16(&w, 0x0203);
    writer_put32(&w, 0x04050607);
    writer_put64(&w, 0x08090a0b0c0d0e0f);
    ck_assert_uint_eq(writer_used(&w), 15);
    ck_assert_uint_eq(writer_room(&w), 1);
    writer_pad4(&w);
    writer_put(&w, NULL, 0);
    ck_assert(!w.overflow);
    unit_hex_equal(memory.data, 16, "01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 00");
}
END_TEST

START_TEST(a_writer_that_overflowed_writes_nothing_more) {
    struct unit_bytes memory = unit_hex_fill(0xee, 6);
    struct writer w = writer_over(memory.data, memory.count);
    writer_put32(&w, 1);
    writer_put32(&w, 2);
    ck_assert(w.overflow);
    ck_assert_uint_eq(writer_used(&w), 4);
    writer_put8(&w, 3); /* would fit */
    writer_put(&w, "x", 1);
    ck_assert_ptr_null(writer_take(&w, 1));
    unit_hex_equal(memory.data, 6, "00 00 00 01 ee ee");
}
END_TEST

START_TEST(the_cursor_takes_items_with_their_padding) {
    struct unit_bytes b = unit_hex("0005 0008 01020304  # whole\n"
                                   "8001 0005 aa000000  # three bytes of padding\n"
                                   "c002 0004           # no value\n"
                                   "0007 0006 bbcc      # the last one, unpadded\n");
    struct tlv_cursor c = tlv_over(b.data, b.count);
    struct tlv item;
    ck_assert_int_eq(tlv_next(&c, &item), TLV_ITEM);
    ck_assert_uint_eq(item.type, 5);
    ck_assert_uint_eq(item.length, 8);
    ck_assert_uint_eq(item.value_bytes, 4);
    ck_assert_ptr_eq(item.start, b.data);
    ck_assert_ptr_eq(item.value, b.data + 4);
    ck_assert_int_eq(tlv_next(&c, &item), TLV_ITEM);
    ck_assert_uint_eq(item.type, 0x8001);
    ck_assert_uint_eq(item.value_bytes, 1);
    ck_assert_int_eq(tlv_next(&c, &item), TLV_ITEM);
    ck_assert_uint_eq(item.type, 0xc002);
    ck_assert_uint_eq(item.value_bytes, 0);
    ck_assert_int_eq(tlv_next(&c, &item), TLV_ITEM);
    ck_assert_uint_eq(item.length, 6);
    ck_assert_ptr_eq(item.value + 2, b.data + b.count);
    ck_assert_int_eq(tlv_next(&c, &item), TLV_END);
    ck_assert_int_eq(tlv_next(&c, &item), TLV_END);
}
END_TEST

/* RFC 9260 3.2.1: an item is at least its own header. */
START_TEST(the_cursor_refuses_lengths_below_four) {
    struct unit_bytes b = unit_hex("0001 0000 00000000");
    struct tlv item;
    put16(b.data + 2, (uint16_t)_i);
    struct tlv_cursor c = tlv_over(b.data, b.count);
    ck_assert_int_eq(tlv_next(&c, &item), TLV_MALFORMED);
    ck_assert_ptr_eq(c.at, b.data);
    ck_assert_int_eq(tlv_next(&c, &item), TLV_MALFORMED);
}
END_TEST

START_TEST(the_cursor_refuses_lengths_beyond_the_end) {
    struct unit_bytes b = unit_hex("0001 0005");
    struct tlv item;
    struct tlv_cursor c = tlv_over(b.data, b.count);
    ck_assert_int_eq(tlv_next(&c, &item), TLV_MALFORMED);
    b = unit_hex("0001 0009 00000000");
    c = tlv_over(b.data, b.count);
    ck_assert_int_eq(tlv_next(&c, &item), TLV_MALFORMED);
    put16(b.data + 2, 0xffff);
    c = tlv_over(b.data, b.count);
    ck_assert_int_eq(tlv_next(&c, &item), TLV_MALFORMED);
}
END_TEST

START_TEST(fewer_than_four_bytes_are_padding) {
    struct unit_bytes b = unit_hex_fill(0xff, 3);
    struct tlv item;
    struct tlv_cursor c = tlv_over(b.data, (size_t)_i);
    ck_assert_int_eq(tlv_next(&c, &item), TLV_END);
}
END_TEST

/* Any bytes: the walk ends within its bound, each item lies inside, and starts on a multiple of 4.
 */
START_TEST(the_cursor_always_ends) {
    for (int round = 0; round < 20000; round++) {
        uint8_t noise[64];
        size_t count = unit_env_below(&unit, sizeof noise + 1);
        for (size_t i = 0; i < count; i++) {
            bool small = i % 4 == 2 || unit_env_below(&unit, 2);
            noise[i] = (uint8_t)(small ? 0 : unit_env_below(&unit, 24));
        }
        struct unit_bytes b = unit_hex_copy(noise, count);
        struct tlv_cursor c = tlv_over(b.data, b.count);
        struct tlv item;
        size_t items = 0;
        while (tlv_next(&c, &item) == TLV_ITEM) {
            unit_env_check(++items <= count / 4);
            unit_env_check((size_t)(item.start - b.data) % 4 == 0);
            unit_env_check(item.length == item.value_bytes + 4u);
            unit_env_check(item.value + item.value_bytes <= b.data + b.count);
            unit_env_check(c.at <= c.end && c.at >= item.value + item.value_bytes);
        }
        unit_hex_free();
    }
}
END_TEST

START_TEST(comparison_sees_every_bit) {
    uint8_t a[33], b[33];
    for (size_t i = 0; i < sizeof a; i++) {
        a[i] = b[i] = (uint8_t)unit_env_random64(&unit);
    }
    ck_assert(bytes_equal_constant_time(a, b, 0));
    ck_assert(bytes_equal_constant_time(a, b, sizeof a));
    for (size_t bit = 0; bit < 8 * sizeof a; bit++) {
        b[bit / 8] ^= (uint8_t)(1u << bit % 8);
        unit_env_check(!bytes_equal_constant_time(a, b, sizeof a));
        b[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    b[32] ^= 1;
    ck_assert(bytes_equal_constant_time(a, b, 32));
}
END_TEST

/* RFC 9260 1.6: TSNs wrap, and are compared around the wrap. */
START_TEST(serial_numbers_wrap) {
    ck_assert(serial32_lt(0xffffffffu, 0));
    ck_assert(!serial32_lt(0, 0xffffffffu));
    ck_assert(serial32_lt(5, 6) && !serial32_lt(6, 6) && serial32_lte(6, 6));
    ck_assert(serial16_lt(0xffff, 0) && !serial16_lt(0, 0xffff) && serial16_lt(0x7ffe, 0x7fff));
    uint64_t first = serial_first(0xfffffffeu);
    ck_assert_uint_eq(first, 0x1fffffffeu);
    ck_assert_uint_eq(serial_unwrap(first, 0xffffffffu), 0x1ffffffffu);
    ck_assert_uint_eq(serial_unwrap(first, 0), 0x200000000u);
    ck_assert_uint_eq(serial_unwrap(first, 0xfffffff0u), 0x1fffffff0u);
    ck_assert_uint_eq(serial_unwrap(serial_first(0), 0xffffffffu), 0xffffffffu);
    ck_assert_uint_eq(serial_wire(0x200000003u), 3);
    for (int i = 0; i < 10000; i++) {
        uint64_t reference = serial_first(0) + unit_env_random64(&unit) % (1ull << 40);
        uint64_t near = reference - (1u << 31) + unit_env_below(&unit, UINT32_MAX);
        unit_env_check(serial_unwrap(reference, serial_wire(near)) == near);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("bytes");
    TCase *tests = tcase_create("bytes");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, numbers_are_in_network_order);
    tcase_add_test(tests, padding_rounds_up_to_four);
    tcase_add_test(tests, a_writer_writes_what_fits);
    tcase_add_test(tests, a_writer_that_overflowed_writes_nothing_more);
    tcase_add_test(tests, the_cursor_takes_items_with_their_padding);
    tcase_add_loop_test(tests, the_cursor_refuses_lengths_below_four, 0, 4);
    tcase_add_test(tests, the_cursor_refuses_lengths_beyond_the_end);
    tcase_add_loop_test(tests, fewer_than_four_bytes_are_padding, 0, 4);
    tcase_add_test(tests, the_cursor_always_ends);
    tcase_add_test(tests, comparison_sees_every_bit);
    tcase_add_test(tests, serial_numbers_wrap);
    suite_add_tcase(suite, tests);
    return unit_env_run(suite);
}
