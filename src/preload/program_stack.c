/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Makes the program's stack from the environment (see program_stack.h, run_environment.h). What
 * goes wrong is said on stderr, once: errno alone does not tell a user of some program what to do.
 */
#include "preload/program_stack.h"

#include "api/fd_table.h"
#include "api/stack.h"
#include "net/high_number.h"
#include "preload/fork_service.h"
#include "preload/libc_calls.h"
#include "preload/parents_socket.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PORT_BASE = 10 };

static struct {
    pthread_mutex_t lock;
    struct usctp_stack *stack;
    pid_t owner;           /* the process that made it */
    _Atomic pid_t process; /* whose memory this is, once there was a stack */
    bool was_told;
    bool is_child;   /* of a process that has a stack */
    int to_children; /* a control socket of fork_service.h, of a fork that is going on */
    _Atomic bool was_told_of_fork;
    uint16_t udp_port; /* 0: raw packets */
} program = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void tell(const char *text) {
    char line[640];
    int n = snprintf(line, sizeof line, "usctp-run: %s\n", text);
    if (n > 0)
        (void)!libc_write(STDERR_FILENO, line, (size_t)n < sizeof line ? (size_t)n : sizeof line);
}

/* ---- what usctp-run was told ----------------------------------------------------------------- */

/* NAME=VALUE,... */
static void take_settings(struct usctp_config *config, const char *text) {
    while (text && *text) {
        size_t length = strcspn(text, "=");
        bool has_value = text[length] == '=';
        char *end = NULL;
        enum usctp_tunable tunable = usctp_tunable_by_name(text, length);
        unsigned long long value = has_value ? strtoull(text + length + 1, &end, PORT_BASE) : 0;
        if (!has_value || tunable == USCTP_TUNABLE_COUNT ||
            usctp_config_set(config, tunable, value) != 0) {
            tell("a setting in " RUN_ENVIRONMENT_SET " cannot be taken: the rest is left out");
            return;
        }
        text = *end == ',' ? end + 1 : "";
    }
}

static unsigned long number(const char *name, unsigned long maximum) {
    const char *text = getenv(name);
    unsigned long value = text ? strtoul(text, NULL, PORT_BASE) : 0;
    return value <= maximum ? value : 0;
}

/* The library beside this one. */
static void *open_capture_library(void) {
    Dl_info self;
    char path[PATH_MAX];
    if (dladdr(&program, &self) == 0 || !self.dli_fname)
        return NULL;
    const char *slash = strrchr(self.dli_fname, '/');
    int length = slash ? (int)(slash - self.dli_fname + 1) : 0;
    if (snprintf(path, sizeof path, "%.*s" RUN_CAPTURE_LIBRARY, length, self.dli_fname) >=
        (int)sizeof path)
        return NULL;
    return dlopen(path, RTLD_NOW | RTLD_LOCAL);
}

static void find_capture(struct usctp_stack_options *options) {
    const char *path = getenv(RUN_ENVIRONMENT_PCAP);
    void *(*open_file)(const char *, uint16_t, int (*)(int)) = NULL;
    if (!path || !*path)
        return;
    void *library = open_capture_library();
    void *opener = library ? dlsym(library, RUN_CAPTURE_OPEN) : NULL;
    void *recorder = library ? dlsym(library, RUN_CAPTURE_RECORD) : NULL;
    if (!opener || !recorder) {
        tell("the library that writes captures cannot be loaded: no capture is written");
        return;
    }
    memcpy(&open_file, &opener, sizeof open_file);
    memcpy(&options->trace, &recorder, sizeof options->trace);
    options->trace_user = open_file(path, options->udp_port, high_number_move);
    if (!options->trace_user)
        options->trace = NULL;
}

static void on_notice(void *user, const char *sentence) {
    (void)user;
    tell(sentence);
}

static struct usctp_stack *make_stack(void) {
    struct usctp_stack_options options;
    struct usctp_config config;
    usctp_stack_options_init(&options);
    usctp_config_defaults(&config);
    take_settings(&config, getenv(RUN_ENVIRONMENT_SET));
    options.config = &config;
    options.udp_port = (uint16_t)number(RUN_ENVIRONMENT_UDP, UINT16_MAX);
    options.flags = options.udp_port != 0 ? USCTP_STACK_UDP : USCTP_STACK_RAW;
    options.flags |= USCTP_STACK_THREAD | (uint32_t)number(RUN_ENVIRONMENT_FLAGS, UINT16_MAX);
    options.notice = on_notice;
    program.udp_port = options.udp_port;
    find_capture(&options);
    return usctp_stack_new(&options);
}

/* ---- the stack ------------------------------------------------------------------------------- */

static void before_fork(void) {
    program.to_children = program.stack && program.owner == getpid() ? fork_service_start() : -1;
}

static void in_child(void) {
    pthread_mutex_init(&program.lock, NULL);
    program.process = getpid();
    if (program.to_children >= 0) {
        program.is_child = true;
        parents_socket_ask_by(program.to_children);
    }
    fork_service_forget();
}

static void register_child(void) {
    (void)pthread_atfork(before_fork, NULL, in_child);
}

/* Under the lock. NULL and errno. */
static struct usctp_stack *have_stack(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, register_child);
    program.process = getpid();
    if (program.stack && program.owner == getpid())
        return program.stack;
    program.stack = make_stack();
    program.owner = getpid();
    if (!program.stack && !program.was_told) {
        int error = errno;
        program.was_told = true;
        tell(usctp_stack_error());
        errno = error;
    }
    return program.stack;
}

/* Peers have the encapsulation port that we have. */
static void set_encapsulation(int fd, int domain) {
    struct sctp_udpencaps encapsulation;
    memset(&encapsulation, 0, sizeof encapsulation);
    encapsulation.sue_address.ss_family = (sa_family_t)domain;
    encapsulation.sue_port = htons(program.udp_port);
    usctp_setsockopt(fd, IPPROTO_SCTP, SCTP_REMOTE_UDP_ENCAPS_PORT, &encapsulation,
                     sizeof encapsulation);
}

int program_stack_socket(int domain, int type) {
    pthread_mutex_lock(&program.lock);
    struct usctp_stack *stack = have_stack();
    int fd = stack ? usctp_socket(stack, domain, type, IPPROTO_SCTP) : -1;
    if (fd >= 0 && program.udp_port != 0)
        set_encapsulation(fd, domain);
    pthread_mutex_unlock(&program.lock);
    return fd;
}

static bool is_foreign(const struct socket *s) {
    const struct usctp_stack *stack = atomic_load_explicit(&s->stack, memory_order_acquire);
    return stack && stack->is_foreign;
}

bool program_stack_is_parents(int fd) {
    const struct socket *s = program.is_child ? fd_table_find(fd) : NULL;
    return s && is_foreign(s);
}

bool program_stack_has(int fd) {
    const struct socket *s = fd_table_find(fd);
    if (s && is_foreign(s) && !program.was_told_of_fork) {
        program.was_told_of_fork = true;
        tell("a forked process makes a call on an SCTP socket of its parent's that only the parent "
             "can make: it gets EBADF");
    }
    return s != NULL;
}

bool program_stack_is_borrowed(void) {
    pid_t process = program.process;
    return process != 0 && process != getpid();
}
