/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The table of socket options (see option.h; RFC 6458 8).
 */
#include "api/linux_numbers.h"
#include "api/option.h"

#include <errno.h>

#define INT   sizeof(int)
#define VALUE sizeof(struct sctp_assoc_value)
#define NO    USCTP_TUNABLE_COUNT

static const struct option options[] = {
    /* level, name, reach, offset of the id, size, least, set, get, tunable, raw */
    {SOL_SOCKET, SO_RCVBUF, REACH_SOCKET, 0, INT, INT, option_set_buffer, option_get_buffer,
     USCTP_TUNABLE_receive_buffer_bytes, false},
    {SOL_SOCKET, SO_SNDBUF, REACH_SOCKET, 0, INT, INT, option_set_buffer, option_get_buffer,
     USCTP_TUNABLE_send_buffer_bytes, false},
    {SOL_SOCKET, SO_LINGER, REACH_SOCKET, 0, sizeof(struct linger), sizeof(struct linger),
     option_set_linger, option_get_linger, NO, false},
    {SOL_SOCKET, SO_ERROR, REACH_SOCKET, 0, INT, INT, NULL, option_get_error, NO, false},
    {SOL_SOCKET, SO_TYPE, REACH_SOCKET, 0, INT, INT, NULL, option_get_type, NO, false},
    {SOL_SOCKET, SO_PROTOCOL, REACH_SOCKET, 0, INT, INT, NULL, option_get_protocol, NO, false},
    {SOL_SOCKET, SO_DOMAIN, REACH_SOCKET, 0, INT, INT, NULL, option_get_domain, NO, false},
    {SOL_SOCKET, SO_ACCEPTCONN, REACH_SOCKET, 0, INT, INT, NULL, option_get_accepts, NO, false},
    {SOL_SOCKET, SO_RCVTIMEO, REACH_SOCKET, 0, sizeof(struct timeval), sizeof(struct timeval),
     option_set_timeout, option_get_timeout, NO, false},
    {SOL_SOCKET, SO_SNDTIMEO, REACH_SOCKET, 0, sizeof(struct timeval), sizeof(struct timeval),
     option_set_timeout, option_get_timeout, NO, false},
    {SOL_SOCKET, SO_REUSEADDR, REACH_SOCKET, 0, INT, INT, option_set_reuse_address,
     option_get_reuse_address, NO, false},
    {IPPROTO_IPV6, IPV6_V6ONLY, REACH_SOCKET, 0, INT, INT, option_set_v6only, option_get_v6only, NO,
     false},

    {IPPROTO_SCTP, SCTP_RTOINFO, REACH_ONE_OR_FUTURE, offsetof(struct sctp_rtoinfo, srto_assoc_id),
     sizeof(struct sctp_rtoinfo), sizeof(struct sctp_rtoinfo), option_set_rtoinfo,
     option_get_rtoinfo, NO, false},
    {IPPROTO_SCTP, SCTP_ASSOCINFO, REACH_ONE_OR_FUTURE,
     offsetof(struct sctp_assocparams, sasoc_assoc_id), sizeof(struct sctp_assocparams),
     sizeof(struct sctp_assocparams), option_set_associnfo, option_get_associnfo, NO, false},
    {IPPROTO_SCTP, SCTP_INITMSG, REACH_FUTURE, 0, sizeof(struct sctp_initmsg),
     sizeof(struct sctp_initmsg), option_set_initmsg, option_get_initmsg, NO, false},
    {IPPROTO_SCTP, SCTP_NODELAY, REACH_SOCKET, 0, INT, INT, option_set_flag, option_get_int,
     USCTP_TUNABLE_nodelay, false},
    {IPPROTO_SCTP, SCTP_DISABLE_FRAGMENTS, REACH_SOCKET, 0, INT, INT, option_set_flag,
     option_get_int, USCTP_TUNABLE_disable_fragments, false},
    {IPPROTO_SCTP, SCTP_MAXSEG, REACH_ONE_OR_FUTURE, offsetof(struct sctp_assoc_value, assoc_id),
     VALUE, INT, option_set_assoc_value, option_get_assoc_value, USCTP_TUNABLE_fragment_max_bytes,
     false},
    {IPPROTO_SCTP, SCTP_DELAYED_SACK, REACH_ANY, offsetof(struct sctp_sack_info, sack_assoc_id),
     sizeof(struct sctp_sack_info), VALUE, option_set_sack, option_get_sack, NO, false},
    {IPPROTO_SCTP, SCTP_PARTIAL_DELIVERY_POINT, REACH_SOCKET, 0, INT, INT, option_set_pd_point,
     option_get_pd_point, NO, false},
    {IPPROTO_SCTP, SCTP_FRAGMENT_INTERLEAVE, REACH_SOCKET, 0, INT, INT, option_set_interleave,
     option_get_interleave, NO, false},
    {IPPROTO_SCTP, SCTP_MAX_BURST, REACH_ANY, offsetof(struct sctp_assoc_value, assoc_id), VALUE,
     INT, option_set_burst, option_get_burst, NO, false},
    {IPPROTO_SCTP, SCTP_STATUS, REACH_ONE, offsetof(struct sctp_status, sstat_assoc_id),
     sizeof(struct sctp_status), sizeof(struct sctp_status), NULL, option_get_status, NO, false},
    {IPPROTO_SCTP, SCTP_GET_ASSOC_STATS, REACH_ONE, offsetof(struct sctp_assoc_stats, sas_assoc_id),
     sizeof(struct sctp_assoc_stats), sizeof(sctp_assoc_t), NULL, option_get_stats, NO, false},

    {IPPROTO_SCTP, USCTP_STACK_COUNTERS, REACH_SOCKET, 0, sizeof(struct usctp_engine_counters),
     sizeof(uint64_t), NULL, option_get_stack_counters, NO, false},
    {IPPROTO_SCTP, USCTP_ASSOC_COUNTERS, REACH_ONE, 0, sizeof(struct usctp_assoc_counters),
     sizeof(uint64_t), NULL, option_get_assoc_counters, NO, false},
    {IPPROTO_SCTP, USCTP_PATH_COUNTERS, REACH_ONE, offsetof(struct usctp_path_counters, assoc_id),
     sizeof(struct usctp_path_counters),
     offsetof(struct usctp_path_counters, status) + sizeof(uint64_t), NULL,
     option_get_path_counters, NO, false},

    {IPPROTO_SCTP, SCTP_PRIMARY_ADDR, REACH_ONE_OR_FUTURE, offsetof(struct sctp_prim, ssp_assoc_id),
     sizeof(struct sctp_prim), sizeof(struct sctp_prim), option_set_primary, option_get_primary, NO,
     false},
    {IPPROTO_SCTP, SCTP_PEER_ADDR_PARAMS, REACH_ONE_OR_FUTURE,
     offsetof(struct sctp_paddrparams, spp_assoc_id), sizeof(struct sctp_paddrparams),
     offsetof(struct sctp_paddrparams, spp_ipv6_flowlabel), option_set_path, option_get_path, NO,
     false},
    {IPPROTO_SCTP, SCTP_GET_PEER_ADDR_INFO, REACH_ONE_OR_FUTURE,
     offsetof(struct sctp_paddrinfo, spinfo_assoc_id), sizeof(struct sctp_paddrinfo),
     sizeof(struct sctp_paddrinfo), NULL, option_get_path_info, NO, false},
    {IPPROTO_SCTP, SCTP_PEER_ADDR_THLDS, REACH_ONE_OR_FUTURE,
     offsetof(struct sctp_paddrthlds, spt_assoc_id), sizeof(struct sctp_paddrthlds),
     sizeof(struct sctp_paddrthlds), option_set_thresholds, option_get_thresholds, NO, false},
    {IPPROTO_SCTP, SCTP_PEER_ADDR_THLDS_V2, REACH_ONE_OR_FUTURE,
     offsetof(struct sctp_paddrthlds_v2, spt_assoc_id), sizeof(struct sctp_paddrthlds_v2),
     sizeof(struct sctp_paddrthlds_v2), option_set_thresholds_v2, option_get_thresholds_v2, NO,
     false},
    {IPPROTO_SCTP, SCTP_REMOTE_UDP_ENCAPS_PORT, REACH_ONE_OR_FUTURE,
     offsetof(struct sctp_udpencaps, sue_assoc_id), sizeof(struct sctp_udpencaps),
     sizeof(struct sctp_udpencaps), option_set_encapsulation, option_get_encapsulation, NO, false},
    {IPPROTO_SCTP, SCTP_EXPOSE_POTENTIALLY_FAILED_STATE, REACH_ANY,
     offsetof(struct sctp_assoc_value, assoc_id), VALUE, VALUE, option_set_pf_exposure,
     option_get_pf_exposure, NO, false},

    {IPPROTO_SCTP, SCTP_DEFAULT_SEND_PARAM, REACH_ANY,
     offsetof(struct sctp_sndrcvinfo, sinfo_assoc_id), sizeof(struct sctp_sndrcvinfo),
     sizeof(struct sctp_sndrcvinfo), option_set_send_param, option_get_send_param, NO, false},
    {IPPROTO_SCTP, SCTP_DEFAULT_SNDINFO, REACH_ANY, offsetof(struct sctp_sndinfo, snd_assoc_id),
     sizeof(struct sctp_sndinfo), sizeof(struct sctp_sndinfo), option_set_sndinfo,
     option_get_sndinfo, NO, false},
    {IPPROTO_SCTP, SCTP_CONTEXT, REACH_ANY, offsetof(struct sctp_assoc_value, assoc_id), VALUE, INT,
     option_set_context, option_get_context, NO, false},
    {IPPROTO_SCTP, SCTP_I_WANT_MAPPED_V4_ADDR, REACH_SOCKET, 0, INT, INT, option_set_mapped,
     option_get_mapped, NO, false},
    {IPPROTO_SCTP, SCTP_EVENTS, REACH_SOCKET, 0, sizeof(struct sctp_event_subscribe), 1,
     option_set_events, option_get_events, NO, false},
    {IPPROTO_SCTP, SCTP_EVENT, REACH_ANY, offsetof(struct sctp_event, se_assoc_id),
     sizeof(struct sctp_event), sizeof(struct sctp_event), option_set_event, option_get_event, NO,
     false},
    {IPPROTO_SCTP, SCTP_RECVRCVINFO, REACH_SOCKET, 0, INT, INT, option_set_rcvinfo,
     option_get_rcvinfo, NO, false},
    {IPPROTO_SCTP, SCTP_RECVNXTINFO, REACH_SOCKET, 0, INT, INT, option_set_nxtinfo,
     option_get_nxtinfo, NO, false},

    {IPPROTO_SCTP, USCTP_EXPLICIT_EOR, REACH_SOCKET, 0, INT, INT, option_set_explicit_eor,
     option_get_explicit_eor, NO, false},
    {IPPROTO_SCTP, USCTP_USE_EXT_RCVINFO, REACH_SOCKET, 0, INT, INT, option_set_extrcv,
     option_get_extrcv, NO, false},
    {IPPROTO_SCTP, SCTP_AUTO_ASCONF, REACH_SOCKET, 0, INT, INT, option_set_absent,
     option_get_absent, NO, false},
    {IPPROTO_SCTP, SCTP_REUSE_PORT, REACH_SOCKET, 0, INT, INT, option_set_absent, option_get_absent,
     NO, false},
    {IPPROTO_SCTP, SCTP_PR_SUPPORTED, REACH_ONE_OR_FUTURE,
     offsetof(struct sctp_assoc_value, assoc_id), VALUE, VALUE, option_set_absent,
     option_get_absent, NO, false},
    {IPPROTO_SCTP, SCTP_RECONFIG_SUPPORTED, REACH_ONE_OR_FUTURE,
     offsetof(struct sctp_assoc_value, assoc_id), VALUE, VALUE, option_set_absent,
     option_get_absent, NO, false},
    {IPPROTO_SCTP, SCTP_ENABLE_STREAM_RESET, REACH_ANY, offsetof(struct sctp_assoc_value, assoc_id),
     VALUE, VALUE, option_set_absent, option_get_absent, NO, false},
    {IPPROTO_SCTP, SCTP_INTERLEAVING_SUPPORTED, REACH_ONE_OR_FUTURE,
     offsetof(struct sctp_assoc_value, assoc_id), VALUE, VALUE, option_set_absent,
     option_get_absent, NO, false},
    {IPPROTO_SCTP, SCTP_ASCONF_SUPPORTED, REACH_ONE_OR_FUTURE,
     offsetof(struct sctp_assoc_value, assoc_id), VALUE, VALUE, option_set_absent,
     option_get_absent, NO, false},
    {IPPROTO_SCTP, SCTP_AUTH_SUPPORTED, REACH_ONE_OR_FUTURE,
     offsetof(struct sctp_assoc_value, assoc_id), VALUE, VALUE, option_set_absent,
     option_get_absent, NO, false},
    {IPPROTO_SCTP, SCTP_ECN_SUPPORTED, REACH_ONE_OR_FUTURE,
     offsetof(struct sctp_assoc_value, assoc_id), VALUE, VALUE, option_set_absent,
     option_get_absent, NO, false},

    {IPPROTO_SCTP, SCTP_AUTOCLOSE, REACH_SOCKET, 0, INT, INT, option_set_autoclose,
     option_get_autoclose, NO, false},
    {IPPROTO_SCTP, SCTP_GET_ASSOC_NUMBER, REACH_SOCKET, 0, INT, INT, NULL, option_get_assoc_number,
     NO, false},
    {IPPROTO_SCTP, SCTP_GET_ASSOC_ID_LIST, REACH_SOCKET, 0, 0, 0, NULL, option_get_assoc_ids, NO,
     true},

    {IPPROTO_SCTP, SCTP_SOCKOPT_BINDX_ADD, REACH_SOCKET, 0, 0, 0, option_set_bindx_add, NULL, NO,
     true},
    {IPPROTO_SCTP, SCTP_SOCKOPT_BINDX_REM, REACH_SOCKET, 0, 0, 0, option_set_bindx_remove, NULL, NO,
     true},
    {IPPROTO_SCTP, SCTP_SOCKOPT_CONNECTX_OLD, REACH_SOCKET, 0, 0, 0, option_set_connectx, NULL, NO,
     true},
    {IPPROTO_SCTP, SCTP_SOCKOPT_CONNECTX, REACH_SOCKET, 0, 0, 0, option_set_connectx, NULL, NO,
     true},
    {IPPROTO_SCTP, SCTP_SOCKOPT_CONNECTX3, REACH_SOCKET, 0, 0, 0, NULL, option_get_connectx, NO,
     true},
    {IPPROTO_SCTP, SCTP_SOCKOPT_PEELOFF, REACH_SOCKET, 0, 0, 0, NULL, option_get_peeloff, NO, true},
    {IPPROTO_SCTP, SCTP_SOCKOPT_PEELOFF_FLAGS, REACH_SOCKET, 0, 0, 0, NULL,
     option_get_peeloff_flags, NO, true},
    {IPPROTO_SCTP, SCTP_GET_PEER_ADDRS, REACH_SOCKET, 0, 0, 0, NULL, option_get_peer_addresses, NO,
     true},
    {IPPROTO_SCTP, SCTP_GET_LOCAL_ADDRS, REACH_SOCKET, 0, 0, 0, NULL, option_get_local_addresses,
     NO, true},
};

