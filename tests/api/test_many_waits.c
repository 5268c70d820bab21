/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Waiting on one-to-many sockets: readiness for poll and epoll, blocked senders to associations of
 * which some are stuck, blocked readers; no wake-up is lost.
 */
#include "many_test.h"

enum { MESSAGE_BYTES = 4000, MESSAGES = 150 };

static uint8_t block[MESSAGE_BYTES];

static void shrink(int sd, int option, int bytes) {
    ck_assert_int_eq(usctp_setsockopt(sd, SOL_SOCKET, option, &bytes, sizeof bytes), 0);
}

static ssize_t send_block(int sd, sctp_assoc_t id, int flags) {
    struct sctp_sndinfo info = {.snd_assoc_id = id};
    struct iovec iov = {.iov_base = block, .iov_len = sizeof block};
    return usctp_sendv(sd, &iov, 1, NULL, 0, &info, sizeof info, USCTP_SENDV_SNDINFO,
                       flags | MSG_NOSIGNAL);
}

/* Fills an association whose peer does not read. */
static void fill(int sd, sctp_assoc_t id) {
    for (int i = 0; i < 10000; i++)
        if (send_block(sd, id, MSG_DONTWAIT) < 0) {
            ck_assert_int_eq(errno, EAGAIN);
            return;
        }
    ck_abort_msg("it never fills");
}

/* Small buffers, so that associations fill. */
static void open_small(struct group *g) {
    group_open(g, DRIVER_THREAD);
    shrink(g->server, SO_SNDBUF, 16384);
    for (int i = 0; i < PEERS; i++)
        shrink(g->peers[i], SO_RCVBUF, 16384);
}

static void read_blocks(int sd, int n) {
    uint8_t data[MESSAGE_BYTES];
    for (int i = 0; i < n;) {
        int flags = 0;
        ssize_t bytes = usctp_sctp_recvmsg(sd, data, sizeof data, NULL, NULL, NULL, &flags);
        ck_assert_int_gt((int)bytes, 0);
        i += (flags & MSG_EOR) != 0;
    }
}

/* A send that finds no room makes the socket unwritable until there is some. */
START_TEST(writable_again) {
    struct group g;
    open_small(&g);
    sctp_assoc_t stuck = join(&g, 0), other = join(&g, 1);
    int ep = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLOUT | EPOLLET};
    ck_assert_int_eq(epoll_ctl(ep, EPOLL_CTL_ADD, g.server, &event), 0);
    ck_assert_int_eq(epoll_wait(ep, &event, 1, 0), 1);
    ck_assert_int_eq(ready_now(g.server), POLLOUT);
    fill(g.server, stuck);
    while (epoll_wait(ep, &event, 1, 100) == 1) /* room comes while the peer still takes in */
        fill(g.server, stuck);
    ck_assert_int_eq(ready_now(g.server), 0);
    /* It says nothing of the others. */
    ck_assert_int_eq(send_by_id(g.server, other, 0, "fine"), 4);
    expect_from(g.peers[1], "fine", NULL);
    read_blocks(g.peers[0], 3);
    ck_assert_int_eq(epoll_wait(ep, &event, 1, BOUND_MS), 1);
    ck_assert_int_eq((int)event.events & EPOLLOUT, EPOLLOUT);
    close(ep);
    group_close(&g);
}
END_TEST

struct sender {
    int sd;
    sctp_assoc_t id;
    int count;
    _Atomic int sent;
    int error;
};

static void *send_many(void *argument) {
    struct sender *s = argument;
    for (int i = 0; i < s->count; i++) {
        if (send_block(s->sd, s->id, 0) < 0) {
            s->error = errno;
            break;
        }
        s->sent++;
    }
    return NULL;
}

