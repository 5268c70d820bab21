/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SCTP_PEER_ADDR_PARAMS and SCTP_REMOTE_UDP_ENCAPS_PORT (RFC 6458 8.1.12, RFC 6951 6.1) on one of
 * two addresses, on an association and on a socket; and that what IP_TOS says gives way to them.
 * Round trips are in test_options.c; what goes out is also in tests/scenario and tests/unit/net.
 */
#include "many_test.h"

#include <netinet/ip.h>
#include <stddef.h>

enum { PLENTY = 100 };

static struct sockaddr_in addresses[2];

/* 127.0.0.1 and 127.0.0.2, connected to. */
static void open_two(struct pair *pair) {
    pthread_t thread;
    pair_stacks(pair, DRIVER_THREAD);
    usctp_close(pair->listener);
    pair->listener = new_socket(pair->server_stack);
    addresses[0] = addresses[1] = loopback(0);
    addresses[1].sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
    ck_assert_int_eq(
        usctp_bindx(pair->listener, (struct sockaddr *)addresses, 2, SCTP_BINDX_ADD_ADDR), 0);
    ck_assert_int_eq(usctp_listen(pair->listener, 1), 0);
    pair->port = port_of(pair->listener);
    addresses[0].sin_port = addresses[1].sin_port = htons(pair->port);
    ck_assert_int_eq(pthread_create(&thread, NULL, accept_one, pair), 0);
    ck_assert_int_eq(usctp_connectx(pair->client, (struct sockaddr *)addresses, 2, NULL), 0);
    pthread_join(thread, NULL);
}

/* address -1: none. */
static int set_path(int sd, struct sctp_paddrparams params, int address) {
    if (address >= 0)
        memcpy((char *)&params + offsetof(struct sctp_paddrparams, spp_address),
               &addresses[address], sizeof addresses[0]);
    return usctp_setsockopt(sd, IPPROTO_SCTP, SCTP_PEER_ADDR_PARAMS, &params, sizeof params);
}

static struct sctp_paddrparams get_path(int sd, int address) {
    struct sctp_paddrparams params = {0};
    socklen_t length = sizeof params;
    if (address >= 0)
        memcpy((char *)&params + offsetof(struct sctp_paddrparams, spp_address),
               &addresses[address], sizeof addresses[0]);
    ck_assert_int_eq(usctp_getsockopt(sd, IPPROTO_SCTP, SCTP_PEER_ADDR_PARAMS, &params, &length),
                     0);
    ck_assert_uint_eq(length, sizeof params);
    return params;
}
#define PARAMS(...) ((struct sctp_paddrparams){__VA_ARGS__})

static uint32_t pmtu_of(int sd, int address) {
    struct sctp_paddrparams params = get_path(sd, address);
    return params.spp_pathmtu;
}

static void expect_pmtud(int sd, int address, uint32_t flag, uint32_t pmtu) {
    struct sctp_paddrparams params = get_path(sd, address);
    ck_assert_uint_eq(params.spp_flags & SPP_PMTUD, flag);
    ck_assert_uint_eq(params.spp_pathmtu, pmtu);
}

static uint32_t point_of(int sd) {
    struct sctp_status status;
    socklen_t length = sizeof status;
    ck_assert_int_eq(usctp_getsockopt(sd, IPPROTO_SCTP, SCTP_STATUS, &status, &length), 0);
    return status.sstat_fragmentation_point;
}

/* ---- the path MTU ---------------------------------------------------------------------------- */

