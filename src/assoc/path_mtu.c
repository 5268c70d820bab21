/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Path MTU discovery (RFC 9260 7.3, 10 ICMP7; RFC 8899 with its section 6.2 for SCTP): drives each
 * path's search (pmtu_search.c) with probes, their answers and timers, reports of routers, and what
 * becomes of large packets of DATA.
 *
 * A probe is a HEARTBEAT with a PAD chunk (RFC 4820), in a packet that must not be fragmented. One
 * that is lost is no error of the path and no sign of congestion. One timer is PROBE_TIMER while a
 * probe is under way and PMTU_RAISE_TIMER after a search; there is no CONFIRMATION_TIMER, since
 * DATA is acknowledged (6.2.1.3). Without pmtu_probing the MTU is the interface's, or what a router
 * said (RFC 1191, RFC 8201). Without pmtu_discovery it is what the user says (RFC 6458 8.1.12).
 */
#include "assoc/association.h"
#include "chunk/control_chunk.h"
#include "core/addr.h"

#define MIN_BYTES         512u   /* of a path MTU that is taken for one: RFC 1122 3.3.3 has 576 */
#define MIN_IPV6_BYTES    1280u  /* RFC 8200 5 */
#define MAX_BYTES         65535u /* as many as a packet's descriptor and Heartbeat Info can say */
#define MAX_ERROR_DOUBLED 16u

static bool may_probe(const struct path *p) {
    return p->pmtu.is_probing && p->pmtu.is_discovering && p->is_confirmed &&
           association_may_send_data(p->assoc);
}

static uint32_t headers_bytes(const struct path *p) {
    return addr_header_bytes(&p->address) + (p->udp_port ? 8u : 0u); /* RFC 8899 6.2.2.2 */
}

/* 5.1.1: at least a second; longer where the round trip is. */
static uint64_t probe_timer_us(const struct path *p) {
    uint64_t least_us = p->assoc->config->pmtu_probe_us;
    return p->rto.rto_us > least_us ? p->rto.rto_us : least_us;
}

/* In ERROR the base size is tried again, less and less often. */
static uint64_t error_timer_us(const struct path *p) {
    uint32_t rounds = p->pmtu.search.error_rounds;
    uint64_t us = probe_timer_us(p) << (rounds < MAX_ERROR_DOUBLED ? rounds : MAX_ERROR_DOUBLED);
    return us < p->assoc->config->pmtu_raise_us ? us : p->assoc->config->pmtu_raise_us;
}

static void want_probe(struct path *p) {
    struct path_mtu *m = &p->pmtu;
    timer_stop(&m->timer, &p->assoc->engine->timers);
    m->is_under_way = false;
    m->wants_probe = true;
    association_pend(p->assoc, PENDING_PMTU_PROBE);
}

/* Does what the search says now: the path's MTU, the next probe, the timer. */
static void follow(struct path *p, uint64_t now_us) {
    struct path_mtu *m = &p->pmtu;
    struct timers *timers = &p->assoc->engine->timers;
    const struct pmtu_search *s = &m->search;
    if (p->mtu_bytes != s->plpmtu_bytes)
        path_set_mtu(p, s->plpmtu_bytes);
    if (s->probed_bytes > 0 && m->is_under_way && m->sent_bytes == s->probed_bytes)
        return; /* PROBE_TIMER runs */
    bool was_raising = m->is_raising;
    m->wants_probe = m->is_under_way = m->is_raising = false;
    if (s->state == USCTP_PMTU_ERROR && s->probed_bytes > s->plpmtu_bytes && s->error_rounds > 0) {
        timer_start(&m->timer, timers, now_us + error_timer_us(p));
    } else if (s->probed_bytes > 0) {
        want_probe(p);
    } else if (s->state == USCTP_PMTU_SEARCH_COMPLETE && pmtu_search_can_rise(s)) {
        m->is_raising = true;
        if (was_raising)
            return; /* PMTU_RAISE_TIMER runs */
        m->settled_us = now_us;
        timer_start(&m->timer, timers, now_us + p->assoc->config->pmtu_raise_us);
    } else {
        timer_stop(&m->timer, timers);
    }
}

/* Stops the search, with the MTU that the user gave, if any. */
static void take_by_hand(struct path_mtu *m) {
    uint32_t bytes = m->fixed_bytes < MIN_BYTES ? MIN_BYTES : m->fixed_bytes;
    pmtu_search_stop(&m->search);
    m->is_by_hand = true;
    if (m->fixed_bytes == 0)
        return;
    pmtu_search_set_max(&m->search, bytes);
    m->search.plpmtu_bytes = bytes;
}

