/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two rtnetlink sockets: one that is told of changes, one for questions, so that an answer is never
 * behind notifications.
 */
#include "net/host_network.h"

#include "net/netlink_socket.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define MAX_ENTRIES         65536u  /* addresses, and links, of one host */
#define MAX_ANSWER_READS    100000u /* datagrams of one dump */
#define MAX_DUMP_ATTEMPTS   4u      /* when the tables change under the dump */
#define MAX_NOTIFY_READS    1024u   /* datagrams of one refresh */
#define NOTIFY_BUFFER_BYTES (1 << 20)
#define ROUTE_SLOTS         512u
#define KEY_BYTES           24u
#define IPV4_MTU_LIMIT      65535u         /* total length is 16 bits */
#define IPV6_MTU_LIMIT      (65535u + 40u) /* payload length is */

struct route {
    bool is_known;
    uint8_t destination[KEY_BYTES], asked_source[KEY_BYTES];
    int error;
    struct usctp_addr source;
    uint32_t mtu_bytes, interface_index;
};

struct host_network {
    struct netlink_socket notices, questions;
    uint32_t mark, device_index;
    struct usctp_local_address *addresses;
    size_t address_count;
    struct netlink_link *links;
    size_t link_count;
    struct route routes[ROUTE_SLOTS];
    uint8_t buffer[NETLINK_SOCKET_BUFFER_BYTES]; /* of both */
};

/* What a dump is collected into. */
struct table {
    uint16_t type;
    void *entries;
    size_t entry_bytes, count, capacity;
    int error;
};

/* Returns where the next entry goes, or NULL with the error noted. */
static void *add_entry(struct table *table) {
    if (table->count == table->capacity) {
        size_t capacity = table->capacity ? table->capacity * 2 : 16;
        void *entries =
            capacity <= MAX_ENTRIES ? realloc(table->entries, capacity * table->entry_bytes) : NULL;
        if (!entries) {
            table->error = -ENOMEM;
            return NULL;
        }
        table->entries = entries;
        table->capacity = capacity;
    }
    return (uint8_t *)table->entries + table->entry_bytes * table->count++;
}

static void collect(struct table *table, const struct netlink_message *message) {
    if (table->type == RTM_GETADDR) {
        struct usctp_local_address address, *entry;
        if (netlink_parse_address(message, &address) && (entry = add_entry(table)) != NULL)
            memcpy(entry, &address, sizeof address); /* with its padding: entries are compared */
    } else {
        struct netlink_link link, *entry;
        if (netlink_parse_link(message, &link) && (entry = add_entry(table)) != NULL)
            *entry = link;
    }
}

/* Reads one dump to its end. Returns 0, -EINTR (the tables changed under it) or another negative
 * errno. */
static int read_dump(struct host_network *network, struct table *table) {
    bool interrupted = false;
    for (unsigned i = 0; i < MAX_ANSWER_READS; i++) {
        int bytes = netlink_socket_read(&network->questions);
        if (bytes < 0)
            return bytes;
        struct netlink_cursor cursor = {network->buffer, network->buffer + bytes};
        struct netlink_message message;
        while (netlink_next(&cursor, &message)) {
            if (message.header.nlmsg_seq != network->questions.sequence)
                continue;
            if (message.header.nlmsg_flags & NLM_F_DUMP_INTR)
                interrupted = true;
            if (message.header.nlmsg_type == NLMSG_ERROR) {
                int error = netlink_parse_error(&message);
                return error ? error : -EBADMSG;
            }
            if (message.header.nlmsg_type == NLMSG_DONE)
                return interrupted ? -EINTR : table->error;
            collect(table, &message);
        }
    }
    return -EMSGSIZE;
}

static int dump(struct host_network *network, struct table *table) {
    int error = -EINTR;
    for (unsigned i = 0; i < MAX_DUMP_ATTEMPTS && error == -EINTR; i++) {
        uint8_t request[NETLINK_REQUEST_BYTES];
        table->count = 0;
        table->error = 0;
        size_t bytes = netlink_write_dump(request, table->type, ++network->questions.sequence);
        error = netlink_socket_ask(&network->questions, request, bytes);
        if (!error)
            error = read_dump(network, table);
    }
    /* After that many interruptions what was read is better than nothing: the notification of the
     * change is on its way. */
    return error == -EINTR ? table->error : error;
}

