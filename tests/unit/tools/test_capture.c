/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The tools' capture writer: what is in the file, read back with libpcap.  The expected headers are
 * put together here by hand; the checksums are those of the Internet checksum's own definition (RFC
 * 1071: the sum over what it covers, itself included, is all ones).
 */
#include "common/capture.h"

#include <check.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[] = "/tmp/usctp-capture.XXXXXX";
static uint8_t payload[] = "any bytes will do here: odd";
enum { PAYLOAD_BYTES = 27 };

static uint32_t add(uint32_t total, const uint8_t *bytes, size_t n) {
    for (size_t i = 0; i < n; i++)
        total += i % 2 == 0 ? (uint32_t)bytes[i] << 8 : bytes[i];
    while (total > 0xffff)
        total = (total & 0xffff) + (total >> 16);
    return total;
}

/* Writes one packet and reads its frame back. */
static size_t round_trip(const struct usctp_packet *packet, enum usctp_trace_kind kind,
                         uint8_t frame[200]) {
    char error[PCAP_ERRBUF_SIZE];
    struct pcap_pkthdr *header;
    const u_char *bytes;
    struct usctp_trace_record record = {.kind = kind, .packet = packet, .now_us = 5000000};
    strcpy(path + sizeof path - 7, "XXXXXX");
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
    struct capture *capture = capture_open(path);
    capture_set_udp_port(capture, 9900);
    capture_packet(capture, &record);
    ck_assert_int_eq(capture_close(capture), 0);
    pcap_t *pcap = pcap_open_offline(path, error);
    ck_assert_msg(pcap != NULL, "%s", error);
    ck_assert_int_eq(pcap_datalink(pcap), DLT_RAW);
    ck_assert_int_eq(pcap_next_ex(pcap, &header, &bytes), 1);
    ck_assert_uint_eq(header->caplen, header->len);
    ck_assert_uint_le(header->caplen, 200);
    memcpy(frame, bytes, header->caplen);
    size_t length = header->caplen;
    ck_assert_int_eq(pcap_next_ex(pcap, &header, &bytes), PCAP_ERROR_BREAK);
    pcap_close(pcap);
    unlink(path);
    return length;
}

static struct usctp_packet ipv4_packet(void) {
    return (struct usctp_packet){
        .data = payload,
        .length = PAYLOAD_BYTES,
        .source = {.family = USCTP_FAMILY_IPV4, .ipv4 = {10, 0, 0, 1}},
        .destination = {.family = USCTP_FAMILY_IPV4, .ipv4 = {10, 0, 0, 2}},
        .tos = 0xb8,
    };
}

static struct usctp_packet ipv6_packet(void) {
    return (struct usctp_packet){
        .data = payload,
        .length = PAYLOAD_BYTES,
        .source = {.family = USCTP_FAMILY_IPV6, .ipv6 = {0xfd, [15] = 1}},
        .destination = {.family = USCTP_FAMILY_IPV6, .ipv6 = {0xfd, [15] = 2}},
        .tos = 0xb8,
        .flow_label = 0x12345,
    };
}

START_TEST(raw_ipv4) {
    static const uint8_t head[] = {0x45, 0xb8, 0, 20 + PAYLOAD_BYTES, 0, 0, 0x40, 0, 64, 132};
    static const uint8_t addresses[] = {10, 0, 0, 1, 10, 0, 0, 2};
    uint8_t frame[200];
    struct usctp_packet packet = ipv4_packet();
    ck_assert_uint_eq(round_trip(&packet, USCTP_TRACE_PACKET_OUT, frame), 20 + PAYLOAD_BYTES);
    ck_assert_mem_eq(frame, head, sizeof head);
    ck_assert_mem_eq(frame + 12, addresses, sizeof addresses);
    ck_assert_uint_eq(add(0, frame, 20), 0xffff);
    ck_assert_mem_eq(frame + 20, payload, PAYLOAD_BYTES);
    packet.flags = USCTP_PACKET_MAY_FRAGMENT;
    round_trip(&packet, USCTP_TRACE_PACKET_OUT, frame);
    ck_assert_uint_eq(frame[6], 0); /* no DF */
    ck_assert_uint_eq(add(0, frame, 20), 0xffff);
}
END_TEST

