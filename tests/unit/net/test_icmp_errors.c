/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ICMP errors: what each type and code becomes (RFC 9260 10, RFC 6951 5.5), ancillary data that is
 * not what it should be, the ring's bound, and the kernel's own error queue with a UDP port that
 * nobody has.
 */
#include "net/icmp_errors.h"

#include "support/unit_net.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct icmp_errors errors;
static const uint8_t quoted[] = {0x13, 0x88, 0x17, 0x70, 0xca, 0xfe, 0xba, 0xbe};

static void setup(void) {
    ck_assert_int_eq(icmp_errors_init(&errors), 0);
}

static void teardown(void) {
    icmp_errors_free(&errors);
}

/* A message of an error queue, as recvmsg would give it. */
struct queued {
    struct sockaddr_in6 name;
    _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(struct sock_extended_err) + 28)];
    struct msghdr header;
};

static void make_queued(struct queued *q, bool ipv6, struct sock_extended_err error) {
    memset(q, 0, sizeof *q);
    if (ipv6) {
        q->name.sin6_family = AF_INET6;
        q->name.sin6_port = htons(9899);
        memcpy(&q->name.sin6_addr, unit_net_address("2001:db8::2").ipv6, 16);
    } else {
        struct sockaddr_in *name = (struct sockaddr_in *)(void *)&q->name;
        name->sin_family = AF_INET;
        name->sin_port = htons(9899);
        memcpy(&name->sin_addr, unit_net_address("192.0.2.2").ipv4, 4);
    }
    q->header.msg_name = &q->name;
    q->header.msg_namelen = ipv6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    q->header.msg_control = q->control;
    q->header.msg_controllen = sizeof q->control;
    struct cmsghdr *c = CMSG_FIRSTHDR(&q->header);
    c->cmsg_level = ipv6 ? IPPROTO_IPV6 : IPPROTO_IP;
    c->cmsg_type = ipv6 ? IPV6_RECVERR : IP_RECVERR;
    c->cmsg_len = CMSG_LEN(sizeof error);
    memcpy(CMSG_DATA(c), &error, sizeof error);
}

#define IGNORED (-1)

/* What an ICMP message becomes: enum usctp_icmp_kind or IGNORED. */
static int kind_of(bool ipv6, uint8_t type, uint8_t code, uint32_t info) {
    struct queued q;
    struct icmp_error out;
    uint32_t mtu = 0;
    struct sock_extended_err error = {.ee_errno = ECONNREFUSED,
                                      .ee_origin = ipv6 ? SO_EE_ORIGIN_ICMP6 : SO_EE_ORIGIN_ICMP,
                                      .ee_type = type,
                                      .ee_code = code,
                                      .ee_info = info};
    make_queued(&q, ipv6, error);
    bool taken = icmp_errors_parse(&q.header, quoted, sizeof quoted, &out, &mtu);
    ck_assert_uint_eq(mtu, 0);
    if (!taken)
        return IGNORED;
    ck_assert_uint_eq(out.icmp.udp_destination, 9899);
    ck_assert_uint_eq(out.icmp.quoted_bytes, sizeof quoted);
    ck_assert_mem_eq(out.quoted, quoted, sizeof quoted);
    ck_assert_uint_eq(out.icmp.destination.family, ipv6 ? USCTP_FAMILY_IPV6 : USCTP_FAMILY_IPV4);
    if (out.icmp.kind == USCTP_ICMP_PACKET_TOO_BIG)
        ck_assert_uint_eq(out.icmp.mtu_bytes, info);
    return (int)out.icmp.kind;
}

/* Numbers from RFC 792, RFC 1191 and RFC 4443. */
START_TEST(types_and_codes) {
    ck_assert_int_eq(kind_of(false, 3, 0, 0), USCTP_ICMP_UNREACHABLE);
    ck_assert_int_eq(kind_of(false, 3, 1, 0), USCTP_ICMP_UNREACHABLE);
    ck_assert_int_eq(kind_of(false, 3, 2, 0), USCTP_ICMP_PROTOCOL_UNREACHABLE);
    ck_assert_int_eq(kind_of(false, 3, 3, 0), USCTP_ICMP_PORT_UNREACHABLE);
    ck_assert_int_eq(kind_of(false, 3, 4, 1300), USCTP_ICMP_PACKET_TOO_BIG);
    ck_assert_int_eq(kind_of(false, 3, 13, 0), USCTP_ICMP_UNREACHABLE);
    ck_assert_int_eq(kind_of(false, 4, 0, 0), IGNORED);  /* source quench */
    ck_assert_int_eq(kind_of(false, 11, 0, 0), IGNORED); /* time exceeded */
    ck_assert_int_eq(kind_of(false, 12, 0, 0), IGNORED); /* parameter problem */
    ck_assert_int_eq(kind_of(true, 1, 0, 0), USCTP_ICMP_UNREACHABLE);
    ck_assert_int_eq(kind_of(true, 1, 4, 0), USCTP_ICMP_PORT_UNREACHABLE);
    ck_assert_int_eq(kind_of(true, 2, 0, 1280), USCTP_ICMP_PACKET_TOO_BIG);
    ck_assert_int_eq(kind_of(true, 3, 0, 0), IGNORED);
    ck_assert_int_eq(kind_of(true, 4, 1, 40), USCTP_ICMP_PROTOCOL_UNREACHABLE);
    ck_assert_int_eq(kind_of(true, 4, 0, 0), IGNORED);
    ck_assert_int_eq(kind_of(true, 4, 2, 0), IGNORED);
}
END_TEST

