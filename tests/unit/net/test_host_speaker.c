/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The office of speaker, in a network namespace of the test's own: who gets it, who follows, what
 * is answered and what is not, and what the filter is to let in. Several speakers of one process
 * stand for several processes: names and sockets do not know the difference.
 */
#include "net/host_name.h"
#include "net/host_speaker.h"
#include "net/port_claim.h"
#include "support/unit_net.h"

#include <check.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST = 4 };

static struct host_namespace *ns;
static struct port_claims *claims[MOST];
static struct host_speaker *speakers[MOST];
static int raw_fds[MOST][2];

static void add(unsigned i, bool may_speak) {
    claims[i] = port_claim_new(ns);
    raw_fds[i][0] = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_SCTP);
    raw_fds[i][1] = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_SCTP);
    ck_assert(claims[i] && raw_fds[i][0] >= 0 && raw_fds[i][1] >= 0);
    speakers[i] = host_speaker_new(claims[i], ns, raw_fds[i], may_speak);
    ck_assert_ptr_nonnull(speakers[i]);
}

static void end(unsigned i) {
    if (!speakers[i])
        return;
    close(raw_fds[i][0]);
    close(raw_fds[i][1]);
    host_speaker_delete(speakers[i]);
    port_claim_delete(claims[i]);
    speakers[i] = NULL;
}

static void teardown(void) {
    for (unsigned i = 0; i < MOST; i++)
        end(i);
}

static enum host_speaker_verdict judge(unsigned i, uint16_t port) {
    struct host_speaker_look look = {.has_looked = false};
    return host_speaker_judge(speakers[i], port, &look);
}

static bool wants(unsigned i, uint16_t port) {
    uint64_t set[PORT_CLAIM_SET_WORDS] = {0};
    host_speaker_add_ports(speakers[i], set);
    return set[port / 64] >> port % 64 & 1;
}

/* Waits for what others do, and takes it in. */
static void refresh(unsigned i) {
    ck_assert(unit_net_wait(host_speaker_descriptor(speakers[i])));
    ck_assert(host_speaker_refresh(speakers[i]));
}

START_TEST(one_speaks) {
    for (unsigned i = 0; i < 3; i++)
        add(i, true);
    ck_assert(host_speaker_speaks(speakers[0]));
    ck_assert(!host_speaker_speaks(speakers[1]));
    ck_assert(!host_speaker_speaks(speakers[2]));
    ck_assert_int_eq(judge(0, 6000), HOST_SPEAKER_ANSWER);
    ck_assert_int_eq(judge(1, 6000), HOST_SPEAKER_IGNORE);
    ck_assert_int_eq(judge(0, 0), HOST_SPEAKER_IGNORE);
    ck_assert(wants(0, 1) && wants(0, 6000) && wants(0, 65535));
    ck_assert(!wants(1, 6000));
}
END_TEST

START_TEST(the_next_takes_over) {
    for (unsigned i = 0; i < 3; i++)
        add(i, true);
    refresh(0);
    end(0);
    uint64_t generation = host_speaker_generation(speakers[1]);
    refresh(1);
    ck_assert(host_speaker_speaks(speakers[1]));
    ck_assert_uint_ne(host_speaker_generation(speakers[1]), generation);
    refresh(2);
    ck_assert(!host_speaker_speaks(speakers[2]));
    end(1);
    refresh(2);
    ck_assert(host_speaker_speaks(speakers[2]));
    ck_assert_int_eq(judge(2, 6000), HOST_SPEAKER_ANSWER);
}
END_TEST

START_TEST(nobody_has_to) {
    add(0, false);
    ck_assert(!host_speaker_speaks(speakers[0]));
    host_speaker_tell(speakers[0]);
    ck_assert(!host_speaker_speaks(speakers[0]));
    ck_assert_int_eq(judge(0, 6000), HOST_SPEAKER_IGNORE);
    add(1, true);
    ck_assert(host_speaker_speaks(speakers[1]));
    end(1);
    ck_assert(!host_speaker_speaks(speakers[0]));
}
END_TEST

START_TEST(others_ports_are_learned) {
    add(0, true);
    add(1, true);
    refresh(0);
    ck_assert_int_eq(port_claim_add(claims[1], 5001), 0);
    ck_assert_int_eq(judge(0, 5001), HOST_SPEAKER_IGNORE);
    ck_assert(!wants(0, 5001));
    ck_assert(wants(0, 5002));
    port_claim_remove(claims[1], 5001);
    ck_assert(!wants(0, 5001)); /* until something is heard */
    host_speaker_tell(speakers[1]);
    refresh(0);
    ck_assert(wants(0, 5001));
    ck_assert_int_eq(judge(0, 5001), HOST_SPEAKER_ANSWER);
    /* The end of a process is news too. */
    ck_assert_int_eq(port_claim_add(claims[1], 5001), 0);
    ck_assert_int_eq(judge(0, 5001), HOST_SPEAKER_IGNORE);
    end(1);
    refresh(0);
    ck_assert_int_eq(judge(0, 5001), HOST_SPEAKER_ANSWER);
}
END_TEST

