/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reads struct sock_extended_err from ancillary data and maps ICMP types and codes to what RFC 9260
 * 10 tells apart.
 */
#include "net/icmp_errors.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/errqueue.h>
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <netinet/in.h>
#include <string.h>

#define MAX_DRAINED 256u /* entries taken by one call */

int icmp_errors_init(struct icmp_errors *errors) {
    memset(errors, 0, sizeof *errors);
    return -pthread_mutex_init(&errors->lock, NULL);
}

void icmp_errors_free(struct icmp_errors *errors) {
    pthread_mutex_destroy(&errors->lock);
}

/* RFC 9260 10 ICMP1: types other than Destination Unreachable are ignored. */
static bool map_ipv4(const struct sock_extended_err *error, struct usctp_icmp *icmp) {
    if (error->ee_type != ICMP_DEST_UNREACH)
        return false;
    switch (error->ee_code) {
    case ICMP_PROT_UNREACH:
        icmp->kind = USCTP_ICMP_PROTOCOL_UNREACHABLE;
        break;
    case ICMP_PORT_UNREACH:
        icmp->kind = USCTP_ICMP_PORT_UNREACHABLE;
        break;
    case ICMP_FRAG_NEEDED:
        icmp->kind = USCTP_ICMP_PACKET_TOO_BIG;
        icmp->mtu_bytes = error->ee_info;
        break;
    default:
        icmp->kind = USCTP_ICMP_UNREACHABLE;
    }
    return true;
}

/* RFC 9260 10 ICMP2, ICMP4. */
static bool map_ipv6(const struct sock_extended_err *error, struct usctp_icmp *icmp) {
    switch (error->ee_type) {
    case ICMPV6_DEST_UNREACH:
        icmp->kind = error->ee_code == ICMPV6_PORT_UNREACH ? USCTP_ICMP_PORT_UNREACHABLE
                                                           : USCTP_ICMP_UNREACHABLE;
        return true;
    case ICMPV6_PKT_TOOBIG:
        icmp->kind = USCTP_ICMP_PACKET_TOO_BIG;
        icmp->mtu_bytes = error->ee_info;
        return true;
    case ICMPV6_PARAMPROB:
        icmp->kind = USCTP_ICMP_PROTOCOL_UNREACHABLE;
        return error->ee_code == ICMPV6_UNK_NEXTHDR;
    default:
        return false;
    }
}

/* The name of a message in an error queue is where our packet was going. */
static bool take_destination(const struct msghdr *header, struct usctp_icmp *icmp) {
    sa_family_t family = AF_UNSPEC;
    if (!header->msg_name || header->msg_namelen < sizeof family)
        return false;
    memcpy(&family, header->msg_name, sizeof family);
    if (family == AF_INET && header->msg_namelen >= sizeof(struct sockaddr_in)) {
        struct sockaddr_in name;
        memcpy(&name, header->msg_name, sizeof name);
        icmp->destination.family = USCTP_FAMILY_IPV4;
        memcpy(icmp->destination.ipv4, &name.sin_addr, sizeof name.sin_addr);
        icmp->udp_destination = ntohs(name.sin_port);
        return true;
    }
    if (family == AF_INET6 && header->msg_namelen >= sizeof(struct sockaddr_in6)) {
        struct sockaddr_in6 name;
        memcpy(&name, header->msg_name, sizeof name);
        icmp->destination.family = USCTP_FAMILY_IPV6;
        memcpy(icmp->destination.ipv6, &name.sin6_addr, sizeof name.sin6_addr);
        icmp->destination.scope_id = name.sin6_scope_id;
        icmp->udp_destination = ntohs(name.sin6_port);
        return true;
    }
    return false;
}

bool icmp_errors_parse(struct msghdr *header, const uint8_t *data, size_t bytes,
                       struct icmp_error *out, uint32_t *local_mtu_bytes) {
    struct sock_extended_err error = {0};
    bool found = false;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
        bool is_error = (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) ||
                        (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR);
        if (!is_error || c->cmsg_len < CMSG_LEN(sizeof error))
            continue;
        memcpy(&error, CMSG_DATA(c), sizeof error);
        found = true;
    }
    if (!found)
        return false;
    if (error.ee_origin == SO_EE_ORIGIN_LOCAL && error.ee_errno == EMSGSIZE)
        *local_mtu_bytes = error.ee_info;
    memset(out, 0, sizeof *out);
    if (!(error.ee_origin == SO_EE_ORIGIN_ICMP && map_ipv4(&error, &out->icmp)) &&
        !(error.ee_origin == SO_EE_ORIGIN_ICMP6 && map_ipv6(&error, &out->icmp)))
        return false;
    if (!take_destination(header, &out->icmp))
        return false;
    out->icmp.quoted_bytes = bytes < sizeof out->quoted ? bytes : sizeof out->quoted;
    if (out->icmp.quoted_bytes > 0)
        memcpy(out->quoted, data, out->icmp.quoted_bytes);
    return true;
}

/* Needs the lock. */
static void add(struct icmp_errors *errors, const struct icmp_error *error) {
    errors->received++;
    if (errors->count == ICMP_ERRORS_RING) {
        errors->lost++;
        return;
    }
    errors->ring[(errors->first + errors->count++) % ICMP_ERRORS_RING] = *error;
}

struct icmp_drained icmp_errors_drain(struct icmp_errors *errors, int fd, bool is_udp) {
    struct icmp_drained drained = {0};
    while (drained.entries < MAX_DRAINED) {
        uint8_t data[ICMP_ERRORS_QUOTED_BYTES];
        struct sockaddr_in6 name;
        _Alignas(struct cmsghdr) uint8_t control[256];
        struct iovec iov = {data, sizeof data};
        struct msghdr header = {.msg_name = &name,
                                .msg_namelen = sizeof name,
                                .msg_iov = &iov,
                                .msg_iovlen = 1,
                                .msg_control = control,
                                .msg_controllen = sizeof control};
        struct icmp_error error;
        ssize_t bytes = recvmsg(fd, &header, MSG_ERRQUEUE | MSG_DONTWAIT);
        if (bytes < 0 && errno == EINTR)
            continue;
        if (bytes < 0)
            break;
        drained.entries++;
        size_t quoted = (size_t)bytes < sizeof data ? (size_t)bytes : sizeof data;
        if (!icmp_errors_parse(&header, data, quoted, &error, &drained.local_mtu_bytes))
            continue;
        error.is_udp = is_udp;
        pthread_mutex_lock(&errors->lock);
        add(errors, &error);
        pthread_mutex_unlock(&errors->lock);
    }
    return drained;
}

void icmp_errors_add_local(struct icmp_errors *errors, const struct usctp_icmp *what,
                           const uint8_t *segment, size_t bytes) {
    struct icmp_error error = {.icmp = *what, .is_udp = what->udp_destination != 0};
    error.icmp.quoted_bytes = bytes < sizeof error.quoted ? bytes : sizeof error.quoted;
    memcpy(error.quoted, segment, error.icmp.quoted_bytes);
    pthread_mutex_lock(&errors->lock);
    add(errors, &error);
    pthread_mutex_unlock(&errors->lock);
}

bool icmp_errors_take(struct icmp_errors *errors, struct icmp_error *out) {
    bool found = false;
    pthread_mutex_lock(&errors->lock);
    if (errors->count > 0) {
        *out = errors->ring[errors->first];
        errors->first = (errors->first + 1) % ICMP_ERRORS_RING;
        errors->count--;
        found = true;
    }
    pthread_mutex_unlock(&errors->lock);
    return found;
}
