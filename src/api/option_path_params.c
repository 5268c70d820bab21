/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SCTP_PEER_ADDR_PARAMS and SCTP_REMOTE_UDP_ENCAPS_PORT (RFC 6458 8.1.12; RFC 6951 6.1): of one of
 * a peer's addresses, of all of an association, or of associations to come. Other options of paths
 * are in option_path.c.
 */
#include "api/option.h"

#include "api/sockaddr.h"
#include "api/stack.h"
#include "net/transport.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

enum {
    DSCP_SHIFT = 2,
    LEAST_PMTU_BYTES = 512, /* Linux */
    FLOW_LABEL_MASK = 0xfffff,
};

/* ---- SCTP_PEER_ADDR_PARAMS: setting ---------------------------------------------------------- */

static uint64_t maximum_of(enum usctp_tunable tunable) {
    return usctp_tunable_info(tunable)->maximum;
}

static int check(const struct sctp_paddrparams *given, const struct option_target *target) {
    const uint32_t known = SPP_HB | SPP_HB_DEMAND | SPP_PMTUD | SPP_SACKDELAY |
                           SPP_HB_TIME_IS_ZERO | SPP_IPV6_FLOWLABEL | SPP_DSCP;
    uint32_t flags = given->spp_flags;
    if (flags & ~known)
        return -EINVAL;
    if ((flags & SPP_HB) == SPP_HB || (flags & SPP_PMTUD) == SPP_PMTUD ||
        (flags & SPP_SACKDELAY) == SPP_SACKDELAY)
        return -EINVAL;
    /* RFC 6458 8.1.12 wants an address; as Linux, an association will do. */
    if ((flags & SPP_HB_DEMAND) && target->assoc == 0)
        return -EINVAL;
    if (given->spp_pathmtu != 0 &&
        (given->spp_pathmtu < LEAST_PMTU_BYTES || given->spp_pathmtu > USCTP_MAX_PACKET_BYTES))
        return -EINVAL;
    if (given->spp_sackdelay > maximum_of(USCTP_TUNABLE_sack_delay_us) / USCTP_MS)
        return -EINVAL;
    if ((flags & SPP_HB_ENABLE) &&
        given->spp_hbinterval > maximum_of(USCTP_TUNABLE_hb_interval_us) / USCTP_MS)
        return -EINVAL;
    return given->spp_pathmaxrxt > maximum_of(USCTP_TUNABLE_path_max_retrans) ? -EINVAL : 0;
}

static int demand(struct call *c, const struct option_target *target) {
    for (uint32_t i = 0; i < USCTP_MAX_ADDRESSES; i++) {
        if (target->path >= 0 && i != (uint32_t)target->path)
            continue;
        int error = usctp_path_heartbeat(c->stack->engine, target->assoc, i, c->now_us);
        if (error == USCTP_ERR_NOT_FOUND && target->path < 0)
            return 0; /* behind the last */
        if (error != 0)
            return error == USCTP_ERR_STATE ? -EINVAL : socket_errno(error);
    }
    return 0;
}

static int set_heartbeat(struct call *c, const struct sctp_paddrparams *given,
                         const struct option_target *target) {
    bool is_zero = given->spp_flags & SPP_HB_TIME_IS_ZERO;
    int error = 0;
    if (given->spp_flags & SPP_HB_DEMAND)
        error = demand(c, target);
    if (error != 0 || !(given->spp_flags & SPP_HB))
        return error;
    error = option_tune_target(c, target, USCTP_TUNABLE_hb_enabled,
                               (given->spp_flags & SPP_HB_ENABLE) != 0);
    if (error == 0 && (given->spp_flags & SPP_HB_ENABLE) && (is_zero || given->spp_hbinterval != 0))
        error = option_tune_target(c, target, USCTP_TUNABLE_hb_interval_us,
                                   is_zero ? 0 : (uint64_t)given->spp_hbinterval * USCTP_MS);
    return error;
}

