/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Chunks with at most one field: what is written is read, which lengths are refused, limits. Golden
 * bytes are in tests/wire.
 */
#include "chunk/control_chunk.h"

#include "chunk/cause.h"
#include "support/unit_env.h"
#include "support/unit_hex.h"

static struct unit_env unit;

static void setup(void) {
    unit_env_init(&unit, 0xc077);
}

static void teardown(void) {
    unit_hex_free();
    unit_env_check_empty(&unit);
}

static struct chunk chunk_in(struct unit_bytes b) {
    struct tlv_cursor cursor = tlv_over(b.data, b.count);
    struct chunk chunk;
    if (chunk_next(&cursor, &chunk) != TLV_ITEM)
        ck_abort_msg("no chunk");
    return chunk;
}

START_TEST(heartbeat_info_comes_back) {
    for (size_t bytes = 0; bytes < 70; bytes++) {
        uint8_t in[70];
        env_random(&unit.env, in, sizeof in);
        struct writer w = unit_hex_writer();
        control_chunk_write_heartbeat(&w, in, bytes);
        ck_assert_uint_eq(get16(w.start + 2), 8 + bytes);
        struct chunk chunk = chunk_in(unit_hex_copy(w.start, writer_used(&w)));
        const uint8_t *info = NULL;
        uint16_t info_bytes = 0;
        ck_assert_uint_eq(chunk.type, CHUNK_HEARTBEAT);
        ck_assert(control_chunk_parse_heartbeat(&chunk, &info, &info_bytes));
        ck_assert_uint_eq(info_bytes, bytes);
        if (bytes > 0)
            ck_assert_mem_eq(info, in, bytes);
        unit_hex_free();
    }
}
END_TEST

/* What is echoed in a HEARTBEAT ACK is the value of the HEARTBEAT, whoever counted the padding. */
START_TEST(an_echo_keeps_the_info) {
    static const char *const requests[] = {"04 00 000d 0001 0009 0102030405 000000",
                                           "04 00 0010 0001 0009 0102030405 000000"};
    struct chunk request = chunk_in(unit_hex(requests[_i]));
    struct writer w = unit_hex_writer();
    control_chunk_write(&w, CHUNK_HEARTBEAT_ACK, 0, request.value, request.value_bytes);
    unit_hex_wrote(&w, "05 00 000d 0001 0009 0102030405 000000");
}
END_TEST

START_TEST(shutdown_has_eight_bytes) {
    for (uint16_t length = 4; length < 16; length++) {
        struct unit_bytes b = unit_hex_fill(7, length);
        put16(b.data + 2, length);
        struct chunk chunk = chunk_in(b);
        uint32_t tsn = 0;
        ck_assert_int_eq(control_chunk_parse_shutdown(&chunk, &tsn), length == 8);
        ck_assert_uint_eq(tsn, length == 8 ? 0x07070707 : 0);
    }
}
END_TEST

/* Causes that were put together elsewhere, with padding, become an ABORT of the right length. */
START_TEST(an_abort_around_causes) {
    uint8_t memory[64];
    struct writer causes = writer_over(memory, sizeof memory);
    cause_write(&causes, CAUSE_OUT_OF_RESOURCE, NULL, 0);
    cause_write(&causes, CAUSE_USER_ABORT, "bye", 3);
    struct writer w = unit_hex_writer();
    control_chunk_write(&w, CHUNK_ABORT, CHUNK_FLAG_T, memory, writer_used(&causes));
    unit_hex_wrote(&w, "06 01 000f  0004 0004  000c 0007 627965 00");
}
END_TEST

START_TEST(limits) {
    struct unit_bytes value = unit_hex_fill(0x22, 65532);
    struct writer w = unit_hex_writer();
    control_chunk_write(&w, CHUNK_COOKIE_ECHO, 0, value.data, 65531);
    ck_assert(!w.overflow);
    ck_assert_uint_eq(get16(w.start + 2), 65535);
    w = unit_hex_writer();
    control_chunk_write(&w, CHUNK_COOKIE_ECHO, 0, value.data, 65532);
    ck_assert(w.overflow);
    w = unit_hex_writer();
    control_chunk_write_heartbeat(&w, value.data, 65528);
    ck_assert(w.overflow);
    for (size_t room = 0; room <= 8; room++) {
        struct unit_bytes memory = unit_hex_fill(0xee, room);
        w = writer_over(memory.data, memory.count);
        control_chunk_write_shutdown(&w, 1);
        ck_assert_int_eq(w.overflow, room < 8);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("control_chunk");
    TCase *tests = tcase_create("control_chunk");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, heartbeat_info_comes_back);
    tcase_add_loop_test(tests, an_echo_keeps_the_info, 0, 2);
    tcase_add_test(tests, shutdown_has_eight_bytes);
    tcase_add_test(tests, an_abort_around_causes);
    tcase_add_test(tests, limits);
    suite_add_tcase(suite, tests);
    return unit_env_run(suite);
}
