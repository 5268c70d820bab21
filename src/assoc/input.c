/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Packets in (RFC 9260 8.4, 8.5, 6.10): opening, finding the association, the tag rule, and the
 * dispatch of chunks by the table.
 *
 * What a chunk means is in the file of its subject. What belongs to no association goes to
 * out_of_the_blue.c.
 */
#include "assoc/association.h"
#include "assoc/tag_rule.h"
#include "core/addr.h"

void input_drop(struct inbound *in, enum usctp_drop why) {
    struct usctp_engine *engine = in->engine;
    engine->counters.dropped[why]++;
    if (!env_is_traced(&engine->env))
        return;
    const struct usctp_trace_record record = {.now_us = in->now_us,
                                              .kind = USCTP_TRACE_PACKET_DROPPED,
                                              .assoc = in->assoc ? in->assoc->id : 0,
                                              .a = why,
                                              .packet = in->packet};
    env_trace(&engine->env, &record);
}

/* In which states a chunk is looked at; in the others it is dropped without a word. */
#define IN(state) (1u << (state))
#define IN_COOKIE (IN(USCTP_COOKIE_WAIT) | IN(USCTP_COOKIE_ECHOED))
#define IN_DATA                                                                                    \
    (IN(USCTP_ESTABLISHED) | IN(USCTP_SHUTDOWN_PENDING) | IN(USCTP_SHUTDOWN_SENT)) /* 6 */
#define IN_SACK (IN(USCTP_ESTABLISHED) | IN(USCTP_SHUTDOWN_PENDING) | IN(USCTP_SHUTDOWN_RECEIVED))
#define IN_SYNC (IN_DATA | IN(USCTP_SHUTDOWN_RECEIVED) | IN(USCTP_SHUTDOWN_ACK_SENT))
#define IN_ALL  (IN_COOKIE | IN_SYNC)

static enum chunk_verdict on_init(struct inbound *in, const struct chunk *chunk) {
    handshake_on_init(in, chunk);
    return CHUNK_DROP_PACKET; /* 6.10: never bundled: what follows is not looked at */
}

static const struct {
    enum chunk_verdict (*handler)(struct inbound *in, const struct chunk *chunk);
    uint32_t states;
    bool needs_authentication; /* RFC 4895: none yet */
} chunk_table[CHUNK_KNOWN_COUNT] = {
    /*                        handler                          states looked at */
    [CHUNK_DATA] = {receive_data_on_chunk, IN_DATA, false},
    [CHUNK_INIT] = {on_init, IN_ALL, false},
    [CHUNK_INIT_ACK] = {handshake_on_init_ack, IN(USCTP_COOKIE_WAIT), false},
    [CHUNK_SACK] = {retransmit_on_sack, IN_SACK, false},
    [CHUNK_HEARTBEAT] = {path_heartbeat_on_request,
                         IN(USCTP_COOKIE_ECHOED) | IN(USCTP_ESTABLISHED) |
                             IN(USCTP_SHUTDOWN_PENDING) | IN(USCTP_SHUTDOWN_RECEIVED) |
                             IN(USCTP_SHUTDOWN_SENT),
                         false},
    [CHUNK_HEARTBEAT_ACK] = {path_heartbeat_on_ack, IN_SYNC, false},
    [CHUNK_ABORT] = {termination_on_abort, IN_ALL, false},
    [CHUNK_SHUTDOWN] = {termination_on_shutdown, IN_SYNC, false},
    [CHUNK_SHUTDOWN_ACK] = {termination_on_shutdown_ack,
                            IN(USCTP_SHUTDOWN_SENT) | IN(USCTP_SHUTDOWN_ACK_SENT), false},
    [CHUNK_ERROR] = {error_chunk_on_error, IN_ALL, false},
    [CHUNK_COOKIE_ECHO] = {handshake_on_cookie_echo, IN_ALL, false},
    [CHUNK_COOKIE_ACK] = {handshake_on_cookie_ack, IN(USCTP_COOKIE_ECHOED), false},
    [CHUNK_SHUTDOWN_COMPLETE] = {termination_on_shutdown_complete, IN(USCTP_SHUTDOWN_ACK_SENT),
                                 false},
};

static enum chunk_verdict dispatch(struct inbound *in, const struct chunk *chunk) {
    struct assoc *a = in->assoc;
    if (chunk->type >= CHUNK_KNOWN_COUNT || !chunk_table[chunk->type].handler)
        return error_chunk_on_unknown(in, chunk);
    if (chunk->type != CHUNK_DATA)
        a->counters.control_chunks_in++;
    if (!(chunk_table[chunk->type].states & IN(a->state))) {
        input_drop(in, USCTP_DROP_STATE);
        return CHUNK_DONE;
    }
    if (chunk->type != CHUNK_DATA)
        in->engine->counters.control_chunks_in++;
    return chunk_table[chunk->type].handler(in, chunk);
}

