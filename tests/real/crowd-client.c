/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A crowd of associations with an echo server, from one process: the other side of the tests of
 * docs/examples.
 *
 *   crowd-client [OPTION...] ADDRESS PORT
 *     --udp           SCTP in UDP
 *     --count N       associations at once (1)
 *     --messages M    that each of them sends (1), each awaited before the next
 *     --bytes B       in a message (100); what comes back is compared, as is its stream
 *     --greedy        all messages are sent at once, and no echo is read before stdin ends
 *     --hold          when all echoes are there, waits for the end of stdin
 *     --churn TOTAL   one association after the other, N at once, TOTAL in all; a quarter of them
 *                     each shuts down, is closed with echoes unread, aborts, is closed unawaited
 *
 * It says on stderr "up N" when all associations are up at the same time, "echoed K" when all
 * echoes are there, "closed N" when all peers have agreed to the shutdown. Exit status 0: all went
 * well.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>
#include <usctp/usctp.h>

enum { MESSAGE_MAX = 1024 * 1024, EVENTS = 64, STREAMS = 4, PATIENCE_MS = 60000 };

enum fate { SHUTS_DOWN, LEAVES_UNREAD, ABORTS, CLOSES_UNAWAITED, FATES };

struct peer {
    int sd;
    unsigned number, sent, echoed;
    size_t offset; /* how much of the present echo has come */
    bool is_up, is_closing, wants_out;
    enum fate fate;
};

static struct {
    bool in_udp, is_greedy, is_reading, holds;
    unsigned count, messages, churn;
    size_t bytes;
    struct sockaddr_storage server;
    socklen_t server_bytes;
} wanted = {.is_reading = true, .count = 1, .messages = 1, .bytes = 100};

static struct usctp_stack *stack;
static struct peer *peers;
static int epoll_fd;
static unsigned made, up, done, closed;

static void fail(const struct peer *p, const char *what) {
    fprintf(stderr, "crowd-client: association %u: %s: %s\n", p ? p->number : 0, what,
            strerror(errno));
    _exit(EXIT_FAILURE);
}

static uint8_t expected(const struct peer *p, unsigned message, size_t offset) {
    return (uint8_t)(p->number * 31 + message * 7 + offset + offset / 251);
}

static uint16_t stream_of(unsigned message) {
    return wanted.is_greedy ? 0 : (uint16_t)(message % STREAMS);
}

static void set_option(const struct peer *p, int level, int name, const void *value,
                       socklen_t length) {
    if (usctp_setsockopt(p->sd, level, name, value, length) != 0)
        fail(p, "setsockopt");
}

static void begin(struct peer *p) {
    int on = 1;
    struct epoll_event event = {.events = EPOLLOUT, .data.ptr = p};
    *p = (struct peer){.number = made++, .fate = SHUTS_DOWN, .wants_out = true};
    if (wanted.churn > 0)
        p->fate = (enum fate)(p->number % FATES);
    p->sd = usctp_socket(stack, wanted.server.ss_family, SOCK_STREAM | SOCK_NONBLOCK, IPPROTO_SCTP);
    if (p->sd < 0)
        fail(p, "socket");
    set_option(p, IPPROTO_SCTP, SCTP_RECVRCVINFO, &on, sizeof on);
    set_option(p, IPPROTO_SCTP, SCTP_NODELAY, &on, sizeof on);
    if (usctp_connect(p->sd, (struct sockaddr *)&wanted.server, wanted.server_bytes) != 0 &&
        errno != EINPROGRESS)
        fail(p, "connect");
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, p->sd, &event) != 0)
        fail(p, "epoll_ctl");
}

static void finish_connect(struct peer *p) {
    int error = 0;
    socklen_t length = sizeof error;
    if (usctp_getsockopt(p->sd, SOL_SOCKET, SO_ERROR, &error, &length) != 0 || error != 0) {
        errno = error;
        fail(p, "connect");
    }
    p->is_up = true;
    up++;
    if (up == wanted.count && wanted.churn == 0)
        fprintf(stderr, "up %u\n", up);
}

static void watch(struct peer *p, bool wants_out) {
    struct epoll_event event = {.data.ptr = p};
    event.events =
        (wanted.is_reading ? (uint32_t)EPOLLIN : 0) | (wants_out ? (uint32_t)EPOLLOUT : 0);
    p->wants_out = wants_out;
    if (epoll_ctl(epoll_fd, EPOLL_CTL_MOD, p->sd, &event) != 0)
        fail(p, "epoll_ctl");
}

