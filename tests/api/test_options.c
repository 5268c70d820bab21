/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Socket options (RFC 6458 8): what is set is read back, on a socket, on an association and on what
 * a listener accepts; lengths, ranges, unknown and unbuilt options; the status options of a
 * connection.
 */
#include "api/api_test.h"

#include <stddef.h>

static int set(int sd, int name, const void *value, size_t bytes) {
    return usctp_setsockopt(sd, IPPROTO_SCTP, name, value, (socklen_t)bytes);
}

static int get(int sd, int name, void *value, size_t bytes) {
    socklen_t length = (socklen_t)bytes;
    int result = usctp_getsockopt(sd, IPPROTO_SCTP, name, value, &length);
    if (result == 0)
        ck_assert_uint_eq(length, bytes);
    return result;
}

static int get_int(int sd, int level, int name) {
    int n = -12345;
    socklen_t length = sizeof n;
    ck_assert_int_eq(usctp_getsockopt(sd, level, name, &n, &length), 0);
    ck_assert_uint_eq(length, sizeof n);
    return n;
}

static int set_int(int sd, int level, int name, int n) {
    return usctp_setsockopt(sd, level, name, &n, sizeof n);
}

/* ---- round trips ----------------------------------------------------------------------------- */

static void flags(int sd) {
    const int names[] = {SCTP_NODELAY, SCTP_DISABLE_FRAGMENTS, SCTP_RECVRCVINFO, SCTP_RECVNXTINFO};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        ck_assert_int_eq(get_int(sd, IPPROTO_SCTP, names[i]), 0);
        ck_assert_int_eq(set_int(sd, IPPROTO_SCTP, names[i], 7), 0);
        ck_assert_int_eq(get_int(sd, IPPROTO_SCTP, names[i]), 1);
        ck_assert_errno(set(sd, names[i], &(char){1}, 1), EINVAL);
    }
}

static void values(int sd) {
    const struct {
        int name;
        uint32_t first, second, bad;
    } rows[] = {
        {SCTP_MAXSEG, 500, 1200, 100000},
        {SCTP_MAX_BURST, 8, 0, 5000},
        {SCTP_CONTEXT, 99, 0xfffffff0, 0},
        {SCTP_EXPOSE_POTENTIALLY_FAILED_STATE, 1, 2, 3},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sctp_assoc_value value = {.assoc_value = rows[i].first};
        ck_assert_int_eq(set(sd, rows[i].name, &value, sizeof value), 0);
        value.assoc_value = 0;
        ck_assert_int_eq(get(sd, rows[i].name, &value, sizeof value), 0);
        ck_assert_uint_eq(value.assoc_value, rows[i].first);
        value.assoc_value = rows[i].second;
        ck_assert_int_eq(set(sd, rows[i].name, &value, sizeof value), 0);
        ck_assert_int_eq(get(sd, rows[i].name, &value, sizeof value), 0);
        ck_assert_uint_eq(value.assoc_value, rows[i].second);
        value.assoc_value = rows[i].bad;
        if (rows[i].bad)
            ck_assert_errno(set(sd, rows[i].name, &value, sizeof value), EINVAL);
    }
    /* The form of older programs: an int. */
    ck_assert_int_eq(set_int(sd, IPPROTO_SCTP, SCTP_MAXSEG, 800), 0);
    ck_assert_int_eq(get_int(sd, IPPROTO_SCTP, SCTP_MAXSEG), 800);
    ck_assert_int_eq(set_int(sd, IPPROTO_SCTP, SCTP_MAX_BURST, 6), 0);
    ck_assert_int_eq(get_int(sd, IPPROTO_SCTP, SCTP_MAX_BURST), 6);
    ck_assert_int_eq(set_int(sd, IPPROTO_SCTP, SCTP_CONTEXT, 5), 0);
    ck_assert_int_eq(get_int(sd, IPPROTO_SCTP, SCTP_CONTEXT), 5);
}

