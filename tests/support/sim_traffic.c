/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The users of a simulation: what they send, how they read, and that each message arrives once, in
 * the order of its stream, with its own bytes; see simulation.h.
 *
 * A message is known to its receiver by the payload protocol identifier, which is its number; its
 * bytes are a function of host, number and offset.
 */
#include "support/simulation.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define LARGEST_MESSAGE 300000u
#define PIECE_BYTES     65536u

/* What a message's words are made of. */
static uint64_t message_key(unsigned host, uint32_t number) {
    uint64_t state = ((uint64_t)host << 62) ^ ((uint64_t)number << 24);
    return random_step(&state);
}

static uint64_t word_at(uint64_t key, uint64_t index) {
    uint64_t word = (key + index) * 0x9e3779b97f4a7c15u;
    return word ^ (word >> 29);
}

static void fill(unsigned host, uint32_t number, uint8_t *out, size_t bytes) {
    uint64_t key = message_key(host, number);
    for (size_t at = 0; at < bytes; at += 8) {
        uint64_t word = word_at(key, at / 8);
        memcpy(out + at, &word, bytes - at < 8 ? bytes - at : 8);
    }
}

static bool matches(unsigned host, uint32_t number, uint64_t offset, const uint8_t *bytes,
                    size_t count) {
    uint64_t key = message_key(host, number);
    size_t i = 0;
    while (i < count) {
        uint64_t word = word_at(key, (offset + i) / 8), seen;
        size_t skip = (offset + i) % 8, n = 8 - skip;
        if (n > count - i)
            n = count - i;
        if (n == 8) {
            memcpy(&seen, bytes + i, sizeof seen);
            if (seen != word)
                return false;
        } else if (memcmp((const uint8_t *)&word + skip, bytes + i, n) != 0) {
            return false;
        }
        i += n;
    }
    return true;
}

static uint32_t draw_size(uint64_t *r, uint32_t limit) {
    uint64_t kind = sim_draw(r, 0, 99);
    uint64_t bytes = kind < 40   ? sim_draw(r, 1, 100)
                     : kind < 80 ? sim_draw(r, 100, 3000)
                     : kind < 96 ? sim_draw(r, 3000, 30000)
                                 : sim_draw(r, 30000, LARGEST_MESSAGE);
    return (uint32_t)(bytes > limit ? limit : bytes);
}

/* Enough ordered messages of one stream for its SSN to wrap. */
static void plan_flood(struct simulation *s, struct sim_user *user) {
    user->message_count = (uint32_t)sim_draw(&s->random_state, 65600, SIM_MAX_MESSAGES);
    for (uint32_t i = 0; i < user->message_count; i++)
        user->messages[i] =
            (struct sim_message){.bytes = (uint32_t)sim_draw(&s->random_state, 1, 4), .order = i};
}

void sim_traffic_plan(struct simulation *s) {
    for (unsigned host = 0; host < 2; host++) {
        struct sim_user *user = &s->user[host];
        user->messages = malloc(SIM_MAX_MESSAGES * sizeof *user->messages);
        if (!user->messages)
            abort();
        if (s->scenario.flood && host == 0) {
            plan_flood(s, user);
            continue;
        }
        const struct usctp_config *mine = &s->scenario.config[host],
                                  *other = &s->scenario.config[1 - host];
        uint32_t streams = mine->outbound_streams < other->max_inbound_streams
                               ? mine->outbound_streams
                               : other->max_inbound_streams;
        uint32_t left = s->scenario.traffic_bytes[host];
        while (left > 0 && user->message_count < SIM_MAX_MESSAGES) {
            struct sim_message *m = &user->messages[user->message_count++];
            memset(m, 0, sizeof *m);
            m->bytes = draw_size(&s->random_state, mine->send_buffer_bytes / 2);
            if (m->bytes > left)
                m->bytes = left;
            left -= m->bytes;
            m->sid = (uint16_t)sim_draw(&s->random_state, 0, streams - 1);
            m->unordered = sim_draw(&s->random_state, 1, 100) <= s->scenario.unordered_percent;
            if (!m->unordered)
                m->order = user->ordered_sent[m->sid]++;
        }
    }
}

