/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The rows of usctp/counters.h, for programs that print them. Who counts what is in src/assoc.
 */
#include "usctp/engine.h"

#define ROW(of, name, mib, kind, text) {#name, mib, text, USCTP_##kind, offsetof(struct of, name)},

#define ENGINE_ROW(name, mib, kind, text) ROW(usctp_engine_counters, name, mib, kind, text)
#define DROP_ROW(name, low, mib, text)                                                             \
    {"dropped_" #low, mib, text, USCTP_COUNTER,                                                    \
     offsetof(struct usctp_engine_counters, dropped) + sizeof(uint64_t) * USCTP_DROP_##name},
#define ASSOC_ROW(name, mib, kind, text) ROW(usctp_assoc_counters, name, mib, kind, text)
#define PATH_ROW(name, mib, kind, text)  ROW(usctp_path_status, name, mib, kind, text)

static const struct usctp_counter_info engine_rows[] = {USCTP_ENGINE_COUNTER_TABLE(ENGINE_ROW)
                                                            USCTP_DROP_TABLE(DROP_ROW)};
static const struct usctp_counter_info assoc_rows[] = {USCTP_ASSOC_COUNTER_TABLE(ASSOC_ROW)};
static const struct usctp_counter_info path_rows[] = {USCTP_PATH_COUNTER_TABLE(PATH_ROW)};

#define ROWS(rows)                                                                                 \
    { rows, sizeof(rows) / sizeof(rows)[0] }

const struct usctp_counter_info *usctp_counter_info(enum usctp_counter_group group, size_t index) {
    static const struct {
        const struct usctp_counter_info *rows;
        size_t count;
    } groups[] = {
        [USCTP_COUNTERS_ENGINE] = ROWS(engine_rows),
        [USCTP_COUNTERS_ASSOC] = ROWS(assoc_rows),
        [USCTP_COUNTERS_PATH] = ROWS(path_rows),
    };
    if ((unsigned)group >= sizeof groups / sizeof groups[0] || index >= groups[group].count)
        return NULL;
    return &groups[group].rows[index];
}
