/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Packets out (RFC 9260 6.1, 6.2, 6.10): the one place that builds an association's packets, from
 * what is pended and queued.
 *
 * A packet is one path's: control chunks first, then the SACK, then DATA - what is marked for
 * retransmission before what is new. How many packets of DATA a burst may have is the association's
 * credit. Stateless replies come ready-made from out_of_the_blue.c.
 */
#include "assoc/association.h"
#include "chunk/control_chunk.h"
#include "chunk/data_chunk.h"

#define MIN_FRAGMENT_BYTES                                                                         \
    256u /* payload: a large message is not cut into what is left of a packet for less */
#define SHUTDOWN_BYTES 8u /* RFC 9260 3.3.8; SHUTDOWN ACK is shorter */

struct output {
    struct usctp_engine *engine;
    struct usctp_batch *batch;
    uint64_t now_us;
    const struct path *run_path; /* of the last entry */
};

struct packet {
    struct writer w; /* over all of the batch's memory that is left, up to what IP can carry */
    struct assoc *assoc;
    struct path *path;
    size_t limit; /* bytes that the path takes whole */
    uint8_t flags;
    bool has_data;
};

static size_t room(const struct packet *pk) {
    size_t used = writer_used(&pk->w);
    return used < pk->limit ? pk->limit - used : 0;
}

static bool is_empty(const struct packet *pk) {
    return writer_used(&pk->w) == PACKET_HEADER_BYTES;
}

/* ---- packets
 * ----------------------------------------------------------------------------------------------------
 */

/* Returns false when the batch has no room for a packet of `least` bytes. */
static bool open_packet(struct output *out, struct packet *pk, struct path *p, uint32_t tag,
                        size_t least) {
    struct usctp_batch *batch = out->batch;
    size_t left = batch->memory_bytes - batch->used_bytes;
    size_t limit = path_packet_bytes(p);
    if (batch->count >= batch->max_packets || left < limit || left < least)
        return false;
    if (left > USCTP_MAX_PACKET_BYTES)
        left = USCTP_MAX_PACKET_BYTES;
    *pk = (struct packet){.w = writer_over(batch->memory + batch->used_bytes, left),
                          .assoc = p->assoc,
                          .path = p,
                          .limit = limit};
    packet_begin(&pk->w, &(struct packet_header){p->assoc->local_port, p->assoc->peer_port, tag});
    return true;
}

