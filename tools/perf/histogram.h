/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Round-trip times, counted in buckets whose width is 1/64 of what they hold: quantiles of any
 * number of samples, to 1.6 %, in constant memory.
 */
#ifndef PERF_HISTOGRAM_H
#define PERF_HISTOGRAM_H

#include <stdint.h>

enum { HISTOGRAM_BUCKETS = 60 * 64 };

/* All zero: empty. */
struct histogram {
    uint64_t total;
    uint64_t counts[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *histogram, uint64_t value);
/* The value below which `share` (0..1) of the samples lie; 0 when there are none. */
double histogram_quantile(const struct histogram *histogram, double share);

#endif
