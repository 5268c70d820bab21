/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SACK chunks and transmit records against a model that keeps every TSN ever sent and looks at all
 * of them for each rule (RFC 9260 6.2.1, 6.3.1 C5, 7.2.4), under seeded random sends, SACKs,
 * timeouts and retransmissions on several paths. SACKs come as bytes: with gaps, duplicates, blocks
 * taken back, old ones, ones for what was never sent, and blocks in no order or one in another.
 */
#include "assoc/outstanding.h"

#include "support/unit_env.h"

#include <string.h>

#define PATHS  3u
#define CHUNKS 3000u
#define BLOCKS 200u

struct model_chunk {
    uint32_t message, bytes;
    enum record_state state;
    uint32_t misses, path;
    bool was_fast, is_gone; /* gone: cumulatively acknowledged */
    uint64_t sent_us;
    uint32_t sent_at, resent_at; /* steps: first sent, last sent again; 0: never */
};

static struct unit_env unit;
static struct send_queue queue;
static struct outstanding out;
static struct model_chunk model[CHUNKS];
static uint32_t message_bytes[CHUNKS], message_left[CHUNKS]; /* chunks not gone */
static uint32_t sent, gone, messages, step_count;
static uint32_t window, most_blocks; /* chunks in flight; blocks of a SACK */
static uint64_t base, now_us;

static void begin(uint64_t seed, uint32_t initial_tsn) {
    unit_env_init(&unit, seed);
    send_queue_init(&queue);
    unit_env_check(outstanding_init(&out, initial_tsn, &unit.env) == 0);
    unit_env_check(outstanding_set_paths(&out, PATHS, &unit.env) == 0);
    memset(model, 0, sizeof model);
    sent = gone = messages = step_count = 0;
    base = ((uint64_t)1 << 32) + initial_tsn;
    now_us = 10;
}

static void finish(void) {
    outstanding_free(&out, &queue, &unit.env);
    send_queue_free(&queue, &unit.env);
    unit_env_check_empty(&unit);
}

/* ---- what is done ------------------------------------------------------------------------- */

static void send_message(void) {
    uint8_t text[600] = {0};
    uint32_t pieces = 1 + unit_env_below(&unit, 3), bytes = 0, piece[3];
    for (uint32_t i = 0; i < pieces; i++) {
        piece[i] = 1 + unit_env_below(&unit, 200);
        bytes += piece[i];
    }
    const struct usctp_slice slice = {text, bytes};
    const struct usctp_send to = {.sid = 1};
    unit_env_check(send_queue_add(&queue, &to, &slice, 1, &unit.env) == 0);
    message_bytes[messages] = bytes;
    message_left[messages] = pieces;
    uint32_t path = unit_env_below(&unit, PATHS);
    for (uint32_t i = 0; i < pieces; i++) {
        unit_env_check(send_queue_prepare(&queue, &unit.env) == 0);
        unit_env_check(outstanding_reserve(&out, &unit.env) == 0);
        const struct record record = {.message = send_queue_front(&queue),
                                      .payload_bytes = (uint16_t)piece[i],
                                      .path = (uint8_t)path,
                                      .sent_us = now_us};
        unit_env_check(outstanding_add(&out, &record) == base + sent);
        send_queue_cut(&queue, piece[i], &unit.env);
        model[sent++] = (struct model_chunk){.message = messages,
                                             .bytes = piece[i],
                                             .path = path,
                                             .sent_at = ++step_count,
                                             .sent_us = now_us};
        now_us += unit_env_below(&unit, 2);
    }
    messages++;
}

static void time_out(void) {
    uint32_t path = unit_env_below(&unit, PATHS), marked = 0;
    for (uint32_t i = gone; i < sent; i++) {
        if (model[i].state == RECORD_IN_FLIGHT && model[i].path == path) {
            model[i].state = RECORD_MARKED;
            model[i].misses = 0;
            marked++;
        }
    }
    unit_env_check(outstanding_mark_path(&out, (uint8_t)path) == marked);
}