void path_mtu_init(struct path *p) {
    struct path_mtu *m = &p->pmtu;
    const struct usctp_config *c = p->assoc->config;
    bool ipv6 = p->address.family == USCTP_FAMILY_IPV6;
    uint32_t least = ipv6 ? MIN_IPV6_BYTES : MIN_BYTES;
    const struct pmtu_limits limits = {.min_bytes = (uint16_t)least,
                                       .base_bytes =
                                           c->pmtu_base_bytes > least ? c->pmtu_base_bytes : least,
                                       .max_probes = (uint8_t)c->pmtu_max_probes};
    pmtu_search_init(&m->search, &limits, c->pmtu_default_bytes);
    timer_init(&m->timer, TIMER_PMTU);
    m->is_probing = c->pmtu_probing != 0;
    m->is_discovering = c->pmtu_discovery != 0;
    m->fixed_bytes = c->pmtu_fixed_bytes;
    m->interface_bytes = m->search.max_bytes;
    m->sample_tsn = USCTP_NEVER;
    if (!m->is_discovering)
        take_by_hand(m);
    path_set_mtu(p, m->search.plpmtu_bytes);
}

static void start(struct path *p, uint64_t now_us) {
    if (!may_probe(p) || p->state == USCTP_PATH_STATE_INACTIVE)
        return;
    pmtu_search_start(&p->pmtu.search); /* 6.2.1.1 */
    follow(p, now_us);
}

static void stop(struct path *p, uint64_t now_us) {
    pmtu_search_stop(&p->pmtu.search);
    follow(p, now_us);
}

void path_mtu_start_all(struct assoc *a, uint64_t now_us) {
    for (uint32_t i = 0; i < a->path_count; i++)
        start(a->paths[i], now_us);
}

void path_mtu_stop_all(struct assoc *a) {
    for (uint32_t i = 0; i < a->path_count; i++)
        stop(a->paths[i], a->engine->now_us);
    a->pending &= ~(uint32_t)PENDING_PMTU_PROBE;
}

void path_mtu_forget_data(struct path *p) {
    p->pmtu.sample_tsn = USCTP_NEVER;
    p->pmtu.lost_samples = 0;
}

void path_mtu_on_path_state(struct path *p, uint64_t now_us) {
    if (p->state == USCTP_PATH_STATE_ACTIVE)
        start(p, now_us);
    else if (p->state == USCTP_PATH_STATE_INACTIVE)
        stop(p, now_us); /* 5.2: connectivity is lost */
}

void path_mtu_on_tuned(struct path *p, uint64_t now_us) {
    if (p->pmtu.is_probing)
        start(p, now_us);
    else
        stop(p, now_us);
}

void path_mtu_on_discovery(struct path *p, uint64_t now_us) {
    struct path_mtu *m = &p->pmtu;
    if (!m->is_discovering) {
        take_by_hand(m);
        path_mtu_forget_data(p);
        follow(p, now_us);
    } else if (m->is_by_hand) { /* as at the start */
        m->is_by_hand = false;
        pmtu_search_set_max(&m->search, m->interface_bytes);
        m->search.plpmtu_bytes = m->interface_bytes;
        pmtu_search_stop(&m->search);
        follow(p, now_us);
        start(p, now_us);
    }
}

void path_mtu_on_interface(struct path *p, uint32_t mtu_bytes, uint64_t now_us) {
    struct pmtu_search *s = &p->pmtu.search;
    uint32_t least = p->pmtu.search.limits.min_bytes;
    if (p->address.family != USCTP_FAMILY_IPV6 && mtu_bytes < least)
        mtu_bytes = least;
    if (mtu_bytes > MAX_BYTES)
        mtu_bytes = MAX_BYTES;
    p->pmtu.interface_bytes = mtu_bytes;
    if (!p->pmtu.is_discovering && p->pmtu.fixed_bytes > 0)
        return;
    pmtu_search_set_max(s, mtu_bytes);
    if (!p->pmtu.is_probing || !p->pmtu.is_discovering)
        s->plpmtu_bytes = mtu_bytes; /* nothing else could raise it again */
    follow(p, now_us);
}

/* What was sent in larger packets and is still out there has not arrived, and no congestion was the
 * cause. */
static void send_again_what_was_larger(struct path *p) {
    struct assoc *a = p->assoc;
    if (outstanding_mark_larger(&a->outstanding, p->index, p->pmdcs) == 0)
        return;
    a->retransmit_now = true;
    association_pend(a, PENDING_DATA);
}

