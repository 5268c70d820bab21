/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Options that read the counters of usctp/counters.h. Linux's own, SCTP_GET_ASSOC_STATS, is in
 * option_assoc.c; the same as functions in query.c.
 */
#include "api/option.h"

#include "api/stack.h"

#include <errno.h>
#include <string.h>

/* How much the caller gets: what he has room for. */
static int give(void *value, socklen_t *length, const void *from, size_t bytes) {
    if (*length > bytes)
        *length = (socklen_t)bytes;
    memcpy(value, from, *length);
    return 0;
}

int option_get_stack_counters(struct call *c, const struct option *option, void *value,
                              socklen_t *length) {
    struct usctp_engine_counters counters;
    (void)option;
    usctp_engine_counters(c->stack->engine, &counters);
    return give(value, length, &counters, sizeof counters);
}

int option_get_assoc_counters(struct call *c, const struct option *option, void *value,
                              socklen_t *length) {
    struct usctp_assoc_status status;
    int32_t id = option_assoc(c);
    (void)option;
    if (id == 0 || usctp_assoc_status(c->stack->engine, id, &status) != 0)
        return -EINVAL;
    return give(value, length, &status.counters, sizeof status.counters);
}

int option_get_path_counters(struct call *c, const struct option *option, void *value,
                             socklen_t *length) {
    struct usctp_path_counters out;
    int32_t id = option_assoc(c);
    (void)option;
    memcpy(&out, value, sizeof out);
    out.assoc_id = id;
    if (id == 0 || usctp_path_status(c->stack->engine, id, out.path, &out.status) != 0)
        return -EINVAL;
    return give(value, length, &out, sizeof out);
}
