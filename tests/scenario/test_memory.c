/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory that runs out at every possible moment. Whole conversations of two hosts (handshake, data
 * with loss and reordering, restart, shutdown, partial delivery, a path that fails, collision) are
 * played again and again while one host's k-th allocation fails, k = 1, 2, ... until none does:
 * that one alone, it and all that follow, or every k-th.
 *
 * Nothing may crash, leak or deliver wrong bytes. When memory is back the association is either
 * gone on both sides or carries a message each way, and lacks nothing that it had accepted.
 *
 * ctest-timeout: 400
 */
#include "support/configs.h"
#include "support/run_tests.h"
#include "support/two_hosts.h"

#include <stdlib.h>
#include <string.h>

#define MS       ((uint64_t)1000)
#define SECOND   ((uint64_t)1000000)
#define TURN     (50 * MS)
#define LARGE    65536u
#define MESSAGES 128u

struct talk {
    struct two_hosts *t;
    uint64_t accepted[2], received[2]; /* bytes: from, by a host */
    uint32_t offset[2];                /* in the message that is being read */
    uint32_t sent;                     /* messages */
    bool has_read[2][MESSAGES];        /* by a host, message by its number: whole */
    bool restarted;
};

static void fill(uint8_t *bytes, size_t count, size_t offset, uint32_t ppid) {
    for (size_t i = 0; i < count; i++)
        bytes[i] = (uint8_t)(ppid + (offset + i) * 7);
}

static void read_some(struct talk *k, unsigned host, int most) {
    static uint8_t memory[LARGE], expected[LARGE];
    const struct host *h = &k->t->host[host];
    struct usctp_received info;
    if (!h->engine || h->assoc == 0)
        return;
    for (int i = 0; i < most; i++) {
        const struct usctp_slice slice = {memory, sizeof memory};
        int64_t n = usctp_assoc_receive(h->engine, h->assoc, &info, &slice, 1, 0);
        if (n < 0)
            break;
        if (info.flags & USCTP_MESSAGE_NOTIFICATION)
            continue;
        if (!(info.flags & USCTP_MESSAGE_INCOMPLETE_BEGIN))
            k->offset[host] = 0;
        fill(expected, (size_t)n, k->offset[host], info.ppid);
        REQUIRE(memcmp(memory, expected, (size_t)n) == 0);
        k->offset[host] += (uint32_t)n;
        k->received[host] += (uint64_t)n;
        if (info.flags & USCTP_MESSAGE_END)
            k->has_read[host][info.ppid % MESSAGES] = true;
    }
    usctp_assoc_received(h->engine, h->assoc, k->t->now_us);
}

/* Returns the message's number, or 0 when it is refused. */
static uint32_t say(struct talk *k, unsigned host, size_t bytes) {
    static uint8_t memory[LARGE];
    const struct host *h = &k->t->host[host];
    if (!h->engine || h->assoc == 0 || h->closed)
        return 0;
    const struct usctp_send send = {.sid = (uint16_t)(k->sent % 3),
                                    .ppid = k->sent + 1,
                                    .flags =
                                        k->sent % 4 == 3 ? (uint32_t)USCTP_MESSAGE_UNORDERED : 0};
    fill(memory, bytes, 0, send.ppid);
    const struct usctp_slice slice = {memory, bytes};
    int error = usctp_assoc_send(h->engine, h->assoc, &send, &slice, 1, k->t->now_us);
    REQUIRE(error <= 0);
    if (error != 0)
        return 0;
    k->accepted[host] += bytes;
    return ++k->sent;
}

static void say_some(struct talk *k, unsigned host) {
    for (unsigned i = 0; i < 6; i++)
        (void)say(k, host, i * 1000 + 10);
}

/* Takes what accept could not give before, or what comes after the one that has ended. */
static void accept_again(struct talk *k, struct host *h) {
    int32_t endpoint;
    int32_t assoc = usctp_endpoint_accept(h->engine, h->endpoint, &endpoint);
    if (assoc <= 0)
        return;
    if (h->assoc != 0)
        usctp_assoc_release(h->engine, h->assoc, k->t->now_us);
    h->assoc = assoc;
    h->closed = false;
}

/* Lets time pass; both read. */
static void run(struct talk *k, uint64_t us, int most) {
    for (uint64_t passed = 0; passed < us; passed += TURN) {
        hosts_run_for(k->t, TURN);
        for (unsigned host = 0; host < 2; host++) {
            struct host *h = &k->t->host[host];
            if (h->engine && (h->assoc == 0 || h->closed))
                accept_again(k, h);
            read_some(k, host, most);
        }
    }
}

