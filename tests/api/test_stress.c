/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * No wake-up is lost: threads that block in every way on the same and on other sockets, in random
 * schedules, with signals, timeouts, polls and cancelled threads in between. A run ends only when
 * every message was read; one that hangs is ended by the test's time limit, and its seed was
 * printed.
 *
 * USCTP_STRESS_SEED=n plays one seed, USCTP_STRESS_RUNS=n as many from there.
 */
#include "api/api_test.h"

#include <stdio.h>

/* ctest-timeout: 240 */

enum {
    CONNECTIONS = 4,
    READERS = 3, /* for each receiving socket */
    ACCEPTERS = 2,
    WRITERS = 2, /* for each connection */
    MESSAGES = 60,
    ALL = CONNECTIONS * WRITERS * MESSAGES,
    RUNS = 6,
};

struct world {
    struct usctp_stack *stacks[2];
    int driver;
    int listener, many; /* one-to-one and one-to-many, both on stacks[1] */
    int idle;           /* a listener that nobody connects to */
    int clients[2 * CONNECTIONS];
    _Atomic int accepted[CONNECTIONS];
    _Atomic int accepted_count, read_count[2], alive, failed;
    _Atomic bool is_over;
    uint64_t seed;
};

struct actor {
    struct world *world;
    pthread_t thread;
    uint64_t random;
    int number;
};

static uint32_t draw(struct actor *a, uint32_t below) {
    a->random ^= a->random << 13; /* xorshift64 */
    a->random ^= a->random >> 7;
    a->random ^= a->random << 17;
    return (uint32_t)(a->random >> 33) % below;
}

/* A pause, most often none. */
static void dawdle(struct actor *a) {
    uint32_t what = draw(a, 16);
    if (what == 0)
        usleep(draw(a, 2000));
    else if (what < 4)
        sched_yield();
}

/* Whether the call is to be made again: it was ended by what the test does to it. */
static bool is_disturbed(void) {
    return errno == EINTR || errno == EAGAIN;
}

/* Waits as it comes: blocked, after poll, or for a short while. */
static ssize_t receive(struct actor *a, int sd) {
    char text[16];
    struct pollfd one = {.fd = sd, .events = POLLIN};
    switch (draw(a, 4)) {
    case 0:
        if (poll(&one, 1, 20) <= 0)
            errno = EAGAIN;
        return usctp_recv(sd, text, sizeof text, MSG_DONTWAIT);
    case 1:
        return usctp_recv(sd, text, sizeof text, MSG_DONTWAIT);
    default:
        return usctp_recv(sd, text, sizeof text, 0);
    }
}

static void *read_messages(void *argument) {
    struct actor *a = argument;
    struct world *w = a->world;
    bool is_many = a->number >= CONNECTIONS * READERS;
    int which = a->number / READERS;
    while (!w->is_over) {
        int sd = is_many ? w->many : w->accepted[which];
        if (sd <= 0) {
            usleep(100);
            continue;
        }
        dawdle(a);
        ssize_t n = receive(a, sd);
        if (n > 0)
            w->read_count[is_many]++;
        else if (n == 0 || !is_disturbed())
            break;
    }
    w->alive--;
    return NULL;
}

static void *accept_some(void *argument) {
    struct actor *a = argument;
    struct world *w = a->world;
    for (;;) {
        dawdle(a);
        int sd = usctp_accept(w->listener, NULL, NULL);
        if (sd < 0 && !is_disturbed())
            break;
        if (sd < 0)
            continue;
        struct timeval tick = {.tv_usec = 3000};
        if (draw(a, 2) == 0)
            usctp_setsockopt(sd, SOL_SOCKET, SO_RCVTIMEO, &tick, sizeof tick);
        int at = w->accepted_count++;
        if (at < CONNECTIONS)
            w->accepted[at] = sd;
    }
    w->alive--;
    return NULL;
}

