#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# kernel-peer.sh - the real Linux kernel SCTP stack as a live peer, on a host whose own kernel has no SCTP.
#
# Boots a Debian 12 kernel beside the host, in a network namespace, with 1..4 TAP NICs.  Everything comes from
# Debian packages (apt-get download + dpkg -x into a cache; nothing is installed).  Run as root.  Modes:
#   uml  user-mode-linux: the kernel as an ordinary process (default: boots in ~2 s, near-native speed, 1 CPU)
#   tcg  qemu-system-x86_64 without KVM: a real x86 SMP kernel, boots in ~7 s, 2-5x slower; needs qemu-system-x86
#   kvm  qemu with /dev/kvm, only on request: having /dev/kvm does not mean a stock kernel can boot on it
# The guest's root is the host's file system, read-only (UML hostfs / QEMU 9p); only the instance's own directory
# is writable.  So `exec` runs any program the host has, at the same path - your freshly built test binary included.
#
#   kernel-peer.sh fetch                            only fill the cache (~45 MB of packages for uml)
#   kernel-peer.sh start NAME NETNS [NICS] [MODE]   boot; returns when the guest is ready
#   kernel-peer.sh exec  NAME 'shell command'       run it in the guest: its output, its exit status
#   kernel-peer.sh path  NAME NIC down|up           black-hole NIC both ways (nft in NETNS), or end that
#   kernel-peer.sh stop  NAME                       end it, remove the TAPs (and NETNS if start made it)
#   kernel-peer.sh selftest [MODE]                  boot, SCTP handshake + echo inside the guest, stop
# NIC i (0..): TAP NAMEi in NETNS has BASE.i.1/24 and fd0a:63:i::1/64 (BASE in hex); the guest has .2 and ::2.
# In the guest's PATH: sctp_darn, sctp_test, ncat (--sctp), iperf3 (--sctp), busybox, and all the host has.
#   echo server:    exec NAME 'ncat --sctp -lk 7 -e /bin/cat &'
#   discard server: exec NAME 'ncat --sctp -lk 9 -c "exec cat >/dev/null" &'   (--recv-only would shut the association down)
# Environment: KPEER_DIR (~/.cache/kernel-peer), KPEER_BASE (10.99), KPEER_BASE6 (from it), KPEER_MEM (512M), KPEER_MTU (1500),
#   KPEER_BOOT_TIMEOUT (60 s), KPEER_EXEC_TIMEOUT (120 s), KPEER_CPUS (2; tcg, kvm), KPEER_SHM (/dev/shm; uml's memory:
#   a tmpfs that is not noexec).
# Do not set a TAP down to fail a path (UML's NIC stays broken until the guest re-ups it): use `path`.
# A host kernel without SCTP answers SCTP packets that no raw socket takes with ICMP protocol-unreachable, on which a
# connecting Linux gives up at once: `start` drops those ICMPs in NETNS with nft, when nft is there.
set -euo pipefail
DIR=${KPEER_DIR:-$HOME/.cache/kernel-peer} BASE=${KPEER_BASE:-10.99} MEM=${KPEER_MEM:-512M} MTU=${KPEER_MTU:-1500}
CACHE=$DIR/cache ROOT=$DIR/cache/root
BASE6=${KPEER_BASE6:-$(printf 'fd%02x:%x' "${BASE%.*}" "${BASE#*.}")}
die() { echo "kernel-peer: $*" >&2; exit 1; }

