/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whose addresses: what the peer lists in INIT and INIT ACK (RFC 9260 5.1.2, 5.4; RFC 5062 5),
 * which of it becomes paths, and which association a setup chunk from a stranger belongs to (5.1.2
 * D).
 *
 * Our own addresses are chosen in address_list.c; the handshake itself is in handshake.c.
 */
#include "assoc/association.h"

struct usctp_addr handshake_scoped(const struct usctp_addr *address,
                                   const struct usctp_addr *source) {
    struct usctp_addr scoped = *address;
    if (addr_scope(address) == ADDR_SCOPE_LINK_LOCAL)
        scoped.scope_id = source->scope_id;
    return scoped;
}

static bool is_own(const struct assoc *a, const struct usctp_addr *address) {
    for (uint32_t i = 0; i < a->local_count; i++)
        if (addr_equal(&a->local[i], address))
            return true;
    for (uint32_t i = 0; i < a->engine->host_count; i++)
        if (addr_equal(&a->engine->host[i].address, address))
            return true;
    return false;
}

bool handshake_is_usable(const struct assoc *a, const struct usctp_addr *address,
                         const struct usctp_addr *source) {
    if (!addr_is_unicast(address) || engine_is_broadcast(a->engine, address))
        return false;
    enum addr_scope scope = addr_scope(address), reached = addr_scope(source);
    if (scope == ADDR_SCOPE_LOOPBACK && reached != ADDR_SCOPE_LOOPBACK)
        return false;
    if (scope == ADDR_SCOPE_LINK_LOCAL && reached != ADDR_SCOPE_LINK_LOCAL)
        return false;
    /* Never to ourselves: an address of ours is a peer's only where he is on this host too. */
    bool is_here = reached == ADDR_SCOPE_LOOPBACK || is_own(a, source); /* all of 127/8 is */
    if (is_own(a, address) && (a->local_port == a->peer_port || !is_here))
        return false;
    bool has_source = a->local_count == 0;
    for (uint32_t i = 0; i < a->local_count; i++)
        has_source |= a->local[i].family == address->family;
    return has_source;
}

static bool is_listed(const struct init_chunk *init, const struct usctp_addr *source,
                      const struct usctp_addr *address) {
    if (addr_equal(address, source))
        return true;
    for (uint32_t i = 0; i < init->address_count; i++) {
        const struct usctp_addr listed = handshake_scoped(&init->addresses[i], source);
        if (addr_equal(&listed, address))
            return true;
    }
    return false;
}

/* 5.1.2 D: an INIT belongs to the association that has any of the addresses it lists. */
struct path *handshake_find_listed(const struct inbound *in, const struct init_chunk *init) {
    struct path *p = NULL;
    for (uint32_t i = 0; !p && i < init->address_count; i++) {
        const struct usctp_addr address =
            handshake_scoped(&init->addresses[i], &in->packet->source);
        p = association_path_by_address(in->engine, &address, in->header.destination_port,
                                        in->header.source_port);
    }
    return p;
}

bool handshake_is_ours(const struct inbound *in) {
    struct init_chunk init;
    return in->summary.first_type == CHUNK_INIT_ACK &&
           in->summary.first.value_bytes >= INIT_FIXED_BYTES &&
           init_chunk_parse(&in->summary.first, &init) == INIT_OK &&
           handshake_find_listed(in, &init);
}

/* Is any of the confirmed addresses among those of an INIT ACK? */
bool handshake_has_confirmed(const struct assoc *a, const struct init_chunk *init,
                             const struct usctp_addr *source) {
    for (uint32_t i = 0; i < a->path_count; i++)
        if (a->paths[i]->is_confirmed && is_listed(init, source, &a->paths[i]->address))
            return true;
    return false;
}

/* 5.1.2: the peer's addresses are those that it lists and the one that the packet came from. */
int handshake_load_paths(struct assoc *a, const struct init_chunk *init,
                         const struct usctp_addr *source, uint16_t udp_port) {
    for (uint32_t i = a->path_count; i-- > 0;)
        if (!is_listed(init, source, &a->paths[i]->address) &&
            outstanding_is_empty(&a->outstanding)) {
            if (a->path_count == 1 && !path_add(a, source, false, udp_port))
                return USCTP_ERR_NO_MEMORY;
            path_remove(a, i);
        }
    if (!path_find(a, source) && !path_add(a, source, false, udp_port))
        return USCTP_ERR_NO_MEMORY;
    for (uint32_t i = 0; i < init->address_count; i++) {
        const struct usctp_addr address = handshake_scoped(&init->addresses[i], source);
        if (!handshake_is_usable(a, &address, source) || path_find(a, &address))
            continue;
        /* Further ones are ignored (12.2.4.1). One that is left out for want of memory would be a
         * stranger later: the handshake is tried again instead. */
        if (a->path_count >= a->config->max_peer_addresses)
            a->engine->counters.addresses_ignored++;
        else if (!path_add(a, &address, false, udp_port))
            return USCTP_ERR_NO_MEMORY;
    }
    return 0;
}
