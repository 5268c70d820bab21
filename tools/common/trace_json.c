/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Trace records to JSON lines (jansson).  The walk over a packet's chunks (RFC 9260 3.2, 3.3.1,
 * 3.3.4) is for showing only: what does not fit ends it and is marked "malformed".
 */
#include "common/trace_json.h"

#include "common/address.h"
#include "common/names.h"
#include "common/report.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    COMMON_HEADER_BYTES = 12,
    CHUNK_HEADER_BYTES = 4,
    DATA_HEADER_BYTES = 16,
    SACK_HEADER_BYTES = 16,
    TYPE_DATA = 0,
    TYPE_SACK = 3,
};

struct trace_json {
    FILE *file;
    const char *path;
    uint64_t origin_us;
    bool incomplete; /* memory was short for a line */
};

struct trace_json *trace_json_open(const char *path) {
    struct trace_json *trace = calloc(1, sizeof *trace);
    if (trace == NULL)
        report_die(REPORT_FAILED, "out of memory");
    trace->path = path;
    trace->file = fopen(path, "we");
    if (trace->file == NULL)
        report_die(REPORT_FAILED, "cannot write the trace %s: %s", path, strerror(errno));
    return trace;
}

void trace_json_set_origin(struct trace_json *trace, uint64_t origin_us) {
    trace->origin_us = origin_us;
}

static void put_number(json_t *object, const char *key, uint64_t value) {
    json_object_set_new_nocheck(object, key, json_integer((json_int_t)value));
}

static void put_text(json_t *object, const char *key, const char *value) {
    json_object_set_new(object, key, json_string(value));
}

static uint32_t get16(const uint8_t *at) {
    return (uint32_t)at[0] << 8 | at[1];
}

static uint32_t get32(const uint8_t *at) {
    return get16(at) << 16 | get16(at + 2);
}

/* The I, U, B and E bits that are set, in that order (RFC 9260 3.3.1, RFC 7053). */
static void put_data(json_t *object, const uint8_t *chunk, uint32_t length) {
    char flags[5];
    size_t count = 0;
    for (unsigned bit = 0; bit < 4; bit++)
        if (chunk[1] >> (3 - bit) & 1u)
            flags[count++] = "IUBE"[bit];
    flags[count] = '\0';
    put_text(object, "flags", flags);
    put_number(object, "tsn", get32(chunk + 4));
    put_number(object, "sid", get16(chunk + 8));
    put_number(object, "ssn", get16(chunk + 10));
    put_number(object, "bytes", length - DATA_HEADER_BYTES);
}

static void put_sack(json_t *object, const uint8_t *chunk) {
    put_number(object, "cumulative_tsn", get32(chunk + 4));
    put_number(object, "a_rwnd", get32(chunk + 8));
    put_number(object, "gap_blocks", get16(chunk + 12));
    put_number(object, "duplicates", get16(chunk + 14));
}

static json_t *chunk_json(const uint8_t *chunk, uint32_t length) {
    json_t *object = json_object();
    if (strcmp(names_chunk(chunk[0]), "unknown") == 0)
        put_number(object, "type", chunk[0]);
    else
        put_text(object, "type", names_chunk(chunk[0]));
    if (chunk[0] == TYPE_DATA && length >= DATA_HEADER_BYTES)
        put_data(object, chunk, length);
    if (chunk[0] == TYPE_SACK && length >= SACK_HEADER_BYTES)
        put_sack(object, chunk);
    return object;
}

static void put_chunks(json_t *object, const struct usctp_packet *packet) {
    json_t *chunks = json_array();
    uint32_t at = COMMON_HEADER_BYTES, end = packet->length;
    bool malformed = end < COMMON_HEADER_BYTES;
    while (!malformed && at < end) {
        uint32_t length =
            end - at >= CHUNK_HEADER_BYTES ? get16(packet->data + at + 2) : (uint32_t)0;
        malformed = length < CHUNK_HEADER_BYTES || length > end - at;
        if (!malformed)
            json_array_append_new(chunks, chunk_json(packet->data + at, length));
        at += (length + 3u) & ~3u;
    }
    json_object_set_new_nocheck(object, "chunks", chunks);
    if (malformed)
        json_object_set_new_nocheck(object, "malformed", json_true());
}

static void put_address(json_t *object, const char *key, const struct usctp_addr *address) {
    char text[ADDRESS_TEXT_BYTES];
    if (address->family != USCTP_FAMILY_NONE)
        put_text(object, key, address_text(address, text));
}

static void put_packet(json_t *object, const struct usctp_packet *packet) {
    if (packet == NULL)
        return;
    put_address(object, "source", &packet->source);
    put_address(object, "destination", &packet->destination);
    if (packet->udp_source != 0 || packet->udp_destination != 0) {
        put_number(object, "udp_source", packet->udp_source);
        put_number(object, "udp_destination", packet->udp_destination);
    }
    put_number(object, "bytes", packet->length);
    if (packet->length >= 8)
        put_number(object, "tag", get32(packet->data + 4));
    put_chunks(object, packet);
}

