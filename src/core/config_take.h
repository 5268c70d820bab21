/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A caller's struct usctp_config, which may be of another version of the library (config.c).
 */
#ifndef CORE_CONFIG_TAKE_H
#define CORE_CONFIG_TAKE_H

#include "usctp/config.h"

/*
 * Copies a caller's tunables; those that his struct has no room for have their defaults. Returns 0,
 * USCTP_ERR_INVALID (no size of any version, or a value out of its range) or USCTP_ERR_TOO_BIG
 * (something is set that this version does not know). Rules between two tunables are checked where
 * they are used.
 */
int config_take(struct usctp_config *out, const struct usctp_config *given);

#endif
