/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * CRC32c: published values, the definition of RFC 9260 Appendix A done bit by bit, and that both
 * implementations agree at every length and alignment. Built twice: against ISA-L, and against the
 * portable code alone.
 */
#include "core/crc32c.h"

#include "core/bytes.h"
#include "support/unit_env.h"
#include "support/unit_hex.h"

static struct unit_env unit;

static void setup(void) {
    unit_env_init(&unit, 0xc3c);
}

static void teardown(void) {
    unit_hex_free();
    unit_env_check_empty(&unit);
}

/*
 * RFC 9260 Appendix A as polynomial division: coefficients come in with each byte's least
 * significant bit first, the register begins with ones and is complemented at the end. This
 * register holds x^31 in its top bit; the result is turned round as the appendix maps it back.
 */
static uint32_t by_definition(const uint8_t *data, size_t bytes) {
    uint32_t remainder = 0xffffffffu;
    for (size_t bit = 0; bit < 8 * bytes; bit++) {
        uint32_t in = (uint32_t)(data[bit / 8] >> bit % 8 & 1);
        bool divides = (remainder >> 31 ^ in) & 1;
        remainder = remainder << 1 ^ (divides ? 0x1EDC6F41u : 0);
    }
    uint32_t reflected = 0;
    for (unsigned i = 0; i < 32; i++) {
        reflected |= (~remainder >> i & 1) << (31 - i);
    }
    return reflected;
}

static void check_both(const uint8_t *data, size_t bytes, uint32_t wanted) {
    ck_assert_uint_eq(crc32c(data, bytes), wanted);
    ck_assert_uint_eq(crc32c_portable(data, bytes), wanted);
    ck_assert_uint_eq(by_definition(data, bytes), wanted);
}

/* The check value of CRC-32C in catalogues of CRCs. */
START_TEST(check_value) {
    check_both((const uint8_t *)"123456789", 9, 0xE3069283u);
    check_both((const uint8_t *)"", 0, 0);
}
END_TEST

/* RFC 3720 B.4 prints the CRC's bytes as they go over the wire, least significant first. */
START_TEST(rfc3720_b4) {
    uint8_t data[48];
    memset(data, 0x00, 32);
    check_both(data, 32, 0x8A9136AAu); /* aa 36 91 8a */
    memset(data, 0xff, 32);
    check_both(data, 32, 0x62A8AB43u); /* 43 ab a8 62 */
    for (unsigned i = 0; i < 32; i++) {
        data[i] = (uint8_t)i;
    }
    check_both(data, 32, 0x46DD794Eu); /* 4e 79 dd 46 */
    for (unsigned i = 0; i < 32; i++) {
        data[i] = (uint8_t)(31 - i);
    }
    check_both(data, 32, 0x113FDB5Cu); /* 5c db 3f 11 */
    struct unit_bytes read = unit_hex("01c00000 00000000 00000000 00000000 14000000 00000400"
                                      "00000014 00000018 28000000 00000000 02000000 00000000");
    check_both(read.data, read.count, 0xD9963A56u); /* 56 3a 96 d9 */
}
END_TEST

START_TEST(every_short_length_and_alignment) {
    struct unit_bytes memory = unit_hex_fill(0, 300);
    for (size_t i = 0; i < memory.count; i++) {
        memory.data[i] = (uint8_t)unit_env_random64(&unit);
    }
    for (size_t offset = 0; offset < 16; offset++) {
        for (size_t bytes = 0; offset + bytes <= memory.count; bytes++) {
            uint32_t wanted = by_definition(memory.data + offset, bytes);
            unit_env_check(crc32c(memory.data + offset, bytes) == wanted);
            unit_env_check(crc32c_portable(memory.data + offset, bytes) == wanted);
        }
    }
}
END_TEST

START_TEST(long_lengths_agree) {
    struct unit_bytes memory = unit_hex_fill(0, 70000);
    for (size_t i = 0; i < memory.count; i++) {
        memory.data[i] = (uint8_t)unit_env_random64(&unit);
    }
    for (int round = 0; round < 1000; round++) {
        size_t offset = unit_env_below(&unit, 64);
        size_t bytes = unit_env_below(&unit, round < 900 ? 2000 : 65536);
        /* A block that ends where the memory ends, so that a read beyond is seen. */
        const uint8_t *at = round % 2 ? memory.data + offset : memory.data + memory.count - bytes;
        unit_env_check(crc32c(at, bytes) == crc32c_portable(at, bytes));
    }
}
END_TEST

START_TEST(one_wrong_bit_is_seen) {
    uint8_t data[64] = {0};
    uint32_t right = crc32c(data, sizeof data);
    for (size_t bit = 0; bit < 8 * sizeof data; bit++) {
        data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        unit_env_check(crc32c(data, sizeof data) != right);
        data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}
END_TEST

/* RFC 9260 6.8: over the whole packet with the field as zero; Appendix A: byte 0 holds the CRC's
 * low byte. */
START_TEST(a_packets_checksum) {
    for (int round = 0; round < 300; round++) {
        uint8_t packet[200];
        size_t bytes = 12 + unit_env_below(&unit, sizeof packet - 11);
        for (size_t i = 0; i < bytes; i++) {
            packet[i] = (uint8_t)unit_env_random64(&unit);
        }
        struct unit_bytes exact = unit_hex_copy(packet, bytes);
        uint32_t checksum = crc32c_of_packet(exact.data, exact.count);
        ck_assert_mem_eq(exact.data, packet, bytes); /* only read */
        memset(packet + 8, 0, 4);
        uint32_t crc = by_definition(packet, bytes);
        uint8_t field[4];
        put32(field, checksum);
        ck_assert_uint_eq(field[0], crc & 0xff);
        ck_assert_uint_eq(field[1], crc >> 8 & 0xff);
        ck_assert_uint_eq(field[2], crc >> 16 & 0xff);
        ck_assert_uint_eq(field[3], crc >> 24);
        unit_hex_free();
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("crc32c");
    TCase *tests = tcase_create("crc32c");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, check_value);
    tcase_add_test(tests, rfc3720_b4);
    tcase_add_test(tests, every_short_length_and_alignment);
    tcase_add_test(tests, long_lengths_agree);
    tcase_add_test(tests, one_wrong_bit_is_seen);
    tcase_add_test(tests, a_packets_checksum);
    suite_add_tcase(suite, tests);
    return unit_env_run(suite);
}
