/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which addresses are listed to whom, and which one is sent from. Prefixes are those of RFC 5737
 * and RFC 3849, private ones of RFC 1918 and RFC 4193.
 */
#include "assoc/address_list.h"

#include "support/unit_env.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#define HOST 16

static struct usctp_local_address host[HOST];
static struct address_choice choice;
static struct address_list list;

/* "192.0.2.1", "fe80::1%2", "#7" for a handle. */
static struct usctp_addr address(const char *text) {
    struct usctp_addr a = {0};
    char plain[64];
    strcpy(plain, text);
    char *percent = strchr(plain, '%');
    if (percent)
        *percent = 0;
    if (*text == '#') {
        a.family = USCTP_FAMILY_HANDLE;
        a.handle = (uint64_t)(text[1] - '0');
    } else if (inet_pton(AF_INET, plain, a.ipv4) == 1) {
        a.family = USCTP_FAMILY_IPV4;
    } else {
        ck_assert_int_eq(inet_pton(AF_INET6, plain, a.ipv6), 1);
        a.family = USCTP_FAMILY_IPV6;
        a.scope_id = percent ? (uint32_t)(percent[1] - '0') : 0;
    }
    return a;
}

/* "address/bits address/bits ...": what the host has. */
static void set_host(const char *text) {
    char copy[400];
    strcpy(copy, text);
    memset(host, 0, sizeof host);
    choice = (struct address_choice){.host = host, .ipv4 = true, .ipv6 = true};
    char *rest = copy;
    for (char *word; (word = strtok_r(rest, " ", &rest)) != NULL;) {
        char *slash = strchr(word, '/');
        *slash = 0;
        host[choice.host_count].address = address(word);
        host[choice.host_count++].prefix_bits = (uint8_t)strtoul(slash + 1, NULL, 10);
    }
}

static void expect_list(const char *destination, const char *wanted) {
    struct usctp_addr to = address(destination);
    char copy[400];
    strcpy(copy, wanted);
    memset(&list, 0xee, sizeof list);
    address_list_select(&list, &choice, &to);
    uint32_t count = 0;
    char *rest = copy;
    for (char *word; (word = strtok_r(rest, " ", &rest)) != NULL; count++) {
        struct usctp_addr a = address(word);
        ck_assert_msg(count < list.count && addr_equal(&list.items[count], &a),
                      "to %s: %s is not at %u of %u", destination, word, count, list.count);
        ck_assert(address_list_has(&list, &a));
    }
    ck_assert_msg(list.count == count, "to %s: %u addresses", destination, list.count);
}

static void expect_source(const char *destination, const char *wanted) {
    struct usctp_addr to = address(destination);
    struct usctp_addr source = address_list_source(&list, &choice, &to);
    if (!wanted) {
        ck_assert_uint_eq(source.family, USCTP_FAMILY_NONE);
        return;
    }
    struct usctp_addr a = address(wanted);
    ck_assert_msg(addr_equal(&source, &a), "to %s: not from %s", destination, wanted);
}

static const char everything[] =
    "127.0.0.1/8 ::1/128 169.254.1.1/16 fe80::1%2/64 fe80::2%3/64 10.1.1.1/8 192.168.1.1/24 "
    "fd00::1/64 192.0.2.1/24 198.51.100.1/24 2001:db8::1/64";

START_TEST(a_wildcard_lists_by_scope) {
    set_host(everything);
    expect_list("203.0.113.9", "192.0.2.1 198.51.100.1 2001:db8::1");
    expect_list("2001:db8:9::9", "2001:db8::1 192.0.2.1 198.51.100.1");
    expect_list("10.9.9.9", "10.1.1.1 192.168.1.1 192.0.2.1 198.51.100.1 fd00::1 2001:db8::1");
    expect_list("fd00::9", "fd00::1 2001:db8::1 10.1.1.1 192.168.1.1 192.0.2.1 198.51.100.1");
    expect_list("169.254.9.9", "169.254.1.1 10.1.1.1 192.168.1.1 192.0.2.1 198.51.100.1 fd00::1 "
                               "2001:db8::1");
    /* A link-local IPv6 address on that link only. */
    expect_list("fe80::9%3", "fe80::2%3 fd00::1 2001:db8::1 169.254.1.1 10.1.1.1 192.168.1.1 "
                             "192.0.2.1 198.51.100.1");
    expect_list("127.0.0.1", "127.0.0.1 169.254.1.1 10.1.1.1 192.168.1.1 192.0.2.1 198.51.100.1 "
                             "::1 fd00::1 2001:db8::1");
}
END_TEST

START_TEST(only_families_that_are_asked_for) {
    set_host(everything);
    choice.ipv6 = false;
    expect_list("203.0.113.9", "192.0.2.1 198.51.100.1");
    expect_list("2001:db8:9::9", "192.0.2.1 198.51.100.1");
    choice.ipv6 = true;
    choice.ipv4 = false;
    expect_list("2001:db8:9::9", "2001:db8::1");
    choice.ipv6 = false;
    expect_list("2001:db8:9::9", "");
}
END_TEST

