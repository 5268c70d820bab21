/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Port claims: reference counts by port, abstract names by port and by block, and the bitmap of
 * what passes the filter. The tables are indexed by port and block and mostly untouched, so they
 * cost address space rather than memory.
 */
#include "net/port_claim.h"

#include "core/env.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define PORTS       65536u
#define BLOCKS      (PORTS / PORT_CLAIM_BLOCK_PORTS)
#define FIRST_BLOCK (PORT_CLAIM_EPHEMERAL_FIRST / PORT_CLAIM_BLOCK_PORTS)
#define LAST_BLOCK  (PORT_CLAIM_EPHEMERAL_LAST / PORT_CLAIM_BLOCK_PORTS)
#define BLOCK_COUNT (LAST_BLOCK - FIRST_BLOCK + 1)

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
    bool host_wide;
    uint64_t generation;
    uint32_t idle_blocks; /* held, with no port in use */
    uint64_t passing[BLOCKS];
    struct block blocks[BLOCKS];
    uint32_t counts[PORTS];
    int exact[PORTS];
};

static socklen_t name_of(struct sockaddr_un *name, const char *kind, unsigned number) {
    memset(name, 0, sizeof *name);
    name->sun_family = AF_UNIX;
    /* A first byte of zero makes the name abstract. */
    int length =
        snprintf(name->sun_path + 1, sizeof name->sun_path - 1, "usctp/%s/%u", kind, number);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);
}

/* Takes a name. Returns 0 with how it is held, or a negative errno. */
static int take_name(const struct port_claims *claims, const char *kind, unsigned number,
                     int *held) {
    struct sockaddr_un name;
    if (!claims->host_wide) {
        *held = IN_PROCESS;
        return 0;
    }
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (bind(fd, (struct sockaddr *)&name, name_of(&name, kind, number))) {
        int error = errno;
        close(fd);
        return -error;
    }
    *held = fd + 1;
    return 0;
}

static void give_name(int *held) {
    if (*held > 0)
        close(*held - 1);
    *held = NOT_HELD;
}

/* Whether somebody holds the name. `probe` is an AF_UNIX datagram socket. */
static bool is_name_taken(int probe, const char *kind, unsigned number) {
    struct sockaddr_un name;
    socklen_t length = name_of(&name, kind, number);
    return connect(probe, (struct sockaddr *)&name, length) == 0 || errno != ECONNREFUSED;
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

struct port_claims *port_claim_new(bool host_wide) {
    struct port_claims *claims = calloc(1, sizeof *claims);
    if (claims)
        claims->host_wide = host_wide;
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
    free(claims);
}

/* Whether another process holds the block that a port is in. */
static int check_foreign_block(const struct port_claims *claims, uint16_t port) {
    unsigned number = port / PORT_CLAIM_BLOCK_PORTS;
    if (!claims->host_wide || number < FIRST_BLOCK || number > LAST_BLOCK ||
        claims->blocks[number].held)
        return 0;
    int probe = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (probe < 0)
        return -errno;
    bool taken = is_name_taken(probe, "block", number);
    close(probe);
    return taken ? -EADDRINUSE : 0;
}

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
            give_name(&block->held);
        else
            claims->idle_blocks++;
    }
    update_passing(claims, port / PORT_CLAIM_BLOCK_PORTS);
}

/* Takes a block that is not ours. Returns 0 or a negative errno; the block may turn out to have no
 * free port. */
static int take_block(struct port_claims *claims, unsigned number) {
    struct block *block = &claims->blocks[number];
    int probe = -1;
    if (claims->host_wide && (probe = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) < 0)
        return -errno;
    int error = take_name(claims, "block", number, &block->held);
    if (error == 0) {
        block->excluded = 0;
        block->used = 0;
        claims->idle_blocks++;
        for (unsigned i = 0; i < PORT_CLAIM_BLOCK_PORTS; i++) {
            unsigned port = number * PORT_CLAIM_BLOCK_PORTS + i;
            if (port > PORT_CLAIM_EPHEMERAL_LAST || claims->exact[port] ||
                (probe >= 0 && is_name_taken(probe, "port", port)))
                block->excluded |= (uint64_t)1 << i;
        }
        update_passing(claims, number);
    }
    if (probe >= 0)
        close(probe);
    return error;
}

/* Claims a free port of a held block. Returns it, or 0. */
static int use_free_port(struct port_claims *claims, unsigned number, uint32_t seed) {
    const struct block *block = &claims->blocks[number];
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

int port_claim_add_ephemeral(struct port_claims *claims, uint32_t seed) {
    unsigned start = (seed >> 6) % BLOCK_COUNT;
    int port = 0, error = 0;
    for (unsigned i = 0; i < BLOCK_COUNT; i++) {
        unsigned number = FIRST_BLOCK + (start + i) % BLOCK_COUNT;
        if (claims->blocks[number].held && (port = use_free_port(claims, number, seed)) > 0)
            return port;
    }
    for (unsigned i = 0; i < BLOCK_COUNT; i++) {
        unsigned number = FIRST_BLOCK + (start + i) % BLOCK_COUNT;
        if (claims->blocks[number].held)
            continue;
        error = take_block(claims, number);
        if (error && error != -EADDRINUSE)
            return error;
        if (error)
            continue;
        port = use_free_port(claims, number, seed);
        if (port > 0)
            return port;
        /* Others hold every port of it by name. */
        claims->idle_blocks--;
        give_name(&claims->blocks[number].held);
        update_passing(claims, number);
    }
    return -EAGAIN;
}

bool port_claim_passes(const struct port_claims *claims, uint16_t port) {
    uint64_t passing =
        __atomic_load_n(&claims->passing[port / PORT_CLAIM_BLOCK_PORTS], __ATOMIC_RELAXED);
    return (passing & bit_of(port)) != 0;
}

uint64_t port_claim_generation(const struct port_claims *claims) {
    return claims->generation;
}

size_t port_claim_ranges(const struct port_claims *claims, struct port_range *out, size_t max) {
    size_t n = 0;
    for (unsigned port = 1; port < PORTS; port++) {
        if (port % PORT_CLAIM_BLOCK_PORTS == 0 && claims->passing[port / 64] == 0) {
            port += PORT_CLAIM_BLOCK_PORTS - 1;
            continue;
        }
        if (!port_claim_passes(claims, (uint16_t)port))
            continue;
        if (n > 0 && out[n - 1].last + 1u == port) {
            out[n - 1].last = (uint16_t)port;
            continue;
        }
        if (n == max)
            n = socket_filter_coarsen(out, n, max - 1);
        out[n++] = (struct port_range){(uint16_t)port, (uint16_t)port};
    }
    return n;
}
