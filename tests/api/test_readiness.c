/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What poll, select and epoll (level and edge) say of a socket, in every state; and the pair of
 * sockets that says it.
 */
#include "api/api_test.h"
#include "api/descriptor.h"

#include <sys/select.h>

enum { ALL = POLLIN | POLLOUT | POLLRDHUP | POLLHUP | POLLERR };

/* ---- the mechanics --------------------------------------------------------------------------- */

START_TEST(descriptor_shows_every_state) {
    struct descriptor d;
    ck_assert_int_eq(descriptor_open(&d, 0), 0);
    int a = d.number;
    ck_assert_int_eq(ready_now(a), POLLOUT);
    descriptor_park(&d, a);
    ck_assert_int_eq(ready_now(a), POLLOUT);
    descriptor_fill(&d, a);
    ck_assert_int_eq(ready_now(a), 0);
    ck_assert_errno(send(a, "x", 1, MSG_DONTWAIT), EAGAIN); /* a stray write does no harm */
    descriptor_give_token(&d);
    ck_assert_int_eq(ready_now(a), POLLIN);
    descriptor_drain(&d);
    ck_assert_int_eq(ready_now(a), POLLIN | POLLOUT);
    descriptor_give_token(&d);
    descriptor_take_tokens(&d, a, 0);
    ck_assert_int_eq(ready_now(a), POLLOUT);
    ck_assert(!descriptor_is_abandoned(&d));
    descriptor_fill(&d, a);
    descriptor_show_eof(&d);
    ck_assert_int_eq(ready_now(a), POLLIN | POLLRDHUP);
    ck_assert(!descriptor_is_abandoned(&d));
    descriptor_show_end(&d);
    ck_assert_int_eq(ready_now(a) & ALL, POLLIN | POLLOUT | POLLRDHUP | POLLHUP);
    ck_assert(!descriptor_is_abandoned(&d));
    int copy = dup(a);
    close(a);
    ck_assert(!descriptor_is_abandoned(&d));
    close(copy);
    ck_assert(descriptor_is_abandoned(&d));
    descriptor_close(&d);
}
END_TEST

/* Not writable from the start, as one that is not connected; an error shows all the same once it
 * is. */
START_TEST(descriptor_filled_at_once) {
    struct descriptor d;
    ck_assert_int_eq(descriptor_open(&d, SOCK_NONBLOCK), 0);
    int a = d.number;
    descriptor_fill(&d, a);
    ck_assert_int_eq(ready_now(a), 0);
    ck_assert_errno(send(a, "x", 1, MSG_DONTWAIT), EAGAIN);
    descriptor_drain(&d);
    ck_assert_int_eq(ready_now(a), POLLOUT);
    descriptor_show_error(&d);
    ck_assert_int_eq(ready_now(a) & ALL, ALL);
    close(a);
    ck_assert(descriptor_is_abandoned(&d));
    descriptor_close(&d);
}
END_TEST

/* An end that no end of file went before, of one with a parked message, a filled one, or neither:
 * no error, and the last close is heard of. */
START_TEST(descriptor_ends_at_once) {
    struct descriptor d;
    ck_assert_int_eq(descriptor_open(&d, SOCK_NONBLOCK), 0);
    int a = d.number;
    if (_i == 1)
        descriptor_park(&d, a);
    if (_i == 2)
        descriptor_fill(&d, a);
    if (_i == 3)
        descriptor_give_token(&d);
    descriptor_show_end(&d);
    ck_assert_int_eq(ready_now(a) & ALL, POLLIN | POLLOUT | POLLRDHUP | POLLHUP);
    int copy = dup(a);
    close(a);
    ck_assert(!descriptor_is_abandoned(&d));
    ck_assert_int_eq(ready_now(copy) & ALL, POLLIN | POLLOUT | POLLRDHUP | POLLHUP);
    close(copy);
    ck_assert(descriptor_is_abandoned(&d));
    descriptor_close(&d);
}
END_TEST

