/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libsctp's private options over usctp's calls (see private_options.h). The structures are those of
 * <linux/sctp.h>.
 */
#include "preload/private_options.h"

#include "api/user_memory.h"
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

/* A list of packed addresses as these options have it, by its bytes. */
struct list {
    struct sockaddr_in6 addresses[USCTP_MAX_ADDRESSES];
    int count;
};

/* Returns 0, EFAULT, or EINVAL: none, too many, or not to the byte. */
static int copy_list(struct list *list, const void *from, size_t bytes) {
    const char *at = (const char *)list->addresses;
    list->count = 0;
    if (bytes == 0 || bytes > sizeof list->addresses)
        return EINVAL;
    if (user_memory_read(list->addresses, from, bytes) != (ssize_t)bytes)
        return EFAULT;
    for (size_t step; bytes > 0; bytes -= step, at += step, list->count++) {
        sa_family_t family;
        if (bytes < sizeof family)
            return EINVAL;
        memcpy(&family, at, sizeof family);
        step = (size_t)usctp_getaddrlen(family);
        if (step == 0 || step > bytes)
            return EINVAL;
    }
    return 0;
}

static int connectx(int fd, const void *addresses, size_t bytes, sctp_assoc_t *id) {
    struct list list;
    int error = copy_list(&list, addresses, bytes);
    if (error != 0)
        return failed(error);
    return usctp_connectx(fd, (const struct sockaddr *)list.addresses, list.count, id);
}

static int bindx(int fd, const void *addresses, size_t bytes, int flags) {
    struct list list;
    int error = copy_list(&list, addresses, bytes);
    if (error != 0)
        return failed(error);
    return usctp_bindx(fd, (const struct sockaddr *)list.addresses, list.count, flags);
}

int private_options_set(int fd, int name, const void *value, socklen_t bytes) {
    sctp_assoc_t id = 0;
    int result;
    switch (name) {
    case SET_BINDX_ADD:
        return bindx(fd, value, bytes, SCTP_BINDX_ADD_ADDR);
    case SET_BINDX_REMOVE:
        return bindx(fd, value, bytes, SCTP_BINDX_REM_ADDR);
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

/* What a get has: `bytes` as the application has set it. */
struct answer {
    void *value;
    socklen_t *length;
    socklen_t bytes;
};

static bool read_given(const struct answer *answer, void *given, size_t bytes) {
    if (answer->bytes < bytes) {
        errno = EINVAL;
        return false;
    }
    if (user_memory_read(given, answer->value, bytes) == (ssize_t)bytes)
        return true;
    errno = EFAULT;
    return false;
}

static int give(const struct answer *answer, const void *result, size_t bytes) {
    const socklen_t length = (socklen_t)bytes;
    if (user_memory_write(answer->value, result, bytes) != 0 ||
        user_memory_write(answer->length, &length, sizeof length) != 0)
        return failed(EFAULT);
    return 0;
}

/* The id is written back also with EINPROGRESS. errno 0 says done: libsctp looks at it. */
static int get_connectx3(int fd, const struct answer *answer) {
    struct sctp_getaddrs_old given;
    if (!read_given(answer, &given, sizeof given))
        return -1;
    if (given.addr_num <= 0)
        return failed(EINVAL);
    sctp_assoc_t id = 0;
    errno = 0;
    int result = connectx(fd, given.addrs, (size_t)given.addr_num, &id);
    int error = result == 0 ? 0 : errno;
    if ((result == 0 || error == EINPROGRESS) && give(answer, &id, sizeof id) != 0)
        return -1;
    errno = error;
    return result;
}

static int get_peeloff(int fd, bool has_flags, const struct answer *answer) {
    sctp_peeloff_flags_arg_t given = {.flags = 0};
    size_t size = has_flags ? sizeof given : sizeof given.p_arg;
    if (!read_given(answer, &given, size))
        return -1;
    int sd = usctp_peeloff_flags(fd, given.p_arg.associd, given.flags);
    if (sd < 0)
        return -1;
    given.p_arg.sd = sd;
    if (give(answer, &given, size) == 0)
        return sd;
    usctp_close(sd); /* as Linux: the caller has no other name for it */
    return failed(EFAULT);
}

/* Bytes of `count` packed addresses. */
static size_t list_bytes(const struct sockaddr *addresses, int count) {
    const char *at = (const char *)addresses;
    size_t used = 0;
    for (int i = 0; i < count; i++)
        used += (size_t)usctp_getaddrlen(
            ((const struct sockaddr *)(const void *)(at + used))->sa_family);
    return used;
}

/* struct sctp_getaddrs: the id is read, the count and the addresses are written. */
static int get_addresses(int fd, bool are_peers, const struct answer *answer) {
    struct sctp_getaddrs head;
    char out[sizeof head + USCTP_MAX_ADDRESSES * sizeof(struct sockaddr_in6)];
    struct sockaddr *addresses = NULL;
    if (!read_given(answer, &head, sizeof head))
        return -1;
    int count = are_peers ? usctp_getpaddrs(fd, head.assoc_id, &addresses)
                          : usctp_getladdrs(fd, head.assoc_id, &addresses);
    if (count < 0 || (count == 0 && are_peers))
        return count < 0 ? -1 : failed(EINVAL);
    size_t used = list_bytes(addresses, count);
    head.addr_num = (__u32)count;
    memcpy(out, &head, sizeof head);
    if (used > 0)
        memcpy(out + sizeof head, addresses, used);
    usctp_freepaddrs(addresses);
    if (used > answer->bytes - sizeof head)
        return failed(ENOMEM); /* libsctp comes again with more room */
    return give(answer, out, sizeof head + used);
}

int private_options_get(int fd, int name, void *value, socklen_t *bytes) {
    struct answer answer = {.value = value, .length = bytes};
    if (user_memory_read(&answer.bytes, bytes, sizeof answer.bytes) != sizeof answer.bytes)
        return failed(EFAULT);
    switch (name) {
    case GET_CONNECTX3:
        return get_connectx3(fd, &answer);
    case GET_PEELOFF:
    case GET_PEELOFF_FLAGS:
        return get_peeloff(fd, name == GET_PEELOFF_FLAGS, &answer);
    case GET_PADDRS:
    case GET_LADDRS:
        return get_addresses(fd, name == GET_PADDRS, &answer);
    default:
        return failed(ENOPROTOOPT);
    }
}
