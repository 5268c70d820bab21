/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The transport as a whole: opening and closing its sockets, the host's network, port claims and
 * the filters that follow them, ICMP errors on their way up. Sending and receiving are in
 * transport_send.c and transport_receive.c. RFC 6951 5.1 for the encapsulation port.
 */
#include "net/host_sctp.h"
#include "net/transport_inside.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ENCAPSULATION_PORT 9899u /* RFC 6951 7 */
#define EPHEMERAL_ATTEMPTS 16u   /* for a port that is free for IPv4 and IPv6 */
#define MAX_IGNORED_ERRORS ICMP_ERRORS_RING
#define USUAL_HOP_LIMIT    64u

/* Where to write the sentence for the user. */
struct report {
    char *text;
    size_t bytes;
};

static int fail(const struct report *report, int error, const char *what) {
    if (report->text && report->bytes > 0)
        snprintf(report->text, report->bytes, "%s failed: %s", what, strerror(-error));
    return error;
}

/* As fail, for what an unprivileged process may not do. */
static int fail_raw(const struct report *report, int error, const char *what) {
    if ((error != -EPERM && error != -EACCES) || !report->text || report->bytes == 0)
        return fail(report, error, what);
    snprintf(report->text, report->bytes,
             "%s needs the capability CAP_NET_RAW (root, or setcap cap_net_raw+ep on the "
             "program); UDP encapsulation needs none (usctp-cat --udp)",
             what);
    return error;
}

/* The kernel would answer our peers' packets with ABORTs (RFC 9260 8.4): it knows none of our
 * associations. */
static int check_kernel(const struct transport_options *options, const struct report *report) {
    if (options->beside_kernel || !host_sctp_is_in_kernel())
        return 0;
    if (report->text && report->bytes > 0)
        snprintf(report->text, report->bytes,
                 "This host's kernel speaks SCTP itself and would abort our associations: use UDP "
                 "encapsulation (USCTP_STACK_UDP, usctp-cat --udp), or unload it (rmmod sctp; a "
                 "line 'blacklist sctp' and 'install sctp /bin/false' in /etc/modprobe.d keep it "
                 "away)");
    return -EBUSY;
}

/* Errors that say that a host has no such address family. */
static bool is_family_missing(int error) {
    return error == -EAFNOSUPPORT || error == -EPROTONOSUPPORT || error == -EADDRNOTAVAIL;
}

/* Whether what was given can be used beside what the transport opens itself, names and netlink. */
static int check_namespace(const struct transport *t, const int fds[2],
                           const struct report *report) {
    for (unsigned i = 0; i < 2; i++) {
        if (fds[i] < 0 || host_namespace_has(t->ns, fds[i]))
            continue;
        if (report->text && report->bytes > 0)
            snprintf(report->text, report->bytes,
                     "A socket that was handed in belongs to another network namespace than the "
                     "thread that makes the stack");
        return -EINVAL;
    }
    return 0;
}

static int open_raw(struct transport *t, const struct transport_options *options,
                    const struct report *report) {
    struct packet_socket *ipv4 = &t->sockets[WAY_RAW_IPV4], *ipv6 = &t->sockets[WAY_RAW_IPV6];
    const int given[2] = {options->raw_ipv4_fd, options->raw_ipv6_fd};
    int error = check_namespace(t, given, report);
    if (error)
        return error;
    int first = packet_socket_open_raw(ipv4, false, options);
    if (given[0] >= 0 && first)
        return fail(report, first, "Taking over the raw IPv4 SCTP socket");
    int second = packet_socket_open_raw(ipv6, true, options);
    if (given[1] >= 0 && second)
        return fail(report, second, "Taking over the raw IPv6 SCTP socket");
    /* One family is enough where the other is not there, or was not handed in by who has dropped
     * the privilege. */
    bool any_given = given[0] >= 0 || given[1] >= 0;
    if (first && !(ipv6->fd >= 0 && (any_given || is_family_missing(first))))
        return fail_raw(report, first, "Opening a raw SCTP socket");
    if (second && !(ipv4->fd >= 0 && (any_given || is_family_missing(second))))
        return fail_raw(report, second, "Opening a raw SCTP socket");
    return 0;
}

