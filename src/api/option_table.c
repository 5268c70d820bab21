/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The table of socket options (see option.h; RFC 6458 8).
 */
#include "api/linux_layouts.h"
#include "api/linux_numbers.h"
#include "api/option.h"

#include <errno.h>

#define INT  sizeof(int)
#define BYTE 1 /* where the kernel takes a byte for an int */
#define NO   USCTP_TUNABLE_COUNT

/* A value without an id; one with an id in a structure; memory of the application's. */
#define PLAIN(level, name, reach, bytes, least, set, get, tunable)                                 \
    { level, name, reach, 0, bytes, least, set, get, tunable, false }
#define STRUCT(name, reach, type, id, least, set, get, tunable)                                    \
    {                                                                                              \
        IPPROTO_SCTP, name, reach, offsetof(struct type, id), sizeof(struct type), least, set,     \
            get, tunable, false                                                                    \
    }
#define RAW(name, set, get)                                                                        \
    { IPPROTO_SCTP, name, REACH_SOCKET, 0, 0, 0, set, get, NO, true }

#define WHOLE(name, reach, type, id, set, get)                                                     \
    STRUCT(name, reach, type, id, sizeof(struct type), set, get, NO)
#define VALUE(name, reach, least, set, get, tunable)                                               \
    STRUCT(name, reach, sctp_assoc_value, assoc_id, least, set, get, tunable)
#define SOCKET(level, name, set, get) PLAIN(level, name, REACH_SOCKET, INT, INT, set, get, NO)
#define IP(name, set, get)            PLAIN(IPPROTO_IP, name, REACH_SOCKET, INT, BYTE, set, get, NO)
#define IPV6(name, set, get)          SOCKET(IPPROTO_IPV6, name, set, get)
#define ABSENT(level, name, least)                                                                 \
    PLAIN(level, name, REACH_SOCKET, INT, least, option_set_absent, option_get_absent, NO)
#define ABSENT_VALUE(name, reach)                                                                  \
    VALUE(name, reach, sizeof(struct sctp_assoc_value), option_set_absent, option_get_absent, NO)

