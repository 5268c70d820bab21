/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A program made for the kernel's SCTP and linked with libsctp: every call that usctp-run puts its
 * own in place of, over the loopback. It knows nothing of usctp. What it expects is what Linux
 * does: the same binary must pass over the kernel's SCTP (test_run_kernel.sh) and under usctp-run.
 *
 *   run-probe [STOCK]    STOCK: path of a libsctp.so.1 that is loaded as well and then called
 *
 * Prints one line a check; exit status 0 when all hold.
 */
#define _FORTIFY_SOURCE 2 /* __recv_chk and its like */

#include "run-common.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/sctp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static int descriptor_option(int fd, int name) {
    int value = -1;
    socklen_t bytes = sizeof value;
    CHECK(getsockopt(fd, SOL_SOCKET, name, &value, &bytes) == 0);
    return value;
}

/* ---- the checks ------------------------------------------------------------------------------ */

static void kinds(void) {
    struct stat status;
    int one = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_SCTP);
    int many = socket(AF_INET6, SOCK_SEQPACKET, 0); /* Linux: that is SCTP */
    CHECK(one >= 0 && one < FD_SETSIZE && many >= 0);
    CHECK(fstat(one, &status) == 0 && S_ISSOCK(status.st_mode));
    CHECK(descriptor_option(one, SO_TYPE) == SOCK_STREAM);
    CHECK(descriptor_option(one, SO_DOMAIN) == AF_INET);
    CHECK(descriptor_option(one, SO_PROTOCOL) == IPPROTO_SCTP);
    CHECK(descriptor_option(many, SO_TYPE) == SOCK_SEQPACKET);
    CHECK(descriptor_option(many, SO_DOMAIN) == AF_INET6);
    CHECK(descriptor_option(many, SO_PROTOCOL) == IPPROTO_SCTP);
    CHECK(fcntl(one, F_GETFD) == FD_CLOEXEC && fcntl(many, F_GETFD) == 0);
    CHECK((fcntl(one, F_GETFL) & O_NONBLOCK) != 0);
    CHECK(close(one) == 0 && close(many) == 0);
    CHECK(close(one) == -1 && errno == EBADF);
    CHECK(socket(AF_INET, SOCK_DGRAM, IPPROTO_SCTP) == -1);
    int udp = socket(AF_INET, SOCK_DGRAM, 0); /* others are left alone */
    CHECK(descriptor_option(udp, SO_PROTOCOL) == IPPROTO_UDP);
    CHECK(close(udp) == 0);
}

