/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Options of the association as a whole, and its status (RFC
 * 6458 8.1.1-8.1.3, 8.1.19-8.1.24, 8.2.1).
 */
#include "api/option.h"

#include "api/notification.h"
#include "api/sockaddr.h"
#include "api/stack.h"

#include <errno.h>
#include <string.h>

_Static_assert((int)USCTP_ESTABLISHED == SCTP_ESTABLISHED &&
                   (int)USCTP_SHUTDOWN_ACK_SENT == SCTP_SHUTDOWN_ACK_SENT,
               "Linux");

static uint32_t ms(uint64_t us) {
    return (uint32_t)(us / USCTP_MS);
}

static bool is_in_range(enum usctp_tunable tunable, uint64_t value) {
    const struct usctp_tunable_info *info = usctp_tunable_info(tunable);
    return value >= info->minimum && value <= info->maximum;
}

/* ---- SCTP_RTOINFO ---------------------------------------------------------------------------- */

int option_set_rtoinfo(struct call *c, const struct option *option, const void *value,
                       socklen_t length) {
    struct sctp_rtoinfo given;
    (void)option;
    (void)length;
    memcpy(&given, value, sizeof given);
    uint64_t initial_us = given.srto_initial ? (uint64_t)given.srto_initial * USCTP_MS
                                             : option_value(c, USCTP_TUNABLE_rto_initial_us);
    uint64_t min_us = given.srto_min ? (uint64_t)given.srto_min * USCTP_MS
                                     : option_value(c, USCTP_TUNABLE_rto_min_us);
    uint64_t max_us = given.srto_max ? (uint64_t)given.srto_max * USCTP_MS
                                     : option_value(c, USCTP_TUNABLE_rto_max_us);
    if (min_us > max_us || !is_in_range(USCTP_TUNABLE_rto_initial_us, initial_us) ||
        !is_in_range(USCTP_TUNABLE_rto_min_us, min_us) ||
        !is_in_range(USCTP_TUNABLE_rto_max_us, max_us))
        return -EINVAL;
    int error = option_tune(c, USCTP_TUNABLE_rto_initial_us, initial_us);
    if (error == 0)
        error = option_tune(c, USCTP_TUNABLE_rto_min_us, min_us);
    if (error == 0)
        error = option_tune(c, USCTP_TUNABLE_rto_max_us, max_us);
    return error;
}

int option_get_rtoinfo(struct call *c, const struct option *option, void *value,
                       socklen_t *length) {
    struct sctp_rtoinfo out = {
        .srto_assoc_id = option_assoc(c),
        .srto_initial = ms(option_value(c, USCTP_TUNABLE_rto_initial_us)),
        .srto_max = ms(option_value(c, USCTP_TUNABLE_rto_max_us)),
        .srto_min = ms(option_value(c, USCTP_TUNABLE_rto_min_us)),
    };
    (void)option;
    memcpy(value, &out, sizeof out);
    *length = sizeof out;
    return 0;
}

/* ---- SCTP_ASSOCINFO -------------------------------------------------------------------------- */

/* RFC 9260 8.1: Association.Max.Retrans ought not to exceed the sum of Path.Max.Retrans. */
static bool exceeds_paths(struct call *c, uint64_t attempts) {
    struct usctp_path_status path;
    uint64_t sum = 0, one;
    int paths = 0, id = option_assoc(c);
    for (uint32_t i = 0; id != 0 && i < USCTP_MAX_ADDRESSES; i++) {
        if (usctp_path_status(c->stack->engine, id, i, &path) != 0)
            continue;
        if (usctp_path_get(c->stack->engine, id, i, USCTP_TUNABLE_path_max_retrans, &one) != 0)
            continue;
        sum += one;
        paths++;
    }
    return paths > 1 && attempts > sum;
}