/* RFC 6458 8.1.12: a size counts while discovery is off; 0 changes nothing. */
static int set_pmtu(struct call *c, const struct sctp_paddrparams *given,
                    const struct option_target *target) {
    int error = 0;
    if (given->spp_flags & SPP_PMTUD_ENABLE) {
        error = option_tune_target(c, target, USCTP_TUNABLE_pmtu_discovery, 1);
        if (error == 0)
            error = option_tune_target(c, target, USCTP_TUNABLE_pmtu_fixed_bytes, 0);
    } else if (given->spp_flags & SPP_PMTUD_DISABLE) {
        if (given->spp_pathmtu != 0)
            error =
                option_tune_target(c, target, USCTP_TUNABLE_pmtu_fixed_bytes, given->spp_pathmtu);
        if (error == 0)
            error = option_tune_target(c, target, USCTP_TUNABLE_pmtu_discovery, 0);
    }
    return error;
}

/* Linux's addition: the SACK delay, which is the whole association's here. */
static int set_sack_delay(struct call *c, const struct sctp_paddrparams *given) {
    int error = 0;
    if (given->spp_flags & SPP_SACKDELAY_DISABLE)
        error = option_tune(c, USCTP_TUNABLE_sack_frequency, 1);
    if (!(given->spp_flags & SPP_SACKDELAY_ENABLE))
        return error;
    error = option_resume_sack_delay(c);
    if (error == 0 && given->spp_sackdelay != 0)
        error =
            option_tune(c, USCTP_TUNABLE_sack_delay_us, (uint64_t)given->spp_sackdelay * USCTP_MS);
    return error;
}

static void note_dscp(struct preferences *preferences, const void *value) {
    (void)value;
    preferences->has_dscp = true;
}

static int set_marks(struct call *c, const struct sctp_paddrparams *given,
                     const struct option_target *target) {
    int error = 0;
    if (given->spp_flags & SPP_IPV6_FLOWLABEL)
        error = option_tune_target(c, target, USCTP_TUNABLE_flow_label,
                                   given->spp_ipv6_flowlabel & FLOW_LABEL_MASK);
    if (error != 0 || !(given->spp_flags & SPP_DSCP))
        return error;
    /* It has precedence over the IP layer's: option_ip.c. */
    struct connection *a = target->path >= 0 ? connection_of(c->socket, target->assoc) : NULL;
    if (a)
        a->dscp_paths |= 1u << target->path;
    else
        option_prefer(c, note_dscp, NULL);
    return option_tune_target(c, target, USCTP_TUNABLE_dscp, given->spp_dscp >> DSCP_SHIFT);
}

int option_set_path(struct call *c, const struct option *option, const void *value,
                    socklen_t length) {
    struct sctp_paddrparams given;
    struct option_target target;
    (void)option;
    memcpy(&given, value, sizeof given);
    uint32_t newer = SPP_IPV6_FLOWLABEL | SPP_DSCP;
    if (length < sizeof given && (given.spp_flags & newer))
        return -EINVAL; /* the older, shorter structure */
    int error = option_find_target(
        c, (const char *)value + offsetof(struct sctp_paddrparams, spp_address), &target);
    if (error == 0)
        error = check(&given, &target);
    if (error == 0)
        error = set_heartbeat(c, &given, &target);
    if (error == 0 && given.spp_pathmaxrxt != 0)
        error =
            option_tune_target(c, &target, USCTP_TUNABLE_path_max_retrans, given.spp_pathmaxrxt);
    if (error == 0)
        error = set_pmtu(c, &given, &target);
    if (error == 0)
        error = set_sack_delay(c, &given);
    return error != 0 ? error : set_marks(c, &given, &target);
}

/* ---- SCTP_PEER_ADDR_PARAMS: getting ---------------------------------------------------------- */

/* As Linux: of an association the smallest; without one, what was fixed for those to come. */
static uint32_t pmtu_of(struct call *c, const struct option_target *target) {
    struct usctp_path_status path;
    uint32_t least = 0;
    if (target->assoc == 0)
        return (uint32_t)option_value(c, USCTP_TUNABLE_pmtu_fixed_bytes);
    for (uint32_t i = 0; i < USCTP_MAX_ADDRESSES; i++) {
        if (target->path >= 0 && i != (uint32_t)target->path)
            continue;
        if (usctp_path_status(c->stack->engine, target->assoc, i, &path) == 0 &&
            (least == 0 || path.pmtu_bytes < least))
            least = path.pmtu_bytes;
    }
    return least;
}

