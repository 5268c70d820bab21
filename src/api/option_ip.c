/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Options of the levels IPPROTO_IP and IPPROTO_IPV6 (ip(7), ipv6(7)), for all associations of a
 * socket (RFC 6458 8). The two of a kind, IP_TOS and IPV6_TCLASS, IP_TTL and IPV6_UNICAST_HOPS,
 * IP_MTU_DISCOVER and IPV6_MTU_DISCOVER, are one setting for paths of both families.
 *
 * What SCTP_PEER_ADDR_PARAMS says of a DSCP has precedence (RFC 6458 8.1.12).
 */
#include "api/option.h"

#include "api/stack.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

enum { DSCP_SHIFT = 2, DSCP_MASK = 0xfc, MAX_BYTE = 255, USUAL_HOPS = 64 };

/* An int, or a byte where the kernel takes one. */
static int read_int(const void *value, socklen_t length) {
    uint8_t byte;
    int n;
    memcpy(&byte, value, sizeof byte);
    memcpy(&n, value, sizeof n);
    return length < sizeof n ? byte : n;
}

static int write_int(int n, void *value, socklen_t *length) {
    uint8_t byte = (uint8_t)n;
    if (*length < sizeof n) {
        memcpy(value, &byte, sizeof byte);
        *length = sizeof byte;
        return 0;
    }
    memcpy(value, &n, sizeof n);
    *length = sizeof n;
    return 0;
}

/* What the kernel has for a new socket of its own, or -1. */
static int default_of(const struct option *option) {
    int n = -1;
    socklen_t bytes = sizeof n;
    int fd =
        socket(option->level == IPPROTO_IPV6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (getsockopt(fd, option->level, option->name, &n, &bytes) != 0)
        n = -1;
    close(fd);
    return n;
}

/* ---- IPV6_V6ONLY ----------------------------------------------------------------------------- */

int option_set_v6only(struct call *c, const struct option *option, const void *value,
                      socklen_t length) {
    (void)option;
    if (c->socket->endpoint != 0)
        return -EINVAL;
    c->socket->v6only = read_int(value, length) != 0;
    return 0;
}

int option_get_v6only(struct call *c, const struct option *option, void *value, socklen_t *length) {
    (void)option;
    return write_int(c->socket->v6only, value, length);
}

/* ---- IP_TOS, IPV6_TCLASS; the ECN bits are SCTP's own ---------------------------------------- */

static int set_dscp(struct call *c, uint32_t dscp) {
    struct usctp_engine *engine = c->stack->engine;
    struct socket *s = c->socket;
    struct usctp_path_status path;
    if (!s->preferences.has_dscp) {
        int error = socket_tune(s, USCTP_TUNABLE_dscp, dscp);
        if (error != 0)
            return error;
        if (s->endpoint != 0)
            usctp_endpoint_tune(engine, s->endpoint, USCTP_TUNABLE_dscp, dscp);
    }
    for (struct connection *a = option_next(c, NULL); a; a = option_next(c, a)) {
        if (a->preferences.has_dscp)
            continue;
        if (a->dscp_paths == 0)
            usctp_assoc_tune(engine, a->id, USCTP_TUNABLE_dscp, dscp, c->now_us);
        for (uint32_t i = 0; a->dscp_paths != 0 && usctp_path_status(engine, a->id, i, &path) == 0;
             i++)
            if (!(a->dscp_paths & 1u << i))
                usctp_path_tune(engine, a->id, i, USCTP_TUNABLE_dscp, dscp, c->now_us);
    }
    return 0;
}

int option_set_class(struct call *c, const struct option *option, const void *value,
                     socklen_t length) {
    int n = read_int(value, length);
    if (option->level == IPPROTO_IPV6) {
        if (n < -1 || n > MAX_BYTE)
            return -EINVAL;
        n = n < 0 ? 0 : n;
    }
    c->socket->traffic_class = (uint8_t)(n & DSCP_MASK);
    set_dscp(c, (uint32_t)c->socket->traffic_class >> DSCP_SHIFT);
    return 0;
}

int option_get_class(struct call *c, const struct option *option, void *value, socklen_t *length) {
    (void)option;
    return write_int(c->socket->traffic_class, value, length);
}

/* ---- IP_TTL, IPV6_UNICAST_HOPS --------------------------------------------------------------- */

int option_set_hops(struct call *c, const struct option *option, const void *value,
                    socklen_t length) {
    int n = read_int(value, length);
    (void)option;
    if (n != -1 && (n < 1 || n > MAX_BYTE))
        return -EINVAL;
    return option_tune(c, USCTP_TUNABLE_hop_limit, n < 0 ? 0 : (uint64_t)n);
}

int option_get_hops(struct call *c, const struct option *option, void *value, socklen_t *length) {
    int n = (int)option_value(c, USCTP_TUNABLE_hop_limit);
    if (n == 0)
        n = default_of(option);
    return write_int(n < 0 ? USUAL_HOPS : n, value, length);
}

/* ---- IP_MTU_DISCOVER, IPV6_MTU_DISCOVER, IP_MTU, IPV6_MTU ------------------------------------ */

int option_set_mtu_discover(struct call *c, const struct option *option, const void *value,
                            socklen_t length) {
    int n = read_int(value, length);
    (void)option;
    switch (n) {
    case IP_PMTUDISC_DONT:
    case IP_PMTUDISC_WANT:
    case IP_PMTUDISC_DO:
        c->socket->mtu_discover = (uint8_t)n;
        return option_tune(c, USCTP_TUNABLE_pmtu_discovery, n != IP_PMTUDISC_DONT);
    case IP_PMTUDISC_PROBE: /* SCTP's probes are its own, and the others are not to be chosen */
    case IP_PMTUDISC_INTERFACE:
    case IP_PMTUDISC_OMIT:
        return -EOPNOTSUPP;
    default:
        return -EINVAL;
    }
}

int option_get_mtu_discover(struct call *c, const struct option *option, void *value,
                            socklen_t *length) {
    int n = c->socket->mtu_discover;
    (void)option;
    if (option_value(c, USCTP_TUNABLE_pmtu_discovery) == 0)
        n = IP_PMTUDISC_DONT;
    else if (n == IP_PMTUDISC_DONT)
        n = IP_PMTUDISC_WANT;
    return write_int(n, value, length);
}

int option_get_mtu(struct call *c, const struct option *option, void *value, socklen_t *length) {
    const struct connection *a = connection_only(c->socket);
    struct usctp_assoc_status status;
    struct usctp_path_status path;
    (void)option;
    if (!a || usctp_assoc_status(c->stack->engine, a->id, &status) != 0 ||
        usctp_path_status(c->stack->engine, a->id, status.primary_path, &path) != 0)
        return -ENOTCONN;
    return write_int((int)path.pmtu_bytes, value, length);
}

/* ---- IP_FREEBIND, IPV6_FREEBIND: addresses that the host does not have yet ------------------- */

int option_set_freebind(struct call *c, const struct option *option, const void *value,
                        socklen_t length) {
    (void)option;
    c->socket->is_free_to_bind = read_int(value, length) != 0;
    return 0;
}

int option_get_freebind(struct call *c, const struct option *option, void *value,
                        socklen_t *length) {
    (void)option;
    return write_int(c->socket->is_free_to_bind, value, length);
}
