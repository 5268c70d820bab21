/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SACKs in and T3-rtx (RFC 9260 6.2.1, 6.3.2, 6.3.3, 7.2.4): what was acknowledged, what is to be
 * sent again, and what that does to windows, timers and error counts.
 *
 * The records are in outstanding.c, windows in congestion.c, the sending in output_data.c.
 */
#include "assoc/association.h"

static uint32_t bit(uint32_t path) {
    return 1u << path;
}

/* 6.3.1 C4: one measurement a round trip; C5 (Karn) is in the outcome. */
static void measure(struct path *p, const struct sack_outcome *o, uint64_t now_us) {
    uint64_t sent_us = o->rtt_sent_us[p->index];
    if (sent_us == USCTP_NEVER || sent_us < p->next_measurement_us)
        return;
    path_measured(p, now_us - sent_us);
    p->next_measurement_us = now_us;
}

/* 6.3.2 R2-R4. */
static void adjust_t3(struct path *p, const struct sack_outcome *o, uint64_t now_us) {
    struct assoc *a = p->assoc;
    if (outstanding_flight(&a->outstanding, p->index)->in_flight_count == 0)
        timer_stop(&p->t3, &a->engine->timers);
    else if ((o->earliest_acked_paths & bit(p->index)) || !timer_is_running(&p->t3))
        path_start_t3(p, now_us);
}

static void on_path_acked(struct path *p, const struct sack_outcome *o, uint64_t in_flight_before,
                          uint64_t now_us) {
    struct assoc *a = p->assoc;
    const struct congestion_ack ack = {
        .acked_bytes = o->acked_chunk_bytes[p->index],
        .in_flight_before = in_flight_before,
        .cumulative_advanced = o->cumulative_advanced,
        .in_fast_recovery = a->in_fast_recovery,
        .all_acked = outstanding_flight(&a->outstanding, p->index)->in_flight_count == 0};
    measure(p, o, now_us);
    congestion_on_acked(&p->congestion, &ack, p->pmdcs);
}

/* RFC 9260 8.2, RFC 7829 5 (10): an acknowledgement clears the errors of where the chunk went, even
 * one that comes late, after T3-rtx. Not, though, on another path: with SACKs lost when a path was
 * cut, the first one from the alternate tells of what arrived before, and would call the dead path
 * alive. */
static bool shows_life(const struct path *p, const struct sack_outcome *o,
                       const struct path *from) {
    return (o->alive_paths & bit(p->index)) || ((o->acked_paths & bit(p->index)) && from == p);
}

static void trace_congestion(const struct path *p) {
    const struct assoc *a = p->assoc;
    association_trace(
        a, USCTP_TRACE_CWND, p->index,
        (const uint64_t[3]){p->congestion.cwnd_bytes, p->congestion.ssthresh_bytes,
                            outstanding_flight(&a->outstanding, p->index)->in_flight_bytes});
}

/* 7.2.4: third miss. */
static void on_lost(struct assoc *a, const struct sack_outcome *o) {
    a->counters.fast_retransmits += o->lost_chunks;
    association_pend(a, PENDING_DATA);
    if (a->in_fast_recovery)
        return; /* windows shrink, and one packet leaves regardless of them, once a recovery */
    a->in_fast_recovery = a->retransmit_now = true;
    a->fast_recovery_exit = a->outstanding.next_tsn - 1;
    for (uint32_t i = 0; i < a->path_count; i++)
        if (o->lost_paths & bit(i))
            congestion_on_fast_retransmit(&a->paths[i]->congestion, a->paths[i]->pmdcs);
}

static void check_writable(struct assoc *a) {
    if (!a->send_blocked ||
        a->send_queue.charged_bytes * 3 > (uint64_t)a->config->send_buffer_bytes * 2)
        return;
    a->send_blocked = false;
    association_raise(a, USCTP_EVENT_WRITABLE);
}

static void check_dry(struct assoc *a) {
    if (!outstanding_is_empty(&a->outstanding) || send_queue_front(&a->send_queue))
        return;
    association_raise(a, USCTP_EVENT_DRY);
    const struct usctp_notification dry = {.kind = USCTP_NOTIFY_SENDER_DRY};
    association_notify(a, &dry);
}

