/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Local addresses for a peer, by scope (RFC 9260 5.1.2: what is listed must be of use to the peer).
 *
 * Kinds and scopes of single addresses are in src/core/addr.c; what the peer lists is judged in
 * handshake.c.
 */
#include "assoc/address_list.h"

#include <string.h>

bool address_list_has(const struct address_list *list, const struct usctp_addr *address) {
    for (uint32_t i = 0; i < list->count; i++) {
        if (addr_equal(&list->items[i], address))
            return true;
    }
    return false;
}

static void add(struct address_list *list, const struct usctp_addr *address) {
    if (list->count < USCTP_MAX_ADDRESSES && !address_list_has(list, address))
        list->items[list->count++] = *address;
}

/* ---- which to list ------------------------------------------------------------------------ */

/* May this address of the host be listed at all: of a family that is asked for, on the peer's kind
 * of network, and of a scope that reaches him? */
static bool reaches(const struct usctp_addr *address, const struct address_choice *choice,
                    const struct usctp_addr *destination) {
    bool is_handle = address->family == USCTP_FAMILY_HANDLE;
    if (!addr_is_unicast(address) || is_handle != (destination->family == USCTP_FAMILY_HANDLE))
        return false;
    if ((address->family == USCTP_FAMILY_IPV4 && !choice->ipv4) ||
        (address->family == USCTP_FAMILY_IPV6 && !choice->ipv6))
        return false;
    enum addr_scope scope = addr_scope(address);
    /* An IPv6 link-local address says nothing without its link, which the wire does not carry. */
    if (scope == ADDR_SCOPE_LINK_LOCAL && address->family == USCTP_FAMILY_IPV6 &&
        (destination->family != USCTP_FAMILY_IPV6 ||
         addr_scope(destination) != ADDR_SCOPE_LINK_LOCAL ||
         address->scope_id != destination->scope_id))
        return false;
    return scope >= addr_scope(destination) || scope == ADDR_SCOPE_PRIVATE;
}

/* Private addresses mean nothing to a global peer, unless a translator stands between. */
static bool is_last_resort(const struct usctp_addr *address, const struct usctp_addr *destination) {
    return addr_scope(address) < addr_scope(destination);
}

/* Adds the host's addresses that reach the destination, of its family or of the others. */
static void add_host(struct address_list *out, const struct address_choice *choice,
                     const struct usctp_addr *destination, bool own_family, bool last_resort) {
    for (uint32_t i = 0; i < choice->host_count; i++) {
        const struct usctp_addr *address = &choice->host[i].address;
        if ((address->family == destination->family) == own_family &&
            reaches(address, choice, destination) &&
            is_last_resort(address, destination) == last_resort)
            add(out, address);
    }
}

void address_list_select(struct address_list *out, const struct address_choice *choice,
                         const struct usctp_addr *destination) {
    memset(out, 0, sizeof *out);
    if (choice->bound_count > 0) { /* the user has said which */
        bool to_handle = destination->family == USCTP_FAMILY_HANDLE;
        for (uint32_t i = 0; i < choice->bound_count; i++) {
            if ((choice->bound[i].family == USCTP_FAMILY_HANDLE) == to_handle)
                add(out, &choice->bound[i]);
        }
        return;
    }
    add_host(out, choice, destination, true, false);
    if (out->count == 0)
        add_host(out, choice, destination, true, true);
    add_host(out, choice, destination, false, false);
    if (out->count == 0)
        add_host(out, choice, destination, false, true);
}

/* ---- which to send from ------------------------------------------------------------------- */

/* Is the destination on the link of this local address, by the prefix of any of its entries? */
static bool shares_link(const struct usctp_addr *address, const struct address_choice *choice,
                        const struct usctp_addr *destination) {
    for (uint32_t i = 0; i < choice->host_count; i++) {
        const struct usctp_local_address *local = &choice->host[i];
        if (addr_equal(&local->address, address) &&
            addr_common_bits(address, destination) >= local->prefix_bits)
            return true;
    }
    return false;
}

/* The higher the better: link, scope, leading bits. */
static uint32_t suitability(const struct usctp_addr *address, const struct address_choice *choice,
                            const struct usctp_addr *destination) {
    enum addr_scope scope = addr_scope(address), wanted = addr_scope(destination);
    uint32_t rank = 0;
    if (scope == ADDR_SCOPE_LINK_LOCAL && address->family == USCTP_FAMILY_IPV6 &&
        (scope != wanted || address->scope_id != destination->scope_id)) {
        rank = 0; /* of another link */
    } else if (shares_link(address, choice, destination)) {
        rank = 3;
    } else if (scope == wanted) {
        rank = 2;
    } else if (scope > ADDR_SCOPE_LINK_LOCAL) {
        rank = 1;
    }
    return rank * 256u + addr_common_bits(address, destination);
}

struct usctp_addr address_list_source(const struct address_list *list,
                                      const struct address_choice *choice,
                                      const struct usctp_addr *destination) {
    struct usctp_addr best = {.family = USCTP_FAMILY_NONE};
    uint32_t best_suitability = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        const struct usctp_addr *address = &list->items[i];
        if (address->family != destination->family)
            continue;
        uint32_t suits = suitability(address, choice, destination);
        if (best.family == USCTP_FAMILY_NONE || suits > best_suitability) {
            best = *address;
            best_suitability = suits;
        }
    }
    return best;
}
