/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Opening and closing packets; equal-sized ones to one path become a run that one system call can
 * send.
 */
#include "assoc/outbound_packet.h"

#include "chunk/control_chunk.h"

bool outbound_packet_open(struct output *out, struct outbound_packet *pk, struct path *p,
                          uint32_t tag, size_t least) {
    struct usctp_batch *batch = out->batch;
    size_t left = batch->memory_bytes - batch->used_bytes;
    size_t limit = path_packet_bytes(p);
    if (batch->count >= batch->max_packets || left < limit || left < least)
        return false;
    if (left > USCTP_MAX_PACKET_BYTES)
        left = USCTP_MAX_PACKET_BYTES;
    *pk = (struct outbound_packet){.w = writer_over(batch->memory + batch->used_bytes, left),
                                   .assoc = p->assoc,
                                   .path = p,
                                   .limit = limit};
    packet_begin(&pk->w, &(struct packet_header){p->assoc->local_port, p->assoc->peer_port, tag});
    return true;
}

void outbound_packet_trace(const struct output *out, const struct usctp_packet *packet,
                           int32_t assoc, uint32_t path) {
    if (!env_is_traced(&out->engine->env))
        return;
    const struct usctp_trace_record record = {.now_us = out->now_us,
                                              .kind = USCTP_TRACE_PACKET_OUT,
                                              .assoc = assoc,
                                              .path = path,
                                              .packet = packet};
    env_trace(&out->engine->env, &record);
}

/* Joins equal-sized packets to one path, the last possibly shorter, into a run. */
static bool join_run(struct output *out, const struct outbound_packet *pk, size_t bytes) {
    struct usctp_batch *batch = out->batch;
    if (batch->count == 0 || out->run_path != pk->path)
        return false;
    struct usctp_packet *last = &batch->packets[batch->count - 1];
    uint32_t segment = last->segment_size ? last->segment_size : last->length;
    if (last->flags != pk->flags || last->length % segment != 0 || bytes > segment ||
        last->length + bytes > batch->max_run_bytes)
        return false;
    last->segment_size = segment;
    last->length += (uint32_t)bytes;
    return true;
}

/* Puts a PAD chunk before DATA, where control chunks have their place (RFC 9260 6.10). Returns the
 * bytes that it added. */
static size_t pad(struct outbound_packet *pk, uint32_t pad_bytes) {
    if (!pk->has_data || pad_bytes == 0 || !writer_take(&pk->w, pad_bytes))
        return 0;
    struct writer inside = writer_over(pk->data_at, pad_bytes);
    memmove(pk->data_at + pad_bytes, pk->data_at, (size_t)(pk->w.at - pk->data_at) - pad_bytes);
    control_chunk_write_pad(&inside, (uint16_t)pad_bytes);
    return pad_bytes;
}

static struct usctp_packet describe(const struct outbound_packet *pk, size_t bytes) {
    const struct path *p = pk->path;
    return (struct usctp_packet){.data = pk->w.start,
                                 .length = (uint32_t)bytes,
                                 .source = p->source,
                                 .destination = p->address,
                                 .udp_destination = p->udp_port,
                                 .tos = (uint8_t)(p->dscp << 2),
                                 .flow_label = p->flow_label,
                                 .flags = pk->flags,
                                 .hop_limit = (uint8_t)p->hop_limit};
}

void outbound_packet_close(struct output *out, struct outbound_packet *pk) {
    struct usctp_batch *batch = out->batch;
    struct path *p = pk->path;
    size_t bytes = writer_used(&pk->w);
    ASSERT(!pk->w.overflow && bytes % 4 == 0);
    if (bytes > pk->limit) {
        pk->flags |= USCTP_PACKET_MAY_FRAGMENT;
        bytes += pad(pk, path_mtu_pad_bytes(p, bytes));
    }
    if (!p->pmtu.is_discovering) /* nobody looks whether the size that the user gave passes */
        pk->flags |= USCTP_PACKET_MAY_FRAGMENT;
    packet_finish(pk->w.start, bytes);
    if (env_is_traced(&out->engine->env)) {
        const struct usctp_packet packet = describe(pk, bytes);
        outbound_packet_trace(out, &packet, pk->assoc->id, p->index);
    }
    if (!join_run(out, pk, bytes))
        batch->packets[batch->count++] = describe(pk, bytes);
    batch->used_bytes += bytes;
    out->run_path = p;
    out->engine->counters.packets_out++;
    out->engine->counters.bytes_out += bytes;
    pk->assoc->counters.packets_out++;
}
