/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The engine as a whole: making and deleting it, its clockwork, its events, and what it knows of
 * the host.
 *
 * Packets in are in input.c, packets out in output.c; endpoints and associations have their own
 * files.
 */
#include "assoc/association.h"
#include "core/config_take.h"

uint64_t engine_timestamp(const struct usctp_engine *engine, uint64_t now_us) {
    return now_us > engine->started_us ? (now_us - engine->started_us) / (10 * USCTP_MS) : 0;
}

static int init_tables(struct usctp_engine *engine) {
    struct env *env = &engine->env;
    if (hash_init(&engine->assocs, 16, env) || hash_init(&engine->endpoints, 16, env) ||
        hash_init(&engine->ports, 16, env) || hash_init(&engine->tags, 16, env) ||
        hash_init(&engine->paths, 16, env) || config_pool_init(&engine->configs, env) ||
        hash_init(&engine->sources, 16, env) || timers_reserve(&engine->timers, ENGINE_TIMERS, env))
        return USCTP_ERR_NO_MEMORY;
    engine->replies = env_allocate(env, sizeof(struct reply) * engine->config.reply_ring_packets);
    return engine->replies ? 0 : USCTP_ERR_NO_MEMORY;
}

static void free_tables(struct usctp_engine *engine) {
    struct env *env = &engine->env;
    hash_free(&engine->assocs, env);
    hash_free(&engine->endpoints, env);
    hash_free(&engine->ports, env);
    hash_free(&engine->tags, env);
    hash_free(&engine->paths, env);
    hash_free(&engine->sources, env);
    config_pool_free(&engine->configs, env);
    timers_free(&engine->timers, env);
    env_release(env, engine->host, sizeof *engine->host * engine->host_count);
}

struct usctp_engine *usctp_engine_new(const struct usctp_environment *environment,
                                      const struct usctp_config *config, uint64_t now_us) {
    struct usctp_config taken;
    usctp_config_defaults(&taken);
    if (!environment || !environment->allocator.allocate || !environment->allocator.release ||
        !environment->random.fill || !environment->crypto.hmac_sha256 ||
        (config && config_take(&taken, config) != 0))
        return NULL;
    struct env env = {.given = *environment};
    struct usctp_engine *engine = env_allocate(&env, sizeof *engine);
    if (!engine)
        return NULL;
    engine->env = env;
    engine->now_us = now_us;
    engine->config = taken;
    timers_init(&engine->timers);
    TAILQ_INIT(&engine->ready);
    TAILQ_INIT(&engine->listed);
    TAILQ_INIT(&engine->touched);
    TAILQ_INIT(&engine->used);
    TAILQ_INIT(&engine->listed_endpoints);
    LIST_INIT(&engine->ended);
    engine->last_assoc_id = engine->last_endpoint_id = 2;
    engine->started_us = now_us;
    engine->env.limit_bytes = engine->config.max_memory_bytes;
    token_bucket_init(&engine->reply_tokens, engine->config.replies_per_second, now_us);
    token_bucket_init(&engine->init_ack_tokens, engine->config.init_acks_per_second, now_us);
    env_random(&engine->env, engine->hash_key, sizeof engine->hash_key);
    cookie_keys_init(&engine->cookie_keys, &engine->env);
    engine->counters.cookie_keys = 1;
    if (init_tables(engine)) {
        usctp_engine_delete(engine);
        return NULL;
    }
    timer_init(&engine->cookie_timer, TIMER_COOKIE_KEY);
    timer_init(&engine->output_timer, TIMER_OUTPUT);
    timer_init(&engine->idle_timer, TIMER_IDLE);
    timer_start(&engine->cookie_timer, &engine->timers, now_us + engine->config.cookie_key_life_us);
    return engine;
}

