/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * DATA into packets (RFC 9260 6.1, 6.9, 7.2): what is marked for retransmission first, then new
 * messages, cut into fragments here, at the last moment, as far as cwnd, the peer's window and
 * Nagle's rule allow. How many packets of DATA a burst may have is the association's credit.
 */
#include "assoc/outbound_packet.h"
#include "chunk/data_chunk.h"

#define SHORT_WAY_US 1000u /* longer round trips are paced by their SACKs */
#define MIN_FRAGMENT_BYTES                                                                         \
    256u /* payload: a large message is not cut into what is left of a packet for less */

static bool cwnd_allows(const struct path *p) {
    return outstanding_flight(&p->assoc->outstanding, p->index)->in_flight_bytes <
           p->congestion.cwnd_bytes; /* 6.1 B */
}

/* May a packet of DATA be begun? 7.2.1: after a timeout, with a window of one PMDCS, one packet is
   in flight until it is acknowledged, however short it is. */
static bool may_begin(const struct path *p) {
    const struct outstanding *o = &p->assoc->outstanding;
    return cwnd_allows(p) && (p->congestion.cwnd_bytes > p->pmdcs ||
                              outstanding_flight(o, p->index)->in_flight_count == 0);
}

/* 6.1: T3-rtx starts with what is sent, and starts anew when the earliest outstanding chunk is sent
 * again. */
static void on_data_sent(const struct output *out, struct path *p, uint64_t tsn, bool again) {
    struct timers *timers = &out->engine->timers;
    if (!timer_is_running(&p->t3) ||
        (again && outstanding_earliest_on_path(&p->assoc->outstanding, p->index) == tsn))
        timer_start(&p->t3, timers, out->now_us + p->rto.rto_us);
    p->last_data_us = p->last_used_us = out->now_us;
    p->transmit_number++;
}

static void write_record(struct outbound_packet *pk, uint64_t tsn, const struct record *r) {
    const struct outbound_message *m = r->message;
    const struct data_chunk data = {.tsn = serial_wire(tsn),
                                    .sid = m->sid,
                                    .ssn = r->ssn,
                                    .ppid = m->ppid,
                                    .flags = r->flags,
                                    .payload_bytes = r->payload_bytes};
    if (!pk->has_data)
        pk->data_at = pk->w.at;
    uint8_t *payload = data_chunk_write(&pk->w, &data);
    ASSERT(payload);
    memcpy(payload, m->payload + r->offset, r->payload_bytes);
    pk->has_data = true;
    pk->tsn = tsn;
    pk->assoc->counters.data_chunks_out++;
    idle_note_data(pk->assoc);
    pk->path->data_chunks_out++;
}

/* 6.3.3 E3, 7.2.4, 6.1 C. */
static void append_retransmissions(struct output *out, struct outbound_packet *pk) {
    struct assoc *a = pk->assoc;
    struct path *p = pk->path;
    for (uint64_t tsn = outstanding_next_marked(&a->outstanding, 0); tsn != USCTP_NEVER;
         tsn = outstanding_next_marked(&a->outstanding, tsn + 1)) {
        struct record *r = outstanding_at(&a->outstanding, tsn);
        if (path_manager_retransmit_path(a, r->path) != p ||
            (!a->retransmit_now && !cwnd_allows(p)))
            break;
        size_t size = record_chunk_bytes(r);
        if (size > outbound_packet_room(pk) &&
            (!outbound_packet_is_empty(pk) || size > writer_room(&pk->w)))
            break;
        if (r->path < a->path_count)
            path_mtu_on_resent(a->paths[r->path], tsn);
        outstanding_on_retransmit(&a->outstanding, tsn, p->index, p->generation, out->now_us);
        write_record(pk, tsn, r);
        a->counters.retransmitted_chunks++;
        p->retransmitted_chunks++;
        on_data_sent(out, p, tsn, true);
    }
    if (pk->has_data)
        a->retransmit_now = false;
}

static uint32_t largest_fragment(const struct assoc *a) {
    uint32_t most = (a->amdcs - DATA_HEADER_BYTES) & ~3u;
    if (a->config->fragment_max_bytes && a->config->fragment_max_bytes < most)
        most = a->config->fragment_max_bytes;
    return most;
}

static uint32_t window_left(const struct assoc *a) {
    return outstanding_in_flight_bytes(&a->outstanding) >= a->peer_rwnd
               ? 0
               : a->peer_rwnd - (uint32_t)outstanding_in_flight_bytes(&a->outstanding);
}

