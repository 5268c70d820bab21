/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Setting up associations (RFC 6458 4.1.2-4.1.5, 9.1, 9.9): blocking and non-blocking, with and
 * without an I/O thread, refused and unanswered; the errors of bind, listen, accept and connect.
 */
#include "api/api_test.h"

#include <stdio.h>

enum { ATTEMPTS = 300 };

static void send_text(int sd, const char *text) {
    ck_assert_int_eq(usctp_send(sd, text, strlen(text), 0), (ssize_t)strlen(text));
}

static void expect_text(int sd, const char *text) {
    char buffer[256];
    ssize_t n = usctp_recv(sd, buffer, sizeof buffer, 0);
    ck_assert_msg(n >= 0, "usctp_recv: %s", strerror(errno));
    ck_assert_int_eq(n, (ssize_t)strlen(text));
    ck_assert_mem_eq(buffer, text, strlen(text));
}

static void *echo(void *argument) {
    char buffer[256];
    ssize_t n;
    int sd = *(int *)argument;
    while ((n = usctp_recv(sd, buffer, sizeof buffer, 0)) > 0)
        if (usctp_send(sd, buffer, (size_t)n, 0) != n)
            break;
    return NULL;
}

START_TEST(blocking_echo) {
    struct pair pair;
    pthread_t thread;
    pair_open(&pair, _i);
    ck_assert_int_eq(pthread_create(&thread, NULL, echo, &pair.server), 0);
    for (int i = 0; i < 100; i++) {
        char text[32];
        snprintf(text, sizeof text, "message %d", i);
        send_text(pair.client, text);
        expect_text(pair.client, text);
    }
    usctp_close(pair.client);
    pair.client = -1;
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    pair_close(&pair);
}
END_TEST

/* The whole way with one thread, two stacks and poll(). */
START_TEST(nonblocking_one_thread) {
    struct pair pair;
    char buffer[16];
    pair_stacks(&pair, DRIVER_CALLER);
    struct sockaddr_in name = loopback(pair.port);
    set_nonblocking(pair.client, true);
    set_nonblocking(pair.listener, true);
    ck_assert_errno(usctp_accept(pair.listener, NULL, NULL), EAGAIN);
    ck_assert_int_eq(ready_now(pair.client) & POLLOUT, 0);
    ck_assert_errno(usctp_connect(pair.client, (struct sockaddr *)&name, sizeof name), EINPROGRESS);
    ck_assert_errno(usctp_connect(pair.client, (struct sockaddr *)&name, sizeof name), EALREADY);
    ck_assert_int_eq(ready_now(pair.client), 0);
    ck_assert_int_eq(wait_driving(pair.client, POLLOUT, pair.client_stack, pair.server_stack),
                     POLLOUT);
    int error = -1;
    socklen_t length = sizeof error;
    ck_assert_int_eq(usctp_getsockopt(pair.client, SOL_SOCKET, SO_ERROR, &error, &length), 0);
    ck_assert_int_eq(error, 0);
    ck_assert_errno(usctp_connect(pair.client, (struct sockaddr *)&name, sizeof name), EISCONN);
    ck_assert_int_eq(wait_driving(pair.listener, POLLIN, pair.client_stack, pair.server_stack),
                     POLLIN);
    pair.server = usctp_accept4(pair.listener, NULL, NULL, SOCK_NONBLOCK);
    ck_assert_int_ge(pair.server, 0);
    ck_assert_int_eq(ready_now(pair.listener), 0);
    ck_assert_errno(usctp_accept(pair.listener, NULL, NULL), EAGAIN);
    ck_assert_errno(usctp_recv(pair.server, buffer, sizeof buffer, 0), EAGAIN);
    send_text(pair.client, "hello");
    ck_assert_int_eq(wait_driving(pair.server, POLLIN, pair.client_stack, pair.server_stack),
                     POLLIN);
    expect_text(pair.server, "hello");
    ck_assert_int_eq(ready_now(pair.server), POLLOUT);
    pair_close(&pair);
}
END_TEST

START_TEST(refused) {
    struct pair pair;
    pair_stacks(&pair, DRIVER_THREAD);
    struct sockaddr_in name = loopback(pair.port);
    ck_assert_int_eq(usctp_close(pair.listener), 0);
    pair.listener = -1;
    ck_assert_errno(usctp_connect(pair.client, (struct sockaddr *)&name, sizeof name),
                    ECONNREFUSED);
    ck_assert_errno(usctp_recv(pair.client, &name, sizeof name, 0), ENOTCONN);
    pair_close(&pair);
}
END_TEST

