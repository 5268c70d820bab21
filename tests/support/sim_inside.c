/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What must hold inside an engine when it has come to rest: whatever waits has a timer, windows
 * move as RFC 9260 7 lets them, data goes where 6.4 and RFC 7829 send it, and the bookkeepers' own
 * checks agree. The only part of a simulation that looks behind the public interface; see
 * sim_properties.c for the table of all that is checked.
 */
#include "support/simulation.h"

#include "assoc/association.h"
#include <inttypes.h>

#define BOOKS_EVERY 16u /* one step in so many has every record counted anew */

static void require_timer(const struct timer *timer, uint64_t latest_us, unsigned host,
                          const char *what) {
    if (!timer_is_running(timer))
        test_fail(__FILE__, __LINE__, "host %u: %s, and its timer does not run", host, what);
    if (timer->deadline_us > latest_us)
        test_fail(__FILE__, __LINE__, "host %u: %s, and its timer expires %" PRIu64 " us too late",
                  host, what, timer->deadline_us - latest_us);
}

/* 5.1, 9.2: what answers do not bring about, a timer does. */
static void check_state_timers(const struct assoc *a, unsigned host, uint64_t now_us) {
    uint64_t rto_us = now_us + a->config->rto_max_us;
    switch (a->state) {
    case USCTP_COOKIE_WAIT:
        require_timer(&a->t1, rto_us, host, "COOKIE-WAIT");
        break;
    case USCTP_COOKIE_ECHOED:
        require_timer(&a->t1, rto_us, host, "not_stuck_in_cookie_echoed: COOKIE-ECHOED");
        break;
    case USCTP_SHUTDOWN_SENT:
    case USCTP_SHUTDOWN_ACK_SENT:
        require_timer(&a->t2, rto_us, host, "SHUTDOWN or SHUTDOWN ACK is not answered");
        require_timer(&a->t5, now_us + 5 * a->config->rto_max_us, host, "the shutdown is guarded");
        break;
    case USCTP_CLOSED:
    case USCTP_ESTABLISHED:
    case USCTP_SHUTDOWN_PENDING:
    case USCTP_SHUTDOWN_RECEIVED:
        break;
    }
}

/* 6.3.2 R1, 6.1 A: T3-rtx runs where DATA is in flight; where nothing is and something waits, the
 * wait before a zero window probe runs. 8.3: a path's silence is noticed. */
static void check_path_timers(const struct assoc *a, unsigned host, uint64_t now_us) {
    uint64_t rto_us = now_us + a->config->rto_max_us;
    bool is_any_running = false, is_any_in_flight = false;
    for (uint32_t i = 0; i < a->path_count; i++) {
        const struct path *p = a->paths[i];
        is_any_running |= timer_is_running(&p->t3);
        if (outstanding_flight(&a->outstanding, i)->in_flight_count > 0) {
            is_any_in_flight = true;
            require_timer(&p->t3, rto_us, host, "DATA is in flight");
        }
        if (association_may_send_data(a) && p->hb_enabled)
            require_timer(&p->heartbeat, rto_us + a->config->rto_max_us + p->hb_interval_us, host,
                          "a path may be idle");
    }
    bool waits =
        outstanding_marked_count(&a->outstanding) > 0 || send_queue_front(&a->send_queue) != NULL;
    if (association_may_send_data(a) && waits && !is_any_in_flight && !is_any_running)
        test_fail(__FILE__, __LINE__, "host %u: DATA waits, and no timer runs", host);
}

/* 6.2: no DATA waits longer than the delay for its SACK, however much comes after it. */
static void check_acknowledgement(const struct assoc *a, struct sim_books *b, unsigned host,
                                  uint64_t now_us) {
    bool is_new = b->unacknowledged_us == USCTP_NEVER || a->counters.sacks_out != b->sacks_out;
    b->sacks_out = a->counters.sacks_out;
    if (a->packets_unacknowledged == 0)
        b->unacknowledged_us = USCTP_NEVER;
    else if (is_new)
        b->unacknowledged_us = now_us;
    else if (now_us > b->unacknowledged_us + a->config->sack_delay_us)
        test_fail(__FILE__, __LINE__,
                  "host %u: DATA waits for its SACK since %" PRIu64 " us (RFC 9260 6.2)", host,
                  now_us - b->unacknowledged_us);
}

/* RFC 9260 6.4, RFC 7829 3.2: on the primary path while that is active, else on an active one. */
static void check_data_path(const struct assoc *a, unsigned host) {
    const struct path *primary = a->paths[a->primary], *data = a->paths[a->data_path];
    if (!association_may_send_data(a))
        return;
    if (primary->state == USCTP_PATH_STATE_ACTIVE && data != primary)
        test_fail(__FILE__, __LINE__,
                  "host %u: the primary path %" PRIu32 " is active, and data goes to path %" PRIu32,
                  host, a->primary, a->data_path);
    for (uint32_t i = 0; i < a->path_count; i++)
        if (a->paths[i]->state == USCTP_PATH_STATE_ACTIVE && data->state != USCTP_PATH_STATE_ACTIVE)
            test_fail(__FILE__, __LINE__,
                      "host %u: path %" PRIu32 " is active, and data goes to path %" PRIu32, host,
                      i, a->data_path);
}

