/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the tests of one-to-many sockets share: a listening one with peers of both styles, each on a
 * stack of its own, and receiving with everything that comes along.
 */
#ifndef API_MANY_TEST_H
#define API_MANY_TEST_H

#include "api_test.h"

enum { PEERS = 3, TEXT_BYTES = 64 };

/* A listening one-to-many socket, and one-to-many sockets that know its UDP port. */
struct group {
    struct usctp_stack *stack, *peer_stacks[PEERS];
    int server, peers[PEERS];
    uint16_t port;
};

static inline int new_many(struct usctp_stack *stack) {
    int sd = usctp_socket(stack, AF_INET, SOCK_SEQPACKET, IPPROTO_SCTP);
    ck_assert_int_ge(sd, 0);
    return sd;
}

static inline void want_events(int sd, const uint16_t *types, size_t n) {
    for (size_t i = 0; i < n; i++) {
        struct sctp_event event = {.se_assoc_id = SCTP_ALL_ASSOC, .se_type = types[i], .se_on = 1};
        ck_assert_int_eq(usctp_setsockopt(sd, IPPROTO_SCTP, SCTP_EVENT, &event, sizeof event), 0);
    }
}

static inline void want_rcvinfo(int sd) {
    int on = 1;
    ck_assert_int_eq(usctp_setsockopt(sd, IPPROTO_SCTP, SCTP_RECVRCVINFO, &on, sizeof on), 0);
}

static inline void group_open(struct group *g, int driver) {
    struct sockaddr_in name = loopback(0);
    g->stack = new_stack(driver);
    g->server = new_many(g->stack);
    ck_assert_int_eq(usctp_bind(g->server, (struct sockaddr *)&name, sizeof name), 0);
    ck_assert_int_eq(usctp_listen(g->server, 1), 0);
    g->port = port_of(g->server);
    want_rcvinfo(g->server);
    set_prompt(g->server);
    for (int i = 0; i < PEERS; i++) {
        g->peer_stacks[i] = new_stack(driver);
        g->peers[i] = new_many(g->peer_stacks[i]);
        set_peer_udp_port(g->peers[i], usctp_stack_udp_port(g->stack));
        set_prompt(g->peers[i]);
        want_rcvinfo(g->peers[i]);
    }
}

static inline void group_close(struct group *g) {
    for (int i = 0; i < PEERS; i++) {
        if (g->peers[i] >= 0)
            usctp_close(g->peers[i]);
    }
    if (g->server >= 0)
        usctp_close(g->server);
    for (int i = 0; i < PEERS; i++)
        usctp_stack_delete(g->peer_stacks[i]);
    usctp_stack_delete(g->stack);
}

/* What a receive gave. */
struct got {
    char text[1024];
    ssize_t bytes;
    int flags;
    struct sockaddr_in from;
    socklen_t from_bytes;
    bool has_info;
    struct sctp_rcvinfo info;
};

static inline ssize_t receive_now(int sd, struct got *got, size_t room, int flags) {
    uint8_t control[256] __attribute__((aligned(8)));
    struct iovec iov = {.iov_base = got->text, .iov_len = room};
    struct msghdr message = {.msg_name = &got->from,
                             .msg_namelen = sizeof got->from,
                             .msg_iov = &iov,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof control};
    memset(got, 0, sizeof *got);
    got->bytes = usctp_recvmsg(sd, &message, flags);
    if (got->bytes < 0)
        return got->bytes;
    got->flags = message.msg_flags;
    got->from_bytes = message.msg_namelen;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c))
        if (c->cmsg_level == IPPROTO_SCTP && c->cmsg_type == SCTP_RCVINFO) {
            got->has_info = true;
            memcpy(&got->info, CMSG_DATA(c), sizeof got->info);
        }
    return got->bytes;
}

/* Receives a message, blocking, and checks that it is `text`. Returns its association. */
static inline sctp_assoc_t expect_from(int sd, const char *text, struct got *got) {
    struct got mine;
    got = got ? got : &mine;
    ssize_t n = receive_now(sd, got, sizeof got->text - 1, 0);
    ck_assert_msg(n >= 0, "usctp_recvmsg: %s", strerror(errno));
    ck_assert_msg(!(got->flags & MSG_NOTIFICATION), "a notification instead of %s", text);
    ck_assert_str_eq(got->text, text);
    return got->info.rcv_assoc_id;
}

static inline const union sctp_notification *expect_note(int sd, uint16_t type, struct got *got) {
    ssize_t n = receive_now(sd, got, sizeof got->text, 0);
    const union sctp_notification *note = (const void *)got->text;
    ck_assert_msg(n > 0, "usctp_recvmsg: %s", strerror(errno));
    ck_assert(got->flags & MSG_NOTIFICATION);
    ck_assert(got->flags & MSG_EOR);
    ck_assert_int_eq(note->sn_header.sn_type, type);
    ck_assert_int_eq((int)note->sn_header.sn_length, (int)n);
    return note;
}

/* An SCTP_ASSOC_CHANGE of this state. Returns the association. */
static inline sctp_assoc_t expect_change(int sd, int state) {
    struct got got;
    const union sctp_notification *note = expect_note(sd, SCTP_ASSOC_CHANGE, &got);
    ck_assert_int_eq(note->sn_assoc_change.sac_state, state);
    return note->sn_assoc_change.sac_assoc_id;
}

static inline ssize_t send_text(int sd, uint16_t port, const char *text) {
    struct sockaddr_in name = loopback(port);
    return usctp_sendto(sd, text, strlen(text), 0, (struct sockaddr *)&name, sizeof name);
}

static inline ssize_t send_by_id(int sd, sctp_assoc_t id, uint16_t flags, const char *text) {
    struct sctp_sndinfo info = {.snd_assoc_id = id, .snd_flags = flags};
    struct iovec iov = {.iov_base = (void *)(uintptr_t)text, .iov_len = strlen(text)};
    return usctp_sendv(sd, &iov, 1, NULL, 0, &info, sizeof info, USCTP_SENDV_SNDINFO, MSG_NOSIGNAL);
}

/* Peer i says "hello"; returns the server's association with it. */
static inline sctp_assoc_t join(struct group *g, int i) {
    ck_assert_int_eq(send_text(g->peers[i], g->port, "hello"), 5);
    return expect_from(g->server, "hello", NULL);
}

static inline uint32_t count_of(int sd) {
    uint32_t n = 99;
    socklen_t length = sizeof n;
    ck_assert_int_eq(usctp_getsockopt(sd, IPPROTO_SCTP, SCTP_GET_ASSOC_NUMBER, &n, &length), 0);
    return n;
}

#endif
