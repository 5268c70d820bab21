/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rtnetlink messages, laid out by hand as rtnetlink(7) has them: what is read from good ones, and
 * that cut, stretched and random ones are refused without a byte read beyond their end (the
 * sanitizers watch: each message has a heap block of its exact size).
 */
#include "net/netlink.h"

#include "support/unit_net.h"

#include <check.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/ipv6.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* A message under construction. */
static uint8_t bytes[512];
static size_t used;

static void put(const void *value, size_t n) {
    memcpy(bytes + used, value, n);
    used += (n + 3) & ~(size_t)3;
    uint32_t length = (uint32_t)used;
    memcpy(bytes, &length, 4);
}

static void begin(uint16_t type, const void *fixed, size_t n) {
    struct nlmsghdr header = {.nlmsg_type = type, .nlmsg_seq = 7};
    memset(bytes, 0, sizeof bytes);
    used = 0;
    put(&header, sizeof header);
    put(fixed, n);
}

static void put_attribute(uint16_t type, const void *value, size_t n) {
    struct rtattr header = {(uint16_t)(4 + n), type};
    put(&header, 4);
    put(value, n);
}

static struct netlink_message first_message(void) {
    struct netlink_cursor cursor = {bytes, bytes + used};
    struct netlink_message message;
    ck_assert(netlink_next(&cursor, &message));
    return message;
}

static const uint8_t ipv4[4] = {192, 0, 2, 1}, other[4] = {192, 0, 2, 2};
static const uint8_t ipv6[16] = {0x20, 1, 0xd, 0xb8, [15] = 1};
static const uint8_t link_local[16] = {0xfe, 0x80, [15] = 9};

static void begin_address(uint8_t family, uint8_t prefix, uint8_t flags) {
    struct ifaddrmsg fixed = {
        .ifa_family = family, .ifa_prefixlen = prefix, .ifa_flags = flags, .ifa_index = 3};
    begin(RTM_NEWADDR, &fixed, sizeof fixed);
}

START_TEST(ipv4_address) {
    struct usctp_local_address out;
    begin_address(AF_INET, 24, IFA_F_PERMANENT);
    put_attribute(IFA_ADDRESS, other, 4); /* the other end of a point-to-point link */
    put_attribute(IFA_LOCAL, ipv4, 4);
    struct netlink_message message = first_message();
    ck_assert(netlink_parse_address(&message, &out));
    ck_assert_uint_eq(out.address.family, USCTP_FAMILY_IPV4);
    ck_assert_mem_eq(out.address.ipv4, ipv4, 4);
    ck_assert_uint_eq(out.interface_index, 3);
    ck_assert_uint_eq(out.prefix_bits, 24);
    ck_assert_uint_eq(out.address.scope_id, 0);
}
END_TEST

START_TEST(ipv6_addresses_and_scope) {
    struct usctp_local_address out;
    begin_address(AF_INET6, 64, 0);
    put_attribute(IFA_ADDRESS, ipv6, 16);
    struct netlink_message message = first_message();
    ck_assert(netlink_parse_address(&message, &out));
    ck_assert_mem_eq(out.address.ipv6, ipv6, 16);
    ck_assert_uint_eq(out.address.scope_id, 0);
    begin_address(AF_INET6, 64, 0);
    put_attribute(IFA_ADDRESS, link_local, 16);
    message = first_message();
    ck_assert(netlink_parse_address(&message, &out));
    ck_assert_uint_eq(out.address.scope_id, 3);
}
END_TEST

static bool accepts_flags(uint32_t flags) {
    struct usctp_local_address out;
    begin_address(AF_INET6, 64, 0);
    put_attribute(IFA_ADDRESS, ipv6, 16);
    put_attribute(IFA_FLAGS, &flags, 4);
    struct netlink_message message = first_message();
    return netlink_parse_address(&message, &out);
}