/* What every acknowledgement does, by SACK or SHUTDOWN. in_flight_before: per path, before it.
 * from: the path it came on, or NULL. */
static void apply(struct assoc *a, const struct sack_outcome *o, const uint64_t *in_flight_before,
                  const struct path *from, uint64_t now_us) {
    for (uint32_t i = 0; i < a->path_count; i++) {
        struct path *p = a->paths[i];
        if (o->acked_paths & bit(i))
            on_path_acked(p, o, in_flight_before[i], now_us);
        if (shows_life(p, o, from))
            path_manager_on_alive(p, now_us);
        adjust_t3(p, o, now_us);
        path_mtu_on_sack(p, now_us);
    }
    if (o->lost_chunks > 0)
        on_lost(a, o);
    if (a->in_fast_recovery && a->outstanding.cumulative >= a->fast_recovery_exit)
        a->in_fast_recovery = false;
    for (uint32_t i = 0; i < a->path_count; i++)
        if ((o->acked_paths | o->lost_paths) & bit(i))
            trace_congestion(a->paths[i]);
    if (o->newly_acked_chunks == 0)
        return;
    a->error_count = a->stalled_t3 = 0; /* 8.1 */
    uint64_t packets = (o->newly_acked_bytes + a->amdcs - 1) / a->amdcs;
    /* What the SACK before gave may be unused (output_data_waits). */
    uint32_t kept = a->credit > a->config->max_burst ? a->credit : a->config->max_burst;
    a->credit = (uint32_t)(packets + kept > UINT16_MAX ? UINT16_MAX : packets + kept);
    a->sack_credit = a->credit;
    a->sack_credit_us = now_us;
    check_writable(a);
    check_dry(a);
    termination_check(a, now_us);
}

static void note_flight(const struct assoc *a, uint64_t *out) {
    for (uint32_t i = 0; i < a->path_count; i++)
        out[i] = outstanding_flight(&a->outstanding, i)->in_flight_bytes;
}

static void on_window(struct assoc *a, uint32_t a_rwnd) {
    a->peer_rwnd = a_rwnd;
    if (a_rwnd > a->peer_rwnd_max)
        a->peer_rwnd_max = a_rwnd;
    a->sack_since_t3 = true;
    association_pend(a, PENDING_DATA);
}

/* The window was too small for what is sent and unacknowledged, a probe (6.1 A), and opens now: the
   peer has dropped it, and the next timeout is far away. */
static void check_reopened(struct assoc *a, uint32_t window_before) {
    if (outstanding_count(&a->outstanding) != 1)
        return;
    const struct record *probe = outstanding_at(&a->outstanding, a->outstanding.next_tsn - 1);
    if (probe->state != RECORD_IN_FLIGHT || window_before >= probe->payload_bytes ||
        a->peer_rwnd < probe->payload_bytes)
        return;
    outstanding_mark_path(&a->outstanding, probe->path);
    a->retransmit_now = true;
}

enum chunk_verdict retransmit_on_sack(struct inbound *in, const struct chunk *chunk) {
    struct assoc *a = in->assoc;
    struct sack_chunk sack;
    struct sack_outcome outcome;
    uint64_t in_flight[USCTP_MAX_ADDRESSES] = {0};
    /* 3.3.4: the TSN after the cumulative one is by definition missing; were it let in as received,
     * nothing would be left to time out. */
    if (!sack_chunk_parse(chunk, &sack) ||
        (sack.gap_count > 0 && sack_chunk_gap(&sack, 0).start < 2)) {
        input_drop(in, USCTP_DROP_MALFORMED);
        return CHUNK_DONE;
    }
    a->counters.sacks_in++;
    a->counters.gap_blocks_in += sack.gap_count;
    note_flight(a, in_flight);
    switch (outstanding_on_sack(&a->outstanding, &sack, a->in_fast_recovery, &outcome,
                                &a->send_queue, &a->engine->env)) {
    case SACK_OLD: /* 6.2.1 D i */
        input_drop(in, USCTP_DROP_STATE);
        return CHUNK_DONE;
    case SACK_BEYOND: /* 12.4 */
        termination_abort_violation(a, "a TSN was acknowledged that was never sent");
        return CHUNK_DROP_PACKET;
    case SACK_FINE:
        break;
    }
    uint32_t window_before = a->peer_rwnd;
    on_window(a, sack.a_rwnd);
    apply(a, &outcome, in_flight, in->path, in->now_us);
    check_reopened(a, window_before);
    return CHUNK_DONE;
}

