/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the user of one side of an association sends, and the proof that it arrives: each message
 * once, whole, with its own bytes, on its stream, and in order unless it was sent unordered
 * (RFC 9260 6.5, 6.6).  Across a restart (5.2.4 A) messages may be lost, those of the association
 * before; none of them may come in the one after it, whose own all have to.
 *
 * A message is known to its receiver by its payload protocol identifier, which is its number; its
 * bytes come from a table, from a place that association, host and number decide.
 */
#include "sim/world.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    PATTERN_BYTES = 4096,
    PIECE_BYTES = 65536,
    SLOW_PIECE_BYTES = 1024, /* at a time, by a reader who has a rate */
    FIRST_MESSAGES = 64,
    PURPOSE_FLOW = 2
};

static uint8_t pattern[PATTERN_BYTES];

static size_t pattern_start(const struct direction *d, uint64_t number) {
    uint64_t state = (uint64_t)d->conversation << 40 ^ (uint64_t)d->from << 39 ^ number;
    return (size_t)(world_random(&state) % PATTERN_BYTES);
}

static void fill(size_t at, uint8_t *out, size_t bytes) {
    while (bytes > 0) {
        size_t n = PATTERN_BYTES - at < bytes ? PATTERN_BYTES - at : bytes;
        memcpy(out, pattern + at, n);
        out += n;
        bytes -= n;
        at = 0;
    }
}

static bool matches(size_t at, const uint8_t *seen, size_t bytes) {
    while (bytes > 0) {
        size_t n = PATTERN_BYTES - at < bytes ? PATTERN_BYTES - at : bytes;
        if (memcmp(seen, pattern + at, n) != 0)
            return false;
        seen += n;
        bytes -= n;
        at = 0;
    }
    return true;
}

void direction_open(struct world *w, struct direction *d, unsigned from, uint32_t conversation) {
    uint64_t state = 0;
    for (size_t i = 0; i < PATTERN_BYTES; i++)
        pattern[i] = (uint8_t)(world_random(&state) >> 56);
    d->from = from;
    d->conversation = conversation;
    d->random_state = world_seed(w, PURPOSE_FLOW, conversation * 2 + from);
    for (unsigned i = 0; i < w->scenario->flow_count; i++) {
        const struct scenario_flow *flow = &w->scenario->flows[i];
        d->flow[i].finished = flow->from != from;
        d->flow[i].next_us = WORLD_START_US + flow->start_us;
        if (flow->from == from && flow->streams > d->streams)
            d->streams = flow->streams;
    }
    if (d->streams > 0) {
        d->sent_order = world_memory(d->streams, sizeof *d->sent_order);
        d->expected_order = world_memory(d->streams, sizeof *d->expected_order);
    }
}

void direction_close(struct direction *d) {
    free(d->ring);
    free(d->sent_order);
    free(d->expected_order);
}

static struct message *message_at(const struct direction *d, uint64_t number) {
    return &d->ring[number & (d->capacity - 1)];
}

/* ---- lives ---- */

void direction_renew(struct world *w, struct direction *d) {
    bool is_first = d->life++ == 0;
    if (d->life < d->reading)
        d->life = d->reading;
    if (is_first)
        return;
    for (uint64_t i = d->base; i < d->next; i++) {
        struct message *m = message_at(d, i);
        if (m->received || m->given_up)
            continue;
        m->given_up = true;
        d->flow[m->flow].sent_bytes -= m->bytes;
    }
    for (unsigned i = 0; i < w->scenario->flow_count; i++) {
        struct flow_state *state = &d->flow[i];
        const struct scenario_flow *flow = &w->scenario->flows[i];
        state->blocked = false;
        state->finished = flow->from != d->from ||
                          (flow->total_bytes > 0 && state->sent_bytes == flow->total_bytes);
        if (state->next_us < w->now_us) /* nobody sends while he is not there */
            state->next_us = w->now_us;
    }
    d->outstanding = 0;
    for (uint32_t i = 0; i < d->streams; i++)
        d->sent_order[i] = 0;
}

void direction_listen(struct direction *d, uint32_t reading) {
    d->reading = reading;
    d->may_advance = true;
    d->in_message = d->is_unread = false;
}

