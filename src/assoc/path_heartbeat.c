/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Heartbeats: is an idle path alive, and does an address belong to the peer at all (RFC
 * 9260 5.4, 8.3; RFC 7829 3).
 *
 * A path's heartbeat timer has two meanings: while a HEARTBEAT is unanswered, when to count it as
 * lost (an RTO after it); else, when to send the next one.
 *
 * Heartbeat Info, opaque to the peer: nonce (8 bytes), path index (1), generation (1), size of a
 * path MTU probe (2; zeros else), address family (4), address (16). Probes are path_mtu.c's.
 */
#include "assoc/association.h"
#include "chunk/control_chunk.h"

#define INFO_BYTES PATH_HEARTBEAT_INFO_BYTES
_Static_assert(PATH_HEARTBEAT_CHUNK_BYTES == CHUNK_HEADER_BYTES + 4 + INFO_BYTES, "chunk's size");

void path_heartbeat_write_info(const struct path *p, uint64_t nonce, uint32_t probe_bytes,
                               uint8_t *info) {
    memset(info, 0, INFO_BYTES);
    put64(info, nonce);
    put16(info + 10, (uint16_t)probe_bytes);
    info[8] = p->index;
    info[9] = p->generation;
    put32(info + 12, p->address.family);
    /* Only what is an address: a handle is the embedder's own and stays off the wire. */
    if (p->address.family == USCTP_FAMILY_IPV4)
        memcpy(info + 16, p->address.ipv4, sizeof p->address.ipv4);
    else if (p->address.family == USCTP_FAMILY_IPV6)
        memcpy(info + 16, p->address.ipv6, sizeof p->address.ipv6);
}

static bool probes_each_rto(const struct path *p) {
    /* 5.4: an unconfirmed address is probed each RTO until it is inactive; RFC 7829 3.2 (5): so is
     * a potentially failed one, unless heartbeats are off. */
    return p->state == USCTP_PATH_STATE_UNCONFIRMED ||
           (p->state == USCTP_PATH_STATE_PF && p->hb_enabled);
}

static bool may_heartbeat(const struct assoc *a) {
    /* 8.3: from ESTABLISHED until SHUTDOWN or SHUTDOWN ACK is sent. */
    return association_may_send_data(a);
}

/* 8.3: RTO + HB.interval, jittered by +/- 50 % of the RTO. */
static uint64_t next_interval(const struct path *p) {
    uint64_t rto = p->rto.rto_us;
    uint64_t jitter = rto > 0 ? env_random32(&p->assoc->engine->env) % (rto + 1) : 0;
    return p->hb_interval_us + rto / 2 + jitter;
}

void path_heartbeat_schedule(struct path *p, uint64_t now_us) {
    struct assoc *a = p->assoc;
    struct timers *timers = &a->engine->timers;
    if (!may_heartbeat(a)) {
        timer_stop(&p->heartbeat, timers);
        return;
    }
    if (p->heartbeat_outstanding || p->wants_heartbeat)
        return; /* the timer runs, or will when it is sent */
    if (probes_each_rto(p)) {
        timer_start(&p->heartbeat, timers, now_us + p->rto.rto_us);
    } else if (p->hb_enabled) {
        timer_start(&p->heartbeat, timers, now_us + next_interval(p));
    } else {
        timer_stop(&p->heartbeat, timers);
    }
}

void path_heartbeat_probe(struct path *p) {
    p->wants_heartbeat = true;
    association_pend(p->assoc, PENDING_HEARTBEAT);
}

/* 5.4: HB.Max.Burst packets with a HEARTBEAT each RTO, whichever addresses they verify. */
static void take_probe_turn(struct path *p, uint64_t now_us) {
    struct assoc *a = p->assoc;
    uint64_t step_us = a->paths[a->primary]->rto.rto_us / a->config->hb_max_burst + 1;
    if (a->next_probe_us <= now_us) {
        a->next_probe_us = now_us + step_us;
        path_heartbeat_probe(p);
        return;
    }
    p->has_probe_turn = true;
    timer_start(&p->heartbeat, &a->engine->timers, a->next_probe_us);
    a->next_probe_us += step_us;
}

void path_heartbeat_on_potentially_failed(struct path *p, uint64_t now_us) {
    if (!probes_each_rto(p) || !may_heartbeat(p->assoc)) {
        path_heartbeat_schedule(p, now_us);
    } else if (!p->heartbeat_outstanding) {
        timer_stop(&p->heartbeat, &p->assoc->engine->timers);
        path_heartbeat_probe(p);
    }
}

void path_heartbeat_start_all(struct assoc *a, uint64_t now_us) {
    a->next_probe_us = now_us;
    for (uint32_t i = 0; i < a->path_count; i++) {
        struct path *p = a->paths[i];
        p->has_probe_turn = false;
        p->last_used_us = now_us;
        /* The one that went with the COOKIE ECHO is waited for (5.4). */
        if (p->heartbeat_outstanding && timer_is_running(&p->heartbeat))
            continue;
        p->heartbeat_outstanding = false;
        if (p->state == USCTP_PATH_STATE_UNCONFIRMED)
            take_probe_turn(p, now_us);
        else
            path_heartbeat_schedule(p, now_us);
    }
    path_mtu_start_all(a, now_us);
}

