/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What kind of program a file is: whether the dynamic linker will preload a library into it.
 */
#ifndef RUN_PROGRAM_H
#define RUN_PROGRAM_H

#include <limits.h>
#include <stddef.h>

/* Finds a program as execvp(3) does. Returns 0 and its path, or an errno: ENOENT, EACCES. */
int program_find(const char *name, char path[PATH_MAX]);
/*
 * Why nothing can be preloaded into the program at path, or NULL when it can: a sentence that lives
 * until the next call. A script stands for its interpreter.
 */
const char *program_refuses_preload(const char *path);

#endif