static void retransmit(uint32_t limit) {
    uint64_t from = 0;
    uint32_t path = unit_env_below(&unit, PATHS);
    for (uint32_t i = gone; i < sent && limit > 0; i++) {
        if (model[i].state != RECORD_MARKED)
            continue;
        uint64_t tsn = outstanding_next_marked(&out, from);
        unit_env_check(tsn == base + i);
        if (unit_env_below(&unit, 3) > 0) {
            outstanding_on_retransmit(&out, tsn, (uint8_t)path, 0, now_us);
            model[i].state = RECORD_IN_FLIGHT;
            model[i].path = path;
            model[i].sent_us = now_us;
            model[i].resent_at = ++step_count;
        }
        from = tsn + 1;
        limit--;
    }
}

/* ---- acknowledgements, told the long way -------------------------------------------------- */

struct told {
    bool acked[CHUNKS], is_new[CHUNKS];
    struct sack_outcome outcome;
};

static uint64_t padded(uint32_t bytes) {
    return (bytes + 16u + 3u) / 4 * 4;
}

/* RFC 9260 6.3.1 C5: no TSN up to it, itself included, was sent again since it was first sent.
 * Where that allows it, C4 wants the measurement. */
static bool may_measure(uint32_t chunk) {
    for (uint32_t i = 0; i <= chunk; i++) {
        if (model[i].resent_at > model[chunk].sent_at)
            return false;
    }
    return true;
}

static void tell_acked(struct told *told) {
    struct sack_outcome *o = &told->outcome;
    for (uint32_t path = 0; path < PATHS; path++) {
        bool is_first = true;
        for (uint32_t i = gone; i < sent; i++) {
            if (model[i].state == RECORD_ACKED || model[i].path != path)
                continue;
            if (told->is_new[i]) {
                if (is_first)
                    o->earliest_acked_paths |= 1u << path;
                o->acked_paths |= 1u << path;
                o->acked_chunk_bytes[path] += padded(model[i].bytes);
                o->newly_acked_bytes += model[i].bytes;
                o->newly_acked_chunks++;
                if (may_measure(i))
                    o->rtt_sent_us[path] = model[i].sent_us;
            }
            is_first = false;
        }
    }
}

static void tell_missing(struct told *told, bool counts_all, uint32_t highest) {
    uint32_t newest = 0; /* one more than the highest that is newly acknowledged */
    for (uint32_t i = gone; i < sent; i++) {
        newest = told->is_new[i] ? i + 1 : newest;
    }
    for (uint32_t i = gone; i < sent; i++) {
        struct model_chunk *chunk = &model[i];
        if (told->acked[i])
            continue;
        if (chunk->state == RECORD_ACKED) {
            chunk->state = RECORD_IN_FLIGHT;
            chunk->misses = 1;
            told->outcome.reneged_paths |= 1u << chunk->path;
            continue;
        }
        bool is_missed = counts_all ? i < highest : i + 1 < newest;
        if (chunk->state != RECORD_IN_FLIGHT || !is_missed || chunk->was_fast)
            continue;
        chunk->misses += chunk->misses < 255;
        if (chunk->misses >= 3) {
            chunk->was_fast = true;
            chunk->state = RECORD_MARKED;
            chunk->misses = 0;
            told->outcome.lost_paths |= 1u << chunk->path;
            told->outcome.lost_chunks++;
        }
    }
}

static void tell_gone(struct told *told, uint32_t cumulative) {
    for (uint32_t i = gone; i < sent; i++) {
        if (told->is_new[i])
            model[i].state = RECORD_ACKED;
    }
    for (; gone < cumulative; gone++) {
        model[gone].is_gone = true;
        message_left[model[gone].message]--;
    }
}

