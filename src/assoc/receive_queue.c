/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The user's end of the receive side (RFC 6458 3, 5.3.6, 6; partial delivery: RFC 9260 6.9).
 *
 * Fragments are freed as they are read, so that a large message gives its room back piece by
 * piece. How messages come about is in reassembly.c, when the window is reopened in ack.c.
 */
#include "assoc/receive_queue.h"

void receive_queue_init(struct receive_queue *q) {
    memset(q, 0, sizeof *q);
    STAILQ_INIT(&q->items);
}

static struct notification_item *notification_of(const struct receive_item *item) {
    return container_of(item, struct notification_item, item);
}

static void delete_notification(struct notification_item *notification, struct env *env) {
    if (notification)
        env_release(env, notification, notification->bytes);
}

static void forget_last(struct receive_queue *q, struct env *env) {
    delete_notification(q->last_notification, env);
    q->last_notification = NULL;
}

void receive_queue_free(struct receive_queue *q, struct env *env) {
    forget_last(q, env);
    struct receive_item *item;
    while ((item = STAILQ_FIRST(&q->items)) != NULL) {
        STAILQ_REMOVE_HEAD(&q->items, link);
        if (item->message) {
            inbound_message_delete(item->message, env);
        } else {
            delete_notification(notification_of(item), env);
        }
    }
    receive_queue_init(q);
}

void receive_queue_add(struct receive_queue *q, struct inbound_message *message) {
    message->item.message = message;
    STAILQ_INSERT_TAIL(&q->items, &message->item, link);
    q->message_count++;
    q->payload_bytes += message->payload_bytes;
    q->overhead_bytes += inbound_message_overhead(message);
}

void receive_queue_on_growth(struct receive_queue *q, uint32_t payload_bytes, uint32_t fragments) {
    q->payload_bytes += payload_bytes;
    q->overhead_bytes += (uint64_t)fragments * sizeof(struct fragment);
}

static struct notification_item *make_notification(const struct usctp_notification *notification,
                                                   struct env *env) {
    size_t bytes = sizeof(struct notification_item) + notification->data_bytes;
    struct notification_item *added = env_allocate_raw(env, bytes);
    if (!added)
        return NULL;
    *added = (struct notification_item){.notification = *notification, .bytes = bytes};
    added->notification.data = NULL;
    if (notification->data_bytes > 0) {
        uint8_t *data = (uint8_t *)(added + 1);
        memcpy(data, notification->data, notification->data_bytes);
        added->notification.data = data;
    }
    return added;
}

int receive_queue_notify(struct receive_queue *q, const struct usctp_notification *notification,
                         uint32_t max, struct env *env) {
    if (q->notification_count >= max)
        return USCTP_ERR_LIMIT;
    struct notification_item *added = make_notification(notification, env);
    if (!added)
        return USCTP_ERR_NO_MEMORY;
    STAILQ_INSERT_TAIL(&q->items, &added->item, link);
    q->notification_count++;
    return 0;
}

int receive_queue_notify_first(struct receive_queue *q,
                               const struct usctp_notification *notification, struct env *env) {
    struct notification_item *added = make_notification(notification, env);
    if (!added)
        return USCTP_ERR_NO_MEMORY;
    STAILQ_INSERT_HEAD(&q->items, &added->item, link);
    q->notification_count++;
    return 0;
}

static uint32_t unread_bytes(const struct inbound_message *message) {
    return message->payload_bytes - message->read_bytes;
}

bool receive_queue_is_readable(const struct receive_queue *q) {
    const struct receive_item *item = STAILQ_FIRST(&q->items);
    return item && (!item->message || unread_bytes(item->message) > 0);
}

/*
 * What is read next, or NULL. Past a message whose next piece has not come (there is one at most,
 * and nothing of its stream is deliverable behind it but unordered messages) only with INTERLEAVE.
 */
static struct receive_item *readable_item(const struct receive_queue *q, uint32_t in_flags) {
    struct receive_item *item = STAILQ_FIRST(&q->items);
    if (!item || !item->message || unread_bytes(item->message) > 0)
        return item;
    if (!(in_flags & USCTP_MESSAGE_INTERLEAVE))
        return NULL;
    uint16_t stalled_sid = item->message->sid;
    while ((item = STAILQ_NEXT(item, link)) != NULL)
        if (!item->message || item->message->sid != stalled_sid)
            break;
    return item;
}

/* ---- reading ------------------------------------------------------------------------------ */

/* Memory of the caller's that is filled slice by slice. */
struct sink {
    const struct usctp_slice *slices;
    size_t count, offset; /* slices left, and bytes already in the first of them */
};

static uint32_t pour(struct sink *sink, const uint8_t *data, uint32_t bytes) {
    uint32_t poured = 0;
    while (poured < bytes && sink->count > 0) {
        size_t room = sink->slices->length - sink->offset;
        size_t step = room < bytes - poured ? room : bytes - poured;
        if (step > 0)
            memcpy((uint8_t *)sink->slices->base + sink->offset, data + poured, step);
        poured += (uint32_t)step;
        sink->offset += step;
        if (sink->offset == sink->slices->length) {
            sink->slices++;
            sink->count--;
            sink->offset = 0;
        }
    }
    return poured;
}

