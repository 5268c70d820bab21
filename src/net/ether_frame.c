/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ethernet, IPv4 and IPv6 headers for packets that the kernel does not route (see ether_frame.h).
 */
#include "net/ether_frame.h"

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
