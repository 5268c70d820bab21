/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Flow control seen from outside (RFC 9260 6.1 A, 6.2.1): from the packets alone, TSNs follow each
 * other, and no sender sends more new data than some SACK of the receiver's made room for.
 *
 * A SACK allows, in all, what it acknowledges (cumulatively and by gap blocks) plus its a_rwnd; the
 * handshake allows the receive buffer.  The largest of these that the receiver ever said is the
 * limit, whether it has arrived or not, so the check errs on the sender's side.  One chunk more is
 * a zero-window probe, when all else is acknowledged.
 */
#include "sim/world.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CHUNKS = 256 };

static uint32_t get16(const uint8_t *at) {
    return (uint32_t)at[0] << 8 | at[1];
}

static uint32_t get32(const uint8_t *at) {
    return get16(at) << 16 | get16(at + 2);
}

/* User data of all chunks up to this one, the index-th; those before base are acknowledged. */
static uint64_t bytes_up_to(const struct window *win, int64_t index) {
    if (index < (int64_t)win->base)
        return win->cumulative_bytes;
    if (index >= (int64_t)win->next)
        return win->sent_bytes;
    return win->totals[(uint64_t)index & (win->capacity - 1)];
}

static void add_chunk(struct window *win, uint32_t bytes) {
    if (win->next - win->base == win->capacity) {
        uint64_t capacity = win->capacity > 0 ? win->capacity * 2 : FIRST_CHUNKS;
        uint64_t *totals = world_memory(capacity, sizeof *totals);
        for (uint64_t i = win->base; i < win->next; i++)
            totals[i & (capacity - 1)] = win->totals[i & (win->capacity - 1)];
        free(win->totals);
        win->totals = totals;
        win->capacity = capacity;
    }
    win->sent_bytes += bytes;
    win->totals[win->next++ & (win->capacity - 1)] = win->sent_bytes;
}

void window_data(struct world *w, struct conversation *c, unsigned sender, uint32_t tsn,
                 uint32_t bytes) {
    struct window *win = &c->window[sender];
    if (!win->started) {
        win->started = true;
        win->first_tsn = tsn;
        win->limit_bytes = w->scenario->config[1 - sender].receive_buffer_bytes;
    }
    int32_t ahead = (int32_t)(tsn - (win->first_tsn + (uint32_t)win->next));
    if (ahead < 0)
        return; /* a retransmission */
    if (ahead > 0)
        world_violate(w,
                      "association %" PRIu32 ", host %c: TSN %" PRIu32 " leaves out %" PRId32
                      " (RFC 9260 6.1)",
                      c->number, "ab"[sender], tsn, ahead);
    uint64_t before = win->sent_bytes;
    add_chunk(win, bytes);
    if (win->sent_bytes > win->limit_bytes && win->acknowledged_bytes < before)
        world_violate(w,
                      "association %" PRIu32 ", host %c: more than the peer's window: %" PRIu64
                      " bytes in all, %" PRIu64 " allowed (RFC 9260 6.1 A)",
                      c->number, "ab"[sender], win -> sent_bytes, win -> limit_bytes);
}

/* Index of the last chunk that a cumulative TSN acknowledges, -1 for none. */
static int64_t index_of(const struct window *win, uint32_t cumulative) {
    uint32_t before_base = win->first_tsn + (uint32_t)win->base - 1;
    return (int64_t)win->base - 1 + (int32_t)(cumulative - before_base);
}

void window_cumulative(struct world *w, struct conversation *c, unsigned receiver,
                       uint32_t cumulative) {
    struct window *win = &c->window[1 - receiver];
    if (!win->started)
        return;
    int64_t index = index_of(win, cumulative);
    if (index >= (int64_t)win->next) {
        world_violate(w,
                      "association %" PRIu32 ", host %c acknowledges TSN %" PRIu32
                      ", which was never sent",
                      c->number, "ab"[receiver], cumulative);
        return;
    }
    win->cumulative_bytes = bytes_up_to(win, index);
    if (index + 1 > (int64_t)win->base)
        win->base = (uint64_t)(index + 1);
    if (win->cumulative_bytes > win->acknowledged_bytes)
        win->acknowledged_bytes = win->cumulative_bytes;
}

void window_sack(struct world *w, struct conversation *c, unsigned receiver, const uint8_t *sack) {
    struct window *win = &c->window[1 - receiver];
    uint32_t gaps = get16(sack + 8);
    window_cumulative(w, c, receiver, get32(sack));
    if (!win->started)
        return;
    int64_t cumulative = index_of(win, get32(sack));
    uint64_t acknowledged = win->cumulative_bytes;
    for (uint32_t i = 0; i < gaps; i++) {
        int64_t start = cumulative + get16(sack + 12 + 4 * i);
        int64_t end = cumulative + get16(sack + 14 + 4 * i);
        acknowledged += bytes_up_to(win, end) - bytes_up_to(win, start - 1);
    }
    if (acknowledged > win->acknowledged_bytes)
        win->acknowledged_bytes = acknowledged;
    if (acknowledged + get32(sack + 4) > win->limit_bytes)
        win->limit_bytes = acknowledged + get32(sack + 4);
}

void window_free(struct window *window) {
    free(window->totals);
    memset(window, 0, sizeof *window);
}
