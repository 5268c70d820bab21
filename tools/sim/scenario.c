/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reading scenarios: lines into words, sections, and the keys of all sections but [path].
 */
#include "sim/scenario.h"

#include "sim/quantity.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_WORDS = 8, MAX_LINE_BYTES = 1024, DEFAULT_DURATION_S = 10 };
#define HOUR_US   (3600ull * USCTP_S)
#define BLANKS    " \t\r\n"
#define MOST_TIME (1000 * 24 * HOUR_US)

bool scenario_fail(struct scenario_reader *reader, const char *format, ...) {
    va_list arguments;
    int used = 0;
    if (reader->line > 0)
        used = snprintf(reader->error, sizeof reader->error, "%.100s:%u: ", reader->name,
                        reader->line);
    else if (reader->name != NULL)
        used = snprintf(reader->error, sizeof reader->error, "%.100s: ", reader->name);
    va_start(arguments, format);
    vsnprintf(reader->error + used, sizeof reader->error - (size_t)used, format, arguments);
    va_end(arguments);
    return false;
}

void scenario_init(struct scenario *scenario) {
    memset(scenario, 0, sizeof *scenario);
    scenario->seed = 1;
    scenario->associations = 1;
    scenario->interval_us = 100 * USCTP_MS;
    for (unsigned h = 0; h < 2; h++)
        usctp_config_defaults(&scenario->config[h]);
}

void scenario_reader_init(struct scenario_reader *reader, struct scenario *scenario,
                          const char *name) {
    memset(reader, 0, sizeof *reader);
    reader->scenario = scenario;
    reader->name = name;
    reader->host = SCENARIO_NO_HOST;
}

bool scenario_is_host(const char *word, unsigned *host) {
    if (strcmp(word, "a") != 0 && strcmp(word, "b") != 0)
        return false;
    *host = word[0] == 'b';
    return true;
}

/* ---- global keys ---- */

static bool global_line(struct scenario_reader *reader, char *words[], unsigned count) {
    struct scenario *s = reader->scenario;
    static const char *const names[] = {"duration", "limit", "interval", "spread"};
    uint64_t *const times[] = {&s->duration_us, &s->limit_us, &s->interval_us, &s->spread_us};
    uint64_t number;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(words[0], names[i]) != 0)
            continue;
        if (count != 2 || !quantity_time(words[1], &number) || number > MOST_TIME ||
            (number == 0 && times[i] != &s->spread_us))
            return scenario_fail(reader, "%s wants a time: 60s, 100ms", names[i]);
        *times[i] = number;
        return true;
    }
    if (strcmp(words[0], "seed") == 0) {
        if (count != 2 || !quantity_count(words[1], &s->seed))
            return scenario_fail(reader, "seed wants a number");
        return true;
    }
    if (strcmp(words[0], "associations") == 0) {
        if (count != 2 || !quantity_count(words[1], &number) || number == 0 ||
            number > SCENARIO_MAX_ASSOCIATIONS)
            return scenario_fail(reader, "associations wants a number from 1 to %u",
                                 SCENARIO_MAX_ASSOCIATIONS);
        s->associations = (uint32_t)number;
        return true;
    }
    return scenario_fail(reader,
                         "\"%s\" is no key here (a section begins with [path], [traffic] "
                         "or [host])",
                         words[0]);
}

/* ---- hosts ---- */

static bool read_line(struct scenario_reader *reader, char *words[], unsigned count) {
    uint64_t rate = 0;
    if (count != 2 ||
        (strcmp(words[1], "bulk") != 0 && (!quantity_rate(words[1], &rate) || rate == 0)))
        return scenario_fail(reader, "read wants bulk, or 2Mbit, 250kB (each a second)");
    for (unsigned h = 0; h < 2; h++)
        if (reader->host == SCENARIO_NO_HOST || reader->host == h)
            reader->scenario->read_bytes_per_s[h] = rate;
    return true;
}

/* restart TIME [TIME]: from the first to the second the host is not there, and knows nothing
 * afterwards. */
