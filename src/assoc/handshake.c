/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The four-way handshake (RFC 9260 5.1): INIT, INIT ACK, COOKIE ECHO, COOKIE ACK, T1, stale cookies
 * (5.2.6).
 *
 * Setup chunks that meet an existing association are in handshake_collision.c; the cookie's bytes
 * are in state_cookie.c.
 */
#include "assoc/association.h"
#include "chunk/cause.h"
#include "chunk/control_chunk.h"

#define MAX_REPLY_BYTES 4096u /* an INIT ACK */

/* ---- sending
 * --------------------------------------------------------------------------------------------------
 */

void handshake_fill_init(const struct assoc *a, struct init_content *content) {
    /* 5.1.2: a single address need not be listed: it is the packet's source. */
    *content =
        (struct init_content){.tag = a->local_tag,
                              .a_rwnd = a->config->receive_buffer_bytes,
                              .initial_tsn = a->local_initial_tsn,
                              .outbound_streams = a->wanted_streams,
                              .inbound_streams = a->offered_streams,
                              .addresses = a->local,
                              .address_count = a->local_count > 1 ? a->local_count : 0,
                              .lists_supported_types = true,
                              .supports_ipv4 = endpoint_has_family(a->endpoint, USCTP_FAMILY_IPV4),
                              .supports_ipv6 = endpoint_has_family(a->endpoint, USCTP_FAMILY_IPV6),
                              .cookie_preservative_ms = a->cookie_preservative_ms};
}

void handshake_begin(struct assoc *a, uint64_t now_us) {
    (void)now_us;
    association_enter_tag(a, association_new_tag(a->engine));
    association_set_state(a, USCTP_COOKIE_WAIT);
    a->t1_rto_us = (uint32_t)a->paths[0]->rto.rto_us; /* an hour at most */
    association_pend(a, PENDING_INIT);
}

void handshake_on_t1(struct assoc *a, uint64_t now_us) {
    (void)now_us;
    a->counters.t1_expiries++;
    if (++a->init_retransmits > a->config->max_init_retransmits) { /* 5.1: to the upper layer */
        association_end(a, USCTP_ERR_TIMED_OUT, 0, NULL);
        return;
    }
    uint64_t most = a->config->rto_max_us < a->config->max_init_timeout_us
                        ? a->config->rto_max_us
                        : a->config->max_init_timeout_us;
    uint64_t doubled_us = (uint64_t)a->t1_rto_us * 2;
    a->t1_rto_us = (uint32_t)(doubled_us < most ? doubled_us : most);
    /* 6.4.1: to another address, a confirmed one for the COOKIE ECHO (5.4). */
    for (uint32_t i = 1; i <= a->path_count; i++) {
        uint32_t next = (a->handshake_path + i) % a->path_count;
        if (!a->paths[next]->is_confirmed)
            continue;
        a->handshake_path = (uint8_t)next;
        break;
    }
    association_pend(a, a->state == USCTP_COOKIE_WAIT ? PENDING_INIT : PENDING_COOKIE_ECHO);
}

/* ---- INIT
 * -----------------------------------------------------------------------------------------------------
 */

void handshake_refuse(struct inbound *in, uint32_t tag, const uint8_t *causes, size_t bytes) {
    uint8_t memory[1024];
    struct writer w = writer_over(memory, sizeof memory);
    packet_begin(&w,
                 &(struct packet_header){in->header.destination_port, in->header.source_port, tag});
    control_chunk_write(&w, CHUNK_ABORT, 0, causes, bytes);
    out_of_the_blue_reply(in, &w);
}

