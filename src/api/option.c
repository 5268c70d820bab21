/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * usctp_setsockopt, usctp_getsockopt, usctp_opt_info: what every option has in common (see
 * option.h; RFC 6458 7, 8), and usctp_tune. The table is in option_table.c.
 */
#include "api/option.h"

#include "api/stack.h"
#include "api/user_memory.h"

#include <errno.h>
#include <string.h>

enum { MAX_OPTION_BYTES = 1024 };

_Static_assert(sizeof(struct usctp_engine_counters) <= MAX_OPTION_BYTES &&
                   sizeof(struct usctp_assoc_counters) <= MAX_OPTION_BYTES &&
                   sizeof(struct usctp_path_counters) <= MAX_OPTION_BYTES,
               "an option's value must fit");

/* ---- which associations ---------------------------------------------------------------------- */

/* The id in a value; the older forms of some options, an int, have none. */
static sctp_assoc_t id_in(const struct option *option, const void *value, socklen_t length) {
    sctp_assoc_t id = SCTP_FUTURE_ASSOC;
    bool has_id = option->reach >= REACH_ONE && length >= option->id_at + sizeof id;
    bool is_older = option->bytes == sizeof(struct sctp_assoc_value) && length < option->bytes;
    if (has_id && !is_older)
        memcpy(&id, (const uint8_t *)value + option->id_at, sizeof id);
    return id;
}

static int scope_of_many(struct call *c, const struct option *option, sctp_assoc_t id,
                         bool is_set) {
    bool has_sets = is_set && option->reach == REACH_ANY;
    if (option->reach == REACH_SOCKET || option->reach == REACH_FUTURE) {
        c->scope = (struct scope){.future = true, .all = option->reach == REACH_SOCKET};
        return 0;
    }
    switch (id) {
    case SCTP_FUTURE_ASSOC:
        c->scope.future = true;
        return option->reach == REACH_ONE ? -EINVAL : 0;
    case SCTP_ALL_ASSOC:
        c->scope.future = true;
        /* fall through */
    case SCTP_CURRENT_ASSOC:
        c->scope.all = true;
        return has_sets ? 0 : -EINVAL;
    default:
        c->scope.one = connection_of(c->socket, id);
        return c->scope.one ? 0 : -EINVAL;
    }
}

static int find_scope(struct call *c, const struct option *option, sctp_assoc_t id, bool is_set) {
    c->scope = (struct scope){.one = NULL};
    if (c->socket->is_many)
        return scope_of_many(c, option, id, is_set);
    c->scope.future = true;
    c->scope.one = connection_only(c->socket);
    return 0;
}

struct connection *option_next(const struct call *c, const struct connection *a) {
    if (c->scope.all)
        return a ? TAILQ_NEXT(a, of_socket) : TAILQ_FIRST(&c->socket->connections);
    return a ? NULL : c->scope.one;
}

/* ---- setting and getting --------------------------------------------------------------------- */

/* As Linux: an IPv4 socket knows nothing of IPv6. */
static const struct option *find(const struct call *c, int level, int name, int *error) {
    *error = -ENOPROTOOPT;
    if (level == IPPROTO_IPV6 && c->socket->domain != AF_INET6)
        return NULL;
    return option_find(level, name, error);
}

/* As Linux: structures of SCTP have the length that they have, or had once; other values may be
 * longer. */
static bool fits(const struct option *option, socklen_t length) {
    if (length < option->least_bytes || length > INT32_MAX)
        return false;
    if (option->name == SCTP_EVENTS && option->level == IPPROTO_SCTP)
        return length <= option->bytes;
    if (option->level != IPPROTO_SCTP || option->bytes == sizeof(int) ||
        option->name == SCTP_PEER_ADDR_THLDS || option->name == SCTP_PEER_ADDR_THLDS_V2)
        return true;
    return length == option->least_bytes || length == option->bytes;
}

int option_do_set(struct call *c, int level, int name, const void *value, socklen_t length) {
    _Alignas(max_align_t) uint8_t buffer[MAX_OPTION_BYTES] = {0};
    int error = 0;
    const struct option *option = find(c, level, name, &error);
    if (!option)
        return error;
    if (!option->set)
        return -ENOPROTOOPT;
    if (option->is_raw)
        return option->set(c, option, value, length);
    if (!value)
        return -EFAULT;
    if (!fits(option, length))
        return -EINVAL;
    if (length > option->bytes)
        length = option->bytes;
    if (user_memory_read(buffer, value, length) != (ssize_t)length)
        return -EFAULT;
    error = find_scope(c, option, id_in(option, buffer, length), true);
    return error != 0 ? error : option->set(c, option, buffer, length);
}

int usctp_setsockopt(int sd, int level, int name, const void *value, socklen_t length) {
    struct call c;
    int error = call_enter(&c, sd);
    if (error != 0) {
        errno = -error;
        return -1;
    }
    return (int)call_leave(&c, option_do_set(&c, level, name, value, length));
}

