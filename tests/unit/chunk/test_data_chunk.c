/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * DATA: what is written is read, flags that are not defined, lengths at both ends. Golden bytes are
 * in tests/wire.
 */
#include "chunk/data_chunk.h"

#include "support/unit_env.h"
#include "support/unit_hex.h"

static struct unit_env unit;

static void setup(void) {
    unit_env_init(&unit, 0xda7a);
}

static void teardown(void) {
    unit_hex_free();
    unit_env_check_empty(&unit);
}

static bool parse(struct unit_bytes b, struct data_chunk *out) {
    struct tlv_cursor cursor = tlv_over(b.data, b.count);
    struct chunk chunk;
    if (chunk_next(&cursor, &chunk) != TLV_ITEM)
        ck_abort_msg("no chunk");
    return data_chunk_parse(&chunk, out);
}

START_TEST(what_is_written_is_read) {
    for (int round = 0; round < 1000; round++) {
        struct data_chunk in = {
            .tsn = env_random32(&unit.env),
            .ppid = env_random32(&unit.env),
            .sid = (uint16_t)env_random32(&unit.env),
            .ssn = (uint16_t)env_random32(&unit.env),
            .flags = (uint8_t)env_random32(&unit.env),
            .payload_bytes = (uint16_t)unit_env_below(&unit, 1500),
        };
        struct writer w = unit_hex_writer();
        uint8_t *payload = data_chunk_write(&w, &in);
        unit_env_check(payload == w.start + DATA_HEADER_BYTES);
        memset(payload, 0x11, in.payload_bytes);
        unit_env_check(writer_used(&w) == padded4(16u + in.payload_bytes));
        for (const uint8_t *p = payload + in.payload_bytes; p < w.at; p++) {
            unit_env_check(*p == 0);
        }
        struct data_chunk out;
        unit_env_check(parse(unit_hex_copy(w.start, writer_used(&w)), &out));
        unit_env_check(out.tsn == in.tsn && out.ppid == in.ppid);
        unit_env_check(out.sid == in.sid && out.ssn == in.ssn);
        unit_env_check(out.flags == (in.flags & 0x0f));
        unit_env_check(out.payload_bytes == in.payload_bytes);
        unit_hex_free();
    }
}
END_TEST

START_TEST(short_chunks_are_refused) {
    struct data_chunk out;
    struct unit_bytes b = unit_hex_fill(0, (size_t)_i);
    put16(b.data + 2, (uint16_t)_i);
    ck_assert_int_eq(parse(b, &out), _i >= 16);
    if (_i == 16)
        ck_assert_uint_eq(out.payload_bytes, 0);
}
END_TEST

START_TEST(the_longest_chunk) {
    struct writer w = unit_hex_writer();
    struct data_chunk data = {.payload_bytes = 65519};
    ck_assert_ptr_nonnull(data_chunk_write(&w, &data));
    ck_assert_uint_eq(get16(w.start + 2), 65535);
    ck_assert_uint_eq(writer_used(&w), 65536);
    data.payload_bytes = 65520;
    w = unit_hex_writer();
    ck_assert_ptr_null(data_chunk_write(&w, &data));
    ck_assert(w.overflow);
}
END_TEST

START_TEST(no_room_is_overflow) {
    struct data_chunk data = {.payload_bytes = 5};
    for (size_t room = 0; room <= 24; room++) {
        struct unit_bytes memory = unit_hex_fill(0xee, room);
        struct writer w = writer_over(memory.data, memory.count);
        ck_assert_int_eq(data_chunk_write(&w, &data) != NULL, room == 24);
        ck_assert_int_eq(w.overflow, room < 24);
        ck_assert_uint_eq(writer_used(&w), room == 24 ? 24 : 0);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("data_chunk");
    TCase *tests = tcase_create("data_chunk");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, what_is_written_is_read);
    tcase_add_loop_test(tests, short_chunks_are_refused, 4, 18);
    tcase_add_test(tests, the_longest_chunk);
    tcase_add_test(tests, no_room_is_overflow);
    suite_add_tcase(suite, tests);
    return unit_env_run(suite);
}
