/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One end of a transfer on a stack that is placed as the options say: handed-in sockets, privileges
 * dropped before or after, a device, a mark, code point and flow label.
 *
 *     placement [OPTION...] listen PORT
 *     placement [OPTION...] connect ADDRESS PORT
 *
 * The client sends BYTES that the server checks, who sends them back; both say so on stderr.
 * Exit status 0 when all of it was right; 3 when the stack could not be made, 4 when connecting
 * failed, with the reason on stderr.
 */
#include <usctp/usctp.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { BYTES = 200000, NOBODY = 65534, LOW_PORT = 899, PIECE = 5000, MS = 1000 };

struct settings {
    struct usctp_stack_options stack;
    struct usctp_config config;
    bool handed_in, ipv6, drops_before, drops_after;
    int dscp, tos; /* -1: not set */
    uint32_t label;
    const char *bind, *from; /* from: the namespace to open what is handed in in */
};

static void die(int status, const char *what, const char *why) {
    fprintf(stderr, "%s: %s\n", what, why);
    exit(status);
}

static void must(bool ok, const char *what) {
    if (!ok)
        die(1, what, strerror(errno));
}

/* From here on nobody, without capabilities, for good. */
static void drop(void) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct held[_LINUX_CAPABILITY_U32S_3];
    must(setgroups(0, NULL) == 0, "setgroups");
    must(setresgid(NOBODY, NOBODY, NOBODY) == 0, "setresgid");
    must(setresuid(NOBODY, NOBODY, NOBODY) == 0, "setresuid");
    must(syscall(SYS_capget, &header, held) == 0, "capget");
    for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
        if (held[i].effective || held[i].permitted || held[i].inheritable)
            die(1, "dropping privileges", "capabilities are left");
    if (setuid(0) == 0 || socket(AF_INET, SOCK_RAW, IPPROTO_SCTP) >= 0)
        die(1, "dropping privileges", "they are still there");
}

/* What an unprivileged process could not open by itself. */
static int open_for_handing_in(int domain, bool udp) {
    struct sockaddr_in ipv4 = {.sin_family = AF_INET, .sin_port = htons(LOW_PORT)};
    struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6, .sin6_port = htons(LOW_PORT)};
    int on = 1, fd = udp ? socket(domain, SOCK_DGRAM, 0) : socket(domain, SOCK_RAW, IPPROTO_SCTP);
    must(fd >= 0, "opening a socket to hand in");
    if (!udp)
        return fd;
    if (domain == AF_INET6)
        must(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) == 0, "IPV6_V6ONLY");
    must((domain == AF_INET ? bind(fd, (struct sockaddr *)&ipv4, sizeof ipv4)
                            : bind(fd, (struct sockaddr *)&ipv6, sizeof ipv6)) == 0,
         "binding to a low port");
    return fd;
}

/* Goes to a namespace; returns a descriptor of the one before. */
static int go_to(const char *name) {
    char path[200];
    snprintf(path, sizeof path, "/run/netns/%s", name);
    int before = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    must(before >= 0 && fd >= 0 && setns(fd, CLONE_NEWNET) == 0, path);
    close(fd);
    return before;
}

static void set_options(const struct settings *s, int sd) {
    struct sctp_paddrparams params = {.spp_ipv6_flowlabel = s->label};
    if (s->dscp >= 0) {
        params.spp_flags |= SPP_DSCP;
        params.spp_dscp = (uint8_t)(s->dscp << 2);
    }
    if (s->label)
        params.spp_flags |= SPP_IPV6_FLOWLABEL;
    if (params.spp_flags)
        must(usctp_setsockopt(sd, IPPROTO_SCTP, SCTP_PEER_ADDR_PARAMS, &params, sizeof params) == 0,
             "SCTP_PEER_ADDR_PARAMS");
    if (s->tos >= 0)
        must(usctp_setsockopt(sd, s->ipv6 ? IPPROTO_IPV6 : IPPROTO_IP,
                              s->ipv6 ? IPV6_TCLASS : IP_TOS, &s->tos, sizeof s->tos) == 0,
             "IP_TOS or IPV6_TCLASS");
    if (s->stack.flags & USCTP_STACK_UDP) {
        struct sctp_udpencaps encaps = {.sue_port =
                                            htons(s->handed_in ? LOW_PORT : USCTP_UDP_PORT)};
        must(usctp_setsockopt(sd, IPPROTO_SCTP, SCTP_REMOTE_UDP_ENCAPS_PORT, &encaps,
                              sizeof encaps) == 0,
             "SCTP_REMOTE_UDP_ENCAPS_PORT");
    }
}

