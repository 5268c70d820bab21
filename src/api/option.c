/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * usctp_setsockopt, usctp_getsockopt: the table of options (see option.h; RFC 6458 8), and
 * usctp_tune.
 */
#include "api/option.h"

#include "api/stack.h"

#include <errno.h>
#include <string.h>

enum { MAX_OPTION_BYTES = 1024 };

#define INT   sizeof(int)
#define VALUE sizeof(struct sctp_assoc_value)
#define NO    USCTP_TUNABLE_COUNT

_Static_assert(sizeof(struct usctp_engine_counters) <= MAX_OPTION_BYTES &&
                   sizeof(struct usctp_assoc_counters) <= MAX_OPTION_BYTES &&
                   sizeof(struct usctp_path_counters) <= MAX_OPTION_BYTES,
               "an option's value must fit");

static const struct option options[] = {
    /* level, name, size, least, set, get, tunable */
    {SOL_SOCKET, SO_RCVBUF, INT, INT, option_set_buffer, option_get_buffer,
     USCTP_TUNABLE_receive_buffer_bytes},
    {SOL_SOCKET, SO_SNDBUF, INT, INT, option_set_buffer, option_get_buffer,
     USCTP_TUNABLE_send_buffer_bytes},
    {SOL_SOCKET, SO_LINGER, sizeof(struct linger), sizeof(struct linger), option_set_linger,
     option_get_linger, NO},
    {SOL_SOCKET, SO_ERROR, INT, INT, NULL, option_get_error, NO},
    {SOL_SOCKET, SO_TYPE, INT, INT, NULL, option_get_type, NO},
    {SOL_SOCKET, SO_PROTOCOL, INT, INT, NULL, option_get_protocol, NO},
    {SOL_SOCKET, SO_DOMAIN, INT, INT, NULL, option_get_domain, NO},
    {SOL_SOCKET, SO_ACCEPTCONN, INT, INT, NULL, option_get_accepts, NO},
    {SOL_SOCKET, SO_RCVTIMEO, sizeof(struct timeval), sizeof(struct timeval), option_set_timeout,
     option_get_timeout, NO},
    {SOL_SOCKET, SO_SNDTIMEO, sizeof(struct timeval), sizeof(struct timeval), option_set_timeout,
     option_get_timeout, NO},
    {SOL_SOCKET, SO_REUSEADDR, INT, INT, option_set_reuse_address, option_get_reuse_address, NO},
    {IPPROTO_IPV6, IPV6_V6ONLY, INT, INT, option_set_v6only, option_get_v6only, NO},

    {IPPROTO_SCTP, SCTP_RTOINFO, sizeof(struct sctp_rtoinfo), sizeof(struct sctp_rtoinfo),
     option_set_rtoinfo, option_get_rtoinfo, NO},
    {IPPROTO_SCTP, SCTP_ASSOCINFO, sizeof(struct sctp_assocparams), sizeof(struct sctp_assocparams),
     option_set_associnfo, option_get_associnfo, NO},
    {IPPROTO_SCTP, SCTP_INITMSG, sizeof(struct sctp_initmsg), sizeof(struct sctp_initmsg),
     option_set_initmsg, option_get_initmsg, NO},
    {IPPROTO_SCTP, SCTP_NODELAY, INT, INT, option_set_flag, option_get_int, USCTP_TUNABLE_nodelay},
    {IPPROTO_SCTP, SCTP_DISABLE_FRAGMENTS, INT, INT, option_set_flag, option_get_int,
     USCTP_TUNABLE_disable_fragments},
    {IPPROTO_SCTP, SCTP_MAXSEG, VALUE, INT, option_set_assoc_value, option_get_assoc_value,
     USCTP_TUNABLE_fragment_max_bytes},
    {IPPROTO_SCTP, SCTP_DELAYED_SACK, sizeof(struct sctp_sack_info), VALUE, option_set_sack,
     option_get_sack, NO},
    {IPPROTO_SCTP, SCTP_PARTIAL_DELIVERY_POINT, INT, INT, option_set_pd_point, option_get_pd_point,
     NO},
    {IPPROTO_SCTP, SCTP_FRAGMENT_INTERLEAVE, INT, INT, option_set_interleave, option_get_interleave,
     NO},
    {IPPROTO_SCTP, SCTP_MAX_BURST, VALUE, INT, option_set_burst, option_get_burst, NO},
    {IPPROTO_SCTP, SCTP_STATUS, sizeof(struct sctp_status), sizeof(struct sctp_status), NULL,
     option_get_status, NO},
    {IPPROTO_SCTP, SCTP_GET_ASSOC_STATS, sizeof(struct sctp_assoc_stats), sizeof(sctp_assoc_t),
     NULL, option_get_stats, NO},

    {IPPROTO_SCTP, USCTP_STACK_COUNTERS, sizeof(struct usctp_engine_counters), sizeof(uint64_t),
     NULL, option_get_stack_counters, NO},
    {IPPROTO_SCTP, USCTP_ASSOC_COUNTERS, sizeof(struct usctp_assoc_counters), sizeof(uint64_t),
     NULL, option_get_assoc_counters, NO},
    {IPPROTO_SCTP, USCTP_PATH_COUNTERS, sizeof(struct usctp_path_counters),
     offsetof(struct usctp_path_counters, status) + sizeof(uint64_t), NULL,
     option_get_path_counters, NO},

    {IPPROTO_SCTP, SCTP_PRIMARY_ADDR, sizeof(struct sctp_prim), sizeof(struct sctp_prim),
     option_set_primary, option_get_primary, NO},
    {IPPROTO_SCTP, SCTP_PEER_ADDR_PARAMS, sizeof(struct sctp_paddrparams),
     offsetof(struct sctp_paddrparams, spp_ipv6_flowlabel), option_set_path, option_get_path, NO},
    {IPPROTO_SCTP, SCTP_GET_PEER_ADDR_INFO, sizeof(struct sctp_paddrinfo),
     sizeof(struct sctp_paddrinfo), NULL, option_get_path_info, NO},
    {IPPROTO_SCTP, SCTP_PEER_ADDR_THLDS, sizeof(struct sctp_paddrthlds),
     sizeof(struct sctp_paddrthlds), option_set_thresholds, option_get_thresholds, NO},
    {IPPROTO_SCTP, SCTP_PEER_ADDR_THLDS_V2, sizeof(struct sctp_paddrthlds_v2),
     sizeof(struct sctp_paddrthlds_v2), option_set_thresholds_v2, option_get_thresholds_v2, NO},
    {IPPROTO_SCTP, SCTP_REMOTE_UDP_ENCAPS_PORT, sizeof(struct sctp_udpencaps),
     sizeof(struct sctp_udpencaps), option_set_encapsulation, option_get_encapsulation, NO},
    {IPPROTO_SCTP, SCTP_EXPOSE_POTENTIALLY_FAILED_STATE, VALUE, VALUE, option_set_pf_exposure,
     option_get_pf_exposure, NO},

    {IPPROTO_SCTP, SCTP_DEFAULT_SEND_PARAM, sizeof(struct sctp_sndrcvinfo),
     sizeof(struct sctp_sndrcvinfo), option_set_send_param, option_get_send_param, NO},
    {IPPROTO_SCTP, SCTP_DEFAULT_SNDINFO, sizeof(struct sctp_sndinfo), sizeof(struct sctp_sndinfo),
     option_set_sndinfo, option_get_sndinfo, NO},
    {IPPROTO_SCTP, SCTP_CONTEXT, VALUE, INT, option_set_context, option_get_context, NO},
    {IPPROTO_SCTP, SCTP_I_WANT_MAPPED_V4_ADDR, INT, INT, option_set_mapped, option_get_mapped, NO},
    {IPPROTO_SCTP, SCTP_EVENTS, sizeof(struct sctp_event_subscribe), 1, option_set_events,
     option_get_events, NO},
    {IPPROTO_SCTP, SCTP_EVENT, sizeof(struct sctp_event), sizeof(struct sctp_event),
     option_set_event, option_get_event, NO},
    {IPPROTO_SCTP, SCTP_RECVRCVINFO, INT, INT, option_set_rcvinfo, option_get_rcvinfo, NO},
    {IPPROTO_SCTP, SCTP_RECVNXTINFO, INT, INT, option_set_nxtinfo, option_get_nxtinfo, NO},

    {IPPROTO_SCTP, SCTP_AUTO_ASCONF, INT, INT, option_set_absent, option_get_absent, NO},
    {IPPROTO_SCTP, SCTP_REUSE_PORT, INT, INT, option_set_absent, option_get_absent, NO},
    {IPPROTO_SCTP, SCTP_PR_SUPPORTED, VALUE, VALUE, option_set_absent, option_get_absent, NO},
    {IPPROTO_SCTP, SCTP_RECONFIG_SUPPORTED, VALUE, VALUE, option_set_absent, option_get_absent, NO},
    {IPPROTO_SCTP, SCTP_ENABLE_STREAM_RESET, VALUE, VALUE, option_set_absent, option_get_absent,
     NO},
    {IPPROTO_SCTP, SCTP_INTERLEAVING_SUPPORTED, VALUE, VALUE, option_set_absent, option_get_absent,
     NO},
    {IPPROTO_SCTP, SCTP_ASCONF_SUPPORTED, VALUE, VALUE, option_set_absent, option_get_absent, NO},
    {IPPROTO_SCTP, SCTP_AUTH_SUPPORTED, VALUE, VALUE, option_set_absent, option_get_absent, NO},
    {IPPROTO_SCTP, SCTP_ECN_SUPPORTED, VALUE, VALUE, option_set_absent, option_get_absent, NO},
};

