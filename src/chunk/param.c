/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Parameters (RFC 9260 3.2.1) and the two that hold addresses (3.3.2.1.1, 3.3.2.1.2).
 *
 * Whether an address may be used (multicast, mapped, our own) is decided in src/assoc.
 */
#include "chunk/param.h"

enum { IPV4_BYTES = 4, IPV6_BYTES = 16 };

bool param_address_parse(const struct tlv *item, struct usctp_addr *out) {
    *out = (struct usctp_addr){0};
    if (item->type == PARAM_IPV4 && item->value_bytes == IPV4_BYTES) {
        out->family = USCTP_FAMILY_IPV4;
        memcpy(out->ipv4, item->value, IPV4_BYTES);
        return true;
    }
    if (item->type == PARAM_IPV6 && item->value_bytes == IPV6_BYTES) {
        out->family = USCTP_FAMILY_IPV6;
        memcpy(out->ipv6, item->value, IPV6_BYTES);
        return true;
    }
    return false;
}

void param_address_write(struct writer *w, const struct usctp_addr *address) {
    if (address->family == USCTP_FAMILY_IPV4) {
        param_write(w, PARAM_IPV4, address->ipv4, IPV4_BYTES);
    } else if (address->family == USCTP_FAMILY_IPV6) {
        param_write(w, PARAM_IPV6, address->ipv6, IPV6_BYTES);
    }
}

void param_write(struct writer *w, uint16_t type, const void *value, size_t bytes) {
    size_t padded = padded4(bytes);
    if (bytes > UINT16_MAX - PARAM_HEADER_BYTES) {
        w->overflow = true;
        return;
    }
    uint8_t *p = writer_take(w, PARAM_HEADER_BYTES + padded);
    if (!p)
        return;
    put16(p, type);
    put16(p + 2, (uint16_t)(PARAM_HEADER_BYTES + bytes));
    if (bytes > 0)
        memcpy(p + PARAM_HEADER_BYTES, value, bytes);
    memset(p + PARAM_HEADER_BYTES + bytes, 0, padded - bytes);
}
