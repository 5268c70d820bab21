/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Looks into executable files with libelf (see program.h).
 */
#include "run/program.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { MAX_INTERPRETERS = 4, LINE_BYTES = 256 }; /* the kernel's own limits */

static char reason[2 * PATH_MAX];

/* ---- finding --------------------------------------------------------------------------------- */

static int check_executable(const char *path) {
    struct stat status;
    if (stat(path, &status) != 0)
        return errno;
    return S_ISREG(status.st_mode) && access(path, X_OK) == 0 ? 0 : EACCES;
}

int program_find(const char *name, char path[PATH_MAX]) {
    const char *folders = getenv("PATH");
    int error = ENOENT;
    if (strchr(name, '/') != NULL || *name == '\0') {
        if (snprintf(path, PATH_MAX, "%s", name) >= PATH_MAX)
            return ENAMETOOLONG;
        return check_executable(path);
    }
    if (folders == NULL)
        folders = "/bin:/usr/bin";
    while (folders != NULL) {
        size_t length = strcspn(folders, ":");
        int n = snprintf(path, PATH_MAX, "%.*s%s%s", (int)length, folders, length > 0 ? "/" : "./",
                         name);
        int result = n < PATH_MAX ? check_executable(path) : ENAMETOOLONG;
        if (result == 0)
            return 0;
        if (result == EACCES)
            error = EACCES;
        folders = folders[length] == ':' ? folders + length + 1 : NULL;
    }
    return error;
}

/* ---- looking --------------------------------------------------------------------------------- */

/* AT_SECURE: the dynamic linker preloads nothing where the program gains rights. */
static bool gains_rights(int fd) {
    struct stat status;
    if (fstat(fd, &status) != 0)
        return false;
    if ((status.st_mode & S_ISUID) != 0 && status.st_uid != geteuid())
        return true;
    if ((status.st_mode & S_ISGID) != 0 && status.st_gid != getegid())
        return true;
    return geteuid() != 0 && fgetxattr(fd, "security.capability", NULL, 0) > 0;
}

/* Go's own programs make system calls without the C library. */
static bool is_go(Elf *elf) {
    size_t names;
    Elf_Scn *section = NULL;
    if (elf_getshdrstrndx(elf, &names) != 0)
        return false;
    while ((section = elf_nextscn(elf, section)) != NULL) {
        GElf_Shdr header;
        const char *name =
            gelf_getshdr(section, &header) != NULL ? elf_strptr(elf, names, header.sh_name) : NULL;
        if (name != NULL &&
            (strcmp(name, ".note.go.buildid") == 0 || strcmp(name, ".go.buildinfo") == 0))
            return true;
    }
    return false;
}

static bool has_interpreter(Elf *elf) {
    size_t count;
    if (elf_getphdrnum(elf, &count) != 0)
        return false;
    for (size_t i = 0; i < count && i < INT_MAX; i++) {
        GElf_Phdr header;
        if (gelf_getphdr(elf, (int)i, &header) != NULL && header.p_type == PT_INTERP)
            return true;
    }
    return false;
}

/* The machine this very program is for. */
static bool is_of_this_machine(const GElf_Ehdr *header) {
    bool same = false;
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    Elf *elf = fd >= 0 ? elf_begin(fd, ELF_C_READ, NULL) : NULL;
    GElf_Ehdr own;
    if (elf != NULL && gelf_getehdr(elf, &own) != NULL)
        same = own.e_machine == header->e_machine &&
               own.e_ident[EI_CLASS] == header->e_ident[EI_CLASS];
    elf_end(elf);
    if (fd >= 0)
        close(fd);
    return same;
}

static const char *look_at_elf(int fd, const char *path) {
    const char *what = NULL;
    GElf_Ehdr header;
    Elf *elf = elf_version(EV_CURRENT) != EV_NONE ? elf_begin(fd, ELF_C_READ, NULL) : NULL;
    if (elf != NULL && elf_kind(elf) == ELF_K_NONE) {
        elf_end(elf);
        return NULL; /* a script without "#!", for the shell */
    }
    if (elf == NULL || elf_kind(elf) != ELF_K_ELF || gelf_getehdr(elf, &header) == NULL)
        what = "is not a program that Linux can run";
    else if (!is_of_this_machine(&header))
        what = "is for another machine or word size than usctp's library";
    else if (is_go(elf))
        what = "is a Go program: it makes its system calls without the C library";
    else if (!has_interpreter(elf))
        what = "is statically linked: nothing can be preloaded into it";
    else if (gains_rights(fd))
        what = "is setuid or setgid, or has capabilities of its own: the dynamic linker preloads "
               "nothing into it";
    elf_end(elf);
    if (what == NULL)
        return NULL;
    snprintf(reason, sizeof reason, "%s %s", path, what);
    return reason;
}

/* "#! INTERPRETER [ARGUMENT]" */
static bool read_interpreter(int fd, char path[PATH_MAX]) {
    char line[LINE_BYTES + 1];
    ssize_t n = pread(fd, line, LINE_BYTES, 0);
    if (n < 2 || memcmp(line, "#!", 2) != 0)
        return false;
    line[n] = '\0';
    char *start = line + 2 + strspn(line + 2, " \t");
    start[strcspn(start, " \t\n")] = '\0';
    snprintf(path, PATH_MAX, "%s", start);
    return *start != '\0';
}

const char *program_refuses_preload(const char *path) {
    char now[PATH_MAX];
    snprintf(now, sizeof now, "%s", path);
    for (int depth = 0; depth <= MAX_INTERPRETERS; depth++) {
        int fd = open(now, O_RDONLY | O_CLOEXEC);
        if (fd < 0) /* it may be run without being read: nothing is known */
            return NULL;
        char next[PATH_MAX];
        bool is_script = read_interpreter(fd, next);
        const char *why = is_script ? NULL : look_at_elf(fd, now);
        close(fd);
        if (!is_script)
            return why;
        memcpy(now, next, sizeof now);
    }
    snprintf(reason, sizeof reason, "%s is a script of scripts", path);
    return reason;
}
