/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Options of messages and notifications: defaults for sending, what is told with what is received
 * (RFC 6458 6.2, 8.1.13-8.1.15, 8.1.25, 8.1.28-8.1.31).
 */
#include "api/ancillary.h"
#include "api/notification.h"
#include "api/option.h"
#include "api/stack.h"

#include <errno.h>
#include <string.h>

static int read_int(const void *value) {
    int n;
    memcpy(&n, value, sizeof n);
    return n;
}

static int write_int(int n, void *value, socklen_t *length) {
    memcpy(value, &n, sizeof n);
    *length = sizeof n;
    return 0;
}

/* ---- defaults for sending -------------------------------------------------------------------- */

static void change_send(struct preferences *preferences, const void *value) {
    memcpy(&preferences->send, value, sizeof preferences->send);
}

int option_set_send_param(struct call *c, const struct option *option, const void *value,
                          socklen_t length) {
    struct sctp_sndrcvinfo given;
    (void)option;
    (void)length;
    memcpy(&given, value, sizeof given);
    int error = ancillary_check_flags(given.sinfo_flags);
    if (error != 0)
        return error;
    if (given.sinfo_timetolive != 0)
        return -EOPNOTSUPP; /* RFC 3758 */
    struct send_defaults wanted = {.sid = given.sinfo_stream,
                                   .flags = given.sinfo_flags,
                                   .ppid = given.sinfo_ppid,
                                   .context = given.sinfo_context};
    option_prefer(c, change_send, &wanted);
    return 0;
}

int option_get_send_param(struct call *c, const struct option *option, void *value,
                          socklen_t *length) {
    struct sctp_sndrcvinfo out;
    const struct send_defaults *defaults = &option_preferences(c)->send;
    (void)option;
    memset(&out, 0, sizeof out);
    out.sinfo_stream = defaults->sid;
    out.sinfo_flags = defaults->flags;
    out.sinfo_ppid = defaults->ppid;
    out.sinfo_context = defaults->context;
    out.sinfo_assoc_id = option_assoc(c);
    memcpy(value, &out, sizeof out);
    *length = sizeof out;
    return 0;
}

int option_set_sndinfo(struct call *c, const struct option *option, const void *value,
                       socklen_t length) {
    struct sctp_sndinfo given;
    (void)option;
    (void)length;
    memcpy(&given, value, sizeof given);
    int error = ancillary_check_flags(given.snd_flags);
    if (error != 0)
        return error;
    struct send_defaults wanted = {.sid = given.snd_sid,
                                   .flags = given.snd_flags,
                                   .ppid = given.snd_ppid,
                                   .context = given.snd_context};
    option_prefer(c, change_send, &wanted);
    return 0;
}

int option_get_sndinfo(struct call *c, const struct option *option, void *value,
                       socklen_t *length) {
    const struct send_defaults *defaults = &option_preferences(c)->send;
    struct sctp_sndinfo out = {.snd_sid = defaults->sid,
                               .snd_flags = defaults->flags,
                               .snd_ppid = defaults->ppid,
                               .snd_context = defaults->context,
                               .snd_assoc_id = option_assoc(c)};
    (void)option;
    memcpy(value, &out, sizeof out);
    *length = sizeof out;
    return 0;
}

/* ---- context, mapped addresses --------------------------------------------------------------- */

static void change_context(struct preferences *preferences, const void *value) {
    memcpy(&preferences->receive_context, value, sizeof preferences->receive_context);
}

int option_set_context(struct call *c, const struct option *option, const void *value,
                       socklen_t length) {
    struct sctp_assoc_value given = {0};
    (void)option;
    memcpy(&given, value, length);
    uint32_t context = length < sizeof given ? (uint32_t)given.assoc_id : given.assoc_value;
    option_prefer(c, change_context, &context);
    return 0;
}

int option_get_context(struct call *c, const struct option *option, void *value,
                       socklen_t *length) {
    struct sctp_assoc_value out = {.assoc_id = option_assoc(c),
                                   .assoc_value = option_preferences(c)->receive_context};
    (void)option;
    if (*length < sizeof out)
        return write_int((int)out.assoc_value, value, length);
    memcpy(value, &out, sizeof out);
    return 0;
}

int option_set_mapped(struct call *c, const struct option *option, const void *value,
                      socklen_t length) {
    (void)option;
    (void)length;
    c->socket->is_mapped = read_int(value) != 0;
    return 0;
}

int option_get_mapped(struct call *c, const struct option *option, void *value, socklen_t *length) {
    (void)option;
    return write_int(c->socket->is_mapped, value, length);
}

/* ---- events ---------------------------------------------------------------------------------- */

