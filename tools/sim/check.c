/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What must hold at every moment: of an engine's own account of itself, of its changes of state
 * (RFC 9260 4), and of the two sides' states together.
 *
 * Among it are the properties that the formal analysis of SCTP by Ginesin and others (USENIX
 * Security 2024) proves of RFC 9260: what CLOSED and SHUTDOWN-RECEIVED lead to, that nobody stays
 * in COOKIE-ECHOED or any state but ESTABLISHED, that no association is half open, that the two are
 * not both in SHUTDOWN-RECEIVED, nor one there and the other in COOKIE-ECHOED, that
 * SHUTDOWN-ACK-SENT asks for nothing (check_packet.c), and that a shutdown comes to an end.
 */
#include "sim/world.h"

#include "common/names.h"

#include <inttypes.h>

/* RFC 9260 4; and 5.2.4 A, when the peer has restarted: ESTABLISHED again, unless it was too late.
 */
static bool is_legal(enum usctp_assoc_state from, enum usctp_assoc_state to, bool peer_restarts) {
    if (from == to || to == USCTP_CLOSED)
        return true;
    if (to == USCTP_ESTABLISHED && from != USCTP_COOKIE_WAIT && from != USCTP_SHUTDOWN_ACK_SENT &&
        peer_restarts)
        return true;
    switch (from) {
    case USCTP_CLOSED:
        return to == USCTP_COOKIE_WAIT || to == USCTP_ESTABLISHED;
    case USCTP_COOKIE_WAIT:
        return to == USCTP_COOKIE_ECHOED;
    case USCTP_COOKIE_ECHOED: /* 5.2.6: a new INIT after a stale cookie */
        return to == USCTP_ESTABLISHED || to == USCTP_COOKIE_WAIT;
    case USCTP_ESTABLISHED: /* PENDING and RECEIVED may take no time */
        return to == USCTP_SHUTDOWN_PENDING || to == USCTP_SHUTDOWN_SENT ||
               to == USCTP_SHUTDOWN_RECEIVED || to == USCTP_SHUTDOWN_ACK_SENT;
    case USCTP_SHUTDOWN_PENDING:
        return to == USCTP_SHUTDOWN_SENT || to == USCTP_SHUTDOWN_RECEIVED ||
               to == USCTP_SHUTDOWN_ACK_SENT;
    case USCTP_SHUTDOWN_SENT:
    case USCTP_SHUTDOWN_RECEIVED:
        return to == USCTP_SHUTDOWN_ACK_SENT;
    case USCTP_SHUTDOWN_ACK_SENT:
        return false;
    }
    return false;
}

void check_state(struct world *w, unsigned host, const struct usctp_trace_record *record) {
    enum usctp_assoc_state from = record->a != 0 ? (enum usctp_assoc_state)record->a : USCTP_CLOSED;
    enum usctp_assoc_state to = (enum usctp_assoc_state)record->b;
    if (!is_legal(from, to, w->host[1 - host].restarts > 0))
        world_violate(w, "host %c: a change of state that RFC 9260 4 does not know: %s to %s",
                      "ab"[host], names_state(from), names_state(to));
    struct conversation *c = conversation_of(w, host, record->assoc);
    if (c != NULL) {
        c->state[host] = to;
        c->since_us[host] = w->now_us;
    }
}

/* ---- what an engine tells of itself ---- */

static void wrong(struct world *w, const struct conversation *c, unsigned host, const char *what) {
    world_violate(w, "association %" PRIu32 ", host %c: %s", c->number, "ab"[host], what);
}

static uint32_t largest_mtu(const struct world *w, unsigned host) {
    uint32_t largest = w->scenario->config[host].pmtu_default_bytes;
    for (unsigned i = 0; i < w->scenario->path_count; i++)
        if (w->scenario->paths[i].interface_mtu[host] > largest)
            largest = w->scenario->paths[i].interface_mtu[host];
    return largest;
}

static void check_path(struct world *w, const struct conversation *c, unsigned host,
                       const struct usctp_path_status *path) {
    const struct usctp_config *config = &w->scenario->config[host];
    if (path->rto_us < config->rto_min_us || path->rto_us > config->rto_max_us)
        wrong(w, c, host, "an RTO outside RTO.Min and RTO.Max (RFC 9260 6.3.1 C6, C7)");
    if (path->cwnd_bytes == 0)
        wrong(w, c, host, "a congestion window of 0 (RFC 9260 7.2)");
    if (path->srtt_us != 0 && path->rttvar_us == 0)
        wrong(w, c, host, "an RTTVAR of 0 (RFC 9260 6.3.1)");
    if (path->pmtu_bytes < 512 || path->pmtu_bytes > largest_mtu(w, host))
        wrong(w, c, host, "a path MTU below 512 or above what the interfaces take");
}

