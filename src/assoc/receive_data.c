/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * DATA chunks in (RFC 9260 6.2, 6.5, 6.6, 6.9): is it new, is there room, to whom does it go.
 *
 * When it is acknowledged is in ack.c; TSNs are in received_tsn.c, fragments in reassembly.c.
 */
#include "assoc/association.h"
#include "chunk/cause.h"

/*
 * The hard cap, for what a peer can make us hold beyond its payload: for its chunks. The last
 * quarter is for the next one, which lets go what waits behind it, and the one before for others
 * that fill gaps: else all that was taken could wait for ever.
 */
static uint64_t most_held(const struct assoc *a, uint64_t tsn) {
    uint64_t quarter =
        (uint64_t)a->config->receive_buffer_bytes * a->config->receive_overhead_factor / 4;
    if (tsn == a->received.cumulative + 1)
        return 4 * quarter + USCTP_MAX_PACKET_BYTES;
    return tsn < received_tsn_highest(&a->received) ? 3 * quarter : 2 * quarter;
}

/* 6.2: what may be taken in. */
static bool has_room(const struct assoc *a, const struct data_chunk *data, uint64_t tsn) {
    uint64_t payload = (uint64_t)a->inbox.payload_bytes + reassembly_payload_bytes(&a->reassembly);
    uint64_t overhead =
        (uint64_t)a->inbox.overhead_bytes + reassembly_overhead_bytes(&a->reassembly);
    uint64_t buffer = a->config->receive_buffer_bytes;
    if (payload + overhead + data->payload_bytes > most_held(a, tsn))
        return false;
    if (a->received.above.count >= a->config->max_gap_ranges && tsn != a->received.cumulative + 1)
        return false;
    /* What fills a gap is taken up to the cap: nothing that was acknowledged need be thrown away
     * for it. */
    if (tsn < received_tsn_highest(&a->received))
        return true;
    /* What is not yet due, or not yet whole, of one stream; what goes on with a message is. */
    bool goes_on = !(data->flags & DATA_FLAG_B) && tsn == a->received.cumulative + 1;
    if (!(data->flags & DATA_FLAG_U) && !goes_on &&
        reassembly_stream_bytes(&a->reassembly, data->sid) + data->payload_bytes >
            a->config->max_stream_bytes)
        return false;
    return a->advertised_rwnd > 0 && payload < buffer;
}

/* What fills a gap may use the last of the memory: what waits behind it can be handed up then. */
static bool is_memory_short(const struct assoc *a, const struct data_chunk *data, uint64_t tsn) {
    return tsn > received_tsn_highest(&a->received) &&
           env_is_short(&a->engine->env, sizeof(struct fragment) + data->payload_bytes);
}

/* New, and taken. */
static void count_taken(struct assoc *a, const struct data_chunk *data) {
    if (data->flags & DATA_FLAG_U) {
        a->counters.unordered_chunks_in++;
        a->engine->counters.unordered_chunks_in++;
    } else {
        a->counters.ordered_chunks_in++;
        a->engine->counters.ordered_chunks_in++;
    }
}

static void on_invalid_stream(struct inbound *in, const struct data_chunk *data) {
    uint8_t cause[8];
    struct writer w = writer_over(cause, sizeof cause);
    cause_write_invalid_stream(&w, data->sid);
    error_chunk_report(in, cause, writer_used(&w));
}

static void abort_no_user_data(struct assoc *a, uint32_t tsn) {
    uint8_t cause[8];
    struct writer w = writer_over(cause, sizeof cause);
    cause_write_no_user_data(&w, tsn);
    termination_abort(a, cause, writer_used(&w), USCTP_ERR_PROTOCOL);
}

/* Starts handing up a message that cannot be waited for: nothing else is there to read and the
   window is half shut, or it has grown past the point (6.9, RFC 6458 8.1.21). */
static void check_partial_delivery(struct assoc *a) {
    if (a->reassembly.partial || reassembly_run_count(&a->reassembly) == 0)
        return;
    bool is_starved =
        a->inbox.message_count == 0 && association_rwnd(a) < a->config->receive_buffer_bytes / 2;
    uint32_t least = is_starved ? 1 : a->config->partial_delivery_point_bytes;
    struct inbound_message *m =
        reassembly_start_partial(&a->reassembly, a->received.cumulative, least, &a->engine->env);
    if (!m)
        return;
    receive_queue_add(&a->inbox, m);
    a->counters.partial_deliveries++;
    association_raise(a, USCTP_EVENT_READABLE);
}

/* Not taken, and not acknowledged. */
static enum chunk_verdict leave(struct inbound *in, uint64_t *counter) {
    check_partial_delivery(in->assoc);
    (*counter)++;
    in->wants_sack = true; /* 6.2: immediately, with the current window */
    return CHUNK_DONE;
}

static void deliver(struct assoc *a, struct inbound_messages *deliverable) {
    struct inbound_message *m;
    while ((m = STAILQ_FIRST(deliverable)) != NULL) {
        STAILQ_REMOVE_HEAD(deliverable, link);
        a->engine->counters.reassembled_messages += m->fragment_count > 1 ? 1 : 0;
        receive_queue_add(&a->inbox, m);
        association_raise(a, USCTP_EVENT_READABLE);
    }
}

/* Nobody will read: what a released association still gets is thrown away, so that the peer can
 * finish (9.2). */