static void names(void) {
    int ends[2];
    struct sockaddr_in own, peer, other;
    socklen_t bytes = sizeof own;
    make_pair(ends);
    CHECK(getsockname(ends[1], (struct sockaddr *)&own, &bytes) == 0 && bytes == sizeof own);
    CHECK(getpeername(ends[0], (struct sockaddr *)&peer, &bytes) == 0);
    CHECK(own.sin_port == peer.sin_port && peer.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
    CHECK(getsockname(ends[0], (struct sockaddr *)&own, &bytes) == 0);
    CHECK(getpeername(ends[1], (struct sockaddr *)&other, &bytes) == 0);
    CHECK(own.sin_port == other.sin_port);
    close_pair(ends);
}

/* Every call that sends, each answered by one that receives. */
static void calls(size_t room) {
    int ends[2];
    char got[64];
    struct iovec out[2] = {{"pie", 3}, {"ces", 3}}, in[2] = {{got, 4}, {got + 4, 60}};
    struct msghdr message;
    struct mmsghdr many[2];
    make_pair(ends);
    CHECK(write(ends[0], "write", 5) == 5 && read(ends[1], got, room) == 5);
    CHECK(memcmp(got, "write", 5) == 0);
    CHECK(writev(ends[0], out, 2) == 6 && readv(ends[1], in, 2) == 6);
    CHECK(memcmp(got, "pieces", 6) == 0);
    CHECK(send(ends[0], "send", 4, 0) == 4 && recv(ends[1], got, room, 0) == 4);
    CHECK(memcmp(got, "send", 4) == 0);
    struct sockaddr_in peer, from;
    socklen_t bytes = sizeof peer;
    CHECK(getpeername(ends[0], (struct sockaddr *)&peer, &bytes) == 0);
    CHECK(sendto(ends[0], "sendto", 6, 0, (struct sockaddr *)&peer, sizeof peer) == 6);
    memset(&from, 0, sizeof from);
    bytes = sizeof from;
    CHECK(recvfrom(ends[1], got, room, 0, (struct sockaddr *)&from, &bytes) == 6);
    CHECK(bytes == sizeof from && from.sin_family == AF_INET && from.sin_port != 0);
    message = (struct msghdr){.msg_iov = out, .msg_iovlen = 2};
    CHECK(sendmsg(ends[0], &message, 0) == 6);
    message = (struct msghdr){.msg_iov = in, .msg_iovlen = 2};
    CHECK(recvmsg(ends[1], &message, 0) == 6 && (message.msg_flags & MSG_EOR) != 0);
    memset(many, 0, sizeof many);
    for (int i = 0; i < 2; i++)
        many[i].msg_hdr = (struct msghdr){.msg_iov = &out[i], .msg_iovlen = 1};
    CHECK(sendmmsg(ends[0], many, 2, 0) == 2 && many[1].msg_len == 3);
    char first[8], second[8];
    struct iovec apart[2] = {{first, 8}, {second, 8}};
    for (int i = 0; i < 2; i++)
        many[i].msg_hdr = (struct msghdr){.msg_iov = &apart[i], .msg_iovlen = 1};
    CHECK(recvmmsg(ends[1], many, 2, 0, NULL) == 2);
    CHECK(memcmp(first, "pie", 3) == 0 && memcmp(second, "ces", 3) == 0);
    CHECK(recv(ends[1], got, room, MSG_DONTWAIT) == -1 && errno == EAGAIN);
    close_pair(ends);
}

static void waiting(void) {
    int ends[2], value, yes = 1;
    fd_set set;
    struct timeval limit = {.tv_sec = WAIT_MS / 1000};
    struct timeval little = {.tv_usec = 20000};
    struct epoll_event event = {.events = EPOLLIN};
    char got[64];
    make_pair(ends);
    int epoll = epoll_create1(0);
    CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, ends[1], &event) == 0);
    CHECK(epoll_wait(epoll, &event, 1, 0) == 0);
    CHECK(write(ends[0], "12345", 5) == 5 && write(ends[0], "1234567", 7) == 7);
    CHECK(epoll_wait(epoll, &event, 1, WAIT_MS) == 1 && event.events == EPOLLIN);
    FD_ZERO(&set);
    FD_SET(ends[1], &set);
    CHECK(select(ends[1] + 1, &set, NULL, NULL, &limit) == 1 && FD_ISSET(ends[1], &set));
    CHECK(ioctl(ends[1], FIONREAD, &value) == 0 && value == 5); /* of the next message */
    CHECK(read(ends[1], got, sizeof got) == 5);
    CHECK(ready(ends[1], POLLIN) && ioctl(ends[1], FIONREAD, &value) == 0 && value == 7);
    CHECK(read(ends[1], got, sizeof got) == 7);
    CHECK(ioctl(ends[1], FIONREAD, &value) == 0 && value == 0);
    CHECK(ioctl(ends[1], FIONBIO, &yes) == 0);
    CHECK(read(ends[1], got, sizeof got) == -1 && errno == EAGAIN);
    yes = 0;
    CHECK(ioctl(ends[1], FIONBIO, &yes) == 0);
    CHECK(setsockopt(ends[1], SOL_SOCKET, SO_RCVTIMEO, &little, sizeof little) == 0);
    CHECK(recv(ends[1], got, sizeof got, 0) == -1 && errno == EAGAIN);
    CHECK(epoll_wait(epoll, &event, 1, 0) == 0);
    CHECK(close(epoll) == 0);
    close_pair(ends);
}

