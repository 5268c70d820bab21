#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# purity.sh LAYERS: proves on its objects that the engine (core, chunk, timer, assoc) needs nothing
# from its host and keeps no state of its own:
#   - what an object leaves undefined is defined in its own layer or one below it, or is one of ALLOWED;
#   - .data, .bss, COMMON, thread-local data and constructors are empty; constant tables may be in
#     .rodata and .data.rel.ro.
# net and api are only checked for the layers whose names they use.  LAYERS is a file with a line
# "layer: layers below it" for each layer, followed by its objects, one a line.  First the gate
# proves on planted objects that it can fail.
set -euo pipefail
export LC_ALL=C

ALLOWED="memcpy memmove memset memcmp crc32_iscsi"
LINKER="_GLOBAL_OFFSET_TABLE_" # the assembler's name for the place of addresses in any PIC object
PURE=" core chunk timer assoc "

# undefined OBJECT...: names used and not defined in the same object
undefined() {
    [[ $# -eq 0 ]] || nm -u "$@" | awk 'NF == 2 && ($1 == "U" || $1 == "w" || $1 == "v") { print $2 }' | sort -u
}

# defined OBJECT...: names that other objects can use
defined() {
    [[ $# -eq 0 ]] || nm -g --defined-only "$@" | awk 'NF == 3 { print $3 }' | sort -u
}

# outside OWN-OBJECTS VISIBLE-OBJECTS: names that the first need and neither defines
outside() {
    local -n own_ref=$1 visible_ref=$2
    comm -23 <(undefined "${own_ref[@]}") \
        <({ defined "${visible_ref[@]}"; printf '%s\n' "$LINKER"; } | sort -u)
}

# state OBJECT: what writable or constructing sections it has, and its COMMON symbols
state() {
    local section
    objdump -h "$1" | awk '$1 ~ /^[0-9]+$/ && $3 !~ /^0+$/ { print $2 }' | while read -r section; do
        case $section in
        .data.rel.ro | .data.rel.ro.*) ;;
        .data* | .bss* | .tdata* | .tbss* | .init_array* | .fini_array* | .ctors* | .dtors*)
            echo "$(basename "$1"): section $section is not empty"
            ;;
        esac
    done
    nm "$1" | awk -v file="$(basename "$1")" '$2 == "C" { print file ": COMMON symbol " $3 }'
}

# blame NAME OBJECT...: the objects that leave NAME undefined
blame() {
    local name=$1 object
    shift
    for object in "$@"; do
        undefined "$object" | grep -qxF -- "$name" && printf ' %s' "$(basename "$object" .o)"
    done
    return 0
}

declare -A OBJECTS=() BELOW=()

read_layers() {
    local layer="" line
    while IFS= read -r line; do
        if [[ $line =~ ^([a-z]+):\ *(.*)$ ]]; then
            layer=${BASH_REMATCH[1]}
            BELOW[$layer]=${BASH_REMATCH[2]}
            OBJECTS[$layer]=""
        elif [[ -n $line ]]; then
            OBJECTS[$layer]+=$line$'\n'
        fi
    done <"$1"
}

# check_layers: prints every violation, one a line
check_layers() {
    local layer below name object
    local -a own visible lower every everything=()
    for layer in "${!OBJECTS[@]}"; do
        mapfile -t every < <(printf '%s' "${OBJECTS[$layer]}")
        everything+=("${every[@]}")
    done
    for layer in "${!OBJECTS[@]}"; do
        mapfile -t own < <(printf '%s' "${OBJECTS[$layer]}")
        visible=("${own[@]}")
        for below in ${BELOW[$layer]}; do
            mapfile -t lower < <(printf '%s' "${OBJECTS[$below]}")
            visible+=("${lower[@]}")
        done
        while read -r name; do
            if [[ " $PURE " == *" $layer "* ]]; then
                [[ " $ALLOWED " == *" $name "* ]] ||
                    echo "$layer needs $name:$(blame "$name" "${own[@]}")"
            elif defined "${everything[@]}" | grep -qxF -- "$name"; then
                echo "$layer needs $name of a layer it may not see:$(blame "$name" "${own[@]}")"
            fi
        done < <(outside own visible)
        [[ " $PURE " == *" $layer "* ]] || continue
        for object in "${own[@]}"; do
            state "$object"
        done
    done
}

# compile NAME CODE: an object as the build makes them
compile() {
    printf '%s\n' "$2" | "${CC:-cc}" -std=c11 -O2 -fPIC -fno-stack-protector -fvisibility=hidden -x c -c \
        -o "$scratch/$1.o" - 2>/dev/null || { echo "purity: cannot compile a sample"; exit 1; }
}

# prove_one LAYER CODE WANTED: a violation of CODE in LAYER must be reported with WANTED in it; an
# empty WANTED means that there must be none
prove_one() {
    local said
    compile sample "$2"
    OBJECTS=([core]="$scratch/base.o"$'\n' [chunk]="" [timer]="" [assoc]="" [net]="" [api]="")
    OBJECTS[$1]+=$scratch/sample.o$'\n'
    OBJECTS[api]+=$scratch/top.o$'\n'
    said=$(check_layers)
    if [[ -z $3 && -n $said ]] || [[ -n $3 && $said != *"$3"* ]]; then
        echo "purity: $1: $2: wanted '$3', said '$said'"
        exit 1
    fi
}

prove() {
    scratch=$(mktemp -d)
    trap 'rm -rf "$scratch"' EXIT
    compile base 'int core_base(int i) { return i + 1; }'
    compile top 'int api_top(int i) { return i + 2; }'
    BELOW=([core]="" [chunk]="core" [timer]="core" [assoc]="chunk timer core" [net]="core"
        [api]="assoc chunk timer net core")
    prove_one assoc 'int core_base(int); int a(int i) { return core_base(i) * 2; }' ''
    prove_one core 'static const char *const names[] = {"a", "b"}; const char *n(int i) { return names[i]; }' ''
    prove_one core 'void *memcpy(void *, const void *, unsigned long);
        void c(void *d, const void *s, unsigned long n) { memcpy(d, s, n); }' ''
    prove_one core 'void *malloc(unsigned long); void *m(unsigned long n) { return malloc(n); }' 'needs malloc'
    prove_one chunk 'int puts(const char *); int p(const char *s) { return puts(s); }' 'needs puts'
    prove_one core 'int api_top(int); int u(int i) { return api_top(i); }' 'needs api_top'
    prove_one net 'int api_top(int); int u(int i) { return api_top(i); }' 'may not see'
    prove_one net 'int socket(int, int, int); int s(void) { return socket(1, 1, 0); }' ''
    prove_one timer 'static int count; int next(void) { return ++count; }' '.bss'
    prove_one timer 'static int count = 3; int next(void) { return ++count; }' '.data'
    prove_one assoc '_Thread_local int last = 1; int *l(void) { return &last; }' '.tdata'
    prove_one assoc 'int shared __attribute__((common)); int *l(void) { return &shared; }' 'COMMON'
    prove_one assoc 'static char *names[] = {"a"}; char **n(void) { return names; }' '.data'
    prove_one core 'static volatile int i; __attribute__((constructor)) void c(void) { i = 1; }' 'array'
}

prove
OBJECTS=() BELOW=()
read_layers "$1"
wrong=$(check_layers | sort)
if [[ -n $wrong ]]; then
    echo "$wrong"
    exit 1
fi
echo "purity: $(grep -cE '\.o(bj)?$' "$1") objects, the engine needs nothing but: $ALLOWED"
