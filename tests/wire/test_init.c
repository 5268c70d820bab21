/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Golden bytes of INIT and INIT ACK and of every parameter of RFC 9260 3.3.2.1 and 3.3.3.1, written
 * by hand from the diagrams and taken in both directions.
 */
#include "chunk/init_chunk.h"
#include "support/unit_env.h"
#include "support/unit_hex.h"

static struct unit_env unit;
static struct init_chunk init;

static void setup(void) {
    unit_env_init(&unit, 1);
    memset(&init, 0x55, sizeof init);
}

static void teardown(void) {
    unit_hex_free();
    unit_env_check_empty(&unit);
}

static void parse_ok(const char *text, uint8_t type) {
    struct unit_bytes b = unit_hex(text);
    struct tlv_cursor cursor = tlv_over(b.data, b.count);
    struct chunk chunk;
    ck_assert_int_eq(chunk_next(&cursor, &chunk), TLV_ITEM);
    ck_assert_uint_eq(chunk.type, type);
    ck_assert_int_eq(init_chunk_parse(&chunk, &init), INIT_OK);
}

static struct usctp_addr ipv4(uint32_t ip) {
    struct usctp_addr a = {.family = USCTP_FAMILY_IPV4};
    put32(a.ipv4, ip);
    return a;
}

static struct usctp_addr ipv6(uint64_t high, uint64_t low) {
    struct usctp_addr a = {.family = USCTP_FAMILY_IPV6};
    put64(a.ipv6, high);
    put64(a.ipv6 + 8, low);
    return a;
}

static const char full_init[] =
    "01 00 0046    # 3.3.2: INIT, 70 bytes\n"
    "01020304      # Initiate Tag\n"
    "000005dc      # a_rwnd: 1500, the least there may be\n"
    "0102 ffff     # Number of Outbound Streams, of Inbound Streams\n"
    "fffffffe      # Initial TSN\n"
    "0005 0008 c0000201    # 3.3.2.1.1: IPv4 Address 192.0.2.1\n"
    "0006 0014             # 3.3.2.1.2: IPv6 Address 2001:db8::1\n"
    "20010db8 00000000 00000000 00000001\n"
    "0005 0008 c6336402    # and a second IPv4 Address, 198.51.100.2\n"
    "0009 0008 000003e8    # 3.3.2.1.3: Cookie Preservative, 1000 ms\n"
    "000c 0006 0005 0000   # 3.3.2.1.5: Supported Address Types: IPv4; padding not counted\n";

START_TEST(init_is_written) {
    struct usctp_addr addresses[] = {ipv4(0xc0000201), ipv6(0x20010db800000000u, 1),
                                     ipv4(0xc6336402)};
    struct init_content content = {.tag = 0x01020304,
                                   .a_rwnd = 1500,
                                   .outbound_streams = 0x0102,
                                   .inbound_streams = 0xffff,
                                   .initial_tsn = 0xfffffffe,
                                   .addresses = addresses,
                                   .address_count = 3,
                                   .lists_supported_types = true,
                                   .supports_ipv4 = true,
                                   .cookie_preservative_ms = 1000};
    struct writer w = unit_hex_writer();
    chunk_end(&w, init_chunk_begin(&w, CHUNK_INIT, &content));
    unit_hex_wrote(&w, full_init);
}
END_TEST

START_TEST(init_is_read) {
    parse_ok(full_init, CHUNK_INIT);
    ck_assert_uint_eq(init.tag, 0x01020304);
    ck_assert_uint_eq(init.a_rwnd, 1500);
    ck_assert_uint_eq(init.outbound_streams, 0x0102);
    ck_assert_uint_eq(init.inbound_streams, 0xffff);
    ck_assert_uint_eq(init.initial_tsn, 0xfffffffe);
    ck_assert_uint_eq(init.address_count, 3);
    ck_assert_uint_eq(init.addresses[0].family, USCTP_FAMILY_IPV4);
    ck_assert_uint_eq(get32(init.addresses[0].ipv4), 0xc0000201);
    ck_assert_uint_eq(init.addresses[1].family, USCTP_FAMILY_IPV6);
    ck_assert_uint_eq(get64(init.addresses[1].ipv6), 0x20010db800000000u);
    ck_assert_uint_eq(get64(init.addresses[1].ipv6 + 8), 1);
    ck_assert_uint_eq(get32(init.addresses[2].ipv4), 0xc6336402);
    ck_assert_uint_eq(init.cookie_preservative_ms, 1000);
    ck_assert(init.has_supported_types && init.supports_ipv4 && !init.supports_ipv6);
    ck_assert_uint_eq(init.parameters_bytes, 50);
    ck_assert_uint_eq(init.unknown_count, 0);
}
END_TEST

