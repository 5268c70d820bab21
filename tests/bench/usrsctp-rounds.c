/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Round trips, and set-ups a second, of usrsctp (libusrsctp) by the calls that block, for
 * comparison with usctp-perf --ping and --connect:
 *
 *   usrsctp-rounds -s [--udp] [--bind A]                                serves until it is killed
 *   usrsctp-rounds -c HOST [--udp] [-t SECONDS] [-l BYTES] [--connect]  prints JSON
 *
 * A set-up ends with a graceful shutdown that has been seen to its end.  No Nagle; everything else
 * is usrsctp's default.
 */
#include "bench-common.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <usrsctp.h>

enum { PORT = 5201, UDP_PORT = 9899, MESSAGE_MAX = 65536, SAMPLES_MAX = 4000000, LIFE_S = 600 };

static struct {
    const char *host, *bind;
    bool serves, udp, connects;
    double limit_s;
    size_t message_bytes;
} settings = {.limit_s = 2, .message_bytes = 1};

static unsigned char message[MESSAGE_MAX];

static struct socket *open_socket(void) {
    struct sctp_udpencaps encapsulation = {.sue_port = htons(UDP_PORT)};
    struct socket *socket = usrsctp_socket(AF_INET, SOCK_STREAM, IPPROTO_SCTP, NULL, NULL, 0, NULL);
    int on = 1;

    encapsulation.sue_address.ss_family = AF_INET;
    if (socket == NULL ||
        usrsctp_setsockopt(socket, IPPROTO_SCTP, SCTP_NODELAY, &on, sizeof on) < 0)
        bench_die_at_once("socket");
    if (settings.udp && usrsctp_setsockopt(socket, IPPROTO_SCTP, SCTP_REMOTE_UDP_ENCAPS_PORT,
                                           &encapsulation, sizeof encapsulation) < 0)
        bench_die_at_once("encapsulation port");
    return socket;
}

static struct sockaddr_in address_of(const char *host) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(PORT)};

    if (host != NULL && inet_pton(AF_INET, host, &address.sin_addr) != 1) {
        errno = EINVAL;
        bench_die_at_once(host);
    }
    return address;
}

static ssize_t receive(struct socket *socket, void *buffer) {
    struct sockaddr_in from;
    struct sctp_rcvinfo info;
    socklen_t from_length = sizeof from, info_length = sizeof info;
    unsigned type = 0;
    int flags = 0;

    return usrsctp_recvv(socket, buffer, MESSAGE_MAX, (struct sockaddr *)&from, &from_length, &info,
                         &info_length, &type, &flags);
}

static bool send_message(struct socket *socket, const void *data, size_t bytes) {
    return usrsctp_sendv(socket, data, bytes, NULL, 0, NULL, 0, SCTP_SENDV_NOINFO, 0) >= 0;
}

static void serve(void) {
    struct sockaddr_in address = address_of(settings.bind);
    struct socket *listener = open_socket();

    if (usrsctp_bind(listener, (struct sockaddr *)&address, sizeof address) < 0 ||
        usrsctp_listen(listener, 64) < 0)
        bench_die_at_once("listen");
    for (;;) {
        struct socket *socket = usrsctp_accept(listener, NULL, NULL);
        ssize_t got;

        if (socket == NULL)
            bench_die_at_once("accept");
        while ((got = receive(socket, message)) > 0)
            if (!send_message(socket, message, (size_t)got))
                break;
        usrsctp_close(socket);
    }
}

static struct socket *open_association(void) {
    struct sockaddr_in address = address_of(settings.host);
    struct socket *socket = open_socket();

    if (usrsctp_connect(socket, (struct sockaddr *)&address, sizeof address) < 0)
        bench_die_at_once("connect");
    return socket;
}

static void end_association(struct socket *socket) {
    static unsigned char rest[MESSAGE_MAX];

    if (usrsctp_shutdown(socket, SHUT_WR) < 0)
        bench_die_at_once("shutdown");
    while (receive(socket, rest) > 0)
        ;
    usrsctp_close(socket);
}

static void ping(void) {
    static float samples[SAMPLES_MAX];
    static unsigned char answer[MESSAGE_MAX];
    struct socket *socket = open_association();
    double start_s = bench_now_s(), sent_s = start_s;
    size_t count = 0;

    while (sent_s - start_s < settings.limit_s && count < SAMPLES_MAX) {
        double now_s;

        if (!send_message(socket, message, settings.message_bytes) || receive(socket, answer) <= 0)
            bench_die_at_once("the association is lost");
        now_s = bench_now_s();
        samples[count++] = (float)((now_s - sent_s) * 1e6);
        sent_s = now_s;
    }
    end_association(socket);
    printf("{\"program\": \"usrsctp-rounds\", \"messages_per_s\": %.0f, ",
           (double)count / (sent_s - start_s));
    bench_print_percentiles(samples, count);
}

static void connect_all(void) {
    double start_s = bench_now_s();
    double count = 0;

    for (; bench_now_s() - start_s < settings.limit_s; count++)
        end_association(open_association());
    printf("{\"program\": \"usrsctp-rounds\", \"associations_per_s\": %.0f}\n",
           count / (bench_now_s() - start_s));
}

static bool parse_option(int option, const char *text) {
    switch (option) {
    case 's':
        settings.serves = true;
        return true;
    case 'c':
        settings.host = text;
        return true;
    case 't':
        settings.limit_s = atof(text);
        return settings.limit_s > 0;
    case 'l':
        settings.message_bytes = (size_t)atol(text);
        return settings.message_bytes > 0 && settings.message_bytes <= MESSAGE_MAX;
    case 'u':
        settings.udp = true;
        return true;
    case 'b':
        settings.bind = text;
        return true;
    case 'n':
        settings.connects = true;
        return true;
    default:
        return false;
    }
}

int main(int argc, char **argv) {
    static const struct option long_options[] = {{"udp", no_argument, NULL, 'u'},
                                                 {"bind", required_argument, NULL, 'b'},
                                                 {"connect", no_argument, NULL, 'n'},
                                                 {NULL, 0, NULL, 0}};
    bool fine = true;
    int option;

    while ((option = getopt_long(argc, argv, "sc:t:l:", long_options, NULL)) != -1)
        fine = parse_option(option, optarg) && fine;
    if (!fine || optind != argc || settings.serves == (settings.host != NULL)) {
        fprintf(stderr, "usage: usrsctp-rounds -s | -c HOST [--udp] [--bind ADDRESS]\n"
                        "       [-t SECONDS] [-l BYTES] [--connect]\n");
        return 2;
    }
    alarm(LIFE_S);
    usrsctp_init(settings.udp ? UDP_PORT : 0, NULL, NULL);
    if (settings.serves)
        serve();
    else if (settings.connects)
        connect_all();
    else
        ping();
    fflush(NULL);
    _exit(EXIT_SUCCESS); /* not exit(): usrsctp's threads still run */
}