START_TEST(addresses_that_cannot_be_used) {
    struct usctp_local_address out;
    ck_assert(accepts_flags(IFA_F_PERMANENT));
    ck_assert(accepts_flags(IFA_F_TENTATIVE | IFA_F_OPTIMISTIC));
    ck_assert(!accepts_flags(IFA_F_TENTATIVE));
    ck_assert(!accepts_flags(IFA_F_DADFAILED));
    ck_assert(!accepts_flags(IFA_F_DEPRECATED));
    begin_address(AF_INET6, 64, IFA_F_TENTATIVE); /* in the old 8-bit field */
    put_attribute(IFA_ADDRESS, ipv6, 16);
    struct netlink_message message = first_message();
    ck_assert(!netlink_parse_address(&message, &out));
    begin_address(AF_INET, 33, 0);
    put_attribute(IFA_LOCAL, ipv4, 4);
    message = first_message();
    ck_assert(!netlink_parse_address(&message, &out));
    begin_address(AF_INET, 24, 0);
    put_attribute(IFA_LOCAL, ipv6, 16); /* wrong size for the family */
    message = first_message();
    ck_assert(!netlink_parse_address(&message, &out));
    begin_address(AF_INET, 24, 0);
    message = first_message();
    ck_assert(!netlink_parse_address(&message, &out));
}
END_TEST

static void make_link(int32_t mtu6) {
    struct ifinfomsg fixed = {.ifi_index = 4};
    uint8_t nested[200] = {0};
    uint32_t mtu = 9000;
    int32_t settings[DEVCONF_MTU6 + 2] = {0};
    settings[DEVCONF_MTU6] = mtu6;
    struct rtattr inner = {(uint16_t)(4 + sizeof settings), IFLA_INET6_CONF};
    struct rtattr family = {(uint16_t)(4 + inner.rta_len), AF_INET6};
    memcpy(nested, &family, 4);
    memcpy(nested + 4, &inner, 4);
    memcpy(nested + 8, settings, sizeof settings);
    begin(RTM_NEWLINK, &fixed, sizeof fixed);
    put_attribute(IFLA_MTU, &mtu, 4);
    put_attribute(IFLA_AF_SPEC | NLA_F_NESTED, nested, 8 + sizeof settings);
}

START_TEST(link_and_its_ipv6_mtu) {
    struct netlink_link out;
    make_link(1280);
    struct netlink_message message = first_message();
    ck_assert(netlink_parse_link(&message, &out));
    ck_assert_uint_eq(out.index, 4);
    ck_assert_uint_eq(out.mtu_bytes, 9000);
    ck_assert_uint_eq(out.ipv6_mtu_bytes, 1280);
    make_link(-5);
    message = first_message();
    ck_assert(netlink_parse_link(&message, &out));
    ck_assert_uint_eq(out.ipv6_mtu_bytes, 0);
}
END_TEST

static const uint8_t mac[6] = {2, 0, 0, 0, 0, 7};

/* An attribute that holds others: puts its header, and makes it end where the message does. */
static size_t begin_nest(uint16_t type) {
    size_t at = used;
    put_attribute(type, mac, 0);
    return at;
}

static void end_nest(size_t at) {
    uint16_t n = (uint16_t)(used - at);
    memcpy(bytes + at, &n, sizeof n);
}

static void make_device(const char *kind) {
    struct ifinfomsg fixed = {
        .ifi_type = ARPHRD_ETHER, .ifi_index = 4, .ifi_flags = IFF_UP | IFF_BROADCAST};
    uint32_t mtu = 9000;
    int32_t conf[DEVCONF_HOPLIMIT + 1] = {0};
    conf[DEVCONF_HOPLIMIT] = 55;
    begin(RTM_NEWLINK, &fixed, sizeof fixed);
    put_attribute(IFLA_IFNAME, "eth0", 5);
    put_attribute(IFLA_MTU, &mtu, sizeof mtu);
    put_attribute(IFLA_ADDRESS, mac, sizeof mac);
    size_t specific = begin_nest(IFLA_AF_SPEC), family = begin_nest(AF_INET6);
    put_attribute(IFLA_INET6_CONF, conf, sizeof conf);
    end_nest(family);
    end_nest(specific);
    if (kind) {
        size_t information = begin_nest(IFLA_LINKINFO);
        put_attribute(IFLA_INFO_KIND, kind, strlen(kind) + 1);
        end_nest(information);
    }
}

