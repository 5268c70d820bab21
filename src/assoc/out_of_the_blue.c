/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Packets that belong to no association (RFC 9260 8.4), and the ring of stateless replies.
 *
 * At most one reply a packet, never larger than fits the smallest path, limited by a token bucket;
 * a full ring means that the reply is dropped.
 */
#include "assoc/association.h"
#include "assoc/tag_rule.h"
#include "chunk/cause.h"
#include "chunk/control_chunk.h"

/* A bucket that holds a tenth of a second's replies, at least one. */
static bool take_token(struct usctp_engine *engine, uint64_t now_us) {
    uint64_t rate = engine->config.replies_per_second;
    uint64_t size = rate / 10 + 1;
    uint64_t elapsed = now_us - engine->reply_refill_us;
    uint64_t fresh = elapsed >= USCTP_S ? size : elapsed * rate / USCTP_S;
    if (fresh > 0) {
        engine->reply_tokens =
            engine->reply_tokens + fresh > size ? size : engine->reply_tokens + fresh;
        engine->reply_refill_us = now_us;
    }
    if (engine->reply_tokens == 0) {
        engine->counters.replies_limited++;
        return false;
    }
    engine->reply_tokens--;
    return true;
}

void out_of_the_blue_reply(struct inbound *in, const struct writer *w) {
    struct usctp_engine *engine = in->engine;
    size_t bytes = writer_used(w);
    if (w->overflow || in->summary.has_abort /* 9.1 */ || !take_token(engine, in->now_us))
        return;
    uint8_t *copy = NULL;
    if (engine->reply_count < engine->config.reply_ring_packets)
        copy = env_allocate_raw(&engine->env, bytes);
    if (!copy) {
        engine->counters.replies_dropped++;
        return;
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
                              .flags = USCTP_PACKET_MAY_FRAGMENT};
    engine->reply_count++;
    engine->counters.replies++;
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
    in->engine->counters.out_of_the_blue++;
    switch (tag_rule_out_of_the_blue(&in->summary, in->header.tag)) {
    case OOTB_INIT:
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
