/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One path of an association: its address, way, sizes and measurements (RFC 9260 5.3.1, 6.3,
 * 7, 14.3).
 *
 * Which path is used and when one fails is in path_manager.c; heartbeats are in path_heartbeat.c.
 */
#include "assoc/association.h"

struct rto_limits path_rto_limits(const struct path *p) {
    const struct usctp_config *c = p->assoc->config;
    return (struct rto_limits){c->rto_initial_us, c->rto_min_us, c->rto_max_us};
}

/* Of the largest DATA chunk, or the chunks of the largest packet, that the way takes whole. */
static uint32_t chunk_bytes(const struct path *p) {
    uint32_t headers = addr_header_bytes(&p->address) + (p->udp_port ? 8u : 0u);
    uint32_t mtu = p->mtu_bytes;
    /* An IPv4 packet ends at 65,535 bytes whatever the interface takes. */
    if (mtu > USCTP_MAX_PACKET_BYTES)
        mtu = USCTP_MAX_PACKET_BYTES;
    return ((mtu - headers) & ~3u) - PACKET_HEADER_BYTES;
}

static void update_amdcs(struct assoc *a) {
    uint32_t smallest = UINT32_MAX;
    for (uint32_t i = 0; i < a->path_count; i++)
        if (a->paths[i]->pmdcs < smallest)
            smallest = a->paths[i]->pmdcs;
    a->amdcs = smallest;
}

void path_set_mtu(struct path *p, uint32_t mtu_bytes) {
    uint32_t old = p->pmdcs, old_mtu = p->mtu_bytes;
    p->mtu_bytes = mtu_bytes < 512 ? 512 : mtu_bytes;
    p->pmdcs = chunk_bytes(p);
    if (p->last_data_us == 0)
        path_reset_congestion(p); /* 7.2.1: the initial window of the way as it is now known */
    else if (old != p->pmdcs)
        congestion_on_pmdcs(&p->congestion, old, p->pmdcs);
    update_amdcs(p->assoc);
    if (old_mtu != 0 && p->mtu_bytes != old_mtu)
        association_trace(p->assoc, USCTP_TRACE_PMTU, p->index,
                          (const uint64_t[3]){old_mtu, p->mtu_bytes, p->pmtu.search.state});
}

void path_reset_congestion(struct path *p) {
    if (p->address.family == USCTP_FAMILY_IPV6)
        congestion_init_ipv6(&p->congestion, p->pmdcs, UINT32_MAX);
    else
        congestion_init(&p->congestion, p->pmdcs, UINT32_MAX);
}

void path_choose_source(struct path *p) {
    const struct assoc *a = p->assoc;
    struct address_list list = {.count = a->local_count};
    if (a->local_count > 0)
        memcpy(list.items, a->local, sizeof *a->local * a->local_count);
    const struct address_choice choice = endpoint_address_choice(a->engine, a->endpoint);
    p->source = address_list_source(&list, &choice, &p->address);
}

struct path *path_find(const struct assoc *a, const struct usctp_addr *address) {
    for (uint32_t i = 0; i < a->path_count; i++)
        if (addr_equal(&a->paths[i]->address, address))
            return a->paths[i];
    return NULL;
}

/* Never 0, which marks a path that is in no table. */
uint64_t path_hash(const struct usctp_engine *engine, const struct usctp_addr *address,
                   uint32_t ports) {
    return addr_hash(address, ports, engine->hash_key) | 1u;
}

static void init_settings(struct path *p, const struct usctp_config *c) {
    p->hb_interval_us = c->hb_interval_us;
    p->hb_enabled = (uint8_t)c->hb_enabled;
    p->path_max_retrans = (uint8_t)c->path_max_retrans;
    p->pf_max_retrans = (uint16_t)c->pf_max_retrans;
    p->primary_switchover_max_retrans = (uint16_t)c->primary_switchover_max_retrans;
    p->dscp = (uint8_t)c->dscp;
    p->flow_label = c->flow_label;
    p->hop_limit = (uint8_t)c->hop_limit;
}

static void enter_table(struct path *p) {
    struct usctp_engine *engine = p->assoc->engine;
    uint32_t ports = (uint32_t)p->assoc->local_port << 16 | p->assoc->peer_port;
    hash_insert(&engine->paths, &p->by_address, path_hash(engine, &p->address, ports),
                &engine->env);
}

void path_disown(struct path *p) {
    if (p->by_address.hash)
        hash_remove(&p->assoc->engine->paths, &p->by_address);
    p->by_address.hash = 0;
}

/* For one more path. Returns false when memory is short. */
static bool make_room(struct assoc *a) {
    struct env *env = &a->engine->env;
    if (outstanding_set_paths(&a->outstanding, a->path_count + 1, env))
        return false;
    if (a->path_count < a->path_capacity)
        return true;
    uint32_t capacity = a->path_capacity * 2u;
    struct path **paths = env_allocate_raw(env, capacity * sizeof(struct path *));
    if (!paths)
        return false;
    memcpy(paths, a->paths, a->path_count * sizeof(struct path *));
    if (a->paths != &a->only_path)
        env_release(env, a->paths, a->path_capacity * sizeof(struct path *));
    a->paths = paths;
    a->path_capacity = (uint8_t)capacity;
    return true;
}

