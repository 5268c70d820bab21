/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The sending half of the transport: packets and runs become messages for sendmmsg(), neighbours
 * that use the same socket in the same way go in one call, and each thing that the kernel may
 * answer has its consequence: no room ends the call (and a packet that never finds any is given up
 * at last), a refusal costs the one packet, a pending ICMP error of somebody else's costs a second
 * try. Runs go whole over UDP (UDP_SEGMENT) and are cut for raw sockets, and for AF_XDP, whose
 * rings take the place of the raw socket where xdp_sender.h says so. RFC 6951 5.3; RFC 9260 6.9 for
 * what may be fragmented.
 */
#include "net/transport_inside.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/udp.h>
#include <string.h>

#define MAX_GSO_SEGMENTS 64u
#define MAX_GSO_BYTES    65000u /* what fits with headers into an IP packet's 16 bits of length */
#define FLOW_LABEL_MASK  0x000fffffu
#define SMALL_BYTES      256u

struct position {
    size_t packet;
    uint32_t offset;
};

static uint32_t segment_bytes(const struct usctp_packet *packet) {
    return packet->segment_size && packet->segment_size < packet->length ? packet->segment_size
                                                                         : packet->length;
}

/* The socket for a packet, or NULL when there is none. */
static struct packet_socket *way_of(struct transport *t, const struct usctp_packet *packet) {
    bool udp = packet->udp_destination != 0;
    enum transport_way way;
    if (packet->destination.family == USCTP_FAMILY_IPV4)
        way = udp ? WAY_UDP_IPV4 : WAY_RAW_IPV4;
    else if (packet->destination.family == USCTP_FAMILY_IPV6)
        way = udp ? WAY_UDP_IPV6 : WAY_RAW_IPV6;
    else
        return NULL;
    if (packet->source.family != USCTP_FAMILY_NONE &&
        packet->source.family != packet->destination.family)
        return NULL;
    if (udp && packet->udp_source && packet->udp_source != t->udp_port)
        return NULL;
    return t->sockets[way].fd >= 0 && packet->length > 0 ? &t->sockets[way] : NULL;
}

/* How much of a packet, from an offset on, one message carries. */
static struct transport_piece cut_piece(const struct packet_socket *s,
                                        const struct usctp_packet *packet, uint32_t offset,
                                        bool single) {
    uint32_t each = segment_bytes(packet), left = packet->length - offset;
    struct transport_piece piece = {.offset = offset, .bytes = left, .segments = 1};
    if (left <= each)
        return piece;
    if (s->gso && !single && !(packet->flags & USCTP_PACKET_MAY_FRAGMENT)) {
        uint32_t most = MAX_GSO_BYTES / each;
        most = most < MAX_GSO_SEGMENTS ? most : MAX_GSO_SEGMENTS;
        if (most > 1) {
            piece.bytes = left < most * each ? left : most * each;
            piece.segments = (piece.bytes + each - 1) / each;
            return piece;
        }
    }
    piece.bytes = each;
    return piece;
}

static void put_control(struct msghdr *header, int level, int type, const void *value,
                        size_t bytes) {
    struct cmsghdr c = {.cmsg_len = CMSG_LEN(bytes), .cmsg_level = level, .cmsg_type = type};
    uint8_t *at = (uint8_t *)header->msg_control + header->msg_controllen;
    memset(at, 0, CMSG_SPACE(bytes));
    memcpy(at, &c, sizeof c);
    memcpy(at + CMSG_LEN(0), value, bytes);
    header->msg_controllen += CMSG_SPACE(bytes);
}

