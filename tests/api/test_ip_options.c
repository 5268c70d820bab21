/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Options of the levels SOL_SOCKET, IPPROTO_IP and IPPROTO_IPV6 (socket(7), ip(7), ipv6(7)), and
 * SCTP_REUSE_PORT and SCTP_AUTO_ASCONF (RFC 6458 8.1.23, 8.1.27): each does something, or says that
 * it does not.
 */
#include "many_test.h"

#include <netinet/ip.h>
#include <stddef.h>

static int set(int sd, int level, int name, int n) {
    return usctp_setsockopt(sd, level, name, &n, sizeof n);
}

static int get(int sd, int level, int name) {
    int n = -12345;
    socklen_t length = sizeof n;
    ck_assert_msg(usctp_getsockopt(sd, level, name, &n, &length) == 0, "%d %d: %s", level, name,
                  strerror(errno));
    ck_assert_uint_eq(length, sizeof n);
    return n;
}

static struct usctp_stack *stack;
static int four, six, many;

static void setup(void) {
    stack = new_stack(DRIVER_CALLER);
    four = new_socket(stack);
    six = usctp_socket(stack, AF_INET6, SOCK_STREAM, 0);
    many = new_many(stack);
}

static void teardown(void) {
    usctp_stack_delete(stack);
}

/* ---- what is known of a socket --------------------------------------------------------------- */

START_TEST(identity) {
    ck_assert_int_eq(get(four, SOL_SOCKET, SO_TYPE), SOCK_STREAM);
    ck_assert_int_eq(get(many, SOL_SOCKET, SO_TYPE), SOCK_SEQPACKET);
    ck_assert_int_eq(get(four, SOL_SOCKET, SO_DOMAIN), AF_INET);
    ck_assert_int_eq(get(six, SOL_SOCKET, SO_DOMAIN), AF_INET6);
    const int names[] = {SO_TYPE, SO_DOMAIN, SO_PROTOCOL, SO_ERROR, SO_ACCEPTCONN};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        ck_assert_errno(set(four, SOL_SOCKET, names[i], 1), ENOPROTOOPT);
    ck_assert_int_eq(get(many, SOL_SOCKET, SO_PROTOCOL), IPPROTO_SCTP);
    /* The kernel's own number for the descriptor. */
    uint64_t cookies[2] = {0, 0};
    const int sds[2] = {four, six};
    for (int i = 0; i < 2; i++) {
        socklen_t length = sizeof cookies[i];
        ck_assert_int_eq(usctp_getsockopt(sds[i], SOL_SOCKET, SO_COOKIE, &cookies[i], &length), 0);
    }
    ck_assert(cookies[0] != cookies[1]);
}
END_TEST

/* ---- IP -------------------------------------------------------------------------------------- */

/* What the kernel's own sockets have. */
static int of_kernel(int family, int level, int name) {
    int n = -1, fd = socket(family, SOCK_DGRAM, 0);
    socklen_t length = sizeof n;
    ck_assert_int_eq(getsockopt(fd, level, name, &n, &length), 0);
    close(fd);
    return n;
}

START_TEST(hops) {
    ck_assert_int_eq(get(four, IPPROTO_IP, IP_TTL), of_kernel(AF_INET, IPPROTO_IP, IP_TTL));
    ck_assert_int_eq(get(six, IPPROTO_IPV6, IPV6_UNICAST_HOPS),
                     of_kernel(AF_INET6, IPPROTO_IPV6, IPV6_UNICAST_HOPS));
    ck_assert_int_eq(set(four, IPPROTO_IP, IP_TTL, 3), 0);
    ck_assert_int_eq(get(four, IPPROTO_IP, IP_TTL), 3);
    ck_assert_int_eq(set(six, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 255), 0);
    ck_assert_int_eq(get(six, IPPROTO_IPV6, IPV6_UNICAST_HOPS), 255);
    const int bad[] = {0, -2, 256};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_errno(set(four, IPPROTO_IP, IP_TTL, bad[i]), EINVAL);
    ck_assert_errno(set(six, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 256), EINVAL);
    ck_assert_int_eq(set(four, IPPROTO_IP, IP_TTL, -1), 0);
    ck_assert_int_eq(get(four, IPPROTO_IP, IP_TTL), of_kernel(AF_INET, IPPROTO_IP, IP_TTL));
}
END_TEST

