/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Configurations that many tests share.
 */
#ifndef SUPPORT_CONFIGS_H
#define SUPPORT_CONFIGS_H

#include "usctp/config.h"

/* No heartbeats: nothing happens but what the script causes. */
static inline void quiet(struct usctp_config *config) {
    config->hb_enabled = 0;
}

/* No heartbeats, every message at once, no limit on bursts: all that congestion and flow control
 * allow goes out. */
static inline void eager(struct usctp_config *config) {
    config->hb_enabled = 0;
    config->nodelay = 1;
    config->max_burst = 1024;
}

#endif
