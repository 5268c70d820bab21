/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * AF_XDP on one queue of an interface (Linux: Documentation/networking/af_xdp.rst): frames in
 * memory that the kernel knows, a socket with a ring of those to be sent and one of those it is
 * done with; where asked for, a second socket on the same queue and memory, with a ring of what has
 * arrived and one of what may be filled. Two, so that who waits for the one does not send by the
 * other, as poll() does. Copy mode, which every driver has. What arrives in the ring, a BPF program
 * says: xdp_program.h. Why without libxdp: docs/decisions/af-xdp.md.
 *
 * For one thread at a time that sends, and one that receives. A child after fork has neither frames
 * nor rings.
 */
#ifndef NET_XDP_RING_H
#define NET_XDP_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define XDP_RING_FRAMES      512u  /* to be sent; a power of two */
#define XDP_RING_SMALL_FRAME 2048u /* for an MTU of up to 2034 */
#define XDP_RING_LARGE_FRAME 4096u /* the largest there is: a page */
/*
 * Memory of frames for what arrives: two default receive windows of full packets (1 MiB each), as
 * the raw sockets have.
 */
#define XDP_RING_RECEIVE_BYTES (4u << 20)
/* What the kernel keeps of a frame in front of what arrives (XDP_PACKET_HEADROOM). */
#define XDP_RING_HEADROOM_BYTES 256u

struct xdp_ring;

struct xdp_ring_options {
    uint32_t interface_index, frame_bytes;
    int send_buffer_bytes; /* 0 = a fitting default */
    bool receives;         /* has frames for xdp_ring_receive */
};

/*
 * Makes the ring of an interface from an AF_XDP socket, which is its own from then on, failure
 * included. Returns 0 or a negative errno: -EBUSY when each of the interface's queues has another
 * AF_XDP socket (also for a moment after that was closed), -ENOBUFS when RLIMIT_MEMLOCK is too low.
 */
int xdp_ring_new(struct xdp_ring **out, int fd, const struct xdp_ring_options *options);
/* Leaves the interface, not the memory. */
void xdp_ring_close(struct xdp_ring *ring);
void xdp_ring_delete(struct xdp_ring *ring);
/* In a forked child. */
void xdp_ring_forget(struct xdp_ring *ring);
/* The memory that a ring takes of RLIMIT_MEMLOCK. */
size_t xdp_ring_bytes(const struct xdp_ring *ring);
uint32_t xdp_ring_frame_bytes(const struct xdp_ring *ring);
uint32_t xdp_ring_interface(const struct xdp_ring *ring);

/* The memory of a free frame, or NULL when there is none. It stays free until it is put. */
uint8_t *xdp_ring_frame(struct xdp_ring *ring);
/* Puts what xdp_ring_frame gave, now filled with so many bytes, behind what is to be sent. */
void xdp_ring_put(struct xdp_ring *ring, uint32_t bytes);
/* Has the kernel send. Returns 0, also when it has no room for all, or the negative errno of a
 * device that sends no more. */
int xdp_ring_kick(struct xdp_ring *ring);
/* How many frames the kernel has not taken yet. */
uint32_t xdp_ring_left(const struct xdp_ring *ring);

/* ---- what arrives ---------------------------------------------------------------------------- */

/* Lets a ring that was made for it receive, by a further AF_XDP socket, which is its own from then
 * on. Returns that socket or a negative errno: -EBUSY on another queue than the first. */
int xdp_ring_receive(struct xdp_ring *ring, int fd);

struct xdp_ring_frame {
    uint8_t *data;
    uint32_t bytes;
    uint32_t number;
};

bool xdp_ring_has(const struct xdp_ring *ring);
/* Takes what has arrived, without a system call. The frames are the caller's until he gives them
 * back. Returns how many. */
size_t xdp_ring_take(struct xdp_ring *ring, struct xdp_ring_frame *frames, size_t max);
void xdp_ring_give(struct xdp_ring *ring, const struct xdp_ring_frame *frames, size_t n);

#endif
