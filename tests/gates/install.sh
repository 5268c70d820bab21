#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
#
# install.sh BUILD: installs a build into a folder, moves the folder, and builds a program against it as
# others would: by pkg-config and by CMake's find_package, with the shared library and the archive, in
# C and in C++; each is run.  Also: what must be there is, nothing has an RPATH, what leaves the shared
# library has a version, and no file knows where it was built or first installed.
# ctest-timeout: 240
set -euo pipefail
export LC_ALL=C
build=$1
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
cc=${CC:-cc} cxx=${CXX:-c++}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

wrong() { echo "install: $*"; exit 1; }

# run WHAT PROGRAM: it must say hello from this version
run() {
    local said
    said=$(timeout 30 "$2" 2>&1) || wrong "$1: status $?: $said"
    [[ $said == "hello from $version" ]] || wrong "$1 says '$said'"
    [[ -z $(rpaths "$2") || $1 == *CMake* ]] || wrong "$1 has a run path"
}
# rpaths FILE...: their run paths, DT_RPATH and DT_RUNPATH
rpaths() {
    local file
    for file in "$@"; do
        readelf -d "$file" 2>/dev/null | grep -E '\((RPATH|RUNPATH)\)' || true
    done
}
needs() { readelf -d "$1" | grep -q "NEEDED.*$2"; }

# --- installing -----------------------------------------------------------------------------------

DESTDIR="$scratch/staged" cmake --install "$build" --prefix /opt/usctp >"$scratch/log" 2>&1 ||
    { cat "$scratch/log"; wrong "cmake --install fails"; }
prefix=$scratch/moved
mv "$scratch/staged/opt/usctp" "$prefix"
[[ -z $(find "$scratch/staged" -type f) ]] || wrong "something was installed outside the prefix"
libdir=$(dirname "$(find "$prefix" -name libusctp.a)")
version=$(sed -n 's/^#define USCTP_VERSION *"\(.*\)"/\1/p' "$prefix/include/usctp/usctp.h")
[[ -n $version ]] || wrong "usctp.h has no USCTP_VERSION"

