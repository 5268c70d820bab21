/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Invariants of engines under a fuzzer; see fuzz_check.h.
 */
#include "support/fuzz_check.h"

#include "assoc/association.h"

#define CRC_EVERY 16u /* one packet in so many has its checksum verified, bit by bit */

static uint32_t header_bytes(const struct usctp_packet *packet) {
    uint32_t ip = packet->destination.family == USCTP_FAMILY_IPV6 ? 40 : 20;
    return packet->udp_destination != 0 ? ip + 8 : ip;
}

const struct read_packet *fuzz_check_packet(const struct usctp_engine *engine, int32_t assoc,
                                            const struct usctp_packet *packet, uint32_t mtu) {
    static struct read_packet read;
    static unsigned count;
    struct usctp_path_status path;
    const char *wrong =
        reader_packet(&read, packet->data, packet->length, count++ % CRC_EVERY == 0);
    if (wrong)
        test_fail(__FILE__, __LINE__, "a packet that RFC 9260 forbids: %s", wrong);
    REQUIRE(packet->destination.family != USCTP_FAMILY_NONE);
    int index = assoc != 0 ? usctp_path_find(engine, assoc, &packet->destination) : -1;
    if (index >= 0 && usctp_path_status(engine, assoc, (uint32_t)index, &path) == 0)
        mtu = packet->flags & USCTP_PACKET_PROBE ? path.pmtu_max_bytes : path.pmtu_bytes;
    if (!(packet->flags & USCTP_PACKET_MAY_FRAGMENT))
        REQUIRE(packet->length + header_bytes(packet) <= mtu);
    return &read;
}

static bool is_shutting_down(const struct assoc *a) {
    return a->state == USCTP_SHUTDOWN_SENT || a->state == USCTP_SHUTDOWN_ACK_SENT;
}

static bool is_setting_up(const struct assoc *a) {
    return a->state == USCTP_COOKIE_WAIT || a->state == USCTP_COOKIE_ECHOED;
}

static void check_paths(const struct usctp_engine *engine, const struct assoc *a,
                        const struct usctp_assoc_status *status) {
    uint64_t in_flight = 0;
    bool has_timer = timer_is_running(&engine->output_timer); /* memory is short */
    for (uint32_t i = 0; i < a->path_count; i++) {
        struct usctp_path_status path;
        const struct path *p = a->paths[i];
        REQUIRE_EQ(usctp_path_status(engine, a->id, i, &path), 0);
        REQUIRE(p->assoc == a && p->index == i);
        in_flight += path.in_flight_bytes;
        REQUIRE(path.cwnd_bytes > 0 && path.pmtu_bytes >= 512);
        REQUIRE(p->error_count <= p->path_max_retrans + 1u || p->state != USCTP_PATH_STATE_ACTIVE);
        has_timer = has_timer || timer_is_running(&p->t3);
        if (path.in_flight_bytes > 0) /* 6.3.2 R1 */
            REQUIRE(timer_is_running(&p->t3));
    }
    REQUIRE_EQ(in_flight, status->in_flight_bytes);
    if (status->unacknowledged_chunks == 0)
        REQUIRE_EQ(status->in_flight_bytes, 0);
    /* What waits to be sent or acknowledged does not wait for ever. */
    if (association_may_send_data(a) &&
        (status->unacknowledged_chunks > 0 || status->unsent_bytes > 0) && !has_timer)
        test_fail(
            __FILE__, __LINE__,
            "%s, %u chunks unacknowledged, %llu bytes unsent, %u of the peer's window, pending "
            "%#x, and no timer runs",
            state_name(status->state), (unsigned)status->unacknowledged_chunks,
            (unsigned long long)status->unsent_bytes, (unsigned)status->peer_rwnd_bytes,
            (unsigned)a->pending);
}

void fuzz_check_assoc(const struct usctp_engine *engine, int32_t id) {
    const struct assoc *a = id != 0 ? association_by_id(engine, id) : NULL;
    struct usctp_assoc_status status;
    if (!a)
        return;
    REQUIRE_EQ(usctp_assoc_status(engine, id, &status), 0);
    REQUIRE_EQ(a->has_ended, a->state == USCTP_CLOSED);
    REQUIRE(status.local_rwnd_bytes <= a->config->receive_buffer_bytes);
    if (a->has_ended) {
        REQUIRE_EQ(status.in_flight_bytes, 0);
        return;
    }
    REQUIRE(a->path_count >= 1 && a->path_count <= USCTP_MAX_ADDRESSES);
    REQUIRE(a->primary < a->path_count && a->data_path < a->path_count);
    REQUIRE_EQ(timer_is_running(&a->t1), is_setting_up(a));
    REQUIRE_EQ(timer_is_running(&a->t2), is_shutting_down(a));
    if (is_shutting_down(a))
        REQUIRE_EQ(status.unacknowledged_chunks + status.unsent_bytes, 0);
    if (a->packets_unacknowledged > 0) /* 6.2 */
        REQUIRE(timer_is_running(&a->sack_timer));
    check_paths(engine, a, &status);
}

void fuzz_check_engine(const struct usctp_engine *engine, uint64_t now_us) {
    struct usctp_engine_counters counters;
    REQUIRE(timers_check(&engine->timers));
    REQUIRE(usctp_engine_next_deadline(engine) > now_us);
    usctp_engine_counters(engine, &counters);
    REQUIRE(counters.associations <= engine->config.max_associations);
}