bool engine_is_broadcast(const struct usctp_engine *engine, const struct usctp_addr *address) {
    if (address->family != USCTP_FAMILY_IPV4)
        return false;
    for (uint32_t i = 0; i < engine->host_count; i++) {
        const struct usctp_local_address *local = &engine->host[i];
        if (local->address.family != USCTP_FAMILY_IPV4 || local->prefix_bits == 0 ||
            local->prefix_bits > 30) /* RFC 3021: links of two addresses have none */
            continue;
        uint32_t hosts = UINT32_MAX >> local->prefix_bits;
        if (get32(address->ipv4) == (get32(local->address.ipv4) | hosts))
            return true;
    }
    return false;
}

static struct hash_node *any_node(const struct hash *table) {
    for (size_t i = 0; i < table->bucket_count; i++)
        if (table->buckets[i])
            return table->buckets[i];
    return NULL;
}

void usctp_engine_delete(struct usctp_engine *engine) {
    if (!engine)
        return;
    struct hash_node *node;
    while ((node = any_node(&engine->assocs)) != NULL)
        association_delete(container_of(node, struct assoc, by_id));
    while ((node = any_node(&engine->endpoints)) != NULL) {
        endpoint_delete(engine, container_of(node, struct endpoint, by_id));
    }
    out_of_the_blue_free(engine);
    free_tables(engine);
    struct env env = engine->env;
    env_release(&env, engine, sizeof *engine);
}

uint64_t usctp_engine_next_deadline(const struct usctp_engine *engine) {
    return timers_next(&engine->timers);
}

static void on_cookie_key_timer(struct usctp_engine *engine, uint64_t now_us) {
    cookie_keys_rotate(&engine->cookie_keys, &engine->env);
    engine->counters.cookie_keys++;
    timer_start(&engine->cookie_timer, &engine->timers, now_us + engine->config.cookie_key_life_us);
}

/* How often it has now expired in a row. */
static uint64_t expiries(const struct assoc *a, const struct path *p, uint8_t kind) {
    switch ((enum timer_kind)kind) {
    case TIMER_T1:
        return a->init_retransmits + 1u;
    case TIMER_T2:
        return a->shutdown_retransmits + 1u;
    case TIMER_T3:
    case TIMER_HEARTBEAT:
        return p->error_count + 1u;
    case TIMER_T5:
    case TIMER_SACK:
    case TIMER_COOKIE_KEY:
    case TIMER_OUTPUT:
    case TIMER_IDLE:
        break;
    case TIMER_PMTU:
        return p->pmtu.search.probe_count + 1u;
    }
    return 1;
}

/* The path that a timer belongs to, or NULL. */
static struct path *path_of(struct timer *timer) {
    if (timer->kind == TIMER_T3)
        return container_of(timer, struct path, t3);
    if (timer->kind == TIMER_HEARTBEAT)
        return container_of(timer, struct path, heartbeat);
    if (timer->kind == TIMER_PMTU)
        return container_of(timer, struct path, pmtu.timer);
    return NULL;
}

static struct assoc *assoc_of(struct timer *timer) {
    struct path *p = path_of(timer);
    if (p)
        return p->assoc;
    if (timer->kind == TIMER_T1)
        return container_of(timer, struct assoc, t1);
    if (timer->kind == TIMER_T2)
        return container_of(timer, struct assoc, t2);
    if (timer->kind == TIMER_T5)
        return container_of(timer, struct assoc, t5);
    return container_of(timer, struct assoc, sack_timer);
}

