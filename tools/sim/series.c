/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The time series: a CSV line for each association, sender and path at the end of each interval.
 * Goodput is of what was delivered in the interval, on the path that it came on; the rest is as the
 * sender sees it at that moment, and how often that host has restarted by then.
 */
#include "sim/world.h"

#include "common/names.h"
#include "common/report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct series {
    FILE *file;
    const char *path;
};

struct series *series_open(const char *path) {
    struct series *series = world_memory(1, sizeof *series);
    series->path = path;
    series->file = fopen(path, "we");
    if (series->file == NULL)
        report_die(REPORT_FAILED, "cannot write the series %s: %s", path, strerror(errno));
    fputs("time_s,association,host,path,state,cwnd_bytes,ssthresh_bytes,in_flight_bytes,srtt_us,"
          "rto_us,goodput_bits_per_s,restarts\n",
          series->file);
    return series;
}

static void sample_path(struct world *w, struct conversation *c, unsigned host, unsigned number) {
    struct direction *d = &c->from[host];
    const struct usctp_addr *peer = &w->scenario->paths[number].address[1 - host];
    struct usctp_engine *engine = w->host[host].engine;
    struct usctp_path_status path;
    int index = usctp_path_find(engine, c->assoc[host], peer);
    if (index < 0 || usctp_path_status(engine, c->assoc[host], (uint32_t)index, &path) != 0)
        return;
    uint64_t time_us = world_time_us(w), bytes = d->path_bytes[number] - d->sampled_bytes[number];
    d->sampled_bytes[number] = d->path_bytes[number];
    fprintf(w->series->file,
            "%" PRIu64 ".%06" PRIu64 ",%" PRIu32 ",%c,%u,%s,%" PRIu32 ",%" PRIu32 ",%" PRIu32
            ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu32 "\n",
            time_us / USCTP_S, time_us % USCTP_S, c->number, "ab"[host], number,
            names_path_state(path.state), path.cwnd_bytes, path.ssthresh_bytes,
            path.in_flight_bytes, path.srtt_us, path.rto_us,
            bytes * 8 * USCTP_S / w->scenario->interval_us, w->host[host].restarts);
}

void series_sample(struct world *w) {
    for (uint32_t i = 0; i < w->conversation_count; i++)
        for (unsigned h = 0; h < 2; h++) {
            struct conversation *c = &w->conversations[i];
            if (!conversation_is_live(c,
                                      h)) { /* what arrives all the same is of no later interval */
                memcpy(c->from[h].sampled_bytes, c->from[h].path_bytes,
                       sizeof c->from[h].sampled_bytes);
                continue;
            }
            for (unsigned path = 0; path < w->scenario->path_count; path++)
                sample_path(w, c, h, path);
        }
}

int series_close(struct series *series) {
    bool failed = fflush(series->file) != 0 || ferror(series->file) != 0;
    if (failed)
        report_error("the series %s is not complete: %s", series->path, strerror(errno));
    fclose(series->file);
    free(series);
    return failed ? -1 : 0;
}