/* The kernel takes and gives a byte for an int at IPPROTO_IP, and not at IPPROTO_IPV6. */
START_TEST(bytes_for_ints) {
    uint8_t byte = 0x68;
    socklen_t length = 1;
    ck_assert_int_eq(usctp_setsockopt(four, IPPROTO_IP, IP_TOS, &byte, 1), 0);
    byte = 0;
    ck_assert_int_eq(usctp_getsockopt(four, IPPROTO_IP, IP_TOS, &byte, &length), 0);
    ck_assert_uint_eq(length, 1);
    ck_assert_uint_eq(byte, 0x68);
    ck_assert_int_eq(get(four, IPPROTO_IP, IP_TOS), 0x68);
    ck_assert_errno(usctp_setsockopt(four, IPPROTO_IP, IP_TOS, &byte, 0), EINVAL);
    ck_assert_errno(usctp_setsockopt(six, IPPROTO_IPV6, IPV6_TCLASS, &byte, 1), EINVAL);
}
END_TEST

START_TEST(traffic_class) {
    ck_assert_int_eq(get(six, IPPROTO_IPV6, IPV6_TCLASS), 0);
    ck_assert_int_eq(set(six, IPPROTO_IPV6, IPV6_TCLASS, 0xb8), 0);
    ck_assert_int_eq(get(six, IPPROTO_IPV6, IPV6_TCLASS), 0xb8);
    ck_assert_errno(set(six, IPPROTO_IPV6, IPV6_TCLASS, 256), EINVAL);
    ck_assert_errno(set(six, IPPROTO_IPV6, IPV6_TCLASS, -2), EINVAL);
    ck_assert_int_eq(set(six, IPPROTO_IPV6, IPV6_TCLASS, -1), 0);
    ck_assert_int_eq(get(six, IPPROTO_IPV6, IPV6_TCLASS), 0);
    ck_assert_int_eq(set(six, IPPROTO_IP, IP_TOS, 0x20), 0); /* it may send IPv4 too */
    ck_assert_int_eq(get(six, IPPROTO_IP, IP_TOS), 0x20);
}
END_TEST

/* An IPv4 socket knows no option of IPv6, built or not. */
START_TEST(ipv6_of_ipv4) {
    const int names[] = {IPV6_V6ONLY, IPV6_TCLASS,  IPV6_UNICAST_HOPS, IPV6_MTU_DISCOVER,
                         IPV6_MTU,    IPV6_RECVERR, IPV6_DONTFRAG,     IPV6_AUTOFLOWLABEL};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        int n = 0;
        socklen_t length = sizeof n;
        ck_assert_errno(set(four, IPPROTO_IPV6, names[i], 1), ENOPROTOOPT);
        ck_assert_errno(usctp_getsockopt(four, IPPROTO_IPV6, names[i], &n, &length), ENOPROTOOPT);
    }
}
END_TEST

START_TEST(v6only) {
    ck_assert_int_eq(get(six, IPPROTO_IPV6, IPV6_V6ONLY), 0);
    ck_assert_int_eq(set(six, IPPROTO_IPV6, IPV6_V6ONLY, 1), 0);
    ck_assert_int_eq(get(six, IPPROTO_IPV6, IPV6_V6ONLY), 1);
    ck_assert_int_eq(usctp_listen(six, 1), 0);
    ck_assert_errno(set(six, IPPROTO_IPV6, IPV6_V6ONLY, 0), EINVAL); /* bound */
}
END_TEST