static void duplicates(void) {
    int ends[2], others[2];
    char end;
    make_pair(ends);
    int copies[] = {dup(ends[0]), fcntl(ends[0], F_DUPFD, 100), fcntl(ends[0], F_DUPFD_CLOEXEC, 90),
                    dup2(ends[0], 120), dup3(ends[0], 130, O_CLOEXEC)};
    CHECK(copies[1] >= 100 && copies[2] >= 90 && copies[3] == 120 && copies[4] == 130);
    CHECK(close(ends[0]) == 0);
    for (size_t i = 0; i < sizeof copies / sizeof copies[0]; i++) {
        exchange(copies[i], ends[1]);
        exchange(ends[1], copies[i]);
        if (i + 1 < sizeof copies / sizeof copies[0])
            CHECK(close(copies[i]) == 0);
    }
    /* A plain file in the place of the last: that closes it. */
    make_pair(others);
    int plain = open("/dev/null", O_RDWR);
    CHECK(dup2(plain, copies[4]) == copies[4] && write(copies[4], "x", 1) == 1);
    CHECK(ready(ends[1], POLLIN) && read(ends[1], &end, 1) == 0);
    CHECK(close(ends[1]) == 0 && close(copies[4]) == 0);
    /* And a socket in the place of a plain file. */
    CHECK(dup2(others[0], plain) == plain && close(others[0]) == 0);
    exchange(plain, others[1]);
    others[0] = plain;
    close_pair(others);
}

static void rights(void) {
    int ends[2], pair[2], got = -1;
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof got)];
    struct iovec iov = {"x", 1};
    struct msghdr message = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    make_pair(ends);
    CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0);
    memset(control, 0, sizeof control);
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof got);
    memcpy(CMSG_DATA(c), &ends[0], sizeof got);
    CHECK(sendmsg(pair[0], &message, 0) == 1);
    CHECK(close(ends[0]) == 0);
    char byte;
    iov.iov_base = &byte;
    CHECK(recvmsg(pair[1], &message, 0) == 1);
    memcpy(&got, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof got);
    CHECK(got >= 0);
    exchange(got, ends[1]);
    exchange(ends[1], got);
    CHECK(close(pair[0]) == 0 && close(pair[1]) == 0);
    ends[0] = got;
    close_pair(ends);
}

static void ranges(void) {
    int ends[2], others[2];
    char end;
    make_pair(ends);
    make_pair(others);
    int high = fcntl(ends[0], F_DUPFD, 200);
    CHECK(close(ends[0]) == 0);
    CHECK(close_range(200, ~0u, 0) == 0 && fcntl(high, F_GETFD) == -1);
    CHECK(ready(ends[1], POLLIN) && read(ends[1], &end, 1) == 0);
    CHECK(close(ends[1]) == 0);
    exchange(others[0], others[1]); /* the others go on */
    closefrom(3);
    CHECK(fcntl(others[0], F_GETFD) == -1);
    make_pair(ends); /* and new ones can be made */
    exchange(ends[0], ends[1]);
    close_pair(ends);
}

static void copies(void) {
    int ends[2], pipes[2];
    char got[64];
    off_t offset = 2;
    make_pair(ends);
    int file = memfd_create("probe", 0);
    CHECK(file >= 0 && write(file, "0123456789", 10) == 10);
    CHECK(sendfile(ends[0], file, &offset, 5) == 5 && offset == 7);
    CHECK(read(ends[1], got, sizeof got) == 5 && memcmp(got, "23456", 5) == 0);
    CHECK(lseek(file, 8, SEEK_SET) == 8 && sendfile(ends[0], file, NULL, 100) == 2);
    CHECK(read(ends[1], got, sizeof got) == 2 && memcmp(got, "89", 2) == 0);
    CHECK(pipe(pipes) == 0 && write(pipes[1], "spliced", 7) == 7);
    CHECK(splice(pipes[0], NULL, ends[0], NULL, 7, 0) == 7);
    CHECK(ready(ends[1], POLLIN) && read(ends[1], got, sizeof got) == 7);
    CHECK(memcmp(got, "spliced", 7) == 0);
    CHECK(fcntl(pipes[0], F_SETFL, O_NONBLOCK) == 0 && read(pipes[0], got, 1) == -1);
    CHECK(close(file) == 0 && close(pipes[0]) == 0 && close(pipes[1]) == 0);
    close_pair(ends);
}

