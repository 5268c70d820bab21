#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# tidy.sh BUILD: clang-tidy (.clang-tidy) over src/ and tools/, with the build's compile commands.
# ctest-timeout: 1200
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root"
mapfile -d '' files < <(find src tools -name '*.c' -print0 | sort -z)
[[ ${#files[@]} -gt 0 ]] || { echo "tidy: no file"; exit 1; }
printf '%s\0' "${files[@]}" | xargs -0 -n 4 -P 2 clang-tidy --quiet -p "$1"
echo "tidy: ${#files[@]} files"