/* 3.3.2, 3.3.2.1.4, 3.3.10.13: an INIT that cannot be. */
static void refuse_init(struct inbound *in, enum init_verdict verdict, const struct chunk *chunk,
                        const struct init_chunk *init) {
    uint8_t cause[64];
    struct writer w = writer_over(cause, sizeof cause);
    switch (verdict) {
    case INIT_OK:
        return;
    case INIT_ZERO_TAG:
        input_drop(in, USCTP_DROP_MALFORMED);
        return;
    case INIT_MALFORMED:
        if (chunk->value_bytes < INIT_FIXED_BYTES || init->tag == 0) {
            input_drop(in, USCTP_DROP_MALFORMED);
            return;
        }
        cause_write_violation(&w, "bad length");
        break;
    case INIT_ZERO_STREAMS:
    case INIT_SMALL_WINDOW:
        cause_write(&w, CAUSE_INVALID_PARAMETER, NULL, 0);
        break;
    case INIT_HOST_NAME:
        cause_write(&w, CAUSE_UNRESOLVABLE_ADDRESS, NULL, 0);
        break;
    }
    handshake_refuse(in, init->tag, cause, writer_used(&w));
}

/* 5.1.2: addresses of types that the peer neither says it supports nor uses are left out. */
static void drop_unsupported(struct address_list *list, const struct init_chunk *init,
                             const struct usctp_addr *source) {
    if (!init->has_supported_types)
        return;
    bool ipv4 = init->supports_ipv4, ipv6 = init->supports_ipv6;
    for (uint32_t i = 0; i < init->address_count; i++) {
        ipv4 |= init->addresses[i].family == USCTP_FAMILY_IPV4;
        ipv6 |= init->addresses[i].family == USCTP_FAMILY_IPV6;
    }
    uint32_t kept = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        uint32_t family = list->items[i].family;
        bool fits = family == USCTP_FAMILY_IPV4 ? ipv4 : family == USCTP_FAMILY_IPV6 ? ipv6 : true;
        if (fits || family == source->family)
            list->items[kept++] = list->items[i];
    }
    list->count = kept;
}

static void append_unrecognized(struct writer *w, const struct init_chunk *init, size_t limit) {
    for (uint32_t i = 0; i < init->unknown_count; i++) {
        size_t size = PARAM_HEADER_BYTES + padded4(init->unknown[i].length);
        if (writer_used(w) + size > limit)
            return; /* 12.4 */
        param_write(w, PARAM_UNRECOGNIZED, init->unknown[i].start, init->unknown[i].length);
    }
}

/* What of the peer's INIT the cookie keeps: not more than building the association needs (5.1.3).
 * Returns the bytes written, 0 when there is no room. */
static size_t condense_init(uint8_t *out, size_t room, const struct init_chunk *init) {
    struct usctp_addr addresses[USCTP_MAX_ADDRESSES];
    struct init_content content = {.tag = init->tag,
                                   .a_rwnd = init->a_rwnd,
                                   .initial_tsn = init->initial_tsn,
                                   .outbound_streams = init->outbound_streams,
                                   .inbound_streams = init->inbound_streams,
                                   .addresses = addresses};
    for (uint32_t i = 0; i < init->address_count; i++)
        if (addr_is_unicast(&init->addresses[i]))
            addresses[content.address_count++] = init->addresses[i];
    struct writer w = writer_over(out, room);
    uint8_t *header = init_chunk_begin(&w, CHUNK_INIT, &content);
    chunk_end(&w, header);
    return w.overflow ? 0 : writer_used(&w);
}

/* 5.1.3, 3.3.2.1.3: longer where the peer asks for it, within a limit (RFC 5062 6). */
static uint64_t cookie_life_us(struct usctp_engine *engine, const struct init_chunk *init,
                               const struct usctp_config *config) {
    uint64_t life_us = config->valid_cookie_life_us;
    uint64_t wanted_us = life_us + (uint64_t)init->cookie_preservative_ms * USCTP_MS;
    uint64_t most_us = config->max_cookie_life_us;
    if (wanted_us <= most_us || wanted_us == life_us)
        return wanted_us;
    engine->counters.cookie_lives_capped++;
    return life_us > most_us ? life_us : most_us;
}

