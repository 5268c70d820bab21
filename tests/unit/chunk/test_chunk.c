/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The walk over a packet's chunks, the look over all of them that RFC 9260 8.4 and 8.5 decide on,
 * the length that chunk_end writes (3.2), and what unknown types ask for (3.2, table 2).
 */
#include "chunk/chunk.h"

#include "chunk/param.h"
#include "support/unit_env.h"
#include "support/unit_hex.h"

static struct unit_env unit;

static void setup(void) {
    unit_env_init(&unit, 0xc4c);
}

static void teardown(void) {
    unit_hex_free();
    unit_env_check_empty(&unit);
}

static struct chunk_summary summary_of(const char *text) {
    struct unit_bytes b = unit_hex(text);
    return chunk_summarize(b.data, b.count);
}

START_TEST(the_walk_splits_type_and_flags) {
    struct unit_bytes b = unit_hex("c1 fe 0007 010203 00   0e 01 0004");
    struct tlv_cursor cursor = tlv_over(b.data, b.count);
    struct chunk chunk;
    ck_assert_int_eq(chunk_next(&cursor, &chunk), TLV_ITEM);
    ck_assert_uint_eq(chunk.type, 0xc1);
    ck_assert_uint_eq(chunk.flags, 0xfe);
    ck_assert_uint_eq(chunk.length, 7);
    ck_assert_uint_eq(chunk.value_bytes, 3);
    ck_assert_ptr_eq(chunk.start, b.data);
    ck_assert_ptr_eq(chunk.value, b.data + 4);
    ck_assert_int_eq(chunk_next(&cursor, &chunk), TLV_ITEM);
    ck_assert_uint_eq(chunk.type, CHUNK_SHUTDOWN_COMPLETE);
    ck_assert_uint_eq(chunk.flags, CHUNK_FLAG_T);
    ck_assert_int_eq(chunk_next(&cursor, &chunk), TLV_END);
}
END_TEST

/* 3.2, table 2. */
START_TEST(unknown_types_say_what_to_do) {
    for (unsigned type = 0; type < 256; type++) {
        ck_assert_int_eq(chunk_unknown_is_skipped((uint8_t)type), type >= 128);
        ck_assert_int_eq(chunk_unknown_is_reported((uint8_t)type),
                         type / 64 == 1 || type / 64 == 3);
    }
}
END_TEST

START_TEST(a_summary_finds_chunks_anywhere) {
    struct chunk_summary s = summary_of("03 00 0010 00000000 00000000 00000000 "
                                        "08 00 0004"); /* a last one of four bytes */
    ck_assert_uint_eq(s.count, 2);
    ck_assert_uint_eq(s.first_type, CHUNK_SACK);
    ck_assert_uint_eq(s.first.value_bytes, 12);
    ck_assert(s.has_shutdown_ack && !s.malformed);
    ck_assert(!s.has_init && !s.has_abort && !s.has_cookie_echo && !s.has_stale_cookie_error);
}
END_TEST

START_TEST(a_summary_tells_each_type) {
    struct chunk_summary s = summary_of("01 00 0004");
    ck_assert(s.has_init && !s.has_init_ack);
    s = summary_of("02 00 0004");
    ck_assert(s.has_init_ack && !s.has_init);
    s = summary_of("0a 00 0004");
    ck_assert(s.has_cookie_echo && !s.has_cookie_ack);
    s = summary_of("0b 00 0004");
    ck_assert(s.has_cookie_ack && !s.has_cookie_echo);
    s = summary_of("0e 00 0004");
    ck_assert(s.has_shutdown_complete && !s.shutdown_complete_has_t);
    s = summary_of("0e 01 0004");
    ck_assert(s.has_shutdown_complete && s.shutdown_complete_has_t);
    s = summary_of("06 00 0004");
    ck_assert(s.has_abort && !s.abort_has_t);
    s = summary_of("06 ff 0004");
    ck_assert(s.has_abort && s.abort_has_t);
    ck_assert_uint_eq(s.first_flags, 0xff);
}
END_TEST

START_TEST(the_first_abort_counts) {
    struct chunk_summary s = summary_of("06 00 0004  06 01 0004");
    ck_assert(s.has_abort && !s.abort_has_t);
    s = summary_of("0e 01 0004  0e 00 0004  06 01 0004  06 00 0004");
    ck_assert(s.abort_has_t && s.shutdown_complete_has_t);
}
END_TEST

/* 8.4 rule 7: the Stale Cookie cause may be any cause of any ERROR chunk. */
START_TEST(stale_cookies_are_found_in_errors) {
    ck_assert(summary_of("09 00 000c 0003 0008 00000001").has_stale_cookie_error);
    ck_assert(
        summary_of("09 00 0014 0001 0008 00010000 0003 0008 00000001").has_stale_cookie_error);
    ck_assert(summary_of("09 00 0004  09 00 000c 0003 0008 00000001").has_stale_cookie_error);
    ck_assert(!summary_of("09 00 000c 0001 0008 00030000").has_stale_cookie_error);
    ck_assert(!summary_of("09 00 0004").has_stale_cookie_error);
    ck_assert(!summary_of("06 00 000c 0003 0008 00000001").has_stale_cookie_error);  /* an ABORT */
    ck_assert(!summary_of("09 00 000c 0001 0003 0003 0008").has_stale_cookie_error); /* malformed */
}
END_TEST

