/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RFC 9260 3.3.2.1, 5.1.2, 11.1.1: which addresses an endpoint lists in INIT and INIT ACK: those it
 * is bound to, or of a wildcard one those of the host that make sense to this peer.
 */
#include "support/configs.h"
#include "support/run_tests.h"
#include "support/scripted_peer.h"

#include <string.h>

static const struct usctp_addr host_addresses[] = {
    {.family = USCTP_FAMILY_IPV4, .ipv4 = {127, 0, 0, 1}},
    {.family = USCTP_FAMILY_IPV4, .ipv4 = {169, 254, 3, 4}},
    {.family = USCTP_FAMILY_IPV4, .ipv4 = {198, 51, 100, 1}},
    {.family = USCTP_FAMILY_IPV4, .ipv4 = {203, 0, 113, 7}},
    {.family = USCTP_FAMILY_IPV6, .ipv6 = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}},
    {.family = USCTP_FAMILY_IPV6,
     .scope_id = 2,
     .ipv6 = {0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9}},
    {.family = USCTP_FAMILY_IPV6,
     .ipv6 = {0x20, 0x01, 0x0d, 0xb8, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7}},
};
#define HOST_ADDRESSES (sizeof host_addresses / sizeof host_addresses[0])

static void give_host_addresses(struct scripted_peer *p) {
    struct usctp_local_address local[HOST_ADDRESSES];
    memset(local, 0, sizeof local);
    for (size_t i = 0; i < HOST_ADDRESSES; i++) {
        local[i].address = host_addresses[i];
        local[i].interface_index = (uint32_t)i + 1;
        local[i].mtu_bytes = 1500;
        local[i].prefix_bits = host_addresses[i].family == USCTP_FAMILY_IPV4 ? 24 : 64;
    }
    REQUIRE_EQ(usctp_engine_local_addresses(p->engine, local, HOST_ADDRESSES, p->now_us), 0);
}

static int32_t open_wildcard(struct scripted_peer *p, uint16_t port, bool ipv4, bool ipv6) {
    struct usctp_endpoint_options options;
    memset(&options, 0, sizeof options);
    options.port = port;
    options.ipv4 = ipv4;
    options.ipv6 = ipv6;
    int32_t endpoint = usctp_endpoint_open(p->engine, &options);
    REQUIRE(endpoint >= 3);
    return endpoint;
}

static bool lists(const struct read_chunk *chunk, const struct usctp_addr *address) {
    bool ipv4 = address->family == USCTP_FAMILY_IPV4;
    size_t bytes;
    for (unsigned i = 0;; i++) {
        const uint8_t *value = reader_param(chunk, ipv4 ? 5 : 6, i, &bytes);
        if (!value)
            return false;
        if (memcmp(value, ipv4 ? address->ipv4 : address->ipv6, ipv4 ? 4 : 16) == 0)
            return true;
    }
}

/* To a global peer: global addresses, of the families the endpoint has; never loopback or
 * link-local ones. */
START_TEST(wildcard_to_a_global_peer) {
    for (unsigned families = 1; families < 4; families++) {
        bool ipv4 = families & 1, ipv6 = families & 2;
        if (!ipv4)
            continue; /* the peer here is IPv4 */
        struct scripted_peer *p = PEER(.configure = quiet);
        give_host_addresses(p);
        p->endpoint = open_wildcard(p, 7777, ipv4, ipv6);
        p->engine_port = 7777;
        peer_engine_connect(p);
        peer_take_init(p);
        for (size_t i = 0; i < HOST_ADDRESSES; i++) {
            bool global = i == 2 || i == 3 || i == 6;
            bool fits = host_addresses[i].family == USCTP_FAMILY_IPV4 ? ipv4 : ipv6;
            REQUIRE_EQ(lists(&p->took, &host_addresses[i]), global && fits);
        }
        peer_delete(p);
    }
}
END_TEST

/* The same of an INIT ACK. */
START_TEST(wildcard_answers_a_global_peer) {
    struct scripted_peer *p = PEER(.configure = quiet);
    give_host_addresses(p);
    int32_t endpoint = open_wildcard(p, 7777, true, true);
    REQUIRE_EQ(usctp_endpoint_listen(p->engine, endpoint, 5), 0);
    p->engine_port = 7777;
    peer_init(p, p->peer_tag);
    peer_send(p);
    peer_take_init_ack(p);
    for (size_t i = 0; i < HOST_ADDRESSES; i++) {
        bool global = i == 2 || i == 3 || i == 6;
        REQUIRE_EQ(lists(&p->took, &host_addresses[i]), global);
    }
    peer_delete(p);
}
END_TEST

/* 3.3.2.1.5: a peer that supports IPv4 only has no use for IPv6 addresses. */
START_TEST(supported_address_types_of_the_peer) {
    struct scripted_peer *p = PEER(.configure = quiet);
    give_host_addresses(p);
    int32_t endpoint = open_wildcard(p, 7777, true, true);
    REQUIRE_EQ(usctp_endpoint_listen(p->engine, endpoint, 5), 0);
    p->engine_port = 7777;
    peer_init(p, p->peer_tag);
    builder_param(&p->out, 12);
    builder_u16(&p->out, 5);
    peer_send(p);
    peer_take_init_ack(p);
    REQUIRE(!lists(&p->took, &host_addresses[6]));
    peer_delete(p);
}
END_TEST

