/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the floor needs of the outside: memory, random numbers, the trace hook, and ASSERT.
 *
 * Everything in the engine gets a pointer to one struct env; the embedder's functions are reached
 * through it and nowhere else. Memory is given back with its size.
 */
#ifndef CORE_ENV_H
#define CORE_ENV_H

#include "usctp/engine.h"

struct env {
    struct usctp_environment given;
    uint64_t allocated_bytes, allocations; /* outstanding */
    uint64_t peak_bytes;
    uint64_t limit_bytes; /* of allocated_bytes; 0: none */
    uint64_t refusals;    /* allocations that were not made */
};

/* Returns zeroed memory, or NULL. */
void *env_allocate(struct env *env, size_t bytes) USCTP_MUST_CHECK;
/* As env_allocate, not zeroed; the caller writes every byte that may be read. */
void *env_allocate_raw(struct env *env, size_t bytes) USCTP_MUST_CHECK;
void env_release(struct env *env, void *memory, size_t bytes); /* NULL is fine */
/* What is left of the first seven eighths of the limit; the last eighth is for what cannot be put
 * off. UINT64_MAX without a limit. */
static inline uint64_t env_left_bytes(const struct env *env) {
    uint64_t most = env->limit_bytes - env->limit_bytes / 8;
    if (env->limit_bytes == 0)
        return UINT64_MAX;
    return env->allocated_bytes < most ? most - env->allocated_bytes : 0;
}
/* Are so many bytes more than that? */
static inline bool env_is_short(const struct env *env, size_t bytes) {
    uint64_t left = env_left_bytes(env);
    return bytes > left || left == 0;
}
void env_random(struct env *env, void *out, size_t bytes);
uint32_t env_random32(struct env *env);
/* Hands a record to the trace hook, if there is one. */
void env_trace(const struct env *env, const struct usctp_trace_record *record);
static inline bool env_is_traced(const struct env *env) {
    return env->given.trace != NULL;
}

/* A broken promise of our own: stops the program, in release builds too. */
#define ASSERT(condition)                                                                          \
    do {                                                                                           \
        if (__builtin_expect(!(condition), 0))                                                     \
            __builtin_trap();                                                                      \
    } while (0)

#define container_of(pointer, type, member)                                                        \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#endif
