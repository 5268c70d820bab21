/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Error causes: the first code, the measure of staleness, limits and names. The bytes are in
 * tests/wire.
 */
#include "chunk/cause.h"

#include "support/unit_env.h"
#include "support/unit_hex.h"

static struct unit_env unit;

static void setup(void) {
    unit_env_init(&unit, 0xca);
}

static void teardown(void) {
    unit_hex_free();
    unit_env_check_empty(&unit);
}

static uint16_t first_code(const char *text) {
    struct unit_bytes b = unit_hex(text);
    return cause_first_code(b.data, b.count);
}

START_TEST(the_first_code) {
    ck_assert_uint_eq(first_code("000c 0004"), CAUSE_USER_ABORT);
    ck_assert_uint_eq(first_code("000d 0006 6162  0001 0008 00000000"), CAUSE_PROTOCOL_VIOLATION);
    ck_assert_uint_eq(first_code("0103 0004"), 0x0103);
    ck_assert_uint_eq(first_code(""), 0);
    ck_assert_uint_eq(first_code("00 0c 00"), 0);
    ck_assert_uint_eq(first_code("000c 0003"), 0);
    ck_assert_uint_eq(first_code("000c 0005"), 0);
}
END_TEST

START_TEST(the_measure_of_staleness) {
    static const struct {
        const char *text;
        bool has_one;
        uint32_t staleness_us;
    } causes[] = {
        {"0003 0008 000f4240", true, 1000000}, {"0003 0008 ffffffff", true, UINT32_MAX},
        {"0003 000a 00000001 0000", true, 1},  {"0003 0004", false, 7},
        {"0003 0007 000000", false, 7},        {"0002 0008 00000001", false, 7},
    };
    struct unit_bytes b = unit_hex(causes[_i].text);
    struct tlv_cursor cursor = tlv_over(b.data, b.count);
    struct tlv item;
    uint32_t staleness_us = 7;
    ck_assert_int_eq(tlv_next(&cursor, &item), TLV_ITEM);
    ck_assert_int_eq(cause_parse_stale_cookie(&item, &staleness_us), causes[_i].has_one);
    ck_assert_uint_eq(staleness_us, causes[_i].staleness_us);
}
END_TEST

START_TEST(texts_are_bounded) {
    static char text[400];
    memset(text, 'x', sizeof text - 1);
    struct writer w = unit_hex_writer();
    cause_write_violation(&w, text);
    ck_assert(!w.overflow);
    ck_assert_uint_eq(get16(w.start + 2), 4 + 256);
    w = unit_hex_writer();
    cause_write_violation(&w, "");
    unit_hex_wrote(&w, "000d 0004");
}
END_TEST

START_TEST(missing_parameters_are_bounded) {
    uint16_t types[17];
    for (uint16_t i = 0; i < 17; i++) {
        types[i] = i;
    }
    struct writer w = unit_hex_writer();
    cause_write_missing_parameters(&w, types, 16);
    ck_assert(!w.overflow);
    ck_assert_uint_eq(get16(w.start + 2), 8 + 2 * 16);
    cause_write_missing_parameters(&w, types, 17);
    ck_assert(w.overflow);
}
END_TEST

START_TEST(no_room_is_overflow) {
    for (size_t room = 0; room < 8; room++) {
        struct unit_bytes memory = unit_hex_fill(0xee, room);
        struct writer w = writer_over(memory.data, memory.count);
        cause_write_no_user_data(&w, 1);
        ck_assert(w.overflow);
        ck_assert_uint_eq(writer_used(&w), 0);
    }
}
END_TEST

START_TEST(names) {
    ck_assert_str_eq(cause_name(1), "Invalid Stream Identifier");
    ck_assert_str_eq(cause_name(13), "Protocol Violation");
    for (unsigned code = 0; code < 300; code++) {
        bool is_unknown = !strcmp(cause_name((uint16_t)code), "unknown cause");
        ck_assert_int_eq(is_unknown, code < 1 || code > 13);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("cause");
    TCase *tests = tcase_create("cause");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, the_first_code);
    tcase_add_loop_test(tests, the_measure_of_staleness, 0, 6);
    tcase_add_test(tests, texts_are_bounded);
    tcase_add_test(tests, missing_parameters_are_bounded);
    tcase_add_test(tests, no_room_is_overflow);
    tcase_add_test(tests, names);
    suite_add_tcase(suite, tests);
    return unit_env_run(suite);
}
