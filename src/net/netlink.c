/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reading and writing of rtnetlink messages. Numbers are in host order and every header is copied
 * out before it is looked at, so that nothing depends on alignment.
 */
#include "net/netlink.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/ipv6.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

#define IPV4_BYTES     4u
#define IPV6_BYTES     16u
#define HEADER_BYTES   16u /* struct nlmsghdr */
#define TYPE_FLAG_MASK 0x3fffu

static size_t padded(size_t bytes) {
    return (bytes + 3u) & ~(size_t)3u;
}

static void step(struct netlink_cursor *cursor, size_t bytes) {
    size_t left = (size_t)(cursor->end - cursor->at);
    bytes = padded(bytes);
    cursor->at += bytes < left ? bytes : left;
}

bool netlink_next(struct netlink_cursor *cursor, struct netlink_message *message) {
    size_t left = (size_t)(cursor->end - cursor->at);
    if (left < HEADER_BYTES)
        return false;
    memcpy(&message->header, cursor->at, HEADER_BYTES);
    size_t bytes = message->header.nlmsg_len;
    if (bytes < HEADER_BYTES || bytes > left)
        return false;
    message->payload = cursor->at + HEADER_BYTES;
    message->payload_bytes = bytes - HEADER_BYTES;
    step(cursor, bytes);
    return true;
}

bool netlink_next_attribute(struct netlink_cursor *cursor, struct netlink_attribute *attribute) {
    struct rtattr header;
    size_t left = (size_t)(cursor->end - cursor->at);
    if (left < sizeof header)
        return false;
    memcpy(&header, cursor->at, sizeof header);
    if (header.rta_len < sizeof header || header.rta_len > left)
        return false;
    attribute->type = header.rta_type & TYPE_FLAG_MASK;
    attribute->value = cursor->at + sizeof header;
    attribute->bytes = header.rta_len - sizeof header;
    step(cursor, header.rta_len);
    return true;
}

/* Copies the fixed part of a message; *attributes is what follows. */
static bool take_fixed(const struct netlink_message *message, void *out, size_t bytes,
                       struct netlink_cursor *attributes) {
    if (message->payload_bytes < bytes)
        return false;
    memcpy(out, message->payload, bytes);
    attributes->at = message->payload;
    attributes->end = message->payload + message->payload_bytes;
    step(attributes, bytes);
    return true;
}

static bool take_u32(const struct netlink_attribute *attribute, uint32_t *out) {
    if (attribute->bytes < sizeof *out)
        return false;
    memcpy(out, attribute->value, sizeof *out);
    return true;
}

static bool take_address(const struct netlink_attribute *attribute, int family,
                         struct usctp_addr *out) {
    if (family == AF_INET && attribute->bytes == IPV4_BYTES) {
        memset(out, 0, sizeof *out);
        out->family = USCTP_FAMILY_IPV4;
        memcpy(out->ipv4, attribute->value, IPV4_BYTES);
        return true;
    }
    if (family == AF_INET6 && attribute->bytes == IPV6_BYTES) {
        memset(out, 0, sizeof *out);
        out->family = USCTP_FAMILY_IPV6;
        memcpy(out->ipv6, attribute->value, IPV6_BYTES);
        return true;
    }
    return false;
}

/* fe80::/10: only with its interface is it an address. */
static void set_scope(struct usctp_addr *address, uint32_t interface_index) {
    if (address->family == USCTP_FAMILY_IPV6 && address->ipv6[0] == 0xfe &&
        (address->ipv6[1] & 0xc0) == 0x80)
        address->scope_id = interface_index;
}

bool netlink_parse_address(const struct netlink_message *message, struct usctp_local_address *out) {
    struct ifaddrmsg fixed;
    struct netlink_cursor attributes;
    struct netlink_attribute attribute;
    struct usctp_addr local = {0}, address = {0};
    if (message->header.nlmsg_type != RTM_NEWADDR ||
        !take_fixed(message, &fixed, sizeof fixed, &attributes))
        return false;
    uint32_t flags = fixed.ifa_flags;
    while (netlink_next_attribute(&attributes, &attribute)) {
        if (attribute.type == IFA_LOCAL)
            take_address(&attribute, fixed.ifa_family, &local);
        else if (attribute.type == IFA_ADDRESS)
            take_address(&attribute, fixed.ifa_family, &address);
        else if (attribute.type == IFA_FLAGS)
            take_u32(&attribute, &flags);
    }
    /* On a point-to-point interface IFA_ADDRESS is the other end's. */
    if (local.family == USCTP_FAMILY_NONE)
        local = address;
    if (local.family == USCTP_FAMILY_NONE)
        return false;
    if ((flags & (IFA_F_DADFAILED | IFA_F_DEPRECATED)) ||
        ((flags & IFA_F_TENTATIVE) && !(flags & IFA_F_OPTIMISTIC)))
        return false;
    if (fixed.ifa_prefixlen > (fixed.ifa_family == AF_INET ? 32 : 128))
        return false;
    memset(out, 0, sizeof *out);
    set_scope(&local, fixed.ifa_index);
    out->address = local;
    out->interface_index = fixed.ifa_index;
    out->prefix_bits = fixed.ifa_prefixlen;
    return true;
}

