/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Host names to packed socket addresses, and addresses to text.
 */
#include "common/address.h"

#include "common/report.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

static void append(struct address_list *list, const struct addrinfo *found, uint16_t port) {
    if (list->count >= (int)USCTP_MAX_ADDRESSES)
        report_die(REPORT_USAGE, "more than %u addresses", USCTP_MAX_ADDRESSES);
    if (found->ai_family == AF_INET6) {
        struct sockaddr_in6 ipv6;
        memcpy(&ipv6, found->ai_addr, sizeof ipv6);
        ipv6.sin6_port = htons(port);
        memcpy(list->packed + list->bytes, &ipv6, sizeof ipv6);
        list->bytes += sizeof ipv6;
        list->has_ipv6 = true;
    } else {
        struct sockaddr_in ipv4;
        memcpy(&ipv4, found->ai_addr, sizeof ipv4);
        ipv4.sin_port = htons(port);
        memcpy(list->packed + list->bytes, &ipv4, sizeof ipv4);
        list->bytes += sizeof ipv4;
    }
    list->count++;
}

static void resolve_one(const char *host, uint16_t port, struct address_list *out) {
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    int result = getaddrinfo(host, NULL, &hints, &found);
    if (result != 0)
        report_die(REPORT_FAILED, "host not found: %s (%s)", host, gai_strerror(result));
    if (found->ai_family != AF_INET && found->ai_family != AF_INET6)
        report_die(REPORT_FAILED, "%s: neither an IPv4 nor an IPv6 address", host);
    append(out, found, port);
    freeaddrinfo(found);
}

void address_resolve(const char *hosts, uint16_t port, struct address_list *out) {
    memset(out, 0, sizeof *out);
    for (const char *at = hosts;; at++) {
        size_t length = strcspn(at, ",");
        char host[256];
        const char *from = at;
        size_t bytes = length;
        if (bytes >= 2 && at[0] == '[' && at[length - 1] == ']') {
            from = at + 1;
            bytes = length - 2;
        }
        if (bytes == 0 || bytes >= sizeof host)
            report_die(REPORT_USAGE, "not a list of hosts: \"%s\"", hosts);
        memcpy(host, from, bytes);
        host[bytes] = '\0';
        resolve_one(host, port, out);
        at += length;
        if (*at == '\0')
            return;
    }
}

const char *address_text(const struct usctp_addr *address, char text[ADDRESS_TEXT_BYTES]) {
    char name[IF_NAMESIZE];
    if (address->family == USCTP_FAMILY_IPV4) {
        inet_ntop(AF_INET, address->ipv4, text, ADDRESS_TEXT_BYTES);
    } else if (address->family == USCTP_FAMILY_IPV6) {
        inet_ntop(AF_INET6, address->ipv6, text, INET6_ADDRSTRLEN);
        if (address->scope_id != 0 && if_indextoname(address->scope_id, name) != NULL) {
            size_t used = strlen(text);
            snprintf(text + used, ADDRESS_TEXT_BYTES - used, "%%%s", name);
        }
    } else {
        snprintf(text, ADDRESS_TEXT_BYTES, "?");
    }
    return text;
}

const char *address_sockaddr_text(const struct sockaddr *address, char text[ADDRESS_TEXT_BYTES]) {
    struct usctp_addr plain;
    memset(&plain, 0, sizeof plain);
    if (address->sa_family == AF_INET) {
        struct sockaddr_in ipv4;
        memcpy(&ipv4, address, sizeof ipv4);
        plain.family = USCTP_FAMILY_IPV4;
        memcpy(plain.ipv4, &ipv4.sin_addr, sizeof plain.ipv4);
    } else if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 ipv6;
        memcpy(&ipv6, address, sizeof ipv6);
        if (IN6_IS_ADDR_V4MAPPED(&ipv6.sin6_addr)) {
            plain.family = USCTP_FAMILY_IPV4;
            memcpy(plain.ipv4, ipv6.sin6_addr.s6_addr + 12, sizeof plain.ipv4);
        } else {
            plain.family = USCTP_FAMILY_IPV6;
            plain.scope_id = ipv6.sin6_scope_id;
            memcpy(plain.ipv6, &ipv6.sin6_addr, sizeof plain.ipv6);
        }
    }
    return address_text(&plain, text);
}

size_t address_sockaddr_bytes(const struct sockaddr *address) {
    if (address->sa_family == AF_INET)
        return sizeof(struct sockaddr_in);
    if (address->sa_family == AF_INET6)
        return sizeof(struct sockaddr_in6);
    return 0;
}