static uint32_t link_mtu(const struct netlink_link *links, size_t n, uint32_t index, bool ipv4) {
    for (size_t i = 0; i < n; i++) {
        if (links[i].index != index)
            continue;
        uint32_t mtu = links[i].mtu_bytes, limit = ipv4 ? IPV4_MTU_LIMIT : IPV6_MTU_LIMIT;
        if (!ipv4 && links[i].ipv6_mtu_bytes && (!mtu || links[i].ipv6_mtu_bytes < mtu))
            mtu = links[i].ipv6_mtu_bytes;
        return mtu < limit ? mtu : limit;
    }
    return 0;
}

/* With a device, its own addresses are what counts; one without any (a VRF's) leaves all. */
static size_t keep_device(struct usctp_local_address *addresses, size_t n, uint32_t device) {
    size_t kept = 0;
    if (device == 0)
        return n;
    for (size_t i = 0; i < n; i++)
        kept += addresses[i].interface_index == device;
    if (kept == 0)
        return n;
    kept = 0;
    for (size_t i = 0; i < n; i++)
        if (addresses[i].interface_index == device)
            addresses[kept++] = addresses[i];
    return kept;
}

/* Reads addresses and links. Returns 1 when they are not as before, 0, or a negative errno (what
 * was known then stays). */
static int read_tables(struct host_network *network) {
    struct table links = {.type = RTM_GETLINK, .entry_bytes = sizeof(struct netlink_link)};
    struct table found = {.type = RTM_GETADDR, .entry_bytes = sizeof(struct usctp_local_address)};
    int error = dump(network, &links);
    if (!error)
        error = dump(network, &found);
    if (error) {
        free(links.entries);
        free(found.entries);
        return error;
    }
    struct usctp_local_address *addresses = found.entries;
    size_t n = addresses ? keep_device(addresses, found.count, network->device_index) : 0;
    for (size_t i = 0; i < n; i++)
        addresses[i].mtu_bytes = link_mtu(links.entries, links.count, addresses[i].interface_index,
                                          addresses[i].address.family == USCTP_FAMILY_IPV4);
    bool same = n == network->address_count && links.count == network->link_count;
    if (same && n > 0)
        same = memcmp(addresses, network->addresses, n * sizeof *addresses) == 0;
    if (same && links.count > 0)
        same = memcmp(links.entries, network->links, links.count * sizeof *network->links) == 0;
    free(network->links);
    network->links = links.entries;
    network->link_count = links.count;
    if (same) {
        free(addresses);
        return 0;
    }
    free(network->addresses);
    network->addresses = addresses;
    network->address_count = n;
    return 1;
}

