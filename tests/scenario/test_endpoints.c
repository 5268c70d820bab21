/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Endpoints and calls as their user sees them (RFC 9260 1.3, 11.1; RFC 6458 9.1, 9.2): what may be
 * bound beside what, addresses that are added and removed, ids that are no more, an association
 * that gets an endpoint of its own, arguments that make no sense, memory that is short. Each
 * refusal stands beside the call that is not refused.
 */
#include "support/configs.h"
#include "support/run_tests.h"
#include "support/scripted_peer.h"

#include <string.h>

static struct usctp_addr address(unsigned host) {
    return (struct usctp_addr){.family = USCTP_FAMILY_IPV4, .ipv4 = {203, 0, 113, (uint8_t)host}};
}

static const struct usctp_addr nowhere = {.family = USCTP_FAMILY_IPV4};

static int32_t open_on(struct scripted_peer *p, unsigned port, const struct usctp_addr *addresses,
                       size_t n) {
    const struct usctp_endpoint_options options = {.port = (uint16_t)port,
                                                   .addresses = addresses,
                                                   .address_count = n,
                                                   .ipv4 = true,
                                                   .ipv6 = true};
    return usctp_endpoint_open(p->engine, &options);
}

static void three_endpoints(struct usctp_config *config) {
    quiet(config);
    config->max_endpoints = 3;
}

START_TEST(what_cannot_be_opened) {
    struct scripted_peer *p = PEER(.configure = three_endpoints); /* which has one */
    struct usctp_addr many[USCTP_MAX_ADDRESSES + 1], one = address(1), two = address(2);
    struct usctp_config bad = p->config;
    for (unsigned i = 0; i <= USCTP_MAX_ADDRESSES; i++)
        many[i] = address(i + 1);
    bad.max_burst = 0;
    const struct usctp_endpoint_options odd = {.port = 8000, .ipv4 = true, .config = &bad},
                                        no_family = {.port = 8000};
    REQUIRE_EQ(usctp_endpoint_open(p->engine, NULL), USCTP_ERR_INVALID);
    REQUIRE_EQ(usctp_endpoint_open(p->engine, &odd), USCTP_ERR_INVALID);
    REQUIRE_EQ(usctp_endpoint_open(p->engine, &no_family), USCTP_ERR_INVALID);
    REQUIRE_EQ(open_on(p, 0, &one, 1), USCTP_ERR_INVALID);
    REQUIRE_EQ(open_on(p, 8000, (const struct usctp_addr[]){one, one}, 2), USCTP_ERR_INVALID);
    REQUIRE_EQ(open_on(p, 8000, NULL, 1), USCTP_ERR_INVALID);
    REQUIRE_EQ(open_on(p, 8000, &nowhere, 1), USCTP_ERR_INVALID);
    REQUIRE_EQ(open_on(p, 8000, many, USCTP_MAX_ADDRESSES + 1), USCTP_ERR_INVALID);
    int32_t first = open_on(p, 8000, many, USCTP_MAX_ADDRESSES);
    REQUIRE(first >= 3);
    REQUIRE_EQ(open_on(p, 8000, &two, 1), USCTP_ERR_IN_USE);
    REQUIRE(open_on(p, 8001, &two, 1) >= 3);
    REQUIRE_EQ(open_on(p, 8002, &two, 1), USCTP_ERR_LIMIT);
    REQUIRE_EQ(usctp_endpoint_close(p->engine, first, p->now_us), 0);
    peer_pump(p); /* its last event */
    REQUIRE(open_on(p, 8000, &two, 1) >= 3);
    peer_delete(p);
}
END_TEST

/* Two wildcards of a family cannot share a port, a wildcard and an address can (RFC 9260 1.3: an
 * SCTP endpoint is the set of its transport addresses). */
START_TEST(wildcards) {
    struct scripted_peer *p = PEER(.configure = quiet);
    struct usctp_addr one = address(1);
    struct usctp_endpoint_options options = {.port = 8000, .ipv4 = true};
    REQUIRE(usctp_endpoint_open(p->engine, &options) >= 3);
    REQUIRE_EQ(usctp_endpoint_open(p->engine, &options), USCTP_ERR_IN_USE);
    options.ipv4 = false;
    options.ipv6 = true;
    REQUIRE(usctp_endpoint_open(p->engine, &options) >= 3);
    REQUIRE_EQ(usctp_endpoint_open(p->engine, &options), USCTP_ERR_IN_USE);
    REQUIRE(open_on(p, 8000, &one, 1) >= 3);
    peer_delete(p);
}
END_TEST

