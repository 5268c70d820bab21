/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ICMP errors about our packets, from the error queues of the packet sockets (IP_RECVERR,
 * IPV6_RECVERR) into a bounded ring.
 *
 * The kernel queues an error with what the ICMP message quotes of our packet, beginning with the
 * SCTP common header for raw and UDP sockets of both families. It hands an error about any SCTP
 * packet of the host to every raw socket: whose it is, the taker decides by the quoted source port.
 * RFC 9260 10 ICMP1-ICMP4 and RFC 6951 5.5 say which matter; what they mean for an association is
 * the engine's. The sender and the receiver both drain, in different threads: the ring has a lock.
 */
#ifndef NET_ICMP_ERRORS_H
#define NET_ICMP_ERRORS_H

#include "usctp/engine.h"

#include <pthread.h>
#include <sys/socket.h>

#define ICMP_ERRORS_RING 64u
#define ICMP_ERRORS_QUOTED_BYTES                                                                   \
    128u /* enough for the common header, the INIT chunk and its Initiate Tag */

struct icmp_error {
    struct usctp_icmp icmp; /* quoted is NULL: the bytes are below */
    bool is_udp;
    uint8_t quoted[ICMP_ERRORS_QUOTED_BYTES];
};

struct icmp_errors {
    pthread_mutex_t lock;
    size_t first, count;
    uint64_t received, lost; /* lost: the ring was full */
    struct icmp_error ring[ICMP_ERRORS_RING];
};

/* What a drained error queue held. */
struct icmp_drained {
    unsigned entries;
    uint32_t local_mtu_bytes; /* of the last EMSGSIZE that the host itself said, or 0 */
};

int icmp_errors_init(struct icmp_errors *errors);
void icmp_errors_free(struct icmp_errors *errors);
/* Empties a socket's error queue into the ring, up to a bound. */
struct icmp_drained icmp_errors_drain(struct icmp_errors *errors, int fd, bool is_udp);
/* Reports a packet that the host itself refused, PACKET_TOO_BIG or FORBIDDEN, as if the first
 * router had. */
void icmp_errors_add_local(struct icmp_errors *errors, const struct usctp_icmp *what,
                           const uint8_t *segment, size_t bytes);
/* Takes the oldest. */
bool icmp_errors_take(struct icmp_errors *errors, struct icmp_error *out);
/*
 * Reads one message of an error queue: `header` as recvmsg left it, with the quoted bytes in data.
 * Returns true with *out filled for an ICMP error that matters; *local_mtu_bytes is set for a local
 * one.
 */
bool icmp_errors_parse(struct msghdr *header, const uint8_t *data, size_t bytes,
                       struct icmp_error *out, uint32_t *local_mtu_bytes);

#endif