static void ends(void) {
    int pair[2], status;
    char end;
    make_pair(pair);
    CHECK(shutdown(pair[0], SHUT_WR) == 0);
    CHECK(ready(pair[1], POLLIN) && read(pair[1], &end, 1) == 0);
    CHECK(send(pair[0], "x", 1, MSG_NOSIGNAL) == -1 && errno == EPIPE);
    CHECK(close(pair[0]) == 0 && close(pair[1]) == 0);
    /* RFC 6458 8.1.4: no time to linger is an ABORT */
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    make_pair(pair);
    CHECK(setsockopt(pair[0], SOL_SOCKET, SO_LINGER, &now, sizeof now) == 0);
    CHECK(close(pair[0]) == 0 && ready(pair[1], POLLERR));
    CHECK(read(pair[1], &end, 1) == -1 && errno == ECONNRESET);
    CHECK(close(pair[1]) == 0);
    /* Children that only end, or exec, change nothing. */
    make_pair(pair);
    pid_t child = fork();
    if (child == 0)
        _exit(close(pair[0]) == 0 && close(pair[1]) == 0 ? 0 : 1);
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    child = fork();
    if (child == 0) {
        execl("/bin/true", "true", (char *)NULL);
        _exit(9);
    }
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    exchange(pair[0], pair[1]);
    close_pair(pair);
}

/* A child with a socket of its own; it ends without closing it. */
static void child(void) {
    uint16_t port;
    int status, listener = listen_here(SOCK_STREAM, &port);
    struct sockaddr_in address = here(port);
    char got[16] = "", end;
    pid_t pid = fork();
    if (pid == 0) {
        int fd = socket(AF_INET, SOCK_STREAM, IPPROTO_SCTP);
        if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
            write(fd, "child", 5) != 5)
            _exit(1);
        exit(0);
    }
    int fd = accept(listener, NULL, NULL);
    CHECK(fd >= 0 && read(fd, got, sizeof got) == 5 && memcmp(got, "child", 5) == 0);
    CHECK(read(fd, &end, 1) == 0);
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    CHECK(close(fd) == 0 && close(listener) == 0);
}

static void *accept_one(void *listener) {
    return (void *)(intptr_t)accept4(*(int *)listener, NULL, NULL, SOCK_NONBLOCK);
}

static void threads(void) {
    uint16_t port;
    pthread_t thread;
    void *result;
    int listener = listen_here(SOCK_STREAM, &port);
    struct sockaddr_in address = here(port);
    CHECK(pthread_create(&thread, NULL, accept_one, &listener) == 0);
    int fd = socket(AF_INET, SOCK_STREAM, IPPROTO_SCTP);
    CHECK(connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
    CHECK(pthread_join(thread, &result) == 0);
    int accepted = (int)(intptr_t)result;
    CHECK(accepted >= 0 && (fcntl(accepted, F_GETFL) & O_NONBLOCK) != 0);
    exchange(fd, accepted);
    CHECK(close(fd) == 0 && close(accepted) == 0 && close(listener) == 0);
}

/* What libsctp asks the kernel for by these, with memory that is none. */
static void pointers(void) {
    static const int sets[] = {SCTP_SOCKOPT_BINDX_ADD, SCTP_SOCKOPT_BINDX_REM,
                               SCTP_SOCKOPT_CONNECTX_OLD, SCTP_SOCKOPT_CONNECTX};
    static const int gets[] = {SCTP_SOCKOPT_PEELOFF, SCTP_SOCKOPT_PEELOFF_FLAGS,
                               SCTP_GET_PEER_ADDRS, SCTP_GET_LOCAL_ADDRS, SCTP_SOCKOPT_CONNECTX3};
    void *nowhere = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int fd = socket(AF_INET, SOCK_STREAM, IPPROTO_SCTP);
    CHECK(nowhere != MAP_FAILED);
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) {
        CHECK(setsockopt(fd, IPPROTO_SCTP, sets[i], nowhere, sizeof(struct sockaddr_in)) == -1);
        CHECK(errno == EFAULT);
    }
    for (size_t i = 0; i < sizeof gets / sizeof gets[0]; i++) {
        char value[64] = "";
        socklen_t bytes = sizeof value;
        CHECK(getsockopt(fd, IPPROTO_SCTP, gets[i], nowhere, &bytes) == -1 && errno == EFAULT);
        CHECK(getsockopt(fd, IPPROTO_SCTP, gets[i], value, nowhere) == -1 && errno == EFAULT);
    }
    struct sctp_getaddrs_old list = {.addr_num = sizeof(struct sockaddr_in), .addrs = nowhere};
    socklen_t bytes = sizeof list;
    CHECK(getsockopt(fd, IPPROTO_SCTP, SCTP_SOCKOPT_CONNECTX3, &list, &bytes) == -1);
    CHECK(errno == EFAULT);
    CHECK(close(fd) == 0 && munmap(nowhere, 4096) == 0);
}

