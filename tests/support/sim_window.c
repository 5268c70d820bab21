/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Flow control seen from outside (RFC 9260 6.1 A, 6.2.1): from the packets alone, no sender ever
 * sends more new data than some SACK of the receiver's made room for; see simulation.h.
 *
 * A SACK allows, in all, what it acknowledges (cumulatively and by gap blocks) plus its a_rwnd;
 * INIT and INIT ACK allow the receive buffer. The largest of these that the receiver has ever said
 * is the limit; which of them have arrived does not matter, so the check is on the safe side. One
 * chunk more is a zero-window probe, when all else is acknowledged.
 */
#include "support/simulation.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of user data with TSNs up to and including the `index`-th. */
static uint64_t bytes_up_to(const struct sim_window *w, int64_t index) {
    if (index < 0 || w->count == 0)
        return 0;
    size_t last = (uint64_t)index < w->count ? (size_t)index : w->count - 1;
    return w->prefix[last];
}

static void start_window(struct sim_window *w, uint32_t tag, uint32_t tsn, uint64_t room) {
    w->tag = tag;
    w->first_tsn = tsn;
    w->count = 0;
    w->limit = room;
    w->acknowledged = 0;
    w->started = true;
}

static void add_chunk(struct sim_window *w, uint64_t bytes) {
    if (w->count == w->capacity) {
        w->capacity = w->capacity ? w->capacity * 2 : 256;
        w->prefix = realloc(w->prefix, w->capacity * sizeof *w->prefix);
        if (!w->prefix)
            abort();
    }
    uint64_t before = w->count ? w->prefix[w->count - 1] : 0;
    w->prefix[w->count++] = before + bytes;
}

static void on_data(struct simulation *s, unsigned sender, uint32_t tag,
                    const struct read_chunk *chunk) {
    struct sim_window *w = &s->window[sender];
    uint64_t bytes = chunk->value_bytes - 12;
    if (!w->started || w->tag != tag) /* the first DATA of an association, or after a restart */
        start_window(w, tag, chunk->tsn, s->scenario.config[1 - sender].receive_buffer_bytes);
    if (chunk->tsn - w->first_tsn != w->count)
        return; /* a retransmission */
    uint64_t before = bytes_up_to(w, (int64_t)w->count - 1);
    s->totals.tsn_wraps += w->count > 0 && chunk->tsn == 0;
    s->totals.ssn_wraps += chunk->ssn == UINT16_MAX && (chunk->flags & (BIT_U | BIT_E)) == BIT_E;
    add_chunk(w, bytes);
    bool probe = w->acknowledged == before;
    if (before + bytes > w->limit && !probe)
        test_fail(__FILE__, __LINE__,
                  "host %u: more than the peer's window: %" PRIu64 " bytes in all, %" PRIu64
                  " allowed, %" PRIu64 " acknowledged",
                  sender, before + bytes, w->limit, w->acknowledged);
}

static void on_sack(struct simulation *s, unsigned receiver, const struct read_chunk *chunk) {
    struct sim_window *w = &s->window[1 - receiver];
    if (!w->started)
        return;
    int64_t cumulative = (int32_t)(chunk->cumulative - w->first_tsn);
    if (cumulative < -1 || cumulative >= (int64_t)w->count)
        return; /* of the association before this one */
    uint64_t acknowledged = bytes_up_to(w, cumulative);
    for (unsigned i = 0; i < chunk->gap_count; i++) {
        int64_t start = cumulative + load16(chunk->value + 12 + 4 * i);
        int64_t end = cumulative + load16(chunk->value + 14 + 4 * i);
        acknowledged += bytes_up_to(w, end) - bytes_up_to(w, start - 1);
    }
    if (acknowledged > w->acknowledged)
        w->acknowledged = acknowledged;
    if (acknowledged + chunk->rwnd > w->limit)
        w->limit = acknowledged + chunk->rwnd;
}

void sim_window_packet(struct simulation *s, unsigned host, const struct read_packet *packet) {
    for (size_t i = 0; i < packet->chunk_count; i++) {
        const struct read_chunk *chunk = &packet->chunk[i];
        if (chunk->type == WIRE_DATA)
            on_data(s, host, packet->tag, chunk);
        else if (chunk->type == WIRE_SACK)
            on_sack(s, host, chunk);
        else if (chunk->type == WIRE_SHUTDOWN && s->window[1 - host].started) {
            struct sim_window *w = &s->window[1 - host];
            uint64_t acknowledged = bytes_up_to(w, (int32_t)(chunk->cumulative - w->first_tsn));
            if (acknowledged > w->acknowledged)
                w->acknowledged = acknowledged;
        }
    }
}

void sim_window_free(struct simulation *s) {
    free(s->window[0].prefix);
    free(s->window[1].prefix);
}