static void on_timer(struct usctp_engine *engine, struct timer *timer, uint64_t now_us) {
    if (timer->kind == TIMER_COOKIE_KEY) {
        on_cookie_key_timer(engine, now_us);
        return;
    }
    if (timer->kind == TIMER_IDLE) {
        idle_on_timer(engine, now_us);
        return;
    }
    if (timer->kind == TIMER_OUTPUT)
        return; /* output follows: that is all */
    struct assoc *a = assoc_of(timer);
    struct path *p = path_of(timer);
    association_trace(a, USCTP_TRACE_TIMER, p ? p->index : 0,
                      (const uint64_t[3]){timer->kind, expiries(a, p, timer->kind), 0});
    switch ((enum timer_kind)timer->kind) {
    case TIMER_T1:
        handshake_on_t1(a, now_us);
        break;
    case TIMER_T2:
        termination_on_t2(a, now_us);
        break;
    case TIMER_T5:
        termination_on_t5(a, now_us);
        break;
    case TIMER_SACK:
        association_pend(a, PENDING_SACK);
        break;
    case TIMER_T3:
        retransmit_on_t3(p, now_us);
        break;
    case TIMER_HEARTBEAT:
        path_heartbeat_on_timer(p, now_us);
        break;
    case TIMER_PMTU:
        path_mtu_on_timer(p, now_us);
        break;
    case TIMER_COOKIE_KEY:
    case TIMER_OUTPUT:
    case TIMER_IDLE:
        break;
    }
}

void usctp_engine_advance(struct usctp_engine *engine, uint64_t now_us) {
    engine->now_us = now_us;
    /* Each timer that expires is started again later than now, if at all: the walk ends. */
    for (struct timer *timer; (timer = timers_expire(&engine->timers, now_us)) != NULL;)
        on_timer(engine, timer, now_us);
    association_reap(engine);
}

static int next_endpoint_event(struct usctp_engine *engine, struct usctp_event *event) {
    struct endpoint *ep = TAILQ_FIRST(&engine->listed_endpoints);
    if (!ep)
        return 0;
    TAILQ_REMOVE(&engine->listed_endpoints, ep, event_link);
    ep->is_listed = false;
    *event = (struct usctp_event){.endpoint = ep->id, .what = ep->event_bits};
    ep->event_bits = 0;
    if (event->what & USCTP_EVENT_CLOSED) {
        engine->counters.endpoints--;
        endpoint_delete(engine, ep);
    }
    return 1;
}

int usctp_engine_next_event(struct usctp_engine *engine, struct usctp_event *event) {
    struct assoc *a = TAILQ_FIRST(&engine->listed);
    if (!a)
        return next_endpoint_event(engine, event);
    TAILQ_REMOVE(&engine->listed, a, event_link);
    a->is_listed = false;
    *event = (struct usctp_event){
        .endpoint = a->endpoint->id, .assoc = a->id, .what = a->event_bits, .error = a->error};
    a->event_bits = 0;
    return 1;
}

int usctp_engine_local_addresses(struct usctp_engine *engine,
                                 const struct usctp_local_address *addresses, size_t n,
                                 uint64_t now_us) {
    engine->now_us = now_us;
    if (n > UINT16_MAX || (n > 0 && !addresses))
        return USCTP_ERR_INVALID;
    struct usctp_local_address *copy = NULL;
    if (n > 0) {
        copy = env_allocate_raw(&engine->env, sizeof *copy * n);
        if (!copy)
            return USCTP_ERR_NO_MEMORY;
        memcpy(copy, addresses, sizeof *copy * n);
    }
    env_release(&engine->env, engine->host, sizeof *engine->host * engine->host_count);
    engine->host = copy;
    engine->host_count = (uint32_t)n;
    for (size_t i = 0; i < engine->assocs.bucket_count; i++) {
        for (struct hash_node *node = engine->assocs.buckets[i]; node; node = node->next) {
            struct assoc *a = container_of(node, struct assoc, by_id);
            if (a->has_ended)
                continue;
            for (uint32_t k = 0; k < a->path_count; k++)
                a->paths[k]->wants_route = true;
            association_raise(a, USCTP_EVENT_ROUTE);
        }
    }
    return 0;
}

void usctp_engine_counters(const struct usctp_engine *engine,
                           struct usctp_engine_counters *counters) {
    *counters = engine->counters;
    counters->uptime = engine_timestamp(engine, engine->now_us);
    counters->memory_bytes = engine->env.allocated_bytes;
    counters->memory_peak_bytes = engine->env.peak_bytes;
    counters->memory_refusals = engine->env.refusals;
}
