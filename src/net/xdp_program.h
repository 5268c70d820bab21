/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The BPF program that says which of the frames that arrive by an interface are for AF_XDP, with
 * its maps (Linux: Documentation/networking/af_xdp.rst; <linux/bpf.h>). Why it is assembled here:
 * docs/decisions/af-xdp.md.
 *
 * It takes whole SCTP packets for one of our ports and one of the host's addresses, in Ethernet II
 * to the interface's own address, IPv4 without options or IPv6 without extension headers, that fit
 * a frame of the ring. All else goes its way to the kernel's IP, and so do these while no socket is
 * there to take them. It vanishes with the process.
 */
#ifndef NET_XDP_PROGRAM_H
#define NET_XDP_PROGRAM_H

#include "net/ether_frame.h"
#include "net/host_namespace.h"

#define XDP_PROGRAM_MAX_ADDRESSES 256u /* packets to further ones go to the kernel */

struct xdp_program;

struct xdp_program_options {
    const struct host_namespace *ns;
    uint32_t interface_index;
    uint32_t limit_bytes; /* of frames that fit */
    uint8_t mac[ETHER_FRAME_MAC_BYTES];
};

/* Loads and attaches a program that takes nothing yet, in the generic mode, which every driver has.
 * Returns 0 or a negative errno: -EBUSY or -EEXIST where the interface has a program; -EPERM. */
int xdp_program_new(struct xdp_program **out, const struct xdp_program_options *options);
void xdp_program_delete(struct xdp_program *program);
/* In a forked child. */
void xdp_program_forget(struct xdp_program *program);

/* What of the interface's only queue is taken goes to this AF_XDP socket, as long as it is open.
 * Returns 0 or a negative errno. */
int xdp_program_set_socket(struct xdp_program *program, int fd);
/* A set of ports as in port_claim.h. */
void xdp_program_set_ports(struct xdp_program *program, const uint64_t *set);
void xdp_program_set_mac(struct xdp_program *program, const uint8_t mac[ETHER_FRAME_MAC_BYTES]);
/* Returns 0 or a negative errno, of what may still be taken though it is no longer to be. */
int xdp_program_set_addresses(struct xdp_program *program,
                              const struct usctp_local_address *addresses, size_t n);

#endif
