/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Options of paths (RFC 6458 8.1.9, 8.1.12, 8.2.2; RFC 7829 7.2, 7.3; RFC 6951 6.1).
 */
#include "api/option.h"

#include "api/sockaddr.h"
#include "api/stack.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

_Static_assert((int)USCTP_PATH_STATE_INACTIVE == SCTP_INACTIVE &&
                   (int)USCTP_PATH_STATE_PF == SCTP_PF &&
                   (int)USCTP_PATH_STATE_ACTIVE == SCTP_ACTIVE &&
                   (int)USCTP_PATH_STATE_UNCONFIRMED == SCTP_UNCONFIRMED,
               "Linux");

enum { PF_HIDDEN = 1, PF_EXPOSED = 2, LEAST_PROBE_MS = 5000 /* Linux */ };

/* As Linux: one-to-many, a peer's address and port also find the association. */
static int32_t find_by_address(struct call *c, const void *storage,
                               const struct usctp_addr *address) {
    struct sockaddr_in named; /* the port lies in the same place in both families */
    memcpy(&named, storage, sizeof named);
    if (!c->socket->is_many || c->socket->endpoint == 0)
        return 0;
    int32_t id =
        usctp_assoc_find(c->stack->engine, c->socket->endpoint, address, ntohs(named.sin_port));
    c->scope = (struct scope){.one = id > 0 ? connection_of(c->socket, id) : NULL};
    return option_assoc(c);
}

int option_find_target(struct call *c, const void *storage, struct option_target *target) {
    struct usctp_addr address;
    int given = sockaddr_read_option(storage, c->socket->domain, &address);
    if (given < 0)
        return -EINVAL;
    *target = (struct option_target){.assoc = option_assoc(c), .path = -1};
    if (given == 0)
        return 0;
    if (target->assoc == 0)
        target->assoc = find_by_address(c, storage, &address);
    if (target->assoc == 0)
        return -EINVAL;
    target->path = usctp_path_find(c->stack->engine, target->assoc, &address);
    return target->path < 0 ? -EINVAL : 0;
}

int option_tune_target(struct call *c, const struct option_target *target,
                       enum usctp_tunable tunable, uint64_t value) {
    if (target->path < 0)
        return option_tune(c, tunable, value);
    return socket_errno(usctp_path_tune(c->stack->engine, target->assoc, (uint32_t)target->path,
                                        tunable, value, c->now_us));
}

uint64_t option_target_value(struct call *c, const struct option_target *target,
                             enum usctp_tunable tunable) {
    uint64_t value;
    if (target->path >= 0 && usctp_path_get(c->stack->engine, target->assoc, (uint32_t)target->path,
                                            tunable, &value) == 0)
        return value;
    return option_value(c, tunable);
}

/* ---- SCTP_PRIMARY_ADDR ----------------------------------------------------------------------- */

int option_set_primary(struct call *c, const struct option *option, const void *value,
                       socklen_t length) {
    struct option_target target;
    const char *storage = (const char *)value + offsetof(struct sctp_prim, ssp_addr);
    (void)option;
    (void)length;
    int error = option_find_target(c, storage, &target);
    if (error != 0)
        return error;
    if (target.path < 0)
        return -EINVAL;
    error =
        usctp_path_set_primary(c->stack->engine, target.assoc, (uint32_t)target.path, c->now_us);
    return error == USCTP_ERR_STATE ? -EINVAL
                                    : socket_errno(error); /* not confirmed yet: RFC 9260 5.4 */
}

int option_get_primary(struct call *c, const struct option *option, void *value,
                       socklen_t *length) {
    struct usctp_assoc_status status;
    struct sctp_paddrinfo info;
    struct sctp_prim out = {.ssp_assoc_id = option_assoc(c)};
    (void)option;
    if (out.ssp_assoc_id == 0 ||
        usctp_assoc_status(c->stack->engine, out.ssp_assoc_id, &status) != 0)
        return -EINVAL;
    int error = option_fill_path_info(c, status.primary_path, &info);
    if (error != 0)
        return error;
    memcpy((char *)&out + offsetof(struct sctp_prim, ssp_addr),
           (char *)&info + offsetof(struct sctp_paddrinfo, spinfo_address),
           sizeof(struct sockaddr_storage));
    memcpy(value, &out, sizeof out);
    *length = sizeof out;
    return 0;
}

/* ---- SCTP_GET_PEER_ADDR_INFO ----------------------------------------------------------------- */

