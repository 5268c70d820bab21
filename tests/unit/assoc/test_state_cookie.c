/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * State Cookies: what is written comes back, and nothing else does - each bit flipped, cut,
 * extended, of another key; and sound MACs over unsound contents (RFC 9260 5.1.3, 5.1.5).
 */
#include "assoc/state_cookie.h"
#include "core/addr.h"

#include "support/unit_env.h"

#include <string.h>

#define ROOM 4096u

static struct unit_env unit;
static struct cookie_keys keys;
static uint8_t init[8000];
static uint8_t cookie[ROOM];
static struct cookie_content opened;

static void setup(void) {
    unit_env_init(&unit, 99);
    cookie_keys_init(&keys, &unit.env);
}

static void teardown(void) {
    unit_env_check_empty(&unit);
}

/* An INIT chunk with n parameters of `each` bytes, header included. */
static uint16_t make_init(uint32_t n, uint16_t each) {
    memset(init, 0, sizeof init);
    uint16_t bytes = 20;
    for (uint32_t i = 0; i < 16; i++) {
        init[4 + i] = (uint8_t)(0x30 + i);
    }
    for (uint32_t i = 0; i < n; i++) {
        put16(init + bytes, 0xc000);
        put16(init + bytes + 2, each);
        memset(init + bytes + 4, (int)i, each - 4u);
        uint16_t end = (uint16_t)(bytes + each);
        bytes = i + 1 < n ? (uint16_t)padded4(end) : end;
    }
    init[0] = CHUNK_INIT;
    put16(init + 2, bytes);
    return bytes;
}

static struct cookie_content make_content(uint16_t init_bytes) {
    return (struct cookie_content){
        .created_us = 0x0102030405060708,
        .life_us = 60000000,
        .local_tag = 0xa1a2a3a4,
        .local_initial_tsn = 0xb1b2b3b4,
        .local_tie_tag = 0xc1c2c3c4,
        .peer_tie_tag = 0xd1d2d3d4,
        .local_port = 7001,
        .peer_port = 7002,
        .outbound_streams = 11,
        .inbound_streams = 2048,
        .udp_port = 9899,
        .source = {.family = USCTP_FAMILY_IPV6, .scope_id = 4, .ipv6 = {0xfe, 0x80, [15] = 9}},
        .destination = {.family = USCTP_FAMILY_IPV4, .ipv4 = {192, 0, 2, 7}},
        .init = init,
        .init_bytes = init_bytes,
    };
}

static size_t make_cookie(const struct cookie_content *content) {
    size_t bytes = state_cookie_write(cookie, ROOM, content, &keys, &unit.env);
    ck_assert_uint_gt(bytes, 0);
    ck_assert_uint_le(bytes, state_cookie_size(content));
    return bytes;
}

static bool open_bytes(const uint8_t *data, size_t bytes) {
    return state_cookie_open(data, bytes, &keys, &opened, &unit.env);
}

static void expect_same(const struct cookie_content *a, const struct cookie_content *b) {
    ck_assert_uint_eq(a->created_us, b->created_us);
    ck_assert_uint_eq(a->life_us, b->life_us);
    ck_assert_uint_eq(a->local_tag, b->local_tag);
    ck_assert_uint_eq(a->local_initial_tsn, b->local_initial_tsn);
    ck_assert_uint_eq(a->local_tie_tag, b->local_tie_tag);
    ck_assert_uint_eq(a->peer_tie_tag, b->peer_tie_tag);
    ck_assert_uint_eq(a->local_port, b->local_port);
    ck_assert_uint_eq(a->peer_port, b->peer_port);
    ck_assert_uint_eq(a->outbound_streams, b->outbound_streams);
    ck_assert_uint_eq(a->inbound_streams, b->inbound_streams);
    ck_assert_uint_eq(a->udp_port, b->udp_port);
    ck_assert(addr_equal(&a->source, &b->source));
    ck_assert(addr_equal(&a->destination, &b->destination));
}