void path_heartbeat_stop_all(struct assoc *a) {
    for (uint32_t i = 0; i < a->path_count; i++) {
        timer_stop(&a->paths[i]->heartbeat, &a->engine->timers);
        a->paths[i]->heartbeat_outstanding = a->paths[i]->wants_heartbeat = false;
    }
    a->pending &= ~(uint32_t)PENDING_HEARTBEAT;
    path_mtu_stop_all(a); /* probes are HEARTBEATs */
}

void path_heartbeat_write(struct path *p, struct writer *w, uint64_t now_us) {
    uint8_t info[INFO_BYTES];
    struct assoc *a = p->assoc;
    env_random(&a->engine->env, &p->heartbeat_nonce, sizeof p->heartbeat_nonce);
    path_heartbeat_write_info(p, p->heartbeat_nonce, 0, info);
    control_chunk_write_heartbeat(w, info, sizeof info);
    p->wants_heartbeat = false;
    p->heartbeat_outstanding = true;
    p->heartbeat_sent_us = p->last_used_us = now_us;
    p->heartbeats_out++;
    association_count_control(a, false);
    timer_start(&p->heartbeat, &a->engine->timers, now_us + p->rto.rto_us);
}

/* 8.1, 8.3, 5.4: one unanswered within an RTO. Returns false when the association has ended. */
static bool on_unanswered(struct path *p, uint64_t now_us) {
    struct assoc *a = p->assoc;
    p->heartbeat_outstanding = false;
    /* 8.2: of an idle address; RFC 7829 3.2 (6): else T3-rtx counts. */
    if (outstanding_flight(&a->outstanding, p->index)->in_flight_count > 0)
        return true;
    const struct rto_limits limits = path_rto_limits(p);
    rto_back_off(&p->rto, &limits);
    /* 8.1: on the path that data uses; 5.4: never while the address is unconfirmed. */
    bool counts = p->is_confirmed && p == path_manager_data_path(a);
    return path_manager_on_error(p, counts, now_us);
}

void path_heartbeat_on_timer(struct path *p, uint64_t now_us) {
    if (!may_heartbeat(p->assoc))
        return;
    if (p->wants_heartbeat)
        return; /* it is on its way out */
    if (p->heartbeat_outstanding) {
        if (!on_unanswered(p, now_us))
            return;
        if (p->state == USCTP_PATH_STATE_UNCONFIRMED)
            take_probe_turn(p, now_us);
        else if (probes_each_rto(p))
            path_heartbeat_probe(p);
        else
            path_heartbeat_schedule(p, now_us);
        return;
    }
    if (p->has_probe_turn) {
        p->has_probe_turn = false;
        path_heartbeat_probe(p);
        return;
    }
    /* 8.3: not idle when DATA went there in this period. */
    if (!probes_each_rto(p) && p->state == USCTP_PATH_STATE_ACTIVE &&
        now_us - p->last_used_us < p->hb_interval_us) {
        timer_start(&p->heartbeat, &p->assoc->engine->timers, p->last_used_us + next_interval(p));
        return;
    }
    path_mtu_on_idle(p, now_us);
    path_heartbeat_probe(p);
}

enum chunk_verdict path_heartbeat_on_request(struct inbound *in, const struct chunk *chunk) {
    struct assoc *a = in->assoc;
    const uint8_t *info;
    uint16_t bytes;
    if (!control_chunk_parse_heartbeat(chunk, &info, &bytes)) {
        input_drop(in, USCTP_DROP_MALFORMED);
        return CHUNK_DONE;
    }
    /* 12.4: the answers to one packet fit one packet. */
    uint32_t size = (uint32_t)padded4(chunk->length);
    if (!error_chunk_may_reply(in, size)) {
        a->counters.dropped_control_chunks++;
        return CHUNK_DONE;
    }
    in->reply_bytes += size;
    /* 8.3: everything copied unchanged but the chunk's type. */
    uint8_t *answer = association_queue_control(a, in->path->index, size);
    if (!answer)
        return CHUNK_DONE;
    memcpy(answer, chunk->start, chunk->length);
    memset(answer + chunk->length, 0, size - chunk->length);
    answer[0] = CHUNK_HEARTBEAT_ACK;
    answer[1] = 0;
    return CHUNK_DONE;
}

enum chunk_verdict path_heartbeat_on_ack(struct inbound *in, const struct chunk *chunk) {
    struct assoc *a = in->assoc;
    const uint8_t *info;
    uint16_t bytes;
    if (!control_chunk_parse_heartbeat(chunk, &info, &bytes) || bytes != INFO_BYTES ||
        info[8] >= a->path_count) {
        input_drop(in, USCTP_DROP_MALFORMED);
        return CHUNK_DONE;
    }
    struct path *p = a->paths[info[8]];
    uint8_t expected[INFO_BYTES];
    if (get16(info + 10) != 0)
        return path_mtu_on_probe_ack(in, p, info);
    path_heartbeat_write_info(p, p->heartbeat_nonce, 0, expected);
    if (!p->heartbeat_outstanding || !bytes_equal_constant_time(info, expected, INFO_BYTES)) {
        input_drop(in, USCTP_DROP_STATE);
        return CHUNK_DONE;
    }
    p->heartbeat_outstanding = false;
    p->heartbeat_acks_in++;
    path_measured(p, in->now_us - p->heartbeat_sent_us);
    a->error_count = 0;
    path_confirm(p); /* 5.4 */
    path_manager_on_alive(p, in->now_us);
    (void)path_manager_data_path(a); /* the primary path may have been the unconfirmed one */
    path_heartbeat_schedule(p, in->now_us);
    association_pend(a, PENDING_DATA);
    return CHUNK_DONE;
}
