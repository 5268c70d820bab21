/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The transport's own view of itself, for transport.c, transport_receive.c, transport_send.c and
 * their tests.
 *
 * One thread may send, one receive and one do everything else at the same time: they share the
 * sockets' descriptors, the ring of ICMP errors, which has a lock, and the counters and the map of
 * claimed ports, which are atomic.
 */
#ifndef NET_TRANSPORT_INSIDE_H
#define NET_TRANSPORT_INSIDE_H

#include "net/host_namespace.h"
#include "net/host_network.h"
#include "net/host_speaker.h"
#include "net/icmp_errors.h"
#include "net/packet_socket.h"
#include "net/port_claim.h"
#include "net/transport.h"
#include "net/xdp_sender.h"

#include <netinet/in.h>
#include <sys/socket.h>

#define TRANSPORT_BATCH           64u /* packets a system call, either way */
#define TRANSPORT_RECEIVE_CONTROL 256u
#define TRANSPORT_SEND_CONTROL    128u
#define TRANSPORT_SLOT_BYTES      65536u
/*
 * From slot to slot: the packets of a batch, mostly a few KB at the start of their slot, would
 * share the same few cache sets if slots were a power of two apart.
 */
#define TRANSPORT_SLOT_STRIDE       (TRANSPORT_SLOT_BYTES + 1600u)
#define TRANSPORT_SEND_DELAY_US     100u
#define TRANSPORT_SEND_DELAY_MAX_US 5000u
/*
 * How often a packet finds no room before it is given up: half a second, longer than a queue of any
 * device that still sends. One that does not must not stop what goes by others: further packets to
 * the same place are then given up at once, until one gets through.
 */
#define TRANSPORT_SEND_TRIES 100u

/* Index of a socket in struct transport. */
enum transport_way { WAY_RAW_IPV4, WAY_RAW_IPV6, WAY_UDP_IPV4, WAY_UDP_IPV6, WAY_COUNT };
#define WAY_XDP WAY_COUNT /* in only, beside them */
#define WAYS_IN (WAY_COUNT + 1)

struct transport_receiver {
    uint8_t *slots;     /* TRANSPORT_BATCH of them, pages touched when packets need them */
    unsigned first_way; /* the socket that is looked at first; they take turns */
    /* What each message is set up for; none once the kernel has written to it. */
    const struct packet_socket *prepared[TRANSPORT_BATCH];
    struct mmsghdr messages[TRANSPORT_BATCH];
    struct iovec vectors[TRANSPORT_BATCH];
    struct sockaddr_in6 names[TRANSPORT_BATCH];
    _Alignas(struct cmsghdr) uint8_t controls[TRANSPORT_BATCH][TRANSPORT_RECEIVE_CONTROL];
};

/* One message of a batch: which bytes of which packet it carries. */
struct transport_piece {
    size_t packet;
    uint32_t offset, bytes;
    unsigned segments;
};

struct transport_sender {
    uint32_t delay_us;
    unsigned no_room;        /* how often the first packet to be sent has found no room */
    struct usctp_addr stuck; /* where one was given up for want of room, and none sent since */
    bool single;             /* the run that is being sent goes segment by segment */
    struct transport_piece pieces[TRANSPORT_BATCH];
    struct mmsghdr messages[TRANSPORT_BATCH];
    struct iovec vectors[TRANSPORT_BATCH];
    struct sockaddr_in6 names[TRANSPORT_BATCH];
    _Alignas(struct cmsghdr) uint8_t controls[TRANSPORT_BATCH][TRANSPORT_SEND_CONTROL];
    bool has_reported; /* something of ours is among the errors */
};

struct transport {
    struct packet_socket sockets[WAY_COUNT];
    uint16_t udp_port;
    struct host_namespace *ns;
    struct host_network *network;
    struct port_claims *claims;
    struct host_speaker *speaker; /* NULL: no raw sockets */
    struct xdp_sender *xdp;       /* NULL: not asked for */
    struct xdp_receiver *xdp_in;  /* NULL: not asked for */
    uint64_t filter_generation;   /* of the claims and the speaker that the filters show */
    uint64_t told_generation;     /* of the claims that the host's speaker was told of */
    struct icmp_errors errors;
    struct icmp_error taken;            /* the quoted bytes of the last transport_next_icmp */
    struct transport_counters counters; /* atomically changed */
    struct transport_receiver receiver;
    struct transport_sender sender;
};

static inline void transport_count(uint64_t *counter, uint64_t n) {
    __atomic_fetch_add(counter, n, __ATOMIC_RELAXED);
}

#endif