void sim_traffic_free(struct simulation *s) {
    free(s->user[0].messages);
    free(s->user[1].messages);
}

/* ---- sending ---- */

static void send_one(struct simulation *s, unsigned number) {
    static uint8_t payload[LARGEST_MESSAGE + 8];
    struct host *host = &s->hosts->host[number];
    struct sim_user *user = &s->user[number];
    struct sim_message *m = &user->messages[user->next_message];
    fill(number, user->next_message, payload, m->bytes);
    struct usctp_send send;
    memset(&send, 0, sizeof send);
    send.sid = m->sid;
    send.ppid = user->next_message + 1;
    send.flags = m->unordered ? USCTP_MESSAGE_UNORDERED : 0;
    if (m->bytes % 7 == 0)
        send.flags |= USCTP_MESSAGE_SACK_IMMEDIATELY;
    if (s->scenario.fiddles &&
        sim_draw(&s->random_state, 0, 9) == 0) { /* to a path of its choice */
        send.flags |= USCTP_MESSAGE_TO_PATH;
        send.path =
            (uint32_t)sim_draw(&s->random_state, 0, host_status(s->hosts, number).path_count - 1);
    }
    struct usctp_slice slices[2] = {{payload, m->bytes / 3},
                                    {payload + m->bytes / 3, m->bytes - m->bytes / 3}};
    int error = usctp_assoc_send(host->engine, host->assoc, &send, slices, 2, s->hosts->now_us);
    if (error == USCTP_ERR_AGAIN) {
        host->events &= ~(uint32_t)USCTP_EVENT_WRITABLE;
        user->next_send_us = USCTP_NEVER; /* WRITABLE wakes it */
        return;
    }
    if (error == USCTP_ERR_SHUTDOWN || (error != 0 && host->closed)) {
        user->stopped = true;
        return;
    }
    if (error != 0)
        test_fail(__FILE__, __LINE__, "host %u: sending %" PRIu32 " bytes on stream %u: error %d",
                  number, m->bytes, m->sid, error);
    m->accepted = true;
    user->next_message++;
    uint64_t interval = s->scenario.send_interval_us[number];
    user->next_send_us =
        s->hosts->now_us + (interval ? sim_draw(&s->random_state, 1, interval) : 0);
}

static void send_messages(struct simulation *s, unsigned number) {
    struct sim_user *user = &s->user[number];
    if (user->stopped || user->paused || s->hosts->host[number].assoc == 0)
        return;
    if ((s->hosts->host[number].events & USCTP_EVENT_WRITABLE) && user->next_send_us == USCTP_NEVER)
        user->next_send_us = s->hosts->now_us;
    while (!user->stopped && user->next_message < user->message_count &&
           user->next_send_us <= s->hosts->now_us)
        send_one(s, number);
    if (user->next_message == user->message_count)
        user->next_send_us = USCTP_NEVER;
}

/* ---- reading ---- */

static void end_message(struct simulation *s, unsigned reader, uint32_t number) {
    struct sim_user *user = &s->user[reader];
    struct sim_message *m = &s->user[1 - reader].messages[number];
    if (user->current_offset != m->bytes)
        test_fail(__FILE__, __LINE__,
                  "host %u: message %" PRIu32 " has %" PRIu32 " bytes, not %" PRIu32, reader,
                  number, user->current_offset, m->bytes);
    if (m->received)
        test_fail(__FILE__, __LINE__, "host %u: message %" PRIu32 " came twice", reader, number);
    m->received = true;
    user->received++;
    user->in_message = false;
}

