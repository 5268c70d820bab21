# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
#
# The Debian 12 packages that the project needs, and their installation.  To be sourced after
# common.sh.

# shellcheck disable=SC2034 # used by the scripts that source this
PACKAGES_BUILD=(build-essential cmake ninja-build pkg-config libelf-dev libisal-dev libjansson-dev
    libpcap-dev libssl-dev linux-libc-dev)
# shellcheck disable=SC2034
PACKAGES_NETWORK=(ethtool iproute2 nftables procps tcpdump tshark)
# shellcheck disable=SC2034
PACKAGES_TEST=(check clang-format iperf3 libsctp-dev libusrsctp-dev libuv1-dev mandoc python3
    python3-scapy valgrind)
# Programs that run unchanged under usctp-run. Where one cannot be installed, its test is skipped. None of them
# is started, or will be at boot, by being installed.
# shellcheck disable=SC2034
PACKAGES_APPLICATIONS=(erlang-base freediameterd freediameter-extensions lksctp-tools ncat
    openjdk-17-jdk-headless openssl osmo-stp socat)
# shellcheck disable=SC2034
PACKAGES_DEEP=(clang clang-tidy libclang-rt-14-dev)

# missing_packages PACKAGE...: those that are not installed, on one line
missing_packages() {
    local package missing=()
    for package in "$@"; do
        [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] ||
            missing+=("$package")
    done
    echo "${missing[*]}"
}

# apt_get ARGUMENT...: without questions
apt_get() {
    as_root env DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 \
        apt-get -q -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 "$@" </dev/null
}

# install_packages PACKAGE...: installs what is missing; ends the script with one line where it cannot
install_packages() {
    local missing log
    if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
        die "no apt-get here; by hand, install what Debian 12 calls: $*"
    fi
    missing=$(missing_packages "$@")
    [[ -n $missing ]] || return 0
    can_be_root || die "not root and no sudo; missing packages: $missing"
    say "installing: $missing"
    log=$(mktemp)
    # tshark and iperf3 would ask questions; the default answers are right.
    # shellcheck disable=SC2086 # a list of names
    if ! { apt_get update && apt_get -y install --no-install-recommends $missing; } >"$log" 2>&1; then
        tail -n 20 "$log" >&2
        rm -f "$log"
        die "apt-get cannot install: $missing"
    fi
    rm -f "$log"
}

# install_optional PACKAGE...: installs what is missing and can be installed, each by itself
install_optional() {
    local package missing
    missing=$(missing_packages "$@")
    [[ -n $missing ]] && can_be_root || return 0
    say "installing: $missing"
    apt_get update >/dev/null 2>&1 || true
    for package in $missing; do
        apt_get -y install --no-install-recommends "$package" >/dev/null 2>&1 ||
            say "$package cannot be installed: the test that needs it is skipped"
    done
}
