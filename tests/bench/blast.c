/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The ceiling of the machine at hand: packets of a fixed size as fast as they go, with sendmmsg()
 * and recvmmsg(), over a raw IPv4 socket of protocol 132 or over UDP, and no protocol at all.
 *
 * A goodput figure means something as a share of what this prints in the same run.  The payload
 * stands for a full DATA chunk: what is counted is 1452 bytes of a 1480-byte raw packet, unless -l
 * says else (28 bytes, common header and DATA chunk header, are added on the wire).
 *
 *   blast -s [--udp] [--nap US] [-t SECONDS]   receives until the sender's last packet, prints JSON
 *   blast -c HOST [--udp] [-l BYTES] -t SECONDS
 *
 * --nap: while packets keep coming, sleep that long between drains instead of blocking for each
 * batch.
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
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PROTOCOL = 132, UDP_PORT = 9899, OVERHEAD_BYTES = 28, BATCH = 64, PACKET_MAX = 65536 };
enum { SOCKET_BUFFER_BYTES = 4 << 20, LAST_PACKETS = 64 };

static const char last_mark[12] = "blast: last";

static void print_result(const char *side, double packets, size_t payload_bytes, double elapsed_s) {
    double megabytes = packets * (double)payload_bytes / 1e6;

    elapsed_s = elapsed_s > 0 ? elapsed_s : 1e-9;
    printf("{\"side\": \"%s\", \"payload_bytes\": %zu, \"seconds\": %.3f, \"packets_per_s\": %.0f, "
           "\"goodput_MBps\": %.1f, \"cpu_s\": %.3f, \"cpu_s_per_GB\": %.3f}\n",
           side, payload_bytes, elapsed_s, packets / elapsed_s, megabytes / elapsed_s,
           bench_cpu_s(), packets > 0 ? bench_cpu_s() / (megabytes / 1e3) : 0.0);
}

static int open_socket(bool udp, const char *host) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(udp ? UDP_PORT : 0)};
    int bytes = SOCKET_BUFFER_BYTES;
    int fd = udp ? socket(AF_INET, SOCK_DGRAM, 0) : socket(AF_INET, SOCK_RAW, PROTOCOL);

    if (fd < 0)
        bench_die("socket");
    /* Beyond net.core.[rw]mem_max where that is allowed, else as far as it goes */
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) < 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    if (host != NULL && inet_pton(AF_INET, host, &address.sin_addr) != 1) {
        errno = EINVAL;
        bench_die(host);
    }
    if (host != NULL) {
        if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
            bench_die("connect");
    } else if (udp && bind(fd, (struct sockaddr *)&address, sizeof address) < 0) {
        bench_die("bind");
    }
    return fd;
}

static void run_sender(int fd, size_t payload_bytes, double limit_s) {
    static unsigned char packet[PACKET_MAX];
    struct iovec iov = {.iov_base = packet, .iov_len = payload_bytes + OVERHEAD_BYTES};
    struct mmsghdr batch[BATCH];
    double start_s = bench_now_s(), packets = 0;
    const struct timespec pause = {.tv_nsec = 2000000};

    for (size_t i = 0; i < BATCH; i++)
        batch[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &iov, .msg_iovlen = 1}};
    while (bench_now_s() - start_s < limit_s) {
        int sent = sendmmsg(fd, batch, BATCH, 0);

        if (sent < 0 && errno != ENOBUFS && errno != EAGAIN && errno != EINTR)
            bench_die("send");
        packets += sent > 0 ? sent : 0;
    }
    print_result("sender", packets, payload_bytes, bench_now_s() - start_s);
    memcpy(packet + OVERHEAD_BYTES, last_mark, sizeof last_mark);
    for (int i = 0; i < LAST_PACKETS; i++) { /* spread, so that one gets through */
        nanosleep(&pause, NULL);
        (void)send(fd, packet, iov.iov_len, 0);
    }
}

struct tally {
    double packets;
    size_t payload_bytes;
    double start_s; /* of the first packet, and of the latest */
    double end_s;
};

