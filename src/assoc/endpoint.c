/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Endpoints (RFC 9260 1.3, 14.1): a port, the addresses bound to it, whether associations are
 * taken, and those that wait to be accepted.
 *
 * An endpoint lives until it is closed and the last association that uses its port is gone. One
 * made by accept or peel-off shares the port of the one that it came from and takes no packets of
 * its own.
 */
#include "assoc/association.h"
#include "core/config_take.h"

struct endpoint *endpoint_by_id(const struct usctp_engine *engine, int32_t id) {
    uint64_t hash = engine_hash(engine, (uint32_t)id);
    for (struct hash_node *node = hash_first(&engine->endpoints, hash); node;
         node = hash_next(node)) {
        struct endpoint *ep = container_of(node, struct endpoint, by_id);
        if (ep->id == id)
            return ep;
    }
    return NULL;
}

static struct endpoint *open_endpoint(const struct usctp_engine *engine, int32_t id) {
    struct endpoint *ep = endpoint_by_id(engine, id);
    return ep && !ep->is_closed ? ep : NULL;
}

static bool takes_family(const struct endpoint *ep, const struct usctp_addr *address) {
    if (address->family == USCTP_FAMILY_IPV4)
        return ep->ipv4;
    if (address->family == USCTP_FAMILY_IPV6)
        return ep->ipv6;
    return true;
}

bool endpoint_has_family(const struct endpoint *ep, uint32_t family) {
    const struct usctp_addr any = {.family = family};
    if (ep->bound_count == 0)
        return takes_family(ep, &any);
    for (uint32_t i = 0; i < ep->bound_count; i++)
        if (ep->bound[i].family == family)
            return true;
    return false;
}

/* 2: bound to this very address; 1: wildcard; 0: no match. */
static int match(const struct endpoint *ep, const struct usctp_addr *address) {
    if (ep->bound_count == 0)
        return takes_family(ep, address) ? 1 : 0;
    for (uint32_t i = 0; i < ep->bound_count; i++)
        if (addr_equal(&ep->bound[i], address))
            return 2;
    return 0;
}

static struct endpoint *find(const struct usctp_engine *engine, const struct usctp_addr *address,
                             uint16_t port, bool must_listen) {
    struct endpoint *best = NULL;
    int best_match = 0;
    uint64_t hash = engine_hash(engine, port);
    for (struct hash_node *node = hash_first(&engine->ports, hash); node; node = hash_next(node)) {
        struct endpoint *ep = container_of(node, struct endpoint, by_port);
        if (ep->port != port || (must_listen && ep->backlog == 0))
            continue;
        int m = match(ep, address);
        if (m > best_match) {
            best = ep;
            best_match = m;
        }
    }
    return best;
}

struct endpoint *endpoint_find_listener(const struct usctp_engine *engine,
                                        const struct usctp_addr *address, uint16_t port) {
    return find(engine, address, port, true);
}

struct endpoint *endpoint_find(const struct usctp_engine *engine, const struct usctp_addr *address,
                               uint16_t port) {
    return find(engine, address, port, false);
}

struct address_choice endpoint_address_choice(const struct usctp_engine *engine,
                                              const struct endpoint *ep) {
    return (struct address_choice){.bound = ep->bound,
                                   .bound_count = ep->bound_count,
                                   .ipv4 = ep->ipv4,
                                   .ipv6 = ep->ipv6,
                                   .host = engine->host,
                                   .host_count = engine->host_count};
}

static int32_t next_id(struct usctp_engine *engine) {
    do {
        engine->last_endpoint_id =
            engine->last_endpoint_id == INT32_MAX ? 3 : engine->last_endpoint_id + 1;
    } while (endpoint_by_id(engine, engine->last_endpoint_id));
    return engine->last_endpoint_id;
}

/* May two wildcard or bound sets share a port? Only when no address is in both. */
static bool conflicts(const struct endpoint *ep, const struct usctp_addr *addresses, size_t n,
                      bool ipv4, bool ipv6) {
    if (n == 0) {
        if (ep->bound_count == 0)
            return (ep->ipv4 && ipv4) || (ep->ipv6 && ipv6);
        return false; /* a wildcard beside specific addresses: the specific one wins */
    }
    for (size_t i = 0; i < n; i++)
        if (match(ep, &addresses[i]) == 2)
            return true;
    return false;
}

