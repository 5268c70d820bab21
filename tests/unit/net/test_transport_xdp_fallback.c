/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Receiving by AF_XDP where it cannot be, which is told in a line while raw sockets receive, and
 * interfaces, processes and children that come and go. Capabilities: capabilities(7). Skipped where
 * namespaces, AF_XDP or BPF are not to be had.
 */
#include "net/xdp_program.h"
#include "support/unit_net.h"
#include "support/unit_xdp.h"

#include <linux/capability.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- where it is not ------------------------------------------------------------------------- */

START_TEST(a_foreign_program) {
    struct host_namespace *ns = NULL;
    struct xdp_program *foreign = NULL;
    struct xdp_program_options options = {.interface_index = if_nametoindex("near"),
                                          .limit_bytes = 1500};
    transport_close(unit_xdp);
    ck_assert_int_eq(host_namespace_new(&ns, false), 0);
    options.ns = ns;
    ck_assert_int_eq(xdp_program_new(&foreign, &options), 0);
    unit_xdp = NULL;
    unit_xdp_reopen();
    unit_xdp_speak_so(unit_xdp);
    unit_xdp_expect_notice(unit_xdp, "program of somebody else's");
    ck_assert_int_eq(unit_xdp_way_of(unit_xdp_ipv4(UNIT_XDP_PORT, 40)), BY_RAW);
    unit_xdp_speak(unit_xdp);
    ck_assert_ptr_null(unit_xdp_notice(unit_xdp));
    xdp_program_delete(foreign);
    host_namespace_delete(ns);
}
END_TEST

static void set_capabilities(unsigned without_first, unsigned without_second) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct sets[2];
    ck_assert_int_eq(syscall(SYS_capget, &header, sets), 0);
    sets[0].effective = sets[0].permitted;
    sets[1].effective = sets[1].permitted;
    sets[without_first / 32].effective &= ~(1u << without_first % 32);
    sets[without_second / 32].effective &= ~(1u << without_second % 32);
    ck_assert_int_eq(syscall(SYS_capset, &header, sets), 0);
}

START_TEST(without_the_capabilities) {
    set_capabilities(CAP_BPF, CAP_SYS_ADMIN);
    unit_xdp_reopen();
    unit_xdp_speak_so(unit_xdp);
    unit_xdp_expect_notice(unit_xdp, "CAP_BPF");
    ck_assert_int_eq(unit_xdp_way_of(unit_xdp_ipv4(UNIT_XDP_PORT, 40)), BY_RAW);
    ck_assert_uint_eq(unit_net_counters(unit_xdp).xdp_memory_bytes,
                      XDP_RING_FRAMES * XDP_RING_SMALL_FRAME);
    set_capabilities(CAP_NET_ADMIN, CAP_SYS_ADMIN);
    unit_xdp_reopen();
    unit_xdp_speak_so(unit_xdp);
    ck_assert_ptr_nonnull(unit_xdp_notice(unit_xdp));
    ck_assert_ptr_null(unit_xdp_notice(unit_xdp));
    ck_assert_int_eq(unit_xdp_way_of(unit_xdp_ipv4(UNIT_XDP_PORT, 40)), BY_RAW);
}
END_TEST

/* With no more than it takes. */
START_TEST(with_the_capabilities) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct sets[2], wanted[2];
    ck_assert_int_eq(syscall(SYS_capget, &header, sets), 0);
    memcpy(wanted, sets, sizeof wanted);
    wanted[0].effective = 1u << CAP_NET_RAW | 1u << CAP_NET_ADMIN | 1u << CAP_IPC_LOCK;
    wanted[1].effective = 1u << (CAP_BPF - 32);
    ck_assert_int_eq(syscall(SYS_capset, &header, wanted), 0);
    unit_xdp_reopen();
    unit_xdp_speak_so(unit_xdp);
    ck_assert_int_eq(syscall(SYS_capset, &header, sets), 0);
    ck_assert_ptr_null(unit_xdp_notice(unit_xdp));
    ck_assert_int_eq(unit_xdp_way_of(unit_xdp_ipv4(UNIT_XDP_PORT, 40)), BY_XDP);
}
END_TEST

