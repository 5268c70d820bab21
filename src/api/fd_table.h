/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The one thing that is global in a process: which socket a descriptor's number means, and which
 * stacks there are.
 *
 * A number is looked up without a lock. That is safe because sockets and stacks never go back to
 * the allocator: they are kept for reuse, so that a thread which found one too late reads a stale
 * but living object, locks its stack, looks again and leaves (socket.c, call_enter). Order of
 * locks: the stacks' list, then one stack, then the table's own.
 */
#ifndef API_FD_TABLE_H
#define API_FD_TABLE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

struct socket;
struct usctp_stack;

/* Returns the socket that fd is known to mean, or NULL. Takes no lock. */
struct socket *fd_table_find(int fd);
/* From now on fd means s. Returns 0, -ENOMEM or -EMFILE. */
int fd_table_set(int fd, struct socket *s);
/* Forgets fd, if it means s. Returns whether it did. */
bool fd_table_clear(int fd, struct socket *s);
/* Forgets all numbers that mean s, which is no more. */
void fd_table_forget(struct socket *s);

/* Zeroed memory but for the atomic field that struct socket and struct usctp_stack begin with; NULL
 * when there is none. */
struct socket *fd_table_new_socket(void);
void fd_table_retire_socket(struct socket *s);
struct usctp_stack *fd_table_new_stack(void);
void fd_table_retire_stack(struct usctp_stack *stack);

/* The stacks of the process, under their lock. */
void fd_table_lock_stacks(void);
void fd_table_unlock_stacks(void);
/* The same at exit, which may have been called by a signal handler that interrupted whoever holds
 * the lock: false when it does not become free. */
bool fd_table_lock_stacks_for(int seconds);
bool fd_table_lock_for(pthread_mutex_t *lock, int seconds);
struct usctp_stack *fd_table_first_stack(void);
struct usctp_stack *fd_table_next_stack(const struct usctp_stack *stack);
void fd_table_add_stack(struct usctp_stack *stack);
void fd_table_remove_stack(struct usctp_stack *stack);

/* Around fork: the table's own lock, and in the child new locks. */
void fd_table_before_fork(void);
void fd_table_after_fork(bool is_child);

#endif
