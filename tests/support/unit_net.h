/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A network namespace of the test's own, so that nothing it does meets the host's network, a
 * transport in it, and a few hand tools.
 */
#ifndef SUPPORT_UNIT_NET_H
#define SUPPORT_UNIT_NET_H

#include "net/transport.h"

/* Moves the process into a fresh network namespace (and user namespace, if that is what it takes)
   with lo up. Returns false, with the reason on stdout, where that is not allowed. */
bool unit_net_enter(void);
/* Whether raw SCTP sockets can be opened; prints the reason why not. */
bool unit_net_has_raw(void);
/* Runs a shell command; true when it exits 0. */
bool unit_net_run(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* An address from its text. Aborts the test for a text that is none. */
struct usctp_addr unit_net_address(const char *text);
/* Waits until a descriptor is readable or in error; false after ten seconds. */
bool unit_net_wait(int fd);
/* For a transport without sockets: none are handed in, and neither raw nor UDP is asked for. */
struct transport_options unit_net_options(void);
/* Opens a transport. Aborts the test, with its words, when that fails. */
struct transport *unit_net_open(struct transport_options options);
struct transport_counters unit_net_counters(const struct transport *t);
/* Sends all at once: there is room. */
void unit_net_send(struct transport *t, const struct usctp_packet *packets, size_t n);
/* Waits for packets, a second. Returns how many came. */
size_t unit_net_receive(struct transport *t, struct usctp_packet *packets, size_t max);

#endif