static void put_ipv4(struct msghdr *header, const struct usctp_packet *packet) {
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(packet->udp_destination)};
    memcpy(&name.sin_addr, packet->destination.ipv4, sizeof name.sin_addr);
    memcpy(header->msg_name, &name, sizeof name);
    header->msg_namelen = sizeof name;
    if (packet->source.family != USCTP_FAMILY_NONE || packet->interface_index) {
        struct in_pktinfo info = {.ipi_ifindex = (int)packet->interface_index};
        if (packet->source.family != USCTP_FAMILY_NONE)
            memcpy(&info.ipi_spec_dst, packet->source.ipv4, sizeof info.ipi_spec_dst);
        put_control(header, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
    }
    if (packet->tos) {
        int tos = packet->tos;
        put_control(header, IPPROTO_IP, IP_TOS, &tos, sizeof tos);
    }
    if (packet->hop_limit) {
        int hops = packet->hop_limit;
        put_control(header, IPPROTO_IP, IP_TTL, &hops, sizeof hops);
    }
}

static void put_ipv6(struct msghdr *header, const struct packet_socket *s,
                     const struct usctp_packet *packet) {
    struct sockaddr_in6 name = {.sin6_family = AF_INET6,
                                .sin6_port = htons(packet->udp_destination),
                                .sin6_scope_id = packet->destination.scope_id};
    if (s->flow_labels)
        name.sin6_flowinfo = htonl(packet->flow_label & FLOW_LABEL_MASK);
    memcpy(&name.sin6_addr, packet->destination.ipv6, sizeof name.sin6_addr);
    memcpy(header->msg_name, &name, sizeof name);
    header->msg_namelen = sizeof name;
    if (packet->source.family != USCTP_FAMILY_NONE || packet->interface_index) {
        struct in6_pktinfo info = {.ipi6_ifindex = packet->interface_index};
        if (packet->source.family != USCTP_FAMILY_NONE)
            memcpy(&info.ipi6_addr, packet->source.ipv6, sizeof info.ipi6_addr);
        put_control(header, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof info);
    }
    if (packet->tos) {
        int tclass = packet->tos;
        put_control(header, IPPROTO_IPV6, IPV6_TCLASS, &tclass, sizeof tclass);
    }
    if (packet->hop_limit) {
        int hops = packet->hop_limit;
        put_control(header, IPPROTO_IPV6, IPV6_HOPLIMIT, &hops, sizeof hops);
    }
}

static bool same_address(const struct usctp_addr *a, const struct usctp_addr *b) {
    if (a->family != b->family || a->scope_id != b->scope_id)
        return false;
    if (a->family == USCTP_FAMILY_IPV4)
        return memcmp(a->ipv4, b->ipv4, sizeof a->ipv4) == 0;
    return a->family == USCTP_FAMILY_NONE || memcmp(a->ipv6, b->ipv6, sizeof a->ipv6) == 0;
}

/* Whether two packets differ in nothing but their bytes. */
static bool same_headers(const struct usctp_packet *a, const struct usctp_packet *b) {
    return a == b ||
           (a->tos == b->tos && a->udp_destination == b->udp_destination &&
            a->flow_label == b->flow_label && a->hop_limit == b->hop_limit &&
            a->interface_index == b->interface_index &&
            same_address(&a->destination, &b->destination) && same_address(&a->source, &b->source));
}

/* Writes name and ancillary data of message i. */
static void address_message(struct transport_sender *sender, const struct packet_socket *s,
                            size_t i, const struct usctp_packet *packet) {
    struct msghdr *header = &sender->messages[i].msg_hdr;
    header->msg_name = &sender->names[i];
    header->msg_control = sender->controls[i];
    header->msg_controllen = 0;
    if (s->ipv6)
        put_ipv6(header, s, packet);
    else
        put_ipv4(header, packet);
    if (sender->pieces[i].segments > 1) {
        uint16_t each = (uint16_t)segment_bytes(packet);
        put_control(header, IPPROTO_UDP, UDP_SEGMENT, &each, sizeof each);
    }
    if (header->msg_controllen == 0)
        header->msg_control = NULL;
}

/* What fits the links of smallest MTU anyway (296 bytes) is as well off with DF: the option is not
 * turned over and back for it. */