static socklen_t address_of(const char *text, uint16_t port, struct sockaddr_in6 *out) {
    struct sockaddr_in ipv4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    *out = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(port)};
    if (inet_pton(AF_INET6, text, &out->sin6_addr) == 1)
        return sizeof *out;
    if (inet_pton(AF_INET, text, &ipv4.sin_addr) != 1)
        die(1, text, "no address");
    memcpy(out, &ipv4, sizeof ipv4);
    return sizeof ipv4;
}

static uint8_t byte_at(size_t i, bool back) {
    return (uint8_t)((uint32_t)(i + (back ? 77 : 0)) * 2654435761u >> 24);
}

static void send_all(int sd, bool back) {
    static uint8_t data[BYTES];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = byte_at(i, back);
    for (size_t at = 0; at < sizeof data; at += PIECE)
        must(usctp_send(sd, data + at, PIECE, 0) == PIECE, "sending");
}

static void receive_all(int sd, bool back) {
    static uint8_t data[BYTES];
    size_t at = 0;
    while (at < sizeof data) {
        ssize_t n = usctp_recv(sd, data + at, sizeof data - at, 0);
        must(n > 0, "receiving");
        at += (size_t)n;
    }
    for (size_t i = 0; i < sizeof data; i++)
        if (data[i] != byte_at(i, back))
            die(1, "receiving", "other bytes than were sent");
}

static int count_addresses(int sd, bool of_peer) {
    struct sockaddr *addresses = NULL;
    int n = of_peer ? usctp_getpaddrs(sd, 0, &addresses) : usctp_getladdrs(sd, 0, &addresses);
    usctp_freepaddrs(addresses);
    return n;
}

static void bind_to(int sd, const char *text, uint16_t port) {
    struct sockaddr_in6 name;
    socklen_t length = address_of(text, port, &name);
    must(usctp_bind(sd, (struct sockaddr *)&name, length) == 0, "binding");
}

static int listen_on(const struct settings *s, struct usctp_stack *stack, uint16_t port) {
    int sd = usctp_socket(stack, s->ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM, IPPROTO_SCTP);
    must(sd >= 0, "a socket");
    set_options(s, sd);
    bind_to(sd, s->bind ? s->bind : s->ipv6 ? "::" : "0.0.0.0", port);
    must(usctp_listen(sd, 5) == 0, "listening");
    fprintf(stderr, "listening on %u\n", port);
    int connection = usctp_accept(sd, NULL, NULL);
    must(connection >= 0, "accepting");
    return connection;
}

static int connect_to(const struct settings *s, struct usctp_stack *stack, const char *address,
                      uint16_t port) {
    struct sockaddr_in6 name;
    socklen_t length = address_of(address, port, &name);
    int sd = usctp_socket(stack, s->ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM, IPPROTO_SCTP);
    must(sd >= 0, "a socket");
    set_options(s, sd);
    if (s->bind)
        bind_to(sd, s->bind, 0);
    if (usctp_connect(sd, (struct sockaddr *)&name, length) != 0)
        die(4, "connecting", strerror(errno));
    return sd;
}

