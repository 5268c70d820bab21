/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The environment of an engine under test, and the end of a test that fails; see engine_env.h.
 */
#include "support/engine_env.h"

#include <check.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LADDER_LINES 60u

static struct engine_env *alive;
void (*test_on_fail)(void);
bool test_without_check;

uint64_t random_step(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

uint64_t engine_env_random(struct engine_env *env) {
    return random_step(&env->random_state);
}

/* ---- memory ---- */

/* Each block carries its size in front, so that a wrong size at release is noticed. */
struct block_head {
    size_t bytes;
    uint64_t magic;
};
#define BLOCK_MAGIC 0x7573637470656e76u

static bool must_fail(struct engine_env *env) {
    if (env->fail_every != 0 && ++env->fail_count % env->fail_every == 0) {
        env->failures++;
        return true;
    }
    if (env->fail_after == UINT64_MAX)
        return false;
    if (env->fail_after > 0) {
        env->fail_after--;
        return false;
    }
    if (!env->fail_for_ever)
        env->fail_after = UINT64_MAX;
    env->failures++;
    return true;
}

static void *allocate(void *user, size_t bytes) {
    struct engine_env *env = user;
    env->allocations++;
    if (must_fail(env))
        return NULL;
    struct block_head *head = malloc(sizeof *head + bytes);
    if (!head)
        return NULL;
    head->bytes = bytes;
    head->magic = BLOCK_MAGIC;
    memset(head + 1, 0xa5, bytes); /* what is not written must not look like zero */
    env->live_blocks++;
    env->live_bytes += bytes;
    if (env->live_bytes > env->peak_bytes)
        env->peak_bytes = env->live_bytes;
    return head + 1;
}

static void release(void *user, void *memory, size_t bytes) {
    struct engine_env *env = user;
    if (!memory)
        return;
    struct block_head *head = (struct block_head *)memory - 1;
    if (head->magic != BLOCK_MAGIC || head->bytes != bytes)
        test_fail(__FILE__, __LINE__, "release of %zu bytes of a block of %zu bytes", bytes,
                  head->bytes);
    head->magic = 0;
    env->live_blocks--;
    env->live_bytes -= bytes;
    memset(memory, 0x5a, bytes < 4096 ? bytes : 4096);
    free(head);
}

void engine_env_require_empty(const struct engine_env *env) {
    if (env->live_blocks != 0)
        test_fail(__FILE__, __LINE__,
                  "%s: %" PRIu64 " blocks of %" PRIu64 " bytes are still allocated", env->name,
                  env->live_blocks, env->live_bytes);
}

/* ---- random numbers and keyed hashes ---- */

static void fill_random(void *user, void *out, size_t bytes) {
    struct engine_env *env = user;
    uint8_t *at = out;
    for (size_t i = 0; i < bytes; i += 8) {
        uint64_t word = random_step(&env->random_state);
        memcpy(at + i, &word, bytes - i < 8 ? bytes - i : 8);
    }
    if (env->near_wrap && bytes == 4) {
        uint8_t low = at[0] % 8u, last;
        do /* no tag twice in a row */
            last = (uint8_t)(low + 8u * env->near_wrap_count++);
        while ((0xffffff00u | last) == env->not_again);
        memset(at, 0xff, 3); /* in network order */
        at[3] = last;
    }
}

static int hmac_sha256(void *user, const uint8_t *key, size_t key_bytes, const uint8_t *data,
                       size_t data_bytes, uint8_t *out) {
    struct engine_env *env = user;
    unsigned length = USCTP_MAC_BYTES;
    env->mac_calls++;
    return HMAC(EVP_sha256(), key, (int)key_bytes, data, data_bytes, out, &length) ? 0 : -1;
}

bool engine_env_wraps(void) {
    const char *value = getenv("USCTP_TEST_WRAP");
    return value && *value;
}

uint64_t engine_env_clock_us(void) {
    return engine_env_wraps() ? ((uint64_t)1 << 32) - 500000 : ENGINE_ENV_CLOCK_US;
}

/* ---- trace ---- */

const char *state_name(enum usctp_assoc_state state) {
    static const char *const names[ENGINE_ENV_STATES] = {"none",
                                                         "CLOSED",
                                                         "COOKIE-WAIT",
                                                         "COOKIE-ECHOED",
                                                         "ESTABLISHED",
                                                         "SHUTDOWN-PENDING",
                                                         "SHUTDOWN-SENT",
                                                         "SHUTDOWN-RECEIVED",
                                                         "SHUTDOWN-ACK-SENT"};
    return (unsigned)state < ENGINE_ENV_STATES ? names[state] : "impossible";
}

bool state_change_is_legal(enum usctp_assoc_state from, enum usctp_assoc_state to) {
    if (to == USCTP_CLOSED)
        return true;
    if (to == USCTP_ESTABLISHED) /* 5.2.4 A, restart: from anywhere but SHUTDOWN-ACK-SENT */
        return from != USCTP_SHUTDOWN_ACK_SENT;
    switch (from) {
    case USCTP_CLOSED:
        return to == USCTP_COOKIE_WAIT;
    case USCTP_COOKIE_WAIT:
        return to == USCTP_COOKIE_ECHOED;
    case USCTP_COOKIE_ECHOED: /* 5.2.6: a new INIT after a stale cookie */
        return to == USCTP_COOKIE_WAIT;
    case USCTP_ESTABLISHED: /* PENDING and RECEIVED may take no time */
        return to == USCTP_SHUTDOWN_PENDING || to == USCTP_SHUTDOWN_SENT ||
               to == USCTP_SHUTDOWN_RECEIVED || to == USCTP_SHUTDOWN_ACK_SENT;
    case USCTP_SHUTDOWN_PENDING:
        return to == USCTP_SHUTDOWN_SENT || to == USCTP_SHUTDOWN_RECEIVED ||
               to == USCTP_SHUTDOWN_ACK_SENT;
    case USCTP_SHUTDOWN_SENT:
    case USCTP_SHUTDOWN_RECEIVED:
        return to == USCTP_SHUTDOWN_ACK_SENT;
    case USCTP_SHUTDOWN_ACK_SENT:
        return false;
    }
    return false;
}

static void on_state(struct engine_env *env, const struct usctp_trace_record *record) {
    enum usctp_assoc_state from = (enum usctp_assoc_state)record->a;
    enum usctp_assoc_state to = (enum usctp_assoc_state)record->b;
    capture_note(&env->capture, record->now_us, "%s: association %" PRId32 " %s -> %s", env->name,
                 record->assoc, state_name(from), state_name(to));
    if (record->a < ENGINE_ENV_STATES && record->b < ENGINE_ENV_STATES)
        env->state_changes[record->a][record->b]++;
    if (from != to && !state_change_is_legal(from, to) && !env->illegal_state_change) {
        env->illegal_state_change = true;
        env->illegal_from = from;
        env->illegal_to = to;
    }
}

static void trace(void *user, const struct usctp_trace_record *record) {
    struct engine_env *env = user;
    switch (record->kind) {
    case USCTP_TRACE_PACKET_IN:
        capture_packet(&env->capture, CAPTURE_IN, record->packet, record->now_us);
        break;
    case USCTP_TRACE_PACKET_OUT:
        capture_packet(&env->capture, CAPTURE_OUT, record->packet, record->now_us);
        break;
    case USCTP_TRACE_PACKET_DROPPED:
        capture_note(&env->capture, record->now_us, "%s: dropped, reason %" PRIu64, env->name,
                     record->a);
        break;
    case USCTP_TRACE_STATE:
        on_state(env, record);
        break;
    case USCTP_TRACE_PATH:
        capture_note(&env->capture, record->now_us,
                     "%s: path %" PRIu32 " state %" PRIu64 " -> %" PRIu64, env->name, record->path,
                     record->a, record->b);
        break;
    case USCTP_TRACE_LOSS:
        env->losses_fast += record->b == 1;
        env->losses_t3 += record->b == 2;
        break;
    case USCTP_TRACE_PRIMARY:
        env->primary_changes++;
        capture_note(&env->capture, record->now_us, "%s: data path %" PRIu32, env->name,
                     record->path);
        break;
    case USCTP_TRACE_TIMER:
        capture_note(&env->capture, record->now_us, "%s: timer %" PRIu64 " expired, %" PRIu64,
                     env->name, record->a, record->b);
        break;
    case USCTP_TRACE_ASSERT:
        fprintf(stderr, "ASSERT of the engine: %s\n", record->text ? record->text : "?");
        break;
    case USCTP_TRACE_PMTU:
        capture_note(&env->capture, record->now_us,
                     "%s: path %" PRIu32 " MTU %" PRIu64 " -> %" PRIu64, env->name, record->path,
                     record->a, record->b);
        break;
    case USCTP_TRACE_CWND:
    case USCTP_TRACE_RTO:
        break;
    }
    if (env->on_trace)
        env->on_trace(env->on_trace_user, record);
}

/* ---- the end of a test that fails ---- */

static void report(void) {
    char path[256];
    const char *directory = getenv("USCTP_PCAP_DIR");
    if (test_on_fail)
        test_on_fail();
    for (const struct engine_env *env = alive; env; env = env->next) {
        if (env->capture.count == 0)
            continue;
        fprintf(stderr, "%s saw:\n", env->name);
        capture_print(&env->capture, stderr, LADDER_LINES);
        snprintf(path, sizeof path, "%s/failed-%d-%s.pcap", directory ? directory : ".",
                 (int)getpid(), env->name);
        if (capture_write_pcap(&env->capture, path) == 0)
            fprintf(stderr, "capture: %s\n", path);
    }
    fflush(stderr);
}

/* An ASSERT of the engine is a trap: the ladder that led to it is worth more than the signal. Then
 * it goes to whoever wanted it before, such as a fuzzer that writes down its input. */
static struct sigaction before_ill, before_trap;

static void on_signal(int number) {
    sigaction(number, number == SIGILL ? &before_ill : &before_trap, NULL);
    report();
    raise(number);
}

static void watch_signals(void) {
    static bool is_watching;
    const struct sigaction action = {.sa_handler = on_signal};
    if (is_watching)
        return;
    is_watching = true;
    sigaction(SIGILL, &action, &before_ill);
    sigaction(SIGTRAP, &action, &before_trap);
}

void test_fail(const char *file, int line, const char *format, ...) {
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    fprintf(stderr, "%s:%d: %s\n", file, line, text);
    report();
    if (test_without_check)
        exit(EXIT_FAILURE);
    ck_abort_msg("%s:%d: %s", file, line, text);
    abort(); /* not reached: Check has left */
}

void engine_env_init(struct engine_env *env, const char *name, uint64_t seed) {
    memset(env, 0, sizeof *env);
    env->name = name;
    env->random_state = seed;
    env->fail_after = UINT64_MAX;
    env->environment.allocator = (struct usctp_allocator){allocate, release, env};
    env->environment.random = (struct usctp_random){fill_random, env};
    env->environment.crypto = (struct usctp_crypto){hmac_sha256, env};
    env->environment.trace = trace;
    env->environment.trace_user = env;
    capture_init(&env->capture);
    env->next = alive;
    alive = env;
    watch_signals();
}

void engine_env_free(struct engine_env *env) {
    for (struct engine_env **at = &alive; *at; at = &(*at)->next) {
        if (*at == env) {
            *at = env->next;
            break;
        }
    }
    capture_free(&env->capture);
}