START_TEST(pmtu_of_one_path) {
    struct pair pair;
    open_two(&pair);
    uint32_t other = pmtu_of(pair.client, 1), point = point_of(pair.client);
    ck_assert_int_eq(
        set_path(pair.client, PARAMS(.spp_flags = SPP_PMTUD_DISABLE, .spp_pathmtu = 1000), 0), 0);
    expect_pmtud(pair.client, 0, SPP_PMTUD_DISABLE, 1000);
    expect_pmtud(pair.client, 1, SPP_PMTUD_ENABLE, other);
    /* UDP 8, IPv4 20, common header 12, DATA 16: what is left of the smallest. */
    ck_assert_uint_eq(point_of(pair.client), 1000 - 56);
    ck_assert_uint_eq(pmtu_of(pair.client, -1), 1000);
    char message[5000];
    memset(message, 'm', sizeof message);
    ck_assert_int_eq(usctp_send(pair.client, message, sizeof message, 0), sizeof message);
    ck_assert_int_eq(usctp_recv(pair.server, message, sizeof message, 0), sizeof message);
    /* 0 changes nothing; discovery gives the size up. */
    ck_assert_int_eq(set_path(pair.client, PARAMS(.spp_flags = SPP_PMTUD_DISABLE), 0), 0);
    expect_pmtud(pair.client, 0, SPP_PMTUD_DISABLE, 1000);
    ck_assert_int_eq(
        set_path(pair.client, PARAMS(.spp_flags = SPP_PMTUD_ENABLE, .spp_pathmtu = 700), 0), 0);
    ck_assert_uint_eq(get_path(pair.client, 0).spp_flags & SPP_PMTUD, SPP_PMTUD_ENABLE);
    ck_assert_uint_gt(pmtu_of(pair.client, 0), 1000);
    ck_assert_uint_eq(point_of(pair.client), point);
    pair_close(&pair);
}
END_TEST

START_TEST(pmtu_of_all) {
    struct pair pair;
    open_two(&pair);
    struct sctp_paddrparams fixed = {.spp_flags = SPP_PMTUD_DISABLE, .spp_pathmtu = 800};
    ck_assert_int_eq(set_path(pair.client, fixed, -1), 0);
    for (int i = -1; i < 2; i++)
        expect_pmtud(pair.client, i, SPP_PMTUD_DISABLE, 800);
    const uint32_t bad[] = {1, 511, 65536};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        fixed.spp_pathmtu = bad[i];
        ck_assert_errno(set_path(pair.client, fixed, -1), EINVAL);
    }
    expect_pmtud(pair.client, -1, SPP_PMTUD_DISABLE, 800);
    pair_close(&pair);
}
END_TEST

/* Set before connecting and before listening: also the accepted socket's. */
START_TEST(pmtu_of_associations_to_come) {
    struct pair pair;
    struct sctp_paddrparams fixed = {.spp_flags = SPP_PMTUD_DISABLE, .spp_pathmtu = 600};
    pair_stacks(&pair, DRIVER_THREAD);
    ck_assert_int_eq(set_path(pair.client, fixed, -1), 0);
    expect_pmtud(pair.client, -1, SPP_PMTUD_DISABLE, 600);
    fixed.spp_pathmtu = 900;
    ck_assert_int_eq(set_path(pair.listener, fixed, -1), 0);
    pair_connect(&pair);
    expect_pmtud(pair.client, -1, SPP_PMTUD_DISABLE, 600);
    expect_pmtud(pair.server, -1, SPP_PMTUD_DISABLE, 900);
    ck_assert_uint_eq(point_of(pair.client), 600 - 56);
    pair_close(&pair);
}
END_TEST

/* ---- heartbeats, delayed SACKs --------------------------------------------------------------- */

static uint64_t heartbeats(int sd, uint32_t path) {
    struct usctp_path_status status;
    ck_assert_int_eq(usctp_socket_path(sd, path, &status), 0);
    return status.heartbeats_out;
}

/* As Linux: on demand also for all addresses of an association; there has to be one. */
START_TEST(heartbeats_on_demand) {
    struct pair pair;
    open_two(&pair);
    ck_assert_errno(set_path(pair.listener, PARAMS(.spp_flags = SPP_HB_DEMAND), -1), EINVAL);
    ck_assert_int_eq(set_path(pair.client, PARAMS(.spp_flags = SPP_HB_DISABLE), -1), 0);
    for (int round = 0; round < 3; round++) {
        uint64_t before[2] = {heartbeats(pair.client, 0), heartbeats(pair.client, 1)};
        bool at_both = false;
        for (int ms = 0; ms < BOUND_MS && !at_both; ms++) {
            ck_assert_int_eq(set_path(pair.client, PARAMS(.spp_flags = SPP_HB_DEMAND), -1), 0);
            usleep(1000);
            at_both =
                heartbeats(pair.client, 0) > before[0] && heartbeats(pair.client, 1) > before[1];
        }
        ck_assert(at_both);
    }
    pair_close(&pair);
}
END_TEST

