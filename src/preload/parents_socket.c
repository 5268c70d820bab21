/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The child's side of calls on its parent's sockets (see parents_socket.h, fork_message.h).
 *
 * The parent never waits for a child: it makes each call as with MSG_DONTWAIT. Who has to wait does
 * so here, on the socket's descriptor, in the kernel: O_NONBLOCK, SO_RCVTIMEO, signals and
 * SA_RESTART then are as ever.
 */
#include "preload/parents_socket.h"

#include "preload/fork_message.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static int control = -1;

void parents_socket_ask_by(int control_fd) {
    control = control_fd;
}

static size_t bytes_of(const struct iovec *iov, size_t count) {
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        n += iov[i].iov_len;
    return n;
}

/* ---- a session ------------------------------------------------------------------------------- */

static bool send_descriptors(int session, int fd) {
    char byte = 0;
    int both[2] = {session, fd};
    union {
        struct cmsghdr header;
        uint8_t bytes[CMSG_SPACE(sizeof both)];
    } rights;
    struct iovec iov = {&byte, 1};
    struct msghdr message = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &rights, .msg_controllen = sizeof rights};
    memset(&rights, 0, sizeof rights);
    rights.header.cmsg_level = SOL_SOCKET;
    rights.header.cmsg_type = SCM_RIGHTS;
    rights.header.cmsg_len = CMSG_LEN(sizeof both);
    memcpy(CMSG_DATA(&rights.header), both, sizeof both);
    ssize_t n;
    do
        n = libc_sendmsg(control, &message, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n == 1;
}

/* Returns the session, or -1 where the parent is no more. */
static int open_session(int fd) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return -1;
    bool is_sent = send_descriptors(ends[1], fd);
    libc_close(ends[1]);
    if (is_sent)
        return ends[0];
    libc_close(ends[0]);
    return -1;
}

static bool write_slices(int session, const struct iovec *iov, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (!fork_write(session, iov[i].iov_base, iov[i].iov_len))
            return false;
    return true;
}

static bool read_slices(int session, const struct iovec *iov, size_t count, size_t bytes) {
    for (size_t i = 0; i < count && bytes > 0; i++) {
        size_t n = iov[i].iov_len < bytes ? iov[i].iov_len : bytes;
        if (!fork_read(session, iov[i].iov_base, n))
            return false;
        bytes -= n;
    }
    return true;
}

/* What a call takes and gives: m's parts are sent, or filled, as far as the call has them. */
struct exchange {
    struct fork_request request;
    struct fork_reply reply;
    struct msghdr m;
};

static bool takes(const struct fork_request *q) {
    return q->call == FORK_SEND || q->call == FORK_SETSOCKOPT || q->call == FORK_GETSOCKOPT;
}

static bool converse(int session, struct exchange *x) {
    const struct fork_request *q = &x->request;
    struct fork_reply *r = &x->reply;
    if (!fork_write(session, q, sizeof *q))
        return false;
    if (q->call == FORK_SEND && !(fork_write(session, x->m.msg_name, q->address_bytes) &&
                                  fork_write(session, x->m.msg_control, q->control_bytes)))
        return false;
    if (takes(q) && !write_slices(session, x->m.msg_iov, x->m.msg_iovlen))
        return false;
    return fork_read(session, r, sizeof *r) && r->address_bytes <= q->address_bytes &&
           r->control_bytes <= q->control_bytes && r->data_bytes <= q->data_bytes &&
           fork_read(session, x->m.msg_name, r->address_bytes) &&
           fork_read(session, x->m.msg_control, r->control_bytes) &&
           read_slices(session, x->m.msg_iov, x->m.msg_iovlen, r->data_bytes);
}

/* Returns the call's result with errno; ENOTCONN where the parent is no more, and with it the
 * association. */
static int64_t call(int fd, struct exchange *x) {
    x->request.address_bytes = x->m.msg_name ? x->m.msg_namelen : 0;
    x->request.control_bytes = x->m.msg_control ? (uint32_t)x->m.msg_controllen : 0;
    int session = open_session(fd);
    bool is_answered = session >= 0 && converse(session, x);
    if (session >= 0)
        libc_close(session);
    if (!is_answered) {
        errno = ENOTCONN;
        return -1;
    }
    if (x->reply.result < 0)
        errno = x->reply.error;
    return x->reply.result;
}

/* ---- options, names -------------------------------------------------------------------------- */

int parents_getsockopt(int fd, int level, int name, void *value, socklen_t *bytes) {
    struct exchange x = {.request = {.call = FORK_GETSOCKOPT, .level = level, .name = name}};
    if (!value || !bytes) {
        errno = EFAULT;
        return -1;
    }
    struct iovec iov = {value, *bytes < FORK_DATA_BYTES ? *bytes : FORK_DATA_BYTES};
    x.request.data_bytes = (uint32_t)iov.iov_len;
    x.m = (struct msghdr){.msg_iov = &iov, .msg_iovlen = 1};
    int result = (int)call(fd, &x);
    if (result >= 0)
        *bytes = x.reply.data_bytes;
    return result;
}

int parents_setsockopt(int fd, int level, int name, const void *value, socklen_t bytes) {
    struct exchange x = {.request = {.call = FORK_SETSOCKOPT, .level = level, .name = name}};
    struct iovec iov = {(void *)(uintptr_t)value, bytes};
    if (!value || bytes > FORK_DATA_BYTES) {
        errno = value ? EINVAL : EFAULT;
        return -1;
    }
    x.request.data_bytes = bytes;
    x.m = (struct msghdr){.msg_iov = &iov, .msg_iovlen = 1};
    return (int)call(fd, &x);
}

