/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sockets: making and ending them, what their descriptors show, entry to and exit from calls (see
 * socket.h).
 *
 * Their associations are in connection.c, what the engine tells of them in events.c, closing in
 * close.c.
 */
#include "api/socket.h"

#include "api/autoclose.h"
#include "api/close.h"
#include "api/connection.h"
#include "api/fd_table.h"
#include "api/reading.h"
#include "api/stack.h"
#include "net/transport.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { SWEEP_SOCKETS = 2, ENTER_ATTEMPTS = 16, MAX_TOKENS = 8 };

int socket_errno(int error) {
    switch (error) {
    case USCTP_OK:
        return 0;
    case USCTP_ERR_NO_MEMORY:
        return -ENOMEM;
    case USCTP_ERR_AGAIN:
        return -EAGAIN;
    case USCTP_ERR_STATE:
        return -ENOTCONN;
    case USCTP_ERR_IN_USE:
        return -EADDRINUSE;
    case USCTP_ERR_EXISTS:
        return -EADDRNOTAVAIL;
    case USCTP_ERR_TOO_BIG:
        return -EMSGSIZE;
    case USCTP_ERR_LIMIT:
        return -ENOBUFS;
    case USCTP_ERR_FAMILY:
        return -EAFNOSUPPORT;
    case USCTP_ERR_UNREACHABLE:
        return -ENETUNREACH;
    case USCTP_ERR_SHUTDOWN:
        return -ESHUTDOWN;
    case USCTP_ERR_UNSUPPORTED:
        return -EOPNOTSUPP;
    case USCTP_ERR_TIMED_OUT:
        return -ETIMEDOUT;
    case USCTP_ERR_REFUSED:
        return -ECONNREFUSED;
    case USCTP_ERR_RESET:
        return -ECONNRESET;
    case USCTP_ERR_FORBIDDEN:
        return -EPERM;
    case USCTP_ERR_ABORTED:
    case USCTP_ERR_PROTOCOL:
        return -ECONNABORTED;
    default: /* INVALID, NOT_FOUND */
        return -EINVAL;
    }
}

/* ---- making and ending ----------------------------------------------------------------------- */

