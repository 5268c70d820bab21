/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The congestion window of a path (RFC 9260 7.2): slow start, congestion avoidance, and what a loss
 * does to it.
 *
 * A bookkeeper. Bytes are of DATA chunks with header and padding, as is the PMDCS, the largest DATA
 * chunk that fits the path. Growth by bytes acknowledged, at most one PMDCS an acknowledged window
 * (7.2.1, 7.2.2).
 */
#ifndef ASSOC_CONGESTION_H
#define ASSOC_CONGESTION_H

#include <stdbool.h>
#include <stdint.h>

struct congestion {
    uint64_t cwnd_bytes, ssthresh_bytes, partial_bytes_acked;
    bool is_idle; /* the window has been taken back since the last acknowledgement */
};

/* cwnd = min(4 * PMDCS, max(2 * PMDCS, 4404)); ssthresh = the peer's a_rwnd, which may be large. */
void congestion_init(struct congestion *c, uint32_t pmdcs, uint64_t peer_rwnd);
/* The same for a path to an IPv6 address: 4344 in place of 4404 (7.2.1). */
void congestion_init_ipv6(struct congestion *c, uint32_t pmdcs, uint64_t peer_rwnd);
struct congestion_ack {
    uint64_t acked_bytes;      /* newly acknowledged on this path */
    uint64_t in_flight_before; /* on this path, before the SACK */
    bool cumulative_advanced, in_fast_recovery;
    bool all_acked; /* nothing is outstanding on this path now */
};
void congestion_on_acked(struct congestion *c, const struct congestion_ack *ack, uint32_t pmdcs);
/* 7.2.3, 7.2.4: chunks of this path were found missing three times. */
void congestion_on_fast_retransmit(struct congestion *c, uint32_t pmdcs);
/* 7.2.3: T3-rtx expired. */
void congestion_on_timeout(struct congestion *c, uint32_t pmdcs);
/* 7.2.1: nothing was sent for an RTO. */
void congestion_on_idle(struct congestion *c, uint32_t pmdcs);
/* 7.2.2 and 7.3: the PMDCS has changed. */
void congestion_on_pmdcs(struct congestion *c, uint32_t old_pmdcs, uint32_t pmdcs);

#endif