/* What the cookie says besides tags, TSN and tie-tags, which the caller chose or left to us. */
static void fill_cookie(const struct inbound *in, const struct init_chunk *init,
                        const struct usctp_config *config, struct cookie_content *cookie) {
    const struct usctp_packet *packet = in->packet;
    if (cookie->local_tag == 0) {
        cookie->local_tag = association_new_tag(in->engine);
        cookie->local_initial_tsn = env_random32(&in->engine->env);
    }
    cookie->created_us = in->now_us;
    cookie->life_us = cookie_life_us(in->engine, init, config);
    cookie->local_port = in->header.destination_port;
    cookie->peer_port = in->header.source_port;
    cookie->outbound_streams = (uint16_t)config->outbound_streams;
    /* 3.3.3: not more than the peer takes; but 5.2.1: our own INIT's parameters, unchanged. */
    bool has_sent_init = in->assoc && (in->assoc->state == USCTP_COOKIE_WAIT ||
                                       in->assoc->state == USCTP_COOKIE_ECHOED);
    if (!has_sent_init && cookie->outbound_streams > init->inbound_streams)
        cookie->outbound_streams = init->inbound_streams;
    cookie->inbound_streams = (uint16_t)config->max_inbound_streams;
    cookie->udp_port = packet->udp_source;
    cookie->source = packet->source;
    cookie->destination = packet->destination;
}

void handshake_reply_init_ack(struct inbound *in, const struct init_chunk *init,
                              const struct cookie_content *chosen, const struct endpoint *ep,
                              const struct usctp_config *config) {
    struct usctp_engine *engine = in->engine;
    struct address_list list;
    if (!out_of_the_blue_may_init_ack(engine, in->now_us))
        return; /* before the random numbers and the keyed hash that it would cost */
    const struct address_choice choice = endpoint_address_choice(engine, ep);
    address_list_select(&list, &choice, &in->packet->source);
    drop_unsupported(&list, init, &in->packet->source);

    uint8_t memory[MAX_REPLY_BYTES], bytes[MAX_REPLY_BYTES], kept[COOKIE_MAX_INIT_BYTES];
    struct cookie_content cookie = *chosen;
    fill_cookie(in, init, config, &cookie);
    cookie.init = kept;
    cookie.init_bytes = (uint16_t)condense_init(kept, sizeof kept, init);
    if (cookie.init_bytes == 0)
        return;
    size_t cookie_bytes =
        state_cookie_write(bytes, sizeof bytes, &cookie, &engine->cookie_keys, &engine->env);
    if (cookie_bytes == 0)
        return;
    struct writer w = writer_over(memory, sizeof memory);
    packet_begin(&w, &(struct packet_header){in->header.destination_port, in->header.source_port,
                                             init->tag});
    const struct init_content content = {.tag = cookie.local_tag,
                                         .a_rwnd = config->receive_buffer_bytes,
                                         .initial_tsn = cookie.local_initial_tsn,
                                         .outbound_streams = cookie.outbound_streams,
                                         .inbound_streams = cookie.inbound_streams,
                                         .addresses = list.items,
                                         .address_count = list.count > 1 ? list.count : 0};
    uint8_t *header = init_chunk_begin(&w, CHUNK_INIT_ACK, &content);
    if (!header)
        return;
    param_write(&w, PARAM_STATE_COOKIE, bytes, cookie_bytes);
    append_unrecognized(&w, init, config->pmtu_default_bytes - 60);
    chunk_end(&w, header);
    out_of_the_blue_init_ack(in, &w, config);
}

