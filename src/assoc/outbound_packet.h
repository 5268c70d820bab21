/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A packet of an association under construction, in the caller's batch (usctp_engine_output):
 * opened for one path, filled by output.c and output_data.c, closed.
 */
#ifndef ASSOC_OUTBOUND_PACKET_H
#define ASSOC_OUTBOUND_PACKET_H

#include "assoc/association.h"

struct output {
    struct usctp_engine *engine;
    struct usctp_batch *batch;
    uint64_t now_us;
    const struct path *run_path; /* of the last entry */
};

struct outbound_packet {
    struct writer w; /* over all of the batch's memory that is left, up to what IP can carry */
    struct assoc *assoc;
    struct path *path;
    size_t limit; /* bytes that the path takes whole */
    uint8_t flags;
    bool has_data;
    uint64_t tsn;     /* with has_data: of the last chunk */
    uint8_t *data_at; /* with has_data: the first DATA chunk */
};

/* Bytes that still fit the path's PMTU. */
static inline size_t outbound_packet_room(const struct outbound_packet *pk) {
    size_t used = writer_used(&pk->w);
    return used < pk->limit ? pk->limit - used : 0;
}

static inline bool outbound_packet_is_empty(const struct outbound_packet *pk) {
    return writer_used(&pk->w) == PACKET_HEADER_BYTES;
}

/* Returns false when the batch has no room for a packet of `least` bytes. */
bool outbound_packet_open(struct output *out, struct outbound_packet *pk, struct path *p,
                          uint32_t tag, size_t least);
/* Puts the checksum in and hands it to the batch. */
void outbound_packet_close(struct output *out, struct outbound_packet *pk);
/* Tells the trace of a packet that leaves. */
void outbound_packet_trace(const struct output *out, const struct usctp_packet *packet,
                           int32_t assoc, uint32_t path);

/* output_data.c: the path that a packet of DATA may leave on now, or NULL. */
struct path *output_data_next_path(const struct output *out, struct assoc *a);
/* Whether new DATA waits for the next SACK, so that runs are long. */
bool output_data_waits(const struct output *out, struct assoc *a);
/* What a packet carries after its control chunks: its path is the one for DATA, and there is
 * credit. Returns false when memory is short. */
bool output_data_append(struct output *out, struct outbound_packet *pk);

#endif