static void timers(int sd) {
    struct sctp_rtoinfo rto = {.srto_initial = 700, .srto_max = 5000, .srto_min = 300};
    ck_assert_int_eq(set(sd, SCTP_RTOINFO, &rto, sizeof rto), 0);
    rto = (struct sctp_rtoinfo){.srto_min = 400}; /* zeros change nothing */
    ck_assert_int_eq(set(sd, SCTP_RTOINFO, &rto, sizeof rto), 0);
    ck_assert_int_eq(get(sd, SCTP_RTOINFO, &rto, sizeof rto), 0);
    ck_assert_uint_eq(rto.srto_initial, 700);
    ck_assert_uint_eq(rto.srto_max, 5000);
    ck_assert_uint_eq(rto.srto_min, 400);
    rto = (struct sctp_rtoinfo){.srto_min = 6000};
    ck_assert_errno(set(sd, SCTP_RTOINFO, &rto, sizeof rto), EINVAL);
    ck_assert_errno(set(sd, SCTP_RTOINFO, &rto, sizeof rto - 1), EINVAL);

    struct sctp_assocparams params = {.sasoc_asocmaxrxt = 4, .sasoc_cookie_life = 30000};
    ck_assert_int_eq(set(sd, SCTP_ASSOCINFO, &params, sizeof params), 0);
    params = (struct sctp_assocparams){0};
    ck_assert_int_eq(get(sd, SCTP_ASSOCINFO, &params, sizeof params), 0);
    ck_assert_uint_eq(params.sasoc_asocmaxrxt, 4);
    ck_assert_uint_eq(params.sasoc_cookie_life, 30000);

    struct sctp_sack_info sack = {.sack_delay = 100, .sack_freq = 3};
    ck_assert_int_eq(set(sd, SCTP_DELAYED_SACK, &sack, sizeof sack), 0);
    sack = (struct sctp_sack_info){0};
    ck_assert_int_eq(set(sd, SCTP_DELAYED_SACK, &sack, sizeof sack), 0);
    ck_assert_int_eq(get(sd, SCTP_DELAYED_SACK, &sack, sizeof sack), 0);
    ck_assert_uint_eq(sack.sack_delay, 100);
    ck_assert_uint_eq(sack.sack_freq, 3);
    sack.sack_delay = 501; /* RFC 9260 6.2: MUST NOT exceed 500 ms */
    ck_assert_errno(set(sd, SCTP_DELAYED_SACK, &sack, sizeof sack), EINVAL);
    struct sctp_assoc_value old = {.assoc_value = 0};
    ck_assert_int_eq(set(sd, SCTP_DELAYED_SACK, &old, sizeof old), 0);
    ck_assert_int_eq(get(sd, SCTP_DELAYED_SACK, &sack, sizeof sack), 0);
    ck_assert_uint_eq(sack.sack_freq, 1);
    old.assoc_value = 150; /* and on again */
    ck_assert_int_eq(set(sd, SCTP_DELAYED_SACK, &old, sizeof old), 0);
    ck_assert_int_eq(get(sd, SCTP_DELAYED_SACK, &sack, sizeof sack), 0);
    ck_assert_uint_eq(sack.sack_freq, 2);
    ck_assert_uint_eq(sack.sack_delay, 150);
}

static void setup(int sd) {
    struct sctp_initmsg init = {.sinit_num_ostreams = 20,
                                .sinit_max_instreams = 30,
                                .sinit_max_attempts = 3,
                                .sinit_max_init_timeo = 4000};
    ck_assert_int_eq(set(sd, SCTP_INITMSG, &init, sizeof init), 0);
    init = (struct sctp_initmsg){.sinit_max_attempts = 5};
    ck_assert_int_eq(set(sd, SCTP_INITMSG, &init, sizeof init), 0);
    ck_assert_int_eq(get(sd, SCTP_INITMSG, &init, sizeof init), 0);
    ck_assert_uint_eq(init.sinit_num_ostreams, 20);
    ck_assert_uint_eq(init.sinit_max_instreams, 30);
    ck_assert_uint_eq(init.sinit_max_attempts, 5);
    ck_assert_uint_eq(init.sinit_max_init_timeo, 4000);
}

