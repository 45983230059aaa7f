#!/bin/sh
# Builds the handler and lays out the deployment package, by default in dist/:
#
#   host.json              as at the root of the repository
#   handler                the program, mode 0755
#   NAME/function.json     one folder for each of function-definitions/
#   subscriptions.toml     the declared subscriptions, unless they are read from a blob
#
# The Functions host looks for functions in immediate subfolders only, so nothing is nested.
# Works from any directory. azd runs it before it makes the package.
set -eu

usage() {
    cat <<'USAGE'
usage: package.sh [--out DIR] [--binary FILE | --target TRIPLE] [--subscriptions FILE | --no-subscriptions]

  --out DIR             where the package goes; default: dist at the root of the repository
  --binary FILE         take this program instead of building one
  --target TRIPLE       build for this target; one that ends in a glibc version, such as
                        x86_64-unknown-linux-gnu.2.31, is built with cargo-zigbuild
  --subscriptions FILE  the declaration to ship; default: subscriptions.toml at the root
  --no-subscriptions    ship none; default when EVERGRAPH_SUBSCRIPTIONS is an https URL
USAGE
}

die() {
    echo "package.sh: $*" >&2
    exit 1
}

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
out=$root/dist
binary=
target=
subscriptions=$root/subscriptions.toml
case ${EVERGRAPH_SUBSCRIPTIONS:-} in
https://*) subscriptions= ;;
esac

while [ $# -gt 0 ]; do
    case $1 in
    --out | --binary | --target | --subscriptions)
        [ $# -ge 2 ] || die "$1 needs a value"
        case $1 in
        --out) out=$2 ;;
        --binary) binary=$2 ;;
        --target) target=$2 ;;
        --subscriptions) subscriptions=$2 ;;
        esac
        shift 2
        ;;
    --no-subscriptions)
        subscriptions=
        shift
        ;;
    -h | --help)
        usage
        exit 0
        ;;
    *)
        usage >&2
        die "unknown argument $1"
        ;;
    esac
done

if [ -n "$subscriptions" ] && [ ! -f "$subscriptions" ]; then
    die "$subscriptions is missing. Declare the subscriptions there, name another file with
  --subscriptions, or set EVERGRAPH_SUBSCRIPTIONS to the URL of a blob."
fi

# A folder that is no package is not ours to replace.
if [ -e "$out" ] && [ ! -f "$out/host.json" ] && [ -n "$(ls -A "$out")" ]; then
    die "$out is not empty and holds no host.json, so it is not replaced. Name another with --out."
fi

if [ -z "$binary" ]; then
    if [ -z "$target" ] && [ "$(uname -s)-$(uname -m)" != Linux-x86_64 ]; then
        die "Azure runs Linux on x86-64, and this machine is $(uname -s) on $(uname -m). Name a
  target, such as --target x86_64-unknown-linux-gnu.2.31 (needs cargo-zigbuild)."
    fi
    build=build
    case $target in
    *.[0-9]*.[0-9]* | *-gnu.[0-9]*) build=zigbuild ;;
    esac
    built=$root/target
    if [ -n "${CARGO_TARGET_DIR:-}" ]; then
        built=$(cd -- "$root" && mkdir -p -- "$CARGO_TARGET_DIR" && CDPATH='' cd -- "$CARGO_TARGET_DIR" && pwd)
    fi
    set -- --release --locked --no-default-features --bin handler
    if [ -n "$target" ]; then
        set -- "$@" --target "$target"
        # cargo-zigbuild writes to the folder of the triple without the glibc version.
        built=$built/${target%%.*}
    fi
    (cd -- "$root" && cargo "$build" "$@")
    binary=$built/release/handler
fi

[ -f "$binary" ] || die "$binary is missing"
# The first bytes of an ELF file; byte 18 is the machine, 62 for x86-64.
if [ "$(od -An -tx1 -N4 "$binary" | tr -d ' \n')" != 7f454c46 ] ||
    [ "$(od -An -tu1 -j18 -N1 "$binary" | tr -d ' \n')" != 62 ]; then
    die "$binary is no Linux program for x86-64, which is what Azure runs"
fi

# Laid out aside and moved at the end: a failed run leaves no half package behind.
parent=$(dirname -- "$out")
mkdir -p -- "$parent"
new=$(mktemp -d "$parent/.package.XXXXXX")
trap 'rm -rf -- "$new"' EXIT
chmod 755 "$new"

cp -- "$root/host.json" "$new/host.json"
for definition in "$root"/function-definitions/*/function.json; do
    folder=$new/$(basename -- "$(dirname -- "$definition")")
    mkdir -- "$folder"
    cp -- "$definition" "$folder/function.json"
done
cp -- "$binary" "$new/handler"
chmod 755 "$new/handler"
if [ -n "$subscriptions" ]; then
    cp -- "$subscriptions" "$new/subscriptions.toml"
fi

rm -rf -- "$out"
mv -- "$new" "$out"
trap - EXIT
echo "package.sh: $out is ready" >&2