/* Linux's options of extensions that are not built, or of one-to-many sockets. */
static const int not_built[] = {
    SCTP_AUTOCLOSE,
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
    SCTP_GET_ASSOC_NUMBER,
    SCTP_GET_ASSOC_ID_LIST,
    SCTP_DEFAULT_PRINFO,
    SCTP_PR_ASSOC_STATUS,
    SCTP_PR_STREAM_STATUS,
    SCTP_RESET_STREAMS,
    SCTP_RESET_ASSOC,
    SCTP_ADD_STREAMS,
    SCTP_STREAM_SCHEDULER,
    SCTP_STREAM_SCHEDULER_VALUE,
    SCTP_PLPMTUD_PROBE_INTERVAL,
    SCTP_SOCKOPT_BINDX_ADD,
    SCTP_SOCKOPT_BINDX_REM,
    SCTP_SOCKOPT_PEELOFF,
    SCTP_SOCKOPT_PEELOFF_FLAGS,
    SCTP_SOCKOPT_CONNECTX_OLD,
    SCTP_SOCKOPT_CONNECTX,
    SCTP_SOCKOPT_CONNECTX3,
    SCTP_GET_PEER_ADDRS,
    SCTP_GET_LOCAL_ADDRS,
    SCTP_SENDMSG_CONNECT,
};

