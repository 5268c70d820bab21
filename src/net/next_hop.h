/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the kernel's tables say of the way to a destination, for who puts frames on the link
 * himself: route, device, and the neighbour's Ethernet address. Each call asks rtnetlink; who
 * remembers the answers is xdp_sender.c.
 */
#ifndef NET_NEXT_HOP_H
#define NET_NEXT_HOP_H

#include "net/netlink_socket.h"

struct next_hop {
    struct usctp_addr source;    /* the one asked for, or the host's choice */
    struct usctp_addr neighbour; /* who gets the frames: a gateway, or the destination */
    uint32_t interface_index;
    uint32_t mtu_bytes, hop_limit; /* the route's own, 0 = the device's */
    bool is_encapsulated;          /* the kernel would put something around the packets */
};

/* Returns 0 or a negative errno. */
int next_hop_route(struct netlink_socket *s, const struct netlink_question *question,
                   struct next_hop *out);
int next_hop_device(struct netlink_socket *s, uint32_t interface_index, struct netlink_device *out);
/*
 * The neighbour's address. False when there is none to be used now: unknown, unreachable, or stale,
 * so that the kernel has to be given a packet, to make sure of it.
 */
bool next_hop_neighbour(struct netlink_socket *s, const struct next_hop *hop,
                        uint8_t mac[NETLINK_MAC_BYTES]);

#endif