static void messages(int sd) {
    struct sctp_sndinfo info = {
        .snd_sid = 1, .snd_flags = SCTP_UNORDERED, .snd_ppid = 8, .snd_context = 9};
    struct sctp_sndrcvinfo old = {0};
    ck_assert_int_eq(set(sd, SCTP_DEFAULT_SNDINFO, &info, sizeof info), 0);
    ck_assert_int_eq(get(sd, SCTP_DEFAULT_SEND_PARAM, &old, sizeof old), 0);
    ck_assert_uint_eq(old.sinfo_stream, 1);
    ck_assert_uint_eq(old.sinfo_flags, SCTP_UNORDERED);
    ck_assert_uint_eq(old.sinfo_ppid, 8);
    ck_assert_uint_eq(old.sinfo_context, 9);
    old.sinfo_stream = 2;
    ck_assert_int_eq(set(sd, SCTP_DEFAULT_SEND_PARAM, &old, sizeof old), 0);
    ck_assert_int_eq(get(sd, SCTP_DEFAULT_SNDINFO, &info, sizeof info), 0);
    ck_assert_uint_eq(info.snd_sid, 2);
    old.sinfo_timetolive = 1;
    ck_assert_errno(set(sd, SCTP_DEFAULT_SEND_PARAM, &old, sizeof old), EOPNOTSUPP);
    info.snd_flags = 0x400; /* nobody's */
    ck_assert_errno(set(sd, SCTP_DEFAULT_SNDINFO, &info, sizeof info), EINVAL);
    info.snd_flags = SCTP_EOF; /* RFC 6458 8.1.31 */
    ck_assert_int_eq(set(sd, SCTP_DEFAULT_SNDINFO, &info, sizeof info), 0);
    ck_assert_int_eq(get(sd, SCTP_DEFAULT_SEND_PARAM, &old, sizeof old), 0);
    ck_assert_uint_eq(old.sinfo_flags, SCTP_EOF);

    ck_assert_int_eq(set_int(sd, IPPROTO_SCTP, SCTP_PARTIAL_DELIVERY_POINT, 3000), 0);
    ck_assert_int_eq(get_int(sd, IPPROTO_SCTP, SCTP_PARTIAL_DELIVERY_POINT), 3000);
    ck_assert_errno(set_int(sd, IPPROTO_SCTP, SCTP_PARTIAL_DELIVERY_POINT, 1 << 30), EINVAL);
    ck_assert_int_eq(set_int(sd, IPPROTO_SCTP, SCTP_FRAGMENT_INTERLEAVE, 1), 0);
    ck_assert_int_eq(get_int(sd, IPPROTO_SCTP, SCTP_FRAGMENT_INTERLEAVE), 1);
    ck_assert_errno(set_int(sd, IPPROTO_SCTP, SCTP_FRAGMENT_INTERLEAVE, 3), EINVAL);
    /* RFC 6458 8.1.20: 2 for those who are told of streams. */
    ck_assert_int_eq(set_int(sd, IPPROTO_SCTP, SCTP_RECVRCVINFO, 0), 0);
    ck_assert_errno(set_int(sd, IPPROTO_SCTP, SCTP_FRAGMENT_INTERLEAVE, 2), EINVAL);
    ck_assert_int_eq(set_int(sd, IPPROTO_SCTP, SCTP_RECVRCVINFO, 1), 0);
    ck_assert_int_eq(set_int(sd, IPPROTO_SCTP, SCTP_FRAGMENT_INTERLEAVE, 2), 0);
    ck_assert_int_eq(get_int(sd, IPPROTO_SCTP, SCTP_FRAGMENT_INTERLEAVE), 2);
}

/* Programs ask for the size first and then set as much: 8 to 14 bytes over the history of Linux. */
static void events(int sd) {
    struct sctp_event_subscribe wanted = {.sctp_association_event = 1,
                                          .sctp_send_failure_event_event = 1};
    uint8_t got[32];
    socklen_t length = sizeof got;
    ck_assert_int_eq(set(sd, SCTP_EVENTS, &wanted, sizeof wanted), 0);
    ck_assert_int_eq(usctp_getsockopt(sd, IPPROTO_SCTP, SCTP_EVENTS, got, &length), 0);
    ck_assert_uint_eq(length, 14);
    ck_assert_mem_eq(got, &wanted, 14);
    uint8_t shorter[8] = {0, 0, 1};
    ck_assert_int_eq(set(sd, SCTP_EVENTS, shorter, sizeof shorter), 0);
    length = 9;
    ck_assert_int_eq(usctp_getsockopt(sd, IPPROTO_SCTP, SCTP_EVENTS, got, &length), 0);
    ck_assert_uint_eq(length, 9);
    ck_assert_mem_eq(got, shorter, 8);
    struct sctp_event event = {.se_type = SCTP_SEND_FAILED_EVENT};
    ck_assert_int_eq(get(sd, SCTP_EVENT, &event, sizeof event), 0);
    ck_assert_uint_eq(event.se_on, 1); /* beyond the shorter structure: untouched */
    event = (struct sctp_event){.se_type = SCTP_SHUTDOWN_EVENT, .se_on = 1};
    ck_assert_int_eq(set(sd, SCTP_EVENT, &event, sizeof event), 0);
    length = sizeof got;
    ck_assert_int_eq(usctp_getsockopt(sd, IPPROTO_SCTP, SCTP_EVENTS, got, &length), 0);
    ck_assert_uint_eq(got[offsetof(struct sctp_event_subscribe, sctp_shutdown_event)], 1);
    event.se_type = 5;
    ck_assert_errno(set(sd, SCTP_EVENT, &event, sizeof event), EINVAL);
    ck_assert_errno(set(sd, SCTP_EVENTS, &wanted, 0), EINVAL);
}

