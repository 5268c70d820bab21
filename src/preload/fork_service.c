/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The thread that makes the calls of forked children (see fork_service.h, fork_message.h).
 *
 * No call waits here: the child waits on the descriptor itself, whose readiness it shares, and asks
 * again. So one thread serves all.
 */
#include "preload/fork_service.h"

#include "net/high_number.h"
#include "preload/fork_message.h"
#include "usctp/usctp.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>

enum { THREAD_STACK_BYTES = 256 * 1024, PATIENCE_S = 5 };

static struct {
    bool is_running;
    int own, children; /* the two ends of the control socket */
} service;

/* Used by the one thread. */
static struct {
    struct fork_request request;
    struct fork_reply reply;
    struct sockaddr_storage address;
    _Alignas(struct cmsghdr) uint8_t control[FORK_CONTROL_BYTES];
    uint8_t data[FORK_DATA_BYTES];
} work;

/* ---- one call -------------------------------------------------------------------------------- */

static void make_message(struct msghdr *message, struct iovec *iov) {
    const struct fork_request *q = &work.request;
    *iov = (struct iovec){.iov_base = work.data, .iov_len = q->data_bytes};
    *message = (struct msghdr){.msg_iov = iov,
                               .msg_iovlen = 1,
                               .msg_name = q->address_bytes > 0 ? &work.address : NULL,
                               .msg_namelen = q->address_bytes,
                               .msg_control = q->control_bytes > 0 ? work.control : NULL,
                               .msg_controllen = q->control_bytes};
}

static int64_t send_it(int fd) {
    struct msghdr message;
    struct iovec iov;
    make_message(&message, &iov);
    return usctp_sendmsg(fd, &message, work.request.name | MSG_DONTWAIT | MSG_NOSIGNAL);
}

static int64_t receive_it(int fd) {
    struct msghdr message;
    struct iovec iov;
    make_message(&message, &iov);
    ssize_t n = usctp_recvmsg(fd, &message, work.request.name | MSG_DONTWAIT);
    if (n < 0)
        return n;
    work.reply.flags = message.msg_flags;
    work.reply.address_length = message.msg_namelen;
    work.reply.control_bytes = (uint32_t)message.msg_controllen;
    work.reply.data_bytes = (uint32_t)n < iov.iov_len ? (uint32_t)n : (uint32_t)iov.iov_len;
    return n;
}

static int64_t get_option(int fd) {
    socklen_t bytes = work.request.data_bytes;
    int result = usctp_getsockopt(fd, work.request.level, work.request.name, work.data, &bytes);
    work.reply.data_bytes = result >= 0 && bytes <= sizeof work.data ? bytes : 0;
    return result;
}

static int64_t get_name(int fd, int (*get)(int, struct sockaddr *, socklen_t *)) {
    socklen_t bytes = work.request.address_bytes;
    int result = get(fd, (struct sockaddr *)&work.address, &bytes);
    work.reply.address_length = result == 0 ? bytes : 0;
    return result;
}

static int64_t make_call(int fd) {
    const struct fork_request *q = &work.request;
    switch ((enum fork_call)q->call) {
    case FORK_GETSOCKOPT:
        return get_option(fd);
    case FORK_SETSOCKOPT:
        return usctp_setsockopt(fd, q->level, q->name, work.data, q->data_bytes);
    case FORK_GETSOCKNAME:
        return get_name(fd, usctp_getsockname);
    case FORK_GETPEERNAME:
        return get_name(fd, usctp_getpeername);
    case FORK_SHUTDOWN:
        return usctp_shutdown(fd, q->name);
    case FORK_SEND:
        return send_it(fd);
    case FORK_RECEIVE:
        return receive_it(fd);
    }
    errno = ENOSYS;
    return -1;
}

static bool fits(const struct fork_request *q) {
    return q->address_bytes <= sizeof work.address && q->control_bytes <= sizeof work.control &&
           q->data_bytes <= sizeof work.data;
}

static bool read_request(int session) {
    const struct fork_request *q = &work.request;
    if (!fork_read(session, &work.request, sizeof work.request) || !fits(q))
        return false;
    if (q->call == FORK_GETSOCKOPT || q->call == FORK_SETSOCKOPT) /* a value names an association */
        return fork_read(session, work.data, q->data_bytes);
    if (q->call != FORK_SEND)
        return true;
    return fork_read(session, &work.address, q->address_bytes) &&
           fork_read(session, work.control, q->control_bytes) &&
           fork_read(session, work.data, q->data_bytes);
}

static void serve(int session, int fd) {
    struct timeval patience = {.tv_sec = PATIENCE_S};
    struct fork_reply *reply = &work.reply;
    (void)libc_setsockopt(session, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    (void)libc_setsockopt(session, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (!read_request(session))
        return;
    memset(reply, 0, sizeof *reply);
    errno = 0;
    reply->result = make_call(fd);
    reply->error = errno;
    reply->address_bytes = reply->address_length < work.request.address_bytes
                               ? reply->address_length
                               : work.request.address_bytes;
    (void)(fork_write(session, reply, sizeof *reply) &&
           fork_write(session, &work.address, reply->address_bytes) &&
           fork_write(session, work.control, reply->control_bytes) &&
           fork_write(session, work.data, reply->data_bytes));
}

/* ---- the thread ------------------------------------------------------------------------------ */

/* The session and the socket that a child has sent. */
static bool next_call(int control, int descriptors[2]) {
    char byte;
    union {
        struct cmsghdr header;
        uint8_t bytes[CMSG_SPACE(2 * sizeof(int))];
    } rights;
    struct iovec iov = {&byte, 1};
    struct msghdr message = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &rights, .msg_controllen = sizeof rights};
    descriptors[0] = descriptors[1] = -1;
    ssize_t n = libc_recvmsg(control, &message, MSG_CMSG_CLOEXEC);
    if (n <= 0)
        return n < 0 && (errno == EINTR || errno == EMFILE || errno == ENOMEM);
    const struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
        memcpy(descriptors, CMSG_DATA(c),
               c->cmsg_len - CMSG_LEN(0) < 2 * sizeof(int) ? sizeof(int) : 2 * sizeof(int));
    return true;
}

static void *run(void *unused) {
    int got[2];
    (void)unused;
    int own = service.own;
    while (next_call(own, got)) {
        if (got[0] >= 0 && got[1] >= 0)
            serve(got[0], got[1]);
        if (got[1] >= 0 && usctp_close(got[1]) != 0)
            libc_close(got[1]);
        if (got[0] >= 0)
            libc_close(got[0]);
    }
    return NULL;
}

static int start_thread(void) {
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all, before;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, THREAD_STACK_BYTES);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&thread, &attributes, run, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return error;
}

int fork_service_start(void) {
    int ends[2];
    if (service.is_running)
        return service.children;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return -1;
    service.own = high_number_move(ends[0]);
    service.children = high_number_move(ends[1]);
    if (start_thread() != 0) {
        libc_close(service.own);
        libc_close(service.children);
        return -1;
    }
    service.is_running = true;
    return service.children;
}

void fork_service_forget(void) {
    if (service.is_running)
        libc_close(service.own);
    service.is_running = false;
}
