/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Numbers with units, as scenarios have them.  Each function takes a whole word and returns false
 * where it is no such quantity, or one out of all reason; *out is then as it was.
 */
#ifndef SIM_QUANTITY_H
#define SIM_QUANTITY_H

#include "usctp/engine.h"

/* 0, or a number with us, ms, s or min. */
bool quantity_time(const char *word, uint64_t *out_us);
/* A number, with B, kB, MB, GB (powers of 1000), KiB, MiB, GiB (of 1024), or nothing. */
bool quantity_bytes(const char *word, uint64_t *out_bytes);
/* A second: a number with bit, kbit, Mbit, Gbit, or B, kB, MB, GB. */
bool quantity_rate(const char *word, uint64_t *out_bytes_per_s);
/* A probability: 0 to 1, or 0% to 100%. */
bool quantity_share(const char *word, double *out);
/* A whole number in decimal. */
bool quantity_count(const char *word, uint64_t *out);
/* An IPv4 or IPv6 address. */
bool quantity_address(const char *word, struct usctp_addr *out);

#endif