static bool may_fragment(const struct usctp_packet *packet) {
    return (packet->flags & USCTP_PACKET_MAY_FRAGMENT) != 0 && packet->length > SMALL_BYTES;
}

/* The AF_XDP ring for what follows `at`, or NULL: sockets send it. */
static struct xdp_ring *ring_of(struct transport *t, const struct usctp_packet *packet,
                                uint32_t offset) {
    uint32_t each = segment_bytes(packet), left = packet->length - offset;
    if (!t->xdp || packet->udp_destination != 0)
        return NULL;
    return xdp_sender_ring(t->xdp, packet, left < each ? left : each);
}

/*
 * Fills the batch with what follows `at` and uses one socket in one way. Returns how many messages
 * there are; 0 when no socket can take the packet.
 */
static size_t gather(struct transport *t, const struct usctp_packet *packets, size_t n,
                     struct position at) {
    struct transport_sender *sender = &t->sender;
    const struct packet_socket *s = way_of(t, &packets[at.packet]);
    size_t first = at.packet, count = 0;
    while (s && count < TRANSPORT_BATCH && at.packet < n) {
        const struct usctp_packet *packet = &packets[at.packet];
        if (at.packet != first && at.offset == 0 &&
            (way_of(t, packet) != s || may_fragment(packet) != may_fragment(&packets[first]) ||
             ring_of(t, packet, 0)))
            break;
        struct transport_piece *piece = &sender->pieces[count];
        *piece = cut_piece(s, packet, at.offset, sender->single && at.packet == first);
        piece->packet = at.packet;
        struct msghdr *header = &sender->messages[count].msg_hdr;
        *header = (struct msghdr){.msg_iov = &sender->vectors[count], .msg_iovlen = 1};
        sender->vectors[count] = (struct iovec){packet->data + at.offset, piece->bytes};
        const struct transport_piece *before = count > 0 ? piece - 1 : NULL;
        if (before && before->segments == 1 && piece->segments == 1 &&
            same_headers(packet, &packets[before->packet])) {
            const struct msghdr *shared = &sender->messages[count - 1].msg_hdr;
            header->msg_name = shared->msg_name;
            header->msg_namelen = shared->msg_namelen;
            header->msg_control = shared->msg_control;
            header->msg_controllen = shared->msg_controllen;
        } else {
            address_message(sender, s, count, packet);
        }
        count++;
        at.offset += piece->bytes;
        if (at.offset == packet->length)
            at = (struct position){at.packet + 1, 0};
    }
    return count;
}

/* The position behind a piece. */
static struct position behind(const struct transport_piece *piece,
                              const struct usctp_packet *packets) {
    uint32_t offset = piece->offset + piece->bytes;
    if (offset < packets[piece->packet].length)
        return (struct position){piece->packet, offset};
    return (struct position){piece->packet + 1, 0};
}

/* Puts what follows `at` and goes the same way into a ring, as gather does into a batch. Returns
 * how many pieces are in it now, those of an earlier try included. */
static size_t fill_ring(struct transport *t, const struct usctp_packet *packets, size_t n,
                        struct position at, const struct xdp_ring *ring) {
    struct transport_sender *sender = &t->sender;
    size_t count = 0, offered = xdp_sender_offered(t->xdp, ring);
    while (count < TRANSPORT_BATCH && at.packet < n) {
        const struct usctp_packet *packet = &packets[at.packet];
        struct transport_piece *piece = &sender->pieces[count];
        if (count >= offered && ring_of(t, packet, at.offset) != ring)
            break;
        *piece = cut_piece(&t->sockets[WAY_RAW_IPV4], packet, at.offset, true);
        piece->packet = at.packet;
        if (count >= offered &&
            !xdp_sender_put(t->xdp, packet, packet->data + at.offset, piece->bytes))
            break;
        count++;
        at = behind(piece, packets);
    }
    return count;
}