void handshake_on_init(struct inbound *in, const struct chunk *chunk) {
    struct init_chunk init;
    if (in->summary.count != 1 || in->summary.malformed ||
        in->header.tag != 0) { /* 6.10, 8.5.1 A */
        input_drop(in, USCTP_DROP_MALFORMED);
        return;
    }
    enum init_verdict verdict = init_chunk_parse(chunk, &init);
    if (verdict != INIT_OK) {
        refuse_init(in, verdict, chunk, &init);
        return;
    }
    in->engine->counters.addresses_ignored += init.ignored_address_count;
    struct path *listed = in->assoc ? NULL : handshake_find_listed(in, &init);
    if (listed)
        in->assoc = listed->assoc;
    if (in->assoc) {
        handshake_collision_on_init(in, &init);
        return;
    }
    struct endpoint *ep =
        endpoint_find_listener(in->engine, &in->packet->destination, in->header.destination_port);
    if (!ep) { /* 8.4 rule 3: the INIT's tag, T bit clear */
        in->engine->counters.out_of_the_blue++;
        handshake_refuse(in, init.tag, NULL, 0);
        return;
    }
    if (!admission_check(in, ep, &in->packet->source, init.tag)) /* 5.1: lack of resources */
        return;
    struct cookie_content cookie = {0};
    handshake_reply_init_ack(in, &init, &cookie, ep, ep->config);
}

/* ---- what the peer said
 * --------------------------------------------------------------------------------------- */

int handshake_load_peer(struct assoc *a, const struct init_chunk *init,
                        const struct usctp_addr *source, uint64_t now_us) {
    struct env *env = &a->engine->env;
    (void)now_us;
    uint16_t udp_port = a->path_count > 0 ? a->paths[0]->udp_port : 0;
    if (handshake_load_paths(a, init, source, udp_port))
        return USCTP_ERR_NO_MEMORY;
    received_tsn_free(&a->received, env);
    received_tsn_init(&a->received, init->initial_tsn, a->config->max_duplicate_reports);
    a->peer_tag = init->tag;
    a->peer_rwnd = a->peer_rwnd_max = init->a_rwnd;
    /* 5.1.1 */
    a->outbound_streams =
        a->wanted_streams < init->inbound_streams ? a->wanted_streams : init->inbound_streams;
    a->inbound_streams =
        a->offered_streams < init->outbound_streams ? a->offered_streams : init->outbound_streams;
    for (uint32_t i = 0; i < a->path_count; i++)
        path_reset_congestion(a->paths[i]);
    return 0;
}

/* ---- INIT ACK
 * -------------------------------------------------------------------------------------------------
 */

/* An INIT ACK that cannot be: the association ends, the peer is told (3.3.3, erratum
 * 7148, 3.3.10.2). */
static void reject_init_ack(struct inbound *in, enum init_verdict verdict,
                            const struct init_chunk *init) {
    struct assoc *a = in->assoc;
    uint8_t cause[64];
    struct writer w = writer_over(cause, sizeof cause);
    const uint16_t missing = PARAM_STATE_COOKIE;
    a->peer_tag = init->tag;
    if (in->path && in->path->is_confirmed)
        a->data_path = in->path->index; /* 5.1.2 B: the ABORT goes where this came from */
    if (init->tag == 0)                 /* 3.3.3: the T bit, and the tag reflected */
        out_of_the_blue_reflect(in, CHUNK_ABORT);
    switch (verdict) {
    case INIT_OK:
        cause_write_missing_parameters(&w, &missing, 1);
        break;
    case INIT_MALFORMED:
        cause_write_violation(&w, "impossible length in INIT ACK");
        break;
    case INIT_ZERO_TAG:
        break;
    case INIT_ZERO_STREAMS:
    case INIT_SMALL_WINDOW:
        cause_write(&w, CAUSE_INVALID_PARAMETER, NULL, 0);
        break;
    case INIT_HOST_NAME:
        cause_write(&w, CAUSE_UNRESOLVABLE_ADDRESS, NULL, 0);
        break;
    }
    termination_abort(a, cause, writer_used(&w), USCTP_ERR_PROTOCOL);
}

static bool keep_cookie(struct assoc *a, const struct init_chunk *init) {
    struct env *env = &a->engine->env;
    uint8_t *copy = env_allocate_raw(env, init->cookie_bytes);
    if (!copy)
        return false;
    memcpy(copy, init->cookie, init->cookie_bytes);
    env_release(env, a->cookie, a->cookie_bytes);
    a->cookie = copy;
    a->cookie_bytes = init->cookie_bytes;
    return true;
}