static int watch(struct socket *s, struct usctp_stack *stack, int fd) {
    /* Edge-triggered: after descriptor_show_end b hangs up for good, and only the application's
     * close is news. */
    struct epoll_event event = {.events = EPOLLET, .data.ptr = s};
    if (epoll_ctl(stack->loop.epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
        return -errno;
    return 0;
}

/* A forked child's copy of b would keep the registration alive: it is removed before the close. */
static void unregister(struct socket *s) {
    struct usctp_stack *stack = atomic_load_explicit(&s->stack, memory_order_relaxed);
    int fd = s->descriptor.own >= 0 ? s->descriptor.own : s->descriptor.witness;
    if (fd >= 0 && stack)
        epoll_ctl(stack->loop.epoll_fd, EPOLL_CTL_DEL, fd, NULL);
}

void socket_unwatch(struct socket *s) {
    unregister(s);
    descriptor_close(&s->descriptor);
}

static void release_config(struct socket *s, struct usctp_stack *stack) {
    if (s->config)
        config_pool_release(&stack->configs, s->config, &stack->env);
    s->config = NULL;
}

int socket_tune(struct socket *s, enum usctp_tunable tunable, uint64_t value) {
    struct usctp_stack *stack = atomic_load_explicit(&s->stack, memory_order_relaxed);
    return socket_errno(config_pool_set(&stack->configs, &s->config, tunable, value, &stack->env));
}

void socket_configure(struct socket *s, const struct usctp_config *config) {
    struct usctp_stack *stack = atomic_load_explicit(&s->stack, memory_order_relaxed);
    const struct usctp_config *taken = config_pool_take(&stack->configs, config, &stack->env);
    if (!taken)
        return; /* without memory it keeps what it inherited */
    release_config(s, stack);
    s->config = taken;
}

static void set_defaults(struct socket *s, struct usctp_stack *stack, int domain) {
    s->domain = domain;
    s->is_mapped = true;
    s->mtu_discover = IP_PMTUDISC_WANT;
    TAILQ_INIT(&s->connections);
    TAILQ_INIT(&s->readable);
    TAILQ_INIT(&s->sleepers);
    s->config = config_pool_share(stack->config);
    s->encapsulation_port = stack->has_raw ? 0 : USCTP_UDP_PORT;
}

int socket_new(struct usctp_stack *stack, int domain, int flags, struct socket **out) {
    struct socket *s = fd_table_new_socket();
    if (!s)
        return -ENOMEM;
    int result = descriptor_open(&s->descriptor, flags);
    if (result != 0) {
        fd_table_retire_socket(s);
        return result;
    }
    set_defaults(s, stack, domain);
    atomic_store(&s->stack, stack);
    result = watch(s, stack, s->descriptor.own);
    if (result == 0)
        result = fd_table_set(s->descriptor.number, s);
    if (result != 0) {
        close(s->descriptor.number);
        socket_unwatch(s);
        release_config(s, stack);
        atomic_store(&s->stack, NULL);
        fd_table_retire_socket(s);
        return result;
    }
    LIST_INSERT_HEAD(&stack->sockets, s, link);
    *out = s;
    return 0;
}

static void inherit_timeout(const struct call *c, int fd, int option) {
    struct timeval timeout;
    socklen_t length = sizeof timeout;
    if (getsockopt(c->fd, SOL_SOCKET, option, &timeout, &length) != 0)
        return;
    if (timeout.tv_sec == 0 && timeout.tv_usec == 0)
        return;
    setsockopt(fd, SOL_SOCKET, option, &timeout, length);
}

void socket_inherit(struct call *c, struct socket *s) {
    const struct socket *from = c->socket;
    s->bound = from->bound;
    s->v6only = from->v6only;
    s->is_mapped = from->is_mapped;
    s->reuse_address = from->reuse_address;
    s->auto_asconf = from->auto_asconf;
    s->reuse_port = from->reuse_port;
    s->keeps_alive = from->keeps_alive;
    s->is_free_to_bind = from->is_free_to_bind;
    s->traffic_class = from->traffic_class;
    s->mtu_discover = from->mtu_discover;
    s->wants_rcvinfo = from->wants_rcvinfo;
    s->wants_nxtinfo = from->wants_nxtinfo;
    s->wants_extrcv = from->wants_extrcv;
    s->explicit_eor = from->explicit_eor;
    s->interleave = from->interleave;
    s->linger = from->linger;
    s->encapsulation_port = from->encapsulation_port;
    s->preferences = from->preferences;
    release_config(s, c->stack);
    s->config = config_pool_share(from->config);
    inherit_timeout(c, s->descriptor.number, SO_RCVTIMEO);
    inherit_timeout(c, s->descriptor.number, SO_SNDTIMEO);
}

static void retire(struct socket *s) {
    struct usctp_stack *stack = atomic_load_explicit(&s->stack, memory_order_relaxed);
    if (stack && s->is_dirty)
        TAILQ_REMOVE(&stack->dirty, s, dirty_link);
    s->is_dirty = false;
    if (stack)
        release_config(s, stack);
    free(s->remainder.data);
    s->remainder.data = NULL;
    fd_table_forget(s);
    atomic_store(&s->stack, NULL);
    fd_table_retire_socket(s);
}

void socket_delete(struct socket *s) {
    struct usctp_stack *stack = atomic_load_explicit(&s->stack, memory_order_relaxed);
    if (s->state == SOCKET_GONE)
        return;
    close_give_away(s);
    autoclose_set(s, 0);
    s->state = SOCKET_GONE;
    loop_wake_all(s);
    fd_table_forget(s);
    socket_unwatch(s);
    if (stack->sweep == s)
        stack->sweep = LIST_NEXT(s, link);
    LIST_REMOVE(s, link);
    if (atomic_load(&s->users) == 0)
        retire(s);
    else if (stack->loop.leader == s) /* those asleep have been called */
        loop_kick(stack);
}

void socket_orphan(struct socket *s) {
    struct usctp_stack *stack = atomic_load_explicit(&s->stack, memory_order_relaxed);
    bool is_known = fd_table_find(s->descriptor.number) == s;
    bool is_closed = descriptor_is_abandoned(&s->descriptor);
    descriptor_show_end(&s->descriptor);
    if (is_closed || !is_known) { /* nobody would ever close it with us */
        socket_delete(s);
        return;
    }
    close_give_away(s);
    autoclose_set(s, 0);
    s->state = SOCKET_ENDED;
    loop_wake_all(s);
    descriptor_drain(&s->descriptor); /* what lies in b would make its close an error */
    socket_unwatch(s);
    LIST_REMOVE(s, link);
    if (s->is_dirty)
        TAILQ_REMOVE(&stack->dirty, s, dirty_link);
    s->is_dirty = false;
    release_config(s, stack);
    free(s->remainder.data);
    s->remainder.data = NULL;
    atomic_store(&s->stack, NULL);
}

void socket_sweep(struct usctp_stack *stack) {
    for (int i = 0; i < SWEEP_SOCKETS; i++) {
        struct socket *s = stack->sweep ? stack->sweep : LIST_FIRST(&stack->sockets);
        if (!s)
            return;
        stack->sweep = LIST_NEXT(s, link);
        if (descriptor_is_abandoned(&s->descriptor))
            socket_delete(s);
    }
}

int usctp_socket(struct usctp_stack *stack, int domain, int type, int protocol) {
    int flags = type & (SOCK_NONBLOCK | SOCK_CLOEXEC);
    int style = type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
    struct socket *s = NULL;
    int error = 0;
    if (!stack)
        error = -EFAULT;
    else if (call_is_inside())
        error = -EAGAIN;
    else if (domain != AF_INET && domain != AF_INET6)
        error = -EAFNOSUPPORT;
    else if (protocol != 0 && protocol != IPPROTO_SCTP)
        error = -EPROTONOSUPPORT;
    else if (style != SOCK_STREAM && style != SOCK_SEQPACKET)
        error = -ESOCKTNOSUPPORT;
    if (error == 0) {
        struct cancellation cancellation;
        cancellation_hold(&cancellation);
        call_sleeps(false);
        pthread_mutex_lock(&stack->lock);
        if (stack->is_foreign || atomic_load(&stack->is_ending) || stack->exiting.has_begun) {
            error = -ESHUTDOWN;
        } else {
            socket_sweep(stack);
            error = socket_new(stack, domain, flags, &s);
        }
        if (error == 0) {
            s->is_many = style == SOCK_SEQPACKET;
            socket_show(s, s->descriptor.number); /* one-to-one and not connected: not writable */
        }
        int fd = error == 0 ? s->descriptor.number : -1;
        pthread_mutex_unlock(&stack->lock);
        call_sleeps(true);
        cancellation_release(&cancellation);
        if (error == 0)
            return fd;
    }
    errno = -error;
    return -1;
}

/* ---- readiness ------------------------------------------------------------------------------- */

bool socket_has_readable(const struct socket *s) {
    if (s->waiting || s->error != 0 || s->remainder.data)
        return true;
    /* RFC 6458 8.1.20: while a message is being delivered in parts, no other is. */
    return s->held ? s->held->is_readable : !TAILQ_EMPTY(&s->readable);
}

static bool lives(const struct socket *s) {
    return s->state == SOCKET_CONNECTING || s->state == SOCKET_CONNECTED;
}

/* Whether recv() need not wait for more. */
static bool has_read_all(const struct socket *s) {
    const struct connection *a = connection_only(s);
    if (s->is_many)
        return s->state == SOCKET_ENDED || s->state == SOCKET_GONE;
    return s->is_read_shut || (!lives(s) && s->state != SOCKET_LISTENING) ||
           (a && a->has_peer_shutdown);
}

bool socket_is_ready(const struct socket *s, enum loop_want want, int32_t assoc) {
    const struct connection *a;
    switch (want) {
    case WANT_READABLE:
        return socket_has_readable(s) || has_read_all(s);
    case WANT_WRITABLE:
        a = connection_of(s, assoc);
        return !a || a->has_ended || !a->is_full;
    case WANT_CONNECTED:
        a = connection_of(s, assoc);
        return !a || a->has_ended || a->is_established;
    case WANT_END:
        return !connection_find(atomic_load_explicit(&s->stack, memory_order_relaxed), s->closing);
    }
    return true;
}

int socket_take_error(struct call *c) {
    int kernel_error = 0;
    socklen_t bytes = sizeof kernel_error;
    int error = c->socket->error;
    c->socket->error = 0;
    /* Clears what poll() shows as POLLERR. */
    if (error != 0 && c->fd >= 0 && descriptor_may_touch(&c->socket->descriptor, c->fd))
        getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &kernel_error, &bytes);
    return error;
}

static void show_end(struct socket *s) {
    if (s->descriptor.has_ended)
        return;
    const struct connection *a = connection_only(s);
    if (a && a->error != 0) {
        struct usctp_stack *stack = atomic_load_explicit(&s->stack, memory_order_relaxed);
        unregister(s);
        descriptor_show_error(&s->descriptor);
        if (s->descriptor.witness >= 0)
            (void)watch(s, stack, s->descriptor.witness); /* else the sweep finds it */
    } else {
        descriptor_show_end(&s->descriptor);
    }
}

/* Who drives the packets for this very socket sees for himself and shows what he leaves. */
static bool is_led(const struct socket *s) {
    const struct usctp_stack *stack = atomic_load_explicit(&s->stack, memory_order_relaxed);
    return stack && stack->loop.leader == s && stack->loop.leader_want == WANT_READABLE;
}

static void show_readable(struct socket *s, bool is_readable, int fd) {
    struct descriptor *d = &s->descriptor;
    uint32_t wanted = is_readable ? 1 : 0;
    if (fd >= 0 && d->tokens > wanted)
        descriptor_take_tokens(d, fd, wanted);
    if (!is_readable || is_led(s))
        return;
    /* One more for what is new is an edge for epoll; they are bounded, as only a call of the
     * application can take them back. */
    if (d->tokens == 0 || (s->has_news && d->tokens < MAX_TOKENS))
        descriptor_give_token(d);
    s->has_news = false;
}

/* Blocked readers: one is woken, and sees to the next if he leaves something. */
static void wake_reader(struct socket *s) {
    struct usctp_stack *stack = atomic_load_explicit(&s->stack, memory_order_relaxed);
    if (!stack || TAILQ_EMPTY(&s->sleepers) || is_led(s))
        return;
    if (socket_is_ready(s, WANT_READABLE, 0))
        loop_wake_reader(s);
}

static void show_writable(struct socket *s, bool is_writable, int fd) {
    struct descriptor *d = &s->descriptor;
    if (is_writable && d->is_filled)
        descriptor_drain(d);
    if (fd < 0)
        return;
    if (!is_writable)
        descriptor_fill(d, fd);
    else if (!d->is_parked)
        descriptor_park(d, fd);
}

void socket_show(struct socket *s, int fd) {
    if (s->state == SOCKET_GONE)
        return;
    /* The packets that are due go before what the caller shows when he leaves; an error is shown
     * before he takes it. */
    bool is_put_off = fd < 0 && s->error == 0 && is_led(s);
    if (s->state == SOCKET_ENDED) {
        if (!is_put_off)
            show_end(s);
        wake_reader(s);
        return;
    }
    const struct connection *a = connection_only(s);
    if (!is_put_off && (s->is_read_shut || (a && a->has_peer_shutdown)))
        descriptor_show_eof(&s->descriptor);
    /* One-to-many, as Linux: writable from the start, and says nothing of a given association. */
    bool is_writable = s->is_many || s->state == SOCKET_CONNECTED
                           ? !s->is_full
                           : s->state == SOCKET_FRESH && s->error != 0;
    /* First writable: who waits for both hears of a connect() before of its first message. */
    show_writable(s, is_writable, fd);
    show_readable(s, socket_has_readable(s), fd);
    wake_reader(s);
}

void socket_touch(struct socket *s) {
    struct usctp_stack *stack = atomic_load_explicit(&s->stack, memory_order_relaxed);
    if (s->is_dirty)
        return;
    s->is_dirty = true;
    TAILQ_INSERT_TAIL(&stack->dirty, s, dirty_link);
}

void socket_show_touched(struct usctp_stack *stack) {
    struct socket *s;
    while ((s = TAILQ_FIRST(&stack->dirty)) != NULL) {
        TAILQ_REMOVE(&stack->dirty, s, dirty_link);
        s->is_dirty = false;
        socket_show(s, -1);
    }
}

/* ---- calls ----------------------------------------------------------------------------------- */

/* This thread is in a call and does not sleep there: it may hold any lock. A call by a signal
 * handler then comes back at once, where it would wait for its own thread forever. */
static _Thread_local bool is_inside;

bool call_is_inside(void) {
    return is_inside;
}

void call_sleeps(bool sleeps) {
    is_inside = !sleeps;
}

/* A number the table does not know may be a duplicate of a descriptor that it knows. */
static struct socket *adopt(int fd, int *error) {
    uint64_t inode;
    struct socket *found = NULL;
    *error = descriptor_identify(fd, &inode);
    if (*error != 0)
        return NULL;
    *error = -ENOTSOCK;
    fd_table_lock_stacks();
    for (struct usctp_stack *stack = fd_table_first_stack(); stack && !found;
         stack = fd_table_next_stack(stack)) {
        struct socket *s;
        pthread_mutex_lock(&stack->lock);
        LIST_FOREACH (s, &stack->sockets, link)
            if (s->descriptor.inode == inode) {
                *error = fd_table_set(fd, s);
                if (*error == 0)
                    found = s;
                break;
            }
        pthread_mutex_unlock(&stack->lock);
    }
    fd_table_unlock_stacks();
    return found;
}

/* Under the lock: whether fd still means s. A number that s was not made with is compared by
 * identity. */
static bool is_meant(struct socket *s, struct usctp_stack *stack, int fd) {
    uint64_t inode;
    if (atomic_load(&s->stack) != stack || fd_table_find(fd) != s || s->state == SOCKET_GONE)
        return false;
    if (s->descriptor.number == fd && atomic_load(&s->numbers) == 1)
        return true; /* otherwise the number may have been closed, and be a stranger's */
    return descriptor_identify(fd, &inode) == 0 && inode == s->descriptor.inode;
}

static int enter_locked(struct call *c, struct socket *s, struct usctp_stack *stack,
                        bool is_timeless) {
    bool is_exiting =
        stack->exiting.has_begun && pthread_equal(stack->exiting.thread, pthread_self());
    if (atomic_load(&stack->is_ending) || is_exiting)
        return -ESHUTDOWN;
    if (stack->is_foreign)
        return -EBADF;
    c->socket = s;
    c->stack = stack;
    c->now_us = is_timeless ? stack->now_us : stack_now(stack);
    s->descriptor.is_doubtful = false; /* is_meant has just seen to it */
    atomic_fetch_add(&s->users, 1);
    atomic_fetch_add(&stack->calls, 1);
    return 0;
}

static int enter(struct call *c, int fd, bool is_timeless) {
    int error = -EBADF;
    if (is_inside)
        return -EAGAIN;
    is_inside = true;
    *c = (struct call){.fd = fd};
    cancellation_hold(&c->cancellation);
    for (int attempt = 0; attempt < ENTER_ATTEMPTS; attempt++) {
        struct socket *s = fd_table_find(fd);
        if (!s)
            s = adopt(fd, &error);
        if (!s)
            break;
        struct usctp_stack *stack = atomic_load(&s->stack);
        if (!stack) {
            error = fd_table_find(fd) == s ? -ESHUTDOWN : -EBADF;
            if (error == -ESHUTDOWN)
                break;
            continue;
        }
        pthread_mutex_lock(&stack->lock);
        if (is_meant(s, stack, fd)) {
            error = enter_locked(c, s, stack, is_timeless);
            if (error != 0)
                pthread_mutex_unlock(&stack->lock);
            if (error == 0 && stack->exiting.has_begun) {
                error = blocking_stay(c);
                call_leave(c, 0);
                return error;
            }
            if (error == 0)
                return 0;
            break;
        }
        /* Of a stack that was deleted just now it keeps its number. */
        bool is_stale = atomic_load(&s->stack) == stack;
        pthread_mutex_unlock(&stack->lock);
        if (is_stale)
            fd_table_clear(fd, s);
        error = -EBADF;
    }
    is_inside = false;
    cancellation_release(&c->cancellation);
    return error;
}

int call_enter(struct call *c, int fd) {
    return enter(c, fd, false);
}

int call_enter_timeless(struct call *c, int fd) {
    return enter(c, fd, true);
}

/* Gives the socket back and unlocks. */
static void leave_locked(struct call *c) {
    struct usctp_stack *stack = c->stack;
    struct socket *s = c->socket;
    socket_show(s, s->state == SOCKET_GONE ? -1 : c->fd);
    if (stack->loop.role == ROLE_CALLER && stack->loop.leader == s &&
        socket_is_ready(s, stack->loop.leader_want, stack->loop.leader_assoc))
        loop_kick(stack);
    if (!stack->loop.has_thread)
        loop_hand_on(stack);
    if (atomic_fetch_sub(&s->users, 1) == 1 && s->state == SOCKET_GONE)
        retire(s);
    pthread_mutex_unlock(&stack->lock);
}

ssize_t call_leave(struct call *c, ssize_t result) {
    if (c->stack->is_foreign) { /* all there is to leave is the parent's */
        pthread_mutex_unlock(&c->stack->lock);
    } else {
        reading_settle(c);
        stack_settle_sent(c->stack, c->sent);
        leave_locked(c);
        transmit_flush(c->stack);
    }
    atomic_fetch_sub(&c->stack->calls, 1); /* usctp_stack_delete waits for the last one */
    is_inside = false;
    cancellation_release(&c->cancellation);
    if (result >= 0)
        return result;
    errno = (int)-result;
    return -1;
}

void call_abandon(struct call *c) {
    leave_locked(c);
    atomic_fetch_sub(&c->stack->calls, 1);
    is_inside = false;
}