/* The zero window probe waits for an RTO, longer each time (6.1 A). */
static void wait_to_probe(const struct output *out, struct path *p) {
    if (timer_is_running(&p->t3))
        return;
    p->assoc->counters.zero_window_probes++;
    timer_start(&p->t3, &out->engine->timers, out->now_us + p->rto.rto_us);
}

/*
 * How much of the front message goes into one chunk on this path now, 0 for none: cut to what is
 * left of the packet, held to the peer's window (6.1 A, with the sender's half of RFC 1122's silly
 * window avoidance) and to Nagle's rule.
 */
static uint32_t next_fragment(const struct output *out, struct path *p, size_t packet_room,
                              bool packet_has_data) {
    struct assoc *a = p->assoc;
    const struct outbound_message *m = send_queue_front(&a->send_queue);
    uint32_t left = m->bytes - m->cut_bytes, most = largest_fragment(a);
    uint32_t size = left < most ? left : most;
    bool is_whole = m->cut_bytes == 0 && size == left;
    /* 6.1: no more than 2^16 - 1 ordered messages of a stream in the send window. */
    if (m->cut_bytes == 0 && outstanding_count(&a->outstanding) >= UINT16_MAX &&
        !(m->flags & USCTP_MESSAGE_UNORDERED))
        return 0;
    if (DATA_HEADER_BYTES + padded4(size) > packet_room) {
        if (is_whole || packet_room < DATA_HEADER_BYTES + MIN_FRAGMENT_BYTES)
            return 0;
        size = ((uint32_t)packet_room - DATA_HEADER_BYTES) & ~3u;
    }
    bool is_idle = outstanding_is_empty(&a->outstanding);
    uint32_t window = window_left(a);
    if (size > window) {
        bool may_cut = is_idle && window > 0 && !a->config->disable_fragments;
        if (may_cut && (a->probe_now || window >= a->peer_rwnd_max / 2))
            return window;
        if (is_idle && a->probe_now)
            return size;
        if (is_idle)
            wait_to_probe(out, p);
        return 0;
    }
    /* Nagle, for messages not yet begun. */
    bool is_small = m->cut_bytes == 0 && a->send_queue.unsent_bytes < most;
    if (is_small && !is_idle && !packet_has_data && !a->config->nodelay &&
        a->state == USCTP_ESTABLISHED && !(m->flags & USCTP_MESSAGE_SACK_IMMEDIATELY))
        return 0;
    return size;
}

static struct path *new_data_path(struct assoc *a) {
    const struct outbound_message *m = send_queue_front(&a->send_queue);
    if (!m)
        return NULL;
    if ((m->flags & USCTP_MESSAGE_TO_PATH) && m->path < a->path_count) {
        struct path *p = a->paths[m->path];
        if (path_is_usable(p))
            return p;
    }
    return path_manager_data_path(a);
}

static uint8_t fragment_flags(const struct assoc *a, const struct outbound_message *m,
                              uint32_t size) {
    bool is_end = m->cut_bytes + size == m->bytes;
    uint8_t flags = 0;
    if (m->cut_bytes == 0)
        flags |= DATA_FLAG_B;
    if (is_end)
        flags |= DATA_FLAG_E;
    if (m->flags & USCTP_MESSAGE_UNORDERED)
        flags |= DATA_FLAG_U;
    /* 6.1: the user asks, or a shutdown waits for the answer. */
    if (is_end && ((m->flags & USCTP_MESSAGE_SACK_IMMEDIATELY) || a->state != USCTP_ESTABLISHED))
        flags |= DATA_FLAG_I;
    return flags;
}

static void count_new(struct assoc *a, const struct outbound_message *m, const struct record *r) {
    struct usctp_engine_counters *all = &a->engine->counters;
    if (r->flags & DATA_FLAG_U) {
        a->counters.unordered_chunks_out++;
        all->unordered_chunks_out++;
    } else {
        a->counters.ordered_chunks_out++;
        all->ordered_chunks_out++;
    }
    all->fragmented_messages += (r->flags & DATA_FLAG_B) && r->payload_bytes < m->bytes ? 1 : 0;
}