/* Copies what is next without taking it. */
static uint32_t copy(const struct inbound_message *message, struct sink *sink) {
    uint32_t copied = 0, skip = message->read_bytes;
    const struct fragment *fragment;
    STAILQ_FOREACH (fragment, &message->fragments, link) {
        uint32_t bytes = fragment->payload_bytes - skip;
        uint32_t poured = pour(sink, fragment->payload + skip, bytes);
        copied += poured;
        if (poured < bytes)
            break;
        skip = 0;
    }
    return copied;
}

/* Frees what lies whole within the next `bytes`, and remembers the rest. */
static void consume(struct receive_queue *q, struct inbound_message *message, uint32_t bytes,
                    struct env *env) {
    message->read_bytes += bytes;
    struct fragment *fragment;
    while ((fragment = STAILQ_FIRST(&message->fragments)) != NULL &&
           fragment->payload_bytes <= message->read_bytes) {
        STAILQ_REMOVE_HEAD(&message->fragments, link);
        message->read_bytes -= fragment->payload_bytes;
        message->payload_bytes -= fragment->payload_bytes;
        message->fragment_count--;
        q->payload_bytes -= fragment->payload_bytes;
        q->overhead_bytes -= sizeof *fragment;
        reassembly_discard(fragment, env);
    }
    if (bytes > 0)
        message->was_read = true;
}

/* Frees a message that has left the list. */
static void drop(struct receive_queue *q, struct inbound_message *message, struct env *env) {
    q->message_count--;
    q->payload_bytes -= message->payload_bytes;
    q->overhead_bytes -= inbound_message_overhead(message);
    inbound_message_delete(message, env);
}

static void describe(const struct receive_item *item, struct usctp_received *received) {
    const struct inbound_message *message = item->message;
    if (!message) {
        memset(received, 0, sizeof *received);
        received->flags = USCTP_MESSAGE_NOTIFICATION;
        received->notification = notification_of(item)->notification;
        return;
    }
    const struct fragment *first = STAILQ_FIRST(&message->fragments);
    received->sid = message->sid;
    received->ssn = message->ssn;
    received->ppid = message->ppid;
    received->tsn = (uint32_t)(first ? first->tsn : message->end);
    received->path = message->path;
    received->flags = 0;
    received->source = (struct usctp_addr){.family = USCTP_FAMILY_NONE};
    received->notification.kind = 0; /* the rest of it says nothing */
    if (message->is_unordered)
        received->flags |= USCTP_MESSAGE_UNORDERED;
    if (message->was_read)
        received->flags |= USCTP_MESSAGE_INCOMPLETE_BEGIN;
}

int64_t receive_queue_read(struct receive_queue *q, struct usctp_received *received,
                           const struct usctp_slice *slices, size_t n, uint32_t in_flags,
                           struct env *env) {
    bool is_peek = (in_flags & USCTP_MESSAGE_PEEK) != 0;
    forget_last(q, env);
    struct receive_item *item = readable_item(q, in_flags);
    if (!item)
        return USCTP_ERR_AGAIN;
    describe(item, received);
    if (!item->message) {
        if (!is_peek) {
            STAILQ_REMOVE(&q->items, item, receive_item, link);
            q->notification_count--;
            q->last_notification = notification_of(item);
        }
        return 0;
    }
    struct inbound_message *message = item->message;
    struct sink sink = {.slices = slices, .count = n};
    uint32_t bytes = copy(message, &sink);
    bool is_end = message->has_end && bytes == unread_bytes(message);
    if (is_end)
        received->flags |= USCTP_MESSAGE_END;
    if (!is_peek) {
        consume(q, message, bytes, env);
        if (is_end) {
            STAILQ_REMOVE(&q->items, item, receive_item, link);
            drop(q, message, env);
        }
        item = readable_item(q, in_flags);
        if (item && item->message)
            received->flags |= USCTP_MESSAGE_MORE;
    }
    return bytes;
}

int64_t receive_queue_peek_next(const struct receive_queue *q, struct usctp_received *received) {
    const struct receive_item *item = STAILQ_FIRST(&q->items);
    if (item)
        item = STAILQ_NEXT(item, link);
    if (!item)
        return USCTP_ERR_AGAIN;
    describe(item, received);
    if (!item->message)
        return 0;
    if (item->message->has_end)
        received->flags |= USCTP_MESSAGE_END;
    return unread_bytes(item->message);
}

bool receive_queue_abort_partial(struct receive_queue *q, struct inbound_message *partial,
                                 struct env *env) {
    struct receive_item *item;
    STAILQ_FOREACH (item, &q->items, link) {
        if (item->message == partial)
            break;
    }
    if (!partial || !item)
        return false;
    bool was_read = partial->was_read;
    STAILQ_REMOVE(&q->items, item, receive_item, link);
    drop(q, partial, env);
    return was_read;
}