/* Tells of a packet that this host does not let out. */
static void report(struct transport *t, const struct usctp_packet *packet,
                   enum usctp_icmp_kind kind, uint32_t mtu_bytes) {
    const struct transport_piece *piece = &t->sender.pieces[0];
    const struct usctp_icmp what = {.kind = kind,
                                    .destination = packet->destination,
                                    .udp_destination = packet->udp_destination,
                                    .mtu_bytes = mtu_bytes};
    icmp_errors_add_local(&t->errors, &what, packet->data + piece->offset, piece->bytes);
    t->sender.has_reported = true;
}

bool transport_send_reported(struct transport *t) {
    bool has_reported = t->sender.has_reported;
    t->sender.has_reported = false;
    return (t->xdp && xdp_sender_has_news(t->xdp)) || has_reported;
}

enum answer { ANSWER_AGAIN, ANSWER_NO_ROOM, ANSWER_REFUSED };

/* What to do about the first message of the batch, which the kernel did not take. *tried: it had
 * its second chance. */
static enum answer on_error(struct transport *t, struct packet_socket *s,
                            const struct usctp_packet *packet, int error, bool *tried) {
    struct transport_sender *sender = &t->sender;
    const struct transport_piece *piece = &sender->pieces[0];
    if (error == EINTR)
        return ANSWER_AGAIN;
    /* Raw sockets say ENOBUFS where others say EAGAIN. */
    if (error == EAGAIN || error == ENOBUFS || error == ENOMEM)
        return ANSWER_NO_ROOM;
    struct icmp_drained drained = icmp_errors_drain(&t->errors, s->fd, s->udp);
    if (piece->segments > 1) {
        /* No segmentation on this way, or segments that exceed its MTU: each segment gets its own
         * answer. */
        sender->single = true;
        if (error == EIO || error == EOPNOTSUPP || error == ENOPROTOOPT)
            s->gso = false;
        return ANSWER_AGAIN;
    }
    if (error == EINVAL && s->flow_labels && packet->flow_label) {
        /* Somebody holds labels exclusively on this host: the kernel's own serve. */
        s->flow_labels = false;
        return ANSWER_AGAIN;
    }
    if (error == EMSGSIZE && drained.local_mtu_bytes) {
        if (!may_fragment(packet))
            report(t, packet, USCTP_ICMP_PACKET_TOO_BIG, drained.local_mtu_bytes);
        return ANSWER_REFUSED;
    }
    if (*tried) {
        if (error == EPERM)
            report(t, packet, USCTP_ICMP_FORBIDDEN, 0);
        return ANSWER_REFUSED;
    }
    *tried = true;
    return ANSWER_AGAIN;
}

static void back_off(struct transport *t) {
    uint32_t delay = t->sender.delay_us * 2;
    if (delay < TRANSPORT_SEND_DELAY_US)
        delay = TRANSPORT_SEND_DELAY_US;
    delay = delay < TRANSPORT_SEND_DELAY_MAX_US ? delay : TRANSPORT_SEND_DELAY_MAX_US;
    __atomic_store_n(&t->sender.delay_us, delay, __ATOMIC_RELAXED);
    transport_count(&t->counters.no_room, 1);
}

/* Whether to wait until there is room for a packet, which has just found none. */
static bool is_worth_waiting(struct transport_sender *sender, const struct usctp_packet *packet) {
    if (same_address(&sender->stuck, &packet->destination))
        return false;
    if (++sender->no_room < TRANSPORT_SEND_TRIES)
        return true;
    sender->stuck = packet->destination;
    return false;
}

