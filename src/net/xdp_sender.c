/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ways by AF_XDP (see xdp_sender.h): a table of destinations and one of devices, each with the time
 * when it was last asked for. RFC 9260 6.9 for what may be fragmented, which is the kernel's work.
 */
#include "net/xdp_sender.h"

#include "core/addr.h"
#include "net/ether_frame.h"
#include "net/next_hop.h"

#include <errno.h>
#include <net/if_arp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef AF_XDP
#define AF_XDP 44
#endif

enum {
    HOPS = 1024, /* a power of two; a newcomer displaces who is in its place */
    MAX_DEVICES = 16,
    MAX_NOTICES = 16,
    SPARES = 4, /* sockets from when there was the privilege: a ring each, while there is none */
    NEIGHBOUR_MS = 500, /* how long a good neighbour is believed */
    UNRESOLVED_MS = 10, /* and one that is not */
    DEVICE_MS = 1000,   /* how long a device is believed, and how soon a binding is tried again */
    REBINDING_MS = 100, /* the same, while the last owner's binding may just be going */
    REBINDINGS = 5,     /* so often */
    NAME_BYTES = 120,
};

struct device {
    uint32_t index; /* 0: free */
    struct netlink_device link;
    uint64_t looked_ms, retry_ms; /* when it was asked for; when a ring may be tried */
    unsigned busy_count;
    bool is_usable, is_told, is_deafness_told;
    struct xdp_ring *ring;
};

struct hop {
    bool is_known, is_reachable;
    struct usctp_addr destination, asked_source;
    uint32_t asked_interface, generation;
    struct next_hop way;
    uint64_t looked_ms; /* at the neighbour */
    uint8_t mac[NETLINK_MAC_BYTES];
    struct device *device; /* NULL: none that has a ring */
};

struct xdp_sender {
    struct xdp_sender_options options;
    bool is_off;
    uint64_t now_ms;
    uint32_t generation; /* atomic */
    int spares[SPARES];
    unsigned spare_count;
    struct netlink_socket netlink;
    struct hop *last; /* of the packet asked for last */
    struct xdp_ring *offered_ring;
    uint32_t offered;    /* at the end of offered_ring: segments that will be offered again */
    size_t memory_bytes; /* atomic */
    bool is_full_told;
    struct device devices[MAX_DEVICES];
    struct hop hops[HOPS];
    uint8_t buffer[NETLINK_SOCKET_BUFFER_BYTES];
    pthread_mutex_t lock; /* of what follows */
    size_t first_notice, notice_count;
    bool has_news;
    char notices[MAX_NOTICES][XDP_SENDER_NOTICE_BYTES];
};

/* ---- what the user is told ------------------------------------------------------------------- */

/* `is` and `are`: what it does not do there, and raw sockets do. */
struct notice {
    const char *is, *are, *where, *why;
};

static void add_notice(struct xdp_sender *x, struct notice notice) {
    pthread_mutex_lock(&x->lock);
    if (x->notice_count < MAX_NOTICES) {
        size_t at = (x->first_notice + x->notice_count++) % MAX_NOTICES;
        snprintf(x->notices[at], XDP_SENDER_NOTICE_BYTES, "AF_XDP %s%s%s, raw sockets %s: %s",
                 notice.is, *notice.where ? " on " : "", notice.where, notice.are, notice.why);
        x->has_news = true;
    }
    pthread_mutex_unlock(&x->lock);
}

static void tell(struct xdp_sender *x, const char *where, const char *why) {
    add_notice(x, (struct notice){"is not used", "are", where, why});
}

static void tell_once(struct xdp_sender *x, struct device *device, const char *why) {
    if (!device->is_told)
        tell(x, device->link.name, why);
    device->is_told = true;
}

static void tell_deafness_once(struct xdp_sender *x, struct device *device, const char *why) {
    if (!device->is_deafness_told)
        add_notice(x, (struct notice){"does not receive", "do", device->link.name, why});
    device->is_deafness_told = true;
}