static int get(struct call *c, const struct option *option, void *value, socklen_t *length) {
    _Alignas(max_align_t) uint8_t buffer[MAX_OPTION_BYTES] = {0};
    socklen_t bytes;
    if (user_memory_read(&bytes, length, sizeof bytes) != (ssize_t)sizeof bytes || !value)
        return -EFAULT;
    if (bytes < option->least_bytes || bytes > INT32_MAX)
        return -EINVAL;
    if (bytes > option->bytes)
        bytes = option->bytes;
    /* Only where an id, and perhaps an address, says what is asked for. */
    if (option->reach >= REACH_ONE && user_memory_read(buffer, value, bytes) != (ssize_t)bytes)
        return -EFAULT;
    int error = find_scope(c, option, id_in(option, buffer, bytes), false);
    if (error == 0)
        error = option->get(c, option, buffer, &bytes);
    if (error == 0)
        error = user_memory_write(value, buffer, bytes);
    return error != 0 ? error : user_memory_write(length, &bytes, sizeof bytes);
}

int option_do_get(struct call *c, int level, int name, void *value, socklen_t *length) {
    int error = 0;
    const struct option *option = find(c, level, name, &error);
    if (!option)
        return error;
    if (!option->get)
        return -ENOPROTOOPT;
    return option->is_raw ? option->get(c, option, value, length) : get(c, option, value, length);
}

int usctp_getsockopt(int sd, int level, int name, void *value, socklen_t *length) {
    struct call c;
    int error = call_enter(&c, sd);
    if (error != 0) {
        errno = -error;
        return -1;
    }
    int result = (int)call_leave(&c, option_do_get(&c, level, name, value, length));
    /* libsctp looks at errno after success. */
    if (result >= 0 && level == IPPROTO_SCTP && name == SCTP_SOCKOPT_CONNECTX3)
        errno = 0;
    return result;
}

/* RFC 6458 8: getsockopt() with the id put into the value. */
int usctp_opt_info(int sd, sctp_assoc_t id, int name, void *value, socklen_t *length) {
    int error = 0;
    socklen_t bytes;
    const struct option *option = option_find(IPPROTO_SCTP, name, &error);
    if (option &&
        (!value || user_memory_read(&bytes, length, sizeof bytes) < (ssize_t)sizeof bytes))
        error = -EFAULT;
    if (error == 0 && option && option->reach >= REACH_ONE && bytes >= option->id_at + sizeof id)
        error = user_memory_write((uint8_t *)value + option->id_at, &id, sizeof id);
    if (error == 0)
        return usctp_getsockopt(sd, IPPROTO_SCTP, name, value, length);
    errno = -error;
    return -1;
}

/* ---- help for the rows ----------------------------------------------------------------------- */

int32_t option_assoc(const struct call *c) {
    return c->scope.one ? c->scope.one->id : 0;
}

const struct preferences *option_preferences(const struct call *c) {
    return c->scope.one ? &c->scope.one->preferences : &c->socket->preferences;
}

void option_prefer(struct call *c, void (*change)(struct preferences *, const void *),
                   const void *value) {
    if (c->scope.future)
        change(&c->socket->preferences, value);
    for (struct connection *a = option_next(c, NULL); a; a = option_next(c, a))
        change(&a->preferences, value);
}

int option_tune(struct call *c, enum usctp_tunable tunable, uint64_t value) {
    struct socket *s = c->socket;
    struct usctp_engine *engine = c->stack->engine;
    const struct usctp_tunable_info *info = usctp_tunable_info(tunable);
    if (!info || info->scope == USCTP_SCOPE_ENGINE || value < info->minimum ||
        value > info->maximum)
        return -EINVAL;
    if (c->scope.future) {
        if (socket_tune(s, tunable, value) != 0)
            return -ENOMEM;
        if (s->endpoint != 0)
            usctp_endpoint_tune(engine, s->endpoint, tunable, value);
    }
    if (info->scope < USCTP_SCOPE_ASSOC)
        return 0;
    for (struct connection *a = option_next(c, NULL); a; a = option_next(c, a))
        usctp_assoc_tune(engine, a->id, tunable, value, c->now_us);
    return 0;
}

uint64_t option_value(struct call *c, enum usctp_tunable tunable) {
    struct usctp_config config;
    if (c->scope.one && usctp_assoc_config(c->stack->engine, c->scope.one->id, &config) == 0)
        return usctp_config_get(&config, tunable);
    return usctp_config_get(c->socket->config, tunable);
}

int usctp_tune(int sd, enum usctp_tunable tunable, uint64_t value) {
    struct call c;
    int error = call_enter(&c, sd);
    if (error != 0) {
        errno = -error;
        return -1;
    }
    c.scope = (struct scope){.future = true, .all = true};
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
