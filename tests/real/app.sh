# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
#
# What the tests of other people's programs (test_app_*.sh) share.  To be sourced.
#
# Side a is network namespace $NET_A: a program there runs under usctp-run.  Side b is $NET_B, where it does as
# well, or (app_net kernel) the Linux kernel peer, where it runs as it is.  With APP_REFERENCE=1 both sides are
# in the guest, over the kernel's own SCTP: what a test then expects is what Linux does, and not what we do.
#
#   app_start NAME SIDE INPUT PROGRAM...  in the background; INPUT is a file, "none", or "typed"
#   app_type NAME LINE...                 what is typed into it; app_type_end NAME: end of its input
#   app_says NAME PATTERN                 has it written such a line?  To stdout $APP_DIR/NAME.out or stderr NAME.err
#   app_stop NAME [SIGNAL], app_end NAME SECONDS, must_end NAME SECONDS
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

APP_PEER=${APP_PEER:-usctp}
APP_REFERENCE=${APP_REFERENCE:-}
APP_DIR=$WORK # where both sides can write

# app_need PROGRAM PACKAGE: the program, or why there is no test
app_need() { command -v "$1" >/dev/null || [ -x "/usr/sbin/$1" ] || skip "$1 is not installed (package $2)"; }

# app_net FAMILY...: the network between a and b; see lib.sh for the addresses
app_net() {
  local i
  [ -n "$APP_REFERENCE" ] || USCTP_RUN=$(built tools/usctp-run)
  if [ "$APP_PEER" = kernel ] || [ -n "$APP_REFERENCE" ]; then
    net_make_kernel "$@"
    APP_DIR=$GUEST_DIR
  else
    net_make "$@"
  fi
  [ -n "$APP_REFERENCE" ] || return 0
  guest 'ip link set lo mtu 1500'
  for i in "${!A_ADDR[@]}"; do
    ip -n "$NET_A" addr flush dev "p$i"
    case ${A_ADDR[$i]} in
      *:*) guest "ip addr add ${A_ADDR[$i]}/64 dev vec$i nodad" ;;
      *) guest "ip addr add ${A_ADDR[$i]}/24 dev vec$i" ;;
    esac
  done
}

# is_guest SIDE
is_guest() { [ -n "$APP_REFERENCE" ] || { [ "$1" = b ] && [ "$APP_PEER" = kernel ]; }; }
# stack_of SIDE: for what a test says
stack_of() { if is_guest "$1"; then echo kernel; else echo usctp; fi; }
# addr SIDE [PATH]
addr() { if [ "$1" = a ]; then echo "${A_ADDR[${2:-0}]}"; else echo "${B_ADDR[${2:-0}]}"; fi; }
other() { if [ "$1" = a ]; then echo b; else echo a; fi; }

# on SIDE COMMAND...: a command that ends by itself, with no SCTP of its own
on() {
  if is_guest "$1"; then guest "$(printf '%q ' "${@:2}")"; else in_net "$(side_net "$1")" "${@:2}"; fi
}

declare -A APP_SIDE=()
APP_COUNT=0
APP_ENV=() # NAME=VALUE... for the programs started from now on

app_start() {
  local name=$1 side=$2 input=$3 script file run
  shift 3
  APP_SIDE[$name]=$side
  # Names that were never used: the guest would go on with a file that it still has open, though it is gone here
  APP_COUNT=$((APP_COUNT + 1))
  run=$name.$APP_COUNT script=$APP_DIR/$run.sh
  rm -f "$APP_DIR/$name".{pid,status}
  for file in out err typed; do : >"$APP_DIR/$run.$file"; done
  for file in out err typed pid status; do ln -sfn "$run.$file" "$APP_DIR/$name.$file"; done
  is_guest "$side" || set -- "$USCTP_RUN" "$@"
  set -- env "${APP_ENV[@]}" "$@"
  {
    echo "cd '$APP_DIR'"
    case $input in
      typed) printf "python3 '%s' '%s' | " "$REAL_DIR/app-typed.py" "$APP_DIR/$run.typed"; input=/proc/self/fd/0 ;;
      none) input=/dev/null ;;
    esac
    printf "sh -c 'echo \$\$ >%s.pid; exec \"\$@\"' - %s" "$run" "$(printf '%q ' "$@")"
    [ "$input" = /proc/self/fd/0 ] || printf "<'%s' " "$input"
    echo ">$run.out 2>$run.err"
    echo "echo \$? >$run.status.new; mv $run.status.new $run.status"
  } >"$script"
  if is_guest "$side"; then
    GUEST_LIMIT_S=$TEST_LIMIT_S spawn "$name-run" guest "bash $script" >"$WORK/$name-guest.err"
  else
    spawn "$name-run" in_net "$(side_net "$side")" bash "$script" >/dev/null
  fi
  wait_until 20 [ -s "$APP_DIR/$name.pid" ] || fail "$name does not start"
}

