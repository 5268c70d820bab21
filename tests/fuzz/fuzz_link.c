/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two engines and a link that drops, doubles, reorders, cuts short and changes packets as the input
 * says; at the end it is whole again.
 *
 * An honest link leaves wrong checksums behind: then every message arrives once, intact and in its
 * order, or the association has ended on both sides; and a shutdown that follows is graceful. A
 * lying link repairs the checksum (RFC 9260 6.8 cannot help): then what is delivered is its word,
 * but a shutdown still ends the association on both sides. The invariants of support/fuzz_check.h
 * hold throughout.
 */
#include "support/fuzz_check.h"
#include "support/fuzz_input.h"
#include "support/two_hosts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_STEPS    120u
#define MESSAGES     96u /* a host */
#define STREAMS      4u
#define MOST_BYTES   20000u
#define SECOND       ((uint64_t)1000000)
#define SETTLE_STEPS 200000u

struct message {
    uint32_t bytes;
    uint8_t sid;
    bool is_unordered, has_arrived;
};

struct talker { /* a host's user */
    struct message sent[MESSAGES];
    unsigned sent_count, arrived_count; /* arrived: of what the other host sent */
    uint32_t next[STREAMS];             /* index behind the last ordered message of each stream */
    uint8_t partial[MOST_BYTES];
    size_t partial_bytes;
    bool holds_back;
};

struct held {
    uint8_t bytes[2048];
    struct usctp_packet packet; /* length 0: none */
};

struct scene {
    struct two_hosts *hosts;
    struct talker user[2];
    struct fuzz_input mangling;
    struct held held[2][HOSTS_MAX_PATHS];
    bool lies, is_whole, accepted;
};

static uint8_t pattern(unsigned host, unsigned index, size_t at) {
    return (uint8_t)(host * 91u + index * 7u + at + at / 251u);
}

/* ---- the link ---- */

static void repair(struct usctp_packet *packet) {
    memset(packet->data + 8, 0, 4);
    uint32_t crc = crc32c_bitwise(packet->data, packet->length);
    for (unsigned i = 0; i < 4; i++)
        packet->data[8 + i] = (uint8_t)(crc >> (8 * i));
}

static void release_held(struct scene *s, unsigned host, unsigned path) {
    struct held *held = &s->held[host][path];
    if (held->packet.length > 0)
        simulated_link_send(s->hosts->link[host][path], &held->packet, s->hosts->now_us);
    held->packet.length = 0;
}

static unsigned hold(struct held *held, const struct usctp_packet *packet) {
    if (held->packet.length > 0 || packet->length > sizeof held->bytes)
        return 1;
    held->packet = *packet;
    held->packet.data = held->bytes;
    memcpy(held->bytes, packet->data, packet->length);
    return 0;
}

static unsigned on_link(struct two_hosts *t, unsigned host, unsigned path,
                        struct usctp_packet *packet) {
    struct scene *s = t->user;
    uint8_t how = s->is_whole ? 0 : fuzz_u8(&s->mangling);
    if (how < 96) {
        release_held(s, host, path);
        return 1;
    }
    switch (how & 7u) {
    case 0:
        return 2;
    case 1:
        return hold(&s->held[host][path], packet);
    case 2: /* cut short */
        packet->length -= fuzz_u8(&s->mangling) % packet->length;
        break;
    case 3: /* a byte near the front, where headers are */
        packet->data[fuzz_u8(&s->mangling) % packet->length] ^= fuzz_u8(&s->mangling);
        break;
    case 4:
        packet->data[fuzz_u16(&s->mangling) % packet->length] = fuzz_u8(&s->mangling);
        break;
    default:
        return 0;
    }
    if (s->lies && packet->length >= 12)
        repair(packet);
    return 1;
}

static void on_packet(struct two_hosts *t, unsigned host, int path,
                      const struct usctp_packet *packet) {
    (void)path;
    (void)fuzz_check_packet(t->host[host].engine, t->host[host].assoc, packet, t->mtu);
}