START_TEST(mtu_discovery) {
    struct pair pair;
    int n = 0;
    socklen_t length = sizeof n;
    ck_assert_int_eq(get(four, IPPROTO_IP, IP_MTU_DISCOVER), IP_PMTUDISC_WANT);
    ck_assert_int_eq(set(four, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO), 0);
    ck_assert_int_eq(get(four, IPPROTO_IP, IP_MTU_DISCOVER), IP_PMTUDISC_DO);
    ck_assert_errno(set(four, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE), EOPNOTSUPP);
    ck_assert_errno(set(four, IPPROTO_IP, IP_MTU_DISCOVER, 6), EINVAL);
    ck_assert_errno(set(four, IPPROTO_IP, IP_MTU_DISCOVER, -1), EINVAL);
    ck_assert_int_eq(set(six, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DONT), 0);
    ck_assert_int_eq(get(six, IPPROTO_IPV6, IPV6_MTU_DISCOVER), IPV6_PMTUDISC_DONT);
    ck_assert_errno(usctp_getsockopt(four, IPPROTO_IP, IP_MTU, &n, &length), ENOTCONN);
    /* It is the switch of SCTP_PEER_ADDR_PARAMS. */
    struct sctp_paddrparams params = {.spp_flags = 0};
    pair_open(&pair, DRIVER_THREAD);
    ck_assert_int_ge(get(pair.client, IPPROTO_IP, IP_MTU), 1280);
    ck_assert_int_eq(set(pair.client, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT), 0);
    length = sizeof params;
    ck_assert_int_eq(
        usctp_getsockopt(pair.client, IPPROTO_SCTP, SCTP_PEER_ADDR_PARAMS, &params, &length), 0);
    ck_assert_uint_eq(params.spp_flags & SPP_PMTUD, SPP_PMTUD_DISABLE);
    params = (struct sctp_paddrparams){.spp_flags = SPP_PMTUD_DISABLE, .spp_pathmtu = 1111};
    ck_assert_int_eq(
        usctp_setsockopt(pair.client, IPPROTO_SCTP, SCTP_PEER_ADDR_PARAMS, &params, sizeof params),
        0);
    ck_assert_int_eq(get(pair.client, IPPROTO_IP, IP_MTU), 1111);
    pair_close(&pair);
}
END_TEST

/* ip(7): an address that the host does not have (yet). */
START_TEST(freebind) {
    struct sockaddr_in name = loopback(0);
    inet_pton(AF_INET, "192.0.2.1", &name.sin_addr); /* RFC 5737: nobody's */
    ck_assert_int_eq(get(four, IPPROTO_IP, IP_FREEBIND), 0);
    ck_assert_errno(usctp_bind(four, (struct sockaddr *)&name, sizeof name), EADDRNOTAVAIL);
    ck_assert_int_eq(set(four, IPPROTO_IP, IP_FREEBIND, 1), 0);
    ck_assert_int_eq(get(four, IPPROTO_IP, IP_FREEBIND), 1);
    ck_assert_int_eq(usctp_bind(four, (struct sockaddr *)&name, sizeof name), 0);
    ck_assert_int_eq(usctp_listen(four, 1), 0);
}
END_TEST

/* ---- SOL_SOCKET ------------------------------------------------------------------------------ */