static void compare(void) {
    uint64_t in_flight = 0, per_path[PATHS] = {0}, charged = 0;
    uint32_t counts[PATHS] = {0}, marked = 0;
    uint64_t earliest[PATHS];
    memset(earliest, 0xff, sizeof earliest);
    unit_env_check(outstanding_check(&out));
    unit_env_check(outstanding_count(&out) == sent - gone && out.next_tsn == base + sent);
    for (uint32_t i = gone; i < sent; i++) {
        const struct record *record = outstanding_at(&out, base + i);
        unit_env_check(record->state == model[i].state);
        unit_env_check(record->path == model[i].path && record->sent_us == model[i].sent_us);
        unit_env_check(record->was_fast_retransmitted == model[i].was_fast);
        if (model[i].state == RECORD_IN_FLIGHT) {
            unit_env_check(record->misses == model[i].misses);
            in_flight += model[i].bytes;
            per_path[model[i].path] += padded(model[i].bytes);
            if (counts[model[i].path]++ == 0)
                earliest[model[i].path] = base + i;
        }
        marked += model[i].state == RECORD_MARKED;
        uint64_t acked = 0; /* bytes of its message */
        for (uint32_t j = i < 3 ? 0 : i - 2; j < sent && j < i + 3; j++) {
            bool is_acked = model[j].is_gone || model[j].state == RECORD_ACKED;
            acked += model[j].message == model[i].message && is_acked ? model[j].bytes : 0;
        }
        unit_env_check(record->message->acked_bytes == acked);
    }
    for (uint32_t i = 0; i < messages; i++) {
        charged += message_left[i] > 0 ? message_bytes[i] : 0;
    }
    unit_env_check(outstanding_in_flight_bytes(&out) == in_flight &&
                   outstanding_marked_count(&out) == marked);
    unit_env_check(queue.charged_bytes == charged);
    for (uint32_t path = 0; path < PATHS; path++) {
        unit_env_check(outstanding_flight(&out, path)->in_flight_bytes == per_path[path]);
        unit_env_check(outstanding_flight(&out, path)->in_flight_count == counts[path]);
        unit_env_check(outstanding_earliest_on_path(&out, (uint8_t)path) == earliest[path]);
    }
}

/* Makes random blocks above `cumulative` chunks; returns how many chunks the highest one ends. */
static uint32_t make_blocks(uint32_t cumulative, struct sack_chunk *sack, uint8_t *gaps,
                            bool *acked) {
    uint32_t at = cumulative + 1, highest = cumulative;
    uint32_t blocks = unit_env_below(&unit, most_blocks + 1);
    for (uint32_t i = 0; i < blocks && at < sent; i++) {
        uint32_t start = at + unit_env_below(&unit, 6), end = start + unit_env_below(&unit, 6);
        if (end >= sent)
            break;
        put16(gaps + 4 * i, (uint16_t)(start - cumulative + 1));
        put16(gaps + 4 * i + 2, (uint16_t)(end - cumulative + 1));
        sack->gap_count++;
        for (uint32_t chunk = start; chunk <= end; chunk++) {
            acked[chunk] = true;
        }
        highest = end + 1;
        at = end + 1 + unit_env_below(&unit, 2); /* blocks may touch */
    }
    return highest;
}

/* Has most of what is acknowledged already in the next SACK, too, as a sane receiver would. */
static uint32_t keep_blocks(uint32_t cumulative, struct sack_chunk *sack, uint8_t *gaps,
                            bool *acked) {
    uint32_t highest = cumulative;
    for (uint32_t i = cumulative + 1; i < sent && sack->gap_count < most_blocks; i++) {
        acked[i] = model[i].state == RECORD_ACKED || unit_env_below(&unit, 6) == 0;
        if (!acked[i])
            continue;
        if (!acked[i - 1] || i == cumulative + 1) {
            put16(gaps + 4 * sack->gap_count, (uint16_t)(i - cumulative + 1));
            sack->gap_count++;
        }
        put16(gaps + 4 * sack->gap_count - 2, (uint16_t)(i - cumulative + 1));
        highest = i + 1;
    }
    return highest;
}

