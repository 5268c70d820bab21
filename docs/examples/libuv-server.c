/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libuv-server: a stack without a thread of its own, inside somebody else's event loop.
 *
 *   libuv-server [--udp] SCTP-PORT TCP-PORT
 *
 * Echoes over SCTP; who connects by TCP gets a line of status. All of it in one libuv loop and one
 * thread: the loop waits for usctp_stack_fd(), and usctp_stack_process() does what is due, timers
 * included. With libevent, GLib or a poll() of your own it is the same.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <usctp/usctp.h>
#include <uv.h>

enum { MESSAGE_MAX = 64 * 1024, BACKLOG = 1024, TURNS = 16 };

/* An association, and the message that is on its way through it. */
struct client {
    uv_poll_t poll; /* first: libuv gives us this */
    int sd;
    size_t bytes; /* 0: no message waits to be sent */
    struct sctp_rcvinfo info;
    char data[MESSAGE_MAX];
};

static unsigned long open_now, echoed;
static int listener;

static void check(int error, const char *what) {
    if (error != 0) {
        fprintf(stderr, "libuv-server: %s: %s\n", what, uv_strerror(error));
        exit(EXIT_FAILURE);
    }
}

static void die(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

/* ---- the stack ------------------------------------------------------------------------------- */

/* Packets, timers, changes of the host's addresses: one descriptor for all of them. */
static void on_stack(uv_poll_t *poll, int status, int events) {
    (void)status;
    (void)events;
    /* It has a budget. When that is spent the descriptor stays readable, and the loop comes back
     * after it has served its other descriptors. */
    if (usctp_stack_process(poll->data) < 0)
        die("libuv-server: usctp_stack_process");
}

/* ---- associations ---------------------------------------------------------------------------- */

static ssize_t receive(struct client *c) {
    struct iovec room = {.iov_base = c->data, .iov_len = sizeof c->data};
    socklen_t info_bytes = sizeof c->info;
    unsigned info_type;
    int flags = 0;
    ssize_t n = usctp_recvv(c->sd, &room, 1, NULL, NULL, &c->info, &info_bytes, &info_type, &flags);
    if (n > 0 && !(flags & MSG_EOR)) {
        errno = EMSGSIZE;
        return -1;
    }
    c->bytes = n > 0 ? (size_t)n : 0;
    return n;
}

static ssize_t send_back(struct client *c) {
    struct iovec message = {.iov_base = c->data, .iov_len = c->bytes};
    struct sctp_sndinfo to = {.snd_sid = c->info.rcv_sid,
                              .snd_flags = c->info.rcv_flags & SCTP_UNORDERED,
                              .snd_ppid = c->info.rcv_ppid};
    ssize_t n =
        usctp_sendv(c->sd, &message, 1, NULL, 0, &to, sizeof to, USCTP_SENDV_SNDINFO, MSG_NOSIGNAL);
    if (n >= 0) {
        c->bytes = 0;
        echoed++;
    }
    return n;
}

static void on_closed(uv_handle_t *handle) {
    struct client *c = (struct client *)handle;
    usctp_close(c->sd); /* not before libuv has let go of the descriptor */
    free(c);
    open_now--;
}

static void on_client(uv_poll_t *poll, int status, int events) {
    struct client *c = (struct client *)poll;
    ssize_t n = 1;
    (void)events;
    (void)status; /* a lost association is told by usctp_recvv and usctp_sendv */
    for (int i = 0; i < TURNS && n > 0; i++)
        n = c->bytes > 0 ? send_back(c) : receive(c);
    if (n == 0 || (n < 0 && errno != EAGAIN))
        uv_close((uv_handle_t *)poll, on_closed);
    else
        uv_poll_start(poll, c->bytes > 0 ? UV_WRITABLE : UV_READABLE, on_client);
}

static void on_listener(uv_poll_t *poll, int status, int events) {
    int sd;
    (void)status;
    (void)events;
    while ((sd = usctp_accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct client *c = malloc(sizeof *c);
        if (!c || uv_poll_init(poll->loop, &c->poll, sd) != 0) {
            free(c);
            usctp_close(sd);
            continue;
        }
        c->sd = sd;
        c->bytes = 0;
        open_now++;
        uv_poll_start(&c->poll, UV_READABLE, on_client);
    }
}

static void listen_on(struct usctp_stack *stack, uv_poll_t *poll, int port) {
    struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_ANY_INIT};
    int on = 1;
    any.sin6_port = htons((uint16_t)port);
    listener = usctp_socket(stack, AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, IPPROTO_SCTP);
    if (listener < 0 ||
        usctp_setsockopt(listener, IPPROTO_SCTP, SCTP_RECVRCVINFO, &on, sizeof on) != 0 ||
        usctp_bind(listener, (struct sockaddr *)&any, sizeof any) != 0 ||
        usctp_listen(listener, BACKLOG) != 0)
        die("libuv-server: listen");
    check(uv_poll_init(uv_default_loop(), poll, listener), "listener");
    check(uv_poll_start(poll, UV_READABLE, on_listener), "listener");
}

/* ---- the rest of the program ----------------------------------------------------------------- */

static void on_tcp_closed(uv_handle_t *handle) {
    free(handle);
}

static void on_tcp(uv_stream_t *server, int status) {
    char text[80];
    uv_tcp_t *tcp = status == 0 ? malloc(sizeof *tcp) : NULL;
    if (!tcp)
        return;
    int n = snprintf(text, sizeof text, "%lu associations, %lu messages\n", open_now, echoed);
    uv_buf_t line = uv_buf_init(text, (unsigned)n);
    uv_tcp_init(server->loop, tcp);
    if (uv_accept(server, (uv_stream_t *)tcp) == 0)
        uv_try_write((uv_stream_t *)tcp, &line, 1); /* a line always fits */
    uv_close((uv_handle_t *)tcp, on_tcp_closed);
}

static void on_signal(uv_signal_t *handle, int number) {
    (void)number;
    uv_stop(handle->loop);
}

int main(int argc, char **argv) {
    int in_udp = argc > 1 && strcmp(argv[1], "--udp") == 0;
    struct usctp_stack_options options;
    struct sockaddr_in status_address;
    uv_poll_t stack_poll, listener_poll;
    uv_signal_t interrupt, terminate;
    uv_tcp_t tcp;
    uv_loop_t *loop = uv_default_loop();
    if (argc != 3 + in_udp)
        return fprintf(stderr, "usage: libuv-server [--udp] SCTP-PORT TCP-PORT\n"), EXIT_FAILURE;

    usctp_stack_options_init(&options);
    options.flags = in_udp ? USCTP_STACK_UDP : USCTP_STACK_RAW; /* no USCTP_STACK_THREAD */
    struct usctp_stack *stack = usctp_stack_new(&options);
    if (!stack)
        return fprintf(stderr, "libuv-server: %s\n", usctp_stack_error()), EXIT_FAILURE;
    check(uv_poll_init(loop, &stack_poll, usctp_stack_fd(stack)), "stack");
    stack_poll.data = stack;
    check(uv_poll_start(&stack_poll, UV_READABLE, on_stack), "stack");
    listen_on(stack, &listener_poll, atoi(argv[argc - 2]));

    uv_ip4_addr("127.0.0.1", atoi(argv[argc - 1]), &status_address);
    uv_tcp_init(loop, &tcp);
    check(uv_tcp_bind(&tcp, (struct sockaddr *)&status_address, 0), "bind");
    check(uv_listen((uv_stream_t *)&tcp, BACKLOG, on_tcp), "listen");
    uv_signal_init(loop, &interrupt);
    uv_signal_start(&interrupt, on_signal, SIGINT);
    uv_signal_init(loop, &terminate);
    uv_signal_start(&terminate, on_signal, SIGTERM);
    fprintf(stderr, "libuv-server: listening\n");
    uv_run(loop, UV_RUN_DEFAULT);
    return EXIT_SUCCESS; /* associations that are still there are shut down by exit() */
}
