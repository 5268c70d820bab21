/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The functions of libsctp.so.1 over usctp's, with its types, results and symbol versions
 * (cmake/preload.map). Where libsctp is known to err, these do what its manual pages say: an error
 * is -1 and errno.
 *
 * What libsctp decides before the kernel is asked differs from the native calls in one point: an
 * address that is neither IPv4 nor IPv6 is EINVAL.
 */
#include "preload/interpose.h"

#include <errno.h>
#include <limits.h>

#define LIBSCTP(type, name, ...)                                                                   \
    INTERPOSED type name(__VA_ARGS__);                                                             \
    INTERPOSED type name(__VA_ARGS__)

static int narrow(ssize_t n) {
    return n > INT_MAX ? INT_MAX : (int)n;
}

static int as_libsctp(int result) {
    if (result < 0 && errno == EAFNOSUPPORT)
        errno = EINVAL;
    return result;
}

LIBSCTP(int, sctp_bindx, int sd, struct sockaddr *addresses, int count, int flags) {
    return as_libsctp(usctp_bindx(sd, addresses, count, flags));
}

/* VERS_1: no id. VERS_2: the id is the result. VERS_3: it is written to *id. */
LIBSCTP(int, sctp_connectx_1, int sd, struct sockaddr *addresses, int count) {
    return as_libsctp(usctp_connectx(sd, addresses, count, NULL));
}

LIBSCTP(int, sctp_connectx_2, int sd, struct sockaddr *addresses, int count, sctp_assoc_t *id) {
    sctp_assoc_t made = 0;
    if (id)
        *id = 0;
    int result = as_libsctp(usctp_connectx(sd, addresses, count, &made));
    if (id && made != 0)
        *id = made;
    return result == 0 ? made : result;
}

LIBSCTP(int, sctp_connectx_3, int sd, struct sockaddr *addresses, int count, sctp_assoc_t *id) {
    return as_libsctp(usctp_connectx(sd, addresses, count, id));
}

__asm__(".symver sctp_connectx_1, sctp_connectx@VERS_1");
__asm__(".symver sctp_connectx_2, sctp_connectx@VERS_2");
__asm__(".symver sctp_connectx_3, sctp_connectx@@VERS_3");

LIBSCTP(int, sctp_peeloff, int sd, sctp_assoc_t id) {
    return usctp_peeloff(sd, id);
}

LIBSCTP(int, sctp_peeloff_flags, int sd, sctp_assoc_t id, unsigned flags) {
    return usctp_peeloff_flags(sd, id, flags);
}

LIBSCTP(int, sctp_opt_info, int sd, sctp_assoc_t id, int name, void *value, socklen_t *bytes) {
    return usctp_opt_info(sd, id, name, value, bytes);
}

/* ---- addresses ------------------------------------------------------------------------------- */

LIBSCTP(int, sctp_getpaddrs, int sd, sctp_assoc_t id, struct sockaddr **addresses) {
    return usctp_getpaddrs(sd, id, addresses);
}

LIBSCTP(int, sctp_getladdrs, int sd, sctp_assoc_t id, struct sockaddr **addresses) {
    return usctp_getladdrs(sd, id, addresses);
}

LIBSCTP(int, sctp_freepaddrs, struct sockaddr *addresses) {
    usctp_freepaddrs(addresses);
    return 0;
}

LIBSCTP(int, sctp_freeladdrs, struct sockaddr *addresses) {
    usctp_freeladdrs(addresses);
    return 0;
}

LIBSCTP(int, sctp_getaddrlen, sa_family_t family) {
    return usctp_getaddrlen(family);
}

/* ---- messages -------------------------------------------------------------------------------- */

/* NOLINTNEXTLINE(readability-function-size): RFC 6458 9.7 has ten parameters */
LIBSCTP(int, sctp_sendmsg, int sd, const void *data, size_t bytes, struct sockaddr *to,
        socklen_t to_bytes, uint32_t ppid, uint32_t flags, uint16_t sid, uint32_t time_to_live,
        uint32_t context) {
    return narrow(
        usctp_sctp_sendmsg(sd, data, bytes, to, to_bytes, ppid, flags, sid, time_to_live, context));
}

LIBSCTP(int, sctp_send, int sd, const void *data, size_t bytes, const struct sctp_sndrcvinfo *sinfo,
        int flags) {
    return narrow(usctp_sctp_send(sd, data, bytes, sinfo, flags));
}

/* NOLINTNEXTLINE(readability-function-size): RFC 6458 9.12 has nine parameters */
LIBSCTP(int, sctp_sendv, int sd, const struct iovec *iov, int iovcnt, struct sockaddr *addresses,
        int count, void *info, socklen_t info_bytes, unsigned infotype, int flags) {
    return as_libsctp(
        narrow(usctp_sendv(sd, iov, iovcnt, addresses, count, info, info_bytes, infotype, flags)));
}

/* NOLINTNEXTLINE(readability-function-size): RFC 6458 9.8 has seven parameters */
LIBSCTP(int, sctp_recvmsg, int sd, void *data, size_t bytes, struct sockaddr *from,
        socklen_t *from_bytes, struct sctp_sndrcvinfo *sinfo, int *flags) {
    return narrow(usctp_sctp_recvmsg(sd, data, bytes, from, from_bytes, sinfo, flags));
}

/* NOLINTNEXTLINE(readability-function-size): RFC 6458 9.13 has nine parameters */
LIBSCTP(int, sctp_recvv, int sd, const struct iovec *iov, int iovcnt, struct sockaddr *from,
        socklen_t *from_bytes, void *info, socklen_t *info_bytes, unsigned *infotype, int *flags) {
    return narrow(
        usctp_recvv(sd, iov, iovcnt, from, from_bytes, info, info_bytes, infotype, flags));
}
