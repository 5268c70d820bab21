/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Streams over SCTP sockets: fdopen(3), and dprintf(3). The C library's own streams make system
 * calls that nothing can take the place of; those of fopencookie(3) call us.
 */
#include "preload/interpose.h"

#include "api/fd_table.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <unistd.h>

struct stream {
    LIST_ENTRY(stream) link;
    FILE *file;
    int fd;
};

static struct {
    pthread_mutex_t lock;
    LIST_HEAD(, stream) all;
} streams = {.lock = PTHREAD_MUTEX_INITIALIZER};

static ssize_t read_stream(void *cookie, char *data, size_t bytes) {
    return interposed_read(((struct stream *)cookie)->fd, data, bytes);
}

/* fopencookie: 0 is the error. */
static ssize_t write_stream(void *cookie, const char *data, size_t bytes) {
    ssize_t n = interposed_write(((struct stream *)cookie)->fd, data, bytes);
    return n < 0 ? 0 : n;
}

static int seek_stream(void *cookie, off64_t *offset, int whence) {
    off64_t at = lseek64(((struct stream *)cookie)->fd, *offset, whence); /* a socket: ESPIPE */
    if (at < 0)
        return -1;
    *offset = at;
    return 0;
}

static int close_stream(void *cookie) {
    struct stream *s = cookie;
    pthread_mutex_lock(&streams.lock);
    LIST_REMOVE(s, link);
    pthread_mutex_unlock(&streams.lock);
    int result = interposed_close(s->fd);
    free(s);
    return result;
}

/* What lies in streams is sent before the stack ends: exit() itself writes it out too late. One
 * that another thread is blocked in is left alone. */
static void flush_streams(void) {
    struct stream *s;
    if (pthread_mutex_trylock(&streams.lock) != 0)
        return;
    LIST_FOREACH (s, &streams.all, link) {
        if (ftrylockfile(s->file) != 0)
            continue;
        (void)fflush_unlocked(s->file);
        funlockfile(s->file);
    }
    pthread_mutex_unlock(&streams.lock);
}

static void in_child(void) {
    pthread_mutex_init(&streams.lock, NULL);
    LIST_INIT(&streams.all); /* they are the parent's, and what lies in them is sent there */
}

static void register_hooks(void) {
    (void)atexit(flush_streams);
    (void)pthread_atfork(NULL, NULL, in_child);
}

/* Also a parent's: unlike program_stack_has, it says nothing of that. */
static bool is_socket(int fd) {
    return fd_table_find(fd) != NULL;
}

INTERPOSED FILE *fdopen(int fd, const char *mode) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    const cookie_io_functions_t calls = {read_stream, write_stream, seek_stream, close_stream};
    if (!is_socket(fd))
        return libc_fdopen(fd, mode);
    pthread_once(&once, register_hooks);
    struct stream *s = malloc(sizeof *s);
    FILE *file = s ? fopencookie(s, mode, calls) : NULL;
    if (!file) {
        free(s);
        return NULL;
    }
    file->_fileno = fd; /* what fileno() says */
    *s = (struct stream){.file = file, .fd = fd};
    pthread_mutex_lock(&streams.lock);
    LIST_INSERT_HEAD(&streams.all, s, link);
    pthread_mutex_unlock(&streams.lock);
    return file;
}

INTERPOSED int vdprintf(int fd, const char *format, va_list arguments) {
    char *text = NULL;
    if (!is_socket(fd))
        return libc_vdprintf(fd, format, arguments);
    int length = vasprintf(&text, format, arguments);
    ssize_t n = length > 0 ? interposed_write(fd, text, (size_t)length) : length;
    if (length >= 0)
        free(text);
    return (int)n;
}

INTERPOSED int dprintf(int fd, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int n = vdprintf(fd, format, arguments);
    va_end(arguments);
    return n;
}

/* With _FORTIFY_SOURCE. */

INTERPOSED int __vdprintf_chk(int fd, int flag, const char *format, va_list arguments);
INTERPOSED int __vdprintf_chk(int fd, int flag, const char *format, va_list arguments) {
    return is_socket(fd) ? vdprintf(fd, format, arguments)
                         : libc___vdprintf_chk(fd, flag, format, arguments);
}

INTERPOSED int __dprintf_chk(int fd, int flag, const char *format, ...);
INTERPOSED int __dprintf_chk(int fd, int flag, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int n = __vdprintf_chk(fd, flag, format, arguments);
    va_end(arguments);
    return n;
}