/* IFLA_AF_SPEC holds one attribute a family; AF_INET6's holds the array of the interface's IPv6
 * settings. Returns one of these, 0 when it is not told or not positive. */
static uint32_t ipv6_setting(const struct netlink_attribute *specific, size_t number) {
    struct netlink_cursor families = {specific->value, specific->value + specific->bytes};
    struct netlink_attribute family, setting;
    uint32_t found = 0;
    while (netlink_next_attribute(&families, &family)) {
        if (family.type != AF_INET6)
            continue;
        struct netlink_cursor settings = {family.value, family.value + family.bytes};
        while (netlink_next_attribute(&settings, &setting)) {
            int32_t value;
            if (setting.type != IFLA_INET6_CONF || setting.bytes < (number + 1) * sizeof value)
                continue;
            memcpy(&value, setting.value + number * sizeof value, sizeof value);
            found = value > 0 ? (uint32_t)value : 0;
        }
    }
    return found;
}

static bool take_interface(const struct netlink_message *message, struct ifinfomsg *fixed,
                           struct netlink_cursor *attributes) {
    return message->header.nlmsg_type == RTM_NEWLINK &&
           take_fixed(message, fixed, sizeof *fixed, attributes) && fixed->ifi_index > 0;
}

bool netlink_parse_link(const struct netlink_message *message, struct netlink_link *out) {
    struct ifinfomsg fixed;
    struct netlink_cursor attributes;
    struct netlink_attribute attribute;
    if (!take_interface(message, &fixed, &attributes))
        return false;
    *out = (struct netlink_link){.index = (uint32_t)fixed.ifi_index};
    while (netlink_next_attribute(&attributes, &attribute)) {
        if (attribute.type == IFLA_MTU)
            take_u32(&attribute, &out->mtu_bytes);
        else if (attribute.type == IFLA_AF_SPEC)
            out->ipv6_mtu_bytes = ipv6_setting(&attribute, DEVCONF_MTU6);
    }
    return true;
}

static bool take_mac(const struct netlink_attribute *attribute, uint8_t mac[NETLINK_MAC_BYTES]) {
    if (attribute->bytes != NETLINK_MAC_BYTES)
        return false;
    memcpy(mac, attribute->value, NETLINK_MAC_BYTES);
    return true;
}

/* A string that may lack its end. */
static void take_text(const struct netlink_attribute *attribute, char out[NETLINK_KIND_BYTES]) {
    size_t bytes =
        attribute->bytes < NETLINK_KIND_BYTES ? attribute->bytes : NETLINK_KIND_BYTES - 1;
    memset(out, 0, NETLINK_KIND_BYTES);
    memcpy(out, attribute->value, bytes);
}

/* IFLA_LINKINFO holds the kind of what is no hardware. */
static void take_kind(const struct netlink_attribute *information, struct netlink_device *out) {
    struct netlink_cursor cursor = {information->value, information->value + information->bytes};
    struct netlink_attribute part;
    while (netlink_next_attribute(&cursor, &part))
        if (part.type == IFLA_INFO_KIND)
            take_text(&part, out->kind);
}

bool netlink_parse_device(const struct netlink_message *message, struct netlink_device *out) {
    struct ifinfomsg fixed;
    struct netlink_cursor attributes;
    struct netlink_attribute attribute;
    if (!take_interface(message, &fixed, &attributes))
        return false;
    *out = (struct netlink_device){.index = (uint32_t)fixed.ifi_index,
                                   .hardware = fixed.ifi_type,
                                   .is_up = (fixed.ifi_flags & IFF_UP) != 0,
                                   .is_loopback = (fixed.ifi_flags & IFF_LOOPBACK) != 0};
    while (netlink_next_attribute(&attributes, &attribute)) {
        if (attribute.type == IFLA_MTU)
            take_u32(&attribute, &out->mtu_bytes);
        else if (attribute.type == IFLA_ADDRESS)
            out->has_mac = take_mac(&attribute, out->mac);
        else if (attribute.type == IFLA_IFNAME)
            take_text(&attribute, out->name);
        else if (attribute.type == IFLA_LINKINFO)
            take_kind(&attribute, out);
        else if (attribute.type == IFLA_AF_SPEC)
            out->ipv6_hop_limit = (uint8_t)ipv6_setting(&attribute, DEVCONF_HOPLIMIT);
    }
    return true;
}

