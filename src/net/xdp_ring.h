/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One AF_XDP socket for sending (Linux: Documentation/networking/af_xdp.rst): frames in memory that
 * the kernel knows, a ring of those to be sent, and one of those it is done with. Copy mode, which
 * every driver has and which needs no BPF program; nothing is received. Why without libxdp:
 * docs/decisions/af-xdp.md.
 *
 * For one thread at a time. A child after fork has neither frames nor rings.
 */
#ifndef NET_XDP_RING_H
#define NET_XDP_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define XDP_RING_FRAMES      512u  /* a power of two */
#define XDP_RING_SMALL_FRAME 2048u /* for an MTU of up to 2034 */
#define XDP_RING_LARGE_FRAME 4096u /* the largest there is: a page */

struct xdp_ring;

/*
 * Makes the ring of an interface from an AF_XDP socket, which is its own from then on, failure
 * included. Returns 0 or a negative errno: -EBUSY when each of the interface's queues has another
 * AF_XDP socket (also for a moment after that was closed), -ENOBUFS when RLIMIT_MEMLOCK is too low.
 */
int xdp_ring_new(struct xdp_ring **out, int fd, uint32_t interface_index, uint32_t frame_bytes,
                 int send_buffer_bytes);
void xdp_ring_delete(struct xdp_ring *ring);
/* In a forked child. */
void xdp_ring_forget(struct xdp_ring *ring);
/* The memory that a ring takes of RLIMIT_MEMLOCK. */
size_t xdp_ring_bytes(const struct xdp_ring *ring);
uint32_t xdp_ring_frame_bytes(const struct xdp_ring *ring);

/* The memory of a free frame, or NULL when there is none. It stays free until it is put. */
uint8_t *xdp_ring_frame(struct xdp_ring *ring);
/* Puts what xdp_ring_frame gave, now filled with so many bytes, behind what is to be sent. */
void xdp_ring_put(struct xdp_ring *ring, uint32_t bytes);
/* Has the kernel send. Returns 0, also when it has no room for all, or the negative errno of a
 * device that sends no more. */
int xdp_ring_kick(struct xdp_ring *ring);
/* How many frames the kernel has not taken yet. */
uint32_t xdp_ring_left(const struct xdp_ring *ring);

#endif