bool xdp_sender_notice(struct xdp_sender *x, char text[XDP_SENDER_NOTICE_BYTES]) {
    pthread_mutex_lock(&x->lock);
    bool has_one = x->notice_count > 0;
    if (has_one) {
        memcpy(text, x->notices[x->first_notice], XDP_SENDER_NOTICE_BYTES);
        x->first_notice = (x->first_notice + 1) % MAX_NOTICES;
        x->notice_count--;
    }
    pthread_mutex_unlock(&x->lock);
    return has_one;
}

bool xdp_sender_has_news(struct xdp_sender *x) {
    if (x->is_off)
        return false;
    pthread_mutex_lock(&x->lock);
    bool has_news = x->has_news;
    x->has_news = false;
    pthread_mutex_unlock(&x->lock);
    return has_news;
}

/* ---- devices --------------------------------------------------------------------------------- */

static void close_ring(struct xdp_sender *x, struct device *device) {
    if (!device->ring)
        return;
    if (x->offered_ring == device->ring)
        x->offered = 0;
    __atomic_fetch_sub(&x->memory_bytes, xdp_ring_bytes(device->ring), __ATOMIC_RELAXED);
    if (!x->options.receiver || !xdp_receiver_remove(x->options.receiver, device->ring))
        xdp_ring_delete(device->ring);
    device->ring = NULL;
}

static const char *why_no_ring(int error) {
    switch (-error) {
    case EBUSY:
        return "all of its queues have an AF_XDP socket of somebody else's";
    case EPERM:
    case EACCES:
        return "the process has not the capability CAP_NET_RAW any more";
    case ENOBUFS:
        return "RLIMIT_MEMLOCK is too low, and the capability CAP_IPC_LOCK is missing";
    default:
        return strerror(-error);
    }
}

/* What makes a device unfit for frames of ours, or NULL. */
static const char *unfitness(const struct netlink_device *link, char text[NAME_BYTES]) {
    if (link->is_loopback || link->hardware != ARPHRD_ETHER || !link->has_mac)
        return link->is_loopback ? "it is the loopback device" : "it is no Ethernet";
    if (link->kind[0] && strcmp(link->kind, "veth") != 0) {
        snprintf(text, NAME_BYTES, "it is no device of its own, but of the kind %s", link->kind);
        return text;
    }
    if (link->mtu_bytes + ETHER_FRAME_LINK_BYTES > XDP_RING_LARGE_FRAME) {
        snprintf(text, NAME_BYTES, "its MTU is above %u",
                 XDP_RING_LARGE_FRAME - ETHER_FRAME_LINK_BYTES);
        return text;
    }
    return NULL;
}

static uint32_t frame_bytes(const struct xdp_sender *x, const struct netlink_device *link) {
    uint32_t headroom = x->options.receiver ? XDP_RING_HEADROOM_BYTES : 0;
    bool is_small = headroom + link->mtu_bytes + ETHER_FRAME_LINK_BYTES <= XDP_RING_SMALL_FRAME;
    return is_small ? XDP_RING_SMALL_FRAME : XDP_RING_LARGE_FRAME;
}

/* Returns an AF_XDP socket or a negative errno. */
static int open_socket(struct xdp_sender *x) {
    int fd = host_namespace_open(x->options.ns, AF_XDP, SOCK_RAW, 0);
    return fd < 0 && x->spare_count > 0 ? x->spares[--x->spare_count] : fd;
}

static int make_ring(struct xdp_sender *x, struct device *device, bool receives) {
    const struct xdp_ring_options options = {.interface_index = device->index,
                                             .frame_bytes = frame_bytes(x, &device->link),
                                             .send_buffer_bytes = x->options.send_buffer_bytes,
                                             .receives = receives};
    int fd = open_socket(x);
    return fd < 0 ? fd : xdp_ring_new(&device->ring, fd, &options);
}

/* Has the ring of a device receive, with the program that was prepared, or tells why not. */
static void start_receiving(struct xdp_sender *x, struct device *device,
                            struct xdp_program *program, const char *why) {
    if (!x->options.receiver)
        return;
    if (program) {
        int fd = open_socket(x);
        int error = fd < 0 ? fd : xdp_receiver_add(x->options.receiver, device->ring, fd, program);
        if (fd < 0)
            xdp_program_delete(program);
        if (!error)
            return;
        why = why_no_ring(error);
    }
    tell_deafness_once(x, device, why);
}

