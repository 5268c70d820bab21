/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Headers of frames against bytes laid out by hand: RFC 894 and RFC 2464 for Ethernet, RFC 791 3.1
 * (its checksum as RFC 1071 1 computes it) and RFC 8200 3.
 */
#include "net/ether_frame.h"

#include "core/addr.h"
#include "support/unit_hex.h"
#include "support/unit_net.h"

#include <stdlib.h>
#include <string.h>

static struct usctp_addr source, destination;
static uint8_t out[ETHER_FRAME_HEADERS_BYTES];

static struct ether_frame frame_between(const char *from, const char *to) {
    struct ether_frame frame = {.source = &source, .destination = &destination};
    source = unit_net_address(from);
    destination = unit_net_address(to);
    memcpy(frame.from, "\x02\x00\x00\x00\x00\x01", ETHER_FRAME_MAC_BYTES);
    memcpy(frame.to, "\x02\x00\x00\x00\x00\x02", ETHER_FRAME_MAC_BYTES);
    return frame;
}

START_TEST(ipv4) {
    struct ether_frame frame = frame_between("192.0.2.1", "198.51.100.2");
    frame.tos = 0xb9;
    frame.hop_limit = 64;
    frame.flow_label = 0xfffff; /* IPv4 has none */
    ck_assert_uint_eq(ether_frame_write(out, &frame, 28), 34);
    unit_hex_equal(out, 34,
                   "020000000002 020000000001 0800"
                   "45 b9 0030   # version, 5 words; type of service; 20 + 28 bytes\n"
                   "0000 4000    # identification; DF\n"
                   "40 84 4d5a   # time to live, SCTP, checksum\n"
                   "c0000201 c6336402");
}
END_TEST

START_TEST(ipv4_extremes) {
    struct ether_frame frame = frame_between("255.255.255.254", "255.255.255.255");
    frame.hop_limit = 1;
    ck_assert_uint_eq(ether_frame_write(out, &frame, 0), 34);
    unit_hex_equal(out + 14, 20, "45000014 00004000 01847968 fffffffe ffffffff");
    frame.tos = 0xff;
    frame.hop_limit = 255;
    ck_assert_uint_eq(ether_frame_write(out, &frame, 65515), 34);
    unit_hex_equal(out + 14, 20, "45ffffff 00004000 ff847a7c fffffffe ffffffff");
    ck_assert_uint_eq(ether_frame_write(out, &frame, 65516), 0);
}
END_TEST

START_TEST(ipv6) {
    struct ether_frame frame = frame_between("2001:db8::1", "fe80::2");
    frame.tos = 0xb9;
    frame.hop_limit = 63;
    frame.flow_label = 0xabcde;
    ck_assert_uint_eq(ether_frame_write(out, &frame, 28), 54);
    unit_hex_equal(out, 54,
                   "020000000002 020000000001 86dd"
                   "6b9abcde     # version, traffic class, flow label\n"
                   "001c 84 3f   # 28 bytes, SCTP, hop limit\n"
                   "20010db8000000000000000000000001 fe800000000000000000000000000002");
    frame.flow_label = 0xfff00001; /* 20 bits count */
    frame.tos = 0;
    ck_assert_uint_eq(ether_frame_write(out, &frame, 65535), 54);
    unit_hex_equal(out + 14, 8, "60000001 ffff 84 3f");
    ck_assert_uint_eq(ether_frame_write(out, &frame, 65536), 0);
}
END_TEST

START_TEST(no_pair_of_addresses) {
    struct ether_frame frame = frame_between("192.0.2.1", "2001:db8::1");
    ck_assert_uint_eq(ether_frame_write(out, &frame, 28), 0);
    destination.family = USCTP_FAMILY_HANDLE;
    source.family = USCTP_FAMILY_HANDLE;
    ck_assert_uint_eq(ether_frame_write(out, &frame, 28), 0);
    ck_assert_uint_eq(ether_frame_ip_bytes(&destination), 0);
    source.family = destination.family = USCTP_FAMILY_NONE;
    ck_assert_uint_eq(ether_frame_write(out, &frame, 28), 0);
}
END_TEST

/* ---- reading --------------------------------------------------------------------------------- */

static struct usctp_packet packet;

/* From memory that ends where the frame does. */
static bool reads(const void *frame, size_t bytes) {
    struct unit_bytes copy = unit_hex_copy(frame, bytes);
    bool does = ether_frame_read(copy.data, (uint32_t)bytes, &packet);
    ck_assert(!does ||
              (packet.data >= copy.data && packet.data + packet.length <= copy.data + copy.count));
    unit_hex_free();
    return does;
}

