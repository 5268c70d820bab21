/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What must hold in every simulation at every moment: of each packet as it leaves a host, and of
 * what the engines tell of themselves; see simulation.h.
 */
#include "support/simulation.h"

#include <inttypes.h>
#include <string.h>

#define CRC_EVERY 32u /* one packet in so many has its checksum verified, bit by bit */

static void hash_word(struct simulation *s, uint64_t word) {
    s->hash = (s->hash ^ word) * 0x100000001b3u;
    s->hash ^= s->hash >> 29;
}

static void hash_packet(struct simulation *s, unsigned host, int path,
                        const struct usctp_packet *packet) {
    hash_word(s, s->hosts->now_us);
    hash_word(s, (uint64_t)host << 48 | (uint64_t)(path + 1) << 32 | packet->length);
    for (uint32_t at = 0; at < packet->length; at += 8) {
        uint64_t word = 0;
        memcpy(&word, packet->data + at, packet->length - at < 8 ? packet->length - at : 8);
        hash_word(s, word);
    }
}

static uint32_t header_bytes(const struct usctp_packet *packet) {
    uint32_t ip = packet->destination.family == USCTP_FAMILY_IPV6 ? 40 : 20;
    return packet->udp_destination ? ip + 8 : ip;
}

/* RFC 9260 5.4: nothing but HEARTBEAT, HEARTBEAT ACK, COOKIE ACK and COOKIE ECHO goes to an
 * unconfirmed address. */
static void check_path(struct simulation *s, unsigned host, const struct usctp_packet *packet,
                       const struct read_packet *read) {
    struct host *h = &s->hosts->host[host];
    struct usctp_path_status path;
    if (h->assoc == 0 || h->closed)
        return;
    int index = usctp_path_find(h->engine, h->assoc, &packet->destination);
    if (index < 0 || usctp_path_status(h->engine, h->assoc, (uint32_t)index, &path) != 0)
        return;
    if (path.state != USCTP_PATH_STATE_UNCONFIRMED)
        return;
    for (size_t i = 0; i < read->chunk_count; i++) {
        unsigned type = read->chunk[i].type;
        if (type == WIRE_DATA || type == WIRE_SACK || type == WIRE_SHUTDOWN ||
            type == WIRE_SHUTDOWN_ACK)
            test_fail(__FILE__, __LINE__, "host %u: %s to an unconfirmed address (RFC 9260 5.4)",
                      host, reader_chunk_name(type));
    }
}

/* A router on the way that says what fits (RFC 9260 10, 7.3). */
static void too_big(struct simulation *s, unsigned host, int path,
                    const struct usctp_packet *packet) {
    uint32_t mtu = s->scenario.link[host][path].mtu_bytes;
    if (mtu == 0 || packet->length + header_bytes(packet) <= mtu ||
        (packet->flags & USCTP_PACKET_MAY_FRAGMENT))
        return;
    struct usctp_icmp icmp = {.kind = USCTP_ICMP_PACKET_TOO_BIG,
                              .destination = packet->destination,
                              .udp_destination = packet->udp_destination,
                              .mtu_bytes = mtu,
                              .quoted = packet->data,
                              .quoted_bytes = packet->length < 500 ? packet->length : 500};
    s->totals.too_big++;
    usctp_engine_icmp(s->hosts->host[host].engine, &icmp, s->hosts->now_us);
}

static void count_aborts(struct simulation *s, const struct read_packet *read) {
    for (size_t i = 0; i < read->chunk_count; i++)
        s->totals.aborts += read->chunk[i].type == WIRE_ABORT;
}

void sim_check_packet(struct two_hosts *t, unsigned host, int path,
                      const struct usctp_packet *packet) {
    static struct read_packet read;
    struct simulation *s = t->user;
    s->totals.packets++;
    hash_packet(s, host, path, packet);
    const char *wrong =
        reader_packet(&read, packet->data, packet->length, s->totals.packets % CRC_EVERY == 0);
    if (wrong)
        test_fail(__FILE__, __LINE__, "host %u sent a packet that RFC 9260 forbids: %s", host,
                  wrong);
    if (path < 0)
        test_fail(__FILE__, __LINE__, "host %u sent a packet to an address that is not the other's",
                  host);
    if (!(packet->flags & USCTP_PACKET_MAY_FRAGMENT))
        REQUIRE(packet->length + header_bytes(packet) <= t->mtu);
    if (read.chunk_count > 0 && read.chunk[0].type == WIRE_INIT && read.chunk[0].tsn >= 0xffffff00u)
        s->totals.near_wraps++;
    check_path(s, host, packet, &read);
    sim_window_packet(s, host, &read);
    count_aborts(s, &read);
    too_big(s, host, path, packet);
}