/* 7.2.1, 7.2.2: at most one PMDCS more for each SACK; 7.2.3: one PMDCS after T3-rtx, but for a
 * probe of a closed window (6.1 A). */
static void check_congestion(const struct simulation *s, const struct assoc *a, unsigned host,
                             const struct sim_books *b) {
    uint64_t packets = s->hosts->host[host].packets_in - b->packets_in;
    for (uint32_t i = 0; i < a->path_count && i < HOSTS_MAX_PATHS; i++) {
        const struct path *p = a->paths[i];
        uint64_t cwnd = p->congestion.cwnd_bytes, mtu = s->scenario.mtu;
        uint64_t initial = 4 * mtu > 4404 ? 4 * mtu : 4404;
        if (cwnd > b->cwnd_bytes[i] + packets * mtu && cwnd > initial)
            test_fail(__FILE__, __LINE__,
                      "host %u: path %" PRIu32 ": cwnd grows from %" PRIu64 " to %" PRIu64
                      " by %" PRIu64 " packets (RFC 9260 7.2)",
                      host, i, b->cwnd_bytes[i], cwnd, packets);
        bool is_probe = outstanding_count(&a->outstanding) <= 1;
        if (s->watch[host].t3_us[i] == s->hosts->now_us && !is_probe && cwnd > p->pmdcs)
            test_fail(__FILE__, __LINE__,
                      "host %u: path %" PRIu32 ": cwnd is %" PRIu64
                      " after T3-rtx (RFC 9260 7.2.3)",
                      host, i, cwnd);
    }
}

/* The last DATA chunk of a packet, or 0. */
static size_t last_data(const struct usctp_packet *packet) {
    size_t last = 0;
    for (size_t at = 12; at + 16 <= packet->length;) {
        if (packet->data[at] == WIRE_DATA)
            last = at;
        at += (load16(packet->data + at + 2) + 3u) & ~(size_t)3u;
    }
    return last;
}

/* 6.1 B: new data leaves only where less than cwnd is in flight; one chunk may exceed it. */
void sim_inside_packet(const struct simulation *s, unsigned host,
                       const struct usctp_trace_record *record) {
    size_t at = last_data(record->packet);
    const struct assoc *a =
        at ? association_by_id(s->hosts->host[host].engine, record->assoc) : NULL;
    if (!a || outstanding_is_empty(&a->outstanding))
        return;
    uint64_t newest = a->outstanding.next_tsn - 1;
    if (load32(record->packet->data + at + 4) != serial_wire(newest) ||
        outstanding_at(&a->outstanding, newest)->transmissions != 1)
        return;
    const struct path *p = a->paths[record->path];
    uint64_t flight = outstanding_flight(&a->outstanding, record->path)->in_flight_bytes;
    uint64_t chunk = (load16(record->packet->data + at + 2) + 3u) & ~(uint64_t)3u;
    if (flight >= p->congestion.cwnd_bytes + chunk)
        test_fail(__FILE__, __LINE__,
                  "host %u: path %" PRIu32 ": %" PRIu64 " bytes in flight with a new chunk of "
                  "%" PRIu64 ", cwnd %" PRIu64 " (RFC 9260 6.1 B)",
                  host, record->path, flight, chunk, p->congestion.cwnd_bytes);
}

static void check_books(const struct usctp_engine *engine, const struct assoc *a) {
    REQUIRE(timers_check(&engine->timers));
    REQUIRE(outstanding_check(&a->outstanding));
    REQUIRE(received_tsn_check(&a->received));
    REQUIRE(reassembly_check(&a->reassembly));
}

static void remember(struct sim_books *b, const struct simulation *s, const struct assoc *a,
                     unsigned host) {
    b->packets_in = s->hosts->host[host].packets_in;
    for (uint32_t i = 0; i < a->path_count && i < HOSTS_MAX_PATHS; i++)
        b->cwnd_bytes[i] = a->paths[i]->congestion.cwnd_bytes;
}

void sim_inside_check(struct simulation *s, unsigned host) {
    const struct host *h = &s->hosts->host[host];
    struct sim_books *b = &s->books[host];
    uint64_t now_us = s->hosts->now_us;
    const struct assoc *a = h->engine && h->assoc ? association_by_id(h->engine, h->assoc) : NULL;
    if (!a || a->has_ended) {
        *b = (struct sim_books){.unacknowledged_us = USCTP_NEVER};
        return;
    }
    bool is_same = b->assoc == a->id && b->restarts == a->counters.restarts;
    if (!is_same)
        *b = (struct sim_books){
            .assoc = a->id, .restarts = a->counters.restarts, .unacknowledged_us = USCTP_NEVER};
    check_state_timers(a, host, now_us);
    check_path_timers(a, host, now_us);
    check_acknowledgement(a, b, host, now_us);
    check_data_path(a, host);
    if (is_same)
        check_congestion(s, a, host, b);
    if (s->hosts->steps % BOOKS_EVERY == 0)
        check_books(h->engine, a);
    remember(b, s, a, host);
}