app_type() { printf '%s\n' "${@:2}" >>"$APP_DIR/$1.typed"; }
app_type_end() { printf '\004' >>"$APP_DIR/$1.typed"; }
app_says() { grep -aqs -e "$2" "$APP_DIR/$1.out" "$APP_DIR/$1.err"; }
# must_say NAME PATTERN [SECONDS]
must_say() { wait_until "${3:-15}" app_says "$1" "$2" || app_fail "$1 does not say \"$2\""; }
has_ended() { [ -s "$APP_DIR/$1.status" ]; }

app_stop() { # app_stop NAME [SIGNAL]
  local pid
  pid=$(cat "$APP_DIR/$1.pid")
  if is_guest "${APP_SIDE[$1]}"; then guest "kill -${2:-TERM} $pid" || true; else kill "-${2:-TERM}" "$pid" || true; fi
}
# app_stop_group NAME: what is left of a process that was started by setsid
app_stop_group() {
  local pid
  pid=$(cat "$APP_DIR/$1.pid")
  if is_guest "${APP_SIDE[$1]}"; then guest "kill -KILL -- -$pid" || true; else kill -KILL -- "-$pid" || true; fi
} >/dev/null 2>&1
# app_end NAME SECONDS: its exit status; 124 and killed when time is up
app_end() {
  if ! wait_until "$2" has_ended "$1"; then app_stop "$1" KILL; return 124; fi
  finish "$1-run" 20 || true
  return "$(cat "$APP_DIR/$1.status")"
}
# must_end NAME SECONDS [STATUS]
must_end() {
  local status=0
  app_end "$1" "$2" || status=$?
  [ $status = "${3:-0}" ] || app_fail "$1 ended with status $status (124: out of time), not ${3:-0}"
}
# app_fail WHY...: with the last words of every program, and their files kept
app_fail() {
  local name
  for name in "${!APP_SIDE[@]}"; do
    for file in out err; do
      grep -Iqs . "$APP_DIR/$name.$file" || continue # empty, or not text
      echo "--- $name.$file ($(stack_of "${APP_SIDE[$name]}"), side ${APP_SIDE[$name]})" >&2
      tail -c 3000 "$APP_DIR/$name.$file" | tail -n 25 | tr -c '[:print:]\n\t' . >&2
      [ "$APP_DIR" = "$WORK" ] || cp "$APP_DIR/$name.$file" "$WORK/"
    done
  done
  fail "$@"
}

# app_capture_start, app_capture_stop: what crosses path 0, to be checked whole
app_capture_start() { [ -n "$APP_REFERENCE" ] || capture_start "$1" "$NET_A" "p${2:-0}"; }
app_capture_stop() {
  [ -z "$APP_REFERENCE" ] || return 0
  capture_stop "$1"
  must_be_clean "$WORK/$1.pcap"
}
# captured NAME FILTER: how many frames of a capture match a display filter of tshark's
captured() { tshark -n -r "$WORK/$1.pcap" -Y "$2" -T fields -e frame.number 2>/dev/null | wc -l; }
# must_be_captured NAME FILTER [COUNT]
must_be_captured() {
  [ -z "$APP_REFERENCE" ] || return 0
  [ "$(captured "$1" "$2")" -ge "${3:-1}" ] || fail "the capture has fewer than ${3:-1} frames of: $2"
}
