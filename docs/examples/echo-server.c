/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * echo-server: the blocking way, a thread for each association.
 *
 *   echo-server [--udp] PORT
 *
 * Every message goes back whole, on the stream it came on. Raw SCTP needs CAP_NET_RAW; with --udp
 * (RFC 6951) it is SCTP inside UDP, which needs no privilege.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <usctp/usctp.h>

enum { MESSAGE_MAX = 512 * 1024, BACKLOG = 128 };

static int listener;

static void die(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

/*
 * Reads one whole message. A long one comes in pieces, the last of them marked with MSG_EOR.
 * Returns its bytes, 0 when the peer has shut down, -1 and errno when the association is lost.
 */
static ssize_t read_message(int sd, char *data, struct sctp_rcvinfo *info) {
    size_t used = 0;
    while (used < MESSAGE_MAX) {
        struct iovec room = {.iov_base = data + used, .iov_len = MESSAGE_MAX - used};
        socklen_t info_bytes = sizeof *info;
        unsigned info_type;
        int flags = 0;
        ssize_t n = usctp_recvv(sd, &room, 1, NULL, NULL, info, &info_bytes, &info_type, &flags);
        if (n <= 0)
            return n;
        used += (size_t)n;
        if (flags & MSG_EOR)
            return (ssize_t)used;
    }
    errno = EMSGSIZE;
    return -1;
}

static ssize_t send_back(int sd, char *data, size_t bytes, const struct sctp_rcvinfo *info) {
    struct iovec message = {.iov_base = data, .iov_len = bytes};
    struct sctp_sndinfo to = {
        .snd_sid = info->rcv_sid,
        .snd_flags = info->rcv_flags & SCTP_UNORDERED,
        .snd_ppid = info->rcv_ppid, /* both in network byte order: the stack does not look */
    };
    /* The peer may be gone: without MSG_NOSIGNAL that is SIGPIPE and the end of the process. */
    return usctp_sendv(sd, &message, 1, NULL, 0, &to, sizeof to, USCTP_SENDV_SNDINFO, MSG_NOSIGNAL);
}

static void *serve(void *argument) {
    int sd = *(int *)argument;
    struct sctp_rcvinfo info;
    char *data = malloc(MESSAGE_MAX);
    ssize_t n = -1;
    free(argument);
    while (data && (n = read_message(sd, data, &info)) > 0) {
        if ((n = send_back(sd, data, (size_t)n, &info)) < 0)
            break;
    }
    if (n < 0) /* ECONNRESET: aborted by the peer; ETIMEDOUT: it answers on no path any more */
        fprintf(stderr, "echo-server: association lost: %s\n", strerror(errno));
    free(data);
    usctp_close(sd); /* what is still queued for the peer is delivered first */
    return NULL;
}

static void start_thread(int sd) {
    pthread_t thread;
    int *argument = malloc(sizeof *argument);
    if (argument) {
        *argument = sd;
        if (pthread_create(&thread, NULL, serve, argument) == 0) {
            pthread_detach(thread);
            return;
        }
    }
    fprintf(stderr, "echo-server: no thread for an association\n");
    free(argument);
    usctp_close(sd);
}

/* Closing the listener ends the accept() that main() sleeps in, and with it the program. */
static void *close_on_signal(void *signals) {
    int number;
    sigwait(signals, &number);
    usctp_close(listener);
    return NULL;
}

static void listen_on(struct usctp_stack *stack, const char *port) {
    struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_ANY_INIT};
    int on = 1;
    any.sin6_port = htons((uint16_t)atoi(port));
    listener = usctp_socket(stack, AF_INET6, SOCK_STREAM, IPPROTO_SCTP); /* IPv4 peers as well */
    /* Accepted sockets inherit the options: struct sctp_rcvinfo with each message. */
    if (listener < 0 ||
        usctp_setsockopt(listener, IPPROTO_SCTP, SCTP_RECVRCVINFO, &on, sizeof on) != 0 ||
        usctp_bind(listener, (struct sockaddr *)&any, sizeof any) != 0 ||
        usctp_listen(listener, BACKLOG) != 0)
        die("echo-server: listen");
}

int main(int argc, char **argv) {
    int in_udp = argc == 3 && strcmp(argv[1], "--udp") == 0;
    struct usctp_stack_options options;
    pthread_t thread;
    static sigset_t signals;
    if (argc != 2 + in_udp)
        return fprintf(stderr, "usage: echo-server [--udp] PORT\n"), EXIT_FAILURE;

    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, NULL); /* in all threads, so that sigwait() gets them */
    usctp_stack_options_init(&options);         /* raw SCTP, and a thread that does the packets */
    if (in_udp)
        options.flags = USCTP_STACK_UDP | USCTP_STACK_THREAD;
    struct usctp_stack *stack = usctp_stack_new(&options);
    if (!stack)
        return fprintf(stderr, "echo-server: %s\n", usctp_stack_error()), EXIT_FAILURE;

    listen_on(stack, argv[argc - 1]);
    if (pthread_create(&thread, NULL, close_on_signal, &signals) != 0)
        die("echo-server: thread");
    fprintf(stderr, "echo-server: listening\n");
    for (;;) {
        int sd = usctp_accept(listener, NULL, NULL);
        if (sd >= 0)
            start_thread(sd);
        else if (errno == EBADF)
            return EXIT_SUCCESS; /* and what is still open is shut down on the way out */
        else if (errno != ECONNABORTED && errno != EINTR) /* that one peer has changed its mind */
            die("echo-server: accept");
    }
}
