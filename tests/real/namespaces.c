/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two stacks in one process, each made in a network namespace of its own by a thread that went
 * there, used by threads that are in neither.
 *
 *     namespaces [--no-thread] [--drop] NAMESPACE-A ADDRESS-A NAMESPACE-B ADDRESS-B PORT
 *
 * Both listen on PORT, each connects to the other, and data crosses. Writes "ready" then, and waits
 * for the end of stdin. With --drop the process is nobody, without capabilities, once the stacks
 * are made.
 */
#include <usctp/usctp.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BYTES = 200000, PIECE = 5000, NOBODY = 65534, MANY_PORTS = 40, TRIES = 5000 };

struct side {
    const char *name, *address;
    uint32_t flags;
    struct usctp_stack *stack;
    int listener;
    unsigned names; /* what a thread in it has counted */
    unsigned port;
};

static void must(bool ok, const char *what) {
    if (ok)
        return;
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(1);
}

static void enter(const struct side *side) {
    char path[200];
    snprintf(path, sizeof path, "/run/netns/%s", side->name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    must(fd >= 0 && setns(fd, CLONE_NEWNET) == 0, path);
    close(fd);
}

static void *make_stack(void *argument) {
    struct side *side = argument;
    struct usctp_stack_options options;
    enter(side);
    usctp_stack_options_init(&options);
    options.flags = USCTP_STACK_RAW | side->flags;
    side->stack = usctp_stack_new(&options);
    if (!side->stack)
        fprintf(stderr, "%s\n", usctp_stack_error());
    must(side->stack != NULL, "a stack");
    return NULL;
}

/* How often the port's name is held in the calling thread's namespace. */
static unsigned count_names(unsigned port) {
    char line[500], wanted[100];
    unsigned count = 0;
    FILE *f = fopen("/proc/thread-self/net/unix", "r");
    must(f != NULL, "/proc/thread-self/net/unix");
    snprintf(wanted, sizeof wanted, "@usctp/port/%u\n", port);
    while (fgets(line, sizeof line, f)) {
        const char *at = strchr(line, '@');
        count += at && strcmp(at, wanted) == 0;
    }
    fclose(f);
    return count;
}

static void *count_there(void *argument) {
    struct side *side = argument;
    enter(side);
    side->names = count_names(side->port);
    return NULL;
}

static void in_thread(void *(*what)(void *), struct side *side) {
    pthread_t thread;
    must(pthread_create(&thread, NULL, what, side) == 0, "a thread");
    pthread_join(thread, NULL);
}

static struct sockaddr_in name_of(const char *address, unsigned port) {
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    must(inet_pton(AF_INET, address, &name.sin_addr) == 1, address);
    return name;
}

static int bind_new(const struct side *side, unsigned port) {
    struct sockaddr_in name = name_of(side->address, port);
    int sd = usctp_socket(side->stack, AF_INET, SOCK_STREAM, IPPROTO_SCTP);
    must(sd >= 0, "a socket");
    if (usctp_bind(sd, (struct sockaddr *)&name, sizeof name) == 0)
        return sd;
    int error = errno;
    usctp_close(sd);
    errno = error;
    return -1;
}

static void *serve(void *argument) {
    const struct side *side = argument;
    static const char thanks[] = "thanks";
    static uint8_t data[PIECE];
    size_t total = 0;
    int sd = usctp_accept(side->listener, NULL, NULL);
    must(sd >= 0, "accepting");
    while (total < BYTES) {
        ssize_t n = usctp_recv(sd, data, sizeof data, 0);
        must(n > 0, "receiving");
        for (ssize_t i = 0; i < n; i++)
            must(data[i] == (uint8_t)((total + (size_t)i) % 251), "the bytes that were sent");
        total += (size_t)n;
    }
    must(usctp_send(sd, thanks, sizeof thanks, 0) == (ssize_t)sizeof thanks, "answering");
    must(usctp_recv(sd, data, 1, 0) == 0, "the end");
    usctp_close(sd);
    return NULL;
}

static void transfer(const struct side *from, struct side *to) {
    static uint8_t data[BYTES];
    pthread_t thread;
    char answer[16];
    struct sockaddr_in peer = name_of(to->address, to->port);
    must(pthread_create(&thread, NULL, serve, to) == 0, "a thread");
    int sd = bind_new(from, 0);
    must(sd >= 0, "binding to any port");
    must(usctp_connect(sd, (struct sockaddr *)&peer, sizeof peer) == 0, "connecting");
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i % 251);
    for (size_t at = 0; at < sizeof data; at += PIECE)
        must(usctp_send(sd, data + at, PIECE, 0) == PIECE, "sending");
    must(usctp_recv(sd, answer, sizeof answer, 0) == 7, "the answer");
    usctp_close(sd);
    pthread_join(thread, NULL);
    fprintf(stderr, "%s to %s: %d bytes\n", from->name, to->name, BYTES);
}

