/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory, random numbers and the trace hook, as the embedder gave them (usctp/engine.h).
 *
 * Outstanding memory is counted here, so that a test and usctp_engine_delete can see that nothing
 * was lost. Limits on what a peer may cause are charged where the memory is used, in src/assoc.
 */
#include "core/env.h"

#include "core/bytes.h"

/* An allocator may answer NULL to a request for nothing, which here would mean that memory is
 * short. */
static size_t at_least_one(size_t bytes) {
    return bytes > 0 ? bytes : 1;
}

void *env_allocate_raw(struct env *env, size_t bytes) {
    size_t asked = at_least_one(bytes);
    bool fits = env->limit_bytes == 0 || (env->allocated_bytes <= env->limit_bytes &&
                                          asked <= env->limit_bytes - env->allocated_bytes);
    void *memory = fits ? env->given.allocator.allocate(env->given.allocator.user, asked) : NULL;
    if (!memory) {
        env->refusals++;
        return NULL;
    }
    env->allocated_bytes += asked;
    env->allocations++;
    if (env->allocated_bytes > env->peak_bytes)
        env->peak_bytes = env->allocated_bytes;
    return memory;
}

void *env_allocate(struct env *env, size_t bytes) {
    void *memory = env_allocate_raw(env, bytes);
    if (memory)
        memset(memory, 0, at_least_one(bytes));
    return memory;
}

void env_release(struct env *env, void *memory, size_t bytes) {
    if (!memory)
        return;
    size_t asked = at_least_one(bytes);
    ASSERT(env->allocations > 0 && env->allocated_bytes >= asked);
    env->allocated_bytes -= asked;
    env->allocations--;
    env->given.allocator.release(env->given.allocator.user, memory, asked);
}

void env_random(struct env *env, void *out, size_t bytes) {
    if (bytes > 0)
        env->given.random.fill(env->given.random.user, out, bytes);
}

uint32_t env_random32(struct env *env) {
    uint8_t number[4] = {0};
    env_random(env, number, sizeof number);
    return get32(number); /* the same on every machine, for one seed */
}

void env_trace(const struct env *env, const struct usctp_trace_record *record) {
    if (env->given.trace)
        env->given.trace(env->given.trace_user, record);
}
