/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A host for strangers: takes every association that is offered, sends back what it receives, and
 * for a message "generate N" sends N messages of 1000 bytes.  It lives until SIGTERM.
 *
 *   hostile-host ADDRESS PORT [UDP-PORT]
 *
 * Exit status 0 means that nothing but SIGTERM ended it.  The packets come from hostile-packets.py.
 */
#include "usctp/usctp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST = 1024, BACKLOG = 512, MESSAGE_BYTES = 1000, MOST_MESSAGES = 500 };

static volatile sig_atomic_t ended;

static void on_signal(int number) {
    (void)number;
    ended = 1;
}

static _Noreturn void die(const char *what) {
    fprintf(stderr, "hostile-host: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int listen_on(struct usctp_stack *stack, const char *address, int port) {
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    bool is_six = inet_pton(AF_INET6, address, &six.sin6_addr) == 1;
    if (!is_six && inet_pton(AF_INET, address, &four.sin_addr) != 1)
        die(address);
    int sd =
        usctp_socket(stack, is_six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK, IPPROTO_SCTP);
    const struct sockaddr *local =
        is_six ? (const struct sockaddr *)&six : (const struct sockaddr *)&four;
    if (sd < 0 || usctp_bind(sd, local, is_six ? sizeof six : sizeof four) != 0 ||
        usctp_listen(sd, BACKLOG) != 0)
        die("cannot listen");
    return sd;
}

static void generate(int sd, unsigned long count) {
    char message[MESSAGE_BYTES] = {0};
    for (unsigned long i = 0; i < count && i < MOST_MESSAGES; i++)
        if (usctp_send(sd, message, sizeof message, MSG_NOSIGNAL) < 0)
            return;
}

/* Returns false when the association has ended. */
static bool serve(int sd) {
    static char buffer[65536 + 1];
    for (int i = 0; i < 64; i++) {
        ssize_t got = usctp_recv(sd, buffer, sizeof buffer - 1, 0);
        if (got < 0)
            return errno == EAGAIN || errno == EINTR;
        if (got == 0)
            return false;
        buffer[got] = 0;
        if (strncmp(buffer, "generate ", 9) == 0)
            generate(sd, strtoul(buffer + 9, NULL, 10));
        else
            (void)!usctp_send(sd, buffer, (size_t)got, MSG_NOSIGNAL);
    }
    return true;
}

int main(int argc, char **argv) {
    static struct pollfd polled[MOST];
    struct usctp_stack_options options;
    nfds_t count = 1;
    if (argc < 3) {
        fprintf(stderr, "usage: hostile-host ADDRESS PORT [UDP-PORT]\n");
        return 2;
    }
    usctp_stack_options_init(&options);
    if (argc > 3) {
        options.flags = USCTP_STACK_UDP | USCTP_STACK_UDP_PORT_REQUIRED | USCTP_STACK_THREAD;
        options.udp_port = (uint16_t)atoi(argv[3]);
    }
    struct usctp_stack *stack = usctp_stack_new(&options);
    if (!stack)
        die(usctp_stack_error());
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGTERM, &action, NULL);
    polled[0] = (struct pollfd){.fd = listen_on(stack, argv[1], atoi(argv[2])), .events = POLLIN};
    fprintf(stderr, "hostile-host: listening\n");
    while (!ended) {
        if (poll(polled, count, 1000) <= 0)
            continue;
        for (nfds_t i = count - 1; i > 0; i--) {
            if (polled[i].revents && !serve(polled[i].fd)) {
                usctp_close(polled[i].fd);
                polled[i] = polled[--count];
            }
        }
        while (count < MOST && polled[0].revents) {
            int sd = usctp_accept4(polled[0].fd, NULL, NULL, SOCK_NONBLOCK);
            if (sd < 0)
                break;
            polled[count++] = (struct pollfd){.fd = sd, .events = POLLIN};
        }
    }
    usctp_stack_delete(stack);
    return 0;
}
