#!/usr/bin/env bash
# Builds the program twice, in two folders of different names and each from nothing, and compares the
# SHA-256. PROFILE=dev is quicker and compares the same.
set -euo pipefail
cd "$(dirname "$0")/.."

profile="${PROFILE:-release}"
folder="$profile"
if [ "$profile" = dev ]; then folder=debug; fi
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
cargo_home="${CARGO_HOME:-$HOME/.cargo}"

built() {
  local tree="$work/$1"
  mkdir -p "$tree"
  # What is committed, and nothing else.
  git archive HEAD | tar -x -C "$tree"
  (
    cd "$tree"
    # Where it was built is in no panic message and no line table.
    RUSTFLAGS="--remap-path-prefix=$tree=/build --remap-path-prefix=$cargo_home=/cargo" \
      CARGO_TARGET_DIR="$tree/target" CARGO_INCREMENTAL=0 SOURCE_DATE_EPOCH=0 \
      cargo build --locked --quiet --profile "$profile" --bin price-linkage
    sha256sum "target/$folder/price-linkage" | cut -d' ' -f1
  )
}

first="$(built one)"
second="$(built the-other-folder)"
echo "first:  $first"
echo "second: $second"
test "$first" = "$second"