START_TEST(addresses_come_and_go) {
    struct scripted_peer *p = PEER(.configure = quiet);
    struct usctp_addr a[USCTP_MAX_ADDRESSES], seen[USCTP_MAX_ADDRESSES];
    for (unsigned i = 0; i < USCTP_MAX_ADDRESSES; i++)
        a[i] = address(i + 1);
    struct usctp_engine *e = p->engine;
    int32_t ep = open_on(p, 8000, a, 1), other = open_on(p, 8000, a + 5, 1),
            any = open_on(p, 8000, NULL, 0);
    REQUIRE_EQ(usctp_endpoint_bind(e, ep, a + 1, 2, true), 0);
    REQUIRE_EQ(usctp_endpoint_local_addresses(e, ep, seen, 2), 3); /* no more than fit */
    REQUIRE(memcmp(&seen[1], &a[1], sizeof a[1]) == 0);
    REQUIRE_EQ(usctp_endpoint_bind(e, ep, a, 1, true), USCTP_ERR_IN_USE);
    REQUIRE_EQ(usctp_endpoint_bind(e, ep, a + 5, 1, true), USCTP_ERR_IN_USE); /* the other's */
    REQUIRE_EQ(usctp_endpoint_bind(e, ep, a + 6, USCTP_MAX_ADDRESSES - 6, true), 0);
    REQUIRE_EQ(usctp_endpoint_bind(e, ep, a + 3, 2, true), 0);
    REQUIRE_EQ(usctp_endpoint_bind(e, other, a + 4, 1, true), USCTP_ERR_IN_USE);
    REQUIRE_EQ(usctp_endpoint_bind(e, ep, a + 6, USCTP_MAX_ADDRESSES - 6, false), 0);
    REQUIRE_EQ(usctp_endpoint_bind(e, ep, a + 6, 1, false), USCTP_ERR_NOT_FOUND);
    REQUIRE_EQ(usctp_endpoint_bind(e, ep, a, 0, true), USCTP_ERR_INVALID);
    REQUIRE_EQ(usctp_endpoint_bind(e, ep, &nowhere, 1, true), USCTP_ERR_INVALID);
    REQUIRE_EQ(usctp_endpoint_bind(e, ep, a + 1, 4, false), 0);
    REQUIRE_EQ(usctp_endpoint_bind(e, ep, a, 1, false), USCTP_ERR_INVALID); /* the last one */
    REQUIRE_EQ(usctp_endpoint_local_addresses(e, ep, seen, 1), 1);
    REQUIRE(memcmp(&seen[0], &a[0], sizeof a[0]) == 0);
    /* A wildcard has those of the host, and none can be added or taken off. */
    REQUIRE_EQ(usctp_endpoint_bind(e, any, a, 1, true), USCTP_ERR_INVALID);
    REQUIRE_EQ(usctp_endpoint_local_addresses(e, any, seen, 4), 1);
    REQUIRE(memcmp(&seen[0], &p->engine_addr[0], sizeof seen[0]) == 0);
    peer_delete(p);
}
END_TEST

START_TEST(too_many_addresses) {
    struct scripted_peer *p = PEER(.configure = quiet);
    struct usctp_addr a[USCTP_MAX_ADDRESSES + 1], seen[1];
    for (unsigned i = 0; i <= USCTP_MAX_ADDRESSES; i++)
        a[i] = address(i + 1);
    int32_t ep = open_on(p, 8000, a, USCTP_MAX_ADDRESSES);
    REQUIRE_EQ(usctp_endpoint_bind(p->engine, ep, a + USCTP_MAX_ADDRESSES, 1, true),
               USCTP_ERR_LIMIT);
    REQUIRE_EQ(usctp_endpoint_local_addresses(p->engine, ep, seen, 0), USCTP_MAX_ADDRESSES);
    REQUIRE_EQ(usctp_endpoint_bind(p->engine, ep, a, 1, false), 0);
    REQUIRE_EQ(usctp_endpoint_bind(p->engine, ep, a + USCTP_MAX_ADDRESSES, 1, true), 0);
    peer_delete(p);
}
END_TEST

