/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two engines with two paths between them, driven by the input: users that send, read, shut down
 * and abort, time that passes, paths that are cut, packets that are changed on the way, and packets
 * made up by a third party that knows the tags. Whatever happens, nothing traps, the invariants of
 * support/fuzz_check.h hold, and nothing is allocated in the end.
 */
#include "support/fuzz_check.h"
#include "support/two_hosts.h"

#include "chunk/packet.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAX_STEPS 400u

struct input {
    const uint8_t *at, *end;
};

static uint8_t next8(struct input *in) {
    return in->at < in->end ? *in->at++ : 0;
}

/* A packet from the other host with the right tag, whose chunks are the input's. */
static void forge(struct two_hosts *t, unsigned to, struct input *in) {
    uint8_t packet[512];
    size_t bytes = next8(in), left = (size_t)(in->end - in->at);
    struct usctp_assoc_status status;
    if (bytes > left)
        bytes = left;
    if (!t->host[to].engine || usctp_assoc_status(t->host[to].engine, t->host[to].assoc, &status))
        return;
    uint8_t kind = next8(in);
    if (in->at + bytes > in->end)
        bytes = (size_t)(in->end - in->at);
    uint32_t tag = kind & 1 ? 0 : kind & 2 ? status.peer_tag : status.local_tag;
    struct writer w = writer_over(packet, sizeof packet);
    packet_begin(&w, &(struct packet_header){status.peer_port, status.local_port, tag});
    writer_put(&w, in->at, bytes);
    in->at += bytes;
    packet_finish(packet, writer_used(&w));
    const struct usctp_packet p = {.data = packet,
                                   .length = (uint32_t)writer_used(&w),
                                   .source = t->host[!to].addr[kind >> 7],
                                   .destination = t->host[to].addr[kind >> 7]};
    usctp_engine_input(t->host[to].engine, &p, 1, t->now_us);
}

static void send_message(struct two_hosts *t, unsigned from, struct input *in) {
    static uint8_t bytes[20000];
    const struct usctp_send send = {.sid = next8(in) % 12, .flags = next8(in) & 3u};
    const struct usctp_slice slice = {bytes, 1u + 78u * next8(in)};
    if (t->host[from].engine &&
        usctp_assoc_send(t->host[from].engine, t->host[from].assoc, &send, &slice, 1, t->now_us))
        return;
}

static void read_some(struct two_hosts *t, unsigned at, struct input *in) {
    uint8_t bytes[3000];
    struct usctp_received received;
    const struct usctp_slice slice = {bytes, 1u + 11u * next8(in)};
    struct usctp_engine *engine = t->host[at].engine;
    if (!engine)
        return;
    for (int i = 0;
         i < 8 && usctp_assoc_receive(engine, t->host[at].assoc, &received, &slice, 1, 0) >= 0; i++)
        continue;
    usctp_assoc_received(engine, t->host[at].assoc, t->now_us);
}

static void set_links(struct two_hosts *t, struct input *in) {
    const struct simulated_link_options options = {.delay_us = 100u * next8(in),
                                                   .loss = next8(in) / 1024.0,
                                                   .reordering = next8(in) / 512.0,
                                                   .reordering_us = 3000,
                                                   .duplication = next8(in) / 1024.0,
                                                   .corruption = next8(in) / 1024.0,
                                                   .mtu_bytes = next8(in) & 1 ? 1500 : 0};
    hosts_set_links(t, &options);
}

static void tune(struct two_hosts *t, unsigned host, struct input *in) {
    enum usctp_tunable tunable = (enum usctp_tunable)(next8(in) % USCTP_TUNABLE_COUNT);
    uint64_t value = (uint64_t)next8(in) << (next8(in) & 31);
    if (tunable == USCTP_TUNABLE_pmtu_default_bytes && value > 9000)
        value = 9000; /* in larger packets are more chunks than the reader takes */
    (void)usctp_assoc_tune(t->host[host].engine, t->host[host].assoc, tunable, value, t->now_us);
}

static void step(struct two_hosts *t, struct input *in) {
    uint8_t op = next8(in);
    unsigned host = op >> 7;
    struct usctp_engine *engine = t->host[host].engine;
    switch (op & 15) {
    case 0:
        hosts_run_for(t, 1000u * next8(in));
        break;
    case 1:
        hosts_run_for(t, 300000u * next8(in));
        break;
    case 2:
    case 3:
        send_message(t, host, in);
        break;
    case 4:
        read_some(t, host, in);
        break;
    case 5:
    case 6:
    case 7:
        forge(t, host, in);
        break;
    case 8:
        hosts_cut(t, next8(in) & 1, next8(in) & 1);
        break;
    case 9:
        set_links(t, in);
        break;
    case 10:
        (void)usctp_assoc_shutdown(engine, t->host[host].assoc, t->now_us);
        break;
    case 11:
        (void)usctp_assoc_abort(engine, t->host[host].assoc, (const uint8_t *)"x", 1, t->now_us);
        break;
    case 12:
        (void)usctp_path_set_primary(engine, t->host[host].assoc, next8(in) & 1, t->now_us);
        break;
    case 13:
        t->host[host].env.fail_after = next8(in);
        break;
    case 14:
        (void)usctp_path_heartbeat(engine, t->host[host].assoc, next8(in) & 1, t->now_us);
        break;
    case 15:
        tune(t, host, in);
        break;
    }
}

static void check(const struct two_hosts *t) {
    for (unsigned host = 0; host < 2; host++) {
        fuzz_check_engine(t->host[host].engine, t->now_us);
        fuzz_check_assoc(t->host[host].engine, t->host[host].assoc);
    }
}

static void on_packet(struct two_hosts *t, unsigned host, int path,
                      const struct usctp_packet *packet) {
    (void)path;
    (void)fuzz_check_packet(t->host[host].engine, t->host[host].assoc, packet, t->mtu);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct input in = {data, data + size};
    struct two_hosts *t = HOSTS(.paths = 2, .ipv6_paths = 1, .seed = next8(&in), .delay_us = 1000,
                                .no_capture = getenv("REPLAY_VERBOSE") == NULL);
    test_without_check = true;
    t->hooks.on_packet = on_packet;
    host_connect(t, 0, 1u + (next8(&in) & 1u));
    if (next8(&in) & 1)
        hosts_run_for(t, 10000);
    for (unsigned i = 0; i < MAX_STEPS && in.at < in.end; i++) {
        step(t, &in);
        hosts_pump(t);
        check(t);
    }
    t->host[0].env.fail_after = t->host[1].env.fail_after = UINT64_MAX;
    hosts_run_for(t, 1000000);
    hosts_delete(t);
    return 0;
}