/* Was the chunk after the cumulative one acknowledged by a gap block before? Then the peer has
 * taken that back (3.3.8): it would have counted it. */
static bool is_first_reneged(const struct assoc *a) {
    return !outstanding_is_empty(&a->outstanding) &&
           outstanding_at(&a->outstanding, a->outstanding.cumulative + 1)->state == RECORD_ACKED;
}

bool retransmit_on_cumulative(struct assoc *a, uint32_t cumulative_tsn, uint64_t now_us) {
    const struct sack_chunk no_gaps = {.cumulative_tsn = cumulative_tsn};
    struct sack_outcome outcome;
    uint64_t in_flight[USCTP_MAX_ADDRESSES] = {0};
    note_flight(a, in_flight);
    switch (outstanding_on_cumulative(&a->outstanding, cumulative_tsn, &outcome, &a->send_queue,
                                      &a->engine->env)) {
    case SACK_OLD:
        return true;
    case SACK_BEYOND:
        termination_abort_violation(a, "a TSN was acknowledged that was never sent");
        return false;
    case SACK_FINE:
        break;
    }
    /* 6.2.1 B: what was sent has used up the window that was last told; a SHUTDOWN tells none. */
    a->peer_rwnd -= outcome.newly_acked_bytes < a->peer_rwnd ? (uint32_t)outcome.newly_acked_bytes
                                                             : a->peer_rwnd;
    association_pend(a, PENDING_DATA);
    apply(a, &outcome, in_flight, NULL, now_us);
    if (is_first_reneged(a) &&
        outstanding_on_sack(&a->outstanding, &no_gaps, a->in_fast_recovery, &outcome,
                            &a->send_queue, &a->engine->env) == SACK_FINE)
        apply(a, &outcome, in_flight, NULL, now_us);
    return !a->has_ended;
}

/* 6.1 A: does the peer answer, but with a window too small for what is sent? */
static bool is_window_shut(const struct assoc *a, uint64_t earliest) {
    return a->sack_since_t3 &&
           a->peer_rwnd < outstanding_at(&a->outstanding, earliest)->payload_bytes;
}

void retransmit_on_t3(struct path *p, uint64_t now_us) {
    struct assoc *a = p->assoc;
    const struct rto_limits limits = path_rto_limits(p);
    if (outstanding_flight(&a->outstanding, p->index)->in_flight_count == 0) {
        /* The wait before a zero window probe is over (output_data.c started it). */
        a->probe_now = true;
        rto_back_off(&p->rto, &limits);
        association_pend(a, PENDING_DATA);
        return;
    }
    uint64_t earliest = outstanding_earliest_on_path(&a->outstanding, p->index);
    bool was_shut = is_window_shut(a, earliest);
    bool was_probe = was_shut && outstanding_count(&a->outstanding) == 1;
    a->sack_since_t3 = false;
    a->counters.t3_expiries++;
    association_trace(a, USCTP_TRACE_LOSS, p->index,
                      (const uint64_t[3]){serial_wire(earliest), 2, 0});
    if (!was_probe)                                      /* 6.1 A: probes leave the window alone */
        congestion_on_timeout(&p->congestion, p->pmdcs); /* 6.3.3 E1 */
    rto_back_off(&p->rto, &limits);                      /* E2 */
    if (!was_shut)
        path_mtu_on_t3(p, now_us);
    outstanding_mark_path(&a->outstanding, p->index); /* E3 */
    a->in_fast_recovery = false;
    a->retransmit_now = true;
    a->credit = a->sack_credit = 0;
    trace_congestion(p);
    association_pend(a, PENDING_DATA);
    if (was_shut) { /* 6.1 A: no errors while SACKs come */
        a->stalled_t3 = 0;
        return;
    }
    path_manager_on_error(p, true, now_us);
    termination_on_t3(a);
}
