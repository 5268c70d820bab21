/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Settings of a living association and its paths (RFC 9260 11.1.5, 11.1.12-11.1.14): tunables,
 * primary path, route, subscription.
 */
#include "assoc/association.h"

static struct path *path_of(const struct usctp_engine *engine, int32_t assoc, uint32_t index) {
    const struct assoc *a = association_by_id(engine, assoc);
    return a && !a->has_ended && index < a->path_count ? a->paths[index] : NULL;
}

/* A path's own copy of a tunable of scope PATH. Returns false for others. */
static bool get_setting(const struct path *p, enum usctp_tunable tunable, uint64_t *value) {
    if (tunable == USCTP_TUNABLE_hb_interval_us)
        *value = p->hb_interval_us;
    else if (tunable == USCTP_TUNABLE_hb_enabled)
        *value = p->hb_enabled;
    else if (tunable == USCTP_TUNABLE_path_max_retrans)
        *value = p->path_max_retrans;
    else if (tunable == USCTP_TUNABLE_pf_max_retrans)
        *value = p->pf_max_retrans;
    else if (tunable == USCTP_TUNABLE_primary_switchover_max_retrans)
        *value = p->primary_switchover_max_retrans;
    else if (tunable == USCTP_TUNABLE_dscp)
        *value = p->dscp;
    else if (tunable == USCTP_TUNABLE_flow_label)
        *value = p->flow_label;
    else if (tunable == USCTP_TUNABLE_hop_limit)
        *value = p->hop_limit;
    else if (tunable == USCTP_TUNABLE_pmtu_default_bytes)
        *value = p->mtu_bytes;
    else if (tunable == USCTP_TUNABLE_pmtu_probing)
        *value = p->pmtu.is_probing;
    else if (tunable == USCTP_TUNABLE_pmtu_discovery)
        *value = p->pmtu.is_discovering;
    else if (tunable == USCTP_TUNABLE_pmtu_fixed_bytes)
        *value = p->pmtu.fixed_bytes;
    else
        return false;
    return true;
}

/* The same, written; the value is within the tunable's range, for which the field is wide enough.
 */
static bool set_setting(struct path *p, enum usctp_tunable tunable, uint64_t value) {
    if (tunable == USCTP_TUNABLE_hb_interval_us)
        p->hb_interval_us = value;
    else if (tunable == USCTP_TUNABLE_hb_enabled)
        p->hb_enabled = (uint8_t)value;
    else if (tunable == USCTP_TUNABLE_path_max_retrans)
        p->path_max_retrans = (uint8_t)value;
    else if (tunable == USCTP_TUNABLE_pf_max_retrans)
        p->pf_max_retrans = (uint16_t)value;
    else if (tunable == USCTP_TUNABLE_primary_switchover_max_retrans)
        p->primary_switchover_max_retrans = (uint16_t)value;
    else if (tunable == USCTP_TUNABLE_dscp)
        p->dscp = (uint8_t)value;
    else if (tunable == USCTP_TUNABLE_flow_label)
        p->flow_label = (uint32_t)value;
    else if (tunable == USCTP_TUNABLE_hop_limit)
        p->hop_limit = (uint8_t)value;
    else if (tunable == USCTP_TUNABLE_pmtu_default_bytes)
        path_mtu_on_interface(p, (uint32_t)value, p->assoc->engine->now_us);
    else if (tunable == USCTP_TUNABLE_pmtu_probing)
        p->pmtu.is_probing = value != 0;
    else if (tunable == USCTP_TUNABLE_pmtu_discovery)
        p->pmtu.is_discovering = value != 0;
    else if (tunable == USCTP_TUNABLE_pmtu_fixed_bytes)
        p->pmtu.fixed_bytes = (uint32_t)value;
    else
        return false;
    return true;
}

static int check(enum usctp_tunable tunable, uint64_t value, enum usctp_scope least) {
    const struct usctp_tunable_info *info = usctp_tunable_info(tunable);
    if (!info || info->scope < least || value < info->minimum || value > info->maximum)
        return USCTP_ERR_INVALID;
    return 0;
}

static void on_path_tuned(struct path *p, enum usctp_tunable tunable, uint64_t now_us) {
    if (tunable == USCTP_TUNABLE_dscp)
        path_reset_congestion(p); /* 7.2.5.1: other queues on the way */
    if (tunable == USCTP_TUNABLE_hb_interval_us || tunable == USCTP_TUNABLE_hb_enabled)
        path_heartbeat_schedule(p, now_us);
    if (tunable == USCTP_TUNABLE_pmtu_probing)
        path_mtu_on_tuned(p, now_us);
    if (tunable == USCTP_TUNABLE_pmtu_discovery || tunable == USCTP_TUNABLE_pmtu_fixed_bytes)
        path_mtu_on_discovery(p, now_us);
}