START_TEST(endpoint_that_is_closed) {
    struct scripted_peer *p = PEER(.configure = quiet);
    struct usctp_addr one = address(1), seen[1];
    struct usctp_config config;
    int32_t ep = open_on(p, 8000, &one, 1), taken;
    struct usctp_engine *e = p->engine;
    for (unsigned round = 0; round < 2; round++) {
        int wanted = round == 0 ? 0 : USCTP_ERR_NOT_FOUND;
        const struct usctp_connect connect = {
            .endpoint = ep, .addresses = p->peer_addr, .address_count = 1, .port = 9};
        if (round == 1) {
            REQUIRE_EQ(usctp_endpoint_close(e, ep, p->now_us), 0);
            REQUIRE_EQ(usctp_assoc_connect(e, &connect, p->now_us), wanted);
        }
        REQUIRE_EQ(usctp_endpoint_listen(e, ep, 3), wanted);
        REQUIRE_EQ(usctp_endpoint_tune(e, ep, USCTP_TUNABLE_max_burst, 7), wanted);
        REQUIRE_EQ(usctp_endpoint_config(e, ep, &config), wanted);
        REQUIRE_EQ(usctp_endpoint_subscribe(e, ep, 1), wanted);
        REQUIRE_EQ(usctp_endpoint_local_addresses(e, ep, seen, 1), round == 0 ? 1 : wanted);
        REQUIRE_EQ(usctp_endpoint_bind(e, ep, &one, 1, false),
                   round == 0 ? USCTP_ERR_INVALID : wanted);
        REQUIRE_EQ(usctp_endpoint_accept(e, ep, &taken), round == 0 ? USCTP_ERR_AGAIN : wanted);
    }
    REQUIRE_EQ(config.max_burst, 7);
    REQUIRE_EQ(usctp_endpoint_close(e, ep, p->now_us), USCTP_ERR_NOT_FOUND);
    REQUIRE_EQ(usctp_endpoint_tune(e, p->endpoint, USCTP_TUNABLE_COUNT, 1), USCTP_ERR_INVALID);
    REQUIRE_EQ(usctp_endpoint_tune(e, p->endpoint, USCTP_TUNABLE_max_endpoints, 1),
               USCTP_ERR_INVALID); /* the engine's */
    REQUIRE_EQ(usctp_endpoint_listen(e, p->endpoint, 0), 0);
    REQUIRE_EQ(usctp_endpoint_accept(e, p->endpoint, &taken), USCTP_ERR_STATE);
    peer_delete(p);
}
END_TEST

/* RFC 6458 9.2: the association keeps running, on an endpoint of its own that listens to nobody. */
START_TEST(peeled_off) {
    struct scripted_peer *p = PEER(.configure = quiet);
    struct usctp_addr seen[1];
    struct usctp_config config;
    REQUIRE_EQ(usctp_assoc_peel_off(p->engine, 12345), USCTP_ERR_NOT_FOUND);
    REQUIRE_EQ(usctp_endpoint_tune(p->engine, p->endpoint, USCTP_TUNABLE_max_burst, 9), 0);
    peer_open_active(p);
    int32_t own = usctp_assoc_peel_off(p->engine, p->assoc);
    REQUIRE(own >= 3 && own != p->endpoint);
    REQUIRE_EQ(peer_status(p).endpoint, own);
    REQUIRE_EQ(usctp_endpoint_config(p->engine, own, &config), 0);
    REQUIRE_EQ(config.max_burst, 9);
    REQUIRE_EQ(usctp_endpoint_local_addresses(p->engine, own, seen, 1), 1);
    REQUIRE_EQ(usctp_endpoint_listen(p->engine, own, 1), USCTP_ERR_STATE);
    REQUIRE_EQ(usctp_endpoint_close(p->engine, p->endpoint, p->now_us), 0);
    peer_pump(p);
    user_send(p, 0, 10);
    peer_take(p, "DATA tsn=0 *");
    peer_data(p, 0, 1, 0, BIT_BE, 20);
    user_expect(p, 1, 0, 20);
    REQUIRE_EQ(usctp_endpoint_close(p->engine, own, p->now_us), 0);
    require_state(p, USCTP_ESTABLISHED); /* others live on until released */
    peer_release(p);
    peer_delete(p);
}
END_TEST

