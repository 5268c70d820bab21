/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The interfaces that are received by (see xdp_receiver.h). Ports and addresses are kept here, too,
 * for programs that are yet to be loaded.
 */
#include "net/xdp_receiver.h"

#include "core/addr.h"
#include "net/port_claim.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_INTAKES = 16, MAX_FRAMES = 64 };

/* An interface. */
struct intake {
    struct xdp_ring *ring; /* NULL: free */
    struct xdp_program *program;
    uint32_t interface_index;
    int fd;
    bool is_closed;
    size_t borrowed;
    struct xdp_ring_frame frames[MAX_FRAMES]; /* those that were handed out */
};

struct xdp_receiver {
    const struct host_namespace *ns;
    pthread_mutex_t lock;
    int epoll_fd;
    uint64_t epoll_data;
    bool is_dozing; /* none is in the epoll set */
    size_t first;   /* whose turn it is */
    bool has_borrowed;
    struct intake intakes[MAX_INTAKES];
    uint64_t ports[PORT_CLAIM_SET_WORDS];
    size_t address_count;
    struct usctp_local_address addresses[XDP_PROGRAM_MAX_ADDRESSES];
};

struct xdp_receiver *xdp_receiver_new(const struct host_namespace *ns) {
    struct xdp_receiver *receiver = calloc(1, sizeof *receiver);
    if (!receiver)
        return NULL;
    receiver->ns = ns;
    receiver->epoll_fd = -1;
    pthread_mutex_init(&receiver->lock, NULL);
    return receiver;
}

/* ---- the thread that sends ------------------------------------------------------------------- */

/* How many queues packets arrive in; 1 when the driver does not say. */
static uint32_t queues_of(const struct xdp_receiver *receiver, const char *name) {
    struct ethtool_channels channels = {.cmd = ETHTOOL_GCHANNELS};
    struct ifreq request;
    int fd = host_namespace_open(receiver->ns, AF_UNIX, SOCK_DGRAM, 0);
    memset(&request, 0, sizeof request);
    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
    request.ifr_data = (char *)&channels;
    if (fd < 0)
        return 1;
    bool is_told = ioctl(fd, SIOCETHTOOL, &request) == 0;
    close(fd);
    return is_told ? channels.rx_count + channels.combined_count : 1;
}

static const char *why_no_program(int error) {
    switch (-error) {
    case EPERM:
    case EACCES:
        return "it needs the capabilities CAP_BPF and CAP_NET_ADMIN";
    case EBUSY:
    case EEXIST:
        return "there is an XDP program of somebody else's";
    case ENOSYS:
    case EINVAL:
        return "this kernel has no XDP links (Linux 5.9)";
    default:
        return strerror(-error);
    }
}

struct xdp_program *xdp_receiver_prepare(struct xdp_receiver *receiver,
                                         const struct netlink_device *link, uint32_t frame_bytes,
                                         char why[XDP_RECEIVER_WHY_BYTES]) {
    struct xdp_program_options options = {.ns = receiver->ns,
                                          .interface_index = link->index,
                                          .limit_bytes = frame_bytes - XDP_RING_HEADROOM_BYTES};
    struct xdp_program *program = NULL;
    memcpy(options.mac, link->mac, sizeof options.mac);
    uint32_t queues = queues_of(receiver, link->name);
    if (link->mtu_bytes + ETHER_FRAME_LINK_BYTES > options.limit_bytes) {
        snprintf(why, XDP_RECEIVER_WHY_BYTES, "its MTU is above %u", XDP_RECEIVER_MAX_MTU);
        return NULL;
    }
    if (queues > 1) {
        snprintf(why, XDP_RECEIVER_WHY_BYTES, "it receives in %u queues, not one", queues);
        return NULL;
    }
    int error = xdp_program_new(&program, &options);
    if (error)
        snprintf(why, XDP_RECEIVER_WHY_BYTES, "%s", why_no_program(error));
    return program;
}

static int watch(const struct xdp_receiver *receiver, const struct intake *intake) {
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = receiver->epoll_data};
    if (receiver->epoll_fd < 0 || receiver->is_dozing)
        return 0;
    return epoll_ctl(receiver->epoll_fd, EPOLL_CTL_ADD, intake->fd, &event) ? -errno : 0;
}

/* A forked child may have the socket, too: closing it does not end the watch. */
static void unwatch(const struct xdp_receiver *receiver, const struct intake *intake) {
    if (receiver->epoll_fd >= 0 && !receiver->is_dozing)
        epoll_ctl(receiver->epoll_fd, EPOLL_CTL_DEL, intake->fd, NULL);
}

static int start(struct xdp_receiver *receiver, struct intake *intake) {
    xdp_program_set_ports(intake->program, receiver->ports);
    int error =
        xdp_program_set_addresses(intake->program, receiver->addresses, receiver->address_count);
    if (!error)
        error = watch(receiver, intake);
    if (!error) {
        error = xdp_program_set_socket(intake->program, intake->fd);
        if (error)
            unwatch(receiver, intake);
    }
    return error;
}

