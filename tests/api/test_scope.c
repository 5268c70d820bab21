/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which associations an option is about (RFC 6458 7.2, 8): one, SCTP_FUTURE_ASSOC,
 * SCTP_CURRENT_ASSOC, SCTP_ALL_ASSOC; by a table, on a one-to-many socket. On one-to-one sockets
 * the id is ignored.
 */
#include "many_test.h"

#include <stddef.h>

struct row {
    const char *label;
    int name;
    size_t bytes, id_at, value_at, value_bytes;
    size_t extra_at; /* a 16-bit constant beside the value; 0: none */
    uint16_t extra;
    bool is_any; /* takes SCTP_CURRENT_ASSOC and SCTP_ALL_ASSOC */
    uint32_t values[4];
};

#define ROW(option, type, id, value)                                                               \
    .label = #option, .name = option, .bytes = sizeof(struct type),                                \
    .id_at = offsetof(struct type, id), .value_at = offsetof(struct type, value),                  \
    .value_bytes = sizeof(((struct type *)NULL)->value)
#define VALUES .values = {20001, 20002, 20003, 20004}
#define SMALL  .values = {11, 12, 13, 14}

static const struct row rows[] = {
    {ROW(SCTP_RTOINFO, sctp_rtoinfo, srto_assoc_id, srto_max), VALUES},
    {ROW(SCTP_ASSOCINFO, sctp_assocparams, sasoc_assoc_id, sasoc_cookie_life), VALUES},
    {ROW(SCTP_MAXSEG, sctp_assoc_value, assoc_id, assoc_value), .values = {601, 602, 603, 604}},
    {ROW(SCTP_PEER_ADDR_PARAMS, sctp_paddrparams, spp_assoc_id, spp_hbinterval), VALUES,
     .extra_at = offsetof(struct sctp_paddrparams, spp_flags), .extra = SPP_HB_ENABLE},
    {ROW(SCTP_PEER_ADDR_PARAMS, sctp_paddrparams, spp_assoc_id, spp_pathmtu),
     .extra_at = offsetof(struct sctp_paddrparams, spp_flags), .extra = SPP_PMTUD_DISABLE,
     .values = {601, 602, 603, 604}},
    {ROW(SCTP_PEER_ADDR_PARAMS, sctp_paddrparams, spp_assoc_id, spp_ipv6_flowlabel),
     .extra_at = offsetof(struct sctp_paddrparams, spp_flags), .extra = SPP_IPV6_FLOWLABEL, VALUES},
    {ROW(SCTP_PEER_ADDR_PARAMS, sctp_paddrparams, spp_assoc_id, spp_dscp),
     .extra_at = offsetof(struct sctp_paddrparams, spp_flags), .extra = SPP_DSCP,
     .values = {4, 8, 12, 16}},
    {ROW(SCTP_PEER_ADDR_THLDS, sctp_paddrthlds, spt_assoc_id, spt_pathmaxrxt), SMALL},
    {ROW(SCTP_PEER_ADDR_THLDS_V2, sctp_paddrthlds_v2, spt_assoc_id, spt_pathmaxrxt), SMALL,
     .extra_at = offsetof(struct sctp_paddrthlds_v2, spt_pathcpthld), .extra = 9},
    {ROW(SCTP_PLPMTUD_PROBE_INTERVAL, sctp_probeinterval, spi_assoc_id, spi_interval), VALUES},
    {ROW(SCTP_DELAYED_SACK, sctp_sack_info, sack_assoc_id, sack_delay), SMALL, .is_any = true},
    {ROW(SCTP_MAX_BURST, sctp_assoc_value, assoc_id, assoc_value), SMALL, .is_any = true},
    {ROW(SCTP_CONTEXT, sctp_assoc_value, assoc_id, assoc_value), VALUES, .is_any = true},
    {ROW(SCTP_DEFAULT_SNDINFO, sctp_sndinfo, snd_assoc_id, snd_context), VALUES, .is_any = true},
    {ROW(SCTP_DEFAULT_SEND_PARAM, sctp_sndrcvinfo, sinfo_assoc_id, sinfo_context), VALUES,
     .is_any = true},
    {ROW(SCTP_EXPOSE_POTENTIALLY_FAILED_STATE, sctp_assoc_value, assoc_id, assoc_value),
     .is_any = true, .values = {2, 1, 2, 1}},
    {ROW(SCTP_EVENT, sctp_event, se_assoc_id, se_on), .is_any = true, .values = {1, 0, 1, 0},
     .extra_at = offsetof(struct sctp_event, se_type), .extra = SCTP_SEND_FAILED_EVENT},
};

