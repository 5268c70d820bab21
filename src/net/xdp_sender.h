/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which packets of raw SCTP leave by AF_XDP, and with what in front of them. Route, neighbour and
 * device are asked of rtnetlink and remembered for a moment. Whatever stands in the way (a device
 * that is no Ethernet, a neighbour that is not resolved, a packet that IP may fragment) sends a
 * packet by the raw socket instead, which also makes the kernel resolve neighbours; what stands in
 * the way of all of a device's packets is told in one line.
 *
 * For one thread at a time, the one that sends, but for xdp_sender_forget_routes and
 * xdp_sender_notice. Rings: xdp_ring.h; headers: ether_frame.h.
 */
#ifndef NET_XDP_SENDER_H
#define NET_XDP_SENDER_H

#include "net/host_namespace.h"
#include "net/xdp_receiver.h"
#include "usctp/engine.h"

#define XDP_SENDER_NOTICE_BYTES 200u

struct xdp_sender;

struct xdp_sender_options {
    const struct host_namespace *ns;
    int send_buffer_bytes;                  /* 0 = a fitting default */
    uint8_t ipv4_hop_limit, ipv6_hop_limit; /* the host's own */
    const char *obstacle;                   /* why AF_XDP is not to be used at all, or NULL */
    struct xdp_receiver *receiver; /* gets to receive by the devices that are sent by, or NULL */
};

/* Returns 0 or a negative errno. Where AF_XDP cannot be used, that is told and everything goes by
 * raw sockets. */
int xdp_sender_new(struct xdp_sender **out, const struct xdp_sender_options *options);
void xdp_sender_delete(struct xdp_sender *x);
/* In a forked child. */
void xdp_sender_forget(struct xdp_sender *x);
/* Links, addresses or routes have changed. Any thread. */
void xdp_sender_forget_routes(struct xdp_sender *x);
/* Takes the next line for the user. Any thread. */
bool xdp_sender_notice(struct xdp_sender *x, char text[XDP_SENDER_NOTICE_BYTES]);
/* Whether there is one that was not told of by this yet. */
bool xdp_sender_has_news(struct xdp_sender *x);

/* Before the packets of one transport_send: what time it is. */
void xdp_sender_begin(struct xdp_sender *x);
/* The ring for a packet's segments of so many bytes; NULL: the raw socket. */
struct xdp_ring *xdp_sender_ring(struct xdp_sender *x, const struct usctp_packet *packet,
                                 uint32_t segment_bytes);
/*
 * How many of the segments that are about to be offered to a ring are in it already, from the last
 * time, when the kernel took only those before them; any in another ring are given up, that is,
 * they may be sent twice.
 */
uint32_t xdp_sender_offered(struct xdp_sender *x, const struct xdp_ring *ring);
/* Puts a segment of the packet last asked for into its ring. False when that is full. */
bool xdp_sender_put(struct xdp_sender *x, const struct usctp_packet *packet, const uint8_t *segment,
                    uint32_t bytes);
/*
 * Sends what was put into a ring: `count` segments, those that were in it already included. Returns
 * how many have left, from the first on; the others are to be offered again. A ring that can send
 * no more is given up: xdp_sender_ring then names no ring for its packets. *is_gone says so.
 */
uint32_t xdp_sender_send(struct xdp_sender *x, struct xdp_ring *ring, uint32_t count,
                         bool *is_gone);
/* The first of the segments that were not taken will not be offered again. */
void xdp_sender_skip(struct xdp_sender *x);
/* Memory of all rings. */
size_t xdp_sender_bytes(const struct xdp_sender *x);

#endif