/* RFC 6458 6.1.9: who subscribes when there is nothing to send is told so at once. */
static void tell_if_dry(struct connection *a) {
    struct usctp_assoc_status status;
    if (!a->is_established || !connection_status(a, &status) || status.has_ended ||
        status.unsent_bytes > 0 || status.unacknowledged_chunks > 0)
        return;
    a->is_dry_due = true;
    connection_settle(a);
}

struct subscription {
    uint32_t mask, types;
};

static void subscribe_one(struct preferences *preferences, const void *value) {
    const struct subscription *wanted = value;
    preferences->types = (preferences->types & ~wanted->mask) | wanted->types;
}

static void subscribe(struct call *c, const struct subscription *wanted) {
    const uint32_t dry = notification_bit(SCTP_SENDER_DRY_EVENT);
    struct usctp_engine *engine = c->stack->engine;
    if (c->scope.future) {
        subscribe_one(&c->socket->preferences, wanted);
        if (c->socket->endpoint != 0)
            usctp_endpoint_subscribe(engine, c->socket->endpoint,
                                     notification_kinds(c->socket->preferences.types));
    }
    for (struct connection *a = option_next(c, NULL), *next; a; a = next) {
        bool was_told = a->preferences.types & dry;
        next = option_next(c, a);
        subscribe_one(&a->preferences, wanted);
        usctp_assoc_subscribe(engine, a->id, notification_kinds(a->preferences.types));
        if (!was_told && (a->preferences.types & dry))
            tell_if_dry(a);
        else
            connection_settle(a); /* what is queued may be unwanted now */
    }
}

/* The structure's bytes are in the order of the types, from SCTP_DATA_IO_EVENT on; shorter ones
 * leave the rest as it is. */
int option_set_events(struct call *c, const struct option *option, const void *value,
                      socklen_t length) {
    const uint8_t *bytes = value;
    struct subscription wanted = {.mask = (1u << length) - 1};
    (void)option;
    for (socklen_t i = 0; i < length; i++)
        wanted.types |= (bytes[i] ? 1u : 0u) << i;
    subscribe(c, &wanted);
    return 0;
}

int option_get_events(struct call *c, const struct option *option, void *value, socklen_t *length) {
    uint8_t *bytes = value;
    (void)option;
    for (socklen_t i = 0; i < *length; i++)
        bytes[i] = option_preferences(c)->types >> i & 1u;
    return 0;
}

int option_set_event(struct call *c, const struct option *option, const void *value,
                     socklen_t length) {
    struct sctp_event given;
    (void)option;
    (void)length;
    memcpy(&given, value, sizeof given);
    uint32_t bit = notification_bit(given.se_type);
    if (bit == 0)
        return -EINVAL;
    subscribe(c, &(struct subscription){.mask = bit, .types = given.se_on ? bit : 0});
    return 0;
}

int option_get_event(struct call *c, const struct option *option, void *value, socklen_t *length) {
    struct sctp_event out;
    (void)option;
    memcpy(&out, value, sizeof out);
    uint32_t bit = notification_bit(out.se_type);
    if (bit == 0)
        return -EINVAL;
    out.se_assoc_id = option_assoc(c);
    out.se_on = (option_preferences(c)->types & bit) != 0;
    memcpy(value, &out, sizeof out);
    *length = sizeof out;
    return 0;
}

int option_set_rcvinfo(struct call *c, const struct option *option, const void *value,
                       socklen_t length) {
    (void)option;
    (void)length;
    c->socket->wants_rcvinfo = read_int(value) != 0;
    return 0;
}

int option_get_rcvinfo(struct call *c, const struct option *option, void *value,
                       socklen_t *length) {
    (void)option;
    return write_int(c->socket->wants_rcvinfo, value, length);
}

int option_set_nxtinfo(struct call *c, const struct option *option, const void *value,
                       socklen_t length) {
    (void)option;
    (void)length;
    c->socket->wants_nxtinfo = read_int(value) != 0;
    return 0;
}

int option_get_nxtinfo(struct call *c, const struct option *option, void *value,
                       socklen_t *length) {
    (void)option;
    return write_int(c->socket->wants_nxtinfo, value, length);
}

int option_set_extrcv(struct call *c, const struct option *option, const void *value,
                      socklen_t length) {
    (void)option;
    (void)length;
    c->socket->wants_extrcv = read_int(value) != 0;
    return 0;
}

int option_get_extrcv(struct call *c, const struct option *option, void *value, socklen_t *length) {
    (void)option;
    return write_int(c->socket->wants_extrcv, value, length);
}

int option_set_explicit_eor(struct call *c, const struct option *option, const void *value,
                            socklen_t length) {
    (void)option;
    (void)length;
    c->socket->explicit_eor = read_int(value) != 0;
    return 0;
}

int option_get_explicit_eor(struct call *c, const struct option *option, void *value,
                            socklen_t *length) {
    (void)option;
    return write_int(c->socket->explicit_eor, value, length);
}