int option_fill_path_info(struct call *c, uint32_t path, struct sctp_paddrinfo *info) {
    struct usctp_assoc_status status;
    struct usctp_path_status found;
    struct sockaddr_storage address;
    int32_t id = option_assoc(c);
    if (id == 0 || usctp_path_status(c->stack->engine, id, path, &found) != 0 ||
        usctp_assoc_status(c->stack->engine, id, &status) != 0)
        return -EINVAL;
    memset(info, 0, sizeof *info);
    info->spinfo_assoc_id = id;
    sockaddr_write(&found.address, status.peer_port,
                   c->socket->domain == AF_INET6 && c->socket->is_mapped, &address);
    memcpy((char *)info + offsetof(struct sctp_paddrinfo, spinfo_address), &address,
           sizeof address);
    info->spinfo_state = (int)found.state;
    info->spinfo_cwnd = found.cwnd_bytes;
    info->spinfo_srtt = (uint32_t)(found.srtt_us / USCTP_MS);
    info->spinfo_rto = (uint32_t)(found.rto_us / USCTP_MS);
    info->spinfo_mtu = found.pmtu_bytes;
    return 0;
}

int option_get_path_info(struct call *c, const struct option *option, void *value,
                         socklen_t *length) {
    struct sctp_paddrinfo out;
    struct option_target target;
    (void)option;
    int error = option_find_target(
        c, (char *)value + offsetof(struct sctp_paddrinfo, spinfo_address), &target);
    if (error != 0)
        return error;
    if (target.path < 0)
        return -EINVAL;
    error = option_fill_path_info(c, (uint32_t)target.path, &out);
    if (error != 0)
        return error;
    /* RFC 7829 7.3, as Linux: who has hidden the state does not get it here. */
    if (out.spinfo_state == SCTP_PF && option_preferences(c)->pf_exposure == PF_HIDDEN)
        return -EACCES;
    memcpy(value, &out, sizeof out);
    *length = sizeof out;
    return 0;
}

/* ---- SCTP_PEER_ADDR_THLDS -------------------------------------------------------------------- */

static int set_thresholds(struct call *c, const struct sctp_paddrthlds_v2 *given,
                          bool has_switchover) {
    struct option_target target;
    int error = option_find_target(c, &given->spt_address, &target);
    if (error != 0)
        return error;
    if (given->spt_pathmaxrxt > usctp_tunable_info(USCTP_TUNABLE_path_max_retrans)->maximum)
        return -EINVAL;
    if (has_switchover && given->spt_pathpfthld > given->spt_pathcpthld)
        return -EINVAL; /* RFC 7829 4 */
    if (given->spt_pathmaxrxt != 0)
        error =
            option_tune_target(c, &target, USCTP_TUNABLE_path_max_retrans, given->spt_pathmaxrxt);
    if (error == 0)
        error = option_tune_target(c, &target, USCTP_TUNABLE_pf_max_retrans, given->spt_pathpfthld);
    if (error == 0 && has_switchover)
        error = option_tune_target(c, &target, USCTP_TUNABLE_primary_switchover_max_retrans,
                                   given->spt_pathcpthld);
    return error;
}

static int get_thresholds(struct call *c, struct sctp_paddrthlds_v2 *out) {
    struct option_target target;
    int error = option_find_target(c, &out->spt_address, &target);
    if (error != 0)
        return error;
    out->spt_assoc_id = target.assoc;
    out->spt_pathmaxrxt = (uint16_t)option_target_value(c, &target, USCTP_TUNABLE_path_max_retrans);
    out->spt_pathpfthld = (uint16_t)option_target_value(c, &target, USCTP_TUNABLE_pf_max_retrans);
    out->spt_pathcpthld =
        (uint16_t)option_target_value(c, &target, USCTP_TUNABLE_primary_switchover_max_retrans);
    return 0;
}

int option_set_thresholds(struct call *c, const struct option *option, const void *value,
                          socklen_t length) {
    struct sctp_paddrthlds given;
    struct sctp_paddrthlds_v2 wide = {0};
    (void)option;
    (void)length;
    memcpy(&given, value, sizeof given);
    wide.spt_address = given.spt_address;
    wide.spt_pathmaxrxt = given.spt_pathmaxrxt;
    wide.spt_pathpfthld = given.spt_pathpfthld;
    return set_thresholds(c, &wide, false);
}

