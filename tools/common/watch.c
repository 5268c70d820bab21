/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Trace records and notifications as text.  Records come under the stack's lock: nothing here calls
 * usctp.
 */
#include "common/watch.h"

#include "common/names.h"
#include "common/report.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The name of an error cause (RFC 9260 3.3.10). */
static const char *cause_text(unsigned cause) {
    static const char *const names[] = {
        [1] = "invalid stream identifier",
        [2] = "missing mandatory parameter",
        [3] = "stale cookie",
        [4] = "out of resource",
        [5] = "unresolvable address",
        [6] = "unrecognized chunk type",
        [7] = "invalid mandatory parameter",
        [8] = "unrecognized parameters",
        [9] = "no user data",
        [10] = "cookie received while shutting down",
        [11] = "restart with new addresses",
        [12] = "user-initiated abort",
        [13] = "protocol violation",
    };
    return cause < sizeof names / sizeof names[0] && names[cause] != NULL ? names[cause] : NULL;
}

/* "path 10.77.0.2", or its index where no packet has shown the address yet. */
static const char *path_text(const struct watch *watch, uint32_t path,
                             char text[ADDRESS_TEXT_BYTES]) {
    if (path < USCTP_MAX_ADDRESSES && watch->paths[path].family != USCTP_FAMILY_NONE)
        return address_text(&watch->paths[path], text);
    snprintf(text, ADDRESS_TEXT_BYTES, "%" PRIu32, path);
    return text;
}

static void learn_path(struct watch *watch, const struct usctp_trace_record *record) {
    if (record->assoc == 0 || record->path >= USCTP_MAX_ADDRESSES)
        return;
    if (record->assoc != watch->assoc) {
        memset(watch->paths, 0, sizeof watch->paths);
        watch->assoc = record->assoc;
    }
    watch->paths[record->path] = record->packet->destination;
}

static void watch_loss(struct watch *watch, const struct usctp_trace_record *record,
                       const char *path) {
    if (record->b == 2) {
        if (watch->last_timeout_us == record->now_us && watch->last_timeout_path == record->path)
            return;
        watch->last_timeout_us = record->now_us;
        watch->last_timeout_path = record->path;
        report_event("path %s: no SACK in time; from TSN %" PRIu64 " on all is sent again", path,
                     record->a);
    } else if (watch->verbosity > 1) {
        report_event("path %s: TSN %" PRIu64 " missing, fast retransmit", path, record->a);
    }
}

void watch_record(struct watch *watch, const struct usctp_trace_record *record) {
    char path[ADDRESS_TEXT_BYTES];
    switch (record->kind) {
    case USCTP_TRACE_PACKET_OUT:
        learn_path(watch, record);
        break;
    case USCTP_TRACE_STATE:
        report_event("association: %s -> %s", names_state(record->a), names_state(record->b));
        break;
    case USCTP_TRACE_PATH:
        report_event("path %s: %s -> %s", path_text(watch, record->path, path),
                     names_path_state(record->a), names_path_state(record->b));
        break;
    case USCTP_TRACE_PRIMARY:
        report_event("path %s: new data goes here now", path_text(watch, record->path, path));
        break;
    case USCTP_TRACE_PMTU:
        report_event("path %s: MTU %" PRIu64 " -> %" PRIu64, path_text(watch, record->path, path),
                     record->a, record->b);
        break;
    case USCTP_TRACE_LOSS:
        watch_loss(watch, record, path_text(watch, record->path, path));
        break;
    case USCTP_TRACE_CWND:
        if (watch->verbosity > 1)
            report_event("path %s: cwnd %" PRIu64 ", ssthresh %" PRIu64 ", in flight %" PRIu64,
                         path_text(watch, record->path, path), record->a, record->b, record->c);
        break;
    case USCTP_TRACE_RTO:
        if (watch->verbosity > 1)
            report_event("path %s: RTO %.1f ms, SRTT %.3f ms", path_text(watch, record->path, path),
                         (double)record->a / 1e3, (double)record->b / 1e3);
        break;
    case USCTP_TRACE_ASSERT:
        report_error("an assertion failed: %s", record->text != NULL ? record->text : "?");
        break;
    case USCTP_TRACE_PACKET_DROPPED:
        if (watch->verbosity > 1)
            report_event("a packet was dropped (reason %" PRIu64 ")", record->a);
        break;
    case USCTP_TRACE_PACKET_IN:
    case USCTP_TRACE_TIMER:
        break;
    }
}

static void watch_assoc_change(const struct sctp_assoc_change *change) {
    switch ((enum sctp_sac_state)change->sac_state) {
    case SCTP_COMM_UP:
        report_event("association up: %u streams out, %u in", change->sac_outbound_streams,
                     change->sac_inbound_streams);
        break;
    case SCTP_COMM_LOST:
        report_event("association lost");
        break;
    case SCTP_RESTART:
        report_event("the peer restarted the association");
        break;
    case SCTP_SHUTDOWN_COMP:
        report_event("association ended, shutdown complete");
        break;
    case SCTP_CANT_STR_ASSOC:
        report_event("no association could be set up");
        break;
    }
}

void watch_notification(const struct watch *watch, const void *note, size_t bytes) {
    union sctp_notification aligned;
    if (watch->verbosity == 0 || bytes < sizeof aligned.sn_header)
        return;
    memset(&aligned, 0, sizeof aligned);
    memcpy(&aligned, note, bytes < sizeof aligned ? bytes : sizeof aligned);
    switch (aligned.sn_header.sn_type) {
    case SCTP_ASSOC_CHANGE:
        if (bytes >= offsetof(struct sctp_assoc_change, sac_info))
            watch_assoc_change(&aligned.sn_assoc_change);
        break;
    case SCTP_SHUTDOWN_EVENT:
        report_event("the peer shuts down");
        break;
    case SCTP_REMOTE_ERROR:
        if (bytes >= offsetof(struct sctp_remote_error, sre_data)) {
            unsigned cause = ntohs(aligned.sn_remote_error.sre_error);
            const char *text = cause_text(cause);
            report_event("the peer reports error %u (%s)", cause, text != NULL ? text : "?");
        }
        break;
    default:
        break;
    }
}