static void paths(int sd) {
    struct sctp_paddrparams params = {.spp_hbinterval = 1500,
                                      .spp_pathmaxrxt = 3,
                                      .spp_flags = SPP_HB_ENABLE | SPP_DSCP,
                                      .spp_dscp = 0xb8};
    ck_assert_int_eq(set(sd, SCTP_PEER_ADDR_PARAMS, &params, sizeof params), 0);
    params = (struct sctp_paddrparams){0};
    ck_assert_int_eq(get(sd, SCTP_PEER_ADDR_PARAMS, &params, sizeof params), 0);
    ck_assert_uint_eq(params.spp_hbinterval, 1500);
    ck_assert_uint_eq(params.spp_pathmaxrxt, 3);
    ck_assert_uint_eq(params.spp_dscp, 0xb8);
    ck_assert_uint_eq(params.spp_flags & (SPP_HB | SPP_PMTUD), SPP_HB_ENABLE | SPP_PMTUD_ENABLE);
    params = (struct sctp_paddrparams){.spp_flags = SPP_HB_DISABLE | SPP_SACKDELAY_ENABLE,
                                       .spp_sackdelay = 120};
    ck_assert_int_eq(set(sd, SCTP_PEER_ADDR_PARAMS, &params, sizeof params), 0);
    ck_assert_int_eq(get(sd, SCTP_PEER_ADDR_PARAMS, &params, sizeof params), 0);
    ck_assert_uint_eq(params.spp_flags & SPP_HB, SPP_HB_DISABLE);
    ck_assert_uint_eq(params.spp_sackdelay, 120);
    const uint32_t bad[] = {SPP_HB, SPP_PMTUD, SPP_SACKDELAY, 1u << 20};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        params = (struct sctp_paddrparams){.spp_flags = bad[i]};
        ck_assert_errno(set(sd, SCTP_PEER_ADDR_PARAMS, &params, sizeof params), EINVAL);
    }

    struct sctp_paddrthlds_v2 limits = {
        .spt_pathmaxrxt = 6, .spt_pathpfthld = 1, .spt_pathcpthld = 9};
    struct sctp_paddrthlds older = {.spt_pathmaxrxt = 0};
    ck_assert_int_eq(set(sd, SCTP_PEER_ADDR_THLDS_V2, &limits, sizeof limits), 0);
    ck_assert_int_eq(get(sd, SCTP_PEER_ADDR_THLDS, &older, sizeof older), 0);
    ck_assert_uint_eq(older.spt_pathmaxrxt, 6);
    ck_assert_uint_eq(older.spt_pathpfthld, 1);
    older.spt_pathpfthld = 2;
    ck_assert_int_eq(set(sd, SCTP_PEER_ADDR_THLDS, &older, sizeof older), 0);
    ck_assert_int_eq(get(sd, SCTP_PEER_ADDR_THLDS_V2, &limits, sizeof limits), 0);
    ck_assert_uint_eq(limits.spt_pathpfthld, 2);
    ck_assert_uint_eq(limits.spt_pathcpthld, 9);
    limits.spt_pathpfthld = 10;
    ck_assert_errno(set(sd, SCTP_PEER_ADDR_THLDS_V2, &limits, sizeof limits), EINVAL);
}

static void socket_level(int sd) {
    ck_assert_int_eq(set_int(sd, SOL_SOCKET, SO_RCVBUF, 50000), 0);
    ck_assert_int_eq(get_int(sd, SOL_SOCKET, SO_RCVBUF), 100000); /* as Linux */
    ck_assert_int_eq(set_int(sd, SOL_SOCKET, SO_SNDBUF, 60000), 0);
    ck_assert_int_eq(get_int(sd, SOL_SOCKET, SO_SNDBUF), 120000);
    ck_assert_int_eq(set_int(sd, SOL_SOCKET, SO_SNDBUF, 1), 0); /* the smallest there is */
    ck_assert_int_gt(get_int(sd, SOL_SOCKET, SO_SNDBUF), 2);
    ck_assert_int_eq(set_int(sd, SOL_SOCKET, SO_SNDBUF, 60000), 0);
    ck_assert_int_eq(get_int(sd, SOL_SOCKET, SO_TYPE), SOCK_STREAM);
    ck_assert_int_eq(get_int(sd, SOL_SOCKET, SO_PROTOCOL), IPPROTO_SCTP);
    ck_assert_int_eq(get_int(sd, SOL_SOCKET, SO_DOMAIN), AF_INET);
    ck_assert_int_eq(get_int(sd, SOL_SOCKET, SO_ERROR), 0);
    ck_assert_int_eq(set_int(sd, SOL_SOCKET, SO_REUSEADDR, 5), 0);
    ck_assert_int_eq(get_int(sd, SOL_SOCKET, SO_REUSEADDR), 1);
    struct linger linger = {.l_onoff = 5, .l_linger = 7};
    socklen_t length = sizeof linger;
    ck_assert_int_eq(usctp_setsockopt(sd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger), 0);
    linger = (struct linger){0};
    ck_assert_int_eq(usctp_getsockopt(sd, SOL_SOCKET, SO_LINGER, &linger, &length), 0);
    ck_assert_int_eq(linger.l_onoff, 1);
    ck_assert_int_eq(linger.l_linger, 7);
    linger.l_linger = -1;
    ck_assert_errno(usctp_setsockopt(sd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger), EINVAL);
}

