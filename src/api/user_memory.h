/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Copies from and to the application's memory that answer EFAULT, as the kernel does, where there
 * is none; for options and lists of addresses. Each costs one system call. Messages are copied
 * without a look: only NULL is found out there.
 */
#ifndef API_USER_MEMORY_H
#define API_USER_MEMORY_H

#include <stddef.h>
#include <sys/types.h>

/* Copies up to `bytes`. Returns how many there were before the first that cannot be read, or
 * -EFAULT when there is none. */
ssize_t user_memory_read(void *out, const void *from, size_t bytes);
/* Copies all. Returns 0 or -EFAULT. */
int user_memory_write(void *to, const void *from, size_t bytes);

#endif