/* Refused without blocking: writable and readable, the error by SO_ERROR, and the socket can be
 * used again. */
START_TEST(refused_later) {
    struct pair pair;
    pair_stacks(&pair, DRIVER_THREAD);
    struct sockaddr_in nobody = loopback(pair.port == 1 ? 2 : (uint16_t)(pair.port - 1));
    set_nonblocking(pair.client, true);
    ck_assert_errno(usctp_connect(pair.client, (struct sockaddr *)&nobody, sizeof nobody),
                    EINPROGRESS);
    /* One shows after the other. */
    ck_assert_int_eq(wait_for(pair.client, POLLOUT), POLLOUT);
    ck_assert_int_eq(wait_for(pair.client, POLLIN), POLLIN);
    int error = 0;
    socklen_t length = sizeof error;
    ck_assert_int_eq(usctp_getsockopt(pair.client, SOL_SOCKET, SO_ERROR, &error, &length), 0);
    ck_assert_int_eq(error, ECONNREFUSED);
    ck_assert_int_eq(ready_now(pair.client), 0);
    set_nonblocking(pair.client, false);
    pair_connect(&pair);
    send_text(pair.client, "again");
    expect_text(pair.server, "again");
    pair_close(&pair);
}
END_TEST

/* One thread connects again and again, where nobody listens, while another sends on the same
 * socket: each is told of its own attempt, and what waited for room in one that has failed does not
 * go on in the next. */
struct stubborn {
    struct pair pair;
    _Atomic bool is_over;
};

static void *send_all_the_while(void *argument) {
    struct stubborn *s = argument;
    static const char block[4000];
    while (!s->is_over) {
        ssize_t n = usctp_send(s->pair.client, block, sizeof block, MSG_NOSIGNAL);
        bool is_known = n == (ssize_t)sizeof block || errno == EPIPE || errno == ECONNREFUSED ||
                        errno == ENOTCONN;
        ck_assert_msg(is_known, "%s", strerror(errno));
    }
    return NULL;
}

START_TEST(refused_while_another_sends) {
    struct stubborn s = {.is_over = false};
    pthread_t sender;
    int small = 8192;
    pair_stacks(&s.pair, _i);
    struct sockaddr_in nobody = loopback(s.pair.port == 1 ? 2 : (uint16_t)(s.pair.port - 1));
    struct background background;
    background_start(&background, s.pair.server_stack, _i);
    ck_assert_int_eq(usctp_setsockopt(s.pair.client, SOL_SOCKET, SO_SNDBUF, &small, sizeof small),
                     0);
    ck_assert_int_eq(pthread_create(&sender, NULL, send_all_the_while, &s), 0);
    for (int i = 0; i < ATTEMPTS; i++)
        ck_assert_errno(usctp_connect(s.pair.client, (struct sockaddr *)&nobody, sizeof nobody),
                        ECONNREFUSED);
    s.is_over = true;
    ck_assert_int_eq(pthread_join(sender, NULL), 0);
    background_stop(&background);
    pair_close(&s.pair);
}
END_TEST

/* A UDP socket that never answers. */
static int new_black_hole(uint16_t *port) {
    struct sockaddr_in name = loopback(0);
    socklen_t length = sizeof name;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&name, sizeof name), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&name, &length), 0);
    *port = ntohs(name.sin_port);
    return fd;
}

static void set_fast_init(int sd) {
    struct sctp_rtoinfo rto = {.srto_initial = 10, .srto_min = 10, .srto_max = 20};
    struct sctp_initmsg init = {.sinit_max_attempts = 2, .sinit_max_init_timeo = 20};
    ck_assert_int_eq(usctp_setsockopt(sd, IPPROTO_SCTP, SCTP_RTOINFO, &rto, sizeof rto), 0);
    ck_assert_int_eq(usctp_setsockopt(sd, IPPROTO_SCTP, SCTP_INITMSG, &init, sizeof init), 0);
}

/* A socket whose attempt failed, and which was even shut for reading meanwhile, listens as a new
 * one does: its old error is nobody's. */
