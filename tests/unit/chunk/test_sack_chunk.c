/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SACK: what is written is read, and random bytes either parse to blocks in order inside the chunk
 * or are refused. Golden bytes and the disorders by hand are in tests/wire.
 */
#include "chunk/sack_chunk.h"

#include "support/unit_env.h"
#include "support/unit_hex.h"

static struct unit_env unit;

static void setup(void) {
    unit_env_init(&unit, 0x5ac);
}

static void teardown(void) {
    unit_hex_free();
    unit_env_check_empty(&unit);
}

static bool parse(struct unit_bytes b, struct sack_chunk *out) {
    struct tlv_cursor cursor = tlv_over(b.data, b.count);
    struct chunk chunk;
    if (chunk_next(&cursor, &chunk) != TLV_ITEM)
        ck_abort_msg("no chunk");
    return sack_chunk_parse(&chunk, out);
}

START_TEST(what_is_written_is_read) {
    for (int round = 0; round < 1000; round++) {
        struct sack_gap gaps[40];
        uint32_t duplicates[40];
        struct sack_content in = {
            .cumulative_tsn = env_random32(&unit.env),
            .a_rwnd = env_random32(&unit.env),
            .gaps = gaps,
            .gap_count = (uint16_t)unit_env_below(&unit, 41),
            .duplicates = duplicates,
            .duplicate_count = (uint16_t)unit_env_below(&unit, 41),
        };
        uint32_t at = 0;
        for (uint16_t i = 0; i < in.gap_count; i++) {
            gaps[i].start = (uint16_t)(at + 1 + unit_env_below(&unit, 800));
            gaps[i].end = (uint16_t)(gaps[i].start + unit_env_below(&unit, 800));
            at = gaps[i].end;
        }
        for (uint16_t i = 0; i < in.duplicate_count; i++) {
            duplicates[i] = env_random32(&unit.env);
        }
        struct writer w = unit_hex_writer();
        sack_chunk_write(&w, &in);
        unit_env_check(!w.overflow);
        unit_env_check(writer_used(&w) == sack_chunk_size(in.gap_count, in.duplicate_count));
        struct sack_chunk out;
        unit_env_check(parse(unit_hex_copy(w.start, writer_used(&w)), &out));
        unit_env_check(out.cumulative_tsn == in.cumulative_tsn && out.a_rwnd == in.a_rwnd);
        unit_env_check(out.gap_count == in.gap_count);
        unit_env_check(out.duplicate_count == in.duplicate_count);
        for (uint16_t i = 0; i < in.gap_count; i++) {
            struct sack_gap gap = sack_chunk_gap(&out, i);
            unit_env_check(gap.start == gaps[i].start && gap.end == gaps[i].end);
        }
        for (uint32_t i = 0; i < in.duplicate_count; i++) {
            unit_env_check(get32(out.duplicates + 4 * i) == duplicates[i]);
        }
        unit_hex_free();
    }
}
END_TEST

START_TEST(noise_is_refused_or_in_order) {
    uint32_t accepted = 0;
    for (int round = 0; round < 50000; round++) {
        uint8_t noise[40] = {CHUNK_SACK};
        size_t bytes = 4 + unit_env_below(&unit, sizeof noise - 3);
        for (size_t i = 4; i < bytes; i++) {
            noise[i] = (uint8_t)(i % 2 ? unit_env_below(&unit, 5) : 0);
        }
        put16(noise + 2, (uint16_t)bytes);
        struct sack_chunk out;
        if (parse(unit_hex_copy(noise, bytes), &out)) {
            uint32_t end = 0;
            for (uint32_t i = 0; i < out.gap_count; i++) {
                struct sack_gap gap = sack_chunk_gap(&out, i);
                unit_env_check(gap.start > end && gap.end >= gap.start);
                end = gap.end;
            }
            unit_env_check(bytes == 16 + 4u * out.gap_count + 4u * out.duplicate_count);
            accepted++;
        }
        unit_hex_free();
    }
    ck_assert_uint_gt(accepted, 50);
}
END_TEST

START_TEST(the_longest_chunk) {
    static uint32_t duplicates[16380];
    struct sack_content content = {.duplicates = duplicates, .duplicate_count = 16379};
    struct writer w = unit_hex_writer();
    sack_chunk_write(&w, &content);
    ck_assert(!w.overflow);
    ck_assert_uint_eq(get16(w.start + 2), 65532);
    content.duplicate_count = 16380;
    w = unit_hex_writer();
    sack_chunk_write(&w, &content);
    ck_assert(w.overflow);
}
END_TEST

START_TEST(no_room_is_overflow) {
    struct sack_gap gap = {2, 3};
    uint32_t duplicate = 9;
    struct sack_content content = {
        .gaps = &gap, .gap_count = 1, .duplicates = &duplicate, .duplicate_count = 1};
    for (size_t room = 0; room <= 24; room++) {
        struct unit_bytes memory = unit_hex_fill(0xee, room);
        struct writer w = writer_over(memory.data, memory.count);
        sack_chunk_write(&w, &content);
        ck_assert_int_eq(w.overflow, room < 24);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("sack_chunk");
    TCase *tests = tcase_create("sack_chunk");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, what_is_written_is_read);
    tcase_add_test(tests, noise_is_refused_or_in_order);
    tcase_add_test(tests, the_longest_chunk);
    tcase_add_test(tests, no_room_is_overflow);
    suite_add_tcase(suite, tests);
    return unit_env_run(suite);
}