int option_get_thresholds(struct call *c, const struct option *option, void *value,
                          socklen_t *length) {
    struct sctp_paddrthlds out;
    struct sctp_paddrthlds_v2 wide = {0};
    (void)option;
    memcpy(&out, value, sizeof out);
    wide.spt_address = out.spt_address;
    int error = get_thresholds(c, &wide);
    if (error != 0)
        return error;
    out.spt_assoc_id = wide.spt_assoc_id;
    out.spt_pathmaxrxt = wide.spt_pathmaxrxt;
    out.spt_pathpfthld = wide.spt_pathpfthld;
    memcpy(value, &out, sizeof out);
    *length = sizeof out;
    return 0;
}

int option_set_thresholds_v2(struct call *c, const struct option *option, const void *value,
                             socklen_t length) {
    struct sctp_paddrthlds_v2 given;
    (void)option;
    (void)length;
    memcpy(&given, value, sizeof given);
    return set_thresholds(c, &given, true);
}

int option_get_thresholds_v2(struct call *c, const struct option *option, void *value,
                             socklen_t *length) {
    struct sctp_paddrthlds_v2 out;
    (void)option;
    memcpy(&out, value, sizeof out);
    int error = get_thresholds(c, &out);
    if (error != 0)
        return error;
    memcpy(value, &out, sizeof out);
    *length = sizeof out;
    return 0;
}

/* ---- SCTP_PLPMTUD_PROBE_INTERVAL (RFC 8899), in milliseconds; 0: no probes ---------------------
 */

int option_set_probe_interval(struct call *c, const struct option *option, const void *value,
                              socklen_t length) {
    struct sctp_probeinterval given;
    struct option_target target;
    (void)option;
    (void)length;
    memcpy(&given, value, sizeof given);
    int error = option_find_target(
        c, (const char *)value + offsetof(struct sctp_probeinterval, spi_address), &target);
    if (error != 0)
        return error;
    uint64_t interval_us = (uint64_t)given.spi_interval * USCTP_MS;
    if (given.spi_interval != 0 &&
        (given.spi_interval < LEAST_PROBE_MS ||
         interval_us > usctp_tunable_info(USCTP_TUNABLE_pmtu_probe_us)->maximum))
        return -EINVAL;
    error = option_tune_target(c, &target, USCTP_TUNABLE_pmtu_probing, given.spi_interval != 0);
    /* The interval is the whole association's here. */
    if (error == 0 && given.spi_interval != 0)
        error = option_tune(c, USCTP_TUNABLE_pmtu_probe_us, interval_us);
    return error;
}

int option_get_probe_interval(struct call *c, const struct option *option, void *value,
                              socklen_t *length) {
    struct sctp_probeinterval out;
    struct option_target target;
    (void)option;
    memcpy(&out, value, sizeof out);
    int error = option_find_target(
        c, (char *)value + offsetof(struct sctp_probeinterval, spi_address), &target);
    if (error != 0)
        return error;
    out.spi_assoc_id = target.assoc;
    out.spi_interval = 0;
    if (option_target_value(c, &target, USCTP_TUNABLE_pmtu_probing) != 0)
        out.spi_interval = (uint32_t)(option_value(c, USCTP_TUNABLE_pmtu_probe_us) / USCTP_MS);
    memcpy(value, &out, sizeof out);
    *length = sizeof out;
    return 0;
}

/* ---- SCTP_EXPOSE_POTENTIALLY_FAILED_STATE ---------------------------------------------------- */

static void change_exposure(struct preferences *preferences, const void *value) {
    memcpy(&preferences->pf_exposure, value, sizeof preferences->pf_exposure);
}

int option_set_pf_exposure(struct call *c, const struct option *option, const void *value,
                           socklen_t length) {
    struct sctp_assoc_value given;
    (void)option;
    (void)length;
    memcpy(&given, value, sizeof given);
    if (given.assoc_value > PF_EXPOSED)
        return -EINVAL;
    uint8_t exposure = (uint8_t)given.assoc_value;
    option_prefer(c, change_exposure, &exposure);
    return 0;
}

int option_get_pf_exposure(struct call *c, const struct option *option, void *value,
                           socklen_t *length) {
    struct sctp_assoc_value out = {.assoc_id = option_assoc(c),
                                   .assoc_value = option_preferences(c)->pf_exposure};
    (void)option;
    memcpy(value, &out, sizeof out);
    *length = sizeof out;
    return 0;
}