static const struct option *find(int level, int name, int *error) {
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

static int set(struct call *c, int level, int name, const void *value, socklen_t length) {
    _Alignas(max_align_t) uint8_t buffer[MAX_OPTION_BYTES] = {0};
    int error = 0;
    const struct option *option = find(level, name, &error);
    if (!option)
        return error;
    if (!option->set)
        return -ENOPROTOOPT;
    if (!value)
        return -EFAULT;
    if (length < option->least_bytes)
        return -EINVAL;
    if (length > option->bytes)
        length = option->bytes;
    memcpy(buffer, value, length);
    return option->set(c, option, buffer, length);
}

int usctp_setsockopt(int sd, int level, int name, const void *value, socklen_t length) {
    struct call c;
    int error = call_enter(&c, sd);
    if (error != 0) {
        errno = -error;
        return -1;
    }
    return (int)call_leave(&c, set(&c, level, name, value, length));
}

static int get(struct call *c, int level, int name, void *value, socklen_t *length) {
    _Alignas(max_align_t) uint8_t buffer[MAX_OPTION_BYTES] = {0};
    int error = 0;
    const struct option *option = find(level, name, &error);
    if (!option)
        return error;
    if (!value || !length)
        return -EFAULT;
    if (*length < option->least_bytes)
        return -EINVAL;
    socklen_t bytes = *length < option->bytes ? *length : option->bytes;
    memcpy(buffer, value, bytes);
    error = option->get(c, option, buffer, &bytes);
    if (error != 0)
        return error;
    memcpy(value, buffer, bytes);
    *length = bytes;
    return 0;
}

int usctp_getsockopt(int sd, int level, int name, void *value, socklen_t *length) {
    struct call c;
    int error = call_enter(&c, sd);
    if (error != 0) {
        errno = -error;
        return -1;
    }
    return (int)call_leave(&c, get(&c, level, name, value, length));
}

/* ---- help for the rows ----------------------------------------------------------------------- */

int32_t option_assoc(const struct call *c) {
    return c->socket->connection ? c->socket->connection->id : 0;
}

int option_tune(struct call *c, enum usctp_tunable tunable, uint64_t value) {
    struct socket *s = c->socket;
    struct usctp_engine *engine = c->stack->engine;
    const struct usctp_tunable_info *info = usctp_tunable_info(tunable);
    if (!info || info->scope == USCTP_SCOPE_ENGINE)
        return -EINVAL;
    if (usctp_config_set(&s->config, tunable, value) != 0)
        return -EINVAL;
    if (s->endpoint != 0)
        usctp_endpoint_tune(engine, s->endpoint, tunable, value);
    if (s->connection && info->scope >= USCTP_SCOPE_ASSOC)
        usctp_assoc_tune(engine, s->connection->id, tunable, value, c->now_us);
    return 0;
}

uint64_t option_value(struct call *c, enum usctp_tunable tunable) {
    struct usctp_config config;
    if (c->socket->connection &&
        usctp_assoc_config(c->stack->engine, c->socket->connection->id, &config) == 0)
        return usctp_config_get(&config, tunable);
    return usctp_config_get(&c->socket->config, tunable);
}

int usctp_tune(int sd, enum usctp_tunable tunable, uint64_t value) {
    struct call c;
    int error = call_enter(&c, sd);
    if (error != 0) {
        errno = -error;
        return -1;
    }
    return (int)call_leave(&c, option_tune(&c, tunable, value));
}

/* ---- generic rows ---------------------------------------------------------------------------- */

static int read_int(const void *value) {
    int n;
    memcpy(&n, value, sizeof n);
    return n;
}

int option_set_flag(struct call *c, const struct option *option, const void *value,
                    socklen_t length) {
    (void)length;
    return option_tune(c, option->tunable, read_int(value) != 0);
}

int option_get_int(struct call *c, const struct option *option, void *value, socklen_t *length) {
    int n = (int)option_value(c, option->tunable);
    memcpy(value, &n, sizeof n);
    *length = sizeof n;
    return 0;
}

int option_set_assoc_value(struct call *c, const struct option *option, const void *value,
                           socklen_t length) {
    struct sctp_assoc_value given;
    memcpy(&given, value, sizeof given);
    if (length < sizeof given) { /* the older form: an int */
        int n = read_int(value);
        return n < 0 ? -EINVAL : option_tune(c, option->tunable, (uint64_t)n);
    }
    return option_tune(c, option->tunable, given.assoc_value);
}

int option_get_assoc_value(struct call *c, const struct option *option, void *value,
                           socklen_t *length) {
    if (*length < sizeof(struct sctp_assoc_value))
        return option_get_int(c, option, value, length);
    struct sctp_assoc_value out = {.assoc_id = option_assoc(c),
                                   .assoc_value = (uint32_t)option_value(c, option->tunable)};
    memcpy(value, &out, sizeof out);
    return 0;
}

int option_set_absent(struct call *c, const struct option *option, const void *value,
                      socklen_t length) {
    struct sctp_assoc_value given;
    (void)c;
    (void)length;
    memcpy(&given, value, sizeof given);
    uint32_t wanted = option->bytes == sizeof given ? given.assoc_value : (uint32_t)read_int(value);
    return wanted == 0 ? 0 : -EOPNOTSUPP;
}

int option_get_absent(struct call *c, const struct option *option, void *value, socklen_t *length) {
    struct sctp_assoc_value out = {.assoc_id = option_assoc(c)};
    if (option->bytes == sizeof out)
        memcpy(value, &out, sizeof out);
    else
        memset(value, 0, sizeof(int));
    *length = option->bytes;
    return 0;
}
