/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ethernet, IPv4 and IPv6 headers for packets that the kernel does not route (see ether_frame.h).
 */
#include "net/ether_frame.h"

#include "core/addr.h"
#include "core/bytes.h"

#include <string.h>

enum {
    TYPE_IPV4 = 0x0800, /* RFC 894 */
    TYPE_IPV6 = 0x86dd, /* RFC 2464 3 */
    PROTOCOL_SCTP = 132,
    IPV4_BYTES = 20,
    IPV6_BYTES = 40,
    IPV4_VERSION_AND_LENGTH = 0x45,
    IPV4_DONT_FRAGMENT = 0x4000,
    IPV4_IS_FRAGMENT = 0x3fff, /* more of them follow, or an offset */
    FLOW_LABEL_MASK = 0x000fffff,
    IP_BYTES_LIMIT = 65535, /* IPv4: header and all; IPv6: what follows the header */
};

/* RFC 791 3.1: over the header, with the checksum's own field as 0. */
static uint16_t header_checksum(const uint8_t *header) {
    uint32_t sum = 0;
    for (size_t i = 0; i < IPV4_BYTES; i += 2)
        sum += get16(header + i);
    sum = (sum & 0xffff) + (sum >> 16);
    sum += sum >> 16;
    return (uint16_t)~sum;
}

static void put_ipv4(uint8_t *out, const struct ether_frame *frame, uint32_t payload_bytes) {
    memset(out, 0, IPV4_BYTES);
    out[0] = IPV4_VERSION_AND_LENGTH;
    out[1] = frame->tos;
    put16(out + 2, (uint16_t)(IPV4_BYTES + payload_bytes));
    put16(out + 6, IPV4_DONT_FRAGMENT);
    out[8] = frame->hop_limit;
    out[9] = PROTOCOL_SCTP;
    memcpy(out + 12, frame->source->ipv4, 4);
    memcpy(out + 16, frame->destination->ipv4, 4);
    put16(out + 10, header_checksum(out));
}

static void put_ipv6(uint8_t *out, const struct ether_frame *frame, uint32_t payload_bytes) {
    put32(out, 6u << 28 | (uint32_t)frame->tos << 20 | (frame->flow_label & FLOW_LABEL_MASK));
    put16(out + 4, (uint16_t)payload_bytes);
    out[6] = PROTOCOL_SCTP;
    out[7] = frame->hop_limit;
    memcpy(out + 8, frame->source->ipv6, 16);
    memcpy(out + 24, frame->destination->ipv6, 16);
}

uint32_t ether_frame_ip_bytes(const struct usctp_addr *address) {
    if (address->family == USCTP_FAMILY_IPV4)
        return IPV4_BYTES;
    return address->family == USCTP_FAMILY_IPV6 ? IPV6_BYTES : 0;
}

size_t ether_frame_write(uint8_t out[ETHER_FRAME_HEADERS_BYTES], const struct ether_frame *frame,
                         uint32_t payload_bytes) {
    bool ipv4 = frame->destination->family == USCTP_FAMILY_IPV4;
    uint32_t ip_bytes = ether_frame_ip_bytes(frame->destination);
    if (ip_bytes == 0 || frame->source->family != frame->destination->family ||
        payload_bytes > IP_BYTES_LIMIT - (ipv4 ? ip_bytes : 0))
        return 0;
    memcpy(out, frame->to, ETHER_FRAME_MAC_BYTES);
    memcpy(out + ETHER_FRAME_MAC_BYTES, frame->from, ETHER_FRAME_MAC_BYTES);
    put16(out + 12, ipv4 ? TYPE_IPV4 : TYPE_IPV6);
    if (ipv4)
        put_ipv4(out + ETHER_FRAME_LINK_BYTES, frame, payload_bytes);
    else
        put_ipv6(out + ETHER_FRAME_LINK_BYTES, frame, payload_bytes);
    return ETHER_FRAME_LINK_BYTES + ip_bytes;
}

/* An IPv4 address of "this network" (RFC 1122 3.2.1.3 (b)) says no more of a host than 0.0.0.0. */
static bool can_be_source(const struct usctp_addr *address) {
    return addr_is_unicast(address) && addr_scope(address) != ADDR_SCOPE_LOOPBACK &&
           !(address->family == USCTP_FAMILY_IPV4 && address->ipv4[0] == 0);
}

/* Returns the size of what follows the header, or 0. */
static uint32_t read_ipv4(const uint8_t *header, uint32_t bytes, struct usctp_packet *packet) {
    if (bytes <= IPV4_BYTES || header[0] != IPV4_VERSION_AND_LENGTH || header[9] != PROTOCOL_SCTP ||
        (get16(header + 6) & IPV4_IS_FRAGMENT) || header_checksum(header) != 0)
        return 0;
    uint32_t total = get16(header + 2);
    packet->tos = header[1];
    packet->source.family = packet->destination.family = USCTP_FAMILY_IPV4;
    memcpy(packet->source.ipv4, header + 12, 4);
    memcpy(packet->destination.ipv4, header + 16, 4);
    return total > IPV4_BYTES && total <= bytes ? total - IPV4_BYTES : 0;
}

static uint32_t read_ipv6(const uint8_t *header, uint32_t bytes, struct usctp_packet *packet) {
    if (bytes <= IPV6_BYTES || header[0] >> 4 != 6 || header[6] != PROTOCOL_SCTP)
        return 0;
    uint32_t first = get32(header), payload = get16(header + 4);
    packet->tos = (uint8_t)(first >> 20);
    packet->flow_label = first & FLOW_LABEL_MASK;
    packet->source.family = packet->destination.family = USCTP_FAMILY_IPV6;
    memcpy(packet->source.ipv6, header + 8, 16);
    memcpy(packet->destination.ipv6, header + 24, 16);
    return payload <= bytes - IPV6_BYTES ? payload : 0;
}

bool ether_frame_read(uint8_t *frame, uint32_t bytes, struct usctp_packet *packet) {
    memset(packet, 0, sizeof *packet);
    if (bytes <= ETHER_FRAME_LINK_BYTES)
        return false;
    uint16_t type = get16(frame + 12);
    uint8_t *header = frame + ETHER_FRAME_LINK_BYTES;
    uint32_t left = bytes - ETHER_FRAME_LINK_BYTES;
    if (type == TYPE_IPV4)
        packet->length = read_ipv4(header, left, packet);
    else if (type == TYPE_IPV6)
        packet->length = read_ipv6(header, left, packet);
    if (packet->length == 0 || !can_be_source(&packet->source) ||
        !addr_is_unicast(&packet->destination))
        return false;
    packet->data = header + (type == TYPE_IPV4 ? IPV4_BYTES : IPV6_BYTES);
    return true;
}