START_TEST(comes_back_as_it_was) {
    struct cookie_content content = make_content(make_init(3, 8));
    const struct usctp_addr others[] = {
        {.family = USCTP_FAMILY_IPV4, .ipv4 = {1, 2, 3, 4}},
        {.family = USCTP_FAMILY_IPV6, .ipv6 = {0x20, 1}},
        {.family = USCTP_FAMILY_HANDLE, .handle = 0x123456789abcdef0},
        {.family = USCTP_FAMILY_NONE},
    };
    for (size_t i = 0; i < 4; i++) {
        size_t bytes = make_cookie(&content);
        ck_assert_uint_eq(bytes, state_cookie_size(&content));
        ck_assert(open_bytes(cookie, bytes));
        expect_same(&opened, &content);
        ck_assert_uint_eq(opened.init_bytes, content.init_bytes);
        ck_assert_mem_eq(opened.init, init, content.init_bytes);
        ck_assert_ptr_eq(opened.init + opened.init_bytes, cookie + bytes); /* borrowed */
        content.destination = others[i];
        content.source = others[3 - i];
    }
}
END_TEST

START_TEST(every_flipped_bit_is_seen) {
    struct cookie_content content = make_content(make_init(3, 7));
    size_t bytes = make_cookie(&content);
    cookie_keys_rotate(&keys, &unit.env); /* both keys are tried */
    for (size_t bit = 0; bit < bytes * 8; bit++) {
        cookie[bit / 8] ^= (uint8_t)(1u << bit % 8);
        unit_env_check(!open_bytes(cookie, bytes));
        unit_env_check(opened.init == NULL && opened.local_tag == 0);
        cookie[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    ck_assert(open_bytes(cookie, bytes));
}
END_TEST

START_TEST(no_other_length_is_ours) {
    struct cookie_content content = make_content(make_init(3, 7));
    size_t bytes = make_cookie(&content);
    for (size_t n = 0; n < bytes; n++) {
        uint8_t cut[ROOM];
        memcpy(cut, cookie, n); /* so that a sanitizer sees a read past it */
        unit_env_check(!open_bytes(cut, n));
    }
    memset(cookie + bytes, 0, ROOM - bytes);
    for (size_t n = bytes + 1; n < ROOM; n++) {
        unit_env_check(!open_bytes(cookie, n));
    }
    ck_assert(open_bytes(cookie, bytes));
    /* What cannot be ours by its length costs no MAC. */
    uint64_t macs = unit.macs;
    ck_assert(!open_bytes(cookie, 60));
    ck_assert(!open_bytes(cookie, ROOM));
    ck_assert_uint_eq(unit.macs, macs);
}
END_TEST

START_TEST(keys_live_two_periods) {
    struct cookie_content content = make_content(make_init(1, 8));
    size_t bytes = make_cookie(&content);
    ck_assert(open_bytes(cookie, bytes));
    cookie_keys_rotate(&keys, &unit.env);
    ck_assert(open_bytes(cookie, bytes));
    cookie_keys_rotate(&keys, &unit.env);
    ck_assert(!open_bytes(cookie, bytes));
    bytes = make_cookie(&content);
    struct cookie_keys others;
    cookie_keys_init(&others, &unit.env);
    ck_assert(!state_cookie_open(cookie, bytes, &others, &opened, &unit.env));
    /* A key that is all zeros is not taken for the one before the first. */
    struct cookie_keys zeros = {0}, fresh = others;
    bytes = state_cookie_write(cookie, ROOM, &content, &zeros, &unit.env);
    ck_assert(!state_cookie_open(cookie, bytes, &fresh, &opened, &unit.env));
}
END_TEST

START_TEST(without_room_or_mac_there_is_none) {
    struct cookie_content content = make_content(make_init(2, 9));
    size_t bytes = make_cookie(&content);
    for (size_t room = 0; room < bytes; room++) {
        uint8_t small[ROOM];
        unit_env_check(state_cookie_write(small, room, &content, &keys, &unit.env) == 0);
    }
    ck_assert_uint_eq(state_cookie_write(cookie, bytes, &content, &keys, &unit.env), bytes);
    unit.mac_fails = true;
    ck_assert_uint_eq(state_cookie_write(cookie, ROOM, &content, &keys, &unit.env), 0);
    ck_assert(!open_bytes(cookie, bytes));
    unit.mac_fails = false;
    unit.env.given.crypto.hmac_sha256 = NULL;
    ck_assert_uint_eq(state_cookie_write(cookie, ROOM, &content, &keys, &unit.env), 0);
    ck_assert(!open_bytes(cookie, bytes));
}
END_TEST

/* Longer INITs are cut at the end of a parameter, and the chunk's length says so. */
START_TEST(a_long_init_is_cut) {
    static const struct {
        uint32_t n;
        uint16_t each, kept;
    } table[] = {
        {1, 2028, 2048},      /* fits exactly */
        {2, 1014, 20 + 1014}, /* both would need 20 + 1016 + 1014 */
        {100, 40, 20 + 50 * 40},
        {1, 2029, 20},
        {300, 21, 20 + 83 * 24 + 21}, /* the last one without its padding */
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct cookie_content content = make_content(make_init(table[i].n, table[i].each));
        uint16_t kept = table[i].kept;
        size_t bytes = make_cookie(&content);
        ck_assert(open_bytes(cookie, bytes));
        ck_assert_uint_eq(opened.init_bytes, kept);
        ck_assert_uint_eq(get16(opened.init + 2), kept);
        ck_assert_mem_eq(opened.init + 4, init + 4, kept - 4);
        expect_same(&opened, &content);
    }
    /* A parameter of impossible length ends what is kept. */
    struct cookie_content content = make_content(make_init(100, 40));
    put16(init + 20 + 80 + 2, 3);
    size_t bytes = make_cookie(&content);
    ck_assert(open_bytes(cookie, bytes));
    ck_assert_uint_eq(opened.init_bytes, 100);
}
END_TEST

/* Puts a sound MAC over what the cookie says now. */
static void sign(size_t bytes) {
    ck_assert_int_eq(unit.env.given.crypto.hmac_sha256(&unit, keys.current, COOKIE_KEY_BYTES,
                                                       cookie + USCTP_MAC_BYTES,
                                                       bytes - USCTP_MAC_BYTES, cookie),
                     0);
}

START_TEST(a_sound_mac_does_not_excuse_the_contents) {
    struct cookie_content content = make_content(make_init(1, 8));
    size_t bytes = make_cookie(&content), init_at = bytes - content.init_bytes;
    const struct {
        size_t at;
        uint8_t value;
    } wrong[] = {
        {32, 0},
        {32, 2}, /* format */
        {75, 5},
        {75, 0}, /* family of the source: unknown, of another length */
        {75, 4},
        {init_at - 1, 27},
        {init_at - 1, 29},
        {init_at - 2, 1},
        {init_at, CHUNK_INIT_ACK},
        {init_at + 3, 27},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        bytes = make_cookie(&content);
        ck_assert_uint_ne(cookie[wrong[i].at], wrong[i].value);
        cookie[wrong[i].at] = wrong[i].value;
        sign(bytes);
        ck_assert_msg(!open_bytes(cookie, bytes), "wrong %zu", i);
    }
    bytes = make_cookie(&content);
    sign(bytes - 1);
    ck_assert(!open_bytes(cookie, bytes - 1));
    bytes = make_cookie(&content);
    cookie[bytes] = 0;
    sign(bytes + 1);
    ck_assert(!open_bytes(cookie, bytes + 1));
}
END_TEST

int main(void) {
    Suite *suite = suite_create("state_cookie");
    TCase *tests = tcase_create("state_cookie");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, comes_back_as_it_was);
    tcase_add_test(tests, every_flipped_bit_is_seen);
    tcase_add_test(tests, no_other_length_is_ours);
    tcase_add_test(tests, keys_live_two_periods);
    tcase_add_test(tests, without_room_or_mac_there_is_none);
    tcase_add_test(tests, a_long_init_is_cut);
    tcase_add_test(tests, a_sound_mac_does_not_excuse_the_contents);
    suite_add_tcase(suite, tests);
    return unit_env_run(suite);
}