static void walk_chunks(struct inbound *in, const uint8_t *chunks, size_t bytes) {
    struct tlv_cursor cursor = tlv_over(chunks, bytes);
    struct chunk chunk;
    enum tlv_verdict verdict;
    for (in->chunk_index = 0; (verdict = chunk_next(&cursor, &chunk)) == TLV_ITEM;
         in->chunk_index++) {
        in->engine->counters.control_chunks_in += in->assoc ? 0 : 1;
        enum chunk_verdict done =
            in->assoc ? dispatch(in, &chunk) : handshake_on_cookie_echo(in, &chunk);
        /* A chunk may end the association, or make one (COOKIE ECHO); what follows in the packet
         * then has nowhere to go. */
        if (done == CHUNK_DROP_PACKET || !in->assoc || in->assoc->has_ended)
            return;
        if (chunk.type == CHUNK_DATA)
            continue; /* paths come and go by control chunks */
        in->path = path_find(in->assoc, &in->packet->source);
        if (!in->path)
            return;
    }
    if (verdict == TLV_MALFORMED)
        input_drop(in, USCTP_DROP_MALFORMED); /* 6.10: the partial chunk alone */
}

/* RFC 6951 5.4: the peer's encapsulation port follows packets whose tag was right. */
static void learn_udp_port(struct inbound *in) {
    struct path *p = in->path;
    if (!p || p->udp_port == in->packet->udp_source || p->address.family == USCTP_FAMILY_HANDLE)
        return;
    p->udp_port = in->packet->udp_source;
    path_set_mtu(p, p->mtu_bytes);
}

static void find_association(struct inbound *in) {
    const struct packet_header *h = &in->header;
    struct assoc *a = NULL;
    if (h->tag != 0)
        a = association_by_tag(in->engine, h->tag, h->destination_port, h->source_port);
    if (a) {
        in->path = path_find(a, &in->packet->source);
        /* 5.1.2: an INIT ACK may come from an address that was not asked for; the tag vouches for
         * it. */
        if (!in->path &&
            !(a->state == USCTP_COOKIE_WAIT && in->summary.first_type == CHUNK_INIT_ACK))
            a = NULL;
    }
    if (!a) {
        /* Tag zero, reflected, old or new. */
        in->path = association_path_by_address(in->engine, &in->packet->source, h->destination_port,
                                               h->source_port);
        if (in->path)
            a = in->path->assoc;
    }
    in->assoc = a;
}

/* A local address that the association does not use makes the packet none of its own. */
static bool is_to_association(const struct inbound *in) {
    const struct assoc *a = in->assoc;
    if (a->local_count == 0 || in->packet->destination.family == USCTP_FAMILY_NONE)
        return true;
    for (uint32_t i = 0; i < a->local_count; i++)
        if (addr_equal(&a->local[i], &in->packet->destination))
            return true;
    return a->state == USCTP_COOKIE_WAIT || a->endpoint->bound_count == 0;
}

static void on_association_packet(struct inbound *in, const uint8_t *chunks, size_t bytes) {
    struct assoc *a = in->assoc;
    switch (tag_rule(&in->summary, in->header.tag, a->local_tag, a->peer_tag, a->state)) {
    case TAG_DISCARD:
        input_drop(in, USCTP_DROP_TAG);
        return;
    case TAG_OUT_OF_THE_BLUE:
        in->assoc = NULL;
        in->path = NULL;
        out_of_the_blue_on_packet(in);
        return;
    case TAG_ACCEPT:
        break;
    }
    a->counters.packets_in++;
    bool own_tag = in->header.tag == a->local_tag && in->header.tag != 0;
    if (own_tag)
        learn_udp_port(in);
    /* INIT and COOKIE ECHO prove nothing yet. */
    if (own_tag && in->summary.first_type != CHUNK_COOKIE_ECHO)
        termination_on_packet(a, in->now_us);
    if (in->path)
        in->path->packets_in++;
    association_touch(a);
    walk_chunks(in, chunks, bytes);
    if (in->summary.has_abort && a->has_ended) { /* 9.1: never answered, by whatever it ended */
        a->pending = 0;
        association_check_done(a);
    }
    if (in->assoc && !in->assoc->has_ended && in->had_data)
        ack_on_packet(in);
}