/* ---- arguments ---- */

START_TEST(connecting_with_bad_arguments) {
    struct scripted_peer *p = PEER(.configure = quiet);
    const struct usctp_addr ipv6 = {.family = USCTP_FAMILY_IPV6,
                                    .ipv6 = {0x20, 1, 0x0d, 0xb8, [15] = 2}};
    struct usctp_connect connect = {
        .endpoint = p->endpoint, .addresses = p->peer_addr, .address_count = 1, .port = 6002};
    const struct usctp_connect good = connect;
    REQUIRE_EQ(usctp_assoc_connect(p->engine, NULL, p->now_us), USCTP_ERR_INVALID);
    connect.port = 0;
    REQUIRE_EQ(usctp_assoc_connect(p->engine, &connect, p->now_us), USCTP_ERR_INVALID);
    connect = good;
    connect.address_count = 0;
    REQUIRE_EQ(usctp_assoc_connect(p->engine, &connect, p->now_us), USCTP_ERR_INVALID);
    connect.address_count = USCTP_MAX_ADDRESSES + 1;
    REQUIRE_EQ(usctp_assoc_connect(p->engine, &connect, p->now_us), USCTP_ERR_INVALID);
    connect = good;
    connect.addresses = NULL;
    REQUIRE_EQ(usctp_assoc_connect(p->engine, &connect, p->now_us), USCTP_ERR_INVALID);
    connect.addresses = &nowhere;
    REQUIRE_EQ(usctp_assoc_connect(p->engine, &connect, p->now_us), USCTP_ERR_INVALID);
    connect.addresses = &ipv6; /* the endpoint has IPv4 addresses only */
    REQUIRE_EQ(usctp_assoc_connect(p->engine, &connect, p->now_us), USCTP_ERR_FAMILY);
    REQUIRE((p->assoc = usctp_assoc_connect(p->engine, &good, p->now_us)) >= 3);
    REQUIRE_EQ(usctp_assoc_connect(p->engine, &good, p->now_us), USCTP_ERR_EXISTS);
    peer_delete(p);
}
END_TEST

START_TEST(calls_on_an_association_that_is_none) {
    struct scripted_peer *p = PEER(.configure = quiet);
    struct usctp_engine *e = p->engine;
    const int32_t none = 4711;
    const struct usctp_send send = {.sid = 0};
    struct usctp_received received;
    struct usctp_config config;
    struct usctp_path_status path;
    uint64_t value;
    const enum usctp_tunable burst = USCTP_TUNABLE_max_burst, hb = USCTP_TUNABLE_hb_enabled;
    peer_open_active(p);
    REQUIRE_EQ(usctp_assoc_send(e, none, &send, NULL, 0, p->now_us), USCTP_ERR_NOT_FOUND);
    REQUIRE_EQ(usctp_assoc_receive(e, none, &received, NULL, 0, 0), USCTP_ERR_NOT_FOUND);
    REQUIRE_EQ(usctp_assoc_peek_next(e, none, &received), USCTP_ERR_NOT_FOUND);
    usctp_assoc_received(e, none, p->now_us);
    REQUIRE_EQ(usctp_assoc_shutdown(e, none, p->now_us), USCTP_ERR_NOT_FOUND);
    REQUIRE_EQ(usctp_assoc_abort(e, none, NULL, 0, p->now_us), USCTP_ERR_NOT_FOUND);
    usctp_assoc_release(e, none, p->now_us);
    REQUIRE_EQ(usctp_assoc_subscribe(e, none, 1), USCTP_ERR_NOT_FOUND);
    REQUIRE_EQ(usctp_assoc_tune(e, none, burst, 5, p->now_us), USCTP_ERR_NOT_FOUND);
    REQUIRE_EQ(usctp_assoc_config(e, none, &config), USCTP_ERR_NOT_FOUND);
    REQUIRE_EQ(usctp_path_status(e, none, 0, &path), USCTP_ERR_NOT_FOUND);
    for (unsigned round = 0; round < 2; round++) { /* no association; no such path of one */
        int32_t id = round == 0 ? none : p->assoc;
        uint32_t no_path = round == 0 ? 0 : 1;
        REQUIRE_EQ(usctp_path_tune(e, id, no_path, hb, 1, p->now_us), USCTP_ERR_NOT_FOUND);
        REQUIRE_EQ(usctp_path_get(e, id, no_path, hb, &value), USCTP_ERR_NOT_FOUND);
        REQUIRE_EQ(usctp_path_route(e, id, no_path, NULL, 0, p->now_us), USCTP_ERR_NOT_FOUND);
        REQUIRE_EQ(usctp_path_set_primary(e, id, no_path, p->now_us), USCTP_ERR_NOT_FOUND);
        REQUIRE_EQ(usctp_path_heartbeat(e, id, no_path, p->now_us), USCTP_ERR_NOT_FOUND);
    }
    REQUIRE_EQ(usctp_path_get(e, p->assoc, 0, hb, &value), 0);
    REQUIRE_EQ(value, 0); /* quiet */
    require_state(p, USCTP_ESTABLISHED);
    peer_expect_nothing(p);
    peer_delete(p);
}
END_TEST

