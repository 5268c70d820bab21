/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * INIT and INIT ACK: which verdict wins, limits on addresses and unknown parameters, that what is
 * written is read back, and that no bytes make the parser leave its chunk. Golden bytes and the
 * hostile lengths are in tests/wire.
 */
#include "chunk/init_chunk.h"

#include "core/addr.h"
#include "support/unit_env.h"
#include "support/unit_hex.h"

static struct unit_env unit;
static struct init_chunk init;

static void setup(void) {
    unit_env_init(&unit, 0x1417);
    memset(&init, 0x55, sizeof init);
}

static void teardown(void) {
    unit_hex_free();
    unit_env_check_empty(&unit);
}

/* The chunk that lies in the bytes, and its verdict. */
static enum init_verdict parse(struct unit_bytes b) {
    struct tlv_cursor cursor = tlv_over(b.data, b.count);
    struct chunk chunk;
    if (chunk_next(&cursor, &chunk) != TLV_ITEM)
        ck_abort_msg("no chunk");
    return init_chunk_parse(&chunk, &init);
}

/* A chunk header and fixed fields by hand, and then `parameters`. */
static struct unit_bytes with_fields(const char *fields, struct unit_bytes parameters) {
    struct unit_bytes fixed = unit_hex(fields);
    ck_assert_uint_eq(fixed.count, 20);
    struct unit_bytes whole = unit_hex_fill(0, fixed.count + parameters.count);
    memcpy(whole.data, fixed.data, fixed.count);
    if (parameters.count > 0)
        memcpy(whole.data + 20, parameters.data, parameters.count);
    put16(whole.data + 2, (uint16_t)whole.count);
    return whole;
}

#define FIELDS_OK "01 00 0000 00000001 000005dc 0001 0001 00000000"

/* Each breaks its rule and all that come later in the enumeration, where it can. */
START_TEST(the_first_broken_rule_wins) {
    static const struct {
        const char *fields, *parameters;
        enum init_verdict verdict;
    } cases[] = {
        {FIELDS_OK, "", INIT_OK},
        {"01 00 0000 00000000 00000000 0000 0000 00000000", "0005 0007 010203 00", INIT_MALFORMED},
        {"01 00 0000 00000000 00000000 0000 0000 00000000", "000b 0005 00 000000", INIT_ZERO_TAG},
        {"01 00 0000 00000001 000005db 0000 0001 00000000", "000b 0005 00 000000",
         INIT_ZERO_STREAMS},
        {"01 00 0000 00000001 000005db 0001 0000 00000000", "000b 0005 00 000000",
         INIT_ZERO_STREAMS},
        {"01 00 0000 00000001 000005db 0001 0001 00000000", "000b 0005 00 000000",
         INIT_SMALL_WINDOW},
        {FIELDS_OK, "000b 0005 00 000000", INIT_HOST_NAME},
    };
    struct unit_bytes b = with_fields(cases[_i].fields, unit_hex(cases[_i].parameters));
    ck_assert_int_eq(parse(b), cases[_i].verdict);
}
END_TEST

START_TEST(fields_are_there_when_parameters_are_malformed) {
    ck_assert_int_eq(parse(with_fields("01 00 0000 01020304 05060708 0102 0304 0a0b0c0d",
                                       unit_hex("0005 0008 c0000201 0006 0003"))),
                     INIT_MALFORMED);
    ck_assert_uint_eq(init.tag, 0x01020304);
    ck_assert_uint_eq(init.a_rwnd, 0x05060708);
    ck_assert_uint_eq(init.outbound_streams, 0x0102);
    ck_assert_uint_eq(init.inbound_streams, 0x0304);
    ck_assert_uint_eq(init.initial_tsn, 0x0a0b0c0d);
    ck_assert_uint_eq(init.address_count, 1);
}
END_TEST

START_TEST(duplicate_addresses_are_dropped) {
    ck_assert_int_eq(
        parse(with_fields(FIELDS_OK, unit_hex("0005 0008 c0000201  0005 0008 c0000202 "
                                              "0005 0008 c0000201  "
                                              "0006 0014 20010db8 00000000 00000000 00000001 "
                                              "0006 0014 20010db8 00000000 00000000 00000001"))),
        INIT_OK);
    ck_assert_uint_eq(init.address_count, 3);
    ck_assert_uint_eq(init.addresses[1].ipv4[3], 2);
    ck_assert_uint_eq(init.addresses[2].family, USCTP_FAMILY_IPV6);
}
END_TEST

