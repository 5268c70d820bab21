/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * one-to-many-server: all peers on one socket, told apart by association id (RFC 6458 3).
 *
 *   one-to-many-server [--udp] PORT
 *
 * An echo server that also prints what becomes of its associations. One whose peer does not read
 * its echoes would hold up all others: it is peeled off, and gets a thread where it may block.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <usctp/usctp.h>

/* Below SCTP_PARTIAL_DELIVERY_POINT, so that what comes in pieces is too long, and not a part. */
enum { MESSAGE_MAX = 64 * 1024, BACKLOG = 128 };

struct message {
    char data[MESSAGE_MAX];
    size_t bytes;
    int flags; /* MSG_EOR, MSG_NOTIFICATION */
    struct sctp_rcvinfo info;
};

/* An association that has a socket of its own, and the echo that it was slow to take. */
struct loner {
    int sd;
    struct message message;
};

static void die(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

static ssize_t receive(int sd, struct message *m) {
    struct iovec room = {.iov_base = m->data, .iov_len = sizeof m->data};
    socklen_t info_bytes = sizeof m->info;
    unsigned info_type;
    m->flags = 0;
    ssize_t n = usctp_recvv(sd, &room, 1, NULL, NULL, &m->info, &info_bytes, &info_type, &m->flags);
    m->bytes = n > 0 ? (size_t)n : 0;
    return n;
}

static ssize_t send_back(int sd, struct message *m, int flags) {
    struct iovec data = {.iov_base = m->data, .iov_len = m->bytes};
    struct sctp_sndinfo to = {.snd_sid = m->info.rcv_sid,
                              .snd_flags = m->info.rcv_flags & SCTP_UNORDERED,
                              .snd_ppid = m->info.rcv_ppid,
                              .snd_assoc_id = m->info.rcv_assoc_id};
    return usctp_sendv(sd, &data, 1, NULL, 0, &to, sizeof to, USCTP_SENDV_SNDINFO,
                       flags | MSG_NOSIGNAL);
}

/* The peer gets an ABORT that carries the reason (RFC 6458 5.3.4, SCTP_ABORT). */
static void abort_association(int sd, sctp_assoc_t id, char *reason) {
    struct iovec data = {.iov_base = reason, .iov_len = strlen(reason)};
    struct sctp_sndinfo to = {.snd_flags = SCTP_ABORT, .snd_assoc_id = id};
    usctp_sendv(sd, &data, 1, NULL, 0, &to, sizeof to, USCTP_SENDV_SNDINFO, MSG_NOSIGNAL);
}

static void print_peer(int sd, sctp_assoc_t id) {
    struct sctp_status status;
    socklen_t length = sizeof status;
    char text[INET6_ADDRSTRLEN] = "?";
    if (usctp_opt_info(sd, id, SCTP_STATUS, &status, &length) != 0)
        return; /* it has ended already; the next notification will say how */
    const void *address = &status.sstat_primary.spinfo_address;
    const struct sockaddr_in *v4 = address;
    const struct sockaddr_in6 *v6 = address;
    if (v4->sin_family == AF_INET)
        inet_ntop(AF_INET, &v4->sin_addr, text, sizeof text);
    else
        inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof text);
    printf("association %d: up, peer %s, %u streams in, %u out\n", id, text, status.sstat_instrms,
           status.sstat_outstrms);
}

static void print_notification(int sd, const struct message *m) {
    union sctp_notification n;
    if (m->bytes < sizeof n.sn_header || !(m->flags & MSG_EOR))
        return;
    /* A copy, because the buffer may not be aligned, and some notifications are shorter. */
    memset(&n, 0, sizeof n);
    memcpy(&n, m->data, m->bytes < sizeof n ? m->bytes : sizeof n);
    if (n.sn_header.sn_type == SCTP_ASSOC_CHANGE) {
        const struct sctp_assoc_change *change = &n.sn_assoc_change;
        sctp_assoc_t id = change->sac_assoc_id;
        if (change->sac_state == SCTP_COMM_UP)
            print_peer(sd, id);
        else if (change->sac_state == SCTP_COMM_LOST)
            printf("association %d: lost, error %u\n", id, change->sac_error);
        else if (change->sac_state == SCTP_RESTART)
            printf("association %d: the peer has restarted\n", id);
        else if (change->sac_state == SCTP_SHUTDOWN_COMP)
            printf("association %d: shut down\n", id);
    } else if (n.sn_header.sn_type == SCTP_SEND_FAILED_EVENT) {
        printf("association %d: an echo was not delivered\n", n.sn_send_failed_event.ssf_assoc_id);
    }
}