/* Linux's options of extensions that are not built, and what its libsctp
 * alone calls. */
static const int not_built[] = {
    SCTP_SET_PEER_PRIMARY_ADDR,
    SCTP_ADAPTATION_LAYER,
    SCTP_AUTH_CHUNK,
    SCTP_HMAC_IDENT,
    SCTP_AUTH_KEY,
    SCTP_AUTH_ACTIVE_KEY,
    SCTP_AUTH_DELETE_KEY,
    SCTP_AUTH_DEACTIVATE_KEY,
    SCTP_PEER_AUTH_CHUNKS,
    SCTP_LOCAL_AUTH_CHUNKS,
    SCTP_DEFAULT_PRINFO,
    SCTP_PR_ASSOC_STATUS,
    SCTP_PR_STREAM_STATUS,
    SCTP_RESET_STREAMS,
    SCTP_RESET_ASSOC,
    SCTP_ADD_STREAMS,
    SCTP_STREAM_SCHEDULER,
    SCTP_STREAM_SCHEDULER_VALUE,
    SCTP_PLPMTUD_PROBE_INTERVAL,
    SCTP_SENDMSG_CONNECT,
};

const struct option *option_find(int level, int name, int *error) {
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
        if (options[i].level == level && options[i].name == name)
            return &options[i];
    *error = -ENOPROTOOPT;
    if (level == SOL_SOCKET && name == SO_REUSEPORT)
        *error = -EOPNOTSUPP;
    for (size_t i = 0; level == IPPROTO_SCTP && i < sizeof not_built / sizeof not_built[0]; i++)
        if (not_built[i] == name)
            *error = -EOPNOTSUPP;
    return NULL;
}
