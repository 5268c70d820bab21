/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The two state machines together: the ten properties of Ginesin, von Hippel, Defloor, Nita-Rotaru
 * and Tuexen, "A Formal Analysis of SCTP: Attack Synthesis and Patch Verification" (USENIX Security
 * 2024), at every change of state or after every step. "Eventually" has a bound here.
 *
 *   property, by its name in their models                   where it is checked
 *    1 closed_to_other: CLOSED leads to COOKIE-WAIT or       check_change
 *      ESTABLISHED
 *    2 not_stuck_in_cookie_echoed: T1 runs there             sim_inside.c: check_state_timers
 *    3 no_half_open: while one is ESTABLISHED and the other  check_change; and, stronger,
 *      CLOSED, CLOSED leads to ESTABLISHED or COOKIE-WAIT    check_half_open
 *    4 no_half_open_2: the same with the sides changed       the same
 *    5 no_stuck_states: both CLOSED, both ESTABLISHED, or    check_stuck (an hour); what moves
 *      something changes                                     them on: sim_inside.c
 *    6 neverBothShutdownReceived                             check_both
 *    7 noCookieEchoedAndShutdownReceived                     check_both
 *    8 shutdown_ack_send_no_requests: SHUTDOWN-ACK-SENT      check_change
 *      leads to CLOSED only
 *    9 shutdown_rcvd_to_ack_or_closed: SHUTDOWN-RECEIVED     check_change
 *      leads to SHUTDOWN-ACK-SENT or CLOSED (or is restarted)
 *   10 shutdown_eventually_closed                            check_guard (5 * RTO.Max, 9.2);
 *                                                            simulation.c: END_LIMIT_US
 *
 *   our own                                                  where it is checked
 *   each message once, whole, its own bytes, in order of     sim_traffic.c
 *     its stream; no piece of another inside; all of them
 *   each packet well formed (3, 6.10), small enough, to an   packet_reader.c, sim_check.c
 *     address that may have it (5.4)
 *   no more than the peer's window (6.1 A)                   sim_window.c
 *   RTO, cwnd, PMTU, buffers within their bounds; flight is  sim_check.c: check_host
 *     the sum over the paths
 *   only changes of state that section 4 knows               engine_env.c, sim_check.c
 *   no round trip measured that the way is too long for      check_measurement
 *     (6.3.1 C5, Karn)
 *   a timer for whatever waits: 5.1, 6.2, 6.3.2, 8.3, 9.2    sim_inside.c
 *   cwnd: one PMDCS after T3-rtx, growth by SACKs only (7.2) sim_inside.c
 *   no new data beyond cwnd (6.1 B), at each packet          sim_inside.c
 *   data where 6.4 and RFC 7829 want it: back on the         sim_inside.c
 *     primary path when that is active
 *   the bookkeepers' own checks                              sim_inside.c
 *   forged packets change nothing (8.5)                      sim_attack.c, by all of these
 *   nothing stays allocated                                  engine_env.c
 */
#include "support/simulation.h"

#include <inttypes.h>

#define SECOND   ((uint64_t)1000000)
#define STUCK_US (3600 * SECOND)

static void fail_change(const struct sim_watch *w, const char *property,
                        enum usctp_assoc_state from, enum usctp_assoc_state to) {
    test_fail(__FILE__, __LINE__, "%s: host %u goes from %s to %s", property, w->host,
              state_name(from), state_name(to));
}