/* Returns false when the message has to wait. */
static bool send_next(struct peer *p) {
    static uint8_t data[MESSAGE_MAX];
    struct iovec message = {.iov_base = data, .iov_len = wanted.bytes};
    struct sctp_sndinfo to = {.snd_sid = stream_of(p->sent), .snd_ppid = htonl(p->sent)};
    for (size_t i = 0; i < wanted.bytes; i++)
        data[i] = expected(p, p->sent, i);
    if (usctp_sendv(p->sd, &message, 1, NULL, 0, &to, sizeof to, USCTP_SENDV_SNDINFO,
                    MSG_NOSIGNAL) >= 0) {
        p->sent++;
        return true;
    }
    if (errno != EAGAIN)
        fail(p, "send");
    return false;
}

static void check_piece(struct peer *p, const uint8_t *data, size_t bytes, bool is_end,
                        const struct sctp_rcvinfo *info) {
    for (size_t i = 0; i < bytes; i++) {
        if (data[i] != expected(p, p->echoed, p->offset + i))
            fail(p, "the echo has other bytes");
    }
    if (info->rcv_sid != stream_of(p->echoed) || info->rcv_ppid != htonl(p->echoed))
        fail(p, "the echo has another stream or protocol");
    p->offset += bytes;
    if (!is_end)
        return;
    if (p->offset != wanted.bytes)
        fail(p, "the echo has another length");
    p->offset = 0;
    p->echoed++;
    if (p->echoed == wanted.messages)
        done++;
}

/* Takes all that is there. Returns false at the end of the association. */
static bool receive(struct peer *p) {
    static uint8_t data[MESSAGE_MAX];
    for (;;) {
        struct iovec room = {.iov_base = data, .iov_len = sizeof data};
        struct sctp_rcvinfo info;
        socklen_t info_bytes = sizeof info;
        unsigned type;
        int flags = 0;
        ssize_t n = usctp_recvv(p->sd, &room, 1, NULL, NULL, &info, &info_bytes, &type, &flags);
        if (n < 0 && errno == EAGAIN)
            return true;
        if (n < 0)
            fail(p, "receive");
        if (n == 0)
            return false;
        check_piece(p, data, (size_t)n, flags & MSG_EOR, &info);
    }
}

static void close_peer(struct peer *p) {
    usctp_close(p->sd);
    p->sd = -1;
    closed++;
    if (wanted.churn > 0 && made < wanted.churn)
        begin(p);
}

/* It has said all it had to say. */
static void leave(struct peer *p) {
    struct linger abort = {.l_onoff = 1, .l_linger = 0};
    p->is_closing = true;
    if (p->fate == SHUTS_DOWN) {
        watch(p, false);
        if (usctp_shutdown(p->sd, SHUT_WR) != 0)
            fail(p, "shutdown");
        return; /* closed when the peer has agreed */
    }
    if (p->fate == ABORTS)
        set_option(p, SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
    close_peer(p);
}

static void serve(struct peer *p) {
    if (!p->is_up)
        finish_connect(p);
    bool was_refused = false;
    unsigned window = wanted.is_greedy ? wanted.messages : p->echoed + 1;
    while (!p->is_closing && p->sent < wanted.messages && p->sent < window && !was_refused)
        was_refused = !send_next(p);
    if (p->fate == LEAVES_UNREAD && p->sent > 0) {
        leave(p);
        return;
    }
    if (wanted.is_reading && !receive(p)) {
        if (!p->is_closing)
            fail(p, "the server has ended it");
        close_peer(p);
        return;
    }
    if (!p->is_closing && wanted.churn > 0 && p->echoed == wanted.messages) {
        leave(p);
        return;
    }
    bool wants_out =
        !p->is_closing && p->sent < wanted.messages && (wanted.is_greedy || p->sent == p->echoed);
    if (wants_out != p->wants_out)
        watch(p, wants_out);
}

/* The end of stdin: a greedy crowd has its echoes now. */
static void begin_reading(void) {
    char end;
    if (read(STDIN_FILENO, &end, 1) > 0)
        return;
    epoll_ctl(epoll_fd, EPOLL_CTL_DEL, STDIN_FILENO, NULL);
    wanted.is_reading = true;
    for (unsigned i = 0; i < wanted.count; i++)
        watch(&peers[i], peers[i].wants_out);
}

static void run_until(const unsigned *counter, unsigned value) {
    struct epoll_event events[EVENTS];
    while (*counter < value) {
        int n = epoll_wait(epoll_fd, events, EVENTS, PATIENCE_MS);
        if (n == 0) {
            fprintf(stderr, "crowd-client: nothing happens: %u made, %u up, %u done, %u closed\n",
                    made, up, done, closed);
            _exit(EXIT_FAILURE);
        }
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr)
                serve(events[i].data.ptr);
            else
                begin_reading();
        }
    }
}

