/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Addresses: equality and hash, scopes (RFC 4291 2.4, RFC 1918 3, RFC 3927, RFC 4193), which are
 * unicast (RFC 9260 8.4 rule 1, 3.3.2.1.2 for v4-mapped ones), and common prefixes.
 */
#include "core/addr.h"

#include "support/unit_env.h"

#include <arpa/inet.h>
#include <string.h>

static struct unit_env unit;
static uint8_t key[16];

static void setup(void) {
    unit_env_init(&unit, 3);
    env_random(&unit.env, key, sizeof key);
}

static void teardown(void) {
    unit_env_check_empty(&unit);
}

static struct usctp_addr addr(const char *text) {
    struct usctp_addr a;
    memset(&a, 0x77, sizeof a); /* what an address does not use must not matter */
    a.scope_id = 0;
    a.family = strchr(text, ':') ? USCTP_FAMILY_IPV6 : USCTP_FAMILY_IPV4;
    int family = a.family == USCTP_FAMILY_IPV6 ? AF_INET6 : AF_INET;
    void *out = a.family == USCTP_FAMILY_IPV6 ? (void *)a.ipv6 : (void *)a.ipv4;
    ck_assert_int_eq(inet_pton(family, text, out), 1);
    return a;
}

static struct usctp_addr handle(uint64_t number) {
    struct usctp_addr a;
    memset(&a, 0x66, sizeof a);
    a.family = USCTP_FAMILY_HANDLE;
    a.handle = number;
    return a;
}

static const struct {
    const char *text;
    enum addr_scope scope;
    bool is_unicast, is_any;
} kinds[] = {
    {"0.0.0.0", ADDR_SCOPE_GLOBAL, false, true},
    {"127.0.0.1", ADDR_SCOPE_LOOPBACK, true, false},
    {"127.255.0.1", ADDR_SCOPE_LOOPBACK, true, false},
    {"169.253.255.255", ADDR_SCOPE_GLOBAL, true, false},
    {"169.254.0.1", ADDR_SCOPE_LINK_LOCAL, true, false},
    {"169.255.0.0", ADDR_SCOPE_GLOBAL, true, false},
    {"9.255.255.255", ADDR_SCOPE_GLOBAL, true, false},
    {"10.0.0.1", ADDR_SCOPE_PRIVATE, true, false},
    {"172.15.255.255", ADDR_SCOPE_GLOBAL, true, false},
    {"172.16.0.0", ADDR_SCOPE_PRIVATE, true, false},
    {"172.31.255.255", ADDR_SCOPE_PRIVATE, true, false},
    {"172.32.0.0", ADDR_SCOPE_GLOBAL, true, false},
    {"192.167.1.1", ADDR_SCOPE_GLOBAL, true, false},
    {"192.168.1.1", ADDR_SCOPE_PRIVATE, true, false},
    {"192.0.2.1", ADDR_SCOPE_GLOBAL, true, false},
    {"223.255.255.255", ADDR_SCOPE_GLOBAL, true, false},
    {"224.0.0.1", ADDR_SCOPE_GLOBAL, false, false},
    {"239.255.255.255", ADDR_SCOPE_GLOBAL, false, false},
    {"255.255.255.255", ADDR_SCOPE_GLOBAL, false, false},
    {"::", ADDR_SCOPE_GLOBAL, false, true},
    {"::1", ADDR_SCOPE_LOOPBACK, true, false},
    {"::2", ADDR_SCOPE_GLOBAL, true, false},
    {"1::1", ADDR_SCOPE_GLOBAL, true, false},
    {"fe7f:ffff::1", ADDR_SCOPE_GLOBAL, true, false},
    {"fe80::1", ADDR_SCOPE_LINK_LOCAL, true, false},
    {"febf:ffff::1", ADDR_SCOPE_LINK_LOCAL, true, false},
    {"fec0::1", ADDR_SCOPE_GLOBAL, true, false},
    {"fbff::1", ADDR_SCOPE_GLOBAL, true, false},
    {"fc00::1", ADDR_SCOPE_PRIVATE, true, false},
    {"fdff::1", ADDR_SCOPE_PRIVATE, true, false},
    {"2001:db8::1", ADDR_SCOPE_GLOBAL, true, false},
    {"ff02::1", ADDR_SCOPE_GLOBAL, false, false},
    {"ff0e::1", ADDR_SCOPE_GLOBAL, false, false},
    {"::ffff:192.0.2.1", ADDR_SCOPE_GLOBAL, false, false},
    {"::fffe:192.0.2.1", ADDR_SCOPE_GLOBAL, true, false},
    {"1::ffff:192.0.2.1", ADDR_SCOPE_GLOBAL, true, false},
};