/* Ordered messages of a stream begin in the order in which they were sent, and none is left out. */
static void begin_message(struct simulation *s, unsigned reader,
                          const struct usctp_received *info) {
    struct sim_user *user = &s->user[reader], *sender = &s->user[1 - reader];
    uint32_t number = info->ppid - 1;
    if (number >= sender->next_message)
        test_fail(__FILE__, __LINE__, "host %u: message %" PRIu32 " was never sent", reader,
                  number);
    struct sim_message *m = &sender->messages[number];
    REQUIRE_EQ(info->sid, m->sid);
    REQUIRE_EQ((info->flags & USCTP_MESSAGE_UNORDERED) != 0, m->unordered);
    if (!m->unordered) {
        for (uint32_t i = number; i-- > 0 && m->order > user->expected_order[m->sid];) {
            const struct sim_message *other = &sender->messages[i];
            if (other->sid != m->sid || other->unordered)
                continue;
            if (other->order < user->expected_order[m->sid])
                break;
            if (!other->optional)
                test_fail(__FILE__, __LINE__,
                          "host %u: message %" PRIu32 " came before message %" PRIu32
                          " of stream %u",
                          reader, number, i, m->sid);
        }
        if (m->order < user->expected_order[m->sid])
            test_fail(__FILE__, __LINE__, "host %u: message %" PRIu32 " of stream %u came late",
                      reader, number, m->sid);
        user->expected_order[m->sid] = m->order + 1;
    }
    user->in_message = true;
    user->current = number;
    user->current_offset = 0;
}

static void take_piece(struct simulation *s, unsigned reader, const struct usctp_received *info,
                       const uint8_t *bytes, size_t count) {
    struct sim_user *user = &s->user[reader];
    if (!user->in_message)
        begin_message(s, reader, info);
    else if (info->ppid - 1 != user->current)
        test_fail(__FILE__, __LINE__,
                  "host %u: a piece of message %" PRIu32 " inside message %" PRIu32, reader,
                  info->ppid - 1, user->current);
    if (!matches(1 - reader, user->current, user->current_offset, bytes, count))
        test_fail(__FILE__, __LINE__,
                  "host %u: message %" PRIu32 ": wrong bytes from offset %" PRIu32 " on", reader,
                  user->current, user->current_offset);
    user->current_offset += (uint32_t)count;
    user->received_bytes += count;
    if (info->flags & USCTP_MESSAGE_END)
        end_message(s, reader, user->current);
}

static void take_notification(struct simulation *s, unsigned reader,
                              const struct usctp_notification *n) {
    struct sim_user *user = &s->user[reader];
    if (n->kind == USCTP_NOTIFY_PARTIAL_DELIVERY_ABORTED ||
        (n->kind == USCTP_NOTIFY_ASSOC_CHANGE && n->change == USCTP_RESTART))
        user->in_message = false;
    if (n->kind == USCTP_NOTIFY_ASSOC_CHANGE && n->change == USCTP_RESTART) {
        user->restarts_seen++;
        memset(user->expected_order, 0, sizeof user->expected_order);
    }
}

static void read_messages(struct simulation *s, unsigned number) {
    static uint8_t memory[PIECE_BYTES];
    struct host *host = &s->hosts->host[number];
    struct sim_user *user = &s->user[number];
    uint64_t now_us = s->hosts->now_us;
    if (host->assoc == 0 || user->at_end || user->next_read_us > now_us)
        return;
    /* Who reads all at once waits to be told; who reads slowly looks from time to time. */
    bool told = (host->events &
                 (USCTP_EVENT_READABLE | USCTP_EVENT_CLOSED | USCTP_EVENT_PEER_SHUTDOWN)) != 0;
    if (s->scenario.read_interval_us[number] == 0 && !told)
        return;
    host->events &= ~(uint32_t)USCTP_EVENT_READABLE;
    uint32_t room = s->scenario.read_bytes[number] && !host->closed ? s->scenario.read_bytes[number]
                                                                    : UINT32_MAX;
    bool any = false;
    while (room > 0) {
        struct usctp_received info;
        size_t piece = sim_draw(&s->random_state, 1, PIECE_BYTES);
        if (piece > room)
            piece = room;
        struct usctp_slice slices[2] = {{memory, piece / 2},
                                        {memory + piece / 2, piece - piece / 2}};
        int64_t n = usctp_assoc_receive(host->engine, host->assoc, &info, slices, 2, 0);
        if (n == USCTP_ERR_SHUTDOWN)
            user->at_end = true;
        else if (n < 0 && n != USCTP_ERR_AGAIN)
            test_fail(__FILE__, __LINE__, "host %u: reading gives error %d", number, (int)n);
        if (n < 0)
            break;
        any = true;
        if (info.flags & USCTP_MESSAGE_NOTIFICATION) {
            take_notification(s, number, &info.notification);
            continue;
        }
        take_piece(s, number, &info, memory, (size_t)n);
        room -= (uint32_t)n;
    }
    if (any)
        usctp_assoc_received(host->engine, host->assoc, now_us);
    if (s->scenario.read_interval_us[number] && !host->closed)
        user->next_read_us = now_us + s->scenario.read_interval_us[number];
}