int option_set_associnfo(struct call *c, const struct option *option, const void *value,
                         socklen_t length) {
    struct sctp_assocparams given;
    (void)option;
    (void)length;
    memcpy(&given, value, sizeof given);
    uint64_t life_us = (uint64_t)given.sasoc_cookie_life * USCTP_MS;
    if (given.sasoc_asocmaxrxt != 0 &&
        (!is_in_range(USCTP_TUNABLE_association_max_retrans, given.sasoc_asocmaxrxt) ||
         exceeds_paths(c, given.sasoc_asocmaxrxt)))
        return -EINVAL;
    if (life_us != 0 && !is_in_range(USCTP_TUNABLE_valid_cookie_life_us, life_us))
        return -EINVAL;
    int error = 0;
    if (given.sasoc_asocmaxrxt != 0)
        error = option_tune(c, USCTP_TUNABLE_association_max_retrans, given.sasoc_asocmaxrxt);
    if (error == 0 && life_us != 0)
        error = option_tune(c, USCTP_TUNABLE_valid_cookie_life_us, life_us);
    return error;
}

int option_get_associnfo(struct call *c, const struct option *option, void *value,
                         socklen_t *length) {
    struct usctp_assoc_status status;
    struct sctp_assocparams out = {
        .sasoc_assoc_id = option_assoc(c),
        .sasoc_asocmaxrxt = (uint16_t)option_value(c, USCTP_TUNABLE_association_max_retrans),
        .sasoc_cookie_life = ms(option_value(c, USCTP_TUNABLE_valid_cookie_life_us)),
    };
    (void)option;
    if (out.sasoc_assoc_id != 0 &&
        usctp_assoc_status(c->stack->engine, out.sasoc_assoc_id, &status) == 0) {
        out.sasoc_number_peer_destinations = (uint16_t)status.path_count;
        out.sasoc_peer_rwnd = status.peer_rwnd_bytes;
        out.sasoc_local_rwnd = status.local_rwnd_bytes;
    }
    memcpy(value, &out, sizeof out);
    *length = sizeof out;
    return 0;
}

/* ---- SCTP_INITMSG ---------------------------------------------------------------------------- */

int option_set_initmsg(struct call *c, const struct option *option, const void *value,
                       socklen_t length) {
    struct sctp_initmsg init;
    (void)option;
    (void)length;
    memcpy(&init, value, sizeof init);
    const struct {
        enum usctp_tunable tunable;
        uint64_t value;
    } wanted[] = {
        {USCTP_TUNABLE_outbound_streams, init.sinit_num_ostreams},
        {USCTP_TUNABLE_max_inbound_streams, init.sinit_max_instreams},
        {USCTP_TUNABLE_max_init_retransmits, init.sinit_max_attempts},
        {USCTP_TUNABLE_max_init_timeout_us, (uint64_t)init.sinit_max_init_timeo * USCTP_MS},
    };
    const size_t n = sizeof wanted / sizeof wanted[0];
    for (size_t i = 0; i < n; i++)
        if (wanted[i].value != 0 && !is_in_range(wanted[i].tunable, wanted[i].value))
            return -EINVAL;
    for (size_t i = 0; i < n; i++) /* zeros change nothing */
        if (wanted[i].value != 0)
            option_tune(c, wanted[i].tunable, wanted[i].value);
    return 0;
}

int option_get_initmsg(struct call *c, const struct option *option, void *value,
                       socklen_t *length) {
    const struct usctp_config *config = c->socket->config;
    uint64_t timeout_ms = config->max_init_timeout_us / USCTP_MS;
    struct sctp_initmsg out = {
        .sinit_num_ostreams = (uint16_t)config->outbound_streams,
        .sinit_max_instreams = (uint16_t)config->max_inbound_streams,
        .sinit_max_attempts = (uint16_t)config->max_init_retransmits,
        .sinit_max_init_timeo = (uint16_t)(timeout_ms > UINT16_MAX ? UINT16_MAX : timeout_ms),
    };
    (void)option;
    memcpy(value, &out, sizeof out);
    *length = sizeof out;
    return 0;
}

/* ---- SCTP_DELAYED_SACK ----------------------------------------------------------------------- */

int option_resume_sack_delay(struct call *c) {
    if (option_value(c, USCTP_TUNABLE_sack_frequency) != 1)
        return 0;
    return option_tune(c, USCTP_TUNABLE_sack_frequency,
                       usctp_tunable_info(USCTP_TUNABLE_sack_frequency)->initial);
}