/* 3.3.2.1.5: both types, 5 and 6; Host Name (11) in the list means nothing. */
START_TEST(supported_address_types) {
    static const char both[] = "01 00 001c 00000001 00001000 0001 0001 00000002\n"
                               "000c 0008 0005 0006\n";
    struct init_content content = {.tag = 1,
                                   .a_rwnd = 4096,
                                   .outbound_streams = 1,
                                   .inbound_streams = 1,
                                   .initial_tsn = 2,
                                   .lists_supported_types = true,
                                   .supports_ipv4 = true,
                                   .supports_ipv6 = true};
    struct writer w = unit_hex_writer();
    chunk_end(&w, init_chunk_begin(&w, CHUNK_INIT, &content));
    unit_hex_wrote(&w, both);
    parse_ok(both, CHUNK_INIT);
    ck_assert(init.has_supported_types && init.supports_ipv4 && init.supports_ipv6);
    parse_ok("01 00 001e 00000001 00001000 0001 0001 00000002 000c 000a 000b 0006 1234 0000",
             CHUNK_INIT);
    ck_assert(init.has_supported_types && !init.supports_ipv4 && init.supports_ipv6);
    ck_assert(!init.has_host_name);
}
END_TEST

/* Tables 6 and 8: ECN Capable, reserved, type 0x8000 and no value. */
START_TEST(ecn_capable) {
    parse_ok("01 00 0018 00000001 00001000 0001 0001 00000002 8000 0004", CHUNK_INIT);
    ck_assert(init.has_ecn);
    ck_assert_uint_eq(init.unknown_count, 0);
}
END_TEST

/* 3.3.2.1.4: deprecated: read so that it can be answered with ABORT; "a.b" and its NUL. */
START_TEST(host_name) {
    struct unit_bytes b =
        unit_hex("01 00 001c 00000001 00001000 0001 0001 00000002 000b 0008 612e6200");
    struct tlv_cursor cursor = tlv_over(b.data, b.count);
    struct chunk chunk;
    ck_assert_int_eq(chunk_next(&cursor, &chunk), TLV_ITEM);
    ck_assert_int_eq(init_chunk_parse(&chunk, &init), INIT_HOST_NAME);
    ck_assert(init.has_host_name);
}
END_TEST

static const char full_init_ack[] =
    "02 00 0035    # 3.3.3: INIT ACK, 53 bytes\n"
    "f1f2f3f4      # Initiate Tag\n"
    "00010000      # a_rwnd\n"
    "0001 0010     # Number of Outbound Streams, of Inbound Streams\n"
    "00000000      # Initial TSN\n"
    "0005 0008 0a000001          # IPv4 Address 10.0.0.1\n"
    "0007 000b 636f6f6b696573 00 # 3.3.3.1.1: State Cookie, 7 bytes, padding counted\n"
    "0008 000d                   # 3.3.3.1.2: Unrecognized Parameter: the parameter whole\n"
    "c123 0009 6162636465        # of length 9 in a parameter of length 13\n"
    "000000                      # padding, not counted\n";