static bool restart_line(struct scenario_reader *reader, char *words[], unsigned count) {
    const struct scenario_setting stop = {.key = SCENARIO_STOP}, start = {.key = SCENARIO_START};
    uint64_t at_us, back_us;
    if (count < 2 || count > 3 || !quantity_time(words[1], &at_us) ||
        !quantity_time(words[count - 1], &back_us) || back_us > MOST_TIME ||
        (count == 3 && back_us <= at_us))
        return scenario_fail(reader, "restart wants the time when the host goes, and a later one "
                                     "when it is back, unless that is at once: 10s 12s");
    for (unsigned h = 0; h < 2; h++)
        if ((reader->host == SCENARIO_NO_HOST || reader->host == h) &&
            (!scenario_add_change(reader, at_us, h, &stop) ||
             !scenario_add_change(reader, back_us, h, &start)))
            return false;
    reader->scenario->has_restarts = true;
    return true;
}

/* read RATE; restart TIME [TIME]; or NAME VALUE, in the tunable's own unit or, for times and sizes,
 * with one. */
static bool host_line(struct scenario_reader *reader, char *words[], unsigned count) {
    if (strcmp(words[0], "read") == 0)
        return read_line(reader, words, count);
    if (strcmp(words[0], "restart") == 0)
        return restart_line(reader, words, count);
    enum usctp_tunable tunable = usctp_tunable_by_name(words[0], strlen(words[0]));
    if (tunable == USCTP_TUNABLE_COUNT)
        return scenario_fail(reader, "no tunable is called \"%s\" (--set help lists them)",
                             words[0]);
    const struct usctp_tunable_info *info = usctp_tunable_info(tunable);
    uint64_t value;
    bool taken =
        count == 2 && (quantity_count(words[1], &value) ||
                       (strcmp(info->unit, "us") == 0 && quantity_time(words[1], &value)) ||
                       (strcmp(info->unit, "bytes") == 0 && quantity_bytes(words[1], &value)));
    if (!taken || value < info->minimum || value > info->maximum)
        return scenario_fail(reader, "%s wants a value from %llu to %llu %s", info->name,
                             (unsigned long long)info->minimum, (unsigned long long)info->maximum,
                             info->unit);
    for (unsigned h = 0; h < 2; h++)
        if (reader->host == SCENARIO_NO_HOST || reader->host == h)
            usctp_config_set(&reader->scenario->config[h], tunable, value);
    return true;
}

/* ---- traffic ---- */

static bool add_flow(struct scenario_reader *reader) {
    struct scenario *s = reader->scenario;
    if (s->flow_count == SCENARIO_MAX_FLOWS)
        return scenario_fail(reader, "more than %u [traffic] sections", SCENARIO_MAX_FLOWS);
    s->flows[s->flow_count++] = (struct scenario_flow){
        .min_bytes = 1000, .max_bytes = 1000, .streams = 1, .stop_us = USCTP_NEVER};
    return true;
}

static bool size_line(struct scenario_reader *reader, char *words[], unsigned count) {
    struct scenario_flow *flow = &reader->scenario->flows[reader->scenario->flow_count - 1];
    uint64_t low, high;
    if (count < 2 || count > 3 || !quantity_bytes(words[1], &low) ||
        !quantity_bytes(words[count - 1], &high) || low == 0 || low > high ||
        high > SCENARIO_MAX_MESSAGE)
        return scenario_fail(reader, "size wants bytes, or the smallest and the largest, from 1 to "
                                     "16 MiB: 1400 or 100 10kB");
    flow->min_bytes = (uint32_t)low;
    flow->max_bytes = (uint32_t)high;
    return true;
}

