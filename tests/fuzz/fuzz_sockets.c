/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The sockets' calls and options with arguments of the input's: two stacks over UDP encapsulation
 * that talk to each other, a handful of descriptors, and any call on any of them in any order.
 *
 * Harmless: the stacks are bound to the loopback interface, every address is one of a table of
 * loopback's, and every encapsulation port is that of one of the two. No call may block. Nothing
 * traps, no memory and no descriptor is left.
 */
#include "support/fuzz_input.h"
#include "usctp/usctp.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_STEPS 100u
#define SOCKETS   8u
#define PORTS     4u

struct scene {
    struct usctp_stack *stack[2];
    int sd[SOCKETS]; /* -1: none */
    struct fuzz_input in;
};

#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* ---- arguments ---- */

/* A loopback address: IPv4, IPv6, wildcard, or of a family that is none. */
static socklen_t some_address(struct scene *s, struct sockaddr_storage *out) {
    uint8_t how = fuzz_u8(&s->in);
    in_port_t port = htons((uint16_t)(how & 0x80 ? 0 : 40000u + (how >> 4 & 7u) % PORTS));
    struct sockaddr_in *ipv4 = (struct sockaddr_in *)out;
    struct sockaddr_in6 *ipv6 = (struct sockaddr_in6 *)out;
    memset(out, 0, sizeof *out);
    if ((how & 7u) < 4) {
        ipv4->sin_family = AF_INET;
        ipv4->sin_port = port;
        ipv4->sin_addr.s_addr = htonl(how & 2 ? INADDR_ANY : INADDR_LOOPBACK + (how & 1u));
        return sizeof *ipv4;
    }
    ipv6->sin6_family = (how & 7u) == 7 ? 99 : AF_INET6;
    ipv6->sin6_port = port;
    if ((how & 7u) < 6)
        ipv6->sin6_addr = in6addr_loopback;
    return sizeof *ipv6;
}

/* A length that is right, or a little short or long of it, never more than `most`. */
static socklen_t some_length(struct scene *s, socklen_t right, socklen_t most) {
    uint8_t how = fuzz_u8(&s->in);
    socklen_t length = how < 200 ? right : how < 228 ? (socklen_t)(how - 200u) : right + how - 228u;
    return length < most ? length : most;
}

static uint16_t some_udp_port(const struct scene *s, uint8_t how) {
    return htons(how & 0x80 ? 0 : usctp_stack_udp_port(s->stack[how & 1u]));
}

/* ---- options ---- */