for header in "$root"/include/usctp/*.h; do
    cmp -s "$header" "$prefix/include/usctp/${header##*/}" || wrong "${header##*/} is not installed"
done
for page in "$root"/docs/man/*.[137]; do
    [[ -e $page ]] || continue
    cmp -s "$page" "$prefix/share/man/man${page##*.}/${page##*/}" || wrong "${page##*/} is not installed"
done
cmp -s "$root/LICENSE" "$prefix/share/doc/usctp/LICENSE" || wrong "LICENSE is not installed"
for tool in "$root"/tools/usctp-*.c; do
    tool=${tool##*/}
    [[ -x $prefix/bin/${tool%.c} ]] || wrong "${tool%.c} is not installed"
done
[[ -L $libdir/libusctp.so && -L $libdir/libusctp.so.0 && -f $libdir/libusctp.so.$version ]] ||
    wrong "libusctp.so: $(ls "$libdir")"
[[ $(readelf -d "$libdir/libusctp.so") == *"[libusctp.so.0]"* ]] || wrong "libusctp.so has no SONAME libusctp.so.0"

# --- what is in it --------------------------------------------------------------------------------

printf 'int main(void) { return 0; }\n' >"$scratch/planted.c"
"$cc" -o "$scratch/planted" "$scratch/planted.c" -Wl,-rpath,"$scratch"
[[ -n $(rpaths "$scratch/planted") ]] || wrong "a planted run path was not seen"
mapfile -t objects < <(find "$prefix" -type f \( -path '*/bin/*' -o -name '*.so*' \))
[[ -z $(rpaths "${objects[@]}") ]] || wrong "run paths: $(rpaths "${objects[@]}")"

# Names of the shared library all belong to its version node, those of the archive are usctp's.
unversioned=$(nm -D --defined-only --with-symbol-versions "$libdir/libusctp.so" |
    awk '$2 != "A" && $3 !~ /^usctp_[a-z0-9_]+@@USCTP_0$/ { print $3 }')
[[ -z $unversioned ]] || wrong "without a version, or not usctp's: $unversioned"
foreign=$(nm -g --defined-only "$libdir/libusctp.a" | awk 'NF == 3 && $3 !~ /^usctp_/ { print $3 }')
[[ -z $foreign ]] || wrong "leaves libusctp.a: $foreign"

# usctp-run preloads the library of its own tree.
if [[ -x $prefix/bin/usctp-run ]]; then
    said=$(timeout 30 "$prefix/bin/usctp-run" "$(command -v grep)" -h usctp-preload /proc/self/maps 2>&1) ||
        wrong "usctp-run: $said"
    [[ $said == *" $libdir/usctp/libusctp-preload.so"* ]] || wrong "usctp-run preloads something else: $said"
fi

# Debugging information names its sources; what tells others where things are does not.
if grep -rIlE "$build|$root|/opt/usctp" "$prefix/lib" "$prefix/include" "$prefix/share"; then
    wrong "these files know where they come from"
fi

# --- pkg-config -----------------------------------------------------------------------------------

export PKG_CONFIG_PATH=$libdir/pkgconfig
[[ $(pkg-config --modversion usctp) == "$version" ]] || wrong "usctp.pc has another version than usctp.h"
read -ra cflags <<<"$(pkg-config --cflags usctp)"
read -ra libs <<<"$(pkg-config --libs usctp)"
read -ra all_libs <<<"$(pkg-config --static --libs usctp)"
strict=(-Wall -Wextra -Wpedantic -Wshadow -Werror)
hello=$here/install/hello.c

c() { "$cc" -std=c11 -D_DEFAULT_SOURCE "${strict[@]}" "${cflags[@]}" -o "$scratch/program" "$hello" "$@"; }
cpp() { "$cxx" "${strict[@]}" "${cflags[@]}" -x c++ -o "$scratch/program" "$hello" -x none "$@"; }

export LD_LIBRARY_PATH=$libdir
c "${libs[@]}"
run "C, shared" "$scratch/program"
needs "$scratch/program" 'libusctp\.so\.0' || wrong "C, shared: not linked with libusctp.so.0"
for standard in c++11 c++17 c++20; do
    cpp -std=$standard "${libs[@]}"
    run "$standard, shared" "$scratch/program"
done
unset LD_LIBRARY_PATH

# The archive: chosen by name beside a shared C library, and where nothing at all is shared, for which
# Debian has no archive of ISA-L's.
mixed=("${all_libs[@]/#-lusctp/-l:libusctp.a}")
c "${mixed[@]}"
run "C, archive" "$scratch/program"
if needs "$scratch/program" libusctp; then wrong "C, archive: linked with the shared library"; fi
cpp -std=c++17 "${mixed[@]}"
run "C++, archive" "$scratch/program"
if [[ ${all_libs[*]} != *-lisal* || -e $("$cc" -print-file-name=libisal.a) ]]; then
    c -static "${all_libs[@]}" 2>"$scratch/log" || { cat "$scratch/log"; wrong "-static does not link"; }
    run "C, -static" "$scratch/program"
fi

# --- CMake ----------------------------------------------------------------------------------------

# configure FOLDER VARIABLE...
configure() {
    local folder=$1
    shift
    cmake -S "$here/install" -B "$scratch/$folder" -DCMAKE_C_COMPILER="$cc" -DCMAKE_CXX_COMPILER="$cxx" \
        "$@" >"$scratch/log" 2>&1
}
for languages in "C;CXX" CXX; do
    folder=cmake_${#languages}
    configure "$folder" -DLANGUAGES="$languages" -DCMAKE_PREFIX_PATH="$prefix" -DWANTED="${version%.*}" ||
        { cat "$scratch/log"; wrong "find_package fails for $languages"; }
    cmake --build "$scratch/$folder" -j 2 >"$scratch/log" 2>&1 || { cat "$scratch/log"; wrong "CMake, $languages"; }
    for program in "$scratch/$folder"/{c,cxx}_{usctp,static}; do
        [[ -x $program || $languages == CXX && $program == */c_* ]] || wrong "${program##*/} was not built"
        [[ ! -x $program ]] || run "CMake, $languages, ${program##*/}" "$program"
    done
done
if needs "$scratch/cmake_5/c_static" libusctp; then wrong "usctp::static is the shared library"; fi
needs "$scratch/cmake_5/c_usctp" 'libusctp\.so\.0' || wrong "usctp::usctp is not libusctp.so.0"
for other in 0.0 9.0; do
    if configure other_$other -DLANGUAGES=C -DCMAKE_PREFIX_PATH="$prefix" -DWANTED=$other; then
        wrong "find_package(usctp $other) takes $version"
    fi
done
configure inside -DLANGUAGES=C -DTREE="$root" || { cat "$scratch/log"; wrong "add_subdirectory() fails"; }

echo "install: built and run by pkg-config and CMake, shared and static, in C and C++, from a moved tree"
