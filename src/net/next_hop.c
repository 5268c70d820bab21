/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Questions for routes, devices and neighbours (see next_hop.h; rtnetlink(7), RFC 4861 7.3.2 for
 * the neighbour's states, which ARP has in Linux too).
 */
#include "net/next_hop.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <string.h>

int next_hop_route(struct netlink_socket *s, const struct netlink_question *question,
                   struct next_hop *out) {
    uint8_t request[NETLINK_REQUEST_BYTES];
    struct netlink_message message;
    struct netlink_route route;
    size_t bytes = netlink_write_route(request, question, ++s->sequence);
    int error = netlink_socket_question(s, request, bytes, &message);
    if (!error)
        error = netlink_parse_route(&message, &route);
    if (error)
        return error;
    bool is_chosen = question->source && question->source->family != USCTP_FAMILY_NONE;
    *out = (struct next_hop){
        .source = is_chosen ? *question->source : route.preferred_source,
        .neighbour = route.gateway.family ? route.gateway : *question->destination,
        .interface_index = route.interface_index,
        .mtu_bytes = route.mtu_bytes,
        .hop_limit = route.hop_limit,
        .is_encapsulated = route.is_encapsulated,
    };
    return 0;
}

int next_hop_device(struct netlink_socket *s, uint32_t interface_index,
                    struct netlink_device *out) {
    uint8_t request[NETLINK_REQUEST_BYTES];
    struct netlink_message message;
    size_t bytes = netlink_write_device(request, interface_index, ++s->sequence);
    int error = netlink_socket_question(s, request, bytes, &message);
    if (error)
        return error;
    return netlink_parse_device(&message, out) ? 0 : -EBADMSG;
}

bool next_hop_neighbour(struct netlink_socket *s, const struct next_hop *hop,
                        uint8_t mac[NETLINK_MAC_BYTES]) {
    const uint16_t good = NUD_REACHABLE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT;
    uint8_t request[NETLINK_REQUEST_BYTES];
    struct netlink_message message;
    struct netlink_neighbour neighbour;
    size_t bytes =
        netlink_write_neighbour(request, &hop->neighbour, hop->interface_index, ++s->sequence);
    if (netlink_socket_question(s, request, bytes, &message) ||
        !netlink_parse_neighbour(&message, &neighbour))
        return false;
    memcpy(mac, neighbour.mac, NETLINK_MAC_BYTES);
    return neighbour.has_mac && (neighbour.state & good) != 0;
}
