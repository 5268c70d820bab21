/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ICMP errors (RFC 9260 10; RFC 6951 5.5 for encapsulated packets): believed only when the packet
 * that they quote has our peer's tag. What the host itself refused to send comes the same way.
 */
#include "assoc/association.h"

#define MIN_QUOTED_BYTES  8u            /* ports and tag */
#define INIT_QUOTED_BYTES (12u + 4 + 4) /* common header, chunk header, Initiate Tag */

/* ICMP6. *is_init: the quoted packet is our INIT. */
static bool is_valid(const struct assoc *a, const struct usctp_icmp *icmp, bool *is_init) {
    uint32_t tag = get32(icmp->quoted + 4);
    *is_init = false;
    if (tag != 0)
        return tag == a->peer_tag;
    if (icmp->quoted_bytes < INIT_QUOTED_BYTES || icmp->quoted[12] != CHUNK_INIT)
        return false;
    *is_init = true;
    return get32(icmp->quoted + 16) == a->local_tag;
}

/* ICMP8. */
static void on_protocol_unreachable(struct assoc *a, bool is_init) {
    if (is_init && a->state != USCTP_COOKIE_WAIT)
        return;
    bool in_handshake = a->state == USCTP_COOKIE_WAIT || a->state == USCTP_COOKIE_ECHOED;
    a->pending = 0;
    association_end(a, in_handshake ? USCTP_ERR_REFUSED : USCTP_ERR_RESET, 0, NULL);
}

/* Our own host does not let the INIT out: another address may do. Without one there is nothing to
 * wait for. */
static void on_forbidden(struct path *p, bool is_init) {
    struct assoc *a = p->assoc;
    if (!is_init || a->state != USCTP_COOKIE_WAIT)
        return;
    p->is_forbidden = true;
    if (p->index != a->handshake_path)
        return;
    for (uint32_t i = 1; i < a->path_count; i++) {
        uint32_t next = (a->handshake_path + i) % a->path_count;
        if (!a->paths[next]->is_confirmed || a->paths[next]->is_forbidden)
            continue;
        a->handshake_path = (uint8_t)next;
        association_pend(a, PENDING_INIT);
        return;
    }
    a->pending = 0;
    association_end(a, USCTP_ERR_FORBIDDEN, 0, NULL);
}

void usctp_engine_icmp(struct usctp_engine *engine, const struct usctp_icmp *icmp,
                       uint64_t now_us) {
    bool is_init;
    engine->now_us = now_us;
    if (!icmp->quoted || icmp->quoted_bytes < MIN_QUOTED_BYTES)
        return;
    uint16_t local_port = get16(icmp->quoted), peer_port = get16(icmp->quoted + 2);
    struct path *p = association_path_by_address(engine, &icmp->destination, local_port, peer_port);
    if (!p || p->udp_port != icmp->udp_destination || !is_valid(p->assoc, icmp, &is_init))
        return; /* ICMP5, ICMP6 */
    switch (icmp->kind) {
    case USCTP_ICMP_UNREACHABLE:
        break; /* ICMP9: errors are counted by timers */
    case USCTP_ICMP_PORT_UNREACHABLE:
        /* ICMP3 for plain packets. Encapsulated, no port is no protocol (RFC 6951 5.5). */
        if (p->udp_port)
            on_protocol_unreachable(p->assoc, is_init);
        break;
    case USCTP_ICMP_PROTOCOL_UNREACHABLE:
        on_protocol_unreachable(p->assoc, is_init);
        break;
    case USCTP_ICMP_PACKET_TOO_BIG:
        path_mtu_on_too_big(p, icmp->mtu_bytes, now_us); /* ICMP7 */
        break;
    case USCTP_ICMP_FORBIDDEN:
        on_forbidden(p, is_init);
        break;
    }
    association_reap(engine);
}