/* The primary path, and settings of one path of two. */
START_TEST(one_path_of_two) {
    struct pair pair;
    struct sctp_prim prim = {0};
    struct usctp_path_status path;
    socklen_t length = sizeof prim;
    open_two(&pair);
    ck_assert_int_eq(
        set_path(pair.client,
                 PARAMS(.spp_flags = SPP_HB_ENABLE | SPP_HB_DEMAND, .spp_hbinterval = 7000), 1),
        0);
    for (int i = 0; i < BOUND_MS; i++) {
        ck_assert_int_eq(usctp_socket_path(pair.client, 1, &path), 0);
        if (path.heartbeat_acks_in > 0)
            break;
        usleep(1000);
    }
    ck_assert_uint_gt(path.heartbeat_acks_in, 0);
    ck_assert_uint_eq(get_path(pair.client, 1).spp_hbinterval, 7000);
    ck_assert_uint_eq(get_path(pair.client, 0).spp_hbinterval, 30000); /* RFC 9260 16 */

    void *storage = (char *)&prim + offsetof(struct sctp_prim, ssp_addr);
    memcpy(storage, &addresses[1], sizeof addresses[1]);
    ck_assert_int_eq(
        usctp_setsockopt(pair.client, IPPROTO_SCTP, SCTP_PRIMARY_ADDR, &prim, sizeof prim), 0);
    memset(&prim, 0, sizeof prim);
    ck_assert_int_eq(usctp_getsockopt(pair.client, IPPROTO_SCTP, SCTP_PRIMARY_ADDR, &prim, &length),
                     0);
    ck_assert_mem_eq(storage, &addresses[1], sizeof addresses[1]);
    pair_close(&pair);
}
END_TEST

START_TEST(sack_delay_off_and_on) {
    struct usctp_stack *stack = new_stack(DRIVER_CALLER);
    int sd = new_socket(stack);
    ck_assert_int_eq(set_path(sd, PARAMS(.spp_flags = SPP_SACKDELAY_DISABLE), -1), 0);
    ck_assert_uint_eq(get_path(sd, -1).spp_flags & SPP_SACKDELAY, SPP_SACKDELAY_DISABLE);
    ck_assert_int_eq(
        set_path(sd, PARAMS(.spp_flags = SPP_SACKDELAY_ENABLE, .spp_sackdelay = 90), -1), 0);
    ck_assert_uint_eq(get_path(sd, -1).spp_flags & SPP_SACKDELAY, SPP_SACKDELAY_ENABLE);
    ck_assert_uint_eq(get_path(sd, -1).spp_sackdelay, 90);
    ck_assert_errno(set_path(sd, PARAMS(.spp_sackdelay = 501), -1), EINVAL);
    usctp_stack_delete(stack);
}
END_TEST

/* ---- lengths --------------------------------------------------------------------------------- */

/* The structure without flow label and DSCP was 152 bytes long, with padding. */
START_TEST(older_structure) {
    struct usctp_stack *stack = new_stack(DRIVER_CALLER);
    int sd = new_socket(stack);
    struct sctp_paddrparams params = {.spp_flags = SPP_HB_ENABLE, .spp_hbinterval = 4321}, got;
    char longer[sizeof params + 4] = {0};
    ck_assert_int_eq(usctp_setsockopt(sd, IPPROTO_SCTP, SCTP_PEER_ADDR_PARAMS, &params, 152), 0);
    params.spp_flags |= SPP_DSCP; /* which it does not have */
    ck_assert_errno(usctp_setsockopt(sd, IPPROTO_SCTP, SCTP_PEER_ADDR_PARAMS, &params, 152),
                    EINVAL);
    const socklen_t wrong[] = {0, 1, 147, 151, 153, 155, sizeof longer};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        ck_assert_errno(usctp_setsockopt(sd, IPPROTO_SCTP, SCTP_PEER_ADDR_PARAMS, longer, wrong[i]),
                        EINVAL);
    for (socklen_t length = 0; length < 152; length++) {
        socklen_t room = length;
        ck_assert_errno(usctp_getsockopt(sd, IPPROTO_SCTP, SCTP_PEER_ADDR_PARAMS, &got, &room),
                        EINVAL);
    }
    for (socklen_t length = 152; length <= 160; length++) {
        char room_of[160];
        socklen_t room = length;
        memset(room_of, 0, sizeof room_of);
        ck_assert_int_eq(usctp_getsockopt(sd, IPPROTO_SCTP, SCTP_PEER_ADDR_PARAMS, room_of, &room),
                         0);
        ck_assert_uint_eq(room, length < 156 ? 152 : 156);
        memcpy(&got, room_of, sizeof got);
        ck_assert_uint_eq(got.spp_hbinterval, 4321);
        ck_assert_uint_eq(got.spp_flags & SPP_DSCP, length < 156 ? 0 : SPP_DSCP);
    }
    usctp_stack_delete(stack);
}
END_TEST