START_TEST(listening_after_refusal) {
    struct pair pair;
    pair_stacks(&pair, DRIVER_THREAD);
    struct sockaddr_in name = loopback(pair.port);
    ck_assert_int_eq(usctp_close(pair.listener), 0);
    pair.listener = -1;
    set_nonblocking(pair.client, true);
    ck_assert_errno(usctp_connect(pair.client, (struct sockaddr *)&name, sizeof name), EINPROGRESS);
    if (_i == 1)
        (void)usctp_shutdown(pair.client, SHUT_RD); /* it may be too late */
    ck_assert_int_ne(wait_for(pair.client, POLLOUT), 0);
    ck_assert_int_eq(usctp_listen(pair.client, 1), 0);
    ck_assert_errno(usctp_accept(pair.client, NULL, NULL), EAGAIN);
    pair_close(&pair);
}
END_TEST

START_TEST(timed_out) {
    uint16_t udp_port;
    int hole = new_black_hole(&udp_port);
    struct usctp_stack *stack = new_stack(_i);
    int sd = new_socket(stack);
    struct sockaddr_in name = loopback(5000);
    set_peer_udp_port(sd, udp_port);
    set_fast_init(sd);
    ck_assert_errno(usctp_connect(sd, (struct sockaddr *)&name, sizeof name), ETIMEDOUT);
    ck_assert_errno(usctp_getpeername(sd, (struct sockaddr *)&name, &(socklen_t){sizeof name}),
                    ENOTCONN);
    usctp_close(sd);
    usctp_stack_delete(stack);
    close(hole);
}
END_TEST

/* SO_SNDTIMEO bounds connect(), as for the kernel's sockets. */
START_TEST(send_timeout_bounds_connect) {
    uint16_t udp_port;
    int hole = new_black_hole(&udp_port);
    struct usctp_stack *stack = new_stack(_i);
    int sd = new_socket(stack);
    struct sockaddr_in name = loopback(5000);
    struct timeval timeout = {.tv_usec = 20000};
    set_peer_udp_port(sd, udp_port);
    ck_assert_int_eq(usctp_setsockopt(sd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout), 0);
    ck_assert_errno(usctp_connect(sd, (struct sockaddr *)&name, sizeof name), EINPROGRESS);
    usctp_close(sd);
    usctp_stack_delete(stack);
    close(hole);
}
END_TEST

START_TEST(several_addresses) {
    struct pair pair;
    struct sockaddr_in peer[2], *got = NULL;
    sctp_assoc_t id = 0;
    pthread_t thread;
    pair_stacks(&pair, DRIVER_THREAD);
    ck_assert_int_eq(usctp_close(pair.listener), 0);
    pair.listener = new_socket(pair.server_stack);
    peer[0] = loopback(0);
    peer[1] = loopback(0);
    peer[1].sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
    ck_assert_int_eq(usctp_bindx(pair.listener, (struct sockaddr *)peer, 1, SCTP_BINDX_ADD_ADDR),
                     0);
    ck_assert_int_eq(
        usctp_bindx(pair.listener, (struct sockaddr *)&peer[1], 1, SCTP_BINDX_ADD_ADDR), 0);
    ck_assert_int_eq(usctp_listen(pair.listener, 1), 0);
    pair.port = port_of(pair.listener);
    peer[0].sin_port = peer[1].sin_port = htons(pair.port);
    ck_assert_int_eq(usctp_getladdrs(pair.listener, 0, (struct sockaddr **)&got), 2);
    ck_assert_mem_eq(&got[1].sin_addr, &peer[1].sin_addr, 4);
    usctp_freeladdrs((struct sockaddr *)got);

    ck_assert_int_eq(pthread_create(&thread, NULL, accept_one, &pair), 0);
    ck_assert_int_eq(usctp_connectx(pair.client, (struct sockaddr *)peer, 2, &id), 0);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_ge(id, 3);
    ck_assert_int_eq(usctp_getpaddrs(pair.client, id, (struct sockaddr **)&got), 2);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(got[i].sin_family, AF_INET);
        ck_assert_int_eq(ntohs(got[i].sin_port), pair.port);
    }
    ck_assert_mem_eq(&got[0].sin_addr, &peer[0].sin_addr, 4);
    ck_assert_mem_eq(&got[1].sin_addr, &peer[1].sin_addr, 4);
    usctp_freepaddrs((struct sockaddr *)got);
    struct sockaddr_in name;
    socklen_t length = sizeof name;
    ck_assert_int_eq(usctp_getpeername(pair.client, (struct sockaddr *)&name, &length), 0);
    ck_assert_int_eq(length, sizeof name);
    ck_assert_int_eq(ntohs(name.sin_port), pair.port);
    pair_close(&pair);
}
END_TEST

