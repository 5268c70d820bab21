/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The queue of messages to send, and the life of a message (RFC 9260 6.5, 6.6, 6.9).
 *
 * A message is one allocation: its payload lies behind it. Where its fragments are cut is decided
 * in output_data.c; what became of each is in outstanding.c.
 */
#include "assoc/send_queue.h"

#include <string.h>

void send_queue_init(struct send_queue *q) {
    memset(q, 0, sizeof *q);
    STAILQ_INIT(&q->messages);
}

void send_queue_free(struct send_queue *q, struct env *env) {
    struct outbound_message *message;
    while ((message = send_queue_pop(q)) != NULL) {
        outbound_message_release(q, message, env);
    }
    ASSERT(q->charged_bytes == 0 && q->unsent_bytes == 0);
    ssn_table_free(&q->next_ssns, env);
    send_queue_init(q);
}

static void gather(uint8_t *out, const struct usctp_slice *slices, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (slices[i].length > 0)
            memcpy(out, slices[i].base, slices[i].length);
        out += slices[i].length;
    }
}

int send_queue_add(struct send_queue *q, const struct usctp_send *send,
                   const struct usctp_slice *slices, size_t n, struct env *env) {
    size_t bytes = 0;
    for (size_t i = 0; i < n; i++) {
        if (slices[i].length > UINT32_MAX - bytes)
            return USCTP_ERR_NO_MEMORY;
        bytes += slices[i].length;
    }
    ASSERT(bytes > 0);
    struct outbound_message *message = env_allocate_raw(env, sizeof *message + bytes);
    if (!message)
        return USCTP_ERR_NO_MEMORY;
    *message = (struct outbound_message){
        .bytes = (uint32_t)bytes,
        .references = 1,
        .sid = send->sid,
        .ppid = send->ppid,
        .context = send->context,
        .flags = send->flags,
        .path = (uint8_t)send->path,
    };
    gather(message->payload, slices, n);
    STAILQ_INSERT_TAIL(&q->messages, message, link);
    q->message_count++;
    q->unsent_bytes += bytes;
    q->charged_bytes += bytes;
    return 0;
}

static bool is_ordered(const struct outbound_message *message) {
    return (message->flags & USCTP_MESSAGE_UNORDERED) == 0;
}

int send_queue_prepare(struct send_queue *q, struct env *env) {
    struct outbound_message *front = STAILQ_FIRST(&q->messages);
    if (!front || !is_ordered(front))
        return 0;
    if (ssn_table_prepare(&q->next_ssns, front->sid, env))
        return USCTP_ERR_NO_MEMORY;
    if (front->cut_bytes == 0)
        front->ssn = ssn_table_get(&q->next_ssns, front->sid);
    return 0;
}

void send_queue_cut(struct send_queue *q, uint32_t bytes, struct env *env) {
    struct outbound_message *front = STAILQ_FIRST(&q->messages);
    ASSERT(front && bytes > 0 && bytes <= front->bytes - front->cut_bytes);
    if (front->cut_bytes == 0 && is_ordered(front)) {
        /* RFC 9260 6.5: one more for each ordered message of the stream, 0 after 65535. */
        front->ssn = (*ssn_table_at(&q->next_ssns, front->sid))++;
    }
    front->was_sent = true;
    front->cut_bytes += bytes;
    q->unsent_bytes -= bytes;
    if (front->cut_bytes < front->bytes)
        return;
    STAILQ_REMOVE_HEAD(&q->messages, link);
    q->message_count--;
    outbound_message_release(q, front, env);
}

void outbound_message_release(struct send_queue *q, struct outbound_message *message,
                              struct env *env) {
    ASSERT(message->references > 0);
    if (--message->references > 0)
        return;
    ASSERT(q->charged_bytes >= message->bytes);
    q->charged_bytes -= message->bytes;
    env_release(env, message, sizeof *message + message->bytes);
}

struct outbound_message *send_queue_pop(struct send_queue *q) {
    struct outbound_message *message = STAILQ_FIRST(&q->messages);
    if (!message)
        return NULL;
    STAILQ_REMOVE_HEAD(&q->messages, link);
    q->message_count--;
    q->unsent_bytes -= message->bytes - message->cut_bytes;
    return message;
}

struct outbound_message *send_queue_pop_beyond(struct send_queue *q, uint32_t streams) {
    struct outbound_message *message;
    STAILQ_FOREACH (message, &q->messages, link) {
        if (message->sid >= streams)
            break;
    }
    if (!message)
        return NULL;
    ASSERT(message->cut_bytes == 0);
    STAILQ_REMOVE(&q->messages, message, outbound_message, link);
    q->message_count--;
    q->unsent_bytes -= message->bytes;
    return message;
}

void send_queue_reset_ssns(struct send_queue *q) {
    ssn_table_reset(&q->next_ssns);
}