/* Memory may be short just then: so whenever there is time. */
static void accept_one(struct scene *s, unsigned number) {
    struct host *h = &s->hosts->host[number];
    int32_t endpoint;
    int32_t assoc = usctp_endpoint_accept(h->engine, h->endpoint, &endpoint);
    if (assoc < 0)
        return;
    if (number == 0 || s->accepted) { /* a late copy of a good cookie makes another (5.1.5) */
        usctp_assoc_release(h->engine, assoc, s->hosts->now_us);
        return;
    }
    h->assoc = assoc;
    s->accepted = true;
}

/* ---- the users ---- */

static void send_message(struct scene *s, unsigned host, struct fuzz_input *in) {
    static uint8_t payload[MOST_BYTES];
    struct host *h = &s->hosts->host[host];
    struct talker *user = &s->user[host];
    uint8_t how = fuzz_u8(in);
    struct message m = {.bytes = 4u + 78u * (uint32_t)fuzz_u8(in),
                        .sid = how % STREAMS,
                        .is_unordered = how >> 2 & 1u};
    const struct usctp_send send = {.sid = m.sid,
                                    .flags = (how >> 2 & 1u ? USCTP_MESSAGE_UNORDERED : 0u) |
                                             (how >> 3 & 1u ? USCTP_MESSAGE_SACK_IMMEDIATELY : 0u)};
    const struct usctp_slice slice = {payload, m.bytes};
    if (user->sent_count == MESSAGES || h->assoc == 0)
        return;
    payload[0] = (uint8_t)user->sent_count;
    payload[1] = (uint8_t)host;
    for (size_t i = 2; i < m.bytes; i++)
        payload[i] = pattern(host, user->sent_count, i);
    if (usctp_assoc_send(h->engine, h->assoc, &send, &slice, 1, s->hosts->now_us) == 0)
        user->sent[user->sent_count++] = m;
}

/* A whole message has come, and no link has lied. */
static void check_message(struct scene *s, unsigned host, const struct usctp_received *received) {
    struct talker *user = &s->user[host];
    const uint8_t *at = user->partial;
    unsigned from = 1 - host, index = at[0];
    REQUIRE(user->partial_bytes >= 4 && index < s->user[from].sent_count && at[1] == from);
    struct message *m = &s->user[from].sent[index];
    REQUIRE_EQ(user->partial_bytes, m->bytes);
    REQUIRE_EQ(received->sid, m->sid);
    REQUIRE_EQ((received->flags & USCTP_MESSAGE_UNORDERED) != 0, m->is_unordered);
    REQUIRE(!m->has_arrived);
    m->has_arrived = true;
    user->arrived_count++;
    for (size_t i = 2; i < m->bytes; i++)
        REQUIRE(at[i] == pattern(from, index, i));
    if (!m->is_unordered) {
        REQUIRE(index >= user->next[m->sid]);
        for (unsigned i = user->next[m->sid]; i < index; i++)
            REQUIRE(s->user[from].sent[i].is_unordered || s->user[from].sent[i].sid != m->sid);
        user->next[m->sid] = index + 1;
    }
}

static bool is_over(const struct scene *s, unsigned host) {
    const struct host *h = &s->hosts->host[host];
    struct usctp_assoc_status status;
    return h->assoc == 0 || usctp_assoc_status(h->engine, h->assoc, &status) != 0 ||
           status.has_ended;
}

/* Of a message whose rest will not come, as the association has ended, nobody is told who has not
 * asked for it (RFC 6458 6.1.7): the next one begins. */
static void forget_cut_off(struct scene *s, unsigned host, size_t bytes) {
    struct talker *user = &s->user[host];
    if (user->partial_bytes == 0)
        return;
    REQUIRE(is_over(s, host));
    memmove(user->partial, user->partial + user->partial_bytes, bytes);
    user->partial_bytes = 0;
}

