/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reassembly and the receive queue behind it against an oracle that knows what was sent: random
 * messages and fragments, shuffled, repeated, with memory that runs out, partial delivery and
 * reads in pieces (RFC 9260 6.5, 6.6, 6.9). What contradicts itself is in
 * test_reassembly_hostile.c.
 */
#include "assoc/receive_queue.h"
#include "assoc/received_tsn.h"

#include "support/unit_env.h"

#include <string.h>

#define MESSAGES 150u
#define CHUNKS   600u
#define STREAMS  5u
#define WINDOW   60u

struct sent_message {
    uint16_t sid, ssn;
    bool is_unordered, is_handed;        /* given to the receive queue, also as partial */
    uint32_t ppid, first, pieces, bytes; /* first: chunk */
};
struct sent_chunk {
    uint32_t message, offset, bytes;
    bool has_come;
};

static struct unit_env unit;
static struct received_tsn received;
static struct reassembly reassembly;
static struct receive_queue inbox;
static struct sent_message messages[MESSAGES];
static struct sent_chunk chunks[CHUNKS];
static uint32_t message_count, chunk_count, initial_tsn;
static uint32_t order[MESSAGES], handed, reading, read_bytes; /* what the user must get */
static uint32_t partial = MESSAGES; /* the message under partial delivery, or MESSAGES */

static uint8_t byte_of(uint32_t message, uint32_t offset) {
    return (uint8_t)(message * 31 + offset * 7);
}

/* ---- what is sent ------------------------------------------------------------------------- */

static void make_messages(uint16_t first_ssn) {
    uint16_t next_ssn[STREAMS];
    message_count = chunk_count = 0;
    for (uint32_t i = 0; i < STREAMS; i++) {
        next_ssn[i] = first_ssn;
    }
    while (message_count < MESSAGES && chunk_count + 12 < CHUNKS) {
        struct sent_message *m = &messages[message_count];
        uint16_t sid = (uint16_t)unit_env_below(&unit, STREAMS);
        *m = (struct sent_message){.sid = sid,
                                   .is_unordered = unit_env_below(&unit, 4) == 0,
                                   .ppid = (uint32_t)unit_env_random64(&unit),
                                   .first = chunk_count};
        m->ssn = m->is_unordered ? (uint16_t)unit_env_random64(&unit) : next_ssn[sid]++;
        m->pieces = unit_env_below(&unit, 2) ? 1 : 1 + unit_env_below(&unit, 12);
        for (uint32_t i = 0; i < m->pieces; i++) {
            struct sent_chunk *chunk = &chunks[chunk_count++];
            *chunk = (struct sent_chunk){.message = message_count,
                                         .offset = m->bytes,
                                         .bytes = 1 + unit_env_below(&unit, 50)};
            m->bytes += chunk->bytes;
        }
        message_count++;
    }
}

static struct data_chunk data_of(uint32_t at, uint8_t *payload) {
    const struct sent_chunk *chunk = &chunks[at];
    const struct sent_message *m = &messages[chunk->message];
    for (uint32_t i = 0; i < chunk->bytes; i++) {
        payload[i] = byte_of(chunk->message, chunk->offset + i);
    }
    uint8_t flags = m->is_unordered ? DATA_FLAG_U : 0;
    flags |= at == m->first ? DATA_FLAG_B : 0;
    flags |= at + 1 == m->first + m->pieces ? DATA_FLAG_E : 0;
    return (struct data_chunk){.tsn = initial_tsn + at,
                               .ppid = at == m->first ? m->ppid : 0xdeadbeef,
                               .sid = m->sid,
                               .ssn = m->ssn,
                               .flags = flags,
                               .payload = payload,
                               .payload_bytes = (uint16_t)chunk->bytes};
}

/* ---- what must be handed up --------------------------------------------------------------- */

static bool is_complete(uint32_t message) {
    for (uint32_t i = 0; i < messages[message].pieces; i++) {
        if (!chunks[messages[message].first + i].has_come)
            return false;
    }
    return true;
}

static bool is_next(uint32_t message) {
    for (uint32_t i = 0; i < message && !messages[message].is_unordered; i++) {
        if (!messages[i].is_unordered && messages[i].sid == messages[message].sid &&
            (!messages[i].is_handed || i == partial))
            return false;
    }
    return true;
}