/* The second process on the host, or stack. */
START_TEST(two_on_a_host) {
    struct transport *b = unit_xdp_open();
    const char *line = NULL;
    ck_assert_int_eq(transport_claim_port(b, UNIT_XDP_OTHER_PORT), 0);
    for (unsigned i = 0; i < 100 && !line; i++) {
        unit_xdp_speak(b);
        line = unit_xdp_notice(b);
        usleep(20 * 1000);
    }
    ck_assert_ptr_nonnull(line);
    ck_assert_msg(strstr(line, " near,"), "%s", line);
    ck_assert_ptr_null(unit_xdp_notice(b));
    unit_xdp_inject(unit_xdp_ipv4(UNIT_XDP_OTHER_PORT, 40));
    ck_assert_int_eq(unit_xdp_way_to(b), BY_RAW);
    ck_assert_int_eq(unit_xdp_way_to(unit_xdp), NOT_AT_ALL);
    unit_xdp_inject(unit_xdp_ipv4(UNIT_XDP_PORT, 40));
    ck_assert_int_eq(unit_xdp_way_to(b), NOT_AT_ALL);
    ck_assert_int_eq(unit_xdp_way_to(unit_xdp), BY_XDP);
    transport_close(unit_xdp);
    unit_xdp = b;
    usleep(1100 * 1000);
    unit_xdp_speak_so(unit_xdp);
    ck_assert_int_eq(unit_xdp_way_of(unit_xdp_ipv4(UNIT_XDP_OTHER_PORT, 40)), BY_XDP);
    ck_assert_ptr_null(unit_xdp_notice(unit_xdp));
}
END_TEST

START_TEST(several_queues) {
    transport_close(unit_xdp);
    unit_xdp_make_pair("numtxqueues 2 numrxqueues 2");
    unit_xdp = NULL;
    unit_xdp_reopen();
    unit_xdp_speak_so(unit_xdp);
    unit_xdp_expect_notice(unit_xdp, "2 queues");
    ck_assert_int_eq(unit_xdp_way_of(unit_xdp_ipv4(UNIT_XDP_PORT, 40)), BY_RAW);
}
END_TEST

START_TEST(large_frames) {
    ck_assert(unit_net_run("ip link set near mtu 3826 && ip link set far mtu 4100"));
    usleep(1100 * 1000);
    unit_xdp_speak_so(unit_xdp);
    ck_assert_ptr_null(unit_xdp_notice(unit_xdp));
    ck_assert_int_eq(unit_xdp_way_of(unit_xdp_ipv4(UNIT_XDP_PORT, 3806)), BY_XDP);
    ck_assert_uint_eq(unit_got[0].length, 3806);
    ck_assert_mem_eq(unit_got[0].data, unit_frame + 34, 3806);
    /* veth takes more than its MTU in, to some extent: it does not fit. */
    ck_assert_int_eq(unit_xdp_way_of(unit_xdp_ipv4(UNIT_XDP_PORT, 3810)), BY_RAW);
    ck_assert_uint_eq(unit_got[0].length, 3810);
    ck_assert(unit_net_run("ip link set near mtu 3827"));
    unit_xdp_reopen();
    unit_xdp_speak_so(unit_xdp);
    unit_xdp_expect_notice(unit_xdp, "MTU");
    ck_assert_int_eq(unit_xdp_way_of(unit_xdp_ipv4(UNIT_XDP_PORT, 3806)), BY_RAW);
}
END_TEST

/* ---- coming and going ------------------------------------------------------------------------ */

START_TEST(another_ethernet_address) {
    size_t bytes = unit_xdp_ipv4(UNIT_XDP_PORT, 40);
    ck_assert(unit_net_run("ip link set near address 02:00:00:00:00:77"));
    unit_frame[5] = 0x77;
    ck_assert_int_eq(unit_xdp_way_of(bytes), BY_RAW);
    usleep(1100 * 1000);
    unit_xdp_speak(unit_xdp);
    ck_assert_int_eq(unit_xdp_way_of(bytes), BY_XDP);
}
END_TEST