/* ---- DSCP: SCTP's word has precedence over IP's ---------------------------------------------- */

static int dscp_of(int sd, int address) {
    return get_path(sd, address).spp_dscp;
}

static void set_tos(int sd, int tos) {
    int got = -1;
    socklen_t length = sizeof got;
    ck_assert_int_eq(usctp_setsockopt(sd, IPPROTO_IP, IP_TOS, &tos, sizeof tos), 0);
    ck_assert_int_eq(usctp_getsockopt(sd, IPPROTO_IP, IP_TOS, &got, &length), 0);
    ck_assert_int_eq(got, tos & 0xfc); /* the ECN bits are not the application's */
}

START_TEST(dscp_and_tos) {
    struct pair pair;
    open_two(&pair);
    set_tos(pair.client, 0x2b);
    for (int i = -1; i < 2; i++)
        ck_assert_int_eq(dscp_of(pair.client, i), 0x28);
    ck_assert_int_eq(set_path(pair.client, PARAMS(.spp_flags = SPP_DSCP, .spp_dscp = 0xb8), 1), 0);
    set_tos(pair.client, 0x50);
    ck_assert_int_eq(dscp_of(pair.client, 0), 0x50);
    ck_assert_int_eq(dscp_of(pair.client, 1), 0xb8);
    ck_assert_int_eq(set_path(pair.client, PARAMS(.spp_flags = SPP_DSCP, .spp_dscp = 0x48), -1), 0);
    set_tos(pair.client, 0x68);
    for (int i = -1; i < 2; i++)
        ck_assert_int_eq(dscp_of(pair.client, i), 0x48);
    pair_close(&pair);
}
END_TEST

/* ---- flow label ------------------------------------------------------------------------------ */

/* RFC 6458 8.1.12: sin6_flowinfo sets it too. */
START_TEST(flow_label_of_an_address) {
    struct usctp_stack *stack = new_stack(DRIVER_CALLER);
    struct sockaddr_in6 six[2] = {{.sin6_family = AF_INET6, .sin6_port = htons(4000)}};
    struct sctp_paddrparams params = {.spp_flags = 0};
    socklen_t length = sizeof params;
    six[0].sin6_addr = in6addr_loopback;
    six[0].sin6_flowinfo = htonl(0x0ab12345); /* with a traffic class, which is not for here */
    int sds[2];
    for (int i = 0; i < 2; i++) {
        sds[i] = usctp_socket(stack, AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0);
        ck_assert_int_ge(sds[i], 0);
    }
    struct sockaddr *peer = (struct sockaddr *)six;
    ck_assert_errno(usctp_connect(sds[0], peer, sizeof six[0]), EINPROGRESS);
    ck_assert_errno(usctp_connectx(sds[1], peer, 1, NULL), EINPROGRESS);
    for (int i = 0; i < 2; i++) {
        memcpy((char *)&params + offsetof(struct sctp_paddrparams, spp_address), six, sizeof *six);
        ck_assert_int_eq(
            usctp_getsockopt(sds[i], IPPROTO_SCTP, SCTP_PEER_ADDR_PARAMS, &params, &length), 0);
        ck_assert_uint_eq(params.spp_flags & SPP_IPV6_FLOWLABEL, SPP_IPV6_FLOWLABEL);
        ck_assert_uint_eq(params.spp_ipv6_flowlabel, 0x12345);
        params = (struct sctp_paddrparams){.spp_flags = SPP_IPV6_FLOWLABEL,
                                           .spp_ipv6_flowlabel = 0xff054321};
        ck_assert_int_eq(
            usctp_setsockopt(sds[i], IPPROTO_SCTP, SCTP_PEER_ADDR_PARAMS, &params, sizeof params),
            0);
        ck_assert_int_eq(
            usctp_getsockopt(sds[i], IPPROTO_SCTP, SCTP_PEER_ADDR_PARAMS, &params, &length), 0);
        ck_assert_uint_eq(params.spp_ipv6_flowlabel, 0x54321);
    }
    usctp_stack_delete(stack);
}
END_TEST

