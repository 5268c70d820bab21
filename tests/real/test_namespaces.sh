#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Two stacks of one process in two network namespaces, used from a third: with I/O threads and without, by
# root and by one who has dropped his privileges since. Ports are claimed where the stack is.
. "$(dirname "$0")/placement.sh"
PORT=5907
net_make 4
in_net "$NET_A" sh -c 'echo 800 >/proc/sys/net/ipv4/ip_unprivileged_port_start' 2>"$WORK/sysctl.err" ||
  skip "/proc/sys/net cannot be written here"
mkfifo "$WORK/stdin.fifo"
for how in "" --no-thread --drop "--no-thread --drop"; do
  read -ra options <<<"$how"
  exec 9<>"$WORK/stdin.fifo" # both ends, so that opening one does not wait for the other
  spawn both "$(built tests/real/namespaces)" "${options[@]}" "$NET_A" "${A_ADDR[0]}" "$NET_B" "${B_ADDR[0]}" $PORT \
    <"$WORK/stdin.fifo" 9>&-
  wait_until 60 has_line both ready || fail "$how: $(cat "$WORK/both.err")"
  for ns in "$NET_A" "$NET_B"; do
    held=$(in_net "$ns" grep -c "@usctp/port/$PORT\$" /proc/net/unix) || true
    [ "$held" = 1 ] || fail "$how: the port's name is held $held times in $ns"
    # Another process of the namespace does not get the port, nor the stack its packets.
    status=0
    spawn other in_net "$ns" "$(built tests/real/placement)" listen $PORT </dev/null
    finish other 20 || status=$?
    [ $status = 1 ] && has_line other 'Address already in use' || fail "$how: another process listens: $(cat "$WORK/other.err")"
  done
  exec 9>&-
  must_finish both 30
  say "two namespaces, '$how': all arrived both ways, ports are claimed where the stacks are"
done

# A socket of another namespace than the thread's is not taken.
status=0
spawn client in_net "$NET_A" "$(built tests/real/placement)" --handed-in-from "$NET_B" listen $PORT </dev/null
finish client 20 || status=$?
[ $status = 3 ] && has_line client 'another network namespace' || fail "it was taken: $(cat "$WORK/client.err")"
spawn client in_net "$NET_A" "$(built tests/real/placement)" --udp --handed-in-from "$NET_B" listen $PORT </dev/null
status=0
finish client 20 || status=$?
[ $status = 3 ] && has_line client 'another network namespace' || fail "it was taken: $(cat "$WORK/client.err")"
say "sockets of another namespace are refused: $(cat "$WORK/client.err")"
