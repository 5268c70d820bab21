/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ERROR chunks in and out (RFC 9260 3.3.10, 6.5), and chunks of unknown type (3.2).
 */
#include "assoc/association.h"
#include "chunk/cause.h"
#include "chunk/control_chunk.h"

#define ECHO_MOST_BYTES 1024u /* the largest max_error_echo_bytes */

enum chunk_verdict error_chunk_on_error(struct inbound *in, const struct chunk *chunk) {
    struct assoc *a = in->assoc;
    struct tlv_cursor cursor = tlv_over(chunk->value, chunk->value_bytes);
    struct tlv item;
    uint32_t staleness_us;
    enum tlv_verdict verdict;
    uint16_t first = cause_first_code(chunk->value, chunk->value_bytes);
    while ((verdict = tlv_next(&cursor, &item)) == TLV_ITEM) {
        if (item.type == CAUSE_STALE_COOKIE && cause_parse_stale_cookie(&item, &staleness_us)) {
            if (a->state != USCTP_COOKIE_ECHOED || in->summary.has_abort)
                return CHUNK_DONE; /* 5.2.6 */
            handshake_on_stale_cookie(in, staleness_us);
            return CHUNK_DROP_PACKET;
        }
    }
    if (verdict == TLV_MALFORMED)
        input_drop(in, USCTP_DROP_MALFORMED);
    const struct usctp_notification n = {.kind = USCTP_NOTIFY_REMOTE_ERROR,
                                         .error = first,
                                         .data = chunk->start,
                                         .data_bytes = chunk->length};
    association_notify(a, &n);
    return CHUNK_DONE;
}

bool error_chunk_may_reply(const struct inbound *in, uint32_t bytes) {
    if (in->summary.has_abort) /* 9.1 */
        return false;
    /* Room is kept for COOKIE ACK, SHUTDOWN or SHUTDOWN ACK, of 8 bytes at most: what asks for
       one may stand before or behind in the packet. */
    const uint32_t others = PENDING_COOKIE_ACK | PENDING_SHUTDOWN | PENDING_SHUTDOWN_ACK;
    bool is_alone = in->summary.count == 1 && !(in->assoc->pending & others);
    uint32_t taken = in->reply_bytes + (is_alone ? 0 : 8u);
    return taken + bytes + PACKET_HEADER_BYTES <= path_packet_bytes(in->path);
}

void error_chunk_report(struct inbound *in, const uint8_t *cause, size_t bytes) {
    struct assoc *a = in->assoc;
    uint32_t size = (uint32_t)padded4(CHUNK_HEADER_BYTES + bytes);
    if (in->summary.has_abort) /* 9.1 */
        return;
    /* 5.4: not to an unconfirmed address; and 12.4 leaves no second packet to another. */
    if (!in->path->is_confirmed || !error_chunk_may_reply(in, size)) {
        a->counters.dropped_control_chunks++;
        return;
    }
    uint8_t *chunk = association_queue_control(a, in->path->index, size);
    if (!chunk)
        return;
    in->reply_bytes += size;
    struct writer w = writer_over(chunk, size);
    control_chunk_write(&w, CHUNK_ERROR, 0, cause, bytes);
    ASSERT(!w.overflow);
}

enum chunk_verdict error_chunk_on_unknown(struct inbound *in, const struct chunk *chunk) {
    const struct assoc *a = in->assoc;
    bool is_skipped = chunk_unknown_is_skipped(chunk->type);
    if (chunk_unknown_is_reported(chunk->type) && a->state != USCTP_COOKIE_WAIT && in->path) {
        uint8_t cause[4 + ECHO_MOST_BYTES];
        struct writer w = writer_over(cause, sizeof cause);
        uint32_t most = a->config->max_error_echo_bytes;
        a->engine->counters.error_echoes_cut += chunk->length > most ? 1 : 0;
        cause_write(&w, CAUSE_UNRECOGNIZED_CHUNK, chunk->start,
                    chunk->length < most ? chunk->length : most);
        if (!w.overflow)
            error_chunk_report(in, cause, writer_used(&w));
    }
    if (!is_skipped)
        input_drop(in, USCTP_DROP_STATE);
    return is_skipped ? CHUNK_DONE : CHUNK_DROP_PACKET;
}