/* ---- libsctp --------------------------------------------------------------------------------- */

/* What is called: of the library this program is linked with, or of STOCK. */
static struct {
    int (*bindx)(int, struct sockaddr *, int, int);
    int (*connectx1)(int, struct sockaddr *, int);
    int (*connectx2)(int, struct sockaddr *, int, sctp_assoc_t *);
    int (*connectx3)(int, struct sockaddr *, int, sctp_assoc_t *);
    int (*getpaddrs)(int, sctp_assoc_t, struct sockaddr **);
    int (*freepaddrs)(struct sockaddr *);
    int (*getladdrs)(int, sctp_assoc_t, struct sockaddr **);
    int (*freeladdrs)(struct sockaddr *);
    int (*getaddrlen)(sa_family_t);
    int (*opt_info)(int, sctp_assoc_t, int, void *, socklen_t *);
    int (*peeloff)(int, sctp_assoc_t);
    int (*sendmsg)(int, const void *, size_t, struct sockaddr *, socklen_t, uint32_t, uint32_t,
                   uint16_t, uint32_t, uint32_t);
    int (*send)(int, const void *, size_t, const struct sctp_sndrcvinfo *, int);
    int (*recvmsg)(int, void *, size_t, struct sockaddr *, socklen_t *, struct sctp_sndrcvinfo *,
                   int *);
    int (*sendv)(int, const struct iovec *, int, struct sockaddr *, int, void *, socklen_t,
                 unsigned, int);
    int (*recvv)(int, const struct iovec *, int, struct sockaddr *, socklen_t *, void *,
                 socklen_t *, unsigned *, int *);
} lib;

static void find(void *library, void *function, const char *name, const char *version) {
    void *found = version ? dlvsym(library, name, version) : dlsym(library, name);
    if (!found) {
        printf("no %s %s\n", name, version ? version : "");
        exit(1);
    }
    memcpy(function, &found, sizeof found);
}

static void find_all(void *library) {
    find(library, &lib.bindx, "sctp_bindx", "VERS_1");
    find(library, &lib.connectx1, "sctp_connectx", "VERS_1");
    find(library, &lib.connectx2, "sctp_connectx", "VERS_2");
    find(library, &lib.connectx3, "sctp_connectx", "VERS_3");
    find(library, &lib.getpaddrs, "sctp_getpaddrs", NULL);
    find(library, &lib.freepaddrs, "sctp_freepaddrs", NULL);
    find(library, &lib.getladdrs, "sctp_getladdrs", NULL);
    find(library, &lib.freeladdrs, "sctp_freeladdrs", NULL);
    find(library, &lib.getaddrlen, "sctp_getaddrlen", NULL);
    find(library, &lib.opt_info, "sctp_opt_info", NULL);
    find(library, &lib.peeloff, "sctp_peeloff", NULL);
    find(library, &lib.sendmsg, "sctp_sendmsg", "VERS_1");
    find(library, &lib.send, "sctp_send", NULL);
    find(library, &lib.recvmsg, "sctp_recvmsg", NULL);
    find(library, &lib.sendv, "sctp_sendv", NULL);
    find(library, &lib.recvv, "sctp_recvv", NULL);
}

