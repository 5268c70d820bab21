/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A stranger on the network who knows addresses and ports, but no tag (the off-path attacker of
 * Ginesin et al., "A Formal Analysis of SCTP", USENIX Security 2024): from time to time a packet
 * that looks as if it came from the other host. RFC 9260 8.5: none of them changes anything; what
 * a simulation requires is required here too. See simulation.h.
 */
#include "support/simulation.h"

#include <string.h>

#define KINDS 14u
#define MOST  200u /* packets; then he gives up */

static const uint8_t noise[16] = {0x13, 0x57, 0x9b, 0xdf};

/* A tag that is neither host's. */
static uint32_t wrong_tag(struct simulation *s) {
    for (;;) {
        uint32_t tag = (uint32_t)random_step(&s->random_state);
        bool is_used = tag == 0;
        for (unsigned host = 0; host < 2; host++) {
            struct usctp_assoc_status status;
            const struct host *h = &s->hosts->host[host];
            if (h->engine && usctp_assoc_status(h->engine, h->assoc, &status) == 0)
                is_used |= tag == status.local_tag || tag == status.peer_tag;
        }
        if (!is_used)
            return tag;
    }
}

static void write_init(struct simulation *s, struct packet_builder *b, unsigned type) {
    const struct builder_init init = {.tag = wrong_tag(s),
                                      .rwnd = 65536,
                                      .tsn = (uint32_t)random_step(&s->random_state),
                                      .os = 10,
                                      .mis = 10};
    builder_init_chunk(b, type, &init);
    if (type == WIRE_INIT_ACK) {
        builder_param(b, 7); /* State Cookie */
        builder_bytes(b, noise, sizeof noise);
    }
}

static void write_chunk(struct simulation *s, struct packet_builder *b, uint64_t kind) {
    uint32_t tsn = (uint32_t)random_step(&s->random_state);
    const struct builder_data data = {.tsn = tsn, .bits = BIT_BE, .ppid = 1};
    switch (kind) {
    case 0:
    case 1:
        builder_chunk(b, WIRE_ABORT, kind == 1 ? BIT_T : 0);
        break;
    case 2:
        builder_data_chunk(b, &data, noise, sizeof noise);
        break;
    case 3:
        builder_sack(b, tsn, 0, "", NULL, 0);
        break;
    case 4:
        builder_shutdown(b, tsn);
        break;
    case 5:
        builder_chunk(b, WIRE_SHUTDOWN_ACK, 0);
        break;
    case 6:
    case 7:
        builder_chunk(b, WIRE_SHUTDOWN_COMPLETE, kind == 7 ? BIT_T : 0);
        break;
    case 8:
        write_init(s, b, WIRE_INIT_ACK);
        break;
    case 9:
        builder_chunk(b, WIRE_COOKIE_ECHO, 0);
        builder_bytes(b, noise, sizeof noise);
        break;
    case 10:
        builder_chunk(b, WIRE_COOKIE_ACK, 0);
        break;
    case 11:
        builder_chunk(b, WIRE_HEARTBEAT_ACK, 0);
        builder_param(b, 1);
        builder_bytes(b, noise, sizeof noise);
        break;
    case 12:
        builder_chunk(b, WIRE_ERROR, 0);
        builder_param(b, 3); /* Stale Cookie */
        builder_u32(b, 1);
        break;
    default:
        write_init(s, b, WIRE_INIT);
    }
}

static void forge(struct simulation *s) {
    static struct packet_builder b;
    struct two_hosts *t = s->hosts;
    unsigned victim = (unsigned)sim_draw(&s->random_state, 0, 1);
    unsigned path = (unsigned)sim_draw(&s->random_state, 0, t->paths - 1);
    uint64_t kind = sim_draw(&s->random_state, 0, KINDS);
    struct host *host = &t->host[victim];
    if (!host->engine || host->asleep)
        return;
    /* 8.5.1 A: an INIT has no tag, and is answered with a cookie to the other host, who did not
     * ask. */
    builder_start(&b, (uint16_t)(HOSTS_PORT + 1 - victim), (uint16_t)(HOSTS_PORT + victim),
                  kind >= 13 ? 0 : wrong_tag(s));
    write_chunk(s, &b, kind);
    builder_finish(&b);
    const struct usctp_packet packet = {.data = b.bytes,
                                        .length = (uint32_t)b.used,
                                        .source = t->host[1 - victim].addr[path],
                                        .destination = host->addr[path]};
    s->totals.forged++;
    usctp_engine_input(host->engine, &packet, 1, t->now_us);
}

void sim_attack_act(struct simulation *s) {
    if (s->attack_us > s->hosts->now_us)
        return;
    forge(s);
    s->attack_us = s->hosts->now_us + sim_draw(&s->random_state, 1, s->scenario.attack_interval_us);
    if (s->totals.forged >= MOST)
        s->attack_us = USCTP_NEVER;
    if (s->wake_us != USCTP_NEVER && s->attack_us < s->wake_us)
        s->attack_us = s->wake_us; /* for the hour that a host sleeps one was enough */
}