/* Takes in one batch; how many packets, -1 when the last one was among them. */
static int receive_batch(int fd, struct mmsghdr *batch, bool udp, int flags, struct tally *tally) {
    int got = recvmmsg(fd, batch, BATCH, flags, NULL), counted = 0;

    if (got < 0 && errno != EAGAIN && errno != EINTR)
        bench_die("receive");
    for (int i = 0; i < got; i++) {
        const unsigned char *bytes = batch[i].msg_hdr.msg_iov->iov_base;
        size_t header = udp ? 0 : (size_t)(bytes[0] & 15) * 4;

        if (batch[i].msg_len < header + OVERHEAD_BYTES + sizeof last_mark)
            continue;
        if (memcmp(bytes + header + OVERHEAD_BYTES, last_mark, sizeof last_mark) == 0)
            return -1;
        tally->payload_bytes = batch[i].msg_len - header - OVERHEAD_BYTES;
        counted++;
    }
    if (counted > 0) {
        tally->end_s = bench_now_s();
        tally->start_s = tally->packets > 0 ? tally->start_s : tally->end_s;
        tally->packets += counted;
    }
    return counted;
}

static void run_receiver(int fd, bool udp, long nap_us, double limit_s) {
    static unsigned char buffers[BATCH][PACKET_MAX];
    struct iovec iov[BATCH];
    struct mmsghdr batch[BATCH];
    struct tally tally = {0};
    double deadline_s = bench_now_s() + limit_s;
    int got = 0;
    const struct timespec nap = {.tv_nsec = nap_us * 1000};
    const struct timeval slice = {.tv_usec = 200000};

    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &slice, sizeof slice) < 0)
        bench_die("SO_RCVTIMEO");
    for (size_t i = 0; i < BATCH; i++) {
        iov[i] = (struct iovec){.iov_base = buffers[i], .iov_len = PACKET_MAX};
        batch[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &iov[i], .msg_iovlen = 1}};
    }
    while (got >= 0 && bench_now_s() < deadline_s) {
        bool napping = nap_us != 0 && got > 0;

        if (napping && got < BATCH)
            nanosleep(&nap, NULL);
        got = receive_batch(fd, batch, udp, napping ? MSG_DONTWAIT : MSG_WAITFORONE, &tally);
    }
    print_result("receiver", tally.packets, tally.payload_bytes, tally.end_s - tally.start_s);
    if (got >= 0) {
        fprintf(stderr, "blast: the last packet has not come\n");
        exit(EXIT_FAILURE);
    }
}

int main(int argc, char **argv) {
    static const struct option long_options[] = {
        {"udp", no_argument, NULL, 'u'}, {"nap", required_argument, NULL, 'n'}, {NULL, 0, NULL, 0}};
    const char *host = NULL;
    bool udp = false, serve = false;
    long payload_bytes = 1452, nap_us = 0, limit_s = 0;
    int option;

    while ((option = getopt_long(argc, argv, "sc:l:t:", long_options, NULL)) != -1) {
        switch (option) {
        case 's':
            serve = true;
            break;
        case 'c':
            host = optarg;
            break;
        case 'l':
            payload_bytes = atol(optarg);
            break;
        case 't':
            limit_s = atol(optarg);
            break;
        case 'u':
            udp = true;
            break;
        case 'n':
            nap_us = atol(optarg);
            break;
        default:
            serve = false;
            host = NULL;
            optind = argc + 1;
        }
    }
    if (optind != argc || serve == (host != NULL) || nap_us < 0 || nap_us > 900000 ||
        payload_bytes < (long)sizeof last_mark || payload_bytes > 1452 * 40 || limit_s < 0) {
        fprintf(stderr, "usage: blast -s [--udp] [--nap US] [-t SECONDS]\n"
                        "       blast -c HOST [--udp] [-l BYTES] [-t SECONDS]\n");
        return 2;
    }
    if (serve)
        run_receiver(open_socket(udp, NULL), udp, nap_us, limit_s != 0 ? (double)limit_s : 60);
    else
        run_sender(open_socket(udp, host), (size_t)payload_bytes,
                   limit_s != 0 ? (double)limit_s : 5);
    return EXIT_SUCCESS;
}