START_TEST(blocks_are_learned_whole) {
    add(0, true);
    add(1, false);
    int port = port_claim_add_ephemeral(claims[1], 4711);
    ck_assert_int_gt(port, 0);
    uint16_t first = (uint16_t)(port / 64 * 64);
    ck_assert_int_eq(judge(0, first), HOST_SPEAKER_IGNORE);
    for (unsigned i = 0; i < 64; i++)
        ck_assert(!wants(0, (uint16_t)(first + i)));
    ck_assert(wants(0, (uint16_t)(first - 1)) && wants(0, (uint16_t)(first + 64)));
    /* Nobody tells of this one: the speaker looks again by itself. */
    end(1);
    bool found = false;
    for (unsigned i = 0; i < 3 && !found; i++) {
        host_speaker_refresh(speakers[0]);
        found = wants(0, (uint16_t)port);
        if (!found)
            ck_assert(unit_net_wait(host_speaker_descriptor(speakers[0])));
    }
    ck_assert(found);
}
END_TEST

START_TEST(a_port_claimed_meanwhile_is_ours) {
    add(0, true);
    ck_assert_int_eq(port_claim_add(claims[0], 5001), 0);
    ck_assert_int_eq(judge(0, 5001), HOST_SPEAKER_ANSWER);
    ck_assert(wants(0, 5001));
}
END_TEST

START_TEST(foreign_sockets_silence) {
    add(0, true);
    add(1, true);
    int domain = _i == 0 ? AF_INET : AF_INET6;
    int foreign = socket(domain, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_SCTP);
    ck_assert_int_ge(foreign, 0);
    ck_assert(host_speaker_speaks(speakers[0])); /* it has not looked yet */
    ck_assert_int_eq(judge(0, 6000), HOST_SPEAKER_IGNORE);
    ck_assert(!host_speaker_speaks(speakers[0]));
    ck_assert(!wants(0, 6000));
    host_speaker_refresh(speakers[0]);
    refresh(0); /* the timer */
    ck_assert(!host_speaker_speaks(speakers[0]));
    close(foreign);
    refresh(0);
    ck_assert(host_speaker_speaks(speakers[0]));
    ck_assert_int_eq(judge(0, 6000), HOST_SPEAKER_ANSWER);
    /* Sockets for other protocols disturb nobody. */
    int other = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);
    ck_assert_int_ge(other, 0);
    ck_assert_int_eq(judge(0, 6000), HOST_SPEAKER_ANSWER);
    close(other);
}
END_TEST

START_TEST(looks_are_limited) {
    add(0, true);
    unsigned answers = 0, limited = 0;
    for (unsigned i = 0; i < 20000; i++) {
        struct host_speaker_look look = {.has_looked = true};
        enum host_speaker_verdict verdict = host_speaker_judge(speakers[0], 6000, &look);
        answers += verdict == HOST_SPEAKER_ANSWER;
        limited += verdict == HOST_SPEAKER_LIMITED;
    }
    ck_assert_uint_eq(answers + limited, 20000);
    ck_assert_uint_ge(answers, HOST_SPEAKER_LOOKS_PER_SECOND / 10);
    ck_assert_uint_gt(limited, 0);
}
END_TEST

START_TEST(more_followers_than_are_watched) {
    static int followers[HOST_SPEAKER_MAX_LISTENERS + 50];
    struct sockaddr_un name;
    socklen_t length = host_name_write(&name, "speaker", 0);
    unsigned n = sizeof followers / sizeof followers[0];
    add(0, true);
    for (unsigned i = 0; i < n; i++) {
        followers[i] = host_namespace_socket(ns, SOCK_SEQPACKET);
        ck_assert_int_eq(connect(followers[i], (struct sockaddr *)&name, length), 0);
    }
    refresh(0);
    ck_assert(!host_speaker_refresh(speakers[0])); /* nothing turns round and round */
    for (unsigned i = 0; i < n; i++)
        close(followers[i]);
    for (unsigned i = 0; i < 20 && host_speaker_refresh(speakers[0]); i++)
        ;
    ck_assert(!host_speaker_refresh(speakers[0]));
    add(1, true);
    refresh(0);
    end(0);
    refresh(1);
    ck_assert(host_speaker_speaks(speakers[1]));
}
END_TEST

int main(void) {
    Suite *suite = suite_create("host_speaker");
    TCase *tests = tcase_create("host_speaker");
    if (!unit_net_enter() || !unit_net_has_raw())
        return 77;
    if (host_namespace_new(&ns, true) != 0)
        return EXIT_FAILURE;
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, NULL, teardown);
    tcase_add_test(tests, one_speaks);
    tcase_add_test(tests, the_next_takes_over);
    tcase_add_test(tests, nobody_has_to);
    tcase_add_test(tests, others_ports_are_learned);
    tcase_add_test(tests, blocks_are_learned_whole);
    tcase_add_test(tests, a_port_claimed_meanwhile_is_ours);
    tcase_add_loop_test(tests, foreign_sockets_silence, 0, 2);
    tcase_add_test(tests, looks_are_limited);
    tcase_add_test(tests, more_followers_than_are_watched);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    host_namespace_delete(ns);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
