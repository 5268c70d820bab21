/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What must hold of each packet that leaves a host (RFC 9260 3, 5.4, 6.1, 6.10, 8.5): read here
 * anew, without the engine's own parser.
 */
#include "sim/world.h"

#include "common/names.h"

#include <inttypes.h>

enum {
    DATA = 0,
    INIT = 1,
    INIT_ACK = 2,
    SACK = 3,
    ABORT = 6,
    SHUTDOWN = 7,
    SHUTDOWN_ACK = 8,
    COOKIE_ECHO = 10,
    COOKIE_ACK = 11,
    SHUTDOWN_COMPLETE = 14,
    HEADER_BYTES = 12,
    CHUNK_BYTES = 4,
    DATA_BYTES = 16,
    SACK_BYTES = 16,
};

/* A packet that is being looked at. */
struct reading {
    struct world *world;
    unsigned host;
    struct conversation *conversation; /* NULL: of no association that is known */
    const struct usctp_packet *packet;
    uint32_t chunks;
    bool has_data, has_abort;
};

static uint32_t get16(const uint8_t *at) {
    return (uint32_t)at[0] << 8 | at[1];
}

static uint32_t get32(const uint8_t *at) {
    return get16(at) << 16 | get16(at + 2);
}

static void wrong(const struct reading *r, const char *what) {
    world_violate(r->world, "host %c sends %s", "ab"[r->host], what);
}

/* RFC 9260 6.10 and 3: what stands together in a packet, and in which order. */
static void check_order(struct reading *r, unsigned type, bool is_last) {
    bool alone = type == INIT || type == INIT_ACK || type == SHUTDOWN_COMPLETE;
    if (alone && (r->chunks > 0 || !is_last))
        wrong(r, "INIT, INIT ACK or SHUTDOWN COMPLETE bundled with another chunk (RFC 9260 6.10)");
    if ((type == COOKIE_ECHO || type == COOKIE_ACK) && r->chunks > 0)
        wrong(r, "COOKIE ECHO or COOKIE ACK that is not first (RFC 9260 5.1)");
    if (r->has_data && type != DATA)
        wrong(r, "a control chunk behind DATA (RFC 9260 6.10)");
    if (r->has_abort)
        wrong(r, "a chunk behind ABORT (RFC 9260 3.3.7)");
    if (r->chunks == 0 && (type == INIT) != (get32(r->packet->data + 4) == 0))
        wrong(r, "a verification tag of 0 without INIT, or INIT with another (RFC 9260 8.5.1)");
}

/* In SHUTDOWN-ACK-SENT a host asks for nothing more, and DATA belongs to states that have it. */
static void check_state_of(const struct reading *r, unsigned type) {
    enum usctp_assoc_state state = r->conversation->state[r->host];
    bool asks = type == INIT || type == COOKIE_ECHO || type == DATA;
    if (asks && state == USCTP_SHUTDOWN_ACK_SENT)
        wrong(r, "INIT, COOKIE ECHO or DATA in SHUTDOWN-ACK-SENT (RFC 9260 9.2)");
    if (type == DATA && (state == USCTP_COOKIE_WAIT || state == USCTP_SHUTDOWN_SENT))
        wrong(r, "DATA in COOKIE-WAIT or SHUTDOWN-SENT (RFC 9260 6)");
    if (type == SACK && state == USCTP_COOKIE_WAIT)
        wrong(r, "SACK in COOKIE-WAIT");
}