void path_mtu_on_too_big(struct path *p, uint32_t mtu_bytes, uint64_t now_us) {
    struct pmtu_search *s = &p->pmtu.search;
    uint32_t old = p->mtu_bytes;
    if (!p->pmtu.is_discovering)
        return;
    if (p->pmtu.is_probing) {
        if (!pmtu_search_on_too_big(s, mtu_bytes))
            return;
        path_mtu_forget_data(p);
    } else {
        /* Smaller only, and no IPv6 link takes less than RFC 8200's minimum (RFC 8201 4). */
        if (mtu_bytes >= s->plpmtu_bytes ||
            (p->address.family == USCTP_FAMILY_IPV6 && mtu_bytes < MIN_IPV6_BYTES))
            return;
        s->plpmtu_bytes = mtu_bytes < MIN_BYTES ? MIN_BYTES : mtu_bytes;
    }
    follow(p, now_us);
    if (p->mtu_bytes < old)
        send_again_what_was_larger(p);
}

void path_mtu_on_idle(struct path *p, uint64_t now_us) {
    if (!may_probe(p) || p->state != USCTP_PATH_STATE_ACTIVE)
        return;
    pmtu_search_confirm(&p->pmtu.search);
    follow(p, now_us);
}

/* ---- large packets of DATA: do they arrive? (4.3, third indicator) ---- */

/* Is there a sample that an acknowledgement or T3-rtx will tell of? One that was marked as lost by
 * then waits behind others, perhaps for long. */
static bool has_sample(const struct path *p) {
    const struct outstanding *o = &p->assoc->outstanding;
    uint64_t tsn = p->pmtu.sample_tsn;
    return tsn != USCTP_NEVER && tsn > o->cumulative &&
           outstanding_at(o, tsn)->state == RECORD_IN_FLIGHT;
}

void path_mtu_on_data_sent(struct path *p, uint64_t tsn, size_t sctp_bytes) {
    struct path_mtu *m = &p->pmtu;
    uint32_t whole = path_packet_bytes(p);
    if (sctp_bytes > whole || m->search.state == USCTP_PMTU_DISABLED || has_sample(p))
        return;
    uint32_t bytes = (uint32_t)sctp_bytes + headers_bytes(p);
    if (bytes <= m->search.limits.min_bytes)
        return;
    m->sample_tsn = tsn;
    m->sample_bytes = sctp_bytes == whole ? p->mtu_bytes : bytes;
}

void path_mtu_on_resent(struct path *p, uint64_t tsn) {
    if (p->pmtu.sample_tsn == tsn)
        p->pmtu.sample_tsn = USCTP_NEVER;
}

void path_mtu_on_sack(struct path *p, uint64_t now_us) {
    struct path_mtu *m = &p->pmtu;
    const struct outstanding *o = &p->assoc->outstanding;
    if (m->sample_tsn == USCTP_NEVER)
        return;
    if (m->sample_tsn > o->cumulative && outstanding_at(o, m->sample_tsn)->state != RECORD_ACKED)
        return;
    m->sample_tsn = USCTP_NEVER;
    m->lost_samples = 0;
    pmtu_search_on_data_acked(&m->search, m->sample_bytes);
    follow(p, now_us);
}

void path_mtu_on_t3(struct path *p, uint64_t now_us) {
    struct path_mtu *m = &p->pmtu;
    const struct assoc *a = p->assoc;
    if (m->sample_tsn == USCTP_NEVER || m->sample_tsn <= a->outstanding.cumulative ||
        m->search.state == USCTP_PMTU_DISABLED)
        return;
    const struct record *r = outstanding_at(&a->outstanding, m->sample_tsn);
    if (r->state != RECORD_IN_FLIGHT || r->path != p->index)
        return;
    m->sample_tsn = USCTP_NEVER;
    /* A size that is known to have passed gets one chance more: on a lossy path it is rather loss.
     */
    uint32_t chances = a->config->pmtu_black_hole_expiries + (m->search.is_assumed ? 0u : 1u);
    if (++m->lost_samples < chances) {
        pmtu_search_on_doubt(&m->search); /* its answer clears the size of suspicion */
        follow(p, now_us);
        return;
    }
    m->lost_samples = 0;
    m->black_holes++;
    pmtu_search_on_black_hole(&m->search);
    follow(p, now_us);
}

/* ---- probes ---- */

