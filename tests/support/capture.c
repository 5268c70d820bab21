/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Keeps packets and prints or writes them; see capture.h. The IP headers of the capture file are
 * made up: only addresses, lengths and the protocol number mean something.
 */
#include "support/capture.h"
#include "support/packet_builder.h"
#include "support/packet_reader.h"

#include <inttypes.h>
#include <pcap/pcap.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define CAPTURE_LIMIT   200000u /* entries: a run-away test must not eat the machine */
#define IPPROTO_SCTP_NR 132u
#define IPV4_HEADER     20u
#define IPV6_HEADER     40u

void capture_init(struct capture *capture) {
    memset(capture, 0, sizeof *capture);
    capture->enabled = true;
}

void capture_free(struct capture *capture) {
    for (size_t i = 0; i < capture->count; i++) {
        free(capture->entries[i].packet.data);
        free(capture->entries[i].note);
    }
    free(capture->entries);
    memset(capture, 0, sizeof *capture);
}

static struct capture_entry *add_entry(struct capture *capture, uint64_t now_us) {
    if (!capture->enabled || capture->count == CAPTURE_LIMIT)
        return NULL;
    if (capture->count == capture->capacity) {
        size_t capacity = capture->capacity ? capture->capacity * 2 : 64;
        struct capture_entry *bigger = realloc(capture->entries, capacity * sizeof *bigger);
        if (!bigger)
            return NULL;
        capture->entries = bigger;
        capture->capacity = capacity;
    }
    struct capture_entry *entry = &capture->entries[capture->count++];
    memset(entry, 0, sizeof *entry);
    entry->now_us = now_us;
    return entry;
}

void capture_packet(struct capture *capture, enum capture_direction direction,
                    const struct usctp_packet *packet, uint64_t now_us) {
    struct capture_entry *entry = add_entry(capture, now_us);
    if (!entry)
        return;
    entry->direction = direction;
    entry->packet = *packet;
    entry->packet.data = malloc(packet->length ? packet->length : 1);
    if (!entry->packet.data)
        abort();
    if (packet->length)
        memcpy(entry->packet.data, packet->data, packet->length);
}

void capture_note(struct capture *capture, uint64_t now_us, const char *format, ...) {
    struct capture_entry *entry = add_entry(capture, now_us);
    if (!entry)
        return;
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    entry->direction = CAPTURE_NOTE;
    entry->note = strdup(text);
}

static void print_addr(const struct usctp_addr *a, char *out, size_t size) {
    if (a->family == USCTP_FAMILY_IPV4)
        snprintf(out, size, "%u.%u.%u.%u", a->ipv4[0], a->ipv4[1], a->ipv4[2], a->ipv4[3]);
    else if (a->family == USCTP_FAMILY_IPV6)
        snprintf(out, size, "%02x%02x::%02x%02x", a->ipv6[0], a->ipv6[1], a->ipv6[14], a->ipv6[15]);
    else
        snprintf(out, size, "-");
}

static void print_packet(const struct capture_entry *entry, FILE *to) {
    static struct read_packet packet;
    char source[40], destination[40], line[512];
    print_addr(&entry->packet.source, source, sizeof source);
    print_addr(&entry->packet.destination, destination, sizeof destination);
    const char *wrong = reader_packet(&packet, entry->packet.data, entry->packet.length, true);
    fprintf(to, "%s %s > %s tag %08" PRIx32, entry->direction == CAPTURE_IN ? "in " : "out", source,
            destination, packet.tag);
    for (size_t i = 0; i < packet.chunk_count; i++) {
        reader_print(&packet.chunk[i], NULL, line, sizeof line);
        fprintf(to, "%s %s", i ? " |" : " :", line);
    }
    if (wrong)
        fprintf(to, "  (%s)", wrong);
    fputc('\n', to);
}

void capture_print(const struct capture *capture, FILE *to, size_t limit) {
    size_t first = capture->count > limit ? capture->count - limit : 0;
    if (first > 0)
        fprintf(to, "  ... %zu earlier\n", first);
    for (size_t i = first; i < capture->count; i++) {
        const struct capture_entry *entry = &capture->entries[i];
        fprintf(to, "  %4" PRIu64 ".%06" PRIu64 " ", entry->now_us / 1000000,
                entry->now_us % 1000000);
        if (entry->direction == CAPTURE_NOTE)
            fprintf(to, "--- %s\n", entry->note);
        else
            print_packet(entry, to);
    }
}

static void put16(uint8_t *at, size_t value) {
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static void checksum_ipv4(uint8_t *header) {
    uint32_t sum = 0;
    for (size_t i = 0; i < IPV4_HEADER; i += 2)
        sum += load16(header + i);
    while (sum >> 16)
        sum = (sum & 0xffffu) + (sum >> 16);
    put16(header + 10, ~sum & 0xffffu);
}

/* Writes an IP header in front of the packet. Returns the bytes of both. */
static size_t make_frame(const struct usctp_packet *packet, uint8_t *frame) {
    size_t header = IPV4_HEADER;
    memset(frame, 0, IPV6_HEADER);
    if (packet->destination.family == USCTP_FAMILY_IPV6) {
        header = IPV6_HEADER;
        frame[0] = 0x60;
        put16(frame + 4, packet->length);
        frame[6] = IPPROTO_SCTP_NR;
        frame[7] = 64;
        memcpy(frame + 8, packet->source.ipv6, 16);
        memcpy(frame + 24, packet->destination.ipv6, 16);
    } else {
        frame[0] = 0x45;
        put16(frame + 2, header + packet->length);
        frame[8] = 64;
        frame[9] = IPPROTO_SCTP_NR;
        memcpy(frame + 12, packet->source.ipv4, 4);
        memcpy(frame + 16, packet->destination.ipv4, 4);
        checksum_ipv4(frame);
    }
    memcpy(frame + header, packet->data, packet->length);
    return header + packet->length;
}

int capture_write_pcap(const struct capture *capture, const char *path) {
    static uint8_t frame[IPV6_HEADER + 65536];
    pcap_t *pcap = pcap_open_dead(DLT_RAW, 65535 + (int)IPV6_HEADER);
    if (!pcap)
        return -1;
    pcap_dumper_t *dumper = pcap_dump_open(pcap, path);
    if (!dumper) {
        pcap_close(pcap);
        return -1;
    }
    for (size_t i = 0; i < capture->count; i++) {
        const struct capture_entry *entry = &capture->entries[i];
        if (entry->direction == CAPTURE_NOTE)
            continue;
        struct pcap_pkthdr header = {0};
        header.ts.tv_sec = (long)(entry->now_us / 1000000);
        header.ts.tv_usec = (long)(entry->now_us % 1000000);
        header.caplen = header.len = (uint32_t)make_frame(&entry->packet, frame);
        pcap_dump((u_char *)dumper, &header, frame);
    }
    pcap_dump_close(dumper);
    pcap_close(pcap);
    return 0;
}