/* ---- sending ---- */

static struct message *message_add(struct direction *d) {
    if (d->next - d->base == d->capacity) {
        uint64_t capacity = d->capacity > 0 ? d->capacity * 2 : FIRST_MESSAGES;
        struct message *ring = world_memory(capacity, sizeof *ring);
        for (uint64_t i = d->base; i < d->next; i++)
            ring[i & (capacity - 1)] = *message_at(d, i);
        free(d->ring);
        d->ring = ring;
        d->capacity = capacity;
    }
    struct message *m = message_at(d, d->next++);
    memset(m, 0, sizeof *m);
    return m;
}

/* Draws the size of the next message, once. */
static uint32_t draw_size(struct direction *d, const struct scenario_flow *flow,
                          struct flow_state *state) {
    if (state->pending_bytes > 0)
        return state->pending_bytes;
    uint64_t span = (uint64_t)flow->max_bytes - flow->min_bytes + 1;
    uint64_t bytes = flow->min_bytes + (span > 1 ? world_random(&d->random_state) % span : 0);
    if (flow->total_bytes > 0 && bytes > flow->total_bytes - state->sent_bytes)
        bytes = flow->total_bytes - state->sent_bytes;
    state->pending_bytes = (uint32_t)bytes;
    return state->pending_bytes;
}

/* A flow with a rate keeps its schedule: what found no room is sent when there is some. */
static void schedule(const struct scenario_flow *flow, struct flow_state *state, uint32_t bytes) {
    if (flow->rate_bytes_per_s == 0)
        return;
    uint64_t work = (uint64_t)bytes * USCTP_S + state->remainder;
    state->next_us += work / flow->rate_bytes_per_s;
    state->remainder = work % flow->rate_bytes_per_s;
}

static bool draw_unordered(struct direction *d, const struct scenario_flow *flow) {
    if (flow->unordered <= 0)
        return false;
    return (double)(world_random(&d->random_state) >> 11) * 0x1p-53 < flow->unordered;
}

/* Sends one message of a flow. Returns false when there is nothing to send now. */
static bool send_one(struct world *w, struct direction *d, unsigned index, int32_t assoc) {
    static uint8_t memory[SCENARIO_MAX_MESSAGE];
    const struct scenario_flow *flow = &w->scenario->flows[index];
    struct flow_state *state = &d->flow[index];
    if (state->finished)
        return false;
    if (flow->stop_us != USCTP_NEVER && world_time_us(w) >= flow->stop_us) {
        state->finished = true;
        return false;
    }
    if (state->blocked || state->next_us > w->now_us)
        return false;
    uint32_t bytes = draw_size(d, flow, state);
    uint64_t random_state = d->random_state; /* drawn again for a message that is refused */
    bool unordered = draw_unordered(d, flow);
    struct usctp_send send = {.sid = (uint16_t)(state->messages % flow->streams),
                              .ppid = (uint32_t)d->next,
                              .flags = unordered ? USCTP_MESSAGE_UNORDERED : 0};
    struct usctp_slice slice = {memory, bytes};
    fill(pattern_start(d, d->next), memory, bytes);
    int error = usctp_assoc_send(w->host[d->from].engine, assoc, &send, &slice, 1, w->now_us);
    if (error == USCTP_ERR_AGAIN) {
        d->random_state = random_state;
        state->blocked = true;
        return false;
    }
    if (error != 0) {
        state->finished = true; /* its association ends, or ended */
        return false;
    }
    struct message *m = message_add(d);
    *m = (struct message){.bytes = bytes,
                          .sid = send.sid,
                          .unordered = unordered,
                          .life = d->life,
                          .flow = (uint8_t)index,
                          .order = unordered ? 0 : d->sent_order[send.sid]++,
                          .sent_us = w->now_us};
    if (d->sent_bytes == 0)
        d->first_sent_us = w->now_us;
    d->sent_bytes += bytes;
    d->outstanding++;
    state->sent_bytes += bytes;
    state->messages++;
    state->pending_bytes = 0;
    schedule(flow, state, bytes);
    if (flow->total_bytes > 0 && state->sent_bytes == flow->total_bytes)
        state->finished = true;
    return true;
}

