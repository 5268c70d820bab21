/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The errors that the manual pages of sctp_connectx and sctp_bindx promise, one test for each;
 * those of sctp_peeloff are in test_peeloff.c.
 */
#define _GNU_SOURCE
#include "many_test.h"

#include "api/fd_table.h"
#include "api/stack.h"
#include "net/port_claim.h"
#include "net/transport.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

static int connectx(int sd, const void *addresses, int count) {
    return usctp_connectx(sd, addresses, count, NULL);
}

/* An address that cannot be read: two pages were there. */
static void *nowhere(void) {
    void *pages = mmap(NULL, 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(pages, MAP_FAILED);
    ck_assert_int_eq(munmap(pages, 8192), 0);
    return pages;
}

/* `count` addresses of which the last lies behind the end of what can be read. */
static struct sockaddr_in *at_the_edge(int count, uint16_t port) {
    uint8_t *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(pages, MAP_FAILED);
    ck_assert_int_eq(mprotect(pages + 4096, 4096, PROT_NONE), 0);
    struct sockaddr_in *list = (void *)(pages + 4096 - sizeof *list * (size_t)(count - 1));
    for (int i = 0; i < count - 1; i++)
        list[i] = loopback(port);
    return list;
}

/* Where a test may change the host: a network of its own, loopback up. False: not allowed to. */
static bool own_network(void) {
    struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    if (unshare(CLONE_NEWNET) != 0) {
        printf("not run: no right to make a network namespace\n");
        return false;
    }
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    ck_assert_int_eq(ioctl(fd, SIOCSIFFLAGS, &lo), 0);
    close(fd);
    return true;
}

/* ---- connectx -------------------------------------------------------------------------------- */

START_TEST(connectx_ebadf) {
    struct sockaddr_in name = loopback(7);
    ck_assert_errno(connectx(-1, &name, 1), EBADF);
    ck_assert_errno(connectx(1 << 20, &name, 1), EBADF);
}
END_TEST

START_TEST(connectx_enotsock) {
    struct sockaddr_in name = loopback(7);
    int fds[2];
    ck_assert_int_eq(pipe(fds), 0);
    ck_assert_errno(connectx(fds[0], &name, 1), ENOTSOCK);
    int udp = socket(AF_INET, SOCK_DGRAM, 0); /* a socket, but none of ours */
    ck_assert_errno(connectx(udp, &name, 1), ENOTSOCK);
}
END_TEST

START_TEST(connectx_efault) {
    struct usctp_stack *stack = new_stack(DRIVER_CALLER);
    int sd = new_socket(stack);
    struct sockaddr_in name = loopback(7);
    ck_assert_errno(connectx(sd, NULL, 1), EFAULT);
    ck_assert_errno(connectx(sd, nowhere(), 1), EFAULT);
    ck_assert_errno(connectx(sd, at_the_edge(2, 7), 2), EFAULT);
    ck_assert_errno(usctp_connectx(sd, (struct sockaddr *)&name, 1, nowhere()), EFAULT);
    usctp_stack_delete(stack);
}
END_TEST

START_TEST(connectx_einval) {
    struct usctp_stack *stack = new_stack(DRIVER_CALLER);
    int sd = new_socket(stack);
    struct sockaddr_in two[2] = {loopback(7), loopback(8)};
    ck_assert_errno(connectx(sd, two, 0), EINVAL);
    ck_assert_errno(connectx(sd, two, -1), EINVAL);
    ck_assert_errno(connectx(sd, two, 1000), EINVAL);
    ck_assert_errno(connectx(sd, two, 2), EINVAL); /* of two ports */
    two[0].sin_port = 0;
    ck_assert_errno(connectx(sd, two, 1), EINVAL);
    two[0] = loopback(7);
    two[0].sin_addr.s_addr = htonl(0xe0000001); /* multicast */
    ck_assert_errno(connectx(sd, two, 1), EINVAL);
    two[0].sin_addr.s_addr = htonl(INADDR_ANY);
    ck_assert_errno(connectx(sd, two, 1), EINVAL);
    usctp_stack_delete(stack);
}
END_TEST

START_TEST(connectx_eacces_port) {
    struct sockaddr_in own = loopback(80), peer = loopback(4000);
    if (!own_network())
        return;
    struct usctp_stack *stack = new_stack(DRIVER_CALLER);
    int sd = new_socket(stack), other = new_socket(stack);
    ck_assert_int_eq(usctp_bind(sd, (struct sockaddr *)&own, sizeof own), 0);
    ck_assert_int_eq(setresuid(65534, 65534, 65534), 0);
    ck_assert_errno(connectx(sd, &peer, 1), EACCES);
    own.sin_port = htons(81);
    ck_assert_errno(usctp_bind(other, (struct sockaddr *)&own, sizeof own), EACCES);
    ck_assert_errno(usctp_bindx(other, (struct sockaddr *)&own, 1, SCTP_BINDX_ADD_ADDR), EACCES);
    own.sin_port = htons(1024);
    ck_assert_int_eq(usctp_bindx(other, (struct sockaddr *)&own, 1, SCTP_BINDX_ADD_ADDR), 0);
    usctp_stack_delete(stack);
}
END_TEST

START_TEST(connectx_eacces_broadcast) {
    struct usctp_stack *stack = new_stack(DRIVER_CALLER);
    int sd = new_socket(stack);
    struct sockaddr_in name = loopback(7);
    name.sin_addr.s_addr = htonl(INADDR_BROADCAST);
    ck_assert_errno(connectx(sd, &name, 1), EACCES);
    name.sin_addr.s_addr = htonl(0x7fffffff); /* of 127.0.0.0/8 */
    ck_assert_errno(connectx(sd, &name, 1), EACCES);
    usctp_stack_delete(stack);
}
END_TEST

START_TEST(connectx_eisconn) {
    struct pair pair;
    pair_open(&pair, DRIVER_THREAD);
    struct sockaddr_in name = loopback(pair.port);
    ck_assert_errno(connectx(pair.client, &name, 1), EISCONN);
    ck_assert_errno(connectx(pair.server, &name, 1), EISCONN);
    pair_close(&pair);
}
END_TEST

START_TEST(connectx_econnrefused) {
    struct pair pair;
    pair_stacks(&pair, DRIVER_THREAD);
    struct sockaddr_in name = loopback((uint16_t)(pair.port ^ 1));
    ck_assert_errno(connectx(pair.client, &name, 1), ECONNREFUSED);
    pair_close(&pair);
}
END_TEST

static void be_impatient(int sd) {
    struct sctp_rtoinfo rto = {.srto_initial = 10, .srto_min = 10, .srto_max = 10};
    struct sctp_initmsg init = {.sinit_max_attempts = 2, .sinit_max_init_timeo = 10};
    ck_assert_int_eq(usctp_setsockopt(sd, IPPROTO_SCTP, SCTP_RTOINFO, &rto, sizeof rto), 0);
    ck_assert_int_eq(usctp_setsockopt(sd, IPPROTO_SCTP, SCTP_INITMSG, &init, sizeof init), 0);
}

START_TEST(connectx_etimedout) {
    struct usctp_stack *silent = new_stack(DRIVER_CALLER), *stack = new_stack(DRIVER_THREAD);
    struct sockaddr_in name = loopback(4000);
    int one = new_socket(stack), many = new_many(stack);
    be_impatient(one);
    be_impatient(many);
    set_peer_udp_port(one, usctp_stack_udp_port(silent));
    set_peer_udp_port(many, usctp_stack_udp_port(silent));
    ck_assert_errno(connectx(one, &name, 1), ETIMEDOUT);
    ck_assert_errno(connectx(many, &name, 1), ETIMEDOUT);
    usctp_stack_delete(stack);
    usctp_stack_delete(silent);
}
END_TEST

START_TEST(connectx_enetunreach) {
    struct sockaddr_in name = loopback(4000);
    if (!own_network())
        return;
    struct usctp_stack *stack = new_stack(DRIVER_CALLER);
    name.sin_addr.s_addr = htonl(0xcb007101); /* 203.0.113.1 */
    ck_assert_errno(connectx(new_socket(stack), &name, 1), ENETUNREACH);
    ck_assert_errno(connectx(new_many(stack), &name, 1), ENETUNREACH);
    usctp_stack_delete(stack);
}
END_TEST

/* Two sockets with one port and different addresses, and the same peer: the second association
 * would be the first. */
START_TEST(connectx_eaddrinuse) {
    struct pair pair;
    pair_stacks(&pair, DRIVER_THREAD);
    struct sockaddr_in peer = loopback(pair.port), own = loopback(0);
    int first = pair.client, second = new_socket(pair.client_stack);
    set_peer_udp_port(second, usctp_stack_udp_port(pair.server_stack));
    ck_assert_int_eq(usctp_bind(first, (struct sockaddr *)&own, sizeof own), 0);
    own = loopback(port_of(first));
    own.sin_addr.s_addr = htonl(0x7f000002);
    ck_assert_int_eq(usctp_bind(second, (struct sockaddr *)&own, sizeof own), 0);
    ck_assert_int_eq(connectx(first, &peer, 1), 0);
    ck_assert_errno(connectx(second, &peer, 1), EADDRINUSE);
    usctp_close(second);
    pair_close(&pair);
}
END_TEST

START_TEST(connectx_einprogress_ealready) {
    struct pair pair;
    sctp_assoc_t id = 0;
    int error = -1;
    socklen_t length = sizeof error;
    pair_stacks(&pair, DRIVER_CALLER);
    struct sockaddr_in name = loopback(pair.port);
    set_nonblocking(pair.client, true);
    ck_assert_errno(usctp_connectx(pair.client, (struct sockaddr *)&name, 1, &id), EINPROGRESS);
    ck_assert_int_gt(id, 2);
    ck_assert_int_eq(ready_now(pair.client) & POLLOUT, 0);
    ck_assert_errno(connectx(pair.client, &name, 1), EALREADY);
    ck_assert_int_ne(
        wait_driving(pair.client, POLLOUT, pair.client_stack, pair.server_stack) & POLLOUT, 0);
    ck_assert_int_eq(usctp_getsockopt(pair.client, SOL_SOCKET, SO_ERROR, &error, &length), 0);
    ck_assert_int_eq(error, 0);
    ck_assert_errno(connectx(pair.client, &name, 1), EISCONN);
    pair_close(&pair);
}
END_TEST

/* The outcome of an attempt that failed meanwhile is in SO_ERROR. */
START_TEST(connectx_error_later) {
    struct pair pair;
    int error = 0;
    socklen_t length = sizeof error;
    pair_stacks(&pair, DRIVER_CALLER);
    struct sockaddr_in name = loopback((uint16_t)(pair.port ^ 1));
    set_nonblocking(pair.client, true);
    ck_assert_errno(connectx(pair.client, &name, 1), EINPROGRESS);
    ck_assert_int_ne(
        wait_driving(pair.client, POLLOUT, pair.client_stack, pair.server_stack) & POLLOUT, 0);
    ck_assert_int_eq(usctp_getsockopt(pair.client, SOL_SOCKET, SO_ERROR, &error, &length), 0);
    ck_assert_int_eq(error, ECONNREFUSED);
    pair_close(&pair);
}
END_TEST

START_TEST(connectx_eagain) {
    struct usctp_stack *stack = new_stack(DRIVER_CALLER);
    struct sockaddr_in name = loopback(4000);
    int sd = new_socket(stack);
    for (unsigned port = PORT_CLAIM_EPHEMERAL_FIRST; port <= PORT_CLAIM_EPHEMERAL_LAST; port++)
        ck_assert_int_eq(transport_claim_port(stack->transport, (uint16_t)port), 0);
    ck_assert_errno(connectx(sd, &name, 1), EAGAIN);
    ck_assert_errno(usctp_listen(sd, 1), EAGAIN);
    name.sin_port = 0; /* bind(2): no free port is EADDRINUSE there */
    ck_assert_errno(usctp_bind(sd, (struct sockaddr *)&name, sizeof name), EADDRINUSE);
    usctp_stack_delete(stack);
}
END_TEST

START_TEST(connectx_eafnosupport) {
    struct usctp_stack *stack = new_stack(DRIVER_CALLER);
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(7)};
    six.sin6_addr = in6addr_loopback;
    int sd = new_socket(stack);
    ck_assert_errno(connectx(sd, &six, 1), EAFNOSUPPORT);
    six.sin6_family = AF_UNIX;
    ck_assert_errno(connectx(sd, &six, 1), EAFNOSUPPORT);
    int wide = usctp_socket(stack, AF_INET6, SOCK_STREAM, 0);
    ck_assert_errno(connectx(wide, &six, 1), EAFNOSUPPORT);
    usctp_stack_delete(stack);
}
END_TEST

