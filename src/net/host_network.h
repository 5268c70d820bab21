/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the host knows of its network: addresses, link MTUs and routes, kept up to date by rtnetlink
 * notifications.
 *
 * Addresses and links are read whole and held; a route is asked for when it is wanted and
 * remembered until something changes. Nothing here blocks: the kernel answers rtnetlink requests
 * before send() returns.
 */
#ifndef NET_HOST_NETWORK_H
#define NET_HOST_NETWORK_H

#include "usctp/engine.h"

struct host_network;

/* Opens and reads everything. `device` (NULL: all) and `mark` are those of the packet sockets.
 * Returns 0 or a negative errno. */
int host_network_new(struct host_network **out, const char *device, uint32_t mark);
void host_network_delete(struct host_network *network);
/* Readable when something has changed. */
int host_network_descriptor(const struct host_network *network);
/* Reads notifications. Returns whether addresses, MTUs or routes have changed. */
bool host_network_refresh(struct host_network *network);
const struct usctp_local_address *host_network_addresses(const struct host_network *network,
                                                         size_t *n);
/* See transport_route. */
int host_network_route(struct host_network *network, const struct usctp_addr *destination,
                       struct usctp_addr *source, uint32_t *mtu_bytes, uint32_t *interface_index);

#endif
