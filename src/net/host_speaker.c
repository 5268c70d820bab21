/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The office of speaker: election, what is known of others, and the decision on a packet (see
 * host_speaker.h).
 *
 * The receiving thread judges packets while another refreshes: they share the set of others' ports,
 * two flags and a counter, all atomic, and descriptors that do not change.
 */
#include "net/host_speaker.h"

#include "net/high_number.h"
#include "net/host_name.h"
#include "net/host_sctp.h"
#include "net/port_claim.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define SPEAKER_NAME   "speaker"
#define RAW_NAME       "raw"
#define MAX_ELECTIONS  4u
#define MAX_EVENTS     64
#define MAX_NEWS       16u /* messages of one process that are read at once */
#define BURST          (HOST_SPEAKER_LOOKS_PER_SECOND / 10u)
#define NS_PER_SECOND  1000000000ull
#define TAG_TIMER      UINT64_MAX
#define TAG_OFFICE     (UINT64_MAX - 1u)
#define BLOCK_OF(port) ((port) / PORT_CLAIM_BLOCK_PORTS)
#define BIT_OF(port)   ((uint64_t)1 << (port) % PORT_CLAIM_BLOCK_PORTS)
#define IN_A_BLOCK(port)                                                                           \
    ((port) >= PORT_CLAIM_EPHEMERAL_FIRST && (port) <= PORT_CLAIM_EPHEMERAL_LAST)

struct host_speaker {
    const struct port_claims *claims;
    struct host_namespace *ns;
    bool may_speak;
    _Atomic bool is_elected, is_silent;
    bool is_armed;
    uint32_t listeners; /* connected processes that are watched */
    int epoll_fd, timer_fd, probe_fd;
    int office_fd;    /* listening where elected, else connected to who is, or -1 */
    int list_fds[2];  /* /proc/net/raw, raw6 */
    int raw_names[2]; /* of the raw sockets */
    uint64_t raw_inodes[2];
    uint64_t tokens, refill_ns; /* of the receiving thread */
    _Atomic uint64_t generation;
    _Atomic uint64_t others[PORT_CLAIM_SET_WORDS]; /* ports that others claim, as far as is known */
    int listener_fds[HOST_SPEAKER_MAX_LISTENERS];
};

/* ---- foreign stacks -------------------------------------------------------------------------- */

static bool is_usctp(void *user, uint64_t inode) {
    const struct host_speaker *s = user;
    return inode == s->raw_inodes[0] || inode == s->raw_inodes[1] ||
           host_name_is_taken(s->probe_fd, RAW_NAME, inode);
}

/* Whether somebody else on this host may have an answer to packets for nobody's ports. What cannot
 * be found out means yes. */
static bool has_foreign_stack(struct host_speaker *s) {
    if (access("/proc/net/sctp", F_OK) == 0)
        return true;
    for (unsigned i = 0; i < 2; i++)
        if (s->list_fds[i] != -ENOENT && host_sctp_visit(s->list_fds[i], is_usctp, s) != 0)
            return true;
    return false;
}

static bool look_around(struct host_speaker *s) {
    bool is_silent = has_foreign_stack(s);
    if (s->is_silent != is_silent) {
        s->is_silent = is_silent;
        s->generation++;
    }
    return is_silent;
}

/* ---- the office ------------------------------------------------------------------------------ */

