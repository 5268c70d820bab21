/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * usctp_peeloff, usctp_peeloff_flags (RFC 6458 9.2), and that what was branched off is a one-to-one
 * socket like any other; libsctp's private options for the same.
 */
#include "many_test.h"

static int peel(int sd, sctp_assoc_t id) {
    int peeled = usctp_peeloff(sd, id);
    ck_assert_msg(peeled >= 0, "usctp_peeloff: %s", strerror(errno));
    return peeled;
}

START_TEST(branches_off) {
    struct group g;
    struct got got;
    struct sockaddr_in name;
    socklen_t length = sizeof name;
    int type = 0;
    socklen_t bytes = sizeof type;
    group_open(&g, DRIVER_THREAD);
    sctp_assoc_t id = join(&g, 0), other = join(&g, 1);
    ck_assert_int_eq(send_text(g.peers[0], g.port, "before"), 6);
    ck_assert_int_ne(wait_for(g.server, POLLIN), 0);
    int peeled = peel(g.server, id);
    ck_assert_int_eq(ready_now(g.server), POLLOUT);
    ck_assert_int_eq(ready_now(peeled), POLLIN | POLLOUT);
    /* What waited came along, and so did the options and the id. */
    ck_assert_int_eq(expect_from(peeled, "before", &got), id);
    ck_assert_int_eq(usctp_getsockopt(peeled, SOL_SOCKET, SO_TYPE, &type, &bytes), 0);
    ck_assert_int_eq(type, SOCK_SEQPACKET); /* Linux says so of a peeled-off socket */
    ck_assert_int_eq(usctp_getpeername(peeled, (struct sockaddr *)&name, &length), 0);
    ck_assert_int_eq(ntohs(name.sin_port), port_of(g.peers[0]));
    ck_assert_int_eq(port_of(peeled), g.port);
    ck_assert_int_eq(usctp_send(peeled, "direct", 6, 0), 6);
    expect_from(g.peers[0], "direct", NULL);
    /* The old socket knows it no more, by id or by address. */
    ck_assert_int_eq(count_of(g.server), 1);
    ck_assert_errno(send_by_id(g.server, id, 0, "x"), EPIPE);
    ck_assert_errno(usctp_sendto(g.server, "x", 1, MSG_NOSIGNAL, (struct sockaddr *)&name, length),
                    EADDRNOTAVAIL);
    ck_assert_int_eq(usctp_getassocid(g.server, (struct sockaddr *)&name), 0);
    ck_assert_int_eq(errno, ENOENT);
    ck_assert_int_eq(send_by_id(g.server, other, 0, "y"), 1);
    expect_from(g.peers[1], "y", NULL);
    /* One-to-one from now on. */
    ck_assert_int_eq(usctp_shutdown(peeled, SHUT_WR), 0);
    ck_assert_int_eq(usctp_recv(peeled, &type, sizeof type, 0), 0);
    ck_assert_int_eq(usctp_close(peeled), 0);
    group_close(&g);
}
END_TEST

/* The parent may be closed; the branch lives on. */
START_TEST(outlives_its_parent) {
    struct group g;
    group_open(&g, DRIVER_THREAD);
    int peeled = peel(g.server, join(&g, 0));
    ck_assert_int_eq(usctp_close(g.server), 0);
    g.server = -1;
    ck_assert_int_eq(usctp_send(peeled, "alive", 5, 0), 5);
    expect_from(g.peers[0], "alive", NULL);
    ck_assert_int_eq(send_text(g.peers[0], g.port, "too"), 3);
    expect_from(peeled, "too", NULL);
    ck_assert_int_eq(usctp_close(peeled), 0);
    group_close(&g);
}
END_TEST

