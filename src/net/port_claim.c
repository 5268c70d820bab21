/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Port claims: reference counts by port, abstract names by port and by block, and the bitmap of
 * what passes the filter. The tables are indexed by port and block and mostly untouched, so they
 * cost address space rather than memory.
 */
#include "net/port_claim.h"

#include "core/env.h"
#include "net/high_number.h"
#include "net/host_name.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define PORTS       65536u
#define BLOCKS      (PORTS / PORT_CLAIM_BLOCK_PORTS)
#define FIRST_BLOCK (PORT_CLAIM_EPHEMERAL_FIRST / PORT_CLAIM_BLOCK_PORTS)
#define LAST_BLOCK  (PORT_CLAIM_EPHEMERAL_LAST / PORT_CLAIM_BLOCK_PORTS)
#define BLOCK_COUNT (LAST_BLOCK - FIRST_BLOCK + 1)
#define ASK_MS      200 /* how long bind() waits for another process's answer */
#define MAX_ANSWERS 64u /* by one call */

/* How a port or block is held: 0 not at all, IN_PROCESS without a name, else the name's descriptor
 * + 1. */
#define NOT_HELD   0
#define IN_PROCESS (-1)

struct block {
    int held;
    uint32_t used;     /* ports with a count */
    uint64_t excluded; /* one bit a port that the block does not cover */
};

struct port_claims {
    struct host_namespace *ns;     /* NULL: of this object only */
    struct host_namespace *udp_ns; /* where then the blocks' names are, or NULL */
    int probe_fd;                  /* asks whether a name is taken */
    int watch_fd;                  /* epoll: the blocks' names, which others ask */
    uint64_t generation;
    uint32_t idle_blocks; /* held, with no port in use */
    uint64_t passing[BLOCKS];
    struct block blocks[BLOCKS];
    uint32_t counts[PORTS];
    int exact[PORTS];
};

/* Takes a name. Returns 0 with how it is held, or a negative errno. */
static int take_name(const struct port_claims *claims, const char *kind, unsigned number,
                     int *held) {
    if (!claims->ns) {
        *held = IN_PROCESS;
        return 0;
    }
    int fd = host_name_take(claims->ns, kind, number, SOCK_DGRAM);
    if (fd < 0)
        return fd;
    *held = fd + 1;
    return 0;
}

static void give_name(int *held) {
    if (*held > 0)
        close(*held - 1);
    *held = NOT_HELD;
}

static struct block *block_of(struct port_claims *claims, uint16_t port) {
    return &claims->blocks[port / PORT_CLAIM_BLOCK_PORTS];
}

static uint64_t bit_of(uint16_t port) {
    return (uint64_t)1 << (port % PORT_CLAIM_BLOCK_PORTS);
}

/* Recomputes what passes of one block's ports. */
static void update_passing(struct port_claims *claims, unsigned number) {
    const struct block *block = &claims->blocks[number];
    uint64_t passing = block->held ? ~block->excluded : 0;
    for (unsigned i = 0; i < PORT_CLAIM_BLOCK_PORTS; i++)
        if (claims->exact[number * PORT_CLAIM_BLOCK_PORTS + i])
            passing |= (uint64_t)1 << i;
    if (passing != claims->passing[number])
        claims->generation++;
    __atomic_store_n(&claims->passing[number], passing, __ATOMIC_RELAXED);
}

struct port_claims *port_claim_new(struct host_namespace *ns) {
    struct port_claims *claims = calloc(1, sizeof *claims);
    if (!claims)
        return NULL;
    claims->ns = ns;
    claims->probe_fd = ns ? host_namespace_socket(ns, SOCK_DGRAM) : -1;
    claims->watch_fd = ns ? high_number_move(epoll_create1(EPOLL_CLOEXEC)) : -1;
    if (ns && claims->probe_fd < 0) {
        int error = -claims->probe_fd;
        port_claim_delete(claims);
        errno = error;
        return NULL;
    }
    return claims;
}

struct port_claims *port_claim_new_udp(struct host_namespace *ns) {
    struct port_claims *claims = port_claim_new(NULL);
    if (claims)
        claims->udp_ns = ns;
    return claims;
}

