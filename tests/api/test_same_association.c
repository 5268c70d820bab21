/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * However an association came about, by usctp_connectx, by usctp_bindx and usctp_connect, by a
 * message to a new peer, or from the peer, the functions about it give the same (RFC 6458 9.2, 9.3,
 * 9.5, 8.2): both ends of each are looked at, with two addresses at the one that listens.
 */
#include "many_test.h"

#include <stddef.h>
#include <stdio.h>
#include <sys/resource.h>

enum way { CONNECTX, BINDX_CONNECT, CONNECT, IMPLICIT, WAYS };
static const char *const way_names[] = {"connectx", "bindx and connect", "connect", "sendmsg"};

struct end {
    int sd;
    sctp_assoc_t id;
    uint16_t peer_port;
    int peer_addresses; /* how many there are at least */
};

static struct sockaddr_in two[2];

static void make_two(uint16_t port) {
    two[0] = two[1] = loopback(port);
    two[1].sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
}

/* ---- making one ------------------------------------------------------------------------------ */

/* Returns the client's id of it. */
static sctp_assoc_t connect_by(enum way way, int sd, uint16_t port) {
    sctp_assoc_t id = 0;
    struct sctp_sndinfo info = {.snd_sid = 0};
    struct iovec iov = {.iov_base = "hello", .iov_len = 5};
    if (way == BINDX_CONNECT) {
        make_two(0);
        ck_assert_int_eq(usctp_bindx(sd, (struct sockaddr *)two, 2, SCTP_BINDX_ADD_ADDR), 0);
    }
    make_two(port);
    switch (way) {
    case CONNECTX:
        ck_assert_int_eq(usctp_connectx(sd, (struct sockaddr *)two, 2, &id), 0);
        break;
    case BINDX_CONNECT:
    case CONNECT:
        ck_assert_int_eq(usctp_connect(sd, (struct sockaddr *)two, sizeof two[0]), 0);
        id = usctp_getassocid(sd, (struct sockaddr *)two);
        break;
    case IMPLICIT:
    case WAYS:
        ck_assert_int_eq(usctp_sendv(sd, &iov, 1, (struct sockaddr *)two, 2, &info, sizeof info,
                                     USCTP_SENDV_SNDINFO, 0),
                         5);
        id = info.snd_assoc_id;
        break;
    }
    ck_assert_msg(id >= 3, "%s: id %d", way_names[way], id);
    return id;
}

/* ---- what is the same ------------------------------------------------------------------------ */

static void check_addresses(const struct end *end) {
    struct sockaddr_in *list = NULL;
    int n = usctp_getpaddrs(end->sd, end->id, (struct sockaddr **)&list);
    ck_assert_int_ge(n, end->peer_addresses);
    for (int i = 0; i < n; i++) {
        ck_assert_int_eq(list[i].sin_family, AF_INET);
        ck_assert_uint_eq(ntohs(list[i].sin_port), end->peer_port);
        ck_assert_int_eq(usctp_getassocid(end->sd, (struct sockaddr *)&list[i]), end->id);
        struct sctp_paddrinfo info = {.spinfo_assoc_id = end->id};
        socklen_t length = sizeof info;
        memcpy((char *)&info + offsetof(struct sctp_paddrinfo, spinfo_address), &list[i],
               sizeof list[i]);
        ck_assert_int_eq(
            usctp_getsockopt(end->sd, IPPROTO_SCTP, SCTP_GET_PEER_ADDR_INFO, &info, &length), 0);
        ck_assert_int_eq(info.spinfo_assoc_id, end->id);
        ck_assert_uint_gt(info.spinfo_mtu, 500);
    }
    usctp_freepaddrs((struct sockaddr *)list);
    n = usctp_getladdrs(end->sd, end->id, (struct sockaddr **)&list);
    ck_assert_int_ge(n, 1);
    for (int i = 0; i < n; i++)
        ck_assert_uint_eq(ntohs(list[i].sin_port), port_of(end->sd));
    usctp_freeladdrs((struct sockaddr *)list);
}