START_TEST(flags) {
    struct group g;
    char byte;
    group_open(&g, DRIVER_THREAD);
    sctp_assoc_t id = join(&g, 0);
    set_nonblocking(g.server, true);
    ck_assert_errno(usctp_peeloff_flags(g.server, id, 1), EINVAL);
    int peeled = usctp_peeloff_flags(g.server, id, SOCK_NONBLOCK | SOCK_CLOEXEC);
    ck_assert_int_ge(peeled, 0);
    ck_assert_int_eq(fcntl(peeled, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
    ck_assert_int_eq(fcntl(peeled, F_GETFD), FD_CLOEXEC);
    ck_assert_errno(usctp_recv(peeled, &byte, 1, 0), EAGAIN);
    usctp_close(peeled);
    set_nonblocking(g.server, false);
    id = join(&g, 1);
    peeled = peel(g.server, id);
    ck_assert_int_eq(fcntl(peeled, F_GETFL) & O_NONBLOCK, 0);
    ck_assert_int_eq(fcntl(peeled, F_GETFD), 0);
    usctp_close(peeled);
    group_close(&g);
}
END_TEST

START_TEST(documented_errors) {
    struct group g;
    int pipes[2];
    group_open(&g, DRIVER_THREAD);
    sctp_assoc_t id = join(&g, 0);
    ck_assert_int_eq(pipe(pipes), 0);
    ck_assert_errno(usctp_peeloff(-1, id), EBADF);
    ck_assert_errno(usctp_peeloff(pipes[0], id), ENOTSOCK);
    ck_assert_errno(usctp_peeloff(g.server, id + 1000), EINVAL);
    ck_assert_errno(usctp_peeloff(g.server, SCTP_FUTURE_ASSOC), EINVAL);
    ck_assert_errno(usctp_peeloff(g.server, SCTP_ALL_ASSOC), EINVAL);
    int peeled = peel(g.server, id);
    ck_assert_errno(usctp_peeloff(peeled, id), EINVAL);
    ck_assert_errno(usctp_peeloff(g.server, id), EINVAL);
    usctp_close(peeled);
    group_close(&g);
}
END_TEST

static void *peel_meanwhile(void *argument) {
    struct group *g = argument;
    struct sockaddr_in name = loopback(g->port);
    errno = 0;
    return usctp_connect(g->peers[0], (struct sockaddr *)&name, sizeof name) == 0 ? g : NULL;
}

/* As Linux: not while somebody waits for the association on the old socket. */
START_TEST(somebody_waits) {
    struct group g;
    pthread_t thread;
    void *result;
    struct sctp_assoc_ids *list;
    uint32_t memory[2] = {0};
    group_open(&g, DRIVER_CALLER); /* the server is not driven: connect() waits */
    ck_assert_int_eq(pthread_create(&thread, NULL, peel_meanwhile, &g), 0);
    for (int ms = 0; ms < BOUND_MS && count_of(g.peers[0]) == 0; ms++)
        usleep(1000);
    list = (void *)memory;
    socklen_t length = sizeof memory;
    ck_assert_int_eq(
        usctp_getsockopt(g.peers[0], IPPROTO_SCTP, SCTP_GET_ASSOC_ID_LIST, list, &length), 0);
    ck_assert_errno(usctp_peeloff(g.peers[0], (sctp_assoc_t)memory[1]), EBUSY);
    struct background drive;
    background_start(&drive, g.stack, DRIVER_CALLER);
    ck_assert_int_eq(pthread_join(thread, &result), 0);
    ck_assert_ptr_eq(result, &g);
    int peeled = peel(g.peers[0], (sctp_assoc_t)memory[1]);
    background_stop(&drive);
    usctp_close(peeled);
    group_close(&g);
}
END_TEST

/* The branch that has no room takes that along: the others' socket is writable. */
START_TEST(full) {
    struct group g;
    int small = 16384;
    char block[4000] = "";
    group_open(&g, DRIVER_THREAD);
    ck_assert_int_eq(usctp_setsockopt(g.server, SOL_SOCKET, SO_SNDBUF, &small, sizeof small), 0);
    struct sctp_sndinfo info = {.snd_assoc_id = join(&g, 0)};
    struct iovec iov = {.iov_base = block, .iov_len = sizeof block};
    struct pollfd polled = {.fd = g.server, .events = POLLOUT};
    do /* until the peer, who does not read, has shut his window */
        while (usctp_sendv(g.server, &iov, 1, NULL, 0, &info, sizeof info, USCTP_SENDV_SNDINFO,
                           MSG_DONTWAIT) > 0)
            continue;
    while (errno == EAGAIN && poll(&polled, 1, 1000) > 0);
    ck_assert_int_eq(ready_now(g.server), 0);
    int peeled = peel(g.server, info.snd_assoc_id);
    ck_assert_int_eq(ready_now(peeled), 0);
    ck_assert_int_eq(ready_now(g.server), POLLOUT);
    usctp_close(peeled);
    group_close(&g);
}
END_TEST

/* What libsctp does with a descriptor. */
START_TEST(private_options) {
    struct group g;
    group_open(&g, DRIVER_THREAD);
    struct sockaddr_in name = loopback(g.port), any = loopback(0);
    int sd = new_many(g.peer_stacks[0]);
    set_peer_udp_port(sd, usctp_stack_udp_port(g.stack));
    set_prompt(sd);
    ck_assert_int_eq(usctp_setsockopt(sd, IPPROTO_SCTP, SCTP_SOCKOPT_BINDX_ADD, &any, sizeof any),
                     0);
    ck_assert_errno(usctp_setsockopt(sd, IPPROTO_SCTP, SCTP_SOCKOPT_BINDX_REM, &any, sizeof any),
                    EINVAL);
    ck_assert_errno(usctp_setsockopt(sd, IPPROTO_SCTP, SCTP_SOCKOPT_CONNECTX, &name, 3), EINVAL);
    struct sctp_getaddrs_old old = {.addr_num = sizeof name, .addrs = (struct sockaddr *)&name};
    socklen_t length = sizeof old;
    errno = ENOPROTOOPT;
    ck_assert_int_eq(usctp_getsockopt(sd, IPPROTO_SCTP, SCTP_SOCKOPT_CONNECTX3, &old, &length), 0);
    ck_assert_int_eq(errno, 0);
    ck_assert_int_eq(length, sizeof(sctp_assoc_t));
    sctp_assoc_t id = old.assoc_id;
    ck_assert_errno(usctp_setsockopt(sd, IPPROTO_SCTP, SCTP_SOCKOPT_CONNECTX, &name, sizeof name),
                    EISCONN);
    union {
        uint8_t memory[sizeof(struct sctp_getaddrs) + 4 * sizeof(struct sockaddr_in)];
        struct sctp_getaddrs head;
    } list = {.memory = {0}};
    struct sockaddr_in first;
    list.head.assoc_id = id;
    length = sizeof list.head;
    ck_assert_errno(usctp_getsockopt(sd, IPPROTO_SCTP, SCTP_GET_PEER_ADDRS, &list, &length),
                    ENOMEM);
    length = sizeof list;
    ck_assert_int_eq(usctp_getsockopt(sd, IPPROTO_SCTP, SCTP_GET_PEER_ADDRS, &list, &length), 0);
    ck_assert_int_eq((int)list.head.addr_num, 1);
    ck_assert_int_eq(length, sizeof list.head + sizeof name);
    memcpy(&first, list.memory + sizeof list.head, sizeof first);
    ck_assert_int_eq(first.sin_port, name.sin_port);
    length = sizeof list;
    list.head.assoc_id = id + 500;
    ck_assert_errno(usctp_getsockopt(sd, IPPROTO_SCTP, SCTP_GET_LOCAL_ADDRS, &list, &length),
                    EINVAL);
    sctp_peeloff_flags_arg_t arg = {.p_arg = {.associd = id}, .flags = SOCK_CLOEXEC};
    length = sizeof arg;
    int peeled = usctp_getsockopt(sd, IPPROTO_SCTP, SCTP_SOCKOPT_PEELOFF_FLAGS, &arg, &length);
    ck_assert_int_ge(peeled, 0);
    ck_assert_int_eq(arg.p_arg.sd, peeled);
    ck_assert_int_eq(fcntl(peeled, F_GETFD), FD_CLOEXEC);
    usctp_close(peeled);
    usctp_close(sd);
    sd = new_many(g.peer_stacks[1]);
    set_peer_udp_port(sd, usctp_stack_udp_port(g.stack));
    id = usctp_setsockopt(sd, IPPROTO_SCTP, SCTP_SOCKOPT_CONNECTX, &name, sizeof name);
    ck_assert_int_gt(id, 2);
    sctp_peeloff_arg_t plain = {.associd = id};
    length = sizeof plain;
    peeled = usctp_getsockopt(sd, IPPROTO_SCTP, SCTP_SOCKOPT_PEELOFF, &plain, &length);
    ck_assert_int_ge(peeled, 0);
    ck_assert_int_eq(plain.sd, peeled);
    ck_assert_int_eq(
        usctp_setsockopt(sd, IPPROTO_SCTP, SCTP_SOCKOPT_CONNECTX_OLD, &name, sizeof name) == -1 &&
            errno == EADDRNOTAVAIL,
        1);
    usctp_close(peeled);
    usctp_close(sd);
    group_close(&g);
}
END_TEST

static Suite *peeloff_suite(void) {
    Suite *suite = suite_create("peeloff");
    TCase *tcase = tcase_create("peeloff");
    tcase_set_timeout(tcase, TEST_SECONDS);
    tcase_add_test(tcase, branches_off);
    tcase_add_test(tcase, outlives_its_parent);
    tcase_add_test(tcase, flags);
    tcase_add_test(tcase, documented_errors);
    tcase_add_test(tcase, somebody_waits);
    tcase_add_test(tcase, full);
    tcase_add_test(tcase, private_options);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void) {
    return run_suite(peeloff_suite());
}