START_TEST(kinds_of_addresses) {
    struct usctp_addr a = addr(kinds[_i].text);
    ck_assert_msg(addr_scope(&a) == kinds[_i].scope, "scope of %s", kinds[_i].text);
    ck_assert_msg(addr_is_unicast(&a) == kinds[_i].is_unicast, "unicast: %s", kinds[_i].text);
    ck_assert_msg(addr_is_any(&a) == kinds[_i].is_any, "any: %s", kinds[_i].text);
    ck_assert_uint_eq(addr_header_bytes(&a), strchr(kinds[_i].text, ':') ? 40 : 20);
}
END_TEST

START_TEST(handles_and_nothing) {
    struct usctp_addr h = handle(7), none = {0};
    ck_assert(addr_is_unicast(&h) && !addr_is_any(&h));
    ck_assert_int_eq(addr_scope(&h), ADDR_SCOPE_GLOBAL);
    ck_assert_uint_eq(addr_header_bytes(&h), 0);
    ck_assert(!addr_is_unicast(&none) && !addr_is_any(&none));
    ck_assert_uint_eq(addr_header_bytes(&none), 0);
}
END_TEST

START_TEST(equal_addresses_hash_alike) {
    static const char *const texts[] = {"192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2",
                                        "fe80::1",   "fe80::2",   "10.0.0.1"};
    struct usctp_addr all[10];
    size_t n = 0;
    for (; n < 7; n++) {
        all[n] = addr(texts[n]);
    }
    all[n++] = handle(1);
    all[n++] = handle(1ull << 40);
    all[n++] = (struct usctp_addr){0};
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++) {
            uint64_t x = addr_hash(&all[i], 9, key), y = addr_hash(&all[j], 9, key);
            ck_assert_int_eq(addr_equal(&all[i], &all[j]), i == j);
            ck_assert_int_eq(x == y, i == j);
        }
        ck_assert_uint_ne(addr_hash(&all[i], 9, key), addr_hash(&all[i], 10, key));
    }
    uint64_t before = addr_hash(&all[0], 9, key);
    key[3] ^= 1;
    ck_assert_uint_ne(addr_hash(&all[0], 9, key), before);
}
END_TEST

/* The interface tells link-local addresses apart (RFC 4007 6), and no others. */
START_TEST(scope_ids_count_for_link_local_addresses) {
    static const char *const texts[] = {"fe80::1", "2001:db8::1", "192.0.2.1"};
    for (size_t i = 0; i < 3; i++) {
        struct usctp_addr a = addr(texts[i]), b = addr(texts[i]);
        a.scope_id = 2;
        b.scope_id = 3;
        ck_assert_int_eq(addr_equal(&a, &b), i > 0);
        ck_assert_int_eq(addr_hash(&a, 0, key) == addr_hash(&b, 0, key), i > 0);
    }
}
END_TEST

START_TEST(common_bits) {
    static const struct {
        const char *a, *b;
        uint32_t bits;
    } pairs[] = {
        {"10.0.0.1", "10.0.0.1", 32},        {"10.0.0.0", "10.0.0.1", 31},
        {"10.0.0.0", "138.0.0.0", 0},        {"192.168.1.1", "192.168.2.1", 22},
        {"2001:db8::1", "2001:db8::1", 128}, {"2001:db8::1", "2001:db8:8000::1", 32},
        {"2001:db8::", "2001:db8::1", 127},  {"8000::", "::", 0},
        {"10.0.0.1", "2001:db8::1", 0},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        struct usctp_addr a = addr(pairs[i].a), b = addr(pairs[i].b);
        ck_assert_uint_eq(addr_common_bits(&a, &b), pairs[i].bits);
        ck_assert_uint_eq(addr_common_bits(&b, &a), pairs[i].bits);
    }
    struct usctp_addr h = handle(6), g = handle(7), none = {0};
    ck_assert_uint_eq(addr_common_bits(&h, &g), 63);
    ck_assert_uint_eq(addr_common_bits(&h, &h), 64);
    ck_assert_uint_eq(addr_common_bits(&none, &none), 0);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("addr");
    TCase *tests = tcase_create("addr");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, kinds_of_addresses, 0, (int)(sizeof kinds / sizeof kinds[0]));
    tcase_add_test(tests, handles_and_nothing);
    tcase_add_test(tests, equal_addresses_hash_alike);
    tcase_add_test(tests, scope_ids_count_for_link_local_addresses);
    tcase_add_test(tests, common_bits);
    suite_add_tcase(suite, tests);
    return unit_env_run(suite);
}