static void check_all(int sd) {
    flags(sd);
    values(sd);
    timers(sd);
    setup(sd);
    messages(sd);
    events(sd);
    paths(sd);
    socket_level(sd);
}

START_TEST(on_a_new_socket) {
    struct usctp_stack *stack = new_stack(DRIVER_CALLER);
    int sd = new_socket(stack);
    check_all(sd);
    usctp_close(sd);
    usctp_stack_delete(stack);
}
END_TEST

START_TEST(on_a_bound_socket) {
    struct usctp_stack *stack = new_stack(DRIVER_CALLER);
    int sd = new_listener(stack);
    ck_assert_int_eq(get_int(sd, SOL_SOCKET, SO_ACCEPTCONN), 1);
    check_all(sd);
    usctp_close(sd);
    usctp_stack_delete(stack);
}
END_TEST

START_TEST(on_a_connection) {
    struct pair pair;
    pair_open(&pair, DRIVER_THREAD);
    ck_assert_int_eq(get_int(pair.client, SOL_SOCKET, SO_ACCEPTCONN), 0);
    check_all(pair.client);
    pair_close(&pair);
}
END_TEST

/* What is set before reaches the association, and the accepted socket has what its listener had. */
START_TEST(inheritance) {
    struct pair pair;
    struct sctp_rtoinfo rto = {.srto_initial = 800, .srto_max = 9000, .srto_min = 200}, got;
    struct sctp_initmsg init = {.sinit_num_ostreams = 33, .sinit_max_instreams = 22};
    struct sctp_status status;
    pair_stacks(&pair, DRIVER_THREAD);
    ck_assert_int_eq(set(pair.client, SCTP_RTOINFO, &rto, sizeof rto), 0);
    ck_assert_int_eq(set(pair.client, SCTP_INITMSG, &init, sizeof init), 0);
    ck_assert_int_eq(set(pair.listener, SCTP_RTOINFO, &rto, sizeof rto), 0);
    ck_assert_int_eq(set_int(pair.listener, IPPROTO_SCTP, SCTP_NODELAY, 1), 0);
    ck_assert_int_eq(set_int(pair.listener, SOL_SOCKET, SO_RCVBUF, 70000), 0);
    ck_assert_int_eq(set_int(pair.listener, IPPROTO_SCTP, SCTP_RECVRCVINFO, 1), 0);
    struct timeval timeout = {.tv_sec = 60}, timeout_got;
    socklen_t length = sizeof timeout;
    ck_assert_int_eq(
        usctp_setsockopt(pair.listener, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout), 0);
    pair_connect(&pair);
    const int both[] = {pair.client, pair.server};
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(get(both[i], SCTP_RTOINFO, &got, sizeof got), 0);
        ck_assert_uint_eq(got.srto_initial, 800);
        ck_assert_uint_eq(got.srto_max, 9000);
        ck_assert_uint_eq(got.srto_min, 200);
        ck_assert_int_ge(got.srto_assoc_id, 3);
    }
    ck_assert_int_eq(get_int(pair.server, IPPROTO_SCTP, SCTP_NODELAY), 1);
    ck_assert_int_eq(get_int(pair.server, SOL_SOCKET, SO_RCVBUF), 140000);
    ck_assert_int_eq(get_int(pair.server, IPPROTO_SCTP, SCTP_RECVRCVINFO), 1);
    ck_assert_int_eq(usctp_getsockopt(pair.server, SOL_SOCKET, SO_RCVTIMEO, &timeout_got, &length),
                     0);
    ck_assert_int_eq((int)timeout_got.tv_sec, 60);
    ck_assert_int_eq(get(pair.client, SCTP_STATUS, &status, sizeof status), 0);
    ck_assert_uint_eq(status.sstat_outstrms, 33);
    ck_assert_int_eq(get(pair.server, SCTP_STATUS, &status, sizeof status), 0);
    ck_assert_uint_eq(status.sstat_instrms, 33);
    ck_assert_uint_eq(status.sstat_outstrms, 10); /* the server's own wish, below the client's 22 */
    ck_assert_errno(set_int(pair.client, IPPROTO_IPV6, IPV6_V6ONLY, 1), ENOPROTOOPT);
    pair_close(&pair);
}
END_TEST

/* ---- status ---------------------------------------------------------------------------------- */

/* The address of the socket's own, which was not bound. */
static uint32_t own_address(int sd) {
    struct sockaddr_in name = {.sin_family = AF_UNSPEC};
    socklen_t length = sizeof name;
    ck_assert_int_eq(usctp_getsockname(sd, (struct sockaddr *)&name, &length), 0);
    ck_assert_int_eq(name.sin_family, AF_INET);
    return ntohl(name.sin_addr.s_addr);
}

