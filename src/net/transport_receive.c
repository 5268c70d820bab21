/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The receiving half of the transport: the caller, or one poll(), says which sockets have packets
 * or errors, recvmmsg() takes them in batches, and headers and ancillary data become packet
 * descriptors. What came by AF_XDP (xdp_receiver.h) joins them. A raw IPv4 packet comes with its IP
 * header, a raw IPv6 packet from its SCTP header on, a UDP datagram as a run when the kernel has
 * joined several (UDP_GRO). RFC 6951 5.4.
 */
#include "net/transport_inside.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <poll.h>
#include <string.h>

#define MIN_PORTS_BYTES   4u /* source and destination port, RFC 9260 3.1 */
#define FLOW_LABEL_MASK   0x000fffffu
#define MAX_RECEIVE_TRIES 3u
#define MAX_ROUNDS        8u

#ifndef IPV6_FLOWINFO
#define IPV6_FLOWINFO 11
#endif

static void prepare(struct transport_receiver *r, const struct packet_socket *s, size_t first,
                    size_t n) {
    for (size_t i = first; i < first + n; i++) {
        if (r->prepared[i] == s)
            continue;
        r->prepared[i] = s;
        r->vectors[i].iov_base = r->slots + i * TRANSPORT_SLOT_STRIDE;
        r->vectors[i].iov_len = TRANSPORT_SLOT_BYTES;
        struct msghdr *header = &r->messages[i].msg_hdr;
        *header = (struct msghdr){.msg_iov = &r->vectors[i], .msg_iovlen = 1};
        if (s->ipv6 || s->udp) { /* the raw IPv4 socket's packets say it themselves */
            header->msg_name = &r->names[i];
            header->msg_namelen = sizeof r->names[i];
        }
        header->msg_control = r->controls[i];
        header->msg_controllen = TRANSPORT_RECEIVE_CONTROL;
    }
}

static bool is_link_local(const struct usctp_addr *address) {
    return address->family == USCTP_FAMILY_IPV6 && address->ipv6[0] == 0xfe &&
           (address->ipv6[1] & 0xc0) == 0x80;
}

static void take_ipv4_control(const struct cmsghdr *c, struct usctp_packet *packet) {
    if (c->cmsg_type == IP_PKTINFO) {
        struct in_pktinfo info;
        memcpy(&info, CMSG_DATA(c), sizeof info);
        packet->interface_index = (uint32_t)info.ipi_ifindex;
        packet->destination.family = USCTP_FAMILY_IPV4;
        memcpy(packet->destination.ipv4, &info.ipi_addr, sizeof info.ipi_addr);
    } else if (c->cmsg_type == IP_TOS) {
        packet->tos = *CMSG_DATA(c);
    }
}

static void take_ipv6_control(const struct cmsghdr *c, struct usctp_packet *packet) {
    if (c->cmsg_type == IPV6_PKTINFO) {
        struct in6_pktinfo info;
        memcpy(&info, CMSG_DATA(c), sizeof info);
        packet->interface_index = info.ipi6_ifindex;
        packet->destination.family = USCTP_FAMILY_IPV6;
        memcpy(packet->destination.ipv6, &info.ipi6_addr, sizeof info.ipi6_addr);
        if (is_link_local(&packet->destination))
            packet->destination.scope_id = info.ipi6_ifindex;
    } else if (c->cmsg_type == IPV6_TCLASS) {
        int tclass;
        memcpy(&tclass, CMSG_DATA(c), sizeof tclass);
        packet->tos = (uint8_t)tclass;
    } else if (c->cmsg_type == IPV6_FLOWINFO) {
        uint32_t info;
        memcpy(&info, CMSG_DATA(c), sizeof info);
        packet->flow_label = ntohl(info) & FLOW_LABEL_MASK;
    }
}

static void take_controls(struct msghdr *header, struct usctp_packet *packet) {
    for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
        if (c->cmsg_level == IPPROTO_IP) {
            take_ipv4_control(c, packet);
        } else if (c->cmsg_level == IPPROTO_IPV6) {
            take_ipv6_control(c, packet);
        } else if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO) {
            int bytes;
            memcpy(&bytes, CMSG_DATA(c), sizeof bytes);
            if (bytes > 0 && (uint32_t)bytes < packet->length)
                packet->segment_size = (uint32_t)bytes;
        }
    }
}

