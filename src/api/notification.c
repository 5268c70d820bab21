/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Notifications (see notification.h; RFC 6458 6.1, RFC 7829 7.1).
 */
#include "api/notification.h"

#include "api/sockaddr.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <string.h>

_Static_assert((int)USCTP_COMM_UP == SCTP_COMM_UP && (int)USCTP_CANT_START == SCTP_CANT_STR_ASSOC,
               "Linux");
_Static_assert((int)USCTP_PATH_AVAILABLE == SCTP_ADDR_AVAILABLE &&
                   (int)USCTP_PATH_CONFIRMED == SCTP_ADDR_CONFIRMED &&
                   (int)USCTP_PATH_POTENTIALLY_FAILED == SCTP_ADDR_POTENTIALLY_FAILED,
               "Linux");

enum { PF_EXPOSED = 2, DATA_U = 4 /* RFC 9260 3.3.1 */ };

/* Types of enum sctp_sn_type and what makes the engine produce them. */
static const struct {
    unsigned type;
    uint32_t kind;
} sources[] = {
    {SCTP_ASSOC_CHANGE, USCTP_NOTIFY_ASSOC_CHANGE},
    {SCTP_PEER_ADDR_CHANGE, USCTP_NOTIFY_PATH_CHANGE},
    {SCTP_SEND_FAILED, USCTP_NOTIFY_SEND_FAILED},
    {SCTP_SEND_FAILED_EVENT, USCTP_NOTIFY_SEND_FAILED},
    {SCTP_REMOTE_ERROR, USCTP_NOTIFY_REMOTE_ERROR},
    {SCTP_SHUTDOWN_EVENT, USCTP_NOTIFY_SHUTDOWN},
    {SCTP_PARTIAL_DELIVERY_EVENT, USCTP_NOTIFY_PARTIAL_DELIVERY_ABORTED},
    {SCTP_ADAPTATION_INDICATION, USCTP_NOTIFY_ADAPTATION},
    {SCTP_SENDER_DRY_EVENT, USCTP_NOTIFY_SENDER_DRY},
};

uint32_t notification_bit(unsigned type) {
    if (type == USCTP_NOTIFICATIONS_STOPPED_EVENT)
        return NOTIFICATION_STOPPED_BIT;
    if (type < SCTP_SN_TYPE_BASE || type > SCTP_SN_TYPE_MAX)
        return 0;
    return 1u << (type - SCTP_SN_TYPE_BASE);
}

uint32_t notification_kinds(uint32_t types) {
    uint32_t kinds = USCTP_NOTIFY_PARTIAL_DELIVERY_ABORTED;
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++)
        if (types & notification_bit(sources[i].type))
            kinds |= sources[i].kind;
    return kinds;
}

static bool is_wanted(const struct connection *a, uint32_t kind) {
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++)
        if (sources[i].kind == kind && (a->preferences.types & notification_bit(sources[i].type)))
            return true;
    return false;
}

/* ---- one for each type ----------------------------------------------------------------------- */

static uint32_t length_of(const struct notification *n) {
    return (uint32_t)(n->head_bytes + n->data_bytes);
}

static void make_assoc_change(const struct usctp_notification *from, sctp_assoc_t id,
                              struct notification *n) {
    struct sctp_assoc_change *out = &n->head.assoc_change;
    n->head_bytes = sizeof *out;
    out->sac_type = SCTP_ASSOC_CHANGE;
    out->sac_length = length_of(n);
    out->sac_state = (uint16_t)from->change;
    out->sac_error = from->error;
    out->sac_outbound_streams = from->outbound_streams;
    out->sac_inbound_streams = from->inbound_streams;
    out->sac_assoc_id = id;
}

static void make_paddr_change(const struct connection *a, const struct usctp_notification *from,
                              struct notification *n) {
    const struct socket *s = a->socket;
    struct sctp_paddr_change *out = &n->head.paddr_change;
    struct sockaddr_storage address;
    n->head_bytes = sizeof *out;
    out->spc_type = SCTP_PEER_ADDR_CHANGE;
    out->spc_length = length_of(n);
    sockaddr_write(&from->address, a->peer_port, s->domain == AF_INET6 && s->is_mapped, &address);
    memcpy((char *)out + offsetof(struct sctp_paddr_change, spc_aaddr), &address, sizeof address);
    out->spc_state = (int)from->change;
    out->spc_error = from->error;
    out->spc_assoc_id = a->id;
}

static void make_remote_error(const struct usctp_notification *from, sctp_assoc_t id,
                              struct notification *n) {
    struct sctp_remote_error *out = &n->head.remote_error;
    n->head_bytes = sizeof *out;
    out->sre_type = SCTP_REMOTE_ERROR;
    out->sre_length = length_of(n);
    out->sre_error = htons(from->error);
    out->sre_assoc_id = id;
}

/* As Linux, a DATA chunk's flags (RFC 9260 3.3.1): of the whole message, which is always given. */
static uint16_t flags_of(const struct usctp_notification *from) {
    unsigned flags = USCTP_DATA_NOT_FRAG;
    if (from->send.flags & USCTP_MESSAGE_UNORDERED)
        flags |= DATA_U;
    return (uint16_t)flags;
}

