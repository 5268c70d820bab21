/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Stack, sockets, waiting.  Without an I/O thread the program polls the stack's descriptor beside
 * its own and lets the stack work when it has something to do.
 */
#define _GNU_SOURCE /* ppoll */
#include "common/link.h"

#include "common/capture.h"
#include "common/report.h"
#include "common/stats.h"
#include "common/trace_json.h"
#include "common/watch.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_POLLED = 8, PROCESS_ROUNDS = 16 };

struct link {
    const struct tool_options *options;
    enum link_role role;
    const char *hosts;
    uint16_t port;
    struct address_list peers; /* a client's */
    struct address_list local; /* empty: all */
    int domain;
    bool threaded, blocks;
    struct usctp_stack *stack;
    int stack_fd;
    struct capture *capture;
    struct trace_json *trace;
    struct watch watch;
    struct stats stats;
};

static volatile sig_atomic_t signal_caught;
static sigset_t unblocked;
static sigset_t stoppers;  /* SIGINT and SIGTERM */
static bool are_unblocked; /* signals come at any time, not only in poll_signals */

static void on_signal(int number) {
    signal_caught = number;
}

void link_catch_signals(void) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL);
    /* Blocked but while waiting, so that none is missed; the I/O thread inherits the mask. */
    sigemptyset(&stoppers);
    sigaddset(&stoppers, SIGINT);
    sigaddset(&stoppers, SIGTERM);
    sigprocmask(SIG_BLOCK, &stoppers, &unblocked);
    sigdelset(&unblocked, SIGINT);
    sigdelset(&unblocked, SIGTERM);
}

int link_signal(void) {
    return signal_caught;
}

static void on_trace(void *user, const struct usctp_trace_record *record) {
    struct link *link = user;
    bool is_packet =
        record->kind == USCTP_TRACE_PACKET_IN || record->kind == USCTP_TRACE_PACKET_OUT;
    if (is_packet && link->capture != NULL)
        capture_packet(link->capture, record);
    if (link->trace != NULL)
        trace_json_record(link->trace, NULL, record);
    if (link->options->verbosity > 0)
        watch_record(&link->watch, record);
}

static void on_notice(void *user, const char *sentence) {
    (void)user;
    report_error("%s", sentence);
}

static void make_stack(struct link *link) {
    const struct tool_options *options = link->options;
    struct usctp_stack_options stack;
    usctp_stack_options_init(&stack);
    stack.flags = options->udp ? USCTP_STACK_UDP : USCTP_STACK_RAW;
    if (options->xdp)
        stack.flags |= USCTP_STACK_XDP;
    stack.notice = on_notice;
    if (link->threaded)
        stack.flags |= USCTP_STACK_THREAD;
    if (options->udp && link->role == LINK_LISTENER) {
        stack.flags |= USCTP_STACK_UDP_PORT_REQUIRED;
        if (options->no_speaker)
            stack.flags |= USCTP_STACK_NO_SPEAKER;
        stack.udp_port = options->udp_port;
    }
    if (options->no_speaker)
        stack.flags |= USCTP_STACK_NO_SPEAKER;
    stack.config = &options->config;
    if (link->capture != NULL || link->trace != NULL || options->verbosity > 0) {
        stack.trace = on_trace;
        stack.trace_user = link;
    }
    link->stack = usctp_stack_new(&stack);
    if (link->stack == NULL) {
        int error = errno;
        const char *why = usctp_stack_error();
        report_die(REPORT_FAILED, "%s%s", why[0] != '\0' ? why : strerror(error),
                   error == EPERM && strstr(why, "--udp") == NULL ? " (here: --udp)" : "");
    }
    link->stack_fd = link->threaded ? -1 : usctp_stack_fd(link->stack);
    if (link->capture != NULL)
        capture_set_udp_port(link->capture, usctp_stack_udp_port(link->stack));
}

struct link *link_open(const struct tool_options *options, enum link_role role, const char *hosts,
                       uint16_t port, bool threaded) {
    struct link *link = calloc(1, sizeof *link);
    if (link == NULL)
        report_die(REPORT_FAILED, "out of memory");
    link->options = options;
    link->role = role;
    link->hosts = hosts;
    link->port = port;
    link->threaded = threaded;
    link->watch.verbosity = options->verbosity;
    if (role == LINK_CLIENT) {
        address_resolve(hosts, port, &link->peers);
        if (options->bind != NULL)
            address_resolve(options->bind, 0, &link->local);
    } else if (hosts != NULL || options->bind != NULL) {
        address_resolve(hosts != NULL ? hosts : options->bind, port, &link->local);
    }
    /* One IPv6 address makes the socket IPv6, and a listener on all addresses takes both kinds. */
    bool everywhere = role == LINK_LISTENER && link->local.count == 0;
    link->domain = link->peers.has_ipv6 || link->local.has_ipv6 || everywhere ? AF_INET6 : AF_INET;
    if (options->pcap != NULL)
        link->capture = capture_open(options->pcap);
    if (options->trace != NULL)
        link->trace = trace_json_open(options->trace);
    make_stack(link);
    return link;
}

