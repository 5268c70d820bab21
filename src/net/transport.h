/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Packets in and out of the host: one object over raw IPv4, raw IPv6 and UDP sockets (RFC 6951),
 * with the host's routes, addresses and ICMP errors beside them.
 *
 * What is in the packets is the engine's; this layer moves bytes, picks the socket, claims ports
 * among the processes of the host, and filters what the process does not own. All descriptors are
 * non-blocking; none of these calls blocks.
 */
#ifndef NET_TRANSPORT_H
#define NET_TRANSPORT_H

#include "usctp/engine.h"

struct transport;

struct transport_options {
    bool raw;               /* open raw sockets, or take those given */
    bool udp;               /* open UDP sockets, or take those given */
    bool xdp;               /* raw: send by AF_XDP where that can be (xdp_sender.h) */
    bool xdp_receive;       /* xdp: receive by it, too, where that can be (xdp_receiver.h) */
    uint16_t udp_port;      /* local encapsulation port, 0 = 9899 */
    bool udp_port_required; /* another process holds it: fail with EADDRINUSE instead of taking an
                               ephemeral port */
    /* Already open sockets, or -1; they are the transport's once it is open. */
    int raw_ipv4_fd, raw_ipv6_fd, udp_ipv4_fd, udp_ipv6_fd;
    const char *device;                          /* SO_BINDTODEVICE, or NULL */
    uint32_t mark;                               /* SO_MARK, 0 = none */
    int receive_buffer_bytes, send_buffer_bytes; /* of the sockets; 0 = a fitting default */
    bool may_speak;     /* raw: stand for election as the speaker of the host (host_speaker.h) */
    bool beside_kernel; /* raw: go on although the kernel has SCTP of its own */
};

/*
 * Opens. Returns 0, or a negative errno with a sentence for the user in error_text (without
 * CAP_NET_RAW: -EPERM, and the text names the capability and UDP encapsulation; where the kernel
 * has SCTP: -EBUSY, and the text says what can be done).
 */
int transport_open(struct transport **out, const struct transport_options *options,
                   char *error_text, size_t error_bytes);
void transport_close(struct transport *t);
/* Before transport_close: what was handed in is its giver's again, and stays open. */
void transport_give_back(struct transport *t);
/* In a forked child: closes descriptors and touches nothing that is shared with the parent. */
void transport_forget(struct transport *t);

/* The descriptors to watch for reading (packet sockets, then netlink and the like). Returns how
 * many; writes up to max. */
size_t transport_descriptors(const struct transport *t, int *out, size_t max);
/* How many of them, from the first on, are packet sockets. */
size_t transport_packet_sockets(const struct transport *t);
/* Has the sockets of AF_XDP watched, which come and go, in an epoll set with that data; -1: not any
 * more. To transport_receive_ready they are all together the socket behind those counted above. */
void transport_watch_xdp(struct transport *t, int epoll_fd, uint64_t data);
/* Whether packets may arrive by AF_XDP. */
bool transport_receives_xdp(const struct transport *t);
/* For who looks by himself: what arrives by AF_XDP wakes nobody, until that is ended. */
void transport_doze_xdp(struct transport *t);
void transport_rouse_xdp(struct transport *t);
bool transport_has_xdp_packets(struct transport *t);
/* The local encapsulation port, 0 when there is no UDP. */
uint16_t transport_udp_port(const struct transport *t);
bool transport_has_raw(const struct transport *t);

/*
 * Receives what has arrived, up to max packets (a UDP_GRO run counts as one, with segment_size).
 * The memory is the transport's, valid until the next call. Returns how many; 0 = nothing left on
 * any socket.
 */
size_t transport_receive(struct transport *t, struct usctp_packet *packets, size_t max);
/* The same for who has asked which sockets are ready: bit i of `readable`, and of `failed` where an
 * error waits, is descriptor i of transport_descriptors. Looks once: 0 may also mean that all that
 * came was dropped. */