static const char ipv4_frame[] = "020000000002 020000000001 0800"
                                 "45 b9 0030 0000 4000 40 84 4d5a c0000201 c6336402"
                                 "000102030405060708090a0b0c0d0e0f101112131415161718191a1b";
static const char ipv6_frame[] = "020000000002 020000000001 86dd 6b9abcde 001c 84 3f"
                                 "20010db8000000000000000000000001 20010db8000000000000000000000002"
                                 "000102030405060708090a0b0c0d0e0f101112131415161718191a1b";

START_TEST(what_is_read) {
    struct usctp_addr near = unit_net_address("192.0.2.1"), far = unit_net_address("198.51.100.2");
    struct unit_bytes frame = unit_hex(ipv4_frame);
    ck_assert(ether_frame_read(frame.data, (uint32_t)frame.count, &packet));
    ck_assert_ptr_eq(packet.data, frame.data + 34);
    ck_assert_uint_eq(packet.length, 28);
    ck_assert(addr_equal(&packet.source, &near) && addr_equal(&packet.destination, &far));
    ck_assert_uint_eq(packet.tos, 0xb9);
    ck_assert_uint_eq(packet.flow_label, 0);
    frame = unit_hex(ipv6_frame);
    near = unit_net_address("2001:db8::1");
    far = unit_net_address("2001:db8::2");
    ck_assert(ether_frame_read(frame.data, (uint32_t)frame.count, &packet));
    ck_assert_ptr_eq(packet.data, frame.data + 54);
    ck_assert_uint_eq(packet.length, 28);
    ck_assert(addr_equal(&packet.source, &near) && addr_equal(&packet.destination, &far));
    ck_assert_uint_eq(packet.tos, 0xb9);
    ck_assert_uint_eq(packet.flow_label, 0xabcde);
    ck_assert_uint_eq(packet.segment_size, 0);
    ck_assert_uint_eq(packet.udp_source, 0);
}
END_TEST

/* What is cut short anywhere, and what says that it is longer than it is. */
START_TEST(too_short_to_read) {
    struct unit_bytes frame = unit_hex(ipv4_frame);
    uint8_t copy[128];
    memcpy(copy, frame.data, frame.count);
    size_t bytes = frame.count;
    ck_assert(reads(copy, bytes));
    for (size_t i = 0; i < bytes; i++)
        ck_assert(!reads(copy, i));
    frame = unit_hex(ipv6_frame);
    bytes = frame.count;
    memcpy(copy, frame.data, bytes);
    ck_assert(reads(copy, bytes));
    for (size_t i = 0; i < bytes; i++)
        ck_assert(!reads(copy, i));
    copy[19] = 0x1b; /* one byte less than there is: padding */
    ck_assert(reads(copy, bytes));
    ck_assert_uint_eq(packet.length, 27);
    copy[18] = copy[19] = 0; /* a jumbogram's, or nothing */
    ck_assert(!reads(copy, bytes));
}
END_TEST

/* Whatever a byte of the headers becomes, nothing is read that is not there, and IPv4's checksum
 * (RFC 791 3.1) sees each bit of its header. */
START_TEST(changed_bytes) {
    static const char *const frames[2] = {ipv4_frame, ipv6_frame};
    uint8_t copy[128];
    for (size_t k = 0; k < 2; k++) {
        struct unit_bytes frame = unit_hex(frames[k]);
        size_t bytes = frame.count;
        memcpy(copy, frame.data, bytes);
        for (size_t i = 12; i < (k ? 54u : 34u); i++) {
            for (unsigned bit = 0; bit < 8; bit++) {
                copy[i] ^= (uint8_t)(1u << bit);
                bool does = reads(copy, bytes);
                ck_assert(!does || k == 1);
                copy[i] ^= (uint8_t)(1u << bit);
            }
        }
        ck_assert(reads(copy, bytes));
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("ether_frame");
    TCase *tests = tcase_create("ether_frame");
    tcase_add_test(tests, ipv4);
    tcase_add_test(tests, ipv4_extremes);
    tcase_add_test(tests, ipv6);
    tcase_add_test(tests, no_pair_of_addresses);
    tcase_add_test(tests, what_is_read);
    tcase_add_test(tests, too_short_to_read);
    tcase_add_test(tests, changed_bytes);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
