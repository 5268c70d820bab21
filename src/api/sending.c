/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sending (see sending.h).
 *
 * A message is queued in the engine, and what may go out is built and sent in the caller's thread
 * on leaving (socket.c). Which association it is for: one-to-one, the only one; one-to-many, the
 * one with the peer that is named, else the one whose id is given, or with SCTP_SENDALL each that
 * is up. Naming a new peer sets up an association, whose send buffer keeps the message meanwhile.
 */
#include "api/sending.h"

#include "api/connect.h"
#include "api/stack.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

void sending_begin(struct request *r, const struct sockaddr *names, int count, int flags) {
    memset(r, 0, offsetof(struct request, slices));
    r->names = names;
    r->name_count = count;
    r->flags = flags;
}

int sending_take_slices(struct request *r, const struct iovec *iov, size_t count) {
    r->slice_count = 0;
    r->bytes = 0;
    if (count > IOV_MAX)
        return -EMSGSIZE;
    if (count > 0 && !iov)
        return -EFAULT;
    for (size_t i = 0; i < count; i++) {
        if (iov[i].iov_len == 0)
            continue;
        if (!iov[i].iov_base)
            return -EFAULT;
        if (iov[i].iov_len > (size_t)SSIZE_MAX - r->bytes)
            return -EINVAL;
        r->slices[r->slice_count++] = (struct usctp_slice){iov[i].iov_base, iov[i].iov_len};
        r->bytes += iov[i].iov_len;
    }
    return 0;
}

static int read_names(const struct request *r, const struct socket *s, struct address_list *list) {
    if (r->name_bytes != 0) {
        list->count = 1;
        int error =
            sockaddr_read(r->names, r->name_bytes, s->domain, &list->addresses[0], &list->port);
        list->flow_labels[0] = error == 0 ? sockaddr_flow_label(r->names) : 0;
        return error;
    }
    return sockaddr_read_packed(r->names, r->name_count, s->domain, list);
}

/* ---- which association ----------------------------------------------------------------------- */

static uint16_t flags_of(const struct call *c, const struct request *r) {
    return r->info.has_info ? r->info.flags : c->socket->preferences.send.flags;
}

/* Returns the association's id or a negative errno. */
static int set_up(struct call *c, struct request *r, struct address_list *peer) {
    int error = ancillary_read_addresses(r->message, c->socket, peer);
    if (error == 0 && (flags_of(c, r) & (SCTP_EOF | SCTP_ABORT)))
        error = -EINVAL;
    int id = error != 0 ? error : connect_start(c, peer, r->info.has_init ? &r->info.init : NULL);
    r->assoc = id > 0 ? id : 0;
    return id;
}

static int choose_path(struct call *c, int32_t id, const struct usctp_addr *address,
                       struct usctp_send *send) {
    int path = usctp_path_find(c->stack->engine, id, address);
    if (path < 0)
        return -EADDRNOTAVAIL;
    send->path = (uint32_t)path;
    send->flags |= USCTP_MESSAGE_TO_PATH;
    return 0;
}

/* One-to-one: whether the association may still send. */
static int check_connected(struct call *c) {
    struct socket *s = c->socket;
    const struct connection *a = connection_only(s);
    if (s->state == SOCKET_GONE)
        return -EBADF;
    if (!a || (s->state != SOCKET_CONNECTED && s->state != SOCKET_CONNECTING))
        return s->error != 0 ? -socket_take_error(c) : -EPIPE;
    return a->is_write_shut ? -EPIPE : a->id;
}

static int choose_of_one(struct call *c, struct request *r, struct usctp_send *send) {
    struct address_list peer;
    int error = r->names ? read_names(r, c->socket, &peer) : 0;
    if (error != 0)
        return error;
    if (c->socket->state == SOCKET_FRESH && r->names)
        return set_up(c, r, &peer);
    int id = check_connected(c);
    if (id >= 0 && r->names) /* RFC 6458 4.1.8 item 1: to this address */
        error = choose_path(c, id, &peer.addresses[0], send);
    return error != 0 ? error : id;
}