/* Off they are, and may be set to that. */
START_TEST(switches_of_what_is_not_there) {
    const struct {
        int level, name;
    } rows[] = {
        {SOL_SOCKET, SO_REUSEPORT},
        {SOL_SOCKET, SO_BROADCAST},
        {SOL_SOCKET, SO_OOBINLINE},
        {SOL_SOCKET, SO_DONTROUTE},
        {SOL_SOCKET, SO_DEBUG},
        {SOL_SOCKET, SO_PRIORITY},
        {SOL_SOCKET, SO_TIMESTAMP},
        {SOL_SOCKET, SO_TIMESTAMPNS},
        {IPPROTO_IP, IP_TRANSPARENT},
        {IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT},
        {IPPROTO_IP, IP_RECVERR},
        {IPPROTO_IP, IP_PKTINFO},
        {IPPROTO_IP, IP_RECVTTL},
        {IPPROTO_IP, IP_RECVTOS},
        {IPPROTO_IPV6, IPV6_TRANSPARENT},
        {IPPROTO_IPV6, IPV6_DONTFRAG},
        {IPPROTO_IPV6, IPV6_RECVERR},
        {IPPROTO_IPV6, IPV6_RECVPKTINFO},
        {IPPROTO_IPV6, IPV6_RECVHOPLIMIT},
        {IPPROTO_IPV6, IPV6_RECVTCLASS},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ck_assert_int_eq(get(six, rows[i].level, rows[i].name), 0);
        ck_assert_int_eq(set(six, rows[i].level, rows[i].name, 0), 0);
        ck_assert_errno(set(six, rows[i].level, rows[i].name, 1), EOPNOTSUPP);
        ck_assert_int_eq(get(six, rows[i].level, rows[i].name), 0);
    }
    const struct {
        int level, name, error;
    } neither[] = {
        {SOL_SOCKET, SO_BINDTODEVICE, EOPNOTSUPP},
        {SOL_SOCKET, SO_MARK, EOPNOTSUPP},
        {SOL_SOCKET, SO_RCVLOWAT, EOPNOTSUPP},
        {SOL_SOCKET, SO_ATTACH_FILTER, EOPNOTSUPP},
        {IPPROTO_IP, IP_OPTIONS, EOPNOTSUPP},
        {IPPROTO_IPV6, IPV6_AUTOFLOWLABEL, EOPNOTSUPP},
        {SOL_SOCKET, 31337, ENOPROTOOPT},
        {IPPROTO_IP, 31337, ENOPROTOOPT},
        {IPPROTO_IPV6, 31337, ENOPROTOOPT},
        {IPPROTO_UDP, 1, ENOPROTOOPT},
        {-1, SO_ERROR, ENOPROTOOPT},
    };
    for (size_t i = 0; i < sizeof neither / sizeof neither[0]; i++) {
        char bytes[64] = {0};
        socklen_t length = sizeof bytes;
        ck_assert_errno(set(six, neither[i].level, neither[i].name, 1), neither[i].error);
        ck_assert_errno(usctp_getsockopt(six, neither[i].level, neither[i].name, bytes, &length),
                        neither[i].error);
    }
}
END_TEST

/* It switches HEARTBEATs on where they were off. */
START_TEST(keepalive) {
    struct sctp_paddrparams params = {.spp_flags = SPP_HB_DISABLE};
    socklen_t length = sizeof params;
    ck_assert_int_eq(get(four, SOL_SOCKET, SO_KEEPALIVE), 0);
    ck_assert_int_eq(
        usctp_setsockopt(four, IPPROTO_SCTP, SCTP_PEER_ADDR_PARAMS, &params, sizeof params), 0);
    ck_assert_int_eq(set(four, SOL_SOCKET, SO_KEEPALIVE, 9), 0);
    ck_assert_int_eq(get(four, SOL_SOCKET, SO_KEEPALIVE), 1);
    ck_assert_int_eq(usctp_getsockopt(four, IPPROTO_SCTP, SCTP_PEER_ADDR_PARAMS, &params, &length),
                     0);
    ck_assert_uint_eq(params.spp_flags & SPP_HB, SPP_HB_ENABLE);
    ck_assert_int_eq(set(four, SOL_SOCKET, SO_KEEPALIVE, 0), 0);
    ck_assert_int_eq(get(four, SOL_SOCKET, SO_KEEPALIVE), 0);
}
END_TEST

START_TEST(buffers) {
    const int names[] = {SO_SNDBUF, SO_RCVBUF};
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(set(four, SOL_SOCKET, names[i], 30000), 0);
        ck_assert_int_eq(get(four, SOL_SOCKET, names[i]), 60000); /* socket(7): twice */
        ck_assert_int_eq(set(four, SOL_SOCKET, names[i], 0), 0);  /* the least there is */
        ck_assert_int_ge(get(four, SOL_SOCKET, names[i]), 2048);
        ck_assert_int_eq(set(four, SOL_SOCKET, names[i], -1), 0); /* the most, as the kernel */
        ck_assert_int_gt(get(four, SOL_SOCKET, names[i]), 1 << 20);
    }
}
END_TEST

