/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A host that loses its state without a word and comes back (RFC 9260 5.2): what becomes of the
 * users' associations.
 *
 * Host a opens each again from the same port, and b finds the peer of its old association restarted
 * (5.2.2, 5.2.4 A).  Host b listens again; what a sends to the association that b has forgotten is
 * out of the blue and aborted (8.4), and a opens another.  message.c knows which messages may be
 * lost by it, host.c makes the engines.
 */
#include "sim/world.h"

#include <inttypes.h>

void restart_lose(struct world *w, unsigned host) {
    for (uint32_t i = 0; i < w->conversation_count; i++) {
        struct conversation *c = &w->conversations[i];
        if (!conversation_is_live(c, host))
            continue;
        conversation_keep(w, c, host);
        c->assoc[host] = c->endpoint[host] = 0;
        c->state[host] = USCTP_CLOSED;
        /* Where b did not know a's yet, that is not lost with b. */
        c->is_behind[1 - host] =
            conversation_is_live(c, 1 - host) && (host == 0 || !c->is_behind[host]);
        c->is_behind[host] = false;
        c->from[1 - host].in_message = c->from[1 - host].is_unread = false;
        window_free(&c->window[host]);
        if (host == 0)
            c->opened = c->established = c->closing = false;
        conversation_note_over(w, c);
        world_touch(w, c);
    }
}

void restart_return(struct world *w, unsigned host) {
    for (uint32_t i = 0; host == 0 && i < w->conversation_count; i++) {
        struct conversation *c = &w->conversations[i];
        if (!c->opened && conversation_begin_us(w, c) <= w->now_us)
            timer_start(&c->timer, &w->timers, w->now_us);
    }
}

bool restart_is_current(const struct world *w, const struct conversation *c, uint32_t peer_tag) {
    struct usctp_assoc_status status;
    return conversation_is_live(c, 0) &&
           usctp_assoc_status(w->host[0].engine, c->assoc[0], &status) == 0 &&
           status.local_tag == peer_tag;
}

void restart_listen(struct world *w, struct conversation *c, unsigned host) {
    struct usctp_assoc_status status;
    if (!w->scenario->has_restarts || !conversation_is_live(c, host) ||
        usctp_assoc_status(w->host[host].engine, c->assoc[host], &status) != 0 ||
        status.counters.restarts == c->heard[host])
        return;
    if (host == 0 || w->host[0].restarts == 0) /* b opens nothing */
        world_violate(w, "association %" PRIu32 ", host %c: a restart of a peer that had none",
                      c->number, "ab"[host]);
    c->heard[host] = status.counters.restarts;
    c->is_behind[host] = !restart_is_current(w, c, status.peer_tag);
    if (!c->is_behind[host])
        c->accepted_life = c->from[0].life;
    window_free(&c->window[host]);
    direction_renew(w, &c->from[host]);
}

void restart_told(struct world *w, struct direction *d) {
    w->conversations[d->conversation].told[1 - d->from]++;
    direction_listen(d, d->reading + 1);
}

void restart_check_told(struct world *w, const struct conversation *c, unsigned host) {
    if (c->told[host] - c->told_before[host] != c->heard[host])
        world_violate(w,
                      "association %" PRIu32 ", host %c: %" PRIu64 " restarts of the peer, and the "
                      "user is told of %" PRIu64 " (RFC 6458 6.1.1)",
                      c->number, "ab"[host], c -> heard[host],
                      c -> told[host] - c -> told_before[host]);
}

bool restart_wants_another(const struct world *w, const struct conversation *c, int error) {
    const struct host *b = &w->host[1];
    return error != 0 && !c->closing && (b->engine == NULL || c->opened_us < b->back_us);
}