size_t transport_receive_ready(struct transport *t, uint32_t readable, uint32_t failed,
                               struct usctp_packet *packets, size_t max);

/*
 * Sends packets in order, runs split where the socket cannot take them whole. Returns how many were
 * taken: fewer than n means that the kernel has no room (EAGAIN, ENOBUFS) and the rest is to be
 * offered again after transport_send_delay_us or when a socket is writable. A packet that the
 * kernel refuses for itself (EMSGSIZE, EPERM, ENETUNREACH, ...), or has no room for again and
 * again, counts as taken and is counted: it is lost, as on the way. A first packet of a run may
 * have been sent in part: *offset_bytes says how far (in: where to start).
 */
size_t transport_send(struct transport *t, const struct usctp_packet *packets, size_t n,
                      uint32_t *offset_bytes);
/* Whether transport_next_icmp or transport_next_notice has something from transport_send since the
 * last question. For the thread that sends. */
bool transport_send_reported(struct transport *t);
/* How long to wait after a short transport_send before trying again. */
uint32_t transport_send_delay_us(const struct transport *t);

/* Takes the next line for the user, why AF_XDP is not used on some way. Returns whether there was
 * one. */
#define TRANSPORT_NOTICE_BYTES 200u
bool transport_next_notice(struct transport *t, char text[TRANSPORT_NOTICE_BYTES]);
/* Takes the next ICMP error that concerned one of our packets, or what this host said of one.
   Returns 1, or 0 when there is none. quoted is valid until the next call. Called after
   transport_receive; errors are drained from the error queues. */
int transport_next_icmp(struct transport *t, struct usctp_icmp *icmp);

/* The host's addresses as last read. The array is the transport's, valid until transport_refresh
 * returns true. */
const struct usctp_local_address *transport_addresses(const struct transport *t, size_t *n);
/* Reads pending netlink messages and what other usctp processes ask and tell. Returns true when
 * addresses, routes or MTUs have changed since the last call. */
bool transport_refresh(struct transport *t);
/* Whether a thread of another network namespace has used up what transport_refresh, called by one
 * of the transport's own, replaces (host_namespace.h). */
bool transport_is_short(const struct transport *t);
/* The first port that everybody may bind in the transport's network namespace. */
int transport_unprivileged_port(const struct transport *t);
/*
 * What the host's routing table says of a destination: source address and MTU of the way. `source`
 * may be given (family not NONE) to ask for the route when sending from it. Returns 0 or a negative
 * errno (-ENETUNREACH). Answers are cached until refresh.
 */
int transport_route(struct transport *t, const struct usctp_addr *destination,
                    struct usctp_addr *source, uint32_t *mtu_bytes, uint32_t *interface_index);

/*
 * Claims a local SCTP port for this process in this network namespace, for raw packets: a second
 * process gets -EADDRINUSE. Calls nest: one release for each claim. Claimed ports pass the socket
 * filter.
 */
int transport_claim_port(struct transport *t, uint16_t port);
void transport_release_port(struct transport *t, uint16_t port);
/* Claims a free port of the ephemeral range 32768..60999, starting from `seed`. Returns it, or a
 * negative errno (-EAGAIN: none). */
int transport_claim_ephemeral_port(struct transport *t, uint32_t seed);

struct transport_counters {
    uint64_t packets_in, packets_out, send_calls, receive_calls, bytes_in, bytes_out;
    uint64_t no_room, refused, icmp_errors, truncated,
        foreign;                     /* packets for no claimed port that got past the filter */
    uint64_t strays, strays_limited; /* for nobody's port: received, and too many to look at */
    uint64_t xdp_packets_in, xdp_packets_out; /* of packets_in and _out, by AF_XDP */
    uint64_t xdp_packets_bad;                 /* by AF_XDP, that an IP host has to discard */
    uint64_t xdp_memory_bytes;                /* of its frames, now */
};
void transport_counters(const struct transport *t, struct transport_counters *out);

#endif
