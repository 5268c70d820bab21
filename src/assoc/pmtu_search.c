/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The states of RFC 8899 5.2 and the choice of sizes (5.3).
 *
 * A search tries the largest size once, since that is mostly the answer after a false alarm, and
 * climbs over the usual sizes when that probe is lost; MAX_PROBES losses in a row end it. A size
 * that a router has reported goes before all others.
 */
#include "assoc/pmtu_search.h"

#include "core/bytes.h"

/* RFC 8899 5.3.2: what links and tunnels have, so that no probe is spent on a gain of nothing. */
static const uint16_t usual_bytes[] = {
    576,  1006, 1200, 1280, 1360, 1400, 1420, 1440, 1460,  1472,  1480,  1492,
    1500, 2002, 4352, 4464, 8166, 9000, 9180, 9216, 17914, 32000, 65535,
};

static uint32_t smaller(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}

/* Sizes that are larger than what the interface takes are none. */
static uint32_t base_of(const struct pmtu_search *s) {
    return smaller(s->limits.base_bytes, s->max_bytes);
}

static uint32_t min_of(const struct pmtu_search *s) {
    return smaller(s->limits.min_bytes, base_of(s));
}

static void complete(struct pmtu_search *s) {
    s->state = USCTP_PMTU_SEARCH_COMPLETE;
    s->probed_bytes = s->hint_bytes = s->probe_count = 0;
}

static void enter_base(struct pmtu_search *s) {
    s->state = USCTP_PMTU_BASE;
    s->plpmtu_bytes = s->probed_bytes = base_of(s);
    s->probe_count = 0;
    s->is_assumed = false;
    s->ceiling_bytes = s->max_bytes + 1;
    s->may_jump = true;
}

static void enter_error(struct pmtu_search *s) {
    if (s->state != USCTP_PMTU_ERROR)
        s->error_rounds = 0;
    s->state = USCTP_PMTU_ERROR;
    s->plpmtu_bytes = min_of(s);
    s->probed_bytes = base_of(s);
    s->probe_count = 0;
    s->is_assumed = false;
}

/* 5.3: the next size to probe, or the end. */
static void choose(struct pmtu_search *s) {
    uint32_t above = s->plpmtu_bytes;
    uint32_t most = smaller(s->max_bytes, s->ceiling_bytes - 1);
    uint32_t hint = s->hint_bytes;
    s->hint_bytes = 0;
    if (above >= most) {
        complete(s);
    } else if (hint > above && hint <= most) {
        s->probed_bytes = hint;
    } else if (s->may_jump && s->limits.max_probes > 1) {
        s->may_jump = false;
        s->probed_bytes = most;
    } else {
        s->probed_bytes = most;
        for (size_t i = 0; i < sizeof usual_bytes / sizeof usual_bytes[0]; i++) {
            if (usual_bytes[i] > above && usual_bytes[i] < most) {
                s->probed_bytes = usual_bytes[i];
                break;
            }
        }
    }
}

static void enter_searching(struct pmtu_search *s) {
    s->state = USCTP_PMTU_SEARCHING;
    s->probe_count = 0;
    choose(s);
}

void pmtu_search_init(struct pmtu_search *s, const struct pmtu_limits *limits, uint32_t max_bytes) {
    *s = (struct pmtu_search){.state = USCTP_PMTU_DISABLED,
                              .limits = *limits,
                              .max_bytes = max_bytes,
                              .plpmtu_bytes = max_bytes,
                              .ceiling_bytes = max_bytes + 1,
                              .is_assumed = true};
}

/* The largest size has become larger. */
static void on_larger_max(struct pmtu_search *s, uint32_t old_bytes) {
    bool is_settled = s->state == USCTP_PMTU_DISABLED || s->state == USCTP_PMTU_SEARCH_COMPLETE;
    if (is_settled && s->plpmtu_bytes == old_bytes) {
        s->plpmtu_bytes = s->max_bytes; /* another link, as at the start */
        s->is_assumed = true;
    } else if (s->state == USCTP_PMTU_SEARCH_COMPLETE) {
        pmtu_search_on_raise(s);
    } else {
        s->may_jump = true;
    }
}

void pmtu_search_set_max(struct pmtu_search *s, uint32_t max_bytes) {
    uint32_t old_bytes = s->max_bytes;
    if (max_bytes == old_bytes)
        return;
    s->max_bytes = max_bytes;
    s->ceiling_bytes = max_bytes + 1;
    s->plpmtu_bytes = smaller(s->plpmtu_bytes, max_bytes);
    if (max_bytes > old_bytes) {
        on_larger_max(s, old_bytes);
        return;
    }
    if (s->state == USCTP_PMTU_BASE || s->state == USCTP_PMTU_ERROR)
        s->probed_bytes = base_of(s);
    else if (s->state == USCTP_PMTU_SEARCHING && s->probed_bytes > max_bytes)
        choose(s);
}

void pmtu_search_start(struct pmtu_search *s) {
    if (s->state != USCTP_PMTU_DISABLED)
        return;
    s->ceiling_bytes = s->max_bytes + 1;
    s->may_jump = true;
    if (s->plpmtu_bytes == s->max_bytes) {
        complete(s);
    } else if (s->plpmtu_bytes > base_of(s)) {
        enter_searching(s); /* the way may be another now */
    } else {
        enter_base(s);
    }
}

void pmtu_search_stop(struct pmtu_search *s) {
    s->state = USCTP_PMTU_DISABLED;
    s->probed_bytes = s->probe_count = 0;
    s->is_assumed = s->plpmtu_bytes == s->max_bytes;
}

