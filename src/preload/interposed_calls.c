/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * socket(2) and the calls on sockets and their data. Descriptors are in interposed_descriptors.c,
 * the private options of libsctp in private_options.c; what a forked child asks its parent for in
 * parents_socket.c.
 */
#include "preload/interpose.h"
#include "preload/parents_socket.h"
#include "preload/private_options.h"

#include <errno.h>

/* Linux: a SOCK_SEQPACKET of the Internet families is SCTP also with protocol 0. */
INTERPOSED int socket(int domain, int type, int protocol) {
    int style = type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
    bool is_sctp = protocol == IPPROTO_SCTP && (style == SOCK_STREAM || style == SOCK_SEQPACKET);
    bool is_implied = protocol == 0 && style == SOCK_SEQPACKET;
    if ((domain == AF_INET || domain == AF_INET6) && (is_sctp || is_implied))
        return program_stack_socket(domain, type);
    return libc_socket(domain, type, protocol);
}

INTERPOSED int bind(int fd, const struct sockaddr *address, socklen_t bytes) {
    return program_stack_has(fd) ? usctp_bind(fd, address, bytes) : libc_bind(fd, address, bytes);
}

INTERPOSED int listen(int fd, int backlog) {
    return program_stack_has(fd) ? usctp_listen(fd, backlog) : libc_listen(fd, backlog);
}

INTERPOSED int accept(int fd, struct sockaddr *address, socklen_t *bytes) {
    return program_stack_has(fd) ? usctp_accept(fd, address, bytes)
                                 : libc_accept(fd, address, bytes);
}

INTERPOSED int accept4(int fd, struct sockaddr *address, socklen_t *bytes, int flags) {
    return program_stack_has(fd) ? usctp_accept4(fd, address, bytes, flags)
                                 : libc_accept4(fd, address, bytes, flags);
}

INTERPOSED int connect(int fd, const struct sockaddr *address, socklen_t bytes) {
    return program_stack_has(fd) ? usctp_connect(fd, address, bytes)
                                 : libc_connect(fd, address, bytes);
}

INTERPOSED int shutdown(int fd, int how) {
    if (program_stack_is_parents(fd))
        return parents_shutdown(fd, how);
    return program_stack_has(fd) ? usctp_shutdown(fd, how) : libc_shutdown(fd, how);
}

INTERPOSED int getsockname(int fd, struct sockaddr *address, socklen_t *bytes) {
    if (program_stack_is_parents(fd))
        return parents_getsockname(fd, address, bytes);
    return program_stack_has(fd) ? usctp_getsockname(fd, address, bytes)
                                 : libc_getsockname(fd, address, bytes);
}

INTERPOSED int getpeername(int fd, struct sockaddr *address, socklen_t *bytes) {
    if (program_stack_is_parents(fd))
        return parents_getpeername(fd, address, bytes);
    return program_stack_has(fd) ? usctp_getpeername(fd, address, bytes)
                                 : libc_getpeername(fd, address, bytes);
}

static bool is_private(int level, int name) {
    return level == IPPROTO_SCTP && private_options_has(name);
}

INTERPOSED int setsockopt(int fd, int level, int name, const void *value, socklen_t bytes) {
    if (program_stack_is_parents(fd) && !is_private(level, name))
        return parents_setsockopt(fd, level, name, value, bytes);
    if (!program_stack_has(fd))
        return libc_setsockopt(fd, level, name, value, bytes);
    if (is_private(level, name))
        return private_options_set(fd, name, value, bytes);
    return usctp_setsockopt(fd, level, name, value, bytes);
}

INTERPOSED int getsockopt(int fd, int level, int name, void *value, socklen_t *bytes) {
    if (program_stack_is_parents(fd) && !is_private(level, name))
        return parents_getsockopt(fd, level, name, value, bytes);
    if (!program_stack_has(fd))
        return libc_getsockopt(fd, level, name, value, bytes);
    if (is_private(level, name))
        return private_options_get(fd, name, value, bytes);
    return usctp_getsockopt(fd, level, name, value, bytes);
}

/* ---- sending --------------------------------------------------------------------------------- */

INTERPOSED ssize_t send(int fd, const void *data, size_t bytes, int flags) {
    if (program_stack_is_parents(fd))
        return parents_sendto(fd, data, bytes, flags, NULL, 0);
    return program_stack_has(fd) ? usctp_send(fd, data, bytes, flags)
                                 : libc_send(fd, data, bytes, flags);
}