static void discard_unread(struct assoc *a) {
    uint8_t scratch[2048];
    const struct usctp_slice slice = {scratch, sizeof scratch};
    struct usctp_received received;
    while (receive_queue_read(&a->inbox, &received, &slice, 1, 0, &a->engine->env) >= 0)
        continue;
}

void receive_data_on_read(struct assoc *a) {
    check_partial_delivery(a);
    if (a->is_released)
        discard_unread(a);
    ack_on_read(a);
}

static enum chunk_verdict take(struct inbound *in, const struct data_chunk *data, uint64_t tsn);

enum chunk_verdict receive_data_on_chunk(struct inbound *in, const struct chunk *chunk) {
    struct assoc *a = in->assoc;
    struct data_chunk data;
    if (!data_chunk_parse(chunk, &data)) {
        input_drop(in, USCTP_DROP_MALFORMED);
        return CHUNK_DONE;
    }
    if (!in->had_data)
        ack_before_data(in);
    in->had_data = true;
    a->counters.data_chunks_in++;
    idle_note_data(a);
    if (data.payload_bytes == 0) { /* 6.2 */
        abort_no_user_data(a, data.tsn);
        return CHUNK_DROP_PACKET;
    }
    if (data.flags & DATA_FLAG_I)
        in->wants_sack = true;
    uint64_t tsn = received_tsn_unwrap(&a->received, data.tsn);
    uint32_t unreported = a->received.dropped_duplicates;
    switch (received_tsn_classify(&a->received, data.tsn, a->config->receive_buffer_bytes,
                                  &a->engine->env)) {
    case RECEIVED_DUPLICATE:
        in->had_duplicate = true;
        a->counters.duplicate_tsns++;
        a->counters.unreported_duplicates += a->received.dropped_duplicates - unreported;
        return CHUNK_DONE;
    case RECEIVED_BEYOND:
        a->counters.dropped_data_chunks++;
        in->wants_sack = true;
        return CHUNK_DONE;
    case RECEIVED_NEW:
        break;
    }
    a->counters.out_of_sequence_tsns += tsn != a->received.cumulative + 1 ? 1 : 0;
    if (is_memory_short(a, &data, tsn))
        return leave(in, &a->engine->counters.dropped[USCTP_DROP_MEMORY]);
    if (!has_room(a, &data, tsn))
        return leave(in, &a->counters.dropped_data_chunks);
    return take(in, &data, tsn);
}

static enum chunk_verdict abort_contradiction(struct assoc *a) {
    termination_abort_violation(a, "fragments contradict each other");
    return CHUNK_DROP_PACKET;
}

/* 6.5: there is no such stream. The payload is of no use, the TSN is acknowledged all the same. */
static enum chunk_verdict acknowledge_only(struct inbound *in, const struct data_chunk *data,
                                           uint64_t tsn) {
    struct assoc *a = in->assoc;
    if (reassembly_add_none(&a->reassembly, tsn, &a->received) != REASSEMBLY_OK)
        return abort_contradiction(a);
    if (received_tsn_add(&a->received, data->tsn, &a->engine->env)) {
        a->engine->counters.dropped[USCTP_DROP_MEMORY]++;
    } else {
        count_taken(a, data);
        in->had_new_data = true;
    }
    on_invalid_stream(in, data);
    return CHUNK_DONE;
}

static enum chunk_verdict take(struct inbound *in, const struct data_chunk *data, uint64_t tsn) {
    struct assoc *a = in->assoc;
    struct env *env = &a->engine->env;
    if (data->sid >= a->inbound_streams)
        return acknowledge_only(in, data, tsn);
    struct inbound_messages deliverable = STAILQ_HEAD_INITIALIZER(deliverable);
    struct inbound_message *partial = a->reassembly.partial;
    uint32_t partial_bytes = partial ? partial->payload_bytes : 0;
    uint32_t partial_fragments = partial ? partial->fragment_count : 0;
    struct fragment *fragment = reassembly_prepare(&a->reassembly, data, tsn, in->path->index, env);
    if (!fragment)
        goto no_memory;
    if (received_tsn_add(&a->received, data->tsn, env)) {
        reassembly_discard(fragment, env);
        goto no_memory;
    }
    switch (reassembly_add(&a->reassembly, fragment, data, &a->received, &deliverable, env)) {
    case REASSEMBLY_OK:
        break;
    case REASSEMBLY_VIOLATION:
    case REASSEMBLY_NO_MEMORY: /* reassembly_prepare made what is needed, so that this is a
                                  contradiction too */
        return abort_contradiction(a);
    }
    if (partial && partial->payload_bytes > partial_bytes) {
        receive_queue_on_growth(&a->inbox, partial->payload_bytes - partial_bytes,
                                partial->fragment_count - partial_fragments);
        association_raise(a, USCTP_EVENT_READABLE);
    }
    /* Its end has come behind what was handed up before. */
    a->engine->counters.reassembled_messages += partial && !a->reassembly.partial ? 1 : 0;
    deliver(a, &deliverable);
    check_partial_delivery(a);
    if (a->is_released)
        discard_unread(a);
    in->had_new_data = true;
    a->counters.bytes_in += data->payload_bytes;
    count_taken(a, data);
    return CHUNK_DONE;
no_memory:
    a->engine->counters.dropped[USCTP_DROP_MEMORY]++;
    return CHUNK_DONE;
}