struct path *path_add(struct assoc *a, const struct usctp_addr *address, bool is_confirmed,
                      uint16_t udp_port) {
    struct usctp_engine *engine = a->engine;
    if (a->path_count == USCTP_MAX_ADDRESSES || path_find(a, address))
        return NULL;
    if (!make_room(a) || timers_reserve(&engine->timers, PATH_TIMERS, &engine->env))
        return NULL;
    struct path *p = env_allocate(&engine->env, sizeof *p);
    if (!p) {
        timers_unreserve(&engine->timers, PATH_TIMERS);
        return NULL;
    }
    p->assoc = a;
    p->made_us = engine->now_us;
    p->address = *address;
    p->index = (uint8_t)a->path_count;
    p->generation = ++a->generation;
    p->is_confirmed = is_confirmed;
    p->state = is_confirmed ? USCTP_PATH_STATE_ACTIVE : USCTP_PATH_STATE_UNCONFIRMED;
    p->udp_port = udp_port;
    p->wants_route = true;
    init_settings(p, a->config);
    const struct rto_limits limits = path_rto_limits(p);
    rto_init(&p->rto, &limits);
    timer_init(&p->t3, TIMER_T3);
    timer_init(&p->heartbeat, TIMER_HEARTBEAT);
    a->paths[a->path_count++] = p;
    path_mtu_init(p);
    path_choose_source(p);
    enter_table(p);
    association_raise(a, USCTP_EVENT_ROUTE);
    return p;
}

/* What an index is after the path at `removed` has gone. */
static uint8_t moved_up(uint8_t index, uint32_t removed) {
    if (index == removed)
        return 0;
    return index > removed ? (uint8_t)(index - 1) : index;
}

void path_remove(struct assoc *a, uint32_t index) {
    struct usctp_engine *engine = a->engine;
    struct path *p = a->paths[index];
    timer_stop(&p->t3, &engine->timers);
    timer_stop(&p->heartbeat, &engine->timers);
    timer_stop(&p->pmtu.timer, &engine->timers);
    timers_unreserve(&engine->timers, PATH_TIMERS);
    path_disown(p);
    for (uint32_t i = index + 1; i < a->path_count; i++) {
        a->paths[i - 1] = a->paths[i];
        a->paths[i - 1]->index = (uint8_t)(i - 1);
    }
    a->path_count--;
    a->primary = moved_up(a->primary, index);
    a->data_path = moved_up(a->data_path, index);
    a->last_data_path = moved_up(a->last_data_path, index);
    a->handshake_path = moved_up(a->handshake_path, index);
    env_release(&engine->env, p, sizeof *p);
    if (a->path_count > 0)
        update_amdcs(a);
}

static const struct {
    bool notify;
    uint32_t change;
} state_notice[] = {
    [USCTP_PATH_STATE_INACTIVE] = {true, USCTP_PATH_UNREACHABLE},
    [USCTP_PATH_STATE_PF] = {true, USCTP_PATH_POTENTIALLY_FAILED},
    [USCTP_PATH_STATE_ACTIVE] = {true, USCTP_PATH_AVAILABLE},
    [USCTP_PATH_STATE_UNCONFIRMED] = {false, 0},
};

void path_set_state(struct path *p, enum usctp_path_state state) {
    if (p->state == state)
        return;
    struct assoc *a = p->assoc;
    association_trace(a, USCTP_TRACE_PATH, p->index,
                      (const uint64_t[3]){p->state, state, p->error_count});
    bool confirmed_now =
        p->state == USCTP_PATH_STATE_UNCONFIRMED && state == USCTP_PATH_STATE_ACTIVE;
    p->state = state;
    path_mtu_on_path_state(p, a->engine->now_us);
    association_raise(a, USCTP_EVENT_PATH);
    if (!state_notice[state].notify)
        return;
    const struct usctp_notification n = {.kind = USCTP_NOTIFY_PATH_CHANGE,
                                         .change = confirmed_now ? USCTP_PATH_CONFIRMED
                                                                 : state_notice[state].change,
                                         .address = p->address};
    association_notify(a, &n);
}

void path_confirm(struct path *p) {
    if (p->is_confirmed)
        return;
    p->is_confirmed = true;
    if (!p->by_address.hash)
        enter_table(p);
    p->error_count = 0;
    path_set_state(p, USCTP_PATH_STATE_ACTIVE);
}

void path_measured(struct path *p, uint64_t rtt_us) {
    const struct rto_limits limits = path_rto_limits(p);
    rto_on_measurement(&p->rto, rtt_us, &limits);
    association_trace(p->assoc, USCTP_TRACE_RTO, p->index,
                      (const uint64_t[3]){p->rto.rto_us, p->rto.srtt_us, p->rto.rttvar_us});
}

void path_start_t3(struct path *p, uint64_t now_us) {
    timer_start(&p->t3, &p->assoc->engine->timers, now_us + p->rto.rto_us);
}