START_TEST(sending_with_bad_arguments) {
    struct scripted_peer *p = PEER(.configure = quiet);
    struct usctp_engine *e = p->engine;
    uint8_t byte = 1;
    struct usctp_received received;
    const struct usctp_send send = {.sid = 0}, beyond = {.sid = 10},
                            no_path = {.flags = USCTP_MESSAGE_TO_PATH, .path = 1};
    const struct usctp_slice slice = {&byte, 1}, no_base = {NULL, 1}, huge = {&byte, 2000000};
    peer_open_active(p); /* ten streams */
    REQUIRE_EQ(usctp_assoc_send(e, p->assoc, NULL, &slice, 1, p->now_us), USCTP_ERR_INVALID);
    REQUIRE_EQ(usctp_assoc_send(e, p->assoc, &send, NULL, 1, p->now_us), USCTP_ERR_INVALID);
    REQUIRE_EQ(usctp_assoc_send(e, p->assoc, &send, &no_base, 1, p->now_us), USCTP_ERR_INVALID);
    REQUIRE_EQ(usctp_assoc_send(e, p->assoc, &send, &slice, 0, p->now_us), USCTP_ERR_INVALID);
    REQUIRE_EQ(usctp_assoc_send(e, p->assoc, &beyond, &slice, 1, p->now_us), USCTP_ERR_INVALID);
    REQUIRE_EQ(usctp_assoc_send(e, p->assoc, &no_path, &slice, 1, p->now_us), USCTP_ERR_INVALID);
    REQUIRE_EQ(usctp_assoc_send(e, p->assoc, &send, &huge, 1, p->now_us), USCTP_ERR_TOO_BIG);
    REQUIRE_EQ(usctp_assoc_receive(e, p->assoc, NULL, NULL, 0, 0), USCTP_ERR_INVALID);
    REQUIRE_EQ(usctp_assoc_receive(e, p->assoc, &received, NULL, 1, 0), USCTP_ERR_INVALID);
    REQUIRE_EQ(usctp_assoc_abort(e, p->assoc, NULL, 1, p->now_us), USCTP_ERR_INVALID);
    peer_pump(p);
    peer_expect_nothing(p);
    REQUIRE_EQ(usctp_assoc_send(e, p->assoc, &send, &slice, 1, p->now_us), 0);
    peer_pump(p);
    peer_take(p, "DATA tsn=0 sid=0 * len=1");
    user_abort(p, "");
    const struct usctp_assoc_status status = peer_status(p);
    REQUIRE(status.has_ended);
    REQUIRE_EQ(usctp_assoc_abort(e, p->assoc, NULL, 0, p->now_us), USCTP_ERR_STATE);
    REQUIRE_EQ(usctp_assoc_shutdown(e, p->assoc, p->now_us), USCTP_ERR_STATE);
    REQUIRE_EQ(usctp_assoc_send(e, p->assoc, &send, &slice, 1, p->now_us), USCTP_ERR_STATE);
    peer_delete(p);
}
END_TEST