static void take_arguments(int argc, char **argv) {
    static const struct option options[] = {{"udp", no_argument, NULL, 'u'},
                                            {"count", required_argument, NULL, 'c'},
                                            {"messages", required_argument, NULL, 'm'},
                                            {"bytes", required_argument, NULL, 'b'},
                                            {"greedy", no_argument, NULL, 'g'},
                                            {"hold", no_argument, NULL, 'h'},
                                            {"churn", required_argument, NULL, 't'},
                                            {0}};
    struct sockaddr_in *v4 = (struct sockaddr_in *)&wanted.server;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&wanted.server;
    int c;
    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        unsigned long value = optarg ? strtoul(optarg, NULL, 10) : 0;
        switch (c) {
        case 'u':
            wanted.in_udp = true;
            break;
        case 'c':
            wanted.count = (unsigned)value;
            break;
        case 'm':
            wanted.messages = (unsigned)value;
            break;
        case 'b':
            wanted.bytes = value;
            break;
        case 'g':
            wanted.is_greedy = true;
            break;
        case 'h':
            wanted.holds = true;
            break;
        case 't':
            wanted.churn = (unsigned)value;
            break;
        default:
            exit(EXIT_FAILURE);
        }
    }
    if (argc - optind != 2 || wanted.count == 0 || wanted.bytes == 0 || wanted.bytes > MESSAGE_MAX)
        exit((fprintf(stderr, "crowd-client: wrong arguments\n"), EXIT_FAILURE));
    in_port_t port = htons((uint16_t)atoi(argv[optind + 1]));
    if (inet_pton(AF_INET, argv[optind], &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = port;
        wanted.server_bytes = sizeof *v4;
    } else if (inet_pton(AF_INET6, argv[optind], &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = port;
        wanted.server_bytes = sizeof *v6;
    } else {
        exit((fprintf(stderr, "crowd-client: %s is no address\n", argv[optind]), EXIT_FAILURE));
    }
}

static void make_stack(void) {
    struct usctp_stack_options options;
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    usctp_stack_options_init(&options);
    if (wanted.in_udp)
        options.flags = USCTP_STACK_UDP | USCTP_STACK_THREAD;
    stack = usctp_stack_new(&options);
    if (!stack)
        exit((fprintf(stderr, "crowd-client: %s\n", usctp_stack_error()), EXIT_FAILURE));
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    peers = calloc(wanted.count, sizeof *peers);
    if (epoll_fd < 0 || !peers)
        fail(NULL, "memory");
}

int main(int argc, char **argv) {
    take_arguments(argc, argv);
    make_stack();
    for (unsigned i = 0; i < wanted.count; i++)
        begin(&peers[i]);
    if (wanted.is_greedy) {
        struct epoll_event event = {.events = EPOLLIN};
        wanted.is_reading = false;
        if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, STDIN_FILENO, &event) != 0)
            fail(NULL, "stdin");
    }
    if (wanted.churn > 0) {
        run_until(&closed, wanted.churn);
        fprintf(stderr, "churned %u\n", closed);
        return EXIT_SUCCESS;
    }
    run_until(&up, wanted.count);
    run_until(&done, wanted.count);
    fprintf(stderr, "echoed %u\n", wanted.count * wanted.messages);
    if (wanted.holds) {
        char end;
        while (read(STDIN_FILENO, &end, 1) > 0)
            ;
    }
    for (unsigned i = 0; i < wanted.count; i++)
        leave(&peers[i]);
    run_until(&closed, wanted.count);
    fprintf(stderr, "closed %u\n", closed);
    usctp_stack_delete(stack);
    free(peers);
    return EXIT_SUCCESS;
}
