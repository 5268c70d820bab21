/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A stack's network namespace (see host_namespace.h; network_namespaces(7), setns(2)).
 */
#include "net/host_namespace.h"

#include "net/high_number.h"

#include "core/env.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

_Static_assert(HOST_NAMESPACE_MOST_SPARES % HOST_NAMESPACE_SPARES == 0, "reached by doubling");

enum { USUAL_UNPRIVILEGED_PORT = 1024, DIGITS = 16 };

static const char own_namespace[] = "/proc/thread-self/ns/net";

struct host_namespace {
    uint64_t cookie; /* the kernel's number for it; 0: it has none */
    int fd;          /* to go there, or -1 */
    int port_fd;     /* the limit of ports in /proc, or -1: opened there, it stays that one's */
    unsigned count, wanted;
    int spares[HOST_NAMESPACE_MOST_SPARES]; /* SOCK_DGRAM */
};

struct wanted {
    int domain, type, protocol;
};

static int make_socket(struct wanted wanted) {
    int type = wanted.type | SOCK_CLOEXEC | SOCK_NONBLOCK;
    int fd = high_number_move(socket(wanted.domain, type, wanted.protocol));
    return fd >= 0 ? fd : -errno;
}

static struct wanted unix_socket(int type) {
    return (struct wanted){AF_UNIX, type, 0};
}

static uint64_t cookie_of(int fd) {
    uint64_t cookie = 0;
    socklen_t length = sizeof cookie;
    return getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &length) == 0 ? cookie : 0;
}

bool host_namespace_has(const struct host_namespace *ns, int fd) {
    uint64_t cookie = cookie_of(fd);
    return cookie == 0 || ns->cookie == 0 || cookie == ns->cookie;
}

/* In the calling thread's namespace, if that is the one. Returns -EXDEV if it is not. */
static int make_here(const struct host_namespace *ns, struct wanted wanted) {
    int fd = make_socket(wanted);
    if (fd < 0 || host_namespace_has(ns, fd))
        return fd;
    close(fd);
    return -EXDEV;
}

/* As far as the calling thread is the one to do it. */
static void fill(struct host_namespace *ns) {
    while (host_namespace_is_short(ns)) {
        int fd = make_here(ns, unix_socket(SOCK_DGRAM));
        if (fd < 0)
            return;
        ns->spares[ns->count++] = fd;
    }
}

int host_namespace_new(struct host_namespace **out, bool with_spares) {
    struct host_namespace *ns = calloc(1, sizeof *ns);
    *out = NULL;
    if (!ns)
        return -ENOMEM;
    /* Without /proc nobody goes there, and the usual limit holds. */
    ns->fd = high_number_move(open(own_namespace, O_RDONLY | O_CLOEXEC));
    ns->port_fd = high_number_move(
        open("/proc/sys/net/ipv4/ip_unprivileged_port_start", O_RDONLY | O_CLOEXEC));
    int first = make_socket(unix_socket(SOCK_DGRAM));
    if (first < 0) {
        host_namespace_delete(ns);
        return first;
    }
    ns->cookie = cookie_of(first);
    close(first);
    ns->wanted = with_spares ? HOST_NAMESPACE_SPARES : 0;
    fill(ns);
    *out = ns;
    return 0;
}

void host_namespace_delete(struct host_namespace *ns) {
    if (!ns)
        return;
    while (ns->count > 0)
        close(ns->spares[--ns->count]);
    if (ns->fd >= 0)
        close(ns->fd);
    if (ns->port_fd >= 0)
        close(ns->port_fd);
    free(ns);
}

/* Goes there, does something and comes back. */
static int visit(const struct host_namespace *ns, int (*work)(void *argument), void *argument) {
    int result = -EPERM;
    int own = ns->fd >= 0 ? open(own_namespace, O_RDONLY | O_CLOEXEC) : -1;
    if (own < 0)
        return -EPERM;
    /* Who may enter the one he is in will be let back in. */
    if (setns(own, CLONE_NEWNET) == 0 && setns(ns->fd, CLONE_NEWNET) == 0) {
        result = work(argument);
        int back = setns(own, CLONE_NEWNET);
        ASSERT(back == 0); /* what the thread does from now on would be done elsewhere */
    }
    close(own);
    return result;
}

static int make_wanted(void *argument) {
    const struct wanted *wanted = argument;
    return make_socket(*wanted);
}

int host_namespace_open(const struct host_namespace *ns, int domain, int type, int protocol) {
    struct wanted wanted = {domain, type, protocol};
    int fd = make_here(ns, wanted);
    return fd != -EXDEV ? fd : visit(ns, make_wanted, &wanted);
}

int host_namespace_run(const struct host_namespace *ns, int (*work)(void *argument),
                       void *argument) {
    int fd = make_here(ns, unix_socket(SOCK_DGRAM));
    if (fd == -EXDEV)
        return visit(ns, work, argument);
    if (fd < 0)
        return fd;
    close(fd);
    return work(argument);
}

int host_namespace_socket(struct host_namespace *ns, int type) {
    int fd = host_namespace_open(ns, AF_UNIX, type, 0);
    if (fd == -EPERM && type == SOCK_DGRAM && ns->count > 0)
        fd = ns->spares[--ns->count];
    return fd;
}

bool host_namespace_is_short(const struct host_namespace *ns) {
    return ns->count < ns->wanted;
}

void host_namespace_refill(struct host_namespace *ns) {
    if (!host_namespace_is_short(ns))
        return;
    unsigned before = ns->count;
    fill(ns);
    if (ns->count == before || ns->wanted * 2 > HOST_NAMESPACE_MOST_SPARES)
        return;
    ns->wanted *= 2;
    fill(ns);
}

int host_namespace_unprivileged_port(const struct host_namespace *ns) {
    char text[DIGITS] = "";
    ssize_t n = ns->port_fd >= 0 ? pread(ns->port_fd, text, sizeof text - 1, 0) : -1;
    return n > 0 ? atoi(text) : USUAL_UNPRIVILEGED_PORT;
}
