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
        timer_start(&c->timer, &w->timers, conversation_begin_us(w, c));
    }
}

uint64_t conversation_begin_us(const struct world *w, const struct conversation *c) {
    const struct scenario *s = w->scenario;
    return WORLD_START_US + s->spread_us * c->number / s->associations;
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
    if (c->from[0].life > 0)
        c->reopened++;
    else
        w->opened_count++;
    c->opened = true;
    c->opened_us = w->now_us;
    c->is_behind[0] = false;
    c->heard[0] = 0;
    c->told_before[0] = c->told[0];
    window_free(&c->window[0]);
    direction_renew(w, &c->from[0]);
    direction_listen(&c->from[1], c->from[1].life + 1);
    /* Its first change of state came before its name was known. */
    c->state[0] = USCTP_COOKIE_WAIT;
    c->since_us[0] = w->now_us;
    world_touch(w, c);
}

/* A late copy of a good cookie makes an association that nobody waits for (RFC 9260 5.1.5). */
static bool is_awaited(const struct world *w, const struct conversation *c, uint32_t peer_tag) {
    if (c->closed[0])
        return false;
    return c->assoc[1] == 0 || (c->closed[1] && c->accepted_life < c->from[0].life &&
                                restart_is_current(w, c, peer_tag));
}

static void accept_one(struct world *w, struct conversation *c, int32_t assoc, int32_t endpoint,
                       const struct usctp_assoc_status *status) {
    c->assoc[1] = assoc;
    c->endpoint[1] = endpoint;
    c->state[1] = status->state;
    c->since_us[1] = w->now_us;
    c->closed[1] = false;
    c->error[1] = 0;
    c->heard[1] = 0;
    c->told_before[1] = c->told[1];
    c->is_behind[1] = !restart_is_current(w, c, status->peer_tag);
    if (!c->is_behind[1])
        c->accepted_life = c->from[0].life;
    window_free(&c->window[1]);
    direction_renew(w, &c->from[1]);
    direction_listen(&c->from[0], c->from[0].reading + 1);
    host_remember(&w->host[1], assoc, c->number);
    world_touch(w, c);
    conversation_act(w, c);
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
        if (c == NULL || !is_awaited(w, c, status.peer_tag)) {
            /* Two at a time there must not be. */
            if (c == NULL || conversation_is_live(c, 1))
                world_violate(w, "host b: an association that nobody asked for");
            usctp_assoc_release(b->engine, assoc, w->now_us);
            usctp_endpoint_close(b->engine, endpoint, w->now_us);
            continue;
        }
        accept_one(w, c, assoc, endpoint, &status);
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
    restart_check_told(w, c, host);
    conversation_keep(w, c, host);
    c->closed[host] = true;
    c->error[host] = error;
    w->host[host].by_id[c->assoc[host]] = 0;
    usctp_assoc_release(w->host[host].engine, c->assoc[host], w->now_us);
    usctp_endpoint_close(w->host[host].engine, c->endpoint[host], w->now_us);
    if (host == 0 && restart_wants_another(w, c, error)) {
        c->assoc[0] = c->error[0] = 0;
        c->state[0] = USCTP_CLOSED;
        c->closed[0] = c->opened = c->established = false;
    }
    conversation_note_over(w, c);
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
    restart_listen(w, c, host);
    if ((event->what & USCTP_EVENT_ESTABLISHED) != 0 && !c->established && c->opened &&
        !c->is_behind[host]) {
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

void conversation_note_over(struct world *w, struct conversation *c) {
    if (c->over || !conversation_is_over(c))
        return;
    c->over = true;
    w->over_count++;
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
    if (!c->opened && w->host[0].engine != NULL)
        open_one(w, c);
    for (unsigned h = 0; h < 2; h++) {
        if (!conversation_is_live(c, h))
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
    *out = c->counters[host];
    if (!conversation_is_live(c, host) ||
        usctp_assoc_status(w->host[host].engine, c->assoc[host], &status) != 0)
        return;
#define ADD(name, mib, kind, text)                                                                 \
    out->name += USCTP_##kind == USCTP_COUNTER ? status.counters.name : 0;
    USCTP_ASSOC_COUNTER_TABLE(ADD)
#undef ADD
}

void conversation_keep(const struct world *w, struct conversation *c, unsigned host) {
    struct usctp_assoc_counters sum;
    conversation_counters(w, c, host, &sum);
    c->counters[host] = sum;
}
