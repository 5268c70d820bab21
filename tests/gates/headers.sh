#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# headers.sh: every header compiles alone; the public ones also as C++ and without the project's own
# include path, in either order with <netinet/sctp.h> where that is installed.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root"
shopt -s nullglob
failed=0
count=0

# alone WHAT COMPILER-AND-FLAGS... <SOURCE
alone() {
    local what=$1
    shift
    count=$((count + 1))
    "$@" -Wall -Wextra -Werror -fsyntax-only - || { echo "headers: $what"; failed=1; }
}

alone planted "${CC:-cc}" -x c < <(printf 'struct planted { missing_type x; };\n') >/dev/null 2>&1
if [[ $failed == 0 ]]; then
    echo "headers: did not see a header that does not compile"
    exit 1
fi
failed=0

for header in include/usctp/*.h; do
    name=usctp/$(basename "$header")
    alone "$name does not compile alone" "${CC:-cc}" -std=c11 -Iinclude -x c \
        < <(printf '#include <%s>\n#include <%s>\n' "$name" "$name")
    alone "$name is not C++" "${CXX:-c++}" -std=c++17 -Iinclude -x c++ \
        < <(printf '#include <%s>\nint main() { return 0; }\n' "$name")
    if [[ -e /usr/include/netinet/sctp.h ]]; then
        alone "$name before <netinet/sctp.h>" "${CC:-cc}" -std=gnu11 -Iinclude -x c \
            < <(printf '#include <%s>\n#include <netinet/sctp.h>\n' "$name")
        alone "$name after <netinet/sctp.h>" "${CC:-cc}" -std=gnu11 -Iinclude -x c \
            < <(printf '#include <netinet/sctp.h>\n#include <%s>\n' "$name")
    fi
done
while IFS= read -r -d '' header; do
    name=${header#src/}
    alone "$name does not compile alone" "${CC:-cc}" -std=gnu11 -D_GNU_SOURCE -Iinclude -Isrc -x c \
        < <(printf '#include "%s"\n#include "%s"\n' "$name" "$name")
done < <(find src -name '*.h' -print0 | sort -z)
[[ $failed == 0 ]] && echo "headers: $count compilations"
exit $failed