/* Linux: getsockname() of a connected socket has the source address, and keeps it. */
START_TEST(name_of_a_connection) {
    struct pair pair;
    char byte;
    pair_stacks(&pair, DRIVER_THREAD);
    ck_assert_uint_eq(own_address(pair.client), INADDR_ANY);
    pair_connect(&pair);
    ck_assert_uint_eq(own_address(pair.client), INADDR_LOOPBACK);
    ck_assert_int_eq(usctp_shutdown(pair.server, SHUT_WR), 0);
    ck_assert_int_eq(usctp_recv(pair.client, &byte, 1, 0), 0);
    ck_assert_int_eq(usctp_recv(pair.server, &byte, 1, 0), 0);
    ck_assert_uint_eq(own_address(pair.client), INADDR_LOOPBACK);
    pair_close(&pair);
}
END_TEST

START_TEST(status_of_a_connection) {
    struct pair pair;
    struct sctp_status status;
    struct sctp_assocparams params;
    struct sctp_assoc_stats stats;
    struct sctp_paddrinfo info;
    char byte;
    pair_stacks(&pair, DRIVER_THREAD);
    ck_assert_errno(get(pair.client, SCTP_STATUS, &status, sizeof status), EINVAL);
    pair_connect(&pair);
    ck_assert_int_eq(usctp_send(pair.client, "x", 1, 0), 1);
    ck_assert_int_eq(usctp_recv(pair.server, &byte, 1, 0), 1);
    ck_assert_int_eq(get(pair.client, SCTP_STATUS, &status, sizeof status), 0);
    ck_assert_int_eq(status.sstat_state, SCTP_ESTABLISHED);
    ck_assert_int_ge(status.sstat_assoc_id, 3);
    ck_assert_uint_gt(status.sstat_rwnd, 0);
    ck_assert_uint_eq(status.sstat_outstrms, 10);
    ck_assert_uint_gt(status.sstat_fragmentation_point, 0);
    struct sockaddr_in primary;
    memcpy(&primary,
           (char *)&status.sstat_primary + offsetof(struct sctp_paddrinfo, spinfo_address),
           sizeof primary);
    ck_assert_int_eq(primary.sin_family, AF_INET);
    ck_assert_int_eq(ntohs(primary.sin_port), pair.port);
    ck_assert_int_eq(status.sstat_primary.spinfo_state, SCTP_ACTIVE);

    memset(&info, 0, sizeof info);
    memcpy((char *)&info + offsetof(struct sctp_paddrinfo, spinfo_address), &primary,
           sizeof primary);
    ck_assert_int_eq(get(pair.client, SCTP_GET_PEER_ADDR_INFO, &info, sizeof info), 0);
    ck_assert_int_eq(info.spinfo_state, SCTP_ACTIVE);
    ck_assert_uint_gt(info.spinfo_cwnd, 0);
    ck_assert_uint_gt(info.spinfo_mtu, 500);
    primary.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 5);
    memcpy((char *)&info + offsetof(struct sctp_paddrinfo, spinfo_address), &primary,
           sizeof primary);
    ck_assert_errno(get(pair.client, SCTP_GET_PEER_ADDR_INFO, &info, sizeof info), EINVAL);

    ck_assert_int_eq(get(pair.client, SCTP_ASSOCINFO, &params, sizeof params), 0);
    ck_assert_uint_eq(params.sasoc_number_peer_destinations, 1);
    ck_assert_uint_gt(params.sasoc_local_rwnd, 0);
    ck_assert_int_eq(get(pair.client, SCTP_GET_ASSOC_STATS, &stats, sizeof stats), 0);
    ck_assert_uint_eq(stats.sas_oodchunks, 1);
    ck_assert_uint_ge(stats.sas_opackets, 3);
    ck_assert_uint_ge(stats.sas_ipackets, 2);

    struct usctp_path_status path;
    ck_assert_int_eq(usctp_socket_path(pair.client, 0, &path), 0);
    ck_assert_uint_eq(path.udp_port, usctp_stack_udp_port(pair.server_stack));
    ck_assert_errno(usctp_socket_path(pair.client, 1, &path), EINVAL);
    ck_assert_errno(usctp_socket_path(pair.listener, 0, &path), ENOTCONN);

    /* Linux: an association that has ended has no status, and no statistics. */
    ck_assert_int_eq(usctp_shutdown(pair.server, SHUT_WR), 0);
    ck_assert_int_eq(usctp_recv(pair.client, &byte, 1, 0), 0);
    ck_assert_int_eq(usctp_recv(pair.server, &byte, 1, 0), 0);
    ck_assert_errno(get(pair.server, SCTP_STATUS, &status, sizeof status), EINVAL);
    ck_assert_errno(get(pair.server, SCTP_GET_ASSOC_STATS, &stats, sizeof stats), EINVAL);
    pair_close(&pair);
}
END_TEST

