/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which local addresses an endpoint has towards a peer: the bound ones, or the host's by scope (RFC
 * 9260 5.1.2; RFC 5061 is not here), and which one is the best source for a destination when the
 * host's routing table has not said.
 */
#ifndef ASSOC_ADDRESS_LIST_H
#define ASSOC_ADDRESS_LIST_H

#include "core/addr.h"

struct address_list {
    struct usctp_addr items[USCTP_MAX_ADDRESSES];
    uint32_t count;
};

struct address_choice {
    const struct usctp_addr *bound; /* explicit addresses, or none: wildcard */
    uint32_t bound_count;
    bool ipv4, ipv6;
    const struct usctp_local_address *host;
    uint32_t host_count;
};

/* The addresses to list to a peer that is reached at `destination`: of a wildcard endpoint no
   loopback or link-local ones to a peer of wider scope, and no private ones to a global peer unless
   nothing else is left. */
void address_list_select(struct address_list *out, const struct address_choice *choice,
                         const struct usctp_addr *destination);
bool address_list_has(const struct address_list *list, const struct usctp_addr *address);
/* The listed address of the destination's family that shares its link (prefix) or else its scope
 * and most leading bits; family NONE when there is none. */
struct usctp_addr address_list_source(const struct address_list *list,
                                      const struct address_choice *choice,
                                      const struct usctp_addr *destination);

#endif
