#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# layering.sh [ROOT]: fails if a file of src/ or include/ includes what its layer may not see.
#
#   core <- chunk, timer <- assoc <- api <- preload      core <- net <- api
#
# chunk and timer do not see each other, nor do net and assoc; include/usctp may be included by all and
# includes nothing of src/.  The pure layers (core, chunk, timer, assoc) include only the system
# headers listed below.  Without ROOT it first proves on planted trees that it can fail.
set -euo pipefail
export LC_ALL=C

declare -A MAY_SEE=(
    [core]="core usctp"
    [chunk]="chunk core usctp"
    [timer]="timer core usctp"
    [assoc]="assoc chunk timer core usctp"
    [net]="net core usctp"
    [api]="api assoc chunk timer net core usctp"
    [preload]="preload api net usctp"
    [usctp]="usctp"
)
PURE=" core chunk timer assoc "
PURE_SYSTEM=" stddef.h stdint.h stdbool.h stdarg.h stdalign.h stdnoreturn.h limits.h inttypes.h string.h
 sys/queue.h isa-l.h isa-l/crc.h "

# within WORD LIST
within() { [[ " $2 " == *" $1 "* ]]; }

# check_include LAYER FILE LINE-NUMBER DIRECTIVE: prints what is wrong with one #include
check_include() {
    local layer=$1 file=$2 where="$2:$3" directive=$4 name target
    if [[ $directive =~ ^[[:space:]]*\#[[:space:]]*include[[:space:]]*\"([^\"]+)\" ]]; then
        name=${BASH_REMATCH[1]}
    elif [[ $directive =~ ^[[:space:]]*\#[[:space:]]*include[[:space:]]*\<([^\>]+)\> ]]; then
        name=${BASH_REMATCH[1]}
        if [[ -z ${MAY_SEE[${name%%/*}]:-} ]]; then # a system header
            if within "$layer" "$PURE" && ! within "$name" "${PURE_SYSTEM//$'\n'/ }"; then
                echo "$where: $layer is pure and may not include <$name>"
            fi
            return
        fi
    else
        echo "$where: cannot read this #include: $directive"
        return
    fi
    if [[ $name == *../* || $name == /* || $name == ./* ]]; then
        echo "$where: \"$name\" goes around the layers; write \"layer/file.h\""
        return
    fi
    if [[ $name != */* ]]; then
        [[ -e $(dirname "$file")/$name ]] ||
            echo "$where: \"$name\" names no layer; write \"layer/file.h\""
        return
    fi
    target=${name%%/*}
    within "$target" "${MAY_SEE[$layer]}" || echo "$where: $layer may not include \"$name\""
}

# check_tree ROOT: prints every violation, one a line
check_tree() {
    local root=$1 directory layer file found number directive
    for directory in "$root"/src/*; do
        [[ -e $directory ]] || continue
        layer=${directory##*/}
        [[ -d $directory && $layer != usctp && -n ${MAY_SEE[$layer]:-} ]] ||
            echo "$directory: not a layer of the design"
    done
    while IFS= read -r -d '' file; do
        layer=${file#"$root"/}
        layer=${layer#src/}
        layer=${layer#include/}
        layer=${layer%%/*}
        [[ -n ${MAY_SEE[$layer]:-} ]] || continue # already reported
        found=$(grep -nE '^[[:space:]]*#[[:space:]]*include' "$file" || true)
        while IFS=: read -r number directive; do
            [[ -z $number ]] || check_include "$layer" "$file" "$number" "$directive"
        done <<<"$found"
    done < <(find "$root/src" "$root/include" \( -name '*.c' -o -name '*.h' \) -print0 2>/dev/null | sort -z)
}

# plant FILE INCLUDE: a tree with one file that has one #include
plant() {
    rm -rf "${scratch:?}"/*
    mkdir -p "$scratch/src" "$scratch/include/usctp" "$(dirname "$scratch/$1")"
    printf '#include %s\n' "$2" >"$scratch/$1"
}

# The arrows that must be refused, and some that must not.
prove() {
    local file include
    scratch=$(mktemp -d)
    trap 'rm -rf "$scratch"' EXIT
    while read -r file include; do
        plant "$file" "$include"
        [[ -n $(check_tree "$scratch") ]] || { echo "layering: did not see $include in $file"; exit 1; }
    done <<-END
	src/core/bad.c "chunk/packet.h"
	src/core/bad.h "timer/timer.h"
	src/core/bad.c "api/socket.h"
	src/core/bad.c <stdio.h>
	src/chunk/bad.c "timer/rto.h"
	src/chunk/bad.c <assoc/assoc.h>
	src/timer/bad.c "chunk/packet.h"
	src/timer/bad.c <time.h>
	src/assoc/bad.c "net/raw.h"
	src/assoc/bad.c "api/stack.h"
	src/assoc/bad.c <stdlib.h>
	src/assoc/deep/bad.c "net/raw.h"
	src/api/bad.c "preload/interpose.h"
	src/preload/bad.c "assoc/association.h"
	src/net/bad.c "assoc/assoc.h"
	src/net/bad.c "api/stack.h"
	src/net/bad.c "../assoc/assoc.h"
	src/net/bad.c "nowhere.h"
	src/net/bad.c MACRO
	src/tools/bad.c "core/bytes.h"
	include/usctp/bad.h "core/bytes.h"
	END
    while read -r file include; do
        plant "$file" "$include"
        [[ -z $(check_tree "$scratch") ]] || { echo "layering: refused $include in $file"; exit 1; }
    done <<-END
	src/core/good.c <stdint.h>
	src/chunk/good.c "core/bytes.h"
	src/assoc/good.c "chunk/packet.h"
	src/assoc/good.c "timer/rto.h"
	src/assoc/good.h "usctp/engine.h"
	src/net/good.c "core/address.h"
	src/net/good.c <sys/socket.h>
	src/api/good.c "net/raw.h"
	src/api/good.c "assoc/engine.h"
	src/preload/good.c "api/fd_table.h"
	include/usctp/good.h "usctp/config.h"
	END
}

if [[ $# -gt 0 ]]; then
    root=$1
else
    prove
    root=$(cd "$(dirname "$0")/../.." && pwd)
fi
wrong=$(check_tree "$root")
if [[ -n $wrong ]]; then
    echo "$wrong"
    exit 1
fi
echo "layering: $(find "$root/src" "$root/include" -name '*.[ch]' | wc -l) files, no forbidden #include"
