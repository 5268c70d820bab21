#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# ctest-waits: mostly
#
# osmo-stp, unchanged, with a second one as its application server process: M3UA comes up over SCTP (ASPUP,
# ASPAC), both say ASP_ACTIVE and AS_ACTIVE; the ASP goes and comes back; the STP goes and comes back, and
# the ASP finds it again.  Each side the STP once.  The M3UA messages are in the capture.
# shellcheck disable=SC2034 # read by lib.sh
TEST_LIMIT_S=200
. "$(dirname "$0")/app.sh"

app_need osmo-stp osmo-stp
app_net 4 6

configure() { # configure SIDE ROLE PATH: stp listens at 2905, asp connects from 2906
  local peer
  peer=$(other "$1")
  cat <<END
log stderr
 logging filter all 1
 logging color 0
 logging print category 1
 logging print level 1
 logging timestamp 0
 logging level set-all info
line vty
 no login
 bind $(addr "$1")
cs7 instance 0
END
  if [ "$2" = stp ]; then
    cat <<END
 point-code 0.23.1
 xua rkm routing-key-allocation dynamic-permitted
 asp asp-$peer 2906 2905 m3ua
  local-ip $(addr "$1" "$3")
  remote-ip $(addr "$peer" "$3")
 as as-$peer m3ua
  asp asp-$peer
  routing-key 2 0.23.2
 listen m3ua 2905
  local-ip $(addr "$1" "$3")
END
  else
    cat <<END
 point-code 0.23.2
 asp asp-$peer 2905 2906 m3ua
  local-ip $(addr "$1" "$3")
  remote-ip $(addr "$peer" "$3")
  role asp
  sctp-role client
 as as-$peer m3ua
  asp asp-$peer
  routing-key 2 0.23.2
END
  fi
}
launch() { # launch SIDE
  app_start "osmo-$1" "$1" none osmo-stp -c "$APP_DIR/$1.cfg"
  must_say "osmo-$1" 'Available via telnet'
}
vty() { on "$1" python3 "$REAL_DIR/app-vty.py" "$(addr "$1")" 4239 "${@:2}"; }
# both_are SIDE STATE: what its VTY says of the peer as a process and of the server that it serves
both_are() {
  vty "$1" 'show cs7 instance 0 asp' 'show cs7 instance 0 as all' >"$WORK/vty-$1.out" 2>"$WORK/vty-$1.err" || return 1
  grep -q "asp-$(other "$1") .*ASP_$2 " "$WORK/vty-$1.out" && grep -q "as-$(other "$1") .*AS_$2 " "$WORK/vty-$1.out"
}
must_be() { # must_be SIDE STATE
  wait_until 40 both_are "$1" "$2" || { cat "$WORK/vty-$1.out" >&2; app_fail "side $1 is not $2"; }
}
ends() { app_stop "osmo-$1"; must_end "osmo-$1" 15; }

stp() { # stp SIDE PATH
  local asp
  asp=$(other "$1")
  configure "$1" stp "$2" >"$APP_DIR/$1.cfg"
  configure "$asp" asp "$2" >"$APP_DIR/$asp.cfg"
  launch "$1"; launch "$asp"
  must_be "$1" ACTIVE; must_be "$asp" ACTIVE
  must_say "osmo-$asp" 'NOTIFY Type State Change:AS Active'
  ends "$asp"
  must_be "$1" DOWN
  launch "$asp"
  must_be "$asp" ACTIVE; must_be "$1" ACTIVE
  ends "$1"
  must_be "$asp" DOWN
  launch "$1"
  must_be "$asp" ACTIVE; must_be "$1" ACTIVE
  ends "$asp"; ends "$1"
  say "ASP active, again after either has been away: STP on $(stack_of "$1"), ASP on $(stack_of "$asp"), $(addr "$1" "$2")"
}

app_capture_start checked
stp b 0
app_capture_stop checked
# M3UA (RFC 4666 3.1.2): ASP up and its answer, ASP active and its answer
for kind in 3:1 3:4 4:1 4:3; do
  must_be_captured checked "m3ua.message_class == ${kind%:*} && m3ua.message_type == ${kind#*:}" 3
done
stp a 0
stp b 1