/* A user who changes his mind about paths, and looks at what he does not take. Refusals are fine.
 */
static void fiddle(struct simulation *s, unsigned number) {
    struct host *host = &s->hosts->host[number];
    if (!s->scenario.fiddles || host->assoc == 0 || host->closed ||
        sim_draw(&s->random_state, 0, 99) != 0)
        return;
    uint32_t path =
        (uint32_t)sim_draw(&s->random_state, 0, host_status(s->hosts, number).path_count - 1);
    uint64_t now_us = s->hosts->now_us;
    uint8_t memory[16];
    struct usctp_slice slice = {memory, sizeof memory};
    struct usctp_received info;
    switch (sim_draw(&s->random_state, 0, 3)) {
    case 0:
        (void)usctp_path_set_primary(host->engine, host->assoc, path, now_us);
        break;
    case 1:
        (void)usctp_path_heartbeat(host->engine, host->assoc, path, now_us);
        break;
    case 2:
        (void)usctp_assoc_receive(host->engine, host->assoc, &info, &slice, 1, USCTP_MESSAGE_PEEK);
        break;
    default:
        (void)usctp_assoc_peek_next(host->engine, host->assoc, &info);
    }
}

void sim_traffic_act(struct simulation *s, unsigned host) {
    if (!s->hosts->host[host].engine || s->hosts->host[host].asleep)
        return;
    fiddle(s, host);
    read_messages(s, host);
    send_messages(s, host);
}

uint64_t sim_traffic_next(const struct simulation *s, unsigned host) {
    const struct sim_user *user = &s->user[host];
    uint64_t next = USCTP_NEVER;
    if (s->hosts->host[host].assoc == 0 || s->hosts->host[host].asleep)
        return next;
    if (!user->stopped && !user->paused && user->next_message < user->message_count)
        next = user->next_send_us;
    if (s->scenario.read_interval_us[host] && !user->at_end && user->next_read_us < next)
        next = user->next_read_us;
    return next;
}

static bool is_delivered(struct sim_user *user) {
    for (; user->first_missing < user->next_message; user->first_missing++) {
        const struct sim_message *m = &user->messages[user->first_missing];
        if (m->accepted && !m->received && !m->optional)
            return false;
    }
    return user->stopped || user->next_message == user->message_count;
}

bool sim_traffic_is_delivered(struct simulation *s) {
    bool first = is_delivered(&s->user[0]);
    return is_delivered(&s->user[1]) && first;
}

void sim_traffic_require_delivered(struct simulation *s) {
    for (unsigned host = 0; host < 2; host++)
        for (uint32_t i = 0; i < s->user[host].next_message; i++) {
            const struct sim_message *m = &s->user[host].messages[i];
            if (m->accepted && !m->received && !m->optional)
                test_fail(__FILE__, __LINE__,
                          "host %u: message %" PRIu32 " (%" PRIu32
                          " bytes, stream %u) never arrived",
                          host, i, m->bytes, m->sid);
        }
}

/* Host 0 has forgotten everything. What was sent before may arrive or not (RFC 9260 5.2.4 A), at
 * most once. */
void sim_traffic_on_crash(struct simulation *s) {
    struct sim_user *crashed = &s->user[0], *other = &s->user[1];
    for (uint32_t i = 0; i < crashed->next_message; i++)
        crashed->messages[i].optional = true;
    for (uint32_t i = 0; i < other->next_message; i++) {
        other->messages[i].optional = true;
        other->messages[i].received = false; /* by the one that comes back */
    }
    crashed->in_message = false;
    crashed->at_end = false;
    memset(crashed->expected_order, 0, sizeof crashed->expected_order);
    crashed->next_send_us = crashed->next_read_us = s->hosts->now_us;
    other->paused = true; /* until its engine knows: what it sends then must arrive */
}