static void trace_out(const struct output *out, const struct usctp_packet *packet, int32_t assoc,
                      uint32_t path) {
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
static bool join_run(struct output *out, const struct packet *pk, size_t bytes) {
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

static void close_packet(struct output *out, struct packet *pk) {
    struct usctp_batch *batch = out->batch;
    struct path *p = pk->path;
    size_t bytes = writer_used(&pk->w);
    ASSERT(!pk->w.overflow && bytes % 4 == 0);
    if (bytes > pk->limit)
        pk->flags |= USCTP_PACKET_MAY_FRAGMENT;
    packet_finish(pk->w.start, bytes);
    const struct usctp_packet packet = {.data = pk->w.start,
                                        .length = (uint32_t)bytes,
                                        .source = p->source,
                                        .destination = p->address,
                                        .udp_destination = p->udp_port,
                                        .tos = (uint8_t)(p->dscp << 2),
                                        .flow_label = p->flow_label,
                                        .flags = pk->flags};
    trace_out(out, &packet, pk->assoc->id, p->index);
    if (!join_run(out, pk, bytes))
        batch->packets[batch->count++] = packet;
    batch->used_bytes += bytes;
    out->run_path = p;
    out->engine->counters.packets_out++;
    out->engine->counters.bytes_out += bytes;
    pk->assoc->counters.packets_out++;
}

/* ---- DATA
 * -------------------------------------------------------------------------------------------------------
 */

static bool cwnd_allows(const struct path *p) {
    return p->assoc->outstanding.paths[p->index].in_flight_bytes <
           p->congestion.cwnd_bytes; /* 6.1 B */
}

/* May a packet of DATA be begun? 7.2.1: after a timeout, with a window of one PMDCS, one packet is
   in flight until it is acknowledged, however short it is. */
static bool may_begin(const struct path *p) {
    const struct outstanding *o = &p->assoc->outstanding;
    return cwnd_allows(p) &&
           (p->congestion.cwnd_bytes > p->pmdcs || o->paths[p->index].in_flight_count == 0);
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

static void write_record(struct packet *pk, uint64_t tsn, const struct record *r) {
    const struct outbound_message *m = r->message;
    const struct data_chunk data = {.tsn = serial_wire(tsn),
                                    .sid = m->sid,
                                    .ssn = r->ssn,
                                    .ppid = m->ppid,
                                    .flags = r->flags,
                                    .payload_bytes = r->payload_bytes};
    uint8_t *payload = data_chunk_write(&pk->w, &data);
    ASSERT(payload);
    memcpy(payload, m->payload + r->offset, r->payload_bytes);
    pk->has_data = true;
    pk->assoc->counters.data_chunks_out++;
    pk->path->data_chunks_out++;
}

/* 6.3.3 E3, 7.2.4, 6.1 C. */
static void append_retransmissions(struct output *out, struct packet *pk) {
    struct assoc *a = pk->assoc;
    struct path *p = pk->path;
    for (uint64_t tsn = outstanding_next_marked(&a->outstanding, 0); tsn != USCTP_NEVER;
         tsn = outstanding_next_marked(&a->outstanding, tsn + 1)) {
        struct record *r = outstanding_at(&a->outstanding, tsn);
        if (path_manager_retransmit_path(a, r->path) != p ||
            (!a->retransmit_now && !cwnd_allows(p)))
            break;
        size_t size = record_chunk_bytes(r);
        if (size > room(pk) && (!is_empty(pk) || size > writer_room(&pk->w)))
            break;
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
    if (a->config.fragment_max_bytes && a->config.fragment_max_bytes < most)
        most = a->config.fragment_max_bytes;
    return most;
}

static uint32_t window_left(const struct assoc *a) {
    return a->outstanding.in_flight_bytes >= a->peer_rwnd
               ? 0
               : a->peer_rwnd - (uint32_t)a->outstanding.in_flight_bytes;
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
        bool may_cut = is_idle && window > 0 && !a->config.disable_fragments;
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
    if (is_small && !is_idle && !packet_has_data && !a->config.nodelay &&
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
        if (p->is_confirmed && p->state == USCTP_PATH_STATE_ACTIVE)
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

/* Returns false when memory is short. */
static bool append_fragment(struct output *out, struct packet *pk, uint32_t size) {
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
    a->counters.bytes_out += size;
    p->bytes_out += size;
    on_data_sent(out, p, tsn, false);
    return true;
}

/* 7.2.1: a window that was not used for an RTO shrinks, once for each RTO gone by. */
static void check_idle(const struct output *out, struct path *p) {
    if (p->last_data_us == 0 || p->assoc->outstanding.paths[p->index].in_flight_count > 0)
        return;
    uint64_t rounds = (out->now_us - p->last_data_us) / (p->rto.rto_us ? p->rto.rto_us : 1);
    for (uint64_t i = 0; i < rounds && i < 16; i++)
        congestion_on_idle(&p->congestion, p->pmdcs);
}

static bool append_new_data(struct output *out, struct packet *pk) {
    struct assoc *a = pk->assoc;
    struct path *p = pk->path;
    if (outstanding_next_marked(&a->outstanding, 0) != USCTP_NEVER)
        return true; /* 6.1 C */
    check_idle(out, p);
    while (new_data_path(a) == p && cwnd_allows(p)) {
        uint32_t size = next_fragment(out, p, room(pk), pk->has_data);
        if (size == 0)
            return true;
        if (!append_fragment(out, pk, size))
            return false;
    }
    return true;
}

/* The path that a packet of DATA may leave on now, or NULL. */
static struct path *next_data_path(const struct output *out, struct assoc *a) {
    if (!association_may_send_data(a))
        return NULL;
    uint64_t marked = outstanding_next_marked(&a->outstanding, 0);
    if (marked != USCTP_NEVER) {
        struct path *p =
            path_manager_retransmit_path(a, outstanding_at(&a->outstanding, marked)->path);
        return a->retransmit_now || may_begin(p) ? p : NULL;
    }
    struct path *p = new_data_path(a);
    if (!p || !may_begin(p))
        return NULL;
    return next_fragment(out, p, path_packet_bytes(p) - PACKET_HEADER_BYTES, false) > 0 ? p : NULL;
}

static void append_sack(struct packet *pk) {
    struct assoc *a = pk->assoc;
    bool is_owed = a->packets_unacknowledged > 0 || (a->pending & PENDING_SACK);
    if (!is_owed)
        return;
    /* A SHUTDOWN behind it keeps its place: the SACK says less instead (6.2, 6.10). */
    size_t kept = a->pending & (PENDING_SHUTDOWN | PENDING_SHUTDOWN_ACK) ? SHUTDOWN_BYTES : 0;
    if (room(pk) <= kept)
        return;
    struct writer inside = writer_over(pk->w.at, room(pk) - kept);
    if (!ack_write(a, &inside))
        return;
    pk->w.at = inside.at;
    ack_sent(a);
}

/* What a packet carries after its control chunks, if its path is the one for DATA. Returns false
 * when memory is short. */
static bool append_data(struct output *out, struct packet *pk) {
    struct assoc *a = pk->assoc;
    if (a->credit == 0 || next_data_path(out, a) != pk->path)
        return true;
    append_retransmissions(out, pk);
    bool fine = append_new_data(out, pk);
    if (pk->has_data)
        a->credit--;
    return fine;
}

/* ---- control
 * ----------------------------------------------------------------------------------------------------
 */

static void start_t1(const struct output *out, struct assoc *a) {
    a->handshake_sent_us = out->now_us;
    timer_start(&a->t1, &out->engine->timers, out->now_us + a->t1_rto_us);
}

static bool output_init(struct output *out, struct assoc *a) {
    struct packet pk;
    struct init_content content;
    struct path *p = a->paths[a->handshake_path];
    if (!open_packet(out, &pk, p, 0, 2048))
        return false; /* 8.5.1 A */
    handshake_fill_init(a, &content);
    uint8_t *header = init_chunk_begin(&pk.w, CHUNK_INIT, &content);
    ASSERT(header);
    chunk_end(&pk.w, header);
    a->pending &= ~(uint32_t)PENDING_INIT;
    a->counters.control_chunks_out++;
    start_t1(out, a);
    close_packet(out, &pk);
    return true;
}

/* The last packet of an association that has ended. */
static bool output_end(struct output *out, struct assoc *a) {
    struct packet pk;
    if (!open_packet(out, &pk, a->paths[a->handshake_path], a->peer_tag, 1024))
        return false;
    if (a->pending & PENDING_ABORT)
        control_chunk_write(&pk.w, CHUNK_ABORT, 0, a->abort_causes, a->abort_causes_bytes);
    else
        control_chunk_write(&pk.w, CHUNK_SHUTDOWN_COMPLETE, 0, NULL,
                            0); /* 8.5.1 C: T bit clear: we had a TCB */
    a->pending = 0;
    a->counters.control_chunks_out++;
    close_packet(out, &pk);
    return true;
}

static bool output_heartbeats(struct output *out, struct assoc *a) {
    for (uint32_t i = 0; i < a->path_count; i++) {
        struct packet pk;
        struct path *p = a->paths[i];
        if (!p->wants_heartbeat)
            continue;
        if (!open_packet(out, &pk, p, a->peer_tag, 0))
            return false;
        path_heartbeat_write(p, &pk.w, out->now_us);
        close_packet(out, &pk);
    }
    a->pending &= ~(uint32_t)PENDING_HEARTBEAT;
    return true;
}

static void append_cookie(const struct output *out, struct packet *pk) {
    struct assoc *a = pk->assoc;
    if (a->pending & PENDING_COOKIE_ECHO) {
        control_chunk_write(&pk->w, CHUNK_COOKIE_ECHO, 0, a->cookie, a->cookie_bytes);
        start_t1(out, a);
    } else if (a->pending & PENDING_COOKIE_ACK) {
        control_chunk_write(&pk->w, CHUNK_COOKIE_ACK, 0, NULL, 0);
    } else {
        return;
    }
    a->pending &= ~(uint32_t)(PENDING_COOKIE_ECHO | PENDING_COOKIE_ACK);
    a->counters.control_chunks_out++;
    /* 5.4: to an unconfirmed address only together with a HEARTBEAT. */
    if (!pk->path->is_confirmed)
        path_heartbeat_write(pk->path, &pk->w, out->now_us);
}

/* 5.4: an unconfirmed address gets HEARTBEAT ACK and nothing else that is queued. */
static struct path *control_chunk_path(struct assoc *a, const struct control_chunk *c) {
    struct path *p = a->paths[c->path < a->path_count ? c->path : 0];
    return p->is_confirmed || c->data[0] == CHUNK_HEARTBEAT_ACK
               ? p
               : path_manager_control_path(a, p->index);
}

static void append_queued_control(struct packet *pk) {
    struct assoc *a = pk->assoc;
    struct control_chunk *c;
    while ((c = STAILQ_FIRST(&a->control)) != NULL && control_chunk_path(a, c) == pk->path) {
        if (c->bytes > room(pk) && (!is_empty(pk) || c->bytes > writer_room(&pk->w)))
            break;
        /* One SACK a packet: each is a moment of its own. */
        bool is_sack = c->data[0] == CHUNK_SACK;
        if (is_sack && !is_empty(pk))
            break;
        writer_put(&pk->w, c->data, c->bytes);
        a->counters.control_chunks_out++;
        STAILQ_REMOVE_HEAD(&a->control, link);
        a->control_count--;
        env_release(&a->engine->env, c, sizeof *c + c->bytes);
        if (is_sack)
            break;
    }
    if (!STAILQ_FIRST(&a->control))
        a->pending &= ~(uint32_t)PENDING_CONTROL;
}

static void append_shutdown(const struct output *out, struct packet *pk) {
    struct assoc *a = pk->assoc;
    if (room(pk) < SHUTDOWN_BYTES && !is_empty(pk))
        return; /* 6.10: the next packet has it */
    if (a->pending & PENDING_SHUTDOWN)
        control_chunk_write_shutdown(&pk->w, serial_wire(a->received.cumulative));
    else if (a->pending & PENDING_SHUTDOWN_ACK)
        control_chunk_write(&pk->w, CHUNK_SHUTDOWN_ACK, 0, NULL, 0);
    else
        return;
    a->pending &= ~(uint32_t)(PENDING_SHUTDOWN | PENDING_SHUTDOWN_ACK);
    a->handshake_path = pk->path->index;
    a->counters.control_chunks_out++;
    timer_start(&a->t2, &out->engine->timers, out->now_us + pk->path->rto.rto_us);
}

#define PENDING_ANY_CONTROL                                                                        \
    (PENDING_COOKIE_ECHO | PENDING_COOKIE_ACK | PENDING_CONTROL | PENDING_SACK |                   \
     PENDING_SHUTDOWN | PENDING_SHUTDOWN_ACK)

static struct path *control_path(struct assoc *a) {
    if (a->pending & (PENDING_COOKIE_ECHO | PENDING_COOKIE_ACK))
        return a->paths[a->handshake_path];
    if (a->pending & PENDING_CONTROL)
        return control_chunk_path(a, STAILQ_FIRST(&a->control));
    if (a->pending & PENDING_SACK)
        return path_manager_control_path(a, a->last_data_path); /* 6.4 */
    /* 6.4: an answer goes where the SHUTDOWN came from. */
    if (a->pending & PENDING_SHUTDOWN_ACK)
        return path_manager_control_path(a, a->handshake_path);
    return path_manager_control_path(a, a->data_path);
}

/* A packet with control chunks, and DATA behind them. Returns false when the batch is full. */
static bool output_control(struct output *out, struct assoc *a) {
    struct packet pk;
    struct path *p = control_path(a);
    bool had_snapshot =
        (a->pending & PENDING_CONTROL) && STAILQ_FIRST(&a->control)->data[0] == CHUNK_SACK;
    size_t least = PACKET_HEADER_BYTES + 128 + padded4(a->cookie_bytes);
    if (a->pending & PENDING_CONTROL)
        least += STAILQ_FIRST(&a->control)->bytes;
    if (!open_packet(out, &pk, p, a->peer_tag, least))
        return false;
    append_cookie(out, &pk);
    append_queued_control(&pk);
    if (p->is_confirmed && !had_snapshot) {
        append_sack(&pk);
        append_shutdown(out, &pk);
        append_data(out, &pk);
    }
    if (is_empty(&pk))
        a->pending &= ~(uint32_t)PENDING_ANY_CONTROL; /* nothing of it can be said: do not spin */
    else
        close_packet(out, &pk);
    return true;
}

static bool output_data(struct output *out, struct assoc *a) {
    while (a->credit > 0) {
        struct packet pk;
        struct path *p = next_data_path(out, a);
        if (!p)
            break;
        if (!open_packet(out, &pk, p, a->peer_tag, 0))
            return false;
        append_sack(&pk);
        bool fine = append_data(out, &pk);
        bool has_nothing = is_empty(&pk);
        if (!has_nothing)
            close_packet(out, &pk);
        if (!fine)
            return false;
        /* A SACK may have taken the room of a message that goes whole: the next packet has it. */
        if (has_nothing)
            break;
    }
    a->pending &= ~(uint32_t)PENDING_DATA;
    a->credit = 0;
    return true;
}

/* Returns false when the batch is full and there is more. */
static bool output_association(struct output *out, struct assoc *a) {
    if (a->pending & (PENDING_ABORT | PENDING_SHUTDOWN_COMPLETE))
        return output_end(out, a);
    if ((a->pending & PENDING_INIT) && !output_init(out, a))
        return false;
    if (a->credit == 0)
        a->credit = a->config.max_burst;
    while (a->pending & PENDING_ANY_CONTROL)
        if (!output_control(out, a))
            return false;
    if ((a->pending & PENDING_HEARTBEAT) && !output_heartbeats(out, a))
        return false;
    return output_data(out, a);
}

/* ---- the call
 * ---------------------------------------------------------------------------------------------------
 */

static bool output_replies(struct output *out) {
    struct usctp_engine *engine = out->engine;
    struct usctp_batch *batch = out->batch;
    for (; engine->reply_count > 0; engine->reply_count--) {
        struct usctp_packet packet = engine->replies[engine->reply_head].packet;
        if (batch->count >= batch->max_packets ||
            batch->memory_bytes - batch->used_bytes < packet.length)
            return false;
        uint8_t *kept = packet.data;
        packet.data = batch->memory + batch->used_bytes;
        memcpy(packet.data, kept, packet.length);
        env_release(&engine->env, kept, packet.length);
        batch->packets[batch->count++] = packet;
        batch->used_bytes += packet.length;
        trace_out(out, &packet, 0, 0);
        engine->counters.packets_out++;
        engine->counters.bytes_out += packet.length;
        engine->reply_head = (engine->reply_head + 1) % engine->config.reply_ring_packets;
    }
    return true;
}

/* Serves the ready associations, or only those at the head that have ended. Returns false when the
 * batch is full. */
static bool output_ready(struct output *out, bool only_ended) {
    struct usctp_engine *engine = out->engine;
    struct assoc *a;
    while ((a = TAILQ_FIRST(&engine->ready)) != NULL && (a->has_ended || !only_ended)) {
        if (!output_association(out, a))
            return false;
        TAILQ_REMOVE(&engine->ready, a, ready_link);
        a->is_ready = false;
        association_check_done(a);
    }
    return true;
}

size_t usctp_engine_output(struct usctp_engine *engine, struct usctp_batch *batch,
                           uint64_t now_us) {
    struct output out = {.engine = engine, .batch = batch, .now_us = now_us};
    engine->now_us = now_us;
    batch->count = batch->used_bytes = 0;
    if (output_ready(&out, true) && output_replies(&out))
        output_ready(&out, false);
    association_reap(engine);
    return batch->count;
}
