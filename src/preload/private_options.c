/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libsctp's private options over usctp's calls (see private_options.h). The structures are those of
 * <linux/sctp.h>.
 */
#include "preload/private_options.h"

#include "usctp/usctp.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

enum {
    SET_BINDX_ADD = SCTP_SOCKOPT_BINDX_ADD,
    SET_BINDX_REMOVE = SCTP_SOCKOPT_BINDX_REM,
    GET_PEELOFF = SCTP_SOCKOPT_PEELOFF,
    SET_CONNECTX_OLD = SCTP_SOCKOPT_CONNECTX_OLD,
    GET_PADDRS = SCTP_GET_PEER_ADDRS,
    GET_LADDRS = SCTP_GET_LOCAL_ADDRS,
    SET_CONNECTX = SCTP_SOCKOPT_CONNECTX,
    GET_CONNECTX3 = SCTP_SOCKOPT_CONNECTX3,
    GET_PEELOFF_FLAGS = SCTP_SOCKOPT_PEELOFF_FLAGS,
    FIRST = SET_BINDX_ADD,
    LAST = GET_CONNECTX3,
};

static int failed(int error) {
    errno = error;
    return -1;
}

bool private_options_has(int name) {
    return (name >= FIRST && name <= LAST) || name == GET_PEELOFF_FLAGS;
}

/* How many packed addresses these bytes are; 0: none, or not to the byte. */
static int count_addresses(const void *addresses, size_t bytes) {
    int count = 0;
    for (size_t at = 0; at < bytes; count++) {
        sa_family_t family;
        if (bytes - at < sizeof family)
            return 0;
        memcpy(&family, (const char *)addresses + at, sizeof family);
        size_t step = (size_t)usctp_getaddrlen(family);
        if (step == 0 || step > bytes - at)
            return 0;
        at += step;
    }
    return count;
}

static int connectx(int fd, const struct sockaddr *addresses, size_t bytes, sctp_assoc_t *id) {
    if (!addresses)
        return failed(EFAULT);
    int count = count_addresses(addresses, bytes);
    return count == 0 ? failed(EINVAL) : usctp_connectx(fd, addresses, count, id);
}

int private_options_set(int fd, int name, const void *value, socklen_t bytes) {
    sctp_assoc_t id = 0;
    int count, result;
    switch (name) {
    case SET_BINDX_ADD:
    case SET_BINDX_REMOVE:
        if (!value)
            return failed(EFAULT);
        count = count_addresses(value, bytes);
        return count == 0
                   ? failed(EINVAL)
                   : usctp_bindx(fd, value, count,
                                 name == SET_BINDX_ADD ? SCTP_BINDX_ADD_ADDR : SCTP_BINDX_REM_ADDR);
    case SET_CONNECTX_OLD:
        return connectx(fd, value, bytes, NULL);
    case SET_CONNECTX:
        result = connectx(fd, value, bytes, &id);
        return result == 0 ? id : result;
    default:
        return failed(ENOPROTOOPT);
    }
}

/* ---- get ------------------------------------------------------------------------------------- */

/* The id is written back also with EINPROGRESS. errno 0 says done: libsctp looks at it. */
static int get_connectx3(int fd, void *value, socklen_t *bytes) {
    struct sctp_getaddrs_old given;
    if (*bytes < sizeof given)
        return failed(EINVAL);
    memcpy(&given, value, sizeof given);
    if (given.addr_num <= 0)
        return failed(EINVAL);
    sctp_assoc_t id = 0;
    errno = 0;
    int result = connectx(fd, given.addrs, (size_t)given.addr_num, &id);
    int error = errno;
    if (result == 0 || error == EINPROGRESS) {
        memcpy(value, &id, sizeof id);
        *bytes = sizeof id;
    }
    errno = result == 0 ? 0 : error;
    return result;
}

static int get_peeloff(int fd, bool has_flags, void *value, socklen_t *bytes) {
    sctp_peeloff_flags_arg_t given = {.flags = 0};
    size_t size = has_flags ? sizeof given : sizeof given.p_arg;
    if (*bytes < size)
        return failed(EINVAL);
    memcpy(&given, value, size);
    int sd = usctp_peeloff_flags(fd, given.p_arg.associd, given.flags);
    if (sd < 0)
        return -1;
    given.p_arg.sd = sd;
    memcpy(value, &given, size);
    *bytes = (socklen_t)size;
    return sd;
}

/* struct sctp_getaddrs: the id is read, the count and the addresses are written. */
static int get_addresses(int fd, bool are_peers, void *value, socklen_t *bytes) {
    struct sctp_getaddrs head;
    struct sockaddr *addresses = NULL;
    size_t used = 0;
    if (*bytes < sizeof head)
        return failed(EINVAL);
    memcpy(&head, value, sizeof head);
    int count = are_peers ? usctp_getpaddrs(fd, head.assoc_id, &addresses)
                          : usctp_getladdrs(fd, head.assoc_id, &addresses);
    if (count < 0 || (count == 0 && are_peers))
        return count < 0 ? -1 : failed(EINVAL);
    const char *at = (const char *)addresses;
    for (int i = 0; i < count; i++)
        used += (size_t)usctp_getaddrlen(
            ((const struct sockaddr *)(const void *)(at + used))->sa_family);
    int result = 0;
    if (used > *bytes - sizeof head) {
        result = failed(ENOMEM); /* libsctp comes again with more room */
    } else {
        head.addr_num = (__u32)count;
        memcpy(value, &head, sizeof head);
        if (used > 0)
            memcpy((char *)value + offsetof(struct sctp_getaddrs, addrs), addresses, used);
        *bytes = (socklen_t)(sizeof head + used);
    }
    usctp_freepaddrs(addresses);
    return result;
}

int private_options_get(int fd, int name, void *value, socklen_t *bytes) {
    if (!value || !bytes)
        return failed(EFAULT);
    switch (name) {
    case GET_CONNECTX3:
        return get_connectx3(fd, value, bytes);
    case GET_PEELOFF:
    case GET_PEELOFF_FLAGS:
        return get_peeloff(fd, name == GET_PEELOFF_FLAGS, value, bytes);
    case GET_PADDRS:
    case GET_LADDRS:
        return get_addresses(fd, name == GET_PADDRS, value, bytes);
    default:
        return failed(ENOPROTOOPT);
    }
}
