# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Whether this host lets us make network namespaces, and help for a chroot, where it does not at
# first.  To be sourced after common.sh.

# netns_lacks: prints in a few words what is missing for network namespaces; nothing where they work
netns_lacks() {
    local name=usctp-probe-$$ said
    is_root || { echo "not root"; return 0; }
    command -v ip >/dev/null || { echo "no ip command (package iproute2)"; return 0; }
    if ! said=$(ip netns add "$name" 2>&1); then
        echo "no network namespaces (${said##*$'\n'})"
        return 0
    fi
    said=$(ip netns exec "$name" true 2>&1) || echo "no use of network namespaces (${said##*$'\n'})"
    ip netns del "$name" 2>/dev/null || true
}

# own_root SCRIPT ARGUMENT...: in a chroot whose / is not a mount point, `ip netns exec` fails, since it
# cannot change the propagation of /.  There it runs the script again in a mount namespace of its own,
# with / bound to itself and with the file systems that a bare chroot lacks, and exits with its status.
# Elsewhere it returns at once.
own_root() {
    local place status=0
    is_root && [[ -z ${USCTP_OWN_ROOT:-} ]] || return 0
    unshare --mount true 2>/dev/null && return 0
    unshare --mount --propagation unchanged true 2>/dev/null || return 0
    place=$(mktemp -d /run/usctp-root.XXXXXX)
    # shellcheck disable=SC2016 # expanded by the inner shell
    USCTP_OWN_ROOT=1 unshare --mount --propagation unchanged bash -c '
        place=$1; here=$PWD; shift
        mount --rbind / "$place" && mount --make-rprivate "$place" || exit 1
        exec chroot "$place" bash -c '\''
            cd "$1" && shift
            [ -e /proc/self ] || mount -t proc proc /proc
            [ -d /sys/class ] || mount -t sysfs sysfs /sys
            mountpoint -q /dev/shm || { mkdir -p /dev/shm && mount -t tmpfs tmpfs /dev/shm; }
            [ -e /dev/net/tun ] || { mkdir -p /dev/net && mknod /dev/net/tun c 10 200; }
            exec "$@"'\'' bash "$here" "$@"
        ' bash "$place" bash "$@" || status=$?
    umount -R -l "$place" 2>/dev/null || true # where the mount went to the outside too
    rmdir "$place" 2>/dev/null || true
    exit "$status"
}
