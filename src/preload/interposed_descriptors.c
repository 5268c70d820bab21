/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Descriptors that come and go: close, duplicates, and descriptors that arrive by SCM_RIGHTS; and
 * what the kernel would do with a descriptor's own bytes, which are not the socket's: ioctl,
 * sendfile, splice. Streams are in interposed_stdio.c.
 *
 * Which number means which socket is in api/fd_table.h; duplicates are told to it here, so that an
 * unknown number is known to be no socket of ours without asking the kernel. A number that was
 * closed past these functions is cleared when the stack sees the hang-up.
 */
#include "preload/interpose.h"
#include "preload/parents_socket.h"

#include "api/fd_table.h"
#include "api/stack.h"
#include "net/high_number.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/close_range.h>
#include <linux/sockios.h>

enum { COPY_BYTES = 64 * 1024, PEEK_SLICES = 64, FD_LIMIT = 1024 * 1024 };

/* ---- closing --------------------------------------------------------------------------------- */

int interposed_close(int fd) {
    if (high_number_is_own(fd)) { /* the program closes whatever may be open */
        errno = EBADF;
        return -1;
    }
    return fd_table_find(fd) && !program_stack_is_borrowed() ? usctp_close(fd) : libc_close(fd);
}

INTERPOSED int close(int fd) {
    return interposed_close(fd);
}

static void close_sockets(unsigned first, unsigned last) {
    for (unsigned fd = first; fd <= last && fd < FD_LIMIT; fd++)
        if (fd_table_find((int)fd))
            usctp_close((int)fd);
}

/* A program that closes everything from a number on, as daemons do, means its own descriptors. */
static int close_but_own(unsigned first, unsigned last, int flags) {
    for (;;) {
        int own = high_number_next(first);
        if (own < 0 || (unsigned)own > last)
            return libc_close_range(first, last, flags);
        if ((unsigned)own > first && libc_close_range(first, (unsigned)own - 1, flags) != 0)
            return -1;
        if ((unsigned)own == last)
            return 0;
        first = (unsigned)own + 1;
    }
}

INTERPOSED int close_range(unsigned first, unsigned last, int flags) {
    if (first > last || (flags & (int)CLOSE_RANGE_CLOEXEC) != 0 || program_stack_is_borrowed())
        return libc_close_range(first, last, flags);
    close_sockets(first, last);
    return close_but_own(first, last, flags);
}

INTERPOSED void closefrom(int first);
INTERPOSED void closefrom(int first) {
    (void)close_range(first < 0 ? 0 : (unsigned)first, UINT_MAX, 0);
}

/* ---- duplicates ------------------------------------------------------------------------------ */

/* `number` is a duplicate of fd, or was one of a socket until now. */
static int note_duplicate(int fd, int number) {
    struct socket *s = fd_table_find(fd);
    struct socket *old = fd_table_find(number);
    if (number < 0 || s == old || program_stack_is_borrowed())
        return number;
    if (!s) {
        fd_table_clear(number, old);
        return number;
    }
    int error = fd_table_set(number, s);
    if (error == 0)
        return number;
    libc_close(number);
    errno = -error;
    return -1;
}

INTERPOSED int dup(int fd) {
    return note_duplicate(fd, libc_dup(fd));
}

/* The stack's own are not to be closed so, either. */
static bool is_refused(int number) {
    bool is = high_number_is_own(number);
    if (is)
        errno = EBUSY;
    return is;
}

INTERPOSED int dup2(int fd, int number) {
    return is_refused(number) ? -1 : note_duplicate(fd, libc_dup2(fd, number));
}

INTERPOSED int dup3(int fd, int number, int flags) {
    return is_refused(number) ? -1 : note_duplicate(fd, libc_dup3(fd, number, flags));
}

static int note_fcntl(int fd, int command, int result) {
    return command == F_DUPFD || command == F_DUPFD_CLOEXEC ? note_duplicate(fd, result) : result;
}

INTERPOSED int fcntl(int fd, int command, ...) {
    va_list rest;
    va_start(rest, command);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    return note_fcntl(fd, command, libc_fcntl(fd, command, argument));
}

INTERPOSED int fcntl64(int fd, int command, ...);
INTERPOSED int fcntl64(int fd, int command, ...) {
    va_list rest;
    va_start(rest, command);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    return note_fcntl(fd, command, libc_fcntl64(fd, command, argument));
}

/* Descriptors that came with a message of an AF_UNIX socket may be duplicates of ours. */
static void look_for_rights(struct msghdr *message) {
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < n; i++) {
            int fd;
            struct call found;
            memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
            if (call_enter(&found, fd) == 0) /* it asks the kernel about numbers it does not know */
                call_leave(&found, 0);
        }
    }
}

INTERPOSED ssize_t recvmsg(int fd, struct msghdr *message, int flags) {
    if (program_stack_is_parents(fd))
        return parents_recvmsg(fd, message, flags);
    if (program_stack_has(fd))
        return usctp_recvmsg(fd, message, flags);
    ssize_t n = libc_recvmsg(fd, message, flags);
    if (n >= 0 && message->msg_controllen > 0) {
        int kept = errno;
        look_for_rights(message);
        errno = kept;
    }
    return n;
}

