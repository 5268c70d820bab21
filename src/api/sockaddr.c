/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Socket addresses (see sockaddr.h).
 */
#include "api/sockaddr.h"

#include "api/user_memory.h"
#include "core/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

enum { FLOW_LABEL_MASK = 0xfffff };

static void from_ipv4(const void *bytes, struct usctp_addr *out) {
    *out = (struct usctp_addr){.family = USCTP_FAMILY_IPV4};
    memcpy(out->ipv4, bytes, sizeof out->ipv4);
}

static void from_ipv6(const struct sockaddr_in6 *address, struct usctp_addr *out) {
    if (IN6_IS_ADDR_V4MAPPED(&address->sin6_addr)) {
        from_ipv4(&address->sin6_addr.s6_addr[12], out);
        return;
    }
    *out = (struct usctp_addr){.family = USCTP_FAMILY_IPV6};
    memcpy(out->ipv6, &address->sin6_addr, sizeof out->ipv6);
    if (IN6_IS_ADDR_LINKLOCAL(&address->sin6_addr))
        out->scope_id = address->sin6_scope_id;
}

int sockaddr_read(const struct sockaddr *address, socklen_t length, int domain,
                  struct usctp_addr *out, uint16_t *port) {
    sa_family_t family;
    if (!address)
        return -EFAULT;
    if (length < sizeof family)
        return -EINVAL;
    memcpy(&family, address, sizeof family);
    if (family == AF_INET) {
        struct sockaddr_in ipv4;
        if (length < sizeof ipv4)
            return -EINVAL;
        memcpy(&ipv4, address, sizeof ipv4);
        from_ipv4(&ipv4.sin_addr, out);
        *port = ntohs(ipv4.sin_port);
        return 0;
    }
    if (family != AF_INET6 || domain != AF_INET6)
        return -EAFNOSUPPORT;
    struct sockaddr_in6 ipv6;
    if (length < sizeof ipv6)
        return -EINVAL;
    memcpy(&ipv6, address, sizeof ipv6);
    from_ipv6(&ipv6, out);
    *port = ntohs(ipv6.sin6_port);
    return 0;
}

uint32_t sockaddr_flow_label(const struct sockaddr *address) {
    struct sockaddr_in6 ipv6;
    sa_family_t family;
    memcpy(&family, address, sizeof family);
    if (family != AF_INET6)
        return 0;
    memcpy(&ipv6, address, sizeof ipv6);
    return ntohl(ipv6.sin6_flowinfo) & FLOW_LABEL_MASK;
}

/* Adds the address at `at`, of which `limit` bytes can be read. Returns its length or a negative
 * errno. */
static int add_packed(const uint8_t *at, size_t limit, int domain, struct address_list *out) {
    sa_family_t family;
    uint16_t port;
    if (out->count >= USCTP_MAX_ADDRESSES)
        return -EINVAL;
    if (limit < sizeof family)
        return -EFAULT;
    memcpy(&family, at, sizeof family);
    if (family != AF_INET && (family != AF_INET6 || domain != AF_INET6))
        return -EAFNOSUPPORT;
    size_t length = family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
    if (limit < length)
        return -EFAULT;
    int error = sockaddr_read((const struct sockaddr *)(const void *)at, (socklen_t)length, domain,
                              &out->addresses[out->count], &port);
    if (error != 0)
        return error;
    /* RFC 6458 9.1: the ports after the first are the same, or 0. */
    if (out->count == 0)
        out->port = port;
    else if (port != 0 && port != out->port)
        return -EINVAL;
    out->flow_labels[out->count++] = sockaddr_flow_label((const void *)at);
    return (int)length;
}

static int add_all(const void *addresses, size_t limit, int count, int domain,
                   struct address_list *out) {
    const uint8_t *at = addresses;
    out->count = 0;
    out->port = 0;
    if (!addresses)
        return -EFAULT;
    if (count <= 0 || count > (int)USCTP_MAX_ADDRESSES)
        return -EINVAL;
    for (int i = 0; i < count; i++) {
        int length = add_packed(at, limit, domain, out);
        if (length < 0)
            return length;
        at += length;
        limit -= (size_t)length;
    }
    return 0;
}

int sockaddr_read_packed(const struct sockaddr *addresses, int count, int domain,
                         struct address_list *out) {
    return add_all(addresses, SIZE_MAX, count, domain, out);
}

int sockaddr_copy_packed(const struct sockaddr *addresses, int count, int domain,
                         struct address_list *out) {
    struct sockaddr_in6 copy[USCTP_MAX_ADDRESSES];
    size_t bytes = count > 0 && count <= (int)USCTP_MAX_ADDRESSES ? (size_t)count * sizeof *copy
                                                                  : sizeof(struct sockaddr_in);
    ssize_t n = user_memory_read(copy, addresses, bytes);
    return n < 0 ? (int)n : add_all(copy, (size_t)n, count, domain, out);
}

int sockaddr_copy_option(const void *addresses, size_t bytes, int domain,
                         struct address_list *out) {
    struct sockaddr_in6 copy[USCTP_MAX_ADDRESSES];
    const uint8_t *at = (const uint8_t *)copy;
    out->count = 0;
    out->port = 0;
    if (bytes == 0 || bytes > sizeof copy)
        return -EINVAL;
    if (user_memory_read(copy, addresses, bytes) != (ssize_t)bytes)
        return -EFAULT;
    while (bytes > 0) {
        int length = add_packed(at, bytes, domain, out);
        if (length < 0) /* as Linux and its libsctp, whatever the family */
            return -EINVAL;
        at += length;
        bytes -= (size_t)length;
    }
    return 0;
}

socklen_t sockaddr_write(const struct usctp_addr *address, uint16_t port, bool is_mapped,
                         struct sockaddr_storage *out) {
    memset(out, 0, sizeof *out);
    if (address->family == USCTP_FAMILY_IPV4 && !is_mapped) {
        struct sockaddr_in ipv4 = {.sin_family = AF_INET, .sin_port = htons(port)};
        memcpy(&ipv4.sin_addr, address->ipv4, sizeof address->ipv4);
        memcpy(out, &ipv4, sizeof ipv4);
        return sizeof ipv4;
    }
    struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    if (address->family == USCTP_FAMILY_IPV4) {
        ipv6.sin6_addr.s6_addr[10] = ipv6.sin6_addr.s6_addr[11] = 0xff;
        memcpy(&ipv6.sin6_addr.s6_addr[12], address->ipv4, sizeof address->ipv4);
    } else if (address->family == USCTP_FAMILY_IPV6) {
        memcpy(&ipv6.sin6_addr, address->ipv6, sizeof address->ipv6);
        ipv6.sin6_scope_id = address->scope_id;
    }
    memcpy(out, &ipv6, sizeof ipv6);
    return sizeof ipv6;
}

void sockaddr_give(const struct usctp_addr *address, uint16_t port, bool is_mapped,
                   struct sockaddr *out, socklen_t *length) {
    struct sockaddr_storage storage;
    socklen_t whole = sockaddr_write(address, port, is_mapped, &storage);
    memcpy(out, &storage, *length < whole ? *length : whole);
    *length = whole;
}

int sockaddr_read_option(const void *storage, int domain, struct usctp_addr *out) {
    struct sockaddr_storage copy;
    uint16_t port;
    memcpy(&copy, storage, sizeof copy);
    if (copy.ss_family == AF_UNSPEC)
        return 0;
    int error = sockaddr_read((const struct sockaddr *)&copy, sizeof copy, domain, out, &port);
    if (error != 0)
        return error;
    return addr_is_any(out) ? 0 : 1;
}
