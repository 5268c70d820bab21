/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * epoll-server: thousands of associations in one thread, each a descriptor in an ordinary epoll
 * set.
 *
 *   epoll-server [--udp] PORT
 *
 * An echo server again. SIGUSR1 prints what it has, SIGINT and SIGTERM end it gracefully.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include <usctp/usctp.h>

enum { FIRST_ROOM = 4096, MESSAGE_MAX = 256 * 1024, BACKLOG = 1024, EVENTS = 64, TURNS = 16 };

/* An association, and the message that is on its way through it. */
struct client {
    int sd;
    bool is_sending; /* the message is whole and waits for room in the send buffer */
    size_t used, room;
    char *data;
    struct sctp_rcvinfo info;
};

static struct usctp_stack *stack;
static int epoll_fd, listener, signal_fd;
static bool listener_rests;
static unsigned long open_now, open_most, echoed, lost;

static void die(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

static void watch(int operation, int fd, uint32_t events, void *what) {
    struct epoll_event event = {.events = events, .data.ptr = what};
    if (epoll_ctl(epoll_fd, operation, fd, &event) != 0)
        die("epoll-server: epoll_ctl");
}

/* Out of descriptors, a level-triggered listener would spin: it rests until one comes free. */
static void rest_listener(bool rests) {
    if (rests != listener_rests)
        watch(EPOLL_CTL_MOD, listener, rests ? 0 : EPOLLIN, &listener);
    listener_rests = rests;
}

static void drop_message(struct client *c) {
    free(c->data); /* 1,000 idle associations should not keep 1,000 buffers */
    c->data = NULL;
    c->used = c->room = 0;
    c->is_sending = false;
}

static void close_client(struct client *c) {
    drop_message(c);
    usctp_close(c->sd); /* leaves the epoll set by itself */
    free(c);
    open_now--;
    rest_listener(false);
}

static void accept_clients(void) {
    int sd;
    while ((sd = usctp_accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct client *c = calloc(1, sizeof *c);
        if (!c) {
            usctp_close(sd);
            continue;
        }
        c->sd = sd;
        watch(EPOLL_CTL_ADD, sd, EPOLLIN, c);
        open_now++;
        if (open_now > open_most)
            open_most = open_now;
    }
    if (errno == EMFILE || errno == ENFILE)
        rest_listener(true);
    else if (errno != EAGAIN && errno != ECONNABORTED && errno != ENOBUFS && errno != ENOMEM)
        die("epoll-server: accept");
}

/* Returns false when there is no memory, or the message is longer than we take. */
static bool make_room(struct client *c) {
    size_t room = c->room == 0 ? FIRST_ROOM : 2 * c->room;
    if (c->used < c->room)
        return true;
    char *data = room <= MESSAGE_MAX ? realloc(c->data, room) : NULL;
    if (!data)
        return false;
    c->data = data;
    c->room = room;
    return true;
}

/* Returns what usctp_recvv does; -1 with EMSGSIZE for a message that is too long. */
static ssize_t receive(struct client *c) {
    socklen_t info_bytes = sizeof c->info;
    unsigned info_type;
    int flags = 0;
    if (!make_room(c)) {
        errno = EMSGSIZE;
        return -1;
    }
    struct iovec room = {.iov_base = c->data + c->used, .iov_len = c->room - c->used};
    ssize_t n = usctp_recvv(c->sd, &room, 1, NULL, NULL, &c->info, &info_bytes, &info_type, &flags);
    if (n > 0)
        c->used += (size_t)n;
    c->is_sending = n > 0 && (flags & MSG_EOR); /* without it the rest is still to come */
    if (n < 0 && c->used == 0)
        drop_message(c);
    return n;
}

static ssize_t send_back(struct client *c) {
    struct iovec message = {.iov_base = c->data, .iov_len = c->used};
    struct sctp_sndinfo to = {.snd_sid = c->info.rcv_sid,
                              .snd_flags = c->info.rcv_flags & SCTP_UNORDERED,
                              .snd_ppid = c->info.rcv_ppid};
    ssize_t n =
        usctp_sendv(c->sd, &message, 1, NULL, 0, &to, sizeof to, USCTP_SENDV_SNDINFO, MSG_NOSIGNAL);
    if (n >= 0) {
        drop_message(c);
        echoed++;
    }
    return n;
}

/*
 * A peer that does not read its echoes is not read from either: its window closes, and the memory
 * that it costs is bounded. After some turns the other associations have theirs; a level-triggered
 * set comes back.
 */
static void serve(struct client *c) {
    bool was_sending = c->is_sending;
    ssize_t n = 1;
    for (int i = 0; i < TURNS && n > 0; i++)
        n = c->is_sending ? send_back(c) : receive(c);
    if (n < 0 && errno != EAGAIN) {
        lost++; /* ECONNRESET, ETIMEDOUT: as with TCP */
        close_client(c);
    } else if (n == 0) {
        close_client(c); /* the peer has shut down, all is acknowledged */
    } else if (c->is_sending != was_sending) {
        watch(EPOLL_CTL_MOD, c->sd, c->is_sending ? EPOLLOUT : EPOLLIN, c);
    }
}

/* Returns false when it is time to go. */
static bool take_signal(void) {
    struct signalfd_siginfo signal;
    struct usctp_engine_counters counters;
    if (read(signal_fd, &signal, sizeof signal) != (ssize_t)sizeof signal)
        return true;
    if (signal.ssi_signo != SIGUSR1)
        return false;
    usctp_stack_counters(stack, &counters);
    fprintf(stderr, "epoll-server: %lu open, %lu at most, %lu messages, %lu lost; ", open_now,
            open_most, echoed, lost);
    fprintf(stderr, "stack: %llu associations, %llu KiB\n",
            (unsigned long long)counters.associations,
            (unsigned long long)counters.memory_bytes / 1024);
    return true;
}

static void listen_on(const char *port) {
    struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_ANY_INIT};
    int on = 1;
    any.sin6_port = htons((uint16_t)atoi(port));
    listener = usctp_socket(stack, AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, IPPROTO_SCTP);
    if (listener < 0 ||
        usctp_setsockopt(listener, IPPROTO_SCTP, SCTP_RECVRCVINFO, &on, sizeof on) != 0 ||
        usctp_bind(listener, (struct sockaddr *)&any, sizeof any) != 0 ||
        usctp_listen(listener, BACKLOG) != 0)
        die("epoll-server: listen");
    watch(EPOLL_CTL_ADD, listener, EPOLLIN, &listener);
}

static void take_signals(void) {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGUSR1);
    sigprocmask(SIG_BLOCK, &signals, NULL); /* before there is a second thread */
    signal_fd = signalfd(-1, &signals, SFD_CLOEXEC);
    watch(EPOLL_CTL_ADD, signal_fd, EPOLLIN, &signal_fd);
}

int main(int argc, char **argv) {
    int in_udp = argc == 3 && strcmp(argv[1], "--udp") == 0;
    struct usctp_stack_options options;
    struct rlimit limit;
    struct epoll_event events[EVENTS];
    if (argc != 2 + in_udp)
        return fprintf(stderr, "usage: epoll-server [--udp] PORT\n"), EXIT_FAILURE;

    /* A socket is two descriptors, and the usual soft limit is 1,024. */
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    take_signals();
    usctp_stack_options_init(&options);
    if (in_udp)
        options.flags = USCTP_STACK_UDP | USCTP_STACK_THREAD;
    stack = usctp_stack_new(&options);
    if (!stack)
        return fprintf(stderr, "epoll-server: %s\n", usctp_stack_error()), EXIT_FAILURE;
    listen_on(argv[argc - 1]);
    fprintf(stderr, "epoll-server: listening\n");

    for (;;) {
        int n = epoll_wait(epoll_fd, events, EVENTS, -1);
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr == &listener)
                accept_clients();
            else if (events[i].data.ptr != &signal_fd)
                serve(events[i].data.ptr);
            else if (!take_signal())
                return EXIT_SUCCESS; /* the associations are shut down on the way out */
        }
    }
}