/* A chunk as it comes, of these blocks and some duplicates. Returns its length. */
static size_t write_sack(uint8_t *bytes, uint32_t cumulative_tsn, const uint8_t *gaps,
                         uint32_t gap_count) {
    uint32_t duplicates = unit_env_below(&unit, 4) == 0 ? unit_env_below(&unit, 5) : 0;
    size_t length = 16 + 4 * (size_t)(gap_count + duplicates);
    put16(bytes, 3 << 8);
    put16(bytes + 2, (uint16_t)length);
    put32(bytes + 4, cumulative_tsn);
    put32(bytes + 8, 100000);
    put16(bytes + 12, (uint16_t)gap_count);
    put16(bytes + 14, (uint16_t)duplicates);
    memcpy(bytes + 16, gaps, 4 * (size_t)gap_count);
    for (uint32_t i = 0; i < duplicates; i++)
        put32(bytes + 16 + 4 * (size_t)(gap_count + i),
              (uint32_t)base + unit_env_below(&unit, sent + 1));
    return length;
}

/* Parses it; the result points into the bytes. */
static bool read_sack(const uint8_t *bytes, size_t length, struct sack_chunk *sack) {
    const struct chunk chunk = {.type = 3,
                                .length = (uint16_t)length,
                                .start = bytes,
                                .value = bytes + 4,
                                .value_bytes = (uint16_t)(length - 4)};
    return sack_chunk_parse(&chunk, sack);
}

/* One that must change nothing: blocks in no order, an ack point that was passed, TSNs that were
 * never sent. */
static void acknowledge_wrongly(void) {
    uint8_t gaps[4 * BLOCKS], bytes[16 + 4 * (BLOCKS + 5)];
    uint32_t count = 1 + unit_env_below(&unit, 5), most = sent - gone, previous = 0;
    bool is_in_order = true;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t start = unit_env_below(&unit, most + 3), end = unit_env_below(&unit, most + 3);
        put16(gaps + 4 * i, (uint16_t)start);
        put16(gaps + 4 * i + 2, (uint16_t)end);
        is_in_order = is_in_order && start > previous && end >= start;
        previous = end;
    }
    uint32_t point = (uint32_t)(base + gone - 1), kind = unit_env_below(&unit, 3);
    enum sack_verdict wanted = SACK_FINE;
    if (kind == 1) {
        point -= 1 + unit_env_below(&unit, 1000);
        wanted = SACK_OLD;
    } else if (kind == 2) {
        point += most + 1 + unit_env_below(&unit, 1000);
        wanted = SACK_BEYOND;
    } else if (previous > most) {
        wanted = SACK_BEYOND;
    }
    struct sack_chunk sack;
    size_t length = write_sack(bytes, point, gaps, count);
    bool is_taken = read_sack(bytes, length, &sack);
    unit_env_check(is_taken == is_in_order);
    if (!is_taken || wanted == SACK_FINE)
        return; /* it says something: that is for acknowledge() */
    struct sack_outcome outcome;
    unit_env_check(outstanding_on_sack(&out, &sack, false, &outcome, &queue, &unit.env) == wanted);
    unit_env_check(outcome.newly_acked_chunks == 0 && outcome.lost_chunks == 0);
}

