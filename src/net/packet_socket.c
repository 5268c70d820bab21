/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Opening and configuring packet sockets. What an old kernel may lack (UDP_SEGMENT, UDP_GRO, flow
 * labels, large buffers) is done without; what correctness needs (pktinfo, error queue, DF) must
 * succeed.
 */
#include "net/packet_socket.h"

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
static int check_given(int fd, bool ipv6) {
    int type = 0, domain = 0, protocol = 0, flags;
    socklen_t length = sizeof type;
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) ||
        getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) ||
        getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &length))
        return -errno;
    if (type != SOCK_RAW || protocol != IPPROTO_SCTP || domain != (ipv6 ? AF_INET6 : AF_INET))
        return -EINVAL;
    flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) || fcntl(fd, F_SETFD, FD_CLOEXEC))
        return -errno;
    return 0;
}

int packet_socket_open_raw(struct packet_socket *s, bool ipv6, int given_fd,
                           const struct transport_options *options) {
    *s = (struct packet_socket){.fd = given_fd, .ipv6 = ipv6};
    int error = 0;
    if (given_fd >= 0) {
        error = check_given(given_fd, ipv6);
    } else {
        s->fd = socket(ipv6 ? AF_INET6 : AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC,
                       IPPROTO_SCTP);
        if (s->fd < 0)
            return -errno;
    }
    if (!error)
        error = socket_filter_attach(s->fd, NULL, 0, !ipv6);
    if (!error)
        error = configure(s, options);
    if (error && given_fd < 0)
        close(s->fd);
    if (error)
        s->fd = -1;
    return error;
}

static int bind_any(const struct packet_socket *s, uint16_t port) {
    struct sockaddr_in ipv4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    int result = s->ipv6 ? bind(s->fd, (struct sockaddr *)&ipv6, sizeof ipv6)
                         : bind(s->fd, (struct sockaddr *)&ipv4, sizeof ipv4);
    return result ? -errno : 0;
}

static int bound_port(const struct packet_socket *s, uint16_t *port) {
    struct sockaddr_in6 name = {0};
    socklen_t length = sizeof name;
    if (getsockname(s->fd, (struct sockaddr *)&name, &length))
        return -errno;
    *port = ntohs(name.sin6_port); /* where sin_port is, too */
    return 0;
}

int packet_socket_open_udp(struct packet_socket *s, bool ipv6, uint16_t *port,
                           const struct transport_options *options) {
    *s = (struct packet_socket){.ipv6 = ipv6, .udp = true};
    s->fd =
        socket(ipv6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_UDP);
    if (s->fd < 0)
        return -errno;
    int error = 0;
    if (ipv6 && !set(s->fd, IPPROTO_IPV6, IPV6_V6ONLY, 1))
        error = -errno;
    if (!error)
        error = configure(s, options);
    if (!error) {
        int segment = 0;
        socklen_t length = sizeof segment;
        s->gso = getsockopt(s->fd, IPPROTO_UDP, UDP_SEGMENT, &segment, &length) == 0;
        set(s->fd, IPPROTO_UDP, UDP_GRO, 1);
        error = bind_any(s, *port);
    }
    if (!error)
        error = bound_port(s, port);
    if (error) {
        close(s->fd);
        s->fd = -1;
    }
    return error;
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