int option_set_sack(struct call *c, const struct option *option, const void *value,
                    socklen_t length) {
    struct sctp_sack_info given = {0};
    (void)option;
    memcpy(&given, value, length);
    /* The older form, struct sctp_assoc_value: 0 switches the delay off, others on. */
    bool is_older = length < sizeof given;
    if (is_older)
        given.sack_freq = given.sack_delay == 0 ? 1 : 0;
    uint64_t delay_us = (uint64_t)given.sack_delay * USCTP_MS;
    if (!is_in_range(USCTP_TUNABLE_sack_delay_us, delay_us))
        return -EINVAL;
    if (given.sack_freq != 0 && !is_in_range(USCTP_TUNABLE_sack_frequency, given.sack_freq))
        return -EINVAL;
    int error = is_older && delay_us != 0 ? option_resume_sack_delay(c) : 0;
    if (error == 0 && delay_us != 0)
        error = option_tune(c, USCTP_TUNABLE_sack_delay_us, delay_us);
    if (error == 0 && given.sack_freq != 0)
        error = option_tune(c, USCTP_TUNABLE_sack_frequency, given.sack_freq);
    return error;
}

int option_get_sack(struct call *c, const struct option *option, void *value, socklen_t *length) {
    struct sctp_sack_info out = {
        .sack_assoc_id = option_assoc(c),
        .sack_delay = ms(option_value(c, USCTP_TUNABLE_sack_delay_us)),
        .sack_freq = (uint32_t)option_value(c, USCTP_TUNABLE_sack_frequency),
    };
    (void)option;
    if (*length < sizeof out && out.sack_freq == 1)
        out.sack_delay = 0;
    *length = *length < sizeof out ? sizeof(struct sctp_assoc_value) : sizeof out;
    memcpy(value, &out, *length);
    return 0;
}

/* ---- SCTP_PARTIAL_DELIVERY_POINT, SCTP_FRAGMENT_INTERLEAVE, SCTP_MAX_BURST ------------------- */

int option_set_pd_point(struct call *c, const struct option *option, const void *value,
                        socklen_t length) {
    uint32_t bytes;
    (void)option;
    (void)length;
    memcpy(&bytes, value, sizeof bytes);
    if (bytes > option_value(c, USCTP_TUNABLE_receive_buffer_bytes))
        return -EINVAL; /* RFC 6458 8.1.21 */
    return option_tune(c, USCTP_TUNABLE_partial_delivery_point_bytes, bytes);
}

int option_get_pd_point(struct call *c, const struct option *option, void *value,
                        socklen_t *length) {
    uint32_t bytes = (uint32_t)option_value(c, USCTP_TUNABLE_partial_delivery_point_bytes);
    (void)option;
    memcpy(value, &bytes, sizeof bytes);
    *length = sizeof bytes;
    return 0;
}

/* Levels 0 and 1 differ only on sockets with several associations (RFC 6458 8.1.20). */
int option_set_interleave(struct call *c, const struct option *option, const void *value,
                          socklen_t length) {
    int level;
    (void)option;
    (void)length;
    memcpy(&level, value, sizeof level);
    if (level < 0 || level > 2)
        return -EINVAL;
    /* RFC 6458 8.1.20: who is not told the stream could not put messages together. */
    uint32_t told = option_preferences(c)->types & notification_bit(SCTP_DATA_IO_EVENT);
    if (level == 2 && !told && !c->socket->wants_rcvinfo)
        return -EINVAL;
    c->socket->interleave = (uint8_t)level;
    for (struct connection *a = option_next(c, NULL); a; a = option_next(c, a))
        connection_look(a);
    return 0;
}

int option_get_interleave(struct call *c, const struct option *option, void *value,
                          socklen_t *length) {
    int level = c->socket->interleave;
    (void)option;
    memcpy(value, &level, sizeof level);
    *length = sizeof level;
    return 0;
}

/* RFC 6458 8.1.24: 0 is no limit, which the largest burst stands for. */
int option_set_burst(struct call *c, const struct option *option, const void *value,
                     socklen_t length) {
    struct sctp_assoc_value given = {0};
    (void)option;
    memcpy(&given, value, length);
    uint32_t packets = length < sizeof given ? (uint32_t)given.assoc_id : given.assoc_value;
    const struct usctp_tunable_info *info = usctp_tunable_info(USCTP_TUNABLE_max_burst);
    return option_tune(c, USCTP_TUNABLE_max_burst, packets == 0 ? info->maximum : packets);
}

