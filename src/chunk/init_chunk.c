/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * INIT and INIT ACK (RFC 9260 3.3.2, 3.3.3) and their parameters (3.2.1, 3.3.2.1, 3.3.3.1).
 *
 * Form only. A known parameter in the wrong one of the two chunks is read as if it belonged there;
 * src/assoc uses what fits. Of parameters that must be single the first one counts.
 */
#include "chunk/init_chunk.h"

#include "core/addr.h"

static void add_address(struct init_chunk *out, const struct usctp_addr *address) {
    for (uint32_t i = 0; i < out->address_count; i++) {
        if (addr_equal(&out->addresses[i], address))
            return;
    }
    /* RFC 9260 12.2.4.1 allows a limit; what exceeds it is read and forgotten. */
    if (out->address_count == USCTP_MAX_ADDRESSES) {
        out->ignored_address_count++;
        return;
    }
    out->addresses[out->address_count++] = *address;
}

static bool read_address_types(struct init_chunk *out, const struct tlv *item) {
    if (item->value_bytes % 2 != 0)
        return false;
    out->has_supported_types = true;
    for (uint32_t i = 0; i < item->value_bytes; i += 2) {
        uint16_t type = get16(item->value + i); /* 3.3.2.1.5: Host Name is not to be minded */
        if (type == PARAM_IPV4)
            out->supports_ipv4 = true;
        if (type == PARAM_IPV6)
            out->supports_ipv6 = true;
    }
    return true;
}

/* Returns whether the parameters after this one are to be read (RFC 9260 3.2.1, table 3). */
static bool note_unknown(struct init_chunk *out, const struct tlv *item) {
    if (param_unknown_is_reported(item->type) && out->unknown_count < INIT_MAX_UNKNOWN) {
        out->unknown[out->unknown_count].start = item->start;
        out->unknown[out->unknown_count].length = item->length;
        out->unknown_count++;
    }
    return param_unknown_is_skipped(item->type);
}

enum step { STEP_ON, STEP_STOP, STEP_MALFORMED };

static enum step read_parameter(struct init_chunk *out, const struct tlv *item) {
    struct usctp_addr address;
    switch (item->type) {
    case PARAM_IPV4:
    case PARAM_IPV6:
        if (!param_address_parse(item, &address))
            return STEP_MALFORMED;
        add_address(out, &address);
        return STEP_ON;
    case PARAM_STATE_COOKIE:
        if (!out->cookie) {
            out->cookie = item->value;
            out->cookie_bytes = item->value_bytes;
        }
        return STEP_ON;
    case PARAM_UNRECOGNIZED:
        if (!out->unrecognized.value) {
            out->unrecognized.value = item->value;
            out->unrecognized.bytes = item->value_bytes;
        }
        return STEP_ON;
    case PARAM_COOKIE_PRESERVATIVE:
        if (item->value_bytes != 4)
            return STEP_MALFORMED;
        if (out->cookie_preservative_ms == 0)
            out->cookie_preservative_ms = get32(item->value);
        return STEP_ON;
    case PARAM_HOST_NAME:
        out->has_host_name = true;
        return STEP_ON;
    case PARAM_SUPPORTED_ADDRESS_TYPES:
        return read_address_types(out, item) ? STEP_ON : STEP_MALFORMED;
    case PARAM_ECN_CAPABLE:
        out->has_ecn = true;
        return STEP_ON;
    case PARAM_HEARTBEAT_INFO: /* known, and of no meaning here */
        return STEP_ON;
    default:
        return note_unknown(out, item) ? STEP_ON : STEP_STOP;
    }
}

/* Returns false when a length cannot be. */
static bool read_parameters(struct init_chunk *out) {
    struct tlv_cursor cursor = tlv_over(out->parameters, out->parameters_bytes);
    struct tlv item;
    enum tlv_verdict verdict;
    while ((verdict = tlv_next(&cursor, &item)) == TLV_ITEM) {
        enum step step = read_parameter(out, &item);
        if (step == STEP_STOP)
            return true;
        if (step == STEP_MALFORMED)
            return false;
    }
    return verdict == TLV_END;
}

enum init_verdict init_chunk_parse(const struct chunk *chunk, struct init_chunk *out) {
    *out = (struct init_chunk){0};
    if (chunk->value_bytes < INIT_FIXED_BYTES)
        return INIT_MALFORMED;
    out->tag = get32(chunk->value);
    out->a_rwnd = get32(chunk->value + 4);
    out->outbound_streams = get16(chunk->value + 8);
    out->inbound_streams = get16(chunk->value + 10);
    out->initial_tsn = get32(chunk->value + 12);
    out->parameters = chunk->value + INIT_FIXED_BYTES;
    out->parameters_bytes = (uint16_t)(chunk->value_bytes - INIT_FIXED_BYTES);
    if (!read_parameters(out))
        return INIT_MALFORMED;
    if (out->tag == 0)
        return INIT_ZERO_TAG;
    if (out->outbound_streams == 0 || out->inbound_streams == 0)
        return INIT_ZERO_STREAMS;
    if (out->a_rwnd < USCTP_MIN_RWND_BYTES)
        return INIT_SMALL_WINDOW;
    if (out->has_host_name)
        return INIT_HOST_NAME;
    return INIT_OK;
}

static void write_address_types(struct writer *w, const struct init_content *content) {
    uint8_t types[4];
    size_t bytes = 0;
    if (content->supports_ipv4) {
        put16(types + bytes, PARAM_IPV4);
        bytes += 2;
    }
    if (content->supports_ipv6) {
        put16(types + bytes, PARAM_IPV6);
        bytes += 2;
    }
    param_write(w, PARAM_SUPPORTED_ADDRESS_TYPES, types, bytes);
}

uint8_t *init_chunk_begin(struct writer *w, uint8_t type, const struct init_content *content) {
    uint8_t *header = chunk_begin(w, type, 0);
    writer_put32(w, content->tag);
    writer_put32(w, content->a_rwnd);
    writer_put16(w, content->outbound_streams);
    writer_put16(w, content->inbound_streams);
    writer_put32(w, content->initial_tsn);
    for (uint32_t i = 0; i < content->address_count; i++) {
        param_address_write(w, &content->addresses[i]);
    }
    if (content->cookie_preservative_ms > 0) {
        uint8_t increment_ms[4];
        put32(increment_ms, content->cookie_preservative_ms);
        param_write(w, PARAM_COOKIE_PRESERVATIVE, increment_ms, sizeof increment_ms);
    }
    if (content->lists_supported_types)
        write_address_types(w, content);
    return header;
}