START_TEST(local_errors_tell_the_mtu_only) {
    struct queued q;
    struct icmp_error out;
    uint32_t mtu = 0;
    struct sock_extended_err error = {
        .ee_errno = EMSGSIZE, .ee_origin = SO_EE_ORIGIN_LOCAL, .ee_info = 1500};
    make_queued(&q, false, error);
    ck_assert(!icmp_errors_parse(&q.header, quoted, 0, &out, &mtu));
    ck_assert_uint_eq(mtu, 1500);
}
END_TEST

START_TEST(broken_messages) {
    struct queued q;
    struct icmp_error out;
    uint32_t mtu = 0;
    struct sock_extended_err error = {
        .ee_errno = ECONNREFUSED, .ee_origin = SO_EE_ORIGIN_ICMP, .ee_type = 3, .ee_code = 3};
    make_queued(&q, false, error);
    q.header.msg_controllen = 0;
    ck_assert(!icmp_errors_parse(&q.header, quoted, sizeof quoted, &out, &mtu));
    make_queued(&q, false, error);
    CMSG_FIRSTHDR(&q.header)->cmsg_len = CMSG_LEN(sizeof error - 1);
    ck_assert(!icmp_errors_parse(&q.header, quoted, sizeof quoted, &out, &mtu));
    make_queued(&q, false, error);
    CMSG_FIRSTHDR(&q.header)->cmsg_type = IP_TTL;
    ck_assert(!icmp_errors_parse(&q.header, quoted, sizeof quoted, &out, &mtu));
    make_queued(&q, false, error);
    q.header.msg_namelen = 1;
    ck_assert(!icmp_errors_parse(&q.header, quoted, sizeof quoted, &out, &mtu));
    make_queued(&q, false, error);
    q.header.msg_namelen = sizeof(struct sockaddr_in) - 1;
    ck_assert(!icmp_errors_parse(&q.header, quoted, sizeof quoted, &out, &mtu));
    make_queued(&q, false, error);
    ck_assert(icmp_errors_parse(&q.header, quoted, 0, &out, &mtu)); /* quotes nothing */
    ck_assert_uint_eq(out.icmp.quoted_bytes, 0);
}
END_TEST

START_TEST(the_ring_is_bounded_and_in_order) {
    uint8_t packet[600] = {0};
    struct usctp_packet p = {.data = packet, .length = sizeof packet};
    struct icmp_error out;
    p.destination = unit_net_address("192.0.2.9");
    for (uint32_t i = 0; i < ICMP_ERRORS_RING + 10; i++) {
        packet[0] = (uint8_t)i;
        icmp_errors_add_local(&errors,
                              &(struct usctp_icmp){.kind = USCTP_ICMP_PACKET_TOO_BIG,
                                                   .destination = p.destination,
                                                   .udp_destination = p.udp_destination,
                                                   .mtu_bytes = 1000 + i},
                              packet, sizeof packet);
    }
    ck_assert_uint_eq(errors.lost, 10);
    for (uint32_t i = 0; i < ICMP_ERRORS_RING; i++) {
        ck_assert(icmp_errors_take(&errors, &out));
        ck_assert_uint_eq(out.icmp.mtu_bytes, 1000 + i);
        ck_assert_uint_eq(out.icmp.quoted_bytes, ICMP_ERRORS_QUOTED_BYTES);
        ck_assert_uint_eq(out.quoted[0], i);
        ck_assert_uint_eq(out.icmp.kind, USCTP_ICMP_PACKET_TOO_BIG);
    }
    ck_assert(!icmp_errors_take(&errors, &out));
}
END_TEST

START_TEST(a_closed_udp_port) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
    struct icmp_error out;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), on = 1;
    ck_assert_int_ge(fd, 0);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof on), 0);
    ck_assert_int_eq(sendto(fd, quoted, sizeof quoted, 0, (struct sockaddr *)&to, sizeof to),
                     (ssize_t)sizeof quoted);
    ck_assert(unit_net_wait(fd));
    ck_assert_uint_eq(icmp_errors_drain(&errors, fd, true).entries, 1);
    ck_assert_uint_eq(icmp_errors_drain(&errors, fd, true).entries, 0);
    ck_assert(icmp_errors_take(&errors, &out));
    ck_assert(out.is_udp);
    ck_assert_int_eq(out.icmp.kind, USCTP_ICMP_PORT_UNREACHABLE);
    ck_assert_uint_eq(out.icmp.udp_destination, 9);
    ck_assert_uint_eq(out.icmp.quoted_bytes, sizeof quoted);
    ck_assert_mem_eq(out.quoted, quoted, sizeof quoted);
    close(fd);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("icmp_errors");
    TCase *tests = tcase_create("icmp_errors");
    (void)unit_net_enter();
    tcase_set_timeout(tests, 30);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, types_and_codes);
    tcase_add_test(tests, local_errors_tell_the_mtu_only);
    tcase_add_test(tests, broken_messages);
    tcase_add_test(tests, the_ring_is_bounded_and_in_order);
    tcase_add_test(tests, a_closed_udp_port);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
