/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The end of an association: graceful (RFC 9260 9.2) and by ABORT (9.1).
 */
#include "assoc/association.h"
#include "chunk/cause.h"
#include "chunk/control_chunk.h"

/* So many times Association.Max.Retrans DATA may go unacknowledged while HEARTBEATs are answered.
 */
enum { STALLED_FACTOR = 2 };

static bool all_acknowledged(const struct assoc *a) {
    return outstanding_is_empty(&a->outstanding) && !send_queue_front(&a->send_queue);
}

static void start_t5(struct assoc *a, uint64_t now_us) {
    if (!timer_is_running(&a->t5))
        timer_start(&a->t5, &a->engine->timers, now_us + 5 * a->config->rto_max_us);
}

static void send_shutdown(struct assoc *a, uint64_t now_us) {
    association_set_state(a, USCTP_SHUTDOWN_SENT);
    path_heartbeat_stop_all(a); /* 8.3 */
    a->shutdown_retransmits = 0;
    association_pend(a, PENDING_SHUTDOWN);
    start_t5(a, now_us);
}

static void send_shutdown_ack(struct assoc *a, uint64_t now_us) {
    association_set_state(a, USCTP_SHUTDOWN_ACK_SENT);
    path_heartbeat_stop_all(a);
    a->shutdown_retransmits = 0;
    a->pending &= ~(uint32_t)(PENDING_SHUTDOWN | PENDING_DATA);
    association_pend(a, PENDING_SHUTDOWN_ACK);
    start_t5(a, now_us);
}

void termination_check(struct assoc *a, uint64_t now_us) {
    if (a->has_ended || !all_acknowledged(a))
        return;
    if (a->state == USCTP_SHUTDOWN_PENDING)
        send_shutdown(a, now_us);
    else if (a->state == USCTP_SHUTDOWN_RECEIVED)
        send_shutdown_ack(a, now_us);
}

void termination_begin(struct assoc *a, uint64_t now_us) {
    a->user_shutdown = true;
    if (a->state != USCTP_ESTABLISHED)
        return; /* COOKIE-ECHOED: once established; SHUTDOWN-RECEIVED: 9.2: ignored */
    association_set_state(a, USCTP_SHUTDOWN_PENDING);
    association_pend(a, PENDING_DATA); /* what Nagle held back goes now */
    termination_check(a, now_us);
}

static void tell_peer_shutdown(struct assoc *a) {
    if (a->peer_shut_down)
        return;
    a->peer_shut_down = true;
    const struct usctp_notification n = {.kind = USCTP_NOTIFY_SHUTDOWN};
    association_notify(a, &n);
    association_raise(a, USCTP_EVENT_PEER_SHUTDOWN);
}

enum chunk_verdict termination_on_shutdown(struct inbound *in, const struct chunk *chunk) {
    struct assoc *a = in->assoc;
    uint32_t cumulative_tsn;
    if (!control_chunk_parse_shutdown(chunk, &cumulative_tsn)) {
        input_drop(in, USCTP_DROP_MALFORMED);
        return CHUNK_DONE;
    }
    a->handshake_path = in->path->index;
    if (a->state == USCTP_SHUTDOWN_ACK_SENT) { /* our SHUTDOWN ACK was lost */
        association_pend(a, PENDING_SHUTDOWN_ACK);
        return CHUNK_DONE;
    }
    tell_peer_shutdown(a);
    if (a->state == USCTP_ESTABLISHED || a->state == USCTP_SHUTDOWN_PENDING) {
        association_set_state(a, USCTP_SHUTDOWN_RECEIVED);
        association_pend(a, PENDING_DATA);
    }
    if (!retransmit_on_cumulative(a, cumulative_tsn, in->now_us))
        return CHUNK_DROP_PACKET;
    if (a->state == USCTP_SHUTDOWN_SENT)
        send_shutdown_ack(a, in->now_us); /* 9.2: both at once */
    else
        termination_check(a, in->now_us);
    return CHUNK_DONE;
}

enum chunk_verdict termination_on_shutdown_ack(struct inbound *in, const struct chunk *chunk) {
    struct assoc *a = in->assoc;
    (void)chunk;
    a->handshake_path = (uint8_t)path_manager_control_path(a, in->path->index)->index;
    association_pend(a, PENDING_SHUTDOWN_COMPLETE);
    association_end(a, 0, 0, NULL);
    return CHUNK_DROP_PACKET;
}

