/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Options of one-to-many sockets only (RFC 6458 8.1.8, 8.2.5, 8.2.6).
 */
#include "api/autoclose.h"
#include "api/option.h"
#include "api/user_memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_AUTOCLOSE_S = INT32_MAX / 1000
}; /* as Linux's sysctl max_autoclose on a small machine */

int option_set_autoclose(struct call *c, const struct option *option, const void *value,
                         socklen_t length) {
    uint32_t seconds;
    (void)option;
    (void)length;
    if (!c->socket->is_many)
        return -EOPNOTSUPP;
    memcpy(&seconds, value, sizeof seconds);
    autoclose_set(c->socket, seconds < MAX_AUTOCLOSE_S ? seconds : MAX_AUTOCLOSE_S);
    return 0;
}

int option_get_autoclose(struct call *c, const struct option *option, void *value,
                         socklen_t *length) {
    (void)option;
    if (!c->socket->is_many)
        return -EOPNOTSUPP;
    memcpy(value, &c->socket->autoclose_s, sizeof c->socket->autoclose_s);
    *length = sizeof c->socket->autoclose_s;
    return 0;
}

int option_get_assoc_number(struct call *c, const struct option *option, void *value,
                            socklen_t *length) {
    (void)option;
    if (!c->socket->is_many)
        return -EOPNOTSUPP;
    memcpy(value, &c->socket->connection_count, sizeof c->socket->connection_count);
    *length = sizeof c->socket->connection_count;
    return 0;
}

int option_get_assoc_ids(struct call *c, const struct option *option, void *value,
                         socklen_t *length) {
    const struct socket *s = c->socket;
    const struct connection *a;
    socklen_t room;
    (void)option;
    if (!s->is_many)
        return -EOPNOTSUPP;
    if (user_memory_read(&room, length, sizeof room) != (ssize_t)sizeof room)
        return -EFAULT;
    size_t bytes = sizeof(struct sctp_assoc_ids) + s->connection_count * sizeof(sctp_assoc_t);
    if (room < bytes)
        return -EINVAL; /* as Linux */
    uint32_t *out = malloc(bytes);
    if (!out)
        return -ENOMEM;
    uint32_t n = 0;
    out[0] = s->connection_count;
    TAILQ_FOREACH (a, &s->connections, of_socket)
        out[++n] = (uint32_t)a->id;
    socklen_t used = (socklen_t)bytes;
    int error = user_memory_write(value, out, bytes);
    free(out);
    return error != 0 ? error : user_memory_write(length, &used, sizeof used);
}
