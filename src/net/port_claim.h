/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which local SCTP ports are this transport's, among the processes of the host.
 *
 * Raw sockets have no notion of a port, so a claim is a bound abstract AF_UNIX name: such names are
 * per network namespace, exist once, and vanish with the process. A port that a user asked for has
 * a name of its own; ephemeral ports are claimed by the block of 64, one name (and one range of the
 * socket filter) for all of it. Who binds a name then looks for the other kind; two who meet both
 * see each other: the exact claim asks the block's holder, which leaves the port out unless it uses
 * it. Claims of one transport nest; a second transport in the same process is a stranger like any
 * other.
 */
#ifndef NET_PORT_CLAIM_H
#define NET_PORT_CLAIM_H

#include "net/socket_filter.h"

#define PORT_CLAIM_EPHEMERAL_FIRST 32768u
#define PORT_CLAIM_EPHEMERAL_LAST  60999u
#define PORT_CLAIM_BLOCK_PORTS     64u
#define PORT_CLAIM_SET_WORDS       1024u /* a set of ports is a bit for each: word p / 64, bit p % 64 */

struct port_claims;

struct host_namespace;

/* Claims among the processes of a network namespace; without one they are a table in this object
 * only (all packets travel in UDP). Returns NULL and errno without memory or descriptors. */
struct port_claims *port_claim_new(struct host_namespace *ns);
/* Such a table, for UDP, but blocks of ephemeral ports are had by one stack of the namespace only,
 * as long as there are enough. */
struct port_claims *port_claim_new_udp(struct host_namespace *ns);
/* Gives everything up. */
void port_claim_delete(struct port_claims *claims);
/* Claims a port once more. Returns 0, -EADDRINUSE, -EINVAL (port 0) or another negative errno. A
 * port whose block another process holds is asked for, which takes a fifth of a second at most. */
int port_claim_add(struct port_claims *claims, uint16_t port);
void port_claim_remove(struct port_claims *claims, uint16_t port);
/* Claims a free ephemeral port; the search starts where `seed` says. Returns the port, -EAGAIN
 * (none is free) or a negative errno. */
int port_claim_add_ephemeral(struct port_claims *claims, uint32_t seed);
/* Whether packets to the port are ours: it is claimed, or part of a claimed block. May be asked
 * while another thread claims. */
bool port_claim_passes(const struct port_claims *claims, uint16_t port);
/* Changes whenever the set that passes does. */
uint64_t port_claim_generation(const struct port_claims *claims);
/* Readable when another process asks for a port of a block of ours; -1 when nobody can. */
int port_claim_descriptor(const struct port_claims *claims);
/* Answers what was asked; never blocks. Ports that others get no longer pass. */
void port_claim_answer(struct port_claims *claims);
/* Takes ports of held blocks back in that others have had by name and no longer have. */
void port_claim_reclaim(struct port_claims *claims);
/* Copies the set that passes. */
void port_claim_set(const struct port_claims *claims, uint64_t *set);
/* Writes the set that passes as ascending, disjoint ranges, never more than max: further ones are
 * joined. Returns how many. */
size_t port_claim_ranges(const struct port_claims *claims, struct port_range *out, size_t max);

#endif
