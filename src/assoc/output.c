/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Packets out (RFC 9260 6.1, 6.2, 6.10): the one place that says what an association's packets
 * carry and in which order, from what is pended and queued.
 *
 * A packet is one path's: control chunks first, then the SACK, then DATA (output_data.c). Packets
 * are opened and closed by outbound_packet.c. Stateless replies come ready-made from
 * out_of_the_blue.c.
 */
#include "assoc/outbound_packet.h"
#include "chunk/control_chunk.h"

#define SHUTDOWN_BYTES  8u     /* RFC 9260 3.3.8; SHUTDOWN ACK is shorter */
#define OUTPUT_RETRY_US 20000u /* after memory was short */
/* A SACK that gives a blocked user room finds nothing to send: its credit is the user's, who comes
 * at once. */
#define SACK_CREDIT_US 1000u

static void append_sack(struct outbound_packet *pk) {
    struct assoc *a = pk->assoc;
    bool is_owed = a->packets_unacknowledged > 0 || (a->pending & PENDING_SACK);
    if (!is_owed)
        return;
    /* A SHUTDOWN behind it keeps its place: the SACK says less instead (6.2, 6.10). */
    size_t kept = a->pending & (PENDING_SHUTDOWN | PENDING_SHUTDOWN_ACK) ? SHUTDOWN_BYTES : 0;
    if (outbound_packet_room(pk) <= kept)
        return;
    struct writer inside = writer_over(pk->w.at, outbound_packet_room(pk) - kept);
    if (!ack_write(a, &inside))
        return;
    pk->w.at = inside.at;
    ack_sent(a);
}

static void start_t1(const struct output *out, struct assoc *a) {
    a->handshake_sent_us = out->now_us;
    timer_start(&a->t1, &out->engine->timers, out->now_us + a->t1_rto_us);
}

static bool output_init(struct output *out, struct assoc *a) {
    struct outbound_packet pk;
    struct init_content content;
    struct path *p = a->paths[a->handshake_path];
    if (!outbound_packet_open(out, &pk, p, 0, 2048))
        return false; /* 8.5.1 A */
    handshake_fill_init(a, &content);
    uint8_t *header = init_chunk_begin(&pk.w, CHUNK_INIT, &content);
    ASSERT(header);
    chunk_end(&pk.w, header);
    a->pending &= ~(uint32_t)PENDING_INIT;
    association_count_control(a, a->init_retransmits > 0);
    start_t1(out, a);
    outbound_packet_close(out, &pk);
    return true;
}

/* The last packet of an association that has ended. */
static bool output_end(struct output *out, struct assoc *a) {
    struct outbound_packet pk;
    if (!outbound_packet_open(out, &pk, a->paths[a->handshake_path], a->peer_tag, 1024))
        return false;
    if (a->pending & PENDING_ABORT)
        control_chunk_write(&pk.w, CHUNK_ABORT, 0, a->abort_causes, a->abort_causes_bytes);
    else
        control_chunk_write(&pk.w, CHUNK_SHUTDOWN_COMPLETE, 0, NULL,
                            0); /* 8.5.1 C: T bit clear: we had a TCB */
    a->pending = 0;
    association_count_control(a, false);
    outbound_packet_close(out, &pk);
    return true;
}

static bool output_heartbeats(struct output *out, struct assoc *a) {
    for (uint32_t i = 0; i < a->path_count; i++) {
        struct outbound_packet pk;
        struct path *p = a->paths[i];
        if (!p->wants_heartbeat)
            continue;
        if (!outbound_packet_open(out, &pk, p, a->peer_tag, 0))
            return false;
        path_heartbeat_write(p, &pk.w, out->now_us);
        outbound_packet_close(out, &pk);
    }
    a->pending &= ~(uint32_t)PENDING_HEARTBEAT;
    return true;
}

/* RFC 8899 6.2.1.2: a probe is a packet of its own. */
static bool output_pmtu_probes(struct output *out, struct assoc *a) {
    for (uint32_t i = 0; i < a->path_count; i++) {
        struct outbound_packet pk;
        struct path *p = a->paths[i];
        uint32_t bytes = path_mtu_wanted_probe(p);
        if (bytes == 0)
            continue;
        if (bytes > out->batch->memory_bytes) {
            path_mtu_on_no_room(p, out->now_us);
            continue;
        }
        if (!outbound_packet_open(out, &pk, p, a->peer_tag, bytes))
            return false;
        pk.limit = bytes;
        pk.flags |= USCTP_PACKET_PROBE;
        path_mtu_write_probe(p, &pk.w, bytes, out->now_us);
        outbound_packet_close(out, &pk);
    }
    a->pending &= ~(uint32_t)PENDING_PMTU_PROBE;
    return true;
}