/* Binds IPv4 and, where the host has it, IPv6 to one port. With one socket given the other family
 * is as welcome as possible. */
static int open_udp_pair(struct transport *t, uint16_t port,
                         const struct transport_options *options) {
    struct packet_socket *ipv4 = &t->sockets[WAY_UDP_IPV4], *ipv6 = &t->sockets[WAY_UDP_IPV6];
    bool given_ipv4 = options->udp_ipv4_fd >= 0, given_ipv6 = options->udp_ipv6_fd >= 0;
    int first = packet_socket_open_udp(ipv4, false, &port, options);
    if (first && !is_family_missing(first) && (given_ipv4 || !given_ipv6))
        return first;
    int second = packet_socket_open_udp(ipv6, true, &port, options);
    if (second && (first || given_ipv6 || (!given_ipv4 && !is_family_missing(second)))) {
        packet_socket_drop(ipv4);
        return second;
    }
    t->udp_port = port;
    return 0;
}

/* The port that given sockets are bound to, 0 when they are not, or -EINVAL when they cannot go
 * together or with the port that is wanted. */
static int given_udp_port(const struct transport_options *options) {
    int ipv4 = options->udp_ipv4_fd >= 0 ? packet_socket_bound_port(options->udp_ipv4_fd) : 0;
    int ipv6 = options->udp_ipv6_fd >= 0 ? packet_socket_bound_port(options->udp_ipv6_fd) : 0;
    int port = ipv4 ? ipv4 : ipv6;
    if (port && ((ipv6 && port != ipv6) || (options->udp_port && port != options->udp_port)))
        return -EINVAL;
    return port;
}

static int open_udp(struct transport *t, const struct transport_options *options,
                    const struct report *report) {
    const int given[2] = {options->udp_ipv4_fd, options->udp_ipv6_fd};
    uint16_t port = options->udp_port ? options->udp_port : ENCAPSULATION_PORT;
    int bound = given_udp_port(options);
    if (bound < 0)
        return fail(report, bound, "Taking over UDP sockets that are bound to another port");
    if (bound > 0)
        port = (uint16_t)bound;
    int error = check_namespace(t, given, report);
    if (error)
        return error;
    error = open_udp_pair(t, port, options);
    bool taken = error == -EADDRINUSE;
    for (unsigned i = 0;
         error == -EADDRINUSE && !bound && !options->udp_port_required && i < EPHEMERAL_ATTEMPTS;
         i++)
        error = open_udp_pair(t, 0, options);
    if (error && taken && report->text && report->bytes > 0)
        snprintf(report->text, report->bytes, "Another process holds UDP port %u", (unsigned)port);
    else if (error && (given[0] >= 0 || given[1] >= 0))
        fail(report, error, "Taking over the UDP sockets");
    else if (error == -EPERM && options->mark)
        fail(report, error, "Marking packets (it needs CAP_NET_ADMIN, or CAP_NET_RAW)");
    else if (error && (options->device || options->mark))
        fail(report, error, "Binding a UDP socket to a device or mark");
    else if (error && report->text && report->bytes > 0)
        snprintf(report->text, report->bytes, "Opening UDP port %u failed: %s", (unsigned)port,
                 strerror(-error));
    return error;
}

/* Makes the filters of the raw sockets show the claims, and the speaker's wishes. Returns 0 or a
 * negative errno. */
static int update_filters(struct transport *t) {
    uint64_t set[PORT_CLAIM_SET_WORDS], claimed = port_claim_generation(t->claims);
    struct port_range ranges[SOCKET_FILTER_MAX_RANGES];
    if (!t->speaker)
        return 0;
    if (claimed != t->told_generation)
        host_speaker_tell(t->speaker);
    t->told_generation = claimed;
    uint64_t generation = claimed + host_speaker_generation(t->speaker);
    if (generation == t->filter_generation)
        return 0;
    port_claim_set(t->claims, set);
    if (t->xdp_in)
        xdp_receiver_set_ports(t->xdp_in, set);
    host_speaker_add_ports(t->speaker, set);
    size_t n = socket_filter_ranges(set, ranges, SOCKET_FILTER_MAX_RANGES);
    for (unsigned way = WAY_RAW_IPV4; way <= WAY_RAW_IPV6; way++) {
        const struct packet_socket *s = &t->sockets[way];
        int error = s->fd >= 0 ? socket_filter_attach(s->fd, ranges, n, !s->ipv6) : 0;
        if (error)
            return error;
    }
    t->filter_generation = generation;
    return 0;
}

