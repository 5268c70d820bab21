/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a hostile peer may write: lengths that cannot be, padding that is missing or too long,
 * counts that do not fit, Gap Ack Blocks in disorder, parameters of wrong sizes (RFC
 * 9260 3.2, 3.2.1, 3.3).
 *
 * Every input lies in memory of just its size, so that a sanitizer sees a read beyond it.
 */
#include "chunk/cause.h"
#include "chunk/control_chunk.h"
#include "chunk/data_chunk.h"
#include "chunk/init_chunk.h"
#include "chunk/sack_chunk.h"
#include "support/unit_env.h"
#include "support/unit_hex.h"

#include <stdio.h>

static struct unit_env unit;
static struct init_chunk init;

static void setup(void) {
    unit_env_init(&unit, 0xbad);
}

static void teardown(void) {
    unit_hex_free();
    unit_env_check_empty(&unit);
}

static struct chunk first_chunk(struct unit_bytes b) {
    struct tlv_cursor cursor = tlv_over(b.data, b.count);
    struct chunk chunk;
    if (chunk_next(&cursor, &chunk) != TLV_ITEM)
        ck_abort_msg("no chunk");
    return chunk;
}

static bool parses_as_sack(const char *text) {
    struct chunk chunk = first_chunk(unit_hex(text));
    struct sack_chunk sack;
    return sack_chunk_parse(&chunk, &sack);
}

static bool parses_as_heartbeat(const char *text) {
    struct chunk chunk = first_chunk(unit_hex(text));
    const uint8_t *info;
    uint16_t bytes;
    return control_chunk_parse_heartbeat(&chunk, &info, &bytes);
}

/* An INIT with good fields around the parameters of a text. */
static enum init_verdict init_with(const char *parameters) {
    struct unit_bytes tail = unit_hex(parameters);
    struct unit_bytes whole = unit_hex_fill(0, 20 + tail.count);
    struct unit_bytes fixed = unit_hex("01 00 0000 00000001 00001000 0001 0001 00000002");
    memcpy(whole.data, fixed.data, 20);
    if (tail.count > 0)
        memcpy(whole.data + 20, tail.data, tail.count);
    put16(whole.data + 2, (uint16_t)whole.count);
    struct chunk chunk = first_chunk(whole);
    return init_chunk_parse(&chunk, &init);
}

/* 3.2: a chunk has at least its header: 0 to 3 stop the walk, for each type, and nothing is taken.
 */
START_TEST(chunk_lengths_below_four) {
    for (unsigned type = 0; type < 256; type++) {
        struct unit_bytes b = unit_hex("0b 00 0004  00 00 0000  06 00 0004");
        b.data[4] = (uint8_t)type;
        put16(b.data + 6, (uint16_t)_i);
        struct chunk_summary summary = chunk_summarize(b.data, b.count);
        unit_env_check(summary.malformed && summary.count == 1);
        unit_env_check(summary.has_cookie_ack && !summary.has_abort);
    }
}
END_TEST

/* 3.2: a chunk that ends beyond the packet is not there; what came before it is. */
START_TEST(chunks_beyond_the_end) {
    static const uint16_t lengths[] = {9, 10, 11, 12, 0x7fff, 0x8000, 0xfffc, 0xffff};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        struct unit_bytes b = unit_hex("0b 00 0004  06 00 0000 00000000");
        put16(b.data + 6, lengths[i]);
        struct chunk_summary summary = chunk_summarize(b.data, b.count);
        ck_assert(summary.malformed && !summary.has_abort);
        ck_assert_uint_eq(summary.count, 1);
    }
}
END_TEST

/* 3.2: odd lengths are padded to a multiple of 4; of the last chunk the padding may be missing. */
START_TEST(odd_lengths_and_missing_padding) {
    struct chunk_summary summary;
    struct unit_bytes b = unit_hex("0a 00 0005 aa ffffff  0b 00 0004");
    summary = chunk_summarize(b.data, b.count);
    ck_assert(!summary.malformed && summary.has_cookie_echo && summary.has_cookie_ack);
    b = unit_hex("0b 00 0004  0a 00 0005 aa");
    summary = chunk_summarize(b.data, b.count);
    ck_assert(!summary.malformed && summary.count == 2 && summary.has_cookie_echo);
    b = unit_hex("0b 00 0004  0a 00 0006 aabb 00");
    summary = chunk_summarize(b.data, b.count);
    ck_assert(!summary.malformed && summary.count == 2 && summary.has_cookie_echo);
    /* Padding between chunks left out: the next header is looked for where it must be. */
    b = unit_hex("0a 00 0005 aa 0b 00 00 04 00 00 00");
    summary = chunk_summarize(b.data, b.count);
    ck_assert(!summary.has_cookie_ack);
}
END_TEST