static int get_name(int fd, enum fork_call which, struct sockaddr *address, socklen_t *bytes) {
    struct exchange x = {.request = {.call = which}};
    if (!address || !bytes) {
        errno = EFAULT;
        return -1;
    }
    x.m.msg_name = address;
    x.m.msg_namelen = *bytes < FORK_ADDRESS_BYTES ? *bytes : FORK_ADDRESS_BYTES;
    int result = (int)call(fd, &x);
    if (result == 0)
        *bytes = x.reply.address_length;
    return result;
}

int parents_getsockname(int fd, struct sockaddr *address, socklen_t *bytes) {
    return get_name(fd, FORK_GETSOCKNAME, address, bytes);
}

int parents_getpeername(int fd, struct sockaddr *address, socklen_t *bytes) {
    return get_name(fd, FORK_GETPEERNAME, address, bytes);
}

int parents_shutdown(int fd, int how) {
    struct exchange x = {.request = {.call = FORK_SHUTDOWN, .name = how}};
    return (int)call(fd, &x);
}

/* ---- messages -------------------------------------------------------------------------------- */

static bool may_wait(int fd, int flags) {
    return (flags & MSG_DONTWAIT) == 0 && (libc_fcntl(fd, F_GETFL, NULL) & O_NONBLOCK) == 0;
}

/* Until something else may be said of it than EAGAIN. Returns 0, or -1 and errno. */
static int wait_readable(int fd) {
    char byte;
    return libc_recv(fd, &byte, 1, MSG_PEEK) < 0 ? -1 : 0;
}

static int wait_writable(int fd) {
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    return poll(&p, 1, -1) < 0 ? -1 : 0;
}

ssize_t parents_sendmsg(int fd, const struct msghdr *message, int flags) {
    struct exchange x = {.request = {.call = FORK_SEND, .name = flags}};
    int64_t n;
    size_t bytes = message ? bytes_of(message->msg_iov, message->msg_iovlen) : 0;
    if (!message || bytes > FORK_DATA_BYTES || message->msg_namelen > FORK_ADDRESS_BYTES ||
        message->msg_controllen > FORK_CONTROL_BYTES) {
        errno = !message ? EFAULT : bytes > FORK_DATA_BYTES ? EMSGSIZE : EINVAL;
        return -1;
    }
    x.request.data_bytes = (uint32_t)bytes;
    x.m = *message;
    do
        n = call(fd, &x);
    while (n < 0 && errno == EAGAIN && may_wait(fd, flags) && wait_writable(fd) == 0);
    if (n < 0 && errno == EPIPE && (flags & MSG_NOSIGNAL) == 0) {
        (void)raise(SIGPIPE);
        errno = EPIPE;
    }
    return (ssize_t)n;
}

ssize_t parents_recvmsg(int fd, struct msghdr *message, int flags) {
    struct exchange x = {.request = {.call = FORK_RECEIVE, .name = flags & ~MSG_WAITALL}};
    int64_t n;
    if (!message) {
        errno = EFAULT;
        return -1;
    }
    size_t room = bytes_of(message->msg_iov, message->msg_iovlen);
    x.request.data_bytes = (uint32_t)(room < FORK_DATA_BYTES ? room : FORK_DATA_BYTES);
    x.m = *message;
    if (x.m.msg_namelen > FORK_ADDRESS_BYTES)
        x.m.msg_namelen = FORK_ADDRESS_BYTES;
    if (x.m.msg_controllen > FORK_CONTROL_BYTES)
        x.m.msg_controllen = FORK_CONTROL_BYTES;
    do
        n = call(fd, &x);
    while (n < 0 && errno == EAGAIN && may_wait(fd, flags) && wait_readable(fd) == 0);
    if (n < 0)
        return -1;
    message->msg_namelen = message->msg_name ? x.reply.address_length : 0;
    message->msg_controllen = x.reply.control_bytes;
    message->msg_flags = x.reply.flags;
    return (ssize_t)n;
}

ssize_t parents_sendto(int fd, const void *data, size_t bytes, int flags, const struct sockaddr *to,
                       socklen_t to_bytes) {
    struct iovec iov = {(void *)(uintptr_t)data, bytes};
    struct msghdr message = {.msg_iov = &iov,
                             .msg_iovlen = 1,
                             .msg_name = (void *)(uintptr_t)to,
                             .msg_namelen = to ? to_bytes : 0};
    return parents_sendmsg(fd, &message, flags);
}

ssize_t parents_recvfrom(int fd, void *data, size_t bytes, int flags, struct sockaddr *from,
                         socklen_t *from_bytes) {
    struct iovec iov = {data, bytes};
    struct msghdr message = {.msg_iov = &iov,
                             .msg_iovlen = 1,
                             .msg_name = from_bytes ? from : NULL,
                             .msg_namelen = from && from_bytes ? *from_bytes : 0};
    ssize_t n = parents_recvmsg(fd, &message, flags);
    if (n >= 0 && from && from_bytes)
        *from_bytes = message.msg_namelen;
    return n;
}

ssize_t parents_writev(int fd, const struct iovec *iov, int count) {
    struct msghdr message = {.msg_iov = (void *)(uintptr_t)iov, .msg_iovlen = (size_t)count};
    return parents_sendmsg(fd, count >= 0 ? &message : NULL, 0);
}

ssize_t parents_readv(int fd, const struct iovec *iov, int count) {
    struct msghdr message = {.msg_iov = (void *)(uintptr_t)iov, .msg_iovlen = (size_t)count};
    return parents_recvmsg(fd, count >= 0 ? &message : NULL, 0);
}