/* An IPv6 socket takes IPv4 peers as mapped addresses. */
START_TEST(mapped_addresses) {
    struct pair pair;
    int six, off = 0;
    struct sockaddr_in6 mapped = {.sin6_family = AF_INET6}, name;
    struct sockaddr_storage plain;
    socklen_t length = sizeof name;
    pair_stacks(&pair, DRIVER_THREAD);
    six = usctp_socket(pair.client_stack, AF_INET6, SOCK_STREAM, 0);
    ck_assert_int_ge(six, 0);
    set_peer_udp_port(six, usctp_stack_udp_port(pair.server_stack));
    inet_pton(AF_INET6, "::ffff:127.0.0.1", &mapped.sin6_addr);
    mapped.sin6_port = htons(pair.port);
    usctp_close(pair.client);
    pair.client = six;
    ck_assert_int_eq(usctp_connect(six, (struct sockaddr *)&mapped, sizeof mapped), 0);
    ck_assert_int_eq(usctp_getpeername(six, (struct sockaddr *)&name, &length), 0);
    ck_assert_int_eq(length, sizeof name);
    ck_assert_mem_eq(&name.sin6_addr, &mapped.sin6_addr, 16);
    ck_assert_int_eq(
        usctp_setsockopt(six, IPPROTO_SCTP, SCTP_I_WANT_MAPPED_V4_ADDR, &off, sizeof off), 0);
    length = sizeof plain;
    ck_assert_int_eq(usctp_getpeername(six, (struct sockaddr *)&plain, &length), 0);
    ck_assert_int_eq(plain.ss_family, AF_INET);
    pair_close(&pair);
}
END_TEST

START_TEST(v6only_refuses_ipv4) {
    struct usctp_stack *stack = new_stack(DRIVER_CALLER);
    int on = 1, sd = usctp_socket(stack, AF_INET6, SOCK_STREAM, 0);
    struct sockaddr_in name = loopback(5000);
    ck_assert_int_eq(usctp_setsockopt(sd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on), 0);
    ck_assert_errno(usctp_connect(sd, (struct sockaddr *)&name, sizeof name), EINVAL);
    ck_assert_errno(usctp_bind(sd, (struct sockaddr *)&name, sizeof name), EINVAL);
    usctp_close(sd);
    usctp_stack_delete(stack);
}
END_TEST

/* A message may set up the association (RFC 6458 4.1.5). */
START_TEST(implicit_setup) {
    struct pair pair;
    pair_stacks(&pair, DRIVER_THREAD);
    struct sockaddr_in name = loopback(pair.port);
    struct iovec iov = {.iov_base = "first", .iov_len = 5};
    struct msghdr message = {
        .msg_name = &name, .msg_namelen = sizeof name, .msg_iov = &iov, .msg_iovlen = 1};
    ck_assert_int_eq(usctp_sendmsg(pair.client, &message, 0), 5);
    pair.server = usctp_accept(pair.listener, NULL, NULL);
    ck_assert_int_ge(pair.server, 0);
    expect_text(pair.server, "first");
    pair_close(&pair);
}
END_TEST

