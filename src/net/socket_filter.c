/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Builds the port filter as a balanced decision tree: ten comparisons find one of 600 ranges.
 * Conditional jumps of classic BPF reach 255 instructions, so an inner node is a comparison and an
 * unconditional jump.
 */
#include "net/socket_filter.h"

#include <errno.h>
#include <sys/socket.h>

#define ACCEPT_ALL        0xffffffffu
#define SCTP_PORT_OFFSET  2u /* destination port, RFC 9260 3.1 */
#define PORTS             65536u
#define LEAF_INSTRUCTIONS 4u
#define NODE_INSTRUCTIONS 2u

size_t socket_filter_coarsen(struct port_range *ranges, size_t n, size_t max) {
    while (n > max && n > 1) {
        size_t best = 1;
        for (size_t i = 2; i < n; i++)
            if (ranges[i].first - ranges[i - 1].last < ranges[best].first - ranges[best - 1].last)
                best = i;
        ranges[best - 1].last = ranges[best].last;
        for (size_t i = best; i + 1 < n; i++)
            ranges[i] = ranges[i + 1];
        n--;
    }
    return n;
}

size_t socket_filter_ranges(const uint64_t *set, struct port_range *out, size_t max) {
    size_t n = 0;
    for (unsigned port = 1; port < PORTS; port++) {
        if (port % 64 == 0 && set[port / 64] == 0) {
            port += 63;
            continue;
        }
        if (port % 64 == 0 && set[port / 64] == UINT64_MAX && n > 0 &&
            out[n - 1].last + 1u == port) {
            port += 63;
            out[n - 1].last = (uint16_t)port;
            continue;
        }
        if (!(set[port / 64] >> port % 64 & 1))
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

/* Writes the tree over ranges[0..n), n > 0, at out. Returns its size; every way through it ends in
 * a return. */
static size_t build_tree(struct sock_filter *out, const struct port_range *ranges, size_t n) {
    if (n == 1) {
        out[0] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, ranges[0].first, 0, 2);
        out[1] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, ranges[0].last, 1, 0);
        out[2] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, ACCEPT_ALL);
        out[3] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0);
        return LEAF_INSTRUCTIONS;
    }
    size_t half = n / 2;
    size_t left = build_tree(out + NODE_INSTRUCTIONS, ranges, half);
    size_t right = build_tree(out + NODE_INSTRUCTIONS + left, ranges + half, n - half);
    out[0] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, ranges[half].first, 0, 1);
    out[1] = (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, (uint32_t)left);
    return NODE_INSTRUCTIONS + left + right;
}

size_t socket_filter_build(struct sock_filter *out, const struct port_range *ranges, size_t n,
                           bool ipv4) {
    size_t used = 0;
    if (n == 0) {
        out[used++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0);
        return used;
    }
    if (ipv4) {
        /* X = bytes of the IP header, options included. */
        out[used++] = (struct sock_filter)BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0);
        out[used++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_H | BPF_IND, SCTP_PORT_OFFSET);
    } else {
        out[used++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_H | BPF_ABS, SCTP_PORT_OFFSET);
    }
    /* A packet too short for its port ends the program with "drop" at the load. */
    return used + build_tree(out + used, ranges, n);
}

int socket_filter_attach(int fd, const struct port_range *ranges, size_t n, bool ipv4) {
    struct sock_filter program[SOCKET_FILTER_MAX_INSTRUCTIONS];
    if (n > SOCKET_FILTER_MAX_RANGES)
        return -EINVAL;
    size_t length = socket_filter_build(program, ranges, n, ipv4);
    struct sock_fprog filter = {(unsigned short)length, program};
    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) ? -errno : 0;
}
