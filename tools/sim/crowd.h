/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * usctp-sim --associations: very many associations between two engines over a perfect network, to
 * see what each costs in memory and time.
 */
#ifndef SIM_CROWD_H
#define SIM_CROWD_H

#include "usctp/config.h"

#include <stdbool.h>
#include <stdint.h>

#define CROWD_MAX_ASSOCIATIONS 1000000u

struct crowd_options {
    uint32_t associations;
    uint64_t seed;
    const struct usctp_config *config[2]; /* of hosts a and b */
    bool json;
};

/* Plays it and prints the figures. Returns false when not every association was set up, had its
 * messages and was closed, or something is left at the end. */
bool crowd_run(const struct crowd_options *options);

#endif
