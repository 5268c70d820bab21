/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Questions about an association and its paths (RFC 9260 11.1.9, RFC 6458 8.2).
 */
#include "assoc/association.h"

static struct path *path_of(const struct usctp_engine *engine, int32_t assoc, uint32_t index) {
    const struct assoc *a = association_by_id(engine, assoc);
    return a && index < a->path_count ? a->paths[index] : NULL;
}

/* Of DATA chunks with header and padding, as each path's. */
static uint64_t in_flight_bytes(const struct assoc *a) {
    uint64_t sum = 0;
    for (uint32_t i = 0; i < a->path_count; i++)
        sum += outstanding_flight(&a->outstanding, i)->in_flight_bytes;
    return sum;
}

static void give_counters(const struct assoc *a, struct usctp_assoc_counters *out) {
#define GIVE(name, mib, kind, text) out->name = a->counters.name;
    USCTP_ASSOC_COUNTER_TABLE(GIVE)
#undef GIVE
}

int usctp_assoc_status(const struct usctp_engine *engine, int32_t assoc,
                       struct usctp_assoc_status *status) {
    const struct assoc *a = association_by_id(engine, assoc);
    if (!a)
        return USCTP_ERR_NOT_FOUND;
    *status = (struct usctp_assoc_status){
        .state = a->state,
        .endpoint = a->endpoint->id,
        .local_port = a->local_port,
        .peer_port = a->peer_port,
        .outbound_streams = a->outbound_streams,
        .inbound_streams = a->inbound_streams,
        .peer_rwnd_bytes =
            outstanding_in_flight_bytes(&a->outstanding) >= a->peer_rwnd
                ? 0
                : a->peer_rwnd - (uint32_t)outstanding_in_flight_bytes(&a->outstanding),
        .local_rwnd_bytes = association_rwnd(a),
        .unacknowledged_chunks = (uint32_t)outstanding_count(&a->outstanding),
        .pending_chunks = a->inbox.message_count,
        .unsent_bytes = a->send_queue.unsent_bytes,
        .in_flight_bytes = in_flight_bytes(a),
        .send_buffer_used_bytes = a->send_queue.charged_bytes,
        .unread_bytes = a->inbox.payload_bytes,
        .fragmentation_point_bytes = a->path_count > 0 ? (a->amdcs - 16) & ~3u : 0,
        .path_count = a->path_count,
        .primary_path = a->primary,
        .data_path = a->data_path,
        .local_tag = a->local_tag,
        .peer_tag = a->peer_tag,
        .has_ended = a->has_ended,
        .error = a->error,
        .data_us = a->data_us};
    give_counters(a, &status->counters);
    return 0;
}

int usctp_assoc_local_addresses(const struct usctp_engine *engine, int32_t assoc,
                                struct usctp_addr *out, size_t max) {
    const struct assoc *a = association_by_id(engine, assoc);
    if (!a)
        return USCTP_ERR_NOT_FOUND;
    for (uint32_t i = 0; i < a->local_count && i < max; i++)
        out[i] = a->local[i];
    return (int)a->local_count;
}

int usctp_path_status(const struct usctp_engine *engine, int32_t assoc, uint32_t path,
                      struct usctp_path_status *status) {
    const struct path *p = path_of(engine, assoc, path);
    if (!p)
        return USCTP_ERR_NOT_FOUND;
    *status = (struct usctp_path_status){
        .address = p->address,
        .source = p->source,
        .state = p->state,
        .wants_route = p->wants_route,
        .udp_port = p->udp_port,
        .cwnd_bytes = (uint32_t)p->congestion.cwnd_bytes,
        .ssthresh_bytes = (uint32_t)p->congestion.ssthresh_bytes,
        .in_flight_bytes =
            (uint32_t)outstanding_flight(&p->assoc->outstanding, path)->in_flight_bytes,
        .pmtu_bytes = p->mtu_bytes,
        .pmtu_state = p->pmtu.search.state,
        .pmtu_max_bytes = p->pmtu.search.max_bytes,
        .pmtu_probes_out = p->pmtu.probes_out,
        .pmtu_probe_acks_in = p->pmtu.probe_acks_in,
        .pmtu_black_holes = p->pmtu.black_holes,
        .srtt_us = p->rto.srtt_us,
        .rttvar_us = p->rto.rttvar_us,
        .rto_us = p->rto.rto_us,
        .error_count = p->error_count,
        .data_chunks_out = p->data_chunks_out,
        .retransmitted_chunks = p->retransmitted_chunks,
        .bytes_out = p->bytes_out,
        .packets_in = p->packets_in,
        .heartbeats_out = p->heartbeats_out,
        .heartbeat_acks_in = p->heartbeat_acks_in,
        /* RFC 3873's TruthValue */
        .is_active = p->state == USCTP_PATH_STATE_ACTIVE || p->state == USCTP_PATH_STATE_PF ? 1 : 2,
        .has_heartbeats = p->hb_enabled && p->hb_interval_us > 0 ? 1 : 2,
        .rto_ms = p->rto.rto_us / USCTP_MS,
        .max_retransmissions = p->path_max_retrans,
        .start_time = engine_timestamp(engine, p->made_us)};
    return 0;
}

int usctp_path_find(const struct usctp_engine *engine, int32_t assoc,
                    const struct usctp_addr *address) {
    const struct assoc *a = association_by_id(engine, assoc);
    const struct path *p = a && address ? path_find(a, address) : NULL;
    return p ? p->index : USCTP_ERR_NOT_FOUND;
}

int32_t usctp_assoc_find(const struct usctp_engine *engine, int32_t endpoint,
                         const struct usctp_addr *address, uint16_t port) {
    const struct endpoint *ep = endpoint_by_id(engine, endpoint);
    const struct path *path =
        ep && address ? association_path_by_address(engine, address, ep->port, port) : NULL;
    return path ? path->assoc->id : USCTP_ERR_NOT_FOUND;
}