bool netlink_parse_neighbour(const struct netlink_message *message, struct netlink_neighbour *out) {
    struct ndmsg fixed;
    struct netlink_cursor attributes;
    struct netlink_attribute attribute;
    if (message->header.nlmsg_type != RTM_NEWNEIGH ||
        !take_fixed(message, &fixed, sizeof fixed, &attributes))
        return false;
    *out = (struct netlink_neighbour){.state = fixed.ndm_state};
    while (netlink_next_attribute(&attributes, &attribute))
        if (attribute.type == NDA_LLADDR)
            out->has_mac = take_mac(&attribute, out->mac);
    return true;
}

static void take_metrics(const struct netlink_attribute *metrics, struct netlink_route *out) {
    struct netlink_cursor cursor = {metrics->value, metrics->value + metrics->bytes};
    struct netlink_attribute metric;
    while (netlink_next_attribute(&cursor, &metric)) {
        if (metric.type == RTAX_MTU)
            take_u32(&metric, &out->mtu_bytes);
        else if (metric.type == RTAX_HOPLIMIT)
            take_u32(&metric, &out->hop_limit);
    }
}

/* RTA_VIA: a gateway of any family, behind the number of that. */
static void take_via(const struct netlink_attribute *via, struct netlink_route *out) {
    uint16_t family;
    if (via->bytes < sizeof family)
        return;
    memcpy(&family, via->value, sizeof family);
    struct netlink_attribute address = {via->type, via->value + sizeof family,
                                        via->bytes - sizeof family};
    take_address(&address, family, &out->gateway);
}

/* What expires was learned from an ICMP error: the associations' own matter, and not a limit. */
static bool is_learned(const struct netlink_attribute *cacheinfo) {
    struct rta_cacheinfo info;
    if (cacheinfo->bytes < sizeof info)
        return false;
    memcpy(&info, cacheinfo->value, sizeof info);
    return info.rta_expires != 0;
}

int netlink_parse_route(const struct netlink_message *message, struct netlink_route *out) {
    struct rtmsg fixed;
    struct netlink_cursor attributes;
    struct netlink_attribute attribute;
    if (message->header.nlmsg_type != RTM_NEWROUTE ||
        !take_fixed(message, &fixed, sizeof fixed, &attributes))
        return -EBADMSG;
    if (fixed.rtm_type != RTN_UNICAST && fixed.rtm_type != RTN_LOCAL &&
        fixed.rtm_type != RTN_ANYCAST)
        return -ENETUNREACH;
    memset(out, 0, sizeof *out);
    bool learned = false;
    while (netlink_next_attribute(&attributes, &attribute)) {
        if (attribute.type == RTA_PREFSRC)
            take_address(&attribute, fixed.rtm_family, &out->preferred_source);
        else if (attribute.type == RTA_OIF)
            take_u32(&attribute, &out->interface_index);
        else if (attribute.type == RTA_GATEWAY)
            take_address(&attribute, fixed.rtm_family, &out->gateway);
        else if (attribute.type == RTA_VIA)
            take_via(&attribute, out);
        else if (attribute.type == RTA_ENCAP)
            out->is_encapsulated = true;
        else if (attribute.type == RTA_METRICS)
            take_metrics(&attribute, out);
        else if (attribute.type == RTA_CACHEINFO)
            learned = is_learned(&attribute);
    }
    if (learned)
        out->mtu_bytes = 0;
    set_scope(&out->preferred_source, out->interface_index);
    return 0;
}

int netlink_parse_error(const struct netlink_message *message) {
    int error;
    if (message->payload_bytes < sizeof error)
        return -EBADMSG;
    memcpy(&error, message->payload, sizeof error);
    return error > 0 || error < -4095 ? -EBADMSG : error;
}

bool netlink_is_change(const struct netlink_message *message) {
    struct rtmsg route;
    struct netlink_cursor attributes;
    switch (message->header.nlmsg_type) {
    case RTM_NEWLINK:
    case RTM_DELLINK:
    case RTM_NEWADDR:
    case RTM_DELADDR:
        return true;
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
        return take_fixed(message, &route, sizeof route, &attributes) &&
               !(route.rtm_flags & RTM_F_CLONED);
    default:
        return false;
    }
}