/* Every length that a chunk can claim, over memory of its size: the parsers only say no. */
START_TEST(every_length_of_every_chunk) {
    for (uint16_t length = 4; length < 64; length++) {
        struct unit_bytes b = unit_hex_fill((uint8_t)_i, length);
        put16(b.data + 2, length);
        struct chunk chunk = first_chunk(b);
        struct data_chunk data;
        struct sack_chunk sack;
        const uint8_t *info;
        uint16_t bytes;
        uint32_t tsn;
        unit_env_check(data_chunk_parse(&chunk, &data) == (length >= 16));
        unit_env_check(!sack_chunk_parse(&chunk, &sack) || _i == 0);
        unit_env_check(control_chunk_parse_shutdown(&chunk, &tsn) == (length == 8));
        if (length < 8)
            unit_env_check(!control_chunk_parse_heartbeat(&chunk, &info, &bytes));
        enum init_verdict verdict = init_chunk_parse(&chunk, &init);
        unit_env_check(verdict != INIT_OK || _i != 0);
        if (length < 20)
            unit_env_check(verdict == INIT_MALFORMED);
        (void)cause_first_code(chunk.value, chunk.value_bytes);
    }
}
END_TEST

/* 3.3.4: a start of 0, an end before its start, overlap, disorder, one block twice. */
START_TEST(gap_blocks_out_of_order) {
    ck_assert(parses_as_sack("03 00 0018 00000001 00000002 0002 0000  0002 0003 0005 0006"));
    ck_assert(parses_as_sack("03 00 0018 00000001 00000002 0002 0000  0002 0003 0004 0004"));
    ck_assert(!parses_as_sack("03 00 0014 00000001 00000002 0001 0000  0000 0003"));
    ck_assert(!parses_as_sack("03 00 0014 00000001 00000002 0001 0000  0000 0000"));
    ck_assert(!parses_as_sack("03 00 0014 00000001 00000002 0001 0000  0004 0003"));
    ck_assert(!parses_as_sack("03 00 0018 00000001 00000002 0002 0000  0002 0005 0005 0006"));
    ck_assert(!parses_as_sack("03 00 0018 00000001 00000002 0002 0000  0005 0006 0002 0003"));
    ck_assert(!parses_as_sack("03 00 0018 00000001 00000002 0002 0000  0002 0003 0002 0003"));
    ck_assert(!parses_as_sack("03 00 0018 00000001 00000002 0002 0000  0002 ffff 0003 0004"));
}
END_TEST

/* 3.3.4: counts that the length does not bear out. */
START_TEST(sack_counts_that_do_not_fit) {
    ck_assert(parses_as_sack("03 00 0010 00000001 00000002 0000 0000"));
    ck_assert(!parses_as_sack("03 00 0010 00000001 00000002 0001 0000"));
    ck_assert(!parses_as_sack("03 00 0010 00000001 00000002 0000 0001"));
    ck_assert(!parses_as_sack("03 00 0014 00000001 00000002 ffff 0000  0002 0003"));
    ck_assert(!parses_as_sack("03 00 0014 00000001 00000002 0000 ffff  00000003"));
    ck_assert(!parses_as_sack("03 00 0014 00000001 00000002 ffff ffff  00000003"));
    ck_assert(!parses_as_sack("03 00 0014 00000001 00000002 0001 0001  0002 0003"));
    ck_assert(!parses_as_sack("03 00 0014 00000001 00000002 0000 0000  0002 0003"));
    ck_assert(!parses_as_sack("03 00 0012 00000001 00000002 0000 0001  0002 0000"));
    ck_assert(!parses_as_sack("03 00 000f 00000001 00000002 0000 00 00"));
    ck_assert(!parses_as_sack("03 00 0004"));
}
END_TEST

/* As many blocks as a chunk can hold, in order: taken whole. */
START_TEST(sack_of_16_thousand_blocks) {
    struct unit_bytes b = unit_hex_fill(0, 16 + 4 * 16379);
    struct sack_chunk sack;
    b.data[0] = CHUNK_SACK;
    put16(b.data + 2, (uint16_t)b.count);
    put16(b.data + 12, 16379);
    for (uint32_t i = 0; i < 16379; i++) {
        put16(b.data + 16 + 4 * i, (uint16_t)(2 * i + 2));
        put16(b.data + 18 + 4 * i, (uint16_t)(2 * i + 2));
    }
    struct chunk chunk = first_chunk(b);
    ck_assert(sack_chunk_parse(&chunk, &sack));
    ck_assert_uint_eq(sack.gap_count, 16379);
    ck_assert_uint_eq(sack_chunk_gap(&sack, 16378).end, 32758);
}
END_TEST

