/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which path is used, and when one fails or comes back (RFC 9260 6.4, 6.4.1, 8.1, 8.2; RFC 7829).
 *
 * The choice is made anew from the paths' states whenever it is asked for; nothing but the last
 * answer is remembered, so that a change can be told.
 */
#include "assoc/association.h"

#define MOST_ERRORS_FACTOR                                                                         \
    10u /* times Path.Max.Retrans + 1: how far a dead path's errors count                          \
         */

/* RFC 7829 5 and RFC 9260 6.4: active before potentially failed before inactive; among equals fewer
 * errors, then the lower index. */
static uint32_t rank(const struct path *p) {
    if (!p->is_confirmed)
        return UINT32_MAX;
    uint32_t base = p->state == USCTP_PATH_STATE_ACTIVE ? 0
                    : p->state == USCTP_PATH_STATE_PF   ? 1u << 16
                                                        : 1u << 24;
    return base + (p->error_count < 65535 ? p->error_count : 65535);
}

static struct path *best_but(const struct assoc *a, const struct path *except) {
    struct path *best = NULL;
    for (uint32_t i = 0; i < a->path_count; i++) {
        struct path *p = a->paths[i];
        if (p != except && rank(p) != UINT32_MAX && (!best || rank(p) < rank(best)))
            best = p;
    }
    return best;
}

static void tell_move(struct assoc *a, uint32_t index) {
    if (index == a->primary)
        a->counters.returns++;
    else if (a->data_path == a->primary)
        a->counters.failovers++;
    a->data_path = (uint8_t)index;
    association_trace(a, USCTP_TRACE_PRIMARY, index, (const uint64_t[3]){0, 0, 0});
    association_raise(a, USCTP_EVENT_PATH);
}

struct path *path_manager_move_data(struct assoc *a) {
    struct path *p = a->paths[a->primary];
    if (!path_is_usable(p)) {
        struct path *other = best_but(a, p);
        /* RFC 9260 6.4: an alternate only when it is better; 8.2: all inactive: stay where we are.
           RFC 7829 3.2 (4), 4.1: among failed ones, the one with the fewest errors. */
        if (other && (rank(other) >> 16 < rank(p) >> 16 ||
                      (p->state != USCTP_PATH_STATE_ACTIVE && rank(other) < rank(p))))
            p = other;
    }
    if (p->index != a->data_path)
        tell_move(a, p->index);
    return p;
}

struct path *path_manager_retransmit_path(struct assoc *a, uint32_t last) {
    struct path *p = last < a->path_count ? a->paths[last] : NULL;
    /* 7.2.4: after a fast retransmit the path has shown no failure: the same one serves. */
    if (p && p->state == USCTP_PATH_STATE_ACTIVE && p->is_confirmed && p->error_count == 0)
        return p;
    /* 6.4.1: SHOULD try an active alternate. */
    struct path *other = best_but(a, p);
    if (other && (!p || rank(other) < rank(p)))
        return other;
    return p ? p : path_manager_data_path(a);
}

struct path *path_manager_control_path(struct assoc *a, uint32_t wanted) {
    if (wanted < a->path_count) {
        struct path *p = a->paths[wanted];
        if (path_is_usable(p))
            return p;
    }
    struct path *best = best_but(a, NULL);
    return best ? best : a->paths[wanted < a->path_count ? wanted : 0];
}

/* RFC 7829 5: primary switchover, for those who set PSMR. */
static void check_switchover(struct path *p) {
    struct assoc *a = p->assoc;
    if (p->index != a->primary || p->error_count <= p->primary_switchover_max_retrans ||
        p->primary_switchover_max_retrans == 65535)
        return;
    /* RFC 7829 5 (3): the one that data goes to now. */
    const struct path *other = path_manager_data_path(a);
    if (other == p || other->state != USCTP_PATH_STATE_ACTIVE)
        return;
    a->primary = other->index;
    const struct usctp_notification n = {.kind = USCTP_NOTIFY_PATH_CHANGE,
                                         .change = USCTP_PATH_MADE_PRIMARY,
                                         .address = other->address};
    association_notify(a, &n);
}

/* 8.3: an inactive path's errors are counted no further; where RFC 7829 is followed they are, up to
   a limit, so that one of several dead paths may be preferred (RFC 7829 4.1). */
static bool is_counted_out(const struct path *p) {
    return p->state == USCTP_PATH_STATE_INACTIVE &&
           (!p->assoc->config->pf_enabled ||
            p->error_count >= MOST_ERRORS_FACTOR * (p->path_max_retrans + 1));
}

bool path_manager_on_error(struct path *p, bool counts_for_association, uint64_t now_us) {
    struct assoc *a = p->assoc;
    if (counts_for_association && ++a->error_count > a->config->association_max_retrans) {
        association_end(a, USCTP_ERR_UNREACHABLE, 0, NULL); /* 8.1 */
        return false;
    }
    if (is_counted_out(p))
        return true;
    p->error_count++;
    if (p->error_count > p->path_max_retrans) {
        path_set_state(p, USCTP_PATH_STATE_INACTIVE); /* 8.2 */
        if (!p->is_confirmed)
            path_disown(p);
    } else if (a->config->pf_enabled && p->state == USCTP_PATH_STATE_ACTIVE &&
               p->error_count > p->pf_max_retrans) {
        path_set_state(p, USCTP_PATH_STATE_PF);
        path_heartbeat_on_potentially_failed(p, now_us);
    }
    check_switchover(p);
    (void)path_manager_data_path(a); /* a failover is told when it is due, also without data */
    return true;
}

void path_manager_on_alive(struct path *p, uint64_t now_us) {
    p->error_count = 0;
    if (!p->is_confirmed || p->state == USCTP_PATH_STATE_ACTIVE)
        return;
    path_set_state(p, USCTP_PATH_STATE_ACTIVE);
    (void)path_manager_data_path(p->assoc);
    path_heartbeat_schedule(p, now_us);
    association_pend(p->assoc, PENDING_DATA);
}
