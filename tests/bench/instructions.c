/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * instructions CASE: does one thing of the stack a fixed number of times, within calls of
 * measured(), for instructions.sh to count instructions there; without CASE it lists the cases,
 * each with how many times.
 *
 * CRC32c and HMAC are stand-ins here: which code does them depends on the CPU. All else is the
 * stack's own, with numbers from a fixed seed.
 */
#include "assoc/outstanding.h"
#include "assoc/reassembly.h"
#include "chunk/data_chunk.h"
#include "chunk/packet.h"
#include "timer/timer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DATA_BYTES = 1400, TIMERS = 100000, STEPS = 64, PORT = 5000, PACKETS = 64 };

unsigned int crc32_iscsi(unsigned char *data, int bytes, unsigned int crc);
unsigned int crc32_iscsi(unsigned char *data, int bytes, unsigned int crc) {
    return crc ^ (unsigned int)bytes ^ data[0];
}

static uint64_t random_state = 1;

static uint64_t next_random(void) {
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return random_state >> 16;
}

static void *allocate(void *user, size_t bytes) {
    (void)user;
    return malloc(bytes);
}

static void release(void *user, void *memory, size_t bytes) {
    (void)user;
    (void)bytes;
    free(memory);
}

static void fill(void *user, void *out, size_t bytes) {
    (void)user;
    for (size_t i = 0; i < bytes; i++)
        ((uint8_t *)out)[i] = (uint8_t)next_random();
}

static int mac(void *user, const uint8_t *key, size_t key_bytes, const uint8_t *data,
               size_t data_bytes, uint8_t *out) {
    (void)user;
    (void)data;
    memset(out, (int)(data_bytes & 0xff), USCTP_MAC_BYTES);
    memcpy(out, key, key_bytes < USCTP_MAC_BYTES ? key_bytes : USCTP_MAC_BYTES);
    return 0;
}

static const struct usctp_environment environment = {
    .allocator = {.allocate = allocate, .release = release},
    .random = {.fill = fill},
    .crypto = {.hmac_sha256 = mac},
};
static struct env env;
static uint8_t bytes[65536];

static void check(bool is_fine) {
    if (!is_fine)
        abort();
}

/* What instructions.sh counts. */
__attribute__((noinline)) static void measured(void (*act)(uint32_t), uint32_t step) {
    act(step);
    __asm__ volatile("" ::: "memory");
}

static void repeat(void (*act)(uint32_t), uint32_t times) {
    for (uint32_t i = 0; i < times; i++)
        measured(act, i);
}

/* ---- packets --------------------------------------------------------------------------------- */

static void build_packet(uint32_t step) {
    struct writer w = writer_over(bytes, sizeof bytes);
    const struct packet_header header = {.source_port = PORT, .destination_port = PORT, .tag = 1};
    const struct data_chunk data = {
        .tsn = step, .flags = DATA_FLAG_B | DATA_FLAG_E, .payload_bytes = DATA_BYTES};
    packet_begin(&w, &header);
    uint8_t *payload = data_chunk_write(&w, &data);
    check(payload);
    memset(payload, 7, DATA_BYTES);
    packet_finish(bytes, writer_used(&w));
}

static void parse_packet(uint32_t step) {
    struct packet_header header;
    struct chunk chunk;
    struct data_chunk data;
    (void)step;
    check(packet_open(bytes, PACKET_HEADER_BYTES + 16 + DATA_BYTES, true, &header) == PACKET_OK);
    struct tlv_cursor cursor = tlv_over(bytes + PACKET_HEADER_BYTES, 16 + DATA_BYTES);
    check(chunk_next(&cursor, &chunk) == TLV_ITEM && data_chunk_parse(&chunk, &data));
}

static void run_build(void) {
    repeat(build_packet, STEPS);
}

static void run_parse(void) {
    build_packet(1);
    repeat(parse_packet, STEPS);
}

/* ---- SACKs: of a window whose first chunk is missing, one more acknowledged by each ---------- */

static struct outstanding out;
static struct send_queue queue;

static void take_sack(uint32_t step) {
    static struct sack_outcome outcome;
    uint8_t gap[4];
    const struct sack_chunk sack = {.cumulative_tsn = 99, .gap_count = 1, .gaps = gap};
    put16(gap, 2);
    put16(gap + 2, (uint16_t)(step + 2));
    check(outstanding_on_sack(&out, &sack, false, &outcome, &queue, &env) == SACK_FINE);
}

static void take_one(uint32_t step) {
    static struct sack_outcome outcome;
    const struct sack_chunk sack = {.cumulative_tsn = 100 + step};
    check(outstanding_on_sack(&out, &sack, false, &outcome, &queue, &env) == SACK_FINE);
}

