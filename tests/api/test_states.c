/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every state of a socket, as poll, select and epoll show it, level- and edge-triggered. The
 * expected bits are those of Linux's SCTP: not connected is neither writable nor hung up; listening
 * is readable while accept() has something; POLLRDHUP once the peer has shut down, POLLHUP when
 * both have, POLLERR for an error that is not told yet. One exception is in docs/api.md: a
 * connect() that failed shows POLLIN and POLLOUT, as the descriptor can be used again.
 */
#include "api/many_test.h"

#include <sys/select.h>

enum { HUNG_UP = POLLIN | POLLOUT | POLLRDHUP | POLLHUP };

/* A socket, watched by two epoll sets from its beginning. */
struct watch {
    int sd, level, edge;
};

static void watch_open(struct watch *w, int sd) {
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP};
    *w = (struct watch){.sd = sd, .level = epoll_create1(0), .edge = epoll_create1(0)};
    ck_assert_int_eq(epoll_ctl(w->level, EPOLL_CTL_ADD, sd, &event), 0);
    event.events |= EPOLLET;
    ck_assert_int_eq(epoll_ctl(w->edge, EPOLL_CTL_ADD, sd, &event), 0);
}

static void watch_close(struct watch *w) {
    close(w->level);
    close(w->edge);
}

static int events_of(int epoll, int timeout_ms) {
    struct epoll_event event = {.events = 0};
    int n = epoll_wait(epoll, &event, 1, timeout_ms);
    ck_assert_int_ge(n, 0);
    return n == 0 ? 0 : (int)event.events;
}

/* select(2): readable is IN, HUP and ERR; writable is OUT and ERR. */
static void check_select(int sd, int events) {
    fd_set readers, writers;
    struct timeval now = {0};
    ck_assert_int_lt(sd, FD_SETSIZE);
    FD_ZERO(&readers);
    FD_ZERO(&writers);
    FD_SET(sd, &readers);
    FD_SET(sd, &writers);
    ck_assert_int_ge(select(sd + 1, &readers, &writers, NULL, &now), 0);
    ck_assert_int_eq(!!FD_ISSET(sd, &readers), (events & (POLLIN | POLLHUP | POLLERR)) != 0);
    ck_assert_int_eq(!!FD_ISSET(sd, &writers), (events & (POLLOUT | POLLERR)) != 0);
}

/* Waits until it is so, and checks that all say the same. With `is_news` epoll has an edge that
 * told of it, and no other is left. */
static void expect(struct watch *w, int events, bool is_news) {
    for (int i = 0; i < BOUND_MS && ready_now(w->sd) != events; i++)
        usleep(1000);
    ck_assert_int_eq(ready_now(w->sd), events);
    ck_assert_int_eq(events_of(w->level, 0), events);
    check_select(w->sd, events);
    int seen = 0, last;
    while ((last = events_of(w->edge, 0)) != 0)
        seen = last;
    ck_assert_int_eq(seen, is_news ? events : 0);
}

static int take_error(int sd) {
    int error = 0;
    socklen_t length = sizeof error;
    ck_assert_int_eq(usctp_getsockopt(sd, SOL_SOCKET, SO_ERROR, &error, &length), 0);
    return error;
}

START_TEST(one_to_one) {
    struct pair pair;
    struct watch client, listener, server;
    struct sockaddr_in name;
    char byte;
    pair_stacks(&pair, DRIVER_THREAD);
    watch_open(&client, pair.client);
    watch_open(&listener, pair.listener);
    expect(&client, 0, false); /* fresh */
    expect(&listener, 0, false);
    name = loopback(pair.port);
    ck_assert_int_eq(usctp_connect(pair.client, (struct sockaddr *)&name, sizeof name), 0);
    expect(&client, POLLOUT, true); /* connected */
    expect(&listener, POLLIN, true);
    pair.server = usctp_accept(pair.listener, NULL, NULL);
    expect(&listener, 0, false);
    watch_open(&server, pair.server);
    expect(&server, POLLOUT, true); /* epoll reports what is so when it is told of it */
    ck_assert_int_eq(usctp_send(pair.client, "x", 1, 0), 1);
    expect(&server, POLLIN | POLLOUT, true);
    ck_assert_int_eq(usctp_recv(pair.server, &byte, 1, 0), 1);
    expect(&server, POLLOUT, false);
    ck_assert_int_eq(usctp_shutdown(pair.client, SHUT_WR), 0);
    expect(&server, HUNG_UP, true); /* nothing was left to send: it is over */
    expect(&client, HUNG_UP, true);
    ck_assert_int_eq(usctp_recv(pair.server, &byte, 1, 0), 0);
    expect(&server, HUNG_UP, false); /* and stays so */
    watch_close(&client);
    watch_close(&listener);
    watch_close(&server);
    pair_close(&pair);
}
END_TEST

