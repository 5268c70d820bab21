/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An association's life (RFC 9260 4, 14.2): making, tables, states, telling the user, the end.
 *
 * Only association_set_state writes the state, and only along the arrows of the RFC's figure 3. An
 * association that has ended stays until its owner has released it and its last packet has been
 * pulled.
 */
#include "assoc/association.h"

/* Legal changes: bit n of row s = from s to n. 5.2.4 adds B (COOKIE-WAIT to ESTABLISHED) and A (any
   to ESTABLISHED), 5.2.6 COOKIE-ECHOED to COOKIE-WAIT. */
#define TO(state) (1u << (state))
static const uint32_t legal_changes[] = {
    [USCTP_CLOSED] = TO(USCTP_COOKIE_WAIT) | TO(USCTP_ESTABLISHED),
    [USCTP_COOKIE_WAIT] = TO(USCTP_COOKIE_ECHOED) | TO(USCTP_ESTABLISHED) | TO(USCTP_CLOSED),
    [USCTP_COOKIE_ECHOED] = TO(USCTP_ESTABLISHED) | TO(USCTP_COOKIE_WAIT) | TO(USCTP_CLOSED),
    [USCTP_ESTABLISHED] = TO(USCTP_ESTABLISHED) | TO(USCTP_SHUTDOWN_PENDING) |
                          TO(USCTP_SHUTDOWN_RECEIVED) | TO(USCTP_CLOSED),
    [USCTP_SHUTDOWN_PENDING] = TO(USCTP_SHUTDOWN_SENT) | TO(USCTP_SHUTDOWN_RECEIVED) |
                               TO(USCTP_ESTABLISHED) | TO(USCTP_CLOSED),
    [USCTP_SHUTDOWN_SENT] = TO(USCTP_SHUTDOWN_ACK_SENT) | TO(USCTP_ESTABLISHED) | TO(USCTP_CLOSED),
    [USCTP_SHUTDOWN_RECEIVED] =
        TO(USCTP_SHUTDOWN_ACK_SENT) | TO(USCTP_ESTABLISHED) | TO(USCTP_CLOSED),
    [USCTP_SHUTDOWN_ACK_SENT] = TO(USCTP_CLOSED),
};

/* RFC 3873 sctpCurrEstab */
#define ESTABLISHED_STATES                                                                         \
    (TO(USCTP_ESTABLISHED) | TO(USCTP_SHUTDOWN_RECEIVED) | TO(USCTP_SHUTDOWN_PENDING))

struct assoc *association_by_id(const struct usctp_engine *engine, int32_t id) {
    uint64_t hash = engine_hash(engine, (uint32_t)id);
    for (struct hash_node *node = hash_first(&engine->assocs, hash); node; node = hash_next(node)) {
        struct assoc *a = container_of(node, struct assoc, by_id);
        if (a->id == id && !a->is_released)
            return a;
    }
    return NULL;
}

struct assoc *association_by_tag(const struct usctp_engine *engine, uint32_t tag,
                                 uint16_t local_port, uint16_t peer_port) {
    uint64_t hash = engine_hash(engine, tag);
    for (struct hash_node *node = hash_first(&engine->tags, hash); node; node = hash_next(node)) {
        struct assoc *a = container_of(node, struct assoc, by_tag);
        if (a->local_tag == tag && a->local_port == local_port && a->peer_port == peer_port)
            return a;
    }
    return NULL;
}

struct path *association_path_by_address(const struct usctp_engine *engine,
                                         const struct usctp_addr *address, uint16_t local_port,
                                         uint16_t peer_port) {
    uint32_t ports = (uint32_t)local_port << 16 | peer_port;
    uint64_t hash = path_hash(engine, address, ports);
    for (struct hash_node *node = hash_first(&engine->paths, hash); node; node = hash_next(node)) {
        struct path *p = container_of(node, struct path, by_address);
        if (p->assoc->local_port == local_port && p->assoc->peer_port == peer_port &&
            addr_equal(&p->address, address))
            return p;
    }
    return NULL;
}

uint32_t association_new_tag(struct usctp_engine *engine) {
    uint32_t tag;
    do {
        tag = env_random32(&engine->env);
    } while (tag == 0 || hash_first(&engine->tags, engine_hash(engine, tag)));
    return tag;
}