/* A number that may be another's by now is left alone if it is. */
START_TEST(descriptor_of_another) {
    struct descriptor d;
    int ends[2];
    char byte;
    ck_assert_int_eq(descriptor_open(&d, SOCK_NONBLOCK), 0);
    int a = d.number;
    descriptor_give_token(&d);
    descriptor_give_token(&d);
    int copy = dup(a);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends), 0);
    ck_assert_int_eq(send(ends[1], "m", 1, 0), 1);
    d.is_doubtful = true;
    descriptor_take_tokens(&d, copy, 1);
    ck_assert_uint_eq(d.tokens, 1);
    ck_assert_int_eq(dup2(ends[0], a), a);
    d.is_doubtful = true;
    descriptor_take_tokens(&d, a, 0);
    descriptor_park(&d, a);
    descriptor_fill(&d, a);
    ck_assert_uint_eq(d.tokens, 1);
    ck_assert_int_eq(ready_now(copy), POLLIN | POLLOUT);
    ck_assert_int_eq(recv(a, &byte, 1, 0), 1);
    ck_assert_int_eq(byte, 'm');
    ck_assert_errno(recv(ends[1], &byte, 1, MSG_DONTWAIT), EAGAIN);
    close(a);
    close(copy);
    close(ends[0]);
    close(ends[1]);
    descriptor_close(&d);
}
END_TEST

START_TEST(descriptor_shows_an_error) {
    struct descriptor d;
    uint64_t inode;
    ck_assert_int_eq(descriptor_open(&d, SOCK_NONBLOCK), 0);
    int a = d.number;
    descriptor_park(&d, a);
    descriptor_show_error(&d);
    ck_assert_int_eq(ready_now(a) & ALL, ALL);
    int error = 0;
    socklen_t length = sizeof error;
    ck_assert_int_eq(getsockopt(a, SOL_SOCKET, SO_ERROR, &error, &length), 0);
    ck_assert_int_eq(error, ECONNRESET);
    ck_assert_int_eq(ready_now(a) & POLLERR, 0);
    ck_assert(!descriptor_is_abandoned(&d));
    close(a);
    ck_assert(descriptor_is_abandoned(&d));
    ck_assert_int_eq(descriptor_identify(a, &inode), -EBADF);
}
END_TEST

/* The application gets the low numbers, select() needs them. */
START_TEST(descriptor_numbers_stay_low) {
    struct descriptor d[8];
    for (int i = 0; i < 8; i++) {
        ck_assert_int_eq(descriptor_open(&d[i], 0), 0);
        ck_assert_int_lt(d[i].number, d[0].number + 16);
        ck_assert_int_gt(d[i].own, d[0].number + 16);
    }
    for (int i = 0; i < 8; i++) {
        close(d[i].number);
        descriptor_close(&d[i]);
    }
}
END_TEST

/* ---- sockets --------------------------------------------------------------------------------- */

START_TEST(states) {
    struct pair pair;
    char buffer[8];
    pair_stacks(&pair, DRIVER_THREAD);
    ck_assert_int_eq(ready_now(pair.client), 0); /* as Linux: not connected is not writable */
    ck_assert_int_eq(ready_now(pair.listener), 0);
    pair_connect(&pair);
    ck_assert_int_eq(ready_now(pair.client), POLLOUT);
    ck_assert_int_eq(ready_now(pair.server), POLLOUT);
    ck_assert_int_eq(usctp_send(pair.client, "ab", 2, 0), 2);
    ck_assert_int_eq(usctp_send(pair.client, "cd", 2, 0), 2);
    ck_assert_int_ne(wait_for(pair.server, POLLIN) & POLLIN, 0);
    ck_assert_int_eq(usctp_recv(pair.server, buffer, 1, 0), 1);
    ck_assert_int_eq(ready_now(pair.server), POLLIN | POLLOUT);
    ck_assert_int_eq(usctp_recv(pair.server, buffer, 8, 0), 1);
    ck_assert_int_eq(usctp_recv(pair.server, buffer, 8, 0), 2);
    ck_assert_int_eq(ready_now(pair.server), POLLOUT);
    ck_assert_int_eq(usctp_close(pair.client), 0);
    pair.client = -1;
    int events = wait_for(pair.server, POLLRDHUP);
    ck_assert_int_ne(events & POLLRDHUP, 0);
    events = wait_for(pair.server, 0); /* POLLHUP comes unasked */
    ck_assert_int_eq(ready_now(pair.server) & ALL, POLLIN | POLLOUT | POLLRDHUP | POLLHUP);
    ck_assert_int_eq(usctp_recv(pair.server, buffer, 8, 0), 0);
    pair_close(&pair);
}
END_TEST