static void read_all(struct scene *s, unsigned host) {
    static uint8_t scratch[MOST_BYTES];
    struct host *h = &s->hosts->host[host];
    struct talker *user = &s->user[host];
    struct usctp_received received;
    bool any = false;
    if (h->assoc == 0 || user->holds_back)
        return;
    for (;;) {
        size_t room = sizeof user->partial - user->partial_bytes;
        const struct usctp_slice slice = {s->lies ? scratch : user->partial + user->partial_bytes,
                                          s->lies ? sizeof scratch : room};
        int64_t n = usctp_assoc_receive(h->engine, h->assoc, &received, &slice, 1, 0);
        if (n < 0)
            break;
        any = true;
        if (s->lies)
            continue;
        if (!(received.flags & USCTP_MESSAGE_INCOMPLETE_BEGIN))
            forget_cut_off(s, host, (size_t)n);
        user->partial_bytes += (size_t)n;
        if (received.flags & USCTP_MESSAGE_END) {
            check_message(s, host, &received);
            user->partial_bytes = 0;
        }
    }
    if (any)
        usctp_assoc_received(h->engine, h->assoc, s->hosts->now_us);
}

/* ---- time ---- */

static void check(struct scene *s) {
    for (unsigned host = 0; host < 2; host++) {
        fuzz_check_engine(s->hosts->host[host].engine, s->hosts->now_us);
        fuzz_check_assoc(s->hosts->host[host].engine, s->hosts->host[host].assoc);
    }
}

static bool run_step(struct scene *s, uint64_t limit_us) {
    bool more = hosts_step(s->hosts, limit_us);
    accept_one(s, 0);
    accept_one(s, 1);
    read_all(s, 0);
    read_all(s, 1);
    hosts_pump(s->hosts);
    check(s);
    return more;
}

static void run_for(struct scene *s, uint64_t us) {
    uint64_t until_us = s->hosts->now_us + us;
    while (run_step(s, until_us))
        continue;
}

static bool both_over(const struct scene *s) {
    return is_over(s, 0) && is_over(s, 1);
}

static bool has_all(const struct scene *s, unsigned host) {
    struct usctp_assoc_status status = host_status(s->hosts, host);
    return status.unacknowledged_chunks == 0 && status.unsent_bytes == 0 &&
           status.state >= USCTP_ESTABLISHED &&
           s->user[host].arrived_count == s->user[1 - host].sent_count;
}

static bool is_settled(const struct scene *s) {
    if (is_over(s, 0) || is_over(s, 1))
        return both_over(s);
    return s->lies ? false : has_all(s, 0) && has_all(s, 1);
}

/* Runs until the condition holds. */
static bool run_until(struct scene *s, bool (*condition)(const struct scene *s), uint64_t us) {
    uint64_t until_us = s->hosts->now_us + us;
    for (unsigned steps = 0; !condition(s); steps++) {
        REQUIRE(steps < SETTLE_STEPS);
        if (!run_step(s, until_us))
            return condition(s);
    }
    return true;
}

static void make_whole(struct scene *s) {
    s->is_whole = true;
    for (unsigned host = 0; host < 2; host++) {
        s->hosts->host[host].env.fail_after = UINT64_MAX;
        s->user[host].holds_back = false;
        for (unsigned path = 0; path < s->hosts->paths; path++) {
            release_held(s, host, path);
            simulated_link_cut(s->hosts->link[host][path], false);
        }
    }
}

