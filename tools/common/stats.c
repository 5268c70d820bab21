/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Counters as a table of name, value and meaning, or as JSON: {"stack": {...}, "association": {...,
 * "paths": [{...}]}}. What is printed is what the rows of usctp/counters.h say, and nothing else
 * but what names an association (ports, state, streams) and a path (address).
 */
#include "common/stats.h"

#include "common/address.h"
#include "common/names.h"
#include "common/report.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void stats_note(struct stats *stats, int sd) {
    struct usctp_assoc_status association;
    if (usctp_socket_status(sd, &association) != 0)
        return;
    stats->association = association;
    stats->has_association = true;
    stats->path_count = 0;
    while (stats->path_count < USCTP_MAX_ADDRESSES &&
           usctp_socket_path(sd, stats->path_count, &stats->paths[stats->path_count]) == 0)
        stats->path_count++;
}

static uint64_t value_of(const struct usctp_counter_info *row, const void *of) {
    uint64_t value;
    memcpy(&value, (const char *)of + row->offset, sizeof value);
    return value;
}

static const char *name_of(const struct usctp_counter_info *row) {
    return row->mib[0] != '\0' ? row->mib : row->name;
}

/* ---- a table --------------------------------------------------------------------------------- */

static void print_group(enum usctp_counter_group group, const void *of) {
    const struct usctp_counter_info *row;
    for (size_t i = 0; (row = usctp_counter_info(group, i)) != NULL; i++)
        fprintf(stderr, "  %-26s %12" PRIu64 "  %s\n", name_of(row), value_of(row, of), row->text);
}

static void print_table(const struct stats *stats, const struct usctp_engine_counters *stack) {
    const struct usctp_assoc_status *a = &stats->association;
    char text[ADDRESS_TEXT_BYTES];
    fprintf(stderr, "stack\n");
    print_group(USCTP_COUNTERS_ENGINE, stack);
    if (!stats->has_association)
        return;
    fprintf(stderr, "association, port %u to %u, %s\n", a->local_port, a->peer_port,
            names_state(a->state));
    print_group(USCTP_COUNTERS_ASSOC, &a->counters);
    for (uint32_t i = 0; i < stats->path_count; i++) {
        fprintf(stderr, "path to %s\n", address_text(&stats->paths[i].address, text));
        print_group(USCTP_COUNTERS_PATH, &stats->paths[i]);
    }
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static void put(json_t *object, const char *name, json_t *value) {
    if (json_object_set_new(object, name, value) != 0)
        report_die(REPORT_FAILED, "out of memory");
}

static void put_number(json_t *object, const char *name, uint64_t value) {
    put(object, name, json_integer((json_int_t)value));
}

static json_t *group_json(enum usctp_counter_group group, const void *of) {
    const struct usctp_counter_info *row;
    json_t *object = json_object();
    for (size_t i = 0; (row = usctp_counter_info(group, i)) != NULL; i++)
        put_number(object, name_of(row), value_of(row, of));
    return object;
}

static json_t *association_json(const struct stats *stats) {
    const struct usctp_assoc_status *a = &stats->association;
    json_t *object = group_json(USCTP_COUNTERS_ASSOC, &a->counters), *paths = json_array();
    char text[ADDRESS_TEXT_BYTES];
    put_number(object, "sctpAssocLocalPort", a->local_port);
    put_number(object, "sctpAssocRemPort", a->peer_port);
    put_number(object, "sctpAssocState", a->state); /* the MIB's numbers are Linux's */
    put_number(object, "sctpAssocInStreams", a->inbound_streams);
    put_number(object, "sctpAssocOutStreams", a->outbound_streams);
    for (uint32_t i = 0; i < stats->path_count; i++) {
        json_t *path = group_json(USCTP_COUNTERS_PATH, &stats->paths[i]);
        put(path, "sctpAssocRemAddr", json_string(address_text(&stats->paths[i].address, text)));
        if (json_array_append_new(paths, path) != 0)
            report_die(REPORT_FAILED, "out of memory");
    }
    put(object, "paths", paths);
    return object;
}

static void print_json(const struct stats *stats, const struct usctp_engine_counters *stack) {
    json_t *all = json_object();
    put(all, "stack", group_json(USCTP_COUNTERS_ENGINE, stack));
    if (stats->has_association)
        put(all, "association", association_json(stats));
    char *line = json_dumps(all, JSON_COMPACT);
    if (line == NULL)
        report_die(REPORT_FAILED, "out of memory");
    fprintf(stderr, "%s\n", line);
    free(line);
    json_decref(all);
}

void stats_print(const struct stats *stats, struct usctp_stack *stack, bool as_json) {
    struct usctp_engine_counters counters;
    if (usctp_stack_counters(stack, &counters) != 0)
        return;
    if (as_json)
        print_json(stats, &counters);
    else
        print_table(stats, &counters);
}