static uint32_t flags_of(struct call *c, const struct option_target *target) {
    uint32_t flags = SPP_DSCP;
    bool beats = option_target_value(c, target, USCTP_TUNABLE_hb_enabled);
    bool discovers = option_target_value(c, target, USCTP_TUNABLE_pmtu_discovery);
    bool delays = option_value(c, USCTP_TUNABLE_sack_frequency) != 1;
    flags |= beats ? SPP_HB_ENABLE : SPP_HB_DISABLE;
    flags |= discovers ? SPP_PMTUD_ENABLE : SPP_PMTUD_DISABLE;
    flags |= delays ? SPP_SACKDELAY_ENABLE : SPP_SACKDELAY_DISABLE;
    return c->socket->domain == AF_INET6 ? flags | SPP_IPV6_FLOWLABEL : flags;
}

int option_get_path(struct call *c, const struct option *option, void *value, socklen_t *length) {
    struct sctp_paddrparams out;
    struct option_target target;
    memcpy(&out, value, sizeof out);
    int error = option_find_target(
        c, (char *)value + offsetof(struct sctp_paddrparams, spp_address), &target);
    if (error != 0)
        return error;
    out.spp_assoc_id = target.assoc;
    out.spp_hbinterval =
        (uint32_t)(option_target_value(c, &target, USCTP_TUNABLE_hb_interval_us) / USCTP_MS);
    out.spp_pathmaxrxt = (uint16_t)option_target_value(c, &target, USCTP_TUNABLE_path_max_retrans);
    out.spp_pathmtu = pmtu_of(c, &target);
    out.spp_sackdelay = (uint32_t)(option_value(c, USCTP_TUNABLE_sack_delay_us) / USCTP_MS);
    out.spp_flags = flags_of(c, &target);
    out.spp_ipv6_flowlabel = (uint32_t)option_target_value(c, &target, USCTP_TUNABLE_flow_label);
    out.spp_dscp = (uint8_t)(option_target_value(c, &target, USCTP_TUNABLE_dscp) << DSCP_SHIFT);
    *length = *length < sizeof out ? option->least_bytes : sizeof out;
    if (*length < sizeof out)
        out.spp_flags &= ~(uint32_t)(SPP_IPV6_FLOWLABEL | SPP_DSCP); /* they are not told */
    memcpy(value, &out, *length);
    return 0;
}

/* ---- SCTP_REMOTE_UDP_ENCAPS_PORT (in network byte order, as Linux) --------------------------- */

static int encapsulate(struct call *c, const struct option_target *target, uint16_t port) {
    struct usctp_engine *engine = c->stack->engine;
    struct usctp_path_status status;
    if (target->path >= 0)
        return socket_errno(
            usctp_path_encapsulate(engine, target->assoc, (uint32_t)target->path, port));
    if (c->scope.future)
        c->socket->encapsulation_port = port;
    for (struct connection *a = option_next(c, NULL); a; a = option_next(c, a))
        for (uint32_t i = 0; usctp_path_status(engine, a->id, i, &status) == 0; i++)
            usctp_path_encapsulate(engine, a->id, i, port);
    return 0;
}

int option_set_encapsulation(struct call *c, const struct option *option, const void *value,
                             socklen_t length) {
    struct sctp_udpencaps given;
    struct option_target target;
    (void)option;
    (void)length;
    memcpy(&given, value, sizeof given);
    int error = option_find_target(c, &given.sue_address, &target);
    if (error != 0)
        return error;
    uint16_t port = ntohs(given.sue_port);
    if (port == 0 && !c->stack->has_raw)
        return -EOPNOTSUPP;
    if (port != 0 && transport_udp_port(c->stack->transport) == 0)
        return -EOPNOTSUPP;
    return encapsulate(c, &target, port);
}

int option_get_encapsulation(struct call *c, const struct option *option, void *value,
                             socklen_t *length) {
    struct sctp_udpencaps out;
    struct option_target target;
    struct usctp_path_status path;
    (void)option;
    memcpy(&out, value, sizeof out);
    int error = option_find_target(c, &out.sue_address, &target);
    if (error != 0)
        return error;
    out.sue_assoc_id = target.assoc;
    out.sue_port = htons(c->socket->encapsulation_port);
    /* Without an address, that of the first. */
    if (target.assoc != 0 &&
        usctp_path_status(c->stack->engine, target.assoc,
                          target.path < 0 ? 0 : (uint32_t)target.path, &path) == 0)
        out.sue_port = htons(path.udp_port);
    memcpy(value, &out, sizeof out);
    *length = sizeof out;
    return 0;
}