/* A thread blocked on a stuck association does not take the others' wake-ups. */
START_TEST(blocked_senders) {
    struct group g;
    open_small(&g);
    struct sender senders[PEERS];
    pthread_t threads[PEERS];
    for (int i = 0; i < PEERS; i++)
        senders[i] = (struct sender){.sd = g.server, .id = join(&g, i), .count = MESSAGES};
    senders[0].count = 1000000; /* its peer never reads */
    for (int i = 0; i < PEERS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, send_many, &senders[i]), 0);
    read_blocks(g.peers[1], MESSAGES);
    read_blocks(g.peers[2], MESSAGES);
    for (int i = 1; i < PEERS; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
        ck_assert_int_eq(senders[i].sent, MESSAGES);
    }
    /* The stuck one is woken by the end of its association. */
    ck_assert_int_eq(send_by_id(g.server, senders[0].id, SCTP_ABORT, ""), 0);
    ck_assert_int_eq(pthread_join(threads[0], NULL), 0);
    ck_assert_int_eq(senders[0].error, EPIPE);
    group_close(&g);
}
END_TEST

/* Closing, or the end of the stack, ends blocked calls. */
START_TEST(closed_meanwhile) {
    struct group g;
    open_small(&g);
    struct sender sender = {.sd = g.server, .id = join(&g, 0), .count = 1000000};
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, send_many, &sender), 0);
    int before = -1;
    while (sender.sent != before) { /* until it is stuck */
        before = sender.sent;
        usleep(50000);
    }
    if (_i == 0) {
        ck_assert_int_eq(usctp_close(g.server), 0);
        ck_assert_int_eq(pthread_join(thread, NULL), 0);
        ck_assert_int_eq(sender.error, EBADF);
        g.server = -1;
        group_close(&g);
    } else {
        group_close(&(struct group){.stack = new_stack(DRIVER_CALLER),
                                    .server = -1,
                                    .peers = {-1, -1, -1},
                                    .peer_stacks = {g.stack}});
        ck_assert_int_eq(pthread_join(thread, NULL), 0);
        ck_assert_int_eq(sender.error, ESHUTDOWN);
        for (int i = 0; i < PEERS; i++)
            usctp_stack_delete(g.peer_stacks[i]);
    }
}
END_TEST

struct reader {
    int sd;
    _Atomic int *left;
};

static void *read_some(void *argument) {
    struct reader *r = argument;
    char data[TEXT_BYTES];
    while (usctp_recv(r->sd, data, sizeof data, 0) > 0)
        if (atomic_fetch_sub(r->left, 1) <= 1)
            break;
    return NULL;
}

/* Several readers, several associations, bursts at random: every message is read. */
START_TEST(several_readers) {
    enum { READERS = 4, ROUNDS = 300 };
    struct group g;
    unsigned seed = 4711;
    _Atomic int left = ROUNDS;
    pthread_t threads[READERS];
    struct reader readers[READERS];
    group_open(&g, DRIVER_THREAD);
    for (int i = 0; i < PEERS; i++)
        join(&g, i);
    struct timeval bound = {.tv_sec = BOUND_MS / 1000};
    ck_assert_int_eq(usctp_setsockopt(g.server, SOL_SOCKET, SO_RCVTIMEO, &bound, sizeof bound), 0);
    for (int i = 0; i < READERS; i++) {
        readers[i] = (struct reader){.sd = g.server, .left = &left};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, read_some, &readers[i]), 0);
    }
    for (int i = 0; i < ROUNDS; i++) {
        ck_assert_int_eq(send_text(g.peers[rand_r(&seed) % PEERS], g.port, "m"), 1);
        if (rand_r(&seed) % 8 == 0)
            usleep((unsigned)rand_r(&seed) % 2000u);
    }
    for (int ms = 0; ms < BOUND_MS && left > 0; ms++)
        usleep(1000);
    ck_assert_int_le(left, 0);
    for (int i = 0; i < READERS - 1; i++) /* those that still sleep */
        ck_assert_int_eq(send_text(g.peers[0], g.port, "end"), 3);
    for (int i = 0; i < READERS; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    group_close(&g);
}
END_TEST

static Suite *waits_suite(void) {
    Suite *suite = suite_create("many_waits");
    TCase *tcase = tcase_create("many_waits");
    tcase_set_timeout(tcase, TEST_SECONDS);
    tcase_add_test(tcase, writable_again);
    tcase_add_test(tcase, blocked_senders);
    tcase_add_loop_test(tcase, closed_meanwhile, 0, 2);
    tcase_add_test(tcase, several_readers);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void) {
    return run_suite(waits_suite());
}