/* The messages that are deliverable and not handed yet must be in the list; and go to the queue. */
static void take_deliverable(struct inbound_messages *deliverable) {
    uint32_t taken = 0;
    struct inbound_message *m;
    if (partial < MESSAGES && is_complete(partial)) {
        unit_env_check(!reassembly.partial);
        partial = MESSAGES;
    }
    while ((m = STAILQ_FIRST(deliverable)) != NULL) {
        STAILQ_REMOVE_HEAD(deliverable, link);
        uint32_t which = chunks[m->start - ((uint64_t)1 << 32) - initial_tsn].message;
        unit_env_check(!messages[which].is_handed && is_complete(which) && is_next(which));
        messages[which].is_handed = true;
        order[handed++] = which;
        receive_queue_add(&inbox, m);
        taken++;
    }
    for (uint32_t i = 0; i < message_count; i++) {
        unit_env_check(messages[i].is_handed || !is_complete(i) || !is_next(i));
    }
}

/* How much of a message has come, from its start on. */
static uint32_t readable_bytes(uint32_t which) {
    uint32_t bytes = 0;
    for (uint32_t i = 0; i < messages[which].pieces; i++) {
        const struct sent_chunk *chunk = &chunks[messages[which].first + i];
        if (!chunk->has_come)
            break;
        bytes += chunk->bytes;
    }
    return bytes;
}

/* What is held here: of the message under partial delivery what came early. */
static void check_charges(void) {
    uint64_t here = 0, fragments = 0;
    for (uint32_t i = 0; i < chunk_count; i++) {
        const struct sent_chunk *chunk = &chunks[i];
        bool is_handed =
            messages[chunk->message].is_handed && chunk->offset < readable_bytes(chunk->message);
        if (chunk->has_come && !is_handed) {
            here += chunks[i].bytes;
            fragments++;
        }
    }
    unit_env_check(reassembly_check(&reassembly));
    unit_env_check(reassembly_payload_bytes(&reassembly) == here);
    unit_env_check(reassembly_overhead_bytes(&reassembly) >= fragments * sizeof(struct fragment));
    unit_env_check((reassembly_overhead_bytes(&reassembly) == 0) == (fragments == 0));
}

static void arrive(uint32_t at) {
    uint8_t payload[64];
    struct data_chunk data = data_of(at, payload);
    struct inbound_messages deliverable = STAILQ_HEAD_INITIALIZER(deliverable);
    enum received_verdict verdict = received_tsn_classify(&received, data.tsn, CHUNKS, &unit.env);
    unit_env_check(verdict == (chunks[at].has_come ? RECEIVED_DUPLICATE : RECEIVED_NEW));
    if (verdict != RECEIVED_NEW)
        return;
    if (unit_env_below(&unit, 5) == 0)
        unit_env_fail_nth(&unit, 1 + unit_env_below(&unit, 4));
    uint64_t tsn = received_tsn_unwrap(&received, data.tsn);
    struct fragment *fragment = reassembly_prepare(&reassembly, &data, tsn, 3, &unit.env);
    unit_env_fail_nth(&unit, 0);
    if (!fragment)
        return; /* comes again */
    unit_env_check(received_tsn_add(&received, data.tsn, &unit.env) == 0);
    chunks[at].has_come = true;
    struct inbound_message *growing = reassembly.partial;
    uint32_t bytes = growing ? growing->payload_bytes : 0;
    uint32_t count = growing ? growing->fragment_count : 0;
    if (unit_env_below(&unit, 4) == 0)
        unit_env_fail_all(&unit); /* adding what was prepared needs no memory */
    unit_env_check(reassembly_add(&reassembly, fragment, &data, &received, &deliverable,
                                  &unit.env) == REASSEMBLY_OK);
    unit_env_fail_nth(&unit, 0);
    if (growing && growing->payload_bytes > bytes)
        receive_queue_on_growth(&inbox, growing->payload_bytes - bytes,
                                growing->fragment_count - count);
    take_deliverable(&deliverable);
    check_charges();
}

/* ---- partial delivery and reading --------------------------------------------------------- */