/* Drops what goes to an address's UDP port on its way out, in a network of the test's own. False:
 * the host has no nft, or it does not work. */
static bool forbid(const char *to, uint16_t udp_port) {
    FILE *nft = popen("nft -f - 2>&1", "w");
    ck_assert_ptr_nonnull(nft);
    fprintf(nft,
            "table inet usctp { chain out { type filter hook output priority 0; ip daddr %s udp "
            "dport %d drop; }; }\n",
            to, udp_port);
    if (pclose(nft) == 0)
        return true;
    printf("not run: nft does not work here\n");
    return false;
}

/* connect(2): EPERM for a local firewall's rule. */
START_TEST(connectx_eperm_firewall) {
    struct pair pair;
    int error = 0;
    socklen_t length = sizeof error;
    if (!own_network())
        return;
    pair_stacks(&pair, _i);
    struct sockaddr_in name = loopback(pair.port);
    int many = new_many(pair.client_stack), later = new_socket(pair.client_stack);
    set_peer_udp_port(many, usctp_stack_udp_port(pair.server_stack));
    set_peer_udp_port(later, usctp_stack_udp_port(pair.server_stack));
    if (!forbid("127.0.0.1", usctp_stack_udp_port(pair.server_stack)))
        return;
    ck_assert_errno(connectx(pair.client, &name, 1), EPERM);
    ck_assert_errno(connectx(pair.client, &name, 1), EPERM); /* and may be tried again */
    ck_assert_errno(connectx(many, &name, 1), EPERM);
    set_nonblocking(later, true);
    ck_assert_errno(connectx(later, &name, 1), EINPROGRESS);
    ck_assert_int_ne(wait_driving(later, POLLOUT, pair.client_stack, NULL) & POLLOUT, 0);
    ck_assert_int_eq(usctp_getsockopt(later, SOL_SOCKET, SO_ERROR, &error, &length), 0);
    ck_assert_int_eq(error, EPERM);
    usctp_close(many);
    usctp_close(later);
    pair_close(&pair);
}
END_TEST

