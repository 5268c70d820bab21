/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Addresses, MTUs and routes of a real network namespace, and that changes are noticed. Skipped
 * where none can be made.
 */
#include "net/host_network.h"

#include "support/unit_net.h"

#include <check.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct host_network *network;

static void setup(void) {
    network = NULL;
    /* Without forks the tests share the namespace. */
    (void)unit_net_run("ip link del veth0 2>/dev/null");
}

static void teardown(void) {
    host_network_delete(network);
}

/* Opens when the interfaces are as the test wants them. */
static void start(const char *device) {
    ck_assert_int_eq(host_network_new(&network, device, 0), 0);
}

static const struct usctp_local_address *find(const char *text) {
    struct usctp_addr wanted = unit_net_address(text);
    size_t n;
    const struct usctp_local_address *all = host_network_addresses(network, &n);
    for (size_t i = 0; i < n; i++)
        if (all[i].address.family == wanted.family &&
            memcmp(all[i].address.ipv6, wanted.ipv6, wanted.family == USCTP_FAMILY_IPV4 ? 4 : 16) ==
                0)
            return &all[i];
    return NULL;
}

static void make_veth(void) {
    ck_assert(unit_net_run("ip link add veth0 type veth peer name veth1 && "
                           "ip link set veth0 mtu 1400 up && ip link set veth1 up && "
                           "ip addr add 192.0.2.1/24 dev veth0 && "
                           "ip addr add 2001:db8::1/64 dev veth0 nodad"));
}

START_TEST(loopback) {
    start(NULL);
    const struct usctp_local_address *local = find("127.0.0.1");
    ck_assert_ptr_nonnull(local);
    ck_assert_uint_eq(local->prefix_bits, 8);
    ck_assert_uint_eq(local->mtu_bytes, 65535); /* lo has 65536: more than IPv4 can say */
    struct usctp_addr to = unit_net_address("127.0.0.1"), from = {0};
    uint32_t mtu, index;
    ck_assert_int_eq(host_network_route(network, &to, &from, &mtu, &index), 0);
    ck_assert_uint_eq(from.family, USCTP_FAMILY_IPV4);
    ck_assert_uint_eq(from.ipv4[0], 127);
    ck_assert_uint_eq(mtu, 65535);
    ck_assert_uint_eq(index, if_nametoindex("lo"));
    to = unit_net_address("198.51.100.1"); /* no default route here */
    from.family = USCTP_FAMILY_NONE;
    ck_assert_int_eq(host_network_route(network, &to, &from, &mtu, &index), -ENETUNREACH);
    ck_assert_int_eq(host_network_route(network, &to, &from, &mtu, &index), -ENETUNREACH);
    to.family = USCTP_FAMILY_HANDLE;
    ck_assert_int_eq(host_network_route(network, &to, &from, &mtu, &index), -EAFNOSUPPORT);
}
END_TEST

START_TEST(addresses_and_routes_of_an_interface) {
    make_veth();
    start(NULL);
    const struct usctp_local_address *local = find("192.0.2.1");
    ck_assert_ptr_nonnull(local);
    ck_assert_uint_eq(local->mtu_bytes, 1400);
    ck_assert_uint_eq(local->interface_index, if_nametoindex("veth0"));
    ck_assert_ptr_nonnull(find("2001:db8::1"));
    struct usctp_addr to = unit_net_address("192.0.2.77"), from = {0};
    uint32_t mtu, index;
    ck_assert_int_eq(host_network_route(network, &to, &from, &mtu, &index), 0);
    ck_assert_mem_eq(from.ipv4, unit_net_address("192.0.2.1").ipv4, 4);
    ck_assert_uint_eq(mtu, 1400);
    ck_assert_uint_eq(index, if_nametoindex("veth0"));
    to = unit_net_address("2001:db8::77");
    memset(&from, 0, sizeof from);
    ck_assert_int_eq(host_network_route(network, &to, &from, &mtu, &index), 0);
    ck_assert_mem_eq(from.ipv6, unit_net_address("2001:db8::1").ipv6, 16);
    ck_assert_uint_eq(mtu, 1400);
    /* With a source of its own choice, which is kept; one that is not the host's is refused. */
    struct usctp_addr given = from;
    ck_assert_int_eq(host_network_route(network, &to, &given, &mtu, &index), 0);
    ck_assert_mem_eq(given.ipv6, from.ipv6, 16);
    to = unit_net_address("192.0.2.77");
    given = unit_net_address("203.0.113.9");
    ck_assert_int_lt(host_network_route(network, &to, &given, &mtu, &index), 0);
}
END_TEST

