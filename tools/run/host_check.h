/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * usctp-run --check: what this host offers to SCTP in userspace, one line each.
 */
#ifndef RUN_HOST_CHECK_H
#define RUN_HOST_CHECK_H

#include <stdbool.h>
#include <stdint.h>

/* Prints on stdout. Returns whether SCTP can be spoken: raw, or with wants_udp over that port. */
bool host_check(bool wants_udp, uint16_t udp_port);

#endif