START_TEST(raw_ipv6) {
    static const uint8_t head[] = {0x6b, 0x81, 0x23, 0x45, 0, PAYLOAD_BYTES, 132, 64, 0xfd, 0};
    uint8_t frame[200];
    struct usctp_packet packet = ipv6_packet();
    ck_assert_uint_eq(round_trip(&packet, USCTP_TRACE_PACKET_IN, frame), 40 + PAYLOAD_BYTES);
    ck_assert_mem_eq(frame, head, sizeof head);
    ck_assert_uint_eq(frame[23], 1);
    ck_assert_uint_eq(frame[39], 2);
    ck_assert_mem_eq(frame + 40, payload, PAYLOAD_BYTES);
}
END_TEST

START_TEST(udp_over_ipv4) {
    static const uint8_t ports[] = {0x26, 0xac, 0x26, 0xab, 0, 8 + PAYLOAD_BYTES};
    static const uint8_t pseudo[] = {0, 17, 0, 8 + PAYLOAD_BYTES};
    uint8_t frame[200];
    struct usctp_packet packet = ipv4_packet();
    packet.udp_destination = 9899;
    ck_assert_uint_eq(round_trip(&packet, USCTP_TRACE_PACKET_OUT, frame), 28 + PAYLOAD_BYTES);
    ck_assert_uint_eq(frame[9], 17);
    ck_assert_uint_eq(frame[3], 28 + PAYLOAD_BYTES);
    ck_assert_uint_eq(add(0, frame, 20), 0xffff);
    ck_assert_mem_eq(frame + 20, ports, sizeof ports); /* from 9900, the stack's own, to 9899 */
    uint32_t total = add(add(0, frame + 12, 8), pseudo, sizeof pseudo);
    ck_assert_uint_eq(add(total, frame + 20, 8 + PAYLOAD_BYTES), 0xffff);
    ck_assert_mem_eq(frame + 28, payload, PAYLOAD_BYTES);
}
END_TEST

START_TEST(udp_over_ipv6) {
    static const uint8_t ports[] = {0x30, 0x39, 0x26, 0xac};
    static const uint8_t pseudo[] = {0, 17, 0, 8 + PAYLOAD_BYTES};
    uint8_t frame[200];
    struct usctp_packet packet = ipv6_packet();
    packet.udp_source = 12345;
    packet.udp_destination = 9900;
    ck_assert_uint_eq(round_trip(&packet, USCTP_TRACE_PACKET_IN, frame), 48 + PAYLOAD_BYTES);
    ck_assert_uint_eq(frame[6], 17);
    ck_assert_uint_eq(frame[5], 8 + PAYLOAD_BYTES);
    ck_assert_mem_eq(frame + 40, ports, sizeof ports);
    uint32_t total = add(add(0, frame + 8, 32), pseudo, sizeof pseudo);
    ck_assert_uint_eq(add(total, frame + 40, 8 + PAYLOAD_BYTES), 0xffff);
}
END_TEST

START_TEST(the_hosts_choice_of_source_is_filled_in) {
    static const uint8_t loopback[] = {127, 0, 0, 1, 127, 0, 0, 1};
    uint8_t frame[200];
    struct usctp_packet packet = ipv4_packet();
    memcpy(packet.destination.ipv4, loopback, 4);
    packet.source = (struct usctp_addr){.family = USCTP_FAMILY_NONE};
    round_trip(&packet, USCTP_TRACE_PACKET_OUT, frame);
    ck_assert_mem_eq(frame + 12, loopback, sizeof loopback);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("capture");
    TCase *tests = tcase_create("capture");
    tcase_add_test(tests, raw_ipv4);
    tcase_add_test(tests, raw_ipv6);
    tcase_add_test(tests, udp_over_ipv4);
    tcase_add_test(tests, udp_over_ipv6);
    tcase_add_test(tests, the_hosts_choice_of_source_is_filled_in);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