static int32_t next_id(struct usctp_engine *engine) {
    uint64_t hash;
    do {
        engine->last_assoc_id = engine->last_assoc_id == INT32_MAX ? 3 : engine->last_assoc_id + 1;
        hash = engine_hash(engine, (uint32_t)engine->last_assoc_id);
    } while (hash_first(&engine->assocs, hash));
    return engine->last_assoc_id;
}

static int init_sides(struct assoc *a, uint32_t tsn) {
    struct env *env = &a->engine->env;
    if (outstanding_init(&a->outstanding, tsn, env))
        return USCTP_ERR_NO_MEMORY;
    received_tsn_init(&a->received, 0, a->config->max_duplicate_reports);
    return 0;
}

struct assoc *association_new(struct usctp_engine *engine, struct endpoint *endpoint,
                              uint16_t peer_port) {
    if (engine->counters.associations >= engine->config.max_associations)
        return NULL;
    if (timers_reserve(&engine->timers, ASSOC_TIMERS, &engine->env))
        return NULL;
    struct assoc *a = env_allocate(&engine->env, sizeof *a);
    if (!a) {
        timers_unreserve(&engine->timers, ASSOC_TIMERS);
        return NULL;
    }
    a->engine = engine;
    a->state = USCTP_CLOSED;
    a->config = config_pool_share(endpoint->config);
    a->subscribed = endpoint->subscribed;
    a->local_port = endpoint->port;
    a->peer_port = peer_port;
    a->local_initial_tsn = env_random32(&engine->env);
    a->paths = &a->only_path;
    a->path_capacity = 1;
    STAILQ_INIT(&a->control);
    timer_init(&a->t1, TIMER_T1);
    timer_init(&a->t2, TIMER_T2);
    timer_init(&a->t5, TIMER_T5);
    timer_init(&a->sack_timer, TIMER_SACK);
    receive_queue_init(&a->inbox);
    send_queue_init(&a->send_queue);
    a->advertised_rwnd = a->config->receive_buffer_bytes;
    a->wanted_streams = a->outbound_streams = (uint16_t)a->config->outbound_streams;
    a->offered_streams = a->inbound_streams = (uint16_t)a->config->max_inbound_streams;
    a->id = next_id(engine);
    hash_insert(&engine->assocs, &a->by_id, engine_hash(engine, (uint32_t)a->id), &engine->env);
    endpoint_add_assoc(endpoint, a);
    engine->counters.associations++;
    if (init_sides(a, a->local_initial_tsn)) {
        association_delete(a);
        return NULL;
    }
    return a;
}

static void leave_tables(struct assoc *a) {
    if (a->is_in_tables)
        hash_remove(&a->engine->tags, &a->by_tag);
    a->is_in_tables = false;
    for (uint32_t i = 0; i < a->path_count; i++) {
        struct path *p = a->paths[i];
        if (p->by_address.hash)
            hash_remove(&a->engine->paths, &p->by_address);
        p->by_address.hash = 0;
    }
}

static void stop_timers(struct assoc *a) {
    struct timers *timers = &a->engine->timers;
    timer_stop(&a->t1, timers);
    timer_stop(&a->t2, timers);
    timer_stop(&a->t5, timers);
    timer_stop(&a->sack_timer, timers);
    for (uint32_t i = 0; i < a->path_count; i++) {
        timer_stop(&a->paths[i]->t3, timers);
        timer_stop(&a->paths[i]->heartbeat, timers);
    }
}

void association_drop_control(struct assoc *a) {
    struct control_chunk *c;
    while ((c = STAILQ_FIRST(&a->control)) != NULL) {
        STAILQ_REMOVE_HEAD(&a->control, link);
        env_release(&a->engine->env, c, sizeof *c + c->bytes);
    }
    a->control_count = 0;
    a->pending &= ~(uint32_t)PENDING_CONTROL;
}

static void unlist(struct assoc *a) {
    struct usctp_engine *engine = a->engine;
    if (a->is_ready)
        TAILQ_REMOVE(&engine->ready, a, ready_link);
    if (a->is_listed)
        TAILQ_REMOVE(&engine->listed, a, event_link);
    if (a->is_touched)
        TAILQ_REMOVE(&engine->touched, a, touched_link);
    if (a->is_reaped)
        LIST_REMOVE(a, ended_link);
    a->is_ready = a->is_listed = a->is_touched = a->is_reaped = false;
}