/* The program first: without it no memory is needed for what arrives. */
static void open_ring(struct xdp_sender *x, struct device *device) {
    char why[XDP_RECEIVER_WHY_BYTES] = "";
    struct xdp_program *program = NULL;
    if (x->options.receiver)
        program = xdp_receiver_prepare(x->options.receiver, &device->link,
                                       frame_bytes(x, &device->link), why);
    int error = make_ring(x, device, program != NULL);
    if (error == -ENOBUFS && program) {
        xdp_program_delete(program);
        program = NULL;
        snprintf(why, sizeof why, "%s", why_no_ring(error));
        error = make_ring(x, device, false);
    }
    if (!error) {
        device->busy_count = 0;
        __atomic_fetch_add(&x->memory_bytes, xdp_ring_bytes(device->ring), __ATOMIC_RELAXED);
        start_receiving(x, device, program, why);
        return;
    }
    xdp_program_delete(program);
    bool is_going = error == -EBUSY && ++device->busy_count < REBINDINGS;
    device->retry_ms = x->now_ms + (is_going ? REBINDING_MS : DEVICE_MS);
    if (!is_going)
        tell_once(x, device, why_no_ring(error));
}

static void look_at_device(struct xdp_sender *x, struct device *device) {
    char text[NAME_BYTES];
    uint8_t mac[NETLINK_MAC_BYTES];
    memcpy(mac, device->link.mac, sizeof mac);
    device->looked_ms = x->now_ms;
    if (next_hop_device(&x->netlink, device->index, &device->link)) {
        close_ring(x, device);
        *device = (struct device){.index = 0};
        return;
    }
    const char *why = unfitness(&device->link, text);
    if (why)
        tell_once(x, device, why);
    device->is_usable = !why && device->link.is_up;
    if (device->ring &&
        (!device->is_usable || frame_bytes(x, &device->link) != xdp_ring_frame_bytes(device->ring)))
        close_ring(x, device);
    if (device->ring && x->options.receiver && memcmp(mac, device->link.mac, sizeof mac) != 0)
        xdp_receiver_set_mac(x->options.receiver, device->ring, device->link.mac);
}

static struct device *device_of(struct xdp_sender *x, uint32_t interface_index) {
    struct device *unused = NULL;
    for (size_t i = 0; i < MAX_DEVICES; i++) {
        if (x->devices[i].index == interface_index)
            return &x->devices[i];
        if (!unused && x->devices[i].index == 0)
            unused = &x->devices[i];
    }
    if (!unused) {
        if (!x->is_full_told)
            tell(x, "further devices", "there are too many");
        x->is_full_told = true;
        return NULL;
    }
    *unused = (struct device){.index = interface_index};
    look_at_device(x, unused);
    return unused->index ? unused : NULL;
}

/* Whether a device has a ring now. */
static bool has_ring(struct xdp_sender *x, struct device *device) {
    if (x->now_ms - device->looked_ms >= DEVICE_MS)
        look_at_device(x, device);
    if (device->is_usable && !device->ring && x->now_ms >= device->retry_ms)
        open_ring(x, device);
    return device->ring != NULL;
}

/* ---- destinations ---------------------------------------------------------------------------- */

static size_t slot_of(const struct usctp_packet *packet) {
    const struct usctp_addr *addresses[2] = {&packet->destination, &packet->source};
    uint64_t hash = packet->interface_index;
    for (size_t i = 0; i < 2; i++) {
        uint64_t parts[2] = {0, 0};
        if (addresses[i]->family == USCTP_FAMILY_IPV4)
            memcpy(parts, addresses[i]->ipv4, sizeof addresses[i]->ipv4);
        else if (addresses[i]->family == USCTP_FAMILY_IPV6)
            memcpy(parts, addresses[i]->ipv6, sizeof addresses[i]->ipv6);
        hash = ((hash ^ parts[0]) * 0x9e3779b97f4a7c15u) + parts[1];
        hash = (hash ^ hash >> 32) * 0x9e3779b97f4a7c15u;
    }
    return (size_t)(hash >> 54) % HOPS;
}

static bool is_for(const struct hop *hop, const struct usctp_packet *packet) {
    return hop->is_known && hop->asked_interface == packet->interface_index &&
           addr_equal(&hop->destination, &packet->destination) &&
           addr_equal(&hop->asked_source, &packet->source);
}