START_TEST(binding) {
    struct usctp_stack *stack = new_stack(DRIVER_CALLER);
    struct sockaddr_in name = loopback(0), other;
    int a = new_socket(stack), b = new_socket(stack);
    other = name;
    inet_pton(AF_INET, "192.0.2.1", &other.sin_addr); /* RFC 5737: nobody's */
    ck_assert_errno(usctp_bind(a, (struct sockaddr *)&other, sizeof other), EADDRNOTAVAIL);
    ck_assert_errno(usctp_bind(a, (struct sockaddr *)&name, sizeof name - 1), EINVAL);
    ck_assert_errno(usctp_bind(a, NULL, sizeof name), EFAULT);
    struct sockaddr_in6 six = {.sin6_family = AF_INET6};
    ck_assert_errno(usctp_bind(a, (struct sockaddr *)&six, sizeof six), EAFNOSUPPORT);
    ck_assert_int_eq(port_of(a), 0);
    ck_assert_int_eq(usctp_bind(a, (struct sockaddr *)&name, sizeof name), 0);
    ck_assert_int_ge(port_of(a), 32768);
    ck_assert_errno(usctp_bind(a, (struct sockaddr *)&name, sizeof name), EINVAL);
    name.sin_port = htons(port_of(a));
    ck_assert_errno(usctp_bind(b, (struct sockaddr *)&name, sizeof name), EADDRINUSE);
    ck_assert_int_eq(usctp_close(a), 0);
    ck_assert_int_eq(usctp_bind(b, (struct sockaddr *)&name, sizeof name), 0);
    ck_assert_errno(usctp_bindx(b, (struct sockaddr *)&name, 1, SCTP_BINDX_REM_ADDR), EINVAL);
    ck_assert_errno(usctp_bindx(b, (struct sockaddr *)&name, 1, 3), EINVAL);
    ck_assert_errno(usctp_bindx(b, (struct sockaddr *)&name, 0, SCTP_BINDX_ADD_ADDR), EINVAL);
    other = loopback((uint16_t)(ntohs(name.sin_port) ^ 1));
    ck_assert_errno(usctp_bindx(b, (struct sockaddr *)&other, 1, SCTP_BINDX_ADD_ADDR), EINVAL);
    usctp_close(b);
    usctp_stack_delete(stack);
}
END_TEST

START_TEST(wrong_states) {
    struct pair pair;
    struct sockaddr_in name;
    pair_open(&pair, DRIVER_THREAD);
    name = loopback(pair.port);
    ck_assert_errno(usctp_connect(pair.listener, (struct sockaddr *)&name, sizeof name), EISCONN);
    ck_assert_errno(usctp_listen(pair.client, 1), EINVAL);
    ck_assert_errno(usctp_accept(pair.client, NULL, NULL), EINVAL);
    ck_assert_errno(usctp_accept4(pair.listener, NULL, NULL, 1), EINVAL);
    ck_assert_errno(usctp_bindx(pair.client, (struct sockaddr *)&name, 1, SCTP_BINDX_ADD_ADDR),
                    EOPNOTSUPP);
    ck_assert_errno(usctp_recv(pair.listener, &name, 1, 0), ENOTCONN);
    ck_assert_errno(usctp_send(pair.listener, &name, 1, MSG_NOSIGNAL), EPIPE);
    ck_assert_errno(usctp_shutdown(pair.listener, SHUT_WR), ENOTCONN);
    ck_assert_errno(usctp_shutdown(pair.client, 3), EINVAL);
    pair_close(&pair);
}
END_TEST