static bool traffic_line(struct scenario_reader *reader, char *words[], unsigned count) {
    struct scenario_flow *flow = &reader->scenario->flows[reader->scenario->flow_count - 1];
    const char *key = words[0], *value = count == 2 ? words[1] : "";
    uint64_t number;
    if (strcmp(key, "size") == 0)
        return size_line(reader, words, count);
    if (strcmp(key, "from") == 0)
        return scenario_is_host(value, &flow->from) || scenario_fail(reader, "from wants a or b");
    if (strcmp(key, "rate") == 0) {
        flow->rate_bytes_per_s = 0;
        return strcmp(value, "bulk") == 0 || quantity_rate(value, &flow->rate_bytes_per_s) ||
               scenario_fail(reader, "rate wants bulk, or 2Mbit, 250kB (each a second)");
    }
    if (strcmp(key, "streams") == 0) {
        if (!quantity_count(value, &number) || number == 0 || number > 65535)
            return scenario_fail(reader, "streams wants a number from 1 to 65535");
        flow->streams = (uint32_t)number;
        return true;
    }
    if (strcmp(key, "unordered") == 0)
        return quantity_share(value, &flow->unordered) ||
               scenario_fail(reader, "unordered wants a share of messages: 10%% or 0.1");
    if (strcmp(key, "total") == 0)
        return (quantity_bytes(value, &flow->total_bytes) && flow->total_bytes > 0) ||
               scenario_fail(reader, "total wants bytes: 500, 10MB, 1GiB");
    if (strcmp(key, "start") == 0)
        return quantity_time(value, &flow->start_us) || scenario_fail(reader, "start wants a time");
    if (strcmp(key, "stop") == 0)
        return (quantity_time(value, &flow->stop_us) && flow->stop_us > 0) ||
               scenario_fail(reader, "stop wants a time after 0");
    return scenario_fail(reader, "\"%s\" is no key of [traffic]", key);
}

/* ---- lines ---- */

static bool section_line(struct scenario_reader *reader, char *words[], unsigned count) {
    const char *name = count > 0 ? words[0] : "";
    if (strcmp(name, "path") == 0 && count == 1) {
        reader->section = SCENARIO_PATH;
        return scenario_add_path(reader);
    }
    if (strcmp(name, "path") == 0 && count == 2) {
        uint64_t number;
        if (!quantity_count(words[1], &number) || number >= reader->scenario->path_count)
            return scenario_fail(reader, "there is no path %s yet", words[1]);
        reader->section = SCENARIO_PATH;
        reader->path = (unsigned)number;
        return true;
    }
    if (strcmp(name, "traffic") == 0 && count == 1) {
        reader->section = SCENARIO_TRAFFIC;
        return add_flow(reader);
    }
    if (strcmp(name, "host") == 0 && count == 2 && scenario_is_host(words[1], &reader->host)) {
        reader->section = SCENARIO_HOST;
        return true;
    }
    if (strcmp(name, "hosts") == 0 && count == 1) {
        reader->section = SCENARIO_HOST;
        reader->host = SCENARIO_NO_HOST;
        return true;
    }
    return scenario_fail(reader, "a section is [path], [path N], [traffic], [host a], [host b] or "
                                 "[hosts]");
}

/* Cuts a line into words; returns how many, MAX_WORDS + 1 for too many. */
static unsigned split(char *line, char *words[MAX_WORDS]) {
    unsigned count = 0;
    char *rest = NULL;
    for (char *word = strtok_r(line, BLANKS, &rest); word != NULL;
         word = strtok_r(NULL, BLANKS, &rest)) {
        if (count == MAX_WORDS)
            return MAX_WORDS + 1;
        words[count++] = word;
    }
    return count;
}

bool scenario_read_line(struct scenario_reader *reader, const char *line) {
    char copy[MAX_LINE_BYTES];
    char *words[MAX_WORDS], *text = copy;
    size_t length = strcspn(line, "#");
    if (length >= sizeof copy)
        return scenario_fail(reader, "a line of more than %d bytes", MAX_LINE_BYTES - 1);
    memcpy(copy, line, length);
    copy[length] = '\0';
    text += strspn(text, BLANKS);
    bool is_section = *text == '[';
    if (is_section) {
        char *end = strchr(++text, ']');
        if (end == NULL || end[1 + strspn(end + 1, BLANKS)] != '\0')
            return scenario_fail(reader, "a section's name ends with ] and nothing behind it");
        *end = '\0';
    }
    unsigned count = split(text, words);
    if (count > MAX_WORDS)
        return scenario_fail(reader, "too many words");
    if (is_section)
        return section_line(reader, words, count);
    if (count == 0)
        return true;
    switch (reader->section) {
    case SCENARIO_GLOBAL:
        return global_line(reader, words, count);
    case SCENARIO_HOST:
        return host_line(reader, words, count);
    case SCENARIO_PATH:
        return scenario_path_line(reader, words, count);
    case SCENARIO_TRAFFIC:
        return traffic_line(reader, words, count);
    }
    return false;
}

