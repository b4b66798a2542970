# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# What the makers of packages share: names, the time of the last commit in place of now, and archives that come out the
# same each time. Read by them; not to be run.
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

output=${KITH_PACKAGE_DIR:-.build/package}
program=${KITH_PACKAGE_PROGRAM:-.build/release/kith}
stage=$output/stage
version=${PACKAGE_VERSION:-$(scripts/package-version)}
# In Debian's order "~" comes before the end of a version, and "-" after it.
debian_version=${version/-/\~}
machine=$(uname -m)
name=kith-$version-linux-$machine
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export SOURCE_DATE_EPOCH LC_ALL=C TZ=UTC
day=$(date --utc --date="@$SOURCE_DATE_EPOCH" +%F)
umask 022

say() { printf '%s\n' "$*"; }
die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }
need() {
    command -v "$1" >/dev/null 2>&1 || [[ -x /usr/sbin/$1 ]] || die "$1 is not here${2:+; on Debian: apt install $2}"
}

# Bytes of a file, such as "97.1 MB".
size_of() { numfmt --to=si --suffix=B --format='%.1f' "$(stat -c %s "$1")"; }

# Packs folder $2 of folder $1 to standard output: the same files give the same bytes.
ordered_tar() {
    tar --directory "$1" --sort=name --owner=0 --group=0 --numeric-owner --format=gnu \
        --mtime="@$SOURCE_DATE_EPOCH" --mode='u+rwX,go+rX,go-w' --create "$2"
}

# The oldest version of glibc that program $1 runs with: packed relocations, which it names apart, came with 2.36.
glibc_of() {
    readelf --version-info --wide "$1" | grep -oE 'GLIBC_([0-9]+\.[0-9]+|ABI_DT_RELR)' \
        | sed -e 's/^GLIBC_//' -e 's/ABI_DT_RELR/2.36/' | sort -uV | tail -1
}
