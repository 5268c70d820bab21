/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Golden bytes of every chunk of RFC 9260 3.3 but INIT and INIT ACK (test_init.c), written by hand
 * from the section's diagram and taken in both directions.
 */
#include "chunk/cause.h"
#include "chunk/control_chunk.h"
#include "chunk/data_chunk.h"
#include "chunk/sack_chunk.h"
#include "support/unit_env.h"
#include "support/unit_hex.h"

static struct unit_env unit;

static void setup(void) {
    unit_env_init(&unit, 1);
}

static void teardown(void) {
    unit_hex_free();
    unit_env_check_empty(&unit);
}

/* The one chunk that the text holds. */
static struct chunk only_chunk(const char *text, uint8_t type, uint8_t flags) {
    struct unit_bytes b = unit_hex(text);
    struct tlv_cursor cursor = tlv_over(b.data, b.count);
    struct chunk chunk, next;
    ck_assert_int_eq(chunk_next(&cursor, &chunk), TLV_ITEM);
    ck_assert_int_eq(chunk_next(&cursor, &next), TLV_END);
    ck_assert_uint_eq(chunk.type, type);
    ck_assert_uint_eq(chunk.flags, flags);
    return chunk;
}

/* 3.3.1: each flag alone, in the order E, B, U, I of the diagram from the right; one byte of data.
 */
START_TEST(data_flags) {
    static const struct {
        uint8_t flag;
        const char *text;
    } flags[] = {
        {DATA_FLAG_E, "00 01 0011 01020304 0506 0708 090a0b0c ff 000000"},
        {DATA_FLAG_B, "00 02 0011 01020304 0506 0708 090a0b0c ff 000000"},
        {DATA_FLAG_U, "00 04 0011 01020304 0506 0708 090a0b0c ff 000000"},
        {DATA_FLAG_I, "00 08 0011 01020304 0506 0708 090a0b0c ff 000000"},
    };
    struct data_chunk in = {.tsn = 0x01020304,
                            .sid = 0x0506,
                            .ssn = 0x0708,
                            .ppid = 0x090a0b0c,
                            .flags = flags[_i].flag,
                            .payload_bytes = 1};
    struct writer w = unit_hex_writer();
    uint8_t *payload = data_chunk_write(&w, &in);
    ck_assert_ptr_nonnull(payload);
    *payload = 0xff;
    unit_hex_wrote(&w, flags[_i].text);

    struct chunk chunk = only_chunk(flags[_i].text, CHUNK_DATA, flags[_i].flag);
    struct data_chunk out;
    ck_assert(data_chunk_parse(&chunk, &out));
    ck_assert_uint_eq(out.flags, flags[_i].flag);
    ck_assert_uint_eq(out.tsn, 0x01020304);
    ck_assert_uint_eq(out.sid, 0x0506);
    ck_assert_uint_eq(out.ssn, 0x0708);
    ck_assert_uint_eq(out.ppid, 0x090a0b0c);
    ck_assert_uint_eq(out.payload_bytes, 1);
    ck_assert_uint_eq(*out.payload, 0xff);
}
END_TEST

/* 3.3.1: the four reserved bits are ignored on receipt. */
START_TEST(data_reserved_bits) {
    struct chunk chunk =
        only_chunk("00 f3 0012 00000001 0000 0000 00000000 abcd ffff", CHUNK_DATA, 0xf3);
    struct data_chunk out;
    ck_assert(data_chunk_parse(&chunk, &out));
    ck_assert_uint_eq(out.flags, DATA_FLAG_B | DATA_FLAG_E);
    ck_assert_uint_eq(out.payload_bytes, 2);
}
END_TEST

/* 3.3.4: the section's own example: 10, 11, 12, 14, 15 and 17 arrived, a_rwnd 4660. */
static const char sack_example[] = "03 00 0018    # Type, Chunk Flags, Chunk Length\n"
                                   "0000000c      # Cumulative TSN Ack: 12\n"
                                   "00001234      # a_rwnd: 4660\n"
                                   "0002 0000     # 2 blocks, no duplicates\n"
                                   "0002 0003     # block 1: 14 to 15\n"
                                   "0005 0005     # block 2: 17\n";

START_TEST(sack_of_the_example) {
    struct sack_gap gaps[] = {{2, 3}, {5, 5}};
    struct sack_content in = {.cumulative_tsn = 12, .a_rwnd = 4660, .gaps = gaps, .gap_count = 2};
    struct writer w = unit_hex_writer();
    sack_chunk_write(&w, &in);
    unit_hex_wrote(&w, sack_example);

    struct chunk chunk = only_chunk(sack_example, CHUNK_SACK, 0);
    struct sack_chunk out;
    ck_assert(sack_chunk_parse(&chunk, &out));
    ck_assert_uint_eq(out.cumulative_tsn, 12);
    ck_assert_uint_eq(out.a_rwnd, 4660);
    ck_assert_uint_eq(out.gap_count, 2);
    ck_assert_uint_eq(out.duplicate_count, 0);
    ck_assert_uint_eq(sack_chunk_gap(&out, 0).start, 2);
    ck_assert_uint_eq(sack_chunk_gap(&out, 0).end, 3);
    ck_assert_uint_eq(sack_chunk_gap(&out, 1).start, 5);
    ck_assert_uint_eq(sack_chunk_gap(&out, 1).end, 5);
}
END_TEST