START_TEST(devices) {
    struct netlink_device out;
    make_device(NULL);
    struct netlink_message message = first_message();
    ck_assert(netlink_parse_device(&message, &out));
    ck_assert_uint_eq(out.index, 4);
    ck_assert_uint_eq(out.mtu_bytes, 9000);
    ck_assert_uint_eq(out.hardware, ARPHRD_ETHER);
    ck_assert_uint_eq(out.ipv6_hop_limit, 55);
    ck_assert(out.is_up && !out.is_loopback && out.has_mac);
    ck_assert_mem_eq(out.mac, mac, 6);
    ck_assert_str_eq(out.name, "eth0");
    ck_assert_str_eq(out.kind, "");
    make_device("vlan");
    put_attribute(IFLA_ADDRESS, ipv6, 16); /* an address, but no Ethernet's */
    message = first_message();
    ck_assert(netlink_parse_device(&message, &out));
    ck_assert_str_eq(out.kind, "vlan");
    ck_assert(!out.has_mac);
    make_device("a_kind_with_a_name_beyond_all");
    message = first_message();
    ck_assert(netlink_parse_device(&message, &out));
    ck_assert_uint_eq(strlen(out.kind), NETLINK_KIND_BYTES - 1);
    begin_address(AF_INET, 8, 0);
    message = first_message();
    ck_assert(!netlink_parse_device(&message, &out));
}
END_TEST

static void make_neighbour(uint16_t state, size_t mac_bytes) {
    struct ndmsg fixed = {.ndm_family = AF_INET, .ndm_ifindex = 4, .ndm_state = state};
    begin(RTM_NEWNEIGH, &fixed, sizeof fixed);
    put_attribute(NDA_DST, ipv4, 4);
    if (mac_bytes)
        put_attribute(NDA_LLADDR, ipv6, mac_bytes);
}

START_TEST(neighbours) {
    struct netlink_neighbour out;
    make_neighbour(NUD_REACHABLE, 6);
    struct netlink_message message = first_message();
    ck_assert(netlink_parse_neighbour(&message, &out));
    ck_assert_uint_eq(out.state, NUD_REACHABLE);
    ck_assert(out.has_mac);
    ck_assert_mem_eq(out.mac, ipv6, 6);
    make_neighbour(NUD_INCOMPLETE, 0);
    message = first_message();
    ck_assert(netlink_parse_neighbour(&message, &out));
    ck_assert(!out.has_mac);
    make_neighbour(NUD_REACHABLE, 16); /* some other kind of link */
    message = first_message();
    ck_assert(netlink_parse_neighbour(&message, &out));
    ck_assert(!out.has_mac);
    make_device(NULL);
    message = first_message();
    ck_assert(!netlink_parse_neighbour(&message, &out));
}
END_TEST

static void make_route(uint8_t type) {
    struct rtmsg fixed = {.rtm_family = AF_INET, .rtm_type = type};
    uint8_t metrics[8];
    uint32_t mtu = 1400, index = 5;
    struct rtattr inner = {8, RTAX_MTU};
    memcpy(metrics, &inner, 4);
    memcpy(metrics + 4, &mtu, 4);
    begin(RTM_NEWROUTE, &fixed, sizeof fixed);
    put_attribute(RTA_DST, other, 4);
    put_attribute(RTA_PREFSRC, ipv4, 4);
    put_attribute(RTA_OIF, &index, 4);
    put_attribute(RTA_METRICS, metrics, 8);
}

