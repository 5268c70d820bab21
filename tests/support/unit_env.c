/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The environment of unit_env.h. Each block has a hidden header with its size and a mark, so that a
 * release with another size, or of something else, fails the test at once; new memory is filled
 * with a pattern, since an allocator need not give zeroes.
 */
#include "support/unit_env.h"

#include "core/bytes.h"

#include <stdlib.h>

#define MARK       0x6b636f6c62747375u
#define NEW_MEMORY 0xa5
#define OLD_MEMORY 0x5a

struct block {
    uint64_t mark;
    uint64_t bytes;
};

uint64_t unit_env_random64(struct unit_env *unit) {
    /* splitmix64 (Steele, Lea, Flood 2014). */
    uint64_t z = unit->random_state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

uint32_t unit_env_below(struct unit_env *unit, uint32_t bound) {
    return (uint32_t)(unit_env_random64(unit) % bound);
}

static void *allocate(void *user, size_t bytes) {
    struct unit_env *unit = user;
    unit_env_check(bytes > 0);
    unit->asked++;
    bool fails = unit->fail_at > 0 && unit->asked >= unit->fail_at;
    if (fails && (unit->keeps_failing || unit->asked == unit->fail_at))
        return NULL;
    struct block *block = malloc(sizeof *block + bytes);
    unit_env_check(block);
    *block = (struct block){MARK, bytes};
    memset(block + 1, NEW_MEMORY, bytes);
    unit->live_blocks++;
    unit->live_bytes += bytes;
    return block + 1;
}

static void release(void *user, void *memory, size_t bytes) {
    struct unit_env *unit = user;
    struct block *block = (struct block *)memory - 1;
    unit_env_check(block->mark == MARK);
    unit_env_check(block->bytes == bytes);
    unit->live_blocks--;
    unit->live_bytes -= bytes;
    memset(block, OLD_MEMORY, sizeof *block + bytes);
    free(block);
}

static void fill(void *user, void *out, size_t bytes) {
    struct unit_env *unit = user;
    for (size_t i = 0; i < bytes; i++) {
        ((uint8_t *)out)[i] = (uint8_t)unit_env_random64(unit);
    }
}

static void absorb(uint64_t *state, const uint8_t *data, size_t bytes) {
    for (size_t i = 0; i < bytes; i++) {
        *state = (*state ^ data[i]) * 0x100000001b3u;
    }
    *state = (*state ^ bytes) * 0x9e3779b97f4a7c15u;
}

static int stand_in_for_hmac(void *user, const uint8_t *key, size_t key_bytes, const uint8_t *data,
                             size_t data_bytes, uint8_t *out) {
    struct unit_env *unit = user;
    if (unit->mac_fails)
        return -1;
    unit->macs++;
    uint64_t state = 0xcbf29ce484222325u;
    absorb(&state, key, key_bytes);
    absorb(&state, data, data_bytes);
    for (size_t i = 0; i < USCTP_MAC_BYTES; i += 8) {
        absorb(&state, key, key_bytes);
        put64(out + i, state ^ state >> 29);
    }
    return 0;
}

static void trace(void *user, const struct usctp_trace_record *record) {
    struct unit_env *unit = user;
    (void)record;
    unit->traced++;
}

void unit_env_init(struct unit_env *unit, uint64_t seed) {
    *unit = (struct unit_env){.random_state = seed};
    unit->env.given = (struct usctp_environment){
        .allocator = {allocate, release, unit},
        .random = {fill, unit},
        .crypto = {stand_in_for_hmac, unit},
        .trace = trace,
        .trace_user = unit,
    };
}

void unit_env_fail_nth(struct unit_env *unit, uint64_t n) {
    unit->fail_at = n > 0 ? unit->asked + n : 0;
    unit->keeps_failing = false;
}

void unit_env_fail_all(struct unit_env *unit) {
    unit->fail_at = unit->asked + 1;
    unit->keeps_failing = true;
}

void unit_env_check_empty(const struct unit_env *unit) {
    ck_assert_uint_eq(unit->live_blocks, 0);
    ck_assert_uint_eq(unit->live_bytes, 0);
    ck_assert_uint_eq(unit->env.allocations, 0);
    ck_assert_uint_eq(unit->env.allocated_bytes, 0);
}

int unit_env_run(Suite *suite) {
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    int run = srunner_ntests_run(runner);
    srunner_free(runner);
    return failed == 0 && run > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