START_TEST(route_metric_and_link_local) {
    make_veth();
    ck_assert(unit_net_run("ip addr add fe80::5/64 dev veth0 nodad && "
                           "ip route add 198.51.100.0/24 via 192.0.2.9 src 192.0.2.1 mtu 1280 && "
                           "ip route add unreachable 203.0.113.0/24"));
    start(NULL);
    struct usctp_addr to = unit_net_address("198.51.100.1"), from = {0};
    uint32_t mtu, index;
    ck_assert_int_eq(host_network_route(network, &to, &from, &mtu, &index), 0);
    ck_assert_uint_eq(mtu, 1280);
    to = unit_net_address("203.0.113.1");
    memset(&from, 0, sizeof from);
    ck_assert_int_lt(host_network_route(network, &to, &from, &mtu, &index), 0);
    const struct usctp_local_address *local = find("fe80::5");
    ck_assert_ptr_nonnull(local);
    ck_assert_uint_eq(local->address.scope_id, if_nametoindex("veth0"));
    to = unit_net_address("fe80::6");
    to.scope_id = if_nametoindex("veth0");
    memset(&from, 0, sizeof from);
    ck_assert_int_eq(host_network_route(network, &to, &from, &mtu, &index), 0);
    ck_assert_uint_eq(from.ipv6[0], 0xfe);
    ck_assert_uint_eq(from.scope_id, to.scope_id);
}
END_TEST

START_TEST(changes_are_noticed) {
    make_veth();
    start(NULL);
    while (host_network_refresh(network))
        ;
    ck_assert(!host_network_refresh(network));
    struct usctp_addr to = unit_net_address("192.0.2.77"), from = {0};
    uint32_t mtu, index;
    ck_assert_int_eq(host_network_route(network, &to, &from, &mtu, &index), 0);
    ck_assert(unit_net_run("ip addr add 192.0.2.2/24 dev veth0"));
    ck_assert(unit_net_wait(host_network_descriptor(network)));
    ck_assert(host_network_refresh(network));
    ck_assert_ptr_nonnull(find("192.0.2.2"));
    ck_assert(!host_network_refresh(network));
    ck_assert(unit_net_run("ip link set veth0 mtu 1300"));
    ck_assert(unit_net_wait(host_network_descriptor(network)));
    ck_assert(host_network_refresh(network));
    ck_assert_uint_eq(find("192.0.2.2")->mtu_bytes, 1300);
    memset(&from, 0, sizeof from);
    ck_assert_int_eq(host_network_route(network, &to, &from, &mtu, &index), 0);
    ck_assert_uint_eq(mtu, 1300);
    ck_assert(unit_net_run("ip addr flush dev veth0"));
    ck_assert(unit_net_wait(host_network_descriptor(network)));
    ck_assert(host_network_refresh(network));
    ck_assert_ptr_null(find("192.0.2.2"));
    memset(&from, 0, sizeof from);
    ck_assert_int_eq(host_network_route(network, &to, &from, &mtu, &index), -ENETUNREACH);
}
END_TEST

START_TEST(a_device_limits_the_addresses) {
    make_veth();
    start("veth0");
    ck_assert_ptr_nonnull(find("192.0.2.1"));
    ck_assert_ptr_null(find("127.0.0.1"));
    struct host_network *none = NULL;
    ck_assert_int_eq(host_network_new(&none, "nosuchdevice", 0), -ENODEV);
}
END_TEST

START_TEST(many_addresses) {
    make_veth();
    ck_assert(unit_net_run("i=0; while [ $i -lt 1000 ]; do "
                           "echo addr add 10.1.$((i / 250)).$((i %% 250 + 1))/32 dev veth0; "
                           "i=$((i + 1)); done | ip -batch -"));
    start(NULL);
    size_t n;
    host_network_addresses(network, &n);
    ck_assert_uint_ge(n, 1002);
    ck_assert_ptr_nonnull(find("10.1.3.250"));
}
END_TEST

int main(void) {
    if (!unit_net_enter())
        return 77;
    if (!unit_net_run("ip link add probe type veth peer name probe2 && ip link del probe")) {
        printf("no iproute2, or it may not make veth pairs\n");
        return 77;
    }
    Suite *suite = suite_create("host_network");
    TCase *tests = tcase_create("host_network");
    tcase_set_timeout(tests, 30);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, loopback);
    tcase_add_test(tests, addresses_and_routes_of_an_interface);
    tcase_add_test(tests, route_metric_and_link_local);
    tcase_add_test(tests, changes_are_noticed);
    tcase_add_test(tests, a_device_limits_the_addresses);
    tcase_add_test(tests, many_addresses);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