/* Where one address is allowed it is no error, and nothing waits for a timer. */
START_TEST(connectx_past_a_firewall) {
    struct pair pair;
    struct sctp_initmsg once = {.sinit_max_attempts = 1};
    pthread_t thread;
    if (!own_network())
        return;
    pair_stacks(&pair, DRIVER_THREAD);
    usctp_close(pair.listener);
    pair.listener = new_socket(pair.server_stack);
    struct sockaddr_in two[2] = {loopback(0), loopback(0)};
    two[1].sin_addr.s_addr = htonl(0x7f000002);
    ck_assert_int_eq(usctp_bindx(pair.listener, (struct sockaddr *)two, 2, SCTP_BINDX_ADD_ADDR), 0);
    ck_assert_int_eq(usctp_listen(pair.listener, 1), 0);
    two[0].sin_port = two[1].sin_port = htons(port_of(pair.listener));
    if (!forbid("127.0.0.1", usctp_stack_udp_port(pair.server_stack)))
        return;
    ck_assert_int_eq(usctp_setsockopt(pair.client, IPPROTO_SCTP, SCTP_INITMSG, &once, sizeof once),
                     0);
    ck_assert_int_eq(pthread_create(&thread, NULL, accept_one, &pair), 0);
    ck_assert_int_eq(connectx(pair.client, two, 2), 0);
    pthread_join(thread, NULL);
    pair_close(&pair);
}
END_TEST

