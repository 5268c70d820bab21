/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Trace records to a pcap file (libpcap's pcap_dump), with IPv4 (RFC 791), IPv6 (RFC 8200) and UDP
 * (RFC 768) headers that a dissector finds nothing wrong with.
 */
#include "common/capture.h"

#include "common/address.h"
#include "common/report.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    IPV4_HEADER_BYTES = 20,
    IPV6_HEADER_BYTES = 40,
    UDP_HEADER_BYTES = 8,
    MAX_FRAME_BYTES = IPV6_HEADER_BYTES + UDP_HEADER_BYTES + USCTP_MAX_PACKET_BYTES,
    TTL = 64,
};

/* The address that the host sends from to a destination. */
struct way {
    struct usctp_addr destination, source;
};

struct capture {
    pcap_t *pcap;
    pcap_dumper_t *dumper;
    const char *path;
    int64_t to_wall_us; /* added to the stack's clock */
    uint16_t udp_port;
    uint16_t ip_id;
    struct way ways[USCTP_MAX_ADDRESSES];
    size_t way_count;
    uint8_t frame[MAX_FRAME_BYTES];
};

static int64_t clock_now_us(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* file: NULL to open path. */
static struct capture *start(const char *path, FILE *file) {
    struct capture *capture = calloc(1, sizeof *capture);
    if (capture == NULL)
        report_die(REPORT_FAILED, "out of memory");
    capture->path = path;
    capture->to_wall_us = clock_now_us(CLOCK_REALTIME) - clock_now_us(CLOCK_BOOTTIME);
    capture->pcap = pcap_open_dead(DLT_RAW, MAX_FRAME_BYTES);
    if (capture->pcap == NULL)
        report_die(REPORT_FAILED, "out of memory");
    capture->dumper =
        file != NULL ? pcap_dump_fopen(capture->pcap, file) : pcap_dump_open(capture->pcap, path);
    if (capture->dumper == NULL)
        report_die(REPORT_FAILED, "cannot write the capture: %s", pcap_geterr(capture->pcap));
    return capture;
}

struct capture *capture_open(const char *path) {
    return start(path, NULL);
}

struct capture *capture_open_file(const char *path, FILE *file) {
    return start(path, file);
}

void capture_set_udp_port(struct capture *capture, uint16_t port) {
    capture->udp_port = port;
}

void capture_set_origin(struct capture *capture, uint64_t origin_us) {
    capture->to_wall_us = -(int64_t)origin_us;
}

static void put16(uint8_t *at, uint32_t value) {
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

/* Adds bytes to an Internet checksum (RFC 1071). */
static uint32_t sum(uint32_t so_far, const uint8_t *bytes, size_t n) {
    uint64_t total = so_far;
    for (; n >= 2; bytes += 2, n -= 2)
        total += (uint32_t)bytes[0] << 8 | bytes[1];
    if (n == 1)
        total += (uint32_t)bytes[0] << 8;
    while (total > 0xffff)
        total = (total & 0xffff) + (total >> 16);
    return (uint32_t)total;
}

/* Asks the kernel which address it would send from: a connected UDP socket knows. */
static void ask_source(const struct usctp_addr *destination, struct usctp_addr *source) {
    struct sockaddr_storage storage;
    socklen_t bytes;
    memset(&storage, 0, sizeof storage);
    memset(source, 0, sizeof *source);
    source->family = destination->family;
    if (destination->family == USCTP_FAMILY_IPV4) {
        struct sockaddr_in *ipv4 = (struct sockaddr_in *)&storage;
        ipv4->sin_family = AF_INET;
        ipv4->sin_port = htons(9);
        memcpy(&ipv4->sin_addr, destination->ipv4, sizeof destination->ipv4);
        bytes = sizeof *ipv4;
    } else {
        struct sockaddr_in6 *ipv6 = (struct sockaddr_in6 *)&storage;
        ipv6->sin6_family = AF_INET6;
        ipv6->sin6_port = htons(9);
        ipv6->sin6_scope_id = destination->scope_id;
        memcpy(&ipv6->sin6_addr, destination->ipv6, sizeof destination->ipv6);
        bytes = sizeof *ipv6;
    }
    int fd = socket(storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    socklen_t got = sizeof storage;
    if (connect(fd, (struct sockaddr *)&storage, bytes) == 0 &&
        getsockname(fd, (struct sockaddr *)&storage, &got) == 0) {
        if (storage.ss_family == AF_INET)
            memcpy(source->ipv4, &((struct sockaddr_in *)&storage)->sin_addr, 4);
        else
            memcpy(source->ipv6, &((struct sockaddr_in6 *)&storage)->sin6_addr, 16);
    }
    close(fd);
}

static bool same(const struct usctp_addr *a, const struct usctp_addr *b) {
    return a->family == b->family &&
           memcmp(a->ipv6, b->ipv6, a->family == USCTP_FAMILY_IPV4 ? 4 : 16) == 0;
}

/* The source address for a packet that leaves the choice to the host. */
static const struct usctp_addr *source_for(struct capture *capture,
                                           const struct usctp_addr *destination) {
    for (size_t i = 0; i < capture->way_count; i++)
        if (same(&capture->ways[i].destination, destination))
            return &capture->ways[i].source;
    struct way *way = &capture->ways[capture->way_count % USCTP_MAX_ADDRESSES];
    if (capture->way_count < USCTP_MAX_ADDRESSES)
        capture->way_count++;
    way->destination = *destination;
    ask_source(destination, &way->source);
    return &way->source;
}

static size_t write_ipv4(struct capture *capture, const struct usctp_packet *packet,
                         const struct usctp_addr *source, const struct usctp_addr *destination,
                         size_t payload_bytes) {
    uint8_t *ip = capture->frame;
    memset(ip, 0, IPV4_HEADER_BYTES);
    ip[0] = 0x45;
    ip[1] = packet->tos;
    put16(ip + 2, (uint32_t)(IPV4_HEADER_BYTES + payload_bytes));
    put16(ip + 4, capture->ip_id++);
    if ((packet->flags & USCTP_PACKET_MAY_FRAGMENT) == 0)
        ip[6] = 0x40; /* DF */
    ip[8] = TTL;
    memcpy(ip + 12, source->ipv4, 4);
    memcpy(ip + 16, destination->ipv4, 4);
    return IPV4_HEADER_BYTES;
}

static size_t write_ipv6(struct capture *capture, const struct usctp_packet *packet,
                         const struct usctp_addr *source, const struct usctp_addr *destination,
                         size_t payload_bytes) {
    uint8_t *ip = capture->frame;
    uint32_t first = 6u << 28 | (uint32_t)packet->tos << 20 | (packet->flow_label & 0xfffff);
    memset(ip, 0, IPV6_HEADER_BYTES);
    put16(ip, first >> 16);
    put16(ip + 2, first);
    put16(ip + 4, (uint32_t)payload_bytes);
    ip[7] = TTL;
    memcpy(ip + 8, source->ipv6, 16);
    memcpy(ip + 24, destination->ipv6, 16);
    return IPV6_HEADER_BYTES;
}

/* Sets the protocol and, for IPv4, the header checksum. */
static void finish_ip(uint8_t *ip, uint8_t protocol) {
    if (ip[0] >> 4 == 6) {
        ip[6] = protocol;
        return;
    }
    ip[9] = protocol;
    put16(ip + 10, ~sum(0, ip, IPV4_HEADER_BYTES));
}

static void write_udp(uint8_t *ip, size_t ip_bytes, uint16_t from, uint16_t to, size_t udp_bytes) {
    uint8_t *udp = ip + ip_bytes;
    bool ipv6 = ip[0] >> 4 == 6;
    put16(udp, from);
    put16(udp + 2, to);
    put16(udp + 4, (uint32_t)udp_bytes);
    put16(udp + 6, 0);
    /* The pseudo-header: addresses, length, protocol. */
    uint32_t total = ipv6 ? sum(0, ip + 8, 32) : sum(0, ip + 12, 8);
    total = sum(total + IPPROTO_UDP + (uint32_t)udp_bytes, udp, udp_bytes);
    uint16_t checksum = (uint16_t)~total;
    put16(udp + 6, checksum == 0 ? 0xffff : checksum);
}

void capture_packet(struct capture *capture, const struct usctp_trace_record *record) {
    const struct usctp_packet *packet = record->packet;
    bool out = record->kind == USCTP_TRACE_PACKET_OUT;
    const struct usctp_addr *source = &packet->source, *destination = &packet->destination;
    const struct usctp_addr *known =
        destination->family != USCTP_FAMILY_NONE ? destination : source;
    bool udp = out ? packet->udp_destination != 0 : packet->udp_source != 0;
    if ((known->family != USCTP_FAMILY_IPV4 && known->family != USCTP_FAMILY_IPV6) ||
        packet->length > USCTP_MAX_PACKET_BYTES)
        return; /* an address that no IP header can hold */
    if (source->family == USCTP_FAMILY_NONE)
        source = source_for(capture, destination);
    if (destination->family == USCTP_FAMILY_NONE)
        destination = source_for(capture, source);

    size_t payload_bytes = packet->length + (udp ? (size_t)UDP_HEADER_BYTES : 0u);
    size_t used = known->family == USCTP_FAMILY_IPV4
                      ? write_ipv4(capture, packet, source, destination, payload_bytes)
                      : write_ipv6(capture, packet, source, destination, payload_bytes);
    size_t udp_at = used;
    used += udp ? (size_t)UDP_HEADER_BYTES : 0u;
    memcpy(capture->frame + used, packet->data, packet->length);
    if (udp) {
        uint16_t from = packet->udp_source != 0 ? packet->udp_source : capture->udp_port;
        uint16_t to = packet->udp_destination != 0 ? packet->udp_destination : capture->udp_port;
        write_udp(capture->frame, udp_at, from, to, payload_bytes);
    }
    finish_ip(capture->frame, udp ? IPPROTO_UDP : IPPROTO_SCTP);

    int64_t wall_us = (int64_t)record->now_us + capture->to_wall_us;
    struct pcap_pkthdr header = {
        .ts = {.tv_sec = wall_us / 1000000, .tv_usec = wall_us % 1000000},
        .caplen = (bpf_u_int32)(used + packet->length),
        .len = (bpf_u_int32)(used + packet->length),
    };
    pcap_dump((u_char *)capture->dumper, &header, capture->frame);
}

void capture_flush(struct capture *capture) {
    (void)pcap_dump_flush(capture->dumper);
}

int capture_close(struct capture *capture) {
    int result = 0;
    if (pcap_dump_flush(capture->dumper) != 0 || ferror(pcap_dump_file(capture->dumper))) {
        report_error("the capture %s is not complete: %s", capture->path, strerror(errno));
        result = -1;
    }
    pcap_dump_close(capture->dumper);
    pcap_close(capture->pcap);
    free(capture);
    return result;
}