bool scenario_read_file(struct scenario_reader *reader, FILE *file) {
    char *line = NULL;
    size_t room = 0;
    bool fine = true;
    ssize_t length;
    errno = 0;
    while (fine && (length = getline(&line, &room, file)) >= 0) {
        reader->line++;
        fine = strlen(line) == (size_t)length ? scenario_read_line(reader, line)
                                              : scenario_fail(reader, "a byte that is no text");
    }
    free(line);
    if (fine && ferror(file)) {
        reader->line = 0;
        return scenario_fail(reader, "cannot read it: %s", strerror(errno));
    }
    return fine;
}

bool scenario_read_flag(struct scenario_reader *reader, const char *section, const char *text) {
    char line[MAX_LINE_BYTES];
    if (section != NULL) {
        snprintf(line, sizeof line, "[%s]", section);
        if (!scenario_read_line(reader, line))
            return false;
    }
    while (*text != '\0') {
        size_t length = strcspn(text, ",");
        if (length >= sizeof line)
            return scenario_fail(reader, "too long");
        memcpy(line, text, length);
        line[length] = '\0';
        if (!scenario_read_line(reader, line))
            return false;
        text += length + (text[length] == ',');
    }
    return true;
}

/* ---- the whole ---- */

static bool complete_flow(struct scenario_reader *reader, unsigned number) {
    struct scenario *s = reader->scenario;
    struct scenario_flow *flow = &s->flows[number];
    struct usctp_config *mine = &s->config[flow->from], *other = &s->config[1 - flow->from];
    if (flow->stop_us != USCTP_NEVER && flow->stop_us <= flow->start_us)
        return scenario_fail(reader, "traffic %u stops before it starts", number);
    if (flow->max_bytes > mine->send_buffer_bytes)
        return scenario_fail(reader, "traffic %u: messages larger than send_buffer_bytes (%u)",
                             number, mine->send_buffer_bytes);
    /* Streams have to be offered by one side and taken by the other (RFC 9260 5.1.1). */
    if (flow->streams > mine->outbound_streams)
        mine->outbound_streams = flow->streams;
    if (flow->streams > other->max_inbound_streams)
        other->max_inbound_streams = flow->streams;
    if (flow->total_bytes == 0 && flow->stop_us == USCTP_NEVER && s->duration_us == 0)
        s->duration_us = DEFAULT_DURATION_S * (uint64_t)USCTP_S;
    return true;
}

/* With the changes in order of time. */
static bool check_restarts(struct scenario_reader *reader) {
    const struct scenario *s = reader->scenario;
    bool is_gone[2] = {false, false};
    for (unsigned i = 0; i < s->change_count; i++) {
        const struct scenario_change *change = &s->changes[i];
        bool goes = change->setting.key == SCENARIO_STOP;
        if (!goes && change->setting.key != SCENARIO_START)
            continue;
        if (goes && is_gone[change->from])
            return scenario_fail(reader, "host %c restarts while it is not there",
                                 "ab"[change->from]);
        is_gone[change->from] = goes;
    }
    return true;
}

bool scenario_complete(struct scenario_reader *reader) {
    struct scenario *s = reader->scenario;
    reader->line = 0;
    if (s->path_count == 0 && !scenario_add_path(reader))
        return false;
    if (s->flow_count == 0 && !add_flow(reader))
        return false;
    if (!scenario_path_complete(reader) || !check_restarts(reader))
        return false;
    for (unsigned i = 0; i < s->flow_count; i++)
        if (!complete_flow(reader, i))
            return false;
    for (unsigned i = 0; i < s->flow_count; i++)
        if (s->duration_us != 0 && s->flows[i].stop_us > s->duration_us)
            s->flows[i].stop_us = s->duration_us;
    for (unsigned h = 0; h < 2; h++) {
        const struct usctp_config *config = &s->config[h];
        if (config->rto_min_us > config->rto_initial_us ||
            config->rto_initial_us > config->rto_max_us)
            return scenario_fail(reader,
                                 "host %c: rto_min_us <= rto_initial_us <= rto_max_us must "
                                 "hold",
                                 "ab"[h]);
    }
    if (s->limit_us == 0)
        s->limit_us = s->duration_us + HOUR_US;
    return true;
}