START_TEST(bad_sockets) {
    struct usctp_stack *stack = new_stack(DRIVER_CALLER);
    ck_assert_errno(usctp_socket(NULL, AF_INET, SOCK_STREAM, 0), EFAULT);
    ck_assert_errno(usctp_socket(stack, AF_UNIX, SOCK_STREAM, 0), EAFNOSUPPORT);
    ck_assert_errno(usctp_socket(stack, AF_INET, SOCK_STREAM, IPPROTO_TCP), EPROTONOSUPPORT);
    ck_assert_errno(usctp_socket(stack, AF_INET, SOCK_DGRAM, 0), ESOCKTNOSUPPORT);
    int sd = usctp_socket(stack, AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    ck_assert_int_eq(fcntl(sd, F_GETFD), FD_CLOEXEC);
    ck_assert_int_ne(fcntl(sd, F_GETFL) & O_NONBLOCK, 0);
    usctp_close(sd);
    sd = new_socket(stack);
    ck_assert_int_eq(fcntl(sd, F_GETFD), 0);
    ck_assert_int_eq(fcntl(sd, F_GETFL) & O_NONBLOCK, 0);
    ck_assert_errno(usctp_listen(-1, 1), EBADF);
    ck_assert_errno(usctp_listen(1 << 30, 1), EBADF);
    int pipes[2];
    ck_assert_int_eq(pipe(pipes), 0);
    ck_assert_errno(usctp_listen(pipes[0], 1), ENOTSOCK);
    ck_assert_errno(usctp_close(pipes[0]), ENOTSOCK);
    int other = socket(AF_INET, SOCK_DGRAM, 0);
    ck_assert_errno(usctp_recv(other, pipes, 1, 0), ENOTSOCK);
    close(other);
    usctp_close(sd);
    ck_assert_errno(usctp_recv(sd, pipes, 1, 0), EBADF);
    usctp_stack_delete(stack);
}
END_TEST

START_TEST(bad_stacks) {
    struct usctp_stack_options options;
    usctp_stack_options_init(&options);
    options.size = 4;
    ck_assert_ptr_null(usctp_stack_new(&options));
    ck_assert_int_eq(errno, EINVAL);
    ck_assert_int_gt((int)strlen(usctp_stack_error()), 0);
    usctp_stack_options_init(&options);
    options.flags = 1u << 31;
    ck_assert_ptr_null(usctp_stack_new(&options));
    ck_assert_int_eq(errno, EINVAL);
    ck_assert_errno(usctp_stack_fd(NULL), EINVAL);
    ck_assert_errno(usctp_stack_process(NULL), EINVAL);
    struct usctp_stack *stack = new_stack(DRIVER_THREAD);
    ck_assert_errno(usctp_stack_fd(stack), EINVAL);
    ck_assert_errno(usctp_stack_process(stack), EINVAL);
    ck_assert_str_eq(usctp_stack_error(), "");
    /* The second one cannot have the same UDP port if it insists. */
    usctp_stack_options_init(&options);
    options.flags = USCTP_STACK_UDP | USCTP_STACK_UDP_PORT_REQUIRED;
    options.udp_port = usctp_stack_udp_port(stack);
    ck_assert_ptr_null(usctp_stack_new(&options));
    ck_assert_int_eq(errno, EADDRINUSE);
    usctp_stack_delete(stack);
    usctp_stack_delete(NULL);
}
END_TEST

/* Of several bound addresses, none of them what the host would send from, a listener uses the one
 * that it was called at. */
START_TEST(answers_come_from_there) {
    struct pair pair;
    struct sockaddr_in bound[2] = {loopback(0), loopback(0)}, from = {.sin_family = AF_INET};
    socklen_t length = sizeof from;
    pthread_t thread;
    char got[4];
    bound[0].sin_addr.s_addr = htonl(INADDR_LOOPBACK + 4);
    bound[1].sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
    pair_stacks(&pair, DRIVER_THREAD);
    usctp_close(pair.listener);
    pair.listener = new_socket(pair.server_stack);
    ck_assert_int_eq(usctp_bindx(pair.listener, (struct sockaddr *)bound, 2, SCTP_BINDX_ADD_ADDR),
                     0);
    ck_assert_int_eq(usctp_listen(pair.listener, 1), 0);
    bound[_i].sin_port = htons(port_of(pair.listener));
    ck_assert_int_eq(pthread_create(&thread, NULL, accept_one, &pair), 0);
    ck_assert_int_eq(usctp_connect(pair.client, (struct sockaddr *)&bound[_i], sizeof bound[_i]),
                     0);
    pthread_join(thread, NULL);
    ck_assert_int_eq(usctp_send(pair.server, "here", 4, 0), 4);
    ck_assert_int_eq(
        usctp_recvfrom(pair.client, got, sizeof got, 0, (struct sockaddr *)&from, &length), 4);
    ck_assert_uint_eq(ntohl(from.sin_addr.s_addr), ntohl(bound[_i].sin_addr.s_addr));
    pair_close(&pair);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("connect");
    TCase *tcase = tcase_create("connect");
    tcase_set_timeout(tcase, TEST_SECONDS);
    tcase_add_loop_test(tcase, blocking_echo, 0, DRIVERS);
    tcase_add_test(tcase, nonblocking_one_thread);
    tcase_add_test(tcase, refused);
    tcase_add_test(tcase, refused_later);
    tcase_add_loop_test(tcase, refused_while_another_sends, 0, DRIVERS);
    tcase_add_loop_test(tcase, listening_after_refusal, 0, 2);
    tcase_add_loop_test(tcase, timed_out, 0, DRIVERS);
    tcase_add_loop_test(tcase, send_timeout_bounds_connect, 0, DRIVERS);
    tcase_add_test(tcase, several_addresses);
    tcase_add_test(tcase, mapped_addresses);
    tcase_add_test(tcase, v6only_refuses_ipv4);
    tcase_add_test(tcase, implicit_setup);
    tcase_add_loop_test(tcase, answers_come_from_there, 0, 2);
    tcase_add_test(tcase, binding);
    tcase_add_test(tcase, wrong_states);
    tcase_add_test(tcase, bad_sockets);
    tcase_add_test(tcase, bad_stacks);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