/* What was handed out outlives the interface. */
START_TEST(a_device_that_goes) {
    size_t bytes = unit_xdp_ipv4(UNIT_XDP_PORT, 40);
    unit_xdp_inject(bytes);
    unit_xdp_inject(bytes);
    usleep(20 * 1000);
    ck_assert_uint_eq(transport_receive(unit_xdp, unit_got, 64), 2);
    ck_assert(unit_net_run("ip link del near"));
    (void)transport_refresh(unit_xdp);
    usleep(1100 * 1000);
    struct usctp_packet packet = {
        .data = unit_frame, .length = 40, .destination = unit_net_address("192.0.2.2")};
    uint32_t offset = 0;
    ck_assert_uint_eq(transport_send(unit_xdp, &packet, 1, &offset), 1);
    ck_assert_mem_eq(unit_got[0].data, unit_frame + 34, 40);
    ck_assert_mem_eq(unit_got[1].data, unit_frame + 34, 40);
    ck_assert_uint_eq(transport_receive(unit_xdp, unit_got, 64), 0);
    unit_xdp_make_pair("numtxqueues 1 numrxqueues 1");
    (void)transport_refresh(unit_xdp);
    usleep(1100 * 1000);
    unit_xdp_speak_so(unit_xdp);
    ck_assert_int_eq(unit_xdp_way_of(unit_xdp_ipv4(UNIT_XDP_PORT, 40)), BY_XDP);
}
END_TEST

START_TEST(a_device_that_goes_down) {
    ck_assert(unit_net_run("ip link set near down"));
    usleep(1100 * 1000);
    unit_xdp_speak(unit_xdp);
    ck_assert_uint_eq(unit_net_counters(unit_xdp).xdp_memory_bytes, 0);
    ck_assert(!unit_net_run("ip -d link show near | grep -q xdp"));
    ck_assert(unit_net_run("ip link set near up && ip addr replace 192.0.2.1/24 dev near"
                           " && ip neigh replace 192.0.2.2 lladdr " UNIT_XDP_FAR_MAC
                           " dev near nud permanent"));
    ck_assert(transport_refresh(unit_xdp));
    usleep(1100 * 1000);
    unit_xdp_speak_so(unit_xdp);
    ck_assert_int_eq(unit_xdp_way_of(unit_xdp_ipv4(UNIT_XDP_PORT, 40)), BY_XDP);
}
END_TEST

START_TEST(gone_with_the_process) {
    int ready[2];
    char byte = 0;
    ck_assert(unit_net_run("ip -d link show near | grep -q xdpgeneric"));
    transport_close(unit_xdp);
    unit_xdp = NULL;
    ck_assert(!unit_net_run("ip -d link show near | grep -q xdp"));
    ck_assert_int_eq(pipe(ready), 0);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        struct transport *t = unit_xdp_open();
        unit_xdp_speak_so(t);
        if (write(ready[1], "x", 1) == 1)
            pause();
        _exit(1);
    }
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    ck_assert(unit_net_run("ip -d link show near | grep -q xdpgeneric"));
    ck_assert_int_eq(kill(child, SIGKILL), 0);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    for (unsigned i = 0; i < 100 && unit_net_run("ip -d link show near | grep -q xdp"); i++)
        usleep(20 * 1000);
    ck_assert(!unit_net_run("ip -d link show near | grep -q xdp"));
    close(ready[0]);
    close(ready[1]);
}
END_TEST

START_TEST(a_forked_child_forgets) {
    int status = 1;
    size_t bytes = unit_xdp_ipv4(UNIT_XDP_PORT, 40);
    ck_assert_int_eq(unit_xdp_way_of(bytes), BY_XDP);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        transport_forget(unit_xdp);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    for (unsigned i = 0; i < 200; i++)
        ck_assert_int_eq(unit_xdp_way_of(bytes), BY_XDP);
}
END_TEST

int main(void) {
    if (!unit_xdp_enter())
        return 77;
    Suite *suite = suite_create("transport_xdp_fallback");
    TCase *tests = tcase_create("xdp");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, unit_xdp_setup, unit_xdp_teardown);
    tcase_add_test(tests, a_foreign_program);
    tcase_add_test(tests, two_on_a_host);
    tcase_add_test(tests, several_queues);
    tcase_add_test(tests, large_frames);
    tcase_add_test(tests, another_ethernet_address);
    tcase_add_test(tests, a_device_that_goes);
    tcase_add_test(tests, a_device_that_goes_down);
    tcase_add_test(tests, gone_with_the_process);
    tcase_add_test(tests, a_forked_child_forgets);
    const char *forks = getenv("CK_FORK");
    if (forks && strcmp(forks, "no") == 0) {
        puts("skipped: without_the_capabilities, with_the_capabilities: they drop privileges, and "
             "valgrind and ThreadSanitizer want one process");
    } else {
        tcase_add_test(tests, without_the_capabilities);
        tcase_add_test(tests, with_the_capabilities);
    }
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