static void check_change(const struct sim_watch *w, enum usctp_assoc_state from,
                         enum usctp_assoc_state to) {
    const struct simulation *s = w->simulation;
    const struct sim_watch *other = &s->watch[1 - w->host];
    bool opens = to == USCTP_COOKIE_WAIT || to == USCTP_ESTABLISHED;
    /* 5.2.4 A lets the model's absent restart happen from any state but SHUTDOWN-ACK-SENT. */
    bool is_restart = to == USCTP_ESTABLISHED && s->restarted && w->host == 1;
    if (from == to)
        return;
    if (from == USCTP_CLOSED && !opens)
        fail_change(w, "closed_to_other", from, to);
    if (from == USCTP_CLOSED && other->state == USCTP_ESTABLISHED && !opens)
        fail_change(w, "no_half_open", from, to);
    if (from == USCTP_SHUTDOWN_ACK_SENT && to != USCTP_CLOSED)
        fail_change(w, "shutdown_ack_send_no_requests", from, to);
    if (from == USCTP_SHUTDOWN_RECEIVED && to != USCTP_SHUTDOWN_ACK_SENT && to != USCTP_CLOSED &&
        !is_restart)
        fail_change(w, "shutdown_rcvd_to_ack_or_closed", from, to);
}

static void on_state(struct sim_watch *w, const struct usctp_trace_record *record) {
    enum usctp_assoc_state from = (enum usctp_assoc_state)record->a,
                           to = (enum usctp_assoc_state)record->b;
    check_change(w, from, to);
    /* A late copy of a cookie makes one more association, which nobody takes. */
    bool is_new = record->assoc != w->assoc;
    if (is_new && (w->state != USCTP_CLOSED || w->simulation->finished))
        return;
    bool ends = to == USCTP_SHUTDOWN_SENT || to == USCTP_SHUTDOWN_ACK_SENT;
    w->assoc = record->assoc;
    w->state = to;
    w->since_us = record->now_us;
    if (!ends)
        w->shutdown_us = USCTP_NEVER;
    else if (w->shutdown_us == USCTP_NEVER)
        w->shutdown_us = record->now_us;
}

/* The shortest way there and back, over whatever paths. */
static uint64_t shortest_us(const struct simulation *s) {
    uint64_t sum = 0;
    for (unsigned from = 0; from < 2; from++) {
        uint64_t least = UINT64_MAX;
        for (unsigned path = 0; path < s->scenario.paths; path++)
            if (s->scenario.link[from][path].delay_us < least)
                least = s->scenario.link[from][path].delay_us;
        sum += least;
    }
    return sum;
}

/* 6.3.1 C2, C3, backwards: what was measured, from what it did to SRTT. A SACK may acknowledge an
 * earlier transmission than the last one: what is measured from the last is too short then. */
static void check_measurement(struct sim_watch *w, const struct usctp_trace_record *record) {
    uint64_t srtt_us = record->b, rttvar_us = record->c, before_us = w->srtt_us[record->path];
    bool is_first = before_us == 0 || rttvar_us == srtt_us / 2;
    uint64_t measured_us = is_first                      ? srtt_us
                           : 8 * srtt_us > 7 * before_us ? 8 * srtt_us - 7 * before_us
                                                         : 0;
    uint64_t rounding_us = is_first ? 0 : 8;
    if (measured_us + rounding_us < shortest_us(w->simulation))
        test_fail(__FILE__, __LINE__,
                  "host %u: path %" PRIu32 ": a round trip of %" PRIu64
                  " us was measured, the shortest takes %" PRIu64 " us (RFC 9260 6.3.1 C5)",
                  w->host, record->path, measured_us, shortest_us(w->simulation));
    w->srtt_us[record->path] = srtt_us;
}

static void on_trace(void *user, const struct usctp_trace_record *record) {
    struct sim_watch *w = user;
    if (record->kind == USCTP_TRACE_PACKET_OUT)
        sim_inside_packet(w->simulation, w->host, record);
    else if (record->kind == USCTP_TRACE_STATE)
        on_state(w, record);
    else if (record->kind == USCTP_TRACE_RTO && record->path < HOSTS_MAX_PATHS)
        check_measurement(w, record);
    else if (record->kind == USCTP_TRACE_LOSS && record->b == 2 && record->path < HOSTS_MAX_PATHS)
        w->t3_us[record->path] = record->now_us;
}