static const struct row {
    int level, name;
    socklen_t bytes;
} rows[] = {
    {SOL_SOCKET, SO_RCVBUF, 4},
    {SOL_SOCKET, SO_SNDBUF, 4},
    {SOL_SOCKET, SO_LINGER, sizeof(struct linger)},
    {SOL_SOCKET, SO_ERROR, 4},
    {SOL_SOCKET, SO_TYPE, 4},
    {SOL_SOCKET, SO_ACCEPTCONN, 4},
    {SOL_SOCKET, SO_RCVTIMEO, sizeof(struct timeval)},
    {SOL_SOCKET, SO_SNDTIMEO, sizeof(struct timeval)},
    {SOL_SOCKET, SO_REUSEADDR, 4},
    {IPPROTO_IPV6, 26 /* IPV6_V6ONLY */, 4},
    {IPPROTO_SCTP, SCTP_RTOINFO, sizeof(struct sctp_rtoinfo)},
    {IPPROTO_SCTP, SCTP_ASSOCINFO, sizeof(struct sctp_assocparams)},
    {IPPROTO_SCTP, SCTP_INITMSG, sizeof(struct sctp_initmsg)},
    {IPPROTO_SCTP, SCTP_NODELAY, 4},
    {IPPROTO_SCTP, SCTP_DISABLE_FRAGMENTS, 4},
    {IPPROTO_SCTP, SCTP_MAXSEG, sizeof(struct sctp_assoc_value)},
    {IPPROTO_SCTP, SCTP_DELAYED_SACK, sizeof(struct sctp_sack_info)},
    {IPPROTO_SCTP, SCTP_PARTIAL_DELIVERY_POINT, 4},
    {IPPROTO_SCTP, SCTP_FRAGMENT_INTERLEAVE, 4},
    {IPPROTO_SCTP, SCTP_MAX_BURST, sizeof(struct sctp_assoc_value)},
    {IPPROTO_SCTP, SCTP_STATUS, sizeof(struct sctp_status)},
    {IPPROTO_SCTP, SCTP_GET_ASSOC_STATS, sizeof(struct sctp_assoc_stats)},
    {IPPROTO_SCTP, SCTP_PRIMARY_ADDR, sizeof(struct sctp_prim)},
    {IPPROTO_SCTP, SCTP_PEER_ADDR_PARAMS, sizeof(struct sctp_paddrparams)},
    {IPPROTO_SCTP, SCTP_GET_PEER_ADDR_INFO, sizeof(struct sctp_paddrinfo)},
    {IPPROTO_SCTP, SCTP_PEER_ADDR_THLDS, sizeof(struct sctp_paddrthlds)},
    {IPPROTO_SCTP, SCTP_PEER_ADDR_THLDS_V2, sizeof(struct sctp_paddrthlds_v2)},
    {IPPROTO_SCTP, SCTP_REMOTE_UDP_ENCAPS_PORT, sizeof(struct sctp_udpencaps)},
    {IPPROTO_SCTP, SCTP_EXPOSE_POTENTIALLY_FAILED_STATE, sizeof(struct sctp_assoc_value)},
    {IPPROTO_SCTP, SCTP_DEFAULT_SEND_PARAM, sizeof(struct sctp_sndrcvinfo)},
    {IPPROTO_SCTP, SCTP_DEFAULT_SNDINFO, sizeof(struct sctp_sndinfo)},
    {IPPROTO_SCTP, SCTP_CONTEXT, sizeof(struct sctp_assoc_value)},
    {IPPROTO_SCTP, SCTP_I_WANT_MAPPED_V4_ADDR, 4},
    {IPPROTO_SCTP, SCTP_EVENTS, sizeof(struct sctp_event_subscribe)},
    {IPPROTO_SCTP, SCTP_EVENT, sizeof(struct sctp_event)},
    {IPPROTO_SCTP, SCTP_RECVRCVINFO, 4},
    {IPPROTO_SCTP, SCTP_RECVNXTINFO, 4},
    {IPPROTO_SCTP, SCTP_AUTO_ASCONF, 4},
    {IPPROTO_SCTP, SCTP_PR_SUPPORTED, sizeof(struct sctp_assoc_value)},
    {IPPROTO_SCTP, SCTP_AUTOCLOSE, 4},
    {IPPROTO_SCTP, SCTP_PLPMTUD_PROBE_INTERVAL, sizeof(struct sctp_probeinterval)},
    {IPPROTO_SCTP, SCTP_REUSE_PORT, 4},
    {SOL_SOCKET, SO_KEEPALIVE, 4},
    {IPPROTO_IP, 1 /* IP_TOS */, 4},
    {IPPROTO_IP, 10 /* IP_MTU_DISCOVER */, 4},
    {IPPROTO_IP, 14 /* IP_MTU */, 4},
    {IPPROTO_IPV6, 67 /* IPV6_TCLASS */, 4},
};

/* Addresses inside structures are the table's too; a linger that would wait waits not at all. */
static void tame(struct scene *s, const struct row *row, uint8_t *value) {
    struct sockaddr_storage address;
    if (row->level == SOL_SOCKET && row->name == SO_LINGER)
        ((struct linger *)value)->l_linger = 0;
    if (row->level != IPPROTO_SCTP)
        return;
    if (row->name == SCTP_REMOTE_UDP_ENCAPS_PORT)
        ((struct sctp_udpencaps *)value)->sue_port = some_udp_port(s, value[0]);
    size_t at = 0;
    switch (row->name) {
    case SCTP_PRIMARY_ADDR:
        at = offsetof(struct sctp_prim, ssp_addr);
        break;
    case SCTP_PEER_ADDR_PARAMS:
        at = offsetof(struct sctp_paddrparams, spp_address);
        break;
    case SCTP_GET_PEER_ADDR_INFO:
        at = offsetof(struct sctp_paddrinfo, spinfo_address);
        break;
    case SCTP_PEER_ADDR_THLDS:
    case SCTP_PEER_ADDR_THLDS_V2:
        at = offsetof(struct sctp_paddrthlds, spt_address);
        break;
    case SCTP_REMOTE_UDP_ENCAPS_PORT:
        at = offsetof(struct sctp_udpencaps, sue_address);
        break;
    default:
        return;
    }
    (void)some_address(s, &address);
    memcpy(value + at, &address, sizeof address);
}

