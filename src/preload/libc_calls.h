/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The C library's own functions, behind those that this library puts in their place.
 *
 * The library is linked with --wrap for each row: where the layers below say close(), the linker
 * reads __wrap_close, which is libc_close here and leads to the next library that has a close().
 * Thus the stack never meets the interposed functions, and no other list has to be kept. Its
 * close() alone has something of ours in between.
 */
#ifndef PRELOAD_LIBC_CALLS_H
#define PRELOAD_LIBC_CALLS_H

#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>

struct mmsghdr;

/* X(type, name, parameters, arguments); cmake/preload.cmake reads the names from these lines. */
/* clang-format off */
#define LIBC_CALLS(X) \
    X(int, socket, (int domain, int type, int protocol), (domain, type, protocol)) \
    X(int, bind, (int fd, const struct sockaddr *address, socklen_t bytes), (fd, address, bytes)) \
    X(int, listen, (int fd, int backlog), (fd, backlog)) \
    X(int, accept, (int fd, struct sockaddr *address, socklen_t *bytes), (fd, address, bytes)) \
    X(int, accept4, (int fd, struct sockaddr *address, socklen_t *bytes, int flags), (fd, address, bytes, flags)) \
    X(int, connect, (int fd, const struct sockaddr *address, socklen_t bytes), (fd, address, bytes)) \
    X(ssize_t, send, (int fd, const void *data, size_t bytes, int flags), (fd, data, bytes, flags)) \
    X(ssize_t, sendto, (int fd, const void *data, size_t bytes, int flags, const struct sockaddr *to, socklen_t to_bytes), (fd, data, bytes, flags, to, to_bytes)) \
    X(ssize_t, sendmsg, (int fd, const struct msghdr *message, int flags), (fd, message, flags)) \
    X(int, sendmmsg, (int fd, struct mmsghdr *messages, unsigned count, int flags), (fd, messages, count, flags)) \
    X(ssize_t, recv, (int fd, void *data, size_t bytes, int flags), (fd, data, bytes, flags)) \
    X(ssize_t, recvfrom, (int fd, void *data, size_t bytes, int flags, struct sockaddr *from, socklen_t *from_bytes), (fd, data, bytes, flags, from, from_bytes)) \
    X(ssize_t, recvmsg, (int fd, struct msghdr *message, int flags), (fd, message, flags)) \
    X(int, recvmmsg, (int fd, struct mmsghdr *messages, unsigned count, int flags, struct timespec *timeout), (fd, messages, count, flags, timeout)) \
    X(ssize_t, read, (int fd, void *data, size_t bytes), (fd, data, bytes)) \
    X(ssize_t, readv, (int fd, const struct iovec *iov, int count), (fd, iov, count)) \
    X(ssize_t, write, (int fd, const void *data, size_t bytes), (fd, data, bytes)) \
    X(ssize_t, writev, (int fd, const struct iovec *iov, int count), (fd, iov, count)) \
    X(int, close_range, (unsigned first, unsigned last, int flags), (first, last, flags)) \
    X(int, shutdown, (int fd, int how), (fd, how)) \
    X(int, getsockopt, (int fd, int level, int name, void *value, socklen_t *bytes), (fd, level, name, value, bytes)) \
    X(int, setsockopt, (int fd, int level, int name, const void *value, socklen_t bytes), (fd, level, name, value, bytes)) \
    X(int, getsockname, (int fd, struct sockaddr *address, socklen_t *bytes), (fd, address, bytes)) \
    X(int, getpeername, (int fd, struct sockaddr *address, socklen_t *bytes), (fd, address, bytes)) \
    X(int, ioctl, (int fd, unsigned long request, void *argument), (fd, request, argument)) \
    X(int, fcntl, (int fd, int command, void *argument), (fd, command, argument)) \
    X(int, fcntl64, (int fd, int command, void *argument), (fd, command, argument)) \
    X(int, dup, (int fd), (fd)) \
    X(int, dup2, (int fd, int number), (fd, number)) \
    X(int, dup3, (int fd, int number, int flags), (fd, number, flags)) \
    X(ssize_t, sendfile, (int out, int in, off_t *offset, size_t bytes), (out, in, offset, bytes)) \
    X(ssize_t, sendfile64, (int out, int in, __off64_t *offset, size_t bytes), (out, in, offset, bytes)) \
    X(ssize_t, splice, (int in, __off64_t *in_offset, int out, __off64_t *out_offset, size_t bytes, unsigned flags), (in, in_offset, out, out_offset, bytes, flags)) \
    X(FILE *, fdopen, (int fd, const char *mode), (fd, mode)) \
    X(int, vdprintf, (int fd, const char *format, va_list arguments), (fd, format, arguments)) \
    X(int, __vdprintf_chk, (int fd, int flag, const char *format, va_list arguments), (fd, flag, format, arguments))
#define LIBC_CLOSE(X) \
    X(int, close, (int fd), (fd))
/* clang-format on */

#define LIBC_CALL_DECLARE(type, name, parameters, arguments)                                       \
    type libc_##name parameters __asm__("__wrap_" #name);
LIBC_CALLS(LIBC_CALL_DECLARE)
#undef LIBC_CALL_DECLARE

/* The C library's, and what the layers below have in its place: the number is theirs no more. */
int libc_close(int fd);
int own_close(int fd) __asm__("__wrap_close");

#endif