START_TEST(reset_is_an_error) {
    struct pair pair;
    struct linger abortive = {.l_onoff = 1, .l_linger = 0};
    char buffer[8];
    pair_open(&pair, DRIVER_THREAD);
    ck_assert_int_eq(usctp_send(pair.server, "x", 1, 0), 1);
    ck_assert_int_eq(
        usctp_setsockopt(pair.client, SOL_SOCKET, SO_LINGER, &abortive, sizeof abortive), 0);
    ck_assert_int_eq(usctp_close(pair.client), 0);
    pair.client = -1;
    ck_assert_int_ne(wait_for(pair.server, 0) & POLLERR, 0);
    ck_assert_int_eq(ready_now(pair.server) & ALL, ALL);
    int error = 0;
    socklen_t length = sizeof error;
    ck_assert_int_eq(usctp_getsockopt(pair.server, SOL_SOCKET, SO_ERROR, &error, &length), 0);
    ck_assert_int_eq(error, ECONNRESET);
    ck_assert_int_eq(ready_now(pair.server) & POLLERR, 0);
    ck_assert_int_eq(usctp_recv(pair.server, buffer, sizeof buffer, 0), 0);
    pair_close(&pair);
}
END_TEST

/* A full send buffer: not writable; once the peer reads: writable again, and every waiter learns
 * it. */
START_TEST(writability) {
    struct pair pair;
    char block[1000] = {0};
    int small = 8192, queued = 0;
    pair_stacks(&pair, DRIVER_THREAD);
    ck_assert_int_eq(usctp_setsockopt(pair.client, SOL_SOCKET, SO_SNDBUF, &small, sizeof small), 0);
    ck_assert_int_eq(usctp_setsockopt(pair.listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof small),
                     0);
    pair_connect(&pair);
    while (queued < 10000 && usctp_send(pair.client, block, sizeof block, MSG_DONTWAIT) > 0)
        queued++;
    ck_assert_int_eq(errno, EAGAIN);
    ck_assert_int_ge(queued, 8);
    ck_assert_int_eq(ready_now(pair.client), 0);
    int epoll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLOUT | EPOLLET};
    ck_assert_int_eq(epoll_ctl(epoll, EPOLL_CTL_ADD, pair.client, &event), 0);
    ck_assert_int_eq(epoll_wait(epoll, &event, 1, 0), 0);
    for (int i = 0; i < queued; i++)
        ck_assert_int_eq(usctp_recv(pair.server, block, sizeof block, 0), sizeof block);
    ck_assert_int_eq(epoll_wait(epoll, &event, 1, BOUND_MS), 1);
    ck_assert_int_ne((int)event.events & EPOLLOUT, 0);
    ck_assert_int_eq(ready_now(pair.client), POLLOUT);
    ck_assert_int_eq(usctp_send(pair.client, block, sizeof block, MSG_DONTWAIT), sizeof block);
    close(epoll);
    pair_close(&pair);
}
END_TEST

START_TEST(select_sees_it) {
    struct pair pair;
    fd_set readers, writers;
    struct timeval timeout = {.tv_sec = BOUND_MS / 1000};
    pair_open(&pair, DRIVER_THREAD);
    ck_assert_int_lt(pair.server, FD_SETSIZE);
    FD_ZERO(&readers);
    FD_ZERO(&writers);
    FD_SET(pair.server, &readers);
    FD_SET(pair.client, &writers);
    ck_assert_int_eq(select(FD_SETSIZE, &readers, &writers, NULL, &timeout), 1);
    ck_assert(FD_ISSET(pair.client, &writers));
    ck_assert(!FD_ISSET(pair.server, &readers));
    ck_assert_int_eq(usctp_send(pair.client, "x", 1, 0), 1);
    FD_SET(pair.server, &readers);
    ck_assert_int_eq(select(FD_SETSIZE, &readers, NULL, NULL, &timeout), 1);
    ck_assert(FD_ISSET(pair.server, &readers));
    pair_close(&pair);
}
END_TEST