int link_close(struct link *link) {
    if (link->options->stats)
        stats_print(&link->stats, link->stack, link->options->stats_json);
    usctp_stack_delete(link->stack);
    int result = link->capture != NULL ? capture_close(link->capture) : 0;
    if (link->trace != NULL && trace_json_close(link->trace) != 0)
        result = -1;
    free(link);
    return result;
}

static void set_option(int sd, int level, int name, const void *value, socklen_t bytes,
                       const char *what) {
    if (usctp_setsockopt(sd, level, name, value, bytes) != 0)
        report_die(REPORT_FAILED, "cannot set %s: %s", what, strerror(errno));
}

static void subscribe(int sd, uint16_t type) {
    struct sctp_event event = {.se_assoc_id = SCTP_FUTURE_ASSOC, .se_type = type, .se_on = 1};
    set_option(sd, IPPROTO_SCTP, SCTP_EVENT, &event, sizeof event, "SCTP_EVENT");
}

/* Where the peer's UDP encapsulation listens: for every address that the association will have. */
static void set_peer_udp_port(const struct link *link, int sd) {
    struct sctp_udpencaps udp;
    memset(&udp, 0, sizeof udp);
    udp.sue_assoc_id = SCTP_FUTURE_ASSOC;
    udp.sue_address.ss_family = (sa_family_t)link->domain; /* the wildcard address */
    udp.sue_port = htons(link->options->udp_port);
    set_option(sd, IPPROTO_SCTP, SCTP_REMOTE_UDP_ENCAPS_PORT, &udp, sizeof udp,
               "SCTP_REMOTE_UDP_ENCAPS_PORT");
}

/* A socket with what accepted ones inherit. */
static int make_socket(const struct link *link) {
    const int on = 1, off = 0;
    int flags = SOCK_CLOEXEC | (link->blocks ? 0 : SOCK_NONBLOCK);
    int sd = usctp_socket(link->stack, link->domain, SOCK_STREAM | flags, IPPROTO_SCTP);
    if (sd < 0)
        report_die(REPORT_FAILED, "cannot make a socket: %s", strerror(errno));
    if (link->domain == AF_INET6)
        set_option(sd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off, "IPV6_V6ONLY");
    set_option(sd, IPPROTO_SCTP, SCTP_RECVRCVINFO, &on, sizeof on, "SCTP_RECVRCVINFO");
    if (!link->blocks || link->options->verbosity > 0) { /* a call that waits tells of the end */
        subscribe(sd, SCTP_ASSOC_CHANGE);
        subscribe(sd, SCTP_SHUTDOWN_EVENT);
    }
    if (link->options->verbosity > 0)
        subscribe(sd, SCTP_REMOTE_ERROR);
    return sd;
}

static void bind_socket(const struct link *link, int sd) {
    int result;
    if (link->local.count > 0) {
        result = usctp_bindx(sd, (const struct sockaddr *)link->local.packed, link->local.count,
                             SCTP_BINDX_ADD_ADDR);
    } else {
        struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(link->port)};
        result = usctp_bind(sd, (const struct sockaddr *)&any, sizeof any);
    }
    if (result != 0) {
        int error = errno;
        if (link->role == LINK_CLIENT)
            report_die(REPORT_FAILED, "cannot bind to %s: %s", link->options->bind,
                       strerror(error));
        report_die(REPORT_FAILED, "cannot bind to port %u: %s", link->port, strerror(error));
    }
}

int link_listen(struct link *link, int backlog) {
    int sd = make_socket(link);
    bind_socket(link, sd);
    if (usctp_listen(sd, backlog) != 0)
        report_die(REPORT_FAILED, "cannot listen on port %u: %s", link->port, strerror(errno));
    return sd;
}

int link_accept(struct link *link, int listener) {
    int flags = SOCK_CLOEXEC | (link->blocks ? 0 : SOCK_NONBLOCK);
    return usctp_accept4(listener, NULL, NULL, flags);
}

