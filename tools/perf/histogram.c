/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The bucket of a value is given by its highest set bit and the six bits below that.
 */
#include "perf/histogram.h"

#include <stddef.h>

enum { SUB_BITS = 6, SUB = 1 << SUB_BITS };

static size_t bucket_of(uint64_t value) {
    if (value < SUB)
        return (size_t)value;
    unsigned high = 63u - (unsigned)__builtin_clzll(value);
    return (size_t)(high - SUB_BITS + 1) * SUB + ((value >> (high - SUB_BITS)) & (SUB - 1));
}

/* The middle of a bucket. */
static double value_of(size_t bucket) {
    if (bucket < SUB)
        return (double)bucket;
    unsigned shift = (unsigned)(bucket / SUB) - 1;
    uint64_t low = (uint64_t)(SUB + bucket % SUB) << shift;
    return (double)low + (double)(1ull << shift) / 2;
}

void histogram_add(struct histogram *histogram, uint64_t value) {
    histogram->counts[bucket_of(value)]++;
    histogram->total++;
}

double histogram_quantile(const struct histogram *histogram, double share) {
    uint64_t wanted = (uint64_t)(share * (double)histogram->total);
    uint64_t seen = 0;
    if (histogram->total == 0)
        return 0;
    if (wanted >= histogram->total)
        wanted = histogram->total - 1;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += histogram->counts[i];
        if (seen > wanted)
            return value_of(i);
    }
    return 0;
}
