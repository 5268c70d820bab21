/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The classic BPF program that lets a raw socket take only SCTP packets whose destination port is
 * in a set of ranges.
 *
 * Without it every raw socket of the host gets a copy of every SCTP packet. The program looks at
 * nothing but the port, so INIT and out-of-the-blue packets for our ports pass too (RFC
 * 9260 8.4, 8.5 are the engine's to obey). Replacing a filter is atomic in the kernel: no packet
 * meets a socket without one.
 */
#ifndef NET_SOCKET_FILTER_H
#define NET_SOCKET_FILTER_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct port_range {
    uint16_t first, last; /* both included */
};

/* Six instructions a range, at most; the kernel takes 4,096. */
#define SOCKET_FILTER_MAX_RANGES       600u
#define SOCKET_FILTER_MAX_INSTRUCTIONS (6u * SOCKET_FILTER_MAX_RANGES + 8u)

/*
 * Joins the neighbours with the smallest gaps until at most `max` of the n ascending, disjoint
 * ranges are left. Returns how many are left. What is joined passes ports that are not ours; the
 * receiver looks at the port again.
 */
size_t socket_filter_coarsen(struct port_range *ranges, size_t n, size_t max);

/* Writes a set of ports (bit p % 64 of word p / 64, 1024 words; port 0 is never in it) as ranges,
 * joined as by socket_filter_coarsen when there are more than max. Returns how many. */
size_t socket_filter_ranges(const uint64_t *set, struct port_range *out, size_t max);

/*
 * Writes the program for n (at most SOCKET_FILTER_MAX_RANGES) ascending, disjoint ranges into out,
 * which has room for SOCKET_FILTER_MAX_INSTRUCTIONS. With ipv4 the packet begins with its IP
 * header, else with the SCTP header, as raw sockets of the two families see it. Returns the number
 * of instructions.
 */
size_t socket_filter_build(struct sock_filter *out, const struct port_range *ranges, size_t n,
                           bool ipv4);

/* Puts the program on a socket in place of the one it has. Returns 0 or a negative errno. */
int socket_filter_attach(int fd, const struct port_range *ranges, size_t n, bool ipv4);

#endif
