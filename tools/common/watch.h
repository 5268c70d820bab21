/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * -v: what becomes of an association and its paths, one line each on stderr, from trace records
 * (states, as they change) and from notifications (RFC 6458 6.1).
 */
#ifndef COMMON_WATCH_H
#define COMMON_WATCH_H

#include "common/address.h"
#include "usctp/usctp.h"

struct watch {
    unsigned verbosity;
    int32_t assoc;                                /* whose paths are known */
    struct usctp_addr paths[USCTP_MAX_ADDRESSES]; /* family NONE: not yet seen */
    uint64_t last_timeout_us;                     /* a timeout marks many TSNs: one line */
    uint32_t last_timeout_path;
};

void watch_record(struct watch *watch, const struct usctp_trace_record *record);
/* note: as received, at any address. */
void watch_notification(const struct watch *watch, const void *note, size_t bytes);

#endif
