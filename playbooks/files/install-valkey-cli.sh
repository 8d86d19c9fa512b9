#!/bin/sh
# Installs valkey-cli on an Amazon Linux instance, compiled with TLS, as the lab does it by hand.
#
# Run it as root. A second run changes nothing: it only prints the version that is there.
#   VERSION  the version of Valkey to compile (7.2.7)
#   URL      where its source archive is (the release on GitHub)
#   BUILD    the folder to compile in (valkey-build in /var/tmp, as /tmp is memory on Amazon Linux 2023)
set -eu

VERSION=${VERSION:-7.2.7}
URL=${URL:-https://github.com/valkey-io/valkey/archive/refs/tags/$VERSION.tar.gz}
BUILD=${BUILD:-${TMPDIR:-/var/tmp}/valkey-build}

installed() {
    case "$(valkey-cli --version 2>/dev/null)" in
    "valkey-cli $VERSION" | "valkey-cli $VERSION "* | "valkey-cli $VERSION
"*) return 0 ;;
    *) return 1 ;;
    esac
}

if installed; then
    valkey-cli --version
    exit 0
fi

sudo yum install gcc jemalloc-devel openssl-devel tcl tcl-devel -y
# Amazon Linux comes without make; tar and gzip are there on all but its smallest images.
sudo yum install make tar gzip -y

mkdir -p "$BUILD"
cd "$BUILD"
curl --fail --silent --show-error --location --retry 3 --output "valkey-$VERSION.tar.gz" "$URL"
# Whatever the archive calls its folder, ours is valkey-$VERSION.
rm -rf "valkey-$VERSION"
mkdir "valkey-$VERSION"
tar -xzf "valkey-$VERSION.tar.gz" --strip-components=1 --no-same-owner -C "valkey-$VERSION"
cd "valkey-$VERSION"
if ! sudo make -j"$(nproc)" BUILD_TLS=yes install >"$BUILD/make.log" 2>&1; then
    tail -n 40 "$BUILD/make.log" >&2
    echo "valkey $VERSION did not compile: the last lines are above, all of them in $BUILD/make.log" >&2
    exit 1
fi
cd /
rm -rf "$BUILD"

# PATH may not yet have been searched for the new program.
hash -r
if ! installed; then
    echo "compiled valkey-cli from $URL, but it says: $(valkey-cli --version 2>&1)" >&2
    exit 1
fi
valkey-cli --version