/* More ports than there are spare sockets for: the I/O thread provides new ones. */
static void claim_many(const struct side *side) {
    int sds[MANY_PORTS];
    for (unsigned i = 0; i < MANY_PORTS; i++) {
        int tries = 0;
        while ((sds[i] = bind_new(side, 6000 + i)) < 0 && errno == EPERM && tries++ < TRIES)
            usleep(1000);
        must(sds[i] >= 0, "one port of many");
    }
    for (unsigned i = 0; i < MANY_PORTS; i++)
        usctp_close(sds[i]);
    fprintf(stderr, "%d ports of %s\n", MANY_PORTS, side->name);
}

/* Ports below 1024: the script lets everybody have those from 800 on in A. */
static void check_low_ports(const struct side sides[2]) {
    int sd = bind_new(&sides[0], 899);
    must(sd >= 0, "a port that is everybody's in A");
    usctp_close(sd);
    must(bind_new(&sides[0], 799) < 0 && errno == EACCES, "EACCES below 800 in A");
    must(bind_new(&sides[1], 899) < 0 && errno == EACCES, "EACCES below 1024 in B");
}

static void drop(void) {
    must(setgroups(0, NULL) == 0 && setresgid(NOBODY, NOBODY, NOBODY) == 0 &&
             setresuid(NOBODY, NOBODY, NOBODY) == 0,
         "dropping privileges");
    must(setuid(0) != 0, "being nobody");
}

int main(int argc, char **argv) {
    struct side sides[2] = {{.flags = USCTP_STACK_THREAD}, {.flags = USCTP_STACK_THREAD}};
    bool drops = false;
    for (; argc > 1 && argv[1][0] == '-'; argc--, argv++) {
        if (strcmp(argv[1], "--no-thread") == 0)
            sides[0].flags = sides[1].flags = 0;
        else if (strcmp(argv[1], "--drop") == 0)
            drops = true;
    }
    must(argc == 6, "arguments");
    for (int i = 0; i < 2; i++) {
        sides[i].name = argv[1 + 2 * i];
        sides[i].address = argv[2 + 2 * i];
        sides[i].port = (unsigned)atoi(argv[5]);
        in_thread(make_stack, &sides[i]);
    }
    unsigned here = count_names(sides[0].port);
    /* Looking from inside wants the privilege to go there; the script looks, too. */
    if (drops)
        drop();
    for (int i = 0; i < 2; i++) {
        sides[i].listener = bind_new(&sides[i], sides[i].port);
        must(sides[i].listener >= 0, "binding");
        must(usctp_listen(sides[i].listener, 5) == 0, "listening");
        must(bind_new(&sides[i], sides[i].port) < 0 && errno == EADDRINUSE, "EADDRINUSE");
    }
    for (int i = 0; i < 2 && !drops; i++) {
        in_thread(count_there, &sides[i]);
        must(sides[i].names == 1, "one name in the stack's namespace");
    }
    must(count_names(sides[0].port) == here, "no name in the caller's namespace");
    transfer(&sides[0], &sides[1]);
    transfer(&sides[1], &sides[0]);
    if (sides[0].flags & USCTP_STACK_THREAD)
        claim_many(&sides[0]);
    if (drops)
        check_low_ports(sides);
    fprintf(stderr, "ready\n");
    for (char c; read(STDIN_FILENO, &c, 1) > 0;)
        ;
    usctp_stack_delete(sides[0].stack);
    usctp_stack_delete(sides[1].stack);
    return 0;
}