START_TEST(private_addresses_are_the_last_resort) {
    set_host("127.0.0.1/8 10.1.1.1/8 fe80::1%2/64");
    expect_list("203.0.113.9", "10.1.1.1"); /* behind a translator */
    expect_source("203.0.113.9", "10.1.1.1");
    set_host("127.0.0.1/8 10.1.1.1/8 2001:db8::1/64");
    expect_list("203.0.113.9", "10.1.1.1 2001:db8::1"); /* of the family that is spoken */
    expect_list("2001:db8:9::9", "2001:db8::1");
    set_host("127.0.0.1/8 ::1/128 fe80::1%2/64 169.254.1.1/16");
    expect_list("203.0.113.9", "");
    expect_source("203.0.113.9", NULL);
}
END_TEST

START_TEST(what_is_no_unicast_address_is_left_out) {
    set_host("0.0.0.0/0 224.0.0.1/4 ::/0 ff02::1/8 192.0.2.1/24 192.0.2.1/32 ::ffff:192.0.2.9/96");
    expect_list("203.0.113.9", "192.0.2.1");
}
END_TEST

START_TEST(bound_addresses_are_as_the_user_said) {
    set_host(everything);
    const struct usctp_addr bound[] = {address("10.1.1.1"), address("fe80::1%2"),
                                       address("10.1.1.1"), address("127.0.0.1"), address("#5")};
    choice.bound = bound;
    choice.bound_count = 5;
    expect_list("203.0.113.9", "10.1.1.1 fe80::1%2 127.0.0.1");
    expect_list("#9", "#5");
}
END_TEST

START_TEST(handles_and_ip_do_not_mix) {
    set_host("192.0.2.1/24 #1/0 #2/0");
    expect_list("203.0.113.9", "192.0.2.1");
    expect_list("#9", "#1 #2");
    choice.ipv4 = choice.ipv6 = false;
    expect_list("#9", "#1 #2");
    expect_source("#2", "#2");
}
END_TEST

START_TEST(no_more_than_the_limit) {
    static struct usctp_local_address many[100];
    memset(many, 0, sizeof many);
    for (uint32_t i = 0; i < 100; i++) {
        many[i].address = address(i < 50 ? "2001:db8::1" : "192.0.2.1");
        many[i].address.ipv6[i < 50 ? 15 : 3] = (uint8_t)(i + 1);
    }
    choice = (struct address_choice){.host = many, .host_count = 100, .ipv4 = true, .ipv6 = true};
    struct usctp_addr to = address("203.0.113.9");
    address_list_select(&list, &choice, &to);
    ck_assert_uint_eq(list.count, USCTP_MAX_ADDRESSES);
    expect_source("203.0.113.9", "192.0.2.51"); /* one of the family that is spoken is among them */
}
END_TEST

START_TEST(the_source_is_on_the_link_or_near) {
    set_host(everything);
    expect_list("127.0.0.1", "127.0.0.1 169.254.1.1 10.1.1.1 192.168.1.1 192.0.2.1 198.51.100.1 "
                             "::1 fd00::1 2001:db8::1");
    expect_source("127.0.0.2", "127.0.0.1");
    expect_source("::1", "::1");
    expect_source("10.200.0.1", "10.1.1.1");      /* link */
    expect_source("192.168.1.77", "192.168.1.1"); /* link */
    expect_source("192.0.2.77", "192.0.2.1");     /* link */
    expect_source("192.168.9.9", "192.168.1.1");  /* bits, of the private ones */
    expect_source("172.16.0.1", "192.168.1.1");   /* scope, though 10.1.1.1 has fewer bits */
    expect_source("192.32.0.1", "192.0.2.1");     /* scope and bits */
    expect_source("198.51.99.1", "198.51.100.1"); /* bits */
    expect_source("fd00:0:0:1::1", "fd00::1");
    expect_source("2001:db8:7::1", "2001:db8::1");
    expect_source("192.0.2.1", "192.0.2.1"); /* itself */
    expect_source("#3", NULL);
    set_host("127.0.0.1/8 198.51.100.1/24");
    expect_list("127.0.0.9", "127.0.0.1 198.51.100.1");
    expect_source("10.0.0.9", "198.51.100.1");
    expect_source("126.0.0.1", "198.51.100.1"); /* whatever the bits say */
}
END_TEST

START_TEST(a_link_local_source_is_of_that_link) {
    set_host("fe80::1%2/64 fe80::1%3/64 2001:db8::1/64");
    list.count = 0;
    for (uint32_t i = 0; i < choice.host_count; i++) {
        list.items[list.count++] = host[i].address;
    }
    expect_source("fe80::1%3", "fe80::1%3");
    expect_source("fe80::9%2", "fe80::1%2");
    expect_source("fe80::9%4", "2001:db8::1"); /* better than one of another link */
    expect_source("2001:db8:1::9", "2001:db8::1");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("address_list");
    TCase *tests = tcase_create("address_list");
    tcase_add_test(tests, a_wildcard_lists_by_scope);
    tcase_add_test(tests, only_families_that_are_asked_for);
    tcase_add_test(tests, private_addresses_are_the_last_resort);
    tcase_add_test(tests, what_is_no_unicast_address_is_left_out);
    tcase_add_test(tests, bound_addresses_are_as_the_user_said);
    tcase_add_test(tests, handles_and_ip_do_not_mix);
    tcase_add_test(tests, no_more_than_the_limit);
    tcase_add_test(tests, the_source_is_on_the_link_or_near);
    tcase_add_test(tests, a_link_local_source_is_of_that_link);
    suite_add_tcase(suite, tests);
    return unit_env_run(suite);
}
