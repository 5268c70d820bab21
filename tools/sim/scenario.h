/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What usctp-sim plays: two hosts, "a" (0) and "b" (1), the paths between them, what changes on the
 * paths and when, and the traffic.
 *
 * A scenario comes from lines of "key value", in sections.  scenario.c reads them, scenario_path.c
 * those of paths; docs/usctp-sim.md and usctp-sim --help list the keys.  Host a opens the
 * associations, to its first path's address of b.  Times count from the scenario's beginning.
 */
#ifndef SIM_SCENARIO_H
#define SIM_SCENARIO_H

#include "net/simulated_link.h"

#include <stdio.h>

#define SCENARIO_MAX_PATHS        8u
#define SCENARIO_MAX_FLOWS        16u
#define SCENARIO_MAX_CHANGES      256u
#define SCENARIO_MAX_ASSOCIATIONS 10000u
#define SCENARIO_MAX_MESSAGE      16777216u
#define SCENARIO_NO_HOST          2u /* "both" */

enum scenario_key {
    SCENARIO_RATE,
    SCENARIO_DELAY,
    SCENARIO_JITTER,
    SCENARIO_LOSS,
    SCENARIO_BURST,
    SCENARIO_REORDER,
    SCENARIO_DUPLICATE,
    SCENARIO_CORRUPT,
    SCENARIO_QUEUE,
    SCENARIO_MTU,
    SCENARIO_CUT,
    SCENARIO_REPAIR,
    SCENARIO_STOP, /* of a host, which loses all it knows */
    SCENARIO_START,
};

/* One property of a one-way link, with its value, or what happens to a link or host. */
struct scenario_setting {
    enum scenario_key key;
    uint64_t number;
    double share[2];
};

/* A setting that comes later. */
struct scenario_change {
    uint64_t at_us;
    unsigned path;
    unsigned from; /* the host that it happens to, or whose packets it concerns, or
                      SCENARIO_NO_HOST */
    struct scenario_setting setting;
};

struct scenario_path {
    struct usctp_addr address[2];          /* of a, of b */
    struct simulated_link_options link[2]; /* of what a sends, of what b sends */
    uint32_t interface_mtu[2];             /* what the hosts know before anyone tells them more */
    bool icmp;                             /* somebody tells them when a packet is too big */
};

/* Messages from one host, on each association. */
struct scenario_flow {
    unsigned from;
    uint32_t min_bytes, max_bytes;
    uint64_t rate_bytes_per_s; /* 0: as fast as it goes */
    uint32_t streams;
    double unordered;
    uint64_t total_bytes; /* 0: no end */
    uint64_t start_us, stop_us;
};

struct scenario {
    uint64_t seed;
    uint64_t duration_us; /* traffic stops, and associations stay up until then; 0: until all is
                             sent */
    uint64_t limit_us;    /* the end, whatever is left undone */
    uint64_t interval_us; /* of the time series */
    uint32_t associations;
    uint64_t spread_us; /* over which they are opened */
    struct usctp_config config[2];
    uint64_t read_bytes_per_s[2]; /* how fast a host's users read, each; 0: at once */
    struct scenario_path paths[SCENARIO_MAX_PATHS];
    unsigned path_count;
    struct scenario_flow flows[SCENARIO_MAX_FLOWS];
    unsigned flow_count;
    struct scenario_change changes[SCENARIO_MAX_CHANGES]; /* in order of time, once complete */
    unsigned change_count;
    bool has_restarts;
};

enum scenario_section {
    SCENARIO_GLOBAL,
    SCENARIO_HOST,
    SCENARIO_PATH,
    SCENARIO_TRAFFIC,
};

#define SCENARIO_ERROR_BYTES 320u

struct scenario_reader {
    struct scenario *scenario;
    const char *name; /* of the file or flag, for errors */
    unsigned line;    /* 0: errors have no line number */
    enum scenario_section section;
    unsigned host; /* of SCENARIO_HOST */
    unsigned path; /* of SCENARIO_PATH */
    char error[SCENARIO_ERROR_BYTES];
};

/* An empty scenario: defaults, no path, no traffic. */
void scenario_init(struct scenario *scenario);
void scenario_reader_init(struct scenario_reader *reader, struct scenario *scenario,
                          const char *name);
/* Each of these returns false and leaves one line in reader->error, with name and line number. */
bool scenario_read_line(struct scenario_reader *reader, const char *line);
bool scenario_read_file(struct scenario_reader *reader, FILE *file);
/* "key value, key value": lines of a section, on the command line; section NULL: the global one. */
bool scenario_read_flag(struct scenario_reader *reader, const char *section, const char *text);
/* Fills in what was left out and refuses what does not fit together. */
bool scenario_complete(struct scenario_reader *reader);
/* Changes a link's options as the setting says (not SCENARIO_CUT and what follows it). */
void scenario_apply(const struct scenario_setting *setting, struct simulated_link_options *link);

/* Between scenario.c and scenario_path.c. */
bool scenario_fail(struct scenario_reader *reader, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
bool scenario_add_path(struct scenario_reader *reader);
bool scenario_add_change(struct scenario_reader *reader, uint64_t at_us, unsigned from,
                         const struct scenario_setting *setting);
bool scenario_path_line(struct scenario_reader *reader, char *words[], unsigned count);
bool scenario_path_complete(struct scenario_reader *reader);
/* "a" or "b". */
bool scenario_is_host(const char *word, unsigned *host);

#endif