static void check_host(struct world *w, const struct conversation *c, unsigned host) {
    const struct usctp_config *config = &w->scenario->config[host];
    struct usctp_engine *engine = w->host[host].engine;
    struct usctp_assoc_status status;
    struct usctp_path_status path;
    uint64_t in_flight_bytes = 0;
    if (usctp_assoc_status(engine, c->assoc[host], &status) != 0 || status.has_ended)
        return;
    for (uint32_t i = 0; i < status.path_count; i++) {
        if (usctp_path_status(engine, c->assoc[host], i, &path) != 0) {
            wrong(w, c, host, "a path without a status");
            return;
        }
        in_flight_bytes += path.in_flight_bytes;
        check_path(w, c, host, &path);
    }
    if (in_flight_bytes != status.in_flight_bytes)
        wrong(w, c, host, "bytes in flight that are on no path");
    if (status.unacknowledged_chunks == 0 && status.in_flight_bytes != 0)
        wrong(w, c, host, "bytes in flight with every chunk acknowledged");
    if (status.primary_path >= status.path_count || status.data_path >= status.path_count)
        wrong(w, c, host, "a primary or data path that does not exist");
    if (status.local_rwnd_bytes > config->receive_buffer_bytes)
        wrong(w, c, host, "a window larger than the receive buffer (RFC 9260 6.2.1)");
    if (status.unread_bytes > (uint64_t)config->receive_buffer_bytes + USCTP_MAX_PACKET_BYTES)
        wrong(w, c, host, "more unread data than the receive buffer holds");
    if (status.send_buffer_used_bytes > (uint64_t)config->send_buffer_bytes * 2)
        wrong(w, c, host, "more unsent data than the send buffer holds");
    if (status.state != c->state[host])
        wrong(w, c, host, "a state that the trace does not tell");
}

/* How long a state may last that is not to last: every retransmission at the longest timeout. */
static uint64_t patience_us(const struct world *w, unsigned host) {
    const struct usctp_config *config = &w->scenario->config[host];
    uint64_t longest = config->rto_max_us > config->max_init_timeout_us
                           ? config->rto_max_us
                           : config->max_init_timeout_us;
    uint32_t times = config->max_init_retransmits > config->association_max_retrans
                         ? config->max_init_retransmits
                         : config->association_max_retrans;
    return (times + 6) * longest; /* T5-shutdown-guard is 5 times RTO.Max (RFC 9260 9.2) */
}

static void check_stay(struct world *w, const struct conversation *c, unsigned host) {
    /* With data to be acknowledged first, a shutdown pends as long as the peer answers. */
    if (c->state[host] == USCTP_ESTABLISHED || c->state[host] == USCTP_SHUTDOWN_PENDING ||
        c->state[host] == USCTP_SHUTDOWN_RECEIVED)
        return;
    if (w->now_us - c->since_us[host] > patience_us(w, host))
        world_violate(w, "association %" PRIu32 ", host %c stays in %s", c->number, "ab"[host],
                      names_state(c->state[host]));
}

static void check_both(struct world *w, const struct conversation *c) {
    enum usctp_assoc_state a = c->state[0], b = c->state[1];
    if (a == USCTP_SHUTDOWN_RECEIVED && b == USCTP_SHUTDOWN_RECEIVED)
        world_violate(w, "association %" PRIu32 ": both sides in SHUTDOWN-RECEIVED", c->number);
    if ((a == USCTP_COOKIE_ECHOED && b == USCTP_SHUTDOWN_RECEIVED) ||
        (b == USCTP_COOKIE_ECHOED && a == USCTP_SHUTDOWN_RECEIVED))
        world_violate(w, "association %" PRIu32 ": COOKIE-ECHOED against SHUTDOWN-RECEIVED",
                      c->number);
}

static void check_conversation(struct world *w, const struct conversation *c) {
    bool live[2];
    for (unsigned h = 0; h < 2; h++) {
        live[h] = conversation_is_live(c, h);
        if (!live[h])
            continue;
        check_host(w, c, h);
        check_stay(w, c, h);
    }
    if (live[0] && live[1] && !c->is_behind[0] && !c->is_behind[1])
        check_both(w, c);
}

void check_step(struct world *w) {
    for (uint32_t i = 0; i < w->touched_count; i++) {
        struct conversation *c = &w->conversations[w->touched[i]];
        c->touched = false;
        check_conversation(w, c);
    }
    w->touched_count = 0;
}

void check_end(struct world *w) {
    uint64_t corrupted = 0, refused = 0;
    struct usctp_engine_counters counters;
    for (uint32_t i = 0; i < w->conversation_count; i++)
        check_conversation(w, &w->conversations[i]);
    for (unsigned h = 0; h < 2; h++) {
        refused += w->host[h].refused;
        if (w->host[h].engine != NULL) {
            usctp_engine_counters(w->host[h].engine, &counters);
            refused += counters.dropped[USCTP_DROP_CHECKSUM];
        }
        for (unsigned i = 0; i < w->scenario->path_count; i++)
            corrupted += simulated_link_counters(w->network.link[h][i])->corrupted +
                         simulated_link_counters(w->network.link[h][i])->duplicated;
    }
    if (refused > corrupted)
        world_violate(w, "%" PRIu64 " wrong checksums, and only %" PRIu64 " packets damaged",
                      refused, corrupted);
}