/* 3.2.1: parameters of the INIT ACK that we do not know go back in an ERROR with the COOKIE ECHO.
 */
static void report_unknown(struct inbound *in, const struct init_chunk *init) {
    uint8_t cause[512];
    struct writer params = writer_over(cause + 4, sizeof cause - 4),
                  whole = writer_over(cause, sizeof cause);
    for (uint32_t i = 0; i < init->unknown_count; i++) {
        if (writer_room(&params) < padded4(init->unknown[i].length))
            break;
        writer_put(&params, init->unknown[i].start, init->unknown[i].length);
        writer_pad4(&params);
    }
    size_t bytes = writer_used(&params);
    /* 5.1 C: it goes in the COOKIE ECHO's packet (with a HEARTBEAT, 5.4) or not at all. */
    size_t packet_bytes = PACKET_HEADER_BYTES + 2 * CHUNK_HEADER_BYTES +
                          padded4(in->assoc->cookie_bytes) + 4 + bytes + PATH_HEARTBEAT_CHUNK_BYTES;
    const struct path *p = in->assoc->paths[in->assoc->handshake_path];
    if (bytes == 0 || packet_bytes > path_packet_bytes(p))
        return;
    put16(writer_take(&whole, 4), CAUSE_UNRECOGNIZED_PARAMETERS);
    put16(cause + 2, (uint16_t)(4 + bytes));
    error_chunk_report(in, cause, 4 + bytes);
}

enum chunk_verdict handshake_on_init_ack(struct inbound *in, const struct chunk *chunk) {
    struct assoc *a = in->assoc;
    struct init_chunk init;
    if (in->summary.count != 1 || in->summary.malformed) { /* 6.10 */
        input_drop(in, USCTP_DROP_MALFORMED);
        return CHUNK_DROP_PACKET;
    }
    if (chunk->value_bytes < INIT_FIXED_BYTES) {
        input_drop(in, USCTP_DROP_MALFORMED);
        return CHUNK_DROP_PACKET;
    }
    enum init_verdict verdict = init_chunk_parse(chunk, &init);
    if (verdict != INIT_OK || !init.cookie) {
        reject_init_ack(in, verdict, &init);
        return CHUNK_DROP_PACKET;
    }
    /* Who has none of the addresses that the user gave is not whom he meant (5.4). */
    if (!handshake_has_confirmed(a, &init, &in->packet->source)) {
        input_drop(in, USCTP_DROP_ADDRESS);
        return CHUNK_DROP_PACKET;
    }
    bool is_round_trip =
        a->init_retransmits == 0 && in->path && in->path->index == a->handshake_path;
    /* Memory short: as if it had been lost; T1-init asks again. */
    if (!keep_cookie(a, &init) || handshake_load_peer(a, &init, &in->packet->source, in->now_us))
        return CHUNK_DROP_PACKET;
    timer_stop(&a->t1, &a->engine->timers);
    in->path = path_find(a, &in->packet->source);
    if (is_round_trip)
        path_measured(in->path, in->now_us - a->handshake_sent_us);
    else if (a->init_retransmits > 0 && in->path->is_confirmed)
        a->primary = a->data_path = in->path->index; /* the one that answers */
    if (!a->paths[a->primary]->is_confirmed && in->path->is_confirmed)
        a->primary = a->data_path = in->path->index;
    a->handshake_path = (uint8_t)path_manager_control_path(a, in->path->index)->index;
    a->init_retransmits = 0;
    a->t1_rto_us = (uint32_t)a->paths[a->handshake_path]->rto.rto_us;
    a->pending &= ~(uint32_t)PENDING_INIT;
    association_set_state(a, USCTP_COOKIE_ECHOED);
    report_unknown(in, &init);
    association_pend(a, PENDING_COOKIE_ECHO);
    return CHUNK_DROP_PACKET;
}