/* A number that names nothing now would name what is opened next. */
static int check_given(const struct transport_options *options, const struct report *report) {
    const int fds[WAY_COUNT] = {options->raw_ipv4_fd, options->raw_ipv6_fd, options->udp_ipv4_fd,
                                options->udp_ipv6_fd};
    for (unsigned i = 0; i < WAY_COUNT; i++)
        if (fds[i] >= 0 && fcntl(fds[i], F_GETFD) < 0)
            return fail(report, -errno, "Taking over a socket");
    return 0;
}

/* The host's own TTL or hop limit. */
static uint8_t hop_limit_of(const struct packet_socket *s) {
    int hops = 0;
    socklen_t length = sizeof hops;
    int error = s->ipv6 ? getsockopt(s->fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &hops, &length)
                        : getsockopt(s->fd, IPPROTO_IP, IP_TTL, &hops, &length);
    return error == 0 && hops > 0 && hops <= UINT8_MAX ? (uint8_t)hops : USUAL_HOP_LIMIT;
}

/* Tells who receives by AF_XDP which addresses are the host's. */
static void tell_addresses(struct transport *t) {
    size_t n;
    const struct usctp_local_address *addresses = host_network_addresses(t->network, &n);
    if (t->xdp_in)
        xdp_receiver_set_addresses(t->xdp_in, addresses, n);
}

static int open_xdp(struct transport *t, const struct transport_options *options,
                    const struct report *report) {
    if (options->xdp_receive) {
        t->xdp_in = xdp_receiver_new(t->ns);
        if (!t->xdp_in)
            return fail(report, -ENOMEM, "Preparing AF_XDP");
        tell_addresses(t);
    }
    const struct xdp_sender_options wanted = {
        .receiver = t->xdp_in,
        .ns = t->ns,
        .send_buffer_bytes = options->send_buffer_bytes,
        .ipv4_hop_limit = hop_limit_of(&t->sockets[WAY_RAW_IPV4]),
        .ipv6_hop_limit = hop_limit_of(&t->sockets[WAY_RAW_IPV6]),
        .obstacle = options->mark     ? "packets have a mark, by which the kernel routes"
                    : options->device ? "packets are bound to a device"
                                      : NULL,
    };
    int error = xdp_sender_new(&t->xdp, &wanted);
    return error ? fail(report, error, "Preparing AF_XDP") : 0;
}

static int open_all(struct transport *t, const struct transport_options *options,
                    const struct report *report) {
    t->receiver.slots = malloc((size_t)TRANSPORT_BATCH * TRANSPORT_SLOT_STRIDE);
    if (!t->receiver.slots)
        return fail(report, -ENOMEM, "Allocating packet memory");
    if (!options->raw && !options->udp)
        return fail(report, -EINVAL, "Opening no socket at all");
    int error = check_given(options, report);
    if (error)
        return error;
    error = host_namespace_new(&t->ns, options->raw);
    if (error)
        return fail(report, error, "Opening a socket for names among processes");
    t->claims = options->raw ? port_claim_new(t->ns) : port_claim_new_udp(t->ns);
    if (!t->claims)
        return fail(report, -errno, "Opening a socket for names among processes");
    /* UDP first: a handed-in socket changes hands only when all else has worked. */
    if (options->udp)
        error = open_udp(t, options, report);
    if (error)
        return error;
    error = host_network_new(&t->network, options->device, options->mark);
    if (error == -ENODEV)
        return fail(report, error, "Looking for the network device");
    if (error)
        return fail(report, error, "Reading the host's addresses (rtnetlink)");
    if (!options->raw)
        return 0;
    error = check_kernel(options, report);
    if (!error)
        error = open_raw(t, options, report);
    if (error)
        return error;
    const int raw_fds[2] = {t->sockets[WAY_RAW_IPV4].fd, t->sockets[WAY_RAW_IPV6].fd};
    t->speaker = host_speaker_new(t->claims, t->ns, raw_fds, options->may_speak);
    if (!t->speaker)
        return fail(report, -ENOMEM, "Allocating packet memory");
    /* A filter that cannot be attached now lets nothing in; the next claim tries again. */
    (void)update_filters(t);
    return options->xdp ? open_xdp(t, options, report) : 0;
}