static void acknowledge(void) {
    static struct told told;
    memset(&told, 0, sizeof told);
    uint8_t gaps[4 * BLOCKS];
    uint32_t most = sent - gone;
    uint32_t step = unit_env_below(&unit, 3) == 0 ? unit_env_below(&unit, most + 1) / 2 : 0;
    uint32_t cumulative = gone + step;
    struct sack_chunk sack = {.cumulative_tsn = (uint32_t)(base + cumulative - 1), .gaps = gaps};
    bool is_shutdown = unit_env_below(&unit, 20) == 0, in_recovery = unit_env_below(&unit, 2) == 0;
    for (uint32_t i = gone; i < cumulative; i++) {
        told.acked[i] = true;
    }
    uint32_t highest = cumulative;
    if (!is_shutdown) {
        highest = unit_env_below(&unit, 4) == 0 ? make_blocks(cumulative, &sack, gaps, told.acked)
                                                : keep_blocks(cumulative, &sack, gaps, told.acked);
    }
    for (uint32_t path = 0; path < USCTP_MAX_ADDRESSES; path++) {
        told.outcome.rtt_sent_us[path] = USCTP_NEVER;
    }
    for (uint32_t i = gone; i < sent; i++) {
        told.is_new[i] = told.acked[i] && model[i].state != RECORD_ACKED;
    }
    told.outcome.cumulative_advanced = step > 0;
    tell_acked(&told);
    if (!is_shutdown)
        tell_missing(&told, in_recovery && step > 0, highest - 1);
    tell_gone(&told, cumulative);

    uint8_t bytes[16 + 4 * (BLOCKS + 5)];
    size_t length = write_sack(bytes, sack.cumulative_tsn, gaps, sack.gap_count);
    unit_env_check(read_sack(bytes, length, &sack));
    struct sack_outcome outcome;
    memset(&outcome, 0xee, sizeof outcome);
    enum sack_verdict verdict =
        is_shutdown
            ? outstanding_on_cumulative(&out, sack.cumulative_tsn, &outcome, &queue, &unit.env)
            : outstanding_on_sack(&out, &sack, in_recovery, &outcome, &queue, &unit.env);
    unit_env_check(verdict == SACK_FINE);
    const struct sack_outcome *want = &told.outcome;
    unit_env_check(outcome.cumulative_advanced == want->cumulative_advanced);
    unit_env_check(outcome.newly_acked_bytes == want->newly_acked_bytes);
    unit_env_check(outcome.newly_acked_chunks == want->newly_acked_chunks);
    unit_env_check(outcome.acked_paths == want->acked_paths);
    unit_env_check(outcome.earliest_acked_paths == want->earliest_acked_paths);
    unit_env_check(outcome.reneged_paths == want->reneged_paths);
    unit_env_check(outcome.lost_paths == want->lost_paths);
    unit_env_check(outcome.lost_chunks == want->lost_chunks);
    for (uint32_t path = 0; path < USCTP_MAX_ADDRESSES; path++) {
        if ((want->acked_paths & 1u << path) == 0)
            continue;
        unit_env_check(outcome.acked_chunk_bytes[path] == want->acked_chunk_bytes[path]);
        unit_env_check(outcome.rtt_sent_us[path] == want->rtt_sent_us[path]);
    }
}

static void run(uint64_t seed, uint32_t initial_tsn) {
    begin(seed, initial_tsn);
    while (sent + 3 < CHUNKS) {
        now_us += unit_env_below(&unit, 20);
        uint32_t what = unit_env_below(&unit, 20);
        if (what < 6 && sent - gone < window) {
            send_message();
        } else if (what < 17) {
            acknowledge();
        } else if (sent > 0 && unit_env_below(&unit, 3) == 0) {
            acknowledge_wrongly();
        } else if (what < 18) {
            time_out();
        } else {
            retransmit(1 + unit_env_below(&unit, 20));
        }
        compare();
    }
    finish();
}

/* Initial TSNs around a wrap of the whole and of half the range, and few and many in flight. */
START_TEST(agrees_with_the_model) {
    static const uint32_t initial[] = {1, 0xfffffff0, 0x7fffff00, 0xfffff800};
    window = _i % 8 < 4 ? 60 : 600;
    most_blocks = _i % 8 < 4 ? 8 : BLOCKS;
    run(100 + (uint64_t)_i, initial[_i % 4]);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("outstanding_model");
    TCase *tests = tcase_create("outstanding_model");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, agrees_with_the_model, 0, 24);
    suite_add_tcase(suite, tests);
    return unit_env_run(suite);
}