/* ---- COOKIE ECHO
 * ---------------------------------------------------------------------------------------------- */

void handshake_send_stale_cookie(struct inbound *in, uint32_t peer_tag, uint64_t staleness_us) {
    uint8_t memory[64], cause[8];
    struct writer w = writer_over(memory, sizeof memory), c = writer_over(cause, sizeof cause);
    cause_write_stale_cookie(&c, staleness_us > UINT32_MAX ? UINT32_MAX : (uint32_t)staleness_us);
    packet_begin(
        &w, &(struct packet_header){in->header.destination_port, in->header.source_port, peer_tag});
    control_chunk_write(&w, CHUNK_ERROR, 0, cause, writer_used(&c));
    out_of_the_blue_reply(in, &w);
}

/* 5.1.5 steps 1-3; the INIT in the cookie is parsed like one from the network. */
static bool open_cookie(const struct inbound *in, const struct chunk *chunk,
                        struct cookie_content *cookie, struct init_chunk *init) {
    struct usctp_engine *engine = in->engine;
    if (!state_cookie_open(chunk->value, chunk->value_bytes, &engine->cookie_keys, cookie,
                           &engine->env))
        return false;
    if (cookie->local_tag != in->header.tag || cookie->local_port != in->header.destination_port ||
        cookie->peer_port != in->header.source_port)
        return false;
    struct tlv_cursor cursor = tlv_over(cookie->init, cookie->init_bytes);
    struct chunk init_chunk;
    return chunk_next(&cursor, &init_chunk) == TLV_ITEM && init_chunk.type == CHUNK_INIT &&
           init_chunk_parse(&init_chunk, init) == INIT_OK;
}

/* 5.2.4: an existing association with any of the addresses that the peer has. */
static struct assoc *find_existing(const struct inbound *in, const struct cookie_content *cookie,
                                   const struct init_chunk *init) {
    if (in->assoc)
        return in->assoc;
    struct path *p = association_path_by_address(in->engine, &cookie->source, cookie->local_port,
                                                 cookie->peer_port);
    if (!p)
        p = handshake_find_listed(in, init);
    return p ? p->assoc : NULL;
}

/* Builds what the cookie describes. Returns NULL when memory is short: as if the COOKIE ECHO had
 * been lost. */
static struct assoc *build(struct inbound *in, struct endpoint *ep,
                           const struct cookie_content *cookie, const struct init_chunk *init) {
    struct assoc *a = association_new(in->engine, ep, cookie->peer_port);
    if (!a)
        return NULL;
    association_enter_tag(a, cookie->local_tag);
    a->wanted_streams = cookie->outbound_streams;
    a->offered_streams = cookie->inbound_streams;
    /* 5.4 rule 2: where the INIT ACK was sent is confirmed. */
    if (association_set_initial_tsn(a, cookie->local_initial_tsn) ||
        admission_enter(a, &cookie->source) || association_list_local(a, &cookie->source) ||
        !path_add(a, &cookie->source, true, cookie->udp_port) ||
        handshake_load_peer(a, init, &cookie->source, in->now_us)) {
        association_delete(a);
        return NULL;
    }
    a->paths[0]->source = cookie->destination;
    return a;
}

void handshake_acknowledge_cookie(struct inbound *in) {
    /* 9.1: no answer to a packet with an ABORT; one that an unknown chunk hid (3.2) has no effect,
       and the peer's T1-cookie asks again. */
    if (!in->summary.has_abort)
        association_pend(in->assoc, PENDING_COOKIE_ACK);
    association_touch(in->assoc);
}