static void on_stray_packet(struct inbound *in, const uint8_t *chunks, size_t bytes) {
    if (handshake_is_ours(in)) { /* 5.1.2 D; and its tag is not the right one (8.5) */
        input_drop(in, USCTP_DROP_TAG);
        return;
    }
    if (tag_rule_out_of_the_blue(&in->summary, in->header.tag) == OOTB_COOKIE_ECHO) {
        walk_chunks(in, chunks, bytes);
        if (in->assoc && !in->assoc->has_ended && in->had_data)
            ack_on_packet(in);
    } else {
        out_of_the_blue_on_packet(in);
    }
}

/* 8.4 rule 1: a network's broadcast address is not unicast either. */
static bool is_broadcast(const struct inbound *in) {
    const struct usctp_packet *packet = in->packet;
    if (in->path && addr_equal(&in->path->source, &packet->destination))
        return false; /* the common case */
    return engine_is_broadcast(in->engine, &packet->destination) ||
           (!in->path && engine_is_broadcast(in->engine, &packet->source));
}

static void trace_packet(struct inbound *in) {
    if (!env_is_traced(&in->engine->env))
        return;
    const struct usctp_trace_record record = {.now_us = in->now_us,
                                              .kind = USCTP_TRACE_PACKET_IN,
                                              .packet = in->packet,
                                              .assoc = in->assoc ? in->assoc->id : 0};
    env_trace(&in->engine->env, &record);
}

static void on_packet(struct usctp_engine *engine, const struct usctp_packet *packet,
                      uint64_t now_us) {
    struct inbound in = {.engine = engine, .packet = packet, .now_us = now_us};
    engine->counters.packets_in++;
    engine->counters.bytes_in += packet->length;
    trace_packet(&in);
    /* 8.4 rule 1, for every packet. */
    if (!addr_is_unicast(&packet->source) || (packet->destination.family != USCTP_FAMILY_NONE &&
                                              !addr_is_unicast(&packet->destination))) {
        input_drop(&in, USCTP_DROP_ADDRESS);
        return;
    }
    bool check = !(packet->flags & USCTP_PACKET_CHECKSUM_VERIFIED);
    switch (packet_open(packet->data, packet->length, check, &in.header)) {
    case PACKET_SHORT:
        input_drop(&in, USCTP_DROP_SHORT);
        return;
    case PACKET_BAD_PORT:
        input_drop(&in, USCTP_DROP_PORT);
        return;
    case PACKET_BAD_CHECKSUM:
        input_drop(&in, USCTP_DROP_CHECKSUM);
        return;
    case PACKET_OK:
        break;
    }
    const uint8_t *chunks = packet->data + PACKET_HEADER_BYTES;
    size_t bytes = packet->length - PACKET_HEADER_BYTES;
    chunk_look_over(chunks, bytes, &in.summary);
    if (in.summary.count == 0) {
        input_drop(&in, USCTP_DROP_MALFORMED);
        return;
    }
    /* 6.10: INIT, INIT ACK and SHUTDOWN COMPLETE stand alone; 8.5.1 A: so does what has tag 0. */
    find_association(&in);
    if (is_broadcast(&in)) {
        input_drop(&in, USCTP_DROP_ADDRESS);
        return;
    }
    if (in.assoc && is_to_association(&in))
        on_association_packet(&in, chunks, bytes);
    else {
        in.assoc = NULL;
        in.path = NULL;
        on_stray_packet(&in, chunks, bytes);
    }
}

static void on_run(struct usctp_engine *engine, const struct usctp_packet *run, uint64_t now_us) {
    struct usctp_packet packet = *run;
    uint32_t left = run->length;
    uint32_t step = run->segment_size && run->segment_size < left ? run->segment_size : left;
    packet.segment_size = 0;
    do {
        packet.length = step < left ? step : left;
        on_packet(engine, &packet, now_us);
        packet.data += packet.length;
        left -= packet.length;
    } while (left > 0);
}

void usctp_engine_input(struct usctp_engine *engine, const struct usctp_packet *packets, size_t n,
                        uint64_t now_us) {
    engine->now_us = now_us;
    for (size_t i = 0; i < n; i++)
        on_run(engine, &packets[i], now_us);
    struct assoc *a;
    while ((a = TAILQ_FIRST(&engine->touched)) != NULL) {
        TAILQ_REMOVE(&engine->touched, a, touched_link);
        a->is_touched = false;
        if (!a->has_ended)
            ack_on_batch_end(a, now_us);
    }
    association_reap(engine);
}