START_TEST(routes) {
    struct netlink_route out;
    make_route(RTN_UNICAST);
    struct netlink_message message = first_message();
    ck_assert_int_eq(netlink_parse_route(&message, &out), 0);
    ck_assert_mem_eq(out.preferred_source.ipv4, ipv4, 4);
    ck_assert_uint_eq(out.interface_index, 5);
    ck_assert_uint_eq(out.mtu_bytes, 1400);
    const struct rta_cacheinfo learned = {.rta_expires = 500}, fixed = {.rta_expires = 0};
    put_attribute(RTA_CACHEINFO, &fixed, sizeof fixed);
    message = first_message();
    ck_assert_int_eq(netlink_parse_route(&message, &out), 0);
    ck_assert_uint_eq(out.mtu_bytes, 1400);
    make_route(RTN_UNICAST);
    put_attribute(RTA_CACHEINFO, &learned, sizeof learned); /* a path MTU from an ICMP error */
    message = first_message();
    ck_assert_int_eq(netlink_parse_route(&message, &out), 0);
    ck_assert_uint_eq(out.mtu_bytes, 0);
    ck_assert_uint_eq(out.interface_index, 5);
    make_route(RTN_UNREACHABLE);
    message = first_message();
    ck_assert_int_eq(netlink_parse_route(&message, &out), -ENETUNREACH);
    make_route(RTN_BLACKHOLE);
    message = first_message();
    ck_assert_int_eq(netlink_parse_route(&message, &out), -ENETUNREACH);
}
END_TEST

START_TEST(gateways) {
    struct netlink_route out;
    uint8_t via[18] = {0};
    const uint16_t family = AF_INET6;
    make_route(RTN_UNICAST);
    struct netlink_message message = first_message();
    ck_assert_int_eq(netlink_parse_route(&message, &out), 0);
    ck_assert_uint_eq(out.gateway.family, USCTP_FAMILY_NONE);
    ck_assert_uint_eq(out.hop_limit, 0);
    ck_assert(!out.is_encapsulated);
    put_attribute(RTA_GATEWAY, other, 4);
    message = first_message();
    ck_assert_int_eq(netlink_parse_route(&message, &out), 0);
    ck_assert_uint_eq(out.gateway.family, USCTP_FAMILY_IPV4);
    ck_assert_mem_eq(out.gateway.ipv4, other, 4);
    memcpy(via, &family, sizeof family);
    memcpy(via + 2, link_local, 16);
    make_route(RTN_UNICAST);
    put_attribute(RTA_VIA, via, sizeof via);
    put_attribute(RTA_ENCAP, via, 4);
    message = first_message();
    ck_assert_int_eq(netlink_parse_route(&message, &out), 0);
    ck_assert_uint_eq(out.gateway.family, USCTP_FAMILY_IPV6);
    ck_assert_mem_eq(out.gateway.ipv6, link_local, 16);
    ck_assert(out.is_encapsulated);
    make_route(RTN_UNICAST);
    put_attribute(RTA_VIA, via, 17); /* cut */
    put_attribute(RTA_VIA, via, 1);
    message = first_message();
    ck_assert_int_eq(netlink_parse_route(&message, &out), 0);
    ck_assert_uint_eq(out.gateway.family, USCTP_FAMILY_NONE);
}
END_TEST

START_TEST(errors) {
    int error = -ENETUNREACH;
    begin(NLMSG_ERROR, &error, sizeof error);
    struct netlink_message message = first_message();
    ck_assert_int_eq(netlink_parse_error(&message), -ENETUNREACH);
    message.payload_bytes = 3;
    ck_assert_int_eq(netlink_parse_error(&message), -EBADMSG);
    error = 5;
    begin(NLMSG_ERROR, &error, sizeof error);
    message = first_message();
    ck_assert_int_eq(netlink_parse_error(&message), -EBADMSG);
}
END_TEST

START_TEST(what_counts_as_a_change) {
    struct rtmsg route = {.rtm_family = AF_INET6};
    begin(RTM_NEWROUTE, &route, sizeof route);
    struct netlink_message message = first_message();
    ck_assert(netlink_is_change(&message));
    route.rtm_flags = RTM_F_CLONED;
    begin(RTM_NEWROUTE, &route, sizeof route);
    message = first_message();
    ck_assert(!netlink_is_change(&message));
    begin_address(AF_INET, 8, 0);
    message = first_message();
    ck_assert(netlink_is_change(&message));
    begin(RTM_NEWNEIGH, &route, sizeof route);
    message = first_message();
    ck_assert(!netlink_is_change(&message));
}
END_TEST

