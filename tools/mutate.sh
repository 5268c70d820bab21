#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# mutate.sh [-a] [-n ROWS] [-s SEED] [-k TRIES] [-m MINUTES] [ROW...]
#
# Are the tests that docs/rfc-map.md cites tests of the rules they are cited for? Takes ROWS (50)
# random rows of level MUST or MUST NOT (-a: of any level), or the rows named (6.1-2), breaks the code
# that they cite, one small change at a time, up to TRIES (16), in a copy of the tree, and runs the
# tests that the row cites: one of them must fail. Prints a line a row; exit status 1 when some row's
# tests noticed nothing. No row is begun after MINUTES (60).
#
# A change: a condition negated, an operator or a constant changed, a statement left out, another
# value returned, a return at the beginning; first beside comments that name the rule ("6.1 A"), then
# beside those that name its section, then anywhere in the function. A function may serve several
# rules, so that a change that is not noticed says little, and a row without one that is noticed says
# that somebody should look.
set -euo pipefail
export LC_ALL=C
cd "$(dirname "$0")/.."
# shellcheck source=tools/lib/common.sh
. tools/lib/common.sh

rows=50 seed=1 tries=16 minutes=60 level='^MUST'
while getopts an:s:k:m: option; do
    case $option in
    a) level=. ;;
    n) rows=$OPTARG ;;
    s) seed=$OPTARG ;;
    k) tries=$OPTARG ;;
    m) minutes=$OPTARG ;;
    *) exit 2 ;;
    esac
done
shift $((OPTIND - 1))
map=$PWD/docs/rfc-map.md
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
tree=$scratch/tree
build=$scratch/build

# shuffled SALT: its input in an order that the seed decides
shuffled() {
    awk -v seed="$seed$1" 'BEGIN { srand(seed) } { printf "%.9f\t%s\n", rand(), $0 }' | sort | cut -f2-
}

# map_rows LEVEL: a line each for those that can be tried: id, functions, tests, the rule's own number
# or letter within its section
map_rows() {
    awk -F ' *\\| *' -v level="$1" '
        function tokens(text,    n, i, part, list) {
            n = split(text, part, "`")
            for (i = 2; i <= n; i += 2) list = list (list ? "," : "") part[i]
            return list
        }
        $3 ~ level && $5 ~ /`/ && $6 ~ /`/ {
            own = match($4, /^[A-Z]?[A-Z0-9][0-9]?( i+v?)?:/) ? substr($4, 1, RLENGTH - 1) : "-"
            print $2 "\t" tokens($5) "\t" tokens($6) "\t" own
        }' "$map"
}