static struct settings read_options(int argc, char **argv) {
    static const struct option options[] = {
        {"udp", 0, NULL, 'u'},        {"ipv6", 0, NULL, '6'},
        {"handed-in", 0, NULL, 'h'},  {"drop-before", 0, NULL, 'b'},
        {"drop-after", 0, NULL, 'a'}, {"device", 1, NULL, 'd'},
        {"mark", 1, NULL, 'm'},       {"dscp", 1, NULL, 'D'},
        {"label", 1, NULL, 'l'},      {"tos", 1, NULL, 't'},
        {"bind", 1, NULL, 'B'},       {"handed-in-from", 1, NULL, 'f'},
        {"no-thread", 0, NULL, 'n'},  {NULL, 0, NULL, 0},
    };
    struct settings s = {.dscp = -1, .tos = -1};
    usctp_stack_options_init(&s.stack);
    usctp_config_defaults(&s.config);
    /* A path that does not work is to be found out in a second. */
    s.config.rto_initial_us = s.config.rto_min_us = 100 * MS;
    s.config.sack_delay_us = 50 * MS;
    s.config.max_init_retransmits = 3;
    s.config.max_init_timeout_us = 200 * MS;
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (c) {
        case 'u':
            s.stack.flags = (s.stack.flags & ~(uint32_t)USCTP_STACK_RAW) | USCTP_STACK_UDP;
            break;
        case 'n':
            s.stack.flags &= ~(uint32_t)USCTP_STACK_THREAD;
            break;
        case '6':
            s.ipv6 = true;
            break;
        case 'h':
            s.handed_in = true;
            break;
        case 'f':
            s.handed_in = true;
            s.from = optarg;
            break;
        case 'b':
            s.drops_before = true;
            break;
        case 'a':
            s.drops_after = true;
            break;
        case 'd':
            s.stack.device = optarg;
            break;
        case 'm':
            s.stack.mark = (uint32_t)strtoul(optarg, NULL, 0);
            break;
        case 'D':
            s.dscp = atoi(optarg);
            break;
        case 't':
            s.tos = atoi(optarg);
            break;
        case 'l':
            s.label = (uint32_t)strtoul(optarg, NULL, 0);
            break;
        case 'B':
            s.bind = optarg;
            break;
        default:
            exit(2);
        }
    }
    return s;
}

static struct usctp_stack *make_stack(struct settings *s) {
    bool udp = s->stack.flags & USCTP_STACK_UDP;
    int home = s->from ? go_to(s->from) : -1;
    if (s->handed_in) {
        *(udp ? &s->stack.udp_ipv4_fd : &s->stack.raw_ipv4_fd) = open_for_handing_in(AF_INET, udp);
        *(udp ? &s->stack.udp_ipv6_fd : &s->stack.raw_ipv6_fd) = open_for_handing_in(AF_INET6, udp);
    }
    if (home >= 0)
        must(setns(home, CLONE_NEWNET) == 0, "coming back");
    if (s->drops_before)
        drop();
    s->stack.config = &s->config;
    struct usctp_stack *stack = usctp_stack_new(&s->stack);
    if (!stack)
        die(3, strerror(errno), usctp_stack_error());
    if (s->drops_after)
        drop();
    return stack;
}

int main(int argc, char **argv) {
    struct settings s = read_options(argc, argv);
    const char *mode = argc > optind ? argv[optind] : "";
    bool listens = strcmp(mode, "listen") == 0;
    if (argc - optind != (listens ? 2 : 3))
        die(2, mode, "listen PORT, or connect ADDRESS PORT");
    struct usctp_stack *stack = make_stack(&s);
    uint16_t port = (uint16_t)atoi(argv[argc - 1]);
    if (s.drops_before || s.drops_after) {
        /* What stays refused: ports below 1024. */
        int sd = usctp_socket(stack, AF_INET, SOCK_STREAM, IPPROTO_SCTP);
        struct sockaddr_in low = {.sin_family = AF_INET, .sin_port = htons(LOW_PORT)};
        if (usctp_bind(sd, (struct sockaddr *)&low, sizeof low) == 0 || errno != EACCES)
            die(1, "a low port", "can be bound by nobody");
        usctp_close(sd);
    }
    int sd = listens ? listen_on(&s, stack, port) : connect_to(&s, stack, argv[optind + 1], port);
    fprintf(stderr, "connected, addresses %d of ours, %d of the peer\n", count_addresses(sd, false),
            count_addresses(sd, true));
    if (!listens)
        send_all(sd, false);
    receive_all(sd, !listens);
    if (listens)
        send_all(sd, true);
    /* Both see the end: the server reads it, the client begins it. */
    char end;
    if (!listens)
        must(usctp_shutdown(sd, SHUT_WR) == 0, "shutting down");
    must(usctp_recv(sd, &end, 1, 0) == 0, "the end");
    fprintf(stderr, "%d bytes each way\n", BYTES);
    usctp_close(sd);
    usctp_stack_delete(stack);
    return 0;
}
