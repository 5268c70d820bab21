/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The simulated one-way link. Everything happens in virtual time and is decided when a packet is
 * offered: its arrival time and whether it arrives, twice or damaged. What is under way waits in a
 * binary heap ordered by arrival time, then by sequence.
 *
 * Each packet takes the same number of values from the link's generator whatever the options are,
 * so that switching one impairment on does not move the decisions of the others. Nothing here uses
 * libc beyond memcpy and memset: the link runs where the engine runs.
 */
#include "net/simulated_link.h"

#include <string.h>
#include <sys/queue.h>

#define DEFAULT_QUEUE_PACKETS 1000u
#define FIRST_HEAP_ITEMS      64u
#define US_PER_S              1000000u
#define IPV4_HEADER_BYTES     20u
#define IPV6_HEADER_BYTES     40u
#define UDP_HEADER_BYTES      8u

/* The values that one packet takes, in this order. */
enum draw {
    DRAW_BURST,
    DRAW_LOSS,
    DRAW_JITTER,
    DRAW_REORDER,
    DRAW_CORRUPT,
    DRAW_WHERE,
    DRAW_DUPLICATE,
    DRAW_COUNT
};

struct in_flight {
    STAILQ_ENTRY(in_flight) in_queue;
    uint64_t departure_us, arrival_us, sequence;
    struct usctp_packet packet; /* data: the bytes behind this struct */
    uint8_t bytes[];
};

STAILQ_HEAD(departures, in_flight);

struct simulated_link {
    struct env *env;
    struct simulated_link_options options;
    struct simulated_link_counters counters;
    uint64_t random_state;
    uint64_t sequence;
    uint64_t busy_until_us,
        busy_remainder;       /* when the last bit leaves, and what rounding left of it */
    uint64_t last_arrival_us; /* of what keeps the order */
    struct departures
        departures; /* what has not left yet, oldest first; its items are in the heap too */
    size_t queued;
    struct in_flight **heap;
    size_t heap_count, heap_capacity;
    bool is_cut, in_burst;
};

/* splitmix64: a counter behind a mixing function; every seed is as good as another. */
static uint64_t random_next(struct simulated_link *link) {
    uint64_t z = link->random_state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static bool happens(uint64_t value, double probability) {
    return (double)(value >> 11) * 0x1p-53 < probability;
}

static uint64_t add_saturated(uint64_t a, uint64_t b) {
    uint64_t sum = a + b;
    return sum < a || sum == USCTP_NEVER ? USCTP_NEVER - 1 : sum;
}

static bool arrives_before(const struct in_flight *a, const struct in_flight *b) {
    if (a->arrival_us != b->arrival_us)
        return a->arrival_us < b->arrival_us;
    return a->sequence < b->sequence;
}

static bool heap_reserve(struct simulated_link *link, size_t more) {
    if (link->heap_capacity - link->heap_count >= more)
        return true;
    size_t capacity = link->heap_capacity ? link->heap_capacity * 2 : FIRST_HEAP_ITEMS;
    struct in_flight **heap = env_allocate_raw(link->env, capacity * sizeof(struct in_flight *));
    if (!heap)
        return false;
    if (link->heap_count)
        memcpy(heap, link->heap, link->heap_count * sizeof(struct in_flight *));
    env_release(link->env, link->heap, link->heap_capacity * sizeof(struct in_flight *));
    link->heap = heap;
    link->heap_capacity = capacity;
    return true;
}

static void heap_push(struct simulated_link *link, struct in_flight *item) {
    size_t at = link->heap_count++;
    while (at > 0 && arrives_before(item, link->heap[(at - 1) / 2])) {
        link->heap[at] = link->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    link->heap[at] = item;
}

static struct in_flight *heap_pop(struct simulated_link *link) {
    struct in_flight *first = link->heap[0];
    struct in_flight *moved = link->heap[--link->heap_count];
    size_t at = 0, n = link->heap_count;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= n)
            break;
        if (child + 1 < n && arrives_before(link->heap[child + 1], link->heap[child]))
            child++;
        if (!arrives_before(link->heap[child], moved))
            break;
        link->heap[at] = link->heap[child];
        at = child;
    }
    if (n > 0)
        link->heap[at] = moved;
    return first;
}

