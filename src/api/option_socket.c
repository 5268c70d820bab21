/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Options of the level SOL_SOCKET (RFC 6458 8.1.4, 8.1.6, 8.1.7; socket(7)), and
 * SCTP_REUSE_PORT, which is of their kind (8.1.27).
 */
#include "api/option.h"

#include "api/stack.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

static int read_int(const void *value) {
    int n;
    memcpy(&n, value, sizeof n);
    return n;
}

static int write_int(int n, void *value, socklen_t *length) {
    memcpy(value, &n, sizeof n);
    *length = sizeof n;
    return 0;
}

/* As Linux: a value beyond the limits becomes the limit, and twice the value is read back. */
int option_set_buffer(struct call *c, const struct option *option, const void *value,
                      socklen_t length) {
    const struct usctp_tunable_info *info = usctp_tunable_info(option->tunable);
    int n = read_int(value);
    uint64_t bytes = n < 0 ? info->maximum : (uint64_t)n;
    (void)length;
    if (bytes < info->minimum)
        bytes = info->minimum;
    if (bytes > info->maximum)
        bytes = info->maximum;
    int error = option_tune(c, option->tunable, bytes);
    if (error != 0 || option->tunable != USCTP_TUNABLE_send_buffer_bytes)
        return error;
    /* The engine tells of room that acknowledgements make, and not of this. */
    struct connection *a;
    TAILQ_FOREACH (a, &c->socket->connections, of_socket)
        connection_unblock(a);
    return 0;
}

int option_get_buffer(struct call *c, const struct option *option, void *value, socklen_t *length) {
    uint64_t twice = 2 * option_value(c, option->tunable);
    return write_int(twice > INT_MAX ? INT_MAX : (int)twice, value, length);
}

int option_set_linger(struct call *c, const struct option *option, const void *value,
                      socklen_t length) {
    struct linger given;
    (void)option;
    (void)length;
    memcpy(&given, value, sizeof given);
    if (given.l_onoff && given.l_linger < 0)
        return -EINVAL; /* RFC 6458 8.1.4 */
    c->socket->linger = (struct linger){.l_onoff = given.l_onoff != 0, .l_linger = given.l_linger};
    return 0;
}

int option_get_linger(struct call *c, const struct option *option, void *value, socklen_t *length) {
    (void)option;
    memcpy(value, &c->socket->linger, sizeof c->socket->linger);
    *length = sizeof c->socket->linger;
    return 0;
}

/* What the kernel tells of the descriptor. */
int option_get_of_kernel(struct call *c, const struct option *option, void *value,
                         socklen_t *length) {
    return getsockopt(c->fd, SOL_SOCKET, option->name, value, length) == 0 ? 0 : -errno;
}

/* The kernel keeps them with the descriptor, for duplicates too. */
int option_set_timeout(struct call *c, const struct option *option, const void *value,
                       socklen_t length) {
    return setsockopt(c->fd, SOL_SOCKET, option->name, value, length) == 0 ? 0 : -errno;
}

int option_set_reuse_address(struct call *c, const struct option *option, const void *value,
                             socklen_t length) {
    (void)option;
    (void)length;
    c->socket->reuse_address = read_int(value) != 0;
    if (c->socket->endpoint != 0)
        usctp_endpoint_reuse(c->stack->engine, c->socket->endpoint,
                             c->socket->reuse_address || c->socket->reuse_port);
    return 0;
}

int option_get_reuse_address(struct call *c, const struct option *option, void *value,
                             socklen_t *length) {
    (void)option;
    return write_int(c->socket->reuse_address, value, length);
}

/* RFC 6458 8.1.23: only of a socket that is bound to every address. As Linux has it where its
 * net.sctp.addip_enable is 0 (the default): it can be switched on, which programs insist on; but
 * ASCONF is not negotiated, so no peer is ever told of an address. */
int option_set_auto_asconf(struct call *c, const struct option *option, const void *value,
                           socklen_t length) {
    const struct socket *s = c->socket;
    bool is_bound_to_all = s->endpoint != 0 && s->bound.family == USCTP_FAMILY_NONE;
    (void)option;
    (void)length;
    if (read_int(value) != 0 && !is_bound_to_all)
        return -EINVAL;
    c->socket->auto_asconf = read_int(value) != 0;
    return 0;
}

int option_get_auto_asconf(struct call *c, const struct option *option, void *value,
                           socklen_t *length) {
    (void)option;
    return write_int(c->socket->auto_asconf, value, length);
}

/* RFC 6458 8.1.27. As Linux, it differs from SO_REUSEADDR only in when it may be set, and in the
 * errors. */
int option_set_reuse_port(struct call *c, const struct option *option, const void *value,
                          socklen_t length) {
    (void)option;
    (void)length;
    if (c->socket->is_many)
        return -EOPNOTSUPP;
    if (c->socket->endpoint != 0)
        return -EFAULT; /* Linux's for a socket that is bound */
    c->socket->reuse_port = read_int(value) != 0;
    return 0;
}

int option_get_reuse_port(struct call *c, const struct option *option, void *value,
                          socklen_t *length) {
    (void)option;
    return write_int(c->socket->reuse_port, value, length);
}

/* SCTP's HEARTBEATs are what it asks for: on, they are; off, they are left as they were set. */
int option_set_keepalive(struct call *c, const struct option *option, const void *value,
                         socklen_t length) {
    (void)option;
    (void)length;
    c->socket->keeps_alive = read_int(value) != 0;
    return c->socket->keeps_alive ? option_tune(c, USCTP_TUNABLE_hb_enabled, 1) : 0;
}

int option_get_keepalive(struct call *c, const struct option *option, void *value,
                         socklen_t *length) {
    (void)option;
    return write_int(c->socket->keeps_alive, value, length);
}

int option_get_error(struct call *c, const struct option *option, void *value, socklen_t *length) {
    (void)option;
    return write_int(socket_take_error(c), value, length);
}

int option_get_type(struct call *c, const struct option *option, void *value, socklen_t *length) {
    (void)option;
    /* As Linux: a peeled-off socket is one-to-one and keeps the type. */
    bool is_seqpacket = c->socket->is_many || c->socket->is_peeled;
    return write_int(is_seqpacket ? SOCK_SEQPACKET : SOCK_STREAM, value, length);
}

int option_get_protocol(struct call *c, const struct option *option, void *value,
                        socklen_t *length) {
    (void)c;
    (void)option;
    return write_int(IPPROTO_SCTP, value, length);
}

int option_get_domain(struct call *c, const struct option *option, void *value, socklen_t *length) {
    (void)option;
    return write_int(c->socket->domain, value, length);
}

int option_get_accepts(struct call *c, const struct option *option, void *value,
                       socklen_t *length) {
    (void)option;
    return write_int(c->socket->state == SOCKET_LISTENING, value, length);
}
