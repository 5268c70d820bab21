/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The hash table against a naive model (which nodes are in, with which hash) under seeded random
 * operations, with memory that runs out, and with many nodes of one hash.
 */
#include "core/hash.h"

#include "support/unit_env.h"

#include <string.h>

#define NODES 500u

struct thing {
    uint32_t number;
    struct hash_node node;
    uint64_t hash;
    bool in;
};

static struct unit_env unit;
static struct hash table;
static struct thing things[NODES];

static void setup(void) {
    unit_env_init(&unit, 0x4a54);
    memset(things, 0, sizeof things);
    for (uint32_t i = 0; i < NODES; i++) {
        things[i].number = i;
    }
}

static void teardown(void) {
    hash_free(&table, &unit.env);
    ck_assert_ptr_null(table.buckets);
    unit_env_check_empty(&unit);
}

/* What the table finds under a hash is what the model holds under it, each once. */
static void check_hash(uint64_t hash) {
    bool found[NODES] = {false};
    for (struct hash_node *node = hash_first(&table, hash); node; node = hash_next(node)) {
        struct thing *thing = container_of(node, struct thing, node);
        unit_env_check(node->hash == hash);
        unit_env_check(!found[thing->number]);
        found[thing->number] = true;
    }
    for (uint32_t i = 0; i < NODES; i++) {
        unit_env_check(found[i] == (things[i].in && things[i].hash == hash));
    }
}

static void step(uint32_t hashes) {
    struct thing *thing = &things[unit_env_below(&unit, NODES)];
    if (thing->in) {
        hash_remove(&table, &thing->node);
        thing->in = false;
    } else {
        /* Few hashes collide; shifted ones share their low bits. */
        thing->hash = (uint64_t)unit_env_below(&unit, hashes) << unit_env_below(&unit, 2) * 40;
        hash_insert(&table, &thing->node, thing->hash, &unit.env);
        thing->in = true;
    }
    check_hash(thing->hash);
}

static size_t count_in(void) {
    size_t count = 0;
    for (uint32_t i = 0; i < NODES; i++) {
        count += things[i].in;
    }
    return count;
}

START_TEST(like_the_model) {
    static const uint32_t hashes[] = {1, 7, 300, 1000000};
    ck_assert_int_eq(hash_init(&table, 1, &unit.env), 0);
    for (int i = 0; i < 5000; i++) {
        step(hashes[_i]);
        unit_env_check(table.count == count_in());
        unit_env_check((table.bucket_count & (table.bucket_count - 1)) == 0);
    }
    for (uint32_t i = 0; i < NODES; i++) {
        if (things[i].in)
            check_hash(things[i].hash);
    }
}
END_TEST

START_TEST(it_grows) {
    ck_assert_int_eq(hash_init(&table, 3, &unit.env), 0);
    ck_assert_uint_eq(table.bucket_count, 4);
    for (uint32_t i = 0; i < NODES; i++) {
        hash_insert(&table, &things[i].node, i, &unit.env);
    }
    ck_assert_uint_eq(table.bucket_count, 512);
    for (uint32_t i = 0; i < NODES; i++) {
        struct hash_node *node = hash_first(&table, i);
        ck_assert_ptr_eq(node, &things[i].node);
        ck_assert_ptr_null(hash_next(node));
    }
    ck_assert_ptr_null(hash_first(&table, NODES));
}
END_TEST

START_TEST(it_works_on_without_memory) {
    ck_assert_int_eq(hash_init(&table, 2, &unit.env), 0);
    unit_env_fail_all(&unit);
    for (int i = 0; i < 3000; i++) {
        step(5000);
    }
    ck_assert_uint_eq(table.bucket_count, 2);
    unit_env_fail_nth(&unit, 0);
    for (int i = 0; i < 3000; i++) {
        step(5000);
    }
    ck_assert_uint_ge(table.bucket_count, 128);
}
END_TEST

START_TEST(making_one_can_fail) {
    unit_env_fail_all(&unit);
    ck_assert_int_eq(hash_init(&table, 16, &unit.env), USCTP_ERR_NO_MEMORY);
    hash_free(&table, &unit.env); /* fine after a failure, and twice */
    hash_free(&table, &unit.env);
    ck_assert(!table.buckets && table.count == 0 && table.bucket_count == 0);
    unit_env_fail_nth(&unit, 0);
    ck_assert_int_eq(hash_init(&table, SIZE_MAX, &unit.env), USCTP_ERR_NO_MEMORY);
    ck_assert_int_eq(hash_init(&table, 0, &unit.env), 0);
    hash_insert(&table, &things[0].node, 42, &unit.env);
    ck_assert_ptr_eq(hash_first(&table, 42), &things[0].node);
}
END_TEST

/* Ids count up, steered tags share low bits: the longest chain stays short all the same. */
START_TEST(structured_hashes_spread) {
    static const unsigned shifts[] = {0, 8, 16, 32, 48};
    ck_assert_int_eq(hash_init(&table, NODES, &unit.env), 0);
    for (uint32_t i = 0; i < NODES; i++) {
        hash_insert(&table, &things[i].node, (uint64_t)i << shifts[_i], &unit.env);
    }
    for (size_t bucket = 0; bucket < table.bucket_count; bucket++) {
        uint32_t length = 0;
        for (const struct hash_node *node = table.buckets[bucket]; node; node = node->next) {
            length++;
        }
        ck_assert_uint_le(length, 8);
    }
}
END_TEST

int main(void) {
    Suite *suite = suite_create("hash");
    TCase *tests = tcase_create("hash");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, like_the_model, 0, 4);
    tcase_add_test(tests, it_grows);
    tcase_add_test(tests, it_works_on_without_memory);
    tcase_add_test(tests, making_one_can_fail);
    tcase_add_loop_test(tests, structured_hashes_spread, 0, 5);
    tcase_set_timeout(tests, 60);
    suite_add_tcase(suite, tests);
    return unit_env_run(suite);
}
