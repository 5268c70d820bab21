/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An rtnetlink socket: questions to the kernel, and what it says. Messages are read and written by
 * netlink.h.
 *
 * Nothing here blocks: the kernel answers before sendto() returns. What others send is skipped.
 */
#ifndef NET_NETLINK_SOCKET_H
#define NET_NETLINK_SOCKET_H

#include "net/netlink.h"

#define NETLINK_SOCKET_BUFFER_BYTES 65536u

struct netlink_socket {
    int fd;            /* -1: not open */
    uint32_t sequence; /* of the last question */
    uint8_t *buffer;   /* NETLINK_SOCKET_BUFFER_BYTES, the user's; holds what was read last */
};

/* Opens, with the multicast groups to be told of. Returns 0 or a negative errno. */
int netlink_socket_open(struct netlink_socket *s, uint32_t groups, uint8_t *buffer);
void netlink_socket_close(struct netlink_socket *s);
/* Sends a request that carries s->sequence. Returns 0 or a negative errno. */
int netlink_socket_ask(const struct netlink_socket *s, const uint8_t *request, size_t bytes);
/* Reads one datagram. Returns its size, 0 for one to be skipped, or a negative errno: -EAGAIN when
 * there is none. */
int netlink_socket_read(const struct netlink_socket *s);
/* Asks what has an answer of one message, which is valid until the next call. Returns 0 or a
 * negative errno, which may be the answer. */
int netlink_socket_question(const struct netlink_socket *s, const uint8_t *request, size_t bytes,
                            struct netlink_message *answer);

#endif
