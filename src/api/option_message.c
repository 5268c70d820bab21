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
#include <stdlib.h>
#include <string.h>

_Static_assert(sizeof(struct sctp_event_subscribe) == 14, "Linux");
_Static_assert(sizeof(struct sctp_event) == 8, "Linux");

enum { DEFAULT_FLAGS = SCTP_UNORDERED | SCTP_ADDR_OVER | SCTP_SACK_IMMEDIATELY | SCTP_SENDALL };

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

/* SCTP_EOF and SCTP_ABORT as a default would end the association at the first send. */
static int check_default_flags(uint16_t flags) {
    int error = ancillary_check_flags(flags);
    if (error != 0)
        return error;
    return flags & ~DEFAULT_FLAGS ? -EINVAL : 0;
}

int option_set_send_param(struct call *c, const struct option *option, const void *value,
                          socklen_t length) {
    struct sctp_sndrcvinfo given;
    (void)option;
    (void)length;
    memcpy(&given, value, sizeof given);
    int error = check_default_flags(given.sinfo_flags);
    if (error != 0)
        return error;
    if (given.sinfo_timetolive != 0)
        return -EOPNOTSUPP; /* RFC 3758 */
    c->socket->send_defaults = (struct send_defaults){.sid = given.sinfo_stream,
                                                      .flags = given.sinfo_flags,
                                                      .ppid = given.sinfo_ppid,
                                                      .context = given.sinfo_context};
    return 0;
}

int option_get_send_param(struct call *c, const struct option *option, void *value,
                          socklen_t *length) {
    struct sctp_sndrcvinfo out;
    const struct send_defaults *defaults = &c->socket->send_defaults;
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
    int error = check_default_flags(given.snd_flags);
    if (error != 0)
        return error;
    c->socket->send_defaults = (struct send_defaults){.sid = given.snd_sid,
                                                      .flags = given.snd_flags,
                                                      .ppid = given.snd_ppid,
                                                      .context = given.snd_context};
    return 0;
}

int option_get_sndinfo(struct call *c, const struct option *option, void *value,
                       socklen_t *length) {
    const struct send_defaults *defaults = &c->socket->send_defaults;
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

int option_set_context(struct call *c, const struct option *option, const void *value,
                       socklen_t length) {
    struct sctp_assoc_value given = {0};
    (void)option;
    memcpy(&given, value, length);
    c->socket->receive_context =
        length < sizeof given ? (uint32_t)given.assoc_id : given.assoc_value;
    return 0;
}

int option_get_context(struct call *c, const struct option *option, void *value,
                       socklen_t *length) {
    struct sctp_assoc_value out = {.assoc_id = option_assoc(c),
                                   .assoc_value = c->socket->receive_context};
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
    if (c->socket->domain != AF_INET6)
        return -EINVAL; /* RFC 6458 8.1.15 */
    c->socket->is_mapped = read_int(value) != 0;
    return 0;
}

int option_get_mapped(struct call *c, const struct option *option, void *value, socklen_t *length) {
    (void)option;
    return write_int(c->socket->is_mapped, value, length);
}

/* ---- events ---------------------------------------------------------------------------------- */

/* RFC 6458 6.1.9: who subscribes when there is nothing to send is told so at once. */
static void tell_if_dry(struct call *c) {
    struct socket *s = c->socket;
    struct usctp_assoc_status status;
    struct notification n;
    const struct usctp_notification dry = {.kind = USCTP_NOTIFY_SENDER_DRY};
    if (s->state != SOCKET_CONNECTED || !s->connection || s->remainder.data)
        return;
    if (usctp_assoc_status(c->stack->engine, s->connection->id, &status) != 0)
        return;
    if (status.has_ended || status.unsent_bytes > 0 || status.unacknowledged_chunks > 0)
        return;
    if (!notification_make(s, &dry, &n))
        return;
    uint8_t *data = malloc(n.head_bytes);
    if (!data)
        return;
    memcpy(data, &n.head, n.head_bytes);
    s->remainder = (struct remainder){.data = data, .bytes = n.head_bytes};
}

static void subscribe(struct call *c, uint32_t types) {
    struct socket *s = c->socket;
    uint32_t added = types & ~s->interests.types;
    s->interests.types = types;
    uint32_t kinds = notification_kinds(&s->interests);
    if (s->endpoint != 0)
        usctp_endpoint_subscribe(c->stack->engine, s->endpoint, kinds);
    if (s->connection)
        usctp_assoc_subscribe(c->stack->engine, s->connection->id, kinds);
    if (added & notification_bit(SCTP_SENDER_DRY_EVENT))
        tell_if_dry(c);
}

/* The structure's bytes are in the order of the types, from SCTP_DATA_IO_EVENT on; shorter ones
 * leave the rest as it is. */
int option_set_events(struct call *c, const struct option *option, const void *value,
                      socklen_t length) {
    const uint8_t *bytes = value;
    uint32_t types = c->socket->interests.types;
    (void)option;
    for (socklen_t i = 0; i < length; i++)
        types = bytes[i] ? types | 1u << i : types & ~(1u << i);
    subscribe(c, types);
    return 0;
}

int option_get_events(struct call *c, const struct option *option, void *value, socklen_t *length) {
    uint8_t *bytes = value;
    (void)option;
    for (socklen_t i = 0; i < *length; i++)
        bytes[i] = c->socket->interests.types >> i & 1u;
    return 0;
}

int option_set_event(struct call *c, const struct option *option, const void *value,
                     socklen_t length) {
    struct sctp_event given;
    (void)option;
    (void)length;
    memcpy(&given, value, sizeof given);
    uint32_t bit = notification_bit(given.se_type);
    uint32_t types = c->socket->interests.types;
    if (bit == 0)
        return -EINVAL;
    subscribe(c, given.se_on ? types | bit : types & ~bit);
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
    out.se_on = (c->socket->interests.types & bit) != 0;
    memcpy(value, &out, sizeof out);
    *length = sizeof out;
    return 0;
}

int option_set_rcvinfo(struct call *c, const struct option *option, const void *value,
                       socklen_t length) {
    (void)option;
    (void)length;
    c->socket->interests.rcvinfo = read_int(value) != 0;
    return 0;
}

int option_get_rcvinfo(struct call *c, const struct option *option, void *value,
                       socklen_t *length) {
    (void)option;
    return write_int(c->socket->interests.rcvinfo, value, length);
}

int option_set_nxtinfo(struct call *c, const struct option *option, const void *value,
                       socklen_t length) {
    (void)option;
    (void)length;
    c->socket->interests.nxtinfo = read_int(value) != 0;
    return 0;
}

int option_get_nxtinfo(struct call *c, const struct option *option, void *value,
                       socklen_t *length) {
    (void)option;
    return write_int(c->socket->interests.nxtinfo, value, length);
}