/* Reads a buffer with every reader, in a heap block that ends where it does. Returns how many
 * messages were in it. */
static unsigned read_everything(const uint8_t *from, size_t n) {
    uint8_t *copy = malloc(n ? n : 1);
    ck_assert_ptr_nonnull(copy);
    if (n)
        memcpy(copy, from, n);
    struct netlink_cursor cursor = {copy, copy + n};
    struct netlink_message message;
    unsigned count = 0;
    while (netlink_next(&cursor, &message)) {
        struct usctp_local_address address;
        struct netlink_link link;
        struct netlink_route route;
        struct netlink_device device;
        struct netlink_neighbour neighbour;
        (void)netlink_parse_device(&message, &device);
        (void)netlink_parse_neighbour(&message, &neighbour);
        (void)netlink_parse_address(&message, &address);
        (void)netlink_parse_link(&message, &link);
        (void)netlink_parse_route(&message, &route);
        (void)netlink_parse_error(&message);
        (void)netlink_is_change(&message);
        count++;
        if (count > 512 / 16)
            ck_abort_msg("the walk does not end");
    }
    free(copy);
    return count;
}

static void make_any(unsigned which) {
    if (which == 0) {
        begin_address(AF_INET6, 64, 0);
        put_attribute(IFA_ADDRESS, ipv6, 16);
    } else if (which == 1) {
        make_link(1300);
    } else if (which == 2) {
        make_route(RTN_UNICAST);
    } else if (which == 3) {
        make_device("veth");
    } else {
        make_neighbour(NUD_STALE, 6);
    }
}

START_TEST(cut_messages) {
    for (unsigned which = 0; which < 5; which++) {
        make_any(which);
        for (size_t n = 0; n < used; n++)
            ck_assert_uint_eq(read_everything(bytes, n), 0); /* its length exceeds what is there */
        ck_assert_uint_eq(read_everything(bytes, used), 1);
        for (uint32_t n = 0; n < used; n++) { /* and the same with the length made to fit */
            memcpy(bytes, &n, 4);
            ck_assert_uint_eq(read_everything(bytes, n), n >= 16);
        }
    }
}
END_TEST

START_TEST(attributes_that_lie) {
    struct netlink_attribute attribute;
    const uint8_t lies[][8] = {{0, 0, 1, 0}, {3, 0, 1, 0}, {9, 0, 1, 0}, {255, 255, 1, 0}};
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        struct netlink_cursor cursor = {lies[i], lies[i] + 8};
        ck_assert(!netlink_next_attribute(&cursor, &attribute));
    }
    const uint8_t last[7] = {7, 0, 1, 0, 1, 2, 3}; /* the padding is missing */
    struct netlink_cursor cursor = {last, last + 7};
    ck_assert(netlink_next_attribute(&cursor, &attribute));
    ck_assert_uint_eq(attribute.bytes, 3);
    ck_assert(!netlink_next_attribute(&cursor, &attribute));
}
END_TEST

START_TEST(random_bytes) {
    uint64_t state = 20240607;
    for (unsigned round = 0; round < 30000; round++) {
        make_any(round % 5);
        for (unsigned i = 0; i < 1 + round % 5; i++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            bytes[(state >> 33) % used] = (uint8_t)(state >> 56);
        }
        (void)read_everything(bytes, used);
    }
}
END_TEST

