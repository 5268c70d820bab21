/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The arithmetic of RFC 9260 6.3.1 and 6.3.3 E2, in whole microseconds.
 *
 * RTO.Alpha is 1/8 and RTO.Beta 1/4 (RFC 9260 16). When a measurement may be made (C4, C5) is
 * decided by src/assoc/outstanding.c and the paths.
 */
#include "timer/rto.h"

#define GRANULARITY_US 1u /* G */

/* No sum below overflows with measurements up to this. */
#define LONGEST_MEASUREMENT_US (UINT64_MAX / 8)

static uint64_t fit(uint64_t rto_us, const struct rto_limits *limits) {
    /* RFC 9260 6.3.1 C6, C7: not below RTO.Min, and not above RTO.Max, which wins. */
    if (rto_us < limits->min_us)
        rto_us = limits->min_us;
    return rto_us > limits->max_us ? limits->max_us : rto_us;
}

void rto_init(struct rto *rto, const struct rto_limits *limits) {
    *rto = (struct rto){.rto_us = limits->initial_us};
}

void rto_on_measurement(struct rto *rto, uint64_t rtt_us, const struct rto_limits *limits) {
    if (rtt_us < GRANULARITY_US)
        rtt_us = GRANULARITY_US;
    if (rtt_us > LONGEST_MEASUREMENT_US)
        rtt_us = LONGEST_MEASUREMENT_US;
    if (rto->has_measurement) {
        /* RFC 9260 6.3.1 C3: the variation is taken from the smoothed time before it moves. */
        uint64_t distance_us =
            rto->srtt_us > rtt_us ? rto->srtt_us - rtt_us : rtt_us - rto->srtt_us;
        rto->rttvar_us = (3 * rto->rttvar_us + distance_us) / 4;
        rto->srtt_us = (7 * rto->srtt_us + rtt_us) / 8;
    } else { /* RFC 9260 6.3.1 C2: the first one */
        rto->srtt_us = rtt_us;
        rto->rttvar_us = rtt_us / 2;
        rto->has_measurement = true;
    }
    if (rto->rttvar_us < GRANULARITY_US) /* RFC 9260 6.3.1 G1 */
        rto->rttvar_us = GRANULARITY_US;
    rto->rto_us = fit(rto->srtt_us + 4 * rto->rttvar_us, limits);
}

void rto_back_off(struct rto *rto, const struct rto_limits *limits) {
    /* RFC 9260 6.3.3 E2: twice as long, but not longer than RTO.Max. */
    rto->rto_us = rto->rto_us > limits->max_us / 2 ? limits->max_us : 2 * rto->rto_us;
}

void rto_set_limits(struct rto *rto, const struct rto_limits *limits) {
    if (rto->has_measurement) {
        rto->rto_us = fit(rto->rto_us, limits);
    } else { /* RFC 9260 6.3.1 C1: nothing measured, so RTO.Initial, also when that is new */
        rto_init(rto, limits);
    }
}