static void release_item(struct simulated_link *link, struct in_flight *item) {
    env_release(link->env, item, sizeof *item + item->packet.length);
}

struct simulated_link *
simulated_link_new(struct env *env, const struct simulated_link_options *options, uint64_t seed) {
    struct simulated_link *link = env_allocate(env, sizeof *link);
    if (!link)
        return NULL;
    link->env = env;
    link->random_state = seed;
    STAILQ_INIT(&link->departures);
    simulated_link_set_options(link, options);
    return link;
}

void simulated_link_delete(struct simulated_link *link) {
    if (!link)
        return;
    for (size_t i = 0; i < link->heap_count; i++)
        release_item(link, link->heap[i]);
    env_release(link->env, link->heap, link->heap_capacity * sizeof(struct in_flight *));
    env_release(link->env, link, sizeof *link);
}

void simulated_link_set_options(struct simulated_link *link,
                                const struct simulated_link_options *options) {
    link->options = *options;
    if (link->options.queue_packets == 0)
        link->options.queue_packets = DEFAULT_QUEUE_PACKETS;
    if (options->burst_loss_start <= 0 || options->burst_loss_end <= 0)
        link->in_burst = false;
}

void simulated_link_cut(struct simulated_link *link, bool is_cut) {
    link->is_cut = is_cut;
}

/* Bytes on the link: IP header, UDP header if there is one, SCTP packet. */
static uint64_t wire_bytes(const struct usctp_packet *packet) {
    uint64_t bytes = packet->length;
    if (packet->destination.family == USCTP_FAMILY_IPV4)
        bytes += IPV4_HEADER_BYTES;
    else if (packet->destination.family == USCTP_FAMILY_IPV6)
        bytes += IPV6_HEADER_BYTES;
    return packet->udp_destination ? bytes + UDP_HEADER_BYTES : bytes;
}

/* Forgets the departures that have happened. */
static void let_depart(struct simulated_link *link, uint64_t now_us) {
    struct in_flight *item;
    while ((item = STAILQ_FIRST(&link->departures)) != NULL && item->departure_us <= now_us) {
        STAILQ_REMOVE_HEAD(&link->departures, in_queue);
        link->queued--;
    }
}

/* Two states: while in a burst everything is lost. */
static bool is_lost(struct simulated_link *link, const uint64_t draw[DRAW_COUNT]) {
    const struct simulated_link_options *o = &link->options;
    if (o->burst_loss_start > 0 && o->burst_loss_end > 0)
        link->in_burst = link->in_burst ? !happens(draw[DRAW_BURST], o->burst_loss_end)
                                        : happens(draw[DRAW_BURST], o->burst_loss_start);
    return link->in_burst || happens(draw[DRAW_LOSS], o->loss);
}

/* Puts the packet behind what is being sent. Returns when its last bit leaves. */
static uint64_t serialise(struct simulated_link *link, uint64_t bytes, uint64_t now_us) {
    uint64_t rate = link->options.rate_bytes_per_s;
    if (link->busy_until_us < now_us || rate == 0) {
        link->busy_until_us = now_us;
        link->busy_remainder = 0;
    }
    if (rate == 0)
        return now_us;
    uint64_t work = bytes * US_PER_S + link->busy_remainder;
    link->busy_until_us = add_saturated(link->busy_until_us, work / rate);
    link->busy_remainder = work % rate;
    /* A packet that is done within a microsecond still takes its turn: the part of one counts as a
     * whole. */
    return add_saturated(link->busy_until_us, link->busy_remainder ? 1 : 0);
}

static uint64_t arrival_time(struct simulated_link *link, uint64_t departure_us,
                             const uint64_t draw[DRAW_COUNT]) {
    const struct simulated_link_options *o = &link->options;
    uint64_t arrival = add_saturated(departure_us, o->delay_us);
    if (o->jitter_us == UINT64_MAX)
        arrival = USCTP_NEVER - 1;
    else
        arrival = add_saturated(arrival, draw[DRAW_JITTER] % (o->jitter_us + 1));
    if (arrival < link->last_arrival_us)
        arrival = link->last_arrival_us;
    if (happens(draw[DRAW_REORDER], o->reordering)) {
        link->counters.reordered++;
        return add_saturated(arrival, o->reordering_us);
    }
    link->last_arrival_us = arrival;
    return arrival;
}

