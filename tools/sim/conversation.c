/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The associations: a opens them, b accepts; both send what the scenario says and read what comes,
 * and a shuts down once everything has arrived and the scenario's duration is over (RFC 9260 9.2).
 */
#include "sim/world.h"

#include "common/report.h"

#include <stdlib.h>
#include <string.h>

struct conversation *conversation_of(struct world *w, unsigned host, int32_t assoc) {
    const struct host *h = &w->host[host];
    if (assoc < 0 || (size_t)assoc >= h->by_id_count || h->by_id[assoc] == 0)
        return NULL;
    return &w->conversations[h->by_id[assoc] - 1];
}

void conversation_open_all(struct world *w) {
    const struct scenario *s = w->scenario;
    w->conversation_count = s->associations;
    w->conversations = world_memory(s->associations, sizeof *w->conversations);
    w->touched = world_memory(s->associations, sizeof *w->touched);
    timers_init(&w->timers);
    if (timers_reserve(&w->timers, s->associations, &w->network.env) != 0)
        report_die(REPORT_FAILED, "out of memory");
    for (uint32_t i = 0; i < s->associations; i++) {
        struct conversation *c = &w->conversations[i];
        c->number = i;
        c->state[0] = c->state[1] = USCTP_CLOSED;
        for (unsigned from = 0; from < 2; from++)
            direction_open(w, &c->from[from], from, i);
        timer_init(&c->timer, 0);
        timer_start(&c->timer, &w->timers, WORLD_START_US + s->spread_us * i / s->associations);
    }
}

void conversation_close_all(struct world *w) {
    for (uint32_t i = 0; i < w->conversation_count; i++) {
        struct conversation *c = &w->conversations[i];
        timer_stop(&c->timer, &w->timers);
        for (unsigned h = 0; h < 2; h++) {
            direction_close(&c->from[h]);
            window_free(&c->window[h]);
        }
    }
    timers_unreserve(&w->timers, w->conversation_count);
    timers_free(&w->timers, &w->network.env);
    free(w->conversations);
    free(w->touched);
}

static void open_one(struct world *w, struct conversation *c) {
    struct host *a = &w->host[0];
    struct usctp_addr peer = w->scenario->paths[0].address[1];
    c->endpoint[0] = host_endpoint(a, WORLD_BASE_PORT + c->number);
    struct usctp_connect connect = {
        .endpoint = c->endpoint[0], .addresses = &peer, .address_count = 1, .port = WORLD_PORT};
    c->assoc[0] = usctp_assoc_connect(a->engine, &connect, w->now_us);
    if (c->assoc[0] < 0)
        report_die(REPORT_FAILED, "association %u: cannot connect (error %d)", c->number,
                   (int)c->assoc[0]);
    host_remember(a, c->assoc[0], c->number);
    c->opened = true;
    w->opened_count++;
    /* Its first change of state came before its name was known. */
    c->state[0] = USCTP_COOKIE_WAIT;
    c->since_us[0] = w->now_us;
    world_touch(w, c);
}

/* Both lists are short for a user who accepts at once. */
static void accept_all(struct world *w) {
    struct host *b = &w->host[1];
    struct usctp_assoc_status status;
    int32_t assoc, endpoint;
    while ((assoc = usctp_endpoint_accept(b->engine, b->listener, &endpoint)) > 0) {
        struct conversation *c = NULL;
        if (usctp_assoc_status(b->engine, assoc, &status) == 0 &&
            status.peer_port - WORLD_BASE_PORT < w->conversation_count)
            c = &w->conversations[status.peer_port - WORLD_BASE_PORT];
        if (c == NULL || c->closed[1] || c->closed[0] || c->assoc[1] != 0) {
            /* A late copy of a good cookie makes an association that nobody waits for (RFC 9260
             * 5.1.5); two at a time there must not be. */
            if (c == NULL || (c->assoc[1] != 0 && !c->closed[1]))
                world_violate(w, "host b: an association that nobody asked for");
            usctp_assoc_release(b->engine, assoc, w->now_us);
            usctp_endpoint_close(b->engine, endpoint, w->now_us);
            continue;
        }
        c->assoc[1] = assoc;
        c->endpoint[1] = endpoint;
        c->state[1] = status.state;
        c->since_us[1] = w->now_us;
        host_remember(b, assoc, c->number);
        world_touch(w, c);
        conversation_act(w, c);
    }
}

