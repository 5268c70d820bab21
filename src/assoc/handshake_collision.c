/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Setup chunks that meet an existing association (RFC 9260 5.2): both sides start at once, the peer
 * has restarted, late or duplicated chunks.
 *
 * Decision and action are apart: cookie_action is table 12.
 */
#include "assoc/association.h"
#include "chunk/cause.h"
#include "chunk/control_chunk.h"

enum cookie_action {
    ACTION_RESTART,
    ACTION_COLLISION,
    ACTION_LATE,
    ACTION_DUPLICATE,
    ACTION_DISCARD
};

/* Table 12: M matches, X does not, 0 unknown or absent. */
static enum cookie_action cookie_action(const struct assoc *a, const struct cookie_content *cookie,
                                        uint32_t peer_tag) {
    bool local_m = cookie->local_tag == a->local_tag;
    bool peer_m = a->peer_tag != 0 && peer_tag == a->peer_tag;
    bool has_ties = cookie->local_tie_tag != 0 || cookie->peer_tie_tag != 0;
    bool ties_m = has_ties && cookie->local_tie_tag == a->local_tie_tag &&
                  cookie->peer_tie_tag == a->peer_tie_tag;
    if (local_m && peer_m)
        return ACTION_DUPLICATE; /* D */
    if (local_m)
        return ACTION_COLLISION; /* B: peer's tag X or 0 */
    if (peer_m && !has_ties)
        return ACTION_LATE; /* C */
    if (!peer_m && ties_m)
        return ACTION_RESTART; /* A */
    return ACTION_DISCARD;
}

/* 5.2.2, RFC 5062 3: nonces, not the tags themselves. */
static void populate_tie_tags(struct assoc *a) {
    struct env *env = &a->engine->env;
    while (a->local_tie_tag == 0)
        a->local_tie_tag = env_random32(env);
    while (a->peer_tie_tag == 0)
        a->peer_tie_tag = env_random32(env);
}

/* Does the association lack an address that the peer lists and that it would have taken? */
static bool is_new_address(const struct assoc *a, const struct usctp_addr *listed,
                           const struct usctp_addr *source) {
    const struct usctp_addr address = handshake_scoped(listed, source);
    return !path_find(a, &address) && handshake_is_usable(a, &address, source);
}

/* 5.2.1, 5.2.2: refuses an INIT that brings addresses which the association does not have, and
 * names them. */
static bool refuse_new_addresses(struct inbound *in, const struct init_chunk *init) {
    const struct usctp_addr *source = &in->packet->source;
    uint8_t addresses[512], cause[600];
    struct writer list = writer_over(addresses, sizeof addresses),
                  w = writer_over(cause, sizeof cause);
    bool is_from_new = !path_find(in->assoc, source), is_source_listed = false;
    for (uint32_t i = 0; i < init->address_count; i++) {
        const struct usctp_addr *listed = &init->addresses[i];
        if (!is_new_address(in->assoc, listed, source))
            continue;
        is_source_listed |= addr_equal(listed, source);
        if (writer_room(&list) >= 20)
            param_address_write(&list, listed);
    }
    if (is_from_new && !is_source_listed && writer_room(&list) >= 20)
        param_address_write(&list, source);
    if (writer_used(&list) == 0 && !is_from_new)
        return false;
    cause_write(&w, CAUSE_RESTART_NEW_ADDRESSES, addresses, writer_used(&list));
    handshake_refuse(in, init->tag, cause, writer_used(&w));
    return true;
}

/* 5.2.1: in COOKIE-WAIT an INIT ACK goes to where the INIT came from, or else to an address that
 * the user gave and the INIT lists. */
static void reply_in_cookie_wait(struct inbound *in, const struct init_chunk *init,
                                 struct cookie_content *cookie) {
    struct assoc *a = in->assoc;
    const struct usctp_packet *packet = in->packet;
    struct usctp_packet moved = *packet;
    const struct path *p = path_find(a, &packet->source);
    for (uint32_t i = 0; !p && i < init->address_count; i++) {
        const struct usctp_addr address = handshake_scoped(&init->addresses[i], &packet->source);
        p = path_find(a, &address);
    }
    if (!p)
        return;
    if (!addr_equal(&p->address, &packet->source)) {
        moved.source = p->address;
        moved.udp_source = p->udp_port;
        in->packet = &moved;
    }
    handshake_reply_init_ack(in, init, cookie, a->endpoint, a->config);
    in->packet = packet;
}