static void check_status(const struct end *end) {
    struct sctp_status status;
    struct sctp_prim prim;
    socklen_t length = sizeof status;
    ck_assert_int_eq(usctp_opt_info(end->sd, end->id, SCTP_STATUS, &status, &length), 0);
    ck_assert_int_eq(status.sstat_assoc_id, end->id);
    ck_assert_int_eq(status.sstat_state, SCTP_ESTABLISHED);
    length = sizeof prim;
    ck_assert_int_eq(usctp_opt_info(end->sd, end->id, SCTP_PRIMARY_ADDR, &prim, &length), 0);
    ck_assert_int_eq(prim.ssp_assoc_id, end->id);
    ck_assert_int_eq(usctp_setsockopt(end->sd, IPPROTO_SCTP, SCTP_PRIMARY_ADDR, &prim, sizeof prim),
                     0);
    struct sctp_assocparams params = {.sasoc_assoc_id = end->id, .sasoc_cookie_life = 12345};
    ck_assert_int_eq(
        usctp_setsockopt(end->sd, IPPROTO_SCTP, SCTP_ASSOCINFO, &params, sizeof params), 0);
    length = sizeof params;
    ck_assert_int_eq(usctp_opt_info(end->sd, end->id, SCTP_ASSOCINFO, &params, &length), 0);
    ck_assert_uint_eq(params.sasoc_cookie_life, 12345);
    ck_assert_int_ge(params.sasoc_number_peer_destinations, end->peer_addresses);
}

static void check_exchange(const struct end *from, const struct end *to) {
    struct got got;
    ck_assert_int_eq(send_by_id(from->sd, from->id, 0, "by id"), 5);
    ck_assert_int_eq(expect_from(to->sd, "by id", &got), to->id);
    ck_assert_uint_eq(ntohs(got.from.sin_port), to->peer_port);
    /* And by the address that it came from. */
    ck_assert_int_eq(
        usctp_sendto(to->sd, "answer", 6, 0, (struct sockaddr *)&got.from, got.from_bytes), 6);
    ck_assert_int_eq(expect_from(from->sd, "answer", NULL), from->id);
}

static void check_again(const struct end *end) {
    struct sockaddr_in *list = NULL;
    ck_assert_int_gt(usctp_getpaddrs(end->sd, end->id, (struct sockaddr **)&list), 0);
    ck_assert_errno(usctp_connectx(end->sd, (struct sockaddr *)list, 1, NULL), EISCONN);
    ck_assert_errno(usctp_connect(end->sd, (struct sockaddr *)list, sizeof *list), EISCONN);
    usctp_freepaddrs((struct sockaddr *)list);
}

/* Moves it to a socket of its own, where ids are ignored. */
static void peel(struct end *end) {
    struct sockaddr_in name;
    socklen_t length = sizeof name;
    int sd = usctp_peeloff(end->sd, end->id);
    ck_assert_msg(sd >= 0, "usctp_peeloff: %s", strerror(errno));
    ck_assert_uint_eq(count_of(end->sd), 0);
    ck_assert_errno(usctp_peeloff(end->sd, end->id), EINVAL);
    end->sd = sd;
    ck_assert_int_eq(usctp_getpeername(sd, (struct sockaddr *)&name, &length), 0);
    ck_assert_uint_eq(ntohs(name.sin_port), end->peer_port);
    want_rcvinfo(sd);
}

