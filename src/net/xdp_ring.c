/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Setting an AF_XDP socket up and handing frames over (see xdp_ring.h; <linux/if_xdp.h>). Rings are
 * shared with the kernel: who writes an index publishes what lies before it, who reads one sees it.
 */
#include "net/xdp_ring.h"

#include <errno.h>
#include <linux/if_xdp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef AF_XDP
#define AF_XDP 44
#endif
#ifndef SOL_XDP
#define SOL_XDP 283
#endif
#ifndef XDP_MAX_TX_SKB_BUDGET /* Linux 6.18: packets a call, 32 before */
#define XDP_MAX_TX_SKB_BUDGET 9
#endif

enum {
    FILL_ENTRIES = 2, /* nothing is received, but without the ring there is no binding */
    PACKETS_A_CALL = 256,
    MAX_KICKS = 64,
    MAX_QUEUES = 64,
    DEFAULT_SEND_BUFFER_BYTES = 4 << 20, /* as the raw sockets' */
};

/* One ring of the kernel's. */
struct shared_ring {
    void *map;
    size_t map_bytes;
    uint32_t *producer, *consumer;
    void *entries;
};

struct xdp_ring {
    int fd;
    uint32_t frame_bytes;
    uint8_t *frames;
    struct shared_ring tx, completion;
    uint32_t produced;              /* of tx */
    uint32_t completed;             /* of completion, taken */
    uint32_t free_count;            /* of free */
    uint32_t free[XDP_RING_FRAMES]; /* used last, used first: it is in the cache */
};

size_t xdp_ring_bytes(const struct xdp_ring *ring) {
    return (size_t)XDP_RING_FRAMES * ring->frame_bytes;
}

uint32_t xdp_ring_frame_bytes(const struct xdp_ring *ring) {
    return ring->frame_bytes;
}

/* Memory that a child does not get: the kernel reads it at any time. */
static int keep_from_children(void *memory, size_t bytes) {
    return madvise(memory, bytes, MADV_DONTFORK) ? -errno : 0;
}

static int register_frames(struct xdp_ring *ring) {
    size_t bytes = xdp_ring_bytes(ring);
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return -errno;
    ring->frames = memory;
    struct xdp_umem_reg umem;
    memset(&umem, 0, sizeof umem);
    umem.addr = (uint64_t)(uintptr_t)memory;
    umem.len = bytes;
    umem.chunk_size = ring->frame_bytes;
    if (setsockopt(ring->fd, SOL_XDP, XDP_UMEM_REG, &umem, sizeof umem))
        return -errno;
    return keep_from_children(memory, bytes);
}

static int set_size(const struct xdp_ring *ring, int name, int entries) {
    return setsockopt(ring->fd, SOL_XDP, name, &entries, sizeof entries) ? -errno : 0;
}

static int map_ring(const struct xdp_ring *ring, struct shared_ring *out,
                    const struct xdp_ring_offset *offset, size_t entry_bytes, uint64_t page) {
    size_t bytes = offset->desc + XDP_RING_FRAMES * entry_bytes;
    void *map =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring->fd, (off_t)page);
    if (map == MAP_FAILED)
        return -errno;
    out->map = map;
    out->map_bytes = bytes;
    out->producer = (void *)((uint8_t *)map + offset->producer);
    out->consumer = (void *)((uint8_t *)map + offset->consumer);
    out->entries = (uint8_t *)map + offset->desc;
    return keep_from_children(map, bytes);
}

static int map_rings(struct xdp_ring *ring) {
    struct xdp_mmap_offsets offsets;
    socklen_t length = sizeof offsets;
    int error = set_size(ring, XDP_UMEM_FILL_RING, FILL_ENTRIES);
    if (!error)
        error = set_size(ring, XDP_UMEM_COMPLETION_RING, XDP_RING_FRAMES);
    if (!error)
        error = set_size(ring, XDP_TX_RING, XDP_RING_FRAMES);
    if (error)
        return error;
    if (getsockopt(ring->fd, SOL_XDP, XDP_MMAP_OFFSETS, &offsets, &length))
        return -errno;
    if (length != sizeof offsets) /* before Linux 5.4 */
        return -EOPNOTSUPP;
    error = map_ring(ring, &ring->completion, &offsets.cr, sizeof(uint64_t),
                     XDP_UMEM_PGOFF_COMPLETION_RING);
    if (error)
        return error;
    return map_ring(ring, &ring->tx, &offsets.tx, sizeof(struct xdp_desc), XDP_PGOFF_TX_RING);
}