static void ask_route(struct xdp_sender *x, struct hop *hop, const struct usctp_packet *packet) {
    const struct netlink_question question = {.destination = &packet->destination,
                                              .source = &packet->source,
                                              .interface_index = packet->destination.scope_id
                                                                     ? packet->destination.scope_id
                                                                     : packet->interface_index};
    *hop = (struct hop){.is_known = true,
                        .destination = packet->destination,
                        .asked_source = packet->source,
                        .asked_interface = packet->interface_index,
                        .generation = __atomic_load_n(&x->generation, __ATOMIC_ACQUIRE)};
    /* Without a route the raw socket is told so. */
    if (next_hop_route(&x->netlink, &question, &hop->way) || hop->way.interface_index == 0 ||
        hop->way.source.family == USCTP_FAMILY_NONE)
        return;
    hop->device = device_of(x, hop->way.interface_index);
    if (hop->device && hop->way.is_encapsulated) {
        tell_once(x, hop->device, "a route by it puts something around the packets");
        hop->device = NULL;
    }
}

static void ask_neighbour(struct xdp_sender *x, struct hop *hop) {
    uint64_t limit_ms = hop->is_reachable ? NEIGHBOUR_MS : UNRESOLVED_MS;
    if (hop->looked_ms != 0 && x->now_ms - hop->looked_ms < limit_ms)
        return;
    hop->looked_ms = x->now_ms;
    hop->is_reachable = next_hop_neighbour(&x->netlink, &hop->way, hop->mac);
}

static struct hop *hop_of(struct xdp_sender *x, const struct usctp_packet *packet) {
    if (x->last && is_for(x->last, packet))
        return x->last;
    struct hop *hop = &x->hops[slot_of(packet)];
    bool is_current = is_for(hop, packet) &&
                      hop->generation == __atomic_load_n(&x->generation, __ATOMIC_ACQUIRE) &&
                      (!hop->device || hop->device->index == hop->way.interface_index);
    if (!is_current)
        ask_route(x, hop, packet);
    if (hop->device && has_ring(x, hop->device))
        ask_neighbour(x, hop);
    x->last = hop;
    return hop;
}

static uint32_t mtu_of(const struct hop *hop) {
    uint32_t link = hop->device->link.mtu_bytes, route = hop->way.mtu_bytes;
    return route && route < link ? route : link;
}

void xdp_sender_begin(struct xdp_sender *x) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    x->now_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000 + 1;
    x->last = NULL;
}

struct xdp_ring *xdp_sender_ring(struct xdp_sender *x, const struct usctp_packet *packet,
                                 uint32_t segment_bytes) {
    if (x->is_off || (packet->flags & USCTP_PACKET_MAY_FRAGMENT))
        return NULL;
    uint32_t ip_bytes = ether_frame_ip_bytes(&packet->destination);
    if (ip_bytes == 0 || (packet->source.family != USCTP_FAMILY_NONE &&
                          packet->source.family != packet->destination.family))
        return NULL;
    const struct hop *hop = hop_of(x, packet);
    /* What is longer, the raw socket refuses and tells how long it may be. */
    if (!hop->device || !hop->device->ring || !hop->is_reachable ||
        ip_bytes + segment_bytes > mtu_of(hop))
        return NULL;
    return hop->device->ring;
}

/* ---- sending --------------------------------------------------------------------------------- */

uint32_t xdp_sender_offered(struct xdp_sender *x, const struct xdp_ring *ring) {
    if (x->offered_ring != ring)
        x->offered = 0;
    return x->offered;
}

static uint8_t hop_limit_of(const struct xdp_sender *x, const struct hop *hop,
                            const struct usctp_packet *packet) {
    if (packet->hop_limit)
        return packet->hop_limit;
    if (hop->way.hop_limit)
        return (uint8_t)hop->way.hop_limit;
    if (packet->destination.family == USCTP_FAMILY_IPV4)
        return x->options.ipv4_hop_limit;
    uint8_t of_device = hop->device->link.ipv6_hop_limit;
    return of_device ? of_device : x->options.ipv6_hop_limit;
}