static int choose_of_many(struct call *c, struct request *r, struct usctp_send *send) {
    struct socket *s = c->socket;
    struct address_list peer;
    if (!r->names) /* as Linux: an id of no association is a pipe without an end */
        return connection_of(s, r->info.assoc) ? r->info.assoc : -EPIPE;
    int error = read_names(r, s, &peer);
    if (error != 0)
        return error;
    int id = s->endpoint == 0
                 ? USCTP_ERR_NOT_FOUND
                 : usctp_assoc_find(c->stack->engine, s->endpoint, &peer.addresses[0], peer.port);
    if (id < 0)
        return set_up(c, r, &peer);
    if (!connection_of(s, id))
        return -EADDRNOTAVAIL; /* peeled off, or closing */
    if (flags_of(c, r) & SCTP_ADDR_OVER)
        error = choose_path(c, id, &peer.addresses[0], send);
    return error != 0 ? error : id;
}

/* ---- what is done ---------------------------------------------------------------------------- */

/* SCTP_ABORT: the bytes are the reason (RFC 6458 5.3.4). */
static ssize_t abort_with(struct call *c, int32_t id, const struct request *r) {
    uint8_t *reason = NULL;
    size_t used = 0;
    if (r->bytes > 0) {
        reason = malloc(r->bytes);
        if (!reason)
            return -ENOMEM;
        for (size_t i = 0; i < r->slice_count; i++) {
            memcpy(reason + used, r->slices[i].base, r->slices[i].length);
            used += r->slices[i].length;
        }
    }
    int error = usctp_assoc_abort(c->stack->engine, id, reason, used, c->now_us);
    free(reason);
    return error != 0 ? socket_errno(error) : (ssize_t)used;
}

/* ---- messages in pieces ---------------------------------------------------------------------- */

/* Appends; the first piece says how the message goes. Returns 0 or USCTP_ERR_NO_MEMORY. */
static int record_add(struct record *record, const struct request *r,
                      const struct usctp_send *send) {
    if (!record->data)
        record->send = *send;
    if (record->bytes + r->bytes > record->room || !record->data) {
        size_t room = 2 * (record->bytes + r->bytes);
        uint8_t *data = realloc(record->data, room);
        if (!data)
            return USCTP_ERR_NO_MEMORY;
        record->data = data;
        record->room = room;
    }
    for (size_t i = 0; i < r->slice_count; i++) {
        memcpy(record->data + record->bytes, r->slices[i].base, r->slices[i].length);
        record->bytes += r->slices[i].length;
    }
    return 0;
}

static void record_end(struct record *record) {
    free(record->data);
    *record = (struct record){.data = NULL};
}

/* ---- queueing -------------------------------------------------------------------------------- */

static ssize_t end_gracefully(struct call *c, int32_t id, const struct request *r) {
    if (r->bytes > 0)
        return -EINVAL;
    int error = usctp_assoc_shutdown(c->stack->engine, id, c->now_us);
    if (error != 0)
        return socket_errno(error);
    struct connection *a = connection_of(c->socket, id);
    a->is_write_shut = true;
    connection_unblock(a);
    return 0;
}

/* Whether the association that was chosen is still there and takes messages. A one-to-one socket
 * whose attempt has failed may have been connected anew meanwhile. */
static int check_open(struct call *c, int32_t id) {
    if (!c->socket->is_many) {
        int present = check_connected(c);
        return present < 0 || present == id ? present : -EPIPE;
    }
    if (c->socket->state == SOCKET_GONE)
        return -EBADF;
    const struct connection *a = connection_of(c->socket, id);
    if (!a || a->has_ended)
        return -EPIPE;
    return a->is_write_shut ? -ESHUTDOWN : id;
}

/* What is sent next: the caller's bytes, behind those of a record that they end. */
static int offer(struct call *c, struct connection *a, const struct request *r,
                 const struct usctp_send *send) {
    struct usctp_engine *engine = c->stack->engine;
    struct record *record = &a->record;
    if (!record->data)
        return usctp_assoc_send(engine, a->id, send, r->slices, r->slice_count, c->now_us);
    int error = record_add(record, r, send);
    if (error != 0)
        return error;
    struct usctp_slice whole = {.base = record->data, .length = record->bytes};
    error = usctp_assoc_send(engine, a->id, &record->send, &whole, 1, c->now_us);
    record->bytes -= r->bytes; /* until it has gone, the piece is the caller's */
    if (error == 0)
        record_end(record);
    return error;
}

