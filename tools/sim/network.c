/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The network: a pair of simulated links for each path, the changes that the scenario makes to
 * them and to the hosts, and a router on the way that tells the sender when a packet is too big
 * (RFC 9260 10, RFC 1191).
 */
#include "sim/world.h"

#include <string.h>

#define MAX_QUOTED_BYTES 500u /* RFC 1812 4.3.2.3: an ICMP error is at most 576 bytes */

enum { PURPOSE_LINK = 3 };

void network_open(struct world *w) {
    struct network *n = &w->network;
    n->env.given.allocator = w->host[0].environment.allocator;
    for (unsigned from = 0; from < 2; from++)
        for (unsigned i = 0; i < w->scenario->path_count; i++) {
            n->options[from][i] = w->scenario->paths[i].link[from];
            n->link[from][i] = simulated_link_new(&n->env, &n->options[from][i],
                                                  world_seed(w, PURPOSE_LINK, from * 16 + i));
            if (n->link[from][i] == NULL)
                world_memory(SIZE_MAX, SIZE_MAX);
        }
}

void network_close(struct world *w) {
    for (unsigned from = 0; from < 2; from++)
        for (unsigned i = 0; i < w->scenario->path_count; i++)
            simulated_link_delete(w->network.link[from][i]);
}

/* Returns false for a change that is a link's. */
static bool change_host(struct world *w, const struct scenario_change *change) {
    if (change->setting.key == SCENARIO_STOP)
        host_crash(&w->host[change->from]);
    else if (change->setting.key == SCENARIO_START)
        host_reboot(&w->host[change->from]);
    else
        return false;
    return true;
}

static void change_link(struct world *w, unsigned from, const struct scenario_change *change) {
    struct simulated_link *link = w->network.link[from][change->path];
    struct simulated_link_options *options = &w->network.options[from][change->path];
    if (change->setting.key == SCENARIO_CUT || change->setting.key == SCENARIO_REPAIR) {
        simulated_link_cut(link, change->setting.key == SCENARIO_CUT);
        return;
    }
    scenario_apply(&change->setting, options);
    simulated_link_set_options(link, options);
}

void network_change(struct world *w) {
    const struct scenario *s = w->scenario;
    for (unsigned *next = &w->network.next_change;
         *next < s->change_count && s->changes[*next].at_us <= world_time_us(w); ++*next) {
        const struct scenario_change *change = &s->changes[*next];
        if (change_host(w, change))
            continue;
        for (unsigned from = 0; from < 2; from++)
            if (change->from == SCENARIO_NO_HOST || change->from == from)
                change_link(w, from, change);
    }
}

uint64_t network_next(const struct world *w) {
    const struct scenario *s = w->scenario;
    uint64_t next = USCTP_NEVER;
    if (w->network.next_change < s->change_count)
        next = WORLD_START_US + s->changes[w->network.next_change].at_us;
    for (unsigned from = 0; from < 2; from++)
        for (unsigned i = 0; i < s->path_count; i++) {
            uint64_t arrival = simulated_link_next(w->network.link[from][i]);
            next = arrival < next ? arrival : next;
        }
    return next;
}

static bool same(const struct usctp_addr *a, const struct usctp_addr *b) {
    return a->family == b->family &&
           memcmp(a->ipv6, b->ipv6, a->family == USCTP_FAMILY_IPV4 ? 4 : 16) == 0;
}

int network_path(const struct world *w, unsigned from, const struct usctp_addr *source,
                 const struct usctp_addr *destination) {
    int found = -1;
    for (unsigned i = 0; i < w->scenario->path_count; i++) {
        const struct scenario_path *path = &w->scenario->paths[i];
        if (!same(&path->address[1 - from], destination))
            continue;
        if (same(&path->address[from], source))
            return (int)i;
        if (found < 0) /* a router looks at the destination alone */
            found = (int)i;
    }
    return found;
}

static uint32_t header_bytes(const struct usctp_packet *packet) {
    return packet->destination.family == USCTP_FAMILY_IPV6 ? 40 : 20;
}

static void tell_too_big(struct world *w, unsigned from, unsigned path,
                         const struct usctp_packet *packet) {
    uint32_t mtu = w->network.options[from][path].mtu_bytes;
    if (!w->scenario->paths[path].icmp || packet->length + header_bytes(packet) <= mtu ||
        (packet->flags & USCTP_PACKET_MAY_FRAGMENT) != 0)
        return;
    struct usctp_icmp icmp = {
        .kind = USCTP_ICMP_PACKET_TOO_BIG,
        .destination = packet->destination,
        .mtu_bytes = mtu,
        .quoted = packet->data,
        .quoted_bytes = packet->length < MAX_QUOTED_BYTES ? packet->length : MAX_QUOTED_BYTES,
    };
    usctp_engine_icmp(w->host[from].engine, &icmp, w->now_us);
}

void network_send(struct world *w, unsigned from, const struct usctp_packet *packet) {
    struct usctp_packet sent = *packet;
    int path = network_path(w, from, &packet->source, &packet->destination);
    w->packets++;
    check_destination(w, from, packet);
    if (path < 0) {
        w->network.unrouted++;
        return;
    }
    if (sent.source.family == USCTP_FAMILY_NONE)
        sent.source = w->scenario->paths[path].address[from];
    uint64_t too_big = simulated_link_counters(w->network.link[from][path])->too_big;
    simulated_link_send(w->network.link[from][path], &sent, w->now_us);
    if (simulated_link_counters(w->network.link[from][path])->too_big > too_big)
        tell_too_big(w, from, (unsigned)path, &sent);
}

size_t network_receive(struct world *w, unsigned to, struct usctp_packet *packets,
                       uint8_t (*memory)[USCTP_MAX_PACKET_BYTES], size_t n) {
    size_t count = 0;
    for (unsigned i = 0; i < w->scenario->path_count; i++)
        while (count < n && simulated_link_receive(w->network.link[1 - to][i], &packets[count],
                                                   memory[count], w->now_us))
            count++;
    return count;
}
