/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A capture file of what a stack sends and receives, written from its trace records.
 *
 * Packets appear as they were on the wire, with IP (and UDP, RFC 6951) headers made anew: the
 * kernel makes or strips the real ones.  Link type raw IP.
 */
#ifndef COMMON_CAPTURE_H
#define COMMON_CAPTURE_H

#include "usctp/engine.h"

#include <stdio.h>

struct capture;

/* Creates the file; ends the program with one line where it cannot. */
struct capture *capture_open(const char *path);
/* The same with a file that is open, which messages call path. */
struct capture *capture_open_file(const char *path, FILE *file);
/* The local encapsulation port, for packets that leave the choice to the transport. */
void capture_set_udp_port(struct capture *capture, uint16_t port);
/* Makes the file's times those since origin_us of the stack's clock, which is then no host's. */
void capture_set_origin(struct capture *capture, uint64_t origin_us);
/* Writes a packet's record; the stack's lock keeps the calls apart. */
void capture_packet(struct capture *capture, const struct usctp_trace_record *record);
/* Writes out what capture_packet has kept; what cannot be written capture_close tells. */
void capture_flush(struct capture *capture);
/* Writes out and closes.  Returns 0, or -1 when the file is not complete. */
int capture_close(struct capture *capture);

#endif
