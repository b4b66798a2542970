#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Installs kith for one user, without root.
#
#   ./install.sh                 into ~/.local
#   ./install.sh --prefix DIR    into DIR
#   ./install.sh --uninstall     removes what it installed, and keeps what nodes wrote
set -eu

version='@VERSION@' machine='@MACHINE@' glibc='@GLIBC@'

say() { printf '%s\n' "$*"; }
die() { printf 'install.sh: %s\n' "$*" >&2; exit 1; }

# True when dotted version $1 is at least $2.
at_least() {
    [ "${1%%.*}" -gt "${2%%.*}" ] || { [ "${1%%.*}" -eq "${2%%.*}" ] && [ "${1#*.}" -ge "${2#*.}" ]; }
}

check_system() {
    [ "$(uname -s)" = Linux ] || die "this program is for Linux, and this is $(uname -s)"
    [ "$(uname -m)" = "$machine" ] || die "this program is for $machine processors, and this machine has $(uname -m)"
    here=$(getconf GNU_LIBC_VERSION 2>/dev/null | sed -n 's/^glibc \([0-9]*\.[0-9]*\).*/\1/p') || here=
    [ -n "$here" ] || die "this program needs the C library glibc $glibc or newer, and this system has another one"
    at_least "$here" "$glibc" \
        || die "this program needs glibc $glibc or newer, and this system has $here; Debian 12, Ubuntu 24.04 and Fedora 38 have it"
    missing=$(ldd bin/kith 2>/dev/null | sed -n 's/^[[:space:]]*\([^ ]*\) => not found.*/\1/p')
    [ -z "$missing" ] && return
    say 'install.sh: libraries are missing:' >&2
    for library in $missing; do
        case $library in
            libsqlite3.so.*) say "  $library    Debian, Ubuntu: libsqlite3-0    Fedora: sqlite-libs    Arch: sqlite" ;;
            libqrencode.so.*) say "  $library    Debian, Ubuntu: libqrencode4    Fedora: qrencode-libs    Arch: qrencode" ;;
            libstdc++.so.*) say "  $library    Debian, Ubuntu: libstdc++6    Fedora: libstdc++    Arch: gcc-libs" ;;
            *) say "  $library" ;;
        esac >&2
    done
    die 'install them with the package manager of this system and start this again'
}

# Every file of the archive that is installed, by its path below the prefix.
files() { find share bin -type f | LC_ALL=C sort -r; }

install_all() {
    check_system
    mkdir -p "$prefix/share/kith"
    files | while IFS= read -r file; do
        mkdir -p "$prefix/$(dirname "$file")"
        # A node that runs keeps the program that it was started with, and at no moment is there none.
        cp "$file" "$prefix/$file.new"
        mv -f "$prefix/$file.new" "$prefix/$file"
    done
    sed "s|^ExecStart=/usr/bin/kith|ExecStart=$prefix/bin/kith|" share/systemd/user/kith.service \
        >"$prefix/share/systemd/user/kith.service"
    files >"$prefix/share/kith/installed"
    "$prefix/bin/kith" --version >/dev/null || die "$prefix/bin/kith does not start here"
    say "kith $version is installed: $prefix/bin/kith"
    case ":$PATH:" in
        *":$prefix/bin:"*) ;;
        *) say "It is not on the PATH of this shell yet: export PATH=\"$prefix/bin:\$PATH\"" ;;
    esac
    python3 -c 'import ensurepip, venv' 2>/dev/null \
        || say 'The embedded engine needs Python 3.10 with venv (Debian, Ubuntu: python3-venv); Ollama needs nothing more.'
    /sbin/ldconfig -p 2>/dev/null | grep -q 'libgomp\.so\.1' \
        || say 'The embedded engine needs libgomp.so.1 (Debian, Ubuntu: libgomp1; Fedora: libgomp; Arch: gcc-libs).'
    say 'Next: kith setup'
}

uninstall_all() {
    [ -f "$prefix/share/kith/installed" ] || die "nothing was installed by this in $prefix"
    while IFS= read -r file; do
        rm -f "$prefix/$file"
        rmdir -p "$prefix/$(dirname "$file")" 2>/dev/null || true
    done <"$prefix/share/kith/installed"
    rm -f "$prefix/share/kith/installed"
    rmdir -p "$prefix/share/kith" 2>/dev/null || true
    say "kith is removed from $prefix. What nodes wrote stays: ~/.kith, and the engine in ~/.local/share/kith/engine."
}

prefix=$HOME/.local action=install
while [ $# -gt 0 ]; do
    case $1 in
        --prefix) [ $# -gt 1 ] || die '--prefix needs a folder'; prefix=$2; shift ;;
        --uninstall) action=uninstall ;;
        -h | --help) sed -n '3,7s/^# \{0,1\}//p' "$0"; exit 0 ;;
        *) die "unknown argument '$1'; there are --prefix DIR and --uninstall" ;;
    esac
    shift
done
case $prefix in
    /*) ;;
    *) prefix=$(pwd)/$prefix ;;
esac
cd "$(dirname "$0")"
"${action}_all"
