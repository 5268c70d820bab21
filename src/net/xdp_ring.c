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
    NO_FILL_ENTRIES = 2, /* without the ring there is no binding */
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

/* The receiving half; who receives writes here only. Its frames are behind those to be sent. */
struct intake {
    int fd; /* -1: none */
    uint32_t frame_count;
    struct shared_ring rx, fill;
    uint32_t taken, given; /* of rx, of fill */
};

struct xdp_ring {
    int fd;
    uint32_t interface_index, queue;
    uint32_t frame_bytes;
    uint8_t *frames;
    struct shared_ring tx, completion;
    uint32_t produced;              /* of tx */
    uint32_t completed;             /* of completion, taken */
    uint32_t free_count;            /* of free */
    uint32_t free[XDP_RING_FRAMES]; /* used last, used first: it is in the cache */
    struct intake intake;
};

size_t xdp_ring_bytes(const struct xdp_ring *ring) {
    return (size_t)(XDP_RING_FRAMES + ring->intake.frame_count) * ring->frame_bytes;
}

uint32_t xdp_ring_frame_bytes(const struct xdp_ring *ring) {
    return ring->frame_bytes;
}

uint32_t xdp_ring_interface(const struct xdp_ring *ring) {
    return ring->interface_index;
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

static int set_size(int fd, int name, int entries) {
    return setsockopt(fd, SOL_XDP, name, &entries, sizeof entries) ? -errno : 0;
}

static int map_ring(int fd, struct shared_ring *out, const struct xdp_ring_offset *offset,
                    size_t entries_bytes, uint64_t page) {
    size_t bytes = offset->desc + entries_bytes;
    void *map =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, (off_t)page);
    if (map == MAP_FAILED)
        return -errno;
    out->map = map;
    out->map_bytes = bytes;
    out->producer = (void *)((uint8_t *)map + offset->producer);
    out->consumer = (void *)((uint8_t *)map + offset->consumer);
    out->entries = (uint8_t *)map + offset->desc;
    return keep_from_children(map, bytes);
}

static int get_offsets(int fd, struct xdp_mmap_offsets *offsets) {
    socklen_t length = sizeof *offsets;
    if (getsockopt(fd, SOL_XDP, XDP_MMAP_OFFSETS, offsets, &length))
        return -errno;
    return length == sizeof *offsets ? 0 : -EOPNOTSUPP; /* before Linux 5.4 */
}

static int map_rings(struct xdp_ring *ring) {
    struct xdp_mmap_offsets offsets;
    struct intake *intake = &ring->intake;
    int fd = ring->fd;
    int error = set_size(fd, XDP_UMEM_FILL_RING,
                         intake->frame_count > 0 ? (int)intake->frame_count : NO_FILL_ENTRIES);
    if (!error)
        error = set_size(fd, XDP_UMEM_COMPLETION_RING, XDP_RING_FRAMES);
    if (!error)
        error = set_size(fd, XDP_TX_RING, XDP_RING_FRAMES);
    if (!error)
        error = get_offsets(fd, &offsets);
    if (!error)
        error = map_ring(fd, &ring->completion, &offsets.cr, XDP_RING_FRAMES * sizeof(uint64_t),
                         XDP_UMEM_PGOFF_COMPLETION_RING);
    if (!error && intake->frame_count > 0)
        error = map_ring(fd, &intake->fill, &offsets.fr, intake->frame_count * sizeof(uint64_t),
                         XDP_UMEM_PGOFF_FILL_RING);
    if (error)
        return error;
    return map_ring(fd, &ring->tx, &offsets.tx, XDP_RING_FRAMES * sizeof(struct xdp_desc),
                    XDP_PGOFF_TX_RING);
}