/* Waits until a connect has ended.  Returns 0 or an errno. */
static int await_connect(struct link *link, int sd) {
    struct pollfd polled = {.fd = sd, .events = POLLOUT};
    int error = 0;
    socklen_t bytes = sizeof error;
    for (;;) {
        int ready = link_poll(link, &polled, 1, LINK_FOREVER);
        if (ready < 0)
            return errno;
        if (ready > 0)
            break;
    }
    if (usctp_getsockopt(sd, SOL_SOCKET, SO_ERROR, &error, &bytes) != 0)
        return errno;
    return error;
}

int link_connect(struct link *link) {
    int sd = make_socket(link);
    if (link->local.count > 0)
        bind_socket(link, sd);
    if (link->options->udp)
        set_peer_udp_port(link, sd);
    int result =
        usctp_connectx(sd, (const struct sockaddr *)link->peers.packed, link->peers.count, NULL);
    int error = result == 0 ? 0 : errno;
    if (error == EINPROGRESS)
        error = await_connect(link, sd);
    if (error == 0)
        return sd;
    link_abort(link, sd);
    errno = error;
    return -1;
}

const char *link_error_text(int error) {
    switch (error) {
    case ECONNREFUSED:
        return "connection refused";
    case ETIMEDOUT:
        return "timed out";
    case ECONNRESET:
    case ECONNABORTED:
        return "aborted by the peer";
    case EHOSTUNREACH:
    case ENETUNREACH:
        return "the host cannot be reached";
    default:
        return strerror(error);
    }
}

_Noreturn void link_connect_failed(const struct link *link, int error) {
    if (link->options->udp)
        report_die(REPORT_FAILED, "%s, port %u, over UDP port %u: %s", link->hosts, link->port,
                   link->options->udp_port, link_error_text(error));
    report_die(REPORT_FAILED, "%s, port %u: %s", link->hosts, link->port, link_error_text(error));
}

/* Lets the stack work until it has nothing left or has had its share. */
static void process(struct link *link) {
    for (int round = 0; round < PROCESS_ROUNDS; round++) {
        int more = usctp_stack_process(link->stack);
        if (more < 0 && errno != EINTR)
            report_die(REPORT_FAILED, "the stack fails: %s", strerror(errno));
        if (more <= 0)
            return;
    }
}

static int poll_signals(struct pollfd *fds, nfds_t count, int timeout_ms) {
    struct timespec time = {.tv_sec = timeout_ms / 1000, .tv_nsec = timeout_ms % 1000 * 1000000L};
    sigset_t before;
    int ready = -1;
    if (are_unblocked)
        sigprocmask(SIG_BLOCK, &stoppers, &before);
    if (signal_caught == 0)
        ready = ppoll(fds, count, timeout_ms < 0 ? NULL : &time, &unblocked);
    if (are_unblocked)
        sigprocmask(SIG_SETMASK, &before, NULL);
    if (signal_caught != 0) {
        errno = EINTR;
        return -1;
    }
    return ready < 0 && errno == EINTR ? 0 : ready; /* some other signal: as if time were up */
}

int link_poll(struct link *link, struct pollfd *fds, nfds_t count, int timeout_ms) {
    struct pollfd both[MAX_POLLED + 1];
    if (link->threaded || count > MAX_POLLED)
        return poll_signals(fds, count, timeout_ms);
    uint64_t end_us = report_elapsed_us() + (uint64_t)(timeout_ms < 0 ? 0 : timeout_ms) * 1000u;
    for (;;) {
        memcpy(both, fds, count * sizeof *fds);
        both[count] = (struct pollfd){.fd = link->stack_fd, .events = POLLIN};
        uint64_t now_us = report_elapsed_us();
        uint64_t left_us = now_us < end_us ? end_us - now_us : 0;
        int ready =
            poll_signals(both, count + 1, timeout_ms < 0 ? -1 : (int)((left_us + 999) / 1000));
        if (ready < 0)
            return ready;
        if (both[count].revents != 0) {
            process(link);
            ready--;
        }
        memcpy(fds, both, count * sizeof *fds);
        if (ready > 0 || (timeout_ms >= 0 && report_elapsed_us() >= end_us))
            return ready > 0 ? ready : 0;
    }
}

int link_step(struct link *link, int sd, short events, int timeout_ms) {
    struct pollfd polled[2] = {{.fd = sd, .events = events},
                               {.fd = link->stack_fd, .events = POLLIN}};
    int ready = poll_signals(polled, link->threaded ? 1 : 2, timeout_ms);
    if (ready < 0)
        return ready;
    if (!link->threaded && polled[1].revents != 0)
        process(link);
    return 0;
}

static void unblock_signals(void) {
    are_unblocked = true;
    sigprocmask(SIG_SETMASK, &unblocked, NULL);
}

void link_block_all(struct link *link) {
    link->blocks = true;
    unblock_signals();
}