enum chunk_verdict termination_on_shutdown_complete(struct inbound *in, const struct chunk *chunk) {
    (void)chunk;
    association_end(in->assoc, 0, 0, NULL);
    return CHUNK_DROP_PACKET;
}

/* 3.3.7: an ABORT with a format error is as if it had not come. */
static bool is_well_formed(const struct chunk *chunk) {
    struct tlv_cursor cursor = tlv_over(chunk->value, chunk->value_bytes);
    struct tlv cause;
    enum tlv_verdict verdict;
    do
        verdict = tlv_next(&cursor, &cause);
    while (verdict == TLV_ITEM);
    return verdict == TLV_END;
}

enum chunk_verdict termination_on_abort(struct inbound *in, const struct chunk *chunk) {
    struct assoc *a = in->assoc;
    if (!is_well_formed(chunk)) {
        input_drop(in, USCTP_DROP_MALFORMED);
        return CHUNK_DROP_PACKET;
    }
    bool in_handshake = a->state == USCTP_COOKIE_WAIT || a->state == USCTP_COOKIE_ECHOED;
    uint16_t cause = cause_first_code(chunk->value, chunk->value_bytes);
    a->pending = 0; /* 9.1: never answered */
    association_end(a, in_handshake ? USCTP_ERR_REFUSED : USCTP_ERR_RESET, cause, chunk);
    return CHUNK_DROP_PACKET;
}

void termination_on_packet(struct assoc *a, uint64_t now_us) {
    if (a->state != USCTP_SHUTDOWN_SENT || !timer_is_running(&a->t2))
        return;
    a->shutdown_retransmits = 0;
    timer_start(&a->t2, &a->engine->timers, now_us + a->paths[a->handshake_path]->rto.rto_us);
}

void termination_on_t2(struct assoc *a, uint64_t now_us) {
    struct path *p = a->paths[a->handshake_path];
    const struct rto_limits limits = path_rto_limits(p);
    a->counters.t2_expiries++;
    rto_back_off(&p->rto, &limits);
    /* 9.2: the limit is Association.Max.Retrans, which the association's error count is held to. */
    if (++a->shutdown_retransmits > a->config->association_max_retrans) {
        association_end(a, USCTP_ERR_UNREACHABLE, 0, NULL);
        return;
    }
    if (!path_manager_on_error(p, false, now_us))
        return;
    association_pend(a, a->state == USCTP_SHUTDOWN_SENT ? PENDING_SHUTDOWN : PENDING_SHUTDOWN_ACK);
}

void termination_on_t5(struct assoc *a, uint64_t now_us) {
    (void)now_us;
    termination_abort(a, NULL, 0, USCTP_ERR_TIMED_OUT);
}

/* A peer that answers HEARTBEATs and acknowledges no DATA has no errors counted (8.1), and a
 * SHUTDOWN that waits for its DATA would wait for ever; the user may be gone long since. */
void termination_on_t3(struct assoc *a) {
    bool waits = a->state == USCTP_SHUTDOWN_PENDING || a->state == USCTP_SHUTDOWN_RECEIVED;
    if (waits && ++a->stalled_t3 > STALLED_FACTOR * (a->config->association_max_retrans + 1))
        termination_abort(a, NULL, 0, USCTP_ERR_TIMED_OUT);
}

void termination_abort(struct assoc *a, const uint8_t *causes, size_t bytes, int error) {
    if (a->has_ended)
        return;
    /* 8.5.1 B: with the peer's tag, which COOKIE-WAIT does not know yet: nobody to tell then. */
    if (a->peer_tag != 0 && a->path_count > 0) {
        a->handshake_path = (uint8_t)path_manager_control_path(a, a->data_path)->index;
        uint8_t *kept = bytes > 0 ? env_allocate_raw(&a->engine->env, bytes) : NULL;
        if (kept) {
            memcpy(kept, causes, bytes);
            a->abort_causes = kept;
            a->abort_causes_bytes = (uint16_t)bytes;
        }
        association_pend(a, PENDING_ABORT);
    }
    association_end(a, error, cause_first_code(causes, bytes), NULL);
}

void termination_abort_violation(struct assoc *a, const char *text) {
    uint8_t cause[128];
    struct writer w = writer_over(cause, sizeof cause);
    cause_write_violation(&w, text);
    termination_abort(a, cause, w.overflow ? 0 : writer_used(&w), USCTP_ERR_PROTOCOL);
}