/* A queue has one AF_XDP socket; which one sends makes no difference. */
static int bind_queue(struct xdp_ring *ring) {
    int error = -EBUSY;
    for (uint32_t queue = 0; queue < MAX_QUEUES; queue++) {
        struct sockaddr_xdp name = {.sxdp_family = AF_XDP,
                                    .sxdp_flags = XDP_COPY,
                                    .sxdp_ifindex = ring->interface_index,
                                    .sxdp_queue_id = queue};
        ring->queue = queue;
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
    (void)set_size(ring->fd, XDP_MAX_TX_SKB_BUDGET, PACKETS_A_CALL);
}

int xdp_ring_new(struct xdp_ring **out, int fd, const struct xdp_ring_options *options) {
    struct xdp_ring *ring = calloc(1, sizeof *ring);
    *out = NULL;
    if (!ring) {
        close(fd);
        return -ENOMEM;
    }
    ring->fd = fd;
    ring->interface_index = options->interface_index;
    ring->frame_bytes = options->frame_bytes;
    ring->intake.fd = -1;
    if (options->receives)
        ring->intake.frame_count = XDP_RING_RECEIVE_BYTES / options->frame_bytes;
    int error = register_frames(ring);
    if (!error)
        error = map_rings(ring);
    if (!error) {
        set_limits(ring, options->send_buffer_bytes);
        error = bind_queue(ring);
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

void xdp_ring_close(struct xdp_ring *ring) {
    if (ring->intake.fd >= 0)
        close(ring->intake.fd);
    if (ring->fd >= 0)
        close(ring->fd);
    ring->fd = ring->intake.fd = -1;
}

void xdp_ring_forget(struct xdp_ring *ring) {
    if (!ring)
        return;
    xdp_ring_close(ring);
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
    unmap(&ring->intake.rx);
    unmap(&ring->intake.fill);
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

/* ---- what arrives ---------------------------------------------------------------------------- */

static void give(struct xdp_ring *ring, uint32_t number) {
    struct intake *intake = &ring->intake;
    uint64_t *entries = intake->fill.entries;
    entries[intake->given++ % intake->frame_count] = (uint64_t)number * ring->frame_bytes;
}

int xdp_ring_receive(struct xdp_ring *ring, int fd) {
    struct intake *intake = &ring->intake;
    struct xdp_mmap_offsets offsets;
    struct sockaddr_xdp name = {.sxdp_family = AF_XDP,
                                .sxdp_flags = XDP_SHARED_UMEM,
                                .sxdp_ifindex = ring->interface_index,
                                .sxdp_queue_id = ring->queue,
                                .sxdp_shared_umem_fd = (uint32_t)ring->fd};
    intake->fd = fd;
    if (ring->queue != 0)
        return -EBUSY;
    int error = set_size(fd, XDP_RX_RING, (int)intake->frame_count);
    if (!error)
        error = get_offsets(fd, &offsets);
    if (!error)
        error = map_ring(fd, &intake->rx, &offsets.rx,
                         intake->frame_count * sizeof(struct xdp_desc), XDP_PGOFF_RX_RING);
    if (error)
        return error;
    for (uint32_t i = 0; i < intake->frame_count; i++)
        give(ring, XDP_RING_FRAMES + i);
    __atomic_store_n(intake->fill.producer, intake->given, __ATOMIC_RELEASE);
    return bind(fd, (struct sockaddr *)&name, sizeof name) ? -errno : fd;
}

bool xdp_ring_has(const struct xdp_ring *ring) {
    return __atomic_load_n(ring->intake.rx.producer, __ATOMIC_ACQUIRE) != ring->intake.taken;
}

size_t xdp_ring_take(struct xdp_ring *ring, struct xdp_ring_frame *frames, size_t max) {
    struct intake *intake = &ring->intake;
    const struct xdp_desc *entries = intake->rx.entries;
    uint32_t produced = __atomic_load_n(intake->rx.producer, __ATOMIC_ACQUIRE);
    size_t n = 0;
    for (; n < max && intake->taken != produced; n++) {
        struct xdp_desc arrived = entries[intake->taken++ % intake->frame_count];
        uint64_t number = arrived.addr / ring->frame_bytes;
        if (number >= XDP_RING_FRAMES + intake->frame_count ||
            arrived.len > ring->frame_bytes - arrived.addr % ring->frame_bytes) {
            number %= XDP_RING_FRAMES + intake->frame_count;
            arrived = (struct xdp_desc){.addr = number * ring->frame_bytes, .len = 0};
        }
        frames[n] =
            (struct xdp_ring_frame){ring->frames + arrived.addr, arrived.len, (uint32_t)number};
    }
    if (n > 0)
        __atomic_store_n(intake->rx.consumer, intake->taken, __ATOMIC_RELEASE);
    return n;
}

void xdp_ring_give(struct xdp_ring *ring, const struct xdp_ring_frame *frames, size_t n) {
    struct intake *intake = &ring->intake;
    /* There is room: the ring has an entry for each frame. */
    for (size_t i = 0; i < n; i++)
        give(ring, frames[i].number);
    if (n > 0)
        __atomic_store_n(intake->fill.producer, intake->given, __ATOMIC_RELEASE);
}
