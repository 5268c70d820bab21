/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Notifications of the engine in Linux's layout (RFC 6458 6.1), and which of them an application
 * wants (6.2).
 */
#ifndef API_NOTIFICATION_H
#define API_NOTIFICATION_H

#include "api/connection.h"

/* A serialised notification: a fixed part, then data that is borrowed from the engine. */
struct notification {
    size_t head_bytes;
    const uint8_t *data;
    size_t data_bytes;
    union {
        struct sctp_assoc_change assoc_change;
        struct sctp_paddr_change paddr_change;
        struct sctp_remote_error remote_error;
        struct sctp_send_failed send_failed;
        struct sctp_send_failed_event send_failed_event;
        struct sctp_shutdown_event shutdown;
        struct sctp_adaptation_event adaptation;
        struct sctp_pdapi_event partial_delivery;
        struct sctp_sender_dry_event sender_dry;
        struct usctp_tlv tlv;
    } head; /* last: its members end in flexible arrays */
};

/* Fills *out. Returns false for a notification that the application does not want. */
bool notification_make(const struct connection *a, const struct usctp_notification *from,
                       struct notification *out);
/* The one that says that there are no more (RFC 6458 6.1.10). */
void notification_make_stopped(struct notification *out);
/* What the engine is to queue for wanted types: enum usctp_notification_kind. The end of a partial
 * delivery always, for the socket's own sake. */
uint32_t notification_kinds(uint32_t types);
/* Of USCTP_NOTIFICATIONS_STOPPED_EVENT. */
#define NOTIFICATION_STOPPED_BIT (1u << 31)
/* The bit of a type in preferences.types, or 0 for a type that does not exist. */
uint32_t notification_bit(unsigned type);

#endif