static struct in_flight *copy_packet(struct simulated_link *link,
                                     const struct usctp_packet *packet) {
    if (!heap_reserve(link, 1))
        return NULL;
    struct in_flight *item = env_allocate_raw(link->env, sizeof *item + packet->length);
    if (!item)
        return NULL;
    memset(item, 0, sizeof *item);
    item->packet = *packet;
    item->packet.data = NULL;
    item->packet.segment_size = 0;
    item->packet.not_before_us = 0;
    item->packet.flags &= USCTP_PACKET_CHECKSUM_VERIFIED;
    item->sequence = link->sequence++;
    if (packet->length)
        memcpy(item->bytes, packet->data, packet->length);
    return item;
}

/* Flips one to eight bits of one byte. */
static void corrupt(struct in_flight *item, uint64_t where) {
    uint8_t mask = (uint8_t)(where >> 56);
    item->bytes[(where & 0xffffffffu) % item->packet.length] ^= mask ? mask : 1;
    item->packet.flags = 0;
}

static void duplicate(struct simulated_link *link, struct in_flight *item) {
    struct usctp_packet packet = item->packet;
    packet.data = item->bytes;
    struct in_flight *copy = copy_packet(link, &packet);
    if (!copy)
        return;
    copy->departure_us = item->departure_us;
    copy->arrival_us = item->arrival_us;
    link->counters.duplicated++;
    heap_push(link, copy);
}

void simulated_link_send(struct simulated_link *link, const struct usctp_packet *packet,
                         uint64_t now_us) {
    const struct simulated_link_options *o = &link->options;
    uint64_t draw[DRAW_COUNT];
    for (int i = 0; i < DRAW_COUNT; i++)
        draw[i] = random_next(link);
    let_depart(link, now_us);
    link->counters.offered++;
    if (link->is_cut) {
        link->counters.cut++;
        return;
    }
    uint64_t bytes = wire_bytes(packet);
    bool may_fragment = (packet->flags & USCTP_PACKET_MAY_FRAGMENT) != 0;
    if (packet->length > USCTP_MAX_PACKET_BYTES ||
        (o->mtu_bytes && bytes > o->mtu_bytes && !may_fragment)) {
        link->counters.too_big++;
        return;
    }
    if (is_lost(link, draw)) {
        link->counters.lost++;
        return;
    }
    struct in_flight *item = link->queued < o->queue_packets ? copy_packet(link, packet) : NULL;
    if (!item) {
        link->counters.queue_drops++;
        return;
    }
    item->departure_us = serialise(link, bytes, now_us);
    item->arrival_us = arrival_time(link, item->departure_us, draw);
    if (item->departure_us > now_us) {
        STAILQ_INSERT_TAIL(&link->departures, item, in_queue);
        link->queued++;
    }
    heap_push(link, item);
    if (happens(draw[DRAW_CORRUPT], o->corruption) && item->packet.length > 0) {
        corrupt(item, draw[DRAW_WHERE]);
        link->counters.corrupted++;
    }
    if (happens(draw[DRAW_DUPLICATE], o->duplication))
        duplicate(link, item);
}

uint64_t simulated_link_next(const struct simulated_link *link) {
    return link->heap_count ? link->heap[0]->arrival_us : USCTP_NEVER;
}

bool simulated_link_receive(struct simulated_link *link, struct usctp_packet *packet,
                            uint8_t *memory, uint64_t now_us) {
    if (simulated_link_next(link) > now_us)
        return false;
    let_depart(link, now_us);
    struct in_flight *item = heap_pop(link);
    *packet = item->packet;
    packet->data = memory;
    if (packet->length)
        memcpy(memory, item->bytes, packet->length);
    release_item(link, item);
    link->counters.delivered++;
    return true;
}

const struct simulated_link_counters *simulated_link_counters(const struct simulated_link *link) {
    return &link->counters;
}
