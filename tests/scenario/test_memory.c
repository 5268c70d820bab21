/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory that runs out at every possible moment: each allocation of a whole life (handshake, data
 * both ways, loss, shutdown) fails once, or it and all that follow do. Nothing may crash, leak or
 * deliver wrong bytes; with one failure the association either ends with an error or works.
 */
#include "support/configs.h"
#include "support/run_tests.h"
#include "support/two_hosts.h"

#include <string.h>

#define MS     ((uint64_t)1000)
#define SECOND ((uint64_t)1000000)

struct life {
    uint64_t received[2];
    bool wrong;
};

static void fill(uint8_t *bytes, size_t count, unsigned seed) {
    for (size_t i = 0; i < count; i++)
        bytes[i] = (uint8_t)(seed + i * 7);
}

static void read_all(struct two_hosts *t, unsigned host, struct life *life) {
    static uint8_t memory[65536], expected[65536];
    struct usctp_received info;
    if (!t->host[host].engine || t->host[host].assoc == 0)
        return;
    for (int i = 0; i < 1000; i++) {
        struct usctp_slice slice = {memory, sizeof memory};
        int64_t n =
            usctp_assoc_receive(t->host[host].engine, t->host[host].assoc, &info, &slice, 1, 0);
        if (n < 0)
            break;
        if (info.flags & USCTP_MESSAGE_NOTIFICATION)
            continue;
        fill(expected, (size_t)n, info.ppid);
        if ((info.flags & USCTP_MESSAGE_INCOMPLETE_BEGIN) == 0 &&
            memcmp(memory, expected, (size_t)n) != 0)
            life->wrong = true;
        life->received[host] += (uint64_t)n;
    }
    usctp_assoc_received(t->host[host].engine, t->host[host].assoc, t->now_us);
}

static void send_some(struct two_hosts *t, unsigned host) {
    static uint8_t bytes[6000];
    if (t->host[host].assoc == 0)
        return;
    for (unsigned i = 0; i < 6; i++) {
        struct usctp_send send = {.sid = (uint16_t)(i % 3), .ppid = i + 1};
        size_t count = i * 1000 + 10;
        fill(bytes, count, send.ppid);
        struct usctp_slice slice = {bytes, count};
        int error = usctp_assoc_send(t->host[host].engine, t->host[host].assoc, &send, &slice, 1,
                                     t->now_us);
        REQUIRE(error <= 0);
    }
}

/* Plays a life in which host `victim` runs out of memory. Returns how many allocations there were.
 */
static uint64_t play(unsigned victim, uint64_t fail_after, bool for_ever) {
    struct life life = {{0, 0}, false};
    struct two_hosts *t = HOSTS(.paths = 2, .delay_us = 5 * MS, .configure = eager, .seed = 3);
    struct engine_env *env = &t->host[victim].env;
    uint64_t before = env->allocations;
    for (unsigned h = 0; h < 2; h++)
        usctp_endpoint_subscribe(t->host[h].engine, t->host[h].endpoint, 0xff);
    env->fail_for_ever = for_ever;
    env->fail_after = fail_after;
    hosts_drop(t, 0, ANY_PATH, WIRE_DATA, 2);
    hosts_drop(t, 1, ANY_PATH, WIRE_DATA, 2);
    int32_t assoc = host_connect(t, 0, 2);
    REQUIRE(assoc >= 3 || assoc == USCTP_ERR_NO_MEMORY);
    for (int i = 0; i < 40; i++) {
        hosts_run_for(t, 200 * MS);
        if (i == 2 || i == 10)
            for (unsigned h = 0; h < 2; h++)
                send_some(t, h);
        read_all(t, 0, &life);
        read_all(t, 1, &life);
        if (i == 30 && t->host[0].assoc != 0)
            usctp_assoc_shutdown(t->host[0].engine, t->host[0].assoc, t->now_us);
    }
    uint64_t count = env->allocations - before;
    env->fail_after = UINT64_MAX;
    REQUIRE(!life.wrong);
    if (fail_after == UINT64_MAX) { /* the life as it should be */
        REQUIRE_EQ(life.received[0], 2 * 15060);
        REQUIRE_EQ(life.received[1], 2 * 15060);
        REQUIRE(t->host[0].closed && t->host[1].closed);
    }
    hosts_delete(t); /* requires that nothing is left */
    return count;
}

START_TEST(each_allocation_fails_once) {
    for (unsigned victim = 0; victim < 2; victim++) {
        uint64_t count = play(victim, UINT64_MAX, false);
        REQUIRE(count > 10);
        for (uint64_t i = 0; i < count; i++)
            play(victim, i, false);
    }
}
END_TEST

START_TEST(each_allocation_and_all_later_ones_fail) {
    for (unsigned victim = 0; victim < 2; victim++) {
        uint64_t count = play(victim, UINT64_MAX, false);
        for (uint64_t i = 0; i < count; i++)
            play(victim, i, true);
    }
}
END_TEST

/* An engine that cannot be made is not made. */
START_TEST(no_engine) {
    struct engine_env env;
    struct usctp_engine *engine = NULL;
    for (uint64_t i = 0; i < 100 && !engine; i++) {
        engine_env_init(&env, "engine", 1);
        env.fail_after = i;
        engine = usctp_engine_new(&env.environment, NULL, 1000);
        if (!engine) {
            engine_env_require_empty(&env);
            engine_env_free(&env);
        }
    }
    REQUIRE(engine != NULL);
    usctp_engine_delete(engine);
    engine_env_require_empty(&env);
    engine_env_free(&env);
}
END_TEST

RUN_TESTS("memory", no_engine, each_allocation_fails_once, each_allocation_and_all_later_ones_fail)
