/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * CRC32c of an SCTP packet (RFC 9260 6.8 and Appendix A): ISA-L where it is there, slicing tables
 * where not.
 */
#ifndef CORE_CRC32C_H
#define CORE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* The finished CRC32c of some bytes (initial value and final complement included).
 * crc32c("123456789") is 0xE3069283. */
uint32_t crc32c(const uint8_t *data, size_t bytes);
/* The same by the portable code. */
uint32_t crc32c_portable(const uint8_t *data, size_t bytes);
/*
 * The checksum field's four bytes, of a packet of at least 12 bytes whose field counts as zero, as
 * a number that put32 would write in the order the wire wants (RFC 9260 Appendix A: the CRC goes
 * least significant byte first).
 */
uint32_t crc32c_of_packet(const uint8_t *packet, size_t bytes);

#endif
