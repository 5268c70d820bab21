/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the user asks of an association (RFC 9260 11.1): associate, send, receive, shutdown, abort,
 * release.
 *
 * Questions are in status.c, settings in tune.c.
 */
#include "assoc/association.h"
#include "chunk/cause.h"

/* ---- associate
 * ------------------------------------------------------------------------------------------------
 */

static int check_connect(const struct usctp_engine *engine, const struct usctp_connect *c,
                         const struct endpoint *ep) {
    if (!ep || ep->is_closed)
        return USCTP_ERR_NOT_FOUND;
    if (c->port == 0 || c->address_count == 0 || c->address_count > USCTP_MAX_ADDRESSES ||
        !c->addresses)
        return USCTP_ERR_INVALID;
    for (size_t i = 0; i < c->address_count; i++) {
        if (!addr_is_unicast(&c->addresses[i]))
            return USCTP_ERR_INVALID;
        if (!endpoint_has_family(ep, c->addresses[i].family))
            return USCTP_ERR_FAMILY;
        if (association_path_by_address(engine, &c->addresses[i], ep->port, c->port))
            return USCTP_ERR_EXISTS;
    }
    bool is_full = engine->counters.associations >= engine->config.max_associations;
    return is_full || env_is_short(&engine->env, ASSOCIATION_BYTES) ? USCTP_ERR_LIMIT : 0;
}

int32_t usctp_assoc_connect(struct usctp_engine *engine, const struct usctp_connect *connect,
                            uint64_t now_us) {
    if (!engine || !connect)
        return USCTP_ERR_INVALID;
    struct endpoint *ep = endpoint_by_id(engine, connect->endpoint);
    int error = check_connect(engine, connect, ep);
    if (error)
        return error;
    engine->now_us = now_us;
    struct assoc *a = association_new(engine, ep, connect->port);
    if (!a)
        return USCTP_ERR_NO_MEMORY;
    error = association_list_local(a, &connect->addresses[0]);
    for (size_t i = 0; i < connect->address_count && !error; i++)
        /* 5.4 rule 1: what the user names is confirmed. The same address twice is one path. */
        if (!path_add(a, &connect->addresses[i], true, connect->udp_port) &&
            !path_find(a, &connect->addresses[i]))
            error = USCTP_ERR_NO_MEMORY;
    if (error) {
        association_delete(a);
        return error;
    }
    handshake_begin(a, now_us);
    return a->id;
}

/* ---- send
 * ------------------------------------------------------------------------------------------------------
 */

static int check_send(struct assoc *a, const struct usctp_send *send, uint64_t bytes) {
    if (a->has_ended)
        return USCTP_ERR_STATE;
    if (a->user_shutdown || (a->state != USCTP_COOKIE_WAIT && a->state != USCTP_COOKIE_ECHOED &&
                             a->state != USCTP_ESTABLISHED))
        return USCTP_ERR_SHUTDOWN;
    uint32_t streams = a->state == USCTP_ESTABLISHED ? a->outbound_streams : a->wanted_streams;
    if (bytes == 0 || send->sid >= streams)
        return USCTP_ERR_INVALID;
    if ((send->flags & USCTP_MESSAGE_TO_PATH) && send->path >= a->path_count)
        return USCTP_ERR_INVALID;
    if (bytes > a->config->send_buffer_bytes)
        return USCTP_ERR_TOO_BIG;
    if (a->config->disable_fragments && bytes > a->amdcs - 16)
        return USCTP_ERR_TOO_BIG;
    if (a->send_queue.charged_bytes > 0 &&
        a->send_queue.charged_bytes + bytes > a->config->send_buffer_bytes) {
        a->send_blocked = true;
        return USCTP_ERR_AGAIN;
    }
    if (env_is_short(&a->engine->env, sizeof(struct outbound_message) + bytes)) {
        a->engine->counters.sends_refused++;
        return USCTP_ERR_LIMIT;
    }
    return 0;
}

int usctp_assoc_send(struct usctp_engine *engine, int32_t assoc, const struct usctp_send *send,
                     const struct usctp_slice *slices, size_t n, uint64_t now_us) {
    struct assoc *a = association_by_id(engine, assoc);
    if (!a)
        return USCTP_ERR_NOT_FOUND;
    if (!send || (n > 0 && !slices))
        return USCTP_ERR_INVALID;
    engine->now_us = now_us;
    uint64_t bytes = 0;
    for (size_t i = 0; i < n; i++) {
        if (slices[i].length > 0 && !slices[i].base)
            return USCTP_ERR_INVALID;
        bytes += slices[i].length;
        if (bytes > a->config->send_buffer_bytes)
            return USCTP_ERR_TOO_BIG;
    }
    int error = check_send(a, send, bytes);
    if (error)
        return error;
    error = send_queue_add(&a->send_queue, send, slices, n, &engine->env);
    if (error)
        return error;
    association_pend(a, PENDING_DATA);
    return 0;
}