int usctp_assoc_tune(struct usctp_engine *engine, int32_t assoc, enum usctp_tunable tunable,
                     uint64_t value, uint64_t now_us) {
    struct assoc *a = association_by_id(engine, assoc);
    if (!a)
        return USCTP_ERR_NOT_FOUND;
    if (check(tunable, value, USCTP_SCOPE_ASSOC))
        return USCTP_ERR_INVALID;
    engine->now_us = now_us;
    int error = config_pool_set(&engine->configs, &a->config, tunable, value, &engine->env);
    if (error || a->has_ended)
        return error;
    bool is_rto = tunable == USCTP_TUNABLE_rto_initial_us || tunable == USCTP_TUNABLE_rto_min_us ||
                  tunable == USCTP_TUNABLE_rto_max_us;
    for (uint32_t i = 0; i < a->path_count; i++) {
        struct path *p = a->paths[i];
        const struct rto_limits limits = path_rto_limits(p);
        if (set_setting(p, tunable, value))
            on_path_tuned(p, tunable, now_us);
        if (is_rto)
            rto_set_limits(&p->rto, &limits);
    }
    if (tunable == USCTP_TUNABLE_receive_buffer_bytes)
        ack_on_read(a);
    association_pend(a, PENDING_DATA); /* Nagle, Max.Burst and sizes may allow more now */
    return 0;
}

int usctp_assoc_config(const struct usctp_engine *engine, int32_t assoc,
                       struct usctp_config *config) {
    const struct assoc *a = association_by_id(engine, assoc);
    if (!a)
        return USCTP_ERR_NOT_FOUND;
    *config = *a->config;
    config->outbound_streams = a->wanted_streams;
    config->max_inbound_streams = a->offered_streams;
    return 0;
}

int usctp_path_tune(struct usctp_engine *engine, int32_t assoc, uint32_t path,
                    enum usctp_tunable tunable, uint64_t value, uint64_t now_us) {
    struct path *p = path_of(engine, assoc, path);
    if (!p)
        return USCTP_ERR_NOT_FOUND;
    if (check(tunable, value, USCTP_SCOPE_PATH) || !set_setting(p, tunable, value))
        return USCTP_ERR_INVALID;
    engine->now_us = now_us;
    on_path_tuned(p, tunable, now_us);
    return 0;
}

int usctp_path_get(const struct usctp_engine *engine, int32_t assoc, uint32_t path,
                   enum usctp_tunable tunable, uint64_t *value) {
    struct path *p = path_of(engine, assoc, path);
    if (!p)
        return USCTP_ERR_NOT_FOUND;
    return get_setting(p, tunable, value) ? 0 : USCTP_ERR_INVALID;
}

int usctp_path_route(struct usctp_engine *engine, int32_t assoc, uint32_t path,
                     const struct usctp_addr *source, uint32_t mtu_bytes, uint64_t now_us) {
    struct path *p = path_of(engine, assoc, path);
    if (!p)
        return USCTP_ERR_NOT_FOUND;
    struct assoc *a = p->assoc;
    engine->now_us = now_us;
    p->wants_route = false;
    if (source && source->family != USCTP_FAMILY_NONE) {
        /* Only an address that the peer knows of as ours (5.1.2): it would not recognise another.
         */
        bool is_ours = a->local_count == 0;
        for (uint32_t i = 0; i < a->local_count; i++)
            is_ours |= addr_equal(&a->local[i], source);
        if (is_ours && !addr_equal(&p->source, source)) {
            p->source = *source;
            path_reset_congestion(p); /* 7.2.5.2 */
        }
    }
    if (mtu_bytes > 0)
        path_mtu_on_interface(p, mtu_bytes, now_us);
    return 0;
}

int usctp_path_encapsulate(struct usctp_engine *engine, int32_t assoc, uint32_t path,
                           uint16_t udp_port) {
    struct path *p = path_of(engine, assoc, path);
    if (!p)
        return USCTP_ERR_NOT_FOUND;
    p->udp_port = udp_port;
    path_set_mtu(p, p->mtu_bytes); /* what the headers leave of it */
    return 0;
}

int usctp_path_set_primary(struct usctp_engine *engine, int32_t assoc, uint32_t path,
                           uint64_t now_us) {
    struct path *p = path_of(engine, assoc, path);
    if (!p)
        return USCTP_ERR_NOT_FOUND;
    if (!p->is_confirmed)
        return USCTP_ERR_STATE; /* 5.4 */
    engine->now_us = now_us;
    p->assoc->primary = p->index;
    const struct usctp_notification made = {
        .kind = USCTP_NOTIFY_PATH_CHANGE, .change = USCTP_PATH_MADE_PRIMARY, .address = p->address};
    association_notify(p->assoc, &made);    /* RFC 6458 6.1.2 */
    (void)path_manager_data_path(p->assoc); /* what is sent next may be no DATA */
    association_pend(p->assoc, PENDING_DATA);
    return 0;
}

int usctp_path_heartbeat(struct usctp_engine *engine, int32_t assoc, uint32_t path,
                         uint64_t now_us) {
    struct path *p = path_of(engine, assoc, path);
    if (!p)
        return USCTP_ERR_NOT_FOUND;
    if (!association_may_send_data(p->assoc))
        return USCTP_ERR_STATE;
    engine->now_us = now_us;
    /* One that is on its way answers this as well, and its time must run out. */
    if (!p->heartbeat_outstanding)
        path_heartbeat_probe(p);
    return 0;
}

int usctp_assoc_subscribe(struct usctp_engine *engine, int32_t assoc, uint32_t kinds) {
    struct assoc *a = association_by_id(engine, assoc);
    if (!a)
        return USCTP_ERR_NOT_FOUND;
    a->subscribed = kinds;
    return 0;
}
