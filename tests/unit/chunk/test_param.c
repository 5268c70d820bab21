/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Parameters: what unknown types ask for (RFC 9260 3.2.1, table 3), limits of writing, and
 * addresses that do not go over the wire. The bytes are in tests/wire.
 */
#include "chunk/param.h"

#include "core/addr.h"
#include "support/unit_env.h"
#include "support/unit_hex.h"

static struct unit_env unit;

static void setup(void) {
    unit_env_init(&unit, 0x9a7);
}

static void teardown(void) {
    unit_hex_free();
    unit_env_check_empty(&unit);
}

START_TEST(unknown_types_say_what_to_do) {
    for (unsigned type = 0; type < 65536; type += 257) {
        unsigned top = type >> 14;
        ck_assert_int_eq(param_unknown_is_skipped((uint16_t)type), top == 2 || top == 3);
        ck_assert_int_eq(param_unknown_is_reported((uint16_t)type), top == 1 || top == 3);
    }
}
END_TEST

START_TEST(addresses_come_back) {
    for (int i = 0; i < 200; i++) {
        struct usctp_addr in = {0}, out;
        in.family = i % 2 ? USCTP_FAMILY_IPV4 : USCTP_FAMILY_IPV6;
        env_random(&unit.env, in.ipv6, i % 2 ? 4 : 16);
        struct writer w = unit_hex_writer();
        param_address_write(&w, &in);
        struct unit_bytes exact = unit_hex_copy(w.start, writer_used(&w));
        struct tlv_cursor cursor = tlv_over(exact.data, exact.count);
        struct tlv item;
        ck_assert_int_eq(tlv_next(&cursor, &item), TLV_ITEM);
        ck_assert(param_address_parse(&item, &out));
        ck_assert(addr_equal(&in, &out));
        ck_assert_uint_eq(out.scope_id, 0);
        unit_hex_free();
    }
}
END_TEST

START_TEST(other_families_write_nothing) {
    struct writer w = unit_hex_writer();
    struct usctp_addr a = {.family = USCTP_FAMILY_HANDLE, .handle = UINT64_MAX};
    param_address_write(&w, &a);
    a.family = USCTP_FAMILY_NONE;
    param_address_write(&w, &a);
    unit_hex_wrote(&w, "");
}
END_TEST

START_TEST(a_parameter_holds_65535_bytes) {
    struct unit_bytes value = unit_hex_fill(0x11, 65532);
    struct writer w = unit_hex_writer();
    param_write(&w, 7, value.data, 65531);
    ck_assert(!w.overflow);
    ck_assert_uint_eq(get16(w.start + 2), 65535);
    ck_assert_uint_eq(w.start[65535], 0);
    w = unit_hex_writer();
    param_write(&w, 7, value.data, 65532);
    ck_assert(w.overflow);
    w = unit_hex_writer();
    param_write(&w, 7, value.data, SIZE_MAX);
    ck_assert(w.overflow);
    ck_assert_uint_eq(writer_used(&w), 0);
}
END_TEST

START_TEST(no_room_is_overflow) {
    for (size_t room = 0; room < 12; room++) {
        struct unit_bytes memory = unit_hex_fill(0xee, room);
        struct writer w = writer_over(memory.data, memory.count);
        param_write(&w, 7, "12345", 5);
        ck_assert(w.overflow);
        ck_assert_uint_eq(writer_used(&w), 0);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("param");
    TCase *tests = tcase_create("param");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, unknown_types_say_what_to_do);
    tcase_add_test(tests, addresses_come_back);
    tcase_add_test(tests, other_families_write_nothing);
    tcase_add_test(tests, a_parameter_holds_65535_bytes);
    tcase_add_test(tests, no_room_is_overflow);
    suite_add_tcase(suite, tests);
    return unit_env_run(suite);
}