static void watch(const struct host_speaker *s, int fd, uint32_t events, uint64_t tag) {
    struct epoll_event event = {.events = events, .data.u64 = tag};
    epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

/* A forked child's copy would keep it watched: it is removed before the close. */
static void unwatch(const struct host_speaker *s, int *fd) {
    if (*fd < 0)
        return;
    epoll_ctl(s->epoll_fd, EPOLL_CTL_DEL, *fd, NULL);
    close(*fd);
    *fd = -1;
}

static void arm(struct host_speaker *s, int seconds) {
    struct itimerspec when = {.it_value.tv_sec = seconds};
    s->is_armed = timerfd_settime(s->timer_fd, 0, &when, NULL) == 0;
}

static bool take_office(struct host_speaker *s) {
    int fd = s->may_speak ? host_name_take(s->ns, SPEAKER_NAME, 0, SOCK_SEQPACKET) : -EPERM;
    if (fd < 0)
        return false;
    if (listen(fd, SOMAXCONN)) {
        close(fd);
        return false;
    }
    s->office_fd = fd;
    watch(s, fd, EPOLLIN | EPOLLET, TAG_OFFICE);
    look_around(s);
    s->is_elected = true;
    s->generation++;
    return true;
}

/* Returns 0 or a negative errno. */
static int follow(struct host_speaker *s) {
    struct sockaddr_un name;
    socklen_t length = host_name_write(&name, SPEAKER_NAME, 0);
    int fd = host_namespace_socket(s->ns, SOCK_SEQPACKET);
    if (fd < 0)
        return fd;
    if (connect(fd, (struct sockaddr *)&name, length)) {
        int error = errno;
        close(fd);
        return -error;
    }
    s->office_fd = fd;
    watch(s, fd, EPOLLIN | EPOLLRDHUP, TAG_OFFICE);
    return 0;
}

static void elect(struct host_speaker *s) {
    if (s->epoll_fd < 0 || s->office_fd >= 0)
        return;
    for (unsigned i = 0; i < MAX_ELECTIONS; i++)
        if (take_office(s) || follow(s) == 0)
            return;
    /* Nobody speaks, for one that may not; or the one who does has just begun, or has too many
     * followers: later. */
    if (s->may_speak)
        arm(s, HOST_SPEAKER_SILENT_S);
}

/* ---- making ---------------------------------------------------------------------------------- */

static void register_raw(struct host_speaker *s, unsigned i, int fd) {
    struct stat status;
    if (fd < 0 || fstat(fd, &status))
        return;
    s->raw_inodes[i] = status.st_ino;
    s->raw_names[i] = host_name_take(s->ns, RAW_NAME, status.st_ino, SOCK_DGRAM);
}

struct host_speaker *host_speaker_new(const struct port_claims *claims, struct host_namespace *ns,
                                      const int raw_fds[2], bool may_speak) {
    struct host_speaker *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->claims = claims;
    s->ns = ns;
    s->office_fd = s->raw_names[0] = s->raw_names[1] = -1;
    for (unsigned i = 0; i < 2; i++) {
        register_raw(s, i, raw_fds[i]);
        /* -ENOENT: a kernel without IPv6; other failures keep the speaker silent. */
        s->list_fds[i] = may_speak ? host_sctp_open_list(i == 1) : -1;
    }
    s->probe_fd = host_namespace_socket(ns, SOCK_DGRAM);
    s->epoll_fd = high_number_move(epoll_create1(EPOLL_CLOEXEC));
    s->timer_fd = high_number_move(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
    s->may_speak = may_speak && s->probe_fd >= 0 && s->timer_fd >= 0 && s->list_fds[0] >= 0;
    if (s->epoll_fd >= 0 && s->timer_fd >= 0)
        watch(s, s->timer_fd, EPOLLIN, TAG_TIMER);
    elect(s);
    return s;
}

static void close_one(int fd) {
    if (fd >= 0)
        close(fd);
}

void host_speaker_delete(struct host_speaker *s) {
    if (!s)
        return;
    for (unsigned i = 0; i < s->listeners; i++)
        close(s->listener_fds[i]);
    for (unsigned i = 0; i < 2; i++) {
        close_one(s->raw_names[i]);
        close_one(s->list_fds[i]);
    }
    close_one(s->office_fd);
    close_one(s->probe_fd);
    close_one(s->timer_fd);
    close_one(s->epoll_fd);
    free(s);
}

int host_speaker_descriptor(const struct host_speaker *s) {
    return s->epoll_fd;
}

/* ---- others' ports --------------------------------------------------------------------------- */

static bool is_claimed(const struct host_speaker *s, uint16_t port) {
    return host_name_is_taken(s->probe_fd, "port", port) ||
           (IN_A_BLOCK(port) && host_name_is_taken(s->probe_fd, "block", BLOCK_OF(port)));
}

/* Keeps a port, and the block of the ephemeral range that it is in, out of the filter. */
static void learn(struct host_speaker *s, uint16_t port) {
    bool is_block = IN_A_BLOCK(port) && host_name_is_taken(s->probe_fd, "block", BLOCK_OF(port));
    uint64_t bits = is_block ? UINT64_MAX : BIT_OF(port);
    if ((atomic_fetch_or(&s->others[BLOCK_OF(port)], bits) & bits) != bits)
        s->generation++;
}

/* Looks whether what others claimed is still claimed. Returns whether something is left. */
static bool look_again(struct host_speaker *s) {
    bool is_left = false;
    for (unsigned i = 0; i < PORT_CLAIM_SET_WORDS; i++) {
        uint64_t free_bits = 0, bits = s->others[i];
        bool is_block = bits && IN_A_BLOCK(i * 64) && host_name_is_taken(s->probe_fd, "block", i);
        for (unsigned k = 0; k < 64 && bits && !is_block; k++)
            if ((bits >> k & 1) && !host_name_is_taken(s->probe_fd, "port", i * 64 + k))
                free_bits |= (uint64_t)1 << k;
        if (free_bits) {
            atomic_fetch_and(&s->others[i], ~free_bits);
            s->generation++;
        }
        is_left |= s->others[i] != 0;
    }
    return is_left;
}

/* ---- news ------------------------------------------------------------------------------------ */

static void take_listeners(struct host_speaker *s) {
    while (s->listeners < HOST_SPEAKER_MAX_LISTENERS) {
        int fd = high_number_move(accept4(s->office_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (fd < 0 && errno == EINTR)
            continue;
        if (fd < 0)
            return;
        watch(s, fd, EPOLLIN | EPOLLRDHUP, (uint64_t)fd);
        s->listener_fds[s->listeners++] = fd;
    }
}

/* A process has news, or is gone. */
static void hear(struct host_speaker *s, int fd) {
    char byte;
    ssize_t n = 1;
    for (unsigned i = 0; i < MAX_NEWS && n > 0; i++)
        n = recv(fd, &byte, 1, MSG_DONTWAIT);
    if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)))
        return;
    for (unsigned i = 0; i < s->listeners; i++) {
        if (s->listener_fds[i] != fd)
            continue;
        unwatch(s, &s->listener_fds[i]);
        s->listener_fds[i] = s->listener_fds[--s->listeners];
        break;
    }
    take_listeners(s); /* who had to wait */
}

/* The office's own descriptor: callers for the one who has it, the end of him for who has not. */
static void on_office(struct host_speaker *s) {
    char byte;
    if (s->is_elected) {
        take_listeners(s);
        return;
    }
    ssize_t n = recv(s->office_fd, &byte, 1, MSG_DONTWAIT);
    if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)))
        return;
    unwatch(s, &s->office_fd);
    elect(s);
}

