/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A main() for the fuzz targets where libFuzzer is not linked: it gives every file named on the
 * command line, and every file of every directory named there, to LLVMFuzzerTestOneInput once.
 * A few inputs that need no file (nothing, all zero, all one) come first, so that a target without
 * a corpus runs too.  A crash is the failure; with REPLAY_VERBOSE in the environment the name of
 * each input is printed before it is used.  Corpora live in tests/fuzz/corpus/<target>/.
 */
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_INPUT_BYTES (1 << 20)
#define MAX_DEPTH       4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak));

static unsigned long inputs;
static bool verbose;

/* Runs the target on a copy that has the exact size, so that sanitizers see a read past the end. */
static void replay_bytes(const char *name, const uint8_t *bytes, size_t size) {
    uint8_t *copy = malloc(size ? size : 1);

    if (copy == NULL) {
        fprintf(stderr, "out of memory\n");
        exit(1);
    }
    if (size > 0)
        memcpy(copy, bytes, size);
    if (verbose)
        fprintf(stderr, "%s (%zu bytes)\n", name, size);
    (void)LLVMFuzzerTestOneInput(copy, size);
    inputs++;
    free(copy);
}

static bool replay_file(const char *path) {
    static uint8_t buffer[MAX_INPUT_BYTES];
    FILE *file = fopen(path, "rb");
    size_t size;
    bool ok;

    if (file == NULL) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return false;
    }
    size = fread(buffer, 1, sizeof(buffer), file);
    ok = !ferror(file);
    fclose(file);
    if (!ok) {
        fprintf(stderr, "%s: cannot be read\n", path);
        return false;
    }
    replay_bytes(path, buffer, size);
    return true;
}

static bool replay_path(const char *path, int depth);

static bool replay_directory(const char *path, int depth) {
    struct dirent **entries;
    int count = scandir(path, &entries, NULL, alphasort);
    bool ok = true;

    if (count < 0) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return false;
    }
    for (int i = 0; i < count; i++) {
        char name[4096];
        int length = snprintf(name, sizeof(name), "%s/%s", path, entries[i]->d_name);

        if (entries[i]->d_name[0] != '.')
            ok = length > 0 && (size_t)length < sizeof(name) && replay_path(name, depth + 1) && ok;
        free(entries[i]);
    }
    free(entries);
    return ok;
}

static bool replay_path(const char *path, int depth) {
    struct stat status;

    if (stat(path, &status) != 0) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return false;
    }
    if (!S_ISDIR(status.st_mode))
        return replay_file(path);
    return depth < MAX_DEPTH && replay_directory(path, depth);
}

int main(int argc, char **argv) {
    uint8_t plain[2048];
    bool ok = true;

    verbose = getenv("REPLAY_VERBOSE") != NULL;
    if (LLVMFuzzerInitialize != NULL)
        (void)LLVMFuzzerInitialize(&argc, &argv);
    replay_bytes("empty", plain, 0);
    memset(plain, 0, sizeof(plain));
    replay_bytes("zeros", plain, sizeof(plain));
    memset(plain, 0xff, sizeof(plain));
    replay_bytes("ones", plain, sizeof(plain));
    for (int i = 1; i < argc; i++)
        ok = replay_path(argv[i], 0) && ok;
    printf("%lu inputs replayed\n", inputs);
    return ok ? 0 : 1;
}
