#!/bin/sh
# Fetches Valkey's source the way Debian ships it and prints the path of the archive.
#
#   RUNBOOK_SANDBOX_VALKEY_SOURCE=$(.ci/fetch-valkey-source.sh) make test
#
# apt gets a source list, keys and folders of its own, so this machine's package lists stay as they are and
# no root is needed. The archive is kept in the cache folder; a second call only prints its path.
# The first argument is the cache folder, VALKEY_SUITE the suite that is asked.
set -eu

cache=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/runbook-valkey-source}
suite=${VALKEY_SUITE:-sid}
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
keyring=${DEBIAN_KEYRING:-/usr/share/keyrings/debian-archive-keyring.gpg}

newest() {
    find "$cache" -maxdepth 1 -name 'valkey_*.orig.tar.*' ! -name '*.asc' | sort -V | tail -n 1
}

found=$(mkdir -p "$cache" && newest)
if [ -n "$found" ]; then
    echo "$found"
    exit 0
fi
if ! command -v apt-get >/dev/null; then
    echo "fetch-valkey-source: needs apt-get, which this machine has not" >&2
    exit 1
fi
if [ ! -r "$keyring" ]; then
    echo "fetch-valkey-source: needs Debian's keys at $keyring (package debian-archive-keyring)" >&2
    exit 1
fi

apt=$cache/apt
mkdir -p "$apt/lists/partial" "$apt/archives/partial" "$apt/etc/preferences.d"
echo "deb-src [signed-by=$keyring] $mirror $suite main" >"$apt/sources.list"
: >"$apt/status"

# apt verifies and unpacks as the user who asks: the cache folder need not be readable by the user "_apt".
aptly() {
    apt-get -q \
        -o Dir::Etc::SourceList="$apt/sources.list" -o Dir::Etc::SourceParts=/dev/null \
        -o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts="$apt/etc/preferences.d" \
        -o Dir::State::Lists="$apt/lists" -o Dir::State::Status="$apt/status" \
        -o Dir::Cache="$apt" -o Dir::Cache::Archives="$apt/archives" \
        -o APT::Sandbox::User="$(id -un)" -o Acquire::Languages=none -o Acquire::Retries=3 "$@" >&2
}

aptly update
(cd "$cache" && aptly source --download-only valkey)

found=$(newest)
if [ -z "$found" ]; then
    echo "fetch-valkey-source: Debian's suite $suite has no source package valkey" >&2
    exit 1
fi
echo "$found"