static void connect_to_all(struct talk *k, unsigned host) {
    int32_t assoc = host_connect(k->t, host, k->t->paths);
    REQUIRE(assoc >= 3 || assoc == USCTP_ERR_NO_MEMORY || assoc == USCTP_ERR_EXISTS);
}

static void shut_down(struct talk *k, unsigned host) {
    const struct host *h = &k->t->host[host];
    if (h->engine && h->assoc != 0)
        (void)usctp_assoc_shutdown(h->engine, h->assoc, k->t->now_us);
}

/* ---- conversations ---- */

static void handshake(struct talk *k) {
    hosts_drop(k->t, 0, ANY_PATH, WIRE_INIT, 1);
    hosts_drop(k->t, 0, ANY_PATH, WIRE_COOKIE_ECHO, 1);
    hosts_drop(k->t, 1, ANY_PATH, WIRE_COOKIE_ACK, 1);
    connect_to_all(k, 0);
    (void)say(k, 0, 3000);
    run(k, 6 * SECOND, 1000);
    (void)say(k, 1, 100);
    run(k, 2 * SECOND, 1000);
}

static void collision(struct talk *k) {
    connect_to_all(k, 0);
    connect_to_all(k, 1);
    say_some(k, 0);
    say_some(k, 1);
    run(k, 5 * SECOND, 1000);
}

static void transfer(struct talk *k) {
    const struct simulated_link_options link = {.delay_us = 5 * MS,
                                                .jitter_us = 2 * MS,
                                                .loss = 0.05,
                                                .reordering = 0.2,
                                                .reordering_us = 20 * MS,
                                                .duplication = 0.05};
    connect_to_all(k, 0);
    run(k, SECOND, 1000);
    hosts_set_links(k->t, &link);
    for (unsigned i = 0; i < 3; i++) {
        say_some(k, 0);
        say_some(k, 1);
        (void)say(k, i % 2, 20000);
        run(k, SECOND / 2, 1000);
    }
    run(k, 20 * SECOND, 1000);
}

static void restart(struct talk *k) {
    struct engine_env *env = &k->t->host[0].env;
    connect_to_all(k, 0);
    run(k, SECOND, 1000);
    say_some(k, 0);
    say_some(k, 1);
    hosts_run_for(k->t, 7 * MS);
    k->restarted = true;
    host_stop(k->t, 0);
    uint64_t fail_after = env->fail_after, fail_every = env->fail_every;
    env->fail_after = UINT64_MAX; /* what this host lacks, it lacks once it is up */
    env->fail_every = 0;
    host_start(k->t, 0);
    env->fail_after = fail_after;
    env->fail_every = fail_every;
    connect_to_all(k, 0);
    run(k, SECOND, 1000);
    say_some(k, 0);
    say_some(k, 1);
    run(k, 10 * SECOND, 1000);
}

static void shutdown(struct talk *k) {
    hosts_drop(k->t, 0, ANY_PATH, WIRE_DATA, 2);
    hosts_drop(k->t, 1, ANY_PATH, WIRE_DATA, 2);
    hosts_drop(k->t, 0, ANY_PATH, WIRE_SHUTDOWN, 1);
    hosts_drop(k->t, 1, ANY_PATH, WIRE_SHUTDOWN_ACK, 1);
    hosts_drop(k->t, 0, ANY_PATH, WIRE_SHUTDOWN_COMPLETE, 1);
    connect_to_all(k, 0);
    run(k, SECOND, 1000);
    say_some(k, 0);
    say_some(k, 1);
    shut_down(k, 0);
    run(k, 20 * SECOND, 1000);
}

static void both_shut_down(struct talk *k) {
    connect_to_all(k, 0);
    run(k, SECOND, 1000);
    say_some(k, 0);
    shut_down(k, 0);
    shut_down(k, 1);
    run(k, 5 * SECOND, 1000);
}

static void partial_delivery(struct talk *k) {
    connect_to_all(k, 0);
    run(k, SECOND, 1000);
    (void)say(k, 0, 60000);
    (void)say(k, 0, 100);
    run(k, 30 * SECOND, 1);
    run(k, SECOND, 1000);
}

static void path_failure(struct talk *k) {
    connect_to_all(k, 0);
    run(k, 3 * SECOND, 1000);
    say_some(k, 0);
    hosts_cut(k->t, 0, true);
    say_some(k, 1);
    run(k, 30 * SECOND, 1000);
    say_some(k, 0);
    hosts_cut(k->t, 0, false);
    run(k, 60 * SECOND, 1000);
    say_some(k, 0);
    run(k, 2 * SECOND, 1000);
}