/* RFC 9260 12.2.4.1: as many as 8,190 addresses fit into a chunk. */
START_TEST(further_addresses_are_ignored) {
    static uint8_t list[8 * 8000];
    for (uint32_t i = 0; i < 8000; i++) {
        put32(list + 8 * i, 0x00050008);
        put32(list + 8 * i + 4, 0x0a000000 + i);
    }
    ck_assert_int_eq(parse(with_fields(FIELDS_OK, unit_hex_copy(list, sizeof list))), INIT_OK);
    ck_assert_uint_eq(init.address_count, USCTP_MAX_ADDRESSES);
    ck_assert_uint_eq(get32(init.addresses[31].ipv4), 0x0a00001f);
}
END_TEST

START_TEST(reports_are_bounded) {
    static uint8_t list[4 * 16000];
    for (uint32_t i = 0; i < 16000; i++) {
        put32(list + 4 * i, 0xc0000004 + ((i & 0xff) << 16));
    }
    ck_assert_int_eq(parse(with_fields(FIELDS_OK, unit_hex_copy(list, sizeof list))), INIT_OK);
    ck_assert_uint_eq(init.unknown_count, INIT_MAX_UNKNOWN);
    for (uint32_t i = 0; i < INIT_MAX_UNKNOWN; i++) {
        ck_assert_ptr_eq(init.unknown[i].start, init.parameters + 4 * i);
        ck_assert_uint_eq(init.unknown[i].length, 4);
    }
}
END_TEST

START_TEST(of_single_parameters_the_first_counts) {
    ck_assert_int_eq(
        parse(with_fields(FIELDS_OK, unit_hex("0007 0004  0007 0008 01010101 "
                                              "0009 0008 00000005 0009 0008 00000006 "
                                              "0008 0008 c0010004 0008 0008 c0020004"))),
        INIT_OK);
    ck_assert_ptr_nonnull(init.cookie);
    ck_assert_uint_eq(init.cookie_bytes, 0);
    ck_assert_uint_eq(init.cookie_preservative_ms, 5);
    ck_assert_uint_eq(init.unrecognized.bytes, 4);
    ck_assert_uint_eq(get16(init.unrecognized.value), 0xc001);
}
END_TEST

START_TEST(absent_parameters_are_absent) {
    ck_assert_int_eq(parse(with_fields(FIELDS_OK, unit_hex(""))), INIT_OK);
    ck_assert_ptr_null(init.cookie);
    ck_assert_ptr_null(init.unrecognized.value);
    ck_assert_uint_eq(init.address_count + init.unknown_count + init.parameters_bytes, 0);
    ck_assert(!init.has_supported_types && !init.supports_ipv4 && !init.supports_ipv6);
    ck_assert(!init.has_host_name && !init.has_ecn);
    ck_assert_uint_eq(init.cookie_preservative_ms, 0);
}
END_TEST

START_TEST(what_is_written_is_read) {
    for (int round = 0; round < 500; round++) {
        struct usctp_addr addresses[USCTP_MAX_ADDRESSES] = {0};
        struct init_content in = {
            .tag = unit_env_below(&unit, UINT32_MAX) + 1,
            .a_rwnd = 1500 + unit_env_below(&unit, 1000000),
            .initial_tsn = env_random32(&unit.env),
            .outbound_streams = (uint16_t)(1 + unit_env_below(&unit, 65535)),
            .inbound_streams = (uint16_t)(1 + unit_env_below(&unit, 65535)),
            .addresses = addresses,
            .address_count = unit_env_below(&unit, USCTP_MAX_ADDRESSES + 1),
            .lists_supported_types = unit_env_below(&unit, 2),
            .supports_ipv4 = unit_env_below(&unit, 2),
            .supports_ipv6 = unit_env_below(&unit, 2),
            .cookie_preservative_ms = unit_env_below(&unit, 3),
        };
        for (uint32_t i = 0; i < in.address_count; i++) {
            addresses[i].family = unit_env_below(&unit, 2) ? USCTP_FAMILY_IPV4 : USCTP_FAMILY_IPV6;
            env_random(&unit.env, addresses[i].ipv6, 16);
        }
        struct writer w = unit_hex_writer();
        uint8_t *header = init_chunk_begin(&w, CHUNK_INIT_ACK, &in);
        param_write(&w, PARAM_STATE_COOKIE, "kekse", 5);
        chunk_end(&w, header);
        unit_env_check(!w.overflow);
        unit_env_check(parse(unit_hex_copy(w.start, writer_used(&w))) == INIT_OK);
        unit_env_check(init.tag == in.tag && init.a_rwnd == in.a_rwnd);
        unit_env_check(init.initial_tsn == in.initial_tsn);
        unit_env_check(init.outbound_streams == in.outbound_streams);
        unit_env_check(init.inbound_streams == in.inbound_streams);
        unit_env_check(init.address_count == in.address_count);
        for (uint32_t i = 0; i < in.address_count; i++) {
            unit_env_check(addr_equal(&init.addresses[i], &addresses[i]));
        }
        bool lists = in.lists_supported_types;
        unit_env_check(init.has_supported_types == lists);
        unit_env_check(init.supports_ipv4 == (lists && in.supports_ipv4));
        unit_env_check(init.supports_ipv6 == (lists && in.supports_ipv6));
        unit_env_check(init.cookie_preservative_ms == in.cookie_preservative_ms);
        unit_env_check(init.cookie_bytes == 5 && memcmp(init.cookie, "kekse", 5) == 0);
        unit_env_check(init.unknown_count == 0);
        unit_hex_free();
    }
}
END_TEST