# unpack PKG...: download packages from Debian and unpack each once into $ROOT
unpack() {
  local p t; mkdir -p "$ROOT" "$CACHE/done"
  for p in "$@"; do
    [ -e "$CACHE/done/$p" ] && continue
    t=$(mktemp -d "$CACHE/dl.XXXXXX"); chmod 755 "$t"
    (cd "$t" && apt-get -q download "$p" >log 2>&1) || { cat "$t/log" >&2; die "cannot download $p (apt-get update?)"; }
    dpkg -x "$t"/*.deb "$ROOT"; rm -rf "$t"; : >"$CACHE/done/$p"
  done
}

fetch() { # fetch MODE
  ( mkdir -p "$CACHE"; flock 9; unpack busybox-static lksctp-tools libsctp1 iperf3 libiperf0 ncat liblua5.3-0
    if [ "$1" = uml ]; then unpack user-mode-linux
    else # the metapackage's dependency is the current kernel; the generic flavour (cloud has no 9p)
      local k; k=$(apt-cache depends linux-image-amd64 | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p')
      unpack "$k"; echo "${k#linux-image-}" >"$CACHE/kver"; initramfs "${k#linux-image-}"
    fi ) 9>"$DIR/.lock"
}

# initramfs KVER: busybox and the modules to reach the 9p root; init.sh below then loads the SCTP ones
initramfs() {
  local k=$1 i=$CACHE/initramfs m f
  [ -e "$CACHE/initrd-$k.gz" ] && return
  rm -rf "$i"; mkdir -p "$i"/{bin,m,proc,lib/modules/"$k"}; cp "$ROOT/bin/busybox" "$i/bin/"; ln -s busybox "$i/bin/sh"
  for m in virtio_pci virtio_net 9pnet_virtio 9p virtio virtio_ring virtio_pci_modern_dev virtio_pci_legacy_dev \
           net_failover failover 9pnet netfs fscache; do
    f=$(find "$ROOT/lib/modules/$k/kernel" -name "$m.ko"); [ -z "$f" ] || cp "$f" "$i/lib/modules/$k/"
  done
  "$ROOT/bin/busybox" depmod -b "$i" "$k"; "$ROOT/bin/busybox" depmod -b "$ROOT" "$k"
  cat >"$i/init" <<-'END'
	#!/bin/sh
	/bin/busybox --install -s /bin
	mount -t proc proc /proc
	for m in virtio_pci virtio_net 9pnet_virtio 9p; do modprobe $m; done
	W=$(sed 's/.*kp.dir=\([^ ]*\).*/\1/' /proc/cmdline)
	O=trans=virtio,version=9p2000.L,msize=262144
	mount -t 9p -o ro,cache=loose,$O root /m && mount -t 9p -o cache=none,$O work "/m$W" && umount /proc &&
	  exec switch_root /m "$W/init.sh" "$W"
	echo "cannot mount the 9p root"; poweroff -f
	END
  (cd "$i" && chmod +x init && find . | bin/busybox cpio -o -H newc 2>/dev/null | gzip -1 >"$CACHE/initrd-$k.gz.tmp"); mv "$CACHE/initrd-$k.gz"{.tmp,}
}

