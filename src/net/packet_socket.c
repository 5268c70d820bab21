/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Opening and configuring packet sockets. What an old kernel may lack (UDP_SEGMENT, UDP_GRO, flow
 * labels, large buffers) is done without; what correctness needs (pktinfo, error queue, DF) must
 * succeed.
 */
#include "net/packet_socket.h"

#include "net/high_number.h"
#include "net/socket_filter.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * Room for two default receive windows of full packets (1 MiB each) with the kernel's overhead,
 * while the process is not scheduled; the kernel doubles what is asked. Sending needs room for a
 * batch of 64 of the largest packets.
 */
#define DEFAULT_RECEIVE_BUFFER_BYTES (4 << 20)
#define DEFAULT_SEND_BUFFER_BYTES    (4 << 20)

#ifndef IPV6_FLOWINFO
#define IPV6_FLOWINFO 11
#endif
#ifndef IPV6_FLOWINFO_SEND
#define IPV6_FLOWINFO_SEND 33
#endif

static bool set(int fd, int level, int name, int value) {
    return setsockopt(fd, level, name, &value, sizeof value) == 0;
}

/* With CAP_NET_ADMIN the system-wide limit does not count. */
static void set_buffers(int fd, const struct transport_options *options) {
    int receive = options->receive_buffer_bytes > 0 ? options->receive_buffer_bytes
                                                    : DEFAULT_RECEIVE_BUFFER_BYTES;
    int send =
        options->send_buffer_bytes > 0 ? options->send_buffer_bytes : DEFAULT_SEND_BUFFER_BYTES;
    if (!set(fd, SOL_SOCKET, SO_RCVBUFFORCE, receive))
        set(fd, SOL_SOCKET, SO_RCVBUF, receive);
    if (!set(fd, SOL_SOCKET, SO_SNDBUFFORCE, send))
        set(fd, SOL_SOCKET, SO_SNDBUF, send);
}

static int bind_to_device(int fd, const char *device) {
    char bound[64] = "";
    socklen_t length = sizeof bound;
    if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, (socklen_t)strlen(device) + 1) == 0)
        return 0;
    int error = errno;
    /* A socket that was handed in may have been bound while there were privileges. */
    if (getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, bound, &length) == 0 &&
        strcmp(bound, device) == 0)
        return 0;
    return -error;
}

static int set_mark(int fd, uint32_t mark) {
    uint32_t set_already = 0;
    socklen_t length = sizeof set_already;
    if (setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof mark) == 0)
        return 0;
    int error = errno;
    if (getsockopt(fd, SOL_SOCKET, SO_MARK, &set_already, &length) == 0 && set_already == mark)
        return 0;
    return -error;
}

static bool set_ipv4_options(const struct packet_socket *s) {
    return set(s->fd, IPPROTO_IP, IP_PKTINFO, 1) && set(s->fd, IPPROTO_IP, IP_RECVERR, 1) &&
           set(s->fd, IPPROTO_IP, IP_RECVTOS, s->udp) &&
           set(s->fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE) &&
           (s->udp || set(s->fd, IPPROTO_IP, IP_HDRINCL, 0));
}

static bool set_ipv6_options(struct packet_socket *s) {
    if (!set(s->fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) ||
        !set(s->fd, IPPROTO_IPV6, IPV6_RECVERR, 1) ||
        !set(s->fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1) ||
        !set(s->fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE))
        return false;
    /* SCTP has its own checksum at an offset that the kernel's must never be written to. */
    if (!s->udp && !set(s->fd, IPPROTO_IPV6, IPV6_CHECKSUM, -1))
        return false;
    set(s->fd, IPPROTO_IPV6, IPV6_FLOWINFO, 1);
    s->flow_labels = set(s->fd, IPPROTO_IPV6, IPV6_FLOWINFO_SEND, 1);
    return true;
}

static int configure(struct packet_socket *s, const struct transport_options *options) {
    if (!(s->ipv6 ? set_ipv6_options(s) : set_ipv4_options(s)))
        return -errno;
    set_buffers(s->fd, options);
    int error = options->device ? bind_to_device(s->fd, options->device) : 0;
    if (!error && options->mark)
        error = set_mark(s->fd, options->mark);
    return error;
}

/* Whether a descriptor is what its giver says. */
static int check_given(const struct packet_socket *s) {
    int type = 0, domain = 0, protocol = 0, flags;
    socklen_t length = sizeof type;
    if (getsockopt(s->fd, SOL_SOCKET, SO_TYPE, &type, &length) ||
        getsockopt(s->fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) ||
        getsockopt(s->fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &length))
        return -errno;
    if (type != (s->udp ? SOCK_DGRAM : SOCK_RAW) ||
        protocol != (s->udp ? IPPROTO_UDP : IPPROTO_SCTP) ||
        domain != (s->ipv6 ? AF_INET6 : AF_INET))
        return -EINVAL;
    flags = fcntl(s->fd, F_GETFL);
    if (flags < 0 || fcntl(s->fd, F_SETFL, flags | O_NONBLOCK) || fcntl(s->fd, F_SETFD, FD_CLOEXEC))
        return -errno;
    return 0;
}

