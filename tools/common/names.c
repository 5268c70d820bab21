/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tables of names.
 */
#include "common/names.h"

#include "usctp/engine.h"

#include <stddef.h>

#define NAME_OF(names, number)                                                                     \
    ((number) < sizeof(names) / sizeof(names)[0] && (names)[number] != NULL ? (names)[number]      \
                                                                            : "unknown")

const char *names_state(uint64_t state) {
    static const char *const names[] = {
        [0] = "none",
        [USCTP_CLOSED] = "CLOSED",
        [USCTP_COOKIE_WAIT] = "COOKIE-WAIT",
        [USCTP_COOKIE_ECHOED] = "COOKIE-ECHOED",
        [USCTP_ESTABLISHED] = "ESTABLISHED",
        [USCTP_SHUTDOWN_PENDING] = "SHUTDOWN-PENDING",
        [USCTP_SHUTDOWN_SENT] = "SHUTDOWN-SENT",
        [USCTP_SHUTDOWN_RECEIVED] = "SHUTDOWN-RECEIVED",
        [USCTP_SHUTDOWN_ACK_SENT] = "SHUTDOWN-ACK-SENT",
    };
    return NAME_OF(names, state);
}

const char *names_path_state(uint64_t path_state) {
    static const char *const names[] = {
        [USCTP_PATH_STATE_INACTIVE] = "inactive",
        [USCTP_PATH_STATE_PF] = "potentially failed",
        [USCTP_PATH_STATE_ACTIVE] = "active",
        [USCTP_PATH_STATE_UNCONFIRMED] = "unconfirmed",
    };
    return NAME_OF(names, path_state);
}

const char *names_pmtu_state(uint64_t state) {
    static const char *const names[] = {
        [USCTP_PMTU_DISABLED] = "disabled",   [USCTP_PMTU_BASE] = "base",
        [USCTP_PMTU_SEARCHING] = "searching", [USCTP_PMTU_SEARCH_COMPLETE] = "search complete",
        [USCTP_PMTU_ERROR] = "error",
    };
    return NAME_OF(names, state);
}

/* The numbers are the engine's own, in src/assoc/association.h, which tools do not see. */
const char *names_timer(uint64_t timer) {
    static const char *const names[] = {
        [1] = "T1",         [2] = "T2-shutdown", [3] = "T5-shutdown-guard",
        [4] = "SACK",       [5] = "T3-rtx",      [6] = "heartbeat",
        [7] = "cookie key", [8] = "output",      [9] = "path MTU",
    };
    return NAME_OF(names, timer);
}

const char *names_chunk(unsigned type) {
    static const char *const names[] = {
        "DATA",          "INIT",       "INIT ACK", "SACK",         "HEARTBEAT",
        "HEARTBEAT ACK", "ABORT",      "SHUTDOWN", "SHUTDOWN ACK", "ERROR",
        "COOKIE ECHO",   "COOKIE ACK", "ECNE",     "CWR",          "SHUTDOWN COMPLETE",
    };
    return NAME_OF(names, type);
}

const char *names_drop(uint64_t drop) {
    static const char *const names[] = {
        [USCTP_DROP_SHORT] = "short",
        [USCTP_DROP_ADDRESS] = "address",
        [USCTP_DROP_PORT] = "port",
        [USCTP_DROP_CHECKSUM] = "checksum",
        [USCTP_DROP_TAG] = "tag",
        [USCTP_DROP_OOTB] = "out of the blue",
        [USCTP_DROP_MALFORMED] = "malformed",
        [USCTP_DROP_STATE] = "state",
        [USCTP_DROP_COOKIE] = "cookie",
        [USCTP_DROP_STALE] = "stale cookie",
        [USCTP_DROP_LIMIT] = "limit",
        [USCTP_DROP_MEMORY] = "memory",
    };
    return NAME_OF(names, drop);
}

const char *names_end(int error) {
    switch (error) {
    case USCTP_OK:
        return "shutdown";
    case USCTP_ERR_UNREACHABLE:
        return "the peer stopped answering";
    case USCTP_ERR_TIMED_OUT:
        return "the handshake timed out";
    case USCTP_ERR_REFUSED:
        return "refused";
    case USCTP_ERR_RESET:
        return "aborted by the peer";
    case USCTP_ERR_ABORTED:
        return "aborted";
    case USCTP_ERR_PROTOCOL:
        return "the peer broke the protocol";
    case USCTP_ERR_FORBIDDEN:
        return "this host lets no packet out";
    case USCTP_ERR_NO_MEMORY:
        return "out of memory";
    default:
        return "unknown";
    }
}