# The guest's init: file systems, modules, addresses; then jobs from the control console, one id a line
write_init() { # write_init INSTANCE_DIR NICS MODE
  { echo '#!/bin/sh'; echo "W=$1 NICS=$2 MODE=$3 ROOT=$ROOT BASE=$BASE BASE6=$BASE6 MTU=$MTU"; cat <<-'END'; } >"$1/init.sh"
	B=$ROOT/bin/busybox
	export TMPDIR=/run HOME=/run PATH=$ROOT/usr/bin:$ROOT/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
	export LD_LIBRARY_PATH=$ROOT/usr/lib/x86_64-linux-gnu
	$B mount -t proc proc /proc; $B mount -t sysfs sys /sys; $B mount -t tmpfs run /run
	$B grep -q ' /dev devtmpfs' /proc/mounts || $B mount -t devtmpfs dev /dev
	# load MODULE: insmod it after its dependencies, as modules.dep lists them (last one first)
	load() {
	  line=$($B grep "/$1.ko:" "$D/modules.dep") || return 0   # built in
	  r=; for m in ${line#*:} ; do r="$m $r"; done
	  for m in $r "${line%%:*}"; do $B insmod "$D/$m" 2>/dev/null; done
	}
	if [ $MODE = uml ]; then
	  $B mount -t hostfs -o "$W" work "$W"; D=$ROOT/usr/lib/uml/modules/$($B uname -r) dev=vec ctl=/dev/tty1
	else D=$ROOT/lib/modules/$($B uname -r) dev=eth ctl=/dev/ttyS1; load crc32c-intel; fi
	for m in ipv6 hmac md5 sctp sctp_diag sch_netem; do load $m; done   # hmac: listen() fails without it
	[ -d /proc/sys/net/sctp ] || { echo "no SCTP"; $B poweroff -f; }
	$B ip link set lo up
	i=0; while [ $i -lt $NICS ]; do
	  $B ip link set $dev$i mtu $MTU; echo 0 >/proc/sys/net/ipv6/conf/$dev$i/accept_dad
	  $B ip addr add $BASE.$i.2/24 dev $dev$i; $B ip link set $dev$i up; $B ip addr add $BASE6:$i::2/64 dev $dev$i
	  i=$((i+1)); done
	exec 3<$ctl; $B stty -echo <&3                             # or the tty sends the job ids back
	read up rest </proc/uptime; echo "$up" >"$W/ready"
	while read -r id <&3; do
	  [ -e "$W/$id.cmd" ] || continue
	  ( cd "$W"; sh "$W/$id.cmd" >"$W/$id.out" 2>&1 </dev/null; echo $? >"$W/$id.tmp"; mv "$W/$id.tmp" "$W/$id.rc" ) 3<&- &
	done
	END
  chmod +x "$1/init.sh"
}

start() { # start NAME NETNS [NICS] [MODE]
  local n=$1 ns=$2 nics=${3:-1} mode=${4:-uml} w=$DIR/$1 i pid t0 args=() k
  [[ $n != cache && $n =~ ^[a-z][a-z0-9]{0,9}$ && $nics =~ ^[1-4]$ && $mode =~ ^(uml|tcg|kvm)$ ]] || die "bad argument"
  [ ! -e "$w/pid" ] || die "$n is already started: stop it first"
  [ -c /dev/net/tun ] || die "no /dev/net/tun"
  mkdir -p "$DIR"; fetch "$mode"; rm -rf "$w"; mkdir -p "$w"; echo "$ns" >"$w/netns"; echo "$nics" >"$w/nics"
  : >"$w/pid"; trap "stop $n" EXIT   # a start that fails leaves nothing behind
  ip netns pids "$ns" >/dev/null 2>&1 || { ip netns add "$ns"; : >"$w/made_netns"; ip -n "$ns" link set lo up; }
  for ((i = 0; i < nics; i++)); do
    ip -n "$ns" tuntap add "$n$i" mode tap; ip -n "$ns" link set "$n$i" mtu "$MTU" up
    ip -n "$ns" addr add "$BASE.$i.1/24" dev "$n$i"; ip -n "$ns" addr add "$BASE6:$i::1/64" dev "$n$i" nodad
    if [ "$mode" = uml ]; then args+=("vec$i:transport=tap,ifname=$n$i,depth=128,gro=1,mac=52:54:00:99:0$i:02")
    else args+=(-netdev "tap,id=n$i,ifname=$n$i,script=no,downscript=no"
                -device "virtio-net-pci,netdev=n$i,romfile=,mac=52:54:00:99:0$i:02"); fi
  done
  ip netns exec "$ns" nft -f - <<-END || echo "kernel-peer: no nft rules: path will not work" >&2
	table inet kp_$n {
	  set down { type ifname; }
	  chain pin { type filter hook input priority 0; iifname @down drop; }
	  chain pfwd { type filter hook forward priority 0; iifname @down drop; oifname @down drop; }
	  chain pout { type filter hook output priority 0; oifname @down drop;
	    icmp type destination-unreachable icmp code 2 drop; icmpv6 type parameter-problem icmpv6 code 1 drop; }
	}
	END
  write_init "$w" "$nics" "$mode"; mkfifo "$w/ctl"; t0=$(date +%s%N)
  if [ "$mode" = uml ]; then
    exec 8<>"$w/ctl"
    TMPDIR=${KPEER_SHM:-/dev/shm} setsid ip netns exec "$ns" "$ROOT/usr/bin/linux.uml" mem="$MEM" root=/dev/root rootfstype=hostfs \
      rootflags=/ ro init="$w/init.sh" uml_dir="$w/uml" umid="$n" con=null con0=null,fd:2 con1=fd:8,null ssl=null \
      quiet "${args[@]}" </dev/null >"$w/console" 2>&1 &
    exec 8>&-
  else k=$(cat "$CACHE/kver")
    setsid ip netns exec "$ns" qemu-system-x86_64 -M "q35,accel=$mode" -cpu max -smp "${KPEER_CPUS:-2}" -m "$MEM" \
      -nodefaults -no-user-config -display none -no-reboot -kernel "$ROOT/boot/vmlinuz-$k" \
      -initrd "$CACHE/initrd-$k.gz" -append "console=ttyS0 quiet panic=-1 mitigations=off net.ifnames=0 kp.dir=$w" \
      -serial "file:$w/console" -chardev "pipe,id=ctl,path=$w/ctl" -serial chardev:ctl -device virtio-rng-pci \
      -virtfs local,path=/,mount_tag=root,security_model=passthrough,readonly=on,multidevs=remap \
      -virtfs "local,path=$w,mount_tag=work,security_model=passthrough" "${args[@]}" </dev/null >"$w/qemu" 2>&1 &
  fi
  pid=$!; echo $pid >"$w/pid"
  for ((i = 0; i < ${KPEER_BOOT_TIMEOUT:-60} * 20; i++)); do
    [ ! -s "$w/ready" ] && kill -0 $pid 2>/dev/null || break; sleep 0.05
  done
  [ -s "$w/ready" ] || { tail -n 20 "$w/console" "$w/qemu" >&2 2>/dev/null || true; die "$n did not boot"; }
  trap - EXIT
  echo "kernel-peer: $n ready ($mode, netns $ns, $nics NIC) in $((($(date +%s%N) - t0) / 1000000)) ms, pid $pid"
}

guest_exec() { # guest_exec NAME COMMAND
  local w=$DIR/$1 pid id i; pid=$(cat "$w/pid" 2>/dev/null) || die "$1 is not started"
  id=$(mktemp -u jXXXXXXXX); printf '%s\n' "$2" >"$w/$id.cmd"; printf '%s\n' "$id" >"$w/ctl"
  for ((i = 0; i < ${KPEER_EXEC_TIMEOUT:-120} * 50; i++)); do
    [ -s "$w/$id.rc" ] && { cat "$w/$id.out"; return "$(cat "$w/$id.rc")"; }
    kill -0 "$pid" 2>/dev/null || { cat "$w/$id.out" 2>/dev/null; die "the guest $1 died"; }; sleep 0.02
  done
  cat "$w/$id.out"; echo "kernel-peer: exec timed out" >&2; return 124
}

# stop NAME: kills by process group (setsid made pid the group's leader): the guest has nothing to write back, and
# takes two seconds to power off
stop() {
  local w=$DIR/$1 pid i ns
  [ -e "$w/pid" ] || die "$1 is not started"; pid=$(cat "$w/pid"); ns=$(cat "$w/netns")
  [ -z "$pid" ] || kill -KILL -- "-$pid" 2>/dev/null || true
  for ((i = 0; i < 60; i++)); do kill -0 "$pid" 2>/dev/null || break; sleep 0.05; done # its NICs are free then
  for ((i = 0; i < $(cat "$w/nics"); i++)); do ip -n "$ns" link del "$1$i" 2>/dev/null || true; done
  ip netns exec "$ns" nft delete table inet "kp_$1" 2>/dev/null || true
  [ ! -e "$w/made_netns" ] || ip netns del "$ns" || true
  rm -f "$w/pid" "$w/ctl" "$w/ready"
}

case ${1:-} in
  fetch) mkdir -p "$DIR"; fetch "${2:-uml}" ;;
  start) [ $# -ge 3 ] || die "start NAME NETNS [NICS] [MODE]"; start "${@:2}" ;;
  exec) guest_exec "$2" "${*:3}" ;;
  path) [ -s "$DIR/$2/ready" ] && [[ $4 =~ ^(down|up)$ ]] || die "path NAME NIC down|up"
    [ "$4" = down ] && op=add || op=delete
    ip netns exec "$(cat "$DIR/$2/netns")" nft "$op" element inet "kp_$2" down "{ $2$3 }" ;;
  stop) stop "$2" ;;
  selftest)
    n=st$$; start $n kp$n 1 "${2:-uml}"; trap 'stop $n' EXIT
    guest_exec $n 'ncat --sctp -lk 7 -e /bin/cat & until grep -q " 7 " /proc/net/sctp/eps; do sleep 0.1; done
      (echo hello; for i in $(seq 99); do [ -s /run/o ] && break; sleep 0.1; done) | ncat --sctp 127.0.0.1 7 >/run/o
      grep -x hello /run/o >/dev/null && echo "SCTP echo over loopback: ok"' ;;
  *) sed -n '3,/^set -euo/{/^set/d;s/^# \{0,1\}//;p}' "$0"; exit 2 ;;
esac
