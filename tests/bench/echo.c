/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The least that a round trip costs on the machine at hand: one small packet there and back, by a
 * blocking receive and a send on a raw IPv4 socket of protocol 132 or on UDP, and no protocol at
 * all.  A latency figure means something as a share of what this prints in the same run.
 *
 *   echo -s [--udp] [-t SECONDS]             sends back what comes, for so long
 *   echo -c HOST [--udp] [-t SECONDS]        prints JSON
 *
 * A packet is as long as SCTP's with one byte of data.
 */
#include "bench-common.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PROTOCOL = 132, UDP_PORT = 9899, PACKET_BYTES = 32, SAMPLES_MAX = 4000000 };

static int open_socket(bool udp, const char *host) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(udp ? UDP_PORT : 0)};
    const struct timeval slice = {.tv_usec = 200000};
    int fd = udp ? socket(AF_INET, SOCK_DGRAM, 0) : socket(AF_INET, SOCK_RAW, PROTOCOL);

    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &slice, sizeof slice) < 0)
        bench_die("socket");
    if (host != NULL && inet_pton(AF_INET, host, &address.sin_addr) != 1) {
        errno = EINVAL;
        bench_die(host);
    }
    if (host != NULL && connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
        bench_die("connect");
    if (host == NULL && udp && bind(fd, (struct sockaddr *)&address, sizeof address) < 0)
        bench_die("bind");
    return fd;
}

static void serve(int fd, bool udp, double limit_s) {
    double end_s = bench_now_s() + limit_s;

    while (bench_now_s() < end_s) {
        unsigned char packet[256];
        struct sockaddr_in from;
        socklen_t length = sizeof from;
        ssize_t got = recvfrom(fd, packet, sizeof packet, 0, (struct sockaddr *)&from, &length);
        size_t header = udp ? 0 : (size_t)(packet[0] & 15) * 4;

        if (got <= (ssize_t)header)
            continue;
        (void)sendto(fd, packet + header, (size_t)got - header, 0, (struct sockaddr *)&from,
                     length);
    }
}

static void measure(int fd, double limit_s) {
    static float samples[SAMPLES_MAX];
    unsigned char packet[PACKET_BYTES] = {0}, answer[256];
    size_t count = 0;
    double start_s = bench_now_s(), sent_s = start_s;

    while (sent_s - start_s < limit_s && count < SAMPLES_MAX) {
        if (send(fd, packet, sizeof packet, 0) < 0)
            bench_die("send");
        if (recv(fd, answer, sizeof answer, 0) > 0) {
            double now_s = bench_now_s();

            samples[count++] = (float)((now_s - sent_s) * 1e6);
            sent_s = now_s;
        } else {
            sent_s = bench_now_s(); /* lost, or the server is not there yet */
        }
    }
    if (count == 0)
        bench_die("nothing comes back");
    printf("{\"program\": \"echo\", \"messages_per_s\": %.0f, ",
           (double)count / (sent_s - start_s));
    bench_print_percentiles(samples, count);
}

int main(int argc, char **argv) {
    static const struct option long_options[] = {{"udp", no_argument, NULL, 'u'},
                                                 {NULL, 0, NULL, 0}};
    const char *host = NULL;
    bool udp = false, serving = false;
    double limit_s = 2;
    int option;

    while ((option = getopt_long(argc, argv, "sc:t:", long_options, NULL)) != -1) {
        serving = serving || option == 's';
        udp = udp || option == 'u';
        if (option == 'c')
            host = optarg;
        else if (option == 't')
            limit_s = atof(optarg);
        else if (option != 's' && option != 'u')
            limit_s = 0;
    }
    if (optind != argc || serving == (host != NULL) || limit_s <= 0) {
        fprintf(stderr, "usage: echo -s | -c HOST [--udp] [-t SECONDS]\n");
        return 2;
    }
    if (serving)
        serve(open_socket(udp, NULL), udp, limit_s);
    else
        measure(open_socket(udp, host), limit_s);
    return EXIT_SUCCESS;
}