/* Returns the source's UDP port. */
static uint16_t take_name(const struct packet_socket *s, const struct sockaddr_in6 *name,
                          struct usctp_packet *packet) {
    if (s->ipv6) {
        packet->source.family = USCTP_FAMILY_IPV6;
        packet->source.scope_id = name->sin6_scope_id;
        memcpy(packet->source.ipv6, &name->sin6_addr, sizeof name->sin6_addr);
        return ntohs(name->sin6_port);
    }
    struct sockaddr_in ipv4;
    memcpy(&ipv4, name, sizeof ipv4);
    packet->source.family = USCTP_FAMILY_IPV4;
    memcpy(packet->source.ipv4, &ipv4.sin_addr, sizeof ipv4.sin_addr);
    return ntohs(ipv4.sin_port);
}

/* Takes the IP header off. False when there is none worth the name. */
static bool take_ipv4_header(struct usctp_packet *packet) {
    struct iphdr header;
    if (packet->length < sizeof header)
        return false;
    memcpy(&header, packet->data, sizeof header);
    uint32_t bytes = header.ihl * 4u;
    if (header.version != 4 || bytes < sizeof header || bytes > packet->length)
        return false;
    packet->tos = header.tos;
    packet->source.family = packet->destination.family = USCTP_FAMILY_IPV4;
    memcpy(packet->source.ipv4, &header.saddr, sizeof header.saddr);
    memcpy(packet->destination.ipv4, &header.daddr, sizeof header.daddr);
    packet->data += bytes;
    packet->length -= bytes;
    return true;
}

/* Whether a packet from a raw socket is for us: for a port of ours, or for nobody's where this
 * process speaks for the host. Others were queued before the filter changed, or let in by a joined
 * range. */
static bool is_for_us(struct transport *t, const struct usctp_packet *packet,
                      struct host_speaker_look *look) {
    if (packet->length < MIN_PORTS_BYTES)
        return false;
    uint16_t port = (uint16_t)(packet->data[2] << 8 | packet->data[3]);
    if (port_claim_passes(t->claims, port))
        return true;
    switch (host_speaker_judge(t->speaker, port, look)) {
    case HOST_SPEAKER_ANSWER:
        transport_count(&t->counters.strays, 1);
        return true;
    case HOST_SPEAKER_LIMITED:
        transport_count(&t->counters.strays_limited, 1);
        return false;
    case HOST_SPEAKER_IGNORE:
        break;
    }
    return false;
}

/* Makes a packet of a message. False for one that is to be dropped, which is counted. */
static bool take_message(struct transport *t, const struct packet_socket *s, size_t i,
                         struct usctp_packet *packet, struct host_speaker_look *look) {
    struct transport_receiver *r = &t->receiver;
    struct msghdr *header = &r->messages[i].msg_hdr;
    memset(packet, 0, sizeof *packet);
    packet->data = r->vectors[i].iov_base;
    packet->length = r->messages[i].msg_len;
    if (header->msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
        transport_count(&t->counters.truncated, 1);
        return false;
    }
    take_controls(header, packet);
    bool ours = true;
    if (s->udp) {
        packet->udp_source = take_name(s, &r->names[i], packet);
        packet->udp_destination = t->udp_port;
        /* Source port 0 cannot be answered, and means "not encapsulated" in a descriptor. */
        ours = packet->udp_source != 0 && packet->length > 0;
    } else {
        if (s->ipv6)
            take_name(s, &r->names[i], packet);
        else
            ours = take_ipv4_header(packet);
        ours = ours && is_for_us(t, packet, look);
    }
    if (!ours || packet->destination.family == USCTP_FAMILY_NONE) {
        transport_count(&t->counters.foreign, 1);
        return false;
    }
    return true;
}

/* Receives from one socket into the slots from `slot` on. Returns how many messages came. */
static size_t receive_messages(struct transport *t, const struct packet_socket *s, size_t slot,
                               size_t max) {
    struct transport_receiver *r = &t->receiver;
    prepare(r, s, slot, max);
    for (unsigned i = 0; i < MAX_RECEIVE_TRIES; i++) {
        int n = recvmmsg(s->fd, &r->messages[slot], (unsigned)max, MSG_DONTWAIT, NULL);
        transport_count(&t->counters.receive_calls, 1);
        if (n > 0) {
            for (size_t k = slot; k < slot + (size_t)n; k++)
                r->prepared[k] = NULL;
            return (size_t)n;
        }
        if (n == 0 || errno == EAGAIN)
            break;
        /* An ICMP error makes one call fail, whatever packets there are. */
        icmp_errors_drain(&t->errors, s->fd, s->udp);
    }
    return 0;
}