static void small_buffer(struct usctp_config *config) {
    eager(config);
    config->receive_buffer_bytes = 8192;
    config->partial_delivery_point_bytes = 2000;
}

static void with_heartbeats(struct usctp_config *config) {
    config->nodelay = 1;
    config->hb_interval_us = 5 * SECOND;
}

struct conversation {
    const char *name;
    void (*play)(struct talk *k);
    unsigned paths;
    void (*configure)(struct usctp_config *config);
    bool ends;
};

static const struct conversation conversations[] = {
    {"handshake", handshake, 2, with_heartbeats, false},
    {"collision", collision, 2, eager, false},
    {"transfer", transfer, 1, eager, false},
    {"restart", restart, 2, eager, false},
    {"shutdown", shutdown, 1, eager, true},
    {"both shut down", both_shut_down, 1, eager, true},
    {"partial delivery", partial_delivery, 1, small_buffer, false},
    {"path failure", path_failure, 2, with_heartbeats, false},
};
#define CONVERSATIONS ((int)(sizeof conversations / sizeof conversations[0]))

/* ---- what remains ---- */

static bool is_over(struct two_hosts *t, unsigned host) {
    return t->host[host].assoc == 0 || t->host[host].closed;
}

/* All that was taken has arrived; a restart may lose what was sent before it. */
static bool has_all(const struct talk *k) {
    return k->restarted || (k->received[0] == k->accepted[1] && k->received[1] == k->accepted[0]);
}

/* Both have ended, or both talk of the same association: no handshake is under way. */
static bool is_settled(struct two_hosts *t) {
    if (is_over(t, 0) || is_over(t, 1))
        return is_over(t, 0) && is_over(t, 1);
    struct usctp_assoc_status a = host_status(t, 0), b = host_status(t, 1);
    return a.local_tag == b.peer_tag && b.local_tag == a.peer_tag && a.state >= USCTP_ESTABLISHED &&
           b.state >= USCTP_ESTABLISHED;
}

/* Memory is back. Both sides end, or a message goes each way. */
static void require_usable_or_gone(struct talk *k) {
    struct two_hosts *t = k->t;
    uint32_t said[2] = {0, 0};
    REQUIRE(k->sent + 2 < MESSAGES);
    for (unsigned i = 0; i < 60 && !is_settled(t); i++)
        run(k, 20 * SECOND, 1000); /* 8.1, or the ABORT that answers */
    if (is_over(t, 0) && is_over(t, 1))
        return;
    for (unsigned host = 0; host < 2; host++) {
        said[host] = say(k, host, 1000);
        bool ends = host_state(t, host) > USCTP_ESTABLISHED;
        REQUIRE(said[host] != 0 || ends);
    }
    for (unsigned i = 0; i < 60 && !(is_over(t, 0) && is_over(t, 1)); i++) {
        run(k, 20 * SECOND, 1000);
        if (k->has_read[1][said[0]] && k->has_read[0][said[1]] && has_all(k))
            return;
    }
    REQUIRE(is_over(t, 0) && is_over(t, 1));
}

static const struct conversation *playing;
static struct talk *talking;

enum mode { ONCE, FROM_THEN_ON, EVERY };

/* Plays one of them while the victim's n-th allocation fails (0: none). Returns how many failed. */
static uint64_t play(const struct conversation *c, unsigned victim, enum mode mode, uint64_t n) {
    struct two_hosts *t = hosts_new(&(struct hosts_options){
        .paths = c->paths,
        .delay_us = 5 * MS,
        .configure = c->configure,
        .seed = 3,
    });
    struct talk k = {.t = t};
    struct engine_env *env = &t->host[victim].env;
    talking = &k;
    for (unsigned host = 0; host < 2; host++)
        (void)usctp_endpoint_subscribe(t->host[host].engine, t->host[host].endpoint, 0xff);
    env->fail_for_ever = mode == FROM_THEN_ON;
    if (mode == EVERY)
        env->fail_every = n;
    else if (n > 0)
        env->fail_after = n - 1;
    c->play(&k);
    uint64_t failures = env->failures;
    env->fail_after = UINT64_MAX;
    env->fail_every = 0;
    if (failures == 0) { /* as it should be */
        REQUIRE(c->ends == is_over(t, 0) && c->ends == is_over(t, 1));
        REQUIRE(has_all(&k));
    }
    require_usable_or_gone(&k);
    hosts_delete(t); /* requires that nothing is left */
    talking = NULL;
    return failures;
}