/* Closes and frees; shared with nobody but the descriptors themselves. */
static void dispose(struct transport *t) {
    for (unsigned i = 0; i < WAY_COUNT; i++)
        packet_socket_close(&t->sockets[i]);
    host_network_delete(t->network);
    host_speaker_delete(t->speaker);
    port_claim_delete(t->claims);
    host_namespace_delete(t->ns);
    free(t->receiver.slots);
}

void transport_give_back(struct transport *t) {
    for (unsigned i = 0; i < WAY_COUNT; i++)
        packet_socket_drop(&t->sockets[i]);
}

void transport_close(struct transport *t) {
    if (!t)
        return;
    xdp_sender_delete(t->xdp);
    xdp_receiver_delete(t->xdp_in);
    dispose(t);
    icmp_errors_free(&t->errors);
    free(t);
}

int transport_open(struct transport **out, const struct transport_options *options,
                   char *error_text, size_t error_bytes) {
    struct report report = {error_text, error_bytes};
    struct transport *t = calloc(1, sizeof *t);
    *out = NULL;
    if (!t || icmp_errors_init(&t->errors)) {
        free(t);
        return fail(&report, -ENOMEM, "Allocating a transport");
    }
    for (unsigned i = 0; i < WAY_COUNT; i++)
        t->sockets[i].fd = -1;
    int error = open_all(t, options, &report);
    if (error) {
        /* What was handed in stays its giver's when the transport does not come to be. */
        transport_give_back(t);
        transport_close(t);
        return error;
    }
    *out = t;
    return 0;
}

void transport_forget(struct transport *t) {
    if (!t)
        return;
    /* Another thread of the parent may have held the lock at the fork: it is left alone.
       Descriptors are the child's own copies, also those that hold names. */
    xdp_sender_forget(t->xdp);
    xdp_receiver_forget(t->xdp_in);
    dispose(t);
    free(t);
}

size_t transport_descriptors(const struct transport *t, int *out, size_t max) {
    size_t n = 0;
    for (unsigned i = 0; i < WAY_COUNT; i++)
        if (t->sockets[i].fd >= 0 && n < max)
            out[n++] = t->sockets[i].fd;
    const int others[] = {host_network_descriptor(t->network), port_claim_descriptor(t->claims),
                          t->speaker ? host_speaker_descriptor(t->speaker) : -1};
    for (unsigned i = 0; i < sizeof others / sizeof others[0]; i++)
        if (others[i] >= 0 && n < max)
            out[n++] = others[i];
    return n;
}

size_t transport_packet_sockets(const struct transport *t) {
    size_t n = 0;
    for (unsigned i = 0; i < WAY_COUNT; i++)
        n += t->sockets[i].fd >= 0;
    return n;
}

void transport_watch_xdp(struct transport *t, int epoll_fd, uint64_t data) {
    if (t->xdp_in)
        xdp_receiver_watch(t->xdp_in, epoll_fd, data);
}

bool transport_receives_xdp(const struct transport *t) {
    return t->xdp_in != NULL;
}

void transport_doze_xdp(struct transport *t) {
    if (t->xdp_in)
        xdp_receiver_doze(t->xdp_in);
}

void transport_rouse_xdp(struct transport *t) {
    if (t->xdp_in)
        xdp_receiver_rouse(t->xdp_in);
}

bool transport_has_xdp_packets(struct transport *t) {
    return t->xdp_in && xdp_receiver_has(t->xdp_in);
}