static void use_option(struct scene *s, int sd, bool sets) {
    _Alignas(16) uint8_t value[1024];
    uint8_t which = fuzz_u8(&s->in), fill = fuzz_u8(&s->in);
    struct row row = rows[which % (sizeof rows / sizeof rows[0])];
    if (which == 0xff)
        row = (struct row){IPPROTO_SCTP, fuzz_u8(&s->in), 64};
    memset(value, fill < 0xf0 ? 0 : fill, sizeof value);
    size_t bytes;
    const uint8_t *at = fuzz_take(&s->in, fill & 31u, &bytes);
    memcpy(value + 4, at, bytes); /* behind an association id, which is ignored */
    if (row.bytes == 4)
        memcpy(value, value + 4, 4);
    tame(s, &row, value);
    socklen_t length = some_length(s, row.bytes, 512);
    if (row.level == IPPROTO_SCTP &&
        (row.name == SCTP_SOCKOPT_PEELOFF || row.name == SCTP_SOCKOPT_PEELOFF_FLAGS))
        return; /* it gives a descriptor */
    if (sets)
        (void)usctp_setsockopt(sd, row.level, row.name, value, length);
    else if (usctp_getsockopt(sd, row.level, row.name, value, &length) == 0)
        REQUIRE(length <= sizeof value);
}

/* ---- calls ---- */

static void open_socket(struct scene *s, unsigned slot, uint8_t how) {
    if (s->sd[slot] >= 0)
        return;
    s->sd[slot] = usctp_socket(s->stack[how & 1u], how & 2 ? AF_INET6 : AF_INET,
                               (how & 8 ? SOCK_SEQPACKET : SOCK_STREAM) | SOCK_NONBLOCK,
                               how & 4 ? 0 : IPPROTO_SCTP);
    if (s->sd[slot] < 0)
        return;
    struct sctp_udpencaps encaps = {.sue_port = some_udp_port(s, !(how & 1u))};
    REQUIRE(usctp_setsockopt(s->sd[slot], IPPROTO_SCTP, SCTP_REMOTE_UDP_ENCAPS_PORT, &encaps,
                             sizeof encaps) == 0);
}

static void accept_socket(struct scene *s, int sd, unsigned slot) {
    struct sockaddr_storage address;
    socklen_t length = some_length(s, sizeof address, sizeof address);
    if (s->sd[slot] >= 0)
        return;
    s->sd[slot] = usctp_accept4(sd, (struct sockaddr *)&address, &length, SOCK_NONBLOCK);
}

static void use_addresses(struct scene *s, int sd, uint8_t how) {
    struct sockaddr_storage address[2];
    uint8_t packed[2 * sizeof address[0]];
    sctp_assoc_t id;
    socklen_t first = some_address(s, &address[0]), second = some_address(s, &address[1]);
    int count = 1 + (how & 1);
    memcpy(packed, &address[0], first);
    memcpy(packed + first, &address[1], second);
    switch (how >> 1 & 3u) {
    case 0:
        (void)usctp_bind(sd, (struct sockaddr *)&address[0], some_length(s, first, sizeof packed));
        break;
    case 1:
        (void)usctp_bindx(sd, (struct sockaddr *)(void *)packed, count,
                          how & 8 ? SCTP_BINDX_REM_ADDR : SCTP_BINDX_ADD_ADDR);
        break;
    case 2:
        (void)usctp_connect(sd, (struct sockaddr *)&address[0],
                            some_length(s, first, sizeof packed));
        break;
    default:
        (void)usctp_connectx(sd, (struct sockaddr *)(void *)packed, count, how & 8 ? &id : NULL);
        break;
    }
}

