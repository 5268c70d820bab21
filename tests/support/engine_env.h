/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An environment for an engine under test: memory that is counted and fails on demand, random
 * numbers from a seed, HMAC-SHA-256 from libcrypto, and a trace hook that captures packets and
 * checks every change of state against RFC 9260 4.
 *
 * Also what every test of the whole engine needs when it fails: REQUIRE, which prints the ladder
 * and writes captures before it ends the test. Time is virtual everywhere.
 */
#ifndef SUPPORT_ENGINE_ENV_H
#define SUPPORT_ENGINE_ENV_H

#include "support/capture.h"
#include "usctp/engine.h"

#define ENGINE_ENV_STATES 9u /* enum usctp_assoc_state goes to 8 */

struct engine_env {
    const char *name; /* of the host, for the capture file */
    struct usctp_environment environment;
    /* memory */
    uint64_t live_blocks, live_bytes, peak_bytes, allocations;
    uint64_t fail_after; /* so many allocations succeed, then one fails; UINT64_MAX: none fails */
    bool fail_for_ever;  /* all after it fail too */
    uint64_t fail_every; /* 0: none; n: each n-th from now on fails */
    uint64_t fail_count; /* allocations since then */
    uint64_t failures;
    /* random numbers */
    uint64_t random_state;
    bool near_wrap; /* 4-byte values lie within 256 of 2^32 (tags, initial TSNs) */
    uint32_t near_wrap_count;
    uint32_t not_again; /* a value near 2^32 that is not drawn: a tag before a restart */
    uint64_t mac_calls;
    /* trace */
    struct capture capture;
    bool illegal_state_change;
    enum usctp_assoc_state illegal_from, illegal_to;
    uint64_t state_changes[ENGINE_ENV_STATES][ENGINE_ENV_STATES]; /* [from][to] */
    uint64_t losses_fast, losses_t3, primary_changes;
    void (*on_trace)(void *user, const struct usctp_trace_record *record); /* NULL: none */
    void *on_trace_user;
    struct engine_env *next; /* of those alive, for the report of a failure */
};

/* Fills *env; capturing is on. The environment to give to usctp_engine_new is env->environment. */
void engine_env_init(struct engine_env *env, const char *name, uint64_t seed);
/* Forgets the captured packets. Does not look at what is still allocated: see
 * engine_env_require_empty. */
void engine_env_free(struct engine_env *env);
/* Fails the test when memory is still allocated. */
void engine_env_require_empty(const struct engine_env *env);
/* One value of the environment's generator, for the test itself. */
uint64_t engine_env_random(struct engine_env *env);

/* Does the environment variable USCTP_TEST_WRAP ask for TSNs, tags and clocks that are about to
 * wrap? The scenarios are run that way as well. */
bool engine_env_wraps(void);
#define ENGINE_ENV_CLOCK_US 1000000000u /* where time begins, else */
/* Where it begins: half a second before 2^32 us, if they wrap. */
uint64_t engine_env_clock_us(void);

/* True when RFC 9260 4 and 5.2.4 know the way from one state to the other. */
bool state_change_is_legal(enum usctp_assoc_state from, enum usctp_assoc_state to);
const char *state_name(enum usctp_assoc_state state);

/* splitmix64 */
uint64_t random_step(uint64_t *state);

/* Prints the ladders, writes captures, ends the test. */
void test_fail(const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4), noreturn));
/* Called when a test fails before it ends, e.g. to print how to replay it. */
extern void (*test_on_fail)(void);
/* No Check here: a failure ends the program. */
extern bool test_without_check;

#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition))                                                                          \
            test_fail(__FILE__, __LINE__, "not so: %s", #condition);                               \
    } while (0)
#define REQUIRE_EQ(seen, expected)                                                                 \
    do {                                                                                           \
        long long seen_ = (long long)(seen), expected_ = (long long)(expected);                    \
        if (seen_ != expected_)                                                                    \
            test_fail(__FILE__, __LINE__, "%s is %lld, expected %lld (%s)", #seen, seen_,          \
                      expected_, #expected);                                                       \
    } while (0)
#define REQUIRE_RANGE(seen, low, high)                                                             \
    do {                                                                                           \
        long long seen_ = (long long)(seen), low_ = (long long)(low), high_ = (long long)(high);   \
        if (seen_ < low_ || seen_ > high_)                                                         \
            test_fail(__FILE__, __LINE__, "%s is %lld, expected %lld to %lld", #seen, seen_, low_, \
                      high_);                                                                      \
    } while (0)

#endif