/* A queue has one AF_XDP socket; which one sends makes no difference. */
static int bind_queue(const struct xdp_ring *ring, uint32_t interface_index) {
    int error = -EBUSY;
    for (uint32_t queue = 0; queue < MAX_QUEUES; queue++) {
        struct sockaddr_xdp name = {.sxdp_family = AF_XDP,
                                    .sxdp_flags = XDP_COPY,
                                    .sxdp_ifindex = interface_index,
                                    .sxdp_queue_id = queue};
        if (bind(ring->fd, (struct sockaddr *)&name, sizeof name) == 0)
            return 0;
        if (errno == EINVAL && queue > 0) /* there are no more */
            return error;
        error = -errno;
        if (error != -EBUSY)
            return error;
    }
    return error;
}

static void set_limits(const struct xdp_ring *ring, int send_buffer_bytes) {
    int bytes = send_buffer_bytes > 0 ? send_buffer_bytes : DEFAULT_SEND_BUFFER_BYTES;
    if (setsockopt(ring->fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes))
        (void)setsockopt(ring->fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    (void)set_size(ring, XDP_MAX_TX_SKB_BUDGET, PACKETS_A_CALL);
}

int xdp_ring_new(struct xdp_ring **out, int fd, uint32_t interface_index, uint32_t frame_bytes,
                 int send_buffer_bytes) {
    struct xdp_ring *ring = calloc(1, sizeof *ring);
    *out = NULL;
    if (!ring) {
        close(fd);
        return -ENOMEM;
    }
    ring->fd = fd;
    ring->frame_bytes = frame_bytes;
    int error = register_frames(ring);
    if (!error)
        error = map_rings(ring);
    if (!error) {
        set_limits(ring, send_buffer_bytes);
        error = bind_queue(ring, interface_index);
    }
    if (error) {
        xdp_ring_delete(ring);
        return error;
    }
    for (uint32_t i = 0; i < XDP_RING_FRAMES; i++)
        ring->free[ring->free_count++] = XDP_RING_FRAMES - 1 - i;
    *out = ring;
    return 0;
}

void xdp_ring_forget(struct xdp_ring *ring) {
    if (!ring)
        return;
    close(ring->fd);
    free(ring);
}

static void unmap(const struct shared_ring *shared) {
    if (shared->map)
        munmap(shared->map, shared->map_bytes);
}

void xdp_ring_delete(struct xdp_ring *ring) {
    if (!ring)
        return;
    unmap(&ring->tx);
    unmap(&ring->completion);
    if (ring->frames)
        munmap(ring->frames, xdp_ring_bytes(ring));
    xdp_ring_forget(ring);
}

/* Takes back what the kernel is done with. */
static void reclaim(struct xdp_ring *ring) {
    const uint64_t *entries = ring->completion.entries;
    uint32_t produced = __atomic_load_n(ring->completion.producer, __ATOMIC_ACQUIRE);
    while (ring->completed != produced && ring->free_count < XDP_RING_FRAMES) {
        uint64_t address = entries[ring->completed++ % XDP_RING_FRAMES];
        ring->free[ring->free_count++] = (uint32_t)(address / ring->frame_bytes) % XDP_RING_FRAMES;
    }
    __atomic_store_n(ring->completion.consumer, ring->completed, __ATOMIC_RELEASE);
}

uint8_t *xdp_ring_frame(struct xdp_ring *ring) {
    if (ring->free_count == 0)
        reclaim(ring);
    if (ring->free_count == 0)
        return NULL;
    return ring->frames + (size_t)ring->free[ring->free_count - 1] * ring->frame_bytes;
}

void xdp_ring_put(struct xdp_ring *ring, uint32_t bytes) {
    struct xdp_desc *entries = ring->tx.entries;
    uint32_t frame = ring->free[--ring->free_count];
    /* There is room: the ring has an entry for each frame. */
    entries[ring->produced++ % XDP_RING_FRAMES] =
        (struct xdp_desc){.addr = (uint64_t)frame * ring->frame_bytes, .len = bytes};
}

uint32_t xdp_ring_left(const struct xdp_ring *ring) {
    return ring->produced - __atomic_load_n(ring->tx.consumer, __ATOMIC_ACQUIRE);
}

int xdp_ring_kick(struct xdp_ring *ring) {
    uint32_t left = xdp_ring_left(ring), before;
    int error = 0;
    __atomic_store_n(ring->tx.producer, ring->produced, __ATOMIC_RELEASE);
    for (unsigned i = 0; i < MAX_KICKS && left > 0; i++) {
        before = left;
        error = sendto(ring->fd, NULL, 0, MSG_DONTWAIT | MSG_NOSIGNAL, NULL, 0) ? errno : 0;
        /* EAGAIN: it has sent as many as it does in a call, or has no room. EBUSY: the device has
         * dropped one, which is gone. */
        bool is_fine = error == 0 || error == EAGAIN || error == EBUSY || error == EINTR ||
                       error == ENOBUFS || error == ENOMEM;
        if (!is_fine)
            return -error;
        left = xdp_ring_left(ring);
        if (left == before && error != EBUSY && error != EINTR)
            break;
    }
    reclaim(ring);
    return 0;
}
