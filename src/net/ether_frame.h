/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The headers in front of an SCTP packet on an Ethernet: Ethernet II and IPv4 (RFC 791, RFC 894) or
 * IPv6 (RFC 8200, RFC 2464). Bytes only; who is told them by netlink is next_hop.h, where they go
 * is xdp_ring.h.
 */
#ifndef NET_ETHER_FRAME_H
#define NET_ETHER_FRAME_H

#include "usctp/engine.h"

#define ETHER_FRAME_MAC_BYTES     6u
#define ETHER_FRAME_LINK_BYTES    14u
#define ETHER_FRAME_HEADERS_BYTES (ETHER_FRAME_LINK_BYTES + 40u) /* the longest */

struct ether_frame {
    uint8_t from[ETHER_FRAME_MAC_BYTES], to[ETHER_FRAME_MAC_BYTES];
    const struct usctp_addr *source, *destination; /* of one family */
    uint8_t tos, hop_limit;
    uint32_t flow_label; /* IPv6 */
};

/*
 * Writes the headers for payload_bytes of SCTP, which may not be fragmented: RFC 791 3.2 with DF,
 * and the Identification 0 that RFC 6864 4.1 allows then. Returns their size; 0 for addresses that
 * are no pair of one IP family, and for more than an IP packet holds.
 */
size_t ether_frame_write(uint8_t out[ETHER_FRAME_HEADERS_BYTES], const struct ether_frame *frame,
                         uint32_t payload_bytes);
/*
 * Takes the headers off a frame that has arrived: Ethernet II, then IPv4 without options or IPv6
 * without extension headers, whole, with SCTP in it. Fills in the packet, but for the interface.
 * False for all else, and for what an IP host has to discard: a bad header checksum (RFC 791 3.2),
 * less than the header says there is, a source that is no unicast address or a loopback one (RFC
 * 1122 3.2.1.3, RFC 4291 2.5.3, 2.7), a destination that is none. No check of whose it is.
 */
bool ether_frame_read(uint8_t *frame, uint32_t bytes, struct usctp_packet *packet);
/* The IP header's size: 20 or 40; 0 for what is no IP address. */
uint32_t ether_frame_ip_bytes(const struct usctp_addr *address);

#endif