static int set(int sd, const struct row *row, sctp_assoc_t id, uint32_t value) {
    uint8_t bytes[256] = {0};
    memcpy(bytes + row->id_at, &id, sizeof id);
    memcpy(bytes + row->value_at, &value, row->value_bytes); /* little-endian hosts */
    if (row->extra_at != 0)
        memcpy(bytes + row->extra_at, &row->extra, sizeof row->extra);
    return usctp_setsockopt(sd, IPPROTO_SCTP, row->name, bytes, (socklen_t)row->bytes);
}

static int get(int sd, const struct row *row, sctp_assoc_t id, uint32_t *value) {
    uint8_t bytes[256] = {0};
    sctp_assoc_t named;
    socklen_t length = (socklen_t)row->bytes;
    if (row->extra_at != 0)
        memcpy(bytes + row->extra_at, &row->extra, sizeof row->extra);
    int result = usctp_opt_info(sd, id, row->name, bytes, &length);
    if (result != 0)
        return result;
    ck_assert_int_eq((int)length, (int)row->bytes);
    memcpy(&named, bytes + row->id_at, sizeof named);
    ck_assert_int_eq(named, id);
    *value = 0;
    memcpy(value, bytes + row->value_at, row->value_bytes);
    return 0;
}

static uint32_t value_of(int sd, const struct row *row, sctp_assoc_t id) {
    uint32_t value;
    ck_assert_msg(get(sd, row, id, &value) == 0, "%s of %d: %s", row->label, id, strerror(errno));
    return value;
}

#define expect_value(sd, row, id, wanted)                                                          \
    ck_assert_msg(value_of(sd, row, id) == (wanted), "%s of %s: %u instead of %u", (row)->label,   \
                  #id, value_of(sd, row, id), wanted)

START_TEST(each_option) {
    const struct row *row = &rows[_i];
    const uint32_t *v = row->values;
    struct group g;
    uint32_t value;
    group_open(&g, DRIVER_THREAD);
    sctp_assoc_t a = join(&g, 0), b = join(&g, 1);
    uint32_t before = value_of(g.server, row, b);
    ck_assert_uint_ne(before, v[0]);
    ck_assert_int_eq(set(g.server, row, SCTP_FUTURE_ASSOC, v[0]), 0);
    expect_value(g.server, row, SCTP_FUTURE_ASSOC, v[0]);
    expect_value(g.server, row, a, before);
    ck_assert_int_eq(set(g.server, row, a, v[1]), 0);
    expect_value(g.server, row, a, v[1]);
    expect_value(g.server, row, b, before);
    expect_value(g.server, row, SCTP_FUTURE_ASSOC, v[0]);
    ck_assert_errno(set(g.server, row, b + 1000, v[0]), EINVAL);
    ck_assert_errno(get(g.server, row, b + 1000, &value), EINVAL);
    ck_assert_errno(get(g.server, row, SCTP_CURRENT_ASSOC, &value), EINVAL);
    ck_assert_errno(get(g.server, row, SCTP_ALL_ASSOC, &value), EINVAL);
    if (row->is_any) {
        ck_assert_int_eq(set(g.server, row, SCTP_CURRENT_ASSOC, v[2]), 0);
        expect_value(g.server, row, a, v[2]);
        expect_value(g.server, row, b, v[2]);
        expect_value(g.server, row, SCTP_FUTURE_ASSOC, v[0]);
        ck_assert_int_eq(set(g.server, row, SCTP_ALL_ASSOC, v[3]), 0);
        expect_value(g.server, row, a, v[3]);
        expect_value(g.server, row, SCTP_FUTURE_ASSOC, v[3]);
    } else {
        ck_assert_errno(set(g.server, row, SCTP_CURRENT_ASSOC, v[2]), EINVAL);
        ck_assert_errno(set(g.server, row, SCTP_ALL_ASSOC, v[3]), EINVAL);
    }
    /* The future has come. */
    value = value_of(g.server, row, SCTP_FUTURE_ASSOC);
    sctp_assoc_t c = join(&g, 2);
    expect_value(g.server, row, c, value);
    group_close(&g);
}
END_TEST

/* One-to-one: whatever the id, it is the socket's. */
START_TEST(one_to_one_ignores_ids) {
    const struct row *row = &rows[_i];
    struct pair pair;
    pair_open(&pair, DRIVER_THREAD);
    ck_assert_int_eq(set(pair.client, row, 4711, row->values[0]), 0);
    uint8_t bytes[256] = {0};
    uint32_t value = 0;
    socklen_t length = (socklen_t)row->bytes;
    if (row->extra_at != 0)
        memcpy(bytes + row->extra_at, &row->extra, sizeof row->extra);
    ck_assert_int_eq(usctp_opt_info(pair.client, SCTP_ALL_ASSOC, row->name, bytes, &length), 0);
    memcpy(&value, bytes + row->value_at, row->value_bytes);
    ck_assert_uint_eq(value, row->values[0]);
    pair_close(&pair);
}
END_TEST

/* Options of an association have no future and no plural. */
START_TEST(of_one_association) {
    struct group g;
    group_open(&g, DRIVER_THREAD);
    sctp_assoc_t a = join(&g, 0),
                 wrong[] = {SCTP_FUTURE_ASSOC, SCTP_CURRENT_ASSOC, SCTP_ALL_ASSOC, a + 99};
    const int names[] = {SCTP_STATUS, SCTP_GET_ASSOC_STATS, SCTP_PRIMARY_ADDR};
    uint8_t bytes[512];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        socklen_t length = sizeof bytes;
        for (size_t k = 0; k < 4; k++) {
            memset(bytes, 0, sizeof bytes);
            ck_assert_errno(usctp_opt_info(g.server, wrong[k], names[i], bytes, &length), EINVAL);
        }
        memset(bytes, 0, sizeof bytes);
        ck_assert_int_eq(usctp_opt_info(g.server, a, names[i], bytes, &length), 0);
        sctp_assoc_t named;
        memcpy(&named, bytes + (names[i] == SCTP_STATUS ? 0 : 0), sizeof named);
        ck_assert_int_eq(named, a);
    }
    /* A peer's address and port name the association as well, as on Linux. */
    struct sctp_paddrinfo info = {.spinfo_assoc_id = 0};
    struct sockaddr_in name = loopback(g.port);
    socklen_t length = sizeof info;
    ck_assert_int_eq(send_text(g.peers[0], g.port, "again"), 5);
    memcpy(&info.spinfo_address, &name, sizeof name);
    ck_assert_int_eq(
        usctp_getsockopt(g.peers[0], IPPROTO_SCTP, SCTP_GET_PEER_ADDR_INFO, &info, &length), 0);
    ck_assert_int_gt(info.spinfo_assoc_id, 2);
    ck_assert_int_eq(info.spinfo_state, SCTP_ACTIVE);
    name.sin_port ^= 1;
    memcpy(&info.spinfo_address, &name, sizeof name);
    info.spinfo_assoc_id = 0;
    ck_assert_errno(
        usctp_getsockopt(g.peers[0], IPPROTO_SCTP, SCTP_GET_PEER_ADDR_INFO, &info, &length),
        EINVAL);
    group_close(&g);
}
END_TEST