START_TEST(both_ends) {
    struct usctp_stack *stacks[2] = {new_stack(DRIVER_THREAD), new_stack(DRIVER_THREAD)};
    int server = new_many(stacks[0]), client = new_many(stacks[1]);
    make_two(0);
    ck_assert_int_eq(usctp_bindx(server, (struct sockaddr *)two, 2, SCTP_BINDX_ADD_ADDR), 0);
    ck_assert_int_eq(usctp_listen(server, 1), 0);
    set_peer_udp_port(client, usctp_stack_udp_port(stacks[0]));
    want_rcvinfo(server);
    want_rcvinfo(client);
    set_prompt(server);
    set_prompt(client);
    struct end one = {.sd = client, .peer_port = port_of(server), .peer_addresses = 2};
    one.id = connect_by((enum way)_i, client, one.peer_port);
    struct end other = {.sd = server, .peer_port = port_of(client), .peer_addresses = 1};
    if (_i == BINDX_CONNECT)
        other.peer_addresses = 2;
    if (_i != IMPLICIT)
        ck_assert_int_eq(send_by_id(client, one.id, 0, "hello"), 5);
    other.id = expect_from(server, "hello", NULL);
    for (int peeled = 0; peeled < 2; peeled++) {
        check_addresses(&one);
        check_addresses(&other);
        check_status(&one);
        check_status(&other);
        check_exchange(&one, &other);
        check_exchange(&other, &one);
        check_again(&one);
        check_again(&other);
        if (peeled == 0) {
            peel(&one);
            peel(&other);
        }
    }
    /* Closed in the usual way from either end. */
    ck_assert_int_eq(usctp_shutdown(_i % 2 ? one.sd : other.sd, SHUT_WR), 0);
    char byte;
    ck_assert_int_eq(usctp_recv(one.sd, &byte, 1, 0), 0);
    ck_assert_int_eq(usctp_recv(other.sd, &byte, 1, 0), 0);
    const int all[] = {one.sd, other.sd, client, server};
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(usctp_close(all[i]), 0);
    usctp_stack_delete(stacks[0]);
    usctp_stack_delete(stacks[1]);
}
END_TEST

/* peeloff without a descriptor to give: the association stays where it is. */
START_TEST(no_descriptor_to_peel_off_to) {
    struct group g;
    struct rlimit limit, none;
    if (getenv("USCTP_TEST_VALGRIND")) {
        puts("skipped: here socketpair() beyond RLIMIT_NOFILE is 0 and gives closed numbers");
        return;
    }
    group_open(&g, DRIVER_THREAD);
    sctp_assoc_t id = join(&g, 0);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    none = limit;
    none.rlim_cur = 0;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    ck_assert_errno(usctp_peeloff(g.server, id), EMFILE);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    ck_assert_uint_eq(count_of(g.server), 1);
    ck_assert_int_eq(send_by_id(g.server, id, 0, "still here"), 10);
    expect_from(g.peers[0], "still here", NULL);
    int sd = usctp_peeloff(g.server, id);
    ck_assert_int_ge(sd, 0);
    usctp_close(sd);
    group_close(&g);
}
END_TEST

/* RFC 6458 9.9: an IPv4 socket takes IPv4 addresses, an IPv6 socket both. */
START_TEST(families) {
    struct usctp_stack *stack = new_stack(DRIVER_CALLER);
    struct {
        struct sockaddr_in four;
        struct sockaddr_in6 six;
    } both = {/* without a gap */
              .four = loopback(4000),
              .six = {.sin6_family = AF_INET6}};
    sctp_assoc_t id = 0;
    struct sockaddr *list = NULL;
    both.six.sin6_port = htons(4000);
    both.six.sin6_addr = in6addr_loopback;
    for (int style = SOCK_STREAM; style <= SOCK_SEQPACKET; style += SOCK_SEQPACKET - SOCK_STREAM) {
        int four = usctp_socket(stack, AF_INET, style | SOCK_NONBLOCK, 0);
        int six = usctp_socket(stack, AF_INET6, style | SOCK_NONBLOCK, 0);
        ck_assert_errno(usctp_connectx(four, (struct sockaddr *)(void *)&both, 2, NULL),
                        EAFNOSUPPORT);
        ck_assert_errno(usctp_connectx(six, (struct sockaddr *)(void *)&both, 2, &id), EINPROGRESS);
        ck_assert_int_ge(id, 3); /* told at once */
        ck_assert_int_eq(usctp_getpaddrs(six, id, &list), 2);
        usctp_freepaddrs(list);
        both.four.sin_port = both.six.sin6_port = htons((uint16_t)(4001 + style));
        usctp_close(four);
        usctp_close(six);
    }
    usctp_stack_delete(stack);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("same_association");
    TCase *tcase = tcase_create("same_association");
    tcase_set_timeout(tcase, TEST_SECONDS);
    tcase_add_loop_test(tcase, both_ends, 0, WAYS);
    tcase_add_test(tcase, no_descriptor_to_peel_off_to);
    tcase_add_test(tcase, families);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