/* The same without a firewall: the system call says so, whatever the host's tools are. */
START_TEST(connectx_eperm) {
    const char *forks = getenv("CK_FORK");
    if (forks && strcmp(forks, "no") == 0) {
        printf("not run: the filter would stay for the tests that follow\n");
        return;
    }
    struct usctp_stack *stack = new_stack(DRIVER_CALLER);
    struct sockaddr_in name = loopback(4000);
    int sd = new_socket(stack);
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_sendmmsg, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof code / sizeof code[0], .filter = code};
    ck_assert_int_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
        printf("not run: no seccomp filters here\n");
        return;
    }
    ck_assert_errno(connectx(sd, &name, 1), EPERM);
    usctp_close(sd);
    usctp_stack_delete(stack);
}
END_TEST

/* ---- bindx ----------------------------------------------------------------------------------- */

static int bindx(int sd, const void *addresses, int count, int flags) {
    return usctp_bindx(sd, addresses, count, flags);
}

START_TEST(bindx_errors) {
    struct usctp_stack *stack = new_stack(DRIVER_CALLER);
    int sd = new_socket(stack), other = new_socket(stack), fds[2];
    struct sockaddr_in two[2] = {loopback(4001), loopback(4001)};
    two[1].sin_addr.s_addr = htonl(0x7f000002);
    ck_assert_int_eq(pipe(fds), 0);
    ck_assert_errno(bindx(-1, two, 1, SCTP_BINDX_ADD_ADDR), EBADF);
    ck_assert_errno(bindx(fds[1], two, 1, SCTP_BINDX_ADD_ADDR), ENOTSOCK);
    ck_assert_errno(bindx(sd, NULL, 1, SCTP_BINDX_ADD_ADDR), EFAULT);
    ck_assert_errno(bindx(sd, nowhere(), 1, SCTP_BINDX_ADD_ADDR), EFAULT);
    ck_assert_errno(bindx(sd, at_the_edge(3, 4001), 3, SCTP_BINDX_ADD_ADDR), EFAULT);
    ck_assert_errno(bindx(sd, two, 0, SCTP_BINDX_ADD_ADDR), EINVAL);
    ck_assert_errno(bindx(sd, two, 1, 0), EINVAL);
    ck_assert_errno(bindx(sd, two, 1, 3), EINVAL);
    ck_assert_errno(bindx(sd, two, 1, SCTP_BINDX_REM_ADDR), EINVAL); /* nothing is bound */
    ck_assert_int_eq(bindx(sd, two, 2, SCTP_BINDX_ADD_ADDR), 0);
    ck_assert_errno(bindx(sd, two, 2, SCTP_BINDX_REM_ADDR), EINVAL); /* RFC 6458 9.1: not all */
    ck_assert_int_eq(bindx(sd, two, 1, SCTP_BINDX_REM_ADDR), 0);
    ck_assert_errno(bindx(sd, two + 1, 1, SCTP_BINDX_REM_ADDR), EINVAL);
    two[0].sin_port = htons(4002);
    ck_assert_errno(bindx(sd, two, 1, SCTP_BINDX_ADD_ADDR), EINVAL); /* another port */
    ck_assert_errno(bindx(other, two + 1, 1, SCTP_BINDX_ADD_ADDR), EADDRINUSE);
    two[0].sin_addr.s_addr = htonl(0xcb007101);
    ck_assert_errno(bindx(other, two, 1, SCTP_BINDX_ADD_ADDR), EADDRNOTAVAIL);
    two[0].sin_family = AF_UNIX;
    ck_assert_errno(bindx(other, two, 1, SCTP_BINDX_ADD_ADDR), EAFNOSUPPORT);
    usctp_stack_delete(stack);
}
END_TEST

