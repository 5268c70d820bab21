#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# man.sh BUILD: fails if a public function or a tool has no manual page, a page's prototype is not
# the header's, its options are not those of --help, its examples do not compile, mandoc finds fault, a
# tunable, a socket option or an errno is on no page, or usctp_connectx(3) lacks one of the errors
# that its namesake promises.  First it proves on planted pages that it can fail.
set -euo pipefail
export LC_ALL=C.UTF-8
root=$(cd "$(dirname "$0")/../.." && pwd)
command -v mandoc >/dev/null ||
    { echo "man: not run: mandoc is missing (package mandoc)"; exit 77; }
exec python3 -B "$root/tests/gates/man.py" "$root" "$1"