/* The counters of usctp/counters.h, whole and as far as there is room. */
START_TEST(counters_of_a_connection) {
    struct pair pair;
    struct usctp_engine_counters all, same;
    struct usctp_assoc_counters mine;
    struct usctp_path_counters path = {.path = 0};
    struct sctp_assoc_stats linux_stats;
    uint64_t first[2] = {0, 12345};
    socklen_t length = sizeof first[0];
    char byte;
    pair_stacks(&pair, DRIVER_THREAD);
    ck_assert_int_eq(get(pair.client, USCTP_STACK_COUNTERS, &all, sizeof all), 0);
    ck_assert_uint_eq(all.established, 0);
    ck_assert_errno(get(pair.client, USCTP_ASSOC_COUNTERS, &mine, sizeof mine), EINVAL);
    ck_assert_errno(get(pair.client, USCTP_PATH_COUNTERS, &path, sizeof path), EINVAL);
    pair_connect(&pair);
    struct sctp_sndinfo unordered = {.snd_flags = SCTP_UNORDERED};
    struct iovec iov = {.iov_base = (void *)"xy", .iov_len = 2};
    ck_assert_int_eq(usctp_send(pair.client, "x", 1, 0), 1);
    ck_assert_int_eq(usctp_sendv(pair.client, &iov, 1, NULL, 0, &unordered, sizeof unordered,
                                 USCTP_SENDV_SNDINFO, 0),
                     2);
    for (int i = 0; i < 2; i++)
        ck_assert_int_ge(usctp_recv(pair.server, &byte, 1, 0), 1);
    ck_assert_int_eq(get(pair.client, USCTP_STACK_COUNTERS, &all, sizeof all), 0);
    ck_assert_uint_eq(all.established, 1);
    ck_assert_uint_eq(all.ordered_chunks_out, 1);
    ck_assert_uint_eq(all.unordered_chunks_out, 1);
    ck_assert_uint_gt(all.memory_bytes, 0);
    ck_assert_int_eq(usctp_stack_counters(pair.client_stack, &same), 0);
    ck_assert_uint_ge(same.packets_out, all.packets_out);
    ck_assert_int_eq(
        usctp_getsockopt(pair.client, IPPROTO_SCTP, USCTP_STACK_COUNTERS, first, &length), 0);
    ck_assert_uint_eq(length, sizeof first[0]);
    ck_assert_uint_ge(first[0], all.packets_in);
    ck_assert_uint_eq(first[1], 12345);
    length = 7;
    ck_assert_errno(
        usctp_getsockopt(pair.client, IPPROTO_SCTP, USCTP_STACK_COUNTERS, first, &length), EINVAL);
    ck_assert_errno(usctp_setsockopt(pair.client, IPPROTO_SCTP, USCTP_STACK_COUNTERS, &all, 8),
                    ENOPROTOOPT);
    ck_assert_int_eq(get(pair.client, USCTP_ASSOC_COUNTERS, &mine, sizeof mine), 0);
    ck_assert_uint_eq(mine.ordered_chunks_out, 1);
    ck_assert_uint_eq(mine.bytes_out, 3);
    ck_assert_int_eq(get(pair.client, USCTP_PATH_COUNTERS, &path, sizeof path), 0);
    ck_assert_int_ge(path.assoc_id, 3);
    ck_assert_uint_eq(path.status.data_chunks_out, 2);
    path.path = 1;
    ck_assert_errno(get(pair.client, USCTP_PATH_COUNTERS, &path, sizeof path), EINVAL);
    ck_assert_int_eq(get(pair.client, SCTP_GET_ASSOC_STATS, &linux_stats, sizeof linux_stats), 0);
    ck_assert_uint_eq(linux_stats.sas_oodchunks, 1);
    ck_assert_uint_eq(linux_stats.sas_ouodchunks, 1);
    ck_assert_int_eq(get(pair.server, SCTP_GET_ASSOC_STATS, &linux_stats, sizeof linux_stats), 0);
    ck_assert_uint_eq(linux_stats.sas_iodchunks, 1);
    ck_assert_uint_eq(linux_stats.sas_iuodchunks, 1);
    ck_assert_uint_eq(linux_stats.sas_outofseqtsns, 0);
    pair_close(&pair);
}
END_TEST

/* max_memory_bytes: a send is refused at once, blocking or not. */
START_TEST(memory_of_a_stack) {
    struct usctp_stack_options options;
    struct usctp_config config;
    struct usctp_engine_counters all;
    static char bytes[60000];
    usctp_config_defaults(&config);
    ck_assert_int_eq(usctp_config_set(&config, USCTP_TUNABLE_max_memory_bytes, 65536), 0);
    usctp_stack_options_init(&options);
    options.flags = USCTP_STACK_UDP;
    options.config = &config;
    struct usctp_stack *stack = usctp_stack_new(&options);
    ck_assert_ptr_nonnull(stack);
    int sd = usctp_socket(stack, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, IPPROTO_SCTP);
    struct sockaddr_in nobody = loopback(9);
    ck_assert_errno(usctp_connect(sd, (struct sockaddr *)&nobody, sizeof nobody), EINPROGRESS);
    ck_assert_errno(usctp_send(sd, bytes, sizeof bytes, 0), ENOBUFS);
    ck_assert_int_eq(usctp_stack_counters(stack, &all), 0);
    ck_assert_uint_eq(all.sends_refused, 1);
    ck_assert_uint_le(all.memory_peak_bytes, 65536);
    usctp_stack_delete(stack);
}
END_TEST