/* ---- UDP encapsulation (RFC 6951 6.1) -------------------------------------------------------- */

static int set_encapsulation(int sd, int address, uint16_t port) {
    struct sctp_udpencaps value = {.sue_port = htons(port)};
    if (address >= 0)
        memcpy(&value.sue_address, &addresses[address], sizeof addresses[0]);
    return usctp_setsockopt(sd, IPPROTO_SCTP, SCTP_REMOTE_UDP_ENCAPS_PORT, &value, sizeof value);
}

static uint16_t encapsulation_of(int sd, int address) {
    struct sctp_udpencaps value = {0};
    socklen_t length = sizeof value;
    if (address >= 0)
        memcpy(&value.sue_address, &addresses[address], sizeof addresses[0]);
    ck_assert_int_eq(
        usctp_getsockopt(sd, IPPROTO_SCTP, SCTP_REMOTE_UDP_ENCAPS_PORT, &value, &length), 0);
    return ntohs(value.sue_port);
}

START_TEST(encapsulation_of_one_path) {
    struct pair pair;
    open_two(&pair);
    /* Nothing comes from the second address by itself, which would set it right. */
    ck_assert_int_eq(set_path(pair.server, PARAMS(.spp_flags = SPP_HB_DISABLE), -1), 0);
    ck_assert_int_eq(set_path(pair.client, PARAMS(.spp_flags = SPP_HB_DISABLE), -1), 0);
    uint16_t port = usctp_stack_udp_port(pair.server_stack);
    bool is_set = false;
    for (int i = 0; i < PLENTY && !is_set; i++) { /* a heartbeat may be on its way still */
        usleep(10000);
        ck_assert_int_eq(set_encapsulation(pair.client, 1, 4444), 0);
        is_set = encapsulation_of(pair.client, 1) == 4444;
    }
    ck_assert(is_set);
    ck_assert_uint_eq(encapsulation_of(pair.client, 0), port);
    ck_assert_errno(set_encapsulation(pair.client, 0, 0), EOPNOTSUPP); /* no raw sockets here */
    ck_assert_int_eq(set_encapsulation(pair.client, -1, port), 0);
    for (int i = -1; i < 2; i++)
        ck_assert_uint_eq(encapsulation_of(pair.client, i), port);
    addresses[1].sin_addr.s_addr = htonl(INADDR_LOOPBACK + 9);
    ck_assert_errno(set_encapsulation(pair.client, 1, port), EINVAL); /* not the peer's */
    pair_close(&pair);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("path_options");
    TCase *tcase = tcase_create("path_options");
    tcase_set_timeout(tcase, TEST_SECONDS);
    tcase_add_test(tcase, pmtu_of_one_path);
    tcase_add_test(tcase, pmtu_of_all);
    tcase_add_test(tcase, pmtu_of_associations_to_come);
    tcase_add_test(tcase, heartbeats_on_demand);
    tcase_add_test(tcase, one_path_of_two);
    tcase_add_test(tcase, sack_delay_off_and_on);
    tcase_add_test(tcase, older_structure);
    tcase_add_test(tcase, dscp_and_tos);
    tcase_add_test(tcase, flow_label_of_an_address);
    tcase_add_test(tcase, encapsulation_of_one_path);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