static void take_chunk(struct reading *r, const uint8_t *chunk, uint32_t length) {
    unsigned type = chunk[0];
    /* What it acknowledges is of the association that the other host has. */
    bool is_heard = r->conversation != NULL && !r->conversation->is_behind[r->host];
    if (r->conversation != NULL)
        check_state_of(r, type);
    if (type == DATA && length <= DATA_BYTES)
        wrong(r, "DATA without user data (RFC 9260 3.3.1)");
    else if (type == DATA && r->conversation != NULL)
        window_data(r->world, r->conversation, r->host, get32(chunk + 4), length - DATA_BYTES);
    if (type == SACK && (length < SACK_BYTES ||
                         length != SACK_BYTES + 4 * get16(chunk + 12) + 4 * get16(chunk + 14)))
        wrong(r, "SACK whose length does not fit its counts (RFC 9260 3.3.4)");
    else if (type == SACK && is_heard)
        window_sack(r->world, r->conversation, r->host, chunk + CHUNK_BYTES);
    if (type == SHUTDOWN && length == 8 && is_heard)
        window_cumulative(r->world, r->conversation, r->host, get32(chunk + CHUNK_BYTES));
    r->has_data = r->has_data || type == DATA;
    r->has_abort = r->has_abort || type == ABORT;
}

/* One without IP fragments fits the interface. */
static void check_size(const struct reading *r) {
    const struct usctp_packet *p = r->packet;
    int path = network_path(r->world, r->host, &p->source, &p->destination);
    uint32_t header = p->destination.family == USCTP_FAMILY_IPV6 ? 40 : 20;
    if (path < 0)
        wrong(r, "a packet to no address of the other host");
    else if ((p->flags & USCTP_PACKET_MAY_FRAGMENT) == 0 &&
             p->length + header > r->world->scenario->paths[path].interface_mtu[r->host])
        wrong(r, "a packet that its interface cannot take whole (RFC 9260 6.9)");
}

void check_packet_out(struct world *w, unsigned host, const struct usctp_trace_record *record) {
    const struct usctp_packet *packet = record->packet;
    struct reading r = {.world = w,
                        .host = host,
                        .conversation =
                            record->assoc != 0 ? conversation_of(w, host, record->assoc) : NULL,
                        .packet = packet};
    uint32_t at = HEADER_BYTES;
    if (packet->length % 4 != 0 || packet->length <= HEADER_BYTES) {
        wrong(&r, "a packet without a chunk, or of a length that is no multiple of 4");
        return;
    }
    check_size(&r);
    while (at < packet->length) {
        uint32_t length = get16(packet->data + at + 2);
        if (length < CHUNK_BYTES || length > packet->length - at) {
            wrong(&r, "a chunk of impossible length (RFC 9260 3.2)");
            return;
        }
        uint32_t next = at + ((length + 3) & ~3u);
        check_order(&r, packet->data[at], next >= packet->length);
        take_chunk(&r, packet->data + at, length);
        r.chunks++;
        at = next;
    }
}

/* RFC 9260 5.4: what may go to an address that is not yet confirmed does not carry or acknowledge
 * data. */
void check_destination(struct world *w, unsigned host, const struct usctp_packet *packet) {
    const uint8_t *ports = packet->data;
    struct usctp_path_status path;
    uint32_t number = (host == 0 ? get16(ports) : get16(ports + 2)) - WORLD_BASE_PORT;
    if (number >= w->conversation_count)
        return;
    const struct conversation *c = &w->conversations[number];
    if (!conversation_is_live(c, host))
        return;
    int index = usctp_path_find(w->host[host].engine, c->assoc[host], &packet->destination);
    if (index < 0 ||
        usctp_path_status(w->host[host].engine, c->assoc[host], (uint32_t)index, &path) != 0 ||
        path.state != USCTP_PATH_STATE_UNCONFIRMED)
        return;
    for (uint32_t at = HEADER_BYTES; at < packet->length;) {
        unsigned type = packet->data[at];
        if (type == DATA || type == SACK || type == SHUTDOWN || type == SHUTDOWN_ACK)
            world_violate(w, "host %c sends %s to an unconfirmed address (RFC 9260 5.4)",
                          "ab"[host], names_chunk(type));
        at += (get16(packet->data + at + 2) + 3) & ~3u;
    }
}