static enum chunk_verdict accept_cookie(struct inbound *in, const struct cookie_content *cookie,
                                        const struct init_chunk *init) {
    struct usctp_engine *engine = in->engine;
    struct endpoint *ep =
        endpoint_find_listener(engine, &in->packet->destination, in->header.destination_port);
    if (!ep) {
        handshake_refuse(in, init->tag, NULL, 0);
        return CHUNK_DROP_PACKET;
    }
    if (!admission_check(in, ep, &cookie->source, init->tag))
        return CHUNK_DROP_PACKET;
    struct assoc *a = build(in, ep, cookie, init);
    if (!a) {
        input_drop(in, USCTP_DROP_MEMORY);
        return CHUNK_DROP_PACKET;
    }
    a->is_waiting = true;
    TAILQ_INSERT_TAIL(&ep->waiting, a, waiting_link);
    ep->waiting_count++;
    endpoint_raise(engine, ep, USCTP_EVENT_INCOMING);
    in->assoc = a;
    in->path = path_find(a, &in->packet->source);
    a->handshake_path = in->path && in->path->is_confirmed ? in->path->index : 0;
    engine->counters.passive_establishments++;
    a->counters.packets_in++;
    association_establish(a, in->now_us);
    handshake_acknowledge_cookie(in);
    return CHUNK_DONE;
}

enum chunk_verdict handshake_on_cookie_echo(struct inbound *in, const struct chunk *chunk) {
    struct cookie_content cookie;
    struct init_chunk init;
    if (in->chunk_index != 0) { /* 3.3.11: the first chunk in the packet */
        input_drop(in, USCTP_DROP_STATE);
        return CHUNK_DONE;
    }
    if (!open_cookie(in, chunk, &cookie, &init)) {
        input_drop(in, USCTP_DROP_COOKIE);
        return CHUNK_DROP_PACKET;
    }
    uint64_t expires_us = cookie.created_us + cookie.life_us;
    bool is_stale = in->now_us > expires_us;
    in->assoc = find_existing(in, &cookie, &init);
    if (in->assoc) {
        in->path = path_find(in->assoc, &in->packet->source);
        if (is_stale)
            in->engine->counters.dropped[USCTP_DROP_STALE]++;
        return handshake_collision_on_cookie(in, &cookie, &init, is_stale);
    }
    if (is_stale) { /* 5.1.5 step 4 */
        input_drop(in, USCTP_DROP_STALE);
        handshake_send_stale_cookie(in, init.tag, in->now_us - expires_us);
        return CHUNK_DROP_PACKET;
    }
    return accept_cookie(in, &cookie, &init);
}

/* ---- COOKIE ACK, Stale Cookie
 * --------------------------------------------------------------------------------- */

enum chunk_verdict handshake_on_cookie_ack(struct inbound *in, const struct chunk *chunk) {
    struct assoc *a = in->assoc;
    (void)chunk;
    if (a->init_retransmits == 0 && in->path->index == a->handshake_path)
        path_measured(in->path, in->now_us - a->handshake_sent_us);
    a->engine->counters.active_establishments++;
    association_establish(a, in->now_us);
    return CHUNK_DONE;
}

void handshake_on_stale_cookie(struct inbound *in, uint32_t staleness_us) {
    struct assoc *a = in->assoc;
    (void)staleness_us;
    timer_stop(&a->t1, &a->engine->timers);
    if (++a->stale_cookies > a->config->max_init_retransmits) {
        association_end(a, USCTP_ERR_TIMED_OUT, CAUSE_STALE_COOKIE, NULL);
        return;
    }
    /* Alternative 3: ask for the measured round trip and a second more. */
    uint64_t rtt_us = in->now_us - a->handshake_sent_us;
    if (rtt_us > a->config->rto_max_us)
        rtt_us = a->config->rto_max_us;
    a->cookie_preservative_ms = (uint32_t)(rtt_us / USCTP_MS) + 1000;
    a->init_retransmits = 0;
    a->peer_tag = 0;
    /* Nothing but the INIT may leave in COOKIE-WAIT. */
    association_drop_control(a);
    a->pending &= ~(uint32_t)PENDING_COOKIE_ECHO;
    association_set_state(a, USCTP_COOKIE_WAIT);
    association_pend(a, PENDING_INIT);
}