void path_mtu_on_timer(struct path *p, uint64_t now_us) {
    struct path_mtu *m = &p->pmtu;
    struct pmtu_search *s = &m->search;
    if (!may_probe(p)) {
        stop(p, now_us);
        return;
    }
    if (m->is_under_way && p->hb_enabled && p->state == USCTP_PATH_STATE_PF) {
        stop(p, now_us); /* 5.2: nor do HEARTBEATs arrive: when they do, it begins anew */
    } else if (m->is_under_way) {
        m->is_under_way = false;
        bool was_error = s->state == USCTP_PMTU_ERROR;
        bool was_low = s->state == USCTP_PMTU_BASE;
        pmtu_search_on_probe_lost(s);
        if (s->state == USCTP_PMTU_BASE && !was_low)
            m->black_holes++;
        /* Nothing at all arrives there: no question of sizes. */
        if (s->state == USCTP_PMTU_ERROR && !was_error && p->state != USCTP_PATH_STATE_ACTIVE) {
            s->plpmtu_bytes = p->mtu_bytes;
            pmtu_search_stop(s);
        }
        follow(p, now_us);
    } else if (s->probed_bytes > 0) {
        want_probe(p); /* ERROR has waited */
    } else if (p->last_data_us > m->settled_us) {
        pmtu_search_on_raise(s);
        follow(p, now_us);
    } else { /* 5.1.1: no probes for a path that nothing is sent on */
        timer_start(&m->timer, &p->assoc->engine->timers, now_us + p->assoc->config->pmtu_raise_us);
    }
}

uint32_t path_mtu_wanted_probe(struct path *p) {
    struct path_mtu *m = &p->pmtu;
    if (!m->wants_probe)
        return 0;
    if (!may_probe(p)) {
        m->wants_probe = false;
        return 0;
    }
    return (m->search.probed_bytes - headers_bytes(p)) & ~3u;
}

void path_mtu_on_no_room(struct path *p, uint64_t now_us) {
    p->pmtu.wants_probe = false;
    p->pmtu.is_under_way = true; /* as good as lost */
    p->pmtu.sent_bytes = p->pmtu.search.probed_bytes;
    timer_start(&p->pmtu.timer, &p->assoc->engine->timers, now_us + probe_timer_us(p));
}

void path_mtu_write_probe(struct path *p, struct writer *w, uint32_t sctp_bytes, uint64_t now_us) {
    struct path_mtu *m = &p->pmtu;
    struct assoc *a = p->assoc;
    uint8_t info[PATH_HEARTBEAT_INFO_BYTES];
    env_random(&a->engine->env, &m->nonce, sizeof m->nonce);
    path_heartbeat_write_info(p, m->nonce, m->search.probed_bytes, info);
    control_chunk_write_heartbeat(w, info, sizeof info);
    control_chunk_write_pad(w, (uint16_t)(sctp_bytes - writer_used(w)));
    m->wants_probe = false;
    m->is_under_way = true;
    m->sent_bytes = m->search.probed_bytes;
    m->sent_us = now_us;
    m->probes_out++;
    association_count_control(a, false);
    timer_start(&m->timer, &a->engine->timers, now_us + probe_timer_us(p));
}

enum chunk_verdict path_mtu_on_probe_ack(struct inbound *in, struct path *p, const uint8_t *info) {
    struct path_mtu *m = &p->pmtu;
    uint8_t expected[PATH_HEARTBEAT_INFO_BYTES];
    path_heartbeat_write_info(p, m->nonce, m->sent_bytes, expected);
    /* 4.1: one that is not under way has been given up, or was never sent. */
    if (!m->is_under_way || !bytes_equal_constant_time(info, expected, sizeof expected)) {
        input_drop(in, USCTP_DROP_STATE);
        return CHUNK_DONE;
    }
    m->is_under_way = false;
    m->probe_acks_in++;
    if (m->sent_bytes >= p->mtu_bytes)
        m->lost_samples = 0;
    /* 6.2.1.2: counts as any HEARTBEAT ACK. */
    path_measured(p, in->now_us - m->sent_us);
    p->assoc->error_count = 0;
    pmtu_search_on_probe_acked(&m->search);
    follow(p, in->now_us);
    path_manager_on_alive(p, in->now_us);
    association_pend(p->assoc, PENDING_DATA);
    return CHUNK_DONE;
}

uint32_t path_mtu_pad_bytes(const struct path *p, size_t sctp_bytes) {
    /* RFC 8899 4.4: IP is to cut it at this end. No router cuts IPv6, and a host cuts only what is
     * above its own interface's MTU. */
    uint32_t bytes = (uint32_t)sctp_bytes + headers_bytes(p), max = p->pmtu.search.max_bytes;
    if (p->address.family != USCTP_FAMILY_IPV6 || !p->pmtu.is_probing || bytes > max)
        return 0;
    uint32_t pad = ((max - bytes) & ~3u) + 4;
    return sctp_bytes + pad <= USCTP_MAX_PACKET_BYTES ? pad : 0;
}