static struct intake *find(struct xdp_receiver *receiver, const struct xdp_ring *ring) {
    for (size_t i = 0; i < MAX_INTAKES; i++)
        if (receiver->intakes[i].ring == ring)
            return &receiver->intakes[i];
    return NULL;
}

int xdp_receiver_add(struct xdp_receiver *receiver, struct xdp_ring *ring, int fd,
                     struct xdp_program *program) {
    int socket_fd = xdp_ring_receive(ring, fd), error = socket_fd < 0 ? socket_fd : 0;
    pthread_mutex_lock(&receiver->lock);
    struct intake *intake = find(receiver, NULL);
    if (!error && !intake)
        error = -ENOSPC;
    if (!error) {
        *intake = (struct intake){.ring = ring,
                                  .program = program,
                                  .interface_index = xdp_ring_interface(ring),
                                  .fd = socket_fd};
        error = start(receiver, intake);
        if (error)
            intake->ring = NULL;
    }
    pthread_mutex_unlock(&receiver->lock);
    if (error)
        xdp_program_delete(program);
    return error;
}

void xdp_receiver_set_mac(struct xdp_receiver *receiver, const struct xdp_ring *ring,
                          const uint8_t mac[ETHER_FRAME_MAC_BYTES]) {
    pthread_mutex_lock(&receiver->lock);
    struct intake *intake = find(receiver, ring);
    if (intake && intake->program)
        xdp_program_set_mac(intake->program, mac);
    pthread_mutex_unlock(&receiver->lock);
}

/* From now on the kernel has what arrives. */
static void leave(const struct xdp_receiver *receiver, struct intake *intake) {
    xdp_program_delete(intake->program);
    intake->program = NULL;
    unwatch(receiver, intake);
    xdp_ring_close(intake->ring);
    intake->is_closed = true;
}

static void dispose_if_unused(struct intake *intake) {
    if (!intake->is_closed || intake->borrowed > 0)
        return;
    xdp_ring_delete(intake->ring);
    intake->ring = NULL;
}

bool xdp_receiver_remove(struct xdp_receiver *receiver, struct xdp_ring *ring) {
    pthread_mutex_lock(&receiver->lock);
    struct intake *intake = find(receiver, ring);
    if (intake) {
        leave(receiver, intake);
        dispose_if_unused(intake);
    }
    pthread_mutex_unlock(&receiver->lock);
    return intake != NULL;
}

/* ---- the thread that tells ------------------------------------------------------------------- */

void xdp_receiver_watch(struct xdp_receiver *receiver, int epoll_fd, uint64_t data) {
    pthread_mutex_lock(&receiver->lock);
    for (size_t i = 0; i < MAX_INTAKES; i++)
        if (receiver->intakes[i].ring && !receiver->intakes[i].is_closed)
            unwatch(receiver, &receiver->intakes[i]);
    receiver->epoll_fd = epoll_fd;
    receiver->epoll_data = data;
    for (size_t i = 0; i < MAX_INTAKES; i++)
        if (receiver->intakes[i].ring && !receiver->intakes[i].is_closed)
            (void)watch(receiver, &receiver->intakes[i]);
    pthread_mutex_unlock(&receiver->lock);
}

void xdp_receiver_doze(struct xdp_receiver *receiver) {
    pthread_mutex_lock(&receiver->lock);
    for (size_t i = 0; i < MAX_INTAKES && !receiver->is_dozing; i++)
        if (receiver->intakes[i].ring && !receiver->intakes[i].is_closed)
            unwatch(receiver, &receiver->intakes[i]);
    receiver->is_dozing = true;
    pthread_mutex_unlock(&receiver->lock);
}

void xdp_receiver_rouse(struct xdp_receiver *receiver) {
    pthread_mutex_lock(&receiver->lock);
    bool was_dozing = receiver->is_dozing;
    receiver->is_dozing = false;
    for (size_t i = 0; i < MAX_INTAKES && was_dozing; i++) {
        struct intake *intake = &receiver->intakes[i];
        /* What nobody would be woken for goes to the raw socket from now on. */
        if (intake->ring && !intake->is_closed && watch(receiver, intake) != 0) {
            xdp_program_delete(intake->program);
            intake->program = NULL;
        }
    }
    pthread_mutex_unlock(&receiver->lock);
}

bool xdp_receiver_has(struct xdp_receiver *receiver) {
    bool has_one = false;
    pthread_mutex_lock(&receiver->lock);
    for (size_t i = 0; i < MAX_INTAKES && !has_one; i++) {
        const struct intake *intake = &receiver->intakes[i];
        has_one = intake->ring && !intake->is_closed && xdp_ring_has(intake->ring);
    }
    pthread_mutex_unlock(&receiver->lock);
    return has_one;
}