START_TEST(no_room_is_overflow) {
    struct usctp_addr address = {.family = USCTP_FAMILY_IPV4};
    struct init_content in = {.addresses = &address,
                              .address_count = 1,
                              .lists_supported_types = true,
                              .supports_ipv4 = true,
                              .cookie_preservative_ms = 1};
    for (size_t room = 0; room <= 44; room++) {
        struct unit_bytes memory = unit_hex_fill(0, room);
        struct writer w = writer_over(memory.data, memory.count);
        chunk_end(&w, init_chunk_begin(&w, CHUNK_INIT, &in));
        ck_assert_int_eq(w.overflow, room < 20 + 8 + 8 + 8);
    }
}
END_TEST

/* Noise that is mostly parameters: whatever is found lies inside the chunk. */
START_TEST(noise_stays_inside) {
    static const uint16_t types[] = {1,  5,      6,      7,      8,      9,     11,
                                     12, 0x8000, 0xc001, 0x8001, 0x4001, 0x0fff};
    uint32_t verdicts[INIT_HOST_NAME + 1] = {0};
    for (int round = 0; round < 20000; round++) {
        uint8_t noise[160];
        size_t bytes = 4 + unit_env_below(&unit, sizeof noise - 3);
        env_random(&unit.env, noise, sizeof noise);
        for (size_t at = 20; at + 4 <= sizeof noise;) {
            put16(noise + at, types[unit_env_below(&unit, sizeof types / sizeof types[0])]);
            uint32_t length = unit_env_below(&unit, 8) ? 4 * (1 + unit_env_below(&unit, 5)) : 3;
            put16(noise + at + 2, (uint16_t)(length + unit_env_below(&unit, 2)));
            at += padded4(length);
        }
        noise[0] = CHUNK_INIT;
        put16(noise + 2, (uint16_t)bytes);
        struct unit_bytes b = unit_hex_copy(noise, bytes);
        enum init_verdict verdict = parse(b);
        verdicts[verdict]++;
        const uint8_t *end = b.data + b.count;
        for (uint32_t i = 0; i < init.unknown_count; i++) {
            unit_env_check(init.unknown[i].start >= init.parameters);
            unit_env_check(init.unknown[i].start + init.unknown[i].length <= end);
        }
        unit_env_check(!init.cookie || init.cookie + init.cookie_bytes <= end);
        unit_env_check(!init.unrecognized.value ||
                       init.unrecognized.value + init.unrecognized.bytes <= end);
        unit_hex_free();
    }
    ck_assert_uint_gt(verdicts[INIT_OK], 50);
    ck_assert_uint_gt(verdicts[INIT_MALFORMED], 50);
    ck_assert_uint_gt(verdicts[INIT_HOST_NAME], 50);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("init_chunk");
    TCase *tests = tcase_create("init_chunk");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, the_first_broken_rule_wins, 0, 7);
    tcase_add_test(tests, fields_are_there_when_parameters_are_malformed);
    tcase_add_test(tests, duplicate_addresses_are_dropped);
    tcase_add_test(tests, further_addresses_are_ignored);
    tcase_add_test(tests, reports_are_bounded);
    tcase_add_test(tests, of_single_parameters_the_first_counts);
    tcase_add_test(tests, absent_parameters_are_absent);
    tcase_add_test(tests, what_is_written_is_read);
    tcase_add_test(tests, no_room_is_overflow);
    tcase_add_test(tests, noise_stays_inside);
    tcase_set_timeout(tests, 60);
    suite_add_tcase(suite, tests);
    return unit_env_run(suite);
}
