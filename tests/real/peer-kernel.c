/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A command-line peer on the Linux kernel's SCTP: sends or receives one file over one association.
 * It is built on the host and run inside the guest that kernel-peer.sh boots.  What it does with
 * the file is in peer-common.c.
 *
 * Needs <linux/sctp.h> only: bindx and connectx are socket options underneath.  UDP encapsulation
 * (RFC 6951) is set for the whole guest, before the socket is made.
 */
#include "peer-common.h"

#include <errno.h>
#include <linux/sctp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int association = -1;

static int set_option(int option, const void *value, size_t size) {
    return setsockopt(association, IPPROTO_SCTP, option, value, (socklen_t)size);
}

static int set_event(uint16_t type) {
    struct sctp_event event = {.se_assoc_id = SCTP_FUTURE_ASSOC, .se_type = type, .se_on = 1};

    return set_option(SCTP_EVENT, &event, sizeof event);
}

static int set_timers(const struct peer_options *o) {
    struct sctp_rtoinfo rto = {
        .srto_initial = o->rto_initial_ms, .srto_max = o->rto_max_ms, .srto_min = o->rto_min_ms};
    struct sctp_paddrparams path = {.spp_hbinterval = o->heartbeat_ms,
                                    .spp_pathmaxrxt = o->path_max_retrans,
                                    .spp_flags = o->heartbeat_ms != 0 ? SPP_HB_ENABLE : 0};
    struct sctp_sack_info sack = {.sack_delay = o->sack_delay_ms, .sack_freq = 2};

    if (set_option(SCTP_RTOINFO, &rto, sizeof rto) < 0 ||
        set_option(SCTP_PEER_ADDR_PARAMS, &path, sizeof path) < 0)
        return -1;
    return o->sack_delay_ms == 0 ? 0 : set_option(SCTP_DELAYED_SACK, &sack, sizeof sack);
}

static int set_buffers(int bytes) {
    if (bytes == 0)
        return 0;
    if (setsockopt(association, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes) < 0)
        return -1;
    return setsockopt(association, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
}

static int set_port(const char *setting, unsigned port) {
    FILE *file = fopen(setting, "w");

    if (file == NULL)
        return -1;
    fprintf(file, "%u\n", port);
    return fclose(file);
}

static int peer_open(const struct peer_options *o) {
    bool ipv6 = o->bind.has_ipv6 || o->connect.has_ipv6;
    int off = 0, on = 1;

    if (o->udp && (set_port("/proc/sys/net/sctp/udp_port", o->udp_local_port) < 0 ||
                   set_port("/proc/sys/net/sctp/encap_port", o->udp_remote_port) < 0))
        return -1;
    association = socket(ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM, IPPROTO_SCTP);
    if (association < 0)
        return -1;
    if (ipv6 && setsockopt(association, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) < 0)
        return -1;
    if (set_option(SCTP_NODELAY, &on, sizeof on) < 0 || set_event(SCTP_ASSOC_CHANGE) < 0 ||
        set_event(SCTP_PEER_ADDR_CHANGE) < 0 || set_event(SCTP_REMOTE_ERROR) < 0 ||
        set_timers(o) < 0 || set_buffers(o->buffer_bytes) < 0)
        return -1;
    if (o->bind.count != 0) {
        if (set_option(SCTP_SOCKOPT_BINDX_ADD, o->bind.bytes, o->bind.size) < 0)
            return -1;
    } else if (!o->sending) {
        struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(o->port)};

        if (bind(association, (struct sockaddr *)&any, sizeof any) < 0)
            return -1;
    }
    return o->sending ? 0 : listen(association, 1);
}

static int peer_accept(const struct peer_options *o) {
    int accepted = accept(association, NULL, NULL);

    (void)o;
    if (accepted < 0)
        return -1;
    close(association);
    association = accepted;
    return 0;
}

static int peer_connect(const struct peer_options *o) {
    return set_option(SCTP_SOCKOPT_CONNECTX, o->connect.bytes, o->connect.size) < 0 ? -1 : 0;
}

static ssize_t peer_send(const void *data, size_t length) {
    return send(association, data, length, MSG_NOSIGNAL);
}

static const char *path_state(int state) {
    switch (state) {
    case SCTP_ADDR_AVAILABLE:
        return "available";
    case SCTP_ADDR_UNREACHABLE:
        return "unreachable";
    case SCTP_ADDR_MADE_PRIM:
        return "primary";
    case SCTP_ADDR_CONFIRMED:
        return "confirmed";
    case SCTP_ADDR_POTENTIALLY_FAILED:
        return "potentially failed";
    default:
        return "changed";
    }
}

static enum peer_event classify(const void *bytes) {
    const union sctp_notification *notice = bytes;
    struct sockaddr_storage address;

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
        memcpy(&address, &notice->sn_paddr_change.spc_aaddr, sizeof address);
        peer_say_path(&address, path_state(notice->sn_paddr_change.spc_state));
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
    struct iovec iov = {.iov_base = buffer, .iov_len = length};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
    const struct timespec pause = {.tv_nsec = 5000000};
    ssize_t got = recvmsg(association, &message, 0);

    /* The peer's SHUTDOWN reads as an end of file, before the shutdown is complete and reported. */
    for (int i = 0; got == 0 && i < 2000; i++) {
        nanosleep(&pause, NULL);
        got = recvmsg(association, &message, 0);
    }
    if (got <= 0) {
        *event = PEER_END;
        return got < 0 && errno != ENOTCONN && errno != ECONNRESET ? -1 : 0;
    }
    if ((message.msg_flags & MSG_NOTIFICATION) == 0) {
        *event = PEER_DATA;
        return got;
    }
    *event = classify(buffer);
    return 0;
}

static int peer_want_dry(void) {
    return set_event(SCTP_SENDER_DRY_EVENT);
}

static int peer_shutdown(void) {
    return shutdown(association, SHUT_WR);
}

static void peer_finish(void) {
    close(association);
}

int main(int argc, char **argv) {
    static const struct peer_backend backend = {.name = "peer-kernel",
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
