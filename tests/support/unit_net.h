/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A network namespace of the test's own, so that nothing it does meets the host's network, and a
 * few hand tools for it.
 */
#ifndef SUPPORT_UNIT_NET_H
#define SUPPORT_UNIT_NET_H

#include "usctp/engine.h"

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

#endif