void port_claim_delete(struct port_claims *claims) {
    if (!claims)
        return;
    for (unsigned i = 0; i < BLOCKS; i++) {
        give_name(&claims->blocks[i].held);
        if (claims->passing[i] == 0)
            continue;
        for (unsigned k = 0; k < PORT_CLAIM_BLOCK_PORTS; k++)
            give_name(&claims->exact[i * PORT_CLAIM_BLOCK_PORTS + k]);
    }
    if (claims->watch_fd >= 0)
        close(claims->watch_fd);
    if (claims->probe_fd >= 0)
        close(claims->probe_fd);
    free(claims);
}

/* Gives a block back. A forked child's copy of the socket would keep it watched: removed first. */
static void give_block(struct port_claims *claims, struct block *block) {
    if (block->held > 0 && claims->watch_fd >= 0)
        epoll_ctl(claims->watch_fd, EPOLL_CTL_DEL, block->held - 1, NULL);
    give_name(&block->held);
}

/* ---- asking and answering -------------------------------------------------------------------- */

/*
 * One who wants a port by name finds its block with another process, which may use the port or not:
 * he takes the port's name, so that nobody else gets it, and asks. The holder leaves the port out
 * of the block and says so, or says that it is used. An asker is believed only as far as somebody
 * holds the port's name; who does not answer counts as using it.
 */

int port_claim_descriptor(const struct port_claims *claims) {
    return claims->watch_fd;
}

/* Takes one question out of a block's socket. Returns false when there is none. */
static bool answer_one(struct port_claims *claims, unsigned number) {
    struct block *block = &claims->blocks[number];
    struct sockaddr_un from;
    socklen_t length = sizeof from;
    uint16_t port;
    int fd = block->held - 1;
    ssize_t n = recvfrom(fd, &port, sizeof port, MSG_DONTWAIT | MSG_TRUNC, (struct sockaddr *)&from,
                         &length);
    if (n < 0)
        return false;
    if (n != (ssize_t)sizeof port || port / PORT_CLAIM_BLOCK_PORTS != number ||
        length <= sizeof from.sun_family)
        return true;
    bool is_free = claims->counts[port] == 0;
    if (is_free && !claims->exact[port] && host_name_is_taken(claims->probe_fd, "port", port)) {
        block->excluded |= bit_of(port);
        update_passing(claims, number);
    }
    char answer = is_free && (block->excluded & bit_of(port)) ? 'y' : 'n';
    /* An asker who is gone, or too full to listen, has his answer: none. */
    sendto(fd, &answer, 1, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&from, length);
    return true;
}

void port_claim_answer(struct port_claims *claims) {
    struct epoll_event events[8];
    int n = claims->watch_fd >= 0 ? epoll_wait(claims->watch_fd, events, 8, 0) : 0;
    for (int i = 0; i < n; i++)
        for (unsigned k = 0; k < MAX_ANSWERS; k++)
            if (!answer_one(claims, events[i].data.u32))
                break;
}

/* Waits for the answer on a socket that is connected to the block's name. What others ask us is
 * answered meanwhile: two may ask each other. */
static int wait_for_answer(struct port_claims *claims, int fd) {
    struct pollfd polled[2] = {{.fd = fd, .events = POLLIN},
                               {.fd = claims->watch_fd, .events = POLLIN}};
    char answer = 'n';
    for (unsigned i = 0; i < MAX_ANSWERS && poll(polled, 2, ASK_MS) > 0; i++) {
        if (polled[1].revents)
            port_claim_answer(claims);
        if (polled[0].revents) {
            if (recv(fd, &answer, 1, MSG_DONTWAIT) != 1)
                answer = 'n';
            break;
        }
    }
    return answer == 'y' ? 0 : -EADDRINUSE;
}

static int ask_holder(struct port_claims *claims, uint16_t port) {
    struct sockaddr_un name, own = {.sun_family = AF_UNIX};
    socklen_t length = host_name_write(&name, "block", port / PORT_CLAIM_BLOCK_PORTS);
    int fd = host_namespace_socket(claims->ns, SOCK_DGRAM);
    if (fd < 0)
        return fd;
    int result = -EADDRINUSE;
    /* A name of the kernel's choice, to be answered at. */
    if (bind(fd, (struct sockaddr *)&own, sizeof own.sun_family) == 0) {
        if (connect(fd, (struct sockaddr *)&name, length) != 0)
            result = errno == ECONNREFUSED ? 0 : -EADDRINUSE; /* given back just now */
        else if (send(fd, &port, sizeof port, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)sizeof port)
            result = wait_for_answer(claims, fd);
    }
    close(fd);
    return result;
}