void association_delete(struct assoc *a) {
    struct usctp_engine *engine = a->engine;
    struct env *env = &engine->env;
    unlist(a);
    idle_forget(a);
    leave_tables(a);
    stop_timers(a);
    while (a->path_count > 0)
        path_remove(a, a->path_count - 1);
    timers_unreserve(&engine->timers, ASSOC_TIMERS);
    association_drop_control(a);
    outstanding_free(&a->outstanding, &a->send_queue, env);
    send_queue_free(&a->send_queue, env);
    receive_queue_free(&a->inbox, env);
    reassembly_free(&a->reassembly, env);
    received_tsn_free(&a->received, env);
    env_release(env, a->cookie, a->cookie_bytes);
    env_release(env, a->abort_causes, a->abort_causes_bytes);
    env_release(env, a->local, sizeof *a->local * a->local_count);
    admission_leave(a);
    config_pool_release(&engine->configs, a->config, env);
    hash_remove(&engine->assocs, &a->by_id);
    engine->counters.associations--;
    endpoint_remove_assoc(engine, a);
    if (a->paths != &a->only_path)
        env_release(env, a->paths, a->path_capacity * sizeof(struct path *));
    env_release(env, a, sizeof *a);
}

void association_enter_tag(struct assoc *a, uint32_t tag) {
    if (a->is_in_tables)
        hash_remove(&a->engine->tags, &a->by_tag);
    a->local_tag = tag;
    hash_insert(&a->engine->tags, &a->by_tag, engine_hash(a->engine, tag), &a->engine->env);
    a->is_in_tables = true;
}

void association_trace(const struct assoc *a, enum usctp_trace_kind kind, uint32_t path,
                       const uint64_t *abc) {
    if (!env_is_traced(&a->engine->env))
        return;
    const struct usctp_trace_record record = {.now_us = a->engine->now_us,
                                              .kind = kind,
                                              .assoc = a->id,
                                              .path = path,
                                              .a = abc[0],
                                              .b = abc[1],
                                              .c = abc[2]};
    env_trace(&a->engine->env, &record);
}

void association_set_state(struct assoc *a, enum usctp_assoc_state state) {
    ASSERT(legal_changes[a->state] & TO(state));
    association_trace(a, USCTP_TRACE_STATE, 0, (const uint64_t[3]){a->state, state, 0});
    a->engine->counters.established += TO(state) & ESTABLISHED_STATES ? 1 : 0;
    a->engine->counters.established -= TO(a->state) & ESTABLISHED_STATES ? 1 : 0;
    a->state = state;
}

static void give_up_data(struct assoc *a);

int association_set_initial_tsn(struct assoc *a, uint32_t tsn) {
    struct env *env = &a->engine->env;
    struct outstanding fresh;
    if (outstanding_init(&fresh, tsn, env))
        return USCTP_ERR_NO_MEMORY;
    if (outstanding_set_paths(&fresh, a->outstanding.path_count, env))
        return USCTP_ERR_NO_MEMORY;
    outstanding_free(&a->outstanding, &a->send_queue, env);
    a->outstanding = fresh;
    a->local_initial_tsn = tsn;
    return 0;
}

int association_list_local(struct assoc *a, const struct usctp_addr *destination) {
    struct env *env = &a->engine->env;
    struct address_list list;
    const struct address_choice choice = endpoint_address_choice(a->engine, a->endpoint);
    address_list_select(&list, &choice, destination);
    if (list.count == 0)
        return a->engine->host_count == 0 && a->endpoint->bound_count == 0 ? 0
                                                                           : USCTP_ERR_UNREACHABLE;
    struct usctp_addr *copy = env_allocate_raw(env, sizeof *copy * list.count);
    if (!copy)
        return USCTP_ERR_NO_MEMORY;
    memcpy(copy, list.items, sizeof *copy * list.count);
    env_release(env, a->local, sizeof *a->local * a->local_count);
    a->local = copy;
    a->local_count = list.count;
    return 0;
}

