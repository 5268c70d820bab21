/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The clock.  Each step goes to the next moment at which something happens: a packet arrives, a
 * timer is due, a user has something to send, a link changes, a sample is wanted.
 */
#include "sim/world.h"

#include "common/names.h"
#include "common/report.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { MOMENT_ROUNDS = 1000000 }; /* a world in which time stands still is no world */

uint64_t world_random(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

uint64_t world_seed(const struct world *w, uint32_t purpose, uint32_t number) {
    uint64_t state = w->scenario->seed;
    state = world_random(&state) ^ ((uint64_t)purpose << 32 | number);
    return world_random(&state);
}

void *world_memory(size_t count, size_t bytes) {
    void *memory = calloc(count, bytes);
    if (memory == NULL)
        report_die(REPORT_FAILED, "out of memory");
    return memory;
}

void world_violate(struct world *w, const char *format, ...) {
    va_list arguments;
    if (w->violation[0] != '\0')
        return;
    va_start(arguments, format);
    vsnprintf(w->violation, sizeof w->violation, format, arguments);
    va_end(arguments);
    w->violation_us = world_time_us(w);
}

void world_touch(struct world *w, struct conversation *c) {
    if (c->touched)
        return;
    c->touched = true;
    w->touched[w->touched_count++] = c->number;
}

struct world *world_open(const struct scenario *scenario, const struct world_outputs *outputs) {
    struct world *w = world_memory(1, sizeof *w);
    w->scenario = scenario;
    w->now_us = WORLD_START_US;
    for (unsigned h = 0; h < 2; h++)
        if (outputs->pcap[h] != NULL) {
            w->capture[h] = capture_open(outputs->pcap[h]);
            capture_set_origin(w->capture[h], WORLD_START_US);
        }
    if (outputs->trace != NULL) {
        w->trace = trace_json_open(outputs->trace);
        trace_json_set_origin(w->trace, WORLD_START_US);
    }
    if (outputs->series != NULL)
        w->series = series_open(outputs->series);
    w->next_sample_us = w->series != NULL ? w->now_us + scenario->interval_us : USCTP_NEVER;
    host_open(w, 0);
    host_open(w, 1);
    network_open(w);
    conversation_open_all(w);
    return w;
}

int world_close(struct world *w) {
    int result = 0;
    conversation_close_all(w);
    network_close(w);
    host_close(&w->host[0]);
    host_close(&w->host[1]);
    for (unsigned h = 0; h < 2; h++)
        if (w->capture[h] != NULL && capture_close(w->capture[h]) != 0)
            result = -1;
    if (w->trace != NULL && trace_json_close(w->trace) != 0)
        result = -1;
    if (w->series != NULL && series_close(w->series) != 0)
        result = -1;
    free(w);
    return result;
}

/* Does what is due now, until nothing is. */
static void play_moment(struct world *w) {
    network_change(w);
    for (unsigned round = 0; round < MOMENT_ROUNDS; round++) {
        bool any = conversation_wake(w);
        any = host_pump(&w->host[0]) || any;
        any = host_pump(&w->host[1]) || any;
        check_step(w);
        if (!any || w->violation[0] != '\0')
            return;
    }
    world_violate(w, "time stands still: a link without a rate needs a delay");
}

static uint64_t next_moment(const struct world *w) {
    uint64_t next = network_next(w), timer = timers_next(&w->timers);
    next = timer < next ? timer : next;
    for (unsigned h = 0; h < 2; h++) {
        const struct usctp_engine *engine = w->host[h].engine;
        uint64_t deadline = engine != NULL ? usctp_engine_next_deadline(engine) : USCTP_NEVER;
        next = deadline < next ? deadline : next;
    }
    return w->next_sample_us < next ? w->next_sample_us : next;
}

/* Why a conversation is not as it should be at the end; false when it is. */
static bool is_unfinished(const struct world *w, const struct conversation *c, char *why,
                          size_t bytes) {
    for (unsigned h = 0; h < 2; h++) {
        const struct direction *d = &c->from[h];
        int error = c->error[0] != 0 ? c->error[0] : c->error[1];
        bool has_ended = c->closed[0] || c->closed[1];
        if (direction_is_finished(w, d))
            continue;
        snprintf(why, bytes,
                 "association %" PRIu32 ", from host %c: %" PRIu64 " of %" PRIu64
                 " messages delivered; %s%s",
                 c->number, "ab"[h], d -> delivered_messages, d -> next,
                 has_ended ? "it ended: " : "it is in ",
                 has_ended ? names_end(error) : names_state(c->state[h]));
        return true;
    }
    if (conversation_is_over(c))
        return false;
    snprintf(why, bytes, "association %" PRIu32 " does not end: %s and %s", c->number,
             c->closed[0] ? "CLOSED" : names_state(c->state[0]),
             c->closed[1] ? "CLOSED" : names_state(c->state[1]));
    return true;
}

static enum world_result judge(struct world *w, char why[320]) {
    check_end(w);
    if (w->violation[0] != '\0') {
        snprintf(why, 320, "%.6f s: %.280s", (double)w->violation_us / 1e6, w->violation);
        return WORLD_VIOLATED;
    }
    for (uint32_t i = 0; i < w->conversation_count; i++)
        if (is_unfinished(w, &w->conversations[i], why, 320))
            return WORLD_UNDELIVERED;
    return WORLD_DELIVERED;
}

enum world_result world_play(struct world *w, char why[320]) {
    uint64_t end_us = WORLD_START_US + w->scenario->limit_us;
    why[0] = '\0';
    for (;;) {
        w->steps++;
        play_moment(w);
        if (w->now_us == w->next_sample_us) {
            series_sample(w);
            w->next_sample_us += w->scenario->interval_us;
        }
        if (w->violation[0] != '\0' || w->over_count == w->conversation_count)
            break;
        uint64_t next_us = next_moment(w);
        if (next_us > end_us) {
            w->now_us = end_us;
            break;
        }
        w->now_us = next_us > w->now_us ? next_us : w->now_us + 1;
    }
    return judge(w, why);
}