static void count_sent(struct transport *t, const struct usctp_packet *packets, size_t messages) {
    struct transport_sender *sender = &t->sender;
    uint64_t segments = 0, bytes = 0;
    for (size_t i = 0; i < messages; i++) {
        if (same_address(&sender->stuck, &packets[sender->pieces[i].packet].destination))
            sender->stuck = (struct usctp_addr){.family = USCTP_FAMILY_NONE};
        segments += t->sender.pieces[i].segments;
        bytes += t->sender.pieces[i].bytes;
    }
    transport_count(&t->counters.packets_out, segments);
    transport_count(&t->counters.bytes_out, bytes);
    if (t->sender.delay_us)
        __atomic_store_n(&t->sender.delay_us, 0, __ATOMIC_RELAXED);
}

/* Offers what follows `at` by a ring. Returns as offer. */
static int offer_ring(struct transport *t, const struct usctp_packet *packets, size_t n,
                      struct position at, struct xdp_ring *ring) {
    bool is_gone = false;
    size_t count = fill_ring(t, packets, n, at, ring);
    uint32_t sent = xdp_sender_send(t->xdp, ring, (uint32_t)count, &is_gone);
    transport_count(&t->counters.xdp_packets_out, sent);
    if (sent > 0)
        return (int)sent;
    return is_gone ? -EINTR : -EAGAIN;
}

/* Offers what follows `at` and goes by one socket in one way, or by one ring. Returns how many
 * pieces were taken, from the first on, or a negative errno; 0 when no socket can take the packet.
 */
static int offer(struct transport *t, const struct usctp_packet *packets, size_t n,
                 struct position at, struct packet_socket *s) {
    struct xdp_ring *ring = s ? ring_of(t, &packets[at.packet], at.offset) : NULL;
    if (ring) {
        transport_count(&t->counters.send_calls, 1);
        return offer_ring(t, packets, n, at, ring);
    }
    if (t->xdp)
        (void)xdp_sender_offered(t->xdp, NULL); /* it goes another way now */
    size_t count = gather(t, packets, n, at);
    if (count == 0)
        return 0;
    packet_socket_set_fragments(s, may_fragment(&packets[at.packet]));
    transport_count(&t->counters.send_calls, 1);
    int sent = sendmmsg(s->fd, t->sender.messages, (unsigned)count, MSG_DONTWAIT | MSG_NOSIGNAL);
    return sent > 0 ? sent : -errno;
}

size_t transport_send(struct transport *t, const struct usctp_packet *packets, size_t n,
                      uint32_t *offset_bytes) {
    struct transport_sender *sender = &t->sender;
    struct position at = {0, *offset_bytes};
    bool tried = false;
    if (t->xdp)
        xdp_sender_begin(t->xdp);
    if (n > 0 && at.offset >= packets[0].length && at.offset > 0)
        at = (struct position){1, 0};
    while (at.packet < n) {
        const struct usctp_packet *packet = &packets[at.packet];
        struct packet_socket *s = way_of(t, packet);
        int sent = offer(t, packets, n, at, s);
        if (sent == 0) {
            transport_count(&t->counters.refused, 1);
            at = (struct position){at.packet + 1, 0};
            continue;
        }
        if (sent > 0) {
            count_sent(t, packets, (size_t)sent);
            at = behind(&sender->pieces[sent - 1], packets);
        } else {
            enum answer answer = on_error(t, s, packet, -sent, &tried);
            if (answer == ANSWER_NO_ROOM && is_worth_waiting(sender, packet)) {
                back_off(t);
                break;
            }
            if (answer == ANSWER_AGAIN)
                continue;
            transport_count(&t->counters.refused, 1);
            at = behind(&sender->pieces[0], packets);
            if (t->xdp)
                xdp_sender_skip(t->xdp);
        }
        tried = false;
        sender->no_room = 0;
        if (at.offset == 0)
            sender->single = false;
    }
    *offset_bytes = at.packet < n ? at.offset : 0;
    return at.packet;
}

uint32_t transport_send_delay_us(const struct transport *t) {
    uint32_t delay = __atomic_load_n(&t->sender.delay_us, __ATOMIC_RELAXED);
    return delay ? delay : TRANSPORT_SEND_DELAY_US;
}