/* ---- SCTP_REUSE_PORT ------------------------------------------------------------------------- */

static int bind_at(int sd, uint16_t port) {
    struct sockaddr_in name = loopback(port);
    return usctp_bind(sd, (struct sockaddr *)&name, sizeof name);
}

START_TEST(reuse_port) {
    int first = four, second = new_socket(stack), third = new_socket(stack);
    ck_assert_errno(set(many, IPPROTO_SCTP, SCTP_REUSE_PORT, 1), EOPNOTSUPP);
    ck_assert_int_eq(set(first, IPPROTO_SCTP, SCTP_REUSE_PORT, 5), 0);
    ck_assert_int_eq(get(first, IPPROTO_SCTP, SCTP_REUSE_PORT), 1);
    ck_assert_int_eq(set(second, IPPROTO_SCTP, SCTP_REUSE_PORT, 1), 0);
    ck_assert_int_eq(bind_at(first, 0), 0);
    uint16_t port = port_of(first);
    /* All have to have set it. */
    ck_assert_errno(bind_at(third, port), EADDRINUSE);
    ck_assert_int_eq(bind_at(second, port), 0);
    /* Too late, with Linux's error. */
    ck_assert_errno(set(second, IPPROTO_SCTP, SCTP_REUSE_PORT, 0), EFAULT);
    /* At most one may listen. */
    ck_assert_int_eq(usctp_listen(first, 1), 0);
    ck_assert_errno(usctp_listen(second, 1), EADDRINUSE);
    usctp_close(first);
    ck_assert_int_eq(usctp_listen(second, 1), 0);
    ck_assert_int_eq(set(third, IPPROTO_SCTP, SCTP_REUSE_PORT, 1), 0);
    ck_assert_errno(bind_at(third, port), EADDRINUSE); /* as Linux, beside one that listens */
}
END_TEST

/* Linux, where net.sctp.addip_enable is 0: only of a socket that is bound to every address. */
START_TEST(auto_asconf) {
    int sd = new_socket(stack);
    struct sockaddr_in address = {.sin_family = AF_INET};
    ck_assert_int_eq(usctp_bind(sd, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(set(sd, IPPROTO_SCTP, SCTP_AUTO_ASCONF, 1), 0);
    ck_assert_int_eq(get(sd, IPPROTO_SCTP, SCTP_AUTO_ASCONF), 1);
    ck_assert_int_eq(set(sd, IPPROTO_SCTP, SCTP_AUTO_ASCONF, 0), 0);
    ck_assert_int_eq(get(sd, IPPROTO_SCTP, SCTP_AUTO_ASCONF), 0);
    usctp_close(sd);

    sd = new_socket(stack);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(usctp_bind(sd, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_errno(set(sd, IPPROTO_SCTP, SCTP_AUTO_ASCONF, 1), EINVAL);
    ck_assert_int_eq(get(sd, IPPROTO_SCTP, SCTP_AUTO_ASCONF), 0);
    usctp_close(sd);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("ip_options");
    TCase *tcase = tcase_create("ip_options");
    tcase_set_timeout(tcase, TEST_SECONDS);
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, identity);
    tcase_add_test(tcase, hops);
    tcase_add_test(tcase, bytes_for_ints);
    tcase_add_test(tcase, traffic_class);
    tcase_add_test(tcase, ipv6_of_ipv4);
    tcase_add_test(tcase, v6only);
    tcase_add_test(tcase, mtu_discovery);
    tcase_add_test(tcase, freebind);
    tcase_add_test(tcase, switches_of_what_is_not_there);
    tcase_add_test(tcase, keepalive);
    tcase_add_test(tcase, buffers);
    tcase_add_test(tcase, reuse_port);
    tcase_add_test(tcase, auto_asconf);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