void link_block(int sd) {
    int flags = fcntl(sd, F_GETFL);
    if (flags < 0 || fcntl(sd, F_SETFL, flags & ~O_NONBLOCK) != 0)
        report_die(REPORT_FAILED, "cannot make a socket block: %s", strerror(errno));
    unblock_signals();
}

static bool says_complete(const void *note, size_t bytes) {
    struct sctp_assoc_change change;
    if (bytes < offsetof(struct sctp_assoc_change, sac_info))
        return false;
    memcpy(&change, note, offsetof(struct sctp_assoc_change, sac_info));
    return change.sac_type == SCTP_ASSOC_CHANGE && change.sac_state == SCTP_SHUTDOWN_COMP;
}

void link_describe(struct link *link, const void *data, size_t bytes, int flags,
                   const struct sctp_rcvinfo *info, struct link_piece *piece) {
    piece->is_notification = (flags & MSG_NOTIFICATION) != 0;
    piece->is_complete = piece->is_notification && says_complete(data, bytes);
    piece->is_end = (flags & MSG_EOR) != 0;
    piece->sid = info != NULL ? info->rcv_sid : 0;
    piece->ppid = info != NULL ? ntohl(info->rcv_ppid) : 0;
    if (piece->is_notification)
        watch_notification(&link->watch, data, bytes);
}

ssize_t link_receive(struct link *link, int sd, void *buffer, size_t bytes,
                     struct link_piece *piece) {
    struct iovec part = {.iov_base = buffer, .iov_len = bytes};
    struct sctp_rcvinfo info;
    socklen_t info_bytes = sizeof info;
    unsigned type = USCTP_RECVV_NOINFO;
    int flags = 0;
    memset(&info, 0, sizeof info);
    ssize_t got = usctp_recvv(sd, &part, 1, NULL, NULL, &info, &info_bytes, &type, &flags);
    if (got >= 0)
        link_describe(link, buffer, (size_t)got, flags, type == USCTP_RECVV_RCVINFO ? &info : NULL,
                      piece);
    return got;
}

ssize_t link_send(int sd, const void *data, size_t bytes, uint16_t sid, uint32_t ppid) {
    struct iovec part;
    struct sctp_sndinfo info;
    memset(&info, 0, sizeof info);
    info.snd_sid = sid;
    info.snd_ppid = htonl(ppid);
    /* iovec is not const: the bytes are only read. */
    memcpy(&part.iov_base, &data, sizeof data);
    part.iov_len = bytes;
    return usctp_sendv(sd, &part, 1, NULL, 0, &info, sizeof info, USCTP_SENDV_SNDINFO,
                       MSG_NOSIGNAL);
}

int link_await_end(struct link *link, int sd) {
    /* The peer's SHUTDOWN ends what can be received; the hang-up, the association. */
    struct pollfd polled = {.fd = sd, .events = 0};
    unsigned char note[LINK_RECEIVE_BYTES];
    struct link_piece piece;
    for (;;) {
        int ready = link_poll(link, &polled, 1, LINK_FOREVER);
        if (ready < 0)
            return errno;
        if (ready == 0)
            continue;
        ssize_t got = link_receive(link, sd, note, sizeof note, &piece);
        if (got > 0 && piece.is_complete)
            return 0;
        if (got > 0)
            continue;
        int error = got < 0 && errno != EAGAIN ? errno : 0;
        socklen_t bytes = sizeof error;
        if (error == 0 && usctp_getsockopt(sd, SOL_SOCKET, SO_ERROR, &error, &bytes) != 0)
            error = errno;
        return error;
    }
}

int link_finish(struct link *link, int sd) {
    unsigned char rest[LINK_RECEIVE_BYTES];
    struct link_piece piece;
    int error = usctp_shutdown(sd, SHUT_WR) == 0 ? 0 : errno;
    while (error == 0) {
        ssize_t got = link_receive(link, sd, rest, sizeof rest, &piece);
        if (got == 0 && !link->blocks) /* one that waits has waited for the end */
            error = link_await_end(link, sd);
        if (got == 0 || (got > 0 && piece.is_complete))
            break;
        if (got > 0)
            continue;
        if (errno != EAGAIN || link_step(link, sd, POLLIN, LINK_FOREVER) != 0)
            error = errno;
    }
    if (error == 0)
        link_close_socket(link, sd);
    else
        link_abort(link, sd);
    return error;
}

void link_close_socket(struct link *link, int sd) {
    if (link->options->stats)
        stats_note(&link->stats, sd);
    usctp_close(sd);
}

void link_abort(struct link *link, int sd) {
    const struct linger now = {.l_onoff = 1, .l_linger = 0};
    usctp_setsockopt(sd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    link_close_socket(link, sd);
}