/* 3.3.5: the parameter is missing, too short, beyond the chunk, or behind one that stops the
 * reading. */
START_TEST(heartbeats_without_info) {
    ck_assert(parses_as_heartbeat("04 00 0008 0001 0004"));
    ck_assert(parses_as_heartbeat("04 00 000c 8001 0004 0001 0004"));
    ck_assert(!parses_as_heartbeat("04 00 0004"));
    ck_assert(!parses_as_heartbeat("04 00 0007 0001 00 00"));
    ck_assert(!parses_as_heartbeat("04 00 0008 0001 0003"));
    ck_assert(!parses_as_heartbeat("04 00 0008 0001 0000"));
    ck_assert(!parses_as_heartbeat("04 00 0008 0001 0005"));
    ck_assert(!parses_as_heartbeat("04 00 000c 0001 ffff 00000000"));
    ck_assert(!parses_as_heartbeat("04 00 0008 0002 0004"));
    ck_assert(!parses_as_heartbeat("04 00 000c 4001 0004 0001 0004"));
    ck_assert(!parses_as_heartbeat("04 00 0008 8001 0004"));
}
END_TEST

/* 3.3.2.1.1, 3.3.2.1.2, 3.3.2.1.3: sizes that these parameters do not have. */
START_TEST(parameters_of_wrong_sizes) {
    static const struct {
        uint16_t type, length;
        enum init_verdict verdict;
    } sizes[] = {
        {5, 4, INIT_MALFORMED},  {5, 5, INIT_MALFORMED},  {5, 6, INIT_MALFORMED},
        {5, 7, INIT_MALFORMED},  {5, 8, INIT_OK},         {5, 9, INIT_MALFORMED},
        {5, 20, INIT_MALFORMED}, {6, 4, INIT_MALFORMED},  {6, 5, INIT_MALFORMED},
        {6, 8, INIT_MALFORMED},  {6, 19, INIT_MALFORMED}, {6, 20, INIT_OK},
        {6, 21, INIT_MALFORMED}, {6, 24, INIT_MALFORMED}, {9, 4, INIT_MALFORMED},
        {9, 7, INIT_MALFORMED},  {9, 8, INIT_OK},         {9, 9, INIT_MALFORMED},
        {12, 4, INIT_OK},        {12, 5, INIT_MALFORMED}, {12, 6, INIT_OK},
        {12, 7, INIT_MALFORMED},
    };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char text[100] = "";
        int at = snprintf(text, sizeof text, "%04x %04x", sizes[i].type, sizes[i].length);
        for (unsigned n = 4; n < sizes[i].length; n++) {
            at += snprintf(text + at, sizeof text - (size_t)at, " 01");
        }
        ck_assert_msg(init_with(text) == sizes[i].verdict, "type %u, length %u", sizes[i].type,
                      sizes[i].length);
    }
}
END_TEST

/* 3.2.1: 0 to 3, and beyond the chunk, for known and unknown parameters, first and last. */
START_TEST(parameter_lengths_that_cannot_be) {
    static const uint16_t types[] = {5, 6, 7, 8, 9, 11, 12, 0x8000, 0x1234, 0x4321, 0x9999, 0xc0ff};
    static const uint16_t lengths[] = {0, 1, 2, 3, 9, 12, 13, 0x8000, 0xffff};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        for (size_t j = 0; j < sizeof lengths / sizeof lengths[0]; j++) {
            char text[64];
            snprintf(text, sizeof text, "0005 0008 0a000001 %04x %04x 00000000", types[i],
                     lengths[j]);
            unit_env_check(init_with(text) == INIT_MALFORMED);
            unit_env_check(init.tag == 1 && init.address_count == 1);
        }
    }
}
END_TEST

/* 3.2.1: what follows a parameter that stops the reading is not looked at, however bad. */
START_TEST(nothing_is_read_behind_a_stop) {
    ck_assert_int_eq(init_with("1234 0004  0005 0003"), INIT_OK);
    ck_assert_int_eq(init_with("4321 0004  000b 0004"), INIT_OK);
    ck_assert_uint_eq(init.unknown_count, 1);
    ck_assert_int_eq(init_with("9234 0004  0005 0003"), INIT_MALFORMED);
    ck_assert_int_eq(init_with("c321 0004  000b 0004"), INIT_HOST_NAME);
}
END_TEST