static void on_timer(struct host_speaker *s) {
    uint64_t count;
    if (read(s->timer_fd, &count, sizeof count) == (ssize_t)sizeof count)
        s->is_armed = false;
    elect(s);
    if (s->is_elected)
        look_around(s);
}

bool host_speaker_refresh(struct host_speaker *s) {
    struct epoll_event events[MAX_EVENTS];
    int n = s->epoll_fd >= 0 ? epoll_wait(s->epoll_fd, events, MAX_EVENTS, 0) : 0;
    for (int i = 0; i < n; i++) {
        if (events[i].data.u64 == TAG_TIMER)
            on_timer(s);
        else if (events[i].data.u64 == TAG_OFFICE)
            on_office(s);
        else
            hear(s, (int)events[i].data.u64);
    }
    if (!s->is_elected)
        return n > 0;
    bool is_left = n > 0 && look_again(s);
    if (s->is_silent && !s->is_armed)
        arm(s, HOST_SPEAKER_SILENT_S);
    for (unsigned i = 0; i < PORT_CLAIM_SET_WORDS && !is_left && !s->is_armed; i++)
        is_left = s->others[i] != 0;
    if (is_left && !s->is_armed)
        arm(s, HOST_SPEAKER_LOOK_AGAIN_S);
    return n > 0;
}

void host_speaker_tell(struct host_speaker *s) {
    if (s->is_elected)
        return;
    elect(s);
    /* A speaker with a full queue has enough to make him look. */
    if (s->office_fd >= 0 && !s->is_elected)
        send(s->office_fd, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* ---- packets --------------------------------------------------------------------------------- */

bool host_speaker_speaks(const struct host_speaker *s) {
    return s->is_elected && !s->is_silent;
}

uint64_t host_speaker_generation(const struct host_speaker *s) {
    return s->generation;
}

void host_speaker_add_ports(const struct host_speaker *s, uint64_t *set) {
    for (unsigned i = 0; i < PORT_CLAIM_SET_WORDS && host_speaker_speaks(s); i++)
        set[i] |= ~s->others[i];
}

static bool take_token(struct host_speaker *s) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t now_ns = (uint64_t)now.tv_sec * NS_PER_SECOND + (uint64_t)now.tv_nsec;
    uint64_t elapsed_ns = now_ns - s->refill_ns;
    uint64_t fresh = elapsed_ns >= NS_PER_SECOND
                         ? BURST
                         : elapsed_ns * HOST_SPEAKER_LOOKS_PER_SECOND / NS_PER_SECOND;
    if (fresh > 0) {
        s->tokens = s->tokens + fresh < BURST ? s->tokens + fresh : BURST;
        s->refill_ns = now_ns;
    }
    if (s->tokens == 0)
        return false;
    s->tokens--;
    return true;
}

enum host_speaker_verdict host_speaker_judge(struct host_speaker *s, uint16_t port,
                                             struct host_speaker_look *look) {
    if (port == 0 || !host_speaker_speaks(s) || (s->others[BLOCK_OF(port)] & BIT_OF(port)))
        return HOST_SPEAKER_IGNORE;
    if (!take_token(s))
        return HOST_SPEAKER_LIMITED;
    if (is_claimed(s, port)) {
        if (port_claim_passes(s->claims, port))
            return HOST_SPEAKER_ANSWER; /* this process has claimed it just now */
        learn(s, port);
        return HOST_SPEAKER_IGNORE;
    }
    if (!look->has_looked) {
        look->has_looked = true;
        look->is_silent = look_around(s);
    }
    return look->is_silent ? HOST_SPEAKER_IGNORE : HOST_SPEAKER_ANSWER;
}
