/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The window's arithmetic (RFC 9260 7.2.1-7.2.3).
 *
 * Which chunks were acknowledged or lost is outstanding.c's to say; when this is asked, and what
 * may then be sent (6.1 B, Max.Burst), is in retransmit.c and output_data.c.
 */
#include "assoc/congestion.h"

/* RFC 9260 7.2.1: the floor of the initial window, by the family of the peer's address. */
#define INITIAL_BYTES      4404u
#define INITIAL_IPV6_BYTES 4344u
/* RFC 9260 7.2.1: L, how many PMDCS a SACK may add in slow start; more than 1 is not recommended.
 */
#define SLOW_START_L 1u

static uint64_t smaller(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

static uint64_t larger(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

static void init(struct congestion *c, uint64_t pmdcs, uint64_t floor_bytes, uint64_t peer_rwnd) {
    *c = (struct congestion){
        .cwnd_bytes = smaller(4 * pmdcs, larger(2 * pmdcs, floor_bytes)),
        .ssthresh_bytes = peer_rwnd,
    };
}

void congestion_init(struct congestion *c, uint32_t pmdcs, uint64_t peer_rwnd) {
    init(c, pmdcs, INITIAL_BYTES, peer_rwnd);
}

void congestion_init_ipv6(struct congestion *c, uint32_t pmdcs, uint64_t peer_rwnd) {
    init(c, pmdcs, INITIAL_IPV6_BYTES, peer_rwnd);
}

/* After a timeout one packet is in flight, however short it is (output_data.c): then that fills the
 * window. */
static bool was_full(const struct congestion *c, const struct congestion_ack *ack, uint32_t pmdcs) {
    return ack->in_flight_before >= c->cwnd_bytes ||
           (c->cwnd_bytes <= pmdcs && ack->in_flight_before > 0);
}

static void slow_start(struct congestion *c, const struct congestion_ack *ack, uint32_t pmdcs) {
    /* RFC 9260 7.2.1: only a window that was in full use grows, and not during Fast Recovery. */
    if (!was_full(c, ack, pmdcs) || ack->in_fast_recovery)
        return;
    c->cwnd_bytes += smaller(ack->acked_bytes, (uint64_t)SLOW_START_L * pmdcs);
}

static void avoid_congestion(struct congestion *c, const struct congestion_ack *ack,
                             uint32_t pmdcs) {
    c->partial_bytes_acked += ack->acked_bytes;
    if (!was_full(c, ack, pmdcs)) {
        /* RFC 9260 7.2.2: what was acknowledged of a window not in use is not saved up. */
        c->partial_bytes_acked = smaller(c->partial_bytes_acked, c->cwnd_bytes);
    } else if (c->partial_bytes_acked >= c->cwnd_bytes) {
        /* RFC 9260 7.2.2: one PMDCS for a whole window acknowledged. */
        c->partial_bytes_acked -= c->cwnd_bytes;
        c->cwnd_bytes += pmdcs;
    }
}

void congestion_on_acked(struct congestion *c, const struct congestion_ack *ack, uint32_t pmdcs) {
    if (ack->acked_bytes > 0) {
        c->is_idle = false;
        if (c->cwnd_bytes <= c->ssthresh_bytes) {
            slow_start(c, ack, pmdcs);
        } else {
            avoid_congestion(c, ack, pmdcs);
        }
    }
    if (ack->all_acked)
        c->partial_bytes_acked = 0;
}

static void lose(struct congestion *c, uint32_t pmdcs) {
    c->ssthresh_bytes = larger(c->cwnd_bytes / 2, 4 * (uint64_t)pmdcs);
    c->partial_bytes_acked = 0;
}

void congestion_on_fast_retransmit(struct congestion *c, uint32_t pmdcs) {
    lose(c, pmdcs);
    c->cwnd_bytes = c->ssthresh_bytes;
}

void congestion_on_timeout(struct congestion *c, uint32_t pmdcs) {
    lose(c, pmdcs);
    c->cwnd_bytes = pmdcs;
}

void congestion_on_idle(struct congestion *c, uint32_t pmdcs) {
    uint64_t rested = larger(c->cwnd_bytes / 2, 4 * (uint64_t)pmdcs);
    /* RFC 9260 7.2.1 takes an unused window back. One below 4 * PMDCS, new or after a timeout, has
     * nothing to give: it must not grow by doing nothing. */
    if (rested >= c->cwnd_bytes)
        return;
    if (!c->is_idle) /* RFC 9260 7.2.1: before the first adjustment */
        c->ssthresh_bytes = c->cwnd_bytes;
    c->is_idle = true;
    c->cwnd_bytes = rested;
}

void congestion_on_pmdcs(struct congestion *c, uint32_t old_pmdcs, uint32_t pmdcs) {
    /* A window of less than one chunk would send nothing, and one that a timeout set to the old
     * size stands for one packet of the new. What is larger counts bytes and stays. */
    if (c->cwnd_bytes < pmdcs || c->cwnd_bytes == old_pmdcs)
        c->cwnd_bytes = pmdcs;
}
