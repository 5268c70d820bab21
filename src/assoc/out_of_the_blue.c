/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Packets that belong to no association (RFC 9260 8.4), and the ring of stateless replies.
 *
 * At most one reply a packet, never larger than fits the smallest path, limited by a token bucket,
 * and INIT ACKs by another, so that neither kind starves the other; a full ring means that the
 * reply is dropped.
 */
#include "assoc/association.h"
#include "assoc/tag_rule.h"
#include "chunk/cause.h"
#include "chunk/control_chunk.h"

static bool has_room(struct usctp_engine *engine) {
    if (engine->reply_count < engine->config.reply_ring_packets)
        return true;
    engine->counters.replies_dropped++;
    return false;
}

/* With tunables, the packet is marked as they say. Returns whether it was queued. */
static bool queue(struct inbound *in, const struct writer *w, const struct usctp_config *config) {
    struct usctp_engine *engine = in->engine;
    size_t bytes = writer_used(w);
    uint8_t *copy = env_allocate_raw(&engine->env, bytes);
    if (!copy) {
        engine->counters.replies_dropped++;
        return false;
    }
    memcpy(copy, w->start, bytes);
    packet_finish(copy, bytes);
    uint32_t slot = (engine->reply_head + engine->reply_count) % engine->config.reply_ring_packets;
    engine->replies[slot].packet =
        (struct usctp_packet){.data = copy,
                              .length = (uint32_t)bytes,
                              .source = in->packet->destination,
                              .destination = in->packet->source,
                              .udp_destination = in->packet->udp_source,
                              .interface_index = in->packet->interface_index,
                              .tos = config ? (uint8_t)(config->dscp << 2) : 0,
                              .flow_label = config ? config->flow_label : 0,
                              .hop_limit = config ? (uint8_t)config->hop_limit : 0,
                              .flags = USCTP_PACKET_MAY_FRAGMENT};
    engine->reply_count++;
    return true;
}

void out_of_the_blue_reply(struct inbound *in, const struct writer *w) {
    struct usctp_engine *engine = in->engine;
    if (w->overflow || in->summary.has_abort /* 9.1 */)
        return;
    if (!token_bucket_take(&engine->reply_tokens, in->now_us)) {
        engine->counters.replies_limited++;
        return;
    }
    if (has_room(engine) && queue(in, w, NULL))
        engine->counters.replies++;
}

bool out_of_the_blue_may_init_ack(struct usctp_engine *engine, uint64_t now_us) {
    if (!has_room(engine))
        return false;
    if (token_bucket_take(&engine->init_ack_tokens, now_us))
        return true;
    engine->counters.init_acks_limited++;
    return false;
}

void out_of_the_blue_init_ack(struct inbound *in, const struct writer *w,
                              const struct usctp_config *config) {
    if (!w->overflow && queue(in, w, config))
        in->engine->counters.init_acks++;
}

void out_of_the_blue_free(struct usctp_engine *engine) {
    if (!engine->replies)
        return;
    for (; engine->reply_count > 0; engine->reply_count--) {
        const struct usctp_packet *p = &engine->replies[engine->reply_head].packet;
        env_release(&engine->env, p->data, p->length);
        engine->reply_head = (engine->reply_head + 1) % engine->config.reply_ring_packets;
    }
    env_release(&engine->env, engine->replies,
                sizeof(struct reply) * engine->config.reply_ring_packets);
    engine->replies = NULL;
}

void out_of_the_blue_reflect(struct inbound *in, uint8_t type) {
    uint8_t memory[PACKET_HEADER_BYTES + CHUNK_HEADER_BYTES];
    struct writer w = writer_over(memory, sizeof memory);
    packet_begin(&w, &(struct packet_header){in->header.destination_port, in->header.source_port,
                                             in->header.tag});
    control_chunk_write(&w, type, CHUNK_FLAG_T, NULL, 0);
    out_of_the_blue_reply(in, &w);
}

void out_of_the_blue_on_packet(struct inbound *in) {
    enum ootb_action what = tag_rule_out_of_the_blue(&in->summary, in->header.tag);
    /* What sets up an association is none; an INIT that nobody waits for, handshake.c counts. */
    in->engine->counters.out_of_the_blue += what == OOTB_INIT ? 0 : 1;
    switch (what) {
    case OOTB_INIT:
        in->engine->counters.control_chunks_in++;
        handshake_on_init(in, &in->summary.first);
        break;
    case OOTB_SHUTDOWN_COMPLETE:
        out_of_the_blue_reflect(in, CHUNK_SHUTDOWN_COMPLETE);
        break;
    case OOTB_ABORT:
        out_of_the_blue_reflect(in, CHUNK_ABORT);
        break;
    case OOTB_COOKIE_ECHO: /* input.c walks its chunks */
    case OOTB_DISCARD:
        input_drop(in, USCTP_DROP_OOTB);
        break;
    }
}