/* Whether another process keeps us from a port because it holds its block. The port's name is
 * ours. */
static int check_foreign_block(struct port_claims *claims, uint16_t port) {
    unsigned number = port / PORT_CLAIM_BLOCK_PORTS;
    if (!claims->ns || number < FIRST_BLOCK || number > LAST_BLOCK || claims->blocks[number].held)
        return 0;
    return host_name_is_taken(claims->probe_fd, "block", number) ? ask_holder(claims, port) : 0;
}

/* ---- ports and blocks ------------------------------------------------------------------------ */

/* The port is used as one of its block, which is held. */
static void use_of_block(struct port_claims *claims, uint16_t port) {
    struct block *block = block_of(claims, port);
    if (block->used++ == 0)
        claims->idle_blocks--;
    claims->counts[port] = 1;
}

int port_claim_add(struct port_claims *claims, uint16_t port) {
    struct block *block = block_of(claims, port);
    if (port == 0)
        return -EINVAL;
    if (claims->counts[port] > 0) {
        if (claims->counts[port] == UINT32_MAX)
            return -EAGAIN;
        claims->counts[port]++;
        return 0;
    }
    if (block->held && !(block->excluded & bit_of(port))) {
        use_of_block(claims, port);
        return 0;
    }
    int error = take_name(claims, "port", port, &claims->exact[port]);
    if (error)
        return error;
    error = check_foreign_block(claims, port);
    if (error) {
        give_name(&claims->exact[port]);
        return error;
    }
    claims->counts[port] = 1;
    update_passing(claims, port / PORT_CLAIM_BLOCK_PORTS);
    return 0;
}

void port_claim_remove(struct port_claims *claims, uint16_t port) {
    struct block *block = block_of(claims, port);
    ASSERT(claims->counts[port] > 0);
    if (--claims->counts[port] > 0)
        return;
    if (claims->exact[port]) {
        give_name(&claims->exact[port]);
    } else if (--block->used == 0) {
        /* One idle block is kept for the next connect; a second goes back to the host. */
        if (claims->idle_blocks > 0)
            give_block(claims, block);
        else
            claims->idle_blocks++;
    }
    update_passing(claims, port / PORT_CLAIM_BLOCK_PORTS);
}

/*
 * Holds a block. In UDP its name keeps stacks of one host from having the same port towards one
 * peer, which could not tell them apart: associations are found by addresses and SCTP ports, not by
 * UDP's (RFC 6951 5.4). Nobody asks for such a block; where none is free, or no name is to be had,
 * it goes without.
 */
static int take_block_name(const struct port_claims *claims, unsigned number, bool needs_name,
                           int *held) {
    if (claims->ns || !claims->udp_ns || !needs_name)
        return take_name(claims, "block", number, held);
    int fd = host_name_take(claims->udp_ns, "udp-block", number, SOCK_DGRAM);
    if (fd == -EADDRINUSE)
        return fd;
    *held = fd < 0 ? IN_PROCESS : fd + 1;
    return 0;
}

/* Takes a block that is not ours. Returns 0 or a negative errno; the block may turn out to have no
 * free port. */
static int take_block(struct port_claims *claims, unsigned number, bool needs_name) {
    struct block *block = &claims->blocks[number];
    int error = take_block_name(claims, number, needs_name, &block->held);
    if (error == 0) {
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = number};
        if (block->held > 0 && claims->watch_fd >= 0) /* without it, who asks gets no answer */
            epoll_ctl(claims->watch_fd, EPOLL_CTL_ADD, block->held - 1, &event);
        block->excluded = 0;
        block->used = 0;
        claims->idle_blocks++;
        for (unsigned i = 0; i < PORT_CLAIM_BLOCK_PORTS; i++) {
            unsigned port = number * PORT_CLAIM_BLOCK_PORTS + i;
            if (port > PORT_CLAIM_EPHEMERAL_LAST || claims->exact[port] ||
                (claims->ns && host_name_is_taken(claims->probe_fd, "port", port)))
                block->excluded |= (uint64_t)1 << i;
        }
        update_passing(claims, number);
    }
    return error;
}

