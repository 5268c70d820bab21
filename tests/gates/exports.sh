#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# exports.sh BUILD: only usctp_* names leave libusctp.so and libusctp.a; every function that a public
# header marks USCTP_API leaves both, and nothing else does; a program links against the archive
# with no more than libcrypto, ISA-L and the C library.  First the gate proves on planted libraries
# that it can fail.
set -euo pipefail
export LC_ALL=C

# leaving FILE: names that a library gives to the programs linked with it
leaving() {
    case $1 in
    *.so*) nm -D --defined-only "$1" ;;
    *) nm -g --defined-only "$1" ;;
    esac | awk 'NF == 3 && $2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort -u
}

# without_comments <C: the same lines with a space for each comment (no string of a header has /* or //)
without_comments() {
    awk '{
        line = $0
        out = ""
        while (line != "") {
            if (inside) {
                end = index(line, "*/")
                if (end == 0) break
                line = substr(line, end + 2)
                inside = 0
            } else if (match(line, /\/[*\/]/)) {
                out = out substr(line, 1, RSTART - 1) " "
                if (substr(line, RSTART, 2) == "//") break
                line = substr(line, RSTART + 2)
                inside = 1
            } else {
                out = out line
                break
            }
        }
        print out
    }'
}

# declared MARKED HEADER...: functions that headers declare at file scope, one a line: with USCTP_API
# (MARKED is 1), or without it and not static (0)
declared() {
    local marked=$1
    shift
    cat "$@" | without_comments | awk -v marked="$marked" '
        /extern "C" \{/ { next }
        /^[ \t]*#/ { skip = /\\$/; next }
        skip { skip = /\\$/; next }
        { text = text " " $0 }
        END {
            n = length(text)
            for (i = 1; i <= n; i++) {
                c = substr(text, i, 1)
                if (c == "{") depth++
                else if (c == "}") { if (depth > 0) depth--; if (depth == 0) { inside = statement; statement = statement " " } }
                else if (c == ";" && depth == 0) { tell(statement); statement = "" }
                else if (depth == 0) statement = statement c
                if (c == "}" && depth == 0 && inside ~ /static|inline/ && inside ~ /\)/) statement = ""
            }
        }
        function tell(s,    api) {
            api = s ~ /(^|[^A-Za-z0-9_])USCTP_API([^A-Za-z0-9_]|$)/
            if (s ~ /(^|[^A-Za-z0-9_])(typedef|static|inline)[^A-Za-z0-9_]/) return
            if (api != marked) return
            if (match(s, /(^|[^A-Za-z0-9_])usctp_[A-Za-z0-9_]+ *\(/)) {
                s = substr(s, RSTART, RLENGTH)
                gsub(/[^A-Za-z0-9_]/, "", s)
                print s
            }
        }' | sort -u
}

# check LIBRARY HEADERS...: prints every violation, one a line
check() {
    local library=$1 name
    shift
    leaving "$library" | { grep -v '^usctp_' || true; } | while read -r name; do
        echo "$(basename "$library"): $name leaves it"
    done
    comm -13 <(leaving "$library") <(declared 1 "$@") | while read -r name; do
        echo "$(basename "$library"): $name is declared USCTP_API and does not leave it"
    done
    comm -23 <(leaving "$library" | grep '^usctp_' || true) <(declared 1 "$@") | while read -r name; do
        echo "$(basename "$library"): $name leaves it and no header declares it USCTP_API"
    done
    declared 0 "$@" | while read -r name; do
        echo "$name is declared in a public header without USCTP_API"
    done
}

# expect TEXT: the planted libraries must give this violation; empty: none
expect() {
    local kind said
    for kind in so a; do
        said=$(check "$scratch/lib.$kind" "$scratch/public.h")
        if [[ -z $1 && -n $said ]] || [[ -n $1 && $said != *"$1"* ]]; then
            echo "exports: lib.$kind: wanted '$1', said '$said'"
            exit 1
        fi
    done
}

# plant HEADER CODE: both libraries, from code with a public header
plant() {
    printf '#define USCTP_API __attribute__((visibility("default")))\n%s\n' "$1" >"$scratch/public.h"
    printf '#include "public.h"\n%s\n' "$2" >"$scratch/lib.c"
    "${CC:-cc}" -fPIC -fvisibility=hidden -c -o "$scratch/lib.o" "$scratch/lib.c"
    "${CC:-cc}" -shared -o "$scratch/lib.so" "$scratch/lib.o"
    objcopy --localize-hidden "$scratch/lib.o"
    rm -f "$scratch/lib.a"
    ar rcs "$scratch/lib.a" "$scratch/lib.o"
}

prove() {
    plant 'struct usctp_x { int (*usctp_call)(int); };
USCTP_API struct usctp_x *usctp_new(int (*f)(int),
                                    /* usctp_comment( */ int a);
static inline int usctp_twice(int i) { return i * 2; }
typedef int (*usctp_function)(int i);
USCTP_API int usctp_one(int i);' \
        'int hidden(int i) { return i; }
int usctp_internal(int i) { return i; }
struct usctp_x *usctp_new(int (*f)(int), int a) { (void)a; (void)f; return (struct usctp_x *)0; }
int usctp_one(int i) { return usctp_twice(hidden(i)); }'
    expect ''
    plant 'USCTP_API int usctp_one(int i);
USCTP_API int usctp_two(int i);' 'int usctp_one(int i) { return i; }'
    expect 'usctp_two is declared USCTP_API and does not leave it'
    plant 'USCTP_API int usctp_one(int i);' 'int usctp_one(int i) { return i; }
USCTP_API int leak(int i); int leak(int i) { return i; }'
    expect 'leak leaves it'
    plant 'USCTP_API int usctp_one(int i);' 'int usctp_one(int i) { return i; }
USCTP_API int usctp_more(int i); int usctp_more(int i) { return i; }'
    expect 'usctp_more leaves it and no header'
    plant 'USCTP_API int usctp_one(int i);
static inline int usctp_half(int i) { return i / 2; }
int usctp_bare(int i);' 'int usctp_one(int i) { return i; }'
    expect 'usctp_bare is declared in a public header without USCTP_API'
}

# links: a program that names every public function, with the archive only
links() {
    local libraries=(-lcrypto -pthread)
    nm -u "$1" | grep -qw crc32_iscsi && libraries+=(-lisal)
    {
        declared 1 "${headers[@]}" | sed 's/.*/extern char &[];/'
        echo 'char *volatile all;'
        echo 'int main(void) {'
        declared 1 "${headers[@]}" | sed 's/.*/    all = &;/'
        echo '    return 0;'
        echo '}'
    } >"$scratch/program.c"
    "${CC:-cc}" -o "$scratch/program" "$scratch/program.c" "$1" "${libraries[@]}" ||
        echo "a program cannot be linked with $(basename "$1")"
}

build=$1
root=$(cd "$(dirname "$0")/../.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
prove
shopt -s nullglob
headers=("$root"/include/usctp/*.h)
[[ ${#headers[@]} -gt 0 ]] || { echo "exports: no public header"; exit 1; }
wrong=$(check "$build/libusctp.so" "${headers[@]}"; check "$build/libusctp.a" "${headers[@]}"
    links "$build/libusctp.a" 2>&1)
if [[ -n $wrong ]]; then
    sort -u <<<"$wrong"
    exit 1
fi
echo "exports: $(declared 1 "${headers[@]}" | wc -l) functions leave the libraries, and nothing else"