/* ---- what is not there ----------------------------------------------------------------------- */

START_TEST(unknown_and_unbuilt) {
    struct usctp_stack *stack = new_stack(DRIVER_CALLER);
    int sd = new_socket(stack), n = 1;
    socklen_t length = sizeof n;
    char bytes[64] = {0};
    const int unbuilt[] = {SCTP_AUTOCLOSE, SCTP_AUTH_KEY, SCTP_RESET_STREAMS, SCTP_STREAM_SCHEDULER,
                           SCTP_ADAPTATION_LAYER};
    for (size_t i = 0; i < sizeof unbuilt / sizeof unbuilt[0]; i++)
        ck_assert_errno(set(sd, unbuilt[i], bytes, sizeof bytes), EOPNOTSUPP);
    ck_assert_errno(set(sd, 9999, bytes, sizeof bytes), ENOPROTOOPT);
    ck_assert_errno(get(sd, 9999, bytes, sizeof bytes), ENOPROTOOPT);
    ck_assert_errno(set_int(sd, IPPROTO_TCP, 1, 1), ENOPROTOOPT);
    ck_assert_errno(set_int(sd, SOL_SOCKET, 9999, 1), ENOPROTOOPT);
    ck_assert_errno(set(sd, SCTP_STATUS, bytes, sizeof bytes), ENOPROTOOPT);
    /* Extensions that are off can be asked for and be left off. */
    struct sctp_assoc_value value = {.assoc_value = 0};
    ck_assert_int_eq(set(sd, SCTP_AUTH_SUPPORTED, &value, sizeof value), 0);
    value.assoc_value = 1;
    ck_assert_errno(set(sd, SCTP_AUTH_SUPPORTED, &value, sizeof value), EOPNOTSUPP);
    ck_assert_int_eq(get(sd, SCTP_AUTH_SUPPORTED, &value, sizeof value), 0);
    ck_assert_uint_eq(value.assoc_value, 0);
    ck_assert_int_eq(set_int(sd, IPPROTO_SCTP, SCTP_AUTO_ASCONF, 0), 0);
    ck_assert_errno(set_int(sd, IPPROTO_SCTP, SCTP_AUTO_ASCONF, 1), EINVAL);       /* not bound */
    ck_assert_int_eq(set_int(sd, IPPROTO_SCTP, SCTP_I_WANT_MAPPED_V4_ADDR, 0), 0); /* as Linux */
    ck_assert_int_eq(get_int(sd, IPPROTO_SCTP, SCTP_I_WANT_MAPPED_V4_ADDR), 0);

    ck_assert_errno(usctp_setsockopt(sd, IPPROTO_SCTP, SCTP_NODELAY, NULL, sizeof n), EFAULT);
    ck_assert_errno(usctp_getsockopt(sd, IPPROTO_SCTP, SCTP_NODELAY, NULL, &length), EFAULT);
    ck_assert_errno(usctp_getsockopt(sd, IPPROTO_SCTP, SCTP_NODELAY, &n, NULL), EFAULT);
    length = 3;
    ck_assert_errno(usctp_getsockopt(sd, IPPROTO_SCTP, SCTP_NODELAY, &n, &length), EINVAL);
    ck_assert_errno(usctp_tune(sd, USCTP_TUNABLE_COUNT, 1), EINVAL);
    ck_assert_errno(usctp_tune(sd, USCTP_TUNABLE_max_associations, 1), EINVAL);
    ck_assert_int_eq(usctp_tune(sd, USCTP_TUNABLE_nodelay, 1), 0);
    ck_assert_int_eq(get_int(sd, IPPROTO_SCTP, SCTP_NODELAY), 1);
    usctp_close(sd);
    usctp_stack_delete(stack);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("options");
    TCase *tcase = tcase_create("options");
    tcase_set_timeout(tcase, TEST_SECONDS);
    tcase_add_test(tcase, on_a_new_socket);
    tcase_add_test(tcase, on_a_bound_socket);
    tcase_add_test(tcase, on_a_connection);
    tcase_add_test(tcase, inheritance);
    tcase_add_test(tcase, name_of_a_connection);
    tcase_add_test(tcase, status_of_a_connection);
    tcase_add_test(tcase, counters_of_a_connection);
    tcase_add_test(tcase, memory_of_a_stack);
    tcase_add_test(tcase, unknown_and_unbuilt);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