static void subscribe(int fd) {
    struct sctp_event_subscribe events;
    memset(&events, 0, sizeof events);
    events.sctp_data_io_event = 1;
    CHECK(setsockopt(fd, IPPROTO_SCTP, SCTP_EVENTS, &events, sizeof events) == 0);
}

static void addresses(void) {
    uint16_t port;
    struct sockaddr_in two[2], bound[2];
    struct sockaddr *list = NULL;
    sctp_assoc_t id = -1;
    int listener = listen_here(SOCK_STREAM, &port);
    two[0] = two[1] = here(port);
    bound[0] = bound[1] = here(0);
    CHECK(lib.getaddrlen(AF_INET) == sizeof two[0]);
    int fd = socket(AF_INET, SOCK_STREAM, IPPROTO_SCTP);
    CHECK(lib.bindx(fd, (struct sockaddr *)bound, 1, SCTP_BINDX_ADD_ADDR) == 0);
    CHECK(lib.connectx3(fd, (struct sockaddr *)two, 1, &id) == 0 && id > 0);
    int count = lib.getpaddrs(fd, id, &list);
    CHECK(count == 1);
    if (count == 1) {
        CHECK(((struct sockaddr_in *)list)->sin_addr.s_addr == htonl(INADDR_LOOPBACK));
        CHECK(((struct sockaddr_in *)list)->sin_port == port);
        CHECK(lib.freepaddrs(list) == 0);
    }
    count = lib.getladdrs(fd, id, &list);
    CHECK(count == 1);
    if (count == 1) {
        CHECK(((struct sockaddr_in *)list)->sin_addr.s_addr == htonl(INADDR_LOOPBACK));
        CHECK(lib.freeladdrs(list) == 0);
    }
    struct sctp_status status;
    socklen_t bytes = sizeof status;
    memset(&status, 0, sizeof status);
    CHECK(lib.opt_info(fd, id, SCTP_STATUS, &status, &bytes) == 0);
    CHECK(status.sstat_state == SCTP_ESTABLISHED && bytes == sizeof status);
    /* A second time, and to where nobody listens. */
    CHECK(lib.connectx3(fd, (struct sockaddr *)two, 1, &id) == -1 && errno == EISCONN);
    CHECK(close(fd) == 0 && close(listener) == 0);
    fd = socket(AF_INET, SOCK_STREAM, IPPROTO_SCTP);
    CHECK(lib.connectx3(fd, (struct sockaddr *)two, 1, &id) == -1 && errno == ECONNREFUSED);
    CHECK(close(fd) == 0);
    fd = socket(AF_INET, SOCK_STREAM, IPPROTO_SCTP);
    CHECK(lib.connectx1(fd, (struct sockaddr *)two, 1) == -1 && errno == ECONNREFUSED);
    CHECK(close(fd) == 0);
    struct sockaddr strange = {.sa_family = AF_UNIX};
    fd = socket(AF_INET, SOCK_STREAM, IPPROTO_SCTP);
    CHECK(lib.bindx(fd, &strange, 1, SCTP_BINDX_ADD_ADDR) == -1);
    CHECK(errno == EINVAL);
    CHECK(lib.connectx3(fd, &strange, 1, NULL) == -1 && errno == EINVAL);
    CHECK(close(fd) == 0);
}

/* Without waiting: the id is there already. */
static void connecting(void) {
    uint16_t port;
    int error = -1, listener = listen_here(SOCK_STREAM, &port);
    socklen_t bytes = sizeof error;
    struct sockaddr_in address = here(port);
    sctp_assoc_t id = 0;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, IPPROTO_SCTP);
    CHECK(lib.connectx3(fd, (struct sockaddr *)&address, 1, &id) == -1 && errno == EINPROGRESS);
    CHECK(id > 0 && ready(fd, POLLOUT));
    CHECK(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &bytes) == 0 && error == 0);
    CHECK(close(fd) == 0);
    fd = socket(AF_INET, SOCK_STREAM, IPPROTO_SCTP);
    CHECK(lib.connectx1(fd, (struct sockaddr *)&address, 1) == 0);
    CHECK(close(fd) == 0 && close(listener) == 0);
}

