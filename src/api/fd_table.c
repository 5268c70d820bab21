/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The process-wide table (see fd_table.h): pages of atomic pointers, made on demand and kept.
 */
#include "api/fd_table.h"

#include "api/stack.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PAGE_ENTRIES = 1024, PAGES = 1024 };

struct page {
    _Atomic(struct socket *) entries[PAGE_ENTRIES];
};

static struct {
    pthread_mutex_t lock;        /* pages, and what is kept for reuse */
    pthread_mutex_t stacks_lock; /* the list of stacks */
    _Atomic(struct page *) pages[PAGES];
    LIST_HEAD(, socket) idle_sockets;
    LIST_HEAD(, usctp_stack) idle_stacks;
    LIST_HEAD(, usctp_stack) stacks;
} table = {.lock = PTHREAD_MUTEX_INITIALIZER, .stacks_lock = PTHREAD_MUTEX_INITIALIZER};

struct socket *fd_table_find(int fd) {
    if (fd < 0 || fd >= PAGES * PAGE_ENTRIES)
        return NULL;
    struct page *page = atomic_load_explicit(&table.pages[fd / PAGE_ENTRIES], memory_order_acquire);
    if (!page)
        return NULL;
    return atomic_load_explicit(&page->entries[fd % PAGE_ENTRIES], memory_order_acquire);
}

int fd_table_set(int fd, struct socket *s) {
    if (fd < 0 || fd >= PAGES * PAGE_ENTRIES)
        return -EMFILE;
    _Atomic(struct page *) *slot = &table.pages[fd / PAGE_ENTRIES];
    pthread_mutex_lock(&table.lock);
    struct page *page = atomic_load_explicit(slot, memory_order_relaxed);
    if (!page) {
        page = calloc(1, sizeof *page);
        if (page)
            atomic_store_explicit(slot, page, memory_order_release);
    }
    if (page)
        atomic_fetch_add(&s->numbers, 1);
    struct socket *old = page ? atomic_exchange(&page->entries[fd % PAGE_ENTRIES], s) : NULL;
    if (old)
        atomic_fetch_sub(&old->numbers, 1);
    /* A socket that outlived its stack, and whose number was closed behind our back: nobody asks
     * for it any more. */
    if (old && old != s && !atomic_load(&old->stack) && old->descriptor.number == fd &&
        atomic_load(&old->users) == 0)
        LIST_INSERT_HEAD(&table.idle_sockets, old, link);
    pthread_mutex_unlock(&table.lock);
    return page ? 0 : -ENOMEM;
}

static bool clear_entry(struct page *page, int entry, struct socket *s) {
    struct socket *expected = s;
    if (!atomic_compare_exchange_strong(&page->entries[entry], &expected, NULL))
        return false;
    atomic_fetch_sub(&s->numbers, 1);
    return true;
}

bool fd_table_clear(int fd, struct socket *s) {
    if (fd_table_find(fd) != s)
        return false;
    struct page *page = atomic_load_explicit(&table.pages[fd / PAGE_ENTRIES], memory_order_acquire);
    return clear_entry(page, fd % PAGE_ENTRIES, s);
}

void fd_table_forget(struct socket *s) {
    fd_table_clear(s->descriptor.number, s);
    for (int i = 0; i < PAGES && atomic_load(&s->numbers) > 0; i++) {
        struct page *page = atomic_load_explicit(&table.pages[i], memory_order_acquire);
        for (int k = 0; page && k < PAGE_ENTRIES; k++)
            if (atomic_load_explicit(&page->entries[k], memory_order_relaxed) == s)
                clear_entry(page, k, s);
    }
}

struct socket *fd_table_new_socket(void) {
    pthread_mutex_lock(&table.lock);
    struct socket *s = LIST_FIRST(&table.idle_sockets);
    if (s)
        LIST_REMOVE(s, link);
    pthread_mutex_unlock(&table.lock);
    if (!s)
        return calloc(1, sizeof *s);
    /* All but the first field, which others may be reading. */
    memset((char *)s + sizeof s->stack, 0, sizeof *s - sizeof s->stack);
    return s;
}

void fd_table_retire_socket(struct socket *s) {
    pthread_mutex_lock(&table.lock);
    LIST_INSERT_HEAD(&table.idle_sockets, s, link);
    pthread_mutex_unlock(&table.lock);
}

struct usctp_stack *fd_table_new_stack(void) {
    pthread_mutex_lock(&table.lock);
    struct usctp_stack *stack = LIST_FIRST(&table.idle_stacks);
    if (stack)
        LIST_REMOVE(stack, link);
    pthread_mutex_unlock(&table.lock);
    if (!stack) {
        stack = calloc(1, sizeof *stack);
        if (stack)
            pthread_mutex_init(&stack->lock, NULL);
        return stack;
    }
    memset((char *)stack + sizeof stack->lock, 0, sizeof *stack - sizeof stack->lock);
    return stack;
}

void fd_table_retire_stack(struct usctp_stack *stack) {
    pthread_mutex_lock(&table.lock);
    LIST_INSERT_HEAD(&table.idle_stacks, stack, link);
    pthread_mutex_unlock(&table.lock);
}

void fd_table_lock_stacks(void) {
    pthread_mutex_lock(&table.stacks_lock);
}

void fd_table_unlock_stacks(void) {
    pthread_mutex_unlock(&table.stacks_lock);
}

bool fd_table_lock_for(pthread_mutex_t *lock, int seconds) {
    struct timespec limit;
    clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_sec += seconds;
    return pthread_mutex_timedlock(lock, &limit) == 0;
}

bool fd_table_lock_stacks_for(int seconds) {
    return fd_table_lock_for(&table.stacks_lock, seconds);
}

struct usctp_stack *fd_table_first_stack(void) {
    return LIST_FIRST(&table.stacks);
}

struct usctp_stack *fd_table_next_stack(const struct usctp_stack *stack) {
    return LIST_NEXT(stack, link);
}

void fd_table_add_stack(struct usctp_stack *stack) {
    LIST_INSERT_HEAD(&table.stacks, stack, link);
}

void fd_table_remove_stack(struct usctp_stack *stack) {
    LIST_REMOVE(stack, link);
}

void fd_table_before_fork(void) {
    pthread_mutex_lock(&table.lock);
}

void fd_table_after_fork(bool is_child) {
    if (is_child) {
        pthread_mutex_init(&table.lock, NULL);
        pthread_mutex_init(&table.stacks_lock, NULL);
    } else {
        pthread_mutex_unlock(&table.lock);
    }
}
