/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SCTP_AUTOCLOSE: idle associations of a one-to-many socket are shut down gracefully (RFC
 * 6458 8.1.8).
 */
#ifndef API_AUTOCLOSE_H
#define API_AUTOCLOSE_H

#include "api/socket.h"

/* After how many idle seconds, counted from now; 0 = never. */
void autoclose_set(struct socket *s, uint32_t seconds);
/* Shuts down what has been idle for too long. */
void autoclose_run(struct usctp_stack *stack);
/* When autoclose_run must next be called, or USCTP_NEVER. */
uint64_t autoclose_deadline_us(const struct usctp_stack *stack);

#endif