START_TEST(requests) {
    uint8_t out[NETLINK_REQUEST_BYTES];
    struct usctp_addr to = unit_net_address("2001:db8::5"), from = unit_net_address("2001:db8::6");
    struct usctp_addr handle = {.family = USCTP_FAMILY_HANDLE};
    struct netlink_question question = {&to, &from, 3, 77};
    size_t n = netlink_write_route(out, &question, 9);
    struct netlink_cursor cursor = {out, out + n};
    struct netlink_message message;
    ck_assert(netlink_next(&cursor, &message));
    ck_assert_uint_eq(message.header.nlmsg_type, RTM_GETROUTE);
    ck_assert_uint_eq(message.header.nlmsg_flags, NLM_F_REQUEST);
    ck_assert_uint_eq(message.header.nlmsg_seq, 9);
    struct rtmsg fixed;
    memcpy(&fixed, message.payload, sizeof fixed);
    ck_assert_uint_eq(fixed.rtm_family, AF_INET6);
    ck_assert_uint_eq(fixed.rtm_dst_len, 128);
    ck_assert_uint_eq(fixed.rtm_src_len, 128);
    struct netlink_cursor attributes = {message.payload + sizeof fixed,
                                        message.payload + message.payload_bytes};
    struct netlink_attribute attribute;
    const uint16_t expected[] = {RTA_DST, RTA_SRC, RTA_OIF, RTA_MARK};
    for (unsigned i = 0; i < 4; i++) {
        ck_assert(netlink_next_attribute(&attributes, &attribute));
        ck_assert_uint_eq(attribute.type, expected[i]);
    }
    ck_assert(!netlink_next_attribute(&attributes, &attribute));
    question.destination = &handle;
    ck_assert_uint_eq(netlink_write_route(out, &question, 9), 0);
    struct usctp_addr mixed = unit_net_address("192.0.2.7");
    question.destination = &mixed; /* and an IPv6 source */
    ck_assert_uint_eq(netlink_write_route(out, &question, 9), 0);
}
END_TEST

START_TEST(requests_for_one) {
    uint8_t out[NETLINK_REQUEST_BYTES];
    struct netlink_message message;
    struct ifinfomsg link;
    struct ndmsg neighbour;
    size_t n = netlink_write_device(out, 7, 3);
    struct netlink_cursor cursor = {out, out + n};
    ck_assert(netlink_next(&cursor, &message));
    ck_assert_uint_eq(message.header.nlmsg_type, RTM_GETLINK);
    ck_assert_uint_eq(message.header.nlmsg_flags, NLM_F_REQUEST); /* no dump */
    ck_assert_uint_eq(message.header.nlmsg_seq, 3);
    memcpy(&link, message.payload, sizeof link);
    ck_assert_int_eq(link.ifi_index, 7);
    struct usctp_addr address = unit_net_address("2001:db8::1");
    n = netlink_write_neighbour(out, &address, 7, 4);
    cursor = (struct netlink_cursor){out, out + n};
    ck_assert(netlink_next(&cursor, &message));
    ck_assert_uint_eq(message.header.nlmsg_type, RTM_GETNEIGH);
    ck_assert_uint_eq(message.header.nlmsg_flags, NLM_F_REQUEST);
    memcpy(&neighbour, message.payload, sizeof neighbour);
    ck_assert_int_eq(neighbour.ndm_ifindex, 7);
    ck_assert_uint_eq(neighbour.ndm_family, AF_INET6);
    struct netlink_cursor attributes = {message.payload + sizeof neighbour,
                                        message.payload + message.payload_bytes};
    struct netlink_attribute attribute;
    ck_assert(netlink_next_attribute(&attributes, &attribute));
    ck_assert_uint_eq(attribute.type, NDA_DST);
    ck_assert_uint_eq(attribute.bytes, 16);
    ck_assert_mem_eq(attribute.value, address.ipv6, 16);
    address.family = USCTP_FAMILY_HANDLE;
    ck_assert_uint_eq(netlink_write_neighbour(out, &address, 7, 5), 0);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("netlink");
    TCase *tests = tcase_create("netlink");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, ipv4_address);
    tcase_add_test(tests, ipv6_addresses_and_scope);
    tcase_add_test(tests, addresses_that_cannot_be_used);
    tcase_add_test(tests, link_and_its_ipv6_mtu);
    tcase_add_test(tests, routes);
    tcase_add_test(tests, errors);
    tcase_add_test(tests, what_counts_as_a_change);
    tcase_add_test(tests, cut_messages);
    tcase_add_test(tests, attributes_that_lie);
    tcase_add_test(tests, random_bytes);
    tcase_add_test(tests, requests);
    tcase_add_test(tests, requests_for_one);
    tcase_add_test(tests, devices);
    tcase_add_test(tests, neighbours);
    tcase_add_test(tests, gateways);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