bool xdp_sender_put(struct xdp_sender *x, const struct usctp_packet *packet, const uint8_t *segment,
                    uint32_t bytes) {
    const struct hop *hop = x->last;
    uint8_t *out = xdp_ring_frame(hop->device->ring);
    if (!out)
        return false;
    struct ether_frame frame = {.source = &hop->way.source,
                                .destination = &packet->destination,
                                .tos = packet->tos,
                                .hop_limit = hop_limit_of(x, hop, packet),
                                .flow_label = packet->flow_label};
    memcpy(frame.from, hop->device->link.mac, sizeof frame.from);
    memcpy(frame.to, hop->mac, sizeof frame.to);
    size_t headers = ether_frame_write(out, &frame, bytes);
    memcpy(out + headers, segment, bytes);
    xdp_ring_put(hop->device->ring, (uint32_t)headers + bytes);
    return true;
}

static void give_up(struct xdp_sender *x, const struct xdp_ring *ring) {
    for (size_t i = 0; i < MAX_DEVICES; i++) {
        struct device *device = &x->devices[i];
        if (device->ring != ring)
            continue;
        close_ring(x, device);
        device->is_usable = false; /* until it is looked at again */
        device->looked_ms = device->retry_ms = x->now_ms;
    }
    x->last = NULL;
}

uint32_t xdp_sender_send(struct xdp_sender *x, struct xdp_ring *ring, uint32_t count,
                         bool *is_gone) {
    *is_gone = xdp_ring_kick(ring) != 0;
    uint32_t left = xdp_ring_left(ring);
    if (left > count)
        left = count;
    x->offered_ring = ring;
    x->offered = left;
    if (*is_gone)
        give_up(x, ring);
    return count - left;
}

void xdp_sender_skip(struct xdp_sender *x) {
    if (x->offered > 0)
        x->offered--;
}

size_t xdp_sender_bytes(const struct xdp_sender *x) {
    return __atomic_load_n(&x->memory_bytes, __ATOMIC_RELAXED);
}

/* ---- life ------------------------------------------------------------------------------------ */

void xdp_sender_forget_routes(struct xdp_sender *x) {
    __atomic_fetch_add(&x->generation, 1, __ATOMIC_RELEASE);
}

/* Opens the spares. Returns why this process can have no AF_XDP socket, or NULL. */
static const char *prepare(struct xdp_sender *x) {
    if (x->options.obstacle)
        return x->options.obstacle;
    int fd = 0;
    while (x->spare_count < SPARES && fd >= 0) {
        fd = host_namespace_open(x->options.ns, AF_XDP, SOCK_RAW, 0);
        if (fd >= 0)
            x->spares[x->spare_count++] = fd;
    }
    if (x->spare_count > 0)
        return NULL;
    if (fd == -EAFNOSUPPORT)
        return "this kernel has none";
    return fd == -EPERM ? "it needs the capability CAP_NET_RAW" : strerror(-fd);
}

static void close_sockets(struct xdp_sender *x) {
    while (x->spare_count > 0)
        close(x->spares[--x->spare_count]);
    netlink_socket_close(&x->netlink);
}

int xdp_sender_new(struct xdp_sender **out, const struct xdp_sender_options *options) {
    struct xdp_sender *x = calloc(1, sizeof *x);
    *out = NULL;
    if (!x)
        return -ENOMEM;
    x->options = *options;
    pthread_mutex_init(&x->lock, NULL);
    int error = netlink_socket_open(&x->netlink, 0, x->buffer);
    if (error) {
        xdp_sender_delete(x);
        return error;
    }
    const char *why = prepare(x);
    x->is_off = why != NULL;
    if (why)
        tell(x, "", why);
    *out = x;
    return 0;
}

void xdp_sender_delete(struct xdp_sender *x) {
    if (!x)
        return;
    for (size_t i = 0; i < MAX_DEVICES; i++)
        close_ring(x, &x->devices[i]);
    close_sockets(x);
    pthread_mutex_destroy(&x->lock);
    free(x);
}

void xdp_sender_forget(struct xdp_sender *x) {
    if (!x)
        return;
    for (size_t i = 0; i < MAX_DEVICES; i++)
        xdp_ring_forget(x->devices[i].ring);
    close_sockets(x);
    free(x);
}