static const struct option options[] = {
    PLAIN(SOL_SOCKET, SO_RCVBUF, REACH_SOCKET, INT, INT, option_set_buffer, option_get_buffer,
          USCTP_TUNABLE_receive_buffer_bytes),
    PLAIN(SOL_SOCKET, SO_SNDBUF, REACH_SOCKET, INT, INT, option_set_buffer, option_get_buffer,
          USCTP_TUNABLE_send_buffer_bytes),
    PLAIN(SOL_SOCKET, SO_LINGER, REACH_SOCKET, sizeof(struct linger), sizeof(struct linger),
          option_set_linger, option_get_linger, NO),
    PLAIN(SOL_SOCKET, SO_RCVTIMEO, REACH_SOCKET, sizeof(struct timeval), sizeof(struct timeval),
          option_set_timeout, option_get_of_kernel, NO),
    PLAIN(SOL_SOCKET, SO_SNDTIMEO, REACH_SOCKET, sizeof(struct timeval), sizeof(struct timeval),
          option_set_timeout, option_get_of_kernel, NO),
    PLAIN(SOL_SOCKET, SO_COOKIE, REACH_SOCKET, sizeof(uint64_t), sizeof(uint64_t), NULL,
          option_get_of_kernel, NO),
    SOCKET(SOL_SOCKET, SO_ERROR, NULL, option_get_error),
    SOCKET(SOL_SOCKET, SO_TYPE, NULL, option_get_type),
    SOCKET(SOL_SOCKET, SO_PROTOCOL, NULL, option_get_protocol),
    SOCKET(SOL_SOCKET, SO_DOMAIN, NULL, option_get_domain),
    SOCKET(SOL_SOCKET, SO_ACCEPTCONN, NULL, option_get_accepts),
    SOCKET(SOL_SOCKET, SO_REUSEADDR, option_set_reuse_address, option_get_reuse_address),
    SOCKET(SOL_SOCKET, SO_KEEPALIVE, option_set_keepalive, option_get_keepalive),
    ABSENT(SOL_SOCKET, SO_REUSEPORT, INT),
    ABSENT(SOL_SOCKET, SO_BROADCAST, INT),
    ABSENT(SOL_SOCKET, SO_OOBINLINE, INT),
    ABSENT(SOL_SOCKET, SO_DONTROUTE, INT),
    ABSENT(SOL_SOCKET, SO_DEBUG, INT),
    ABSENT(SOL_SOCKET, SO_PRIORITY, INT),
    ABSENT(SOL_SOCKET, SO_TIMESTAMP, INT),
    ABSENT(SOL_SOCKET, SO_TIMESTAMPNS, INT),

    IP(IP_TOS, option_set_class, option_get_class),
    IP(IP_TTL, option_set_hops, option_get_hops),
    IP(IP_MTU_DISCOVER, option_set_mtu_discover, option_get_mtu_discover),
    IP(IP_MTU, NULL, option_get_mtu),
    IP(IP_FREEBIND, option_set_freebind, option_get_freebind),
    ABSENT(IPPROTO_IP, IP_TRANSPARENT, BYTE),
    ABSENT(IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, BYTE),
    ABSENT(IPPROTO_IP, IP_RECVERR, BYTE),
    ABSENT(IPPROTO_IP, IP_PKTINFO, BYTE),
    ABSENT(IPPROTO_IP, IP_RECVTTL, BYTE),
    ABSENT(IPPROTO_IP, IP_RECVTOS, BYTE),
    IPV6(IPV6_V6ONLY, option_set_v6only, option_get_v6only),
    IPV6(IPV6_TCLASS, option_set_class, option_get_class),
    IPV6(IPV6_UNICAST_HOPS, option_set_hops, option_get_hops),
    IPV6(IPV6_MTU_DISCOVER, option_set_mtu_discover, option_get_mtu_discover),
    IPV6(IPV6_MTU, NULL, option_get_mtu),
    IPV6(IPV6_FREEBIND, option_set_freebind, option_get_freebind),
    ABSENT(IPPROTO_IPV6, IPV6_TRANSPARENT, INT),
    ABSENT(IPPROTO_IPV6, IPV6_DONTFRAG, INT),
    ABSENT(IPPROTO_IPV6, IPV6_RECVERR, INT),
    ABSENT(IPPROTO_IPV6, IPV6_RECVPKTINFO, INT),
    ABSENT(IPPROTO_IPV6, IPV6_RECVHOPLIMIT, INT),
    ABSENT(IPPROTO_IPV6, IPV6_RECVTCLASS, INT),

    WHOLE(SCTP_RTOINFO, REACH_ONE_OR_FUTURE, sctp_rtoinfo, srto_assoc_id, option_set_rtoinfo,
          option_get_rtoinfo),
    WHOLE(SCTP_ASSOCINFO, REACH_ONE_OR_FUTURE, sctp_assocparams, sasoc_assoc_id,
          option_set_associnfo, option_get_associnfo),
    PLAIN(IPPROTO_SCTP, SCTP_INITMSG, REACH_FUTURE, sizeof(struct sctp_initmsg),
          sizeof(struct sctp_initmsg), option_set_initmsg, option_get_initmsg, NO),
    PLAIN(IPPROTO_SCTP, SCTP_NODELAY, REACH_SOCKET, INT, INT, option_set_flag, option_get_int,
          USCTP_TUNABLE_nodelay),
    PLAIN(IPPROTO_SCTP, SCTP_DISABLE_FRAGMENTS, REACH_SOCKET, INT, INT, option_set_flag,
          option_get_int, USCTP_TUNABLE_disable_fragments),
    VALUE(SCTP_MAXSEG, REACH_ONE_OR_FUTURE, INT, option_set_assoc_value, option_get_assoc_value,
          USCTP_TUNABLE_fragment_max_bytes),
    STRUCT(SCTP_DELAYED_SACK, REACH_ANY, sctp_sack_info, sack_assoc_id,
           sizeof(struct sctp_assoc_value), option_set_sack, option_get_sack, NO),
    SOCKET(IPPROTO_SCTP, SCTP_PARTIAL_DELIVERY_POINT, option_set_pd_point, option_get_pd_point),
    SOCKET(IPPROTO_SCTP, SCTP_FRAGMENT_INTERLEAVE, option_set_interleave, option_get_interleave),
    VALUE(SCTP_MAX_BURST, REACH_ANY, INT, option_set_burst, option_get_burst, NO),
    WHOLE(SCTP_STATUS, REACH_ONE, sctp_status, sstat_assoc_id, NULL, option_get_status),
    STRUCT(SCTP_GET_ASSOC_STATS, REACH_ONE, sctp_assoc_stats, sas_assoc_id, sizeof(sctp_assoc_t),
           NULL, option_get_stats, NO),

    PLAIN(IPPROTO_SCTP, USCTP_STACK_COUNTERS, REACH_SOCKET, sizeof(struct usctp_engine_counters),
          sizeof(uint64_t), NULL, option_get_stack_counters, NO),
    PLAIN(IPPROTO_SCTP, USCTP_ASSOC_COUNTERS, REACH_ONE, sizeof(struct usctp_assoc_counters),
          sizeof(uint64_t), NULL, option_get_assoc_counters, NO),
    STRUCT(USCTP_PATH_COUNTERS, REACH_ONE, usctp_path_counters, assoc_id,
           offsetof(struct usctp_path_counters, status) + sizeof(uint64_t), NULL,
           option_get_path_counters, NO),

    WHOLE(SCTP_PRIMARY_ADDR, REACH_ONE_OR_FUTURE, sctp_prim, ssp_assoc_id, option_set_primary,
          option_get_primary),
    STRUCT(SCTP_PEER_ADDR_PARAMS, REACH_ONE_OR_FUTURE, sctp_paddrparams, spp_assoc_id,
           OPTION_OLDER_PATH_BYTES, option_set_path, option_get_path, NO),
    WHOLE(SCTP_GET_PEER_ADDR_INFO, REACH_ONE_OR_FUTURE, sctp_paddrinfo, spinfo_assoc_id, NULL,
          option_get_path_info),
    WHOLE(SCTP_PEER_ADDR_THLDS, REACH_ONE_OR_FUTURE, sctp_paddrthlds, spt_assoc_id,
          option_set_thresholds, option_get_thresholds),
    WHOLE(SCTP_PEER_ADDR_THLDS_V2, REACH_ONE_OR_FUTURE, sctp_paddrthlds_v2, spt_assoc_id,
          option_set_thresholds_v2, option_get_thresholds_v2),
    WHOLE(SCTP_REMOTE_UDP_ENCAPS_PORT, REACH_ONE_OR_FUTURE, sctp_udpencaps, sue_assoc_id,
          option_set_encapsulation, option_get_encapsulation),
    WHOLE(SCTP_PLPMTUD_PROBE_INTERVAL, REACH_ONE_OR_FUTURE, sctp_probeinterval, spi_assoc_id,
          option_set_probe_interval, option_get_probe_interval),
    WHOLE(SCTP_EXPOSE_POTENTIALLY_FAILED_STATE, REACH_ANY, sctp_assoc_value, assoc_id,
          option_set_pf_exposure, option_get_pf_exposure),

    WHOLE(SCTP_DEFAULT_SEND_PARAM, REACH_ANY, sctp_sndrcvinfo, sinfo_assoc_id,
          option_set_send_param, option_get_send_param),
    WHOLE(SCTP_DEFAULT_SNDINFO, REACH_ANY, sctp_sndinfo, snd_assoc_id, option_set_sndinfo,
          option_get_sndinfo),
    VALUE(SCTP_CONTEXT, REACH_ANY, INT, option_set_context, option_get_context, NO),
    SOCKET(IPPROTO_SCTP, SCTP_I_WANT_MAPPED_V4_ADDR, option_set_mapped, option_get_mapped),
    PLAIN(IPPROTO_SCTP, SCTP_EVENTS, REACH_SOCKET, sizeof(struct sctp_event_subscribe), 1,
          option_set_events, option_get_events, NO),
    WHOLE(SCTP_EVENT, REACH_ANY, sctp_event, se_assoc_id, option_set_event, option_get_event),
    SOCKET(IPPROTO_SCTP, SCTP_RECVRCVINFO, option_set_rcvinfo, option_get_rcvinfo),
    SOCKET(IPPROTO_SCTP, SCTP_RECVNXTINFO, option_set_nxtinfo, option_get_nxtinfo),
    SOCKET(IPPROTO_SCTP, USCTP_EXPLICIT_EOR, option_set_explicit_eor, option_get_explicit_eor),
    SOCKET(IPPROTO_SCTP, USCTP_USE_EXT_RCVINFO, option_set_extrcv, option_get_extrcv),
    SOCKET(IPPROTO_SCTP, SCTP_REUSE_PORT, option_set_reuse_port, option_get_reuse_port),
    SOCKET(IPPROTO_SCTP, SCTP_AUTOCLOSE, option_set_autoclose, option_get_autoclose),
    SOCKET(IPPROTO_SCTP, SCTP_GET_ASSOC_NUMBER, NULL, option_get_assoc_number),
    RAW(SCTP_GET_ASSOC_ID_LIST, NULL, option_get_assoc_ids),

    SOCKET(IPPROTO_SCTP, SCTP_AUTO_ASCONF, option_set_auto_asconf, option_get_auto_asconf),
    ABSENT_VALUE(SCTP_PR_SUPPORTED, REACH_ONE_OR_FUTURE),
    ABSENT_VALUE(SCTP_RECONFIG_SUPPORTED, REACH_ONE_OR_FUTURE),
    ABSENT_VALUE(SCTP_ENABLE_STREAM_RESET, REACH_ANY),
    ABSENT_VALUE(SCTP_INTERLEAVING_SUPPORTED, REACH_ONE_OR_FUTURE),
    ABSENT_VALUE(SCTP_ASCONF_SUPPORTED, REACH_ONE_OR_FUTURE),
    ABSENT_VALUE(SCTP_AUTH_SUPPORTED, REACH_ONE_OR_FUTURE),
    ABSENT_VALUE(SCTP_ECN_SUPPORTED, REACH_ONE_OR_FUTURE),

    RAW(SCTP_SOCKOPT_BINDX_ADD, option_set_bindx_add, NULL),
    RAW(SCTP_SOCKOPT_BINDX_REM, option_set_bindx_remove, NULL),
    RAW(SCTP_SOCKOPT_CONNECTX_OLD, option_set_connectx, NULL),
    RAW(SCTP_SOCKOPT_CONNECTX, option_set_connectx, NULL),
    RAW(SCTP_SOCKOPT_CONNECTX3, NULL, option_get_connectx),
    RAW(SCTP_SOCKOPT_PEELOFF, NULL, option_get_peeloff),
    RAW(SCTP_SOCKOPT_PEELOFF_FLAGS, NULL, option_get_peeloff_flags),
    RAW(SCTP_GET_PEER_ADDRS, NULL, option_get_peer_addresses),
    RAW(SCTP_GET_LOCAL_ADDRS, NULL, option_get_local_addresses),
};

