/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Real descriptors by a pair of sockets (see descriptor.h).
 *
 * Facts of the kernel this rests on: SO_SNDBUF of 1 becomes 4608; poll says writable while four
 * times the memory charged to a is at most that (a parked byte costs 768, the fill 4352); a send
 * fails once what is charged reaches it; closing b with unread messages gives a ECONNRESET; closing
 * a with unread messages gives b ECONNRESET.
 */
#include "api/descriptor.h"

#include "net/high_number.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILL_BYTES = 2048, FILLING_BYTES = 65536 };

static const char fill[FILL_BYTES];

int descriptor_identify(int fd, uint64_t *inode) {
    struct stat status;
    if (fstat(fd, &status) != 0)
        return -EBADF;
    if (!S_ISSOCK(status.st_mode))
        return -ENOTSOCK;
    *inode = status.st_ino;
    return 0;
}

bool descriptor_may_touch(struct descriptor *d, int fd) {
    uint64_t inode;
    if (d->is_doubtful && (descriptor_identify(fd, &inode) != 0 || inode != d->inode))
        return false;
    d->is_doubtful = false;
    return true;
}

int descriptor_open(struct descriptor *d, int flags) {
    int pair[2];
    int nonblock = flags & SOCK_NONBLOCK;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | nonblock, 0, pair) != 0)
        return -errno;
    *d = (struct descriptor){.number = pair[0], .own = high_number_move(pair[1]), .witness = -1};
    if (descriptor_identify(d->number, &d->inode) != 0 ||
        (!(flags & SOCK_CLOEXEC) && fcntl(d->number, F_SETFD, 0) != 0)) {
        int error = errno;
        close(d->number);
        descriptor_close(d);
        return -error;
    }
    return 0;
}

void descriptor_close(struct descriptor *d) {
    if (d->own >= 0)
        close(d->own);
    if (d->witness >= 0)
        close(d->witness);
    d->own = d->witness = -1;
}

void descriptor_give_token(struct descriptor *d) {
    if (d->own < 0 || d->has_eof)
        return;
    if (send(d->own, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL) == 1)
        d->tokens++;
}

void descriptor_take_tokens(struct descriptor *d, int fd, uint32_t but) {
    char token;
    if (d->has_eof || !descriptor_may_touch(d, fd))
        return;
    for (; d->tokens > but; d->tokens--)
        if (recv(fd, &token, 1, MSG_DONTWAIT) <= 0) {
            d->tokens = 0; /* the application has read them itself */
            break;
        }
}

static void set_send_buffer(int fd, int bytes) {
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
}

static bool put(int fd, size_t bytes) {
    return send(fd, fill, bytes, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)bytes;
}

void descriptor_fill(struct descriptor *d, int fd) {
    if (d->own < 0 || d->has_ended || d->is_filled || !descriptor_may_touch(d, fd))
        return;
    /* The parked message goes behind it, so that it stays when b takes this one out. Both fit into
     * the kernel's default, as long as that is a's, and into the smallest buffer unless there is a
     * parked one already. */
    bool is_tight = d->is_small && d->is_parked;
    if (is_tight)
        set_send_buffer(fd, FILLING_BYTES);
    d->is_filled = put(fd, FILL_BYTES);
    d->is_parked_behind = d->is_filled && put(fd, 1);
    if (is_tight || !d->is_small)
        set_send_buffer(fd, 1);
    d->is_small = true;
}

void descriptor_park(struct descriptor *d, int fd) {
    if (d->own < 0 || d->has_ended || d->is_filled || d->is_parked || !descriptor_may_touch(d, fd))
        return;
    d->is_parked = put(fd, 1);
}

void descriptor_drain(struct descriptor *d) {
    char byte;
    if (d->own < 0)
        return;
    int queued = d->is_filled + d->is_parked + (d->has_ended && d->is_parked_behind);
    for (; queued > 0; queued--)
        if (recv(d->own, &byte, 1, MSG_DONTWAIT | MSG_TRUNC) <= 0)
            break;
    d->is_filled = false;
    d->is_parked = d->is_parked_behind && !d->has_ended;
    d->is_parked_behind = false;
}

/*
 * Leaves one end of a pipe in a message that lies in a, where nobody takes it: the kernel closes it
 * when a is closed for good, and the other end hangs up.
 */
static void leave_witness(struct descriptor *d) {
    int ends[2];
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof ends[1])];
    char byte = 0;
    struct iovec iov = {&byte, 1};
    struct msghdr message = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    if (d->own < 0 || d->has_eof || d->witness >= 0 || pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
        return;
    memset(control, 0, sizeof control);
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof ends[1]);
    memcpy(CMSG_DATA(c), &ends[1], sizeof ends[1]);
    bool is_left = sendmsg(d->own, &message, MSG_DONTWAIT | MSG_NOSIGNAL) == 1;
    close(ends[1]);
    if (is_left)
        d->witness = high_number_move(ends[0]);
    else
        close(ends[0]);
}

void descriptor_show_eof(struct descriptor *d) {
    if (d->own < 0 || d->has_eof)
        return;
    /* This is never taken: it makes the last close of a an error that b can see, and is there if b
     * has to be closed. */
    leave_witness(d);
    if (d->tokens == 0 && d->witness < 0)
        descriptor_give_token(d);
    d->has_eof = true;
    shutdown(d->own, SHUT_WR);
}

void descriptor_show_end(struct descriptor *d) {
    if (d->own < 0 || d->has_ended)
        return;
    if (!d->has_eof)
        descriptor_give_token(d); /* never taken: what makes the last close of a an error for b */
    d->has_eof = true;
    d->has_ended = true;
    if (d->is_filled)
        descriptor_drain(d);
    shutdown(d->own, SHUT_RDWR);
}

void descriptor_show_error(struct descriptor *d) {
    leave_witness(d);
    if (d->witness < 0) { /* no descriptors left: without ERR, rather than not to hear of the end */
        descriptor_show_end(d);
        return;
    }
    d->has_eof = true;
    d->has_ended = true;
    d->is_filled = false;
    d->is_parked = d->is_parked_behind = false;
    if (d->own >= 0)
        close(d->own);
    d->own = -1;
}

bool descriptor_is_abandoned(struct descriptor *d) {
    if (d->own < 0) {
        uint64_t inode;
        struct pollfd witness = {.fd = d->witness};
        if (d->witness >= 0 && (poll(&witness, 1, 0) != 1 || !(witness.revents & POLLHUP)))
            return false;
        return descriptor_identify(d->number, &inode) != 0 || inode != d->inode;
    }
    if (d->has_ended) {
        int error = 0;
        socklen_t length = sizeof error;
        return getsockopt(d->own, SOL_SOCKET, SO_ERROR, &error, &length) == 0 &&
               error == ECONNRESET;
    }
    struct pollfd end = {.fd = d->own};
    return poll(&end, 1, 0) == 1 && (end.revents & POLLHUP) != 0;
}
