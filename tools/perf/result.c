/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What usctp-perf prints: a line a second, and the result as lines or as JSON.  MB and GB are 10^6
 * and 10^9 bytes.
 */
#include "perf/perf.h"

#include "common/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND_NS 1000000000u

/* ---- a line a second ------------------------------------------------------------------------- */

void perf_progress_start(struct perf_progress *progress, const struct perf_options *options) {
    memset(progress, 0, sizeof *progress);
    progress->options = options;
    progress->start_ns = progress->last_ns = perf_now_ns();
    progress->next_ns = progress->start_ns + SECOND_NS;
}

void perf_progress_show(struct perf_progress *progress, const struct perf_count *count,
                        uint64_t now_ns) {
    if (now_ns < progress->next_ns)
        return;
    double from = (double)(progress->last_ns - progress->start_ns) / 1e9;
    double to = (double)(now_ns - progress->start_ns) / 1e9;
    double megabytes = (double)(count->bytes - progress->last_bytes) / 1e6;
    double messages = (double)(count->messages - progress->last_messages);
    double associations = (double)(count->associations - progress->last_associations);
    if (progress->options->json)
        ;
    else if (count->associations > 0)
        printf("%6.2f-%-6.2f s  %10.0f associations/s\n", from, to, associations / (to - from));
    else
        printf("%6.2f-%-6.2f s  %9.2f MB  %9.2f MB/s  %10.0f messages/s\n", from, to, megabytes,
               megabytes / (to - from), messages / (to - from));
    fflush(stdout);
    progress->last_ns = now_ns;
    progress->last_bytes = count->bytes;
    progress->last_messages = count->messages;
    progress->last_associations = count->associations;
    while (progress->next_ns <= now_ns)
        progress->next_ns += SECOND_NS;
}

int perf_progress_wait_ms(const struct perf_progress *progress, uint64_t end_ns, uint64_t now_ns) {
    uint64_t until_ns = progress->next_ns < end_ns ? progress->next_ns : end_ns;
    return until_ns > now_ns ? (int)((until_ns - now_ns + 999999) / 1000000) : 0;
}

/* ---- the result ------------------------------------------------------------------------------ */

static void ask_path(struct perf_path *path, int sd, const struct sockaddr *address, size_t bytes) {
    struct sctp_paddrinfo info;
    socklen_t info_bytes = sizeof info;
    memset(&info, 0, sizeof info);
    memcpy(&info.spinfo_address, address, bytes);
    address_sockaddr_text(address, path->address);
    if (usctp_getsockopt(sd, IPPROTO_SCTP, SCTP_GET_PEER_ADDR_INFO, &info, &info_bytes) != 0)
        return;
    path->state = info.spinfo_state;
    path->cwnd_bytes = info.spinfo_cwnd;
    path->srtt_ms = info.spinfo_srtt;
    path->rto_ms = info.spinfo_rto;
    path->mtu_bytes = info.spinfo_mtu;
}

void perf_result_ask(struct perf_result *result, int sd) {
    struct sctp_assoc_stats stats;
    socklen_t bytes = sizeof stats;
    struct sockaddr *addresses = NULL;
    memset(&stats, 0, sizeof stats);
    if (usctp_getsockopt(sd, IPPROTO_SCTP, SCTP_GET_ASSOC_STATS, &stats, &bytes) == 0)
        result->retransmitted_chunks = (int64_t)stats.sas_rtxchunks;
    int count = usctp_getpaddrs(sd, 0, &addresses);
    const unsigned char *at = (const unsigned char *)addresses;
    for (int i = 0; i < count && result->path_count < USCTP_MAX_ADDRESSES; i++) {
        struct sockaddr_storage address;
        size_t address_bytes = address_sockaddr_bytes((const struct sockaddr *)at);
        if (address_bytes == 0)
            break;
        memset(&address, 0, sizeof address);
        memcpy(&address, at, address_bytes);
        ask_path(&result->paths[result->path_count++], sd, (struct sockaddr *)&address,
                 address_bytes);
        at += address_bytes;
    }
    if (count > 0)
        usctp_freepaddrs(addresses);
}

static const char *path_state_name(int state) {
    switch (state) {
    case SCTP_INACTIVE:
        return "inactive";
    case SCTP_PF:
        return "potentially failed";
    case SCTP_ACTIVE:
        return "active";
    default:
        return "unconfirmed";
    }
}

/* What the figures are made of. */
struct figures {
    double goodput_MBps, messages_per_s, associations_per_s;
    double cpu_client, cpu_server; /* seconds per GB */
};

static double per(double value, double by) {
    return by > 0 ? value / by : 0;
}

static void figure(const struct perf_result *result, struct figures *figures) {
    const struct perf_count *server = &result->server, *client = &result->client;
    /* What has arrived, by the clock of the side where it did; very short runs by the client's. */
    double seconds = server->seconds > 0.01 ? server->seconds : client->seconds;
    double gigabytes = (double)server->bytes / 1e9;
    figures->goodput_MBps = per((double)server->bytes / 1e6, seconds);
    figures->messages_per_s = per((double)server->messages, seconds);
    figures->associations_per_s = per((double)client->associations, client->seconds);
    figures->cpu_client = per(client->cpu_s, gigabytes);
    figures->cpu_server = per(server->cpu_s, gigabytes);
}

static void set_real(json_t *object, const char *key, double value, bool applies) {
    json_object_set_new(object, key, applies ? json_real(value) : json_null());
}