int option_get_burst(struct call *c, const struct option *option, void *value, socklen_t *length) {
    uint64_t packets = option_value(c, USCTP_TUNABLE_max_burst);
    (void)option;
    if (packets == usctp_tunable_info(USCTP_TUNABLE_max_burst)->maximum)
        packets = 0;
    struct sctp_assoc_value out = {.assoc_id = option_assoc(c), .assoc_value = (uint32_t)packets};
    if (*length < sizeof out) {
        *length = sizeof(int);
        memcpy(value, &out.assoc_value, sizeof(int));
    } else {
        memcpy(value, &out, sizeof out);
    }
    return 0;
}

/* ---- SCTP_STATUS, SCTP_GET_ASSOC_STATS ------------------------------------------------------- */

/* Both are EINVAL, as on Linux, once the association has ended: sctp_darn learns from it that there
 * is none any more. */
static int living_status(const struct call *c, int32_t id, struct usctp_assoc_status *status) {
    if (id == 0 || usctp_assoc_status(c->stack->engine, id, status) != 0 || status->has_ended)
        return -EINVAL;
    return 0;
}

static uint16_t at_most16(uint64_t n) {
    return (uint16_t)(n > UINT16_MAX ? UINT16_MAX : n);
}

int option_get_status(struct call *c, const struct option *option, void *value, socklen_t *length) {
    struct usctp_assoc_status status;
    struct sctp_status out;
    int32_t id = option_assoc(c);
    (void)option;
    memset(&out, 0, sizeof out);
    if (living_status(c, id, &status) != 0)
        return -EINVAL;
    out.sstat_assoc_id = id;
    out.sstat_state = (int)status.state;
    out.sstat_rwnd = status.peer_rwnd_bytes;
    out.sstat_unackdata = at_most16(status.unacknowledged_chunks);
    out.sstat_penddata = at_most16(status.pending_chunks);
    out.sstat_instrms = status.inbound_streams;
    out.sstat_outstrms = status.outbound_streams;
    out.sstat_fragmentation_point = status.fragmentation_point_bytes;
    option_fill_path_info(c, status.primary_path, &out.sstat_primary);
    memcpy(value, &out, sizeof out);
    *length = sizeof out;
    return 0;
}

/* The path whose RTO is the largest at this moment. */
static void fill_largest_rto(struct call *c, int32_t id, uint16_t port,
                             struct sctp_assoc_stats *out) {
    struct usctp_path_status path;
    for (uint32_t i = 0; i < USCTP_MAX_ADDRESSES; i++) {
        if (usctp_path_status(c->stack->engine, id, i, &path) != 0 ||
            ms(path.rto_us) < out->sas_maxrto)
            continue;
        out->sas_maxrto = ms(path.rto_us);
        sockaddr_write(&path.address, port, c->socket->domain == AF_INET6 && c->socket->is_mapped,
                       &out->sas_obs_rto_ipaddr);
    }
}

int option_get_stats(struct call *c, const struct option *option, void *value, socklen_t *length) {
    struct usctp_assoc_status status;
    struct sctp_assoc_stats out;
    int32_t id = option_assoc(c);
    memset(&out, 0, sizeof out);
    if (living_status(c, id, &status) != 0)
        return -EINVAL;
    const struct usctp_assoc_counters *n = &status.counters;
    out.sas_assoc_id = id;
    fill_largest_rto(c, id, status.peer_port, &out);
    out.sas_isacks = n->sacks_in;
    out.sas_osacks = n->sacks_out;
    out.sas_opackets = n->packets_out;
    out.sas_ipackets = n->packets_in;
    out.sas_rtxchunks = n->retransmitted_chunks;
    out.sas_idupchunks = n->duplicate_tsns;
    out.sas_gapcnt = n->gap_blocks_in;
    out.sas_outofseqtsns = n->out_of_sequence_tsns;
    out.sas_ouodchunks = n->unordered_chunks_out;
    out.sas_iuodchunks = n->unordered_chunks_in;
    out.sas_oodchunks = n->ordered_chunks_out;
    out.sas_iodchunks = n->ordered_chunks_in;
    out.sas_octrlchunks = n->control_chunks_out;
    out.sas_ictrlchunks = n->control_chunks_in;
    memcpy(value, &out, sizeof out);
    *length = *length < option->bytes ? *length : option->bytes;
    return 0;
}
