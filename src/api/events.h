/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the engine tells, brought to the sockets; routes for its paths.
 */
#ifndef API_EVENTS_H
#define API_EVENTS_H

#include "api/socket.h"

/* Takes all events. */
void events_take(struct usctp_stack *stack);
/* Takes the next association from the engine's backlog, if the listener's place for one is empty;
 * one-to-many, all of them. */
void events_prefetch(struct socket *listener);
/* Looks at an association as it is now: for one that was just accepted, whose events may have come
 * before. */
void events_catch_up(struct usctp_stack *stack, struct connection *a);
/* Answers which way the paths of an association go: those that ask, or all. */
void events_answer_routes(struct usctp_stack *stack, int32_t assoc, bool all);

#endif
