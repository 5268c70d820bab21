# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
#
# For programs of ours in other languages, made to be run twice, as server and as client, that count the
# cases they have passed: app_gen_sctp.erl and AppSctp.java tell how.  To be sourced.
#
# The caller defines ends_program NAME SIDE ARGUMENT..., which starts one of the two, and calls ends_play
# with the number of cases that the server and the client must have passed at least: over two paths of IPv4,
# over two of IPv6, then in the other role against the kernel peer, or else without privilege in UDP.
. "$(dirname "${BASH_SOURCE[0]}")/app.sh"

PORT=5000

# ends_cases NAME COUNT: the cases that it has passed
ends_cases() {
  local cases
  cases=$(sed -n 's/^all \([0-9]*\) cases passed$/\1/p' "$APP_DIR/$1.err")
  [ "${cases:-0}" -ge "$2" ] || app_fail "$1 passed ${cases:-no} cases, not $2"
  echo "$cases"
}
ends_is_ready() { has_ended server || app_says server '^ready'; }

# ends_meet SERVER-SIDE PATH PATH SERVER-CASES CLIENT-CASES
ends_meet() {
  local side=$1 peer start=$SECONDS cases
  peer=$(other "$side")
  ends_program server "$side" server $PORT "$(addr "$side" "$2")" "$(addr "$side" "$3")"
  wait_until 40 ends_is_ready || true
  app_says server '^ready' || app_fail "the server does not become ready"
  ends_program client "$peer" client $PORT "$(addr "$side" "$2")" "$(addr "$side" "$3")" - \
    "$(addr "$peer" "$2")" "$(addr "$peer" "$3")"
  must_end client 120; must_end server 60
  cases="$(ends_cases client "$5") and $(ends_cases server "$4")"
  say "server on $(stack_of "$side"), client on $(stack_of "$peer"), $(addr "$side" "$2"): $cases cases, in $((SECONDS - start)) s"
  PORT=$((PORT + 10))
}

# ends_unprivileged: from now on programs run in UDP, as nobody; of a copy, since the build tree may be
# where an ordinary user cannot read
ends_unprivileged() {
  need_tool setpriv
  mkdir -m 755 "$WORK/bin" "$WORK/bin/tools"
  install -m 755 "$USCTP_RUN" "$WORK/bin/tools/usctp-run"
  install -m 755 "$USCTP_BUILD/libusctp-preload.so" "$WORK/bin/"
  cat >"$WORK/bin/run" <<-END
	#!/bin/sh
	exec setpriv --reuid 65534 --regid 65534 --clear-groups --bounding-set -net_raw \\
	  "$WORK/bin/tools/usctp-run" --udp env HOME=/tmp "\$@"
	END
  chmod 755 "$WORK/bin/run"
  USCTP_RUN=$WORK/bin/run
}

ends_play() { # ends_play SERVER-CASES CLIENT-CASES
  app_capture_start checked
  ends_meet b 0 1 "$@"
  app_capture_stop checked
  ends_meet b 2 3 "$@"
  [ -z "$APP_REFERENCE" ] || return 0
  if [ "$APP_PEER" = kernel ]; then
    ends_meet a 0 1 "$@"
  else
    ends_unprivileged
    say "without privilege, in UDP:"
    ends_meet b 0 1 "$@"
  fi
}