INTERPOSED ssize_t sendto(int fd, const void *data, size_t bytes, int flags,
                          const struct sockaddr *to, socklen_t to_bytes) {
    if (program_stack_is_parents(fd))
        return parents_sendto(fd, data, bytes, flags, to, to_bytes);
    return program_stack_has(fd) ? usctp_sendto(fd, data, bytes, flags, to, to_bytes)
                                 : libc_sendto(fd, data, bytes, flags, to, to_bytes);
}

INTERPOSED ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
    if (program_stack_is_parents(fd))
        return parents_sendmsg(fd, message, flags);
    return program_stack_has(fd) ? usctp_sendmsg(fd, message, flags)
                                 : libc_sendmsg(fd, message, flags);
}

INTERPOSED int sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags) {
    return program_stack_has(fd) ? usctp_sendmmsg(fd, messages, count, flags)
                                 : libc_sendmmsg(fd, messages, count, flags);
}

ssize_t interposed_write(int fd, const void *data, size_t bytes) {
    if (program_stack_is_parents(fd))
        return parents_sendto(fd, data, bytes, 0, NULL, 0);
    return program_stack_has(fd) ? usctp_write(fd, data, bytes) : libc_write(fd, data, bytes);
}

INTERPOSED ssize_t write(int fd, const void *data, size_t bytes) {
    return interposed_write(fd, data, bytes);
}

INTERPOSED ssize_t writev(int fd, const struct iovec *iov, int count) {
    if (program_stack_is_parents(fd))
        return parents_writev(fd, iov, count);
    return program_stack_has(fd) ? usctp_writev(fd, iov, count) : libc_writev(fd, iov, count);
}

/* ---- receiving ------------------------------------------------------------------------------- */

INTERPOSED ssize_t recv(int fd, void *data, size_t bytes, int flags) {
    if (program_stack_is_parents(fd))
        return parents_recvfrom(fd, data, bytes, flags, NULL, NULL);
    return program_stack_has(fd) ? usctp_recv(fd, data, bytes, flags)
                                 : libc_recv(fd, data, bytes, flags);
}

INTERPOSED ssize_t recvfrom(int fd, void *data, size_t bytes, int flags, struct sockaddr *from,
                            socklen_t *from_bytes) {
    if (program_stack_is_parents(fd))
        return parents_recvfrom(fd, data, bytes, flags, from, from_bytes);
    return program_stack_has(fd) ? usctp_recvfrom(fd, data, bytes, flags, from, from_bytes)
                                 : libc_recvfrom(fd, data, bytes, flags, from, from_bytes);
}

INTERPOSED int recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags,
                        struct timespec *timeout) {
    return program_stack_has(fd) ? usctp_recvmmsg(fd, messages, count, flags, timeout)
                                 : libc_recvmmsg(fd, messages, count, flags, timeout);
}

ssize_t interposed_read(int fd, void *data, size_t bytes) {
    if (program_stack_is_parents(fd))
        return parents_recvfrom(fd, data, bytes, 0, NULL, NULL);
    return program_stack_has(fd) ? usctp_read(fd, data, bytes) : libc_read(fd, data, bytes);
}

INTERPOSED ssize_t read(int fd, void *data, size_t bytes) {
    return interposed_read(fd, data, bytes);
}

INTERPOSED ssize_t readv(int fd, const struct iovec *iov, int count) {
    if (program_stack_is_parents(fd))
        return parents_readv(fd, iov, count);
    return program_stack_has(fd) ? usctp_readv(fd, iov, count) : libc_readv(fd, iov, count);
}

/* What a compiler makes of the same calls with _FORTIFY_SOURCE: the buffer has `room` bytes. */

_Noreturn void __chk_fail(void);

INTERPOSED ssize_t __recv_chk(int fd, void *data, size_t bytes, size_t room, int flags);
INTERPOSED ssize_t __recv_chk(int fd, void *data, size_t bytes, size_t room, int flags) {
    if (bytes > room)
        __chk_fail();
    return recv(fd, data, bytes, flags);
}

INTERPOSED ssize_t __recvfrom_chk(int fd, void *data, size_t bytes, size_t room, int flags,
                                  struct sockaddr *from, socklen_t *from_bytes);
/* NOLINTNEXTLINE(readability-function-size): the C library's, with its parameters */
INTERPOSED ssize_t __recvfrom_chk(int fd, void *data, size_t bytes, size_t room, int flags,
                                  struct sockaddr *from, socklen_t *from_bytes) {
    if (bytes > room)
        __chk_fail();
    return recvfrom(fd, data, bytes, flags, from, from_bytes);
}

INTERPOSED ssize_t __read_chk(int fd, void *data, size_t bytes, size_t room);
INTERPOSED ssize_t __read_chk(int fd, void *data, size_t bytes, size_t room) {
    if (bytes > room)
        __chk_fail();
    return read(fd, data, bytes);
}