uint16_t transport_udp_port(const struct transport *t) {
    return t->udp_port;
}

bool transport_has_raw(const struct transport *t) {
    return t->sockets[WAY_RAW_IPV4].fd >= 0 || t->sockets[WAY_RAW_IPV6].fd >= 0;
}

/* Whether an error quotes a packet that we may have sent: raw sockets are told of every SCTP packet
 * of the host. */
static bool is_own_error(const struct transport *t, const struct icmp_error *error) {
    if (error->is_udp)
        return true;
    return error->icmp.quoted_bytes >= 2 &&
           port_claim_passes(t->claims, (uint16_t)(error->quoted[0] << 8 | error->quoted[1]));
}

int transport_next_icmp(struct transport *t, struct usctp_icmp *icmp) {
    for (unsigned i = 0; i < MAX_IGNORED_ERRORS && icmp_errors_take(&t->errors, &t->taken); i++) {
        if (!is_own_error(t, &t->taken))
            continue;
        transport_count(&t->counters.icmp_errors, 1);
        *icmp = t->taken.icmp;
        icmp->quoted = t->taken.quoted;
        if (!t->taken.is_udp)
            icmp->udp_destination = 0;
        return 1;
    }
    return 0;
}

const struct usctp_local_address *transport_addresses(const struct transport *t, size_t *n) {
    return host_network_addresses(t->network, n);
}

bool transport_is_short(const struct transport *t) {
    return host_namespace_is_short(t->ns);
}

int transport_unprivileged_port(const struct transport *t) {
    return host_namespace_unprivileged_port(t->ns);
}

bool transport_refresh(struct transport *t) {
    host_namespace_refill(t->ns);
    port_claim_answer(t->claims);
    if (t->speaker && host_speaker_refresh(t->speaker))
        port_claim_reclaim(t->claims);
    /* What cannot be attached lets too much in, which the receiver drops, or lacks what only the
     * speaker wants; the next change tries again. */
    (void)update_filters(t);
    bool has_changed = host_network_refresh(t->network);
    if (has_changed && t->xdp) {
        xdp_sender_forget_routes(t->xdp);
        tell_addresses(t);
    }
    return has_changed;
}

bool transport_next_notice(struct transport *t, char text[TRANSPORT_NOTICE_BYTES]) {
    _Static_assert(TRANSPORT_NOTICE_BYTES == XDP_SENDER_NOTICE_BYTES, "one text");
    return t->xdp && xdp_sender_notice(t->xdp, text);
}

int transport_route(struct transport *t, const struct usctp_addr *destination,
                    struct usctp_addr *source, uint32_t *mtu_bytes, uint32_t *interface_index) {
    return host_network_route(t->network, destination, source, mtu_bytes, interface_index);
}

int transport_claim_port(struct transport *t, uint16_t port) {
    int error = port_claim_add(t->claims, port);
    if (error)
        return error;
    error = update_filters(t);
    if (error)
        transport_release_port(t, port);
    return error;
}

void transport_release_port(struct transport *t, uint16_t port) {
    port_claim_remove(t->claims, port);
    /* A filter that cannot be replaced lets too much in, which the receiver drops; the next claim
     * tries again. */
    (void)update_filters(t);
}

int transport_claim_ephemeral_port(struct transport *t, uint32_t seed) {
    int port = port_claim_add_ephemeral(t->claims, seed);
    if (port < 0)
        return port;
    int error = update_filters(t);
    if (error)
        transport_release_port(t, (uint16_t)port);
    return error ? error : port;
}

void transport_counters(const struct transport *t, struct transport_counters *out) {
    const uint64_t *from = (const uint64_t *)(const void *)&t->counters;
    uint64_t *to = (uint64_t *)(void *)out;
    _Static_assert(sizeof *out % sizeof *to == 0, "counters are all 64 bits wide");
    for (size_t i = 0; i < sizeof *out / sizeof *to; i++)
        to[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
    out->xdp_memory_bytes = t->xdp ? xdp_sender_bytes(t->xdp) : 0;
}
