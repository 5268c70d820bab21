/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The rows of usctp/counters.h: each names one 64-bit place in its struct, no two the same, with no
 * place left out; and the names of RFC 3873's counters are all there.
 */
#include "support/unit_env.h"
#include "usctp/engine.h"

#include <string.h>

static struct unit_env unit;

static void setup(void) {
    unit_env_init(&unit, 3);
}

static void teardown(void) {
    unit_env_check_empty(&unit);
}

static const size_t sizes[] = {
    [USCTP_COUNTERS_ENGINE] = sizeof(struct usctp_engine_counters),
    [USCTP_COUNTERS_ASSOC] = sizeof(struct usctp_assoc_counters),
    [USCTP_COUNTERS_PATH] = sizeof(struct usctp_path_status),
};

START_TEST(rows_are_sound) {
    for (int g = 0; g <= USCTP_COUNTERS_PATH; g++) {
        enum usctp_counter_group group = (enum usctp_counter_group)g;
        const struct usctp_counter_info *row, *other;
        size_t rows = 0;
        for (; (row = usctp_counter_info(group, rows)) != NULL; rows++) {
            ck_assert_uint_gt(strlen(row->name), 0);
            ck_assert_uint_gt(strlen(row->text), 0);
            ck_assert(row->mib[0] == '\0' || strncmp(row->mib, "sctp", 4) == 0);
            ck_assert_uint_eq(row->offset % sizeof(uint64_t), 0);
            ck_assert_uint_le(row->offset + sizeof(uint64_t), sizes[group]);
            for (size_t i = 0; i < rows; i++) {
                other = usctp_counter_info(group, i);
                ck_assert_str_ne(row->name, other->name);
                ck_assert(row->mib[0] == '\0' || strcmp(row->mib, other->mib) != 0);
                ck_assert_uint_ne(row->offset, other->offset);
            }
        }
        ck_assert_ptr_null(usctp_counter_info(group, rows + 1));
        ck_assert_ptr_null(usctp_counter_info(group, SIZE_MAX));
        if (group != USCTP_COUNTERS_PATH) /* the other two are nothing but counters */
            ck_assert_uint_eq(rows * sizeof(uint64_t), sizes[group]);
    }
    ck_assert_ptr_null(usctp_counter_info((enum usctp_counter_group)3, 0));
    ck_assert_ptr_null(usctp_counter_info((enum usctp_counter_group) - 1, 0));
}
END_TEST

static bool has(enum usctp_counter_group group, const char *mib) {
    const struct usctp_counter_info *row;
    for (size_t i = 0; (row = usctp_counter_info(group, i)) != NULL; i++)
        if (strcmp(row->mib, mib) == 0)
            return true;
    return false;
}

/* RFC 3873 4: sctpStats 1 to 18, and the statistics of sctpAssocTable and sctpAssocRemAddrTable. */
START_TEST(the_mib_is_there) {
    static const char *const stack[] = {
        "sctpCurrEstab",       "sctpActiveEstabs",      "sctpPassiveEstabs",  "sctpAborteds",
        "sctpShutdowns",       "sctpOutOfBlues",        "sctpChecksumErrors", "sctpOutCtrlChunks",
        "sctpOutOrderChunks",  "sctpOutUnorderChunks",  "sctpInCtrlChunks",   "sctpInOrderChunks",
        "sctpInUnorderChunks", "sctpFragUsrMsgs",       "sctpReasmUsrMsgs",   "sctpOutSCTPPacks",
        "sctpInSCTPPacks",     "sctpDiscontinuityTime",
    };
    static const char *const association[] = {
        "sctpAssocT1expireds", "sctpAssocT2expireds",        "sctpAssocRtxChunks",
        "sctpAssocStartTime",  "sctpAssocDiscontinuityTime",
    };
    static const char *const path[] = {
        "sctpAssocRemAddrActive",     "sctpAssocRemAddrHBActive", "sctpAssocRemAddrRTO",
        "sctpAssocRemAddrMaxPathRtx", "sctpAssocRemAddrRtx",      "sctpAssocRemAddrStartTime",
    };
    for (size_t i = 0; i < sizeof stack / sizeof stack[0]; i++)
        ck_assert_msg(has(USCTP_COUNTERS_ENGINE, stack[i]), "no %s", stack[i]);
    for (size_t i = 0; i < sizeof association / sizeof association[0]; i++)
        ck_assert_msg(has(USCTP_COUNTERS_ASSOC, association[i]), "no %s", association[i]);
    for (size_t i = 0; i < sizeof path / sizeof path[0]; i++)
        ck_assert_msg(has(USCTP_COUNTERS_PATH, path[i]), "no %s", path[i]);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("counters");
    TCase *tests = tcase_create("counters");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, rows_are_sound);
    tcase_add_test(tests, the_mib_is_there);
    suite_add_tcase(suite, tests);
    return unit_env_run(suite);
}
