/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * multihomed-client: an association over several paths, and what happens to them.
 *
 *   multihomed-client [--udp] COUNT PORT ADDRESS...
 *
 * Sends COUNT numbered messages to an echo server, five a second, and prints each change of a path.
 * The first address is the primary path; when it dies the messages go by another, and when it is
 * back they return. Ends well when every echo has come.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <usctp/usctp.h>

enum { ADDRESSES_MAX = 16, PATH_TRIES = 2, INTERVAL_MS = 200, PATIENCE_MS = 20000 };

static void die(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

static void set_option(int sd, int name, const void *value, socklen_t length) {
    if (usctp_setsockopt(sd, IPPROTO_SCTP, name, value, length) != 0)
        die("multihomed-client: setsockopt");
}

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

/* Packed one after the other, IPv4 and IPv6 mixed, as usctp_connectx and usctp_bindx want them. */
static void pack_addresses(char *packed, char **names, int count, const char *port) {
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
                             .ai_socktype = SOCK_STREAM};
    for (int i = 0; i < count; i++) {
        struct addrinfo *found;
        int error = getaddrinfo(names[i], port, &hints, &found);
        if (error != 0) {
            fprintf(stderr, "multihomed-client: %s: %s\n", names[i], gai_strerror(error));
            exit(EXIT_FAILURE);
        }
        memcpy(packed, found->ai_addr, found->ai_addrlen);
        packed += found->ai_addrlen;
        freeaddrinfo(found);
    }
}

static const char *address_text(const void *address, char *text, socklen_t bytes) {
    const struct sockaddr_in *v4 = address;
    const struct sockaddr_in6 *v6 = address;
    bool is_v4 = v4->sin_family == AF_INET;
    return inet_ntop(v4->sin_family, is_v4 ? (const void *)&v4->sin_addr : &v6->sin6_addr, text,
                     bytes);
}

/*
 * The defaults are RFC 9260's and patient: a path is given up after a minute. These find out in two
 * or three seconds. They are set before the association, and hold for all of its paths.
 */
static void be_quick(int sd, int paths) {
    struct sctp_rtoinfo rto = {.srto_initial = 500, .srto_min = 200, .srto_max = 1000};
    struct sctp_paddrparams path = {.spp_hbinterval = 500, /* ms; an idle path is tried as well */
                                    .spp_pathmaxrxt = PATH_TRIES,
                                    .spp_flags = SPP_HB_ENABLE};
    /* Not more than all paths together, or it would outlive the last of them. */
    struct sctp_assocparams association = {.sasoc_asocmaxrxt = (uint16_t)(PATH_TRIES * paths)};
    int on = 1;
    set_option(sd, SCTP_RTOINFO, &rto, sizeof rto);
    set_option(sd, SCTP_PEER_ADDR_PARAMS, &path, sizeof path);
    set_option(sd, SCTP_ASSOCINFO, &association, sizeof association);
    set_option(sd, SCTP_NODELAY, &on, sizeof on); /* small messages do not wait for others */
}

static void ask_for_news(int sd) {
    struct sctp_event event = {.se_type = SCTP_PEER_ADDR_CHANGE, .se_on = 1};
    struct sctp_assoc_value expose = {.assoc_value = 2}; /* potentially failed paths are told too */
    int on = 1;
    set_option(sd, SCTP_EVENT, &event, sizeof event);
    set_option(sd, SCTP_EXPOSE_POTENTIALLY_FAILED_STATE, &expose, sizeof expose);
    set_option(sd, SCTP_RECVRCVINFO, &on, sizeof on);
}

static void print_change(const char *data, size_t bytes) {
    static const char *const states[] = {
        [SCTP_ADDR_AVAILABLE] = "available",
        [SCTP_ADDR_UNREACHABLE] = "unreachable",
        [SCTP_ADDR_REMOVED] = "removed",
        [SCTP_ADDR_ADDED] = "added",
        [SCTP_ADDR_MADE_PRIM] = "primary",
        [SCTP_ADDR_CONFIRMED] = "confirmed",
        [SCTP_ADDR_POTENTIALLY_FAILED] = "potentially failed",
    };
    struct sctp_paddr_change change;
    char text[INET6_ADDRSTRLEN];
    if (bytes < sizeof change)
        return;
    memcpy(&change, data, sizeof change);
    size_t state = (size_t)change.spc_state;
    if (change.spc_type == SCTP_PEER_ADDR_CHANGE && state < sizeof states / sizeof states[0])
        printf("path %s: %s\n", address_text(&change.spc_aaddr, text, sizeof text), states[state]);
}

static void print_paths(int sd) {
    struct sockaddr *addresses;
    int count = usctp_getpaddrs(sd, 0, &addresses);
    const char *next = (const char *)addresses;
    for (int i = 0; i < count; i++) {
        struct sctp_paddrinfo path = {.spinfo_assoc_id = 0};
        socklen_t length = sizeof path;
        char text[INET6_ADDRSTRLEN];
        socklen_t bytes = (socklen_t)usctp_getaddrlen(((const struct sockaddr *)next)->sa_family);
        memcpy(&path.spinfo_address, next, bytes);
        if (usctp_getsockopt(sd, IPPROTO_SCTP, SCTP_GET_PEER_ADDR_INFO, &path, &length) == 0)
            printf("path %s: rtt %u ms, rto %u ms, cwnd %u, mtu %u\n",
                   address_text(next, text, sizeof text), path.spinfo_srtt, path.spinfo_rto,
                   path.spinfo_cwnd, path.spinfo_mtu);
        next += bytes;
    }
    if (count > 0)
        usctp_freepaddrs(addresses);
}