bool usctp_assoc_may_wait(struct usctp_engine *engine, int32_t assoc, size_t bytes) {
    struct assoc *a = association_by_id(engine, assoc);
    if (!a || a->state != USCTP_ESTABLISHED || a->user_shutdown || a->pending != PENDING_DATA)
        return false;
    bool is_alone =
        engine->reply_count == 0 && TAILQ_FIRST(&engine->ready) == a && !TAILQ_NEXT(a, ready_link);
    if (!is_alone ||
        outstanding_in_flight_bytes(&a->outstanding) < (uint64_t)PLENTY_PACKETS * a->amdcs ||
        a->send_queue.unsent_bytes >= bytes || a->send_blocked)
        return false;
    if (a->credit <= UINT16_MAX)
        a->credit += a->config->max_burst;
    return true;
}

/* ---- receive
 * ---------------------------------------------------------------------------------------------------
 */

static int64_t nothing_to_read(const struct assoc *a) {
    return a->has_ended || a->peer_shut_down ? USCTP_ERR_SHUTDOWN : USCTP_ERR_AGAIN;
}

static void fill_received(const struct assoc *a, struct usctp_received *received) {
    received->cumulative_tsn = serial_wire(a->received.cumulative);
    if (received->path < a->path_count)
        received->source = a->paths[received->path]->address;
}

int64_t usctp_assoc_receive(struct usctp_engine *engine, int32_t assoc,
                            struct usctp_received *received, const struct usctp_slice *slices,
                            size_t n, uint32_t in_flags) {
    struct assoc *a = association_by_id(engine, assoc);
    if (!a)
        return USCTP_ERR_NOT_FOUND;
    if (!received || (n > 0 && !slices))
        return USCTP_ERR_INVALID;
    int64_t bytes = receive_queue_read(&a->inbox, received, slices, n, in_flags, &engine->env);
    if (bytes < 0)
        return nothing_to_read(a);
    fill_received(a, received);
    return bytes;
}

int64_t usctp_assoc_peek_next(struct usctp_engine *engine, int32_t assoc,
                              struct usctp_received *received) {
    const struct assoc *a = association_by_id(engine, assoc);
    if (!a)
        return USCTP_ERR_NOT_FOUND;
    int64_t bytes = receive_queue_peek_next(&a->inbox, received);
    if (bytes >= 0)
        fill_received(a, received);
    return bytes;
}

void usctp_assoc_received(struct usctp_engine *engine, int32_t assoc, uint64_t now_us) {
    struct assoc *a = association_by_id(engine, assoc);
    if (!a || a->has_ended)
        return;
    engine->now_us = now_us;
    receive_data_on_read(a);
}

/* ---- the end
 * ---------------------------------------------------------------------------------------------------
 */

int usctp_assoc_shutdown(struct usctp_engine *engine, int32_t assoc, uint64_t now_us) {
    struct assoc *a = association_by_id(engine, assoc);
    if (!a)
        return USCTP_ERR_NOT_FOUND;
    if (a->has_ended)
        return USCTP_ERR_STATE;
    engine->now_us = now_us;
    if (a->state == USCTP_COOKIE_WAIT) {
        termination_abort(a, NULL, 0, USCTP_ERR_ABORTED);
        association_reap(engine);
        return 0;
    }
    termination_begin(a, now_us);
    return 0;
}

static void abort_by_user(struct assoc *a, const uint8_t *reason, size_t bytes) {
    uint8_t cause[4 + 512];
    struct writer w = writer_over(cause, sizeof cause);
    cause_write(&w, CAUSE_USER_ABORT, reason, bytes < 512 ? bytes : 512); /* 3.3.10.12 */
    termination_abort(a, cause, writer_used(&w), USCTP_ERR_ABORTED);
}

int usctp_assoc_abort(struct usctp_engine *engine, int32_t assoc, const uint8_t *reason,
                      size_t bytes, uint64_t now_us) {
    struct assoc *a = association_by_id(engine, assoc);
    if (!a)
        return USCTP_ERR_NOT_FOUND;
    if (a->has_ended)
        return USCTP_ERR_STATE;
    if (bytes > 0 && !reason)
        return USCTP_ERR_INVALID;
    engine->now_us = now_us;
    abort_by_user(a, reason, bytes);
    association_reap(engine);
    return 0;
}

void usctp_assoc_release(struct usctp_engine *engine, int32_t assoc, uint64_t now_us) {
    struct assoc *a = association_by_id(engine, assoc);
    if (!a)
        return;
    engine->now_us = now_us;
    if (!a->has_ended && !a->user_shutdown && a->state != USCTP_SHUTDOWN_RECEIVED &&
        a->state != USCTP_SHUTDOWN_ACK_SENT)
        abort_by_user(a, NULL, 0);
    association_forget(a);
    if (!a->has_ended)
        receive_data_on_read(a);
    association_check_done(a);
    association_reap(engine);
}
