/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The functions of usctp/config.h, made from its table: defaults, lookup by name, range checks.
 *
 * A struct usctp_config carries the size it was built with; a field beyond that size does not exist
 * in it. config_take makes the library's own struct of a caller's. Rules between two tunables
 * (RTO.Min <= RTO.Max and the like) are kept where they are used.
 */
#include "core/config_take.h"

#include "core/bytes.h"
#include "usctp/engine.h"

#define MAX_SIZE 4096u /* of any version's struct: a wild size is not followed */

struct row {
    struct usctp_tunable_info info;
    size_t name_bytes, offset, bytes;
};

#define ROW(name, type, unit, minimum, initial, maximum, scope, section)                           \
    {{#name, unit, section, minimum, initial, maximum, USCTP_SCOPE_##scope},                       \
     sizeof #name - 1,                                                                             \
     offsetof(struct usctp_config, name),                                                          \
     sizeof(type)},
static const struct row rows[USCTP_TUNABLE_COUNT] = {USCTP_CONFIG_TABLE(ROW)};
#undef ROW

#define ROW_IS_SOUND(name, type, unit, minimum, initial, maximum, scope, section)                  \
    _Static_assert((minimum) <= (initial) && (initial) <= (maximum) && (maximum) <= (type)-1,      \
                   #name ": default outside its range, or range outside its type");
USCTP_CONFIG_TABLE(ROW_IS_SOUND)
#undef ROW_IS_SOUND

static const struct row *row_of(enum usctp_tunable tunable) {
    return (unsigned)tunable < USCTP_TUNABLE_COUNT ? &rows[tunable] : NULL;
}

static bool has_field(const struct usctp_config *config, const struct row *row) {
    return row && row->offset + row->bytes <= config->size;
}

static void store(struct usctp_config *config, const struct row *row, uint64_t value) {
    uint8_t *field = (uint8_t *)config + row->offset;
    uint32_t narrow = (uint32_t)value;
    if (row->bytes == sizeof value) {
        memcpy(field, &value, sizeof value);
    } else {
        memcpy(field, &narrow, sizeof narrow);
    }
}

void usctp_config_defaults_size(struct usctp_config *config, uint32_t size) {
    const size_t alignment = _Alignof(struct usctp_config);
    if (!config || size < sizeof config->size || size > MAX_SIZE)
        return;
    memset(config, 0, (size + alignment - 1) / alignment * alignment);
    config->size = size;
    for (size_t i = 0; i < USCTP_TUNABLE_COUNT; i++) {
        if (has_field(config, &rows[i]))
            store(config, &rows[i], rows[i].info.initial);
    }
}

/* Whether a size is one that some version's struct may have: no field is cut. */
static bool is_a_size(uint32_t size) {
    if (size < sizeof size)
        return false;
    for (size_t i = 0; i < USCTP_TUNABLE_COUNT; i++)
        if (size > rows[i].offset && size < rows[i].offset + rows[i].bytes)
            return false;
    return true;
}

int config_take(struct usctp_config *out, const struct usctp_config *given) {
    const uint32_t size = given->size;
    if (!is_a_size(size))
        return USCTP_ERR_INVALID;
    if (size > MAX_SIZE)
        return USCTP_ERR_TOO_BIG;
    for (uint32_t i = USCTP_CONFIG_SIZE; i < size; i++)
        if (((const uint8_t *)given)[i] != 0)
            return USCTP_ERR_TOO_BIG;
    usctp_config_defaults(out);
    for (unsigned i = 0; i < USCTP_TUNABLE_COUNT; i++) {
        enum usctp_tunable tunable = (enum usctp_tunable)i;
        if (has_field(given, &rows[i]) &&
            usctp_config_set(out, tunable, usctp_config_get(given, tunable)) != 0)
            return USCTP_ERR_INVALID;
    }
    return 0;
}

const struct usctp_tunable_info *usctp_tunable_info(enum usctp_tunable tunable) {
    const struct row *row = row_of(tunable);
    return row ? &row->info : NULL;
}

enum usctp_tunable usctp_tunable_by_name(const char *name, size_t length) {
    for (unsigned i = 0; i < USCTP_TUNABLE_COUNT; i++) {
        if (rows[i].name_bytes == length && memcmp(rows[i].info.name, name, length) == 0) {
            return (enum usctp_tunable)i;
        }
    }
    return USCTP_TUNABLE_COUNT;
}

int usctp_config_set(struct usctp_config *config, enum usctp_tunable tunable, uint64_t value) {
    const struct row *row = row_of(tunable);
    if (!has_field(config, row))
        return USCTP_ERR_INVALID;
    if (value < row->info.minimum || value > row->info.maximum)
        return USCTP_ERR_INVALID;
    store(config, row, value);
    return 0;
}

uint64_t usctp_config_get(const struct usctp_config *config, enum usctp_tunable tunable) {
    const struct row *row = row_of(tunable);
    if (!has_field(config, row))
        return 0;
    const uint8_t *field = (const uint8_t *)config + row->offset;
    uint64_t value = 0;
    uint32_t narrow = 0;
    if (row->bytes == sizeof value) {
        memcpy(&value, field, sizeof value);
        return value;
    }
    memcpy(&narrow, field, sizeof narrow);
    return narrow;
}