/* 5.1.2: a peer on this host may list an address of ours, since it is his as well; that the one he
 * sends from is no interface's, as 127.0.0.2 is none, does not make him a stranger. */
START_TEST(a_peer_on_this_host) {
    static const struct {
        uint8_t engine[4], source[4], listed[4];
        uint32_t paths;
    } rows[] = {{{127, 0, 0, 3}, {127, 0, 0, 2}, {127, 0, 0, 1}, 2},
                {{198, 51, 100, 1}, {203, 0, 113, 7}, {127, 0, 0, 1}, 1}, /* RFC 9260 5.1.2 */
                {{198, 51, 100, 1}, {203, 0, 113, 7}, {198, 51, 100, 1}, 2},
                {{198, 51, 100, 1}, {203, 0, 113, 8}, {198, 51, 100, 1}, 1}}; /* a stranger */
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct scripted_peer *p = PEER(.configure = quiet);
        give_host_addresses(p);
        int32_t endpoint = open_wildcard(p, 7777, true, false);
        REQUIRE_EQ(usctp_endpoint_listen(p->engine, endpoint, 5), 0);
        p->engine_port = 7777;
        p->endpoint = endpoint;
        memcpy(p->engine_addr[0].ipv4, rows[i].engine, 4);
        memcpy(p->peer_addr[0].ipv4, rows[i].source, 4);
        peer_init(p, p->peer_tag);
        builder_param(&p->out, 5);
        builder_bytes(&p->out, rows[i].listed, 4);
        peer_send(p);
        peer_take_init_ack(p);
        peer_cookie_echo(p);
        peer_send(p);
        peer_take(p, "COOKIE_ACK");
        REQUIRE_EQ(peer_status(p).path_count, rows[i].paths);
        peer_delete(p);
    }
}
END_TEST

/* RFC 6458 9.1: bound addresses come and go; associations that there are keep theirs. */
START_TEST(bind_and_unbind) {
    struct scripted_peer *p = PEER(.configure = quiet);
    struct usctp_addr more = host_addresses[3];
    give_host_addresses(p);
    peer_open_active(p);
    REQUIRE_EQ(usctp_endpoint_bind(p->engine, p->endpoint, &more, 1, true), 0);
    struct usctp_addr listed[8];
    REQUIRE_EQ(usctp_endpoint_local_addresses(p->engine, p->endpoint, listed, 8), 2);
    p->peer_port++;
    peer_init(p, 77);
    peer_send(p);
    peer_take(p, "INIT_ACK *");
    REQUIRE(lists(&p->took, &more));
    REQUIRE_EQ(usctp_endpoint_bind(p->engine, p->endpoint, &more, 1, false), 0);
    REQUIRE_EQ(usctp_endpoint_local_addresses(p->engine, p->endpoint, listed, 8), 1);
    peer_init(p, 78);
    peer_send(p);
    peer_take(p, "INIT_ACK *");
    REQUIRE(!lists(&p->took, &more));
    REQUIRE(usctp_endpoint_bind(p->engine, p->endpoint, &more, 1, false) < 0); /* not there */
    p->peer_port--;
    require_state(p, USCTP_ESTABLISHED);
    REQUIRE_EQ(usctp_assoc_local_addresses(p->engine, p->assoc, listed, 8), 1);
    peer_delete(p);
}
END_TEST

/* An INIT for an address that the endpoint is not bound to is not for it. */
START_TEST(not_bound_not_served) {
    struct scripted_peer *p = PEER(.configure = quiet);
    give_host_addresses(p);
    peer_init(p, 77);
    peer_send_addresses(p, &p->peer_addr[0], &host_addresses[3]);
    peer_expect_none(p, "INIT_ACK *");
    peer_discard(p);
    peer_init(p, 77);
    peer_send(p);
    peer_take(p, "INIT_ACK *");
    peer_delete(p);
}
END_TEST

/* One port and address are one endpoint's. */
START_TEST(ports_are_not_shared) {
    struct scripted_peer *p = PEER(.configure = quiet);
    struct usctp_endpoint_options options;
    give_host_addresses(p);
    memset(&options, 0, sizeof options);
    options.ipv4 = options.ipv6 = true;
    REQUIRE_EQ(usctp_endpoint_open(p->engine, &options), USCTP_ERR_INVALID); /* port 0 */
    options.port = p->engine_port;
    options.addresses = p->engine_addr;
    options.address_count = 1;
    REQUIRE_EQ(usctp_endpoint_open(p->engine, &options), USCTP_ERR_IN_USE);
    options.port++;
    int32_t other = usctp_endpoint_open(p->engine, &options);
    REQUIRE(other >= 3);
    REQUIRE_EQ(usctp_endpoint_close(p->engine, other, p->now_us), 0);
    REQUIRE(usctp_endpoint_open(p->engine, &options) >= 3); /* free again */
    peer_delete(p);
}
END_TEST

RUN_TESTS("local addresses (RFC 9260 5.1.2, 11.1.1)", wildcard_to_a_global_peer,
          wildcard_answers_a_global_peer, supported_address_types_of_the_peer, a_peer_on_this_host,
          bind_and_unbind, not_bound_not_served, ports_are_not_shared)