static void send_chunk(void) {
    uint8_t text[4] = {0};
    const struct usctp_slice slice = {text, sizeof text};
    const struct usctp_send send = {.sid = 0};
    check(send_queue_add(&queue, &send, &slice, 1, &env) == 0 &&
          send_queue_prepare(&queue, &env) == 0 && outstanding_reserve(&out, &env) == 0);
    const struct record record = {.message = send_queue_front(&queue),
                                  .payload_bytes = sizeof text};
    outstanding_add(&out, &record);
    send_queue_cut(&queue, sizeof text, &env);
}

static void open_window(uint32_t chunks) {
    send_queue_init(&queue);
    check(outstanding_init(&out, 100, &env) == 0);
    for (uint32_t i = 0; i < chunks; i++)
        send_chunk();
}

static void run_sack_1(void) {
    open_window(0);
    for (uint32_t i = 0; i < STEPS; i++) {
        send_chunk();
        measured(take_one, i);
    }
}

static void run_sack_100(void) {
    open_window(100);
    repeat(take_sack, STEPS);
}

static void run_sack_10000(void) {
    open_window(10000);
    for (uint32_t i = 0; i < 9000; i++)
        take_sack(i);
    for (uint32_t i = 0; i < STEPS; i++)
        measured(take_sack, 9000 + i);
}

/* ---- reassembly ------------------------------------------------------------------------------ */

static struct reassembly assembly;
static struct received_tsn arrived;

static void arrive(uint32_t tsn, uint16_t ssn, uint8_t flags) {
    struct inbound_messages ready = STAILQ_HEAD_INITIALIZER(ready);
    const struct data_chunk data = {
        .tsn = tsn, .ssn = ssn, .flags = flags, .payload = bytes, .payload_bytes = DATA_BYTES};
    struct fragment *fragment =
        reassembly_prepare(&assembly, &data, received_tsn_unwrap(&arrived, tsn), 0, &env);
    check(fragment);
    check(received_tsn_add(&arrived, data.tsn, &env) == 0);
    check(reassembly_add(&assembly, fragment, &data, &arrived, &ready, &env) == REASSEMBLY_OK);
    struct inbound_message *m;
    while ((m = STAILQ_FIRST(&ready)) != NULL) {
        STAILQ_REMOVE_HEAD(&ready, link);
        inbound_message_delete(m, &env);
    }
}

static void arrive_whole(uint32_t step) {
    arrive(100 + step, (uint16_t)step, DATA_FLAG_B | DATA_FLAG_E);
}

/* A message of ten fragments. */
static void arrive_in_parts(uint32_t step) {
    for (uint32_t i = 0; i < 10; i++)
        arrive(100 + 10 * step + i, (uint16_t)step,
               (uint8_t)((i == 0 ? DATA_FLAG_B : 0) | (i == 9 ? DATA_FLAG_E : 0)));
}

/* The first is missing, and the others come in no order. */
static void arrive_early(uint32_t step) {
    uint16_t ssn = (uint16_t)(1 + step * 2731u % 4096u);
    arrive(100 + ssn, ssn, DATA_FLAG_B | DATA_FLAG_E);
}

static void run_whole(void) {
    received_tsn_init(&arrived, 100, 0);
    repeat(arrive_whole, STEPS);
}

static void run_parts(void) {
    received_tsn_init(&arrived, 100, 0);
    repeat(arrive_in_parts, STEPS);
}

static void run_early(void) {
    received_tsn_init(&arrived, 100, 0);
    for (uint32_t i = 0; i < 4000; i++)
        arrive_early(i);
    for (uint32_t i = 0; i < STEPS; i++)
        measured(arrive_early, 4000 + i);
}

/* ---- timers ---------------------------------------------------------------------------------- */

static struct timers timers;
static struct timer timer[TIMERS];

static void move_timer(uint32_t step) {
    (void)step;
    timer_start(&timer[next_random() % TIMERS], &timers, 1000000 + next_random() % 1000000);
}

static void expire_timer(uint32_t step) {
    (void)step;
    struct timer *expired = timers_expire(&timers, UINT64_MAX - 1);
    check(expired);
    timer_start(expired, &timers, 1000000 + next_random() % 1000000);
}

static void start_timers(void) {
    check(timers_reserve(&timers, TIMERS, &env) == 0);
    for (uint32_t i = 0; i < TIMERS; i++) {
        timer_init(&timer[i], 0);
        timer_start(&timer[i], &timers, 1000000 + next_random() % 1000000);
    }
}

static void run_timer_start(void) {
    start_timers();
    repeat(move_timer, STEPS);
}

static void run_timer_expire(void) {
    start_timers();
    repeat(expire_timer, STEPS);
}

/* ---- two engines ----------------------------------------------------------------------------- */

static struct usctp_engine *engines[2];
static int32_t endpoints[2], ids[2];
static uint8_t output[1 << 18];
static struct usctp_packet packets[PACKETS];
static const struct usctp_addr addresses[2] = {
    {.family = USCTP_FAMILY_IPV4, .ipv4 = {10, 0, 0, 1}},
    {.family = USCTP_FAMILY_IPV4, .ipv4 = {10, 0, 0, 2}},
};

