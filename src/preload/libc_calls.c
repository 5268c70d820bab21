/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Finds the C library's functions (see libc_calls.h), each when it is first needed: other
 * libraries' constructors may call them before any of this one has run.
 */
#include "preload/libc_calls.h"

#include "net/high_number.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <string.h>

/* A function that the C library does not have answers ENOSYS. */
static long missing(void) {
    errno = ENOSYS;
    return -1;
}

static void *find(const char *name) {
    void *found = dlsym(RTLD_NEXT, name);
    if (!found) {
        long (*none)(void) = missing;
        memcpy(&found, &none, sizeof found);
    }
    return found;
}

#define LIBC_CALL_DEFINE(type, name, parameters, arguments)                                        \
    type libc_##name parameters {                                                                  \
        static _Atomic(void *) known;                                                              \
        type(*call) parameters;                                                                    \
        void *found = atomic_load_explicit(&known, memory_order_relaxed);                          \
        if (!found) {                                                                              \
            found = find(#name);                                                                   \
            atomic_store_explicit(&known, found, memory_order_relaxed);                            \
        }                                                                                          \
        memcpy(&call, &found, sizeof call); /* ISO C has no cast between the two */                \
        return call arguments;                                                                     \
    }
LIBC_CALLS(LIBC_CALL_DEFINE)
LIBC_CLOSE(LIBC_CALL_DEFINE)

int own_close(int fd) {
    high_number_forget(fd);
    return libc_close(fd);
}