/* A request under construction; its length field is kept up to date. */
struct request {
    uint8_t *start;
    size_t used;
};

static void put_bytes(struct request *request, const void *bytes, size_t n) {
    memcpy(request->start + request->used, bytes, n);
    request->used += padded(n);
    uint32_t length = (uint32_t)request->used;
    memcpy(request->start, &length, sizeof length);
}

static void put_attribute(struct request *request, uint16_t type, const void *value, size_t n) {
    struct rtattr header = {(uint16_t)(sizeof header + n), type};
    put_bytes(request, &header, sizeof header);
    put_bytes(request, value, n);
}

static struct request begin(uint8_t *out, uint16_t type, uint16_t flags, uint32_t sequence) {
    struct request request = {out, 0};
    struct nlmsghdr header = {0};
    memset(out, 0, NETLINK_REQUEST_BYTES);
    header.nlmsg_type = type;
    header.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
    header.nlmsg_seq = sequence;
    put_bytes(&request, &header, sizeof header);
    return request;
}

size_t netlink_write_dump(uint8_t out[NETLINK_REQUEST_BYTES], uint16_t type, uint32_t sequence) {
    struct request request = begin(out, type, NLM_F_DUMP, sequence);
    if (type == RTM_GETLINK) {
        struct ifinfomsg fixed = {.ifi_family = AF_UNSPEC};
        put_bytes(&request, &fixed, sizeof fixed);
    } else {
        struct ifaddrmsg fixed = {.ifa_family = AF_UNSPEC};
        put_bytes(&request, &fixed, sizeof fixed);
    }
    return request.used;
}

size_t netlink_write_route(uint8_t out[NETLINK_REQUEST_BYTES],
                           const struct netlink_question *question, uint32_t sequence) {
    const struct usctp_addr *to = question->destination, *from = question->source;
    bool ipv4 = to->family == USCTP_FAMILY_IPV4;
    size_t bytes = ipv4 ? IPV4_BYTES : IPV6_BYTES;
    if (!ipv4 && to->family != USCTP_FAMILY_IPV6)
        return 0;
    bool has_source = from && from->family != USCTP_FAMILY_NONE;
    if (has_source && from->family != to->family)
        return 0;
    struct request request = begin(out, RTM_GETROUTE, 0, sequence);
    struct rtmsg fixed = {.rtm_family = ipv4 ? AF_INET : AF_INET6};
    fixed.rtm_dst_len = (unsigned char)(bytes * 8);
    fixed.rtm_src_len = (unsigned char)(has_source ? bytes * 8 : 0);
    put_bytes(&request, &fixed, sizeof fixed);
    put_attribute(&request, RTA_DST, ipv4 ? to->ipv4 : to->ipv6, bytes);
    if (has_source)
        put_attribute(&request, RTA_SRC, ipv4 ? from->ipv4 : from->ipv6, bytes);
    uint32_t interface_index = question->interface_index;
    if (interface_index)
        put_attribute(&request, RTA_OIF, &interface_index, sizeof interface_index);
    if (question->mark)
        put_attribute(&request, RTA_MARK, &question->mark, sizeof question->mark);
    return request.used;
}

size_t netlink_write_device(uint8_t out[NETLINK_REQUEST_BYTES], uint32_t interface_index,
                            uint32_t sequence) {
    struct request request = begin(out, RTM_GETLINK, 0, sequence);
    struct ifinfomsg fixed = {.ifi_family = AF_UNSPEC, .ifi_index = (int)interface_index};
    put_bytes(&request, &fixed, sizeof fixed);
    return request.used;
}

size_t netlink_write_neighbour(uint8_t out[NETLINK_REQUEST_BYTES], const struct usctp_addr *address,
                               uint32_t interface_index, uint32_t sequence) {
    bool ipv4 = address->family == USCTP_FAMILY_IPV4;
    if (!ipv4 && address->family != USCTP_FAMILY_IPV6)
        return 0;
    struct request request = begin(out, RTM_GETNEIGH, 0, sequence);
    struct ndmsg fixed = {.ndm_family = ipv4 ? AF_INET : AF_INET6,
                          .ndm_ifindex = (int)interface_index};
    put_bytes(&request, &fixed, sizeof fixed);
    put_attribute(&request, NDA_DST, ipv4 ? address->ipv4 : address->ipv6,
                  ipv4 ? IPV4_BYTES : IPV6_BYTES);
    return request.used;
}