static void check_path_status(const struct simulation *s, unsigned host,
                              const struct usctp_path_status *path) {
    const struct usctp_config *c = &s->scenario.config[host];
    REQUIRE_RANGE(path->rto_us, c->rto_min_us, c->rto_max_us);
    REQUIRE(path->cwnd_bytes > 0);
    REQUIRE_RANGE(path->pmtu_bytes, 512, s->scenario.mtu);
    if (path->srtt_us != 0)
        REQUIRE(path->rttvar_us > 0);
}

/* Returns whether the host has an association, and how it is. */
static bool check_host(struct simulation *s, unsigned host, struct usctp_assoc_status *out) {
    struct host *h = &s->hosts->host[host];
    const struct usctp_config *c = &s->scenario.config[host];
    uint64_t in_flight = 0;
    if (!h->engine || h->assoc == 0)
        return false;
    const struct usctp_assoc_status status = *out = host_status(s->hosts, host);
    for (uint32_t i = 0; i < status.path_count; i++) {
        struct usctp_path_status path;
        REQUIRE_EQ(usctp_path_status(h->engine, h->assoc, i, &path), 0);
        in_flight += path.in_flight_bytes;
        if (!status.has_ended)
            check_path_status(s, host, &path);
    }
    if (status.has_ended)
        return true;
    REQUIRE_EQ(in_flight, status.in_flight_bytes);
    REQUIRE(status.path_count >= 1 && status.path_count <= s->scenario.paths);
    REQUIRE(status.primary_path < status.path_count && status.data_path < status.path_count);
    REQUIRE(status.local_rwnd_bytes <= c->receive_buffer_bytes);
    REQUIRE(status.unread_bytes <= c->receive_buffer_bytes + USCTP_MAX_PACKET_BYTES);
    REQUIRE(status.send_buffer_used_bytes <= (uint64_t)c->send_buffer_bytes * 2);
    if (status.unacknowledged_chunks == 0)
        REQUIRE_EQ(status.in_flight_bytes, 0);
    if (h->env.illegal_state_change)
        test_fail(__FILE__, __LINE__,
                  "host %u: a change of state that RFC 9260 4 does not know: %s -> %s", host,
                  state_name(h->env.illegal_from), state_name(h->env.illegal_to));
    return true;
}

void sim_check_hosts(struct simulation *s) {
    struct usctp_assoc_status status[2];
    bool has_both = true;
    for (unsigned host = 0; host < 2; host++) {
        if (!check_host(s, host, &status[host]))
            has_both = false;
        else if (!s->hosts->host[host].asleep)
            sim_inside_check(s, host);
    }
    sim_properties_check(s, has_both ? status : NULL);
}

void sim_check_collect(struct simulation *s, unsigned host) {
    struct usctp_assoc_status status;
    struct host *h = &s->hosts->host[host];
    if (!h->engine || h->assoc == 0 || usctp_assoc_status(h->engine, h->assoc, &status) != 0)
        return;
    const struct usctp_assoc_counters *c = &status.counters;
    struct sim_totals *t = &s->totals;
    t->t3_expiries += c->t3_expiries;
    t->fast_retransmits += c->fast_retransmits;
    t->failovers += c->failovers;
    t->returns += c->returns;
    t->restarts += c->restarts;
    t->collisions += c->collisions;
    t->zero_window_probes += c->zero_window_probes;
    t->partial_deliveries += c->partial_deliveries;
    t->t1_expiries += c->t1_expiries;
    t->t2_expiries += c->t2_expiries;
    for (uint32_t i = 0; i < status.path_count; i++) {
        struct usctp_path_status path;
        if (usctp_path_status(h->engine, h->assoc, i, &path) == 0)
            t->heartbeats_answered += path.heartbeat_acks_in;
    }
}