static void put_change(json_t *object, const struct usctp_trace_record *record,
                       const char *(*name)(uint64_t number)) {
    put_text(object, "old", name(record->a));
    put_text(object, "new", name(record->b));
}

/* "kind" and what belongs to it. */
static void put_record(json_t *object, const struct usctp_trace_record *record) {
    switch (record->kind) {
    case USCTP_TRACE_PACKET_IN:
    case USCTP_TRACE_PACKET_OUT:
        put_packet(object, record->packet);
        break;
    case USCTP_TRACE_PACKET_DROPPED:
        put_text(object, "reason", names_drop(record->a));
        put_packet(object, record->packet);
        break;
    case USCTP_TRACE_STATE:
        put_change(object, record, names_state);
        break;
    case USCTP_TRACE_PATH:
        put_change(object, record, names_path_state);
        put_number(object, "errors", record->c);
        break;
    case USCTP_TRACE_CWND:
        put_number(object, "cwnd_bytes", record->a);
        put_number(object, "ssthresh_bytes", record->b);
        put_number(object, "in_flight_bytes", record->c);
        break;
    case USCTP_TRACE_RTO:
        put_number(object, "rto_us", record->a);
        put_number(object, "srtt_us", record->b);
        break;
    case USCTP_TRACE_TIMER:
        put_text(object, "timer", names_timer(record->a));
        put_number(object, "expiries", record->b);
        break;
    case USCTP_TRACE_LOSS:
        put_number(object, "tsn", record->a);
        put_text(object, "by", record->b == 1 ? "fast retransmit" : "T3-rtx");
        break;
    case USCTP_TRACE_PMTU:
        put_number(object, "old_bytes", record->a);
        put_number(object, "new_bytes", record->b);
        put_text(object, "search", names_pmtu_state(record->c));
        break;
    case USCTP_TRACE_PRIMARY:
        break;
    case USCTP_TRACE_ASSERT:
        put_text(object, "text", record->text != NULL ? record->text : "?");
        break;
    }
}

static const char *kind_name(enum usctp_trace_kind kind) {
    static const char *const names[] = {
        [USCTP_TRACE_PACKET_IN] = "packet-in",
        [USCTP_TRACE_PACKET_OUT] = "packet-out",
        [USCTP_TRACE_PACKET_DROPPED] = "packet-dropped",
        [USCTP_TRACE_STATE] = "state",
        [USCTP_TRACE_PATH] = "path",
        [USCTP_TRACE_CWND] = "cwnd",
        [USCTP_TRACE_RTO] = "rto",
        [USCTP_TRACE_TIMER] = "timer",
        [USCTP_TRACE_LOSS] = "loss",
        [USCTP_TRACE_PRIMARY] = "data-path",
        [USCTP_TRACE_PMTU] = "pmtu",
        [USCTP_TRACE_ASSERT] = "assert",
    };
    size_t number = (size_t)kind;
    return number < sizeof names / sizeof names[0] ? names[number] : "unknown";
}

/* The engine knows which path a packet came on only after it has told of it. */
static bool has_path(const struct usctp_trace_record *record) {
    return record->assoc != 0 && record->kind != USCTP_TRACE_PACKET_IN &&
           record->kind != USCTP_TRACE_PACKET_DROPPED && record->kind != USCTP_TRACE_STATE &&
           record->kind != USCTP_TRACE_ASSERT;
}

void trace_json_record(struct trace_json *trace, const char *host,
                       const struct usctp_trace_record *record) {
    json_t *object = json_object();
    put_number(object, "us", record->now_us - trace->origin_us);
    if (host != NULL)
        put_text(object, "host", host);
    put_text(object, "kind", kind_name(record->kind));
    if (record->assoc != 0)
        put_number(object, "assoc", (uint64_t)record->assoc);
    if (has_path(record))
        put_number(object, "path", record->path);
    put_record(object, record);
    if (object == NULL || json_dumpf(object, trace->file, JSON_COMPACT) != 0)
        trace->incomplete = true;
    fputc('\n', trace->file);
    json_decref(object);
    if (record->kind == USCTP_TRACE_ASSERT)
        fflush(trace->file); /* the program ends with this */
}

int trace_json_close(struct trace_json *trace) {
    int result = 0;
    errno = 0;
    if (fflush(trace->file) != 0 || ferror(trace->file) || trace->incomplete) {
        report_error("the trace %s is not complete: %s", trace->path,
                     errno != 0 ? strerror(errno) : "out of memory or disk");
        result = -1;
    }
    fclose(trace->file);
    free(trace);
    return result;
}