choose() {
    if [[ $# -gt 0 ]]; then
        local id
        for id in "$@"; do
            map_rows . | awk -F '\t' -v id="$id" '$1 == id { print; n++ } END { exit !n }' ||
                die "$id: no such row, or it cites no function or no test"
        done
    else
        map_rows "$level" | shuffled 1 | head -n "$rows"
    fi
}

copy_tree() {
    mkdir "$tree"
    git ls-files -co --exclude-standard -z | while IFS= read -r -d '' file; do
        [[ -e $file ]] && printf '%s\0' "$file"
    done | tar -c --null -T - | tar -x -C "$tree"
    nice cmake -S "$tree" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Debug -DUSCTP_TEST_REAL=OFF \
        -DUSCTP_BUILD_TOOLS=OFF >"$scratch/cmake.log" 2>&1 ||
        { cat "$scratch/cmake.log" >&2; die "cmake failed"; }
}

# file_of FUNCTION: where a token file:name is
file_of() {
    if [[ $1 == usctp/* ]]; then
        echo "$tree/include/${1%%:*}"
    else
        find "$tree/src" -name "${1%%:*}"
    fi
}

# changes FILE NAME SECTION OWN: a line each: weight, line number, kind, the line as it becomes
changes() {
    awk -v name="$2" -v section="$3" -v own="$4" '
        function out(kind, text) {
            if (text != $0) print (NR - at <= 3 ? 0 : NR - near <= 4 ? 1 : 2) "\t" NR "\t" kind "\t" text remark
        }
        # The text with the n-th of its parts that match replaced; nothing when there are fewer.
        function replaced(pattern, by, n,    text, done) {
            text = $0
            while (match(text, pattern)) {
                if (--n == 0)
                    return done substr(text, 1, RSTART - 1) by substr(text, RSTART + RLENGTH)
                done = done substr(text, 1, RSTART + RLENGTH - 1)
                text = substr(text, RSTART + RLENGTH)
            }
            return $0
        }
        function operator(from, by, kind,    i) {
            for (i = 1; i <= 3; i++) out(kind, replaced(from, by, i))
        }
        function condition(    start, i, depth, c) {
            start = index($0, "if (") + 4
            for (i = start; i <= length($0); i++) {
                c = substr($0, i, 1)
                if (c == "(") depth++
                if (c == ")" && depth-- == 0) {
                    out("condition negated", substr($0, 1, start - 1) "!(" \
                        substr($0, start, i - start) "))" substr($0, i + 1))
                    return
                }
            }
            out("condition false", substr($0, 1, start - 1) "false && " substr($0, start))
            out("condition true", substr($0, 1, start - 1) "true || " substr($0, start))
        }
        function returned(    text) {
            text = $0
            if (/return true;/) sub(/true/, "false", text)
            else if (/return false;/) sub(/false/, "true", text)
            else if (/return [^;]+;$/) { sub(/return /, "return !(", text); sub(/;$/, ");", text) }
            else return
            out("another value returned", text)
        }
        function constants(    text, before, digits, i, n) {
            for (i = 1; i <= 6; i++) {
                text = $0; before = ""
                n = 0
                while (match(text, /(^|[^A-Za-z0-9_.])[0-9]+/)) {
                    digits = substr(text, RSTART, RLENGTH)
                    sub(/^[^0-9]/, "", digits)
                    before = before substr(text, 1, RSTART + RLENGTH - 1 - length(digits))
                    text = substr(text, RSTART + RLENGTH)
                    if (++n == i && text !~ /^x/) {
                        out("constant raised", before (digits == 0 ? 1 : digits * 2) text)
                        out("constant lowered", before int(digits / 2) text)
                        break
                    }
                    before = before digits
                }
            }
        }
        function change() {
            if (/^ *(\/\*|\*)/ || /ASSERT|counters|trace|input_drop|_Static_assert/) return
            if (/(^|[ }])if \(/) condition()
            if (/^ +return /) returned()
            if (/^ +[a-z_A-Z(*][^{}]*;$/ && previous ~ /[;{})]$/ &&
                !/^ +(return|break|continue|goto|case|const|static|struct|enum|u?int[0-9]*_t|size_t|bool|uint8_t) / &&
                !/^ +[a-z_]+ \*?[a-z_]+( =|;|\[)/)
                out("statement left out", substr($0, 1, match($0, /[^ ]/) - 1) ";")
            operator(" && ", " || ", "&& made ||"); operator(" \\|\\| ", " \\&\\& ", "|| made &&")
            operator(" < ", " >= ", "< made >="); operator(" > ", " <= ", "> made <=")
            operator(" <= ", " > ", "<= made >"); operator(" >= ", " < ", ">= made <")
            operator(" == ", " != ", "== made !="); operator(" != ", " == ", "!= made ==")
            operator(" \\+ ", " - ", "+ made -"); operator(" - ", " + ", "- made +")
            operator(" \\| ", " \\& ", "| made &"); operator("true", "false", "true made false")
            operator("IN_(ALL|DATA|SACK|SYNC)", "0u", "states left out")
            operator("IN_(DATA|SACK|SYNC)", "IN_ALL", "states added")
            operator("IN\\([A-Z_]+\\)", "0u", "state left out")
            constants()
        }
        BEGIN {
            at = near = -9
            gsub(/\./, "\\.", section)
            own = "(^|[^0-9.])" section "( |, | rule )\\(?" own "($|[^0-9A-Za-z])"
            section = "(^|[^0-9.])" section "($|[^0-9.]|\\.$|\\.[^0-9])"
        }
        /(\/\*|^ +\*|^ {3})/ && $0 ~ section { near = NR }
        /(\/\*|^ +\*|^ {3})/ && $0 ~ own { at = NR }
        # What follows looks at code alone; a remark behind it is put back by out.
        { remark = "" }
        match($0, /[^ ] *\/\*.*$/) {
            remark = substr($0, RSTART + 1)
            $0 = substr($0, 1, RSTART)
        }
        inside && /^}/ { inside = 0 }
        inside {
            if (first) {
                if (head ~ /^(static )?void /) out("return at the beginning", "    return; " $0)
                if (head ~ /^(static )?(inline )?bool /) out("return at the beginning", "    return true; " $0)
                if (head ~ /^(static )?enum chunk_verdict /) out("return at the beginning", "    return CHUNK_DONE; " $0)
                first = 0
            }
            change()
        }
        $0 ~ "^#define " name "[ (]" { constants() }
        $0 ~ "^ *X\\(" name "," { constants() }
        /^[A-Za-z_}]/ { head = $0 }
        /^ / && head != "" { head = head $0 }
        head ~ /[;{]/ {
            if (!inside && head !~ /^[^{]*;/ && \
                (head ~ "(^|[ *])" name "\\(" || head ~ "(^|[ *])" name "\\[")) inside = first = 1
            if (!inside || !first) head = ""
        }
        NF { previous = $0; sub(/ *\/\*.*\*\/ *$/, "", previous) }
    ' "$1"
}

# candidates SECTION FUNCTIONS OWN: a line each: token, then what changes prints; in the order of trying
candidates() {
    local token file
    for token in ${2//,/ }; do
        file=$(file_of "$token")
        [[ -n $file ]] || continue
        changes "$file" "${token##*:}" "$1" "$3" | sed "s|^|$token\t|"
    done | shuffled "$1" | sort -s -t $'\t' -k2,2n
}

# target TEST: the CMake target of kind/subject:function
target() {
    local name=${1%%:*}
    echo "test_${name//\//_}"
}

make() { (cd "$build" && nice timeout 600 ninja -j2 "$@") >"$scratch/make.log" 2>&1; }

# notices TEST: does the test fail?
notices() {
    local name=${1%%:*} function=${1##*:} status=0
    (
        cd "$scratch"
        ulimit -v 8000000
        CK_TIMEOUT_MULTIPLIER=0.1 USCTP_SIM_SEEDS=40 nice timeout 60 \
            "$build/tests/${name%%/*}/test_${name#*/}" "$function"
    ) >"$scratch/test.log" 2>&1 || status=$?
    [[ $status -ne 0 ]] || return 1
    [[ $status -ge 124 ]] || ! grep -q '%: Checks' "$scratch/test.log" ||
        grep -qE ":[FE]:[^:]*:$function:" "$scratch/test.log"
}

# try_row ID FUNCTIONS TESTS OWN: prints what came of it; false when no test noticed anything
try_row() {
    local id=$1 functions=$2 cited=${3//,/ } test targets="" tried="" count=0 broken=0
    local token weight line kind text file
    for test in $cited; do targets+=" $(target "$test")"; done
    # shellcheck disable=SC2086
    make $targets || { tail -5 "$scratch/make.log"; die "$id: does not build"; }
    for test in $cited; do
        if notices "$test"; then
            echo "$id FAILS as it is: $test"
            return 1
        fi
    done
    while IFS=$'\t' read -r token _ line kind text; do
        [[ $count -lt $tries && $broken -lt $tries ]] || break
        file=$(file_of "$token")
        cp "$file" "$scratch/kept"
        awk -v line="$line" -v text="${text//\\/\\\\}" 'NR == line { print text; next } { print }' \
            "$scratch/kept" >"$file"
        # shellcheck disable=SC2086
        if make $targets; then
            count=$((count + 1))
            tried+="; ${token%%:*}:$line $kind"
            for test in $cited; do
                if notices "$test"; then
                    cp "$scratch/kept" "$file"
                    echo "$id noticed by $test (${token%%:*}:$line $kind; change $count)"
                    return 0
                fi
            done
        else
            broken=$((broken + 1))
        fi
        cp "$scratch/kept" "$file"
    done < <(candidates "${id%-*}" "$functions" "$4")
    echo "$id NOT NOTICED by ${cited// /, }: ${tried#; }"
    return 1
}

say "copying and configuring"
copy_tree
unnoticed=0 done=0 begun=$SECONDS
while IFS=$'\t' read -r id functions cited own; do
    if ((SECONDS - begun > minutes * 60)); then
        say "out of time"
        break
    fi
    done=$((done + 1))
    try_row "$id" "$functions" "$cited" "$own" </dev/null || unnoticed=$((unnoticed + 1))
done < <(choose "$@")
echo "$done rows, $((done - unnoticed)) noticed, $unnoticed to be looked at (seed $seed)"
[[ $unnoticed -eq 0 ]]