static bool port_in_use(const struct usctp_engine *engine, const struct usctp_endpoint_options *o,
                        const struct endpoint *except) {
    uint64_t hash = engine_hash(engine, o->port);
    for (struct hash_node *node = hash_first(&engine->ports, hash); node; node = hash_next(node)) {
        const struct endpoint *ep = container_of(node, struct endpoint, by_port);
        if (ep == except || ep->port != o->port ||
            (o->reuse && ep->reuse && ep->backlog == 0)) /* as Linux: only one may listen */
            continue;
        if (conflicts(ep, o->addresses, o->address_count, o->ipv4, o->ipv6))
            return true;
    }
    return false;
}

void endpoint_delete(struct usctp_engine *engine, struct endpoint *ep) {
    hash_remove(&engine->endpoints, &ep->by_id);
    config_pool_release(&engine->configs, ep->config, &engine->env);
    env_release(&engine->env, ep->bound, sizeof *ep->bound * ep->bound_count);
    env_release(&engine->env, ep, sizeof *ep);
}

/* The endpoint holds `config` from then on. */
static struct endpoint *make(struct usctp_engine *engine, const struct usctp_addr *addresses,
                             size_t n, const struct usctp_config *config) {
    if (engine->counters.endpoints >= engine->config.max_endpoints)
        return NULL;
    struct endpoint *ep = env_allocate(&engine->env, sizeof *ep);
    if (!ep)
        return NULL;
    if (n > 0) {
        ep->bound = env_allocate_raw(&engine->env, sizeof *ep->bound * n);
        if (!ep->bound) {
            env_release(&engine->env, ep, sizeof *ep);
            return NULL;
        }
        memcpy(ep->bound, addresses, sizeof *ep->bound * n);
        ep->bound_count = (uint32_t)n;
    }
    ep->config = config;
    TAILQ_INIT(&ep->waiting);
    TAILQ_INIT(&ep->assocs);
    ep->id = next_id(engine);
    hash_insert(&engine->endpoints, &ep->by_id, engine_hash(engine, (uint32_t)ep->id),
                &engine->env);
    engine->counters.endpoints++;
    return ep;
}

/* Each unicast, and none twice: INIT would list it twice. */
static bool addresses_are_valid(const struct usctp_addr *addresses, size_t n) {
    if (n > USCTP_MAX_ADDRESSES || (n > 0 && !addresses))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (!addr_is_unicast(&addresses[i]))
            return false;
        for (size_t k = 0; k < i; k++)
            if (addr_equal(&addresses[i], &addresses[k]))
                return false;
    }
    return true;
}

int32_t usctp_endpoint_open(struct usctp_engine *engine,
                            const struct usctp_endpoint_options *options) {
    if (!engine || !options || options->port == 0 ||
        !addresses_are_valid(options->addresses, options->address_count) ||
        (options->address_count == 0 && !options->ipv4 && !options->ipv6))
        return USCTP_ERR_INVALID;
    struct usctp_config config = engine->config;
    if (options->config && config_take(&config, options->config) != 0)
        return USCTP_ERR_INVALID;
    if (port_in_use(engine, options, NULL))
        return USCTP_ERR_IN_USE;
    if (engine->counters.endpoints >= engine->config.max_endpoints)
        return USCTP_ERR_LIMIT;
    const struct usctp_config *shared = config_pool_take(&engine->configs, &config, &engine->env);
    struct endpoint *ep =
        shared ? make(engine, options->addresses, options->address_count, shared) : NULL;
    if (!ep) {
        config_pool_release(&engine->configs, shared, &engine->env);
        return USCTP_ERR_NO_MEMORY;
    }
    ep->port = options->port;
    ep->ipv4 = options->ipv4;
    ep->ipv6 = options->ipv6;
    ep->reuse = options->reuse;
    hash_insert(&engine->ports, &ep->by_port, engine_hash(engine, ep->port), &engine->env);
    ep->is_in_port_table = true;
    return ep->id;
}

static int set_bound(struct usctp_engine *engine, struct endpoint *ep,
                     const struct usctp_addr *addresses, uint32_t n) {
    struct usctp_addr *bound = env_allocate_raw(&engine->env, sizeof *bound * n);
    if (!bound)
        return USCTP_ERR_NO_MEMORY;
    memcpy(bound, addresses, sizeof *bound * n);
    env_release(&engine->env, ep->bound, sizeof *ep->bound * ep->bound_count);
    ep->bound = bound;
    ep->bound_count = n;
    return 0;
}