void sim_properties_watch(struct simulation *s) {
    for (unsigned host = 0; host < 2; host++) {
        struct sim_watch *w = &s->watch[host];
        *w = (struct sim_watch){.simulation = s,
                                .host = host,
                                .state = USCTP_CLOSED,
                                .since_us = s->start_us,
                                .shutdown_us = USCTP_NEVER};
        for (unsigned path = 0; path < HOSTS_MAX_PATHS; path++)
            w->t3_us[path] = USCTP_NEVER;
        s->hosts->host[host].env.on_trace = on_trace;
        s->hosts->host[host].env.on_trace_user = w;
        s->books[host].unacknowledged_us = USCTP_NEVER;
    }
}

/* 6, 7; both must be of the same association. */
static void check_both(const struct usctp_assoc_status *a, const struct usctp_assoc_status *b) {
    if (a->state == USCTP_SHUTDOWN_RECEIVED && b->state == USCTP_SHUTDOWN_RECEIVED)
        test_fail(__FILE__, __LINE__, "neverBothShutdownReceived");
    if ((a->state == USCTP_COOKIE_ECHOED && b->state == USCTP_SHUTDOWN_RECEIVED) ||
        (b->state == USCTP_COOKIE_ECHOED && a->state == USCTP_SHUTDOWN_RECEIVED))
        test_fail(__FILE__, __LINE__, "noCookieEchoedAndShutdownReceived");
}

/* 3 and 4, stronger: who has ended in grace has seen SHUTDOWN ACK or SHUTDOWN COMPLETE; the other
 * is on its last step, or has ended too (9.2). */
static void check_half_open(const struct usctp_assoc_status *ended,
                            const struct usctp_assoc_status *other) {
    if (!ended->has_ended || ended->error != 0 || other->has_ended)
        return;
    if (other->state != USCTP_SHUTDOWN_ACK_SENT)
        test_fail(__FILE__, __LINE__, "no_half_open: one has ended, the other is in %s",
                  state_name(other->state));
}

/* 5. */
static void check_stuck(const struct simulation *s) {
    const struct sim_watch *a = &s->watch[0], *b = &s->watch[1];
    uint64_t since_us = a->since_us > b->since_us ? a->since_us : b->since_us;
    bool at_rest =
        a->state == b->state && (a->state == USCTP_CLOSED || a->state == USCTP_ESTABLISHED);
    uint64_t limit_us = STUCK_US + (s->slept ? s->scenario.sleep_us : 0);
    if (!at_rest && s->hosts->now_us - since_us > limit_us)
        test_fail(__FILE__, __LINE__, "no_stuck_states: %s and %s for an hour",
                  state_name(a->state), state_name(b->state));
}

/* 10: T5-shutdown-guard, which RFC 9260 9.2 lets last 5 * RTO.Max. */
static void check_guard(const struct simulation *s, unsigned host) {
    const struct sim_watch *w = &s->watch[host];
    if (w->shutdown_us == USCTP_NEVER || s->hosts->host[host].asleep)
        return;
    if (s->hosts->now_us - w->shutdown_us > 5 * s->scenario.config[host].rto_max_us)
        test_fail(__FILE__, __LINE__,
                  "shutdown_eventually_closed: host %u is in %s for %" PRIu64 " us", host,
                  state_name(w->state), s->hosts->now_us - w->shutdown_us);
}

void sim_properties_check(struct simulation *s, const struct usctp_assoc_status *both) {
    check_stuck(s);
    check_guard(s, 0);
    check_guard(s, 1);
    if (!both)
        return;
    const struct usctp_assoc_status *a = &both[0], *b = &both[1];
    if (a->peer_tag != b->local_tag || b->peer_tag != a->local_tag)
        return;
    check_half_open(a, b);
    check_half_open(b, a);
    if (!a->has_ended && !b->has_ended)
        check_both(a, b);
}