/* With ancillary data, the way of plain sendmsg(); usctp_sendv is shorter. */
static void send_number(int sd, unsigned number) {
    char text[32], control[CMSG_SPACE(sizeof(struct sctp_sndinfo))] = {0};
    struct sctp_sndinfo to = {.snd_sid = 0, .snd_ppid = htonl(7)};
    struct iovec data = {.iov_base = text,
                         .iov_len = (size_t)snprintf(text, sizeof text, "%u", number)};
    struct msghdr message = {.msg_iov = &data,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof control};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = IPPROTO_SCTP;
    header->cmsg_type = SCTP_SNDINFO;
    header->cmsg_len = CMSG_LEN(sizeof to);
    memcpy(CMSG_DATA(header), &to, sizeof to);
    if (usctp_sendmsg(sd, &message, MSG_NOSIGNAL) < 0)
        die("multihomed-client: send");
}

/* Takes all that has come. Returns the number of echoes. */
static unsigned take_echoes(int sd) {
    char data[512];
    unsigned echoes = 0;
    for (;;) {
        struct iovec room = {.iov_base = data, .iov_len = sizeof data};
        struct msghdr message = {.msg_iov = &room, .msg_iovlen = 1};
        ssize_t n = usctp_recvmsg(sd, &message, MSG_DONTWAIT);
        if (n < 0 && errno == EAGAIN)
            return echoes;
        if (n <= 0) {
            fprintf(stderr, "multihomed-client: association lost: %s\n",
                    n == 0 ? "the server has shut down" : strerror(errno));
            exit(EXIT_FAILURE);
        }
        if (message.msg_flags & MSG_NOTIFICATION)
            print_change(data, (size_t)n);
        else
            echoes++;
    }
}

/* Returns how many echoes came. */
static unsigned talk(int sd, unsigned count) {
    unsigned sent = 0, echoed = 0;
    int64_t next_ms = now_ms(), end_ms = next_ms + (int64_t)count * INTERVAL_MS + PATIENCE_MS;
    while (echoed < count && now_ms() < end_ms) {
        int64_t wait_ms = sent < count ? next_ms - now_ms() : end_ms - now_ms();
        struct pollfd watched = {.fd = sd, .events = POLLIN}; /* it is a real descriptor */
        if (poll(&watched, 1, wait_ms > 0 ? (int)wait_ms : 0) > 0)
            echoed += take_echoes(sd);
        if (sent < count && now_ms() >= next_ms) {
            send_number(sd, sent++);
            next_ms += INTERVAL_MS;
        }
    }
    return echoed;
}

int main(int argc, char **argv) {
    int in_udp = argc > 1 && strcmp(argv[1], "--udp") == 0;
    struct usctp_stack_options options;
    char packed[ADDRESSES_MAX * sizeof(struct sockaddr_in6)], rest[64];
    sctp_assoc_t id;
    argv += in_udp;
    argc -= in_udp;
    if (argc < 4 || argc - 3 > ADDRESSES_MAX)
        return fprintf(stderr, "usage: multihomed-client [--udp] COUNT PORT ADDRESS...\n"),
               EXIT_FAILURE;
    setvbuf(stdout, NULL, _IOLBF, 0);
    usctp_stack_options_init(&options);
    if (in_udp)
        options.flags = USCTP_STACK_UDP | USCTP_STACK_THREAD;
    struct usctp_stack *stack = usctp_stack_new(&options);
    if (!stack)
        return fprintf(stderr, "multihomed-client: %s\n", usctp_stack_error()), EXIT_FAILURE;

    pack_addresses(packed, argv + 3, argc - 3, argv[2]);
    /* Of both families; not bound, it uses all addresses of the host (usctp_bindx: a choice). */
    int sd = usctp_socket(stack, AF_INET6, SOCK_STREAM, IPPROTO_SCTP);
    if (sd < 0)
        die("multihomed-client: socket");
    be_quick(sd, argc - 3);
    ask_for_news(sd);
    if (usctp_connectx(sd, (struct sockaddr *)packed, argc - 3, &id) != 0)
        die("multihomed-client: connectx");
    printf("association %d\n", id);

    unsigned count = (unsigned)atoi(argv[1]), echoed = talk(sd, count);
    print_paths(sd);
    usctp_shutdown(sd, SHUT_WR); /* and wait for the peer's side of it: then nothing is lost */
    while (usctp_recv(sd, rest, sizeof rest, 0) > 0)
        ;
    usctp_close(sd);
    usctp_stack_delete(stack); /* would abort what is still open */
    printf("%u of %u echoes\n", echoed, count);
    return echoed == count ? EXIT_SUCCESS : EXIT_FAILURE;
}