static int queue(struct call *c, int32_t id, const struct request *r,
                 const struct usctp_send *send) {
    struct socket *s = c->socket;
    for (;;) {
        int error = check_open(c, id);
        if (error < 0)
            return error;
        struct connection *a = connection_of(s, id);
        error = offer(c, a, r, send);
        if (error == 0) {
            connection_touch(a, c->now_us);
            loop_note_sent(c->stack);
        }
        c->sent = error == 0 ? id : 0;
        if (error != USCTP_ERR_AGAIN)
            return socket_errno(error);
        a->is_full = true;
        s->is_full = true;
        if (r->flags & MSG_DONTWAIT)
            return -EAGAIN;
        error = blocking_wait(c, WANT_WRITABLE, id);
        if (error != 0)
            return error;
    }
}

/* RFC 6458 8.1.26: a piece that does not end its message is kept until one does. */
static ssize_t keep_piece(struct call *c, int32_t id, const struct request *r,
                          const struct usctp_send *send) {
    int error = check_open(c, id);
    if (error < 0)
        return error;
    struct connection *a = connection_of(c->socket, id);
    struct usctp_config config;
    if (usctp_assoc_config(c->stack->engine, id, &config) != 0 ||
        a->record.bytes + r->bytes > config.send_buffer_bytes)
        return -EMSGSIZE;
    error = record_add(&a->record, r, send);
    return error != 0 ? socket_errno(error) : (ssize_t)r->bytes;
}

static ssize_t send_to(struct call *c, int32_t id, const struct request *r,
                       struct usctp_send *send) {
    const struct connection *a = connection_of(c->socket, id);
    const struct send_defaults *defaults = &a->preferences.send;
    bool given = r->info.has_info;
    uint16_t flags = given ? r->info.flags : defaults->flags;
    if (flags & SCTP_ABORT)
        return abort_with(c, id, r);
    if (flags & SCTP_EOF)
        return end_gracefully(c, id, r);
    send->sid = given ? r->info.sid : defaults->sid;
    send->ppid = ntohl(given ? r->info.ppid : defaults->ppid);
    send->context = given ? r->info.context : defaults->context;
    if (flags & SCTP_UNORDERED)
        send->flags |= USCTP_MESSAGE_UNORDERED;
    if (flags & SCTP_SACK_IMMEDIATELY)
        send->flags |= USCTP_MESSAGE_SACK_IMMEDIATELY;
    if (c->socket->explicit_eor && !(flags & USCTP_EOR) && !(r->flags & MSG_EOR))
        return keep_piece(c, id, r, send);
    int error = queue(c, id, r, send);
    return error != 0 ? error : (ssize_t)r->bytes;
}

/* RFC 6458 5.3.4, SCTP_SENDALL. As Linux it ends with the first association that refuses. The ids
 * are collected first: a send that waits lets associations come and go. */
static ssize_t send_to_all(struct call *c, const struct request *r) {
    struct socket *s = c->socket;
    struct connection *a;
    size_t n = 0;
    ssize_t result = 0;
    int32_t *ids = malloc((s->connection_count + 1) * sizeof *ids);
    if (!ids)
        return -ENOMEM;
    TAILQ_FOREACH (a, &s->connections, of_socket)
        if (a->is_established && !a->has_ended && !a->is_write_shut)
            ids[n++] = a->id;
    for (size_t i = 0; i < n && result >= 0; i++) {
        struct usctp_send send = {.sid = 0};
        if (connection_of(s, ids[i]))
            result = send_to(c, ids[i], r, &send);
    }
    free(ids);
    return result;
}

ssize_t sending_run(struct call *c, struct request *r) {
    struct usctp_send send = {.sid = 0};
    uint16_t flags = flags_of(c, r);
    int error = ancillary_check_flags(flags);
    if (error != 0)
        return error;
    bool may_be_empty = flags & (SCTP_EOF | SCTP_ABORT) ||
                        (c->socket->explicit_eor && (flags & USCTP_EOR || r->flags & MSG_EOR));
    if (r->bytes == 0 && !may_be_empty)
        return -EINVAL;
    if (c->socket->is_many && (flags & SCTP_SENDALL))
        return send_to_all(c, r);
    bool is_new = c->socket->state == SOCKET_FRESH && r->names && !c->socket->is_many;
    int id = c->socket->is_many ? choose_of_many(c, r, &send) : choose_of_one(c, r, &send);
    if (id < 0)
        return id;
    ssize_t result = send_to(c, id, r, &send);
    if (result < 0 || !is_new || (r->flags & MSG_DONTWAIT))
        return result;
    error = connect_finish(c, id);
    return error != 0 && error != -EINPROGRESS ? error : result;
}
