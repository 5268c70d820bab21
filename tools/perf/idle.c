/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * --idle N: associations that are set up and then do nothing, and what they cost each side: memory
 * (RSS), CPU time while idle, time to set up. Beside it, what the kernel keeps for a pair of
 * descriptors like each socket's.
 *
 * The first association tells the server; N more follow, each with a socket of its own.
 */
#include "perf/perf.h"

#include "common/report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PAIRS = 500 };

static uint64_t resident_bytes(void) {
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL || fscanf(file, "%*d %ld", &pages) != 1)
        report_die(REPORT_FAILED, "cannot read /proc/self/statm");
    fclose(file);
    return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Memory of the kernel's own that is not reclaimed, of the whole host; 0: not told. */
static uint64_t kernel_bytes(void) {
    char line[128];
    uint64_t kilobytes = 0, unreclaimed = 0;
    FILE *file = fopen("/proc/meminfo", "re");
    if (file == NULL)
        return 0;
    while (fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "SUnreclaim: %lu", &kilobytes) == 1)
            unreclaimed = kilobytes * 1024u;
    fclose(file);
    return unreclaimed;
}

/* By making some; other processes of the host make this rough. */
static uint64_t kernel_pair_bytes(void) {
    int pairs[PAIRS][2], made = 0;
    uint64_t before = kernel_bytes();
    while (made < PAIRS && socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pairs[made]) == 0)
        made++;
    uint64_t after = kernel_bytes();
    for (int i = 0; i < made; i++) {
        close(pairs[i][0]);
        close(pairs[i][1]);
    }
    return made > 0 && after > before ? (after - before) / (uint64_t)made : 0;
}

/* Each association takes two descriptors. */
static void raise_limit(uint32_t associations) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_max / 2 < associations + 32u)
        report_die(REPORT_FAILED, "%u associations need %u descriptors, the limit is %llu",
                   associations, 2 * associations + 64, (unsigned long long)limit.rlim_max);
}

static void begin(struct perf_idle *idle, uint32_t associations) {
    memset(idle, 0, sizeof *idle);
    idle->associations = associations;
    raise_limit(associations);
    idle->pair_bytes = kernel_pair_bytes();
    idle->resident_bytes = resident_bytes();
    idle->begin_ns = idle->quarter_ns = perf_now_ns();
    idle->setup_cpu_s = perf_cpu_s();
}

static void count_one(struct perf_idle *idle, uint32_t done) {
    if (done != (uint64_t)idle->associations * (idle->quarters + 1) / 4)
        return;
    uint64_t now_ns = perf_now_ns();
    idle->quarter_s[idle->quarters++] = (double)(now_ns - idle->quarter_ns) / 1e9;
    idle->quarter_ns = now_ns;
    if (done < idle->associations)
        return;
    idle->setup_s = (double)(now_ns - idle->begin_ns) / 1e9;
    idle->setup_cpu_s = perf_cpu_s() - idle->setup_cpu_s;
    idle->resident_bytes = resident_bytes() - idle->resident_bytes;
    idle->idle_ns = perf_now_ns();
    idle->idle_cpu_s = perf_cpu_s();
}

static void end(struct perf_idle *idle) {
    idle->idle_cpu_s = perf_cpu_s() - idle->idle_cpu_s;
    idle->idle_s = (double)(perf_now_ns() - idle->idle_ns) / 1e9;
}

json_t *perf_idle_json(const struct perf_idle *idle) {
    json_t *quarters = json_array();
    for (unsigned i = 0; i < idle->quarters; i++)
        json_array_append_new(quarters, json_real(idle->quarter_s[i]));
    double count = idle->associations > 0 ? idle->associations : 1;
    return json_pack("{sfsIsfsfsosf}", "bytes_per_association",
                     (double)idle->resident_bytes / count, "kernel_bytes_per_descriptor_pair",
                     (json_int_t)idle->pair_bytes, "setup_s", idle->setup_s, "setup_cpu_s",
                     idle->setup_cpu_s, "setup_quarters_s", quarters, "idle_cpu_percent",
                     idle->idle_s > 0 ? 100 * idle->idle_cpu_s / idle->idle_s : 0);
}

/* ---- server ---------------------------------------------------------------------------------- */

int perf_idle_serve(struct link *link, int listener, uint32_t associations,
                    struct perf_idle *idle) {
    begin(idle, associations);
    idle->sockets = calloc(associations, sizeof *idle->sockets);
    if (idle->sockets == NULL)
        report_die(REPORT_FAILED, "out of memory");
    for (uint32_t i = 0; i < associations;) {
        int sd = link_accept(link, listener);
        if (sd >= 0) {
            idle->sockets[i++] = sd;
            count_one(idle, i);
            continue;
        }
        bool may_come = errno == EAGAIN || errno == EINTR || errno == ECONNABORTED;
        if (!may_come || link_step(link, listener, POLLIN, LINK_FOREVER) != 0)
            return -1;
    }
    return 0;
}

void perf_idle_end(struct perf_idle *idle) {
    end(idle);
}

void perf_idle_close(struct perf_idle *idle) {
    for (uint32_t i = 0; idle->sockets != NULL && i < idle->associations; i++)
        if (idle->sockets[i] > 0)
            usctp_close(idle->sockets[i]);
    free(idle->sockets);
    idle->sockets = NULL;
}

/* ---- client ---------------------------------------------------------------------------------- */

void perf_idle_connect(struct link *link, const struct perf_options *options,
                       struct perf_idle *idle) {
    begin(idle, options->associations);
    idle->sockets = calloc(options->associations, sizeof *idle->sockets);
    if (idle->sockets == NULL)
        report_die(REPORT_FAILED, "out of memory");
    for (uint32_t i = 0; i < options->associations && link_signal() == 0; i++) {
        idle->sockets[i] = link_connect(link);
        if (idle->sockets[i] < 0)
            link_connect_failed(link, errno);
        count_one(idle, i + 1);
    }
    uint64_t until_ns = perf_now_ns() + (uint64_t)options->seconds * 1000000000u;
    for (uint64_t now_ns; (now_ns = perf_now_ns()) < until_ns && link_signal() == 0;)
        link_poll(link, NULL, 0, (int)((until_ns - now_ns) / 1000000u + 1));
    end(idle);
}

static void print_side(const char *name, const json_t *side) {
    printf("%-7s %6.0f bytes of RSS an association, %.2f %% of a core while idle; set up in", name,
           json_number_value(json_object_get(side, "bytes_per_association")),
           json_number_value(json_object_get(side, "idle_cpu_percent")));
    const json_t *quarters = json_object_get(side, "setup_quarters_s");
    for (size_t i = 0; i < json_array_size(quarters); i++)
        printf(" %.3f", json_number_value(json_array_get(quarters, i)));
    printf(" s a quarter\n");
}

void perf_idle_print(const struct perf_idle *idle, const json_t *server, bool json) {
    json_t *client = perf_idle_json(idle);
    double rate = idle->setup_s > 0 ? idle->associations / idle->setup_s : 0;
    if (json) {
        json_t *all = json_pack("{sssIsfsOsO}", "mode", "idle", "associations",
                                (json_int_t)idle->associations, "associations_per_s", rate,
                                "client", client, "server", server);
        json_dumpf(all, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9));
        printf("\n");
        json_decref(all);
    } else {
        printf("%u associations, %.0f set up a second; the kernel has %llu bytes for a pair of "
               "descriptors\n",
               idle->associations, rate, (unsigned long long)idle->pair_bytes);
        print_side("client", client);
        print_side("server", server);
    }
    json_decref(client);
    fflush(stdout);
}