static void open_engines(void) {
    for (unsigned i = 0; i < 2; i++) {
        const struct usctp_local_address local = {.address = addresses[i], .mtu_bytes = 1500};
        const struct usctp_endpoint_options options = {.port = PORT, .ipv4 = true};
        engines[i] = usctp_engine_new(&environment, NULL, 1000);
        check(engines[i] && usctp_engine_local_addresses(engines[i], &local, 1, 1000) == 0);
        endpoints[i] = usctp_endpoint_open(engines[i], &options);
        check(endpoints[i] > 0);
    }
    check(usctp_endpoint_listen(engines[1], endpoints[1], 100) == 0);
}

static void on_event(unsigned side, const struct usctp_event *event) {
    struct usctp_received received;
    const struct usctp_slice slice = {bytes, sizeof bytes};
    if (event->assoc == 0) {
        ids[side] = usctp_endpoint_accept(engines[side], event->endpoint, NULL);
        return;
    }
    if (event->what & USCTP_EVENT_ROUTE)
        usctp_path_route(engines[side], event->assoc, 0, NULL, 1500, 1000);
    if (event->what & USCTP_EVENT_READABLE) {
        while (usctp_assoc_receive(engines[side], event->assoc, &received, &slice, 1, 0) >= 0)
            continue;
        usctp_assoc_received(engines[side], event->assoc, 1000);
    }
    if (event->what & USCTP_EVENT_CLOSED)
        usctp_assoc_release(engines[side], event->assoc, 1000);
}

static void settle(void) {
    bool any = true;
    while (any) {
        any = false;
        for (unsigned from = 0; from < 2; from++) {
            struct usctp_event event;
            struct usctp_batch batch = {.memory = output,
                                        .memory_bytes = sizeof output,
                                        .packets = packets,
                                        .max_packets = PACKETS};
            size_t n = usctp_engine_output(engines[from], &batch, 1000);
            for (size_t i = 0; i < n; i++)
                packets[i].source = addresses[from];
            usctp_engine_input(engines[1 - from], packets, n, 1000);
            any |= n > 0;
            for (unsigned side = 0; side < 2; side++)
                while (usctp_engine_next_event(engines[side], &event) == 1)
                    on_event(side, &event);
        }
    }
}

/* INIT, INIT ACK, COOKIE ECHO, COOKIE ACK, and the shutdown: both ends. */
static void set_up_and_close(uint32_t step) {
    const struct usctp_connect connect = {
        .endpoint = endpoints[0], .addresses = &addresses[1], .address_count = 1, .port = PORT};
    (void)step;
    ids[0] = usctp_assoc_connect(engines[0], &connect, 1000);
    check(ids[0] > 0);
    settle();
    check(usctp_assoc_shutdown(engines[0], ids[0], 1000) == 0);
    settle();
}

static void connect_engines(void) {
    const struct usctp_connect connect = {
        .endpoint = endpoints[0], .addresses = &addresses[1], .address_count = 1, .port = PORT};
    ids[0] = usctp_assoc_connect(engines[0], &connect, 1000);
    check(ids[0] > 0);
    settle();
}

/* 16 KB of messages of 1,000 bytes, there and acknowledged: both ends. */
static void carry(uint32_t step) {
    const struct usctp_send send = {.sid = 0};
    const struct usctp_slice slice = {bytes, 1000};
    (void)step;
    for (unsigned i = 0; i < 16; i++)
        check(usctp_assoc_send(engines[0], ids[0], &send, &slice, 1, 1000) == 0);
    settle();
}

static void run_handshake(void) {
    open_engines();
    set_up_and_close(0);
    repeat(set_up_and_close, STEPS);
}

static void run_carry(void) {
    open_engines();
    connect_engines();
    for (uint32_t i = 0; i < 100; i++)
        carry(i);
    repeat(carry, STEPS);
}

/* ---- cases ----------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    void (*run)(void);
} cases[] = {
    {"packet-build", run_build},
    {"packet-parse", run_parse},
    {"sack-1", run_sack_1},
    {"sack-100", run_sack_100},
    {"sack-10000", run_sack_10000},
    {"receive-whole", run_whole},
    {"receive-10-fragments", run_parts},
    {"receive-early", run_early},
    {"timer-start", run_timer_start},
    {"timer-expire", run_timer_expire},
    {"set-up-and-close", run_handshake},
    {"carry-16-messages", run_carry},
};

int main(int argc, char **argv) {
    env.given = environment;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (argc < 2)
            printf("%s %d\n", cases[i].name, STEPS);
        else if (strcmp(cases[i].name, argv[1]) == 0)
            cases[i].run();
    }
    return 0;
}