START_TEST(a_summary_stops_at_an_impossible_length) {
    struct chunk_summary s = summary_of("0b 00 0004  06 00 0003  08 00 0004");
    ck_assert(s.malformed && s.has_cookie_ack && !s.has_abort && !s.has_shutdown_ack);
    ck_assert_uint_eq(s.count, 1);
    s = summary_of("06 00 0005");
    ck_assert(s.malformed && !s.has_abort);
    ck_assert_uint_eq(s.count, 0);
    s = summary_of("");
    ck_assert(!s.malformed && s.count == 0);
    s = summary_of("06 00 00"); /* fewer than four bytes are no chunk */
    ck_assert(!s.malformed && s.count == 0);
}
END_TEST

START_TEST(an_empty_chunk_is_a_header) {
    struct writer w = unit_hex_writer();
    chunk_end(&w, chunk_begin(&w, CHUNK_COOKIE_ACK, 0));
    unit_hex_wrote(&w, "0b 00 0004");
}
END_TEST

START_TEST(chunks_are_padded_with_zeroes) {
    static const char *const wanted[] = {"0a 00 0004", "0a 00 0005 aa 000000",
                                         "0a 00 0006 aaaa 0000", "0a 00 0007 aaaaaa 00",
                                         "0a 00 0008 aaaaaaaa"};
    struct writer w = unit_hex_writer();
    uint8_t *header = chunk_begin(&w, CHUNK_COOKIE_ECHO, 0);
    writer_put(&w, "\xaa\xaa\xaa\xaa", (size_t)_i);
    chunk_end(&w, header);
    unit_hex_wrote(&w, wanted[_i]);
}
END_TEST

/* 3.2: the length includes the padding of all parameters but the last. */
START_TEST(the_last_parameters_padding_does_not_count) {
    struct writer w = unit_hex_writer();
    uint8_t *header = chunk_begin(&w, CHUNK_ERROR, 0);
    param_write(&w, 0x000c, "ab", 2);
    param_write(&w, 0x000c, "c", 1);
    chunk_end(&w, header);
    unit_hex_wrote(&w, "09 00 0011  000c 0006 6162 0000  000c 0005 63 000000");

    w = unit_hex_writer();
    header = chunk_begin(&w, CHUNK_INIT, 0);
    writer_put(&w, "................", 16);
    param_write(&w, 0xc000, "abc", 3);
    chunk_end(&w, header);
    ck_assert_uint_eq(get16(w.start + 2), 4 + 16 + 7);
    ck_assert_uint_eq(writer_used(&w), 4 + 16 + 8);
}
END_TEST

/* What looks like a parameter in a chunk that has none is data. */
START_TEST(opaque_values_keep_their_length) {
    struct writer w = unit_hex_writer();
    uint8_t *header = chunk_begin(&w, CHUNK_COOKIE_ECHO, 0);
    param_write(&w, 1, "a", 1);
    chunk_end(&w, header);
    unit_hex_wrote(&w, "0a 00 000c  0001 0005 61 000000");
}
END_TEST

START_TEST(a_chunk_holds_65535_bytes) {
    struct writer w = unit_hex_writer();
    uint8_t *header = chunk_begin(&w, CHUNK_COOKIE_ECHO, 0);
    (void)writer_take(&w, 65531);
    chunk_end(&w, header);
    ck_assert(!w.overflow);
    ck_assert_uint_eq(get16(w.start + 2), 65535);
    ck_assert_uint_eq(writer_used(&w), 65536);

    w = unit_hex_writer();
    header = chunk_begin(&w, CHUNK_COOKIE_ECHO, 0);
    (void)writer_take(&w, 65532);
    chunk_end(&w, header);
    ck_assert(w.overflow);
}
END_TEST

START_TEST(no_room_is_overflow) {
    for (size_t room = 0; room < 8; room++) {
        struct unit_bytes memory = unit_hex_fill(0, room);
        struct writer w = writer_over(memory.data, memory.count);
        uint8_t *header = chunk_begin(&w, CHUNK_COOKIE_ECHO, 0);
        ck_assert_int_eq(header == NULL, room < 4);
        writer_put(&w, "abc", 3); /* and one byte of padding */
        chunk_end(&w, header);
        ck_assert(w.overflow);
    }
}
END_TEST

START_TEST(names) {
    ck_assert_str_eq(chunk_name(CHUNK_DATA), "DATA");
    ck_assert_str_eq(chunk_name(CHUNK_SHUTDOWN_COMPLETE), "SHUTDOWN COMPLETE");
    for (unsigned type = 0; type < 256; type++) {
        ck_assert_ptr_nonnull(chunk_name((uint8_t)type));
        ck_assert_int_eq(!strcmp(chunk_name((uint8_t)type), "unknown chunk"), type > 14);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("chunk");
    TCase *tests = tcase_create("chunk");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, the_walk_splits_type_and_flags);
    tcase_add_test(tests, unknown_types_say_what_to_do);
    tcase_add_test(tests, a_summary_finds_chunks_anywhere);
    tcase_add_test(tests, a_summary_tells_each_type);
    tcase_add_test(tests, the_first_abort_counts);
    tcase_add_test(tests, stale_cookies_are_found_in_errors);
    tcase_add_test(tests, a_summary_stops_at_an_impossible_length);
    tcase_add_test(tests, an_empty_chunk_is_a_header);
    tcase_add_loop_test(tests, chunks_are_padded_with_zeroes, 0, 5);
    tcase_add_test(tests, the_last_parameters_padding_does_not_count);
    tcase_add_test(tests, opaque_values_keep_their_length);
    tcase_add_test(tests, a_chunk_holds_65535_bytes);
    tcase_add_test(tests, no_room_is_overflow);
    tcase_add_test(tests, names);
    suite_add_tcase(suite, tests);
    return unit_env_run(suite);
}
