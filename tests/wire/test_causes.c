/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Golden bytes of every error cause of RFC 9260 3.3.10, written by hand from the section's diagram.
 * The one that is read, Stale Cookie, is taken in both directions.
 */
#include "chunk/cause.h"
#include "chunk/param.h"
#include "support/unit_env.h"
#include "support/unit_hex.h"

static struct unit_env unit;
static struct writer w;

static void setup(void) {
    unit_env_init(&unit, 1);
    w = unit_hex_writer();
}

static void teardown(void) {
    unit_hex_free();
    unit_env_check_empty(&unit);
}

/* Writes a cause around the bytes of a text. */
static void write_around(uint16_t code, const char *info) {
    struct unit_bytes b = unit_hex(info);
    cause_write(&w, code, b.data, b.count);
}

/* 3.3.10.1: Stream Identifier, and a reserved half that is zero. */
START_TEST(invalid_stream) {
    cause_write_invalid_stream(&w, 0x1234);
    unit_hex_wrote(&w, "0001 0008  1234 0000");
}
END_TEST

/* 3.3.10.2: the length is 8 + N * 2, N a number of 32 bits. */
START_TEST(missing_parameters) {
    uint16_t types[] = {PARAM_STATE_COOKIE, PARAM_IPV4};
    cause_write_missing_parameters(&w, types, 1);
    unit_hex_wrote(&w, "0002 000a  00000001  0007 0000");
    w = unit_hex_writer();
    cause_write_missing_parameters(&w, types, 2);
    unit_hex_wrote(&w, "0002 000c  00000002  0007 0005");
}
END_TEST

/* 3.3.10.3: Measure of Staleness in microseconds. */
START_TEST(stale_cookie) {
    cause_write_stale_cookie(&w, 1500000);
    unit_hex_wrote(&w, "0003 0008  0016e360");
    struct tlv_cursor cursor = tlv_over(w.start, writer_used(&w));
    struct tlv item;
    uint32_t staleness_us;
    ck_assert_int_eq(tlv_next(&cursor, &item), TLV_ITEM);
    ck_assert(cause_parse_stale_cookie(&item, &staleness_us));
    ck_assert_uint_eq(staleness_us, 1500000);
}
END_TEST

/* 3.3.10.4, 3.3.10.7, 3.3.10.10: nothing but the header. */
START_TEST(headers_alone) {
    cause_write(&w, CAUSE_OUT_OF_RESOURCE, NULL, 0);
    cause_write(&w, CAUSE_INVALID_PARAMETER, NULL, 0);
    cause_write(&w, CAUSE_COOKIE_IN_SHUTDOWN, NULL, 0);
    unit_hex_wrote(&w, "0004 0004  0007 0004  000a 0004");
}
END_TEST

/* 3.3.10.5: the address parameter whole; here a Host Name of five bytes. */
START_TEST(unresolvable_address) {
    write_around(CAUSE_UNRESOLVABLE_ADDRESS, "000b 0009 612e622e00");
    unit_hex_wrote(&w, "0005 000d  000b 0009 612e622e00 000000");
}
END_TEST

/* 3.3.10.6: the chunk with type, flags and length. */
START_TEST(unrecognized_chunk) {
    write_around(CAUSE_UNRECOGNIZED_CHUNK, "c1 7f 0006 abcd");
    unit_hex_wrote(&w, "0006 000a  c1 7f 0006 abcd 0000");
}
END_TEST

/* 3.3.10.8: the parameters whole, one after the other. */
START_TEST(unrecognized_parameters) {
    write_around(CAUSE_UNRECOGNIZED_PARAMETERS, "c001 0005 aa 000000  4002 0004");
    unit_hex_wrote(&w, "0008 0010  c001 0005 aa 000000  4002 0004");
}
END_TEST

/* 3.3.10.9: the TSN. */
START_TEST(no_user_data) {
    cause_write_no_user_data(&w, 0x89abcdef);
    unit_hex_wrote(&w, "0009 0008  89abcdef");
}
END_TEST

/* 3.3.10.11: the new addresses' parameters. */
START_TEST(restart_with_new_addresses) {
    write_around(CAUSE_RESTART_NEW_ADDRESSES, "0005 0008 c0000201  0005 0008 c0000202");
    unit_hex_wrote(&w, "000b 0014  0005 0008 c0000201  0005 0008 c0000202");
}
END_TEST

/* 3.3.10.12: the upper layer's reason, as it is. */
START_TEST(user_abort) {
    cause_write(&w, CAUSE_USER_ABORT, "tired", 5);
    unit_hex_wrote(&w, "000c 0009  7469726564 000000");
}
END_TEST

/* 3.3.10.13: Additional Information: our text, without a NUL. */
START_TEST(protocol_violation) {
    cause_write_violation(&w, "length");
    unit_hex_wrote(&w, "000d 000a  6c656e677468 0000");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("causes");
    TCase *tests = tcase_create("causes");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, invalid_stream);
    tcase_add_test(tests, missing_parameters);
    tcase_add_test(tests, stale_cookie);
    tcase_add_test(tests, headers_alone);
    tcase_add_test(tests, unresolvable_address);
    tcase_add_test(tests, unrecognized_chunk);
    tcase_add_test(tests, unrecognized_parameters);
    tcase_add_test(tests, no_user_data);
    tcase_add_test(tests, restart_with_new_addresses);
    tcase_add_test(tests, user_abort);
    tcase_add_test(tests, protocol_violation);
    suite_add_tcase(suite, tests);
    return unit_env_run(suite);
}