void direction_send(struct world *w, struct direction *d, int32_t assoc) {
    unsigned idle = 0, count = w->scenario->flow_count;
    while (idle < count) { /* one message of each flow in turn */
        idle = send_one(w, d, d->turn, assoc) ? 0 : idle + 1;
        d->turn = (d->turn + 1) % count;
    }
}

void direction_unblock(struct direction *d) {
    for (unsigned i = 0; i < SCENARIO_MAX_FLOWS; i++)
        d->flow[i].blocked = false;
}

uint64_t direction_next(const struct world *w, const struct direction *d) {
    uint64_t next = USCTP_NEVER;
    for (unsigned i = 0; i < w->scenario->flow_count; i++) {
        const struct scenario_flow *flow = &w->scenario->flows[i];
        const struct flow_state *state = &d->flow[i];
        uint64_t at = state->blocked ? USCTP_NEVER : state->next_us;
        if (state->finished)
            continue;
        if (flow->stop_us != USCTP_NEVER && at > WORLD_START_US + flow->stop_us)
            at = WORLD_START_US + flow->stop_us; /* then it is finished */
        next = at < next ? at : next;
    }
    return next;
}

bool direction_is_finished(const struct world *w, const struct direction *d) {
    for (unsigned i = 0; i < w->scenario->flow_count; i++)
        if (!d->flow[i].finished)
            return false;
    return d->outstanding == 0;
}

/* ---- receiving ---- */

#define WHOSE "association %" PRIu32 ", from host %c: message %" PRIu64

/* The gap begins when the oldest message that is still missing was sent, or with the last
 * delivery. */
static void note_gap(struct world *w, struct direction *d) {
    uint64_t since_us = message_at(d, d->base)->sent_us;
    if (d->last_delivery_us > since_us)
        since_us = d->last_delivery_us;
    if (w->now_us - since_us > d->gap_us) {
        d->gap_us = w->now_us - since_us;
        d->gap_end_us = world_time_us(w);
    }
}

/* What has not come of earlier lives is lost. */
static void advance(struct world *w, struct direction *d, uint32_t life) {
    note_gap(w, d);
    d->reading = life;
    d->may_advance = false;
    while (message_at(d, d->base)->life < life)
        d->base++;
    for (uint32_t i = 0; i < d->streams; i++)
        d->expected_order[i] = 0;
}

static bool begin_message(struct world *w, struct direction *d, const struct usctp_received *got) {
    uint64_t number = d->base + (uint32_t)(got->ppid - (uint32_t)d->base);
    char from = "ab"[d->from];
    if (number >= d->next || message_at(d, number)->received) {
        world_violate(w, WHOSE " comes again, or was never sent", d->conversation, from, number);
        return false;
    }
    const struct message *m = message_at(d, number);
    if (m->life < d->reading || (m->life > d->reading && !d->may_advance)) {
        world_violate(w,
                      WHOSE " comes in another association than it was sent in (RFC 9260 5.2.4 A): "
                            "life %" PRIu32 ", not %" PRIu32,
                      d->conversation, from, number, m->life, d->reading);
        return false;
    }
    if (d->may_advance)
        advance(w, d, m->life);
    if (got->sid != m->sid || ((got->flags & USCTP_MESSAGE_UNORDERED) != 0) != m->unordered) {
        world_violate(w, WHOSE " comes on stream %u%s, sent on %u%s", d->conversation, from, number,
                      got->sid, (got->flags & USCTP_MESSAGE_UNORDERED) != 0 ? " unordered" : "",
                      m->sid, m->unordered ? " unordered" : "");
        return false;
    }
    if (!m->unordered && m->order != d->expected_order[m->sid]++) {
        world_violate(w, WHOSE " of stream %u comes out of order (RFC 9260 6.6)", d->conversation,
                      from, number, m->sid);
        return false;
    }
    d->in_message = true;
    d->current = number;
    d->current_offset = 0;
    return true;
}

