/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rtnetlink messages to structs, and requests to bytes. Stateless: the sockets are in
 * host_network.c.
 *
 * The messages come from the kernel, but are read as if they did not: every length is checked
 * against what is left before it is believed, every step goes forward.
 */
#ifndef NET_NETLINK_H
#define NET_NETLINK_H

#include "usctp/engine.h"

#include <linux/netlink.h>

/* One message, borrowed; the payload follows the header. */
struct netlink_message {
    struct nlmsghdr header;
    const uint8_t *payload;
    size_t payload_bytes;
};

struct netlink_attribute {
    uint16_t type; /* without the nested and byte order flags */
    const uint8_t *value;
    size_t bytes;
};

struct netlink_cursor {
    const uint8_t *at, *end;
};

/* Takes the next message; false at the end and at the first one with a length that cannot be. */
bool netlink_next(struct netlink_cursor *cursor, struct netlink_message *message);
/* Takes the next attribute likewise. */
bool netlink_next_attribute(struct netlink_cursor *cursor, struct netlink_attribute *attribute);

struct netlink_link {
    uint32_t index, mtu_bytes; /* 0: not told */
    uint32_t ipv6_mtu_bytes;   /* 0: as mtu_bytes */
};

struct netlink_route {
    struct usctp_addr preferred_source;  /* family NONE: not told */
    struct usctp_addr gateway;           /* family NONE: the destination is on the link */
    uint32_t interface_index, mtu_bytes; /* 0: not told, or only learned from ICMP */
    uint32_t hop_limit;                  /* 0: not told */
    bool is_encapsulated;                /* something is put around the packets (RTA_ENCAP) */
};

#define NETLINK_MAC_BYTES  6u
#define NETLINK_KIND_BYTES 16u

/* What it takes to send frames by a link. */
struct netlink_device {
    uint32_t index, mtu_bytes;
    uint16_t hardware; /* ARPHRD_... of <net/if_arp.h> */
    bool is_up, is_loopback, has_mac;
    uint8_t mac[NETLINK_MAC_BYTES];
    uint8_t ipv6_hop_limit;        /* 0: not told */
    char name[NETLINK_KIND_BYTES]; /* "" : not told */
    char kind[NETLINK_KIND_BYTES]; /* "" : hardware, or not told */
};

struct netlink_neighbour {
    uint16_t state; /* NUD_... of <linux/neighbour.h> */
    bool has_mac;
    uint8_t mac[NETLINK_MAC_BYTES];
};

/* Reads RTM_NEWADDR. False when it is malformed, or no address that can be used (tentative,
 * duplicate, deprecated). The MTU is left 0. */
bool netlink_parse_address(const struct netlink_message *message, struct usctp_local_address *out);
/* Reads RTM_NEWLINK. */
bool netlink_parse_link(const struct netlink_message *message, struct netlink_link *out);
/* Reads the RTM_NEWROUTE that answers a question. Returns 0, -ENETUNREACH (the route says no) or
 * -EBADMSG. */
int netlink_parse_route(const struct netlink_message *message, struct netlink_route *out);
/* Reads RTM_NEWLINK for who wants to send frames. */
bool netlink_parse_device(const struct netlink_message *message, struct netlink_device *out);
/* Reads RTM_NEWNEIGH. */
bool netlink_parse_neighbour(const struct netlink_message *message, struct netlink_neighbour *out);
/* Reads NLMSG_ERROR: 0 or a negative errno. */
int netlink_parse_error(const struct netlink_message *message);
/* Whether a notification is about something that changes addresses, links or routes; not the route
 * cache. */
bool netlink_is_change(const struct netlink_message *message);

struct netlink_question {
    const struct usctp_addr *destination;
    const struct usctp_addr *source; /* NULL or family NONE: any */
    uint32_t interface_index;        /* 0: any */
    uint32_t mark;
};

#define NETLINK_REQUEST_BYTES 128u
/* Writes a dump request for RTM_GETADDR or RTM_GETLINK. Returns its size. */
size_t netlink_write_dump(uint8_t out[NETLINK_REQUEST_BYTES], uint16_t type, uint32_t sequence);
/* Writes RTM_GETROUTE. Returns its size, 0 for addresses that have no routes. */
size_t netlink_write_route(uint8_t out[NETLINK_REQUEST_BYTES],
                           const struct netlink_question *question, uint32_t sequence);
/* Writes RTM_GETLINK for one link. */
size_t netlink_write_device(uint8_t out[NETLINK_REQUEST_BYTES], uint32_t interface_index,
                            uint32_t sequence);
/* Writes RTM_GETNEIGH for one neighbour. Returns its size, 0 for addresses that have none. */
size_t netlink_write_neighbour(uint8_t out[NETLINK_REQUEST_BYTES], const struct usctp_addr *address,
                               uint32_t interface_index, uint32_t sequence);

#endif