/* Returns false when memory is short. */
static bool append_fragment(struct output *out, struct outbound_packet *pk, uint32_t size) {
    struct assoc *a = pk->assoc;
    struct path *p = pk->path;
    struct env *env = &out->engine->env;
    if (outstanding_reserve(&a->outstanding, env) || send_queue_prepare(&a->send_queue, env))
        return false;
    struct outbound_message *m = send_queue_front(&a->send_queue);
    const struct record fresh = {.message = m,
                                 .offset = m->cut_bytes,
                                 .payload_bytes = (uint16_t)size,
                                 .flags = fragment_flags(a, m, size),
                                 .path = p->index,
                                 .path_generation = p->generation,
                                 .sent_us = out->now_us,
                                 .transmit_number = p->transmit_number};
    uint64_t tsn = outstanding_add(&a->outstanding, &fresh);
    send_queue_cut(&a->send_queue, size, env);
    struct record *r = outstanding_at(&a->outstanding, tsn);
    r->ssn = m->ssn;
    m->was_sent = true;
    /* 6.1: the chunk that fills a window asks for its SACK at once. */
    if (!cwnd_allows(p) || window_left(a) == 0)
        r->flags |= DATA_FLAG_I;
    write_record(pk, tsn, r);
    a->probe_now = false;
    count_new(a, m, r);
    a->counters.bytes_out += size;
    p->bytes_out += size;
    on_data_sent(out, p, tsn, false);
    return true;
}

/* 7.2.1: a window that was not used for an RTO shrinks, once for each RTO gone by. */
static void check_idle(const struct output *out, struct path *p) {
    if (p->last_data_us == 0 ||
        outstanding_flight(&p->assoc->outstanding, p->index)->in_flight_count > 0)
        return;
    uint64_t rounds = (out->now_us - p->last_data_us) / (p->rto.rto_us ? p->rto.rto_us : 1);
    for (uint64_t i = 0; i < rounds && i < 16; i++)
        congestion_on_idle(&p->congestion, p->pmdcs);
}

static bool append_new_data(struct output *out, struct outbound_packet *pk) {
    struct assoc *a = pk->assoc;
    struct path *p = pk->path;
    if (outstanding_marked_count(&a->outstanding) > 0)
        return true; /* 6.1 C */
    check_idle(out, p);
    while (new_data_path(a) == p && cwnd_allows(p)) {
        uint32_t size = next_fragment(out, p, outbound_packet_room(pk), pk->has_data);
        if (size == 0)
            return true;
        if (!append_fragment(out, pk, size))
            return false;
    }
    return true;
}

struct path *output_data_next_path(const struct output *out, struct assoc *a) {
    if (!association_may_send_data(a))
        return NULL;
    if (outstanding_marked_count(&a->outstanding) > 0) {
        uint64_t marked = outstanding_next_marked(&a->outstanding, 0);
        struct path *p =
            path_manager_retransmit_path(a, outstanding_at(&a->outstanding, marked)->path);
        return a->retransmit_now || may_begin(p) ? p : NULL;
    }
    struct path *p = new_data_path(a);
    if (!p || !may_begin(p))
        return NULL;
    return next_fragment(out, p, p->pmdcs, false) > 0 ? p : NULL;
}

/*
 * Over UDP a run of packets is one send and one receipt, and costs little more than a packet. So
 * what is less than a run waits for the next SACK, while no less than that is under way.
 */
bool output_data_waits(const struct output *out, struct assoc *a) {
    if (a->state != USCTP_ESTABLISHED || a->user_shutdown ||
        outstanding_marked_count(&a->outstanding) > 0)
        return false;
    const struct path *p = new_data_path(a);
    if (!p || p->udp_port == 0 || p->rto.srtt_us > SHORT_WAY_US)
        return false;
    const struct congestion *c = &p->congestion;
    uint64_t flight = outstanding_flight(&a->outstanding, p->index)->in_flight_bytes;
    uint64_t room = flight < c->cwnd_bytes ? c->cwnd_bytes - flight : 0;
    if (window_left(a) < room)
        room = window_left(a);
    else if (c->cwnd_bytes <= c->ssthresh_bytes)
        return false; /* 7.2.1: cwnd grows for each SACK that finds it full */
    return room < out->batch->max_run_bytes && room < a->send_queue.unsent_bytes &&
           flight >= room && flight >= (uint64_t)PLENTY_PACKETS * p->pmdcs;
}

bool output_data_append(struct output *out, struct outbound_packet *pk) {
    struct assoc *a = pk->assoc;
    ASSERT(pk->path);
    append_retransmissions(out, pk);
    bool fine = append_new_data(out, pk);
    if (pk->has_data) {
        a->credit--;
        a->sack_credit -= a->sack_credit > 0 ? 1 : 0;
        path_mtu_on_data_sent(pk->path, pk->tsn, writer_used(&pk->w));
    }
    return fine;
}