static void note_delivery(struct world *w, struct direction *d, const struct usctp_received *got,
                          size_t bytes) {
    note_gap(w, d);
    d->last_delivery_us = w->now_us;
    d->delivered_bytes += bytes;
    int path = network_path(w, 1 - d->from, &(struct usctp_addr){0}, &got->source);
    if (path >= 0)
        d->path_bytes[path] += bytes;
}

static void end_message(struct world *w, struct direction *d) {
    struct message *m = message_at(d, d->current);
    if (d->current_offset != m->bytes)
        world_violate(w, WHOSE " has %" PRIu32 " bytes, not %" PRIu32, d->conversation,
                      "ab"[d->from], d -> current, d -> current_offset, m -> bytes);
    uint64_t latency_us = w->now_us - m->sent_us;
    d->latency_sum_us += latency_us;
    if (latency_us > d->latency_max_us)
        d->latency_max_us = latency_us;
    d->delivered_messages++;
    d->outstanding -= m->life == d->life;
    m->received = true;
    d->in_message = false;
    while (d->base < d->next && message_at(d, d->base)->received)
        d->base++;
}

static bool take_piece(struct world *w, struct direction *d, const struct usctp_received *got,
                       const uint8_t *bytes, size_t count) {
    if (!d->in_message && !begin_message(w, d, got))
        return false;
    uint64_t number = d->current;
    if (got->ppid != (uint32_t)number) {
        world_violate(w, WHOSE " has a piece of another inside", d->conversation, "ab"[d->from],
                      number);
        return false;
    }
    size_t at = (pattern_start(d, number) + d->current_offset) % PATTERN_BYTES;
    if (!matches(at, bytes, count)) {
        world_violate(w, WHOSE " has wrong bytes from offset %" PRIu32 " on", d->conversation,
                      "ab"[d->from], number, d -> current_offset);
        return false;
    }
    d->current_offset += (uint32_t)count;
    note_delivery(w, d, got, count);
    if ((got->flags & USCTP_MESSAGE_END) != 0)
        end_message(w, d);
    return true;
}

/* Returns false when a reader of that rate has to wait before he reads on; 0: never. */
static bool pace(const struct world *w, struct direction *d, uint64_t rate, size_t bytes) {
    if (rate == 0)
        return true;
    uint64_t work = bytes * (uint64_t)USCTP_S + d->read_remainder;
    d->read_us = (d->read_us > w->now_us ? d->read_us : w->now_us) + work / rate;
    d->read_remainder = work % rate;
    return d->read_us <= w->now_us;
}

static bool receive(struct world *w, struct direction *d, int32_t assoc, uint64_t rate) {
    static uint8_t memory[PIECE_BYTES];
    struct usctp_engine *engine = w->host[1 - d->from].engine;
    bool any = false, may_go_on = rate == 0 || d->read_us <= w->now_us;
    d->is_unread = !may_go_on;
    while (may_go_on) {
        struct usctp_slice slice = {memory, rate == 0 ? PIECE_BYTES : SLOW_PIECE_BYTES};
        struct usctp_received got;
        int64_t n = usctp_assoc_receive(engine, assoc, &got, &slice, 1, 0);
        if (n < 0) {
            if (any)
                usctp_assoc_received(engine, assoc, w->now_us);
            return n == USCTP_ERR_AGAIN;
        }
        any = true;
        if ((got.flags & USCTP_MESSAGE_NOTIFICATION) != 0) {
            if (got.notification.change == USCTP_RESTART)
                restart_told(w, d);
            continue;
        }
        if (!take_piece(w, d, &got, memory, (size_t)n))
            return false;
        may_go_on = pace(w, d, rate, (size_t)n);
        d->is_unread = !may_go_on;
    }
    if (any)
        usctp_assoc_received(engine, assoc, w->now_us);
    return true;
}

bool direction_receive(struct world *w, struct direction *d, int32_t assoc) {
    return receive(w, d, assoc, w->scenario->read_bytes_per_s[1 - d->from]);
}

void direction_receive_rest(struct world *w, struct direction *d, int32_t assoc) {
    (void)receive(w, d, assoc, 0);
}

uint64_t direction_next_read(const struct direction *d) {
    return d->is_unread ? d->read_us : USCTP_NEVER;
}