/* Linux's options of what is not built, and what its libsctp alone calls. */
static const struct {
    int level, name;
} not_built[] = {
    {IPPROTO_SCTP, SCTP_SET_PEER_PRIMARY_ADDR},
    {IPPROTO_SCTP, SCTP_ADAPTATION_LAYER},
    {IPPROTO_SCTP, SCTP_AUTH_CHUNK},
    {IPPROTO_SCTP, SCTP_HMAC_IDENT},
    {IPPROTO_SCTP, SCTP_AUTH_KEY},
    {IPPROTO_SCTP, SCTP_AUTH_ACTIVE_KEY},
    {IPPROTO_SCTP, SCTP_AUTH_DELETE_KEY},
    {IPPROTO_SCTP, SCTP_AUTH_DEACTIVATE_KEY},
    {IPPROTO_SCTP, SCTP_PEER_AUTH_CHUNKS},
    {IPPROTO_SCTP, SCTP_LOCAL_AUTH_CHUNKS},
    {IPPROTO_SCTP, SCTP_DEFAULT_PRINFO},
    {IPPROTO_SCTP, SCTP_PR_ASSOC_STATUS},
    {IPPROTO_SCTP, SCTP_PR_STREAM_STATUS},
    {IPPROTO_SCTP, SCTP_RESET_STREAMS},
    {IPPROTO_SCTP, SCTP_RESET_ASSOC},
    {IPPROTO_SCTP, SCTP_ADD_STREAMS},
    {IPPROTO_SCTP, SCTP_STREAM_SCHEDULER},
    {IPPROTO_SCTP, SCTP_STREAM_SCHEDULER_VALUE},
    {IPPROTO_SCTP, SCTP_SENDMSG_CONNECT},
    {SOL_SOCKET, SO_BINDTODEVICE}, /* of a stack */
    {SOL_SOCKET, SO_MARK},         /* likewise */
    {SOL_SOCKET, SO_SNDBUFFORCE},
    {SOL_SOCKET, SO_RCVBUFFORCE},
    {SOL_SOCKET, SO_RCVLOWAT},
    {SOL_SOCKET, SO_SNDLOWAT},
    {SOL_SOCKET, SO_TIMESTAMPING},
    {SOL_SOCKET, SO_ATTACH_FILTER},
    {SOL_SOCKET, SO_DETACH_FILTER},
    {SOL_SOCKET, SO_BUSY_POLL},
    {SOL_SOCKET, SO_PASSCRED},
    {SOL_SOCKET, SO_PEERCRED},
    {SOL_SOCKET, SO_PEEK_OFF},
    {SOL_SOCKET, SO_ZEROCOPY},
    {SOL_SOCKET, SO_TXTIME},
    {SOL_SOCKET, SO_MAX_PACING_RATE},
    {IPPROTO_IP, IP_OPTIONS},
    {IPPROTO_IP, IP_MINTTL},
    {IPPROTO_IPV6, IPV6_AUTOFLOWLABEL},
    {IPPROTO_IPV6, IPV6_MINHOPCOUNT},
};

const struct option *option_find(int level, int name, int *error) {
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
        if (options[i].level == level && options[i].name == name)
            return &options[i];
    *error = -ENOPROTOOPT;
    for (size_t i = 0; i < sizeof not_built / sizeof not_built[0]; i++)
        if (not_built[i].level == level && not_built[i].name == name)
            *error = -EOPNOTSUPP;
    return NULL;
}
