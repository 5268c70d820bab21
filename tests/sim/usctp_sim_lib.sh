# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
#
# For the tests of usctp-sim: where it is, and comparisons that say what is wrong.

sim=$USCTP_BUILD/tools/usctp-sim
[[ -x $sim ]] || { echo "no $sim in this build"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
    echo "$*" >&2
    exit 1
}

# play NAMES OPTION...: the values of --print NAMES, in $values; the run must succeed
values=
play() {
    local names=$1 status=0
    shift
    values=$(timeout 100 "$sim" --print "$names" "$@" 2>"$work/play.err") || status=$?
    [[ $status == 0 ]] || fail "usctp-sim $*: exit status $status: $(cat "$work/play.err")"
}

# between WHAT VALUE LOW HIGH
between() {
    [[ $2 -ge $3 && $2 -le $4 ]] || fail "$1 is $2, expected $3 to $4"
}
