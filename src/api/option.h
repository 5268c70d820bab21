/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Socket options: one table of them (option.c), and what its rows call.
 *
 * A value is copied in and out of an aligned, zero-padded buffer of the row's size, so rows see
 * whole structures; rows of data without a limit get the application's own. c->scope says which
 * associations the value's id means (RFC 6458 7.2); one-to-one, ids are ignored, and what is
 * changed is kept on the socket for future associations and applied to the present one.
 */
#ifndef API_OPTION_H
#define API_OPTION_H

#include "api/connection.h"

/* SCTP_PEER_ADDR_PARAMS: of the structure before it had a flow label and a DSCP. */
enum { OPTION_OLDER_PATH_BYTES = 152 };

/* What a value may be about. */
enum option_reach {
    REACH_SOCKET,        /* the socket and all its associations; the value has no id */
    REACH_FUTURE,        /* associations to come; the value has no id */
    REACH_ONE,           /* an association */
    REACH_ONE_OR_FUTURE, /* an association, or SCTP_FUTURE_ASSOC */
    REACH_ANY,           /* these, SCTP_CURRENT_ASSOC and SCTP_ALL_ASSOC */
};

struct option {
    int level, name;
    enum option_reach reach;
    size_t id_at;                 /* offset of the association id in the value */
    socklen_t bytes, least_bytes; /* of the value; what is accepted at least */
    /* length: what the caller gave, at most `bytes`; get may change it to what it returns. NULL:
     * not settable, not gettable. */
    int (*set)(struct call *c, const struct option *option, const void *value, socklen_t length);
    int (*get)(struct call *c, const struct option *option, void *value, socklen_t *length);
    enum usctp_tunable tunable; /* for the generic functions */
    bool is_raw; /* set and get see the application's memory: user_memory.h; bytes and least_bytes
                    do not hold */
};

/* option_table.c. NULL: *error says why. */
const struct option *option_find(int level, int name, int *error);
/* In a call: what usctp_setsockopt and usctp_getsockopt do. Return 0, a positive result, or a
 * negative errno. */
int option_do_set(struct call *c, int level, int name, const void *value, socklen_t length);
int option_do_get(struct call *c, int level, int name, void *value, socklen_t *length);

typedef int option_set(struct call *c, const struct option *option, const void *value,
                       socklen_t length);
typedef int option_get(struct call *c, const struct option *option, void *value, socklen_t *length);

/* ---- help for the rows ----------------------------------------------------------------------- */

/* Sets a tunable on what the option is about. Returns 0 or -EINVAL. */
int option_tune(struct call *c, enum usctp_tunable tunable, uint64_t value);
/* A tunable's value: of the association, else of the socket. */
uint64_t option_value(struct call *c, enum usctp_tunable tunable);
/* The living or ended association's id that the option is about, or 0. */
int32_t option_assoc(const struct call *c);
/* The associations that it is about: the next after `a`, from NULL on; NULL: no more. */
struct connection *option_next(const struct call *c, const struct connection *a);
/* What get tells: the association's, else the socket's. */
const struct preferences *option_preferences(const struct call *c);
/* Calls change(preferences, value) on each that it is about. */
void option_prefer(struct call *c, void (*change)(struct preferences *, const void *),
                   const void *value);

/* What an option that may name a peer's address is about. */
struct option_target {
    int32_t assoc; /* 0: what the scope says, without an address */
    int path;      /* or -1: all */
};
/* Resolves the struct sockaddr_storage in an option. Returns 0, or -EINVAL when the association
 * does not have it. */
int option_find_target(struct call *c, const void *storage, struct option_target *target);
/* As option_tune and option_value, for one path where an address is named. */
int option_tune_target(struct call *c, const struct option_target *target,
                       enum usctp_tunable tunable, uint64_t value);
uint64_t option_target_value(struct call *c, const struct option_target *target,
                             enum usctp_tunable tunable);

/* ---- generic rows: an int that is a tunable; an int or struct sctp_assoc_value that is one --- */

option_set option_set_flag, option_set_assoc_value;
option_get option_get_int, option_get_assoc_value;
/* Of a feature that is not built: off, and may be set to off. */
option_set option_set_absent;
option_get option_get_absent;

/* ---- option_socket.c ------------------------------------------------------------------------- */

option_set option_set_buffer, option_set_linger, option_set_timeout, option_set_reuse_address,
    option_set_reuse_port, option_set_keepalive, option_set_auto_asconf;
option_get option_get_buffer, option_get_linger, option_get_reuse_address, option_get_reuse_port,
    option_get_keepalive, option_get_of_kernel, option_get_auto_asconf;
option_get option_get_error, option_get_type, option_get_protocol, option_get_domain,
    option_get_accepts;

/* ---- option_ip.c: levels IPPROTO_IP and IPPROTO_IPV6 ------------------------------------------
 */

option_set option_set_v6only, option_set_class, option_set_hops, option_set_mtu_discover,
    option_set_freebind;
option_get option_get_v6only, option_get_class, option_get_hops, option_get_mtu_discover,
    option_get_freebind, option_get_mtu;

/* ---- option_assoc.c -------------------------------------------------------------------------- */

option_set option_set_rtoinfo, option_set_associnfo, option_set_initmsg, option_set_sack,
    option_set_burst;
option_get option_get_rtoinfo, option_get_associnfo, option_get_initmsg, option_get_sack,
    option_get_burst;
option_set option_set_pd_point, option_set_interleave;
option_get option_get_pd_point, option_get_interleave;
option_get option_get_status, option_get_stats;
/* Delayed SACKs are on again after they were off. Returns 0 or a negative errno. */
int option_resume_sack_delay(struct call *c);

/* ---- option_path.c --------------------------------------------------------------------------- */

option_set option_set_primary, option_set_thresholds, option_set_thresholds_v2;
option_get option_get_primary, option_get_thresholds, option_get_thresholds_v2;
option_set option_set_pf_exposure, option_set_probe_interval;
option_get option_get_pf_exposure, option_get_probe_interval, option_get_path_info;
/* Fills the struct sctp_paddrinfo of a path. Returns 0, or -EINVAL when there is none. */
int option_fill_path_info(struct call *c, uint32_t path, struct sctp_paddrinfo *info);

/* ---- option_path_params.c ---------------------------------------------------------------------
 */

option_set option_set_path, option_set_encapsulation;
option_get option_get_path, option_get_encapsulation;

/* ---- option_counters.c ----------------------------------------------------------------------- */

option_get option_get_stack_counters, option_get_assoc_counters, option_get_path_counters;

/* ---- option_message.c ------------------------------------------------------------------------ */

option_set option_set_send_param, option_set_sndinfo, option_set_context, option_set_mapped;
option_get option_get_send_param, option_get_sndinfo, option_get_context, option_get_mapped;
option_set option_set_events, option_set_event, option_set_rcvinfo, option_set_nxtinfo;
option_get option_get_events, option_get_event, option_get_rcvinfo, option_get_nxtinfo;
option_set option_set_explicit_eor, option_set_extrcv;
option_get option_get_explicit_eor, option_get_extrcv;

/* ---- option_many.c: one-to-many sockets -------------------------------------------------------
 */

option_set option_set_autoclose;
option_get option_get_autoclose, option_get_assoc_number, option_get_assoc_ids;

/* ---- option_call.c: Linux's options behind the functions of libsctp ---------------------------
 */

option_set option_set_bindx_add, option_set_bindx_remove, option_set_connectx;
option_get option_get_connectx, option_get_peeloff, option_get_peeloff_flags;
option_get option_get_peer_addresses, option_get_local_addresses;

#endif
