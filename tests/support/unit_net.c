/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Namespaces, addresses and transports for the tests of src/net.
 */
#include "support/unit_net.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

bool unit_net_enter(void) {
    struct ifreq request;
    if (unshare(CLONE_NEWNET) && unshare(CLONE_NEWUSER | CLONE_NEWNET)) {
        printf("no network namespace: %s\n", strerror(errno));
        return false;
    }
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    memset(&request, 0, sizeof request);
    strcpy(request.ifr_name, "lo");
    bool up = ioctl(fd, SIOCGIFFLAGS, &request) == 0;
    request.ifr_flags |= IFF_UP;
    up = up && ioctl(fd, SIOCSIFFLAGS, &request) == 0;
    if (!up)
        printf("cannot bring lo up: %s\n", strerror(errno));
    close(fd);
    return up;
}

bool unit_net_has_raw(void) {
    int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_SCTP);
    if (fd < 0) {
        printf("no raw sockets: %s\n", strerror(errno));
        return false;
    }
    close(fd);
    return true;
}

bool unit_net_run(const char *format, ...) {
    char command[512];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(command, sizeof command, format, arguments);
    va_end(arguments);
    if (length < 0 || length >= (int)sizeof command)
        return false;
    return system(command) == 0;
}

struct usctp_addr unit_net_address(const char *text) {
    struct usctp_addr address;
    memset(&address, 0, sizeof address);
    if (inet_pton(AF_INET, text, address.ipv4) == 1) {
        address.family = USCTP_FAMILY_IPV4;
        return address;
    }
    ck_assert_int_eq(inet_pton(AF_INET6, text, address.ipv6), 1);
    address.family = USCTP_FAMILY_IPV6;
    return address;
}

bool unit_net_wait(int fd) {
    struct pollfd polled = {.fd = fd, .events = POLLIN};
    return poll(&polled, 1, 10000) > 0;
}

struct transport_options unit_net_options(void) {
    return (struct transport_options){
        .raw_ipv4_fd = -1, .raw_ipv6_fd = -1, .udp_ipv4_fd = -1, .udp_ipv6_fd = -1};
}

struct transport *unit_net_open(struct transport_options options) {
    char text[256];
    struct transport *t = NULL;
    int error = transport_open(&t, &options, text, sizeof text);
    ck_assert_msg(error == 0, "%d: %s", error, text);
    return t;
}

struct transport_counters unit_net_counters(const struct transport *t) {
    struct transport_counters out;
    transport_counters(t, &out);
    return out;
}

void unit_net_send(struct transport *t, const struct usctp_packet *packets, size_t n) {
    uint32_t offset = 0;
    ck_assert_uint_eq(transport_send(t, packets, n, &offset), n);
    ck_assert_uint_eq(offset, 0);
}

size_t unit_net_receive(struct transport *t, struct usctp_packet *packets, size_t max) {
    for (unsigned tries = 0; tries < 1000; tries++) {
        size_t n = transport_receive(t, packets, max);
        if (n > 0)
            return n;
        usleep(1000);
    }
    ck_abort_msg("nothing came");
    return 0;
}