/* Connecting, then refused: as not connected, with an error to be told. */
START_TEST(connecting) {
    struct usctp_stack *stack = new_stack(DRIVER_THREAD);
    struct sockaddr_in name = loopback(0);
    socklen_t length = sizeof name;
    struct watch watch;
    int silent = socket(AF_INET, SOCK_DGRAM, 0);
    ck_assert_int_eq(bind(silent, (struct sockaddr *)&name, sizeof name), 0);
    ck_assert_int_eq(getsockname(silent, (struct sockaddr *)&name, &length), 0);
    int sd = usctp_socket(stack, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    set_peer_udp_port(sd, ntohs(name.sin_port));
    struct sctp_initmsg init = {.sinit_max_attempts = 1, .sinit_max_init_timeo = 100};
    struct sctp_rtoinfo rto = {.srto_initial = 100, .srto_max = 100, .srto_min = 100};
    ck_assert_int_eq(usctp_setsockopt(sd, IPPROTO_SCTP, SCTP_INITMSG, &init, sizeof init), 0);
    ck_assert_int_eq(usctp_setsockopt(sd, IPPROTO_SCTP, SCTP_RTOINFO, &rto, sizeof rto), 0);
    watch_open(&watch, sd);
    name = loopback(7);
    ck_assert_errno(usctp_connect(sd, (struct sockaddr *)&name, sizeof name), EINPROGRESS);
    expect(&watch, 0, false);
    expect(&watch, POLLIN | POLLOUT, true);
    ck_assert_int_eq(take_error(sd), ETIMEDOUT);
    expect(&watch, 0, false);
    watch_close(&watch);
    close(silent);
    usctp_close(sd);
    usctp_stack_delete(stack);
}
END_TEST

/* The peer has shut down, and there is still something to send to it; then it is reset. */
START_TEST(shut_and_reset) {
    struct pair pair;
    struct watch server;
    struct linger abortive = {.l_onoff = 1};
    static const char block[1000];
    int small = 8192;
    char byte;
    pair_stacks(&pair, DRIVER_THREAD);
    ck_assert_int_eq(usctp_setsockopt(pair.client, SOL_SOCKET, SO_RCVBUF, &small, sizeof small), 0);
    pair_connect(&pair);
    watch_open(&server, pair.server);
    expect(&server, POLLOUT, true);
    while (usctp_send(pair.server, block, sizeof block, MSG_DONTWAIT) > 0)
        ;
    for (int i = 0; i < 50; i++) { /* room comes while the peer still takes in */
        usleep(2000);
        while (usctp_send(pair.server, block, sizeof block, MSG_DONTWAIT) > 0)
            i = 0;
    }
    while (events_of(server.edge, 0) != 0)
        ;
    expect(&server, 0, false); /* full */
    ck_assert_int_eq(usctp_shutdown(pair.client, SHUT_WR), 0);
    for (int i = 0; i < BOUND_MS && !(ready_now(pair.server) & POLLRDHUP); i++)
        usleep(1000);
    ck_assert_int_eq(ready_now(pair.server) & (POLLIN | POLLRDHUP | POLLHUP), POLLIN | POLLRDHUP);
    ck_assert_int_ne(events_of(server.edge, BOUND_MS) & EPOLLRDHUP, 0);
    ck_assert_int_eq(usctp_recv(pair.server, &byte, 1, 0), 0);
    usctp_setsockopt(pair.client, SOL_SOCKET, SO_LINGER, &abortive, sizeof abortive);
    usctp_close(pair.client);
    pair.client = -1;
    expect(&server, HUNG_UP | POLLERR, true);
    ck_assert_int_eq(take_error(pair.server), ECONNRESET);
    expect(&server, HUNG_UP, false);
    watch_close(&server);
    pair_close(&pair);
}
END_TEST

START_TEST(one_to_many) {
    struct group g;
    struct watch server, peer;
    group_open(&g, DRIVER_THREAD);
    watch_open(&server, g.server);
    watch_open(&peer, g.peers[0]);
    expect(&server, POLLOUT, true); /* from the start: RFC 6458 3.2 */
    expect(&peer, POLLOUT, true);
    ck_assert_int_eq(send_text(g.peers[0], g.port, "hello"), 5);
    expect(&server, POLLIN | POLLOUT, true);
    sctp_assoc_t id = expect_from(g.server, "hello", NULL);
    expect(&server, POLLOUT, false);
    ck_assert_int_eq(send_by_id(g.server, id, SCTP_EOF, ""), 0); /* an end is none of the socket */
    for (int i = 0; i < BOUND_MS && count_of(g.server) > 0; i++)
        usleep(1000);
    ck_assert_int_eq(ready_now(g.server), POLLOUT);
    ck_assert_int_eq(ready_now(g.peers[0]), POLLOUT);
    watch_close(&server);
    watch_close(&peer);
    group_close(&g);
}
END_TEST

/* Each arrival is an edge, also while there is still something to read, up to a few in a row that
 * nobody reads. */
START_TEST(edge_for_each_arrival) {
    struct pair pair;
    char byte;
    pair_open(&pair, DRIVER_THREAD);
    set_prompt(pair.client);
    int edge = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN | EPOLLET};
    ck_assert_int_eq(epoll_ctl(edge, EPOLL_CTL_ADD, pair.server, &event), 0);
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(usctp_send(pair.client, "x", 1, 0), 1);
        ck_assert_int_eq(events_of(edge, BOUND_MS), EPOLLIN);
        ck_assert_int_eq(events_of(edge, 0), 0);
    }
    /* One message for each edge, as some programs do it, and never all. */
    for (int i = 0; i < 100; i++) {
        ck_assert_int_eq(usctp_recv(pair.server, &byte, 1, MSG_DONTWAIT), 1);
        ck_assert_int_eq(events_of(edge, 0), 0); /* what is left is no news */
        ck_assert_int_eq(ready_now(pair.server) & POLLIN, POLLIN);
        ck_assert_int_eq(usctp_send(pair.client, "x", 1, 0), 1);
        ck_assert_int_eq(events_of(edge, BOUND_MS), EPOLLIN);
    }
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(usctp_recv(pair.server, &byte, 1, MSG_DONTWAIT), 1);
    ck_assert_int_eq(ready_now(pair.server), POLLOUT);
    ck_assert_errno(usctp_recv(pair.server, &byte, 1, MSG_DONTWAIT), EAGAIN);
    close(edge);
    pair_close(&pair);
}
END_TEST

