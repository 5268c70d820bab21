/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SipHash-2-4: the keyed hash of the tables that a peer can fill, so that nobody can aim at one
 * bucket.
 */
#ifndef CORE_SIPHASH_H
#define CORE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t siphash(const uint8_t *key16, const uint8_t *data, size_t bytes);

#endif
