/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * CRC32c (RFC 9260 6.8, Appendix A): reflected polynomial 0x82F63B78, register all ones at first,
 * complemented at the end, least significant byte first on the wire.
 *
 * ISA-L does it with carry-less multiplication; a build with USCTP_NO_ISAL, or one for a CPU that
 * ISA-L does not know, has the portable code: eight tables, eight bytes a step. The tables are
 * constants that the compiler works out: a CRC is linear, so an entry is the sum of the entries of
 * its index's single bits, which are 64 consecutive powers of x modulo the polynomial.
 */
#include "core/crc32c.h"

#include "core/bytes.h"
#include "core/env.h"

#define SUM(i, b0, b1, b2, b3, b4, b5, b6, b7)                                                     \
    ((((i)&0x01u) ? b0 : 0u) ^ (((i)&0x02u) ? b1 : 0u) ^ (((i)&0x04u) ? b2 : 0u) ^                 \
     (((i)&0x08u) ? b3 : 0u) ^ (((i)&0x10u) ? b4 : 0u) ^ (((i)&0x20u) ? b5 : 0u) ^                 \
     (((i)&0x40u) ? b6 : 0u) ^ (((i)&0x80u) ? b7 : 0u))

/* SLICE<k>(i): what byte i adds to the remainder when k more bytes follow it. */
#define SLICE0(i)                                                                                  \
    SUM(i, 0xF26B8303u, 0xE13B70F7u, 0xC79A971Fu, 0x8AD958CFu, 0x105EC76Fu, 0x20BD8EDEu,           \
        0x417B1DBCu, 0x82F63B78u)
#define SLICE1(i)                                                                                  \
    SUM(i, 0x13A29877u, 0x274530EEu, 0x4E8A61DCu, 0x9D14C3B8u, 0x3FC5F181u, 0x7F8BE302u,           \
        0xFF17C604u, 0xFBC3FAF9u)
#define SLICE2(i)                                                                                  \
    SUM(i, 0xA541927Eu, 0x4F6F520Du, 0x9EDEA41Au, 0x38513EC5u, 0x70A27D8Au, 0xE144FB14u,           \
        0xC76580D9u, 0x8B277743u)
#define SLICE3(i)                                                                                  \
    SUM(i, 0xDD45AAB8u, 0xBF672381u, 0x7B2231F3u, 0xF64463E6u, 0xE964B13Du, 0xD725148Bu,           \
        0xABA65FE7u, 0x52A0C93Fu)
#define SLICE4(i)                                                                                  \
    SUM(i, 0x38116FACu, 0x7022DF58u, 0xE045BEB0u, 0xC5670B91u, 0x8F2261D3u, 0x1BA8B557u,           \
        0x37516AAEu, 0x6EA2D55Cu)
#define SLICE5(i)                                                                                  \
    SUM(i, 0xEF306B19u, 0xDB8CA0C3u, 0xB2F53777u, 0x6006181Fu, 0xC00C303Eu, 0x85F4168Du,           \
        0x0E045BEBu, 0x1C08B7D6u)
#define SLICE6(i)                                                                                  \
    SUM(i, 0x68032CC8u, 0xD0065990u, 0xA5E0C5D1u, 0x4E2DFD53u, 0x9C5BFAA6u, 0x3D5B83BDu,           \
        0x7AB7077Au, 0xF56E0EF4u)
#define SLICE7(i)                                                                                  \
    SUM(i, 0x493C7D27u, 0x9278FA4Eu, 0x211D826Du, 0x423B04DAu, 0x847609B4u, 0x0D006599u,           \
        0x1A00CB32u, 0x34019664u)

#define FOUR(slice, i) slice(i), slice((i) + 1u), slice((i) + 2u), slice((i) + 3u)
#define SIXTEEN(slice, i)                                                                          \
    FOUR(slice, i), FOUR(slice, (i) + 4u), FOUR(slice, (i) + 8u), FOUR(slice, (i) + 12u)
#define SIXTY_FOUR(slice, i)                                                                       \
    SIXTEEN(slice, i), SIXTEEN(slice, (i) + 16u), SIXTEEN(slice, (i) + 32u),                       \
        SIXTEEN(slice, (i) + 48u)
#define ALL(slice)                                                                                 \
    SIXTY_FOUR(slice, 0u), SIXTY_FOUR(slice, 64u), SIXTY_FOUR(slice, 128u), SIXTY_FOUR(slice, 192u)

static const uint32_t slices[8][256] = {
    {ALL(SLICE0)}, {ALL(SLICE1)}, {ALL(SLICE2)}, {ALL(SLICE3)},
    {ALL(SLICE4)}, {ALL(SLICE5)}, {ALL(SLICE6)}, {ALL(SLICE7)},
};

static uint32_t get32_little(const uint8_t *p) {
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint32_t extend_portable(uint32_t crc, const uint8_t *data, size_t bytes) {
    for (; bytes >= 8; data += 8, bytes -= 8) {
        uint32_t low = crc ^ get32_little(data);
        uint32_t high = get32_little(data + 4);
        crc = slices[7][low & 0xff] ^ slices[6][low >> 8 & 0xff] ^ slices[5][low >> 16 & 0xff] ^
              slices[4][low >> 24] ^ slices[3][high & 0xff] ^ slices[2][high >> 8 & 0xff] ^
              slices[1][high >> 16 & 0xff] ^ slices[0][high >> 24];
    }
    for (; bytes > 0; data++, bytes--) {
        crc = crc >> 8 ^ slices[0][(crc ^ *data) & 0xff];
    }
    return crc;
}

#ifdef USCTP_NO_ISAL

static uint32_t extend(uint32_t crc, const uint8_t *data, size_t bytes) {
    return extend_portable(crc, data, bytes);
}

#else

/* ISA-L's, as in its crc.h: the plain register in and out, nothing complemented. It only reads. */
unsigned int crc32_iscsi(unsigned char *buffer, int len, unsigned int init_crc);

static uint32_t extend(uint32_t crc, const uint8_t *data, size_t bytes) {
    const size_t most = (size_t)1 << 30; /* its length is an int */
    while (bytes > most) {
        crc = crc32_iscsi((unsigned char *)(uintptr_t)data, (int)most, crc);
        data += most;
        bytes -= most;
    }
    return bytes > 0 ? crc32_iscsi((unsigned char *)(uintptr_t)data, (int)bytes, crc) : crc;
}

#endif

uint32_t crc32c(const uint8_t *data, size_t bytes) {
    return ~extend(~(uint32_t)0, data, bytes);
}

uint32_t crc32c_portable(const uint8_t *data, size_t bytes) {
    return ~extend_portable(~(uint32_t)0, data, bytes);
}

uint32_t crc32c_of_packet(const uint8_t *packet, size_t bytes) {
    /* RFC 9260 6.8: the checksum field counts as zero; the packet may be memory we must not write.
     */
    uint8_t header[12] = {0};
    ASSERT(bytes >= sizeof header);
    memcpy(header, packet, 8);
    uint32_t crc = extend(~(uint32_t)0, header, sizeof header);
    crc = ~extend(crc, packet + sizeof header, bytes - sizeof header);
    return crc >> 24 | (crc >> 8 & 0xff00u) | (crc & 0xff00u) << 8 | crc << 24;
}
