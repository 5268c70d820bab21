/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Linux's private options 100 to 111 and 122: the calls behind libsctp's functions, which do on
 * Linux's numbers and structures what the functions of usctp.h do (lksctp-tools). They get the
 * application's own memory.
 */
#include "api/bind.h"
#include "api/connect.h"
#include "api/option.h"
#include "api/peeloff.h"
#include "api/user_memory.h"

#include <errno.h>
#include <string.h>

/* ---- bindx, connectx ------------------------------------------------------------------------- */

static int change(struct call *c, const void *value, socklen_t length, bool add) {
    struct address_list list;
    int error = sockaddr_copy_option(value, length, c->socket->domain, &list);
    return error != 0 ? error : bind_change(c, &list, add);
}

int option_set_bindx_add(struct call *c, const struct option *option, const void *value,
                         socklen_t length) {
    (void)option;
    return change(c, value, length, true);
}

int option_set_bindx_remove(struct call *c, const struct option *option, const void *value,
                            socklen_t length) {
    (void)option;
    return change(c, value, length, false);
}

/* The newer of the two gives the id as its result. */
int option_set_connectx(struct call *c, const struct option *option, const void *value,
                        socklen_t length) {
    struct address_list peer;
    sctp_assoc_t id = 0;
    int error = sockaddr_copy_option(value, length, c->socket->domain, &peer);
    if (error == 0)
        error = connect_to(c, &peer, &id);
    return error == 0 && option->name == SCTP_SOCKOPT_CONNECTX ? id : error;
}

/* The id is written where the structure was, also with EINPROGRESS. */
int option_get_connectx(struct call *c, const struct option *option, void *value,
                        socklen_t *length) {
    struct sctp_getaddrs_old given;
    struct address_list peer;
    socklen_t bytes, written = sizeof(sctp_assoc_t);
    (void)option;
    if (user_memory_read(&bytes, length, sizeof bytes) != (ssize_t)sizeof bytes)
        return -EFAULT;
    if (bytes < sizeof given)
        return -EINVAL;
    if (user_memory_read(&given, value, sizeof given) != (ssize_t)sizeof given)
        return -EFAULT;
    if (given.addr_num < 0)
        return -EINVAL;
    int error = sockaddr_copy_option(given.addrs, (size_t)given.addr_num, c->socket->domain, &peer);
    if (error == 0)
        error = user_memory_write(length, &written, sizeof written);
    return error != 0 ? error : connect_to(c, &peer, value);
}

/* ---- peeloff --------------------------------------------------------------------------------- */

/* The descriptor is the result and in the structure. */
static int peel(struct call *c, void *value, socklen_t *length, bool has_flags) {
    sctp_peeloff_flags_arg_t given = {.flags = 0};
    socklen_t bytes, needed = has_flags ? sizeof given : sizeof given.p_arg;
    if (user_memory_read(&bytes, length, sizeof bytes) != (ssize_t)sizeof bytes)
        return -EFAULT;
    if (bytes < needed)
        return -EINVAL;
    if (user_memory_read(&given, value, needed) != (ssize_t)needed)
        return -EFAULT;
    int fd = peeloff_take(c, given.p_arg.associd, (int)given.flags);
    if (fd < 0)
        return fd;
    /* The memory was there a moment ago, and the descriptor is the result. */
    given.p_arg.sd = fd;
    (void)user_memory_write(value, &given, needed);
    (void)user_memory_write(length, &needed, sizeof needed);
    return fd;
}

int option_get_peeloff(struct call *c, const struct option *option, void *value,
                       socklen_t *length) {
    (void)option;
    return peel(c, value, length, false);
}

int option_get_peeloff_flags(struct call *c, const struct option *option, void *value,
                             socklen_t *length) {
    (void)option;
    return peel(c, value, length, true);
}

/* ---- getpaddrs, getladdrs -------------------------------------------------------------------- */

static int give_addresses(struct call *c, void *value, socklen_t *length, bind_list_get *list_of) {
    struct usctp_addr list[USCTP_MAX_ADDRESSES];
    uint8_t out[sizeof(struct sctp_getaddrs) + USCTP_MAX_ADDRESSES * sizeof(struct sockaddr_in6)];
    struct sctp_getaddrs head;
    struct sockaddr_storage address;
    socklen_t room, used = sizeof head;
    uint16_t port;
    const struct socket *s = c->socket;
    if (user_memory_read(&room, length, sizeof room) != (ssize_t)sizeof room)
        return -EFAULT;
    if (room < sizeof head)
        return -EINVAL;
    if (user_memory_read(&head, value, sizeof head) != (ssize_t)sizeof head)
        return -EFAULT;
    int n = list_of(c, head.assoc_id, list, &port);
    if (n < 0)
        return n;
    for (int i = 0; i < n; i++) {
        socklen_t bytes =
            sockaddr_write(&list[i], port, s->domain == AF_INET6 && s->is_mapped, &address);
        memcpy(out + used, &address, bytes);
        used += bytes;
    }
    if (used > room)
        return -ENOMEM; /* libsctp then comes with more */
    head.addr_num = (uint32_t)n;
    memcpy(out, &head, sizeof head);
    int error = user_memory_write(value, out, used);
    return error != 0 ? error : user_memory_write(length, &used, sizeof used);
}

int option_get_peer_addresses(struct call *c, const struct option *option, void *value,
                              socklen_t *length) {
    (void)option;
    return give_addresses(c, value, length, bind_peer_addresses);
}

int option_get_local_addresses(struct call *c, const struct option *option, void *value,
                               socklen_t *length) {
    (void)option;
    return give_addresses(c, value, length, bind_local_addresses);
}