/* What the socket as a whole is told holds for those that are there, too. */
START_TEST(of_the_socket) {
    struct group g;
    struct sctp_event_subscribe events = {.sctp_association_event = 1, .sctp_data_io_event = 1};
    struct sctp_event event = {.se_type = SCTP_ASSOC_CHANGE};
    socklen_t length = sizeof event;
    int bytes = 4096;
    struct sctp_assocparams params;
    group_open(&g, DRIVER_THREAD);
    sctp_assoc_t a = join(&g, 0);
    ck_assert_int_eq(usctp_setsockopt(g.server, IPPROTO_SCTP, SCTP_EVENTS, &events, sizeof events),
                     0);
    ck_assert_int_eq(usctp_opt_info(g.server, a, SCTP_EVENT, &event, &length), 0);
    ck_assert_int_eq(event.se_on, 1);
    ck_assert_int_eq(usctp_setsockopt(g.server, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes), 0);
    length = sizeof params;
    ck_assert_int_eq(usctp_opt_info(g.server, a, SCTP_ASSOCINFO, &params, &length), 0);
    ck_assert_uint_le(params.sasoc_local_rwnd, 4096);
    group_close(&g);
}
END_TEST

static Suite *scope_suite(void) {
    Suite *suite = suite_create("scope");
    TCase *tcase = tcase_create("scope");
    tcase_set_timeout(tcase, TEST_SECONDS);
    tcase_add_loop_test(tcase, each_option, 0, (int)(sizeof rows / sizeof rows[0]));
    tcase_add_loop_test(tcase, one_to_one_ignores_ids, 0, (int)(sizeof rows / sizeof rows[0]));
    tcase_add_test(tcase, of_one_association);
    tcase_add_test(tcase, of_the_socket);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void) {
    return run_suite(scope_suite());
}
