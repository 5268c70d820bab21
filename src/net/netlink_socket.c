/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rtnetlink sockets (see netlink_socket.h). Answers are matched by sequence number and believed
 * from the kernel (port 0) only.
 */
#include "net/netlink_socket.h"

#include "net/high_number.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_READS 1024u /* datagrams before the answer: leftovers of questions given up */

int netlink_socket_open(struct netlink_socket *s, uint32_t groups, uint8_t *buffer) {
    struct sockaddr_nl name = {.nl_family = AF_NETLINK, .nl_groups = groups};
    *s = (struct netlink_socket){.fd = -1, .buffer = buffer};
    int fd = high_number_move(
        socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE));
    if (fd < 0)
        return -errno;
    if (bind(fd, (struct sockaddr *)&name, sizeof name)) {
        int error = errno;
        close(fd);
        return -error;
    }
    s->fd = fd;
    return 0;
}

void netlink_socket_close(struct netlink_socket *s) {
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
}

int netlink_socket_read(const struct netlink_socket *s) {
    struct sockaddr_nl from = {0};
    struct iovec iov = {s->buffer, NETLINK_SOCKET_BUFFER_BYTES};
    struct msghdr header = {
        .msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &iov, .msg_iovlen = 1};
    ssize_t bytes = recvmsg(s->fd, &header, MSG_DONTWAIT);
    if (bytes < 0)
        return errno == EINTR ? 0 : -errno;
    if (header.msg_flags & MSG_TRUNC)
        return -EMSGSIZE;
    return from.nl_pid == 0 ? (int)bytes : 0;
}

int netlink_socket_ask(const struct netlink_socket *s, const uint8_t *request, size_t bytes) {
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    for (;;) {
        ssize_t sent = sendto(s->fd, request, bytes, 0, (struct sockaddr *)&kernel, sizeof kernel);
        if (sent >= 0)
            return 0;
        if (errno != EINTR)
            return -errno;
    }
}

int netlink_socket_question(const struct netlink_socket *s, const uint8_t *request, size_t bytes,
                            struct netlink_message *answer) {
    if (bytes == 0)
        return -EAFNOSUPPORT;
    int error = netlink_socket_ask(s, request, bytes);
    if (error)
        return error;
    for (unsigned i = 0; i < MAX_READS; i++) {
        int got = netlink_socket_read(s);
        if (got < 0)
            return got;
        struct netlink_cursor cursor = {s->buffer, s->buffer + got};
        while (netlink_next(&cursor, answer)) {
            if (answer->header.nlmsg_seq != s->sequence)
                continue;
            if (answer->header.nlmsg_type != NLMSG_ERROR)
                return 0;
            error = netlink_parse_error(answer);
            return error ? error : -EBADMSG;
        }
    }
    return -EBADMSG;
}
