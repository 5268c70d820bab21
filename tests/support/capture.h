/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What an engine saw and said: every packet in and out with its virtual time, kept in memory, and
 * written as a capture file (DLT_RAW, with an IP header made up for each packet) or as a ladder of
 * text when a test fails.
 *
 * The text comes from packet_reader.c, which is not the code under test.
 */
#ifndef SUPPORT_CAPTURE_H
#define SUPPORT_CAPTURE_H

#include "usctp/engine.h"

#include <stdio.h>

enum capture_direction { CAPTURE_IN, CAPTURE_OUT, CAPTURE_NOTE };

struct capture_entry {
    uint64_t now_us;
    enum capture_direction direction;
    struct usctp_packet packet; /* data: in the entry's own memory */
    char *note;                 /* CAPTURE_NOTE */
};

struct capture {
    struct capture_entry *entries;
    size_t count, capacity;
    bool enabled;
};

void capture_init(struct capture *capture);
void capture_free(struct capture *capture);
void capture_packet(struct capture *capture, enum capture_direction direction,
                    const struct usctp_packet *packet, uint64_t now_us);
void capture_note(struct capture *capture, uint64_t now_us, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Prints the newest `limit` entries as text. */
void capture_print(const struct capture *capture, FILE *to, size_t limit);
/* Writes the packets to `path`. Returns 0, or -1 when the file cannot be written. */
int capture_write_pcap(const struct capture *capture, const char *path);

#endif
