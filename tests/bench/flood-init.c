/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A flood of INITs from sources that do not exist, as fast as told: each of another address and
 * port, with another tag, and the right CRC32c (RFC 9260 3.3.2, 6.8, appendix A). Nothing of the
 * library is used; CAP_NET_RAW is needed.
 *
 *   flood-init -c HOST -p PORT [-r PACKETS-A-SECOND] [-n PACKETS] [-t SECONDS]
 *
 * Prints, as JSON, what was sent and how long it took. Sources are 10.128.0.0 and up: let the
 * route to them end where the answers do no harm.
 */
#define _GNU_SOURCE /* sendmmsg */
#include "bench-common.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { PROTOCOL = 132, BATCH = 64, IP_BYTES = 20, SCTP_BYTES = 12 + 20 };

struct flood {
    struct sockaddr_in to;
    double per_second, seconds;
    uint64_t packets;
};

static uint32_t crc_table[256];

static void make_crc_table(void) {
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
        crc_table[i] = crc;
    }
}

static uint32_t crc32c(const uint8_t *bytes, size_t count) {
    uint32_t crc = 0xffffffffu;
    for (size_t i = 0; i < count; i++)
        crc = crc >> 8 ^ crc_table[(crc ^ bytes[i]) & 255];
    return ~crc;
}

static void put(uint8_t *at, uint32_t value, int bytes) {
    for (int i = bytes; i-- > 0; value >>= 8)
        at[i] = (uint8_t)value;
}

/* The n-th INIT, behind an IPv4 header whose length, identification and checksum the kernel fills
 * in. */
static void write_packet(uint8_t *packet, const struct flood *flood, uint64_t n) {
    uint8_t *sctp = packet + IP_BYTES, *init = sctp + 12;
    memset(packet, 0, IP_BYTES + SCTP_BYTES);
    packet[0] = 0x45;
    packet[8] = 64;
    packet[9] = PROTOCOL;
    put(packet + 12, 0x0a800000u + (uint32_t)(n & 0x7fffff), 4);
    memcpy(packet + 16, &flood->to.sin_addr, 4);
    put(sctp, 1024 + (uint32_t)(n * 7 % 60000), 2);
    put(sctp + 2, ntohs(flood->to.sin_port), 2);
    put(init, 1, 1); /* INIT */
    put(init + 2, 20, 2);
    put(init + 4, 1 + (uint32_t)n, 4); /* Initiate Tag */
    put(init + 8, 131072, 4);
    put(init + 12, 10, 2);
    put(init + 14, 10, 2);
    put(init + 16, (uint32_t)n * 2654435761u, 4);
    uint32_t crc = crc32c(sctp, SCTP_BYTES);
    for (int i = 0; i < 4; i++)
        sctp[8 + i] = (uint8_t)(crc >> 8 * i); /* least significant byte first */
}

/* How many packets are due: a batch at most, 0 after a nap. */
static unsigned due(const struct flood *flood, uint64_t sent, double elapsed_s) {
    const struct timespec nap = {.tv_nsec = 500000};
    double behind = flood->per_second > 0 ? elapsed_s * flood->per_second - (double)sent : BATCH;
    if (flood->packets > 0 && (double)(flood->packets - sent) < behind)
        return (unsigned)(flood->packets - sent) < BATCH ? (unsigned)(flood->packets - sent)
                                                         : BATCH;
    if (behind >= BATCH)
        return BATCH;
    nanosleep(&nap, NULL);
    return 0;
}

static void run(int fd, const struct flood *flood) {
    static uint8_t packets[BATCH][IP_BYTES + SCTP_BYTES];
    static struct iovec iov[BATCH];
    static struct mmsghdr batch[BATCH];
    struct sockaddr_in to = flood->to;
    uint64_t sent = 0;
    double start_s = bench_now_s(), elapsed_s;
    for (int i = 0; i < BATCH; i++) {
        iov[i] = (struct iovec){.iov_base = packets[i], .iov_len = sizeof packets[i]};
        batch[i].msg_hdr = (struct msghdr){
            .msg_iov = &iov[i], .msg_iovlen = 1, .msg_name = &to, .msg_namelen = sizeof to};
    }
    while (elapsed_s = bench_now_s() - start_s,
           (flood->seconds <= 0 || elapsed_s < flood->seconds) &&
               (flood->packets == 0 || sent < flood->packets)) {
        unsigned count = due(flood, sent, elapsed_s);
        for (unsigned i = 0; i < count; i++)
            write_packet(packets[i], flood, sent + i);
        int done = count > 0 ? sendmmsg(fd, batch, count, 0) : 0;
        if (done < 0 && errno != ENOBUFS && errno != EAGAIN && errno != EINTR)
            bench_die("send");
        sent += done > 0 ? (uint64_t)done : 0;
    }
    printf("{\"packets\": %llu, \"seconds\": %.3f, \"packets_per_s\": %.0f}\n",
           (unsigned long long)sent, elapsed_s, (double)sent / elapsed_s);
}

int main(int argc, char **argv) {
    struct flood flood = {.to = {.sin_family = AF_INET}};
    bool has_host = false;
    int option, bytes = 4 << 20, on = 1;
    while ((option = getopt(argc, argv, "c:p:r:n:t:")) != -1) {
        if (option == 'c')
            has_host = inet_pton(AF_INET, optarg, &flood.to.sin_addr) == 1;
        else if (option == 'p')
            flood.to.sin_port = htons((uint16_t)atoi(optarg));
        else if (option == 'r')
            flood.per_second = atof(optarg);
        else if (option == 'n')
            flood.packets = strtoull(optarg, NULL, 10);
        else if (option == 't')
            flood.seconds = atof(optarg);
    }
    if (!has_host || flood.to.sin_port == 0 || optind != argc ||
        (flood.packets == 0 && flood.seconds <= 0)) {
        fprintf(stderr, "usage: flood-init -c ADDRESS -p PORT [-r PACKETS-A-SECOND] [-n PACKETS] "
                        "[-t SECONDS]\n");
        return 2;
    }
    make_crc_table();
    int fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
    if (fd < 0)
        bench_die("socket");
    if (setsockopt(fd, IPPROTO_IP, IP_HDRINCL, &on, sizeof on) != 0)
        bench_die("IP_HDRINCL");
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    run(fd, &flood);
    return EXIT_SUCCESS;
}
