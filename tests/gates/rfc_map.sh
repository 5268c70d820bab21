#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# rfc_map.sh: fails if a row of docs/rfc-map.md names a function or a test that does not exist, names
# none and gives no reason, or is not of the form that the file's head describes. First it proves on
# planted rows that it can fail.
set -euo pipefail
export LC_ALL=C
root=$(cd "$(dirname "$0")/../.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# definitions ROOT: a line file:name for everything that is defined in src/ and include/ and can be
# named: functions, tables, enumerations, macros, and the rows of config.h as usctp/config.h:name
definitions() {
    find "$1/src" -name '*.[ch]' -print0 | xargs -0 awk '
        FNR == 1 { file = FILENAME; sub(/.*\//, "", file); head = "" }
        /^#define [A-Za-z_]/ { name = $2; sub(/\(.*/, "", name); print file ":" name; next }
        /^enum [a-z_0-9]+ \{/ { print file ":" $2 }
        /^} [a-z_]+\[.*=/ || /^(static )?const [^()]*\[[^()]*\] *=/ {
            name = $0; sub(/\[.*/, "", name); sub(/.*[ *]/, "", name); print file ":" name; next }
        /^[A-Za-z_]/ { head = $0 }
        /^ / && head != "" { head = head " " $0 }
        head ~ /[;{]/ {
            if (head ~ /^[^;]*\{/ && match(head, /[a-z_0-9]+\(/))
                print file ":" substr(head, RSTART, RLENGTH - 1)
            head = ""
        }'
    sed -nE 's|^ *X\(([a-z_0-9]+), .*|usctp/config.h:\1|p' "$1/include/usctp/config.h"
}

# tests ROOT: a line kind/subject:name for every test function that its file also registers
tests() {
    find "$1"/tests/{scenario,hostile,sim,wire,api,unit} -name 'test_*.c' -print0 | xargs -0 awk '
        FNR == 1 {
            count = split(FILENAME, part, "/")
            for (i = count; part[i - 1] != "tests"; i--) kind = part[i - 1]
            subject = part[count]; sub(/^test_/, "", subject); sub(/\.c$/, "", subject)
            split("", written)
        }
        match($0, /^START_TEST\([a-z_0-9]+\)/) { written[substr($0, 12, RLENGTH - 12)] = 1; next }
        {
            count = split($0, word, /[^a-z_0-9]+/)
            for (i = 1; i <= count; i++)
                if (word[i] in written) print kind "/" subject ":" word[i]
        }'
}

# check_map MAP DEFINITIONS TESTS: prints what is wrong, one line each
check_map() {
    awk -v map="$1" -v definitions="$2" -v tests="$3" '
        function wrong(what) { print "docs/rfc-map.md:" FNR ": " what }
        function check_tokens(text, known, what,    n, i, parts) {
            n = split(text, parts, "`")
            for (i = 2; i <= n; i += 2)
                if (!(parts[i] in known)) wrong("no " what " " parts[i])
            return int(n / 2)
        }
        FILENAME == definitions { defined[$0] = 1; next }
        FILENAME == tests { tested[$0] = 1; next }
        /^## / { section = $2; number = 0 }
        /^\| *[0-9A-Z.]+-[0-9]+ *\|/ {
            columns = split($0, cell, / *\| */)
            if (columns != 7) { wrong("a row has five cells, not " columns - 2); next }
            number++
            if (cell[2] != section "-" number) wrong("is " cell[2] ", should be " section "-" number)
            if (cell[3] !~ /^(MUST|MUST NOT|SHOULD|SHOULD NOT|rule)$/) wrong("level " cell[3])
            if (length(cell[4]) < 8) wrong("says nothing")
            codes = check_tokens(cell[5], defined, "definition")
            cases = check_tokens(cell[6], tested, "test")
            reason = cell[6] ~ /^(why not|no test): .../
            if (!reason && cases == 0) wrong("names no test and gives no reason")
            if (cell[6] !~ /^why not/ && codes == 0) wrong("names no function")
            rows++
        }
        /^\|/ && section ~ /^[0-9]/ && !/^\| *([0-9A-Z.]+-[0-9]+|-+|) *\|/ { wrong("is no row") }
        END { if (rows == 0) print "docs/rfc-map.md: no rows" }
    ' "$2" "$3" "$1"
}

definitions "$root" | sort -u >"$scratch/definitions"
tests "$root" | sort -u >"$scratch/tests"
[[ -s $scratch/definitions && -s $scratch/tests ]] || { echo "rfc_map: no source"; exit 1; }

# plant TEXT: check a map of one section with this row
plant() {
    printf '## 1 Planted\n\n| | level | rule | code | test |\n|---|---|---|---|---|\n%s\n' "$1" >"$scratch/planted.md"
    check_map "$scratch/planted.md" "$scratch/definitions" "$scratch/tests"
}

code='`tag_rule.c:tag_rule`'
test='`unit/tag_rule:follows_8_5_1`'
for good in "| 1-1 | MUST | a tag is looked at | $code | $test |" \
    "| 1-1 | rule | a tag is looked at | – | why not: somebody else does |" \
    "| 1-1 | SHOULD NOT | a tag is looked at | $code | no test: too dear |"; do
    [[ -z $(plant "$good") ]] || { echo "rfc_map: refused a good row: $(plant "$good")"; exit 1; }
done
for bad in "| 1-1 | MUST | a tag is looked at | ${code/rule\`/rules\`} | $test |" \
    "| 1-1 | MUST | a tag is looked at | ${code/tag_rule.c/no_file.c} | $test |" \
    "| 1-1 | MUST | a tag is looked at | $code | ${test/follows/obeys} |" \
    "| 1-1 | MUST | a tag is looked at | $code | ${test/unit/scenario} |" \
    "| 1-1 | MUST | a tag is looked at | $code | |" \
    "| 1-1 | MUST | a tag is looked at | – | $test |" \
    "| 1-1 | MUST | a tag is looked at | – | no test: too dear |" \
    "| 1-1 | MAY | a tag is looked at | $code | $test |" \
    "| 1-2 | MUST | a tag is looked at | $code | $test |" \
    "| 2-1 | MUST | a tag is looked at | $code | $test |" \
    "| 1-1 | MUST | a tag is looked at | $code |" \
    "| one | MUST | a tag is looked at | $code | $test |" \
    ""; do
    [[ -n $(plant "$bad") ]] || { echo "rfc_map: did not see what is wrong with: $bad"; exit 1; }
done

problems=$(check_map "$root/docs/rfc-map.md" "$scratch/definitions" "$scratch/tests")
if [[ -n $problems ]]; then
    echo "$problems"
    exit 1
fi
echo "rfc_map: $(grep -cE '^\| *[0-9A-Z.]+-[0-9]+ *\|' "$root/docs/rfc-map.md") rows, of which" \
    "$(grep -cE '^\|[^|]*\| MUST' "$root/docs/rfc-map.md") are MUST or MUST NOT"