static ssize_t send_one(struct actor *a, int sd) {
    char text[16] = "0123456789";
    size_t bytes = 1 + draw(a, 10);
    struct pollfd one = {.fd = sd, .events = POLLOUT};
    if (draw(a, 3) == 0) {
        poll(&one, 1, 10);
        return usctp_send(sd, text, bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    return usctp_send(sd, text, bytes, MSG_NOSIGNAL);
}

/* Writers of a connection share it, and its small send buffer. */
static void *write_messages(void *argument) {
    struct actor *a = argument;
    struct world *w = a->world;
    int sd = w->clients[a->number / WRITERS];
    for (int sent = 0; sent < MESSAGES && !w->is_over;) {
        dawdle(a);
        if (send_one(a, sd) > 0)
            sent++;
        else if (!is_disturbed()) {
            w->failed = errno;
            break;
        }
    }
    w->alive--;
    return NULL;
}

static void on_signal(int number) {
    (void)number;
}

static int new_client(struct world *w, int to) {
    struct sockaddr_in name = loopback(port_of(to));
    int small = 4096, sd = new_socket(w->stacks[0]), result;
    set_peer_udp_port(sd, usctp_stack_udp_port(w->stacks[1]));
    ck_assert_int_eq(usctp_setsockopt(sd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small), 0);
    do
        result = usctp_connect(sd, (struct sockaddr *)&name, sizeof name);
    while (result != 0 && errno == EINTR);
    ck_assert_msg(result == 0, "usctp_connect: %s", strerror(errno));
    return sd;
}

static void begin(struct world *w, int driver, uint64_t seed) {
    struct sockaddr_in name = loopback(0);
    struct sctp_event quiet = {.se_assoc_id = SCTP_FUTURE_ASSOC, .se_type = SCTP_ASSOC_CHANGE};
    memset(w, 0, sizeof *w);
    w->driver = driver;
    w->seed = seed;
    w->stacks[0] = new_stack(driver);
    w->stacks[1] = new_stack(driver);
    w->listener = new_listener(w->stacks[1]);
    w->idle = new_listener(w->stacks[1]);
    w->many = usctp_socket(w->stacks[1], AF_INET, SOCK_SEQPACKET, 0);
    usctp_setsockopt(w->many, IPPROTO_SCTP, SCTP_EVENT, &quiet, sizeof quiet);
    ck_assert_int_eq(usctp_bind(w->many, (struct sockaddr *)&name, sizeof name), 0);
    ck_assert_int_eq(usctp_listen(w->many, 1), 0);
}

static void start(struct world *w, struct actor *a, int number, void *(*act)(void *)) {
    static uint64_t stream;
    *a = (struct actor){.world = w, .number = number};
    a->random = (w->seed + 1) * 0x9e3779b97f4a7c15u ^ (uint64_t)(number + 1) * 0xbf58476d1ce4e5b9u;
    a->random += ++stream * 2;
    w->alive++;
    ck_assert_int_eq(pthread_create(&a->thread, NULL, act, a), 0);
}

/* Blocks beside the others, and drives for them, until it is cancelled. */
static void *be_cancelled(void *argument) {
    struct actor *a = argument;
    while (usctp_accept(a->world->idle, NULL, NULL) < 0 && is_disturbed())
        ;
    return NULL;
}

/* Sends signals to threads, and cancels one now and then, until all was read. */
static void disturb_until_read(struct world *w, struct actor *actors, int n) {
    struct actor chance = {.random = w->seed * 77 + 1};
    while (w->read_count[0] < ALL || w->read_count[1] < ALL) {
        ck_assert_msg(w->failed == 0, "%s", strerror(w->failed));
        usleep(200 + draw(&chance, 2000));
        pthread_kill(actors[draw(&chance, (uint32_t)n)].thread, SIGUSR1);
        if (UNDER_TSAN || UNDER_ASAN || draw(&chance, 8) != 0)
            continue;
        struct actor victim = {.world = w};
        ck_assert_int_eq(pthread_create(&victim.thread, NULL, be_cancelled, &victim), 0);
        usleep(draw(&chance, 1000));
        pthread_cancel(victim.thread);
        pthread_join(victim.thread, NULL);
    }
}

static void finish(struct world *w, struct actor *actors, int n) {
    w->is_over = true;
    usctp_stack_delete(w->stacks[0]);
    usctp_stack_delete(w->stacks[1]);
    for (int i = 0; i < n; i++)
        pthread_join(actors[i].thread, NULL);
    ck_assert_int_eq(w->alive, 0);
    ck_assert_int_eq(w->read_count[0], ALL);
    ck_assert_int_eq(w->read_count[1], ALL);
    for (int i = 0; i < 2 * CONNECTIONS; i++)
        ck_assert_msg(usctp_close(w->clients[i]) == 0, "%s", strerror(errno));
    for (int i = 0; i < CONNECTIONS; i++)
        ck_assert_msg(usctp_close(w->accepted[i]) == 0, "%s", strerror(errno));
    ck_assert_msg(usctp_close(w->listener) == 0, "%s", strerror(errno));
    ck_assert_msg(usctp_close(w->many) == 0, "%s", strerror(errno));
    ck_assert_msg(usctp_close(w->idle) == 0, "%s", strerror(errno));
}

static void play(int driver, uint64_t seed) {
    static struct world w;
    static struct actor actors[(CONNECTIONS + 1) * READERS + ACCEPTERS + 2 * CONNECTIONS * WRITERS];
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = seed % 2 ? SA_RESTART : 0};
    struct background background[2];
    int n = 0;
    printf("seed %llu\n", (unsigned long long)seed);
    fflush(stdout);
    ck_assert_int_eq(sigaction(SIGUSR1, &action, NULL), 0);
    begin(&w, driver, seed);
    /* The readers' stack is driven by the blocked callers alone, or by the program as well; the
     * writers' has to go on when they have left. */
    background_start(&background[0], w.stacks[0], driver);
    background_start(&background[1], w.stacks[1], seed % 3 == 0 ? driver : DRIVER_THREAD);
    for (int i = 0; i < ACCEPTERS; i++)
        start(&w, &actors[n++], i, accept_some);
    for (int i = 0; i < (CONNECTIONS + 1) * READERS; i++)
        start(&w, &actors[n++], i, read_messages);
    for (int i = 0; i < 2 * CONNECTIONS; i++)
        w.clients[i] = new_client(&w, i < CONNECTIONS ? w.listener : w.many);
    for (int i = 0; i < 2 * CONNECTIONS * WRITERS; i++)
        start(&w, &actors[n++], i, write_messages);
    disturb_until_read(&w, actors, n);
    for (int i = 0; i < 2; i++)
        background_stop(&background[i]);
    finish(&w, actors, n);
}

static uint64_t from_environment(const char *name, uint64_t otherwise) {
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 0) : otherwise;
}

START_TEST(every_message_is_read) {
    uint64_t first = from_environment("USCTP_STRESS_SEED", 1);
    uint64_t runs = from_environment("USCTP_STRESS_RUNS", RUNS);
    for (uint64_t seed = first; seed < first + runs; seed++)
        play(_i, seed);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("stress");
    TCase *tcase = tcase_create("stress");
    tcase_set_timeout(tcase, 2 * TEST_SECONDS);
    tcase_add_loop_test(tcase, every_message_is_read, 0, DRIVERS);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