/* Edge-triggered: each change from empty to not empty is one event. */
START_TEST(edges) {
    struct pair pair;
    char buffer[8];
    pair_open(&pair, DRIVER_THREAD);
    set_prompt(pair.client);
    int epoll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN | EPOLLET};
    ck_assert_int_eq(epoll_ctl(epoll, EPOLL_CTL_ADD, pair.server, &event), 0);
    for (int i = 0; i < 20; i++) {
        ck_assert_int_eq(epoll_wait(epoll, &event, 1, 0), 0);
        ck_assert_int_eq(usctp_send(pair.client, "edge", 4, 0), 4);
        ck_assert_int_eq(epoll_wait(epoll, &event, 1, BOUND_MS), 1);
        ck_assert_int_eq((int)event.events, EPOLLIN);
        ck_assert_int_eq(usctp_recv(pair.server, buffer, sizeof buffer, MSG_DONTWAIT), 4);
        ck_assert_errno(usctp_recv(pair.server, buffer, sizeof buffer, MSG_DONTWAIT), EAGAIN);
    }
    close(epoll);
    pair_close(&pair);
}
END_TEST

/* A listener is readable exactly while accept() would give something. */
START_TEST(listener) {
    struct pair pair;
    int clients[3];
    pair_stacks(&pair, DRIVER_THREAD);
    struct sockaddr_in name = loopback(pair.port);
    for (int i = 0; i < 3; i++) {
        clients[i] = new_socket(pair.client_stack);
        set_peer_udp_port(clients[i], usctp_stack_udp_port(pair.server_stack));
        ck_assert_int_eq(usctp_connect(clients[i], (struct sockaddr *)&name, sizeof name), 0);
    }
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(wait_for(pair.listener, POLLIN), POLLIN);
        struct sockaddr_in from = {0};
        socklen_t length = sizeof from;
        int sd = usctp_accept(pair.listener, (struct sockaddr *)&from, &length);
        ck_assert_int_ge(sd, 0);
        ck_assert_int_eq(length, sizeof from);
        ck_assert_int_eq(from.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
        ck_assert_int_eq(ntohs(from.sin_port), port_of(clients[i]));
        usctp_close(sd);
    }
    ck_assert_int_eq(ready_now(pair.listener), 0);
    for (int i = 0; i < 3; i++)
        usctp_close(clients[i]);
    pair_close(&pair);
}
END_TEST

/* Without a thread: the stack's one descriptor tells of packets and timers. */
START_TEST(stack_descriptor) {
    struct pair pair;
    char byte;
    pair_open(&pair, DRIVER_CALLER);
    int fd = usctp_stack_fd(pair.server_stack);
    ck_assert_int_ge(fd, 0);
    while (usctp_stack_process(pair.server_stack) == 1)
        ;
    /* RFC 9260 5.1: the first DATA is acknowledged at once, and only later DATA by the timer. */
    ck_assert_int_eq(usctp_send(pair.client, "w", 1, 0), 1);
    ck_assert_int_eq(usctp_recv(pair.server, &byte, 1, 0), 1);
    while (usctp_stack_process(pair.server_stack) == 1)
        ;
    ck_assert_int_eq(usctp_stack_process(pair.client_stack), 0);
    ck_assert_int_eq(usctp_send(pair.client, "x", 1, 0), 1);
    ck_assert_int_eq(wait_for(fd, POLLIN), POLLIN);
    ck_assert_int_eq(ready_now(pair.server) & POLLIN, 0);
    ck_assert_int_eq(usctp_stack_process(pair.server_stack), 0);
    ck_assert_int_eq(ready_now(pair.server) & POLLIN, POLLIN);
    /* The delayed SACK is a timer, and the descriptor wakes for it. */
    ck_assert_int_eq(wait_for(fd, POLLIN), POLLIN);
    ck_assert_int_ge(usctp_stack_process(pair.server_stack), 0);
    pair_close(&pair);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("readiness");
    TCase *tcase = tcase_create("readiness");
    tcase_set_timeout(tcase, TEST_SECONDS);
    tcase_add_test(tcase, descriptor_shows_every_state);
    tcase_add_test(tcase, descriptor_filled_at_once);
    tcase_add_loop_test(tcase, descriptor_ends_at_once, 0, 4);
    tcase_add_test(tcase, descriptor_of_another);
    tcase_add_test(tcase, descriptor_shows_an_error);
    tcase_add_test(tcase, descriptor_numbers_stay_low);
    tcase_add_test(tcase, states);
    tcase_add_test(tcase, reset_is_an_error);
    tcase_add_test(tcase, writability);
    tcase_add_test(tcase, select_sees_it);
    tcase_add_test(tcase, edges);
    tcase_add_test(tcase, listener);
    tcase_add_test(tcase, stack_descriptor);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