START_TEST(bindx_while_connected) {
    struct pair pair;
    pair_open(&pair, DRIVER_THREAD);
    struct sockaddr_in name = loopback(port_of(pair.client));
    ck_assert_errno(bindx(pair.client, &name, 1, SCTP_BINDX_ADD_ADDR), EOPNOTSUPP);
    pair_close(&pair);
}
END_TEST

static Suite *errors_suite(void) {
    Suite *suite = suite_create("errors");
    TCase *tcase = tcase_create("errors");
    tcase_set_timeout(tcase, TEST_SECONDS);
    tcase_add_test(tcase, connectx_ebadf);
    tcase_add_test(tcase, connectx_enotsock);
    tcase_add_test(tcase, connectx_efault);
    tcase_add_test(tcase, connectx_einval);
    tcase_add_test(tcase, connectx_eacces_port);
    tcase_add_test(tcase, connectx_eacces_broadcast);
    tcase_add_test(tcase, connectx_eisconn);
    tcase_add_test(tcase, connectx_econnrefused);
    tcase_add_test(tcase, connectx_etimedout);
    tcase_add_test(tcase, connectx_enetunreach);
    tcase_add_test(tcase, connectx_eaddrinuse);
    tcase_add_test(tcase, connectx_einprogress_ealready);
    tcase_add_test(tcase, connectx_error_later);
    tcase_add_test(tcase, connectx_eagain);
    tcase_add_test(tcase, connectx_eafnosupport);
    tcase_add_loop_test(tcase, connectx_eperm_firewall, 0, DRIVERS);
    tcase_add_test(tcase, connectx_past_a_firewall);
    tcase_add_test(tcase, connectx_eperm);
    tcase_add_test(tcase, bindx_errors);
    tcase_add_test(tcase, bindx_while_connected);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void) {
    return run_suite(errors_suite());
}
