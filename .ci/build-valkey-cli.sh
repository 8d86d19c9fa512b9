#!/bin/sh
# Compiles valkey-cli with TLS from a source archive and prints where it is, for the tests that compare its replies with ours.
#
#   RUNBOOK_TEST_VALKEY_CLI=$(.ci/build-valkey-cli.sh ARCHIVE) make test
#
# It is kept beside the archive; a second call only prints its path. Needs a C compiler, make and OpenSSL's headers.
set -eu

archive=$1
made=$(dirname "$archive")/valkey-cli-of-$(basename "$archive")
if [ ! -x "$made" ]; then
    build=$(mktemp -d)
    trap 'rm -rf "$build"' EXIT
    tar -xf "$archive" -C "$build" --strip-components=1
    if ! make -C "$build" -j2 valkey-cli BUILD_TLS=yes MALLOC=libc >"$build/make.log" 2>&1; then
        tail -n 20 "$build/make.log" >&2
        exit 1
    fi
    cp "$build/src/valkey-cli" "$made.new"
    mv "$made.new" "$made"
fi
"$made" --version >&2
echo "$made"