/* 3.3.4: TSN 19 came three times, so it is listed twice. */
static const char sack_duplicates[] = "03 00 001c 00000013 ffffffff 0001 0002\n"
                                      "ffff ffff     # the farthest block there can be\n"
                                      "00000013 00000013\n";

START_TEST(sack_with_duplicates) {
    struct sack_gap gap = {65535, 65535};
    uint32_t duplicates[] = {19, 19};
    struct sack_content in = {.cumulative_tsn = 19,
                              .a_rwnd = UINT32_MAX,
                              .gaps = &gap,
                              .gap_count = 1,
                              .duplicates = duplicates,
                              .duplicate_count = 2};
    struct writer w = unit_hex_writer();
    sack_chunk_write(&w, &in);
    unit_hex_wrote(&w, sack_duplicates);

    struct chunk chunk = only_chunk(sack_duplicates, CHUNK_SACK, 0);
    struct sack_chunk out;
    ck_assert(sack_chunk_parse(&chunk, &out));
    ck_assert_uint_eq(out.duplicate_count, 2);
    ck_assert_uint_eq(get32(out.duplicates), 19);
    ck_assert_uint_eq(get32(out.duplicates + 4), 19);
    ck_assert_uint_eq(sack_chunk_gap(&out, 0).start, 65535);
}
END_TEST

START_TEST(sack_flags_are_ignored) {
    struct chunk chunk = only_chunk("03 ff 0010 00000001 00000002 0000 0000", CHUNK_SACK, 0xff);
    struct sack_chunk out;
    ck_assert(sack_chunk_parse(&chunk, &out));
    ck_assert_uint_eq(out.a_rwnd, 2);
}
END_TEST

/* 3.3.5: Heartbeat Info is a parameter of type 1; its padding is not in the chunk's length (3.2).
 */
static const char heartbeat[] = "04 00 000e    # HEARTBEAT, 14 bytes\n"
                                "0001 000a     # Heartbeat Info, 10 bytes\n"
                                "616263646566  # abcdef\n"
                                "0000          # padding\n";

START_TEST(heartbeat_both_ways) {
    struct writer w = unit_hex_writer();
    control_chunk_write_heartbeat(&w, "abcdef", 6);
    unit_hex_wrote(&w, heartbeat);

    struct chunk chunk = only_chunk(heartbeat, CHUNK_HEARTBEAT, 0);
    const uint8_t *info;
    uint16_t bytes;
    ck_assert(control_chunk_parse_heartbeat(&chunk, &info, &bytes));
    ck_assert_uint_eq(bytes, 6);
    ck_assert_mem_eq(info, "abcdef", 6);
}
END_TEST

/* 3.3.6: the ACK holds the request's Heartbeat Info parameter. */
START_TEST(heartbeat_ack_both_ways) {
    static const char text[] = "05 00 000e 0001 000a 616263646566 0000";
    struct chunk request = only_chunk(heartbeat, CHUNK_HEARTBEAT, 0);
    struct writer w = unit_hex_writer();
    control_chunk_write(&w, CHUNK_HEARTBEAT_ACK, 0, request.value, request.value_bytes);
    unit_hex_wrote(&w, text);

    struct chunk chunk = only_chunk(text, CHUNK_HEARTBEAT_ACK, 0);
    const uint8_t *info;
    uint16_t bytes;
    ck_assert(control_chunk_parse_heartbeat(&chunk, &info, &bytes));
    ck_assert_uint_eq(bytes, 6);
    ck_assert_mem_eq(info, "abcdef", 6);
}
END_TEST

/* 3.3.7: zero or more causes; the T bit is the lowest of the flags. */
START_TEST(abort_both_ways) {
    static const char empty[] = "06 01 0004";
    static const char full[] = "06 00 000c 0009 0008 00000007";
    struct writer w = unit_hex_writer();
    control_chunk_write(&w, CHUNK_ABORT, CHUNK_FLAG_T, NULL, 0);
    unit_hex_wrote(&w, empty);
    w = unit_hex_writer();
    uint8_t *header = chunk_begin(&w, CHUNK_ABORT, 0);
    cause_write_no_user_data(&w, 7);
    chunk_end(&w, header);
    unit_hex_wrote(&w, full);

    struct chunk chunk = only_chunk(empty, CHUNK_ABORT, CHUNK_FLAG_T);
    ck_assert_uint_eq(cause_first_code(chunk.value, chunk.value_bytes), 0);
    chunk = only_chunk(full, CHUNK_ABORT, 0);
    ck_assert_uint_eq(cause_first_code(chunk.value, chunk.value_bytes), CAUSE_NO_USER_DATA);
}
END_TEST

