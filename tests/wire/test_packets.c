/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Golden packets: the common header of RFC 9260 3.1 and chunks bundled behind it.
 *
 * The bytes were written by hand from the diagrams. The checksums are the remainder of the long
 * division that Appendix A describes, done bit by bit by a script in another language; the same
 * script gives E3069283 for "123456789".
 */
#include "chunk/control_chunk.h"
#include "chunk/data_chunk.h"
#include "chunk/init_chunk.h"
#include "chunk/packet.h"
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

static const char cookie_ack[] = "3039 0007     # 3.1: from port 12345 to port 7\n"
                                 "deadbeef      # Verification Tag\n"
                                 "83474010      # Checksum\n"
                                 "0b 00 0004    # 3.3.12: COOKIE ACK\n";

START_TEST(cookie_ack_is_written) {
    struct writer w = unit_hex_writer();
    packet_begin(&w, &(struct packet_header){12345, 7, 0xdeadbeef});
    control_chunk_write(&w, CHUNK_COOKIE_ACK, 0, NULL, 0);
    packet_finish(w.start, writer_used(&w));
    unit_hex_wrote(&w, cookie_ack);
}
END_TEST

START_TEST(cookie_ack_is_read) {
    struct unit_bytes b = unit_hex(cookie_ack);
    struct packet_header header;
    ck_assert_int_eq(packet_open(b.data, b.count, true, &header), PACKET_OK);
    ck_assert_uint_eq(header.source_port, 12345);
    ck_assert_uint_eq(header.destination_port, 7);
    ck_assert_uint_eq(header.tag, 0xdeadbeef);
    struct chunk_summary summary =
        chunk_summarize(b.data + PACKET_HEADER_BYTES, b.count - PACKET_HEADER_BYTES);
    ck_assert_uint_eq(summary.count, 1);
    ck_assert(summary.has_cookie_ack);
}
END_TEST

static const char init[] = "04d2 0050     # from port 1234 to port 80\n"
                           "00000000      # 3.1: INIT goes with a tag of zero\n"
                           "c589e230      # Checksum\n"
                           "01 00 0014    # 3.3.2: INIT\n"
                           "01020304      # Initiate Tag\n"
                           "00020000      # a_rwnd: 131072\n"
                           "000a 0800     # 10 streams out, 2048 in\n"
                           "0a0b0c0d      # Initial TSN\n";

START_TEST(init_is_written) {
    struct init_content content = {.tag = 0x01020304,
                                   .a_rwnd = 131072,
                                   .outbound_streams = 10,
                                   .inbound_streams = 2048,
                                   .initial_tsn = 0x0a0b0c0d};
    struct writer w = unit_hex_writer();
    packet_begin(&w, &(struct packet_header){1234, 80, 0});
    chunk_end(&w, init_chunk_begin(&w, CHUNK_INIT, &content));
    packet_finish(w.start, writer_used(&w));
    unit_hex_wrote(&w, init);
}
END_TEST

static const char bundle[] = "0050 04d2     # from port 80 to port 1234\n"
                             "01020304      # Verification Tag\n"
                             "2818007e      # Checksum\n"
                             "03 00 0010    # 3.3.4: SACK\n"
                             "00000063      # Cumulative TSN Ack: 99\n"
                             "00010000      # a_rwnd: 65536\n"
                             "0000 0000     # no Gap Ack Blocks, no Duplicate TSNs\n"
                             "00 03 0015    # 3.3.1: DATA, B and E, 21 bytes\n"
                             "00000064      # TSN: 100\n"
                             "0005 0006     # stream 5, number 6\n"
                             "00000001      # Payload Protocol Identifier\n"
                             "68656c6c6f    # hello\n"
                             "000000        # padding, not in the length\n";

START_TEST(bundle_is_written) {
    struct sack_content sack = {.cumulative_tsn = 99, .a_rwnd = 65536};
    struct data_chunk data = {.tsn = 100,
                              .sid = 5,
                              .ssn = 6,
                              .ppid = 1,
                              .flags = DATA_FLAG_B | DATA_FLAG_E,
                              .payload_bytes = 5};
    struct writer w = unit_hex_writer();
    packet_begin(&w, &(struct packet_header){80, 1234, 0x01020304});
    sack_chunk_write(&w, &sack);
    uint8_t *payload = data_chunk_write(&w, &data);
    ck_assert_ptr_nonnull(payload);
    memcpy(payload, "hello", 5);
    packet_finish(w.start, writer_used(&w));
    unit_hex_wrote(&w, bundle);
}
END_TEST

START_TEST(bundle_is_read) {
    struct unit_bytes b = unit_hex(bundle);
    struct packet_header header;
    struct sack_chunk sack;
    struct data_chunk data;
    struct chunk chunk;
    ck_assert_int_eq(packet_open(b.data, b.count, true, &header), PACKET_OK);
    struct tlv_cursor cursor =
        tlv_over(b.data + PACKET_HEADER_BYTES, b.count - PACKET_HEADER_BYTES);
    ck_assert_int_eq(chunk_next(&cursor, &chunk), TLV_ITEM);
    ck_assert_uint_eq(chunk.type, CHUNK_SACK);
    ck_assert(sack_chunk_parse(&chunk, &sack));
    ck_assert_uint_eq(sack.cumulative_tsn, 99);
    ck_assert_int_eq(chunk_next(&cursor, &chunk), TLV_ITEM);
    ck_assert_uint_eq(chunk.type, CHUNK_DATA);
    ck_assert(data_chunk_parse(&chunk, &data));
    ck_assert_uint_eq(data.payload_bytes, 5);
    ck_assert_mem_eq(data.payload, "hello", 5);
    ck_assert_int_eq(chunk_next(&cursor, &chunk), TLV_END);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("packets");
    TCase *tests = tcase_create("packets");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, cookie_ack_is_written);
    tcase_add_test(tests, cookie_ack_is_read);
    tcase_add_test(tests, init_is_written);
    tcase_add_test(tests, bundle_is_written);
    tcase_add_test(tests, bundle_is_read);
    suite_add_tcase(suite, tests);
    return unit_env_run(suite);
}
