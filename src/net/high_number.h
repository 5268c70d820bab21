/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Numbers of the descriptors that the stack has for itself. They begin high where the limit allows
 * it, so that the low ones, which select() needs, are the application's.
 *
 * They are remembered, for who is asked to close whatever has a number (preload): who closes one
 * of them in a place where that matters has it forgotten first.
 */
#ifndef NET_HIGH_NUMBER_H
#define NET_HIGH_NUMBER_H

#include <stdbool.h>

/* Gives fd a high number, from 1024 or half of a low RLIMIT_NOFILE, close-on-exec. Returns it, or
 * fd where there is none or fd is negative. */
int high_number_move(int fd);

/* Whether fd is one that was given out and not forgotten since. */
bool high_number_is_own(int fd);
/* The first of these from a number on, or -1. */
int high_number_next(unsigned from);
void high_number_forget(int fd);

#endif