void handshake_collision_on_init(struct inbound *in, const struct init_chunk *init) {
    struct assoc *a = in->assoc;
    struct cookie_content cookie = {0};
    switch (a->state) {
    case USCTP_CLOSED:
        return;
    case USCTP_SHUTDOWN_ACK_SENT: /* 9.2 */
        association_pend(a, PENDING_SHUTDOWN_ACK);
        return;
    case USCTP_COOKIE_WAIT: /* 5.2.1: the parameters of our own INIT */
        cookie.local_tag = a->local_tag;
        cookie.local_initial_tsn = a->local_initial_tsn;
        reply_in_cookie_wait(in, init, &cookie); /* no Tie-Tags */
        return;
    case USCTP_COOKIE_ECHOED:
        if (refuse_new_addresses(in, init))
            return;
        populate_tie_tags(a);
        cookie.local_tag = a->local_tag;
        cookie.local_initial_tsn = a->local_initial_tsn;
        break;
    case USCTP_ESTABLISHED:
    case USCTP_SHUTDOWN_PENDING:
    case USCTP_SHUTDOWN_SENT:
    case USCTP_SHUTDOWN_RECEIVED: /* 5.2.2 */
        if (refuse_new_addresses(in, init))
            return;
        populate_tie_tags(a);
        break; /* with a new tag and TSN */
    }
    cookie.local_tie_tag = a->local_tie_tag;
    cookie.peer_tie_tag = a->peer_tie_tag;
    handshake_reply_init_ack(in, init, &cookie, a->endpoint, a->config);
}

static void acknowledge_cookie(struct inbound *in) {
    struct assoc *a = in->assoc;
    if (in->path && in->path->is_confirmed)
        a->handshake_path = in->path->index;
    else
        a->handshake_path = (uint8_t)path_manager_control_path(a, a->data_path)->index;
    handshake_acknowledge_cookie(in);
}

/* Action A. */
static enum chunk_verdict restart(struct inbound *in, const struct cookie_content *cookie,
                                  const struct init_chunk *init) {
    struct assoc *a = in->assoc;
    if (a->state == USCTP_SHUTDOWN_ACK_SENT) {
        uint8_t cause[4];
        struct writer w = writer_over(cause, sizeof cause);
        cause_write(&w, CAUSE_COOKIE_IN_SHUTDOWN, NULL, 0);
        association_pend(a, PENDING_SHUTDOWN_ACK);
        if (in->path)
            error_chunk_report(in, cause, writer_used(&w));
        return CHUNK_DROP_PACKET;
    }
    if (!path_find(a, &cookie->source))
        return CHUNK_DROP_PACKET;
    for (uint32_t i = 0; i < init->address_count; i++)
        if (is_new_address(a, &init->addresses[i], &cookie->source))
            return CHUNK_DROP_PACKET; /* 5.2.2 */
    if (!association_restart(a, cookie, init, in->now_us))
        return CHUNK_DROP_PACKET;
    in->path = path_find(a, &in->packet->source);
    acknowledge_cookie(in);
    return CHUNK_DONE;
}

/* Action B. */
static enum chunk_verdict collide(struct inbound *in, const struct cookie_content *cookie,
                                  const struct init_chunk *init) {
    struct assoc *a = in->assoc;
    bool is_new = a->state == USCTP_COOKIE_WAIT || a->state == USCTP_COOKIE_ECHOED;
    a->counters.collisions++;
    if (is_new) {
        if (handshake_load_peer(a, init, &cookie->source, in->now_us))
            return CHUNK_DROP_PACKET;
        path_confirm(path_find(a, &cookie->source)); /* 5.4 rule 2 */
        in->engine->counters.active_establishments++;
        association_establish(a, in->now_us);
    } else {
        a->peer_tag = init->tag;
    }
    timer_stop(&a->t1, &a->engine->timers);
    in->path = path_find(a, &in->packet->source);
    acknowledge_cookie(in);
    return CHUNK_DONE;
}

/* Action D. */
static enum chunk_verdict duplicate(struct inbound *in) {
    struct assoc *a = in->assoc;
    if (a->state == USCTP_COOKIE_ECHOED) {
        a->counters.collisions++;
        in->engine->counters.active_establishments++;
        association_establish(a, in->now_us);
    }
    acknowledge_cookie(in);
    return CHUNK_DONE;
}

enum chunk_verdict handshake_collision_on_cookie(struct inbound *in,
                                                 const struct cookie_content *cookie,
                                                 const struct init_chunk *init, bool is_stale) {
    enum cookie_action action = cookie_action(in->assoc, cookie, init->tag);
    if (is_stale && action != ACTION_DUPLICATE) { /* 5.2.4 step 3 */
        handshake_send_stale_cookie(in, init->tag,
                                    in->now_us - cookie->created_us - cookie->life_us);
        return CHUNK_DROP_PACKET;
    }
    switch (action) {
    case ACTION_RESTART:
        return restart(in, cookie, init);
    case ACTION_COLLISION:
        return collide(in, cookie, init);
    case ACTION_DUPLICATE:
        return duplicate(in);
    case ACTION_LATE:
    case ACTION_DISCARD:
        break;
    }
    input_drop(in, USCTP_DROP_COOKIE);
    return CHUNK_DROP_PACKET;
}
