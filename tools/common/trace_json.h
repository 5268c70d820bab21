/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * --trace FILE: the engine's trace records as JSON, one object a line, in the order in which they
 * come.
 *
 * Every line has "us" (the stack's clock, or time since the origin) and "kind": packet-out,
 * packet-in, packet-dropped, state, path, cwnd, rto, timer, loss, data-path or assert; "host" where
 * the caller gives one, "assoc" and "path" where the record is of one.  Packets have addresses and
 * a list of chunks.
 */
#ifndef COMMON_TRACE_JSON_H
#define COMMON_TRACE_JSON_H

#include "usctp/engine.h"

struct trace_json;

/* Creates the file; ends the program with one line where it cannot. */
struct trace_json *trace_json_open(const char *path);
/* Times are told from here on. */
void trace_json_set_origin(struct trace_json *trace, uint64_t origin_us);
/* Writes one line.  host: whose record it is, or NULL.  Calls must not overlap. */
void trace_json_record(struct trace_json *trace, const char *host,
                       const struct usctp_trace_record *record);
/* Writes out and closes.  Returns 0, or -1 when the file is not complete (one line says so). */
int trace_json_close(struct trace_json *trace);

#endif
