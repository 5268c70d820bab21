#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# format.sh: fails if clang-format 14 would change a C file of the tree, or a file does not open with
# the SPDX line.  First it proves on a planted file that it can fail.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root"

format=$(command -v clang-format-14 || command -v clang-format) ||
    { echo "format: clang-format is missing (package clang-format)"; exit 1; }
"$format" --version | grep -q 'version 14\.' ||
    { echo "format: needs clang-format 14, as in Debian 12; here is $("$format" --version)"; exit 1; }

if printf 'int  a;\n' | "$format" --style=file --assume-filename=planted.c --dry-run -Werror 2>/dev/null; then
    echo "format: did not see a badly formatted file"
    exit 1
fi

mapfile -d '' files < <(find src include tests tools docs \( -name '*.c' -o -name '*.h' \) -print0 | sort -z)
[[ ${#files[@]} -gt 0 ]] || { echo "format: no file"; exit 1; }
failed=0
"$format" --style=file --dry-run -Werror "${files[@]}" || failed=1
for file in "${files[@]}"; do
    IFS= read -r line <"$file" || true
    [[ $line == '/* SPDX-License-Identifier: BSD-3-Clause */' ]] ||
        { echo "$file:1: the SPDX line is missing"; failed=1; }
done
[[ $failed == 0 ]] && echo "format: ${#files[@]} files"
exit $failed