static json_t *paths_json(const struct perf_result *result) {
    json_t *paths = json_array();
    for (size_t i = 0; i < result->path_count; i++) {
        const struct perf_path *path = &result->paths[i];
        json_array_append_new(paths, json_pack("{sssssIsIsIsI}", "address", path->address, "state",
                                               path_state_name(path->state), "cwnd_bytes",
                                               (json_int_t)path->cwnd_bytes, "srtt_ms",
                                               (json_int_t)path->srtt_ms, "rto_ms",
                                               (json_int_t)path->rto_ms, "mtu_bytes",
                                               (json_int_t)path->mtu_bytes));
    }
    return paths;
}

static void print_json(json_t *object) {
    char *text = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(9));
    if (text == NULL)
        report_die(REPORT_FAILED, "out of memory");
    puts(text);
    free(text);
    json_decref(object);
    fflush(stdout);
}

static void result_json(const struct perf_result *result, const struct figures *figures) {
    bool bulk = result->mode == PERF_BULK, ping = result->mode == PERF_PING;
    json_t *object = json_pack("{sssIsfsIsI}", "mode", perf_mode_name(result->mode),
                               "message_bytes", (json_int_t)result->message_bytes, "seconds",
                               result->client.seconds, "bytes", (json_int_t)result->server.bytes,
                               "messages", (json_int_t)result->server.messages);
    set_real(object, "goodput_MBps", figures->goodput_MBps, bulk);
    set_real(object, "messages_per_s", figures->messages_per_s, bulk || ping);
    json_object_set_new(object, "rtt_us",
                        ping ? json_pack("{sfsf}", "p50",
                                         histogram_quantile(&result->rtt_ns, 0.5) / 1e3, "p99",
                                         histogram_quantile(&result->rtt_ns, 0.99) / 1e3)
                             : json_null());
    set_real(object, "associations_per_s", figures->associations_per_s,
             result->mode == PERF_CONNECT);
    set_real(object, "cpu_s_per_GB", figures->cpu_client + figures->cpu_server, bulk);
    set_real(object, "cpu_s_per_GB_client", figures->cpu_client, bulk);
    set_real(object, "cpu_s_per_GB_server", figures->cpu_server, bulk);
    set_real(object, "cpu_s_client", result->client.cpu_s, true);
    set_real(object, "cpu_s_server", result->server.cpu_s, true);
    json_object_set_new(object, "retransmitted_chunks",
                        result->retransmitted_chunks >= 0
                            ? json_integer((json_int_t)result->retransmitted_chunks)
                            : json_null());
    json_object_set_new(object, "paths", paths_json(result));
    print_json(object);
}

static void result_lines(const struct perf_result *result, const struct figures *figures) {
    printf("- - - - - - - - - - - - - - - - - - - - - - - - - - - - - -\n");
    if (result->mode == PERF_CONNECT) {
        printf("%.0f associations set up and shut down a second\n", figures->associations_per_s);
    } else if (result->mode == PERF_PING) {
        printf("%.0f round trips/s, RTT %.1f us (median), %.1f us (99 %%)\n",
               figures->messages_per_s, histogram_quantile(&result->rtt_ns, 0.5) / 1e3,
               histogram_quantile(&result->rtt_ns, 0.99) / 1e3);
    } else {
        printf("%.2f MB in %.2f s: %.2f MB/s, %.0f messages/s\n",
               (double)result->server.bytes / 1e6, result->client.seconds, figures->goodput_MBps,
               figures->messages_per_s);
        printf("CPU seconds per GB: %.2f (client %.2f, server %.2f)\n",
               figures->cpu_client + figures->cpu_server, figures->cpu_client, figures->cpu_server);
    }
    if (result->retransmitted_chunks >= 0)
        printf("retransmitted chunks: %lld\n", (long long)result->retransmitted_chunks);
    for (size_t i = 0; i < result->path_count; i++) {
        const struct perf_path *path = &result->paths[i];
        printf("path %s: %s, cwnd %u, SRTT %u ms, RTO %u ms, MTU %u\n", path->address,
               path_state_name(path->state), path->cwnd_bytes, path->srtt_ms, path->rto_ms,
               path->mtu_bytes);
    }
    fflush(stdout);
}

void perf_result_print(const struct perf_result *result, bool json) {
    struct figures figures;
    figure(result, &figures);
    if (json)
        result_json(result, &figures);
    else
        result_lines(result, &figures);
}

void perf_server_print(enum perf_mode mode, const struct perf_count *count, bool json) {
    double gigabytes = (double)count->bytes / 1e9;
    if (json) {
        json_t *object = perf_count_json(count);
        json_object_set_new(object, "mode", json_string(perf_mode_name(mode)));
        set_real(object, "goodput_MBps", per((double)count->bytes / 1e6, count->seconds),
                 mode == PERF_BULK);
        set_real(object, "cpu_s_per_GB", per(count->cpu_s, gigabytes), mode == PERF_BULK);
        print_json(object);
        return;
    }
    if (mode == PERF_CONNECT || mode == PERF_IDLE)
        printf("%llu associations in %.2f s, %.2f s of CPU\n",
               (unsigned long long)count->associations, count->seconds, count->cpu_s);
    else
        printf("received %.2f MB, %llu messages in %.2f s: %.2f MB/s, %.2f CPU seconds per GB\n",
               (double)count->bytes / 1e6, (unsigned long long)count->messages, count->seconds,
               per((double)count->bytes / 1e6, count->seconds), per(count->cpu_s, gigabytes));
    fflush(stdout);
}