int host_network_new(struct host_network **out, const char *device, uint32_t mark) {
    struct host_network *network = calloc(1, sizeof *network);
    if (!network)
        return -ENOMEM;
    network->mark = mark;
    network->questions.fd = -1;
    int result = netlink_socket_open(&network->notices,
                                     RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR |
                                         RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE,
                                     network->buffer);
    if (result >= 0)
        result = netlink_socket_open(&network->questions, 0, network->buffer);
    if (result >= 0 && device) {
        network->device_index = if_nametoindex(device);
        result = network->device_index ? 0 : -ENODEV;
    }
    if (result >= 0) {
        int bytes = NOTIFY_BUFFER_BYTES;
        setsockopt(network->notices.fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
        result = read_tables(network);
    }
    if (result < 0) {
        host_network_delete(network);
        return result;
    }
    *out = network;
    return 0;
}

void host_network_delete(struct host_network *network) {
    if (!network)
        return;
    netlink_socket_close(&network->notices);
    netlink_socket_close(&network->questions);
    free(network->addresses);
    free(network->links);
    free(network);
}

int host_network_descriptor(const struct host_network *network) {
    return network->notices.fd;
}

const struct usctp_local_address *host_network_addresses(const struct host_network *network,
                                                         size_t *n) {
    *n = network->address_count;
    return network->addresses;
}

static void forget_routes(struct host_network *network) {
    for (size_t i = 0; i < ROUTE_SLOTS; i++)
        network->routes[i].is_known = false;
}

bool host_network_refresh(struct host_network *network) {
    bool tables = false, routes = false;
    for (unsigned i = 0; i < MAX_NOTIFY_READS; i++) {
        int bytes = netlink_socket_read(&network->notices);
        if (bytes == -EAGAIN)
            break;
        if (bytes < 0) /* ENOBUFS: notifications were lost */
            tables = routes = true;
        struct netlink_cursor cursor = {network->buffer, network->buffer + (bytes > 0 ? bytes : 0)};
        struct netlink_message message;
        while (netlink_next(&cursor, &message)) {
            uint16_t type = message.header.nlmsg_type;
            if (!netlink_is_change(&message))
                continue;
            if (type == RTM_NEWROUTE || type == RTM_DELROUTE)
                routes = true;
            else
                tables = true;
        }
    }
    if (!tables && !routes)
        return false;
    forget_routes(network);
    return (tables && read_tables(network) != 0) || routes;
}

/* An address as bytes that can be compared and hashed. */
static void make_key(uint8_t key[KEY_BYTES], const struct usctp_addr *address) {
    memset(key, 0, KEY_BYTES);
    memcpy(key, &address->family, sizeof address->family);
    memcpy(key + 4, &address->scope_id, sizeof address->scope_id);
    if (address->family == USCTP_FAMILY_IPV4)
        memcpy(key + 8, address->ipv4, sizeof address->ipv4);
    else if (address->family == USCTP_FAMILY_IPV6)
        memcpy(key + 8, address->ipv6, sizeof address->ipv6);
}

/* The only slot that a pair of addresses can be in; a newcomer displaces who is there. */
static struct route *slot_of(struct host_network *network, const uint8_t *to, const uint8_t *from) {
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < KEY_BYTES; i++)
        hash = ((hash ^ to[i]) * 16777619u ^ from[i]) * 16777619u;
    return &network->routes[(hash ^ hash >> 16) % ROUTE_SLOTS];
}

static int ask_route(struct host_network *network, const struct netlink_question *question,
                     struct netlink_route *answer) {
    uint8_t request[NETLINK_REQUEST_BYTES];
    struct netlink_message message;
    size_t bytes = netlink_write_route(request, question, ++network->questions.sequence);
    int error = netlink_socket_question(&network->questions, request, bytes, &message);
    return error ? error : netlink_parse_route(&message, answer);
}

static void look_up(struct host_network *network, struct route *route,
                    const struct usctp_addr *destination, const struct usctp_addr *source) {
    struct netlink_question question = {destination, source, destination->scope_id, network->mark};
    struct netlink_route answer = {0};
    if (question.interface_index == 0)
        question.interface_index = network->device_index;
    route->error = ask_route(network, &question, &answer);
    route->source = source->family == USCTP_FAMILY_NONE ? answer.preferred_source : *source;
    route->interface_index = answer.interface_index;
    bool ipv4 = destination->family == USCTP_FAMILY_IPV4;
    uint32_t mtu = link_mtu(network->links, network->link_count, answer.interface_index, ipv4);
    if (answer.mtu_bytes && (!mtu || answer.mtu_bytes < mtu))
        mtu = answer.mtu_bytes;
    route->mtu_bytes = mtu;
}

int host_network_route(struct host_network *network, const struct usctp_addr *destination,
                       struct usctp_addr *source, uint32_t *mtu_bytes, uint32_t *interface_index) {
    uint8_t to[KEY_BYTES], from[KEY_BYTES];
    make_key(to, destination);
    make_key(from, source);
    struct route *route = slot_of(network, to, from);
    if (!route->is_known || memcmp(route->destination, to, KEY_BYTES) != 0 ||
        memcmp(route->asked_source, from, KEY_BYTES) != 0) {
        look_up(network, route, destination, source);
        memcpy(route->destination, to, KEY_BYTES);
        memcpy(route->asked_source, from, KEY_BYTES);
        /* A routing table without a way is an answer; a failed question is not. */
        route->is_known =
            route->error == 0 || route->error == -ENETUNREACH || route->error == -EHOSTUNREACH;
    }
    if (route->error)
        return route->error;
    *source = route->source;
    *mtu_bytes = route->mtu_bytes;
    *interface_index = route->interface_index;
    return 0;
}