/* Claims a free port of a held block. Returns it, or 0. */
static int use_free_port(struct port_claims *claims, unsigned number, uint32_t seed) {
    const struct block *block = &claims->blocks[number];
    unsigned taken = block->used + (unsigned)__builtin_popcountll(block->excluded);
    if (taken >= PORT_CLAIM_BLOCK_PORTS) /* with many sockets most blocks are full */
        return 0;
    for (unsigned i = 0; i < PORT_CLAIM_BLOCK_PORTS; i++) {
        unsigned index = (seed + i) % PORT_CLAIM_BLOCK_PORTS;
        uint16_t port = (uint16_t)(number * PORT_CLAIM_BLOCK_PORTS + index);
        if (claims->counts[port] > 0 || (block->excluded & bit_of(port)))
            continue;
        use_of_block(claims, port);
        return port;
    }
    return 0;
}

/* Claims a port of a block that is not held yet. Returns it, -EAGAIN or another negative errno. */
static int use_new_block(struct port_claims *claims, uint32_t seed, bool needs_name) {
    unsigned start = (seed >> 6) % BLOCK_COUNT;
    for (unsigned i = 0; i < BLOCK_COUNT; i++) {
        unsigned number = FIRST_BLOCK + (start + i) % BLOCK_COUNT;
        if (claims->blocks[number].held)
            continue;
        int error = take_block(claims, number, needs_name);
        if (error && error != -EADDRINUSE)
            return error;
        if (error)
            continue;
        int port = use_free_port(claims, number, seed);
        if (port > 0)
            return port;
        /* Others hold every port of it by name. */
        claims->idle_blocks--;
        give_block(claims, &claims->blocks[number]);
        update_passing(claims, number);
    }
    return -EAGAIN;
}

int port_claim_add_ephemeral(struct port_claims *claims, uint32_t seed) {
    unsigned start = (seed >> 6) % BLOCK_COUNT;
    int port = 0;
    for (unsigned i = 0; i < BLOCK_COUNT; i++) {
        unsigned number = FIRST_BLOCK + (start + i) % BLOCK_COUNT;
        if (claims->blocks[number].held && (port = use_free_port(claims, number, seed)) > 0)
            return port;
    }
    port = use_new_block(claims, seed, true);
    return port == -EAGAIN && claims->udp_ns ? use_new_block(claims, seed, false) : port;
}

void port_claim_reclaim(struct port_claims *claims) {
    for (unsigned number = FIRST_BLOCK; number <= LAST_BLOCK && claims->ns; number++) {
        struct block *block = &claims->blocks[number];
        if (!block->held || block->excluded == 0)
            continue;
        for (unsigned i = 0; i < PORT_CLAIM_BLOCK_PORTS; i++) {
            unsigned port = number * PORT_CLAIM_BLOCK_PORTS + i;
            uint64_t bit = (uint64_t)1 << i;
            if ((block->excluded & bit) && port <= PORT_CLAIM_EPHEMERAL_LAST &&
                !claims->exact[port] && !host_name_is_taken(claims->probe_fd, "port", port))
                block->excluded &= ~bit;
        }
        update_passing(claims, number);
    }
}

bool port_claim_passes(const struct port_claims *claims, uint16_t port) {
    uint64_t passing =
        __atomic_load_n(&claims->passing[port / PORT_CLAIM_BLOCK_PORTS], __ATOMIC_RELAXED);
    return (passing & bit_of(port)) != 0;
}

uint64_t port_claim_generation(const struct port_claims *claims) {
    return claims->generation;
}

void port_claim_set(const struct port_claims *claims, uint64_t *set) {
    for (unsigned i = 0; i < BLOCKS; i++)
        set[i] = __atomic_load_n(&claims->passing[i], __ATOMIC_RELAXED);
}

size_t port_claim_ranges(const struct port_claims *claims, struct port_range *out, size_t max) {
    uint64_t set[PORT_CLAIM_SET_WORDS];
    _Static_assert(BLOCKS == PORT_CLAIM_SET_WORDS, "a word a block");
    port_claim_set(claims, set);
    return socket_filter_ranges(set, out, max);
}
