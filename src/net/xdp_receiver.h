/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What of raw SCTP arrives by AF_XDP: by the interfaces that xdp_sender.c has a ring on, each with
 * a program (xdp_program.h) that leaves the rest to the kernel, and so to the raw sockets.
 *
 * The thread that sends opens and closes interfaces, one receives, one tells of ports and
 * addresses: a lock keeps them apart. Frames that were handed out stay where they are until they
 * are given back, even when their interface is closed meanwhile.
 */
#ifndef NET_XDP_RECEIVER_H
#define NET_XDP_RECEIVER_H

#include "net/netlink.h"
#include "net/xdp_program.h"
#include "net/xdp_ring.h"

/* The largest MTU: a frame is a page, and has the kernel's headroom in it. */
#define XDP_RECEIVER_MAX_MTU                                                                       \
    (XDP_RING_LARGE_FRAME - XDP_RING_HEADROOM_BYTES - ETHER_FRAME_LINK_BYTES)

struct xdp_receiver;

/* Returns NULL without memory. */
struct xdp_receiver *xdp_receiver_new(const struct host_namespace *ns);
void xdp_receiver_delete(struct xdp_receiver *receiver);
/* In a forked child. */
void xdp_receiver_forget(struct xdp_receiver *receiver);
/* Has the sockets, which come and go, watched for reading by an epoll set; -1: not any more. */
void xdp_receiver_watch(struct xdp_receiver *receiver, int epoll_fd, uint64_t data);

/* For who looks by himself from time to time: what arrives wakes nobody, until they are roused. */
void xdp_receiver_doze(struct xdp_receiver *receiver);
void xdp_receiver_rouse(struct xdp_receiver *receiver);
/* Whether something has arrived. */
bool xdp_receiver_has(struct xdp_receiver *receiver);

/* ---- the thread that sends ------------------------------------------------------------------- */

#define XDP_RECEIVER_WHY_BYTES 120u

/*
 * Loads and attaches the program of an interface that has none of ours, for a ring of such frames.
 * Returns it, or NULL and why not.
 */
struct xdp_program *xdp_receiver_prepare(struct xdp_receiver *receiver,
                                         const struct netlink_device *link, uint32_t frame_bytes,
                                         char why[XDP_RECEIVER_WHY_BYTES]);
/*
 * Receives by a ring, an AF_XDP socket and a program. Program and socket are the receiver's from
 * then on, failure included, the ring not if it fails. Returns 0 or a negative errno.
 */
int xdp_receiver_add(struct xdp_receiver *receiver, struct xdp_ring *ring, int fd,
                     struct xdp_program *program);
/* Tells of the interface's address, which may have changed. */
void xdp_receiver_set_mac(struct xdp_receiver *receiver, const struct xdp_ring *ring,
                          const uint8_t mac[ETHER_FRAME_MAC_BYTES]);
/* Leaves an interface, and deletes the ring when nobody has frames of it any more. False for a ring
 * that was not added. */
bool xdp_receiver_remove(struct xdp_receiver *receiver, struct xdp_ring *ring);

/* ---- the thread that tells ------------------------------------------------------------------- */

/* A set of ports as in port_claim.h. */
void xdp_receiver_set_ports(struct xdp_receiver *receiver, const uint64_t *set);
void xdp_receiver_set_addresses(struct xdp_receiver *receiver,
                                const struct usctp_local_address *addresses, size_t n);

/* ---- the thread that receives ---------------------------------------------------------------- */

/* Gives the frames of the last xdp_receiver_take back. */
void xdp_receiver_release(struct xdp_receiver *receiver);
/*
 * Takes up to max packets, no more than 64 between two releases. *bad: how many more have come that
 * an IP host has to discard.
 */
size_t xdp_receiver_take(struct xdp_receiver *receiver, struct usctp_packet *packets, size_t max,
                         size_t *bad);

#endif