static unsigned playing_victim;
static enum mode playing_mode;
static uint64_t playing_n;

static void on_fail(void) {
    static const char *const modes[] = {"alone", "and all after it", "and each so many later"};
    for (unsigned h = 0; h < 2; h++) {
        struct usctp_assoc_status st;
        if (!talking)
            break;
        const struct host *host = &talking->t->host[h];
        if (host->engine && usctp_assoc_status(host->engine, host->assoc, &st) == 0)
            fprintf(
                stderr,
                "host %u: assoc %d, %s, closed %d (%d), tags %08x/%08x, unread %llu, unsent %llu, "
                "unacknowledged %u, accepted %llu, received %llu\n",
                h, (int)host->assoc, state_name(st.state), host->closed, host->close_error,
                st.local_tag, st.peer_tag, (unsigned long long)st.unread_bytes,
                (unsigned long long)st.unsent_bytes, st.unacknowledged_chunks,
                (unsigned long long)talking->accepted[h], (unsigned long long)talking->received[h]);
    }
    fprintf(stderr, "%s: host %u, allocation %llu fails, %s\n", playing->name, playing_victim,
            (unsigned long long)playing_n, modes[playing_mode]);
}

static void play_all(const struct conversation *c, enum mode mode) {
    playing = c;
    playing_mode = mode;
    test_on_fail = on_fail;
    for (playing_victim = 0; playing_victim < 2; playing_victim++) {
        playing_n = 0;
        REQUIRE_EQ(play(c, playing_victim, mode, 0), 0);
        for (playing_n = 1; play(c, playing_victim, mode, playing_n) > 0; playing_n++) {
        }
        REQUIRE(playing_n > 10); /* some have failed */
        if (mode == ONCE)
            printf("%s: host %u: %llu allocations\n", c->name, playing_victim,
                   (unsigned long long)playing_n - 1);
    }
    test_on_fail = NULL;
}

START_TEST(each_allocation_fails_once) {
    play_all(&conversations[_i], ONCE);
}
END_TEST

START_TEST(each_allocation_and_all_later_ones_fail) {
    play_all(&conversations[_i], FROM_THEN_ON);
}
END_TEST

START_TEST(every_nth_allocation_fails) {
    play_all(&conversations[_i], EVERY);
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

static void no_heartbeats(struct usctp_config *config) {
    config->hb_enabled = 0;
}

/* What could not be sent for want of memory is tried again, though nothing else happens: no packet
 * comes, no timer of the association runs. */
START_TEST(output_is_tried_again) {
    unsigned stuck = 0;
    for (uint64_t i = 0; i < 8; i++) {
        struct two_hosts *t = HOSTS(.delay_us = 1000, .configure = no_heartbeats);
        uint8_t byte = 1;
        struct usctp_slice slice = {&byte, 1};
        struct usctp_send send = {.sid = 0};
        hosts_establish(t, false);
        hosts_run_for(t, SECOND);
        uint64_t before = t->host[0].packets_out;
        t->host[0].env.fail_after = i;
        t->host[0].env.fail_for_ever = true;
        int error =
            usctp_assoc_send(t->host[0].engine, t->host[0].assoc, &send, &slice, 1, t->now_us);
        hosts_run_for(t, 100 * MS);
        if (error == 0 && t->host[0].packets_out == before) {
            stuck++;
            REQUIRE(usctp_engine_next_deadline(t->host[0].engine) <= t->now_us + 100 * MS);
        }
        t->host[0].env.fail_after = UINT64_MAX;
        t->host[0].env.fail_for_ever = false;
        hosts_run_for(t, SECOND);
        REQUIRE_EQ(host_status(t, 1).pending_chunks, error == 0);
        hosts_delete(t);
    }
    REQUIRE(stuck > 0); /* the test has met the case */
}
END_TEST

static void add(Suite *suite, const TTest *test, int times) {
    TCase *one = tcase_create(test->name);
    tcase_set_timeout(one, 200);
    tcase_add_loop_test(one, test, 0, times);
    suite_add_tcase(suite, one);
}

int main(void) {
    Suite *suite = suite_create("memory");
    add(suite, no_engine, 1);
    add(suite, output_is_tried_again, 1);
    add(suite, each_allocation_fails_once, CONVERSATIONS);
    add(suite, each_allocation_and_all_later_ones_fail, CONVERSATIONS);
    add(suite, every_nth_allocation_fails, CONVERSATIONS);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
