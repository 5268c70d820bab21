/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A transport that receives by AF_XDP on one end of a veth pair, and frames put into the other.
 */
#ifndef SUPPORT_UNIT_XDP_H
#define SUPPORT_UNIT_XDP_H

#include "net/transport_inside.h"

#include <check.h>

#define UNIT_XDP_MAC        "02:00:00:00:00:01" /* of device near, 192.0.2.1 and 2001:db8::1 */
#define UNIT_XDP_FAR_MAC    "02:00:00:00:00:02" /* of device far: 192.0.2.2 and 2001:db8::2 */
#define UNIT_XDP_PORT       5001                /* the transport's */
#define UNIT_XDP_OTHER_PORT 5003

extern struct transport *unit_xdp;       /* on near */
extern struct usctp_packet unit_got[64]; /* what it has received last */
extern uint8_t unit_frame[4200];         /* to be put into far */

/* Enters a network namespace. False, with the reason on stdout, where this cannot be tested. */
bool unit_xdp_enter(void);
/* Fixtures: the pair and the transport, which has its ring. */
void unit_xdp_setup(void);
void unit_xdp_teardown(void);
/* Makes the pair anew; `queues` as ip-link(8) has them. */
void unit_xdp_make_pair(const char *queues);
struct transport *unit_xdp_open(void);
/* Closes the transport, if there is one, and opens it again with its port claimed. */
void unit_xdp_reopen(void);
/* One packet of t's leaves by near, which makes its ring; and the same until it leaves by AF_XDP:
 * after others the queue is free a moment later. */
void unit_xdp_speak(struct transport *t);
void unit_xdp_speak_so(struct transport *t);
/* The next line for the user, or NULL. */
const char *unit_xdp_notice(struct transport *t);
/* There is one line, which names near and says why. */
void unit_xdp_expect_notice(struct transport *t, const char *why);

/* Make the frame of a packet from far's host to near's, with so much SCTP. Return its size. */
size_t unit_xdp_ipv4(uint16_t port, size_t bytes);
size_t unit_xdp_ipv6(uint16_t port, size_t bytes);
/* Puts the checksum of its IPv4 header right (RFC 1071). */
void unit_xdp_seal(void);
void unit_xdp_inject(size_t bytes);

enum unit_xdp_way { BY_XDP, BY_RAW, NOT_AT_ALL };
/* Which way what was injected comes to t; it is in unit_got[0] then. */
enum unit_xdp_way unit_xdp_way_to(struct transport *t);
/* Injects the frame. Which way does it come to unit_xdp? */
enum unit_xdp_way unit_xdp_way_of(size_t bytes);

#endif
