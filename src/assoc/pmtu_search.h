/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The search for a path's MTU by probes (DPLPMTUD, RFC 8899 5): states, sizes, counts.
 *
 * A bookkeeper: it says which size is to be probed next, if any, and is told what became of the
 * probe, of a report of a router (PTB) and of the packets of data. Sending, timers and nonces are
 * path_mtu.c's. Sizes are of IP packets, all headers included.
 *
 * It starts with what the interface takes (MAX_PLPMTU), not with BASE_PLPMTU:
 * docs/decisions/path-mtu-probing.md says why.
 */
#ifndef ASSOC_PMTU_SEARCH_H
#define ASSOC_PMTU_SEARCH_H

#include "usctp/engine.h"

struct pmtu_limits {
    uint32_t base_bytes; /* BASE_PLPMTU; not above MAX_PLPMTU */
    uint16_t min_bytes;  /* MIN_PLPMTU */
    uint8_t max_probes;  /* MAX_PROBES */
};

struct pmtu_search {
    struct pmtu_limits limits;
    uint8_t probe_count;    /* PROBE_COUNT */
    uint32_t max_bytes;     /* MAX_PLPMTU: the interface's MTU */
    uint32_t plpmtu_bytes;  /* what packets may have now */
    uint32_t probed_bytes;  /* PROBED_SIZE: the probe that is wanted or under way; 0: none */
    uint32_t ceiling_bytes; /* a router reported that this and larger sizes do not pass; above
                               max_bytes: none did */
    uint32_t hint_bytes;    /* what a router reported, to be probed next; 0: nothing */
    uint32_t error_rounds;  /* probes lost in ERROR */
    enum usctp_pmtu_state state;
    bool is_assumed; /* plpmtu_bytes is the interface's, and nothing of that size is known
                        to have arrived */
    bool may_jump;   /* max_bytes has not been tried in this search */
};

/* DISABLED, with the MTU of the interface. */
void pmtu_search_init(struct pmtu_search *s, const struct pmtu_limits *limits, uint32_t max_bytes);
/* The interface's MTU is another now. */
void pmtu_search_set_max(struct pmtu_search *s, uint32_t max_bytes);
/* The peer can be reached there: leaves DISABLED. */
void pmtu_search_start(struct pmtu_search *s);
/* It cannot, or nothing may be sent any more: DISABLED. */
void pmtu_search_stop(struct pmtu_search *s);
/* Wants a probe of the present size if that is only assumed. */
void pmtu_search_confirm(struct pmtu_search *s);
/* Large packets of data were lost: wants a probe of the present size. */
void pmtu_search_on_doubt(struct pmtu_search *s);
/* Data of this size was acknowledged. */
void pmtu_search_on_data_acked(struct pmtu_search *s, uint32_t bytes);
/* The probe of probed_bytes was acknowledged; PROBE_TIMER expired without that. */
void pmtu_search_on_probe_acked(struct pmtu_search *s);
void pmtu_search_on_probe_lost(struct pmtu_search *s);
/* Packets of the present size, or less and above MIN_PLPMTU, do not arrive (4.3). */
void pmtu_search_on_black_hole(struct pmtu_search *s);
/* A validated report that a packet was too big (4.6.2). Returns whether it was of use. */
bool pmtu_search_on_too_big(struct pmtu_search *s, uint32_t mtu_bytes);
/* PMTU_RAISE_TIMER expired. */
void pmtu_search_on_raise(struct pmtu_search *s);
/* Could a larger size than the present one pass? */
static inline bool pmtu_search_can_rise(const struct pmtu_search *s) {
    return s->plpmtu_bytes < s->max_bytes;
}
bool pmtu_search_check(const struct pmtu_search *s);

#endif
