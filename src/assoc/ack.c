/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * When a SACK is due, and what it says (RFC 9260 6.2, 6.7, 3.3.4).
 *
 * While a gap is open every packet with DATA has its SACK: the moment before the next such packet
 * of a batch is kept as an encoded chunk, up to gap_sacks_per_batch of them. Otherwise a batch has
 * one SACK when sack_frequency packets wait for it, or a duplicate or the I bit was seen; else the
 * delay timer sends it. A peer's window is told again when a quarter of the buffer has been read.
 */
#include "assoc/association.h"
#include "chunk/control_chunk.h"

#define MAX_GAPS 4096u /* Gap Ack Blocks in one SACK: what fits 16,000 bytes */

bool ack_write(struct assoc *a, struct writer *w) {
    struct sack_gap gaps[MAX_GAPS];
    size_t room = writer_room(w);
    if (room < sack_chunk_size(0, 0))
        return false;
    uint32_t most = (uint32_t)((room - sack_chunk_size(0, 0)) / 4);
    struct sack_content content = {.cumulative_tsn = serial_wire(a->received.cumulative),
                                   .a_rwnd = association_rwnd(a),
                                   .gaps = gaps,
                                   .duplicates = a->received.duplicates};
    /* 6.2: as many Gap Ack Blocks as fit; then duplicates. */
    content.gap_count =
        (uint16_t)received_tsn_gaps(&a->received, gaps, most < MAX_GAPS ? most : MAX_GAPS);
    uint32_t left = most - content.gap_count;
    content.duplicate_count =
        (uint16_t)(a->received.duplicate_count < left ? a->received.duplicate_count : left);
    sack_chunk_write(w, &content);
    a->advertised_rwnd = content.a_rwnd;
    return true;
}

void ack_sent(struct assoc *a) {
    received_tsn_clear_duplicates(&a->received, &a->engine->env);
    a->has_sacked = true;
    a->packets_unacknowledged = 0;
    a->sack_due = false;
    a->pending &= ~(uint32_t)PENDING_SACK;
    timer_stop(&a->sack_timer, &a->engine->timers);
    a->counters.sacks_out++;
    association_count_control(a, false);
}

/* Keeps the SACK of this moment as a chunk of its own. */
static void snapshot(struct assoc *a) {
    uint8_t memory[CHUNK_HEADER_BYTES + SACK_FIXED_BYTES + 4 * MAX_GAPS];
    const struct path *p = path_manager_control_path(a, a->last_data_path);
    size_t room = p->pmdcs;
    struct writer w = writer_over(memory, room < sizeof memory ? room : sizeof memory);
    if (a->batch_sacks >= a->config->gap_sacks_per_batch || !ack_write(a, &w))
        return;
    uint8_t *chunk = association_queue_control(a, a->last_data_path, writer_used(&w));
    if (!chunk)
        return;
    memcpy(chunk, memory, writer_used(&w));
    a->batch_sacks++;
    ack_sent(a);
}

void ack_before_data(struct inbound *in) {
    struct assoc *a = in->assoc;
    in->had_gap = received_tsn_has_gap(&a->received);
    if (a->batch_wants_sack)
        snapshot(a);
    a->batch_wants_sack = false;
}

void ack_on_packet(struct inbound *in) {
    struct assoc *a = in->assoc;
    a->packets_unacknowledged++;
    /* 6.4: also duplicates: what is sent again on another path has lost its SACK on the last one.
     */
    a->last_data_path = in->path->index;
    bool has_gap = received_tsn_has_gap(&a->received);
    /* 6.2: duplicates alone, the I bit, a drop: at once. 6.7: while there is a gap: every packet;
     * and what fills it (RFC 5681 4.2). 5.1: the first DATA. */
    if (has_gap || in->had_gap || in->wants_sack || in->had_duplicate || !a->has_sacked)
        a->sack_due = true;
    bool is_frequent = a->config->sack_every_second_packet &&
                       a->packets_unacknowledged >= a->config->sack_frequency;
    a->batch_wants_sack = has_gap || is_frequent;
    if (a->state == USCTP_SHUTDOWN_SENT) {
        /* 9.2: each packet with DATA is answered by SHUTDOWN, and by a SACK: it alone tells gaps,
         * duplicates and the window. */
        association_pend(a, PENDING_SHUTDOWN);
        a->sack_due = true;
    }
    association_touch(a);
}

void ack_on_batch_end(struct assoc *a, uint64_t now_us) {
    a->batch_sacks = 0;
    a->batch_wants_sack = false;
    if (a->packets_unacknowledged == 0)
        return;
    if (a->sack_due || a->packets_unacknowledged >= a->config->sack_frequency ||
        a->config->sack_delay_us == 0) {
        association_pend(a, PENDING_SACK);
    } else if (!timer_is_running(&a->sack_timer)) {
        timer_start(&a->sack_timer, &a->engine->timers, now_us + a->config->sack_delay_us);
    }
}

void ack_on_read(struct assoc *a) {
    uint32_t rwnd = association_rwnd(a);
    uint32_t quarter = a->config->receive_buffer_bytes / 4;
    /* 6.2: an update only when the window has grown by a quarter of the buffer; while DATA may come
     * at all. */
    bool may_come = a->state == USCTP_ESTABLISHED || a->state == USCTP_SHUTDOWN_PENDING ||
                    a->state == USCTP_SHUTDOWN_SENT;
    if (may_come && rwnd >= a->advertised_rwnd + quarter)
        association_pend(a, PENDING_SACK);
}
