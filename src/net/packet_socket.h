/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One socket that carries SCTP packets: raw IPPROTO_SCTP or UDP, IPv4 or IPv6, set up for batches
 * with source address, TOS, ICMP errors and control over fragmentation.
 */
#ifndef NET_PACKET_SOCKET_H
#define NET_PACKET_SOCKET_H

#include "net/transport.h"

struct packet_socket {
    int fd; /* -1: not open */
    bool ipv6, udp;
    bool is_given;    /* handed in: its giver's until the transport is open */
    bool fragments;   /* how it is set now: IP may fragment what is sent */
    bool gso;         /* UDP_SEGMENT is there */
    bool flow_labels; /* labels of our choice are accepted */
};

/* Opens, or takes the one given. It lets nothing in until a filter says so. Returns 0 or a negative
 * errno, and then closes nothing given: -EINVAL when that is no raw SCTP socket of the family. */
int packet_socket_open_raw(struct packet_socket *s, bool ipv6,
                           const struct transport_options *options);
/*
 * Opens and binds to *port; 0 takes an ephemeral one, which is stored. One that was given is bound
 * if it is not yet. Returns 0 or a negative errno: -EINVAL when what was given is no UDP socket of
 * the family, connected, not of IPv6 alone, or bound to another port than *port, unless that is 0.
 */
int packet_socket_open_udp(struct packet_socket *s, bool ipv6, uint16_t *port,
                           const struct transport_options *options);
/* The port that a socket is bound to; 0 when to none, or when it is no socket at all. */
uint16_t packet_socket_bound_port(int fd);
/* Closes what was not given. */
void packet_socket_drop(struct packet_socket *s);
void packet_socket_close(struct packet_socket *s);
/*
 * Switches between sending with DF, where what exceeds the interface's MTU is refused and path MTUs
 * that the kernel remembers are not looked at (probes must get out), and letting IP fragment. It is
 * a property of the socket, not of a packet.
 */
void packet_socket_set_fragments(struct packet_socket *s, bool fragments);

#endif