START_TEST(init_ack_is_written) {
    struct usctp_addr address = ipv4(0x0a000001);
    struct init_content content = {.tag = 0xf1f2f3f4,
                                   .a_rwnd = 65536,
                                   .outbound_streams = 1,
                                   .inbound_streams = 16,
                                   .addresses = &address,
                                   .address_count = 1};
    struct writer w = unit_hex_writer();
    uint8_t *header = init_chunk_begin(&w, CHUNK_INIT_ACK, &content);
    param_write(&w, PARAM_STATE_COOKIE, "cookies", 7);
    param_write(&w, PARAM_UNRECOGNIZED,
                "\xc1\x23\x00\x09"
                "abcde",
                9);
    chunk_end(&w, header);
    unit_hex_wrote(&w, full_init_ack);
}
END_TEST

START_TEST(init_ack_is_read) {
    parse_ok(full_init_ack, CHUNK_INIT_ACK);
    ck_assert_uint_eq(init.tag, 0xf1f2f3f4);
    ck_assert_uint_eq(init.outbound_streams, 1);
    ck_assert_uint_eq(init.inbound_streams, 16);
    ck_assert_uint_eq(init.initial_tsn, 0);
    ck_assert_uint_eq(init.address_count, 1);
    ck_assert_uint_eq(init.cookie_bytes, 7);
    ck_assert_mem_eq(init.cookie, "cookies", 7);
    ck_assert_uint_eq(init.unrecognized.bytes, 9);
    ck_assert_uint_eq(get16(init.unrecognized.value), 0xc123);
    ck_assert_uint_eq(init.unknown_count, 0);
}
END_TEST

/* 3.2: a receiver takes the chunk whether or not the final padding is in its length. */
START_TEST(counted_final_padding) {
    struct unit_bytes b = unit_hex(full_init_ack);
    put16(b.data + 2, 0x38);
    struct tlv_cursor cursor = tlv_over(b.data, b.count);
    struct chunk chunk;
    ck_assert_int_eq(chunk_next(&cursor, &chunk), TLV_ITEM);
    ck_assert_int_eq(init_chunk_parse(&chunk, &init), INIT_OK);
    ck_assert_uint_eq(init.unrecognized.bytes, 9);
}
END_TEST

/* 3.2.1, table 3, both chunks: what follows is read in the cases 10 and 11, reported in 01 and 11.
 */
START_TEST(unknown_parameters_of_all_kinds) {
    static const struct {
        uint16_t type;
        bool goes_on, is_reported;
    } kinds[] = {
        {0x3ffe, false, false}, {0x7ffe, false, true}, {0xbffe, true, false}, {0xfffe, true, true}};
    for (uint8_t type = CHUNK_INIT; type <= CHUNK_INIT_ACK; type++) {
        struct unit_bytes b = unit_hex("01 00 002e 00000001 00001000 0001 0001 00000002\n"
                                       "0005 0008 c0000201  # before: always read\n"
                                       "0000 0006 6162 0000 # the unknown one\n"
                                       "0007 000a 010203040506 0000 # behind\n");
        b.data[0] = type;
        put16(b.data + 28, kinds[_i].type);
        struct tlv_cursor cursor = tlv_over(b.data, b.count);
        struct chunk chunk;
        ck_assert_int_eq(chunk_next(&cursor, &chunk), TLV_ITEM);
        ck_assert_int_eq(init_chunk_parse(&chunk, &init), INIT_OK);
        ck_assert_uint_eq(init.address_count, 1);
        ck_assert_int_eq(init.cookie != NULL, kinds[_i].goes_on);
        ck_assert_uint_eq(init.unknown_count, kinds[_i].is_reported);
        if (!kinds[_i].is_reported)
            continue;
        ck_assert_ptr_eq(init.unknown[0].start, b.data + 28);
        ck_assert_uint_eq(init.unknown[0].length, 6);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("init");
    TCase *tests = tcase_create("init");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, init_is_written);
    tcase_add_test(tests, init_is_read);
    tcase_add_test(tests, supported_address_types);
    tcase_add_test(tests, ecn_capable);
    tcase_add_test(tests, host_name);
    tcase_add_test(tests, init_ack_is_written);
    tcase_add_test(tests, init_ack_is_read);
    tcase_add_test(tests, counted_final_padding);
    tcase_add_loop_test(tests, unknown_parameters_of_all_kinds, 0, 4);
    suite_add_tcase(suite, tests);
    return unit_env_run(suite);
}