static void try_partial(uint32_t least) {
    uint64_t cumulative = received.cumulative;
    uint32_t at = (uint32_t)(cumulative - ((uint64_t)1 << 32)) - initial_tsn;
    bool may = false;
    uint32_t which = 0;
    if (cumulative - ((uint64_t)1 << 32) - initial_tsn < chunk_count) {
        which = chunks[at].message;
        uint32_t held = chunks[at].offset + chunks[at].bytes;
        may = partial == MESSAGES && !messages[which].is_handed && !is_complete(which) &&
              is_next(which) && held >= least;
    }
    struct inbound_message *m = reassembly_start_partial(&reassembly, cumulative, least, &unit.env);
    unit_env_check((m != NULL) == may);
    if (!m)
        return;
    unit_env_check(m->is_partial && reassembly.partial == m);
    messages[which].is_handed = true;
    partial = which;
    order[handed++] = which;
    receive_queue_add(&inbox, m);
    check_charges();
}

static void read_some(void) {
    uint8_t memory[2][100];
    struct usctp_slice slices[2];
    uint32_t room = 0;
    for (int i = 0; i < 2; i++) {
        slices[i] = (struct usctp_slice){memory[i], unit_env_below(&unit, 100)};
        room += (uint32_t)slices[i].length;
    }
    uint32_t flags = unit_env_below(&unit, 5) == 0 ? USCTP_MESSAGE_PEEK : 0;
    struct usctp_received info;
    bool is_ready = reading < handed && readable_bytes(order[reading]) > read_bytes;
    unit_env_check(receive_queue_is_readable(&inbox) == is_ready);
    int64_t got = receive_queue_read(&inbox, &info, slices, 2, flags, &unit.env);
    if (!is_ready) {
        unit_env_check(got == USCTP_ERR_AGAIN);
        return;
    }
    uint32_t which = order[reading];
    const struct sent_message *m = &messages[which];
    uint32_t left = readable_bytes(which) - read_bytes;
    unit_env_check(got == (left < room ? left : room));
    for (uint32_t i = 0; i < got; i++) {
        uint8_t byte = i < slices[0].length ? memory[0][i] : memory[1][i - slices[0].length];
        unit_env_check(byte == byte_of(which, read_bytes + i));
    }
    bool is_end = read_bytes + got == m->bytes;
    unit_env_check(info.sid == m->sid && info.ppid == m->ppid && info.path == 3);
    unit_env_check(m->is_unordered || info.ssn == m->ssn);
    unit_env_check(((info.flags & USCTP_MESSAGE_END) != 0) == is_end);
    unit_env_check(((info.flags & USCTP_MESSAGE_UNORDERED) != 0) == m->is_unordered);
    unit_env_check(((info.flags & USCTP_MESSAGE_INCOMPLETE_BEGIN) != 0) == (read_bytes > 0));
    unit_env_check((info.flags & USCTP_MESSAGE_NOTIFICATION) == 0);
    if (flags & USCTP_MESSAGE_PEEK)
        return;
    read_bytes += (uint32_t)got;
    if (is_end) {
        reading++;
        read_bytes = 0;
    }
}

/* ---- a run -------------------------------------------------------------------------------- */

/* Streams begin with SSN 0; for a wrap within the test they are put further. */
static void set_first_ssn(uint16_t first_ssn) {
    for (uint16_t sid = 0; sid < STREAMS; sid++) {
        unit_env_check(ssn_table_prepare(&reassembly.next_ssns, sid, &unit.env) == 0);
        *ssn_table_at(&reassembly.next_ssns, sid) = first_ssn;
    }
}

static void begin(uint64_t seed, uint32_t tsn, uint16_t ssn) {
    unit_env_init(&unit, seed);
    initial_tsn = tsn;
    handed = reading = read_bytes = 0;
    partial = MESSAGES;
    received_tsn_init(&received, tsn, 8);
    memset(&reassembly, 0, sizeof reassembly);
    receive_queue_init(&inbox);
    set_first_ssn(ssn);
    make_messages(ssn);
}

static void finish(void) {
    receive_queue_free(&inbox, &unit.env);
    reassembly_free(&reassembly, &unit.env);
    received_tsn_free(&received, &unit.env);
    unit_env_check_empty(&unit);
}

/* Brings chunks up to `window` ahead of the first that is missing until `until` have come. */
static void deliver_until(uint32_t until, uint32_t window, bool with_partial) {
    uint32_t low = 0;
    while (low < until) {
        uint32_t at = low + unit_env_below(&unit, window);
        if (unit_env_below(&unit, 10) == 0)
            at = unit_env_below(&unit, low + 1);
        if (at < chunk_count)
            arrive(at);
        while (low < chunk_count && chunks[low].has_come) {
            low++;
        }
        if (with_partial && unit_env_below(&unit, 6) == 0)
            try_partial(1 + unit_env_below(&unit, 80));
        if (unit_env_below(&unit, 3) == 0)
            read_some();
    }
}