static void *serve_alone(void *argument) {
    struct loner *loner = argument;
    do {
        if (loner->message.flags & MSG_NOTIFICATION)
            continue; /* a peeled off socket has the other's subscriptions */
        if (send_back(loner->sd, &loner->message, 0) < 0)
            break; /* 0 instead of MSG_DONTWAIT: it blocks, and that is what we want here */
    } while (receive(loner->sd, &loner->message) > 0 && (loner->message.flags & MSG_EOR));
    usctp_close(loner->sd);
    free(loner);
    return NULL;
}

static void peel_off(int sd, const struct message *m) {
    pthread_t thread;
    sctp_assoc_t id = m->info.rcv_assoc_id;
    struct loner *loner = malloc(sizeof *loner);
    int own = loner ? usctp_peeloff(sd, id) : -1;
    if (own >= 0) {
        loner->sd = own;
        loner->message = *m;
        printf("association %d: slow, peeled off\n", id);
        if (pthread_create(&thread, NULL, serve_alone, loner) == 0) {
            pthread_detach(thread);
            return;
        }
        usctp_close(own);
    } else {
        abort_association(sd, id, "overloaded");
    }
    free(loner);
}

static void serve(int sd, struct message *m) {
    if (m->flags & MSG_NOTIFICATION)
        print_notification(sd, m);
    else if (!(m->flags & MSG_EOR))
        abort_association(sd, m->info.rcv_assoc_id, "message too long");
    else if (send_back(sd, m, MSG_DONTWAIT) < 0 && errno == EAGAIN)
        peel_off(sd, m);
    /* Another error: the association has just ended, and its notification is on the way. */
}

static void set_option(int sd, int name, const void *value, socklen_t length) {
    if (usctp_setsockopt(sd, IPPROTO_SCTP, name, value, length) != 0)
        die("one-to-many-server: setsockopt");
}

static int listen_on(struct usctp_stack *stack, const char *port) {
    static const uint16_t events[] = {SCTP_ASSOC_CHANGE, SCTP_SEND_FAILED_EVENT};
    struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_ANY_INIT};
    int on = 1;
    any.sin6_port = htons((uint16_t)atoi(port));
    int sd = usctp_socket(stack, AF_INET6, SOCK_SEQPACKET, IPPROTO_SCTP);
    if (sd < 0)
        die("one-to-many-server: socket");
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
        struct sctp_event event = {
            .se_assoc_id = SCTP_FUTURE_ASSOC, .se_type = events[i], .se_on = 1};
        set_option(sd, SCTP_EVENT, &event, sizeof event);
    }
    set_option(sd, SCTP_RECVRCVINFO, &on, sizeof on);
    /* A message that never ends must not keep the other associations from being read. */
    set_option(sd, SCTP_FRAGMENT_INTERLEAVE, &on, sizeof on);
    if (usctp_bind(sd, (struct sockaddr *)&any, sizeof any) != 0 || usctp_listen(sd, BACKLOG) != 0)
        die("one-to-many-server: listen"); /* there is no accept: associations are just there */
    return sd;
}

static volatile sig_atomic_t is_over;

static void on_signal(int number) {
    (void)number;
    is_over = 1;
}

int main(int argc, char **argv) {
    int in_udp = argc == 3 && strcmp(argv[1], "--udp") == 0;
    struct sigaction action = {.sa_handler = on_signal}; /* no SA_RESTART: receive() gets EINTR */
    struct usctp_stack_options options;
    static struct message message;
    if (argc != 2 + in_udp)
        return fprintf(stderr, "usage: one-to-many-server [--udp] PORT\n"), EXIT_FAILURE;
    setvbuf(stdout, NULL, _IOLBF, 0);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);

    usctp_stack_options_init(&options);
    if (in_udp)
        options.flags = USCTP_STACK_UDP | USCTP_STACK_THREAD;
    struct usctp_stack *stack = usctp_stack_new(&options);
    if (!stack)
        return fprintf(stderr, "one-to-many-server: %s\n", usctp_stack_error()), EXIT_FAILURE;
    int sd = listen_on(stack, argv[argc - 1]);
    printf("listening\n");
    while (!is_over) {
        if (receive(sd, &message) >= 0)
            serve(sd, &message);
        else if (errno != EINTR)
            die("one-to-many-server: receive");
    }
    usctp_close(sd); /* shuts all of its associations down, those peeled off are not its own */
    return EXIT_SUCCESS;
}