START_TEST(the_host_s_addresses) {
    struct scripted_peer *p = PEER(.configure = quiet);
    struct usctp_local_address local = {.address = p->engine_addr[0], .mtu_bytes = 1400};
    peer_open_active(p);
    p->options.mtu = 1400; /* what the route says when it is asked for again */
    REQUIRE_EQ(usctp_engine_local_addresses(p->engine, NULL, 1, p->now_us), USCTP_ERR_INVALID);
    p->env.fail_after = 0;
    REQUIRE_EQ(usctp_engine_local_addresses(p->engine, &local, 1, p->now_us), USCTP_ERR_NO_MEMORY);
    peer_pump(p);
    REQUIRE_EQ(peer_path(p, 0).pmtu_bytes, 1500); /* nobody was asked */
    REQUIRE_EQ(usctp_engine_local_addresses(p->engine, &local, 1, p->now_us), 0);
    peer_pump(p);
    REQUIRE_EQ(peer_path(p, 0).pmtu_bytes, 1400);
    user_abort(p, "");
    REQUIRE_EQ(usctp_engine_local_addresses(p->engine, &local, 1, p->now_us), 0);
    peer_delete(p);
    usctp_engine_delete(NULL);
}
END_TEST

/* ---- memory ---- */

/* Each allocation fails in turn; the call then says so and has done nothing. */
START_TEST(memory_is_short) {
    struct usctp_addr one = address(1), two = address(2), seen[2];
    for (uint64_t i = 0; i < 2; i++) {
        struct scripted_peer *p = PEER(.configure = quiet);
        peer_open_active(p);
        struct usctp_engine *e = p->engine;
        int32_t before = peer_status(p).endpoint;
        uint64_t endpoints = peer_counters(p).endpoints;
        p->env.fail_after = i;
        REQUIRE_EQ(open_on(p, 8000, &one, 1), USCTP_ERR_NO_MEMORY);
        REQUIRE_EQ(peer_counters(p).endpoints, endpoints);
        p->env.fail_after = i;
        REQUIRE_EQ(usctp_assoc_peel_off(e, p->assoc), USCTP_ERR_NO_MEMORY);
        REQUIRE_EQ(peer_status(p).endpoint, before);
        p->env.fail_after = UINT64_MAX;
        int32_t ep = open_on(p, 8000, &one, 1);
        REQUIRE(ep >= 3);
        p->env.fail_after = 0;
        REQUIRE_EQ(usctp_endpoint_bind(e, ep, &two, 1, true), USCTP_ERR_NO_MEMORY);
        REQUIRE_EQ(usctp_endpoint_local_addresses(e, ep, seen, 2), 1);
        REQUIRE_EQ(usctp_endpoint_bind(e, ep, &two, 1, true), 0);
        peer_delete(p);
    }
}
END_TEST

/* An association that waits to be accepted waits on when there is no memory to accept it. */
START_TEST(memory_is_short_for_accept) {
    struct scripted_peer *p = PEER(.configure = quiet, .do_not_accept = true);
    int32_t own = 0;
    peer_init(p, p->peer_tag);
    peer_send(p);
    peer_take_init_ack(p);
    peer_cookie_echo(p);
    peer_send(p);
    peer_take(p, "COOKIE_ACK");
    p->env.fail_after = 0;
    REQUIRE_EQ(usctp_endpoint_accept(p->engine, p->endpoint, &own), USCTP_ERR_NO_MEMORY);
    p->assoc = usctp_endpoint_accept(p->engine, p->endpoint, &own);
    REQUIRE(p->assoc >= 3 && own >= 3);
    require_state(p, USCTP_ESTABLISHED);
    peer_delete(p);
}
END_TEST

RUN_TESTS("endpoints and calls (RFC 9260 11.1, RFC 6458 9)", what_cannot_be_opened, wildcards,
          addresses_come_and_go, too_many_addresses, endpoint_that_is_closed, peeled_off,
          connecting_with_bad_arguments, calls_on_an_association_that_is_none,
          sending_with_bad_arguments, the_host_s_addresses, memory_is_short,
          memory_is_short_for_accept)
