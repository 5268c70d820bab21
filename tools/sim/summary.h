/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a run is worth telling: as JSON, from which the text for people and single values are taken.
 */
#ifndef SIM_SUMMARY_H
#define SIM_SUMMARY_H

#include "sim/world.h"

#include <jansson.h>

/* Everything, whole numbers only.  why: as world_play gave it. */
json_t *summary_json(const struct world *w, enum world_result result, const char *why);
void summary_print(const json_t *summary, FILE *to);
void summary_print_json(const json_t *summary, FILE *to);
/* "a.goodput_bits_per_s,paths.0.a.lost": the values, with blanks between.  Returns false, having
 * printed nothing, when one of them does not exist. */
bool summary_print_values(const json_t *summary, const char *names, FILE *to);

#endif