/* 5.2.4.1: the paths of the new incarnation, with windows and timers as at the start. */
static void reset_paths(struct assoc *a, const struct path *proven) {
    a->primary = a->data_path = proven->index;
    for (uint32_t i = 0; i < a->path_count; i++) {
        struct path *p = a->paths[i];
        const struct rto_limits limits = path_rto_limits(p);
        timer_stop(&p->t3, &a->engine->timers);
        timer_stop(&p->heartbeat, &a->engine->timers);
        /* 5.4 rule 2 */
        if (p == proven) {
            path_confirm(p);
        } else {
            p->is_confirmed = false;
            path_set_state(p, USCTP_PATH_STATE_UNCONFIRMED);
        }
        p->heartbeat_outstanding = p->wants_heartbeat = false;
        path_mtu_forget_data(p);
        p->error_count = 0;
        p->next_measurement_us = p->last_data_us = 0;
        rto_init(&p->rto, &limits);
        if (p->is_confirmed)
            path_set_state(p, USCTP_PATH_STATE_ACTIVE);
    }
}

static void drop_partial(struct assoc *a) {
    if (!a->reassembly.partial)
        return;
    const struct usctp_notification lost = {.kind = USCTP_NOTIFY_PARTIAL_DELIVERY_ABORTED,
                                            .sid = a->reassembly.partial->sid,
                                            .value = a->reassembly.partial->ssn};
    bool was_read = receive_queue_abort_partial(&a->inbox, a->reassembly.partial, &a->engine->env);
    a->reassembly.partial = NULL;
    /* RFC 6458 6.1.7: before anything else, to whom has read a part; who has not misses nothing. */
    if (!was_read || !(a->subscribed & USCTP_NOTIFY_PARTIAL_DELIVERY_ABORTED))
        return;
    if (receive_queue_notify_first(&a->inbox, &lost, &a->engine->env))
        a->counters.dropped_notifications++;
    association_raise(a, USCTP_EVENT_READABLE);
}

bool association_restart(struct assoc *a, const struct cookie_content *cookie,
                         const struct init_chunk *init, uint64_t now_us) {
    give_up_data(a);
    a->wanted_streams = cookie->outbound_streams;
    a->offered_streams = cookie->inbound_streams;
    if (association_set_initial_tsn(a, cookie->local_initial_tsn) ||
        handshake_load_peer(a, init, &cookie->source, now_us)) {
        termination_abort(
            a, NULL, 0,
            USCTP_ERR_NO_MEMORY); /* the old association is gone on the peer's side as well */
        return false;
    }
    drop_partial(a);
    reassembly_free(&a->reassembly, &a->engine->env);
    send_queue_reset_ssns(&a->send_queue);
    association_drop_control(a);
    stop_timers(a);
    reset_paths(a, path_find(a, &cookie->source));
    a->pending = 0;
    a->in_fast_recovery = a->retransmit_now = a->probe_now = a->sack_since_t3 = a->sack_due =
        a->batch_wants_sack = a->has_sacked = a->peer_shut_down = false;
    a->packets_unacknowledged = a->error_count = a->shutdown_retransmits = 0;
    a->credit = a->sack_credit = a->stalled_t3 = 0;
    a->advertised_rwnd = a->config->receive_buffer_bytes;
    a->local_tie_tag = a->peer_tie_tag = 0;
    association_enter_tag(a, cookie->local_tag);
    a->counters.restarts++;
    association_set_state(a, USCTP_ESTABLISHED);
    const struct usctp_notification n = {.kind = USCTP_NOTIFY_ASSOC_CHANGE,
                                         .change = USCTP_RESTART,
                                         .outbound_streams = a->outbound_streams,
                                         .inbound_streams = a->inbound_streams};
    association_notify(a, &n);
    association_raise(a, USCTP_EVENT_PATH | USCTP_EVENT_WRITABLE);
    a->send_blocked = false;
    path_heartbeat_start_all(a, now_us);
    if (a->user_shutdown)
        termination_begin(a, now_us);
    return true;
}

static void report_failed(struct assoc *a, struct outbound_message *m);

