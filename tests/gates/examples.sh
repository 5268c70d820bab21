#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# examples.sh: docs/api.md shows every program of docs/examples whole and as it is, under a heading
# `### examples/NAME.c`, and each compiles with nothing but the public headers and the system's usual
# definitions.  First it proves on planted text that it can fail.
#   examples.sh --update    writes the programs, as they are now, into docs/api.md
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root"
page=docs/api.md

# shown NAME: the program that the page (stdin) has under that heading
shown() {
    awk -v heading="### examples/$1" '
        $0 == heading { found = 1; next }
        found && /^```c$/ { inside = 1; next }
        inside && /^```$/ { exit }
        inside { print }
        found && !inside && /^#/ { exit }'
}

# update: the page with each program replaced by its file
update() {
    awk '
        /^### examples\// { file = "docs/examples/" substr($0, 14) }
        /^```$/ && skips { skips = 0 }
        !skips { print }
        /^```c$/ && file != "" {
            while ((getline line < file) > 0) print line
            close(file); file = ""; skips = 1
        }' "$page"
}

if [[ ${1:-} == --update ]]; then
    text=$(update)
    printf '%s\n' "$text" >"$page"
    exit 0
fi

planted=$(printf '### examples/a.c\n\n```c\nint a;\n```\n### examples/b.c\n' )
[[ $(shown a.c <<<"$planted") == 'int a;' && -z $(shown b.c <<<"$planted") ]] ||
    { echo "examples: cannot read a page"; exit 1; }

failed=0
count=0
for file in docs/examples/*.c; do
    name=${file##*/}
    count=$((count + 1))
    shown "$name" <"$page" | cmp -s - "$file" ||
        { echo "examples: $page does not show $file as it is (tests/gates/examples.sh --update)"; failed=1; }
    if grep -q '<uv.h>' "$file" && [[ ! -e /usr/include/uv.h ]]; then
        echo "examples: $file is not compiled: libuv1-dev is not installed"
        continue
    fi
    "${CC:-cc}" -Wall -Wextra -Werror -Iinclude -fsyntax-only "$file" || failed=1
done
[[ $(grep -c '^### examples/' "$page") == "$count" ]] ||
    { echo "examples: $page shows a program that docs/examples does not have"; failed=1; }
[[ $count -ge 5 ]] || { echo "examples: only $count programs"; failed=1; }
[[ $failed == 0 ]] && echo "examples: $count programs"
exit $failed