/* ---- ioctl ----------------------------------------------------------------------------------- */

/* Bytes of the next message, as far as it has come. */
static int next_bytes(int fd, int *bytes) {
    static char nowhere[COPY_BYTES]; /* written by whoever asks, read by nobody */
    struct iovec iov[PEEK_SLICES];
    struct msghdr message = {.msg_iov = iov, .msg_iovlen = PEEK_SLICES};
    for (size_t i = 0; i < PEEK_SLICES; i++)
        iov[i] = (struct iovec){nowhere, sizeof nowhere};
    ssize_t n = usctp_recvmsg(fd, &message, MSG_PEEK | MSG_DONTWAIT);
    if (n < 0 && errno == ENOTCONN)
        errno = EINVAL;
    if (n < 0 && errno != EAGAIN)
        return -1;
    *bytes = n > 0 ? (int)n : 0;
    return 0;
}

/* What an Internet socket knows of interfaces and ours, of another family, does not. */
static int ask_internet_socket(unsigned long request, void *argument) {
    int fd = libc_socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    int result = libc_ioctl(fd, request, argument);
    int error = errno;
    libc_close(fd);
    errno = error;
    return result;
}

INTERPOSED int ioctl(int fd, unsigned long request, ...) {
    va_list rest;
    va_start(rest, request);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    if (!program_stack_has(fd))
        return libc_ioctl(fd, request, argument);
    if (request == FIONREAD) { /* SIOCINQ is the same */
        if (argument)
            return next_bytes(fd, argument);
        errno = EFAULT;
        return -1;
    }
    if (request == SIOCOUTQ) { /* as Linux's SCTP */
        errno = ENOTTY;
        return -1;
    }
    if (request >= SIOCGIFNAME && request <= SIOCGIFTXQLEN)
        return ask_internet_socket(request, argument);
    return libc_ioctl(fd, request, argument);
}

/* ---- copies that the kernel makes ------------------------------------------------------------ */

/* Reads from `in`, at *offset unless NULL, and sends what came as one message. */
static ssize_t copy(int out, int in, off64_t *offset, size_t bytes) {
    char data[COPY_BYTES];
    size_t wanted = bytes < sizeof data ? bytes : sizeof data;
    if (!offset && lseek64(in, 0, SEEK_CUR) < 0) { /* what is not sent has to be put back */
        errno = EINVAL;
        return -1;
    }
    ssize_t n = offset ? pread64(in, data, wanted, *offset) : libc_read(in, data, wanted);
    if (n <= 0)
        return n;
    ssize_t sent = usctp_write(out, data, (size_t)n);
    if (sent < 0 && !offset)
        (void)lseek64(in, -n, SEEK_CUR);
    if (sent > 0 && offset)
        *offset += sent;
    return sent;
}

INTERPOSED ssize_t sendfile64(int out, int in, off64_t *offset, size_t bytes) {
    if (program_stack_has(in)) { /* a socket is no file */
        errno = EINVAL;
        return -1;
    }
    return program_stack_has(out) ? copy(out, in, offset, bytes)
                                  : libc_sendfile64(out, in, offset, bytes);
}

INTERPOSED ssize_t sendfile(int out, int in, off_t *offset, size_t bytes) {
    if (!program_stack_has(in) && !program_stack_has(out))
        return libc_sendfile(out, in, offset, bytes);
    off64_t at = offset ? *offset : 0;
    ssize_t n = sendfile64(out, in, offset ? &at : NULL, bytes);
    if (offset)
        *offset = (off_t)at;
    return n;
}

/* Takes n bytes out of a pipe: they have been sent. */
static void take(int pipe, size_t n) {
    char data[COPY_BYTES];
    while (n > 0) {
        ssize_t taken = libc_read(pipe, data, n < sizeof data ? n : sizeof data);
        if (taken <= 0)
            return;
        n -= (size_t)taken;
    }
}

/* From a pipe, which keeps what the socket does not take. */
static ssize_t splice_from_pipe(int in, int out, size_t bytes, unsigned flags) {
    int own[2];
    char data[COPY_BYTES];
    if (pipe2(own, O_CLOEXEC) != 0)
        return -1;
    ssize_t n = tee(in, own[1], bytes < sizeof data ? bytes : sizeof data, flags);
    if (n > 0)
        n = libc_read(own[0], data, (size_t)n);
    if (n > 0)
        n = usctp_send(out, data, (size_t)n, flags & SPLICE_F_NONBLOCK ? MSG_DONTWAIT : 0);
    if (n > 0)
        take(in, (size_t)n);
    int error = errno;
    libc_close(own[0]);
    libc_close(own[1]);
    errno = error;
    return n;
}

INTERPOSED ssize_t splice(int in, off64_t *in_offset, int out, off64_t *out_offset, size_t bytes,
                          unsigned flags) {
    if (!program_stack_has(in) && !program_stack_has(out))
        return libc_splice(in, in_offset, out, out_offset, bytes, flags);
    /* As Linux: an SCTP socket gives nothing to a pipe, and has no offsets. */
    if (in_offset || out_offset || program_stack_has(in)) {
        errno = in_offset || out_offset ? ESPIPE : EINVAL;
        return -1;
    }
    return splice_from_pipe(in, out, bytes, flags);
}
