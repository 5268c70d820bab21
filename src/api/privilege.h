/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the kernel would not let everybody do.
 */
#ifndef API_PRIVILEGE_H
#define API_PRIVILEGE_H

#include <stdint.h>

struct usctp_stack;

/* Whether the calling thread may use a port: 0, or -EACCES for one below
 * net.ipv4.ip_unprivileged_port_start of the stack's network namespace without
 * CAP_NET_BIND_SERVICE. */
int privilege_check_port(const struct usctp_stack *stack, uint16_t port);

#endif