static void many(void) {
    uint16_t port;
    int server = listen_here(SOCK_SEQPACKET, &port);
    struct sockaddr_in address = here(port), from;
    struct sctp_sndrcvinfo info;
    char got[64];
    int flags = 0;
    socklen_t bytes = sizeof from;
    subscribe(server);
    int client = socket(AF_INET, SOCK_SEQPACKET, IPPROTO_SCTP);
    subscribe(client);
    CHECK(lib.sendmsg(client, "hello", 5, (struct sockaddr *)&address, sizeof address, htonl(46), 0,
                      3, 0, 77) == 5);
    memset(&info, 0, sizeof info);
    CHECK(lib.recvmsg(server, got, sizeof got, (struct sockaddr *)&from, &bytes, &info, &flags) ==
          5);
    CHECK(memcmp(got, "hello", 5) == 0 && (flags & MSG_EOR) != 0);
    CHECK(info.sinfo_stream == 3 && info.sinfo_ppid == htonl(46) && info.sinfo_assoc_id > 0);
    int peeled = lib.peeloff(server, info.sinfo_assoc_id);
    CHECK(peeled >= 0 && descriptor_option(peeled, SO_TYPE) == SOCK_SEQPACKET);
    struct sctp_sndrcvinfo reply;
    memset(&reply, 0, sizeof reply);
    reply.sinfo_stream = 1;
    CHECK(lib.send(peeled, "reply", 5, &reply, 0) == 5);
    flags = 0;
    CHECK(lib.recvmsg(client, got, sizeof got, NULL, NULL, &info, &flags) == 5);
    CHECK(info.sinfo_stream == 1);
    CHECK(close(peeled) == 0 && close(client) == 0 && close(server) == 0);
}

static void vectors(void) {
    int ends[2], yes = 1, flags = 0;
    char got[64];
    struct iovec out = {"vector", 6}, in = {got, sizeof got};
    struct sctp_sndinfo send = {.snd_sid = 2, .snd_ppid = htonl(5)};
    struct sctp_rcvinfo info;
    socklen_t bytes = sizeof info, none = 0;
    unsigned type = 99;
    make_pair(ends);
    CHECK(setsockopt(ends[1], IPPROTO_SCTP, SCTP_RECVRCVINFO, &yes, sizeof yes) == 0);
    CHECK(lib.sendv(ends[0], &out, 1, NULL, 0, &send, sizeof send, SCTP_SENDV_SNDINFO, 0) == 6);
    CHECK(lib.recvv(ends[1], &in, 1, NULL, &none, &info, &bytes, &type, &flags) == 6);
    CHECK(type == SCTP_RECVV_RCVINFO && info.rcv_sid == 2 && info.rcv_ppid == htonl(5));
    CHECK((flags & MSG_EOR) != 0);
    close_pair(ends);
}

/* ---- all of it ------------------------------------------------------------------------------- */

static volatile size_t room_of_calls = 64; /* not known to the compiler */

static void all_calls(void) {
    calls(room_of_calls);
}

int main(int argc, char **argv) {
    signal(SIGPIPE, SIG_IGN);
    alarm(120);
    run("kinds", kinds);
    run("names", names);
    run("calls", all_calls);
    run("waiting", waiting);
    run("duplicates", duplicates);
    run("rights", rights);
    run("copies", copies);
    run("ends", ends);
    run("child", child);
    run("threads", threads);
    run("ranges", ranges);
    run("pointers", pointers);
    void *library = dlopen("libsctp.so.1", RTLD_NOW);
    for (int i = 1; library; i++) {
        find_all(library);
        run("addresses", addresses);
        run("connecting", connecting);
        run("many", many);
        run("vectors", vectors);
        library = i < argc ? dlopen(argv[i], RTLD_NOW) : NULL;
        if (i < argc)
            printf("%s:\n", argv[i]);
        if (i < argc && !library)
            failures++;
    }
    printf("%d failures\n", failures);
    return failures == 0 ? 0 : 1;
}