static void give_routes(struct world *w, unsigned host, int32_t assoc) {
    struct usctp_engine *engine = w->host[host].engine;
    struct usctp_path_status path;
    for (uint32_t i = 0; usctp_path_status(engine, assoc, i, &path) == 0; i++) {
        if (!path.wants_route)
            continue;
        int at = network_path(w, host, &path.source, &path.address);
        struct usctp_addr none = {0};
        const struct scenario_path *way = at < 0 ? NULL : &w->scenario->paths[at];
        (void)usctp_path_route(engine, assoc, i, way != NULL ? &way->address[host] : &none,
                               way != NULL ? way->interface_mtu[host] : 0, w->now_us);
    }
}

static void on_closed(struct world *w, struct conversation *c, unsigned host, int error) {
    if (c->closed[host])
        world_violate(w, "association %u ends twice at host %c", c->number, "ab"[host]);
    direction_receive_rest(w, &c->from[1 - host], c->assoc[host]);
    c->closed[host] = true;
    c->error[host] = error;
    conversation_counters(w, c, host, &c->counters[host]);
    w->host[host].by_id[c->assoc[host]] = 0;
    usctp_assoc_release(w->host[host].engine, c->assoc[host], w->now_us);
    usctp_endpoint_close(w->host[host].engine, c->endpoint[host], w->now_us);
    c->released[host] = true;
    if (conversation_is_over(c))
        w->over_count++;
}

void conversation_event(struct world *w, unsigned host, const struct usctp_event *event) {
    if (event->assoc == 0) {
        if ((event->what & USCTP_EVENT_INCOMING) != 0)
            accept_all(w);
        return;
    }
    if ((event->what & USCTP_EVENT_ROUTE) != 0)
        give_routes(w, host, event->assoc);
    struct conversation *c = conversation_of(w, host, event->assoc);
    if (c == NULL)
        return;
    world_touch(w, c);
    if ((event->what & USCTP_EVENT_ESTABLISHED) != 0 && !c->established) {
        c->established = true;
        c->established_us = world_time_us(w);
    }
    if ((event->what & USCTP_EVENT_WRITABLE) != 0)
        direction_unblock(&c->from[host]);
    if ((event->what & (USCTP_EVENT_READABLE | USCTP_EVENT_PEER_SHUTDOWN)) != 0)
        (void)direction_receive(w, &c->from[1 - host], c->assoc[host]);
    if ((event->what & USCTP_EVENT_CLOSED) != 0)
        on_closed(w, c, host, event->error);
    conversation_act(w, c);
}

bool conversation_is_over(const struct conversation *c) {
    /* One that never reached b has nothing to end there. */
    return c->closed[0] && (c->closed[1] || c->assoc[1] == 0);
}

bool conversation_is_delivered(const struct world *w, const struct conversation *c) {
    return direction_is_finished(w, &c->from[0]) && direction_is_finished(w, &c->from[1]);
}

static uint64_t earlier(uint64_t a_us, uint64_t b_us) {
    return a_us < b_us ? a_us : b_us;
}

void conversation_act(struct world *w, struct conversation *c) {
    uint64_t end_us = WORLD_START_US + w->scenario->duration_us;
    uint64_t next_us = USCTP_NEVER;
    if (!c->opened)
        open_one(w, c);
    for (unsigned h = 0; h < 2; h++) {
        if (c->assoc[h] == 0 || c->closed[h])
            continue;
        direction_send(w, &c->from[h], c->assoc[h]);
        if (direction_next_read(&c->from[1 - h]) <= w->now_us) {
            (void)direction_receive(w, &c->from[1 - h], c->assoc[h]);
            world_touch(w, c);
        }
        next_us = earlier(next_us, direction_next(w, &c->from[h]));
        next_us = earlier(next_us, direction_next_read(&c->from[1 - h]));
    }
    bool may_end = c->established && !c->closing && !c->closed[0];
    if (may_end && w->now_us < end_us && end_us < next_us)
        next_us = end_us;
    if (may_end && w->now_us >= end_us && conversation_is_delivered(w, c)) {
        c->closing = true;
        (void)usctp_assoc_shutdown(w->host[0].engine, c->assoc[0], w->now_us);
        world_touch(w, c);
    }
    timer_start(&c->timer, &w->timers, next_us);
}

bool conversation_wake(struct world *w) {
    struct timer *timer;
    bool any = false;
    while ((timer = timers_expire(&w->timers, w->now_us)) != NULL) {
        conversation_act(w, container_of(timer, struct conversation, timer));
        any = true;
    }
    return any;
}

void conversation_counters(const struct world *w, const struct conversation *c, unsigned host,
                           struct usctp_assoc_counters *out) {
    struct usctp_assoc_status status;
    if (c->released[host])
        *out = c->counters[host];
    else if (c->assoc[host] != 0 &&
             usctp_assoc_status(w->host[host].engine, c->assoc[host], &status) == 0)
        *out = status.counters;
    else
        memset(out, 0, sizeof *out);
}