void association_establish(struct assoc *a, uint64_t now_us) {
    struct usctp_engine *engine = a->engine;
    struct outbound_message *m;
    timer_stop(&a->t1, &engine->timers);
    a->init_retransmits = 0;
    a->error_count = 0;
    env_release(&engine->env, a->cookie, a->cookie_bytes);
    a->cookie = NULL;
    a->cookie_bytes = 0;
    a->pending &= ~(uint32_t)(PENDING_INIT | PENDING_COOKIE_ECHO);
    association_set_state(a, USCTP_ESTABLISHED);
    a->counters.start_time = engine_timestamp(engine, now_us);
    const struct usctp_notification up = {.kind = USCTP_NOTIFY_ASSOC_CHANGE,
                                          .change = USCTP_COMM_UP,
                                          .outbound_streams = a->outbound_streams,
                                          .inbound_streams = a->inbound_streams};
    association_notify(a, &up);
    association_raise(a, USCTP_EVENT_ESTABLISHED | USCTP_EVENT_PATH);
    /* 5.1.1: the peer takes fewer streams than the user was promised before he was heard. */
    while ((m = send_queue_pop_beyond(&a->send_queue, a->outbound_streams)) != NULL)
        report_failed(a, m);
    path_heartbeat_start_all(a, now_us);
    association_pend(a, PENDING_DATA);
    if (a->user_shutdown)
        termination_begin(a, now_us);
}

static void report_failed(struct assoc *a, struct outbound_message *m) {
    if (a->subscribed & USCTP_NOTIFY_SEND_FAILED) {
        const struct usctp_notification failed = {.kind = USCTP_NOTIFY_SEND_FAILED,
                                                  .send = {.sid = m->sid,
                                                           .ppid = m->ppid,
                                                           .context = m->context,
                                                           .flags = m->flags,
                                                           .path = m->path},
                                                  .was_sent = m->was_sent,
                                                  .data = m->payload,
                                                  .data_bytes = m->bytes};
        association_notify(a, &failed);
    }
    outbound_message_release(&a->send_queue, m, &a->engine->env);
}

/* Gives up what was sent and not acknowledged and what was never sent, telling the user once for
 * each message. */
static void give_up_data(struct assoc *a) {
    struct record record;
    struct outbound_message *m, *last = NULL;
    while ((m = outstanding_pop(&a->outstanding, &record)) != NULL) {
        /* Records of one message are neighbours. It is reported with its last record, or with the
         * queue if a part is there. */
        if (last && last != m)
            report_failed(a, last);
        else if (last)
            outbound_message_release(&a->send_queue, last, &a->engine->env);
        last = m;
    }
    if (last && last == send_queue_front(&a->send_queue)) {
        outbound_message_release(&a->send_queue, last, &a->engine->env);
        last = NULL;
    }
    if (last)
        report_failed(a, last);
    while ((m = send_queue_pop(&a->send_queue)) != NULL)
        report_failed(a, m);
}

static uint32_t end_change(const struct assoc *a, int error) {
    if (error == 0)
        return USCTP_SHUTDOWN_COMPLETE;
    return a->state == USCTP_COOKIE_WAIT || a->state == USCTP_COOKIE_ECHOED ? USCTP_CANT_START
                                                                            : USCTP_COMM_LOST;
}

void association_end(struct assoc *a, int error, uint16_t cause, const struct chunk *abort_chunk) {
    if (a->has_ended)
        return;
    struct usctp_engine *engine = a->engine;
    const struct usctp_notification change = {.kind = USCTP_NOTIFY_ASSOC_CHANGE,
                                              .change = end_change(a, error),
                                              .error = cause,
                                              .outbound_streams = a->outbound_streams,
                                              .inbound_streams = a->inbound_streams,
                                              .data = abort_chunk ? abort_chunk->start : NULL,
                                              .data_bytes = abort_chunk ? abort_chunk->length : 0};
    stop_timers(a);
    leave_tables(a);
    association_set_state(a, USCTP_CLOSED);
    a->has_ended = true;
    a->event_bits &= ~(uint32_t)USCTP_EVENT_ROUTE;
    for (uint32_t i = 0; i < a->path_count; i++)
        a->paths[i]->wants_route = false;
    a->error = error;
    association_drop_control(a);
    a->pending &= PENDING_ABORT | PENDING_SHUTDOWN_COMPLETE;
    if (error == 0)
        engine->counters.graceful_shutdowns++;
    else
        engine->counters.aborted++;
    drop_partial(a);
    give_up_data(a);
    association_notify(a, &change);
    association_raise(a, USCTP_EVENT_CLOSED);
    /* One that nobody has accepted leaves the backlog, unless it ended well and left something to
     * read. */
    if (a->is_waiting && (error || a->inbox.message_count == 0)) {
        endpoint_stop_waiting(a);
        association_forget(a);
    }
    association_check_done(a);
}

