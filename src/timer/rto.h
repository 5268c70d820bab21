/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The retransmission timeout of a path (RFC 9260 6.3.1, 6.3.3 E2).
 */
#ifndef TIMER_RTO_H
#define TIMER_RTO_H

#include <stdbool.h>
#include <stdint.h>

struct rto {
    uint64_t srtt_us, rttvar_us; /* meaningful once has_measurement */
    uint64_t rto_us;
    bool has_measurement;
};

struct rto_limits {
    uint64_t initial_us, min_us, max_us;
};

/* C1: until there is a measurement, RTO.Initial. */
void rto_init(struct rto *rto, const struct rto_limits *limits);
/* C2-C7. A measurement of 0 counts as 1 us (clock granularity, G1 is 1 us). */
void rto_on_measurement(struct rto *rto, uint64_t rtt_us, const struct rto_limits *limits);
/* E2: doubles it, up to RTO.Max. */
void rto_back_off(struct rto *rto, const struct rto_limits *limits);
/* New limits: keeps the measurement and fits the timeout between them. */
void rto_set_limits(struct rto *rto, const struct rto_limits *limits);

#endif
