/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * struct sockaddr_in and sockaddr_in6 <-> struct usctp_addr and a port; IPv4-mapped IPv6 addresses
 * (RFC 6458 8.1.15).
 */
#ifndef API_SOCKADDR_H
#define API_SOCKADDR_H

#include "usctp/engine.h"

#include <netinet/in.h>
#include <sys/socket.h>

/* Addresses of one call, all of one port. */
struct address_list {
    struct usctp_addr addresses[USCTP_MAX_ADDRESSES];
    size_t count;
    uint16_t port;                             /* host order */
    uint32_t flow_labels[USCTP_MAX_ADDRESSES]; /* of sin6_flowinfo; 0: none */
};

/*
 * Reads one address that a socket of `domain` may use. Mapped IPv4 addresses become IPv4. Returns
 * 0, -EFAULT, -EINVAL (too short) or -EAFNOSUPPORT (of no family that fits).
 */
int sockaddr_read(const struct sockaddr *address, socklen_t length, int domain,
                  struct usctp_addr *out, uint16_t *port);
/* The flow label in an address that sockaddr_read has read, 0 when there is none. */
uint32_t sockaddr_flow_label(const struct sockaddr *address);
/* Reads `count` addresses that lie one after the other. Returns as sockaddr_read; -EINVAL also for
 * other counts and mixed ports. */
int sockaddr_read_packed(const struct sockaddr *addresses, int count, int domain,
                         struct address_list *out);
/* The same from memory of the application that may not be there: -EFAULT. */
int sockaddr_copy_packed(const struct sockaddr *addresses, int count, int domain,
                         struct address_list *out);
/* The same for an option's value: as many as fill `bytes`; -EINVAL when they do not. */
int sockaddr_copy_option(const void *addresses, size_t bytes, int domain, struct address_list *out);
/* Writes an address, zero-padded; IPv4 as IPv4-mapped IPv6 where is_mapped. Returns its length. */
socklen_t sockaddr_write(const struct usctp_addr *address, uint16_t port, bool is_mapped,
                         struct sockaddr_storage *out);
/* Gives an address to the application as getsockname() does: cut at *length, which becomes the
 * whole length. */
void sockaddr_give(const struct usctp_addr *address, uint16_t port, bool is_mapped,
                   struct sockaddr *out, socklen_t *length);
/* Reads the address in an option's struct sockaddr_storage. Returns 1; 0 when none or a wildcard is
 * there; or as sockaddr_read. */
int sockaddr_read_option(const void *storage, int domain, struct usctp_addr *out);

#endif