/* A probe of the present size. */
static void verify(struct pmtu_search *s) {
    s->state = USCTP_PMTU_SEARCHING;
    s->probe_count = 0;
    s->probed_bytes = s->plpmtu_bytes;
}

void pmtu_search_confirm(struct pmtu_search *s) {
    if (s->state == USCTP_PMTU_SEARCH_COMPLETE && s->is_assumed && s->plpmtu_bytes > base_of(s))
        verify(s);
}

void pmtu_search_on_doubt(struct pmtu_search *s) {
    if (s->state == USCTP_PMTU_SEARCH_COMPLETE && s->plpmtu_bytes > min_of(s))
        verify(s);
}

void pmtu_search_on_data_acked(struct pmtu_search *s, uint32_t bytes) {
    if (bytes < s->plpmtu_bytes)
        return;
    s->is_assumed = false;
    if (s->state == USCTP_PMTU_SEARCHING && s->probed_bytes == s->plpmtu_bytes)
        complete(s);
}

void pmtu_search_on_probe_acked(struct pmtu_search *s) {
    uint32_t bytes = s->probed_bytes;
    s->probe_count = 0;
    s->is_assumed = false;
    switch (s->state) {
    case USCTP_PMTU_BASE:
        s->plpmtu_bytes = bytes;
        enter_searching(s);
        break;
    case USCTP_PMTU_SEARCHING:
        if (bytes == s->plpmtu_bytes) {
            complete(s);
        } else {
            s->plpmtu_bytes = bytes;
            choose(s);
        }
        break;
    case USCTP_PMTU_ERROR:
        s->plpmtu_bytes = bytes;
        s->ceiling_bytes = s->max_bytes + 1;
        s->may_jump = true;
        s->error_rounds = 0;
        s->probed_bytes = base_of(s);
        if (bytes >= s->probed_bytes)
            enter_searching(s);
        break;
    case USCTP_PMTU_DISABLED:
    case USCTP_PMTU_SEARCH_COMPLETE:
        break;
    }
}

void pmtu_search_on_probe_lost(struct pmtu_search *s) {
    s->probe_count++;
    switch (s->state) {
    case USCTP_PMTU_BASE:
        if (s->probe_count >= s->limits.max_probes)
            enter_error(s);
        break;
    case USCTP_PMTU_SEARCHING:
        if (s->probed_bytes == s->plpmtu_bytes) {
            if (s->probe_count >= s->limits.max_probes)
                enter_base(s); /* 4.3: a black hole */
        } else if (s->probe_count >= s->limits.max_probes) {
            complete(s);
        } else {
            choose(s);
        }
        break;
    case USCTP_PMTU_ERROR:
        s->error_rounds++;
        s->probe_count = 0;
        s->probed_bytes = base_of(s);
        break;
    case USCTP_PMTU_DISABLED:
    case USCTP_PMTU_SEARCH_COMPLETE:
        break;
    }
}

void pmtu_search_on_black_hole(struct pmtu_search *s) {
    bool may_be_lower = s->state == USCTP_PMTU_SEARCHING || s->state == USCTP_PMTU_SEARCH_COMPLETE;
    if (may_be_lower && s->plpmtu_bytes > min_of(s)) {
        s->hint_bytes = 0;
        enter_base(s); /* also where that is no less: it is to be confirmed anew */
    }
}

bool pmtu_search_on_too_big(struct pmtu_search *s, uint32_t mtu_bytes) {
    uint32_t base = base_of(s);
    uint32_t largest = s->probed_bytes > s->plpmtu_bytes ? s->probed_bytes : s->plpmtu_bytes;
    /* 4.6.2: below MIN_PLPMTU it is no report, nor at or above what was sent. */
    if (mtu_bytes < s->limits.min_bytes || mtu_bytes >= largest)
        return false;
    if (s->state == USCTP_PMTU_DISABLED) {
        s->plpmtu_bytes = mtu_bytes < base ? min_of(s) : base; /* searched for once it starts */
        s->hint_bytes = mtu_bytes;
        s->is_assumed = false;
        return true;
    }
    if (mtu_bytes < base) {
        if (s->state == USCTP_PMTU_ERROR && mtu_bytes == s->plpmtu_bytes)
            return false;
        enter_error(s);
        if (mtu_bytes > s->plpmtu_bytes)
            s->probed_bytes = mtu_bytes;
        return true;
    }
    if (mtu_bytes < s->plpmtu_bytes) {
        enter_base(s);
    } else if (s->state != USCTP_PMTU_SEARCHING) {
        return false; /* a probe of BASE_PLPMTU met no smaller link */
    }
    s->ceiling_bytes = mtu_bytes + 1;
    s->hint_bytes = mtu_bytes;
    if (s->state == USCTP_PMTU_SEARCHING) {
        s->probe_count = 0;
        choose(s); /* PL_PTB_SIZE = PLPMTU ends it */
    }
    return true;
}

void pmtu_search_on_raise(struct pmtu_search *s) {
    if (s->state != USCTP_PMTU_SEARCH_COMPLETE || !pmtu_search_can_rise(s))
        return;
    s->ceiling_bytes = s->max_bytes + 1;
    s->may_jump = true;
    enter_searching(s);
}

bool pmtu_search_check(const struct pmtu_search *s) {
    bool probes = s->state == USCTP_PMTU_BASE || s->state == USCTP_PMTU_SEARCHING ||
                  s->state == USCTP_PMTU_ERROR;
    return s->plpmtu_bytes <= s->max_bytes && s->plpmtu_bytes >= min_of(s) &&
           s->probed_bytes <= s->max_bytes && probes == (s->probed_bytes > 0) &&
           s->probe_count < s->limits.max_probes + 1;
}