static void append_cookie(const struct output *out, struct outbound_packet *pk) {
    struct assoc *a = pk->assoc;
    bool is_again = (a->pending & PENDING_COOKIE_ECHO) && a->init_retransmits > 0;
    if (a->pending & PENDING_COOKIE_ECHO) {
        control_chunk_write(&pk->w, CHUNK_COOKIE_ECHO, 0, a->cookie, a->cookie_bytes);
        start_t1(out, a);
    } else if (a->pending & PENDING_COOKIE_ACK) {
        control_chunk_write(&pk->w, CHUNK_COOKIE_ACK, 0, NULL, 0);
    } else {
        return;
    }
    a->pending &= ~(uint32_t)(PENDING_COOKIE_ECHO | PENDING_COOKIE_ACK);
    association_count_control(a, is_again);
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

static void append_queued_control(struct outbound_packet *pk) {
    struct assoc *a = pk->assoc;
    struct control_chunk *c;
    while ((c = STAILQ_FIRST(&a->control)) != NULL && control_chunk_path(a, c) == pk->path) {
        if (c->bytes > outbound_packet_room(pk) &&
            (!outbound_packet_is_empty(pk) || c->bytes > writer_room(&pk->w)))
            break;
        /* One SACK a packet: each is a moment of its own. */
        bool is_sack = c->data[0] == CHUNK_SACK;
        if (is_sack && !outbound_packet_is_empty(pk))
            break;
        writer_put(&pk->w, c->data, c->bytes);
        association_count_control(a, false);
        STAILQ_REMOVE_HEAD(&a->control, link);
        a->control_count--;
        env_release(&a->engine->env, c, sizeof *c + c->bytes);
        if (is_sack)
            break;
    }
    if (!STAILQ_FIRST(&a->control))
        a->pending &= ~(uint32_t)PENDING_CONTROL;
}

static void append_shutdown(const struct output *out, struct outbound_packet *pk) {
    struct assoc *a = pk->assoc;
    if (outbound_packet_room(pk) < SHUTDOWN_BYTES && !outbound_packet_is_empty(pk))
        return; /* 6.10: the next packet has it */
    if (a->pending & PENDING_SHUTDOWN)
        control_chunk_write_shutdown(&pk->w, serial_wire(a->received.cumulative));
    else if (a->pending & PENDING_SHUTDOWN_ACK)
        control_chunk_write(&pk->w, CHUNK_SHUTDOWN_ACK, 0, NULL, 0);
    else
        return;
    a->pending &= ~(uint32_t)(PENDING_SHUTDOWN | PENDING_SHUTDOWN_ACK);
    a->handshake_path = pk->path->index;
    association_count_control(a, a->shutdown_retransmits > 0);
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
    struct outbound_packet pk;
    struct path *p = control_path(a);
    bool had_snapshot =
        (a->pending & PENDING_CONTROL) && STAILQ_FIRST(&a->control)->data[0] == CHUNK_SACK;
    size_t least = PACKET_HEADER_BYTES + 128 + padded4(a->cookie_bytes);
    if (a->pending & PENDING_CONTROL)
        least += STAILQ_FIRST(&a->control)->bytes;
    if (!outbound_packet_open(out, &pk, p, a->peer_tag, least))
        return false;
    append_cookie(out, &pk);
    append_queued_control(&pk);
    if (p->is_confirmed && !had_snapshot) {
        append_sack(&pk);
        append_shutdown(out, &pk);
        if (a->credit > 0 && output_data_next_path(out, a) == p)
            output_data_append(out, &pk);
    }
    if (outbound_packet_is_empty(&pk))
        a->pending &= ~(uint32_t)PENDING_ANY_CONTROL; /* nothing of it can be said: do not spin */
    else
        outbound_packet_close(out, &pk);
    return true;
}

static bool output_data(struct output *out, struct assoc *a) {
    if (output_data_waits(out, a)) {
        a->pending &= ~(uint32_t)PENDING_DATA;
        return true; /* with its credit */
    }
    while (a->credit > 0) {
        struct outbound_packet pk;
        struct path *p = output_data_next_path(out, a);
        if (!p)
            break;
        if (!outbound_packet_open(out, &pk, p, a->peer_tag, 0))
            return false;
        append_sack(&pk);
        bool fine = output_data_append(out, &pk);
        bool has_nothing = outbound_packet_is_empty(&pk);
        if (!has_nothing)
            outbound_packet_close(out, &pk);
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
        a->credit = a->config->max_burst;
    if (out->now_us - a->sack_credit_us <= SACK_CREDIT_US && a->sack_credit > a->credit)
        a->credit = a->sack_credit;
    while (a->pending & PENDING_ANY_CONTROL)
        if (!output_control(out, a))
            return false;
    if ((a->pending & PENDING_HEARTBEAT) && !output_heartbeats(out, a))
        return false;
    if ((a->pending & PENDING_PMTU_PROBE) && !output_pmtu_probes(out, a))
        return false;
    return output_data(out, a);
}

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
        outbound_packet_trace(out, &packet, 0, 0);
        engine->counters.packets_out++;
        engine->counters.bytes_out += packet.length;
        engine->counters.control_chunks_out++;
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
    bool is_done = output_ready(&out, true) && output_replies(&out) && output_ready(&out, false);
    /* Not a full batch but no memory: nobody would ask again before something else happens. */
    if (!is_done && batch->count == 0)
        timer_start(&engine->output_timer, &engine->timers, now_us + OUTPUT_RETRY_US);
    else if (is_done)
        timer_stop(&engine->output_timer, &engine->timers);
    association_reap(engine);
    return batch->count;
}

bool usctp_engine_has_output(const struct usctp_engine *engine) {
    return engine->reply_count > 0 || !TAILQ_EMPTY(&engine->ready);
}