static void send_something(struct scene *s, int sd, uint8_t how) {
    static uint8_t payload[16384];
    _Alignas(16) uint8_t control[256];
    struct sockaddr_storage address;
    size_t bytes = (size_t)fuzz_u8(&s->in) * (how & 0x10 ? 64u : 1u), given;
    struct iovec iov[2] = {{payload, bytes / 2}, {payload, bytes - bytes / 2}};
    struct msghdr message = {.msg_iov = iov, .msg_iovlen = how >> 5 & 3u};
    if (message.msg_iovlen > 2)
        message.msg_iovlen = 2;
    if (how & 1) {
        message.msg_name = &address;
        message.msg_namelen = some_address(s, &address);
    }
    if (how & 2) { /* a header that makes sense, then whatever */
        struct cmsghdr head = {.cmsg_len = sizeof head + (fuzz_u8(&s->in) & 63u),
                               .cmsg_level = IPPROTO_SCTP,
                               .cmsg_type = fuzz_u8(&s->in) & 15};
        const uint8_t *at = fuzz_take(&s->in, 96, &given);
        memset(control, 0, sizeof control);
        memcpy(control, &head, sizeof head);
        memcpy(control + sizeof head, at, given);
        message.msg_control = control;
        message.msg_controllen = some_length(s, (socklen_t)head.cmsg_len, sizeof control);
    }
    if (how & 4)
        (void)usctp_send(sd, payload, bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
    else if (how & 8)
        (void)usctp_sendv(sd, iov, 2, NULL, 0, control, how & 2 ? sizeof control / 2 : 0,
                          how & 2 ? fuzz_u8(&s->in) % 6u : USCTP_SENDV_NOINFO,
                          MSG_DONTWAIT | MSG_NOSIGNAL);
    else
        (void)usctp_sendmsg(sd, &message, MSG_DONTWAIT | MSG_NOSIGNAL | (how & 0x80 ? MSG_EOR : 0));
}

static void receive_something(struct scene *s, int sd, uint8_t how) {
    uint8_t memory[4096];
    _Alignas(16) uint8_t control[256];
    struct sockaddr_storage address;
    size_t bytes = 17u * fuzz_u8(&s->in);
    struct iovec iov = {memory, bytes};
    struct msghdr message = {.msg_iov = &iov,
                             .msg_iovlen = how >> 3 & 1u,
                             .msg_name = &address,
                             .msg_namelen = some_length(s, sizeof address, sizeof address),
                             .msg_control = control,
                             .msg_controllen = some_length(s, sizeof control, sizeof control)};
    socklen_t from = sizeof address, info = sizeof control;
    unsigned type = 0;
    int flags = MSG_DONTWAIT | (how & 4 ? MSG_PEEK : 0);
    ssize_t n;
    if ((how & 3u) == 0)
        n = usctp_recv(sd, memory, bytes, flags);
    else if ((how & 3u) == 1)
        n = usctp_recvv(sd, &iov, 1, (struct sockaddr *)&address, &from, control, &info, &type,
                        &flags);
    else
        n = usctp_recvmsg(sd, &message, flags);
    REQUIRE(n <= (ssize_t)bytes);
}

static void ask(struct scene *s, int sd, uint8_t how) {
    struct sockaddr_storage address;
    struct sockaddr *list = NULL;
    struct usctp_assoc_status status;
    struct usctp_path_status path;
    socklen_t length = some_length(s, sizeof address, sizeof address);
    switch (how & 7u) {
    case 0:
        (void)usctp_getsockname(sd, (struct sockaddr *)&address, &length);
        break;
    case 1:
        (void)usctp_getpeername(sd, (struct sockaddr *)&address, &length);
        break;
    case 2:
        if (usctp_getpaddrs(sd, how, &list) > 0)
            usctp_freepaddrs(list);
        break;
    case 3:
        if (usctp_getladdrs(sd, how, &list) > 0)
            usctp_freeladdrs(list);
        break;
    case 4:
        (void)usctp_socket_status(sd, &status);
        break;
    case 5:
        (void)usctp_socket_path(sd, how >> 4, &path);
        break;
    default:
        (void)usctp_tune(sd, (enum usctp_tunable)(how >> 3), fuzz_u32(&s->in));
        break;
    }
}

/* One-to-many: an association by its id. */
static void use_association(struct scene *s, int sd, uint8_t how) {
    uint32_t list[1 + 32] = {0};
    socklen_t length = sizeof list;
    struct sctp_sndinfo info = {.snd_sid = how & 3u, .snd_flags = fuzz_u8(&s->in)};
    struct iovec iov = {.iov_base = list, .iov_len = how & 0x10 ? 0 : 20};
    unsigned slot = how >> 5;
    if (how & 8)
        info.snd_flags |= SCTP_EOF;
    if (usctp_getsockopt(sd, IPPROTO_SCTP, SCTP_GET_ASSOC_ID_LIST, list, &length) != 0)
        return;
    sctp_assoc_t id = (sctp_assoc_t)list[list[0] ? 1 + how % list[0] : 0];
    REQUIRE(list[0] <= 32);
    info.snd_assoc_id = id;
    if ((how & 4) && s->sd[slot] < 0) {
        s->sd[slot] = usctp_peeloff_flags(sd, id, SOCK_NONBLOCK);
        return;
    }
    (void)usctp_sendv(sd, &iov, 1, NULL, 0, &info, sizeof info, USCTP_SENDV_SNDINFO,
                      MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void drive(struct scene *s) {
    for (unsigned round = 0; round < 8; round++)
        for (unsigned i = 0; i < 2; i++)
            REQUIRE(usctp_stack_process(s->stack[i]) >= 0);
}

static void step(struct scene *s) {
    uint8_t op = fuzz_u8(&s->in), how = fuzz_u8(&s->in);
    unsigned slot = op >> 4 & 7u;
    int sd = s->sd[slot];
    switch (op & 15u) {
    case 0:
    case 1:
        open_socket(s, slot, how);
        break;
    case 2:
    case 3:
    case 4:
        use_addresses(s, sd, how);
        break;
    case 5:
        (void)usctp_listen(sd, (int8_t)how);
        break;
    case 6:
        accept_socket(s, sd, how & 7u);
        break;
    case 7:
    case 8:
        send_something(s, sd, how);
        break;
    case 9:
        receive_something(s, sd, how);
        break;
    case 10:
    case 11:
        use_option(s, sd, how & 1u);
        break;
    case 12:
        ask(s, sd, how);
        break;
    case 13:
        (void)usctp_shutdown(sd, how & 3u);
        break;
    case 14:
        if (sd >= 0)
            REQUIRE((how & 1 ? close(sd) : usctp_close(sd)) == 0);
        s->sd[slot] = -1;
        break;
    case 15:
        use_association(s, sd, how);
        break;
    }
    drive(s);
}

static unsigned count_descriptors(void) {
    unsigned count = 0;
    DIR *folder = opendir("/proc/self/fd");
    if (!folder)
        return 0;
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

static struct usctp_stack *new_stack(void) {
    struct usctp_stack_options options;
    usctp_stack_options_init(&options);
    options.flags = USCTP_STACK_UDP;
    options.device = "lo";
    struct usctp_stack *stack = usctp_stack_new(&options);
    if (!stack) { /* a host that does not allow it */
        fprintf(stderr, "no stack: %s\n", usctp_stack_error());
        exit(77);
    }
    return stack;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct scene s = {.in = {data, data + size}};
    unsigned before = count_descriptors();
    s.stack[0] = new_stack();
    s.stack[1] = new_stack();
    for (unsigned i = 0; i < SOCKETS; i++)
        s.sd[i] = -1;
    for (unsigned i = 0; i < MAX_STEPS && fuzz_left(&s.in) > 0; i++)
        step(&s);
    for (unsigned i = 0; i < SOCKETS; i++)
        if (s.sd[i] >= 0)
            REQUIRE(usctp_close(s.sd[i]) == 0);
    usctp_stack_delete(s.stack[0]);
    usctp_stack_delete(s.stack[1]);
    REQUIRE(count_descriptors() == before);
    return 0;
}