/* 3.2: up to three bytes behind the last parameter are its padding, or no parameter. */
START_TEST(trailing_bytes) {
    ck_assert_int_eq(init_with("0007 0005 aa"), INIT_OK);
    ck_assert_uint_eq(init.cookie_bytes, 1);
    ck_assert_int_eq(init_with("0007 0005 aa ffffff"), INIT_OK);
    ck_assert_int_eq(init_with("0007 0008 aaaaaaaa ff"), INIT_OK);
    ck_assert_int_eq(init_with("0007 0008 aaaaaaaa ffffff"), INIT_OK);
    ck_assert_int_eq(init_with("ff ff ff"), INIT_OK);
}
END_TEST

/* 64 KiB of parameters: of addresses, of unknown ones to report, of empty ones, of one cookie. */
START_TEST(as_many_parameters_as_fit) {
    static const struct {
        uint32_t first_word;
        size_t bytes;
    } fillings[] = {
        {0x00050008, 8}, {0xc0010008, 8}, {0xc0000004, 4}, {0x80000004, 4},
        {0x000c0004, 4}, {0x00080004, 4}, {0x00010004, 4}, {0x0007fffb - 20, 65532 - 20}};
    struct unit_bytes b = unit_hex_fill(0x10, 65532);
    put32(b.data, 0x0100fffc);
    for (size_t at = 20; at + fillings[_i].bytes <= b.count; at += fillings[_i].bytes) {
        put32(b.data + at, fillings[_i].first_word);
        if (fillings[_i].bytes == 8)
            put32(b.data + at + 4, 0x0a000000 + (uint32_t)at);
    }
    struct chunk chunk = first_chunk(b);
    ck_assert_int_eq(init_chunk_parse(&chunk, &init), INIT_OK);
    ck_assert_uint_eq(init.parameters_bytes, 65532 - 20);
    ck_assert_uint_eq(init.address_count, _i == 0 ? USCTP_MAX_ADDRESSES : 0);
    ck_assert_uint_eq(init.unknown_count, _i == 1 || _i == 2 ? INIT_MAX_UNKNOWN : 0);
    if (_i == 7)
        ck_assert_uint_eq(init.cookie_bytes, 0xfffb - 20 - 4);
}
END_TEST

/* 3.3.10: causes that cannot be end the walk. */
START_TEST(causes_that_cannot_be) {
    static const char *const values[] = {"0003 0000 00000001", "0003 0003 00000001",
                                         "0003 0009 00000001", "0003 ffff 00000001", "00 03 00"};
    struct unit_bytes b = unit_hex(values[_i]);
    ck_assert_uint_eq(cause_first_code(b.data, b.count), 0);
    struct unit_bytes whole = unit_hex_fill(0, 4 + b.count);
    put32(whole.data, 0x09000000 | (uint32_t)whole.count);
    memcpy(whole.data + 4, b.data, b.count);
    ck_assert(!chunk_summarize(whole.data, whole.count).has_stale_cookie_error);
}
END_TEST

/* As many chunks as fit: counted, each looked at once. */
START_TEST(sixteen_thousand_chunks) {
    struct unit_bytes b = unit_hex_fill(0, 65520);
    for (size_t at = 0; at < b.count; at += 4) {
        put32(b.data + at, 0x09000004);
    }
    put32(b.data + b.count - 4, 0x08000004);
    struct chunk_summary summary = chunk_summarize(b.data, b.count);
    ck_assert_uint_eq(summary.count, 16380);
    ck_assert(summary.has_shutdown_ack && !summary.malformed);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("malformed");
    TCase *tests = tcase_create("malformed");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, chunk_lengths_below_four, 0, 4);
    tcase_add_test(tests, chunks_beyond_the_end);
    tcase_add_test(tests, odd_lengths_and_missing_padding);
    tcase_add_loop_test(tests, every_length_of_every_chunk, 0, 16);
    tcase_add_test(tests, gap_blocks_out_of_order);
    tcase_add_test(tests, sack_counts_that_do_not_fit);
    tcase_add_test(tests, sack_of_16_thousand_blocks);
    tcase_add_test(tests, heartbeats_without_info);
    tcase_add_test(tests, parameters_of_wrong_sizes);
    tcase_add_test(tests, parameter_lengths_that_cannot_be);
    tcase_add_test(tests, nothing_is_read_behind_a_stop);
    tcase_add_test(tests, trailing_bytes);
    tcase_add_loop_test(tests, as_many_parameters_as_fit, 0, 8);
    tcase_add_loop_test(tests, causes_that_cannot_be, 0, 5);
    tcase_add_test(tests, sixteen_thousand_chunks);
    suite_add_tcase(suite, tests);
    return unit_env_run(suite);
}