int usctp_endpoint_bind(struct usctp_engine *engine, int32_t endpoint,
                        const struct usctp_addr *addresses, size_t n, bool add) {
    struct endpoint *ep = open_endpoint(engine, endpoint);
    if (!ep)
        return USCTP_ERR_NOT_FOUND;
    if (n == 0 || !addresses_are_valid(addresses, n) || ep->bound_count == 0)
        return USCTP_ERR_INVALID;
    struct usctp_addr list[USCTP_MAX_ADDRESSES];
    uint32_t count = 0;
    for (uint32_t i = 0; i < ep->bound_count; i++) {
        bool named = false;
        for (size_t k = 0; k < n; k++)
            named |= addr_equal(&ep->bound[i], &addresses[k]);
        if (add || !named)
            list[count++] = ep->bound[i];
    }
    if (!add && count + n != ep->bound_count)
        return USCTP_ERR_NOT_FOUND;
    if (!add && count == 0)
        return USCTP_ERR_INVALID; /* RFC 6458 9.1: not the last one */
    if (add) {
        const struct usctp_endpoint_options o = {
            .port = ep->port, .addresses = addresses, .address_count = n, .reuse = ep->reuse};
        if (count + n > USCTP_MAX_ADDRESSES)
            return USCTP_ERR_LIMIT;
        if (port_in_use(engine, &o, ep) || conflicts(ep, addresses, n, false, false))
            return USCTP_ERR_IN_USE;
        memcpy(list + count, addresses, sizeof *list * n);
        count += (uint32_t)n;
    }
    return set_bound(engine, ep, list, count);
}

int usctp_endpoint_listen(struct usctp_engine *engine, int32_t endpoint, uint32_t backlog) {
    struct endpoint *ep = open_endpoint(engine, endpoint);
    if (!ep)
        return USCTP_ERR_NOT_FOUND;
    if (!ep->is_in_port_table)
        return USCTP_ERR_STATE;
    const struct usctp_endpoint_options o = {.port = ep->port,
                                             .addresses = ep->bound,
                                             .address_count = ep->bound_count,
                                             .ipv4 = ep->ipv4,
                                             .ipv6 = ep->ipv6,
                                             .reuse = ep->reuse};
    if (backlog > 0 && ep->backlog == 0 && port_in_use(engine, &o, ep))
        return USCTP_ERR_IN_USE;
    ep->backlog = backlog;
    return 0;
}

int usctp_endpoint_reuse(struct usctp_engine *engine, int32_t endpoint, bool reuse) {
    struct endpoint *ep = open_endpoint(engine, endpoint);
    if (!ep)
        return USCTP_ERR_NOT_FOUND;
    ep->reuse = reuse;
    return 0;
}

void endpoint_add_assoc(struct endpoint *ep, struct assoc *a) {
    a->endpoint = ep;
    TAILQ_INSERT_TAIL(&ep->assocs, a, endpoint_link);
    ep->assoc_count++;
}

/* Closed and unused: off the port; the owner learns it by a last event. */
static void check_unused(struct usctp_engine *engine, struct endpoint *ep) {
    if (!ep->is_closed || ep->assoc_count > 0)
        return;
    if (ep->is_in_port_table)
        hash_remove(&engine->ports, &ep->by_port);
    ep->is_in_port_table = false;
    endpoint_raise(engine, ep, USCTP_EVENT_CLOSED);
}

void endpoint_stop_waiting(struct assoc *a) {
    if (!a->is_waiting)
        return;
    TAILQ_REMOVE(&a->endpoint->waiting, a, waiting_link);
    a->endpoint->waiting_count--;
    a->is_waiting = false;
}

void endpoint_remove_assoc(struct usctp_engine *engine, struct assoc *a) {
    struct endpoint *ep = a->endpoint;
    endpoint_stop_waiting(a);
    TAILQ_REMOVE(&ep->assocs, a, endpoint_link);
    ep->assoc_count--;
    a->endpoint = NULL;
    check_unused(engine, ep);
}

void endpoint_raise(struct usctp_engine *engine, struct endpoint *ep, uint32_t bits) {
    ep->event_bits |= bits;
    if (ep->is_listed)
        return;
    ep->is_listed = true;
    TAILQ_INSERT_TAIL(&engine->listed_endpoints, ep, event_link);
}