/* 3.3.8: eight bytes, the Cumulative TSN Ack. */
START_TEST(shutdown_both_ways) {
    static const char text[] = "07 00 0008 fffffffe";
    struct writer w = unit_hex_writer();
    control_chunk_write_shutdown(&w, 0xfffffffe);
    unit_hex_wrote(&w, text);

    struct chunk chunk = only_chunk(text, CHUNK_SHUTDOWN, 0);
    uint32_t tsn;
    ck_assert(control_chunk_parse_shutdown(&chunk, &tsn));
    ck_assert_uint_eq(tsn, 0xfffffffe);
}
END_TEST

/* 3.3.10: causes one after the other, each padded, the last one's padding not counted (3.2). */
START_TEST(error_both_ways) {
    static const char text[] = "09 00 0019               # ERROR, 25 bytes\n"
                               "0006 0009 c1 00 0005 aa  # an unrecognized chunk of 5 bytes\n"
                               "000000                   # padding, counted\n"
                               "0008 0009 c000 0005 bb   # an unrecognized parameter of 5 bytes\n"
                               "000000                   # padding, not counted\n";
    struct writer w = unit_hex_writer();
    uint8_t *header = chunk_begin(&w, CHUNK_ERROR, 0);
    cause_write(&w, CAUSE_UNRECOGNIZED_CHUNK, "\xc1\x00\x00\x05\xaa", 5);
    cause_write(&w, CAUSE_UNRECOGNIZED_PARAMETERS, "\xc0\x00\x00\x05\xbb", 5);
    chunk_end(&w, header);
    unit_hex_wrote(&w, text);

    struct chunk chunk = only_chunk(text, CHUNK_ERROR, 0);
    struct tlv_cursor causes = tlv_over(chunk.value, chunk.value_bytes);
    struct tlv cause;
    ck_assert_int_eq(tlv_next(&causes, &cause), TLV_ITEM);
    ck_assert_uint_eq(cause.type, CAUSE_UNRECOGNIZED_CHUNK);
    ck_assert_uint_eq(cause.value_bytes, 5);
    ck_assert_int_eq(tlv_next(&causes, &cause), TLV_ITEM);
    ck_assert_uint_eq(cause.type, CAUSE_UNRECOGNIZED_PARAMETERS);
    ck_assert_uint_eq(cause.value[4], 0xbb);
    ck_assert_int_eq(tlv_next(&causes, &cause), TLV_END);
}
END_TEST

/* 3.3.11: the State Cookie's value becomes the chunk's. */
START_TEST(cookie_echo_both_ways) {
    static const char text[] = "0a 00 0009 6b656b7365 000000";
    struct writer w = unit_hex_writer();
    control_chunk_write(&w, CHUNK_COOKIE_ECHO, 0, "kekse", 5);
    unit_hex_wrote(&w, text);

    struct chunk chunk = only_chunk(text, CHUNK_COOKIE_ECHO, 0);
    ck_assert_uint_eq(chunk.value_bytes, 5);
    ck_assert_mem_eq(chunk.value, "kekse", 5);
}
END_TEST

/* 3.3.9, 3.3.12, 3.3.13, and ECNE and CWR, of which 3.2 only reserves the types. */
START_TEST(headers_alone) {
    static const struct {
        uint8_t type, flags;
        const char *text;
    } chunks[] = {
        {CHUNK_SHUTDOWN_ACK, 0, "08 00 0004"},
        {CHUNK_COOKIE_ACK, 0, "0b 00 0004"},
        {CHUNK_SHUTDOWN_COMPLETE, 0, "0e 00 0004"},
        {CHUNK_SHUTDOWN_COMPLETE, CHUNK_FLAG_T, "0e 01 0004"},
        {CHUNK_ECNE, 0, "0c 00 0004"},
        {CHUNK_CWR, 0, "0d 00 0004"},
    };
    struct writer w = unit_hex_writer();
    control_chunk_write(&w, chunks[_i].type, chunks[_i].flags, NULL, 0);
    unit_hex_wrote(&w, chunks[_i].text);
    struct chunk chunk = only_chunk(chunks[_i].text, chunks[_i].type, chunks[_i].flags);
    ck_assert_uint_eq(chunk.value_bytes, 0);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("chunks");
    TCase *tests = tcase_create("chunks");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, data_flags, 0, 4);
    tcase_add_test(tests, data_reserved_bits);
    tcase_add_test(tests, sack_of_the_example);
    tcase_add_test(tests, sack_with_duplicates);
    tcase_add_test(tests, sack_flags_are_ignored);
    tcase_add_test(tests, heartbeat_both_ways);
    tcase_add_test(tests, heartbeat_ack_both_ways);
    tcase_add_test(tests, abort_both_ways);
    tcase_add_test(tests, shutdown_both_ways);
    tcase_add_test(tests, error_both_ways);
    tcase_add_test(tests, cookie_echo_both_ways);
    tcase_add_loop_test(tests, headers_alone, 0, 6);
    suite_add_tcase(suite, tests);
    return unit_env_run(suite);
}
