/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What /proc says of SCTP on the host: the kernel's, by the text of /proc/net/protocols as it was
 * read from a Linux 6.1 with the module and one without, and raw sockets, by lines and by the real
 * list in a namespace of the test's own.
 */
#include "net/host_sctp.h"
#include "support/unit_net.h"

#include <check.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static const char header[] =
    "protocol  size sockets  memory press maxhdr  slab module     cl co di ac io in de sh ss gs "
    "se re bi br ha uh gp em\n";
static const char ping[] = "PING       976      0      -1   NI       0   yes  kernel      y  y  y  "
                           "n  n  y  n  n  y  y  y  y  n  y  y  y  y  y  n\n";
static const char sctp[] = "SCTP      1664      0       0   no       0   yes  sctp        y  y  y  "
                           "y  y  y  y  y  y  y  n  y  y  y  y  y  n  n  n\n";

static bool in_two(const char *first, const char *second) {
    char text[1024];
    snprintf(text, sizeof text, "%s%s%s", header, first, second);
    return host_sctp_is_in_protocols(text);
}

START_TEST(kernel_by_its_protocols) {
    ck_assert(in_two(ping, sctp));
    ck_assert(in_two(sctp, ping));
    ck_assert(in_two("SCTPv6    1816      1       0   no\n", ""));
    ck_assert(!in_two(ping, ""));
    ck_assert(!in_two("XSCTP      976      0\n", "SCTPx      976 \n"));
    ck_assert(!host_sctp_is_in_protocols(""));
    ck_assert(!host_sctp_is_in_protocols("\n\n"));
    ck_assert(host_sctp_is_in_protocols("SCTP "));
}
END_TEST

START_TEST(lines_of_the_raw_list) {
    uint64_t inode = 0;
    ck_assert(host_sctp_parse_line(
        " 132: 00000000:0084 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        "
        "0 123456789012 2 0000000000000000 0",
        &inode));
    ck_assert_uint_eq(inode, 123456789012u);
    ck_assert(host_sctp_parse_line("  132: 00000000000000000000000000000000:0084 "
                                   "00000000000000000000000000000000:0000 07 00000000:00000000 "
                                   "00:00000000 00000000  1000        0 77 2 0000000000000000 0",
                                   &inode));
    ck_assert_uint_eq(inode, 77);
    /* ICMP, a header, a line cut short */
    ck_assert(!host_sctp_parse_line("   1: 00000000:0001 00000000:0000 07 00000000:00000000 "
                                    "00:00000000 00000000     0        0 5 2 0 0",
                                    &inode));
    ck_assert(!host_sctp_parse_line("  sl  local_address rem_address   st tx_queue rx_queue tr "
                                    "tm->when retrnsmt   uid  timeout inode ref pointer drops",
                                    &inode));
    ck_assert(!host_sctp_parse_line(" 132: 00000000:0084 00000000:0000 07", &inode));
    ck_assert(!host_sctp_parse_line("", &inode));
}
END_TEST

struct seen {
    uint64_t inodes[600];
    unsigned count, limit;
};

static bool see(void *user, uint64_t inode) {
    struct seen *seen = user;
    ck_assert_uint_lt(seen->count, 600);
    seen->inodes[seen->count++] = inode;
    return seen->count < seen->limit;
}

/* More sockets than one read of the list holds: each is seen once. */
static void check_family(bool ipv6) {
    enum { SOCKETS = 150 };
    int list = host_sctp_open_list(ipv6), fds[SOCKETS];
    uint64_t inodes[SOCKETS];
    struct seen seen = {.limit = 600};
    ck_assert_int_ge(list, 0);
    ck_assert_int_eq(host_sctp_visit(list, see, &seen), 0);
    ck_assert_uint_eq(seen.count, 0);
    for (unsigned i = 0; i < SOCKETS; i++) {
        struct stat status;
        int protocol = i % 3 == 2 ? IPPROTO_ICMP : IPPROTO_SCTP;
        fds[i] = socket(ipv6 ? AF_INET6 : AF_INET, SOCK_RAW | SOCK_CLOEXEC, protocol);
        ck_assert_int_ge(fds[i], 0);
        ck_assert_int_eq(fstat(fds[i], &status), 0);
        inodes[i] = status.st_ino;
    }
    ck_assert_int_eq(host_sctp_visit(list, see, &seen), 0);
    ck_assert_uint_eq(seen.count, SOCKETS * 2 / 3);
    for (unsigned i = 0; i < SOCKETS; i++) {
        unsigned found = 0;
        for (unsigned k = 0; k < seen.count; k++)
            found += seen.inodes[k] == inodes[i];
        ck_assert_uint_eq(found, i % 3 != 2);
    }
    seen = (struct seen){.limit = 3};
    ck_assert_int_eq(host_sctp_visit(list, see, &seen), 1);
    ck_assert_uint_eq(seen.count, 3);
    for (unsigned i = 0; i < SOCKETS; i++)
        close(fds[i]);
    seen = (struct seen){.limit = 600};
    ck_assert_int_eq(host_sctp_visit(list, see, &seen), 0);
    ck_assert_uint_eq(seen.count, 0);
    close(list);
    ck_assert_int_lt(host_sctp_visit(list, see, &seen), 0);
}

START_TEST(raw_sockets_are_listed) {
    check_family(false);
    check_family(true);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("host_sctp");
    TCase *tests = tcase_create("host_sctp");
    bool has_raw = unit_net_enter() && unit_net_has_raw();
    tcase_add_test(tests, kernel_by_its_protocols);
    tcase_add_test(tests, lines_of_the_raw_list);
    if (has_raw)
        tcase_add_test(tests, raw_sockets_are_listed);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
