/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A command-line peer on usrsctp (libusrsctp): sends or receives one file over one association, on
 * raw IPv4, raw IPv6 or UDP encapsulation (RFC 6951).  What it does with the file is in
 * peer-common.c.
 *
 * usrsctp reads the interfaces' addresses once, in usrsctp_init(): they must be there before it
 * starts. Its raw sockets take every SCTP packet of the host, and it aborts what it does not know:
 * one usrsctp process a network namespace.
 */
#include "peer-common.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <time.h>
#include <usrsctp.h>

static struct socket *listener, *association;

static struct socket *current(void) {
    return association != NULL ? association : listener;
}

static int set_events(struct socket *socket) {
    static const uint16_t types[] = {SCTP_ASSOC_CHANGE, SCTP_PEER_ADDR_CHANGE, SCTP_REMOTE_ERROR,
                                     SCTP_SHUTDOWN_EVENT};
    struct sctp_event event = {.se_assoc_id = SCTP_FUTURE_ASSOC, .se_on = 1};

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        event.se_type = types[i];
        if (usrsctp_setsockopt(socket, IPPROTO_SCTP, SCTP_EVENT, &event, sizeof event) < 0)
            return -1;
    }
    return 0;
}

static int set_timers(struct socket *socket, const struct peer_options *o) {
    struct sctp_rtoinfo rto = {
        .srto_initial = o->rto_initial_ms, .srto_max = o->rto_max_ms, .srto_min = o->rto_min_ms};
    struct sctp_paddrparams path = {.spp_hbinterval = o->heartbeat_ms,
                                    .spp_pathmaxrxt = o->path_max_retrans,
                                    .spp_flags = o->heartbeat_ms != 0 ? SPP_HB_ENABLE : 0};
    struct sctp_sack_info sack = {.sack_delay = o->sack_delay_ms};

    if (usrsctp_setsockopt(socket, IPPROTO_SCTP, SCTP_RTOINFO, &rto, sizeof rto) < 0 ||
        usrsctp_setsockopt(socket, IPPROTO_SCTP, SCTP_PEER_ADDR_PARAMS, &path, sizeof path) < 0)
        return -1;
    return o->sack_delay_ms == 0
               ? 0
               : usrsctp_setsockopt(socket, IPPROTO_SCTP, SCTP_DELAYED_SACK, &sack, sizeof sack);
}

static int set_buffers(struct socket *socket, int bytes) {
    if (bytes == 0)
        return 0;
    if (usrsctp_setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes) < 0)
        return -1;
    return usrsctp_setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
}

static int peer_open(const struct peer_options *o) {
    bool ipv6 = o->bind.has_ipv6 || o->connect.has_ipv6;
    int on = 1;
    struct linger no_linger = {0};
    struct sctp_udpencaps encapsulation = {.sue_port = htons(o->udp_remote_port)};

    usrsctp_init(o->udp ? o->udp_local_port : 0, NULL, NULL);
    usrsctp_sysctl_set_sctp_no_csum_on_loopback(0);
    /* Its IPv6 sockets take IPv4 addresses as well: it knows no IPV6_V6ONLY and behaves as if off.
     */
    listener =
        usrsctp_socket(ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM, IPPROTO_SCTP, NULL, NULL, 0, NULL);
    if (listener == NULL)
        return -1;
    if (usrsctp_setsockopt(listener, IPPROTO_SCTP, SCTP_NODELAY, &on, sizeof on) < 0 ||
        usrsctp_setsockopt(listener, SOL_SOCKET, SO_LINGER, &no_linger, sizeof no_linger) < 0 ||
        set_events(listener) < 0 || set_timers(listener, o) < 0 ||
        set_buffers(listener, o->buffer_bytes) < 0)
        return -1;
    if (o->udp_remote_port != 0) {
        encapsulation.sue_address.ss_family = (sa_family_t)(ipv6 ? AF_INET6 : AF_INET);
        if (usrsctp_setsockopt(listener, IPPROTO_SCTP, SCTP_REMOTE_UDP_ENCAPS_PORT, &encapsulation,
                               sizeof encapsulation) < 0)
            return -1;
    }
    if (o->bind.count != 0) {
        struct peer_addresses copy = o->bind; /* usrsctp_bindx() wants it writable */

        if (usrsctp_bindx(listener, (struct sockaddr *)copy.bytes, copy.count,
                          SCTP_BINDX_ADD_ADDR) < 0)
            return -1;
    } else if (!o->sending) {
        struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(o->port)};

        if (usrsctp_bind(listener, (struct sockaddr *)&any, sizeof any) < 0)
            return -1;
    }
    return o->sending ? 0 : usrsctp_listen(listener, 1);
}