/* An endpoint for one association, with the port and addresses of the one it leaves. */
static int32_t split_off(struct usctp_engine *engine, struct assoc *a) {
    struct endpoint *from = a->endpoint;
    struct endpoint *ep = make(engine, from->bound, from->bound_count, from->config);
    if (!ep)
        return USCTP_ERR_NO_MEMORY;
    config_pool_share(from->config);
    ep->port = from->port;
    ep->ipv4 = from->ipv4;
    ep->ipv6 = from->ipv6;
    ep->reuse = from->reuse;
    ep->subscribed = from->subscribed;
    ep->shares_port = true;
    endpoint_remove_assoc(engine, a);
    endpoint_add_assoc(ep, a);
    return ep->id;
}

int32_t usctp_endpoint_accept(struct usctp_engine *engine, int32_t listener, int32_t *endpoint) {
    struct endpoint *ep = open_endpoint(engine, listener);
    if (!ep)
        return USCTP_ERR_NOT_FOUND;
    if (ep->backlog == 0 && ep->waiting_count == 0)
        return USCTP_ERR_STATE;
    struct assoc *a = TAILQ_FIRST(&ep->waiting);
    if (!a)
        return USCTP_ERR_AGAIN;
    if (endpoint) {
        int32_t id = split_off(engine, a);
        if (id < 0)
            return id;
        *endpoint = id;
    } else {
        endpoint_stop_waiting(a);
    }
    /* What happened while it waited is told now. */
    if (a->event_bits)
        association_raise(a, a->event_bits);
    return a->id;
}

int32_t usctp_assoc_peel_off(struct usctp_engine *engine, int32_t assoc) {
    struct assoc *a = association_by_id(engine, assoc);
    if (!a || a->is_waiting)
        return USCTP_ERR_NOT_FOUND;
    return split_off(engine, a);
}

int usctp_endpoint_close(struct usctp_engine *engine, int32_t endpoint, uint64_t now_us) {
    struct endpoint *ep = open_endpoint(engine, endpoint);
    if (!ep)
        return USCTP_ERR_NOT_FOUND;
    engine->now_us = now_us;
    ep->is_closed = true;
    ep->backlog = 0;
    struct assoc *a, *next;
    for (a = TAILQ_FIRST(&ep->waiting); a; a = next) {
        next = TAILQ_NEXT(a, waiting_link);
        usctp_assoc_release(engine, a->id, now_us);
    }
    check_unused(engine, ep);
    association_reap(engine);
    return 0;
}

int usctp_endpoint_tune(struct usctp_engine *engine, int32_t endpoint, enum usctp_tunable tunable,
                        uint64_t value) {
    struct endpoint *ep = open_endpoint(engine, endpoint);
    if (!ep)
        return USCTP_ERR_NOT_FOUND;
    const struct usctp_tunable_info *info = usctp_tunable_info(tunable);
    if (!info || info->scope == USCTP_SCOPE_ENGINE)
        return USCTP_ERR_INVALID;
    return config_pool_set(&engine->configs, &ep->config, tunable, value, &engine->env);
}

int usctp_endpoint_config(const struct usctp_engine *engine, int32_t endpoint,
                          struct usctp_config *config) {
    const struct endpoint *ep = open_endpoint(engine, endpoint);
    if (!ep)
        return USCTP_ERR_NOT_FOUND;
    *config = *ep->config;
    return 0;
}

int usctp_endpoint_subscribe(struct usctp_engine *engine, int32_t endpoint, uint32_t kinds) {
    struct endpoint *ep = open_endpoint(engine, endpoint);
    if (!ep)
        return USCTP_ERR_NOT_FOUND;
    ep->subscribed = kinds;
    return 0;
}

int usctp_endpoint_local_addresses(const struct usctp_engine *engine, int32_t endpoint,
                                   struct usctp_addr *out, size_t max) {
    const struct endpoint *ep = open_endpoint(engine, endpoint);
    if (!ep)
        return USCTP_ERR_NOT_FOUND;
    uint32_t n = 0;
    if (ep->bound_count > 0) {
        for (; n < ep->bound_count; n++)
            if (n < max)
                out[n] = ep->bound[n];
        return (int)n;
    }
    for (uint32_t i = 0; i < engine->host_count; i++) {
        if (!takes_family(ep, &engine->host[i].address))
            continue;
        if (n < max)
            out[n] = engine->host[i].address;
        n++;
    }
    return (int)n;
}