/* The same for a listener and those who arrive. */
START_TEST(edge_for_each_association) {
    struct pair pair;
    int clients[4], edge = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN | EPOLLET};
    pair_stacks(&pair, DRIVER_THREAD);
    struct sockaddr_in name = loopback(pair.port);
    ck_assert_int_eq(epoll_ctl(edge, EPOLL_CTL_ADD, pair.listener, &event), 0);
    for (int i = 0; i < 4; i++) {
        clients[i] = new_socket(pair.client_stack);
        set_peer_udp_port(clients[i], usctp_stack_udp_port(pair.server_stack));
        ck_assert_int_eq(usctp_connect(clients[i], (struct sockaddr *)&name, sizeof name), 0);
        ck_assert_int_eq(events_of(edge, BOUND_MS), EPOLLIN);
    }
    for (int i = 0; i < 4; i++) {
        int sd = usctp_accept(pair.listener, NULL, NULL);
        ck_assert_int_ge(sd, 0);
        usctp_close(sd);
        usctp_close(clients[i]);
    }
    ck_assert_int_eq(ready_now(pair.listener), 0);
    close(edge);
    pair_close(&pair);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("states");
    TCase *tcase = tcase_create("states");
    tcase_set_timeout(tcase, TEST_SECONDS);
    tcase_add_test(tcase, one_to_one);
    tcase_add_test(tcase, connecting);
    tcase_add_test(tcase, shut_and_reset);
    tcase_add_test(tcase, one_to_many);
    tcase_add_test(tcase, edge_for_each_arrival);
    tcase_add_test(tcase, edge_for_each_association);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
