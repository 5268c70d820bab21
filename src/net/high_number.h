/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Numbers of the descriptors that the stack has for itself. They begin high where the limit allows
 * it, so that the low ones, which select() needs, are the application's.
 */
#ifndef NET_HIGH_NUMBER_H
#define NET_HIGH_NUMBER_H

/* The first of them: 1024, or half of a low RLIMIT_NOFILE. */
int high_number_first(void);
/* Gives fd a high number, close-on-exec. Returns it, or fd where there is none or fd is negative.
 */
int high_number_move(int fd);

#endif
