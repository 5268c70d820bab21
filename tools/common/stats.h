/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * --stats[=json]: every counter of usctp/counters.h on stderr when the program ends: the stack's,
 * and those of the last association and its paths. A counter has its name in the SCTP MIB (RFC
 * 3873), else its own.
 */
#ifndef COMMON_STATS_H
#define COMMON_STATS_H

#include "usctp/usctp.h"

#include <stdbool.h>

struct stats {
    bool has_association;
    struct usctp_assoc_status association;
    uint32_t path_count;
    struct usctp_path_status paths[USCTP_MAX_ADDRESSES];
};

/* Remembers the association of a socket that is about to be closed. */
void stats_note(struct stats *stats, int sd);
/* Prints to stderr, as one line of JSON or as a table. */
void stats_print(const struct stats *stats, struct usctp_stack *stack, bool as_json);

#endif