static void count_packet(struct transport *t, const struct usctp_packet *packet) {
    uint32_t each = packet->segment_size ? packet->segment_size : packet->length;
    transport_count(&t->counters.packets_in, (packet->length + each - 1) / each);
    transport_count(&t->counters.bytes_in, packet->length);
}

/* Which sockets are to be looked at: bit i stands for WAY i. */
struct ready {
    uint32_t readable, failed;
};

/* Takes what has come by AF_XDP. Returns how many packets are to be used. */
static size_t take_frames(struct transport *t, struct usctp_packet *packets, size_t max,
                          bool *progress, struct host_speaker_look *look) {
    size_t bad, count = 0, n = xdp_receiver_take(t->xdp_in, packets, max, &bad);
    *progress |= n + bad > 0;
    if (bad > 0)
        transport_count(&t->counters.xdp_packets_bad, bad);
    for (size_t i = 0; i < n; i++) {
        if (!is_for_us(t, &packets[i], look)) {
            transport_count(&t->counters.foreign, 1);
            continue;
        }
        packets[count] = packets[i];
        count_packet(t, &packets[count++]);
    }
    transport_count(&t->counters.xdp_packets_in, count);
    return count;
}

/* Takes from each that is ready what there is room for. Returns how many packets are to be used;
 * *progress: something came off a queue. */
static size_t take_ready(struct transport *t, struct ready ready, struct usctp_packet *packets,
                         size_t max, bool *progress) {
    struct host_speaker_look look = {.has_looked = false};
    size_t used_slots = 0, count = 0;
    if (t->xdp_in)
        xdp_receiver_release(t->xdp_in);
    for (unsigned k = 0; k < WAYS_IN; k++) {
        unsigned way = (t->receiver.first_way + k) % WAYS_IN;
        if (way == WAY_XDP) {
            if (ready.readable & 1u << WAY_XDP)
                count += take_frames(t, packets + count, max - count, progress, &look);
            continue;
        }
        const struct packet_socket *s = &t->sockets[way];
        if (ready.failed & 1u << way)
            *progress |= icmp_errors_drain(&t->errors, s->fd, s->udp).entries > 0;
        size_t room =
            max - count < TRANSPORT_BATCH - used_slots ? max - count : TRANSPORT_BATCH - used_slots;
        if (!((ready.readable | ready.failed) & 1u << way) || room == 0)
            continue;
        size_t n = receive_messages(t, s, used_slots, room);
        *progress |= n > 0;
        for (size_t i = used_slots; i < used_slots + n; i++) {
            if (!take_message(t, s, i, &packets[count], &look))
                continue;
            count_packet(t, &packets[count++]);
        }
        used_slots += n;
    }
    t->receiver.first_way = (t->receiver.first_way + 1) % WAYS_IN;
    return count;
}

size_t transport_receive(struct transport *t, struct usctp_packet *packets, size_t max) {
    struct pollfd polled[WAY_COUNT];
    size_t count = 0;
    bool progress = true;
    for (unsigned i = 0; i < WAY_COUNT; i++) /* poll() skips descriptor -1 */
        polled[i] = (struct pollfd){.fd = t->sockets[i].fd, .events = POLLIN};
    /* While all that came was dropped, look again, so that 0 means that nothing is left; but not
     * for ever. */
    for (unsigned round = 0; round < MAX_ROUNDS && count == 0 && progress; round++) {
        struct ready ready = {t->xdp_in ? 1u << WAY_XDP : 0, 0};
        if (poll(polled, WAY_COUNT, 0) <= 0 && !t->xdp_in)
            break;
        for (unsigned i = 0; i < WAY_COUNT; i++) {
            ready.readable |= polled[i].revents & POLLIN ? 1u << i : 0;
            ready.failed |= polled[i].revents & POLLERR ? 1u << i : 0;
        }
        progress = false;
        count = take_ready(t, ready, packets, max, &progress);
    }
    return count;
}

size_t transport_receive_ready(struct transport *t, uint32_t readable, uint32_t failed,
                               struct usctp_packet *packets, size_t max) {
    struct ready ready = {0, 0};
    unsigned number = 0;
    bool progress = false;
    for (unsigned way = 0; way < WAY_COUNT; way++) {
        if (t->sockets[way].fd < 0)
            continue;
        ready.readable |= (readable >> number & 1u) << way;
        ready.failed |= (failed >> number & 1u) << way;
        number++;
    }
    if (t->xdp_in)
        ready.readable |= (readable >> number & 1u) << WAY_XDP;
    return take_ready(t, ready, packets, max, &progress);
}