static int peer_accept(const struct peer_options *o) {
    (void)o;
    association = usrsctp_accept(listener, NULL, NULL);
    return association == NULL ? -1 : set_events(association);
}

static int peer_connect(const struct peer_options *o) {
    return usrsctp_connectx(listener, (const struct sockaddr *)o->connect.bytes, o->connect.count,
                            NULL);
}

static ssize_t peer_send(const void *data, size_t length) {
    return usrsctp_sendv(current(), data, length, NULL, 0, NULL, 0, SCTP_SENDV_NOINFO, 0);
}

static const char *path_state(uint32_t state) {
    switch (state) {
    case SCTP_ADDR_AVAILABLE:
        return "available";
    case SCTP_ADDR_UNREACHABLE:
        return "unreachable";
    case SCTP_ADDR_MADE_PRIM:
        return "primary";
    case SCTP_ADDR_CONFIRMED:
        return "confirmed";
    default:
        return "changed";
    }
}

static enum peer_event classify(const union sctp_notification *notice) {
    switch (notice->sn_header.sn_type) {
    case SCTP_ASSOC_CHANGE:
        if (notice->sn_assoc_change.sac_state == SCTP_SHUTDOWN_COMP)
            return PEER_COMPLETE;
        if (notice->sn_assoc_change.sac_state == SCTP_COMM_UP)
            return PEER_UP;
        peer_say("association change %u, error %u", notice->sn_assoc_change.sac_state,
                 notice->sn_assoc_change.sac_error);
        return notice->sn_assoc_change.sac_state == SCTP_RESTART ? PEER_NEWS : PEER_LOST;
    case SCTP_PEER_ADDR_CHANGE:
        peer_say_path(&notice->sn_paddr_change.spc_aaddr,
                      path_state(notice->sn_paddr_change.spc_state));
        return PEER_NEWS;
    case SCTP_SENDER_DRY_EVENT:
        return PEER_DRY;
    case SCTP_REMOTE_ERROR:
        peer_say("ERROR chunk from the peer");
        return PEER_NEWS;
    default:
        return PEER_NEWS;
    }
}

static ssize_t peer_receive(void *buffer, size_t length, enum peer_event *event) {
    int flags = 0;
    struct sctp_rcvinfo info;
    socklen_t info_length = sizeof info, from_length = sizeof(union sctp_sockstore);
    union sctp_sockstore from;
    unsigned type = 0;
    ssize_t got;

    /* It writes through all of these without asking whether they are there. */
    got = usrsctp_recvv(current(), buffer, length, &from.sa, &from_length, &info, &info_length,
                        &type, &flags);

    if (got <= 0) {
        *event = PEER_END;
        return got < 0 && errno != ENOTCONN && errno != ECONNRESET ? -1 : 0;
    }
    if ((flags & MSG_NOTIFICATION) == 0) {
        *event = PEER_DATA;
        return got;
    }
    *event = classify(buffer);
    return 0;
}

static int peer_want_dry(void) {
    struct sctp_event event = {
        .se_assoc_id = SCTP_FUTURE_ASSOC, .se_type = SCTP_SENDER_DRY_EVENT, .se_on = 1};

    return usrsctp_setsockopt(current(), IPPROTO_SCTP, SCTP_EVENT, &event, sizeof event);
}

static int peer_shutdown(void) {
    return usrsctp_shutdown(current(), SHUT_WR);
}

/* usrsctp_finish() refuses while anything lives; the process may end without it. */
static void peer_finish(void) {
    const struct timespec pause = {.tv_nsec = 10000000};

    if (association != NULL)
        usrsctp_close(association);
    usrsctp_close(listener);
    for (int i = 0; i < 50 && usrsctp_finish() != 0; i++)
        nanosleep(&pause, NULL);
}

int main(int argc, char **argv) {
    static const struct peer_backend backend = {.name = "peer-usrsctp",
                                                .open = peer_open,
                                                .accept = peer_accept,
                                                .connect = peer_connect,
                                                .send = peer_send,
                                                .receive = peer_receive,
                                                .want_dry = peer_want_dry,
                                                .shutdown = peer_shutdown,
                                                .finish = peer_finish};

    return peer_main(argc, argv, &backend);
}