/* Takes the given one, or opens. Returns 0 or a negative errno. */
static int obtain(struct packet_socket *s, int given_fd) {
    s->is_given = given_fd >= 0;
    s->fd = given_fd;
    if (s->is_given)
        return check_given(s);
    s->fd = high_number_move(socket(s->ipv6 ? AF_INET6 : AF_INET,
                                    (s->udp ? SOCK_DGRAM : SOCK_RAW) | SOCK_NONBLOCK | SOCK_CLOEXEC,
                                    s->udp ? IPPROTO_UDP : IPPROTO_SCTP));
    return s->fd >= 0 ? 0 : -errno;
}

int packet_socket_open_raw(struct packet_socket *s, bool ipv6,
                           const struct transport_options *options) {
    *s = (struct packet_socket){.ipv6 = ipv6};
    int error = obtain(s, ipv6 ? options->raw_ipv6_fd : options->raw_ipv4_fd);
    if (!error)
        error = socket_filter_attach(s->fd, NULL, 0, !ipv6);
    if (!error)
        error = configure(s, options);
    if (error)
        packet_socket_drop(s);
    return error;
}

static int bind_any(const struct packet_socket *s, uint16_t port) {
    struct sockaddr_in ipv4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    int result = s->ipv6 ? bind(s->fd, (struct sockaddr *)&ipv6, sizeof ipv6)
                         : bind(s->fd, (struct sockaddr *)&ipv4, sizeof ipv4);
    return result ? -errno : 0;
}

uint16_t packet_socket_bound_port(int fd) {
    struct sockaddr_in6 name = {0};
    socklen_t length = sizeof name;
    if (getsockname(fd, (struct sockaddr *)&name, &length) ||
        (name.sin6_family != AF_INET && name.sin6_family != AF_INET6))
        return 0;
    return ntohs(name.sin6_port); /* where sin_port is, too */
}

/* The IPv4 socket, and no other, gets what comes by IPv4. */
static int set_ipv6_only(const struct packet_socket *s) {
    int is_only = 0;
    socklen_t length = sizeof is_only;
    if (set(s->fd, IPPROTO_IPV6, IPV6_V6ONLY, 1))
        return 0;
    int error = errno;
    /* A bound one says EINVAL: then it was set before. */
    if (getsockopt(s->fd, IPPROTO_IPV6, IPV6_V6ONLY, &is_only, &length) == 0 && is_only)
        return 0;
    return -error;
}

/* Leaves a socket bound to *port, which is then known. */
static int bind_udp(const struct packet_socket *s, uint16_t *port) {
    uint16_t bound = s->is_given ? packet_socket_bound_port(s->fd) : 0;
    if (bound == 0) {
        int error = bind_any(s, *port);
        if (error)
            return error;
        bound = packet_socket_bound_port(s->fd);
    } else if (*port != 0 && *port != bound) {
        return -EINVAL;
    }
    *port = bound;
    return bound != 0 ? 0 : -EADDRINUSE;
}

static bool is_connected(int fd) {
    struct sockaddr_in6 name;
    socklen_t length = sizeof name;
    return getpeername(fd, (struct sockaddr *)&name, &length) == 0;
}

int packet_socket_open_udp(struct packet_socket *s, bool ipv6, uint16_t *port,
                           const struct transport_options *options) {
    *s = (struct packet_socket){.ipv6 = ipv6, .udp = true};
    int error = obtain(s, ipv6 ? options->udp_ipv6_fd : options->udp_ipv4_fd);
    if (!error && s->is_given && is_connected(s->fd))
        error = -EINVAL;
    if (!error && ipv6)
        error = set_ipv6_only(s);
    if (!error)
        error = configure(s, options);
    if (!error) {
        int segment = 0;
        socklen_t length = sizeof segment;
        s->gso = getsockopt(s->fd, IPPROTO_UDP, UDP_SEGMENT, &segment, &length) == 0;
        set(s->fd, IPPROTO_UDP, UDP_GRO, 1);
        error = bind_udp(s, port);
    }
    if (error)
        packet_socket_drop(s);
    return error;
}

void packet_socket_drop(struct packet_socket *s) {
    if (!s->is_given)
        packet_socket_close(s);
    s->fd = -1;
}

void packet_socket_close(struct packet_socket *s) {
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
}

/* RFC 8200 5: every IPv6 link takes this. */
#define IPV6_FRAGMENT_BYTES 1280

void packet_socket_set_fragments(struct packet_socket *s, bool fragments) {
    bool done;
    if (s->fragments == fragments)
        return;
    if (s->ipv6)
        done = set(s->fd, IPPROTO_IPV6, IPV6_MTU, fragments ? IPV6_FRAGMENT_BYTES : 0) &&
               set(s->fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER,
                   fragments ? IPV6_PMTUDISC_DONT : IPV6_PMTUDISC_PROBE);
    else
        done = set(s->fd, IPPROTO_IP, IP_MTU_DISCOVER,
                   fragments ? IP_PMTUDISC_DONT : IP_PMTUDISC_PROBE);
    if (done)
        s->fragments = fragments;
}
