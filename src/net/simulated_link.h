/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A simulated one-way link in virtual time: rate, delay, jitter, loss (random and bursty),
 * reordering, duplication, corruption, a bounded queue, an MTU, and cuts. Deterministic from its
 * seed. It moves copies of packets and knows nothing of SCTP.
 *
 * A packet's way: cut? -> MTU? -> lost? -> queue full? -> serialisation at the rate -> delay (+
 * jitter, + reordering) -> corrupted? duplicated? -> out in order of arrival time.
 */
#ifndef NET_SIMULATED_LINK_H
#define NET_SIMULATED_LINK_H

#include "core/env.h"

struct simulated_link_options {
    uint64_t rate_bytes_per_s; /* 0 = unlimited */
    uint64_t delay_us,
        jitter_us; /* jitter: uniform in [0, jitter_us], order kept unless reordered */
    double loss;   /* probability, 0..1 */
    double burst_loss_start, burst_loss_end; /* two-state model: probabilities of entering and
                                                leaving a burst; 0 = none */
    double reordering; /* probability that a packet is held back by reordering_us */
    uint64_t reordering_us;
    double duplication, corruption;
    size_t queue_packets; /* 0 = 1000 */
    uint32_t mtu_bytes;   /* 0 = unlimited; compared with IP header + SCTP packet */
};

struct simulated_link_counters {
    uint64_t offered, delivered, lost, cut, queue_drops, too_big, duplicated, corrupted, reordered;
};

struct simulated_link;

struct simulated_link *
simulated_link_new(struct env *env, const struct simulated_link_options *options, uint64_t seed);
void simulated_link_delete(struct simulated_link *link);
void simulated_link_set_options(struct simulated_link *link,
                                const struct simulated_link_options *options);
/* While cut, what is offered is lost; what is under way arrives. */
void simulated_link_cut(struct simulated_link *link, bool is_cut);
/* Offers one packet (not a run); it is copied. */
void simulated_link_send(struct simulated_link *link, const struct usctp_packet *packet,
                         uint64_t now_us);
/* When the next packet arrives, or USCTP_NEVER. */
uint64_t simulated_link_next(const struct simulated_link *link);
/* Takes a packet that has arrived by now_us: fills *packet, whose data goes to memory (of
   USCTP_MAX_PACKET_BYTES). Returns false when none has. */
bool simulated_link_receive(struct simulated_link *link, struct usctp_packet *packet,
                            uint8_t *memory, uint64_t now_us);
const struct simulated_link_counters *simulated_link_counters(const struct simulated_link *link);

#endif
