/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * HOST[,HOST2...] on a command line, as the packed socket addresses that usctp_bindx and
 * usctp_connectx take (RFC 6458 9.1, 9.9).
 */
#ifndef COMMON_ADDRESS_H
#define COMMON_ADDRESS_H

#include "usctp/usctp.h"

#include <stdbool.h>
#include <stddef.h>

#define ADDRESS_TEXT_BYTES 80u /* an address as text, with its interface */

struct address_list {
    unsigned char packed[USCTP_MAX_ADDRESSES * sizeof(struct sockaddr_in6)];
    size_t bytes;
    int count;
    bool has_ipv6;
};

/*
 * Looks up each host of a list separated by commas and keeps its first address.  Ends the program
 * with one line where a host is not found or there are too many.
 */
void address_resolve(const char *hosts, uint16_t port, struct address_list *out);
/* Writes an address without its port; returns text. */
const char *address_text(const struct usctp_addr *address, char text[ADDRESS_TEXT_BYTES]);
const char *address_sockaddr_text(const struct sockaddr *address, char text[ADDRESS_TEXT_BYTES]);
/* Size of the socket address that begins here, 0 for a family that is neither IPv4 nor IPv6. */
size_t address_sockaddr_bytes(const struct sockaddr *address);

#endif