static void make_send_failed(const struct usctp_notification *from, sctp_assoc_t id,
                             struct notification *n) {
    struct sctp_send_failed *out = &n->head.send_failed;
    n->head_bytes = sizeof *out;
    out->ssf_type = SCTP_SEND_FAILED;
    out->ssf_flags = from->was_sent ? SCTP_DATA_SENT : SCTP_DATA_UNSENT;
    out->ssf_length = length_of(n);
    out->ssf_error = from->error;
    out->ssf_info.sinfo_stream = from->send.sid;
    out->ssf_info.sinfo_flags = flags_of(from);
    out->ssf_info.sinfo_ppid = htonl(from->send.ppid);
    out->ssf_info.sinfo_context = from->send.context;
    out->ssf_info.sinfo_assoc_id = id;
    out->ssf_assoc_id = id;
}

static void make_send_failed_event(const struct usctp_notification *from, sctp_assoc_t id,
                                   struct notification *n) {
    struct sctp_send_failed_event *out = &n->head.send_failed_event;
    n->head_bytes = sizeof *out;
    out->ssf_type = SCTP_SEND_FAILED_EVENT;
    out->ssf_flags = from->was_sent ? SCTP_DATA_SENT : SCTP_DATA_UNSENT;
    out->ssf_length = length_of(n);
    out->ssf_error = from->error;
    out->ssfe_info.snd_sid = from->send.sid;
    out->ssfe_info.snd_flags = flags_of(from);
    out->ssfe_info.snd_ppid = htonl(from->send.ppid);
    out->ssfe_info.snd_context = from->send.context;
    out->ssfe_info.snd_assoc_id = id;
    out->ssf_assoc_id = id;
}

static void make_partial_delivery(const struct usctp_notification *from, sctp_assoc_t id,
                                  struct notification *n) {
    struct sctp_pdapi_event *out = &n->head.partial_delivery;
    n->head_bytes = sizeof *out;
    out->pdapi_type = SCTP_PARTIAL_DELIVERY_EVENT;
    out->pdapi_length = length_of(n);
    out->pdapi_indication = SCTP_PARTIAL_DELIVERY_ABORTED;
    out->pdapi_stream = from->sid;
    out->pdapi_seq = from->value;
    out->pdapi_assoc_id = id;
}

static void make_shutdown(sctp_assoc_t id, struct notification *n) {
    struct sctp_shutdown_event *out = &n->head.shutdown;
    n->head_bytes = sizeof *out;
    out->sse_type = SCTP_SHUTDOWN_EVENT;
    out->sse_length = length_of(n);
    out->sse_assoc_id = id;
}

static void make_adaptation(const struct usctp_notification *from, sctp_assoc_t id,
                            struct notification *n) {
    struct sctp_adaptation_event *out = &n->head.adaptation;
    n->head_bytes = sizeof *out;
    out->sai_type = SCTP_ADAPTATION_INDICATION;
    out->sai_length = length_of(n);
    out->sai_adaptation_ind = from->value;
    out->sai_assoc_id = id;
}

static void make_sender_dry(sctp_assoc_t id, struct notification *n) {
    struct sctp_sender_dry_event *out = &n->head.sender_dry;
    n->head_bytes = sizeof *out;
    out->sender_dry_type = SCTP_SENDER_DRY_EVENT;
    out->sender_dry_length = length_of(n);
    out->sender_dry_assoc_id = id;
}

void notification_make_stopped(struct notification *out) {
    memset(out, 0, sizeof *out);
    out->head_bytes = sizeof out->head.tlv;
    out->head.tlv.sn_type = USCTP_NOTIFICATIONS_STOPPED_EVENT;
    out->head.tlv.sn_length = sizeof out->head.tlv;
}

bool notification_make(const struct connection *a, const struct usctp_notification *from,
                       struct notification *out) {
    const struct preferences *preferences = &a->preferences;
    sctp_assoc_t id = a->id;
    /* Queued before the application changed its mind. */
    if (!is_wanted(a, from->kind))
        return false;
    memset(out, 0, sizeof *out);
    out->data = from->data;
    out->data_bytes = from->data ? from->data_bytes : 0;
    switch ((enum usctp_notification_kind)from->kind) {
    case USCTP_NOTIFY_ASSOC_CHANGE:
        make_assoc_change(from, id, out);
        return true;
    case USCTP_NOTIFY_PATH_CHANGE:
        /* RFC 7829 7.3: the potentially failed state is shown to those who asked for it. */
        if (from->change == USCTP_PATH_POTENTIALLY_FAILED && preferences->pf_exposure != PF_EXPOSED)
            return false;
        make_paddr_change(a, from, out);
        return true;
    case USCTP_NOTIFY_REMOTE_ERROR:
        make_remote_error(from, id, out);
        return true;
    case USCTP_NOTIFY_SEND_FAILED:
        if (preferences->types & notification_bit(SCTP_SEND_FAILED_EVENT))
            make_send_failed_event(from, id, out);
        else
            make_send_failed(from, id, out);
        return true;
    case USCTP_NOTIFY_SHUTDOWN:
        make_shutdown(id, out);
        return true;
    case USCTP_NOTIFY_PARTIAL_DELIVERY_ABORTED:
        make_partial_delivery(from, id, out);
        return true;
    case USCTP_NOTIFY_ADAPTATION:
        make_adaptation(from, id, out);
        return true;
    case USCTP_NOTIFY_SENDER_DRY:
        make_sender_dry(id, out);
        return true;
    }
    return false;
}