void association_forget(struct assoc *a) {
    a->is_released = true;
    a->subscribed = 0;
    if (a->is_listed)
        TAILQ_REMOVE(&a->engine->listed, a, event_link);
    a->is_listed = false;
}

void association_check_done(struct assoc *a) {
    if (!a->has_ended || !a->is_released || a->pending || a->is_reaped)
        return;
    endpoint_stop_waiting(a);
    a->is_reaped = true;
    LIST_INSERT_HEAD(&a->engine->ended, a, ended_link);
}

void association_reap(struct usctp_engine *engine) {
    struct assoc *a;
    while ((a = LIST_FIRST(&engine->ended)) != NULL)
        association_delete(a);
}

void association_pend(struct assoc *a, uint32_t bits) {
    struct usctp_engine *engine = a->engine;
    bool is_last = (bits & (PENDING_ABORT | PENDING_SHUTDOWN_COMPLETE)) != 0;
    a->pending |= bits;
    if (a->pending == 0 || (a->is_ready && !is_last))
        return;
    if (a->is_ready)
        TAILQ_REMOVE(&engine->ready, a, ready_link);
    a->is_ready = true;
    /* Last packets go first: before the answers that the association's absence may cause. */
    if (is_last)
        TAILQ_INSERT_HEAD(&engine->ready, a, ready_link);
    else
        TAILQ_INSERT_TAIL(&engine->ready, a, ready_link);
}

void association_raise(struct assoc *a, uint32_t event_bits) {
    a->event_bits |= event_bits;
    /* Nobody holds the id of one that waits to be accepted, or that was released. */
    if (a->is_listed || a->is_waiting || a->is_released)
        return;
    a->is_listed = true;
    TAILQ_INSERT_TAIL(&a->engine->listed, a, event_link);
}

void association_notify(struct assoc *a, const struct usctp_notification *notification) {
    if (!(a->subscribed & notification->kind) || a->is_released)
        return;
    if (receive_queue_notify(&a->inbox, notification, a->config->max_notifications,
                             &a->engine->env))
        a->counters.dropped_notifications++;
    else
        association_raise(a, USCTP_EVENT_READABLE);
}

void association_touch(struct assoc *a) {
    if (a->is_touched)
        return;
    a->is_touched = true;
    TAILQ_INSERT_TAIL(&a->engine->touched, a, touched_link);
}

uint8_t *association_queue_control(struct assoc *a, uint8_t path, size_t bytes) {
    struct control_chunk *c = NULL;
    if (a->control_count < a->config->max_control_chunks && bytes <= UINT16_MAX)
        c = env_allocate_raw(&a->engine->env, sizeof *c + bytes);
    if (!c) {
        a->counters.dropped_control_chunks++;
        return NULL;
    }
    c->path = path;
    c->bytes = (uint16_t)bytes;
    STAILQ_INSERT_TAIL(&a->control, c, link);
    a->control_count++;
    association_pend(a, PENDING_CONTROL);
    return c->data;
}

uint32_t association_rwnd(const struct assoc *a) {
    uint64_t overhead =
        (uint64_t)a->inbox.overhead_bytes + reassembly_overhead_bytes(&a->reassembly);
    uint64_t held = overhead + a->inbox.payload_bytes + reassembly_payload_bytes(&a->reassembly);
    uint64_t buffer = a->config->receive_buffer_bytes;
    uint64_t left = held < buffer ? buffer - held : 0;
    /* The peer counts payload. What its chunks take beside that is kept back, as much as those did
     * that are held, so that the window does not close on what it has already sent. */
    left -= left * overhead / (held > buffer / 2 ? held : buffer / 2);
    /* Nor more than the stack has memory for: a peer that is told so waits, one that is not would
     * take silence for a dead path. */
    uint64_t memory = env_left_bytes(&a->engine->env);
    return (uint32_t)(left < memory ? left : memory);
}