static void run(uint64_t seed, uint32_t tsn, uint16_t ssn, uint32_t window, bool with_partial) {
    begin(seed, tsn, ssn);
    deliver_until(chunk_count, window, with_partial);
    unit_env_check(handed == message_count);
    unit_env_check(reassembly_run_count(&reassembly) == 0 &&
                   reassembly_payload_bytes(&reassembly) == 0);
    while (reading < handed) {
        read_some();
    }
    unit_env_check(inbox.payload_bytes == 0 && inbox.overhead_bytes == 0);
    unit_env_check(inbox.message_count == 0);
    finish();
}

START_TEST(agrees_with_the_oracle) {
    uint64_t seed = 1000 + (uint64_t)_i;
    static const uint32_t tsns[] = {1, 0xffffff00, 0, 0x7fffff00};
    static const uint16_t ssns[] = {0, 65520, 32760};
    run(seed, tsns[_i % 4], ssns[_i % 3], 1 + (uint32_t)_i % WINDOW, _i % 2 == 1);
}
END_TEST

START_TEST(everything_held_is_freed) {
    begin(77, 1, 0);
    deliver_until(chunk_count / 2, WINDOW, true);
    finish();
}
END_TEST

START_TEST(a_partial_message_can_be_given_up) {
    begin(78, 1, 0);
    bool seen[2] = {false, false};
    for (uint32_t at = 0; at + 1 < chunk_count; at++) {
        /* Everything in order; each message that is not whole yet is begun, read or not, and given
         * up. */
        while (!chunks[at].has_come) {
            arrive(at);
        }
        try_partial(1);
        if (partial == MESSAGES)
            continue;
        bool reads = unit_env_below(&unit, 2) == 0;
        while (reads && reading < handed && receive_queue_is_readable(&inbox)) {
            read_some();
        }
        bool was_read = reading + 1 == handed && read_bytes > 0;
        ck_assert_int_eq(receive_queue_abort_partial(&inbox, reassembly.partial, &unit.env),
                         was_read);
        seen[was_read] = true;
        reassembly.partial = NULL;
        ck_assert(!receive_queue_abort_partial(&inbox, NULL, &unit.env));
        break;
    }
    ck_assert(seen[0] || seen[1]);
    finish();
}
END_TEST

START_TEST(sixty_five_thousand_messages_wrap_the_ssn) {
    unit_env_init(&unit, 3);
    memset(&reassembly, 0, sizeof reassembly);
    uint8_t payload = 9;
    received_tsn_init(&received, 5, 0);
    for (uint32_t i = 0; i < 140000; i++) {
        struct inbound_messages deliverable = STAILQ_HEAD_INITIALIZER(deliverable);
        struct data_chunk data = {.tsn = 5 + i,
                                  .sid = 7,
                                  .ssn = (uint16_t)i,
                                  .flags = DATA_FLAG_B | DATA_FLAG_E,
                                  .payload = &payload,
                                  .payload_bytes = 1};
        uint64_t tsn = received_tsn_unwrap(&received, data.tsn);
        struct fragment *fragment = reassembly_prepare(&reassembly, &data, tsn, 0, &unit.env);
        unit_env_check(received_tsn_add(&received, data.tsn, &unit.env) == 0);
        unit_env_check(reassembly_add(&reassembly, fragment, &data, &received, &deliverable,
                                      &unit.env) == REASSEMBLY_OK);
        unit_env_check(STAILQ_FIRST(&deliverable));
        inbound_message_delete(STAILQ_FIRST(&deliverable), &unit.env);
    }
    reassembly_free(&reassembly, &unit.env);
    unit_env_check_empty(&unit);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("reassembly");
    TCase *tests = tcase_create("reassembly");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, agrees_with_the_oracle, 0, 60);
    tcase_add_test(tests, everything_held_is_freed);
    tcase_add_test(tests, a_partial_message_can_be_given_up);
    tcase_add_test(tests, sixty_five_thousand_messages_wrap_the_ssn);
    suite_add_tcase(suite, tests);
    return unit_env_run(suite);
}