static void fail_unsettled(const struct scene *s) {
    char text[2][128];
    for (unsigned host = 0; host < 2; host++) {
        const struct talker *user = &s->user[host];
        struct usctp_assoc_status st = {.state = USCTP_CLOSED};
        (void)usctp_assoc_status(s->hosts->host[host].engine, s->hosts->host[host].assoc, &st);
        snprintf(text[host], sizeof text[host],
                 "%s, sent %u, arrived %u, unacknowledged %u, unsent %llu, unread %llu",
                 is_over(s, host) ? "over" : state_name(st.state), user->sent_count,
                 user->arrived_count, (unsigned)st.unacknowledged_chunks,
                 (unsigned long long)st.unsent_bytes, (unsigned long long)st.unread_bytes);
    }
    test_fail(__FILE__, __LINE__, "neither delivered nor over: %s; %s", text[0], text[1]);
}

static void finish(struct scene *s) {
    struct two_hosts *t = s->hosts;
    make_whole(s);
    bool settled = run_until(s, is_settled, s->lies ? 60 * SECOND : 7200 * SECOND);
    if (!s->lies && !settled)
        fail_unsettled(s);
    bool was_over = is_over(s, 0) || is_over(s, 1);
    for (unsigned host = 0; host < 2; host++)
        if (!is_over(s, host))
            (void)usctp_assoc_shutdown(t->host[host].engine, t->host[host].assoc, t->now_us);
    REQUIRE(run_until(s, both_over, 3600 * SECOND));
    if (!s->lies && !was_over)
        for (unsigned host = 0; host < 2; host++)
            REQUIRE_EQ(t->host[host].close_error, 0);
    hosts_delete(t);
}

static void step(struct scene *s, struct fuzz_input *in) {
    uint8_t op = fuzz_u8(in);
    unsigned host = op >> 7;
    struct two_hosts *t = s->hosts;
    switch (op & 7u) {
    case 0:
    case 1:
        send_message(s, host, in);
        break;
    case 2:
        run_for(s, 500u * fuzz_u8(in));
        break;
    case 3:
        run_for(s, 100000u * fuzz_u8(in));
        break;
    case 4:
        s->user[host].holds_back = !s->user[host].holds_back;
        break;
    case 5:
        hosts_cut(t, op >> 6 & t->paths >> 1, op >> 5 & 1u);
        break;
    case 6:
        t->host[host].env.fail_after = fuzz_u8(in);
        break;
    case 7:
        for (unsigned i = 0; i < 8; i++)
            send_message(s, host, in);
        break;
    }
    hosts_pump(t);
    check(s);
}

static uint8_t settings; /* of the input that is run, for configure */

static void configure(struct usctp_config *config) {
    if (settings & 4)
        config->receive_buffer_bytes = 6000;
    if (settings & 8)
        config->partial_delivery_point_bytes = 2000;
    config->nodelay = settings >> 4 & 1u;
    config->sack_every_second_packet = settings >> 5 & 1u;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct fuzz_input in = {data, data + size};
    struct scene *s = calloc(1, sizeof *s);
    if (!s)
        abort();
    settings = fuzz_u8(&in);
    s->lies = settings & 1u;
    size_t ops, seed = fuzz_u8(&in);
    const uint8_t *at = fuzz_take(&in, 2u * fuzz_u8(&in), &ops);
    s->mangling = in;
    in = (struct fuzz_input){at, at + ops};
    test_without_check = true;
    s->hosts = HOSTS(.paths = settings & 2 ? 2 : 1, .ipv6_paths = 2, .seed = seed, .delay_us = 1000,
                     .configure = configure, .no_capture = getenv("REPLAY_VERBOSE") == NULL);
    s->hosts->hooks = (struct hosts_hooks){.on_packet = on_packet, .on_link = on_link};
    s->hosts->user = s;
    s->hosts->host[0].accepts = s->hosts->host[1].accepts = false;
    s->hosts->host[0].env.near_wrap = s->hosts->host[1].env.near_wrap = settings >> 6 & 1u;
    host_connect(s->hosts, 0, s->hosts->paths);
    for (unsigned i = 0; i < MAX_STEPS && fuzz_left(&in) > 0; i++)
        step(s, &in);
    finish(s);
    free(s);
    return 0;
}