void xdp_receiver_set_ports(struct xdp_receiver *receiver, const uint64_t *set) {
    pthread_mutex_lock(&receiver->lock);
    memcpy(receiver->ports, set, sizeof receiver->ports);
    for (size_t i = 0; i < MAX_INTAKES; i++)
        if (receiver->intakes[i].ring && receiver->intakes[i].program)
            xdp_program_set_ports(receiver->intakes[i].program, set);
    pthread_mutex_unlock(&receiver->lock);
}

void xdp_receiver_set_addresses(struct xdp_receiver *receiver,
                                const struct usctp_local_address *addresses, size_t n) {
    pthread_mutex_lock(&receiver->lock);
    receiver->address_count = n < XDP_PROGRAM_MAX_ADDRESSES ? n : XDP_PROGRAM_MAX_ADDRESSES;
    if (n > 0)
        memcpy(receiver->addresses, addresses, receiver->address_count * sizeof *addresses);
    for (size_t i = 0; i < MAX_INTAKES; i++) {
        struct intake *intake = &receiver->intakes[i];
        if (!intake->ring || !intake->program)
            continue;
        /* What is not the host's any more must not be taken: better nothing then. */
        if (xdp_program_set_addresses(intake->program, receiver->addresses,
                                      receiver->address_count)) {
            xdp_program_delete(intake->program);
            intake->program = NULL;
        }
    }
    pthread_mutex_unlock(&receiver->lock);
}

/* ---- the thread that receives ---------------------------------------------------------------- */

void xdp_receiver_release(struct xdp_receiver *receiver) {
    if (!receiver->has_borrowed)
        return;
    receiver->has_borrowed = false;
    pthread_mutex_lock(&receiver->lock);
    for (size_t i = 0; i < MAX_INTAKES; i++) {
        struct intake *intake = &receiver->intakes[i];
        if (!intake->ring || intake->borrowed == 0)
            continue;
        xdp_ring_give(intake->ring, intake->frames, intake->borrowed);
        intake->borrowed = 0;
        dispose_if_unused(intake);
    }
    pthread_mutex_unlock(&receiver->lock);
}

/* Returns how many of what an interface has are packets to be used. */
static size_t take_from(struct intake *intake, struct usctp_packet *packets, size_t max,
                        size_t *bad) {
    size_t count = 0;
    if (max > MAX_FRAMES - intake->borrowed)
        max = MAX_FRAMES - intake->borrowed;
    size_t n = xdp_ring_take(intake->ring, intake->frames + intake->borrowed, max);
    for (size_t i = intake->borrowed; i < intake->borrowed + n; i++) {
        struct usctp_packet *packet = &packets[count];
        if (!ether_frame_read(intake->frames[i].data, intake->frames[i].bytes, packet)) {
            ++*bad;
            continue;
        }
        packet->interface_index = intake->interface_index;
        if (addr_scope(&packet->source) == ADDR_SCOPE_LINK_LOCAL &&
            packet->source.family == USCTP_FAMILY_IPV6)
            packet->source.scope_id = intake->interface_index;
        count++;
    }
    intake->borrowed += n;
    return count;
}

size_t xdp_receiver_take(struct xdp_receiver *receiver, struct usctp_packet *packets, size_t max,
                         size_t *bad) {
    size_t count = 0;
    *bad = 0;
    pthread_mutex_lock(&receiver->lock);
    for (size_t k = 0; k < MAX_INTAKES && count < max; k++) {
        struct intake *intake = &receiver->intakes[(receiver->first + k) % MAX_INTAKES];
        if (!intake->ring || intake->is_closed)
            continue;
        count += take_from(intake, packets + count, max - count, bad);
        receiver->has_borrowed |= intake->borrowed > 0;
    }
    receiver->first = (receiver->first + 1) % MAX_INTAKES;
    pthread_mutex_unlock(&receiver->lock);
    return count;
}

/* ---- life ------------------------------------------------------------------------------------ */

void xdp_receiver_delete(struct xdp_receiver *receiver) {
    if (!receiver)
        return;
    for (size_t i = 0; i < MAX_INTAKES; i++) {
        struct intake *intake = &receiver->intakes[i];
        if (!intake->ring)
            continue;
        if (!intake->is_closed)
            leave(receiver, intake);
        xdp_ring_delete(intake->ring);
    }
    pthread_mutex_destroy(&receiver->lock);
    free(receiver);
}

void xdp_receiver_forget(struct xdp_receiver *receiver) {
    if (!receiver)
        return;
    for (size_t i = 0; i < MAX_INTAKES; i++)
        if (receiver->intakes[i].ring)
            xdp_program_forget(receiver->intakes[i].program);
    free(receiver);
}
