# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Shared by tools/*.sh, tests/real and .ci/run; to be sourced.  Messages, and whether we are root.

# say TEXT...: progress of a script, on stderr, so that its output can be piped
say() { printf '== %s\n' "$*" >&2; }

# die TEXT...: one line that says what is missing or wrong, and the end
die() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 1
}

is_root() { [[ $EUID -eq 0 ]]; }

# as_root COMMAND...: runs it as root; fails where we are not and sudo cannot (it may ask for a
# password only where somebody is there to type it)
as_root() {
    if is_root; then
        "$@"
    elif can_be_root; then
        sudo -- "$@"
    else
        return 1
    fi
}

can_be_root() {
    is_root && return
    command -v sudo >/dev/null || return 1
    sudo -n true 2>/dev/null || [[ -t 0 && -z ${CI:-} ]]
}
